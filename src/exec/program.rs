//! Functions of the user's, which the engine does not know: whole stages over partitioned datasets, and functions over groups
//! of rows inside an operator tree.
//!
//! The engine schedules them and moves their blocks like any other's; a [`ProgramHost`] runs them. In a worker that is
//! JavaScript; natively only tests have one.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::error::{Result, SparkError};
use crate::ids::{BatchId, DatasetId, KeptId, PartitionId, PlanId, ScanPart};

/// A stage's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The dataset to compute, and which of its partitions the tasks are for.
    pub root: usize,
    pub partitions: Vec<PartitionId>,
    /// Where the rows go: the dataset that reads them, and as which parent. None answers the action.
    pub write: Option<Edge>,
    /// For lists of stages.
    pub name: String,
}

/// A wide edge within a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The dataset that reads, by its place in the plan.
    pub reader: usize,
    /// As which of its parents.
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

/// One task as a host gets it.
#[derive(Debug)]
pub struct ProgramTask<'a> {
    pub plan: PlanId,
    pub program: &'a Program,
    /// Partition of the root.
    pub partition: PartitionId,
    /// Partitions of sources; a scan is a dataset of the plan.
    pub sources: Vec<(ScanPart, Buffer)>,
    /// What earlier stages wrote.
    pub shuffled: Vec<Shuffled>,
    /// Kept partitions that stand for a part of the lineage and are not in the host's memory.
    pub kept: Vec<(KeptId, Buffer)>,
}

/// What a task made.
#[derive(Debug, Default)]
pub struct ProgramOutput {
    /// By partition of the output, or one piece of the result.
    pub blocks: Vec<Option<Vec<u8>>>,
    pub rows: Vec<u64>,
    /// Partitions that the host keeps from now on, or wants kept.
    pub kept: Vec<Keep>,
    /// What the task added to accumulators; counts if this try does.
    pub updates: Option<Vec<u8>>,
}

/// A partition that is kept.
#[derive(Debug)]
pub struct Keep {
    pub id: KeptId,
    /// What it takes, about.
    pub bytes: u64,
    /// Its block, where the executor shall keep it in its file; the host has it in memory else.
    pub block: Option<Vec<u8>>,
}

/// Names a function over groups: the plan, and which of its functions ([`crate::exec::stage::StageGraph::functions`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FunctionId {
    pub plan: PlanId,
    pub number: usize,
}

/// Groups of one partition as a function gets them. Row i of `keys` is group i; its rows are the next `row_counts[i]` of
/// `rows`, its state the next `state_counts[i]` of `state`. A group may have no rows: it is here for its timeout.
#[derive(Debug)]
pub struct GroupCall<'a> {
    pub function: FunctionId,
    pub keys: &'a RecordBatch,
    pub rows: &'a RecordBatch,
    pub row_counts: &'a [u32],
    /// Columns of [`crate::exec::state::groups::entry_fields`].
    pub state: &'a RecordBatch,
    pub state_counts: &'a [u32],
    /// The batch's own time; the same when it runs again. 0 in a batch query.
    pub time_ms: i64,
    /// The watermark that timeouts of event time are judged by; none where no watermark is declared.
    pub watermark_ms: Option<i64>,
    /// Number of the micro-batch; none in a batch query, whose state is forgotten.
    pub batch_id: Option<BatchId>,
}

/// What a function made of its groups.
#[derive(Debug)]
pub struct GroupAnswer {
    /// Arrow IPC stream of the result rows, in the order of the function's output schema; empty for none.
    pub rows: Buffer,
    /// Arrow IPC stream of state changes: `#group` INT, [`crate::exec::state::groups::entry_fields`], `#removed` BOOLEAN; empty
    /// for none.
    pub changes: Buffer,
}

/// Runs programs.
pub trait ProgramHost: Send {
    /// A plan's text and values; its functions are loaded already.
    fn load(&mut self, plan: PlanId, text: &str, blobs: &[Vec<u8>]) -> Result<()>;

    /// Runs a task to its end.
    ///
    /// # Errors
    /// The user's exception, with the step and the record it happened on.
    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput>;

    /// A function over groups, as its client sent it.
    fn load_function(&mut self, id: FunctionId, payload: &[u8]) -> Result<()>;

    /// Calls a function for each of its groups.
    ///
    /// # Errors
    /// The user's exception, with the key of the group it happened on.
    fn call_groups(&mut self, call: GroupCall<'_>) -> Result<GroupAnswer>;

    fn unload(&mut self, plan: PlanId);

    /// Whether the partition is in the host's memory.
    fn keeps(&self, _id: KeptId) -> bool {
        false
    }

    /// A kept partition as a block, for a peer; none where it is not here.
    fn kept(&self, _id: KeptId) -> Option<Buffer> {
        None
    }

    /// A dataset is kept no longer.
    fn forget(&mut self, _dataset: DatasetId) {}
}

/// The host that the tasks of one executor share.
#[derive(Clone)]
pub struct SharedHost(Arc<Mutex<dyn ProgramHost>>);

impl SharedHost {
    pub fn new(host: impl ProgramHost + 'static) -> Self {
        Self(Arc::new(Mutex::new(host)))
    }

    pub fn get(&self) -> MutexGuard<'_, dyn ProgramHost + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedHost")
    }
}

/// Where no functions can run.
#[derive(Debug, Default)]
pub struct NoPrograms;

impl ProgramHost for NoPrograms {
    fn load(&mut self, _: PlanId, _: &str, _: &[Vec<u8>]) -> Result<()> {
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
