//! `INTERVAL` literals in all their forms, and what they are worth.
//!
//! Three forms lead to one [`Sum`] of months, days and µs, which says at the end which of Spark's three
//! interval types it is: year-month, day-time, or calendar if units of both families occur.
//!
//! ```text
//! INTERVAL 1 DAY                      day-time      1 day in µs
//! INTERVAL '1 day 2 hours'            day-time      26 hours in µs
//! INTERVAL '1-2' YEAR TO MONTH        year-month    14 months
//! INTERVAL 1 MONTH 2 DAYS             calendar      1 month and 2 days
//! ```

use sc::data_type::CalendarInterval as CalendarIntervalType;
use sc::expression::literal::{CalendarInterval, LiteralType};
use sc::expression::{ExprType, Literal};

use super::data_type::{DAY_TIME_FIELDS, YEAR_MONTH_FIELDS, day_time, year_month};
use super::error::SqlError;
use super::message::{data_type, expression};
use crate::proto as sc;

/// µs in a day of 24 hours.
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// The number of the day among the day-time fields.
const DAY: usize = 0;
/// The number of the second among the day-time fields.
const SECOND: usize = 3;

/// What a unit counts.
#[derive(Clone, Copy)]
enum Unit {
    /// A number of months, of a year-month field.
    Months { each: i64, field: usize },
    /// A number of microseconds, of a day-time field.
    Micros { each: i64, field: usize },
    /// Thousandths of a microsecond, which are cut off.
    Nanos,
}

/// Returns the unit of a name, in singular or plural; `None` for other words.
fn unit(name: &str) -> Option<Unit> {
    let name = name.to_ascii_lowercase();
    let micros = |each, field| Some(Unit::Micros { each, field });
    match name.strip_suffix('s').unwrap_or(&name) {
        "year" => Some(Unit::Months { each: 12, field: 0 }),
        "month" => Some(Unit::Months { each: 1, field: 1 }),
        "week" => micros(7 * MICROS_PER_DAY, DAY),
        "day" => micros(MICROS_PER_DAY, DAY),
        "hour" => micros(3_600_000_000, 1),
        "minute" => micros(60_000_000, 2),
        "second" => micros(1_000_000, SECOND),
        "millisecond" => micros(1_000, SECOND),
        "microsecond" => micros(1, SECOND),
        "nanosecond" => Some(Unit::Nanos),
        _ => None,
    }
}

/// Returns whether a word is a unit of time.
pub(super) fn is_unit(word: &str) -> bool {
    unit(word).is_some()
}

/// The sum of an interval's parts, and which fields they named.
#[derive(Default)]
struct Sum {
    /// Months of all year-month units.
    months: i64,
    /// Days, which stay apart from µs in calendar intervals.
    days: i64,
    /// µs of all smaller units.
    micros: i64,
    /// First and last year-month field that was named.
    year_month: Option<(usize, usize)>,
    /// First and last day-time field that was named.
    day_time: Option<(usize, usize)>,
}

/// Makes a range of fields hold one more.
fn widen(fields: &mut Option<(usize, usize)>, field: usize) {
    let (start, end) = fields.unwrap_or((field, field));
    *fields = Some((start.min(field), end.max(field)));
}

impl Sum {
    /// Adds a number of units.
    ///
    /// # Errors
    /// If the unit is unknown, `INVALID_INTERVAL_FORMAT.INVALID_UNIT`; if the number is malformed,
    /// `INVALID_VALUE`; if anything but seconds has a fraction, `INVALID_FRACTION`; if the sum overflows,
    /// `ARITHMETIC_EXCEPTION`.
    fn add(&mut self, value: &str, unit_name: &str, written: &str) -> Result<(), SqlError> {
        let fail = |reason| SqlError::Interval {
            reason,
            input: written.to_string(),
        };
        let unit = unit(unit_name).ok_or_else(|| fail("INVALID_UNIT"))?;
        let (whole, billionths) = split_value(value).ok_or_else(|| fail("INVALID_VALUE"))?;
        let overflow = || fail("ARITHMETIC_EXCEPTION");
        let add = |sum: &mut i64, each: i64| {
            let total = whole.checked_mul(each).and_then(|product| sum.checked_add(product));
            *sum = total.ok_or_else(overflow)?;
            Ok(())
        };
        let is_second = matches!(unit, Unit::Micros { each: 1_000_000, .. });
        if billionths != 0 && !is_second {
            return Err(fail("INVALID_FRACTION"));
        }
        match unit {
            Unit::Months { each, field } => {
                widen(&mut self.year_month, field);
                add(&mut self.months, each)
            }
            Unit::Micros { each, field: DAY } => {
                widen(&mut self.day_time, DAY);
                add(&mut self.days, each / MICROS_PER_DAY)
            }
            Unit::Micros { each, field } => {
                widen(&mut self.day_time, field);
                add(&mut self.micros, each)?;
                self.micros = self.micros.checked_add(billionths / 1000).ok_or_else(overflow)?;
                Ok(())
            }
            Unit::Nanos => {
                widen(&mut self.day_time, SECOND);
                self.micros = self.micros.checked_add(whole / 1000).ok_or_else(overflow)?;
                Ok(())
            }
        }
    }

