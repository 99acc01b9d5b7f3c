//! Summaries of rows for growing trees: values of features, and what each bin of each feature of an open node holds.
//!
//! Values are looked at once; from then on rows are the numbers of their bins ([`super::binned`]).

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::Tree;
use super::bag::{Draws, Sampling};
use super::binned::Rows;
use super::impurity::Impurity;
use super::walk::{Sum, Walk};
use crate::error::Result;
use crate::ml::sampling::Bernoulli;
use crate::ml::summary::labels::{Allowed, Instances, Names, same_size};
use crate::ml::summary::{Summary, Weights, corrupt};
use crate::plan::functions::partition;

/// How the values of a feature are put into bins: by thresholds, or one bin per category.
#[derive(Clone, PartialEq, Message)]
pub struct Cut {
    /// Ascending; a number goes into the bin of the first threshold that it does not exceed.
    #[prost(double, repeated, tag = "1")]
    pub thresholds: Vec<f64>,
    /// How many categories there are, whose indices are the values; 0 for numbers.
    #[prost(uint32, tag = "2")]
    pub categories: u32,
}

impl Cut {
    /// Returns how many bins there are.
    pub fn bins(&self) -> usize {
        match self.categories {
            0 => self.thresholds.len() + 1,
            categories => categories as usize,
        }
    }

    /// Returns the bin of a value; `None` if it is not the index of a category, and numbers are not what is expected.
    pub fn bin(&self, value: f64) -> Option<u32> {
        match self.categories {
            0 => Some(self.thresholds.partition_point(|t| *t < value) as u32),
            categories => (value >= 0.0 && value < f64::from(categories)).then_some(value as u32),
        }
    }
}

/// An open node of a tree.
#[derive(Clone, PartialEq, Message)]
pub struct Open {
    /// Which tree.
    #[prost(uint32, tag = "1")]
    pub tree: u32,
    /// The node's place in it.
    #[prost(uint32, tag = "2")]
    pub node: u32,
    /// The features that may decide, ascending; empty for all.
    #[prost(uint32, repeated, tag = "3")]
    pub features: Vec<u32>,
}

/// What labels are made of: for boosting, what is left of them after the trees so far.
#[derive(Clone, PartialEq, Message)]
pub struct Boosted {
    /// The trees so far, whose nodes decide by bins; none for the labels themselves.
    #[prost(message, repeated, tag = "1")]
    pub trees: Vec<Tree>,
    /// What each tree's prediction is multiplied with.
    #[prost(double, repeated, tag = "2")]
    pub weights: Vec<f64>,
    /// Which loss: see [`Loss`].
    #[prost(uint32, tag = "3")]
    pub loss: u32,
}

/// A loss whose gradient trees are fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Of classes -1 and 1 (`LogLoss`).
    Logistic = 1,
    /// Squared errors.
    Squared = 2,
    /// Absolute errors.
    Absolute = 3,
}

impl Loss {
    /// Returns the loss of a number; `None` if it is not one.
    pub fn of(number: u32) -> Option<Self> {
        [Self::Logistic, Self::Squared, Self::Absolute]
            .into_iter()
            .find(|l| *l as u32 == number)
    }

    /// Returns what a label stands for: -1 and 1 are the classes 0 and 1.
    pub fn target(self, label: f64) -> f64 {
        if self == Self::Logistic {
            label * 2.0 - 1.0
        } else {
            label
        }
    }

    /// Returns minus the gradient at a prediction: what the next tree is fitted to.
    pub fn rest(self, prediction: f64, label: f64) -> f64 {
        match self {
            Self::Logistic => 4.0 * label / (1.0 + (2.0 * label * prediction).exp()),
            Self::Squared => 2.0 * (label - prediction),
            Self::Absolute if label - prediction < 0.0 => -1.0,
            Self::Absolute => 1.0,
        }
    }

    /// Returns the loss of a prediction.
    pub fn error(self, prediction: f64, label: f64) -> f64 {
        match self {
            Self::Logistic => {
                let margin = -2.0 * label * prediction;
                // ln(1 + eˣ) without overflow, twice.
                2.0 * if margin > 0.0 {
                    margin + (-margin).exp().ln_1p()
                } else {
                    margin.exp().ln_1p()
                }
            }
            Self::Squared => (label - prediction) * (label - prediction),
            Self::Absolute => (label - prediction).abs(),
        }
    }
}

