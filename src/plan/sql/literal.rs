//! Number, date, time and byte literals.

use super::data_type::parse_data_type;
use super::error::{Position, SqlError};
use super::message::{cast, data_type, literal, string};
use crate::connect::proto as sc;
use sc::data_type::{Kind, Timestamp};
use sc::expression::cast::EvalMode;
use sc::expression::literal::{Decimal, LiteralType, Time};

const MAX_PRECISION: usize = 38;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const SUFFIXES: [&str; 7] = ["BD", "L", "S", "Y", "D", "F", ""];

/// A number as written, in parts.
struct Number<'a> {
    /// Digits, perhaps with a point and an exponent.
    body: &'a str,
    /// One of [`SUFFIXES`], in capitals.
    suffix: &'static str,
}

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

/// Digits, and where `fractional` a point and an exponent.
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

/// Whether the text is a number literal, its suffix included.
pub(super) fn is_number(text: &str) -> bool {
    split(text).is_some()
}

/// The literal of a number as written: an optional minus, digits, point, exponent, suffix.
///
/// Without a suffix, digits alone are the smallest of INT, BIGINT and DECIMAL that holds them; with a point they are a
/// DECIMAL of exactly their digits; with an exponent they are a DOUBLE (`AstBuilder.visit*Literal`).
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

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

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

