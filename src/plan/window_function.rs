//! `f(…) OVER (PARTITION BY … ORDER BY … frame)`.
//!
//! A window function is resolved in two steps. Where it stands in an expression, it becomes
//! DataFusion's window expression with Spark's frame; when its select list is complete, all of them
//! move into Window operators below the projection, one per layout of partition and order keys.
//!
//! ```text
//! SELECT a + sum(b) OVER w FROM t      Projection  a + #7
//!                                        Window      #7 = sum(b) OVER w
//!                                          t
//! ```
//!
//! Streams refuse them: their frames would never end.
//!
//! ```text
//!                  without ORDER BY              with ORDER BY
//! aggregates       the whole partition           RANGE to the row's peers
//! rankings         WINDOW_FUNCTION_FRAME_…       ROWS to the row
//! lag, lead        WINDOW_FUNCTION_FRAME_…       the row at the offset
//! ```

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::{NullTreatment, Sort, WindowFunction, WindowFunctionParams};
use datafusion_expr::{
    Expr, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion_functions_window::nth_value;

use super::analyzer::Analyzer;
use super::functions::aggregate::each_call;
use super::functions::error::not_orderable;
use super::scope::{Attribute, Resolved, Typed};
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::expression::window::WindowFrame as ProtoFrame;
use crate::proto::expression::window::window_frame::frame_boundary::Boundary;
use crate::proto::expression::window::window_frame::{FrameBoundary, FrameType};
use crate::values::types;

/// Partition and order keys of a window: calls with equal ones share one sort.
type Layout = (Vec<Expr>, Vec<Sort>);

impl Analyzer {
    /// Resolves `function OVER (PARTITION BY … ORDER BY … frame)`.
    ///
    /// Without a frame, an ordered window ends with the peers of the current row, an unordered one with the
    /// partition. Ranking functions have the frame that they need and no other (Spark's
    /// `SpecifiedWindowFrame`, `ResolveWindowFrame`).
    ///
    /// # Errors
    /// If it is neither an aggregate nor a window function, `UNSUPPORTED_EXPR_FOR_WINDOW`; if a ranking
    /// does not have an order, `WINDOW_FUNCTION_FRAME_NOT_ORDERED`; if the frame does not fit,
    /// `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_*`.
    pub(super) fn window_function(&mut self, window: &sc::expression::Window, scope: &Resolved) -> Result<Typed> {
        let call = window
            .window_function
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a window has no function"))?;
        let partition: Vec<Typed> = window
            .partition_spec
            .iter()
            .map(|p| self.expression(p, scope))
            .collect::<Result<_>>()?;
        let order: Vec<(Typed, Sort)> = window
            .order_spec
            .iter()
            .map(|spec| self.sort_order(spec, scope))
            .collect::<Result<_>>()?;
        let mut typed = self.expression(call, scope)?;
        each_call(typed.expr.clone(), |e| match nested_in(&e) {
            true => Err(SparkError::unsupported("a window function in the argument of another")),
            false => Ok(e),
        })?;
        let kind = kind_of(&typed)?;
        if kind != Kind::Aggregate && order.is_empty() {
            return Err(frame_not_ordered(&typed));
        }
        let sorts: Vec<Sort> = order.iter().map(|(_, sort)| sort.clone()).collect();
        let types: Vec<DataType> = order.iter().map(|(key, _)| key.data_type.clone()).collect();
        let (window_frame, frame_text) =
            self.frame(window.frame_spec.as_deref(), kind, &typed, &sorts, &types, scope)?;
        let mut clauses = Vec::new();
        if !partition.is_empty() {
            let keys: Vec<&str> = partition.iter().map(|t| t.name.as_str()).collect();
            clauses.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        if !order.is_empty() {
            let keys: Vec<String> = order.iter().map(|(key, sort)| describe(key, sort)).collect();
            clauses.push(format!("ORDER BY {}", keys.join(", ")));
        }
        clauses.push(frame_text);
        typed.name = format!("{} OVER ({})", typed.name, clauses.join(" "));
        (typed.named, typed.attribute) = (false, None);
        let over = WindowFunctionParams {
            args: vec![],
            partition_by: partition.into_iter().map(|t| t.expr).collect(),
            order_by: sorts,
            window_frame,
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        typed.expr = each_call(typed.expr, |e| call_over(e, &over))?;
        Ok(typed)
    }

    /// Resolves one sort key: nulls first when ascending, last when descending, unless said otherwise.
    ///
    /// # Errors
    /// If the key cannot be resolved.
    pub(super) fn sort_order(&mut self, spec: &sc::expression::SortOrder, scope: &Resolved) -> Result<(Typed, Sort)> {
        let child = spec
            .child
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
        let typed = self.expression(child, scope)?;
        let sort = sort_key(&typed, spec);
        check_orderable(&typed, &sort)?;
        Ok((typed, sort))
    }

    /// Returns the frame, and how Spark prints it. Without one in the message it is the default of the kind
    /// of function.
    ///
    /// # Errors
    /// If a ranking has a RANGE frame, `INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC`; and those of the bounds.
    fn frame(
        &mut self,
        frame: Option<&ProtoFrame>,
        kind: Kind,
        call: &Typed,
        order: &[Sort],
        order_types: &[DataType],
        scope: &Resolved,
    ) -> Result<(WindowFrame, String)> {
        let unbounded = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
        let running = "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
        let rows = || WindowFrame::new_bounds(WindowFrameUnits::Rows, unbounded.clone(), WindowFrameBound::CurrentRow);
        let Some(frame) = frame else {
            return Ok(match kind {
                Kind::Rank => (rows(), format!("ROWS {running}")),
                Kind::Share => (rows(), format!("RANGE {running}")),
                Kind::Shift(offset) => (
                    rows(),
                    format!("ROWS BETWEEN {offset} FOLLOWING AND {offset} FOLLOWING"),
                ),
                Kind::Aggregate if order.is_empty() => (
                    WindowFrame::new(None),
                    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".into(),
                ),
                Kind::Aggregate => (WindowFrame::new(Some(false)), format!("RANGE {running}")),
            });
        };
        let units = if frame.frame_type() == FrameType::Row {
            WindowFrameUnits::Rows
        } else {
            WindowFrameUnits::Range
        };
        if matches!(kind, Kind::Rank) && units == WindowFrameUnits::Range {
            return Err(SparkError::analysis(
                "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC",
                "42601",
                format!("Cannot specify a RANGE frame for {}.", call.name),
            ));
        }
        let (lower, lower_text) = self.bound(frame.lower.as_deref(), units, order_types, scope, true)?;
        let (upper, upper_text) = self.bound(frame.upper.as_deref(), units, order_types, scope, false)?;
        let word = if units == WindowFrameUnits::Rows {
            "ROWS"
        } else {
            "RANGE"
        };
        let text = format!("{word} BETWEEN {lower_text} AND {upper_text}");
        let frame = match order_of(&lower, &upper) {
            Bounds::InOrder => WindowFrame::new_bounds(units, lower, upper),
            Bounds::Empty => no_rows(),
            Bounds::Reversed => return Err(reversed(&text)),
        };
        Ok((frame, text))
    }

    /// Returns one end of a frame, as DataFusion counts it, and how Spark prints it. An offset of 0 is the
    /// current row.
    ///
    /// # Errors
    /// If an offset is not constant, `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE`.
    fn bound(
        &mut self,
        boundary: Option<&FrameBoundary>,
        units: WindowFrameUnits,
        order_types: &[DataType],
        scope: &Resolved,
        lower: bool,
    ) -> Result<(WindowFrameBound, String)> {
        let boundary = boundary
            .and_then(|b| b.boundary.as_ref())
            .ok_or_else(|| SparkError::invalid_plan("a window frame lacks a bound"))?;
        let value = match boundary {
            Boundary::CurrentRow(_) => return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".into())),
            Boundary::Unbounded(_) if lower => {
                return Ok((
                    WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                    "UNBOUNDED PRECEDING".into(),
                ));
            }
            Boundary::Unbounded(_) => {
                return Ok((
                    WindowFrameBound::Following(ScalarValue::UInt64(None)),
                    "UNBOUNDED FOLLOWING".into(),
                ));
            }
            Boundary::Value(value) => self.expression(value, scope)?,
        };
        let text = match value.name.strip_prefix("(- ").and_then(|n| n.strip_suffix(')')) {
            Some(inner) => format!("{inner} PRECEDING"),
            None => match value.name.strip_prefix('-') {
                Some(inner) => format!("{inner} PRECEDING"),
                None => format!("{} FOLLOWING", value.name),
            },
        };
        let constant = super::functions::fold(&value.expr).ok_or_else(|| {
            SparkError::analysis(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE",
                "42K09",
                format!("Window frame bound \"{}\" is not a literal.", value.name),
            )
        })?;
        if units == WindowFrameUnits::Rows
            && !matches!(constant.data_type(), DataType::Int8 | DataType::Int16 | DataType::Int32)
        {
            return Err(SparkError::analysis(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE",
                "42K09",
                format!(
                    "Cannot resolve \"{text}\" due to data type mismatch: The data type of the {} bound \"{}\" does not match the expected data type \
                     \"INT\".",
                    if lower { "lower" } else { "upper" },
                    types::sql_name(&value.data_type)
                ),
            ));
        }
        let (size, negative) = magnitude(&constant);
        if matches!(&size, ScalarValue::Int32(Some(0)) | ScalarValue::Int64(Some(0))) {
            return Ok((WindowFrameBound::CurrentRow, "CURRENT ROW".into()));
        }
        let size = match units {
            WindowFrameUnits::Rows => row_count(&size)?,
            _ => distance(size, order_types.first())?,
        };
        Ok((
            if negative {
                WindowFrameBound::Preceding(size)
            } else {
                WindowFrameBound::Following(size)
            },
            text,
        ))
    }

    /// Moves the window functions of a select list into Windows below it; equal calls are computed once.
    ///
    /// # Errors
    /// If the input is a stream, `NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING`.
    pub(super) fn pull_window_functions(&mut self, input: Resolved, items: &mut [Typed]) -> Result<Resolved> {
        let mut calls: Vec<(Expr, Attribute)> = Vec::new();
        for item in items.iter_mut() {
            let rewritten = item.expr.clone().transform_down(|e| {
                if !matches!(e, Expr::WindowFunction(_)) {
                    return Ok(Transformed::no(e));
                }
                let attribute = match calls.iter().find(|(known, _)| *known == e) {
                    Some((_, attribute)) => attribute.clone(),
                    None => {
                        let attribute = self.attribute("window function", item.data_type.clone(), true);
                        calls.push((e, attribute.clone()));
                        attribute
                    }
                };
                Ok(Transformed::new(attribute.column(), true, TreeNodeRecursion::Jump))
            })?;
            if rewritten.transformed {
                item.expr = rewritten.data;
            }
        }
        if calls.is_empty() {
            return Ok(input);
        }
        if input.streaming {
            return Err(SparkError::analysis(
                "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                "42KDE",
                "Window function is not supported on streaming DataFrames/Datasets. Structured Streaming only supports time-window aggregation using the WINDOW function.",
            ));
        }
        // One Window for all calls over the same rows in the same order.
        let mut layouts: Vec<(Layout, Vec<Expr>)> = Vec::new();
        for (call, attribute) in calls {
            let Expr::WindowFunction(function) = &call else {
                continue;
            };
            let layout = (function.params.partition_by.clone(), function.params.order_by.clone());
            let named = call.alias(attribute.id);
            match layouts.iter_mut().find(|(known, _)| *known == layout) {
                Some((_, group)) => group.push(named),
                None => layouts.push((layout, vec![named])),
            }
        }
        let mut builder = LogicalPlanBuilder::from(input.plan.clone());
        for (_, group) in layouts {
            builder = builder.window(group)?;
        }
        let plan = builder.build()?;
        Ok(input.over(plan))
    }
}

/// Returns whether a window function is in the arguments of a call.
fn nested_in(call: &Expr) -> bool {
    match call {
        Expr::WindowFunction(function) => function.params.args.iter().any(is_in),
        Expr::AggregateFunction(function) => function.params.args.iter().any(is_in),
        _ => false,
    }
}

/// Returns whether a window function is in an expression.
pub(super) fn is_in(expr: &Expr) -> bool {
    expr.exists(|e| Ok(matches!(e, Expr::WindowFunction(_))))
        .unwrap_or(true)
}

/// Returns the kind of the first call in an expression.
///
/// # Errors
/// If there is none, `UNSUPPORTED_EXPR_FOR_WINDOW`.
fn kind_of(typed: &Typed) -> Result<Kind> {
    let mut kind = None;
    each_call(typed.expr.clone(), |e| {
        kind.get_or_insert(Kind::of(&e));
        Ok(e)
    })?;
    kind.ok_or_else(|| {
        SparkError::analysis(
            "UNSUPPORTED_EXPR_FOR_WINDOW",
            "42P20",
            format!("Expression \"{}\" not supported within a window function.", typed.name),
        )
    })
}

/// Makes `WINDOW_FUNCTION_FRAME_NOT_ORDERED`, with the function's name and call.
fn frame_not_ordered(call: &Typed) -> SparkError {
    let name = call.name.split('(').next().unwrap_or_default().to_lowercase();
    SparkError::analysis(
        "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
        "42601",
        format!(
            "Window function {name} requires the window to be ordered. You need to add an ORDER BY clause. For example: SELECT {} OVER \
             (PARTITION BY window_partition ORDER BY window_ordering) FROM table.",
            call.name
        ),
    )
    .with("wf_name", name)
    .with("wf_expr", &call.name)
}

/// Returns an aggregate or window call as a call over a window; any other expression unchanged.
///
/// # Errors
/// If an aggregate is DISTINCT, `DISTINCT_WINDOW_FUNCTION_UNSUPPORTED`.
fn call_over(call: Expr, over: &WindowFunctionParams) -> Result<Expr> {
    let (fun, args, filter, distinct, null_treatment) = match call {
        Expr::WindowFunction(function) => {
            let p = function.params;
            (function.fun, p.args, None, false, p.null_treatment)
        }
        Expr::AggregateFunction(function) => {
            let p = function.params;
            // The window forms look at the frame's ends instead of folding it.
            let fun = match function.func.name() {
                "first_value" => WindowFunctionDefinition::WindowUDF(nth_value::first_value_udwf()),
                "last_value" => WindowFunctionDefinition::WindowUDF(nth_value::last_value_udwf()),
                _ => WindowFunctionDefinition::AggregateUDF(function.func),
            };
            (fun, p.args, p.filter, p.distinct, p.null_treatment)
        }
        other => return Ok(other),
    };
    if distinct {
        return Err(SparkError::analysis(
            "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
            "0A000",
            "Distinct window functions are not supported.",
        ));
    }
    let params = WindowFunctionParams {
        args,
        filter,
        null_treatment: null_treatment.filter(|n| *n == NullTreatment::IgnoreNulls),
        ..over.clone()
    };
    Ok(Expr::WindowFunction(Box::new(WindowFunction { fun, params })))
}

/// What a window function needs of its window, and its frame if the query does not say one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `row_number`, `rank` and their kin: rows from the start of the partition.
    Rank,
    /// `cume_dist`: rows that are equal count alike.
    Share,
    /// `lag` and `lead`: the value a number of rows after the row, negative for `lag`.
    Shift(i64),
    /// Aggregates, and functions that look at the frame's ends: any frame.
    Aggregate,
}

impl Kind {
    /// Returns the kind of a call.
    fn of(call: &Expr) -> Self {
        let Expr::WindowFunction(f) = call else {
            return Self::Aggregate;
        };
        let offset = match f.params.args.get(1) {
            Some(Expr::Literal(ScalarValue::Int64(Some(n)), _)) => *n,
            _ => 1,
        };
        match f.fun.name() {
            "lag" => Self::Shift(-offset),
            "lead" => Self::Shift(offset),
            "cume_dist" => Self::Share,
            "nth_value" | "first_value" | "last_value" => Self::Aggregate,
            _ => Self::Rank,
        }
    }
}

/// Returns the size of a ROWS bound as DataFusion wants it.
///
/// # Errors
/// If it is not a number, `CONNECT_INVALID_PLAN`.
fn row_count(size: &ScalarValue) -> Result<ScalarValue> {
    match size.cast_to(&DataType::Int64)? {
        ScalarValue::Int64(Some(n)) => Ok(ScalarValue::UInt64(Some(n.unsigned_abs()))),
        _ => Err(SparkError::invalid_plan("a ROWS bound is not a number")),
    }
}

/// Returns the size of a RANGE bound, in the type that is added to keys of the type `key`; days for
/// dates.
fn distance(size: ScalarValue, key: Option<&DataType>) -> Result<ScalarValue> {
    match (&size, key) {
        (ScalarValue::IntervalMonthDayNano(_), _) | (_, None) => Ok(size),
        (_, Some(DataType::Date32)) => {
            let days = match size.cast_to(&DataType::Int32)? {
                ScalarValue::Int32(Some(days)) => Some(IntervalMonthDayNano::new(0, days, 0)),
                _ => None,
            };
            Ok(ScalarValue::IntervalMonthDayNano(days))
        }
        (_, Some(key)) => Ok(size.cast_to(key)?),
    }
}

/// Returns a bound's size without its sign, and whether it lies before the row.
fn magnitude(value: &ScalarValue) -> (ScalarValue, bool) {
    match value {
        ScalarValue::IntervalYearMonth(Some(m)) => (
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(m.abs(), 0, 0))),
            *m < 0,
        ),
        ScalarValue::DurationMicrosecond(Some(us)) => {
            let (days, rest) = ((us.abs() / 86_400_000_000) as i32, us.abs() % 86_400_000_000);
            (
                ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, days, rest.saturating_mul(1000)))),
                *us < 0,
            )
        }
        ScalarValue::IntervalMonthDayNano(Some(i)) => {
            let negative = i.months < 0 || i.days < 0 || i.nanoseconds < 0;
            (
                ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(
                    i.months.abs(),
                    i.days.abs(),
                    i.nanoseconds.saturating_abs(),
                ))),
                negative,
            )
        }
        other => {
            let zero = ScalarValue::new_zero(&other.data_type());
            let negative = zero.is_ok_and(|zero| other.partial_cmp(&zero).is_some_and(std::cmp::Ordering::is_lt));
            match other.arithmetic_negate() {
                Ok(positive) if negative => (positive, true),
                _ => (other.clone(), false),
            }
        }
    }
}

