//! Logs of files: what a file source has seen (`FileStreamSourceLog`), what a file sink has written
//! (`FileStreamSinkLog`).
//!
//! Entry `id` is text: the version `v1`, then one JSON object per line. Every tenth entry, `id.compact`, holds the
//! lines of all before it too (`CompactibleFileStreamLog`), so that a reader needs the last compact one and those after
//! it:
//!
//! ```text
//! 7   8   9.compact   10   11            9.compact has the lines of 0 … 9
//!         └───────── read ─────┘
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::facts::{Facts, Known};
use crate::error::Result;
use crate::storage::corrupt;

/// Entries from one compaction to the next (`spark.sql.streaming.fileSource.log.compactInterval`).
pub const COMPACT_INTERVAL: i64 = 10;

/// The first line of every entry.
const VERSION: &str = "v1";

/// Returns whether an entry holds the lines of all before it.
pub fn is_compact(id: i64) -> bool {
    (id + 1) % COMPACT_INTERVAL == 0
}

/// Returns an entry's file name.
///
/// ```
/// use rivulet::storage::file_log::name;
///
/// assert_eq!((name(8), name(9)), ("8".to_owned(), "9.compact".to_owned()));
/// ```
pub fn name(id: i64) -> String {
    if is_compact(id) {
        format!("{id}.compact")
    } else {
        id.to_string()
    }
}

/// Returns the entry of a file name; `None` for other files.
fn id_of(name: &str) -> Option<i64> {
    let id = name.strip_suffix(".compact").unwrap_or(name).parse().ok()?;
    (self::name(id) == name).then_some(id)
}

/// Returns the content of an entry.
pub fn text(lines: impl IntoIterator<Item = Value>) -> String {
    let mut text = VERSION.to_owned();
    for line in lines {
        text.push('\n');
        text.push_str(&line.to_string());
    }
    text
}

/// Reads the lines of an entry.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if the bytes are not such an entry.
pub fn parse(path: &str, bytes: &[u8]) -> Result<Vec<Value>> {
    let bad = || corrupt(path, &format!("{path} is not a log of files of version {VERSION}"));
    let mut lines = std::str::from_utf8(bytes).map_err(|_| bad())?.lines();
    if lines.next() != Some(VERSION) {
        return Err(bad());
    }
    lines
        .map(|line| serde_json::from_str(line).ok().filter(Value::is_object).ok_or_else(bad))
        .collect()
}

/// Reads a log: its lines by entry, those of a compact one under its own number. `needed` is the last entry that must
/// be whole; a damaged one after it was being written when its writer died, and counts as absent.
///
/// # Errors
/// Pauses until the entries are read. `CHECKPOINT_CORRUPT` for gaps and damaged entries, by name.
pub fn read(facts: &Facts, folder: &str, needed: i64) -> Known<BTreeMap<i64, Vec<Value>>> {
    let mut ids: Vec<i64> = facts.list(folder)?.iter().filter_map(|n| id_of(n)).collect();
    ids.sort_unstable();
    if let Some(from) = ids.iter().rposition(|id| is_compact(*id) && *id <= needed) {
        ids.drain(..from);
    }
    let paths: Vec<String> = ids.iter().map(|id| format!("{folder}/{}", name(*id))).collect();
    facts.want_all(&paths)?;
    let mut entries = BTreeMap::new();
    for (id, path) in ids.iter().zip(&paths) {
        let bytes = if *id > needed {
            facts.read_if_whole(path)?
        } else {
            facts.read(path)?
        };
        let Some(bytes) = bytes else { break };
        let expected = entries.last_key_value().map(|(last, _)| last + 1);
        let begins = expected.unwrap_or(if is_compact(*id) { *id } else { 0 });
        if *id != begins {
            let missing = format!("{folder}/{}", name(begins));
            return Err(corrupt(&missing, &format!("{missing} is missing")).into());
        }
        let lines = parse(path, bytes)?;
        // One that was written last has the lines of those before it: both would be there twice.
        if is_compact(*id) {
            entries.clear();
        }
        entries.insert(*id, lines);
    }
    let last = entries.last_key_value().map_or(-1, |(id, _)| *id);
    if last < needed {
        let missing = format!("{folder}/{}", name(last + 1));
        return Err(corrupt(&missing, &format!("{missing} is missing")).into());
    }
    Ok(entries)
}

/// Reads all of a log whose last entry may have been cut off by its writer's end.
///
/// # Errors
/// As [`read`].
pub fn read_all(facts: &Facts, folder: &str) -> Known<BTreeMap<i64, Vec<Value>>> {
    let last = facts.list(folder)?.iter().filter_map(|n| id_of(n)).max();
    read(facts, folder, last.map_or(-1, |id| id - 1))
}

/// A file that a source has seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The file, as the source read it.
    pub path: String,
    /// When it was changed last, ms since the epoch.
    pub modified: i64,
    /// The entry of the log that brought it.
    pub entry: i64,
}

