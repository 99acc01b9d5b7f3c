//! What plans know of columns beyond their types (`AttributeGroup`, `Attribute`): which features vectors have, and which columns and
//! features are categories.
//!
//! Spark keeps this in a column's metadata. Here it is kept by the column's id for the time of one plan: a rename keeps it, an expression
//! over the column loses it.

use std::sync::Arc;

use super::columns::Input;
use super::transform::Context;
use crate::error::Result;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;

/// What the values of a feature are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Numbers (`NumericAttribute`).
    #[default]
    Numbers,
    /// 0 or 1 (`BinaryAttribute`).
    Binary,
    /// Indices of categories (`NominalAttribute`): how many there are, if that is known.
    Categories(Option<u32>),
}

/// A feature of a column of vectors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feature {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What its values are.
    pub scale: Scale,
}

impl Feature {
    /// Returns a feature that holds numbers.
    pub fn of_numbers(name: Option<String>) -> Self {
        Self {
            name,
            scale: Scale::Numbers,
        }
    }
}

/// The features of a column of vectors, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// Those that are known.
    known: Vec<Feature>,
    /// The place within `known` of a vector that was assembled without its size being known: it has numbers only.
    gap: Option<usize>,
}

impl Features {
    /// Returns features that are all known.
    pub fn new(known: Vec<Feature>) -> Self {
        Self { known, gap: None }
    }

    /// Returns `size` features that hold numbers and have no names.
    pub fn unnamed(size: usize) -> Self {
        Self::new(vec![Feature::default(); size])
    }

    /// Returns the features of a vector about which nothing is known.
    pub fn unknown() -> Self {
        Self {
            known: vec![],
            gap: Some(0),
        }
    }

    /// Returns all features; `None` if there are some that are not known.
    pub fn all(&self) -> Option<&[Feature]> {
        self.gap.is_none().then_some(&self.known)
    }

    /// Appends the features of another vector; `None` if the sizes of two are unknown.
    #[must_use]
    pub fn followed_by(mut self, next: Self) -> Option<Self> {
        if self.gap.is_some() && next.gap.is_some() {
            return None;
        }
        self.gap = self.gap.or(next.gap.map(|gap| self.known.len() + gap));
        self.known.extend(next.known);
        Some(self)
    }

    /// Returns the same features with a change to each.
    #[must_use]
    pub fn map(&self, change: impl Fn(usize, &Feature) -> Feature) -> Self {
        Self {
            known: self.known.iter().enumerate().map(|(i, f)| change(i, f)).collect(),
            gap: self.gap,
        }
    }

    /// Returns what the values of each feature of vectors of `size` are; all hold numbers if the size is another one.
    pub fn scales(&self, size: usize) -> Vec<Scale> {
        let unknown = match (self.gap, size.checked_sub(self.known.len())) {
            (None, Some(0)) => 0,
            (Some(_), Some(unknown)) => unknown,
            _ => return vec![Scale::Numbers; size],
        };
        let (before, after) = self.known.split_at(self.gap.unwrap_or_default());
        let scales = |part: &[Feature]| part.iter().map(|f| f.scale).collect::<Vec<_>>();
        [scales(before), vec![Scale::Numbers; unknown], scales(after)].concat()
    }
}

/// What a plan knows of a column.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The features of vectors.
    pub features: Option<Arc<Features>>,
    /// How many categories there are, if values are their indices.
    pub categories: Option<usize>,
}

impl Analyzer {
    /// Returns the features of a column of vectors; `None` if nothing is known of them.
    pub(super) fn features_of(&self, read: &Input) -> Option<Arc<Features>> {
        let attribute = read.typed.attribute.as_ref()?;
        Context::seen(self)?.features.get(&attribute.id).cloned()
    }

    /// Returns the names of the features of a column of vectors, as far as they have one; `None` if nobody knows how many there are.
    pub(super) fn feature_names(&self, read: &Input) -> Option<Vec<Option<String>>> {
        let features = self.features_of(read)?;
        Some(features.all()?.iter().map(|f| f.name.clone()).collect())
    }

