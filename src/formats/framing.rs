//! Where records begin and end in the bytes of a file, and of which letters the bytes are.
//!
//! ```text
//!             a record is …                 with multiLine, wholetext
//! JSON        a line                        the file, or an element of its array
//! CSV         a line                        what no quotes hold together up to a line's end
//! text        a line                        the file
//! ```
//!
//! Lines end with `\n`, `\r` or both, as Hadoop's reader ends them, or with `lineSep`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::csv;
use crate::error::{Exception, Result, SparkError};
use crate::values::raw;
use crate::values::zone::Zone;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// JSON.
    Json,
    /// CSV.
    Csv,
    /// Text.
    Text,
}

/// How bytes are letters (`encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// UTF-8; US-ASCII is a part of it.
    Utf8,
    /// Latin letters, one byte each.
    Latin1,
    /// Units of two bytes; the order of bytes, unless a mark says it.
    Utf16 {
        /// The first byte of a unit is the high one.
        big: bool,
    },
    /// Units of four bytes.
    Utf32 {
        /// The first byte of a unit is the high one.
        big: bool,
    },
}

/// Says where records begin and end.
#[derive(Debug, Clone)]
pub struct Framing {
    /// What is read.
    of: Records,
    /// How bytes are letters.
    encoding: Encoding,
    /// What ends a line; `None` for the ends that lines have anywhere.
    separator: Option<String>,
    /// Whether a record may have several lines.
    whole: bool,
    /// Finds the ends of CSV records that have several lines.
    csv: Option<csv::Reader>,
}

impl Framing {
    /// Reads the options of a reader, their keys in lower case.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE.CHARSET` for an encoding that is not known; an illegal argument for a `lineSep` that is empty or too
    /// long, or that is missing where the encoding needs one.
    pub fn new(of: Records, options: &BTreeMap<String, String>) -> Result<Self> {
        let option = |key: &str| options.get(key).map(String::as_str);
        let flag = |key: &str| option(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let name = option("encoding").or(option("charset")).filter(|_| of != Records::Text);
        let encoding = encoding_of(name.unwrap_or("UTF-8"))?;
        let whole = flag(if of == Records::Text { "wholetext" } else { "multiline" });
        let separator = option("linesep").map(str::to_owned);
        let letters = separator.as_ref().map(|s| s.chars().count());
        match (of, letters) {
            (Records::Csv, Some(0)) => return Err(separator_refused("EMPTY", "cannot be an empty string")),
            (Records::Csv, Some(length @ 3..)) => {
                let why = format!("can contain at most 2 characters, but got {length} characters");
                return Err(separator_refused("TOO_LONG", &why));
            }
            (_, Some(0)) => return Err(illegal("'lineSep' cannot be an empty string.")),
            _ => {}
        }
        let is_wide = matches!(encoding, Encoding::Utf16 { .. } | Encoding::Utf32 { .. });
        if let Some(name) = name.filter(|_| of == Records::Json && !whole && is_wide) {
            let upper = name.to_ascii_uppercase();
            if matches!(upper.as_str(), "UTF-16" | "UTF-32") {
                return Err(illegal(&format!(
                    "The {name} encoding must not be included in the denyList when multiLine is disabled."
                )));
            }
            if separator.is_none() {
                return Err(illegal(&format!(
                    "The lineSep option must be specified for the {name} encoding."
                )));
            }
        }
        Ok(Self {
            of,
            encoding,
            separator,
            whole,
            csv: (of == Records::Csv && whole)
                .then(|| csv::Reader::new(options, Zone::UTC))
                .transpose()?,
        })
    }

    /// Returns whether records are lines of UTF-8, so that bytes may be cut at any `\n`.
    pub fn is_plain(&self) -> bool {
        self.encoding == Encoding::Utf8 && self.separator.is_none() && !self.whole
    }

    /// Decodes a file. Drops a byte order mark unless the file is one value. Replaces bytes that are not a character, except in
    /// the text format in UTF-8, which keeps them.
    pub fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let keeps_mark = self.of == Records::Text && self.whole;
        let text = match self.encoding {
            Encoding::Utf8 if self.of == Records::Text => raw::from_bytes(bytes),
            Encoding::Utf8 => String::from_utf8_lossy(bytes),
            Encoding::Latin1 => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
            Encoding::Utf16 { big } => {
                let big = marked(bytes.get(..2), [&[0xfe, 0xff], &[0xff, 0xfe]]).unwrap_or(big);
                let unit = |pair: &[u8]| match pair {
                    [a, b] if big => u16::from_be_bytes([*a, *b]),
                    [a, b] => u16::from_le_bytes([*a, *b]),
                    _ => 0xfffd,
                };
                let letters = char::decode_utf16(bytes.chunks(2).map(unit));
                letters.map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into()
            }
            Encoding::Utf32 { big } => {
                let big = marked(bytes.get(..4), [&[0, 0, 0xfe, 0xff], &[0xff, 0xfe, 0, 0]]).unwrap_or(big);
                let letter = |unit: &[u8]| {
                    let unit = <[u8; 4]>::try_from(unit).ok()?;
                    char::from_u32(if big {
                        u32::from_be_bytes(unit)
                    } else {
                        u32::from_le_bytes(unit)
                    })
                };
                let letters = bytes.chunks(4).map(|unit| letter(unit).unwrap_or('\u{fffd}'));
                letters.collect::<String>().into()
            }
        };
        match text {
            text if keeps_mark => text,
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Cow::Owned(text) => match text.strip_prefix('\u{feff}') {
                Some(rest) => Cow::Owned(rest.to_owned()),
                None => Cow::Owned(text),
            },
        }
    }

