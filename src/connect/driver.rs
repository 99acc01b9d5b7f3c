//! The driver: sessions, jobs and queries behind one `handle`.
//!
//! The host feeds it [`Input`]s and carries out its [`Output`]s; [`Driver::wake_at`] says when it wants to be woken. It has
//! no clock and does no I/O of its own but reading files through [`Files`].

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use arrow::buffer::Buffer;
use prost::Message;

use super::execute::{Operation, Rows};
use super::files::HostCatalog;
use super::session::Session;
use super::streaming::Streams;
use crate::cluster::message::{FromExecutor, ToExecutor};
use crate::cluster::runner::{Effect, JobRequest, JobRunner};
use crate::error::{Result, SparkError};
use crate::ids::{ConnectionId, ExecutorRef, JobId, PlanId};
use crate::ml::transform::Context as MlContext;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::settings::Conf;
use crate::storage::files::Files;
use crate::storage::{Answer, Request};
use crate::{proto as sc, sources};

/// A request's number, given by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A Spark Connect call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    ExecutePlan,
    AnalyzePlan,
    Config,
    Interrupt,
    ReattachExecute,
    ReleaseExecute,
    ReleaseSession,
    FetchErrorDetails,
}

impl Method {
    /// By the service's method name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ExecutePlan" => Self::ExecutePlan,
            "AnalyzePlan" => Self::AnalyzePlan,
            "Config" => Self::Config,
            "Interrupt" => Self::Interrupt,
            "ReattachExecute" => Self::ReattachExecute,
            "ReleaseExecute" => Self::ReleaseExecute,
            "ReleaseSession" => Self::ReleaseSession,
            "FetchErrorDetails" => Self::FetchErrorDetails,
            _ => return None,
        })
    }
}

/// What happens to the driver.
#[derive(Debug)]
pub enum Input {
    Request {
        id: RequestId,
        method: Method,
        bytes: Vec<u8>,
    },
    /// The client does not want the answer any more.
    Cancel {
        id: RequestId,
    },
    ExecutorAdded {
        executor: ExecutorRef,
    },
    ExecutorLost {
        executor: ExecutorRef,
    },
    Executor {
        from: ExecutorRef,
        message: FromExecutor,
        blobs: Vec<Buffer>,
    },
    /// The time of [`Driver::wake_at`] has come.
    Wake,
    /// Records for a pushed source.
    Push {
        source: String,
        bytes: Vec<u8>,
    },
    PushEnd {
        source: String,
    },
    /// What a source's connection does.
    Connection {
        connection: ConnectionId,
        event: sources::Event,
    },
    /// A `foreachBatch` function has returned, for a batch of a run.
    ForeachBatchDone {
        run: String,
        batch_id: i64,
        error: Option<String>,
    },
    /// The answer to [`Output::Storage`].
    Storage {
        op: u64,
        answer: Answer,
    },
}

/// What the driver wants of its host.
#[derive(Debug)]
pub enum Output {
    Respond {
        id: RequestId,
        bytes: Vec<u8>,
    },
    End {
        id: RequestId,
    },
    Fail {
        id: RequestId,
        error: SparkError,
    },
    Send {
        to: ExecutorRef,
        message: ToExecutor,
        blobs: Vec<Buffer>,
    },
    /// Ask storage, in the order of these outputs, then say [`Input::Storage`].
    Storage {
        op: u64,
        request: Request,
    },
    ForeachBatch {
        sink: String,
        run: String,
        batch_id: i64,
        blocks: Vec<Buffer>,
    },
    Listener {
        kind: &'static str,
        json: String,
    },
    Console {
        text: String,
    },
    Credit {
        source: String,
        queued: usize,
        limit: usize,
        /// Pushes of the source that are durable; none where no checkpoint makes them so.
        durable: Option<i64>,
    },
    /// What a source asks of its connection; what follows is [`Input::Connection`].
    Connection {
        connection: ConnectionId,
        ask: sources::Ask,
    },
}

