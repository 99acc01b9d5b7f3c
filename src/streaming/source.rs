//! A source within a running query: which scan reads it, and where its last batch ended.
//!
//! [`crate::sources`] knows how records are found and read; here is what a query adds: an offset that moves with every
//! planned batch. Offsets are JSON that only the source understands.

use arrow::buffer::Buffer;
use serde_json::Value;

use crate::error::{Result, SparkError};
use crate::ids::ScanId;
use crate::sources::queue::Queue;
use crate::sources::{self, Ask, Definition, Event, Heard, Memory, StreamSpec};
use crate::storage::Request;
use crate::storage::files::Files;

/// A batch's share of a source, by offsets as progress and the offset log show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Where it begins; null at the very beginning.
    pub start: Value,
    /// Where it ends.
    pub end: Value,
    /// What must be durable before the offsets are.
    pub log: Option<Request>,
}

/// One source of a running query.
#[derive(Debug)]
pub struct Source {
    /// The scan that reads it.
    pub scan: ScanId,
    /// How progress names it.
    pub description: String,
    /// What kind of source it is.
    definition: &'static Definition,
    /// The folder of malformed records, if they are wanted; without slashes at the end.
    pub dead_letters: Option<String>,
    /// The source itself.
    inner: Box<dyn sources::Source>,
    /// Where the last planned batch ends; null before the first.
    offset: Value,
}

impl Source {
    /// Opens a source whose options were checked when the query was analysed.
    ///
    /// # Errors
    /// `DATA_SOURCE_NOT_FOUND`, and the source's own.
    pub fn open(scan: ScanId, spec: &StreamSpec, now_ms: i64) -> Result<Self> {
        let definition = sources::find(&spec.format)?;
        let inner = (definition.open)(spec, now_ms)?;
        Ok(Self {
            scan,
            description: inner.description(),
            definition,
            dead_letters: spec
                .options
                .get(&Queue::DEAD_LETTERS.key())
                .map(|path| path.trim_end_matches('/').to_owned()),
            inner,
            offset: Value::Null,
        })
    }

