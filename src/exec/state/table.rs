//! State with one row per key: keys and partial aggregates, grouped by the time that closes them.
//!
//! A table keeps one bucket per closing time (the end of a window), so that closing a window drops one bucket. Within a
//! bucket, rows live in the batches that brought them; an index says where each key's row is. The rows changed by a
//! batch are its delta: one Arrow batch, the same form that shuffle, checkpoint and merge use.
//!
//! ```text
//!  buckets   12:10 ─▶ { index: key ─▶ (batch, row), batches: [ … ], dead: 3 }
//!            12:20 ─▶ { … }                          close(12:10) takes the first bucket as a whole
//!            None  ─▶ { … }                          never closes
//! ```

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, interleave_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, Rows, SortField};

use hashbrown::hash_table::{Entry, HashTable};
use hashbrown::{DefaultHashBuilder, HashMap};

use super::{Closing, corrupt};
use crate::error::{Result, SparkError};
use crate::values::{bytes, ipc};

/// Where a key's row is.
#[derive(Debug)]
struct Slot {
    /// Where the key's bytes begin among those of its bucket.
    start: usize,
    /// Where they end.
    end: usize,
    /// Their hash.
    hash: u64,
    /// The batch, and the row in it.
    at: (u32, u32),
}

/// The keys of rows as bytes that compare as they do, each with its hash: what is hashed once finds its group, its row and its
/// new place.
#[derive(Debug)]
pub struct Keys {
    /// The bytes; `None` if a key has no columns.
    rows: Option<Rows>,
    /// The hash of each.
    hashes: Vec<u64>,
}

impl Keys {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Returns the bytes of a row's key.
    pub fn bytes(&self, row: usize) -> &[u8] {
        self.rows.as_ref().map_or(&[], |rows| rows.row(row).data())
    }

    /// Returns the first row of each different key, and for each row the place of its key among those.
    pub fn groups(&self) -> (Vec<u32>, Vec<usize>) {
        let mut known: HashTable<usize> = HashTable::with_capacity(self.len());
        let mut first: Vec<u32> = Vec::new();
        let mut groups = Vec::with_capacity(self.len());
        for (row, hash) in self.hashes.iter().enumerate() {
            let key = self.bytes(row);
            let same = |group: &usize| bytes::same(self.bytes(first[*group] as usize), key);
            let group = match known.entry(*hash, same, |group| self.hashes[first[*group] as usize]) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => *entry.insert(first.len()).get(),
            };
            if group == first.len() {
                first.push(row as u32);
            }
            groups.push(group);
        }
        (first, groups)
    }
}

/// Rows of one closing time.
#[derive(Debug, Default)]
struct Bucket {
    /// Where each key's row is, by the key's hash.
    index: HashTable<Slot>,
    /// The bytes of all keys, one after the other: they go together, when the bucket is closed.
    keys: Vec<u8>,
    /// The batches that brought the rows.
    batches: Vec<RecordBatch>,
    /// Rows of `batches` that no key points to any more.
    dead: usize,
}

/// The state of one operator in one partition, one row per key.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Array, RecordBatch};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use rivulet::exec::state::table::StateTable;
///
/// let fields = ["key", "count"].map(|name| Field::new(name, DataType::Int64, true));
/// let schema = Arc::new(Schema::new(fields.to_vec()));
/// let mut table = StateTable::new(schema.clone(), 1)?;
/// let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as _;
/// let rows = RecordBatch::try_new(schema, vec![column(vec![7, 8]), column(vec![1, 1])])?;
/// let keys = table.key_bytes(&rows.columns()[..1], 2)?;
/// table.upsert(&rows, &[Some(10), Some(20)], &keys, &[0, 1])?;
/// assert_eq!(table.close(15)?.len(), 1);
/// assert_eq!(table.rows(), 1);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct StateTable {
    /// Keys, then partial states.
    schema: SchemaRef,
    /// Turns keys into bytes that compare as they do.
    converter: RowConverter,
    /// Hashes them.
    hasher: DefaultHashBuilder,
    /// How many columns are the key.
    keys: usize,
    /// Rows by closing time; `None` comes first and never closes.
    buckets: BTreeMap<Closing, Bucket>,
}

