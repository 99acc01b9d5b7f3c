//! Keys of state: the bytes of grouping columns, and the number that each different key has.
//!
//! A key is hashed once per row. Its bytes are the text itself, the eight bytes of a number, or Arrow's row form of several
//! columns; an [`Index`] keeps them one after the other and numbers them from 0 in the order in which they came.
//!
//! ```text
//!  column  #rust  #wasm  #rust  null           index   bytes  #rust#wasm
//!  number    0      1      0      2                    ends       5   10   10      null is 2
//! ```

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, PrimitiveArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Field, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::row::{RowConverter, RowParser, Rows, SortField};
use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};

use crate::error::{Result, SparkError};
use crate::values::bytes;

/// How the columns of a key become bytes, and bytes columns.
#[derive(Debug)]
pub enum Form {
    /// There are no columns: all rows have one key.
    Empty,
    /// One column of strings.
    Text,
    /// One column of whole numbers, days or times.
    Number(DataType),
    /// Whatever else can be compared by bytes.
    Rows(RowConverter),
}

/// The keys of some rows.
pub enum Keys {
    /// No columns.
    Empty,
    /// Strings.
    Text(StringArray),
    /// Numbers, eight bytes each.
    Number(Int64Array),
    /// Arrow's row form.
    Rows(Rows),
}

impl Form {
    /// Returns the form for columns.
    ///
    /// # Errors
    /// If one is of a type that cannot be compared by bytes, such as a map.
    pub fn of<'a>(columns: impl Iterator<Item = &'a Arc<Field>>) -> Result<Self> {
        let types: Vec<DataType> = columns.map(|f| f.data_type().clone()).collect();
        Ok(match types.as_slice() {
            [] => Self::Empty,
            [DataType::Utf8] => Self::Text,
            [DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, _)] => {
                Self::Number(types[0].clone())
            }
            _ => Self::Rows(RowConverter::new(types.into_iter().map(SortField::new).collect())?),
        })
    }

    /// Returns the keys of rows.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the columns are of other types.
    pub fn keys(&self, columns: &[ArrayRef]) -> Result<Keys> {
        let wrong = || SparkError::internal("a key is of another type than its state");
        Ok(match (self, columns) {
            (Self::Empty, _) => Keys::Empty,
            (Self::Text, [column]) => Keys::Text(column.as_string_opt::<i32>().ok_or_else(wrong)?.clone()),
            (Self::Number(of), [column]) if column.data_type() == of => Keys::Number(as_numbers(column)?),
            (Self::Rows(converter), _) => Keys::Rows(converter.convert_columns(columns)?),
            _ => return Err(wrong()),
        })
    }
}

/// Returns whole numbers, days or times as 64 bits.
fn as_numbers(column: &ArrayRef) -> Result<Int64Array> {
    let narrow = |days: &Int32Array| days.unary::<_, Int64Type>(i64::from);
    Ok(match column.data_type() {
        DataType::Int32 => narrow(column.as_primitive::<Int32Type>()),
        DataType::Date32 => narrow(&column.as_primitive::<Date32Type>().reinterpret_cast::<Int32Type>()),
        DataType::Int64 => column.as_primitive::<Int64Type>().clone(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .reinterpret_cast::<Int64Type>(),
        other => return Err(SparkError::internal(format!("a key of type {other} is not a number"))),
    })
}

/// Returns 64-bit numbers as values of a narrower or named type.
fn from_numbers(numbers: Int64Array, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        DataType::Timestamp(_, zone) => Arc::new(
            numbers
                .reinterpret_cast::<TimestampMicrosecondType>()
                .with_timezone_opt(zone.clone()),
        ),
        DataType::Date32 => {
            let days: PrimitiveArray<Int32Type> = numbers.unary(|n| n as i32);
            Arc::new(days.reinterpret_cast::<Date32Type>())
        }
        DataType::Int64 => Arc::new(numbers),
        other => cast(&numbers, other)?,
    })
}

/// Different keys, numbered from 0.
#[derive(Debug, Default)]
pub struct Index {
    /// The number of each key, by its hash; a null is not among them.
    table: HashTable<u32>,
    /// The hash of each key.
    hashes: Vec<u64>,
    /// Where the bytes of each key end; they begin where those of the one before end.
    ends: Vec<usize>,
    /// The bytes of all keys.
    bytes: Vec<u8>,
    /// The number of the null of a single column.
    null: Option<u32>,
}

impl Index {
    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the bytes that it takes, about.
    pub fn size_bytes(&self) -> usize {
        let (hash, end) = (size_of::<u64>(), size_of::<usize>());
        self.bytes.capacity() + self.ends.capacity() * (hash + end) + self.table.capacity() * (size_of::<u32>() + 1)
    }

    /// Returns the bytes of a key; `None` for the null of a single column.
    pub fn key(&self, number: u32) -> Option<&[u8]> {
        (self.null != Some(number)).then(|| self.stored(number))
    }

    /// Returns the bytes kept for a key.
    #[inline]
    fn stored(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }

    /// Returns the number here of another index's key; `None` if it is not here. Both must hash alike.
    pub fn find(&self, other: &Self, number: u32) -> Option<u32> {
        if other.null == Some(number) {
            return self.null;
        }
        let (key, hash) = (other.stored(number), other.hashes[number as usize]);
        let found = self.table.find(hash, |own| bytes::same(self.stored(*own), key));
        found.copied()
    }

