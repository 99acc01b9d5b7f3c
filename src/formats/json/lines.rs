//! Records that are written plainly, read in one pass straight into columns.
//!
//! What a record looks like is guessed from the one before: feeds write the same names in the same order, so a name is
//! compared and not looked up. Values of members that nobody asked for are checked and passed over. Strings are scanned
//! sixteen bytes at a time.
//!
//! ```text
//! {"id":7,"text":"a #b","user":{…},"at":"2024-03-01T10:11:12Z"}
//!  └─┬─┘  └──┬──┘       └────┬───┘  └─ the third name, as last time: the column of `at`
//!    │       │               └ nobody's: checked, passed over
//!    │       └ the second name, as last time: bytes up to the quote go to the column of `text`
//!    └ the first name, as last time: digits go to the column of `id`
//! ```
//!
//! Anything else makes [`Plain::record`] give up, and the caller reads the record by its tree: single quotes, `NaN`, rare
//! escapes, a value of another type, malformed text.

use arrow::datatypes::*;

use super::read::Reader;
use super::scan::{digits, items, member, skip, space, string, unescaped, word};
use crate::formats::column::{Column, Number};
use crate::values::bytes::same;

/// Most members of a record whose names are guessed.
const MAX_GUESSED: usize = 256;

/// Most levels that are read in this way; deeper ones are left to the tree.
const MAX_PLAIN_DEPTH: usize = 64;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads plain records by a schema.
#[derive(Debug)]
pub struct Plain {
    /// The fields of a record, with their names and quotes and the colon.
    fields: Fields,
    /// Names of the record before as they are written, from quote to colon, with the columns that they are for.
    guesses: Vec<(Vec<u8>, Option<usize>)>,
}

impl Plain {
    /// Makes a reader of records with these fields.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            guesses: vec![],
        }
    }

    /// Reads an object that begins at `at`, after white space, into a column for each field, and returns where it ends.
    /// `None` leaves it to the tree; columns may have got cells by then, which the caller cuts off.
    pub fn record(&mut self, reader: &Reader, text: &str, at: usize, columns: &mut [Column]) -> Option<usize> {
        let bytes = text.as_bytes();
        let row = columns.first().map_or(0, Column::len);
        let mut at = space(bytes, at);
        if bytes.get(at) != Some(&b'{') {
            return None;
        }
        at = space(bytes, at + 1);
        let mut member = 0;
        let mut found = 0;
        if bytes.get(at) == Some(&b'}') {
            at += 1;
        } else {
            loop {
                let target = match self.guesses.get(member) {
                    Some((name, target)) if bytes.get(at..at + name.len()).is_some_and(|b| same(b, name)) => {
                        at += name.len();
                        *target
                    }
                    _ => {
                        let (end, target) = self.name(text, at, member)?;
                        at = end;
                        target
                    }
                };
                member += 1;
                at = space(bytes, at);
                match target {
                    None => at = skip(bytes, at, 1)?,
                    Some(column) => {
                        let (field, column) = (self.fields.get(column)?, columns.get_mut(column)?);
                        if column.len() > row {
                            column.truncate(row);
                        } else {
                            found += 1;
                        }
                        at = value(reader, text, at, column, field.data_type(), 1)?;
                    }
                }
                at = space(bytes, at);
                match bytes.get(at)? {
                    b',' => at = space(bytes, at + 1),
                    b'}' => {
                        at += 1;
                        break;
                    }
                    _ => return None,
                }
            }
        }
        if found < columns.len() {
            columns
                .iter_mut()
                .filter(|c| c.len() == row)
                .for_each(Column::push_null);
        }
        Some(at)
    }

    /// Reads a name that was not guessed, up to its colon, and remembers it. Returns where it ends, and its column.
    fn name(&mut self, text: &str, at: usize, member: usize) -> Option<(usize, Option<usize>)> {
        let bytes = text.as_bytes();
        let (end, escaped) = string(bytes, at)?;
        if escaped {
            return None;
        }
        let name = text.get(at + 1..end - 1)?;
        let target = self.fields.iter().position(|f| f.name() == name);
        let colon = space(bytes, end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        self.guesses.truncate(member);
        if member < MAX_GUESSED {
            self.guesses.push((bytes[at..=colon].to_vec(), target));
        }
        Some((colon + 1, target))
    }
}

