//! The driver: sessions, jobs and queries, with one `handle` in front.
//!
//! The host feeds it [`Input`]s and carries out its [`Output`]s; [`Driver::wake_at`] says when it wants to be woken. It
//! has no clock and does no I/O of its own but reading files through [`Files`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use prost::{Message, Name};

use super::execute::Operation;
use super::files::HostCatalog;
use super::jobs::{JobRecord, Owner};
use super::protocol::{Input, Method, Output, RequestId, Writer};
use super::questions::Call;
use super::reports::Known;
use super::session::Session;
use super::streaming::Streams;
use crate::cluster::message::FromExecutor;
use crate::cluster::runner::JobRunner;
use crate::error::{Result, SparkError, guarded};
use crate::ids::{DatasetId, ExecutorRef, JobId, PlanId};
use crate::ml::model::Models;
use crate::ml::transform::Context as MlContext;
use crate::plan::analyzer::Analyzer;
use crate::plan::recursion::{QUESTION, Question};
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::settings::Conf;
use crate::storage::files::Files;
use crate::streaming::sinks::Sink;

/// One driver: everything that a Spark Connect server knows.
///
/// ```
/// use std::rc::Rc;
///
/// use rivulet::connect::driver::Driver;
/// use rivulet::connect::protocol::{Input, Output};
/// use rivulet::ids::ExecutorRef;
/// use rivulet::storage::files::NoFiles;
///
/// let mut driver = Driver::new(Default::default(), Rc::new(NoFiles), 1);
/// let executor = ExecutorRef::at(0, 0);
/// let outputs: Vec<Output> = driver.handle(0, Input::ExecutorAdded { executor });
/// assert!(outputs.is_empty());
/// assert_eq!(driver.wake_at(), None);
/// ```
pub struct Driver {
    /// Settings that a new session begins with.
    pub(super) defaults: Conf,
    /// The host's files.
    pub(super) files: Rc<dyn Files>,
    /// Sessions by id.
    pub(super) sessions: BTreeMap<String, Session>,
    /// Runs jobs on executors.
    pub(super) runner: JobRunner,
    /// Who waits for each job, and the plan that goes with it.
    pub(super) owners: HashMap<JobId, (Owner, PlanId)>,
    /// Calls of `ExecutePlan` by operation id.
    pub(super) operations: BTreeMap<String, Operation>,
    /// Streaming queries.
    pub(super) streams: Streams,
    /// Streaming contexts.
    pub(super) contexts: super::dstreams::Contexts,
    /// Directories that are being written or read.
    pub(super) saves: super::saved::Saves,
    /// Jobs that wait for what tables of other systems hold.
    pub(super) tables: super::tables::Tables,
    /// Where rows of operations are being written, by operation.
    pub(super) writes: BTreeMap<String, Box<dyn Sink>>,
    /// When the step in progress began, ms since the epoch.
    now_ms: i64,
    /// Outputs of the step in progress.
    pub(super) out: Vec<Output>,
    /// Jobs of the recent past, oldest first.
    pub(super) history: Vec<JobRecord>,
    /// Datasets that jobs asked to keep, by key.
    pub(super) kept: BTreeMap<DatasetId, super::datasets::KeptDataset>,
    /// How many trainings in rounds there were.
    pub(super) trainings: u64,
    /// Rows of trainings that are over.
    pub(super) released: super::learning::Released,
    /// When the runner wants to look at slow tasks.
    tasks_wake_at: Option<i64>,
    /// Errors that clients may ask more about, and their ids, oldest first.
    pub(super) errors: VecDeque<(String, SparkError)>,
    /// Questions to storage without an answer yet.
    pub(super) asked: super::storage::Asked,
    /// The question that the analysis in progress has ended with.
    pub(super) question: Option<Question>,
    /// What questions of the call in progress were answered before, as views.
    pub(super) answered: Vec<(String, arrow::buffer::Buffer)>,
    /// Whether executors can hand rows to the page.
    pub(super) executors_reach_page: bool,
    /// Makes ids differ between drivers.
    seed: u64,
    /// How many ids were made.
    ids: u64,
}

