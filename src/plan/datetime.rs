//! Arithmetic of dates, timestamps and intervals.
//!
//! ```text
//! date + int            date            date - date              day-time interval
//! date + 1 day          date            timestamp - timestamp    day-time interval
//! date + 1 hour         timestamp       interval ± interval      interval of the same kind
//! timestamp + interval  timestamp       interval * / number      interval, rounded half up
//! ```
//!
//! Months and days move the wall clock of the session's zone, everything smaller moves the instant. The
//! names of the results are those of columns in Spark.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use arrow::error::ArrowError;

use super::arithmetic::Op;
use super::scope::Typed;
use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::kernels::kernel::{self, Role};
use crate::values::cast::Mode;
use crate::values::types;
use crate::values::zone::Zone;

/// µs in a day.
const DAY_US: i64 = 86_400_000_000;

/// Resolves `date + 1`, `timestamp - interval`, `date - date` …; `None` if neither side is a time or
/// the pair does not go together, which leaves the error to the caller.
///
/// # Errors
/// If a side cannot be cast to what the operation takes. Overflows are errors when the plan runs:
/// `ARITHMETIC_OVERFLOW`.
pub fn arithmetic(op: Op, left: &Typed, right: &Typed, zone: Zone, mode: Mode) -> Result<Option<Typed>> {
    use DataType::*;
    let label = format!("({} {} {})", left.name, op.symbol(), right.name);
    let (a, b) = (&left.data_type, &right.data_type);
    let is_interval = crate::values::interval::is_interval;
    Ok(Some(match (op, a, b) {
        (Op::Add, x, Date32 | Timestamp(..)) if is_interval(x) => return arithmetic(op, right, left, zone, mode),
        (Op::Add, Int8 | Int16 | Int32, Date32) => return arithmetic(op, right, left, zone, mode),
        (Op::Add | Op::Subtract, Date32, Int8 | Int16 | Int32) => {
            let sign = if op == Op::Add { 1 } else { -1 };
            let days = crate::plan::cast_expr::cast(right.clone(), &Int32, crate::values::cast::Mode::Ansi, zone)?;
            let name = if op == Op::Add {
                format!("date_add({}, {})", left.name, right.name)
            } else {
                format!("date_sub({}, {})", left.name, right.name)
            };
            Typed::new(add_days(left.expr.clone(), days.expr, sign), Date32, name)
        }
        (Op::Subtract, Date32, Date32) => {
            let micros = |x: i32, y: i32| {
                let days = x.checked_sub(y).ok_or("integer overflow")?;
                i64::from(days).checked_mul(DAY_US).ok_or("long overflow")
            };
            difference::<Date32Type>("date_diff", left, right, label, mode, micros)
        }
        (Op::Subtract, Timestamp(..), Timestamp(..)) => {
            let micros = |x: i64, y: i64| Ok(x.wrapping_sub(y));
            difference::<TimestampMicrosecondType>("timestamp_diff", left, right, label, mode, micros)
        }
        (Op::Add | Op::Subtract, Date32 | Timestamp(..), y) if is_interval(y) => moved(op, left, right, zone),
        (Op::Add | Op::Subtract, Duration(_), Duration(_)) => {
            summed::<DurationMicrosecondType>(op, left, right, label, mode)
        }
        (Op::Add | Op::Subtract, Interval(IntervalUnit::YearMonth), Interval(IntervalUnit::YearMonth)) => {
            summed::<IntervalYearMonthType>(op, left, right, label, mode)
        }
        (Op::Multiply, number, x) if is_interval(x) && types::is_numeric(number) => {
            scaled(op, right, left, label, mode, zone)?
        }
        (Op::Multiply | Op::Divide, x, number) if is_interval(x) && types::is_numeric(number) => {
            scaled(op, left, right, label, mode, zone)?
        }
        (Op::Add | Op::Subtract, Date32, y) if types::is_numeric(y) => {
            let name = if op == Op::Add { "date_add" } else { "date_sub" };
            let call = format!("{name}({}, {})", left.name, right.name);
            return Err(unexpected_days(&call, right));
        }
        (Op::Add, Date32, Date32 | Utf8) => {
            let call = format!("date_add({}, {})", left.name, right.name);
            let mut days = right.clone();
            days.data_type = Date32;
            return Err(unexpected_days(&call, &days));
        }
        _ => return Ok(None),
    }))
}