impl StateTable {
    /// Returns an empty table whose first `keys` columns are the key.
    ///
    /// # Errors
    /// If a key is of a type that cannot be compared by bytes, such as a map.
    pub fn new(schema: SchemaRef, keys: usize) -> Result<Self> {
        let fields = schema.fields()[..keys]
            .iter()
            .map(|f| SortField::new(f.data_type().clone()))
            .collect();
        Ok(Self {
            schema,
            converter: RowConverter::new(fields)?,
            hasher: DefaultHashBuilder::default(),
            keys,
            buckets: BTreeMap::new(),
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

    /// Returns how many keys there are.
    pub fn rows(&self) -> usize {
        self.buckets.values().map(|b| b.index.len()).sum()
    }

    /// Returns the bytes of the arrays that hold the rows.
    pub fn bytes(&self) -> usize {
        self.buckets
            .values()
            .flat_map(|b| &b.batches)
            .map(RecordBatch::get_array_memory_size)
            .sum()
    }

    /// Returns the key of each row; nulls are equal.
    ///
    /// # Errors
    /// If the columns are of other types.
    pub fn key_bytes(&self, columns: &[ArrayRef], rows: usize) -> Result<Keys> {
        if self.keys == 0 {
            let hash = self.hasher.hash_one([0_u8; 0].as_slice());
            return Ok(Keys {
                rows: None,
                hashes: vec![hash; rows],
            });
        }
        let rows = self.converter.convert_columns(columns)?;
        let hashes = rows.iter().map(|row| self.hasher.hash_one(row.data())).collect();
        Ok(Keys {
            rows: Some(rows),
            hashes,
        })
    }

    /// Returns the stored rows of keys, and for each the place at which it was asked for; unknown keys are left out. Asked for
    /// are the keys of the rows `picked`, each with its closing time.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn lookup(&self, closing: &[Closing], keys: &Keys, picked: &[u32]) -> Result<(Vec<usize>, RecordBatch)> {
        let mut batches: Vec<&RecordBatch> = Vec::new();
        let mut base: HashMap<Closing, usize> = HashMap::new();
        let mut at = Vec::new();
        let mut found = Vec::new();
        // Rows of one closing time mostly come together.
        let mut last: Option<(Closing, Option<&Bucket>)> = None;
        for (position, (closing, source)) in closing.iter().zip(picked).enumerate() {
            let bucket = match last {
                Some((of, bucket)) if of == *closing => bucket,
                _ => {
                    let bucket = self.buckets.get(closing);
                    last = Some((*closing, bucket));
                    bucket
                }
            };
            let Some(bucket) = bucket else { continue };
            let (key, hash) = (keys.bytes(*source as usize), keys.hashes[*source as usize]);
            let same = |slot: &Slot| bytes::same(&bucket.keys[slot.start..slot.end], key);
            let Some(Slot { at: (batch, row), .. }) = bucket.index.find(hash, same) else {
                continue;
            };
            let first = *base.entry(*closing).or_insert_with(|| {
                batches.extend(&bucket.batches);
                batches.len() - bucket.batches.len()
            });
            at.push((first + *batch as usize, *row as usize));
            found.push(position);
        }
        if at.is_empty() {
            return Ok((found, RecordBatch::new_empty(self.schema.clone())));
        }
        Ok((found, interleave_record_batch(&batches, &at)?))
    }

    /// Puts rows, one per key; a key's old row is forgotten. A key must keep its closing time, which is part of its
    /// place. The key of each row is that of the row `picked` for it.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if there are fewer keys than rows.
    pub fn upsert(&mut self, rows: &RecordBatch, closing: &[Closing], keys: &Keys, picked: &[u32]) -> Result<()> {
        if picked.len() < rows.num_rows() {
            return Err(SparkError::internal("a state row has no key"));
        }
        let mut by_bucket: BTreeMap<Closing, Vec<u32>> = BTreeMap::new();
        for (row, closing) in closing.iter().enumerate() {
            by_bucket.entry(*closing).or_default().push(row as u32);
        }
        for (closing, own) in by_bucket {
            let bucket = self.buckets.entry(closing).or_default();
            let number = bucket.batches.len() as u32;
            for (row, source) in own.iter().enumerate() {
                let source = picked[*source as usize] as usize;
                let (key, hash) = (keys.bytes(source), keys.hashes[source]);
                let at = (number, row as u32);
                let same = |slot: &Slot| bytes::same(&bucket.keys[slot.start..slot.end], key);
                match bucket.index.entry(hash, same, |slot| slot.hash) {
                    Entry::Occupied(mut entry) => {
                        entry.get_mut().at = at;
                        bucket.dead += 1;
                    }
                    Entry::Vacant(entry) => {
                        let start = bucket.keys.len();
                        bucket.keys.extend_from_slice(key);
                        let end = bucket.keys.len();
                        entry.insert(Slot { start, end, hash, at });
                    }
                }
            }
            let part = if own.len() == rows.num_rows() {
                rows.clone()
            } else {
                take_record_batch(rows, &UInt32Array::from(own))?
            };
            bucket.batches.push(part);
            bucket.compact()?;
        }
        Ok(())
    }

    /// Removes and returns the buckets that close at or before `watermark` (µs), oldest first.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn close(&mut self, watermark: i64) -> Result<Vec<RecordBatch>> {
        let mut closed = Vec::new();
        let due: Vec<Closing> = self
            .buckets
            .range(Some(i64::MIN)..=Some(watermark))
            .map(|(c, _)| *c)
            .collect();
        for closing in due {
            if let Some(bucket) = self.buckets.remove(&closing) {
                closed.extend(bucket.live()?);
            }
        }
        Ok(closed)
    }

    /// Returns all rows, bucket by bucket.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn all(&self) -> Result<Vec<RecordBatch>> {
        let mut all = Vec::new();
        for bucket in self.buckets.values() {
            all.extend(bucket.live()?);
        }
        Ok(all)
    }

