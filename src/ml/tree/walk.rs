//! Trees as rows of bins go through them: one after the other, and many whose predictions are added up.

use super::binned::Row;
use super::tally::{Boosted, Loss};
use super::{Node, Tree};

/// A tree as rows go through it.
#[derive(Debug)]
pub struct Walk {
    /// By place: the feature, the last bin that goes left, the left child (0 for a leaf), the right one. Of categories, the place of the
    /// first one in `left` is in the place of the last bin, marked.
    nodes: Vec<[u32; 4]>,
    /// Whether each category of each node goes left.
    left: Vec<bool>,
    /// By place: what it predicts.
    predictions: Vec<f64>,
}

impl Walk {
    /// Marks places in `left`: bins are fewer than 2³¹, for there are at most as many as rows and as `maxBins`.
    const CATEGORIES: u32 = 1 << 31;

    /// Returns a tree whose nodes decide by bins, for rows to go through.
    pub fn new(tree: &Tree) -> Self {
        let mut left = vec![];
        let mut limit = |node: &Node| {
            if node.categories == 0 {
                return node.left_values.first().map_or(0, |limit| *limit as u32);
            }
            let first = left.len();
            left.resize(first + node.categories as usize, false);
            let categories = node.left_values.iter().map(|category| first + *category as usize);
            categories.for_each(|place| left[place] = true);
            Self::CATEGORIES | first as u32
        };
        let nodes = tree.nodes.iter().map(|n| [n.feature, limit(n), n.left, n.right]);
        Self {
            nodes: nodes.collect(),
            left,
            predictions: tree.nodes.iter().map(|n| n.prediction).collect(),
        }
    }

    /// Returns the place of the leaf that a row comes to.
    pub fn leaf(&self, row: Row<'_>) -> usize {
        let mut at = 0;
        while let Some([feature, limit, left, right]) = self.nodes.get(at)
            && *left != 0
        {
            let bin = row.bin(*feature as usize);
            let goes_left = match limit & Self::CATEGORIES {
                0 => bin <= *limit,
                mark => self.left[((limit ^ mark) + bin) as usize],
            };
            at = if goes_left { *left } else { *right } as usize;
        }
        at
    }
}

/// The trees so far of a boosting, and what they lose.
#[derive(Debug)]
pub struct Sum {
    /// Each with what its prediction is multiplied with.
    trees: Vec<(Walk, f64)>,
    loss: Loss,
}

impl Sum {
    /// Returns trees whose nodes decide by bins; `None` if the loss is not known.
    pub fn of(boosted: &Boosted) -> Option<Self> {
        let trees = boosted.trees.iter().map(Walk::new).zip(boosted.weights.iter().copied());
        Some(Self {
            trees: trees.collect(),
            loss: Loss::of(boosted.loss)?,
        })
    }

    fn predicted(&self, row: Row<'_>) -> f64 {
        let each = self
            .trees
            .iter()
            .map(|(tree, weight)| weight * tree.predictions[tree.leaf(row)]);
        each.sum()
    }

    /// Returns what is left of a label, which the next tree is fitted to: all of it before the first tree.
    pub fn rest(&self, row: Row<'_>, label: f64) -> f64 {
        let label = self.loss.target(label);
        if self.trees.is_empty() {
            return label;
        }
        self.loss.rest(self.predicted(row), label)
    }

    /// Returns what the trees lose on a row.
    pub fn error(&self, row: Row<'_>, label: f64) -> f64 {
        self.loss.error(self.predicted(row), self.loss.target(label))
    }
}
