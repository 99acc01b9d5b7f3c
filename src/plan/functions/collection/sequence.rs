//! `sequence(start, stop, step)` over integers, dates and timestamps.
//!
//! ```text
//! sequence(1, 5, 2)                                [1, 3, 5]
//! sequence(5, 1)                                   [5, 4, 3, 2, 1]     the step is -1
//! sequence(DATE'2024-01-31', DATE'2024-03-31',
//!          INTERVAL 1 MONTH)                       [01-31, 02-29, 03-31]
//! ```
//!
//! The nth element is the start plus n steps, not the element before plus one: the last day of a month
//! stays one.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::kernels::{kernel, limits};
use crate::plan::coercion;
use crate::plan::datetime::plus_months;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::unexpected_type;
use crate::plan::functions::list::assemble;
use crate::plan::functions::time::DAY_US;
use crate::plan::functions::time::parts::interval;
use crate::plan::scope::Typed;
use crate::values::interval;
use crate::values::types::{self, element_field, is_integral, list_of};
use crate::values::zone::Zone;

/// Bytes of an element while it is made.
const WIDTH: u64 = 8;

/// Resolves `sequence` (`Sequence`). Both bounds are included if the steps meet them.
///
/// # Errors
/// If the bounds are not of one kind or the step does not fit, `DATATYPE_MISMATCH.*`. When it runs, a
/// step in the wrong direction is an `IllegalArgumentException`, and a sequence that is too long
/// `COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER`.
pub fn sequence(call: &Call<'_>) -> Result<Typed> {
    let common = coercion::widen(&call.args[0].data_type, &call.args[1].data_type).ok_or_else(|| wrong_types(call))?;
    if is_integral(&common) {
        return integers(call, common);
    }
    match common {
        DataType::Date32 | DataType::Timestamp(..) => times(call, common),
        _ => {
            let wanted = ["INTEGRAL", "DATE", "TIMESTAMP"];
            Err(unexpected_type(&call.label(), 1, &call.args[0], &wanted))
        }
    }
}

/// Makes `DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES`.
fn wrong_types(call: &Call<'_>) -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES",
        "42K09",
        format!(
            "Cannot resolve \"{}\" due to data type mismatch: sequence uses the wrong parameter type.",
            call.label()
        ),
    )
}

/// Makes Java's plain `IllegalArgumentException`, which Spark raises here.
fn illegal(start: impl std::fmt::Display, stop: impl std::fmt::Display, step: impl std::fmt::Display) -> SparkError {
    let sentence = format!("requirement failed: Illegal sequence boundaries: {start} to {stop} by {step}");
    SparkError::new(Exception::IllegalArgument, "", "", sentence)
}

/// Makes `COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER`.
fn too_long(count: i128) -> SparkError {
    limits::too_many_elements("sequence", count, Some("count"))
}

