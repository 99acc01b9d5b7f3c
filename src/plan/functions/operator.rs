//! Operators: arithmetic, comparison, logic, bits, pattern matching.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_expr::{Expr, Operator, binary_expr};

use super::{Context, call_name, exactly, unexpected_type};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::arithmetic::{self, Op};
use crate::plan::scope::Typed;
use crate::plan::{cast_expr, coercion, datetime};
use crate::values::cast::Mode;
use crate::values::types::{is_integral, is_string, sql_name};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let arithmetic = |op: Op, mode: Mode| -> Result<Typed> {
        let [left, right] = exactly(name, args)?;
        if let Some(time) = datetime::arithmetic(op, &left, &right, context.zone)? {
            return Ok(time);
        }
        arithmetic::binary(op, left, right, mode, context.zone)
    };
    let tried = |op: Op| -> Result<Typed> {
        let mut out = arithmetic(op, Mode::Try)?;
        out.name = call_name(name, args);
        Ok(out)
    };
    Ok(Some(match name {
        "+" | "positive" if args.len() == 1 => {
            let arg = if is_string(&args[0].data_type) {
                context.cast(args[0].clone(), &DataType::Float64)?
            } else {
                args[0].clone()
            };
            Typed {
                name: format!("(+ {})", args[0].name),
                named: false,
                attribute: None,
                ..arg
            }
        }
        "-" if args.len() == 1 => arithmetic::negate(args[0].clone(), context.mode, context.zone)?,
        "negative" => {
            let mut out = arithmetic::negate(exactly::<1>(name, args)?[0].clone(), context.mode, context.zone)?;
            out.name = call_name(name, args);
            out
        }
        "+" => arithmetic(Op::Add, context.mode)?,
        "-" => arithmetic(Op::Subtract, context.mode)?,
        "*" => arithmetic(Op::Multiply, context.mode)?,
        "/" => arithmetic(Op::Divide, context.mode)?,
        "%" | "mod" => {
            let mut out = arithmetic(Op::Remainder, context.mode)?;
            if name == "mod" {
                out.name = call_name(name, args);
            }
            out
        }
        "div" => arithmetic(Op::IntegralDivide, context.mode)?,
        "pmod" => arithmetic(Op::PositiveModulo, context.mode)?,
        "try_add" => tried(Op::Add)?,
        "try_subtract" => tried(Op::Subtract)?,
        "try_multiply" => tried(Op::Multiply)?,
        "try_divide" => tried(Op::Divide)?,
        "try_mod" => tried(Op::Remainder)?,
        "==" | "=" => compare(context, Operator::Eq, "=", args)?,
        "!=" | "<>" => {
            let equal = compare(context, Operator::Eq, "=", args)?;
            let label = format!("(NOT {})", equal.name);
            Typed::new(Expr::Not(Box::new(equal.expr)), DataType::Boolean, label)
        }
        "<" => compare(context, Operator::Lt, "<", args)?,
        "<=" => compare(context, Operator::LtEq, "<=", args)?,
        ">" => compare(context, Operator::Gt, ">", args)?,
        ">=" => compare(context, Operator::GtEq, ">=", args)?,
        "<=>" => compare(context, Operator::IsNotDistinctFrom, "<=>", args)?,
        "equal_null" => {
            let mut out = compare(context, Operator::IsNotDistinctFrom, "<=>", args)?;
            out.name = call_name(name, args);
            out
        }
        "between" => {
            let [value, low, high] = exactly(name, args)?;
            let above = compare(context, Operator::GtEq, ">=", &[value.clone(), low])?;
            let below = compare(context, Operator::LtEq, "<=", &[value, high])?;
            Typed::new(
                binary_expr(above.expr, Operator::And, below.expr),
                DataType::Boolean,
                call_name(name, args),
            )
        }
        "and" => logic(context, Operator::And, "AND", args)?,
        "or" => logic(context, Operator::Or, "OR", args)?,
        "not" | "!" => {
            let [arg] = exactly(name, args)?;
            let arg = boolean(context, arg, "NOT")?;
            let label = format!("(NOT {})", arg.name);
            Typed::new(Expr::Not(Box::new(arg.expr)), DataType::Boolean, label)
        }
        "isnull" => {
            let [arg] = exactly(name, args)?;
            Typed::new(
                Expr::IsNull(Box::new(arg.expr)),
                DataType::Boolean,
                format!("({} IS NULL)", arg.name),
            )
        }
        "isnotnull" => {
            let [arg] = exactly(name, args)?;
            Typed::new(
                Expr::IsNotNull(Box::new(arg.expr)),
                DataType::Boolean,
                format!("({} IS NOT NULL)", arg.name),
            )
        }
        "isnan" => {
            let [arg] = exactly(name, args)?;
            let arg = context.cast(arg, &DataType::Float64)?;
            let expr = kernel::call("isnan", "", DataType::Boolean, vec![arg.expr], |args, _| {
                let values = args[0].as_primitive::<Float64Type>();
                Ok(Arc::new(
                    values
                        .iter()
                        .map(|x| Some(x.is_some_and(f64::is_nan)))
                        .collect::<BooleanArray>(),
                ))
            });
            Typed::new(expr, DataType::Boolean, call_name(name, args))
        }
        "in" => in_list(context, args)?,
        "&" | "|" | "^" => {
            let [left, right] = exactly(name, args)?;
            let label = format!("({} {name} {})", left.name, right.name);
            let (left, right, common) = same_type(context, left, right, name)?;
            if !is_integral(&common) {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
                    "42K09",
                    format!(
                        "Cannot resolve \"{label}\" due to data type mismatch: the binary operator requires the input type \"INTEGRAL\", not \"{}\".",
                        sql_name(&common)
                    ),
                ));
            }
            let op = match name {
                "&" => Operator::BitwiseAnd,
                "|" => Operator::BitwiseOr,
                _ => Operator::BitwiseXor,
            };
            Typed::new(binary_expr(left.expr, op, right.expr), common, label)
        }
        "~" => {
            let [arg] = exactly(name, args)?;
            let label = format!("~{}", arg.name);
            let to = arg.data_type.clone();
            Typed::new(datafusion_spark::expr_fn::bitwise_not(arg.expr), to, label)
        }
        "like" | "ilike" => like(context, name, args)?,
        "likeany" | "likeall" | "notlikeany" | "notlikeall" | "ilikeany" | "ilikeall" | "notilikeany"
        | "notilikeall" => like_many(context, name, args)?,
        _ => return Ok(None),
    }))
}

