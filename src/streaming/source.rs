//! Streaming sources: what is new, up to which offset, and the bytes in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use crate::error::{Exception, Result, SparkError};
use crate::exec::ipc;
use crate::plan::literal::interval_micros;
use crate::plan::scan::StreamSpec;
use crate::plan::types;

/// Bytes that a pushed or socket source holds before its producer is asked to wait.
pub const QUEUE_LIMIT_BYTES: usize = 32 << 20;

/// A file as the host lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct FileEntry {
    pub path: String,
    pub size: u64,
    /// ms since the epoch.
    pub modified: i64,
}

/// Files as the host has them: a directory tree natively, dropped files and handles in the browser.
pub trait Files {
    /// The files directly under a path; empty where there is none.
    ///
    /// # Errors
    /// Where the host cannot look.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>>;

    /// # Errors
    /// Where the file is gone or cannot be read.
    fn read(&self, path: &str) -> Result<Buffer>;

    /// Writes a whole file, and the folders above it.
    ///
    /// # Errors
    /// Where the host cannot write.
    fn write(&self, path: &str, _: &[u8]) -> Result<()> {
        Err(SparkError::unsupported(format!("writing {path} on this host")))
    }

    /// Removes a file or folder with all that is in it; one that is not there is no error.
    ///
    /// # Errors
    /// Where the host cannot remove.
    fn remove(&self, path: &str) -> Result<()> {
        Err(SparkError::unsupported(format!("removing {path} on this host")))
    }

    /// Whether there is a file or folder.
    fn exists(&self, path: &str) -> Result<bool> {
        Ok(!self.list(path)?.is_empty())
    }
}

/// A batch's share of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    pub blocks: Vec<Buffer>,
    /// Offsets as progress and the offset log show them.
    pub start: Value,
    pub end: Value,
}

/// One source of a running query.
#[derive(Debug)]
pub struct Source {
    /// The scan that reads it.
    pub scan: usize,
    pub description: String,
    kind: Kind,
    offset: Value,
}

#[derive(Debug)]
enum Kind {
    Files(FileSource),
    Rate(RateSource),
    /// Filled from outside: pushed by the page, received by a WebSocket, or added to a memory stream.
    Queue(QueueSource),
}

#[derive(Debug)]
struct FileSource {
    path: String,
    seen: BTreeSet<String>,
    /// Unread, oldest first.
    pending: VecDeque<FileEntry>,
    max_files: Option<usize>,
    latest_first: bool,
    read: i64,
}

#[derive(Debug)]
struct RateSource {
    rows_per_second: i64,
    started_ms: i64,
    ramp_up_s: i64,
    served_s: i64,
}

/// Records waiting for a batch.
#[derive(Debug, Default)]
pub struct QueueSource {
    blocks: VecDeque<Buffer>,
    bytes: usize,
    max_blocks: Option<usize>,
    taken: i64,
    pub ended: bool,
}

