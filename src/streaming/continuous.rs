//! What the continuous and the real-time trigger refuse (`UnsupportedOperationChecker.checkForContinuous`,
//! `RealTimeModeAllowlist`).
//!
//! A continuous query works row by row: it selects, computes and filters. A real-time query may keep state, and hands on what
//! changed of it; operators that Spark does not offer there run here, if `spark.sql.streaming.realTimeMode.allowlistCheck` is
//! off.

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlan};

use super::sinks::Sink;
use super::trigger::Trigger;
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::plan::nodes;
use crate::plan::output_mode::{OutputMode, refused};
use crate::plan::scan::{Origin, Scan, ScanSource};
use crate::settings::{self, Conf};
use crate::sources;
use crate::sources::Guarantee;

/// Stateful operators that Spark does not offer in real-time mode, by their names in progress, with its operators.
const NOT_OFFERED: &[(&str, &str)] = &[
    (
        "dedupeWithinWatermark",
        "org.apache.spark.sql.execution.streaming.operators.stateful.StreamingDeduplicateWithinWatermarkExec",
    ),
    (
        "symmetricHashJoin",
        "org.apache.spark.sql.execution.streaming.operators.stateful.join.StreamingSymmetricHashJoinExec",
    ),
    (
        "globalLimit",
        "org.apache.spark.sql.execution.streaming.operators.stateful.StreamingGlobalLimitExec",
    ),
    (
        "sessionWindowStateStoreSaveExec",
        "org.apache.spark.sql.execution.streaming.operators.stateful.SessionWindowStateStoreSaveExec",
    ),
];

/// Refuses a query that does not go with its trigger; every query goes with micro-batches. `now_us` is the query's
/// `current_timestamp()`.
///
/// # Errors
/// An `AnalysisException` for a continuous query with other operators than those that work row by row, in Spark's words.
/// `INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL` and `STREAMING_REAL_TIME_MODE.*` for a real-time one.
/// `UNSUPPORTED_FEATURE` for a table of another system beside a stream.
pub fn check(
    trigger: Trigger,
    (analysed, graph): (&LogicalPlan, &StageGraph),
    mode: OutputMode,
    conf: &Conf,
    now_us: i64,
) -> Result<()> {
    match trigger {
        Trigger::Continuous { .. } => check_continuous(analysed, now_us)?,
        Trigger::RealTime { batch_ms } => {
            let least_ms = conf.millis(&settings::REAL_TIME_MIN_BATCH)?;
            if batch_ms < least_ms {
                return Err(too_short(batch_ms, least_ms));
            }
            check_real_time(graph, mode, conf)?;
        }
        _ => return Ok(()),
    }
    if graph.scans.iter().any(|scan| scan.table.is_some()) {
        return Err(SparkError::unsupported(
            "a table of another system beside a stream with a continuous or real-time trigger",
        ));
    }
    Ok(())
}

/// Refuses a sink that takes whole batches only.
///
/// # Errors
/// In Spark's words, which differ by trigger.
pub fn check_sink(trigger: Trigger, sink: &dyn Sink, format: &str) -> Result<()> {
    if sink.emits().is_some() {
        return Ok(());
    }
    let name = if format == "rivulet.foreachbatch" {
        "foreachBatch"
    } else {
        format
    };
    match trigger {
        Trigger::Continuous { .. } => {
            let sentence = format!("'{name}' is not supported with continuous trigger.");
            Err(SparkError::analysis("_LEGACY_ERROR_TEMP_1195", "", sentence))
        }
        Trigger::RealTime { .. } => Err(limitation(
            "OPERATOR_OR_SINK_NOT_IN_ALLOWLIST",
            &format!("The sink(s): {name} is not in the sink allowlist for Real-Time Mode."),
        )),
        _ => Ok(()),
    }
}

/// Refuses what does not work row by row, the lowest operator first.
fn check_continuous(plan: &LogicalPlan, now_us: i64) -> Result<()> {
    for input in plan.inputs() {
        check_continuous(input, now_us)?;
    }
    if let Some(name) = other_than_map(plan) {
        return Err(refused(&format!(
            "Continuous processing does not support {name} operations."
        )));
    }
    let asks = |expr: &Expr| Ok::<_, SparkError>(asks_time(expr, now_us)?);
    for expr in plan.expressions() {
        if asks(&expr)? {
            return Err(refused(
                "Continuous processing does not support current time operations.",
            ));
        }
    }
    Ok(())
}

