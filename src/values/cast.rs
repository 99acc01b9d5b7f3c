//! `CAST` of arrays by Spark's rules, in its three modes.
//!
//! Lossless widenings become DataFusion casts, which its optimizer understands. Everything that can
//! fail, or whose string form is Spark's own, is a kernel: under ANSI it fails with
//! `CAST_INVALID_INPUT` or `CAST_OVERFLOW`, in legacy mode it returns null or wraps, `try_cast` returns
//! null (Spark's `Cast` with its three evaluation modes).
//!
//! ```text
//!                     "abc" → INT            1e20 → INT          300 → TINYINT
//! Ansi                CAST_INVALID_INPUT     CAST_OVERFLOW       CAST_OVERFLOW
//! Legacy              NULL                   2147483647          44
//! Try                 NULL                   NULL                NULL
//! ```
//!
//! Which casts are allowed at all is the planner's to say; here every pair of types that reaches it has
//! been checked.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::*;
use arrow::util::display::FormatOptions;

use crate::error::{Exception, SparkError};
use crate::values::text;
use crate::values::types::{is_integral, is_numeric, sql_name};
use crate::values::zone::{self, Zone};
use crate::values::{floats, interval_text, parse_time, raw};

mod strings;
pub use strings::{to_shown, to_text};

/// What a value that does not fit becomes: an error, a wrapped number or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An error (`spark.sql.ansi.enabled`, the default).
    Ansi,
    /// What Java's casts make of a number; null for a string that is not a value.
    Legacy,
    /// Null (`try_cast`).
    Try,
}

/// What kernels return: DataFusion's result, whose error carries a `SparkError` inside.
type DfResult<T> = datafusion_common::Result<T>;

/// Casts a whole array; nulls stay null, and an array that has the type already is returned as it is.
///
/// `zone` is the session's; it matters only between instants and everything that is a wall clock, a day
/// or text. Lists, structs (by position) and maps are cast inside. A number becomes a timestamp as
/// seconds since the epoch, and back.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, AsArray, StringArray};
/// use arrow::datatypes::{DataType, Int32Type};
/// use rivulet::{error::SparkError, values::{cast::{Mode, cast_array}, zone::Zone}};
///
/// let input: ArrayRef = Arc::new(StringArray::from(vec![Some("7"), Some("seven"), None]));
/// let ints = cast_array(&input, &DataType::Int32, Mode::Try, Zone::UTC)?;
/// assert_eq!(ints.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(7), None, None]);
///
/// let error: SparkError = cast_array(&input, &DataType::Int32, Mode::Ansi, Zone::UTC).unwrap_err().into();
/// assert_eq!(error.condition.as_deref(), Some("CAST_INVALID_INPUT"));
/// # Ok::<(), SparkError>(())
/// ```
///
/// # Errors
/// If a value does not fit and the mode is ANSI: `CAST_INVALID_INPUT` for strings, `CAST_OVERFLOW` or
/// `NUMERIC_VALUE_OUT_OF_RANGE` for numbers.
pub fn cast_array(array: &ArrayRef, to: &DataType, mode: Mode, zone: Zone) -> DfResult<ArrayRef> {
    use DataType::*;
    let from = array.data_type();
    if from == to {
        return Ok(array.clone());
    }
    if from.is_null() {
        return Ok(new_null_array(to, array.len()));
    }
    match (from, to) {
        (_, Utf8) => Ok(Arc::new(to_text(array, zone)?)),
        (Utf8, _) if !matches!(to, Binary) => from_text(array.as_string(), to, mode, zone),
        (Boolean, to) if is_numeric(to) => {
            let ints: Int8Array = array.as_boolean().iter().map(|b| b.map(i8::from)).collect();
            numeric(&(Arc::new(ints) as ArrayRef), to, mode)
        }
        (from, Boolean) if is_numeric(from) => {
            let doubles = plain(array, &Float64)?;
            Ok(Arc::new(
                doubles
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|x| x.map(|x| x != 0.0))
                    .collect::<BooleanArray>(),
            ))
        }
        (Interval(IntervalUnit::YearMonth), to) if is_integral(to) => {
            let months: Int32Array = array.as_primitive::<IntervalYearMonthType>().unary(|months| months);
            numeric(&(Arc::new(months) as ArrayRef), to, mode)
        }
        (Utf8, Binary) => Ok(Arc::new(raw::binary(array.as_string()))),
        (from, Binary) if is_integral(from) => Ok(Arc::new(big_endian(array)?)),
        (List(_), List(_)) | (Struct(_), Struct(_)) | (Map(..), Map(..)) => cast_nested(array, to, mode, zone),
        (Date32 | Timestamp(..) | Duration(_), _) | (_, Timestamp(..)) => cast_time(array, to, mode, zone),
        _ => numeric(array, to, mode),
    }
}

