//! Features selected by tests against the label: which ones, and the models that keep them.
//!
//! [`chi_sq`] and [`univariate`] are the two stages. Both train on the summary of a [test](crate::ml::stat::tests), choose
//! by the p-values ([`chosen`]), and make the same kind of model.

pub mod chi_sq;
pub mod univariate;

use prost::Message;

use super::variance_threshold::{select, selected_features};
use crate::error::Result;
use crate::ml::attributes::Scale;
use crate::ml::columns::Body;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{Decoded, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row};
use crate::ml::stat::tests::Tested;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector;

/// By what features are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    /// So many with the least p-values.
    Top(usize),
    /// Those whose p-value is below a bound.
    Below(f64),
    /// The procedure of Benjamini and Hochberg for a share of false discoveries.
    FalseDiscoveries(f64),
}

/// How a selector chooses, by the word that its params have for it.
fn by(mode: &str, threshold: f64, features: usize) -> By {
    match mode {
        "percentile" => By::Top((features as f64 * threshold) as usize),
        "fpr" => By::Below(threshold),
        "fdr" => By::FalseDiscoveries(threshold),
        "fwe" => By::Below(threshold / features as f64),
        _ => By::Top(threshold as usize),
    }
}

/// Returns the features that are chosen, in the order of their p-values, or of their indices if a bound chooses.
fn chosen(tested: &[Tested], by: By) -> Vec<i32> {
    let mut order: Vec<usize> = (0..tested.len()).collect();
    order.sort_by(|a, b| tested[*a].p.total_cmp(&tested[*b].p));
    let count = match by {
        By::Top(count) => count,
        By::Below(bound) => {
            let below = tested.iter().zip(0..).filter(|(t, _)| t.p < bound);
            return below.map(|(_, feature)| feature).collect();
        }
        By::FalseDiscoveries(share) => {
            let step = share / tested.len() as f64;
            let holds = |place: &usize| tested[order[*place]].p <= step * (place + 1) as f64;
            (0..order.len()).rev().find(holds).map_or(0, |place| place + 1)
        }
    };
    order.into_iter().take(count).map(|feature| feature as i32).collect()
}

/// Which selector made a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// `ChiSqSelector`.
    ChiSq,
    /// `UnivariateFeatureSelector`.
    Univariate,
}

impl Maker {
    /// Returns the kind of models that it makes.
    fn kind(self) -> &'static ModelKind {
        match self {
            Self::ChiSq => &chi_sq::KIND,
            Self::Univariate => &univariate::KIND,
        }
    }

    /// Returns the class of the models without the package.
    fn short(self) -> &'static str {
        match self {
            Self::ChiSq => "ChiSqSelectorModel",
            Self::Univariate => "UnivariateFeatureSelectorModel",
        }
    }

    /// Decodes a model.
    fn decoded(self, bytes: &[u8]) -> Decoded {
        let Features { features } = Features::decode(bytes)?;
        Ok(std::sync::Arc::new(Chosen { maker: self, features }))
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if it has no features, or one below 0.
    fn read(self, row: &Row<'_>) -> Result<std::sync::Arc<dyn Fitted>> {
        let features = row.ints("selectedFeatures")?;
        if features.iter().any(|feature| *feature < 0) {
            return Err(row.corrupt("a selected feature has a negative index"));
        }
        Ok(std::sync::Arc::new(Chosen { maker: self, features }))
    }
}

/// The features of a model as a message.
#[derive(Clone, PartialEq, Message)]
struct Features {
    /// Their indices.
    #[prost(int32, repeated, tag = "1")]
    features: Vec<i32>,
}

/// A model of a selector: the features that were chosen.
#[derive(Debug, Clone)]
struct Chosen {
    /// Which selector made it.
    maker: Maker,
    /// Indices of the features, in the order in which they were chosen.
    features: Vec<i32>,
}

impl Fitted for Chosen {
    fn kind(&self) -> &'static ModelKind {
        self.maker.kind()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let features = self.features.clone();
        Features { features }.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let (mut features, name, stage) = (self.features.clone(), read.name.clone(), self.maker.short());
        features.sort_unstable();
        let otherwise = match self.maker {
            Maker::ChiSq => Scale::Categories(None),
            Maker::Univariate => Scale::Numbers,
        };
        let selected = selected_features(analyzer, &read, &features, otherwise);
        let body: Body = Box::new(move |args, _| Ok(select(&features, &args[0], stage, &name)?));
        let output = analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)?;
        analyzer.note_features(&output, Some(selected))?;
        Ok(output)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok((name == "selectedFeatures").then(|| {
            let indices = self.features.iter().map(|i| Value::Int((*i).into()));
            (Value::List(indices.collect()), Kind::Ints)
        }))
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(format!("numSelectedFeatures={}", self.features.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::ints("selectedFeatures", &self.features)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_chosen_by_their_p_values() {
        let tested: Vec<Tested> = [0.03, 0.6, 0.001, 0.03]
            .iter()
            .map(|p| Tested {
                p: *p,
                freedom: 1,
                statistic: 0.0,
            })
            .collect();
        assert_eq!(chosen(&tested, by("numTopFeatures", 2.0, 4)), [2, 0]);
        assert_eq!(chosen(&tested, by("percentile", 0.8, 4)), [2, 0, 3]);
        assert_eq!(chosen(&tested, by("fpr", 0.03, 4)), [2]);
        // Of the sorted values 0.001, 0.03, 0.03, 0.6 the third is the last that is at most its share of 0.04.
        assert_eq!(chosen(&tested, by("fdr", 0.04, 4)), [2, 0, 3]);
        assert_eq!(chosen(&tested, by("fwe", 0.004, 4)), [0i32; 0]);
    }
}
