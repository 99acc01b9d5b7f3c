//! Blocks of lines, read piece by piece: rows are there before the last line has been looked at, and a piece is still in
//! the processor's cache when its bytes, checked as UTF-8, are read again as records.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::Schema;

use super::batches::{Batches, Malformed};
use super::csv::CsvLines;
use super::json::JsonLines;
use super::{corrupt_place, nullable, without_mark};
use crate::error::Result;
use crate::formats::ParseMode;
use crate::formats::framing::{Framing, Records};
use crate::sources::Format;
use crate::sources::queue::Queue;

/// How many bytes a piece has, and what is left of its last line.
const PIECE_BYTES: usize = 256 << 10;

/// Reads the lines of a format.
enum Lines {
    /// CSV.
    Csv(Box<CsvLines>),
    /// JSON, one record per line.
    Json(Box<JsonLines>),
}

impl Lines {
    /// Reads a piece of a block; `first` says that the block begins with it.
    fn piece(&mut self, bytes: &[u8], first: bool) -> Result<()> {
        match self {
            Self::Csv(lines) => lines.piece(bytes, first),
            Self::Json(lines) => lines.piece(bytes),
        }
    }

    /// Reads one record.
    fn record(&mut self, record: &str) -> Result<()> {
        match self {
            Self::Csv(lines) => lines.whole(record),
            Self::Json(lines) => lines.whole(record),
        }
    }

    /// Begins a block.
    fn begin(&mut self) {
        if let Self::Csv(lines) = self {
            lines.begin();
        }
    }

    /// Returns the rows so far.
    fn out(&mut self) -> &mut Batches {
        match self {
            Self::Csv(lines) => &mut lines.out,
            Self::Json(lines) => &mut lines.out,
        }
    }

    /// Returns the last rows, and the records that were malformed.
    fn finish(self) -> Result<(Vec<RecordBatch>, Malformed)> {
        match self {
            Self::Csv(lines) => lines.out.finish(),
            Self::Json(lines) => lines.out.finish(),
        }
    }
}

/// The rows of blocks of JSON lines or CSV, batch by batch; it ends after an error.
pub(super) struct LineScan {
    /// Reads records; `None` at the end.
    lines: Option<Lines>,
    /// Where records begin and end.
    framing: Framing,
    /// Blocks that have not been begun.
    blocks: std::vec::IntoIter<Buffer>,
    /// The block that is being read, and where its next piece begins.
    block: Option<(Buffer, usize)>,
    /// Batches that are done.
    ready: std::vec::IntoIter<RecordBatch>,
    /// The records that were malformed; known at the end.
    pub malformed: Malformed,
}

impl LineScan {
    /// Begins to read blocks: the columns `wanted` of those that are declared.
    ///
    /// # Errors
    /// If an option cannot be read.
    pub fn new(
        format: &Format,
        options: &BTreeMap<String, String>,
        declared: &Schema,
        wanted: &Schema,
        blocks: Vec<Buffer>,
    ) -> Result<Self> {
        let of = if *format == Format::Csv {
            Records::Csv
        } else {
            Records::Json
        };
        let framing = Framing::new(of, options)?;
        let wanted = nullable(wanted);
        let corrupt = corrupt_place(options, &wanted);
        let out = Batches::new(wanted, corrupt, ParseMode::of_source(options))
            .keeping(options.contains_key(&Queue::DEAD_LETTERS.key()));
        let lines = if *format == Format::Csv {
            Lines::Csv(Box::new(CsvLines::new(options, declared, out)?))
        } else {
            Lines::Json(Box::new(JsonLines::new(options, out)?))
        };
        Ok(Self {
            lines: Some(lines),
            framing,
            blocks: blocks.into_iter(),
            block: None,
            ready: vec![].into_iter(),
            malformed: Malformed::default(),
        })
    }

    /// Reads the next piece, or ends; `false` if it has ended before.
    ///
    /// # Errors
    /// `MALFORMED_RECORD_IN_PARSING` in the mode FAILFAST.
    fn advance(&mut self) -> Result<bool> {
        let block = self.block.take().or_else(|| Some((self.blocks.next()?, 0)));
        let Some((bytes, at)) = block else {
            let Some(lines) = self.lines.take() else {
                return Ok(false);
            };
            let (batches, malformed) = lines.finish()?;
            self.malformed = malformed;
            self.ready = batches.into_iter();
            return Ok(true);
        };
        if !self.framing.is_plain() {
            self.whole_block(&bytes)?;
            return Ok(true);
        }
        let end = piece_end(&bytes, at);
        if let Some(lines) = &mut self.lines {
            let piece = bytes.get(at..end).unwrap_or_default();
            let first = at == 0;
            lines.piece(if first { without_mark(piece) } else { piece }, first)?;
            self.ready = lines.out().take_done().into_iter();
        }
        self.block = (end < bytes.len()).then_some((bytes, end));
        Ok(true)
    }

    /// Reads a block whose records are not just its lines.
    fn whole_block(&mut self, bytes: &[u8]) -> Result<()> {
        let text = self.framing.text(bytes);
        if let Some(lines) = &mut self.lines {
            lines.begin();
            for record in self.framing.split(&text) {
                lines.record(&record)?;
            }
            self.ready = lines.out().take_done().into_iter();
        }
        Ok(())
    }
}

impl Iterator for LineScan {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.next() {
                return Some(Ok(batch));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.lines = None;
                    (self.block, self.blocks) = (None, vec![].into_iter());
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Returns where the piece ends that begins at a place: after a line's end, or with the block.
fn piece_end(bytes: &[u8], at: usize) -> usize {
    let from = at.saturating_add(PIECE_BYTES);
    let rest = bytes.get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |line| from + line + 1)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{DataType, Field, Int64Type};

    use super::*;

    fn scan(options: &[(&str, &str)], blocks: &[String]) -> LineScan {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Utf8, true),
        ]);
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let blocks = blocks.iter().map(|b| Buffer::from(b.as_bytes().to_vec())).collect();
        LineScan::new(&Format::Csv, &options, &schema, &schema, blocks).unwrap()
    }

    #[test]
    fn pieces_meet_at_lines_and_each_block_has_its_header() {
        let line = |n: usize| format!("{n},{}\n", "x".repeat(n % 97));
        let block = |from: usize, to: usize| format!("\u{feff}a,b\n{}", (from..to).map(line).collect::<String>());
        let blocks = [block(0, 20_000), block(20_000, 20_010), block(20_010, 40_000)];
        assert!(blocks[0].len() > 3 * PIECE_BYTES);
        let mut rows = 0;
        for batch in scan(&[("header", "true")], &blocks) {
            let batch = batch.unwrap();
            let (numbers, texts) = (
                batch.column(0).as_primitive::<Int64Type>(),
                batch.column(1).as_string::<i32>(),
            );
            for row in 0..batch.num_rows() {
                assert_eq!(numbers.value(row), rows);
                let len = if texts.is_null(row) { 0 } else { texts.value(row).len() };
                assert_eq!(len as i64, rows % 97);
                rows += 1;
            }
        }
        assert_eq!(rows, 40_000);
    }

    #[test]
    fn a_refused_record_ends_the_scan_after_the_rows_before_it() {
        let good: String = (0..100_000).map(|n| format!("{n},abc\n")).collect();
        let mut scan = scan(&[("mode", "FAILFAST")], &[format!("{good}one,x\n{good}")]);
        let before = scan.by_ref().take_while(Result::is_ok).count();
        assert!(before > 5, "{before}");
        assert!(scan.next().is_none());
    }
}