/// `X'1F'`: an odd first digit stands alone.
pub(super) fn hex(digits: &str) -> Result<sc::Expression, SqlError> {
    let invalid = || typed_error("X", digits);
    let padded = if digits.len() % 2 == 0 {
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

fn typed_error(value_type: &str, value: &str) -> SqlError {
    SqlError::TypedLiteral {
        value_type: format!("\"{value_type}\""),
        value: format!("'{value}'"),
    }
}

/// `DATE'..'`, `TIMESTAMP'..'`, `TIMESTAMP_NTZ'..'`, `TIMESTAMP_LTZ'..'`, `TIME'..'`; `type_name` is in capitals.
///
/// A timestamp whose text leaves its zone open, or names a region, is a cast from the string: only the analyzer knows
/// the session's zone and the rules of regions.
pub(super) fn typed(type_name: &str, text: &str) -> Result<sc::Expression, SqlError> {
    let invalid = || typed_error(type_name, text);
    let trimmed = text.trim();
    if type_name == "TIME" {
        let (nanos, rest) = time_of_day(trimmed).ok_or_else(invalid)?;
        return match rest {
            "" => Ok(literal(LiteralType::Time(Time {
                nano: nanos,
                precision: Some(6),
            }))),
            _ => Err(invalid()),
        };
    }
    let (days, rest) = date(trimmed).ok_or_else(invalid)?;
    if type_name == "DATE" {
        return match rest {
            "" => Ok(literal(LiteralType::Date(days))),
            rest if rest.starts_with([' ', 'T']) => Ok(literal(LiteralType::Date(days))),
            _ => Err(invalid()),
        };
    }
    let (nanos, zone) = match rest.strip_prefix([' ', 'T']) {
        Some(time) if !time.is_empty() => time_of_day(time).ok_or_else(invalid)?,
        _ => (0, rest),
    };
    let seconds = i64::from(days) * SECONDS_PER_DAY;
    let micros = seconds
        .checked_mul(MICROS_PER_SECOND)
        .and_then(|m| m.checked_add(nanos / 1000))
        .ok_or_else(invalid)?;
    if type_name == "TIMESTAMP_NTZ" {
        return Ok(literal(LiteralType::TimestampNtz(micros)));
    }
    match zone_offset_seconds(zone.trim()) {
        Zone::Fixed(offset) => Ok(literal(LiteralType::Timestamp(micros - offset * MICROS_PER_SECOND))),
        Zone::Open => {
            let timestamp = data_type(Kind::Timestamp(Timestamp::default()));
            Ok(cast(string(trimmed), timestamp, EvalMode::Unspecified))
        }
        Zone::Invalid => Err(invalid()),
    }
}

/// A cast to a type as written.
pub(super) fn cast_to(operand: sc::Expression, type_text: &str, mode: EvalMode) -> Result<sc::Expression, SqlError> {
    Ok(cast(operand, parse_data_type(type_text)?, mode))
}

/// Digits at the start, at most `max` of them, and the rest.
fn leading_digits(text: &str, max: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    Some((text.get(..count)?.parse().ok()?, text.get(count..)?))
}

/// `[+-]y[-m[-d]]` at the start: days since 1970 and the rest.
fn date(text: &str) -> Option<(i32, &str)> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !unsigned.bytes().take(4).all(|b| b.is_ascii_digit()) || unsigned.len() < 4 {
        return None;
    }
    let (year, mut rest) = leading_digits(unsigned, 7)?;
    let mut parts = [1; 2];
    for part in &mut parts {
        let Some(after) = rest.strip_prefix('-') else { break };
        (*part, rest) = leading_digits(after, 2)?;
    }
    let [month, day] = parts;
    let year = sign * year;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    i32::try_from(days_since_epoch(year, month, day))
        .ok()
        .map(|days| (days, rest))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years start in March, so that leap days end them.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_468;
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - DAYS_FROM_MARCH_OF_YEAR_0
}

/// `h[:m[:s[.f]]]` at the start: nanoseconds since midnight and the rest. Digits beyond the ninth are dropped.
fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let (hour, mut rest) = leading_digits(text, 2)?;
    let mut parts = [0; 2];
    let mut seconds_given = false;
    for (index, part) in parts.iter_mut().enumerate() {
        let Some(after) = rest.strip_prefix(':') else { break };
        (*part, rest) = leading_digits(after, 2)?;
        seconds_given = index == 1;
    }
    let mut nanos = 0;
    if let (true, Some(after)) = (seconds_given, rest.strip_prefix('.')) {
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = after.split_at(count);
        let kept = digits.get(..count.min(9)).unwrap_or_default();
        nanos = format!("{kept:0<9}").parse().ok()?;
        rest = after;
    }
    let [minute, second] = parts;
    (hour < 24 && minute < 60 && second < 60)
        .then_some((((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos, rest))
}

enum Zone {
    Fixed(i64),
    Open,
    Invalid,
}

fn zone_offset_seconds(zone: &str) -> Zone {
    if zone.is_empty() {
        return Zone::Open;
    }
    if ["Z", "UTC", "GMT"].contains(&zone) {
        return Zone::Fixed(0);
    }
    let offset = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|prefix| zone.strip_prefix(prefix))
        .unwrap_or(zone);
    let Some(unsigned) = offset.strip_prefix(['+', '-']) else {
        let plausible = zone.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
        return if plausible && zone.contains(|c: char| c.is_ascii_alphabetic()) {
            Zone::Open
        } else {
            Zone::Invalid
        };
    };
    let mut fields = unsigned
        .split(':')
        .map(|field| leading_digits(field, 2).filter(|(_, rest)| rest.is_empty()));
    let (Some(Some((hours, _))), minutes, seconds, None) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Zone::Invalid;
    };
    let field = |field: Option<Option<(i64, &str)>>| field.map_or(Some(0), |field| field.map(|(value, _)| value));
    let (Some(minutes), Some(seconds)) = (field(minutes), field(seconds)) else {
        return Zone::Invalid;
    };
    if hours > 18 || minutes > 59 || seconds > 59 {
        return Zone::Invalid;
    }
    let total = (hours * 60 + minutes) * 60 + seconds;
    Zone::Fixed(if offset.starts_with('-') { -total } else { total })
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
    fn dates_and_times_count_from_1970() {
        assert_eq!(value(typed("DATE", "2024-03-01")), LiteralType::Date(19783));
        assert_eq!(value(typed("DATE", "1969-12-31")), LiteralType::Date(-1));
        assert_eq!(value(typed("DATE", "2000-2")), LiteralType::Date(10988));
        let ntz = value(typed("TIMESTAMP_NTZ", "1970-01-02 00:00:01.5"));
        assert_eq!(ntz, LiteralType::TimestampNtz(86_401_500_000));
        let zoned = value(typed("TIMESTAMP", "1970-01-01T01:00:00+01:00"));
        assert_eq!(zoned, LiteralType::Timestamp(0));
        for (name, text) in [
            ("DATE", "2023-02-29"),
            ("DATE", "x"),
            ("TIMESTAMP", "2024-01-01 25:00"),
            ("TIME", "1:2:3x"),
        ] {
            assert_eq!(
                typed(name, text).unwrap_err().condition(),
                "INVALID_TYPED_LITERAL",
                "{text}"
            );
        }
    }

    #[test]
    fn a_timestamp_without_a_zone_is_left_to_the_session() {
        for text in ["2024-03-01 00:00:01.9", "2024-03-01", "2024-03-01 10:00 Europe/Berlin"] {
            assert!(
                matches!(typed("TIMESTAMP", text).unwrap().expr_type, Some(ExprType::Cast(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_are_pairs_of_digits() {
        assert_eq!(value(hex("1F")), LiteralType::Binary(vec![0x1f]));
        assert_eq!(value(hex("F")), LiteralType::Binary(vec![0x0f]));
        assert!(hex("+1").is_err());
    }
}
