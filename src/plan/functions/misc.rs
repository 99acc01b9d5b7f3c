//! What fits nowhere else: types and versions as text, raised errors, random values.

use std::sync::Mutex;

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use super::call::Call;
use super::random::XorShift;
use super::{Context, row};
use crate::error::{Exception, Result, SparkError};
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::settings::SPARK_VERSION;
use crate::values::types::simple_string;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let text = |value: &str, label: String| {
        Typed::new(
            Expr::Literal(ScalarValue::Utf8(Some(value.into())), None),
            DataType::Utf8,
            label,
        )
    };
    Ok(Some(match name {
        "typeof" => {
            call.takes(1, 1)?;
            text(&simple_string(&args[0].data_type), call.label())
        }
        "version" => text(
            &format!("{SPARK_VERSION} 0000000000000000000000000000000000000000"),
            call.label(),
        ),
        "user" | "current_user" | "session_user" => {
            text("rivulet", format!("{}()", if name == "user" { "user" } else { name }))
        }
        "current_catalog" => text("spark_catalog", call.label()),
        "current_database" | "current_schema" => text("default", "current_schema()".into()),
        "input_file_name" => text("", call.label()),
        "collate" => {
            call.takes(2, 2)?;
            let mut out = call.text(0)?;
            (out.name, out.named, out.attribute) = (call.label(), false, None);
            out
        }
        "decode" if args.len() != 2 => {
            call.takes(3, usize::MAX)?;
            let mut cases = Vec::new();
            for pair in args[1..].chunks(2) {
                let [wanted, value] = pair else {
                    cases.push(pair[0].clone());
                    continue;
                };
                let equal = [args[0].clone(), wanted.clone()];
                cases.push(
                    super::operator::call(context, "<=>", &equal)?
                        .ok_or_else(|| SparkError::internal("there is no <=>"))?,
                );
                cases.push(value.clone());
            }
            let mut out = super::conditional::call(context, "when", &cases)?
                .ok_or_else(|| SparkError::internal("there is no when"))?;
            out.name = call.label();
            out
        }
        "assert_true" => {
            call.takes(1, 2)?;
            let (message, label) = if args.len() == 2 {
                (call.text(1)?, call.label())
            } else {
                let default = format!("'{}' is not true!", args[0].name);
                (literal::string(&default), call.label_with(&[&default]))
            };
            let out = row::with_nulls::<i32>(name, "", DataType::Int32, vec![call.boolean(0)?, message], label, |r| {
                if !r.is_null(0) && r.boolean(0) {
                    return Ok(None);
                }
                Err(raised(if r.is_null(1) { "null" } else { r.text(1) }))
            });
            super::void(out)
        }
        "raise_error" => {
            call.takes(1, 2)?;
            let message = call.text(args.len() - 1)?;
            let label = if args.len() == 1 {
                format!(
                    "raise_error(USER_RAISED_EXCEPTION, map(errorMessage, {}))",
                    args[0].name
                )
            } else {
                call.label()
            };
            super::void(row::with_nulls::<i32>(
                name,
                "",
                DataType::Int32,
                vec![message],
                label,
                |r| Err(raised(if r.is_null(0) { "null" } else { r.text(0) })),
            ))
        }
        "spark_partition_id" => {
            call.takes(0, 0)?;
            super::partition::id()
        }
        "monotonically_increasing_id" => {
            call.takes(0, 0)?;
            super::partition::monotonic()
        }
        "rand" | "random" | "randn" => {
            call.takes(0, 1)?;
            let seed = call.constant_int(0).unwrap_or(context.now_us);
            let source = Mutex::new(XorShift::new(seed));
            let normal = name == "randn";
            let label = super::call_name(if name == "random" { "rand" } else { name }, args);
            row::drawn(name, seed.to_string(), DataType::Float64, label, move || {
                let mut source = source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if normal { source.gaussian() } else { source.double() }
            })
        }
        "uniform" => {
            call.takes(2, 3)?;
            let (low, high) = (args[0].clone(), args[1].clone());
            let to = super::conditional::unified(context, name, &[low, high])?.1;
            let bounds = [0, 1].map(|i| match super::fold(&call.double(i).ok()?.expr) {
                Some(ScalarValue::Float64(x)) => x,
                _ => None,
            });
            let [Some(low), Some(high)] = bounds else {
                return Err(SparkError::analysis(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "42K09",
                    "The bounds of uniform must be constants.",
                ));
            };
            let seed = call.constant_int(2).unwrap_or(context.now_us);
            let source = Mutex::new(XorShift::new(seed));
            let label = call.label();
            let drawn = row::drawn(
                name,
                format!("{seed} {low} {high}"),
                DataType::Float64,
                label.clone(),
                move || {
                    low + (high - low)
                        * source
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .double()
                },
            );
            let mut out = context.cast(drawn, &to)?;
            out.name = label;
            out
        }
        "randstr" => {
            call.takes(1, 2)?;
            let length = call.constant_int(0).unwrap_or(0).max(0) as usize;
            let seed = call.constant_int(1).unwrap_or(context.now_us);
            let source = Mutex::new(XorShift::new(seed));
            row::drawn(
                name,
                format!("{seed} {length}"),
                DataType::Utf8,
                call.label(),
                move || {
                    let mut source = source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    (0..length)
                        .map(|_| {
                            char::from(
                                b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    [(source.double() * 62.0) as usize],
                            )
                        })
                        .collect::<String>()
                },
            )
        }
        "uuid" => {
            call.takes(0, 1)?;
            let seed = call.constant_int(0).unwrap_or(context.now_us);
            let source = Mutex::new(XorShift::new(seed));
            row::drawn(name, seed.to_string(), DataType::Utf8, call.label(), move || {
                let mut source = source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let (high, low) = (
                    source.long() & !0xf000 | 0x4000,
                    source.long() & !(0b11 << 62) | 1 << 63,
                );
                let hex = format!("{high:016x}{low:016x}");
                format!(
                    "{}-{}-{}-{}-{}",
                    &hex[..8],
                    &hex[8..12],
                    &hex[12..16],
                    &hex[16..20],
                    &hex[20..]
                )
            })
        }
        "shuffle" => {
            call.takes(1, 2)?;
            let (list, _) = call.list(0)?;
            let seed = call.constant_int(1).unwrap_or(context.now_us);
            let source = Mutex::new(XorShift::new(seed));
            super::arrays::picked(&call, list, seed.to_string(), move |list, row| {
                let mut source = source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let mut at: Vec<Option<u32>> = (list.value_offsets()[row] as u32..list.value_offsets()[row + 1] as u32)
                    .map(Some)
                    .collect();
                for i in (1..at.len()).rev() {
                    at.swap(i, (source.double() * (i + 1) as f64) as usize);
                }
                Some(at)
            })
        }
        _ => return Ok(None),
    }))
}

fn raised(message: &str) -> SparkError {
    SparkError::new(Exception::Runtime, "USER_RAISED_EXCEPTION", "P0001", message).with("errorMessage", message)
}
