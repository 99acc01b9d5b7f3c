//! Streaming contexts of a page: what it asks of them, and what they want of the page, of storage and of executors.
//!
//! A context is opened by a command whose operation stays open: its responses are the context's events. All else that the
//! page says comes in commands of their own, which end at once.
//!
//! ```text
//!  page ── open ──▶ operation ──▶ events: ask, output, safe, submitted, …, ended
//!       ── start, offer, dataset, outputDone, stop ──▶ the context's state machine ── receivers ──▶ executors
//!                                                                                  └─ sockets ──▶ connections
//! ```

mod events;

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use serde::Deserialize;
use serde_json::Value;

use super::driver::Driver;
use crate::dstream::context::{Context, Event, Settings};
use crate::dstream::generate::Generator;
use crate::dstream::graph::{Graph, LONGEST_MS, Stream, StreamId};
use crate::dstream::inputs::{Block, Token};
use crate::dstream::rate::RateLimit;
use crate::error::{Exception, Result, SparkError};
use crate::ids::{ConnectionId, DatasetId};
use crate::rdd::assembly;
use crate::rdd::dataset::{self, Dataset, Library, Live, Maker};
use crate::rdd::op::Partitioner;
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

/// A context to open. Blobs: a block without rows, the library's values, then a plan per initial dataset.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
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
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Order {
    /// Opens the context.
    Open(Opening),
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
        /// Where its keys are, as far as that needs no function.
        partitioner: Option<Partitioner>,
    },
    /// Asks for the datasets of a stream in a closed range of times; null as long as the page is asked for some.
    Slice { stream: StreamId, from_ms: i64, to_ms: i64 },
    /// Wants to know that all before it is done.
    Sync,
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
    /// When the page was last asked to say the time.
    asked_ms: Option<i64>,
}

/// The contexts, by numbers of the driver's own.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    opened: BTreeMap<u64, Opened>,
    /// Their numbers, by session and the page's number.
    names: BTreeMap<(String, u64), u64>,
    /// How many there were.
    count: u64,
    /// Datasets that pages have heard of and may ask for, and how often they were told and have not forgotten that.
    shown: BTreeMap<DatasetId, (Dataset, u64)>,
    /// Datasets of pages that streams are made of, and those of contexts that are over.
    live: Live,
    /// Datasets that pages have forgotten while streams are made of them.
    forgotten: BTreeSet<DatasetId>,
    /// Connections of sockets: the context, and the stream.
    connections: BTreeMap<ConnectionId, (u64, StreamId)>,
}

impl Contexts {
    /// Returns when one of them is to be woken.
    pub(super) fn wake_at(&self) -> Option<i64> {
        let by_clock = self.opened.values().filter(|o| o.clock_ms.is_none());
        by_clock.filter_map(|o| o.context.wake_at()).min()
    }

    /// Returns whether an operation is a context's.
    pub(super) fn owns(&self, operation: &str) -> bool {
        self.opened.values().any(|o| o.operation == operation)
    }

    /// Takes in that pages have forgotten datasets; returns those, and others, that nobody reads any more.
    pub(super) fn forget(&mut self, keys: &[DatasetId]) -> Vec<DatasetId> {
        for key in keys {
            // Counts per dataset: a reply that names it again may cross with the page's release of an earlier reply.
            if let Some((_, times)) = self.shown.get_mut(key) {
                *times -= 1;
                if *times == 0 {
                    self.shown.remove(key);
                }
            }
        }
        // Of its own datasets a context says itself when nobody reads them.
        let of_pages = keys.iter().copied().filter(|key| key.0 < FIRST_KEY);
        let (held, mut gone): (Vec<_>, Vec<_>) = of_pages.partition(|key| self.live.contains(*key));
        self.forgotten.extend(held);
        gone.extend(self.collect());
        gone
    }

    /// Returns datasets that nobody reads any more.
    fn collect(&mut self) -> Vec<DatasetId> {
        let gone = self.live.collect().into_iter();
        gone.filter(|key| key.0 >= FIRST_KEY || self.forgotten.remove(key))
            .collect()
    }

    /// Counts one more reply that names this dataset to a page.
    fn show(&mut self, key: DatasetId, dataset: &Dataset) {
        self.shown.entry(key).or_insert_with(|| (dataset.clone(), 0)).1 += 1;
    }

    /// Returns a dataset that a page holds.
    fn find(&self, key: DatasetId) -> Option<Dataset> {
        self.shown.get(&key).map(|(dataset, _)| dataset.clone())
    }