/// How the ends of a frame stand to each other.
enum Bounds {
    /// The lower one is not after the upper one.
    InOrder,
    /// One is the current row and the other on the wrong side: a frame without rows, which Spark allows.
    Empty,
    /// Both are offsets, the lower one is after the upper one.
    Reversed,
}

/// Compares the ends of a frame (`SpecifiedWindowFrame.checkInputDataTypes`).
fn order_of(lower: &WindowFrameBound, upper: &WindowFrameBound) -> Bounds {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let reversed = match (lower, upper) {
        (Preceding(a), _) | (_, Following(a)) if a.is_null() => false,
        (CurrentRow, Preceding(_)) | (Following(_), CurrentRow) => return Bounds::Empty,
        (Following(_), Preceding(_)) => true,
        (Following(a), Following(b)) | (Preceding(b), Preceding(a)) => a.partial_cmp(b).is_some_and(|o| o.is_gt()),
        _ => false,
    };
    if reversed { Bounds::Reversed } else { Bounds::InOrder }
}

/// Returns a frame that holds no row: one that is after every row which a batch can have.
fn no_rows() -> WindowFrame {
    let beyond = || WindowFrameBound::Following(ScalarValue::UInt64(Some(i32::MAX as u64)));
    WindowFrame::new_bounds(WindowFrameUnits::Rows, beyond(), beyond())
}

