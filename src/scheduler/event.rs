//! What the scheduler hears, and what it wants done.

use super::Fetch;
use super::pools::Pool;
use super::speculation::Speculation;
use crate::error::SparkError;
use crate::exec::stage::KeptPart;
use crate::ids::{DatasetId, ExecutorId, ExecutorRef, JobId, KeptId, ShuffleId, StageId, StagePart, TaskId};

/// A stage as the scheduler needs it: who reads what, not what is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpec {
    /// Stages whose output it reads, by index.
    pub parents: Vec<StageId>,
    /// Per task: whose output it reads.
    pub reads: Vec<Vec<StagePart>>,
    /// Per task: the executor whose state or cache it wants.
    pub preferred: Vec<Option<ExecutorId>>,
    /// Whether its rows go to the driver: done is done then, whoever dies.
    pub result: bool,
    /// Names its output for later jobs; `None` if only this job reads it.
    pub shuffle: Option<ShuffleId>,
    /// Per task: the kept partitions that may stand for a part of what it reads; empty for a stage without.
    pub kept: Vec<Vec<KeptPart<StagePart>>>,
}

/// Why a task did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The task's own error.
    Error {
        /// The task's own error.
        error: SparkError,
        /// Whether a retry may help: not if the query or its data is at fault.
        retryable: bool,
    },
    /// A block was not where it should be.
    FetchFailed {
        /// The block, and who was asked for it.
        fetch: Fetch,
    },
    /// The executor lacks the state the task expects; the next attempt carries it.
    StateMissing,
}

/// What happened. Messages of executors carry attempt and incarnation; those of a try or a life that is over are
/// ignored.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker can run tasks. A known one with a higher incarnation has begun anew: what it had is lost.
    ExecutorAdded {
        /// Which, and in which of its lives.
        executor: ExecutorRef,
        /// How many tasks it runs at a time; at least 1.
        slots: usize,
    },
    /// A worker has ended, and what it held is gone.
    ExecutorLost {
        /// Which, and in which of its lives.
        executor: ExecutorRef,
    },
    /// A job is to run.
    Submit {
        /// Its name.
        job: JobId,
        /// Whose share of the slots it takes.
        pool: Pool,
        /// When a task is slow; `None` for a job whose tasks must not run twice at a time.
        speculation: Option<Speculation>,
        /// Its stages, parents first; the last one makes the result.
        stages: Vec<StageSpec>,
    },
    /// A job's result is not wanted any more.
    Cancel {
        /// Its name.
        job: JobId,
    },
    /// A try has made its rows.
    Finished {
        /// The try.
        task: TaskId,
        /// Where it ran.
        executor: ExecutorRef,
        /// Rows per output partition: empty partitions have no block.
        rows: Vec<u64>,
        /// Partitions that the executor keeps now, with their bytes.
        kept: Vec<(KeptId, u64)>,
    },
    /// Time has passed: see [`Scheduler::wake_at`](super::dag::Scheduler::wake_at).
    Tick,
    /// Nobody reads these datasets any more: what was shuffled or kept for them goes.
    Forget {
        /// The datasets.
        datasets: Vec<DatasetId>,
    },
    /// These datasets are kept no longer; what was shuffled for them stays.
    Unkeep {
        /// The datasets.
        datasets: Vec<DatasetId>,
    },
    /// A try has ended without its rows.
    Failed {
        /// The try.
        task: TaskId,
        /// Where it ran.
        executor: ExecutorRef,
        /// Why.
        failure: Failure,
    },
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An executor runs a try.
    Launch {
        /// Where.
        executor: ExecutorRef,
        /// The try.
        task: TaskId,
        /// The blocks that it needs, and who holds them.
        fetches: Vec<Fetch>,
        /// Whether another try of the task runs elsewhere; the first to finish counts.
        speculative: bool,
    },
    /// The executor may drop the task unless it runs.
    Kill {
        /// Where it runs.
        executor: ExecutorRef,
        /// The try.
        task: TaskId,
    },
    /// The try counts: its result, report and state change are the ones to keep.
    Accepted {
        /// The try.
        task: TaskId,
    },
    /// All tasks of the result are done.
    JobDone {
        /// The job.
        job: JobId,
    },
    /// A job cannot be finished; its tasks are killed before.
    JobFailed {
        /// The job.
        job: JobId,
        /// Why.
        error: SparkError,
    },
    /// Executors drop the blocks of these tries, and what they keep of these datasets.
    Drop {
        /// The tries.
        tasks: Vec<TaskId>,
        /// The datasets.
        datasets: Vec<DatasetId>,
    },
}
