//! Codes in place of keys: of a dictionary, of booleans, of whole numbers that lie close together.
//!
//! Rows of a block that repeat few keys need each key hashed once. A code is found by arithmetic; the first row that has a code
//! brings its key, the others share what that finds.
//!
//! ```text
//!  hashtag  dictionary [#rust #wasm]  codes 0 1 0 0 1     rows that bring keys  0 1
//!  hour     13 13 14 13 13            codes 0 0 1 0 0                           2
//!  together                                 0 2 1 0 2  ─▶ of each row           0 1 2 0 1
//! ```

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, PrimitiveArray};
use arrow::compute::{max, min};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use crate::exec::codes::is_coded;

/// How many rows there must be for each code that could be: with fewer, few rows share one. Of a dictionary, whose texts need
/// not be copied to the rows then, one is enough.
const ROWS_A_CODE: usize = 2;

/// The codes of rows.
pub(super) struct Codes {
    /// Of each row.
    of: Vec<u32>,
    /// How many codes could be.
    range: usize,
}

impl Codes {
    /// Returns the rows that have a code first, and of each row, which of those has its code.
    pub(super) fn first_rows(self) -> (Vec<u32>, Vec<u32>) {
        const NONE: u32 = u32::MAX;
        let Self { mut of, range } = self;
        let (mut places, mut firsts) = (vec![NONE; range], Vec::new());
        for (row, code) in of.iter_mut().enumerate() {
            let place = &mut places[*code as usize];
            if *place == NONE {
                *place = firsts.len() as u32;
                firsts.push(row as u32);
            }
            *code = *place;
        }
        (firsts, of)
    }
}

/// Returns the codes of rows by some columns; `None` if a column has none, or too few rows would share one.
pub(super) fn of_rows(columns: &[ArrayRef], rows: usize) -> Option<Codes> {
    let is_text = |column: &ArrayRef| is_coded(column.data_type());
    let most = match columns {
        [column] if is_text(column) => rows,
        _ => rows / ROWS_A_CODE,
    };
    let columns: Vec<Coded> = columns.iter().map(Coded::of).collect::<Option<_>>()?;
    let mut range = 1;
    for column in &columns {
        range = column.range.checked_mul(range).filter(|range| *range <= most)?;
    }
    let mut of = vec![0; rows];
    for column in &columns {
        column.add_to(&mut of);
    }
    (!columns.is_empty()).then_some(Codes { of, range })
}

/// A column that has codes.
struct Coded<'a> {
    /// The column.
    column: &'a ArrayRef,
    /// The number whose code is 0.
    base: i64,
    /// How many codes there are; the last one is that of nulls.
    range: usize,
}

impl<'a> Coded<'a> {
    /// Finds the codes of a column; `None` if it has none.
    fn of(column: &'a ArrayRef) -> Option<Self> {
        fn span<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<(i64, i64)>
        where
            T::Native: Into<i64>,
        {
            let column = column.as_primitive::<T>();
            Some((min(column)?.into(), max(column)?.into()))
        }
        let (least, most) = match column.data_type() {
            of if is_coded(of) => (0, column.as_dictionary::<Int32Type>().values().len() as i64),
            DataType::Boolean => (0, 1),
            DataType::Int8 => span::<Int8Type>(column)?,
            DataType::Int16 => span::<Int16Type>(column)?,
            DataType::Int32 => span::<Int32Type>(column)?,
            DataType::Int64 => span::<Int64Type>(column)?,
            DataType::Date32 => span::<Date32Type>(column)?,
            DataType::Timestamp(..) => span::<TimestampMicrosecondType>(column)?,
            _ => return None,
        };
        let range = most.checked_sub(least)?.checked_add(2)?;
        Some(Self {
            column,
            base: least,
            range: usize::try_from(range).ok()?,
        })
    }

    /// Adds the column's code to those of the columns before.
    fn add_to(&self, codes: &mut [u32]) {
        let (range, null) = (self.range as u32, self.range as u32 - 1);
        if let Some(booleans) = self.column.as_boolean_opt() {
            for (code, value) in codes.iter_mut().zip(booleans) {
                *code = *code * range + value.map_or(null, u32::from);
            }
            return;
        }
        match self.column.data_type() {
            DataType::Int8 => self.add_numbers(self.column.as_primitive::<Int8Type>(), codes),
            DataType::Int16 => self.add_numbers(self.column.as_primitive::<Int16Type>(), codes),
            DataType::Int32 => self.add_numbers(self.column.as_primitive::<Int32Type>(), codes),
            DataType::Int64 => self.add_numbers(self.column.as_primitive::<Int64Type>(), codes),
            DataType::Date32 => self.add_numbers(self.column.as_primitive::<Date32Type>(), codes),
            DataType::Timestamp(..) => self.add_numbers(self.column.as_primitive::<TimestampMicrosecondType>(), codes),
            _ => {
                let coded = self.column.as_dictionary::<Int32Type>();
                let values = coded.values();
                if values.null_count() == 0 {
                    return self.add_numbers(coded.keys(), codes);
                }
                let nulls_too = coded
                    .keys()
                    .iter()
                    .map(|key| key.filter(|key| values.is_valid(*key as usize)));
                self.add_numbers(&nulls_too.collect::<Int32Array>(), codes);
            }
        }
    }

    /// Adds the codes of numbers.
    fn add_numbers<T: ArrowPrimitiveType>(&self, numbers: &PrimitiveArray<T>, codes: &mut [u32])
    where
        T::Native: Into<i64>,
    {
        let (range, null, base) = (self.range as u32, self.range as u32 - 1, self.base);
        let code = |number: T::Native| (number.into().wrapping_sub(base)) as u32;
        match numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                for (own, number) in codes.iter_mut().zip(numbers.values()) {
                    *own = *own * range + code(*number);
                }
            }
            Some(_) => {
                for (own, number) in codes.iter_mut().zip(numbers) {
                    *own = *own * range + number.map_or(null, code);
                }
            }
        }
    }
}
