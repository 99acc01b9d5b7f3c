//! Fields of dates, timestamps and intervals: `year` to `second`, `extract`, names of days and months.
//!
//! Weeks are ISO's: they begin on Monday, and week 1 has the year's first Thursday.
//!
//! ```text
//! 2024-12-30 (a Monday)    YEAR 2024   YEAROFWEEK 2025   WEEK 1   DOW 2   DOW_ISO 1   WEEKDAY 0
//! ```
//!
//! Fields of intervals have no carry between families: a day-time interval has days to seconds, a
//! year-month interval years and months.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array};
use arrow::datatypes::{DataType, IntervalUnit};
use chrono::{Datelike, NaiveDate};

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::row;
use crate::plan::scope::Typed;
use crate::values::java_format::{DAYS, MONTHS};
use crate::values::text::day;
use crate::values::types::sql_name;

/// A field of a calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateField {
    /// The year of the calendar.
    Year,
    /// The year that the ISO week belongs to.
    YearOfWeek,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// The ISO week, 1 to 53.
    Week,
    /// The day of the month.
    Day,
    /// 1 for Sunday to 7 for Saturday.
    DayOfWeek,
    /// 1 for Monday to 7 for Sunday.
    DayOfWeekIso,
    /// 0 for Monday to 6 for Sunday.
    Weekday,
    /// 1 to 366.
    DayOfYear,
}

/// A field of a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockField {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59, without its fraction.
    Second,
}

/// Returns the field of a day by any of its names, in any case; `None` for other words.
fn date_field(name: &str) -> Option<DateField> {
    Some(match name.to_ascii_uppercase().as_str() {
        "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => DateField::Year,
        "YEAROFWEEK" => DateField::YearOfWeek,
        "QUARTER" | "QTR" => DateField::Quarter,
        "MONTH" | "MON" | "MONS" | "MONTHS" => DateField::Month,
        "WEEK" | "W" | "WEEKS" | "WEEKOFYEAR" => DateField::Week,
        "DAY" | "D" | "DAYS" | "DAYOFMONTH" => DateField::Day,
        "DAYOFWEEK" | "DOW" => DateField::DayOfWeek,
        "DAYOFWEEK_ISO" | "DOW_ISO" => DateField::DayOfWeekIso,
        "WEEKDAY" => DateField::Weekday,
        "DOY" | "DAYOFYEAR" => DateField::DayOfYear,
        _ => return None,
    })
}

/// Returns the field of a time of day by any of its names, in any case; `None` for other words.
fn clock_field(name: &str) -> Option<ClockField> {
    Some(match name.to_ascii_uppercase().as_str() {
        "HOUR" | "H" | "HOURS" | "HR" | "HRS" => ClockField::Hour,
        "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => ClockField::Minute,
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => ClockField::Second,
        _ => return None,
    })
}

impl DateField {
    /// Returns the field of a day.
    fn of(self, date: NaiveDate) -> i32 {
        let monday = date.weekday().num_days_from_monday() as i32;
        match self {
            Self::Year => date.year(),
            Self::YearOfWeek => date.iso_week().year(),
            Self::Quarter => date.month0() as i32 / 3 + 1,
            Self::Month => date.month() as i32,
            Self::Week => date.iso_week().week() as i32,
            Self::Day => date.day() as i32,
            Self::DayOfWeek => (monday + 1) % 7 + 1,
            Self::DayOfWeekIso => monday + 1,
            Self::Weekday => monday,
            Self::DayOfYear => date.ordinal() as i32,
        }
    }
}

/// Resolves a field of a day, such as `year`.
pub fn of_day(call: &Call<'_>, field: DateField) -> Result<Typed> {
    Ok(of_date(field, call.date(0)?, call.label()))
}

/// Resolves a field of a time of day, such as `hour`, on the wall clock of the session's zone.
pub fn of_time(call: &Call<'_>, field: ClockField) -> Result<Typed> {
    Ok(of_clock(call, field, call.any_timestamp(0)?, call.label()))
}

/// Resolves `dayname` (`DayName`).
pub fn day_name(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.date(0)?], |r| {
        Ok(day(r.int(0)).map(|d| DAYS[d.weekday().num_days_from_monday() as usize][..3].to_owned()))
    })
}

/// Resolves `monthname` (`MonthName`).
pub fn month_name(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.date(0)?], |r| {
        Ok(day(r.int(0)).map(|d| MONTHS[d.month0() as usize][..3].to_owned()))
    })
}

/// Resolves `date_part(field, source)`, and `extract(field FROM source)` with a label of its own.
///
/// # Errors
/// If the field is not a constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if the source does not have
/// it, `INVALID_EXTRACT_FIELD`.
pub fn extract_call(call: &Call<'_>) -> Result<Typed> {
    let field = call
        .constant_text(0)
        .ok_or_else(|| non_foldable(call, "field", "STRING"))?;
    let label = if call.name == "date_part" {
        call.label()
    } else {
        format!("{}({} FROM {})", call.name, call.args[0].name, call.args[1].name)
    };
    extract(call, &field, label)
}

/// Returns the call of a field of a day; null beyond chrono's years.
fn of_date(field: DateField, date: Typed, label: String) -> Typed {
    row::call(
        "date_field",
        format!("{field:?}"),
        DataType::Int32,
        vec![date],
        label,
        move |r| Ok(day(r.int(0)).map(|d| field.of(d))),
    )
}