    /// Returns the literal: a year-month or day-time interval, or a calendar interval if the units are of
    /// both families.
    ///
    /// # Errors
    /// If there were no units, `INVALID_INTERVAL_FORMAT.INPUT_IS_EMPTY`; if it overflows,
    /// `ARITHMETIC_EXCEPTION`.
    fn into_literal(self, written: &str) -> Result<sc::Expression, SqlError> {
        let fail = |reason| SqlError::Interval {
            reason,
            input: written.to_string(),
        };
        let overflow = || fail("ARITHMETIC_EXCEPTION");
        let months = i32::try_from(self.months).map_err(|_| overflow())?;
        let (kind, value) = match (self.year_month, self.day_time) {
            (Some((start, end)), None) => (year_month(start, end), LiteralType::YearMonthInterval(months)),
            (None, Some((start, end))) => {
                let days = self.days.checked_mul(MICROS_PER_DAY);
                let micros = days
                    .and_then(|days| days.checked_add(self.micros))
                    .ok_or_else(overflow)?;
                (day_time(start, end), LiteralType::DayTimeInterval(micros))
            }
            (Some(_), Some(_)) => {
                let days = i32::try_from(self.days).map_err(|_| overflow())?;
                let value = CalendarInterval {
                    months,
                    days,
                    microseconds: self.micros,
                };
                let kind = sc::data_type::Kind::CalendarInterval(CalendarIntervalType::default());
                (kind, LiteralType::CalendarInterval(value))
            }
            (None, None) => return Err(fail("INPUT_IS_EMPTY")),
        };
        let literal = Literal {
            data_type: Some(data_type(kind)),
            literal_type: Some(value),
        };
        Ok(expression(ExprType::Literal(literal)))
    }
}

/// Splits a number into its whole part and billionths, both signed: `-1.5` is -1 and -500000000. `None`
/// if it is not a number.
fn split_value(text: &str) -> Option<(i64, i64)> {
    let text = text.trim();
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest.trim_start()),
        None => (1, text.strip_prefix('+').unwrap_or(text).trim_start()),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        format!("{}{whole}", if sign < 0 { "-" } else { "" }).parse().ok()?
    };
    let billionths: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some((whole, sign * billionths))
}

/// Returns the literal of values and units by turns: `INTERVAL 1 YEAR 2 MONTHS`, `INTERVAL '2' DAY`.
///
/// # Errors
/// If a value or a unit does not fit, `INVALID_INTERVAL_FORMAT.*`.
pub(super) fn of_units(parts: &[String]) -> Result<sc::Expression, SqlError> {
    let written = format!("INTERVAL {}", parts.join(" "));
    let mut sum = Sum::default();
    for part in parts.chunks(2) {
        match part {
            [value, unit] => sum.add(value, unit, &written)?,
            _ => {
                return Err(SqlError::Interval {
                    reason: "MISSING_UNIT",
                    input: written,
                });
            }
        }
    }
    sum.into_literal(&written)
}

/// Returns the literal of values and units in one string, with or without the word `interval` first:
/// `INTERVAL '1 day 2 hours'`.
///
/// # Errors
/// As [`of_units`].
pub(super) fn of_text(text: &str) -> Result<sc::Expression, SqlError> {
    of_units(&words_of(text))
}

/// Returns the months, days and µs that a string says, as a cast to INTERVAL reads it (Spark's
/// `IntervalUtils.safeStringToInterval`); `None` where it does not say any.
pub(in crate::plan) fn parts_of(text: &str) -> Option<(i32, i32, i64)> {
    let words = words_of(text);
    let mut sum = Sum::default();
    for part in words.chunks(2) {
        sum.add(&part[0], part.get(1)?, text).ok()?;
    }
    let (months, days) = (i32::try_from(sum.months).ok()?, i32::try_from(sum.days).ok()?);
    (!words.is_empty()).then_some((months, days, sum.micros))
}

/// Returns values and units by turns.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![];
    for word in text.split_whitespace() {
        // A sign may stand apart from its number.
        match words.last_mut() {
            Some(last) if last == "-" || last == "+" => *last = format!("{last}{word}"),
            _ => words.push(word.to_string()),
        }
    }
    if words.first().is_some_and(|word| word.eq_ignore_ascii_case("interval")) {
        words.remove(0);
    }
    words
}

