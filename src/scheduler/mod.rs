//! The DAG scheduler: which task runs where and when, as a pure state machine.
//!
//! Events come in, commands go out; no clock, no I/O, no randomness. Spark's rules (`DAGScheduler`, `TaskSetManager`,
//! `MapOutputTracker`, `BlockManagerMaster`): a stage runs when all its parents' outputs are known; jobs are served first come,
//! first served, or by pools; a failed task is tried four times, and a slow one by another executor, too; outputs lost with an executor are computed again, only what is
//! missing, from the nearest datasets that are kept; what a job shuffled, later jobs read; every message carries attempt and
//! incarnation, and what is stale is ignored.

pub mod dag;
pub mod event;
mod outputs;
mod placement;
pub mod pools;
pub mod speculation;
mod stage;

use serde::{Deserialize, Serialize};

use crate::ids::{ExecutorRef, KeptId, PartitionId, StageId, TaskId};

/// Names a block on an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BlockId {
    /// A partition of what a try wrote for the next stage.
    Shuffle {
        task: TaskId,
        partition: PartitionId,
    },
    Kept(KeptId),
}

impl BlockId {
    /// Number of the map task that wrote it.
    pub fn map(&self) -> PartitionId {
        match self {
            Self::Shuffle { task, .. } => task.partition,
            Self::Kept(id) => id.partition,
        }
    }
}

/// A block that a task needs, and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fetch {
    pub from: ExecutorRef,
    pub block: BlockId,
    /// Of which of the reading job's stages it is output: an earlier job's may have written it. 0 for a kept partition.
    pub stage: StageId,
}
