//! The messages between driver and executors. Headers are small JSON; bulk bytes travel beside them as blobs.
//!
//! The order of blobs is part of each message and is said with it. Both ends are of one build; a message that cannot be
//! read is reported as such, never dropped.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use crate::compile::job::JobSpec;
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, TaskReport};
use crate::ids::{
    BatchId, DatasetId, ExecutorRef, JobId, KeptId, OperatorId, PlanId, RunId, ScanId, StageId, StagePart, StatePart,
    TaskId,
};
use crate::plan::output_mode::OutputMode;
use crate::scheduler::Fetch;
use crate::settings::Conf;

/// A [`JobSpec`] without its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecHeader {
    /// Settings.
    conf: Conf,
    /// Names of views, in the order of their blobs.
    views: Vec<String>,
    /// The time of planning, µs since the epoch.
    now_us: i64,
    /// Output mode of a streaming query.
    mode: Option<OutputMode>,
    /// Files that the driver found.
    files: BTreeMap<String, (Vec<String>, String)>,
    /// Ids of models, in the order of their blobs.
    models: Vec<String>,
    /// How many tasks read each table.
    tables: BTreeMap<String, usize>,
}

impl SpecHeader {
    /// Returns header and blobs: the relation, then the views, then the models.
    pub fn of(spec: &JobSpec) -> (Self, Vec<Buffer>) {
        let mut blobs = vec![Buffer::from(spec.relation.clone())];
        blobs.extend(spec.views.values().cloned());
        blobs.extend(spec.models.values().map(|m| Buffer::from(m.clone())));
        let views = spec.views.keys().cloned().collect();
        (
            Self {
                conf: spec.conf.clone(),
                views,
                now_us: spec.now_us,
                mode: spec.mode,
                files: spec.files.clone(),
                models: spec.models.keys().cloned().collect(),
                tables: spec.tables.clone(),
            },
            blobs,
        )
    }

    /// Puts a spec together again.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if blobs are missing.
    pub fn spec(self, blobs: &[Buffer]) -> Result<JobSpec> {
        let wanted = self.views.len() + self.models.len();
        let Some((relation, rest)) = blobs.split_first().filter(|(_, rest)| rest.len() == wanted) else {
            return Err(SparkError::internal("a plan came without its bytes"));
        };
        let (views, models) = rest.split_at(self.views.len());
        Ok(JobSpec {
            relation: relation.to_vec(),
            conf: self.conf,
            views: self.views.into_iter().zip(views.iter().cloned()).collect(),
            now_us: self.now_us,
            mode: self.mode,
            files: self.files,
            models: self.models.into_iter().zip(models.iter().map(|m| m.to_vec())).collect(),
            tables: self.tables,
        })
    }
}

/// State that a task works on, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRef {
    /// The run of the query.
    pub run: RunId,
    /// The operator; the partition is the task's.
    pub operator: OperatorId,
    /// The batch whose changes the state must have: -1 before the first.
    pub version: BatchId,
    /// How many blobs with all deltas up to `version` come along; `None` if the executor should have the state.
    pub load: Option<usize>,
    /// Whether the whole state is wanted in place of the change, to start a new chain of deltas.
    pub snapshot: bool,
}

