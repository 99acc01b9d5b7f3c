//! Text to dates and back: `to_date`, `to_timestamp`, `unix_timestamp`, `from_unixtime`, `date_format`, and the clock.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use super::call::Call;
use super::dates::{DAY_US, constant};
use super::{Context, row};
use crate::error::{Exception, Result, SparkError};
use crate::plan::scope::Typed;
use crate::plan::{cast_expr, literal};
use crate::values::cast::Mode;
use crate::values::java_format::Pattern;
use crate::values::types::{self, is_string};
use crate::values::zone::Zone;

/// What `unix_timestamp` and `from_unixtime` use without a format.
const DEFAULT_FORMAT: &str = "yyyy-MM-dd HH:mm:ss";

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "current_timestamp" | "now" => {
            let value = ScalarValue::TimestampMicrosecond(Some(context.now_us), Some(types::UTC.into()));
            constant(value, types::timestamp(), &call.label())
        }
        "localtimestamp" => {
            let value = ScalarValue::TimestampMicrosecond(Some(context.zone.to_local(context.now_us)), None);
            constant(value, types::timestamp_ntz(), &call.label())
        }
        "current_date" | "curdate" => {
            let days = context.zone.to_local(context.now_us).div_euclid(DAY_US) as i32;
            constant(ScalarValue::Date32(Some(days)), DataType::Date32, "current_date()")
        }
        "current_timezone" => {
            let zone = context.conf.get("spark.sql.session.timeZone").unwrap_or("UTC");
            constant(
                ScalarValue::Utf8(Some(zone.into())),
                DataType::Utf8,
                "current_timezone()",
            )
        }
        "to_date" | "try_to_date" => {
            call.takes(1, 2)?;
            let mode = mode(&call);
            let whole = if args.len() == 1 {
                call.arg(0)?
            } else {
                parsed(&call, types::timestamp(), mode, 1, 1)?
            };
            let mut out = cast_expr::cast(check(&call, whole)?, &DataType::Date32, mode, context.zone)?;
            (out.name, out.named, out.attribute) = (call.label(), false, None);
            out
        }
        "to_timestamp"
        | "to_timestamp_ltz"
        | "try_to_timestamp"
        | "to_timestamp_ntz"
        | "try_to_timestamp_ntz"
        | "try_to_timestamp_ltz" => {
            call.takes(1, 2)?;
            let to = if name.ends_with("_ntz") {
                types::timestamp_ntz()
            } else {
                types::timestamp()
            };
            let mode = mode(&call);
            let mut out = if args.len() == 1 {
                cast_expr::cast(check(&call, call.arg(0)?)?, &to, mode, context.zone)?
            } else {
                parsed(&call, to, mode, 1, 1)?
            };
            (out.name, out.named, out.attribute) = (call.label(), false, None);
            out
        }
        "unix_timestamp" | "to_unix_timestamp" => {
            call.takes(usize::from(name == "to_unix_timestamp"), 2)?;
            if args.is_empty() {
                let seconds = context.now_us.div_euclid(1_000_000);
                return Ok(Some(constant(
                    ScalarValue::Int64(Some(seconds)),
                    DataType::Int64,
                    &format!("unix_timestamp(current_timestamp(), {DEFAULT_FORMAT})"),
                )));
            }
            let label = if args.len() == 2 {
                call.label()
            } else {
                call.label_with(&[DEFAULT_FORMAT])
            };
            let mut out = parsed(&call, DataType::Int64, mode(&call), 1, 1_000_000)?;
            out.name = label;
            out
        }
        "from_unixtime" => {
            call.takes(1, 2)?;
            let (format, label) = if args.len() == 2 {
                (call.text(1)?, call.label())
            } else {
                (literal::string(DEFAULT_FORMAT), call.label_with(&[DEFAULT_FORMAT]))
            };
            format_time(vec![call.long(0)?, format], 1_000_000, context.zone, label)
        }
        "date_format" => {
            call.takes(2, 2)?;
            let time = call.any_timestamp(0)?;
            let zone = context.zone_of(&time.data_type);
            format_time(vec![time, call.text(1)?], 1, zone, call.label())
        }
        _ => return Ok(None),
    }))
}

