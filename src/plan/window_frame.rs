//! Frames of window functions: `ROWS BETWEEN 1 PRECEDING AND CURRENT ROW`.
//!
//! What Spark refuses is refused with its conditions (`WindowSpecDefinition`, `SpecifiedWindowFrame`), in its order: first each bound,
//! then both together, then the frame with the window's order.
//!
//! ```text
//!        bounds                                     keys
//! ROWS   INT                                        any, or none
//! RANGE  a number or an interval, of one type       one: a number of the bounds' type, a date, a timestamp
//! ```

use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::Sort;
use datafusion_expr::{Expr, WindowFrame, WindowFrameBound, WindowFrameUnits};

use super::analyzer::Analyzer;
use super::arithmetic::{self, Op};
use super::scope::{Resolved, Typed};
use super::{cast_expr, window_function};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::proto::expression::window::WindowFrame as ProtoFrame;
use crate::proto::expression::window::window_frame::frame_boundary::Boundary;
use crate::proto::expression::window::window_frame::{FrameBoundary, FrameType};
use crate::values::types::{is_integral, is_numeric, sql_name};

/// A frame as DataFusion wants it, and the order of its window.
pub struct Frame {
    /// The frame.
    pub frame: WindowFrame,
    /// How Spark prints it.
    pub text: String,
    /// The window's order. Keys that a RANGE frame adds to are checked for overflow.
    pub order_by: Vec<Sort>,
}

/// One end of a frame.
enum Bound {
    /// `CURRENT ROW`.
    Current,
    /// `UNBOUNDED PRECEDING`, which may only be the lower bound.
    First,
    /// `UNBOUNDED FOLLOWING`, which may only be the upper bound.
    Last,
    /// A distance from the current row, below 0 before it.
    At {
        /// As the query has it.
        value: Box<Typed>,
        /// What it is.
        constant: ScalarValue,
    },
}

/// What a window function needs of its window, and its frame if the query does not say one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    pub fn of(call: &Expr) -> Self {
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

impl Bound {
    /// Returns how Spark prints it.
    fn text(&self) -> String {
        match self {
            Self::Current => "CURRENT ROW".into(),
            Self::First => "UNBOUNDED PRECEDING".into(),
            Self::Last => "UNBOUNDED FOLLOWING".into(),
            Self::At { value, .. } => {
                let name = &value.name;
                let negated = name.strip_prefix("(- ").and_then(|n| n.strip_suffix(')'));
                match negated.or_else(|| name.strip_prefix('-')) {
                    Some(size) => format!("{size} PRECEDING"),
                    None => format!("{name} FOLLOWING"),
                }
            }
        }
    }

    /// Returns the distance, if it is one.
    fn value(&self) -> Option<(&Typed, &ScalarValue)> {
        match self {
            Self::At { value, constant } => Some((value, constant)),
            _ => None,
        }
    }

    /// Returns it as DataFusion counts it; a distance of 0 is the current row.
    ///
    /// # Errors
    /// If it is not a distance between such keys.
    fn counted(&self, units: WindowFrameUnits, key: Option<&DataType>) -> Result<WindowFrameBound> {
        let constant = match self {
            Self::Current => return Ok(WindowFrameBound::CurrentRow),
            Self::First => return Ok(WindowFrameBound::Preceding(ScalarValue::UInt64(None))),
            Self::Last => return Ok(WindowFrameBound::Following(ScalarValue::UInt64(None))),
            Self::At { constant, .. } => constant,
        };
        let (size, negative) = magnitude(constant);
        if matches!(&size, ScalarValue::Int32(Some(0)) | ScalarValue::Int64(Some(0))) {
            return Ok(WindowFrameBound::CurrentRow);
        }
        let size = match units {
            WindowFrameUnits::Rows => row_count(&size)?,
            _ => distance(size, key)?,
        };
        Ok(if negative {
            WindowFrameBound::Preceding(size)
        } else {
            WindowFrameBound::Following(size)
        })
    }
}

