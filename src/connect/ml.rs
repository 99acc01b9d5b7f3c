//! `MlCommand`: fit, evaluate, fetch, delete, and the cache of models of a session.
//!
//! Models stay in the session until they are deleted; clients hold their ids. Training and evaluation are jobs, saving
//! and loading are conversations with storage, everything else is answered at once:
//!
//! ```text
//!  Fit      ─▶ training::fit_relation ─▶ job ─▶ training::fitted ─▶ cache ─▶ id
//!  Evaluate ─▶ training::evaluate_relation ─▶ job ─▶ training::metric ─▶ a number
//!  Write    ─▶ persistence::save ─▶ files ─▶ storage            Read ─▶ storage ─▶ persistence::load ─▶ cache ─▶ id
//!  Fetch    ─▶ an attribute, a method, or a helper              Delete, CleanCache, GetCacheInfo, GetModelSize ─▶ cache
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema};

use super::driver::Driver;
use super::files::PAGE_FILES;
use super::jobs::Owner;
use super::learning::InRounds;
use super::saved::Want;
use crate::cluster::runner::{JobRequest, Limits, Outcome};
use crate::compile::job;
use crate::error::{Result, SparkError};
use crate::ml::batches;
use crate::ml::findings;
use crate::ml::learning::Run;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Model, Models};
use crate::ml::params::Params;
use crate::ml::persistence;
use crate::ml::stage;
use crate::ml::training::{self, Work};
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::ml_command::Command;
use crate::proto::ml_command_result::{MlOperatorInfo, ResultType, ml_operator_info};
use crate::proto::write_operation::SaveMode;
use crate::storage::files::Files;
use crate::values::ipc;

/// The models of a session, by the ids that clients hold.
#[derive(Debug, Clone, Default)]
pub struct ModelCache(BTreeMap<String, Arc<Model>>);

impl Models for ModelCache {
    fn find(&self, id: &str) -> Option<Arc<Model>> {
        self.0.get(id).cloned()
    }
}

impl ModelCache {
    /// Forgets a model; returns whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }
}

/// What is made of a job's state.
pub(super) enum Wants {
    /// A model.
    Model,
    /// The number of an evaluation; the command, if that may need a second job.
    Metric(Option<Box<sc::ml_command::Evaluate>>),
    /// What a summary says.
    Finding(findings::Read),
}

impl fmt::Debug for Wants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "Model",
            Self::Metric(_) => "Metric",
            Self::Finding(_) => "Finding",
        })
    }
}

/// A training or evaluation that runs.
#[derive(Debug)]
pub(super) struct MlJob {
    /// The operation that waits for it.
    pub operation: String,
    /// The session that gets the model.
    pub session: String,
    /// The stage with its params.
    pub params: Params,
    /// What is made of its end.
    wants: Wants,
    /// What a training in rounds continues with.
    pub rounds: Option<Box<InRounds>>,
}

impl MlJob {
    /// Returns a job of rounds, before its first one.
    pub(super) fn in_rounds(operation: &str, session: &str, params: Params) -> Self {
        Self {
            operation: operation.to_owned(),
            session: session.to_owned(),
            params,
            wants: Wants::Model,
            rounds: None,
        }
    }
}

