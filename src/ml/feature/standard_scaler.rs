//! `StandardScaler`: features of unit deviation and, if asked for, of mean 0.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use super::scale::{self, each, fitting};
use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{INPUT, OUTPUT, Param, Params, flag};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, Vector};

/// Learns mean and deviation of each feature (`StandardScaler`); a null vector is an error.
///
/// `withStd` divides by the deviation (default), `withMean` subtracts the mean first, which makes sparse vectors dense.
#[derive(Debug)]
pub struct StandardScaler;

impl Stage for StandardScaler {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.StandardScaler"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, flag("withMean", false), flag("withStd", true)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for StandardScaler {
    fn training(&self, params: &Params) -> Result<Training> {
        scale::moments_of_input(params)
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let moments = scale::moments(state)?;
        let std = moments.variances().into_iter().map(f64::sqrt).collect();
        Ok(Model::new(
            params,
            Scales {
                std,
                mean: moments.means(),
            },
        ))
    }
}

/// `StandardScalerModel`: unbiased deviation and mean per feature.
#[derive(Clone, PartialEq, Message)]
pub struct Scales {
    /// Unbiased deviation per feature; 0 for a constant feature.
    #[prost(double, repeated, tag = "1")]
    pub std: Vec<f64>,
    /// Mean per feature.
    #[prost(double, repeated, tag = "2")]
    pub mean: Vec<f64>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.StandardScalerModel"),
    tag: 15,
    decode: model::decoded::<Scales>,
    read: |row| {
        Ok(Arc::new(Scales {
            std: row.vector("std")?,
            mean: row.vector("mean")?,
        }))
    },
};

impl Fitted for Scales {
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
        let mean = params.bool("withMean")?.then(|| self.mean.clone());
        let std = params.bool("withStd")?.then(|| self.std.clone());
        let body: Body = Box::new(move |args, _| Ok(standard(mean.as_deref(), std.as_deref(), &args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "mean" => Some(model::dense(&self.mean)),
            "std" => Some(model::dense(&self.std)),
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!(
            "numFeatures={}, withMean={}, withStd={}",
            self.mean.len(),
            params.bool("withMean")?,
            params.bool("withStd")?
        ))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("std", &self.std)?,
            Column::vector("mean", &self.mean)?,
        ])
    }
}

/// Shifts, if there are means, and scales, if there are deviations; a constant feature becomes 0 when it is scaled.
///
/// # Errors
/// If a vector is of another size than those of training.
pub(super) fn standard(
    mean: Option<&[f64]>,
    std: Option<&[f64]>,
    vectors: &dyn Array,
    column: &str,
) -> Result<ArrayRef> {
    let scale: Option<Vec<f64>> = std.map(|s| s.iter().map(|x| if *x == 0.0 { 0.0 } else { 1.0 / x }).collect());
    let by = |i: usize| scale.as_ref().map_or(1.0, |s| s[i]);
    vector::map(vectors, |row, v| {
        if let Some(known) = mean.or(std) {
            fitting(v, known.len(), column, row)?;
        }
        Ok(match mean {
            Some(mean) => Vector::Dense(
                v.to_dense()
                    .into_iter()
                    .enumerate()
                    .map(|(i, x)| (x - mean[i]) * by(i))
                    .collect(),
            ),
            None => each(v, |i, x| x * by(i)),
        })
    })
}
