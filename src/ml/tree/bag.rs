//! Which rows a tree takes, and how often (`BaggedPoint`), drawn by partition from the seed.

use prost::Message;

use crate::plan::functions::random::XorShift;
use crate::values::well::Poisson;

/// How rows are drawn for each tree.
#[derive(Clone, PartialEq, Message)]
pub struct Sampling {
    /// How many trees.
    #[prost(uint32, tag = "1")]
    pub trees: u32,
    /// The share of the rows that a tree takes, about.
    #[prost(double, tag = "2")]
    pub rate: f64,
    /// Whether a row may be taken several times.
    #[prost(bool, tag = "3")]
    pub replacement: bool,
    /// The seed.
    #[prost(int64, tag = "4")]
    pub seed: i64,
}

/// Draws row after row of a partition.
#[derive(Debug)]
pub enum Draws {
    /// Each row once.
    All,
    /// By a Poisson distribution.
    Poisson(Box<Poisson>),
    /// Once or not at all.
    Share(Box<XorShift>, f64),
}

impl Draws {
    /// Begins a partition.
    pub fn new(sampling: &Sampling, partition: usize) -> Self {
        let seed = sampling.seed.wrapping_add(partition as i64).wrapping_add(1);
        match (sampling.replacement, sampling.rate) {
            (true, mean) => Self::poisson(mean, seed),
            (false, 1.0) => Self::All,
            (false, rate) => Self::Share(Box::new(XorShift::new(seed)), rate),
        }
    }

    /// Returns draws of a Poisson distribution.
    pub fn poisson(mean: f64, seed: i64) -> Self {
        Self::Poisson(Box::new(Poisson::new(mean, seed)))
    }

    /// Draws how often a tree takes the next row.
    pub fn times(&mut self) -> u32 {
        match self {
            Self::All => 1,
            Self::Share(random, rate) => u32::from(random.double() < *rate),
            Self::Poisson(numbers) => numbers.draw(),
        }
    }
}
