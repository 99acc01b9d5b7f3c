//! Formats of dates and numbers, regular expressions and paths of JSON, at random.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use super::session::Session;
use super::watch::{End, Target, fuzz};
use crate::engine::client::sql;

struct Patterns(Session);

fn pattern(rng: &mut SmallRng, parts: &[&str]) -> String {
    let count = rng.random_range(0..8);
    let text: String = (0..count)
        .map(|_| {
            let part = parts.choose(rng).expect("some");
            part.repeat(if rng.random_bool(0.1) {
                rng.random_range(1..40)
            } else {
                1
            })
        })
        .collect();
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

impl Target for Patterns {
    fn new() -> Self {
        Self(Session::new())
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        const DATES: &[&str] = &[
            "y",
            "yyyy",
            "M",
            "MMMM",
            "LLL",
            "d",
            "dd",
            "D",
            "E",
            "e",
            "G",
            "Q",
            "q",
            "a",
            "H",
            "hh",
            "k",
            "K",
            "m",
            "s",
            "S",
            "SSSSSSSSS",
            "V",
            "VV",
            "z",
            "O",
            "X",
            "XXX",
            "x",
            "Z",
            "'",
            "''",
            "[",
            "]",
            "-",
            "/",
            " ",
            ":",
            "#",
            "{",
            "T",
            "w",
            "n",
            "p",
        ];
        const NUMBERS: &[&str] = &["9", "0", "G", ",", "D", ".", "S", "MI", "PR", "$", "L", "x"];
        const REGEX: &[&str] = &[
            "a",
            ".",
            "*",
            "+",
            "?",
            "(",
            ")",
            "[",
            "]",
            "{2}",
            "{1,3}",
            "{2147483647}",
            "|",
            "^",
            "$",
            "\\d",
            "\\b",
            "\\p{L}",
            "(?i)",
            "(?<n>",
            "(?=a)",
            "\\1",
            "[^a-z&&[b]]",
            "\\Q",
            "\\E",
            "é",
        ];
        const LIKES: &[&str] = &["%", "_", "a", "\\", "%%", "ä", "!"];
        const PATHS: &[&str] = &[
            "$",
            ".",
            "a",
            "[0]",
            "[*]",
            "..",
            "['a']",
            "[",
            "]",
            "*",
            "[99999999999999999999]",
        ];
        const PRINTF: &[&str] = &[
            "%",
            "d",
            "s",
            "5",
            "-",
            "0",
            ".",
            "2",
            "f",
            "x",
            "e",
            "$",
            "1",
            "c",
            "b",
            "n",
            ",",
            "(",
            "%s",
            "%999999999d",
        ];
        let statement = match rng.random_range(0..9) {
            0 => format!(
                "SELECT date_format(ts, '{0}'), to_timestamp(date_format(ts, '{0}'), '{0}') FROM VALUES (TIMESTAMP'2024-02-29 12:34:56.789'), \
                          (TIMESTAMP'0001-01-01 00:00:00'), (NULL) AS t(ts)",
                pattern(rng, DATES)
            ),
            1 => format!("SELECT to_date('2024-02-29', '{}')", pattern(rng, DATES)),
            2 => format!(
                "SELECT to_number('{}', '{1}'), to_char(12.3BD, '{1}')",
                pattern(rng, NUMBERS),
                pattern(rng, NUMBERS)
            ),
            3 => format!(
                "SELECT s RLIKE '{0}', regexp_replace(s, '{0}', '$1-'), regexp_extract_all(s, '{0}', 1) FROM VALUES ('aab1é'), ('') AS t(s)",
                pattern(rng, REGEX)
            ),
            4 => format!(
                "SELECT split(s, '{}', {}) FROM VALUES ('a,b'), (''), (NULL) AS t(s)",
                pattern(rng, REGEX),
                rng.random_range(-2..4)
            ),
            5 => format!(
                "SELECT s LIKE '{0}', s ILIKE '{0}' ESCAPE '!' FROM VALUES ('aab'), ('%'), ('') AS t(s)",
                pattern(rng, LIKES)
            ),
            6 => format!(
                "SELECT get_json_object('{{\"a\":[{{\"a\":1}},2]}}', '{}')",
                pattern(rng, PATHS)
            ),
            7 => format!(
                "SELECT format_string('{}', 1, 'a', 2.5D), printf('{}', 1L)",
                pattern(rng, PRINTF),
                pattern(rng, PRINTF)
            ),
            _ => format!(
                "SELECT format_number(12345.678, '{}'), overlay('abc' PLACING 'x' FROM {})",
                pattern(rng, &["#", ",", "0", ".", "%", ";", "'", "E"]),
                rng.random::<i32>()
            ),
        };
        note(&statement);
        let answer = self.0.rows(sql(&statement));
        self.0.end(answer)
    }
}

#[test]
fn patterns_end_in_values_or_in_an_error() {
    fuzz::<Patterns>("patterns", 600);
}
