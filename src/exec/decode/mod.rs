//! Bytes to rows: JSON lines, CSV and text with Spark's parse modes, Arrow streams, local rows and ranges.
//!
//! Records are read by [`crate::formats`], straight into the columns of a batch. One that is malformed costs no more than its
//! own second reading.

mod batches;
mod conform;
mod csv;
mod file;
mod json;
mod lines;
mod range;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;

use datafusion_common::Result as DfResult;
use lines::LineScan;
use range::range;

pub use conform::conform;
use conform::conformed;

use crate::error::Result;
use crate::exec::codes::{coded_schema, is_coded};
use crate::exec::inputs::TaskInputs;
use crate::exec::transform::Rows;
use crate::formats::corrupt_column;
use crate::formats::framing::{Framing, Records};
use crate::ids::{PartitionId, ScanId};
use crate::plan::scan::{Origin, Scan};
use crate::sources::Format;
use crate::sources::listing::by_file;
use crate::values::ipc;
use file::Parts;

/// Most rows of one batch.
const BATCH_ROWS: usize = 8192;

/// Returns the rows of one partition of a scan, projected, under the ids of `out`; lines are read when their batch is asked
/// for, but in a stream, whose progress counts them all.
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
    inputs: &Arc<TaskInputs>,
) -> Result<Rows> {
    let whole: Vec<usize> = (0..scan.schema.fields().len()).collect();
    let columns = projection.unwrap_or(&whole);
    let mut wanted: Schema = scan.schema.project(columns)?;
    let coded = out.fields().iter().enumerate().filter(|(_, f)| is_coded(f.data_type()));
    let coded: BTreeSet<usize> = coded.map(|(at, _)| at).collect();
    if !coded.is_empty() {
        wanted = coded_schema(&wanted, &coded).as_ref().clone();
    }
    let blocks = inputs.scans.get(&scan.id).map(Vec::as_slice).unwrap_or_default();
    let batches = match &scan.origin {
        Origin::Local { ipc } if ipc.is_empty() => vec![],
        Origin::Local { ipc } => {
            let all = conformed(&ipc::read(&Buffer::from(ipc.to_vec()))?, columns, &wanted)?;
            slice(all, partition, scan.partitions)
        }
        Origin::Range { start, end, step } => {
            let (id, inputs) = (scan.id, inputs.clone());
            let batches = range((*start, *end, *step), partition, scan.partitions, out);
            return Ok(Box::new(batches.inspect(move |batch| {
                let rows = batch.as_ref().map_or(0, RecordBatch::num_rows);
                *inputs.report().scanned_rows.entry(id).or_default() += rows as u64;
            })));
        }
        Origin::Blocks {
            format,
            options,
            of_files,
        } => {
            let parts = if *of_files {
                by_file(blocks)?
            } else {
                vec![(None, blocks.to_vec())]
            };
            let rows = Counted {
                rows: Parts::new((format, options), &scan.schema, columns, &wanted, parts),
                scan: scan.id,
                out: out.clone(),
                inputs: inputs.clone(),
            };
            if inputs.batch.is_none() {
                return Ok(Box::new(rows));
            }
            let all = rows.collect::<DfResult<Vec<_>>>()?;
            return Ok(Box::new(all.into_iter().map(Ok)));
        }
    };
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    *inputs.report().scanned_rows.entry(scan.id).or_default() += rows as u64;
    let renamed: Vec<RecordBatch> = batches.iter().map(|b| ipc::rename(b, out)).collect::<Result<_>>()?;
    Ok(Box::new(renamed.into_iter().map(Ok)))
}

/// Returns the rows of one of `parts` parts that differ in length by at most one row (`ParallelCollectionRDD`).
fn slice(batches: Vec<RecordBatch>, part: PartitionId, parts: usize) -> Vec<RecordBatch> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let bound = |part: usize| (rows as u128 * part as u128 / parts.max(1) as u128) as usize;
    let (begin, end) = (bound(part.0), bound(part.0 + 1));
    let mut first = 0;
    let mut out = vec![];
    for batch in batches {
        let last = first + batch.num_rows();
        let (from, to) = (begin.max(first), end.min(last));
        if from < to || parts <= 1 {
            out.push(batch.slice(from - first, to.saturating_sub(from)));
        }
        first = last;
    }
    out
}

/// Largest block that is looked at before it is read.
const LOOK_BYTES: usize = 16 << 10;

