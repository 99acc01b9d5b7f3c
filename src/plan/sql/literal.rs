//! Number and byte literals, and casts to types as written.
//!
//! ```text
//! 42      INT       42L   BIGINT     1.5     DECIMAL(2,1)    1.5D    DOUBLE    1e3   DOUBLE
//! 42S     SMALLINT  42Y   TINYINT    1.5BD   DECIMAL(2,1)    1.5F    FLOAT
//! ```
//!
//! A minus before a number belongs to it, so that -2147483648 is an INT although 2147483648 is not.

use sc::expression::cast::EvalMode;
use sc::expression::literal::{Decimal, LiteralType};

use super::data_type::parse_data_type;
use super::error::{Position, SqlError};
use super::message::{cast, literal};
use super::temporal::typed_error;
use crate::proto as sc;

/// Digits that a decimal has at most.
const MAX_PRECISION: usize = 38;
/// The suffixes of numbers, longer ones before those that end them; the empty one stands last.
const SUFFIXES: [&str; 7] = ["BD", "L", "S", "Y", "D", "F", ""];

/// A number as written, in parts.
struct Number<'a> {
    /// Digits, perhaps with a point and an exponent.
    body: &'a str,
    /// One of [`SUFFIXES`], in capitals.
    suffix: &'static str,
}

/// Splits a number into sign, digits and suffix; `None` if it is not one.
fn split(text: &str) -> Option<Number<'_>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    for suffix in SUFFIXES {
        let Some(at) = unsigned.len().checked_sub(suffix.len()) else {
            continue;
        };
        let (Some(body), Some(tail)) = (unsigned.get(..at), unsigned.get(at..)) else {
            continue;
        };
        if tail.eq_ignore_ascii_case(suffix) && is_decimal(body, !matches!(suffix, "L" | "S" | "Y")) {
            return Some(Number { body, suffix });
        }
    }
    None
}

/// Returns whether a string is digits, and if `fractional` perhaps a point and an exponent.
fn is_decimal(body: &str, fractional: bool) -> bool {
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at).unwrap_or_default(), body.get(at + 1..)),
        None => (body, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && mantissa.bytes().any(|b| b.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && mantissa.matches('.').count() <= 1;
    let exponent_ok = exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    mantissa_ok && exponent_ok && (fractional || digits(body))
}

/// Returns whether the text is a number literal, its suffix included.
pub(super) fn is_number(text: &str) -> bool {
    split(text).is_some()
}

/// Returns the literal of a number as written: an optional minus, digits, point, exponent, suffix.
///
/// Without a suffix, digits alone are the smallest of INT, BIGINT and DECIMAL that holds them; with a
/// point they are a DECIMAL of exactly their digits; with an exponent they are a DOUBLE
/// (`AstBuilder.visit*Literal`).
///
/// # Errors
/// If its type cannot hold it, `INVALID_NUMERIC_LITERAL_RANGE` or
/// `DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION`.
pub(super) fn number(text: &str) -> Result<sc::Expression, SqlError> {
    let Some(Number { body, suffix }) = split(text) else {
        return Err(SqlError::near(text, Position::default()));
    };
    let sign = if text.starts_with('-') { "-" } else { "" };
    let signed = format!("{sign}{body}");
    let range = |type_name| SqlError::NumericRange {
        literal: signed.clone(),
        type_name,
    };
    let value = match suffix {
        "L" => LiteralType::Long(signed.parse().map_err(|_| range("bigint"))?),
        "S" => LiteralType::Short(i32::from(signed.parse::<i16>().map_err(|_| range("smallint"))?)),
        "Y" => LiteralType::Byte(i32::from(signed.parse::<i8>().map_err(|_| range("tinyint"))?)),
        "D" => LiteralType::Double(finite(&signed).ok_or_else(|| range("double"))?),
        "F" => {
            let value = signed
                .parse::<f32>()
                .ok()
                .filter(|value| value.is_finite())
                .ok_or_else(|| range("float"))?;
            LiteralType::Float(value)
        }
        "BD" => decimal(sign, body)?,
        _ if body.contains(['e', 'E']) => LiteralType::Double(finite(&signed).ok_or_else(|| range("double"))?),
        _ if body.contains('.') => decimal(sign, body)?,
        _ => match (signed.parse::<i32>(), signed.parse::<i64>()) {
            (Ok(value), _) => LiteralType::Integer(value),
            (_, Ok(value)) => LiteralType::Long(value),
            _ => decimal(sign, body)?,
        },
    };
    Ok(literal(value))
}

/// Reads a floating-point number; `None` if it is infinite.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Returns a decimal with exactly the digits written.
///
/// # Errors
/// If there are more than 38 digits, `DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION`.
fn decimal(sign: &str, body: &str) -> Result<LiteralType, SqlError> {
    let (mantissa, exponent) = body.split_once(['e', 'E']).unwrap_or((body, "0"));
    let exponent: i64 = exponent
        .parse()
        .map_err(|_| SqlError::DecimalPrecision { precision: u64::MAX })?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let mut scale = (fraction.len() as i64).saturating_sub(exponent);
    let significant = digits.trim_start_matches('0').len().max(1) as u64;
    let precision = if scale < 0 {
        significant.saturating_add(scale.unsigned_abs())
    } else {
        significant.max(scale as u64)
    };
    if precision > MAX_PRECISION as u64 {
        return Err(SqlError::DecimalPrecision { precision });
    }
    if scale < 0 {
        digits.push_str(&"0".repeat(scale.unsigned_abs() as usize));
        scale = 0;
    }
    let digits = digits.trim_start_matches('0');
    let digits = format!("{digits:0>width$}", width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let value = if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    };
    Ok(LiteralType::Decimal(Decimal {
        value,
        precision: Some(precision as i32),
        scale: Some(scale as i32),
    }))
}

/// Returns the bytes of `X'1F'`: an odd first digit stands alone.
///
/// # Errors
/// If a digit is not hexadecimal, `INVALID_TYPED_LITERAL`.
pub(super) fn hex(digits: &str) -> Result<sc::Expression, SqlError> {
    let invalid = || typed_error("X", digits);
    let padded = if digits.len().is_multiple_of(2) {
        digits.to_string()
    } else {
        format!("0{digits}")
    };
    let bytes = padded.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u8::from_str_radix(pair, 16).ok()
    });
    Ok(literal(LiteralType::Binary(
        bytes.collect::<Option<Vec<u8>>>().ok_or_else(invalid)?,
    )))
}

