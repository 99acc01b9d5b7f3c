//! Joins of two streams on a key and a time range, of all types; over two lists of waiting rows.

use super::clock::Clock;
use super::{Model, text};
use crate::engine::client::sql;
use crate::window_model::{Expected, Row};
use rivulet::proto as sc;

/// A right row fits a left one up to so many seconds after it.
const RANGE: i64 = 20;

const TYPES: [&str; 5] = ["INNER", "LEFT OUTER", "RIGHT OUTER", "FULL OUTER", "LEFT SEMI"];

#[derive(Clone, Copy)]
struct Waiting {
    row: Row,
    matched: bool,
}

pub struct StreamJoin {
    kind: &'static str,
    delays: [i64; 2],
    clock: Clock,
    waiting: [Vec<Waiting>; 2],
}

impl StreamJoin {
    pub fn of(seed: u64) -> Self {
        let delays = [[0, 15, 40][seed as usize / 5 % 3], [0, 10][seed as usize / 15 % 2]];
        Self {
            kind: TYPES[seed as usize % 5],
            delays,
            clock: Clock::new(&delays.map(Some)),
            waiting: [vec![], vec![]],
        }
    }

    fn outer(&self, side: usize) -> bool {
        match self.kind {
            "LEFT OUTER" => side == 0,
            "RIGHT OUTER" => side == 1,
            "FULL OUTER" => true,
            _ => false,
        }
    }

    /// Whether no row of the other side that is not late can fit. Spark steps back by a millisecond, so a row just at the
    /// bound is kept.
    fn hopeless(side: usize, row: &Row, watermark: i64) -> bool {
        let reach = [RANGE, 0][side];
        row.0.is_some_and(|t| t < watermark - reach)
    }

    fn fits(left: &Row, right: &Row) -> bool {
        let range = left.0.zip(right.0).is_some_and(|(l, r)| r >= l && r <= l + RANGE);
        left.1 == right.1 && range
    }

    fn show(&self, left: Option<&Row>, right: Option<&Row>) -> String {
        let side = |row: Option<&Row>| match row {
            Some((time, key, value)) => {
                let time = time.map_or("null".into(), |t| t.to_string());
                format!("{time}|{}|{value}", text(*key))
            }
            None => "null|null|null".into(),
        };
        if self.kind == "LEFT SEMI" {
            return side(left);
        }
        format!("{}|{}", side(left), side(right))
    }
}

impl Model for StreamJoin {
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected {
        let watermark = self.clock.now;
        let semi = self.kind == "LEFT SEMI";
        let (mut rows, mut updated, mut dropped) = (vec![], 0, 0);
        // Rows that can have no partner do not come in, but for the preserved side of an outer join.
        let came: Vec<Vec<Row>> = (0..2)
            .map(|side| {
                let keeps_null_keys = self.outer(side);
                input[side]
                    .iter()
                    .filter(|r| r.1.is_some() || keeps_null_keys)
                    .copied()
                    .collect()
            })
            .collect();
        for side in if semi { [1, 0] } else { [0, 1] } {
            for row in &came[side] {
                if row.0.is_some_and(|t| t <= self.clock.late) {
                    dropped += 1;
                    continue;
                }
                let mut matched = false;
                let mut others = std::mem::take(&mut self.waiting[1 - side]);
                others.retain_mut(|other| {
                    let (left, right) = if side == 0 {
                        (row, &other.row)
                    } else {
                        (&other.row, row)
                    };
                    if !Self::fits(left, right) {
                        return true;
                    }
                    matched = true;
                    other.matched = true;
                    if !semi {
                        rows.push(self.show(Some(left), Some(right)));
                    } else if side == 1 {
                        rows.push(self.show(Some(left), None));
                        return false;
                    }
                    true
                });
                self.waiting[1 - side] = others;
                if semi && side == 0 && matched {
                    rows.push(self.show(Some(row), None));
                    continue;
                }
                let timeless = row.0.is_none() && !self.outer(side);
                if Self::hopeless(side, row, watermark) || timeless {
                    if self.outer(side) && !matched {
                        let (left, right) = if side == 0 {
                            (Some(row), None)
                        } else {
                            (None, Some(row))
                        };
                        rows.push(self.show(left, right));
                    }
                    continue;
                }
                updated += 1;
                self.waiting[side].push(Waiting { row: *row, matched });
            }
        }
        for side in 0..2 {
            let (gone, stay): (Vec<Waiting>, Vec<Waiting>) = self.waiting[side]
                .iter()
                .partition(|w| Self::hopeless(side, &w.row, watermark));
            self.waiting[side] = stay;
            for w in gone.iter().filter(|w| self.outer(side) && !w.matched) {
                let (left, right) = if side == 0 {
                    (Some(&w.row), None)
                } else {
                    (None, Some(&w.row))
                };
                rows.push(self.show(left, right));
            }
        }
        self.clock.advance(&came);
        Expected {
            rows,
            watermark,
            state_rows: self.waiting.iter().map(Vec::len).sum(),
            state_updated: updated,
            dropped,
        }
    }

    fn closes_more(&self) -> bool {
        self.clock.moved()
    }

    fn query(&self) -> sc::Relation {
        let left = "cast(cast(l.ts AS BIGINT) AS STRING) AS lt, l.k AS lk, l.v AS lv";
        let right = "cast(cast(r.ts AS BIGINT) AS STRING) AS rt, r.k AS rk, r.v AS rv";
        let columns = if self.kind == "LEFT SEMI" {
            left.to_owned()
        } else {
            format!("{left}, {right}")
        };
        sql(&format!(
            "SELECT {columns} FROM l {} JOIN r ON l.k = r.k AND r.ts >= l.ts AND r.ts <= l.ts + INTERVAL {RANGE} SECONDS",
            self.kind
        ))
    }

    fn delays(&self) -> Vec<Option<i64>> {
        self.delays.map(Some).to_vec()
    }
}
