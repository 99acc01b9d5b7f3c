//! The driver's side of the cluster: plans on executors, jobs through the scheduler, where state is and what it was.
//!
//! A try's rows, report and state changes are held back (`Arrival`) until the scheduler accepts the try; state
//! changes are held back further until the job is done. So a job that fails, or a try that loses, changes nothing.
//!
//! ```text
//!  submit ─▶ scheduler ─Launch─▶ executor ─Finished─▶ arrived ─Accepted─▶ results, reports, changes ─JobDone─▶ Outcome
//! ```

mod ends;
mod finish;
mod flow;
mod launch;
mod plan;
mod resting;
mod submit;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use arrow::buffer::Buffer;

pub use ends::Limits;
use ends::{Asked, Deaths};
pub use launch::StateKeeping;
use launch::{Home, Parked};
use plan::Plan;

use crate::cluster::attempts::{AttemptState, Attempts, StageStatus};
use crate::cluster::message::{FromExecutor, PageSink, SpecHeader, ToExecutor};
use crate::compile::job::JobSpec;
use crate::error::{Fault, SparkError};
use crate::exec::inputs::{BatchContext, StateStats, TaskReport};
use crate::exec::stage::StageGraph;
use crate::ids::{
    BatchId, DatasetId, ExecutorId, ExecutorRef, JobId, KeptId, OperatorId, PartitionId, PlanId, RunId, ScanPart,
    StagePart, StateId, StatePart, TaskId,
};
use crate::scheduler::dag::Scheduler;
use crate::scheduler::event::{Command, Event, Failure};
use crate::scheduler::pools::Pool;
use crate::scheduler::{BlockId, Fetch};

/// A block of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceBlock {
    /// What it holds.
    Bytes(Buffer),
    /// The path of a file that the host sends along when the task is launched.
    File(String),
    /// An order for records, as JSON, that the executor's host carries out.
    Order(Buffer),
}

impl SourceBlock {
    /// Returns what the block holds; `None` if it is not here.
    pub fn bytes(&self) -> Option<&Buffer> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::File(_) | Self::Order(_) => None,
        }
    }
}

/// Blocks of sources, by partition of a scan.
pub type ScanBlocks = HashMap<ScanPart, Vec<SourceBlock>>;

/// A job to run: everything that differs between jobs of one plan.
#[derive(Debug, Default)]
pub struct JobRequest {
    /// What lists of jobs show.
    pub description: String,
    /// Blocks of its sources.
    pub scans: ScanBlocks,
    /// The micro-batch; `None` for a batch job.
    pub batch: Option<BatchContext>,
    /// The run whose state the job reads and changes; `None` for a job without state.
    pub run: Option<RunId>,
    /// What it may take.
    pub limits: Limits,
    /// Whose share of the executors it takes; `None` for what its settings say.
    pub pool: Option<Pool>,
    /// Whether its result is handed over as it comes ([`Effect::Rows`]), and not at its end.
    pub in_pieces: bool,
    /// The page's function that takes the rows of a continuous query from the executors; `None` if they come to the driver.
    pub shows: Option<Box<PageSink>>,
}

