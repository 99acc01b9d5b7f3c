//! Spark's functions by name: each arm checks arguments, casts them by Spark's rules and makes the call.
//!
//! One file a family. A function that is not here is not linked, and calling it is an error that names it.

pub mod aggregate;
pub mod array_sets;
pub mod arrays;
pub mod call;
pub mod codec;
pub mod collecting;
pub mod conditional;
pub mod csv;
pub mod date_parts;
pub mod date_text;
pub mod dates;
pub mod format;
pub mod generator;
pub mod higher_order;
pub mod json;
pub mod json_path;
pub mod json_read;
pub mod json_text;
pub mod json_write;
pub mod lambda;
pub mod map_lambdas;
pub mod maps;
pub mod math;
pub mod md5;
pub mod misc;
pub mod number_format;
pub mod operator;
pub mod partition;
pub mod quantiles;
pub mod random;
pub mod ranking;
pub mod regex;
pub mod rounding;
pub mod row;
pub mod sequence;
pub mod special;
pub mod strings;
pub mod structs;
#[cfg(test)]
mod tests;
pub mod text_edit;
pub mod text_search;
pub mod url;
pub mod xxhash;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Expr, ScalarUDF};
use datafusion_physical_expr::create_physical_expr;

use super::scope::Typed;
use crate::error::{Result, SparkError};
use crate::plan::cast_expr;
use crate::settings::Conf;
use crate::values::cast::Mode;
use crate::values::types;
use crate::values::zone::Zone;

/// What a function may know of the session.
pub struct Context<'a> {
    pub mode: Mode,
    pub zone: Zone,
    /// `current_timestamp()`, µs since the epoch.
    pub now_us: i64,
    pub conf: &'a Conf,
}

impl Context<'_> {
    pub fn cast(&self, typed: Typed, to: &DataType) -> Result<Typed> {
        cast_expr::cast(typed, to, self.mode, self.zone)
    }

    pub fn ansi(&self) -> bool {
        self.mode == Mode::Ansi
    }

    /// The zone in which a timestamp's wall clock is read: none for TIMESTAMP_NTZ.
    pub fn zone_of(&self, data_type: &DataType) -> Zone {
        if data_type == &types::timestamp_ntz() {
            Zone::UTC
        } else {
            self.zone
        }
    }
}

/// The value of an expression that has neither columns nor randomness in it.
pub fn fold(expr: &Expr) -> Option<ScalarValue> {
    if let Expr::Literal(value, _) = expr {
        return Some(value.clone());
    }
    if expr.is_volatile()
        || !expr.column_refs().is_empty()
        || aggregate::each_call(expr.clone(), |_| Err(SparkError::internal(""))).is_err()
    {
        return None;
    }
    let physical = create_physical_expr(
        expr,
        &DFSchema::empty(),
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )
    .ok()?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).ok()?;
    let found = physical.evaluate(&row).ok()?.into_array(1).ok()?;
    ScalarValue::try_from_array(&found, 0).ok()
}

/// The call with the type VOID, as `assert_true` has it: evaluated for what it may raise.
pub fn void(typed: Typed) -> Typed {
    let expr = crate::kernels::kernel::call("void", "", DataType::Null, vec![typed.expr], |_, rows| {
        Ok(Arc::new(arrow::array::NullArray::new(rows)))
    });
    Typed {
        expr,
        data_type: DataType::Null,
        ..typed
    }
}

/// Calls `name`; none where no function has that name.
///
/// # Errors
/// `WRONG_NUM_ARGS`, `DATATYPE_MISMATCH` and the like, as Spark's analysis reports them.
pub fn call(context: &Context<'_>, name: &str, args: Vec<Typed>, distinct: bool) -> Result<Option<Typed>> {
    type Family = fn(&Context<'_>, &str, &[Typed]) -> Result<Option<Typed>>;
    const FAMILIES: [Family; 25] = [
        operator::call,
        conditional::call,
        strings::call,
        text_edit::call,
        text_search::call,
        regex::call,
        format::call,
        number_format::call,
        codec::call,
        url::call,
        math::call,
        rounding::call,
        arrays::call,
        array_sets::call,
        sequence::call,
        maps::call,
        structs::call,
        json::call,
        csv::call,
        dates::call,
        date_parts::call,
        date_text::call,
        generator::call,
        ranking::call,
        misc::call,
    ];
    if let Some(typed) = aggregate::call(context, name, &args, distinct)? {
        return Ok(Some(typed));
    }
    for family in FAMILIES {
        if let Some(typed) = family(context, name, &args)? {
            return Ok(Some(typed));
        }
    }
    Ok(None)
}

/// `f(a, b)`: the name of an unnamed call.
pub fn call_name(name: &str, args: &[Typed]) -> String {
    let args: Vec<&str> = args.iter().map(|a| a.name.as_str()).collect();
    format!("{name}({})", args.join(", "))
}

/// The arguments, when there are as many as wanted.
pub fn exactly<const N: usize>(name: &str, args: &[Typed]) -> Result<[Typed; N]> {
    args.to_vec()
        .try_into()
        .map_err(|_| wrong_number(name, &N.to_string(), args.len()))
}

pub fn wrong_number(name: &str, expected: &str, actual: usize) -> SparkError {
    SparkError::analysis(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "42605",
        format!("The `{name}` requires {expected} parameters but the actual number is {actual}."),
    )
    .with("functionName", format!("`{name}`"))
    .with("expectedNum", expected)
    .with("actualNum", actual.to_string())
}

/// An argument of a type that the function cannot take.
pub fn unexpected_type(call: &str, position: usize, argument: &Typed, wanted: &str) -> SparkError {
    let actual = types::sql_name(&argument.data_type);
    SparkError::analysis(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "42K09",
        format!(
            "Cannot resolve \"{call}\" due to data type mismatch: The parameter {position} requires the \"{wanted}\" type, however \"{}\" \
             has the type \"{actual}\".",
            argument.name
        ),
    )
    .with("sqlExpr", format!("\"{call}\""))
    .with("requiredType", format!("\"{wanted}\""))
    .with("inputType", format!("\"{actual}\""))
}

/// A DataFusion function whose result type is known.
pub fn udf(function: Arc<ScalarUDF>, args: Vec<Typed>, to: DataType, name: impl Into<String>) -> Typed {
    let expr = function.call(args.into_iter().map(|t| t.expr).collect());
    Typed::new(expr, to, name)
}

/// The constant behind an argument that must be one.
pub fn constant<'a>(name: &str, position: usize, argument: &'a Typed) -> Result<&'a datafusion_common::ScalarValue> {
    argument.literal().ok_or_else(|| {
        SparkError::analysis(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            "42K09",
            format!(
                "The argument {position} of {name} must be a constant, but \"{}\" is none.",
                argument.name
            ),
        )
    })
}
