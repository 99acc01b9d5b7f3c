//! Spark Connect literals as typed expressions, and their SQL text.
//!
//! The text matters: it is part of the name of every unnamed column (`(a + 1)`), which clients see and
//! select by.

use arrow::array::{ArrayRef, new_empty_array};
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::scope::Typed;
use crate::error::{Result, SparkError};
use crate::plan::type_message;
use crate::proto as sc;
use crate::proto::expression::literal::LiteralType;
use crate::values::interval::interval_micros;
use crate::values::types;

/// Returns a literal with its type and the name that it has as a column in Spark.
///
/// # Errors
/// As [`scalar`].
pub fn resolve(literal: &sc::expression::Literal) -> Result<Typed> {
    let value = scalar(literal)?;
    let name = match (&value, literal.data_type.as_ref().and_then(|t| t.kind.as_ref())) {
        (ScalarValue::DurationMicrosecond(Some(us)), Some(sc::data_type::Kind::DayTimeInterval(range))) => {
            day_time_in(*us, range.start_field.unwrap_or(0), range.end_field.unwrap_or(3))
        }
        _ => display(&value),
    };
    let data_type = value.data_type();
    let mut typed = Typed::new(Expr::Literal(value, None), data_type, name);
    typed.nullable = matches!(&typed.expr, Expr::Literal(value, _) if value.is_null());
    Ok(typed)
}

/// Returns a literal as DataFusion's scalar.
///
/// # Errors
/// If it is empty or out of its type's range, `CONNECT_INVALID_PLAN`; if the engine lacks its type,
/// `UNSUPPORTED_FEATURE.RIVULET`.
#[allow(deprecated)] // Clients of Spark 4.0 still send `element_type`.
pub fn scalar(literal: &sc::expression::Literal) -> Result<ScalarValue> {
    let kind = literal
        .literal_type
        .as_ref()
        .ok_or_else(|| SparkError::invalid_plan("a literal is empty"))?;
    Ok(match kind {
        LiteralType::Null(data_type) => {
            let data_type = if data_type.kind.is_some() {
                type_message::from_proto(data_type)?
            } else {
                DataType::Null
            };
            ScalarValue::try_from(&data_type)?
        }
        LiteralType::Binary(bytes) => ScalarValue::Binary(Some(bytes.clone())),
        LiteralType::Boolean(v) => ScalarValue::Boolean(Some(*v)),
        LiteralType::Byte(v) => ScalarValue::Int8(Some(
            i8::try_from(*v).map_err(|_| SparkError::invalid_plan("a byte literal is out of range"))?,
        )),
        LiteralType::Short(v) => ScalarValue::Int16(Some(
            i16::try_from(*v).map_err(|_| SparkError::invalid_plan("a short literal is out of range"))?,
        )),
        LiteralType::Integer(v) => ScalarValue::Int32(Some(*v)),
        LiteralType::Long(v) => ScalarValue::Int64(Some(*v)),
        LiteralType::Float(v) => ScalarValue::Float32(Some(*v)),
        LiteralType::Double(v) => ScalarValue::Float64(Some(*v)),
        LiteralType::Decimal(d) => decimal(&d.value, d.precision, d.scale)?,
        LiteralType::String(v) => ScalarValue::Utf8(Some(v.clone())),
        LiteralType::Date(days) => ScalarValue::Date32(Some(*days)),
        LiteralType::Timestamp(us) => ScalarValue::TimestampMicrosecond(Some(*us), Some(types::UTC.into())),
        LiteralType::TimestampNtz(us) => ScalarValue::TimestampMicrosecond(Some(*us), None),
        LiteralType::CalendarInterval(i) => ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(
            i.months,
            i.days,
            i.microseconds.saturating_mul(1000),
        ))),
        LiteralType::YearMonthInterval(months) => ScalarValue::IntervalYearMonth(Some(*months)),
        LiteralType::DayTimeInterval(us) => ScalarValue::DurationMicrosecond(Some(*us)),
        LiteralType::Array(array) => {
            let elements = array.elements.iter().map(scalar).collect::<Result<Vec<_>>>()?;
            let declared = match (
                &array.element_type,
                literal.data_type.as_ref().and_then(|t| t.kind.as_ref()),
            ) {
                (Some(t), _) => Some(type_message::from_proto(t)?),
                (None, Some(sc::data_type::Kind::Array(a))) => a
                    .element_type
                    .as_ref()
                    .map(|t| type_message::from_proto(t))
                    .transpose()?,
                _ => None,
            };
            list(elements, declared)?
        }
        LiteralType::SpecializedArray(array) => {
            use sc::expression::literal::specialized_array::ValueType as V;
            let elements: Vec<ScalarValue> = match array.value_type.as_ref() {
                Some(V::Bools(v)) => v.values.iter().map(|x| ScalarValue::Boolean(Some(*x))).collect(),
                Some(V::Ints(v)) => v.values.iter().map(|x| ScalarValue::Int32(Some(*x))).collect(),
                Some(V::Longs(v)) => v.values.iter().map(|x| ScalarValue::Int64(Some(*x))).collect(),
                Some(V::Floats(v)) => v.values.iter().map(|x| ScalarValue::Float32(Some(*x))).collect(),
                Some(V::Doubles(v)) => v.values.iter().map(|x| ScalarValue::Float64(Some(*x))).collect(),
                Some(V::Strings(v)) => v.values.iter().map(|x| ScalarValue::Utf8(Some(x.clone()))).collect(),
                None => vec![],
            };
            list(elements, None)?
        }
        other => return Err(SparkError::unsupported(format!("the literal {other:?}"))),
    })
}