impl Driver {
    /// Returns a driver without executors; `seed` makes the ids of its queries differ from another's.
    pub fn new(defaults: Conf, files: Rc<dyn Files>, seed: u64) -> Self {
        Self {
            defaults,
            files,
            sessions: BTreeMap::new(),
            runner: JobRunner::default(),
            owners: HashMap::new(),
            operations: BTreeMap::new(),
            streams: Streams::default(),
            contexts: Default::default(),
            saves: Default::default(),
            tables: Default::default(),
            writes: BTreeMap::new(),
            now_ms: 0,
            out: vec![],
            history: vec![],
            kept: BTreeMap::new(),
            trainings: 0,
            released: Default::default(),
            tasks_wake_at: None,
            errors: VecDeque::new(),
            asked: Default::default(),
            question: None,
            answered: vec![],
            executors_reach_page: false,
            seed,
            ids: 0,
        }
    }

    /// Has executors hand rows of continuous queries to functions of the page: their host can.
    #[must_use]
    pub fn with_executors_that_reach_page(mut self) -> Self {
        self.executors_reach_page = true;
        self
    }

    /// Takes one step. `now_ms` is the host's clock, ms since the epoch.
    ///
    /// Whatever happened, queries that are due are stepped too, so a host that only ever wakes the driver is enough for
    /// time to pass.
    pub fn handle(&mut self, now_ms: i64, input: Input) -> Vec<Output> {
        self.now_ms = now_ms;
        match input {
            Input::Request { id, method, bytes } => {
                if let Err(error) = self.request(id, method, &bytes, now_ms) {
                    self.fail_call(id, error);
                }
            }
            Input::Cancel { id } => self.cancel_request(id, now_ms),
            Input::Taken { id, bytes } => self.taken(id, bytes),
            Input::ExecutorAdded { executor } => {
                let effects = self.runner.executor_added(executor, 1, now_ms);
                self.carry_out(effects, now_ms);
                self.contexts_hear(executor, true, now_ms);
            }
            Input::ExecutorLost { executor, cause } => {
                let effects = self.runner.executor_lost(executor, cause, now_ms);
                self.carry_out(effects, now_ms);
                self.contexts_hear(executor, false, now_ms);
            }
            Input::Executor {
                message: FromExecutor::Receiver { receiver, report },
                blobs,
                ..
            } => self.receiver_reports(receiver, report, blobs.into_iter().next(), now_ms),
            Input::Executor { from, message, blobs } => {
                let effects = self.runner.message(from, message, blobs, now_ms);
                self.carry_out(effects, now_ms);
            }
            Input::Wake => {
                let effects = self.runner.wake(now_ms);
                self.carry_out(effects, now_ms);
            }
            Input::Push { source, block } => self.push(&source, block, now_ms),
            Input::Hold {
                session,
                dataset,
                blocks,
            } => self.session(&session).sources.put(dataset, blocks),
            Input::PushEnd { source } => self.push_end(&source, now_ms),
            Input::PushForget { source } => self.push_forget(&source),
            Input::Connection { connection, event } => {
                let event = self.socket_heard(connection, event, now_ms);
                let event = event.and_then(|event| self.table_heard(connection, event, now_ms));
                if let Some(event) = event {
                    self.heard(connection, event, now_ms);
                }
            }
            Input::ForeachBatchDone {
                run,
                batch_id,
                lots,
                job,
                error,
            } => self.foreach_batch_done(&run, (batch_id, job, lots), error, now_ms),
            Input::Written { writer, answer } => match writer {
                Writer::Batch { run, batch_id } => self.batch_written(&run, batch_id, answer, now_ms),
                Writer::Operation(operation) => self.rows_written(&operation, answer),
            },
            Input::Storage { op, answer } => self.stored(op, answer, now_ms),
        }
        self.wake_tables(now_ms);
        self.poll_queries(now_ms);
        while let Some(effects) = self.runner.end_resting(now_ms) {
            self.carry_out(effects, now_ms);
            self.poll_queries(now_ms);
        }
        self.poll_contexts(now_ms);
        self.release_trainings(now_ms);
        self.tasks_wake_at = self.runner.wake_at(now_ms);
        std::mem::take(&mut self.out)
    }

    /// Returns whether an executor has tasks.
    pub fn is_busy(&self, executor: ExecutorRef) -> bool {
        self.runner.running_on(executor.id) > 0
    }

    /// Returns when to send [`Input::Wake`], ms since the epoch; `None` if nothing is due.
    pub fn wake_at(&self) -> Option<i64> {
        let due = self.streams.wake_at().into_iter().chain(self.contexts.wake_at());
        due.chain(self.tasks_wake_at).chain(self.tables.wake_at()).min()
    }

