//! `LinearRegression` and `LinearRegressionModel`: least squares, with an elastic net.

use std::sync::Arc;

use arrow::datatypes::DataType;
use prost::Message;

use super::findings::{self, Known};
use super::huber::{self, Huber};
use super::least_squares::{Asked, Errors};
use super::normal::{MOST_FEATURES, NormalSums, Problem, Sums, solve};
use crate::error::{Result, SparkError};
use crate::ml::batches::Last;
use crate::ml::columns::Body;
use crate::ml::error::illegal;
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::optimize::lbfgs::{Options, minimize};
use crate::ml::optimize::lbfgsb;
use crate::ml::optimize::{Evaluated, Objective, dot};
use crate::ml::params::{
    AGGREGATION_DEPTH, BLOCK_SIZE, Check, Default, FEATURES, INTERCEPT, LABEL, PENALTY, PREDICTION, Param, Params,
    STANDARDIZATION, WEIGHT, one_of, param, steps, tolerance,
};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::labels::{self, Allowed, LabelledMoments, Names};
use crate::ml::summary::loss::State;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, VectorRef};

/// Trains linear regressions: by the normal equations, or step by step (`LinearRegression`).
#[derive(Debug)]
pub struct LinearRegression;

impl Stage for LinearRegression {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.regression.LinearRegression"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            param(
                "elasticNetParam",
                Kind::Double,
                Default::Double(0.0),
                Check::Within(0.0, 1.0),
            ),
            param("epsilon", Kind::Double, Default::Double(1.35), Check::Above(1.0)),
            FEATURES,
            INTERCEPT,
            LABEL,
            one_of("loss", "squaredError", &["squaredError", "huber"]),
            BLOCK_SIZE,
            steps(100),
            PREDICTION,
            PENALTY,
            one_of("solver", "auto", &["auto", "normal", "l-bfgs"]),
            STANDARDIZATION,
            tolerance(1e-6),
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

