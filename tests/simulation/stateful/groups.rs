//! `flatMapGroupsWithState`: running counts and sums by key, over a map; with a timeout of event time, or none.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::{Model, text};
use crate::engine::client::sql;
use crate::engine::functions::running_sums;
use crate::window_model::{Expected, Row};
use rivulet::proto as sc;

pub struct Groups {
    /// Seconds from the latest event to the timeout; negative is none.
    span: i64,
    delay: i64,
    clock: Clock,
    /// By key: rows, sum, timeout.
    state: BTreeMap<Option<&'static str>, (i64, i64, i64)>,
}

impl Groups {
    pub fn of(seed: u64) -> Self {
        let span = [-1, 0, 20, 90][seed as usize % 4];
        let delay = [0, 10, 60][seed as usize / 4 % 3];
        Self {
            span,
            delay,
            clock: Clock::new(&[(span >= 0).then_some(delay)]),
            state: BTreeMap::new(),
        }
    }

    fn times_out(&self) -> bool {
        self.span >= 0
    }
}

impl Model for Groups {
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected {
        let watermark = self.clock.now;
        let (mut fresh, mut dropped) = (BTreeMap::new(), 0);
        for (time, key, value) in &input[0] {
            if self.times_out() && time.is_some_and(|t| t <= self.clock.late) {
                dropped += 1;
                continue;
            }
            let own: &mut Vec<(Option<i64>, i64)> = fresh.entry(*key).or_default();
            own.push((*time, *value));
        }
        let mut rows = Vec::new();
        let updated = fresh.len();
        for (key, own) in fresh {
            let (n, s, timeout) = self.state.entry(key).or_insert((0, 0, 0));
            *n += own.len() as i64;
            *s += own.iter().map(|(_, v)| v).sum::<i64>();
            *timeout = own.iter().filter_map(|(t, _)| *t).fold(watermark, i64::max) + self.span;
            rows.push(format!("{}|{n}|{s}|data", text(key)));
        }
        if self.times_out() {
            self.state.retain(|key, (n, s, timeout)| {
                let over = *timeout < watermark;
                if over {
                    rows.push(format!("{}|{n}|{s}|timeout", text(*key)));
                }
                !over
            });
        }
        self.clock.advance(input);
        Expected {
            rows,
            watermark,
            state_rows: self.state.len(),
            state_updated: updated,
            dropped,
        }
    }

    fn closes_more(&self) -> bool {
        self.times_out() && self.clock.moved()
    }

    fn query(&self) -> sc::Relation {
        running_sums(sql("SELECT * FROM l"), self.span)
    }

    fn delays(&self) -> Vec<Option<i64>> {
        vec![self.times_out().then_some(self.delay)]
    }

    fn mode(&self) -> &'static str {
        "update"
    }
}
