//! The driver in its worker: carries the engine's effects out, and brings it the events of the world.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use arrow::buffer::Buffer;
use gloo_timers::callback::Timeout;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::connections::Connections;
use super::credentials::Credentials;
use super::page::{Init, Joining, Letter, ToDriver, ToPage, WireError, tell};
use super::port::{Originals, Parcel, Port};
use super::registered_files::RegisteredFiles;
use super::storage::Storage;
use super::systems;
use super::timer::{Timer, now_ms};
use super::{heap_bytes, locks, take};
use crate::cluster::message::{self, FromExecutor, ToExecutor};
use crate::connect::driver::Driver as Core;
use crate::connect::protocol::{Input, Method, Output, RequestId};
use crate::error::SparkError;
use crate::ids::{BatchId, ConnectionId, DatasetId, ExecutorId, ExecutorRef, Incarnation, JobId, TaskId};
use crate::settings::Conf;
use crate::sources::page::{PageAsk, PageEvent};
use crate::sources::{Ask, Event};
use crate::streaming::query::EventKind;

/// ms between two status reports to a page that watches.
const STATUS_INTERVAL_MS: i64 = 250;

/// A task and the files that go with it: in the place of which blob, and the path.
type TaskFiles = (TaskId, Vec<(usize, String)>);

/// The driver, which the events of its worker share.
#[derive(Clone)]
pub struct Driver(Rc<RefCell<State>>);

struct State {
    core: Core,
    /// The channels to executors, by number; one of an earlier life is gone.
    links: BTreeMap<ExecutorId, (Incarnation, Port)>,
    files: Rc<RegisteredFiles>,
    timer: Timer,
    connections: Connections,
    /// The connections that the page reads for.
    page_sources: BTreeSet<ConnectionId>,
    storage: Storage,
    watched: bool,
    last_status_ms: i64,
    /// Whether the page has listeners to the progress of queries.
    listening: bool,
    /// The blocks that the page pushed and the files that were read, as they came.
    originals: Rc<RefCell<Originals>>,
    /// What functions of the page's have returned.
    credentials: Credentials,
    /// Takes in what became of records that were written.
    written: Rc<dyn Fn(Input)>,
}

