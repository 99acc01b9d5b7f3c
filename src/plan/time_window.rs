//! `window(time, length, slide, start)` and `session_window(time, gap)`: event-time windows
//! (`TimeWindowing`, `SessionWindowing`).
//!
//! A row falls into `ceil(length / slide)` candidate windows. Each becomes a branch: the window's start
//! is arithmetic on the time column, and a filter keeps the rows that the window really holds. Rows
//! without a time are in no window.
//!
//! ```text
//! length 10, slide 5    time 12
//!                       ├─ candidate 0: [10, 20)  holds it
//!                       └─ candidate 1: [ 5, 15)  holds it
//! ```
//!
//! Grouping is by the window's start, a plain timestamp, which hashes and compares faster than a
//! struct; [`rebuild`] makes the struct afterwards. A session begins as the row's own `[time, time +
//! gap)`; rows of a key whose sessions touch are merged where they are grouped.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, IntervalUnit, TimestampMicrosecondType};
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlanBuilder};
use std::sync::Arc;

use super::analyzer::Analyzer;
use super::literal;
use super::nodes::{self, ExpandWindows};
use super::scope::{Attribute, Resolved, TimeWindow, Typed};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel::{self, Role};
use crate::plan::cast_expr;
use crate::values::cast::Mode;
use crate::values::zone::Zone;
use crate::values::{interval, types};

/// Windows that one row may be in: the row is made as many times.
const MOST_WINDOWS: i64 = 10_000;

/// A relation with one row per window of each row.
pub struct Expanded {
    /// The rows, each as often as it has windows.
    pub relation: Resolved,
    /// The window as `struct<start, end>`.
    pub window: Attribute,
    /// The start alone, by which grouping goes.
    pub start: Attribute,
    /// The end, of sessions only.
    pub end: Option<Attribute>,
}

/// Resolves the call of `window`; the rows are made by [`expand`].
///
/// Lengths are constants of weeks down to microseconds. A time that is a window, as in chained
/// aggregations, stands for its last microsecond.
///
/// # Errors
/// If an argument is not such an interval, as [`duration`]; if length or slide are
/// not positive, `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`; if the slide is longer than the window or the
/// start is not below the slide, `DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION`; if a row is in more windows than it may be,
/// `RIVULET_TOO_MANY_WINDOWS`.
pub fn call(args: Vec<Typed>, mode: Mode, zone: Zone) -> Result<Typed> {
    let mut args = args.into_iter();
    let time = args
        .next()
        .ok_or_else(|| SparkError::invalid_plan("window needs a time column"))?;
    let mut lengths = Vec::new();
    for arg in args.take(3) {
        lengths.push(duration(&arg)?);
    }
    let length_us = *lengths
        .first()
        .ok_or_else(|| SparkError::invalid_plan("window needs a duration"))?;
    let slide_us = lengths.get(1).copied().unwrap_or(length_us);
    let start_us = lengths.get(2).copied().unwrap_or(0);
    if length_us <= 0 || slide_us <= 0 {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            "42K09",
            format!(
                "The window duration ({length_us} µs) and the slide duration ({slide_us} µs) must be greater than 0."
            ),
        ));
    }
    if slide_us > length_us {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
            "42K09",
            format!("The slide duration ({slide_us} µs) must be <= the window duration ({length_us} µs)."),
        ));
    }
    let windows = candidates(length_us, slide_us);
    if windows > MOST_WINDOWS {
        return Err(SparkError::analysis(
            "RIVULET_TOO_MANY_WINDOWS",
            "54000",
            format!(
                "Each row is in {windows} windows of {length_us} µs with a slide of {slide_us} µs, the limit is {MOST_WINDOWS}."
            ),
        )
        .with("windows", windows.to_string())
        .with("limit", MOST_WINDOWS.to_string()));
    }
    if start_us.checked_abs().is_none_or(|start| start >= slide_us) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
            "42K09",
            format!("The absolute start time ({start_us} µs) must be < the slide duration ({slide_us} µs)."),
        ));
    }
    // `window(window, …)` of chained aggregations takes the last instant of the inner window.
    let event_time = time.attribute.as_ref().is_some_and(|a| a.event_time);
    let time = match &time.data_type {
        DataType::Struct(_) => window_time(time)?,
        DataType::Timestamp(..) => time,
        _ => cast_expr::cast(time, &types::timestamp(), mode, zone)?,
    };
    let to = types::window_of(time.data_type.clone());
    let window = TimeWindow {
        time: time.expr.clone(),
        time_type: time.data_type.clone(),
        length_us,
        slide_us,
        start_us,
        event_time,
        session: false,
        gap: None,
    };
    // Evaluated as it stands it is the tumbling window of the row; `expand` replaces it.
    let start = start_of(time.expr, &window, 0);
    let mut typed = Typed::new(make_window(start, &window), to, "window");
    typed.named = true;
    typed.window = Some(Box::new(window));
    Ok(typed)
}

