//! Values within structs, arrays and maps.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::Result;

/// Returns whether a test holds for a type, or for one within it.
///
/// ```
/// use arrow::datatypes::DataType;
/// use rivulet::values::nested::any;
/// use rivulet::values::types::list_of;
///
/// assert!(any(&list_of(DataType::Float64), DataType::is_floating));
/// assert!(!any(&DataType::Utf8, DataType::is_floating));
/// ```
pub fn any(of: &DataType, test: fn(&DataType) -> bool) -> bool {
    test(of)
        || match of {
            DataType::List(item) | DataType::Map(item, _) => any(item.data_type(), test),
            DataType::Struct(fields) => fields.iter().any(|f| any(f.data_type(), test)),
            _ => false,
        }
}

/// Returns a struct, array or map whose parts `change` has changed, each to the same type and length; other values as they are.
///
/// # Errors
/// Those of `change`; Arrow's, if an array is not what its type says.
pub fn with_parts(values: &ArrayRef, change: fn(&ArrayRef) -> Result<ArrayRef>) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::List(item) => {
            let list = values.as_list::<i32>();
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(
                item.clone(),
                offsets,
                change(list.values())?,
                nulls,
            )?)
        }
        DataType::Struct(fields) => {
            let structs = values.as_struct();
            let columns = structs.columns().iter().map(change).collect::<Result<Vec<_>>>()?;
            let (nulls, rows) = (structs.nulls().cloned(), structs.len());
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?)
        }
        DataType::Map(entries, ordered) => {
            let map = values.as_map();
            let inner: ArrayRef = Arc::new(map.entries().clone());
            let inner = with_parts(&inner, change)?.as_struct().clone();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(entries.clone(), offsets, inner, nulls, *ordered)?)
        }
        _ => values.clone(),
    })
}
