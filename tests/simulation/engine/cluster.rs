//! A driver and its executors in one thread: messages take time, executors die between any two of them and come back.

mod blocks;
pub mod brokers;
mod crash;
mod faults;
pub mod gateway;
mod page;
mod restless;
mod server;
pub mod service;
mod systems;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use arrow::buffer::Buffer;
use blocks::{LossyBlocks, Names};
pub use crash::Injected;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use self::brokers::Brokers;
use self::gateway::Gateway;
use self::page::Lots;
use self::restless::Restless;
use self::server::Server;
use self::service::Service;
use super::functions::Functions;
use crate::network::Network;
use crate::seeds::Log;
use rivulet::cluster::executor::{Executor, MemoryBlocks, Outgoing, Shown};
use rivulet::cluster::message::{FromExecutor, Peer, ToExecutor};
use rivulet::connect::driver::Driver;
use rivulet::connect::protocol::{Input, Method, Output, RequestId};
use rivulet::error::{Result, SparkError};
use rivulet::ids::{BatchId, ExecutorId, ExecutorRef, Incarnation, JobId, TaskId};
use rivulet::settings::Conf;
use rivulet::sources::Ask;
use rivulet::storage::faulty::Faulty;
use rivulet::storage::files::NoFiles;
use rivulet::storage::{Reply, StorageError};
use rivulet::streaming::query::EventKind;

const DRIVER: u64 = 0;
const DISK: u64 = u64::MAX;
const SERVER: u64 = u64::MAX - 1;
const PAGE: u64 = u64::MAX - 2;
/// 2024-03-01T12:00:00Z: when every simulation begins.
const BEGIN_MS: i64 = 1_709_294_400_000;

type Answer = std::result::Result<Reply, StorageError>;

pub enum Happening {
    Driver(Input),
    ToExecutor(ExecutorRef, ToExecutor, Vec<Buffer>),
    FromExecutor(ExecutorRef, FromExecutor, Vec<Buffer>),
    Peer {
        from: ExecutorRef,
        to: ExecutorRef,
        message: Peer,
        blobs: Vec<Buffer>,
    },
    PeerLost {
        at: ExecutorRef,
        peer: ExecutorRef,
    },
    Start(ExecutorRef),
    /// The task of an executor has the thread again.
    Turn(ExecutorRef),
    /// The disk carries out an operation.
    Disk(u64),
    /// What was read reaches the driver.
    Answer(u64, Answer),
    /// The server has another record.
    Record,
    /// A record is written to Kafka, something happens to a stream of Kinesis, or an agent of Flume sends events.
    Written,
    /// Rows of an executor's reach the page; it is done with a lot of them; it says so of all that are done with.
    Shown(Box<Shown>),
    Taken(Lots),
    Acknowledge(Lots),
    /// What an order has brought reaches the executor.
    Supplied(ExecutorRef, TaskId, usize, Result<Vec<Buffer>>),
}

/// What may go wrong.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// Executors that die, at most.
    pub deaths: u32,
    /// Probability that one dies at a message.
    pub dying: f64,
    /// Probability that a status message comes twice.
    pub doubling: f64,
    /// Probability that a shuffle block is lost while its executor lives on.
    pub losing: f64,
    /// Ends of the driver, at most, and their probability at an event.
    pub crashes: u32,
    pub crashing: f64,
    /// Writes that find no room, and their probability.
    pub refusals: u32,
    pub refusing: f64,
    /// Batches that a page's function throws at, and their probability.
    pub sink_failures: u32,
    pub failing: f64,
    /// Probability that what was read is long on its way.
    pub slow_reads: f64,
    /// Jumps of the clock, and their probability at an event.
    pub jumps: u32,
    pub jumping: f64,
}

/// A call's answer.
#[derive(Default)]
pub struct Call {
    pub responses: Vec<Vec<u8>>,
    /// Bytes of them that the driver does not know to be read.
    pub unsaid: usize,
    pub ended: Option<Result<()>>,
}

