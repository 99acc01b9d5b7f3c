//! Rows as they arrive at a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};

use crate::error::Result;

/// What rows bring besides their keys.
#[derive(Clone)]
pub enum Values {
    /// The partial aggregates of all functions, side by side.
    Partial(Vec<ArrayRef>),
    /// The arguments of each function, and the rows it counts.
    Rows(Vec<(Vec<ArrayRef>, Option<BooleanArray>)>),
}

impl Values {
    /// Returns those of some rows.
    fn map(&self, of: impl Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<Self> {
        let all = |columns: &[ArrayRef]| columns.iter().map(&of).collect::<Result<Vec<_>>>();
        let some = |filter: &BooleanArray| -> Result<BooleanArray> {
            let filter: ArrayRef = Arc::new(filter.clone());
            Ok(of(&filter)?.as_boolean().clone())
        };
        Ok(match self {
            Self::Partial(states) => Self::Partial(all(states)?),
            Self::Rows(functions) => {
                let each = functions
                    .iter()
                    .map(|(arguments, filter)| Ok((all(arguments)?, filter.as_ref().map(some).transpose()?)));
                Self::Rows(each.collect::<Result<_>>()?)
            }
        })
    }
}

/// Rows as they arrive: keys, and what they bring.
#[derive(Clone)]
pub struct Arrived {
    /// The key columns.
    pub keys: Vec<ArrayRef>,
    /// What is aggregated.
    pub values: Values,
    /// How many rows there are.
    pub rows: usize,
}

impl Arrived {
    /// Returns rows that are partial aggregates.
    pub fn partial(batch: &RecordBatch, keys: usize) -> Self {
        let (keys, states) = batch.columns().split_at(keys);
        Self {
            keys: keys.to_vec(),
            values: Values::Partial(states.to_vec()),
            rows: batch.num_rows(),
        }
    }

    /// Returns some rows.
    pub(super) fn map(&self, rows: usize, of: impl Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<Self> {
        let keys = self.keys.iter().map(&of).collect::<Result<_>>()?;
        let values = self.values.map(of)?;
        Ok(Self { keys, values, rows })
    }
}
