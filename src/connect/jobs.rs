//! Jobs: who waits for them, how they are run, and what is shown of them.
//!
//! ```text
//!  run_now, submit ──▶ runner ──▶ … ──▶ Effect::Done, Failed ──▶ job_ended ──▶ its Owner
//!         └── JobRecord: running ────────────────────────────────▶ succeeded, failed, cancelled
//! ```
//!
//! A job has exactly one owner, which is removed before it hears of the end: nobody hears of an end twice. A cancelled
//! job loses its owner before it ends, so nobody hears of its end.

use std::sync::Arc;

use arrow::buffer::Buffer;

use super::driver::Driver;
use super::execute::Rows;
use super::protocol::Output;
use super::sending::Piece;
use super::tables::{Then, tables_of};
use crate::cluster::runner::{Effect, JobRequest, Outcome};
use crate::compile::job::JobSpec;
use crate::dstream::context::Event;
use crate::error::{Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::ids::{JobId, PartitionId, PlanId};

/// Who waits for a job.
#[derive(Debug)]
pub(super) enum Owner {
    /// A client that collects rows.
    Rows(Rows),
    /// A streaming query, by run id.
    Query(String),
    /// A job over datasets: the operation, and the partitions that its results are of.
    Datasets {
        /// The operation.
        operation: String,
        /// The partitions that its results are of, in order.
        partitions: Vec<PartitionId>,
    },
    /// Supersteps over a graph.
    Iteration(Box<super::datasets::Iterating>),
    /// A training or evaluation.
    Ml(super::ml::MlJob),
    /// A write of files.
    Files(Box<super::write::FileWrite>),
    /// A write into another system.
    Sink(Box<super::write::SinkWrite>),
    /// A streaming context that writes a state.
    Context(u64),
    /// A call that waits for the rows of a query.
    Question(Box<super::questions::Waiting>),
}

impl Owner {
    /// Returns the operation that a client waits for; `None` for a streaming query.
    pub(super) fn operation(&self) -> Option<&str> {
        match self {
            Self::Rows(rows) => Some(&rows.operation),
            Self::Ml(job) => Some(&job.operation),
            Self::Files(write) => Some(&write.operation),
            Self::Sink(write) => Some(&write.operation),
            Self::Datasets { operation, .. } => Some(operation),
            Self::Iteration(waiting) => Some(&waiting.operation),
            Self::Question(waiting) => waiting.operation(),
            Self::Query(_) | Self::Context(_) => None,
        }
    }
}

/// A job of the recent past, for status displays.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    /// The job's number.
    pub id: u64,
    /// What it does, for people.
    pub description: String,
    /// `running`, `succeeded`, `failed` or `cancelled`.
    pub state: &'static str,
    /// When it began, ms since the epoch.
    pub submitted_ms: i64,
    /// When it ended; `None` while it runs.
    pub finished_ms: Option<i64>,
    /// Its stages.
    pub stages: Vec<crate::cluster::attempts::StageStatus>,
}

/// How many jobs are kept for status displays.
const HISTORY: usize = 24;

impl Driver {
    /// Runs a plan once for `owner`, after what its tables hold is known.
    pub(super) fn run_once(
        &mut self,
        spec: JobSpec,
        graph: Arc<StageGraph>,
        request: JobRequest,
        owner: Owner,
        now_ms: i64,
    ) {
        let tables = tables_of(&graph);
        if tables.is_empty() {
            return self.run_now(spec, graph, request, owner, now_ms);
        }
        self.park(&tables, request, Then::Once(Box::new(spec), owner), now_ms);
    }

    /// Registers a plan, runs it once for `owner`, and drops the plan when the job ends.
    ///
    /// Executors compile the plan when they first hear of it, before the job's first task reaches them.
    pub(super) fn run_now(
        &mut self,
        spec: JobSpec,
        graph: Arc<StageGraph>,
        request: JobRequest,
        owner: Owner,
        now_ms: i64,
    ) {
        let (plan, effects) = self.runner.register(spec, graph);
        self.carry_out(effects, now_ms);
        self.submit(plan, request, owner, now_ms);
    }

    /// Runs a registered plan once for `owner`.
    pub(super) fn submit(&mut self, plan: PlanId, request: JobRequest, owner: Owner, now_ms: i64) -> JobId {
        let description = request.description.clone();
        let (job, effects) = self.runner.submit(plan, request, now_ms);
        self.owners.insert(job, (owner, plan));
        self.record(job, description, now_ms);
        self.carry_out(effects, now_ms);
        job
    }

    /// Notes a job that begins.
    pub(super) fn record(&mut self, job: JobId, description: String, now_ms: i64) {
        self.history.push(JobRecord {
            id: job.0,
            description,
            state: "running",
            submitted_ms: now_ms,
            finished_ms: None,
            stages: self.runner.status(job),
        });
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
    }

    /// Notes how a job ended.
    pub(super) fn note(&mut self, job: JobId, state: &'static str, now_ms: i64) {
        let stages = self.runner.status(job);
        if let Some(record) = self.history.iter_mut().rev().find(|r| r.id == job.0) {
            record.state = state;
            record.finished_ms = Some(now_ms);
            record.stages = stages;
        }
    }

