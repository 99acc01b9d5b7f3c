//! Sets of characters in Java's patterns: brackets with unions and intersections, escapes, `\p{…}`.

use super::java_pattern::{NOTHING, Reader, literal};

/// A character, or a set without its brackets.
pub(super) type Item = Result<char, String>;

impl Reader {
    /// Reads a set after its opening bracket, and returns it with brackets.
    pub(super) fn class(&mut self) -> Option<String> {
        let flags = self.flags;
        let set = self.set()?;
        let whole_case = flags.insensitive && flags.unicode_case;
        Some(if whole_case { format!("(?i:{set})") } else { set })
    }

    fn set(&mut self) -> Option<String> {
        self.deeper()?;
        let negated = self.takes('^');
        // The parts between `&&`.
        let (mut parts, mut part) = (Vec::new(), String::new());
        loop {
            match self.peek()? {
                ']' if !part.is_empty() || !parts.is_empty() => {
                    self.at_next();
                    break;
                }
                '[' => {
                    self.at_next();
                    let inner = self.set()?;
                    part.push_str(&inner);
                }
                '&' if self.ahead(1) == Some('&') => {
                    self.at_next();
                    self.at_next();
                    if part.is_empty() && parts.is_empty() && self.peek()? == ']' {
                        return None;
                    }
                    if !part.is_empty() {
                        parts.push(std::mem::take(&mut part));
                    }
                }
                _ => part.push_str(&self.range()?),
            }
        }
        if !part.is_empty() {
            parts.push(part);
        }
        self.back();
        Some(format!("[{}{}]", if negated { "^" } else { "" }, parts.join("&&")))
    }

    fn at_next(&mut self) {
        self.take_raw();
    }

    /// Reads a character, a range, or an escape that is a set.
    fn range(&mut self) -> Option<String> {
        let first = match self.item()? {
            Ok(c) => c,
            Err(set) => return Some(set),
        };
        let ends = |c: Option<char>| matches!(c, Some('[' | ']') | None);
        if self.peek() != Some('-') || ends(self.ahead(1)) {
            return Some(self.both_cases(first, first));
        }
        self.at_next();
        let last = self.item()?.ok()?;
        (first <= last).then(|| self.both_cases(first, last))
    }

    fn item(&mut self) -> Option<Item> {
        match self.take()? {
            '\\' => self.class_escape(),
            c => Some(Ok(c)),
        }
    }

    /// Writes a range, and its ASCII letters in the other case if case does not matter.
    fn both_cases(&self, first: char, last: char) -> String {
        let mut out = literal(first);
        if first != last {
            out.push('-');
            out.push_str(&literal(last));
        }
        if self.flags.insensitive {
            let within = |from: char, to: char| (first.max(from), last.min(to));
            let (low, high) = within('a', 'z');
            if low <= high {
                out.push_str(&format!("{}-{}", low.to_ascii_uppercase(), high.to_ascii_uppercase()));
            }
            let (low, high) = within('A', 'Z');
            if low <= high {
                out.push_str(&format!("{}-{}", low.to_ascii_lowercase(), high.to_ascii_lowercase()));
            }
        }
        out
    }