/// Returns an argument of `window` as µs: a string, a number of µs (`TimeWindow.parseExpression`), or, other than in Spark, an interval.
///
/// # Errors
/// If it is a string but not an interval, `CANNOT_PARSE_INTERVAL`; if it has months, `_LEGACY_ERROR_TEMP_3231`; if it is anything
/// else, `_LEGACY_ERROR_TEMP_1207`.
fn duration(arg: &Typed) -> Result<i64> {
    match arg.literal() {
        Some(ScalarValue::Int32(Some(us))) => Ok(i64::from(*us)),
        Some(ScalarValue::Int64(Some(us))) => Ok(*us),
        Some(ScalarValue::Utf8(Some(text))) => {
            interval::interval_micros(text).ok_or_else(|| match interval::has_months(text) {
                true => SparkError::new(
                    Exception::IllegalArgument,
                    "_LEGACY_ERROR_TEMP_3231",
                    "",
                    format!("Intervals greater than a month is not supported ({text})."),
                ),
                false => interval::cannot_parse(text),
            })
        }
        value => value.and_then(literal::constant_micros).ok_or_else(|| {
            SparkError::analysis(
                "_LEGACY_ERROR_TEMP_1207",
                "",
                "The duration and time inputs to window must be an integer, long or string literal.",
            )
        }),
    }
}

/// Resolves `session_window(time, gap)`; the sessions are made where rows are grouped.
///
/// The gap is a constant, or an expression that may differ from row to row.
///
/// # Errors
/// If there are not two arguments, `WRONG_NUM_ARGS`; if the gap is not an interval or a string,
/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn session(args: Vec<Typed>, mode: Mode, zone: Zone) -> Result<Typed> {
    let [time, gap]: [Typed; 2] = args
        .try_into()
        .map_err(|args: Vec<Typed>| super::functions::wrong_number("session_window", "2", args.len()))?;
    let constant = super::functions::fold(&gap.expr).and_then(|v| literal::constant_micros(&v));
    if constant.is_none()
        && !matches!(
            gap.data_type,
            DataType::Utf8 | DataType::Duration(_) | DataType::Interval(IntervalUnit::MonthDayNano)
        )
    {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!(
                "The gap {} of session_window must be an interval or the text of one, but is \"{}\".",
                gap.name,
                types::sql_name(&gap.data_type)
            ),
        ));
    }
    let event_time = time.attribute.as_ref().is_some_and(|a| a.event_time);
    let time = match &time.data_type {
        DataType::Struct(_) => window_time(time)?,
        DataType::Timestamp(..) => time,
        _ => cast_expr::cast(time, &types::timestamp(), mode, zone)?,
    };
    let to = types::window_of(time.data_type.clone());
    let window = TimeWindow {
        time: time.expr.clone(),
        time_type: time.data_type.clone(),
        length_us: constant.unwrap_or_default(),
        slide_us: constant.unwrap_or_default(),
        start_us: 0,
        event_time,
        session: true,
        gap: constant.is_none().then_some(gap.expr),
    };
    let mut typed = Typed::new(make_window(time.expr, &window), to, "session_window");
    typed.named = true;
    typed.window = Some(Box::new(window));
    Ok(typed)
}