    /// Reads the dataset of a page's plan, and watches what it is made of.
    fn read(&mut self, bytes: &[u8]) -> Result<Dataset> {
        let plan = RddPlan::decode(bytes)?;
        let all = dataset::of_plan(&plan, &|key| self.find(key))?;
        for dataset in &all {
            self.live.track(dataset.clone());
        }
        let root = all.into_iter().nth(plan.root);
        root.ok_or_else(|| SparkError::invalid_plan("a dataset plan has no root"))
    }

    /// Returns a plan in which the datasets of streams stand in the place of their names.
    ///
    /// # Errors
    /// As [`assembly::resolve`].
    pub(super) fn resolved(&self, plan: RddPlan) -> Result<RddPlan> {
        if plan.names_datasets() {
            assembly::resolve(&plan, &|key| self.find(key))
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
        let Envelope { context, order } = serde_json::from_slice(text).map_err(|e| invalid(e.to_string()))?;
        let name = (session.to_owned(), context);
        let order = match order {
            Order::Open(opening) => return self.open_context(name, operation, opening, blobs, now_ms),
            order => order,
        };
        let id = self.contexts.names.get(&name).copied().ok_or_else(|| {
            let message = format!("The streaming context {context} is over.");
            SparkError::new(Exception::Connect, "STREAMING_CONTEXT_NOT_FOUND", "42704", message)
        })?;
        let mut blob = || blobs.next().ok_or_else(|| invalid("a blob is missing".into()));
        let event = match order {
            Order::Open(_) => return Err(SparkError::internal("an opening is an event of no context")),
            Order::Sync => {
                self.synced(id);
                self.end_operation(operation);
                return Ok(());
            }
            Order::Slice { stream, from_ms, to_ms } => {
                return self.slice_stream(operation, id, stream, from_ms..=to_ms, now_ms);
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
                partitioner,
            } => {
                let dataset = match error {
                    Some(thrown) => Err(function_error(thrown)),
                    None => {
                        let dataset = self.contexts.read(blob()?)?;
                        Ok(match partitioner.filter(|by| !by.is_bound()) {
                            Some(partitioner) => dataset.placed(partitioner),
                            None => dataset,
                        })
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
        self.end_operation(operation);
        self.context_event(id, event, now_ms);
        Ok(())
    }

    fn open_context<'a>(
        &mut self,
        name: (String, u64),
        operation: &str,
        opening: Opening,
        blobs: impl Iterator<Item = &'a [u8]>,
        now_ms: i64,
    ) -> Result<()> {
        let Opening {
            batch_ms,
            streams,
            outputs,
            functions,
            ..
        } = opening;
        let mut blobs = blobs.map(Buffer::from);
        let missing = || SparkError::invalid_plan("a streaming context lacks a blob");
        let empty = blobs.next().ok_or_else(missing)?;
        let values: Vec<Buffer> = blobs.by_ref().take(opening.values).collect();
        let initial = blobs
            .map(|bytes| self.contexts.read(&bytes))
            .collect::<Result<Vec<Dataset>>>()?;
        if !(1..=LONGEST_MS).contains(&batch_ms) || outputs.iter().any(|output| output.0 >= streams.len()) {
            return Err(SparkError::invalid_plan(
                "a streaming context has no such interval or output",
            ));
        }
        let limit = RateLimit::of(&self.session(&name.0).conf, batch_ms)?;
        let graph = Graph::new(streams, Library { functions, values }, batch_ms)?;
        let maker = Maker::new(FIRST_KEY + self.contexts.count * KEYS, opening.shuffle_partitions);
        self.contexts.count += 1;
        let id = self.contexts.count;
        let settings = Settings {
            batch_ms,
            directory: opening.directory,
            outputs,
        };
        let remember_ms = opening.remember_ms.clamp(0, LONGEST_MS);
        let generator = Generator::new(graph, maker, initial, empty, remember_ms);
        let opened = Opened {
            context: Context::new(settings, generator, limit),
            operation: operation.to_owned(),
            session: name.0.clone(),
            clock_ms: opening.clock_ms,
            asked_ms: None,
        };
        self.contexts.opened.insert(id, opened);
        self.contexts.names.insert(name, id);
        for executor in self.runner.executors() {
            self.context_event(id, Event::ExecutorAdded(executor), now_ms);
        }
        Ok(())
    }
}

/// Returns what a function of the page's threw.
fn function_error(thrown: String) -> SparkError {
    SparkError::new(Exception::Connect, "FAILED_EXECUTE_UDF", "39000", thrown)
}
