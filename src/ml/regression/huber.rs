//! Huber's loss and its gradient over rows: small errors count by their squares, large ones by themselves (`HuberBlockAggregator`).
//!
//! What is small is learned with the coefficients: an error of at most ε σ.

use arrow::array::ArrayRef;
use prost::Message;

use super::least_squares::Asked;
use crate::error::Result;
use crate::ml::learning::Rounds;
use crate::ml::optimize::{Evaluated, Objective, dot};
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, Names, same_size};
use crate::ml::summary::loss::State;

/// Sums up losses over (features, label) or (features, label, weight). Coefficients are those of the standardised features, the
/// intercept if there is one, and σ.
#[derive(Debug)]
pub struct Huber {
    names: Names,
    asked: Asked,
    epsilon: f64,
    /// What is added to each prediction.
    offset: f64,
    multipliers: f64,
    state: State,
}

impl Huber {
    /// Returns an empty sum at a place.
    pub fn new(names: Names, asked: Asked, epsilon: f64) -> Self {
        let features = asked.inverse_std.len();
        let coefficients = &asked.coefficients;
        let offset = if coefficients.len() > features + 1 {
            coefficients[features] - dot(&coefficients[..features], &asked.scaled_mean)
        } else {
            0.0
        };
        Self {
            state: State::new(coefficients.len()),
            multipliers: 0.0,
            names,
            asked,
            epsilon,
            offset,
        }
    }

    /// Returns the loss of an error, its derivative by the prediction, and that by σ.
    fn of(&self, error: f64, sigma: f64) -> (f64, f64, f64) {
        let epsilon = self.epsilon;
        if error.abs() <= sigma * epsilon {
            let ratio = error / sigma;
            let loss = 0.5 * (sigma + error * error / sigma);
            return (loss, -ratio, 0.5 * (1.0 - ratio * ratio));
        }
        let loss = 0.5 * (sigma + 2.0 * epsilon * error.abs() - sigma * epsilon * epsilon);
        let sign = if error >= 0.0 { -1.0 } else { 1.0 };
        (loss, sign * epsilon, 0.5 * (1.0 - epsilon * epsilon))
    }
}

impl Summary for Huber {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, Allowed::Numbers, &names)?;
        let features = self.asked.inverse_std.len();
        let last = self.asked.coefficients.len() - 1;
        let sigma = self.asked.coefficients[last];
        for row in 0..rows.len() {
            let (vector, label, weight) = rows.get(row)?;
            same_size(features, vector.size())?;
            if weight == 0.0 {
                continue;
            }
            let scaled = || vector.stored().map(|(i, v)| (i, v * self.asked.inverse_std[i]));
            let product: f64 = scaled().map(|(i, v)| self.asked.coefficients[i] * v).sum();
            let (loss, by_prediction, by_sigma) = self.of(label - (product + self.offset), sigma);
            self.state.weight += weight;
            self.state.loss += weight * loss;
            let multiplier = weight * by_prediction;
            for (i, value) in scaled() {
                self.state.gradient[i] += multiplier * value;
            }
            self.multipliers += multiplier;
            self.state.gradient[last] += weight * by_sigma;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.state.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        let mut state = self.state.clone();
        let features = self.asked.inverse_std.len();
        if state.gradient.len() > features + 1 {
            let means = &self.asked.scaled_mean;
            state
                .gradient
                .iter_mut()
                .zip(means)
                .for_each(|(g, mean)| *g -= self.multipliers * mean);
            state.gradient[features] += self.multipliers;
        }
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.state.gradient.len() * 40
    }
}

/// The mean loss over all rows, with the penalty.
pub struct MeanLoss {
    /// How rows are asked.
    pub rounds: Rounds,
    /// What is asked but for the place.
    pub asked: Asked,
    /// What half of a coefficient's square is multiplied with; intercept and σ have none.
    pub penalty: Vec<f64>,
}

impl Objective for MeanLoss {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        let asked = Asked {
            coefficients: x.to_vec(),
            ..self.asked.clone()
        };
        let found: State = self.rounds.ask(&asked).await?;
        Ok(found.penalized(x, &self.penalty))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float64Array;

    use super::*;
    use crate::values::vector::{VectorBuilder, VectorRef};

    fn loss(coefficients: &[f64]) -> State {
        let rows: [(&[f64], f64); 3] = [(&[1.0, 0.5], 1.5), (&[-2.0, 3.0], 9.0), (&[0.0, 1.0], -6.0)];
        let mut vectors = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(v, _)| vectors.push(VectorRef::Dense(v)));
        let labels: Float64Array = rows.iter().map(|(_, l)| Some(*l)).collect();
        let asked = Asked {
            coefficients: coefficients.to_vec(),
            inverse_std: vec![0.5, 2.0],
            scaled_mean: vec![0.1, -0.4],
            ..Asked::default()
        };
        let mut sums = Huber::new(Names::default(), asked, 1.35);
        sums.update(&[vectors.finish().unwrap(), Arc::new(labels)]).unwrap();
        State::decode(&sums.encode()[..]).unwrap()
    }

    #[test]
    fn the_gradient_is_the_derivative() {
        for coefficients in [vec![0.3, -0.2, 0.1, 1.4], vec![0.3, -0.2, 1.4]] {
            let here = loss(&coefficients);
            for i in 0..coefficients.len() {
                let at = |by: f64| {
                    let mut moved = coefficients.clone();
                    moved[i] += by;
                    loss(&moved).loss
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((slope - here.gradient[i]).abs() < 1e-5, "{i}: {slope} {here:?}");
            }
        }
    }
}
