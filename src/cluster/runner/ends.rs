//! Jobs that end before their tasks do, and executors that end with a task.
//!
//! An executor that runs a task of a job that is over is asked to say when it does not any more. One that does not say so in
//! time runs something that cannot be interrupted, perhaps for ever: it is ended and replaced, as an executor that has died is
//! (Spark's task reaper). What it held is computed again.
//!
//! An executor whose end has a cause, a panic or a lack of memory, has most likely died of its task; a task that ends two
//! executors fails, and its job with it, before it ends them all.

use std::collections::BTreeMap;

use super::{Effect, Job, JobRunner};
use crate::cluster::message::ToExecutor;
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::Output;
use crate::exec::task::check_result_size;
use crate::ids::{ExecutorRef, JobId, PlanId, StagePart};
use crate::scheduler::event::Event;
use crate::settings::{self, Conf, Setting};

/// How much longer it has once the driver has looked: what it says may be on its way.
const GRACE_MS: i64 = 50;
/// Says why an executor is replaced that does not end a task.
const OVERDUE: &str = "it did not end a task that was cancelled";
/// Says why an executor with a large heap is replaced.
const SWOLLEN: &str = "its heap was large, and it was idle";
/// How many executors a task may end before it fails.
const DEATHS: u32 = 2;

/// Limits what a job takes of memory and of time; `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the result (`spark.driver.maxResultSize`).
    pub result_bytes: Option<u64>,
    /// How long the job may run, ms (`spark.rivulet.statement.timeout`).
    pub job_ms: Option<i64>,
    /// How long a task may run, ms (`spark.rivulet.task.timeout`).
    pub task_ms: Option<i64>,
}

/// Executors that run tasks of a job, and how long they have to end these, ms.
pub(super) struct Busy {
    /// The executors.
    pub executors: Vec<ExecutorRef>,
    /// How long they have (`spark.task.reaper.killTimeout`).
    pub reap_ms: i64,
}

impl Limits {
    /// Returns the limits of a batch query.
    ///
    /// # Errors
    /// If a setting cannot be read.
    pub fn of_statement(conf: &Conf) -> Result<Self> {
        let positive = |ms: i64| Some(ms).filter(|ms| *ms > 0);
        Ok(Self {
            result_bytes: Some(conf.bytes(&settings::MAX_RESULT)?).filter(|bytes| *bytes > 0),
            job_ms: positive(conf.millis(&settings::STATEMENT_TIMEOUT)?),
            task_ms: positive(conf.millis(&settings::TASK_TIMEOUT)?),
        })
    }

    /// Returns the limits of a batch of a stream, which ends when its query does; its rows are the sink's.
    ///
    /// # Errors
    /// If a setting cannot be read.
    pub fn of_batch(conf: &Conf) -> Result<Self> {
        let Self { task_ms, .. } = Self::of_statement(conf)?;
        Ok(Self {
            task_ms,
            ..Self::default()
        })
    }
}

/// Executors that have been asked to drop a job and have not said that they have.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<(ExecutorRef, JobId), Due>);

/// When an executor must have answered.
#[derive(Debug)]
struct Due {
    /// The time, ms.
    at_ms: i64,
    /// Whether the driver has looked for the answer before.
    looked: bool,
}

impl Asked {
    /// Notes that an executor is asked to drop a job.
    pub(super) fn ask(&mut self, busy: &Busy, executor: ExecutorRef, job: JobId, now_ms: i64) {
        let at_ms = now_ms.saturating_add(busy.reap_ms);
        self.0.insert((executor, job), Due { at_ms, looked: false });
    }

    /// Notes that an executor has dropped a job.
    pub fn dropped(&mut self, executor: ExecutorRef, job: JobId) {
        self.0.remove(&(executor, job));
    }

    /// Forgets an executor that is gone.
    pub fn lost(&mut self, executor: ExecutorRef) {
        self.0.retain(|(asked, _), _| *asked != executor);
    }

    /// Returns when to look, ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        self.0.values().map(|due| due.at_ms).min()
    }

    /// Returns the executors that are to be replaced.
    pub fn overdue(&mut self, now_ms: i64) -> Vec<ExecutorRef> {
        let mut overdue = Vec::new();
        for ((executor, _), due) in &mut self.0 {
            if due.at_ms > now_ms {
                continue;
            }
            if due.looked {
                overdue.push(*executor);
            }
            (due.looked, due.at_ms) = (true, now_ms.saturating_add(GRACE_MS));
        }
        overdue.iter().for_each(|executor| self.lost(*executor));
        overdue.dedup();
        overdue
    }
}

