//! Moments of labels, errors and predictions: what metrics of regression are made of.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::moments::Moments;
use super::{Summary, Weights, corrupt};
use crate::error::Result;
use crate::ml::error::invalid_value;
use crate::values::vector::VectorRef;

/// Names of the columns, in errors.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The column of predictions.
    pub prediction: String,
    /// The column of labels.
    pub label: String,
    /// The column of weights.
    pub weight: String,
}

/// Moments over (prediction, label) or (prediction, label, weight): of the label, of label - prediction, and of the
/// prediction, in this order (`RegressionMetrics`). Nulls are errors, NaN makes
/// NaN.
#[derive(Debug)]
pub struct Residuals {
    /// Names of the columns.
    names: Names,
    /// The moments so far.
    moments: Moments,
}

impl Residuals {
    /// Returns empty moments; errors name the columns.
    pub fn new(names: Names) -> Self {
        Self {
            names,
            moments: Moments::default(),
        }
    }
}

/// Returns the value of a row.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if it is null; `what` begins the message.
fn known(values: &Float64Array, row: usize, what: &str, column: &str) -> Result<f64> {
    if values.is_null(row) {
        return Err(invalid_value(format!("{what} MUST NOT be Null"), column, row));
    }
    Ok(values.value(row))
}

impl Summary for Residuals {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let predictions = columns[0].as_primitive::<Float64Type>();
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        for row in 0..labels.len() {
            let prediction = known(predictions, row, "Predictions", &self.names.prediction)?;
            let label = known(labels, row, "Labels", &self.names.label)?;
            let weight = weights.get(row, &self.names.weight)?;
            let values = [label, label - prediction, prediction];
            self.moments.add(VectorRef::Dense(&values), weight)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.moments.merge(Moments::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        self.moments.encode_to_vec()
    }
}
