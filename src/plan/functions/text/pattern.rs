//! Java's patterns, read for two engines: one that takes time linear in the text, and for what it does not have (look-around,
//! back-references, possessive and atomic groups) one that tries again, up to a number of steps.
//!
//! Java's `\d`, `\w` and `\s` are ASCII, escapes and quotes are its own.
//!
//! ```text
//! Java                      here
//! \d \w \s                  [0-9] [a-zA-Z0-9_] [ \t\n\x0B\x0C\r], with (?U) those of Unicode
//! \h \v \R                  sets of blanks and of line ends
//! \Q…\E                     the characters, escaped
//! \p{Alpha} \p{IsLatin}     [a-zA-Z] \p{Latin}
//! .                         anything but the five line ends, unless (?s)
//! \Z                        \z
//! (?i)é                     é alone, unless (?iu)
//! (?=…) (?<!…) \1 a*+       by the engine that tries again
//! ```

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use crate::error::{Exception, Result, SparkError};

/// Most steps of a match that tries again.
const MOST_STEPS: usize = 1_000_000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Matches in time linear in the text.
    Linear(Regex),
    /// Tries again.
    Backtracking(Arc<fancy_regex::Regex>),
}

/// Where a match and its groups are.
#[derive(Debug, Default)]
pub struct Groups(Vec<Option<Range<usize>>>);

impl Groups {
    /// Returns where a group is; 0 is the match. `None` if it took no part.
    pub fn get(&self, group: usize) -> Option<Range<usize>> {
        self.0.get(group).cloned().flatten()
    }
}

/// Makes the error of a match that takes too many steps.
fn too_many(error: fancy_regex::Error) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "RIVULET_PATTERN_TOO_EXPENSIVE",
        "54000",
        format!("A regular expression took more than {MOST_STEPS} steps on one value: {error}."),
    )
}

/// Returns where the next match may begin: behind a match, or behind the letter that an empty one stands before.
fn behind(text: &str, found: &Range<usize>) -> usize {
    if !found.is_empty() {
        return found.end;
    }
    found.end + text[found.end..].chars().next().map_or(1, char::len_utf8)
}