/// Returns whether the blocks of a scan hold no rows, as far as that is seen at once: there are none, or short Arrow streams of
/// the scan's columns. What cannot be read may hold some: whoever reads it says why it cannot be.
pub fn holds_no_rows(scan: &Scan, blocks: &[Buffer]) -> bool {
    if blocks.is_empty() {
        return true;
    }
    let columns: Vec<usize> = (0..scan.schema.fields().len()).collect();
    let is_arrow = matches!(
        &scan.origin,
        Origin::Blocks {
            format: Format::Arrow,
            of_files: false,
            ..
        }
    );
    let is_empty = |block: &Buffer| {
        if block.is_empty() && matches!(&scan.origin, Origin::Blocks { format, .. } if *format != Format::Arrow) {
            return true;
        }
        let batches = Some(block).filter(|b| is_arrow && b.len() <= LOOK_BYTES).map(ipc::read);
        let Some(Ok(batches)) = batches else {
            return false;
        };
        batches.iter().all(|batch| batch.num_rows() == 0) && conformed(&batches, &columns, &scan.schema).is_ok()
    };
    blocks.iter().all(is_empty)
}

/// The rows of blocks, counted in the task's report.
struct Counted {
    /// Reads them.
    rows: Parts,
    /// Whose rows they are.
    scan: ScanId,
    /// The columns, under their ids.
    out: SchemaRef,
    /// The task.
    inputs: Arc<TaskInputs>,
}

impl Iterator for Counted {
    type Item = DfResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.rows.next();
        let mut report = self.inputs.report();
        let rows = match &next {
            Some(Ok(batch)) => batch.num_rows(),
            _ => 0,
        };
        *report.scanned_rows.entry(self.scan).or_default() += rows as u64;
        let malformed = std::mem::take(&mut self.rows.malformed);
        if malformed.count > 0 {
            *report.malformed_records.entry(self.scan).or_default() += malformed.count;
        }
        if !malformed.letters.is_empty() {
            let letters = report.dead_letters.entry(self.scan).or_default();
            letters.extend(malformed.letters);
        }
        Some(
            next?
                .and_then(|batch| ipc::rename(&batch, &self.out))
                .map_err(Into::into),
        )
    }
}

/// Reads blocks of text: the columns `wanted` of those that are declared. Returns the rows, and how many records are malformed.
///
/// # Errors
/// `MALFORMED_RECORD_IN_PARSING` if a record does not fit in FAILFAST mode; if an option cannot be read.
pub fn records(
    format: &Format,
    options: &BTreeMap<String, String>,
    declared: &Schema,
    wanted: &Schema,
    blocks: &[Buffer],
) -> Result<(Vec<RecordBatch>, u64)> {
    if *format == Format::Text {
        return Ok((text_rows(options, &nullable(wanted), blocks)?, 0));
    }
    let mut lines = LineScan::new(format, options, declared, wanted, blocks.to_vec())?;
    let batches = lines.by_ref().collect::<Result<Vec<_>>>()?;
    Ok((batches, lines.malformed.count))
}

/// Returns a schema whose columns may all be null.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Returns where the column for malformed records is, if the schema has it.
fn corrupt_place(options: &BTreeMap<String, String>, schema: &Schema) -> Option<usize> {
    let name = corrupt_column(options);
    schema
        .fields()
        .iter()
        .position(|f| f.name() == name && f.data_type() == &DataType::Utf8)
}

/// Returns a block without the mark of its byte order.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads lines as strings; those in UTF-8 keep bytes that are not.
fn text_rows(options: &BTreeMap<String, String>, wanted: &SchemaRef, blocks: &[Buffer]) -> Result<Vec<RecordBatch>> {
    let framing = Framing::new(Records::Text, options)?;
    let read = |block: &Buffer| {
        let text = framing.text(block.as_slice());
        let lines = StringArray::from_iter_values(framing.split(&text));
        let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        let column: ArrayRef = Arc::new(lines);
        let columns = vec![column; wanted.fields().len()];
        Ok(RecordBatch::try_new_with_options(wanted.clone(), columns, &options)?)
    };
    blocks.iter().map(read).collect()
}

/// Hands on a block as text; or, if it is not UTF-8, line by line: one bad line does not change how the others are read. Of a
/// line that is not UTF-8, it hands on what can be shown and the line itself, as an error.
fn whole_lines(
    bytes: &[u8],
    mut each: impl FnMut(std::result::Result<&str, (&str, &[u8])>) -> Result<()>,
) -> Result<()> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return each(Ok(text));
    }
    for line in bytes.split(|b| matches!(b, b'\n' | b'\r')) {
        match std::str::from_utf8(line) {
            Ok(text) => each(Ok(text))?,
            Err(_) => each(Err((&String::from_utf8_lossy(line), line)))?,
        }
    }
    Ok(())
}

