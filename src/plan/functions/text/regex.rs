//! Regular expressions: Java's patterns, read for the `regex` crate.
//!
//! Java's `\d`, `\w` and `\s` are ASCII, escapes and quotes are its own, replacements say `$1`.
//! Look-around and back-references, which run in exponential time in Java, do not exist here and are
//! errors that name the pattern.
//!
//! Patterns mostly are constants of the query, so each call keeps its last compiled one ([`Cache`]); a
//! pattern that changes from row to row is compiled for each change. Matching takes time linear in the
//! string.
//!
//! ```text
//! Java                      here
//! \d \w \s                  [0-9] [a-zA-Z0-9_] [ \t\n\x0B\x0C\r]
//! \h \v \R                  sets of blanks and of line ends
//! \Q…\E                     the characters, escaped
//! \p{Alpha} \p{IsLatin}     [a-zA-Z] \p{Latin}
//! .                         anything but the five line ends, unless (?s)
//! \Z                        \z
//! $1 ${name} \$             expanded by this file, not by the crate
//! (?=…) (?<!…) \1           INVALID_PARAMETER_VALUE.PATTERN
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use regex::Regex;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::scope::Typed;
use crate::values::types::{element_field, list_of};

/// Resolves `rlike`, `regexp` and `regexp_like` (`RLike`), under a name as Spark writes it in labels.
/// The pattern may match anywhere.
pub fn matches(call: &Call<'_>, name: &str) -> Result<Typed> {
    Ok(rlike(call.text(0)?, call.text(1)?, call.label_as(name)))
}

/// Resolves `regexp_replace` (`RegExpReplace`).
pub fn regexp_replace(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.text(0)?, call.text(1)?, call.text(2)?, call.int_or(3, 1)?];
    Ok(replace(args, call.label_or(3, &["1"])))
}

/// Returns subject, pattern and group, with the label.
fn of_group(call: &Call<'_>) -> Result<(Vec<Typed>, String)> {
    let args = vec![call.text(0)?, call.text(1)?, call.int_or(2, 1)?];
    Ok((args, call.label_or(2, &["1"])))
}

/// Resolves `regexp_extract` (`RegExpExtract`): empty without a match, or if the group took no part
/// in it.
///
/// When it runs, a group that the pattern lacks is `INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX`.
pub fn regexp_extract(call: &Call<'_>) -> Result<Typed> {
    let (args, label) = of_group(call)?;
    let cache = Cache::new("regexp_extract");
    Ok(row::call(call.name, "", DataType::Utf8, args, label, move |r| {
        let regex = cache.get(r.text(1))?;
        let group = checked_group("regexp_extract", &regex, r.int(2))?;
        let found = regex
            .captures(r.text(0))
            .and_then(|c| c.get(group).map(|m| m.as_str().to_owned()));
        Ok(Some(found.unwrap_or_default()))
    }))
}

/// Resolves `regexp_extract_all` (`RegExpExtractAll`): an empty array without a match.
///
/// When it runs, a group that the pattern lacks is `INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX`.
pub fn regexp_extract_all(call: &Call<'_>) -> Result<Typed> {
    let (args, label) = of_group(call)?;
    let cache = Cache::new("regexp_extract_all");
    Ok(row::call(
        call.name,
        "",
        list_of(DataType::Utf8),
        args,
        label,
        move |r| {
            let regex = cache.get(r.text(1))?;
            let group = checked_group("regexp_extract_all", &regex, r.int(2))?;
            let found = regex
                .captures_iter(r.text(0))
                .map(|c| Some(c.get(group).map_or("", |m| m.as_str()).to_owned()));
            Ok(Some(found.collect::<Vec<Option<String>>>()))
        },
    ))
}

/// Resolves `regexp_count` (`RegExpCount`): matches do not overlap.
pub fn regexp_count(call: &Call<'_>) -> Result<Typed> {
    let cache = Cache::new("regexp_count");
    call.strict(DataType::Int32, vec![call.text(0)?, call.text(1)?], move |r| {
        Ok(Some(cache.get(r.text(1))?.find_iter(r.text(0)).count() as i32))
    })
}

/// Resolves `regexp_instr` (`RegExpInStr`), in characters; the group is not looked at.
pub fn regexp_instr(call: &Call<'_>) -> Result<Typed> {
    let cache = Cache::new("regexp_instr");
    let args = vec![call.text(0)?, call.text(1)?];
    Ok(row::call(
        call.name,
        "",
        DataType::Int32,
        args,
        call.label_or(2, &["0"]),
        move |r| {
            let text = r.text(0);
            let found = cache.get(r.text(1))?.find(text);
            Ok(Some(found.map_or(0, |m| text[..m.start()].chars().count() as i32 + 1)))
        },
    ))
}

