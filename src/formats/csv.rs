//! CSV to typed columns, as Spark's parser (uniVocity, with Spark's options) reads it.
//!
//! A record is one line, except in a column of strings, where a text may have several.
//!
//! ```text
//! a,"b,c",d      a | b,c | d
//! "a""b",1       "a""b" | 1      a quote within quotes that the escape does not announce: read on to the separator
//! "a\"b",1       a"b | 1
//! "a,1           a,1             never closed: all of it
//! ,""            null | null     nothing is null, and so is an empty string, as the text for null is empty
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::datatypes::*;

use super::column::{Column, Number};
use super::json::read::grouped_decimal;
use super::times::Times;
use crate::error::{Exception, Result, SparkError};
use crate::values::bytes::equal;
use crate::values::zone::Zone;
use crate::values::{parse_time, types};

/// What happens at a quote within quotes that no escape announces (`unescapedQuoteHandling`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unescaped {
    /// The value is what stands up to the next separator, with its quotes.
    StopAtDelimiter,
    /// It is a quote of the value.
    StopAtClosingQuote,
    /// The value is null.
    SkipValue,
}

/// Reads records of CSV by options (`CSVOptions`).
#[derive(Debug, Clone)]
pub struct Reader {
    /// What stands between values.
    separator: String,
    /// The separator, if it is a single byte.
    separator_byte: Option<u8>,
    /// What encloses a value; `None` for nothing.
    quote: Option<char>,
    /// What announces a quote within quotes.
    escape: char,
    /// What announces an escape.
    escape_escape: Option<char>,
    /// What begins a comment line.
    comment: Option<char>,
    /// Whether blanks before a value are left out.
    trim_start: bool,
    /// Whether blanks after a value are left out.
    trim_end: bool,
    /// What happens at other quotes within quotes.
    unescaped: Unescaped,
    /// What stands for null.
    null_value: String,
    /// What an empty value in quotes stands for.
    empty_value: String,
    /// What stands for not a number.
    nan_value: String,
    /// What stands for infinity.
    positive_infinity: String,
    /// What stands for infinity below zero.
    negative_infinity: String,
    /// How dates and times are read.
    times: Times,
    /// Most values of a record (`maxColumns`).
    most_columns: usize,
    /// Most letters of a value (`maxCharsPerColumn`).
    most_letters: Option<usize>,
}

/// The condition of a record with more values, or a value with more characters, than the options allow.
pub const TOO_LARGE: &str = "RIVULET_CSV_RECORD_TOO_LARGE";