/// Reads a value into a column and returns where it ends; `None` leaves it to the tree.
fn value(reader: &Reader, text: &str, at: usize, column: &mut Column, to: &DataType, depth: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    match (*bytes.get(at)?, to) {
        (b'n', _) => {
            column.push_null();
            word(bytes, at, b"null")
        }
        (b'"', DataType::Utf8) => {
            let (end, escaped) = string(bytes, at)?;
            let body = bytes.get(at + 1..end - 1)?;
            if escaped {
                column.push_bytes(&unescaped(body)?, false)?;
            } else {
                column.push_bytes(body, false)?;
            }
            Some(end)
        }
        (b'"', _) => {
            let (end, escaped) = string(bytes, at)?;
            if escaped {
                return None;
            }
            reader.push_parsed(text.get(at + 1..end - 1)?, column, to)?;
            Some(end)
        }
        (b'-' | b'0'..=b'9', _) => number(reader, text, at, column, to),
        (first @ (b't' | b'f'), DataType::Boolean) => {
            column.push_bool(first == b't')?;
            word(bytes, at, if first == b't' { b"true" } else { b"false" })
        }
        (first @ (b't' | b'f'), DataType::Utf8) => {
            let written: &[u8] = if first == b't' { b"true" } else { b"false" };
            column.push_bytes(written, false)?;
            word(bytes, at, written)
        }
        (b'[' | b'{', DataType::Utf8) if reader.exact => {
            let end = skip(bytes, at, depth)?;
            column.push_bytes(&bytes[at..end], false)?;
            Some(end)
        }
        (b'[', DataType::List(item)) if depth < MAX_PLAIN_DEPTH => {
            let elements = column.elements()?;
            let end = items(bytes, at, b']', |at| {
                value(reader, text, at, elements, item.data_type(), depth + 1)
            })?;
            column.end_nested();
            Some(end)
        }
        (b'{', DataType::Struct(fields)) if depth < MAX_PLAIN_DEPTH => {
            let columns = column.fields()?.1;
            let row = columns.first().map_or(0, Column::len);
            let end = items(bytes, at, b'}', |at| {
                let (at, name) = member(bytes, at)?;
                match fields.iter().position(|f| f.name().as_bytes() == name) {
                    None => skip(bytes, at, depth + 1),
                    Some(i) => {
                        columns[i].truncate(row);
                        value(reader, text, at, &mut columns[i], fields[i].data_type(), depth + 1)
                    }
                }
            })?;
            columns
                .iter_mut()
                .filter(|c| c.len() == row)
                .for_each(Column::push_null);
            column.end_nested();
            Some(end)
        }
        _ => None,
    }
}

