//! Training and evaluation as jobs: a dataset under one aggregate, and what is made of its state.
//!
//! The job's relation is an extension that holds the client's own command (`MlCommand.Fit` or `MlCommand.Evaluate`), so
//! that executors plan it from the same bytes as the driver.
//!
//! ```text
//! Fit(estimator, params, dataset) ─fit_relation─▶ Extension ─Analyzer::ml_job─▶ Aggregate(dataset)
//!                                                                                    │ one row, one BINARY
//!                                              Model ◀─fitted── state ◀──────────────┘
//! ```

use arrow::datatypes::DataType;
use datafusion_expr::{Expr, LogicalPlanBuilder};
use prost::Message;

use super::columns::Reads;
use super::error::illegal;
use super::learning::{ROUND, Round};
use super::method::METHOD;
use super::model::Model;
use super::params::Params;
use super::stage::{self, Columns, Role, Training};
use super::summary;
use super::text::{HashedText, TextTerms};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, typed_attribute};
use crate::proto as sc;
use crate::proto::relation::RelType;

/// Type URL of a job that trains. It is ours: no client sends it.
const FIT: &str = "type.rivulet/spark.connect.MlCommand.Fit";
/// Type URL of a job that evaluates.
const EVALUATE: &str = "type.rivulet/spark.connect.MlCommand.Evaluate";

/// Type URL of the second job of an evaluation.
const EVALUATE_AGAIN: &str = "type.rivulet/spark.connect.MlCommand.Evaluate.again";

/// The second job of an evaluation: the client's command, and what the first job found.
#[derive(Clone, PartialEq, Message)]
struct Again {
    /// The command.
    #[prost(message, optional, tag = "1")]
    evaluate: Option<sc::ml_command::Evaluate>,
    /// The state of the first job.
    #[prost(bytes = "vec", tag = "2")]
    state: Vec<u8>,
}

/// What a job trains or evaluates.
#[derive(Debug)]
pub struct Work {
    /// The estimator or evaluator with its params.
    pub params: Params,
    /// The relation that the job reads, as the client sent it.
    dataset: sc::Relation,
}

impl Work {
    /// Reads the parts that both commands have.
    ///
    /// # Errors
    /// If the operator or the dataset is missing, or a param is unknown or invalid.
    fn new(
        operator: Option<&sc::MlOperator>,
        params: Option<&sc::MlParams>,
        dataset: Option<&sc::Relation>,
    ) -> Result<Self> {
        let operator = operator.ok_or_else(|| SparkError::invalid_plan("an ML command names no operator"))?;
        let dataset = dataset.ok_or_else(|| SparkError::invalid_plan("an ML command has no dataset"))?;
        Ok(Self {
            params: Params::new(
                stage::by_name(&operator.name)?,
                &operator.uid,
                &params.cloned().unwrap_or_default(),
            )?,
            dataset: dataset.clone(),
        })
    }

    /// Reads a command to train.
    ///
    /// # Errors
    /// If the estimator or a param is unknown or invalid, or the dataset is missing.
    pub fn of_fit(fit: &sc::ml_command::Fit) -> Result<Self> {
        Self::new(fit.estimator.as_ref(), fit.params.as_ref(), fit.dataset.as_ref())
    }

    /// Reads a command to evaluate.
    ///
    /// # Errors
    /// If the evaluator or a param is unknown or invalid, or the dataset is missing.
    pub fn of_evaluate(evaluate: &sc::ml_command::Evaluate) -> Result<Self> {
        Self::new(
            evaluate.evaluator.as_ref(),
            evaluate.params.as_ref(),
            evaluate.dataset.as_ref(),
        )
    }
}

/// Returns an extension relation of a type URL.
pub(super) fn relation(type_url: &str, value: Vec<u8>) -> sc::Relation {
    sc::Relation {
        common: None,
        rel_type: Some(RelType::Extension(prost_types::Any {
            type_url: type_url.to_owned(),
            value,
        })),
    }
}

/// Returns the relation of the job of a fit: one row with one BINARY, the summary's state.
pub fn fit_relation(fit: &sc::ml_command::Fit) -> sc::Relation {
    relation(FIT, fit.encode_to_vec())
}

/// Returns the relation of the job of an evaluation: one row with one BINARY, the summary's state.
pub fn evaluate_relation(evaluate: &sc::ml_command::Evaluate) -> sc::Relation {
    relation(EVALUATE, evaluate.encode_to_vec())
}

