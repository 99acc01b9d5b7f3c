//! Spark's functions by name: each arm checks arguments, casts them by Spark's rules and makes the call.
//!
//! One file a family. A function that is not here is not linked, and calling it is an error that names it.

pub mod aggregate;
pub mod arrays;
pub mod conditional;
pub mod dates;
pub mod generator;
pub mod higher_order;
pub mod operator;
pub mod random;
pub mod ranking;
pub mod special;
pub mod strings;
pub mod structs;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_expr::ScalarUDF;

use super::cast::{self, Mode};
use super::conf::{Conf, Zone};
use super::scope::Typed;
use super::types;
use crate::error::{Result, SparkError};

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
        cast::cast(typed, to, self.mode, self.zone)
    }

    pub fn ansi(&self) -> bool {
        self.mode == Mode::Ansi
    }
}

/// Calls `name`; none where no function has that name.
///
/// # Errors
/// `WRONG_NUM_ARGS`, `DATATYPE_MISMATCH` and the like, as Spark's analysis reports them.
pub fn call(context: &Context<'_>, name: &str, args: Vec<Typed>, distinct: bool) -> Result<Option<Typed>> {
    type Family = fn(&Context<'_>, &str, &[Typed]) -> Result<Option<Typed>>;
    const FAMILIES: [Family; 8] = [
        operator::call,
        conditional::call,
        strings::call,
        arrays::call,
        structs::call,
        dates::call,
        generator::call,
        ranking::call,
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
    args.to_vec().try_into().map_err(|_| wrong_number(name, &N.to_string(), args.len()))
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
            format!("The argument {position} of {name} must be a constant, but \"{}\" is none.", argument.name),
        )
    })
}