    /// Returns all rows in the form of a delta.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        StateDelta::encode(&self.schema, &self.all()?, None)
    }

    /// Applies deltas and snapshots in order: what [`StateDelta::encode`] made.
    ///
    /// # Errors
    /// `CORRUPT_STATE` or `CORRUPT_BLOCK` if one cannot be read.
    pub fn load(&mut self, deltas: &[Buffer], closing_of: &dyn Fn(&RecordBatch) -> Vec<Closing>) -> Result<()> {
        for delta in deltas {
            let (watermark, block) = StateDelta::decode(delta)?;
            for batch in ipc::read(&block)? {
                let batch = ipc::rename(&batch, &self.schema)?;
                let keys = self.key_bytes(&batch.columns()[..self.keys], batch.num_rows())?;
                let picked: Vec<u32> = (0..batch.num_rows() as u32).collect();
                self.upsert(&batch, &closing_of(&batch), &keys, &picked)?;
            }
            if let Some(watermark) = watermark {
                self.close(watermark)?;
            }
        }
        Ok(())
    }
}

impl Bucket {
    /// Returns the rows that keys point to.
    fn live(&self) -> Result<Option<RecordBatch>> {
        if self.index.is_empty() {
            return Ok(None);
        }
        if self.dead == 0 {
            return Ok(Some(concat_batches(&self.batches[0].schema(), &self.batches)?));
        }
        let places = self.index.iter().map(|slot| slot.at);
        let mut at: Vec<(usize, usize)> = places.map(|(b, r)| (b as usize, r as usize)).collect();
        at.sort_unstable();
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        Ok(Some(interleave_record_batch(&batches, &at)?))
    }

    /// Rewrites the batches when more rows are dead than alive, or when they have become many.
    fn compact(&mut self) -> Result<()> {
        if self.dead <= self.index.len().max(64) && self.batches.len() <= 64 {
            return Ok(());
        }
        let mut slots: Vec<&mut Slot> = self.index.iter_mut().collect();
        slots.sort_unstable_by_key(|slot| slot.at);
        let at: Vec<(usize, usize)> = slots.iter().map(|s| (s.at.0 as usize, s.at.1 as usize)).collect();
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let whole = interleave_record_batch(&batches, &at)?;
        for (row, slot) in slots.into_iter().enumerate() {
            slot.at = (0, row as u32);
        }
        self.batches = vec![whole];
        self.dead = 0;
        Ok(())
    }
}

/// The change of one batch: the rows put, then the watermark up to which buckets were closed.
pub struct StateDelta;

impl StateDelta {
    /// The first bytes of a delta.
    const MAGIC: [u8; 4] = *b"RSD1";

    /// Returns the delta of a batch: mark, whether there is a watermark, the watermark (µs), then the rows as an Arrow
    /// stream that is aligned to eight bytes.
    ///
    /// # Errors
    /// If rows cannot be written as Arrow.
    pub fn encode(schema: &SchemaRef, rows: &[RecordBatch], closed_until: Option<i64>) -> Result<Vec<u8>> {
        let mut out = Vec::from(Self::MAGIC);
        // Flag and watermark fill twelve bytes, so that the stream after them stays aligned to eight.
        out.extend_from_slice(&u32::from(closed_until.is_some()).to_le_bytes());
        out.extend_from_slice(&closed_until.unwrap_or_default().to_le_bytes());
        out.extend(ipc::write(schema, rows)?);
        Ok(out)
    }

