//! Bytes to rows: JSON lines, CSV and text with Spark's parse modes, Arrow streams, local rows and ranges.
//!
//! Whole blocks go through Arrow's readers. If a block holds a record that its schema does not fit, the block is halved
//! until the bad lines stand alone; those are read leniently, field by field, as `JacksonParser` and `UnivocityParser`
//! do:
//!
//! ```text
//! [........✗.......]  strict reader fails
//! [........] [✗.......]  first half whole; second halved again
//!            [✗...] [....]
//!            … ✗  read leniently: nulls for what does not fit, `_corrupt_record` for the line
//! ```
//!
//! So `k` bad lines among `n` cost about `k · log n` reads of parts, and good blocks cost one.

mod conform;
mod json;
mod range;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use serde_json::Value;

use json::{json_scalar, read_json};
use range::range;

pub use conform::conform;
use conform::conformed;

use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::TaskInputs;
use crate::ids::PartitionId;
use crate::plan::scan::{Origin, Scan};
use crate::sources::Format;
use crate::values::cast::{Mode, cast_array};
use crate::values::ipc;
use crate::values::zone::Zone;

/// Most rows of one batch.
const BATCH_ROWS: usize = 8192;

/// What to do with a malformed record (`ParseMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParseMode {
    /// Nulls for what does not fit, and the record in the column of corrupt records, if there is one.
    Permissive,
    /// The record is left out.
    DropMalformed,
    /// The query fails.
    FailFast,
}

/// Returns the rows of one partition of a scan, projected, under the ids of `out`.
///
/// Rows and malformed records are counted in the task's report, whatever the parse mode does with them.
///
/// # Errors
/// `MALFORMED_RECORD_IN_PARSING` if a record does not fit in FAILFAST mode; if an Arrow block cannot be read.
pub fn scan(
    scan: &Scan,
    projection: Option<&[usize]>,
    out: &SchemaRef,
    partition: PartitionId,
    inputs: &TaskInputs,
) -> Result<Vec<RecordBatch>> {
    let whole: Vec<usize> = (0..scan.schema.fields().len()).collect();
    let columns = projection.unwrap_or(&whole);
    let wanted: Schema = scan.schema.project(columns)?;
    let blocks = inputs.scans.get(&scan.id).map(Vec::as_slice).unwrap_or_default();
    let mut malformed = 0;
    let batches = match &scan.origin {
        Origin::Local { ipc } if ipc.is_empty() => vec![],
        Origin::Local { ipc } => conformed(&ipc::read(&Buffer::from(ipc.to_vec()))?, columns, &wanted)?,
        Origin::Range { start, end, step } => range(*start, *end, *step, partition, scan.partitions, &wanted)?,
        Origin::Blocks {
            format: Format::Arrow, ..
        } => {
            let mut all = Vec::new();
            for block in blocks {
                all.extend(conformed(&ipc::read(block)?, columns, &wanted)?);
            }
            all
        }
        Origin::Blocks { format, options } => {
            let mut reader = Reader::new(*format, options, &scan.schema, &wanted)?;
            for block in blocks {
                reader.block(block)?;
            }
            malformed = reader.malformed;
            reader.batches
        }
    };
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut report = inputs.report();
    *report.scanned_rows.entry(scan.id).or_default() += rows as u64;
    if malformed > 0 {
        *report.malformed_records.entry(scan.id).or_default() += malformed;
    }
    batches.iter().map(|b| ipc::rename(b, out)).collect()
}

/// Reads text blocks into batches.
struct Reader {
    /// JSON, CSV or text.
    format: Format,
    /// What happens to a malformed record.
    mode: ParseMode,
    /// The zone of times without one (`timeZone`).
    zone: Zone,
    /// Whether a block's first line is a header, which is skipped.
    header: bool,
    /// What separates CSV fields.
    delimiter: u8,
    /// What stands for null in CSV.
    null_value: String,
    /// The column that takes malformed records, if it is asked for.
    corrupt: Option<usize>,
    /// All columns, for CSV, whose columns go by position.
    full: SchemaRef,
    /// Columns asked for.
    wanted: SchemaRef,
    /// What was read so far.
    batches: Vec<RecordBatch>,
    /// Malformed records so far.
    malformed: u64,
}

