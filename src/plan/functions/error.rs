//! Errors that many functions raise.

use arrow::datatypes::DataType;

use crate::error::{Exception, SparkError};
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;
use crate::values::types;

/// Makes `WRONG_NUM_ARGS` for a call with too few or too many arguments; `expected` as Spark writes it.
///
/// ```
/// use rivulet::plan::functions::error::wrong_number;
///
/// let error = wrong_number("lpad", "[2, 3]", 1);
/// assert_eq!(error.message, "The `lpad` requires [2, 3] parameters but the actual number is 1.");
/// ```
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

/// Makes `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` for an argument of a type that the function cannot
/// take; it takes any of `wanted`. `position` counts from 1.
pub fn unexpected_type(call: &str, position: usize, argument: &Typed, wanted: &[&str]) -> SparkError {
    let quoted: Vec<String> = wanted.iter().map(|t| format!("\"{t}\"")).collect();
    match &quoted[..] {
        [one] => mismatch(call, position, argument, one),
        several => mismatch(call, position, argument, &format!("({})", several.join(" or "))),
    }
}

/// Returns the word for a place that counts from 1 (`TypeUtils.ordinalNumber`).
fn ordinal(position: usize) -> String {
    match position {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        n => format!("{n}th"),
    }
}

/// As [`unexpected_type`], with the types already in quotes.
pub fn mismatch(call: &str, position: usize, argument: &Typed, wanted: &str) -> SparkError {
    let actual = types::sql_name(&argument.data_type);
    SparkError::analysis(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "42K09",
        format!(
            "Cannot resolve \"{call}\" due to data type mismatch: The {} parameter requires the {wanted} type, however \"{}\" has the type \
             \"{actual}\".",
            ordinal(position),
            argument.name
        ),
    )
    .with("sqlExpr", format!("\"{call}\""))
    .with("requiredType", wanted)
    .with("inputType", format!("\"{actual}\""))
}

/// Makes `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT` for an argument that must be known when the query is
/// planned, and is not.
pub fn non_foldable(call: &Call<'_>, argument: &str, data_type: &str) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
        "42K09",
        format!(
            "Cannot resolve \"{}\" due to data type mismatch: the input `{argument}` should be a foldable \"{data_type}\" expression.",
            call.label()
        ),
    )
}

/// Makes `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE` for a function that compares values which have no order.
pub fn not_orderable(label: &str, function: &str, data_type: &DataType) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
        "42K09",
        format!(
            "Cannot resolve \"{label}\" due to data type mismatch: The `{function}` does not support ordering on type \"{}\".",
            types::sql_name(data_type)
        ),
    )
}

/// Makes `UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS` for a call around one that makes rows.
pub fn nested_generator(label: &str) -> SparkError {
    SparkError::analysis(
        "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
        "42K0E",
        format!("The generator is not supported: nested in expressions \"{label}\"."),
    )
}

/// Makes `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE` for a constant that is not between the bounds that `range` says.
pub fn out_of_range(label: &str, argument: &str, range: &str, value: i64) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
        "42K09",
        format!(
            "Cannot resolve \"{label}\" due to data type mismatch: The {argument} must be between {range} (current value = {value})."
        ),
    )
}

/// Makes `INVALID_INDEX_OF_ZERO`: a position of 0, although positions count from 1 or from the end.
pub fn index_of_zero() -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "INVALID_INDEX_OF_ZERO",
        "22003",
        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).",
    )
}
