//! Intervals as text, and strings as ANSI intervals: `1-2` and `INTERVAL '1-2' YEAR TO MONTH`, `1 02:03:04.5` and
//! `INTERVAL '1 02:03:04.5' DAY TO SECOND` (Spark's `IntervalUtils.castStringToYMInterval` and `castStringToDTInterval`).

use std::sync::Arc;

use arrow::array::{ArrayRef, DurationMicrosecondArray, IntervalYearMonthArray, StringArray};
use arrow::datatypes::IntervalMonthDayNano;

use crate::error::{Exception, SparkError};
use crate::values::cast::Mode;

/// Returns a year-month interval as a literal: `INTERVAL '1-2' YEAR TO MONTH`.
pub fn year_month_interval(months: i32) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let total = months.unsigned_abs();
    format!("INTERVAL '{sign}{}-{}' YEAR TO MONTH", total / 12, total % 12)
}

/// Returns a calendar interval as Spark prints it (`CalendarInterval.toString`): the units that are not 0, each with its sign.
///
/// ```
/// use arrow::datatypes::IntervalMonthDayNano;
/// use rivulet::values::interval_text::calendar_interval;
///
/// assert_eq!(calendar_interval(IntervalMonthDayNano::new(14, -2, 3_500_000_000)), "1 years 2 months -2 days 3.5 seconds");
/// assert_eq!(calendar_interval(IntervalMonthDayNano::ZERO), "0 seconds");
/// ```
pub fn calendar_interval(value: IntervalMonthDayNano) -> String {
    let micros = value.nanoseconds / 1000;
    let rest = micros % 60_000_000;
    let units = [
        (i64::from(value.months / 12), "years"),
        (i64::from(value.months % 12), "months"),
        (i64::from(value.days), "days"),
        (micros / 3_600_000_000, "hours"),
        (micros / 60_000_000 % 60, "minutes"),
    ];
    let named = units.iter().filter(|(count, _)| *count != 0);
    let mut parts: Vec<String> = named.map(|(count, unit)| format!("{count} {unit}")).collect();
    if rest != 0 {
        let sign = if rest < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:06}", rest.abs() / 1_000_000, rest.abs() % 1_000_000);
        parts.push(format!("{} seconds", text.trim_end_matches('0').trim_end_matches('.')));
    }
    if parts.is_empty() {
        "0 seconds".into()
    } else {
        parts.join(" ")
    }
}

/// Returns a day-time interval in µs as a literal: `INTERVAL '1 02:03:04' DAY TO SECOND`.
pub fn day_time_interval(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let total = us.unsigned_abs();
    let (seconds, micros) = (total / 1_000_000, total % 1_000_000);
    let fraction = if micros == 0 {
        String::new()
    } else {
        format!(".{micros:06}").trim_end_matches('0').to_owned()
    };
    let (d, h, m, s) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("INTERVAL '{sign}{d} {h:02}:{m:02}:{s:02}{fraction}' DAY TO SECOND")
}

/// Returns year-month intervals.
///
/// # Errors
/// If a string is none, `INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING` in every mode but [`Mode::Try`], where it is null.
pub fn year_months(texts: &StringArray, mode: Mode) -> Result<ArrayRef, SparkError> {
    let values: Vec<Option<i32>> = each(texts, mode, parse_year_month, "UNMATCHED_FORMAT_STRING", "year-month")?;
    Ok(Arc::new(IntervalYearMonthArray::from(values)))
}

/// Returns day-time intervals in µs.
///
/// # Errors
/// If a string is none, `INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE` in every mode but [`Mode::Try`], where it
/// is null.
pub fn day_times(texts: &StringArray, mode: Mode) -> Result<ArrayRef, SparkError> {
    let values: Vec<Option<i64>> = each(
        texts,
        mode,
        parse_day_time,
        "UNMATCHED_FORMAT_STRING_WITH_NOTICE",
        "day-time",
    )?;
    Ok(Arc::new(DurationMicrosecondArray::from(values)))
}