    /// Carries out what the runner wants.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, now_ms: i64) {
        for effect in effects {
            match effect {
                Effect::Send { to, message, blobs } => self.out.push(Output::Send { to, message, blobs }),
                Effect::LoadState { piece, version } => self.load_state(piece, version, now_ms),
                Effect::Replace { executor, why } => self.out.push(Output::ReplaceExecutor { executor, why }),
                Effect::Rows { job, pieces } => self.job_has_rows(job, pieces),
                Effect::Emitted { job, epoch, pieces } => self.emitted_rows(job, epoch, pieces, now_ms),
                Effect::Shown { job, lots } => self.rows_shown(job, lots),
                Effect::Room { job } => self.has_room(job),
                Effect::Passed { job, outcome } => self.epoch_passed(job, outcome, now_ms),
                Effect::Done { job, outcome } => self.job_ended(job, Ok(outcome), now_ms),
                Effect::Failed { job, error } => self.job_ended(job, Err(error), now_ms),
            }
        }
    }

    /// Brings rows of a job that still runs to its owner.
    fn job_has_rows(&mut self, job: JobId, pieces: Vec<Buffer>) {
        if let Some((Owner::Rows(rows), _)) = self.owners.get(&job) {
            let operation = rows.operation.clone();
            self.send_pieces(&operation, pieces.into_iter().map(Piece::Rows));
        }
    }

    /// Brings a job's end to its owner. The plan of a streaming query stays for its next batch; other plans are dropped
    /// with the job.
    fn job_ended(&mut self, job: JobId, ended: Result<Outcome>, now_ms: i64) {
        self.note(job, if ended.is_ok() { "succeeded" } else { "failed" }, now_ms);
        let Some((owner, plan)) = self.owners.remove(&job) else {
            return;
        };
        match (owner, ended) {
            (Owner::Query(run), ended) => return self.query_job_ended(&run, job, ended, now_ms),
            (owner, Err(error)) => self.owner_failed(owner, error, now_ms),
            (Owner::Context(id), Ok(outcome)) => self.state_collected(id, outcome.results, outcome.updates, now_ms),
            (Owner::Question(waiting), Ok(outcome)) => self.rows_found(*waiting, &outcome, now_ms),
            (Owner::Rows(rows), Ok(outcome)) => self.rows_done(rows, outcome),
            (Owner::Datasets { operation, partitions }, Ok(outcome)) => {
                self.datasets_done(&operation, &partitions, outcome);
            }
            (Owner::Iteration(waiting), Ok(outcome)) => self.supersteps_done(waiting, outcome, now_ms),
            (Owner::Ml(job), Ok(outcome)) => self.ml_job_done(job, &outcome, now_ms),
            (Owner::Files(write), Ok(outcome)) => self.files_written(&write, &outcome),
            (Owner::Sink(write), Ok(outcome)) => self.rows_made(*write, outcome, now_ms),
        }
        let effects = self.runner.drop_plan(plan);
        self.carry_out(effects, now_ms);
    }

    /// Brings an error to who waits for a job.
    pub(super) fn owner_failed(&mut self, owner: Owner, error: SparkError, now_ms: i64) {
        match owner {
            Owner::Query(run) => self.query_failed(&run, error, now_ms),
            Owner::Context(id) => self.context_event(id, Event::Collected(Err(error)), now_ms),
            Owner::Question(waiting) => self.question_failed(*waiting, error, now_ms),
            owner => self.fail_operation(owner.operation().unwrap_or_default(), error),
        }
    }

    /// Returns executors, jobs with their stages, and kept datasets, as JSON for status displays.
    ///
    /// Jobs that run show their stages as they are now, ended ones as they were at their end; at most 24 are
    /// shown.
    pub fn status(&mut self) -> serde_json::Value {
        let executors: Vec<serde_json::Value> = self
            .runner
            .executors()
            .into_iter()
            .map(|e| {
                let (done, failed) = self.runner.tallies.get(&e.id).copied().unwrap_or_default();
                let running = self.runner.running_on(e.id);
                serde_json::json!({
                    "id": e.id, "incarnation": e.incarnation, "state": if running > 0 { "busy" } else { "idle" },
                    "runningTasks": running, "completedTasks": done, "failedTasks": failed,
                })
            })
            .collect();
        let jobs: Vec<serde_json::Value> = self
            .history
            .iter()
            .map(|record| {
                let mut record = record.clone();
                let live = self.runner.status(JobId(record.id));
                if !live.is_empty() {
                    record.stages = live;
                }
                serde_json::to_value(&record).unwrap_or_default()
            })
            .collect();
        let storage = self.runner.storage();
        let datasets: Vec<serde_json::Value> = self
            .kept
            .iter()
            .map(|(key, dataset)| {
                let (kept, bytes) = storage.get(key).copied().unwrap_or_default();
                serde_json::json!({
                    "id": dataset.id, "name": dataset.name, "partitions": dataset.partitions, "kept": kept, "bytes": bytes,
                })
            })
            .collect();
        serde_json::json!({ "executors": executors, "jobs": jobs, "datasets": datasets })
    }
}