/// Where a learner is in its training, and so what it asks.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// 0: moments of the columns; 1: values of features; 2: bins of open nodes, of rows whose features are numbers of bins; 3: the loss of
    /// the trees so far on such rows, of those for validation; 4: as 0, of rows for validation.
    #[prost(uint32, tag = "1")]
    pub step: u32,
    /// The share of rows whose values are wanted.
    #[prost(double, tag = "2")]
    pub share: f64,
    /// The seed by which these rows are drawn.
    #[prost(int64, tag = "3")]
    pub seed: i64,
    /// How many bins each feature has.
    #[prost(uint32, repeated, tag = "4")]
    pub bins: Vec<u32>,
    /// The trees as they are; nodes decide by bins.
    #[prost(message, repeated, tag = "5")]
    pub trees: Vec<Tree>,
    /// The nodes whose bins are wanted.
    #[prost(message, repeated, tag = "6")]
    pub open: Vec<Open>,
    /// How rows are drawn.
    #[prost(message, optional, tag = "7")]
    pub sampling: Option<Sampling>,
    /// What labels are.
    #[prost(message, optional, tag = "8")]
    pub boosted: Option<Boosted>,
    /// How many classes there are.
    #[prost(uint32, tag = "9")]
    pub classes: u32,
}

/// How much each value of a feature weighs.
#[derive(Clone, PartialEq, Message)]
pub struct Values {
    /// Values that are not 0, ascending.
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
    /// How much each weighs.
    #[prost(double, repeated, tag = "2")]
    pub weights: Vec<f64>,
    /// How many rows they are of.
    #[prost(uint64, tag = "3")]
    pub rows: u64,
}

/// The values of all features.
#[derive(Clone, PartialEq, Message)]
pub struct AllValues {
    /// By feature.
    #[prost(message, repeated, tag = "1")]
    pub features: Vec<Values>,
}

/// Collects the values of features, of all rows or a share.
#[derive(Debug)]
pub struct ValuesOf {
    names: Names,
    allowed: Allowed,
    share: f64,
    seed: i64,
    draws: Option<Bernoulli>,
    /// By feature: weights by the order-preserving bits of the value, and how many rows.
    features: Vec<(BTreeMap<i64, f64>, u64)>,
}

