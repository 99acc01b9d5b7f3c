//! The loss of a factorization machine and its gradient over rows, or over some of them that are drawn.
//!
//! ```text
//! raw = intercept + linear · x + ½ Σ over factors ((Σ v x)² - Σ (v x)²)
//! ```
//!
//! Coefficients are the factors, feature after feature, then a number per feature and the intercept, if there are any.

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::Result;
use crate::ml::classification::loss::log_1p_exp;
use crate::ml::params::Params;
use crate::ml::sampling::Bernoulli;
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, Names};
use crate::ml::summary::loss::State;
use crate::plan::functions::partition;
use crate::values::vector::VectorRef;

/// A question: the loss at a place over rows that are drawn; without coefficients, how many features there are.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The place.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// How many features there are.
    #[prost(uint64, tag = "2")]
    pub features: u64,
    /// The share of the rows that is drawn.
    #[prost(double, tag = "3")]
    pub share: f64,
    /// The seed of the draw.
    #[prost(int64, tag = "4")]
    pub seed: i64,
}

/// Which coefficients there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// How many factors a feature has.
    pub factors: usize,
    /// Whether there is a number per feature.
    pub linear: bool,
    /// Whether there is an intercept.
    pub intercept: bool,
}

impl Form {
    /// Returns what params say.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(Self {
            factors: params.count("factorSize")?,
            linear: params.bool("fitLinear")?,
            intercept: params.bool("fitIntercept")?,
        })
    }

    /// Returns the raw prediction of a row, and the sums of its values times each factor into `sums`.
    fn raw(self, coefficients: &[f64], size: usize, features: VectorRef<'_>, sums: &mut Vec<f64>) -> f64 {
        let linear = size * self.factors;
        let mut raw = match coefficients.last() {
            Some(intercept) if self.intercept => *intercept,
            _ => 0.0,
        };
        if self.linear {
            features
                .nonzero()
                .for_each(|(i, v)| raw += coefficients[linear + i] * v);
        }
        with_pairs(raw, coefficients, self.factors, features, sums)
    }
}

/// Returns a prediction with what pairs of features add to it; the sums of values times each factor go into `sums`.
pub fn with_pairs(raw: f64, factors: &[f64], count: usize, features: VectorRef<'_>, sums: &mut Vec<f64>) -> f64 {
    sums.clear();
    let mut all = raw;
    for factor in 0..count {
        let (mut sum, mut squares) = (0.0, 0.0);
        for (i, value) in features.nonzero() {
            let product = factors[i * count + factor] * value;
            squares += product * product;
            sum += product;
        }
        sums.push(sum);
        all += 0.5 * (sum * sum - squares);
    }
    all
}

/// Sums up losses over (features, label); the state's weight is the number of rows.
#[derive(Debug)]
pub struct Losses {
    names: Names,
    form: Form,
    allowed: Allowed,
    asked: Asked,
    sample: Option<Bernoulli>,
    sums: Vec<f64>,
    state: State,
}

impl Losses {
    /// Returns empty sums. The loss is logistic for classes, else the squared error.
    pub fn new(names: Names, form: Form, allowed: Allowed, asked: Asked) -> Self {
        Self {
            state: State::new(asked.coefficients.len()),
            sample: None,
            sums: vec![],
            names,
            form,
            allowed,
            asked,
        }
    }

    fn add(&mut self, features: VectorRef<'_>, label: f64) {
        let (size, count) = (self.asked.features as usize, self.form.factors);
        let coefficients = &self.asked.coefficients;
        let raw = self.form.raw(coefficients, size, features, &mut self.sums);
        let (loss, multiplier) = match self.allowed {
            Allowed::Numbers => ((raw - label) * (raw - label), 2.0 * (raw - label)),
            Allowed::Classes(_) => {
                let loss = log_1p_exp(if label > 0.0 { -raw } else { raw });
                (loss, 1.0 / (1.0 + (-raw).exp()) - label)
            }
        };
        self.state.loss += loss;
        self.state.weight += 1.0;
        let gradient = &mut self.state.gradient;
        for (i, value) in features.nonzero() {
            for (factor, sum) in self.sums.iter().enumerate() {
                let at = i * count + factor;
                gradient[at] += multiplier * (value * sum - coefficients[at] * value * value);
            }
            if self.form.linear {
                gradient[size * count + i] += multiplier * value;
            }
        }
        if let Some(last) = gradient.last_mut()
            && self.form.intercept
        {
            *last += multiplier;
        }
    }
}

impl Summary for Losses {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(&columns[..2], self.allowed, &names)?;
        for row in 0..rows.len() {
            let (features, label, _) = rows.get(row)?;
            let (share, seed) = (self.asked.share, self.asked.seed);
            let sample = self
                .sample
                .get_or_insert_with(|| Bernoulli::new(share, seed, partition::current()));
            if sample.takes_next() {
                self.add(features, label);
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
        1024 + self.asked.coefficients.len() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(coefficients: &[f64], allowed: Allowed) -> State {
        let form = Form {
            factors: 2,
            linear: true,
            intercept: true,
        };
        let asked = Asked {
            coefficients: coefficients.to_vec(),
            features: 3,
            share: 1.0,
            seed: 0,
        };
        let mut losses = Losses::new(Names::default(), form, allowed, asked);
        losses.add(VectorRef::Dense(&[1.0, -0.5, 2.0]), 1.0);
        losses.add(VectorRef::Dense(&[0.0, 0.5, 1.0]), 0.0);
        losses.state
    }

    #[test]
    fn the_gradient_is_the_derivative() {
        let coefficients = [0.1, -0.2, 0.3, 0.15, -0.1, 0.2, 0.5, -0.4, 0.3, 0.05];
        for allowed in [Allowed::Numbers, Allowed::Classes(2)] {
            let here = losses(&coefficients, allowed);
            for i in 0..coefficients.len() {
                let at = |by: f64| {
                    let mut moved = coefficients;
                    moved[i] += by;
                    losses(&moved, allowed).loss
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((slope - here.gradient[i]).abs() < 1e-6, "{i}: {slope} {here:?}");
            }
        }
    }
}
