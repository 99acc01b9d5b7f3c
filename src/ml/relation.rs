//! What clients fetch as a DataFrame: methods of models, and functions that belong to no model.
//!
//! Spark Connect asks for them by a `Fetch` that is a relation. Arguments are values or relations.
//!
//! ```text
//! Fetch(model, "surrogateDF")                            ─▶ Fitted::relation ─▶ rows of what the model knows
//! Fetch(model, "summary", "predictions"), trained on…    ─▶ Fitted::summary_relation ─▶ a plan over that dataset
//! Fetch(summary, "roc")                                  ─▶ [`curves`] ─▶ a plan over the summary's dataset
//! Fetch(model, "approxNearestNeighbors", dataset, key…)  ─▶ Fitted::relation ─▶ a plan over the dataset
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion_expr::Expr;
use prost::Message;

use super::classification::curves;
use super::clustering::power_iteration;
use super::fpm::prefix_span;
use super::literal::Value;
use super::{model, params, stat};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Attribute, Generator, Resolved, Typed, typed_attribute};
use crate::proto as sc;
use crate::proto::fetch::method::args::ArgsType;
use crate::proto::relation::RelType;
use crate::values::types::list_of;
use crate::values::{ipc, mllib};

/// The object that stands for functions without a model (`MLUtils`' helper).
pub const HELPER: &str = "______ML_CONNECT_HELPER______";

/// An argument of a method.
#[derive(Debug)]
pub enum Argument<'a> {
    /// A value.
    Value(Value),
    /// A dataset.
    Relation(&'a sc::Relation),
}

impl Argument<'_> {
    /// Returns the value.
    ///
    /// # Errors
    /// If it is a dataset.
    pub fn value(&self) -> Result<&Value> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Relation(_) => Err(SparkError::invalid_plan(
                "an argument is a DataFrame instead of a value",
            )),
        }
    }

    /// Returns the dataset.
    ///
    /// # Errors
    /// If it is a value.
    pub fn relation(&self) -> Result<&sc::Relation> {
        match self {
            Self::Relation(relation) => Ok(relation),
            Self::Value(_) => Err(SparkError::invalid_plan(
                "an argument is a value instead of a DataFrame",
            )),
        }
    }
}

/// Returns a relation of rows that are known: columns with their names, all of one length.
///
/// # Errors
/// If the columns differ in length, an internal error.
pub fn rows(analyzer: &mut Analyzer, columns: Vec<(String, ArrayRef)>) -> Result<Resolved> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, values)| values).collect())?;
    let local = sc::LocalRelation {
        data: Some(ipc::write(&schema, [batch])?),
        schema: None,
    };
    analyzer.relation(&sc::Relation {
        common: None,
        rel_type: Some(RelType::LocalRelation(local)),
    })
}

/// Plans columns of vectors and matrices as those of `mllib`.
///
/// # Errors
/// Those of the projection.
pub(super) fn as_mllib(analyzer: &mut Analyzer, input: Resolved) -> Result<Resolved> {
    let marked = |column: &Attribute| {
        let to = mllib::marked_type(&column.data_type);
        let args = vec![typed_attribute(column).expr];
        let expr = kernel::call("as_mllib", "", to.clone(), args, |args, _| Ok(mllib::marked(&args[0])?));
        Typed::new(expr, to, &column.name)
    };
    let items = input.output.iter().map(marked).collect();
    analyzer.select_typed(input, items)
}

/// Plans the elements of a list of structs as rows, their fields as columns.
///
/// # Errors
/// Those of the projection.
pub(super) fn exploded(analyzer: &mut Analyzer, input: Resolved, list: Expr, element: DataType) -> Result<Resolved> {
    let generator = Generator {
        list: list.clone(),
        element: element.clone(),
        outer: false,
        spread: true,
        names: vec![],
    };
    let item = Typed {
        generator: Some(Box::new(generator)),
        ..Typed::new(list, list_of(element), "entries")
    };
    let mut rows = analyzer.select_typed(input, vec![item])?;
    rows.hidden.clear();
    Ok(rows)
}

