//! Values as strings and strings as values, the way Spark's casts have them.
//!
//! Doubles print as Java's `Double.toString`, timestamps as `yyyy-MM-dd HH:mm:ss[.ffffff]` without
//! trailing zeros; parsing is lenient as `SparkDateTimeUtils.stringToTimestamp` is: `2024`, `2024-3`,
//! `2024-03-01T10:00Z` all read.
//!
//! Every `parse_…` ignores blanks around the value and returns `None` for what is not one:
//! [`cast`](super::cast) makes of it an error or null by its mode. Times by a pattern of the user's are
//! in [`java_format`](super::java_format) and [`java_parse`](super::java_parse).

use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike};

use crate::values::zone::Zone;

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

/// Reads a date as days since 1970-01-01: `2024`, `2024-3`, `2024-03-01`.
///
/// What follows the day after a blank or a `T` is ignored, as in Spark. Years have four to seven digits
/// and may have a sign.
pub fn parse_date(text: &str) -> Option<i32> {
    let text = text.trim();
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = body.find([' ', 'T']).unwrap_or(body.len());
    let mut parts = body[..end].split('-');
    let year = number(parts.next()?, 4, 7)?;
    let month = parts.next().map_or(Some(1), |p| number(p, 1, 2))?;
    let day = parts.next().map_or(Some(1), |p| number(p, 1, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let year = if negative { -year } else { year };
    let days = civil_days(year.into(), month.into(), day.into())?;
    i32::try_from(days).ok()
}

/// Reads a number of `least` to `most` ASCII digits and nothing else.
fn number(text: &str, least: usize, most: usize) -> Option<i32> {
    ((least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// What a string says of a time: a wall clock, and the zone it names, if any.
pub struct ParsedTimestamp {
    /// The wall clock, in µs since the local epoch.
    pub local_us: i64,
    /// The zone that the string names; `None` leaves it to the session.
    pub zone: Option<Zone>,
}

impl ParsedTimestamp {
    /// Returns the instant in µs; in the session zone if the string names none.
    pub fn instant(&self, session: Zone) -> i64 {
        self.zone.unwrap_or(session).to_instant(self.local_us)
    }
}

/// Reads a date, a clock and a zone, of which all after the year may be missing.
///
/// `T` or a blank stands before the clock, whose parts have one or two digits; a fraction has at most
/// nine digits, of which six count. The zone is any name that [`Zone::parse`] reads. A leap second
/// (`:60`) is refused.
///
/// ```
/// use rivulet::values::{text::parse_timestamp, zone::Zone};
///
/// let rome = Zone::parse("Europe/Rome").unwrap_or(Zone::UTC);
/// let of = |text: &str| parse_timestamp(text).map(|parsed| parsed.instant(rome));
/// assert_eq!(of("1970-01-01 01:00"), Some(0));
/// assert_eq!(of("1970-01-01T01:00:00Z"), Some(3_600_000_000));
/// assert_eq!(of("yesterday"), None);
/// ```
pub fn parse_timestamp(text: &str) -> Option<ParsedTimestamp> {
    if let Some(fast) = parse_iso(text.as_bytes()) {
        return Some(fast);
    }
    let text = text.trim();
    let start = usize::from(text.starts_with(['+', '-']));
    let split = text[start..].find([' ', 'T']).map_or(text.len(), |i| i + start);
    let days = parse_date(&text[..split])?;
    let midnight = i64::from(days).checked_mul(MICROS_PER_DAY)?;
    if split == text.len() {
        return Some(ParsedTimestamp {
            local_us: midnight,
            zone: None,
        });
    }
    let clock = &text[split + 1..];
    let zone_at = clock
        .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
        .unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let zone = match zone.trim() {
        "" => None,
        name => Some(Zone::parse(name)?),
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 1, 2)?;
    let minute = parts.next().map_or(Some(0), |p| number(p, 1, 2))?;
    let (second, micros) = match parts.next() {
        None => (0, 0),
        Some(p) => {
            let (s, f) = p.split_once('.').unwrap_or((p, ""));
            if !f.bytes().all(|b| b.is_ascii_digit()) || f.len() > 9 {
                return None;
            }
            let micros: i64 = format!("{:0<6}", &f[..f.len().min(6)]).parse().ok()?;
            (number(s, 1, 2)?, micros)
        }
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_day = (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000 + micros;
    Some(ParsedTimestamp {
        local_us: midnight.checked_add(of_day)?,
        zone,
    })
}

/// Reads `yyyy-MM-ddTHH:mm:ss[.f…][Z]`, which is what feeds send, without splitting it; `None` leaves
/// the string to the slow way.
fn parse_iso(b: &[u8]) -> Option<ParsedTimestamp> {
    let (clock, rest) = b.split_first_chunk::<19>()?;
    let (words, _) = clock.as_chunks::<8>();
    let date = pairs(words[0], *b"0000-00-", 0x7f76_767f_7676_7676)?;
    let gap = if clock[10] == b' ' { *b"00 00:00" } else { *b"00T00:00" };
    let time = pairs(words[1], gap, 0x7676_7f76_767f_7676)?;
    let (tens, ones) = (clock[17].wrapping_sub(b'0'), clock[18].wrapping_sub(b'0'));
    let year = i64::from(date[0]) * 100 + i64::from(date[2]);
    let [month, day, hour, minute] = [date[5], time[0], time[3], time[6]].map(i64::from);
    let second = i64::from(tens) * 10 + i64::from(ones);
    if clock[16] != b':' || tens > 9 || ones > 9 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, rest) = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            let micros = fraction[..digits.min(6)]
                .iter()
                .fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
            (micros * 10_i64.pow(6 - digits.min(6) as u32), &fraction[digits..])
        }
        _ => (0, rest),
    };
    let zone = match rest {
        [] => None,
        b"Z" => Some(Zone::UTC),
        _ => return None,
    };
    let local_us =
        civil_days(year, month, day)? * MICROS_PER_DAY + (hour * 3600 + minute * 60 + second) * 1_000_000 + micros;
    Some(ParsedTimestamp { local_us, zone })
}

/// Reads eight bytes that are written as `form`, which has a 0 for each digit, and returns at each place the number that its
/// digit and the next make. `None` if another byte stands somewhere. `above` has 0x76 for a digit and 0x7f for any other
/// byte: added to what differs from the form, it reaches 0x80 where that is too much.
#[inline]
fn pairs(written: [u8; 8], form: [u8; 8], above: u64) -> Option<[u8; 8]> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let digits = u64::from_le_bytes(written) ^ u64::from_le_bytes(form);
    if (digits | (digits & !HIGH).wrapping_add(above)) & HIGH != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)).to_le_bytes())
}

