//! The driver's thread: steps it, keeps its clock, carries out what it wants.
//!
//! ```text
//!  tonic's tasks ──Message::Call──▶ inbox ──▶ driver thread: Driver::handle ──▶ replies, executors, StdFs
//!  executors' threads ──Message::Driver──▲                     └── wakes at least every 500 ms
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::buffer::Buffer;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::local::LocalCluster;
use crate::connect::driver::Driver;
use crate::connect::protocol::{Input, Method, Output, RequestId};
use crate::connect::systems;
use crate::error::{Result, SparkError, guarded};
use crate::ids::ExecutorRef;
use crate::settings::{self, Conf};
use crate::sources::page::{PageAsk, PageEvent};
use crate::sources::{Ask, Event};
use crate::storage::Storage;
use crate::storage::files::{FileEntry, Files};
use crate::storage::std_fs::{StdFs, local, read_checked};

/// The stack of the driver's thread: planning recurs.
const DRIVER_STACK_BYTES: usize = 64 << 20;

/// How often the driver looks for what clients have left behind, ms.
const EXPIRY_INTERVAL_MS: i64 = 10_000;

/// What a caller receives, in order: responses, then `None` at the end, or an error with the id under which more is
/// known of it. A channel that closes before either has lost its driver.
pub type Reply = std::result::Result<Option<Vec<u8>>, (SparkError, String)>;

/// Makes the files of a driver, on the driver's thread.
type MakeFiles = Box<dyn Fn() -> Rc<dyn Files> + Send>;

/// What the driver's thread receives.
enum Message {
    /// A client's call.
    Call {
        /// Its number.
        id: RequestId,
        /// The method.
        method: Method,
        /// Its Protobuf message.
        bytes: Vec<u8>,
        /// Where replies go.
        replies: UnboundedSender<Reply>,
    },
    /// A client has read replies of a call.
    Taken {
        /// The call.
        id: RequestId,
        /// Their bytes.
        bytes: usize,
    },
    /// Anything else that happens to a driver.
    Driver {
        /// Which driver, of those that this process has had.
        life: u32,
        /// What.
        input: Box<Input>,
    },
    /// An executor of a driver has ended.
    Died {
        /// Which driver.
        life: u32,
        /// The executor.
        executor: ExecutorRef,
        /// What it died of.
        cause: SparkError,
    },
}

/// A handle to the driver's thread; clones share it.
#[derive(Clone)]
pub struct Host {
    /// The thread's inbox.
    inbox: Sender<Message>,
    /// How many calls there were.
    calls: Arc<AtomicU64>,
}

impl Host {
    /// Starts driver and executors.
    ///
    /// # Errors
    /// If the system cannot start threads.
    pub fn start(executors: u32) -> std::io::Result<Self> {
        Self::over(executors, Box::new(|| Rc::new(Disk)))
    }

    /// Starts driver and executors over some files.
    fn over(executors: u32, files: MakeFiles) -> std::io::Result<Self> {
        let (inbox, messages) = channel();
        let host = Self {
            inbox: inbox.clone(),
            calls: Arc::default(),
        };
        std::thread::Builder::new()
            .name("driver".into())
            .stack_size(DRIVER_STACK_BYTES)
            .spawn(move || serve(executors, &inbox, &messages, &files))?;
        Ok(host)
    }

    /// Makes a call and returns its number; replies come through the channel, no faster than [`Host::taken`] reports them as
    /// read.
    pub fn call(&self, method: Method, bytes: Vec<u8>, replies: UnboundedSender<Reply>) -> RequestId {
        let id = RequestId(self.calls.fetch_add(1, Ordering::Relaxed) + 1);
        // Without a driver's thread the channel closes before its end, which the caller takes as a lost driver.
        let _ = self.inbox.send(Message::Call {
            id,
            method,
            bytes,
            replies,
        });
        id
    }

    /// Says that the client has read replies of a call.
    pub fn taken(&self, id: RequestId, bytes: usize) {
        let _ = self.inbox.send(Message::Taken { id, bytes });
    }
}

