//! Date and time patterns of `java.time.format.DateTimeFormatter`, as Spark reads them: compiling and
//! formatting.
//!
//! Which letters Spark takes is `DateTimeFormatterHelper`'s rule: week-based letters and some lengths
//! are refused, and where the parser before Spark 3 (`SimpleDateFormat`) would have taken the pattern,
//! the error says so. Text is English. Parsing is in [`crate::values::java_parse`].
//!
//! ```text
//! yyyy-MM-dd['T'HH:mm]
//! Field(y,4) Literal(-) Field(M,2) Literal(-) Field(d,2)
//! OptionalStart Literal(T) Field(H,2) Literal(:) Field(m,2) OptionalEnd
//! ```
//!
//! Callers keep the last compiled pattern, since formats are constants in nearly every query.

use chrono::{Datelike, Timelike};

use crate::error::{Exception, Result, SparkError};
use crate::values::text;
use crate::values::zone::Zone;

/// English names of the months, January first; their first three letters are the short names.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// English names of the days of a week, Monday first; their first three letters are the short names.
pub const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Characters that stand for themselves, quotes removed.
    Literal(String),
    /// A letter and how often it is repeated.
    Field(char, usize),
    /// `[`: what follows may be missing from the string that is parsed. Formatting writes it always.
    OptionalStart,
    /// `]`: the end of what may be missing.
    OptionalEnd,
}

/// A compiled pattern.
///
/// ```
/// use rivulet::values::{java_format::Pattern, zone::Zone};
///
/// let pattern = Pattern::new("EEE d MMM yyyy, HH:mm:ss.SSS", false)?;
/// assert_eq!(pattern.format(1_709_647_506_789_123, Zone::UTC)?, "Tue 5 Mar 2024, 14:05:06.789");
///
/// let refused = Pattern::new("ww", false).unwrap_err();
/// assert_eq!(
///     refused.condition.as_deref(),
///     Some("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
/// );
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Its elements, in order; starts and ends of optional sections pair up, but that a last end may be
    /// missing.
    pub parts: Vec<Part>,
}

/// Letters of `SimpleDateFormat`.
const LEGACY: &str = "GyYMLwWDdFEuaHkKhmsSzZX";

impl Pattern {
    /// Compiles a pattern; `parsing` refuses the letters that can only format.
    ///
    /// # Errors
    /// If Spark 2 knew the pattern, `INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION`;
    /// else `INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN` or
    /// `INVALID_DATETIME_PATTERN.*`.
    pub fn new(text: &str, parsing: bool) -> Result<Self> {
        Self::read(text, parsing).map_err(|error| if legacy(text) { recognition(text) } else { error })
    }

    /// Compiles a pattern, with errors that do not look at what Spark 2 knew.
    ///
    /// Two quotes are one quote, within quotes as well as outside. An unclosed quote, a `]` without `[` and
    /// the characters that Java reserves (`{`, `}`, `#`) are refused.
    fn read(text: &str, parsing: bool) -> Result<Self> {
        let mut parts = Vec::new();
        let mut chars = text.chars().peekable();
        let mut depth = 0;
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    literal(&mut parts, '\'');
                }
                '\'' => {
                    let mut closed = false;
                    while let Some(inner) = chars.next() {
                        if inner != '\'' {
                            literal(&mut parts, inner);
                        } else if chars.peek() == Some(&'\'') {
                            chars.next();
                            literal(&mut parts, '\'');
                        } else {
                            closed = true;
                            break;
                        }
                    }
                    if !closed {
                        return Err(suggestion(text));
                    }
                }
                '[' => {
                    depth += 1;
                    parts.push(Part::OptionalStart);
                }
                ']' if depth > 0 => {
                    depth -= 1;
                    parts.push(Part::OptionalEnd);
                }
                '{' | '}' | '#' | ']' => return Err(suggestion(text)),
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.peek() == Some(&c) {
                        chars.next();
                        count += 1;
                    }
                    check(text, c, count, parsing)?;
                    parts.push(Part::Field(c, count));
                }
                other => literal(&mut parts, other),
            }
        }
        Ok(Self { parts })
    }

    /// Writes an instant (µs since the epoch) in a zone.
    ///
    /// Fractions are cut off, not rounded. A year with more digits than its letters is written with a plus,
    /// as Java does.
    ///
    /// # Errors
    /// If the year is beyond what chrono can hold, `DATETIME_OVERFLOW`.
    pub fn format(&self, instant_us: i64, zone: Zone) -> Result<String> {
        let local_us = zone.to_local(instant_us);
        let time = text::clock(local_us).ok_or_else(|| {
            SparkError::new(
                Exception::DateTime,
                "DATETIME_OVERFLOW",
                "22008",
                "the year is out of range",
            )
        })?;
        let mut out = String::new();
        let has_era = self.parts.iter().any(|part| matches!(part, Part::Field('G', _)));
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field('y', count) if has_era => year_of_era(time.year(), *count, &mut out),
                Part::Field(letter, count) => field(*letter, *count, time, instant_us, zone, &mut out),
                Part::OptionalStart | Part::OptionalEnd => {}
            }
        }
        Ok(out)
    }
}

