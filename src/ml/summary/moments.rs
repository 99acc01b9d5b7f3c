//! Weighted moments of vectors, as a summary: what scalers and Gaussian models train on.

use arrow::array::ArrayRef;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::Result;
pub use crate::kernels::aggregates::vector_moments::Moments;
use crate::values::vector::VectorColumn;

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
