//! The losses of linear classifiers and their gradients over rows: one evaluation of the objective.
//!
//! ```text
//! logistic   two classes or more      ln(1 + e⁻ᵐ), of m = margin of the own class
//! hinge      two classes              max(0, 1 - m)
//! ```
//!
//! Features are taken as if each had mean 0 and variance 1: coefficients come scaled, so rows are read as they are, and sparse rows cost
//! what they store.

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::Result;
use crate::ml::learning::Rounds;
use crate::ml::optimize::{Evaluated, Objective};
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, MOST_CLASSES, Names, same_size};
use crate::ml::summary::loss::State;
use crate::values::vector::VectorRef;

/// Where the loss is asked for; without coefficients, moments of the columns are.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// Coefficients of standardised features, feature after feature, a number per set; then the intercepts, if there are any.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// One over the standard deviation of each feature; 0 for constant ones.
    #[prost(double, repeated, tag = "2")]
    pub inverse_std: Vec<f64>,
    /// Mean over standard deviation of each feature.
    #[prost(double, repeated, tag = "3")]
    pub scaled_mean: Vec<f64>,
    /// How many coefficients a feature has: 1, or one per class.
    #[prost(uint64, tag = "4")]
    pub sets: u64,
    /// Whether there are intercepts.
    #[prost(bool, tag = "5")]
    pub intercept: bool,
    /// Whether the loss is the hinge loss, of two classes.
    #[prost(bool, tag = "6")]
    pub hinge: bool,
}

impl Asked {
    /// Returns the labels that are taken.
    fn allowed(&self) -> Allowed {
        Allowed::Classes(if self.hinge { 2 } else { MOST_CLASSES })
    }
}

/// The mean loss over all rows, with the smooth part of the penalty.
pub struct MeanLoss {
    /// How rows are asked.
    pub rounds: Rounds,
    /// What is asked but for the place.
    pub asked: Asked,
    /// What half of a coefficient's square is multiplied with; intercepts have none.
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

/// Sums up losses over (features, label) or (features, label, weight).
#[derive(Debug)]
pub struct Loss {
    names: Names,
    asked: Asked,
    /// What a feature's value is multiplied with, set by set.
    factors: Vec<f64>,
    /// What is added, by set.
    offsets: Vec<f64>,
    /// Sum of values times multipliers, feature after feature; of scaled values for the hinge loss.
    products: Vec<f64>,
    /// Sum of multipliers, by set.
    multipliers: Vec<f64>,
    /// The sums here, but for the gradient, and what others have found.
    merged: State,
}

impl Loss {
    /// Returns an empty sum at a place.
    pub fn new(names: Names, asked: Asked) -> Self {
        let (sets, features) = (asked.sets as usize, asked.inverse_std.len());
        let coefficients = &asked.coefficients;
        let factors = (0..features * sets).map(|i| coefficients[i] * asked.inverse_std[i / sets]);
        let offset = |set: usize| {
            if !asked.intercept {
                return 0.0;
            }
            let shift: f64 = (0..features)
                .map(|j| coefficients[j * sets + set] * asked.scaled_mean[j])
                .sum();
            coefficients[features * sets + set] - shift
        };
        Self {
            factors: factors.collect(),
            offsets: (0..sets).map(offset).collect(),
            products: vec![0.0; features * sets],
            multipliers: vec![0.0; sets],
            merged: State::new(coefficients.len()),
            names,
            asked,
        }
    }

    /// Returns the gradient of what was added here and by others.
    fn gradient(&self) -> Vec<f64> {
        let sets = self.multipliers.len();
        let mut gradient = self.merged.gradient.clone();
        for (i, product) in self.products.iter().enumerate() {
            let (feature, set) = (i / sets, i % sets);
            let scale = if self.asked.hinge {
                1.0
            } else {
                self.asked.inverse_std[feature]
            };
            gradient[i] += product * scale;
            if self.asked.intercept {
                gradient[i] -= self.multipliers[set] * self.asked.scaled_mean[feature];
            }
        }
        if self.asked.intercept {
            let first = self.products.len();
            for (set, multiplier) in self.multipliers.iter().enumerate() {
                gradient[first + set] += multiplier;
            }
        }
        gradient
    }

    /// Adds a row of two classes.
    fn add_binary(&mut self, features: VectorRef<'_>, label: f64, weight: f64) {
        let margin = -(features.dot(&self.factors) + self.offsets[0]);
        let multiplier = weight * (1.0 / (1.0 + margin.exp()) - label);
        self.merged.loss += if label > 0.0 {
            weight * log_1p_exp(margin)
        } else {
            weight * (log_1p_exp(margin) - margin)
        };
        features.add_scaled(multiplier, &mut self.products);
        self.multipliers[0] += multiplier;
    }

    /// Adds a row of two classes by the hinge loss.
    ///
    /// Where the loss has kinks, rounding decides on which side a number of the gradient is, and the search goes another way:
    /// here values are scaled one by one, as Spark scales them, so that sums that should be 0 are off by the same.
    fn add_hinge(&mut self, features: VectorRef<'_>, label: f64, weight: f64) {
        let scaled = || features.stored().map(|(i, v)| (i, v * self.asked.inverse_std[i]));
        let margin: f64 = scaled().map(|(i, v)| self.asked.coefficients[i] * v).sum::<f64>() + self.offsets[0];
        let side = label + label - 1.0;
        let loss = 1.0 - side * margin;
        if loss <= 0.0 {
            return;
        }
        self.merged.loss += weight * loss;
        let multiplier = -side * weight;
        for (i, value) in scaled() {
            self.products[i] += multiplier * value;
        }
        self.multipliers[0] += multiplier;
    }

