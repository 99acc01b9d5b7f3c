//! Dates and timestamps moved, cut, made and compared.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use chrono::{Datelike, NaiveDate};
use datafusion_common::ScalarValue;

use super::call::Call;
use super::{Context, row};
use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::plan::datetime::{add_days, plus_months};
use crate::plan::scope::Typed;
use crate::plan::{literal, time_window};
use crate::values::text::{day, days_of};
use crate::values::types;
use crate::values::zone::Zone;

pub const DAY_US: i64 = 86_400_000_000;

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    let date = DataType::Date32;
    Ok(Some(match name {
        "window" => time_window::call(args.to_vec(), context.mode, context.zone)?,
        "session_window" => time_window::session(args.to_vec(), context.mode, context.zone)?,
        "window_time" => {
            let [window] = super::exactly(name, args)?;
            let mut out = time_window::window_time(window)?;
            out.name = call.label();
            out
        }
        "date_add" | "dateadd" | "date_sub" => {
            call.takes(2, 2)?;
            let label = if name == "dateadd" {
                super::call_name("date_add", args)
            } else {
                call.label()
            };
            let sign = if name == "date_sub" { -1 } else { 1 };
            Typed::new(add_days(call.date(0)?.expr, call.int(1)?.expr, sign), date, label)
        }
        "datediff" | "date_diff" => {
            call.takes(2, 2)?;
            row::call(
                name,
                "",
                DataType::Int32,
                vec![call.date(0)?, call.date(1)?],
                call.label(),
                |r| Ok(Some(r.int(0).wrapping_sub(r.int(1)))),
            )
        }
        "add_months" => {
            call.takes(2, 2)?;
            row::call(name, "", date, vec![call.date(0)?, call.int(1)?], call.label(), |r| {
                plus_months(r.int(0), r.int(1))
                    .map(Some)
                    .ok_or_else(|| arithmetic_overflow("integer overflow"))
            })
        }
        "months_between" => months_between(&call)?,
        "last_day" => {
            call.takes(1, 1)?;
            row::call(name, "", date, vec![call.date(0)?], call.label(), |r| {
                Ok(day(r.int(0)).and_then(last_of_month).map(days_of))
            })
        }
        "next_day" => {
            call.takes(2, 2)?;
            let ansi = context.ansi();
            row::call(
                name,
                format!("{ansi}"),
                date,
                vec![call.date(0)?, call.text(1)?],
                call.label(),
                move |r| next_day(r.int(0), r.text(1), ansi),
            )
        }
        "trunc" => {
            call.takes(2, 2)?;
            row::call(name, "", date, vec![call.date(0)?, call.text(1)?], call.label(), |r| {
                Ok(Unit::parse(r.text(1))
                    .filter(|u| u.of_days())
                    .and_then(|u| Some(days_of(u.start_of(day(r.int(0))?)?))))
            })
        }
        "date_trunc" => {
            call.takes(2, 2)?;
            let time = call.any_timestamp(1)?;
            let (zone, to) = (context.zone_of(&time.data_type), time.data_type.clone());
            row::call(
                name,
                format!("{zone:?}"),
                to,
                vec![call.text(0)?, time],
                call.label(),
                move |r| Ok(Unit::parse(r.text(0)).and_then(|unit| unit.truncate(r.long(1), zone))),
            )
        }
        "date_from_unix_date" | "unix_date" => {
            call.takes(1, 1)?;
            let to = if name == "unix_date" { DataType::Int32 } else { date };
            let arg = if name == "unix_date" {
                call.date(0)?
            } else {
                call.int(0)?
            };
            row::call(name, "", to, vec![arg], call.label(), |r| Ok(Some(r.int(0))))
        }
        "unix_seconds" | "unix_millis" | "unix_micros" => {
            call.takes(1, 1)?;
            let unit = match name {
                "unix_seconds" => 1_000_000,
                "unix_millis" => 1000,
                _ => 1,
            };
            row::call(
                name,
                "",
                DataType::Int64,
                vec![call.timestamp(0)?],
                call.label(),
                move |r| Ok(Some(r.long(0).div_euclid(unit))),
            )
        }
        "timestamp_seconds" | "timestamp_millis" | "timestamp_micros" => from_number(&call)?,
        "make_date" => {
            call.takes(3, 3)?;
            let ansi = context.ansi();
            row::call(
                name,
                format!("{ansi}"),
                date,
                vec![call.int(0)?, call.int(1)?, call.int(2)?],
                call.label(),
                move |r| match NaiveDate::from_ymd_opt(r.int(0), r.int(1) as u32, r.int(2) as u32) {
                    None if ansi => Err(out_of_bounds("Invalid date")),
                    found => Ok(found.map(days_of)),
                },
            )
        }
        "make_timestamp"
        | "try_make_timestamp"
        | "make_timestamp_ltz"
        | "try_make_timestamp_ltz"
        | "make_timestamp_ntz"
        | "try_make_timestamp_ntz" => make_timestamp(&call)?,
        "make_dt_interval" => {
            call.takes(0, 4)?;
            let mut parts = Vec::new();
            for i in 0..3 {
                parts.push(if i < args.len() { call.int(i)? } else { literal::int(0) });
            }
            let seconds = if args.len() == 4 {
                args[3].clone()
            } else {
                literal::int(0)
            };
            parts.push(context.cast(seconds, &DataType::Decimal128(18, 6))?);
            row::call(
                name,
                "",
                DataType::Duration(TimeUnit::Microsecond),
                parts,
                call.label(),
                |r| {
                    let whole = (i128::from(r.int(0)) * 24 + i128::from(r.int(1))) * 60 + i128::from(r.int(2));
                    i64::try_from(whole * 60_000_000 + r.decimal(3))
                        .map(Some)
                        .map_err(|_| arithmetic_overflow("long overflow"))
                },
            )
        }
        "make_ym_interval" => {
            call.takes(0, 2)?;
            let part = |i: usize| {
                if i < args.len() {
                    call.int(i)
                } else {
                    Ok(literal::int(0))
                }
            };
            row::call(
                name,
                "",
                DataType::Interval(IntervalUnit::YearMonth),
                vec![part(0)?, part(1)?],
                call.label(),
                |r| {
                    let months = i64::from(r.int(0)) * 12 + i64::from(r.int(1));
                    i32::try_from(months)
                        .map(Some)
                        .map_err(|_| arithmetic_overflow("integer overflow"))
                },
            )
        }
        "make_interval" | "try_make_interval" => make_interval(&call)?,
        "from_utc_timestamp" | "to_utc_timestamp" => {
            call.takes(2, 2)?;
            let from = name == "from_utc_timestamp";
            row::call(
                name,
                "",
                types::timestamp(),
                vec![call.timestamp(0)?, call.text(1)?],
                call.label(),
                move |r| {
                    let zone = zone_named(r.text(1))?;
                    Ok(Some(if from {
                        zone.to_local(r.long(0))
                    } else {
                        zone.to_instant(r.long(0))
                    }))
                },
            )
        }
        "convert_timezone" => {
            call.takes(2, 3)?;
            let here = context
                .conf
                .get("spark.sql.session.timeZone")
                .unwrap_or("UTC")
                .to_owned();
            let (from, label, at) = if args.len() == 3 {
                (call.text(0)?, call.label(), 1)
            } else {
                (
                    literal::string(&here),
                    format!(
                        "convert_timezone(current_timezone(), {}, {})",
                        args[0].name, args[1].name
                    ),
                    0,
                )
            };
            let time = context.cast(args[at + 1].clone(), &types::timestamp_ntz())?;
            row::call(
                name,
                "",
                types::timestamp_ntz(),
                vec![from, call.text(at)?, time],
                label,
                |r| {
                    Ok(Some(
                        zone_named(r.text(1))?.to_local(zone_named(r.text(0))?.to_instant(r.long(2))),
                    ))
                },
            )
        }
        "timestampadd" | "timestampdiff" if args.len() == 3 => timestamp_arithmetic(&call)?,
        _ => return Ok(None),
    }))
}

