//! Lines of JSON and CSV by random schemas and options, through the functions that read them.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use super::session::Session;
use super::watch::{End, Target, fuzz};
use crate::engine::client::sql;

struct Texts(Session);

/// A JSON value, mostly well formed.
fn json(rng: &mut SmallRng, depth: usize) -> String {
    match rng.random_range(0..if depth == 0 { 8 } else { 11 }) {
        0 => "null".into(),
        1 => [
            "true",
            "false",
            "NaN",
            "-Infinity",
            "+1",
            "01",
            ".5",
            "1e",
            "1E400",
            "0x1",
        ]
        .choose(rng)
        .expect("some")
        .to_string(),
        2 => rng.random::<i64>().to_string(),
        3 => format!("{}e{}", rng.random_range(-9.0..9.0), rng.random_range(-400..400)),
        4 => "\"\\u00e4\\ud83d\\ude00\\n\\q\"".into(),
        5 => "\"2024-02-29T12:34:56.789+01:00\"".into(),
        6 => format!("\"{}\"", "x".repeat(rng.random_range(0..40))),
        7 => "'single'".into(),
        8 => {
            let items: Vec<String> = (0..rng.random_range(0..4)).map(|_| json(rng, depth - 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => {
            let fields: Vec<String> = (0..rng.random_range(0..4))
                .map(|_| {
                    let name = ["a", "b", "A", "c.d", "", "ä"].choose(rng).expect("some");
                    format!("\"{name}\":{}", json(rng, depth - 1))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn data_type(rng: &mut SmallRng, depth: usize) -> String {
    if depth > 0 && rng.random_bool(0.3) {
        return match rng.random_range(0..3) {
            0 => format!("ARRAY<{}>", data_type(rng, depth - 1)),
            1 => format!("MAP<STRING, {}>", data_type(rng, depth - 1)),
            _ => format!(
                "STRUCT<a: {}, b: {}>",
                data_type(rng, depth - 1),
                data_type(rng, depth - 1)
            ),
        };
    }
    const TYPES: &[&str] = &[
        "INT",
        "TINYINT",
        "BIGINT",
        "DOUBLE",
        "FLOAT",
        "STRING",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "DECIMAL(38, 10)",
        "DECIMAL(3, 3)",
        "BINARY",
    ];
    TYPES.choose(rng).expect("some").to_string()
}

fn damaged(rng: &mut SmallRng, text: String) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..rng.random_range(0..3) {
        if chars.is_empty() {
            break;
        }
        let at = rng.random_range(0..chars.len());
        match rng.random_range(0..4) {
            0 => {
                chars.remove(at);
            }
            1 => chars.insert(
                at,
                *['"', '\\', '{', ']', ',', '\u{0}', '\u{FEFF}', '\n']
                    .choose(rng)
                    .expect("some"),
            ),
            2 => chars.truncate(at),
            _ => chars[at] = rng.random(),
        }
    }
    chars.into_iter().collect()
}

impl Target for Texts {
    fn new() -> Self {
        Self(Session::new())
    }

    fn run(&mut self, rng: &mut SmallRng, note: &mut dyn FnMut(&str)) -> End {
        let schema = format!("a {}, b {}, _c STRING", data_type(rng, 2), data_type(rng, 1));
        let is_json = rng.random_bool(0.6);
        let text = if is_json {
            json(rng, 3)
        } else {
            let cells: Vec<String> = (0..rng.random_range(0..5)).map(|_| json(rng, 0)).collect();
            cells.join([",", "|", ", "].choose(rng).expect("some"))
        };
        let text = damaged(rng, text).replace('\\', "\\\\").replace('\'', "\\'");
        const OPTIONS: &[(&str, &[&str])] = &[
            ("mode", &["PERMISSIVE", "FAILFAST", "DROPMALFORMED"]),
            ("columnNameOfCorruptRecord", &["_c"]),
            ("allowSingleQuotes", &["true", "false"]),
            ("allowNonNumericNumbers", &["true", "false"]),
            ("dateFormat", &["dd/MM/yyyy", "yyyy-'W'ww", "G"]),
            ("timestampFormat", &["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "EEEE", "''"]),
            ("sep", &["|", "\\t", ",,"]),
            ("quote", &["'", ""]),
            ("escape", &["\\", "|"]),
            ("nullValue", &["", "null"]),
            ("timeZone", &["Asia/Kolkata", "+26:00"]),
        ];
        let options: Vec<String> = (0..rng.random_range(0..3))
            .map(|_| {
                let (name, values) = OPTIONS.choose(rng).expect("some");
                let value = values
                    .choose(rng)
                    .expect("some")
                    .replace('\\', "\\\\")
                    .replace('\'', "\\'");
                format!("'{name}', '{value}'")
            })
            .collect();
        let map = if options.is_empty() {
            String::new()
        } else {
            format!(", map({})", options.join(", "))
        };
        let kind = if is_json { "json" } else { "csv" };
        let statement = match rng.random_range(0..5) {
            0 => format!("SELECT schema_of_{kind}('{text}'{map})"),
            1 if is_json => {
                format!("SELECT get_json_object(t, '$.a[*].b'), json_tuple(t, 'a', 'b') FROM VALUES ('{text}') AS v(t)")
            }
            2 => format!("SELECT to_{kind}(from_{kind}(t, '{schema}'{map})) FROM VALUES ('{text}') AS v(t)"),
            _ => format!("SELECT from_{kind}(t, '{schema}'{map}) FROM VALUES ('{text}'), (NULL) AS v(t)"),
        };
        note(&statement);
        let answer = self.0.rows(sql(&statement));
        self.0.end(answer)
    }
}

#[test]
fn texts_end_in_rows_or_in_an_error() {
    fuzz::<Texts>("texts", 1000);
}
