//! The DAG scheduler: which task runs where and when, as a pure state machine.
//!
//! Events come in, commands go out; no clock, no I/O, no randomness. Spark's rules (`DAGScheduler`, `TaskSetManager`,
//! `MapOutputTracker`, `BlockManagerMaster`): a stage runs when all its parents' outputs are known; jobs are served
//! first come, first served, or by pools; a failed task is tried four times, and a slow one by another executor, too;
//! outputs lost with an executor are computed again, only what is missing, from the nearest datasets that are kept;
//! what a job shuffled, later jobs read; every message carries attempt and incarnation, and what is stale is ignored.
//!
//! ```text
//!  Submit, ExecutorAdded, Finished, Failed, ExecutorLost, Tick, …
//!         │
//!         ▼
//!  dag::Scheduler ── stage: jobs, stages, tasks ── outputs: what lies on executors for later tasks
//!         │        ── placement: next task, where ── pools: whose turn ── speculation: what is slow
//!         ▼
//!  Launch, Kill, Accepted, JobDone, JobFailed, Drop
//! ```

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
        /// The try that wrote it.
        task: TaskId,
        /// The partition of its output.
        partition: PartitionId,
    },
    /// A partition of a dataset that is kept.
    Kept(KeptId),
}

impl BlockId {
    /// Returns the partition of the task that made it.
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
    /// Who holds it.
    pub from: ExecutorRef,
    /// Which block.
    pub block: BlockId,
    /// The stage of the reading job whose output it is, though an earlier job may have written it. 0 for a kept
    /// partition.
    pub stage: StageId,
}
