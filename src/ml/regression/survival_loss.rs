//! How unlikely lifetimes are under a model of them, and the gradient: one evaluation of the objective (`AFTBlockAggregator`).
//!
//! ```text
//! ε = (ln lifetime - margin) / σ      loss = e^ε + censor (ln σ - ε)      censor: 1 for a lifetime that ended, else 0
//! ```

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::optimize::dot;
use crate::ml::params::Params;
use crate::ml::stage::Columns;
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, LabelledMoments, Names, same_size};
use crate::ml::summary::loss::State;
use crate::values::text::double;

/// Where the loss is asked for; without coefficients, moments of the features are.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// Coefficients of standardised features, the intercept, ln σ.
    #[prost(double, repeated, tag = "1")]
    pub coefficients: Vec<f64>,
    /// One over the standard deviation of each feature; 0 for constant ones.
    #[prost(double, repeated, tag = "2")]
    pub inverse_std: Vec<f64>,
    /// Mean over standard deviation of each feature.
    #[prost(double, repeated, tag = "3")]
    pub scaled_mean: Vec<f64>,
    /// Whether there is an intercept.
    #[prost(bool, tag = "4")]
    pub intercept: bool,
}

/// Names of the columns.
#[derive(Debug, Clone)]
pub struct Reading {
    names: Names,
    censor: String,
}

impl Reading {
    /// Returns what params name.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(Self {
            names: Names {
                features: params.text("featuresCol")?,
                label: params.text("labelCol")?,
                weight: String::new(),
            },
            censor: params.text("censorCol")?,
        })
    }

    /// Returns the columns: features, label, censor.
    pub fn columns(self) -> Columns {
        let censor = (self.censor, Reads::Numbers);
        self.names.columns().into_iter().chain([censor]).collect()
    }

    /// Returns whether a lifetime ended, as 1 or 0.
    ///
    /// # Errors
    /// `USER_RAISED_EXCEPTION` if it is another number, null or NaN.
    fn censor(&self, censors: &Float64Array, row: usize) -> Result<f64> {
        let censor = censors.value(row);
        let refuse = |message: String| Err(invalid_value(message, &self.censor, row));
        if censors.is_null(row) || censor.is_nan() {
            return refuse("Censors MUST NOT be Null or NaN".into());
        }
        if ![0.0, 1.0].contains(&censor) {
            return refuse(format!("Censors MUST be in {{0, 1}}, but got {}", double(censor)));
        }
        Ok(censor)
    }
}

/// Sums up over (features, label, censor): losses, or first of all moments.
#[derive(Debug)]
pub struct Lifetimes {
    reading: Reading,
    asked: Asked,
    moments: LabelledMoments,
    state: State,
    /// What is added to the margin of each row.
    offset: f64,
    /// Sum of the multipliers.
    multipliers: f64,
}

impl Lifetimes {
    /// Returns empty sums.
    pub fn new(reading: Reading, asked: Asked) -> Self {
        let features = asked.inverse_std.len();
        let offset = match asked.coefficients.get(features) {
            Some(intercept) if asked.intercept => intercept - dot(&asked.coefficients[..features], &asked.scaled_mean),
            _ => 0.0,
        };
        Self {
            moments: LabelledMoments::new(reading.names.clone(), Allowed::Numbers),
            state: State::new(asked.coefficients.len()),
            multipliers: 0.0,
            reading,
            asked,
            offset,
        }
    }

    fn is_moments(&self) -> bool {
        self.asked.coefficients.is_empty()
    }
}

impl Summary for Lifetimes {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let reading = self.reading.clone();
        let rows = Instances::new(&columns[..2], Allowed::Numbers, &reading.names)?;
        let censors = columns[2].as_primitive::<Float64Type>();
        if self.is_moments() {
            for row in 0..rows.len() {
                rows.get(row)?;
                reading.censor(censors, row)?;
            }
            return self.moments.update(&columns[..2]);
        }
        let (features, asked) = (self.asked.inverse_std.len(), &self.asked);
        let log_sigma = asked.coefficients[features + 1];
        let sigma = log_sigma.exp();
        for row in 0..rows.len() {
            let (vector, lifetime, _) = rows.get(row)?;
            let censor = reading.censor(censors, row)?;
            same_size(features, vector.size())?;
            if lifetime <= 0.0 {
                return Err(SparkError::requirement(
                    "The lifetime or label should be greater than 0.",
                ));
            }
            let scaled = || vector.stored().map(|(i, v)| (i, v * asked.inverse_std[i]));
            let margin = scaled().map(|(i, v)| asked.coefficients[i] * v).sum::<f64>() + self.offset;
            let epsilon = (lifetime.ln() - margin) / sigma;
            let exp = epsilon.exp();
            self.state.weight += 1.0;
            self.state.loss += censor * log_sigma - censor * epsilon + exp;
            let multiplier = (censor - exp) / sigma;
            for (i, value) in scaled() {
                self.state.gradient[i] += multiplier * value;
            }
            self.multipliers += multiplier;
            self.state.gradient[features + 1] += censor + multiplier * sigma * epsilon;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        if self.is_moments() {
            self.moments.merge(state)
        } else {
            self.state.merge(state)
        }
    }

    fn encode(&self) -> Vec<u8> {
        if self.is_moments() {
            return self.moments.encode();
        }
        let mut state = self.state.clone();
        if self.asked.intercept {
            let means = &self.asked.scaled_mean;
            state
                .gradient
                .iter_mut()
                .zip(means)
                .for_each(|(g, mean)| *g -= self.multipliers * mean);
            state.gradient[means.len()] += self.multipliers;
        }
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        self.moments.bytes() + self.state.gradient.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::values::vector::{VectorBuilder, VectorRef};

    fn loss(asked: &Asked) -> State {
        let rows: [(&[f64], f64, f64); 3] = [
            (&[1.0, 0.5], 1.5, 1.0),
            (&[-2.0, 3.0], 0.4, 0.0),
            (&[0.0, 1.0], 3.0, 1.0),
        ];
        let mut vectors = VectorBuilder::with_capacity(rows.len());
        rows.iter().for_each(|(v, _, _)| vectors.push(VectorRef::Dense(v)));
        let labels: Float64Array = rows.iter().map(|(_, l, _)| Some(*l)).collect();
        let censors: Float64Array = rows.iter().map(|(_, _, c)| Some(*c)).collect();
        let reading = Reading {
            names: Names::default(),
            censor: "censor".to_owned(),
        };
        let mut sums = Lifetimes::new(reading, asked.clone());
        let columns: [ArrayRef; 3] = [vectors.finish().unwrap(), Arc::new(labels), Arc::new(censors)];
        sums.update(&columns).unwrap();
        State::decode(&sums.encode()[..]).unwrap()
    }

    #[test]
    fn the_gradient_is_the_derivative() {
        let asked = Asked {
            coefficients: vec![0.3, -0.2, 0.1, 0.4],
            inverse_std: vec![0.5, 2.0],
            scaled_mean: vec![0.1, -0.4],
            intercept: true,
        };
        let here = loss(&asked);
        for i in 0..asked.coefficients.len() {
            let at = |by: f64| {
                let mut asked = asked.clone();
                asked.coefficients[i] += by;
                loss(&asked).loss
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - here.gradient[i]).abs() < 1e-5, "{i}: {slope} {here:?}");
        }
    }
}