    /// Returns the records of a text, without the ends of their lines.
    pub fn split<'a>(&self, text: &'a str) -> Vec<Cow<'a, str>> {
        if text.is_empty() && !(self.of == Records::Text && self.whole) {
            return vec![];
        }
        match (&self.csv, &self.separator) {
            (Some(reader), separator) => csv_records(reader, text, separator.as_deref()),
            (None, _) if self.whole => vec![Cow::Borrowed(text)],
            (None, Some(separator)) => {
                let body = text.strip_suffix(separator.as_str()).unwrap_or(text);
                body.split(separator.as_str()).map(Cow::Borrowed).collect()
            }
            (None, None) => lines(text).map(Cow::Borrowed).collect(),
        }
    }
}

/// Returns the lines of a text without their ends.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr2(b'\n', b'\r', text.as_bytes()).unwrap_or(text.len());
        let (line, after) = text.split_at(end);
        let after = after
            .strip_prefix("\r\n")
            .or_else(|| after.get(1..))
            .unwrap_or_default();
        rest = Some(after).filter(|after| !after.is_empty());
        Some(line)
    })
}

/// Returns the records of CSV whose quotes may hold lines together. Within a record, lines end with `\n`, however they end in the file.
fn csv_records<'a>(reader: &csv::Reader, text: &'a str, separator: Option<&str>) -> Vec<Cow<'a, str>> {
    let ending = separator.unwrap_or_else(|| {
        let first = text.find(['\r', '\n']).map(|at| &text[at..]).unwrap_or_default();
        match first.as_bytes() {
            [b'\r', b'\n', ..] => "\r\n",
            [b'\r', ..] => "\r",
            _ => "\n",
        }
    });
    if ending == "\n" {
        return reader.records(text).into_iter().map(Cow::Borrowed).collect();
    }
    let text = text.replace(ending, "\n");
    let owned = |record: &str| Cow::Owned(record.to_owned());
    reader.records(&text).into_iter().map(owned).collect()
}

/// Returns whether a mark says that high bytes go first, or last; `None` if it is neither.
fn marked(begin: Option<&[u8]>, [big, little]: [&[u8]; 2]) -> Option<bool> {
    let begin = begin?;
    match begin {
        mark if mark == big => Some(true),
        mark if mark == little => Some(false),
        _ => None,
    }
}

/// Returns the encoding of a name.
fn encoding_of(name: &str) -> Result<Encoding> {
    let big = true;
    Ok(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" | "US-ASCII" | "ASCII" => Encoding::Utf8,
        "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Encoding::Latin1,
        "UTF-16" | "UTF-16BE" => Encoding::Utf16 { big },
        "UTF-16LE" => Encoding::Utf16 { big: false },
        "UTF-32" => Encoding::Utf32 { big },
        _ => {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.CHARSET",
                "22023",
                format!(
                    "The value of parameter(s) `encoding` is invalid: expects one of the iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, \
                     utf-32, utf-8, but got {name}."
                ),
            ));
        }
    })
}