fn each<T>(
    texts: &StringArray,
    mode: Mode,
    parse: fn(&str) -> Option<T>,
    reason: &str,
    family: &str,
) -> Result<Vec<Option<T>>, SparkError> {
    let one = |text: &str| match parse(text) {
        None if mode != Mode::Try => Err(SparkError::new(
            Exception::IllegalArgument,
            &format!("INVALID_INTERVAL_FORMAT.{reason}"),
            "22006",
            format!(
                "Error parsing '{text}' to interval. Please ensure that the value provided is in a valid format for defining a {family} interval."
            ),
        )),
        found => Ok(found),
    };
    let values = texts.iter().map(|text| text.map_or(Ok(None), one));
    values.collect()
}

/// Splits the sign off.
fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// Returns what stands between the quotes of an interval's literal of this kind, or the whole text, and whether it is negated.
fn body<'a>(text: &'a str, fields: [&str; 3]) -> Option<(bool, &'a str)> {
    let text = text.trim();
    let Some((word, _)) = text
        .split_at_checked(8)
        .filter(|(word, _)| word.eq_ignore_ascii_case("interval"))
    else {
        return Some(signed(text));
    };
    let rest = text[word.len()..].strip_prefix(char::is_whitespace)?.trim_start();
    let (outside, rest) = signed(rest);
    let (quoted, after) = rest.strip_prefix('\'')?.split_once('\'')?;
    let mut words = after.split_whitespace();
    let named = fields
        .iter()
        .all(|field| words.next().is_some_and(|word| word.eq_ignore_ascii_case(field)));
    if !named || words.next().is_some() || !after.starts_with(char::is_whitespace) {
        return None;
    }
    let (inside, quoted) = signed(quoted);
    Some((outside != inside, quoted))
}

/// Reads a number of digits up to a most.
fn number(text: &str, most: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= most)
}

/// Reads months.
fn parse_year_month(text: &str) -> Option<i32> {
    let (negative, body) = body(text, ["YEAR", "TO", "MONTH"])?;
    let (years, months) = body.split_once('-')?;
    let total = number(years, i64::MAX)?
        .checked_mul(12)?
        .checked_add(number(months, 11)?)?;
    i32::try_from(if negative { -total } else { total }).ok()
}

/// Reads µs; a fraction's digits after the sixth are cut off.
fn parse_day_time(text: &str) -> Option<i64> {
    let (negative, body) = body(text, ["DAY", "TO", "SECOND"])?;
    let (days, clock) = body.split_once(' ')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|part| (part.len() <= 2).then_some(part));
    let mut part = |most| number(parts.next()??, most);
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(59)?);
    if parts.next().is_some() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    number(fraction, i64::MAX)?;
    let micros = number(&format!("{fraction:0<6}")[..6], i64::MAX)?;
    let day = number(days, i64::MAX)?.checked_mul(86_400_000_000)?;
    let total = day.checked_add((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + micros)?;
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn year_months_are_years_and_months_with_a_sign_or_two() {
        assert_eq!(parse_year_month("1-2"), Some(14));
        assert_eq!(parse_year_month(" -1-2 "), Some(-14));
        assert_eq!(parse_year_month("INTERVAL '1-2' YEAR TO MONTH"), Some(14));
        assert_eq!(parse_year_month("interval -'-1-2' year to month"), Some(14));
        assert_eq!(parse_year_month("178956970-7"), Some(i32::MAX));
        for wrong in [
            "",
            "a",
            "1",
            "1-12",
            "1 month",
            "178956970-8",
            "interval'1-2' year to month",
            "INTERVAL '1-2' DAY TO SECOND",
            "é-1",
            "intervalé",
        ] {
            assert_eq!(parse_year_month(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn day_times_are_days_and_a_clock() {
        assert_eq!(parse_day_time("1 02:03:04.5"), Some(93_784_500_000));
        assert_eq!(parse_day_time("-1 02:03:04.5"), Some(-93_784_500_000));
        assert_eq!(parse_day_time("INTERVAL '0 00:00:00.0000019' DAY TO SECOND"), Some(1));
        for wrong in [
            "",
            "a",
            "1",
            "1 24:00:00",
            "1 02:03",
            "1 02:03:04:05",
            "1 02:03:04.",
            "106751992 00:00:00",
            "1 2:3:-4",
            "1  2:3:4",
        ] {
            assert_eq!(parse_day_time(wrong), None, "{wrong}");
        }
    }
}