    /// Reads what follows a backslash and is one character or a set; `None` for what Java refuses.
    pub(super) fn class_escape(&mut self) -> Option<Item> {
        let set = |positive: &str, negated: bool| {
            Some(Err(if negated {
                format!("[^{positive}]")
            } else {
                positive.to_owned()
            }))
        };
        let c = self.take_raw()?;
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' if self.flags.unicode => Some(Err(format!("\\{c}"))),
            'd' | 'D' => set("0-9", c == 'D'),
            'w' | 'W' => set("a-zA-Z0-9_", c == 'W'),
            's' | 'S' => set(" \\t\\n\\x0B\\x0C\\r", c == 'S'),
            'h' | 'H' => set(
                " \\t\\xA0\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}",
                c == 'H',
            ),
            'v' | 'V' => set("\\n\\x0B\\x0C\\r\\x{85}\\x{2028}\\x{2029}", c == 'V'),
            'p' | 'P' => self.property(c == 'P').map(Err),
            'a' => Some(Ok('\u{7}')),
            'e' => Some(Ok('\u{1b}')),
            'f' => Some(Ok('\u{c}')),
            'n' => Some(Ok('\n')),
            'r' => Some(Ok('\r')),
            't' => Some(Ok('\t')),
            'c' => char::from_u32(self.take_raw()? as u32 ^ 64).map(Ok),
            '0' => self.octal().map(Ok),
            'x' => self.hexadecimal().map(Ok),
            'u' => self.utf16(),
            c if c.is_ascii_alphanumeric() => None,
            c => Some(Ok(c)),
        }
    }

    /// Reads one to three octal digits, of which the first of three is at most 3.
    fn octal(&mut self) -> Option<char> {
        let digit = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        let mut value = digit(self.take_raw())?;
        let most = if value <= 3 { 2 } else { 1 };
        for _ in 0..most {
            let Some(next) = digit(self.ahead(0)) else { break };
            value = value * 8 + next;
            self.at_next();
        }
        char::from_u32(value)
    }

    /// Reads `hh` or `{h…h}`.
    fn hexadecimal(&mut self) -> Option<char> {
        if self.ahead(0) != Some('{') {
            return char::from_u32(self.hex_digits(2)?);
        }
        self.at_next();
        let mut value = self.take_raw()?.to_digit(16)?;
        loop {
            match self.take_raw()? {
                '}' => return char::from_u32(value),
                c => value = value.checked_mul(16)?.checked_add(c.to_digit(16)?)?,
            }
        }
    }

    fn hex_digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value * 16 + self.take_raw()?.to_digit(16)?))
    }

    /// Reads `hhhh`, or two of them that are one character beyond 16 bits. Half of one is in no text.
    fn utf16(&mut self) -> Option<Item> {
        let first = self.hex_digits(4)?;
        if let Some(c) = char::from_u32(first) {
            return Some(Ok(c));
        }
        if (0xd800..0xdc00).contains(&first) && self.ahead(0) == Some('\\') && self.ahead(1) == Some('u') {
            self.at_next();
            self.at_next();
            let second = self.hex_digits(4)?;
            let pair = [first as u16, u16::try_from(second).ok()?];
            if let Some(Ok(c)) = char::decode_utf16(pair).next() {
                return Some(Ok(c));
            }
        }
        Some(Err(NOTHING.to_owned()))
    }

    /// Reads what follows `\p`, and returns it as an item of a set.
    fn property(&mut self, negated: bool) -> Option<String> {
        let mut name = String::from(self.take_raw()?);
        if name == "{" {
            name.clear();
            loop {
                match self.take_raw()? {
                    '}' => break,
                    c => name.push(c),
                }
            }
        }
        let set = self.named(&name)?;
        Some(if negated { format!("[^{set}]") } else { set })
    }

    /// Returns the set of a name.
    fn named(&self, name: &str) -> Option<String> {
        if let Some((key, value)) = name.split_once('=') {
            return match key.to_ascii_lowercase().as_str() {
                "sc" | "script" => script(value),
                "gc" | "general_category" => category(value),
                "blk" | "block" => super::java_blocks::block(value),
                _ => None,
            };
        }
        if let Some(block) = name.strip_prefix("In") {
            return super::java_blocks::block(block);
        }
        if let Some(rest) = name.strip_prefix("Is") {
            return binary(rest).or_else(|| category(rest)).or_else(|| script(rest));
        }
        if self.flags.unicode
            && let Some(set) = binary_posix(name)
        {
            return Some(set.to_owned());
        }
        let set = match name {
            "Lower" | "Upper" if self.flags.insensitive => "a-zA-Z",
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "Punct" => "!-/:-@\\[-`{-\\x7e",
            "Graph" => "!-\\x7e",
            "Print" => " -\\x7e",
            "Blank" => " \\t",
            "Cntrl" => "\\x00-\\x1F\\x7F",
            "XDigit" => "0-9a-fA-F",
            "Space" => " \\t\\n\\x0B\\x0C\\r",
            "ASCII" => "\\x00-\\x7F",
            "L1" => "\\x00-\\x{ff}",
            "all" => "\\x00-\\x{10ffff}",
            "javaLowerCase" => "\\p{Lowercase}",
            "javaUpperCase" => "\\p{Uppercase}",
            "javaTitleCase" => "\\p{Lt}",
            "javaAlphabetic" => "\\p{Alphabetic}",
            "javaLetter" => "\\p{L}",
            "javaLetterOrDigit" => "\\p{L}\\p{Nd}",
            "javaDigit" => "\\p{Nd}",
            "javaWhitespace" => {
                "\\t-\\r\\x1c-\\x20\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}"
            }
            "javaSpaceChar" => "\\p{Z}",
            "javaISOControl" => "\\x00-\\x1f\\x7f-\\x{9f}",
            _ => return category(name),
        };
        Some(set.to_owned())
    }
}

