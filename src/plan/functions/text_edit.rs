//! Text to other text: padding, cutting, replacing, masking.

use arrow::datatypes::DataType;

use super::call::Call;
use super::{Context, row};
use crate::error::{Exception, Result, SparkError};
use crate::plan::literal;
use crate::plan::scope::Typed;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let text = DataType::Utf8;
    Ok(Some(match name {
        "lpad" | "rpad" => pad(&call)?,
        "repeat" => {
            call.takes(2, 2)?;
            row::call(name, "", text, vec![call.text(0)?, call.int(1)?], call.label(), |r| {
                let (part, times) = (r.text(0), r.int(1).max(0) as usize);
                if part.len().saturating_mul(times) > i32::MAX as usize {
                    return Err(too_long("repeat"));
                }
                Ok(Some(part.repeat(times)))
            })
        }
        "space" => {
            call.takes(1, 1)?;
            row::call(name, "", text, vec![call.int(0)?], call.label(), |r| {
                Ok(Some(" ".repeat(r.int(0).max(0) as usize)))
            })
        }
        "translate" => {
            call.takes(3, 3)?;
            row::call(
                name,
                "",
                text,
                vec![call.text(0)?, call.text(1)?, call.text(2)?],
                call.label(),
                |r| {
                    let from: Vec<char> = r.text(1).chars().collect();
                    let to: Vec<char> = r.text(2).chars().collect();
                    let changed = r
                        .text(0)
                        .chars()
                        .filter_map(|c| match from.iter().position(|f| *f == c) {
                            None => Some(c),
                            Some(at) => to.get(at).copied(),
                        });
                    Ok(Some(changed.collect::<String>()))
                },
            )
        }
        "replace" => {
            call.takes(2, 3)?;
            let (with, label) = if args.len() == 3 {
                (call.text(2)?, call.label())
            } else {
                (literal::string(""), call.label_with(&[""]))
            };
            row::call(name, "", text, vec![call.text(0)?, call.text(1)?, with], label, |r| {
                Ok(Some(if r.text(1).is_empty() {
                    r.text(0).to_owned()
                } else {
                    r.text(0).replace(r.text(1), r.text(2))
                }))
            })
        }
        "left" | "right" => {
            call.takes(2, 2)?;
            let left = name == "left";
            row::call(
                name,
                "",
                text,
                vec![call.text(0)?, call.int(1)?],
                call.label(),
                move |r| {
                    let (text, n) = (r.text(0), r.int(1).max(0) as usize);
                    let skip = if left {
                        0
                    } else {
                        text.chars().count().saturating_sub(n)
                    };
                    Ok(Some(text.chars().skip(skip).take(n).collect::<String>()))
                },
            )
        }
        "substring_index" => {
            call.takes(3, 3)?;
            row::call(
                name,
                "",
                text,
                vec![call.text(0)?, call.text(1)?, call.int(2)?],
                call.label(),
                |r| Ok(Some(substring_index(r.text(0), r.text(1), r.int(2)).to_owned())),
            )
        }
        "split_part" => {
            call.takes(3, 3)?;
            row::call(
                name,
                "",
                text,
                vec![call.text(0)?, call.text(1)?, call.int(2)?],
                call.label(),
                |r| split_part(r.text(0), r.text(1), r.int(2)).map(Some),
            )
        }
        "overlay" => {
            call.takes(3, 4)?;
            let (length, label) = if args.len() == 4 {
                (call.int(3)?, call.label())
            } else {
                (literal::int(-1), call.label_with(&["-1"]))
            };
            row::call(
                name,
                "",
                text,
                vec![call.text(0)?, call.text(1)?, call.int(2)?, length],
                label,
                |r| {
                    let (text, with, from) = (r.text(0), r.text(1), i64::from(r.int(2)));
                    let length = if r.int(3) < 0 {
                        with.chars().count() as i64
                    } else {
                        r.int(3).into()
                    };
                    let head = super::strings::substring_of(text, 1, from - 1);
                    let tail = super::strings::substring_of(text, from.saturating_add(length), i32::MAX.into());
                    Ok(Some(format!("{head}{with}{tail}")))
                },
            )
        }
        "elt" => elt(&call)?,
        "mask" => mask(&call)?,
        "quote" => {
            call.takes(1, 1)?;
            row::call(name, "", text, vec![call.text(0)?], call.label(), |r| {
                Ok(Some(format!("'{}'", r.text(0).replace('\'', "\\'"))))
            })
        }
        "sentences" => {
            call.takes(1, 3)?;
            let label = call.label_with(&["", ""][args.len() - 1..]);
            sentences(call.text(0)?, label)
        }
        "is_valid_utf8" => {
            call.takes(1, 1)?;
            row::call(
                name,
                "",
                DataType::Boolean,
                vec![call.text_or_binary(0)?],
                call.label(),
                |r| Ok(Some(std::str::from_utf8(r.bytes(0)).is_ok())),
            )
        }
        "validate_utf8" | "try_validate_utf8" | "make_valid_utf8" => {
            call.takes(1, 1)?;
            let which = name.to_owned();
            row::call(
                name,
                "",
                text,
                vec![call.text_or_binary(0)?],
                call.label(),
                move |r| match (std::str::from_utf8(r.bytes(0)), which.as_str()) {
                    (Ok(text), _) => Ok(Some(text.to_owned())),
                    (Err(_), "make_valid_utf8") => Ok(Some(String::from_utf8_lossy(r.bytes(0)).into_owned())),
                    (Err(_), "try_validate_utf8") => Ok(None),
                    (Err(_), _) => Err(SparkError::new(
                        Exception::IllegalArgument,
                        "INVALID_UTF8_STRING",
                        "22029",
                        "Invalid UTF8 byte sequence found in string.",
                    )),
                },
            )
        }
        _ => return Ok(None),
    }))
}

