//! Times cut to the start of a unit.
//!
//! ```text
//! 2024-02-29 10:15:30.5    YEAR 2024-01-01   QUARTER 2024-01-01   MONTH 2024-02-01   WEEK 2024-02-26
//!                          DAY 2024-02-29    HOUR 10:00           MINUTE 10:15       SECOND 10:15:30
//! ```
//!
//! All are cut on the instant's wall clock, so that zones with offsets of half an hour are cut at their own hours. Where a clock
//! shows the start twice, that with the instant's own offset counts.

use chrono::{Datelike, NaiveDate};

use arrow::datatypes::DataType;

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::functions::time::DAY_US;
use crate::plan::scope::Typed;
use crate::values::text::{day, days_of};
use crate::values::types::timestamp;
use crate::values::zone::Zone;

/// Resolves `trunc` (`TruncDate`): null for units below a week.
pub fn trunc(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Date32, vec![call.date(0)?, call.text(1)?], |r| {
        let unit = Unit::parse(r.text(1)).filter(|u| u.of_days());
        Ok(unit.and_then(|u| Some(days_of(u.start_of(day(r.int(0))?)?))))
    })
}

/// Resolves `date_trunc` (`TruncTimestamp`), on the wall clock of the session's zone.
pub fn date_trunc(call: &Call<'_>) -> Result<Typed> {
    let time = call.context.cast(call.timestamp(1)?, &timestamp())?;
    let (zone, to) = (call.context.zone, time.data_type.clone());
    let args = vec![call.text(0)?, time];
    Ok(row::call(
        call.name,
        format!("{zone:?}"),
        to,
        args,
        call.label(),
        move |r| Ok(Unit::parse(r.text(0)).and_then(|unit| unit.truncate(r.long(1), zone))),
    ))
}

/// What `trunc` and `date_trunc` cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// January 1.
    Year,
    /// The first day of January, April, July or October.
    Quarter,
    /// The first day of the month.
    Month,
    /// Monday.
    Week,
    /// Midnight.
    Day,
    /// A unit of that many µs, at most an hour.
    Micros(i64),
}

impl Unit {
    /// Returns the unit of a name, in any case; `None` for other words.
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

    /// Returns whether it is longer than a day.
    fn of_days(self) -> bool {
        matches!(self, Self::Year | Self::Quarter | Self::Month | Self::Week)
    }

    /// Returns the first day of the unit that a day is in.
    fn start_of(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
            Self::Quarter => NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1),
            Self::Month => date.with_day(1),
            Self::Week => date.checked_sub_days(chrono::Days::new(date.weekday().num_days_from_monday().into())),
            _ => Some(date),
        }
    }

    /// Returns the start of the unit that a time is in, µs since the epoch. `None` beyond chrono's years.
    fn truncate(self, us: i64, zone: Zone) -> Option<i64> {
        let local = zone.to_local(us);
        if let Self::Micros(unit) = self {
            let start = local.checked_sub(local.rem_euclid(unit))?;
            return Some(zone.to_instant_near(start, us));
        }
        let start = self.start_of(day(i32::try_from(local.div_euclid(DAY_US)).ok()?)?)?;
        Some(zone.to_instant_near(i64::from(days_of(start)) * DAY_US, us))
    }
}
