//! Samples of rows: which rows of a partition are taken, as Spark draws them.

use crate::plan::functions::random::XorShift;
use crate::values::java_random::JavaRandom;

/// Draws rows as Spark's `BernoulliSampler` does.
#[derive(Debug)]
pub struct Bernoulli {
    random: XorShift,
    share: f64,
    /// How many rows are left out before the next, if that is drawn in place of each row.
    gap: Option<u64>,
}

impl Bernoulli {
    /// Below this share, gaps are drawn.
    const GAPS: f64 = 0.4;

    /// Begins a partition of a sample: each has a seed of its own, from that of the sample (`PartitionwiseSampledRDD`).
    pub fn new(share: f64, seed: i64, partition: usize) -> Self {
        let mut seeds = JavaRandom::new(seed);
        let seed = (0..=partition).map(|_| seeds.long()).last();
        let mut own = Self {
            random: XorShift::new(seed.unwrap_or_default()),
            share,
            gap: None,
        };
        if share <= Self::GAPS {
            own.gap = Some(own.draw_gap());
        }
        own
    }

    fn draw_gap(&mut self) -> u64 {
        let drawn = self.random.double().max(5e-11);
        (drawn.ln() / (-self.share).ln_1p()) as u64
    }

    /// Draws whether the next row is taken.
    pub fn takes_next(&mut self) -> bool {
        match self.gap {
            _ if self.share >= 1.0 => true,
            None => self.random.double() <= self.share,
            Some(0) => {
                self.gap = Some(self.draw_gap());
                true
            }
            Some(left) => {
                self.gap = Some(left - 1);
                false
            }
        }
    }
}