/// Returns whether an expression has the time at which the query was planned.
fn asks_time(expr: &Expr, now_us: i64) -> datafusion_common::Result<bool> {
    let mut found = false;
    expr.apply(|part| {
        let is_now =
            |value: &ScalarValue| matches!(value, ScalarValue::TimestampMicrosecond(Some(us), _) if *us == now_us);
        found |= matches!(part, Expr::Literal(value, _) if is_now(value));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Returns Spark's name of an operator that does not work row by row.
fn other_than_map(plan: &LogicalPlan) -> Option<String> {
    let own = match plan {
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => return None,
        LogicalPlan::TableScan(scan) => {
            return ScanSource::of(&scan.source)
                .and_then(|scan| of_scan(scan))
                .map(Into::into);
        }
        LogicalPlan::Aggregate(_) => "Aggregate",
        LogicalPlan::Join(_) => "Join",
        LogicalPlan::Union(_) => "Union",
        LogicalPlan::Sort(_) => "Sort",
        LogicalPlan::Limit(_) => "LocalLimit",
        LogicalPlan::Window(_) => "Window",
        LogicalPlan::Distinct(_) => "Distinct",
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => "LocalRelation",
        other => match nodes::any(other) {
            Some(extension) => match extension.node.name() {
                "ExpandWindows" => "Expand",
                "StreamingLimit" => "LocalLimit",
                "MapGroups" => "FlatMapGroupsWithState",
                name => return Some(name.to_owned()),
            },
            None => {
                return Some(
                    other
                        .display()
                        .to_string()
                        .split(':')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
        },
    };
    Some(own.to_owned())
}

/// Returns Spark's name of a relation that does not go with the trigger.
fn of_scan(scan: &Scan) -> Option<&'static str> {
    match (&scan.stream, &scan.origin) {
        (Some(stream), _) => is_of_files(&stream.format).then_some("StreamingRelation"),
        (None, Origin::Range { .. }) => Some("Range"),
        (None, Origin::Local { .. }) => Some("LocalRelation"),
        (None, Origin::Blocks { .. }) => Some("LogicalRelation"),
    }
}

/// Returns whether a source looks for files that appear.
fn is_of_files(format: &str) -> bool {
    let definition = sources::find(format);
    definition.is_ok_and(|d| matches!(d.name, "json" | "csv" | "text") && d.guarantee == Guarantee::Replayable)
}

/// Refuses what Spark's real-time mode does not offer.
fn check_real_time(graph: &StageGraph, mode: OutputMode, conf: &Conf) -> Result<()> {
    if mode != OutputMode::Update {
        let mode = mode.word();
        let sentence = format!(
            "The output mode {mode} is not supported. To work around this limitation, set the output mode to Update. In the \
             future, {mode} may be supported."
        );
        return Err(limitation("OUTPUT_MODE_NOT_SUPPORTED", &sentence).with("outputMode", mode));
    }
    let streams = graph.scans.iter().filter_map(|scan| scan.stream.as_ref());
    for stream in streams {
        if is_of_files(&stream.format) {
            let sentence = format!("The input stream {} is not supported in Real-time Mode.", stream.format);
            return Err(limitation("INPUT_STREAM_NOT_SUPPORTED", &sentence).with("className", &*stream.format));
        }
    }
    if !conf.flag(&settings::REAL_TIME_ALLOWLIST) {
        return Ok(());
    }
    let named = graph.operators.iter().filter_map(|operator| {
        let known = NOT_OFFERED.iter().find(|(name, _)| *name == operator.name);
        known.map(|(_, spark)| *spark)
    });
    let named: Vec<&str> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    let (names, verb) = (named.join(", "), if named.len() == 1 { "is" } else { "are" });
    let sentence = format!(
        "The operator(s): {names} {verb} not in the operator allowlist for Real-Time Mode. To bypass this check, set {} to \
         false. By changing this, you agree to run the query at your own risk.",
        settings::REAL_TIME_ALLOWLIST.key
    );
    Err(limitation("OPERATOR_OR_SINK_NOT_IN_ALLOWLIST", &sentence))
}

/// Makes the error `STREAMING_REAL_TIME_MODE` with one of its conditions.
fn limitation(condition: &str, sentence: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        &format!("STREAMING_REAL_TIME_MODE.{condition}"),
        "0A000",
        format!("Streaming real-time mode has the following limitation: {sentence}"),
    )
}

/// Makes the error of an epoch that is shorter than it may be.
fn too_short(interval_ms: i64, least_ms: i64) -> SparkError {
    let key = settings::REAL_TIME_MIN_BATCH.key;
    let sentence = format!(
        "The real-time trigger interval is set to {interval_ms} ms. This is less than the {least_ms} ms minimum specified by {key}."
    );
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL",
        "22023",
        sentence,
    )
    .with("interval", interval_ms.to_string())
    .with("minBatchDuration", least_ms.to_string())
}
