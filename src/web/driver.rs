//! The driver in its worker: the page's and the executors' messages become steps of
//! [`connect::driver`](crate::connect::driver), and its outputs calls of the script.

use std::collections::HashMap;
use std::rc::Rc;

use arrow::buffer::Buffer;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::host::{DriverHost, Log, log_panics, thrown};
use super::{give, heap_bytes, storage, take};
use crate::cluster::message::{self, FromExecutor};
use crate::connect::driver::Driver as Core;
use crate::connect::protocol::{Input, Method, Output, RequestId};
use crate::error::{Exception, Result, SparkError};
use crate::ids::{BatchId, ConnectionId, ExecutorRef};
use crate::settings::Conf;
use crate::sources::{Ask, Event};
use crate::storage::Request;
use crate::storage::files::{FileEntry, Files};

/// ms between two status reports to a page that watches.
const STATUS_INTERVAL_MS: i64 = 250;

/// The driver's class: one per page. Every method runs one step; none blocks.
#[wasm_bindgen]
pub struct Driver {
    /// The driver itself.
    core: Core,
    /// The script's side.
    host: Rc<DriverHost>,
    /// Requests to storage without an answer yet, without bytes to write.
    asked: HashMap<u64, Request>,
    /// Whether the page watches the status.
    watched: bool,
    /// When it was sent last, ms since the epoch.
    last_status_ms: i64,
}

