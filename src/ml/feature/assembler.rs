//! `VectorAssembler`: numbers, booleans and vectors of a row to one vector.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;

use crate::error::{Result, SparkError};
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::values::vector::{Vector, VectorBuilder, VectorColumn};

/// One input: doubles, or vectors.
enum Input<'a> {
    Doubles(&'a arrow::array::Float64Array),
    Vectors(VectorColumn<'a>),
}

/// The rows of the inputs, one after the other, in the form with fewer bytes. With `keep`, null and NaN become NaN.
///
/// # Errors
/// Where a value is null or NaN and not kept; where a null vector should be kept, whose length nobody knows.
pub fn apply(columns: &[ArrayRef], names: &[String], rows: usize, keep: bool) -> Result<ArrayRef> {
    let inputs = columns
        .iter()
        .map(|c| {
            Ok(match c.as_primitive_opt::<Float64Type>() {
                Some(doubles) => Input::Doubles(doubles),
                None => Input::Vectors(VectorColumn::new(c)?),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut out = VectorBuilder::with_capacity(rows);
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    for row in 0..rows {
        indices.clear();
        values.clear();
        let mut size = 0usize;
        for (input, name) in inputs.iter().zip(names) {
            match input {
                Input::Doubles(doubles) => {
                    let value = doubles.is_valid(row).then(|| doubles.value(row));
                    if !keep && value.is_none_or(f64::is_nan) {
                        return Err(invalid(value.is_none(), name, row));
                    }
                    let value = value.unwrap_or(f64::NAN);
                    if value != 0.0 {
                        indices.push(size as i32);
                        values.push(value);
                    }
                    size += 1;
                }
                Input::Vectors(vectors) => {
                    let Some(vector) = vectors.get(row) else {
                        if keep {
                            return Err(SparkError::unsupported(format!(
                                "a null vector (column {name}, row {row}) with handleInvalid = \"keep\": its length is unknown"
                            )));
                        }
                        return Err(invalid(true, name, row));
                    };
                    for (i, value) in vector.nonzero() {
                        indices.push((size + i) as i32);
                        values.push(value);
                    }
                    size += vector.size();
                }
            }
        }
        let assembled = Vector::Sparse {
            size,
            indices: std::mem::take(&mut indices),
            values: std::mem::take(&mut values),
        };
        out.push(assembled.view().compressed().view());
    }
    out.finish()
}

fn invalid(null: bool, column: &str, row: usize) -> SparkError {
    let what = if null { "null" } else { "NaN" };
    let function = Signature {
        stage: "VectorAssembler",
        takes: "struct",
        gives: VECTOR,
        column: column.to_owned(),
    };
    let cause = format!(
        "org.apache.spark.SparkException: Encountered {what} while assembling a row with handleInvalid = \"error\". \
         Consider removing {what}s from dataset or using handleInvalid = \"keep\" or \"skip\"."
    );
    failed_function(&function, cause, row)
}
