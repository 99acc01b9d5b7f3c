//! The driver's thread: steps it, keeps its clock, carries out what it wants.
//!
//! ```text
//!  tonic's tasks ──Message::Call──▶ inbox ──▶ driver thread: Driver::handle ──▶ replies, executors, StdFs
//!  executors' threads ──Message::Driver──▲                     └── wakes at least every 500 ms
//! ```

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::buffer::Buffer;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::local::LocalCluster;
use crate::connect::driver::Driver;
use crate::connect::protocol::{Input, Method, Output, RequestId};
use crate::error::{Result, SparkError};
use crate::ids::ExecutorRef;
use crate::settings::{self, Conf};
use crate::sources::{Ask, Event};
use crate::storage::Storage;
use crate::storage::files::{FileEntry, Files};
use crate::storage::std_fs::{StdFs, local};

/// What a caller receives, in order: responses, then the end or an error with the id under which more is known of it.
pub type Reply = std::result::Result<Vec<u8>, (SparkError, String)>;

/// What the driver's thread receives.
enum Message {
    /// A client's call.
    Call {
        /// The method.
        method: Method,
        /// Its Protobuf message.
        bytes: Vec<u8>,
        /// Where replies go.
        replies: UnboundedSender<Reply>,
    },
    /// Anything else that happens to the driver.
    Driver(Box<Input>),
}

/// A handle to the driver's thread; clones share it.
#[derive(Clone)]
pub struct Host {
    /// The thread's inbox.
    inbox: Sender<Message>,
}

impl Host {
    /// Starts driver and executors.
    ///
    /// # Errors
    /// If the system cannot start threads.
    pub fn start(executors: u32) -> std::io::Result<Self> {
        let (inbox, messages) = channel();
        let host = Self { inbox: inbox.clone() };
        std::thread::Builder::new()
            .name("driver".into())
            .stack_size(64 << 20)
            .spawn(move || serve(executors, &inbox, &messages))?;
        Ok(host)
    }

    /// Makes a call; replies come through the channel until it closes.
    pub fn call(&self, method: Method, bytes: Vec<u8>, replies: UnboundedSender<Reply>) {
        // Without a driver the channel closes at once, and the caller sees an empty answer.
        let _ = self.inbox.send(Message::Call { method, bytes, replies });
    }
}

/// Returns the time, ms since the epoch.
#[allow(clippy::disallowed_methods)] // The host is where time comes from.
fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64)
}

/// Runs the driver until every handle is gone.
///
/// Storage is synchronous here, but its answers go through the inbox like everything else, so that the order of events
/// is that of a browser. A call whose client has gone is cancelled after the next step.
fn serve(executors: u32, inbox: &Sender<Message>, messages: &Receiver<Message>) {
    let mut conf = Conf::default();
    conf.values
        .insert(settings::PARALLELISM.key.into(), executors.to_string());
    let master = settings::MASTER.key.into();
    conf.values.insert(master, format!("local[{executors}]"));
    #[allow(clippy::disallowed_methods)]
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |d| d.as_nanos() as u64);
    let mut driver = Driver::new(conf, Rc::new(Disk), seed);
    let cluster = LocalCluster::new();
    let mut storage = StdFs::default();
    let mut calls: HashMap<RequestId, UnboundedSender<Reply>> = HashMap::new();
    let mut next_call = 0;
    for id in 0..executors {
        let executor = ExecutorRef::new(id);
        if start(executor, &cluster, inbox).is_ok() {
            let outputs = driver.handle(now_ms(), Input::ExecutorAdded { executor });
            carry_out(outputs, &mut driver, &cluster, &mut storage, &mut calls, inbox);
        }
    }
    loop {
        let wait = driver.wake_at().map_or(Duration::from_millis(500), |at| {
            Duration::from_millis((at - now_ms()).clamp(0, 500) as u64)
        });
        let input = match messages.recv_timeout(wait) {
            Ok(Message::Call { method, bytes, replies }) => {
                next_call += 1;
                calls.insert(RequestId(next_call), replies);
                Input::Request {
                    id: RequestId(next_call),
                    method,
                    bytes,
                }
            }
            Ok(Message::Driver(input)) => *input,
            Err(RecvTimeoutError::Timeout) => Input::Wake,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let outputs = driver.handle(now_ms(), input);
        carry_out(outputs, &mut driver, &cluster, &mut storage, &mut calls, inbox);
        let gone: Vec<RequestId> = calls.iter().filter(|(_, c)| c.is_closed()).map(|(id, _)| *id).collect();
        for id in gone {
            calls.remove(&id);
            let outputs = driver.handle(now_ms(), Input::Cancel { id });
            carry_out(outputs, &mut driver, &cluster, &mut storage, &mut calls, inbox);
        }
    }
}

