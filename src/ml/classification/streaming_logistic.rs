//! `StreamingLogisticRegressionWithSGD`: a logistic regression of two classes that keeps learning, batch by batch, by gradient descent.

use crate::error::Result;
use crate::ml::batches::{BATCH, INITIAL_MODEL, last_of, model_params, other_kind};
use crate::ml::classification::logistic::LogisticRegressionModel;
use crate::ml::learning::{Learning, Rounds};
use crate::ml::literal::Value;
use crate::ml::matrix::Matrix;
use crate::ml::model::Model;
use crate::ml::params::{FEATURES, LABEL, PREDICTION, PROBABILITY, Param, Params, RAW_PREDICTION};
use crate::ml::sgd::{self, Settings, gradient::Loss};
use crate::ml::stage::{Columns, Learner, MakeSummary, Role, Stage};
use crate::ml::summary::labels::Names;

/// The stage whose models it makes.
const MODEL: &str = "org.apache.spark.ml.classification.LogisticRegression";

/// Trains a logistic regression batch by batch, usually in `foreachBatch` (`StreamingLogisticRegressionWithSGD`).
///
/// It starts from `initialWeights`, or continues the model `initialModel`, which is of two classes and has no intercept. A batch is at
/// most `numIterations` steps of `stepSize / √step` along the mean gradient, each towards 0 by `regParam` (`SquaredL2Updater`). A batch
/// with a label other than 0 and 1 is refused.
#[derive(Debug)]
pub struct StreamingLogisticRegressionWithSgd;

impl Stage for StreamingLogisticRegressionWithSgd {
    fn class(&self) -> &'static str {
        "org.apache.spark.mllib.classification.StreamingLogisticRegressionWithSGD"
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
            PROBABILITY,
            RAW_PREDICTION,
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

impl Learner for StreamingLogisticRegressionWithSgd {
    fn columns(&self, params: &Params) -> Result<Columns> {
        Ok(Names::of(params)?.columns())
    }

    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary> {
        sgd::summary(params, Loss::Logistic, question)
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
    let settings = Settings::of(&params)?;
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
/// If it is not a logistic regression of two classes without an intercept.
fn weights_of(params: &Params, before: &Model) -> Result<Vec<f64>> {
    match before.content::<LogisticRegressionModel>() {
        Some(model) if model.multinomial => Err(other_kind(params, "a model with coefficients for each class")),
        Some(model) if model.intercepts.iter().any(|i| *i != 0.0) => {
            Err(other_kind(params, "a model with an intercept"))
        }
        Some(model) => Ok(model.coefficients.row(0).to_vec()),
        None => Err(other_kind(params, &format!("a {}", before.class))),
    }
}

/// Returns the model of weights.
fn made(params: &Params, weights: Vec<f64>, before: Option<&Model>) -> Result<Model> {
    let mut own = model_params(params, MODEL)?;
    own.put("fitIntercept", Value::Bool(false))?;
    let model = LogisticRegressionModel {
        coefficients: Matrix::new(1, weights.len(), weights),
        intercepts: vec![0.0],
        classes: 2,
        multinomial: false,
        batch: last_of(params, before.and_then(|m| m.fitted.last_batch())),
    };
    Ok(Model::new(&own, model))
}
