//! Strings to times by a [`Pattern`]: strict about values, blind to case, as Spark's
//! `DateTimeFormatter` is.
//!
//! What a string leaves open is filled from 1970-01-01 00:00:00. Numbers that stand directly next to
//! each other share their digits as in Java: fixed widths are reserved for the fields that follow.
//!
//! ```text
//! pattern yyyyMMdd   "20240305"     y takes what M and d leave: 2024 03 05
//! pattern yyyyMMdd   "120240305"    12024 03 05
//! ```
//!
//! Parsing has two steps: `parse_parts` walks pattern and string side by side and notes `Fields`,
//! `resolve` makes a wall clock of them. Failures are strings in Java's words; the kernels put them
//! into `CANNOT_PARSE_TIMESTAMP`.

use chrono::NaiveDate;

use crate::values::java_format::{MONTHS, Part, Pattern};
use crate::values::text::days_of;
use crate::values::zone::Zone;

/// µs in a day.
const DAY_US: i64 = 86_400_000_000;

/// What a string said; `None` for what it left open.
#[derive(Debug, Default, Clone)]
struct Fields {
    /// The year, before eras are considered.
    year: Option<i64>,
    /// 1 to 12.
    month: Option<i64>,
    /// Day of the month, from 1.
    day: Option<i64>,
    /// Day of the year, from 1; it counts only if there is no month.
    day_of_year: Option<i64>,
    /// Hour of the day, 0 to 23.
    hour: Option<i64>,
    /// Hour of the half day, 0 to 11; it counts only if there is no hour of the day.
    hour_of_half: Option<i64>,
    /// Whether the half day is the second one.
    afternoon: Option<bool>,
    /// 0 to 59.
    minute: Option<i64>,
    /// 0 to 59.
    second: Option<i64>,
    /// The fraction of the second.
    micros: i64,
    /// Whether years count backwards: 1 BC is year 0.
    before_christ: bool,
    /// The zone or offset that was named.
    zone: Option<Zone>,
}

impl Pattern {
    /// Returns the wall clock (µs since the local epoch) and the zone, if the string names one.
    ///
    /// ```
    /// use rivulet::values::{java_format::Pattern, text, zone::Zone};
    ///
    /// let pattern = Pattern::new("d/M/yyyy[ HH:mm][ XXX]", true)?;
    /// let (local, zone) = pattern.parse("5/3/2024 14:05 +02:00").unwrap_or_default();
    /// assert_eq!(text::timestamp(local), "2024-03-05 14:05:00");
    /// assert_eq!(zone, Some(Zone::Fixed(7_200)));
    /// assert!(pattern.parse("31/2/2024").is_err());
    /// # Ok::<(), rivulet::error::SparkError>(())
    /// ```
    ///
    /// # Errors
    /// If the string does not match or names a day that does not exist: why, in Java's words.
    pub fn parse(&self, text: &str) -> Result<(i64, Option<Zone>), String> {
        let mut fields = Fields::default();
        let end = parse_parts(&self.parts, text, 0, &mut fields)
            .map_err(|failure| format!("Text '{text}' could not be parsed{failure}"))?;
        if end < text.len() {
            return Err(format!(
                "Text '{text}' could not be parsed, unparsed text found at index {end}"
            ));
        }
        let local = resolve(&fields).map_err(|why| format!("Text '{text}' could not be parsed: {why}"))?;
        Ok((local, fields.zone))
    }
}

/// Reads the parts from byte `at` of the string and returns where they ended.
///
/// An optional section that does not match leaves no trace.
///
/// # Errors
/// If a part does not match: the rest of Java's sentence, which names the index.
fn parse_parts(parts: &[Part], text: &str, mut at: usize, fields: &mut Fields) -> Result<usize, String> {
    let mut i = 0;
    while i < parts.len() {
        match &parts[i] {
            Part::Literal(literal) => {
                let found = text
                    .get(at..at + literal.len())
                    .is_some_and(|t| t.eq_ignore_ascii_case(literal));
                if !found {
                    return Err(format!(" at index {at}"));
                }
                at += literal.len();
            }
            Part::Field(letter, count) => at = parse_field(*letter, *count, &parts[i + 1..], text, at, fields)?,
            Part::OptionalStart => {
                let inner_end = closing(parts, i);
                let mut tried = fields.clone();
                if let Ok(end) = parse_parts(&parts[i + 1..inner_end], text, at, &mut tried) {
                    *fields = tried;
                    at = end;
                }
                i = inner_end;
            }
            Part::OptionalEnd => {}
        }
        i += 1;
    }
    Ok(at)
}

