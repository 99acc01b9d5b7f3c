//! `MinMaxScaler`: features brought to one range.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use super::scale::{self, fitting};
use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::text;
use crate::values::vector::{self, VectorRef};

/// Learns the range of each feature (`MinMaxScaler`); a null vector is an error.
///
/// `min` and `max` are the range to which features are brought, 0 to 1 by default. Values outside of the training range
/// land outside of it.
#[derive(Debug)]
pub struct MinMaxScaler;

impl Stage for MinMaxScaler {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.MinMaxScaler"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("max", Kind::Double, Default::Double(1.0), Check::Any),
            param("min", Kind::Double, Default::Double(0.0), Check::Any),
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

impl Estimator for MinMaxScaler {
    fn training(&self, params: &Params) -> Result<Training> {
        scale::moments_of_input(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let moments = scale::moments(state)?;
        Ok(Model::new(
            params,
            Bounds {
                min: moments.minima(),
                max: moments.maxima(),
            },
        ))
    }
}

/// `MinMaxScalerModel`: the range of each feature in training.
#[derive(Clone, PartialEq, Message)]
pub struct Bounds {
    /// The least value per feature.
    #[prost(double, repeated, tag = "1")]
    pub min: Vec<f64>,
    /// The greatest value per feature.
    #[prost(double, repeated, tag = "2")]
    pub max: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.MinMaxScalerModel"),
    tag: 16,
    decode: model::decoded::<Bounds>,
    read: |row| {
        Ok(Arc::new(Bounds {
            min: row.vector("originalMin")?,
            max: row.vector("originalMax")?,
        }))
    },
};

impl Fitted for Bounds {
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
        let (low, high) = (self.min.clone(), self.max.clone());
        let to = (params.double("min")?, params.double("max")?);
        let body: Body = Box::new(move |args, _| Ok(min_max(&low, &high, to, &args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "originalMin" => Some(model::compressed(&self.min)),
            "originalMax" => Some(model::compressed(&self.max)),
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "numFeatures={}, min={}, max={}",
            self.min.len(),
            text::double(params.double("min")?),
            text::double(params.double("max")?)
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("originalMin", &self.min)?,
            Column::vector("originalMax", &self.max)?,
        ])
    }
}

/// Brings features to the range `to`; NaN stays, and a feature that was constant in training becomes the middle.
///
/// Zeros may become something else, so vectors are computed dense and stored in the smaller form.
///
/// # Errors
/// If a vector is of another size than those of training.
fn min_max(low: &[f64], high: &[f64], to: (f64, f64), vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let middle = 0.5 * (to.0 + to.1);
    vector::map(vectors, |row, v| {
        fitting(v, low.len(), column, row)?;
        let scaled: Vec<f64> = v
            .to_dense()
            .into_iter()
            .enumerate()
            .map(|(i, x)| {
                let range = high[i] - low[i];
                if x.is_nan() {
                    x
                } else if range == 0.0 {
                    middle
                } else {
                    (x - low[i]) * ((to.1 - to.0) / range) + to.0
                }
            })
            .collect();
        Ok(VectorRef::Dense(&scaled).compressed())
    })
}