/// Returns the relation of the second job of an evaluation, after one that ended with `state`.
pub fn evaluate_again_relation(evaluate: &sc::ml_command::Evaluate, state: &[u8]) -> sc::Relation {
    let again = Again {
        evaluate: Some(evaluate.clone()),
        state: state.to_vec(),
    };
    relation(EVALUATE_AGAIN, again.encode_to_vec())
}

/// Returns whether an evaluation needs a second job after one that ended with `state`.
///
/// # Errors
/// If the state is broken, or says that there is no metric.
pub fn needs_second_job(params: &Params, state: &[u8]) -> Result<bool> {
    match params.operator.role() {
        Role::Evaluator(stage) => Ok(stage.again(params, state)?.is_some()),
        Role::Transformer(_) | Role::Estimator(_) | Role::Learner(_) => Ok(false),
    }
}

/// Returns whether an extension is one of these jobs; other extensions are refused elsewhere.
pub fn is_job(any: &prost_types::Any) -> bool {
    [FIT, EVALUATE, EVALUATE_AGAIN, ROUND, METHOD].contains(&any.type_url.as_str())
}

impl Analyzer {
    /// Plans a job: the dataset under one aggregate without groups, whose one row is the summary's state.
    ///
    /// # Errors
    /// If the dataset cannot be planned, is a stream, or lacks a column that training reads; if the stage cannot be
    /// trained.
    pub(crate) fn ml_job(&mut self, any: &prost_types::Any) -> Result<Resolved> {
        let unreadable = |e: prost::DecodeError| SparkError::invalid_plan(format!("an ML job cannot be read: {e}"));
        if any.type_url == METHOD {
            return self.ml_method(&sc::Fetch::decode(&any.value[..]).map_err(unreadable)?);
        }
        let (mut asked, mut before) = (None, None);
        let work = match any.type_url.as_str() {
            FIT => Work::of_fit(&sc::ml_command::Fit::decode(&any.value[..]).map_err(unreadable)?)?,
            ROUND => {
                let (fit, dataset, question) = Round::read(&any.value).map_err(unreadable)?;
                asked = Some((dataset, question));
                Work::of_fit(&fit)?
            }
            EVALUATE_AGAIN => {
                let again = Again::decode(&any.value[..]).map_err(unreadable)?;
                before = Some(again.state);
                Work::of_evaluate(&again.evaluate.unwrap_or_default())?
            }
            _ => Work::of_evaluate(&sc::ml_command::Evaluate::decode(&any.value[..]).map_err(unreadable)?)?,
        };
        let input = self.batch_of(&work.dataset, &work.params, true)?;
        if let (Role::Learner(stage), Some(asked)) = (work.params.operator.role(), asked) {
            return self.ml_round(&work.params, stage, input, asked);
        }
        let training = training(&work.params, &input, before.as_deref())?;
        self.ml_aggregate(&work.params, input, training)
    }

    /// Plans a dataset that is read whole. Local tables are dealt out if `deals_rows` says so: what is drawn by partition is drawn as
    /// Spark draws it, and every executor has rows.
    ///
    /// # Errors
    /// If it is a stream, or cannot be planned.
    pub(super) fn batch_of(&mut self, dataset: &sc::Relation, params: &Params, deals_rows: bool) -> Result<Resolved> {
        self.deals_rows = deals_rows;
        let input = self.input(Some(dataset))?;
        if input.streaming {
            return Err(illegal(format!(
                "{} takes no streaming DataFrame: train on a batch, or with StreamingNaiveBayes.",
                params.operator.short()
            )));
        }
        Ok(input)
    }

    /// Plans a dataset under one aggregate.
    ///
    /// # Errors
    /// If the dataset lacks a column that the summary reads.
    pub(super) fn ml_aggregate(&mut self, params: &Params, input: Resolved, training: Training) -> Result<Resolved> {
        let mut columns = self.training_columns(&input, &training.columns)?;
        let mut summary = training.summary;
        if let Some(of_text) = training.of_text
            && let Some((text, terms)) = self.text_of(&input, &training.columns)?
            && let Some(made) = of_text(terms)
        {
            columns[0] = text;
            summary = made;
        }
        if columns.is_empty() {
            // A summary that reads no column is still one of rows.
            columns.push(datafusion_expr::lit(true));
        }
        let function = summary::aggregate(params.fingerprint(), summary);
        let state = self.attribute("state", DataType::Binary, true);
        let call = function.call(columns).alias(state.id.clone());
        let plan = LogicalPlanBuilder::from(input.plan)
            .aggregate(Vec::<Expr>::new(), vec![call])?
            .build()?;
        Ok(Resolved::new(plan, vec![state], false))
    }

