//! State with many rows per key: rows have numbers, and a delta says which came, which were matched, and which left.
//!
//! A number is given once and never again, so that the changes of a batch cost what the batch touched, whatever a key
//! has gathered before. Rows stay in the batches that brought them; a batch is put together with the one before it once
//! that is not much larger, so that there are few. An ordered set of closing times finds the rows that a watermark has
//! passed.
//!
//! ```text
//!  index     key ─▶ [3, 8, 9]                     numbers per key, ascending
//!  stored    [ids 0 … 5 | batch] [ids 8, 9 | batch]   found by binary search
//!  closings  closing ─▶ [3, 8]                    ordered: due(watermark) is a range
//!  marked    {8}                                  rows that an outer join need not emit with nulls
//! ```
//!
//! A row that has left stays in its batch until the dead outnumber the living (and 4096); then the living are
//! copied out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BinaryArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use arrow::row::{RowConverter, SortField};
use hashbrown::hash_map::EntryRef;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::{Closing, corrupt, times};
use crate::error::{Result, SparkError};
use crate::exec::inputs::BatchContext;
use crate::values::floats::normalised;
use crate::values::ipc;

/// Number of a row within its table; never used again.
pub type RowId = u64;

/// Fewest rows that have left and are still held before the others are copied out.
const DEAD_ROWS: usize = 4096;

/// When a row closes: the time in a column (of a window: its end), and µs added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosesBy {
    /// The column.
    pub column: usize,
    /// What is added, µs.
    pub plus_us: i64,
}

/// Bytes of a row's entries in the index by key, in the set of closing times, and among the numbers, about.
const INDEX_BYTES: usize = 96;

/// Rows that came together, or were put together.
#[derive(Debug)]
struct Stored {
    /// Their numbers, ascending.
    ids: Vec<RowId>,
    /// The rows, those that have left included.
    batch: RecordBatch,
}

/// Rows under keys that may have many.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Array, RecordBatch};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use rivulet::exec::state::rows::RowTable;
///
/// let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true)]));
/// let mut table = RowTable::new(schema.clone(), 1, None)?;
/// let rows = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![7, 7, 8]))])?;
/// let first = table.append(&rows)?;
/// let keys = table.key_bytes(&rows)?;
/// assert_eq!(table.of_key(keys.value(0)), [first, first + 1]);
/// table.remove(&[first])?;
/// assert_eq!(table.rows(), 2);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct RowTable {
    /// Keys, then the other columns.
    schema: SchemaRef,
    /// How many columns are the key.
    keys: usize,
    /// Turns keys into bytes that compare as they do.
    converter: RowConverter,
    /// Numbers of a key's rows, ascending, by key bytes.
    index: HashMap<Vec<u8>, SmallVec<[RowId; 2]>>,
    /// In order of their ids.
    stored: Vec<Stored>,
    /// When rows close; `None` if they never do.
    closes_by: Option<ClosesBy>,
    /// Numbers of the rows that close at a time, ascending.
    closings: BTreeMap<i64, Vec<RowId>>,
    /// Rows that were matched.
    marked: HashSet<RowId>,
    /// The next number.
    next: RowId,
    /// Rows alive.
    rows: usize,
    /// What was done since the last delta.
    changes: Changes,
}

/// What was done since the last delta.
#[derive(Debug, Default)]
struct Changes {
    /// Batches that came, with the number of their first row.
    appended: Vec<(RowId, RecordBatch)>,
    /// Rows that were matched.
    marked: Vec<RowId>,
    /// Rows that left.
    removed: Vec<RowId>,
}

/// One table's part of a delta.
#[derive(Debug, Default)]
pub struct Part {
    /// The next number after it.
    next: RowId,
    /// IPC of rows with their ids and marks; ids that were marked; ids that left.
    sections: [Vec<u8>; 3],
}

