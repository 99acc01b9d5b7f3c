//! `AFTSurvivalRegression` and its model: lifetimes, some of which have not ended, by Weibull's distribution.

use std::sync::Arc;

use arrow::datatypes::DataType;
use prost::Message;

use super::survival_loss::{Asked, Lifetimes, Reading};
use crate::error::Result;
use crate::ml::columns::{Body, Input};
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::optimize::lbfgs::{Options, minimize};
use crate::ml::optimize::{Evaluated, Objective, dot};
use crate::ml::params::{
    AGGREGATION_DEPTH, BLOCK_SIZE, Check, Default, FEATURES, INTERCEPT, LABEL, PREDICTION, Param, Params, doubles_of,
    free, named, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::{self, same_size};
use crate::ml::summary::loss::State;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, Vector, VectorRef};

/// Trains models of lifetimes by L-BFGS (`AFTSurvivalRegression`): the features make a life longer or shorter by a factor.
///
/// An evaluation of the loss is one job over the kept columns. Lifetimes that are not above 0 and censors other than 0 and 1
/// are errors.
#[derive(Debug)]
pub struct AftSurvivalRegression;

/// Probabilities of which quantiles are predicted.
const PROBABILITIES: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// Returns whether a value is a list of probabilities, without 0 and 1.
fn are_probabilities(value: &Value) -> bool {
    doubles_of(value).is_some_and(|all| !all.is_empty() && all.iter().all(|p| *p > 0.0 && *p < 1.0))
}

impl Stage for AftSurvivalRegression {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.regression.AFTSurvivalRegression"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            named("censorCol", "censor"),
            FEATURES,
            INTERCEPT,
            LABEL,
            BLOCK_SIZE,
            steps(100),
            PREDICTION,
            param(
                "quantileProbabilities",
                Kind::Doubles,
                Default::Doubles(PROBABILITIES),
                Check::With(are_probabilities),
            ),
            free("quantilesCol", Kind::Text),
            tolerance(1e-6),
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

impl Learner for AftSurvivalRegression {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Reading::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let reading = Reading::of(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(Box::new(move || {
            Box::new(Lifetimes::new(reading.clone(), asked.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// The mean loss over all rows.
struct MeanLoss {
    rounds: Rounds,
    asked: Asked,
}

impl Objective for MeanLoss {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        let asked = Asked {
            coefficients: x.to_vec(),
            ..self.asked.clone()
        };
        let found: State = self.rounds.ask(&asked).await?;
        Ok(found.penalized(x, &vec![0.0; x.len()]))
    }
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let statistics: labels::State = rounds.ask(&Asked::default()).await?;
    if statistics.features.rows == 0 {
        return Err(empty());
    }
    let (inverse_std, scaled_mean) = statistics.features.scales();
    let features = inverse_std.len();
    let objective = MeanLoss {
        rounds,
        asked: Asked {
            coefficients: vec![],
            inverse_std: inverse_std.clone(),
            scaled_mean: scaled_mean.clone(),
            intercept: params.bool("fitIntercept")?,
        },
    };
    let options = Options {
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
        penalty: vec![],
    };
    let found = minimize(&objective, vec![0.0; features + 2], &options).await?;
    let scaled = &found.x[..features];
    let shift = if objective.asked.intercept {
        dot(scaled, &scaled_mean)
    } else {
        0.0
    };
    let model = AftSurvivalRegressionModel {
        coefficients: scaled.iter().zip(&inverse_std).map(|(x, s)| x * s).collect(),
        intercept: found.x[features] - shift,
        scale: found.x[features + 1].exp(),
    };
    Ok(Model::new(&params, model).with_history(found.history))
}

/// `AFTSurvivalRegressionModel`: a number per feature, one more, and how much lifetimes vary.
#[derive(Clone, PartialEq, Message)]
pub struct AftSurvivalRegressionModel {
    /// By feature.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// What is added; 0 without intercept.
    #[prost(double, tag = "2")]
    pub intercept: f64,
    /// σ: one over the shape of Weibull's distribution.
    #[prost(double, tag = "3")]
    pub scale: f64,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.regression.AFTSurvivalRegressionModel"),
    tag: 72,
    decode: model::decoded::<AftSurvivalRegressionModel>,
    read: |row| {
        Ok(Arc::new(AftSurvivalRegressionModel {
            coefficients: row.vector("coefficients")?,
            intercept: row.double("intercept")?,
            scale: row.double("scale")?,
        }))
    },
};

impl AftSurvivalRegressionModel {
    fn predict(&self, features: VectorRef<'_>) -> Result<f64> {
        same_size(self.coefficients.len(), features.size())?;
        let product: f64 = features.stored().map(|(i, v)| v * self.coefficients[i]).sum();
        Ok((product + self.intercept).exp())
    }

    /// Returns the quantiles of a lifetime of 1.
    fn quantiles(&self, params: &Params) -> Result<Vec<f64>> {
        let of = |p: f64| ((-(-p).ln_1p()).ln() * self.scale).exp();
        Ok(params.doubles("quantileProbabilities")?.into_iter().map(of).collect())
    }
}

impl Fitted for AftSurvivalRegressionModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let features = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let read = || Input {
            typed: features.typed.clone(),
            name: features.name.clone(),
        };
        let options = format!("{id} {}", params.fingerprint());
        if let Some(to) = params.column("predictionCol") {
            let own = self.clone();
            let body: Body = Box::new(move |args, _| Ok(vector::map_to_double(&args[0], |_, v| own.predict(v))?));
            input = analyzer.append(input, params, &options, &to, DataType::Float64, vec![read()], body)?;
        }
        let Some(to) = params.column("quantilesCol") else {
            return Ok(input);
        };
        let (own, quantiles) = (self.clone(), self.quantiles(params)?);
        let body: Body = Box::new(move |args, _| {
            Ok(vector::map(&args[0], |_, v| {
                let lifetime = own.predict(v)?;
                Ok(Vector::Dense(quantiles.iter().map(|q| q * lifetime).collect()))
            })?)
        });
        let options = format!("quantiles {options}");
        analyzer.append(input, params, &options, &to, vector::data_type(), vec![read()], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "coefficients" => Some(model::dense(&self.coefficients)),
            "intercept" => Some((Value::Double(self.intercept), Kind::Double)),
            "scale" => Some((Value::Double(self.scale), Kind::Double)),
            "numFeatures" => Some((Value::Int(self.coefficients.len() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let [Value::Vector(features)] = args else {
            return Ok(None);
        };
        Ok(match method {
            "predict" => Some((Value::Double(self.predict(features.view())?), Kind::Double)),
            "predictQuantiles" => {
                let lifetime = self.predict(features.view())?;
                let quantiles: Vec<f64> = self.quantiles(params)?.iter().map(|q| q * lifetime).collect();
                Some(model::dense(&quantiles))
            }
            _ => None,
        })
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("numFeatures={}", self.coefficients.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("coefficients", &self.coefficients)?,
            Column::double("intercept", self.intercept),
            Column::double("scale", self.scale),
        ])
    }
}