    /// Returns the column of strings of which the first column that a job reads is made by counting, and how; `None` if it
    /// is made otherwise.
    ///
    /// # Errors
    /// If the column is unknown.
    fn text_of(&mut self, input: &Resolved, columns: &Columns) -> Result<Option<(Expr, HashedText)>> {
        let Some((name, Reads::Vectors)) = columns.first() else {
            return Ok(None);
        };
        let read = self.input_column(input, name)?;
        let known = self.text_terms(&read).filter(|terms| terms.source_in(input));
        Ok(known
            .and_then(TextTerms::counts)
            .map(|terms| (typed_attribute(&terms.source).expr, terms)))
    }
}

/// Returns what a job reads and sums up; `before` is the state of the job before it, if it is a second one.
///
/// # Errors
/// If the stage is a transformer, a param is missing, or the model's output column exists in the dataset already: Spark
/// checks the schema before it trains, so that a long training does not end in a model that cannot be applied.
fn training(params: &Params, input: &Resolved, before: Option<&[u8]>) -> Result<Training> {
    let none = || SparkError::internal("an evaluation has no second job");
    let training = match (params.operator.role(), before) {
        (Role::Estimator(stage), _) => stage.training_over(params, input)?,
        (Role::Evaluator(stage), None) => stage.training(params)?,
        (Role::Evaluator(stage), Some(state)) => stage.again(params, state)?.ok_or_else(none)?,
        (Role::Transformer(_) | Role::Learner(_), _) => return Err(untrained(params)),
    };
    if matches!(params.operator.role(), Role::Estimator(_)) && !params.operator.replaces_columns() {
        without_outputs(params, input)?;
    }
    Ok(training)
}

/// Checks that a dataset has room for the output columns of an estimator's model.
///
/// # Errors
/// If one exists.
pub(super) fn without_outputs(params: &Params, input: &Resolved) -> Result<()> {
    for name in ["predictionCol", "topicDistributionCol"] {
        if let Some(to) = params.column(name)
            && input.output.iter().any(|a| a.name == to)
        {
            return Err(SparkError::requirement(format!("Column {to} already exists.")));
        }
    }
    if params.operator.param("outputCol").is_none() {
        return Ok(());
    }
    for to in params.output_columns()? {
        if input.output.iter().any(|a| a.name == to) {
            return Err(illegal(format!("Output column {to} already exists.")));
        }
    }
    Ok(())
}

/// Returns the error of a stage that is neither an estimator nor an evaluator.
fn untrained(params: &Params) -> SparkError {
    illegal(format!(
        "{} is not an estimator or evaluator: it has nothing to fit.",
        params.operator.short()
    ))
}

/// Returns the model of a finished job; `before` is the model that training continues.
///
/// # Errors
/// If the stage is not an estimator, if the dataset was empty, or if the state is broken.
pub fn fitted(params: &Params, before: Option<&Model>, state: &[u8]) -> Result<Model> {
    match params.operator.role() {
        Role::Estimator(stage) => stage.fit(params, before, state),
        Role::Transformer(_) | Role::Learner(_) | Role::Evaluator(_) => Err(untrained(params)),
    }
}

/// Returns the metric of a finished evaluation; `ranges` is the number of parts Spark would sort scores in.
///
/// # Errors
/// If the stage is not an evaluator, or if the state is broken.
pub fn metric(params: &Params, state: &[u8], ranges: usize) -> Result<f64> {
    match params.operator.role() {
        Role::Evaluator(stage) => stage.metric(params, state, ranges),
        Role::Transformer(_) | Role::Estimator(_) | Role::Learner(_) => Err(untrained(params)),
    }
}

/// Decodes a summary's state.
///
/// # Errors
/// `INTERNAL_ERROR` if the bytes are not such a state.
pub(super) fn state<M: Message + Default>(bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|e| summary::corrupt(&e))
}
