//! Blocks of one file after the other: each file's rows with the columns that its folders are, and what is known of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;

use super::batches::Malformed;
use super::lines::LineScan;
use super::{conformed, nullable, text_rows};
use crate::error::{Result, SparkError};
use crate::formats::csv::TOO_LARGE;
use crate::plan::scan::{METADATA, metadata_type};
use crate::sources::Format;
use crate::sources::listing::{FileBlocks, SourceFile, unreadable, url};
use crate::values::cast::{Mode, cast_array};
use crate::values::ipc;
use crate::values::zone::Zone;

/// The rows of blocks, batch by batch; it ends after an error.
pub(super) struct Parts {
    /// How bytes become rows.
    format: Format,
    /// Options of the read by lower-case name.
    options: BTreeMap<String, String>,
    /// All columns of the source.
    declared: SchemaRef,
    /// Those that are asked for, by place.
    columns: Vec<usize>,
    /// The same with their types.
    wanted: Schema,
    /// Files that have not been begun.
    parts: std::vec::IntoIter<FileBlocks>,
    /// The file that is being read.
    part: Option<(Option<Arc<SourceFile>>, Rows)>,
    /// The records that were malformed, of files that are done.
    pub malformed: Malformed,
}

/// The rows of one file.
enum Rows {
    /// Lines, read as they are asked for.
    Lines(Box<LineScan>),
    /// Others.
    Read(std::vec::IntoIter<RecordBatch>),
}

impl Parts {
    /// Begins to read: the columns `columns` of those that are declared, which have the types of `wanted`.
    pub fn new(
        (format, options): (&Format, &BTreeMap<String, String>),
        declared: &SchemaRef,
        columns: &[usize],
        wanted: &Schema,
        parts: Vec<FileBlocks>,
    ) -> Self {
        Self {
            format: *format,
            options: options.clone(),
            declared: declared.clone(),
            columns: columns.to_vec(),
            wanted: wanted.clone(),
            parts: parts.into_iter(),
            part: None,
            malformed: Malformed::default(),
        }
    }

    /// Begins to read a file.
    fn begin(&self, file: Option<&SourceFile>, blocks: Vec<Buffer>) -> Result<Rows> {
        let own = |(_, field): &(usize, &FieldRef)| !is_said(file, field);
        let kept: Vec<usize> = self
            .wanted
            .fields()
            .iter()
            .enumerate()
            .filter(own)
            .map(|(i, _)| i)
            .collect();
        let wanted = self.wanted.project(&kept)?;
        Ok(match self.format {
            Format::Arrow => {
                let columns: Vec<usize> = kept.iter().map(|i| self.columns[*i]).collect();
                let mut all = Vec::new();
                for block in blocks.iter().filter(|block| !block.is_empty()) {
                    all.extend(conformed(&ipc::read(block)?, &columns, &wanted)?);
                }
                Rows::Read(all.into_iter())
            }
            Format::Text => Rows::Read(text_rows(&self.options, &nullable(&wanted), &blocks)?.into_iter()),
            Format::Json | Format::Csv => {
                let declared = self.declared.fields().iter().filter(|field| !is_said(file, field));
                let declared = Schema::new(declared.cloned().collect::<Vec<_>>());
                let lines = LineScan::new(&self.format, &self.options, &declared, &wanted, blocks)?;
                Rows::Lines(Box::new(lines))
            }
        })
    }

