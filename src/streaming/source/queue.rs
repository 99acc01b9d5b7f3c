//! Records that come from outside: pushed by the page, received by a WebSocket. An offset is a number of blocks since the
//! source began.

use std::collections::VecDeque;

use arrow::buffer::Buffer;

use crate::error::Result;
use crate::storage::Request;
use crate::streaming::checkpoint::wal::{self, Kept, Wal};

/// Blocks that wait for a batch; where there is a checkpoint, blocks count as received when its write-ahead log has them.
#[derive(Debug, Default)]
pub struct QueueSource {
    blocks: VecDeque<Buffer>,
    /// Number of the first of `blocks`.
    first: i64,
    bytes: usize,
    wal: Option<Wal>,
    /// Blocks that a batch takes at most by the rate that its last batches were processed at.
    pub(super) paced_blocks: Option<usize>,
    /// Blocks that a batch takes at most.
    max_blocks: Option<usize>,
    /// Bytes that a batch takes at most; one block in any case.
    max_bytes: Option<usize>,
    /// No more will come.
    pub ended: bool,
}

impl QueueSource {
    pub(super) fn new(max_blocks: Option<usize>, max_bytes: Option<usize>) -> Self {
        Self {
            max_blocks,
            max_bytes,
            ..Self::default()
        }
    }

    /// Takes a block; the write that makes it durable, where one is to be made now.
    pub fn push(&mut self, block: Buffer) -> Option<Request> {
        match &mut self.wal {
            Some(wal) => wal.add(block),
            None => {
                self.receive(block);
                None
            }
        }
    }

    fn receive(&mut self, block: Buffer) {
        self.bytes += block.len();
        self.blocks.push_back(block);
    }

    /// The write in progress is durable; the next one.
    pub fn written(&mut self) -> Option<Request> {
        let (blocks, next) = self.wal.as_mut()?.written();
        blocks.into_iter().for_each(|block| self.receive(block));
        next
    }

    /// The write in progress has failed.
    pub fn not_written(&mut self) {
        self.wal.iter_mut().for_each(Wal::not_written);
    }

    /// The blocks that are not durable and not being made so, for another run to take.
    pub fn take_waiting(&mut self) -> Vec<Buffer> {
        self.wal.as_mut().map_or_else(Vec::new, Wal::take_waiting)
    }

    /// Bytes held for batches to come.
    pub fn bytes(&self) -> usize {
        self.bytes + self.wal.as_ref().map_or(0, Wal::waiting_bytes)
    }

    /// Blocks received since the source began that will not be lost; none without a checkpoint.
    pub fn durable(&self) -> Option<i64> {
        self.wal.as_ref().map(Wal::durable)
    }

    pub(super) fn receives(&self) -> bool {
        self.wal.as_ref().is_some_and(Wal::is_behind)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && !self.receives()
    }

    /// Blocks at or after a number.
    pub(super) fn after(&self, from: i64) -> i64 {
        (self.first + self.blocks.len() as i64 - from).max(0)
    }

    /// How many blocks from a number on a batch takes, by its limits.
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

    /// Goes on behind a write-ahead log whose blocks begin at `first`.
    pub(super) fn restore(&mut self, folder: String, first: i64, kept: Kept) {
        self.wal = Some(Wal::new(folder, &kept));
        self.first = first;
        self.bytes = kept.blocks.iter().map(Buffer::len).sum();
        self.blocks = kept.blocks;
    }

    /// Takes the blocks [start, end); those before are gone for ever.
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

    pub(super) fn purge(&mut self, committed: i64) -> Vec<Request> {
        self.wal.as_mut().map_or_else(Vec::new, |w| w.purge(committed))
    }
}
