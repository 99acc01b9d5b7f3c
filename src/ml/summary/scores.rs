//! Weights of positive and negative rows at each score: what binary metrics are made of.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, Weights, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::invalid_value;
use crate::values::vector::VectorColumn;

/// Scores with the weights of their rows, side by side.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// The scores, each once.
    #[prost(double, repeated, tag = "1")]
    pub scores: Vec<f64>,
    /// Weight of rows with label 1 per score.
    #[prost(double, repeated, tag = "2")]
    pub positives: Vec<f64>,
    /// Weight of rows with another label per score.
    #[prost(double, repeated, tag = "3")]
    pub negatives: Vec<f64>,
}

/// Sums over (raw prediction, label) or (raw prediction, label, weight); the score of a vector is its second value.
///
/// Keeps two weights per distinct score, so its size is that of the dataset if no two scores are equal, as in Spark.
#[derive(Debug)]
pub struct Scores {
    /// Column of raw predictions in errors.
    column: String,
    /// Column of labels in errors.
    label: String,
    /// Column of weights in errors.
    weight: String,
    /// (positive, negative) weight by the bits of the score.
    at: HashMap<u64, (f64, f64)>,
}

impl Scores {
    /// Returns an empty summary; errors name the columns.
    pub fn new(column: String, label: String, weight: String) -> Self {
        Self {
            column,
            label,
            weight,
            at: HashMap::new(),
        }
    }

    /// Adds weights at a score.
    fn add(&mut self, score: f64, positive: f64, negative: f64) {
        // -0.0 and 0.0 are one score.
        let entry = self.at.entry((score + 0.0).to_bits()).or_default();
        entry.0 += positive;
        entry.1 += negative;
    }
}

impl Summary for Scores {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let doubles = columns[0].as_primitive_opt::<Float64Type>();
        let vectors = if doubles.is_none() {
            Some(VectorColumn::new(&columns[0])?)
        } else {
            None
        };
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        for row in 0..labels.len() {
            let score = match (&vectors, doubles) {
                (Some(vectors), _) => match vectors.get(row) {
                    Some(v) if v.size() == 2 => Some(v.at(1)),
                    Some(v) => {
                        return Err(SparkError::requirement(format!(
                            "rawPredictionCol vectors must have length=2, but got {} (column `{}`, row {row} of its batch)",
                            v.size(),
                            self.column
                        )));
                    }
                    None => None,
                },
                (None, Some(doubles)) => doubles.is_valid(row).then(|| doubles.value(row)),
                (None, None) => None,
            };
            let score = score.ok_or_else(|| invalid_value("Raw predictions MUST NOT be Null", &self.column, row))?;
            if labels.is_null(row) {
                return Err(invalid_value("Labels MUST NOT be Null or NaN", &self.label, row));
            }
            let weight = weights.get(row, &self.weight)?;
            let positive = labels.value(row) > 0.5;
            self.add(
                score,
                if positive { weight } else { 0.0 },
                if positive { 0.0 } else { weight },
            );
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        for ((score, positive), negative) in other.scores.iter().zip(other.positives).zip(other.negatives) {
            self.add(*score, positive, negative);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut state = State::default();
        for (score, (positive, negative)) in &self.at {
            state.scores.push(f64::from_bits(*score));
            state.positives.push(*positive);
            state.negatives.push(*negative);
        }
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.at.len() * 32
    }
}