/// Both sides in their common type.
pub fn same_type(context: &Context<'_>, left: Typed, right: Typed, symbol: &str) -> Result<(Typed, Typed, DataType)> {
    let common = coercion::comparison(&left.data_type, &right.data_type, context.ansi()).ok_or_else(|| {
        let (l, r) = (sql_name(&left.data_type), sql_name(&right.data_type));
        SparkError::analysis(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve \"({} {symbol} {})\" due to data type mismatch: the left and right operands of the binary operator have \
                 incompatible types (\"{l}\" and \"{r}\").",
                left.name, right.name
            ),
        )
        .with("left", format!("\"{l}\""))
        .with("right", format!("\"{r}\""))
    })?;
    Ok((context.cast(left, &common)?, context.cast(right, &common)?, common))
}

fn compare(context: &Context<'_>, op: Operator, symbol: &str, args: &[Typed]) -> Result<Typed> {
    let [left, right] = exactly(symbol, args)?;
    let label = format!("({} {symbol} {})", left.name, right.name);
    let (left, right, common) = same_type(context, left, right, symbol)?;
    if matches!(common, DataType::Map(..)) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
            "42K09",
            format!(
                "The `{symbol}` does not support ordering on type \"{}\".",
                sql_name(&common)
            ),
        ));
    }
    let nested = matches!(common, DataType::Struct(_) | DataType::List(_));
    let expr = if nested {
        nested_compare(op, left.expr, right.expr)
    } else {
        binary_expr(left.expr, op, right.expr)
    };
    Ok(Typed::new(expr, DataType::Boolean, label))
}

/// Structs and arrays compare field by field, nulls first (`InterpretedOrdering`).
fn nested_compare(op: Operator, left: Expr, right: Expr) -> Expr {
    kernel::call(
        "compare",
        op.to_string(),
        DataType::Boolean,
        vec![left, right],
        move |args, rows| {
            let order = arrow::array::make_comparator(&args[0], &args[1], arrow::compute::SortOptions::default())?;
            let out: BooleanArray = (0..rows)
                .map(|i| {
                    let nulls = (args[0].is_null(i), args[1].is_null(i));
                    if op == Operator::IsNotDistinctFrom {
                        return Some(if nulls.0 || nulls.1 {
                            nulls.0 && nulls.1
                        } else {
                            order(i, i).is_eq()
                        });
                    }
                    if nulls.0 || nulls.1 {
                        return None;
                    }
                    let found = order(i, i);
                    Some(match op {
                        Operator::Eq => found.is_eq(),
                        Operator::Lt => found.is_lt(),
                        Operator::LtEq => found.is_le(),
                        Operator::Gt => found.is_gt(),
                        _ => found.is_ge(),
                    })
                })
                .collect();
            Ok(Arc::new(out))
        },
    )
}

fn boolean(context: &Context<'_>, arg: Typed, symbol: &str) -> Result<Typed> {
    match &arg.data_type {
        DataType::Boolean => Ok(arg),
        DataType::Null => context.cast(arg, &DataType::Boolean),
        t if is_string(t) && context.ansi() => context.cast(arg, &DataType::Boolean),
        _ => Err(unexpected_type(symbol, 1, &arg, "BOOLEAN")),
    }
}

