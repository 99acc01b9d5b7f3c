//! The library's algorithms, one file each: how the state of a partition begins, what other partitions get to know of it,
//! and what a superstep makes of it.
//!
//! All are synchronous, as GraphX's Pregel is: a superstep sees the values before it, so the result is the same in any
//! partitioning (to the order of additions).

mod components;
mod degrees;
mod factors;
mod labels;
mod paths;
mod personalized;
mod rank;
mod rank_until;
mod strong;
mod triangles;

use serde::{Deserialize, Serialize};

use super::answer::Values;
use super::columns::State;
use super::structure::Routed;
use crate::error::{Result, SparkError};

/// What a superstep of a partition has of the superstep before: its own state, and what each partition said.
#[derive(Debug)]
pub struct Inbox {
    /// By partition; at the own place the own state.
    pub said: Vec<State>,
    /// Which one is its own.
    pub own: usize,
}

impl Inbox {
    /// Returns what the other partitions have said, in their order.
    pub fn others(&self) -> impl Iterator<Item = &State> {
        let others = self.said.iter().enumerate().filter(|(q, _)| *q != self.own);
        others.map(|(_, state)| state)
    }

    /// Returns whether anything is to be done in any partition: not 0 if so.
    pub fn active(&self) -> u64 {
        self.said.iter().map(|s| s.active).sum()
    }

    /// Returns how many vertices changed in all partitions, for algorithms that do more when none did.
    pub fn changed(&self) -> u64 {
        self.said.iter().map(|s| s.changed).sum()
    }

    /// Returns how many vertices are left in all partitions.
    pub fn remaining(&self) -> u64 {
        self.said.iter().map(|s| s.remaining).sum()
    }

    /// Returns its own state.
    pub fn state(&self) -> &State {
        &self.said[self.own]
    }

    /// Returns a column by local number: first `own`, then what the others said of the ghosts.
    fn column<T: Copy>(&self, own: Vec<T>, of: impl Fn(&State) -> &[T]) -> Vec<T> {
        let mut all = own;
        for state in self.others() {
            all.extend_from_slice(of(state));
        }
        all
    }

    /// Returns 64-bit numbers by local number.
    pub fn longs(&self, own: Vec<i64>) -> Vec<i64> {
        self.column(own, |s| &s.columns.longs)
    }

    /// Returns doubles by local number.
    pub fn doubles(&self, own: Vec<f64>) -> Vec<f64> {
        self.column(own, |s| &s.columns.doubles)
    }

    /// Returns counts by local number.
    pub fn counts(&self, own: Vec<u32>) -> Vec<u32> {
        self.column(own, |s| &s.columns.counts)
    }

    /// Returns flags by local number.
    pub fn flags(&self, own: Vec<u8>) -> Vec<u8> {
        self.column(own, |s| &s.columns.flags)
    }
}

/// Returns those elements of a column, `width` to each vertex, that another partition wants.
fn picked<T: Copy>(wanted: &[u32], column: &[T], width: usize) -> Vec<T> {
    let rows = wanted.iter().map(|v| *v as usize * width);
    rows.flat_map(|at| column[at..at + width].iter().copied()).collect()
}

/// Supersteps of a first job.
pub const FIRST_CHUNK: u64 = 10;

/// What each algorithm is.
pub trait Algorithm {
    /// Returns the state before the first superstep.
    fn first(&self, graph: &Routed) -> State;

    /// Returns what a partition gets to know of a state.
    fn said(&self, graph: &Routed, state: &State, to: usize) -> State;

    /// Returns the state after a superstep.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if what the others said does not fit the structure.
    fn step(&self, graph: &Routed, inbox: &Inbox) -> Result<State>;

    /// Returns how many supersteps its first job has: few, as many algorithms end soon.
    fn supersteps(&self, _partitions: usize) -> u64 {
        FIRST_CHUNK
    }

    /// Returns the values of each partition's vertices at the end, given all partitions' states; `None` for a vertex that is
    /// left out.
    fn answer(&self, ids: &[Vec<i64>], states: Vec<State>) -> Vec<Values>;
}

/// An algorithm with its parameters, as plans say it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Parameters {
    /// How many edges end, begin, or do either at each vertex.
    Degrees(degrees::Degrees),
    /// Ranks after a number of supersteps.
    StaticPageRank(rank::StaticPageRank),
    /// Ranks until they change little.
    PageRank(rank_until::PageRank),
    /// Ranks as seen from several vertices.
    ParallelPersonalizedPageRank(personalized::ParallelPersonalized),
    /// The lowest id that each vertex is connected with.
    ConnectedComponents(components::Components),
    /// The lowest id in each strongly connected component.
    StronglyConnectedComponents(strong::Strong),
    /// How many triangles each vertex is in.
    TriangleCount(triangles::Triangles),
    /// Communities.
    LabelPropagation(labels::Labels),
    /// Distances to landmarks.
    ShortestPaths(paths::Paths),
    /// Factors of ratings.
    SvdPlusPlus(factors::SvdPlusPlus),
}

/// What the engine does for one dataset of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum EngineStep {
    /// Makes the structure of edges and ids that were dealt out.
    Adjacency,
    /// Adds who needs to know of which vertices.
    Routed,
    /// Makes the state before the first superstep.
    First {
        /// The algorithm.
        algorithm: Parameters,
    },
    /// Takes the state up again that a job ended with.
    Resume {
        /// The algorithm.
        algorithm: Parameters,
    },
    /// Is a superstep.
    Step {
        /// The algorithm.
        algorithm: Parameters,
    },
}

impl EngineStep {
    /// Reads a step of a plan.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` that says what cannot be read.
    pub fn read(value: &serde_json::Value) -> Result<Self> {
        serde_json::from_value(value.clone())
            .map_err(|e| SparkError::invalid_plan(format!("a step over a graph cannot be read: {e}")))
    }
}

impl Parameters {
    /// Returns the algorithm.
    pub fn algorithm(&self) -> &dyn Algorithm {
        match self {
            Self::Degrees(a) => a,
            Self::StaticPageRank(a) => a,
            Self::PageRank(a) => a,
            Self::ParallelPersonalizedPageRank(a) => a,
            Self::ConnectedComponents(a) => a,
            Self::StronglyConnectedComponents(a) => a,
            Self::TriangleCount(a) => a,
            Self::LabelPropagation(a) => a,
            Self::ShortestPaths(a) => a,
            Self::SvdPlusPlus(a) => a,
        }
    }
}

/// A vertex id as plans say it: a number where it is exact, else a string.
mod id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(i64),
        Text(String),
    }

    /// Writes it as a string.
    pub fn serialize<S: Serializer>(id: &i64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&id.to_string())
    }

    /// Reads either form.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        match Id::deserialize(from)? {
            Id::Number(id) => Ok(id),
            Id::Text(text) => text
                .parse()
                .map_err(|_| D::Error::custom(format!("{text} is not an id"))),
        }
    }
}

/// An id as plans say it, in lists and options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(#[serde(with = "id")] pub i64);

#[cfg(test)]
mod tests;