impl Source {
    /// # Errors
    /// Options that are no numbers, a missing path.
    pub fn open(scan: usize, spec: &StreamSpec, now_ms: i64) -> Result<Self> {
        let number = |key: &str| -> Result<Option<i64>> {
            let Some(text) = spec.options.get(key) else {
                return Ok(None);
            };
            text.parse().ok().filter(|n| *n > 0).map(Some).ok_or_else(|| {
                SparkError::new(
                    Exception::IllegalArgument,
                    "INVALID_OPTION_VALUE",
                    "22023",
                    format!("Invalid value '{text}' for option '{key}', must be a positive integer."),
                )
            })
        };
        let (kind, description) = match spec.format.as_str() {
            "rate" => {
                let rows_per_second = number("rowspersecond")?.unwrap_or(1);
                let ramp_up_s = spec
                    .options
                    .get("rampuptime")
                    .and_then(|t| interval_micros(t))
                    .map_or(0, |us| us / 1_000_000);
                let kind = Kind::Rate(RateSource {
                    rows_per_second,
                    started_ms: now_ms,
                    ramp_up_s,
                    served_s: 0,
                });
                (
                    kind,
                    format!("RateStreamV2[rowsPerSecond={rows_per_second}, rampUpTimeSeconds={ramp_up_s}]"),
                )
            }
            "json" | "csv" | "text" => {
                let path = spec.path.clone().unwrap_or_default();
                let max_files = number("maxfilespertrigger")?.map(|n| n as usize);
                let latest_first = spec
                    .options
                    .get("latestfirst")
                    .is_some_and(|v| v.eq_ignore_ascii_case("true"));
                let description = format!("FileStreamSource[{path}]");
                (
                    Kind::Files(FileSource {
                        path,
                        seen: BTreeSet::new(),
                        pending: VecDeque::new(),
                        max_files,
                        latest_first,
                        read: -1,
                    }),
                    description,
                )
            }
            name => {
                let max_blocks = number("maxblockspertrigger")?.map(|n| n as usize);
                let id = spec
                    .options
                    .get("sourceid")
                    .or(spec.options.get("url"))
                    .or(spec.path.as_ref())
                    .cloned()
                    .unwrap_or_default();
                (
                    Kind::Queue(QueueSource {
                        max_blocks,
                        ..QueueSource::default()
                    }),
                    format!("{name}[{id}]"),
                )
            }
        };
        Ok(Self {
            scan,
            description,
            kind,
            offset: Value::Null,
        })
    }

    /// The queue behind a source that is filled from outside.
    pub fn queue(&mut self) -> Option<&mut QueueSource> {
        if let Kind::Queue(queue) = &mut self.kind {
            Some(queue)
        } else {
            None
        }
    }

    /// Whether there will never be more: a producer that ended and whose records are all read.
    pub fn exhausted(&self) -> bool {
        matches!(&self.kind, Kind::Queue(q) if q.ended && q.blocks.is_empty())
    }

    /// Looks for files; other sources know by themselves.
    ///
    /// # Errors
    /// Where the host cannot list.
    pub fn discover(&mut self, files: &dyn Files) -> Result<()> {
        let Kind::Files(source) = &mut self.kind else {
            return Ok(());
        };
        let mut found: Vec<FileEntry> = files
            .list(&source.path)?
            .into_iter()
            .filter(|f| !source.seen.contains(&f.path))
            .collect();
        found.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        if source.latest_first {
            found.reverse();
        }
        for file in found {
            source.seen.insert(file.path.clone());
            source.pending.push_back(file);
        }
        Ok(())
    }

    /// Whether a batch would get anything now.
    pub fn has_data(&self, now_ms: i64) -> bool {
        match &self.kind {
            Kind::Files(source) => !source.pending.is_empty(),
            Kind::Rate(rate) => (now_ms - rate.started_ms) / 1000 > rate.served_s,
            Kind::Queue(queue) => !queue.blocks.is_empty(),
        }
    }

    /// Takes the next share: within the limits, or all of it.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn fetch(&mut self, now_ms: i64, all: bool, files: &dyn Files) -> Result<Fetched> {
        let start = self.offset.clone();
        let blocks = match &mut self.kind {
            Kind::Files(source) => {
                let count = source
                    .max_files
                    .filter(|_| !all)
                    .unwrap_or(usize::MAX)
                    .min(source.pending.len());
                let blocks = source
                    .pending
                    .iter()
                    .take(count)
                    .map(|f| files.read(&f.path))
                    .collect::<Result<Vec<_>>>()?;
                source.pending.drain(..count);
                if count > 0 {
                    source.read += 1;
                    self.offset = json!({ "logOffset": source.read });
                }
                blocks
            }
            Kind::Rate(rate) => {
                let until = (now_ms - rate.started_ms) / 1000;
                let block = rate.rows(rate.served_s, until)?;
                rate.served_s = until.max(rate.served_s);
                self.offset = json!(rate.served_s);
                vec![block]
            }
            Kind::Queue(queue) => {
                let count = queue
                    .max_blocks
                    .filter(|_| !all)
                    .unwrap_or(usize::MAX)
                    .min(queue.blocks.len());
                let blocks: Vec<Buffer> = queue.blocks.drain(..count).collect();
                queue.bytes -= blocks.iter().map(Buffer::len).sum::<usize>();
                queue.taken += count as i64;
                self.offset = json!(queue.taken);
                blocks
            }
        };
        Ok(Fetched {
            blocks,
            start,
            end: self.offset.clone(),
        })
    }

    /// The offset reached.
    pub fn offset(&self) -> &Value {
        &self.offset
    }
}

