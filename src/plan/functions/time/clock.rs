//! The clock: constants of a query.
//!
//! A query has one time, taken when it began: every call of it, and every retry of a task, sees the
//! same.
//!
//! For a stream, a query is one batch: each has the time at which it began.

use datafusion_common::ScalarValue;

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::functions::time::DAY_US;
use crate::plan::functions::{constant, constant_text};
use crate::plan::scope::Typed;
use crate::settings;
use crate::values::types;

/// Resolves `current_timestamp` (`CurrentTimestamp`).
pub fn current_timestamp(call: &Call<'_>) -> Result<Typed> {
    let now = ScalarValue::TimestampMicrosecond(Some(call.context.now_us), Some(types::UTC.into()));
    Ok(constant(now, call.label()))
}

/// Resolves `localtimestamp` (`LocalTimestamp`).
pub fn local_timestamp(call: &Call<'_>) -> Result<Typed> {
    let local = call.context.zone.to_local(call.context.now_us);
    Ok(constant(
        ScalarValue::TimestampMicrosecond(Some(local), None),
        call.label(),
    ))
}

/// Resolves `current_date` (`CurrentDate`).
pub fn current_date(call: &Call<'_>) -> Result<Typed> {
    let days = call.context.zone.to_local(call.context.now_us).div_euclid(DAY_US) as i32;
    Ok(constant(ScalarValue::Date32(Some(days)), "current_date()"))
}

/// Resolves `current_timezone` (`CurrentTimeZone`): the name as it was set.
pub fn current_timezone(call: &Call<'_>) -> Result<Typed> {
    let zone = call.context.conf.text(&settings::TIME_ZONE).unwrap_or("UTC");
    Ok(constant_text(zone, "current_timezone()"))
}