/// Returns an integer in the order of doubles; -0 and 0 are one.
fn key(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// Returns the double of [`key`].
fn of_key(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

impl ValuesOf {
    /// Returns an empty summary.
    pub fn new(names: Names, allowed: Allowed, asked: &Asked) -> Self {
        Self {
            names,
            allowed,
            share: asked.share,
            seed: asked.seed,
            draws: None,
            features: vec![],
        }
    }

    fn resize(&mut self, size: usize) -> Result<()> {
        if self.features.is_empty() {
            self.features.resize(size, (BTreeMap::new(), 0));
        }
        same_size(self.features.len(), size)
    }
}

impl Summary for ValuesOf {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, self.allowed, &names)?;
        let (share, seed) = (self.share, self.seed);
        let draws = self
            .draws
            .get_or_insert_with(|| Bernoulli::new(share, seed, partition::current()));
        let taken: Vec<bool> = (0..rows.len()).map(|_| draws.takes_next()).collect();
        for row in (0..rows.len()).filter(|row| taken[*row]) {
            let (features, _, weight) = rows.get(row)?;
            self.resize(features.size())?;
            for (i, value) in features.nonzero() {
                let (values, count) = &mut self.features[i];
                *values.entry(key(value)).or_default() += weight;
                *count += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = AllValues::decode(state).map_err(|e| corrupt(&e))?;
        if other.features.is_empty() {
            return Ok(());
        }
        self.resize(other.features.len())?;
        for ((own, count), other) in self.features.iter_mut().zip(other.features) {
            *count += other.rows;
            for (value, weight) in other.values.iter().zip(other.weights) {
                *own.entry(key(*value)).or_default() += weight;
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let features = self.features.iter().map(|(values, rows)| Values {
            values: values.keys().map(|k| of_key(*k)).collect(),
            weights: values.values().copied().collect(),
            rows: *rows,
        });
        let all = AllValues {
            features: features.collect(),
        };
        all.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.features.iter().map(|(v, _)| 64 + v.len() * 24).sum::<usize>()
    }
}

/// What the bins of open nodes hold.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Node after node, feature after feature, bin after bin: the impurity's numbers and the number of rows.
    #[prost(double, repeated, tag = "1")]
    pub bins: Vec<f64>,
}

/// Where the bins of open nodes are in [`State::bins`].
#[derive(Debug)]
pub struct Layout {
    /// By node: its features, and where each one's bins begin.
    pub nodes: Vec<Vec<(usize, usize)>>,
    /// How many numbers a bin has.
    pub width: usize,
    /// How many numbers there are.
    pub size: usize,
}

impl Layout {
    /// Returns the layout of the bins of a question.
    pub fn new(asked: &Asked, impurity: Impurity) -> Self {
        let width = impurity.width(asked.classes as usize) + 1;
        let mut size = 0;
        let nodes = asked.open.iter().map(|open| {
            let all: Vec<usize> = if open.features.is_empty() {
                (0..asked.bins.len()).collect()
            } else {
                open.features.iter().map(|f| *f as usize).collect()
            };
            let at = all.into_iter().map(|feature| {
                let begin = size;
                size += asked.bins[feature] as usize * width;
                (feature, begin)
            });
            at.collect()
        });
        let nodes = nodes.collect();
        Self { nodes, width, size }
    }
}

/// Sums up the bins of open nodes.
#[derive(Debug)]
pub struct Tally {
    names: Names,
    impurity: Impurity,
    asked: Asked,
    layout: Layout,
    trees: Vec<Walk>,
    /// What labels are what is left of, if not the labels themselves.
    boosted: Option<Sum>,
    /// By tree and place: the open node's number, if the node is open.
    open: Vec<Vec<Option<usize>>>,
    draws: Option<Draws>,
    bins: Vec<f64>,
}

impl Tally {
    /// Returns empty bins.
    pub fn new(names: Names, impurity: Impurity, asked: Asked) -> Self {
        let layout = Layout::new(&asked, impurity);
        let mut open: Vec<Vec<Option<usize>>> = asked.trees.iter().map(|t| vec![None; t.nodes.len()]).collect();
        for (number, of) in asked.open.iter().enumerate() {
            let place = open
                .get_mut(of.tree as usize)
                .and_then(|tree| tree.get_mut(of.node as usize));
            place.into_iter().for_each(|place| *place = Some(number));
        }
        let boosted = asked.boosted.as_ref().and_then(Sum::of);
        Self {
            names,
            impurity,
            trees: asked.trees.iter().map(Walk::new).collect(),
            boosted,
            open,
            draws: None,
            bins: vec![0.0; layout.size],
            layout,
            asked,
        }
    }
}

impl Summary for Tally {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = Rows::new(&columns[0], self.asked.bins.len())?;
        let labels = columns[1].as_primitive::<Float64Type>();
        let weights = Weights::new(columns.get(2));
        let sampling = self.asked.sampling.clone().unwrap_or_default();
        let mut draws = match self.draws.take() {
            Some(draws) => draws,
            None => Draws::new(&sampling, partition::current()),
        };
        for at in 0..rows.len() {
            let (row, weight) = (rows.get(at), weights.get(at, &self.names.weight)?);
            let label = match &self.boosted {
                Some(sum) => sum.rest(row, labels.value(at)),
                None => labels.value(at),
            };
            for (tree, open) in self.trees.iter().zip(&self.open) {
                let times = draws.times();
                if times == 0 {
                    continue;
                }
                let Some(node) = open[tree.leaf(row)] else {
                    continue;
                };
                let weight = weight * f64::from(times);
                for (feature, begin) in &self.layout.nodes[node] {
                    let at = begin + row.bin(*feature) as usize * self.layout.width;
                    let bin = &mut self.bins[at..at + self.layout.width];
                    let (stats, count) = bin.split_at_mut(self.layout.width - 1);
                    self.impurity.add(stats, label, weight);
                    count[0] += f64::from(times);
                }
            }
        }
        self.draws = Some(draws);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        same_size(self.bins.len(), other.bins.len())?;
        self.bins.iter_mut().zip(other.bins).for_each(|(a, b)| *a += b);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let state = State {
            bins: self.bins.clone(),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.bins.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_the_numbers() {
        let values = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(values.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(values.iter().all(|v| of_key(key(*v)) == *v));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn what_is_left_of_a_label_is_minus_the_derivative_of_the_loss() {
        for loss in [Loss::Logistic, Loss::Squared] {
            for (prediction, label) in [(0.3, 1.0), (-1.2, -1.0), (2.0, -1.0)] {
                let slope = (loss.error(prediction + 1e-6, label) - loss.error(prediction - 1e-6, label)) / 2e-6;
                assert!((slope + loss.rest(prediction, label)).abs() < 1e-6, "{loss:?}");
            }
        }
    }
}
