//! Mathematical functions on doubles and bits.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::call::Call;
use super::{Context, row};
use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::plan::arithmetic::{self, Op};
use crate::plan::scope::Typed;
use crate::values::cast::Mode;
use crate::values::types::{is_integral, is_string};

/// Functions of one double and Spark's name for them in column names.
/// A function of one double.
type Unary = fn(f64) -> f64;

fn unary(name: &str) -> Option<(&'static str, Unary)> {
    Some(match name {
        "acos" => ("ACOS", f64::acos),
        "acosh" => ("ACOSH", |x| (x + (x * x - 1.0).sqrt()).ln()),
        "asin" => ("ASIN", f64::asin),
        "asinh" => ("ASINH", f64::asinh),
        "atan" => ("ATAN", f64::atan),
        "atanh" => ("ATANH", f64::atanh),
        "cbrt" => ("CBRT", f64::cbrt),
        "cos" => ("COS", f64::cos),
        "cosh" => ("COSH", f64::cosh),
        "cot" => ("COT", |x| 1.0 / x.tan()),
        "csc" => ("CSC", |x| 1.0 / x.sin()),
        "sec" => ("SEC", |x| 1.0 / x.cos()),
        "degrees" => ("DEGREES", f64::to_degrees),
        "radians" => ("RADIANS", f64::to_radians),
        "exp" => ("EXP", f64::exp),
        "expm1" => ("EXPM1", f64::exp_m1),
        "sin" => ("SIN", f64::sin),
        "sinh" => ("SINH", f64::sinh),
        "sqrt" => ("SQRT", f64::sqrt),
        "tan" => ("TAN", f64::tan),
        "tanh" => ("TANH", f64::tanh),
        "signum" => ("SIGNUM", sign),
        "sign" => ("sign", sign),
        "rint" => ("rint", f64::round_ties_even),
        _ => return None,
    })
}

fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// Logarithms: null where the argument is at or below the bound (`Logarithm`).
fn logarithm(name: &str) -> Option<(&'static str, f64, Unary)> {
    Some(match name {
        "ln" => ("ln", 0.0, f64::ln),
        "log10" => ("LOG10", 0.0, f64::log10),
        "log2" => ("LOG2", 0.0, f64::log2),
        "log1p" => ("LOG1P", -1.0, f64::ln_1p),
        _ => return None,
    })
}

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let double = DataType::Float64;
    if let Some((label, f)) = unary(name) {
        call.takes(1, 1)?;
        return Ok(Some(row::call(
            name,
            "",
            double,
            vec![call.double(0)?],
            format!("{label}({})", args[0].name),
            move |r| Ok(Some(f(r.double(0)))),
        )));
    }
    if let Some((label, bound, f)) = logarithm(name) {
        call.takes(1, 1)?;
        let label = format!("{label}({})", args[0].name);
        return Ok(Some(row::call(
            name,
            "",
            double,
            vec![call.double(0)?],
            label,
            move |r| Ok(Some(r.double(0)).filter(|x| *x > bound || x.is_nan()).map(f)),
        )));
    }
    Ok(Some(match name {
        "e" | "pi" => {
            call.takes(0, 0)?;
            let value = if name == "e" {
                std::f64::consts::E
            } else {
                std::f64::consts::PI
            };
            Typed::new(
                Expr::Literal(ScalarValue::Float64(Some(value)), None),
                double,
                format!("{}()", name.to_uppercase()),
            )
        }
        "pow" | "power" | "atan2" | "hypot" => {
            call.takes(2, 2)?;
            let f: fn(f64, f64) -> f64 = match name {
                "atan2" => |y, x| (y + 0.0).atan2(x + 0.0),
                "hypot" => f64::hypot,
                _ => f64::powf,
            };
            let label = if name == "pow" {
                call.label()
            } else {
                super::call_name(&name.to_uppercase(), args)
            };
            row::call(
                name,
                "",
                double,
                vec![call.double(0)?, call.double(1)?],
                label,
                move |r| Ok(Some(f(r.double(0), r.double(1)))),
            )
        }
        "log" if args.len() == 1 => {
            let label = format!("LOG(E(), {})", args[0].name);
            row::call(name, "natural", double, vec![call.double(0)?], label, |r| {
                Ok(Some(r.double(0)).filter(|x| *x > 0.0 || x.is_nan()).map(f64::ln))
            })
        }
        "log" => {
            call.takes(1, 2)?;
            let label = super::call_name("LOG", args);
            row::call(name, "", double, vec![call.double(0)?, call.double(1)?], label, |r| {
                let (base, x) = (r.double(0), r.double(1));
                Ok(((base > 0.0 || base.is_nan()) && (x > 0.0 || x.is_nan())).then(|| x.ln() / base.ln()))
            })
        }
        "abs" => abs(&call)?,
        "factorial" => {
            call.takes(1, 1)?;
            row::call(name, "", DataType::Int64, vec![call.int(0)?], call.label(), |r| {
                let n = r.int(0);
                Ok((0..=20).contains(&n).then(|| (1..=i64::from(n)).product::<i64>()))
            })
        }
        "bin" => {
            call.takes(1, 1)?;
            row::call(name, "", DataType::Utf8, vec![call.long(0)?], call.label(), |r| {
                Ok(Some(format!("{:b}", r.long(0))))
            })
        }
        "conv" => {
            call.takes(3, 3)?;
            let mode = context.mode;
            row::call(
                name,
                format!("{mode:?}"),
                DataType::Utf8,
                vec![call.text(0)?, call.int(1)?, call.int(2)?],
                call.label(),
                move |r| conv(r.text(0), r.int(1), r.int(2), mode == Mode::Ansi),
            )
        }
        "bit_count" => {
            call.takes(1, 1)?;
            let arg = match &args[0].data_type {
                DataType::Boolean => context.cast(args[0].clone(), &DataType::Int64)?,
                t if is_integral(t) => context.cast(args[0].clone(), &DataType::Int64)?,
                _ => {
                    return Err(super::unexpected_type(
                        &call.label(),
                        1,
                        &args[0],
                        "INTEGRAL\" or \"BOOLEAN",
                    ));
                }
            };
            row::call(name, "", DataType::Int32, vec![arg], call.label(), |r| {
                Ok(Some(r.long(0).count_ones() as i32))
            })
        }
        "bit_get" | "getbit" => {
            call.takes(2, 2)?;
            let width = 8 * args[0].data_type.primitive_width().unwrap_or(8) as i32;
            let to = call.long(0)?;
            row::call(
                name,
                width.to_string(),
                DataType::Int8,
                vec![to, call.int(1)?],
                call.label(),
                move |r| {
                    let at = r.int(1);
                    if !(0..width).contains(&at) {
                        return Err(SparkError::new(
                            Exception::IllegalArgument,
                            "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE",
                            "22023",
                            format!(
                                "The value of parameter(s) `pos` in `bit_get` is invalid: Expects an integer value in [0, {width}), but got {at}."
                            ),
                        ));
                    }
                    Ok(Some((r.long(0) >> at & 1) as i8))
                },
            )
        }
        "shiftleft" | "shiftright" | "shiftrightunsigned" | "<<" | ">>" | ">>>" => shift(&call)?,
        "width_bucket" => {
            call.takes(4, 4)?;
            let args = vec![call.double(0)?, call.double(1)?, call.double(2)?, call.long(3)?];
            row::call(name, "", DataType::Int64, args, call.label(), |r| {
                Ok(width_bucket(r.double(0), r.double(1), r.double(2), r.long(3)))
            })
        }
        "nanvl" => {
            call.takes(2, 2)?;
            row::with_nulls(
                name,
                "",
                double,
                vec![call.double(0)?, call.double(1)?],
                call.label(),
                |r| {
                    if r.is_null(0) {
                        return Ok(None);
                    }
                    Ok(if !r.double(0).is_nan() {
                        Some(r.double(0))
                    } else {
                        (!r.is_null(1)).then(|| r.double(1))
                    })
                },
            )
        }
        "zeroifnull" | "nullifzero" => {
            call.takes(1, 1)?;
            let zero = crate::plan::literal::int(0);
            let (function, pair) = if name == "zeroifnull" {
                ("coalesce", [args[0].clone(), zero])
            } else {
                ("nullif", [args[0].clone(), zero])
            };
            let mut out = super::conditional::call(context, function, &pair)?
                .ok_or_else(|| SparkError::internal("a conditional is missing"))?;
            out.name = call.label();
            out
        }
        _ => return Ok(None),
    }))
}

