//! The one error that every layer speaks: Spark's condition, SQLSTATE and message parameters.
//!
//! Spark's rule (`SparkThrowable`): an error is a *condition* such as `DIVIDE_BY_ZERO`, an optional SQLSTATE, named
//! parameters, and a sentence. The exception class is what a client raises (`AnalysisException`, …). Layers below `plan`
//! carry it inside `DataFusionError::External`, so that an error of a kernel reaches the page unchanged.

use std::collections::BTreeMap;
use std::fmt;

use arrow::error::ArrowError;
use datafusion_common::DataFusionError;
use serde::{Deserialize, Serialize};

/// Which exception a client raises, by Spark's class names without their package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exception {
    Analysis,
    Parse,
    Arithmetic,
    NumberFormat,
    DateTime,
    ArrayIndexOutOfBounds,
    IllegalArgument,
    UnsupportedOperation,
    StreamingQuery,
    Runtime,
    Connect,
}

impl Exception {
    /// The JVM classes that Spark's server names for this exception, most specific first.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Analysis => &["org.apache.spark.sql.AnalysisException"],
            Self::Parse => &[
                "org.apache.spark.sql.catalyst.parser.ParseException",
                "org.apache.spark.sql.AnalysisException",
            ],
            Self::Arithmetic => &[
                "org.apache.spark.SparkArithmeticException",
                "java.lang.ArithmeticException",
            ],
            Self::NumberFormat => &[
                "org.apache.spark.SparkNumberFormatException",
                "java.lang.NumberFormatException",
            ],
            Self::DateTime => &["org.apache.spark.SparkDateTimeException", "java.time.DateTimeException"],
            Self::ArrayIndexOutOfBounds => &[
                "org.apache.spark.SparkArrayIndexOutOfBoundsException",
                "java.lang.ArrayIndexOutOfBoundsException",
            ],
            Self::IllegalArgument => &[
                "org.apache.spark.SparkIllegalArgumentException",
                "java.lang.IllegalArgumentException",
            ],
            Self::UnsupportedOperation => &[
                "org.apache.spark.SparkUnsupportedOperationException",
                "java.lang.UnsupportedOperationException",
            ],
            Self::StreamingQuery => &["org.apache.spark.sql.streaming.StreamingQueryException"],
            Self::Runtime => &["org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"],
            Self::Connect => &["org.apache.spark.SparkException", "java.lang.Exception"],
        }
    }

    /// The class name that the TypeScript client raises.
    pub fn name(self) -> &'static str {
        match self {
            Self::Analysis => "AnalysisException",
            Self::Parse => "ParseException",
            Self::Arithmetic => "ArithmeticException",
            Self::NumberFormat => "NumberFormatException",
            Self::DateTime => "DateTimeException",
            Self::ArrayIndexOutOfBounds => "ArrayIndexOutOfBoundsException",
            Self::IllegalArgument => "IllegalArgumentException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::StreamingQuery => "StreamingQueryException",
            Self::Runtime => "SparkRuntimeException",
            Self::Connect => "SparkException",
        }
    }
}

/// Whose fault an error is, which decides whether its task is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Fault {
    /// The statement's or the data's: the same wherever the task runs.
    #[default]
    Statement,
    /// The engine's or its host's: a damaged block, a broken invariant. Another executor may not have it.
    Engine,
    /// A user's function threw: Spark tries such a task again.
    Function,
}

/// An error as Spark words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparkError {
    pub exception: Exception,
    /// Spark's error condition, e.g. `UNRESOLVED_COLUMN.WITH_SUGGESTION`; none where Spark has none.
    pub condition: Option<String>,
    pub sql_state: Option<String>,
    /// The sentence without condition and SQLSTATE.
    pub message: String,
    pub parameters: BTreeMap<String, String>,
    /// Whose fault it is. Clients do not see it.
    #[serde(default)]
    pub fault: Fault,
}

/// What every fallible function above the kernels returns.
pub type Result<T, E = SparkError> = std::result::Result<T, E>;

impl SparkError {
    pub fn new(exception: Exception, condition: &str, sql_state: &str, message: impl Into<String>) -> Self {
        Self {
            exception,
            condition: Some(condition.to_owned()),
            sql_state: Some(sql_state.to_owned()),
            message: message.into(),
            parameters: BTreeMap::new(),
            fault: Fault::Statement,
        }
    }

