//! Records that come from outside and cannot be had twice: pushed by the page, received over a connection.
//!
//! An offset is a number of blocks since the source began, or an object with that number under `blocks` and what else
//! the source must know.
//!
//! ```text
//! push ──▶ [ write-ahead log: gathering ─▶ writing ─▶ durable ] ──▶ blocks ──read──▶ batch ──committed──▶ purged
//!                     only with a checkpoint                       first … first + n
//! ```
//!
//! Without a checkpoint a block can be in a batch at once; with one, only when the log has it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use arrow::buffer::Buffer;
use serde_json::Value;

use super::options::{Kind, Opt, Options};
use super::{Ask, Event, Heard, Memory, Source};
use crate::error::{Result, SparkError};
use crate::storage::Request;
use crate::storage::facts::{Facts, Known};
use crate::storage::files::Files;
use crate::storage::wal::{self, Kept, Wal};

/// Bytes that a queue holds before its producer is asked to wait.
pub const LIMIT_BYTES: usize = 32 << 20;

/// Returns the number of blocks up to an offset; 0 before the first batch.
pub fn blocks_of(offset: &Value) -> i64 {
    offset.as_i64().or_else(|| offset["blocks"].as_i64()).unwrap_or(0)
}

/// Blocks that wait for a batch; with a checkpoint, blocks count as received when its write-ahead log has them.
#[derive(Debug, Default)]
pub struct Queue {
    /// Blocks that can be in a batch, oldest first.
    blocks: VecDeque<Buffer>,
    /// Number of the first of `blocks`.
    first: i64,
    /// Bytes of `blocks`.
    bytes: usize,
    /// The write-ahead log; `None` without a checkpoint.
    wal: Option<Wal>,
    /// Blocks that a batch takes at most by the rate that its last batches were processed at.
    pub(super) paced_blocks: Option<usize>,
    /// Blocks that a batch takes at most.
    max_blocks: Option<usize>,
    /// Bytes that a batch takes at most; one block in any case.
    max_bytes: Option<usize>,
    /// Bytes that wait at most before a sender is held back.
    max_waiting: usize,
    /// Bytes of a record at most.
    pub(super) max_record: usize,
    /// Records that were too large, since they were counted last.
    refused: u64,
    /// How often a sender was held back, since it was counted last.
    held: u64,
    /// Records that the sender had no room for, since they were counted last.
    dropped: u64,
    /// Whether the sender has more at hand, or has not said that it has not.
    pub is_coming: bool,
    /// Whether no more will come.
    pub ended: bool,
    /// Why no more will come, if the sender has failed: the query ends with it when all that came before is processed.
    pub failure: Option<SparkError>,
}

impl Queue {
    /// Option: blocks that a batch takes at most.
    pub const MAX_BLOCKS: Opt = Opt::new(
        "maxBlocksPerTrigger",
        Kind::Count,
        Some("no limit"),
        "Says how many pushes or messages a batch takes at most.",
    );
    /// The same under the name that Spark's sources have.
    pub const MAX_OFFSETS: Opt = Opt::new(
        "maxOffsetsPerTrigger",
        Kind::Count,
        Some("no limit"),
        "Says the same as maxBlocksPerTrigger, which goes first.",
    );
    /// Option: bytes that a batch takes at most.
    pub const MAX_BYTES: Opt = Opt::new(
        "maxBytesPerTrigger",
        Kind::Count,
        Some("no limit"),
        "Says how many bytes a batch takes at most; one push or message is always taken.",
    );

    /// Option: bytes that wait before a sender is held back.
    pub const MAX_QUEUE: Opt = Opt::new(
        "maxQueueBytes",
        Kind::Count,
        Some("67108864"),
        "Says how many bytes wait for batches before the connection is closed; it is opened again when half of them are processed.",
    );
    /// Option: bytes of a record.
    pub const MAX_RECORD: Opt = Opt::new(
        "maxRecordBytes",
        Kind::Count,
        Some("33554432"),
        "Says how many bytes a record has at most; a larger one is not kept, and counts as malformed.",
    );