/// Makes the error of days that are not an INT.
pub fn unexpected_days(call: &str, days: &Typed) -> SparkError {
    let wanted = "(\"INT\" or \"SMALLINT\" or \"TINYINT\")";
    let (name, found) = (&days.name, types::sql_name(&days.data_type));
    SparkError::analysis(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "42K09",
        format!(
            "Cannot resolve \"{call}\" due to data type mismatch: The second parameter requires the {wanted} type, however \"{name}\" has the \
             type \"{found}\"."
        ),
    )
    .with("sqlExpr", format!("\"{call}\""))
    .with("paramIndex", "second")
    .with("inputSql", format!("\"{name}\""))
    .with("inputType", format!("\"{found}\""))
    .with("requiredType", wanted)
}

/// Returns the day-time interval between two dates or two timestamps; it wraps around beyond 292,000
/// years.
fn difference<T: ArrowPrimitiveType>(
    name: &str,
    left: &Typed,
    right: &Typed,
    label: String,
    mode: Mode,
    micros: fn(T::Native, T::Native) -> Result<i64, &'static str>,
) -> Typed {
    let to = DataType::Duration(TimeUnit::Microsecond);
    let sides = vec![left.expr.clone(), right.expr.clone()];
    let expr = kernel::call(name, format!("{mode:?}"), to.clone(), sides, move |args, _| {
        let (x, y) = (args[0].as_primitive::<T>(), args[1].as_primitive::<T>());
        let out: DurationMicrosecondArray = if mode == Mode::Try {
            let differences = x.iter().zip(y).map(|(x, y)| micros(x?, y?).ok());
            differences.collect()
        } else {
            let failed = |what| ArrowError::ExternalError(Box::new(arithmetic_overflow(what)));
            arrow::compute::try_binary(x, y, |x, y| micros(x, y).map_err(failed))?
        };
        Ok(Arc::new(out))
    });
    Typed::new(expr, to, label)
}

/// Makes `INTERVAL_ARITHMETIC_OVERFLOW` of a sum or a difference.
pub fn interval_overflow(op: Op) -> SparkError {
    let tolerant = if op == Op::Add { "`try_add`" } else { "`try_subtract`" };
    SparkError::new(
        Exception::Arithmetic,
        "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
        "22015",
        format!("Integer overflow while operating with intervals. Use {tolerant} to tolerate overflow and return NULL instead."),
    )
    .with("functionName", tolerant)
}

/// Returns the sum or difference of two intervals of one kind.
///
/// When it runs, an overflow is null if `mode` is [`Mode::Try`], else `INTERVAL_ARITHMETIC_OVERFLOW`.
fn summed<T: ArrowPrimitiveType>(op: Op, left: &Typed, right: &Typed, label: String, mode: Mode) -> Typed {
    let sides = vec![left.expr.clone(), right.expr.clone()];
    let to = left.data_type.clone();
    let options = format!("{} {mode:?}", op.symbol());
    let expr = kernel::call("interval", options, to.clone(), sides, move |args, _| {
        let (x, y) = (args[0].as_primitive::<T>(), args[1].as_primitive::<T>());
        let sum = |(x, y): (Option<T::Native>, Option<T::Native>)| {
            let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
            let sum = if op == Op::Add {
                x.add_checked(y)
            } else {
                x.sub_checked(y)
            };
            match sum {
                Err(_) if mode != Mode::Try => Err(interval_overflow(op)),
                sum => Ok(sum.ok()),
            }
        };
        let sums = x.iter().zip(y).map(sum).collect::<Result<PrimitiveArray<T>>>()?;
        Ok(Arc::new(sums))
    });
    Typed::new(expr, to, label)
}

