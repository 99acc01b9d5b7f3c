//! Functions of the user's, which the engine does not know: whole stages over partitioned datasets, and functions over
//! groups of rows inside an operator tree.
//!
//! The engine schedules them and moves their blocks like any other's; a [`ProgramHost`] runs them. In a worker that is
//! JavaScript; natively only tests have one. What a function makes is opaque: the host reads and writes its own blocks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::error::{Result, SparkError};
use crate::ids::{BatchId, DatasetId, KeptId, PartitionId, PlanId, ScanPart};

/// A stage's work: which partitions of which dataset to compute, and where the rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The dataset to compute, by its place in the plan.
    pub root: usize,
    /// Which of its partitions the tasks are for, by task.
    pub partitions: Vec<PartitionId>,
    /// The edge over which the rows are dealt out; `None` if they answer the action.
    pub write: Option<Edge>,
    /// What lists of stages show.
    pub name: String,
}

/// A wide edge within a plan: a dataset reads rows that another dealt out by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The dataset that reads, by its place in the plan.
    pub reader: usize,
    /// As which of its parents it reads.
    pub parent: usize,
}

/// What was written over a wide edge for one partition of its reader.
#[derive(Debug)]
pub struct Shuffled {
    /// The edge.
    pub edge: Edge,
    /// The reader's partition.
    pub partition: PartitionId,
    /// Blocks in the order of their map tasks.
    pub blocks: Vec<Buffer>,
}

/// One task as a host gets it: everything that its functions read.
#[derive(Debug)]
pub struct ProgramTask<'a> {
    /// The plan, which the host has loaded.
    pub plan: PlanId,
    /// What to compute.
    pub program: &'a Program,
    /// The partition of the root.
    pub partition: PartitionId,
    /// Partitions of sources; a scan is a dataset of the plan.
    pub sources: Vec<(ScanPart, Buffer)>,
    /// What earlier stages wrote.
    pub shuffled: Vec<Shuffled>,
    /// Kept partitions that stand for a part of the lineage and are not in the host's memory.
    pub kept: Vec<(KeptId, Buffer)>,
}

/// What a task of a program made.
#[derive(Debug, Default)]
pub struct ProgramOutput {
    /// By partition of the output, or one piece of the result; `None` for a partition without rows.
    pub blocks: Vec<Option<Vec<u8>>>,
    /// Rows of each block.
    pub rows: Vec<u64>,
    /// Partitions that the host keeps from now on, or wants kept.
    pub kept: Vec<Keep>,
    /// What the task added to accumulators; counts if this try does.
    pub updates: Option<Vec<u8>>,
}

/// A partition that is kept: computed once, and found by later tasks.
#[derive(Debug)]
pub struct Keep {
    /// Which partition of which dataset.
    pub id: KeptId,
    /// Bytes that it takes, about.
    pub bytes: u64,
    /// Its block, if the executor shall keep it in its file; else the host has it in memory.
    pub block: Option<Vec<u8>>,
}

/// Names a function over groups: the plan, and which of its functions ([`crate::exec::stage::StageGraph::functions`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FunctionId {
    /// The plan.
    pub plan: PlanId,
    /// The function's place in the plan's list.
    pub number: usize,
}

/// Groups of one partition as a function gets them. Row i of `keys` is group i; its rows are the next `row_counts[i]`
/// of `rows`, its state the next `state_counts[i]` of `state`. A group may be without rows: it is here for its timeout.
///
/// ```text
/// keys          a     b     c
/// row_counts    2     0     1           rows   a1 a2 c1
/// state_counts  1     1     0           state  a' b'
/// ```
#[derive(Debug)]
pub struct GroupCall<'a> {
    /// The function to call.
    pub function: FunctionId,
    /// Keys, one row per group.
    pub keys: &'a RecordBatch,
    /// Rows of all groups, group after group, under the function's names.
    pub rows: &'a RecordBatch,
    /// How many rows each group has.
    pub row_counts: &'a [u32],
    /// Entries of state of all groups, group after group: columns of [`crate::exec::state::groups::entry_fields`].
    pub state: &'a RecordBatch,
    /// How many entries each group has.
    pub state_counts: &'a [u32],
    /// The batch's own time, ms since the epoch; the same when it runs again. 0 in a batch query.
    pub time_ms: i64,
    /// The watermark that timeouts of event time are judged by, ms since the epoch; `None` if no watermark is declared.
    pub watermark_ms: Option<i64>,
    /// Number of the micro-batch; `None` in a batch query, whose state is forgotten.
    pub batch_id: Option<BatchId>,
}