impl RowTable {
    /// Returns an empty table whose first `keys` columns are the key; nulls are equal. Without `closes_by` rows stay.
    ///
    /// # Errors
    /// If a key is of a type that cannot be compared by bytes, such as a map.
    pub fn new(schema: SchemaRef, keys: usize, closes_by: Option<ClosesBy>) -> Result<Self> {
        let fields = schema.fields()[..keys]
            .iter()
            .map(|f| SortField::new(f.data_type().clone()))
            .collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            schema,
            keys,
            index: HashMap::new(),
            stored: vec![],
            closes_by,
            closings: BTreeMap::new(),
            marked: HashSet::new(),
            next: 0,
            rows: 0,
            changes: Changes::default(),
        })
    }

    /// Returns the columns: keys, then the others.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns how many columns are the key.
    pub fn key_columns(&self) -> usize {
        self.keys
    }

    /// Returns how many rows are alive.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the bytes of the arrays that hold the rows, and about those of what finds them.
    pub fn bytes(&self) -> usize {
        let arrays: usize = self.stored.iter().map(|s| s.batch.get_array_memory_size()).sum();
        arrays + self.rows * INDEX_BYTES
    }

    /// Returns the key bytes of each row; none of them is null.
    ///
    /// # Errors
    /// If the batch has other columns, or its keys take more than 2 GB.
    pub fn key_bytes(&self, batch: &RecordBatch) -> Result<BinaryArray> {
        if self.keys == 0 {
            return Ok(BinaryArray::from_iter_values(vec![[]; batch.num_rows()]));
        }
        let keys = batch.columns()[..self.keys].iter().map(normalised);
        let rows = self.converter.convert_columns(&keys.collect::<Result<Vec<_>>>()?)?;
        Ok(rows.try_into_binary()?)
    }

    /// Returns the rows of a key, oldest first; an empty list for an unknown key.
    pub fn of_key(&self, key: &[u8]) -> &[RowId] {
        self.index.get(key).map_or(&[], SmallVec::as_slice)
    }

    /// Returns when each row closes.
    pub fn closing(&self, batch: &RecordBatch) -> Vec<Closing> {
        times_of(self.closes_by, batch)
    }

    /// Adds rows and returns the first one's number; the others follow. Each row is found under its key and leaves by
    /// its closing time.
    ///
    /// # Errors
    /// If the batch has other columns.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<RowId> {
        let keys = self.key_bytes(batch)?;
        self.append_keyed(batch, &keys)
    }

    /// Adds rows whose [key bytes](RowTable::key_bytes) are known, as [`RowTable::append`] does.
    ///
    /// # Errors
    /// As [`RowTable::append`].
    pub fn append_keyed(&mut self, batch: &RecordBatch, keys: &BinaryArray) -> Result<RowId> {
        let first = self.next;
        if batch.num_rows() > 0 {
            self.changes.appended.push((first, batch.clone()));
            self.place((first..).take(batch.num_rows()).collect(), batch.clone(), keys)?;
        }
        Ok(first)
    }

    /// Puts numbered rows where they are found, and puts batches together that have become alike in size.
    fn place(&mut self, ids: Vec<RowId>, batch: RecordBatch, keys: &BinaryArray) -> Result<()> {
        for (id, key) in ids.iter().zip(keys.iter().flatten()) {
            self.index.entry_ref(key).or_default().push(*id);
        }
        // Rows that close together often come together.
        let mut last: Option<(i64, &mut Vec<RowId>)> = None;
        let closing = times_of(self.closes_by, &batch);
        for (closing, id) in closing.into_iter().zip(&ids).filter_map(|(c, id)| Some((c?, *id))) {
            match &mut last {
                Some((at, numbers)) if *at == closing => numbers.push(id),
                _ => {
                    let numbers = self.closings.entry(closing).or_default();
                    numbers.push(id);
                    last = Some((closing, numbers));
                }
            }
        }
        self.rows += ids.len();
        self.next = self.next.max(ids.last().map_or(0, |id| id + 1));
        self.stored.push(Stored { ids, batch });
        while let [.., before, last] = self.stored.as_slice()
            && before.ids.len() <= 2 * last.ids.len()
        {
            let batch = concat_batches(&self.schema, [&before.batch, &last.batch])?;
            let ids = [before.ids.as_slice(), &last.ids].concat();
            self.stored.truncate(self.stored.len() - 2);
            self.stored.push(Stored { ids, batch });
        }
        Ok(())
    }

    /// Returns where a row is: which batch, and which row of it.
    fn at(&self, id: RowId) -> Option<(usize, usize)> {
        let stored = self
            .stored
            .partition_point(|s| s.ids.first().is_some_and(|first| *first <= id))
            .checked_sub(1)?;
        let row = self.stored[stored].ids.binary_search(&id).ok()?;
        Some((stored, row))
    }

    /// Returns the rows of numbers, in the order asked.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if one was never here, or has left and been forgotten.
    pub fn take(&self, ids: &[RowId]) -> Result<RecordBatch> {
        if ids.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let places: Vec<(usize, usize)> = ids
            .iter()
            .map(|id| self.at(*id).ok_or_else(|| SparkError::internal("a state row is gone")))
            .collect::<Result<_>>()?;
        let batches: Vec<&RecordBatch> = self.stored.iter().map(|s| &s.batch).collect();
        Ok(interleave_record_batch(&batches, &places)?)
    }

    /// Notes rows as matched (an outer join's rows that need no nulls).
    pub fn mark(&mut self, ids: impl IntoIterator<Item = RowId>) {
        for id in ids {
            if self.marked.insert(id) {
                self.changes.marked.push(id);
            }
        }
    }

    /// Returns whether a row was matched.
    pub fn is_marked(&self, id: RowId) -> bool {
        self.marked.contains(&id)
    }

    /// Returns the rows that close at or before `watermark_us`, in order of closing.
    pub fn due(&self, watermark_us: i64) -> Vec<RowId> {
        let range = self.closings.range(..=watermark_us);
        range.flat_map(|(_, ids)| ids).copied().collect()
    }

    /// Returns the earliest watermark (µs) that closes a row; `i64::MAX` if none does.
    pub fn closes_at(&self) -> i64 {
        self.closings
            .first_key_value()
            .map_or(i64::MAX, |(closing, _)| *closing)
    }

    /// Forgets the rows that close at or before `watermark_us`; returns which were marked, and the rows.
    ///
    /// # Errors
    /// As [`RowTable::take`].
    pub fn close(&mut self, watermark_us: i64) -> Result<(Vec<bool>, RecordBatch)> {
        let ids = self.due(watermark_us);
        let marked = ids.iter().map(|id| self.is_marked(*id)).collect();
        Ok((marked, self.remove(&ids)?))
    }

    /// Forgets rows and returns them, in the order asked.
    ///
    /// # Errors
    /// As [`RowTable::take`].
    pub fn remove(&mut self, ids: &[RowId]) -> Result<RecordBatch> {
        let rows = self.take(ids)?;
        self.changes.removed.extend(ids);
        self.forget(ids, &rows)?;
        Ok(rows)
    }

    /// Takes rows out of everything that finds them, and copies the living out if too many are dead.
    fn forget(&mut self, ids: &[RowId], rows: &RecordBatch) -> Result<()> {
        let gone: HashSet<RowId> = ids.iter().copied().collect();
        for (id, key) in ids.iter().zip(self.key_bytes(rows)?.iter().flatten()) {
            let EntryRef::Occupied(mut entry) = self.index.entry_ref(key) else {
                continue;
            };
            // The first of a key's rows takes the others with it.
            let of_key = entry.get_mut();
            if of_key.binary_search(id).is_ok() {
                of_key.retain(|id| !gone.contains(id));
            }
            if of_key.is_empty() {
                entry.remove();
            }
        }
        self.forget_closings(
            self.closing(rows)
                .into_iter()
                .zip(ids)
                .filter_map(|(c, id)| Some((c?, *id)))
                .collect(),
        );
        if !self.marked.is_empty() {
            self.marked.retain(|id| !gone.contains(id));
        }
        self.rows -= gone.len();
        let held: usize = self.stored.iter().map(|s| s.ids.len()).sum();
        if held - self.rows > self.rows.max(DEAD_ROWS) || self.rows == 0 {
            let ids = self.ids();
            let batch = self.take(&ids)?;
            self.stored = vec![Stored { ids, batch }];
            self.stored.retain(|s| !s.ids.is_empty());
        }
        Ok(())
    }

    /// Takes rows out of the lists of what closes when.
    fn forget_closings(&mut self, mut gone: Vec<(i64, RowId)>) {
        gone.sort_unstable();
        for together in gone.chunk_by(|a, b| a.0 == b.0) {
            let closing = together[0].0;
            let Some(numbers) = self.closings.get_mut(&closing) else {
                continue;
            };
            let mut left = together.iter().map(|(_, id)| *id).peekable();
            numbers.retain(|id| {
                while left.next_if(|gone| gone < id).is_some() {}
                left.next_if_eq(id).is_none()
            });
            if numbers.is_empty() {
                self.closings.remove(&closing);
            }
        }
    }

    /// Returns the numbers of all rows, ascending.
    pub fn ids(&self) -> Vec<RowId> {
        let mut ids: Vec<RowId> = self.index.values().flatten().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Returns what changed since the last call. A row that came and left in between is not part of it.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn delta(&mut self) -> Result<Part> {
        let changes = std::mem::take(&mut self.changes);
        let gone: HashSet<RowId> = changes.removed.iter().copied().collect();
        let born: RowId = changes.appended.first().map_or(self.next, |(first, _)| *first);
        let schema = self.kept_schema();
        let mut batches = Vec::new();
        for (first, batch) in changes.appended {
            let ids: Vec<RowId> = (first..).take(batch.num_rows()).collect();
            let stays: BooleanArray = ids.iter().map(|id| Some(!gone.contains(id))).collect();
            let batch = self.with_ids(&batch, &ids)?;
            batches.push(arrow::compute::filter_record_batch(&batch, &stays)?);
        }
        let older =
            |ids: Vec<RowId>| -> UInt64Array { ids.into_iter().filter(|id| *id < born).collect::<Vec<_>>().into() };
        let marked: Vec<RowId> = changes.marked.into_iter().filter(|id| !gone.contains(id)).collect();
        Ok(Part {
            next: self.next,
            sections: [
                ipc::write(&schema, &batches)?,
                numbers(older(marked))?,
                numbers(older(changes.removed))?,
            ],
        })
    }

    /// Returns all rows, as a delta that starts from nothing.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn snapshot(&self) -> Result<Part> {
        let ids = self.ids();
        let batch = self.with_ids(&self.take(&ids)?, &ids)?;
        Ok(Part {
            next: self.next,
            sections: [
                ipc::write(&self.kept_schema(), &[batch])?,
                numbers(UInt64Array::from(Vec::<RowId>::new()))?,
                numbers(UInt64Array::from(Vec::<RowId>::new()))?,
            ],
        })
    }

    /// Returns the columns of rows in a delta: the table's, the number, and whether it is marked.
    fn kept_schema(&self) -> Schema {
        let mut fields: Vec<Arc<Field>> = self.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("#id", DataType::UInt64, false)));
        fields.push(Arc::new(Field::new("#marked", DataType::Boolean, false)));
        Schema::new(fields)
    }

    /// Returns rows with their numbers and marks.
    fn with_ids(&self, batch: &RecordBatch, ids: &[RowId]) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from(ids.to_vec())));
        columns.push(Arc::new(
            ids.iter().map(|id| Some(self.is_marked(*id))).collect::<BooleanArray>(),
        ));
        Ok(RecordBatch::try_new(Arc::new(self.kept_schema()), columns)?)
    }

    /// Applies a part that [`RowTable::delta`] or [`RowTable::snapshot`] made.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` if it cannot be read, or is of a table with other columns.
    fn apply(&mut self, part: &[Buffer; 3], next: RowId) -> Result<()> {
        let width = self.schema.fields().len();
        for batch in ipc::read(&part[0])? {
            if batch.num_columns() != width + 2 {
                return Err(corrupt("it has other columns than its operator"));
            }
            let ids = batch
                .column(width)
                .as_primitive_opt::<UInt64Type>()
                .ok_or_else(|| corrupt("its rows have no numbers"))?
                .values()
                .to_vec();
            let marks = batch
                .column(width + 1)
                .as_boolean_opt()
                .ok_or_else(|| corrupt("its rows have no marks"))?
                .clone();
            let rows = ipc::rename(&batch.project(&(0..width).collect::<Vec<_>>())?, &self.schema)?;
            self.marked.extend(
                ids.iter()
                    .enumerate()
                    .filter(|(i, _)| marks.value(*i))
                    .map(|(_, id)| *id),
            );
            if !ids.is_empty() {
                let keys = self.key_bytes(&rows)?;
                self.place(ids, rows, &keys)?;
            }
        }
        self.marked.extend(read_numbers(&part[1])?);
        let removed = read_numbers(&part[2])?;
        let rows = self.take(&removed)?;
        self.forget(&removed, &rows)?;
        self.next = self.next.max(next);
        Ok(())
    }
}