impl Reader {
    /// Makes a reader with options, their keys in lower case.
    ///
    /// # Errors
    /// If a zone is unknown, a pattern is malformed, or an option has a value that is not taken.
    pub fn new(options: &BTreeMap<String, String>, session: Zone) -> Result<Self> {
        let option = |key: &str| options.get(key).map(String::as_str);
        let flag = |key: &str| option(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let letter = |name: &str, default: char| match option(&name.to_ascii_lowercase()) {
            None => Ok(Some(default)),
            Some(text) if text.chars().count() < 2 => Ok(text.chars().next()),
            Some(text) => Err(SparkError::new(
                Exception::Runtime,
                "OPTION_VALUE_EXCEEDS_ONE_CHARACTER",
                "22023",
                format!("The value of {name} cannot be more than one character, but got {text}."),
            )),
        };
        let separator = option("sep").or(option("delimiter")).unwrap_or(",");
        let quote = letter("quote", '"')?;
        let escape = letter("escape", '\\')?.unwrap_or('\\');
        let unescaped = match option("unescapedquotehandling").map(str::to_ascii_uppercase).as_deref() {
            None | Some("STOP_AT_DELIMITER") => Unescaped::StopAtDelimiter,
            Some("STOP_AT_CLOSING_QUOTE") => Unescaped::StopAtClosingQuote,
            Some("SKIP_VALUE") => Unescaped::SkipValue,
            Some(other) => {
                return Err(SparkError::unsupported(format!(
                    "the CSV option unescapedQuoteHandling with {other}"
                )));
            }
        };
        let separator = unescaped_separator(separator)?;
        Ok(Self {
            separator_byte: <[u8; 1]>::try_from(separator.as_bytes()).ok().map(|[byte]| byte),
            separator,
            quote,
            escape,
            escape_escape: match letter("charToEscapeQuoteEscaping", '\0')? {
                Some('\0') | None => Some(escape).filter(|e| Some(*e) != quote),
                given => given,
            },
            comment: letter("comment", '\0')?.filter(|c| *c != '\0'),
            trim_start: flag("ignoreleadingwhitespace"),
            trim_end: flag("ignoretrailingwhitespace"),
            unescaped,
            null_value: option("nullvalue").unwrap_or("").to_owned(),
            empty_value: option("emptyvalue").unwrap_or("").to_owned(),
            nan_value: option("nanvalue").unwrap_or("NaN").to_owned(),
            positive_infinity: option("positiveinf").unwrap_or("Inf").to_owned(),
            negative_infinity: option("negativeinf").unwrap_or("-Inf").to_owned(),
            times: Times::new(options, session)?,
            most_columns: option("maxcolumns").and_then(|n| n.parse().ok()).unwrap_or(20_480),
            most_letters: option("maxcharspercolumn").and_then(|n| n.parse().ok()),
        })
    }

    /// Checks that a record has no more values, and none more letters, than the options allow.
    ///
    /// # Errors
    /// `RIVULET_CSV_RECORD_TOO_LARGE`, which names the limit.
    pub fn check_size(&self, values: &[Option<Cow<'_, str>>]) -> Result<()> {
        let wrong = |why: String| Err(SparkError::new(Exception::Connect, TOO_LARGE, "54000", why));
        if values.len() > self.most_columns {
            return wrong(format!(
                "A record has {} values, maxColumns is {}.",
                values.len(),
                self.most_columns
            ));
        }
        let Some(most) = self.most_letters else { return Ok(()) };
        let longest = values
            .iter()
            .flatten()
            .find(|value| value.len() > most && value.chars().count() > most);
        match longest {
            Some(value) => wrong(format!(
                "A value has {} letters, maxCharsPerColumn is {most}.",
                value.chars().count()
            )),
            None => Ok(()),
        }
    }

    /// Returns what separates values.
    pub fn separator(&self) -> &str {
        &self.separator
    }

    /// Splits a text into records, which end where a line ends outside of quotes. Lines end with `\n`.
    pub fn records<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let (mut records, mut rest) = (vec![], text);
        while !rest.is_empty() {
            let line = rest.find('\n').unwrap_or(rest.len());
            let end = if self.is_passed_over(&rest[..line]) {
                line
            } else {
                self.record_end(rest)
            };
            records.push(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        records
    }

    /// Returns where the record ends that a text begins with: before a `\n` outside of quotes, or at its end.
    fn record_end(&self, text: &str) -> usize {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let start = if self.trim_start {
                rest.trim_start_matches(|c| c <= ' ' && c != '\n' && !self.separator.starts_with(c))
            } else {
                rest
            };
            at += rest.len() - start.len();
            if let Some((quote, body)) = self.quote.and_then(|q| Some((q, start.strip_prefix(q)?))) {
                at += quote.len_utf8() + self.quoted_len(body, quote);
            }
            // Up to the separator or the end of the line.
            let rest = &text[at..];
            let line = rest.find('\n').unwrap_or(rest.len());
            match rest[..line].find(self.separator.as_str()) {
                Some(next) => at += next + self.separator.len(),
                None => return at + line,
            }
        }
    }

    /// Returns how long the rest of a value in quotes is, up to the quote that closes it; all of the text if none does.
    fn quoted_len(&self, body: &str, quote: char) -> usize {
        let mut rest = body;
        loop {
            let Some(at) = rest.find([quote, self.escape]) else {
                return body.len();
            };
            let found = &rest[at..];
            let escaped = found.strip_prefix(self.escape).and_then(|after| after.chars().next());
            if let Some(letter) = escaped.filter(|c| *c == quote || self.escape_escape == Some(*c)) {
                rest = &found[self.escape.len_utf8() + letter.len_utf8()..];
                continue;
            }
            let Some(after) = found.strip_prefix(quote) else {
                rest = &found[self.escape.len_utf8()..];
                continue;
            };
            let blank = after.trim_start_matches(|c| c <= ' ' && c != '\n' && !self.separator.starts_with(c));
            let closes = blank.is_empty() || blank.starts_with('\n') || blank.starts_with(self.separator.as_str());
            let doubled = after.starts_with(quote) || self.unescaped == Unescaped::StopAtClosingQuote;
            if closes || !doubled {
                return body.len() - after.len();
            }
            rest = after;
        }
    }

    /// Returns whether a line is a comment.
    pub fn is_comment(&self, line: &str) -> bool {
        self.comment.is_some_and(|c| line.starts_with(c))
    }

    /// Returns whether a line is blank or a comment, so that it is not a record.
    pub fn is_passed_over(&self, line: &str) -> bool {
        self.is_comment(line) || line.bytes().all(|b| b <= b' ')
    }

    /// Returns the separator if a record may be read by [`plain_value`]: it is a single byte, there are no comments, and blanks
    /// are not left out.
    pub fn plain_separator(&self) -> Option<u8> {
        let as_it_is = self.comment.is_none() && !self.trim_start && !self.trim_end && self.most_letters.is_none();
        self.separator_byte.filter(|_| as_it_is)
    }

    /// Returns a value that is not in quotes, or `Some(None)` for null; `None` if it is in quotes.
    pub fn unquoted<'a>(&self, value: &'a str) -> Option<Option<&'a str>> {
        if self.quote.is_some_and(|quote| value.starts_with(quote)) {
            return None;
        }
        Some(Some(value).filter(|v| !v.is_empty() && *v != self.null_value))
    }

