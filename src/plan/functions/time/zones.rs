//! Wall clocks of other zones.
//!
//! A zone may differ from row to row, so names are looked up when the call runs.
//!
//! ```text
//! in the session zone UTC:
//! from_utc_timestamp('2016-08-31 00:00', 'Asia/Seoul')        2016-08-31 09:00
//! to_utc_timestamp('2016-08-31 00:00', 'Asia/Seoul')          2016-08-30 15:00
//! convert_timezone('Asia/Seoul', 'UTC', '2016-08-31 09:00')   2016-08-31 00:00, a TIMESTAMP_NTZ
//! ```

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::settings;
use crate::values::types;
use crate::values::zone::Zone;

/// Resolves `from_utc_timestamp` and its opposite (`FromUTCTimestamp`, `ToUTCTimestamp`). The result is
/// an instant whose UTC clock shows what was asked for.
///
/// When it runs, an unknown zone is `INVALID_TIMEZONE`.
pub fn shifted(call: &Call<'_>, from_utc: bool) -> Result<Typed> {
    call.strict(types::timestamp(), vec![call.timestamp(0)?, call.text(1)?], move |r| {
        let zone = Zone::named(r.text(1))?;
        Ok(Some(if from_utc {
            zone.to_local(r.long(0))
        } else {
            zone.to_instant(r.long(0))
        }))
    })
}

/// Resolves `convert_timezone` (`ConvertTimezone`): from a zone, or of two arguments from the
/// session's, to another.
pub fn convert_timezone(call: &Call<'_>) -> Result<Typed> {
    let (from, label, at) = if call.has(2) {
        (call.text(0)?, call.label(), 1)
    } else {
        let here = call.context.conf.text(&settings::TIME_ZONE).unwrap_or("UTC");
        let label = format!(
            "convert_timezone(current_timezone(), {}, {})",
            call.args[0].name, call.args[1].name
        );
        (literal::string(here), label, 0)
    };
    let time = call.context.cast(call.arg(at + 1)?, &types::timestamp_ntz())?;
    let args = vec![from, call.text(at)?, time];
    Ok(row::call(
        "convert_timezone",
        "",
        types::timestamp_ntz(),
        args,
        label,
        |r| {
            let (from, to) = (Zone::named(r.text(0))?, Zone::named(r.text(1))?);
            Ok(Some(to.to_local(from.to_instant(r.long(2)))))
        },
    ))
}
