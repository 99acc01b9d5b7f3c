//! `count(DISTINCT …)` of structs and arrays, and so of several columns: how many different values there are.
//!
//! A value is kept as the bytes of Arrow's row form, in which equal values are equal; of doubles, NaN is one value and -0.0 equals
//! 0.0. State: the list of these bytes. They mean the same wherever the same types are compared by one build, and so never become part
//! of a checkpoint: Spark refuses DISTINCT in streams.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};

use super::{Definition, function};
use crate::values::floats::comparable;
use crate::values::types::{element_field, list_of};

/// Returns `count(DISTINCT x)` of a struct or an array; `None` for a type that DataFusion counts, or that cannot be compared.
///
/// ```
/// use arrow::datatypes::{DataType, Field};
/// use rivulet::kernels::aggregates::distinct::count;
///
/// let pair = DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into());
/// assert!(count(&pair).is_some());
/// assert!(count(&DataType::Int32).is_none());
/// ```
pub fn count(of: &DataType) -> Option<Arc<AggregateUDF>> {
    let is_nested = matches!(of, DataType::Struct(_) | DataType::List(_));
    if !is_nested || !RowConverter::supports_fields(&[SortField::new(of.clone())]) {
        return None;
    }
    Some(function(Definition {
        name: "count",
        options: "distinct".into(),
        to: DataType::Int64,
        state: vec![list_of(DataType::Binary)],
        make: Arc::new(|| Box::new(Count::default())),
        groups: None,
        sliding: None,
    }))
}

/// The different values of one group.
#[derive(Default)]
struct Count {
    /// Their bytes.
    values: HashSet<Box<[u8]>>,
    /// How many bytes these are.
    bytes: usize,
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Count({})", self.values.len())
    }
}

impl Count {
    /// Adds a value.
    fn add(&mut self, value: &[u8]) {
        if !self.values.contains(value) {
            self.bytes += value.len();
            self.values.insert(value.into());
        }
    }
}

impl Accumulator for Count {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = comparable(&values[..1])?;
        let present = values[0].logical_nulls();
        for row in (0..values[0].len()).filter(|row| present.as_ref().is_none_or(|p| p.is_valid(*row))) {
            self.add(rows.row(row).as_ref());
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states[0].as_list::<i32>();
        for values in lists.iter().flatten() {
            values
                .as_binary::<i32>()
                .iter()
                .flatten()
                .for_each(|value| self.add(value));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = BinaryArray::from_iter_values(self.values.iter());
        let field = element_field(&list_of(DataType::Binary))?.clone();
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::try_new(field, offsets, Arc::new(values), None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.values.len() as i64)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * (size_of::<Box<[u8]>>() + 1) + self.bytes
    }
}
