//! The state machine.

use std::collections::{BTreeMap, BTreeSet};

use super::outputs::{Output, Outputs};
use super::pools::{self, Pool};
use super::speculation::Speculation;
use super::{BlockId, Fetch};
use crate::error::{Exception, SparkError};
use crate::exec::stage::{self, KeptPart};
use crate::ids::{ExecutorRef, JobId, KeptId, ShuffleId, StageId, StagePart, TaskId};

/// How long to wait before a slow task that found no free executor is looked at again, ms (`spark.speculation.interval`).
const RECHECK_MS: i64 = 100;

/// Tries of a task, and deaths of executors under it, before its job fails (`spark.task.maxFailures`).
pub const MAX_FAILURES: u32 = 4;

/// A stage as the scheduler needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpec {
    /// Stages whose output it reads, by index.
    pub parents: Vec<StageId>,
    /// Per task: whose output it reads.
    pub reads: Vec<Vec<StagePart>>,
    /// Per task: the executor whose state or cache it wants.
    pub preferred: Vec<Option<u32>>,
    /// Its rows go to the driver: done is done, whoever dies.
    pub result: bool,
    /// Names its output for later jobs.
    pub shuffle: Option<ShuffleId>,
    /// Per task: the kept partitions that may stand for a part of what it reads; empty for a stage without.
    pub kept: Vec<Vec<KeptPart<StagePart>>>,
}