/// Returns the time, ms since the epoch.
#[allow(clippy::disallowed_methods)] // The host is where time comes from.
fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64)
}

/// Calls that are not answered to the end.
#[derive(Default)]
struct Calls {
    /// Where replies go.
    open: HashMap<RequestId, UnboundedSender<Reply>>,
}

/// Runs drivers until every handle is gone.
///
/// A driver that panics may have left anything half done, so none of it is used again: its calls fail with the panic,
/// its executors end, and a new driver begins. Its sessions and queries are gone; what they have written, checkpoints
/// among it, is not.
fn serve(executors: u32, inbox: &Sender<Message>, messages: &Receiver<Message>, files: &MakeFiles) {
    let mut calls = Calls::default();
    let mut driver = Life::begin(0, executors, inbox, files());
    while let Err(panic) = guarded(|| {
        driver.run(messages, &mut calls);
        Ok(())
    }) {
        eprintln!("rivulet-connect: the driver has panicked. A new one begins; sessions and queries are gone. {panic}");
        driver.end();
        driver = Life::begin(driver.life + 1, executors, inbox, files());
        for (_, call) in calls.open.drain() {
            let error_id = driver.driver.remember_error(&panic);
            let _ = call.send(Err((panic.clone(), error_id)));
        }
    }
}

/// A driver, with all that it works with.
struct Life {
    /// Counts the drivers of this process.
    life: u32,
    /// The driver.
    driver: Driver,
    /// How many executors it has.
    executors: u32,
    /// Its executors.
    cluster: LocalCluster,
    /// Its files, and the locks that it holds.
    storage: StdFs,
    /// Where what happens to it goes.
    inbox: Sender<Message>,
}