    /// Splits a record into values, which replace those of `out`; `None` is null.
    pub fn split<'a>(&self, record: &'a str, out: &mut Vec<Option<Cow<'a, str>>>) {
        out.clear();
        let mut rest = Some(record);
        while let Some(text) = rest {
            let start = if self.trim_start {
                text.trim_start_matches(|c| c <= ' ' && !self.separator.starts_with(c))
            } else {
                text
            };
            let (value, after) = match self.quote.and_then(|quote| Some((quote, start.strip_prefix(quote)?))) {
                Some((quote, body)) => self.quoted(body, quote),
                None => self.bare(start),
            };
            out.push(value.filter(|v| **v != *self.null_value));
            rest = after;
        }
    }

    /// Reads a value without quotes: it ends at the separator. Returns it, and what comes after the separator.
    fn bare<'a>(&self, text: &'a str) -> (Option<Cow<'a, str>>, Option<&'a str>) {
        let found = match self.separator_byte {
            Some(byte) => memchr::memchr(byte, text.as_bytes()),
            None => text.find(self.separator.as_str()),
        };
        let (value, after) = match found {
            Some(at) => (&text[..at], Some(&text[at + self.separator.len()..])),
            None => (text, None),
        };
        let value = if self.trim_end {
            value.trim_end_matches(|c| c <= ' ')
        } else {
            value
        };
        (Some(value).filter(|v| !v.is_empty()).map(Cow::Borrowed), after)
    }

    /// Reads a value in quotes; `body` is what comes after the opening one. Returns the value, and what comes after the
    /// separator.
    fn quoted<'a>(&self, body: &'a str, quote: char) -> (Option<Cow<'a, str>>, Option<&'a str>) {
        let mut value = String::new();
        let mut rest = body;
        loop {
            let Some(at) = rest.find([quote, self.escape]) else {
                // Never closed.
                value.push_str(rest);
                return (Some(value.into()), None);
            };
            value.push_str(&rest[..at]);
            let after_escape = rest[at..].strip_prefix(self.escape);
            if let Some(after) = after_escape
                && let Some(escaped) = after
                    .chars()
                    .next()
                    .filter(|c| *c == quote || self.escape_escape == Some(*c))
            {
                value.push(escaped);
                rest = &after[escaped.len_utf8()..];
                continue;
            }
            let Some(after) = rest[at..].strip_prefix(quote) else {
                value.push(self.escape);
                rest = after_escape.unwrap_or_default();
                continue;
            };
            // A quote closes the value if blanks and the separator follow, or nothing.
            let blank = after.trim_start_matches(|c| c <= ' ' && !self.separator.starts_with(c));
            let next = after
                .strip_prefix(self.separator.as_str())
                .or(blank.strip_prefix(self.separator.as_str()));
            if next.is_some() || blank.is_empty() {
                let value = if value.is_empty() {
                    self.empty_value.clone()
                } else {
                    value
                };
                return (Some(value.into()), next);
            }
            if after.starts_with(quote) || self.unescaped == Unescaped::StopAtClosingQuote {
                value.push(quote);
                rest = after;
                continue;
            }
            // The quotes are letters of the value, which ends at the next separator.
            let (tail, next) = self.bare(after);
            return match self.unescaped {
                Unescaped::SkipValue => (None, next),
                _ => (
                    Some(format!("{quote}{value}{quote}{}", tail.unwrap_or_default()).into()),
                    next,
                ),
            };
        }
    }

    /// Adds a value to a column; a null, and `bad` is set, if it does not fit.
    pub fn push(&self, value: Option<&str>, column: &mut Column, to: &DataType, bad: &mut bool) {
        match value {
            None => column.push_null(),
            Some(text) => {
                if self.convert(text, column, to).is_none() {
                    *bad = true;
                    column.push_null();
                }
            }
        }
    }

    /// Adds a value to a column; `None`, and nothing is added, if it does not fit.
    fn convert(&self, text: &str, column: &mut Column, to: &DataType) -> Option<()> {
        column.push_number(match to {
            DataType::Utf8 => return column.push_bytes(text.as_bytes(), false),
            DataType::Binary => return column.push_bytes(text.as_bytes(), true),
            DataType::Boolean if text.eq_ignore_ascii_case("true") => return column.push_bool(true),
            DataType::Boolean if text.eq_ignore_ascii_case("false") => return column.push_bool(false),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Number::Whole(text.parse().ok()?),
            DataType::Float32 | DataType::Float64 => Number::Double(self.double(text)?),
            DataType::Decimal128(_, scale) => Number::Unscaled(grouped_decimal(text, *scale)?),
            DataType::Date32 => Number::Whole(self.times.date(text)?.into()),
            DataType::Timestamp(_, zone) => Number::Whole(self.times.timestamp(text, zone.is_some())?),
            _ => return None,
        })
    }

    /// Reads a double as Java does, and the words of the options.
    fn double(&self, text: &str) -> Option<f64> {
        if text == self.nan_value {
            return Some(f64::NAN);
        }
        if text == self.positive_infinity {
            return Some(f64::INFINITY);
        }
        if text == self.negative_infinity {
            return Some(f64::NEG_INFINITY);
        }
        short_number(text).or_else(|| java_double(text))
    }

    /// Returns the narrowest type that reads a value, of those that inference knows, beginning with the one found so far
    /// (`CSVInferSchema.inferField`): a year alone is a number, but among times it is one.
    pub fn shape(&self, value: Option<&str>, so_far: &DataType, prefer_date: bool) -> DataType {
        let Some(text) = value.filter(|text| !text.is_empty()) else {
            return DataType::Null;
        };
        let begun = match so_far {
            DataType::Null | DataType::Int32 => 0,
            DataType::Int64 => 1,
            DataType::Decimal128(..) => 2,
            DataType::Float64 => 3,
            DataType::Date32 => 4,
            DataType::Timestamp(..) => 5,
            DataType::Boolean => 6,
            _ => return DataType::Utf8,
        };
        let kinds = (begun..7).map(|kind| match kind {
            0 => text.parse::<i32>().ok().map(|_| DataType::Int32),
            1 => text.parse::<i64>().ok().map(|_| DataType::Int64),
            2 => whole_decimal(text).map(|precision| DataType::Decimal128(precision, 0)),
            3 => self.double(text).map(|_| DataType::Float64),
            4 => (prefer_date && self.inferred_date(text)).then_some(DataType::Date32),
            5 => self.times.timestamp(text, true).map(|_| types::timestamp()),
            _ => ["true", "false"]
                .iter()
                .any(|w| text.eq_ignore_ascii_case(w))
                .then_some(DataType::Boolean),
        });
        kinds.flatten().next().unwrap_or(DataType::Utf8)
    }

    /// Returns whether inference takes a value for a date: by the pattern, or written `yyyy-MM-dd`.
    fn inferred_date(&self, text: &str) -> bool {
        match &self.times.date_format {
            Some(_) => self.times.date(text).is_some(),
            None => text.len() == 10 && parse_time::parse_date(text).is_some(),
        }
    }
}