impl JobRunner {
    /// Ends a job whose result is not wanted; nothing of it is reported.
    pub fn cancel(&mut self, job: JobId, now_ms: i64) -> Vec<Effect> {
        if self.flows.contains_key(&job) {
            return self.drop_flow(job, now_ms);
        }
        let busy = self.busy_with(job);
        self.look_back(job, now_ms);
        if self.jobs.remove(&job).is_none() {
            return vec![];
        }
        let commands = self.scheduler.step(now_ms, Event::Cancel { job });
        let mut effects = self.carry_out(commands, now_ms);
        effects.extend(self.drop_job(job, Some(&busy), now_ms));
        effects
    }

    /// Returns whether executors have blocks of a job when it is done: if one of its stages wrote for another.
    pub(super) fn leaves_blocks(&self, job: JobId) -> bool {
        let plan = self.jobs.get(&job).and_then(|job| self.plans.get(&job.plan));
        plan.is_none_or(|plan| {
            plan.graph
                .stages
                .iter()
                .any(|stage| !matches!(stage.output, Output::Result))
        })
    }

    /// Has executors forget a job's blocks, but for those that later jobs may read.
    ///
    /// Those that are `busy` with it say when they have.
    pub(super) fn drop_job(&mut self, job: JobId, busy: Option<&Busy>, now_ms: i64) -> Vec<Effect> {
        let keep = self.scheduler.outputs_of(job);
        let mut effects = Vec::new();
        for to in self.executors() {
            let busy = busy.filter(|busy| busy.executors.contains(&to));
            if let Some(busy) = busy {
                self.asked.ask(busy, to, job, now_ms);
            }
            let message = ToExecutor::DropJob {
                job,
                keep: keep.clone(),
                answer: busy.is_some(),
            };
            let blobs = vec![];
            effects.push(Effect::Send { to, message, blobs });
        }
        effects
    }

    /// Fails a job whose result has become too large.
    pub(super) fn refuse_large(&mut self, id: JobId, now_ms: i64) -> Vec<Effect> {
        let Some(job) = self
            .jobs
            .get(&id)
            .filter(|job| job.request.limits.result_bytes.is_some())
        else {
            return vec![];
        };
        let (tasks, bytes) = job.result_size;
        let Err(error) = check_result_size(tasks, bytes, job.request.limits.result_bytes) else {
            return vec![];
        };
        let mut effects = self.cancel(id, now_ms);
        effects.push(Effect::Failed { job: id, error });
        effects
    }

    /// Notes an executor whose heap is larger than the job's settings allow an idle one.
    pub(super) fn measure(&mut self, executor: ExecutorRef, job: JobId, heap_bytes: u64) {
        let plan = self.jobs.get(&job).and_then(|job| self.plans.get(&job.plan));
        let limit = plan.and_then(|plan| plan.spec.conf.bytes(&settings::IDLE_HEAP).ok());
        if limit.is_some_and(|limit| limit > 0 && heap_bytes > limit) {
            self.swollen.insert(executor);
        }
    }

    /// Replaces executors with large heaps if no job runs, except those that hold state of a query or a cached partition.
    pub(super) fn replace_swollen(&mut self) -> Vec<Effect> {
        if self.swollen.is_empty() || !self.jobs.is_empty() || !self.flows.is_empty() {
            return vec![];
        }
        let holds = |executor: ExecutorRef| {
            let mut homes = self.homes.values();
            homes.any(|home| home.executor == Some(executor)) || self.scheduler.keeps_any(executor)
        };
        let idle: Vec<ExecutorRef> = self.swollen.iter().copied().filter(|e| !holds(*e)).collect();
        for executor in &idle {
            self.swollen.remove(executor);
        }
        let why = SWOLLEN;
        idle.into_iter()
            .map(|executor| Effect::Replace { executor, why })
            .collect()
    }

    /// Returns the executors that run tasks of a job, and how long its statement gives them to end these.
    pub(super) fn busy_with(&self, job: JobId) -> Busy {
        let known = self.jobs.get(&job);
        Busy {
            executors: known.map_or(vec![], |job| job.attempts.busy()),
            reap_ms: self.reap_ms(known.map(|job| job.plan)),
        }
    }

    /// Returns how long executors have to end tasks of a plan, ms.
    pub(super) fn reap_ms(&self, plan: Option<PlanId>) -> i64 {
        let plan = plan.and_then(|plan| self.plans.get(&plan));
        let reap_ms = |conf: &Conf| conf.millis(&settings::REAPER_TIMEOUT).ok();
        plan.and_then(|plan| reap_ms(&plan.spec.conf))
            .or_else(|| reap_ms(&Conf::default()))
            .unwrap_or_default()
    }

