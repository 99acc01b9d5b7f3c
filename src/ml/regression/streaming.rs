//! `StreamingLinearRegressionWithSGD`: a linear regression that keeps learning, batch by batch, by gradient descent.

use crate::error::Result;
use crate::ml::batches::{BATCH, INITIAL_MODEL, last_of, model_params, other_kind};
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::Value;
use crate::ml::model::Model;
use crate::ml::params::{FEATURES, LABEL, PREDICTION, Param, Params};
use crate::ml::regression::linear::LinearRegressionModel;
use crate::ml::sgd::{self, Settings, gradient::Loss};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::labels::Names;

/// The stage whose models it makes.
const MODEL: &str = "org.apache.spark.ml.regression.LinearRegression";

/// Trains a linear regression batch by batch, usually in `foreachBatch` (`StreamingLinearRegressionWithSGD`).
///
/// It starts from `initialWeights`, or continues the model `initialModel`, which has no intercept. A batch is at most `numIterations`
/// steps of `stepSize / √step` along the mean gradient of the squared error, each a job or so over the kept rows.
#[derive(Debug)]
pub struct StreamingLinearRegressionWithSgd;

impl Stage for StreamingLinearRegressionWithSgd {
    fn class(&self) -> &'static str {
        "org.apache.spark.mllib.regression.StreamingLinearRegressionWithSGD"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            sgd::TOLERANCE,
            FEATURES,
            sgd::INITIAL_WEIGHTS,
            LABEL,
            sgd::FRACTION,
            sgd::STEPS,
            PREDICTION,
            sgd::PENALTY,
            sgd::STEP_SIZE,
            INITIAL_MODEL,
            BATCH,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Learner(self)
    }
}

impl Learner for StreamingLinearRegressionWithSgd {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        sgd::summary(params, Loss::Squares, question)
    }

    fn initial(&self, params: &Params) -> Result<Option<Model>> {
        Settings::of(params)?;
        made(params, sgd::initial(params)?, None).map(Some)
    }

    fn learn(&self, params: Params, rounds: Rounds) -> Learning {
        Box::pin(learn(params, rounds))
    }
}

/// Learns a batch.
async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let settings = Settings::of(&params)?.without_penalty();
    let weights = match rounds.before() {
        Some(before) => weights_of(&params, before)?,
        None => sgd::initial(&params)?,
    };
    let found = sgd::learn(weights, &settings, &rounds).await?;
    Ok(made(&params, found.x, rounds.before())?.with_history(found.history))
}

/// Returns the weights of a model.
///
/// # Errors
/// If it is not a linear regression, or one with an intercept.
fn weights_of(params: &Params, before: &Model) -> Result<Vec<f64>> {
    match before.content::<LinearRegressionModel>() {
        Some(model) if model.intercept == 0.0 => Ok(model.coefficients.clone()),
        Some(_) => Err(other_kind(params, "a model with an intercept")),
        None => Err(other_kind(params, &format!("a {}", before.class))),
    }
}

/// Returns the model of weights.
fn made(params: &Params, weights: Vec<f64>, before: Option<&Model>) -> Result<Model> {
    let mut own = model_params(params, MODEL)?;
    own.put("fitIntercept", Value::Bool(false))?;
    let model = LinearRegressionModel {
        coefficients: weights,
        intercept: 0.0,
        scale: 1.0,
        diagonal: vec![0.0],
        batch: last_of(params, before.and_then(|m| m.fitted.last_batch())),
    };
    Ok(Model::new(&own, model))
}