/// Returns year, month and day of the day that is so many days after 1970-01-01: the inverse of [`civil_days`].
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

/// Returns how many days after 1970-01-01 a day is; `None` if the month does not have it.
///
/// Years are counted from March on, so that the leap day is the last.
fn civil_days(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = *LENGTHS.get(usize::try_from(month - 1).ok()?)? + i64::from(leap && month == 2);
    if day < 1 || day > length {
        return None;
    }
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before = years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    Some(before + (months * 153 + 2) / 5 + day - 1 - 719_468)
}

/// Reads the words that a cast takes for true and false: `t`, `true`, `y`, `yes`, `1` and their
/// opposites, in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
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
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
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
    let text = text.trim();
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
    let text = ascii_digits(text.trim()).to_ascii_lowercase();
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
    fn days_of_the_calendar_are_chronos() {
        for year in (0..=9999).filter(|y| y % 37 == 0 || (1896..2105).contains(y)) {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let wanted = NaiveDate::from_ymd_opt(year, month, day).map(|d| i64::from(days_of(d)));
                let found = civil_days(i64::from(year), i64::from(month), i64::from(day));
                assert_eq!(found, wanted, "{year}-{month}-{day}");
            }
        }
        let us = |text: &str| parse_timestamp(text).map(|t| t.local_us);
        assert_eq!(us("2024-02-29T23:59:59.1234567Z"), Some(1_709_251_199_123_456));
        assert_eq!(us("1969-12-31 23:59:59.9"), Some(-100_000));
        // Any other byte in any place is no time that is written so, digits and the mark of the day aside.
        let right = b"2024-03-01T10:11:12";
        for (at, byte) in (0..19).flat_map(|at| (0..=255_u8).map(move |byte| (at, byte))) {
            let mut wrong = *right;
            wrong[at] = byte;
            let is_digit = right[at].is_ascii_digit() && byte.is_ascii_digit();
            if is_digit || byte == right[at] || (at == 10 && byte == b' ') {
                continue;
            }
            assert_eq!(parse_iso(&wrong).map(|t| t.local_us), None, "{byte} at {at}");
        }
        for wrong in [
            "2023-02-29T00:00:00",
            "2024-03-01T10:11:1:",
            "2024-03-01T1/:11:12",
            "2024-03-01T24:00:00",
            "2024-03-01T10:11:12.",
            "2024-03-01t10:11:12",
            "2024+03-01T10:11:12",
            "2024-03-01T10:11.12",
            "2024-03-01T10-11:12",
            "2024-\u{b3}\u{b3}1T10:11:12",
        ] {
            assert_eq!(parse_iso(wrong.as_bytes()).map(|t| t.local_us), None, "{wrong}");
        }
    }

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
    fn timestamps_are_read_in_sparks_lenient_forms() {
        let at = |text: &str| parse_timestamp(text).map(|t| t.instant(Zone::UTC));
        let noon = Some(1_709_294_400_000_000);
        for text in [
            "2024-03-01T12:00:00Z",
            "2024-03-01 12:00:00",
            "2024-3-1 12:0",
            "2024-03-01T14:00:00+02:00",
            " 2024-03-01 12:00:00.000 ",
        ] {
            assert_eq!(at(text), noon, "{text}");
        }
        assert_eq!(at("2024-03-01"), Some(1_709_251_200_000_000));
        assert_eq!(at("2024-03-01T12:00:00.123456789Z"), Some(1_709_294_400_123_456));
        for bad in [
            "2024-02-30",
            "noon",
            "2024-03-01 25:00",
            "2024-03-01 12:00:00 nowhere",
            "",
            "24-03-01",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
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
