//! Losses and their gradients: what one evaluation of a learner's objective sums up.

use prost::Message;

use super::corrupt;
use super::labels::same_size;
use crate::error::Result;
use crate::ml::optimize::Evaluated;

/// A loss and its gradient.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Sum of the losses.
    #[prost(double, tag = "1")]
    pub loss: f64,
    /// Sum of the weights.
    #[prost(double, tag = "2")]
    pub weight: f64,
    /// The gradient, in the order of the coefficients.
    #[prost(double, repeated, tag = "3")]
    pub gradient: Vec<f64>,
}

impl State {
    /// Returns empty sums for a number of coefficients.
    pub fn new(coefficients: usize) -> Self {
        Self {
            gradient: vec![0.0; coefficients],
            ..Self::default()
        }
    }

    /// Takes in what another encoded.
    ///
    /// # Errors
    /// If the bytes are not such sums, or are of another number of coefficients.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Self::decode(state).map_err(|e| corrupt(&e))?;
        same_size(self.gradient.len(), other.gradient.len())?;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| *a += b);
        self.loss += other.loss;
        self.weight += other.weight;
        Ok(())
    }

    /// Returns the mean loss at `x` and its gradient, with half of each coefficient's square times its penalty.
    pub fn penalized(self, x: &[f64], penalty: &[f64]) -> Evaluated {
        let mut squares = 0.0;
        let each = self.gradient.into_iter().zip(x).zip(penalty);
        let gradient = each.map(|((g, x), penalty)| {
            squares += penalty * x * x;
            g / self.weight + penalty * x
        });
        let gradient = gradient.collect();
        (self.loss / self.weight + squares / 2.0, gradient)
    }
}
