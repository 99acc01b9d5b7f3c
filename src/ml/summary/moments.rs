//! Weighted moments of vectors, feature by feature: Spark's `SummarizerBuffer`, with its order of operations.
//!
//! Gaussian models subtract numbers that nearly cancel, so the same sums in another order would differ from Spark's in
//! digits that matter.

use arrow::array::ArrayRef;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::{Result, SparkError};
use crate::values::vector::{VectorColumn, VectorRef};

/// Weighted moments per feature, of stored values that are not zero; the zeros come in when they are asked for.
///
/// So a sparse vector costs what it stores, not its size. Eight numbers of 8 bytes are kept per feature.
#[derive(Clone, PartialEq, Message)]
pub struct Moments {
    /// Weighted mean of the values that are not zero.
    #[prost(double, repeated, tag = "1")]
    mean: Vec<f64>,
    /// Weighted sum of squared distances from that mean.
    #[prost(double, repeated, tag = "2")]
    m2n: Vec<f64>,
    /// Weighted sum of squares.
    #[prost(double, repeated, tag = "3")]
    squares: Vec<f64>,
    /// Sum of the weights of values that are not zero.
    #[prost(double, repeated, tag = "4")]
    weights: Vec<f64>,
    /// Number of values that are not zero.
    #[prost(int64, repeated, tag = "5")]
    nonzeros: Vec<i64>,
    /// Largest value that is not zero; `f64::MIN` before the first.
    #[prost(double, repeated, tag = "6")]
    max: Vec<f64>,
    /// Smallest value that is not zero; `f64::MAX` before the first.
    #[prost(double, repeated, tag = "7")]
    min: Vec<f64>,
    /// Sum of the weights.
    #[prost(double, tag = "8")]
    pub total_weight: f64,
    /// Sum of the squares of the weights, which the unbiased variance needs.
    #[prost(double, tag = "9")]
    weight_squares: f64,
    /// Number of vectors with a weight above 0.
    #[prost(int64, tag = "10")]
    pub rows: i64,
    /// Weighted sum of absolute values.
    #[prost(double, repeated, tag = "11")]
    absolute: Vec<f64>,
}

impl Moments {
    /// Takes in one vector; one with a weight of 0 is ignored.
    ///
    /// # Errors
    /// If the vector has another size than those before.
    pub fn add(&mut self, vector: VectorRef<'_>, weight: f64) -> Result<()> {
        if weight == 0.0 {
            return Ok(());
        }
        if self.rows == 0 {
            self.resize(vector.size());
        }
        if vector.size() != self.size() {
            return Err(sizes(self.size(), vector.size()));
        }
        for (i, value) in vector.nonzero() {
            self.max[i] = if self.max[i] < value { value } else { self.max[i] };
            self.min[i] = if self.min[i] > value { value } else { self.min[i] };
            let before = self.mean[i];
            let difference = value - before;
            self.mean[i] = before + weight * difference / (self.weights[i] + weight);
            self.m2n[i] += weight * (value - self.mean[i]) * difference;
            self.weights[i] += weight;
            self.squares[i] += weight * value * value;
            self.absolute[i] += weight * value.abs();
            self.nonzeros[i] += 1;
        }
        self.total_weight += weight;
        self.weight_squares += weight * weight;
        self.rows += 1;
        Ok(())
    }

    /// Makes room for the features of the first vector.
    fn resize(&mut self, size: usize) {
        let zeros = vec![0.0; size];
        self.mean = zeros.clone();
        self.m2n = zeros.clone();
        self.squares = zeros.clone();
        self.absolute = zeros.clone();
        self.weights = zeros;
        self.nonzeros = vec![0; size];
        self.max = vec![f64::MIN; size];
        self.min = vec![f64::MAX; size];
    }

    /// Multiplies all weights with a factor: means stay, sums shrink, extremes and numbers of rows stay.
    pub fn scale(&mut self, factor: f64) {
        for sums in [&mut self.m2n, &mut self.squares, &mut self.absolute, &mut self.weights] {
            sums.iter_mut().for_each(|s| *s *= factor);
        }
        self.total_weight *= factor;
        self.weight_squares *= factor * factor;
    }

