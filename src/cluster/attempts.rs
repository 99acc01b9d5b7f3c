//! What became of the tries of a job's tasks, for status displays.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::exec::stage::{Stage, StageGraph};
use crate::ids::{ExecutorId, ExecutorRef, PartitionId, StageId, StagePart, TaskId};

/// Most tries that a stage of an ended job shows.
const SHOWN: usize = 500;

/// What people read of a stage, the same for all jobs of a plan.
#[derive(Debug)]
pub struct Shown {
    /// Its operators, from the leaf to the top.
    name: String,
    /// Its operators, one per line.
    operators: String,
}

impl Shown {
    /// Returns what people read of a stage.
    pub fn of(stage: &Stage) -> Self {
        Self {
            name: stage.name(),
            operators: stage.describe(),
        }
    }
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AttemptState {
    /// It runs, or waits for its blocks.
    Running,
    /// It counts.
    Done,
    /// It ended with an error.
    Failed,
    /// Its executor died, or another try of the task was quicker.
    Lost,
}

/// One try at one task. Times are the driver's, ms since the epoch.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStatus {
    /// The task's partition.
    pub partition: PartitionId,
    /// The try's number within the task, from 0.
    pub attempt: u32,
    /// Where it runs.
    pub executor: ExecutorId,
    /// When it was launched.
    pub start_ms: i64,
    /// When it ended; `None` while it runs.
    pub end_ms: Option<i64>,
    /// What became of it.
    pub state: AttemptState,
    /// Whether another try ran when it was launched.
    pub speculative: bool,
    /// Bytes that its operators wrote to their executor's storage for want of memory.
    pub disk_bytes_spilled: u64,
}

/// A job's stage, for status displays.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageStatus {
    /// The stage's number.
    pub id: StageId,
    /// The most often that one of its tasks was tried again.
    pub attempt: u32,
    /// Its operators, from the leaf to the top.
    pub name: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// How many tries run.
    pub running: usize,
    /// How many tasks are done.
    pub completed: usize,
    /// How many tries failed.
    pub failed: usize,
    /// Whether nothing of it had to run: an earlier job had made its output, or what is made of it is kept.
    pub skipped: bool,
    /// Stages whose output it reads.
    pub parents: Vec<StageId>,
    /// Its operators, one per line.
    pub operators: String,
    /// Its tries, the last 500.
    pub attempts: Vec<AttemptStatus>,
}

/// The tries of one job, in the order of tasks and attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts(BTreeMap<TaskId, (ExecutorRef, AttemptStatus)>);

impl Attempts {
    /// Notes a launched try.
    pub fn started(&mut self, task: TaskId, executor: ExecutorRef, speculative: bool, now_ms: i64) {
        let status = AttemptStatus {
            partition: task.partition,
            attempt: task.attempt,
            executor: executor.id,
            start_ms: now_ms,
            end_ms: None,
            state: AttemptState::Running,
            speculative,
            disk_bytes_spilled: 0,
        };
        self.0.insert(task, (executor, status));
    }

    /// Notes that a try has ended, unless it had before.
    pub fn ended(&mut self, task: TaskId, state: AttemptState, now_ms: i64) {
        if let Some((_, status)) = self.0.get_mut(&task)
            && status.state == AttemptState::Running
        {
            (status.state, status.end_ms) = (state, Some(now_ms));
        }
    }

    /// Notes how many bytes a try has spilled.
    pub fn spilled(&mut self, task: TaskId, bytes: u64) {
        if let Some((_, status)) = self.0.get_mut(&task) {
            status.disk_bytes_spilled = bytes;
        }
    }

    /// Notes that what runs on the executor, or on any with `None`, is lost.
    pub fn lost(&mut self, executor: Option<ExecutorRef>, now_ms: i64) {
        for (on, status) in self.0.values_mut() {
            if executor.is_none_or(|e| e == *on) && status.state == AttemptState::Running {
                (status.state, status.end_ms) = (AttemptState::Lost, Some(now_ms));
            }
        }
    }

    /// Returns the tasks that run on an executor.
    pub fn running_on(&self, executor: ExecutorRef) -> impl Iterator<Item = StagePart> {
        let running = self
            .0
            .iter()
            .filter(move |(_, (on, status))| *on == executor && status.state == AttemptState::Running);
        running.map(|(task, _)| task.part())
    }

    /// Returns when the oldest try that runs began, ms since the epoch.
    pub fn oldest_ms(&self) -> Option<i64> {
        let running = self
            .0
            .values()
            .filter(|(_, status)| status.state == AttemptState::Running);
        running.map(|(_, status)| status.start_ms).min()
    }

    /// Returns the executors on which tries run, each once.
    pub fn busy(&self) -> Vec<ExecutorRef> {
        let running = self
            .0
            .values()
            .filter(|(_, status)| status.state == AttemptState::Running);
        let busy: BTreeSet<ExecutorRef> = running.map(|(executor, _)| *executor).collect();
        busy.into_iter().collect()
    }

    /// Returns the stages as they are now, each with what is shown of it; `over` says whether the job has ended.
    pub fn stages(&self, graph: &StageGraph, shown: &[Shown], over: bool) -> Vec<StageStatus> {
        let of_stage = |stage: StageId| {
            let tries = self.0.iter().filter(move |(task, _)| task.stage == stage);
            tries.map(|(_, (_, status))| status)
        };
        let status = |(stage, shown): (&Stage, &Shown)| {
            let count = |state| of_stage(stage.id).filter(|t| t.state == state).count();
            let done = of_stage(stage.id).filter(|t| t.state == AttemptState::Done);
            let done: BTreeSet<PartitionId> = done.map(|t| t.partition).collect();
            let tries = of_stage(stage.id).count();
            StageStatus {
                id: stage.id,
                attempt: of_stage(stage.id).map(|t| t.attempt).max().unwrap_or(0),
                name: shown.name.clone(),
                tasks: stage.tasks(),
                running: count(AttemptState::Running),
                completed: done.len(),
                failed: count(AttemptState::Failed),
                skipped: over && tries == 0,
                parents: stage.parents.clone(),
                operators: shown.operators.clone(),
                attempts: of_stage(stage.id).skip(tries.saturating_sub(SHOWN)).cloned().collect(),
            }
        };
        graph.stages.iter().zip(shown).map(status).collect()
    }
}
