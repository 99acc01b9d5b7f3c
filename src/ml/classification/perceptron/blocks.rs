//! The error of a network over rows: the mean over blocks of rows of each block's mean, as Spark stacks rows.

use arrow::array::ArrayRef;
use prost::Message;

use super::network::Network;
use crate::error::{Result, SparkError};
use crate::ml::summary::Summary;
use crate::ml::summary::labels::{Allowed, Instances, Names};
use crate::ml::summary::loss::State;

/// Where the error is asked for.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The weights.
    #[prost(double, repeated, tag = "1")]
    pub weights: Vec<f64>,
}

/// Sums up blocks over (features, label).
#[derive(Debug)]
pub struct Blocks {
    names: Names,
    network: Network,
    /// How many rows make a block; the last of a partition has fewer.
    size: usize,
    weights: Vec<f64>,
    /// The blocks that are full, each of weight 1.
    full: State,
    /// The rows of the block that is not.
    open: State,
    /// What is used again from row to row.
    outputs: Vec<Vec<f64>>,
}

impl Blocks {
    /// Returns no blocks.
    pub fn new(names: Names, network: Network, size: usize, asked: Asked) -> Self {
        Self {
            full: State::new(asked.weights.len()),
            open: State::new(asked.weights.len()),
            weights: asked.weights,
            outputs: vec![],
            names,
            network,
            size,
        }
    }

    /// Returns the full blocks with the rows of the open one as another.
    fn closed(&self) -> State {
        let mut all = self.full.clone();
        let (rows, open) = (self.open.weight, &self.open);
        if rows > 0.0 {
            all.weight += 1.0;
            all.loss += open.loss / rows;
            let each = all.gradient.iter_mut().zip(&open.gradient);
            each.for_each(|(all, open)| *all += open / rows);
        }
        all
    }
}

impl Summary for Blocks {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let allowed = Allowed::Classes(self.network.classes() as i32);
        let rows = Instances::new(columns, allowed, &names)?;
        for row in 0..rows.len() {
            let (features, label, _) = rows.get(row)?;
            if features.size() != self.network.features() {
                return Err(SparkError::requirement(format!(
                    "the first layer has {} inputs, but a vector has {} features",
                    self.network.features(),
                    features.size()
                )));
            }
            let instance = (features, label as usize);
            let gradient = &mut self.open.gradient;
            let error = self
                .network
                .backward(&self.weights, instance, &mut self.outputs, gradient);
            self.open.loss += error;
            self.open.weight += 1.0;
            if self.open.weight as usize >= self.size {
                self.full = self.closed();
                self.open = State::new(self.weights.len());
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.full.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        self.closed().encode_to_vec()
    }

    fn bytes(&self) -> usize {
        1024 + self.weights.len() * 32
    }
}
