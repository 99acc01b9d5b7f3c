//! `IndexToString`: indices back to labels.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::Float64Type;

use crate::error::Result;
use crate::ml::error::invalid_value;

/// # Errors
/// Where an index has no label.
pub fn apply(labels: &[String], indices: &dyn Array, column: &str) -> Result<ArrayRef> {
    let indices = indices.as_primitive::<Float64Type>();
    let mut out = StringBuilder::new();
    for (row, index) in indices.iter().enumerate() {
        let Some(index) = index else {
            out.append_null();
            continue;
        };
        // Java's `toInt` cuts the fraction off.
        match labels.get(index as usize).filter(|_| index > -1.0) {
            Some(label) => out.append_value(label),
            None => return Err(invalid_value(format!("Unseen index: {} ??", index as i64), column, row)),
        }
    }
    Ok(Arc::new(out.finish()))
}
