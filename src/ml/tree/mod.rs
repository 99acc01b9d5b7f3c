//! Decision trees: what a model of one or many is made of, how it predicts, and how it is grown.
//!
//! ```text
//! rows ─▶ [`splits`]: how each feature is cut into bins ─▶ [`binned`]: rows as numbers of bins
//!                                                       ▼
//!        [`grow`]: level after level, the best split of every open node, of the [`ways`] to split it ─▶ [`Tree`]s
//!                                                      └─ [`tally`]: what each bin of each feature holds, by node
//! ```
//!
//! As in Spark, a tree depends on nothing but the rows of each partition and the seed: which rows a tree takes how often ([`bag`]) is drawn by
//! partition.

pub mod bag;
pub mod binned;
pub mod debug;
pub mod grow;
pub mod impurity;
pub mod losses;
pub mod model;
pub mod splits;
pub mod stage;
pub mod stored;
pub mod tally;
pub mod validation;
pub mod walk;
pub mod ways;

use prost::Message;

use crate::values::vector::VectorRef;

/// A node: a decision, or a leaf if it has no children.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// What a leaf predicts, and what the node would predict.
    #[prost(double, tag = "1")]
    pub prediction: f64,
    /// How mixed its rows are.
    #[prost(double, tag = "2")]
    pub impurity: f64,
    /// Weights by class, or weight, sum and sum of squares of the labels.
    #[prost(double, repeated, tag = "3")]
    pub stats: Vec<f64>,
    /// How many rows, each as often as it was drawn.
    #[prost(int64, tag = "4")]
    pub raw_count: i64,
    /// How much less mixed the children are.
    #[prost(double, tag = "5")]
    pub gain: f64,
    /// The place of the left child; 0 for a leaf.
    #[prost(uint32, tag = "6")]
    pub left: u32,
    /// The place of the right child; 0 for a leaf.
    #[prost(uint32, tag = "7")]
    pub right: u32,
    /// The feature that decides.
    #[prost(uint32, tag = "8")]
    pub feature: u32,
    /// Values up to this go left; or the categories that do, ascending.
    #[prost(double, repeated, tag = "9")]
    pub left_values: Vec<f64>,
    /// How many categories the feature has; 0 for numbers.
    #[prost(uint32, tag = "10")]
    pub categories: u32,
}

impl Node {
    /// Returns whether nothing is decided here.
    pub fn is_leaf(&self) -> bool {
        self.left == 0
    }

    /// Returns whether a value of the feature goes left. What is not a category goes where more categories go, left if these are not more
    /// than half (`CategoricalSplit`).
    pub fn goes_left(&self, value: f64) -> bool {
        if self.categories == 0 {
            return value <= self.left_values[0];
        }
        let is_named = self
            .left_values
            .binary_search_by(|v| v.total_cmp(&(value + 0.0)))
            .is_ok();
        let is_category = value.fract() == 0.0 && (0.0..f64::from(self.categories)).contains(&value);
        is_named || !is_category && self.left_values.len() > self.categories as usize / 2
    }
}

/// A tree: the root first, children after their parents.
#[derive(Clone, PartialEq, Message)]
pub struct Tree {
    /// The nodes.
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Returns the place of the leaf that a vector comes to.
    pub fn leaf(&self, features: VectorRef<'_>) -> usize {
        self.leaf_by(|feature| features.at(feature))
    }

    /// Returns the stats of the leaf that a vector comes to.
    pub fn stats(&self, features: VectorRef<'_>) -> &[f64] {
        self.nodes.get(self.leaf(features)).map_or(&[], |leaf| &leaf.stats)
    }

    /// Returns the place of the leaf that a row of values comes to.
    pub fn leaf_of(&self, values: &[f64]) -> usize {
        self.leaf_by(|feature| values[feature])
    }

    fn leaf_by(&self, value: impl Fn(usize) -> f64) -> usize {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at).filter(|n| !n.is_leaf()) {
            let next = if node.goes_left(value(node.feature as usize)) {
                node.left
            } else {
                node.right
            };
            at = next as usize;
        }
        at
    }

    /// Returns how many decisions the longest way has.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().filter(|(_, n)| !n.is_leaf()) {
            depths[node.left as usize] = depths[i] + 1;
            depths[node.right as usize] = depths[i] + 1;
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// Returns the numbers of the leaves, from left to right, by place; nodes that decide have none.
    pub fn leaf_numbers(&self) -> Vec<f64> {
        let (mut numbers, mut next, mut todo) = (vec![f64::NAN; self.nodes.len()], 0.0, vec![0]);
        while let Some(at) = todo.pop() {
            match self.nodes.get(at) {
                Some(node) if node.is_leaf() => {
                    numbers[at] = next;
                    next += 1.0;
                }
                Some(node) => todo.extend([node.right as usize, node.left as usize]),
                None => {}
            }
        }
        numbers
    }

    /// Returns the nodes in the order in which Spark saves them: a node, all under its left child, all under its right one.
    #[must_use]
    pub fn in_order(&self) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        // (place here, the parent's place there, whether it is its left child)
        let mut todo: Vec<(usize, Option<(usize, bool)>)> = vec![(0, None)];
        while let Some((at, parent)) = todo.pop() {
            let place = nodes.len();
            match parent {
                Some((parent, true)) => nodes[parent].left = place as u32,
                Some((parent, false)) => nodes[parent].right = place as u32,
                None => {}
            }
            let Some(node) = self.nodes.get(at) else { break };
            nodes.push(node.clone());
            if !node.is_leaf() {
                todo.push((node.right as usize, Some((place, false))));
                todo.push((node.left as usize, Some((place, true))));
            }
        }
        Self { nodes }
    }

    /// Returns the gain of each feature, weighted by the rows of its nodes.
    fn gains(&self, features: usize, weight: impl Fn(&Node) -> f64) -> Vec<f64> {
        let mut own = vec![0.0; features];
        for node in self.nodes.iter().filter(|n| !n.is_leaf()) {
            if let Some(sum) = own.get_mut(node.feature as usize) {
                *sum += node.gain * weight(node);
            }
        }
        own
    }
}

/// Makes numbers shares of one, if they are above 0 in sum.
fn normalize(numbers: &mut [f64]) {
    let total: f64 = numbers.iter().sum();
    if total > 0.0 {
        numbers.iter_mut().for_each(|number| *number /= total);
    }
}

/// Returns how much each feature decides in all trees, as shares of one (`TreeEnsembleModel.featureImportances`); each tree
/// counts alike if `alike`, else by its gains.
pub fn importances(trees: &[Tree], features: usize, alike: bool, weight: impl Fn(&Node) -> f64) -> Vec<f64> {
    let mut all = vec![0.0; features];
    for tree in trees {
        let mut own = tree.gains(features, &weight);
        if alike {
            normalize(&mut own);
        }
        all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
    }
    normalize(&mut all);
    all
}
