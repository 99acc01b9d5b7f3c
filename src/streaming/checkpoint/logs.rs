//! The content of `metadata`, `offsets/N` and `commits/N` (`StreamMetadata`, `OffsetSeqLog`, `CommitLog`).
//!
//! Spark's form, version `v1`: readers of either side read the other's. What Rivulet adds stands under the key
//! `rivulet`, which Spark ignores.
//!
//! ```text
//! offsets/3    v1
//!              {"batchWatermarkMs":…,"batchTimestampMs":…,"conf":{…}}
//!              {"logOffset":3}      one line per source, - if it has nothing yet
//! commits/3    v1
//!              {"nextBatchWatermarkMs":…}
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{Result, SparkError};
use crate::storage::corrupt;

/// The first line of every entry.
const VERSION: &str = "v1";

/// The file `metadata`: which query a checkpoint is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The query's id, which a restart keeps.
    pub id: String,
    /// Formats of the sources in their order; `None` if Spark wrote the file.
    pub sources: Option<Vec<String>>,
}

/// An entry of the offset log: what a batch takes.
///
/// ```
/// use rivulet::streaming::checkpoint::logs::Offsets;
///
/// let text = "v1\n{\"batchWatermarkMs\":5,\"batchTimestampMs\":9,\"conf\":{}}\n{\"logOffset\":3}\n-";
/// let offsets = Offsets::parse("offsets/3", text.as_bytes())?;
/// assert_eq!((offsets.watermark_ms, offsets.ends.len()), (5, 2));
/// assert_eq!(Offsets::parse("offsets/3", offsets.text().as_bytes())?, offsets);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Offsets {
    /// The watermark that the batch evicts by, ms since the epoch.
    pub watermark_ms: i64,
    /// The batch's own time, ms since the epoch: what `current_timestamp()` returns in it, also when it runs again.
    pub timestamp_ms: i64,
    /// Settings that a restart keeps, whatever the session says then.
    pub conf: BTreeMap<String, String>,
    /// Where each source's share ends; null if the source has none yet.
    pub ends: Vec<Value>,
}

/// An entry of the commit log: that a batch is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The watermark of the batch after it, ms since the epoch.
    pub next_watermark_ms: i64,
    /// How far each `withWatermark` has come, ms; `None` if it has seen nothing, or Spark wrote the entry.
    pub seen_ms: Option<Vec<Option<i64>>>,
}

/// Returns a file's content as a string.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if it is not UTF-8.
fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| corrupt(path, &format!("{path} is not text")))
}

/// Returns the lines after the version.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if the version is missing or another one.
fn lines<'a>(path: &str, bytes: &'a [u8]) -> Result<std::str::Lines<'a>> {
    let mut lines = text(path, bytes)?.lines();
    match lines.next() {
        Some(VERSION) => Ok(lines),
        Some(version) if version.starts_with('v') => Err(corrupt(
            path,
            &format!("{path} has version {version}, and only {VERSION} is known"),
        )),
        _ => Err(corrupt(path, &format!("{path} does not begin with a version"))),
    }
}

/// Reads a line as a JSON object.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if it is missing or anything else.
fn object(path: &str, line: Option<&str>) -> Result<Value> {
    line.and_then(|l| serde_json::from_str(l).ok())
        .filter(Value::is_object)
        .ok_or_else(|| corrupt(path, &format!("{path} holds no JSON object where one must be")))
}

/// Reads a number of an object.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if it is missing or not a whole number.
fn number(path: &str, value: &Value, key: &str) -> Result<i64> {
    value[key]
        .as_i64()
        .ok_or_else(|| corrupt(path, &format!("{path} has no number {key}")))
}

impl Metadata {
    /// Returns the file's content: one JSON object without a version, as Spark writes it.
    pub fn text(&self) -> String {
        let mut value = json!({ "id": self.id });
        if let Some(sources) = &self.sources {
            value["rivulet"] = json!({ "version": 1, "sources": sources });
        }
        value.to_string()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if the bytes are not such a file.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let value = object(path, Some(text(path, bytes)?))?;
        let id = value["id"]
            .as_str()
            .ok_or_else(|| corrupt(path, &format!("{path} has no query id")))?;
        let sources = value["rivulet"]["sources"].as_array().map(|formats| {
            let formats = formats.iter().map(|f| f.as_str().unwrap_or_default().to_owned());
            formats.collect()
        });
        Ok(Self {
            id: id.to_owned(),
            sources,
        })
    }
}