/// Appends a character to the literal at the end of the parts, or begins one.
fn literal(parts: &mut Vec<Part>, c: char) {
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(c),
        _ => parts.push(Part::Literal(c.into())),
    }
}

/// Checks that Spark takes this letter, so often repeated, in this direction.
///
/// # Errors
/// If it does not: the condition says whether the letter, its number or the whole pattern is wrong.
fn check(text: &str, letter: char, count: usize, parsing: bool) -> Result<()> {
    match letter {
        'Y' | 'W' | 'w' | 'u' | 'e' | 'c' => {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
                "42K0B",
                format!(
                    "You may get a different result due to the upgrading to Spark >= 3.0: All week-based patterns are unsupported since Spark 3.0, \
                     detected week-based character: {letter}. Please use the SQL function EXTRACT instead."
                ),
            )
            .with("c", letter.to_string()));
        }
        'A' | 'B' | 'n' | 'N' | 'p' => return Err(illegal(text, letter)),
        'E' | 'F' | 'q' | 'Q' if parsing => return Err(illegal(text, letter)),
        _ => {}
    }
    let most = match letter {
        'y' => 6,
        'G' | 'M' | 'L' | 'E' | 'Q' | 'q' | 'z' | 'O' => 4,
        'D' => 3,
        'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' | 'V' => 2,
        'S' => 9,
        'a' | 'F' => 1,
        'Z' | 'X' | 'x' => 5,
        _ => return Err(suggestion(text)),
    };
    if count > most {
        return Err(SparkError::new(
            Exception::IllegalArgument,
            "INVALID_DATETIME_PATTERN.LENGTH",
            "22007",
            format!("Unrecognized datetime pattern: '{text}'. Too many letters in datetime pattern: {letter}."),
        )
        .with("pattern", format!("'{text}'")));
    }
    if (letter == 'V' && count != 2) || (letter == 'O' && !matches!(count, 1 | 4)) {
        return Err(suggestion(text));
    }
    Ok(())
}

/// Returns whether `SimpleDateFormat` would have taken the pattern.
fn legacy(text: &str) -> bool {
    let mut quoted = false;
    let letters = text.chars().all(|c| {
        quoted ^= c == '\'';
        quoted || !c.is_ascii_alphabetic() || LEGACY.contains(c)
    });
    letters && !quoted
}

/// Makes the error of a pattern that only Spark 2 knew.
fn recognition(text: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
        "42K0B",
        format!("You may get a different result due to the upgrading to Spark >= 3.0: Fail to recognize '{text}' pattern in the DateTimeFormatter."),
    )
    .with("pattern", format!("'{text}'"))
    .with("config", "\"spark.sql.legacy.timeParserPolicy\"")
    .with("docroot", "https://spark.apache.org/docs/latest")
}

/// Makes the error of a letter that cannot be used here.
fn illegal(text: &str, letter: char) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
        "22007",
        format!("Unrecognized datetime pattern: '{text}'. Illegal pattern character found in datetime pattern: {letter}. Please provide legal character."),
    )
    .with("c", letter.to_string())
    .with("pattern", format!("'{text}'"))
}

/// Makes the error of a pattern that is wrong in any other way.
fn suggestion(text: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "INVALID_DATETIME_PATTERN.WITH_SUGGESTION",
        "22007",
        format!("Unrecognized datetime pattern: '{text}'. You can form a valid datetime pattern by following the guide of Spark's datetime patterns."),
    )
    .with("pattern", format!("'{text}'"))
}

