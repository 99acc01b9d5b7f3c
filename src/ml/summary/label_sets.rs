//! Sums over rows that have several labels each: what multi-label metrics are made of.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::Result;
use crate::ml::evaluation::ranking::values;

/// The sums.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of rows.
    #[prost(double, tag = "1")]
    pub rows: f64,
    /// Rows whose predictions are the labels, in their order.
    #[prost(double, tag = "2")]
    pub same: f64,
    /// Sum of the share of both in either.
    #[prost(double, tag = "3")]
    pub accuracy: f64,
    /// Labels and predictions that are not both.
    #[prost(double, tag = "4")]
    pub differing: f64,
    /// Sum of the share of predictions that are labels.
    #[prost(double, tag = "5")]
    pub precision: f64,
    /// Sum of the share of labels that are predicted.
    #[prost(double, tag = "6")]
    pub recall: f64,
    /// Sum of the harmonic means of both.
    #[prost(double, tag = "7")]
    pub f1: f64,
    /// Per label.
    #[prost(message, repeated, tag = "8")]
    pub labels: Vec<Label>,
}

/// How often a label was hit and missed.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Label {
    /// The label.
    #[prost(double, tag = "1")]
    pub label: f64,
    /// Rows that have it and were predicted to.
    #[prost(double, tag = "2")]
    pub hits: f64,
    /// Rows that were predicted to have it only.
    #[prost(double, tag = "3")]
    pub false_alarms: f64,
    /// Rows that have it only.
    #[prost(double, tag = "4")]
    pub misses: f64,
}

/// Sums over (predictions, labels), both lists of doubles (`MultilabelMetrics`); null lists are errors.
#[derive(Debug)]
pub struct LabelSets {
    /// Column of predictions in errors.
    prediction: String,
    /// Column of labels in errors.
    label: String,
    /// The sums so far, without those per label.
    state: State,
    /// Those per label, by its bits.
    labels: BTreeMap<u64, Label>,
}

impl LabelSets {
    /// Returns empty sums; errors name the columns.
    pub fn new(prediction: String, label: String) -> Self {
        Self {
            prediction,
            label,
            state: State::default(),
            labels: BTreeMap::new(),
        }
    }

    /// Returns what is counted of a label.
    fn of(&mut self, label: f64) -> &mut Label {
        let empty = Label {
            label,
            ..Label::default()
        };
        self.labels.entry(label.to_bits()).or_insert(empty)
    }

    /// Takes in one row.
    fn add(&mut self, found: &[f64], labels: &[f64]) {
        let mut missed = labels.to_vec();
        let mut both = 0.0;
        for prediction in found {
            match missed.iter().position(|l| l == prediction) {
                Some(at) => {
                    missed.remove(at);
                    both += 1.0;
                    self.of(*prediction).hits += 1.0;
                }
                None => self.of(*prediction).false_alarms += 1.0,
            }
        }
        for label in missed {
            self.of(label).misses += 1.0;
        }
        let (predictions, labelled) = (found.len() as f64, labels.len() as f64);
        let state = &mut self.state;
        state.rows += 1.0;
        state.same += f64::from(u8::from(found == labels));
        state.accuracy += both / (predictions + labelled - both);
        state.differing += predictions + labelled - 2.0 * both;
        state.precision += if found.is_empty() { 0.0 } else { both / predictions };
        state.recall += both / labelled;
        state.f1 += 2.0 * both / (predictions + labelled);
    }
}

impl Summary for LabelSets {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for row in 0..columns[0].len() {
            let found = values(&columns[0], row, &self.prediction)?;
            let labels = values(&columns[1], row, &self.label)?;
            self.add(&found, &labels);
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        let state = &mut self.state;
        state.rows += other.rows;
        state.same += other.same;
        state.accuracy += other.accuracy;
        state.differing += other.differing;
        state.precision += other.precision;
        state.recall += other.recall;
        state.f1 += other.f1;
        for label in other.labels {
            let known = self.of(label.label);
            known.hits += label.hits;
            known.false_alarms += label.false_alarms;
            known.misses += label.misses;
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut state = self.state.clone();
        state.labels = self.labels.values().copied().collect();
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.labels.len() * 64
    }
}