/// Returns a date or timestamp moved by an interval. A date stays a date if the interval is a constant
/// of whole days, and otherwise becomes a timestamp if the interval is a day-time one.
///
/// The kernel has a [`Role`], by which event time finds the time and the interval in it.
fn moved(op: Op, left: &Typed, right: &Typed, zone: Zone) -> Typed {
    let a = &left.data_type;
    let to = match (a, &right.data_type) {
        (DataType::Date32, DataType::Duration(_)) if !days_only(right) => crate::values::types::timestamp(),
        _ => a.clone(),
    };
    let (sign, out_type) = (if op == Op::Add { 1 } else { -1 }, to.clone());
    let label = match (op, days_only(right)) {
        (Op::Add, true) if a == &DataType::Date32 => {
            format!("date_add({}, extractansiintervaldays({}))", left.name, right.name)
        }
        (_, true) if a == &DataType::Date32 => {
            format!("date_add({}, (- extractansiintervaldays({})))", left.name, right.name)
        }
        _ => format!("{} {} {}", left.name, op.symbol(), right.name),
    };
    let (name, role) = if sign > 0 {
        ("add_interval", Role::AddsInterval)
    } else {
        ("subtract_interval", Role::SubtractsInterval)
    };
    let expr = kernel::call_as(
        name,
        format!("{zone:?}"),
        to.clone(),
        vec![left.expr.clone(), right.expr.clone()],
        role,
        move |args, rows| add_interval(&args[0], &args[1], sign, &out_type, zone, rows),
    );
    Typed::new(expr, to, label)
}

/// Returns an interval times or divided by a number, rounded half up (`MultiplyDTInterval`,
/// `DivideDTInterval` and their kin).
///
/// When it runs, division by zero is `INTERVAL_DIVIDED_BY_ZERO` and an overflow `ARITHMETIC_OVERFLOW`; null
/// if `mode` is [`Mode::Try`].
fn scaled(op: Op, interval: &Typed, number: &Typed, label: String, mode: Mode, zone: Zone) -> Result<Typed> {
    if let DataType::Interval(IntervalUnit::MonthDayNano) = interval.data_type {
        return calendar_scaled(op, interval, number, label, mode, zone);
    }
    let to = interval.data_type.clone();
    let result = to.clone();
    let double = crate::plan::cast_expr::cast(number.clone(), &DataType::Float64, Mode::Ansi, zone)?;
    let expr = kernel::call(
        "scale_interval",
        format!("{} {mode:?}", op.symbol()),
        to.clone(),
        vec![interval.expr.clone(), double.expr],
        move |args, _| {
            let numbers = args[1].as_primitive::<Float64Type>();
            let whole: Int64Array = match args[0].data_type() {
                DataType::Duration(_) => args[0].as_primitive::<DurationMicrosecondType>().unary(|us| us),
                _ => args[0].as_primitive::<IntervalYearMonthType>().unary(i64::from),
            };
            let one = |x: i64, n: f64| {
                if op == Op::Divide && n == 0.0 {
                    return Err(interval_by_zero());
                }
                let scaled = if op == Op::Divide { x as f64 / n } else { x as f64 * n };
                let exact = if op == Op::Multiply && n.fract() == 0.0 {
                    x.checked_mul(n as i64)
                } else {
                    Some(scaled.round() as i64)
                };
                exact
                    .filter(|_| scaled.abs() < 9.3e18)
                    .ok_or_else(|| arithmetic_overflow("interval overflow"))
            };
            let each = |(x, n): (Option<i64>, Option<f64>)| match (x, n) {
                (Some(x), Some(n)) if mode == Mode::Try => Ok(one(x, n).ok()),
                (Some(x), Some(n)) => one(x, n).map(Some),
                _ => Ok(None),
            };
            let out = whole.iter().zip(numbers).map(each).collect::<Result<Int64Array>>()?;
            Ok(match &result {
                DataType::Duration(_) => Arc::new(out.unary::<_, DurationMicrosecondType>(|us| us)),
                _ => Arc::new(
                    out.try_unary::<_, IntervalYearMonthType, arrow::error::ArrowError>(|months| {
                        i32::try_from(months).map_err(|_| arithmetic_overflow("interval overflow").into())
                    })?,
                ),
            })
        },
    );
    Ok(Typed::new(expr, to, label))
}