    /// Returns a batch with what is said of its file in its place.
    fn whole(&self, file: Option<&SourceFile>, batch: &RecordBatch) -> Result<RecordBatch> {
        if !self.wanted.fields().iter().any(|field| is_said(file, field)) {
            return Ok(batch.clone());
        }
        let (mut own, mut columns, mut fields) = (0, vec![], vec![]);
        for field in self.wanted.fields() {
            let rows = batch.num_rows();
            let (column, field) = match file {
                _ if is_said(file, field) => {
                    let column = file.map(|file| said_of(file, field, rows)).transpose()?;
                    (
                        column.unwrap_or_else(|| new_null_array(field.data_type(), rows)),
                        field.clone(),
                    )
                }
                _ => {
                    own += 1;
                    (batch.column(own - 1).clone(), batch.schema().fields()[own - 1].clone())
                }
            };
            columns.push(column);
            fields.push(field.as_ref().clone().with_nullable(true));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }

    /// Returns the next batch as it is in its file.
    fn read(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some((_, rows)) = &mut self.part {
                let next = match rows {
                    Rows::Lines(lines) => {
                        let next = lines.next();
                        self.malformed.add(std::mem::take(&mut lines.malformed));
                        next
                    }
                    Rows::Read(batches) => batches.next().map(Ok),
                };
                if next.is_some() {
                    return next;
                }
            }
            let (file, blocks) = self.parts.next()?;
            let rows = self.begin(file.as_deref(), blocks);
            match rows {
                Ok(rows) => self.part = Some((file, rows)),
                Err(error) => {
                    self.part = Some((file, Rows::Read(vec![].into_iter())));
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Iterator for Parts {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.read()?;
        let file = self.part.as_ref().and_then(|(file, _)| file.clone());
        let whole = next.and_then(|batch| self.whole(file.as_deref(), &batch));
        Some(whole.map_err(|error| {
            self.part = None;
            self.parts = vec![].into_iter();
            told(error, file.as_deref())
        }))
    }
}

/// Returns an error of a record as that of its file, as Spark does.
fn told(error: SparkError, file: Option<&SourceFile>) -> SparkError {
    let of_record =
        |c: &str| c.starts_with("MALFORMED_RECORD_IN_PARSING") || c == super::csv::HEADER_MISMATCH || c == TOO_LARGE;
    match file {
        Some(file) if error.condition.as_deref().is_some_and(of_record) => {
            unreadable(&file.path, error.message.trim_end_matches('.'))
        }
        _ => error,
    }
}

/// Returns whether a column is said of a file, and not in it.
fn is_said(file: Option<&SourceFile>, field: &Field) -> bool {
    let folder = |file: &SourceFile| file.values.iter().any(|(name, _)| name == field.name());
    (field.name() == METADATA && *field.data_type() == metadata_type()) || file.is_some_and(folder)
}

/// Returns a column that is said of a file.
fn said_of(file: &SourceFile, field: &Field, rows: usize) -> Result<ArrayRef> {
    let text = |value: Option<&str>| Arc::new(StringArray::from(vec![value; 1])) as ArrayRef;
    if let Some((_, value)) = file.values.iter().find(|(name, _)| name == field.name()) {
        let one = cast_array(&text(value.as_deref()), field.data_type(), Mode::Legacy, Zone::UTC)?;
        return repeated(&one, rows);
    }
    let DataType::Struct(fields) = field.data_type() else {
        return Ok(new_null_array(field.data_type(), rows));
    };
    let size = Arc::new(Int64Array::from(vec![file.size as i64])) as ArrayRef;
    let name = file.path.rsplit('/').next();
    let changed = TimestampMicrosecondArray::from(vec![file.modified.saturating_mul(1000)]).with_timezone("UTC");
    let values: Vec<ArrayRef> = vec![
        text(Some(&url(&file.path))),
        text(name),
        size.clone(),
        Arc::new(Int64Array::from(vec![0])),
        size,
        Arc::new(changed),
    ];
    let one = StructArray::try_new(fields.clone(), values, None)?;
    repeated(&(Arc::new(one) as ArrayRef), rows)
}

/// Returns one value again and again.
fn repeated(one: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(arrow::compute::take(one, &UInt32Array::from(vec![0; rows]), None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_the_data_keeps_its_values_though_it_is_called_like_the_metadata() {
        let own = DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into());
        let schema = Arc::new(Schema::new(vec![Field::new(METADATA, own, true)]));
        let block = Buffer::from(br#"{"_metadata": {"x": 7}}"#.to_vec());
        let options = BTreeMap::new();
        let mut rows = Parts::new(
            (&Format::Json, &options),
            &schema,
            &[0],
            &schema,
            vec![(None, vec![block])],
        );
        let batch = rows.next().unwrap().unwrap();
        let inner = batch.column(0).as_struct().column(0).clone();
        assert_eq!(inner.as_primitive::<Int32Type>().values(), &[7]);
    }
}
