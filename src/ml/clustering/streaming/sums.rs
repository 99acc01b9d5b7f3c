//! What a batch is summed up to: by centre, the sum and the number of the rows that are nearest to it.

use arrow::array::ArrayRef;
use prost::Message;

use super::update::Clusters;
use crate::error::{Result, SparkError};
use crate::ml::clustering::distance::Distance;
use crate::ml::clustering::rows::Point;
use crate::ml::error::invalid_value;
use crate::ml::optimize::norm;
use crate::ml::summary::labels::same_size;
use crate::ml::summary::{Summary, corrupt};
use crate::values::text::double;
use crate::values::vector::VectorColumn;

/// Both question and answer: the centres, or what is summed up at them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct State {
    /// Number of rows.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// In a question: the centres. In an answer, by centre: the sum of its rows, and their number.
    #[prost(message, repeated, tag = "2")]
    pub sums: Vec<Point>,
}

impl State {
    /// Returns the question about clusters.
    pub fn of(clusters: &Clusters) -> Self {
        Self {
            rows: 0,
            sums: clusters.centres.iter().map(|c| Point::new(c)).collect(),
        }
    }
}

/// Sums up rows of (features). As in mllib, infinite numbers are numbers like others, and rows with NaN are refused.
#[derive(Debug)]
pub(super) struct NearestSums {
    column: String,
    centres: Vec<Vec<f64>>,
    state: State,
}

impl NearestSums {
    /// Returns empty sums at the centres of a question; `column` is the name in errors.
    pub fn new(column: String, asked: State) -> Self {
        let centres: Vec<Vec<f64>> = asked.sums.into_iter().map(|centre| centre.values).collect();
        let state = State {
            rows: 0,
            sums: centres.iter().map(|c| Point::zero(c.len())).collect(),
        };
        Self { column, centres, state }
    }
}

impl Summary for NearestSums {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        let size = self.centres.first().map_or(0, Vec::len);
        for row in 0..vectors.len() {
            let point = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            if point.size() != size {
                return Err(SparkError::requirement(format!(
                    "Both vectors should have same length, found v1 is {size} while v2 is {}",
                    point.size()
                )));
            }
            if point.values().iter().any(|v| v.is_nan()) {
                let length = self.centres.first().map_or(0.0, |c| norm(c));
                return Err(SparkError::requirement(format!(
                    "Both norms should be greater or equal to 0.0, found norm1={}, norm2=NaN",
                    double(length)
                )));
            }
            let (nearest, _) = Distance::Euclidean.nearest(&self.centres, point);
            let Some(sum) = self.state.sums.get_mut(nearest) else {
                continue;
            };
            point.add_scaled(1.0, &mut sum.values);
            sum.weight += 1.0;
            self.state.rows += 1;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        same_size(self.state.sums.len(), other.sums.len())?;
        self.state.rows += other.rows;
        let own = self.state.sums.iter_mut();
        own.zip(&other.sums).for_each(|(own, other)| own.add(other));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.centres.iter().map(|c| 96 + c.len() * 16).sum::<usize>()
    }
}