fn last_of_month(date: NaiveDate) -> Option<NaiveDate> {
    (28..=31).rev().find_map(|d| date.with_day(d))
}

/// The value of a time or date constructor that does not exist.
pub fn out_of_bounds(message: impl Into<String>) -> SparkError {
    let message = message.into();
    SparkError::new(
        Exception::DateTime,
        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
        "22023",
        format!("{message}. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."),
    )
    .with("rangeMessage", message)
}

pub fn zone_named(name: &str) -> Result<Zone> {
    Zone::parse(name).ok_or_else(|| {
        SparkError::new(
            Exception::DateTime,
            "INVALID_TIMEZONE",
            "22009",
            format!(
                "The timezone: {name} is invalid. The timezone must be either a region-based zone ID or a zone offset."
            ),
        )
        .with("timeZone", name)
    })
}

/// `DateTimeUtils.monthsBetween`: whole months between equal days or between last days, else by 31-day months.
fn months_between(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 3)?;
    let rounded = call.constant_boolean(2).unwrap_or(true);
    let label = if call.args.len() == 3 {
        call.label()
    } else {
        call.label_with(&["true"])
    };
    let zone = call.context.zone;
    let args = vec![call.timestamp(0)?, call.timestamp(1)?];
    Ok(row::call(
        "months_between",
        format!("{rounded} {zone:?}"),
        DataType::Float64,
        args,
        label,
        move |r| {
            let split = |us: i64| {
                let local = zone.to_local(us);
                let date = day(i32::try_from(local.div_euclid(DAY_US)).ok()?)?;
                Some((date, local.rem_euclid(DAY_US) / 1_000_000))
            };
            let (Some((a, a_seconds)), Some((b, b_seconds))) = (split(r.long(0)), split(r.long(1))) else {
                return Ok(None);
            };
            let months = f64::from((a.year() - b.year()) * 12 + a.month() as i32 - b.month() as i32);
            let last = |d: NaiveDate| last_of_month(d) == Some(d);
            if a.day() == b.day() || (last(a) && last(b)) {
                return Ok(Some(months));
            }
            let seconds = (i64::from(a.day()) - i64::from(b.day())) * 86_400 + a_seconds - b_seconds;
            let difference = months + seconds as f64 / (31.0 * 86_400.0);
            Ok(Some(if rounded {
                (difference * 1e8).round() / 1e8
            } else {
                difference
            }))
        },
    ))
}

