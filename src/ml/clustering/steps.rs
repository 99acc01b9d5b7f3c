//! Summaries of points: samples of them, what they cost, and the sums of each cluster.

use arrow::array::ArrayRef;
use prost::Message;

use super::distance::Distance;
use crate::error::Result;
use crate::ml::error::invalid_value;
use crate::ml::sampling::Bernoulli;
use crate::ml::summary::labels::{Names, same_size};
use crate::ml::summary::{Summary, Weights, check_room, corrupt};
use crate::plan::functions::partition;
use crate::plan::functions::random::XorShift;
use crate::values::vector::{VectorColumn, VectorRef};

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

/// A point.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// Its values.
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
    /// Its weight.
    #[prost(double, tag = "2")]
    pub weight: f64,
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
    #[prost(message, repeated, tag = "4")]
    pub drawn: Vec<Point>,
    /// By centre: the sum of its rows and their weight.
    #[prost(message, repeated, tag = "5")]
    pub sums: Vec<Point>,
    /// The partition that drawn rows are of; after a merge, they are in the order of partitions.
    #[prost(uint64, repeated, tag = "6")]
    pub partitions: Vec<u64>,
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
            sums: centres
                .iter()
                .map(|c| Point {
                    values: vec![0.0; c.len()],
                    weight: 0.0,
                })
                .collect(),
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

    fn draw(&mut self, point: VectorRef<'_>, weight: f64) -> Result<()> {
        let drawn = self.state.drawn.len() + 1;
        check_room("A sample of rows", drawn.saturating_mul(point.size() + 4))?;
        self.state.drawn.push(Point {
            values: point.to_dense(),
            weight,
        });
        self.state.partitions.push(partition::current() as u64);
        Ok(())
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
                    self.draw(point, weight)?;
                }
            }
            What::Cost => self.state.cost += self.distance.nearest(&self.centres, point).1,
            What::Draw => {
                let seed = self.asked.seed ^ at as i64;
                let random = self.random.get_or_insert_with(|| XorShift::new(seed));
                let drawn = random.double();
                if drawn < self.asked.share * self.distance.nearest(&self.centres, point).1 {
                    self.draw(point, weight)?;
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
                point.stored().for_each(|(i, v)| sum.values[i] += scale * v);
                sum.weight += weight;
                self.state.cost += cost * weight;
            }
        }
        Ok(())
    }
}

impl Summary for Steps {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        let weights = Weights::new(columns.get(1));
        for row in 0..vectors.len() {
            let refuse = |message: String, names: &Names| invalid_value(message, &names.features, row);
            let weight = weights.get(row, &self.names.weight)?;
            let point = vectors.get(row);
            let point = point.ok_or_else(|| refuse("Vectors MUST NOT be Null".into(), &self.names))?;
            if !point.values().iter().all(|v| v.is_finite()) {
                let message = format!("Vector values MUST NOT be NaN or Infinity, but got {point}");
                return Err(refuse(message, &self.names));
            }
            if self.state.rows == 0 && self.state.size == 0 {
                self.state.size = point.size() as u64;
            }
            same_size(self.state.size as usize, point.size())?;
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
        // Drawn rows stay in the order of their partitions, whichever comes first.
        let first = other.partitions.first().copied().unwrap_or_default();
        let place = self.state.partitions.partition_point(|p| *p < first);
        self.state.partitions.splice(place..place, other.partitions);
        self.state.drawn.splice(place..place, other.drawn);
        for (own, other) in self.state.sums.iter_mut().zip(other.sums) {
            own.values.iter_mut().zip(other.values).for_each(|(a, b)| *a += b);
            own.weight += other.weight;
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let points = self.state.drawn.len() + self.state.sums.len() + self.centres.len();
        512 + points * (self.state.size as usize + 4) * 8
    }
}