/// Returns where the line ends that holds a place: before its `\n` or `\r`, or at the end of the text. Lines end as Hadoop's
/// reader ends them: with either, or both.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use datafusion_common::ScalarValue;

    use super::*;

    #[test]
    fn rows_are_dealt_in_parts_that_differ_by_one_row_at_most() {
        let batch = |values: std::ops::Range<i64>| {
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
            RecordBatch::try_from_iter([("n", values)]).unwrap()
        };
        let part = |part: usize, parts: usize| -> Vec<i64> {
            let batches = slice(vec![batch(0..3), batch(3..3), batch(3..7)], PartitionId(part), parts);
            let rows = batches
                .iter()
                .flat_map(|b| b.column(0).as_primitive::<Int64Type>().values());
            rows.copied().collect()
        };
        assert_eq!(part(0, 1), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!([part(0, 2), part(1, 2)], [vec![0, 1, 2], vec![3, 4, 5, 6]]);
        assert_eq!(
            [part(0, 3), part(1, 3), part(2, 3)],
            [vec![0, 1], vec![2, 3], vec![4, 5, 6]]
        );
    }

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
        let block = Buffer::from(text.as_bytes().to_vec());
        let (batches, malformed) = records(&format, &options, &schema, &schema, &[block])?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cells: Vec<String> = batch
                    .columns()
                    .iter()
                    .map(|c| ScalarValue::try_from_array(c, row).unwrap().to_string())
                    .collect();
                rows.push(cells.join("|"));
            }
        }
        Ok((rows, malformed))
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
    fn a_mark_of_byte_order_is_passed_over_before_any_record() {
        let (rows, malformed) = read(
            Format::Json,
            &[],
            "\u{feff}{\"a\":1}\n\u{feff}{\"a\":2,\"b\":{\"c\": 3}}\n",
        )
        .unwrap();
        assert_eq!(rows, ["1|NULL|NULL", "2|{\"c\": 3}|NULL"]);
        assert_eq!(malformed, 0);
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
    fn plain_lines_among_others_are_read_as_if_they_were_not() {
        let text =
            "1,x\r\n2,\n\n  \n,y\n3,\"q,\"\n4,a\"b\n5,é and more of it\ntwo,z\n6\n7,x,y\n123456789012,eight by\n8,x";
        let expected = [
            "1|x|NULL",
            "2|NULL|NULL",
            "NULL|y|NULL",
            "3|q,|NULL",
            "4|a\"b|NULL",
            "5|é and more of it|NULL",
            "NULL|z|two,z",
            "6|NULL|6",
            "7|x|7,x,y",
            "123456789012|eight by|NULL",
            "8|x|NULL",
        ];
        assert_eq!(
            read(Format::Csv, &[], text).unwrap(),
            (expected.map(String::from).to_vec(), 3)
        );
        // With an option that looks at each line, all take the long way.
        let (slow, malformed) = read(Format::Csv, &[("comment", "#")], text).unwrap();
        assert_eq!((slow, malformed), (expected.map(String::from).to_vec(), 3));
    }

    #[test]
    fn a_range_is_cut_into_slices_that_meet() {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        let mut all = Vec::new();
        for p in PartitionId::first(3) {
            for b in range((5, -6, -2), p, 3, &schema) {
                all.extend(b.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec());
            }
        }
        assert_eq!(all, [5, 3, 1, -1, -3, -5]);
        // All longs: nothing is made before it is asked for, and no step overflows.
        let mut last = range((i64::MIN, i64::MAX, i64::MAX), PartitionId(0), 1, &schema);
        let ids = last.next().unwrap().unwrap();
        assert_eq!(
            ids.column(0).as_primitive::<Int64Type>().values(),
            &[i64::MIN, -1, i64::MAX - 1]
        );
        assert!(last.next().is_none());
        let mut first = range((0, 1_000_000_000_000_000_000, 1), PartitionId(1), 2, &schema);
        let ids = first.next().unwrap().unwrap();
        assert_eq!(
            ids.column(0).as_primitive::<Int64Type>().value(7),
            500_000_000_000_000_007
        );
    }
}
