//! Implicit casts: the common type of two or more expressions, as `TypeCoercion` and `AnsiTypeCoercion`
//! find it.
//!
//! ```text
//!             INT, BIGINT   INT, DECIMAL(5,2)   BIGINT, FLOAT   STRING, INT (ANSI)   STRING, INT (legacy)
//! widen       BIGINT        DECIMAL(12,2)       DOUBLE          -                    -
//! tightest    BIGINT        -                   DOUBLE          -                    -
//! wider       BIGINT        DECIMAL(12,2)       DOUBLE          BIGINT               STRING
//! comparison  BIGINT        DECIMAL(12,2)       DOUBLE          BIGINT               INT
//! ```
//!
//! Each returns `None` when two types have nothing in common; which error that is, the caller knows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

use super::scope::Typed;
use crate::values::types::{is_integral, is_numeric, is_string, is_timestamp, map_of, map_types};

/// Returns precision and scale that hold every value of an integral type, or those of a decimal; `None`
/// for other types.
pub fn decimal_of(data_type: &DataType) -> Option<(u8, i8)> {
    Some(match data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(p, s) => (*p, *s),
        _ => return None,
    })
}

/// As [`decimal_of`], but an integer literal needs only its own digits (`DecimalPrecision`).
pub fn decimal_of_typed(typed: &Typed) -> Option<(u8, i8)> {
    if let (Some(value), true) = (typed.literal(), is_integral(&typed.data_type))
        && !value.is_null()
    {
        let digits = value.to_string().trim_start_matches('-').len();
        return Some((digits.max(1) as u8, 0));
    }
    decimal_of(&typed.data_type)
}

/// Returns a decimal type that fits 38 digits: when they are not enough, the scale shrinks, but at
/// least six digits of it stay (`DecimalType.adjustPrecisionScale`).
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::coercion::adjust;
///
/// assert_eq!(adjust(12, 2), DataType::Decimal128(12, 2));
/// assert_eq!(adjust(50, 20), DataType::Decimal128(38, 8));
/// ```
pub fn adjust(precision: i32, scale: i32) -> DataType {
    if precision <= 38 {
        return DataType::Decimal128(precision.max(1) as u8, scale as i8);
    }
    let whole = precision - scale;
    let least = scale.min(6);
    DataType::Decimal128(38, (38 - whole).max(least) as i8)
}

/// Returns the place of a numeric type in the order of widening; `None` for other types and for decimals.
fn rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Int8 => 0,
        DataType::Int16 => 1,
        DataType::Int32 => 2,
        DataType::Int64 => 3,
        DataType::Float32 => 5,
        DataType::Float64 => 6,
        _ => return None,
    })
}

/// Returns the least type that holds both, without strings (`findTightestCommonType` and decimal
/// widening).
///
/// Null takes the other type; a date and a timestamp meet as timestamps; nested types widen what they
/// hold.
pub fn widen(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::*;
    if a == b {
        return Some(a.clone());
    }
    match (a, b) {
        (Null, other) | (other, Null) => Some(other.clone()),
        (Decimal128(..), Float32 | Float64) | (Float32 | Float64, Decimal128(..)) => Some(Float64),
        (Decimal128(..), _) | (_, Decimal128(..)) => {
            let ((p, s), (q, t)) = (decimal_of(a)?, decimal_of(b)?);
            let scale = i32::from(s.max(t));
            let whole = (i32::from(p) - i32::from(s)).max(i32::from(q) - i32::from(t));
            // Beyond 38 digits those before the point stay (`DecimalType.boundedPreferIntegralDigits`).
            Some(match whole + scale {
                precision @ ..=38 => Decimal128(precision.max(1) as u8, scale as i8),
                _ => Decimal128(38, (38 - whole).max(0) as i8),
            })
        }
        // FLOAT is passed over: it would lose digits.
        (Float32, t) | (t, Float32) if is_integral(t) => Some(Float64),
        (Date32, Timestamp(..)) => Some(b.clone()),
        (Timestamp(..), Date32) => Some(a.clone()),
        (Timestamp(u, Some(z)), Timestamp(_, None)) | (Timestamp(u, None), Timestamp(_, Some(z))) => {
            Some(Timestamp(*u, Some(z.clone())))
        }
        (List(x), List(y)) => Some(List(Arc::new(Field::new(
            "element",
            widen(x.data_type(), y.data_type())?,
            true,
        )))),
        (Map(x, _), Map(y, _)) => {
            let ((k, v), (l, w)) = (map_types(x), map_types(y));
            Some(map_of(widen(&k, &l)?, widen(&v, &w)?))
        }
        (Struct(x), Struct(y)) if x.len() == y.len() => {
            let fields: Option<Fields> = x
                .iter()
                .zip(y)
                .map(|(f, g)| Some(Field::new(f.name(), widen(f.data_type(), g.data_type())?, true)))
                .collect();
            Some(Struct(fields?))
        }
        _ => {
            let (x, y) = (rank(a)?, rank(b)?);
            Some(if x >= y { a.clone() } else { b.clone() })
        }
    }
}