/// Returns lists of structs of columns, as long as `lengths` say.
///
/// # Errors
/// If the columns differ in length.
pub(super) fn lists_of_structs(fields: &Fields, columns: Vec<ArrayRef>, lengths: Vec<usize>) -> Result<ArrayRef> {
    let structs = StructArray::try_new(fields.clone(), columns, None)?;
    let element = Arc::new(Field::new("element", DataType::Struct(fields.clone()), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(element, offsets, Arc::new(structs), None)?))
}

/// Plans a function that belongs to no model.
///
/// # Errors
/// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if it is unknown or takes other arguments; those of the function.
fn function(analyzer: &mut Analyzer, method: &str, args: &[Argument<'_>]) -> Result<Resolved> {
    let unknown = || model::not_allowed("ConnectHelper", method);
    let dataset = args.first().ok_or_else(unknown)?.relation()?;
    let values = args[1..].iter().map(Argument::value).collect::<Result<Vec<_>>>()?;
    match (method, &values[..]) {
        (
            "prefixSpanFindFrequentSequentialPatterns",
            [support, Value::Int(length), Value::Int(size), Value::Text(column)],
        ) => {
            let wanted = prefix_span::Wanted {
                support: params::doubles_of(&Value::List(vec![(*support).clone()])).ok_or_else(unknown)?[0],
                length: *length,
                size: *size,
                column: column.clone(),
            };
            prefix_span::planned(analyzer, dataset, &wanted)
        }
        ("powerIterationClusteringAssignClusters", [k, steps, mode, from, to, weight]) => {
            power_iteration::planned(analyzer, dataset, [*k, *steps, *mode, *from, *to, *weight])
        }
        _ => stat::relation(analyzer, method, dataset, &values),
    }
}

impl Analyzer {
    /// Plans a fetch that is a relation; of a summary, `trained_on` is what the model was trained on.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if the model lacks the method; those of the method.
    pub(super) fn ml_fetched(&mut self, fetch: &sc::Fetch, trained_on: Option<&sc::Relation>) -> Result<Resolved> {
        let id = fetch.obj_ref.as_ref().map(|r| r.id.as_str()).unwrap_or_default();
        let names: Vec<&str> = fetch.methods.iter().map(|m| m.method.as_str()).collect();
        let (method, of_training) = match &fetch.methods[..] {
            [method] => (method, false),
            [summary, method] if summary.method == "summary" => (method, true),
            _ => return Err(model::not_allowed("a model", &names.join("."))),
        };
        let args = method
            .args
            .iter()
            .map(|a| match &a.args_type {
                Some(ArgsType::Param(literal)) => Ok(Argument::Value(Value::from_literal(literal)?)),
                Some(ArgsType::Input(relation)) => Ok(Argument::Relation(relation)),
                None => Err(SparkError::invalid_plan("an argument is empty")),
            })
            .collect::<Result<Vec<_>>>()?;
        if id == HELPER {
            return function(self, &method.method, &args);
        }
        // A client may send what the model was trained on; else the session has it.
        let own = match (of_training, trained_on) {
            (true, None) => model::summary_id(id),
            _ => id.to_owned(),
        };
        let model = self.ml()?.model(&own)?;
        let params = model.params_with(None)?;
        let kept = model.dataset.as_ref().map(|dataset| sc::Relation::decode(&dataset[..]));
        let kept = kept
            .transpose()
            .map_err(|e| SparkError::internal(format!("a summary's dataset cannot be read: {e}")))?;
        let found = match trained_on.filter(|_| of_training).or(kept.as_ref()) {
            Some(dataset) => {
                let input = self.relation(dataset)?;
                let of = (&own[..], &params);
                match model.fitted.score_column(&params)? {
                    Some(score) if curves::is_one(&method.method) => {
                        curves::relation(&*model.fitted, self, input, of, &method.method, &score)?
                    }
                    _ => model.fitted.summary_relation(self, input, of, &method.method, &args)?,
                }
            }
            None => model.fitted.relation(self, id, &params, &method.method, &args)?,
        };
        found.ok_or_else(|| model::not_allowed(&model.class, &method.method))
    }
}
