//! Dates and times in records: as casts read them, or by the patterns of options.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::values::java_format::Pattern;
use crate::values::parse_time::{parse_date, parse_timestamp};
use crate::values::text::MICROS_PER_DAY;
use crate::values::zone::Zone;

/// Reads dates and times by the options `timeZone`, `dateFormat`, `timestampFormat` and `timestampNTZFormat`.
#[derive(Debug, Clone)]
pub struct Times {
    /// The zone of times that do not name one.
    pub zone: Zone,
    /// How dates are written; `None` reads as casts do.
    pub date_format: Option<Pattern>,
    /// How timestamps are written; `None` reads as casts do.
    timestamp_format: Option<Pattern>,
    /// How timestamps without zone are written; `None` reads as casts do.
    local_format: Option<Pattern>,
}

impl Times {
    /// Reads the options, their keys in lower case; without a zone, times are of the session's.
    ///
    /// # Errors
    /// If the zone is unknown or a pattern is malformed.
    pub fn new(options: &BTreeMap<String, String>, session: Zone) -> Result<Self> {
        let pattern = |key: &str| options.get(key).map(|p| Pattern::new(p, true)).transpose();
        Ok(Self {
            zone: match options.get("timezone") {
                Some(name) => Zone::named(name)?,
                None => session,
            },
            date_format: pattern("dateformat")?,
            timestamp_format: pattern("timestampformat")?,
            local_format: pattern("timestampntzformat")?,
        })
    }

    /// Returns a date as days since the epoch.
    pub fn date(&self, text: &str) -> Option<i32> {
        match &self.date_format {
            Some(pattern) => i32::try_from(pattern.parse(text).ok()?.0.div_euclid(MICROS_PER_DAY)).ok(),
            None => parse_date(text),
        }
    }

    /// Returns a time in µs: an instant if `zoned`, else a wall clock, which has no zone.
    pub fn timestamp(&self, text: &str, zoned: bool) -> Option<i64> {
        let format = if zoned {
            &self.timestamp_format
        } else {
            &self.local_format
        };
        let (local_us, zone) = match format {
            Some(pattern) => pattern.parse(text).ok()?,
            None => {
                let parsed = parse_timestamp(text)?;
                (parsed.wall_clock()?, parsed.zone)
            }
        };
        match zone {
            _ if zoned => zone.unwrap_or(self.zone).checked_instant(local_us),
            Some(_) => None,
            None => Some(local_us),
        }
    }
}
