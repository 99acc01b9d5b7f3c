//! How often each label occurs, column by column: what `StringIndexer` trains on.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray};
use prost::Message;

use super::{Summary, corrupt};
use crate::error::Result;

/// Labels of each column with their counts.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Per input column.
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Column>,
}

/// Labels of one column.
#[derive(Clone, PartialEq, Message)]
pub struct Column {
    /// Number of rows per label.
    #[prost(map = "string, int64", tag = "1")]
    pub counts: HashMap<String, i64>,
}

/// Counts of string columns; null does not count. Keeps every distinct label of each column.
#[derive(Debug, Default)]
pub struct Counts(Vec<HashMap<String, i64>>);

impl Summary for Counts {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.0.resize(columns.len(), HashMap::new());
        for (counts, column) in self.0.iter_mut().zip(columns) {
            for label in column.as_string::<i32>().iter().flatten() {
                match counts.get_mut(label) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(label.to_owned(), 1);
                    }
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let state = State::decode(state).map_err(|e| corrupt(&e))?;
        self.0.resize(self.0.len().max(state.columns.len()), HashMap::new());
        for (counts, other) in self.0.iter_mut().zip(state.columns) {
            for (label, count) in other.counts {
                *counts.entry(label).or_default() += count;
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let columns = self.0.iter().map(|c| Column { counts: c.clone() }).collect();
        State { columns }.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.0.iter().map(|c| c.len() * 64).sum::<usize>()
    }
}