/// Returns a calendar interval times or divided by a number (`MultiplyInterval`, `DivideInterval`): months and days are cut
/// off, what is left of a day goes to the time, what is left of a month is dropped.
///
/// When it runs and the mode is ANSI, division by zero is `INTERVAL_DIVIDED_BY_ZERO` and an overflow `ARITHMETIC_OVERFLOW`. When
/// tried both are null; in legacy mode division by zero is null, and each part stops at its bounds.
fn calendar_scaled(op: Op, interval: &Typed, number: &Typed, label: String, mode: Mode, zone: Zone) -> Result<Typed> {
    let to = interval.data_type.clone();
    let double = crate::plan::cast_expr::cast(number.clone(), &DataType::Float64, Mode::Ansi, zone)?;
    let args = vec![interval.expr.clone(), double.expr];
    let options = format!("{} {mode:?}", op.symbol());
    let expr = kernel::call("scale_interval", options, to.clone(), args, move |args, rows| {
        let intervals = args[0].as_primitive::<IntervalMonthDayNanoType>();
        let numbers = args[1].as_primitive::<Float64Type>();
        let one = |row: usize| {
            if intervals.is_null(row) || numbers.is_null(row) {
                return Ok(None);
            }
            let (interval, n) = (intervals.value(row), numbers.value(row));
            if op == Op::Divide && n == 0.0 {
                return if mode == Mode::Ansi {
                    Err(interval_by_zero())
                } else {
                    Ok(None)
                };
            }
            match times(op, interval, n, mode == Mode::Legacy) {
                None if mode == Mode::Ansi => Err(arithmetic_overflow("integer overflow")),
                product => Ok(product),
            }
        };
        let out = (0..rows).map(one).collect::<Result<IntervalMonthDayNanoArray>>()?;
        Ok(Arc::new(out))
    });
    Ok(Typed::new(expr, to, label))
}

/// Returns the product or quotient of a calendar interval and a number; `None` if a part overflows, unless it `stops` there.
fn times(op: Op, interval: IntervalMonthDayNano, n: f64, stops: bool) -> Option<IntervalMonthDayNano> {
    let part = |x: f64| if op == Op::Divide { x / n } else { x * n };
    let whole = |x: f64| match stops {
        true => Some(x as i32),
        false => i32::try_from(x as i64).ok(),
    };
    let days = part(interval.days.into());
    let whole_days = whole(days)?;
    let micros = part((interval.nanoseconds / 1000) as f64) + DAY_US as f64 * (days - f64::from(whole_days));
    let micros = (micros + 0.5).floor() as i64;
    let nanos = match stops {
        true => micros.saturating_mul(1000),
        false => micros.checked_mul(1000)?,
    };
    let months = whole(part(interval.months.into()))?;
    Some(IntervalMonthDayNano::new(months, whole_days, nanos))
}

/// Makes `INTERVAL_DIVIDED_BY_ZERO`.
fn interval_by_zero() -> SparkError {
    SparkError::new(
        crate::error::Exception::Arithmetic,
        "INTERVAL_DIVIDED_BY_ZERO",
        "22012",
        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    )
}

/// Returns whether an interval is a constant of whole days.
fn days_only(interval: &Typed) -> bool {
    matches!(interval.literal(), Some(datafusion_common::ScalarValue::DurationMicrosecond(Some(us))) if us % DAY_US == 0)
}

/// Returns a date moved by whole days, `sign` times as many as the column of INT says.
///
/// When it runs, an overflow is `ARITHMETIC_OVERFLOW`.
pub fn add_days(date: datafusion_expr::Expr, days: datafusion_expr::Expr, sign: i32) -> datafusion_expr::Expr {
    kernel::call(
        "date_add",
        sign.to_string(),
        DataType::Date32,
        vec![date, days],
        move |args, _| {
            let (x, y) = (
                args[0].as_primitive::<Date32Type>(),
                args[1].as_primitive::<Int32Type>(),
            );
            let out: Date32Array = arrow::compute::binary(x, y, |d, n| d.wrapping_add(sign.wrapping_mul(n)))?;
            Ok(Arc::new(out))
        },
    )
}

