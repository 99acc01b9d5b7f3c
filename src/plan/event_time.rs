//! Where event time goes in a plan: which columns carry it, when a key or a pair of rows is final, and
//! what watermark an operator has when others stand below it.
//!
//! Compiling asks these questions of a finished logical plan to give each stateful operator its rule
//! for closing state. An answer of `None` means that the watermark never closes anything there: state
//! grows with the stream.
//!
//! ```text
//! stored left row at t   can still meet right rows r with  r.time > watermark
//! ON r.time < l.time + 10 min        ⇒  l is final once  l.time ≤ watermark - 10 min
//! ```

use datafusion_common::{Column, ScalarValue};
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{Aggregate, BinaryExpr, Expr, Join, LogicalPlan, Operator};

use super::nodes::{self, EventTimeColumns};
use super::scan::is_streaming;
use crate::kernels::kernel::{Role, role};

/// How the closing time of a key follows from its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeKey {
    /// Key column with the window or its start, or the event time itself.
    pub column: usize,
    /// Added to it: the window's length if the column has its start; else 0. µs.
    pub plus_us: i64,
}

/// Returns the grouping column by which groups close; `None` if no group key is an event time. Of
/// several, the first counts.
pub fn event_time_key(aggregate: &Aggregate) -> Option<EventTimeKey> {
    let columns = event_times(&aggregate.input);
    let keys = aggregate.group_expr.iter().enumerate();
    keys.filter_map(|(column, expr)| of_expr(expr, &columns).map(|plus_us| EventTimeKey { column, plus_us }))
        .next()
}

/// Returns the event-time columns that a plan puts out.
///
/// A projection keeps those whose expression is still the event time, an aggregation those it groups
/// by.
///
/// ```
/// use datafusion_expr::{LogicalPlanBuilder, lit};
/// use rivulet::plan::event_time::{delay_us, event_times};
/// use rivulet::plan::nodes::{self, EventTimeWatermark};
///
/// let rows = LogicalPlanBuilder::empty(true).project(vec![lit(0_i64).alias("#1"), lit(1).alias("#2")])?.build()?;
/// let watermark = EventTimeWatermark { number: 0, column: "#1".into(), delay_us: 5_000_000 };
/// let plan = nodes::plan(watermark, rows)?;
/// assert_eq!(event_times(&plan).into_iter().collect::<Vec<_>>(), [("#1".to_owned(), 0)]);
/// assert_eq!(delay_us(&plan), Some(5_000_000));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn event_times(plan: &LogicalPlan) -> EventTimeColumns {
    let mut columns: EventTimeColumns = plan.inputs().into_iter().flat_map(event_times).collect();
    match plan {
        LogicalPlan::Projection(projection) => {
            let named = projection.expr.iter().zip(projection.schema.fields());
            columns = named
                .filter_map(|(e, f)| Some((f.name().clone(), of_expr(e, &columns)?)))
                .collect();
        }
        LogicalPlan::Aggregate(aggregate) => {
            let named = aggregate.group_expr.iter().zip(aggregate.schema.fields());
            columns = named
                .filter_map(|(e, f)| Some((f.name().clone(), of_expr(e, &columns)?)))
                .collect();
        }
        LogicalPlan::Extension(_) => {
            if let Some(unary) = nodes::any(plan) {
                columns = unary.node.event_times(columns);
            }
        }
        _ => {}
    }
    columns
}

/// Returns what is to be added to an expression to have its event time, if it is one. Functions that
/// keep it one: aliases, casts, the making of windows, and `window_time`.
fn of_expr(expr: &Expr, columns: &EventTimeColumns) -> Option<i64> {
    match expr {
        Expr::Column(column) => columns.get(&column.name).copied(),
        Expr::Alias(alias) => of_expr(&alias.expr, columns),
        Expr::Cast(cast) => of_expr(&cast.expr, columns),
        Expr::ScalarFunction(call) => match role(&call.func) {
            // A window has its end in itself; `window_time` is an instant within the window it was taken from.
            Role::KeepsTime(argument) => of_expr(call.args.get(argument)?, columns).map(|_| 0),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the delay of the topmost watermark in a plan, µs; `None` without one.
pub fn delay_us(plan: &LogicalPlan) -> Option<i64> {
    if let Some((watermark, _)) = nodes::of::<nodes::EventTimeWatermark>(plan) {
        return Some(watermark.delay_us);
    }
    plan.inputs().into_iter().find_map(delay_us)
}

/// Returns the watermark of a plan's rows relative to the query's, µs: what the stateful operators in
/// it pass on (`WatermarkPropagator`, `produceOutputWatermark`). `None` if a join below keeps rows for
/// ever.
pub fn watermark_shift(plan: &LogicalPlan) -> Option<i64> {
    let inputs = plan.inputs();
    let below = inputs
        .iter()
        .filter(|i| is_streaming(i))
        .map(|i| watermark_shift(i))
        .reduce(|a, b| Some(a?.min(b?)))
        .unwrap_or(Some(0))?;
    match plan {
        LogicalPlan::Join(join) if is_streaming(&join.left) && is_streaming(&join.right) => {
            let bounds = JoinBounds::of(join);
            let shifts = [bounds.left, bounds.right].into_iter().flatten().map(|b| b.shift_us);
            shifts.min().map(|by| below.saturating_add(by))
        }
        _ => Some(below),
    }
}

/// When a row stored on one side of a join can have no partner any more: once its `time` is not after
/// the watermark plus the shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Where the row's time is.
    pub time: BoundTime,
    /// Added to the watermark, µs; negative if partners may come that long after.
    pub shift_us: i64,
}

/// Where a stored row has the time by which it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundTime {
    /// Position among the join keys, and µs to be added.
    Key(usize, i64),
    /// Column of the side.
    Column(usize),
}

/// What the watermark ends on each side
/// (`StreamingSymmetricHashJoinHelper.getStateWatermarkPredicates`). An event time among the keys
/// bounds both sides; otherwise each side is bounded by the range conditions on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JoinBounds {
    /// The bound of rows from the left; `None` keeps them for ever.
    pub left: Option<Bound>,
    /// The bound of rows from the right; `None` keeps them for ever.
    pub right: Option<Bound>,
}

