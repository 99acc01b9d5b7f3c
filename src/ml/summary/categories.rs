//! The largest category index of each column: what `OneHotEncoder` trains on.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::invalid_value;
use crate::values::text::double;

/// Number of categories of each column: one more than the largest index.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of categories per column.
    #[prost(int64, repeated, tag = "1")]
    pub sizes: Vec<i64>,
}

/// The largest index of each column (`OneHotEncoder`). Null, negative and fractional indices are errors.
#[derive(Debug)]
pub struct Categories {
    /// Names of the columns in errors.
    columns: Vec<String>,
    /// The sizes so far; 0 before the first row.
    state: State,
}

impl Categories {
    /// Returns an empty summary; errors name `columns`.
    pub fn new(columns: Vec<String>) -> Self {
        let sizes = vec![0; columns.len()];
        Self {
            columns,
            state: State { sizes },
        }
    }
}

impl Summary for Categories {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for ((column, name), size) in columns.iter().zip(&self.columns).zip(&mut self.state.sizes) {
            let values = column.as_primitive::<Float64Type>();
            for (row, value) in values.iter().enumerate() {
                let Some(value) = value else {
                    return Err(invalid_value("Category indices MUST NOT be Null", name, row));
                };
                if !(0.0..f64::from(i32::MAX)).contains(&value) || value.fract() != 0.0 {
                    return Err(SparkError::requirement(format!(
                        "OneHotEncoder only supports up to {} indices that are non-negative integers, but got {} \
                         (column `{name}`, row {row} of its batch)",
                        i32::MAX,
                        double(value)
                    )));
                }
                *size = (*size).max(value as i64 + 1);
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        self.state
            .sizes
            .iter_mut()
            .zip(other.sizes)
            .for_each(|(a, b)| *a = (*a).max(b));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }
}
