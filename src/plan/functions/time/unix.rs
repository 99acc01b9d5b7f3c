//! Times as numbers since 1970.
//!
//! Whole units are rounded down, also before 1970.
//!
//! `unix_seconds` and its kin are exact inverses of `timestamp_seconds` and its kin for whole units.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::scope::Typed;
use crate::values::types;

/// Resolves `date_from_unix_date` (`DateFromUnixDate`).
pub fn date_from_unix_date(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Date32, vec![call.int(0)?], |r| Ok(Some(r.int(0))))
}

/// Resolves `unix_date` (`UnixDate`).
pub fn unix_date(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int32, vec![call.date(0)?], |r| Ok(Some(r.int(0))))
}

/// Returns whole units since the epoch; `unit` is a unit's length in microseconds.
pub fn since_epoch(call: &Call<'_>, unit: i64) -> Result<Typed> {
    let time = call.any_timestamp(0)?;
    let expr = kernel::call(call.name, "", DataType::Int64, vec![time.expr], move |args, _| {
        let times = args[0].as_primitive::<TimestampMicrosecondType>();
        Ok(Arc::new(times.unary::<_, Int64Type>(|us| us.div_euclid(unit))) as ArrayRef)
    });
    Ok(Typed::new(expr, DataType::Int64, call.label()))
}

/// Returns a time of whole units.
///
/// When it runs, an overflow is `DATETIME_OVERFLOW`.
pub fn whole(call: &Call<'_>, unit: i64) -> Result<Typed> {
    call.strict(types::timestamp(), vec![call.long(0)?], move |r| {
        r.long(0)
            .checked_mul(unit)
            .map(Some)
            .ok_or_else(|| overflow(r.long(0), unit))
    })
}

/// Makes `DATETIME_OVERFLOW` of a number of seconds or milliseconds that no timestamp has.
fn overflow(number: i64, unit: i64) -> SparkError {
    let name = if unit == 1000 { "milliseconds" } else { "seconds" };
    let operation = format!("create a TIMESTAMP from {number}L {name} since the epoch");
    SparkError::new(
        Exception::Arithmetic,
        "DATETIME_OVERFLOW",
        "22008",
        format!("Datetime operation overflow: {operation}."),
    )
    .with("operation", operation)
}

/// Returns the µs of a decimal of seconds.
///
/// # Errors
/// If it has parts of a microsecond or does not fit, Java's plain `ArithmeticException` (`BigDecimal.longValueExact`).
fn exact_micros(unscaled: i128, scale: i8) -> Result<i64> {
    let wrong = |why: &str| SparkError::new(Exception::Arithmetic, "", "", why);
    let power = 10_i128.checked_pow(u32::from((6 - i16::from(scale)).unsigned_abs()));
    let micros = match power {
        Some(power) if scale <= 6 => unscaled.checked_mul(power),
        Some(power) if unscaled % power == 0 => Some(unscaled / power),
        _ => return Err(wrong("Rounding necessary")),
    };
    micros
        .and_then(|micros| i64::try_from(micros).ok())
        .ok_or_else(|| wrong("Overflow"))
}

/// Resolves `timestamp_seconds` (`SecondsToTimestamp`): seconds may have a fraction; infinities and NaN
/// are null.
pub fn timestamp_seconds(call: &Call<'_>) -> Result<Typed> {
    let (to, label) = (types::timestamp(), call.label());
    match call.args[0].data_type {
        DataType::Float32 | DataType::Float64 => {
            let args = vec![call.double(0)?];
            Ok(row::call(call.name, "double", to, args, label, |r| {
                Ok(Some(r.double(0)).filter(|s| s.is_finite()).map(|s| (s * 1e6) as i64))
            }))
        }
        DataType::Decimal128(_, scale) => {
            let args = vec![call.arg(0)?];
            Ok(row::call(call.name, "decimal", to, args, label, move |r| {
                exact_micros(r.decimal(0), scale).map(Some)
            }))
        }
        _ => whole(call, 1_000_000),
    }
}
