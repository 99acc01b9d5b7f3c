//! Strings made of strings: padding, cutting, replacing, masking.
//!
//! Each function is a kernel that goes row by row; a null argument makes a null unless its entry says
//! otherwise.
//!
//! ```text
//! substring_index('a.b.c', '.', 2)    a.b        split_part('a.b.c', '.', 2)    b
//! substring_index('a.b.c', '.', -1)   c          split_part('a.b.c', '.', -1)   c
//! substring_index('a.b.c', '.', 9)    a.b.c      split_part('a.b.c', '.', 9)    (empty)
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::limits;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::index_of_zero;
use crate::plan::functions::text::basic::{bytes_of, substring_of};
use crate::plan::functions::{constant, row};
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::raw;
use crate::values::types::{element_field, list_of};

/// Resolves `repeat` (`StringRepeat`); a negative number counts as 0.
///
/// When it runs, a result over the limit of one value is `RIVULET_VALUE_TOO_LARGE`.
pub fn repeat(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?, call.int(1)?], |r| {
        let (part, times) = (r.text(0), r.int(1).max(0) as usize);
        limits::product("repeat", part.len(), times)?;
        Ok(Some(part.repeat(times)))
    })
}

/// Resolves `space` (`StringSpace`); a negative number counts as 0.
pub fn space(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.int(0)?], |r| {
        let count = r.int(0).max(0) as usize;
        limits::product("space", 1, count)?;
        Ok(Some(" ".repeat(count)))
    })
}

/// Resolves `translate` (`StringTranslate`). Of equal characters in `from` the first counts; one
/// without a partner in `to` is removed.
pub fn translate(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?, call.text(2)?], |r| {
        let from: Vec<char> = r.text(1).chars().collect();
        let to: Vec<char> = r.text(2).chars().collect();
        // The first of equal characters counts, so it is put in last.
        let places: HashMap<char, usize> = from.iter().enumerate().rev().map(|(at, c)| (*c, at)).collect();
        let changed = r.text(0).chars().filter_map(|c| match places.get(&c) {
            None => Some(c),
            Some(at) => to.get(*at).copied(),
        });
        Ok(Some(changed.collect::<String>()))
    })
}

/// Resolves `replace` (`StringReplace`); an empty search string changes nothing.
pub fn replace(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.text(0)?, call.text(1)?, call.text_or(2, "")?];
    let label = call.label_or(2, &[""]);
    Ok(row::call(call.name, "", DataType::Utf8, args, label, |r| {
        let (text, part, with) = (r.text(0), r.text(1), r.text(2));
        if part.is_empty() {
            return Ok(Some(text.to_owned()));
        }
        if with.len() > part.len() {
            let grown = (with.len() - part.len()) as u64 * text.matches(part).count() as u64;
            limits::value("replace", text.len() as u64 + grown)?;
        }
        Ok(Some(text.replace(part, with)))
    }))
}

/// Resolves `left` (`Left`): the first characters or bytes; none for a negative number.
pub fn left(call: &Call<'_>) -> Result<Typed> {
    if call.arg(0)?.data_type == DataType::Binary {
        return call.strict(DataType::Binary, vec![call.binary(0)?, call.int(1)?], |r| {
            let count = r.int(1).max(0) as usize;
            Ok(Some(r.bytes(0).iter().copied().take(count).collect::<Vec<u8>>()))
        });
    }
    call.strict(DataType::Utf8, vec![call.text(0)?, call.int(1)?], |r| {
        let count = r.int(1).max(0) as usize;
        Ok(Some(r.text(0).chars().take(count).collect::<String>()))
    })
}

/// Resolves `right`: the last characters; none for a negative number.
pub fn right(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?, call.int(1)?], |r| {
        let (text, count) = (r.text(0), r.int(1).max(0) as usize);
        let skip = text.chars().count().saturating_sub(count);
        Ok(Some(text.chars().skip(skip).collect::<String>()))
    })
}

/// Resolves `substring_index` (`SubstringIndex`).
pub fn before_nth(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?, call.int(2)?], |r| {
        Ok(Some(substring_index(r.text(0), r.text(1), r.int(2)).to_owned()))
    })
}