fn next_day(from: i32, name: &str, ansi: bool) -> Result<Option<i32>> {
    let wanted = match name.trim().to_ascii_uppercase().as_str() {
        "MO" | "MON" | "MONDAY" => 0,
        "TU" | "TUE" | "TUESDAY" => 1,
        "WE" | "WED" | "WEDNESDAY" => 2,
        "TH" | "THU" | "THURSDAY" => 3,
        "FR" | "FRI" | "FRIDAY" => 4,
        "SA" | "SAT" | "SATURDAY" => 5,
        "SU" | "SUN" | "SUNDAY" => 6,
        _ if !ansi => return Ok(None),
        _ => {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "ILLEGAL_DAY_OF_WEEK",
                "22009",
                format!("Illegal input for day of week: {name}."),
            )
            .with("string", name));
        }
    };
    // 1970-01-01 was a Thursday.
    let today = (from + 3).rem_euclid(7);
    Ok(Some(from + (wanted - today + 6).rem_euclid(7) + 1))
}

/// What `trunc` and `date_trunc` cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Micros(i64),
}

impl Unit {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "YEAR" | "YYYY" | "YY" => Self::Year,
            "QUARTER" => Self::Quarter,
            "MONTH" | "MM" | "MON" => Self::Month,
            "WEEK" => Self::Week,
            "DAY" | "DD" => Self::Day,
            "HOUR" => Self::Micros(3_600_000_000),
            "MINUTE" => Self::Micros(60_000_000),
            "SECOND" => Self::Micros(1_000_000),
            "MILLISECOND" => Self::Micros(1000),
            "MICROSECOND" => Self::Micros(1),
            _ => return None,
        })
    }

    fn of_days(self) -> bool {
        matches!(self, Self::Year | Self::Quarter | Self::Month | Self::Week)
    }

    fn start_of(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
            Self::Quarter => NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1),
            Self::Month => date.with_day(1),
            Self::Week => date.checked_sub_days(chrono::Days::new(date.weekday().num_days_from_monday().into())),
            _ => Some(date),
        }
    }

    fn truncate(self, us: i64, zone: Zone) -> Option<i64> {
        let local = zone.to_local(us);
        if let Self::Micros(unit) = self {
            return us.checked_sub(local.rem_euclid(unit));
        }
        let start = self.start_of(day(i32::try_from(local.div_euclid(DAY_US)).ok()?)?)?;
        Some(zone.to_instant(i64::from(days_of(start)) * DAY_US))
    }
}

