//! Functions of the user's over groups: `flatMapGroupsWithState`, `mapGroupsWithState`,
//! `transformWithState` (`FlatMapGroupsWithState`, `TransformWithState`), and `flatMapGroups`.
//!
//! Only the function's host knows what it is; its client says what its rows look like. It travels as
//! Spark's Scala client sends functions, in a `ScalarScalaUDF`: the engine keeps the bytes and hands
//! them back to the host that made them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::{DFSchema, DFSchemaRef};
use datafusion_expr::{Expr, LogicalPlan};

use super::analyzer::Analyzer;
use super::event_time::event_times;
use super::nodes::{self, EventTimeColumns, Node};
use super::output_mode::{OutputMode, Query, emits_late, refused};
use super::scope::{Attribute, Resolved};
use crate::error::{Exception, Result, SparkError};
use crate::plan::type_message;
use crate::proto as sc;
use crate::proto::common_inline_user_defined_function::Function;

/// What is called, and how its state is seen by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any number of rows per group and batch, in an output mode of its own.
    FlatMap {
        /// Its output mode is update; else append.
        update: bool,
    },
    /// One row per group and batch.
    Map,
    /// A stateful processor with variables and timers.
    Transform,
}

/// By which time a group's timeout or timers come (`GroupStateTimeout`, `TimeMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// Never.
    None,
    /// By the clock, at the start of a batch.
    ProcessingTime,
    /// By the watermark.
    EventTime,
}

/// A column of the input, and the name under which the function sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named {
    /// The column's id in the plan.
    pub id: String,
    /// The name that the function sees.
    pub name: String,
}

/// The plan node of a function over groups.
///
/// One call per group and batch. Rows with a null key form a group of their own, as in GROUP BY; the order
/// of rows within a group is not defined.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MapGroups {
    /// The grouping columns, which are also the key of the state.
    pub keys: Vec<Named>,
    /// What a row of a group has.
    pub values: Vec<Named>,
    /// What is called.
    pub kind: Kind,
    /// By which time its timeouts or timers come.
    pub timeout: Timeout,
    /// The function, as its client sent it.
    pub function: Arc<[u8]>,
    /// The output column that carries the event time on (`eventTimeColumnName` of `transformWithState`).
    pub event_time: Option<String>,
    /// Columns of the rows that the function returns.
    pub output: Fields,
}

impl Node for MapGroups {
    fn name(&self) -> &str {
        match self.kind {
            Kind::FlatMap { .. } => "FlatMapGroupsWithState",
            Kind::Map => "MapGroupsWithState",
            Kind::Transform => "TransformWithState",
        }
    }

    fn details(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|k| k.name.as_str()).collect();
        format!("keys=[{}] timeout={:?}", keys.join(", "), self.timeout)
    }

    /// Only what the function returns: the input's columns end here.
    fn schema(&self, _: &DFSchemaRef) -> datafusion_common::Result<DFSchemaRef> {
        let fields = self.output.iter().map(|f| (None, f.clone())).collect();
        Ok(Arc::new(DFSchema::new_with_metadata(fields, Default::default())?))
    }

    fn keeps_state(&self) -> bool {
        true
    }

    /// Only the column that the function names for it still carries the event time.
    fn event_times(&self, _: EventTimeColumns) -> EventTimeColumns {
        self.event_time.iter().map(|id| (id.clone(), 0)).collect()
    }

    /// Refuses output modes in which such a function cannot stand, and event-time timeouts without a
    /// watermark.
    ///
    /// # Errors
    /// If it cannot stand there, an `AnalysisException` with Spark's sentence.
    fn check(&self, input: &LogicalPlan, query: Query) -> Result<()> {
        let Query { mode, aggregated } = query;

        let in_mode = |what: &str| {
            refused(&format!(
                "{what} is not supported with {} output mode on a streaming DataFrame/Dataset",
                mode.word()
            ))
        };
        match self.kind {
            Kind::Map if aggregated => {
                return Err(refused(
                    "mapGroupsWithState is not supported with aggregation on a streaming DataFrame/Dataset",
                ));
            }
            Kind::Map if mode != OutputMode::Update => return Err(in_mode("mapGroupsWithState")),
            Kind::FlatMap { update: true } if aggregated => {
                return Err(refused(
                    "flatMapGroupsWithState in update mode is not supported with aggregation on a streaming DataFrame/Dataset",
                ));
            }
            Kind::FlatMap { update: true } if mode != OutputMode::Update => {
                return Err(in_mode("flatMapGroupsWithState in update mode"));
            }
            Kind::FlatMap { update: false } if aggregated && emits_late(input) => {
                return Err(refused(
                    "flatMapGroupsWithState in append mode is not supported after aggregation on a streaming DataFrame/Dataset",
                ));
            }
            Kind::FlatMap { update: false } if !aggregated && mode != OutputMode::Append => {
                return Err(in_mode("flatMapGroupsWithState in append mode"));
            }
            _ => {}
        }
        if self.timeout == Timeout::EventTime && event_times(input).is_empty() {
            return Err(refused(
                "Watermark must be specified in the query using '[Dataset/DataFrame].withWatermark()' for using event-time timeout in a \
                 [map|flatMap]GroupsWithState. Event-time timeout not supported without watermark.",
            ));
        }
        Ok(())
    }
}

