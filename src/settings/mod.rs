//! What `spark.*` keys mean: [`Conf`] holds what clients set, [`table`] what each key is.
//!
//! Every room reads settings through a constant of the table, never by a string of its own. A value is
//! checked when it is set ([`Setting::check`]), so that readers meet values that parse; the checks in
//! their `# Errors` are for configurations that came from elsewhere.

pub mod table;

use std::collections::BTreeMap;

use crate::error::{Exception, Result, SparkError};

pub use table::*;

/// The Spark release whose behaviour Rivulet follows; clients that ask for the version receive it.
pub const SPARK_VERSION: &str = "4.3.0";

/// Settings as the client set them; lookups fall back to the defaults of the [`table`].
///
/// ```
/// use rivulet::settings::{self, Conf};
///
/// let mut conf = Conf::default();
/// assert!(conf.flag(&settings::ANSI));
/// conf.values.insert(settings::STATE_MEMORY.key.into(), "64k".into());
/// assert_eq!(conf.bytes(&settings::STATE_MEMORY)?, 65_536);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conf {
    /// By key; keys that the table lacks are kept for clients that ask.
    pub values: BTreeMap<String, String>,
}

impl Conf {
    /// Returns the value of a key, set or default; `None` if it is not set and has no default.
    pub fn get(&self, key: &str) -> Option<&str> {
        let own = self.values.get(key).map(String::as_str);
        own.or_else(|| table::find(key)?.default)
    }

    /// Returns all keys that are set or have a default, with their values (`SET`).
    pub fn all(&self) -> BTreeMap<String, String> {
        let defaults = SETTINGS.iter().filter_map(|s| Some((s.key.into(), s.default?.into())));
        let mut all: BTreeMap<String, String> = defaults.collect();
        all.extend(self.values.clone());
        all
    }

    /// Returns the text of a setting; `None` if it is not set and has no default.
    ///
    /// Nothing is trimmed.
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        self.get(setting.key)
    }

    /// Returns a flag; false if it is not set and has no default.
    pub fn flag(&self, setting: &Setting) -> bool {
        self.text(setting)
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    /// Returns whether a setting is the given word, in any case; false if it is not set.
    pub fn is(&self, setting: &Setting, word: &str) -> bool {
        self.text(setting).is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    /// Returns a count; `None` if it is not set and has no default, or is set to something else, which no client can.
    pub fn count(&self, setting: &Setting) -> Option<usize> {
        self.text(setting)?.trim().parse().ok().filter(|n| *n > 0)
    }

    /// Returns a number from 0 on, never NaN or infinite.
    ///
    /// # Errors
    /// If it does not parse, `INVALID_CONF_VALUE.TYPE_MISMATCH`, which names the setting.
    pub fn number(&self, setting: &Setting) -> Result<f64> {
        let text = self.text(setting).unwrap_or_default();
        number(text).ok_or_else(|| setting.mismatch(text))
    }

    /// Returns a size in bytes; the units `k`, `m`, `g` and `t` are powers of 1024, with or without a `b`.
    ///
    /// # Errors
    /// If it does not parse, as [`Conf::number`].
    pub fn bytes(&self, setting: &Setting) -> Result<u64> {
        let text = self.text(setting).unwrap_or_default();
        bytes(text).ok_or_else(|| setting.mismatch(text))
    }

    /// Returns a duration in ms; the units are `ms`, `s`, `m` or `min`, `h` and `d`.
    ///
    /// # Errors
    /// If it does not parse, as [`Conf::number`].
    pub fn millis(&self, setting: &Setting) -> Result<i64> {
        let text = self.text(setting).unwrap_or_default();
        millis(text).ok_or_else(|| setting.mismatch(text))
    }

    /// Returns whether invalid operations are errors (`spark.sql.ansi.enabled`).
    pub fn ansi(&self) -> bool {
        self.flag(&ANSI)
    }

    /// Returns whether names that differ in case only are different (`spark.sql.caseSensitive`).
    pub fn case_sensitive(&self) -> bool {
        self.flag(&CASE_SENSITIVE)
    }

    /// Returns into how many partitions rows are dealt by key, 1 to 10,000; without the setting, one per slot
    /// (a tab has no 200 cores to fill).
    pub fn shuffle_partitions(&self) -> usize {
        let set = self.count(&SHUFFLE_PARTITIONS);
        set.unwrap_or_else(|| self.parallelism()).clamp(1, 10_000)
    }

    /// Returns into how many slices a source without partitions of its own is cut, 1 to 10,000.
    pub fn parallelism(&self) -> usize {
        self.count(&PARALLELISM).unwrap_or(2).clamp(1, 10_000)
    }
}

/// Reads a number from 0 on.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| *n >= 0.0 && n.is_finite())
}

