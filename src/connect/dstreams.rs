//! Streaming contexts of a page: what it asks of them, and what they want of the page, of storage and of executors.
//!
//! A context is opened by a command whose operation stays open: its responses are the context's events. All else that the
//! page says comes in commands of their own, which end at once.
//!
//! ```text
//!  page ── open ──▶ operation ──▶ events: ask, output, safe, submitted, …, ended
//!       ── start, offer, dataset, outputDone, stop ──▶ the context's state machine
//! ```

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::driver::Driver;
use super::jobs::Owner;
use super::storage::Purpose;
use crate::dstream::context::{Command, Context, Event, Settings};
use crate::dstream::generate::{Ask, Generator};
use crate::dstream::graph::{Graph, Stream, StreamId};
use crate::dstream::inputs::{Block, Token};
use crate::dstream::listener::Event as Listened;
use crate::dstream::rate::RateLimit;
use crate::error::{Exception, Result, SparkError};
use crate::ids::DatasetId;
use crate::proto::execute_plan_response::ResponseType;
use crate::rdd::dataset::{self, Assembly, Dataset, Library, Maker};
use crate::rdd::plan::{RddPlan, pieces};

/// `type_url` of the `google.protobuf.Any` with what a page says to a context.
pub const ORDER_TYPE_URL: &str = "type.rivulet.dev/rivulet.StreamingOrder";

/// `type_url` of the `google.protobuf.Any` with an event of a context.
pub const EVENT_TYPE_URL: &str = "type.rivulet.dev/rivulet.StreamingEvent";

/// The first number of the driver's own datasets; pages count from 0.
const FIRST_KEY: u64 = 1 << 40;

/// Numbers of datasets that one context may use.
const KEYS: u64 = 1 << 32;

/// What a page says to a context; blobs come with it.
#[derive(Debug, Deserialize)]
struct Envelope {
    /// The context, by the page's number.
    context: u64,
    /// What it says.
    order: Order,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Order {
    /// Opens the context. Blobs: a block without rows, the library's values, then a plan per initial dataset.
    Open {
        batch_ms: i64,
        directory: Option<String>,
        remember_ms: i64,
        streams: Vec<Stream>,
        outputs: Vec<StreamId>,
        functions: Vec<Value>,
        values: usize,
        /// The time, ms since the epoch, if the page moves the clock.
        clock_ms: Option<i64>,
        /// Partitions after a shuffle, if `spark.default.parallelism` is set.
        shuffle_partitions: Option<usize>,
    },
    /// Continues from the checkpoint.
    Restore,
    /// Starts.
    Start,
    /// Moves the clock.
    Time { now_ms: i64 },
    /// Hands over a block of records: the blob.
    Offer { input: StreamId, records: u64, token: u64 },
    /// Hands over a dataset that was asked for: the blob is its plan. Without, what a function threw.
    Dataset {
        stream: StreamId,
        time_ms: i64,
        error: Option<String>,
        note: Option<Value>,
    },
    /// Says that an output's function has returned or thrown.
    OutputDone { error: Option<String> },
    /// Stops.
    Stop { gracefully: bool },
    /// Says that the page's inputs have stopped.
    InputsStopped { waiting: bool },
}

/// A context that a page has opened.
#[derive(Debug)]
struct Opened {
    context: Context,
    /// The operation whose responses are its events.
    operation: String,
    session: String,
    /// The time, if the page moves the clock.
    clock_ms: Option<i64>,
    /// Datasets that the page has heard of.
    datasets: BTreeMap<DatasetId, Dataset>,
}

/// The contexts, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    opened: BTreeMap<u64, Opened>,
    /// How many there were.
    count: u64,
}

impl Contexts {
    /// Returns when one of them is to be woken.
    pub(super) fn wake_at(&self) -> Option<i64> {
        let by_clock = self.opened.values().filter(|o| o.clock_ms.is_none());
        by_clock.filter_map(|o| o.context.wake_at()).min()
    }

    /// Returns a dataset that a page has heard of.
    fn find(&self, key: DatasetId) -> Option<Dataset> {
        self.opened.values().find_map(|o| o.datasets.get(&key).cloned())
    }

    /// Forgets datasets that pages have forgotten.
    pub(super) fn forget(&mut self, keys: &[DatasetId]) {
        for opened in self.opened.values_mut() {
            keys.iter().for_each(|key| drop(opened.datasets.remove(key)));
        }
    }

    /// Returns a plan in which the datasets of streams stand in the place of their names.
    ///
    /// # Errors
    /// As [`dataset::resolve`].
    pub(super) fn resolved(&self, plan: RddPlan) -> Result<RddPlan> {
        if plan.names_datasets() {
            dataset::resolve(&plan, &|key| self.find(key))
        } else {
            Ok(plan)
        }
    }
}

