//! Different keys, numbered from 0.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::row::RowParser;
use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};

use super::{Form, Keys, from_numbers};
use crate::error::{Result, SparkError};
use crate::values::bytes;

/// Different keys, numbered from 0. It holds keys of one [`Form`].
#[derive(Debug, Default)]
pub struct Index {
    /// The keys.
    kept: Kept,
    /// The number of the null of a single column.
    null: Option<u32>,
}

/// Keys, and the number of each. A null has a number, and stands as a key that nothing finds.
#[derive(Debug, Default)]
enum Kept {
    /// None yet.
    #[default]
    Nothing,
    /// Numbers: a place of the table holds the number itself, so that one look finds it.
    Numbers(Numbers),
    /// Bytes of any length.
    Bytes(Bytes),
}

/// Keys that are numbers.
#[derive(Debug, Default)]
struct Numbers {
    /// Each with its number.
    table: HashTable<(u64, u32)>,
    /// All of them.
    keys: Vec<[u8; 8]>,
}

/// Keys of any length.
#[derive(Debug, Default)]
struct Bytes {
    /// The number of each key, by its hash.
    table: HashTable<u32>,
    /// The hash of each key.
    hashes: Vec<u64>,
    /// Where the bytes of each key end; they begin where those of the one before end.
    ends: Vec<usize>,
    /// The bytes of all keys.
    bytes: Vec<u8>,
}

impl Numbers {
    /// Returns the number of a key, a new one if it is new.
    #[inline]
    fn number(&mut self, key: [u8; 8], hasher: &DefaultHashBuilder) -> u32 {
        let (value, next) = (u64::from_le_bytes(key), self.keys.len() as u32);
        let same = |kept: &(u64, u32)| kept.0 == value;
        match self
            .table
            .entry(hasher.hash_one(value), same, |kept| hasher.hash_one(kept.0))
        {
            Entry::Occupied(entry) => entry.get().1,
            Entry::Vacant(entry) => {
                entry.insert((value, next));
                self.keys.push(key);
                next
            }
        }
    }
}

impl Bytes {
    /// Returns the bytes kept for a key.
    #[inline]
    fn stored(&self, number: u32) -> &[u8] {
        &self.bytes[run(&self.ends, number)]
    }

    /// Returns the number of a key, a new one if it is new.
    #[inline]
    fn number(&mut self, key: &[u8], hasher: &DefaultHashBuilder) -> u32 {
        let next = self.ends.len() as u32;
        let mut state = hasher.build_hasher();
        state.write(key);
        let hash = state.finish();
        let (ends, all) = (&self.ends, &self.bytes);
        let same = |number: &u32| bytes::same(&all[run(ends, *number)], key);
        match self.table.entry(hash, same, |number| self.hashes[*number as usize]) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                entry.insert(next);
                self.hashes.push(hash);
                self.bytes.extend_from_slice(key);
                self.ends.push(self.bytes.len());
                next
            }
        }
    }
}

/// Returns where the bytes of a key are.
#[inline]
fn run(ends: &[usize], number: u32) -> std::ops::Range<usize> {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    start..ends[number]
}