/// Casts from and to dates, timestamps and day-time intervals: instants and local times differ by the
/// session's zone, numbers are seconds.
fn cast_time(array: &ArrayRef, to: &DataType, mode: Mode, zone: Zone) -> DfResult<ArrayRef> {
    use DataType::*;
    match (array.data_type(), to) {
        (Date32, Timestamp(_, tz)) => {
            let zone = if tz.is_some() { zone } else { Zone::UTC };
            let days = array.as_primitive::<Date32Type>();
            let at = |d: i32| i64::from(d).checked_mul(86_400_000_000).map(|us| zone.to_instant(us));
            let out: TimestampMicrosecondArray = match mode {
                Mode::Try => days.unary_opt(at),
                // In every other mode Java's `Math.multiplyExact` raises this.
                _ => days.try_unary(|d| at(d).ok_or_else(zone::long_overflow))?,
            };
            Ok(Arc::new(out.with_timezone_opt(tz.clone())))
        }
        (Timestamp(_, tz), Date32) => {
            let zone = if tz.is_some() { zone } else { Zone::UTC };
            let out: Date32Array = array
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|us| zone.to_local(us).div_euclid(86_400_000_000) as i32);
            Ok(Arc::new(out))
        }
        (Timestamp(_, Some(_)), Timestamp(_, None)) => Ok(Arc::new(
            array
                .as_primitive::<TimestampMicrosecondType>()
                .unary::<_, TimestampMicrosecondType>(|us| zone.to_local(us)),
        )),
        (Timestamp(_, None), Timestamp(_, Some(tz))) => {
            let out: TimestampMicrosecondArray = array
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|us| zone.to_instant(us));
            Ok(Arc::new(out.with_timezone(tz.clone())))
        }
        (Timestamp(_, Some(_)), to) if is_integral(to) => {
            let seconds: Int64Array = array
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|us| us.div_euclid(1_000_000));
            cast_array(&(Arc::new(seconds) as ArrayRef), to, mode, zone)
        }
        (Timestamp(_, Some(_)), to) if is_numeric(to) => {
            let seconds: Float64Array = array
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|us| us as f64 / 1e6);
            cast_array(&(Arc::new(seconds) as ArrayRef), to, mode, zone)
        }
        (from, Timestamp(_, Some(tz))) if is_integral(from) => {
            let longs = plain(array, &Int64)?;
            let out: TimestampMicrosecondArray =
                longs.as_primitive::<Int64Type>().unary(|s| s.saturating_mul(1_000_000));
            Ok(Arc::new(out.with_timezone(tz.clone())))
        }
        (from, Timestamp(_, Some(tz))) if is_numeric(from) => {
            let doubles = plain(array, &Float64)?;
            if mode == Mode::Ansi {
                floats::check_finite(doubles.as_primitive(), from, to)?;
            }
            let out: TimestampMicrosecondArray = doubles
                .as_primitive::<Float64Type>()
                .unary_opt(|s| s.is_finite().then_some((s * 1e6) as i64));
            Ok(Arc::new(out.with_timezone(tz.clone())))
        }
        (Duration(_), to) if is_integral(to) => {
            let seconds: Int64Array = array
                .as_primitive::<DurationMicrosecondType>()
                .unary(|us| us / 1_000_000);
            cast_array(&(Arc::new(seconds) as ArrayRef), to, mode, zone)
        }
        _ => numeric(array, to, mode),
    }
}

