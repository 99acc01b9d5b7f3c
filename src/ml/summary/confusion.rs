//! Weights of rows by label and prediction, and the log loss: what multi-class metrics are made of.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, Weights, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::invalid_value;
use crate::values::vector::VectorColumn;

/// Pairs of label and prediction with the weights of their rows, side by side.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Label of each entry.
    #[prost(double, repeated, tag = "1")]
    pub labels: Vec<f64>,
    /// Prediction of each entry.
    #[prost(double, repeated, tag = "2")]
    pub predictions: Vec<f64>,
    /// Weight of each entry.
    #[prost(double, repeated, tag = "3")]
    pub weights: Vec<f64>,
    /// Sum of weighted losses.
    #[prost(double, tag = "4")]
    pub loss: f64,
}

/// The columns that the metrics read, for messages.
#[derive(Debug, Clone)]
pub struct Names {
    /// Column of labels.
    pub label: String,
    /// Column of predictions.
    pub prediction: String,
    /// Column of probabilities.
    pub probability: String,
    /// Column of weights; empty if rows weigh 1.
    pub weight: String,
}

/// Sums over (label, prediction), then the weight and the probabilities if they are wanted.
///
/// Keeps one weight per pair that occurs, at most classes². -0.0 and 0.0 are one label.
#[derive(Debug)]
pub struct Confusion {
    /// Names of the columns in errors.
    names: Names,
    /// Whether the third column holds weights.
    weighted: bool,
    /// Least probability in the log loss; `None` if the loss is not wanted.
    eps: Option<f64>,
    /// Weight by the bits of label and prediction.
    at: HashMap<(u64, u64), f64>,
    /// Sum of weighted losses.
    loss: f64,
}

impl Confusion {
    /// Returns an empty summary; `eps` bounds probabilities of the log loss, which is summed up only with it.
    pub fn new(names: Names, weighted: bool, eps: Option<f64>) -> Self {
        Self {
            names,
            weighted,
            eps,
            at: HashMap::new(),
            loss: 0.0,
        }
    }

    /// Returns the log loss of one row: minus the log of its label's probability, kept within `eps` and 1 - `eps`.
    ///
    /// # Errors
    /// If the vector is null, or the label has no place in it.
    fn loss_of(&self, probabilities: &VectorColumn<'_>, label: f64, eps: f64, row: usize) -> Result<f64> {
        let Some(vector) = probabilities.get(row) else {
            return Err(invalid_value(
                "Probabilities MUST NOT be Null",
                &self.names.probability,
                row,
            ));
        };
        if label < 0.0 || label >= vector.size() as f64 {
            return Err(SparkError::requirement(format!(
                "the label {} has no probability among {} (column `{}`, row {row} of its batch)",
                crate::values::text::double(label),
                vector.size(),
                self.names.probability
            )));
        }
        let probability = vector.at(label as usize);
        Ok(if probability < eps {
            -eps.ln()
        } else if probability > 1.0 - eps {
            -(-eps).ln_1p()
        } else {
            -probability.ln()
        })
    }
}

impl Summary for Confusion {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let labels = columns[0].as_primitive::<Float64Type>();
        let predictions = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2).filter(|_| self.weighted));
        let probabilities = match self.eps {
            Some(eps) => Some((VectorColumn::new(&columns[columns.len() - 1])?, eps)),
            None => None,
        };
        for row in 0..labels.len() {
            if labels.is_null(row) {
                return Err(invalid_value("Labels MUST NOT be Null or NaN", &self.names.label, row));
            }
            if predictions.is_null(row) {
                return Err(invalid_value(
                    "Predictions MUST NOT be Null or NaN",
                    &self.names.prediction,
                    row,
                ));
            }
            let (label, prediction) = (labels.value(row), predictions.value(row));
            let weight = weights.get(row, &self.names.weight)?;
            *self
                .at
                .entry(((label + 0.0).to_bits(), (prediction + 0.0).to_bits()))
                .or_default() += weight;
            if let Some((probabilities, eps)) = &probabilities {
                self.loss += weight * self.loss_of(probabilities, label, *eps, row)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        for ((label, prediction), weight) in other.labels.iter().zip(&other.predictions).zip(&other.weights) {
            *self.at.entry((label.to_bits(), prediction.to_bits())).or_default() += weight;
        }
        self.loss += other.loss;
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut state = State {
            loss: self.loss,
            ..State::default()
        };
        for ((label, prediction), weight) in &self.at {
            state.labels.push(f64::from_bits(*label));
            state.predictions.push(f64::from_bits(*prediction));
            state.weights.push(*weight);
        }
        state.encode_to_vec()
    }
}
