//! Windows of event time: the table's entries for [`time_window`].

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;
use crate::plan::time_window;

/// Resolves `window` (`TimeWindow`); the rows are made where the call is grouped by or selected.
pub fn window(call: &Call<'_>) -> Result<Typed> {
    time_window::call(call.args.to_vec(), call.context.mode, call.context.zone)
}

/// Resolves `session_window` (`SessionWindow`); the sessions are made where the call is grouped by.
pub fn session_window(call: &Call<'_>) -> Result<Typed> {
    time_window::session(call.args.to_vec(), call.context.mode, call.context.zone)
}

/// Resolves `window_time` (`WindowTime`), which stays an event time.
pub fn window_time(call: &Call<'_>) -> Result<Typed> {
    let mut out = time_window::window_time(call.arg(0)?)?;
    out.name = call.label();
    // The event time comes from the column of the window; the struct does not.
    if let Some(attribute) = &mut out.attribute {
        attribute.data_type = out.data_type.clone();
    }
    Ok(out)
}
