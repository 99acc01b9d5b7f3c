//! `RobustScaler`: features shifted by their median and scaled by a range of quantiles.

use std::sync::Arc;

use prost::Message;

use super::imputer::RELATIVE_ERROR;
use super::standard_scaler::standard;
use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, INPUT, OUTPUT, Param, Params, flag, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::quantiles::{Of, Quantiles, State};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector;

/// Learns the median and the distance between two quantiles of each feature (`RobustScaler`).
///
/// The quantiles are `lower` and `upper`, 0.25 and 0.75 by default, by the rank that `relativeError` allows. NaN is left
/// out of them; a null vector is an error.
#[derive(Debug)]
pub struct RobustScaler;

impl Stage for RobustScaler {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.RobustScaler"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("lower", Kind::Double, Default::Double(0.25), Check::Between(0.0, 1.0)),
            RELATIVE_ERROR,
            param("upper", Kind::Double, Default::Double(0.75), Check::Between(0.0, 1.0)),
            flag("withCentering", false),
            flag("withScaling", true),
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

impl Estimator for RobustScaler {
    fn training(&self, params: &Params) -> Result<Training> {
        let (lower, upper) = (params.double("lower")?, params.double("upper")?);
        if lower >= upper {
            return Err(SparkError::requirement(format!(
                "The specified lower quantile({lower}) is larger or equal to upper quantile({upper})"
            )));
        }
        let (column, error) = (params.text("inputCol")?, params.double("relativeError")?);
        let reads = vec![(column.clone(), Reads::Vectors)];
        Ok(Training::new(reads, move || {
            Box::new(Quantiles::new(Of::Features(column.clone()), error))
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: State = training::state(state)?;
        let (lower, upper) = (params.double("lower")?, params.double("upper")?);
        if state.sketches.is_empty() {
            return Err(SparkError::requirement(
                "RobustScaler needs at least one vector to learn from.",
            ));
        }
        let none = || SparkError::requirement("QuantileSummaries on some features are missing");
        let (mut range, mut median) = (vec![], vec![]);
        for sketch in &state.sketches {
            let at = |share: f64| sketch.quantile(share).ok_or_else(none);
            range.push(at(upper)? - at(lower)?);
            median.push(at(0.5)?);
        }
        Ok(Model::new(params, Ranges { range, median }))
    }
}

/// `RobustScalerModel`: median and range of quantiles per feature.
#[derive(Clone, PartialEq, Message)]
pub struct Ranges {
    /// The distance between the quantiles per feature.
    #[prost(double, repeated, tag = "1")]
    pub range: Vec<f64>,
    /// The median per feature.
    #[prost(double, repeated, tag = "2")]
    pub median: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.RobustScalerModel"),
    tag: 41,
    decode: model::decoded::<Ranges>,
    read: |row| {
        Ok(Arc::new(Ranges {
            range: row.vector("range")?,
            median: row.vector("median")?,
        }))
    },
};

impl Fitted for Ranges {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.vectors(&input, &params.text("inputCol")?)?;
        let name = read.name.clone();
        let shift = params.bool("withCentering")?.then(|| self.median.clone());
        let scale = params.bool("withScaling")?.then(|| self.range.clone());
        let body: Body = Box::new(move |args, _| Ok(standard(shift.as_deref(), scale.as_deref(), &args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "range" => Some(model::compressed(&self.range)),
            "median" => Some(model::compressed(&self.median)),
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "numFeatures={}, withCentering={}, withScaling={}",
            self.median.len(),
            params.bool("withCentering")?,
            params.bool("withScaling")?
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("range", &self.range)?,
            Column::vector("median", &self.median)?,
        ])
    }
}