/// What comes of a step, for the driver to carry out.
#[derive(Debug)]
pub enum Effect {
    /// A message goes to an executor.
    Send {
        /// Which.
        to: ExecutorRef,
        /// The message.
        message: ToExecutor,
        /// Its blobs.
        blobs: Vec<Buffer>,
    },
    /// A job that hands over its result in pieces has more of it. The pieces follow those that were handed over before.
    Rows {
        /// The job.
        job: JobId,
        /// Arrow IPC streams in the order of the result's partitions.
        pieces: Vec<Buffer>,
    },
    /// Counts the lots of rows that executors have handed to the page since the continuous query's job began.
    Shown {
        /// The job.
        job: JobId,
        /// The lots.
        lots: u64,
    },
    /// A continuous query has rows of an epoch. They follow those that came before.
    Emitted {
        /// The job.
        job: JobId,
        /// The epoch.
        epoch: BatchId,
        /// Arrow IPC streams.
        pieces: Vec<Buffer>,
    },
    /// A continuous query can be fed with more.
    Room {
        /// The job.
        job: JobId,
    },
    /// An epoch of a continuous query has passed; its rows were handed over before.
    Passed {
        /// The job.
        job: JobId,
        /// What the epoch made.
        outcome: Outcome,
    },
    /// A job is done.
    Done {
        /// The job.
        job: JobId,
        /// What it made.
        outcome: Outcome,
    },
    /// A job has failed.
    Failed {
        /// The job.
        job: JobId,
        /// Why.
        error: SparkError,
    },
    /// An executor is ended and replaced.
    Replace {
        /// Which.
        executor: ExecutorRef,
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// A task needs durable state; the answer is [`JobRunner::state_loaded`].
    LoadState {
        /// Which state.
        piece: StateId,
        /// The batch whose changes it must have.
        version: BatchId,
    },
}

/// What a job made of a piece of durable state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Which.
    pub part: StatePart,
    /// Whether it is all of the state, in place of what changed.
    pub snapshot: bool,
    /// The delta or snapshot.
    pub bytes: Buffer,
}

/// What a finished job made.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is to be made durable; empty for a run that keeps its state in the driver.
    pub changes: Vec<StateChange>,
    /// Arrow IPC streams in the order of the result's partitions, without those that were handed over before.
    pub results: Vec<Buffer>,
    /// One report per task.
    pub reports: Vec<(StagePart, TaskReport)>,
    /// What accepted tries added to accumulators.
    pub updates: Vec<Buffer>,
}

/// A job that runs.
struct Job {
    /// Its plan.
    plan: PlanId,
    /// What it was asked for with.
    request: JobRequest,
    /// Pieces of the result, by partition.
    results: BTreeMap<PartitionId, Vec<Buffer>>,
    /// Tasks of the result that are done, and their bytes.
    result_size: (usize, u64),
    /// The first partition of the result that is not handed over.
    next_piece: PartitionId,
    /// Reports of accepted tries.
    reports: BTreeMap<StagePart, TaskReport>,
    /// State changes of accepted tries, kept back until the job is done.
    changes: BTreeMap<StatePart, Change>,
    /// Finished tries that wait for the scheduler to decide.
    arrived: HashMap<TaskId, Arrival>,
    /// What became of its tries.
    attempts: Attempts,
    /// What accepted tries added to accumulators.
    updates: Vec<Buffer>,
    /// How many executors its tasks have ended.
    deaths: Deaths,
    /// When it was submitted, ms since the epoch.
    submitted_ms: i64,
}

/// A finished try.
struct Arrival {
    /// Where it ran.
    executor: ExecutorRef,
    /// What it counted.
    report: TaskReport,
    /// Its pieces of the result.
    pieces: Vec<Buffer>,
    /// State change by operator.
    deltas: Vec<(OperatorId, Buffer)>,
    /// What it added to accumulators.
    updates: Option<Buffer>,
}

/// A state change of an accepted try.
struct Change {
    /// Who has the state now.
    executor: ExecutorRef,
    /// The delta or snapshot.
    delta: Buffer,
    /// Whether it is a snapshot.
    snapshot: bool,
    /// What the try said of the state.
    stats: StateStats,
}

/// All plans, jobs and state of the driver.
///
/// ```
/// use rivulet::cluster::runner::JobRunner;
/// use rivulet::ids::ExecutorRef;
///
/// let mut runner = JobRunner::default();
/// runner.executor_added(ExecutorRef::at(0, 0), 1, 0);
/// assert_eq!(runner.executors().len(), 1);
/// assert_eq!(runner.wake_at(0), None);
/// ```
#[derive(Default)]
pub struct JobRunner {
    /// Decides what runs where.
    scheduler: Scheduler,
    /// Plans that executors have.
    plans: BTreeMap<PlanId, Plan>,
    /// Jobs that run.
    jobs: BTreeMap<JobId, Job>,
    /// Continuous queries.
    flows: BTreeMap<JobId, flow::Flow>,
    /// Where state is, and what it was.
    homes: BTreeMap<StateId, Home>,
    /// How each run keeps its state.
    keeping: BTreeMap<RunId, StateKeeping>,
    /// Launches that wait for durable state.
    parked: Vec<Parked>,
    /// State that was read for parked launches, until they leave.
    loaded: BTreeMap<StateId, Vec<Buffer>>,
    /// Tries that have nothing to do, with what they report.
    resting: VecDeque<(TaskId, ExecutorRef, TaskReport)>,
    /// The last number of a plan.
    next_plan: u64,
    /// The last number of a job.
    next_job: u64,
    /// The last number of a run.
    next_run: u64,
    /// Tasks done and failed by executor, for status displays.
    pub tallies: BTreeMap<ExecutorId, (u64, u64)>,
    /// Executors that have been asked to drop a job.
    asked: Asked,
    /// Executors whose heaps have become too large.
    swollen: BTreeSet<ExecutorRef>,
    /// Stages of jobs that have ended, until the driver takes them.
    ended: BTreeMap<JobId, Vec<StageStatus>>,
}

