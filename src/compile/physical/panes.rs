//! Sliding windows by panes: rows are aggregated once, and windows are put together of what that gives.
//!
//! A pane is as long as the greatest common divisor of length and slide, so that every window is made of whole panes. The
//! first half of an aggregation by window groups by pane; its rows, few by then, go to the windows that hold their pane.
//!
//! ```text
//! rows   · ·· ·   ·  ··   ·      each row is aggregated once, not once per window
//! panes  ├────┼────┼────┼────┤
//!         └─┬──┘
//!           window of two panes: their partial aggregates, merged by whatever merges partial aggregates anyway
//! ```
//!
//! Only functions whose partial aggregates can be merged in any order are computed so: `collect_list` cannot.

use std::sync::Arc;

use arrow::datatypes::*;
use datafusion_common::Column;
use datafusion_expr::{Aggregate, Expr, LogicalPlan};

use crate::error::{Result, SparkError};
use crate::exec::compiler::Plan;
use crate::exec::operators::in_windows;
use crate::exec::state::windows::Windows;
use crate::exec::transform::Transform;
use crate::plan::event_time::event_time_key;
use crate::plan::nodes::{self, ExpandWindows};
use crate::plan::time_window::candidates;

/// Functions whose partial aggregates can be merged in any order.
const MERGEABLE: [&str; 7] = ["count", "sum", "avg", "min", "max", "bool_and", "bool_or"];

/// Most panes between two windows: with more, panes hold few rows each.
const MAX_PANES: i64 = 8;

/// How the rows of panes become rows of windows.
pub(super) struct Panes {
    /// Which key is the start of the pane.
    key: usize,
    /// The windows.
    windows: ExpandWindows,
}

/// Returns the aggregation of a stream by panes in place of windows, and the key with the pane's start and the windows; `None`
/// as with [`by_panes`], or if another key closes the groups.
pub(super) fn of_stream(aggregate: &Aggregate) -> Option<(Aggregate, (usize, Windows))> {
    let (rewritten, panes) = by_panes(aggregate)?;
    let closes = event_time_key(aggregate).is_none_or(|key| key.column == panes.key);
    let windows = Windows {
        length_us: panes.windows.length_us,
        slide_us: panes.windows.slide_us,
        offset_us: panes.windows.offset_us,
        pane_us: gcd(panes.windows.length_us, panes.windows.slide_us),
    };
    closes.then_some((rewritten, (panes.key, windows)))
}

/// Returns the aggregation by panes in place of windows, and the way back; `None` if it groups by no sliding window, or uses
/// the window otherwise.
pub(super) fn by_panes(aggregate: &Aggregate) -> Option<(Aggregate, Panes)> {
    let is_mergeable = |e: &Expr| match e {
        Expr::AggregateFunction(f) => {
            MERGEABLE.contains(&f.func.name()) && !f.params.distinct && f.params.order_by.is_empty()
        }
        _ => false,
    };
    let unaliased = |e: &Expr| e.clone().unalias_nested().data;
    if !aggregate.aggr_expr.iter().all(|e| is_mergeable(&unaliased(e))) {
        return None;
    }
    let (key, input, windows) = aggregate.group_expr.iter().enumerate().find_map(|(key, e)| {
        let Expr::Column(column) = e else { return None };
        let (input, windows) = replaced(&aggregate.input, column)?;
        let others = aggregate
            .group_expr
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != key)
            .map(|(_, e)| e);
        let used = others
            .chain(&aggregate.aggr_expr)
            .any(|e| e.column_refs().contains(column));
        (!used).then_some((key, input, windows))
    })?;
    let rewritten = Aggregate::try_new(
        Arc::new(input),
        aggregate.group_expr.clone(),
        aggregate.aggr_expr.clone(),
    );
    Some((rewritten.ok()?, Panes { key, windows }))
}

/// Returns a plan with panes in place of the windows whose starts `column` has, and the windows.
fn replaced(plan: &LogicalPlan, column: &Column) -> Option<(LogicalPlan, ExpandWindows)> {
    if let Some((node, input)) = nodes::of::<ExpandWindows>(plan) {
        let pane = gcd(node.length_us, node.slide_us);
        let slides = candidates(node.length_us, node.slide_us) > 1 && node.slide_us / pane <= MAX_PANES;
        if node.start != column.name || !slides {
            return None;
        }
        let panes = ExpandWindows {
            length_us: pane,
            slide_us: pane,
            ..node.clone()
        };
        return Some((nodes::plan(panes, input.clone()).ok()?, node.clone()));
    }
    let LogicalPlan::Projection(projection) = plan else {
        return None;
    };
    let at = projection.schema.maybe_index_of_column(column)?;
    let Expr::Column(below) = projection.expr[at].clone().unalias_nested().data else {
        return None;
    };
    let mut others = projection.expr.iter().enumerate().filter(|(i, _)| *i != at);
    if others.any(|(_, e)| e.column_refs().contains(&below)) {
        return None;
    }
    let (input, windows) = replaced(&projection.input, &below)?;
    let replaced = plan.with_new_exprs(projection.expr.clone(), vec![input]).ok()?;
    Some((replaced, windows))
}

/// Returns the greatest common divisor of two lengths above zero.
fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Panes {
    /// Returns an operator that gives each row of a pane to the windows that hold the pane.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the key is not a timestamp.
    pub(super) fn to_windows(&self, partial: Plan) -> Result<Plan> {
        let (key, schema) = (self.key, partial.schema());
        if !matches!(
            schema.field(key).data_type(),
            DataType::Timestamp(TimeUnit::Microsecond, _)
        ) {
            return Err(SparkError::internal("a pane does not begin at a time"));
        }
        let (length, slide, offset) = (self.windows.length_us, self.windows.slide_us, self.windows.offset_us);
        let label = format!("WindowsOfPanes: length={length}us slide={slide}us");
        Ok(Transform::each(label, partial, schema, move |batch, _| {
            Ok(in_windows(&batch, key, length, slide, offset)?)
        }))
    }
}
