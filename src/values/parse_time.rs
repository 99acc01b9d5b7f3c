//! Strings as dates and times, the way Spark's casts read them (`SparkDateTimeUtils.stringToDate` and
//! `parseTimestampString`).
//!
//! ```text
//! 2024   2024-3   2024-03-01 anything            dates; what follows a whole day is not looked at
//! 2024-3-1 1:2   2024-03-01T10:11:12.5 +02:00    times; a zone follows the seconds
//! 10:11   T10                                    times of a day that the string leaves open
//! ```
//!
//! Blanks and control characters around are ignored. What is not a date or a time is `None`:
//! [`cast`](super::cast) makes of it an error or null by its mode.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use datafusion_common::Result as DfResult;

use crate::values::cast::{Mode, each};
use crate::values::text::{MICROS_PER_DAY, trimmed};
use crate::values::types;
use crate::values::zone::Zone;

/// Reads a date as days since 1970-01-01: `2024`, `2024-3`, `2024-03-01`.
///
/// What follows the day after a blank or a `T` is ignored, as in Spark; nothing may follow a year or a month. Years have
/// four to seven digits and may have a sign.
pub fn parse_date(text: &str) -> Option<i32> {
    let text = trimmed(text);
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = body.find([' ', 'T']).unwrap_or(body.len());
    let mut parts = body[..end].split('-');
    let year = number(parts.next()?, 4, 7)?;
    let month = parts.next().map(|p| number(p, 1, 2).ok_or(())).transpose().ok()?;
    let day = parts.next().map(|p| number(p, 1, 2).ok_or(())).transpose().ok()?;
    if parts.next().is_some() || day.is_none() && end < body.len() {
        return None;
    }
    let year = if negative { -year } else { year };
    let days = civil_days(year.into(), month.unwrap_or(1).into(), day.unwrap_or(1).into())?;
    i32::try_from(days).ok()
}