impl JobRunner {
    /// Returns the executors that live.
    pub fn executors(&self) -> Vec<ExecutorRef> {
        self.scheduler.executors().collect()
    }

    /// Returns how many tasks an executor runs.
    pub fn running_on(&self, executor: ExecutorId) -> usize {
        let stay = self.flows.values().flat_map(|flow| flow.attempts.busy());
        self.scheduler.running(executor) + stay.filter(|at| at.id == executor).count()
    }

    /// Begins a run of a streaming query, whose state is kept as said.
    pub fn new_run(&mut self, keeping: StateKeeping) -> RunId {
        self.next_run += 1;
        let run = RunId(self.next_run);
        self.keeping.insert(run, keeping);
        run
    }

    /// Makes another run whose state is kept as that of `old`, which is forgotten.
    pub fn renew_run(&mut self, old: RunId) -> (RunId, Vec<Effect>) {
        let keeping = self.keeping.get(&old).copied().unwrap_or_default();
        (self.new_run(keeping), self.drop_run(old))
    }

    /// Sends a plan to all executors, and to those that come later.
    pub fn register(&mut self, spec: JobSpec, graph: Arc<StageGraph>) -> (PlanId, Vec<Effect>) {
        self.next_plan += 1;
        let id = PlanId(self.next_plan);
        let effects = self.executors().into_iter().map(|to| announce(id, &spec, to)).collect();
        self.plans.insert(id, Plan::new(spec, graph));
        (id, effects)
    }

    /// Forgets a plan, here and on all executors.
    pub fn drop_plan(&mut self, plan: PlanId) -> Vec<Effect> {
        self.plans.remove(&plan);
        self.tell_all(&ToExecutor::DropPlan { plan })
    }

    /// Forgets a run's state, here and on all executors.
    pub fn drop_run(&mut self, run: RunId) -> Vec<Effect> {
        self.homes.retain(|piece, _| piece.run != run);
        self.loaded.retain(|piece, _| piece.run != run);
        self.keeping.remove(&run);
        self.tell_all(&ToExecutor::DropState { run })
    }

    /// Sends a message to all executors.
    fn tell_all(&self, message: &ToExecutor) -> Vec<Effect> {
        self.executors()
            .into_iter()
            .map(|to| Effect::Send {
                to,
                message: message.clone(),
                blobs: vec![],
            })
            .collect()
    }

    /// Forgets datasets that nobody reads any more, and those that are kept no longer (`unkept`), by key.
    pub fn forget(&mut self, datasets: Vec<DatasetId>, unkept: Vec<DatasetId>, now_ms: i64) -> Vec<Effect> {
        let mut commands = Vec::new();
        if !unkept.is_empty() {
            commands.extend(self.scheduler.step(now_ms, Event::Unkeep { datasets: unkept }));
        }
        if !datasets.is_empty() {
            commands.extend(self.scheduler.step(now_ms, Event::Forget { datasets }));
        }
        self.carry_out(commands, now_ms)
    }

    /// Returns, by dataset, the partitions that some executor keeps, and the bytes they take, about.
    pub fn storage(&self) -> BTreeMap<DatasetId, (usize, u64)> {
        self.scheduler.storage()
    }