impl Learner for LinearRegression {
    fn columns(&self, params: &Params) -> Result<Columns> {
        let mix = params.double("elasticNetParam")?;
        if is_huber(params)? && params.text("solver")? == "normal" {
            return Err(SparkError::requirement(
                "LinearRegression with huber loss doesn't support normal solver, please change solver to auto or l-bfgs.",
            ));
        }
        if is_huber(params)? && mix != 0.0 {
            let mix = crate::values::text::double(mix);
            return Err(SparkError::requirement(format!(
                "LinearRegression with huber loss only supports L2 regularization, but got elasticNetParam = {mix}."
            )));
        }
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = Names::of(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        Ok(match asked.step {
            0 => Box::new(move || Box::new(LabelledMoments::new(names.clone(), Allowed::Numbers))),
            1 => Box::new(move || Box::new(NormalSums::new(names.clone()))),
            2 => Box::new(move || Box::new(Errors::new(names.clone(), asked.clone()))),
            _ => {
                let epsilon = params.double("epsilon")?;
                Box::new(move || Box::new(Huber::new(names.clone(), asked.clone(), epsilon)))
            }
        })
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Returns whether large errors count by themselves, not by their squares.
fn is_huber(params: &Params) -> Result<bool> {
    Ok(params.text("loss")? == "huber")
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let statistics: labels::State = rounds.ask(&Asked::default()).await?;
    if statistics.features.rows == 0 {
        return Err(empty());
    }
    let solver = params.text("solver")?;
    let few = statistics.features.size() <= MOST_FEATURES;
    if solver == "normal" || solver == "auto" && few && !is_huber(&params)? {
        return by_equations(&params, &rounds).await;
    }
    by_steps(&params, rounds, &statistics).await
}

async fn by_equations(params: &Params, rounds: &Rounds) -> Result<Model> {
    let asked = Asked {
        step: 1,
        ..Asked::default()
    };
    let sums: Sums = rounds.ask(&asked).await?;
    let problem = Problem {
        intercept: params.bool("fitIntercept")?,
        penalty: params.double("regParam")?,
        absolute: params.double("elasticNetParam")?,
        standardize: params.bool("standardization")?,
        standardize_label: true,
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
    };
    let found = solve(&sums, &problem).await?;
    let model = LinearRegressionModel {
        coefficients: found.coefficients,
        intercept: found.intercept,
        scale: 1.0,
        diagonal: found.diagonal,
        batch: None,
    };
    Ok(Model::new(params, model).with_history(found.history))
}

/// The mean squared error of standardised rows, with the smooth part of the penalty.
struct MeanError {
    rounds: Rounds,
    asked: Asked,
    /// The mean of each standardised feature; empty without intercept.
    means: Vec<f64>,
    /// The mean of the standardised label.
    label: f64,
    penalty: Vec<f64>,
}

impl Objective for MeanError {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        let offset = if self.means.is_empty() {
            0.0
        } else {
            self.label - dot(x, &self.means)
        };
        let asked = Asked {
            coefficients: x.to_vec(),
            offset,
            ..self.asked.clone()
        };
        let found: State = self.rounds.ask(&asked).await?;
        Ok(found.penalized(x, &self.penalty))
    }
}

async fn by_steps(params: &Params, rounds: Rounds, statistics: &labels::State) -> Result<Model> {
    let (all, mix) = (params.double("regParam")?, params.double("elasticNetParam")?);
    let intercept = params.bool("fitIntercept")?;
    let std: Vec<f64> = statistics.features.variances().iter().map(|v| v.sqrt()).collect();
    let mean = statistics.features.means();
    let one = |values: Vec<f64>| values.first().copied().unwrap_or_default();
    let (label_mean, raw_std) = (one(statistics.label.means()), one(statistics.label.variances()).sqrt());
    let mut model = LinearRegressionModel {
        coefficients: vec![0.0; std.len()],
        intercept: 0.0,
        scale: 1.0,
        diagonal: vec![0.0],
        batch: None,
    };
    if raw_std == 0.0 {
        if intercept || label_mean == 0.0 {
            model.intercept = label_mean;
            return Ok(Model::new(params, model).with_history(vec![0.0]));
        }
        if all > 0.0 {
            return Err(illegal(
                "requirement failed: The standard deviation of the label is zero. Model cannot be regularized.",
            ));
        }
    }
    if is_huber(params)? {
        return by_huber(params, rounds, statistics).await;
    }
    let label_std = if raw_std > 0.0 { raw_std } else { label_mean.abs() };
    let inverse_std: Vec<f64> = std.iter().map(|s| if *s == 0.0 { 0.0 } else { 1.0 / s }).collect();
    let standardized = params.bool("standardization")?;
    let scaled = |by: f64, power: i32| -> Vec<f64> {
        let of = |s: &f64| if standardized { by } else { by * s.powi(power) };
        inverse_std.iter().map(of).collect()
    };
    let (absolute, square) = (mix * all / label_std, (1.0 - mix) * all / label_std);
    let objective = MeanError {
        rounds,
        means: if intercept {
            mean.iter().zip(&inverse_std).map(|(m, s)| m * s).collect()
        } else {
            vec![]
        },
        label: label_mean / label_std,
        penalty: scaled(square, 2),
        asked: Asked {
            step: 2,
            inverse_std: inverse_std.clone(),
            label_std,
            ..Asked::default()
        },
    };
    let options = Options {
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
        penalty: if absolute == 0.0 { vec![] } else { scaled(absolute, 1) },
    };
    let found = minimize(&objective, vec![0.0; std.len()], &options).await?;
    model.coefficients = found
        .x
        .iter()
        .zip(&inverse_std)
        .map(|(x, s)| x * label_std * s)
        .collect();
    if intercept {
        model.intercept = label_mean - dot(&model.coefficients, &mean);
    }
    Ok(Model::new(params, model).with_history(found.history))
}

async fn by_huber(params: &Params, rounds: Rounds, statistics: &labels::State) -> Result<Model> {
    let (inverse_std, scaled_mean) = statistics.features.scales();
    let (features, intercept) = (inverse_std.len(), params.bool("fitIntercept")?);
    let (square, standardized) = (params.double("regParam")?, params.bool("standardization")?);
    let size = features + usize::from(intercept) + 1;
    let of = |s: &f64| if standardized { square } else { square * s * s };
    let mut penalty: Vec<f64> = inverse_std.iter().map(of).collect();
    penalty.resize(size, 0.0);
    let mut start = vec![1.0; size];
    if intercept {
        start[features] += dot(&vec![1.0; features], &scaled_mean);
    }
    let mut lower = vec![-f64::MAX; size];
    // σ is above 0.
    lower[size - 1] = f64::from_bits(1);
    let options = lbfgsb::Options {
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
        lower,
        upper: vec![f64::MAX; size],
    };
    let objective = huber::MeanLoss {
        rounds,
        asked: Asked {
            step: 3,
            inverse_std: inverse_std.clone(),
            scaled_mean: scaled_mean.clone(),
            ..Asked::default()
        },
        penalty,
    };
    let found = lbfgsb::minimize(&objective, start, &options).await?;
    let scaled = &found.x[..features];
    let model = LinearRegressionModel {
        coefficients: scaled.iter().zip(&inverse_std).map(|(x, s)| x * s).collect(),
        intercept: if intercept {
            found.x[features] - dot(scaled, &scaled_mean)
        } else {
            0.0
        },
        scale: found.x[size - 1],
        diagonal: vec![0.0],
        batch: None,
    };
    Ok(Model::new(params, model).with_history(found.history))
}

/// `LinearRegressionModel`: a number per feature, and one more.
#[derive(Clone, PartialEq, Message)]
pub struct LinearRegressionModel {
    /// By feature.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// What is added.
    #[prost(double, tag = "2")]
    pub intercept: f64,
    /// 1, but for models with the loss of Huber.
    #[prost(double, tag = "3")]
    pub scale: f64,
    /// Of the inverse of the normal equations' matrix; one 0 if they were not solved.
    #[prost(double, repeated, tag = "4")]
    pub diagonal: Vec<f64>,
    /// The last batch that it has learned, if it learns from a stream whose batches have ids.
    #[prost(int64, optional, tag = "5")]
    pub batch: Option<i64>,
}

/// How the model is named, decoded and loaded; the scale came with Spark 2.3.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.regression.LinearRegressionModel"),
    tag: 61,
    decode: model::decoded::<LinearRegressionModel>,
    read: |row| {
        Ok(Arc::new(LinearRegressionModel {
            coefficients: row.vector("coefficients")?,
            intercept: row.double("intercept")?,
            scale: if row.has("scale") { row.double("scale")? } else { 1.0 },
            diagonal: vec![0.0],
            batch: Last::saved(row)?,
        }))
    },
};

impl LinearRegressionModel {
    fn predict(&self, features: VectorRef<'_>) -> Result<f64> {
        labels::same_size(self.coefficients.len(), features.size())?;
        let product: f64 = features.stored().map(|(i, v)| v * self.coefficients[i]).sum();
        Ok(product + self.intercept)
    }
}

impl Fitted for LinearRegressionModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        let read = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let own = self.clone();
        let body: Body = Box::new(move |args, _| Ok(vector::map_to_double(&args[0], |_, v| own.predict(v))?));
        let options = format!("{id} {}", params.fingerprint());
        analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "coefficients" => Some(model::compressed(&self.coefficients)),
            "intercept" => Some((Value::Double(self.intercept), Kind::Double)),
            "scale" => Some((Value::Double(self.scale), Kind::Double)),
            "numFeatures" => Some((Value::Int(self.coefficients.len() as i64), Kind::Int)),
            _ => None,
        })
    }

    fn call(&self, _: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let ("predict", [Value::Vector(features)]) = (method, args) else {
            return Ok(None);
        };
        Ok(Some((Value::Double(self.predict(features.view())?), Kind::Double)))
    }

    fn finding(&self, params: &Params, name: &str, _: &[Value]) -> Result<Option<Finding>> {
        let mut coefficients = self.coefficients.clone();
        coefficients.extend(params.bool("fitIntercept")?.then_some(self.intercept));
        let known = Known {
            features: self.coefficients.len(),
            diagonal: self.diagonal.clone(),
            coefficients,
        };
        findings::of(params, name, &known)
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("numFeatures={}", self.coefficients.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::double("intercept", self.intercept),
            Column::vector("coefficients", &self.coefficients)?,
            Column::double("scale", self.scale),
        ])
    }

    fn beside(&self) -> Option<(&'static str, Vec<u8>)> {
        Last::beside(self.batch)
    }

    fn last_batch(&self) -> Option<i64> {
        self.batch
    }
}
