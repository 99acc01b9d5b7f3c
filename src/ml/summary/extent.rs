//! How many labelled rows there are, and how many features they have.

use arrow::array::ArrayRef;
use prost::Message;

use super::labels::{Allowed, Instances, Names, same_size};
use super::{Summary, corrupt};
use crate::error::Result;

/// What is found.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// How many rows.
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    /// How many features each has; 0 without rows.
    #[prost(uint64, tag = "2")]
    pub features: u64,
}

/// Counts rows, each of which is checked.
#[derive(Debug)]
pub struct Extent {
    names: Names,
    allowed: Allowed,
    state: State,
}

impl Extent {
    /// Returns an empty count.
    pub fn new(names: Names, allowed: Allowed) -> Self {
        Self {
            names,
            allowed,
            state: State::default(),
        }
    }

    fn add(&mut self, rows: u64, features: u64) -> Result<()> {
        if self.state.rows == 0 {
            self.state.features = features;
        }
        self.state.rows += rows;
        same_size(self.state.features as usize, features as usize)
    }
}

impl Summary for Extent {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, self.allowed, &names)?;
        for row in 0..rows.len() {
            let (features, _, _) = rows.get(row)?;
            self.add(1, features.size() as u64)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        match other.rows {
            0 => Ok(()),
            rows => self.add(rows, other.features),
        }
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256
    }
}