impl Reader {
    /// Reads the options.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for a CSV delimiter of more than one byte.
    fn new(format: Format, options: &BTreeMap<String, String>, full: &Schema, wanted: &Schema) -> Result<Self> {
        let option = |key: &str| options.get(key).map(String::as_str);
        let mode = match option("mode").unwrap_or("PERMISSIVE").to_ascii_uppercase().as_str() {
            "DROPMALFORMED" => ParseMode::DropMalformed,
            "FAILFAST" => ParseMode::FailFast,
            _ => ParseMode::Permissive,
        };
        let corrupt_name = option("columnnameofcorruptrecord").unwrap_or("_corrupt_record");
        let nullable = |s: &Schema| {
            Arc::new(Schema::new(
                s.fields()
                    .iter()
                    .map(|f| f.as_ref().clone().with_nullable(true))
                    .collect::<Vec<_>>(),
            ))
        };
        let delimiter = match option("sep").or(option("delimiter")).unwrap_or(",") {
            "\\t" => b'\t',
            text if text.len() == 1 => text.as_bytes()[0],
            text => {
                return Err(SparkError::unsupported(format!(
                    "the CSV delimiter '{text}' of more than one byte"
                )));
            }
        };
        let zone = option("timezone").and_then(Zone::parse).unwrap_or(Zone::UTC);
        Ok(Self {
            format,
            mode,
            zone,
            header: option("header").is_some_and(|h| h.eq_ignore_ascii_case("true")),
            delimiter,
            null_value: option("nullvalue").unwrap_or("").to_owned(),
            corrupt: wanted
                .fields()
                .iter()
                .position(|f| f.name() == corrupt_name && f.data_type() == &DataType::Utf8),
            full: nullable(full),
            wanted: nullable(wanted),
            batches: vec![],
            malformed: 0,
        })
    }

    /// Reads one block; a byte order mark at its start is skipped.
    fn block(&mut self, block: &Buffer) -> Result<()> {
        let bytes = block.as_slice();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match self.format {
            Format::Text => self.text(bytes),
            Format::Csv => {
                let body = if self.header { after_first_line(bytes) } else { bytes };
                self.lines(body)
            }
            _ => self.lines(bytes),
        }
    }

    /// Reads lines as strings; bytes that are not UTF-8 become replacement characters.
    fn text(&mut self, bytes: &[u8]) -> Result<()> {
        let lines: StringArray = split_lines(bytes).map(|l| Some(String::from_utf8_lossy(l))).collect();
        let rows = lines.len();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns: Vec<ArrayRef> = self
            .wanted
            .fields()
            .iter()
            .map(|_| Arc::new(lines.clone()) as ArrayRef)
            .collect();
        self.batches.push(RecordBatch::try_new_with_options(
            self.wanted.clone(),
            columns,
            &options,
        )?);
        Ok(())
    }

    /// Reads lines whole; halves the block around malformed ones.
    fn lines(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let read = match self.format {
            Format::Json if self.zone == Zone::UTC => read_json(bytes, &self.wanted),
            Format::Json => Err(()),
            _ => self.read_csv(bytes),
        };
        if let Ok(batches) = read {
            self.batches.extend(batches);
            return Ok(());
        }
        match middle_line(bytes) {
            Some(middle) => {
                self.lines(&bytes[..middle])?;
                self.lines(&bytes[middle..])
            }
            None => self.single(bytes),
        }
    }