/// Gives every row the session that it alone would make; rows without a time, and empty sessions, are left out.
pub fn open_sessions(analyzer: &mut Analyzer, input: Resolved, window: &TimeWindow, name: &str) -> Result<Expanded> {
    let mut start = analyzer.attribute("start", window.time_type.clone(), true);
    start.event_time = window.event_time;
    let mut end = analyzer.attribute("end", window.time_type.clone(), true);
    end.event_time = window.event_time;
    let mut whole = analyzer.attribute(name, types::window_of(window.time_type.clone()), true);
    whole.time_window = true;
    whole.event_time = window.event_time;
    let visible: Vec<Attribute> = input.visible().cloned().collect();
    let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
    columns.push((window.time.clone(), &start));
    let after = match &window.gap {
        Some(gap) => session_end(window.time.clone(), gap.clone(), window),
        None => shifted(window.time.clone(), window, window.length_us),
    };
    columns.push((after.clone(), &end));
    columns.push((session_of(window.time.clone(), after, &window.time_type), &whole));
    let plan = analyzer.project(input.plan.clone(), columns)?;
    // Null times and gaps make no session, and neither do gaps that are not positive.
    let plan = LogicalPlanBuilder::from(plan)
        .filter(end.column().gt(start.column()))?
        .build()?;
    let mut relation = input.over(plan);
    relation.output.push(whole.clone());
    relation.hidden.extend([start.clone(), end.clone()]);
    Ok(Expanded {
        relation,
        window: whole,
        start,
        end: Some(end),
    })
}

/// Returns the time moved by a constant, in its own type; it stays an event time.
fn shifted(time: Expr, window: &TimeWindow, by_us: i64) -> Expr {
    let zone = if let DataType::Timestamp(_, zone) = &window.time_type {
        zone.clone()
    } else {
        None
    };
    kernel::call_as(
        "shift_time",
        by_us.to_string(),
        window.time_type.clone(),
        vec![time],
        Role::KeepsTime(0),
        move |args, _| {
            let out: TimestampMicrosecondArray = args[0]
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|us| us.saturating_add(by_us));
            Ok(Arc::new(out.with_timezone_opt(zone.clone())))
        },
    )
}

/// Returns where the session ends that a row alone would make, by its own gap; null if the gap is not
/// an interval.
fn session_end(time: Expr, gap: Expr, window: &TimeWindow) -> Expr {
    let zone = if let DataType::Timestamp(_, zone) = &window.time_type {
        zone.clone()
    } else {
        None
    };
    kernel::call_as(
        "session_end",
        "",
        window.time_type.clone(),
        vec![time, gap],
        Role::KeepsTime(0),
        move |args, _| {
            let times = args[0].as_primitive::<TimestampMicrosecondType>();
            let ends: TimestampMicrosecondArray = times
                .iter()
                .enumerate()
                .map(|(row, time)| time?.checked_add(gap_us(&args[1], row)?))
                .collect();
            Ok(Arc::new(ends.with_timezone_opt(zone.clone())))
        },
    )
}

/// Returns a row's gap in µs; `None` if it is null, not an interval, or one of months.
fn gap_us(gaps: &ArrayRef, row: usize) -> Option<i64> {
    if gaps.is_null(row) {
        return None;
    }
    if let Some(texts) = gaps.as_string_opt::<i32>() {
        return interval::interval_micros(texts.value(row));
    }
    let value = ScalarValue::try_from_array(gaps, row).ok()?;
    literal::constant_micros(&value)
}

/// Returns the session struct over the grouping columns that hold its bounds.
pub fn rebuild_session(start: &Attribute, end: &Attribute) -> Expr {
    session_of(start.column(), end.column(), &start.data_type)
}

