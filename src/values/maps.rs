//! Maps as grouping compares them (`MapSort`): the entries in the order of their keys.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::floats::comparable;
use super::nested::{any, with_parts};
use crate::error::Result;

/// Returns whether a type is a map, or has one within structs and arrays.
pub fn has_maps(of: &DataType) -> bool {
    any(of, |of| matches!(of, DataType::Map(..)))
}

/// Returns values whose maps, at any depth, have their entries in the order of the keys; others are not copied.
///
/// # Errors
/// Arrow's, if an array is not what its type says.
pub fn sorted(values: &ArrayRef) -> Result<ArrayRef> {
    if !has_maps(values.data_type()) {
        return Ok(values.clone());
    }
    let DataType::Map(entries, ordered) = values.data_type() else {
        return with_parts(values, sorted);
    };
    let map = values.as_map();
    let keys = comparable(std::slice::from_ref(map.keys()))?;
    let mut order: Vec<u32> = (0..map.entries().len() as u32).collect();
    for pair in map.value_offsets().windows(2) {
        let (from, to) = (pair[0] as usize, pair[1] as usize);
        order[from..to].sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
    }
    let inner = arrow::compute::take(map.entries(), &UInt32Array::from(order), None)?;
    let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
    let inner = inner.as_struct().clone();
    let map: ArrayRef = Arc::new(MapArray::try_new(entries.clone(), offsets, inner, nulls, *ordered)?);
    with_parts(&map, sorted)
}