/// Makes `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON` of a frame as Spark prints it.
fn reversed(frame: &str) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
        "42K09",
        format!(
            "Cannot resolve \"{frame}\" due to data type mismatch: The lower bound of a window frame must be less than or equal to the \
             upper bound."
        ),
    )
}

/// Returns a sort key as Spark prints it: `x DESC NULLS LAST`.
///
/// ```
/// use rivulet::plan::{literal, window_function};
///
/// let key = literal::int(1);
/// let sort = key.expr.clone().sort(false, false);
/// assert_eq!(window_function::describe(&key, &sort), "1 DESC NULLS LAST");
/// ```
pub fn describe(value: &Typed, sort: &Sort) -> String {
    let direction = if sort.asc { "ASC" } else { "DESC" };
    let nulls = if sort.nulls_first { "NULLS FIRST" } else { "NULLS LAST" };
    format!("{} {direction} {nulls}", value.name)
}

/// Checks that values of a sort key have an order.
///
/// # Errors
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`.
pub(super) fn check_orderable(value: &Typed, sort: &Sort) -> Result<()> {
    if types::is_orderable(&value.data_type) {
        return Ok(());
    }
    Err(not_orderable(&describe(value, sort), "sortorder", &value.data_type))
}

/// Returns a sort key by Spark's defaults: ascending, and nulls before the least value.
pub fn sort_key(typed: &Typed, spec: &sc::expression::SortOrder) -> Sort {
    use sc::expression::sort_order::{NullOrdering, SortDirection};
    let ascending = spec.direction() != SortDirection::Descending;
    let nulls_first = match spec.null_ordering() {
        NullOrdering::SortNullsFirst => true,
        NullOrdering::SortNullsLast => false,
        NullOrdering::SortNullsUnspecified => ascending,
    };
    typed.expr.clone().sort(ascending, nulls_first)
}
