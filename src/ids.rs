//! Names of things that cross rooms. A number of one kind cannot be taken for a number of another.
//!
//! Each is a number inside; what it counts and who hands it out stands with the name. They cross the
//! wire between driver and executors, and some are written into checkpoints: see each.
//!
//! ```
//! use rivulet::ids::{JobId, PartitionId, StageId, TaskId};
//!
//! let task = TaskId { job: JobId(7), stage: StageId(1), partition: PartitionId(3), attempt: 0 };
//! assert_eq!(task.part().partition, PartitionId(3));
//! assert_eq!(task.job.to_string(), "7");
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes a name out of a number: ordered, hashable, printed as the number.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names a stateful operator within its query: its place in the order in which the plan was compiled.
    /// Checkpoints keep state under this number.
    OperatorId(usize)
}

id! {
    /// Names a stage within its job: its place in the order in which stages can run.
    StageId(usize)
}

id! {
    /// Names a scan within its plan, in the order of analysis: the same on the driver and on every executor.
    ScanId(usize)
}

id! {
    /// Names a job: one action, or one micro-batch.
    JobId(u64)
}

id! {
    /// Names a plan that executors keep: one per batch job, one per streaming query.
    PlanId(u64)
}

id! {
    /// Names a run of a streaming query, from its start to its end: whose state it is.
    RunId(u64)
}

id! {
    /// Names a source's connection to a server, for as long as its query runs: when it is opened again, it
    /// keeps the name.
    ConnectionId(u64)
}

id! {
    /// Names a partition of a stage, a scan, a dataset or a state: its place, from 0.
    PartitionId(usize)
}

impl PartitionId {
    /// Lists the first `count` partitions, in order.
    pub fn first(count: usize) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (0..count).map(Self)
    }
}

id! {
    /// Names a dataset over all jobs of a driver: what executors keep and shuffle is known by it.
    DatasetId(u64)
}

id! {
    /// Names a micro-batch within its query, from 0, over all runs of the query (Spark's `batchId`).
    BatchId(i64)
}

impl BatchId {
    /// Stands before the first batch: where a new query is.
    pub const NONE: Self = Self(-1);

    /// Returns the batch after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the batch before this one: -1 before the first.
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }
}

id! {
    /// Names an executor over all its lives.
    ExecutorId(u32)
}

id! {
    /// Counts an executor's lives, from 0: a restarted worker keeps its [`ExecutorId`] and gets the next incarnation.
    Incarnation(u32)
}

/// An executor in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutorRef {
    /// The worker's number.
    pub id: ExecutorId,
    /// Which of its lives, from 0.
    pub incarnation: Incarnation,
}

impl ExecutorRef {
    /// Returns the executor of that number in its first life.
    pub fn new(id: u32) -> Self {
        Self::at(id, 0)
    }

    /// Returns the executor of that number in a given life, as hosts name it across their boundary.
    pub fn at(id: u32, incarnation: u32) -> Self {
        Self {
            id: ExecutorId(id),
            incarnation: Incarnation(incarnation),
        }
    }

    /// Returns the executor in its next life.
    pub fn next(self) -> Self {
        Self::at(self.id.0, self.incarnation.0 + 1)
    }
}

/// A partition of a stage: one of its tasks, and what that task puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StagePart {
    /// The stage.
    pub stage: StageId,
    /// The partition, from 0.
    pub partition: PartitionId,
}

/// A share of a scan: what one task reads of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScanPart {
    /// The scan.
    pub scan: ScanId,
    /// The share, from 0.
    pub partition: PartitionId,
}

/// The state of one operator in one partition, within its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatePart {
    /// The operator.
    pub operator: OperatorId,
    /// The partition, from 0.
    pub partition: PartitionId,
}

/// The state of one operator in one partition, over all queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateId {
    /// The run whose state it is.
    pub run: RunId,
    /// Which part of it.
    pub part: StatePart,
}

/// One attempt at one partition of one stage (Spark's `TaskInfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The job.
    pub job: JobId,
    /// The stage within the job.
    pub stage: StageId,
    /// The partition of the stage.
    pub partition: PartitionId,
    /// Counts all attempts at this partition, from 0.
    pub attempt: u32,
}

impl TaskId {
    /// Returns which partition of which stage of its job it attempts.
    pub fn part(&self) -> StagePart {
        StagePart {
            stage: self.stage,
            partition: self.partition,
        }
    }
}

/// A partition of a dataset that an executor keeps in its block store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeptId {
    /// The dataset's key, which no other dataset of the driver has.
    pub dataset: DatasetId,
    /// The partition, from 0.
    pub partition: PartitionId,
}

/// A wide edge of lineage: whose rows move, over all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShuffleId {
    /// The dataset that reads them.
    pub dataset: DatasetId,
    /// As which of its parents.
    pub parent: usize,
}