    /// Adds a row of one of several classes; `margins` is used again from row to row.
    fn add_multinomial(&mut self, features: VectorRef<'_>, label: f64, weight: f64, margins: &mut Vec<f64>) {
        let sets = self.multipliers.len();
        margins.clone_from(&self.offsets);
        for (i, value) in features.stored() {
            let factors = &self.factors[i * sets..(i + 1) * sets];
            margins.iter_mut().zip(factors).for_each(|(m, f)| *m += f * value);
        }
        let own = margins[label as usize];
        let most = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        margins.iter_mut().for_each(|m| *m = (*m - most).exp());
        let total: f64 = margins.iter().sum();
        self.merged.loss += weight * (total.ln() + most - own);
        for (class, margin) in margins.iter_mut().enumerate() {
            let is_own = f64::from(class == label as usize);
            *margin = weight * (*margin / total - is_own);
            self.multipliers[class] += *margin;
        }
        for (i, value) in features.stored() {
            let products = &mut self.products[i * sets..(i + 1) * sets];
            products
                .iter_mut()
                .zip(margins.iter())
                .for_each(|(p, m)| *p += m * value);
        }
    }
}

/// Returns `ln(1 + eˣ)` without overflow.
pub fn log_1p_exp(x: f64) -> f64 {
    if x > 0.0 {
        x + (-x).exp().ln_1p()
    } else {
        x.exp().ln_1p()
    }
}

impl Summary for Loss {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, self.asked.allowed(), &names)?;
        let mut margins = vec![];
        for row in 0..rows.len() {
            let (features, label, weight) = rows.get(row)?;
            same_size(self.asked.inverse_std.len(), features.size())?;
            if weight == 0.0 {
                continue;
            }
            self.merged.weight += weight;
            if self.asked.hinge {
                self.add_hinge(features, label, weight);
            } else if self.multipliers.len() == 1 {
                self.add_binary(features, label, weight);
            } else {
                self.add_multinomial(features, label, weight, &mut margins);
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.merged.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        let state = State {
            gradient: self.gradient(),
            ..self.merged
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + (self.factors.len() * 3 + self.merged.gradient.len()) * 8
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float64Array;

    use super::*;
    use crate::values::vector::VectorBuilder;

    fn columns(rows: &[(&[f64], f64)]) -> Vec<ArrayRef> {
        let mut vectors = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(v, _)| vectors.push(VectorRef::Dense(v)));
        let labels: Float64Array = rows.iter().map(|(_, l)| Some(*l)).collect();
        vec![vectors.finish().unwrap(), Arc::new(labels)]
    }

    fn state(asked: &Asked, rows: &[(&[f64], f64)]) -> State {
        let mut loss = Loss::new(Names::default(), asked.clone());
        loss.update(&columns(rows)).unwrap();
        State::decode(&loss.encode()[..]).unwrap()
    }

    const ROWS: [(&[f64], f64); 3] = [(&[1.0, 0.5], 0.0), (&[-2.0, 3.0], 1.0), (&[0.0, 1.0], 1.0)];

    /// The gradient is how the loss changes with each coefficient.
    fn is_derivative(asked: &Asked, rows: &[(&[f64], f64)]) {
        let here = state(asked, rows);
        for i in 0..asked.coefficients.len() {
            let at = |by: f64| {
                let mut asked = asked.clone();
                asked.coefficients[i] += by;
                state(&asked, rows).loss
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - here.gradient[i]).abs() < 1e-6, "{i}: {slope} {here:?}");
        }
    }

    #[test]
    fn the_gradient_of_two_classes_is_the_derivative() {
        is_derivative(
            &Asked {
                coefficients: vec![0.3, -0.2, 0.1],
                inverse_std: vec![0.5, 2.0],
                scaled_mean: vec![0.1, -0.4],
                sets: 1,
                intercept: true,
                hinge: false,
            },
            &ROWS,
        );
    }

    #[test]
    fn the_gradient_of_the_hinge_loss_is_the_derivative() {
        is_derivative(
            &Asked {
                coefficients: vec![0.3, -0.2, 0.1],
                inverse_std: vec![0.5, 2.0],
                scaled_mean: vec![0.1, -0.4],
                sets: 1,
                intercept: true,
                hinge: true,
            },
            &ROWS,
        );
    }

    #[test]
    fn the_gradient_of_three_classes_is_the_derivative() {
        let rows = [ROWS[0], ROWS[1], (&[4.0, -1.0][..], 2.0)];
        is_derivative(
            &Asked {
                coefficients: vec![0.3, -0.2, 0.1, 0.0, 0.5, -0.7],
                inverse_std: vec![0.5, 2.0],
                scaled_mean: vec![0.0, 0.0],
                sets: 3,
                intercept: false,
                hinge: false,
            },
            &rows,
        );
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let asked = Asked {
            coefficients: vec![0.3, -0.2, 0.1],
            inverse_std: vec![0.5, 2.0],
            scaled_mean: vec![0.1, -0.4],
            sets: 1,
            intercept: true,
            hinge: false,
        };
        let mut merged = Loss::new(Names::default(), asked.clone());
        merged.merge(&state(&asked, &ROWS[..1]).encode_to_vec()).unwrap();
        merged.merge(&state(&asked, &ROWS[1..]).encode_to_vec()).unwrap();
        let (merged, whole) = (State::decode(&merged.encode()[..]).unwrap(), state(&asked, &ROWS));
        assert!((merged.loss - whole.loss).abs() < 1e-12);
        assert!(
            merged
                .gradient
                .iter()
                .zip(&whole.gradient)
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
}
