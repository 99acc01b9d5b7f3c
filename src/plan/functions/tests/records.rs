//! Single records of JSON and CSV as Spark reads them from files and by functions (`tests/goldens/records`, which
//! `tests/conformance/records.py` asks Spark for).
//!
//! What is known to differ stands with its cause in `known_records.txt`.

use std::collections::BTreeMap;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::run;
use crate::exec::decode::records;
use crate::plan::inference::{CsvColumns, JsonColumns};
use crate::plan::type_message::schema_from_text;
use crate::sources::Format;
use crate::values::base64::to_base64;
use crate::values::cast::to_text;
use crate::values::types;
use crate::values::zone::Zone;

/// A row's cells as text.
type Row = Vec<Option<String>>;

/// Records of one schema and options, with Spark's answers.
#[derive(serde::Deserialize)]
struct Suite {
    name: String,
    schema: String,
    options: BTreeMap<String, String>,
    records: Vec<String>,
    /// The rows of each record; or `{"error": …}`.
    file: Value,
    /// The cells of each record's struct, null for a null struct; or `{"error": …}`.
    function: Value,
}

fn suites(text: &str) -> Vec<Suite> {
    serde_json::from_str(text).expect("the goldens are JSON")
}

/// Returns the rows of a record that is a file of its own.
fn of_file(format: Format, suite: &Suite, record: &str) -> Result<Vec<Row>, String> {
    let options = suite
        .options
        .iter()
        .map(|(k, v)| (k.to_ascii_lowercase(), v.clone()))
        .collect();
    let schema = Schema::new(schema_from_text(&suite.schema).map_err(|e| e.message)?);
    let block = Buffer::from(format!("{record}\n").into_bytes());
    let (batches, _) = records(&format, &options, &schema, &schema, &[block]).map_err(|e| e.message)?;
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<StringArray> = batch.columns().iter().map(as_text).collect();
        let order = (0..columns.len()).filter(|i| batch.schema().field(*i).name() != "q");
        let binary = (0..columns.len()).filter(|i| batch.schema().field(*i).name() == "q");
        let order: Vec<usize> = order.chain(binary).collect();
        for row in 0..batch.num_rows() {
            let cells = order.iter().map(|c| &columns[*c]);
            rows.push(
                cells
                    .map(|c| c.is_valid(row).then(|| c.value(row).to_owned()))
                    .collect(),
            );
        }
    }
    Ok(rows)
}

fn as_text(column: &ArrayRef) -> StringArray {
    match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().iter().map(|b| b.map(to_base64)).collect(),
        _ => to_text(column, Zone::UTC).expect("cells have text"),
    }
}

/// Returns what the function makes of all records of a suite.
fn of_function(function: &str, suite: &Suite) -> Result<Vec<Option<Row>>, String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let fields = schema_from_text(&suite.schema).map_err(|e| e.message)?;
    let names = fields.iter().map(|f| f.name().as_str());
    let cells: Vec<String> = names
        .clone()
        .filter(|n| *n != "q")
        .map(|n| format!("CAST(v__.`{n}` AS STRING) AS `{n}`"))
        .chain(names.filter(|n| *n == "q").map(|_| "base64(v__.q) AS q".to_owned()))
        .collect();
    let rows: Vec<String> = suite
        .records
        .iter()
        .enumerate()
        .map(|(i, r)| format!("({i}, {})", quoted(r)))
        .collect();
    let options: Vec<String> = suite
        .options
        .iter()
        .map(|(k, v)| format!("{}, {}", quoted(k), quoted(v)))
        .collect();
    let options = if options.is_empty() {
        String::new()
    } else {
        format!(", map({})", options.join(", "))
    };
    let query = format!(
        "SELECT i__, v__ IS NULL AS missing__, {} FROM (SELECT i__, {function}(r__, {}{options}) AS v__ FROM VALUES {} AS t(i__, r__)) ORDER BY i__",
        cells.join(", "),
        quoted(&suite.schema),
        rows.join(", ")
    );
    let frame = run::sql(&query, &BTreeMap::new(), &run::Tables::default()).map_err(|e| e.message)?;
    let row = |row: &Value| {
        let cells = row.as_array().expect("a row is an array");
        let text = |cell: &Value| cell.as_str().map(str::to_owned);
        (cells[1] == Value::Bool(false)).then(|| cells[2..].iter().map(text).collect())
    };
    Ok(frame.rows.iter().map(row).collect())
}

/// Returns what differs from Spark, a line each.
fn differences(format: Format, function: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for suite in suites(text) {
        let refused = |answer: &Value| answer.get("error").is_some();
        if refused(&suite.file) {
            let refuses = suite.records.iter().any(|r| of_file(format, &suite, r).is_err());
            out.extend((!refuses).then(|| format!("{}\tfile\tis not refused", suite.name)));
        } else {
            for (record, wanted) in suite
                .records
                .iter()
                .zip(suite.file.as_array().expect("rows for each record"))
            {
                let wanted: Vec<Row> = serde_json::from_value(wanted.clone()).expect("rows are cells");
                let found = of_file(format, &suite, record);
                if found.as_ref() != Ok(&wanted) {
                    out.push(format!(
                        "{}\tfile\t{record:?}\t{found:?}\tand not {wanted:?}",
                        suite.name
                    ));
                }
            }
        }
        let found = of_function(function, &suite);
        if refused(&suite.function) {
            out.extend(
                found
                    .is_ok()
                    .then(|| format!("{}\t{function}\tis not refused", suite.name)),
            );
            continue;
        }
        let wanted: Vec<Option<Row>> = serde_json::from_value(suite.function.clone()).expect("rows are cells");
        match found {
            Err(why) => out.push(format!("{}\t{function}\t{why}", suite.name)),
            Ok(found) => {
                for ((record, found), wanted) in suite.records.iter().zip(found).zip(wanted) {
                    if found != wanted {
                        out.push(format!(
                            "{}\t{function}\t{record:?}\t{found:?}\tand not {wanted:?}",
                            suite.name
                        ));
                    }
                }
            }
        }
    }
    out
}