    /// Takes in an executor: it gets all plans, then tasks.
    pub fn executor_added(&mut self, executor: ExecutorRef, slots: usize, now_ms: i64) -> Vec<Effect> {
        let mut effects: Vec<Effect> = self
            .plans
            .iter()
            .map(|(id, plan)| announce(*id, &plan.spec, executor))
            .collect();
        let commands = self.scheduler.step(now_ms, Event::ExecutorAdded { executor, slots });
        effects.extend(self.carry_out(commands, now_ms));
        effects.extend(self.place_flows(now_ms));
        effects
    }

    /// Takes in a message of an executor; what stale incarnations and tries say changes nothing.
    pub fn message(
        &mut self,
        from: ExecutorRef,
        message: FromExecutor,
        blobs: Vec<Buffer>,
        now_ms: i64,
    ) -> Vec<Effect> {
        let event = match message {
            FromExecutor::Finished {
                task,
                rows,
                report,
                results,
                deltas,
                kept,
                updates,
            } => {
                self.measure(from, task.job, report.heap_bytes);
                if let Some(job) = self.jobs.get_mut(&task.job) {
                    let mut blobs = blobs;
                    let updates = updates.then(|| blobs.pop()).flatten();
                    let mut blobs = blobs.into_iter();
                    let arrival = Arrival {
                        executor: from,
                        report: *report,
                        pieces: blobs.by_ref().take(results).collect(),
                        deltas: deltas.into_iter().zip(blobs).collect(),
                        updates,
                    };
                    job.arrived.insert(task, arrival);
                }
                Event::Finished {
                    task,
                    executor: from,
                    rows,
                    kept,
                }
            }
            FromExecutor::Stays { task } => return self.task_stays(task, now_ms),
            FromExecutor::Flowed { task, epoch, fed, lots } => {
                return self.rows_flowed((task, epoch), (fed, lots), blobs, now_ms);
            }
            FromExecutor::Passed {
                task,
                epoch,
                report,
                deltas,
            } => {
                let deltas = deltas.into_iter().zip(blobs).collect();
                return self.barrier_passed(from, (task, epoch), *report, deltas, now_ms);
            }
            FromExecutor::Failed { task, error, .. } if self.flows.contains_key(&task.job) => {
                self.tallies.entry(from.id).or_default().1 += 1;
                return self.fail_flow(task.job, error, now_ms);
            }
            FromExecutor::StateMissing { task } if self.flows.contains_key(&task.job) => {
                return self.fail_flow(
                    task.job,
                    SparkError::internal("state is not where it was").by(Fault::Engine),
                    now_ms,
                );
            }
            FromExecutor::Failed { task, error, retryable } => {
                self.tallies.entry(from.id).or_default().1 += 1;
                Event::Failed {
                    task,
                    executor: from,
                    failure: Failure::Error { error, retryable },
                }
            }
            FromExecutor::FetchFailed { task, fetch } => Event::Failed {
                task,
                executor: from,
                failure: Failure::FetchFailed { fetch },
            },
            FromExecutor::StateMissing { task } => Event::Failed {
                task,
                executor: from,
                failure: Failure::StateMissing,
            },
            FromExecutor::Unreadable { error } => return self.fail_all(&error, now_ms),
            FromExecutor::Dropped { job } => {
                self.asked.dropped(from, job);
                return vec![];
            }
            // No task says this: it is the driver's.
            FromExecutor::Receiver { .. } => return vec![],
        };
        if let Event::Failed { task, .. } = &event
            && let Some(job) = self.jobs.get_mut(&task.job)
        {
            job.attempts.ended(*task, AttemptState::Failed, now_ms);
        }
        let commands = self.scheduler.step(now_ms, event);
        let mut effects = self.carry_out(commands, now_ms);
        effects.extend(self.replace_swollen());
        effects
    }

    /// Fails every job: workers that do not understand each other can finish none.
    fn fail_all(&mut self, error: &SparkError, now_ms: i64) -> Vec<Effect> {
        let jobs: Vec<JobId> = self.jobs.keys().chain(self.flows.keys()).copied().collect();
        let mut effects = Vec::new();
        for job in jobs {
            effects.extend(self.cancel(job, now_ms));
            let error = error.clone();
            effects.push(Effect::Failed { job, error });
        }
        effects
    }