/// As [`widen`], but an integer and a decimal meet only if the decimal holds every value of the integer
/// (`findTightestCommonType`).
pub fn tightest(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (DataType::Decimal128(p, s), other) | (other, DataType::Decimal128(p, s)) if is_integral(other) => {
            let (digits, _) = decimal_of(other)?;
            (i16::from(*p) - i16::from(*s) >= i16::from(digits)).then_some(DataType::Decimal128(*p, *s))
        }
        (DataType::Decimal128(..), DataType::Decimal128(..)) if a != b => None,
        _ => widen(a, b),
    }
}

/// As [`widen`], with strings: under ANSI a string becomes what it meets (integers meet as `BIGINT`,
/// fractions as `DOUBLE`); in legacy mode everything that meets a string becomes a string.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::plan::coercion::wider;
///
/// assert_eq!(wider(&DataType::Utf8, &DataType::Int32, true), Some(DataType::Int64));
/// assert_eq!(wider(&DataType::Utf8, &DataType::Int32, false), Some(DataType::Utf8));
/// assert_eq!(wider(&DataType::Boolean, &DataType::Int32, true), None);
/// ```
pub fn wider(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    if let Some(found) = widen(a, b) {
        return Some(found);
    }
    let other = match (is_string(a), is_string(b)) {
        (true, false) => b,
        (false, true) => a,
        _ => return widen_nested(a, b, ansi),
    };
    if !ansi {
        return Some(DataType::Utf8);
    }
    Some(match other {
        t if is_integral(t) => DataType::Int64,
        t if is_numeric(t) => DataType::Float64,
        DataType::Date32 | DataType::Boolean | DataType::Binary | DataType::Timestamp(..) => other.clone(),
        _ => return None,
    })
}

/// Widens arrays and structs by what they hold; structs need the same number of fields and keep the
/// names of the first.
fn widen_nested(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    match (a, b) {
        (DataType::List(x), DataType::List(y)) => Some(DataType::List(Arc::new(Field::new(
            "element",
            wider(x.data_type(), y.data_type(), ansi)?,
            true,
        )))),
        (DataType::Struct(x), DataType::Struct(y)) if x.len() == y.len() => {
            let fields: Option<Fields> = x
                .iter()
                .zip(y)
                .map(|(f, g)| Some(Field::new(f.name(), wider(f.data_type(), g.data_type(), ansi)?, true)))
                .collect();
            Some(DataType::Struct(fields?))
        }
        _ => None,
    }
}

/// Returns the type in which two values are compared: a string is read as what it meets, in legacy mode
/// too.
pub fn comparison(a: &DataType, b: &DataType, ansi: bool) -> Option<DataType> {
    if let Some(found) = widen(a, b) {
        return Some(found);
    }
    let other = match (is_string(a), is_string(b)) {
        (true, false) => b,
        (false, true) => a,
        _ => return widen_nested(a, b, ansi),
    };
    Some(match other {
        DataType::Date32 | DataType::Boolean | DataType::Binary => other.clone(),
        t if is_timestamp(t) => t.clone(),
        t if is_integral(t) && ansi => DataType::Int64,
        t if is_integral(t) => t.clone(),
        t if is_numeric(t) => DataType::Float64,
        _ => return None,
    })
}

/// Returns the common type of many, as `coalesce`, `array`, `CASE` and `IN` need it; void for no type
/// at all.
pub fn common<'a>(types: impl IntoIterator<Item = &'a DataType>, ansi: bool) -> Option<DataType> {
    let mut found = DataType::Null;
    for data_type in types {
        found = wider(&found, data_type, ansi)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::*;

    #[test]
    fn numbers_widen_as_in_spark() {
        assert_eq!(widen(&Int32, &Int64), Some(Int64));
        assert_eq!(widen(&Int64, &Float32), Some(Float64));
        assert_eq!(widen(&Decimal128(5, 2), &Int32), Some(Decimal128(12, 2)));
        assert_eq!(widen(&Decimal128(5, 2), &Float64), Some(Float64));
        assert_eq!(widen(&Utf8, &Int32), None);
    }

    #[test]
    fn strings_become_what_they_meet_under_ansi_only() {
        assert_eq!(wider(&Utf8, &Int32, true), Some(Int64));
        assert_eq!(wider(&Utf8, &Int32, false), Some(Utf8));
        assert_eq!(wider(&Utf8, &Boolean, true), Some(Boolean));
    }

    #[test]
    fn a_decimal_beyond_38_digits_keeps_six_fraction_digits() {
        assert_eq!(adjust(60, 20), Decimal128(38, 6));
        assert_eq!(adjust(40, 4), Decimal128(38, 4));
    }
}