impl RateSource {
    /// Rows of the seconds [from, until): values count on, timestamps are spread evenly (`RateStreamProvider`).
    fn rows(&self, from: i64, until: i64) -> Result<Buffer> {
        let (first, last) = (self.value_at(from), self.value_at(until));
        let count = (last - first).max(0);
        let span_us = (until - from).max(0) * 1_000_000;
        let start_us = (self.started_ms + from * 1000) * 1000;
        let times: TimestampMicrosecondArray = (0..count)
            .map(|i| Some(start_us + span_us * i / count.max(1)))
            .collect();
        let values: Int64Array = (first..last).collect();
        let schema = Schema::new(vec![
            Field::new("timestamp", types::timestamp(), true),
            Field::new("value", DataType::Int64, true),
        ]);
        let batch = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![Arc::new(times.with_timezone(types::UTC)), Arc::new(values)],
        )?;
        Ok(Buffer::from(ipc::write(&schema, &[batch])?))
    }

    /// Rows made up to a second; the rate grows linearly during the ramp-up.
    fn value_at(&self, seconds: i64) -> i64 {
        let ramp = self.ramp_up_s;
        let delta = self.rows_per_second / (ramp + 1);
        if seconds <= ramp {
            (0..=seconds).map(|s| delta * s).sum::<i64>().max(0)
        } else {
            let ramped: i64 = (0..=ramp).map(|s| delta * s).sum();
            ramped + (seconds - ramp) * self.rows_per_second
        }
    }
}

impl QueueSource {
    pub fn push(&mut self, block: Buffer) {
        self.bytes += block.len();
        self.blocks.push_back(block);
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Deals a source's blocks out over the partitions of its scan; a single large text block is cut at line ends, so that
/// all executors share the parsing.
pub fn deal(blocks: Vec<Buffer>, lines: bool, scan: usize, partitions: usize) -> BTreeMap<(usize, usize), Vec<Buffer>> {
    const WORTH_CUTTING_BYTES: usize = 64 << 10;
    let mut pieces = Vec::new();
    let few = blocks.len() < partitions;
    for block in blocks {
        if lines && few && block.len() >= WORTH_CUTTING_BYTES {
            pieces.extend(cut(&block, partitions));
        } else {
            pieces.push(block);
        }
    }
    let mut dealt: BTreeMap<(usize, usize), Vec<Buffer>> = BTreeMap::new();
    for (i, piece) in pieces.into_iter().enumerate() {
        dealt.entry((scan, i % partitions.max(1))).or_default().push(piece);
    }
    dealt
}

fn cut(block: &Buffer, parts: usize) -> Vec<Buffer> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for part in 1..=parts {
        let target = block.len() * part / parts;
        let to = if part == parts {
            block.len()
        } else {
            block[target..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(block.len(), |i| target + i + 1)
        };
        if to > from {
            pieces.push(block.slice_with_length(from, to - from));
            from = to;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cut_at_line_ends_and_nothing_is_lost() {
        let text: String = (0..20_000).map(|i| format!("{{\"n\":{i}}}\n")).collect();
        let block = Buffer::from(text.clone().into_bytes());
        for parts in 1..5 {
            let dealt = deal(vec![block.clone()], true, 0, parts);
            assert_eq!(dealt.len(), parts);
            let joined: Vec<u8> = dealt.values().flatten().flat_map(|b| b.to_vec()).collect();
            assert_eq!(joined, text.as_bytes());
            assert!(dealt.values().flatten().all(|b| b.last() == Some(&b'\n')));
        }
    }

    #[test]
    fn the_rate_source_counts_on_and_ramps_up() {
        let rate = RateSource {
            rows_per_second: 10,
            started_ms: 0,
            ramp_up_s: 0,
            served_s: 0,
        };
        assert_eq!((rate.value_at(0), rate.value_at(1), rate.value_at(3)), (0, 10, 30));
    }
}
