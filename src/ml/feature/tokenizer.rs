//! `Tokenizer` and `RegexTokenizer`: strings to words, as `String.split` and `Pattern` of Java do it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, ListBuilder, StringArray, StringBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use regex::Regex;

use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Input};
use crate::ml::error::{Signature, failed_function};
use crate::ml::params::{INPUT, OUTPUT, Param, Params};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::ml::text::TextTerms;
use crate::ml::text::words::LoweredTexts;
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::text::pattern::compile;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types;

/// Writes a string in lower case into a buffer that is used again; ASCII takes a fast path.
pub fn lower_into(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}

/// Returns `text.split("\\s")`: cuts at each ASCII white space and leaves out the empty words at the end.
///
/// ```
/// use rivulet::ml::feature::tokenizer::words;
///
/// assert_eq!(words("a  b ").collect::<Vec<_>>(), ["a", "", "b"]);
/// assert_eq!(words("").collect::<Vec<_>>(), [""]);
/// assert_eq!(words(" ").count(), 0);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let space = |c: u8| matches!(c, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
    let kept = text.trim_end_matches(|c: char| u8::try_from(c).is_ok_and(space));
    // A text without any separator is one word, even when it is empty; of separators alone nothing is left.
    let nothing = kept.is_empty() && !text.is_empty();
    let mut rest = (!nothing).then_some(kept);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.bytes().position(space) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// How a `RegexTokenizer` finds words.
#[derive(Debug)]
pub struct RegexWords {
    /// The pattern, compiled once per plan.
    regex: Regex,
    /// Whether it matches what is between words.
    gaps: bool,
    /// Whether strings are made lower case first.
    lower: bool,
    /// Shortest word that is kept, in UTF-16 units.
    least: usize,
}

impl RegexWords {
    /// Returns the words that the pattern describes.
    ///
    /// # Errors
    /// If the pattern is not a valid regular expression.
    pub fn new(params: &Params) -> Result<Self> {
        Ok(Self {
            regex: compile("RegexTokenizer", &params.text("pattern")?)?
                .linear()
                .ok_or_else(|| SparkError::unsupported("a RegexTokenizer whose pattern looks around"))?,
            gaps: params.bool("gaps")?,
            lower: params.bool("toLowercase")?,
            least: params.count("minTokenLength")?,
        })
    }

    /// Calls `f` with each word of a string; lengths count UTF-16 units.
    fn each(&self, text: &str, buffer: &mut String, mut f: impl FnMut(&str)) {
        let text = if self.lower {
            lower_into(text, buffer);
            buffer.as_str()
        } else {
            text
        };
        let long_enough = |word: &str| word.len() >= self.least && word.encode_utf16().count() >= self.least;
        if self.gaps {
            split(&self.regex, text)
                .into_iter()
                .filter(|w| long_enough(w))
                .for_each(f);
        } else {
            self.regex
                .find_iter(text)
                .map(|m| m.as_str())
                .filter(|w| long_enough(w))
                .for_each(&mut f);
        }
    }
}

/// Returns what Java's `Pattern.split` without a limit does: empty parts at the end are left out, an empty match at the
/// start makes no part.
fn split<'a>(regex: &Regex, text: &'a str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut last_empty = None;
    for found in regex.find_iter(text) {
        if found.is_empty() {
            let before = last_empty.replace(found.start());
            if found.end() == 0 {
                continue;
            }
            // Java finds the empty match within a surrogate pair too; the halves are stored as `?`.
            let piece = &text[from..found.start()];
            if before == Some(from) && piece.chars().count() == 1 && piece.len() == 4 {
                parts.extend(["?", "?"]);
                from = found.end();
                continue;
            }
        }
        parts.push(&text[from..found.start()]);
        from = found.end();
    }
    if from == 0 && parts.is_empty() {
        return vec![text];
    }
    parts.push(&text[from..]);
    while parts.last().is_some_and(|p| p.is_empty()) {
        parts.pop();
    }
    parts
}