/// `abs`: the least integer overflows under ANSI.
fn abs(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 1)?;
    let arg = match &call.args[0].data_type {
        t if is_string(t) || t.is_null() => call.double(0)?,
        _ => call.arg(0)?,
    };
    let (to, label) = (arg.data_type.clone(), call.label());
    let mode = call.context.mode;
    let options = format!("{mode:?}");
    Ok(match &to {
        DataType::Decimal128(..) => row::call("abs", "", to, vec![arg], label, |r| Ok(Some(r.decimal(0).abs()))),
        DataType::Float64 => row::call("abs", "", to, vec![arg], label, |r| Ok(Some(r.double(0).abs()))),
        DataType::Float32 => {
            let wide = call.double(0)?;
            row::call("abs", "", to, vec![wide], label, |r| Ok(Some(r.double(0).abs() as f32)))
        }
        t if is_integral(t) => {
            let zero = crate::plan::literal::int(0);
            let negated = arithmetic::binary(
                Op::Subtract,
                call.context.cast(zero, t)?,
                arg.clone(),
                mode,
                call.context.zone,
            )?;
            let below = datafusion_expr::binary_expr(
                arg.expr.clone(),
                datafusion_expr::Operator::Lt,
                Expr::Literal(ScalarValue::Int32(Some(0)).cast_to(t)?, None),
            );
            let case = datafusion_expr::Case::new(
                None,
                vec![(Box::new(below), Box::new(negated.expr))],
                Some(Box::new(arg.expr)),
            );
            Typed::new(Expr::Case(case), to, label)
        }
        DataType::Duration(_) => row::call("abs", options, to, vec![arg], label, |r| {
            r.long(0)
                .checked_abs()
                .map(Some)
                .ok_or_else(|| arithmetic_overflow("long overflow"))
        }),
        _ => return Err(super::unexpected_type(&label, 1, &arg, "NUMERIC\" or \"ANSI INTERVAL")),
    })
}

fn shift(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 2)?;
    let (a, b) = (&call.args[0], &call.args[1]);
    let (kind, label) = match call.name {
        "<<" => (0, format!("({} << {})", a.name, b.name)),
        ">>" => (1, format!("({} >> {})", a.name, b.name)),
        ">>>" => (2, format!("({} >>> {})", a.name, b.name)),
        "shiftleft" => (0, call.label()),
        "shiftright" => (1, call.label()),
        _ => (2, call.label()),
    };
    if a.data_type == DataType::Int64 {
        return Ok(row::call(
            "shift",
            kind.to_string(),
            DataType::Int64,
            vec![call.long(0)?, call.int(1)?],
            label,
            move |r| {
                let (x, n) = (r.long(0), r.int(1) as u32 & 63);
                Ok(Some(match kind {
                    0 => x << n,
                    1 => x >> n,
                    _ => (x as u64 >> n) as i64,
                }))
            },
        ));
    }
    Ok(row::call(
        "shift",
        kind.to_string(),
        DataType::Int32,
        vec![call.int(0)?, call.int(1)?],
        label,
        move |r| {
            let (x, n) = (r.int(0), r.int(1) as u32 & 31);
            Ok(Some(match kind {
                0 => x << n,
                1 => x >> n,
                _ => (x as u32 >> n) as i32,
            }))
        },
    ))
}

/// `NumberConverter.convert`: digits from base to base; a negative target base keeps the sign.
fn conv(text: &str, from: i32, to: i32, ansi: bool) -> Result<Option<String>> {
    let text = text.trim_matches(' ');
    if !(2..=36).contains(&from) || !(2..=36).contains(&to.unsigned_abs()) || text.is_empty() {
        return Ok(None);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut value: u64 = 0;
    let mut overflow = false;
    for digit in digits.chars().map_while(|c| c.to_digit(from as u32)) {
        match value.checked_mul(from as u64).and_then(|v| v.checked_add(digit.into())) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if overflow {
        if ansi {
            return Err(arithmetic_overflow("Overflow in function conv()"));
        }
        value = u64::MAX;
    }
    if negative && to > 0 {
        value = if (value as i64) < 0 {
            u64::MAX
        } else {
            (value as i64).wrapping_neg() as u64
        };
    }
    let mut minus = negative && to < 0;
    if to < 0 && (value as i64) < 0 {
        value = (value as i64).wrapping_neg() as u64;
        minus = true;
    }
    let base = u64::from(to.unsigned_abs());
    let mut out = Vec::new();
    loop {
        out.push(
            char::from_digit((value % base) as u32, base as u32)
                .unwrap_or('0')
                .to_ascii_uppercase(),
        );
        value /= base;
        if value == 0 {
            break;
        }
    }
    if minus && out != ['0'] {
        out.push('-');
    }
    Ok(Some(out.into_iter().rev().collect()))
}

/// `WidthBucket.computeBucketNumber`.
fn width_bucket(value: f64, least: f64, most: f64, buckets: i64) -> Option<i64> {
    let bad = |x: f64| x.is_nan();
    if buckets <= 0 || buckets == i64::MAX || bad(value) || least == most || !least.is_finite() || !most.is_finite() {
        return None;
    }
    let (lower, upper) = (least.min(most), least.max(most));
    if least < most {
        Some(if value < lower {
            0
        } else if value >= upper {
            buckets + 1
        } else {
            (buckets as f64 * (value - lower) / (upper - lower)) as i64 + 1
        })
    } else {
        Some(if value > upper {
            0
        } else if value <= lower {
            buckets + 1
        } else {
            (buckets as f64 * (upper - value) / (upper - lower)) as i64 + 1
        })
    }
}