/// Returns sequences of integers, in the type of the bounds.
fn integers(call: &Call<'_>, element: DataType) -> Result<Typed> {
    let to = list_of(element.clone());
    let result = to.clone();
    let exprs = (0..call.args.len())
        .map(|i| Ok(call.long(i)?.expr))
        .collect::<Result<_>>()?;
    let expr = kernel::call("sequence", "", to.clone(), exprs, move |args, rows| {
        let cell = |i: usize, row: usize| args[i].as_primitive::<Int64Type>().value(row);
        let mut values: Vec<i64> = Vec::new();
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = values.len();
            valid.push(args.iter().all(|a| a.is_valid(row)));
            if valid[row] {
                let step = args.get(2).map(|_| cell(2, row));
                count_up(cell(0, row), cell(1, row), step, &mut values)?;
            }
            lengths.push(values.len() - before);
        }
        let longs: ArrayRef = Arc::new(Int64Array::from(values));
        assemble(lengths, Some(valid), arrow::compute::cast(&longs, &element)?, &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Appends the numbers from `from` to `to`, by 1 or -1 unless there is a step. A step of 0 is allowed
/// between equal bounds.
///
/// # Errors
/// If the step leads away from the end, or the sequence is too long.
fn count_up(from: i64, to: i64, step: Option<i64>, out: &mut Vec<i64>) -> Result<()> {
    let step = step.unwrap_or(if from <= to { 1 } else { -1 });
    if (step == 0 && from != to) || (step > 0 && from > to) || (step < 0 && from < to) {
        return Err(illegal(from, to, step));
    }
    let count = if step == 0 {
        1
    } else {
        (i128::from(to) - i128::from(from)) / i128::from(step) + 1
    };
    room(count, out)?;
    out.extend((0..count as i64).map(|i| from.wrapping_add(i.wrapping_mul(step))));
    Ok(())
}

/// Makes room for a row of so many elements.
///
/// # Errors
/// If Spark does not allow so many, `COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER`; if the row or those of its batch hold more than
/// they may, the errors of [`limits`].
fn room(count: i128, out: &mut Vec<i64>) -> Result<()> {
    if count > i128::from(limits::MOST_ELEMENTS) {
        return Err(too_long(count));
    }
    limits::list("sequence", count as u64, WIDTH)?;
    limits::batch("sequence", (out.len() as u64 + count as u64) * WIDTH)?;
    // A capacity that doubles beyond the limit would hold twice as much as is allowed.
    let count = count as usize;
    if out.capacity() - out.len() < count {
        let left = (limits::MOST_BATCH_BYTES / WIDTH) as usize - out.len();
        out.reserve_exact(out.len().max(count).min(left));
    }
    Ok(())
}

/// Returns sequences of dates or timestamps, by a day unless there is a step. Days and months are those
/// of the session's zone.
fn times(call: &Call<'_>, element: DataType) -> Result<Typed> {
    let to = list_of(element.clone());
    let dates = element == DataType::Date32;
    let zone = if dates {
        Zone::UTC
    } else {
        call.context.zone_of(&element)
    };
    let mut exprs = vec![
        call.context.cast(call.arg(0)?, &element)?.expr,
        call.context.cast(call.arg(1)?, &element)?.expr,
    ];
    if call.has(2) {
        let step = call.arg(2)?;
        if !interval::is_interval(&step.data_type) {
            return Err(wrong_types(call));
        }
        exprs.push(step.expr);
    }
    let result = to.clone();
    let expr = kernel::call("sequence", format!("{zone:?}"), to.clone(), exprs, move |args, rows| {
        // As local wall clocks: days and months are those of the session zone.
        let local = |i: usize, row: usize| match dates {
            true => i128::from(args[i].as_primitive::<Date32Type>().value(row)) * i128::from(DAY_US),
            false => i128::from(zone.to_local(args[i].as_primitive::<TimestampMicrosecondType>().value(row))),
        };
        let unit = if dates { DAY_US } else { 1 };
        let mut values: Vec<i64> = Vec::new();
        let (mut lengths, mut valid) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let before = values.len();
            valid.push(args.iter().all(|a| a.is_valid(row)));
            if valid[row] {
                let (from, to) = (local(0, row), local(1, row));
                let day = (0, if from <= to { 1 } else { -1 }, 0);
                let step = args.get(2).and_then(|s| interval(s, row)).unwrap_or(day);
                if dates && step.0 == 0 && step.1 == 0 {
                    return Err(no_days(args[2].data_type()).into());
                }
                let whole_days = dates && step.0 == 0 && step.2 == 0;
                // As Spark, which goes by days only where it can (`IntervalSequenceImpl`).
                if !whole_days && [from, to].iter().any(|at| i64::try_from(*at).is_err()) {
                    return Err(arithmetic_overflow("long overflow").into());
                }
                walk((from, to), step, unit, &mut values)?;
            }
            lengths.push(values.len() - before);
        }
        let element = element_field(&result)?.data_type();
        assemble(lengths, Some(valid), of_locals(values, element, zone), &result)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Returns Spark's error for a step between dates that is shorter than a day.
fn no_days(step: &DataType) -> SparkError {
    let kind = match step {
        DataType::Duration(_) => "interval day to second",
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month",
        _ => "interval",
    };
    let sentence = format!("sequence step must be an {kind} of day granularity if start and end values are dates");
    SparkError::new(Exception::IllegalArgument, "_LEGACY_ERROR_TEMP_3242", "", sentence).with("intervalType", kind)
}

/// Returns wall clocks, of dates in days and of timestamps in µs, as values of a type.
fn of_locals(locals: Vec<i64>, element: &DataType, zone: Zone) -> ArrayRef {
    let name = match element {
        DataType::Date32 => {
            let days = locals.into_iter().map(|day| day as i32);
            return Arc::new(Date32Array::from_iter_values(days));
        }
        DataType::Timestamp(_, name) => name.clone(),
        _ => Some(types::UTC.into()),
    };
    let instants = locals.into_iter().map(|us| zone.to_instant(us));
    Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone_opt(name))
}

/// Appends the wall clocks from the one to the other by months, days and µs, in units of `unit` µs; it ends early where a time
/// can no longer be represented.
///
/// # Errors
/// If the step leads away from the end, or the sequence is too long.
fn walk(
    (from, to): (i128, i128),
    (months, days, micros): (i32, i32, i64),
    unit: i64,
    out: &mut Vec<i64>,
) -> Result<()> {
    let of = |at: i128| i64::try_from(at.div_euclid(unit.into())).ok();
    let day_us = i128::from(DAY_US);
    let direction = i64::from(months).signum() + i64::from(days).signum() + micros.signum();
    if direction == 0 || (direction > 0 && from > to) || (direction < 0 && from < to) {
        return if from == to {
            out.extend(of(from));
            Ok(())
        } else {
            Err(illegal(
                from,
                to,
                format!("{months} months {days} days {micros} microseconds"),
            ))
        };
    }
    let steps = most_steps(to - from, (months, days, micros));
    room(steps + 1, out)?;
    for n in 0i32.. {
        let date = i32::try_from(from.div_euclid(day_us)).ok();
        let moved = date
            .and_then(|d| {
                if months == 0 {
                    Some(d)
                } else {
                    plus_months(d, months.checked_mul(n)?)
                }
            })
            .and_then(|d| d.checked_add(days.checked_mul(n)?));
        let at = moved.map(|d| i128::from(d) * day_us + from.rem_euclid(day_us) + i128::from(micros) * i128::from(n));
        let Some((at, value)) = at.and_then(|at| Some((at, of(at)?))) else {
            break;
        };
        if (direction > 0 && at > to) || (direction < 0 && at < to) {
            break;
        }
        limits::list("sequence", n as u64 + 1, WIDTH)?;
        out.push(value);
    }
    Ok(())
}

/// Returns how many steps at most lead over a distance in µs; months count with the days that the shortest years have.
fn most_steps(distance: i128, (months, days, micros): (i32, i32, i64)) -> i128 {
    let step =
        i128::from(months) * 28 * i128::from(DAY_US) + i128::from(days) * i128::from(DAY_US) + i128::from(micros);
    if step == 0 { 0 } else { (distance / step).max(0) }
}