impl Pattern {
    /// Returns whether a text has a match.
    ///
    /// # Errors
    /// `RIVULET_PATTERN_TOO_EXPENSIVE` if it takes too many steps to find out; so do the others.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Self::Linear(regex) => Ok(regex.is_match(text)),
            Self::Backtracking(regex) => regex.is_match(text).map_err(too_many),
        }
    }

    /// Returns where the first match is.
    pub fn find(&self, text: &str) -> Result<Option<Range<usize>>> {
        match self {
            Self::Linear(regex) => Ok(regex.find(text).map(|m| m.range())),
            Self::Backtracking(regex) => {
                let found = regex.find(text).map_err(too_many)?;
                Ok(found.map(|m| m.range()))
            }
        }
    }

    /// Calls `f` with each match, until it says no. As in Java, an empty match may stand right behind another one.
    pub fn each_match(&self, text: &str, mut f: impl FnMut(Range<usize>) -> Result<bool>) -> Result<()> {
        let mut from = 0;
        while from <= text.len() {
            let found = match self {
                Self::Linear(regex) => regex.find_at(text, from).map(|m| m.range()),
                Self::Backtracking(regex) => {
                    let found = regex.find_from_pos(text, from).map_err(too_many)?;
                    found.map(|m| m.range())
                }
            };
            let Some(found) = found else { break };
            from = behind(text, &found);
            if !f(found)? {
                break;
            }
        }
        Ok(())
    }

    /// Calls `f` with the groups of each match, until it says no.
    pub fn each(&self, text: &str, mut f: impl FnMut(&Groups) -> Result<bool>) -> Result<()> {
        let (mut groups, mut from) = (Groups::default(), 0);
        while from <= text.len() {
            groups.0.clear();
            match self {
                Self::Linear(regex) => {
                    let found = regex.captures_at(text, from);
                    groups.0.extend(
                        found
                            .iter()
                            .flat_map(|c| c.iter())
                            .map(|group| group.map(|m| m.range())),
                    );
                }
                Self::Backtracking(regex) => {
                    let found = regex.captures_from_pos(text, from).map_err(too_many)?;
                    groups.0.extend(
                        found
                            .iter()
                            .flat_map(|c| c.iter())
                            .map(|group| group.map(|m| m.range())),
                    );
                }
            }
            let Some(whole) = groups.get(0) else { break };
            from = behind(text, &whole);
            if !f(&groups)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns how many groups the pattern has, the match itself not counted.
    pub fn groups(&self) -> usize {
        match self {
            Self::Linear(regex) => regex.captures_len() - 1,
            Self::Backtracking(regex) => regex.captures_len() - 1,
        }
    }

    /// Returns the number of the group with a name.
    pub fn group_named(&self, name: &str) -> Option<usize> {
        match self {
            Self::Linear(regex) => regex.capture_names().position(|known| known == Some(name)),
            Self::Backtracking(regex) => regex.capture_names().position(|known| known == Some(name)),
        }
    }
}

/// Compiles a Java pattern.
///
/// ```
/// use rivulet::plan::functions::text::pattern::compile;
///
/// let words = compile("rlike", r"\w+")?;
/// assert_eq!(words.find("größe")?, Some(0..2)); // \w is ASCII in Java
/// assert!(compile("rlike", r"(a)\1")?.is_match("aa")?);
/// assert!(compile("rlike", "(a").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If it is malformed, `INVALID_PARAMETER_VALUE.PATTERN`.
pub fn compile(function: &str, pattern: &str) -> Result<Pattern> {
    let invalid = || {
        SparkError::new(
            Exception::Runtime,
            "INVALID_PARAMETER_VALUE.PATTERN",
            "22023",
            format!("The value of parameter(s) `regexp` in `{function}` is invalid: '{pattern}'."),
        )
        .with("parameter", "`regexp`")
        .with("functionName", format!("`{function}`"))
        .with("value", format!("'{pattern}'"))
    };
    let Translated { text, looks_around } = translate(pattern);
    if !looks_around && let Ok(linear) = Regex::new(&text) {
        return Ok(Pattern::Linear(linear));
    }
    let made = fancy_regex::RegexBuilder::new(&text)
        .backtrack_limit(MOST_STEPS)
        .build();
    made.map(|regex| Pattern::Backtracking(Arc::new(regex)))
        .map_err(|_| invalid())
}

/// A Java pattern in the syntax of the crates.
struct Translated {
    /// The pattern.
    text: String,
    /// Whether only a backtracking engine reads it as Java does.
    looks_around: bool,
}

/// What holds for the rest of a pattern.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    /// Classes are those of Unicode (`(?U)`).
    unicode: bool,
    /// Letters beyond ASCII have their case even if case does not matter (`(?i)` without `u`).
    ascii_case: bool,
    /// The dot matches ends of lines (`(?s)`).
    dot_all: bool,
    /// Only `\n` ends a line (`(?d)`).
    unix_lines: bool,
}

/// Returns a Java pattern in the syntax of the crates.
fn translate(pattern: &str) -> Translated {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let (mut depth, mut looks_around) = (0usize, false);
    let mut flags = Flags::default();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let back = |c: &char| matches!(c, '1'..='9' | 'k' | 'G');
                looks_around |= depth == 0 && chars.peek().is_some_and(back);
                escape(&mut chars, depth > 0, flags.unicode, &mut out);
            }
            '[' => {
                depth += 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.push('^');
                    chars.next();
                }
                // A bracket right after the opening one stands for itself.
                if chars.peek() == Some(&']') {
                    out.push_str("\\]");
                    chars.next();
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            '-' if depth > 0 && chars.peek() == Some(&'-') => out.push_str("\\-"),
            '~' if depth > 0 => out.push_str("\\~"),
            '(' if depth == 0 && chars.peek() == Some(&'?') => {
                chars.next();
                looks_around |= group(&mut chars, &mut flags, &mut out);
            }
            // What follows a quantifier and is a plus keeps what has been matched.
            '*' | '+' | '?' | '}' if depth == 0 => {
                out.push(c);
                if chars.peek() == Some(&'+') {
                    chars.next();
                    out.push('+');
                    looks_around = true;
                } else if c != '?' && chars.peek() == Some(&'?') || c == '?' && chars.peek() == Some(&'?') {
                    chars.next();
                    out.push('?');
                }
            }
            // Java's dot stops at every line terminator, unless the pattern is in DOTALL mode.
            '.' if depth == 0 && flags.dot_all => out.push_str("(?s:.)"),
            '.' if depth == 0 && flags.unix_lines => out.push_str("[^\\n]"),
            '.' if depth == 0 => out.push_str("[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"),
            other if depth == 0 && flags.ascii_case && !other.is_ascii() => {
                out.push_str("(?-i:");
                out.push(other);
                out.push(')');
            }
            other => out.push(other),
        }
    }
    Translated {
        text: out,
        looks_around,
    }
}