/// Who waits for a job.
#[derive(Debug)]
pub(super) enum Owner {
    Rows(Rows),
    Query(String),
    /// A job over datasets: the operation, and the partitions that its results are of.
    Datasets {
        operation: String,
        partitions: Vec<usize>,
    },
    Ml(super::ml::MlJob),
    Text(super::write::TextWrite),
}

impl Owner {
    /// The operation that a client waits for.
    pub(super) fn operation(&self) -> Option<&str> {
        match self {
            Self::Rows(rows) => Some(&rows.operation),
            Self::Ml(job) => Some(&job.operation),
            Self::Text(write) => Some(&write.operation),
            Self::Datasets { operation, .. } => Some(operation),
            Self::Query(_) => None,
        }
    }
}

/// One driver.
pub struct Driver {
    pub(super) defaults: Conf,
    pub(super) files: Rc<dyn Files>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) runner: JobRunner,
    pub(super) owners: HashMap<JobId, (Owner, PlanId)>,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) streams: Streams,
    pub(super) saves: super::saved::Saves,
    pub(super) out: Vec<Output>,
    pub(super) history: Vec<JobRecord>,
    /// Datasets that jobs asked to keep, by key.
    pub(super) kept: BTreeMap<u64, super::datasets::KeptDataset>,
    errors: BTreeMap<String, SparkError>,
    seed: u64,
    ids: u64,
}

/// A job of the recent past, for status displays.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    pub id: u64,
    pub description: String,
    pub state: &'static str,
    pub submitted_ms: i64,
    pub finished_ms: Option<i64>,
    pub stages: Vec<crate::cluster::attempts::StageStatus>,
}

/// Jobs kept for status displays.
const HISTORY: usize = 24;

impl Driver {
    /// `seed` makes the ids of this driver's queries differ from another's.
    pub fn new(defaults: Conf, files: Rc<dyn Files>, seed: u64) -> Self {
        Self {
            defaults,
            files,
            sessions: BTreeMap::new(),
            runner: JobRunner::default(),
            owners: HashMap::new(),
            operations: BTreeMap::new(),
            streams: Streams::default(),
            saves: Default::default(),
            out: vec![],
            history: vec![],
            kept: BTreeMap::new(),
            errors: BTreeMap::new(),
            seed,
            ids: 0,
        }
    }

    /// One step. `now_ms` is the host's clock, ms since the epoch.
    pub fn handle(&mut self, now_ms: i64, input: Input) -> Vec<Output> {
        self.runner.set_time(now_ms);
        match input {
            Input::Request { id, method, bytes } => {
                if let Err(error) = self.request(id, method, &bytes, now_ms) {
                    self.out.push(Output::Fail { id, error });
                }
            }
            Input::Cancel { id } => self.cancel_request(id),
            Input::ExecutorAdded { executor } => {
                let effects = self.runner.executor_added(executor, 1);
                self.carry_out(effects, now_ms);
            }
            Input::ExecutorLost { executor } => {
                let effects = self.runner.executor_lost(executor);
                self.carry_out(effects, now_ms);
            }
            Input::Executor { from, message, blobs } => {
                let effects = self.runner.message(from, message, blobs);
                self.carry_out(effects, now_ms);
            }
            Input::Wake => {
                let effects = self.runner.wake();
                self.carry_out(effects, now_ms);
            }
            Input::Push { source, bytes } => self.push(&source, Buffer::from(bytes), now_ms),
            Input::PushEnd { source } => self.push_end(&source, now_ms),
            Input::Connection { connection, event } => self.heard(connection, event, now_ms),
            Input::ForeachBatchDone { run, batch_id, error } => self.foreach_batch_done(&run, batch_id, error, now_ms),
            Input::Storage { op, answer } => self.stored(op, answer, now_ms),
        }
        self.poll_queries(now_ms);
        std::mem::take(&mut self.out)
    }

