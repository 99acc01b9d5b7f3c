//! Arithmetic of dates, timestamps and intervals.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::arithmetic::Op;
use super::conf::Zone;
use super::kernel;
use super::scope::Typed;
use crate::error::{Result, SparkError, arithmetic_overflow};

const DAY_US: i64 = 86_400_000_000;

/// `date + 1`, `timestamp - interval`, `date - date` …; none where neither side is a time.
pub fn arithmetic(op: Op, left: &Typed, right: &Typed, zone: Zone) -> Result<Option<Typed>> {
    use DataType::*;
    let label = format!("({} {} {})", left.name, op.symbol(), right.name);
    let (a, b) = (&left.data_type, &right.data_type);
    let is_interval = super::literal::is_interval;
    Ok(Some(match (op, a, b) {
        (Op::Add, x, Date32 | Timestamp(..)) if is_interval(x) => return arithmetic(op, right, left, zone),
        (Op::Add | Op::Subtract, Date32, Int8 | Int16 | Int32) => {
            let sign = if op == Op::Add { 1 } else { -1 };
            let days = super::cast::cast(right.clone(), &Int32, super::cast::Mode::Ansi, zone)?;
            let name = if op == Op::Add {
                format!("date_add({}, {})", left.name, right.name)
            } else {
                format!("date_sub({}, {})", left.name, right.name)
            };
            Typed::new(add_days(left.expr.clone(), days.expr, sign), Date32, name)
        }
        (Op::Subtract, Date32, Date32) => {
            let to = Duration(TimeUnit::Microsecond);
            let expr = kernel::call(
                "date_diff",
                "",
                to.clone(),
                vec![left.expr.clone(), right.expr.clone()],
                |args, _| {
                    let (x, y) = (
                        args[0].as_primitive::<Date32Type>(),
                        args[1].as_primitive::<Date32Type>(),
                    );
                    let out: DurationMicrosecondArray =
                        arrow::compute::binary(x, y, |x, y| (i64::from(x) - i64::from(y)) * DAY_US)?;
                    Ok(Arc::new(out))
                },
            );
            Typed::new(expr, to, label)
        }
        (Op::Subtract, Timestamp(..), Timestamp(..)) => {
            let to = Duration(TimeUnit::Microsecond);
            let expr = kernel::call(
                "timestamp_diff",
                "",
                to.clone(),
                vec![left.expr.clone(), right.expr.clone()],
                |args, _| {
                    let (x, y) = (
                        args[0].as_primitive::<TimestampMicrosecondType>(),
                        args[1].as_primitive::<TimestampMicrosecondType>(),
                    );
                    let out: DurationMicrosecondArray = arrow::compute::binary(x, y, |x, y| x.wrapping_sub(y))?;
                    Ok(Arc::new(out))
                },
            );
            Typed::new(expr, to, label)
        }
        (Op::Add | Op::Subtract, Date32 | Timestamp(..), y) if is_interval(y) => {
            let to = match (a, y) {
                (Date32, Duration(_)) => super::types::timestamp(),
                _ => a.clone(),
            };
            let (sign, out_type) = (if op == Op::Add { 1 } else { -1 }, to.clone());
            let whole_days = matches!(right.literal(), Some(datafusion_common::ScalarValue::DurationMicrosecond(Some(us))) if us % DAY_US == 0);
            let (to, out_type) = if whole_days && a == &Date32 {
                (Date32, Date32)
            } else {
                (to, out_type)
            };
            let expr = kernel::call(
                "add_interval",
                format!("{sign} {zone:?}"),
                to.clone(),
                vec![left.expr.clone(), right.expr.clone()],
                move |args, rows| add_interval(&args[0], &args[1], sign, &out_type, zone, rows),
            );
            Typed::new(expr, to, label)
        }
        (Op::Add | Op::Subtract, Duration(_), Duration(_)) => {
            let sign = if op == Op::Add { 1 } else { -1 };
            let expr = kernel::call(
                "interval",
                sign.to_string(),
                a.clone(),
                vec![left.expr.clone(), right.expr.clone()],
                move |args, _| {
                    let (x, y) = (
                        args[0].as_primitive::<DurationMicrosecondType>(),
                        args[1].as_primitive::<DurationMicrosecondType>(),
                    );
                    let out: DurationMicrosecondArray = arrow::compute::try_binary(x, y, |x, y| {
                        x.checked_add(sign * y)
                            .ok_or_else(|| arithmetic_overflow("interval overflow").into())
                    })?;
                    Ok(Arc::new(out))
                },
            );
            Typed::new(expr, a.clone(), label)
        }
        _ => return Ok(None),
    }))
}

/// Whole days onto a date.
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
            let out: Date32Array = arrow::compute::try_binary(x, y, |d, n| {
                d.checked_add(sign * n)
                    .ok_or_else(|| arithmetic_overflow("integer overflow").into())
            })?;
            Ok(Arc::new(out))
        },
    )
}

/// Months onto a day; the last day of a month stays within the month.
pub fn plus_months(days: i32, months: i32) -> Option<i32> {
    use chrono::Datelike;
    let day = super::cast_text::day(days)?;
    let total = i64::from(day.year()) * 12 + i64::from(day.month0()) + i64::from(months);
    let (year, month) = (
        i32::try_from(total.div_euclid(12)).ok()?,
        total.rem_euclid(12) as u32 + 1,
    );
    let last = (28..=31)
        .rev()
        .find(|d| chrono::NaiveDate::from_ymd_opt(year, month, *d).is_some())?;
    chrono::NaiveDate::from_ymd_opt(year, month, day.day().min(last)).map(super::cast_text::days_of)
}

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
            DataType::Duration(_) => (0, 0, interval.as_primitive::<DurationMicrosecondType>().value(row)),
            DataType::Interval(IntervalUnit::YearMonth) => {
                (interval.as_primitive::<IntervalYearMonthType>().value(row), 0, 0)
            }
            _ => {
                let i = interval.as_primitive::<IntervalMonthDayNanoType>().value(row);
                (i.months, i.days, i.nanoseconds / 1000)
            }
        };
        let instant = match time.data_type() {
            DataType::Date32 => zone.to_instant(i64::from(time.as_primitive::<Date32Type>().value(row)) * DAY_US),
            _ => time.as_primitive::<TimestampMicrosecondType>().value(row),
        };
        let mut local = zone.to_local(instant);
        let moved = if months != 0 || days != 0 {
            let day = i32::try_from(local.div_euclid(DAY_US))
                .ok()
                .and_then(|d| plus_months(d, sign as i32 * months));
            let day = day
                .and_then(|d| d.checked_add(sign as i32 * days))
                .ok_or_else(|| arithmetic_overflow("timestamp overflow"))?;
            local = i64::from(day) * DAY_US + local.rem_euclid(DAY_US);
            zone.to_instant(local)
        } else {
            instant
        };
        out.push(Some(
            moved
                .checked_add(sign * micros)
                .ok_or_else(|| SparkError::from(arithmetic_overflow("long overflow")))?,
        ));
    }
    let times = TimestampMicrosecondArray::from(out);
    Ok(match to {
        DataType::Date32 => Arc::new(times.unary::<_, Date32Type>(|us| zone.to_local(us).div_euclid(DAY_US) as i32)),
        DataType::Timestamp(_, tz) => Arc::new(times.with_timezone_opt(tz.clone())),
        _ => Arc::new(times),
    })
}
