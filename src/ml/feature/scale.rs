//! What scalers share: the moments that they train with, checks of sizes, and values changed one by one.
//!
//! All scalers train with the same summary, [`MomentsOf`]; each takes of it what it needs. A scaler that maps 0 to 0
//! works on stored values only (`each`), so that the cost of a sparse vector is what it stores.

use arrow::array::{Array, ArrayRef};

use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::params::Params;
use crate::ml::stage::Training;
use crate::ml::summary::moments::{Moments, MomentsOf};
use crate::ml::training;
use crate::values::vector::{Vector, VectorBuilder, VectorColumn, VectorRef};

/// Returns the training of a scaler: moments of the vectors of `inputCol`; a null vector is an error.
///
/// # Errors
/// If `inputCol` is not set.
pub(super) fn moments_of_input(params: &Params) -> Result<Training> {
    let column = params.text("inputCol")?;
    let reads = vec![(column.clone(), Reads::Vectors)];
    Ok(Training::new(reads, move || Box::new(MomentsOf::new(column.clone()))))
}

/// Returns the moments of a finished training.
///
/// # Errors
/// If there was no row, or if the state is broken.
pub(super) fn moments(state: &[u8]) -> Result<Moments> {
    let moments: Moments = training::state(state)?;
    if moments.rows == 0 {
        return Err(SparkError::requirement("Nothing has been added to this summarizer."));
    }
    Ok(moments)
}

/// Checks that a vector has as many features as the model.
///
/// # Errors
/// If it has more or fewer.
pub(super) fn fitting(v: VectorRef<'_>, features: usize, column: &str, row: usize) -> Result<()> {
    if v.size() == features {
        return Ok(());
    }
    Err(SparkError::requirement(format!(
        "the model has {features} features, the vector of row {row} in column {column} has {}",
        v.size()
    )))
}

/// Applies a function of a stage's to every vector of a column.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null, as Java finds no vector there, and at a vector of which `f` returns what is wrong
/// with it in Java's words.
pub(super) fn each_vector(
    stage: &'static str,
    vectors: &dyn Array,
    column: &str,
    f: impl Fn(VectorRef<'_>) -> std::result::Result<Vector, String>,
) -> Result<ArrayRef> {
    let vectors = VectorColumn::new(vectors)?;
    let mut out = VectorBuilder::with_capacity(vectors.len());
    for row in 0..vectors.len() {
        let made = match vectors.get(row) {
            None => Err("java.lang.NullPointerException: the vector is null".to_owned()),
            Some(vector) => f(vector),
        };
        let failed = |why| {
            let function = Signature {
                stage,
                takes: VECTOR,
                gives: VECTOR,
                column: column.to_owned(),
            };
            failed_function(&function, why, row)
        };
        out.push(made.map_err(failed)?.view());
    }
    out.finish()
}

/// Returns the vector with `f(index, value)` in place of each stored value; a sparse vector stays sparse, so `f` must
/// map 0 to 0.
pub(super) fn each(v: VectorRef<'_>, f: impl Fn(usize, f64) -> f64) -> Vector {
    let values = v.stored().map(|(i, x)| f(i, x)).collect();
    match v {
        VectorRef::Dense(_) => Vector::Dense(values),
        VectorRef::Sparse { size, indices, .. } => Vector::Sparse {
            size,
            indices: indices.to_vec(),
            values,
        },
    }
}
