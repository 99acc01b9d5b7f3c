//! The squared error and its gradient over rows: one evaluation of the objective (`LeastSquaresBlockAggregator`).

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::Result;
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, Names, same_size};
use crate::ml::summary::loss::State;

/// Where the error is asked for.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// 0: moments of the columns; 1: the sums of the normal equations; 2: the error at a place; 3: Huber's loss there.
    #[prost(uint32, tag = "1")]
    pub step: u32,
    /// Coefficients of standardised features; of Huber's loss more.
    #[prost(double, repeated, tag = "2")]
    pub coefficients: Vec<f64>,
    /// One over the standard deviation of each feature; 0 for constant ones.
    #[prost(double, repeated, tag = "3")]
    pub inverse_std: Vec<f64>,
    /// What is added to each prediction.
    #[prost(double, tag = "4")]
    pub offset: f64,
    /// The standard deviation of the label.
    #[prost(double, tag = "5")]
    pub label_std: f64,
    /// Mean over standard deviation of each feature, for Huber's loss.
    #[prost(double, repeated, tag = "6")]
    pub scaled_mean: Vec<f64>,
}

/// Sums up errors over (features, label) or (features, label, weight).
#[derive(Debug)]
pub struct Errors {
    names: Names,
    asked: Asked,
    factors: Vec<f64>,
    state: State,
}

impl Errors {
    /// Returns an empty sum at a place.
    pub fn new(names: Names, asked: Asked) -> Self {
        let scaled = asked.coefficients.iter().zip(&asked.inverse_std).map(|(c, s)| c * s);
        let state = State::new(asked.coefficients.len());
        Self {
            factors: scaled.collect(),
            names,
            asked,
            state,
        }
    }
}

impl Summary for Errors {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, Allowed::Numbers, &names)?;
        for row in 0..rows.len() {
            let (features, label, weight) = rows.get(row)?;
            same_size(self.factors.len(), features.size())?;
            if weight == 0.0 {
                continue;
            }
            let predicted = features.dot(&self.factors);
            let error = predicted - label / self.asked.label_std + self.asked.offset;
            self.state.weight += weight;
            self.state.loss += weight * error * error / 2.0;
            for (i, value) in features.stored() {
                self.state.gradient[i] += weight * error * value * self.asked.inverse_std[i];
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.state.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.factors.len() * 32
    }
}