impl JoinBounds {
    /// Derives the bounds from the keys and conditions of a join.
    pub fn of(join: &Join) -> Self {
        let (left, right) = (event_times(&join.left), event_times(&join.right));
        // An event time among the keys: both sides close by it.
        for (position, (l, r)) in join.on.iter().enumerate() {
            if let Some(plus_us) = of_expr(l, &left).or_else(|| of_expr(r, &right)) {
                let bound = Some(Bound {
                    time: BoundTime::Key(position, plus_us),
                    shift_us: 0,
                });
                return Self {
                    left: bound,
                    right: bound,
                };
            }
        }
        Self {
            left: value_bound(join, &join.left, &left, &right),
            right: value_bound(join, &join.right, &right, &left),
        }
    }
}

/// Returns whether the watermark can tell for one side's rows that no partner comes any more. Asks less
/// than [`JoinBounds`]: the side's own column need not be watermarked, as Spark's check has it.
pub fn can_end(join: &Join, left_side: bool) -> bool {
    let (left, right) = (event_times(&join.left), event_times(&join.right));
    let by_key = |(l, r): &(Expr, Expr)| of_expr(l, &left).or_else(|| of_expr(r, &right)).is_some();
    let (side, other) = if left_side {
        (&join.left, &right)
    } else {
        (&join.right, &left)
    };
    let all: EventTimeColumns = side.schema().fields().iter().map(|f| (f.name().clone(), 0)).collect();
    join.on.iter().any(by_key) || value_bound(join, side, &all, other).is_some()
}

/// Returns the bound of one side from the join's range conditions: each says which is the oldest
/// partner that rows of the other side, all after the watermark, can still want. Of several, the
/// earliest counts.
///
/// Only a sum of a column and a constant on each side of `<`, `<=`, `>` or `>=` is understood.
fn value_bound(join: &Join, side: &LogicalPlan, own: &EventTimeColumns, other: &EventTimeColumns) -> Option<Bound> {
    let mut found: Option<Bound> = None;
    for condition in split_conjunction(join.filter.as_ref()?) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else {
            continue;
        };
        // `small < large`, or `<=`.
        let (small, large, strict) = match op {
            Operator::Lt => (left, right, true),
            Operator::LtEq => (left, right, false),
            Operator::Gt => (right, left, true),
            Operator::GtEq => (right, left, false),
            _ => continue,
        };
        let (Some((there, there_us)), Some((here, here_us))) = (linear(small), linear(large)) else {
            continue;
        };
        if other.get(&there.name) != Some(&0) || own.get(&here.name) != Some(&0) {
            continue;
        }
        let Ok(column) = side.schema().index_of_column(here) else {
            continue;
        };
        // there + a < here + b, and there > watermark: here > watermark + a - b. Spark steps back by 1 ms where they may be
        // equal.
        let shift_us = there_us
            .checked_sub(here_us)?
            .checked_sub(if strict { 0 } else { 1000 })?;
        if found.is_none_or(|f| shift_us < f.shift_us) {
            found = Some(Bound {
                time: BoundTime::Column(column),
                shift_us,
            });
        }
    }
    found
}

/// Returns an expression as a column plus a constant of µs; `None` if it is something else.
fn linear(expr: &Expr) -> Option<(&Column, i64)> {
    match expr {
        Expr::Column(column) => Some((column, 0)),
        Expr::Alias(alias) => linear(&alias.expr),
        Expr::Cast(cast) => linear(&cast.expr),
        Expr::ScalarFunction(call) => {
            let [time, interval] = call.args.as_slice() else {
                return None;
            };
            let ((column, a), b) = linear(time).zip(constant_us(interval))?;
            match role(&call.func) {
                Role::AddsInterval => Some((column, a.checked_add(b)?)),
                Role::SubtractsInterval => Some((column, a.checked_sub(b)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns a constant interval without months, in µs.
fn constant_us(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::DurationMicrosecond(us), _) => *us,
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(i)), _) if i.months == 0 => i64::from(i.days)
            .checked_mul(86_400_000_000)?
            .checked_add(i.nanoseconds / 1000),
        Expr::Alias(alias) => constant_us(&alias.expr),
        Expr::Cast(cast) => constant_us(&cast.expr),
        _ => None,
    }
}