    /// Returns what kind of source it is.
    pub fn definition(&self) -> &'static Definition {
        self.definition
    }

    /// Continues at an offset with what the checkpoint remembers; `folder` is the source's in it. Returns what must be
    /// written before the first batch.
    pub fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        self.offset = start.clone();
        self.inner.restore(folder, start, memory)
    }

    /// Returns the queue of a source that is filled from outside.
    pub fn queue(&mut self) -> Option<&mut Queue> {
        self.inner.queue()
    }

    /// Returns whether there will never be more: a producer that ended and whose records are all read. Sources that are
    /// not filled from outside are never exhausted.
    pub fn exhausted(&self) -> bool {
        self.inner.queued().is_some_and(|q| q.ended && q.is_empty())
    }

    /// Returns how many bytes wait for a batch; 0 for a source that is not filled from outside.
    pub fn waiting_bytes(&self) -> usize {
        self.inner.queued().map_or(0, Queue::bytes)
    }

    /// Returns why there will never be more, if the producer has failed and its records are all read.
    pub fn failure(&self) -> Option<&SparkError> {
        let queue = self.inner.queued().filter(|queue| queue.is_empty());
        queue.and_then(|queue| queue.failure.as_ref())
    }

    /// Returns whether records are there that no batch can have yet: they are not durable, or still with their producer.
    pub fn receives(&self) -> bool {
        self.inner
            .queued()
            .is_some_and(|queue| queue.receives() || queue.is_coming)
    }

    /// Looks for files; other sources know by themselves.
    ///
    /// # Errors
    /// The host's, if it cannot list.
    pub fn discover(&mut self, files: &dyn Files) -> Result<()> {
        self.inner.discover(files)
    }

    /// Asks what there is, before a trigger.
    pub fn look(&mut self) -> Vec<Ask> {
        self.inner.look()
    }

    /// Returns whether a query that ends by itself must look again.
    pub fn looks_again(&self) -> bool {
        self.inner.looks_again()
    }

    /// Returns whether a trigger must wait for what was asked.
    pub fn is_looking(&self) -> bool {
        self.inner.is_looking()
    }

    /// Returns whether a batch would get anything now.
    pub fn has_data(&self, now_ms: i64) -> bool {
        self.inner.has_data(&self.offset, now_ms)
    }

    /// Returns the next batch's share: within the limits, or all there is; empty if there is nothing.
    pub fn plan(&mut self, now_ms: i64, all: bool) -> Share {
        let start = self.offset.clone();
        let mut log = None;
        if self.has_data(now_ms) {
            (self.offset, log) = self.inner.plan(&start, now_ms, all);
        }
        Share {
            start,
            end: self.offset.clone(),
            log,
        }
    }

    /// Returns a share without records, where the next one begins.
    pub fn nothing(&self) -> Share {
        Share {
            start: self.offset.clone(),
            end: self.offset.clone(),
            log: None,
        }
    }

    /// Returns the share of a batch that runs again: it ends where the offset log says, whatever has arrived since.
    pub fn plan_again(&mut self, end: &Value) -> Share {
        let start = std::mem::replace(&mut self.offset, end.clone());
        self.inner.plan_again(end);
        Share {
            start,
            end: end.clone(),
            log: None,
        }
    }

    /// Returns the bytes between two offsets that were planned, as blocks in the source's order; an empty list if the
    /// share is empty.
    ///
    /// # Errors
    /// If a file cannot be read, or records are gone.
    pub fn read(&mut self, share: &Share, files: &dyn Files) -> Result<Vec<Buffer>> {
        if share.start == share.end {
            return Ok(vec![]);
        }
        self.inner.read(&share.start, &share.end, files)
    }

    /// Caps later batches at about `limit` rows, if the last batch had `rows` in this share.
    pub fn pace(&mut self, share: &Share, rows: u64, limit: f64) {
        self.inner.pace(&share.start, &share.end, rows, limit);
    }

    /// Notes that a batch that ends here is committed, and returns deletions of what only it needed.
    pub fn committed(&mut self, end: &Value) -> Vec<Request> {
        self.inner.committed(end)
    }

    /// Opens the connection of a source that listens; returns what the host must do for it.
    pub fn connect(&mut self, now_ms: i64) -> Vec<Ask> {
        self.inner.open(now_ms)
    }

    /// Takes in what the source's connection does.
    ///
    /// # Errors
    /// If the source cannot continue: the query ends with it.
    pub fn heard(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        self.inner.heard(event, now_ms)
    }

    /// Notes that `count` blocks are durable, since the checkpoint began; returns acknowledgements to be sent.
    pub fn received(&mut self, count: i64) -> Vec<Ask> {
        self.inner.received(count)
    }

    /// Ends listening; returns what to ask of the host last.
    pub fn leave(&mut self) -> Vec<Ask> {
        self.inner.leave()
    }

    /// Returns when to call [`Source::wake`], ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        self.inner.wake_at()
    }

    /// Does what is due at `now_ms`, such as connecting again after a pause.
    pub fn wake(&mut self, now_ms: i64) -> Vec<Ask> {
        self.inner.wake(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pushed(options: &[(&str, &str)]) -> Source {
        let options = options.iter().chain(&[("sourceid", "s")]);
        let spec = StreamSpec {
            format: "rivulet.push".into(),
            path: None,
            options: options.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        Source::open(ScanId(0), &spec, 0).unwrap()
    }

    fn push(source: &mut Source, length: usize) {
        source.queue().unwrap().push(Buffer::from(vec![b' '; length]));
    }

    #[test]
    fn a_paced_queue_gives_as_many_blocks_as_hold_the_rows_that_are_wanted_and_never_none() {
        let mut source = pushed(&[]);
        (0..10).for_each(|_| push(&mut source, 3));
        let first = source.plan(0, false);
        assert_eq!(first.end, json!(10));
        // Ten rows a block: 35 rows are three blocks.
        source.pace(&first, 100, 35.0);
        (0..10).for_each(|_| push(&mut source, 3));
        assert_eq!(source.plan(0, false).end, json!(13));
        source.pace(&first, 100, 0.5);
        assert_eq!(source.plan(0, false).end, json!(14));
        assert_eq!(source.plan(0, true).end, json!(20));
    }

    #[test]
    fn a_queue_keeps_to_bytes_and_blocks_and_always_gives_one() {
        let mut source = pushed(&[("maxbytespertrigger", "10"), ("maxoffsetspertrigger", "3")]);
        for length in [4, 6, 1, 11, 2, 2, 2, 2] {
            push(&mut source, length);
        }
        let ends: Vec<i64> = (0..5).map(|_| source.plan(0, false).end.as_i64().unwrap()).collect();
        assert_eq!(ends, [2, 3, 4, 7, 8]);
    }
}
