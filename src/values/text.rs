//! Values as strings and strings as values, the way Spark's casts have them.
//!
//! Doubles print as Java's `Double.toString`, timestamps as `yyyy-MM-dd HH:mm:ss[.ffffff]` without
//! trailing zeros; [`parse_time`](super::parse_time) reads them.
//!
//! Every `parse_…` ignores blanks around the value and returns `None` for what is not one:
//! [`cast`](super::cast) makes of it an error or null by its mode. Times by a pattern of the user's are
//! in [`java_format`](super::java_format) and [`java_parse`](super::java_parse).

use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike};

/// µs in a day of 24 hours, the only days that wall clocks have.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Returns Java's string of a DOUBLE: plain from 10^-3 up to 10^7, else with exponent, at least one
/// digit after the point.
///
/// The digits are the fewest that read back as the same number. `NaN`, `Infinity` and `-0.0` keep
/// Java's names.
///
/// ```
/// use rivulet::values::text;
///
/// assert_eq!(text::double(0.1), "0.1");
/// assert_eq!(text::double(1e7), "1.0E7");
/// assert_eq!(text::double(f64::NEG_INFINITY), "-Infinity");
/// assert_eq!(text::decimal(-12_345, 2), "-123.45");
/// ```
pub fn double(x: f64) -> String {
    java(x, &format!("{x:e}"))
}

/// Returns Java's string of a FLOAT: as [`double`], with the digits that tell FLOATs apart.
pub fn float(x: f32) -> String {
    java(f64::from(x), &format!("{x:e}"))
}

/// Arranges the digits of Rust's scientific notation as Java does.
fn java(x: f64, scientific: &str) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if x == 0.0 {
        return if x.is_sign_negative() {
            "-0.0".into()
        } else {
            "0.0".into()
        };
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if (-3..7).contains(&exponent) {
        if exponent < 0 {
            return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
        }
        let point = exponent as usize + 1;
        if digits.len() <= point {
            return format!("{sign}{digits}{}.0", "0".repeat(point - digits.len()));
        }
        return format!("{sign}{}.{}", &digits[..point], &digits[point..]);
    }
    let fraction = if digits.len() > 1 { &digits[1..] } else { "0" };
    format!("{sign}{}.{fraction}E{exponent}", &digits[..1])
}

/// Returns a decimal with exactly `scale` digits after the point; a negative scale counts as 0.
pub fn decimal(unscaled: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Returns the calendar day `days` after 1970-01-01, as `yyyy-MM-dd`.
///
/// Years beyond 9999 get a plus, years before 0 a minus (`java.time.LocalDate.toString`).
///
/// ```
/// use rivulet::values::text;
///
/// assert_eq!(text::date(-1), "1969-12-31");
/// assert_eq!(text::date(100_000_000), "+275760-09-13");
/// assert_eq!(text::date(i32::MIN), "-5877641-06-23");
/// ```
pub fn date(days: i32) -> String {
    let (year, month, day) = civil(days.into());
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        10_000.. => format!("+{year}-{month:02}-{day:02}"),
        _ => format!("-{:04}-{month:02}-{day:02}", -year),
    }
}

/// Returns the calendar day `days` after 1970-01-01; `None` beyond chrono's years.
pub fn day(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    if days >= 0 {
        epoch.checked_add_days(Days::new(days as u64))
    } else {
        epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs())))
    }
}

/// Returns how many days after 1970-01-01 a calendar day is.
pub fn days_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// Returns a wall clock (µs since the local epoch) as `yyyy-MM-dd HH:mm:ss`, with a fraction only if
/// there is one.
///
/// ```
/// use rivulet::values::text;
///
/// assert_eq!(text::timestamp(1_709_647_506_780_000), "2024-03-05 14:05:06.78");
/// assert_eq!(text::timestamp(-1_000_000), "1969-12-31 23:59:59");
/// ```
pub fn timestamp(local_us: i64) -> String {
    let days = local_us.div_euclid(MICROS_PER_DAY);
    let rest = local_us.rem_euclid(MICROS_PER_DAY);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if micros == 0 {
        String::new()
    } else {
        format!(".{micros:06}").trim_end_matches('0').to_owned()
    };
    format!("{} {clock}{fraction}", date(i32::try_from(days).unwrap_or(i32::MAX)))
}

/// Returns year, month and day of the day that is so many days after 1970-01-01: the inverse of
/// [`parse_time`](super::parse_time)'s.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let months = (5 * of_year + 2) / 153;
    let day = of_year - (153 * months + 2) / 5 + 1;
    let (month, year) = if months < 10 {
        (months + 3, years)
    } else {
        (months - 9, years + 1)
    };
    (year + era * 400, month, day)
}

/// Returns whether a character is left out around values: a blank or a control character (`UTF8String.trimAll`).
pub fn is_blank(c: char) -> bool {
    c <= ' ' || c == '\u{7f}'
}