/// Resolves `split_part` (`SplitPart`).
///
/// When it runs, part 0 is `INVALID_INDEX_OF_ZERO`.
pub fn nth_part(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?, call.text(1)?, call.int(2)?], |r| {
        split_part(r.text(0), r.text(1), r.int(2)).map(Some)
    })
}

/// Resolves `overlay` (`Overlay`) of strings or of binaries. A negative length is that of the replacement.
///
/// # Errors
/// If one is a string and the other a binary, `DATATYPE_MISMATCH.DATA_DIFF_TYPES`.
pub fn overlay(call: &Call<'_>) -> Result<Typed> {
    let binary = |i: usize| call.args.get(i).is_some_and(|arg| arg.data_type == DataType::Binary);
    if binary(0) && binary(1) {
        return overlay_bytes(call);
    }
    if binary(0) || binary(1) {
        let label = call.label_or(3, &["-1"]);
        let types = if binary(0) {
            "(\"BINARY\" or \"STRING\")"
        } else {
            "(\"STRING\" or \"BINARY\")"
        };
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"{label}\" due to data type mismatch: Input to `overlay` should all be the same type, but it's {types}."
            ),
        )
        .with("functionName", "`overlay`")
        .with("dataType", types)
        .with("sqlExpr", format!("\"{label}\"")));
    }
    let args = vec![call.text(0)?, call.text(1)?, call.int(2)?, call.int_or(3, -1)?];
    let label = call.label_or(3, &["-1"]);
    Ok(row::call(call.name, "", DataType::Utf8, args, label, |r| {
        let (text, with, from) = (r.text(0), r.text(1), i64::from(r.int(2)));
        let length = if r.int(3) < 0 {
            with.chars().count() as i64
        } else {
            r.int(3).into()
        };
        let head = substring_of(text, 1, from - 1);
        let tail = substring_of(text, from.saturating_add(length), i32::MAX.into());
        Ok(Some(format!("{head}{with}{tail}")))
    }))
}

/// Resolves `overlay` of binaries; positions count bytes.
fn overlay_bytes(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.binary(0)?, call.binary(1)?, call.int(2)?, call.int_or(3, -1)?];
    let label = call.label_or(3, &["-1"]);
    Ok(row::call(call.name, "bytes", DataType::Binary, args, label, |r| {
        let (bytes, with, from) = (r.bytes(0), r.bytes(1), i64::from(r.int(2)));
        let length = if r.int(3) < 0 {
            with.len() as i64
        } else {
            r.int(3).into()
        };
        let head = bytes_of(bytes, 1, from - 1);
        let tail = bytes_of(bytes, from.saturating_add(length), i32::MAX.into());
        Ok(Some([head, with, tail].concat()))
    }))
}

/// Resolves `quote`: single quotes around, and a backslash before those inside.
pub fn quote(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.text(0)?], |r| {
        Ok(Some(format!("'{}'", r.text(0).replace('\'', "\\'"))))
    })
}

/// Resolves `collate`: the string itself, whatever the collation is called.
pub fn collate(call: &Call<'_>) -> Result<Typed> {
    Ok(call.labelled(call.text(0)?))
}

/// Resolves `is_valid_utf8`.
pub fn is_valid_utf8(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Boolean, vec![call.binary(0)?], |r| {
        Ok(Some(std::str::from_utf8(r.bytes(0)).is_ok()))
    })
}

/// Returns bytes as a string; `invalid` says what becomes of those that are not UTF-8.
fn utf8(call: &Call<'_>, invalid: fn(&[u8]) -> Result<Option<String>>) -> Result<Typed> {
    call.strict(
        DataType::Utf8,
        vec![call.binary(0)?],
        move |r| match std::str::from_utf8(r.bytes(0)) {
            Ok(_) => Ok(Some(raw::from_bytes(r.bytes(0)).into_owned())),
            Err(_) => invalid(r.bytes(0)),
        },
    )
}

/// Resolves `make_valid_utf8`: every invalid sequence becomes U+FFFD.
pub fn make_valid_utf8(call: &Call<'_>) -> Result<Typed> {
    utf8(call, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        Ok(Some(raw::from_bytes(text.as_bytes()).into_owned()))
    })
}

