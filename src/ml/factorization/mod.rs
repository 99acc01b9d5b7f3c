//! Factorization machines (Rendle): sums over features and over pairs of them, of two classes or of numbers.
//!
//! A pair's weight is the product of the two features' factors, so it is known of pairs that no row has.

mod model;
mod rows;

use prost::Message;

use self::model::Machine;
use self::rows::{Asked, Form, Losses};
use crate::error::Result;
use crate::ml::error::illegal;
use crate::ml::learning::{Learning, Rounds, empty};
use crate::ml::literal::Kind;
use crate::ml::matrix::Matrix;
use crate::ml::model::{Model, ModelKind};
use crate::ml::optimize::descent::{Adam, Batches, Options, Rule, descend};
use crate::ml::optimize::{Evaluated, check_size};
use crate::ml::params::{
    Check, Default, FEATURES, INTERCEPT, LABEL, PENALTY, POSITIVE, PREDICTION, PROBABILITY, Param, Params,
    RAW_PREDICTION, SEED, THRESHOLDS, WEIGHT, flag, joined, one_of, param, steps, tolerance,
};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary;
use crate::ml::summary::extent::{self, Extent};
use crate::ml::summary::labels::{Allowed, Names};
use crate::ml::summary::loss::State;
use crate::values::java_random::JavaRandom;

/// Trains factorization machines by gradient descent (`FMClassifier`, `FMRegressor`).
///
/// A step is one job over the kept columns, or over some rows that are drawn by the step's number; a task keeps a gradient of all
/// coefficients. Weights of rows are ignored, as Spark ignores them.
#[derive(Debug)]
pub struct Machines {
    class: &'static str,
    params: &'static [Param],
    model: &'static ModelKind,
    labels: Allowed,
}

/// What both kinds have.
const BOTH: &[Param] = &[
    param("factorSize", Kind::Int, Default::Int(8), POSITIVE),
    FEATURES,
    INTERCEPT,
    flag("fitLinear", true),
    param("initStd", Kind::Double, Default::Double(0.01), POSITIVE),
    LABEL,
    steps(100),
    param(
        "miniBatchFraction",
        Kind::Double,
        Default::Double(1.0),
        Check::AboveWithin(0.0, 1.0),
    ),
    PREDICTION,
    PENALTY,
    SEED,
    one_of("solver", "adamW", &["gd", "adamW"]),
    param("stepSize", Kind::Double, Default::Double(1.0), POSITIVE),
    tolerance(1e-6),
    WEIGHT,
];

/// `FMClassifier`: two classes, by the logistic loss.
pub static FM_CLASSIFIER: Machines = Machines {
    class: "org.apache.spark.ml.classification.FMClassifier",
    params: &const { joined::<18>(&[BOTH, &[PROBABILITY, RAW_PREDICTION, THRESHOLDS]]) },
    model: &model::CLASSES,
    labels: Allowed::Classes(2),
};

/// `FMRegressor`: numbers, by the squared error.
pub static FM_REGRESSOR: Machines = Machines {
    class: "org.apache.spark.ml.regression.FMRegressor",
    params: BOTH,
    model: &model::NUMBERS,
    labels: Allowed::Numbers,
};

impl Stage for Machines {
    fn class(&self) -> &'static str {
        self.class
    }

    fn params(&self) -> &'static [Param] {
        self.params
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(self.model)
    }
}

/// Returns the columns that are read: all but the weight.
fn names(params: &Params) -> Result<Names> {
    Ok(Names {
        weight: String::new(),
        ..Names::of(params)?
    })
}

impl Learner for Machines {
    fn columns(&self, params: &Params) -> Result<Columns> {
        if params.is_set("thresholds") {
            let given = params.doubles("thresholds")?.len();
            if given != 2 {
                return Err(illegal(format!(
                    "requirement failed: FMClassifier.train() called with non-matching numClasses and thresholds.length. \
                     numClasses=2, but thresholds has length {given}"
                )));
            }
        }
        Ok(names(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        let (names, form, labels) = (names(params)?, Form::of(params)?, self.labels);
        let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
        if asked.coefficients.is_empty() {
            return Ok(Box::new(move || Box::new(Extent::new(names.clone(), labels))));
        }
        Ok(Box::new(move || {
            Box::new(Losses::new(names.clone(), form, labels, asked.clone()))
        }))
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds, self.labels))
    }
}

/// The mean loss over the rows that a step draws.
struct MeanLoss {
    rounds: Rounds,
    features: usize,
    share: f64,
}

impl Batches for MeanLoss {
    async fn at(&self, x: &[f64], step: usize) -> Result<Option<Evaluated>> {
        let asked = Asked {
            coefficients: x.to_vec(),
            features: self.features as u64,
            share: self.share,
            seed: 42 + step as i64,
        };
        let found: State = self.rounds.ask(&asked).await?;
        let is_empty = found.weight == 0.0;
        Ok((!is_empty).then(|| found.penalized(x, &vec![0.0; x.len()])))
    }
}

/// Trains a model.
async fn learn(params: Params, rounds: Rounds, labels: Allowed) -> Result<Model> {
    let found: extent::State = rounds.ask(&Asked::default()).await?;
    if found.rows == 0 {
        return Err(empty());
    }
    let (form, features) = (Form::of(&params)?, found.features as usize);
    let (factors, per_feature) = (form.factors.saturating_mul(features), usize::from(form.linear));
    check_size(factors.saturating_add(per_feature.saturating_mul(features)))?;
    let (mut random, deviation) = (JavaRandom::new(params.seed()?), params.double("initStd")?);
    let mut start: Vec<f64> = (0..factors).map(|_| random.gaussian() * deviation).collect();
    let rest = per_feature * features + usize::from(form.intercept);
    start.resize(factors + rest, 0.0);
    let options = Options {
        step_size: params.double("stepSize")?,
        max_iter: params.count("maxIter")?,
        tolerance: params.double("tol")?,
        penalty: params.double("regParam")?,
    };
    let rule = match params.text("solver")?.as_str() {
        "gd" => Rule::Shrinking,
        _ => Rule::AdamW(Adam::default()),
    };
    let loss = MeanLoss {
        rounds,
        features,
        share: params.double("miniBatchFraction")?,
    };
    let found = descend(&loss, start, &options, rule).await?;
    let machine = Machine {
        factors: Matrix::new(features, form.factors, found.x[..factors].to_vec()),
        linear: if form.linear {
            found.x[factors..factors + features].to_vec()
        } else {
            vec![]
        },
        intercept: match found.x.last() {
            Some(intercept) if form.intercept => *intercept,
            _ => 0.0,
        },
        is_classifier: labels != Allowed::Numbers,
    };
    Ok(Model::new(&params, machine).with_history(found.history))
}
