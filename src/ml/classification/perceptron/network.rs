//! Layers of neurons: what they return, and how their error depends on the weights.
//!
//! ```text
//! features ─affine▶ ─sigmoid▶ … ─affine▶ raw predictions ─soft-max▶ probabilities
//! ```
//!
//! The weights of a layer are a matrix, column after column, a row per neuron, then a bias per neuron.

use crate::ml::classification::scores::softmax;
use crate::plan::functions::random::XorShift;
use crate::values::vector::VectorRef;

/// The sizes of layers, from the features to the classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    sizes: Vec<usize>,
}

impl Network {
    /// Returns a network; sizes are at least two.
    pub fn new(sizes: Vec<usize>) -> Self {
        Self { sizes }
    }

    /// Returns how many features there are.
    pub fn features(&self) -> usize {
        self.sizes.first().copied().unwrap_or_default()
    }

    /// Returns how many classes there are.
    pub fn classes(&self) -> usize {
        self.sizes.last().copied().unwrap_or_default()
    }

    /// Returns how many layers there are, with the features.
    pub fn layers(&self) -> usize {
        self.sizes.len()
    }

    /// Returns how many weights there are; the largest number if they are too many to count.
    pub fn weights(&self) -> usize {
        let own = |(inputs, outputs): (usize, usize)| inputs.saturating_add(1).saturating_mul(outputs);
        self.affine().map(own).fold(0, usize::saturating_add)
    }

    /// Returns inputs and outputs of each affine layer.
    fn affine(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + ExactSizeIterator {
        self.sizes.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// Draws weights to begin with.
    pub fn drawn(&self, seed: i64) -> Vec<f64> {
        let mut random = XorShift::new(seed);
        let mut weights = Vec::with_capacity(self.weights());
        for (inputs, outputs) in self.affine() {
            let own = (inputs + 1) * outputs;
            let scale = (inputs as f64).sqrt();
            weights.extend((0..own).map(|_| (random.double() * 4.8 - 2.4) / scale));
        }
        weights
    }

    /// Computes what every layer returns for a row into `outputs`; the last are raw predictions.
    pub fn forward(&self, weights: &[f64], features: VectorRef<'_>, outputs: &mut Vec<Vec<f64>>) {
        outputs.resize(self.sizes.len() - 1, vec![]);
        let mut from = 0;
        for (layer, (inputs, count)) in self.affine().enumerate() {
            let (matrix, rest) = weights[from..].split_at(inputs * count);
            let (before, after) = outputs.split_at_mut(layer);
            let own = &mut after[0];
            own.clear();
            own.extend_from_slice(&rest[..count]);
            let mut add = |i: usize, value: f64| {
                let column = &matrix[i * count..(i + 1) * count];
                own.iter_mut().zip(column).for_each(|(o, w)| *o += w * value);
            };
            match before.last() {
                None => features.stored().for_each(|(i, value)| add(i, value)),
                Some(before) => before.iter().enumerate().for_each(|(i, value)| add(i, *value)),
            }
            if layer + 2 < self.sizes.len() {
                own.iter_mut().for_each(|o| *o = 1.0 / (1.0 + (-*o).exp()));
            }
            from += (inputs + 1) * count;
        }
    }

    /// Adds the gradient of a row's error to `gradient`, and returns the error: minus the logarithm of its class's probability.
    pub fn backward(
        &self,
        weights: &[f64],
        (features, class): (VectorRef<'_>, usize),
        outputs: &mut Vec<Vec<f64>>,
        gradient: &mut [f64],
    ) -> f64 {
        self.forward(weights, features, outputs);
        let mut delta = softmax(outputs.last().map_or(&[], |raw| raw));
        let error = -delta[class].ln();
        delta[class] -= 1.0;
        let mut end = weights.len();
        for (layer, (inputs, count)) in self.affine().enumerate().rev() {
            let from = end - (inputs + 1) * count;
            let own = &mut gradient[from..end];
            let mut add = |i: usize, value: f64| {
                let column = &mut own[i * count..(i + 1) * count];
                column.iter_mut().zip(&delta).for_each(|(g, d)| *g += d * value);
            };
            if layer == 0 {
                features.stored().for_each(|(i, value)| add(i, value));
            } else {
                outputs[layer - 1]
                    .iter()
                    .enumerate()
                    .for_each(|(i, value)| add(i, *value));
            }
            own[inputs * count..].iter_mut().zip(&delta).for_each(|(g, d)| *g += d);
            if layer > 0 {
                let before = outputs[layer - 1].iter().enumerate();
                delta = before
                    .map(|(i, out)| {
                        let column = &weights[from + i * count..from + (i + 1) * count];
                        let back: f64 = column.iter().zip(&delta).map(|(w, d)| w * d).sum();
                        (1.0 - out) * out * back
                    })
                    .collect();
            }
            end = from;
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_derivative() {
        let network = Network::new(vec![2, 3, 2, 2]);
        let mut weights = network.drawn(5);
        assert_eq!(weights.len(), 9 + 8 + 6);
        assert_eq!(Network::new(vec![usize::MAX, 2, 2]).weights(), usize::MAX);
        let row = (VectorRef::Dense(&[0.5, -1.5]), 1);
        let mut gradient = vec![0.0; weights.len()];
        network.backward(&weights, row, &mut vec![], &mut gradient);
        for i in 0..weights.len() {
            let mut at = |by: f64| {
                weights[i] += by;
                let error = network.backward(&weights, row, &mut vec![], &mut vec![0.0; weights.len()]);
                weights[i] -= by;
                error
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - gradient[i]).abs() < 1e-6, "{i}: {slope} {}", gradient[i]);
        }
    }
}