/// Resolves `try_validate_utf8`: null for invalid bytes.
pub fn try_validate_utf8(call: &Call<'_>) -> Result<Typed> {
    utf8(call, |_| Ok(None))
}

/// Resolves `validate_utf8`.
///
/// When it runs, invalid bytes are `INVALID_UTF8_STRING`.
pub fn validate_utf8(call: &Call<'_>) -> Result<Typed> {
    utf8(call, |bytes| {
        let hex: String = bytes.iter().map(|b| format!("\\x{b:02X}")).collect();
        Err(SparkError::new(
            Exception::IllegalArgument,
            "INVALID_UTF8_STRING",
            "22029",
            format!("Invalid UTF8 byte sequence found in string: {hex}."),
        )
        .with("str", hex))
    })
}

/// Resolves `lpad` and `rpad` (`StringLPad`, `StringRPad`) of strings. A value that is too long is cut
/// on the right; a negative length counts as 0; an empty padding adds nothing.
pub fn pad(call: &Call<'_>, left: bool) -> Result<Typed> {
    let first = call.text_or_binary(0)?;
    if first.data_type == DataType::Binary {
        return pad_bytes(call, first, left);
    }
    let args = vec![first, call.int(1)?, call.text_or(2, " ")?];
    let label = call.label_or(2, &[" "]);
    Ok(row::call(call.name, "", DataType::Utf8, args, label, move |r| {
        let (text, length) = (r.text(0), r.int(1).max(0) as usize);
        let count = text.chars().count();
        if count >= length {
            return Ok(Some(text.chars().take(length).collect::<String>()));
        }
        let padding = r.text(2);
        if !padding.is_empty() {
            // As many whole paddings as are begun.
            let times = (length - count).div_ceil(padding.chars().count());
            limits::product(if left { "lpad" } else { "rpad" }, padding.len(), times)?;
        }
        let fill: String = padding.chars().cycle().take(length - count).collect();
        Ok(Some(if left {
            format!("{fill}{text}")
        } else {
            format!("{text}{fill}")
        }))
    }))
}

/// Resolves the two of binaries (`BinaryPad`), which are filled up with zero bytes by default.
fn pad_bytes(call: &Call<'_>, first: Typed, left: bool) -> Result<Typed> {
    let pad = if call.has(2) {
        call.binary(2)?
    } else {
        call.context.cast(literal::string("\0"), &DataType::Binary)?
    };
    let args = vec![first, call.int(1)?, pad];
    let label = call.label_or(2, &["X'00'"]);
    Ok(row::call(
        call.name,
        "binary",
        DataType::Binary,
        args,
        label,
        move |r| {
            let (bytes, length) = (r.bytes(0), r.int(1).max(0) as usize);
            let missing = length.saturating_sub(bytes.len());
            if !r.bytes(2).is_empty() {
                limits::product(if left { "lpad" } else { "rpad" }, 1, length)?;
            }
            let fill: Vec<u8> = r.bytes(2).iter().copied().cycle().take(missing).collect();
            let kept = &bytes[..bytes.len().min(length)];
            Ok(Some(if left {
                [&fill, kept].concat()
            } else {
                [kept, &fill].concat()
            }))
        },
    ))
}

/// Returns what comes before the `count`th delimiter, or after it counted from the end
/// (`UTF8String.subStringIndex`). The whole string if there are fewer; empty for a count of 0 or an
/// empty delimiter.
fn substring_index<'a>(text: &'a str, delimiter: &str, count: i32) -> &'a str {
    if delimiter.is_empty() || count == 0 {
        return "";
    }
    let nth = count.unsigned_abs() as usize - 1;
    if count > 0 {
        text.match_indices(delimiter)
            .nth(nth)
            .map_or(text, |(at, _)| &text[..at])
    } else {
        text.rmatch_indices(delimiter)
            .nth(nth)
            .map_or(text, |(at, _)| &text[at + delimiter.len()..])
    }
}

/// Returns the part with a number, counted from 1 or from the end if negative; empty if there is none.
/// An empty delimiter does not split.
///
/// # Errors
/// If the number is 0, `INVALID_INDEX_OF_ZERO`.
fn split_part(text: &str, delimiter: &str, part: i32) -> Result<String> {
    if part == 0 {
        return Err(index_of_zero());
    }
    let parts: Vec<&str> = if delimiter.is_empty() {
        vec![text]
    } else {
        text.split(delimiter).collect()
    };
    let at = if part > 0 {
        part as usize - 1
    } else {
        parts.len().wrapping_sub(part.unsigned_abs() as usize)
    };
    Ok(parts.get(at).copied().unwrap_or_default().to_owned())
}