pub struct Cluster {
    pub driver: Driver,
    pub network: Network<Happening>,
    live: BTreeMap<ExecutorId, (Incarnation, Executor<LossyBlocks>)>,
    /// What the executors hold, by their numbers.
    blocks: BTreeMap<ExecutorId, Names>,
    /// Dead ones whose last messages are lost.
    /// Executors whose task has let go of the thread.
    turning: BTreeSet<ExecutorRef>,
    silenced: BTreeSet<ExecutorRef>,
    faults: Faults,
    /// Bytes that end every executor whose task reads them, and what of; empty bytes end all.
    pub poison: Option<(Vec<u8>, Option<SparkError>)>,
    /// Events until the driver ends, once.
    pub crash_in: Option<usize>,
    /// Events so far.
    pub happened: usize,
    pub calls: BTreeMap<RequestId, Call>,
    /// (sink, batch id, blocks) of foreachBatch.
    pub batches: Vec<(String, BatchId, Vec<Buffer>)>,
    /// Tasks that were sent to executors.
    pub tasks: usize,
    /// Until when the page's function of each run is busy, ms; `None` once it has thrown.
    functions: BTreeMap<String, Option<u64>>,
    /// The last job per run that has handed rows to the page, and lots that the page has taken and not acknowledged.
    jobs: BTreeMap<String, JobId>,
    taken: BTreeMap<Lots, u32>,
    /// Whether executors hand rows to the page themselves.
    reaches_page: bool,
    /// Listener events: kind and JSON.
    pub events: Vec<(EventKind, serde_json::Value)>,
    pub disk: Faulty,
    pub server: Server,
    pub brokers: Brokers,
    pub service: Service,
    pub gateway: Gateway,
    pub injected: Injected,
    /// Entries of offset logs that were durable, by path.
    pub offsets: BTreeMap<String, Buffer>,
    /// The driver has died since this was looked at last.
    pub crashed: bool,
    /// The sink's batches can be seen: those of a memory sink cannot.
    pub watches_sink: bool,
    defaults: Conf,
    /// Drivers so far, and the last incarnation of each executor.
    lives: u64,
    incarnations: BTreeMap<ExecutorId, Incarnation>,
    skew_ms: i64,
    requests: u64,
}

impl Cluster {
    pub fn new(seed: u64, executors: u32, conf: &[(&str, &str)], faults: Faults, log: &mut Log) -> Self {
        let mut defaults = Conf::default();
        defaults
            .values
            .insert("spark.default.parallelism".into(), executors.to_string());
        for (key, value) in conf {
            defaults.values.insert((*key).into(), (*value).into());
        }
        // Both ways, beside whatever else a seed decides by its low bits.
        let reaches_page = (seed / 8).is_multiple_of(2);
        let mut cluster = Self {
            driver: driver(&defaults, seed, reaches_page),
            network: Network::new(seed),
            live: BTreeMap::new(),
            blocks: BTreeMap::new(),
            silenced: BTreeSet::new(),
            turning: BTreeSet::new(),
            faults,
            poison: None,
            crash_in: None,
            happened: 0,
            calls: BTreeMap::new(),
            batches: vec![],
            tasks: 0,
            functions: BTreeMap::new(),
            jobs: BTreeMap::new(),
            taken: BTreeMap::new(),
            reaches_page,
            events: vec![],
            disk: Faulty::default(),
            server: Server::default(),
            brokers: Brokers::default(),
            service: Service::default(),
            gateway: Gateway::default(),
            injected: Injected::default(),
            offsets: BTreeMap::new(),
            crashed: false,
            watches_sink: false,
            defaults,
            lives: seed,
            incarnations: BTreeMap::new(),
            skew_ms: 0,
            requests: 0,
        };
        for id in 0..executors {
            cluster.start(ExecutorRef::new(id), log);
        }
        cluster
    }

    /// Returns whether a task has let go of its thread and goes on later.
    pub fn is_running(&self) -> bool {
        self.live.values().any(|(_, executor)| executor.is_running())
    }

    pub fn now_ms(&self) -> i64 {
        BEGIN_MS + self.network.now_ms as i64 + self.skew_ms
    }