/// Reads a number of `least` to `most` ASCII digits and nothing else.
fn number(text: &str, least: usize, most: usize) -> Option<i32> {
    ((least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// What a string says of a time: a wall clock, and the zone it names, if any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParsedTimestamp {
    /// The wall clock, in µs since the local epoch; without a day, in µs since midnight.
    local_us: i64,
    /// Whether the string has a day.
    has_day: bool,
    /// The zone that the string names; `None` leaves it to the session.
    pub zone: Option<Zone>,
}

impl ParsedTimestamp {
    /// Returns the wall clock in µs since the local epoch; `None` if the string has no day.
    pub fn wall_clock(&self) -> Option<i64> {
        self.has_day.then_some(self.local_us)
    }

    /// Returns the instant in µs, in the session zone if the string names none; `None` if it has no day, or beyond the
    /// instants that there are.
    pub fn instant(&self, session: Zone) -> Option<i64> {
        let zone = self.zone.unwrap_or(session);
        zone.checked_instant(self.wall_clock()?)
    }

    /// Returns the instant in µs; on the day that its zone has at `now_us` if the string has none.
    pub fn instant_at(&self, session: Zone, now_us: i64) -> Option<i64> {
        if self.has_day {
            return self.instant(session);
        }
        let zone = self.zone.unwrap_or(session);
        let midnight = zone
            .to_local(now_us)
            .div_euclid(MICROS_PER_DAY)
            .checked_mul(MICROS_PER_DAY)?;
        zone.checked_instant(midnight.checked_add(self.local_us)?)
    }
}

/// Reads a date, a clock and a zone, of which all after the year may be missing; or a clock and a zone.
///
/// `T` or a blank stands before the clock, whose parts have one or two digits; of a fraction six digits count. A zone follows
/// the seconds, and is any name that [`Zone::parse`] reads. A clock alone has minutes or begins with a `T`. A leap second
/// (`:60`) is refused.
///
/// ```
/// use rivulet::values::{parse_time::parse_timestamp, zone::Zone};
///
/// let rome = Zone::parse("Europe/Rome").unwrap_or(Zone::UTC);
/// let of = |text: &str| parse_timestamp(text).and_then(|parsed| parsed.instant(rome));
/// assert_eq!(of("1970-01-01 01:00"), Some(0));
/// assert_eq!(of("1970-01-01T01:00:00Z"), Some(3_600_000_000));
/// assert_eq!(of("yesterday"), None);
/// ```
pub fn parse_timestamp(text: &str) -> Option<ParsedTimestamp> {
    if let Some(fast) = parse_iso(text.as_bytes()) {
        return Some(fast);
    }
    if let Some(clock) = text.strip_prefix('T') {
        let (of_day, zone) = parse_clock(clock.trim_end_matches(crate::values::text::is_blank))?;
        return Some(ParsedTimestamp {
            local_us: of_day,
            has_day: false,
            zone,
        });
    }
    let text = trimmed(text);
    let start = usize::from(text.starts_with(['+', '-']));
    let end = text[start..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(text.len(), |i| i + start);
    if start == 0 && text[end..].starts_with(':') {
        let (of_day, zone) = parse_clock(text)?;
        return Some(ParsedTimestamp {
            local_us: of_day,
            has_day: false,
            zone,
        });
    }
    // Years of a time have a digit less than those of a date.
    let split = text[start..].find([' ', 'T']).map_or(text.len(), |i| i + start);
    if end - start > 6 || split < text.len() && text[start..split].split('-').count() != 3 {
        return None;
    }
    let days = i128::from(parse_date(&text[..split])?);
    let (of_day, zone) = match text.get(split + 1..) {
        None => (0, None),
        Some(clock) => parse_clock(clock)?,
    };
    // Midnight of the first day is before the first time.
    let local_us = days * i128::from(MICROS_PER_DAY) + i128::from(of_day);
    Some(ParsedTimestamp {
        local_us: i64::try_from(local_us).ok()?,
        has_day: true,
        zone,
    })
}

/// Returns the instants that strings say, by the rules of a cast; one without a day is on that of `now_us`, or no time if that
/// is not given.
///
/// # Errors
/// If a string is not a time, `CAST_INVALID_INPUT` under ANSI.
pub fn instants(texts: &StringArray, mode: Mode, zone: Zone, now_us: Option<i64>) -> DfResult<ArrayRef> {
    let to = types::timestamp();
    let parse = |text: &str| {
        let parsed = parse_timestamp(text)?;
        match now_us {
            Some(now_us) => parsed.instant_at(zone, now_us),
            None => parsed.instant(zone),
        }
    };
    let instants = TimestampMicrosecondArray::from(each(texts, &to, mode, parse)?);
    Ok(Arc::new(instants.with_timezone(types::UTC)))
}

/// Reads `HH[:mm[:ss[.f…][zone]]]` as µs since midnight and a zone.
fn parse_clock(clock: &str) -> Option<(i64, Option<Zone>)> {
    let mut parts = clock.splitn(3, ':');
    let hour = number(parts.next()?, 1, 2)?;
    let minute = parts.next().map_or(Some(0), |p| number(p, 1, 2))?;
    let (mut second, mut micros, mut zone) = (0, 0, None);
    if let Some(rest) = parts.next() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (seconds, rest) = rest.split_at(digits(rest));
        second = number(seconds, 1, 2)?;
        let mut name = rest;
        if let Some(fraction) = rest.strip_prefix('.') {
            let (fraction, after) = fraction.split_at(digits(fraction));
            micros = format!("{:0<6}", &fraction[..fraction.len().min(6)]).parse().ok()?;
            name = after;
        }
        if !name.is_empty() {
            zone = Some(Zone::parse(name)?);
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some((seconds * 1_000_000 + micros, zone))
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
    Some(ParsedTimestamp {
        local_us,
        has_day: true,
        zone,
    })
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
#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::values::text::days_of;

    #[test]
    fn days_of_the_calendar_are_chronos() {
        for year in (0..=9999).filter(|y| y % 37 == 0 || (1896..2105).contains(y)) {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let wanted = NaiveDate::from_ymd_opt(year, month, day).map(|d| i64::from(days_of(d)));
                let found = civil_days(i64::from(year), i64::from(month), i64::from(day));
                assert_eq!(found, wanted, "{year}-{month}-{day}");
            }
        }
        let us = |text: &str| parse_timestamp(text).and_then(|t| t.wall_clock());
        assert_eq!(us("2024-02-29T23:59:59.1234567Z"), Some(1_709_251_199_123_456));
        assert_eq!(us("1969-12-31 23:59:59.9"), Some(-100_000));
        // With any other byte in any place the string is not a time of this form, except for digits and the mark of the day.
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
    fn timestamps_are_read_in_sparks_lenient_forms() {
        let at = |text: &str| parse_timestamp(text).and_then(|t| t.instant(Zone::UTC));
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
}
