//! Streaming commands, and the running queries with their sources and sinks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use super::driver::{Driver, Output, Owner, SocketEvent};
use super::proto as sc;
use super::proto::execute_plan_response::ResponseType;
use super::session::MemoryTable;
use crate::cluster::runner::Outcome;
use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::OutputMode;
use crate::exec::{ipc, job};
use crate::plan::conf::Zone;
use crate::plan::display;
use crate::streaming::check;
use crate::streaming::query::{Action, Definition, Query};
use crate::streaming::source::{QUEUE_LIMIT_BYTES, Source};
use crate::streaming::trigger::Trigger;

/// First wait before a lost WebSocket is opened again, doubled up to the last.
const RECONNECT_MS: (i64, i64) = (250, 30_000);

/// Ended queries that can still be asked about.
const ENDED_LIMIT: usize = 64;

/// Where a query's rows go.
#[derive(Debug)]
enum Sink {
    Memory {
        table: String,
    },
    Console {
        rows: usize,
        truncate: usize,
    },
    Noop,
    /// A function of the page, called with each batch.
    ForeachBatch {
        id: String,
    },
}

/// A query with what the driver does for it.
struct Running {
    session: String,
    query: Query,
    sink: Sink,
    sockets: Vec<u64>,
    /// Deliveries taken: a batch that comes again after a retry is not shown twice.
    delivered: i64,
}

/// A call that is answered later.
struct Waiter {
    operation: String,
    query: Option<String>,
    kind: Wait,
}

enum Wait {
    /// `processAllAvailable`: until a trigger after this count found nothing.
    Idle {
        after: u64,
    },
    /// `awaitTermination`; the deadline, ms since the epoch.
    Termination {
        until_ms: Option<i64>,
    },
    AnyTermination {
        until_ms: Option<i64>,
    },
}

struct Socket {
    query: String,
    source: usize,
    url: String,
    retry_ms: i64,
    /// When to open it again.
    reopen_at: Option<i64>,
}

/// All queries of the driver.
#[derive(Default)]
pub(super) struct Streams {
    queries: BTreeMap<String, Running>,
    /// Ended ids, oldest first.
    ended: VecDeque<String>,
    waiters: Vec<Waiter>,
    stores: BTreeMap<u64, String>,
    sockets: BTreeMap<u64, Socket>,
    /// Pushed sources: id → (query, source).
    pushed: BTreeMap<String, (String, usize)>,
    /// Records that came before their query started.
    early: BTreeMap<String, Vec<Buffer>>,
    /// Operations that stream listener events.
    listeners: Vec<String>,
    next_op: u64,
}

impl Streams {
    pub fn wake_at(&self) -> Option<i64> {
        let polls = self.queries.values().filter_map(|r| r.query.wake_at());
        let waits = self.waiters.iter().filter_map(|w| match w.kind {
            Wait::Termination { until_ms } | Wait::AnyTermination { until_ms } => until_ms,
            Wait::Idle { .. } => None,
        });
        let sockets = self.sockets.values().filter_map(|s| s.reopen_at);
        polls.chain(waits).chain(sockets).min()
    }

    pub fn forget_waiter(&mut self, operation: &str) {
        self.waiters.retain(|w| w.operation != operation);
        self.listeners.retain(|l| l != operation);
    }
}

