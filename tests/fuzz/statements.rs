//! Statements of functions over values at their edges, and the goldens' statements with words changed.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use super::session::Session;
use super::values::{TABLE, call, column, expression, value};
use super::watch::{End, Target, fuzz};
use super::words;
use crate::engine::client::sql;

struct Statements {
    session: Session,
    seen: Vec<String>,
}

/// A statement around random expressions.
fn made(rng: &mut SmallRng) -> String {
    let mut expr = |columns: bool| expression(rng, 3, columns);
    let (one, two, constant) = (expr(true), expr(true), expr(false));
    match rng.random_range(0..12) {
        0 | 1 => format!("SELECT {constant}"),
        2 | 3 => format!("SELECT {one}, {two} FROM {TABLE}"),
        4 => format!("SELECT {one} FROM {TABLE} WHERE {two} IS NOT NULL ORDER BY {one} LIMIT 2"),
        5 => format!(
            "SELECT {}, count(*), {} FROM {TABLE} GROUP BY 1",
            column(rng),
            call(rng, 2, true)
        ),
        6 => format!(
            "SELECT {} OVER (PARTITION BY {} ORDER BY {}) FROM {TABLE}",
            call(rng, 2, true),
            column(rng),
            column(rng)
        ),
        7 => format!("SELECT * FROM {TABLE} a JOIN {TABLE} b ON {one} = {two}").replace("AS t(", "AS t("),
        8 => format!("SELECT {one} FROM {TABLE} UNION ALL SELECT {two} FROM {TABLE}"),
        9 => format!("SELECT * FROM {TABLE} LATERAL VIEW {} q", call(rng, 2, true)),
        10 => format!(
            "SELECT {}, {one} FROM {TABLE} GROUP BY CUBE ({}, {})",
            column(rng),
            column(rng),
            column(rng)
        ),
        _ => format!(
            "SELECT (SELECT max({one}) FROM {TABLE}), {two} FROM {TABLE} WHERE i IN (SELECT {} FROM {TABLE})",
            column(rng)
        ),
    }
}

impl Target for Statements {
    fn new() -> Self {
        Self {
            session: Session::new(),
            seen: words::statements(),
        }
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        let text = match rng.random_range(0..3) {
            0 => {
                let statement = self.seen.choose(rng).expect("there are goldens").clone();
                words::changed(rng, &statement, value)
            }
            _ => made(rng),
        };
        note(&text);
        let answer = self.session.rows(sql(&text));
        self.session.end(answer)
    }
}

#[test]
fn statements_end_in_rows_or_in_an_error_of_their_own() {
    fuzz::<Statements>("statements", 500);
}
