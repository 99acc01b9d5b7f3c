//! What driver and executors tell each other. Headers are small JSON; bulk bytes travel beside them as blobs.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use crate::compile::job::JobSpec;
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, TaskReport};
use crate::ids::{BatchId, DatasetId, JobId, KeptId, OperatorId, PlanId, RunId, ScanId, TaskId};
use crate::plan::output_mode::OutputMode;
use crate::scheduler::Fetch;
use crate::settings::Conf;

/// A [`JobSpec`] without its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecHeader {
    conf: Conf,
    views: Vec<String>,
    now_us: i64,
    mode: Option<OutputMode>,
    files: BTreeMap<String, (Vec<String>, String)>,
    models: Vec<String>,
}

impl SpecHeader {
    /// Header and blobs: the relation, then the views, then the models.
    pub fn of(spec: &JobSpec) -> (Self, Vec<Buffer>) {
        let mut blobs = vec![Buffer::from(spec.relation.clone())];
        blobs.extend(spec.views.values().map(|v| Buffer::from(v.clone())));
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
            },
            blobs,
        )
    }

    pub fn spec(self, blobs: &[Buffer]) -> Result<JobSpec> {
        let wanted = self.views.len() + self.models.len();
        let Some((relation, rest)) = blobs.split_first().filter(|(_, rest)| rest.len() == wanted) else {
            return Err(SparkError::internal("a plan came without its bytes"));
        };
        let (views, models) = rest.split_at(self.views.len());
        Ok(JobSpec {
            relation: relation.to_vec(),
            conf: self.conf,
            views: self.views.into_iter().zip(views.iter().map(|v| v.to_vec())).collect(),
            now_us: self.now_us,
            mode: self.mode,
            files: self.files,
            models: self.models.into_iter().zip(models.iter().map(|m| m.to_vec())).collect(),
        })
    }
}

/// State that a task works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRef {
    pub run: RunId,
    pub operator: OperatorId,
    /// The batch whose changes the state must have: -1 before the first.
    pub version: BatchId,
    /// Blobs with all deltas up to `version`; none where the executor should have it.
    pub load: Option<usize>,
    /// The whole state is wanted in place of the change, to start a new chain of deltas.
    pub snapshot: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToExecutor {
    Plan {
        plan: PlanId,
        spec: SpecHeader,
    },
    DropPlan {
        plan: PlanId,
    },
    Run(Run),
    Kill {
        task: TaskId,
    },
    /// The job is over: its blocks are not needed any more, but for those of these tries.
    DropJob {
        job: JobId,
        keep: Vec<TaskId>,
    },
    /// Blocks of tries, and kept datasets, that nobody reads any more.
    Forget {
        tasks: Vec<TaskId>,
        datasets: Vec<DatasetId>,
    },
    DropState {
        run: RunId,
    },
}

/// One task to run. Blobs: scan blocks in the order of `scans`, then state deltas in the order of `states`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub task: TaskId,
    pub plan: PlanId,
    pub fetches: Vec<Fetch>,
    /// (scan, blobs).
    pub scans: Vec<(ScanId, usize)>,
    pub batch: Option<BatchContext>,
    pub states: Vec<StateRef>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromExecutor {
    /// Blobs: result pieces (for a result stage), one state delta per operator of `deltas`, and the updates of accumulators if
    /// there are some.
    Finished {
        task: TaskId,
        rows: Vec<u64>,
        report: TaskReport,
        results: usize,
        deltas: Vec<OperatorId>,
        /// Partitions that the executor keeps now, and their bytes.
        kept: Vec<(KeptId, u64)>,
        updates: bool,
    },
    Failed {
        task: TaskId,
        error: SparkError,
        retryable: bool,
    },
    FetchFailed {
        task: TaskId,
        fetch: Fetch,
    },
    StateMissing {
        task: TaskId,
    },
    /// A message between workers could not be read or written: they are of different versions, or this is a bug.
    Unreadable {
        error: SparkError,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    Fetch {
        fetches: Vec<Fetch>,
    },
    /// Blobs for those of `found`, in order; `missing` are not here.
    Blocks {
        found: Vec<Fetch>,
        missing: Vec<Fetch>,
    },
}

/// Writes a header as bytes.
///
/// # Errors
/// `INTERNAL_ERROR`, for a message that has no form in JSON.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(message)
        .map_err(|e| SparkError::internal(format!("a message between workers cannot be written: {e}")))
}

/// Reads a header from bytes.
///
/// # Errors
/// `INTERNAL_ERROR` if the bytes are not such a message: sender and receiver differ in version.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|e| SparkError::internal(format!("a message between workers cannot be read: {e}")))
}