fn logic(context: &Context<'_>, op: Operator, symbol: &str, args: &[Typed]) -> Result<Typed> {
    let [left, right] = exactly(symbol, args)?;
    let label = format!("({} {symbol} {})", left.name, right.name);
    let (left, right) = (boolean(context, left, symbol)?, boolean(context, right, symbol)?);
    Ok(Typed::new(
        binary_expr(left.expr, op, right.expr),
        DataType::Boolean,
        label,
    ))
}

fn in_list(context: &Context<'_>, args: &[Typed]) -> Result<Typed> {
    let Some((value, list)) = args.split_first() else {
        return Err(super::wrong_number("in", "> 0", 0));
    };
    let names: Vec<&str> = list.iter().map(|t| t.name.as_str()).collect();
    let label = format!("({} IN ({}))", value.name, names.join(", "));
    let mut common = value.data_type.clone();
    for item in list {
        common = coercion::comparison(&common, &item.data_type, context.ansi()).ok_or_else(|| {
            SparkError::analysis(
                "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                "42K09",
                format!(
                    "Cannot resolve \"{label}\" due to data type mismatch: Input to `in` should all be the same type."
                ),
            )
        })?;
    }
    let value = context.cast(value.clone(), &common)?;
    let items = list
        .iter()
        .map(|t| Ok(context.cast(t.clone(), &common)?.expr))
        .collect::<Result<Vec<_>>>()?;
    let nested = matches!(common, DataType::Struct(_) | DataType::List(_));
    let expr = if nested || common.is_null() {
        let tests = items
            .into_iter()
            .map(|i| nested_compare(Operator::Eq, value.expr.clone(), i));
        tests
            .reduce(datafusion_expr::or)
            .unwrap_or_else(|| datafusion_expr::lit(false))
    } else {
        value.expr.in_list(items, false)
    };
    Ok(Typed::new(expr, DataType::Boolean, label))
}

fn like(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Typed> {
    if args.len() != 2 && args.len() != 3 {
        return Err(super::wrong_number(name, "[2, 3]", args.len()));
    }
    let text = cast_expr::as_string(args[0].clone(), context.mode, context.zone)?;
    let pattern = cast_expr::as_string(args[1].clone(), context.mode, context.zone)?;
    let escape = match args.get(2) {
        None => '\\',
        Some(arg) => arg.name.chars().next().unwrap_or('\\'),
    };
    let escaped = if escape == '\\' {
        String::new()
    } else {
        format!(" ESCAPE '{escape}'")
    };
    let label = if name == "like" {
        format!("{} LIKE {}{escaped}", text.name, pattern.name)
    } else {
        format!("ilike({}, {})", text.name, pattern.name)
    };
    let insensitive = name == "ilike";
    let expr = kernel::call(
        name,
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

/// `x [NOT] LIKE ANY (…)` and `ALL`: of a NOT each pattern is negated.
fn like_many(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Typed> {
    let Some((value, patterns)) = args.split_first() else {
        return Err(super::wrong_number(name, "> 1", 0));
    };
    let negated = name.starts_with("not");
    let one = if name.contains("ilike") { "ilike" } else { "like" };
    let mut tests = Vec::new();
    for pattern in patterns {
        let test = like(context, one, &[value.clone(), pattern.clone()])?;
        tests.push(if negated {
            Expr::Not(Box::new(test.expr))
        } else {
            test.expr
        });
    }
    let join: fn(Expr, Expr) -> Expr = if name.ends_with("all") {
        datafusion_expr::and
    } else {
        datafusion_expr::or
    };
    let joined = tests
        .into_iter()
        .reduce(join)
        .ok_or_else(|| super::wrong_number(name, "> 1", args.len()))?;
    Ok(Typed::new(joined, DataType::Boolean, format!("{name}({})", value.name)))
}

/// A LIKE pattern as an anchored regular expression (`StringUtils.escapeLikeRegex`).
fn like_regex(pattern: &str, escape: char, insensitive: bool) -> Result<regex::Regex> {
    let mut out = String::from(if insensitive { "(?is)^" } else { "(?s)^" });
    let mut chars = pattern.chars();
    let invalid = |why: &str| {
        SparkError::new(
            Exception::Analysis,
            "INVALID_FORMAT",
            "42601",
            format!("The format is invalid: '{pattern}'. {why}"),
        )
    };
    while let Some(c) = chars.next() {
        if c == escape {
            match chars.next() {
                Some(next) if next == '_' || next == '%' || next == escape => {
                    out.push_str(&regex::escape(&next.to_string()))
                }
                Some(_) => {
                    return Err(invalid(
                        "The escape character is not allowed to precede this character.",
                    ));
                }
                None => return Err(invalid("The escape character is not allowed to end with.")),
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
    regex::Regex::new(&out).map_err(|e| invalid(&e.to_string()))
}
