//! Functions of text and binary.

use arrow::array::AsArray;
use arrow::datatypes::DataType;

use super::call::Call;
use super::{Context, row};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::values::types::list_of;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let one = |f: fn(&str) -> String| -> Result<Typed> {
        call.takes(1, 1)?;
        Ok(row::call(
            name,
            "",
            DataType::Utf8,
            vec![call.text(0)?],
            call.label(),
            move |r| Ok(Some(f(r.text(0)))),
        ))
    };
    Ok(Some(match name {
        "upper" | "ucase" => one(str::to_uppercase)?,
        "lower" | "lcase" => one(str::to_lowercase)?,
        "initcap" => one(initcap)?,
        "reverse" if !matches!(args.first().map(|a| &a.data_type), Some(DataType::List(_))) => {
            one(|s| s.chars().rev().collect())?
        }
        "length" | "char_length" | "character_length" | "len" | "octet_length" | "bit_length" => {
            call.takes(1, 1)?;
            let arg = call.text_or_binary(0)?;
            let characters = arg.data_type == DataType::Utf8 && !matches!(name, "octet_length" | "bit_length");
            let factor = if name == "bit_length" { 8 } else { 1 };
            row::call(name, "", DataType::Int32, vec![arg], call.label(), move |r| {
                Ok(Some(
                    if characters {
                        r.text(0).chars().count()
                    } else {
                        r.bytes(0).len()
                    } as i32
                        * factor,
                ))
            })
        }
        "ascii" => {
            call.takes(1, 1)?;
            row::call(name, "", DataType::Int32, vec![call.text(0)?], call.label(), |r| {
                Ok(Some(r.text(0).chars().next().map_or(0, |c| c as i32)))
            })
        }
        "char" | "chr" => {
            call.takes(1, 1)?;
            row::call(name, "", DataType::Utf8, vec![call.long(0)?], call.label(), |r| {
                let n = r.long(0);
                Ok(Some(if n < 0 {
                    String::new()
                } else {
                    char::from((n & 0xff) as u8).to_string()
                }))
            })
        }
        "trim" | "btrim" | "ltrim" | "rtrim" => trim(&call)?,
        "concat" if !args.iter().any(|a| matches!(a.data_type, DataType::List(_))) => {
            if !args.is_empty() && args.iter().all(|a| a.data_type == DataType::Binary) {
                return Ok(Some(row::call(
                    name,
                    "binary",
                    DataType::Binary,
                    args.to_vec(),
                    call.label(),
                    {
                        let width = args.len();
                        move |r| {
                            Ok(Some(
                                (0..width).flat_map(|i| r.bytes(i).iter().copied()).collect::<Vec<u8>>(),
                            ))
                        }
                    },
                )));
            }
            let parts = (0..args.len()).map(|i| call.text(i)).collect::<Result<Vec<_>>>()?;
            let width = parts.len();
            row::call(name, "", DataType::Utf8, parts, call.label(), move |r| {
                Ok(Some((0..width).map(|i| r.text(i)).collect::<String>()))
            })
        }
        "concat_ws" => concat_with(&call)?,
        "startswith" | "endswith" | "contains" => {
            call.takes(2, 2)?;
            let (a, b) = (call.text_or_binary(0)?, call.text_or_binary(1)?);
            let test: fn(&[u8], &[u8]) -> bool = match name {
                "startswith" => |a, b| a.starts_with(b),
                "endswith" => |a, b| a.ends_with(b),
                _ => |a, b| b.is_empty() || a.windows(b.len()).any(|w| w == b),
            };
            row::call(name, "", DataType::Boolean, vec![a, b], call.label(), move |r| {
                Ok(Some(test(r.bytes(0), r.bytes(1))))
            })
        }
        "substring" | "substr" => substring(&call)?,
        _ => return Ok(None),
    }))
}

fn initcap(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let changed: Vec<char> = if start {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            start = c == ' ';
            changed
        })
        .collect()
}