impl Analyzer {
    /// Resolves `GroupMap`: the keys, the rows of a group and the columns that the function returns.
    ///
    /// A key that is not a plain column of the input is computed beside it.
    ///
    /// # Errors
    /// If there is an initial state or an order of groups, `UNSUPPORTED_FEATURE`; if the function does not
    /// return a column of the event time's name, `UNRESOLVED_COLUMN`.
    pub(super) fn map_groups(&mut self, node: &sc::GroupMap) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let (function, output) = function_of(node)?;
        if node.initial_input.is_some() {
            return Err(SparkError::unsupported("an initial state of groups"));
        }
        if !node.sorting_expressions.is_empty() {
            return Err(SparkError::unsupported("sorted groups"));
        }
        let mut columns: Vec<(Expr, Attribute)> = input.output.iter().map(|a| (a.column(), a.clone())).collect();
        let values = columns.iter().map(|(_, a)| named(a)).collect();
        let mut keys = Vec::new();
        for expression in &node.grouping_expressions {
            let typed = self.expression(expression, &input)?;
            let plain = typed.attribute.filter(|a| input.output.iter().any(|o| o.id == a.id));
            let attribute = plain.unwrap_or_else(|| {
                let made = self.attribute(typed.name.clone(), typed.data_type.clone(), typed.nullable);
                columns.push((typed.expr.clone(), made.clone()));
                made
            });
            keys.push(named(&attribute));
        }
        let plan = self.project(
            input.plan.clone(),
            columns.iter().map(|(e, a)| (e.clone(), a)).collect(),
        )?;
        let names = self.names();
        let (kind, timeout) = kind_of(node)?;
        let attributes: Vec<Attribute> = output
            .iter()
            .map(|f| self.attribute(f.name().clone(), f.data_type().clone(), true))
            .collect();
        let event_time = node
            .transform_with_state_info
            .as_ref()
            .and_then(|info| info.event_time_column_name.as_deref())
            .filter(|name| !name.is_empty())
            .map(|name| {
                let found = attributes.iter().find(|a| names.same(&a.name, name));
                found.map(|a| a.id.clone()).ok_or_else(|| {
                    SparkError::analysis(
                        "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                        "42703",
                        format!("A column, variable, or function parameter with name `{name}` cannot be resolved."),
                    )
                })
            })
            .transpose()?;
        let output = attributes
            .iter()
            .map(|a| Field::new(&a.id, a.data_type.clone(), true))
            .collect();
        let groups = MapGroups {
            keys,
            values,
            kind,
            timeout,
            function,
            event_time,
            output,
        };
        let plan = nodes::plan(groups, plan)?;
        Ok(Resolved::new(plan, attributes, input.streaming))
    }
}

/// Returns a column and the name that the function sees.
fn named(attribute: &Attribute) -> Named {
    Named {
        id: attribute.id.clone(),
        name: attribute.name.clone(),
    }
}

/// Returns the function's bytes and the columns of its rows.
///
/// # Errors
/// If it is missing or does not return rows, `CONNECT_INVALID_PLAN`; if it is in Python or Java,
/// `UNSUPPORTED_FEATURE.RIVULET`.
fn function_of(node: &sc::GroupMap) -> Result<(Arc<[u8]>, Fields)> {
    let function = node.func.as_ref().and_then(|f| f.function.as_ref());
    let udf = match function {
        Some(Function::ScalarScalaUdf(udf)) => udf,
        Some(Function::PythonUdf(_)) => return Err(SparkError::unsupported("a function in Python over groups")),
        Some(Function::JavaUdf(_)) => return Err(SparkError::unsupported("a function in Java over groups")),
        None => return Err(SparkError::invalid_plan("a function over groups is missing")),
    };
    let output = udf
        .output_type
        .as_ref()
        .ok_or_else(|| SparkError::invalid_plan("a function over groups has no output type"))?;
    let DataType::Struct(fields) = type_message::from_proto(output)? else {
        return Err(SparkError::invalid_plan("a function over groups puts out no rows"));
    };
    Ok((Arc::from(udf.payload.as_slice()), fields))
}

/// Reads the kind of function and its time mode from the message, in any case.
///
/// # Errors
/// If a word is unknown: the condition that Spark has for it.
fn kind_of(node: &sc::GroupMap) -> Result<(Kind, Timeout)> {
    if let Some(info) = &node.transform_with_state_info {
        let timeout = match info.time_mode.to_ascii_lowercase().as_str() {
            "none" => Timeout::None,
            "processingtime" => Timeout::ProcessingTime,
            "eventtime" => Timeout::EventTime,
            other => return Err(unknown("STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE", "time mode", other)),
        };
        return Ok((Kind::Transform, timeout));
    }
    let timeout = match node.timeout_conf().to_ascii_lowercase().as_str() {
        "" | "notimeout" => Timeout::None,
        "processingtimetimeout" => Timeout::ProcessingTime,
        "eventtimetimeout" => Timeout::EventTime,
        other => return Err(unknown("INVALID_PARAMETER_VALUE.TIMEOUT", "timeout", other)),
    };
    let kind = match (
        node.is_map_groups_with_state(),
        node.output_mode().to_ascii_lowercase().as_str(),
    ) {
        (true, _) => Kind::Map,
        (false, "update") => Kind::FlatMap { update: true },
        (false, "append" | "") => Kind::FlatMap { update: false },
        (false, other) => {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                "42KDE",
                format!("The output mode of flatMapGroupsWithState function should be append or update, not {other}."),
            ));
        }
    };
    Ok((kind, timeout))
}

/// Makes the error of a word that is not among those allowed.
fn unknown(condition: &str, what: &str, word: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        condition,
        "22023",
        format!("Unknown {what} of a function over groups: {word}."),
    )
}
