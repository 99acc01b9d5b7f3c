//! The state machine.

use std::collections::{BTreeMap, BTreeSet};

use super::{ExecutorRef, Fetch, JobId, TaskId};
use crate::error::{Exception, SparkError};

/// Tries of a task, and deaths of executors under it, before its job fails (`spark.task.maxFailures`).
pub const MAX_FAILURES: u32 = 4;

/// A stage as the scheduler needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpec {
    /// Stages whose output it reads, by index.
    pub parents: Vec<usize>,
    /// Per task: (stage, partition of its output).
    pub reads: Vec<Vec<(usize, usize)>>,
    /// Per task: the executor whose state or cache it wants.
    pub preferred: Vec<Option<u32>>,
    /// Its rows go to the driver: done is done, whoever dies.
    pub result: bool,
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

#[derive(Debug, Clone, PartialEq, Eq)]
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
        stages: Vec<StageSpec>,
    },
    Cancel {
        job: JobId,
    },
    /// Rows per output partition: empty partitions have no block.
    Finished {
        task: TaskId,
        executor: ExecutorRef,
        rows: Vec<u64>,
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
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TaskState {
    Pending,
    Running {
        attempt: u32,
        executor: ExecutorRef,
    },
    Done {
        attempt: u32,
        executor: ExecutorRef,
        rows: Vec<u64>,
    },
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
    /// How often lost outputs made it run again.
    attempt: u32,
}

#[derive(Debug)]
struct Job {
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
}

/// A stage's progress, for status displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageProgress {
    pub attempt: u32,
    pub tasks: usize,
    pub running: usize,
    pub done: usize,
    pub failures: u32,
}

