//! Functions of text and binary.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::{Context, call_name, exactly, wrong_number};
use crate::error::{Exception, Result, SparkError};
use crate::plan::cast;
use crate::plan::kernel;
use crate::plan::scope::Typed;
use crate::plan::types::list_of;

type DfResult<T> = datafusion_common::Result<T>;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let text = |i: usize| -> Result<Typed> {
        let arg = args.get(i).cloned().ok_or_else(|| wrong_number(name, &(i + 1).to_string(), args.len()))?;
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
                super::udf(datafusion_functions::string::octet_length(), vec![arg], DataType::Int32, label())
            } else {
                to_int(name, text(0)?, label(), |s| s.chars().count() as i32)
            }
        }
        "octet_length" => to_int(name, text(0)?, label(), |s| s.len() as i32),
        "bit_length" => to_int(name, text(0)?, label(), |s| s.len() as i32 * 8),
        "ascii" => to_int(name, text(0)?, label(), |s| s.chars().next().map_or(0, |c| c as i32)),
        "reverse" if !matches!(args.first().map(|a| &a.data_type), Some(DataType::List(_))) => map1(name, text(0)?, label(), |s| s.chars().rev().collect()),
        "trim" | "btrim" | "ltrim" | "rtrim" => trim(context, name, args)?,
        "concat" if !args.iter().any(|a| matches!(a.data_type, DataType::List(_))) => {
            let parts = (0..args.len()).map(text).collect::<Result<Vec<_>>>()?;
            let expr = kernel::call(name, "", DataType::Utf8, parts.into_iter().map(|t| t.expr).collect(), |args, rows| {
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
            });
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
        "split" => split(context, args)?,
        "substring" | "substr" => substring(context, args, label())?,
        _ => return Ok(None),
    }))
}

/// One text to one text.
pub fn map1(name: &str, arg: Typed, label: String, f: impl Fn(&str) -> String + Send + Sync + 'static) -> Typed {
    let expr = kernel::call(name, "", DataType::Utf8, vec![arg.expr], move |args, _| {
        Ok(Arc::new(args[0].as_string::<i32>().iter().map(|s| s.map(&f)).collect::<StringArray>()))
    });
    Typed::new(expr, DataType::Utf8, label)
}

/// One text to one integer.
pub fn to_int(name: &str, arg: Typed, label: String, f: impl Fn(&str) -> i32 + Send + Sync + 'static) -> Typed {
    let expr = kernel::call(name, "", DataType::Int32, vec![arg.expr], move |args, _| {
        Ok(Arc::new(args[0].as_string::<i32>().iter().map(|s| s.map(&f)).collect::<Int32Array>()))
    });
    Typed::new(expr, DataType::Int32, label)
}

fn initcap(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let changed: Vec<char> = if start { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
            start = c == ' ';
            changed
        })
        .collect()
}

