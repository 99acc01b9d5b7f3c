//! What scalers share: the moments that they train with, checks of sizes, and values changed one by one.
//!
//! All scalers train with the same summary, [`MomentsOf`]; each takes of it what it needs. A scaler that maps 0 to 0
//! works on stored values only (`each`), so that the cost of a sparse vector is what it stores.

use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::params::Params;
use crate::ml::stage::Training;
use crate::ml::summary::moments::{Moments, MomentsOf};
use crate::ml::training;
use crate::values::vector::{Vector, VectorRef};

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
