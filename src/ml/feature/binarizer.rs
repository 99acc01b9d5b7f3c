//! `Binarizer`: 1 above a threshold, else 0.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;

use crate::error::Result;
use crate::values::vector::{self, VectorRef};

fn above(value: f64, threshold: f64) -> f64 {
    f64::from(u8::from(value > threshold))
}

/// Over doubles or vectors; null stays null.
pub fn apply(threshold: f64, values: &dyn Array) -> Result<ArrayRef> {
    if let Some(doubles) = values.as_primitive_opt::<Float64Type>() {
        let out: Float64Array = doubles.unary(|v| above(v, threshold));
        return Ok(Arc::new(out));
    }
    vector::map(values, |_, v| {
        let all: Vec<f64> = v.to_dense().into_iter().map(|x| above(x, threshold)).collect();
        Ok(VectorRef::Dense(&all).compressed())
    })
}