fn mode(call: &Call<'_>) -> Mode {
    if call.name.starts_with("try_") {
        Mode::Try
    } else {
        call.context.mode
    }
}

fn check(call: &Call<'_>, arg: Typed) -> Result<Typed> {
    let fits = is_string(&arg.data_type)
        || types::is_timestamp(&arg.data_type)
        || matches!(arg.data_type, DataType::Date32 | DataType::Null);
    if fits || types::is_numeric(&arg.data_type) && call.name.contains("timestamp") {
        return Ok(arg);
    }
    Err(super::unexpected_type(
        &call.label(),
        1,
        &arg,
        "STRING\" or \"DATE\" or \"TIMESTAMP",
    ))
}

/// Compiled patterns of one call.
pub struct Patterns {
    parsing: bool,
    last: Mutex<Option<(String, Arc<Pattern>)>>,
}

impl Patterns {
    pub fn new(parsing: bool) -> Self {
        Self {
            parsing,
            last: Mutex::new(None),
        }
    }

    pub fn get(&self, text: &str) -> Result<Arc<Pattern>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pattern)) = last.as_ref().filter(|(t, _)| t == text) {
            return Ok(pattern.clone());
        }
        let pattern = Arc::new(Pattern::new(text, self.parsing)?);
        *last = Some((text.to_owned(), pattern.clone()));
        Ok(pattern)
    }
}

/// Argument 0 as a time, read by the format in argument `format` where it is text; µs divided by `unit`.
fn parsed(call: &Call<'_>, to: DataType, mode: Mode, format: usize, unit: i64) -> Result<Typed> {
    let arg = check(call, call.arg(0)?)?;
    let session = if to == types::timestamp_ntz() {
        Zone::UTC
    } else {
        call.context.zone
    };
    if !is_string(&arg.data_type) {
        let whole = if to == types::timestamp_ntz() {
            to.clone()
        } else {
            types::timestamp()
        };
        let time = call.context.cast(arg, &whole)?;
        return Ok(row::call(
            "time_as_is",
            unit.to_string(),
            to,
            vec![time],
            call.label(),
            move |r| Ok(Some(r.long(0).div_euclid(unit))),
        ));
    }
    let pattern = if format < call.args.len() {
        call.text(format)?
    } else {
        literal::string(DEFAULT_FORMAT)
    };
    let known = Patterns::new(true);
    let local = to == types::timestamp_ntz();
    Ok(row::call(
        "parse_time",
        format!("{mode:?} {session:?} {unit}"),
        to,
        vec![arg, pattern],
        call.label(),
        move |r| {
            let pattern = known.get(r.text(1))?;
            match pattern.parse(r.text(0)) {
                Ok((us, zone)) => {
                    let zone = if local { Zone::UTC } else { zone.unwrap_or(session) };
                    Ok(Some(zone.to_instant(us).div_euclid(unit)))
                }
                Err(why) if mode == Mode::Ansi => Err(cannot_parse(why)),
                Err(_) => Ok(None),
            }
        },
    ))
}

fn cannot_parse(why: String) -> SparkError {
    SparkError::new(
        Exception::DateTime,
        "CANNOT_PARSE_TIMESTAMP",
        "22007",
        format!("{why}. Use `try_to_timestamp` to tolerate invalid input string and return NULL instead."),
    )
    .with("message", why)
    .with("func", "`try_to_timestamp`")
}

fn format_time(args: Vec<Typed>, unit: i64, zone: Zone, label: String) -> Typed {
    let known = Patterns::new(false);
    row::call(
        "format_time",
        format!("{zone:?} {unit}"),
        DataType::Utf8,
        args,
        label,
        move |r| {
            let us = r
                .long(0)
                .checked_mul(unit)
                .ok_or_else(|| crate::error::arithmetic_overflow("long overflow"))?;
            known.get(r.text(1))?.format(us, zone).map(Some)
        },
    )
}