/// Resolves `elt` (`Elt`). Only the number and the chosen string may make it null.
///
/// When it runs, a number beyond the strings is null, or `INVALID_ARRAY_INDEX` under ANSI.
pub fn elt(call: &Call<'_>) -> Result<Typed> {
    let mut args = vec![call.int(0)?];
    for i in 1..call.args.len() {
        args.push(call.text(i)?);
    }
    let count = args.len() - 1;
    let ansi = call.context.ansi();
    Ok(row::with_nulls(
        call.name,
        format!("{ansi}"),
        DataType::Utf8,
        args,
        call.label(),
        move |r| {
            if r.is_null(0) {
                return Ok(None);
            }
            let at = r.int(0);
            if at < 1 || at as usize > count {
                return if ansi {
                    Err(crate::plan::extract::invalid_array_index(at.into(), count as i64))
                } else {
                    Ok(None)
                };
            }
            Ok((!r.is_null(at as usize)).then(|| r.text(at as usize).to_owned()))
        },
    ))
}

/// Resolves `mask` (`Mask`): upper case, lower case, digits and others become the given characters;
/// null keeps them. Letters are Unicode's, digits are ASCII's; of a replacement only the first
/// character counts.
pub fn mask(call: &Call<'_>) -> Result<Typed> {
    let defaults = [Some("X"), Some("x"), Some("n"), None];
    let mut args = vec![call.text(0)?];
    let mut names = vec![call.args[0].name.clone()];
    for (i, default) in defaults.iter().enumerate() {
        let name = default.unwrap_or("NULL");
        let given = call.args.get(i + 1);
        args.push(match given {
            Some(_) => call.text(i + 1)?,
            None => constant(ScalarValue::Utf8(default.map(str::to_owned)), name),
        });
        names.push(given.map_or(name.to_owned(), |a| a.name.clone()));
    }
    let label = format!("mask({})", names.join(", "));
    Ok(row::with_nulls("mask", "", DataType::Utf8, args, label, |r| {
        if r.is_null(0) {
            return Ok(None);
        }
        let with = |i: usize, c: char| {
            if r.is_null(i) {
                c
            } else {
                r.text(i).chars().next().unwrap_or(c)
            }
        };
        let masked = r.text(0).chars().map(|c| match c {
            c if c.is_uppercase() => with(1, c),
            c if c.is_lowercase() => with(2, c),
            c if c.is_ascii_digit() => with(3, c),
            c => with(4, c),
        });
        Ok(Some(masked.collect::<String>()))
    }))
}

/// Resolves `sentences` (`Sentences`), for English: sentences end at `.`, `!` or `?`, words are runs of
/// letters, digits, apostrophes and hyphens. Language and country are not looked at.
pub fn sentences(call: &Call<'_>) -> Result<Typed> {
    let label = call.label_or(1, &["", ""]);
    let inner = list_of(DataType::Utf8);
    let to = list_of(inner.clone());
    let (outer_field, inner_field) = (element_field(&to)?.clone(), element_field(&inner)?.clone());
    let args = vec![call.text(0)?.expr];
    let expr = crate::kernels::kernel::call("sentences", "", to.clone(), args, move |args, _| {
        let texts = args[0].as_string::<i32>();
        let words = ListBuilder::new(StringBuilder::new()).with_field(inner_field.clone());
        let mut out = ListBuilder::new(words).with_field(outer_field.clone());
        for text in texts {
            let Some(text) = text else {
                out.append(false);
                continue;
            };
            for sentence in text.split_inclusive(['.', '!', '?']) {
                let words: Vec<&str> = sentence
                    .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '-'))
                    .filter(|w| !w.is_empty())
                    .collect();
                if !words.is_empty() {
                    words.into_iter().for_each(|w| out.values().values().append_value(w));
                    out.values().append(true);
                }
            }
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    });
    Ok(Typed::new(expr, to, label))
}
