//! Windowed aggregation of a stream as Spark defines it, one row after the other.

use std::collections::{BTreeMap, BTreeSet};

/// An event: time in seconds since the epoch (none is null), key, value.
pub type Row = (Option<i64>, Option<&'static str>, i64);

/// What a batch must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `window start|key|count|sum`, sorted; times in seconds.
    pub rows: Vec<String>,
    /// The watermark that the batch evicts by, s.
    pub watermark: i64,
    pub state_rows: usize,
    pub state_updated: usize,
    /// Late groups that were dropped.
    pub dropped: usize,
}

type Group = (i64, Option<&'static str>);

/// The query: `window(ts, length, slide)` and key, count and sum; watermark delay; all in seconds.
pub struct Model {
    pub mode: &'static str,
    pub length: i64,
    pub slide: i64,
    pub delay: i64,
    state: BTreeMap<Group, (i64, i64)>,
    /// max(event time) − delay, never going back; computed at the end of a batch, used from the next one on.
    watermark: i64,
    late: i64,
    evicted: Option<i64>,
}

impl Model {
    pub fn new(mode: &'static str, length: i64, slide: i64, delay: i64) -> Self {
        Self {
            mode,
            length,
            slide,
            delay,
            state: BTreeMap::new(),
            watermark: 0,
            late: 0,
            evicted: None,
        }
    }

    /// Whether a batch without data follows.
    pub fn closes_more(&self) -> bool {
        self.mode != "complete" && self.evicted.is_some_and(|last| self.watermark > last)
    }

    pub fn batch(&mut self, input: &[Row]) -> Expected {
        let watermark = self.watermark;
        let (mut changed, mut dropped) = (BTreeSet::new(), BTreeSet::new());
        for (time, key, value) in input {
            let Some(time) = *time else { continue };
            let last = time - time.rem_euclid(self.slide);
            let starts = (0..self.length / self.slide)
                .map(|i| last - i * self.slide)
                .filter(|s| time < s + self.length);
            for start in starts {
                if self.mode != "complete" && start + self.length <= self.late {
                    dropped.insert((start, *key));
                    continue;
                }
                let group = self.state.entry((start, *key)).or_default();
                *group = (group.0 + 1, group.1 + value);
                changed.insert((start, *key));
            }
        }
        let before = self.state.clone();
        if self.mode != "complete" {
            self.state.retain(|(start, _), _| start + self.length > watermark);
        }
        let emitted = before.iter().filter(|(group, _)| match self.mode {
            "append" => !self.state.contains_key(group),
            "update" => changed.contains(group),
            _ => true,
        });
        let mut rows: Vec<String> = emitted
            .map(|((start, key), (n, sum))| format!("{start}|{}|{n}|{sum}", key.unwrap_or("null")))
            .collect();
        rows.sort();
        (self.late, self.evicted) = (watermark, Some(watermark));
        if let Some(seen) = input.iter().filter_map(|r| r.0).max() {
            self.watermark = self.watermark.max(seen - self.delay);
        }
        Expected {
            rows,
            watermark,
            state_rows: self.state.len(),
            state_updated: changed.len(),
            dropped: dropped.len(),
        }
    }
}

/// Checked by hand against Spark's golden `tumbling_append_10minutes` and its rules.
#[test]
fn the_model_accepts_a_late_row_for_one_more_batch_and_closes_windows_in_a_batch_without_data() {
    let mut model = Model::new("append", 10, 10, 5);
    assert_eq!(
        model.batch(&[(Some(3), Some("a"), 1), (Some(27), Some("a"), 2)]).rows,
        Vec::<String>::new()
    );
    assert!(model.closes_more());
    // The watermark is 22 s now, the one that judges lateness still 0: the row is taken and its window closed at once.
    assert_eq!(model.batch(&[(Some(4), Some("a"), 5)]).rows, ["0|a|2|6"]);
    assert!(!model.closes_more());
    let third = model.batch(&[
        (Some(5), Some("a"), 7),
        (Some(19), Some("b"), 7),
        (Some(20), Some("b"), 1),
    ]);
    assert_eq!((third.dropped, third.rows.len(), third.state_rows), (2, 0, 2));
}