impl Seen {
    /// Returns the file's line in a log, with Spark's fields.
    pub fn line(&self) -> Value {
        json!({ "path": to_url(&self.path), "timestamp": self.modified, "batchId": self.entry })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if a field is missing.
    pub fn parse(log: &str, line: &Value) -> Result<Self> {
        let (path, modified, entry) = (&line["path"], &line["timestamp"], &line["batchId"]);
        match (path.as_str(), modified.as_i64(), entry.as_i64()) {
            (Some(path), Some(modified), Some(entry)) => Ok(Self {
                path: from_url(path),
                modified,
                entry,
            }),
            _ => Err(corrupt(log, &format!("{log} has the line {line}"))),
        }
    }
}

/// A file that a sink has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was written, ms since the epoch.
    pub modified: i64,
}

impl Written {
    /// Returns the file's line in a log, with Spark's fields (`SinkFileStatus`).
    pub fn line(&self) -> Value {
        json!({
            "path": to_url(&self.path), "size": self.bytes, "isDir": false, "modificationTime": self.modified,
            "blockReplication": 1, "blockSize": 33_554_432, "action": "add",
        })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if a field is missing.
    pub fn parse(log: &str, line: &Value) -> Result<Self> {
        match (
            line["path"].as_str(),
            line["size"].as_u64(),
            line["modificationTime"].as_i64(),
        ) {
            (Some(path), Some(bytes), Some(modified)) => Ok(Self {
                path: from_url(path),
                bytes,
                modified,
            }),
            _ => Err(corrupt(log, &format!("{log} has the line {line}"))),
        }
    }
}

/// Returns a path as Spark's logs have it: an absolute one becomes a `file:` URL, and what a URL cannot hold is
/// escaped.
fn to_url(path: &str) -> String {
    let mut url = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:@!$&'()*+,;=".contains(&byte) {
            url.push(byte as char);
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Returns the path of a URL in a log; an escape that is not valid stays as it is.
fn from_url(url: &str) -> String {
    let path = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:"));
    let path = path.unwrap_or(url).as_bytes();
    let mut bytes = Vec::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        let escaped = path.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if path[at] == b'%' => {
                bytes.push(byte);
                at += 3;
            }
            _ => {
                bytes.push(path[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::super::facts::decide_over;
    use super::*;
    use crate::storage::memory::Memory;

    #[test]
    fn paths_survive_their_way_through_a_url() {
        for path in [
            "/tmp/in/f1.json",
            "/tmp/with space/100%/ü?#.json",
            "dropped/file.csv",
            "opfs:///out/part-0",
        ] {
            assert_eq!(from_url(&to_url(path)), path);
        }
        assert_eq!(to_url("/tmp/a b"), "file:///tmp/a%20b");
    }

    fn log(ids: impl IntoIterator<Item = i64>) -> Memory {
        let mut disk = Memory::default();
        for id in ids {
            let first = if is_compact(id) { 0 } else { id };
            let lines = (first..=id).map(|entry| {
                let path = format!("/in/{entry}");
                Seen {
                    path,
                    modified: 5,
                    entry,
                }
                .line()
            });
            disk.files
                .insert(format!("/log/{}", name(id)), Buffer::from(text(lines).into_bytes()));
        }
        disk
    }

    fn seen(disk: &mut Memory, needed: i64) -> Result<Vec<i64>> {
        let entries = decide_over(disk, |facts| read(facts, "/log", needed))?;
        let lines = entries
            .values()
            .flatten()
            .map(|line| Seen::parse("/log", line).map(|s| s.entry));
        lines.collect()
    }

    #[test]
    fn a_log_is_read_from_its_last_compact_entry_on() {
        assert_eq!(seen(&mut log(0..4), 3).unwrap(), [0, 1, 2, 3]);
        assert_eq!(seen(&mut log(0..25), 24).unwrap(), (0..25).collect::<Vec<_>>());
        // One that nobody needs yet holds what is before it, too.
        assert_eq!(seen(&mut log(0..10), 8).unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(seen(&mut log(9..20), 18).unwrap(), (0..20).collect::<Vec<_>>());
        // What a compact entry holds may be deleted.
        assert_eq!(seen(&mut log(19..25), 24).unwrap(), (0..25).collect::<Vec<_>>());
        assert_eq!(seen(&mut log([]), -1).unwrap(), [0; 0]);
    }

    #[test]
    fn a_gap_is_named_and_an_entry_that_nobody_needs_may_be_damaged() {
        let mut holed = log(0..6);
        holed.files.remove("/log/3");
        assert!(seen(&mut holed, 5).unwrap_err().message.contains("/log/3 is missing"));
        assert!(
            seen(&mut log(0..6), 8)
                .unwrap_err()
                .message
                .contains("/log/6 is missing")
        );
        let bad = parse("/log/2", b"v1\n{\"path\":").unwrap_err();
        assert_eq!(bad.parameters["path"], "/log/2");
    }
}
