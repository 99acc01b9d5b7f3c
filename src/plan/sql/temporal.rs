//! Date and time literals: `DATE'..'`, `TIMESTAMP'..'` and their kin.
//!
//! Literals are read once, when the text is parsed, with the same leniency as casts: the month, the day
//! and the clock may be missing. A literal that does not say its zone is left for the analyzer.
//!
//! ```text
//! DATE'2024'                          2024-01-01         TIMESTAMP'2024-03-01 10'           marker: the session's zone
//! DATE'2024-3'                        2024-03-01         TIMESTAMP'2024-03-01 10:00+02:00'  08:00 UTC
//! TIMESTAMP_NTZ'2024-03-01T10:00:00.5' as written        DATE'2024-02-30'                   INVALID_TYPED_LITERAL
//! ```

use sc::expression::literal::{LiteralType, Time};

use super::error::SqlError;
use super::marker::Marker;
use super::message::{literal, string};
use crate::proto as sc;

/// µs in a second.
const MICROS_PER_SECOND: i64 = 1_000_000;
/// Seconds in a day of 24 hours.
const SECONDS_PER_DAY: i64 = 86_400;

/// Makes the error of a string that is not a value of a type.
pub(super) fn typed_error(value_type: &str, value: &str) -> SqlError {
    SqlError::TypedLiteral {
        value_type: format!("\"{value_type}\""),
        value: format!("'{value}'"),
    }
}

/// Returns `DATE'..'`, `TIMESTAMP'..'`, `TIMESTAMP_NTZ'..'`, `TIMESTAMP_LTZ'..'` or `TIME'..'`;
/// `type_name` is in capitals.
///
/// A timestamp whose text leaves its zone open, or names a region, is a marker around the string: only
/// the analyzer knows the session's zone and the rules of regions.
///
/// # Errors
/// If the string is not such a value, `INVALID_TYPED_LITERAL`.
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
        Zone::Open => Ok(Marker::Timestamp.call(vec![string(trimmed)])),
        Zone::Invalid => Err(invalid()),
    }
}

/// Returns the digits at the start, at most `max` of them, as a number, and the rest.
fn leading_digits(text: &str, max: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    Some((text.get(..count)?.parse().ok()?, text.get(count..)?))
}

/// Reads `[+-]y[-m[-d]]` at the start: days since 1970 and the rest. `None` for a day that does not
/// exist.
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

/// Returns the days of a month of the proleptic Gregorian calendar.
fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar: years start in March, so that
/// leap days end them.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    /// Days from March 1 of year 0 to 1970-01-01.
    const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_468;
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - DAYS_FROM_MARCH_OF_YEAR_0
}

/// Reads `h[:m[:s[.f]]]` at the start: nanoseconds since midnight and the rest. Digits beyond the ninth
/// are dropped.
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

/// What a timestamp's text says about its zone.
enum Zone {
    /// An offset, in seconds east of UTC.
    Fixed(i64),
    /// None, or a region: the analyzer knows.
    Open,
    /// Something that cannot be a zone.
    Invalid,
}

/// Reads `Z`, `UTC+1`, `+01:00`; names of regions are left to the session, which knows their rules.
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
                matches!(
                    typed("TIMESTAMP", text).unwrap().expr_type,
                    Some(ExprType::UnresolvedFunction(_))
                ),
                "{text}"
            );
        }
    }
}