fn trim(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 2)?;
    // btrim takes the trimmed characters last, the others first.
    let (subject, set) = match (call.name, call.args.len()) {
        (_, 1) => (0, None),
        ("btrim", _) => (0, Some(1)),
        _ => (1, Some(0)),
    };
    let label = match (call.name, set) {
        ("btrim", _) | (_, None) => call.label(),
        (name, Some(set)) => {
            let side = match name {
                "ltrim" => "LEADING",
                "rtrim" => "TRAILING",
                _ => "BOTH",
            };
            format!("TRIM({side} {} FROM {})", call.args[set].name, call.args[subject].name)
        }
    };
    let (front, back) = (call.name != "rtrim", call.name != "ltrim");
    let mut args = vec![call.text(subject)?];
    let given = set.is_some();
    if let Some(set) = set {
        args.push(call.text(set)?);
    }
    Ok(row::call(call.name, "", DataType::Utf8, args, label, move |r| {
        let (mut text, set) = (r.text(0), if given { r.text(1) } else { " " });
        if front {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if back {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        Ok(Some(text.to_owned()))
    }))
}

/// `concat_ws`: nulls are left out, lists are spread.
fn concat_with(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, usize::MAX)?;
    let mut args = vec![call.text(0)?];
    for (i, arg) in call.args.iter().enumerate().skip(1) {
        args.push(match arg.data_type {
            DataType::List(_) => call.context.cast(arg.clone(), &list_of(DataType::Utf8))?,
            _ => call.text(i)?,
        });
    }
    let width = args.len();
    Ok(row::with_nulls(
        call.name,
        "",
        DataType::Utf8,
        args,
        call.label(),
        move |r| {
            if r.is_null(0) {
                return Ok(None);
            }
            let mut parts: Vec<String> = Vec::new();
            for i in (1..width).filter(|i| !r.is_null(*i)) {
                match r.array(i).data_type() {
                    DataType::List(_) => parts.extend(r.list(i).as_string::<i32>().iter().flatten().map(str::to_owned)),
                    _ => parts.push(r.text(i).to_owned()),
                }
            }
            Ok(Some(parts.join(r.text(0))))
        },
    ))
}

fn substring(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 3)?;
    let subject = call.text_or_binary(0)?;
    let (length, label) = if call.args.len() == 3 {
        (call.int(2)?, call.label())
    } else {
        (
            crate::plan::literal::int(i32::MAX),
            call.label_with(&[&i32::MAX.to_string()]),
        )
    };
    let args = vec![subject, call.int(1)?, length];
    if args[0].data_type == DataType::Binary {
        return Ok(row::call("substring", "binary", DataType::Binary, args, label, |r| {
            let bytes = r.bytes(0);
            let (from, to) = span(bytes.len() as i64, r.int(1).into(), r.int(2).into());
            Ok(Some(bytes[from..to].to_vec()))
        }));
    }
    Ok(row::call("substring", "", DataType::Utf8, args, label, |r| {
        Ok(Some(substring_of(r.text(0), r.int(1).into(), r.int(2).into())))
    }))
}

/// `UTF8String.substringSQL`: positions from 1, negative ones from the end, characters not bytes.
pub fn substring_of(text: &str, start: i64, length: i64) -> String {
    let count = if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    };
    let (from, to) = span(count as i64, start, length);
    if text.is_ascii() {
        return text[from..to].to_owned();
    }
    text.chars().skip(from).take(to - from).collect()
}

/// Where a substring of `count` elements begins and ends.
fn span(count: i64, start: i64, length: i64) -> (usize, usize) {
    let from = match start {
        s if s > 0 => s - 1,
        s if s < 0 => count + s,
        _ => 0,
    };
    let to = from.saturating_add(length).min(count);
    let from = from.clamp(0, count);
    (from as usize, to.max(from) as usize)
}