/// Returns where the optional section that begins at `start` ends.
fn closing(parts: &[Part], start: usize) -> usize {
    let mut depth = 0;
    for (i, part) in parts.iter().enumerate().skip(start) {
        match part {
            Part::OptionalStart => depth += 1,
            Part::OptionalEnd => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    parts.len()
}

/// Returns the least and most digits of a numeric field; `None` for a textual one.
fn width(letter: char, count: usize) -> Option<(usize, usize)> {
    Some(match (letter, count) {
        ('y', 2) => (2, 2),
        ('y', n) => (n, 19),
        ('M' | 'L', 3..) => return None,
        ('D', 2) => (2, 3),
        ('S', n) => (1, n),
        ('M' | 'L' | 'd' | 'D' | 'H' | 'h' | 'k' | 'K' | 'm' | 's', 1) => (1, 19),
        ('M' | 'L' | 'd' | 'D' | 'H' | 'h' | 'k' | 'K' | 'm' | 's', n) => (n, n),
        _ => return None,
    })
}

/// Reads one field and returns where it ended. `behind` are the parts that follow, which may claim
/// digits.
///
/// # Errors
/// If there are too few digits, or their number is out of the field's range.
fn parse_field(
    letter: char,
    count: usize,
    behind: &[Part],
    text: &str,
    at: usize,
    fields: &mut Fields,
) -> Result<usize, String> {
    let here = || format!(" at index {at}");
    let rest = text.get(at..).ok_or_else(here)?;
    let Some((least, most)) = width(letter, count) else {
        return word(letter, count, rest, fields).map(|used| at + used).ok_or_else(here);
    };
    let signed = letter == 'y' && count != 2 && rest.starts_with(['-', '+']);
    let digits = &rest[usize::from(signed)..];
    let available = digits.bytes().take_while(u8::is_ascii_digit).count();
    let reserved: usize = if least == most {
        0
    } else {
        let fixed = behind.iter().map_while(|p| match p {
            Part::Field(letter, count) => width(*letter, *count)
                .filter(|(a, b)| a == b || *letter == 'S')
                .map(|(a, _)| a),
            _ => None,
        });
        fixed.sum()
    };
    let taken = available.saturating_sub(reserved).min(most);
    if taken < least {
        return Err(here());
    }
    let value: i64 = digits[..taken].parse().map_err(|_| here())?;
    let value = if rest.starts_with('-') && signed { -value } else { value };
    store(letter, count, value, &digits[..taken], fields)?;
    Ok(at + usize::from(signed) + taken)
}

/// Notes a number, checked against the field's range; two-digit years are of this century.
///
/// # Errors
/// If it is out of range: Java's sentence, with the field's name and its valid values.
fn store(letter: char, count: usize, value: i64, digits: &str, fields: &mut Fields) -> Result<(), String> {
    let within = |name: &str, least: i64, most: i64| {
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(format!(
                ": Invalid value for {name} (valid values {least} - {most}): {value}"
            ))
        }
    };
    match letter {
        'y' if count == 2 => fields.year = Some(2000 + value),
        'y' => fields.year = Some(value),
        'M' | 'L' => fields.month = Some(within("MonthOfYear", 1, 12)?),
        'd' => fields.day = Some(within("DayOfMonth", 1, 31)?),
        'D' => fields.day_of_year = Some(within("DayOfYear", 1, 366)?),
        'H' => fields.hour = Some(within("HourOfDay", 0, 23)?),
        'k' => fields.hour = Some(within("ClockHourOfDay", 1, 24)? % 24),
        'K' => fields.hour_of_half = Some(within("HourOfAmPm", 0, 11)?),
        'h' => fields.hour_of_half = Some(within("ClockHourOfAmPm", 1, 12)? % 12),
        'm' => fields.minute = Some(within("MinuteOfHour", 0, 59)?),
        's' => fields.second = Some(within("SecondOfMinute", 0, 59)?),
        _ => fields.micros = format!("{:0<6}", &digits[..digits.len().min(6)]).parse().unwrap_or(0),
    }
    Ok(())
}

/// Reads a textual field: names of months and halves, eras, zones. Returns how many bytes it took;
/// `None` if nothing matched.
fn word(letter: char, count: usize, rest: &str, fields: &mut Fields) -> Option<usize> {
    let starts = |name: &str| rest.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
    match letter {
        'M' | 'L' => {
            let at = MONTHS
                .iter()
                .position(|m| starts(if count == 3 { &m[..3] } else { m }))?;
            fields.month = Some(at as i64 + 1);
            Some(if count == 3 { 3 } else { MONTHS[at].len() })
        }
        'a' => {
            fields.afternoon = Some(if starts("PM") {
                true
            } else if starts("AM") {
                false
            } else {
                return None;
            });
            Some(2)
        }
        'G' => {
            let name = ["AD", "BC", "Anno Domini", "Before Christ"]
                .into_iter()
                .rev()
                .find(|n| starts(n))?;
            fields.before_christ = name.starts_with('B');
            Some(name.len())
        }
        'X' | 'x' | 'Z' | 'O' => offset(letter, count, rest, fields),
        'V' | 'z' => {
            let length = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "/_+-:".contains(c)))
                .unwrap_or(rest.len());
            let name = &rest[..length];
            let short = [
                ("PDT", "America/Los_Angeles"),
                ("MST", "America/Denver"),
                ("MDT", "America/Denver"),
                ("CDT", "America/Chicago"),
            ];
            let more = [
                ("EST", "America/New_York"),
                ("EDT", "America/New_York"),
                ("CEST", "Europe/Paris"),
                ("BST", "Europe/London"),
            ];
            let name = short
                .iter()
                .chain(&more)
                .find(|(s, _)| *s == name)
                .map_or(name, |(_, long)| long);
            fields.zone = Some(Zone::parse(name)?);
            Some(length)
        }
        _ => None,
    }
}

