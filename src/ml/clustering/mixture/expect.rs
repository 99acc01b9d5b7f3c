//! What one step of expectation and maximisation sums up over the rows (`ExpectationAggregator`), and the rows it begins with.

use std::sync::Arc;

use arrow::array::ArrayRef;
use prost::Message;

use super::density::{Density, packed, shares};
use crate::error::Result;
use crate::ml::clustering::rows::{Drawn, Rows};
use crate::ml::error::illegal;
use crate::ml::sampling::Poisson;
use crate::ml::summary::labels::{Names, same_size};
use crate::ml::summary::{Summary, corrupt};
use crate::plan::functions::partition;
use crate::values::vector::VectorRef;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum What {
    /// How many rows there are, and of which size.
    Count = 0,
    /// Rows, each as often as it is drawn.
    Sample = 1,
    /// The sums of a step.
    Step = 2,
}

/// A normal distribution of a mixture.
#[derive(Clone, PartialEq, Message)]
pub struct Part {
    /// How much of all it is; in an answer, the sum of its shares of the rows.
    #[prost(double, tag = "1")]
    pub weight: f64,
    /// The mean; in an answer, the sum of the rows.
    #[prost(double, repeated, tag = "2")]
    pub mean: Vec<f64>,
    /// The upper triangle of the covariance, column after column; in an answer, the sum of products.
    #[prost(double, repeated, tag = "3")]
    pub covariance: Vec<f64>,
}

impl Part {
    /// Returns an empty part of a number of features.
    pub fn empty(size: usize) -> Self {
        Self {
            weight: 0.0,
            mean: vec![0.0; size],
            covariance: vec![0.0; size * (size + 1) / 2],
        }
    }

    /// Adds `weight` times a point to the sums.
    fn add(&mut self, point: VectorRef<'_>, weight: f64) {
        self.weight += weight;
        for (j, x) in point.stored() {
            let scaled = weight * x;
            self.mean[j] += scaled;
            for (i, y) in point.stored().take_while(|(i, _)| *i <= j) {
                self.covariance[packed(i, j)] += scaled * y;
            }
        }
    }
}

/// A question.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// What is asked.
    #[prost(enumeration = "What", tag = "1")]
    pub what: i32,
    /// The mixture so far.
    #[prost(message, repeated, tag = "2")]
    pub parts: Vec<Part>,
    /// How often each row is drawn, about.
    #[prost(double, tag = "3")]
    pub share: f64,
    /// The seed of draws.
    #[prost(int64, tag = "4")]
    pub seed: i64,
}

/// An answer.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of rows.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// Number of features.
    #[prost(uint64, tag = "2")]
    pub size: u64,
    /// The logarithm of how probable the rows are.
    #[prost(double, tag = "3")]
    pub likelihood: f64,
    /// Rows that were drawn, in their order.
    #[prost(message, required, tag = "4")]
    pub drawn: Drawn,
    /// The sums of each part.
    #[prost(message, repeated, tag = "6")]
    pub parts: Vec<Part>,
}

/// Returns the densities of a mixture.
///
/// # Errors
/// If a covariance is not finite.
pub(super) fn densities(parts: &[Part]) -> Result<Vec<Density>> {
    let density = |part: &Part| {
        Density::new(&part.mean, &part.covariance)
            .ok_or_else(|| illegal("A covariance matrix of the mixture is not finite: it has no eigenvalues."))
    };
    parts.iter().map(density).collect()
}

/// Answers a question over (features) or (features, weight).
#[derive(Debug)]
pub struct Expect {
    names: Names,
    asked: Asked,
    densities: Arc<Vec<Density>>,
    weights: Vec<f64>,
    draws: Option<Poisson>,
    shares: Vec<f64>,
    scratch: Vec<f64>,
    state: State,
}

impl Expect {
    /// Returns an empty answer; the densities are those of the question's parts.
    pub(super) fn new(names: Names, asked: Asked, densities: Arc<Vec<Density>>) -> Self {
        Self {
            names,
            densities,
            weights: asked.parts.iter().map(|p| p.weight).collect(),
            draws: None,
            shares: vec![],
            scratch: vec![],
            state: State {
                parts: asked.parts.iter().map(|p| Part::empty(p.mean.len())).collect(),
                ..State::default()
            },
            asked,
        }
    }

    fn add(&mut self, point: VectorRef<'_>, weight: f64) -> Result<()> {
        match self.asked.what() {
            What::Count => {}
            What::Sample => {
                let (at, share, seed) = (partition::current(), self.asked.share, self.asked.seed);
                let draws = self.draws.get_or_insert_with(|| Poisson::new(share, seed, at));
                let times = draws.next_times() as usize;
                self.state.drawn.push(point, weight, times)?;
            }
            What::Step => {
                let Self {
                    shares: out, scratch, ..
                } = self;
                let sum = shares(&self.densities, &self.weights, point, out, scratch);
                self.state.likelihood += sum.ln() * weight;
                for (part, share) in self.state.parts.iter_mut().zip(&self.shares) {
                    part.add(point, share * weight);
                }
            }
        }
        Ok(())
    }
}

impl Summary for Expect {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Rows::new(columns, &names)?;
        // The mixture says how many features there are, and else the first row.
        let of_parts = self.asked.parts.first().map(|part| part.mean.len());
        let mut size = of_parts.or((self.state.rows > 0).then_some(self.state.size as usize));
        for row in 0..rows.len() {
            let (point, weight) = rows.get(row, &mut size)?;
            self.state.size = point.size() as u64;
            self.state.rows += 1;
            self.add(point, weight)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.rows == 0 {
            return Ok(());
        }
        if self.state.rows == 0 {
            self.state.size = other.size;
        }
        same_size(self.state.size as usize, other.size as usize)?;
        self.state.rows += other.rows;
        self.state.likelihood += other.likelihood;
        self.state.drawn.merge(other.drawn);
        for (own, other) in self.state.parts.iter_mut().zip(other.parts) {
            own.weight += other.weight;
            own.mean.iter_mut().zip(other.mean).for_each(|(a, b)| *a += b);
            own.covariance
                .iter_mut()
                .zip(other.covariance)
                .for_each(|(a, b)| *a += b);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let size = self.state.size as usize;
        512 + self.state.drawn.points.len() * (size + 4) * 8 + self.state.parts.len() * 3 * (size + 1) * (size + 1) * 8
    }
}