/// Returns a cast to a type as written.
pub(super) fn cast_to(operand: sc::Expression, type_text: &str, mode: EvalMode) -> Result<sc::Expression, SqlError> {
    Ok(cast(operand, parse_data_type(type_text)?, mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sc::expression::ExprType;

    fn value(parsed: Result<sc::Expression, SqlError>) -> LiteralType {
        match parsed.unwrap().expr_type {
            Some(ExprType::Literal(literal)) => literal.literal_type.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn digits_take_the_smallest_type_that_holds_them() {
        assert_eq!(value(number("2147483647")), LiteralType::Integer(i32::MAX));
        assert_eq!(value(number("-2147483648")), LiteralType::Integer(i32::MIN));
        assert_eq!(value(number("12345678901")), LiteralType::Long(12345678901));
        let LiteralType::Decimal(wide) = value(number("9223372036854775808")) else {
            panic!("no decimal")
        };
        assert_eq!((wide.precision, wide.scale), (Some(19), Some(0)));
    }

    #[test]
    fn decimals_have_exactly_their_digits() {
        for (text, written, precision, scale) in [
            ("1.5", "1.5", 2, 1),
            ("0.7", "0.7", 1, 1),
            (".05", "0.05", 2, 2),
            ("1.50", "1.50", 3, 2),
            ("1.", "1", 1, 0),
            ("-12.30BD", "-12.30", 4, 2),
            ("1e2BD", "100", 3, 0),
            ("00.0", "0.0", 1, 1),
        ] {
            let LiteralType::Decimal(parsed) = value(number(text)) else {
                panic!("{text}")
            };
            assert_eq!(
                (parsed.value.as_str(), parsed.precision, parsed.scale),
                (written, Some(precision), Some(scale))
            );
        }
    }

    #[test]
    fn suffixes_choose_the_type_and_check_its_range() {
        assert_eq!(value(number("1L")), LiteralType::Long(1));
        assert_eq!(value(number("1s")), LiteralType::Short(1));
        assert_eq!(value(number("1Y")), LiteralType::Byte(1));
        assert_eq!(value(number("1.5D")), LiteralType::Double(1.5));
        assert_eq!(value(number("1e10d")), LiteralType::Double(1e10));
        assert_eq!(value(number("1.5F")), LiteralType::Float(1.5));
        assert_eq!(value(number("1e0")), LiteralType::Double(1.0));
        assert_eq!(number("128Y").unwrap_err().condition(), "INVALID_NUMERIC_LITERAL_RANGE");
        assert_eq!(
            number("1e400").unwrap_err().condition(),
            "INVALID_NUMERIC_LITERAL_RANGE"
        );
        assert!(number(&"9".repeat(39)).is_err());
    }

    #[test]
    fn bytes_are_pairs_of_digits() {
        assert_eq!(value(hex("1F")), LiteralType::Binary(vec![0x1f]));
        assert_eq!(value(hex("F")), LiteralType::Binary(vec![0x0f]));
        assert!(hex("+1").is_err());
    }
}
