//! Time zones: regions of the tz database and fixed offsets, by `java.time`'s rules for gaps and overlaps.
//!
//! Spark's classes leave this to `java.time.ZoneId`. A zone is a small `Copy` value: kernels capture it
//! when a plan is made, so a later change of `spark.sql.session.timeZone` does not reach a running
//! query.

use chrono_tz::Tz;

use crate::error::{Exception, Result, SparkError};
use crate::settings::{self, Conf};

/// A time zone: a region of the tz database or a fixed offset.
///
/// ```
/// use rivulet::values::zone::Zone;
///
/// let rome = Zone::parse("Europe/Rome").unwrap_or(Zone::UTC);
/// let noon_utc = 12 * 3_600_000_000_i64; // 1970-01-01 12:00 UTC
/// assert_eq!(rome.to_local(noon_utc), 13 * 3_600_000_000);
/// assert_eq!(rome.to_instant(13 * 3_600_000_000), noon_utc);
/// assert_eq!(Zone::parse("GMT-8"), Some(Zone::Fixed(-28_800)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// A region, whose offset changes with the seasons and the laws.
    Region(Tz),
    /// A fixed offset, in seconds east of UTC.
    Fixed(i32),
}

impl Zone {
    /// Coordinated Universal Time, the default of the session.
    pub const UTC: Zone = Zone::Fixed(0);

    /// Returns the session zone (`spark.sql.session.timeZone`), UTC if it is not set.
    ///
    /// # Errors
    /// If the setting does not name a zone, `INVALID_CONF_VALUE.TIME_ZONE`.
    pub fn of_session(conf: &Conf) -> Result<Zone> {
        let name = conf.text(&settings::TIME_ZONE).unwrap_or("UTC");
        Zone::parse(name).ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TIME_ZONE",
                "22022",
                format!(
                    "The value '{name}' in the config \"spark.sql.session.timeZone\" is invalid. \
                     Cannot resolve the given timezone."
                ),
            )
            .with("confName", settings::TIME_ZONE.key)
            .with("confValue", name)
        })
    }

    /// Returns the zone of a name that a function was given.
    ///
    /// # Errors
    /// `INVALID_TIMEZONE` if it names none.
    pub fn named(name: &str) -> Result<Zone> {
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

    /// Returns the zone of a name: `Europe/Rome`, `UTC`, `Z`, `GMT+2`, `+02:00`, `-8`, `PST`; `None` for
    /// anything else.
    ///
    /// Regions are matched as the tz database spells them. Three-letter names are those of
    /// `java.time.ZoneId.SHORT_IDS`. Offsets reach from -18:00 to
    /// +18:00.
    pub fn parse(name: &str) -> Option<Zone> {
        let name = name.trim_matches(|c| c <= ' ');
        if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Self::UTC);
        }
        let offset = name
            .strip_prefix("UTC")
            .or_else(|| name.strip_prefix("GMT"))
            .or_else(|| name.strip_prefix("UT"))
            .unwrap_or(name);
        if offset.starts_with(['+', '-']) {
            return parse_offset(offset).map(Zone::Fixed);
        }
        match SHORT_IDS.iter().find(|(short, _)| *short == name) {
            Some((_, offset)) if offset.starts_with('-') => parse_offset(offset).map(Zone::Fixed),
            Some((_, region)) => region.parse::<Tz>().ok().map(Zone::Region),
            None => name.parse::<Tz>().ok().map(Zone::Region),
        }
    }

    /// Returns the seconds east of UTC at an instant (µs since the epoch); 0 for instants that chrono
    /// cannot hold.
    pub fn offset_at(self, micros: i64) -> i32 {
        use chrono::{Offset, TimeZone};
        match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Region(tz) => chrono::DateTime::from_timestamp_micros(micros).map_or(0, |instant| {
                tz.offset_from_utc_datetime(&instant.naive_utc())
                    .fix()
                    .local_minus_utc()
            }),
        }
    }

    /// Returns the wall clock at an instant, as µs since the local epoch; it saturates.
    pub fn to_local(self, micros: i64) -> i64 {
        micros.saturating_add(i64::from(self.offset_at(micros)) * 1_000_000)
    }

    /// Returns the instant of a wall clock; in a gap the clock is moved forward by the gap, in an overlap
    /// the earlier instant counts (`java.time.ZonedDateTime.ofLocal`).
    ///
    /// ```text
    /// gap      02:30 when 02:00 becomes 03:00   → 03:30 summer time
    /// overlap  02:30 when 03:00 becomes 02:00   → 02:30 summer time, the first of the two
    /// ```
    pub fn to_instant(self, local: i64) -> i64 {
        let Zone::Region(_) = self else {
            let Zone::Fixed(seconds) = self else { return local };
            return local.saturating_sub(i64::from(seconds) * 1_000_000);
        };
        let before = i64::from(self.offset_at(local.saturating_sub(86_400_000_000))) * 1_000_000;
        let after = i64::from(self.offset_at(local.saturating_add(86_400_000_000))) * 1_000_000;
        let first = local.saturating_sub(before);
        if self.to_local(first) == local {
            return first;
        }
        let second = local.saturating_sub(after);
        if self.to_local(second) == local { second } else { first }
    }
}

