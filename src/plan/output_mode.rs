//! Output modes of streaming queries, and what operators ask of one to refuse it.
//!
//! The rules are those of Spark's `UnsupportedOperationChecker`, which looks at a whole plan. Here each
//! operator checks its own place ([`nodes::Node::check`](crate::plan::nodes::Node::check)) and receives
//! what it must know of the rest as a [`Query`].

use datafusion_expr::LogicalPlan;
use serde::{Deserialize, Serialize};

use super::scan::is_streaming;
use crate::error::{Exception, Result, SparkError};

/// Which rows of its result a streaming query puts out per batch.
///
/// ```
/// use rivulet::plan::output_mode::OutputMode;
///
/// assert_eq!(OutputMode::parse("Update")?, OutputMode::Update);
/// assert_eq!(OutputMode::parse("")?, OutputMode::Append);
/// assert_eq!(
///     OutputMode::parse("all").unwrap_err().condition.as_deref(),
///     Some("STREAMING_OUTPUT_MODE.INVALID"),
/// );
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputMode {
    /// Rows that no later batch can change.
    Append,
    /// Rows that this batch changed.
    Update,
    /// All rows of an aggregation.
    Complete,
}

impl OutputMode {
    /// Reads the word of `outputMode("append")`, in any case; no word means append.
    ///
    /// # Errors
    /// If it is another word, `STREAMING_OUTPUT_MODE.INVALID`.
    pub fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "append" | "" => Ok(Self::Append),
            "update" => Ok(Self::Update),
            "complete" => Ok(Self::Complete),
            other => Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_OUTPUT_MODE.INVALID",
                "42KDE",
                format!(
                    "Invalid streaming output mode: {other}. Accepted output modes are 'Append', 'Complete', 'Update'."
                ),
            )
            .with("outputMode", other)),
        }
    }

    /// Names the mode as Spark's sentences do.
    pub fn word(self) -> &'static str {
        match self {
            Self::Append => "Append",
            Self::Update => "Update",
            Self::Complete => "Complete",
        }
    }
}

/// What an operator must know of its streaming query to say whether it may stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// The query's output mode.
    pub mode: OutputMode,
    /// Whether the query aggregates a stream.
    pub aggregated: bool,
}

impl Query {
    /// Refuses to sort rows that later batches may add to.
    ///
    /// # Errors
    /// If the query does not put out a complete aggregation, an `AnalysisException` with Spark's sentence.
    pub fn check_sort(self) -> Result<()> {
        if self.aggregated && self.mode == OutputMode::Complete {
            return Ok(());
        }
        Err(refused(
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete \
             output mode",
        ))
    }
}

/// Makes the error of an operation that Spark refuses for streams, or for what is not one. Spark has no condition of its
/// own for these sentences, only a legacy number.
pub fn refused(text: &str) -> SparkError {
    SparkError::analysis("_LEGACY_ERROR_TEMP_3102", "", format!("{text};"))
}

/// Returns whether rows of a plan may be older than the watermark: those of an aggregation that is not in append mode.
pub fn emits_late(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(a) if is_streaming(&a.input)) || plan.inputs().into_iter().any(emits_late)
}
