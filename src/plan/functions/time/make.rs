//! Dates, times and intervals made of their parts.
//!
//! A date that does not exist is an error under ANSI and null otherwise; 60 seconds are the next
//! minute.
//!
//! Parts are INT, but for seconds, which are decimals with six digits, so that µs are exact.
//!
//! ```text
//! make_date(2024, 2, 29)                       2024-02-29
//! make_timestamp(2024, 1, 1, 0, 0, 60)         2024-01-01 00:01:00
//! make_dt_interval(1, 2)                       1 day and 2 hours
//! make_ym_interval(1, 2)                       14 months
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use chrono::NaiveDate;

use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::kernels::kernel;
use crate::plan::functions::call::{Call, label};
use crate::plan::functions::row;
use crate::plan::functions::time::DAY_US;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::text::days_of;
use crate::values::types;
use crate::values::zone::Zone;

/// What kind of timestamp is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// TIMESTAMP.
    Instant,
    /// TIMESTAMP_NTZ.
    WallClock,
}

impl Made {
    /// Returns the type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Instant => types::timestamp(),
            Self::WallClock => types::timestamp_ntz(),
        }
    }
}

/// Resolves `make_date` (`MakeDate`).
///
/// When it runs, a date that does not exist is `DATETIME_FIELD_OUT_OF_BOUNDS` under ANSI.
pub fn make_date(call: &Call<'_>) -> Result<Typed> {
    let ansi = call.context.ansi();
    let args = vec![call.int(0)?, call.int(1)?, call.int(2)?];
    Ok(row::call(
        call.name,
        format!("{ansi}"),
        DataType::Date32,
        args,
        call.label(),
        move |r| match NaiveDate::from_ymd_opt(r.int(0), r.int(1) as u32, r.int(2) as u32) {
            None if ansi => Err(out_of_bounds("Invalid date")),
            found => Ok(found.map(days_of)),
        },
    ))
}

/// Resolves `make_timestamp`, `try_make_timestamp`, `make_timestamp_ntz` and `try_make_timestamp_ntz`.
///
/// When it runs, a time that does not exist is `DATETIME_FIELD_OUT_OF_BOUNDS` under ANSI unless
/// `tolerant`, and an unknown zone `INVALID_TIMEZONE`.
pub fn make_timestamp(call: &Call<'_>, made: Made, tolerant: bool) -> Result<Typed> {
    let mut args = (0..5).map(|i| call.int(i)).collect::<Result<Vec<_>>>()?;
    args.push(call.context.cast(call.arg(5)?, &DataType::Decimal128(16, 6))?);
    let zoned = call.has(6);
    if zoned {
        args.push(call.text(6)?);
    }
    let fails = call.context.ansi() && !tolerant;
    let session = match made {
        Made::Instant => call.context.zone,
        Made::WallClock => Zone::UTC,
    };
    let options = format!("{fails} {session:?}");
    let label = match call.name {
        // Spark's own label leaves the zone out.
        "try_make_timestamp" => label(call.name, &call.args[..6]),
        _ => call.label(),
    };
    Ok(row::call(call.name, options, made.data_type(), args, label, move |r| {
        let fields = [r.int(0), r.int(1), r.int(2), r.int(3), r.int(4)];
        let Some(us) = local_time(fields, r.decimal(5) as i64) else {
            return if fails {
                let micros = r.decimal(5);
                if (60_000_001..61_000_000).contains(&micros) {
                    return Err(invalid_fraction(micros));
                }
                Err(out_of_bounds("A field of the timestamp is out of range"))
            } else {
                Ok(None)
            };
        };
        let zone = if zoned { Zone::named(r.text(6))? } else { session };
        Ok(Some(zone.to_instant(us)))
    }))
}

/// Makes `INVALID_FRACTION_OF_SECOND`: the 60th second has no fraction.
fn invalid_fraction(micros: i128) -> SparkError {
    let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let seconds = seconds.trim_end_matches('0');
    SparkError::new(
        Exception::DateTime,
        "INVALID_FRACTION_OF_SECOND",
        "22023",
        format!(
            "Valid range for seconds is [0, 60] (inclusive), but the provided value is {seconds}. To avoid this error, use \
             `try_make_timestamp`, which returns NULL on error. If you do not want to use the session default timestamp version of this \
             function, use `try_make_timestamp_ntz` or `try_make_timestamp_ltz`."
        ),
    )
    .with("secAndMicros", seconds)
}