/// What the driver sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToExecutor {
    /// A plan that tasks will name. Blobs: as [`SpecHeader::of`].
    Plan {
        /// The plan.
        plan: PlanId,
        /// How to make it.
        spec: SpecHeader,
    },
    /// No task will name the plan any more.
    DropPlan {
        /// The plan.
        plan: PlanId,
    },
    /// A task to run.
    Run(Run),
    /// A try that is not wanted any more; one that runs ends when it lets go of the thread.
    Kill {
        /// The try.
        task: TaskId,
    },
    /// Rows for a task that stays. Blobs: blocks in the order of `scans`.
    Feed {
        /// The task.
        task: TaskId,
        /// Scans that have new blocks, and how many.
        scans: Vec<(ScanId, usize)>,
        /// Blobs that are orders for records: the executor's host puts the records in their place.
        orders: Vec<usize>,
    },
    /// An epoch ends here for a task that stays, after what it was fed before.
    Barrier {
        /// The task.
        task: TaskId,
        /// Where the epoch ends.
        barrier: Barrier,
    },
    /// The job is over: its blocks are not needed any more, but for those of these tries.
    DropJob {
        /// The job.
        job: JobId,
        /// The tries whose blocks later jobs may read.
        keep: Vec<TaskId>,
        /// Whether to say [`FromExecutor::Dropped`] when nothing of the job runs any more.
        answer: bool,
    },
    /// Blocks of tries, and kept datasets, that nobody reads any more.
    Forget {
        /// The tries.
        tasks: Vec<TaskId>,
        /// The datasets.
        datasets: Vec<DatasetId>,
    },
    /// A run of a query is over: its state goes.
    DropState {
        /// The run.
        run: RunId,
    },
    /// What to do with a receiver. Blob: of a start, its class.
    Receiver {
        /// Which.
        receiver: ReceiverId,
        /// What.
        order: ReceiverOrder,
    },
}

/// Where an epoch of a continuous query ends: it goes through the query's tasks between the rows before and the rows after it
/// (Chandy and Lamport's marker).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barrier {
    /// The epoch that ends, with the watermark that it closes state by.
    pub ends: BatchContext,
    /// The epoch that begins.
    pub next: BatchContext,
    /// State that is wanted whole in place of its change.
    pub snapshots: Vec<StatePart>,
}

/// How a task stays: rows come to it and leave it until its job is dropped, and barriers part them into epochs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// By stage that reads its rows: where the tasks of that stage are, by partition.
    pub readers: Vec<(StageId, Vec<ExecutorRef>)>,
    /// The page's function that takes the query's rows; `None` if the driver takes them.
    pub shows: Option<Box<PageSink>>,
}

/// A function of the page that takes a query's rows as they come, from the executors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSink {
    /// The function's name.
    pub function: String,
    /// The run of the query.
    pub run: String,
}

/// Names a receiver of the user's in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReceiverId {
    /// The streaming context.
    pub context: u64,
    /// The stream.
    pub stream: usize,
    /// How often it was placed.
    pub life: u32,
}

/// What an executor is asked to do with a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum ReceiverOrder {
    /// To start it.
    Start,
    /// To stop it.
    Stop,
    /// To say that a block of it is safe.
    Stored {
        /// The block.
        seq: u32,
    },
}

/// What an executor says of a receiver that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase")]
pub enum ReceiverReport {
    /// It has started.
    Started,
    /// It hands over records. Blob: the block.
    Received {
        /// Counts its blocks, from 0.
        seq: u32,
        /// How many records.
        records: u64,
    },
    /// It has failed.
    Failed {
        /// What was thrown.
        message: String,
    },
    /// It has stopped, as it was asked to.
    Stopped,
}

/// One task to run. Blobs: scan blocks in the order of `scans`, then state deltas in the order of `states`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The try.
    pub task: TaskId,
    /// The plan whose stage it runs.
    pub plan: PlanId,
    /// The blocks that it reads, and who holds them.
    pub fetches: Vec<Fetch>,
    /// Scans that it reads, and how many blobs each has.
    pub scans: Vec<(ScanId, usize)>,
    /// Blobs that are files, which the driver's host puts there and the executor's host unpacks: which, and the path.
    pub files: Vec<(usize, String)>,
    /// Blobs that are orders for records: the executor's host puts the records in their place.
    pub orders: Vec<usize>,
    /// The micro-batch; `None` in a batch job.
    pub batch: Option<BatchContext>,
    /// State that it works on.
    pub states: Vec<StateRef>,
    /// Limits the job's result, in bytes; `None` sets no limit.
    pub max_result: Option<u64>,
    /// How the task stays; `None` for one that runs once over what it is given.
    #[serde(default)]
    pub stay: Option<Stay>,
}

