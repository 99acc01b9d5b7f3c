//! The rule by which a batch moves centres (`StreamingKMeansModel.update`).

use crate::error::Result;
use crate::ml::clustering::rows::Point;
use crate::ml::summary::labels::same_size;

/// A cluster whose weight is below this share of the largest one's is dying.
const DYING: f64 = 1e-8;
/// How far apart the halves of a split cluster are put, as a share of each number, or of 1 if that is more.
const APART: f64 = 1e-14;

/// Centres and what each weighs. The centres are of one size; there is a weight for each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clusters {
    /// By cluster.
    pub centres: Vec<Vec<f64>>,
    /// By cluster: how many rows it stands for, less what was forgotten.
    pub weights: Vec<f64>,
}

impl Clusters {
    /// Returns clusters.
    ///
    /// # Errors
    /// If there are not as many weights as centres.
    pub fn new(centres: Vec<Vec<f64>>, weights: Vec<f64>) -> Result<Self> {
        same_size(centres.len(), weights.len())?;
        Ok(Self { centres, weights })
    }

    /// Returns how many numbers a centre has.
    pub fn size(&self) -> usize {
        self.centres.first().map_or(0, Vec::len)
    }

    /// Multiplies all weights by `discount`, then moves each centre towards the mean of its rows, of which `sums` has the sum and the
    /// number. If the lightest cluster is dying, it becomes one half of the heaviest.
    pub fn update(&mut self, sums: &[Point], discount: f64) {
        self.weights.iter_mut().for_each(|w| *w *= discount);
        for ((centre, weight), sum) in self.centres.iter_mut().zip(&mut self.weights).zip(sums) {
            let rows = sum.weight;
            if rows == 0.0 {
                continue;
            }
            *weight += rows;
            let share = if *weight < 1e-16 { rows / 1e-16 } else { rows / *weight };
            for (x, sum) in centre.iter_mut().zip(&sum.values) {
                *x = *x * (1.0 - share) + share / rows * sum;
            }
        }
        self.split_the_heaviest();
    }

    /// Splits the heaviest cluster into two, one of them in the place of the lightest, if that is dying; of equal ones, the first counts.
    fn split_the_heaviest(&mut self) {
        let mut ends: Option<(usize, usize)> = None;
        for (i, weight) in self.weights.iter().enumerate() {
            let (lightest, heaviest) = ends.get_or_insert((i, i));
            if weight.total_cmp(&self.weights[*lightest]).is_lt() {
                *lightest = i;
            }
            if weight.total_cmp(&self.weights[*heaviest]).is_gt() {
                *heaviest = i;
            }
        }
        let Some((lightest, heaviest)) = ends else { return };
        let (least, most) = (self.weights[lightest], self.weights[heaviest]);
        if least >= DYING * most || least.is_nan() || most.is_nan() {
            return;
        }
        let half = (most + least) / 2.0;
        self.weights[lightest] = half;
        self.weights[heaviest] = half;
        let whole = self.centres[heaviest].clone();
        for (at, x) in whole.iter().enumerate() {
            let apart = APART * x.abs().max(1.0);
            self.centres[heaviest][at] = x + apart;
            self.centres[lightest][at] = x - apart;
        }
    }
}
