//! `VarianceThresholdSelector`: the features that vary enough.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use super::scale::{self, each_vector};
use crate::error::Result;
use crate::ml::attributes::{Feature, Features, Scale};
use crate::ml::columns::{Body, Input, Reads};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Default, FEATURES, NON_NEGATIVE, OUTPUT, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::moments::MomentsOf;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, Vector, VectorRef};

/// Selects the features whose variance in training is above `varianceThreshold`; null vectors are errors
/// (`VarianceThresholdSelector`).
#[derive(Debug)]
pub struct VarianceThresholdSelector;

impl Stage for VarianceThresholdSelector {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.VarianceThresholdSelector"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            FEATURES,
            OUTPUT,
            param("varianceThreshold", Kind::Double, Default::Double(0.0), NON_NEGATIVE),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for VarianceThresholdSelector {
    fn training(&self, params: &Params) -> Result<Training> {
        let column = params.text("featuresCol")?;
        let reads = vec![(column.clone(), Reads::Vectors)];
        Ok(Training::new(reads, move || Box::new(MomentsOf::new(column.clone()))))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let moments = scale::moments(state)?;
        let least = params.double("varianceThreshold")?;
        let ranges = moments.minima().into_iter().zip(moments.maxima());
        // Rounding may leave a constant feature a variance above 0.
        let selected = ranges.zip(moments.variances()).zip(0..);
        let selected = selected.filter(|(((low, high), variance), _)| low != high && *variance > least);
        Ok(Model::new(
            params,
            Selected {
                features: selected.map(|(_, index)| index).collect(),
            },
        ))
    }
}

/// `VarianceThresholdSelectorModel`: the features that were selected.
#[derive(Clone, PartialEq, Message)]
pub struct Selected {
    /// Indices, ascending.
    #[prost(int32, repeated, tag = "1")]
    pub features: Vec<i32>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.VarianceThresholdSelectorModel"),
    tag: 19,
    decode: model::decoded::<Selected>,
    read: |row| {
        let mut features = row.ints("selectedFeatures")?;
        features.sort_unstable();
        if features.first().is_some_and(|first| *first < 0) {
            return Err(row.corrupt("a selected feature has a negative index"));
        }
        Ok(Arc::new(Selected { features }))
    },
};

impl Fitted for Selected {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let (features, name) = (self.features.clone(), read.name.clone());
        let body: Body =
            Box::new(move |args, _| Ok(select(&features, &args[0], "VarianceThresholdSelectorModel", &name)?));
        let selected = selected_features(analyzer, &read, &self.features, Scale::Numbers);
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

/// Returns what is known of the selected features of a column; `otherwise` is what their values are if nothing is known of the column.
pub(super) fn selected_features(analyzer: &Analyzer, read: &Input, selected: &[i32], otherwise: Scale) -> Features {
    let features = analyzer.features_of(read);
    let known = features.as_ref().and_then(|features| features.all());
    let feature = |index: &i32| match known {
        Some(known) => known.get(*index as usize).cloned().unwrap_or_default(),
        None => Feature {
            name: None,
            scale: otherwise,
        },
    };
    Features::new(selected.iter().map(feature).collect())
}

/// Returns vectors of the selected features; dense ones stay dense, sparse ones sparse.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null, and at a dense vector that lacks a selected feature.
pub(super) fn select(features: &[i32], vectors: &dyn Array, stage: &'static str, column: &str) -> Result<ArrayRef> {
    each_vector(stage, vectors, column, |v| selected(features, v))
}

/// Returns the selected features of one vector, or what is wrong with it in Java's words.
///
/// Sparse vectors are not checked for their size, as in Spark: what they do not store is 0.
fn selected(features: &[i32], vector: VectorRef<'_>) -> std::result::Result<Vector, String> {
    match vector {
        VectorRef::Dense(values) => {
            let at = |i: &i32| {
                values.get(*i as usize).copied().ok_or_else(|| {
                    let size = values.len();
                    format!("java.lang.ArrayIndexOutOfBoundsException: Index {i} out of bounds for length {size}")
                })
            };
            Ok(Vector::Dense(
                features.iter().map(at).collect::<std::result::Result<_, _>>()?,
            ))
        }
        VectorRef::Sparse { indices, values, .. } => {
            let kept = indices.iter().zip(values);
            let kept = kept.filter_map(|(i, x)| Some((features.binary_search(i).ok()? as i32, *x)));
            let (indices, values) = kept.unzip();
            Ok(Vector::Sparse {
                size: features.len(),
                indices,
                values,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_features_move_up_and_keep_the_form_of_their_vector() {
        let dense = selected(&[0, 3], VectorRef::Dense(&[5.0, 6.0, 7.0, 8.0]));
        assert_eq!(dense, Ok(Vector::Dense(vec![5.0, 8.0])));
        let sparse = VectorRef::Sparse {
            size: 4,
            indices: &[1, 3],
            values: &[6.0, 8.0],
        };
        let expected = Vector::Sparse {
            size: 2,
            indices: vec![1],
            values: vec![8.0],
        };
        assert_eq!(selected(&[0, 3], sparse), Ok(expected));
    }

    #[test]
    fn a_dense_vector_without_a_selected_feature_is_refused() {
        assert!(selected(&[2], VectorRef::Dense(&[5.0, 6.0])).is_err());
    }
}
