//! Maps as grouping compares them (`MapSort`): the entries in the order of their keys.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::floats::comparable;
use crate::error::Result;

/// Returns whether a type is a map, or has one within structs and arrays.
pub fn has_maps(of: &DataType) -> bool {
    match of {
        DataType::Map(..) => true,
        DataType::List(item) => has_maps(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| has_maps(f.data_type())),
        _ => false,
    }
}

/// Returns values whose maps, at any depth, have their entries in the order of the keys; others are not copied.
///
/// # Errors
/// Arrow's, if an array is not what its type says.
pub fn sorted(values: &ArrayRef) -> Result<ArrayRef> {
    if !has_maps(values.data_type()) {
        return Ok(values.clone());
    }
    Ok(match values.data_type() {
        DataType::Map(entries, ordered) => {
            let map = values.as_map();
            let keys = comparable(std::slice::from_ref(map.keys()))?;
            let mut order: Vec<u32> = (0..map.entries().len() as u32).collect();
            for pair in map.value_offsets().windows(2) {
                let (from, to) = (pair[0] as usize, pair[1] as usize);
                order[from..to].sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
            }
            let inner = arrow::compute::take(map.entries(), &UInt32Array::from(order), None)?;
            let inner = inner.as_struct();
            let parts = vec![inner.column(0).clone(), sorted(inner.column(1))?];
            let fields = inner.fields().clone();
            Arc::new(MapArray::try_new(
                entries.clone(),
                map.offsets().clone(),
                StructArray::try_new(fields, parts, inner.nulls().cloned())?,
                map.nulls().cloned(),
                *ordered,
            )?)
        }
        DataType::List(item) => {
            let list = values.as_list::<i32>();
            let inner = sorted(list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(item.clone(), offsets, inner, nulls)?)
        }
        DataType::Struct(fields) => {
            let structs = values.as_struct();
            let columns = structs.columns().iter().map(sorted).collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                columns,
                structs.nulls().cloned(),
                structs.len(),
            )?)
        }
        _ => values.clone(),
    })
}