/// Returns the session struct of two bounds.
fn session_of(start: Expr, end: Expr, time_type: &DataType) -> Expr {
    let to = types::window_of(time_type.clone());
    let fields = if let DataType::Struct(fields) = &to {
        fields.clone()
    } else {
        Default::default()
    };
    let bounds = vec![start, end];
    kernel::call_as("make_session", "", to, bounds, Role::KeepsTime(1), move |args, rows| {
        Ok(Arc::new(StructArray::try_new_with_length(
            fields.clone(),
            args.to_vec(),
            None,
            rows,
        )?))
    })
}

/// Returns `window_time(window)`: the last microsecond of a window, by which a window can be windowed
/// again.
///
/// # Errors
/// If the argument is not a struct, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn window_time(window: Typed) -> Result<Typed> {
    let end = match &window.data_type {
        DataType::Struct(fields) => match &fields[..] {
            [start, end] if start.name() == "start" && end.name() == "end" => Some(end.data_type().clone()),
            _ => None,
        },
        _ => None,
    };
    let Some(to) = end.filter(types::is_timestamp) else {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            "42K09",
            format!(
                "The input is not a correct window column: window_time({}).",
                window.name
            ),
        ));
    };
    let zone = if let DataType::Timestamp(_, zone) = &to {
        zone.clone()
    } else {
        None
    };
    let expr = kernel::call_as(
        "window_time",
        "",
        to.clone(),
        vec![window.expr.clone()],
        Role::KeepsTime(0),
        move |args, _| {
            let ends = args[0].as_struct().column(1).as_primitive::<TimestampMicrosecondType>();
            let out: TimestampMicrosecondArray = ends.unary(|us| us.saturating_sub(1));
            Ok(Arc::new(out.with_timezone_opt(zone.clone())))
        },
    );
    let mut typed = Typed::new(expr, to, "window_time(window)");
    typed.attribute = window.attribute;
    Ok(typed)
}

/// Returns the start of the `nth` window before the last one that can hold the row.
fn start_of(time: Expr, window: &TimeWindow, nth: i64) -> Expr {
    let (slide, offset) = (window.slide_us, window.start_us);
    let zone = if let DataType::Timestamp(_, zone) = &window.time_type {
        zone.clone()
    } else {
        None
    };
    kernel::call(
        "window_start",
        format!("{slide} {offset} {nth}"),
        window.time_type.clone(),
        vec![time],
        move |args, _| {
            let times = args[0].as_primitive::<TimestampMicrosecondType>();
            let starts: TimestampMicrosecondArray =
                times.unary(|us| last_start(us, slide, offset).saturating_sub(nth.saturating_mul(slide)));
            Ok(Arc::new(starts.with_timezone_opt(zone.clone())))
        },
    )
}

/// Returns the greatest window start that is not after `us`.
///
/// ```
/// use rivulet::plan::time_window::last_start;
///
/// assert_eq!(last_start(12, 5, 0), 10);
/// assert_eq!(last_start(-1, 5, 0), -5);
/// assert_eq!(last_start(12, 5, 3), 8);
/// ```
pub fn last_start(us: i64, slide: i64, offset: i64) -> i64 {
    us.saturating_sub((us.wrapping_sub(offset)).rem_euclid(slide))
}

/// Returns `struct<start, end>` from the start; null if the start is null.
fn make_window(start: Expr, window: &TimeWindow) -> Expr {
    let length = window.length_us;
    let to = types::window_of(window.time_type.clone());
    let fields = if let DataType::Struct(fields) = &to {
        fields.clone()
    } else {
        Default::default()
    };
    let zone = if let DataType::Timestamp(_, zone) = &window.time_type {
        zone.clone()
    } else {
        None
    };
    let role = Role::KeepsTime(0);
    kernel::call_as(
        "make_window",
        length.to_string(),
        to,
        vec![start],
        role,
        move |args, rows| {
            let starts = args[0].as_primitive::<TimestampMicrosecondType>();
            let ends: TimestampMicrosecondArray = starts.unary(|us| us.saturating_add(length));
            let ends = ends.with_timezone_opt(zone.clone());
            let nulls = starts.nulls().cloned();
            Ok(Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                vec![args[0].clone(), Arc::new(ends)],
                nulls,
                rows,
            )?))
        },
    )
}