/// Returns the digits that a string begins with, and its unit in lower case.
fn with_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit.trim().to_owned()))
}

/// Reads a size in bytes.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = with_unit(text)?;
    let shift = match unit.trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// Reads a duration in ms.
fn millis(text: &str) -> Option<i64> {
    let (number, unit) = with_unit(text)?;
    let factor = match unit.as_str() {
        "" | "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    i64::try_from(number).ok()?.checked_mul(factor)
}

impl Setting {
    /// Checks a value before it is set. The name of a time zone is not checked here: that takes the zones'
    /// table, which is in a room above.
    ///
    /// ```
    /// use rivulet::settings::SHUFFLE_PARTITIONS;
    ///
    /// SHUFFLE_PARTITIONS.check("8")?;
    /// let error = SHUFFLE_PARTITIONS.check("eight").unwrap_err();
    /// assert_eq!(error.condition.as_deref(), Some("INVALID_CONF_VALUE.TYPE_MISMATCH"));
    /// # Ok::<(), rivulet::error::SparkError>(())
    /// ```
    ///
    /// # Errors
    /// If the value is not of the setting's kind, `INVALID_CONF_VALUE` with Spark's sub-condition for what
    /// is wrong.
    pub fn check(&self, text: &str) -> Result<()> {
        let whole = |text: &str| text.trim().parse::<i64>().ok();
        match self.kind {
            Kind::Text | Kind::Zone => Ok(()),
            Kind::Flag if matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "false") => Ok(()),
            Kind::Count if whole(text).is_some_and(|n| n > 0) => Ok(()),
            Kind::Count if whole(text).is_some() => Err(self.invalid(
                "REQUIREMENT",
                text,
                &format!("The value of {} must be positive", self.key),
            )),
            Kind::Number if number(text).is_some() => Ok(()),
            Kind::Bytes if bytes(text).is_some() => Ok(()),
            Kind::Millis if millis(text).is_some() => Ok(()),
            Kind::OneOf(words) if words.iter().any(|w| w.eq_ignore_ascii_case(text)) => Ok(()),
            Kind::OneOf(words) => Err(self.invalid(
                "OUT_OF_RANGE_OF_OPTIONS",
                text,
                &format!("It should be one of '{}'.", words.join(", ")),
            )),
            _ => Err(self.mismatch(text)),
        }
    }

    /// Makes the error of a value of the wrong kind, which says what is wanted.
    fn mismatch(&self, text: &str) -> SparkError {
        let wanted = match self.kind {
            Kind::Flag => "'boolean' value",
            Kind::Count => "'int' value",
            Kind::Number => "'double' value, not negative",
            Kind::Bytes => "'bytes' value, such as 512m",
            Kind::Millis => "'ms' value, such as 100 or 10s",
            Kind::Text | Kind::Zone | Kind::OneOf(_) => "'string' value",
        };
        self.invalid("TYPE_MISMATCH", text, &format!("It should be a/an {wanted}."))
            .with("confType", wanted)
    }

    /// Makes `INVALID_CONF_VALUE.<sub>`, which names the key and the value.
    fn invalid(&self, sub: &str, text: &str, why: &str) -> SparkError {
        let (key, condition) = (self.key, format!("INVALID_CONF_VALUE.{sub}"));
        let sentence = format!("The value '{text}' in the config \"{key}\" is invalid. {why}");
        SparkError::new(Exception::IllegalArgument, &condition, "22022", sentence)
            .with("confName", key)
            .with("confValue", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_take_sparks_units() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("64k", Some(65_536)),
            ("1 GB", Some(1 << 30)),
            ("2q", None),
            ("-1", None),
        ] {
            assert_eq!(bytes(text), wanted, "{text}");
        }
        for (text, wanted) in [
            ("100", Some(100)),
            ("10s", Some(10_000)),
            ("2min", Some(120_000)),
            ("s", None),
        ] {
            assert_eq!(millis(text), wanted, "{text}");
        }
    }

    /// The conditions are Spark 4.3's.
    #[test]
    fn a_value_that_cannot_be_is_refused_with_sparks_condition() {
        for (setting, text, sub) in [
            (&SHUFFLE_PARTITIONS, "abc", "TYPE_MISMATCH"),
            (&SHUFFLE_PARTITIONS, "-3", "REQUIREMENT"),
            (&ANSI, "maybe", "TYPE_MISMATCH"),
            (&BATCHES_TO_RETAIN, "0", "REQUIREMENT"),
            (&MAP_KEY_DEDUP, "x", "OUT_OF_RANGE_OF_OPTIONS"),
        ] {
            let error = setting.check(text).unwrap_err();
            assert_eq!(error.condition, Some(format!("INVALID_CONF_VALUE.{sub}")), "{text}");
        }
        assert_eq!(CASE_SENSITIVE.check("TRUE"), Ok(()));
    }
}