/// What executors send to the driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromExecutor {
    /// Blobs: result pieces (for a result stage), one state delta per operator of `deltas`, and the updates of
    /// accumulators if there are some.
    Finished {
        /// The try.
        task: TaskId,
        /// Rows per output partition; of a result, their sum.
        rows: Vec<u64>,
        /// What was counted.
        report: Box<TaskReport>,
        /// How many blobs are pieces of the result.
        results: usize,
        /// Operators whose state changes come along.
        deltas: Vec<OperatorId>,
        /// Partitions that the executor keeps now, and their bytes.
        kept: Vec<(KeptId, u64)>,
        /// Whether the last blob is what the task added to accumulators.
        updates: bool,
    },
    /// The task ended with an error of its own.
    Failed {
        /// The try.
        task: TaskId,
        /// The error.
        error: SparkError,
        /// Whether another try may succeed.
        retryable: bool,
    },
    /// A block was not where it should be.
    FetchFailed {
        /// The try.
        task: TaskId,
        /// The block.
        fetch: Fetch,
    },
    /// State that the task expects is not here.
    StateMissing {
        /// The try.
        task: TaskId,
    },
    /// A task that stays is ready for rows or, if it reads no stream, has handed on all of its rows.
    Stays {
        /// The task.
        task: TaskId,
    },
    /// Rows have gone through a task that stays. Blobs: rows of the query's result.
    Flowed {
        /// The task.
        task: TaskId,
        /// The epoch that the rows are of.
        epoch: BatchId,
        /// How many of the driver's feeds are done with, here and in all tasks after.
        fed: usize,
        /// How many lots of rows the task has handed to the page since it stays.
        lots: u64,
    },
    /// A barrier has gone through a task that stays. Blobs: one state change per operator of `deltas`.
    Passed {
        /// The task.
        task: TaskId,
        /// The epoch that has ended.
        epoch: BatchId,
        /// What was counted since the epoch began.
        report: Box<TaskReport>,
        /// Operators whose state changes come along.
        deltas: Vec<OperatorId>,
    },
    /// Nothing of a job that is over runs here any more.
    Dropped {
        /// The job.
        job: JobId,
    },
    /// What a receiver does. Blob: the block of records, if it hands one over.
    Receiver {
        /// Which.
        receiver: ReceiverId,
        /// What.
        report: ReceiverReport,
    },
    /// A message between workers could not be read or written: they are of different versions, or this is a bug.
    Unreadable {
        /// What is wrong with it.
        error: SparkError,
    },
}

/// What executors send to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// Asks for blocks.
    Fetch {
        /// The blocks.
        fetches: Vec<Fetch>,
    },
    /// Blobs for those of `found`, in order; `missing` are not here.
    Blocks {
        /// Blocks that come along.
        found: Vec<Fetch>,
        /// Blocks that are not here.
        missing: Vec<Fetch>,
    },
    /// Hands rows to a task that stays. Blobs: the blocks that it reads.
    Rows {
        /// The task.
        to: TaskId,
        /// Whose rows they are.
        from: TaskId,
        /// Counts what the sender sends; the answer names it.
        seq: u64,
        /// Whether these are all rows that the sender will ever send, since it reads no stream: they count for every row of one.
        all: bool,
    },
    /// Says that rows are done with, by a task and all tasks after it.
    Took {
        /// The task that sent them.
        to: TaskId,
        /// The sender's count.
        seq: u64,
    },
    /// Hands a barrier to a task that stays.
    Barrier {
        /// The task.
        to: TaskId,
        /// Who hands it on.
        from: StagePart,
        /// The barrier.
        barrier: Barrier,
    },
}

/// Returns a header as bytes.
///
/// # Errors
/// `INTERNAL_ERROR` if the message has no form in JSON.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(message)
        .map_err(|e| SparkError::internal(format!("a message between workers cannot be written: {e}")))
}

/// Reads a header from bytes.
///
/// ```
/// use rivulet::cluster::message::{ToExecutor, decode, encode};
/// use rivulet::ids::PlanId;
///
/// let message = ToExecutor::DropPlan { plan: PlanId(3) };
/// assert_eq!(decode::<ToExecutor>(&encode(&message)?)?, message);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// `INTERNAL_ERROR` if the bytes are not such a message: sender and receiver differ in version.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|e| SparkError::internal(format!("a message between workers cannot be read: {e}")))
}