/// Translates what follows `(?`: flags that the crates have are handed on, the others kept. Returns whether the group looks around.
fn group(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, flags: &mut Flags, out: &mut String) -> bool {
    let rest: String = chars.clone().collect();
    let set: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphabetic() || *c == '-')
        .collect();
    let end = rest[set.len()..].chars().next();
    if set.is_empty() || !matches!(end, Some(')' | ':')) {
        out.push_str("(?");
        // `(?<name>` is a group with a name; `(?<=` and `(?<!` look behind.
        return rest.starts_with(['=', '!', '>']) || rest.starts_with("<=") || rest.starts_with("<!");
    }
    chars.by_ref().take(set.len() + 1).for_each(drop);
    let (on, off) = set.split_once('-').unwrap_or((&set, ""));
    let now = |flag: char, before: bool| on.contains(flag) || before && !off.contains(flag);
    flags.unicode = now('U', flags.unicode);
    flags.ascii_case = (on.contains('i') && !on.contains(['u', 'U'])) || flags.ascii_case && !off.contains('i');
    flags.dot_all = now('s', flags.dot_all);
    flags.unix_lines = now('d', flags.unix_lines);
    let known = |flags: &str| {
        flags
            .chars()
            .filter(|f| matches!(f, 'i' | 'm' | 'x'))
            .collect::<String>()
    };
    let (on, off) = (known(on), known(off));
    let minus = if off.is_empty() { "" } else { "-" };
    match (on.is_empty() && off.is_empty(), end) {
        (true, Some(')')) => {}
        (true, _) => out.push_str("(?:"),
        (false, end) => out.push_str(&format!("(?{on}{minus}{off}{}", end.unwrap_or(')'))),
    }
    false
}

/// Translates what follows a backslash; inside a class, sets of characters stand without brackets of
/// their own.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, unicode: bool, out: &mut String) {
    let Some(c) = chars.next() else {
        out.push('\\');
        return;
    };
    let class = |positive: &str, negative: bool| match (in_class, negative) {
        (true, false) => positive.to_owned(),
        (_, true) => format!("[^{positive}]"),
        (false, false) => format!("[{positive}]"),
    };
    let hex = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, digits: usize| {
        let text: String = (0..digits).filter_map(|_| chars.next()).collect();
        format!("\\x{{{text}}}")
    };
    match c {
        'd' | 'D' | 'w' | 'W' | 's' | 'S' if unicode => out.extend(['\\', c]),
        'd' | 'D' => out.push_str(&class("0-9", c == 'D')),
        'w' | 'W' => out.push_str(&class("a-zA-Z0-9_", c == 'W')),
        's' | 'S' => out.push_str(&class(" \\t\\n\\x0B\\x0C\\r", c == 'S')),
        'h' | 'H' => out.push_str(&class(
            " \\t\\xA0\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}",
            c == 'H',
        )),
        'v' | 'V' => out.push_str(&class("\\n\\x0B\\x0C\\r\\x85\\u{2028}\\u{2029}", c == 'V')),
        'R' => out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r\\x85\\u{2028}\\u{2029}])"),
        'e' => out.push_str("\\x1B"),
        'Z' => out.push_str("\\z"),
        'u' => out.push_str(&hex(chars, 4)),
        'x' if chars.peek() != Some(&'{') => out.push_str(&hex(chars, 2)),
        'p' | 'P' => property(chars, c == 'P', in_class, unicode, out),
        'Q' => {
            let mut quoted = String::new();
            while let Some(next) = chars.next() {
                if next == '\\' && chars.peek() == Some(&'E') {
                    chars.next();
                    break;
                }
                quoted.push(next);
            }
            out.push_str(&regex::escape(&quoted));
        }
        'E' => {}
        c if c.is_ascii_alphanumeric() => out.extend(['\\', c]),
        c => out.push_str(&regex::escape(&c.to_string())),
    }
}