/// Returns a string without the blanks and control characters around it.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Reads the words that a cast takes for true and false: `t`, `true`, `y`, `yes`, `1` and their
/// opposites, in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Reads a number as `Double.parseDouble` does, with Spark's words for infinities (`inf`, `+infinity`)
/// and `nan`, in any case.
///
/// A trailing `d` or `f` is allowed, as in Java.
pub fn parse_double(text: &str) -> Option<f64> {
    let lower = text.trim_matches(|c| c <= ' ').to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(f64::INFINITY),
        "-inf" | "-infinity" => return Some(f64::NEG_INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    let number = lower.strip_suffix(['d', 'f']).unwrap_or(&lower);
    if !number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) || number.contains(['i', 'n'])
    {
        return None;
    }
    number.parse().ok()
}

/// Reads an integer; a fraction is cut off only if `truncate` says so (casts outside ANSI).
pub fn parse_long(text: &str, truncate: bool) -> Option<i64> {
    let text = trimmed(text);
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if truncate && fraction.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok()
}

/// Replaces digits of other scripts by ASCII ones: Java's `BigDecimal` reads them.
fn ascii_digits(text: &str) -> std::borrow::Cow<'_, str> {
    const ZEROS: [u32; 6] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];
    if text.is_ascii() {
        return text.into();
    }
    let digit = |c: char| {
        ZEROS
            .iter()
            .find_map(|zero| char::from_digit((c as u32).checked_sub(*zero)?, 10))
    };
    text.chars().map(|c| digit(c).unwrap_or(c)).collect::<String>().into()
}

/// Reads a decimal as its unscaled value at `scale`, rounded half up; `None` if it is not a number or
/// does not fit 38 digits.
///
/// An exponent is allowed, as far as a `BigDecimal` has one. Callers check the precision.
///
/// ```
/// use rivulet::values::text::parse_decimal;
///
/// assert_eq!(parse_decimal("1.005", 2), Some(101));
/// assert_eq!(parse_decimal("-2e3", 0), Some(-2_000));
/// assert_eq!(parse_decimal("1,5", 2), None);
/// ```
pub fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let text = ascii_digits(text.trim_matches(|c| c <= ' ')).to_ascii_lowercase();
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.as_str(), 0),
    };
    let (negative, body) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    // As a `BigDecimal`, whose scale is an `int`.
    let own = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let shift = i64::from(scale) - i64::from(own);
    let value: i128 = if shift >= 0 {
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            0
        } else if digits.len() as i64 + shift > 38 {
            return None;
        } else {
            digits
                .parse::<i128>()
                .ok()?
                .checked_mul(10i128.checked_pow(shift as u32)?)?
        }
    } else {
        let cut = (-shift) as usize;
        if cut > digits.len() {
            return Some(0);
        }
        let padded = format!("0{digits}");
        let (keep, rest) = padded.split_at(padded.len() - cut);
        let keep = keep.trim_start_matches('0');
        if keep.len() > 38 {
            return None;
        }
        let kept: i128 = if keep.is_empty() { 0 } else { keep.parse().ok()? };
        kept + i128::from(rest.as_bytes()[0] >= b'5')
    };
    Some(if negative { -value } else { value })
}

/// Returns the fields of a wall clock (µs since the local epoch); `None` beyond chrono's years.
pub fn clock(local_us: i64) -> Option<chrono::NaiveDateTime> {
    DateTime::from_timestamp_micros(local_us).map(|t| t.naive_utc())
}

/// Returns the µs since the local epoch of a wall clock; what is below a microsecond is cut off.
pub fn micros_of(time: chrono::NaiveDateTime) -> i64 {
    let seconds = i64::from(time.num_seconds_from_midnight());
    i64::from(days_of(time.date())) * MICROS_PER_DAY + seconds * 1_000_000 + i64::from(time.nanosecond() / 1000)
}

/// Returns the Levenshtein distance of two strings: how many characters to insert, delete or replace.
///
/// Takes as many steps as the product of the lengths, and memory for one row of them.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = previous + usize::from(x != *y);
            previous = row[j + 1];
            row[j + 1] = replace.min(previous + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Returns the name most like one that was written wrong, ignoring case; `None` if more than half of
/// the best one's characters differ.
///
/// Errors suggest it: "Did you mean …?".
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let ranked = names.map(|name| (distance(&name.to_lowercase(), &wrong), name));
    let (far, name) = ranked.min()?;
    (far * 2 <= name.chars().count().max(2)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (x, text) in [
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e7, "1.0E7"),
            (1_234_567.0, "1234567.0"),
            (1.5e10, "1.5E10"),
            (-0.0, "-0.0"),
            (123.456, "123.456"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(x), text);
        }
        assert_eq!(float(0.1), "0.1");
    }

    #[test]
    fn decimals_round_half_up_and_overflow_to_none() {
        assert_eq!(parse_decimal("1.005", 2), Some(101));
        assert_eq!(parse_decimal("-1.005", 2), Some(-101));
        assert_eq!(parse_decimal("1e3", 1), Some(10_000));
        assert_eq!(parse_decimal("1e60", 0), None);
        assert_eq!(parse_decimal("abc", 0), None);
        assert_eq!(decimal(-5, 2), "-0.05");
    }
}