/// Casts arrays, structs and maps part by part; null lists, structs and maps stay null.
fn cast_nested(array: &ArrayRef, to: &DataType, mode: Mode, zone: Zone) -> DfResult<ArrayRef> {
    use DataType::*;
    match (array.data_type(), to) {
        (List(_), List(item)) => {
            let list = array.as_list::<i32>();
            let values = cast_array(list.values(), item.data_type(), mode, zone)?;
            Ok(Arc::new(ListArray::try_new(
                item.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?))
        }
        (Struct(_), Struct(fields)) => {
            let input = array.as_struct();
            let columns = input
                .columns()
                .iter()
                .zip(fields)
                .map(|(c, f)| cast_array(c, f.data_type(), mode, zone))
                .collect::<DfResult<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                columns,
                input.nulls().cloned(),
                input.len(),
            )?))
        }
        (Map(..), Map(entries, sorted)) => {
            let map = array.as_map();
            let inner = cast_array(
                &(Arc::new(map.entries().clone()) as ArrayRef),
                entries.data_type(),
                mode,
                zone,
            )?;
            Ok(Arc::new(MapArray::try_new(
                entries.clone(),
                map.offsets().clone(),
                inner.as_struct().clone(),
                map.nulls().cloned(),
                *sorted,
            )?))
        }
        _ => numeric(array, to, mode),
    }
}

/// Casts by Arrow's rules, for pairs of types on which Arrow and Spark agree.
fn plain(array: &ArrayRef, to: &DataType) -> DfResult<ArrayRef> {
    Ok(cast_with_options(
        array,
        to,
        &CastOptions {
            safe: false,
            format_options: FormatOptions::default(),
        },
    )?)
}

/// Casts numbers to numbers that may be narrower; what is left over is Arrow's.
///
/// Fractions are cut off towards zero. Outside ANSI, a float that is too large becomes the nearest
/// integer and NaN becomes 0, as in Java.
fn numeric(array: &ArrayRef, to: &DataType, mode: Mode) -> DfResult<ArrayRef> {
    use DataType::*;
    let from = array.data_type();
    let is_float = matches!(from, Float32 | Float64);
    if is_float && is_integral(to) {
        let doubles = plain(array, &Float64)?;
        let (least, most) = integral_range(to);
        let out: Int64Array = doubles.as_primitive::<Float64Type>().try_unary(|x| {
            let cut = x.trunc();
            if cut >= least as f64 && cut <= most as f64 && !(to == &Int64 && cut >= 9_223_372_036_854_775_808.0) {
                Ok(cut as i64)
            } else if mode == Mode::Ansi {
                Err(arrow::error::ArrowError::from(overflow(
                    &format!("{}D", text::double(x)),
                    from,
                    to,
                )))
            } else {
                Ok(if x.is_nan() { 0 } else { (cut as i64).clamp(least, most) })
            }
        })?;
        if mode == Mode::Try {
            let fits: Int64Array = doubles
                .as_primitive::<Float64Type>()
                .unary_opt(|x| (x.trunc() >= least as f64 && x.trunc() <= most as f64).then_some(x.trunc() as i64));
            return plain(&(Arc::new(fits) as ArrayRef), to);
        }
        return plain(&(Arc::new(out) as ArrayRef), to);
    }
    if let (Decimal128(_, scale), true) = (from, is_integral(to)) {
        let unit = 10i128.pow((*scale).max(0) as u32);
        let (least, most) = integral_range(to);
        let mut out = Int64Builder::with_capacity(array.len());
        for value in array.as_primitive::<Decimal128Type>() {
            match value.map(|v| v / unit) {
                None => out.append_null(),
                Some(v) if v >= i128::from(least) && v <= i128::from(most) => out.append_value(v as i64),
                Some(_) if mode == Mode::Ansi => {
                    let text = text::decimal(value.unwrap_or_default(), *scale);
                    return Err(overflow(&format!("{text}BD"), from, to).into());
                }
                Some(v) if mode == Mode::Legacy => out.append_value(v as i64),
                Some(_) => out.append_null(),
            }
        }
        let longs: ArrayRef = Arc::new(out.finish());
        return narrow(&longs, to);
    }
    if is_integral(from) && is_integral(to) {
        let longs = plain(array, &Int64)?;
        let (least, most) = integral_range(to);
        let suffix = if from == &Int64 { "L" } else { "" };
        let mut out = Int64Builder::with_capacity(array.len());
        for value in longs.as_primitive::<Int64Type>() {
            match value {
                Some(v) if (least..=most).contains(&v) => out.append_value(v),
                Some(v) if mode == Mode::Ansi => return Err(overflow(&format!("{v}{suffix}"), from, to).into()),
                Some(v) if mode == Mode::Legacy => out.append_value(v),
                _ => out.append_null(),
            }
        }
        let longs: ArrayRef = Arc::new(out.finish());
        return narrow(&longs, to);
    }
    if let Decimal128(precision, scale) = to {
        return to_decimal(array, *precision, *scale, mode);
    }
    plain(array, to)
}