/// Reads an offset such as `Z`, `+02:00`, `+0200` or `GMT+2`, whichever the letter asks for. Returns
/// how many bytes it took.
fn offset(letter: char, count: usize, rest: &str, fields: &mut Fields) -> Option<usize> {
    let zulu = (letter == 'X' || (letter == 'Z' && count == 5)) && rest.starts_with(['Z', 'z']);
    if zulu {
        fields.zone = Some(Zone::Fixed(0));
        return Some(1);
    }
    let localized = letter == 'O' || (letter == 'Z' && count == 4);
    let skip = if localized { "GMT".len() } else { 0 };
    if localized && !rest.get(..3)?.eq_ignore_ascii_case("GMT") {
        return None;
    }
    let body = &rest[skip..];
    if localized && !body.starts_with(['+', '-']) {
        fields.zone = Some(Zone::Fixed(0));
        return Some(skip);
    }
    let negative = match body.as_bytes().first()? {
        b'-' => true,
        b'+' => false,
        _ => return None,
    };
    let colon = localized || matches!((letter, count), ('X' | 'x', 3 | 5) | ('Z', 5));
    let optional_minutes = letter == 'O' || matches!((letter, count), ('X' | 'x', 1));
    let digits = |from: usize| {
        body.get(from..from + 2)
            .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?
            .parse::<i32>()
            .ok()
    };
    let (hours, mut used) = match digits(1) {
        Some(hours) => (hours, 3),
        None if letter == 'O' => (body.get(1..2)?.parse().ok()?, 2),
        None => return None,
    };
    let gap = usize::from(colon);
    let separated = !colon || body.get(used..used + 1) == Some(":");
    let minutes = match digits(used + gap).filter(|_| separated) {
        Some(minutes) => {
            used += gap + 2;
            minutes
        }
        None if optional_minutes => 0,
        None => return None,
    };
    if hours > 18 || minutes > 59 {
        return None;
    }
    let total = hours * 3600 + minutes * 60;
    fields.zone = Some(Zone::Fixed(if negative { -total } else { total }));
    Some(skip + used)
}