impl Driver {
    /// Carries out a command of machine learning.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for summaries of training; those of the stage, the model or the directory.
    pub(super) fn ml_command(
        &mut self,
        operation: &str,
        session: &str,
        command: &sc::MlCommand,
        now_ms: i64,
    ) -> Result<()> {
        let command = command
            .command
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("an ML command is empty"))?;
        let result = match command {
            Command::Fit(fit) => {
                if fit.dataset.is_none()
                    && let Some(model) = batches::initial(fit)?
                {
                    let result = self.kept_model(session, model).1;
                    self.answer_ml(operation, result);
                    return Ok(());
                }
                let work = Work::of_fit(fit)?;
                let before = self.initial_model(session, &work.params)?;
                if let (Some(id), Some(before)) = (batches::starts_from(&work.params), &before)
                    && batches::is_known(&work.params, before.fitted.last_batch())
                {
                    self.answer_ml(operation, reference(&id));
                    return Ok(());
                }
                let parallelism = self.session(session).conf.parallelism();
                if let Some(run) = Run::of(&work.params, parallelism, before) {
                    let job = MlJob::in_rounds(operation, session, work.params);
                    return self.start_learning(job, run, fit, now_ms);
                }
                let relation = training::fit_relation(fit);
                return self.start_ml_job(operation, session, work.params, &relation, Wants::Model, now_ms);
            }
            Command::Evaluate(evaluate) => {
                let work = Work::of_evaluate(evaluate)?;
                let relation = training::evaluate_relation(evaluate);
                let again = Some(Box::new(evaluate.clone()));
                return self.start_ml_job(operation, session, work.params, &relation, Wants::Metric(again), now_ms);
            }
            Command::Fetch(fetch) => {
                let Some(result) = self.ml_fetch(operation, session, fetch, now_ms)? else {
                    return Ok(());
                };
                result
            }
            Command::Delete(delete) => {
                let evict_only = delete.evict_only();
                let own = self.session(session);
                let gone: Vec<String> = delete
                    .obj_refs
                    .iter()
                    .filter(|r| !evict_only && own.forget_model(&r.id))
                    .map(|r| r.id.clone())
                    .collect();
                reference(&gone.join(","))
            }
            Command::CleanCache(_) => {
                let own = self.session(session);
                let gone = own.models.0.len();
                own.models.0.clear();
                own.reports.clear();
                param(&Value::Int(gone as i64), Kind::Int)
            }
            Command::GetCacheInfo(_) => {
                let cache = &self.session(session).models.0;
                let lines = cache.iter().map(|(id, m)| {
                    serde_json::json!({ "id": id, "obj": m.uid, "class": m.class, "size": m.encoded_len() }).to_string()
                });
                param(&Value::texts(lines), Kind::Texts)
            }
            Command::GetModelSize(size) => {
                let id = size.model_ref.as_ref().map(|r| r.id.as_str()).unwrap_or_default();
                let model = self.ml_model(session, id)?;
                param(&Value::Int(model.encoded_len() as i64), Kind::Long)
            }
            Command::CreateSummary(create) => {
                let id = create.model_ref.as_ref().map(|r| r.id.as_str()).unwrap_or_default();
                self.ml_model(session, id)?;
                self.keep_report(session, id, create.dataset.clone().unwrap_or_default());
                param(&Value::Bool(true), Kind::Bool)
            }
            Command::Write(write) => return self.ml_write(operation, session, write, now_ms),
            Command::Read(read) => {
                let wanted = read.operator.as_ref().map(|o| o.name.clone()).unwrap_or_default();
                return self.ml_load(operation, session, &read.path, Want::Stage(wanted));
            }
        };
        self.answer_ml(operation, result);
        Ok(())
    }

    /// Answers a command, and ends its operation.
    pub(super) fn answer_ml(&mut self, operation: &str, result: ResultType) {
        let result = sc::MlCommandResult {
            result_type: Some(result),
        };
        self.respond(operation, Some(ResponseType::MlCommandResult(result)), None);
        self.end_operation(operation);
    }

    /// Returns a model of a session.
    ///
    /// # Errors
    /// `CONNECT_ML.CACHE_INVALID` if it is unknown or was deleted.
    pub(super) fn ml_model(&mut self, session: &str, id: &str) -> Result<Arc<Model>> {
        self.session(session).models.find(id).ok_or_else(|| model::lost(id))
    }

    /// Keeps a model, and returns its id.
    pub(super) fn keep_model(&mut self, session: &str, model: Model) -> String {
        let id = self.fresh_uuid();
        self.session(session).models.0.insert(id.clone(), Arc::new(model));
        id
    }

    /// Runs the job of a training or evaluation: a relation of ours over the client's command, planned like any other.
    ///
    /// # Errors
    /// What analysis refuses: unknown columns, wrong types, an output column that exists; a dataset that is a stream.
    pub(super) fn start_ml_job(
        &mut self,
        operation: &str,
        session: &str,
        params: Params,
        relation: &sc::Relation,
        wants: Wants,
        now_ms: i64,
    ) -> Result<()> {
        let (spec, analyzer, resolved) = self.planned(session, relation, now_ms)?;
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let scans = self.read_files(&graph)?;
        let verb = if matches!(wants, Wants::Model) {
            "fit"
        } else {
            "evaluate"
        };
        let request = JobRequest {
            description: format!("{verb} {}", params.operator.short()),
            scans,
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        let job = MlJob {
            operation: operation.to_owned(),
            session: session.to_owned(),
            params,
            wants,
            rounds: None,
        };
        self.run_once(spec, graph, request, Owner::Ml(job), now_ms);
        Ok(())
    }

    /// Turns a finished job's state into a model or a metric, and answers; a training in rounds continues with it.
    pub(super) fn ml_job_done(&mut self, mut job: MlJob, outcome: &Outcome, now_ms: i64) {
        let operation = job.operation.clone();
        let done = state_of(outcome).and_then(|state| match job.rounds.take() {
            Some(rounds) => self.learns(job, rounds, Some(state), now_ms),
            None => {
                if let Some(result) = self.ml_result(&job, &state, now_ms)? {
                    self.answer_ml(&operation, result);
                }
                Ok(())
            }
        });
        if let Err(error) = done {
            self.fail_operation(&operation, error);
        }
    }

    /// Makes the model or metric of a finished job; `None` if a second job was started for it.
    ///
    /// # Errors
    /// Those of the stage.
    fn ml_result(&mut self, job: &MlJob, state: &[u8], now_ms: i64) -> Result<Option<ResultType>> {
        let ranges = self.session(&job.session).conf.parallelism();
        match &job.wants {
            Wants::Metric(Some(evaluate)) if training::needs_second_job(&job.params, state)? => {
                let work = Work::of_evaluate(evaluate)?;
                let relation = training::evaluate_again_relation(evaluate, state);
                self.start_ml_job(
                    &job.operation,
                    &job.session,
                    work.params,
                    &relation,
                    Wants::Metric(None),
                    now_ms,
                )?;
                Ok(None)
            }
            Wants::Metric(_) => {
                let metric = training::metric(&job.params, state, ranges)?;
                Ok(Some(param(&Value::Double(metric), Kind::Double)))
            }
            Wants::Finding(read) => {
                let (value, kind) = read(state, ranges)?;
                Ok(Some(param(&value, kind)))
            }
            Wants::Model => {
                let before = self.initial_model(&job.session, &job.params)?;
                let model = training::fitted(&job.params, before.as_deref(), state)?;
                Ok(Some(self.kept_model(&job.session, model).1))
            }
        }
    }

    /// Keeps a model that was learned in rounds, with the summary of its training unless that is one of many batches, and answers with
    /// its id.
    pub(super) fn learned(&mut self, job: &MlJob, model: Model, dataset: Option<sc::Relation>) {
        let (id, result) = self.kept_model(&job.session, model);
        if let Some(dataset) = dataset
            && job.params.operator.param(batches::INITIAL_MODEL.name).is_none()
        {
            self.keep_report(&job.session, &id, dataset);
        }
        self.answer_ml(&job.operation, result);
    }

    /// Keeps a model, and returns its id and what clients get to know of it.
    pub(super) fn kept_model(&mut self, session: &str, model: Model) -> (String, ResultType) {
        let uid = model.uid.clone();
        let id = self.keep_model(session, model);
        let reference = sc::ObjectRef { id: id.clone() };
        let result = ResultType::OperatorInfo(MlOperatorInfo {
            r#type: Some(ml_operator_info::Type::ObjRef(reference)),
            uid: Some(uid),
            ..MlOperatorInfo::default()
        });
        (id, result)
    }

    /// Returns the model that training continues; `None` if it starts anew.
    fn initial_model(&mut self, session: &str, params: &Params) -> Result<Option<Arc<Model>>> {
        let id = batches::starts_from(params);
        id.map(|id| self.ml_model(session, &id)).transpose()
    }

    /// Saves a model, or a stage without one.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if nothing is named; those of the params and of the model.
    fn ml_write(&mut self, operation: &str, session: &str, write: &sc::ml_command::Write, now_ms: i64) -> Result<()> {
        use sc::ml_command::write::Type;
        let given = write.params.clone().unwrap_or_default();
        let (class, params, fitted) = match &write.r#type {
            Some(Type::ObjRef(reference)) => {
                let model = self.ml_model(session, &reference.id)?;
                let params = model.params_with(Some(&given))?;
                match model.fitted.saved_as(&params)? {
                    Some(other) => (other.operator.class().to_owned(), other, None),
                    None => (model.class.clone(), params, Some(model.fitted.clone())),
                }
            }
            Some(Type::Operator(operator)) => {
                let params = Params::new(stage::by_name(&operator.name)?, &operator.uid, &given)?;
                (params.operator.class().to_owned(), params, None)
            }
            None => return Err(SparkError::invalid_plan("a save names no stage")),
        };
        let part = self.fresh_uuid();
        let files = persistence::save(&class, &params, fitted.as_deref(), now_ms, &part)?;
        let mode = if write.should_overwrite() {
            SaveMode::Overwrite
        } else {
            SaveMode::ErrorIfExists
        };
        self.save(operation, &write.path, mode, files, None);
        Ok(())
    }

    /// Loads from storage, or from the files that the page has registered.
    pub(super) fn ml_load(&mut self, operation: &str, session: &str, path: &str, want: Want) -> Result<()> {
        if !path.starts_with(PAGE_FILES) {
            self.load(operation, session, path, want);
            return Ok(());
        }
        let files = self.files.clone();
        let result = self.ml_loaded(session, path.trim_end_matches('/'), &*files, &want)?;
        self.answer_ml(operation, result);
        Ok(())
    }

    /// Returns what was wanted of a directory whose files are at hand. A model goes into the session's cache.
    ///
    /// # Errors
    /// `CORRUPT_MODEL`, and as [`persistence::load`].
    pub(super) fn ml_loaded(
        &mut self,
        session: &str,
        path: &str,
        files: &dyn Files,
        want: &Want,
    ) -> Result<ResultType> {
        let wanted = match want {
            Want::Stage(class) => class,
            Want::Metadata => {
                let metadata = persistence::read_metadata(files, path)?.to_string();
                return Ok(param(&Value::Text(metadata), Kind::Text));
            }
        };
        let loaded = persistence::load(files, path, wanted)?;
        let (uid, params) = (loaded.params.uid.clone(), loaded.params.to_proto());
        let r#type = match loaded.model() {
            Some(model) if loaded.is_model() => {
                let id = self.keep_model(session, model);
                ml_operator_info::Type::ObjRef(sc::ObjectRef { id })
            }
            Some(special) => {
                let id = model::stage_id(&uid);
                self.session(session).models.0.insert(id, Arc::new(special));
                ml_operator_info::Type::Name(loaded.class)
            }
            None => ml_operator_info::Type::Name(loaded.class),
        };
        Ok(ResultType::OperatorInfo(MlOperatorInfo {
            r#type: Some(r#type),
            uid: Some(uid),
            params: Some(params),
            warning_message: None,
        }))
    }
}

/// Returns the result that names a kept object.
pub(super) fn reference(id: &str) -> ResultType {
    ResultType::OperatorInfo(MlOperatorInfo {
        r#type: Some(ml_operator_info::Type::ObjRef(sc::ObjectRef { id: id.to_owned() })),
        ..MlOperatorInfo::default()
    })
}

/// Returns the result that is a value.
pub(super) fn param(value: &Value, kind: Kind) -> ResultType {
    ResultType::Param(value.to_literal(kind))
}

/// Returns the state that a job of training or evaluation ends with.
///
/// # Errors
/// `INTERNAL_ERROR` if the job returned none.
fn state_of(outcome: &Outcome) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(vec![Field::new("state", DataType::Binary, true)]));
    let batches = ipc::read_all(&outcome.results, &schema)?;
    let state = batches.iter().find_map(|batch| {
        let states = batch.column(0).as_binary::<i32>();
        states.iter().flatten().next().map(<[u8]>::to_vec)
    });
    state.ok_or_else(|| SparkError::internal("an ML job has no result"))
}
