//! Java's patterns, compiled for two engines: one that takes time linear in the text, and for what it does not have (look-around,
//! back-references, possessive and atomic groups) one that tries again, up to a number of steps.
//!
//! [`java_pattern`](super::java_pattern) writes them in the syntax of both. Java's `$` and `(?m)^` look around; for a text
//! without ends of lines where they look, the linear engine has the same answer.

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use super::java_pattern::{Ends, translate};
use crate::error::{Exception, Result, SparkError};

/// Most steps of a match that tries again.
const MOST_STEPS: usize = 1_000_000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// For a text without ends of lines that the anchors look for.
    plain: Engine,
    /// Which ends those are.
    ends: Ends,
    /// For the others, if it is another one.
    full: Option<Engine>,
}

/// What a pattern compiles to.
#[derive(Debug, Clone)]
enum Engine {
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

/// Returns where the next match may begin: after a match, or after the letter that an empty one stands before.
fn after(text: &str, found: &Range<usize>) -> usize {
    if !found.is_empty() {
        return found.end;
    }
    found.end + text[found.end..].chars().next().map_or(1, char::len_utf8)
}

/// Returns whether a text has an end of a line at one of its ends, or is empty, so that anchors may look for it.
fn has_ends(text: &str, ends: Ends) -> bool {
    let is_end = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    match ends {
        Ends::None => false,
        Ends::Last => text.ends_with(is_end),
        Ends::Each => text.is_empty() || text.contains(is_end),
    }
}

impl Pattern {
    /// Returns the engine for a text.
    fn engine(&self, text: &str) -> &Engine {
        match &self.full {
            Some(full) if has_ends(text, self.ends) => full,
            _ => &self.plain,
        }
    }

    /// Returns whether a text has a match.
    ///
    /// # Errors
    /// `RIVULET_PATTERN_TOO_EXPENSIVE` if it takes too many steps to find out; so do the others.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        match self.engine(text) {
            Engine::Linear(regex) => Ok(regex.is_match(text)),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(too_many),
        }
    }

    /// Returns where the first match is.
    pub fn find(&self, text: &str) -> Result<Option<Range<usize>>> {
        match self.engine(text) {
            Engine::Linear(regex) => Ok(regex.find(text).map(|m| m.range())),
            Engine::Backtracking(regex) => {
                let found = regex.find(text).map_err(too_many)?;
                Ok(found.map(|m| m.range()))
            }
        }
    }

    /// Calls `f` with each match, until it says no. As in Java, an empty match may follow another one immediately.
    pub fn each_match(&self, text: &str, mut f: impl FnMut(Range<usize>) -> Result<bool>) -> Result<()> {
        let (engine, mut from) = (self.engine(text), 0);
        while from <= text.len() {
            let found = match engine {
                Engine::Linear(regex) => regex.find_at(text, from).map(|m| m.range()),
                Engine::Backtracking(regex) => {
                    let found = regex.find_from_pos(text, from).map_err(too_many)?;
                    found.map(|m| m.range())
                }
            };
            let Some(found) = found else { break };
            from = after(text, &found);
            if !f(found)? {
                break;
            }
        }
        Ok(())
    }

    /// Calls `f` with the groups of each match, until it says no.
    pub fn each(&self, text: &str, mut f: impl FnMut(&Groups) -> Result<bool>) -> Result<()> {
        let engine = self.engine(text);
        let (mut groups, mut from) = (Groups::default(), 0);
        while from <= text.len() {
            groups.0.clear();
            match engine {
                Engine::Linear(regex) => {
                    let found = regex.captures_at(text, from);
                    groups.0.extend(
                        found
                            .iter()
                            .flat_map(|c| c.iter())
                            .map(|group| group.map(|m| m.range())),
                    );
                }
                Engine::Backtracking(regex) => {
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
            from = after(text, &whole);
            if !f(&groups)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the pattern for the linear engine, whose `$` is the end of the text; `None` if that does not have all of it.
    pub fn linear(self) -> Option<Regex> {
        match self.plain {
            Engine::Linear(regex) => Some(regex),
            Engine::Backtracking(_) => None,
        }
    }

    /// Returns how many groups the pattern has, the match itself not counted.
    pub fn groups(&self) -> usize {
        match &self.plain {
            Engine::Linear(regex) => regex.captures_len() - 1,
            Engine::Backtracking(regex) => regex.captures_len() - 1,
        }
    }

    /// Returns the number of the group with a name.
    pub fn group_named(&self, name: &str) -> Option<usize> {
        match &self.plain {
            Engine::Linear(regex) => regex.capture_names().position(|known| known == Some(name)),
            Engine::Backtracking(regex) => regex.capture_names().position(|known| known == Some(name)),
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
    let translated = translate(pattern).ok_or_else(invalid)?;
    let plain = engine(&translated.plain, translated.backtracks).ok_or_else(invalid)?;
    let full = match translated.ends {
        Ends::None => None,
        _ => Some(engine(&translated.full, true).ok_or_else(invalid)?),
    };
    Ok(Pattern {
        plain,
        ends: translated.ends,
        full,
    })
}

/// Compiles what is in the syntax of the crates.
fn engine(text: &str, backtracks: bool) -> Option<Engine> {
    if !backtracks && let Ok(linear) = Regex::new(text) {
        return Some(Engine::Linear(linear));
    }
    let made = fancy_regex::RegexBuilder::new(text).backtrack_limit(MOST_STEPS).build();
    made.ok().map(|regex| Engine::Backtracking(Arc::new(regex)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_refuses_is_refused() {
        for wrong in [
            "a**",
            "a{2,1}",
            "a{",
            "*a",
            "(?P<n>a)",
            "(?<n>a)(?<n>b)",
            "[z-a]",
            "[]",
            "[^]",
            "\\y",
            "\\08",
            "a)",
            "(?#c)",
            "(?i",
            "\\p{Foo}",
            "a\\",
            "\\k<n>",
            "[a-\\d]",
            "\\x6",
            "\\u12",
        ] {
            assert!(compile("rlike", wrong).is_err(), "{wrong}");
        }
        assert!(compile("rlike", &"(".repeat(100_000)).is_err());
        assert!(compile("rlike", &"[".repeat(100_000)).is_err());
    }

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
            ("a$", "ba\r\n", Some("a")),
            ("(?m)^b", "a\u{85}b", Some("b")),
            ("(?x) a [ b ] # c", "xab", Some("ab")),
            ("[[:alpha:]]+", "zal:", Some("al:")),
            ("(a)\\2", "aa", None),
            ("\\p{InCyrillic}", "aя", Some("я")),
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
            ("(?s-i:a).b", "a\nb", None),
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
