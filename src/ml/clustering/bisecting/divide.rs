//! Summaries of the clusters that are divided: each row goes down the clusters so far, and is added to the one it comes to.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::Result;
use crate::ml::clustering::distance::Distance;
use crate::ml::clustering::rows::{Point, Rows};
use crate::ml::summary::labels::{Names, same_size};
use crate::ml::summary::{Summary, corrupt};
use crate::values::vector::VectorRef;

/// The number of the cluster of all rows; those of the parts of cluster i are 2i and 2i + 1.
pub(super) const ROOT: i64 = 1;

/// A centre of a cluster.
#[derive(Clone, PartialEq, Message)]
pub struct Centre {
    /// The cluster's number.
    #[prost(int64, tag = "1")]
    pub index: i64,
    /// The centre.
    #[prost(message, required, tag = "2")]
    pub at: Point,
}

/// A question: what do the clusters hold whose number is one of two children of `divided`?
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// Where rows go down.
    #[prost(message, repeated, tag = "1")]
    pub centres: Vec<Centre>,
    /// The clusters that are divided; none for the sums of all rows.
    #[prost(int64, repeated, tag = "2")]
    pub divided: Vec<i64>,
}

/// What a cluster holds.
#[derive(Clone, PartialEq, Message)]
pub struct Sums {
    /// The cluster's number.
    #[prost(int64, tag = "1")]
    pub index: i64,
    /// How many rows.
    #[prost(int64, tag = "2")]
    pub rows: i64,
    /// The sum of the rows, each as the measure takes it, and of their weights.
    #[prost(message, required, tag = "3")]
    pub sum: Point,
    /// The sum of their squared lengths.
    #[prost(double, tag = "4")]
    pub squares: f64,
}

/// An answer.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of features.
    #[prost(uint64, tag = "1")]
    pub size: u64,
    /// Number of rows.
    #[prost(int64, tag = "2")]
    pub rows: i64,
    /// By number.
    #[prost(message, repeated, tag = "3")]
    pub clusters: Vec<Sums>,
}

/// Answers a question over (features) or (features, weight).
#[derive(Debug)]
pub struct Divide {
    names: Names,
    distance: Distance,
    centres: BTreeMap<i64, Vec<f64>>,
    divided: Vec<i64>,
    size: Option<usize>,
    rows: i64,
    clusters: BTreeMap<i64, Sums>,
}

impl Divide {
    /// Returns an empty answer.
    pub fn new(names: Names, distance: Distance, asked: &Asked) -> Self {
        let mut divided = asked.divided.clone();
        divided.sort_unstable();
        Self {
            names,
            distance,
            centres: asked.centres.iter().map(|c| (c.index, c.at.values.clone())).collect(),
            divided,
            size: None,
            rows: 0,
            clusters: BTreeMap::new(),
        }
    }

    /// Returns the cluster that a point comes to.
    fn cluster(&self, point: VectorRef<'_>) -> i64 {
        let mut at = ROOT;
        loop {
            let cost = |child: i64| self.centres.get(&child).map(|c| (child, self.distance.cost(c, point)));
            at = match (cost(2 * at), cost(2 * at + 1)) {
                (None, None) => return at,
                (Some((left, near)), Some((right, far))) => {
                    if far < near {
                        right
                    } else {
                        left
                    }
                }
                (Some((only, _)), None) | (None, Some((only, _))) => only,
            };
        }
    }

    fn sums(&mut self, index: i64) -> &mut Sums {
        let size = self.size.unwrap_or_default();
        self.clusters.entry(index).or_insert_with(|| Sums {
            index,
            sum: Point::zero(size),
            ..Sums::default()
        })
    }
}

impl Summary for Divide {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Rows::new(columns, &names)?;
        for row in 0..rows.len() {
            let (point, weight) = rows.get(row, &mut self.size)?;
            self.distance.check(point)?;
            self.rows += 1;
            let index = self.cluster(point);
            if !self.divided.is_empty() && self.divided.binary_search(&(index / 2)).is_err() {
                continue;
            }
            let scale = self.distance.scale(point) * weight;
            let sums = self.sums(index);
            sums.rows += 1;
            sums.sum.weight += weight;
            for (i, value) in point.stored() {
                sums.sum.values[i] += scale * value;
            }
            sums.squares += point.stored().map(|(_, v)| v * v).sum::<f64>() * weight;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.rows == 0 {
            return Ok(());
        }
        let size = other.size as usize;
        same_size(*self.size.get_or_insert(size), size)?;
        self.rows += other.rows;
        for found in other.clusters {
            let own = self.sums(found.index);
            own.rows += found.rows;
            own.squares += found.squares;
            own.sum.add(&found.sum);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let state = State {
            size: self.size.unwrap_or_default() as u64,
            rows: self.rows,
            clusters: self.clusters.values().cloned().collect(),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + (self.clusters.len() + self.centres.len()) * (self.size.unwrap_or_default() + 8) * 8
    }
}