    /// Option: where malformed records are written.
    pub const DEAD_LETTERS: Opt = Opt::new(
        "deadLetterPath",
        Kind::Text,
        Some("none"),
        "Names a folder into which each batch writes its malformed records of JSON or CSV before it is committed, as lines of JSON; those that are too large are counted only.",
    );

    /// Makes an empty queue with the limits that the options set.
    ///
    /// ```
    /// use rivulet::sources::queue::Queue;
    ///
    /// let mut queue = Queue::of(&Default::default());
    /// assert!(queue.push(arrow::buffer::Buffer::from(b"{}\n")).is_none());
    /// assert_eq!((queue.bytes(), queue.durable()), (3, None));
    /// ```
    pub fn of(options: &BTreeMap<String, String>) -> Self {
        let options = Options(options);
        let number = |option| options.count(option).and_then(|n| usize::try_from(n).ok());
        Self {
            max_blocks: number(&Self::MAX_BLOCKS).or_else(|| number(&Self::MAX_OFFSETS)),
            max_bytes: number(&Self::MAX_BYTES),
            max_waiting: number(&Self::MAX_QUEUE).unwrap_or(64 << 20),
            max_record: number(&Self::MAX_RECORD).unwrap_or(32 << 20),
            ..Self::default()
        }
    }

    /// Reads what is in the write-ahead log of a queue: the [`Recall`](super::Recall) of sources that have one.
    ///
    /// # Errors
    /// Pauses until it is read. `CHECKPOINT_CORRUPT` if records are gone.
    pub fn recall(facts: &Facts, folder: &str, start: &Value, _: &Value) -> Known<Memory> {
        let kept = wal::read(facts, &format!("{folder}/wal"), blocks_of(start))?;
        Ok(Memory::of(kept))
    }

    /// Returns the last block that has come; `None` if all are read.
    pub fn last(&self) -> Option<&Buffer> {
        self.blocks.back()
    }

    /// Returns the block of that number, if it waits.
    pub fn block(&self, number: i64) -> Option<&Buffer> {
        self.blocks.get(usize::try_from(number - self.first).ok()?)
    }

    /// Takes a block; returns the write that makes it durable, if one is to be made now.
    pub fn push(&mut self, block: Buffer) -> Option<Request> {
        match &mut self.wal {
            Some(wal) => wal.add(block),
            None => {
                self.receive(block);
                None
            }
        }
    }

    /// Makes a block available to batches.
    fn receive(&mut self, block: Buffer) {
        self.bytes += block.len();
        self.blocks.push_back(block);
    }

    /// Notes that the write in progress is durable; returns the next one.
    pub fn written(&mut self) -> Option<Request> {
        let (blocks, next) = self.wal.as_mut()?.written();
        blocks.into_iter().for_each(|block| self.receive(block));
        next
    }

    /// Notes that the write in progress has failed; its blocks wait again.
    pub fn not_written(&mut self) {
        self.wal.iter_mut().for_each(Wal::not_written);
    }

    /// Returns the blocks that are not durable and not being made so, for another run to take.
    pub fn take_waiting(&mut self) -> Vec<Buffer> {
        self.wal.as_mut().map_or_else(Vec::new, Wal::take_waiting)
    }

    /// Returns the bytes held for batches to come.
    pub fn bytes(&self) -> usize {
        self.bytes + self.wal.as_ref().map_or(0, Wal::waiting_bytes)
    }

    /// Takes a record of a connection; one that is too large is counted and leaves an empty block, so that whoever counts
    /// records counts it.
    pub(super) fn record(&mut self, record: Vec<u8>) -> Buffer {
        if record.len() <= self.max_record {
            return Buffer::from(record);
        }
        self.refuse()
    }

