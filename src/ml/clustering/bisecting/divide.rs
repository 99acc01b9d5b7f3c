//! Summaries of the clusters that are divided: each row goes down the clusters so far, and is added to the one it comes to.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::{Result, SparkError};
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

/// A cluster on the way down.
#[derive(Debug)]
struct Node {
    index: i64,
    centre: Vec<f64>,
    /// Where the two parts are, as far as they have a centre.
    parts: [Option<usize>; 2],
    /// Whether it is asked for.
    is_wanted: bool,
    /// What it holds, after the first row.
    sums: Option<Sums>,
}

/// Answers a question over (features) or (features, weight).
#[derive(Debug)]
pub struct Divide {
    names: Names,
    distance: Distance,
    /// The cluster of all rows, and those that have a centre.
    nodes: Vec<Node>,
    size: Option<usize>,
    rows: i64,
}

impl Divide {
    /// Returns an empty answer.
    pub fn new(names: Names, distance: Distance, asked: &Asked) -> Self {
        let is_wanted = |index: i64| asked.divided.is_empty() || asked.divided.contains(&(index / 2));
        let node = |index: i64, centre: &[f64]| Node {
            index,
            centre: centre.to_vec(),
            parts: [None; 2],
            is_wanted: is_wanted(index),
            sums: None,
        };
        let mut nodes = vec![node(ROOT, &[])];
        nodes.extend(asked.centres.iter().map(|c| node(c.index, &c.at.values)));
        let places: BTreeMap<i64, usize> = nodes.iter().enumerate().map(|(at, n)| (n.index, at)).collect();
        for node in &mut nodes {
            node.parts = [0, 1].map(|part| places.get(&(2 * node.index + part)).copied());
        }
        Self {
            names,
            distance,
            nodes,
            size: None,
            rows: 0,
        }
    }

    /// Returns the place of the cluster that a point comes to.
    fn cluster(&self, point: VectorRef<'_>) -> usize {
        let mut at = 0;
        loop {
            let cost = |part: usize| self.distance.cost(&self.nodes[part].centre, point);
            at = match self.nodes[at].parts {
                [None, None] => return at,
                [Some(left), Some(right)] if cost(right) < cost(left) => right,
                [Some(only), _] | [None, Some(only)] => only,
            };
        }
    }

    fn sums(&mut self, at: usize) -> &mut Sums {
        let (size, node) = (self.size.unwrap_or_default(), &mut self.nodes[at]);
        node.sums.get_or_insert_with(|| Sums {
            index: node.index,
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
            let at = self.cluster(point);
            if !self.nodes[at].is_wanted {
                continue;
            }
            let scale = self.distance.scale(point) * weight;
            let sums = self.sums(at);
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
            let at = self.nodes.iter().position(|n| n.index == found.index);
            let own = self.sums(at.ok_or_else(|| SparkError::internal("the sums are of an unknown cluster"))?);
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
            clusters: self.nodes.iter().filter_map(|n| n.sums.clone()).collect(),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + 2 * self.nodes.len() * (self.size.unwrap_or_default() + 8) * 8
    }
}