impl Scheduler {
    /// One step.
    pub fn step(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::ExecutorAdded { executor, slots } => self.added(executor, slots, &mut commands),
            Event::ExecutorLost { executor } => self.lost(executor, &mut commands),
            Event::Submit { job, stages } => self.submit(job, stages),
            Event::Cancel { job } => self.end(job, &mut commands),
            Event::Finished { task, executor, rows } => self.finished(task, executor, rows, &mut commands),
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

    pub fn progress(&self, job: JobId) -> Vec<StageProgress> {
        let Some(job) = self.jobs.get(&job) else { return vec![] };
        job.stages
            .iter()
            .map(|s| StageProgress {
                attempt: s.attempt,
                tasks: s.tasks.len(),
                running: s
                    .tasks
                    .iter()
                    .filter(|t| matches!(t.state, TaskState::Running { .. }))
                    .count(),
                done: s
                    .tasks
                    .iter()
                    .filter(|t| matches!(t.state, TaskState::Done { .. }))
                    .count(),
                failures: s.tasks.iter().map(|t| t.failures).sum(),
            })
            .collect()
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
        if self
            .executors
            .get(&executor.id)
            .is_none_or(|e| e.incarnation != executor.incarnation)
        {
            return;
        }
        self.executors.remove(&executor.id);
        let mut failed = Vec::new();
        for (id, job) in &mut self.jobs {
            for stage in &mut job.stages {
                for (partition, task) in stage.tasks.iter_mut().enumerate() {
                    if matches!(task.state, TaskState::Running { executor: on, .. } if on == executor) {
                        task.state = TaskState::Pending;
                        task.failures += 1;
                        if task.failures >= MAX_FAILURES {
                            failed.push((*id, lost_too_often(partition)));
                        }
                    }
                }
            }
            job.forget(|on, _| on == executor);
        }
        for (job, error) in failed {
            if self.jobs.contains_key(&job) {
                self.end(job, commands);
                commands.push(Command::JobFailed { job, error });
            }
        }
    }

    fn submit(&mut self, id: JobId, stages: Vec<StageSpec>) {
        let stages = stages
            .into_iter()
            .map(|spec| StageRun {
                tasks: spec
                    .reads
                    .iter()
                    .map(|_| Task {
                        state: TaskState::Pending,
                        next_attempt: 0,
                        failures: 0,
                    })
                    .collect(),
                spec,
                attempt: 0,
            })
            .collect();
        self.jobs.insert(id, Job { stages });
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

    /// The task if it is the try that runs where the message came from; stale messages find nothing.
    fn current(&mut self, task: TaskId, executor: ExecutorRef) -> Option<&mut Task> {
        if let Some(e) = self.executors.get_mut(&executor.id)
            && e.incarnation == executor.incarnation
        {
            e.running.remove(&task);
        }
        let found = self
            .jobs
            .get_mut(&task.job)?
            .stages
            .get_mut(task.stage)?
            .tasks
            .get_mut(task.partition)?;
        (found.state
            == TaskState::Running {
                attempt: task.attempt,
                executor,
            })
        .then_some(found)
    }

    fn finished(&mut self, task: TaskId, executor: ExecutorRef, rows: Vec<u64>, commands: &mut Vec<Command>) {
        let Some(found) = self.current(task, executor) else {
            return;
        };
        found.state = TaskState::Done {
            attempt: task.attempt,
            executor,
            rows,
        };
        commands.push(Command::Accepted { task });
        let complete = self
            .jobs
            .get(&task.job)
            .is_some_and(|job| job.stages.last().is_some_and(StageRun::complete));
        if complete {
            self.end(task.job, commands);
            commands.push(Command::JobDone { job: task.job });
        }
    }

    fn failed(&mut self, task: TaskId, executor: ExecutorRef, failure: Failure, commands: &mut Vec<Command>) {
        let Some(found) = self.current(task, executor) else {
            return;
        };
        found.state = TaskState::Pending;
        match failure {
            Failure::Error { error, retryable } => {
                found.failures += 1;
                if !retryable || found.failures >= MAX_FAILURES {
                    self.end(task.job, commands);
                    commands.push(Command::JobFailed { job: task.job, error });
                }
            }
            Failure::FetchFailed { fetch } => {
                if let Some(job) = self.jobs.get_mut(&task.job) {
                    job.forget(|on, id| {
                        on == fetch.from && id == (fetch.task.stage, fetch.task.partition, fetch.task.attempt)
                    });
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
        for (job_id, job) in &mut self.jobs {
            for stage in 0..job.stages.len() {
                if !job.runnable(stage) {
                    continue;
                }
                for partition in 0..job.stages[stage].tasks.len() {
                    if job.stages[stage].tasks[partition].state != TaskState::Pending {
                        continue;
                    }
                    let preferred = job.stages[stage].spec.preferred.get(partition).copied().flatten();
                    let Some(executor) = place(&self.executors, preferred) else {
                        continue;
                    };
                    let fetches = job.fetches(stage, partition, *job_id);
                    let task = &mut job.stages[stage].tasks[partition];
                    let attempt = task.next_attempt;
                    task.next_attempt += 1;
                    task.state = TaskState::Running { attempt, executor };
                    let id = TaskId {
                        job: *job_id,
                        stage,
                        partition,
                        attempt,
                    };
                    if let Some(e) = self.executors.get_mut(&executor.id) {
                        e.running.insert(id);
                    }
                    commands.push(Command::Launch {
                        executor,
                        task: id,
                        fetches,
                    });
                }
            }
        }
    }
}

impl StageRun {
    fn complete(&self) -> bool {
        self.tasks.iter().all(|t| matches!(t.state, TaskState::Done { .. }))
    }
}

impl Job {
    fn runnable(&self, stage: usize) -> bool {
        !self.stages[stage].complete()
            && self.stages[stage]
                .spec
                .parents
                .iter()
                .all(|p| self.stages[*p].complete())
            && self.needed(stage)
    }

    /// Whether some stage that is not complete reads this one's output, or it is the result.
    fn needed(&self, stage: usize) -> bool {
        self.stages[stage].spec.result
            || self
                .stages
                .iter()
                .enumerate()
                .any(|(i, s)| s.spec.parents.contains(&stage) && !s.complete() && self.needed(i))
    }

    /// Marks outputs as lost: their tasks run again. Results stay: the driver has them.
    fn forget(&mut self, lost: impl Fn(ExecutorRef, (usize, usize, u32)) -> bool) {
        for (number, stage) in self.stages.iter_mut().enumerate().filter(|(_, s)| !s.spec.result) {
            let mut any = false;
            for (partition, task) in stage.tasks.iter_mut().enumerate() {
                if let TaskState::Done { attempt, executor, .. } = &task.state
                    && lost(*executor, (number, partition, *attempt))
                {
                    task.state = TaskState::Pending;
                    any = true;
                }
            }
            stage.attempt += u32::from(any);
        }
    }

    /// The blocks that a task reads: one per map task whose output has rows for it.
    fn fetches(&self, stage: usize, partition: usize, job: JobId) -> Vec<Fetch> {
        let mut fetches = Vec::new();
        for (parent, wanted) in &self.stages[stage].spec.reads[partition] {
            for (map, task) in self.stages[*parent].tasks.iter().enumerate() {
                if let TaskState::Done {
                    attempt,
                    executor,
                    rows,
                } = &task.state
                    && rows.get(*wanted).is_some_and(|n| *n > 0)
                {
                    let task = TaskId {
                        job,
                        stage: *parent,
                        partition: map,
                        attempt: *attempt,
                    };
                    fetches.push(Fetch {
                        from: *executor,
                        task,
                        partition: *wanted,
                    });
                }
            }
        }
        fetches
    }
}

/// The preferred executor if it lives (a busy one is waited for: its state is there), else the least busy one that has
/// a slot free.
fn place(executors: &BTreeMap<u32, Executor>, preferred: Option<u32>) -> Option<ExecutorRef> {
    let free = |e: &Executor| e.running.len() < e.slots;
    let found = match preferred.and_then(|id| executors.get_key_value(&id)) {
        Some(found) => Some(found).filter(|(_, e)| free(e)),
        None => executors
            .iter()
            .filter(|(_, e)| free(e))
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