/// Compares what differs with what is known to.
fn check(format: Format, function: &str, text: &str) {
    all_known(&differences(format, function, text));
}

/// Asserts that every difference stands in the list of those that are known.
fn all_known(found: &[String]) {
    let known: Vec<Vec<&str>> = include_str!("known_records.txt")
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .map(|l| l.split('\t').collect())
        .collect();
    let is_known = |line: &String| {
        let parts: Vec<&str> = line.split('\t').collect();
        let same = |known: &Vec<&str>| known.iter().take(3).zip(&parts).all(|(k, part)| k == part || *k == "*");
        known.iter().any(same)
    };
    let unknown: Vec<&str> = found
        .iter()
        .filter(|line| !is_known(line))
        .map(String::as_str)
        .collect();
    assert!(
        unknown.is_empty(),
        "{} records differ from Spark:\n{}",
        unknown.len(),
        unknown.join("\n")
    );
}

#[test]
fn records_of_json_are_what_spark_reads() {
    check(
        Format::Json,
        "from_json",
        include_str!("../../../../tests/goldens/records/json.json"),
    );
}

#[test]
fn records_of_csv_are_what_spark_reads() {
    check(
        Format::Csv,
        "from_csv",
        include_str!("../../../../tests/goldens/records/csv.json"),
    );
}

/// Lines of a file, with the columns that Spark finds in them or the condition of its refusal.
#[derive(serde::Deserialize)]
struct Inferred {
    format: String,
    options: BTreeMap<String, String>,
    lines: Vec<String>,
    schema: Option<String>,
    error: Option<String>,
}

#[test]
fn columns_are_inferred_as_spark_infers_them() {
    let cases: Vec<Inferred> = serde_json::from_str(include_str!("../../../../tests/goldens/records/inferred.json"))
        .expect("the goldens are JSON");
    let mut wrong = Vec::new();
    for case in &cases {
        let options = case
            .options
            .iter()
            .map(|(k, v)| (k.to_ascii_lowercase(), v.clone()))
            .collect();
        let found = if case.format == "json" {
            JsonColumns::new(&options).and_then(|mut columns| {
                case.lines.iter().try_for_each(|line| columns.line(line))?;
                Ok(columns.finish())
            })
        } else {
            CsvColumns::new(&options, Zone::UTC).map(|mut columns| {
                let lines: Vec<_> = case.lines.iter().map(|line| line.as_str().into()).collect();
                columns.file(&lines);
                columns.finish()
            })
        };
        let ddl = |f: &FieldRef| {
            format!(
                "{} {}",
                types::quote_if_needed(f.name()),
                types::sql_name(f.data_type())
            )
        };
        let found = found.map(|fields| fields.iter().map(ddl).collect::<Vec<_>>().join(", "));
        if found.is_err() != case.error.is_some() || found.as_ref().ok() != case.schema.as_ref() {
            let (options, lines) = (&case.options, &case.lines);
            wrong.push(format!(
                "inferred\t{options:?}\t{lines:?}\t{found:?}\tand not {:?}",
                case.schema
            ));
        }
    }
    all_known(&wrong);
}

#[test]
fn records_of_any_bytes_are_read_without_a_panic_and_the_good_ones_beside_them_as_ever() {
    let mut random = SmallRng::seed_from_u64(11);
    let goldens = [
        (
            Format::Json,
            include_str!("../../../../tests/goldens/records/json.json"),
        ),
        (Format::Csv, include_str!("../../../../tests/goldens/records/csv.json")),
    ];
    for (format, text) in goldens {
        let good = if format == Format::Json {
            "{\"k\":\"good\"}"
        } else {
            "good,,"
        };
        for suite in suites(text)
            .iter()
            .filter(|s| s.schema.starts_with("k STRING") && s.options.is_empty())
        {
            let schema = Schema::new(schema_from_text(&suite.schema).expect("a schema"));
            for record in &suite.records {
                let mut bytes = record.clone().into_bytes();
                for _ in 0..random.random_range(1..4) {
                    let at = random.random_range(0..=bytes.len());
                    match random.random_range(0..4) {
                        0 => bytes.insert(at, random.random()),
                        1 => bytes.truncate(at),
                        2 if at < bytes.len() => {
                            bytes[at] = *b"{}[]\",:\\'0-. \r\xff\xc3"
                                .get(random.random_range(0..16))
                                .expect("a byte")
                        }
                        _ if at < bytes.len() => drop(bytes.remove(at)),
                        _ => {}
                    }
                }
                let block = [good.as_bytes(), b"\n", &bytes, b"\n", good.as_bytes()].concat();
                let (batches, _) = records(&format, &BTreeMap::new(), &schema, &schema, &[Buffer::from(block)])
                    .unwrap_or_else(|e| panic!("{bytes:?}: {e}"));
                let first = batches.first().expect("the good records make rows").column(0);
                let last = batches.last().expect("the good records make rows");
                let last = (last.column(0), last.num_rows() - 1);
                assert_eq!(first.as_string::<i32>().value(0), "good", "{bytes:?}");
                assert_eq!(last.0.as_string::<i32>().value(last.1), "good", "{bytes:?}");
            }
        }
    }
}