    /// When to send [`Input::Wake`]; ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        self.streams.wake_at().into_iter().chain(self.runner.wake_at()).min()
    }

    fn request(&mut self, id: RequestId, method: Method, bytes: &[u8], now_ms: i64) -> Result<()> {
        fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M> {
            M::decode(bytes).map_err(|e| SparkError::invalid_plan(format!("the request cannot be read: {e}")))
        }
        match method {
            Method::ExecutePlan => self.execute_plan(id, decode(bytes)?, now_ms),
            Method::AnalyzePlan => {
                let answer = self.analyze_plan(&decode(bytes)?, now_ms)?;
                self.answer(id, &answer);
                Ok(())
            }
            Method::Config => {
                let request: sc::ConfigRequest = decode(bytes)?;
                let operation = request
                    .operation
                    .as_ref()
                    .ok_or_else(|| SparkError::invalid_plan("a config request has no operation"))?;
                let session = self.session(&request.session_id);
                let pairs = super::config::answer(session, operation)?;
                let session_id = request.session_id;
                self.answer(
                    id,
                    &sc::ConfigResponse {
                        server_side_session_id: session_id.clone(),
                        session_id,
                        pairs,
                        warnings: vec![],
                    },
                );
                Ok(())
            }
            Method::Interrupt => {
                let request: sc::InterruptRequest = decode(bytes)?;
                let interrupted_ids = self.interrupt(&request);
                let session_id = request.session_id;
                self.answer(
                    id,
                    &sc::InterruptResponse {
                        server_side_session_id: session_id.clone(),
                        session_id,
                        interrupted_ids,
                    },
                );
                Ok(())
            }
            Method::ReattachExecute => self.reattach(id, &decode(bytes)?),
            Method::ReleaseExecute => {
                let request: sc::ReleaseExecuteRequest = decode(bytes)?;
                self.release_execute(&request);
                let session_id = request.session_id;
                let operation_id = Some(request.operation_id);
                self.answer(
                    id,
                    &sc::ReleaseExecuteResponse {
                        server_side_session_id: session_id.clone(),
                        session_id,
                        operation_id,
                    },
                );
                Ok(())
            }
            Method::ReleaseSession => {
                let request: sc::ReleaseSessionRequest = decode(bytes)?;
                self.release_session(&request.session_id, now_ms);
                let session_id = request.session_id;
                self.answer(
                    id,
                    &sc::ReleaseSessionResponse {
                        server_side_session_id: session_id.clone(),
                        session_id,
                    },
                );
                Ok(())
            }
            Method::FetchErrorDetails => {
                let request: sc::FetchErrorDetailsRequest = decode(bytes)?;
                let answer = self.error_details(&request);
                self.answer(id, &answer);
                Ok(())
            }
        }
    }

    /// Sends the one response of a call.
    pub(super) fn answer(&mut self, id: RequestId, message: &impl Message) {
        self.out.push(Output::Respond {
            id,
            bytes: message.encode_to_vec(),
        });
        self.out.push(Output::End { id });
    }

    pub(super) fn session(&mut self, id: &str) -> &mut Session {
        let defaults = &self.defaults;
        self.sessions
            .entry(id.to_owned())
            .or_insert_with(|| Session::new(defaults))
    }

    /// A new id in the form of a UUID.
    pub(super) fn fresh_uuid(&mut self) -> String {
        self.ids += 1;
        let high = self.seed ^ self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let low = self.seed.rotate_left(32) ^ self.ids;
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 52 & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// Notes an error so that `FetchErrorDetails` can tell more of it.
    pub fn remember_error(&mut self, error: &SparkError) -> String {
        let id = self.fresh_uuid();
        if self.errors.len() > 256 {
            self.errors.pop_first();
        }
        self.errors.insert(id.clone(), error.clone());
        id
    }

    fn error_details(&self, request: &sc::FetchErrorDetailsRequest) -> sc::FetchErrorDetailsResponse {
        use sc::fetch_error_details_response as details;
        let mut response = sc::FetchErrorDetailsResponse {
            session_id: request.session_id.clone(),
            server_side_session_id: request.session_id.clone(),
            ..Default::default()
        };
        if let Some(error) = self.errors.get(&request.error_id) {
            response.root_error_idx = Some(0);
            response.errors.push(details::Error {
                error_type_hierarchy: error.exception.classes().iter().map(|c| (*c).to_owned()).collect(),
                message: error.full_message(),
                spark_throwable: Some(details::SparkThrowable {
                    error_class: error.condition.clone(),
                    message_parameters: error.parameters.clone().into_iter().collect(),
                    sql_state: error.sql_state.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            });
        }
        response
    }

    /// Analyses a relation in a session; the spec has what executors need to do the same.
    pub(super) fn analyzed(
        &mut self,
        session: &str,
        relation: &sc::Relation,
        now_ms: i64,
    ) -> Result<(crate::compile::job::JobSpec, Analyzer, Resolved)> {
        let catalog = HostCatalog::new(self.files.clone());
        let mut spec = self.session(session).spec(relation, now_ms)?;
        let models = self.session(session).models.shared();
        let (mut analyzer, resolved) = spec.analyze(catalog.clone(), models)?;
        spec.models = MlContext::of(&mut analyzer).map(|ml| ml.encoded()).unwrap_or_default();
        spec.files = catalog.found.borrow().clone();
        Ok((spec, analyzer, resolved))
    }

    /// Registers a plan and runs it once for `owner`.
    pub(super) fn submit(&mut self, plan: PlanId, request: JobRequest, owner: Owner, now_ms: i64) -> JobId {
        let description = request.description.clone();
        let (job, effects) = self.runner.submit(plan, request);
        self.owners.insert(job, (owner, plan));
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
        self.carry_out(effects, now_ms);
        job
    }

    pub(super) fn note(&mut self, job: JobId, state: &'static str, now_ms: i64) {
        let stages = self.runner.status(job);
        if let Some(record) = self.history.iter_mut().rev().find(|r| r.id == job.0) {
            record.state = state;
            record.finished_ms = Some(now_ms);
            record.stages = stages;
        }
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, now_ms: i64) {
        for effect in effects {
            match effect {
                Effect::Send { to, message, blobs } => self.out.push(Output::Send { to, message, blobs }),
                Effect::LoadState { piece, version } => self.load_state(piece, version, now_ms),
                Effect::Done { job, outcome } => {
                    self.note(job, "succeeded", now_ms);
                    match self.owners.remove(&job) {
                        Some((Owner::Rows(rows), plan)) => {
                            self.rows_done(rows, outcome);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        Some((Owner::Datasets { operation, partitions }, plan)) => {
                            self.datasets_done(&operation, &partitions, outcome);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        Some((Owner::Query(query), _)) => self.query_job_done(&query, outcome, now_ms),
                        Some((Owner::Ml(job), plan)) => {
                            self.ml_job_done(&job, &outcome);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        Some((Owner::Text(write), plan)) => {
                            self.text_written(&write, &outcome);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        None => {}
                    }
                }
                Effect::Failed { job, error } => {
                    self.note(job, "failed", now_ms);
                    match self.owners.remove(&job) {
                        Some((Owner::Rows(rows), plan)) => {
                            self.fail_operation(&rows.operation, error);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        Some((Owner::Query(query), _)) => self.query_failed(&query, error, now_ms),
                        Some((owner @ (Owner::Datasets { .. } | Owner::Ml(_) | Owner::Text(_)), plan)) => {
                            self.fail_operation(owner.operation().unwrap_or_default(), error);
                            let effects = self.runner.drop_plan(plan);
                            self.carry_out(effects, now_ms);
                        }
                        None => {}
                    }
                }
            }
        }
    }

    /// Executors, jobs and their stages, as JSON.
    pub fn status(&mut self) -> String {
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
        serde_json::json!({ "executors": executors, "jobs": jobs, "datasets": datasets }).to_string()
    }
}