/// Returns the call of a field of a time of day.
fn of_clock(call: &Call<'_>, field: ClockField, time: Typed, label: String) -> Typed {
    let zone = call.context.zone_of(&time.data_type);
    row::call(
        "clock_field",
        format!("{field:?} {zone:?}"),
        DataType::Int32,
        vec![time],
        label,
        move |r| {
            let seconds = zone.to_local(r.long(0)).rem_euclid(86_400_000_000) / 1_000_000;
            Ok(Some(match field {
                ClockField::Hour => seconds / 3600,
                ClockField::Minute => seconds / 60 % 60,
                ClockField::Second => seconds % 60,
            } as i32))
        },
    )
}

/// Resolves a field of any source: INT, but DECIMAL(8,6) for seconds.
///
/// # Errors
/// If the source does not have it, `INVALID_EXTRACT_FIELD`.
fn extract(call: &Call<'_>, field: &str, label: String) -> Result<Typed> {
    let source = call.arg(1)?;
    if crate::values::interval::is_interval(&source.data_type) {
        return of_interval(source, field, label);
    }
    if let Some(field) = date_field(field) {
        return Ok(of_date(field, call.date(1)?, label));
    }
    match clock_field(field) {
        Some(ClockField::Second) => {
            let time = call.any_timestamp(1)?;
            let zone = call.context.zone_of(&time.data_type);
            Ok(row::call(
                "second_with_fraction",
                format!("{zone:?}"),
                DataType::Decimal128(8, 6),
                vec![time],
                label,
                move |r| Ok(Some(i128::from(zone.to_local(r.long(0)).rem_euclid(60_000_000)))),
            ))
        }
        Some(field) => Ok(of_clock(call, field, call.any_timestamp(1)?, label)),
        None => Err(invalid_field(field, &source)),
    }
}

/// Makes `INVALID_EXTRACT_FIELD`, which names field and source.
fn invalid_field(field: &str, source: &Typed) -> SparkError {
    SparkError::analysis(
        "INVALID_EXTRACT_FIELD",
        "42601",
        format!(
            "Cannot extract `{field}` from \"{}\" of \"{}\".",
            source.name,
            sql_name(&source.data_type)
        ),
    )
    .with("field", format!("`{field}`"))
    .with("expr", format!("\"{}\"", source.name))
}

/// Resolves a field of an interval; only fields of its own family.
///
/// # Errors
/// If it is of the other family, `INVALID_EXTRACT_FIELD`.
fn of_interval(source: Typed, field: &str, label: String) -> Result<Typed> {
    let months = |t: &DataType| {
        matches!(
            t,
            DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::MonthDayNano)
        )
    };
    let time = |t: &DataType| !matches!(t, DataType::Interval(IntervalUnit::YearMonth));
    let parts = |args: &[ArrayRef], pick: fn(i32, i32, i64) -> i128| -> Vec<Option<i128>> {
        (0..args[0].len())
            .map(|i| interval(&args[0], i).map(|(m, d, us)| pick(m, d, us)))
            .collect()
    };
    let (to, pick): (DataType, fn(i32, i32, i64) -> i128) = match (date_field(field), clock_field(field)) {
        (Some(DateField::Year), _) if months(&source.data_type) => (DataType::Int32, |m, _, _| i128::from(m / 12)),
        (Some(DateField::Month), _) if months(&source.data_type) => (DataType::Int8, |m, _, _| i128::from(m % 12)),
        (Some(DateField::Day), _) if time(&source.data_type) => (DataType::Int32, |_, d, us| {
            i128::from(d) + i128::from(us / 86_400_000_000)
        }),
        (_, Some(ClockField::Hour)) if time(&source.data_type) => {
            (DataType::Int8, |_, _, us| i128::from(us / 3_600_000_000 % 24))
        }
        (_, Some(ClockField::Minute)) if time(&source.data_type) => {
            (DataType::Int8, |_, _, us| i128::from(us / 60_000_000 % 60))
        }
        (_, Some(ClockField::Second)) if time(&source.data_type) => {
            (DataType::Decimal128(8, 6), |_, _, us| i128::from(us % 60_000_000))
        }
        _ => return Err(invalid_field(field, &source)),
    };
    let out = to.clone();
    let expr = kernel::call(
        "interval_field",
        field.to_ascii_lowercase(),
        to.clone(),
        vec![source.expr],
        move |args, _| {
            let values = parts(args, pick);
            if let DataType::Decimal128(..) = out {
                return Ok(Arc::new(Decimal128Array::from(values).with_data_type(out.clone())));
            }
            let ints: ArrayRef = Arc::new(values.into_iter().map(|v| v.map(|v| v as i32)).collect::<Int32Array>());
            Ok(arrow::compute::cast(&ints, &out)?)
        },
    );
    Ok(Typed::new(expr, to, label))
}

/// Returns months, days and µs of a row's interval, `None` for null; the days of a day-time interval
/// are split off.
pub fn interval(array: &ArrayRef, row: usize) -> Option<(i32, i32, i64)> {
    use arrow::array::AsArray;
    use arrow::datatypes::{DurationMicrosecondType, IntervalMonthDayNanoType, IntervalYearMonthType};
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Duration(_) => {
            let us = array.as_primitive::<DurationMicrosecondType>().value(row);
            (0, (us / 86_400_000_000) as i32, us % 86_400_000_000)
        }
        DataType::Interval(IntervalUnit::YearMonth) => (array.as_primitive::<IntervalYearMonthType>().value(row), 0, 0),
        _ => {
            let i = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            (i.months, i.days, i.nanoseconds / 1000)
        }
    })
}