fn too_long(function: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "STRING_TOO_LONG",
        "54000",
        format!("The result of `{function}` is longer than 2147483647 bytes."),
    )
}

fn pad(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 3)?;
    let left = call.name == "lpad";
    let first = call.text_or_binary(0)?;
    if first.data_type == DataType::Binary {
        let pad = if call.args.len() == 3 {
            call.binary(2)?
        } else {
            call.context.cast(literal::string("\0"), &DataType::Binary)?
        };
        let label = if call.args.len() == 3 {
            call.label()
        } else {
            call.label_with(&["X'00'"])
        };
        return Ok(row::call(
            call.name,
            "binary",
            DataType::Binary,
            vec![first, call.int(1)?, pad],
            label,
            move |r| {
                let (bytes, length) = (r.bytes(0), r.int(1).max(0) as usize);
                let fill: Vec<u8> = r
                    .bytes(2)
                    .iter()
                    .copied()
                    .cycle()
                    .take(length.saturating_sub(bytes.len()))
                    .collect();
                let kept = &bytes[..bytes.len().min(length)];
                Ok(Some(if left {
                    [&fill, kept].concat()
                } else {
                    [kept, &fill].concat()
                }))
            },
        ));
    }
    let (pad, label) = if call.args.len() == 3 {
        (call.text(2)?, call.label())
    } else {
        (literal::string(" "), call.label_with(&[" "]))
    };
    Ok(row::call(
        call.name,
        "",
        DataType::Utf8,
        vec![first, call.int(1)?, pad],
        label,
        move |r| {
            let (text, length) = (r.text(0), r.int(1).max(0) as usize);
            let count = text.chars().count();
            if count >= length {
                return Ok(Some(text.chars().take(length).collect::<String>()));
            }
            let fill: String = r.text(2).chars().cycle().take(length - count).collect();
            Ok(Some(if left {
                format!("{fill}{text}")
            } else {
                format!("{text}{fill}")
            }))
        },
    ))
}

/// `UTF8String.subStringIndex`.
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

fn split_part(text: &str, delimiter: &str, part: i32) -> Result<String> {
    if part == 0 {
        return Err(super::arrays::index_of_zero());
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

fn elt(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, usize::MAX)?;
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

/// `Mask`: upper case, lower case, digits and others become the given characters; null keeps them.
fn mask(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 5)?;
    let defaults = [Some("X"), Some("x"), Some("n"), None];
    let mut args = vec![call.text(0)?];
    let mut names = vec![call.args[0].name.clone()];
    for (i, default) in defaults.iter().enumerate() {
        if i + 1 < call.args.len() {
            args.push(call.text(i + 1)?);
        } else {
            let value = datafusion_common::ScalarValue::Utf8(default.map(str::to_owned));
            args.push(Typed::new(
                datafusion_expr::Expr::Literal(value, None),
                DataType::Utf8,
                default.unwrap_or("NULL"),
            ));
        }
        names.push(
            call.args
                .get(i + 1)
                .map_or(default.unwrap_or("NULL").to_owned(), |a| a.name.clone()),
        );
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

/// `Sentences`, for English: sentences end at `.`, `!`, `?` before a space, words are runs of letters and digits.
fn sentences(text: Typed, label: String) -> Typed {
    use crate::values::types::list_of;
    use arrow::array::{ListBuilder, StringBuilder};
    use std::sync::Arc;
    let to = list_of(list_of(DataType::Utf8));
    let (DataType::List(outer), DataType::List(inner)) = (to.clone(), list_of(DataType::Utf8)) else {
        return text;
    };
    let expr = crate::kernels::kernel::call("sentences", "", to.clone(), vec![text.expr], move |args, _| {
        let texts = arrow::array::AsArray::as_string::<i32>(&args[0]);
        let mut out = ListBuilder::new(ListBuilder::new(StringBuilder::new()).with_field(inner.clone()))
            .with_field(outer.clone());
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
    Typed::new(expr, to, label)
}
