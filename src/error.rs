//! The one error that every layer speaks: Spark's condition, SQLSTATE and message parameters.
//!
//! Spark's rule (`SparkThrowable`): an error is a *condition* such as `DIVIDE_BY_ZERO`, an optional
//! SQLSTATE, named parameters, and a sentence. The exception class is what a client raises
//! (`AnalysisException`, …). Layers below `plan` carry it inside `DataFusionError::External`, so that
//! an error of a kernel reaches the page unchanged.
//!
//! ```text
//! kernel: SparkError ─► ArrowError::ExternalError ─► DataFusionError::ArrowError, Context, Shared, …
//!                                                                    │ From<DataFusionError>
//! client: AnalysisException(condition, parameters, message) ◄── SparkError
//! ```
//!
//! Code decides by conditions and classes, never by the sentence.

use std::collections::BTreeMap;
use std::fmt;

use arrow::error::ArrowError;
use datafusion_common::DataFusionError;
use serde::{Deserialize, Serialize};

/// Which exception a client raises, by Spark's class names without their package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exception {
    /// The query is wrong before it runs: a name, a type or a call that cannot be resolved.
    Analysis,
    /// SQL text or a schema does not parse; also an [`Exception::Analysis`] to clients.
    Parse,
    /// A number that does not fit, or a division by zero.
    Arithmetic,
    /// A string that is not a number.
    NumberFormat,
    /// A string that is not a time, or a time that cannot be.
    DateTime,
    /// An index beyond an array's ends.
    ArrayIndexOutOfBounds,
    /// An argument or a setting that is not allowed.
    IllegalArgument,
    /// A setting that there is not.
    NoSuchElement,
    /// An operation that this object does not have.
    UnsupportedOperation,
    /// A streaming query that ended with an error, which is its cause.
    StreamingQuery,
    /// Anything else that goes wrong when a query runs.
    Runtime,
    /// Anything else: a broken message, a broken invariant, a lost executor.
    Connect,
}

impl Exception {
    /// Returns the JVM classes that Spark's server names for this exception, most specific first. PySpark
    /// chooses its class by the first one that it knows.
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
            Self::NoSuchElement => &[
                "org.apache.spark.SparkNoSuchElementException",
                "java.util.NoSuchElementException",
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

    /// Returns the class name that the TypeScript client raises.
    pub fn name(self) -> &'static str {
        match self {
            Self::Analysis => "AnalysisException",
            Self::Parse => "ParseException",
            Self::Arithmetic => "ArithmeticException",
            Self::NumberFormat => "NumberFormatException",
            Self::DateTime => "DateTimeException",
            Self::ArrayIndexOutOfBounds => "ArrayIndexOutOfBoundsException",
            Self::IllegalArgument => "IllegalArgumentException",
            Self::NoSuchElement => "SparkNoSuchElementException",
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
///
/// ```
/// use rivulet::error::{Exception, SparkError};
///
/// let error = SparkError::analysis("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", "A column `x` cannot be resolved.")
///     .with("objectName", "`x`");
/// assert_eq!(error.exception, Exception::Analysis);
/// assert_eq!(error.parameters["objectName"], "`x`");
/// assert_eq!(
///     error.to_string(),
///     "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column `x` cannot be resolved. SQLSTATE: 42703",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparkError {
    /// Which class a client raises.
    pub exception: Exception,
    /// Spark's error condition, e.g. `UNRESOLVED_COLUMN.WITH_SUGGESTION`; `None` if Spark has none.
    pub condition: Option<String>,
    /// The five characters of the SQL standard's class and subclass; `None` if Spark has none.
    pub sql_state: Option<String>,
    /// The sentence without condition and SQLSTATE.
    pub message: String,
    /// What the sentence is about, by Spark's parameter names; clients and tests read them, so they are as
    /// Spark quotes them.
    pub parameters: BTreeMap<String, String>,
    /// Whose fault it is. Clients do not see it.
    #[serde(default)]
    pub fault: Fault,
}

/// The condition of an operator that gets no more memory.
pub const EXECUTION_MEMORY_USED_UP: &str = "RIVULET_EXECUTION_MEMORY";

/// What every fallible function above the kernels returns.
pub type Result<T, E = SparkError> = std::result::Result<T, E>;

impl SparkError {
    /// Makes an error with a condition and a SQLSTATE, and without parameters. An empty condition or SQLSTATE is one that
    /// Spark does not have: it becomes `None`.
    pub fn new(exception: Exception, condition: &str, sql_state: &str, message: impl Into<String>) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            exception,
            condition: given(condition),
            sql_state: given(sql_state),
            message: message.into(),
            parameters: BTreeMap::new(),
            fault: Fault::Statement,
        }
    }

    /// Names one of the things that the sentence is about; a second value for a name replaces the first.
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

    /// Returns whether it says that a task has ended its executors, or has panicked: the data may be what kills them.
    ///
    /// ```
    /// use rivulet::error::{SparkError, divide_by_zero};
    ///
    /// assert!(SparkError::panic("index out of bounds").is_death() && !divide_by_zero().is_death());
    /// ```
    pub fn is_death(&self) -> bool {
        let condition = self.condition.as_deref();
        matches!(
            condition,
            Some("RIVULET_PANIC" | "RIVULET_OUT_OF_MEMORY" | "EXECUTORS_LOST")
        )
    }

    /// Makes what Scala's `require` throws: an `IllegalArgumentException` without a condition.
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

    /// Makes an `AnalysisException`.
    pub fn analysis(condition: &str, sql_state: &str, message: impl Into<String>) -> Self {
        Self::new(Exception::Analysis, condition, sql_state, message)
    }