/// Returns longs as a narrower integer by cutting bits, as Java's casts do.
fn narrow(longs: &ArrayRef, to: &DataType) -> DfResult<ArrayRef> {
    let longs = longs.as_primitive::<Int64Type>();
    Ok(match to {
        DataType::Int8 => Arc::new(longs.unary::<_, Int8Type>(|v| v as i8)),
        DataType::Int16 => Arc::new(longs.unary::<_, Int16Type>(|v| v as i16)),
        DataType::Int32 => Arc::new(longs.unary::<_, Int32Type>(|v| v as i32)),
        _ => Arc::new(longs.clone()),
    })
}

/// Returns the least and the largest value of an integral type; those of BIGINT for any other.
fn integral_range(to: &DataType) -> (i64, i64) {
    match to {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

/// Casts to a decimal by way of the string, rounded half up.
///
/// # Errors
/// If a value has more digits than `precision` and the mode is ANSI.
fn to_decimal(array: &ArrayRef, precision: u8, scale: i8, mode: Mode) -> DfResult<ArrayRef> {
    let limit = 10i128.pow(u32::from(precision));
    let mut out = Decimal128Builder::with_capacity(array.len()).with_data_type(DataType::Decimal128(precision, scale));
    let texts = to_text(array, Zone::UTC)?;
    for text in &texts {
        match text.map(|t| (t, text::parse_decimal(t, scale).filter(|v| v.abs() < limit))) {
            None => out.append_null(),
            Some((_, Some(v))) => out.append_value(v),
            Some((t, None)) if mode == Mode::Ansi => return Err(out_of_range(t, precision, scale).into()),
            Some(_) => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Makes the error of a value with more digits than its decimal type:
/// `NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION`.
pub fn out_of_range(value: &str, precision: u8, scale: i8) -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        "22003",
        format!("The {value} cannot be represented as Decimal({precision}, {scale})."),
    )
    .with("value", value)
    .with("precision", precision.to_string())
    .with("scale", scale.to_string())
}

/// Makes the error of a number that does not fit its target: `CAST_OVERFLOW`. The value is written as a
/// literal of its type.
fn overflow(value: &str, from: &DataType, to: &DataType) -> SparkError {
    SparkError::new(
        Exception::Arithmetic,
        "CAST_OVERFLOW",
        "22003",
        format!(
            "The value {value} of the type \"{}\" cannot be cast to \"{}\" due to an overflow. \
             Use `try_cast` to tolerate overflow and return NULL instead.",
            sql_name(from),
            sql_name(to)
        ),
    )
    .with("value", value)
    .with("sourceType", format!("\"{}\"", sql_name(from)))
    .with("targetType", format!("\"{}\"", sql_name(to)))
}

/// Makes the error of a string that is not a value of the target type: `CAST_INVALID_INPUT`.
///
/// Its class follows the target, as Spark's does: times raise a date-time exception, numbers a
/// number-format exception.
pub fn invalid_input(text: &str, to: &DataType) -> SparkError {
    let exception = match to {
        DataType::Date32 | DataType::Timestamp(..) => Exception::DateTime,
        DataType::Boolean => Exception::Runtime,
        _ => Exception::NumberFormat,
    };
    SparkError::new(
        exception,
        "CAST_INVALID_INPUT",
        "22018",
        format!(
            "The value '{text}' of the type \"STRING\" cannot be cast to \"{}\" because it is malformed. Correct the value \
             as per the syntax, or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead.",
            sql_name(to)
        ),
    )
    .with("expression", format!("'{text}'"))
    .with("sourceType", "\"STRING\"")
    .with("targetType", format!("\"{}\"", sql_name(to)))
}

/// Parses each string; null stays null, and what does not parse is an error under ANSI and null in the other modes.
pub fn each<T>(
    texts: &StringArray,
    to: &DataType,
    mode: Mode,
    parse: impl Fn(&str) -> Option<T>,
) -> DfResult<Vec<Option<T>>> {
    let one = |text: Option<&str>| match text.map(|text| (text, parse(text))) {
        Some((text, None)) if mode == Mode::Ansi => Err(invalid_input(text, to).into()),
        parsed => Ok(parsed.and_then(|(_, value)| value)),
    };
    texts.iter().map(one).collect()
}

/// Casts strings by the target's parser in [`text`]; what does not parse is an error under ANSI and
/// null in the other modes.
fn from_text(texts: &StringArray, to: &DataType, mode: Mode, zone: Zone) -> DfResult<ArrayRef> {
    let truncate = mode != Mode::Ansi;
    let (least, most) = integral_range(to);
    let long = |t: &str| text::parse_long(t, truncate && mode == Mode::Legacy).filter(|v| (least..=most).contains(v));
    Ok(match to {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => narrow(
            &(Arc::new(Int64Array::from(each(texts, to, mode, long)?)) as ArrayRef),
            to,
        )?,
        DataType::Float64 => Arc::new(Float64Array::from(each(texts, to, mode, text::parse_double)?)),
        DataType::Float32 => Arc::new(Float32Array::from(each(texts, to, mode, |t| {
            text::parse_double(t).map(|x| x as f32)
        })?)),
        DataType::Boolean => Arc::new(BooleanArray::from(each(texts, to, mode, text::parse_boolean)?)),
        DataType::Date32 => Arc::new(Date32Array::from(each(texts, to, mode, parse_time::parse_date)?)),
        DataType::Timestamp(_, None) => {
            let wall_clock = |t: &str| parse_time::parse_timestamp(t)?.wall_clock();
            Arc::new(TimestampMicrosecondArray::from(each(texts, to, mode, wall_clock)?))
        }
        DataType::Timestamp(_, Some(_)) => parse_time::instants(texts, mode, zone, None)?,
        DataType::Decimal128(p, s) => {
            let limit = 10i128.pow(u32::from(*p));
            let values = each(texts, to, mode, |t| text::parse_decimal(t, *s))?;
            let mut out = Decimal128Builder::with_capacity(texts.len()).with_data_type(to.clone());
            for (value, text) in values.into_iter().zip(texts) {
                match value {
                    Some(v) if v.abs() < limit => out.append_value(v),
                    Some(_) if mode == Mode::Ansi => return Err(out_of_range(text.unwrap_or_default(), *p, *s).into()),
                    _ => out.append_null(),
                }
            }
            Arc::new(out.finish())
        }
        DataType::Duration(_) => interval_text::day_times(texts, mode)?,
        DataType::Interval(IntervalUnit::YearMonth) => interval_text::year_months(texts, mode)?,
        _ => plain(&(Arc::new(texts.clone()) as ArrayRef), to)?,
    })
}

/// Returns integers as their bytes, most significant first, as many as the type has.
fn big_endian(array: &ArrayRef) -> DfResult<BinaryArray> {
    let width = array.data_type().primitive_width().unwrap_or(8);
    let longs = plain(array, &DataType::Int64)?;
    Ok(longs
        .as_primitive::<Int64Type>()
        .iter()
        .map(|v| v.map(|v| v.to_be_bytes()[8 - width..].to_vec()))
        .collect())
}

#[cfg(test)]
mod tests;