fn from_number(call: &Call<'_>) -> Result<Typed> {
    call.takes(1, 1)?;
    let overflow = || arithmetic_overflow("long overflow");
    let to = types::timestamp();
    let arg = call.arg(0)?;
    if call.name == "timestamp_seconds" && matches!(arg.data_type, DataType::Float32 | DataType::Float64) {
        return Ok(row::call(
            call.name,
            "double",
            to,
            vec![call.double(0)?],
            call.label(),
            |r| Ok(Some(r.double(0)).filter(|s| s.is_finite()).map(|s| (s * 1e6) as i64)),
        ));
    }
    if let (DataType::Decimal128(..), "timestamp_seconds") = (&arg.data_type, call.name) {
        let exact = call.context.cast(arg, &DataType::Decimal128(38, 6))?;
        return Ok(row::call(
            call.name,
            "decimal",
            to,
            vec![exact],
            call.label(),
            move |r| i64::try_from(r.decimal(0)).map(Some).map_err(|_| overflow()),
        ));
    }
    let unit = match call.name {
        "timestamp_seconds" => 1_000_000,
        "timestamp_millis" => 1000,
        _ => 1,
    };
    Ok(row::call(
        call.name,
        "",
        to,
        vec![call.long(0)?],
        call.label(),
        move |r| r.long(0).checked_mul(unit).map(Some).ok_or_else(overflow),
    ))
}

fn make_timestamp(call: &Call<'_>) -> Result<Typed> {
    call.takes(6, 7)?;
    let mut args = Vec::new();
    for i in 0..5 {
        args.push(call.int(i)?);
    }
    args.push(call.context.cast(call.arg(5)?, &DataType::Decimal128(16, 6))?);
    let zoned = call.args.len() == 7;
    if zoned {
        args.push(call.text(6)?);
    }
    let local = call.name.ends_with("_ntz");
    let to = if local {
        types::timestamp_ntz()
    } else {
        types::timestamp()
    };
    let fails = call.context.ansi() && !call.name.starts_with("try");
    let session = if local { Zone::UTC } else { call.context.zone };
    Ok(row::call(
        call.name,
        format!("{fails} {session:?}"),
        to,
        args,
        call.label(),
        move |r| {
            let made = local_time([r.int(0), r.int(1), r.int(2), r.int(3), r.int(4)], r.decimal(5) as i64);
            let Some(us) = made else {
                return if fails {
                    Err(out_of_bounds("A field of the timestamp is out of range"))
                } else {
                    Ok(None)
                };
            };
            let zone = if zoned { zone_named(r.text(6))? } else { session };
            Ok(Some(zone.to_instant(us)))
        },
    ))
}

/// A wall clock of its fields; 60 seconds are the next minute.
fn local_time([year, month, date, hour, minute]: [i32; 5], seconds_us: i64) -> Option<i64> {
    let days = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(date).ok()?).map(days_of)?;
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60_000_000).contains(&seconds_us);
    fits.then(|| i64::from(days) * DAY_US + (i64::from(hour) * 60 + i64::from(minute)) * 60_000_000 + seconds_us)
}