impl Driver {
    /// Starts the driver.
    pub fn start(init: Init) -> Self {
        let seed = (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
        let conf = Conf { values: init.conf };
        let originals = Rc::new(RefCell::new(Originals::default()));
        let files = Rc::new(RegisteredFiles::new(originals.clone()));
        Self(Rc::new_cyclic(|weak: &Weak<RefCell<State>>| {
            // Events come from outside of the engine's steps, and the state lives as long as the worker.
            let step = {
                let weak = weak.clone();
                Rc::new(move |input: Input| {
                    if let Some(state) = weak.upgrade() {
                        fatal(state.borrow_mut().step(input));
                    }
                })
            };
            let credentials = Credentials::default();
            let (wake, heard, stored, written) = (step.clone(), step.clone(), step.clone(), step);
            RefCell::new(State {
                core: Core::new(conf, files.clone(), seed).with_executors_that_reach_page(),
                links: BTreeMap::new(),
                files,
                timer: Timer::new(move || wake(Input::Wake)),
                connections: Connections::new(move |connection, event| heard(Input::Connection { connection, event }))
                    .with(credentials.clone()),
                page_sources: BTreeSet::new(),
                storage: Storage::start(move |op, answer| stored(Input::Storage { op, answer })),
                watched: false,
                last_status_ms: 0,
                listening: false,
                originals: originals.clone(),
                credentials,
                written,
            })
        }))
    }

    /// Takes a message of the page's.
    ///
    /// # Errors
    /// If the message lacks a property of its kind or has one of another type, or an effect cannot be carried out; the worker ends with it.
    pub fn receive(&self, message: JsValue) -> Result<(), JsValue> {
        let Some(message) = ToDriver::read(message)? else {
            return Ok(());
        };
        let mut state = self.0.borrow_mut();
        match message {
            ToDriver::Executor(joining) => {
                drop(state);
                self.join(joining)
            }
            ToDriver::ExecutorDown(down) => {
                let cause = down.cause.map(|cause| cause.error());
                state.lose(ExecutorRef::at(down.executor, down.incarnation), cause)
            }
            ToDriver::Request(request) => {
                let id = RequestId(request.id as u64);
                let bytes = request.bytes.to_vec();
                match Method::parse(&request.method) {
                    Some(method) => state.step(Input::Request { id, method, bytes }),
                    None => {
                        let error = SparkError::invalid_plan(format!("the service has no method {}", request.method));
                        state.carry_out_all(vec![Output::Fail { id, error }])
                    }
                }
            }
            ToDriver::Cancel(call) => state.step(Input::Cancel {
                id: RequestId(call.id as u64),
            }),
            ToDriver::Taken(taken) => state.step(Input::Taken {
                id: RequestId(taken.id as u64),
                bytes: taken.bytes as usize,
            }),
            ToDriver::Push(push) => {
                let block = state.kept(push.bytes);
                state.step(Input::Push {
                    source: push.source,
                    block,
                })
            }
            ToDriver::PushLines(push) => state.step(Input::Push {
                source: push.source,
                block: Buffer::from(push.lines.into_bytes()),
            }),
            ToDriver::Hold(hold) => {
                let blocks = hold.blocks.iter().filter_map(|bytes| bytes.dyn_into().ok());
                let blocks = blocks.map(|bytes| state.kept(bytes)).collect();
                state.step(Input::Hold {
                    session: hold.session,
                    dataset: DatasetId(hold.dataset as u64),
                    blocks,
                })
            }
            ToDriver::PushEnd(ended) => state.step(Input::PushEnd { source: ended.source }),
            ToDriver::PushForget(gone) => state.step(Input::PushForget { source: gone.source }),
            ToDriver::SourceBlock(block) => {
                let event = PageEvent::Block {
                    offset: block.offset()?,
                    data: block.bytes.to_vec(),
                    dropped: block.dropped,
                };
                state.page_says(block.connection, event)
            }
            ToDriver::SourceCaughtUp(waits) => state.page_says(waits.connection, PageEvent::CaughtUp),
            ToDriver::SourceEnd(ended) => {
                let event = ended
                    .error
                    .map_or(PageEvent::Ended, |error| PageEvent::Failed(Box::new(error.into())));
                state.page_says(ended.connection, event)
            }
            ToDriver::File(file) => {
                let (blob, modified) = (file.blob(), file.modified as i64);
                state.files.set(file.path, blob, modified);
                Ok(())
            }
            ToDriver::ForeachBatchDone(done) => state.step(Input::ForeachBatchDone {
                run: done.run,
                batch_id: BatchId(done.batch_id),
                lots: done.lots as u32,
                job: done.job.map(|job| JobId(job as u64)),
                error: done.error.map(|e| if e.stack.is_empty() { e.message } else { e.stack }),
            }),
            ToDriver::WatchStatus(watch) => {
                state.watched = watch.on;
                state.step(Input::Wake)
            }
            ToDriver::Listen(watch) => {
                state.listening = watch.on;
                Ok(())
            }
            ToDriver::Alarm(alarm) => {
                let in_ms = alarm.in_ms.clamp(0.0, f64::from(i32::MAX)) as u32;
                Timeout::new(in_ms, move || fatal(tell(&ToPage::Rang { id: alarm.id }))).forget();
                Ok(())
            }
            ToDriver::Credentials(answer) => {
                state.credentials.answered(answer);
                Ok(())
            }
            ToDriver::CredentialsGone(gone) => {
                state.credentials.forget(&gone.name);
                Ok(())
            }
            ToDriver::Heap(question) => tell(&ToPage::HeapBytes {
                id: question.id,
                bytes: heap_bytes(),
            }),
        }
    }

    /// Connects an executor, and waits in the background for its end.
    fn join(&self, joining: Joining) -> Result<(), JsValue> {
        let executor = ExecutorRef::at(joining.executor, joining.incarnation);
        let before = self
            .0
            .borrow()
            .links
            .get(&executor.id)
            .map(|(incarnation, _)| *incarnation);
        if let Some(incarnation) = before {
            let id = executor.id;
            self.0.borrow_mut().lose(ExecutorRef { id, incarnation }, None)?;
        }
        let mut port = Port::new(joining.port);
        let shared = self.0.clone();
        port.listen(move |header, blobs| fatal(shared.borrow_mut().hear(executor, &header, &blobs)));
        let mut state = self.0.borrow_mut();
        state.links.insert(executor.id, (executor.incarnation, port));
        state.step(Input::ExecutorAdded { executor })?;
        drop(state);
        let shared = self.0.clone();
        spawn_local(async move {
            let gone = locks::released(&joining.lock).await;
            fatal(gone.and_then(|()| shared.borrow_mut().lose(executor, None)));
        });
        Ok(())
    }
}

impl State {
    fn is_linked(&self, executor: ExecutorRef) -> bool {
        let link = self.links.get(&executor.id);
        link.is_some_and(|(incarnation, _)| *incarnation == executor.incarnation)
    }

