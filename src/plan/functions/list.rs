//! List columns: their elements, and how new ones are put together.
//!
//! A list column is one array of all elements and an offset per row. Kernels that rearrange elements
//! name them by their places in that array and take them all at once, rather than copy row by row:
//!
//! ```text
//! rows      [a b] null [c]        ListMaker   push(0, 2) end(true) end(false) push(0, 0) push(0, 1) end(true)
//! values    a b c                 ⇒           [c] null [a b]
//! offsets   0   2    2   3
//! ```
//!
//! Offsets are 32 bits: a column holds at most 2,147,483,647 elements over all its rows, which batches
//! never reach.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::kernels::limits;
use crate::values::types::element_field;

/// What kernels return.
type DfResult<T> = datafusion_common::Result<T>;

/// Returns where the elements of a row are among the values of its column; empty for most nulls, but
/// not for all.
pub fn span(list: &ListArray, row: usize) -> Range<usize> {
    list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize
}

/// Returns where the entries of a row are among the entries of its column.
pub fn map_span(map: &MapArray, row: usize) -> Range<usize> {
    map.value_offsets()[row] as usize..map.value_offsets()[row + 1] as usize
}

/// Returns a list column of the type `to` whose rows take their elements from `values` in turn.
///
/// # Errors
/// If the values are fewer than the lengths say, or of another type, Arrow's.
pub fn assemble(
    lengths: impl IntoIterator<Item = usize>,
    valid: Option<Vec<bool>>,
    values: ArrayRef,
    to: &DataType,
) -> DfResult<ArrayRef> {
    Ok(Arc::new(ListArray::try_new(
        element_field(to)?.clone(),
        OffsetBuffer::from_lengths(lengths),
        values,
        valid.map(Into::into),
    )?))
}

/// Returns one list as a scalar of the type `to`.
pub fn scalar(values: ArrayRef, to: &DataType) -> DfResult<datafusion_common::ScalarValue> {
    let list = assemble([values.len()], None, values, to)?;
    datafusion_common::ScalarValue::try_from_array(&list, 0)
}

/// A list column in the making: elements are named by source column and place, rows are ended one after the other.
///
/// ```
/// use arrow::array::{Array, AsArray, Int32Array};
/// use arrow::datatypes::{DataType, Int32Type};
/// use rivulet::plan::functions::list::ListMaker;
/// use rivulet::values::types::list_of;
///
/// let (a, b) = (Int32Array::from(vec![1, 2, 3]), Int32Array::from(vec![10]));
/// let mut maker = ListMaker::new(2);
/// maker.push(1, 0); // the first element of `b`
/// maker.extend(0, 1..3); // the second and third of `a`
/// maker.end(true);
/// maker.end(false); // a null row
/// let lists = maker.finish("array_append", &[&a, &b], &list_of(DataType::Int32))?;
/// let lists = lists.as_list::<i32>();
/// assert_eq!(lists.value(0).as_primitive::<Int32Type>().values(), &[10, 2, 3]);
/// assert!(lists.is_null(1));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct ListMaker {
    /// Each element so far: which source, and where in it.
    from: Vec<(usize, usize)>,
    /// How many elements each ended row has.
    lengths: Vec<usize>,
    /// Which ended rows are not null.
    valid: Vec<bool>,
    /// How many elements the ended rows have together.
    ended: usize,
}

impl ListMaker {
    /// Makes room for `rows` rows.
    pub fn new(rows: usize) -> Self {
        Self {
            from: Vec::new(),
            lengths: Vec::with_capacity(rows),
            valid: Vec::with_capacity(rows),
            ended: 0,
        }
    }

    /// Adds an element to the current row.
    pub fn push(&mut self, source: usize, at: usize) {
        self.from.push((source, at));
    }

    /// Makes sure that the current row may have so many elements more, each held as a place until the column is made.
    ///
    /// # Errors
    /// If it may not, `COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION` with the size of the row, or the limits of one value and of a
    /// batch.
    pub fn expect(&self, function: &str, more: u64) -> Result<()> {
        let place = size_of::<(usize, usize)>() as u64;
        let row = (self.from.len() - self.ended) as u64 + more;
        limits::list(function, row, place)?;
        limits::batch(function, (self.from.len() as u64 + more) * place)
    }

    /// Adds the elements of a range of one source.
    pub fn extend(&mut self, source: usize, span: Range<usize>) {
        self.from.extend(span.map(|at| (source, at)));
    }

    /// Adds elements of several sources.
    pub fn append(&mut self, cells: impl IntoIterator<Item = (usize, usize)>) {
        self.from.extend(cells);
    }

    /// Ends the current row; a null row should not have had elements.
    pub fn end(&mut self, valid: bool) {
        self.lengths.push(self.from.len() - self.ended);
        self.valid.push(valid);
        self.ended = self.from.len();
    }

    /// Returns the number of elements of each row, and which rows are not null.
    pub fn shape(&self) -> (&[usize], &[bool]) {
        (&self.lengths, &self.valid)
    }

    /// Returns the elements named so far, taken from columns of one type. Without any, the first source
    /// says which type.
    pub fn values(&self, sources: &[&dyn Array]) -> DfResult<ArrayRef> {
        match (self.from.is_empty(), sources) {
            (true, [first, ..]) => Ok(new_empty_array(first.data_type())),
            _ => Ok(arrow::compute::interleave(sources, &self.from)?),
        }
    }

    /// Returns the column, of the type `to`.
    ///
    /// # Errors
    /// If the elements are larger together than those of a batch may be, `RIVULET_BATCH_TOO_LARGE`.
    pub fn finish(self, function: &str, sources: &[&dyn Array], to: &DataType) -> DfResult<ArrayRef> {
        limits::taken(function, sources, &self.from)?;
        let values = self.values(sources)?;
        assemble(self.lengths, Some(self.valid), values, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::types::list_of;

    #[test]
    fn rows_take_their_elements_from_several_columns() {
        let (a, b) = (Int32Array::from(vec![1, 2]), Int32Array::from(vec![3]));
        let mut made = ListMaker::new(3);
        made.extend(0, 0..2);
        made.push(1, 0);
        made.end(true);
        made.end(false);
        made.end(true);
        let list = made
            .finish("array_append", &[&a, &b], &list_of(DataType::Int32))
            .unwrap();
        let list = list.as_list::<i32>();
        assert_eq!(list.value(0).as_ref(), &Int32Array::from(vec![1, 2, 3]) as &dyn Array);
        assert!(list.is_null(1) && list.is_valid(2) && list.value(2).is_empty());
    }

    #[test]
    fn a_type_that_is_not_a_list_is_named_in_the_error() {
        let error = element_field(&DataType::Int32).unwrap_err();
        assert!(
            error.to_string().contains("expected a list type, found Int32"),
            "{error}"
        );
    }
}