impl Driver {
    /// Takes what a page says to a context.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` if it cannot be read; `STREAMING_CONTEXT_NOT_FOUND` if the context is over.
    pub(super) fn streaming_order(&mut self, operation: &str, session: &str, bytes: &[u8], now_ms: i64) -> Result<()> {
        let invalid =
            |why: String| SparkError::invalid_plan(format!("an order to a streaming context cannot be read: {why}"));
        let mut blobs = pieces(bytes)?.into_iter();
        let text = blobs.next().ok_or_else(|| invalid("it is empty".into()))?;
        let Envelope { context: id, order } = serde_json::from_slice(text).map_err(|e| invalid(e.to_string()))?;
        let mut blob = || blobs.next().ok_or_else(|| invalid("a blob is missing".into()));
        let event = match order {
            Order::Open { .. } => {
                let blobs = blobs.map(<[u8]>::to_vec).collect();
                return self.open_context(id, operation, session, order, blobs);
            }
            Order::Restore => Event::Restore,
            Order::Start => Event::Start,
            Order::Time { now_ms } => {
                if let Some(opened) = self.contexts.opened.get_mut(&id) {
                    opened.clock_ms = Some(now_ms);
                }
                Event::Wake
            }
            Order::Offer { input, records, token } => Event::Offer {
                input,
                block: Block {
                    bytes: Buffer::from(blob()?),
                    records,
                    token: Token(token),
                },
            },
            Order::Dataset {
                stream,
                time_ms,
                error,
                note,
            } => {
                let dataset = match error {
                    Some(thrown) => Err(function_error(thrown)),
                    None => {
                        let plan = RddPlan::decode(blob()?)?;
                        let root = plan.root;
                        let all = dataset::of_plan(&plan, &|key| self.contexts.find(key))?;
                        let dataset = all.into_iter().nth(root);
                        Ok(dataset.ok_or_else(|| invalid("the dataset has no root".into()))?)
                    }
                };
                Event::Dataset {
                    stream,
                    time_ms,
                    dataset,
                    note,
                }
            }
            Order::OutputDone { error } => Event::OutputDone {
                error: error.map(function_error),
            },
            Order::Stop { gracefully } => Event::Stop { gracefully },
            Order::InputsStopped { waiting } => Event::InputsStopped { waiting },
        };
        if !self.contexts.opened.contains_key(&id) {
            let message = format!("The streaming context {id} is over.");
            return Err(SparkError::new(
                Exception::Connect,
                "STREAMING_CONTEXT_NOT_FOUND",
                "42704",
                message,
            ));
        }
        self.end_operation(operation);
        self.context_event(id, event, now_ms);
        Ok(())
    }

    fn open_context(
        &mut self,
        id: u64,
        operation: &str,
        session: &str,
        order: Order,
        blobs: Vec<Vec<u8>>,
    ) -> Result<()> {
        let Order::Open {
            batch_ms,
            directory,
            remember_ms,
            streams,
            outputs,
            functions,
            values,
            clock_ms,
            shuffle_partitions,
        } = order
        else {
            return Err(SparkError::internal("only an opening opens a context"));
        };
        let missing = || SparkError::invalid_plan("a streaming context lacks a blob");
        let mut blobs = blobs.into_iter().map(Buffer::from);
        let empty = blobs.next().ok_or_else(missing)?;
        let values: Vec<Buffer> = blobs.by_ref().take(values).collect();
        let initial = blobs.map(|bytes| {
            let plan = RddPlan::decode(&bytes)?;
            let all = dataset::of_plan(&plan, &|key| self.contexts.find(key))?;
            all.into_iter().nth(plan.root).ok_or_else(missing)
        });
        let initial = initial.collect::<Result<Vec<Dataset>>>()?;
        if batch_ms <= 0 || outputs.iter().any(|output| output.0 >= streams.len()) {
            return Err(SparkError::invalid_plan(
                "a streaming context has no such interval or output",
            ));
        }
        let limit = RateLimit::of(&self.session(session).conf, batch_ms)?;
        let graph = Graph::new(streams, Library { functions, values }, batch_ms)?;
        let maker = Maker::new(FIRST_KEY + self.contexts.count * KEYS, shuffle_partitions);
        self.contexts.count += 1;
        let settings = Settings {
            batch_ms,
            directory,
            outputs,
        };
        let generator = Generator::new(graph, maker, initial, empty, remember_ms);
        let opened = Opened {
            context: Context::new(settings, generator, limit),
            operation: operation.to_owned(),
            session: session.to_owned(),
            clock_ms,
            datasets: BTreeMap::new(),
        };
        self.contexts.opened.insert(id, opened);
        Ok(())
    }