/// Returns when each row of a table that closes like this closes.
fn times_of(closes_by: Option<ClosesBy>, batch: &RecordBatch) -> Vec<Closing> {
    match closes_by {
        Some(by) => times(batch.column(by.column), by.plus_us),
        None => vec![None; batch.num_rows()],
    }
}

/// Returns numbers as an Arrow stream.
fn numbers(ids: UInt64Array) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(vec![Field::new("#id", DataType::UInt64, false)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(ids)])?;
    ipc::write(&schema, &[batch])
}

/// Reads numbers of an Arrow stream.
fn read_numbers(block: &Buffer) -> Result<Vec<RowId>> {
    let mut ids = Vec::new();
    for batch in ipc::read(block)? {
        let column = batch
            .columns()
            .first()
            .and_then(|c| c.as_primitive_opt::<UInt64Type>())
            .ok_or_else(|| corrupt("a list of row numbers is of another type"))?;
        ids.extend_from_slice(column.values());
    }
    Ok(ids)
}

/// The first bytes of a delta.
const MAGIC: [u8; 4] = *b"RSR1";

/// Returns the parts of an operator's tables as one delta: mark, number of parts, then per part its next row number,
/// the lengths of its sections, and the sections, each filled up to eight bytes, so that Arrow reads them in place.
pub fn encode(parts: Vec<Part>) -> Result<Vec<u8>> {
    let mut out = Vec::from(MAGIC);
    out.extend_from_slice(&(parts.len() as u32).to_le_bytes());
    for part in parts {
        out.extend_from_slice(&part.next.to_le_bytes());
        for section in &part.sections {
            out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        }
        for section in &part.sections {
            out.extend_from_slice(section);
            out.resize(out.len().next_multiple_of(8), 0);
        }
    }
    Ok(out)
}

