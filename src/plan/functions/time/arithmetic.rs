//! Dates and times moved, and the distances between them.
//!
//! Moving by months keeps the day of the month or takes the last one. Days and months are those of the
//! wall clock, smaller units those of the instant.
//!
//! ```text
//! add_months('2016-08-31', 1)                     2016-09-30
//! months_between('2016-03-31', '2016-02-29')      1.0        both are last days
//! months_between('1997-02-28', '1996-10-30')      3.93548387
//! next_day('2015-01-14', 'TU')                    2015-01-20
//! timestampdiff(MONTH, '01-31', '02-28')          0          whole months only
//! ```

use arrow::datatypes::DataType;
use chrono::{Datelike, NaiveDate};

use crate::error::{Exception, Result, SparkError, arithmetic_overflow};
use crate::plan::datetime::{add_days, plus_months, unexpected_days};
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::functions::time::{DAY_US, last_of_month};
use crate::plan::scope::Typed;
use crate::values::text::{day, days_of};
use crate::values::types::is_numeric;
use crate::values::zone::Zone;

/// Resolves `date_add` (`DateAdd`).
///
/// Days beyond the calendar wrap around.
pub fn date_add(call: &Call<'_>) -> Result<Typed> {
    let expr = add_days(call.date(0)?.expr, days(call)?.expr, 1);
    Ok(Typed::new(expr, DataType::Date32, call.label_as("date_add")))
}

/// Resolves `date_sub` (`DateSub`).
///
/// Days beyond the calendar wrap around.
pub fn date_sub(call: &Call<'_>) -> Result<Typed> {
    let expr = add_days(call.date(0)?.expr, days(call)?.expr, -1);
    Ok(Typed::new(expr, DataType::Date32, call.label()))
}

/// Returns the days to move by.
///
/// # Errors
/// If they are a number of another type than INT, SMALLINT or TINYINT, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
fn days(call: &Call<'_>) -> Result<Typed> {
    let days = call.arg(1)?;
    let fits = matches!(days.data_type, DataType::Int8 | DataType::Int16 | DataType::Int32);
    if is_numeric(&days.data_type) && !fits {
        return Err(unexpected_days(&call.label(), &days));
    }
    call.int(1)
}

/// Resolves `datediff` (`DateDiff`).
pub fn date_diff(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int32, vec![call.date(0)?, call.date(1)?], |r| {
        Ok(Some(r.int(0).wrapping_sub(r.int(1))))
    })
}

/// Resolves `add_months` (`AddMonths`).
///
/// When it runs, a date beyond the calendar is `ARITHMETIC_OVERFLOW`.
pub fn add_months(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Date32, vec![call.date(0)?, call.int(1)?], |r| {
        plus_months(r.int(0), r.int(1))
            .map(Some)
            .ok_or_else(|| arithmetic_overflow("integer overflow"))
    })
}

/// Resolves `last_day` (`LastDay`).
pub fn last_day(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Date32, vec![call.date(0)?], |r| {
        Ok(day(r.int(0)).and_then(last_of_month).map(days_of))
    })
}

/// Resolves `next_day` (`NextDay`).
///
/// When it runs, an unknown day of the week is `ILLEGAL_DAY_OF_WEEK` under ANSI, else null.
pub fn next_day_call(call: &Call<'_>) -> Result<Typed> {
    let ansi = call.context.ansi();
    let args = vec![call.date(0)?, call.text(1)?];
    Ok(row::call(
        call.name,
        format!("{ansi}"),
        DataType::Date32,
        args,
        call.label(),
        move |r| next_day(r.int(0), r.text(1), ansi),
    ))
}

/// Resolves `months_between` (`DateTimeUtils.monthsBetween`): whole months between equal days or
/// between last days, else by 31-day months. Rounded to eight digits unless the third argument is a
/// constant false.
pub fn months_between(call: &Call<'_>) -> Result<Typed> {
    let rounded = call.constant_boolean(2).unwrap_or(true);
    let label = call.label_or(2, &["true"]);
    let zone = call.context.zone;
    let args = vec![call.timestamp(0)?, call.timestamp(1)?];
    Ok(row::call(
        "months_between",
        format!("{rounded} {zone:?}"),
        DataType::Float64,
        args,
        label,
        move |r| {
            let (Some(a), Some(b)) = (
                Local::new(zone.to_local(r.long(0))),
                Local::new(zone.to_local(r.long(1))),
            ) else {
                return Ok(None);
            };
            let months = a.months_after(&b);
            Ok(Some(if rounded { (months * 1e8).round() / 1e8 } else { months }))
        },
    ))
}

/// A wall clock as a day and the microseconds since its midnight.
struct Local {
    /// The day.
    day: NaiveDate,
    /// µs since midnight.
    clock_us: i64,
}

impl Local {
    /// Splits a wall clock; `None` beyond chrono's years.
    fn new(local_us: i64) -> Option<Self> {
        Some(Self {
            day: day(i32::try_from(local_us.div_euclid(DAY_US)).ok()?)?,
            clock_us: local_us.rem_euclid(DAY_US),
        })
    }

    /// Returns the months since year 0 began.
    fn months(&self) -> i64 {
        i64::from(self.day.year()) * 12 + i64::from(self.day.month0())
    }