/// Returns the digits of a whole number that is too long for BIGINT; `None` if it is anything else, or has more than 38.
fn whole_decimal(text: &str) -> Option<u8> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let digits = digits.trim_start_matches('0');
    (is_whole && digits.len() <= 38).then_some(digits.len().max(1) as u8)
}

/// Returns where a value without quotes ends: before the separator, the end of the line, or at the end of the text. Of short
/// ones, which most numbers are, eight bytes are looked at together.
#[inline]
pub fn plain_value(bytes: &[u8], at: usize, separator: u8) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(eight) = rest.first_chunk() else {
        let end = rest.iter().position(|b| *b == separator || matches!(b, b'\n' | b'\r'));
        return at + end.unwrap_or(rest.len());
    };
    let eight = u64::from_le_bytes(*eight);
    let found = equal(eight, separator) | equal(eight, b'\n') | equal(eight, b'\r');
    if found != 0 {
        return at + found.trailing_zeros() as usize / 8;
    }
    let beyond = rest.get(8..).unwrap_or_default();
    at + 8 + memchr::memchr3(separator, b'\n', b'\r', beyond).unwrap_or(beyond.len())
}

/// Reads a number of a few digits and nothing else, as labels and counts are written; `None` for all others.
fn short_number(text: &str) -> Option<f64> {
    if text.is_empty() || text.len() > 15 {
        return None;
    }
    let mut number = 0_u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number as f64)
}