    /// Copies bytes of the page's into the wasm heap, and keeps them as they came for the first executor that gets them.
    fn kept(&self, original: Uint8Array) -> Buffer {
        let block = Buffer::from(original.to_vec());
        self.originals.borrow_mut().keep(block.clone(), original);
        block
    }

    /// Takes a message of an executor's; one of an earlier life is dropped.
    fn hear(&mut self, from: ExecutorRef, header: &[u8], blobs: &Array) -> Result<(), JsValue> {
        if !self.is_linked(from) {
            return Ok(());
        }
        let message = message::decode(header).unwrap_or_else(|error| FromExecutor::Unreadable { error });
        let blobs = take(blobs);
        self.step(Input::Executor { from, message, blobs })
    }

    /// Takes in what the page says of what it reads.
    fn page_says(&mut self, connection: u64, event: PageEvent) -> Result<(), JsValue> {
        let connection = ConnectionId(connection);
        let event = Event::Page(event);
        self.step(Input::Connection { connection, event })
    }

    fn lose(&mut self, executor: ExecutorRef, cause: Option<SparkError>) -> Result<(), JsValue> {
        if !self.is_linked(executor) {
            return Ok(());
        }
        self.links.remove(&executor.id);
        let excused = cause.is_some() && self.core.is_busy(executor);
        self.step(Input::ExecutorLost { executor, cause })?;
        tell(&ToPage::ExecutorLost {
            executor: executor.id.0,
            incarnation: executor.incarnation.0,
            excused,
        })
    }

    /// Runs one step of the engine, carries out what it asked for, and sets the time of the next.
    fn step(&mut self, input: Input) -> Result<(), JsValue> {
        let now_ms = now_ms();
        let outputs = self.core.handle(now_ms, input);
        self.carry_out_all(outputs)?;
        let mut wake = self.core.wake_at();
        if self.watched {
            let due = self.last_status_ms + STATUS_INTERVAL_MS;
            if now_ms >= due {
                self.last_status_ms = now_ms;
                let status = self.core.status();
                tell(&ToPage::Status { status })?;
            } else {
                wake = Some(wake.map_or(due, |at| at.min(due)));
            }
        }
        self.timer.set(wake);
        Ok(())
    }

    /// Carries out what a step asked for. What goes to one place goes in one message; executors get theirs first, since they
    /// wait, and what goes to others is not ordered with it.
    fn carry_out_all(&mut self, outputs: Vec<Output>) -> Result<(), JsValue> {
        let mut sends: BTreeMap<ExecutorRef, Vec<(Parcel, Option<TaskFiles>)>> = BTreeMap::new();
        let (mut others, mut unreadable) = (Vec::with_capacity(outputs.len()), Vec::new());
        for output in outputs {
            match output {
                Output::Send { to, message, blobs } => match message::encode(&message) {
                    Ok(header) => {
                        let files = match message {
                            ToExecutor::Run(run) => Some((run.task, run.files)).filter(|(_, files)| !files.is_empty()),
                            _ => None,
                        };
                        sends.entry(to).or_default().push((Parcel::new(header, blobs), files));
                    }
                    Err(error) => unreadable.push((to, error)),
                },
                other => others.push(other),
            }
        }
        let mut unread = Vec::new();
        for (to, messages) in sends {
            if let Some((incarnation, port)) = self.links.get(&to.id)
                && *incarnation == to.incarnation
            {
                // Files are read when their task is sent: an executor works while those of the next are read.
                let mut parcels = Vec::with_capacity(messages.len());
                for (mut parcel, files) in messages {
                    let Some((task, files)) = files else {
                        parcels.push(parcel);
                        continue;
                    };
                    let read = files.iter().map(|(at, path)| Ok((*at, self.files.bytes(path)?)));
                    match read.collect() {
                        Ok(files) => {
                            parcel.files = files;
                            parcels.push(parcel);
                        }
                        Err(error) => unread.push((to, task, error)),
                    }
                }
                let mut originals = self.originals.borrow_mut();
                port.send_copies(&parcels, |blob| originals.take(blob))?;
            }
        }
        self.originals.borrow_mut().sweep_large();
        let mut letter = Letter::default();
        others
            .into_iter()
            .try_for_each(|output| self.carry_out(output, &mut letter))?;
        letter.post()?;
        unread
            .into_iter()
            .try_for_each(|(from, task, error): (_, _, SparkError)| {
                let retryable = error.is_retryable();
                let message = FromExecutor::Failed { task, error, retryable };
                self.step(Input::Executor {
                    from,
                    message,
                    blobs: vec![],
                })
            })?;
        unreadable.into_iter().try_for_each(|(from, error)| {
            let (message, blobs) = (FromExecutor::Unreadable { error }, vec![]);
            self.step(Input::Executor { from, message, blobs })
        })
    }

