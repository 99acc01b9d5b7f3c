//! What training keeps of a dataset: sums that can be merged, as the one aggregate of a job.
//!
//! A summary takes in rows in a task, travels as bytes, and is merged with those of other tasks: Spark's tree
//! aggregation, and its `Aggregator`s. Whoever made the job reads the last state.
//!
//! ```text
//! task 0:  rows ─update▶ Summary ─encode▶ bytes ─┐
//! task 1:  rows ─update▶ Summary ─encode▶ bytes ─┼─merge▶ Summary ─encode▶ bytes ─▶ Estimator::fit
//! task 2:  rows ─update▶ Summary ─encode▶ bytes ─┘
//! ```
//!
//! Merging must not depend on the order of tasks beyond the rounding of sums. States are Protobuf messages, private to
//! the engine: both ends are of one build, so fields may change freely.

pub mod categories;
pub mod classes;
pub mod clusters;
pub mod confusion;
pub mod counts;
pub mod covariance;
pub mod extent;
pub mod frequencies;
pub mod label_sets;
pub mod labels;
pub mod loss;
pub mod moments;
pub mod quantiles;
pub mod residuals;
pub mod scores;
pub mod sums;
pub mod text_classes;
pub mod value_counts;

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion_common::{Result as DfResult, ScalarValue};
use datafusion_expr::{Accumulator, AggregateUDF};

use crate::error::{Result, SparkError};
use crate::kernels::aggregates::vector_moments::{check_features, too_large};
use crate::kernels::aggregates::{Definition, function};
use crate::values::vector::{self, VectorColumn};

/// Sums over rows: the state of one training or evaluation in one task.
///
/// ```
/// use rivulet::ml::summary::Summary;
/// use rivulet::ml::summary::counts::Counts;
///
/// let (mut one, mut other) = (Counts::default(), Counts::default());
/// let labels: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::StringArray::from(vec!["a", "b", "a"]));
/// other.update(&[labels])?;
/// one.merge(&other.encode())?;
/// assert_eq!(one.encode().len(), other.encode().len());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub trait Summary: fmt::Debug + Send + Sync {
    /// Takes in rows: one array per column that the job reads, in their order, all of one length.
    ///
    /// # Errors
    /// If a row is one that training refuses; the job fails then.
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()>;

    /// Takes in what [`Self::encode`] of another returned.
    ///
    /// # Errors
    /// If the bytes are not such a state, or the state does not fit, such as vectors of another size.
    fn merge(&mut self, state: &[u8]) -> Result<()>;

    /// Returns the state as bytes, which [`Self::merge`] reads.
    fn encode(&self) -> Vec<u8>;

    /// Returns the bytes in memory, about; the task's memory is accounted by it.
    fn bytes(&self) -> usize {
        256
    }
}

/// Returns the error of a state that does not decode (`INTERNAL_ERROR`).
pub fn corrupt(error: &prost::DecodeError) -> SparkError {
    SparkError::internal(format!("a summary's state cannot be read: {error}"))
}

/// Returns the aggregate function of a summary; `options` tells apart summaries that behave differently. Its value is
/// the state, as one BINARY.
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

/// A summary as DataFusion's accumulator: partial state and result are the same bytes.
#[derive(Debug)]
struct Summarizer(Box<dyn Summary>);

impl Accumulator for Summarizer {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        vectors_fit(values)?;
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

/// Checks that the vectors of a batch are not too large to be learned from, before a summary makes room for their features.
fn vectors_fit(columns: &[ArrayRef]) -> Result<()> {
    for column in columns.iter().filter(|c| vector::is_vector(c.data_type())) {
        let vectors = VectorColumn::new(column)?;
        for row in 0..vectors.len() {
            if let Some(features) = vectors.get(row) {
                check_features(features.size())?;
            }
        }
    }
    Ok(())
}

/// The most numbers that a task, or the driver, keeps of rows: half a GiB.
const MOST_NUMBERS: usize = 1 << 26;

/// Checks that what is to be kept of rows is not too much, before memory is taken. `what` says what it is, in a sentence that begins
/// with it.
///
/// # Errors
/// `RIVULET_MODEL_TOO_LARGE` if it is more than 67108864 numbers.
pub fn check_room(what: &str, numbers: usize) -> Result<()> {
    if numbers <= MOST_NUMBERS {
        return Ok(());
    }
    Err(too_large(format!(
        "{what} would be kept in {numbers} numbers; there may be at most {MOST_NUMBERS}."
    )))
}

/// The weights of rows: a column of doubles, or 1 for each.
#[derive(Debug)]
pub struct Weights<'a>(Option<&'a arrow::array::Float64Array>);

impl<'a> Weights<'a> {
    /// Returns the weights of a column of doubles; 1 for every row without a column.
    pub fn new(column: Option<&'a ArrayRef>) -> Self {
        Self(column.map(|c| c.as_primitive()))
    }

    /// Returns the weight of a row; `column` is the name in errors.
    ///
    /// # Errors
    /// `USER_RAISED_EXCEPTION` if it is null, NaN, negative or infinite.
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

#[cfg(test)]
mod tests {
    use super::moments::MomentsOf;
    use super::*;
    use crate::values::vector::{VectorBuilder, VectorRef};

    fn features(size: usize) -> ArrayRef {
        let mut vectors = VectorBuilder::with_capacity(1);
        vectors.push(VectorRef::Sparse {
            size,
            indices: &[1],
            values: &[2.0],
        });
        vectors.finish().unwrap()
    }

    #[test]
    fn vectors_that_say_they_are_huge_are_refused_before_memory_is_taken() {
        let mut summary = Summarizer(Box::new(MomentsOf::new("features".into())));
        summary.update_batch(&[features(1 << 10)]).unwrap();
        // Another size is refused for being huge, before it is compared.
        let error = SparkError::from(summary.update_batch(&[features(i32::MAX as usize)]).unwrap_err());
        assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
        assert!(error.message.contains("2147483647"), "{}", error.message);
    }

    #[test]
    fn what_is_kept_of_rows_is_bounded() {
        check_room("It", MOST_NUMBERS).unwrap();
        let error = check_room("It", MOST_NUMBERS + 1).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_MODEL_TOO_LARGE"));
    }
}