    /// Lets contexts do what is due.
    pub(super) fn poll_contexts(&mut self, now_ms: i64) {
        let due = self
            .contexts
            .opened
            .iter()
            .filter(|(_, o)| o.clock_ms.is_none() && o.context.wake_at().is_some_and(|at| at <= now_ms));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.context_event(id, Event::Wake, now_ms);
        }
    }

    /// Takes in what has happened to a context; one that is over hears nothing.
    pub(super) fn context_event(&mut self, id: u64, event: Event, now_ms: i64) {
        let Some(opened) = self.contexts.opened.get_mut(&id) else {
            return;
        };
        let at = opened.clock_ms.unwrap_or(now_ms);
        for command in opened.context.handle(at, event) {
            self.context_command(id, command, now_ms);
        }
        if self.contexts.opened.get(&id).is_some_and(|o| o.context.is_ended())
            && let Some(ended) = self.contexts.opened.remove(&id)
        {
            self.end_operation(&ended.operation);
        }
    }

    fn context_command(&mut self, id: u64, command: Command, now_ms: i64) {
        match command {
            Command::Storage(request) => self.ask(request, Purpose::Context(id)),
            Command::Collect(dataset) => self.collect_state(id, &dataset, now_ms),
            Command::Unkeep(keys) => {
                self.kept.retain(|key, _| !keys.contains(key));
                let effects = self.runner.forget(vec![], keys, now_ms);
                self.carry_out(effects, now_ms);
            }
            Command::Listener(event) => self.tell_context(id, &listened(&event)),
            Command::Ask(Ask {
                stream,
                time_ms,
                parents,
                is_new,
            }) => {
                let parents: Vec<Value> = parents.iter().map(|parent| self.show(id, parent)).collect();
                let event =
                    json!({"t": "ask", "stream": stream, "timeMs": time_ms, "parents": parents, "isNew": is_new});
                self.tell_context(id, &event);
            }
            Command::Output {
                output,
                time_ms,
                dataset,
            } => {
                let dataset = self.show(id, &dataset);
                let event = json!({"t": "output", "output": output, "timeMs": time_ms, "dataset": dataset});
                self.tell_context(id, &event);
            }
            Command::Safe { input, tokens } => {
                let tokens: Vec<u64> = tokens.iter().map(|t| t.0).collect();
                self.tell_context(id, &json!({"t": "safe", "input": input, "tokens": tokens}));
            }
            Command::Refused { input, tokens } => {
                let tokens: Vec<u64> = tokens.iter().map(|t| t.0).collect();
                self.tell_context(id, &json!({"t": "refused", "input": input, "tokens": tokens}));
            }
            Command::StopInputs => self.tell_context(id, &json!({"t": "stopInputs"})),
            Command::Restored { notes } => self.tell_context(id, &json!({"t": "restored", "notes": notes})),
            Command::Failed(error) => {
                let event = json!({
                    "t": "failed", "exception": error.exception.name(), "condition": error.condition, "sqlState": error.sql_state,
                    "message": error.full_message(), "parameters": error.parameters,
                });
                self.tell_context(id, &event);
            }
            Command::Ended => self.tell_context(id, &json!({"t": "ended"})),
        }
    }

    /// Returns how the page names a dataset, and remembers it as long as the page may ask for it.
    fn show(&mut self, id: u64, dataset: &Dataset) -> Value {
        let key = dataset.key();
        if let (Some(opened), Some(key)) = (self.contexts.opened.get_mut(&id), key) {
            opened.datasets.insert(key, dataset.clone());
        }
        let placement = dataset.definition().placement.as_ref();
        let placement = placement.filter(|p| !p.partitioner.is_bound());
        json!({
            "key": key, "id": dataset.definition().node.id, "name": dataset.definition().node.name,
            "partitions": dataset.partitions(), "partitioner": placement.map(|p| &p.partitioner),
        })
    }

    fn tell_context(&mut self, id: u64, event: &Value) {
        let Some(operation) = self.contexts.opened.get(&id).map(|o| o.operation.clone()) else {
            return;
        };
        let any = prost_types::Any {
            type_url: EVENT_TYPE_URL.into(),
            value: event.to_string().into_bytes(),
        };
        self.respond(&operation, Some(ResponseType::Extension(any)), None);
    }

    /// Collects a state's partitions, to be written.
    fn collect_state(&mut self, id: u64, state: &Dataset, now_ms: i64) {
        let Some(session) = self.contexts.opened.get(&id).map(|o| o.session.clone()) else {
            return;
        };
        let mut assembly = Assembly::default();
        let root = assembly.add(state);
        let plan = assembly.plan(root, json!({"t": "collect"}), "checkpoint", None);
        let run = plan.and_then(|plan| self.run_datasets(&session, &plan, Owner::Context(id), now_ms));
        if let Err(error) = run {
            self.context_event(id, Event::Collected(Err(error)), now_ms);
        }
    }

    /// Ends the contexts of a session, without waiting for their batches.
    pub(super) fn drop_contexts(&mut self, session: &str) {
        self.contexts.opened.retain(|_, opened| opened.session != session);
    }
}

/// Returns an event for listeners as the page reads it.
fn listened(event: &Listened) -> Value {
    match event {
        Listened::Started { time_ms } => json!({"t": "started", "timeMs": time_ms}),
        Listened::Submitted(info) => json!({"t": "submitted", "info": info}),
        Listened::BatchStarted(info) => json!({"t": "batchStarted", "info": info}),
        Listened::Completed(info) => json!({"t": "completed", "info": info}),
    }
}

/// Returns what a function of the page's threw.
fn function_error(thrown: String) -> SparkError {
    SparkError::new(Exception::Connect, "FAILED_EXECUTE_UDF", "39000", thrown)
}
