//! Means and products of deviations of vectors: what covariances are made of.

use arrow::array::ArrayRef;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::invalid_value;
use crate::values::vector::{VectorColumn, VectorRef};

/// Most features of which products are kept: half a square of doubles, 1 GB.
const FEATURES: usize = 16_384;

/// The sums.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of vectors.
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    /// The mean of each feature.
    #[prost(double, repeated, tag = "2")]
    pub mean: Vec<f64>,
    /// Sums of products of deviations: of feature 0 with 0, of 1 with 0 and 1, and so on.
    #[prost(double, repeated, tag = "3")]
    products: Vec<f64>,
}

impl State {
    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first, or too many features.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.rows == 0 {
            if size > FEATURES {
                return Err(SparkError::requirement(format!(
                    "a covariance of {size} features is too large: at most {FEATURES} are possible"
                )));
            }
            self.mean = vec![0.0; size];
            self.products = vec![0.0; size * (size + 1) / 2];
        }
        if self.mean.len() == size {
            return Ok(());
        }
        Err(SparkError::requirement(format!(
            "Dimensions mismatch when adding new sample. Expecting {} but got {size}.",
            self.mean.len()
        )))
    }

    /// Takes in a vector.
    ///
    /// # Errors
    /// If it has another size than the first, or too many features.
    pub fn add(&mut self, vector: VectorRef<'_>) -> Result<()> {
        self.sized(vector.size())?;
        self.rows += 1;
        let values = vector.to_dense();
        let before: Vec<f64> = values.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let rows = self.rows as f64;
        self.mean.iter_mut().zip(&before).for_each(|(m, d)| *m += d / rows);
        let after: Vec<f64> = values.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let mut place = 0;
        for (i, own) in before.iter().enumerate() {
            for other in &after[..=i] {
                self.products[place] += own * other;
                place += 1;
            }
        }
        Ok(())
    }

    /// Takes in other sums, by the formula of Chan et al.
    ///
    /// # Errors
    /// If they are of vectors of another size.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            *self = other;
            return Ok(());
        }
        self.sized(other.mean.len())?;
        let (n, m) = (self.rows as f64, other.rows as f64);
        let deltas: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        let mut place = 0;
        for (i, own) in deltas.iter().enumerate() {
            for delta in &deltas[..=i] {
                self.products[place] += other.products[place] + own * delta * (n * m / (n + m));
                place += 1;
            }
        }
        self.mean
            .iter_mut()
            .zip(&deltas)
            .for_each(|(a, d)| *a += d * (m / (n + m)));
        self.rows += other.rows;
        Ok(())
    }

    /// Returns the unbiased covariances, a full square row after row.
    ///
    /// # Errors
    /// If there are fewer than two vectors.
    pub fn covariances(&self) -> Result<Vec<f64>> {
        if self.rows < 2 {
            return Err(SparkError::requirement(format!(
                "RowMatrix.computeCovariance called on matrix with only {} rows.  Cannot compute the covariance of a RowMatrix \
                 with <= 1 row.",
                self.rows
            )));
        }
        let (n, free) = (self.mean.len(), (self.rows - 1) as f64);
        let at = |i: usize, j: usize| self.products[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)] / free;
        Ok((0..n * n).map(|place| at(place / n, place % n)).collect())
    }
}

/// Sums over a column of vectors; null vectors are errors.
#[derive(Debug)]
pub struct Covariance {
    /// Name of the column in errors.
    column: String,
    /// The sums so far.
    state: State,
}

impl Covariance {
    /// Returns empty sums; errors name `column`.
    pub fn new(column: String) -> Self {
        Self {
            column,
            state: State::default(),
        }
    }
}

impl Summary for Covariance {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            self.state.add(vector)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.state.merge(State::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 8 * (self.state.mean.len() + self.state.products.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covariances_are_those_of_the_definition_however_rows_are_split() {
        let rows = [[1.0, 2.0], [3.0, -1.0], [0.5, 4.0], [2.0, 2.0]];
        let of = |rows: &[[f64; 2]]| {
            let mut state = State::default();
            rows.iter().for_each(|r| state.add(VectorRef::Dense(r)).unwrap());
            state
        };
        let mean = |i: usize| rows.iter().map(|r| r[i]).sum::<f64>() / 4.0;
        let expected = |i: usize, j: usize| rows.iter().map(|r| (r[i] - mean(i)) * (r[j] - mean(j))).sum::<f64>() / 3.0;
        for split in 0..=4 {
            let mut state = of(&rows[..split]);
            state.merge(of(&rows[split..])).unwrap();
            let found = state.covariances().unwrap();
            for (place, value) in found.iter().enumerate() {
                assert!((value - expected(place / 2, place % 2)).abs() < 1e-12);
            }
        }
        assert!(of(&rows[..1]).covariances().is_err());
    }
}
