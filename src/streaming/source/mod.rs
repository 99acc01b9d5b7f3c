//! Streaming sources: what is new, up to which offset, and the bytes in between.
//!
//! A source is asked in Spark's order: [`Source::plan`] says where the next batch ends, [`Source::read`] gives the bytes
//! between two offsets, [`Source::committed`] lets it forget. Between them the query makes the offsets durable. What a
//! source must remember over a restart it asks to have written; [`Source::restore`] gives it back.

mod deal;
pub mod files;
mod queue;
mod rate;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use self::files::FileSource;
use self::rate::RateSource;
use super::checkpoint::resume::{Memory, SourceFacts, SourceKind};
use crate::error::{Exception, Result, SparkError};
use crate::ids::ScanId;
use crate::plan::scan::StreamSpec;
use crate::storage::Request;
use crate::values::interval::interval_micros;

pub use deal::deal;
pub use queue::QueueSource;

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

/// A batch's share of a source, by offsets as progress and the offset log show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub start: Value,
    pub end: Value,
    /// What must be durable before the offsets are.
    pub log: Option<Request>,
}

/// One source of a running query.
#[derive(Debug)]
pub struct Source {
    /// The scan that reads it.
    pub scan: ScanId,
    pub description: String,
    format: String,
    kind: Kind,
    /// Where the last planned batch ends.
    offset: Value,
}

#[derive(Debug)]
enum Kind {
    Files(FileSource),
    Rate(RateSource),
    /// Filled from outside: pushed by the page, received by a WebSocket, or added to a memory stream.
    Queue(QueueSource),
}

/// The number of the last entry that an offset of files covers.
fn entry_of(offset: &Value) -> i64 {
    offset["logOffset"].as_i64().unwrap_or(-1)
}

fn count_of(offset: &Value) -> i64 {
    offset.as_i64().unwrap_or(0)
}