/// Writes one field of a time; how often its letter is repeated decides on width and form.
fn field(letter: char, count: usize, time: chrono::NaiveDateTime, instant_us: i64, zone: Zone, out: &mut String) {
    let number = |n: u32, out: &mut String| out.push_str(&format!("{n:0count$}"));
    let hour = time.hour();
    match letter {
        'y' => year(time.year(), count, out),
        'G' => out.push_str(match (time.year() > 0, count) {
            (true, 1..=3) => "AD",
            (false, 1..=3) => "BC",
            (true, _) => "Anno Domini",
            (false, _) => "Before Christ",
        }),
        'M' | 'L' => match (count, MONTHS[time.month0() as usize]) {
            (1 | 2, _) => number(time.month(), out),
            (3, name) => out.push_str(&name[..3]),
            (_, name) => out.push_str(name),
        },
        'Q' | 'q' => {
            let quarter = time.month0() / 3 + 1;
            match count {
                1 | 2 => number(quarter, out),
                3 => out.push_str(&format!("Q{quarter}")),
                _ => out.push_str(["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"][quarter as usize - 1]),
            }
        }
        'd' => number(time.day(), out),
        'D' => number(time.ordinal(), out),
        // Spark and Java count the day of the week's ordinal within aligned weeks of the month.
        'F' => number((time.day() - 1) % 7 + 1, out),
        'E' => {
            let name = DAYS[time.weekday().num_days_from_monday() as usize];
            out.push_str(if count < 4 { &name[..3] } else { name });
        }
        'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'H' => number(hour, out),
        'k' => number(if hour == 0 { 24 } else { hour }, out),
        'K' => number(hour % 12, out),
        'h' => number((hour + 11) % 12 + 1, out),
        'm' => number(time.minute(), out),
        's' => number(time.second(), out),
        'S' => {
            let digits = format!("{:09}", time.nanosecond() % 1_000_000_000);
            out.push_str(&digits[..count.min(9)]);
        }
        _ => zone_field(letter, count, instant_us, zone, out),
    }
}

/// Writes a year as its era counts it: 1 BC is the year before 1 AD.
fn year_of_era(of_calendar: i32, count: usize, out: &mut String) {
    let counted = if of_calendar > 0 { of_calendar } else { 1 - of_calendar };
    year(counted, count, out);
}

/// Writes a year, padded to `count` digits (`SignStyle.EXCEEDS_PAD`).
fn year(year: i32, count: usize, out: &mut String) {
    if count == 2 {
        out.push_str(&format!("{:02}", year.rem_euclid(100)));
        return;
    }
    let sign = if year < 0 { "-" } else { "" };
    let digits = format!("{:0count$}", year.unsigned_abs());
    // More digits than the pattern pads to are marked (`SignStyle.EXCEEDS_PAD`).
    let plus = if year > 0 && count >= 4 && digits.len() > count {
        "+"
    } else {
        ""
    };
    out.push_str(&format!("{sign}{plus}{digits}"));
}

/// Writes an offset, the name or the id of a zone, whichever the letter asks for.
fn zone_field(letter: char, count: usize, instant_us: i64, zone: Zone, out: &mut String) {
    let offset = zone.offset_at(instant_us);
    let (sign, total) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
    let localized = |full: bool| match (offset, full) {
        (0, _) => "GMT".to_owned(),
        (_, true) => format!("GMT{sign}{h:02}:{m:02}"),
        (_, false) if m == 0 => format!("GMT{sign}{h}"),
        (_, false) => format!("GMT{sign}{h}:{m:02}"),
    };
    let seconds = |colon: &str| {
        if s == 0 {
            String::new()
        } else {
            format!("{colon}{s:02}")
        }
    };
    match (letter, count) {
        ('X', _) | ('Z', 5) if offset == 0 => out.push('Z'),
        ('X' | 'x', 1) => {
            out.push_str(&format!("{sign}{h:02}"));
            if m != 0 {
                out.push_str(&format!("{m:02}"));
            }
        }
        ('X' | 'x', 2) => out.push_str(&format!("{sign}{h:02}{m:02}")),
        ('X' | 'x', 3) => out.push_str(&format!("{sign}{h:02}:{m:02}")),
        ('X' | 'x', 4) => out.push_str(&format!("{sign}{h:02}{m:02}{}", seconds(""))),
        ('X' | 'x' | 'Z', 5) => out.push_str(&format!("{sign}{h:02}:{m:02}{}", seconds(":"))),
        ('Z', 1..=3) => out.push_str(&format!("{sign}{h:02}{m:02}")),
        ('Z', _) | ('O', 4) => out.push_str(&localized(true)),
        ('O', _) => out.push_str(&localized(false)),
        ('z', _) => out.push_str(&zone_name(zone, instant_us, count == 4)),
        _ => out.push_str(&zone_id(zone)),
    }
}

