//! `CAST` of expressions by Spark's rules: what may be cast to what, and which casts DataFusion's
//! optimizer understands.
//!
//! Lossless widenings become DataFusion casts, which the optimizer may move and fold into scans.
//! Everything that can fail, or whose string form is Spark's own, is a kernel over
//! [`values::cast::cast_array`](crate::values::cast::cast_array) (Spark's `Cast`).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, IntervalMonthDayNanoArray, StringArray};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit};
use datafusion_expr::Expr;
use datafusion_expr::expr::Cast;

use super::scope::Typed;
use super::sql::interval;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::values::cast::{Mode, cast_array};
use crate::values::parse_time::instants;
use crate::values::types::{is_integral, is_numeric, is_string, sql_name, timestamp};
use crate::values::zone::Zone;

/// Casts an expression; a cast to its own type is the expression itself.
///
/// The result keeps the name, but it is a plain column no longer: it has an id of its own when it is
/// selected.
///
/// # Errors
/// If Spark does not cast between the two types in this mode, `DATATYPE_MISMATCH.CAST_*`.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::{cast_expr::cast, functions::fold, literal};
/// use rivulet::values::{cast::Mode, zone::Zone};
///
/// let seven = cast(literal::string("7"), &DataType::Int32, Mode::Ansi, Zone::UTC)?;
/// assert_eq!((&seven.data_type, fold(&seven.expr)), (&DataType::Int32, Some(7_i32.into())));
///
/// let never = cast(literal::int(1), &DataType::Date32, Mode::Ansi, Zone::UTC).unwrap_err();
/// assert_eq!(never.condition.as_deref(), Some("DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION"));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn cast(input: Typed, to: &DataType, mode: Mode, zone: Zone) -> Result<Typed> {
    if &input.data_type == to {
        return Ok(input);
    }
    let from = input.data_type.clone();
    if !castable(&from, to) || (mode != Mode::Legacy && is_integral(&from) && to == &DataType::Binary) {
        return Err(cannot_cast(&input.name, &from, to));
    }
    let mut out = input.clone();
    out.attribute = None;
    out.metadata = None;
    out.data_type = to.clone();
    out.expr = if lossless(&from, to) {
        Expr::Cast(Cast::new(Box::new(input.expr), to.clone()))
    } else {
        let (target, options) = (to.clone(), format!("{mode:?} {zone:?} {from}"));
        kernel::call("cast", options, to.clone(), vec![input.expr], move |args, _| {
            if target == DataType::Interval(IntervalUnit::MonthDayNano) && is_string(args[0].data_type()) {
                return Ok(intervals(args[0].as_string()));
            }
            cast_array(&args[0], &target, mode, zone)
        })
    };
    Ok(out)
}

/// Casts as [`cast`] at a time of the query's: a clock alone becomes an instant of that day.
pub fn cast_at(input: Typed, to: &DataType, mode: Mode, zone: Zone, now_us: i64) -> Result<Typed> {
    if !is_string(&input.data_type) || *to != timestamp() {
        return cast(input, to, mode, zone);
    }
    let mut out = input.clone();
    (out.attribute, out.data_type) = (None, to.clone());
    let options = format!("{mode:?} {zone:?} {now_us}");
    out.expr = kernel::call("cast", options, to.clone(), vec![input.expr], move |args, _| {
        instants(args[0].as_string(), mode, zone, Some(now_us))
    });
    Ok(out)
}

/// Returns the intervals that strings say; null for those that say none, whatever the mode.
fn intervals(texts: &StringArray) -> ArrayRef {
    let parse = |text| {
        let (months, days, micros) = interval::parts_of(text)?;
        Some(IntervalMonthDayNano::new(months, days, micros.checked_mul(1000)?))
    };
    let found: IntervalMonthDayNanoArray = texts.iter().map(|text| text.and_then(parse)).collect();
    Arc::new(found)
}

/// Makes `DATATYPE_MISMATCH.CAST_*`, which names both types and what would work instead, if Spark knows
/// it.
fn cannot_cast(name: &str, from: &DataType, to: &DataType) -> SparkError {
    // Spark tells what its legacy mode or another function would do (`Cast.typeCheckFailureMessage`).
    let condition = match (from, to) {
        (from, DataType::Date32) if is_numeric(from) => "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
        (DataType::Boolean, DataType::Timestamp(_, Some(_))) | (DataType::Timestamp(_, Some(_)), DataType::Boolean) => {
            "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION"
        }
        (DataType::Date32, to) if is_numeric(to) => "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
        (from, DataType::Binary) if is_integral(from) => "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION",
        _ => "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
    };
    SparkError::analysis(
        condition,
        "42K09",
        format!(
            "Cannot resolve \"CAST({name} AS {to})\" due to data type mismatch: cannot cast \"{from}\" to \"{to}\".",
            to = sql_name(to),
            from = sql_name(from)
        ),
    )
    .with("srcType", format!("\"{}\"", sql_name(from)))
    .with("targetType", format!("\"{}\"", sql_name(to)))
}

/// Returns whether no value is lost and no string is made: DataFusion may move such a cast about.
///
/// BIGINT to DOUBLE counts as lossless, as in Spark, although large numbers are rounded.
fn lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (Null, _) => !matches!(to, Struct(_) | Map(..)),
        (Int8, Int16 | Int32 | Int64 | Float32 | Float64) => true,
        (Int16, Int32 | Int64 | Float32 | Float64) => true,
        (Int32, Int64 | Float32 | Float64) | (Int64, Float32 | Float64) => true,
        (Float32, Float64) => true,
        (Decimal128(p, s), Decimal128(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        (Int8, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 3,
        (Int16, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 5,
        (Int32, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 10,
        (Int64, Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 20,
        _ => false,
    }
}

/// Returns whether Spark casts between two types at all (`Cast.canCast`); nested types, if it casts
/// what they hold.
fn castable(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (Null, _) => true,
        (_, Utf8) => true,
        (Utf8, Boolean | Date32 | Timestamp(..) | Binary | Duration(_) | Interval(_)) => true,
        (Utf8, to) => is_numeric(to),
        (Boolean, to) => is_numeric(to),
        (from, Boolean) => is_numeric(from),
        (Date32, Timestamp(..)) | (Timestamp(..), Date32 | Timestamp(..)) => true,
        (Timestamp(_, Some(_)), to) => is_numeric(to),
        (from, Timestamp(_, Some(_))) => is_numeric(from),
        (from, Binary) => is_integral(from),
        (List(a), List(b)) => castable(a.data_type(), b.data_type()),
        (Struct(a), Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| castable(x.data_type(), y.data_type()))
        }
        (Map(a, _), Map(b, _)) => castable(a.data_type(), b.data_type()),
        (Duration(_), Duration(_)) => true,
        (Duration(_) | Interval(IntervalUnit::YearMonth), to) => is_integral(to),
        (from, to) => is_numeric(from) && is_numeric(to),
    }
}

/// Casts to STRING unless it is a string already.
///
/// # Errors
/// If the type does not have a string form.
pub fn as_string(input: Typed, mode: Mode, zone: Zone) -> Result<Typed> {
    if is_string(&input.data_type) {
        Ok(input)
    } else {
        cast(input, &DataType::Utf8, mode, zone)
    }
}
