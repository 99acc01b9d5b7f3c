//! `writeStream.start()`: a command becomes a running query.
//!
//! Without a checkpoint it does so at once. With one, its folder is locked and looked at first. Errors in the query are
//! returned before the checkpoint is opened; errors in the checkpoint terminate the started query, as in Spark.
//!
//! ```text
//!  start_query: analyse, check, open sources and sink's wish ──no checkpoint──▶ finish_start ─▶ Running
//!       │ a checkpoint
//!       ▼
//!  Lock ─▶ look: resume::resume(facts) ──Wanting──▶ storage ─▶ start_answered ─▶ look …
//!       │ in use: the call fails            └──decided──▶ finish_start ─▶ Running, or started and failed at once
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sinks::wish_of;
use super::{Running, Start};
use crate::cluster::runner::StateKeeping;
use crate::compile::job::{self, JobSpec};
use crate::connect::driver::Driver;
use crate::connect::storage::Purpose;
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::ids::{BatchId, RunId, StateId};
use crate::plan::analyzer::Analyzer;
use crate::plan::output_mode::OutputMode;
use crate::plan::scope::Resolved;
use crate::proto::execute_plan_response::ResponseType;
use crate::storage::facts::{Facts, Pause};
use crate::storage::{Answer, Request, file_log};
use crate::streaming::check;
use crate::streaming::checkpoint::resume::{self, Resume};
use crate::streaming::checkpoint::{Location, state};
use crate::streaming::continuous;
use crate::streaming::query::{Definition, KEPT_SETTINGS, Query, operator_records};
use crate::streaming::query::{EventKind, Told};
use crate::streaming::sinks::{self, SinkLog, Wish};
use crate::streaming::source::Source;
use crate::streaming::trigger::Trigger;
use crate::{proto as sc, settings};

/// A query that looks at its checkpoint. It is nobody's yet: if its session is released meanwhile, it is dropped and
/// the checkpoint unlocked.
pub(super) struct Starting {
    /// The operation that waits for the start.
    operation: String,
    /// The session.
    pub(super) session: String,
    /// What is wanted of the sink.
    pub(super) wish: Wish,
    /// The plan as it travels.
    spec: JobSpec,
    /// What analysis found besides the plan.
    pub(super) analyzer: Analyzer,
    /// The plan.
    resolved: Resolved,
    /// The output mode.
    mode: OutputMode,
    /// When batches begin.
    trigger: Trigger,
    /// The query's name.
    name: Option<String>,
    /// Its sources, opened.
    sources: Vec<Source>,
    /// Its checkpoint.
    at: Option<Location>,
    /// What is known of the checkpoint.
    facts: Facts,
    /// Questions without an answer yet.
    open: usize,
}

impl Starting {
    /// Returns the checkpoint that is locked for it.
    pub fn at(self) -> Option<Location> {
        self.at
    }
}

impl Starting {
    /// Takes over the settings that the checkpoint was made with, whatever the session's are now: the number of state
    /// partitions and the watermark policy cannot change under state that exists.
    fn keep_settings(&mut self, resume: &Resume) {
        for key in KEPT_SETTINGS {
            if let Some(value) = resume.conf.get(key) {
                self.analyzer.conf.values.insert(key.into(), value.clone());
                self.spec.conf.values.insert(key.into(), value.clone());
            }
        }
    }

    /// Returns how the query's state is kept: durably if there is a checkpoint.
    fn state_keeping(&self) -> StateKeeping {
        if self.at.is_none() {
            return StateKeeping::default();
        }
        StateKeeping {
            durable: true,
            deltas_per_snapshot: self.analyzer.conf.count(&settings::DELTAS_PER_SNAPSHOT).unwrap_or(10),
        }
    }
}

