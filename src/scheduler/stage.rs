//! The state of jobs, stages and tasks.
//!
//! A task:
//!
//! ```text
//!            launched                finished, counts
//!  Pending ────────────▶ Running ──────────────────────▶ Done
//!     ▲                  │  │ ▲ slow: a copy runs, too    │
//!     │ failed or lost,  │  └─┘                           │ its output is lost with an executor,
//!     │ the last attempt │                                │ and a task that is not done reads it
//!     └──────────────────┘◀───────────────────────────────┘
//! ```
//!
//! A task that fails [`MAX_FAILURES`](super::dag::MAX_FAILURES) times ends its job. A stage has no state of its own; it
//! follows from its tasks and those of its parents:
//!
//! ```text
//!  not needed ──▶ needed ──▶ ready ──▶ complete
//!                   │          ▲           │
//!                   │ parents  │ complete  │ an output is lost
//!                   └──────────┘           └──────────▶ needed again, for what is missing
//! ```

use super::event::StageSpec;
use super::outputs::{Output, Outputs};
use super::pools::Pool;
use super::speculation::Speculation;
use crate::exec::stage;
use crate::ids::{ExecutorRef, KeptId, PartitionId, StageId, StagePart};

/// Where a task is; see the module's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TaskState {
    /// It waits for its inputs or for a slot.
    Pending,
    /// One try, or a slow one and its copy.
    Running(Vec<Try>),
    /// A try counts, and this is its output.
    Done(Output),
}

/// One attempt at a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Try {
    /// Its number within the task, from 0.
    pub(super) attempt: u32,
    /// Where it runs.
    pub(super) executor: ExecutorRef,
    /// Since when, ms since the epoch.
    pub(super) since_ms: i64,
}

/// One partition of a stage.
#[derive(Debug)]
pub(super) struct Task {
    /// Where it is.
    pub(super) state: TaskState,
    /// The number of its next try.
    pub(super) next_attempt: u32,
    /// How many of its tries failed, and how many executors died under it.
    pub(super) failures: u32,
}

/// A stage of a job that runs.
#[derive(Debug)]
pub(super) struct StageRun {
    /// What it is.
    pub(super) spec: StageSpec,
    /// Its tasks, by partition.
    pub(super) tasks: Vec<Task>,
    /// How long tries that counted took, ms.
    pub(super) took_ms: Vec<i64>,
}

/// A job that runs.
#[derive(Debug)]
pub(super) struct Job {
    /// Whose share of the slots it takes.
    pub(super) pool: Pool,
    /// When a task is slow; `None` if none ever is.
    pub(super) speculation: Option<Speculation>,
    /// Its stages, parents first.
    pub(super) stages: Vec<StageRun>,
}

impl Task {
    /// Returns the try of a task that has no copy.
    pub(super) fn only_try(&self) -> Option<&Try> {
        match &self.state {
            TaskState::Running(tries) if tries.len() == 1 => tries.first(),
            _ => None,
        }
    }
}

impl StageRun {
    /// Returns whether all tasks are done.
    pub(super) fn complete(&self) -> bool {
        self.tasks.iter().all(|t| matches!(t.state, TaskState::Done(_)))
    }

    /// Returns what a task reads of other stages, and the cached partitions that stand for the rest of its lineage.
    pub(super) fn resolve(&self, partition: PartitionId, outputs: &Outputs) -> (Vec<StagePart>, Vec<KeptId>) {
        let kept = self.spec.kept.get(partition.0).map(Vec::as_slice).unwrap_or_default();
        let cached = |id| outputs.holder(id, None).is_some();
        stage::reads_past(&self.spec.reads[partition.0], kept, cached)
    }
}

impl Job {
    /// Returns how many of the job's tasks run.
    pub(super) fn running(&self) -> usize {
        let tasks = self.stages.iter().flat_map(|s| &s.tasks);
        tasks.filter(|t| matches!(t.state, TaskState::Running(_))).count()
    }

    /// Returns how long a task of a stage may run before it is slow, ms; `None` if that cannot be known.
    pub(super) fn threshold_ms(&self, stage: usize) -> Option<i64> {
        let run = &self.stages[stage];
        self.speculation?.threshold_ms(run.tasks.len(), &run.took_ms)
    }

    /// Returns whether all these stages are complete.
    pub(super) fn complete(&self, mut stages: impl Iterator<Item = StageId>) -> bool {
        stages.all(|s| self.stages[s.0].complete())
    }

    /// Returns, per stage, whether its missing tasks are to run: it is the result, or a task that is not done reads its
    /// output.
    pub(super) fn needed(&self, outputs: &Outputs) -> Vec<bool> {
        let mut needed: Vec<bool> = self.stages.iter().map(|s| s.spec.result).collect();
        // Parents come before children.
        for (number, stage) in self.stages.iter().enumerate().rev() {
            if !needed[number] || stage.complete() {
                continue;
            }
            if stage.spec.kept.is_empty() {
                stage.spec.parents.iter().for_each(|p| needed[p.0] = true);
                continue;
            }
            let missing = stage.tasks.iter().enumerate();
            for (partition, _) in missing.filter(|(_, t)| !matches!(t.state, TaskState::Done(_))) {
                let (reads, _) = stage.resolve(PartitionId(partition), outputs);
                reads.iter().for_each(|part| needed[part.stage.0] = true);
            }
        }
        needed
    }

    /// Marks outputs as lost: their tasks run again. Results stay: the driver has them.
    pub(super) fn forget(&mut self, lost: impl Fn(&Output) -> bool) {
        for stage in self.stages.iter_mut().filter(|s| !s.spec.result) {
            for task in &mut stage.tasks {
                if matches!(&task.state, TaskState::Done(output) if lost(output)) {
                    task.state = TaskState::Pending;
                }
            }
        }
    }
}