/// Returns a zone's id (`ZoneId.getId`): the region's name, `UTC`, or the offset as `+02:00`.
pub fn zone_id(zone: Zone) -> String {
    match zone {
        Zone::Region(tz) => tz.name().to_owned(),
        Zone::Fixed(0) => "UTC".to_owned(),
        Zone::Fixed(offset) => {
            let (sign, total) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
            format!("{sign}{:02}:{:02}", total / 3600, total / 60 % 60)
        }
    }
}

/// Returns `PST`, or `Pacific Standard Time` in full if the long name is known.
fn zone_name(zone: Zone, instant_us: i64, full: bool) -> String {
    use chrono::TimeZone;
    use chrono_tz::OffsetName;
    const FULL: &[(&str, &str)] = &[
        ("UTC", "Coordinated Universal Time"),
        ("GMT", "Greenwich Mean Time"),
        ("PST", "Pacific Standard Time"),
        ("PDT", "Pacific Daylight Time"),
        ("MST", "Mountain Standard Time"),
        ("MDT", "Mountain Daylight Time"),
        ("CST", "Central Standard Time"),
        ("CDT", "Central Daylight Time"),
        ("EST", "Eastern Standard Time"),
        ("EDT", "Eastern Daylight Time"),
        ("CET", "Central European Standard Time"),
        ("CEST", "Central European Summer Time"),
        ("EET", "Eastern European Standard Time"),
        ("EEST", "Eastern European Summer Time"),
        ("BST", "British Summer Time"),
        ("IST", "India Standard Time"),
        ("JST", "Japan Standard Time"),
    ];
    let short = match zone {
        Zone::Region(tz) => match chrono::DateTime::from_timestamp_micros(instant_us) {
            Some(instant) => tz
                .offset_from_utc_datetime(&instant.naive_utc())
                .abbreviation()
                .unwrap_or(tz.name())
                .to_owned(),
            None => tz.name().to_owned(),
        },
        Zone::Fixed(_) => zone_id(zone),
    };
    if !full {
        return short;
    }
    FULL.iter()
        .find(|(name, _)| *name == short)
        .map_or(short, |(_, long)| (*long).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_equals_javas() {
        let us = 1_709_647_506_789_123;
        for (pattern, text) in [
            ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-03-05 14:05:06.789123"),
            ("EEEE E MMMM MMM MM hh:mm a", "Tuesday Tue March Mar 03 02:05 PM"),
            ("D DDD d dd Q QQ QQQ q QQQQ", "65 065 5 05 1 01 Q1 1 1st quarter"),
            ("K k kk h G GGGG yy yyyyy", "2 14 14 2 AD Anno Domini 24 02024"),
            (
                "X XX XXX x xx xxx Z ZZZZ ZZZZZ z zzzz VV O OOOO",
                "Z Z Z +00 +0000 +00:00 +0000 GMT Z UTC Coordinated Universal Time UTC GMT GMT",
            ),
            ("'day' dd 'it''s'", "day 05 it's"),
        ] {
            assert_eq!(
                Pattern::new(pattern, false).unwrap().format(us, Zone::UTC).unwrap(),
                text
            );
        }
    }

    #[test]
    fn what_spark_2_knew_and_spark_3_does_not_is_told_apart() {
        for (pattern, parsing, condition) in [
            (
                "YYYY-MM-dd",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            (
                "EEE MMM dd",
                true,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            (
                "e",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
            ),
            ("A", false, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"),
            ("b", false, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
        ] {
            assert_eq!(
                Pattern::new(pattern, parsing).unwrap_err().condition.as_deref(),
                Some(condition),
                "{pattern}"
            );
        }
    }
}
