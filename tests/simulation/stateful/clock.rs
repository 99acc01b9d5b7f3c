//! The watermark as Spark moves it: per source the largest event time less the delay, the least of them for the query.

use crate::window_model::Row;

pub struct Clock {
    delays: Vec<i64>,
    seen: Vec<i64>,
    /// The watermark that the next batch evicts by; the one before judges lateness. s.
    pub now: i64,
    pub late: i64,
    evicted: Option<i64>,
}

impl Clock {
    pub fn new(delays: &[Option<i64>]) -> Self {
        let delays: Vec<i64> = delays.iter().copied().flatten().collect();
        Self {
            seen: vec![0; delays.len()],
            delays,
            now: 0,
            late: 0,
            evicted: None,
        }
    }

    /// A batch has seen these rows, one list a source.
    pub fn advance(&mut self, seen: &[Vec<Row>]) {
        (self.late, self.evicted) = (self.now, Some(self.now));
        for (at, delay) in self.delays.iter().enumerate() {
            if let Some(latest) = seen[at].iter().filter_map(|r| r.0).max() {
                // Before any data a source stands at 0; its first data may be before that.
                self.seen[at] = self.seen[at].max(latest - delay);
            }
        }
        if let Some(least) = self.seen.iter().copied().min() {
            self.now = self.now.max(least);
        }
    }

    pub fn moved(&self) -> bool {
        self.evicted.is_some_and(|last| self.now > last)
    }
}
