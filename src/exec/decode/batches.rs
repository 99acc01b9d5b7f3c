//! Batches that grow record by record, with a column for malformed ones.

use arrow::array::*;
use arrow::datatypes::*;

use super::BATCH_ROWS;
use crate::error::Result;
use crate::exec::inputs::DeadLetter;
use crate::formats::column::Column;
use crate::formats::{ParseMode, malformed};

/// Most bytes of strings in one batch, which ends after a record that exceeds them.
const BATCH_BYTES: usize = 64 << 20;

/// How many rows pass between two looks at [`BATCH_BYTES`].
const LOOK_EVERY: usize = 64;

/// Rows that are read from text.
pub(super) struct Batches {
    /// The columns asked for.
    schema: SchemaRef,
    /// The fields of records: all columns but that for malformed ones.
    pub fields: Fields,
    /// Where the column for malformed records is.
    corrupt: Option<usize>,
    /// What happens to malformed records.
    mode: ParseMode,
    /// A column for each field, with the rows of the batch that is being made, and perhaps a part of the next row.
    pub columns: Vec<Column>,
    /// The malformed records of the batch.
    malformed_texts: Column,
    /// Rows of the batch so far.
    rows: usize,
    /// Batches that are done.
    done: Vec<RecordBatch>,
    /// Malformed records so far.
    malformed: Malformed,
    /// Whether they are kept.
    keeps: bool,
}

/// Records that are malformed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Malformed {
    /// How many.
    pub count: u64,
    /// Themselves, where they are kept.
    pub letters: Vec<DeadLetter>,
}

impl Malformed {
    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.count += others.count;
        self.letters.extend(others.letters);
    }
}

impl Batches {
    /// Begins with no rows. `corrupt` is where the column for malformed records is.
    pub fn new(schema: SchemaRef, corrupt: Option<usize>, mode: ParseMode) -> Self {
        let kept = schema.fields().iter().enumerate().filter(|(i, _)| Some(*i) != corrupt);
        let fields: Fields = kept.map(|(_, f)| f.clone()).collect();
        Self {
            columns: fresh(&fields),
            schema,
            fields,
            corrupt,
            mode,
            malformed_texts: Column::new(&DataType::Utf8),
            rows: 0,
            done: vec![],
            malformed: Malformed::default(),
            keeps: false,
        }
    }

    /// Keeps malformed records, too, whatever the parse mode does with them.
    pub fn keeping(mut self, keeps: bool) -> Self {
        self.keeps = keeps;
        self
    }

    /// Returns whether somebody asked for malformed records.
    pub fn has_corrupt_column(&self) -> bool {
        self.corrupt.is_some()
    }

    /// Takes back what a record has put into columns before its row was ended.
    pub fn cut(&mut self) {
        let rows = self.rows;
        self.columns.iter_mut().for_each(|c| c.truncate(rows));
    }

    /// Ends rows of one record, whose cells are in the columns. With `malformed`, the record's text, the parse mode decides
    /// whether they stay.
    ///
    /// # Errors
    /// `MALFORMED_RECORD_IN_PARSING` for a malformed record in the mode FAILFAST.
    pub fn end(&mut self, rows: usize, text: Option<&str>) -> Result<()> {
        if let Some(text) = text {
            self.note(text.as_bytes());
            match self.mode {
                ParseMode::Permissive => {}
                ParseMode::FailFast => return Err(malformed(text)),
                ParseMode::DropMalformed => {
                    self.cut();
                    return Ok(());
                }
            }
        }
        self.rows += rows;
        if self.corrupt.is_some() {
            for _ in 0..rows {
                match text {
                    Some(text) => _ = self.malformed_texts.push_bytes(text.as_bytes(), false),
                    None => self.malformed_texts.push_null(),
                }
            }
        }
        if self.rows >= BATCH_ROWS || (self.rows.is_multiple_of(LOOK_EVERY) && self.text_bytes() > BATCH_BYTES) {
            self.flush()?;
        }
        Ok(())
    }

    /// Counts a malformed record, and keeps it if that is wanted.
    fn note(&mut self, record: &[u8]) {
        self.malformed.count += 1;
        if self.keeps {
            self.malformed.letters.push(DeadLetter::of(record));
        }
    }

    /// Adds a row of nulls for a record that is malformed as a whole.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub fn bad(&mut self, text: &str) -> Result<()> {
        self.cut();
        self.columns.iter_mut().for_each(Column::push_null);
        self.end(1, Some(text))
    }

    /// Adds the same for a record that is not UTF-8; `text` is what can be shown of it.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub fn bad_bytes(&mut self, text: &str, record: &[u8]) -> Result<()> {
        self.bad(text)?;
        if let Some(last) = self.malformed.letters.last_mut() {
            *last = DeadLetter::of(record);
        }
        Ok(())
    }

    /// Returns the batches that are done, and forgets them.
    pub fn take_done(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.done)
    }

    /// Returns all rows that have not been taken, and the records that were malformed.
    pub fn finish(mut self) -> Result<(Vec<RecordBatch>, Malformed)> {
        if self.rows > 0 {
            self.flush()?;
        }
        Ok((self.done, self.malformed))
    }

    /// Returns how many bytes of strings the batch has.
    fn text_bytes(&self) -> usize {
        self.columns.iter().map(Column::text_bytes).sum::<usize>() + self.malformed_texts.text_bytes()
    }

    /// Ends the batch.
    fn flush(&mut self) -> Result<()> {
        let next = self
            .columns
            .iter()
            .zip(&self.fields)
            .map(|(c, f)| c.next(f.data_type()));
        let next = next.collect();
        let columns = std::mem::replace(&mut self.columns, next);
        let texts = std::mem::replace(&mut self.malformed_texts, Column::new(&DataType::Utf8));
        let mut arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
        if let Some(at) = self.corrupt {
            arrays.insert(at, texts.finish()?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.done.push(RecordBatch::try_new_with_options(
            self.schema.clone(),
            arrays,
            &options,
        )?);
        Ok(())
    }
}

/// Returns an empty column for each field.
fn fresh(fields: &Fields) -> Vec<Column> {
    fields.iter().map(|f| Column::new(f.data_type())).collect()
}
