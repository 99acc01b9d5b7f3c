//! `dropDuplicates` by key, by key and event time, and within the watermark; over a list of seen keys.

use super::clock::Clock;
use super::{Model, text};
use crate::engine::client::{relation, sql};
use crate::window_model::{Expected, Row};
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// On k, without a watermark.
    Forever,
    /// On k and ts.
    WithTime,
    /// On k, within the watermark's delay.
    Within,
}

pub struct Dedup {
    kind: Kind,
    delay: i64,
    clock: Clock,
    /// Key, time in it, and when it is forgotten.
    seen: Vec<(Option<&'static str>, Option<i64>, Option<i64>)>,
}

impl Dedup {
    pub fn of(seed: u64) -> Self {
        let kind = [Kind::Forever, Kind::WithTime, Kind::Within][seed as usize % 3];
        let delay = [0, 10, 60][seed as usize / 3 % 3];
        Self {
            kind,
            delay,
            clock: Clock::new(&[(kind != Kind::Forever).then_some(delay)]),
            seen: vec![],
        }
    }
}

impl Model for Dedup {
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected {
        let watermark = self.clock.now;
        let marked = self.kind != Kind::Forever;
        let (mut rows, mut dropped) = (vec![], 0);
        for (time, key, _) in &input[0] {
            if marked && time.is_some_and(|t| t <= self.clock.late) {
                dropped += 1;
                continue;
            }
            let key_time = time.filter(|_| self.kind == Kind::WithTime);
            if self.seen.iter().any(|(k, t, _)| (k, t) == (key, &key_time)) {
                continue;
            }
            let ends = match self.kind {
                Kind::Forever => None,
                Kind::WithTime => *time,
                Kind::Within => time.map(|t| t + self.delay),
            };
            self.seen.push((*key, key_time, ends));
            rows.push(match key_time {
                Some(t) => format!("{}|{t}", text(*key)),
                None if self.kind == Kind::WithTime => format!("{}|null", text(*key)),
                None => text(*key).to_owned(),
            });
        }
        let updated = rows.len();
        if marked {
            self.seen.retain(|(_, _, ends)| ends.is_none_or(|e| e > watermark));
        }
        self.clock.advance(input);
        Expected {
            rows,
            watermark,
            state_rows: self.seen.len(),
            state_updated: updated,
            dropped,
        }
    }

    fn closes_more(&self) -> bool {
        self.kind != Kind::Forever && self.clock.moved()
    }

    fn query(&self) -> sc::Relation {
        let columns = match self.kind {
            Kind::WithTime => vec!["k".to_owned(), "ts".to_owned()],
            _ => vec!["k".to_owned()],
        };
        let once = relation(RelType::Deduplicate(Box::new(sc::Deduplicate {
            input: Some(Box::new(sql("SELECT * FROM l"))),
            column_names: columns,
            within_watermark: Some(self.kind == Kind::Within),
            ..Default::default()
        })));
        let shown = match self.kind {
            Kind::WithTime => ["k", "cast(cast(ts AS BIGINT) AS STRING)"].as_slice(),
            _ => &["k"],
        };
        relation(RelType::Project(Box::new(sc::Project {
            input: Some(Box::new(once)),
            expressions: shown.iter().map(|text| expression(text)).collect(),
        })))
    }

    fn delays(&self) -> Vec<Option<i64>> {
        vec![(self.kind != Kind::Forever).then_some(self.delay)]
    }
}

fn expression(text: &str) -> sc::Expression {
    sc::Expression {
        common: None,
        expr_type: Some(sc::expression::ExprType::ExpressionString(
            sc::expression::ExpressionString {
                expression: text.into(),
            },
        )),
    }
}