/// Resolves `regexp_substr` (`RegExpSubStr`): the first match, null if there is none.
pub fn regexp_substr(call: &Call<'_>) -> Result<Typed> {
    let cache = Cache::new("regexp_substr");
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?], move |r| {
        Ok(cache.get(r.text(1))?.find(r.text(0)).map(|m| m.as_str().to_owned()))
    })
}

/// Compiles a Java pattern.
///
/// ```
/// use rivulet::plan::functions::text::regex::compile;
///
/// let words = compile("rlike", r"\w+")?;
/// assert_eq!(words.find("größe").map(|found| found.as_str()), Some("gr")); // \w is ASCII in Java
/// assert!(compile("rlike", r"(a)\1").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If it is malformed or needs what this engine does not have, `INVALID_PARAMETER_VALUE.PATTERN`.
pub fn compile(function: &str, pattern: &str) -> Result<Regex> {
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
    Regex::new(&translate(pattern)).map_err(|_| invalid())
}

/// Returns a Java pattern in the syntax of the `regex` crate.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, depth > 0, &mut out),
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
            // Java's dot stops at every line terminator, unless the pattern is in DOTALL mode.
            '.' if depth == 0 && !pattern.contains("(?s") => out.push_str("[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"),
            other => out.push(other),
        }
    }
    out
}

/// Translates what follows a backslash; inside a class, sets of characters stand without brackets of
/// their own.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, out: &mut String) {
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
        'p' | 'P' => property(chars, c == 'P', in_class, out),
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
fn property(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, negated: bool, in_class: bool, out: &mut String) {
    let letter = if negated { 'P' } else { 'p' };
    if chars.peek() != Some(&'{') {
        out.extend(['\\', letter]);
        return;
    }
    chars.next();
    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
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

/// The last compiled pattern of one call: patterns are constant in nearly every query.
pub struct Cache {
    /// The function that errors name.
    function: &'static str,
    /// The last pattern and what it compiled to.
    last: std::sync::Mutex<Option<(String, Regex)>>,
}

impl Cache {
    /// Makes a cache for patterns of a function, which errors name.
    pub fn new(function: &'static str) -> Self {
        Self {
            function,
            last: std::sync::Mutex::new(None),
        }
    }

    /// Returns the compiled pattern.
    ///
    /// # Errors
    /// If it does not compile, `INVALID_PARAMETER_VALUE.PATTERN`.
    pub fn get(&self, pattern: &str) -> Result<Regex> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, regex)) = last.as_ref().filter(|(p, _)| p == pattern) {
            return Ok(regex.clone());
        }
        let regex = compile(self.function, pattern)?;
        *last = Some((pattern.to_owned(), regex.clone()));
        Ok(regex)
    }
}

/// Returns the number of a group that the pattern has; 0 is the whole match.
///
/// # Errors
/// If it does not have it, `INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX`.
fn checked_group(function: &str, regex: &Regex, group: i32) -> Result<usize> {
    let most = regex.captures_len() as i32 - 1;
    if (0..=most).contains(&group) {
        return Ok(group as usize);
    }
    Err(SparkError::new(
        Exception::Runtime,
        "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
        "22023",
        format!("The value of parameter(s) `idx` in `{function}` is invalid: Expects group index between 0 and {most}, but got {group}."),
    )
    .with("parameter", "`idx`")
    .with("functionName", format!("`{function}`"))
    .with("groupCount", most.to_string())
    .with("groupIndex", group.to_string()))
}

/// Returns `text RLIKE pattern`.
pub fn rlike(text: Typed, pattern: Typed, label: String) -> Typed {
    let cache = Cache::new("rlike");
    row::call("rlike", "", DataType::Boolean, vec![text, pattern], label, move |r| {
        Ok(Some(cache.get(r.text(1))?.is_match(r.text(0))))
    })
}

/// Returns every match replaced, from a position of characters on; what is before it stays.
fn replace(args: Vec<Typed>, label: String) -> Typed {
    let cache = Cache::new("regexp_replace");
    row::call("regexp_replace", "", DataType::Utf8, args, label, move |r| {
        let (text, replacement, from) = (r.text(0), r.text(2), r.int(3).max(1) as usize - 1);
        let regex = cache.get(r.text(1))?;
        let Some(start) = text.char_indices().map(|(i, _)| i).chain([text.len()]).nth(from) else {
            return Ok(Some(text.to_owned()));
        };
        let mut out = text[..start].to_owned();
        let mut last = start;
        for found in regex.captures_iter(&text[start..]) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[last..start + whole.start()]);
            expand(&found, replacement, &mut out)?;
            last = start + whole.end();
        }
        out.push_str(&text[last..]);
        Ok(Some(out))
    })
}

