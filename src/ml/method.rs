//! Methods of models over a dataset, such as the loss after each tree: one aggregate, and what is made of its state.
//!
//! ```text
//! Fetch(model, "evaluateEachIteration", dataset, "squared") ─▶ Fitted::over ─▶ job ─▶ Method::read ─▶ a value
//! ```

use std::fmt;

use prost::Message;

use super::findings::Read;
use super::literal::Value;
use super::model::{self, Model};
use super::params::Params;
use super::stage::Training;
use super::training::relation;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::expression::unresolved_column;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::proto::fetch::method::args::ArgsType;

/// Type URL of such a job: the client's `Fetch`. It is ours: no client sends it.
pub(super) const METHOD: &str = "type.rivulet/spark.connect.Fetch";

/// A method over a dataset.
pub struct Method {
    /// What the job reads and sums up.
    pub training: Training,
    /// What is made of its state.
    pub read: Read,
    /// Whether rows are looked at with their numbers (`monotonically_increasing_id`): a local table is of one partition then, as
    /// Spark numbers its rows before it deals them out.
    pub numbers_rows: bool,
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("columns", &self.training.columns)
            .finish_non_exhaustive()
    }
}

/// What a client asks of a model over a dataset.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The model's id.
    pub model: &'a str,
    /// The method.
    pub method: &'a str,
    /// The dataset, its first argument.
    pub dataset: &'a sc::Relation,
    /// The other arguments.
    pub args: Vec<Value>,
}

impl<'a> Asked<'a> {
    /// Reads what a client asks; `None` if its first argument is not a dataset, or it asks for what another method returns.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` if it has another dataset; if an argument cannot be read.
    pub fn of(fetch: &'a sc::Fetch) -> Result<Option<Self>> {
        let [method] = &fetch.methods[..] else {
            return Ok(None);
        };
        let Some((first, others)) = method.args.split_first() else {
            return Ok(None);
        };
        let Some(ArgsType::Input(dataset)) = &first.args_type else {
            return Ok(None);
        };
        let value = |a: &sc::fetch::method::Args| match &a.args_type {
            Some(ArgsType::Param(literal)) => Value::from_literal(literal),
            _ => Err(SparkError::unsupported(format!(
                "{} over two DataFrames",
                method.method
            ))),
        };
        Ok(Some(Self {
            model: fetch.obj_ref.as_ref().map(|r| r.id.as_str()).unwrap_or_default(),
            method: &method.method,
            dataset,
            args: others.iter().map(value).collect::<Result<_>>()?,
        }))
    }

    /// Returns the model's method.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if the model lacks it; if an argument does not fit.
    pub fn of_model(&self, model: &Model, params: &Params) -> Result<Method> {
        let found = model.fitted.over(params, self.method, &self.args)?;
        found.ok_or_else(|| model::not_allowed(&model.class, self.method))
    }
}

/// Returns the relation of the job of a method: one row with one BINARY, the summary's state.
pub fn method_relation(fetch: &sc::Fetch) -> sc::Relation {
    relation(METHOD, fetch.encode_to_vec())
}

impl Analyzer {
    /// Plans the job of a method: the dataset under one aggregate.
    ///
    /// # Errors
    /// If the model is unknown or lacks the method; those of the dataset.
    pub(super) fn ml_method(&mut self, fetch: &sc::Fetch) -> Result<Resolved> {
        let asked = Asked::of(fetch)?.ok_or_else(|| SparkError::internal("a method over a dataset has none"))?;
        let model = self.ml()?.model(asked.model)?;
        let params = model.params_with(None)?;
        let method = asked.of_model(&model, &params)?;
        let input = self.batch_of(asked.dataset, &params, !method.numbers_rows)?;
        // Spark selects the columns by name before a method looks at them, but for those that it numbers the rows of.
        for (column, _) in &method.training.columns {
            if let Err(error) = self.input_column(&input, column) {
                let missing = error.condition.as_deref() == Some("FIELD_NOT_FOUND") && !method.numbers_rows;
                return Err(if missing {
                    unresolved_column(column, &input)
                } else {
                    error
                });
            }
        }
        self.ml_aggregate(&params, input, method.training)
    }
}