impl Life {
    /// Begins a driver and its executors.
    fn begin(life: u32, executors: u32, inbox: &Sender<Message>, files: Rc<dyn Files>) -> Self {
        let mut conf = Conf::default();
        let parallelism = settings::PARALLELISM.key.into();
        conf.values.insert(parallelism, executors.to_string());
        let master = settings::MASTER.key.into();
        conf.values.insert(master, format!("local[{executors}]"));
        #[allow(clippy::disallowed_methods)]
        let seed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |d| d.as_nanos() as u64);
        let begun = Self {
            life,
            driver: Driver::new(conf, files, seed),
            executors,
            cluster: LocalCluster::new().supplied_by(systems::supply),
            storage: StdFs::default(),
            inbox: inbox.clone(),
        };
        for id in 0..executors {
            begun.start(ExecutorRef::new(id));
        }
        begun
    }

    /// Ends the executors.
    fn end(&self) {
        for id in 0..self.executors {
            self.cluster.kill(id);
        }
    }

    /// Says that something has happened to the driver.
    fn tell(&self, input: Input) {
        let (life, input) = (self.life, Box::new(input));
        let _ = self.inbox.send(Message::Driver { life, input });
    }

    /// Starts an executor.
    fn start(&self, executor: ExecutorRef) {
        let (life, back, last) = (self.life, self.inbox.clone(), self.inbox.clone());
        let started = self.cluster.start(
            executor,
            move |from, message, blobs| {
                let input = Box::new(Input::Executor { from, message, blobs });
                let _ = back.send(Message::Driver { life, input });
            },
            move |executor, cause| {
                let _ = last.send(Message::Died { life, executor, cause });
            },
        );
        if started.is_ok() {
            self.tell(Input::ExecutorAdded { executor });
        }
    }

    /// Says that an executor is gone, and starts its successor.
    fn succeed(&self, executor: ExecutorRef, cause: Option<SparkError>) {
        self.tell(Input::ExecutorLost { executor, cause });
        self.start(executor.next());
    }

    /// Steps the driver with what its inbox receives, until every handle is gone.
    ///
    /// Storage is synchronous here, but its answers go through the inbox like everything else, so that the order of
    /// events is that of a browser. A call whose client has gone is cancelled after the next step.
    fn run(&mut self, messages: &Receiver<Message>, calls: &mut Calls) {
        let mut expires_ms = now_ms();
        loop {
            let wait = self.driver.wake_at().map_or(Duration::from_millis(500), |at| {
                Duration::from_millis((at - now_ms()).clamp(0, 500) as u64)
            });
            let input = match messages.recv_timeout(wait) {
                Ok(Message::Taken { id, bytes }) => Input::Taken { id, bytes },
                Ok(Message::Call {
                    id,
                    method,
                    bytes,
                    replies,
                }) => {
                    calls.open.insert(id, replies);
                    Input::Request { id, method, bytes }
                }
                Ok(Message::Driver { life, input }) if life == self.life => *input,
                Ok(Message::Died { life, executor, cause }) if life == self.life => {
                    self.succeed(executor, Some(cause));
                    continue;
                }
                // What a driver before this one has asked for.
                Ok(Message::Driver { .. } | Message::Died { .. }) => continue,
                Err(RecvTimeoutError::Timeout) => Input::Wake,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if now_ms() >= expires_ms {
                self.driver.expire(now_ms());
                expires_ms = now_ms() + EXPIRY_INTERVAL_MS;
            }
            self.step(input, calls);
            let gone = calls.open.iter().filter(|(_, c)| c.is_closed()).map(|(id, _)| *id);
            for id in gone.collect::<Vec<_>>() {
                calls.open.remove(&id);
                self.step(Input::Cancel { id }, calls);
            }
        }
    }

    /// Takes one step of the driver, and carries out what it wants. What only a page can do is answered as failed, or
    /// ignored.
    fn step(&mut self, input: Input, calls: &mut Calls) {
        for output in self.driver.handle(now_ms(), input) {
            match output {
                Output::Respond { id, bytes } => {
                    if let Some(call) = calls.open.get(&id) {
                        let _ = call.send(Ok(Some(bytes)));
                    }
                }
                Output::End { id } => {
                    if let Some(call) = calls.open.remove(&id) {
                        let _ = call.send(Ok(None));
                    }
                }
                Output::Fail { id, error } => {
                    let error_id = self.driver.remember_error(&error);
                    if let Some(call) = calls.open.remove(&id) {
                        let _ = call.send(Err((error, error_id)));
                    }
                }
                Output::Send { to, message, blobs } => self.cluster.send(to, message, blobs),
                // Its thread ends when it is done with what it computes.
                Output::ReplaceExecutor { executor, .. } => {
                    if self.cluster.kill(executor.id.0) == Some(executor) {
                        self.succeed(executor, None);
                    }
                }
                Output::Storage { op, request } => {
                    let answer = self.storage.perform(&request);
                    self.tell(Input::Storage { op, answer });
                }
                Output::Console { text } => println!("{text}"),
                Output::Connection {
                    connection,
                    ask: Ask::System(question),
                } => {
                    let (life, inbox) = (self.life, self.inbox.clone());
                    systems::ask(*question, move |answer| {
                        let event = Event::Answered(Box::new(answer));
                        let input = Box::new(Input::Connection { connection, event });
                        let _ = inbox.send(Message::Driver { life, input });
                    });
                }
                // The native server has no client of its own: the query waits as for a server that is down.
                Output::Connection {
                    connection,
                    ask: Ask::WebSocket { .. } | Ask::Http { .. },
                } => self.tell(Input::Connection {
                    connection,
                    event: Event::Closed,
                }),
                Output::Connection {
                    connection,
                    ask: Ask::Page(PageAsk::Open { source, .. }),
                } => {
                    let error = SparkError::unsupported(format!(
                        "the source {source} of a page, which the native server lacks,"
                    ));
                    let event = Event::Page(PageEvent::Failed(Box::new(error)));
                    self.tell(Input::Connection { connection, event });
                }
                Output::Write { writer, writing } => {
                    let (life, inbox) = (self.life, self.inbox.clone());
                    systems::write(writing, move |answer| {
                        let input = Box::new(Input::Written { writer, answer });
                        let _ = inbox.send(Message::Driver { life, input });
                    });
                }
                Output::ForeachBatch { run, batch_id, .. } => {
                    let error = Some("the native server has no page to call".to_owned());
                    self.tell(Input::ForeachBatchDone {
                        run,
                        batch_id,
                        lots: 1,
                        job: None,
                        error,
                    });
                }
                Output::Listener { .. } | Output::Credit { .. } | Output::Connection { .. } => {}
            }
        }
    }
}

