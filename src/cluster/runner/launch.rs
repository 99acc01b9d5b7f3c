//! Launching a task where its state is, or with its state: what the driver knows of state, and what must be read first.
//!
//! | the state is | first try | later tries |
//! |--------------|-----------|-------------|
//! | on the executor | nothing is sent | all deltas are sent |
//! | on another executor, held by the driver | all deltas are sent | all deltas are sent |
//! | durable only | the launch waits until its files are read | the same |

use std::collections::BTreeSet;

use arrow::buffer::Buffer;

use super::{Effect, JobRunner, SourceBlock, kept_in};
use crate::cluster::message::{Run, StateRef, ToExecutor};
use crate::error::SparkError;
use crate::exec::inputs::StateStats;
use crate::exec::stage::Read;
use crate::ids::{BatchId, ExecutorRef, OperatorId, PartitionId, RunId, StateId, StatePart, TaskId};
use crate::scheduler::Fetch;
use crate::scheduler::event::{Event, Failure};

/// Default number of deltas in a row before a task must write a full snapshot.
const DELTAS_PER_SNAPSHOT: usize = 16;

/// How a run keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateKeeping {
    /// Whether the run's owner writes state down ([`Outcome::changes`]) and reads it back; else the driver holds all
    /// changes.
    pub durable: bool,
    /// Deltas in a row before a task writes a full snapshot.
    pub deltas_per_snapshot: usize,
}

impl Default for StateKeeping {
    fn default() -> Self {
        Self {
            durable: false,
            deltas_per_snapshot: DELTAS_PER_SNAPSHOT,
        }
    }
}

/// A piece of state as the driver knows it.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// Who has it; `None` after a restart.
    pub(super) executor: Option<ExecutorRef>,
    /// The batch whose changes are in.
    pub(super) version: BatchId,
    /// Snapshot and deltas since; empty if they are durable.
    pub(super) deltas: Vec<Buffer>,
    /// Deltas in a row, from the last snapshot on.
    pub(super) chain: usize,
    /// What the last batch that changed it said of it.
    pub(super) stats: StateStats,
}

/// A launch that waits for durable state.
pub(super) struct Parked {
    /// Where the task is to run.
    pub(super) executor: ExecutorRef,
    /// The try.
    pub(super) task: TaskId,
    /// The blocks that it reads.
    pub(super) fetches: Vec<Fetch>,
    /// State that is being read.
    pub(super) missing: BTreeSet<StateId>,
}

impl JobRunner {
    /// Notes a piece of durable state as of `version`, whose files have `chain` deltas in a row: nobody has it yet.
    pub fn restore_state(&mut self, piece: StateId, version: BatchId, chain: usize) {
        let home = Home {
            executor: None,
            version,
            deltas: vec![],
            chain,
            stats: StateStats::unknown(),
        };
        self.homes.insert(piece, home);
    }