    /// Takes in other moments, by the parallel formula of Chan et al. for means and squared distances.
    ///
    /// # Errors
    /// If the other is of vectors of another size.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            *self = other;
            return Ok(());
        }
        if other.size() != self.size() {
            return Err(sizes(self.size(), other.size()));
        }
        for i in 0..self.size() {
            let both = self.weights[i] + other.weights[i];
            if both != 0.0 {
                let delta = other.mean[i] - self.mean[i];
                self.mean[i] += delta * (other.weights[i] / both);
                self.m2n[i] += other.m2n[i] + delta * delta * self.weights[i] * other.weights[i] / both;
            }
            self.weights[i] = both;
            self.squares[i] += other.squares[i];
            self.absolute[i] += other.absolute[i];
            self.nonzeros[i] += other.nonzeros[i];
            self.max[i] = self.max[i].max(other.max[i]);
            self.min[i] = self.min[i].min(other.min[i]);
        }
        self.total_weight += other.total_weight;
        self.weight_squares += other.weight_squares;
        self.rows += other.rows;
        Ok(())
    }

    /// Returns the number of features; 0 before the first row.
    pub fn size(&self) -> usize {
        self.mean.len()
    }

    /// Returns the weighted means; empty without rows.
    pub fn means(&self) -> Vec<f64> {
        let of = |i: usize| self.mean[i] * (self.weights[i] / self.total_weight);
        (0..self.size()).map(of).collect()
    }

    /// Returns the weighted sums.
    pub fn sums(&self) -> Vec<f64> {
        (0..self.size()).map(|i| self.mean[i] * self.weights[i]).collect()
    }

    /// Returns the weighted sums of squares.
    pub fn square_sums(&self) -> &[f64] {
        &self.squares
    }

    /// Returns the weighted sums of absolute values (`normL1`).
    pub fn absolute_sums(&self) -> &[f64] {
        &self.absolute
    }

    /// Returns how many values are not zero, without weights.
    pub fn nonzeros(&self) -> &[i64] {
        &self.nonzeros
    }

    /// Returns the unbiased variances; 0 for a single row. Zeros that sparse vectors leave out are counted.
    pub fn variances(&self) -> Vec<f64> {
        let denominator = self.total_weight - self.weight_squares / self.total_weight;
        if denominator <= 0.0 {
            return vec![0.0; self.size()];
        }
        let of = |i: usize| {
            let (mean, weight) = (self.mean[i], self.weights[i]);
            let zeros = mean * mean * weight * (self.total_weight - weight) / self.total_weight;
            ((self.m2n[i] + zeros) / denominator).max(0.0)
        };
        (0..self.size()).map(of).collect()
    }

    /// Returns the largest values, zeros that sparse vectors leave out included.
    pub fn maxima(&self) -> Vec<f64> {
        let of = |i: usize| {
            if self.nonzeros[i] < self.rows && self.max[i] < 0.0 {
                0.0
            } else {
                self.max[i]
            }
        };
        (0..self.size()).map(of).collect()
    }

    /// Returns the smallest values, zeros that sparse vectors leave out included.
    pub fn minima(&self) -> Vec<f64> {
        let of = |i: usize| {
            if self.nonzeros[i] < self.rows && self.min[i] > 0.0 {
                0.0
            } else {
                self.min[i]
            }
        };
        (0..self.size()).map(of).collect()
    }
}

/// Returns the error of a vector of another size than those before.
fn sizes(expected: usize, found: usize) -> SparkError {
    SparkError::requirement(format!(
        "Dimensions mismatch when adding new sample. Expecting {expected} but got {found}."
    ))
}

/// Moments of a column of vectors, each of weight 1; null vectors are errors.
#[derive(Debug, Default)]
pub struct MomentsOf {
    /// Name of the column in errors.
    pub column: String,
    /// The moments so far.
    moments: Moments,
}

impl MomentsOf {
    /// Returns empty moments; errors name `column`.
    pub fn new(column: String) -> Self {
        Self {
            column,
            moments: Moments::default(),
        }
    }
}

impl Summary for MomentsOf {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| crate::ml::error::invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            self.moments.add(vector, 1.0)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.moments.merge(Moments::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        self.moments.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.moments.size() * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(&[f64], f64)]) -> Moments {
        let mut moments = Moments::default();
        for (values, weight) in rows {
            moments.add(VectorRef::Dense(values), *weight).unwrap();
        }
        moments
    }

    #[test]
    fn moments_are_those_of_the_definition() {
        let moments = of(&[
            (&[1.0, 0.0], 1.0),
            (&[3.0, 0.0], 1.0),
            (&[0.0, -2.0], 1.0),
            (&[4.0, 0.0], 1.0),
        ]);
        assert_eq!(moments.means(), [2.0, -0.5]);
        assert_eq!(moments.sums(), [8.0, -2.0]);
        let variances = moments.variances();
        assert!((variances[0] - 10.0 / 3.0).abs() < 1e-12 && (variances[1] - 1.0).abs() < 1e-12);
        assert_eq!((moments.maxima(), moments.minima()), (vec![4.0, 0.0], vec![0.0, -2.0]));
    }

    #[test]
    fn merged_moments_are_those_of_all_rows() {
        let rows: [(&[f64], f64); 4] = [
            (&[1.0, 0.0], 0.5),
            (&[3.0, 1.0], 2.0),
            (&[0.0, -2.0], 1.0),
            (&[4.0, 0.0], 3.5),
        ];
        let all = of(&rows);
        let mut merged = of(&rows[..1]);
        merged.merge(Moments::default()).unwrap();
        merged.merge(of(&rows[1..])).unwrap();
        for (a, b) in [(all.means(), merged.means()), (all.variances(), merged.variances())] {
            assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-12), "{a:?} {b:?}");
        }
    }

    #[test]
    fn vectors_of_two_sizes_are_refused() {
        let mut moments = of(&[(&[1.0], 1.0)]);
        assert!(moments.add(VectorRef::Dense(&[1.0, 2.0]), 1.0).is_err());
    }
}