impl Offsets {
    /// Returns the entry's content.
    pub fn text(&self) -> String {
        let metadata = json!({
            "batchWatermarkMs": self.watermark_ms, "batchTimestampMs": self.timestamp_ms, "conf": self.conf,
        });
        let mut lines = vec![VERSION.to_owned(), metadata.to_string()];
        let line = |end: &Value| if end.is_null() { "-".into() } else { end.to_string() };
        lines.extend(self.ends.iter().map(line));
        lines.join("\n")
    }

    /// Reads an entry; settings that are not strings are left out.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if the bytes are not such an entry.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let mut lines = lines(path, bytes)?;
        let metadata = object(path, lines.next())?;
        let conf = metadata["conf"].as_object().into_iter().flatten();
        let ends = lines.map(|line| match line {
            "-" => Ok(Value::Null),
            _ => serde_json::from_str(line).map_err(|_| corrupt(path, &format!("{path} has the offset {line}"))),
        });
        Ok(Self {
            watermark_ms: number(path, &metadata, "batchWatermarkMs")?,
            timestamp_ms: number(path, &metadata, "batchTimestampMs")?,
            conf: conf
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
            ends: ends.collect::<Result<_, SparkError>>()?,
        })
    }
}

impl Commit {
    /// Returns the entry's content. How far single watermarks have come is written only if there are several.
    pub fn text(&self) -> String {
        let mut value = json!({ "nextBatchWatermarkMs": self.next_watermark_ms });
        if let Some(seen) = self.seen_ms.as_ref().filter(|s| s.len() > 1) {
            value["rivulet"] = json!({ "watermarksMs": seen });
        }
        format!("{VERSION}\n{value}")
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if the bytes are not such an entry.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let mut lines = lines(path, bytes)?;
        let value = object(path, lines.next())?;
        let seen = value["rivulet"]["watermarksMs"].as_array();
        Ok(Self {
            next_watermark_ms: number(path, &value, "nextBatchWatermarkMs")?,
            seen_ms: seen.map(|s| s.iter().map(Value::as_i64).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Spark's OffsetSeqLogSuite has it on disk.
    const SPARK_OFFSETS: &str = "v1\n{\"batchWatermarkMs\":12,\"batchTimestampMs\":1480981499528,\"conf\":{\"spark.sql.shuffle.partitions\":\"10\"}}\n{\"logOffset\":345}\n-";

    #[test]
    fn offsets_are_read_as_spark_writes_them_and_written_as_spark_reads_them() {
        let offsets = Offsets::parse("offsets/0", SPARK_OFFSETS.as_bytes()).unwrap();
        assert_eq!((offsets.watermark_ms, offsets.timestamp_ms), (12, 1_480_981_499_528));
        assert_eq!(offsets.conf["spark.sql.shuffle.partitions"], "10");
        assert_eq!(offsets.ends, [json!({ "logOffset": 345 }), Value::Null]);
        assert_eq!(offsets.text(), SPARK_OFFSETS);
    }

    #[test]
    fn a_log_entry_that_lacks_its_end_is_named_and_refused() {
        let text = "v1\n{\"batchWatermarkMs\":12,\"batchTimestampMs\":1,\"conf\":{}}\n{\"logOffset\":3}";
        let without_source = text.rfind('\n').unwrap();
        for length in 0..text.len() {
            let part = Offsets::parse("/c/offsets/7", &text.as_bytes()[..length]);
            // Cut between two lines it is an entry with fewer sources: counted where the query is known.
            if length == without_source || length == without_source + 1 {
                assert_eq!(part.unwrap().ends.len(), 0);
                continue;
            }
            let error = part.unwrap_err();
            assert_eq!(error.condition.as_deref(), Some("CHECKPOINT_CORRUPT"));
            assert!(error.message.contains("/c/offsets/7"), "{error}");
        }
        let newer = Commit::parse("/c/commits/1", b"v2\n{}").unwrap_err();
        assert!(newer.message.contains("version v2"), "{newer}");
    }

    #[test]
    fn commits_and_metadata_come_back_and_sparks_own_are_read() {
        let commit = Commit {
            next_watermark_ms: 9,
            seen_ms: Some(vec![Some(12), None]),
        };
        assert_eq!(Commit::parse("c", commit.text().as_bytes()).unwrap(), commit);
        let spark = Commit::parse("c", b"v1\n{\"nextBatchWatermarkMs\":5}").unwrap();
        assert_eq!((spark.next_watermark_ms, spark.seen_ms), (5, None));
        let metadata = Metadata {
            id: "an-id".into(),
            sources: Some(vec!["json".into(), "rate".into()]),
        };
        assert_eq!(Metadata::parse("m", metadata.text().as_bytes()).unwrap(), metadata);
        let spark = Metadata::parse("m", b"{\"id\":\"8e4c\"}").unwrap();
        assert_eq!((spark.id.as_str(), spark.sources), ("8e4c", None));
    }
}