/// Returns the delta of a batch, or of a whole epoch at its end; nothing while more rows of the epoch follow.
///
/// # Errors
/// As [`RowTable::delta`].
pub fn settled<'a>(context: &BatchContext, tables: impl IntoIterator<Item = &'a mut RowTable>) -> Result<Vec<u8>> {
    if !context.commits() {
        return Ok(vec![]);
    }
    encode(tables.into_iter().map(RowTable::delta).collect::<Result<_>>()?)
}

/// Applies a delta to tables.
///
/// # Errors
/// `CORRUPT_STATE` if it is cut short or belongs to an operator with other tables.
pub fn apply(tables: &mut [RowTable], delta: &Buffer) -> Result<()> {
    let word = |at: usize| -> Result<u64> {
        let bytes = delta.get(at..at + 8).ok_or_else(|| corrupt("it is cut short"))?;
        Ok(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    };
    if delta.get(..4) != Some(&MAGIC) || word(0)? >> 32 != tables.len() as u64 {
        return Err(corrupt("it does not start with its mark"));
    }
    let mut at = 8;
    for table in tables {
        let next = word(at)?;
        let lengths = [word(at + 8)?, word(at + 16)?, word(at + 24)?];
        at += 32;
        let mut sections: [Buffer; 3] = Default::default();
        for (section, length) in sections.iter_mut().zip(lengths) {
            let length = usize::try_from(length).map_err(|_| corrupt("a length is out of range"))?;
            if at.checked_add(length).is_none_or(|end| end > delta.len()) {
                return Err(corrupt("it is cut short"));
            }
            *section = delta.slice_with_length(at, length);
            at += length.next_multiple_of(8);
        }
        table.apply(&sections, next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