impl Analyzer {
    /// Returns the frame of a call in a window of this order. Without one in the message it is the default of the kind of function.
    ///
    /// # Errors
    /// If a ranking has a RANGE frame, `INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC`; if a bound is not a constant, of a wrong type, on the
    /// wrong side or after the other one, `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_*`; if a RANGE does not go with the order,
    /// `DATATYPE_MISMATCH.RANGE_FRAME_*`.
    pub(super) fn frame(
        &mut self,
        frame: Option<&ProtoFrame>,
        kind: Kind,
        call: &Typed,
        order: &[(Typed, Sort)],
        scope: &Resolved,
    ) -> Result<Frame> {
        let order_by: Vec<Sort> = order.iter().map(|(_, sort)| sort.clone()).collect();
        let Some(frame) = frame else {
            let (frame, text) = default_frame(kind, order.is_empty());
            return Ok(Frame { frame, text, order_by });
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
        let key = match order {
            [(key, _)] if units == WindowFrameUnits::Range => Some(key),
            _ => None,
        };
        let lower = self.bound(frame.lower.as_deref(), true, key, scope)?;
        let upper = self.bound(frame.upper.as_deref(), false, key, scope)?;
        let word = match units {
            WindowFrameUnits::Rows => "ROWS",
            _ => "RANGE",
        };
        let text = format!("{word} BETWEEN {} AND {}", lower.text(), upper.text());
        for (bound, which) in [(&lower, "lower"), (&upper, "upper")] {
            check_type(bound, which, units, &text)?;
        }
        check_pair(&lower, &upper, &text)?;
        if units == WindowFrameUnits::Range {
            check_order(&lower, &upper, order, &text)?;
        }
        let key_type = key.map(|k| &k.data_type);
        let frame = match (&lower, &upper) {
            // Allowed, and without any row.
            (Bound::Current, Bound::At { constant, .. }) if magnitude(constant).1 => no_rows(),
            (Bound::At { constant, .. }, Bound::Current) if is_positive(constant) => no_rows(),
            _ => WindowFrame::new_bounds(units, lower.counted(units, key_type)?, upper.counted(units, key_type)?),
        };
        let order_by = match (key, &order_by[..]) {
            (Some(key), [sort]) => vec![self.within_range(key, sort, [&lower, &upper])?],
            _ => order_by,
        };
        Ok(Frame { frame, text, order_by })
    }

    /// Returns one end of a frame. A distance between keys is cast to their type, where that can be.
    ///
    /// # Errors
    /// If a distance is not constant, `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE`.
    fn bound(
        &mut self,
        boundary: Option<&FrameBoundary>,
        lower: bool,
        key: Option<&Typed>,
        scope: &Resolved,
    ) -> Result<Bound> {
        let boundary = boundary
            .and_then(|b| b.boundary.as_ref())
            .ok_or_else(|| SparkError::invalid_plan("a window frame lacks a bound"))?;
        let mut value = match boundary {
            Boundary::CurrentRow(_) => return Ok(Bound::Current),
            Boundary::Unbounded(_) if lower => return Ok(Bound::First),
            Boundary::Unbounded(_) => return Ok(Bound::Last),
            Boundary::Value(value) => self.expression(value, scope)?,
        };
        let name = value.name.clone();
        let fold = super::functions::fold;
        let not_constant = || {
            SparkError::analysis(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE",
                "42K09",
                format!("Window frame bound \"{name}\" is not a literal."),
            )
        };
        let mut constant = fold(&value.expr).ok_or_else(not_constant)?;
        let to = key.map(|k| &k.data_type);
        let is_time = |t: &DataType| matches!(t, DataType::Date32 | DataType::Timestamp(..));
        if let Some(to) = to.filter(|t| !is_time(t) && **t != value.data_type)
            && let Ok(cast) = cast_expr::cast(value.clone(), to, self.mode(), self.zone)
        {
            if is_numeric(to) {
                constant = fold(&cast.expr).ok_or_else(not_constant)?;
            }
            value = Typed { name, ..cast };
        }
        Ok(Bound::At {
            value: Box::new(value),
            constant,
        })
    }

    /// Returns the sort key of a RANGE frame; when it runs, a bound that overflows is an error, as where Spark computes it.
    fn within_range(&self, key: &Typed, sort: &Sort, bounds: [&Bound; 2]) -> Result<Sort> {
        let op = if sort.asc { Op::Add } else { Op::Subtract };
        let mut args = vec![sort.expr.clone()];
        for (value, _) in bounds.into_iter().filter_map(Bound::value) {
            if is_integral(&key.data_type) {
                args.push(arithmetic::binary(op, key.clone(), value.clone(), self.mode(), self.zone)?.expr);
            }
        }
        if args.len() == 1 {
            return Ok(sort.clone());
        }
        let options = args[1..].iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let checked = kernel::call("range_key", options, key.data_type.clone(), args, |args, _| {
            Ok(args[0].clone())
        });
        Ok(checked.sort(sort.asc, sort.nulls_first))
    }
}

/// Returns the frame of a function whose window says none, and how Spark prints it.
fn default_frame(kind: Kind, unordered: bool) -> (WindowFrame, String) {
    let running = "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    let unbounded = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
    let rows = WindowFrame::new_bounds(WindowFrameUnits::Rows, unbounded, WindowFrameBound::CurrentRow);
    match kind {
        Kind::Rank => (rows, format!("ROWS {running}")),
        Kind::Share => (rows, format!("RANGE {running}")),
        Kind::Shift(offset) => (rows, format!("ROWS BETWEEN {offset} FOLLOWING AND {offset} FOLLOWING")),
        Kind::Aggregate if unordered => (
            WindowFrame::new(None),
            "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".into(),
        ),
        Kind::Aggregate => (WindowFrame::new(Some(false)), format!("RANGE {running}")),
    }
}

/// Makes `DATATYPE_MISMATCH.<kind>` about a frame as Spark prints it.
fn mismatch(kind: &str, frame: &str, reason: &str) -> SparkError {
    SparkError::analysis(
        &format!("DATATYPE_MISMATCH.{kind}"),
        "42K09",
        format!("Cannot resolve \"{frame}\" due to data type mismatch: {reason}"),
    )
}

/// Checks the type of a bound.
///
/// # Errors
/// `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE`.
fn check_type(bound: &Bound, which: &str, units: WindowFrameUnits, frame: &str) -> Result<()> {
    let Some((value, _)) = bound.value() else {
        return Ok(());
    };
    let of = &value.data_type;
    let (fits, wanted) = match units {
        WindowFrameUnits::Rows => (
            matches!(of, DataType::Int8 | DataType::Int16 | DataType::Int32),
            "\"INT\"",
        ),
        _ => (
            is_numeric(of) || matches!(of, DataType::Interval(_) | DataType::Duration(_)),
            "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")",
        ),
    };
    if fits {
        return Ok(());
    }
    let reason = format!(
        "The data type of the {which} bound \"{}\" does not match the expected data type {wanted}.",
        sql_name(of)
    );
    Err(mismatch("SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", frame, &reason))
}