/// Returns a wall clock of its fields, `None` if one is out of range; 60 seconds are the next minute.
fn local_time([year, month, date, hour, minute]: [i32; 5], seconds_us: i64) -> Option<i64> {
    let days = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(date).ok()?).map(days_of)?;
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60_000_000).contains(&seconds_us);
    fits.then(|| i64::from(days) * DAY_US + (i64::from(hour) * 60 + i64::from(minute)) * 60_000_000 + seconds_us)
}

/// Returns the whole parts, then seconds with six digits; 0 if one is missing.
fn parts(call: &Call<'_>, whole: usize) -> Result<Vec<Typed>> {
    let mut parts = (0..whole).map(|i| call.int_or(i, 0)).collect::<Result<Vec<_>>>()?;
    let seconds = if call.has(whole) {
        call.arg(whole)?
    } else {
        literal::int(0)
    };
    parts.push(call.context.cast(seconds, &DataType::Decimal128(18, 6))?);
    Ok(parts)
}

/// Resolves `make_dt_interval` (`MakeDTInterval`).
///
/// When it runs, an overflow is `ARITHMETIC_OVERFLOW`.
pub fn make_dt_interval(call: &Call<'_>) -> Result<Typed> {
    let label = call.label_or(0, &["0", "0", "0", "0.000000"]);
    let to = DataType::Duration(TimeUnit::Microsecond);
    Ok(row::call(call.name, "", to, parts(call, 3)?, label, |r| {
        let minutes = (i128::from(r.int(0)) * 24 + i128::from(r.int(1))) * 60 + i128::from(r.int(2));
        i64::try_from(minutes * 60_000_000 + r.decimal(3))
            .map(Some)
            .map_err(|_| arithmetic_overflow("long overflow"))
    }))
}

/// Resolves `make_ym_interval` (`MakeYMInterval`).
///
/// When it runs, an overflow is `ARITHMETIC_OVERFLOW`.
pub fn make_ym_interval(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.int_or(0, 0)?, call.int_or(1, 0)?];
    let label = call.label_or(0, &["0", "0"]);
    let to = DataType::Interval(IntervalUnit::YearMonth);
    Ok(row::call(call.name, "", to, args, label, |r| {
        let months = i64::from(r.int(0)) * 12 + i64::from(r.int(1));
        i32::try_from(months)
            .map(Some)
            .map_err(|_| arithmetic_overflow("integer overflow"))
    }))
}

/// Resolves `make_interval` and `try_make_interval` (`MakeInterval`).
///
/// When it runs, an overflow is `ARITHMETIC_OVERFLOW`, or null if `tolerant`.
pub fn make_interval(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    let to = DataType::Interval(IntervalUnit::MonthDayNano);
    let exprs = parts(call, 6)?.into_iter().map(|t| t.expr).collect();
    let expr = kernel::call(
        "make_interval",
        format!("{tolerant}"),
        to.clone(),
        exprs,
        move |args, rows| {
            let made = (0..rows).map(|row| match interval_of(args, row) {
                Err(_) if tolerant => Ok(None),
                found => found,
            });
            Ok(Arc::new(made.collect::<Result<IntervalMonthDayNanoArray>>()?))
        },
    );
    let label = call.label_or(0, &["0", "0", "0", "0", "0", "0", "0.000000"]);
    Ok(Typed::new(expr, to, label))
}

/// Returns the calendar interval of a row's parts; null if one is null.
///
/// # Errors
/// If it overflows, `ARITHMETIC_OVERFLOW`.
fn interval_of(args: &[ArrayRef], row: usize) -> Result<Option<IntervalMonthDayNano>> {
    if args.iter().any(|a| a.is_null(row)) {
        return Ok(None);
    }
    let cell = |i: usize| i64::from(args[i].as_primitive::<Int32Type>().value(row));
    let months = i32::try_from(cell(0) * 12 + cell(1));
    let days = i32::try_from(cell(2) * 7 + cell(3));
    let clock = i128::from((cell(4) * 60 + cell(5)) * 60_000_000);
    let us = clock + args[6].as_primitive::<Decimal128Type>().value(row);
    match (months, days, i64::try_from(us * 1000)) {
        (Ok(months), Ok(days), Ok(nanos)) => Ok(Some(IntervalMonthDayNano::new(months, days, nanos))),
        _ => Err(arithmetic_overflow("integer overflow")),
    }
}

/// Makes `DATETIME_FIELD_OUT_OF_BOUNDS` for a constructor's value that does not exist.
pub fn out_of_bounds(message: impl Into<String>) -> SparkError {
    let message = message.into();
    SparkError::new(
        Exception::DateTime,
        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
        "22023",
        format!("{message}. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."),
    )
    .with("rangeMessage", message)
}