/// Writes a replacement (Java's `Matcher.appendReplacement`): `$n`, `${name}`, and a backslash that
/// makes the next character plain. A group takes as many digits as name a group that exists.
///
/// # Errors
/// If a group does not exist or an escape is cut off, `INVALID_PARAMETER_VALUE.REPLACEMENT`.
fn expand(found: &regex::Captures<'_>, replacement: &str, out: &mut String) -> Result<()> {
    let bad = |what: String| {
        SparkError::new(
            Exception::IllegalArgument,
            "INVALID_PARAMETER_VALUE.REPLACEMENT",
            "22023",
            what,
        )
    };
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(
                chars
                    .next()
                    .ok_or_else(|| bad("character to be escaped is missing".into()))?,
            ),
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(found.name(&name).map_or("", |m| m.as_str()));
            }
            '$' => {
                let first = chars
                    .next()
                    .and_then(|c| c.to_digit(10))
                    .ok_or_else(|| bad("Illegal group reference".into()))?;
                let mut group = first as usize;
                if group >= found.len() {
                    return Err(bad(format!("No group {group}")));
                }
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer >= found.len() {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                out.push_str(found.get(group).map_or("", |m| m.as_str()));
            }
            other => out.push(other),
        }
    }
    Ok(())
}

/// Resolves `split` (`StringSplit`). Only a positive limit limits.
pub fn split_call(call: &Call<'_>) -> Result<Typed> {
    let (subject, pattern, limit) = (call.text(0)?, call.text(1)?, call.int_or(2, -1)?);
    let to = list_of(DataType::Utf8);
    let field = element_field(&to)?.clone();
    let cache = Cache::new("split");
    let expr = kernel::call(
        "split",
        "",
        to.clone(),
        vec![subject.expr, pattern.expr, limit.expr],
        move |args, rows| {
            let (texts, patterns, limits) = (
                args[0].as_string::<i32>(),
                args[1].as_string::<i32>(),
                args[2].as_primitive::<Int32Type>(),
            );
            let parts = StringBuilder::with_capacity(rows * 4, texts.value_data().len());
            let mut out = ListBuilder::new(parts).with_field(field.clone());
            for row in 0..rows {
                if texts.is_null(row) || patterns.is_null(row) || limits.is_null(row) {
                    out.append(false);
                    continue;
                }
                split_into(
                    texts.value(row),
                    patterns.value(row),
                    limits.value(row),
                    &cache,
                    out.values(),
                )?;
                out.append(true);
            }
            Ok(Arc::new(out.finish()))
        },
    );
    Ok(Typed::new(expr, to, call.label_or(2, &["-1"])))
}

/// Returns the one character of ASCII that a pattern of `split` stands for; `None` if it is a regular expression.
pub fn plain_separator(pattern: &str) -> Option<u8> {
    match pattern.as_bytes() {
        [separator] if separator.is_ascii() && !b".$|()[{^?*+\\".contains(separator) => Some(*separator),
        _ => None,
    }
}

/// Splits as Java's `String.split` does for `StringSplit`: an empty match at the start does not make an
/// empty first part, and trailing empty parts stay. One plain character is split without a regular
/// expression.
fn split_into(text: &str, pattern: &str, limit: i32, cache: &Cache, out: &mut StringBuilder) -> Result<()> {
    let most = if limit > 0 { limit as usize } else { usize::MAX };
    if let Some(separator) = plain_separator(pattern) {
        // By a character, which is found faster than a string of one.
        for part in text.splitn(most, char::from(separator)) {
            out.append_value(part);
        }
        return Ok(());
    }
    let regex = cache.get(pattern)?;
    let (mut from, mut parts) = (0, 1);
    for found in regex.find_iter(text) {
        if parts >= most {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
            continue;
        }
        out.append_value(&text[from..found.start()]);
        from = found.end();
        parts += 1;
    }
    out.append_value(&text[from..]);
    Ok(())
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
        ] {
            let regex = compile("rlike", pattern).unwrap();
            assert_eq!(regex.find(text).map(|m| m.as_str()), found, "{pattern}");
        }
        assert_eq!(
            compile("split", "(").unwrap_err().condition.as_deref(),
            Some("INVALID_PARAMETER_VALUE.PATTERN")
        );
    }
}