/// Returns the window struct over the grouping column that holds its start.
pub fn rebuild(start: &Attribute, window: &TimeWindow, _struct: &Attribute) -> Expr {
    make_window(start.column(), window)
}

/// Makes the rows of the windows: one row per window of each row; those without a time go.
///
/// # Errors
/// If DataFusion refuses the plan, an internal error.
pub fn expand(analyzer: &mut Analyzer, input: Resolved, window: &TimeWindow, name: &str) -> Result<Expanded> {
    let mut start = analyzer.attribute("start", window.time_type.clone(), true);
    start.event_time = window.event_time;
    let mut whole = analyzer.attribute(name, types::window_of(window.time_type.clone()), true);
    whole.time_window = true;
    whole.event_time = window.event_time;
    let time = analyzer.attribute("time", window.time_type.clone(), true);
    let visible: Vec<Attribute> = input.visible().cloned().collect();
    let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
    columns.push((window.time.clone(), &time));
    let timed = analyzer.project(input.plan.clone(), columns)?;
    let timed = LogicalPlanBuilder::from(timed)
        .filter(time.column().is_not_null())?
        .build()?;
    let expand = ExpandWindows {
        time: time.id.clone(),
        start: start.id.clone(),
        length_us: window.length_us,
        slide_us: window.slide_us,
        offset_us: window.start_us,
    };
    let expanded = nodes::plan(expand, timed)?;
    let mut columns: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
    columns.push((start.column(), &start));
    columns.push((make_window(start.column(), window), &whole));
    let plan = analyzer.project(expanded, columns)?;
    let mut relation = input.over(plan);
    relation.output.push(whole.clone());
    relation.hidden.push(start.clone());
    Ok(Expanded {
        relation,
        window: whole,
        start,
        end: None,
    })
}

/// Returns how many candidate windows a row has: the branches of the expansion.
pub fn candidates(length_us: i64, slide_us: i64) -> i64 {
    length_us.div_euclid(slide_us) + i64::from(length_us % slide_us != 0)
}

/// Returns the start of the `nth` candidate per row, and which rows it holds; no mask if it holds all
/// of them.
pub fn candidate(
    times: &TimestampMicrosecondArray,
    length: i64,
    slide: i64,
    offset: i64,
    nth: i64,
) -> (Int64Array, Option<arrow::array::BooleanArray>) {
    let starts: Int64Array = times.unary(|us| last_start(us, slide, offset).saturating_sub(nth.saturating_mul(slide)));
    if (nth + 1).saturating_mul(slide) <= length {
        return (starts, None);
    }
    let keep = starts
        .iter()
        .zip(times.iter())
        .map(|(s, t)| Some(s?.saturating_add(length) > t?))
        .collect();
    (starts, Some(keep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_align_to_the_epoch_plus_the_start_offset_also_before_1970() {
        assert_eq!(last_start(7, 5, 0), 5);
        assert_eq!(last_start(-1, 5, 0), -5);
        assert_eq!(last_start(-5, 5, 0), -5);
        assert_eq!(last_start(7, 5, 3), 3);
        assert_eq!(last_start(2, 5, 3), -2);
    }

    #[test]
    fn a_window_that_is_no_multiple_of_its_slide_drops_rows_of_its_last_candidate() {
        let times = TimestampMicrosecondArray::from(vec![0, 4, 5]);
        assert_eq!(candidates(7, 5), 2);
        let (starts, keep) = candidate(&times, 7, 5, 0, 1);
        assert_eq!(starts.values(), &[-5, -5, 0]);
        let keep = keep.unwrap();
        assert_eq!(
            keep.iter().collect::<Vec<_>>(),
            vec![Some(true), Some(false), Some(true)]
        );
    }
}
