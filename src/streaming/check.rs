//! Which streaming queries Spark refuses, and with which words (`UnsupportedOperationChecker`).

use datafusion_common::JoinType;
use datafusion_expr::{Aggregate, Expr, Join, LogicalPlan};

use crate::compile::event_time::{can_end, event_time_key, event_times};
use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::OutputMode;
use crate::plan::map_groups::{Kind, MapGroups, Timeout};
use crate::plan::nodes;
use crate::plan::scan::is_streaming;

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

/// Refuses what Spark refuses. `analysed` is the plan as the user wrote it; `optimised` tells equal keys from other conditions.
///
/// # Errors
/// An `AnalysisException` with Spark's condition and sentence.
pub fn check(analysed: &LogicalPlan, optimised: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let mut aggregates = Vec::new();
    visit(analysed, &mut |node| {
        if let LogicalPlan::Aggregate(aggregate) = node
            && is_streaming(&aggregate.input)
        {
            aggregates.push(aggregate);
        }
        Ok(())
    })?;
    check_mode(&aggregates, analysed, mode)?;
    let aggregated = !aggregates.is_empty();
    visit(analysed, &mut |node| check_node(node, mode, aggregated))?;
    // A rule may have made an aggregation of something else, or moved one.
    visit(optimised, &mut |node| check_node(node, mode, aggregated))?;
    visit(optimised, &mut check_join_state)
}

/// Calls `look` on every node, the lowest first.
fn visit<'a>(plan: &'a LogicalPlan, look: &mut dyn FnMut(&'a LogicalPlan) -> Result<()>) -> Result<()> {
    for input in plan.inputs() {
        visit(input, look)?;
    }
    look(plan)
}

fn word(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::Append => "Append",
        OutputMode::Update => "Update",
        OutputMode::Complete => "Complete",
    }
}

fn check_mode(aggregates: &[&Aggregate], plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let unsupported = |operation: &str| {
        let mode = word(mode).to_lowercase();
        let text = format!(
            "Invalid streaming output mode: {mode}. This output mode is not supported for {operation} on streaming DataFrames/DataSets."
        );
        SparkError::analysis("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "42KDE", text)
            .with("outputMode", mode)
            .with("operation", operation)
    };
    match mode {
        OutputMode::Complete if aggregates.is_empty() => Err(unsupported("no streaming aggregations")),
        OutputMode::Append if aggregates.iter().any(|a| event_time_key(a).is_none()) => {
            Err(unsupported("streaming aggregations without watermark"))
        }
        OutputMode::Update if has_sessions(plan) => Err(unsupported("session window streaming aggregations")),
        _ => Ok(()),
    }
}

fn has_sessions(plan: &LogicalPlan) -> bool {
    extension::<nodes::MergeSessions>(plan).is_some_and(|m| is_streaming(&m.input))
        || plan.inputs().into_iter().any(has_sessions)
}

fn extension<T: 'static>(plan: &LogicalPlan) -> Option<&T> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
        _ => None,
    }
}

fn check_node(node: &LogicalPlan, mode: OutputMode, aggregated: bool) -> Result<()> {
    let may_sort = aggregated && mode == OutputMode::Complete;
    if !is_streaming(node) {
        return Ok(());
    }
    let stateful = match node {
        LogicalPlan::Aggregate(_) => true,
        LogicalPlan::Join(join) => is_streaming(&join.left) && is_streaming(&join.right),
        _ => extension::<nodes::Deduplicate>(node).is_some() || extension::<MapGroups>(node).is_some(),
    };
    if let LogicalPlan::Join(join) = node {
        check_join(join, mode)?;
    }
    if let Some(groups) = extension::<MapGroups>(node) {
        check_groups(groups, mode, aggregated)?;
    }
    if stateful && mode != OutputMode::Append && node.inputs().into_iter().any(emits_late) {
        return Err(legacy(
            "Detected pattern of possible 'correctness' issue due to global watermark. The query has an aggregation below another \
             stateful operation, whose rows may be late there; this needs Append output mode",
        ));
    }
    match node {
        LogicalPlan::Sort(_) if !may_sort => Err(legacy(
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete \
             output mode",
        )),
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(is_distinct) => Err(legacy(
            "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead.",
        )),
        LogicalPlan::Union(union) if !union.inputs.iter().all(|i| is_streaming(i)) => Err(legacy(
            "Union between streaming and batch DataFrames/Datasets is not supported",
        )),
        _ => {
            if extension::<nodes::SortWithinPartitions>(node).is_some() && !may_sort {
                return Err(legacy(
                    "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete \
                     output mode",
                ));
            }
            if extension::<nodes::StreamingLimit>(node).is_some() && mode == OutputMode::Update {
                return Err(legacy(
                    "Limits are not supported on streaming DataFrames/Datasets in Update output mode",
                ));
            }
            if let Some(dedup) = extension::<nodes::Deduplicate>(node)
                && dedup.within_watermark
                && event_times(&dedup.input).is_empty()
            {
                return Err(legacy(
                    "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark",
                ));
            }
            Ok(())
        }
    }
}

fn is_distinct(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_distinct(&alias.expr),
        Expr::AggregateFunction(call) => call.params.distinct,
        _ => false,
    }
}

/// Whether rows of a plan may be behind the watermark: those of an aggregation that is not in append mode.
fn emits_late(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(a) if is_streaming(&a.input)) || plan.inputs().into_iter().any(emits_late)
}

