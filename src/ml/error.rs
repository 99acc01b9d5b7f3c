//! Errors as Spark's ML words them, with the column and row that its own messages leave out.
//!
//! Three kinds reach users: a param or column that does not fit ([`illegal`]), a value that training refuses
//! ([`invalid_value`]), and a value that a fitted stage's function refuses ([`failed_function`]). The last two name the
//! row by its place in its batch: the first row is 0, and batches are numbered by nobody, so the number helps most in
//! small data.

use crate::error::{Exception, Fault, SparkError};

/// Returns an `IllegalArgumentException` without a condition, which is how Spark's `require` and `ParamValidators`
/// fail.
///
/// ```
/// use rivulet::ml::error::illegal;
///
/// let error = illegal("Param k does not exist.");
/// assert_eq!(error.condition, None);
/// assert_eq!(error.message, "Param k does not exist.");
/// ```
pub fn illegal(message: impl Into<String>) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "", "", message)
}

/// Returns the error of a value that training refuses (`USER_RAISED_EXCEPTION`, as `raise_error` in `DatasetUtils`
/// raises it).
///
/// The message continues with the column and the row's place in its batch; the parameter `errorMessage` is Spark's
/// words alone.
pub fn invalid_value(message: impl Into<String>, column: &str, row: usize) -> SparkError {
    let message = message.into();
    SparkError::new(
        Exception::Runtime,
        "USER_RAISED_EXCEPTION",
        "P0001",
        format!("{message} (column `{column}`, row {row} of its batch)"),
    )
    .with("errorMessage", message)
}

/// Returns the error of a row that a stage's function refuses (`FAILED_EXECUTE_UDF`).
///
/// `cause` begins with the class of the Java exception, as Spark's does. The fault is the function's, so the
/// task is tried again, as Spark does, and the job fails with the last try.
pub fn failed_function(function: &Signature, cause: impl Into<String>, row: usize) -> SparkError {
    let cause = cause.into();
    let name = format!(
        "`{}$$Lambda: ({}) => {}`",
        function.stage, function.takes, function.gives
    );
    SparkError::new(
        Exception::Connect,
        "FAILED_EXECUTE_UDF",
        "39000",
        format!(
            "User defined function ({name}) failed due to: {cause} (column `{}`, row {row} of its batch)",
            function.column
        ),
    )
    .with("functionName", name)
    .with("reason", cause)
    .by(Fault::Function)
}

/// A stage's function as errors name it: Spark builds the name from the Scala lambda's class and SQL types.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Spark's class without its package.
    pub stage: &'static str,
    /// SQL types of the arguments, separated by commas.
    pub takes: &'static str,
    /// SQL type of the result.
    pub gives: &'static str,
    /// The column that the function reads, as the params name it.
    pub column: String,
}

/// The SQL type of a vector in the names of functions: the struct that `VectorUDT` is stored as.
pub const VECTOR: &str = "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>";
