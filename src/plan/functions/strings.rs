//! Functions of text and binary.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::{Context, call_name, exactly, wrong_number};
use crate::error::Result;
use crate::plan::cast;
use crate::plan::kernel;
use crate::plan::scope::Typed;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let text = |i: usize| -> Result<Typed> {
        let arg = args
            .get(i)
            .cloned()
            .ok_or_else(|| wrong_number(name, &(i + 1).to_string(), args.len()))?;
        cast::as_string(arg, context.mode, context.zone)
    };
    let label = || call_name(name, args);
    Ok(Some(match name {
        "upper" | "ucase" => map1(name, text(0)?, label(), |s| s.to_uppercase()),
        "lower" | "lcase" => map1(name, text(0)?, label(), |s| s.to_lowercase()),
        "initcap" => map1(name, text(0)?, label(), initcap),
        "length" | "char_length" | "character_length" | "len" => {
            let arg = exactly::<1>(name, args)?[0].clone();
            if arg.data_type == DataType::Binary {
                super::udf(
                    datafusion_functions::string::octet_length(),
                    vec![arg],
                    DataType::Int32,
                    label(),
                )
            } else {
                to_int(name, text(0)?, label(), |s| s.chars().count() as i32)
            }
        }
        "octet_length" => to_int(name, text(0)?, label(), |s| s.len() as i32),
        "bit_length" => to_int(name, text(0)?, label(), |s| s.len() as i32 * 8),
        "ascii" => to_int(name, text(0)?, label(), |s| s.chars().next().map_or(0, |c| c as i32)),
        "reverse" if !matches!(args.first().map(|a| &a.data_type), Some(DataType::List(_))) => {
            map1(name, text(0)?, label(), |s| s.chars().rev().collect())
        }
        "trim" | "btrim" | "ltrim" | "rtrim" => trim(context, name, args)?,
        "concat" if !args.iter().any(|a| matches!(a.data_type, DataType::List(_))) => {
            let parts = (0..args.len()).map(text).collect::<Result<Vec<_>>>()?;
            let expr = kernel::call(
                name,
                "",
                DataType::Utf8,
                parts.into_iter().map(|t| t.expr).collect(),
                |args, rows| {
                    let columns: Vec<&StringArray> = args.iter().map(|a| a.as_string()).collect();
                    let mut out = StringBuilder::new();
                    for row in 0..rows {
                        if columns.iter().any(|c| c.is_null(row)) {
                            out.append_null();
                        } else {
                            out.append_value(columns.iter().map(|c| c.value(row)).collect::<String>());
                        }
                    }
                    Ok(Arc::new(out.finish()))
                },
            );
            Typed::new(expr, DataType::Utf8, label())
        }
        "startswith" | "endswith" | "contains" => {
            let (a, b) = (text(0)?, text(1)?);
            let which = name.to_owned();
            let expr = kernel::call(name, "", DataType::Boolean, vec![a.expr, b.expr], move |args, _| {
                let (a, b) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
                Ok(Arc::new(match which.as_str() {
                    "startswith" => arrow::compute::kernels::comparison::starts_with(a, b)?,
                    "endswith" => arrow::compute::kernels::comparison::ends_with(a, b)?,
                    _ => arrow::compute::kernels::comparison::contains(a, b)?,
                }))
            });
            Typed::new(expr, DataType::Boolean, label())
        }
        "substring" | "substr" => substring(context, args, label())?,
        _ => return Ok(None),
    }))
}

/// One text to one text.
pub fn map1(name: &str, arg: Typed, label: String, f: impl Fn(&str) -> String + Send + Sync + 'static) -> Typed {
    let expr = kernel::call(name, "", DataType::Utf8, vec![arg.expr], move |args, _| {
        Ok(Arc::new(
            args[0]
                .as_string::<i32>()
                .iter()
                .map(|s| s.map(&f))
                .collect::<StringArray>(),
        ))
    });
    Typed::new(expr, DataType::Utf8, label)
}

