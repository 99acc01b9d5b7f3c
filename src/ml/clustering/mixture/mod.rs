//! `GaussianMixture` and `GaussianMixtureModel`: normal distributions by expectation and maximisation.
//!
//! ```text
//! rows drawn ─▶ k parts ─▶ [`expect`]: each row's shares of the parts, summed ─▶ weights, means, covariances ─┐
//!                             └──────────────────────── until the likelihood hardly changes ◀──────────────┘
//! ```

mod density;
mod expect;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use self::density::{Density, shares, unpacked};
use self::expect::{Asked, Expect, Part, State, What, densities};
use super::findings;
use super::rows::{self, Point};
use crate::error::{Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::findings::Finding;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{
    AGGREGATION_DEPTH, Check, Default, FEATURES, PREDICTION, PROBABILITY, Param, Params, SEED, WEIGHT, param, steps,
    tolerance,
};
use crate::ml::persistence::data::{Column, mllib_matrices, mllib_vectors};
use crate::ml::relation::{self, Argument};
use crate::ml::sampling::shuffle;
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::labels::same_size;
use crate::ml::summary::{self, check_room};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::java_random::JavaRandom;
use crate::values::matrix;
use crate::values::vector::{self, Vector, VectorBuilder, VectorRef};

/// How many rows a part begins with.
const ROWS_PER_PART: usize = 5;

/// The least number of features that a covariance is refused for (`MAX_NUM_FEATURES`).
const MOST_FEATURES: usize = 46_340;

/// Trains a mixture of normal distributions (`GaussianMixture`): a job per step; a task keeps one mean and covariance per part.
#[derive(Debug)]
pub struct GaussianMixture;

impl Stage for GaussianMixture {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.clustering.GaussianMixture"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            AGGREGATION_DEPTH,
            FEATURES,
            param("k", Kind::Int, Default::Int(2), Check::AtLeast(2.0)),
            steps(100),
            PREDICTION,
            PROBABILITY,
            SEED,
            tolerance(0.01),
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

impl Learner for GaussianMixture {
    fn columns(&self, params: &Params) -> Result<Columns> {
        rows::columns(params)
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let names = rows::names(params)?;
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        let densities = Arc::new(densities(&asked.parts)?);
        Ok(Box::new(move || {
            Box::new(Expect::new(names.clone(), asked.clone(), densities.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Draws rows, one several times if need be (`RDD.takeSample`).
async fn sample(rounds: &Rounds, rows: i64, wanted: usize, seed: i64) -> Result<Vec<Point>> {
    let mut random = JavaRandom::new(seed);
    let count = wanted as f64;
    // So many that fewer are drawn but once in ten thousand times (`PoissonBounds.getUpperBound`).
    let deviations = match wanted {
        ..6 => 12.0,
        6..16 => 9.0,
        _ => 6.0,
    };
    let share = (count + deviations * count.sqrt()).max(1e-10) / rows as f64;
    let mut drawn = loop {
        let asked = Asked {
            what: What::Sample.into(),
            parts: vec![],
            share,
            seed: i64::from(random.int()),
        };
        let State { drawn, .. } = rounds.ask(&asked).await?;
        let drawn = drawn.points;
        if drawn.len() >= wanted {
            break drawn;
        }
    };
    shuffle(&mut drawn, &mut random);
    drawn.truncate(wanted);
    Ok(drawn)
}

/// Returns the part of a few rows: their mean, and the variance of each feature.
fn begin(rows: &[Point], size: usize, all: f64) -> Part {
    let weight: f64 = rows.iter().map(|row| row.weight).sum();
    let mut part = Part::empty(size);
    for row in rows {
        for (mean, value) in part.mean.iter_mut().zip(&row.values) {
            *mean += row.weight * value;
        }
    }
    part.mean.iter_mut().for_each(|mean| *mean *= 1.0 / weight);
    for i in 0..size {
        let square = |row: &Point| (row.values[i] - part.mean[i]).powi(2) * row.weight;
        part.covariance[density::packed(i, i)] = rows.iter().map(square).sum::<f64>() * (1.0 / weight);
    }
    part.weight = weight / all;
    part
}

/// Returns the part that fits its sums best (`updateWeightsAndGaussians`).
fn fit(mut sums: Part, all: f64) -> Part {
    let scale = 1.0 / sums.weight;
    sums.mean.iter_mut().for_each(|mean| *mean *= scale);
    for j in 0..sums.mean.len() {
        for i in 0..=j {
            let product = &mut sums.covariance[density::packed(i, j)];
            *product = (*product - sums.weight * sums.mean[i] * sums.mean[j]) * scale;
        }
    }
    sums.weight /= all;
    sums
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let State { rows, size, .. } = rounds.ask(&Asked::default()).await?;
    if rows == 0 {
        return Err(empty());
    }
    let size = size as usize;
    if size >= MOST_FEATURES {
        return Err(SparkError::requirement(format!(
            "GaussianMixture cannot handle more than {MOST_FEATURES} features because the size of the covariance matrix is \
             quadratic in the number of features."
        )));
    }
    let parts = params.count("k")?;
    check_room(
        "The covariances of a mixture",
        parts.saturating_mul(size * (size + 1) / 2),
    )?;
    let wanted = parts.saturating_mul(ROWS_PER_PART);
    check_room("The rows that a mixture begins with", wanted.saturating_mul(size + 4))?;
    let drawn = sample(&rounds, rows, wanted, params.seed()?).await?;
    let all: f64 = drawn.iter().map(|row| row.weight).sum();
    let mut parts: Vec<Part> = drawn.chunks(ROWS_PER_PART).map(|rows| begin(rows, size, all)).collect();
    let (most, tolerance) = (params.count("maxIter")?, params.double("tol")?);
    let (mut likelihood, mut before, mut steps) = (f64::MIN, 0.0, 0);
    while steps < most && (likelihood - before).abs() > tolerance {
        let asked = Asked {
            what: What::Step.into(),
            parts,
            ..Asked::default()
        };
        let found: State = rounds.ask(&asked).await?;
        let all: f64 = found.parts.iter().map(|p| p.weight).sum();
        parts = found.parts.into_iter().map(|sums| fit(sums, all)).collect();
        before = likelihood;
        likelihood = found.likelihood;
        steps += 1;
    }
    densities(&parts)?;
    let model = GaussianMixtureModel {
        parts,
        size: size as u64,
        likelihood,
        steps: steps as u64,
    };
    Ok(Model::new(&params, model))
}

/// `GaussianMixtureModel`: the parts.
#[derive(Clone, PartialEq, Message)]
pub struct GaussianMixtureModel {
    #[prost(message, repeated, tag = "1")]
    parts: Vec<Part>,
    /// How many features vectors have.
    #[prost(uint64, tag = "2")]
    size: u64,
    /// The logarithm of how probable the rows were at the last step; 0 for a model that was loaded.
    #[prost(double, tag = "3")]
    likelihood: f64,
    /// How many steps the training had.
    #[prost(uint64, tag = "4")]
    steps: u64,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.clustering.GaussianMixtureModel"),
    tag: 80,
    decode: model::decoded::<GaussianMixtureModel>,
    read: |row| {
        let (weights, means) = (row.doubles("weights")?, row.vectors("mus")?);
        let covariances = row.matrices("sigmas")?;
        let size = means.first().map_or(0, Vec::len);
        let fits = |m: &Matrix| m.height() == size && m.width() == size;
        if means.len() != covariances.len()
            || means.len() != weights.len()
            || means.iter().any(|m| m.len() != size)
            || !covariances.iter().all(fits)
        {
            return Err(row.corrupt("the parts of the mixture differ in number or features"));
        }
        let parts = weights.into_iter().zip(means).zip(covariances);
        let parts = parts.map(|((weight, mean), covariance)| {
            let upper = (0..size).flat_map(|j| (0..=j).map(move |i| (i, j)));
            let covariance = upper.map(|(i, j)| covariance.row(i)[j]).collect();
            Part {
                weight,
                mean,
                covariance,
            }
        });
        let model = GaussianMixtureModel {
            parts: parts.collect(),
            size: size as u64,
            ..GaussianMixtureModel::default()
        };
        densities(&model.parts).map_err(|_| row.corrupt("a covariance is not finite"))?;
        Ok(Arc::new(model))
    },
};

/// A model, made ready to predict.
#[derive(Debug)]
struct Ready {
    densities: Vec<Density>,
    weights: Vec<f64>,
    size: usize,
}

impl Ready {
    fn shares(&self, point: VectorRef<'_>, scratch: &mut Vec<f64>) -> Result<Vec<f64>> {
        same_size(self.size, point.size())?;
        let mut out = Vec::with_capacity(self.weights.len());
        shares(&self.densities, &self.weights, point, &mut out, scratch);
        Ok(out)
    }
}

impl GaussianMixtureModel {
    fn ready(&self) -> Result<Ready> {
        Ok(Ready {
            densities: densities(&self.parts)?,
            weights: self.weights(),
            size: self.size as usize,
        })
    }

    fn weights(&self) -> Vec<f64> {
        self.parts.iter().map(|p| p.weight).collect()
    }

    fn covariances(&self) -> Vec<Matrix> {
        let n = self.size as usize;
        let parts = self.parts.iter();
        parts.map(|p| Matrix::new(n, n, unpacked(n, &p.covariance))).collect()
    }

    fn means(&self) -> Vec<Vec<f64>> {
        self.parts.iter().map(|p| p.mean.clone()).collect()
    }
}

impl Fitted for GaussianMixtureModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let features = params.text("featuresCol")?;
        let ready = Arc::new(self.ready()?);
        let options = format!("{id} {}", params.fingerprint());
        let shares_to = params.column("probabilityCol");
        if let Some(to) = &shares_to {
            let (read, ready) = (analyzer.vectors(&input, &features)?, ready.clone());
            let body: Body = Box::new(move |args, _| -> datafusion_common::Result<ArrayRef> {
                let mut scratch = vec![];
                let of = |_, v: VectorRef<'_>| Ok(Vector::Dense(ready.shares(v, &mut scratch)?));
                Ok(vector::map(&args[0], of)?)
            });
            let to_type = vector::data_type();
            input = analyzer.append(input, params, &options, to, to_type, vec![read], body)?;
        }
        let (from, has_shares) = match shares_to {
            Some(shares) => (shares, true),
            None => (features, false),
        };
        findings::predicted(analyzer, input, (id, params), &from, move |v| {
            if has_shares {
                return Ok(v.argmax() as i32);
            }
            Ok(VectorRef::Dense(&ready.shares(v, &mut vec![])?).argmax() as i32)
        })
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "numFeatures" => Some((Value::Int(self.size as i64), Kind::Int)),
            "weights" => Some((Value::doubles(&self.weights()), Kind::Doubles)),
            _ => None,
        })
    }

    fn call(&self, _: &Params, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let [Value::Vector(features)] = args else {
            return Ok(None);
        };
        let shares = || self.ready()?.shares(features.view(), &mut vec![]);
        Ok(match method {
            "predictProbability" => Some(model::dense(&shares()?)),
            "predict" => {
                let part = VectorRef::Dense(&shares()?).argmax();
                Some((Value::Int(part as i64), Kind::Int))
            }
            _ => None,
        })
    }

    fn finding(&self, params: &Params, name: &str, _: &[Value]) -> Result<Option<Finding>> {
        findings::of(params, name, self.steps as usize, &[("logLikelihood", self.likelihood)])
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _: &str,
        _: &Params,
        method: &str,
        _: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        if method != "gaussiansDF" {
            return Ok(None);
        }
        let n = self.size as usize;
        let mut means = VectorBuilder::with_capacity(self.parts.len());
        self.parts.iter().for_each(|p| means.push(VectorRef::Dense(&p.mean)));
        let covariances = self.covariances().into_iter().map(|c| matrix::one(n, n, c.values));
        let covariances = covariances.collect::<Result<Vec<_>>>()?;
        let covariances: Vec<&dyn Array> = covariances.iter().map(|c| &**c).collect();
        let columns = vec![
            ("mean".to_owned(), means.finish()?),
            ("cov".to_owned(), arrow::compute::concat(&covariances)?),
        ];
        let rows = relation::rows(analyzer, columns)?;
        relation::as_mllib(analyzer, rows).map(Some)
    }

    fn summary_relation(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        of: (&str, &Params),
        method: &str,
        _: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        findings::relation(self, analyzer, input, of, method)
    }

    fn describe(&self, _: &Params) -> Result<String> {
        Ok(format!("k={}, numFeatures={}", self.parts.len(), self.size))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::doubles("weights", &self.weights())?,
            mllib_vectors("mus", &self.means())?,
            mllib_matrices("sigmas", &self.covariances())?,
        ])
    }
}
