//! Sums of the features of each class: what naive Bayes trains on.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::labels::Allowed;
pub use super::labels::Names;
use super::moments::Moments;
use super::{Summary, Weights, check_room, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::classification::naive_bayes::Type;
use crate::ml::error::invalid_value;
use crate::values::vector::VectorColumn;

/// One class: its weight, and the sums of its rows' features.
#[derive(Clone, PartialEq, Message)]
pub struct Class {
    /// The class.
    #[prost(double, tag = "1")]
    pub label: f64,
    /// Sum of the weights of its rows.
    #[prost(double, tag = "2")]
    pub weight: f64,
    /// Weighted sum of each feature; empty for Gaussian models.
    #[prost(double, repeated, tag = "3")]
    pub sums: Vec<f64>,
    /// Moments of the features, for Gaussian models only.
    #[prost(message, optional, tag = "4")]
    pub moments: Option<Moments>,
}

/// All classes, and the size of the first vector.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Sums per class, in no order.
    #[prost(message, repeated, tag = "1")]
    pub classes: Vec<Class>,
    /// Number of features; 0 without rows.
    #[prost(uint64, tag = "2")]
    pub features: u64,
    /// Number of rows.
    #[prost(int64, tag = "3")]
    pub rows: i64,
}

impl State {
    /// Multiplies all weights with a factor: what was learned counts for less. The number of rows stays.
    pub fn scale(&mut self, factor: f64) {
        for class in &mut self.classes {
            class.weight *= factor;
            class.sums.iter_mut().for_each(|s| *s *= factor);
            if let Some(moments) = &mut class.moments {
                moments.scale(factor);
            }
        }
    }
}

/// Returns a class, which begins without sums.
fn class_of(classes: &mut BTreeMap<i32, Class>, label: i32) -> &mut Class {
    classes.entry(label).or_insert_with(|| Class {
        label: label.into(),
        ..Class::default()
    })
}

/// Sums by class over (features, label) or (features, label, weight).
///
/// Memory is classes × features × 8 bytes, a Gaussian model's seven times that.
#[derive(Debug)]
pub struct Classes {
    /// The type of model, which decides which features are valid and what is summed up.
    kind: Type,
    /// Names of the columns in errors.
    names: Names,
    /// Sums by label.
    classes: BTreeMap<i32, Class>,
    /// Size of the first vector.
    features: u64,
    /// Number of rows.
    rows: i64,
}

impl Classes {
    /// Returns an empty summary for a type of model; errors use `names`.
    pub fn new(kind: Type, names: Names) -> Self {
        Self {
            kind,
            names,
            classes: BTreeMap::new(),
            features: 0,
            rows: 0,
        }
    }

    /// Returns the label of a row as a whole number.
    ///
    /// # Errors
    /// `USER_RAISED_EXCEPTION` if it is null, NaN, negative, too large or has a fraction.
    fn label(&self, labels: &arrow::array::Float64Array, row: usize) -> Result<i32> {
        let label = super::labels::label(labels, row, Allowed::Classes(i32::MAX), &self.names.label)?;
        Ok(label as i32)
    }

    /// Counts a row with features of a number, which all rows must have.
    fn count(&mut self, size: usize) {
        if self.rows == 0 {
            self.features = size as u64;
        }
        self.rows += 1;
    }

    /// Counts a row of a class, and returns the sums to which its features are to be added.
    ///
    /// # Errors
    /// If the features are of another number than those before.
    fn sums(&mut self, label: i32, weight: f64, size: usize, row: usize) -> Result<&mut [f64]> {
        self.count(size);
        let known = self.classes.len();
        let class = class_of(&mut self.classes, label);
        class.weight += weight;
        if class.sums.is_empty() {
            check_room("The sums of classes", (known + 1).saturating_mul(size))?;
            class.sums = vec![0.0; size];
        }
        let expected = class.sums.len();
        if expected != size {
            let message = format!("Dimensions mismatch when adding new sample. Expecting {expected} but got {size}.");
            return Err(SparkError::requirement(format!(
                "{message} (column `{}`, row {row} of its batch)",
                self.names.features
            )));
        }
        Ok(&mut class.sums)
    }

