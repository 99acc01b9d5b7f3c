//! How often each number occurs, column by column: what a mode is found by.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::Result;

/// Numbers of each column with their counts.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Per input column.
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Column>,
}

/// Numbers of one column, side by side with their counts.
#[derive(Clone, PartialEq, Message)]
pub struct Column {
    /// The numbers, each once.
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
    /// Number of rows per number.
    #[prost(int64, repeated, tag = "2")]
    pub counts: Vec<i64>,
}

/// Counts of columns of doubles; null, NaN and a value that stands for a missing one do not count.
#[derive(Debug)]
pub struct ValueCounts {
    /// The value that stands for a missing one.
    missing: f64,
    /// Counts per column, by the bits of the value.
    columns: Vec<HashMap<u64, i64>>,
}

impl ValueCounts {
    /// Returns empty counts of some columns; `missing` does not count.
    pub fn new(columns: usize, missing: f64) -> Self {
        Self {
            missing,
            columns: vec![HashMap::new(); columns],
        }
    }
}

impl Summary for ValueCounts {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for (counts, column) in self.columns.iter_mut().zip(columns) {
            let values = column.as_primitive::<Float64Type>();
            for value in values.iter().flatten().filter(|v| !v.is_nan() && *v != self.missing) {
                *counts.entry((value + 0.0).to_bits()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        for (counts, column) in self.columns.iter_mut().zip(other.columns) {
            for (value, count) in column.values.iter().zip(column.counts) {
                *counts.entry(value.to_bits()).or_default() += count;
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let column = |counts: &HashMap<u64, i64>| {
            let (values, counts) = counts.iter().map(|(v, n)| (f64::from_bits(*v), *n)).unzip();
            Column { values, counts }
        };
        let columns = self.columns.iter().map(column).collect();
        State { columns }.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.columns.iter().map(|c| c.len() * 24).sum::<usize>()
    }
}