    /// Reads a delta: the watermark, and the stream of rows.
    ///
    /// # Errors
    /// `CORRUPT_STATE` if it does not begin as one.
    fn decode(bytes: &Buffer) -> Result<(Option<i64>, Buffer)> {
        if bytes.len() < 16 || bytes[..4] != Self::MAGIC {
            return Err(corrupt("it does not start with its mark"));
        }
        let mut word = [0u8; 8];
        word.copy_from_slice(&bytes[8..16]);
        let closed = (bytes[4] == 1).then(|| i64::from_le_bytes(word));
        Ok((closed, bytes.slice(16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use std::sync::Arc;

    fn batch(rows: &[(i64, i64)]) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![
            Field::new("k", DataType::Int64, true),
            Field::new("v", DataType::Int64, true),
        ]));
        let (k, v): (Vec<i64>, Vec<i64>) = rows.iter().copied().unzip();
        RecordBatch::try_new(
            schema,
            vec![Arc::new(Int64Array::from(k)), Arc::new(Int64Array::from(v))],
        )
        .unwrap()
    }

    fn put(table: &mut StateTable, rows: &[(i64, i64)]) {
        let rows = batch(rows);
        let keys = table.key_bytes(&rows.columns()[..1], rows.num_rows()).unwrap();
        let closing: Vec<Closing> = rows
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|k| Some(k % 10))
            .collect();
        let picked: Vec<u32> = (0..rows.num_rows() as u32).collect();
        table.upsert(&rows, &closing, &keys, &picked).unwrap();
    }

    fn sorted(batches: &[RecordBatch]) -> Vec<(i64, i64)> {
        let mut out: Vec<(i64, i64)> = batches
            .iter()
            .flat_map(|b| {
                let (k, v) = (
                    b.column(0).as_primitive::<Int64Type>(),
                    b.column(1).as_primitive::<Int64Type>(),
                );
                k.values()
                    .iter()
                    .copied()
                    .zip(v.values().iter().copied())
                    .collect::<Vec<_>>()
            })
            .collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn a_table_equals_a_map_over_random_puts_and_closings_and_reloads_from_its_deltas() {
        use rand::{Rng, SeedableRng};
        for seed in 0..40 {
            let mut rng = rand::rngs::SmallRng::seed_from_u64(seed);
            let mut table = StateTable::new(batch(&[]).schema(), 1).unwrap();
            let mut model: BTreeMap<i64, i64> = BTreeMap::new();
            let mut deltas = Vec::new();
            for _ in 0..60 {
                let rows: BTreeMap<i64, i64> = (0..rng.random_range(1..40))
                    .map(|_| (rng.random_range(0..200), rng.random()))
                    .collect();
                let rows: Vec<(i64, i64)> = rows.into_iter().collect();
                put(&mut table, &rows);
                model.extend(rows.iter().copied());
                let closed = rng.random_bool(0.2).then(|| rng.random_range(-1..9));
                if let Some(until) = closed {
                    let gone = sorted(&table.close(until).unwrap());
                    let expected: Vec<(i64, i64)> = model
                        .iter()
                        .filter(|(k, _)| *k % 10 <= until)
                        .map(|(k, v)| (*k, *v))
                        .collect();
                    assert_eq!(gone, expected, "seed {seed}");
                    model.retain(|k, _| k % 10 > until);
                }
                deltas.push(Buffer::from(
                    StateDelta::encode(table.schema(), &[batch(&rows)], closed).unwrap(),
                ));
                assert_eq!(table.rows(), model.len(), "seed {seed}");
            }
            let expected: Vec<(i64, i64)> = model.into_iter().collect();
            assert_eq!(sorted(&table.all().unwrap()), expected, "seed {seed}");
            let mut reloaded = StateTable::new(batch(&[]).schema(), 1).unwrap();
            let closing = |b: &RecordBatch| {
                b.column(0)
                    .as_primitive::<Int64Type>()
                    .values()
                    .iter()
                    .map(|k| Some(k % 10))
                    .collect()
            };
            reloaded.load(&deltas, &closing).unwrap();
            assert_eq!(sorted(&reloaded.all().unwrap()), expected, "seed {seed}");
        }
    }
}
