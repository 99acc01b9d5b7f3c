//! What the scheduler is told, and what it wants done.

use super::Fetch;
use super::pools::Pool;
use super::speculation::Speculation;
use crate::error::SparkError;
use crate::exec::stage::KeptPart;
use crate::ids::{DatasetId, ExecutorId, ExecutorRef, JobId, KeptId, ShuffleId, StageId, StagePart, TaskId};

/// A stage as the scheduler needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpec {
    /// Stages whose output it reads, by index.
    pub parents: Vec<StageId>,
    /// Per task: whose output it reads.
    pub reads: Vec<Vec<StagePart>>,
    /// Per task: the executor whose state or cache it wants.
    pub preferred: Vec<Option<ExecutorId>>,
    /// Its rows go to the driver: done is done, whoever dies.
    pub result: bool,
    /// Names its output for later jobs.
    pub shuffle: Option<ShuffleId>,
    /// Per task: the kept partitions that may stand for a part of what it reads; empty for a stage without.
    pub kept: Vec<Vec<KeptPart<StagePart>>>,
}

/// Why a task did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The task's own error; a retry may help only where `retryable`.
    Error { error: SparkError, retryable: bool },
    /// A block was not where it should be.
    FetchFailed { fetch: Fetch },
    /// The executor has not the state that the task expects; it is sent along with the next try.
    StateMissing,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    ExecutorAdded {
        executor: ExecutorRef,
        slots: usize,
    },
    ExecutorLost {
        executor: ExecutorRef,
    },
    Submit {
        job: JobId,
        pool: Pool,
        /// None for a job whose tasks must not run twice at a time.
        speculation: Option<Speculation>,
        stages: Vec<StageSpec>,
    },
    Cancel {
        job: JobId,
    },
    /// Rows per output partition: empty partitions have no block. `kept` are partitions that the executor keeps now, with
    /// their bytes.
    Finished {
        task: TaskId,
        executor: ExecutorRef,
        rows: Vec<u64>,
        kept: Vec<(KeptId, u64)>,
    },
    /// Time has passed: see [`Scheduler::wake_at`].
    Tick,
    /// Nobody reads these datasets any more: what was shuffled or kept for them goes.
    Forget {
        datasets: Vec<DatasetId>,
    },
    /// These datasets are kept no longer; what was shuffled for them stays.
    Unkeep {
        datasets: Vec<DatasetId>,
    },
    Failed {
        task: TaskId,
        executor: ExecutorRef,
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Launch {
        executor: ExecutorRef,
        task: TaskId,
        fetches: Vec<Fetch>,
        /// Another try of the task runs elsewhere; the first to finish counts.
        speculative: bool,
    },
    /// The executor may drop the task if it has not begun.
    Kill {
        executor: ExecutorRef,
        task: TaskId,
    },
    /// The try counts: its result, report and state change are the ones to keep.
    Accepted {
        task: TaskId,
    },
    JobDone {
        job: JobId,
    },
    JobFailed {
        job: JobId,
        error: SparkError,
    },
    /// Executors drop the blocks of these tries, and what they keep of these datasets.
    Drop {
        tasks: Vec<TaskId>,
        datasets: Vec<DatasetId>,
    },
}