/// Returns an array constant; its type is the declared one, or that of its first element that is not
/// null.
fn list(elements: Vec<ScalarValue>, declared: Option<DataType>) -> Result<ScalarValue> {
    let element = declared
        .or_else(|| elements.iter().map(ScalarValue::data_type).find(|t| !t.is_null()))
        .unwrap_or(DataType::Null);
    let values: ArrayRef = if elements.is_empty() {
        new_empty_array(&element)
    } else {
        let cast = elements
            .into_iter()
            .map(|e| e.cast_to(&element))
            .collect::<datafusion_common::Result<Vec<_>>>()?;
        ScalarValue::iter_to_array(cast)?
    };
    let field = std::sync::Arc::new(arrow::datatypes::Field::new("element", element, true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
    Ok(ScalarValue::List(std::sync::Arc::new(
        arrow::array::ListArray::try_new(field, offsets, values, None)?,
    )))
}

/// Reads a decimal constant; without a declared type it has exactly the digits that are written.
///
/// # Errors
/// If it is not a decimal of at most 38 digits, `CONNECT_INVALID_PLAN`.
fn decimal(text: &str, precision: Option<i32>, scale: Option<i32>) -> Result<ScalarValue> {
    let bad = || SparkError::invalid_plan(format!("'{text}' is not a decimal literal"));
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
        return Err(bad());
    }
    let scale = match scale {
        Some(s) => usize::try_from(s).map_err(|_| bad())?,
        None => fraction.len(),
    };
    if fraction.len() > scale || scale > 38 {
        return Err(bad());
    }
    let unscaled: i128 = format!("{whole}{fraction:0<scale$}").parse().map_err(|_| bad())?;
    let needed = unscaled.to_string().len().max(scale);
    let precision = precision
        .and_then(|p| usize::try_from(p).ok())
        .unwrap_or(needed)
        .max(needed)
        .max(1);
    if precision > 38 {
        return Err(bad());
    }
    let value = if negative { -unscaled } else { unscaled };
    Ok(ScalarValue::Decimal128(Some(value), precision as u8, scale as i8))
}

/// Returns a literal as it stands inside column names: `Literal.sql` without type suffixes, and strings
/// without quotes.
///
/// ```
/// use datafusion_common::ScalarValue;
/// use rivulet::plan::literal::display;
///
/// assert_eq!(display(&ScalarValue::from(1.0)), "1.0");
/// assert_eq!(display(&ScalarValue::Date32(Some(0))), "DATE '1970-01-01'");
/// assert_eq!(display(&ScalarValue::IntervalYearMonth(Some(14))), "INTERVAL '1-2' YEAR TO MONTH");
/// assert_eq!(display(&ScalarValue::Int32(None)), "NULL");
/// ```
pub fn display(value: &ScalarValue) -> String {
    if value.is_null() {
        return "NULL".into();
    }
    match value {
        ScalarValue::Utf8(Some(s)) => s.clone(),
        ScalarValue::Boolean(Some(b)) => b.to_string(),
        ScalarValue::Float64(Some(x)) => crate::values::text::double(*x),
        ScalarValue::Float32(Some(x)) => crate::values::text::float(*x),
        ScalarValue::Date32(Some(days)) => format!("DATE '{}'", crate::values::text::date(*days)),
        ScalarValue::TimestampMicrosecond(Some(us), zone) => {
            let kind = if zone.is_some() { "TIMESTAMP" } else { "TIMESTAMP_NTZ" };
            format!("{kind} '{}'", crate::values::text::timestamp(*us))
        }
        ScalarValue::Decimal128(Some(v), _, s) => crate::values::text::decimal(*v, *s),
        ScalarValue::Binary(Some(bytes)) => {
            format!("X'{}'", bytes.iter().map(|b| format!("{b:02X}")).collect::<String>())
        }
        ScalarValue::IntervalYearMonth(Some(m)) => year_month(*m),
        ScalarValue::DurationMicrosecond(Some(us)) => day_time(*us),
        ScalarValue::List(list) => {
            let items: Vec<String> = (0..list.value(0).len())
                .filter_map(|i| ScalarValue::try_from_array(&list.value(0), i).ok())
                .map(|v| display(&v))
                .collect();
            format!("ARRAY({})", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns a year-month interval in the fields that are not zero: `INTERVAL '1' MONTH`, `INTERVAL '2'
/// YEAR`, `INTERVAL '1-2' YEAR TO MONTH`.
fn year_month(months: i32) -> String {
    let (sign, total) = (if months < 0 { "-" } else { "" }, months.unsigned_abs());
    match (total / 12, total % 12) {
        (0, m) => format!("INTERVAL '{sign}{m}' MONTH"),
        (y, 0) => format!("INTERVAL '{sign}{y}' YEAR"),
        (y, m) => format!("INTERVAL '{sign}{y}-{m}' YEAR TO MONTH"),
    }
}

/// Returns a day-time interval from the first to the last field that is not zero, for intervals of
/// which nothing else is known: `INTERVAL '1' DAY`, `INTERVAL '02:30' HOUR TO MINUTE`.
fn day_time(us: i64) -> String {
    let seconds = us.unsigned_abs() / 1_000_000;
    let fields = [
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        us.unsigned_abs() % 60_000_000,
    ];
    let first = fields.iter().position(|f| *f != 0).unwrap_or(0);
    let last = fields.iter().rposition(|f| *f != 0).unwrap_or(first);
    day_time_in(us, first as i32, last as i32)
}

/// Returns an interval in the fields from `first` to `last` (0 is DAY, 3 is SECOND); the first holds
/// what is above it.
fn day_time_in(us: i64, first: i32, last: i32) -> String {
    let (sign, total) = (if us < 0 { "-" } else { "" }, us.unsigned_abs());
    let (seconds, micros) = (total / 1_000_000, total % 1_000_000);
    let (first, last) = (first.clamp(0, 3) as usize, last.clamp(0, 3) as usize);
    let units = [86_400, 3600, 60, 1];
    let names = ["DAY", "HOUR", "MINUTE", "SECOND"];
    let mut text = String::new();
    let mut rest = seconds;
    for (i, unit) in units.iter().enumerate().take(last + 1).skip(first) {
        let field = rest / unit;
        rest %= unit;
        match (i, i == first) {
            (0, _) => text.push_str(&field.to_string()),
            (1, false) => text.push_str(&format!(" {field:02}")),
            (_, false) => text.push_str(&format!(":{field:02}")),
            _ => text.push_str(&format!("{field:02}")),
        }
    }
    if last == 3 && micros != 0 {
        text.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    let range = if first == last {
        names[first].to_owned()
    } else {
        format!("{} TO {}", names[first], names[last])
    };
    format!("INTERVAL '{sign}{text}' {range}")
}

/// Returns an INT constant.
pub fn int(value: i32) -> Typed {
    Typed::new(
        Expr::Literal(ScalarValue::Int32(Some(value)), None),
        DataType::Int32,
        value.to_string(),
    )
}

/// Returns a STRING constant, named by its value.
pub fn string(value: &str) -> Typed {
    Typed::new(
        Expr::Literal(ScalarValue::Utf8(Some(value.into())), None),
        DataType::Utf8,
        value,
    )
}

/// Returns the µs of a constant interval or of a string that is one; `None` if it has months or is not
/// an interval.
///
/// ```
/// use datafusion_common::ScalarValue;
/// use rivulet::plan::literal::constant_micros;
///
/// assert_eq!(constant_micros(&ScalarValue::from("10 seconds")), Some(10_000_000));
/// assert_eq!(constant_micros(&ScalarValue::DurationMicrosecond(Some(5))), Some(5));
/// assert_eq!(constant_micros(&ScalarValue::from("1 month")), None);
/// ```
pub fn constant_micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Utf8(Some(text)) => interval_micros(text),
        ScalarValue::DurationMicrosecond(Some(us)) => Some(*us),
        ScalarValue::IntervalMonthDayNano(Some(i)) if i.months == 0 => Some(
            i64::from(i.days)
                .checked_mul(86_400_000_000)?
                .checked_add(i.nanoseconds / 1000)?,
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_literals_keep_value_precision_and_scale() {
        assert_eq!(
            decimal("-1.50", None, None).unwrap(),
            ScalarValue::Decimal128(Some(-150), 3, 2)
        );
        assert_eq!(
            decimal("7", Some(10), Some(2)).unwrap(),
            ScalarValue::Decimal128(Some(700), 10, 2)
        );
        assert!(decimal("1.2.3", None, None).is_err());
    }
}
