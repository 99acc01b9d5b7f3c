//! Session windows with a fixed or a key's own gap, in append and complete mode; over a list of open sessions.

use super::clock::Clock;
use super::{Model, text};
use crate::engine::client::sql;
use crate::window_model::{Expected, Row};
use rivulet::proto as sc;

#[derive(Clone, Debug, PartialEq)]
struct Session {
    key: Option<&'static str>,
    start: i64,
    end: i64,
    count: i64,
    sum: i64,
}

pub struct Sessions {
    complete: bool,
    /// Key b has no gap and so no sessions, key c a gap twice as long.
    dynamic: bool,
    gap: i64,
    delay: i64,
    clock: Clock,
    open: Vec<Session>,
}

impl Sessions {
    pub fn of(seed: u64) -> Self {
        let delay = [0, 10, 40][seed as usize / 3 % 3];
        Self {
            complete: seed % 4 == 3,
            dynamic: seed % 2 == 1,
            gap: [5, 12, 30][seed as usize / 9 % 3],
            delay,
            clock: Clock::new(&[Some(delay)]),
            open: vec![],
        }
    }

    fn gap_of(&self, key: Option<&str>) -> i64 {
        match key {
            Some("b") if self.dynamic => 0,
            Some("c") if self.dynamic => 2 * self.gap,
            _ => self.gap,
        }
    }
}

impl Model for Sessions {
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected {
        let watermark = self.clock.now;
        let mut late: Vec<(Option<&str>, i64)> = vec![];
        let mut touched: Vec<Option<&str>> = vec![];
        for (time, key, value) in &input[0] {
            let Some(start) = *time else { continue };
            let gap = self.gap_of(*key);
            if gap <= 0 {
                continue;
            }
            let mut new = Session {
                key: *key,
                start,
                end: start + gap,
                count: 1,
                sum: *value,
            };
            if !self.complete && new.end <= self.clock.late {
                late.push((*key, start));
                continue;
            }
            touched.push(*key);
            // Everything that touches the new session becomes part of it.
            while let Some(at) = self
                .open
                .iter()
                .position(|s| s.key == new.key && s.start <= new.end && new.start <= s.end)
            {
                let old = self.open.remove(at);
                new.start = new.start.min(old.start);
                new.end = new.end.max(old.end);
                new.count += old.count;
                new.sum += old.sum;
            }
            self.open.push(new);
        }
        let updated = self.open.iter().filter(|s| touched.contains(&s.key)).count();
        let emitted: Vec<Session> = if self.complete {
            self.open.clone()
        } else {
            let (closed, open) = self.open.iter().cloned().partition(|s| s.end <= watermark);
            self.open = open;
            closed
        };
        late.sort_unstable();
        late.dedup();
        // The watermark watches all rows, also those without a session.
        self.clock.advance(input);
        Expected {
            rows: emitted
                .iter()
                .map(|s| format!("{}|{}|{}|{}|{}", s.start, s.end, text(s.key), s.count, s.sum))
                .collect(),
            watermark,
            state_rows: self.open.len(),
            state_updated: updated,
            dropped: late.len(),
        }
    }

    fn closes_more(&self) -> bool {
        !self.complete && self.clock.moved()
    }

    fn query(&self) -> sc::Relation {
        let gap = if self.dynamic {
            format!(
                "CASE WHEN k = 'b' THEN '0 seconds' WHEN k = 'c' THEN '{} seconds' ELSE '{} seconds' END",
                2 * self.gap,
                self.gap
            )
        } else {
            format!("'{} seconds'", self.gap)
        };
        sql(&format!(
            "SELECT cast(cast(w.start AS BIGINT) AS STRING) AS s, cast(cast(w.end AS BIGINT) AS STRING) AS e, k, n, t FROM \
             (SELECT session_window(ts, {gap}) AS w, k, count(*) AS n, sum(v) AS t FROM l GROUP BY session_window(ts, {gap}), k)"
        ))
    }

    fn delays(&self) -> Vec<Option<i64>> {
        vec![Some(self.delay)]
    }

    fn mode(&self) -> &'static str {
        if self.complete { "complete" } else { "append" }
    }
}