/// What a function made of its groups.
#[derive(Debug)]
pub struct GroupAnswer {
    /// Arrow IPC stream of the result rows, in the order of the function's output schema; empty for none.
    pub rows: Buffer,
    /// Arrow IPC stream of state changes: `#group` INT, [`crate::exec::state::groups::entry_fields`], `#removed`
    /// BOOLEAN; empty for none.
    pub changes: Buffer,
}

/// Runs programs and functions of the user's: one per executor.
pub trait ProgramHost: Send {
    /// Loads a plan: its text and its values; its functions are loaded already.
    ///
    /// # Errors
    /// If the host runs no programs, or the plan cannot be read.
    fn load(&mut self, plan: PlanId, text: &str, blobs: &[Buffer]) -> Result<()>;

    /// Runs a task to its end.
    ///
    /// # Errors
    /// The user's exception, with the step and the record it happened on.
    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput>;

    /// Loads a function over groups, as its client sent it.
    ///
    /// # Errors
    /// If the host runs no functions, or the function cannot be compiled.
    fn load_function(&mut self, id: FunctionId, payload: &[u8]) -> Result<()>;

    /// Calls a function for each of its groups.
    ///
    /// # Errors
    /// The user's exception, with the key of the group it happened on.
    fn call_groups(&mut self, call: GroupCall<'_>) -> Result<GroupAnswer>;

    /// Forgets a plan and its functions.
    fn unload(&mut self, plan: PlanId);

    /// Returns whether a partition is in the host's memory.
    fn keeps(&self, _id: KeptId) -> bool {
        false
    }

    /// Returns a kept partition as a block, for a peer; `None` if it is not here.
    fn kept(&self, _id: KeptId) -> Option<Buffer> {
        None
    }

    /// Forgets all partitions of a dataset that is kept no longer.
    fn forget(&mut self, _dataset: DatasetId) {}
}

/// The host that the tasks of one executor share.
#[derive(Clone)]
pub struct SharedHost(Arc<Mutex<dyn ProgramHost>>);

impl SharedHost {
    /// Shares a host.
    pub fn new(host: impl ProgramHost + 'static) -> Self {
        Self(Arc::new(Mutex::new(host)))
    }

    /// Returns the host, locked: an executor calls one function at a time.
    pub fn get(&self) -> MutexGuard<'_, dyn ProgramHost + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedHost")
    }
}

/// The host of executors where no functions can run: everything is refused as unsupported.
#[derive(Debug, Default)]
pub struct NoPrograms;

impl ProgramHost for NoPrograms {
    fn load(&mut self, _: PlanId, _: &str, _: &[Buffer]) -> Result<()> {
        Err(SparkError::unsupported(
            "datasets of JavaScript values outside a browser",
        ))
    }

    fn run(&mut self, _: ProgramTask<'_>) -> Result<ProgramOutput> {
        Err(SparkError::unsupported(
            "datasets of JavaScript values outside a browser",
        ))
    }

    fn load_function(&mut self, _: FunctionId, _: &[u8]) -> Result<()> {
        Err(SparkError::unsupported("functions in JavaScript outside a browser"))
    }

    fn call_groups(&mut self, _: GroupCall<'_>) -> Result<GroupAnswer> {
        Err(SparkError::unsupported("functions in JavaScript outside a browser"))
    }

    fn unload(&mut self, _: PlanId) {}
}
