//! `Bucketizer`: numbers to the index of their bucket.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;

use crate::error::{Result, SparkError};
use crate::ml::error::{Signature, failed_function};
use crate::values::text::double;

/// Buckets are closed below and open above, the last is closed; null stays null. With `keep`, NaN has a bucket of its own.
///
/// # Errors
/// Where a value is outside of all buckets, or NaN without `keep`.
pub fn apply(splits: &[f64], keep: bool, values: &dyn Array, column: &str) -> Result<ArrayRef> {
    let values = values.as_primitive::<Float64Type>();
    let mut out = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        out.push(
            value
                .map(|v| bucket(splits, keep, v).map_err(|why| refused(why, column, row)))
                .transpose()?,
        );
    }
    Ok(Arc::new(Float64Array::from(out)))
}

fn bucket(splits: &[f64], keep: bool, value: f64) -> std::result::Result<f64, String> {
    let last = splits.len() - 1;
    if value.is_nan() {
        return if keep {
            Ok(last as f64)
        } else {
            Err(
                "Bucketizer encountered NaN value. To handle or skip NaNs, try setting Bucketizer.handleInvalid."
                    .into(),
            )
        };
    }
    if value == splits[last] {
        return Ok(last as f64 - 1.0);
    }
    match splits.binary_search_by(|s| s.total_cmp(&value)) {
        Ok(found) => Ok(found as f64),
        Err(place) if place == 0 || place > last => Err(format!(
            "Feature value {} out of Bucketizer bounds [{}, {}]. Check your features, or loosen the lower/upper bound constraints.",
            double(value),
            double(splits[0]),
            double(splits[last])
        )),
        Err(place) => Ok(place as f64 - 1.0),
    }
}

fn refused(why: String, column: &str, row: usize) -> SparkError {
    let function = Signature {
        stage: "Bucketizer",
        takes: "double",
        gives: "double",
        column: column.to_owned(),
    };
    failed_function(&function, format!("org.apache.spark.SparkException: {why}"), row)
}