impl Driver {
    /// Checks a query and starts it, or begins to look at its checkpoint.
    ///
    /// # Errors
    /// What analysis, the streaming rules, the trigger, the sources and the sink refuse; `CONCURRENT_QUERY` if the
    /// checkpoint is in use and its query keeps it.
    pub(in crate::connect) fn start_query(
        &mut self,
        operation: &str,
        session: &str,
        start: &sc::WriteStreamOperationStart,
        now_ms: i64,
    ) -> Result<()> {
        let relation = start
            .input
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a streaming query has no relation"))?;
        let (mut spec, analyzer, resolved) = self.analyzed(session, relation, now_ms)?;
        if !resolved.streaming {
            return Err(SparkError::analysis(
                "WRITE_STREAM_NOT_ALLOWED",
                "42601",
                "`writeStream` can be called only on streaming Dataset/DataFrame.",
            ));
        }
        let mode = OutputMode::parse(&start.output_mode)?;
        let logical = job::optimize(&analyzer, &resolved)?;
        check::check(&resolved.plan, &logical, mode)?;
        let options = crate::plan::relation::options_of(&start.options);
        let name = Some(start.query_name.clone()).filter(|n| !n.is_empty());
        self.check_name(&name)?;
        let trigger = Trigger::of(start.trigger.as_ref())?;
        let at = self.location(session, &name, &options);
        let wish = wish_of(start, &name, mode, &options, at.is_some())?;
        spec.mode = Some(mode);
        let graph = job::stages(&analyzer, &resolved, Some(mode))?;
        continuous::check(trigger, (&resolved.plan, &graph), mode, &analyzer.conf, spec.now_us)?;
        let mut sources = Vec::new();
        for scan in graph.scans.iter().filter(|s| s.stream.is_some()) {
            let stream = scan
                .stream
                .as_ref()
                .ok_or_else(|| SparkError::internal("a scan is not a stream"))?;
            sources.push(Source::open(scan.id, stream, now_ms)?);
        }
        let starting = Starting {
            operation: operation.to_owned(),
            session: session.to_owned(),
            wish,
            spec,
            analyzer,
            resolved,
            mode,
            trigger,
            name,
            sources,
            at: at.clone(),
            facts: Facts::default(),
            open: 0,
        };
        let Some(at) = at else {
            return self.finish_start(starting, None, BTreeMap::new(), now_ms);
        };
        self.leave_checkpoint(&at, now_ms)?;
        let id = self.streams.fresh();
        self.streams.starting.insert(id, starting);
        let path = at.path().to_owned();
        self.ask_for_start(id, Request::Lock { path });
        Ok(())
    }