    /// Carries out what is not for executors; messages to the page go into the letter.
    fn carry_out(&mut self, output: Output, letter: &mut Letter) -> Result<(), JsValue> {
        match output {
            Output::Send { .. } => Ok(()),
            Output::Respond { id, bytes } => letter.add(&ToPage::Res {
                id: id.0 as f64,
                bytes: bytes.as_slice().into(),
            }),
            Output::End { id } => letter.add(&ToPage::End { id: id.0 as f64 }),
            Output::Fail { id, error } => letter.add(&ToPage::Err {
                id: id.0 as f64,
                error: WireError::from(&error),
            }),
            Output::ReplaceExecutor { executor, why } => letter.add(&ToPage::ReplaceExecutor {
                why,
                executor: executor.id.0,
                incarnation: executor.incarnation.0,
            }),
            Output::Storage { op, request } => {
                self.storage.ask(op, request);
                Ok(())
            }
            Output::ForeachBatch {
                sink,
                run,
                batch_id,
                blocks,
            } => letter.add(&ToPage::ForeachBatch {
                sink: &sink,
                run: &run,
                batch_id: batch_id.0,
                job: None,
                arrow: blocks.iter().map(|block| block.as_slice().into()).collect(),
            }),
            Output::Write { writer, writing } => {
                let (written, credentials) = (self.written.clone(), self.credentials.clone());
                spawn_local(async move {
                    let answer = systems::write(&credentials, &writing).await;
                    written(Input::Written { writer, answer });
                });
                Ok(())
            }
            Output::Listener { kind, .. } if kind == EventKind::Progress && !self.listening => Ok(()),
            Output::Listener { kind, event } => letter.add(&ToPage::Listener {
                event_type: kind.word(),
                event: &event.json(),
            }),
            Output::Console { text } => letter.add(&ToPage::Console { text: &text }),
            Output::Credit {
                source,
                received,
                queued,
                limit,
                durable,
                is_read,
            } => letter.add(&ToPage::Credit {
                source: &source,
                received,
                queued_bytes: queued,
                limit_bytes: limit,
                durable,
                is_read,
            }),
            Output::Connection { connection, ask } => {
                match ask {
                    Ask::WebSocket { url, paced, max_bytes } if paced => {
                        self.connections.open_paced(connection, &url, max_bytes);
                    }
                    Ask::WebSocket { url, max_bytes, .. } => self.connections.open_socket(connection, &url, max_bytes),
                    Ask::More => self.connections.more(connection),
                    Ask::Http { url, headers } => self.connections.open_response(connection, &url, &headers),
                    Ask::System(question) => self.connections.ask(connection, *question),
                    Ask::Send { text } => self.connections.send(connection, &text),
                    Ask::Page(PageAsk::Open {
                        source,
                        after,
                        is_logged,
                    }) => {
                        self.page_sources.insert(connection);
                        return letter.add(&ToPage::OpenSource {
                            connection: connection.0,
                            source: &source,
                            after: &after,
                            is_logged,
                        });
                    }
                    Ask::Page(PageAsk::Credit { taken, durable }) => {
                        return letter.add(&ToPage::SourceCredit {
                            connection: connection.0,
                            taken,
                            durable,
                        });
                    }
                    Ask::Close if self.page_sources.remove(&connection) => {
                        return letter.add(&ToPage::CloseSource {
                            connection: connection.0,
                        });
                    }
                    Ask::Close => self.connections.close(connection),
                }
                Ok(())
            }
        }
    }
}

/// Ends the worker with an error that came in an event of its own: the script hears of it as of every error that nobody takes.
pub(super) fn fatal(result: Result<(), JsValue>) {
    if let Err(error) = result {
        wasm_bindgen::throw_val(error);
    }
}
