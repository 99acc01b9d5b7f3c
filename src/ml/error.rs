//! Errors as Spark's ML words them, with the column and row that its own messages leave out.

use crate::error::{Exception, Fault, SparkError};

/// An `IllegalArgumentException` without a condition.
pub fn illegal(message: impl Into<String>) -> SparkError {
    SparkError {
        exception: Exception::IllegalArgument,
        condition: None,
        sql_state: None,
        message: message.into(),
        parameters: Default::default(),
        fault: Fault::Statement,
    }
}

/// A value that training refuses (`raise_error` in `DatasetUtils`): which row of which column.
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

/// A row that a stage's function refuses (`FAILED_EXECUTE_UDF`).
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

/// A stage's function as errors name it.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Spark's class.
    pub stage: &'static str,
    /// Types of the arguments.
    pub takes: &'static str,
    /// Type of the result.
    pub gives: &'static str,
    /// The column that it reads.
    pub column: String,
}

/// A vector in the names of functions.
pub const VECTOR: &str = "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>";