/// Returns the set of a general category by its short name.
fn category(name: &str) -> Option<String> {
    const KNOWN: [&str; 37] = [
        "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Co",
        "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf", "L", "M", "N", "Z", "C", "P", "S",
    ];
    match name {
        "LC" => Some("\\p{Lu}\\p{Ll}\\p{Lt}".to_owned()),
        "LD" => Some("\\p{L}\\p{Nd}".to_owned()),
        // No text has halves of characters.
        "Cs" => Some(NOTHING.to_owned()),
        _ => KNOWN.contains(&name).then(|| format!("\\p{{{name}}}")),
    }
}

/// Returns the set of a script by its name in any case.
fn script(name: &str) -> Option<String> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b' ');
    let set = format!("\\p{{sc={name}}}");
    (plain && regex::Regex::new(&set).is_ok()).then_some(set)
}

/// Returns the set of one of the binary properties that Java has, by its name in any case.
fn binary(name: &str) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let set = match name.as_str() {
        "ALPHABETIC" => "\\p{Alphabetic}",
        "LETTER" => "\\p{L}",
        "IDEOGRAPHIC" => "\\p{Ideographic}",
        "LOWERCASE" => "\\p{Lowercase}",
        "UPPERCASE" => "\\p{Uppercase}",
        "TITLECASE" => "\\p{Lt}",
        "WHITE_SPACE" | "WHITESPACE" => "\\p{White_Space}",
        "CONTROL" => "\\p{Cc}",
        "PUNCTUATION" => "\\p{P}",
        "HEX_DIGIT" | "HEXDIGIT" => "\\p{Nd}\\p{Hex_Digit}",
        "ASSIGNED" => "\\P{Cn}",
        "NONCHARACTER_CODE_POINT" | "NONCHARACTERCODEPOINT" => "\\p{Noncharacter_Code_Point}",
        "DIGIT" => "\\p{Nd}",
        "ALNUM" => "\\p{Alphabetic}\\p{Nd}",
        "BLANK" => "\\p{Zs}\\t",
        "JOIN_CONTROL" | "JOINCONTROL" => "\\p{Join_Control}",
        "WORD" => "\\w",
        _ => return None,
    };
    Some(set.to_owned())
}

/// Returns the set of a POSIX name with `(?U)`.
fn binary_posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "Lower" => "\\p{Lowercase}",
        "Upper" => "\\p{Uppercase}",
        "Alpha" => "\\p{Alphabetic}",
        "Digit" => "\\p{Nd}",
        "Alnum" => "\\p{Alphabetic}\\p{Nd}",
        "Punct" => "\\p{P}",
        "Space" => "\\p{White_Space}",
        "Cntrl" => "\\p{Cc}",
        "Blank" => "\\p{Zs}\\t",
        "XDigit" => "\\p{Nd}\\p{Hex_Digit}",
        _ => return None,
    })
}
