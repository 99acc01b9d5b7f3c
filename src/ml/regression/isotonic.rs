//! `IsotonicRegression` and its model: a number that rises, or falls, with one feature.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use prost::Message;

use super::pools::{Asked, Feature, Least, MOST_VALUES, Pools, Reading, Values};
use crate::error::Result;
use crate::ml::columns::{Body, Reads};
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, FEATURES, LABEL, PREDICTION, Param, Params, WEIGHT, flag, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;

/// Trains isotonic regressions by pooling neighbours that fall (`IsotonicRegression`).
///
/// The feature is a column of doubles, or one place of a column of vectors. Each round takes the next 65536 values of it; nulls
/// and values that are not finite are errors.
#[derive(Debug)]
pub struct IsotonicRegression;

impl Stage for IsotonicRegression {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.regression.IsotonicRegression"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("featureIndex", Kind::Int, Default::Int(0), Check::Any),
            FEATURES,
            flag("isotonic", true),
            LABEL,
            PREDICTION,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Learner for IsotonicRegression {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Reading::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let reading = Reading::of(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(Box::new(move || Box::new(Least::new(reading.clone(), asked.clone()))))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds, MOST_VALUES))
    }
}

/// Trains a model, with at most so many values in a round.
async fn learn(params: Params, rounds: Rounds, most: usize) -> Result<Model> {
    let rises = params.bool("isotonic")?;
    let mut pools = Pools::default();
    let mut after = None;
    loop {
        let asked = Asked {
            after,
            most: most as u64,
        };
        let mut values: Values = rounds.ask(&asked).await?;
        if !rises {
            values.labels.iter_mut().for_each(|label| *label = -*label);
        }
        pools.add(&values);
        after = values.features.last().copied();
        if values.features.len() < most {
            break;
        }
    }
    let (boundaries, mut predictions) = pools.finish();
    if !rises {
        predictions.iter_mut().for_each(|p| *p = -*p);
    }
    let model = IsotonicRegressionModel {
        boundaries,
        predictions,
        isotonic: rises,
    };
    Ok(Model::new(&params, model))
}

/// `IsotonicRegressionModel`: predictions at some values of the feature; between them the line.
#[derive(Clone, PartialEq, Message)]
pub struct IsotonicRegressionModel {
    /// The values, ascending.
    #[prost(double, repeated, tag = "1")]
    pub boundaries: Vec<f64>,
    /// The predictions at them.
    #[prost(double, repeated, tag = "2")]
    pub predictions: Vec<f64>,
    /// Whether predictions rise.
    #[prost(bool, tag = "3")]
    pub isotonic: bool,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.regression.IsotonicRegressionModel"),
    tag: 73,
    decode: model::decoded::<IsotonicRegressionModel>,
    read: |row| {
        let made = IsotonicRegressionModel {
            boundaries: row.doubles("boundaries")?,
            predictions: row.doubles("predictions")?,
            isotonic: row.bool("isotonic")?,
        };
        if made.boundaries.len() != made.predictions.len() || !made.boundaries.is_sorted() {
            return Err(row.corrupt("boundaries are not in order, or not as many as predictions"));
        }
        Ok(Arc::new(made))
    },
};

impl IsotonicRegressionModel {
    /// Returns the prediction at a value; that of the first or last boundary outside them, and NaN without any.
    fn predict(&self, value: f64) -> f64 {
        let (bounds, means) = (&self.boundaries, &self.predictions);
        match bounds.binary_search_by(|b| b.total_cmp(&value)) {
            Ok(found) => means[found],
            Err(_) if bounds.is_empty() => f64::NAN,
            Err(0) => means[0],
            Err(next) if next == bounds.len() => means[next - 1],
            Err(next) => {
                let (x, y) = (bounds[next - 1], means[next - 1]);
                y + (means[next] - y) * (value - x) / (bounds[next] - x)
            }
        }
    }
}

impl Fitted for IsotonicRegressionModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let column = params.text("featuresCol")?;
        analyzer.training_columns(&input, &[(column.clone(), Reads::VectorsOrDoubles)])?;
        let read = analyzer.input_column(&input, &column)?;
        let (own, index) = (self.clone(), params.int("featureIndex")?);
        let body: Body = Box::new(move |args, rows| -> datafusion_common::Result<ArrayRef> {
            let feature = Feature::new(&args[0], index)?;
            let of = |row| Ok(feature.get(row, &column)?.map(|value| own.predict(value)));
            let values = (0..rows).map(of).collect::<Result<Float64Array>>()?;
            Ok(Arc::new(values))
        });
        let to = params.text("predictionCol")?;
        let options = format!("{id} {}", params.fingerprint());
        analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "boundaries" => Some(model::dense(&self.boundaries)),
            "predictions" => Some(model::dense(&self.predictions)),
            "numFeatures" => Some((Value::Int(1), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, _: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let value = match (method, args) {
            ("predict", [Value::Double(value)]) => *value,
            ("predict", [Value::Int(value)]) => *value as f64,
            _ => return Ok(None),
        };
        Ok(Some((Value::Double(self.predict(value)), Kind::Double)))
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok("numFeatures=1".to_owned())
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::doubles("boundaries", &self.boundaries)?,
            Column::doubles("predictions", &self.predictions)?,
            Column::bool("isotonic", self.isotonic),
        ])
    }
}