    /// Checks that no active query has the name.
    ///
    /// # Errors
    /// `STREAMING_QUERY_NAME_IN_USE`.
    fn check_name(&self, name: &Option<String>) -> Result<()> {
        let mut active = self.streams.queries.values().filter(|r| r.query.is_active());
        match name {
            Some(name) if active.any(|r| r.query.definition.name.as_ref() == Some(name)) => Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_QUERY_NAME_IN_USE",
                "42KDE",
                format!(
                    "Cannot start query with name {name} as a query with that name is already active in this SparkSession"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Returns `checkpointLocation` of the query, or a folder of its own below that of the session; `None` without
    /// either.
    fn location(
        &mut self,
        session: &str,
        name: &Option<String>,
        options: &BTreeMap<String, String>,
    ) -> Option<Location> {
        if let Some(folder) = options.get("checkpointlocation") {
            return Some(Location::new(folder));
        }
        let conf = &self.session(session).conf;
        let root = conf.text(&settings::CHECKPOINT_LOCATION)?.to_owned();
        let own = name.clone().unwrap_or_else(|| self.fresh_uuid());
        Some(Location::new(&format!("{}/{own}", root.trim_end_matches('/'))))
    }

    /// Stops the query of this driver that is active on the checkpoint, if `spark.sql.streaming.stopActiveRunOnRestart`
    /// says so.
    ///
    /// # Errors
    /// `CONCURRENT_QUERY` if it does not.
    fn leave_checkpoint(&mut self, at: &Location, now_ms: i64) -> Result<()> {
        let owner = self.streams.queries.iter().find(|(_, r)| r.locked.as_ref() == Some(at));
        let Some((run, running)) = owner.map(|(run, r)| (run.clone(), r)) else {
            return Ok(());
        };
        let conf = &running.query.definition.conf;
        if !conf.flag(&settings::STOP_ACTIVE_RUN) {
            let id = &running.query.definition.id;
            return Err(SparkError::new(
                Exception::Connect,
                "CONCURRENT_QUERY",
                "0A000",
                format!(
                    "Cannot start query with id {id} as another query with same id is already active. Perhaps you are attempting to restart a query from checkpoint that is already active."
                ),
            )
            .with("id", id.clone()));
        }
        if let Some(running) = self.streams.queries.get_mut(&run) {
            let actions = running.query.stop();
            self.act(&run, actions, now_ms);
        }
        Ok(())
    }

    /// Asks storage for a start.
    fn ask_for_start(&mut self, start: u64, request: Request) {
        if let Some(starting) = self.streams.starting.get_mut(&start) {
            starting.open += 1;
        }
        let purpose = Purpose::Start {
            start,
            request: request.clone(),
        };
        self.ask(request, purpose);
    }

    /// Takes in an answer of storage; when all have come, decides. A lock that is taken fails the start.
    pub(in crate::connect) fn start_answered(&mut self, start: u64, request: &Request, answer: Answer, now_ms: i64) {
        let Some(starting) = self.streams.starting.get_mut(&start) else {
            return;
        };
        starting.open -= 1;
        match (request, answer) {
            (Request::Lock { .. }, Err(error)) => {
                if let Some(starting) = self.streams.starting.remove(&start) {
                    self.fail_operation(&starting.operation, error.into());
                }
                return;
            }
            (request, answer) => starting.facts.learn(request, answer),
        }
        if starting.open == 0 {
            self.look(start, now_ms);
        }
    }

    /// Decides with what is known, or asks for more.
    fn look(&mut self, start: u64, now_ms: i64) {
        let Some(starting) = self.streams.starting.get(&start) else {
            return;
        };
        let Some(at) = &starting.at else { return };
        let sources: Vec<_> = starting.sources.iter().map(Source::definition).collect();
        let definition = sinks::SINKS.iter().find(|d| d.name == starting.wish.format);
        let folder = definition.and_then(|d| (d.log)(&starting.wish));
        let known = resume::resume(&starting.facts, at, &sources);
        let log = folder.map_or_else(|| Ok(BTreeMap::new()), |f| file_log::read_all(&starting.facts, &f));
        let decided = match known.and_then(|resume| Ok((resume, log?))) {
            Err(Pause::Wanting) => {
                for request in starting.facts.wanted() {
                    self.ask_for_start(start, request);
                }
                return;
            }
            Err(Pause::Failed(error)) => (Err(error), BTreeMap::new()),
            Ok((resume, log)) => (Ok(resume), log),
        };
        if let Some(mut starting) = self.streams.starting.remove(&start) {
            starting.facts.clear();
            let (operation, at) = (starting.operation.clone(), starting.at.clone());
            if let Err(error) = self.finish_start(starting, Some(decided.0), decided.1, now_ms) {
                self.fail_operation(&operation, error);
                self.unlock(at);
            }
        }
    }

    /// Gives a checkpoint back.
    pub(super) fn unlock(&mut self, at: Option<Location>) {
        if let Some(at) = at {
            let path = at.path().to_owned();
            self.ask(Request::Unlock { path }, Purpose::Nothing);
        }
    }

    /// Makes the query. What the checkpoint says against it ends it at once.
    ///
    /// # Errors
    /// If the sink cannot be made, a file cannot be read, or the sink cannot continue from a checkpoint.
    fn finish_start(
        &mut self,
        mut starting: Starting,
        decided: Option<Result<Resume>>,
        log: SinkLog,
        now_ms: i64,
    ) -> Result<()> {
        let has_run = |r: &Resume| !r.offset_ids.is_empty();
        if let Some(Ok(resume)) = &decided {
            self.check_recovery(&starting.session, &starting.wish, starting.at.as_ref(), has_run(resume))?;
            starting.keep_settings(resume);
        }
        let graph = Arc::new(job::stages(
            &starting.analyzer,
            &starting.resolved,
            Some(starting.mode),
        )?);
        let decided = decided.map(|d| d.and_then(|resume| accept(&graph, starting.at.as_ref(), resume)));
        let (resume, refusal) = match decided {
            Some(Ok(resume)) => (Some(resume), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let statics = self.read_files(&graph)?;
        let stored = resume.as_ref().and_then(|r| r.metadata.as_ref()).map(|m| m.id.clone());
        let id = stored.unwrap_or_else(|| self.fresh_uuid());
        let run_id = self.fresh_uuid();
        let sink = self.sink(&starting, &graph.schema, log)?;
        continuous::check_sink(starting.trigger, sink.as_ref(), &starting.wish.format)?;
        let conf = starting.analyzer.conf.clone();
        let run = self.runner.new_run(starting.state_keeping());
        let (plan, effects) = self.runner.register(starting.spec, graph.clone());
        self.carry_out(effects, now_ms);
        if let (Some(resume), Some(at)) = (&resume, &starting.at) {
            self.restore_state(run, &graph, at, resume)?;
        }
        let next_batch = resume.as_ref().map_or(BatchId(0), |r| r.next_batch);
        let definition = Definition {
            id: id.clone(),
            run_id: run_id.clone(),
            name: starting.name.clone(),
            mode: starting.mode,
            trigger: starting.trigger,
            sink: sink.description(),
            checkpoint: starting.at.clone(),
            plan,
            graph: graph.clone(),
            run,
            statics,
            conf,
        };
        let query = Query::new(definition, starting.sources, resume, now_ms);
        let started = query.started_event();
        self.listener(EventKind::Started, Told::Written(started.clone()));
        self.streams.queries.insert(
            run_id.clone(),
            Running {
                session: starting.session,
                query,
                sink,
                emissions: Default::default(),
                connections: vec![],
                delivered: next_batch.previous(),
                locked: starting.at,
                start: Some(Start {
                    operation: starting.operation,
                    query_id: sc::StreamingQueryInstanceId {
                        id,
                        run_id: run_id.clone(),
                    },
                    name: starting.name,
                    event: started,
                }),
            },
        );
        match refusal {
            Some(error) => self.query_failed(&run_id, error, now_ms),
            None => {
                if let Some(running) = self.streams.queries.get_mut(&run_id) {
                    let actions = running.query.open(now_ms);
                    self.act(&run_id, actions, now_ms);
                }
                self.connect_sources(&run_id, &graph, now_ms);
            }
        }
        self.answer_starts();
        Ok(())
    }

    /// Answers the clients whose queries have started: what keeps a query's id over restarts is in its checkpoint then.
    pub(super) fn answer_starts(&mut self) {
        let opened = self.streams.queries.values_mut().filter(|r| !r.query.is_opening());
        let answers: Vec<Start> = opened.filter_map(|r| r.start.take()).collect();
        for start in answers {
            let result = sc::WriteStreamOperationStartResult {
                query_id: Some(start.query_id),
                name: start.name.unwrap_or_default(),
                query_started_event_json: Some(start.event.to_string()),
            };
            let response = ResponseType::WriteStreamOperationStartResult(result);
            self.respond(&start.operation, Some(response), None);
            self.end_operation(&start.operation);
        }
    }

    /// Tells the runner which state a checkpoint holds.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT` if a state file is missing.
    fn restore_state(&mut self, run: RunId, graph: &StageGraph, at: &Location, resume: &Resume) -> Result<()> {
        if resume.next_batch == BatchId(0) {
            return Ok(());
        }
        for part in graph.state_parts() {
            let files = resume.state.chain(at, part, resume.next_batch.0)?;
            let deltas = files.iter().filter(|f| f.kind == state::Kind::Delta).count();
            let version = resume.next_batch.previous();
            self.runner.restore_state(StateId { run, part }, version, deltas);
        }
        Ok(())
    }
}

/// Returns what a checkpoint holds, if a plan can continue with it.
///
/// # Errors
/// As [`state::compare`]; `CHECKPOINT_CORRUPT` if a state file is missing.
fn accept(graph: &StageGraph, at: Option<&Location>, resume: Resume) -> Result<Resume> {
    if let (false, Some(at)) = (resume.offset_ids.is_empty(), at) {
        state::compare(&resume.operators, &operator_records(graph))?;
        for part in graph.state_parts() {
            resume.state.chain(at, part, resume.next_batch.0)?;
        }
    }
    Ok(resume)
}
