//! Strings to dates and times, and back.
//!
//! Without a format strings are read as casts read them; with one, by [`Pattern`]s, which are compiled
//! once per call while the format does not change. µs are the unit of everything inside.
//!
//! ```text
//! to_date('2024-3-1')                   as a cast: lenient
//! to_date('1/3/2024', 'd/M/yyyy')       as the pattern says: strict
//! unix_timestamp('2024-03-01 10:00:00') the pattern yyyy-MM-dd HH:mm:ss
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::plan::cast_expr;
use crate::plan::functions::call::Call;
use crate::plan::functions::time::make::Made;
use crate::plan::functions::{constant, row, unexpected_type};
use crate::plan::scope::Typed;
use crate::values::cast::Mode;
use crate::values::java_format::Pattern;
use crate::values::types::{self, is_string};
use crate::values::zone::Zone;

/// What `unix_timestamp` and `from_unixtime` use without a format.
const DEFAULT_FORMAT: &str = "yyyy-MM-dd HH:mm:ss";

/// Resolves `to_date` and `try_to_date` (`ParseToDate`).
///
/// When it runs, a string that is not a date is `CANNOT_PARSE_TIMESTAMP` or `CAST_INVALID_INPUT` under
/// ANSI unless `tolerant`.
pub fn to_date(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    let mode = mode(call, tolerant);
    let whole = if call.has(1) {
        parsed(call, types::timestamp(), mode, 1, false)?
    } else {
        call.arg(0)?
    };
    let date = cast_expr::cast(check(call, whole, false)?, &DataType::Date32, mode, call.context.zone)?;
    Ok(call.labelled(date))
}

/// Resolves `to_timestamp`, `try_to_timestamp`, `try_to_timestamp_ltz`, `to_timestamp_ntz` and
/// `try_to_timestamp_ntz` (`ParseToTimestamp`). Numbers are seconds since the epoch.
pub fn to_timestamp(call: &Call<'_>, tolerant: bool, made: Made) -> Result<Typed> {
    let (to, mode) = (made.data_type(), mode(call, tolerant));
    let time = if call.has(1) {
        parsed(call, to, mode, 1, true)?
    } else {
        cast_expr::cast_at(
            check(call, call.arg(0)?, true)?,
            &to,
            mode,
            call.context.zone,
            call.context.now_us,
        )?
    };
    Ok(call.labelled(time))
}

/// Resolves `unix_timestamp` and `to_unix_timestamp`: whole seconds since the epoch; of no argument,
/// the query's time.
pub fn unix_timestamp(call: &Call<'_>) -> Result<Typed> {
    if !call.has(0) {
        let seconds = call.context.now_us.div_euclid(1_000_000);
        let label = format!("unix_timestamp(current_timestamp(), {DEFAULT_FORMAT})");
        return Ok(constant(ScalarValue::Int64(Some(seconds)), label));
    }
    let mut out = parsed(call, DataType::Int64, mode(call, false), 1_000_000, true)?;
    out.name = call.label_or(1, &[DEFAULT_FORMAT]);
    Ok(out)
}

/// Resolves `from_unixtime` (`FromUnixTime`), in the session's zone.
pub fn from_unixtime(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.long(0)?, call.text_or(1, DEFAULT_FORMAT)?];
    let label = call.label_or(1, &[DEFAULT_FORMAT]);
    Ok(format_time(args, 1_000_000, call.context.zone, label))
}

/// Resolves `date_format` (`DateFormatClass`).
pub fn date_format(call: &Call<'_>) -> Result<Typed> {
    let time = call.any_timestamp(0)?;
    let zone = call.context.zone_of(&time.data_type);
    Ok(format_time(vec![time, call.text(1)?], 1, zone, call.label()))
}

/// Returns what a string that does not parse becomes.
fn mode(call: &Call<'_>, tolerant: bool) -> Mode {
    if tolerant { Mode::Try } else { call.context.mode }
}

/// Returns the argument if a time can be read from it; numbers are times for some functions.
///
/// # Errors
/// If it cannot, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn check(call: &Call<'_>, arg: Typed, numbers: bool) -> Result<Typed> {
    let fits = is_string(&arg.data_type)
        || types::is_timestamp(&arg.data_type)
        || matches!(arg.data_type, DataType::Date32 | DataType::Null);
    if fits || numbers && types::is_numeric(&arg.data_type) {
        return Ok(arg);
    }
    Err(unexpected_type(
        &call.label(),
        1,
        &arg,
        &["STRING", "DATE", "TIMESTAMP"],
    ))
}

/// The last compiled pattern of one call: formats are constant in nearly every query.
pub struct Patterns {
    /// Whether strings are read by it, which refuses some letters.
    parsing: bool,
    /// The format and what it compiled to.
    last: Mutex<Option<(String, Arc<Pattern>)>>,
}

impl Patterns {
    /// Makes a cache for parsing, or for formatting.
    pub fn new(parsing: bool) -> Self {
        Self {
            parsing,
            last: Mutex::new(None),
        }
    }

    /// Returns the compiled pattern.
    ///
    /// # Errors
    /// If it is malformed, what Spark says of it.
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

/// Returns argument 0 as a time, read by the format in argument 1 if it is a string; µs divided by
/// `unit`, rounded towards 0.
fn parsed(call: &Call<'_>, to: DataType, mode: Mode, unit: i64, numbers: bool) -> Result<Typed> {
    let local = to == types::timestamp_ntz();
    let arg = check(call, call.arg(0)?, numbers)?;
    if !is_string(&arg.data_type) {
        let whole = if local { to.clone() } else { types::timestamp() };
        let time = vec![call.context.cast(arg, &whole)?];
        return Ok(row::call(
            "time_as_is",
            unit.to_string(),
            to,
            time,
            call.label(),
            move |r| Ok(Some(r.long(0) / unit)),
        ));
    }
    let session = if local { Zone::UTC } else { call.context.zone };
    let args = vec![arg, call.text_or(1, DEFAULT_FORMAT)?];
    let options = format!("{mode:?} {session:?} {unit}");
    let known = Patterns::new(true);
    Ok(row::call(
        "parse_time",
        options,
        to,
        args,
        call.label(),
        move |r| match known.get(r.text(1))?.parse(r.text(0)) {
            Ok((us, zone)) => {
                let zone = if local { Zone::UTC } else { zone.unwrap_or(session) };
                Ok(Some(zone.to_instant(us) / unit))
            }
            Err(why) if mode == Mode::Ansi => Err(cannot_parse(why)),
            Err(_) => Ok(None),
        },
    ))
}

/// Makes `CANNOT_PARSE_TIMESTAMP` with Java's reason.
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

/// Returns the call that writes a time by a format; `unit` is how many µs a unit of the time has.
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