/// The machine's file system.
struct Disk;

impl Files for Disk {
    /// Lists the file at a path, or all files below a folder, 32 folders deep.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let mut found = vec![];
        let mut folders = vec![(PathBuf::from(local(path)), 0)];
        while let Some((path, depth)) = folders.pop() {
            let Ok(meta) = std::fs::metadata(&path) else { continue };
            if meta.is_dir() && depth <= 32 {
                let within = std::fs::read_dir(&path).into_iter().flatten();
                folders.extend(within.filter_map(|e| Some((e.ok()?.path(), depth + 1))));
            }
            let since = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            if let Some(since) = since.filter(|_| meta.is_file()) {
                found.push(FileEntry {
                    path: path.to_string_lossy().into_owned(),
                    size: meta.len(),
                    modified: since.as_millis() as i64,
                });
            }
        }
        Ok(found)
    }

    fn exists(&self, path: &str) -> Option<bool> {
        Some(Path::new(local(path)).exists())
    }

    /// Reads a file; if it has a checksum beside it, as Hadoop's local file system writes them, it is compared.
    fn read(&self, path: &str) -> Result<Buffer> {
        read_checked(Path::new(local(path))).map(Buffer::from).map_err(|e| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto as sc;
    use prost::Message as _;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    /// Files that panic when they are read.
    struct Broken;

    impl Files for Broken {
        fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
            let path = path.to_owned();
            Ok(vec![FileEntry {
                path,
                size: 1,
                modified: 0,
            }])
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            panic!("no reading of {path}")
        }
    }

    /// Returns a call of a relation, and its replies.
    fn execute(host: &Host, relation: sc::relation::RelType) -> UnboundedReceiver<Reply> {
        let relation = sc::Relation {
            common: None,
            rel_type: Some(relation),
        };
        let plan = sc::Plan {
            op_type: Some(sc::plan::OpType::Root(relation)),
        };
        let request = sc::ExecutePlanRequest {
            session_id: "s".into(),
            plan: Some(plan),
            ..Default::default()
        };
        let (replies, receiver) = unbounded_channel();
        host.call(Method::ExecutePlan, request.encode_to_vec(), replies);
        receiver
    }

    /// Reads replies up to the end, or the error and its id.
    fn end(mut replies: UnboundedReceiver<Reply>) -> Option<(SparkError, String)> {
        loop {
            match replies.blocking_recv() {
                Some(Ok(Some(_))) => {}
                Some(end) => return end.err(),
                None => panic!("an empty answer is not an end"),
            }
        }
    }

    #[test]
    fn a_driver_that_panics_fails_its_calls_and_a_new_one_answers_the_next() {
        let host = Host::over(1, Box::new(|| Rc::new(Broken))).unwrap();
        let read = sc::read::DataSource {
            format: Some("text".into()),
            paths: vec!["/some/where".into()],
            ..Default::default()
        };
        let read = sc::Read {
            read_type: Some(sc::read::ReadType::DataSource(read)),
            ..Default::default()
        };
        let range = || {
            sc::relation::RelType::Range(sc::Range {
                end: 3,
                step: 1,
                ..Default::default()
            })
        };
        for _ in 0..3 {
            let (error, id) = end(execute(&host, sc::relation::RelType::Read(read.clone()))).unwrap();
            assert_eq!(error.condition.as_deref(), Some("RIVULET_PANIC"));
            assert_eq!(error.parameters["panic"], "no reading of /some/where");
            assert!(!id.is_empty());
            assert_eq!(end(execute(&host, range())), None);
        }
    }
}