/// Returns a day, as days since the epoch, moved by months; a day that the month lacks becomes its last
/// day.
///
/// `None` beyond the years that chrono can hold.
///
/// ```
/// use rivulet::plan::datetime::plus_months;
/// use rivulet::values::{parse_time::parse_date, text::date};
///
/// let moved = parse_date("2024-01-31").and_then(|day| plus_months(day, 1));
/// assert_eq!(moved.map(date).as_deref(), Some("2024-02-29"));
/// ```
pub fn plus_months(days: i32, months: i32) -> Option<i32> {
    use chrono::Datelike;
    let day = crate::values::text::day(days)?;
    let total = i64::from(day.year()) * 12 + i64::from(day.month0()) + i64::from(months);
    let (year, month) = (
        i32::try_from(total.div_euclid(12)).ok()?,
        total.rem_euclid(12) as u32 + 1,
    );
    let last = (28..=31)
        .rev()
        .find(|d| chrono::NaiveDate::from_ymd_opt(year, month, *d).is_some())?;
    chrono::NaiveDate::from_ymd_opt(year, month, day.day().min(last)).map(crate::values::text::days_of)
}

/// Returns the µs of a number of days.
///
/// # Errors
/// If a timestamp does not hold so many, `ARITHMETIC_OVERFLOW`.
fn days_us(days: i32) -> Result<i64> {
    let micros = i64::from(days).checked_mul(DAY_US);
    micros.ok_or_else(|| arithmetic_overflow("long overflow"))
}

/// Moves each row: by months first, then days of the local calendar, then µs of the time line. Nulls
/// stay null.
///
/// Months keep the day of the month or take the last one. Days, of a day-time interval as of a calendar
/// one, are days of the local calendar, 23 or 25 hours long when clocks change
/// (`DateTimeUtils.timestampAddDayTime`).
///
/// # Errors
/// If the result is beyond what the type holds, `ARITHMETIC_OVERFLOW`.
fn add_interval(
    time: &ArrayRef,
    interval: &ArrayRef,
    sign: i64,
    to: &DataType,
    zone: Zone,
    rows: usize,
) -> datafusion_common::Result<ArrayRef> {
    let zone = if matches!(time.data_type(), DataType::Timestamp(_, None)) {
        Zone::UTC
    } else {
        zone
    };
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        if time.is_null(row) || interval.is_null(row) {
            out.push(None);
            continue;
        }
        let (months, days, micros) = match interval.data_type() {
            DataType::Duration(_) => {
                let us = interval.as_primitive::<DurationMicrosecondType>().value(row);
                (0, (us / DAY_US) as i32, us % DAY_US)
            }
            DataType::Interval(IntervalUnit::YearMonth) => {
                (interval.as_primitive::<IntervalYearMonthType>().value(row), 0, 0)
            }
            _ => {
                let i = interval.as_primitive::<IntervalMonthDayNanoType>().value(row);
                (i.months, i.days, i.nanoseconds / 1000)
            }
        };
        let instant = match time.data_type() {
            DataType::Date32 => zone.to_instant(days_us(time.as_primitive::<Date32Type>().value(row))?),
            _ => time.as_primitive::<TimestampMicrosecondType>().value(row),
        };
        let mut local = zone.to_local(instant);
        let moved = if months != 0 || days != 0 {
            let day = i32::try_from(local.div_euclid(DAY_US))
                .ok()
                .and_then(|d| plus_months(d, (sign as i32).checked_mul(months)?));
            let day = day
                .and_then(|d| d.checked_add((sign as i32).checked_mul(days)?))
                .ok_or_else(|| arithmetic_overflow("timestamp overflow"))?;
            let within = local.rem_euclid(DAY_US);
            local = days_us(day)?
                .checked_add(within)
                .ok_or_else(|| arithmetic_overflow("long overflow"))?;
            zone.to_instant(local)
        } else {
            instant
        };
        out.push(Some(
            moved
                .checked_add(
                    sign.checked_mul(micros)
                        .ok_or_else(|| arithmetic_overflow("long overflow"))?,
                )
                .ok_or_else(|| arithmetic_overflow("long overflow"))?,
        ));
    }
    let times = TimestampMicrosecondArray::from(out);
    Ok(match to {
        DataType::Date32 => Arc::new(times.unary::<_, Date32Type>(|us| zone.to_local(us).div_euclid(DAY_US) as i32)),
        DataType::Timestamp(_, tz) => Arc::new(times.with_timezone_opt(tz.clone())),
        _ => Arc::new(times),
    })
}