impl Zone {
    /// Returns the instant of a wall clock; `None` beyond the instants that there are.
    pub fn checked_instant(self, local: i64) -> Option<i64> {
        let us = self.to_instant(local);
        let within = local.checked_sub(i64::from(self.offset_at(us)) * 1_000_000).is_some();
        (within || (us != i64::MAX && us != i64::MIN)).then_some(us)
    }

    /// Returns the instant of a wall clock near an instant: in an overlap the one with that instant's offset, if it has it
    /// (`java.time.ZonedDateTime.truncatedTo`); else as [`Self::to_instant`].
    pub fn to_instant_near(self, local: i64, near: i64) -> i64 {
        let own = local.saturating_sub(i64::from(self.offset_at(near)) * 1_000_000);
        if self.to_local(own) == local {
            own
        } else {
            self.to_instant(local)
        }
    }
}

/// The three-letter names (`java.time.ZoneId.SHORT_IDS`).
const SHORT_IDS: [(&str, &str); 28] = [
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// Returns the seconds of `+2`, `+02`, `+0200`, `+02:00`, `+020000` or `+02:00:00`, also of `+2:00` and `+02:0`; the sign
/// stands first (`java.time.ZoneOffset.of` and `SparkDateTimeUtils.getZoneId`).
fn parse_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = &text[1..];
    let (hours, minutes, seconds) = match digits.split(':').collect::<Vec<_>>()[..] {
        [h] if h.len() <= 2 => (h, "0", "0"),
        [h] if h.len() == 4 => (h.get(..2)?, h.get(2..)?, "0"),
        [h] if h.len() == 6 => (h.get(..2)?, h.get(2..4)?, h.get(4..)?),
        [h, m] => (h, m, "0"),
        [h, m, s] if m.len() == 2 && s.len() == 2 => (h, m, s),
        _ => return None,
    };
    let digits = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    if ![hours, minutes, seconds].into_iter().all(digits) {
        return None;
    }
    let (h, m, s): (i32, i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    let total = h * 3600 + m * 60 + s;
    (h <= 18 && m < 60 && s < 60 && total <= 18 * 3600).then_some(sign * total)
}

/// Makes Java's plain `ArithmeticException` of a number of µs that does not fit, which has no condition.
pub fn long_overflow() -> SparkError {
    SparkError::new(Exception::Arithmetic, "", "", "long overflow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_in_a_spring_gap_moves_on_and_in_an_autumn_overlap_is_the_earlier_instant() {
        let zone = Zone::parse("Europe/Rome").unwrap();
        let local = |text: &str| {
            chrono::NaiveDateTime::parse_from_str(text, "%F %T")
                .unwrap()
                .and_utc()
                .timestamp_micros()
        };
        assert_eq!(
            zone.to_instant(local("2024-03-31 02:30:00")),
            local("2024-03-31 01:30:00")
        );
        assert_eq!(
            zone.to_instant(local("2024-10-27 02:30:00")),
            local("2024-10-27 00:30:00")
        );
        assert_eq!(
            zone.to_instant(local("2024-07-01 12:00:00")),
            local("2024-07-01 10:00:00")
        );
    }

    #[test]
    fn offsets_are_read_in_all_of_sparks_forms() {
        assert_eq!(Zone::parse("+02:30"), Some(Zone::Fixed(9000)));
        assert_eq!(Zone::parse("GMT-8"), Some(Zone::Fixed(-28_800)));
        assert_eq!(Zone::parse("nowhere"), None);
        assert_eq!(Zone::parse("+19:00"), None);
    }
}