    /// Adds the keys of rows, those that are new, and returns the number of each row's.
    pub fn numbers(&mut self, keys: &Keys, rows: usize, hasher: &DefaultHashBuilder) -> Vec<u32> {
        match keys {
            Keys::Empty => {
                let number = if rows == 0 { 0 } else { self.number(Some(&[]), hasher) };
                vec![number; rows]
            }
            Keys::Text(texts) => {
                let (values, offsets) = (texts.value_data(), texts.value_offsets());
                let text = |row: usize| &values[offsets[row] as usize..offsets[row + 1] as usize];
                self.of_each(rows, texts.nulls(), hasher, text)
            }
            Keys::Number(numbers) => {
                let (all, _) = numbers.values().inner().as_slice().as_chunks::<8>();
                self.of_each(rows, numbers.nulls(), hasher, |row| &all[row])
            }
            Keys::Rows(keys) => self.of_each(rows, None, hasher, |row| keys.row(row).data()),
        }
    }

    /// Returns the number of each row's key, whose bytes `key` has.
    #[inline]
    fn of_each<'a>(
        &mut self,
        rows: usize,
        nulls: Option<&NullBuffer>,
        hasher: &DefaultHashBuilder,
        key: impl Fn(usize) -> &'a [u8],
    ) -> Vec<u32> {
        let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
        let each = (0..rows).map(|row| self.number(valid(row).then(|| key(row)), hasher));
        each.collect()
    }

    /// Returns the number of a key, a new one if it is new.
    #[inline]
    fn number(&mut self, key: Option<&[u8]>, hasher: &DefaultHashBuilder) -> u32 {
        let next = self.ends.len() as u32;
        let Some(key) = key else {
            if self.null.is_none() {
                self.null = Some(next);
                self.hashes.push(0);
                self.ends.push(self.bytes.len());
            }
            return self.null.unwrap_or(next);
        };
        let mut state = hasher.build_hasher();
        state.write(key);
        let hash = state.finish();
        let (ends, all) = (&self.ends, &self.bytes);
        let same = |number: &u32| {
            let number = *number as usize;
            let start = if number == 0 { 0 } else { ends[number - 1] };
            bytes::same(&all[start..ends[number]], key)
        };
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
                let (ends, bytes) = match picked {
                    None => (self.ends.clone(), self.bytes.clone()),
                    Some(picked) => {
                        let (mut ends, mut bytes) = (Vec::with_capacity(rows), Vec::with_capacity(rows * 12));
                        for number in picked {
                            bytes.extend_from_slice(self.stored(*number));
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
                let numbers: Vec<<Int64Type as ArrowPrimitiveType>::Native> = (0..rows).map(whole).collect();
                Ok(vec![from_numbers(Int64Array::new(numbers.into(), nulls), to)?])
            }
            Form::Rows(converter) => {
                let parser: RowParser = converter.parser();
                Ok(converter.convert_rows((0..rows).map(|at| parser.parse(self.stored(number(at)))))?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Numbers the keys of columns in three batches, and compares them and what comes back with a list.
    fn check(columns: &[ArrayRef]) {
        let fields: Vec<Arc<Field>> = columns
            .iter()
            .map(|c| Arc::new(Field::new("k", c.data_type().clone(), true)))
            .collect();
        let form = Form::of(fields.iter()).unwrap();
        let (mut index, hasher) = (Index::default(), DefaultHashBuilder::default());
        let (rows, mut seen): (usize, Vec<Vec<String>>) = (columns[0].len(), vec![]);
        let text = |columns: &[ArrayRef], row: usize| -> Vec<String> {
            let one = |c: &ArrayRef| {
                let shown = arrow::util::display::array_value_to_string(c, row).unwrap();
                if c.is_null(row) { "null!".into() } else { shown }
            };
            columns.iter().map(one).collect()
        };
        for (from, to) in [(0, rows / 3), (rows / 3, rows / 2), (rows / 2, rows)] {
            let part: Vec<ArrayRef> = columns.iter().map(|c| c.slice(from, to - from)).collect();
            let numbers = index.numbers(&form.keys(&part).unwrap(), to - from, &hasher);
            for (row, number) in numbers.into_iter().enumerate() {
                let key = text(&part, row);
                let wanted = seen.iter().position(|k| *k == key).unwrap_or_else(|| {
                    seen.push(key.clone());
                    seen.len() - 1
                });
                assert_eq!(number as usize, wanted, "{key:?}");
            }
        }
        let all = index.columns(&form, None).unwrap();
        let picked: Vec<u32> = (0..seen.len() as u32).rev().collect();
        let reversed = index.columns(&form, Some(&picked)).unwrap();
        for (at, key) in seen.iter().enumerate() {
            assert_eq!(text(&all, at), *key);
            assert_eq!(text(&reversed, seen.len() - 1 - at), *key);
            assert_eq!(index.find(&index, at as u32), Some(at as u32));
        }
    }

    #[test]
    fn keys_of_all_forms_are_numbered_as_a_list_does_and_come_back() {
        let mut random = SmallRng::seed_from_u64(3);
        let ids: Int64Array = (0..300)
            .map(|_| (random.random_range(0..9) > 0).then(|| random.random_range(-20..20)))
            .collect();
        let texts: StringArray = ids
            .iter()
            .map(|id| id.map(|id| "é#".repeat((id % 7) as usize % 5)))
            .collect();
        let days = from_numbers(ids.clone(), &DataType::Date32).unwrap();
        let times = from_numbers(
            ids.clone(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        )
        .unwrap();
        let whole = from_numbers(ids.clone(), &DataType::Int32).unwrap();
        let (ids, texts): (ArrayRef, ArrayRef) = (Arc::new(ids), Arc::new(texts));
        for one in [&ids, &texts, &days, &times, &whole] {
            check(std::slice::from_ref(one));
            check(&[one.clone(), texts.clone()]);
        }
    }
}
