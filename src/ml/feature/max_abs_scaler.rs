//! `MaxAbsScaler`: features divided by their largest absolute value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use super::scale::{self, each, fitting};
use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{INPUT, OUTPUT, Param, Params};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector;

/// Learns the largest absolute value of each feature (`MaxAbsScaler`); a null vector is an error.
///
/// Scaled features are within [-1, 1] on the training data; zeros stay zeros, so sparse vectors stay sparse.
#[derive(Debug)]
pub struct MaxAbsScaler;

impl Stage for MaxAbsScaler {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.MaxAbsScaler"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for MaxAbsScaler {
    fn training(&self, params: &Params) -> Result<Training> {
        scale::moments_of_input(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let moments = scale::moments(state)?;
        let (low, high) = (moments.minima(), moments.maxima());
        let values = low.iter().zip(&high).map(|(a, b)| a.abs().max(b.abs())).collect();
        Ok(Model::new(params, Numbers { values }))
    }
}

/// `MaxAbsScalerModel`: the largest absolute value of each feature.
#[derive(Clone, PartialEq, Message)]
pub struct Numbers {
    /// The largest absolute value per feature; 0 for a feature that was always 0.
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.MaxAbsScalerModel"),
    tag: 17,
    decode: model::decoded::<Numbers>,
    read: |row| {
        Ok(Arc::new(Numbers {
            values: row.vector("maxAbs")?,
        }))
    },
};

impl Fitted for Numbers {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = analyzer.vectors(&input, &column)?;
        let name = read.name.clone();
        let most = self.values.clone();
        let body: Body = Box::new(move |args, _| Ok(max_abs(&most, &args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "maxAbs" => Some(model::compressed(&self.values)),
            _ => None,
        })
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(format!("numFeatures={}", self.values.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::vector("maxAbs", &self.values)?])
    }
}

/// Divides each feature by its largest absolute value; features that were all zero stay as they are.
///
/// # Errors
/// If a vector is of another size than those of training.
fn max_abs(most: &[f64], vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let scale: Vec<f64> = most.iter().map(|m| if *m == 0.0 { 1.0 } else { 1.0 / m }).collect();
    vector::map(vectors, |row, v| {
        fitting(v, scale.len(), column, row)?;
        Ok(each(v, |i, x| x * scale[i]))
    })
}