    /// Takes in that an executor has ended: what ran or lay there is computed again. With a `cause`, a task that ran there
    /// has had one death more, and after the second its job fails with the cause.
    pub fn executor_lost(&mut self, executor: ExecutorRef, cause: Option<SparkError>, now_ms: i64) -> Vec<Effect> {
        self.asked.lost(executor);
        self.swollen.remove(&executor);
        let mut failed = Vec::new();
        for (id, job) in &mut self.jobs {
            for part in job.attempts.running_on(executor).filter(|_| cause.is_some()) {
                let deaths = job.deaths.entry(part).or_default();
                *deaths += 1;
                if *deaths >= DEATHS {
                    failed.push(*id);
                }
            }
            job.attempts.lost(Some(executor), now_ms);
        }
        let commands = self.scheduler.step(now_ms, Event::ExecutorLost { executor });
        let mut effects = self.carry_out(commands, now_ms);
        effects.extend(self.flows_lost(executor, cause.as_ref(), now_ms));
        for (job, error) in failed.into_iter().zip(std::iter::repeat(cause).flatten()) {
            effects.extend(self.cancel(job, now_ms));
            effects.push(Effect::Failed { job, error });
        }
        effects
    }

    /// Returns when a job, or one of its tasks, has run for as long as it may, and the error of that; `None` if it may run on.
    fn deadline(job: &Job) -> Option<(i64, SparkError)> {
        let limits = job.request.limits;
        let of_job = limits.job_ms.map(|ms| {
            (
                job.submitted_ms.saturating_add(ms),
                timeout("statement", &settings::STATEMENT_TIMEOUT, ms),
            )
        });
        let oldest = limits.task_ms.and_then(|ms| Some((job.attempts.oldest_ms()?, ms)));
        let of_task =
            oldest.map(|(since, ms)| (since.saturating_add(ms), timeout("task", &settings::TASK_TIMEOUT, ms)));
        of_job.into_iter().chain(of_task).min_by_key(|(at_ms, _)| *at_ms)
    }

    /// Fails the jobs that have run for as long as they may.
    fn end_overdue(&mut self, now_ms: i64) -> Vec<Effect> {
        let deadlines = self
            .jobs
            .iter()
            .filter_map(|(id, job)| Some((*id, Self::deadline(job)?)));
        let deadlines = deadlines.chain(self.flow_deadlines());
        let overdue: Vec<_> = deadlines.filter(|(_, (at_ms, _))| *at_ms <= now_ms).collect();
        let mut effects = Vec::new();
        for (job, (_, error)) in overdue {
            effects.extend(self.cancel(job, now_ms));
            effects.push(Effect::Failed { job, error });
        }
        effects
    }

    /// Looks for tasks that are slow, for jobs whose time is over, and for executors that do not let go of a task.
    pub fn wake(&mut self, now_ms: i64) -> Vec<Effect> {
        let commands = self.scheduler.step(now_ms, Event::Tick);
        let mut effects = self.carry_out(commands, now_ms);
        effects.extend(self.end_overdue(now_ms));
        let overdue = self.asked.overdue(now_ms).into_iter();
        effects.extend(overdue.map(|executor| Effect::Replace { executor, why: OVERDUE }));
        effects
    }

    /// Returns when to call [`JobRunner::wake`], ms since the epoch; `None` if no task can become slow, and none is to end.
    pub fn wake_at(&self, now_ms: i64) -> Option<i64> {
        let deadlines = self.jobs.values().filter_map(Self::deadline).map(|(at_ms, _)| at_ms);
        let deadlines = deadlines.chain(self.flow_deadlines().map(|(_, (at_ms, _))| at_ms));
        let due = self.scheduler.wake_at(now_ms).into_iter().chain(self.asked.wake_at());
        due.chain(deadlines).min()
    }
}

/// Makes the error of what has run for as long as a setting lets it.
pub(super) fn timeout(what: &str, setting: &Setting, ms: i64) -> SparkError {
    let sentence = format!(
        "The {what} has run for {ms} ms, which {} says is the longest.",
        setting.key
    );
    SparkError::new(Exception::Runtime, "RIVULET_TIMEOUT", "57014", sentence).with("setting", setting.key)
}

/// How many executors each task has ended.
pub(super) type Deaths = BTreeMap<StagePart, u32>;
