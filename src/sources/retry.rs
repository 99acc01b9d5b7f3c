//! When to open a connection again: a lost one after a wait that doubles from failure to failure, one that was closed because
//! too much waits when the queue has room.

use super::queue::Queue;
use super::{Ask, Heard};

/// The first wait and the longest, ms.
const WAIT_MS: (i64, i64) = (250, 30_000);

/// The waits of one connection.
///
/// ```
/// use rivulet::sources::retry::Retry;
///
/// let mut retry = Retry::default();
/// retry.failed(1_000);
/// assert_eq!(retry.at_ms(), Some(1_250));
/// assert!(retry.is_due(1_250));
/// retry.failed(1_250);
/// assert_eq!(retry.at_ms(), Some(1_750));
/// ```
#[derive(Debug)]
pub struct Retry {
    /// How long to wait after the next failure, ms.
    wait_ms: i64,
    /// When to open the connection again; `None` if it is open or opening.
    at_ms: Option<i64>,
    /// Whether it was closed because too much waits.
    is_held: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            wait_ms: WAIT_MS.0,
            at_ms: None,
            is_held: false,
        }
    }
}

impl Retry {
    /// Notes that the connection is open: the next wait is the first again.
    pub fn succeeded(&mut self) {
        self.wait_ms = WAIT_MS.0;
    }

    /// Notes that the connection is lost, or did not open.
    pub fn failed(&mut self, now_ms: i64) {
        self.at_ms = Some(now_ms + self.wait_ms);
        self.wait_ms = (self.wait_ms * 2).min(WAIT_MS.1);
    }

    /// Sets the next wait to what the server asked for, at most the longest.
    pub fn set_first_wait(&mut self, wait_ms: i64) {
        self.wait_ms = wait_ms.clamp(0, WAIT_MS.1);
    }

    /// Closes the connection if too much waits with what was heard; returns whether it does.
    pub fn hold_back(&mut self, heard: &mut Heard, queue: &mut Queue) -> bool {
        let more = heard.blocks.iter().map(|block| block.len()).sum();
        if heard.blocks.is_empty() || !queue.must_hold(more) {
            return false;
        }
        self.is_held = true;
        heard.asks.push(Ask::Close);
        true
    }

    /// Returns when to open the connection of a queue again, ms since the epoch: at once if it was held back and there is
    /// room; `None` if it is open or opening, or held back.
    pub fn due_at(&self, queue: &Queue) -> Option<i64> {
        let room = (self.is_held && queue.has_room()).then_some(i64::MIN);
        room.or(self.at_ms)
    }

    /// Returns whether it is time to open the connection of a queue again, and says so only once.
    pub fn is_due_for(&mut self, queue: &Queue, now_ms: i64) -> bool {
        let room = self.is_held && queue.has_room();
        self.is_held &= !room;
        room || self.is_due(now_ms)
    }

    /// Returns when to open the connection again, ms since the epoch; `None` if it is open or opening.
    pub fn at_ms(&self) -> Option<i64> {
        self.at_ms
    }

    /// Returns whether it is time, and says so only once.
    pub fn is_due(&mut self, now_ms: i64) -> bool {
        let due = self.at_ms.is_some_and(|at| at <= now_ms);
        if due {
            self.at_ms = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew_after_a_success() {
        let mut retry = Retry::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            retry.failed(0);
            waits.extend(retry.at_ms());
            assert!(!retry.is_due(waits[waits.len() - 1] - 1) && retry.is_due(30_000) && !retry.is_due(30_000));
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        retry.succeeded();
        retry.failed(1000);
        assert_eq!(retry.at_ms(), Some(1250));
    }
}