    /// Returns whole months between equal days or between last days, else with a fraction of a 31-day
    /// month.
    fn months_after(&self, other: &Self) -> f64 {
        let months = (self.months() - other.months()) as f64;
        let last = |d: NaiveDate| last_of_month(d) == Some(d);
        if self.day.day() == other.day.day() || (last(self.day) && last(other.day)) {
            return months;
        }
        let days = i64::from(self.day.day()) - i64::from(other.day.day());
        let seconds = days * 86_400 + self.clock_us / 1_000_000 - other.clock_us / 1_000_000;
        months + seconds as f64 / (31.0 * 86_400.0)
    }
}

/// Returns the first day after `from` with that name, which has two or three letters or is written in full.
///
/// # Errors
/// If the name is unknown under ANSI, `ILLEGAL_DAY_OF_WEEK`; else it is null.
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
    // Counted from Thursday, as 1970-01-01 was one; at the ends of the days it wraps as `getNextDateForDayOfWeek` does.
    let wanted: i32 = (wanted + 4) % 7;
    let ahead = (wanted - 1).wrapping_sub(from) % 7;
    Ok(Some(from.wrapping_add(1).wrapping_add((ahead + 7) % 7)))
}

/// A unit of `timestampadd` and `timestampdiff`: a number of months, or of microseconds.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A number of months, of the calendar.
    Months(i64),
    /// A number of microseconds; whole days are days of the calendar.
    Micros(i64),
}

impl Step {
    /// Returns the unit that the first argument names.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE.DATETIME_UNIT` for an unknown unit.
    fn of(call: &Call<'_>) -> Result<(Self, String)> {
        let name = call
            .constant_text(0)
            .map(|u| u.to_ascii_uppercase())
            .unwrap_or_default();
        let step = match name.as_str() {
            "YEAR" => Self::Months(12),
            "QUARTER" => Self::Months(3),
            "MONTH" => Self::Months(1),
            "WEEK" => Self::Micros(7 * DAY_US),
            "DAY" | "DAYOFYEAR" => Self::Micros(DAY_US),
            "HOUR" => Self::Micros(3_600_000_000),
            "MINUTE" => Self::Micros(60_000_000),
            "SECOND" => Self::Micros(1_000_000),
            "MILLISECOND" => Self::Micros(1000),
            "MICROSECOND" => Self::Micros(1),
            _ => {
                return Err(SparkError::new(
                    Exception::Parse,
                    "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
                    "22023",
                    format!(
                        "The value of parameter(s) `unit` in `{}` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, \
                         WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal '{name}'.",
                        call.name
                    ),
                ));
            }
        };
        Ok((step, name))
    }

    /// Returns the time `n` steps after `us`; days and months are those of the zone. `None` on overflow.
    fn add(self, n: i64, us: i64, zone: Zone) -> Option<i64> {
        let local = zone.to_local(us);
        let date = i32::try_from(local.div_euclid(DAY_US));
        let moved = match self {
            Self::Micros(step) if step % DAY_US != 0 => return us.checked_add(n.checked_mul(step)?),
            Self::Micros(step) => {
                let days = n.checked_mul(step / DAY_US)?;
                i32::try_from(i64::from(date.ok()?).checked_add(days)?).ok()?
            }
            Self::Months(step) => plus_months(date.ok()?, i32::try_from(n.checked_mul(step)?).ok()?)?,
        };
        Some(zone.to_instant(i64::from(moved) * DAY_US + local.rem_euclid(DAY_US)))
    }

    /// Returns the whole steps between two wall clocks, cut off towards zero.
    fn between(self, from: i64, to: i64) -> Option<i64> {
        let step = match self {
            Self::Micros(step) => return Some((to - from) / step),
            Self::Months(step) => step,
        };
        let (a, b) = (Local::new(from)?, Local::new(to)?);
        let mut months = b.months() - a.months();
        let within = (b.day.day(), b.clock_us).cmp(&(a.day.day(), a.clock_us));
        if months > 0 && within.is_lt() {
            months -= 1;
        } else if months < 0 && within.is_gt() {
            months += 1;
        }
        Some(months / step)
    }
}

/// Resolves `timestampadd(unit, n, time)` (`TimestampAdd`).
///
/// When it runs, an overflow is `DATETIME_OVERFLOW`.
pub fn timestamp_add(call: &Call<'_>) -> Result<Typed> {
    let (step, unit) = Step::of(call)?;
    let time = call.any_timestamp(2)?;
    let (zone, to) = (call.context.zone_of(&time.data_type), time.data_type.clone());
    let args = vec![call.long(1)?, time];
    Ok(row::call(
        call.name,
        format!("{unit} {zone:?}"),
        to,
        args,
        call.label(),
        move |r| {
            let n = r.long(0);
            let moved = step.add(n, r.long(1), zone);
            moved.map(Some).ok_or_else(|| {
                SparkError::new(
                    Exception::Arithmetic,
                    "DATETIME_OVERFLOW",
                    "22008",
                    format!("Datetime operation overflow: add {n} units to the timestamp."),
                )
            })
        },
    ))
}

/// Resolves `timestampdiff(unit, from, to)` (`TimestampDiff`).
pub fn timestamp_diff(call: &Call<'_>) -> Result<Typed> {
    let (step, unit) = Step::of(call)?;
    let zone = call.context.zone;
    let args = vec![call.timestamp(1)?, call.timestamp(2)?];
    Ok(row::call(
        call.name,
        format!("{unit} {zone:?}"),
        DataType::Int64,
        args,
        call.label(),
        move |r| Ok(step.between(zone.to_local(r.long(0)), zone.to_local(r.long(1)))),
    ))
}
