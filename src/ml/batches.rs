//! Learning batch by batch: which model training continues, and which batch that one has learned last.
//!
//! A stage that learns from a stream has two params more than others: [`INITIAL_MODEL`], the id of the model of the batches before,
//! and [`BATCH`]. A batch whose id is not above the last one's changes nothing, so that a batch that a query repeats after a failure is
//! learned once, provided that the model was saved after it: saving writes the batch's id along with the model, where Spark ignores it.
//!
//! ```text
//! Fit(params)                           ─▶ Learner::initial ─▶ the model before the first batch
//! Fit(params, rows)                     ─▶ the model of batch 1, of the initial model that the params say
//! Fit(params, initialModel, 7, rows)    ─▶ that model itself if it has learned batch 7, else the next one
//! ```

#[cfg(test)]
pub mod trial;

use arrow::buffer::Buffer;
use prost::Message;

use super::error::illegal;
use super::literal::Kind;
use super::model::Model;
use super::params::{Param, Params, free};
use super::persistence::data::Row;
use super::stage::{self, Role};
use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;

/// `initialModel`: the id of the model to continue; training starts from what other params say if it is unset.
pub const INITIAL_MODEL: Param = free("initialModel", Kind::Text);
/// `batchId`: the id of the batch; batches without ids are never known.
pub const BATCH: Param = free("batchId", Kind::Long);

/// The folder beside a saved model that has what only further learning needs.
pub const FOLDER: &str = "statistics";

/// The last batch of a model that needs no more than that to continue.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Last {
    /// Its id; `None` if batches have none.
    #[prost(int64, optional, tag = "1")]
    pub batch: Option<i64>,
}

impl Last {
    /// Returns what is saved beside a model whose last batch this is; `None` if batches have no ids.
    pub fn beside(batch: Option<i64>) -> Option<(&'static str, Vec<u8>)> {
        batch.map(|_| (FOLDER, Self { batch }.encode_to_vec()))
    }

    /// Returns the last batch of a saved model; `None` if it was saved without.
    ///
    /// # Errors
    /// As [`saved`].
    pub fn saved(row: &Row<'_>) -> Result<Option<i64>> {
        Ok(saved::<Self>(row)?.and_then(|last| last.batch))
    }
}

/// Returns the id of the model that training continues; `None` if it starts anew, as most stages always do.
pub fn starts_from(params: &Params) -> Option<String> {
    params.operator.param(INITIAL_MODEL.name)?;
    params.column(INITIAL_MODEL.name)
}

/// Returns whether a batch is known to a model whose last one is `last`: its id is not above that.
pub fn is_known(params: &Params, last: Option<i64>) -> bool {
    match (params.int(BATCH.name), last) {
        (Ok(batch), Some(last)) => batch <= last,
        _ => false,
    }
}

/// Returns the last batch of a model after it has learned one; a batch without an id leaves it as it was.
pub fn last_of(params: &Params, before: Option<i64>) -> Option<i64> {
    params.int(BATCH.name).ok().or(before)
}

/// Returns what further learning needs of a model, read from beside it; `None` if it was saved without.
///
/// # Errors
/// `CORRUPT_MODEL` if it cannot be read.
pub fn saved<M: Message + Default>(row: &Row<'_>) -> Result<Option<M>> {
    let corrupt = |e| row.corrupt(&format!("{FOLDER} cannot be read: {e}"));
    let read = |bytes: Buffer| M::decode(bytes.as_slice()).map_err(corrupt);
    row.beside(FOLDER)?.map(read).transpose()
}

/// Returns the params of a batch that concern the model only: those that the stage of a class has too.
///
/// # Errors
/// If a param has an invalid value.
pub fn model_params(params: &Params, class: &str) -> Result<Params> {
    let operator = stage::by_name(class)?;
    let mut own = Params::new(operator, &params.uid, &sc::MlParams::default())?;
    for (param, value) in params.explicit() {
        if operator.param(param.name).is_some() {
            own.put(param.name, value.clone())?;
        }
    }
    Ok(own)
}

/// Returns the model that training starts from before it has seen a row; `None` if the stage starts from nothing.
///
/// # Errors
/// If the stage is unknown, or params do not say where it starts.
pub fn initial(fit: &sc::ml_command::Fit) -> Result<Option<Model>> {
    let Some(operator) = &fit.estimator else {
        return Ok(None);
    };
    let given = fit.params.clone().unwrap_or_default();
    let params = Params::new(stage::by_name(&operator.name)?, &operator.uid, &given)?;
    match params.operator.role() {
        Role::Learner(stage) => stage.initial(&params),
        Role::Transformer(_) | Role::Estimator(_) | Role::Evaluator(_) => Ok(None),
    }
}

/// Returns the error of a model that a stage cannot continue, since it is of another kind or has what the stage does not learn.
pub fn other_kind(params: &Params, model: &str) -> SparkError {
    let (uid, short) = (&params.uid, params.operator.short());
    illegal(format!(
        "{uid} parameter initialModel is {model}, which {short} cannot continue."
    ))
}

/// Returns the error of learning or predicting before a model has somewhere to start (`IllegalStateException` or
/// `IllegalArgumentException`, by learner).
pub fn not_started(exception: Exception, message: &str) -> SparkError {
    SparkError::new(exception, "", "", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::literal::Value;

    fn params(batch: Option<i64>) -> Params {
        let class = "org.apache.spark.ml.classification.StreamingNaiveBayes";
        let mut params = Params::new(stage::by_name(class).unwrap(), "nb", &sc::MlParams::default()).unwrap();
        if let Some(batch) = batch {
            params.put("batchId", Value::Int(batch)).unwrap();
        }
        params
    }

    #[test]
    fn a_batch_is_known_if_its_id_is_not_above_the_last() {
        assert!(is_known(&params(Some(3)), Some(3)));
        assert!(is_known(&params(Some(2)), Some(3)));
        assert!(!is_known(&params(Some(4)), Some(3)));
        assert!(!is_known(&params(Some(4)), None));
        assert!(!is_known(&params(None), Some(3)));
    }

    #[test]
    fn a_batch_without_an_id_leaves_the_last_one() {
        assert_eq!(last_of(&params(Some(4)), Some(3)), Some(4));
        assert_eq!(last_of(&params(None), Some(3)), Some(3));
        assert_eq!(last_of(&params(None), None), None);
    }

    #[test]
    fn stages_without_the_param_start_anew() {
        assert_eq!(starts_from(&params(None)), None);
        let class = "org.apache.spark.ml.clustering.KMeans";
        let other = Params::new(stage::by_name(class).unwrap(), "k", &sc::MlParams::default()).unwrap();
        assert_eq!(starts_from(&other), None);
    }
}
