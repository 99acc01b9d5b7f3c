//! How mixed the rows of a node are, from sums over them: Gini, entropy, variance.

use crate::error::Result;
use crate::ml::params::Params;
use crate::values::vector::VectorRef;

/// Which measure (`impurity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impurity {
    /// The chance that two rows are of two classes.
    Gini,
    /// The bits that say a row's class.
    Entropy,
    /// The variance of the labels.
    Variance,
}

impl Impurity {
    /// Returns the measure that `impurity` names.
    ///
    /// # Errors
    /// If the param is not a string.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(match params.text("impurity")?.as_str() {
            "gini" => Self::Gini,
            "entropy" => Self::Entropy,
            _ => Self::Variance,
        })
    }

    /// Returns the weight of the rows.
    pub fn count(self, stats: &[f64]) -> f64 {
        match self {
            Self::Variance => stats[0],
            _ => stats.iter().sum(),
        }
    }

    /// Returns how mixed the rows are; 0 for none.
    pub fn of_stats(self, stats: &[f64]) -> f64 {
        let total = self.count(stats);
        if total == 0.0 {
            return 0.0;
        }
        let shares = || stats.iter().map(|s| s / total);
        match self {
            Self::Gini => shares().fold(1.0, |left, share| left - share * share),
            Self::Entropy => {
                let bits = shares().filter(|s| *s != 0.0).map(|s| s * (s.ln() / 2f64.ln()));
                bits.fold(0.0, |sum, bits| sum - bits)
            }
            Self::Variance => (stats[2] - stats[1] * stats[1] / total) / total,
        }
    }

    /// Returns what a leaf of such rows predicts: the class with the most weight, or the mean label.
    pub fn predict(self, stats: &[f64]) -> f64 {
        match self {
            Self::Variance if stats[0] == 0.0 => 0.0,
            Self::Variance => stats[1] / stats[0],
            _ => VectorRef::Dense(stats).argmax() as f64,
        }
    }

    /// Returns how many numbers the stats of a node have.
    pub fn width(self, classes: usize) -> usize {
        if self == Self::Variance { 3 } else { classes }
    }

    /// Adds a row of a weight to stats.
    pub fn add(self, stats: &mut [f64], label: f64, weight: f64) {
        if self == Self::Variance {
            stats[0] += weight;
            stats[1] += weight * label;
            stats[2] += weight * label * label;
        } else {
            stats[label as usize] += weight;
        }
    }
}