/// Checks that the upper bound is of the lower one's type and not before it.
///
/// # Errors
/// `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_DIFF_TYPES`, `…_WRONG_COMPARISON`.
fn check_pair(lower: &Bound, upper: &Bound, frame: &str) -> Result<()> {
    let (Some((low, a)), Some((high, b))) = (lower.value(), upper.value()) else {
        return Ok(());
    };
    let (low_type, high_type) = (bound_type(low), bound_type(high));
    if low_type != high_type {
        let reason = format!(
            "Window frame bounds \"{}\" and \"{}\" do not have the same type: \"{low_type}\" <> \"{high_type}\".",
            low.name, high.name
        );
        return Err(mismatch("SPECIFIED_WINDOW_FRAME_DIFF_TYPES", frame, &reason));
    }
    if a.partial_cmp(b).is_some_and(std::cmp::Ordering::is_gt) {
        let reason = "The lower bound of a window frame must be less than or equal to the upper bound.";
        return Err(mismatch("SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", frame, reason));
    }
    Ok(())
}

/// Returns Spark's name of a bound's type. Of an interval as written, it says the fields, which Arrow's types do not have.
fn bound_type(value: &Typed) -> String {
    let written = value
        .name
        .strip_prefix("(- ")
        .map_or(&*value.name, |n| n.trim_end_matches(')'));
    let fields = written
        .strip_prefix("INTERVAL '")
        .and_then(|text| text.split_once("' "))
        .map(|(_, fields)| format!("INTERVAL {fields}"));
    fields.unwrap_or_else(|| sql_name(&value.data_type))
}

/// Checks that a RANGE frame goes with the window's order.
///
/// # Errors
/// `DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER`, `…_MULTI_ORDER`, `…_INVALID_TYPE`.
fn check_order(lower: &Bound, upper: &Bound, order: &[(Typed, Sort)], frame: &str) -> Result<()> {
    let keys: Vec<String> = order
        .iter()
        .map(|(key, sort)| window_function::describe(key, sort))
        .collect();
    let window = match keys.is_empty() {
        true => format!("({frame})"),
        false => format!("(ORDER BY {} {frame})", keys.join(", ")),
    };
    let whole = matches!((lower, upper), (Bound::First, Bound::Last));
    if order.is_empty() && !whole {
        let reason = "A range window frame cannot be used in an unordered window specification.";
        return Err(mismatch("RANGE_FRAME_WITHOUT_ORDER", &window, reason));
    }
    let Some((value, _)) = lower.value().or_else(|| upper.value()) else {
        return Ok(());
    };
    let [(key, _)] = order else {
        let reason = format!(
            "A range window frame with value boundaries cannot be used in a window specification with multiple order by expressions: {}.",
            keys.join(",")
        );
        return Err(mismatch("RANGE_FRAME_MULTI_ORDER", &window, &reason));
    };
    let (of, bound) = (&value.data_type, bound_type(value));
    let fits = match &key.data_type {
        DataType::Date32 => of == &DataType::Int32 || bound == "INTERVAL DAY" || is_months(value),
        DataType::Timestamp(..) => matches!(of, DataType::Interval(_) | DataType::Duration(_)),
        key => key == of,
    };
    if fits {
        return Ok(());
    }
    let reason = format!(
        "The data type \"{}\" used in the order specification does not support the data type \"{bound}\" which is used in the range frame.",
        sql_name(&key.data_type)
    );
    Err(mismatch("RANGE_FRAME_INVALID_TYPE", &window, &reason))
}

/// Returns whether a bound is an interval of months and years.
fn is_months(value: &Typed) -> bool {
    value.data_type == DataType::Interval(IntervalUnit::YearMonth)
}

/// Returns whether a distance lies after the row.
fn is_positive(value: &ScalarValue) -> bool {
    let (size, negative) = magnitude(value);
    let zero = ScalarValue::new_zero(&size.data_type()).is_ok_and(|zero| zero == size);
    !negative && !zero
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

/// Returns a frame that holds no row: one that is after every row which a batch can have.
fn no_rows() -> WindowFrame {
    let beyond = || WindowFrameBound::Following(ScalarValue::UInt64(Some(i32::MAX as u64)));
    WindowFrame::new_bounds(WindowFrameUnits::Rows, beyond(), beyond())
}
