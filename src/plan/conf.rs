//! The session settings that planning reads, with Spark's names and defaults.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::error::{Exception, Result, SparkError};

/// Settings as the client set them; lookups fall back to Spark's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conf {
    pub values: BTreeMap<String, String>,
}

/// Spark's defaults of the settings that Rivulet honours.
const DEFAULTS: &[(&str, &str)] = &[
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.caseSensitive", "false"),
    ("spark.sql.session.timeZone", "UTC"),
    ("spark.sql.streaming.multipleWatermarkPolicy", "min"),
    ("spark.sql.streaming.noDataMicroBatches.enabled", "true"),
    ("spark.sql.streaming.statefulOperator.checkCorrectness.enabled", "true"),
    ("spark.sql.streaming.numRecentProgressUpdates", "100"),
    ("spark.sql.mapKeyDedupPolicy", "EXCEPTION"),
    ("spark.sql.groupByOrdinal", "true"),
    ("spark.sql.orderByOrdinal", "true"),
    ("spark.sql.decimalOperations.allowPrecisionLoss", "true"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
    (
        "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName",
        "true",
    ),
    ("spark.sql.execution.arrow.maxRecordsPerBatch", "10000"),
    ("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    ("spark.sql.execution.pandas.convertToArrowArraySafely", "false"),
    ("spark.sql.execution.pandas.inferPandasDictAsMap", "false"),
    ("spark.sql.execution.pandas.structHandlingMode", "legacy"),
    ("spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"),
    (
        "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
        "false",
    ),
    ("spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false"),
    ("spark.sql.timestampNTZ.enabled", "true"),
    ("spark.sql.repl.eagerEval.enabled", "false"),
    ("spark.sql.repl.eagerEval.maxNumRows", "20"),
    ("spark.sql.repl.eagerEval.truncate", "20"),
    ("spark.sql.session.localRelationCacheThreshold", "2147483647"),
    ("spark.sql.session.localRelationSizeLimit", "3221225472"),
    ("spark.sql.session.localRelationChunkSizeRows", "10000"),
    ("spark.sql.session.localRelationChunkSizeBytes", "16777216"),
    ("spark.sql.session.localRelationBatchOfChunksSizeBytes", "268435456"),
    ("spark.connect.session.planCompression.threshold", "-1"),
    ("spark.connect.session.planCompression.defaultAlgorithm", "NONE"),
    ("spark.sql.stackTracesInDataFrameContext", "1"),
    ("spark.sql.pyspark.jvmStacktrace.enabled", "false"),
    ("spark.sql.pyspark.dataFrameQueryContext.enabled", "true"),
    ("spark.python.sql.dataFrameDebugging.enabled", "true"),
    ("spark.sql.analyzer.failAmbiguousSelfJoin", "true"),
    ("spark.sql.binaryOutputStyle", ""),
    ("spark.sql.execution.pythonUDTF.arrow.enabled", "false"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "false"),
    ("spark.sql.sources.default", "parquet"),
    ("spark.sql.crossJoin.enabled", "true"),
    ("spark.rivulet.executor.stateMemory", "512m"),
    ("spark.rivulet.executor.storageMemory", "512m"),
    ("spark.app.name", "rivulet"),
    ("spark.master", "local[*]"),
    ("spark.version", SPARK_VERSION),
];

/// The Spark release whose behaviour Rivulet follows, told to clients that ask.
pub const SPARK_VERSION: &str = "4.3.0";

impl Conf {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .map(String::as_str)
            .or_else(|| Self::default_of(key))
    }

    /// Spark's default for `key`, where Rivulet knows the setting.
    pub fn default_of(key: &str) -> Option<&'static str> {
        DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = DEFAULTS.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        all.extend(self.values.clone());
        all
    }

    pub fn bool(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// A size as Spark writes them: a number of bytes, or one with a unit (`64k`, `512m`, `1g`; also `mb`).
    ///
    /// # Errors
    /// An `IllegalArgumentException` that names the setting.
    pub fn bytes(&self, key: &str) -> Result<u64> {
        let text = self.get(key).unwrap_or_default().trim().to_ascii_lowercase();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let shift = match text[digits..].trim_end_matches('b') {
            "" => Some(0),
            "k" => Some(10),
            "m" => Some(20),
            "g" => Some(30),
            "t" => Some(40),
            _ => None,
        };
        let number = text[..digits].parse::<u64>().ok();
        let bytes = number.zip(shift).and_then(|(n, shift)| n.checked_mul(1 << shift));
        bytes.ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                "22022",
                format!("The value '{text}' in the config \"{key}\" is no size: a number of bytes, or with a unit as in 512m."),
            )
            .with("confName", key)
        })
    }

    /// `spark.rivulet.executor.stateMemory`: bytes of streaming state that an executor holds in memory between tasks; what is
    /// more waits in its file. 0 is no limit.
    pub fn state_memory(&self) -> Result<u64> {
        self.bytes("spark.rivulet.executor.stateMemory")
    }

    /// A number from 0 on, or what holds without the setting.
    ///
    /// # Errors
    /// An `IllegalArgumentException` that names the setting.
    pub fn number(&self, key: &str, otherwise: f64) -> Result<f64> {
        let Some(text) = self.get(key) else {
            return Ok(otherwise);
        };
        let number = text.trim().parse::<f64>().ok().filter(|n| *n >= 0.0);
        number.ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                "22022",
                format!("The value '{text}' in the config \"{key}\" is no number from 0 on."),
            )
            .with("confName", key)
        })
    }

    /// `spark.rivulet.streaming.idleSourceTimeout`: how long one of several watermarks may be without data before it does not hold
    /// the query's any more, ms; none (without the setting) is for ever, as in Spark.
    ///
    /// # Errors
    /// An `IllegalArgumentException` where it is no duration.
    pub fn idle_timeout_ms(&self) -> Result<Option<i64>> {
        let key = "spark.rivulet.streaming.idleSourceTimeout";
        let Some(text) = self.get(key) else { return Ok(None) };
        let us = super::literal::interval_micros(text).filter(|us| *us > 0);
        us.map(|us| Some(us / 1000)).ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                "22022",
                format!("The value '{text}' in the config \"{key}\" is no duration, such as 30 seconds."),
            )
            .with("confName", key)
        })
    }

    /// `spark.sql.ansi.enabled`: errors instead of nulls and wrap-around.
    pub fn ansi(&self) -> bool {
        self.bool("spark.sql.ansi.enabled")
    }

    pub fn case_sensitive(&self) -> bool {
        self.bool("spark.sql.caseSensitive")
    }

    /// `spark.sql.shuffle.partitions`; without a setting, one partition a slot (a tab has no 200 cores to fill).
    pub fn shuffle_partitions(&self) -> usize {
        let slots = self.parallelism();
        self.get("spark.sql.shuffle.partitions")
            .and_then(|v| v.parse().ok())
            .unwrap_or(slots)
            .clamp(1, 10_000)
    }

    /// `spark.default.parallelism`: how many slices a source without partitions of its own is cut into.
    pub fn parallelism(&self) -> usize {
        self.get("spark.default.parallelism")
            .and_then(|v| v.parse().ok())
            .unwrap_or(2)
            .clamp(1, 10_000)
    }

    /// The session zone.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE.TIME_ZONE` where the setting names no zone.
    pub fn time_zone(&self) -> Result<Zone> {
        let name = self.get("spark.sql.session.timeZone").unwrap_or("UTC");
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
            .with("confName", "spark.sql.session.timeZone")
            .with("confValue", name)
        })
    }
}