fn make_interval(call: &Call<'_>) -> Result<Typed> {
    use arrow::array::{Array, AsArray, IntervalMonthDayNanoArray};
    use arrow::datatypes::{Decimal128Type, Int32Type, IntervalMonthDayNano};
    call.takes(0, 7)?;
    let mut args = Vec::new();
    for i in 0..6 {
        args.push(if i < call.args.len() {
            call.int(i)?
        } else {
            literal::int(0)
        });
    }
    let seconds = if call.args.len() == 7 {
        call.arg(6)?
    } else {
        literal::int(0)
    };
    args.push(call.context.cast(seconds, &DataType::Decimal128(18, 6))?);
    let to = DataType::Interval(IntervalUnit::MonthDayNano);
    let exprs = args.into_iter().map(|t| t.expr).collect();
    let expr = crate::kernels::kernel::call("make_interval", "", to.clone(), exprs, |args, rows| {
        let cell = |i: usize, row: usize| i64::from(args[i].as_primitive::<Int32Type>().value(row));
        let made = (0..rows).map(|row| {
            if args.iter().any(|a| a.is_null(row)) {
                return Ok(None);
            }
            let months = i32::try_from(cell(0, row) * 12 + cell(1, row));
            let days = i32::try_from(cell(2, row) * 7 + cell(3, row));
            let us = i128::from((cell(4, row) * 60 + cell(5, row)) * 60_000_000)
                + args[6].as_primitive::<Decimal128Type>().value(row);
            match (months, days, i64::try_from(us * 1000)) {
                (Ok(months), Ok(days), Ok(nanos)) => Ok(Some(IntervalMonthDayNano::new(months, days, nanos))),
                _ => Err(arithmetic_overflow("integer overflow")),
            }
        });
        Ok(std::sync::Arc::new(
            made.collect::<Result<IntervalMonthDayNanoArray>>()?,
        ))
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// `timestampadd(unit, n, time)` and `timestampdiff(unit, from, to)`.
fn timestamp_arithmetic(call: &Call<'_>) -> Result<Typed> {
    let unit = call
        .constant_text(0)
        .map(|u| u.to_ascii_uppercase())
        .unwrap_or_default();
    let label = call.label();
    let (months, micros): (i64, i64) = match unit.as_str() {
        "YEAR" => (12, 0),
        "QUARTER" => (3, 0),
        "MONTH" => (1, 0),
        "WEEK" => (0, 7 * DAY_US),
        "DAY" | "DAYOFYEAR" => (0, DAY_US),
        "HOUR" => (0, 3_600_000_000),
        "MINUTE" => (0, 60_000_000),
        "SECOND" => (0, 1_000_000),
        "MILLISECOND" => (0, 1000),
        "MICROSECOND" => (0, 1),
        _ => {
            return Err(SparkError::new(
                Exception::Parse,
                "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
                "22023",
                format!(
                    "The value of parameter(s) `unit` in `{}` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal '{unit}'.",
                    call.name
                ),
            ));
        }
    };
    if call.name == "timestampadd" {
        let time = call.any_timestamp(2)?;
        let (zone, to) = (call.context.zone_of(&time.data_type), time.data_type.clone());
        return Ok(row::call(
            "timestampadd",
            format!("{unit} {zone:?}"),
            to,
            vec![call.long(1)?, time],
            label,
            move |r| {
                let (n, us) = (r.long(0), r.long(1));
                let overflow = || {
                    SparkError::new(
                        Exception::Arithmetic,
                        "DATETIME_OVERFLOW",
                        "22008",
                        format!("Datetime operation overflow: add {n} units to the timestamp."),
                    )
                };
                let days_unit = months == 0 && micros % DAY_US == 0;
                if months == 0 && !days_unit {
                    return n
                        .checked_mul(micros)
                        .and_then(|d| us.checked_add(d))
                        .map(Some)
                        .ok_or_else(overflow);
                }
                let local = zone.to_local(us);
                let date = i32::try_from(local.div_euclid(DAY_US)).map_err(|_| overflow())?;
                let moved = if days_unit {
                    n.checked_mul(micros / DAY_US)
                        .and_then(|d| i64::from(date).checked_add(d))
                        .and_then(|d| i32::try_from(d).ok())
                } else {
                    n.checked_mul(months)
                        .and_then(|m| i32::try_from(m).ok())
                        .and_then(|m| plus_months(date, m))
                };
                let moved = moved.ok_or_else(overflow)?;
                Ok(Some(
                    zone.to_instant(i64::from(moved) * DAY_US + local.rem_euclid(DAY_US)),
                ))
            },
        ));
    }
    let zone = call.context.zone;
    let times = vec![call.timestamp(1)?, call.timestamp(2)?];
    Ok(row::call(
        "timestampdiff",
        format!("{unit} {zone:?}"),
        DataType::Int64,
        times,
        label,
        move |r| {
            let (from, to) = (zone.to_local(r.long(0)), zone.to_local(r.long(1)));
            if months == 0 {
                return Ok(Some((to - from) / micros));
            }
            let split = |us: i64| Some((day(i32::try_from(us.div_euclid(DAY_US)).ok()?)?, us.rem_euclid(DAY_US)));
            let (Some((a, a_clock)), Some((b, b_clock))) = (split(from), split(to)) else {
                return Ok(None);
            };
            let mut whole = i64::from(b.year() - a.year()) * 12 + i64::from(b.month()) - i64::from(a.month());
            let behind = (b.day(), b_clock).cmp(&(a.day(), a_clock));
            if whole > 0 && behind.is_lt() {
                whole -= 1;
            } else if whole < 0 && behind.is_gt() {
                whole += 1;
            }
            Ok(Some(whole / months))
        },
    ))
}

/// `current_date()` and its kin: constants of the query.
pub fn constant(value: ScalarValue, data_type: DataType, label: &str) -> Typed {
    Typed::new(datafusion_expr::lit(value), data_type, label)
}