fn join_word(join_type: JoinType) -> &'static str {
    match join_type {
        JoinType::Inner => "Inner",
        JoinType::Left => "LeftOuter",
        JoinType::Right => "RightOuter",
        JoinType::Full => "FullOuter",
        JoinType::LeftSemi => "LeftSemi",
        JoinType::LeftAnti => "LeftAnti",
        JoinType::RightSemi => "RightSemi",
        JoinType::RightAnti => "RightAnti",
        JoinType::LeftMark | JoinType::RightMark => "ExistenceJoin",
    }
}

fn check_join(join: &Join, mode: OutputMode) -> Result<()> {
    let name = join_word(join.join_type);
    let (left, right) = (is_streaming(&join.left), is_streaming(&join.right));
    match (left, right, join.join_type) {
        (_, true, JoinType::LeftAnti) => Err(legacy(
            "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported",
        )),
        (true, true, _) => match (join.join_type, mode) {
            (JoinType::Inner, OutputMode::Complete) => Err(legacy(
                "Inner join between two streaming DataFrames/Datasets is not supported in Complete output mode, only in Append and Update \
                 output modes",
            )),
            (JoinType::Left | JoinType::Right | JoinType::Full, OutputMode::Update | OutputMode::Complete) => {
                Err(legacy(&format!(
                    "{name} join between two streaming DataFrames/Datasets is not supported in {} output mode, only in Append output mode",
                    word(mode)
                )))
            }
            (JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full | JoinType::LeftSemi, _) => Ok(()),
            _ => Err(legacy(&format!(
                "{name} joins of two streaming DataFrames/Datasets are not supported"
            ))),
        },
        (true, false, JoinType::Right) => Err(legacy(
            "RightOuter join with a streaming DataFrame/Dataset on the left and a static DataFrame/DataSet on the right not supported",
        )),
        (true, false, JoinType::Full) => Err(legacy(
            "FullOuter joins with streaming DataFrames/Datasets on the left and a static DataFrame/Dataset on the right is not supported",
        )),
        (false, true, JoinType::Full) => Err(legacy(
            "FullOuter joins with streaming DataFrames/Datasets on the right and a static DataFrame/Dataset on the left is not supported",
        )),
        (false, true, JoinType::Left | JoinType::LeftSemi) => Err(legacy(&format!(
            "{name} join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported"
        ))),
        _ => Ok(()),
    }
}

/// In which modes a function of the user's over groups may stand, and what its timeouts need.
fn check_groups(groups: &MapGroups, mode: OutputMode, aggregated: bool) -> Result<()> {
    let in_mode = |what: &str| {
        legacy(&format!(
            "{what} is not supported with {} output mode on a streaming DataFrame/Dataset",
            word(mode)
        ))
    };
    match groups.kind {
        Kind::Map if aggregated => {
            return Err(legacy(
                "mapGroupsWithState is not supported with aggregation on a streaming DataFrame/Dataset",
            ));
        }
        Kind::Map if mode != OutputMode::Update => return Err(in_mode("mapGroupsWithState")),
        Kind::FlatMap { update: true } if aggregated => {
            return Err(legacy(
                "flatMapGroupsWithState in update mode is not supported with aggregation on a streaming DataFrame/Dataset",
            ));
        }
        Kind::FlatMap { update: true } if mode != OutputMode::Update => {
            return Err(in_mode("flatMapGroupsWithState in update mode"));
        }
        Kind::FlatMap { update: false } if aggregated && emits_late(&groups.input) => {
            return Err(legacy(
                "flatMapGroupsWithState in append mode is not supported after aggregation on a streaming DataFrame/Dataset",
            ));
        }
        Kind::FlatMap { update: false } if !aggregated && mode != OutputMode::Append => {
            return Err(in_mode("flatMapGroupsWithState in append mode"));
        }
        _ => {}
    }
    if groups.timeout == Timeout::EventTime && event_times(&groups.input).is_empty() {
        return Err(legacy(
            "Watermark must be specified in the query using '[Dataset/DataFrame].withWatermark()' for using event-time timeout in a \
             [map|flatMap]GroupsWithState. Event-time timeout not supported without watermark.",
        ));
    }
    Ok(())
}

/// What a join of two streams needs to let go of its rows.
fn check_join_state(node: &LogicalPlan) -> Result<()> {
    let LogicalPlan::Join(join) = node else {
        return Ok(());
    };
    if !is_streaming(&join.left) || !is_streaming(&join.right) {
        return Ok(());
    }
    if join.on.is_empty() {
        return Err(legacy("Stream-stream join without equality predicate is not supported"));
    }
    let ends = match join.join_type {
        JoinType::Left | JoinType::LeftSemi => can_end(join, true),
        JoinType::Right => can_end(join, false),
        JoinType::Full => can_end(join, true) || can_end(join, false),
        _ => true,
    };
    if ends {
        return Ok(());
    }
    Err(legacy(&format!(
        "Stream-stream {} join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a \
         watermark on the nullable side and an appropriate range condition",
        join_word(join.join_type)
    )))
}

fn legacy(text: &str) -> SparkError {
    SparkError {
        sql_state: None,
        ..SparkError::analysis("_LEGACY_ERROR_TEMP_3102", "", format!("{text};"))
    }
}