/// Returns the literal of fields with separators: `INTERVAL '1 02:03:04' DAY TO SECOND`, `INTERVAL
/// '1-2' YEAR TO MONTH`.
///
/// Fields after the first are bounded: 11 months, 23 hours, 59 minutes and seconds.
///
/// # Errors
/// If the fields are not in order or of two families,
/// `INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION`; if the string does not fit them,
/// `UNMATCHED_FORMAT_STRING`.
pub(super) fn of_range(value: &str, from: &str, to: &str) -> Result<sc::Expression, SqlError> {
    let written = format!("INTERVAL '{value}' {from} TO {to}");
    let fail = |reason| SqlError::Interval {
        reason,
        input: written.clone(),
    };
    let place = |names: &[&str], word: &str| names.iter().position(|name| name.eq_ignore_ascii_case(word));
    let (sign, unsigned) = match value.trim().strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", value.trim().strip_prefix('+').unwrap_or(value.trim())),
    };
    let names: &[&str] = if place(&YEAR_MONTH_FIELDS, from).is_some() {
        &YEAR_MONTH_FIELDS
    } else {
        &DAY_TIME_FIELDS
    };
    let (Some(start), Some(end)) = (place(names, from), place(names, to)) else {
        return Err(fail("UNSUPPORTED_FROM_TO_EXPRESSION"));
    };
    if start >= end {
        return Err(fail("UNSUPPORTED_FROM_TO_EXPRESSION"));
    }
    let separators: &[char] = if names.len() == YEAR_MONTH_FIELDS.len() {
        &['-']
    } else {
        &[' ', ':', ':']
    };
    let mut sum = Sum::default();
    let mut rest = unsigned;
    for field in start..=end {
        let part;
        (part, rest) = match separators.get(field) {
            Some(separator) if field < end => rest
                .split_once(*separator)
                .ok_or_else(|| fail("UNMATCHED_FORMAT_STRING"))?,
            _ => (rest, ""),
        };
        let name = names.get(field).copied().unwrap_or_default();
        let limit = match name {
            "MONTH" => 11,
            "HOUR" if field > start => 23,
            "MINUTE" | "SECOND" if field > start => 59,
            _ => i64::MAX,
        };
        match split_value(part) {
            Some((whole, _)) if !part.starts_with(['-', '+']) && whole <= limit => {}
            _ => return Err(fail("UNMATCHED_FORMAT_STRING")),
        }
        sum.add(&format!("{sign}{part}"), name, &written)?;
    }
    sum.into_literal(&written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(parsed: Result<sc::Expression, SqlError>) -> LiteralType {
        match parsed.unwrap().expr_type {
            Some(ExprType::Literal(literal)) => literal.literal_type.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn units(text: &str) -> Result<sc::Expression, SqlError> {
        of_units(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn units_of_one_family_add_up() {
        assert_eq!(value(units("1 YEAR 2 months")), LiteralType::YearMonthInterval(14));
        assert_eq!(
            value(units("-3 DAYS 1 hour")),
            LiteralType::DayTimeInterval(-3 * MICROS_PER_DAY + 3_600_000_000)
        );
        assert_eq!(value(units("1.5 second")), LiteralType::DayTimeInterval(1_500_000));
        assert_eq!(value(units("-0.5 second")), LiteralType::DayTimeInterval(-500_000));
        assert_eq!(
            value(of_text("interval 1 week - 1 day")),
            LiteralType::DayTimeInterval(6 * MICROS_PER_DAY)
        );
    }

    #[test]
    fn units_of_both_families_make_a_calendar_interval() {
        let expected = CalendarInterval {
            months: 1,
            days: 2,
            microseconds: 3_000_000,
        };
        assert_eq!(
            value(units("1 month 2 days 3 seconds")),
            LiteralType::CalendarInterval(expected)
        );
    }

    #[test]
    fn ranges_read_their_separators() {
        assert_eq!(
            value(of_range("1-2", "YEAR", "MONTH")),
            LiteralType::YearMonthInterval(14)
        );
        let day_to_second = MICROS_PER_DAY + 7_384_000_000;
        assert_eq!(
            value(of_range("1 02:03:04", "day", "second")),
            LiteralType::DayTimeInterval(day_to_second)
        );
        assert_eq!(
            value(of_range("-10:30", "MINUTE", "SECOND")),
            LiteralType::DayTimeInterval(-630_000_000)
        );
        for (text, from, to) in [
            ("1", "DAY", "SECOND"),
            ("1-12", "YEAR", "MONTH"),
            ("1", "SECOND", "DAY"),
            ("1-1", "YEAR", "DAY"),
        ] {
            assert!(of_range(text, from, to).is_err(), "{text} {from} {to}");
        }
    }

    #[test]
    fn nonsense_and_overflow_are_errors() {
        for text in [
            "1 fortnight",
            "x day",
            "1.5 day",
            "99999999999999 years",
            "1 day 2",
            "9223372036854775807 days",
        ] {
            assert!(units(text).is_err(), "{text}");
        }
        assert!(of_text("").is_err());
    }
}