    /// Counts a record that is too large; returns the empty block in its place.
    pub(super) fn refuse(&mut self) -> Buffer {
        self.refused += 1;
        Buffer::default()
    }

    /// Returns whether a sender must be held back once blocks of so many bytes more are here, and counts it.
    pub(super) fn must_hold(&mut self, more: usize) -> bool {
        let full = self.bytes() + more > self.max_waiting;
        self.held += u64::from(full);
        full
    }

    /// Returns whether a sender that was held back may go on: half of what may wait is processed, and all that came is durable.
    pub(super) fn has_room(&self) -> bool {
        self.bytes() <= self.max_waiting / 2 && !self.receives()
    }

    /// Counts records that the sender had no room for.
    pub(super) fn count_dropped(&mut self, records: u64) {
        self.dropped += records;
    }

    /// Returns how many records were too large, how often a sender was held back, and how many records it had no room for, since the
    /// last call.
    pub fn take_counts(&mut self) -> [u64; 3] {
        [&mut self.refused, &mut self.held, &mut self.dropped].map(std::mem::take)
    }

    /// Returns the number of blocks since the source began that will not be lost; `None` without a checkpoint.
    pub fn durable(&self) -> Option<i64> {
        self.wal.as_ref().map(Wal::durable)
    }

    /// Returns whether blocks are not durable yet.
    pub fn receives(&self) -> bool {
        self.wal.as_ref().is_some_and(Wal::is_behind)
    }

    /// Returns whether every block that came has been read.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && !self.receives()
    }

    /// Returns the number of blocks at or after a number.
    pub(super) fn after(&self, from: i64) -> i64 {
        (self.first + self.blocks.len() as i64 - from).max(0)
    }

    /// Returns how many blocks from a number on a batch takes, by its limits; at least one if `max_bytes` alone forbids
    /// it.
    pub(super) fn share(&self, from: i64) -> i64 {
        let limits = [self.max_blocks, self.paced_blocks].into_iter().flatten();
        let count = limits.min().map_or(i64::MAX, |n| n as i64).min(self.after(from));
        let Some(max_bytes) = self.max_bytes else {
            return count;
        };
        let skipped = usize::try_from(from - self.first).unwrap_or_default();
        let mut bytes = 0;
        let fits = self.blocks.iter().skip(skipped).take_while(|block| {
            bytes += block.len();
            bytes <= max_bytes
        });
        count.min((fits.count() as i64).max(1))
    }

    /// Continues with a write-ahead log whose blocks begin at `first`.
    pub(super) fn restore(&mut self, folder: String, first: i64, kept: Kept) {
        self.wal = Some(Wal::new(folder, &kept));
        self.first = first;
        self.bytes = kept.blocks.iter().map(Buffer::len).sum();
        self.blocks = kept.blocks;
    }

    /// Takes the blocks [start, end) out of the queue; those before are dropped.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a block was taken before, or has never come.
    pub(super) fn read(&mut self, start: i64, end: i64) -> Result<Vec<Buffer>> {
        let mut taken = Vec::new();
        if start < self.first {
            return Err(wal::lost_blocks());
        }
        while self.first < end {
            let block = self.blocks.pop_front().ok_or_else(wal::lost_blocks)?;
            self.bytes -= block.len();
            if self.first >= start {
                taken.push(block);
            }
            self.first += 1;
        }
        Ok(taken)
    }

    /// Returns deletions of the log's segments whose blocks are all committed.
    pub(super) fn purge(&mut self, committed: i64) -> Vec<Request> {
        self.wal.as_mut().map_or_else(Vec::new, |w| w.purge(committed))
    }
}

/// A source with a queue. All that a [`Source`] needs follows, but for what fills the queue.
pub trait QueueSource: fmt::Debug {
    /// Describes the source in progress reports.
    fn name(&self) -> String;

    /// Returns the queue.
    fn waiting(&self) -> &Queue;

