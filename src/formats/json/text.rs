//! JSON text as Jackson reads it for Spark: a value tree that keeps the text of numbers, and its
//! writer.
//!
//! Lenient where Spark's defaults are: single quotes read as double ones, what follows the first value
//! is not looked at. Strict otherwise: a control character in a string, a leading zero or a value
//! nested deeper than 1000 makes the whole text malformed.

use std::ops::Range;

use crate::values::text;

/// Values nested deeper are malformed (Jackson's `StreamReadConstraints`).
pub const MAX_DEPTH: usize = 1000;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, without its escapes.
    Text(String),
    /// Elements, in order, and the bytes that they take in the text.
    Array(Vec<Json>, Range<usize>),
    /// Members, in order, and the bytes that they take in the text; names may be equal.
    Object(Vec<(String, Json)>, Range<usize>),
}

/// What a reader takes beyond the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leniency {
    /// Names of members without quotes (`allowUnquotedFieldNames`).
    pub unquoted_names: bool,
    /// Control characters in strings (`allowUnquotedControlChars`).
    pub control_characters: bool,
    /// Numbers such as `007` (`allowNumericLeadingZeros`).
    pub leading_zeros: bool,
    /// Comments of C and C++ (`allowComments`).
    pub comments: bool,
    /// Single quotes in place of double ones (`allowSingleQuotes`).
    pub single_quotes: bool,
    /// `NaN` and infinities (`allowNonNumericNumbers`).
    pub non_numeric: bool,
    /// A backslash before any character (`allowBackslashEscapingAnyCharacter`).
    pub any_escape: bool,
}

impl Leniency {
    /// What Spark takes without options.
    pub const DEFAULT: Self = Self {
        unquoted_names: false,
        control_characters: false,
        leading_zeros: false,
        comments: false,
        single_quotes: true,
        non_numeric: true,
        any_escape: false,
    };
}

/// A place in a text.
struct Reader<'a> {
    /// The text.
    text: &'a str,
    /// The byte of the next character.
    at: usize,
    /// What is taken beyond the standard.
    leniency: Leniency,
}

/// Returns the first value of a text; `None` if it is malformed. `whole`: nothing but white space may
/// follow.
pub fn parse(text: &str, leniency: Leniency, whole: bool) -> Option<Json> {
    let mut reader = Reader { text, at: 0, leniency };
    let value = reader.value(0)?;
    reader.space();
    (!whole || reader.at == text.len()).then_some(value)
}

impl Reader<'_> {
    /// Returns the next byte.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space, and comments if they are allowed.
    fn space(&mut self) {
        loop {
            while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let rest = &self.text[self.at..];
            if self.leniency.comments && rest.starts_with("/*") {
                self.at = rest.find("*/").map_or(self.text.len(), |i| self.at + i + 2);
            } else if self.leniency.comments && rest.starts_with("//") {
                self.at = rest.find('\n').map_or(self.text.len(), |i| self.at + i);
            } else {
                return;
            }
        }
    }

    /// Skips white space and a byte, and returns whether it stood there.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Reads a value; `None` if it is malformed or nests too deeply.
    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        let start = self.at;
        match self.peek()? {
            b'{' => {
                self.at += 1;
                let mut fields = Vec::new();
                if self.eat(b'}') {
                    return Some(Json::Object(fields, start..self.at));
                }
                loop {
                    self.space();
                    let name = match self.peek()? {
                        b'"' => self.string(b'"')?,
                        b'\'' if self.leniency.single_quotes => self.string(b'\'')?,
                        _ if self.leniency.unquoted_names => self.bare_name()?,
                        _ => return None,
                    };
                    if !self.eat(b':') {
                        return None;
                    }
                    fields.push((name, self.value(depth + 1)?));
                    if self.eat(b'}') {
                        return Some(Json::Object(fields, start..self.at));
                    }
                    if !self.eat(b',') {
                        return None;
                    }
                }
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.eat(b']') {
                    return Some(Json::Array(items, start..self.at));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.eat(b']') {
                        return Some(Json::Array(items, start..self.at));
                    }
                    if !self.eat(b',') {
                        return None;
                    }
                }
            }
            b'"' => self.string(b'"').map(Json::Text),
            b'\'' if self.leniency.single_quotes => self.string(b'\'').map(Json::Text),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            b'N' if self.leniency.non_numeric => self.word("NaN", Json::Number("NaN".into())),
            b'I' if self.leniency.non_numeric => self.word("Infinity", Json::Number("Infinity".into())),
            _ => self.number(),
        }
    }

    /// Reads a word that is a value.
    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let rest = self.text[self.at..].strip_prefix(word)?;
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        self.at += word.len();
        Some(value)
    }

    /// Reads a name without quotes.
    fn bare_name(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-')))
            .unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| rest[..end].to_owned())
    }

    /// Reads a number, whose text is kept.
    fn number(&mut self) -> Option<Json> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        for infinite in ["-Infinity", "+Infinity", "-INF", "+INF"] {
            if self.leniency.non_numeric && self.text[start..].starts_with(infinite) {
                return self.word(infinite, Json::Number(infinite.into()));
            }
        }
        let mut at = start + usize::from(bytes[start] == b'-');
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0' && !self.leniency.leading_zeros) {
            return None;
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            if fraction == 0 {
                return None;
            }
            at += 1 + fraction;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits((at + 1 + sign).min(bytes.len()));
            if exponent == 0 {
                return None;
            }
            at += 1 + sign + exponent;
        }
        if bytes.get(at).is_some_and(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        self.at = at;
        Some(Json::Number(self.text[start..at].to_owned()))
    }

    /// Reads a string from its opening quote.
    fn string(&mut self, quote: u8) -> Option<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|b| b == quote || b == b'\\' || b < 0x20)?;
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek()? {
                b if b == quote => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                control if self.leniency.control_characters => {
                    out.push(char::from(control));
                    self.at += 1;
                }
                _ => return None,
            }
        }
    }

    /// Reads what follows a backslash; half of a surrogate pair alone becomes `?`, as Java writes it.
    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'\'' if self.leniency.single_quotes => '\'',
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let first = self.hex()?;
                let pair = (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u");
                if pair {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                    }
                    self.at = before;
                }
                char::from_u32(first).unwrap_or('?')
            }
            _ if self.leniency.any_escape => {
                self.at -= 1;
                let any = self.text[self.at..].chars().next()?;
                self.at += any.len_utf8();
                any
            }
            _ => return None,
        })
    }

    /// Reads four hexadecimal digits.
    fn hex(&mut self) -> Option<u32> {
        let code = hex(self.text.as_bytes().get(self.at..self.at + 4)?)?;
        self.at += 4;
        Some(code)
    }
}

