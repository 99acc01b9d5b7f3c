//! Functions of regular expressions; patterns are read by [`super::pattern`].
//!
//! Patterns mostly are constants of the query, so each call keeps its last compiled one ([`Cache`]); a
//! pattern that changes from row to row is compiled for each change.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::text::pattern::{Groups, Pattern, compile};
use crate::plan::functions::{fold, row};
use crate::plan::scope::Typed;
use crate::values::types::{element_field, list_of};

/// Resolves `rlike`, `regexp` and `regexp_like` (`RLike`), under a name as Spark writes it in labels.
/// The pattern may match anywhere.
pub fn matches(call: &Call<'_>, name: &str) -> Result<Typed> {
    Ok(rlike(call.text(0)?, call.text(1)?, call.label_as(name)))
}

/// Resolves `regexp_replace` (`RegExpReplace`).
///
/// # Errors
/// If the position is not a constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if it is below 1,
/// `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`.
pub fn regexp_replace(call: &Call<'_>) -> Result<Typed> {
    if call.has(3) && fold(&call.int(3)?.expr).is_none() {
        return Err(non_foldable(call, "position", "INT"));
    }
    if let Some(position) = call.constant_int(3).filter(|position| *position < 1) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: The position must be between (0, {}] (current value = {position}).",
                call.label(),
                i32::MAX
            ),
        )
        .with("exprName", "position")
        .with("valueRange", format!("(0, {}]", i32::MAX))
        .with("currentValue", position.to_string())
        .with("sqlExpr", format!("\"{}\"", call.label())));
    }
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
        let text = r.text(0);
        let mut found = None;
        regex.each(text, |groups| {
            found = groups.get(group).map(|at| text[at].to_owned());
            Ok(false)
        })?;
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
            let (text, mut found) = (r.text(0), vec![]);
            regex.each(text, |groups| {
                found.push(Some(groups.get(group).map_or("", |at| &text[at]).to_owned()));
                Ok(true)
            })?;
            Ok(Some(found))
        },
    ))
}

/// Resolves `regexp_count` (`RegExpCount`): matches do not overlap.
pub fn regexp_count(call: &Call<'_>) -> Result<Typed> {
    let cache = Cache::new("regexp_count");
    call.strict(DataType::Int32, vec![call.text(0)?, call.text(1)?], move |r| {
        let mut count = 0;
        cache.get(r.text(1))?.each_match(r.text(0), |_| {
            count += 1;
            Ok(true)
        })?;
        Ok(Some(count))
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
            let found = cache.get(r.text(1))?.find(text)?;
            Ok(Some(found.map_or(0, |at| text[..at.start].chars().count() as i32 + 1)))
        },
    ))
}

/// Resolves `regexp_substr` (`RegExpSubStr`): the first match, null if there is none or it is empty.
pub fn regexp_substr(call: &Call<'_>) -> Result<Typed> {
    let cache = Cache::new("regexp_substr");
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?], move |r| {
        let found = cache.get(r.text(1))?.find(r.text(0))?;
        Ok(found.filter(|at| !at.is_empty()).map(|at| r.text(0)[at].to_owned()))
    })
}

/// The last compiled pattern of one call: patterns are constant in nearly every query.
pub struct Cache {
    /// The function that errors name.
    function: &'static str,
    /// The last pattern and what it compiled to.
    last: std::sync::Mutex<Option<(String, Pattern)>>,
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
    pub fn get(&self, pattern: &str) -> Result<Pattern> {
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
fn checked_group(function: &str, regex: &Pattern, group: i32) -> Result<usize> {
    let most = regex.groups() as i32;
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
        Ok(Some(cache.get(r.text(1))?.is_match(r.text(0))?))
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
        let rest = &text[start..];
        let replaced = regex.each(rest, |groups| {
            if let Some(whole) = groups.get(0) {
                out.push_str(&text[last..start + whole.start]);
                expand(&regex, groups, rest, replacement, &mut out)?;
                last = start + whole.end;
            }
            Ok(true)
        });
        replaced.map_err(|error| match error.condition.as_deref() {
            Some("INVALID_REGEXP_REPLACE") => not_replaced(text, r.text(1), replacement, from + 1),
            _ => error,
        })?;
        out.push_str(&text[last..]);
        Ok(Some(out))
    })
}

/// Makes `INVALID_REGEXP_REPLACE`.
fn not_replaced(source: &str, pattern: &str, replacement: &str, position: usize) -> SparkError {
    let message = format!(
        "Could not perform regexp_replace for source = \"{source}\", pattern = \"{pattern}\", replacement = \"{replacement}\" and position = {position}."
    );
    SparkError::new(Exception::Runtime, "INVALID_REGEXP_REPLACE", "22023", message)
}

/// Writes a replacement (Java's `Matcher.appendReplacement`): `$n`, `${name}`, and a backslash that
/// makes the next character plain. A group takes as many digits as name a group that exists.
///
/// # Errors
/// If a group does not exist or an escape is cut off, `INVALID_REGEXP_REPLACE`, to be told with what was replaced.
fn expand(regex: &Pattern, found: &Groups, text: &str, replacement: &str, out: &mut String) -> Result<()> {
    let bad = || not_replaced(text, "", replacement, 1);
    let group = |number: usize| found.get(number).map_or("", |at| &text[at]);
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or_else(bad)?),
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(group(regex.group_named(&name).ok_or_else(bad)?));
            }
            '$' => {
                let first = chars.next().and_then(|c| c.to_digit(10)).ok_or_else(bad)?;
                let mut number = first as usize;
                if number > regex.groups() {
                    return Err(bad());
                }
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = number * 10 + digit as usize;
                    if longer > regex.groups() {
                        break;
                    }
                    number = longer;
                    chars.next();
                }
                out.push_str(group(number));
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
    regex.each_match(text, |found| {
        if parts >= most {
            return Ok(false);
        }
        // The empty pattern splits between characters, so it does not match at the end.
        if found.end > 0 && (!pattern.is_empty() || found.start < text.len()) {
            out.append_value(&text[from..found.start]);
            from = found.end;
            parts += 1;
        }
        Ok(true)
    })?;
    out.append_value(&text[from..]);
    Ok(())
}
