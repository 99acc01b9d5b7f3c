//! Which streaming queries Spark refuses, and with which words (`UnsupportedOperationChecker`).

use datafusion_expr::LogicalPlan;

use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::OutputMode;
use crate::exec::physical::is_streaming;
use crate::plan::nodes;

/// `outputMode("append")`, by name.
///
/// # Errors
/// `STREAMING_OUTPUT_MODE.INVALID` for another word.
pub fn output_mode(name: &str) -> Result<OutputMode> {
    match name.to_ascii_lowercase().as_str() {
        "append" | "" => Ok(OutputMode::Append),
        "update" => Ok(OutputMode::Update),
        "complete" => Ok(OutputMode::Complete),
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

/// Refuses what Spark refuses.
///
/// # Errors
/// An `AnalysisException` with Spark's condition and sentence.
pub fn check(plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let facts = Facts::of(plan);
    let word = match mode {
        OutputMode::Append => "append",
        OutputMode::Update => "update",
        OutputMode::Complete => "complete",
    };
    let unsupported = |operation: &str| {
        SparkError::analysis(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "42KDE",
            format!("Invalid streaming output mode: {word}. This output mode is not supported for {operation} on streaming DataFrames/DataSets."),
        )
        .with("outputMode", word)
        .with("operation", operation)
    };
    match mode {
        OutputMode::Complete if facts.aggregates == 0 => return Err(unsupported("no streaming aggregations")),
        OutputMode::Append if facts.aggregates > 0 && !facts.watermarked_aggregate => {
            return Err(unsupported("streaming aggregations without watermark"));
        }
        OutputMode::Update if facts.sessions => return Err(unsupported("session window streaming aggregations")),
        _ => {}
    }
    if facts.sorts_streams && !(mode == OutputMode::Complete && facts.aggregates > 0) {
        return Err(legacy(
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete output mode",
        ));
    }
    if facts.stream_joins {
        return Err(SparkError::unsupported("joins of two streams"));
    }
    if facts.sessions {
        return Err(SparkError::unsupported("session windows on streams"));
    }
    if facts.aggregates > 1 {
        return Err(SparkError::unsupported("several aggregations in one streaming query"));
    }
    if facts.outer_static {
        return Err(legacy(
            "RightOuter/FullOuter join with a streaming DataFrame/Dataset on the preserved static side is not supported",
        ));
    }
    Ok(())
}

fn legacy(text: &str) -> SparkError {
    SparkError {
        sql_state: None,
        ..SparkError::analysis("_LEGACY_ERROR_TEMP_3102", "", format!("{text};"))
    }
}

#[derive(Debug, Default)]
struct Facts {
    aggregates: usize,
    watermarked_aggregate: bool,
    sorts_streams: bool,
    stream_joins: bool,
    outer_static: bool,
    sessions: bool,
}

impl Facts {
    fn of(plan: &LogicalPlan) -> Self {
        let mut facts = Self::default();
        facts.visit(plan);
        facts
    }

    fn visit(&mut self, plan: &LogicalPlan) {
        use datafusion_common::JoinType;
        match plan {
            LogicalPlan::Aggregate(aggregate) if is_streaming(&aggregate.input) => {
                self.aggregates += 1;
                self.watermarked_aggregate |= crate::exec::physical::event_time_key(aggregate).is_some();
            }
            LogicalPlan::Sort(sort) if is_streaming(&sort.input) => self.sorts_streams = true,
            LogicalPlan::Join(join) => match (is_streaming(&join.left), is_streaming(&join.right)) {
                (true, true) => self.stream_joins = true,
                (true, false) => {
                    self.outer_static |= matches!(
                        join.join_type,
                        JoinType::Right | JoinType::Full | JoinType::RightSemi | JoinType::RightAnti
                    );
                }
                (false, true) => {
                    self.outer_static |= matches!(
                        join.join_type,
                        JoinType::Left | JoinType::Full | JoinType::LeftSemi | JoinType::LeftAnti
                    );
                }
                _ => {}
            },
            LogicalPlan::Extension(extension) if is_streaming(plan) => {
                self.sessions |= extension.node.as_any().is::<nodes::MergeSessions>();
            }
            _ => {}
        }
        for input in plan.inputs() {
            self.visit(input);
        }
    }
}
