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

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int32Type, Int64Type};

use crate::exec::codes::is_coded;

/// How many rows there must be for each possible code: with fewer, few rows share one. One is enough for a dictionary, since its
/// texts need not be copied to the rows then.
const ROWS_PER_CODE: usize = 2;

/// The codes of rows.
pub(super) struct Codes {
    /// Of each row.
    of: Vec<u32>,
    /// How many codes are possible.
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
        _ => rows / ROWS_PER_CODE,
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
struct Coded {
    /// A whole number per row; null where the value is.
    numbers: Int64Array,
    /// The number whose code is 0.
    base: i64,
    /// How many codes there are; the last one is that of nulls.
    range: usize,
}

impl Coded {
    /// Finds the codes of a column; `None` if it has none.
    fn of(column: &ArrayRef) -> Option<Self> {
        let (numbers, span) = match column.data_type() {
            to if is_coded(to) => {
                let coded = column.as_dictionary::<Int32Type>();
                let valid = |code: &i32| coded.values().is_valid(*code as usize);
                let codes: ArrayRef = match coded.values().null_count() {
                    0 => Arc::new(coded.keys().clone()),
                    _ => Arc::new(
                        coded
                            .keys()
                            .iter()
                            .map(|code| code.filter(valid))
                            .collect::<Int32Array>(),
                    ),
                };
                (codes, Some((0, coded.values().len() as i64)))
            }
            DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) => (column.clone(), None),
            whole if whole.is_signed_integer() => (column.clone(), None),
            _ => return None,
        };
        let numbers = cast(&numbers, &DataType::Int64)
            .ok()?
            .as_primitive::<Int64Type>()
            .clone();
        let (least, most) = span.or_else(|| min(&numbers).zip(max(&numbers)))?;
        let range = most.checked_sub(least)?.checked_add(2)?;
        Some(Self {
            numbers,
            base: least,
            range: usize::try_from(range).ok()?,
        })
    }

    /// Adds the column's code to those of the columns before.
    fn add_to(&self, codes: &mut [u32]) {
        let (range, null) = (self.range as u32, self.range as u32 - 1);
        let code = |number: i64| number.wrapping_sub(self.base) as u32;
        if self.numbers.null_count() == 0 {
            for (own, number) in codes.iter_mut().zip(self.numbers.values()) {
                *own = *own * range + code(*number);
            }
        } else {
            for (own, number) in codes.iter_mut().zip(&self.numbers) {
                *own = *own * range + number.map_or(null, code);
            }
        }
    }
}