/// Reads a number into a column and returns where it ends.
fn number(reader: &Reader, text: &str, at: usize, column: &mut Column, to: &DataType) -> Option<usize> {
    let digits = digits(text.as_bytes(), at)?;
    let whole = digits.fraction == 0 && !digits.exponent && digits.count <= 18;
    let signed = |n: u64| if digits.negative { -(n as i64) } else { n as i64 };
    match to {
        DataType::Int64 | DataType::Int32 | DataType::Int16 if whole => {
            column.push_number(Number::Whole(signed(digits.mantissa)))?;
        }
        DataType::Float64 | DataType::Float32 if digits.count <= 15 && !digits.exponent => {
            let size = digits.mantissa as f64 / POWERS[digits.fraction];
            let below = digits.negative && !(whole && digits.mantissa == 0);
            column.push_number(Number::Double(if below { -size } else { size }))?;
        }
        DataType::Utf8 if reader.exact || (whole && !(digits.negative && digits.mantissa == 0)) => {
            column.push_bytes(&text.as_bytes()[at..digits.end], false)?;
        }
        DataType::Utf8 => return None,
        _ => reader.push_number(text.get(at..digits.end)?, column, to)?,
    }
    Some(digits.end)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::formats::json::text::{Json, Leniency, parse};
    use crate::values::types::{list_of, timestamp};
    use crate::values::zone::Zone;

    /// Pieces of values, well and badly formed.
    const VALUES: &[&str] = &[
        "1",
        "-1",
        "-0",
        "01",
        "1.5",
        "1e2",
        "2147483648",
        "9223372036854775808",
        "0.1",
        "1.",
        "true",
        "false",
        "null",
        "NaN",
        "tru",
        "\"\"",
        "\"x\"",
        "\"a\\nb\"",
        "\"a\\u00e9\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"a\\qb\"",
        "\"a\tb\"",
        "\"é 日本\"",
        "\"1\"",
        "\"1.5\"",
        "\"2024-03-01T10:11:12.345Z\"",
        "\"2024-03-01\"",
        "'x'",
        "[]",
        "[1,2]",
        "[1, null]",
        "[1,\"x\"]",
        "[1,]",
        "[[1]]",
        "{}",
        "{\"x\":1}",
        "{\"x\":1,\"y\":\"z\"}",
        "{ \"y\" : \"z\" , \"x\" : 2 }",
        "{\"x\":\"p\"}",
        "{\"x\":1,\"x\":2}",
        "{\"w\":[1,{\"v\":\"}\"}]}",
        "{\"x\":1",
        "\"open",
    ];

    fn fields() -> Fields {
        let of = |name: &str, to: DataType| Field::new(name, to, true);
        let inner = vec![of("x", DataType::Int32), of("y", DataType::Utf8)];
        Fields::from(vec![
            of("i", DataType::Int32),
            of("l", DataType::Int64),
            of("d", DataType::Float64),
            of("s", DataType::Utf8),
            of("b", DataType::Boolean),
            of("t", timestamp()),
            of("n", DataType::Decimal128(10, 2)),
            of("a", list_of(DataType::Int32)),
            of("r", DataType::Struct(inner.into())),
        ])
    }

    fn of<'a>(random: &mut SmallRng, from: &[&'a str]) -> &'a str {
        from[random.random_range(0..from.len())]
    }

    fn record(random: &mut SmallRng) -> String {
        let mut out = of(random, &["{", " {", "{ ", "\t{"]).to_owned();
        for member in 0..random.random_range(0..6) {
            out += if member == 0 {
                ""
            } else {
                of(random, &[",", ", ", " ,", ","])
            };
            let name = of(random, &["i", "l", "d", "s", "b", "t", "n", "a", "r", "other", "é"]);
            out += &format!("\"{name}\"{}", of(random, &[":", ": ", " :", ":"]));
            out += of(random, VALUES);
        }
        out + of(random, &["}", " }", "}", "} x", "", "}}"])
    }

    fn columns() -> Vec<Column> {
        fields().iter().map(|f| Column::new(f.data_type())).collect()
    }

    #[test]
    fn what_is_read_plainly_is_what_the_tree_says() {
        let fields = fields();
        let mut plainly = 0;
        for exact in [true, false] {
            let reader = Reader::new(&BTreeMap::new(), Zone::UTC, exact).unwrap();
            let mut plain = Plain::new(fields.clone());
            let mut random = SmallRng::seed_from_u64(u64::from(exact));
            for _ in 0..20_000 {
                let text = record(&mut random);
                let mut found = columns();
                if plain.record(&reader, &text, 0, &mut found).is_none() {
                    continue;
                }
                plainly += 1;
                let Some(Json::Object(object, _)) = parse(&text, Leniency::DEFAULT, false) else {
                    panic!("{text} is malformed");
                };
                let (mut wanted, mut bad) = (columns(), false);
                reader.record(&object, &text, &mut wanted, &fields, &mut bad);
                assert!(!bad, "{text} does not fit");
                for (found, wanted) in found.into_iter().zip(wanted) {
                    assert_eq!(
                        found.finish().unwrap().as_ref(),
                        wanted.finish().unwrap().as_ref(),
                        "{text}"
                    );
                }
            }
        }
        assert!(plainly > 4_000, "only {plainly} records were read plainly");
    }

    #[test]
    fn names_are_guessed_from_the_record_before_and_found_when_the_guess_is_wrong() {
        let reader = Reader::new(&BTreeMap::new(), Zone::UTC, true).unwrap();
        let mut plain = Plain::new(fields());
        let mut found = columns();
        for text in [
            r#"{"i":1,"s":"a"}"#,
            r#"{"i":2,"s":"b"}"#,
            r#"{"s":"c","i":3}"#,
            r#"{"l":4}"#,
            r#"{"i":5,"s":"d"}"#,
        ] {
            assert_eq!(plain.record(&reader, text, 0, &mut found), Some(text.len()));
        }
        let array = found.swap_remove(0).finish().unwrap();
        let wanted = arrow::array::Int32Array::from(vec![Some(1), Some(2), Some(3), None, Some(5)]);
        assert_eq!(array.as_ref(), &wanted as &dyn arrow::array::Array);
    }

    #[test]
    fn deep_values_that_nobody_asked_for_are_passed_over_up_to_the_limit() {
        let reader = Reader::new(&BTreeMap::new(), Zone::UTC, true).unwrap();
        let deep = |levels: usize| format!("{{\"z\":{}{},\"i\":1}}", "[".repeat(levels), "]".repeat(levels));
        let mut plain = Plain::new(fields());
        assert!(plain.record(&reader, &deep(900), 0, &mut columns()).is_some());
        assert!(plain.record(&reader, &deep(100_000), 0, &mut columns()).is_none());
    }
}
