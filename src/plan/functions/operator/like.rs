//! `LIKE` and its kin.
//!
//! A pattern becomes a regular expression for the whole string, compiled anew only when it changes from
//! one row to the next.
//!
//! ```text
//! 'a_b' LIKE 'a\_b'               true     the escape makes the next character plain
//! 'a_b' LIKE 'a/_b' ESCAPE '/'    true
//! 'ab' LIKE 'a\b'                 INVALID_FORMAT: only _, % and the escape itself may follow it
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;
use datafusion_expr::Expr;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::cast_expr;
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;

/// Resolves `like` (`Like`).
pub fn like(call: &Call<'_>) -> Result<Typed> {
    fits(call, false)
}

/// Resolves `ilike` (`ILike`): upper and lower case alike.
pub fn ilike(call: &Call<'_>) -> Result<Typed> {
    fits(call, true)
}

/// Resolves both. The escape character is a constant, a backslash by default.
///
/// When it runs, an escape before an ordinary character or at the end is `INVALID_FORMAT`.
fn fits(call: &Call<'_>, insensitive: bool) -> Result<Typed> {
    let text = cast_expr::as_string(call.arg(0)?, call.context.mode, call.context.zone)?;
    let pattern = cast_expr::as_string(call.arg(1)?, call.context.mode, call.context.zone)?;
    let escape = match call.args.get(2) {
        None => '\\',
        Some(arg) => {
            let mut chars = arg.name.chars();
            match (chars.next(), chars.next()) {
                (Some(escape), None) => escape,
                _ => return Err(invalid_escape(&arg.name)),
            }
        }
    };
    let escaped = if escape == '\\' {
        String::new()
    } else {
        format!(" ESCAPE '{escape}'")
    };
    let label = if !insensitive {
        format!("{} LIKE {}{escaped}", text.name, pattern.name)
    } else {
        format!("ilike({}, {})", text.name, pattern.name)
    };
    let expr = kernel::call(
        if insensitive { "ilike" } else { "like" },
        escape.to_string(),
        DataType::Boolean,
        vec![text.expr, pattern.expr],
        move |args, _| {
            let (texts, patterns) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
            let mut known: Option<(String, regex::Regex)> = None;
            let mut out = BooleanBuilder::with_capacity(texts.len());
            for (text, pattern) in texts.iter().zip(patterns) {
                let (Some(text), Some(pattern)) = (text, pattern) else {
                    out.append_null();
                    continue;
                };
                if known.as_ref().is_none_or(|(p, _)| p != pattern) {
                    known = Some((pattern.to_owned(), like_regex(pattern, escape, insensitive)?));
                }
                out.append_value(known.as_ref().is_some_and(|(_, r)| r.is_match(text)));
            }
            Ok(Arc::new(out.finish()))
        },
    );
    Ok(Typed::new(expr, DataType::Boolean, label))
}

/// Makes `INVALID_ESC`.
fn invalid_escape(escape: &str) -> SparkError {
    let escape = string(escape);
    let message =
        format!("Found an invalid escape string: {escape}. The escape string must contain only one character.");
    SparkError::new(Exception::Parse, "INVALID_ESC", "42604", message).with("invalidEscape", escape)
}

/// Returns a string as messages quote it.
fn string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Which of `x [NOT] [I]LIKE ANY (…)` and `ALL` a call is.
pub struct Quantified {
    /// Whether each pattern is negated.
    pub negated: bool,
    /// Whether it is `ILIKE`.
    pub insensitive: bool,
    /// Whether it is `ALL`.
    pub all: bool,
}

/// Resolves the calls that the parser makes of `LIKE ANY` and its kin: one test per pattern, joined.
pub fn quantified(call: &Call<'_>, form: &Quantified) -> Result<Typed> {
    let value = call.arg(0)?;
    let mut tests = Vec::new();
    for pattern in &call.args[1..] {
        let test = fits(&call.other("like", &[value.clone(), pattern.clone()]), form.insensitive)?;
        tests.push(if form.negated {
            Expr::Not(Box::new(test.expr))
        } else {
            test.expr
        });
    }
    let join = if form.all {
        datafusion_expr::and
    } else {
        datafusion_expr::or
    };
    let joined = tests
        .into_iter()
        .reduce(join)
        .unwrap_or_else(|| datafusion_expr::lit(form.all));
    let label = if form.insensitive {
        format!("{}(lower({}))", call.name.replace("ilike", "like"), value.name)
    } else {
        format!("{}({})", call.name, value.name)
    };
    Ok(Typed::new(joined, DataType::Boolean, label))
}

/// Returns a LIKE pattern as an anchored regular expression (`StringUtils.escapeLikeRegex`).
///
/// # Errors
/// If an escape stands where it cannot, `INVALID_FORMAT`.
fn like_regex(pattern: &str, escape: char, insensitive: bool) -> Result<regex::Regex> {
    let mut out = String::from(if insensitive { "(?is)^" } else { "(?s)^" });
    let mut chars = pattern.chars();
    let invalid = |kind: &str, why: &str| {
        SparkError::analysis(
            &format!("INVALID_FORMAT.{kind}"),
            "42601",
            format!("The format is invalid: '{pattern}'. {why}"),
        )
        .with("format", string(pattern))
    };
    while let Some(c) = chars.next() {
        if c == escape {
            match chars.next() {
                Some(next) if next == '_' || next == '%' || next == escape => {
                    out.push_str(&regex::escape(&next.to_string()))
                }
                Some(next) => {
                    let next = string(&next.to_string());
                    let why = format!("The escape character is not allowed to precede {next}.");
                    return Err(invalid("ESC_IN_THE_MIDDLE", &why).with("char", next));
                }
                None => {
                    return Err(invalid(
                        "ESC_AT_THE_END",
                        "The escape character is not allowed to end with.",
                    ));
                }
            }
        } else {
            match c {
                '_' => out.push('.'),
                '%' => out.push_str(".*"),
                other => out.push_str(&regex::escape(&other.to_string())),
            }
        }
    }
    out.push('$');
    regex::Regex::new(&out).map_err(|e| SparkError::internal(e.to_string()))
}
