//! A driver and its executors in one thread: messages take time, executors die between any two of them and come back.

mod blocks;
mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use arrow::buffer::Buffer;
use blocks::LossyBlocks;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivulet::cluster::executor::{Executor, MemoryBlocks, Outgoing};
use rivulet::cluster::message::{FromExecutor, Peer, ToExecutor};
use rivulet::connect::driver::{Driver, Input, Method, Output, RequestId};
use rivulet::error::{Result, SparkError};
use rivulet::plan::conf::Conf;
use rivulet::scheduler::ExecutorRef;
use rivulet::streaming::source::{FileEntry, Files};

use crate::network::Network;
use crate::seeds::Log;

const DRIVER: u64 = 0;
/// 2024-03-01T12:00:00Z: when every simulation begins.
const BEGIN_MS: i64 = 1_709_294_400_000;

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
        peer: u32,
    },
    Start(ExecutorRef),
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
}

/// A call's answer.
#[derive(Default)]
pub struct Call {
    pub responses: Vec<Vec<u8>>,
    pub ended: Option<Result<()>>,
}

struct NoFiles;

impl Files for NoFiles {
    fn list(&self, _: &str) -> Result<Vec<FileEntry>> {
        Ok(vec![])
    }

    fn read(&self, path: &str) -> Result<Buffer> {
        Err(SparkError::internal(format!("{path} is not there")))
    }
}

pub struct Cluster {
    pub driver: Driver,
    pub network: Network<Happening>,
    live: BTreeMap<u32, (u32, Executor<LossyBlocks>)>,
    /// Dead ones whose last messages are lost.
    silenced: BTreeSet<ExecutorRef>,
    faults: Faults,
    pub calls: BTreeMap<RequestId, Call>,
    /// (sink, batch id, blocks) of foreachBatch.
    pub batches: Vec<(String, i64, Vec<Buffer>)>,
    /// Listener events: kind and JSON.
    pub events: Vec<(&'static str, serde_json::Value)>,
    /// Log entries: path and text.
    pub stored: Vec<(String, String)>,
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
        let mut cluster = Self {
            driver: Driver::new(defaults, Rc::new(NoFiles), seed),
            network: Network::new(seed),
            live: BTreeMap::new(),
            silenced: BTreeSet::new(),
            faults,
            calls: BTreeMap::new(),
            batches: vec![],
            events: vec![],
            stored: vec![],
            requests: 0,
        };
        for id in 0..executors {
            cluster.start(ExecutorRef { id, incarnation: 0 }, log);
        }
        cluster
    }

    pub fn now_ms(&self) -> i64 {
        BEGIN_MS + self.network.now_ms as i64
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
                Output::Respond { id, bytes } => self.calls.entry(id).or_default().responses.push(bytes),
                Output::End { id } => self.calls.entry(id).or_default().ended = Some(Ok(())),
                Output::Fail { id, error } => self.calls.entry(id).or_default().ended = Some(Err(error)),
                Output::Send { to, message, blobs } => {
                    self.network
                        .send((DRIVER, address(to)), Happening::ToExecutor(to, message, blobs));
                }
                Output::Store { op, path, text } => {
                    self.stored.push((path, text));
                    let delay = self.network.rng.random_range(0..20);
                    self.network
                        .after(delay, Happening::Driver(Input::Stored { op, error: None }));
                }
                Output::ForeachBatch { sink, batch_id, blocks } => {
                    self.batches.push((sink.clone(), batch_id, blocks));
                    let delay = self.network.rng.random_range(0..20);
                    self.network
                        .after(delay, Happening::Driver(Input::ForeachBatchDone { sink, error: None }));
                }
                Output::Listener { kind, json } => {
                    let json = serde_json::from_str(&json).expect("a listener event is JSON");
                    self.events.push((kind, json));
                }
                Output::Console { .. }
                | Output::Credit { .. }
                | Output::OpenSocket { .. }
                | Output::CloseSocket { .. } => {}
            }
        }
    }

    /// Lets things happen until `done`.
    pub fn run_until(&mut self, log: &mut Log, done: impl Fn(&Self) -> bool) {
        for _ in 0..50_000 {
            if done(self) {
                return;
            }
            self.happen(log);
        }
        panic!("50000 events and no end");
    }

    fn happen(&mut self, log: &mut Log) {
        let wake = self.driver.wake_at().map(|at| (at - BEGIN_MS).max(0) as u64);
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
            Happening::FromExecutor(from, message, blobs) => {
                if !self.silenced.contains(&from) {
                    self.drive(Input::Executor { from, message, blobs }, log);
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
        }
    }

    fn start(&mut self, executor: ExecutorRef, log: &mut Log) {
        log.note(|| format!("{:>6} {executor:?} starts", self.network.now_ms));
        let core = Executor::new(
            executor,
            LossyBlocks {
                blocks: MemoryBlocks::default(),
                rng: SmallRng::seed_from_u64(self.network.rng.random()),
                losing: self.faults.losing,
            },
        );
        self.live.insert(executor.id, (executor.incarnation, core));
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
        let outgoing = self.live.get_mut(&executor.id).map(|(_, core)| step(core));
        for out in outgoing.into_iter().flatten() {
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

fn address(executor: ExecutorRef) -> u64 {
    1 + u64::from(executor.id) + 1000 * u64::from(executor.incarnation)
}

fn brief(text: &str) -> String {
    text.chars().take(240).collect()
}