    /// Names one of the things the sentence is about.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(parameter.to_owned(), value.into());
        self
    }

    /// Says whose fault it is.
    #[must_use]
    pub fn by(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Returns whether the task may succeed when it is tried again.
    pub fn is_retryable(&self) -> bool {
        self.fault != Fault::Statement
    }

    /// Returns what Scala's `require` throws: an `IllegalArgumentException` without a condition.
    pub fn requirement(message: impl Into<String>) -> Self {
        Self {
            exception: Exception::IllegalArgument,
            condition: None,
            sql_state: None,
            message: format!("requirement failed: {}", message.into()),
            parameters: BTreeMap::new(),
            fault: Fault::Statement,
        }
    }

    pub fn analysis(condition: &str, sql_state: &str, message: impl Into<String>) -> Self {
        Self::new(Exception::Analysis, condition, sql_state, message)
    }

    /// A thing that Spark has and Rivulet has not (yet): the sentence names it.
    pub fn unsupported(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_FEATURE.RIVULET",
            "0A000",
            format!("Rivulet does not support {what}."),
        )
        .with("feature", what)
    }

    /// A request that no correct client sends.
    pub fn invalid_plan(message: impl Into<String>) -> Self {
        Self::new(
            Exception::Connect,
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "56K00",
            message,
        )
    }

    /// A broken invariant of the engine: a bug of ours, told as such.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exception::Connect, "INTERNAL_ERROR", "XX000", message).by(Fault::Engine)
    }

    /// The text that Spark's `getMessage` gives: `[CONDITION] sentence SQLSTATE: 42000`.
    pub fn full_message(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for SparkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(condition) = &self.condition {
            write!(f, "[{condition}] ")?;
        }
        f.write_str(&self.message)?;
        if let Some(state) = &self.sql_state {
            write!(f, " SQLSTATE: {state}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SparkError {}

impl From<SparkError> for DataFusionError {
    fn from(error: SparkError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<SparkError> for ArrowError {
    fn from(error: SparkError) -> Self {
        ArrowError::ExternalError(Box::new(error))
    }
}

impl From<ArrowError> for SparkError {
    fn from(error: ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<DataFusionError> for SparkError {
    /// Finds the Spark error inside; what has none becomes an internal error or the condition that the kernel means.
    fn from(error: DataFusionError) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(spark) = inner.downcast_ref::<SparkError>() {
                return spark.clone();
            }
            cause = match inner.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::Shared(shared)) => Some(shared.as_ref()),
                Some(DataFusionError::External(boxed)) => Some(boxed.as_ref()),
                Some(DataFusionError::ArrowError(arrow, _)) => Some(arrow.as_ref()),
                _ => match inner.downcast_ref::<ArrowError>() {
                    Some(ArrowError::ExternalError(boxed)) => Some(boxed.as_ref()),
                    Some(ArrowError::DivideByZero) => return divide_by_zero(),
                    Some(ArrowError::ArithmeticOverflow(text)) => return arithmetic_overflow(text),
                    _ => inner.source(),
                },
            };
        }
        match error.find_root() {
            DataFusionError::NotImplemented(what) => Self::unsupported(what.clone()),
            DataFusionError::ResourcesExhausted(what) => Self::new(
                Exception::Runtime,
                "MEMORY_LIMIT",
                "53200",
                format!("The memory budget is used up: {what}"),
            ),
            other => Self::internal(other.to_string()),
        }
    }
}

/// `x / 0` under ANSI.
pub fn divide_by_zero() -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "DIVIDE_BY_ZERO",
        "22012",
        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    )
    .with("config", "\"spark.sql.ansi.enabled\"")
}

/// `x % 0` under ANSI.
pub fn remainder_by_zero() -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "REMAINDER_BY_ZERO",
        "22012",
        "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead.",
    )
    .with("config", "\"spark.sql.ansi.enabled\"")
}

/// A result that does not fit its type, under ANSI.
pub fn arithmetic_overflow(what: &str) -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "ARITHMETIC_OVERFLOW",
        "22003",
        format!("{what}."),
    )
    .with("message", what)
    .with("alternative", "")
    .with("config", "\"spark.sql.ansi.enabled\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_error_inside_datafusion_and_arrow_errors_comes_back_unchanged() {
        let error = divide_by_zero();
        let wrapped = DataFusionError::from(ArrowError::from(error.clone())).context("somewhere");
        assert_eq!(SparkError::from(wrapped), error);
    }

    #[test]
    fn the_message_reads_as_sparks() {
        let error = SparkError::analysis("TABLE_OR_VIEW_NOT_FOUND", "42P01", "The table `t` cannot be found.");
        assert_eq!(
            error.to_string(),
            "[TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found. SQLSTATE: 42P01"
        );
    }
}
