//! Intervals: which Arrow types they have, and the strings that name a duration.
//!
//! Spark has three kinds of intervals. Only the fixed ones, which are a number of µs, can be used as
//! the length of a window, the delay of a watermark or a trigger's period; months have no fixed length.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};

use crate::error::SparkError;

/// Returns the µs of an interval such as `10 minutes` or `interval 1 hour 30 minutes`; `None` if it is
/// not one.
///
/// Reads pairs of a number and a unit, in any case, with or without a blank between them and with an
/// optional leading word `interval`. The pairs are added, and each has a sign of its own. Units are
/// microseconds to weeks, singular or plural, and the short forms `us`, `ms` (also `m`), `s`, `sec`,
/// `min`, `h`, `d`, `w`. Months and years are not a fixed time and so are `None`. Only seconds may have
/// a fraction, of at most nine digits; what is below a microsecond is cut off.
///
/// ```
/// use rivulet::values::interval::interval_micros;
///
/// assert_eq!(interval_micros("interval 1 hour 30 minutes"), Some(5_400_000_000));
/// assert_eq!(interval_micros("1.5 seconds"), Some(1_500_000));
/// assert_eq!(interval_micros("1 month"), None);
/// ```
pub fn interval_micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let text = lower.strip_prefix("interval").unwrap_or(&lower).trim();
    let mut total: i128 = 0;
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        let split = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (number, glued) = word.split_at(split);
        let unit = if glued.is_empty() { words.next()? } else { glued };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let scale: i128 = match unit.trim_end_matches('s') {
            "microsecond" | "u" => 1,
            "millisecond" | "m" => 1_000,
            "second" | "" | "sec" => 1_000_000,
            "minute" | "min" => 60_000_000,
            "hour" | "h" => 3_600_000_000,
            "day" | "d" => 86_400_000_000,
            "week" | "w" => 604_800_000_000,
            _ => return None,
        };
        let sign = if whole.starts_with('-') { -1 } else { 1 };
        let whole: i128 = whole.trim_start_matches(['-', '+']).parse().ok()?;
        total += sign * whole * scale;
        if !fraction.is_empty() {
            if scale != 1_000_000 || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
            total += sign * nanos / 1_000;
        }
    }
    i64::try_from(total).ok()
}

/// Returns whether a text would be an interval if months and years had a fixed time.
pub fn has_months(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let days = lower.replace("month", "day").replace("year", "day");
    days != lower && interval_micros(&days).is_some()
}

/// Makes `CANNOT_PARSE_INTERVAL` for a text that is not an interval.
pub fn cannot_parse(text: &str) -> SparkError {
    SparkError::analysis(
        "CANNOT_PARSE_INTERVAL",
        "22006",
        format!(
            "Unable to parse '{text}'. Please ensure that the value provided is in a valid format for defining an interval. You can \
             reference the documentation for the correct format. If the issue persists, please double check that the input value is not \
             null or empty and try again."
        ),
    )
    .with("intervalString", text)
}

/// Returns whether a type is an interval's: year-month, calendar (months, days, ns) or day-time (µs).
pub fn is_interval(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::MonthDayNano)
            | DataType::Duration(TimeUnit::Microsecond)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_spark_reads_them() {
        assert_eq!(interval_micros("10 minutes"), Some(600_000_000));
        assert_eq!(interval_micros("interval 1 hour 30 minutes"), Some(5_400_000_000));
        assert_eq!(interval_micros("1.5 seconds"), Some(1_500_000));
        assert_eq!(interval_micros("-5 seconds"), Some(-5_000_000));
        assert_eq!(interval_micros("1 month"), None);
        assert_eq!(interval_micros("ten minutes"), None);
        assert_eq!(interval_micros(""), None);
    }
}