    /// Reads CSV by Arrow's reader, then casts each column.
    ///
    /// # Errors
    /// If any record has another number of fields, or a field does not fit; which one is not said.
    fn read_csv(&self, bytes: &[u8]) -> std::result::Result<Vec<RecordBatch>, ()> {
        let texts: Vec<Field> = self
            .full
            .fields()
            .iter()
            .map(|f| Field::new(f.name(), DataType::Utf8, true))
            .collect();
        let full_columns: Vec<usize> = self
            .wanted
            .fields()
            .iter()
            .filter_map(|f| self.full.index_of(f.name()).ok())
            .collect();
        let data_columns = texts.len() - usize::from(self.has_corrupt_column());
        let schema = Arc::new(Schema::new(texts[..data_columns].to_vec()));
        let reader = arrow::csv::ReaderBuilder::new(schema)
            .with_header(false)
            .with_delimiter(self.delimiter)
            .with_escape(b'\\')
            .with_batch_size(BATCH_ROWS)
            .build(Cursor::new(bytes))
            .map_err(drop)?;
        let mut out = Vec::new();
        for batch in reader {
            let batch = batch.map_err(drop)?;
            let mut columns: Vec<ArrayRef> = Vec::new();
            for (i, field) in full_columns.iter().zip(self.wanted.fields()) {
                if *i >= data_columns {
                    columns.push(new_null_array(&DataType::Utf8, batch.num_rows()));
                    continue;
                }
                let text = batch.column(*i);
                let null_value = self.null_value.as_str();
                let cleaned: StringArray = text
                    .as_string::<i32>()
                    .iter()
                    .map(|t| t.filter(|t| *t != null_value))
                    .collect();
                let text: ArrayRef = Arc::new(cleaned);
                let cast = cast_array(&text, field.data_type(), Mode::Try, self.zone).map_err(drop)?;
                if cast.null_count() > text.null_count() {
                    return Err(());
                }
                columns.push(cast);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            out.push(RecordBatch::try_new_with_options(self.wanted.clone(), columns, &options).map_err(drop)?);
        }
        Ok(out)
    }

    /// Returns whether the last declared column takes malformed records: it is not a field of the file then.
    fn has_corrupt_column(&self) -> bool {
        self.corrupt.is_some_and(|c| {
            self.full
                .fields()
                .last()
                .is_some_and(|f| f.name() == self.wanted.field(c).name())
        })
    }

    /// Reads one record that did not fit as it stands, by the parse mode.
    fn single(&mut self, line: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        let (mut rows, bad) = match self.format {
            Format::Json => self.lenient_json(text),
            _ => self.lenient_csv(text),
        };
        if bad {
            self.malformed += 1;
            match self.mode {
                ParseMode::DropMalformed => return Ok(()),
                ParseMode::FailFast => return Err(malformed(text)),
                ParseMode::Permissive => {}
            }
            if let Some(column) = self.corrupt {
                for row in &mut rows {
                    row[column] = ScalarValue::Utf8(Some(text.to_owned()));
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns = Vec::new();
        for column in 0..self.wanted.fields().len() {
            columns.push(ScalarValue::iter_to_array(rows.iter().map(|r| r[column].clone()))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        self.batches.push(RecordBatch::try_new_with_options(
            self.wanted.clone(),
            columns,
            &options,
        )?);
        Ok(())
    }

    /// Returns a row of nulls.
    fn nulls(&self) -> Vec<ScalarValue> {
        self.wanted
            .fields()
            .iter()
            .map(|f| ScalarValue::try_from(f.data_type()).unwrap_or(ScalarValue::Null))
            .collect()
    }

    /// Reads one JSON record field by field; an array makes a row per element. Returns the rows, and whether anything
    /// did not fit.
    fn lenient_json(&self, text: &str) -> (Vec<Vec<ScalarValue>>, bool) {
        let parsed: std::result::Result<Value, _> = serde_json::from_str(text);
        let objects = match parsed {
            Ok(Value::Array(items)) => items,
            Ok(value) => vec![value],
            Err(_) => return (vec![self.nulls()], true),
        };
        let mut bad = false;
        let mut rows = Vec::new();
        for object in objects {
            let Value::Object(object) = object else {
                bad = true;
                rows.push(self.nulls());
                continue;
            };
            let row = self.wanted.fields().iter().map(|f| {
                let value = object.get(f.name());
                json_scalar(value.unwrap_or(&Value::Null), f.data_type(), self.zone).unwrap_or_else(|| {
                    bad = true;
                    ScalarValue::try_from(f.data_type()).unwrap_or(ScalarValue::Null)
                })
            });
            rows.push(row.collect());
        }
        (rows, bad)
    }

    /// Reads one CSV record field by field. Returns the row, and whether anything did not fit.
    fn lenient_csv(&self, text: &str) -> (Vec<Vec<ScalarValue>>, bool) {
        let parts: Vec<&str> = text.split(char::from(self.delimiter)).collect();
        let data_columns = self.full.fields().len() - usize::from(self.has_corrupt_column());
        let mut bad = parts.len() != data_columns;
        let row = self.wanted.fields().iter().map(|f| {
            let null = || ScalarValue::try_from(f.data_type()).unwrap_or(ScalarValue::Null);
            let Some(part) = self.full.index_of(f.name()).ok().and_then(|i| parts.get(i)) else {
                return null();
            };
            let part = part.trim_matches('"');
            if part == self.null_value || part.is_empty() {
                return null();
            }
            let array: ArrayRef = Arc::new(StringArray::from(vec![part]));
            match cast_array(&array, f.data_type(), Mode::Try, self.zone) {
                Ok(cast) if cast.is_valid(0) => ScalarValue::try_from_array(&cast, 0).unwrap_or_else(|_| null()),
                _ => {
                    bad = true;
                    null()
                }
            }
        });
        let row = row.collect();
        (vec![row], bad)
    }
}

/// Returns the error of a record in FAILFAST mode, with its first 200 characters.
pub fn malformed(record: &str) -> SparkError {
    let shown: String = record.chars().take(200).collect();
    SparkError::new(
        Exception::Connect,
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        "22023",
        format!(
            "Malformed records are detected in record parsing: {shown}. Parse Mode: FAILFAST. To process malformed records as null \
             result, try setting the option 'mode' as 'PERMISSIVE'."
        ),
    )
    .with("badRecord", shown)
    .with("failFastMode", "FAILFAST")
}

/// Returns the lines of a block without their ends; an empty block has none.
fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let empty = bytes.is_empty();
    body.split(|b| *b == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
        .filter(move |_| !empty)
}

/// Returns what comes after the first line.
fn after_first_line(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|b| *b == b'\n').map_or(&[], |i| &bytes[i + 1..])
}

/// Returns where the line starts that begins nearest after the middle; `None` for a single line.
fn middle_line(bytes: &[u8]) -> Option<usize> {
    let half = bytes.len() / 2;
    let behind = bytes[half..]
        .iter()
        .position(|b| *b == b'\n')
        .map(|i| half + i + 1)
        .filter(|i| *i < bytes.len());
    behind.or_else(|| bytes[..half].iter().rposition(|b| *b == b'\n').map(|i| i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, options: &[(&str, &str)], text: &str) -> Result<(Vec<String>, u64)> {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Utf8, true),
            Field::new("_corrupt_record", DataType::Utf8, true),
        ]);
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let mut reader = Reader::new(format, &options, &schema, &schema)?;
        reader.block(&Buffer::from(text.as_bytes().to_vec()))?;
        let mut rows = Vec::new();
        for batch in &reader.batches {
            for row in 0..batch.num_rows() {
                let cells: Vec<String> = batch
                    .columns()
                    .iter()
                    .map(|c| ScalarValue::try_from_array(c, row).unwrap().to_string())
                    .collect();
                rows.push(cells.join("|"));
            }
        }
        Ok((rows, reader.malformed))
    }

    const LINES: &str = "{\"a\":1,\"b\":\"x\"}\n{\"a\":\"one\",\"b\":\"y\"}\n{broken\n{\"a\":4}\n";

    #[test]
    fn a_permissive_reader_keeps_what_it_can_and_the_text_of_bad_records() {
        let (rows, malformed) = read(Format::Json, &[], LINES).unwrap();
        assert_eq!(
            rows,
            [
                "1|x|NULL",
                "NULL|y|{\"a\":\"one\",\"b\":\"y\"}",
                "NULL|NULL|{broken",
                "4|NULL|NULL"
            ]
        );
        assert_eq!(malformed, 2);
    }

    #[test]
    fn dropmalformed_drops_and_counts_and_failfast_names_the_record() {
        let (rows, malformed) = read(Format::Json, &[("mode", "dropmalformed")], LINES).unwrap();
        assert_eq!((rows.len(), malformed), (2, 2));
        let error = read(Format::Json, &[("mode", "FAILFAST")], LINES).unwrap_err();
        assert_eq!(
            error.condition.as_deref(),
            Some("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
        );
        assert!(error.message.contains("{\"a\":\"one\""));
    }

    #[test]
    fn csv_columns_go_by_position_and_a_word_in_a_number_column_is_malformed() {
        let (rows, malformed) = read(Format::Csv, &[("header", "true")], "a,b\n1,x\ntwo,y\n3,\"q,r\"\n").unwrap();
        assert_eq!(rows, ["1|x|NULL", "NULL|y|two,y", "3|q,r|NULL"]);
        assert_eq!(malformed, 1);
    }

    #[test]
    fn a_range_is_cut_into_slices_that_meet() {
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
        let mut all = Vec::new();
        for p in PartitionId::first(3) {
            for b in range(5, -6, -2, p, 3, &schema).unwrap() {
                all.extend(b.column(0).as_primitive::<Int64Type>().values().to_vec());
            }
        }
        assert_eq!(all, [5, 3, 1, -1, -3, -5]);
    }
}