    /// Makes a call; its answer gathers in `calls`.
    pub fn request(&mut self, method: Method, bytes: Vec<u8>, log: &mut Log) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.calls.insert(id, Call::default());
        self.drive(Input::Request { id, method, bytes }, log);
        id
    }

    /// Gives the driver an input now.
    pub fn drive(&mut self, input: Input, log: &mut Log) {
        log.note(|| format!("{:>6} → driver: {}", self.network.now_ms, brief(&format!("{input:?}"))));
        let outputs = self.driver.handle(self.now_ms(), input);
        for output in outputs {
            match output {
                Output::Respond { id, bytes } => {
                    let call = self.calls.entry(id).or_default();
                    call.unsaid += bytes.len();
                    call.responses.push(bytes);
                    // As a page says it.
                    if call.unsaid >= 4 << 20 {
                        let bytes = std::mem::take(&mut call.unsaid);
                        self.network.after(1, Happening::Driver(Input::Taken { id, bytes }));
                    }
                }
                Output::End { id } => self.calls.entry(id).or_default().ended = Some(Ok(())),
                Output::Fail { id, error } => self.calls.entry(id).or_default().ended = Some(Err(error)),
                Output::Send { to, message, blobs } => {
                    self.tasks += usize::from(matches!(message, ToExecutor::Run(_)));
                    self.network
                        .send((DRIVER, address(to)), Happening::ToExecutor(to, message, blobs));
                }
                Output::ReplaceExecutor { executor, .. } => {
                    if self.lives(executor) {
                        self.end(executor, log);
                    }
                }
                Output::Storage { op, request } => self.ask_disk(op, request),
                output @ Output::ForeachBatch { .. } => self.take_batch(output),
                Output::Listener { kind, event } => self.events.push((kind, event.json())),
                Output::Write { writer, writing } => self.records_written(&writer, &writing),
                Output::Console { .. } | Output::Credit { .. } => {}
                Output::Connection { connection, ask } => match ask {
                    Ask::WebSocket { .. } => self.socket_opened(connection),
                    Ask::Send { text } => self.acknowledged(connection, &text),
                    Ask::More => {}
                    Ask::Close => self.socket_closed(connection),
                    Ask::System(question) => self.asked(connection, &question),
                    Ask::Page(ask) => self.page_asked(connection, &ask),
                    Ask::Http { url, .. } => panic!("no query reads {url}"),
                },
            }
        }
    }

    /// Returns whether no executor holds a block.
    pub fn holds_nothing(&self) -> bool {
        self.blocks.values().all(|names| names.borrow().is_empty())
    }

    /// Lets things happen until `done`.
    pub fn run_until(&mut self, log: &mut Log, done: impl Fn(&Self) -> bool) {
        for _ in 0..50_000 {
            if self.crashed || done(self) {
                return;
            }
            self.happen(log);
        }
        panic!("50000 events and no end");
    }

    /// Lets one thing happen.
    pub fn happens(&mut self, log: &mut Log) {
        self.happen(log);
    }

    fn happen(&mut self, log: &mut Log) {
        self.happened += 1;
        if let Some(left) = self.crash_in.as_mut() {
            *left = left.wrapping_sub(1);
            if *left == usize::MAX {
                self.crash_in = None;
                return self.crash(log);
            }
        }
        if self.befalls(self.faults.crashes, self.faults.crashing) {
            return self.crash(log);
        }
        if self.befalls(self.faults.jumps, self.faults.jumping) {
            self.jump(log);
        }
        let begin_ms = BEGIN_MS + self.skew_ms;
        let wake = self.driver.wake_at().map(|at| (at - begin_ms).max(0) as u64);
        let first = self.network.next_at();
        match (wake, first) {
            (Some(wake), first) if first.is_none_or(|f| wake < f) => {
                self.network.now_ms = wake.max(self.network.now_ms);
                return self.drive(Input::Wake, log);
            }
            (_, None) => panic!("all is quiet and the awaited has not happened"),
            _ => {}
        }
        match self.network.next().expect("looked at above") {
            Happening::Driver(input) => self.drive(input, log),
            Happening::Disk(op) => self.disk_acts(op, log),
            Happening::Answer(op, answer) => self.drive(Input::Storage { op, answer }, log),
            Happening::Record => self.record_happens(),
            Happening::Written => self.system_changes(),
            Happening::Supplied(executor, task, at, brought) => self.at(executor, log, |e| e.supply(task, at, brought)),
            Happening::Shown(shown) => self.take_shown(*shown),
            Happening::Taken(lots) => self.taken(lots),
            Happening::Acknowledge(lots) => {
                let said = self.acknowledgement(lots);
                self.drive(said, log);
            }
            Happening::FromExecutor(from, message, blobs) => {
                if !self.silenced.contains(&from) {
                    self.drive(Input::Executor { from, message, blobs }, log);
                }
            }
            Happening::ToExecutor(to, message, blobs) if self.is_poisoned(&message, &blobs) => {
                if self.lives(to) {
                    self.end(to, log);
                }
            }
            Happening::ToExecutor(to, message, blobs) => self.at(to, log, |e| e.driver_message(message, blobs)),
            Happening::PeerLost { at, peer } => self.at(at, log, |e| e.peer_lost(peer)),
            Happening::Peer {
                from,
                to,
                message,
                blobs,
            } => self.peer(from, to, message, blobs, log),
            Happening::Start(executor) => self.start(executor, log),
            Happening::Turn(executor) => {
                self.turning.remove(&executor);
                // Executors die at messages.
                let dying = std::mem::replace(&mut self.faults.dying, 0.0);
                self.at(executor, log, Executor::go_on);
                self.faults.dying = dying;
            }
        }
    }

    fn start(&mut self, executor: ExecutorRef, log: &mut Log) {
        log.note(|| format!("{:>6} {executor:?} starts", self.network.now_ms));
        let core = Executor::with_programs(
            executor,
            LossyBlocks {
                blocks: MemoryBlocks::default(),
                rng: SmallRng::seed_from_u64(self.network.rng.random()),
                losing: self.faults.losing,
                names: self
                    .blocks
                    .entry(executor.id)
                    .insert_entry(Names::default())
                    .get()
                    .clone(),
            },
            Functions::new(executor),
        )
        .paced(Arc::new(Restless::new(self.network.rng.random())));
        self.live.insert(executor.id, (executor.incarnation, core));
        self.incarnations.insert(executor.id, executor.incarnation);
        if self.network.now_ms == 0 {
            return self.drive(Input::ExecutorAdded { executor }, log);
        }
        self.network.send(
            (address(executor), DRIVER),
            Happening::Driver(Input::ExecutorAdded { executor }),
        );
    }

    fn lives(&self, executor: ExecutorRef) -> bool {
        self.live
            .get(&executor.id)
            .is_some_and(|(incarnation, _)| *incarnation == executor.incarnation)
    }

    /// Something reaches an executor, which may be its end.
    fn at(
        &mut self,
        executor: ExecutorRef,
        log: &mut Log,
        step: impl FnOnce(&mut Executor<LossyBlocks>) -> Vec<Outgoing>,
    ) {
        if !self.lives(executor) {
            return;
        }
        let dies = self.faults.deaths > 0 && self.network.chance(self.faults.dying);
        let Some((_, core)) = self.live.get_mut(&executor.id) else {
            return;
        };
        let outgoing = step(core);
        if core.is_running() && self.turning.insert(executor) {
            let delay = self.network.rng.random_range(0..20);
            self.network.after(delay, Happening::Turn(executor));
        }
        for out in outgoing {
            log.note(|| {
                format!(
                    "{:>6} {}.{} says {}",
                    self.network.now_ms,
                    executor.id,
                    executor.incarnation,
                    brief(&format!("{out:?}"))
                )
            });
            match out {
                Outgoing::Driver(message, blobs) => {
                    if self.network.chance(self.faults.doubling) {
                        let delay = self.network.rng.random_range(0..300);
                        self.network
                            .after(delay, Happening::FromExecutor(executor, message.clone(), blobs.clone()));
                    }
                    self.network.send(
                        (address(executor), DRIVER),
                        Happening::FromExecutor(executor, message, blobs),
                    );
                }
                Outgoing::Page(shown) => self.show(executor, shown),
                Outgoing::Order(task, at, order) => self.ordered(executor, task, at, &order),
                Outgoing::Peer(to, message, blobs) => {
                    let port = (address(executor), address(to));
                    self.network.send(
                        port,
                        Happening::Peer {
                            from: executor,
                            to,
                            message,
                            blobs,
                        },
                    );
                }
            }
        }
        if dies {
            self.die(executor, log);
        }
    }
}

/// A driver, whose executors reach the page or do not.
fn driver(defaults: &Conf, seed: u64, reaches_page: bool) -> Driver {
    let driver = Driver::new(defaults.clone(), Rc::new(NoFiles), seed);
    if reaches_page {
        driver.with_executors_that_reach_page()
    } else {
        driver
    }
}

fn address(executor: ExecutorRef) -> u64 {
    1 + u64::from(executor.id.0) + 1000 * u64::from(executor.incarnation.0)
}

fn brief(text: &str) -> String {
    text.chars().take(240).collect()
}