/// A time zone: a region of the tz database or a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    Region(Tz),
    /// Seconds east of UTC.
    Fixed(i32),
}

impl Zone {
    pub const UTC: Zone = Zone::Fixed(0);

    /// `Europe/Rome`, `UTC`, `Z`, `GMT+2`, `+02:00`, `-8`, `PST`.
    pub fn parse(name: &str) -> Option<Zone> {
        let name = name.trim();
        if name == "Z" || name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") {
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
        let short = [
            ("PST", "America/Los_Angeles"),
            ("CST", "America/Chicago"),
            ("JST", "Asia/Tokyo"),
            ("IST", "Asia/Kolkata"),
            ("CET", "Europe/Paris"),
        ];
        let name = short.iter().find(|(s, _)| *s == name).map_or(name, |(_, long)| long);
        name.parse::<Tz>().ok().map(Zone::Region)
    }

    /// Seconds east of UTC at an instant (µs since the epoch).
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

    /// The local wall clock at an instant, as µs since the local epoch.
    pub fn to_local(self, micros: i64) -> i64 {
        micros.saturating_add(i64::from(self.offset_at(micros)) * 1_000_000)
    }

    /// The instant of a local wall clock; in a gap the clock moves on, in an overlap the earlier instant counts
    /// (`java.time.ZonedDateTime.ofLocal`).
    pub fn to_instant(self, local: i64) -> i64 {
        let Zone::Region(_) = self else {
            let Zone::Fixed(seconds) = self else { return local };
            return local.saturating_sub(i64::from(seconds) * 1_000_000);
        };
        let before = i64::from(self.offset_at(local.saturating_sub(86_400_000_000))) * 1_000_000;
        let after = i64::from(self.offset_at(local.saturating_add(86_400_000_000))) * 1_000_000;
        let first = local - before;
        if self.to_local(first) == local {
            return first;
        }
        let second = local - after;
        if self.to_local(second) == local { second } else { first }
    }
}

fn parse_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = &text[1..];
    let (hours, minutes, seconds) = match digits.split(':').collect::<Vec<_>>()[..] {
        [h] if h.len() <= 2 => (h, "0", "0"),
        [h] if h.len() == 4 => (&h[..2], &h[2..], "0"),
        [h, m] => (h, m, "0"),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let (h, m, s): (i32, i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    let total = h * 3600 + m * 60 + s;
    (h <= 18 && m < 60 && s < 60 && total <= 18 * 3600).then_some(sign * total)
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
