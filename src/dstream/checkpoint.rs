//! What a context writes to continue after its driver is gone (`CheckpointWriter`, `ReceivedBlockTracker`).
//!
//! ```text
//!  DIRECTORY/received-STREAM-TIME     blocks of a batch, also if there are none, before it is processed
//!  DIRECTORY/note-0-TIME              what the page notes of inputs that it holds, before outputs see it
//!  DIRECTORY/state-STREAM-TIME/part-N a stream's states after a batch, partition by partition
//!  DIRECTORY/batches/TIME             how far the context has come: written when a batch is done, never written again
//! ```
//!
//! No name is written twice with other content, so a torn write harms what was to be written and nothing else.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use super::graph::StreamId;
use crate::error::{Exception, Result, SparkError};

/// Version of the form.
const VERSION: u32 = 2;

/// A state of a stream that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenState {
    /// The batch that it is of, ms since the epoch.
    pub time_ms: i64,
    /// How many partitions it has.
    pub partitions: usize,
}

/// How far a context has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Version of the form.
    pub version: u32,
    /// The batch interval, ms.
    pub batch_ms: i64,
    /// The time before the first batch, ms since the epoch.
    pub zero_ms: i64,
    /// The last batch whose outputs are done.
    pub completed_ms: i64,
    /// Batches before that whose outputs failed: they run again.
    #[serde(default)]
    pub failed: Vec<i64>,
    /// Kinds of the streams, in their order: only the same program continues from it.
    pub graph: Vec<String>,
    /// States that were written and may be needed, oldest first, by stream.
    pub states: BTreeMap<usize, Vec<WrittenState>>,
    /// What the page notes of inputs that it holds, by stream.
    pub notes: BTreeMap<usize, serde_json::Value>,
}

impl Metadata {
    /// Makes metadata of the present form.
    pub fn new(batch_ms: i64, zero_ms: i64, completed_ms: i64, graph: Vec<String>) -> Self {
        Self {
            version: VERSION,
            batch_ms,
            zero_ms,
            completed_ms,
            failed: vec![],
            graph,
            states: BTreeMap::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Returns it as bytes.
    ///
    /// # Errors
    /// If a note cannot be written as JSON.
    pub fn encode(&self) -> Result<Buffer> {
        let text = serde_json::to_vec(self).map_err(|e| SparkError::internal(e.to_string()))?;
        Ok(Buffer::from(text))
    }

    /// Reads it.
    ///
    /// # Errors
    /// `CANNOT_LOAD_STREAMING_CHECKPOINT` if the bytes are not metadata, or of another version.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<Self> {
        let unreadable = |why: String| {
            let message = format!("The checkpoint's {path} cannot be read: {why}");
            SparkError::new(Exception::Connect, "CANNOT_LOAD_STREAMING_CHECKPOINT", "58030", message).with("path", path)
        };
        let read: Self = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        if read.version != VERSION {
            return Err(unreadable(format!("it is of version {}, not {VERSION}", read.version)));
        }
        Ok(read)
    }

    /// Checks that it is of the program that continues.
    ///
    /// # Errors
    /// `STREAMING_CHECKPOINT_MISMATCH`, with both programs.
    pub fn check(&self, batch_ms: i64, graph: &[String]) -> Result<()> {
        if self.batch_ms == batch_ms && self.graph == graph {
            return Ok(());
        }
        let message = format!(
            "The checkpoint is of another program: it has a batch interval of {} ms and the streams {}; this one has {batch_ms} ms \
             and {}",
            self.batch_ms,
            self.graph.join(", "),
            graph.join(", ")
        );
        Err(SparkError::new(
            Exception::Connect,
            "STREAMING_CHECKPOINT_MISMATCH",
            "42K03",
            message,
        ))
    }
}

/// A name in a checkpoint directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Blocks of a batch.
    Received(StreamId, i64),
    /// States after a batch.
    State(StreamId, i64),
    /// What the page notes of inputs in a batch.
    Note(i64),
}

impl Name {
    /// Reads a name; `None` for one that is no context's.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (what, stream, time) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        match what {
            "received" => Some(Self::Received(StreamId(stream), time)),
            "state" => Some(Self::State(StreamId(stream), time)),
            "note" => Some(Self::Note(time)),
            _ => None,
        }
    }

    /// Returns the path below a directory.
    pub fn path(self, directory: &str) -> String {
        match self {
            Self::Received(stream, time) => format!("{directory}/received-{}-{time}", stream.0),
            Self::State(stream, time) => format!("{directory}/state-{}-{time}", stream.0),
            Self::Note(time) => format!("{directory}/note-0-{time}"),
        }
    }
}