/// Translates `\p{…}`: Java's POSIX names are ASCII classes, `Is…` prefixes are dropped.
fn property(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    negated: bool,
    in_class: bool,
    unicode: bool,
    out: &mut String,
) {
    let letter = if negated { 'P' } else { 'p' };
    if chars.peek() != Some(&'{') {
        out.extend(['\\', letter]);
        return;
    }
    chars.next();
    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
    let java = match name.as_str() {
        "javaLowerCase" => Some("Lowercase"),
        "javaUpperCase" => Some("Uppercase"),
        "javaWhitespace" => Some("White_Space"),
        "javaAlphabetic" => Some("Alphabetic"),
        "javaLetter" => Some("L"),
        "javaDigit" => Some("Nd"),
        "Lower" if unicode => Some("Lowercase"),
        "Upper" if unicode => Some("Uppercase"),
        "Alpha" if unicode => Some("Alphabetic"),
        "Digit" if unicode => Some("Nd"),
        "Punct" if unicode => Some("P"),
        "Space" if unicode => Some("White_Space"),
        _ => None,
    };
    if let Some(name) = java {
        out.push_str(&format!("\\{letter}{{{name}}}"));
        return;
    }
    let posix = match name.as_str() {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => "!-/:-@\\[-`{-~",
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => " \\t",
        "Cntrl" => "\\x00-\\x1F\\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => " \\t\\n\\x0B\\x0C\\r",
        "ASCII" => "\\x00-\\x7F",
        other => {
            let plain = other.strip_prefix("Is").unwrap_or(other);
            out.push_str(&format!("\\{letter}{{{plain}}}"));
            return;
        }
    };
    match (in_class, negated) {
        (true, false) => out.push_str(posix),
        (_, true) => out.push_str(&format!("[^{posix}]")),
        (false, false) => out.push_str(&format!("[{posix}]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_classes_are_ascii_and_its_escapes_are_read() {
        for (pattern, text, found) in [
            ("\\w+", "ÜBER", Some("BER")),
            ("[\\w-]+", "a-b c", Some("a-b")),
            ("\\D+", "12ab", Some("ab")),
            ("[^\\s]+", " x ", Some("x")),
            ("\\Qa.b\\E", "aXb a.b", Some("a.b")),
            ("\\p{Alpha}+", "éab", Some("ab")),
            ("\\u0041", "xA", Some("A")),
            ("\\<b\\>", "<b>", Some("<b>")),
            ("[]a]+", "b]a", Some("]a")),
            ("(?<=foo)ba.", "xbar foobaz", Some("baz")),
            ("(\\w)\\1", "abccd", Some("cc")),
            ("a*+a", "aaa", None),
            ("(?>a+)ab", "aaab", None),
            ("a{2}+", "aaa", Some("aa")),
            ("(?i)é", "É", None),
            ("(?iu)é", "É", Some("É")),
            ("(?U)\\w+", "é٣", Some("é٣")),
            ("\\p{javaLowerCase}", "Aé", Some("é")),
            ("(?s)a.b", "a\nb", Some("a\nb")),
            ("(?s-i:a).b", "a\nb", Some("a\nb")),
            ("a??b", "ab", Some("ab")),
        ] {
            let regex = compile("rlike", pattern).unwrap();
            let at = regex.find(text).unwrap();
            assert_eq!(at.map(|at| &text[at]), found, "{pattern}");
        }
        assert_eq!(
            compile("split", "(").unwrap_err().condition.as_deref(),
            Some("INVALID_PARAMETER_VALUE.PATTERN")
        );
    }
}
