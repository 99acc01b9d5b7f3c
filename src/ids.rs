//! Names under which later jobs find what an earlier one has made.

use serde::{Deserialize, Serialize};

/// A partition of a dataset that an executor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeptId {
    /// The dataset's key, which no other dataset of the driver has.
    pub dataset: u64,
    pub partition: usize,
}

/// A wide edge of lineage: whose rows move, over all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShuffleId {
    /// The dataset that reads them.
    pub dataset: u64,
    /// As which of its parents.
    pub parent: usize,
}
