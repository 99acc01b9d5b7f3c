//! Sketches of columns of numbers, or of the features of a column of vectors.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::sketch::Sketch;
use crate::ml::error::invalid_value;
use crate::values::vector::VectorColumn;

/// The sketches.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// One per column or feature.
    #[prost(message, repeated, tag = "1")]
    pub sketches: Vec<Sketch>,
}

/// What the values of the columns are.
#[derive(Debug, Clone)]
pub enum Of {
    /// So many columns of doubles. Nulls and NaN are left out, and so is a value that stands for a missing one.
    Columns(usize, Option<f64>),
    /// The features of one column of vectors, which errors name. NaN is left out.
    Features(String),
}

/// Sketches of values; compressed when they are encoded.
#[derive(Debug)]
pub struct Quantiles {
    /// What the values are.
    of: Of,
    /// The error of the sketches.
    error: f64,
    /// The sketches so far; none before the first vector.
    sketches: Vec<Sketch>,
}

impl Quantiles {
    /// Returns empty sketches whose ranks are off by at most `error` of the values.
    pub fn new(of: Of, error: f64) -> Self {
        let sketches = match of {
            Of::Columns(n, _) => vec![Sketch::new(error); n],
            Of::Features(_) => vec![],
        };
        Self { of, error, sketches }
    }

    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.sketches.is_empty() {
            self.sketches = vec![Sketch::new(self.error); size];
        }
        if self.sketches.len() == size {
            return Ok(());
        }
        Err(SparkError::requirement(format!(
            "Number of dimensions must be {} but got {size}",
            self.sketches.len()
        )))
    }
}

impl Summary for Quantiles {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let column = match &self.of {
            Of::Columns(_, missing) => {
                let known = |v: &f64| !v.is_nan() && Some(*v) != *missing;
                for (sketch, column) in self.sketches.iter_mut().zip(columns) {
                    let values = column.as_primitive::<Float64Type>();
                    values.iter().flatten().filter(known).for_each(|v| sketch.insert(v));
                }
                return Ok(());
            }
            Of::Features(column) => column.clone(),
        };
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &column, row))?;
            self.sized(vector.size())?;
            let values = vector.to_dense().into_iter().zip(&mut self.sketches);
            values
                .filter(|(v, _)| !v.is_nan())
                .for_each(|(v, sketch)| sketch.insert(v));
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.sketches.is_empty() {
            return Ok(());
        }
        self.sized(other.sketches.len())?;
        self.sketches
            .iter_mut()
            .zip(&other.sketches)
            .for_each(|(a, b)| a.merge(b));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut sketches = self.sketches.clone();
        sketches.iter_mut().for_each(Sketch::compress);
        State { sketches }.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.sketches.iter().map(Sketch::bytes).sum::<usize>()
    }
}