    /// Returns the message that starts a task, or what must be read before; `None` if the job is gone.
    pub(super) fn launch(&mut self, executor: ExecutorRef, task: TaskId, fetches: Vec<Fetch>) -> Option<Vec<Effect>> {
        let mut needs = Vec::new();
        let job = self.jobs.get(&task.job)?;
        let graph = &self.plans.get(&job.plan)?.graph;
        let stage = graph.stages.get(task.stage.0)?;
        let mut blobs = Vec::new();
        let (mut scans, mut files, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        let reads = stage.reads_beside(task.partition, &kept_in(&fetches));
        for part in reads.iter().filter_map(Read::scan) {
            let blocks = job.request.scans.get(&part).map(Vec::as_slice);
            let blocks = blocks.unwrap_or_default();
            scans.push((part.scan, blocks.len()));
            for block in blocks {
                blobs.push(match block {
                    SourceBlock::Bytes(bytes) => bytes.clone(),
                    SourceBlock::File(path) => {
                        files.push((blobs.len(), path.clone()));
                        Buffer::default()
                    }
                    SourceBlock::Order(order) => {
                        orders.push(blobs.len());
                        order.clone()
                    }
                });
            }
        }
        let mut states = Vec::new();
        let mut missing = BTreeSet::new();
        for operator in job.request.run.map(|_| stage.stateful.as_slice()).unwrap_or_default() {
            let run = job.request.run?;
            let piece = state_id(run, *operator, task.partition);
            let keeping = self.keeping.get(&run).copied().unwrap_or_default();
            let home = self.homes.get(&piece);
            // The first try trusts the executor to have the state; any other brings it along.
            let bring = home.filter(|h| h.executor != Some(executor) || task.attempt > 0);
            let load = match bring {
                Some(home) if keeping.durable => {
                    if let Some(files) = self.loaded.get(&piece) {
                        blobs.extend(files.iter().cloned());
                        Some(files.len())
                    } else {
                        missing.insert(piece);
                        needs.push(Effect::LoadState {
                            piece,
                            version: home.version,
                        });
                        None
                    }
                }
                Some(home) => {
                    blobs.extend(home.deltas.iter().cloned());
                    Some(home.deltas.len())
                }
                None => None,
            };
            states.push(StateRef {
                run,
                operator: *operator,
                version: home.map_or(BatchId::NONE, |h| h.version),
                load,
                snapshot: snapshot_is_due(home, keeping),
            });
        }
        if !missing.is_empty() {
            self.parked.push(Parked {
                executor,
                task,
                fetches,
                missing,
            });
            return Some(needs);
        }
        let run = Run {
            task,
            plan: job.plan,
            fetches,
            scans,
            files,
            orders,
            batch: job.request.batch.clone(),
            states,
            max_result: job.request.limits.result_bytes,
            stay: None,
        };
        Some(vec![Effect::Send {
            to: executor,
            message: ToExecutor::Run(run),
            blobs,
        }])
    }

    /// Takes in the files of durable state that a launch waits for, as of `version`, oldest first, or why they cannot be read:
    /// the job fails then.
    ///
    /// What was asked for a try that is over may come when a later job waits for the same piece: it lacks what was changed
    /// since, and is not taken for what that job has asked for.
    pub fn state_loaded(
        &mut self,
        (piece, version): (StateId, BatchId),
        files: Result<Vec<Buffer>, SparkError>,
        now_ms: i64,
    ) -> Vec<Effect> {
        if self.homes.get(&piece).is_none_or(|home| home.version != version) {
            return vec![];
        }
        let waits = |parked: &Parked| parked.missing.contains(&piece);
        let files = match files {
            Ok(files) => files,
            Err(error) => {
                let (lost, kept) = std::mem::take(&mut self.parked).into_iter().partition(waits);
                self.parked = kept;
                let mut effects = self.give_up(lost, &error, now_ms);
                effects.extend(self.flow_state_loaded(piece, Some(&error), now_ms));
                return effects;
            }
        };
        self.loaded.insert(piece, files);
        let mut ready = Vec::new();
        for mut parked in std::mem::take(&mut self.parked) {
            parked.missing.remove(&piece);
            if parked.missing.is_empty() {
                ready.push(parked);
            } else {
                self.parked.push(parked);
            }
        }
        let mut effects = self.flow_state_loaded(piece, None, now_ms);
        for parked in ready {
            effects.extend(
                self.launch(parked.executor, parked.task, parked.fetches)
                    .into_iter()
                    .flatten(),
            );
        }
        // Tries that come later read again: what is durable is not held.
        let wanted = |piece: &StateId| {
            self.flow_wants(piece)
                || self.parked.iter().any(|p| {
                    (p.task.partition, Some(piece.run))
                        == (
                            piece.part.partition,
                            self.jobs.get(&p.task.job).and_then(|j| j.request.run),
                        )
                })
        };
        let kept: BTreeSet<StateId> = self.loaded.keys().copied().filter(wanted).collect();
        self.loaded.retain(|piece, _| kept.contains(piece));
        effects
    }

    /// Fails launches whose state cannot be read.
    pub(super) fn give_up(&mut self, lost: Vec<Parked>, error: &SparkError, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for parked in lost {
            let commands = self.scheduler.step(
                now_ms,
                Event::Failed {
                    task: parked.task,
                    executor: parked.executor,
                    failure: Failure::Error {
                        error: error.clone(),
                        retryable: false,
                    },
                },
            );
            effects.extend(self.carry_out(commands, now_ms));
        }
        effects
    }
}

/// Names the state of one operator in one partition of a run.
pub(super) fn state_id(run: RunId, operator: OperatorId, partition: PartitionId) -> StateId {
    let part = StatePart { operator, partition };
    StateId { run, part }
}

/// How many times as long as what they began with deltas that the driver holds may be together: a snapshot costs what the
/// state is long, and should not be made for little.
const SNAPSHOT_RATIO: usize = 2;

/// Most deltas in a row that the driver holds.
const MAX_HELD_DELTAS: usize = 256;

/// Returns whether a task is asked for all of a piece of state: after `deltas_per_snapshot` deltas in a row and, where the driver
/// holds them, once they are long or many.
pub(super) fn snapshot_is_due(home: Option<&Home>, keeping: StateKeeping) -> bool {
    let Some(home) = home.filter(|h| h.chain + 1 >= keeping.deltas_per_snapshot) else {
        return false;
    };
    let Some((first, rest)) = home.deltas.split_first() else {
        return true;
    };
    let later: usize = rest.iter().map(Buffer::len).sum();
    later >= SNAPSHOT_RATIO * first.len() || rest.len() >= MAX_HELD_DELTAS
}