/// Makes `INVALID_LINE_SEPARATOR`.
fn separator_refused(condition: &str, why: &str) -> SparkError {
    let message = format!("Invalid line separator configuration. The 'lineSep' option {why}.");
    let condition = format!("INVALID_LINE_SEPARATOR.{condition}");
    SparkError::new(Exception::IllegalArgument, &condition, "22023", message)
}

/// Makes Java's error of an argument that is not taken.
fn illegal(why: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "RIVULET_ILLEGAL_ARGUMENT",
        "22023",
        format!("requirement failed: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(of: Records, options: &[(&str, &str)], bytes: &[u8]) -> Vec<String> {
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Framing::new(of, &options).map_or_else(
            |e| vec![e.message],
            |framing| {
                framing
                    .split(&framing.text(bytes))
                    .into_iter()
                    .map(Cow::into_owned)
                    .collect()
            },
        )
    }

    #[test]
    fn lines_end_in_any_way_and_a_last_end_begins_no_line() {
        assert_eq!(
            framed(Records::Text, &[], b"one\r\ntwo\n\nfour\rfive"),
            ["one", "two", "", "four", "five"]
        );
        assert_eq!(framed(Records::Text, &[], b"\n"), [""]);
        assert_eq!(framed(Records::Text, &[], b""), [""; 0]);
        assert_eq!(
            framed(Records::Text, &[("linesep", ";")], b"a;b\nc;;d;"),
            ["a", "b\nc", "", "d"]
        );
        assert_eq!(
            framed(Records::Text, &[("wholetext", "true")], b"\xef\xbb\xbfx\r\ny"),
            ["\u{feff}x\r\ny"]
        );
        assert_eq!(
            framed(Records::Text, &[("linesep", "")], b""),
            ["requirement failed: 'lineSep' cannot be an empty string."]
        );
    }

    #[test]
    fn quotes_hold_the_lines_of_a_record_together() {
        let multi = [("multiline", "true")];
        assert_eq!(
            framed(Records::Csv, &multi, b"1,\"a\r\nb\"\r\n2,c\r\n"),
            ["1,\"a\nb\"", "2,c"]
        );
        assert_eq!(
            framed(Records::Csv, &multi, b"1,\"a\"\"\nb\",x\n\n2,\"c\\\"\n\"\n"),
            ["1,\"a\"\"", "b\",x", "", "2,\"c\\\"\n\""]
        );
        assert_eq!(
            framed(Records::Csv, &multi, b"1,a\"b\n2,\"open\n3\n"),
            ["1,a\"b", "2,\"open\n3\n"]
        );
        assert_eq!(framed(Records::Csv, &[], b"1,\"a\nb\"\n"), ["1,\"a", "b\""]);
    }

    #[test]
    fn letters_of_two_and_four_bytes_are_read_by_their_mark_or_name() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let options = [("encoding", "UTF-16LE"), ("linesep", "\n")];
        assert_eq!(
            framed(Records::Json, &options, &wide("{Ä🐟}\n{}", u16::to_le_bytes)),
            ["{Ä🐟}", "{}"]
        );
        let marked = wide("\u{feff}a", u16::to_le_bytes);
        assert_eq!(framed(Records::Csv, &[("encoding", "UTF-16")], &marked), ["a"]);
        assert_eq!(
            framed(Records::Csv, &[("encoding", "utf-16be")], &wide("a", u16::to_be_bytes)),
            ["a"]
        );
        assert_eq!(framed(Records::Csv, &[("encoding", "ISO-8859-1")], b"\xe4"), ["ä"]);
        let letters: Vec<u8> = "\u{feff}a🐟".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(framed(Records::Csv, &[("encoding", "UTF-32")], &letters), ["a🐟"]);
        assert!(
            framed(Records::Json, &[("encoding", "UTF-16LE")], b"")[0].contains("lineSep option must be specified")
        );
        assert!(framed(Records::Csv, &[("encoding", "klingon")], b"")[0].contains("but got klingon"));
    }
}