    /// Counts a row whose features are counts of terms, which are valid. Returns the sums to which they are to be added,
    /// and the row's weight.
    ///
    /// # Errors
    /// If label or weight are refused, or there are other numbers of features.
    pub(super) fn row(
        &mut self,
        labels: &arrow::array::Float64Array,
        weights: &Weights<'_>,
        size: usize,
        row: usize,
    ) -> Result<(&mut [f64], f64)> {
        let label = self.label(labels, row)?;
        let weight = weights.get(row, &self.names.weight)?;
        Ok((self.sums(label, weight, size, row)?, weight))
    }
}

impl Summary for Classes {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        for row in 0..vectors.len() {
            let label = self.label(labels, row)?;
            let weight = weights.get(row, &self.names.weight)?;
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.names.features, row))?;
            if let Some(objection) = self.kind.objection(vector) {
                let message = format!("{objection}, but got {vector}");
                return Err(invalid_value(message, &self.names.features, row));
            }
            if self.kind == Type::Gaussian {
                self.count(vector.size());
                let class = class_of(&mut self.classes, label);
                class.weight += weight;
                class.moments.get_or_insert_with(Moments::default).add(vector, weight)?;
                continue;
            }
            let sums = self.sums(label, weight, vector.size(), row)?;
            for (i, value) in vector.stored() {
                sums[i] += weight * value;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.take(State::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        self.state().encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.classes.len() * self.features as usize * 8
    }
}

impl Classes {
    /// Returns the sums so far, in the order of the labels.
    pub fn state(&self) -> State {
        State {
            classes: self.classes.values().cloned().collect(),
            features: self.features,
            rows: self.rows,
        }
    }

    /// Takes in other sums.
    ///
    /// # Errors
    /// If they are of vectors of another size.
    pub fn take(&mut self, state: State) -> Result<()> {
        if self.rows == 0 {
            self.features = state.features;
        }
        self.rows += state.rows;
        for other in state.classes {
            let class = class_of(&mut self.classes, other.label as i32);
            class.weight += other.weight;
            if let Some(moments) = other.moments {
                class.moments.get_or_insert_with(Moments::default).merge(moments)?;
            }
            if class.sums.is_empty() {
                class.sums = other.sums;
            } else if class.sums.len() == other.sums.len() {
                class.sums.iter_mut().zip(&other.sums).for_each(|(a, b)| *a += b);
            } else if !other.sums.is_empty() {
                return Err(SparkError::requirement(format!(
                    "Dimensions mismatch when merging: {} features and {} features in column {}.",
                    class.sums.len(),
                    other.sums.len(),
                    self.names.features
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::vector::VectorBuilder;
    use crate::values::vector::VectorRef;
    use arrow::array::Float64Array;
    use std::sync::Arc;

    fn classes(kind: Type) -> Classes {
        let names = Names {
            label: "label".into(),
            features: "features".into(),
            weight: String::new(),
        };
        Classes::new(kind, names)
    }

    fn rows(rows: &[(f64, &[f64])]) -> Vec<ArrayRef> {
        let mut vectors = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(_, v)| vectors.push(VectorRef::Dense(v)));
        let labels: Float64Array = rows.iter().map(|(l, _)| Some(*l)).collect();
        vec![vectors.finish().unwrap(), Arc::new(labels)]
    }

    #[test]
    fn partitions_sum_up_to_the_whole() {
        let all: [(f64, &[f64]); 3] = [(0.0, &[1.0, 2.0]), (1.0, &[0.0, 5.0]), (0.0, &[4.0, 0.0])];
        let mut whole = classes(Type::Multinomial);
        whole.update(&rows(&all)).unwrap();
        let mut merged = classes(Type::Multinomial);
        for part in [&all[..1], &all[1..]] {
            let mut one = classes(Type::Multinomial);
            one.update(&rows(part)).unwrap();
            merged.merge(&one.encode()).unwrap();
        }
        assert_eq!(merged.encode(), whole.encode());
        let state = State::decode(&whole.encode()[..]).unwrap();
        assert_eq!(
            (state.classes[0].weight, &state.classes[0].sums),
            (2.0, &vec![5.0, 2.0])
        );
    }

    #[test]
    fn a_refused_row_names_its_column_and_number() {
        let error = classes(Type::Bernoulli)
            .update(&rows(&[(0.0, &[1.0]), (1.0, &[2.0])]))
            .unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("USER_RAISED_EXCEPTION"));
        assert!(error.message.contains("`features`, row 1"), "{error}");
        let error = classes(Type::Multinomial).update(&rows(&[(0.5, &[1.0])])).unwrap_err();
        assert!(
            error.message.starts_with("Labels MUST be Integers, but got 0.5"),
            "{error}"
        );
    }
}