    /// Answers a call, or begins its operation.
    ///
    /// # Errors
    /// If the request cannot be read; those of the call. The call fails with them.
    fn request(&mut self, id: RequestId, method: Method, bytes: &[u8], now_ms: i64) -> Result<()> {
        /// Reads a request's message.
        fn decode<M: Message + Name + Default>(bytes: &[u8]) -> Result<M> {
            sc::read(bytes).map_err(|e| SparkError::invalid_plan(format!("the request cannot be read: {e}")))
        }
        match method {
            Method::ExecutePlan => self.execute_plan(id, decode(bytes)?, now_ms),
            Method::AnalyzePlan => {
                self.answer_analysis(id, decode(bytes)?, now_ms);
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
                let interrupted_ids = self.interrupt(&request, now_ms);
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

    /// Answers a question about a plan.
    pub(super) fn answer_analysis(&mut self, id: RequestId, request: sc::AnalyzePlanRequest, now_ms: i64) {
        match self.analyze_plan(&request, now_ms) {
            Ok(answer) => self.answer(id, &answer),
            Err(error) => {
                let session = request.session_id.clone();
                self.failed_or_asks(&session, Call::Analyze(id, Box::new(request)), error, now_ms);
            }
        }
    }

    /// Ends a call with an error.
    pub(super) fn fail_call(&mut self, id: RequestId, error: SparkError) {
        self.out.push(Output::Fail { id, error });
    }

    /// Sends the one response of a call.
    pub(super) fn answer(&mut self, id: RequestId, message: &impl Message) {
        self.out.push(Output::Respond {
            id,
            bytes: message.encode_to_vec(),
        });
        self.out.push(Output::End { id });
    }

    /// Returns a session; an unknown id begins a new one, as in Spark.
    pub(super) fn session(&mut self, id: &str) -> &mut Session {
        let defaults = &self.defaults;
        let session = self.sessions.entry(id.to_owned());
        let session = session.or_insert_with(|| Session::new(defaults));
        session.called_ms = session.called_ms.max(self.now_ms);
        session
    }

    /// Returns a new id in the form of a UUID; the same seed makes the same ids, which simulations rely on.
    pub(super) fn fresh_uuid(&mut self) -> String {
        self.ids += 1;
        // Neighbouring numbers become bits that have nothing to do with each other (SplitMix64).
        let mix = |number: u64| {
            let mut bits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            bits ^ (bits >> 31)
        };
        let high = mix(self.seed.wrapping_add(2 * self.ids));
        let low = mix(high ^ self.seed.rotate_left(32) ^ self.ids);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 52 & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// Analyses a relation in a session; the spec has what executors need to do the same.
    ///
    /// # Errors
    /// What analysis refuses.
    pub(super) fn analyzed(
        &mut self,
        session: &str,
        relation: &sc::Relation,
        now_ms: i64,
    ) -> Result<(crate::compile::job::JobSpec, Analyzer, Resolved)> {
        self.resolved(session, relation, now_ms, false)
    }

    /// Does what [`Driver::analyzed`] does, for a plan that runs now: rows that are to be kept, and which nobody has computed, are a
    /// question.
    ///
    /// # Errors
    /// What analysis refuses.
    pub(super) fn planned(
        &mut self,
        session: &str,
        relation: &sc::Relation,
        now_ms: i64,
    ) -> Result<(crate::compile::job::JobSpec, Analyzer, Resolved)> {
        self.resolved(session, relation, now_ms, true)
    }

    fn resolved(
        &mut self,
        session: &str,
        relation: &sc::Relation,
        now_ms: i64,
        runs: bool,
    ) -> Result<(crate::compile::job::JobSpec, Analyzer, Resolved)> {
        let catalog = HostCatalog::new(self.files.clone());
        let session_state = self.session(session);
        let mut spec = session_state.spec(relation, now_ms)?;
        session_state.kept.add_to(&mut spec.views, runs);
        let models: Rc<dyn Models> = Rc::new(Known::of(self.session(session)));
        let analyzed = guarded(|| spec.analyze(catalog.clone(), models.clone()));
        if analyzed
            .as_ref()
            .is_err_and(|e| e.condition.as_deref() == Some(QUESTION))
        {
            self.question = guarded(|| spec.question(catalog.clone(), models))?;
        }
        let (mut analyzer, resolved) = analyzed?;
        spec.models = MlContext::of(&mut analyzer).map(|ml| ml.encoded()).unwrap_or_default();
        spec.files = catalog.found.borrow().clone();
        spec.views.retain(|name, _| analyzer.views.used().contains(name));
        Ok((spec, analyzer, resolved))
    }
}
