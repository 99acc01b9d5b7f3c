//! `min_by(value, key)` and `max_by(value, key)`: the value beside the least or greatest key; of equal
//! keys the last.
//!
//! State: value and key; the key is null while no row with a key has come. The value may be null and
//! still be the result.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};

use crate::kernels::aggregates::gather::{self, Keep};
use crate::kernels::aggregates::{Definition, function};
use crate::values::floats::comparator;

/// Returns `max_by` if `greatest`, else `min_by`, for these types of value and key.
///
/// Rows with a null key are skipped; without any other row the result is null. A window that slides
/// keeps all its rows.
pub fn by_key(value: &DataType, key: &DataType, greatest: bool) -> Arc<AggregateUDF> {
    let (v, k) = (value.clone(), key.clone());
    let finish = value.clone();
    let sliding = gather::make(
        &[value.clone(), key.clone()],
        Keep {
            nulls: true,
            distinct: false,
        },
        Arc::new(move |columns| match best(&columns[1], greatest)? {
            Some(at) => ScalarValue::try_from_array(&columns[0], at),
            None => ScalarValue::try_from(&finish),
        }),
    );
    function(Definition {
        name: if greatest { "max_by" } else { "min_by" },
        options: String::new(),
        to: value.clone(),
        state: vec![value.clone(), key.clone()],
        make: Arc::new(move || {
            Box::new(ByKey {
                value: null(&v),
                key: null(&k),
                greatest,
            })
        }),
        groups: None,
        sliding: Some(sliding),
    })
}

/// Returns the null of a type.
fn null(data_type: &DataType) -> ScalarValue {
    ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null)
}

/// Returns where the least or greatest key is; of equal ones the last, `None` if all are null.
///
/// NaN is greater than every other number, as Arrow and Spark order it.
fn best(keys: &ArrayRef, greatest: bool) -> Result<Option<usize>> {
    if keys.data_type().is_null() {
        return Ok(None);
    }
    let compare = comparator(keys, keys)?;
    Ok((0..keys.len()).filter(|i| keys.is_valid(*i)).reduce(|a, b| {
        let order = compare(b, a);
        if order.is_eq() || order.is_gt() == greatest {
            b
        } else {
            a
        }
    }))
}

/// The best row of one group.
#[derive(Debug)]
struct ByKey {
    /// Its value.
    value: ScalarValue,
    /// Its key; null before the first one.
    key: ScalarValue,
    /// Whether greater keys are better.
    greatest: bool,
}

impl ByKey {
    /// Compares the best row of a batch with the best so far; of equal keys the newer row wins.
    fn take_in(&mut self, values: &ArrayRef, keys: &ArrayRef) -> Result<()> {
        let Some(at) = best(keys, self.greatest)? else {
            return Ok(());
        };
        let both = arrow::compute::concat(&[self.key.to_array()?.as_ref(), keys.slice(at, 1).as_ref()])?;
        if best(&both, self.greatest)? == Some(1) {
            self.value = ScalarValue::try_from_array(values, at)?;
            self.key = ScalarValue::try_from_array(keys, at)?;
        }
        Ok(())
    }
}

impl Accumulator for ByKey {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take_in(&values[0], &values[1])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.take_in(&states[0], &states[1])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.key.clone()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        self.value.size() + self.key.size()
    }
}