/// One text to one integer.
pub fn to_int(name: &str, arg: Typed, label: String, f: impl Fn(&str) -> i32 + Send + Sync + 'static) -> Typed {
    let expr = kernel::call(name, "", DataType::Int32, vec![arg.expr], move |args, _| {
        Ok(Arc::new(
            args[0]
                .as_string::<i32>()
                .iter()
                .map(|s| s.map(&f))
                .collect::<Int32Array>(),
        ))
    });
    Typed::new(expr, DataType::Int32, label)
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

fn trim(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Typed> {
    // ltrim and rtrim take the trimmed characters first, btrim last.
    let (subject, set) = match (name, args) {
        (_, [one]) => (one.clone(), None),
        ("btrim", [subject, set]) | ("trim" | "ltrim" | "rtrim", [set, subject]) => {
            (subject.clone(), Some(set.clone()))
        }
        _ => return Err(wrong_number(name, "[1, 2]", args.len())),
    };
    let subject = cast::as_string(subject, context.mode, context.zone)?;
    let set = set
        .map(|s| cast::as_string(s, context.mode, context.zone))
        .transpose()?;
    let label = match name {
        "trim" => format!("trim({})", subject.name),
        _ => call_name(name, args),
    };
    let which = name.to_owned();
    let exprs = std::iter::once(subject.expr).chain(set.map(|s| s.expr)).collect();
    let expr = kernel::call(name, "", DataType::Utf8, exprs, move |args, rows| {
        let subjects = args[0].as_string::<i32>();
        let sets = args.get(1).map(|a| a.as_string::<i32>());
        let out: StringArray = (0..rows)
            .map(|row| {
                if subjects.is_null(row) || sets.is_some_and(|s| s.is_null(row)) {
                    return None;
                }
                let set = sets.map_or(" ", |s| s.value(row));
                let mut text = subjects.value(row);
                if which != "rtrim" {
                    text = text.trim_start_matches(|c| set.contains(c));
                }
                if which != "ltrim" {
                    text = text.trim_end_matches(|c| set.contains(c));
                }
                Some(text.to_owned())
            })
            .collect();
        Ok(Arc::new(out))
    });
    Ok(Typed::new(expr, DataType::Utf8, label))
}

fn substring(context: &Context<'_>, args: &[Typed], label: String) -> Result<Typed> {
    if args.len() != 2 && args.len() != 3 {
        return Err(wrong_number("substring", "[2, 3]", args.len()));
    }
    let subject = cast::as_string(args[0].clone(), context.mode, context.zone)?;
    let start = context.cast(args[1].clone(), &DataType::Int32)?;
    let (length, label) = match args.get(2) {
        Some(length) => (context.cast(length.clone(), &DataType::Int32)?, label),
        None => (
            crate::plan::literal::int(i32::MAX),
            format!("substring({}, {}, {})", subject.name, start.name, i32::MAX),
        ),
    };
    let expr = kernel::call(
        "substring",
        "",
        DataType::Utf8,
        vec![subject.expr, start.expr, length.expr],
        |args, rows| {
            let (texts, starts, lengths) = (
                args[0].as_string::<i32>(),
                args[1].as_primitive::<Int32Type>(),
                args[2].as_primitive::<Int32Type>(),
            );
            let out: StringArray = (0..rows)
                .map(|row| {
                    let valid = texts.is_valid(row) && starts.is_valid(row) && lengths.is_valid(row);
                    valid.then(|| substring_of(texts.value(row), starts.value(row).into(), lengths.value(row).into()))
                })
                .collect();
            Ok(Arc::new(out))
        },
    );
    Ok(Typed::new(expr, DataType::Utf8, label))
}

/// `UTF8String.substringSQL`: positions from 1, negative ones from the end, characters not bytes.
pub fn substring_of(text: &str, start: i64, length: i64) -> String {
    let count = text.chars().count() as i64;
    let from = match start {
        s if s > 0 => s - 1,
        s if s < 0 => count + s,
        _ => 0,
    };
    let to = from.saturating_add(length).min(count);
    let from = from.max(0);
    if to <= from {
        String::new()
    } else {
        text.chars().skip(from as usize).take((to - from) as usize).collect()
    }
}
