//! Losses of linear models and their gradients over rows that are drawn (`LeastSquaresGradient`, `LogisticGradient`).

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::classification::loss::log_1p_exp;
use crate::ml::error::invalid_value;
use crate::ml::sampling::Bernoulli;
use crate::ml::summary::labels::Names;
use crate::ml::summary::{Summary, corrupt, loss};
use crate::plan::functions::partition;
use crate::values::vector::{VectorColumn, VectorRef};

/// How far predictions are from labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Half the square of the difference.
    Squares,
    /// The logarithm of one over the probability of the label, which is 0 or 1.
    Logistic,
}

impl Loss {
    /// Returns the loss of a row, and its derivative by the prediction.
    fn of(self, predicted: f64, label: f64) -> (f64, f64) {
        match self {
            Self::Squares => {
                let error = predicted - label;
                (error * error / 2.0, error)
            }
            Self::Logistic => {
                let loss = log_1p_exp(if label > 0.0 { -predicted } else { predicted });
                (loss, 1.0 / (1.0 + (-predicted).exp()) - label)
            }
        }
    }

    /// Returns whether a label is one that the learner takes.
    fn takes(self, label: f64) -> bool {
        self == Self::Squares || label == 0.0 || label == 1.0
    }
}

/// A question: how many rows there are, or the loss over those that are drawn.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// Whether rows are only counted, and their labels looked at.
    #[prost(bool, tag = "1")]
    pub counts: bool,
    /// Where the loss is asked for.
    #[prost(double, repeated, tag = "2")]
    pub weights: Vec<f64>,
    /// The share of the rows that is drawn.
    #[prost(double, tag = "3")]
    pub share: f64,
    /// The seed of the draw.
    #[prost(int64, tag = "4")]
    pub seed: i64,
}

/// An answer.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of rows, drawn or not.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// Rows with a label that the learner does not take.
    #[prost(int64, tag = "2")]
    pub invalid: i64,
    /// The loss and its gradient; the weight is the number of rows that were drawn. `None` if rows are only counted.
    #[prost(message, optional, tag = "3")]
    pub sums: Option<loss::State>,
}

/// Answers a question over (features, label). As in mllib, numbers that are not finite are numbers like others.
#[derive(Debug)]
pub struct Gradients {
    names: Names,
    loss: Loss,
    asked: Asked,
    sample: Option<Bernoulli>,
    rows: i64,
    invalid: i64,
    sums: loss::State,
}

impl Gradients {
    /// Returns empty sums; `names` are those of the columns in errors.
    pub fn new(names: Names, loss: Loss, asked: Asked) -> Self {
        Self {
            sums: loss::State::new(asked.weights.len()),
            names,
            loss,
            asked,
            sample: None,
            rows: 0,
            invalid: 0,
        }
    }

    /// Draws whether the next row is taken.
    fn takes_next(&mut self) -> bool {
        let Asked { share, seed, .. } = self.asked;
        let begin = || Bernoulli::new(share, seed, partition::current());
        share >= 1.0 || self.sample.get_or_insert_with(begin).takes_next()
    }

    fn add(&mut self, features: VectorRef<'_>, label: f64) -> Result<()> {
        if features.size() != self.asked.weights.len() {
            return Err(SparkError::requirement(format!(
                "BLAS.dot(x: Vector, y:Vector) was given Vectors with non-matching sizes: x.size = {}, y.size = {}",
                features.size(),
                self.asked.weights.len()
            )));
        }
        let (loss, slope) = self.loss.of(features.dot(&self.asked.weights), label);
        self.sums.loss += loss;
        self.sums.weight += 1.0;
        features.add_scaled(slope, &mut self.sums.gradient);
        Ok(())
    }
}

impl Summary for Gradients {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        let labels = columns[1].as_primitive::<Float64Type>();
        for row in 0..vectors.len() {
            self.rows += 1;
            if labels.is_null(row) {
                return Err(invalid_value("Labels MUST NOT be Null", &self.names.label, row));
            }
            let refuse = || invalid_value("Vectors MUST NOT be Null", &self.names.features, row);
            let features = vectors.get(row).ok_or_else(refuse)?;
            let label = labels.value(row);
            if self.asked.counts {
                self.invalid += i64::from(!self.loss.takes(label));
            } else if self.takes_next() {
                self.add(features, label)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        self.rows += other.rows;
        self.invalid += other.invalid;
        match other.sums {
            Some(sums) => self.sums.merge(&sums.encode_to_vec()),
            None => Ok(()),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let state = State {
            rows: self.rows,
            invalid: self.invalid,
            sums: (!self.asked.counts).then(|| self.sums.clone()),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.asked.weights.len() * 32
    }
}
