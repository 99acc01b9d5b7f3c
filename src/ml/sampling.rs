//! Samples of rows: which rows of a partition are taken, as Spark draws them.

use super::tree::bag::Draws;
use crate::plan::functions::random::XorShift;
use crate::values::java_random::JavaRandom;

/// Below this share, gaps between rows are drawn in place of rows.
const GAPS: f64 = 0.4;

/// Returns the seed of a partition of a sample, from that of the sample (`PartitionwiseSampledRDD`).
fn partition_seed(seed: i64, partition: usize) -> i64 {
    let mut seeds = JavaRandom::new(seed);
    (0..=partition).map(|_| seeds.long()).last().unwrap_or_default()
}

/// Puts drawn rows into the order in which `takeSample` returns them (`Utils.randomizeInPlace`).
pub fn shuffle<T>(rows: &mut [T], random: &mut JavaRandom) {
    for i in (1..rows.len()).rev() {
        let other = random.below(i as i32 + 1) as usize;
        rows.swap(i, other);
    }
}

/// Draws how often each row is taken, as Spark's `PoissonSampler` does.
#[derive(Debug)]
pub enum Poisson {
    /// Row after row.
    Rows(Draws),
    /// The gap before the next row that is taken, and then how often that is.
    Gaps {
        /// Draws both.
        random: XorShift,
        /// How often rows are taken, about.
        mean: f64,
        /// How many rows are left out before the next.
        left: u64,
    },
}

impl Poisson {
    /// Begins a partition of a sample that takes each row `mean` times, about.
    pub fn new(mean: f64, seed: i64, partition: usize) -> Self {
        let seed = partition_seed(seed, partition);
        if mean > GAPS {
            return Self::Rows(Draws::poisson(mean, seed));
        }
        let mut random = XorShift::new(seed);
        let left = Self::gap(&mut random, mean);
        Self::Gaps { random, mean, left }
    }

    fn gap(random: &mut XorShift, mean: f64) -> u64 {
        (random.double().max(5e-11).ln() / -mean) as u64
    }

    /// Draws how often the next row is taken.
    pub fn next_times(&mut self) -> u32 {
        match self {
            Self::Rows(draws) => draws.times(),
            Self::Gaps { left, .. } if *left > 0 => {
                *left -= 1;
                0
            }
            Self::Gaps { random, mean, left } => {
                // A number of the distribution that is known not to be 0.
                let none = (-*mean).exp();
                let mut product = none + (1.0 - none) * random.double();
                let mut times = 1;
                product *= random.double();
                while product > none {
                    times += 1;
                    product *= random.double();
                }
                *left = Self::gap(random, *mean);
                times
            }
        }
    }
}

/// Draws rows as Spark's `BernoulliSampler` does.
#[derive(Debug)]
pub struct Bernoulli {
    random: XorShift,
    share: f64,
    /// How many rows are left out before the next, if that is drawn in place of each row.
    gap: Option<u64>,
}

impl Bernoulli {
    /// Begins a partition of a sample: each has a seed of its own.
    pub fn new(share: f64, seed: i64, partition: usize) -> Self {
        let mut own = Self {
            random: XorShift::new(partition_seed(seed, partition)),
            share,
            gap: None,
        };
        if share <= GAPS {
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