/// Returns the number that hexadecimal digits write; `None` for other characters.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    let mut code = 0;
    for digit in digits {
        code = code << 4 | char::from(*digit).to_digit(16)?;
    }
    Some(code)
}

/// How characters beyond the basic plane leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astral {
    /// As they are (`to_json`).
    Plain,
    /// As two `\u` escapes (`get_json_object`, whose generator writes bytes).
    Escaped,
}

/// Appends a string in quotes, with JSON's escapes.
pub fn write_text(text: &str, astral: Astral, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c if (c as u32) > 0xffff && astral == Astral::Escaped => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns a number as Jackson copies it: integers as they are, fractions as Java's doubles.
pub fn number_text(raw: &str) -> String {
    if raw.contains(['.', 'e', 'E', 'N', 'I']) {
        return match text::parse_double(raw) {
            Some(x) if x.is_finite() => text::double(x),
            Some(x) => format!("\"{}\"", text::double(x)),
            None => raw.to_owned(),
        };
    }
    let (sign, digits) = raw.strip_prefix('-').map_or(("", raw), |digits| ("-", digits));
    match digits.trim_start_matches('0') {
        "" => "0".into(),
        digits => format!("{sign}{digits}"),
    }
}

/// Appends a value, without white space.
pub fn write(value: &Json, astral: Astral, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Json::Number(raw) => out.push_str(&number_text(raw)),
        Json::Text(text) => write_text(text, astral, out),
        Json::Array(items, _) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, astral, out);
            }
            out.push(']');
        }
        Json::Object(fields, _) => {
            out.push('{');
            for (i, (name, value)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_text(name, astral, out);
                out.push(':');
                write(value, astral, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> Option<String> {
        let mut out = String::new();
        write(&parse(text, Leniency::DEFAULT, true)?, Astral::Plain, &mut out);
        Some(out)
    }

    #[test]
    fn values_are_read_and_written_as_jackson_does() {
        for (text, same) in [
            (
                r#" {"a" : [1, 2.50, "z\n", null, true], 'b':{}} "#,
                r#"{"a":[1,2.5,"z\n",null,true],"b":{}}"#,
            ),
            ("1e3", "1000.0"),
            (r#""\ud83d\ude00""#, "\"😀\""),
            ("-0", "0"),
        ] {
            assert_eq!(again(text).as_deref(), Some(same), "{text}");
        }
        for bad in [
            "", "{", "[1,]", "{\"a\"}", "01", "\"a", "tru", "{a:1}", "1 2", "\u{1}", "-", "1.", "\"\\x\"",
        ] {
            assert_eq!(again(bad), None, "{bad}");
        }
    }

    #[test]
    fn deep_nesting_is_malformed_and_no_overflow() {
        assert_eq!(parse(&"[".repeat(1_000_000), Leniency::DEFAULT, false), None);
    }
}