    /// Carries out the scheduler's commands.
    fn carry_out(&mut self, commands: Vec<Command>, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for command in commands {
            match command {
                Command::Launch {
                    executor,
                    task,
                    fetches,
                    speculative,
                } => {
                    if let Some(job) = self.jobs.get_mut(&task.job) {
                        job.attempts.started(task, executor, speculative, now_ms);
                    }
                    if let Some(report) = self.resting(&task, &fetches) {
                        self.resting.push_back((task, executor, report));
                        continue;
                    }
                    effects.extend(self.launch(executor, task, fetches).into_iter().flatten());
                }
                Command::Kill { executor, task } => {
                    self.parked.retain(|p| p.task != task);
                    if let Some(job) = self.jobs.get_mut(&task.job) {
                        job.attempts.ended(task, AttemptState::Lost, now_ms);
                    }
                    effects.push(Effect::Send {
                        to: executor,
                        message: ToExecutor::Kill { task },
                        blobs: vec![],
                    });
                }
                Command::Accepted { task } => {
                    self.accept(task, now_ms);
                    effects.extend(self.refuse_large(task.job, now_ms));
                    effects.extend(self.next_rows(task.job));
                }
                Command::Drop { tasks, datasets } => {
                    effects.extend(self.tell_all(&ToExecutor::Forget { tasks, datasets }));
                }
                Command::JobDone { job } if !self.jobs.contains_key(&job) => {}
                Command::JobDone { job } => {
                    self.look_back(job, now_ms);
                    let leaves_blocks = self.leaves_blocks(job);
                    let finished = self.finish(job);
                    if leaves_blocks {
                        effects.extend(self.drop_job(job, None, now_ms));
                    }
                    effects.push(match finished {
                        Ok(outcome) => Effect::Done { job, outcome },
                        Err(error) => Effect::Failed { job, error },
                    });
                }
                Command::JobFailed { job, error } => {
                    let busy = self.busy_with(job);
                    self.look_back(job, now_ms);
                    self.jobs.remove(&job);
                    effects.extend(self.drop_job(job, Some(&busy), now_ms));
                    effects.push(Effect::Failed { job, error });
                }
            }
        }
        effects
    }

    /// Returns the stages of a job that runs, or that has just ended, for status displays.
    pub fn status(&mut self, job: JobId) -> Vec<StageStatus> {
        if let Some(stages) = self.ended.remove(&job) {
            return stages;
        }
        let running = self.jobs.get(&job).map(|job| (job.plan, &job.attempts));
        let running = running.or_else(|| self.flows.get(&job).map(|flow| (flow.plan, &flow.attempts)));
        let found = running.and_then(|(plan, attempts)| Some((attempts, self.plans.get(&plan)?)));
        found.map_or(vec![], |(attempts, plan)| plan.stages(attempts, false))
    }

    /// Keeps a last look at a job that ends.
    fn look_back(&mut self, id: JobId, now_ms: i64) {
        let found = self.jobs.get_mut(&id).and_then(|j| Some((self.plans.get(&j.plan)?, j)));
        if let Some((plan, job)) = found {
            job.attempts.lost(None, now_ms);
            self.ended.insert(id, plan.stages(&job.attempts, true));
        }
    }
}

/// Returns the kept partitions among what a task fetches.
pub(in crate::cluster) fn kept_in(fetches: &[Fetch]) -> BTreeSet<KeptId> {
    let kept = |f: &Fetch| match f.block {
        BlockId::Kept(id) => Some(id),
        BlockId::Shuffle { .. } => None,
    };
    fetches.iter().filter_map(kept).collect()
}

/// Returns the message that brings a plan to an executor.
fn announce(plan: PlanId, spec: &JobSpec, to: ExecutorRef) -> Effect {
    let (spec, blobs) = SpecHeader::of(spec);
    Effect::Send {
        to,
        message: ToExecutor::Plan { plan, spec },
        blobs,
    }
}

#[cfg(test)]
mod tests;
