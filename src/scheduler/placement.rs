//! Which task runs next, where, and which blocks it reads.
//!
//! A task goes to the executor that has its state or a kept partition of its lineage, and waits for it if it is busy:
//! bringing state over costs more than waiting. Other tasks go to the least busy executor.

use std::collections::{BTreeMap, BTreeSet};

use super::outputs::Outputs;
use super::stage::{Job, TaskState};
use super::{BlockId, Fetch};
use crate::ids::{ExecutorId, ExecutorRef, Incarnation, KeptId, PartitionId, StageId, StagePart, TaskId};

/// A worker: its life, and what it runs.
#[derive(Debug)]
pub(super) struct Executor {
    /// Which of its lives it is in.
    pub(super) incarnation: Incarnation,
    /// How many tasks it runs at a time.
    pub(super) slots: usize,
    /// Tries that it runs.
    pub(super) running: BTreeSet<TaskId>,
}

/// A task that may be launched now, and where.
pub(super) struct Next {
    /// Its stage.
    pub(super) stage: StageId,
    /// Its partition.
    pub(super) partition: PartitionId,
    /// Where it runs.
    pub(super) executor: ExecutorRef,
    /// The blocks that it needs.
    pub(super) fetches: Vec<Fetch>,
}

impl Executor {
    /// Returns whether a slot is free.
    pub(super) fn is_free(&self) -> bool {
        self.running.len() < self.slots
    }
}

impl Job {
    /// Returns a slow task, and another executor for a copy of it.
    pub(super) fn slow(
        &self,
        outputs: &Outputs,
        executors: &BTreeMap<ExecutorId, Executor>,
        now_ms: i64,
    ) -> Option<Next> {
        (0..self.stages.len()).find_map(|number| {
            let stage = StageId(number);
            let threshold = self.threshold_ms(number)?;
            let tasks = &self.stages[number].tasks;
            PartitionId::first(tasks.len())
                .zip(tasks)
                .find_map(|(partition, task)| {
                    let slow = task.only_try().filter(|t| now_ms - t.since_ms >= threshold)?;
                    let (reads, kept) = self.stages[number].resolve(partition, outputs);
                    if !self.complete(reads.iter().map(|part| part.stage)) {
                        return None;
                    }
                    let others = executors
                        .iter()
                        .filter(|(id, e)| **id != slow.executor.id && e.is_free());
                    let (id, other) = others.min_by_key(|(_, e)| e.running.len())?;
                    let executor = ExecutorRef {
                        id: *id,
                        incarnation: other.incarnation,
                    };
                    Some(Next {
                        stage,
                        partition,
                        executor,
                        fetches: self.inputs(&reads, kept, executor, outputs),
                    })
                })
        })
    }

    /// Returns all blocks that a task needs where it runs: shuffled ones, and kept ones from the nearest holder.
    fn inputs(&self, reads: &[StagePart], kept: Vec<KeptId>, executor: ExecutorRef, outputs: &Outputs) -> Vec<Fetch> {
        let mut fetches = self.fetches(reads);
        fetches.extend(kept.into_iter().filter_map(|id| {
            let from = outputs.holder(id, Some(executor))?;
            Some(Fetch {
                from,
                block: BlockId::Kept(id),
                stage: StageId::default(),
            })
        }));
        fetches
    }

    /// Returns the first task that can run now, where, and the blocks that it reads.
    pub(super) fn next(&self, outputs: &Outputs, executors: &BTreeMap<ExecutorId, Executor>) -> Option<Next> {
        let needed = self.needed(outputs);
        for (number, stage) in self.stages.iter().enumerate().filter(|(n, _)| needed[*n]) {
            let plain = stage.spec.kept.is_empty();
            if plain && !self.complete(stage.spec.parents.iter().copied()) {
                continue;
            }
            for (partition, task) in PartitionId::first(stage.tasks.len()).zip(&stage.tasks) {
                if task.state != TaskState::Pending {
                    continue;
                }
                let (reads, kept) = stage.resolve(partition, outputs);
                if !plain && !self.complete(reads.iter().map(|part| part.stage)) {
                    continue;
                }
                let near = kept.first().and_then(|id| outputs.holder(*id, None)).map(|e| e.id);
                let preferred = stage.spec.preferred.get(partition.0).copied().flatten().or(near);
                if let Some(executor) = place(executors, preferred) {
                    return Some(Next {
                        stage: StageId(number),
                        partition,
                        executor,
                        fetches: self.inputs(&reads, kept, executor, outputs),
                    });
                }
            }
        }
        None
    }

    /// Returns the shuffled blocks that a task reads: one per map task whose output has rows for it.
    fn fetches(&self, reads: &[StagePart]) -> Vec<Fetch> {
        let maps = reads.iter().flat_map(|part| {
            let tasks = self.stages[part.stage.0].tasks.iter();
            tasks.map(move |t| (&t.state, part.stage, part.partition))
        });
        maps.filter_map(|(state, stage, partition)| match state {
            TaskState::Done(output) if output.rows.get(partition.0).is_some_and(|n| *n > 0) => Some(Fetch {
                from: output.executor,
                block: BlockId::Shuffle {
                    task: output.task,
                    partition,
                },
                stage,
            }),
            _ => None,
        })
        .collect()
    }
}

/// Returns the preferred executor if it lives (a busy one is waited for: its state is there), else the least busy one
/// that has a slot free.
fn place(executors: &BTreeMap<ExecutorId, Executor>, preferred: Option<ExecutorId>) -> Option<ExecutorRef> {
    let found = match preferred.and_then(|id| executors.get_key_value(&id)) {
        Some(found) => Some(found).filter(|(_, e)| e.is_free()),
        None => executors
            .iter()
            .filter(|(_, e)| e.is_free())
            .min_by_key(|(_, e)| e.running.len()),
    };
    found.map(|(id, executor)| ExecutorRef {
        id: *id,
        incarnation: executor.incarnation,
    })
}