/// Returns the path of the record that a batch is done. With batches that failed before, a later record of the same time has
/// a smaller number of them.
pub fn batch_path(directory: &str, completed_ms: i64, failed: usize) -> String {
    format!("{directory}/batches/{completed_ms}-{failed}")
}

/// Returns what orders the names of records, the newest last.
pub fn batch_order(name: &str) -> (i64, std::cmp::Reverse<usize>) {
    let (time, failed) = name.split_once('-').unwrap_or((name, "0"));
    let time = time.parse().unwrap_or(i64::MIN);
    (time, std::cmp::Reverse(failed.parse().unwrap_or(usize::MAX)))
}

/// Returns the records that another life will not read: all but the newest two, of which the last may be torn.
pub fn old_batches(names: &[String]) -> impl Iterator<Item = &String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_by_key(|name| batch_order(name));
    let old = names.len().saturating_sub(2);
    names.into_iter().take(old)
}

/// Returns blocks as one file: each after its length.
pub fn join(blocks: &[Buffer]) -> Buffer {
    let mut out = Vec::with_capacity(blocks.iter().map(|b| b.len() + 4).sum());
    for block in blocks {
        out.extend_from_slice(&(block.len() as u32).to_le_bytes());
        out.extend_from_slice(block);
    }
    Buffer::from(out)
}

/// Returns the blocks of a file.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if it ends in the middle of one.
pub fn split(path: &str, file: &Buffer) -> Result<Vec<Buffer>> {
    let corrupt = || {
        let message = format!("{path} ends in the middle of a block");
        SparkError::new(Exception::Runtime, "CHECKPOINT_CORRUPT", "58030", message).with("path", path)
    };
    let (mut at, mut out) = (0, vec![]);
    while at < file.len() {
        let length = file.get(at..at + 4).and_then(|b| b.first_chunk()).ok_or_else(corrupt)?;
        let length = u32::from_le_bytes(*length) as usize;
        at += 4;
        if file.len() - at < length {
            return Err(corrupt());
        }
        out.push(file.slice_with_length(at, length));
        at += length;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_from_their_file_and_a_cut_file_is_found_out() {
        let blocks: Vec<Buffer> = [&b"one"[..], b"", b"three"].map(Buffer::from).to_vec();
        let file = join(&blocks);
        assert_eq!(split("f", &file).unwrap(), blocks);
        assert!(split("f", &Buffer::from(b"".as_slice())).unwrap().is_empty());
        for length in 1..file.len() {
            let cut = file.slice_with_length(0, length);
            let whole = [4 + 3, 4 + 3 + 4].contains(&length);
            assert_eq!(split("f", &cut).is_ok(), whole, "{length}");
        }
    }

    #[test]
    fn the_newest_record_is_the_one_with_the_latest_batch_and_the_fewest_that_failed() {
        let mut names: Vec<String> = ["900-0", "1000-2", "1000-1", "90-0"].map(str::to_owned).to_vec();
        names.sort_by_key(|name| batch_order(name));
        assert_eq!(names, ["90-0", "900-0", "1000-2", "1000-1"]);
        assert_eq!(old_batches(&names).collect::<Vec<_>>(), ["90-0", "900-0"]);
        assert_eq!(batch_path("/c", 1_000, 1), "/c/batches/1000-1");
    }

    #[test]
    fn names_are_read_as_written_and_others_are_nobodys() {
        for name in [
            Name::Received(StreamId(3), 1_700),
            Name::State(StreamId(0), 5),
            Name::Note(9),
        ] {
            let path = name.path("/c");
            assert_eq!(Name::parse(path.trim_start_matches("/c/")), Some(name));
        }
        for other in ["batches", "received-1", "received-x-1", "state-1-y", "offsets-1-2"] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn metadata_of_another_version_or_form_is_refused() {
        let metadata = Metadata::new(100, 0, 300, vec!["queue".into()]);
        let bytes = metadata.encode().unwrap();
        assert_eq!(Metadata::decode("m", &bytes).unwrap(), metadata);
        let older = String::from_utf8(bytes.to_vec())
            .unwrap()
            .replace("\"version\":2", "\"version\":1");
        for wrong in [older.as_bytes(), b"{}", b"not json"] {
            let error = Metadata::decode("m", wrong).unwrap_err();
            assert_eq!(error.condition.as_deref(), Some("CANNOT_LOAD_STREAMING_CHECKPOINT"));
        }
    }
}