    /// Makes the error of a thing that Spark has and Rivulet lacks: `UNSUPPORTED_FEATURE.RIVULET`, which
    /// names it.
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

    /// Makes the error of a request that no correct client sends: `CONNECT_INVALID_PLAN.CANNOT_PARSE`.
    pub fn invalid_plan(message: impl Into<String>) -> Self {
        Self::new(
            Exception::Connect,
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "56K00",
            message,
        )
    }

    /// Makes the error of a broken invariant of the engine: our bug, reported as `INTERNAL_ERROR`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exception::Connect, "INTERNAL_ERROR", "XX000", message).by(Fault::Engine)
    }

    /// Makes the error of a kernel that panicked: our bug, reported as `RIVULET_PANIC`. Another try would meet it again.
    pub fn panic(text: &str) -> Self {
        let sentence = format!("The engine has failed at this statement; please report it as a bug of Rivulet: {text}");
        Self::new(Exception::Runtime, "RIVULET_PANIC", "XX000", sentence).with("panic", text)
    }

    /// Makes the error of a task for which an executor had not the memory, `RIVULET_OUT_OF_MEMORY`.
    pub fn out_of_memory(what: &str) -> Self {
        let sentence = format!(
            "An executor has run out of memory at this statement: {what}. Read less at once, or over more partitions."
        );
        Self::new(Exception::Runtime, "RIVULET_OUT_OF_MEMORY", "53200", sentence)
    }

    /// Returns what Spark's `getMessage` returns: `[CONDITION] sentence SQLSTATE: 42000`.
    pub fn full_message(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for SparkError {
    /// Writes condition, sentence and SQLSTATE; what is missing is left out, and so is a condition that is only a legacy
    /// number (`SparkThrowableHelper.getMessage`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.condition.as_ref().filter(|c| !c.starts_with("_LEGACY_ERROR_"));
        if let Some(condition) = named {
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
    /// Hides the error in DataFusion's, from which it comes out unchanged.
    fn from(error: SparkError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<SparkError> for ArrowError {
    /// Hides the error in Arrow's, from which it comes out unchanged.
    fn from(error: SparkError) -> Self {
        ArrowError::ExternalError(Box::new(error))
    }
}

impl From<ArrowError> for SparkError {
    /// As for DataFusion's errors, one of which it is wrapped in.
    fn from(error: ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<DataFusionError> for SparkError {
    /// Finds the Spark error inside, through any number of wrappings.
    ///
    /// Without one, Arrow's division by zero and overflow become Spark's conditions, exhausted memory
    /// becomes `RIVULET_EXECUTION_MEMORY`, what DataFusion does not implement `UNSUPPORTED_FEATURE.RIVULET`, and all
    /// else an internal error.
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
                Some(DataFusionError::IoError(io)) => inner_of(io),
                _ => match inner.downcast_ref::<ArrowError>() {
                    Some(ArrowError::ExternalError(boxed)) => Some(boxed.as_ref()),
                    Some(ArrowError::IoError(_, io)) => inner_of(io),
                    Some(ArrowError::DivideByZero) => return divide_by_zero(),
                    Some(ArrowError::ArithmeticOverflow(text)) => return arithmetic_overflow(text),
                    _ => inner.source(),
                },
            };
        }
        match error.find_root() {
            DataFusionError::NotImplemented(what) => Self::unsupported(what.clone()),
            DataFusionError::ResourcesExhausted(what) => {
                Self::new(Exception::Runtime, EXECUTION_MEMORY_USED_UP, "53200", what.clone())
            }
            other => Self::internal(other.to_string()),
        }
    }
}

/// Returns the error that was made into one of the system's; `None` if it is the system's own.
fn inner_of(error: &std::io::Error) -> Option<&(dyn std::error::Error + 'static)> {
    let inner = error.get_ref()?;
    Some(inner)
}

/// Runs work so that a panic in it is its error, `RIVULET_PANIC`. The work leaves nothing half done that is used afterwards.
/// In wasm a panic ends the worker, and no error is returned.
///
/// ```
/// use rivulet::error::guarded;
///
/// let none: Vec<u32> = vec![];
/// let error = guarded(|| Ok(none[3])).unwrap_err();
/// assert_eq!(error.condition.as_deref(), Some("RIVULET_PANIC"));
/// ```
///
/// # Errors
/// The work's own, or `RIVULET_PANIC` with the panic's text.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(SparkError::panic(text.unwrap_or_default()))
        }
    }
}

/// Makes the error of `x / 0` under ANSI.
pub fn divide_by_zero() -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "DIVIDE_BY_ZERO",
        "22012",
        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    )
    .with("config", "\"spark.sql.ansi.enabled\"")
}

/// Makes the error of `x % 0` under ANSI.
pub fn remainder_by_zero() -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "REMAINDER_BY_ZERO",
        "22012",
        "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead.",
    )
    .with("config", "\"spark.sql.ansi.enabled\"")
}

/// Makes the error of a result that does not fit its type, under ANSI; `what` overflowed, such as `long
/// overflow`.
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

    #[test]
    fn what_spark_has_no_condition_or_state_for_is_told_without_them() {
        let legacy = SparkError::analysis("_LEGACY_ERROR_TEMP_3102", "", "Offset is not supported;");
        assert_eq!(legacy.sql_state, None);
        assert_eq!(legacy.condition.as_deref(), Some("_LEGACY_ERROR_TEMP_3102"));
        assert_eq!(legacy.to_string(), "Offset is not supported;");
        let bare = SparkError::new(Exception::Arithmetic, "", "", "long overflow");
        assert_eq!((&bare.condition, &bare.sql_state), (&None, &None));
        assert_eq!(bare.to_string(), "long overflow");
    }
}