impl Index {
    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Numbers(numbers) => numbers.keys.len(),
            Kept::Bytes(bytes) => bytes.ends.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes that it takes, about.
    pub fn size_bytes(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Numbers(numbers) => {
                numbers.keys.capacity() * size_of::<u64>() + numbers.table.capacity() * (size_of::<(u64, u32)>() + 1)
            }
            Kept::Bytes(kept) => {
                let (hash, end) = (size_of::<u64>(), size_of::<usize>());
                let table = kept.table.capacity() * (size_of::<u32>() + 1);
                kept.bytes.capacity() + kept.ends.capacity() * (hash + end) + table
            }
        }
    }

    /// Returns the bytes of a key; `None` for the null of a single column.
    pub fn key(&self, number: u32) -> Option<&[u8]> {
        (self.null != Some(number)).then(|| self.stored(number))
    }

    /// Returns the bytes kept for a key.
    #[inline]
    fn stored(&self, number: u32) -> &[u8] {
        match &self.kept {
            Kept::Nothing => &[],
            Kept::Numbers(numbers) => &numbers.keys[number as usize],
            Kept::Bytes(bytes) => bytes.stored(number),
        }
    }

    /// Returns the number here of another index's key; `None` if it is not here. Both must be of one form and hash alike.
    pub fn find(&self, other: &Self, number: u32, hasher: &DefaultHashBuilder) -> Option<u32> {
        if other.null == Some(number) {
            return self.null;
        }
        match (&self.kept, &other.kept) {
            (Kept::Numbers(own), Kept::Numbers(others)) => {
                let value = u64::from_le_bytes(others.keys[number as usize]);
                let found = own.table.find(hasher.hash_one(value), |kept| kept.0 == value);
                found.map(|kept| kept.1)
            }
            (Kept::Bytes(own), Kept::Bytes(others)) => {
                let (key, hash) = (others.stored(number), others.hashes[number as usize]);
                let found = own.table.find(hash, |kept| bytes::same(own.stored(*kept), key));
                found.copied()
            }
            _ => None,
        }
    }

    /// Adds the keys of rows, those that are new, and returns the number of each row's.
    pub fn numbers(&mut self, keys: &Keys, rows: usize, hasher: &DefaultHashBuilder) -> Vec<u32> {
        match keys {
            Keys::Empty if rows == 0 => vec![],
            Keys::Empty => {
                let mut kept = self.take_bytes();
                let number = kept.number(&[], hasher);
                self.kept = Kept::Bytes(kept);
                vec![number; rows]
            }
            Keys::Text(texts) => {
                let (values, offsets) = (texts.value_data(), texts.value_offsets());
                let text = |row: usize| &values[offsets[row] as usize..offsets[row + 1] as usize];
                self.of_bytes(rows, texts.nulls(), hasher, text)
            }
            Keys::Number(numbers) => self.of_numbers(numbers, hasher),
            Keys::Rows(keys) => self.of_bytes(rows, None, hasher, |row| keys.row(row).data()),
            Keys::Repeated { keys, count, of } => {
                let numbers = self.numbers(keys, *count, hasher);
                of.iter().map(|key| numbers[*key as usize]).collect()
            }
        }
    }

    /// Takes the keys out, as bytes of any length.
    fn take_bytes(&mut self) -> Bytes {
        match std::mem::take(&mut self.kept) {
            Kept::Bytes(bytes) => bytes,
            _ => Bytes::default(),
        }
    }

    /// Returns the number of each row's key, whose bytes `key` has.
    #[inline]
    fn of_bytes<'a>(
        &mut self,
        rows: usize,
        nulls: Option<&NullBuffer>,
        hasher: &DefaultHashBuilder,
        key: impl Fn(usize) -> &'a [u8],
    ) -> Vec<u32> {
        let mut kept = self.take_bytes();
        let numbers = (0..rows).map(|row| {
            if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                return kept.number(key(row), hasher);
            }
            *self.null.get_or_insert_with(|| {
                kept.hashes.push(0);
                kept.ends.push(kept.bytes.len());
                kept.ends.len() as u32 - 1
            })
        });
        let numbers = numbers.collect();
        self.kept = Kept::Bytes(kept);
        numbers
    }

    /// Returns the number of each row's key.
    fn of_numbers(&mut self, keys: &Int64Array, hasher: &DefaultHashBuilder) -> Vec<u32> {
        let mut kept = match std::mem::take(&mut self.kept) {
            Kept::Numbers(kept) => kept,
            _ => Numbers::default(),
        };
        let (all, nulls) = (keys.values(), keys.nulls());
        let numbers = (0..keys.len()).map(|row| {
            if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                return kept.number(all[row].to_le_bytes(), hasher);
            }
            *self.null.get_or_insert_with(|| {
                kept.keys.push([0; 8]);
                kept.keys.len() as u32 - 1
            })
        });
        let numbers = numbers.collect();
        self.kept = Kept::Numbers(kept);
        numbers
    }

    /// Returns the columns of keys: of those with the numbers `picked`, in that order, or of all.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are not of the form.
    pub fn columns(&self, form: &Form, picked: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        let rows = picked.map_or(self.len(), <[u32]>::len);
        let number = |at: usize| picked.map_or(at as u32, |picked| picked[at]);
        let nulls = self.null.and_then(|null| {
            let valid: Vec<bool> = (0..rows).map(|at| number(at) != null).collect();
            valid.contains(&false).then(|| NullBuffer::from(valid))
        });
        match form {
            Form::Empty => Ok(vec![]),
            Form::Text => {
                let (ends, bytes) = match (picked, &self.kept) {
                    (None, Kept::Bytes(kept)) => (kept.ends.clone(), kept.bytes.clone()),
                    _ => {
                        let (mut ends, mut bytes) = (Vec::with_capacity(rows), Vec::with_capacity(rows * 12));
                        for at in 0..rows {
                            bytes.extend_from_slice(self.stored(number(at)));
                            ends.push(bytes.len());
                        }
                        (ends, bytes)
                    }
                };
                let too_long = || SparkError::internal("the keys of one batch are longer than 2 GiB");
                i32::try_from(bytes.len()).map_err(|_| too_long())?;
                let offsets: Vec<i32> = std::iter::once(0).chain(ends.iter().map(|end| *end as i32)).collect();
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Ok(vec![Arc::new(StringArray::try_new(
                    offsets,
                    Buffer::from_vec(bytes),
                    nulls,
                )?)])
            }
            Form::Number(to) => {
                let whole = |at: usize| {
                    let (words, _) = self.stored(number(at)).as_chunks::<8>();
                    words.first().map_or(0, |word| i64::from_le_bytes(*word))
                };
                let numbers: Vec<i64> = (0..rows).map(whole).collect();
                Ok(vec![from_numbers(Int64Array::new(numbers.into(), nulls), to)?])
            }
            Form::Rows(converter) => {
                let parser: RowParser = converter.parser();
                Ok(converter.convert_rows((0..rows).map(|at| parser.parse(self.stored(number(at)))))?)
            }
        }
    }
}