impl Source {
    /// # Errors
    /// Options that are no numbers, a missing path.
    pub fn open(scan: ScanId, spec: &StreamSpec, now_ms: i64) -> Result<Self> {
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
                (Kind::Files(FileSource::new(path, max_files, latest_first)), description)
            }
            name => {
                // A block is this source's offset.
                let max_blocks = number("maxblockspertrigger")?
                    .or(number("maxoffsetspertrigger")?)
                    .map(|n| n as usize);
                let max_bytes = number("maxbytespertrigger")?.map(|n| n as usize);
                let id = spec
                    .options
                    .get("sourceid")
                    .or(spec.options.get("url"))
                    .or(spec.path.as_ref())
                    .cloned()
                    .unwrap_or_default();
                (
                    Kind::Queue(QueueSource::new(max_blocks, max_bytes)),
                    format!("{name}[{id}]"),
                )
            }
        };
        Ok(Self {
            scan,
            description,
            format: spec.format.clone(),
            kind,
            offset: Value::Null,
        })
    }

    /// What a checkpoint must know of the source.
    pub fn facts(&self) -> SourceFacts {
        SourceFacts {
            format: self.format.clone(),
            kind: match self.kind {
                Kind::Files(_) => SourceKind::Files,
                Kind::Rate(_) => SourceKind::Rate,
                Kind::Queue(_) => SourceKind::Queue,
            },
        }
    }

    /// Goes on at an offset with what the checkpoint remembers; `folder` is the source's in it. What must be written before
    /// the first batch is returned.
    pub fn restore(&mut self, folder: String, start: &Value, memory: Memory) -> Option<Request> {
        self.offset = start.clone();
        match (&mut self.kind, memory) {
            (Kind::Files(source), Memory::Files(seen)) => source.restore(folder, entry_of(start), seen),
            (Kind::Rate(rate), Memory::Rate(began)) => {
                rate.served_s = count_of(start);
                match began {
                    Some(began) => rate.started_ms = began,
                    None => {
                        return Some(Request::Write {
                            path: format!("{folder}/0"),
                            bytes: Buffer::from(format!("v1\n{}", rate.started_ms).into_bytes()),
                        });
                    }
                }
            }
            (Kind::Queue(queue), Memory::Queue(kept)) => {
                queue.restore(format!("{folder}/wal"), count_of(start), kept);
            }
            _ => {}
        }
        None
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
        matches!(&self.kind, Kind::Queue(q) if q.ended && q.is_empty())
    }

    /// Whether records are there that are not durable yet.
    pub fn receives(&self) -> bool {
        matches!(&self.kind, Kind::Queue(q) if q.receives())
    }

    /// Looks for files; other sources know by themselves.
    ///
    /// # Errors
    /// Where the host cannot list.
    pub fn discover(&mut self, files: &dyn Files) -> Result<()> {
        match &mut self.kind {
            Kind::Files(source) => source.discover(files),
            _ => Ok(()),
        }
    }

    /// Whether a batch would get anything now.
    pub fn has_data(&self, now_ms: i64) -> bool {
        match &self.kind {
            Kind::Files(source) => source.has_data(entry_of(&self.offset)),
            Kind::Rate(rate) => rate.reached_s(now_ms) > rate.served_s,
            Kind::Queue(queue) => queue.after(count_of(&self.offset)) > 0,
        }
    }

    /// The next batch's share: within the limits, or all there is; nothing where there is nothing.
    pub fn plan(&mut self, now_ms: i64, all: bool) -> Share {
        let start = self.offset.clone();
        let mut log = None;
        if self.has_data(now_ms) {
            self.offset = match &mut self.kind {
                Kind::Files(source) => {
                    let (end, write) = source.plan(entry_of(&start), all);
                    log = write;
                    json!({ "logOffset": end })
                }
                Kind::Rate(rate) => {
                    rate.served_s = rate.reached_s(now_ms);
                    json!(rate.served_s)
                }
                Kind::Queue(queue) => {
                    let from = count_of(&start);
                    json!(from + if all { queue.after(from) } else { queue.share(from) })
                }
            };
        }
        Share {
            start,
            end: self.offset.clone(),
            log,
        }
    }

    /// The share of a batch that runs again.
    pub fn plan_again(&mut self, end: &Value) -> Share {
        let start = std::mem::replace(&mut self.offset, end.clone());
        if let Kind::Rate(rate) = &mut self.kind {
            rate.served_s = count_of(end);
        }
        Share {
            start,
            end: end.clone(),
            log: None,
        }
    }

    /// The bytes between two offsets that were planned.
    ///
    /// # Errors
    /// A file that cannot be read; records that are gone.
    pub fn read(&mut self, share: &Share, files: &dyn Files) -> Result<Vec<Buffer>> {
        if share.start == share.end {
            return Ok(vec![]);
        }
        match &mut self.kind {
            Kind::Files(source) => source.read(entry_of(&share.start), entry_of(&share.end), files),
            Kind::Rate(rate) => Ok(vec![rate.rows(count_of(&share.start), count_of(&share.end))?]),
            Kind::Queue(queue) => queue.read(count_of(&share.start), count_of(&share.end)),
        }
    }

    /// Batches should not take more than so many rows, of which the last batch had `rows` between these offsets. At least one
    /// block is taken, so that the stream goes on. Other sources than queues have limits of their own.
    pub fn pace(&mut self, share: &Share, rows: u64, limit: f64) {
        let blocks = count_of(&share.end) - count_of(&share.start);
        if let (Kind::Queue(queue), true) = (&mut self.kind, blocks > 0 && rows > 0) {
            let rows_per_block = rows as f64 / blocks as f64;
            queue.paced_blocks = Some((limit / rows_per_block).floor().max(1.0) as usize);
        }
    }

    /// A batch that ends here is committed: deletions of what only it needed.
    pub fn committed(&mut self, end: &Value) -> Vec<Request> {
        match &mut self.kind {
            Kind::Files(source) => source.committed(entry_of(end)),
            Kind::Rate(_) => vec![],
            Kind::Queue(queue) => queue.purge(count_of(end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_paced_queue_gives_as_many_blocks_as_hold_the_rows_that_are_wanted_and_never_none() {
        let spec = StreamSpec {
            format: "rivulet.push".into(),
            path: None,
            options: BTreeMap::from([("sourceid".into(), "s".into())]),
        };
        let mut source = Source::open(ScanId(0), &spec, 0).unwrap();
        let push = |source: &mut Source, count: usize| {
            for _ in 0..count {
                source.queue().unwrap().push(Buffer::from(&b"{}\n"[..]));
            }
        };
        push(&mut source, 10);
        let first = source.plan(0, false);
        assert_eq!(first.end, json!(10));
        // Ten rows a block: 35 rows are three blocks.
        source.pace(&first, 100, 35.0);
        push(&mut source, 10);
        assert_eq!(source.plan(0, false).end, json!(13));
        source.pace(&first, 100, 0.5);
        assert_eq!(source.plan(0, false).end, json!(14));
        assert_eq!(source.plan(0, true).end, json!(20));
    }

    #[test]
    fn a_queue_keeps_to_bytes_and_blocks_and_always_gives_one() {
        let options = [
            ("sourceid", "s"),
            ("maxbytespertrigger", "10"),
            ("maxoffsetspertrigger", "3"),
        ];
        let spec = StreamSpec {
            format: "rivulet.push".into(),
            path: None,
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        let mut source = Source::open(ScanId(0), &spec, 0).unwrap();
        for length in [4, 6, 1, 11, 2, 2, 2, 2] {
            source.queue().unwrap().push(Buffer::from(vec![b' '; length]));
        }
        let ends: Vec<i64> = (0..5).map(|_| source.plan(0, false).end.as_i64().unwrap()).collect();
        assert_eq!(ends, [2, 3, 4, 7, 8]);
    }
}