    /// Returns the queue, to be filled.
    fn waiting_mut(&mut self) -> &mut Queue;

    /// Returns the offset after `blocks` blocks, asked before they are read.
    fn offset(&self, blocks: i64) -> Value {
        blocks.into()
    }

    /// Takes in what the offset says besides the number of blocks; the queue is as it was.
    fn resume(&mut self, _start: &Value) {}

    /// Returns the records in blocks that a batch takes.
    ///
    /// # Errors
    /// If a block does not hold what it should.
    fn records(&self, blocks: Vec<Buffer>) -> Result<Vec<Buffer>> {
        Ok(blocks)
    }

    /// Begins to listen; see [`Source::open`].
    fn begin(&mut self, _now_ms: i64) -> Vec<Ask> {
        vec![]
    }

    /// Takes in what the connection does; see [`Source::heard`].
    ///
    /// # Errors
    /// If it is useless to listen any longer.
    fn hear(&mut self, _event: Event, _now_ms: i64) -> Result<Heard> {
        Ok(Heard::default())
    }

    /// Notes that `count` blocks are durable; see [`Source::received`].
    fn acknowledge(&mut self, _count: i64) -> Vec<Ask> {
        vec![]
    }

    /// Ends listening; see [`Source::leave`].
    fn goodbye(&mut self) -> Vec<Ask> {
        vec![]
    }

    /// Returns when to call [`QueueSource::due`]; see [`Source::wake_at`].
    fn due_at(&self) -> Option<i64> {
        None
    }

    /// Does what is due; see [`Source::wake`].
    fn due(&mut self, _now_ms: i64) -> Vec<Ask> {
        vec![]
    }
}

impl<T: QueueSource> Source for T {
    fn description(&self) -> String {
        self.name()
    }

    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        let kept = memory.get::<Kept>().cloned().unwrap_or_default();
        let queue = self.waiting_mut();
        queue.restore(format!("{folder}/wal"), blocks_of(start), kept);
        self.resume(start);
        None
    }

    fn has_data(&self, start: &Value, _: i64) -> bool {
        self.waiting().after(blocks_of(start)) > 0
    }

    fn plan(&mut self, start: &Value, _: i64, all: bool) -> (Value, Option<Request>) {
        let from = blocks_of(start);
        let queue = self.waiting();
        let taken = if all { queue.after(from) } else { queue.share(from) };
        (self.offset(from + taken), None)
    }

    fn read(&mut self, start: &Value, end: &Value, _: &dyn Files) -> Result<Vec<Buffer>> {
        let blocks = self.waiting_mut().read(blocks_of(start), blocks_of(end))?;
        self.records(blocks)
    }

    fn committed(&mut self, end: &Value) -> Vec<Request> {
        self.waiting_mut().purge(blocks_of(end))
    }

    fn pace(&mut self, start: &Value, end: &Value, rows: u64, limit: f64) {
        let blocks = blocks_of(end) - blocks_of(start);
        if blocks > 0 && rows > 0 {
            let rows_per_block = rows as f64 / blocks as f64;
            self.waiting_mut().paced_blocks = Some((limit / rows_per_block).floor().max(1.0) as usize);
        }
    }

    fn queue(&mut self) -> Option<&mut Queue> {
        Some(self.waiting_mut())
    }

    fn queued(&self) -> Option<&Queue> {
        Some(self.waiting())
    }

    fn open(&mut self, now_ms: i64) -> Vec<Ask> {
        self.begin(now_ms)
    }

    fn heard(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        self.hear(event, now_ms)
    }

    fn received(&mut self, count: i64) -> Vec<Ask> {
        self.acknowledge(count)
    }

    fn leave(&mut self) -> Vec<Ask> {
        self.goodbye()
    }

    fn wake_at(&self) -> Option<i64> {
        self.due_at()
    }

    fn wake(&mut self, now_ms: i64) -> Vec<Ask> {
        self.due(now_ms)
    }
}
