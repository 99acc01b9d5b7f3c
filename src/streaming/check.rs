//! Which streaming queries Spark refuses, and with which words (`UnsupportedOperationChecker`).
//!
//! The check runs once, when a query starts. It looks at the plan as the user wrote it, so that messages speak of the
//! user's own operations, and at the optimised plan, whose joins show which conditions are equalities.

use datafusion_common::JoinType;
use datafusion_expr::{Aggregate, Expr, Join, LogicalPlan};

use crate::error::{Result, SparkError};
use crate::plan::event_time::{can_end, event_time_key};
use crate::plan::nodes;
use crate::plan::output_mode::{OutputMode, Query, emits_late, refused};
use crate::plan::scan::is_streaming;

/// Refuses what Spark refuses. `analysed` is the plan as the user wrote it; `optimised` tells equal keys from other
/// conditions.
///
/// Costs two walks over the plan. The checks come in this order: output mode, then operators from the sources
/// upwards.
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
    let query = Query {
        mode,
        aggregated: !aggregates.is_empty(),
    };
    visit(analysed, &mut |node| check_node(node, query))?;
    // A rule may have made an aggregation of something else, or moved one.
    visit(optimised, &mut |node| check_node(node, query))?;
    visit(optimised, &mut check_join_state)
}

/// Calls `look` on every node, the lowest first.
fn visit<'a>(plan: &'a LogicalPlan, look: &mut dyn FnMut(&'a LogicalPlan) -> Result<()>) -> Result<()> {
    for input in plan.inputs() {
        visit(input, look)?;
    }
    look(plan)
}

/// Checks the output mode against what the query aggregates.
///
/// Complete needs an aggregation. Append needs event time with a watermark among the keys, or no group would ever be
/// final.
///
/// # Errors
/// `STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION`.
fn check_mode(aggregates: &[&Aggregate], plan: &LogicalPlan, mode: OutputMode) -> Result<()> {
    let unsupported = |operation: &str| {
        let mode = mode.word().to_lowercase();
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

/// Returns whether a plan groups by session windows over a stream.
fn has_sessions(plan: &LogicalPlan) -> bool {
    nodes::of::<nodes::MergeSessions>(plan).is_some_and(|(_, input)| is_streaming(input))
        || plan.inputs().into_iter().any(has_sessions)
}

/// Checks one operator; those over batches alone pass.
///
/// # Errors
/// An `AnalysisException` for distinct aggregates, sorts outside of complete mode, unions of stream and batch, joins
/// that [`check_join`] refuses, and stateful operators over rows that may be late there.
fn check_node(node: &LogicalPlan, query: Query) -> Result<()> {
    if !is_streaming(node) {
        return Ok(());
    }
    let extension = nodes::any(node);
    let stateful = match node {
        LogicalPlan::Aggregate(_) => true,
        LogicalPlan::Join(join) => is_streaming(&join.left) && is_streaming(&join.right),
        _ => extension.is_some_and(|e| e.node.keeps_state()),
    };
    if let LogicalPlan::Join(join) = node {
        check_join(join, query.mode)?;
    }
    if let Some(extension) = extension {
        extension.node.check(&extension.input, query)?;
    }
    if stateful && query.mode != OutputMode::Append && node.inputs().into_iter().any(emits_late) {
        return Err(refused(
            "Detected pattern of possible 'correctness' issue due to global watermark. The query has an aggregation below another \
             stateful operation, whose rows may be late there; this needs Append output mode",
        ));
    }
    match node {
        LogicalPlan::Sort(_) => query.check_sort(),
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(is_distinct) => Err(refused(
            "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead.",
        )),
        LogicalPlan::Union(union) if !union.inputs.iter().all(|i| is_streaming(i)) => Err(refused(
            "Union between streaming and batch DataFrames/Datasets is not supported",
        )),
        _ => Ok(()),
    }
}

/// Returns whether an aggregate is over distinct values.
fn is_distinct(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_distinct(&alias.expr),
        Expr::AggregateFunction(call) => call.params.distinct,
        _ => false,
    }
}

/// Returns Spark's word for a type of join, as error messages have it.
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

/// Checks the type of a join against which of its sides are streams and against the output mode.
///
/// An outer join must not preserve a batch's rows against a stream: whether a row stays without a match is never known.
///
/// # Errors
/// An `AnalysisException` that names the join.
fn check_join(join: &Join, mode: OutputMode) -> Result<()> {
    let name = join_word(join.join_type);
    let (left, right) = (is_streaming(&join.left), is_streaming(&join.right));
    match (left, right, join.join_type) {
        (_, true, JoinType::LeftAnti) => Err(refused(
            "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported",
        )),
        (true, true, _) => match (join.join_type, mode) {
            (JoinType::Inner, OutputMode::Complete) => Err(refused(
                "Inner join between two streaming DataFrames/Datasets is not supported in Complete output mode, only in Append and Update \
                 output modes",
            )),
            (JoinType::Left | JoinType::Right | JoinType::Full, OutputMode::Update | OutputMode::Complete) => {
                Err(refused(&format!(
                    "{name} join between two streaming DataFrames/Datasets is not supported in {} output mode, only in Append output mode",
                    mode.word()
                )))
            }
            (JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full | JoinType::LeftSemi, _) => Ok(()),
            _ => Err(refused(&format!(
                "{name} joins of two streaming DataFrames/Datasets are not supported"
            ))),
        },
        (true, false, JoinType::Right) => Err(refused(
            "RightOuter join with a streaming DataFrame/Dataset on the left and a static DataFrame/DataSet on the right not supported",
        )),
        (true, false, JoinType::Full) => Err(refused(
            "FullOuter joins with streaming DataFrames/Datasets on the left and a static DataFrame/Dataset on the right is not supported",
        )),
        (false, true, JoinType::Full) => Err(refused(
            "FullOuter joins with streaming DataFrames/Datasets on the right and a static DataFrame/Dataset on the left is not supported",
        )),
        (false, true, JoinType::Left | JoinType::LeftSemi) => Err(refused(&format!(
            "{name} join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported"
        ))),
        _ => Ok(()),
    }
}

/// Checks that a join of two streams can let go of its rows: equal keys, and for outer joins a watermark that says when
/// a row will find no match any more.
///
/// # Errors
/// An `AnalysisException` if rows would be kept for ever or never be emitted.
fn check_join_state(node: &LogicalPlan) -> Result<()> {
    let LogicalPlan::Join(join) = node else {
        return Ok(());
    };
    if !is_streaming(&join.left) || !is_streaming(&join.right) {
        return Ok(());
    }
    if join.on.is_empty() {
        return Err(refused(
            "Stream-stream join without equality predicate is not supported",
        ));
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
    Err(refused(&format!(
        "Stream-stream {} join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a \
         watermark on the nullable side and an appropriate range condition",
        join_word(join.join_type)
    )))
}
