//! What training keeps of a dataset: sums that can be merged, as the one aggregate of a job.
//!
//! A summary takes in rows in a task, travels as bytes, and is merged with those of other tasks: Spark's tree aggregation,
//! and its `Aggregator`s. Whoever made the job reads the last state.

pub mod categories;
pub mod classes;
pub mod confusion;
pub mod counts;
pub mod frequencies;
pub mod moments;
pub mod scores;

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion_common::{Result as DfResult, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};

use crate::error::{Result, SparkError};
use crate::kernels::aggregates::{Definition, function};

/// Sums over rows.
pub trait Summary: fmt::Debug + Send + Sync {
    /// Takes in rows.
    ///
    /// # Errors
    /// Where a row is one that training refuses.
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()>;

    /// Takes in what [`Self::encode`] of another gave.
    ///
    /// # Errors
    /// Where the bytes are no such state.
    fn merge(&mut self, state: &[u8]) -> Result<()>;

    /// Returns the state as bytes, which [`Self::merge`] reads.
    fn encode(&self) -> Vec<u8>;

    /// Bytes in memory, about.
    fn bytes(&self) -> usize {
        256
    }
}

/// A state that does not decode.
pub fn corrupt(error: &prost::DecodeError) -> SparkError {
    SparkError::internal(format!("a summary's state cannot be read: {error}"))
}

/// The aggregate function of a summary; `options` tells apart summaries that behave differently. Its value is the state.
pub fn aggregate(options: String, make: impl Fn() -> Box<dyn Summary> + Send + Sync + 'static) -> Arc<AggregateUDF> {
    function(Definition {
        name: "ml_summary",
        options,
        to: DataType::Binary,
        state: vec![DataType::Binary],
        make: Arc::new(move || Box::new(Summarizer(make()))),
        groups: None,
        sliding: None,
    })
}

#[derive(Debug)]
struct Summarizer(Box<dyn Summary>);

impl Accumulator for Summarizer {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        Ok(self.0.update(values)?)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let states = states[0].as_binary::<i32>();
        for state in states.iter().flatten() {
            self.0.merge(state)?;
        }
        Ok(())
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(ScalarValue::Binary(Some(self.0.encode())))
    }

    fn size(&self) -> usize {
        self.0.bytes()
    }
}

/// The weights of rows: a column of doubles, or 1 each.
#[derive(Debug)]
pub struct Weights<'a>(Option<&'a arrow::array::Float64Array>);

impl<'a> Weights<'a> {
    /// Returns the weights of a column of doubles; 1 for every row without a column.
    pub fn new(column: Option<&'a ArrayRef>) -> Self {
        Self(column.map(|c| c.as_primitive()))
    }

    /// # Errors
    /// Where a weight is null, NaN, negative or infinite.
    pub fn get(&self, row: usize, column: &str) -> Result<f64> {
        let Some(weights) = self.0 else { return Ok(1.0) };
        let weight = weights.value(row);
        if weights.is_null(row) || weight.is_nan() {
            return Err(super::error::invalid_value(
                "Weights MUST NOT be Null or NaN",
                column,
                row,
            ));
        }
        if weight < 0.0 || weight.is_infinite() {
            let text = crate::values::text::double(weight);
            return Err(super::error::invalid_value(
                format!("Weights MUST NOT be Negative or Infinity, but got {text}"),
                column,
                row,
            ));
        }
        Ok(weight)
    }
}
