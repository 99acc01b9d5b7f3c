//! The DAG scheduler: which task runs where and when, as a pure state machine.
//!
//! Events come in, commands go out; no clock, no I/O, no randomness. Spark's rules (`DAGScheduler`, `TaskSetManager`,
//! `MapOutputTracker`): a stage runs when all its parents' outputs are known; jobs are served first come, first served;
//! a failed task is tried four times; outputs lost with an executor are computed again, only what is missing; every
//! message carries attempt and incarnation, and what is stale is ignored.

pub mod dag;

use serde::{Deserialize, Serialize};

/// A job: one action, or one micro-batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// An executor in one of its lives: a restarted worker keeps its number and gets the next incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutorRef {
    pub id: u32,
    pub incarnation: u32,
}

/// One try at one partition of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    pub job: JobId,
    pub stage: usize,
    pub partition: usize,
    /// Counts all tries of this partition, from 0.
    pub attempt: u32,
}

/// A block of shuffle output that a task needs, and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fetch {
    pub from: ExecutorRef,
    /// The try that wrote it.
    pub task: TaskId,
    /// Partition of that task's output.
    pub partition: usize,
}
