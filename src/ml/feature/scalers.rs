//! `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `Normalizer`: vectors brought to a scale.

use arrow::array::{Array, ArrayRef};

use crate::error::{Result, SparkError};
use crate::values::vector::{self, Vector, VectorRef};

fn fitting(v: VectorRef<'_>, features: usize, column: &str, row: usize) -> Result<()> {
    if v.size() == features {
        return Ok(());
    }
    Err(SparkError::requirement(format!(
        "the model has {features} features, the vector of row {row} in column {column} has {}",
        v.size()
    )))
}

/// The stored values under `f`, the form unchanged.
fn each(v: VectorRef<'_>, f: impl Fn(usize, f64) -> f64) -> Vector {
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

/// `StandardScalerModel`: a shift makes every vector dense; a constant feature becomes 0.
pub fn standard(mean: Option<&[f64]>, std: Option<&[f64]>, vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let scale: Option<Vec<f64>> = std.map(|s| s.iter().map(|x| if *x == 0.0 { 0.0 } else { 1.0 / x }).collect());
    let by = |i: usize| scale.as_ref().map_or(1.0, |s| s[i]);
    vector::map(vectors, |row, v| {
        if let Some(known) = mean.or(std) {
            fitting(v, known.len(), column, row)?;
        }
        Ok(match mean {
            Some(mean) => Vector::Dense(
                v.to_dense()
                    .into_iter()
                    .enumerate()
                    .map(|(i, x)| (x - mean[i]) * by(i))
                    .collect(),
            ),
            None => each(v, |i, x| x * by(i)),
        })
    })
}

/// `MinMaxScalerModel`: a constant feature becomes the middle of the range.
pub fn min_max(low: &[f64], high: &[f64], to: (f64, f64), vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let middle = 0.5 * (to.0 + to.1);
    vector::map(vectors, |row, v| {
        fitting(v, low.len(), column, row)?;
        let scaled: Vec<f64> = v
            .to_dense()
            .into_iter()
            .enumerate()
            .map(|(i, x)| {
                let range = high[i] - low[i];
                if x.is_nan() {
                    x
                } else if range == 0.0 {
                    middle
                } else {
                    (x - low[i]) * ((to.1 - to.0) / range) + to.0
                }
            })
            .collect();
        Ok(VectorRef::Dense(&scaled).compressed())
    })
}

/// `MaxAbsScalerModel`: divides by the largest absolute value; features that are all zero stay.
pub fn max_abs(most: &[f64], vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    let scale: Vec<f64> = most.iter().map(|m| if *m == 0.0 { 1.0 } else { 1.0 / m }).collect();
    vector::map(vectors, |row, v| {
        fitting(v, scale.len(), column, row)?;
        Ok(each(v, |i, x| x * scale[i]))
    })
}

/// `Normalizer`: divides by the p-norm; a vector of zeros stays.
pub fn normalize(p: f64, vectors: &dyn Array) -> Result<ArrayRef> {
    vector::map(vectors, |_, v| {
        let values = v.values();
        let norm = if p == 1.0 {
            values.iter().map(|x| x.abs()).sum()
        } else if p == 2.0 {
            values.iter().map(|x| x * x).sum::<f64>().sqrt()
        } else if p == f64::INFINITY {
            values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
        } else {
            values.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p)
        };
        Ok(if norm == 0.0 {
            v.to_owned()
        } else {
            each(v, |_, x| x / norm)
        })
    })
}
