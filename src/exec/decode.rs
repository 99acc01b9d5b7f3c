//! Bytes to rows: JSON lines, CSV and text with Spark's parse modes, Arrow streams, local rows and ranges.
//!
//! Whole blocks go through Arrow's readers. Where a block holds a record that its schema does not fit, the block is halved
//! until the bad lines stand alone; those are read leniently, field by field, as `JacksonParser` and `UnivocityParser` do.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use serde_json::Value;

use super::inputs::TaskInputs;
use crate::error::{Exception, Result, SparkError};
use crate::plan::scan::{Origin, Scan};
use crate::sources::Format;
use crate::values::cast::{Mode, cast_array};
use crate::values::zone::Zone;
use crate::values::{ipc, text, types};

/// Rows handed on at once.
const BATCH_ROWS: usize = 8192;

/// What to do with a malformed record (`ParseMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParseMode {
    Permissive,
    DropMalformed,
    FailFast,
}

/// The rows of one partition of a scan, projected, under the ids of `out`.
pub fn scan(
    scan: &Scan,
    projection: Option<&[usize]>,
    out: &SchemaRef,
    partition: usize,
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

/// Columns picked and brought to the declared types.
fn conformed(batches: &[RecordBatch], columns: &[usize], wanted: &Schema) -> Result<Vec<RecordBatch>> {
    let mut out = Vec::new();
    for batch in batches {
        let mut arrays = Vec::new();
        for (column, field) in columns.iter().zip(wanted.fields()) {
            let array = batch
                .columns()
                .get(*column)
                .ok_or_else(|| SparkError::invalid_plan("a block has fewer columns than its schema"))?;
            arrays.push(conform(array, field.data_type())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let nullable: Vec<Field> = wanted
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect();
        out.push(RecordBatch::try_new_with_options(
            Arc::new(Schema::new(nullable)),
            arrays,
            &options,
        )?);
    }
    Ok(out)
}

/// An array in the engine's form of its type: units, string and list kinds made uniform.
pub fn conform(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    Ok(match (array.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let input = array.as_struct();
            let columns = input
                .columns()
                .iter()
                .zip(fields)
                .map(|(c, f)| conform(c, f.data_type()))
                .collect::<Result<Vec<_>>>()?;
            let nullable: Fields = fields.iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
            Arc::new(StructArray::try_new_with_length(
                nullable,
                columns,
                input.nulls().cloned(),
                input.len(),
            )?)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = conform(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(
                item.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let (key, value) = types::map_types(entries);
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(SparkError::internal("a map has no entries"));
            };
            let columns = vec![conform(map.keys(), &key)?, conform(map.values(), &value)?];
            let inner = StructArray::try_new(fields.clone(), columns, None)?;
            Arc::new(MapArray::try_new(
                entries.clone(),
                map.offsets().clone(),
                inner,
                map.nulls().cloned(),
                *sorted,
            )?)
        }
        _ => arrow::compute::cast(array, to)?,
    })
}

fn range(
    start: i64,
    end: i64,
    step: i64,
    partition: usize,
    partitions: usize,
    wanted: &Schema,
) -> Result<Vec<RecordBatch>> {
    let (from, to, by) = (i128::from(start), i128::from(end), i128::from(step));
    let total = if (by > 0 && from >= to) || (by < 0 && from <= to) || by == 0 {
        0
    } else {
        (to - from + by - by.signum()) / by
    };
    let slice = |p: usize| total * p as i128 / partitions.max(1) as i128;
    let (mut at, last) = (slice(partition), slice(partition + 1));
    let mut batches = Vec::new();
    while at < last {
        let next = (at + BATCH_ROWS as i128).min(last);
        let ids: Int64Array = (at..next).map(|i| (from + i * by) as i64).collect();
        let options = RecordBatchOptions::new().with_row_count(Some((next - at) as usize));
        let columns: Vec<ArrayRef> = if wanted.fields().is_empty() {
            vec![]
        } else {
            vec![Arc::new(ids)]
        };
        batches.push(RecordBatch::try_new_with_options(
            Arc::new(wanted.clone()),
            columns,
            &options,
        )?);
        at = next;
    }
    Ok(batches)
}

/// Reads text blocks into batches.
struct Reader {
    format: Format,
    mode: ParseMode,
    zone: Zone,
    header: bool,
    delimiter: u8,
    null_value: String,
    corrupt: Option<usize>,
    /// All columns, for CSV, whose columns go by position.
    full: SchemaRef,
    /// Columns asked for.
    wanted: SchemaRef,
    batches: Vec<RecordBatch>,
    malformed: u64,
}

impl Reader {
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

    fn has_corrupt_column(&self) -> bool {
        self.corrupt.is_some_and(|c| {
            self.full
                .fields()
                .last()
                .is_some_and(|f| f.name() == self.wanted.field(c).name())
        })
    }

    /// One record that did not fit as it stands.
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

    fn nulls(&self) -> Vec<ScalarValue> {
        self.wanted
            .fields()
            .iter()
            .map(|f| ScalarValue::try_from(f.data_type()).unwrap_or(ScalarValue::Null))
            .collect()
    }

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

/// A record that FAILFAST does not forgive.
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

fn read_json(bytes: &[u8], schema: &SchemaRef) -> std::result::Result<Vec<RecordBatch>, ()> {
    let mut decoder = arrow::json::ReaderBuilder::new(fixed_offset(schema))
        .with_batch_size(BATCH_ROWS)
        .with_coerce_primitive(true)
        .build_decoder()
        .map_err(drop)?;
    let mut rest = bytes;
    let mut out = Vec::new();
    loop {
        let read = decoder.decode(rest).map_err(drop)?;
        rest = &rest[read..];
        match decoder.flush().map_err(drop)? {
            Some(batch) => out.push(relabelled(&batch, schema).map_err(drop)?),
            None if rest.is_empty() => return Ok(out),
            None if read == 0 => return Err(()),
            None => {}
        }
    }
}

/// UTC as an offset: Arrow's reader looks a named zone up for every value.
fn fixed_offset(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| match f.data_type() {
            DataType::Timestamp(unit, Some(_)) => f
                .as_ref()
                .clone()
                .with_data_type(DataType::Timestamp(*unit, Some("+00:00".into()))),
            _ => f.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn relabelled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(c, f)| match (c.data_type(), f.data_type()) {
            (DataType::Timestamp(..), DataType::Timestamp(_, zone)) => {
                let times = c.as_primitive::<TimestampMicrosecondType>().clone();
                Arc::new(times.with_timezone_opt(zone.clone())) as ArrayRef
            }
            _ => c.clone(),
        });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns.collect(),
        &options,
    )?)
}

/// A JSON value as a scalar of a type; none where it is no such value.
pub fn json_scalar(value: &Value, to: &DataType, zone: Zone) -> Option<ScalarValue> {
    if value.is_null() {
        return ScalarValue::try_from(to).ok();
    }
    Some(match (to, value) {
        (DataType::Utf8, Value::String(s)) => ScalarValue::Utf8(Some(s.clone())),
        (DataType::Utf8, other) => ScalarValue::Utf8(Some(other.to_string())),
        (DataType::Boolean, Value::Bool(b)) => ScalarValue::Boolean(Some(*b)),
        (DataType::Int8, Value::Number(n)) => ScalarValue::Int8(Some(i8::try_from(n.as_i64()?).ok()?)),
        (DataType::Int16, Value::Number(n)) => ScalarValue::Int16(Some(i16::try_from(n.as_i64()?).ok()?)),
        (DataType::Int32, Value::Number(n)) => ScalarValue::Int32(Some(i32::try_from(n.as_i64()?).ok()?)),
        (DataType::Int64, Value::Number(n)) => ScalarValue::Int64(Some(n.as_i64()?)),
        (DataType::Float32, Value::Number(n)) => ScalarValue::Float32(Some(n.as_f64()? as f32)),
        (DataType::Float64, Value::Number(n)) => ScalarValue::Float64(Some(n.as_f64()?)),
        (DataType::Float64, Value::String(s))
            if matches!(s.as_str(), "NaN" | "Infinity" | "-Infinity" | "+Infinity") =>
        {
            ScalarValue::Float64(text::parse_double(s))
        }
        (DataType::Decimal128(p, s), Value::Number(n)) => {
            ScalarValue::Decimal128(Some(text::parse_decimal(&n.to_string(), *s)?), *p, *s)
        }
        (DataType::Date32, Value::String(s)) => ScalarValue::Date32(Some(text::parse_date(s)?)),
        (DataType::Timestamp(_, tz), Value::String(s)) => {
            let parsed = text::parse_timestamp(s)?;
            let us = if tz.is_some() {
                parsed.instant(zone)
            } else {
                parsed.local_us
            };
            ScalarValue::TimestampMicrosecond(Some(us), tz.clone())
        }
        (DataType::Timestamp(_, tz), Value::Number(n)) => {
            ScalarValue::TimestampMicrosecond(Some(n.as_i64()?.checked_mul(1_000_000)?), tz.clone())
        }
        (DataType::List(item), Value::Array(items)) => {
            let scalars: Option<Vec<ScalarValue>> =
                items.iter().map(|v| json_scalar(v, item.data_type(), zone)).collect();
            let scalars = scalars?;
            let values = if scalars.is_empty() {
                new_empty_array(item.data_type())
            } else {
                ScalarValue::iter_to_array(scalars).ok()?
            };
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
            ScalarValue::List(Arc::new(ListArray::try_new(item.clone(), offsets, values, None).ok()?))
        }
        (DataType::Struct(fields), Value::Object(object)) => {
            let columns: Option<Vec<ArrayRef>> = fields
                .iter()
                .map(|f| {
                    json_scalar(object.get(f.name()).unwrap_or(&Value::Null), f.data_type(), zone)?
                        .to_array()
                        .ok()
                })
                .collect();
            ScalarValue::Struct(Arc::new(StructArray::try_new(fields.clone(), columns?, None).ok()?))
        }
        (DataType::Map(entries, sorted), Value::Object(object)) => {
            let (_, value_type) = types::map_types(entries);
            let DataType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let keys: StringArray = object.keys().map(Some).collect();
            let scalars: Option<Vec<ScalarValue>> =
                object.values().map(|v| json_scalar(v, &value_type, zone)).collect();
            let scalars = scalars?;
            let values = if scalars.is_empty() {
                new_empty_array(&value_type)
            } else {
                ScalarValue::iter_to_array(scalars).ok()?
            };
            let inner = StructArray::try_new(fields.clone(), vec![Arc::new(keys), values], None).ok()?;
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([inner.len()]);
            ScalarValue::Map(Arc::new(
                MapArray::try_new(entries.clone(), offsets, inner, None, *sorted).ok()?,
            ))
        }
        _ => return None,
    })
}

fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let empty = bytes.is_empty();
    body.split(|b| *b == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
        .filter(move |_| !empty)
}

fn after_first_line(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|b| *b == b'\n').map_or(&[], |i| &bytes[i + 1..])
}

/// Where the line that begins nearest behind the middle starts; none for a single line.
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
        for p in 0..3 {
            for b in range(5, -6, -2, p, 3, &schema).unwrap() {
                all.extend(b.column(0).as_primitive::<Int64Type>().values().to_vec());
            }
        }
        assert_eq!(all, [5, 3, 1, -1, -3, -5]);
    }
}