/// Returns a list per string, filled by `f`.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null.
fn lists(
    stage: &'static str,
    texts: &dyn Array,
    column: &str,
    mut f: impl FnMut(&str, &mut ListBuilder<StringBuilder>),
) -> Result<ArrayRef> {
    let texts = texts.as_string::<i32>();
    let mut out = ListBuilder::with_capacity(StringBuilder::new(), texts.len()).with_field(Arc::new(Field::new(
        "element",
        DataType::Utf8,
        true,
    )));
    for row in 0..texts.len() {
        if texts.is_null(row) {
            return Err(null_text(stage, column, row));
        }
        f(texts.value(row), &mut out);
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Returns the error of a null string (`FAILED_EXECUTE_UDF` around a `NullPointerException`).
pub fn null_text(stage: &'static str, column: &str, row: usize) -> crate::error::SparkError {
    let function = Signature {
        stage,
        takes: "string",
        gives: "array<string>",
        column: column.to_owned(),
    };
    let cause = "java.lang.NullPointerException: Cannot invoke \"String.toLowerCase()\" because \"x$1\" is null.";
    failed_function(&function, cause, row)
}

/// Tokenizes a column of strings as `Tokenizer`.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null.
pub fn tokenize(texts: &dyn Array, column: &str) -> Result<ArrayRef> {
    if let Some(row) = first_null(texts) {
        return Err(null_text("Tokenizer", column, row));
    }
    let lowered = LoweredTexts::new(texts.as_string::<i32>());
    let mut bytes = Vec::with_capacity(lowered.text_bytes());
    let (mut words, mut lists) = (vec![0], Vec::with_capacity(lowered.len() + 1));
    lists.push(0);
    for row in 0..lowered.len() {
        for word in lowered.words(row) {
            bytes.extend_from_slice(lowered.bytes_of(&word));
            words.push(bytes.len() as i32);
        }
        lists.push(words.len() as i32 - 1);
    }
    let words = StringArray::try_new(OffsetBuffer::new(words.into()), bytes.into(), None)?;
    let element = Arc::new(Field::new("element", DataType::Utf8, true));
    let lists = OffsetBuffer::new(lists.into());
    Ok(Arc::new(ListArray::try_new(element, lists, Arc::new(words), None)?))
}

/// Returns the first row that is null.
pub fn first_null(texts: &dyn Array) -> Option<usize> {
    let nulls = texts.nulls().filter(|nulls| nulls.null_count() > 0)?;
    (0..nulls.len()).find(|row| nulls.is_null(*row))
}

/// Tokenizes a column of strings as `RegexTokenizer`.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null.
pub fn tokenize_by(regex: &RegexWords, texts: &dyn Array, column: &str) -> Result<ArrayRef> {
    let mut buffer = String::new();
    lists("RegexTokenizer", texts, column, |text, out| {
        regex.each(text, &mut buffer, |word| out.values().append_value(word));
    })
}

/// Splits a string, made lower case, at single white spaces; null is an error (`Tokenizer`).
///
/// Two spaces in a row make an empty word, as in Spark; `RegexTokenizer` does not.
#[derive(Debug)]
pub struct Tokenizer;

impl Stage for Tokenizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.Tokenizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for Tokenizer {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let text = text_column(analyzer, &input, params)?;
        let (name, source) = (text.name.clone(), text.typed.attribute.clone());
        let body: Body = Box::new(move |args, _| Ok(tokenize(&args[0], &name)?));
        let out = analyzer.stage(input, params, types::list_of(DataType::Utf8), vec![text], body)?;
        if let (Some(source), Some(made)) = (source, out.output.last()) {
            analyzer.ml()?.texts.insert(made.id.clone(), TextTerms::new(source));
        }
        Ok(out)
    }
}

/// Returns the column that a tokenizer reads, and its name in messages.
///
/// # Errors
/// If it is not a column of strings.
pub(super) fn text_column(analyzer: &mut Analyzer, input: &Resolved, params: &Params) -> Result<Input> {
    let text = analyzer.input_column(input, &params.text("inputCol")?)?;
    if !types::is_string(&text.typed.data_type) {
        return Err(SparkError::requirement(format!(
            "Input type must be string type but got {}.",
            types::simple_string(&text.typed.data_type)
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_empty_ones_but_at_the_end() {
        let all = |text| words(text).collect::<Vec<_>>();
        assert_eq!(all(""), [""]);
        assert_eq!(all(" "), Vec::<&str>::new());
        assert_eq!(all("  lead"), ["", "", "lead"]);
        assert_eq!(all("trail  "), ["trail"]);
        assert_eq!(all("a  b"), ["a", "", "b"]);
        assert_eq!(all("no\u{a0}break"), ["no\u{a0}break"]);
    }

    #[test]
    fn an_empty_match_at_the_start_gives_no_empty_word() {
        let empty = Regex::new("").unwrap();
        assert_eq!(split(&empty, "ab"), ["a", "b"]);
        assert_eq!(split(&empty, ""), [""]);
        assert_eq!(split(&empty, "a\u{1f600}b"), ["a", "?", "?", "b"]);
        let comma = Regex::new(",").unwrap();
        assert_eq!(split(&comma, ",a,,"), ["", "a"]);
        assert_eq!(split(&comma, "a"), ["a"]);
    }
}