    /// Returns the labels of a column that holds their indices; `None` for other columns.
    pub(super) fn labels_of(&self, read: &Input) -> Option<Arc<Vec<String>>> {
        let attribute = read.typed.attribute.as_ref()?;
        Context::seen(self)?.labels.get(&attribute.id).cloned()
    }

    /// Returns what the values of a column are.
    pub(super) fn scale_of(&self, read: &Input) -> Scale {
        let (Some(attribute), Some(context)) = (read.typed.attribute.as_ref(), Context::seen(self)) else {
            return Scale::Numbers;
        };
        match context.labels.get(&attribute.id) {
            Some(labels) => Scale::Categories(u32::try_from(labels.len()).ok()),
            None if context.binary.contains(&attribute.id) => Scale::Binary,
            None => Scale::Numbers,
        }
    }

    /// Returns what is known of a column.
    pub(super) fn known_of(&self, read: &Input) -> Known {
        let categories = match self.scale_of(read) {
            Scale::Numbers => None,
            Scale::Binary => Some(2),
            Scale::Categories(count) => count.map(|count| count as usize),
        };
        Known {
            features: self.features_of(read),
            categories,
        }
    }

    /// Notes the features of the last column, which a stage has just made; nothing if they are unknown.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub(super) fn note_features(&mut self, made: &Resolved, features: Option<Features>) -> Result<()> {
        if let (Some(last), Some(features)) = (made.output.last(), features) {
            self.ml()?.features.insert(last.id.clone(), Arc::new(features));
        }
        Ok(())
    }

    /// Notes the names of the features of the last column, which hold numbers; nothing if they are unknown.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub(super) fn name_features(&mut self, made: &Resolved, names: Option<Vec<Option<String>>>) -> Result<()> {
        let features = names.map(|names| Features::new(names.into_iter().map(Feature::of_numbers).collect()));
        self.note_features(made, features)
    }

    /// Notes the features of a column by its name.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub(super) fn note_features_of(&mut self, made: &Resolved, column: &str, features: Arc<Features>) -> Result<()> {
        if let Some(found) = made.output.iter().find(|a| a.name == column) {
            self.ml()?.features.insert(found.id.clone(), features);
        }
        Ok(())
    }

    /// Notes that the last column holds indices of labels.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub(super) fn note_labels(&mut self, made: &Resolved, labels: Arc<Vec<String>>) -> Result<()> {
        if let Some(last) = made.output.last() {
            self.ml()?.labels.insert(last.id.clone(), labels);
        }
        Ok(())
    }

    /// Notes that the last column holds 0 and 1.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the analyzer was made without the extension.
    pub(super) fn note_binary(&mut self, made: &Resolved) -> Result<()> {
        if let Some(last) = made.output.last() {
            self.ml()?.binary.insert(last.id.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scale: Scale) -> Features {
        Features::new(vec![Feature { name: None, scale }])
    }

    #[test]
    fn features_after_a_vector_of_unknown_size_are_counted_from_the_end() {
        let (binary, three) = (of(Scale::Binary), of(Scale::Categories(Some(3))));
        let all = binary
            .followed_by(Features::unknown())
            .unwrap()
            .followed_by(three)
            .unwrap();
        assert_eq!(all.all(), None);
        let numbers = Scale::Numbers;
        assert_eq!(
            all.scales(4),
            [Scale::Binary, numbers, numbers, Scale::Categories(Some(3))]
        );
        assert_eq!(all.scales(2), [Scale::Binary, Scale::Categories(Some(3))]);
        assert_eq!(all.scales(1), [numbers]);
        assert!(all.followed_by(Features::unknown()).is_none());
    }

    #[test]
    fn vectors_of_another_size_have_numbers_only() {
        assert_eq!(of(Scale::Binary).scales(2), [Scale::Numbers; 2]);
        assert_eq!(of(Scale::Binary).scales(1), [Scale::Binary]);
    }
}