impl Driver {
    pub(super) fn start_query(
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
        let mode = check::output_mode(&start.output_mode)?;
        let logical = job::optimize(&analyzer, &resolved)?;
        check::check(&resolved.plan, &logical, mode)?;
        let options = crate::plan::relation::options_of(&start.options);
        let name = Some(start.query_name.clone()).filter(|n| !n.is_empty());
        if let Some(name) = &name
            && self
                .streams
                .queries
                .values()
                .any(|r| r.query.is_active() && r.query.definition.name.as_ref() == Some(name))
        {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_QUERY_NAME_IN_USE",
                "42KDE",
                format!(
                    "Cannot start query with name {name} as a query with that name is already active in this SparkSession"
                ),
            ));
        }
        let graph = Arc::new(job::stages(&analyzer, &resolved, Some(mode))?);
        spec.mode = Some(mode);
        let statics = self.read_files(&graph)?;
        let (sink, description) = self.sink(session, start, &name, mode, &graph.schema, &options)?;
        let trigger = Trigger::of(start.trigger.as_ref())?;
        let (id, run_id) = (self.fresh_uuid(), self.fresh_uuid());
        if let Some(folder) = options.get("checkpointlocation")
            && !self.files.list(&format!("{folder}/offsets"))?.is_empty()
        {
            // Beginning at batch 0 again would give every row twice.
            return Err(SparkError::unsupported(format!(
                "restarting a query from its checkpoint: {folder} holds an earlier run"
            )));
        }
        let mut sources = Vec::new();
        for scan in graph.scans.iter().filter(|s| s.stream.is_some()) {
            let stream = scan
                .stream
                .as_ref()
                .ok_or_else(|| SparkError::internal("a stream is none"))?;
            sources.push(Source::open(scan.id.0, stream, now_ms)?);
        }
        let sockets = self.connect_sources(&id, &graph, &mut sources)?;
        let run = self.runner.new_run();
        let (plan, effects) = self.runner.register(spec, graph.clone());
        self.carry_out(effects, now_ms);
        let checkpoint = options.get("checkpointlocation").cloned();
        let definition = Definition {
            id: id.clone(),
            run_id: run_id.clone(),
            name: name.clone(),
            mode,
            trigger,
            sink: description,
            checkpoint,
            plan,
            graph,
            run,
            statics,
            conf: analyzer.conf.clone(),
        };
        let query = Query::new(definition, sources, now_ms);
        let started = query.started_event();
        self.listener("started", started.clone());
        self.streams.queries.insert(
            id.clone(),
            Running {
                session: session.to_owned(),
                query,
                sink,
                sockets,
                delivered: -1,
            },
        );
        let result = sc::WriteStreamOperationStartResult {
            query_id: Some(sc::StreamingQueryInstanceId { id, run_id }),
            name: name.unwrap_or_default(),
            query_started_event_json: Some(started),
        };
        self.respond(
            operation,
            Some(ResponseType::WriteStreamOperationStartResult(result)),
            None,
        );
        self.end_operation(operation);
        Ok(())
    }

    fn sink(
        &mut self,
        session: &str,
        start: &sc::WriteStreamOperationStart,
        name: &Option<String>,
        mode: OutputMode,
        schema: &arrow::datatypes::SchemaRef,
        options: &BTreeMap<String, String>,
    ) -> Result<(Sink, String)> {
        if start.foreach_batch.is_some() || start.foreach_writer.is_some() {
            return Err(SparkError::unsupported(
                "foreach and foreachBatch with a Python or JVM function: they need a worker of that language",
            ));
        }
        let number = |key: &str, default: usize| options.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
        Ok(match start.format.to_ascii_lowercase().as_str() {
            "memory" => {
                let Some(table) = name.clone() else {
                    return Err(SparkError::analysis(
                        "_LEGACY_ERROR_TEMP_2046",
                        "",
                        "queryName must be specified for memory sink",
                    ));
                };
                self.session(session)
                    .tables
                    .insert(table.clone(), MemoryTable::new(schema.clone()));
                (Sink::Memory { table }, "MemorySink".into())
            }
            "console" => {
                let truncate = match options.get("truncate").map(String::as_str) {
                    Some("false") => 0,
                    Some(n) => n.parse().unwrap_or(20),
                    None => 20,
                };
                (
                    Sink::Console {
                        rows: number("numrows", 20),
                        truncate,
                    },
                    "org.apache.spark.sql.execution.streaming.ConsoleTable$".into(),
                )
            }
            "noop" => (
                Sink::Noop,
                "org.apache.spark.sql.execution.datasources.noop.NoopTable$".into(),
            ),
            "rivulet.foreachbatch" => {
                let id = options
                    .get("sinkid")
                    .cloned()
                    .ok_or_else(|| SparkError::invalid_plan("foreachBatch has no sinkId"))?;
                (Sink::ForeachBatch { id }, "ForeachBatchSink".into())
            }
            other => {
                let _ = mode;
                return Err(SparkError::analysis(
                    "DATA_SOURCE_NOT_FOUND",
                    "42K02",
                    format!("Failed to find the data source: {other}. Rivulet's streaming sinks are memory, console, noop, foreachBatch and foreach."),
                )
                .with("provider", other));
            }
        })
    }

    /// Ties sources that are filled from outside to who fills them.
    fn connect_sources(
        &mut self,
        query: &str,
        graph: &crate::exec::stage::StageGraph,
        sources: &mut [Source],
    ) -> Result<Vec<u64>> {
        let mut sockets = Vec::new();
        for (number, source) in sources.iter_mut().enumerate() {
            let Some(stream) = graph.scans[source.scan].stream.as_ref() else {
                continue;
            };
            match stream.format.as_str() {
                "websocket" => {
                    let url = stream
                        .options
                        .get("url")
                        .or(stream.path.as_ref())
                        .cloned()
                        .ok_or_else(|| {
                            SparkError::new(
                                Exception::IllegalArgument,
                                "STREAMING_SOURCE_OPTION_REQUIRED",
                                "42KDE",
                                "The websocket source needs the option 'url'.",
                            )
                        })?;
                    if !url.starts_with("ws://") && !url.starts_with("wss://") {
                        return Err(SparkError::new(
                            Exception::IllegalArgument,
                            "INVALID_OPTION_VALUE",
                            "22023",
                            format!(
                                "Invalid value '{url}' for option 'url': a WebSocket URL begins with ws:// or wss://."
                            ),
                        ));
                    }
                    self.streams.next_op += 1;
                    let socket = self.streams.next_op;
                    self.streams.sockets.insert(
                        socket,
                        Socket {
                            query: query.to_owned(),
                            source: number,
                            url: url.clone(),
                            retry_ms: RECONNECT_MS.0,
                            reopen_at: None,
                        },
                    );
                    self.out.push(Output::OpenSocket { socket, url });
                    sockets.push(socket);
                }
                "rivulet.push" | "memory" => {
                    let id = stream
                        .options
                        .get("sourceid")
                        .cloned()
                        .ok_or_else(|| SparkError::invalid_plan("a pushed source has no sourceId"))?;
                    if let (Some(early), Some(queue)) = (self.streams.early.remove(&id), source.queue()) {
                        early.into_iter().for_each(|block| queue.push(block));
                    }
                    self.streams.pushed.insert(id, (query.to_owned(), number));
                }
                _ => {}
            }
        }
        Ok(sockets)
    }

    /// Steps every query that is due, and answers calls that can be answered.
    pub(super) fn poll_queries(&mut self, now_ms: i64) {
        let due: Vec<String> = self
            .streams
            .queries
            .iter()
            .filter(|(_, r)| r.query.wake_at().is_some_and(|at| at <= now_ms))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let files = self.files.clone();
            let Some(running) = self.streams.queries.get_mut(&id) else {
                continue;
            };
            let actions = running.query.poll(now_ms, files.as_ref());
            self.act(&id, actions, now_ms);
            self.credits(&id);
        }
        let reopen: Vec<u64> = self
            .streams
            .sockets
            .iter()
            .filter(|(_, s)| s.reopen_at.is_some_and(|at| at <= now_ms))
            .map(|(id, _)| *id)
            .collect();
        for id in reopen {
            if let Some(socket) = self.streams.sockets.get_mut(&id) {
                socket.reopen_at = None;
                self.out.push(Output::OpenSocket {
                    socket: id,
                    url: socket.url.clone(),
                });
            }
        }
        self.answer_waiters(now_ms);
    }

    fn act(&mut self, id: &str, actions: Vec<Action>, now_ms: i64) {
        for action in actions {
            match action {
                Action::Store { path, text } => {
                    self.streams.next_op += 1;
                    let op = self.streams.next_op;
                    self.streams.stores.insert(op, id.to_owned());
                    self.out.push(Output::Store { op, path, text });
                }
                Action::Run(request) => {
                    let Some(plan) = self.streams.queries.get(id).map(|r| r.query.definition.plan) else {
                        continue;
                    };
                    let job = self.submit(plan, request, Owner::Query(id.to_owned()), now_ms);
                    if let Some(running) = self.streams.queries.get_mut(id) {
                        running.query.set_job(job);
                    }
                }
                Action::Deliver { batch_id, blocks } => self.deliver(id, batch_id, blocks, now_ms),
                Action::Event { kind, json } => self.listener(kind, json),
                Action::Terminated { .. } => self.terminated(id, now_ms),
            }
        }
    }

    fn deliver(&mut self, id: &str, batch_id: i64, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let fresh = batch_id > running.delivered;
        running.delivered = running.delivered.max(batch_id);
        let complete = running.query.definition.mode == OutputMode::Complete;
        let result = match &running.sink {
            Sink::ForeachBatch { id } => {
                self.out.push(Output::ForeachBatch {
                    sink: id.clone(),
                    batch_id,
                    blocks: with_schema(&running.query, blocks),
                });
                return;
            }
            _ if !fresh => Ok(()),
            Sink::Noop => Ok(()),
            Sink::Memory { table } => {
                let (session, table) = (running.session.clone(), table.clone());
                if let Some(table) = self.session(&session).tables.get_mut(&table) {
                    table.add(blocks, complete);
                }
                Ok(())
            }
            Sink::Console { rows, truncate } => {
                let schema = running.query.definition.graph.schema.clone();
                let zone = running.query.definition.conf.time_zone().unwrap_or(Zone::UTC);
                console(&schema, &blocks, batch_id, *rows, *truncate, zone)
                    .map(|text| self.out.push(Output::Console { text }))
            }
        };
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(id, actions, now_ms);
    }

    pub(super) fn query_job_done(&mut self, id: &str, outcome: Outcome, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.job_done(now_ms, outcome);
        self.act(id, actions, now_ms);
    }

    pub(super) fn query_failed(&mut self, id: &str, error: SparkError, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.failed(error);
        self.act(id, actions, now_ms);
    }

    pub(super) fn foreach_batch_done(&mut self, sink: &str, error: Option<String>, now_ms: i64) {
        let found = self
            .streams
            .queries
            .iter()
            .find(|(_, r)| matches!(&r.sink, Sink::ForeachBatch { id } if id == sink))
            .map(|(id, _)| id.clone());
        let Some(id) = found else { return };
        let result = match error {
            None => Ok(()),
            Some(text) => Err(SparkError::new(
                Exception::Runtime,
                "FOREACH_BATCH_USER_FUNCTION_ERROR",
                "39000",
                format!("An error occurred in the user provided function in foreach batch sink. Reason: {text}"),
            )),
        };
        let Some(running) = self.streams.queries.get_mut(&id) else {
            return;
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(&id, actions, now_ms);
    }

    pub(super) fn stored(&mut self, op: u64, error: Option<String>, now_ms: i64) {
        let Some(id) = self.streams.stores.remove(&op) else {
            return;
        };
        let Some(running) = self.streams.queries.get_mut(&id) else {
            return;
        };
        let actions = match error {
            None => running.query.stored(now_ms),
            Some(text) => running.query.failed(SparkError::new(
                Exception::Runtime,
                "CHECKPOINT_WRITE_FAILED",
                "58030",
                format!("A checkpoint log could not be written: {text}"),
            )),
        };
        self.act(&id, actions, now_ms);
    }

    fn terminated(&mut self, id: &str, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let (plan, run, sockets) = (
            running.query.definition.plan,
            running.query.definition.run,
            std::mem::take(&mut running.sockets),
        );
        let jobs: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, (owner, _))| matches!(owner, Owner::Query(q) if q == id))
            .map(|(job, _)| *job)
            .collect();
        let mut effects = Vec::new();
        for job in jobs {
            self.owners.remove(&job);
            effects.extend(self.runner.cancel(job));
        }
        effects.extend(self.runner.drop_plan(plan));
        effects.extend(self.runner.drop_run(run));
        self.carry_out(effects, now_ms);
        for socket in sockets {
            self.streams.sockets.remove(&socket);
            self.out.push(Output::CloseSocket { socket });
        }
        self.streams.pushed.retain(|_, (query, _)| query != id);
        self.streams.stores.retain(|_, query| query != id);
        self.streams.ended.push_back(id.to_owned());
        if self.streams.ended.len() > ENDED_LIMIT
            && let Some(oldest) = self.streams.ended.pop_front()
        {
            self.streams.queries.remove(&oldest);
        }
    }

    fn answer_waiters(&mut self, now_ms: i64) {
        let waiters = std::mem::take(&mut self.streams.waiters);
        for waiter in waiters {
            let running = waiter.query.as_ref().and_then(|q| self.streams.queries.get(q));
            let over = running.is_some_and(|r| !r.query.is_active());
            let error = running.and_then(|r| r.query.error().cloned());
            match waiter.kind {
                Wait::Idle { after } => {
                    if let Some(error) = error {
                        self.fail_operation(&waiter.operation, error);
                    } else if over || running.is_none_or(|r| r.query.idle_triggers > after) {
                        self.finish_command(&waiter, None);
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
                Wait::Termination { until_ms } => {
                    if let Some(error) = error {
                        self.fail_operation(&waiter.operation, error);
                    } else if over || until_ms.is_some_and(|at| at <= now_ms) {
                        let result = sc::streaming_query_command_result::AwaitTerminationResult { terminated: over };
                        self.finish_command(
                            &waiter,
                            Some(sc::streaming_query_command_result::ResultType::AwaitTermination(result)),
                        );
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
                Wait::AnyTermination { until_ms } => {
                    let ended = !self.streams.ended.is_empty();
                    if ended || until_ms.is_some_and(|at| at <= now_ms) {
                        let result =
                            sc::streaming_query_manager_command_result::AwaitAnyTerminationResult { terminated: ended };
                        let result =
                            sc::streaming_query_manager_command_result::ResultType::AwaitAnyTermination(result);
                        self.manager_result(&waiter.operation, result);
                    } else {
                        self.streams.waiters.push(waiter);
                    }
                }
            }
        }
    }

    fn finish_command(&mut self, waiter: &Waiter, result: Option<sc::streaming_query_command_result::ResultType>) {
        let id = waiter.query.clone().unwrap_or_default();
        let run_id = self
            .streams
            .queries
            .get(&id)
            .map(|r| r.query.definition.run_id.clone())
            .unwrap_or_default();
        let result = sc::StreamingQueryCommandResult {
            query_id: Some(sc::StreamingQueryInstanceId { id, run_id }),
            result_type: result,
        };
        self.respond(
            &waiter.operation,
            Some(ResponseType::StreamingQueryCommandResult(result)),
            None,
        );
        self.end_operation(&waiter.operation);
    }

    pub(super) fn query_command(
        &mut self,
        operation: &str,
        command: &sc::StreamingQueryCommand,
        now_ms: i64,
    ) -> Result<()> {
        use sc::streaming_query_command::Command as C;
        use sc::streaming_query_command_result as result;
        let id = command.query_id.as_ref().map(|q| q.id.clone()).unwrap_or_default();
        let wait = |kind: Wait| Waiter {
            operation: operation.to_owned(),
            query: Some(id.clone()),
            kind,
        };
        let running = self.streams.queries.get_mut(&id).ok_or_else(|| {
            SparkError::new(
                Exception::Connect,
                "STREAMING_QUERY_NOT_FOUND",
                "42K0A",
                format!("Streaming query {id} is not found"),
            )
        })?;
        let kind = command
            .command
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a streaming query command is empty"))?;
        let answer = match kind {
            C::Status(_) => Some(result::ResultType::Status(result::StatusResult {
                status_message: running.query.message().to_owned(),
                is_data_available: running.query.is_data_available(now_ms),
                is_trigger_active: running.query.is_trigger_active(),
                is_active: running.query.is_active(),
            })),
            C::LastProgress(_) => {
                let recent_progress_json = running
                    .query
                    .recent()
                    .next_back()
                    .map(ToString::to_string)
                    .into_iter()
                    .collect();
                Some(result::ResultType::RecentProgress(result::RecentProgressResult {
                    recent_progress_json,
                }))
            }
            C::RecentProgress(_) => {
                let recent_progress_json = running.query.recent().map(ToString::to_string).collect();
                Some(result::ResultType::RecentProgress(result::RecentProgressResult {
                    recent_progress_json,
                }))
            }
            C::Stop(_) => {
                let actions = running.query.stop();
                self.act(&id, actions, now_ms);
                None
            }
            C::ProcessAllAvailable(_) => {
                let after = running.query.idle_triggers;
                running.query.hurry(now_ms);
                self.streams.waiters.push(wait(Wait::Idle { after }));
                return Ok(());
            }
            C::AwaitTermination(options) => {
                let until_ms = options.timeout_ms.map(|t| now_ms.saturating_add(t));
                self.streams.waiters.push(wait(Wait::Termination { until_ms }));
                return Ok(());
            }
            C::Explain(_) => {
                let graph = &running.query.definition.graph;
                let text: Vec<String> = graph
                    .stages
                    .iter()
                    .rev()
                    .map(|s| format!("Stage {}\n{}", s.id, s.describe()))
                    .collect();
                Some(result::ResultType::Explain(result::ExplainResult {
                    result: text.join("\n"),
                }))
            }
            C::Exception(_) => Some(result::ResultType::Exception(match running.query.error() {
                Some(error) => result::ExceptionResult {
                    exception_message: Some(error.full_message()),
                    error_class: error.condition.clone(),
                    stack_trace: None,
                },
                None => result::ExceptionResult::default(),
            })),
        };
        let waiter = wait(Wait::Idle { after: 0 });
        self.finish_command(&waiter, answer);
        Ok(())
    }

    pub(super) fn manager_command(
        &mut self,
        operation: &str,
        session: &str,
        command: &sc::StreamingQueryManagerCommand,
        now_ms: i64,
    ) -> Result<()> {
        use sc::streaming_query_manager_command::Command as C;
        use sc::streaming_query_manager_command_result as result;
        let kind = command
            .command
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a manager command is empty"))?;
        let instance = |r: &Running| result::StreamingQueryInstance {
            id: Some(sc::StreamingQueryInstanceId {
                id: r.query.definition.id.clone(),
                run_id: r.query.definition.run_id.clone(),
            }),
            name: r.query.definition.name.clone(),
        };
        let answer = match kind {
            C::Active(_) => {
                let active = self
                    .streams
                    .queries
                    .values()
                    .filter(|r| r.session == session && r.query.is_active());
                result::ResultType::Active(result::ActiveResult {
                    active_queries: active.map(instance).collect(),
                })
            }
            C::GetQuery(id) => match self.streams.queries.get(id).filter(|r| r.session == session) {
                Some(running) => result::ResultType::Query(instance(running)),
                None => result::ResultType::Query(result::StreamingQueryInstance::default()),
            },
            C::AwaitAnyTermination(options) => {
                let until_ms = options.timeout_ms.map(|t| now_ms.saturating_add(t));
                self.streams.waiters.push(Waiter {
                    operation: operation.to_owned(),
                    query: None,
                    kind: Wait::AnyTermination { until_ms },
                });
                return Ok(());
            }
            C::ResetTerminated(_) => {
                self.streams.ended.clear();
                result::ResultType::ResetTerminated(true)
            }
            C::AddListener(_) => result::ResultType::AddListener(true),
            C::RemoveListener(_) => result::ResultType::RemoveListener(true),
            C::ListListeners(_) => {
                result::ResultType::ListListeners(result::ListStreamingQueryListenerResult::default())
            }
        };
        self.manager_result(operation, answer);
        Ok(())
    }

    fn manager_result(&mut self, operation: &str, result: sc::streaming_query_manager_command_result::ResultType) {
        let result = sc::StreamingQueryManagerCommandResult {
            result_type: Some(result),
        };
        self.respond(
            operation,
            Some(ResponseType::StreamingQueryManagerCommandResult(result)),
            None,
        );
        self.end_operation(operation);
    }

    /// The long-lived call over which a client's listeners get their events.
    pub(super) fn listener_bus(
        &mut self,
        operation: &str,
        command: &sc::StreamingQueryListenerBusCommand,
    ) -> Result<()> {
        use sc::streaming_query_listener_bus_command::Command as C;
        match &command.command {
            Some(C::AddListenerBusListener(_)) => {
                self.streams.listeners.push(operation.to_owned());
                let result = sc::StreamingQueryListenerEventsResult {
                    events: vec![],
                    listener_bus_listener_added: Some(true),
                };
                self.respond(
                    operation,
                    Some(ResponseType::StreamingQueryListenerEventsResult(result)),
                    None,
                );
            }
            _ => {
                for listener in std::mem::take(&mut self.streams.listeners) {
                    self.end_operation(&listener);
                }
                self.end_operation(operation);
            }
        }
        Ok(())
    }

    fn listener(&mut self, kind: &'static str, json: String) {
        let event_type = match kind {
            "progress" => sc::StreamingQueryEventType::QueryProgressEvent,
            "terminated" => sc::StreamingQueryEventType::QueryTerminatedEvent,
            _ => sc::StreamingQueryEventType::QueryProgressUnspecified,
        };
        if kind != "started" {
            for listener in self.streams.listeners.clone() {
                let text = if kind == "progress" {
                    format!("{{\"progress\":{json}}}")
                } else {
                    json.clone()
                };
                let event = sc::StreamingQueryListenerEvent {
                    event_json: text,
                    event_type: event_type.into(),
                };
                let result = sc::StreamingQueryListenerEventsResult {
                    events: vec![event],
                    listener_bus_listener_added: None,
                };
                self.respond(
                    &listener,
                    Some(ResponseType::StreamingQueryListenerEventsResult(result)),
                    None,
                );
            }
        }
        self.out.push(Output::Listener { kind, json });
    }

    pub(super) fn stop_queries(&mut self, session: &str, now_ms: i64) {
        let ids: Vec<String> = self
            .streams
            .queries
            .iter()
            .filter(|(_, r)| r.session == session)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            if let Some(running) = self.streams.queries.get_mut(&id) {
                let actions = running.query.stop();
                self.act(&id, actions, now_ms);
            }
            self.streams.queries.remove(&id);
            self.streams.ended.retain(|e| *e != id);
        }
    }

    pub(super) fn push(&mut self, source: &str, block: Buffer, now_ms: i64) {
        match self.streams.pushed.get(source).cloned() {
            Some((query, number)) => self.enqueue(&query, number, block, now_ms),
            None => self.streams.early.entry(source.to_owned()).or_default().push(block),
        }
        let queued = self.queued(source);
        self.out.push(Output::Credit {
            source: source.to_owned(),
            queued,
            limit: QUEUE_LIMIT_BYTES,
        });
    }

    fn queued(&mut self, source: &str) -> usize {
        let Some((query, number)) = self.streams.pushed.get(source).cloned() else {
            return self
                .streams
                .early
                .get(source)
                .map_or(0, |b| b.iter().map(Buffer::len).sum());
        };
        let Some(running) = self.streams.queries.get_mut(&query) else {
            return 0;
        };
        running
            .query
            .sources_mut()
            .get_mut(number)
            .and_then(Source::queue)
            .map_or(0, |q| q.bytes())
    }

    /// Tells producers of a query how full their queues are, after a batch has taken from them.
    fn credits(&mut self, query: &str) {
        let sources: Vec<String> = self
            .streams
            .pushed
            .iter()
            .filter(|(_, (q, _))| q == query)
            .map(|(s, _)| s.clone())
            .collect();
        for source in sources {
            let queued = self.queued(&source);
            self.out.push(Output::Credit {
                source,
                queued,
                limit: QUEUE_LIMIT_BYTES,
            });
        }
    }

    pub(super) fn push_end(&mut self, source: &str, now_ms: i64) {
        let Some((query, number)) = self.streams.pushed.get(source).cloned() else {
            return;
        };
        let Some(running) = self.streams.queries.get_mut(&query) else {
            return;
        };
        if let Some(queue) = running.query.sources_mut().get_mut(number).and_then(Source::queue) {
            queue.ended = true;
        }
        running.query.hurry(now_ms);
    }

    fn enqueue(&mut self, query: &str, number: usize, block: Buffer, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(query) else {
            return;
        };
        if let Some(queue) = running.query.sources_mut().get_mut(number).and_then(Source::queue) {
            queue.push(block);
        }
        running.query.hurry(now_ms);
    }

    pub(super) fn socket(&mut self, id: u64, event: SocketEvent, now_ms: i64) {
        let Some(socket) = self.streams.sockets.get_mut(&id) else {
            return;
        };
        let (query, source) = (socket.query.clone(), socket.source);
        let block = match event {
            SocketEvent::Open => {
                socket.retry_ms = RECONNECT_MS.0;
                return;
            }
            SocketEvent::Closed => {
                socket.reopen_at = Some(now_ms + socket.retry_ms);
                socket.retry_ms = (socket.retry_ms * 2).min(RECONNECT_MS.1);
                return;
            }
            SocketEvent::Text(mut text) => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text.into_bytes()
            }
            SocketEvent::Binary(bytes) => bytes,
        };
        self.enqueue(&query, source, Buffer::from(block), now_ms);
    }
}

/// The first block carries the schema even where there are no rows.
fn with_schema(query: &Query, blocks: Vec<Buffer>) -> Vec<Buffer> {
    if !blocks.is_empty() {
        return blocks;
    }
    ipc::write(&query.definition.graph.schema, &[])
        .map(|b| vec![Buffer::from(b)])
        .unwrap_or_default()
}

fn console(
    schema: &arrow::datatypes::SchemaRef,
    blocks: &[Buffer],
    batch: i64,
    rows: usize,
    truncate: usize,
    zone: Zone,
) -> Result<String> {
    let nullable = Arc::new(arrow::datatypes::Schema::new(
        schema
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect::<Vec<_>>(),
    ));
    let batches: Vec<RecordBatch> = ipc::read_all(blocks, &nullable)?;
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let table = display::table(&names, &batches, rows, truncate, false, zone)?;
    let rule = "-".repeat(43);
    Ok(format!("{rule}\nBatch: {batch}\n{rule}\n{table}"))
}