/// Makes a wall clock of what was read, filling up from 1970-01-01 00:00:00.
///
/// # Errors
/// If the year is too large or the day does not exist, such as February 29 of a year that is not a leap
/// year.
fn resolve(fields: &Fields) -> Result<i64, String> {
    let mut year = fields.year.unwrap_or(1970);
    if fields.before_christ {
        year = 1 - year;
    }
    let year = i32::try_from(year).map_err(|_| format!("Invalid value for Year: {year}"))?;
    let date = match (fields.day_of_year, fields.month) {
        (Some(ordinal), None) => NaiveDate::from_yo_opt(year, ordinal as u32)
            .ok_or_else(|| format!("Invalid date 'DayOfYear {ordinal}' as '{year}' is not a leap year"))?,
        _ => {
            let (month, day) = (fields.month.unwrap_or(1), fields.day.unwrap_or(1));
            NaiveDate::from_ymd_opt(year, month as u32, day as u32).ok_or_else(|| match (month, day) {
                (2, 29) => format!("Invalid date 'February 29' as '{year}' is not a leap year"),
                _ => format!("Invalid date '{} {day}'", MONTHS[month as usize - 1].to_uppercase()),
            })?
        }
    };
    let hour = match (fields.hour, fields.hour_of_half) {
        (Some(hour), _) => hour,
        (None, Some(half)) => half + if fields.afternoon == Some(true) { 12 } else { 0 },
        (None, None) => 0,
    };
    let seconds = hour * 3600 + fields.minute.unwrap_or(0) * 60 + fields.second.unwrap_or(0);
    Ok(i64::from(days_of(date)) * DAY_US + seconds * 1_000_000 + fields.micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::text::timestamp;

    fn read(pattern: &str, text: &str) -> Result<String, String> {
        let (local, zone) = Pattern::new(pattern, true).unwrap().parse(text)?;
        Ok(timestamp(zone.unwrap_or(Zone::UTC).to_instant(local)))
    }

    #[test]
    fn texts_are_read_as_spark_reads_them() {
        for (pattern, text, time) in [
            ("dd/MM/yyyy HH:mm", "01/03/2024 07:08", "2024-03-01 07:08:00"),
            ("yyyyMMdd", "20240301", "2024-03-01 00:00:00"),
            (
                "MMM dd HH:mm:ss Z yyyy",
                "Mar 01 12:00:00 +0000 2024",
                "2024-03-01 12:00:00",
            ),
            ("HH:mm", "12:34", "1970-01-01 12:34:00"),
            ("yyyy-MM-dd hh a", "2016-12-31 05 pm", "2016-12-31 17:00:00"),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                "2016-12-31T10:11:12.123+02:00",
                "2016-12-31 08:11:12.123",
            ),
            ("yy-M-d", "16-1-2", "2016-01-02 00:00:00"),
            ("yyyy-DDD", "2020-366", "2020-12-31 00:00:00"),
            ("yyyy[-MM[-dd]]", "2024-05", "2024-05-01 00:00:00"),
        ] {
            assert_eq!(read(pattern, text), Ok(time.into()), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_in_javas_words() {
        let why = read("yyyy-MM-dd", "2024-13-01").unwrap_err();
        assert_eq!(
            why,
            "Text '2024-13-01' could not be parsed: Invalid value for MonthOfYear (valid values 1 - 12): 13"
        );
        assert!(
            read("yyyy-MM-dd", "2016-12-31x")
                .unwrap_err()
                .contains("unparsed text found at index 10")
        );
        assert!(
            read("yyyy-MM-dd", "2023-02-29")
                .unwrap_err()
                .contains("not a leap year")
        );
        assert!(read("yyyy", "éé").is_err());
    }
}
