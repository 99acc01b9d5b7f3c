//! `IDFModel`: term counts weighted by how few documents have the term.

use arrow::array::{Array, ArrayRef};

use crate::error::{Result, SparkError};
use crate::ml::model::Idf;
use crate::values::vector::{self, Vector, VectorRef};

/// `log((m + 1) / (df + 1))` of each feature; 0, with a document frequency of 0, below the least frequency.
pub fn fit(doc_freq: Vec<i64>, num_docs: i64, least: i64) -> Idf {
    let kept: Vec<i64> = doc_freq
        .into_iter()
        .map(|df| if df >= least { df } else { 0 })
        .collect();
    let idf = kept
        .iter()
        .map(|df| {
            if *df == 0 && least > 0 {
                0.0
            } else {
                ((num_docs as f64 + 1.0) / (*df as f64 + 1.0)).ln()
            }
        })
        .collect();
    Idf {
        idf,
        doc_freq: kept,
        num_docs,
    }
}

/// # Errors
/// Where a vector is longer than those of training.
pub fn apply(idf: &[f64], vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    vector::map(vectors, |row, v| {
        if v.size() > idf.len() {
            return Err(SparkError::requirement(format!(
                "the vector of row {row} in column {column} has {} values, the IDF model {}",
                v.size(),
                idf.len()
            )));
        }
        let values = v.stored().map(|(i, x)| x * idf[i]).collect();
        Ok(match v {
            VectorRef::Dense(_) => Vector::Dense(values),
            VectorRef::Sparse { size, indices, .. } => Vector::Sparse {
                size,
                indices: indices.to_vec(),
                values,
            },
        })
    })
}
