//! Summaries of points: samples of them, what they cost, and the sums of each cluster.

use arrow::array::ArrayRef;
use prost::Message;

use super::distance::Distance;
use super::rows::{Drawn, Point, Rows};
use crate::error::Result;
use crate::ml::sampling::Bernoulli;
use crate::ml::summary::labels::{Names, same_size};
use crate::ml::summary::{Summary, corrupt};
use crate::plan::functions::partition;
use crate::plan::functions::random::XorShift;
use crate::values::vector::VectorRef;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum What {
    /// How many rows there are, and of which size.
    Count = 0,
    /// A share of the rows.
    Sample = 1,
    /// What all rows cost at the centres.
    Cost = 2,
    /// Rows that are drawn by what they cost.
    Draw = 3,
    /// How many rows are nearest to each centre.
    Nearest = 4,
    /// The sums of the rows that are nearest to each centre.
    Sums = 5,
}

/// A question.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// What is asked.
    #[prost(enumeration = "What", tag = "1")]
    pub what: i32,
    /// The centres so far.
    #[prost(message, repeated, tag = "2")]
    pub centres: Vec<Point>,
    /// The share of a sample; for [`What::Draw`], what a row's cost is multiplied with.
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
    /// What rows cost, each by its weight where the question says so.
    #[prost(double, tag = "3")]
    pub cost: f64,
    /// Rows that were drawn, in their order.
    #[prost(message, required, tag = "4")]
    pub drawn: Drawn,
    /// By centre: the sum of its rows and their weight.
    #[prost(message, repeated, tag = "5")]
    pub sums: Vec<Point>,
}

/// Answers a question over (features) or (features, weight).
#[derive(Debug)]
pub struct Steps {
    names: Names,
    distance: Distance,
    asked: Asked,
    centres: Vec<Vec<f64>>,
    sample: Option<Bernoulli>,
    random: Option<XorShift>,
    state: State,
}

impl Steps {
    /// Returns an empty answer.
    pub fn new(names: Names, distance: Distance, asked: Asked) -> Self {
        let centres: Vec<Vec<f64>> = asked.centres.iter().map(|c| c.values.clone()).collect();
        let state = State {
            sums: centres.iter().map(|c| Point::zero(c.len())).collect(),
            ..State::default()
        };
        Self {
            names,
            distance,
            asked,
            centres,
            sample: None,
            random: None,
            state,
        }
    }

    fn add(&mut self, point: VectorRef<'_>, weight: f64) -> Result<()> {
        self.distance.check(point)?;
        let at = partition::current();
        match self.asked.what() {
            What::Count => {}
            What::Sample => {
                let Asked { share, seed, .. } = self.asked;
                let sample = self.sample.get_or_insert_with(|| Bernoulli::new(share, seed, at));
                if sample.takes_next() {
                    self.state.drawn.push(point, weight, 1)?;
                }
            }
            What::Cost => self.state.cost += self.distance.nearest(&self.centres, point).1,
            What::Draw => {
                let seed = self.asked.seed ^ at as i64;
                let random = self.random.get_or_insert_with(|| XorShift::new(seed));
                let drawn = random.double();
                if drawn < self.asked.share * self.distance.nearest(&self.centres, point).1 {
                    self.state.drawn.push(point, weight, 1)?;
                }
            }
            What::Nearest => {
                let (nearest, _) = self.distance.nearest(&self.centres, point);
                self.state.sums[nearest].weight += 1.0;
            }
            What::Sums => {
                let (nearest, cost) = self.distance.nearest(&self.centres, point);
                let scale = self.distance.scale(point) * weight;
                let sum = &mut self.state.sums[nearest];
                point.add_scaled(scale, &mut sum.values);
                sum.weight += weight;
                self.state.cost += cost * weight;
            }
        }
        Ok(())
    }
}

impl Summary for Steps {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Rows::new(columns, &names)?;
        let mut size = (self.state.rows > 0).then_some(self.state.size as usize);
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
        self.state.cost += other.cost;
        self.state.drawn.merge(other.drawn);
        self.state
            .sums
            .iter_mut()
            .zip(&other.sums)
            .for_each(|(own, other)| own.add(other));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let points = self.state.drawn.points.len() + self.state.sums.len() + self.centres.len();
        512 + points * (self.state.size as usize + 4) * 8
    }
}