fn trim(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Typed> {
    // ltrim and rtrim take the trimmed characters first, btrim last.
    let (subject, set) = match (name, args) {
        (_, [one]) => (one.clone(), None),
        ("btrim", [subject, set]) | ("trim" | "ltrim" | "rtrim", [set, subject]) => (subject.clone(), Some(set.clone())),
        _ => return Err(wrong_number(name, "[1, 2]", args.len())),
    };
    let subject = cast::as_string(subject, context.mode, context.zone)?;
    let set = set.map(|s| cast::as_string(s, context.mode, context.zone)).transpose()?;
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

/// A Java pattern as the `regex` crate reads it.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE.PATTERN` where it is malformed or uses look-around or back-references, which run in
/// exponential time in Java and do not exist here.
pub fn compile(function: &str, pattern: &str) -> Result<regex::Regex> {
    regex::Regex::new(pattern).map_err(|_| {
        SparkError::new(
            Exception::Runtime,
            "INVALID_PARAMETER_VALUE.PATTERN",
            "22023",
            format!("The value of parameter(s) `regexp` in `{function}` is invalid: '{pattern}'."),
        )
        .with("parameter", "`regexp`")
        .with("functionName", format!("`{function}`"))
        .with("value", format!("'{pattern}'"))
    })
}

/// `text RLIKE pattern`.
pub fn regex_test(context: &Context<'_>, text: Typed, pattern: Typed, label: String) -> Result<Typed> {
    let text = cast::as_string(text, context.mode, context.zone)?;
    let pattern = cast::as_string(pattern, context.mode, context.zone)?;
    let expr = kernel::call("rlike", "", DataType::Boolean, vec![text.expr, pattern.expr], |args, _| {
        let (texts, patterns) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
        let mut known = Patterns::new("rlike");
        let mut out = BooleanBuilder::with_capacity(texts.len());
        for (text, pattern) in texts.iter().zip(patterns) {
            match (text, pattern) {
                (Some(text), Some(pattern)) => out.append_value(known.get(pattern)?.is_match(text)),
                _ => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    });
    Ok(Typed::new(expr, DataType::Boolean, label))
}

/// The last compiled pattern: patterns are constant in nearly every query.
pub struct Patterns {
    function: &'static str,
    last: Option<(String, regex::Regex)>,
}

impl Patterns {
    pub fn new(function: &'static str) -> Self {
        Self { function, last: None }
    }

    pub fn get(&mut self, pattern: &str) -> Result<&regex::Regex> {
        if self.last.as_ref().is_none_or(|(p, _)| p != pattern) {
            self.last = Some((pattern.to_owned(), compile(self.function, pattern)?));
        }
        self.last.as_ref().map(|(_, r)| r).ok_or_else(|| SparkError::internal("a pattern is lost"))
    }
}

fn split(context: &Context<'_>, args: &[Typed]) -> Result<Typed> {
    if args.len() != 2 && args.len() != 3 {
        return Err(wrong_number("split", "[2, 3]", args.len()));
    }
    let subject = cast::as_string(args[0].clone(), context.mode, context.zone)?;
    let pattern = cast::as_string(args[1].clone(), context.mode, context.zone)?;
    let limit = match args.get(2) {
        Some(limit) => context.cast(limit.clone(), &DataType::Int32)?,
        None => crate::plan::literal::int(-1),
    };
    let label = format!("split({}, {}, {})", subject.name, pattern.name, limit.name);
    let to = list_of(DataType::Utf8);
    let expr = kernel::call("split", "", to.clone(), vec![subject.expr, pattern.expr, limit.expr], |args, rows| {
        let (texts, patterns, limits) = (args[0].as_string::<i32>(), args[1].as_string::<i32>(), args[2].as_primitive::<Int32Type>());
        let mut known = Patterns::new("split");
        let field = Arc::new(Field::new("element", DataType::Utf8, true));
        let mut out = ListBuilder::new(StringBuilder::with_capacity(rows * 4, texts.value_data().len())).with_field(field);
        for row in 0..rows {
            if texts.is_null(row) || patterns.is_null(row) || limits.is_null(row) {
                out.append(false);
                continue;
            }
            split_into(texts.value(row), patterns.value(row), limits.value(row), &mut known, out.values())?;
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    });
    Ok(Typed::new(expr, to, label))
}

/// Java's `String.split` as `StringSplit` uses it: an empty match at the start gives no empty first part.
fn split_into(text: &str, pattern: &str, limit: i32, known: &mut Patterns, out: &mut StringBuilder) -> DfResult<()> {
    let most = if limit > 0 { limit as usize } else { usize::MAX };
    let plain = pattern.len() == 1 && !".$|()[{^?*+\\".contains(pattern);
    if plain {
        for part in text.splitn(most, pattern) {
            out.append_value(part);
        }
        return Ok(());
    }
    let regex = known.get(pattern)?;
    let (mut from, mut parts) = (0, 1);
    for found in regex.find_iter(text) {
        if parts >= most {
            break;
        }
        if found.is_empty() && (found.start() == 0 || found.start() >= text.len()) {
            continue;
        }
        if found.end() == 0 {
            continue;
        }
        out.append_value(&text[from..found.start()]);
        from = found.end();
        parts += 1;
    }
    out.append_value(&text[from..]);
    Ok(())
}

fn substring(context: &Context<'_>, args: &[Typed], label: String) -> Result<Typed> {
    if args.len() != 2 && args.len() != 3 {
        return Err(wrong_number("substring", "[2, 3]", args.len()));
    }
    let subject = cast::as_string(args[0].clone(), context.mode, context.zone)?;
    let start = context.cast(args[1].clone(), &DataType::Int32)?;
    let (length, label) = match args.get(2) {
        Some(length) => (context.cast(length.clone(), &DataType::Int32)?, label),
        None => (crate::plan::literal::int(i32::MAX), format!("substring({}, {}, {})", subject.name, start.name, i32::MAX)),
    };
    let expr = kernel::call("substring", "", DataType::Utf8, vec![subject.expr, start.expr, length.expr], |args, rows| {
        let (texts, starts, lengths) = (args[0].as_string::<i32>(), args[1].as_primitive::<Int32Type>(), args[2].as_primitive::<Int32Type>());
        let out: StringArray = (0..rows)
            .map(|row| {
                let valid = texts.is_valid(row) && starts.is_valid(row) && lengths.is_valid(row);
                valid.then(|| substring_of(texts.value(row), starts.value(row).into(), lengths.value(row).into()))
            })
            .collect();
        Ok(Arc::new(out))
    });
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
    if to <= from { String::new() } else { text.chars().skip(from as usize).take((to - from) as usize).collect() }
}