#[wasm_bindgen]
impl Driver {
    /// Makes a driver; `conf` is a JSON object of settings. Panics are logged through the host.
    #[wasm_bindgen(constructor)]
    pub fn new(conf: &str, host: DriverHost) -> Driver {
        log_panics(JsCast::unchecked_into::<Log>(JsValue::from(&host)));
        let values = serde_json::from_str(conf).unwrap_or_default();
        let host = Rc::new(host);
        let seed = (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
        let core = Core::new(Conf { values }, Rc::new(PageFiles(host.clone())), seed);
        Self {
            core,
            host,
            asked: HashMap::new(),
            watched: false,
            last_status_ms: 0,
        }
    }

    /// Takes a Spark Connect request; responses come through `host.respond`, then `host.end` or `host.fail`.
    pub fn request(&mut self, id: f64, method: &str, bytes: Vec<u8>) {
        let id = RequestId(id as u64);
        match Method::parse(method) {
            Some(method) => self.step(Input::Request { id, method, bytes }),
            None => {
                let error = SparkError::invalid_plan(format!("the service has no method {method}"));
                self.host.fail(id.0 as f64, &wire(&error));
            }
        }
    }

    /// Cancels a request whose client has gone.
    pub fn cancel(&mut self, id: f64) {
        self.step(Input::Cancel {
            id: RequestId(id as u64),
        });
    }

    /// Takes in a worker that can run tasks.
    #[wasm_bindgen(js_name = executorJoined)]
    pub fn executor_joined(&mut self, executor: u32, incarnation: u32) {
        self.step(Input::ExecutorAdded {
            executor: ExecutorRef::at(executor, incarnation),
        });
    }

    /// Takes in that a worker has ended; what ran there runs elsewhere.
    #[wasm_bindgen(js_name = executorLost)]
    pub fn executor_lost(&mut self, executor: u32, incarnation: u32) {
        self.step(Input::ExecutorLost {
            executor: ExecutorRef::at(executor, incarnation),
        });
    }

    /// Takes in an executor's message; one that cannot be decoded is reported as such.
    #[wasm_bindgen(js_name = executorMessage)]
    pub fn executor_message(&mut self, executor: u32, incarnation: u32, header: &[u8], blobs: &Array) {
        let message = message::decode(header).unwrap_or_else(|error| FromExecutor::Unreadable { error });
        self.step(Input::Executor {
            from: ExecutorRef::at(executor, incarnation),
            message,
            blobs: take(blobs),
        });
    }

    /// Wakes the driver at the time that it asked for.
    pub fn timer(&mut self) {
        self.step(Input::Wake);
    }

    /// Takes in records for a stream that the page fills.
    pub fn push(&mut self, source: String, _seq: f64, bytes: Vec<u8>) {
        self.step(Input::Push { source, bytes });
    }

    /// Takes in that the page will push no more.
    #[wasm_bindgen(js_name = pushEnd)]
    pub fn push_end(&mut self, source: String) {
        self.step(Input::PushEnd { source });
    }

    /// Takes in what a source's connection does: `open`, `text`, `binary` or `close`.
    #[wasm_bindgen(js_name = connectionEvent)]
    pub fn connection_event(&mut self, connection: f64, kind: &str, data: &JsValue) {
        let event = match kind {
            "open" => Event::Open {
                status: data.as_f64().map_or(101, |status| status as u16),
            },
            "text" => Event::Text(data.as_string().unwrap_or_default()),
            "binary" => Event::Binary(Uint8Array::new(data).to_vec()),
            "close" => Event::Closed,
            // An error is always followed by a close.
            _ => return,
        };
        self.step(Input::Connection {
            connection: ConnectionId(connection as u64),
            event,
        });
    }

    /// Takes in that the page's function has taken a batch, or what it threw.
    #[wasm_bindgen(js_name = foreachBatchDone)]
    pub fn foreach_batch_done(&mut self, run: String, batch: f64, error: Option<String>) {
        let batch_id = BatchId(batch as i64);
        self.step(Input::ForeachBatchDone { run, batch_id, error });
    }

    /// Takes in the answer to a storage request: an error's name and message, or bytes.
    #[wasm_bindgen(js_name = storageDone)]
    pub fn storage_done(&mut self, op: f64, error: Option<String>, bytes: &JsValue) {
        let op = op as u64;
        if let Some(request) = self.asked.remove(&op) {
            let bytes = bytes.dyn_ref::<Uint8Array>().map(|b| Buffer::from(b.to_vec()));
            let answer = storage::answer(&request, error, bytes);
            self.step(Input::Storage { op, answer });
        }
    }

    /// Begins or ends sending the status, every 250 ms at most.
    #[wasm_bindgen(js_name = watchStatus)]
    pub fn watch_status(&mut self, on: bool) {
        self.watched = on;
        self.step(Input::Wake);
    }

    /// Returns the bytes of the driver's heap.
    #[wasm_bindgen(js_name = heapBytes)]
    pub fn heap_bytes(&self) -> f64 {
        heap_bytes()
    }

    /// Runs one step at the host's time, carries out its outputs, and sets the timer.
    ///
    /// A page that watches gets the status with the first step after each interval; the timer sees to it that there is
    /// one.
    fn step(&mut self, input: Input) {
        let now_ms = self.host.now() as i64;
        let outputs = self.core.handle(now_ms, input);
        for output in outputs {
            self.carry_out(output);
        }
        let mut wake = self.core.wake_at();
        if self.watched {
            if now_ms - self.last_status_ms >= STATUS_INTERVAL_MS {
                self.last_status_ms = now_ms;
                self.host.status(&self.core.status());
            } else {
                let due = self.last_status_ms + STATUS_INTERVAL_MS;
                wake = Some(wake.map_or(due, |at| at.min(due)));
            }
        }
        self.host.set_timer(wake.map(|at| at as f64));
    }

    /// Carries out one output through the host. A message that cannot be encoded is reported as if its receiver had.
    fn carry_out(&mut self, output: Output) {
        let host = &self.host;
        match output {
            Output::Respond { id, bytes } => host.respond(id.0 as f64, Uint8Array::from(bytes.as_slice())),
            Output::End { id } => host.end(id.0 as f64),
            Output::Fail { id, error } => host.fail(id.0 as f64, &wire(&error)),
            Output::Send { to, message, blobs } => match message::encode(&message) {
                Ok(header) => {
                    let header = Uint8Array::from(header.as_slice());
                    host.to_executor(to.id.0, to.incarnation.0, header, give(&blobs));
                }
                Err(error) => self.step(Input::Executor {
                    from: to,
                    message: FromExecutor::Unreadable { error },
                    blobs: vec![],
                }),
            },
            Output::Storage { op, request } => {
                let (kind, bytes) = storage::command(&request);
                host.storage(
                    op as f64,
                    kind,
                    storage::path(&request),
                    Uint8Array::from(bytes.as_slice()),
                );
                self.asked.insert(op, storage::without_bytes(request));
            }
            Output::ForeachBatch {
                sink,
                run,
                batch_id,
                blocks,
            } => host.foreach_batch(&sink, &run, batch_id.0 as f64, give(&blocks)),
            Output::Listener { kind, json } => host.listener(kind.word(), &json),
            Output::Console { text } => host.console(&text),
            Output::Credit {
                source,
                queued,
                limit,
                durable,
            } => host.credit(&source, queued as f64, limit as f64, durable.map(|n| n as f64)),
            Output::Connection { connection, ask } => {
                let id = connection.0 as f64;
                match ask {
                    Ask::WebSocket { url } => host.open_socket(id, &url),
                    Ask::Http { url, headers } => {
                        let pairs = headers
                            .iter()
                            .map(|(name, value)| Array::of2(&name.into(), &value.into()));
                        host.open_response(id, &url, pairs.collect());
                    }
                    Ask::Send { text } => host.send_socket(id, &text),
                    Ask::Close => host.close_connection(id),
                }
            }
        }
    }
}

/// Returns an error as the page reads it, as JSON.
fn wire(error: &SparkError) -> String {
    serde_json::json!({
        "exception": error.exception.name(), "condition": error.condition, "sqlState": error.sql_state,
        "message": error.full_message(), "parameters": error.parameters,
    })
    .to_string()
}

/// Files that the page has registered, read synchronously through the host.
struct PageFiles(Rc<DriverHost>);

impl PageFiles {
    /// Returns the error of a file that cannot be read (`FAILED_READ_FILE.NO_HINT`).
    fn failed(path: &str, why: &str) -> SparkError {
        SparkError::new(
            Exception::Connect,
            "FAILED_READ_FILE.NO_HINT",
            "KD001",
            format!("Encountered error while reading file {path}: {why}."),
        )
        .with("path", path)
    }
}

impl Files for PageFiles {
    /// Lists the files that the page registered under a path.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let listed = self.0.list_files(path).map_err(|e| Self::failed(path, &thrown(&e)))?;
        let text = js_sys::JSON::stringify(&listed).map_or_else(|_| "[]".to_owned(), String::from);
        serde_json::from_str(&text).map_err(|e| SparkError::internal(format!("the file list cannot be read: {e}")))
    }

    /// Reads a registered file whole.
    fn read(&self, path: &str) -> Result<Buffer> {
        let bytes = self.0.read_file(path).map_err(|e| Self::failed(path, &thrown(&e)))?;
        Ok(Buffer::from(bytes.to_vec()))
    }
}
