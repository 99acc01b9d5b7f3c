//! Inputs whose records come in blocks, at any time: what waits to be let in, and what waits for the next batch.

use std::collections::VecDeque;

use arrow::buffer::Buffer;

use super::rate::RateLimit;

/// Names a block among those of its input; who handed it over hears of it when it is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Records that were handed over together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The records.
    pub bytes: Buffer,
    /// How many they are.
    pub records: u64,
    /// Its name.
    pub token: Token,
}

/// An input's blocks on their way into a batch.
///
/// ```text
///  offer ──▶ held ── let in, where the rate is limited ──▶ waiting ── cut ──▶ batch
/// ```
#[derive(Debug, Default)]
pub struct Blocks {
    /// Blocks that the limit does not let in yet.
    held: VecDeque<Block>,
    /// Blocks for the next batch.
    waiting: Vec<Block>,
    /// How fast they come in; `None` is as fast as they are handed over.
    limit: Option<RateLimit>,
    /// When the next one may come in.
    next_ms: Option<i64>,
}

impl Blocks {
    /// Makes an input without blocks.
    pub fn new(limit: Option<RateLimit>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Takes a block, to be let in.
    pub fn offer(&mut self, block: Block) {
        self.held.push_back(block);
    }

    /// Lets in what the limit allows by now, and returns its names.
    pub fn let_in(&mut self, now_ms: i64) -> Vec<Token> {
        self.next_ms = None;
        let mut tokens = vec![];
        while let Some(block) = self.held.pop_front() {
            let permitted = self
                .limit
                .as_mut()
                .map_or(Ok(()), |limit| limit.permit(now_ms, block.records));
            match permitted {
                Ok(()) => {
                    tokens.push(block.token);
                    self.waiting.push(block);
                }
                Err(next_ms) => {
                    self.next_ms = Some(next_ms);
                    self.held.push_front(block);
                    break;
                }
            }
        }
        tokens
    }

    /// Returns whether blocks are held back.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns whether the rate is limited.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns how many records a block should have at most, so that the rate is even; `None` without a limit.
    pub fn grain(&self) -> Option<usize> {
        self.limit.as_ref().map(RateLimit::grain)
    }

    /// Returns when more may come in, ms since the epoch; `None` if nothing is held.
    pub fn wake_at(&self) -> Option<i64> {
        self.next_ms
    }

    /// Takes what waits for the next batch.
    pub fn cut(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.waiting)
    }

    /// Lets everything in, whatever the limit: no batch comes after the next. Returns the names of what was held back.
    pub fn let_all_in(&mut self) -> Vec<Token> {
        self.next_ms = None;
        let tokens = self.held.iter().map(|block| block.token).collect();
        self.waiting.extend(self.held.drain(..));
        tokens
    }

    /// Returns whether blocks wait.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.held.is_empty()
    }

    /// Takes in that a batch with these records of the input is done.
    pub fn processed(&mut self, time_ms: i64, records: u64, processing_ms: i64, scheduling_ms: i64) {
        if let Some(limit) = &mut self.limit {
            limit.processed(time_ms, records, processing_ms, scheduling_ms);
        }
    }
}