/// Reads a double as `Double.parseDouble` does: blanks around it, a type's letter after it, `NaN` and `Infinity` in just these
/// letters.
fn java_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c| c <= ' ');
    let (below, size) = match text.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size: f64 = match size {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        _ => {
            let digits = size.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(size);
            let plain = digits
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
            digits
                .parse()
                .ok()
                .filter(|_| plain && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'))?
        }
    };
    Some(if below { -size } else { size })
}

/// Returns a separator without its escapes (`CSVExprUtils.toDelimiterStr`).
///
/// # Errors
/// `INVALID_DELIMITER_VALUE` if it is empty, or has an escape that is not known.
fn unescaped_separator(text: &str) -> Result<String> {
    let wrong = |condition: &str, why: String| {
        Err(SparkError::new(
            Exception::IllegalArgument,
            &format!("INVALID_DELIMITER_VALUE.{condition}"),
            "42602",
            format!("Invalid value for delimiter. {why}"),
        ))
    };
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('r') => '\r',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(same @ ('"' | '\'' | '\\')) => same,
                Some('0') => '\0',
                Some(_) => {
                    let why = format!("Unsupported special character for delimiter: {text}.");
                    return wrong("UNSUPPORTED_SPECIAL_CHARACTER", why);
                }
                None => return wrong("SINGLE_BACKSLASH", "Single backslash is prohibited.".into()),
            },
            plain => plain,
        });
    }
    if out.is_empty() {
        return wrong("EMPTY_STRING", "Delimiter cannot be empty string.".into());
    }
    Ok(out)
}
