//! A few sums over rows: what metrics that are means need.

use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::Result;

/// The sums.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// The sums, in the order of whoever adds to them.
    #[prost(double, repeated, tag = "1")]
    pub sums: Vec<f64>,
}

/// Adds the rows of a batch to sums.
pub type Add = Arc<dyn Fn(&[ArrayRef], &mut [f64]) -> Result<()> + Send + Sync>;

/// A fixed number of sums, all 0 before the first row.
///
/// ```
/// use std::sync::Arc;
/// use rivulet::ml::summary::{Summary, sums::Sums};
///
/// let mut rows = Sums::new(1, Arc::new(|columns, sums| {
///     sums[0] += columns[0].len() as f64;
///     Ok(())
/// }));
/// rows.update(&[Arc::new(arrow::array::Int32Array::from(vec![1, 2, 3]))])?;
/// let state = rows.encode();
/// rows.merge(&state)?;
/// assert_eq!(rows.sums(), [6.0]);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub struct Sums {
    /// Adds a batch.
    add: Add,
    /// The sums so far.
    sums: Vec<f64>,
}

impl Sums {
    /// Returns `count` empty sums, to which `add` adds batches.
    pub fn new(count: usize, add: Add) -> Self {
        Self {
            add,
            sums: vec![0.0; count],
        }
    }

    /// Returns the sums so far.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }
}

impl fmt::Debug for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sums({:?})", self.sums)
    }
}

impl Summary for Sums {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        (self.add)(columns, &mut self.sums)
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        self.sums.iter_mut().zip(other.sums).for_each(|(a, b)| *a += b);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let sums = self.sums.clone();
        State { sums }.encode_to_vec()
    }
}
