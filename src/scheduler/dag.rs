//! The scheduler: one step takes what happened and when, and returns what to do.
//!
//! A step first takes in the event, then gives tasks to free slots until no task or no slot is left. A step costs a
//! walk over the tasks of the jobs that run.

use std::collections::{BTreeMap, BTreeSet};

use super::BlockId;
use super::event::{Command, Event, Failure, StageSpec};
use super::outputs::{Output, Outputs};
use super::placement::{Executor, Next};
use super::pools::{self, Pool, Turns};
use super::speculation::Speculation;
use super::stage::{Job, StageRun, Task, TaskState, Try};
use crate::error::{Exception, SparkError};
use crate::ids::{DatasetId, ExecutorId, ExecutorRef, JobId, PartitionId, TaskId};

/// How long to wait before a slow task that found no free executor is looked at again, ms
/// (`spark.speculation.interval`).
const RECHECK_MS: i64 = 100;

/// Tries of a task, and deaths of executors under it, before its job fails (`spark.task.maxFailures`).
pub const MAX_FAILURES: u32 = 4;

/// All jobs and executors.
///
/// ```
/// use rivulet::ids::{ExecutorRef, JobId};
/// use rivulet::scheduler::dag::Scheduler;
/// use rivulet::scheduler::event::{Command, Event, StageSpec};
///
/// let mut scheduler = Scheduler::default();
/// let executor = ExecutorRef::at(0, 0);
/// scheduler.step(0, Event::ExecutorAdded { executor, slots: 1 });
/// let stage = StageSpec {
///     parents: vec![],
///     reads: vec![vec![], vec![]],
///     preferred: vec![],
///     result: true,
///     shuffle: None,
///     kept: vec![],
/// };
/// let (job, pool) = (JobId(1), Default::default());
/// let commands = scheduler.step(0, Event::Submit { job, pool, speculation: None, stages: vec![stage] });
/// // Two tasks, one slot: the second waits.
/// assert!(matches!(commands[..], [Command::Launch { .. }]));
/// ```
#[derive(Debug, Default)]
pub struct Scheduler {
    /// Workers that live.
    executors: BTreeMap<ExecutorId, Executor>,
    /// Jobs that run, oldest first.
    jobs: BTreeMap<JobId, Job>,
    /// What lies on executors for later tasks, of any job.
    outputs: Outputs,
    /// When pools had their last turns.
    turns: Turns,
}

impl Scheduler {
    /// Returns when a slow task is to be looked at, with an [`Event::Tick`]; `None` if no task can become slow.
    pub fn wake_at(&self, now_ms: i64) -> Option<i64> {
        let due = self.jobs.values().flat_map(|job| {
            let stages = job.stages.iter().enumerate();
            stages.filter_map(move |(n, _)| Some((job, n, job.threshold_ms(n)?)))
        });
        let tries = due.flat_map(|(job, stage, threshold)| {
            let tasks = job.stages[stage].tasks.iter().filter_map(Task::only_try);
            tasks.map(move |t| t.since_ms + threshold)
        });
        // One that is due waits for a slot: look again soon.
        tries.min().map(|at| at.max(now_ms + RECHECK_MS))
    }

    /// Takes one step; `now_ms` is the time, ms since the epoch, by which attempts are timed.
    pub fn step(&mut self, now_ms: i64, event: Event) -> Vec<Command> {
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
                self.finished(now_ms, task, executor, rows, &mut commands);
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
        self.launch(now_ms, &mut commands);
        commands
    }

    /// Returns whether no job runs.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Returns whether a life of an executor is the current one.
    fn lives(&self, executor: ExecutorRef) -> bool {
        self.executors
            .get(&executor.id)
            .is_some_and(|e| e.incarnation == executor.incarnation)
    }

    /// Returns the tries of a job whose blocks outlive it, since later jobs may read them.
    pub fn outputs_of(&self, job: JobId) -> Vec<TaskId> {
        self.outputs.of_job(job)
    }

    /// Returns whether an executor keeps a partition of a dataset.
    pub fn keeps_any(&self, executor: ExecutorRef) -> bool {
        self.outputs.keeps_any(executor)
    }

    /// Returns, by dataset, the partitions that some executor keeps, and the bytes they take, about.
    pub fn storage(&self) -> BTreeMap<DatasetId, (usize, u64)> {
        self.outputs.storage()
    }

    /// Returns how many tasks an executor runs now.
    pub fn running(&self, executor: ExecutorId) -> usize {
        self.executors.get(&executor).map_or(0, |e| e.running.len())
    }

    /// Returns the executors that live.
    pub fn executors(&self) -> impl Iterator<Item = ExecutorRef> {
        self.executors.iter().map(|(id, e)| ExecutorRef {
            id: *id,
            incarnation: e.incarnation,
        })
    }

    /// Takes in a worker; an older life of it is lost first, an older message is ignored.
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

    /// Takes in that a worker has ended: its tries, outputs and kept partitions are gone.
    ///
    /// A task whose executors died [`MAX_FAILURES`] times ends its job: its rows may be what kills them.
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
                            failed.push((*id, lost_too_often(PartitionId(partition))));
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

    /// Takes in a job; tasks whose output an earlier job left are done from the start.
    fn submit(&mut self, id: JobId, pool: Pool, speculation: Option<Speculation>, stages: Vec<StageSpec>) {
        let stages = stages.into_iter().map(|spec| {
            let state = |map: PartitionId| {
                let found = spec.shuffle.and_then(|shuffle| self.outputs.output(shuffle, map));
                found.cloned().map_or(TaskState::Pending, TaskState::Done)
            };
            let tasks: Vec<Task> = PartitionId::first(spec.reads.len())
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
            .get_mut(task.partition.0)?;
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

    /// Takes in a finished try: the first one of its task counts, other tries are killed.
    fn finished(
        &mut self,
        now_ms: i64,
        task: TaskId,
        executor: ExecutorRef,
        rows: Vec<u64>,
        commands: &mut Vec<Command>,
    ) {
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

    /// Takes in a failed try, and decides whether the task runs again, its input does, or the job ends.
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
            // Not the task's fault, and the next try brings the state along; it counts, so that it cannot repeat endlessly.
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
    fn launch(&mut self, now_ms: i64, commands: &mut Vec<Command>) {
        while self.executors.values().any(Executor::is_free) {
            let jobs = self.jobs.iter().map(|(id, job)| (*id, &job.pool, job.running()));
            let order = pools::order(jobs, &self.turns);
            let first = |what: &dyn Fn(&Job) -> Option<Next>| {
                let mut jobs = order.iter().filter_map(|id| Some((*id, self.jobs.get(id)?)));
                jobs.find_map(|(id, job)| Some((id, what(job)?)))
            };
            let waiting = first(&|job| job.next(&self.outputs, &self.executors));
            let speculative = waiting.is_none();
            let slow = || first(&|job| job.slow(&self.outputs, &self.executors, now_ms));
            let Some((job, next)) = waiting.or_else(slow) else {
                return;
            };
            if let Some(job) = self.jobs.get(&job) {
                self.turns.take(&job.pool);
            }
            let Next {
                stage,
                partition,
                executor,
                fetches,
            } = next;
            let since_ms = now_ms;
            let Some(task) = self
                .jobs
                .get_mut(&job)
                .map(|job| &mut job.stages[stage.0].tasks[partition.0])
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

/// Returns the error of a task under which executors died too often (`EXECUTORS_LOST`).
fn lost_too_often(partition: PartitionId) -> SparkError {
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
