//! Keys of state: the bytes of grouping columns, and the number that each different key has.
//!
//! A key is hashed once per row, or once per code where the columns have codes and rows repeat them. Its bytes are the text
//! itself, the eight bytes of a number, or Arrow's row form of several columns; an [`Index`] keeps them and numbers them from 0
//! in the order in which they came.
//!
//! ```text
//!  column  #rust  #wasm  #rust  null           index   bytes  #rust#wasm
//!  number    0      1      0      2                    ends       5   10   10      null is 2
//! ```

mod codes;
mod index;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, PrimitiveArray, StringArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, Rows, SortField};

pub use self::index::Index;
use crate::error::{Result, SparkError};
use crate::exec::codes::plain;
use crate::values::floats::normalised;

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
    /// Rows that repeat some keys.
    Repeated {
        /// The keys, each once or a little more, in the order in which rows have them first.
        keys: Box<Keys>,
        /// How many those are.
        count: usize,
        /// Of each row, which of them it has.
        of: Vec<u32>,
    },
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

    /// Returns the keys of `rows` rows. Columns of text may be dictionaries.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the columns are of other types.
    pub fn keys(&self, columns: &[ArrayRef], rows: usize) -> Result<Keys> {
        if let Some(codes) = codes::of_rows(columns, rows) {
            let (firsts, of) = codes.first_rows();
            let firsts = UInt32Array::from(firsts);
            let taken = columns.iter().map(|column| plain(&take(column, &firsts, None)?));
            let keys = Box::new(self.of_each_row(&taken.collect::<Result<Vec<_>>>()?)?);
            let count = firsts.len();
            return Ok(Keys::Repeated { keys, count, of });
        }
        let plain: Vec<ArrayRef> = columns.iter().map(plain).collect::<Result<_>>()?;
        self.of_each_row(&plain)
    }

    /// Returns the key of each row.
    fn of_each_row(&self, columns: &[ArrayRef]) -> Result<Keys> {
        let wrong = || SparkError::internal("a key is of another type than its state");
        Ok(match (self, columns) {
            (Self::Empty, _) => Keys::Empty,
            (Self::Text, [column]) => Keys::Text(column.as_string_opt::<i32>().ok_or_else(wrong)?.clone()),
            (Self::Number(of), [column]) if column.data_type() == of => Keys::Number(as_numbers(column)?),
            (Self::Rows(converter), _) => {
                let columns: Vec<ArrayRef> = columns.iter().map(normalised).collect::<Result<_>>()?;
                Keys::Rows(converter.convert_columns(&columns)?)
            }
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{BooleanArray, DictionaryArray};
    use hashbrown::DefaultHashBuilder;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Numbers the keys of columns in three batches, and compares them and what comes back with a list.
    fn check(columns: &[ArrayRef]) {
        let fields: Vec<Arc<Field>> = columns
            .iter()
            .map(|c| {
                Arc::new(Field::new(
                    "k",
                    plain(&c.slice(0, 0)).unwrap().data_type().clone(),
                    true,
                ))
            })
            .collect();
        let form = Form::of(fields.iter()).unwrap();
        let (mut index, hasher) = (Index::default(), DefaultHashBuilder::default());
        let (rows, mut seen): (usize, Vec<Vec<String>>) = (columns[0].len(), vec![]);
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        let text = |columns: &[ArrayRef], row: usize| -> Vec<String> {
            let one = |c: &ArrayRef| {
                let shown = arrow::util::display::array_value_to_string(c, row).unwrap();
                if c.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
                    "null!".into()
                } else {
                    shown
                }
            };
            columns.iter().map(one).collect()
        };
        for (from, to) in [(0, rows / 3), (rows / 3, rows / 2), (rows / 2, rows)] {
            let part: Vec<ArrayRef> = columns.iter().map(|c| c.slice(from, to - from)).collect();
            let numbers = index.numbers(&form.keys(&part, to - from).unwrap(), to - from, &hasher);
            for (row, number) in numbers.into_iter().enumerate() {
                let key = text(&part, row);
                let wanted = *places.entry(key.clone()).or_insert(seen.len());
                if wanted == seen.len() {
                    seen.push(key.clone());
                }
                assert_eq!(number as usize, wanted, "{key:?}");
            }
        }
        let all = index.columns(&form, None).unwrap();
        let picked: Vec<u32> = (0..seen.len() as u32).rev().collect();
        let reversed = index.columns(&form, Some(&picked)).unwrap();
        for (at, key) in seen.iter().enumerate() {
            assert_eq!(text(&all, at), *key);
            assert_eq!(text(&reversed, seen.len() - 1 - at), *key);
            assert_eq!(index.find(&index, at as u32, &hasher), Some(at as u32));
        }
    }

    #[test]
    fn keys_of_all_forms_are_numbered_as_a_list_does_and_come_back() {
        let mut random = SmallRng::seed_from_u64(3);
        for (rows, spread) in [(300, 20), (3000, 20), (3000, 4000)] {
            let ids: Int64Array = (0..rows)
                .map(|_| (random.random_range(0..9) > 0).then(|| random.random_range(-spread..spread)))
                .collect();
            let texts: StringArray = ids
                .iter()
                .map(|id| id.map(|id| "é#".repeat((id % 7) as usize % 5)))
                .collect();
            let days = from_numbers(ids.clone(), &DataType::Date32).unwrap();
            let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let times = from_numbers(ids.clone(), &micros).unwrap();
            let whole = from_numbers(ids.clone(), &DataType::Int32).unwrap();
            let odd: BooleanArray = ids.iter().map(|id| id.map(|id| id % 2 == 0)).collect();
            // Codes may be null, stand for a null, or stand for the same text.
            let words = StringArray::from(vec![
                Some("a"),
                None,
                Some("#rust"),
                Some("a"),
                Some(""),
                Some("unused"),
            ]);
            let codes: Int32Array = ids.iter().map(|id| id.map(|id| id.rem_euclid(5) as i32)).collect();
            let coded: ArrayRef = Arc::new(DictionaryArray::try_new(codes, Arc::new(words)).unwrap());
            let each = crate::exec::codes::coded(&(Arc::new(texts.clone()) as ArrayRef)).unwrap();
            let (ids, texts): (ArrayRef, ArrayRef) = (Arc::new(ids), Arc::new(texts));
            let odd: ArrayRef = Arc::new(odd);
            for one in [&ids, &texts, &days, &times, &whole, &odd, &coded, &each] {
                check(std::slice::from_ref(one));
                check(&[one.clone(), texts.clone()]);
                check(&[coded.clone(), one.clone()]);
            }
        }
    }

    #[test]
    fn rows_that_repeat_few_keys_bring_each_key_once() {
        let hours: ArrayRef = Arc::new(Int64Array::from_iter(
            (0..1000).map(|row| (row % 9 > 0).then_some(row % 7)),
        ));
        let form = Form::of([Arc::new(Field::new("k", DataType::Int64, true))].iter()).unwrap();
        let counts = |rows: usize| match form.keys(&[hours.slice(0, rows)], rows).unwrap() {
            Keys::Repeated { count, .. } => Some(count),
            _ => None,
        };
        assert_eq!(counts(1000), Some(8));
        // Eight codes could be: with fewer than two rows each, rows bring their keys themselves.
        assert_eq!((counts(16), counts(15)), (Some(8), None));
    }
}