/// Why a task did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The task's own error; a retry may help only where `retryable`.
    Error { error: SparkError, retryable: bool },
    /// A block was not where it should be.
    FetchFailed { fetch: Fetch },
    /// The executor has not the state that the task expects; it is sent along with the next try.
    StateMissing,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    ExecutorAdded {
        executor: ExecutorRef,
        slots: usize,
    },
    ExecutorLost {
        executor: ExecutorRef,
    },
    Submit {
        job: JobId,
        pool: Pool,
        /// None for a job whose tasks must not run twice at a time.
        speculation: Option<Speculation>,
        stages: Vec<StageSpec>,
    },
    Cancel {
        job: JobId,
    },
    /// Rows per output partition: empty partitions have no block. `kept` are partitions that the executor keeps now, with
    /// their bytes.
    Finished {
        task: TaskId,
        executor: ExecutorRef,
        rows: Vec<u64>,
        kept: Vec<(KeptId, u64)>,
    },
    /// Time has passed: see [`Scheduler::wake_at`].
    Tick,
    /// Nobody reads these datasets any more: what was shuffled or kept for them goes.
    Forget {
        datasets: Vec<u64>,
    },
    /// These datasets are kept no longer; what was shuffled for them stays.
    Unkeep {
        datasets: Vec<u64>,
    },
    Failed {
        task: TaskId,
        executor: ExecutorRef,
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Launch {
        executor: ExecutorRef,
        task: TaskId,
        fetches: Vec<Fetch>,
        /// Another try of the task runs elsewhere; the first to finish counts.
        speculative: bool,
    },
    /// The executor may drop the task if it has not begun.
    Kill {
        executor: ExecutorRef,
        task: TaskId,
    },
    /// The try counts: its result, report and state change are the ones to keep.
    Accepted {
        task: TaskId,
    },
    JobDone {
        job: JobId,
    },
    JobFailed {
        job: JobId,
        error: SparkError,
    },
    /// Executors drop the blocks of these tries, and what they keep of these datasets.
    Drop {
        tasks: Vec<TaskId>,
        datasets: Vec<u64>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TaskState {
    Pending,
    /// One try, or a slow one and its copy.
    Running(Vec<Try>),
    Done(Output),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Try {
    attempt: u32,
    executor: ExecutorRef,
    since_ms: i64,
}

#[derive(Debug)]
struct Task {
    state: TaskState,
    next_attempt: u32,
    failures: u32,
}

#[derive(Debug)]
struct StageRun {
    spec: StageSpec,
    tasks: Vec<Task>,
    /// How long tries that counted took, ms.
    took_ms: Vec<i64>,
}

#[derive(Debug)]
struct Job {
    pool: Pool,
    speculation: Option<Speculation>,
    stages: Vec<StageRun>,
}

#[derive(Debug)]
struct Executor {
    incarnation: u32,
    slots: usize,
    running: BTreeSet<TaskId>,
}

/// All jobs and executors.
#[derive(Debug, Default)]
pub struct Scheduler {
    executors: BTreeMap<u32, Executor>,
    jobs: BTreeMap<JobId, Job>,
    outputs: Outputs,
    now_ms: i64,
}

impl Scheduler {
    /// The time of the steps to come, ms since the epoch: tries are timed by it.
    pub fn set_time(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    /// When a slow task is to be looked at, with an [`Event::Tick`].
    pub fn wake_at(&self) -> Option<i64> {
        let due = self.jobs.values().flat_map(|job| {
            let stages = job.stages.iter().enumerate();
            stages.filter_map(move |(n, _)| Some((job, n, job.threshold_ms(n)?)))
        });
        let tries = due.flat_map(|(job, stage, threshold)| {
            let tasks = job.stages[stage].tasks.iter().filter_map(Task::only_try);
            tasks.map(move |t| t.since_ms + threshold)
        });
        // One that is due waits for a slot: look again soon.
        tries.min().map(|at| at.max(self.now_ms + RECHECK_MS))
    }

    /// One step.
    pub fn step(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::ExecutorAdded { executor, slots } => self.added(executor, slots, &mut commands),
            Event::ExecutorLost { executor } => self.lost(executor, &mut commands),
            Event::Submit {
                job,
                pool,
                speculation,
                stages,
            } => self.submit(job, pool, speculation, stages),
            Event::Tick => {}
            Event::Cancel { job } => self.end(job, &mut commands),
            Event::Finished {
                task,
                executor,
                rows,
                kept,
            } => {
                if self.lives(executor) {
                    self.outputs.keep(executor, kept);
                }
                self.finished(task, executor, rows, &mut commands);
            }
            Event::Forget { datasets } => {
                let tasks = datasets.iter().flat_map(|d| self.outputs.forget(*d)).collect();
                commands.push(Command::Drop { tasks, datasets });
            }
            Event::Unkeep { datasets } => {
                datasets.iter().for_each(|d| self.outputs.unkeep(*d));
                commands.push(Command::Drop {
                    tasks: vec![],
                    datasets,
                });
            }
            Event::Failed {
                task,
                executor,
                failure,
            } => self.failed(task, executor, failure, &mut commands),
        }
        self.launch(&mut commands);
        commands
    }

    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    fn lives(&self, executor: ExecutorRef) -> bool {
        self.executors
            .get(&executor.id)
            .is_some_and(|e| e.incarnation == executor.incarnation)
    }

    /// Tries of a job whose blocks outlive it: later jobs read them.
    pub fn outputs_of(&self, job: JobId) -> Vec<TaskId> {
        self.outputs.of_job(job)
    }

    /// By dataset: partitions that some executor keeps, and the bytes they take, about.
    pub fn storage(&self) -> BTreeMap<u64, (usize, u64)> {
        self.outputs.storage()
    }

    /// Tasks that an executor runs now.
    pub fn running(&self, executor: u32) -> usize {
        self.executors.get(&executor).map_or(0, |e| e.running.len())
    }

    pub fn executors(&self) -> impl Iterator<Item = ExecutorRef> {
        self.executors.iter().map(|(id, e)| ExecutorRef {
            id: *id,
            incarnation: e.incarnation,
        })
    }

    fn added(&mut self, executor: ExecutorRef, slots: usize, commands: &mut Vec<Command>) {
        if let Some(old) = self.executors.get(&executor.id) {
            if old.incarnation >= executor.incarnation {
                return;
            }
            self.lost(
                ExecutorRef {
                    id: executor.id,
                    incarnation: old.incarnation,
                },
                commands,
            );
        }
        self.executors.insert(
            executor.id,
            Executor {
                incarnation: executor.incarnation,
                slots: slots.max(1),
                running: BTreeSet::new(),
            },
        );
    }

    fn lost(&mut self, executor: ExecutorRef, commands: &mut Vec<Command>) {
        if !self.lives(executor) {
            return;
        }
        self.executors.remove(&executor.id);
        self.outputs.lose(executor);
        let mut failed = Vec::new();
        for (id, job) in &mut self.jobs {
            for stage in &mut job.stages {
                for (partition, task) in stage.tasks.iter_mut().enumerate() {
                    let TaskState::Running(tries) = &mut task.state else {
                        continue;
                    };
                    let before = tries.len();
                    tries.retain(|t| t.executor != executor);
                    let lost = tries.len() < before;
                    if tries.is_empty() {
                        task.state = TaskState::Pending;
                    }
                    if lost {
                        task.failures += 1;
                        if task.failures >= MAX_FAILURES {
                            failed.push((*id, lost_too_often(partition)));
                        }
                    }
                }
            }
            job.forget(|output| output.executor == executor);
        }
        for (job, error) in failed {
            if self.jobs.contains_key(&job) {
                self.end(job, commands);
                commands.push(Command::JobFailed { job, error });
            }
        }
    }

    fn submit(&mut self, id: JobId, pool: Pool, speculation: Option<Speculation>, stages: Vec<StageSpec>) {
        let stages = stages.into_iter().map(|spec| {
            let state = |map| {
                let found = spec.shuffle.and_then(|shuffle| self.outputs.output(shuffle, map));
                found.cloned().map_or(TaskState::Pending, TaskState::Done)
            };
            let tasks: Vec<Task> = (0..spec.reads.len())
                .map(|map| Task {
                    state: state(map),
                    next_attempt: 0,
                    failures: 0,
                })
                .collect();
            StageRun {
                spec,
                tasks,
                took_ms: vec![],
            }
        });
        let stages = stages.collect();
        let job = Job {
            pool,
            speculation,
            stages,
        };
        self.jobs.insert(id, job);
    }

    /// Removes a job; its running tasks are stale from now on.
    fn end(&mut self, id: JobId, commands: &mut Vec<Command>) {
        self.jobs.remove(&id);
        for (number, executor) in &mut self.executors {
            let gone: Vec<TaskId> = executor.running.iter().copied().filter(|t| t.job == id).collect();
            for task in gone {
                executor.running.remove(&task);
                let executor = ExecutorRef {
                    id: *number,
                    incarnation: executor.incarnation,
                };
                commands.push(Command::Kill { executor, task });
            }
        }
    }

    /// Ends the try that runs where the message came from; stale messages find nothing.
    fn ended(&mut self, task: TaskId, executor: ExecutorRef) -> Option<(&mut Task, Try)> {
        if let Some(e) = self.executors.get_mut(&executor.id)
            && e.incarnation == executor.incarnation
        {
            e.running.remove(&task);
        }
        let found = self
            .jobs
            .get_mut(&task.job)?
            .stages
            .get_mut(task.stage.0)?
            .tasks
            .get_mut(task.partition)?;
        let TaskState::Running(tries) = &mut found.state else {
            return None;
        };
        let at = tries
            .iter()
            .position(|t| (t.attempt, t.executor) == (task.attempt, executor))?;
        let ended = tries.remove(at);
        if tries.is_empty() {
            found.state = TaskState::Pending;
        }
        Some((found, ended))
    }

    fn finished(&mut self, task: TaskId, executor: ExecutorRef, rows: Vec<u64>, commands: &mut Vec<Command>) {
        let now_ms = self.now_ms;
        let Some((found, ended)) = self.ended(task, executor) else {
            return;
        };
        let output = Output { task, executor, rows };
        let before = std::mem::replace(&mut found.state, TaskState::Done(output.clone()));
        commands.push(Command::Accepted { task });
        if let TaskState::Running(others) = before {
            for Try { attempt, executor, .. } in others {
                let task = TaskId { attempt, ..task };
                if let Some(e) = self.executors.get_mut(&executor.id) {
                    e.running.remove(&task);
                }
                commands.push(Command::Kill { executor, task });
            }
        }
        let Some(job) = self.jobs.get_mut(&task.job) else {
            return;
        };
        job.stages[task.stage.0].took_ms.push(now_ms - ended.since_ms);
        if let Some(shuffle) = job.stages[task.stage.0].spec.shuffle {
            self.outputs.record(shuffle, task.partition, output);
        }
        if job.stages.last().is_some_and(StageRun::complete) {
            self.end(task.job, commands);
            commands.push(Command::JobDone { job: task.job });
        }
    }

    fn failed(&mut self, task: TaskId, executor: ExecutorRef, failure: Failure, commands: &mut Vec<Command>) {
        let Some((found, _)) = self.ended(task, executor) else {
            return;
        };
        match failure {
            Failure::Error { error, retryable } => {
                found.failures += 1;
                if !retryable || found.failures >= MAX_FAILURES {
                    self.end(task.job, commands);
                    commands.push(Command::JobFailed { job: task.job, error });
                }
            }
            Failure::FetchFailed { fetch } => {
                self.outputs.miss(fetch);
                if let BlockId::Shuffle { task: wrote, .. } = fetch.block {
                    for job in self.jobs.values_mut() {
                        job.forget(|output| output.executor == fetch.from && output.task == wrote);
                    }
                }
            }
            // Not the task's fault, and the next try brings the state along; it counts, so that it cannot go on for ever.
            Failure::StateMissing => {
                found.failures += 1;
                if found.failures >= MAX_FAILURES {
                    self.end(task.job, commands);
                    let error = SparkError::internal(format!(
                        "partition {} of stage {} found no state in {MAX_FAILURES} tries",
                        task.partition, task.stage
                    ));
                    commands.push(Command::JobFailed { job: task.job, error });
                }
            }
        }
    }

    /// Gives pending tasks of runnable stages to free slots.
    fn launch(&mut self, commands: &mut Vec<Command>) {
        while self.executors.values().any(Executor::is_free) {
            let jobs = self.jobs.iter().map(|(id, job)| (*id, &job.pool, job.running()));
            let order = pools::order(jobs);
            let first = |what: &dyn Fn(&Job) -> Option<Next>| {
                let mut jobs = order.iter().filter_map(|id| Some((*id, self.jobs.get(id)?)));
                jobs.find_map(|(id, job)| Some((id, what(job)?)))
            };
            let waiting = first(&|job| job.next(&self.outputs, &self.executors));
            let speculative = waiting.is_none();
            let slow = || first(&|job| job.slow(&self.outputs, &self.executors, self.now_ms));
            let Some((job, next)) = waiting.or_else(slow) else {
                return;
            };
            let Next {
                stage,
                partition,
                executor,
                fetches,
            } = next;
            let since_ms = self.now_ms;
            let Some(task) = self
                .jobs
                .get_mut(&job)
                .map(|job| &mut job.stages[stage.0].tasks[partition])
            else {
                return;
            };
            let attempt = task.next_attempt;
            task.next_attempt += 1;
            let one = Try {
                attempt,
                executor,
                since_ms,
            };
            match &mut task.state {
                TaskState::Running(tries) => tries.push(one),
                state => *state = TaskState::Running(vec![one]),
            }
            let task = TaskId {
                job,
                stage,
                partition,
                attempt,
            };
            if let Some(e) = self.executors.get_mut(&executor.id) {
                e.running.insert(task);
            }
            commands.push(Command::Launch {
                executor,
                task,
                fetches,
                speculative,
            });
        }
    }
}

/// A task that may be launched now, and where.
struct Next {
    stage: StageId,
    partition: usize,
    executor: ExecutorRef,
    fetches: Vec<Fetch>,
}

impl Task {
    /// The try of a task that has no copy.
    fn only_try(&self) -> Option<&Try> {
        match &self.state {
            TaskState::Running(tries) if tries.len() == 1 => tries.first(),
            _ => None,
        }
    }
}

impl Executor {
    fn is_free(&self) -> bool {
        self.running.len() < self.slots
    }
}

impl StageRun {
    fn complete(&self) -> bool {
        self.tasks.iter().all(|t| matches!(t.state, TaskState::Done(_)))
    }

    /// What a task reads of other stages, and the cached partitions that stand for the rest of its lineage.
    fn resolve(&self, partition: usize, outputs: &Outputs) -> (Vec<StagePart>, Vec<KeptId>) {
        let kept = self.spec.kept.get(partition).map(Vec::as_slice).unwrap_or_default();
        let cached = |id| outputs.holder(id, None).is_some();
        stage::reads_past(&self.spec.reads[partition], kept, cached)
    }
}

impl Job {
    fn running(&self) -> usize {
        let tasks = self.stages.iter().flat_map(|s| &s.tasks);
        tasks.filter(|t| matches!(t.state, TaskState::Running(_))).count()
    }

    /// How long a task of a stage may run before it is slow; none where that cannot be told.
    fn threshold_ms(&self, stage: usize) -> Option<i64> {
        let run = &self.stages[stage];
        self.speculation?.threshold_ms(run.tasks.len(), &run.took_ms)
    }

    /// A slow task, and another executor for a copy of it.
    fn slow(&self, outputs: &Outputs, executors: &BTreeMap<u32, Executor>, now_ms: i64) -> Option<Next> {
        (0..self.stages.len()).find_map(|number| {
            let stage = StageId(number);
            let threshold = self.threshold_ms(number)?;
            let mut tasks = self.stages[number].tasks.iter().enumerate();
            tasks.find_map(|(partition, task)| {
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

    /// All blocks that a task needs where it runs.
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

    /// The first task that can run now, where, and the blocks that it reads.
    fn next(&self, outputs: &Outputs, executors: &BTreeMap<u32, Executor>) -> Option<Next> {
        let needed = self.needed(outputs);
        for (number, stage) in self.stages.iter().enumerate().filter(|(n, _)| needed[*n]) {
            let plain = stage.spec.kept.is_empty();
            if plain && !self.complete(stage.spec.parents.iter().copied()) {
                continue;
            }
            for (partition, task) in stage.tasks.iter().enumerate() {
                if task.state != TaskState::Pending {
                    continue;
                }
                let (reads, kept) = stage.resolve(partition, outputs);
                if !plain && !self.complete(reads.iter().map(|part| part.stage)) {
                    continue;
                }
                let near = kept.first().and_then(|id| outputs.holder(*id, None)).map(|e| e.id);
                let preferred = stage.spec.preferred.get(partition).copied().flatten().or(near);
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

    fn complete(&self, mut stages: impl Iterator<Item = StageId>) -> bool {
        stages.all(|s| self.stages[s.0].complete())
    }

    /// Per stage, whether its missing tasks are to run: it is the result, or a task that is not done reads its output.
    fn needed(&self, outputs: &Outputs) -> Vec<bool> {
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
                let (reads, _) = stage.resolve(partition, outputs);
                reads.iter().for_each(|part| needed[part.stage.0] = true);
            }
        }
        needed
    }

    /// Marks outputs as lost: their tasks run again. Results stay: the driver has them.
    fn forget(&mut self, lost: impl Fn(&Output) -> bool) {
        for stage in self.stages.iter_mut().filter(|s| !s.spec.result) {
            for task in &mut stage.tasks {
                if matches!(&task.state, TaskState::Done(output) if lost(output)) {
                    task.state = TaskState::Pending;
                }
            }
        }
    }

    /// The blocks that a task reads: one per map task whose output has rows for it.
    fn fetches(&self, reads: &[StagePart]) -> Vec<Fetch> {
        let maps = reads.iter().flat_map(|part| {
            let tasks = self.stages[part.stage.0].tasks.iter();
            tasks.map(move |t| (&t.state, part.stage, part.partition))
        });
        maps.filter_map(|(state, stage, partition)| match state {
            TaskState::Done(output) if output.rows.get(partition).is_some_and(|n| *n > 0) => Some(Fetch {
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

/// The preferred executor if it lives (a busy one is waited for: its state is there), else the least busy one that has
/// a slot free.
fn place(executors: &BTreeMap<u32, Executor>, preferred: Option<u32>) -> Option<ExecutorRef> {
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

fn lost_too_often(partition: usize) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "EXECUTORS_LOST",
        "58030",
        format!(
            "Executors died {MAX_FAILURES} times while they ran the task of partition {partition}. The rows of that partition may need \
             more memory than a worker has."
        ),
    )
    .with("partition", partition.to_string())
}