/// Ends an executor and starts its successor. Its thread ends when it is done with what it computes.
fn replace(executor: ExecutorRef, cluster: &LocalCluster, inbox: &Sender<Message>) {
    if cluster.kill(executor.id.0) != Some(executor) {
        return;
    }
    let lost = Input::ExecutorLost { executor, cause: None };
    let _ = inbox.send(Message::Driver(Box::new(lost)));
    let next = executor.next();
    if start(next, cluster, inbox).is_ok() {
        let added = Input::ExecutorAdded { executor: next };
        let _ = inbox.send(Message::Driver(Box::new(added)));
    }
}

/// Starts an executor.
fn start(executor: ExecutorRef, cluster: &LocalCluster, inbox: &Sender<Message>) -> std::io::Result<()> {
    let back = inbox.clone();
    cluster.start(executor, move |from, message, blobs| {
        let _ = back.send(Message::Driver(Box::new(Input::Executor { from, message, blobs })));
    })
}

/// Carries out the driver's outputs. What only a page can do is answered as failed, or ignored.
fn carry_out(
    outputs: Vec<Output>,
    driver: &mut Driver,
    cluster: &LocalCluster,
    storage: &mut StdFs,
    calls: &mut HashMap<RequestId, UnboundedSender<Reply>>,
    inbox: &Sender<Message>,
) {
    for output in outputs {
        match output {
            Output::Respond { id, bytes } => {
                if let Some(call) = calls.get(&id) {
                    let _ = call.send(Ok(bytes));
                }
            }
            Output::End { id } => {
                calls.remove(&id);
            }
            Output::Fail { id, error } => {
                let error_id = driver.remember_error(&error);
                if let Some(call) = calls.remove(&id) {
                    let _ = call.send(Err((error, error_id)));
                }
            }
            Output::Send { to, message, blobs } => cluster.send(to, message, blobs),
            Output::ReplaceExecutor { executor } => replace(executor, cluster, inbox),
            Output::Storage { op, request } => {
                let answer = storage.perform(&request);
                let _ = inbox.send(Message::Driver(Box::new(Input::Storage { op, answer })));
            }
            Output::Console { text } => println!("{text}"),
            Output::Connection {
                connection,
                ask: Ask::WebSocket { .. } | Ask::Http { .. },
            } => {
                // The native server has no client of its own: the query waits as for a server that is down.
                let event = Event::Closed;
                let _ = inbox.send(Message::Driver(Box::new(Input::Connection { connection, event })));
            }
            Output::ForeachBatch { run, batch_id, .. } => {
                let error = Some("the native server has no page to call".to_owned());
                let _ = inbox.send(Message::Driver(Box::new(Input::ForeachBatchDone {
                    run,
                    batch_id,
                    error,
                })));
            }
            Output::Listener { .. } | Output::Credit { .. } | Output::Connection { .. } => {}
        }
    }
}

/// The machine's file system.
struct Disk;

impl Files for Disk {
    /// Lists the files of a path: a single file, or the visible files directly in a folder.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let path = Path::new(local(path));
        let entry = |path: &Path| -> Option<FileEntry> {
            let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
            let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_millis() as i64;
            Some(FileEntry {
                path: path.to_string_lossy().into_owned(),
                size: meta.len(),
                modified,
            })
        };
        if let Some(single) = entry(path) {
            return Ok(vec![single]);
        }
        let Ok(folder) = std::fs::read_dir(path) else {
            return Ok(vec![]);
        };
        let hidden = |p: &Path| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(['_', '.']))
        };
        Ok(folder
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| !hidden(p))
            .filter_map(|p| entry(&p))
            .collect())
    }

    /// Reads a file.
    fn read(&self, path: &str) -> Result<Buffer> {
        std::fs::read(local(path)).map(Buffer::from).map_err(|e| {
            SparkError::new(
                crate::error::Exception::Connect,
                "FAILED_READ_FILE.NO_HINT",
                "KD001",
                format!("Encountered error while reading file {path}: {e}."),
            )
            .with("path", path)
        })
    }
}
