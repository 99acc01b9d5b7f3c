//! One seed's world: a server with records, a disk, a sink, and a query that lives several times.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::state::{part, taken, text_of};
use super::{Plan, Plans};
use crate::engine::cluster::Injected;
use crate::engine::stream::random_block;
use crate::network::Network;
use crate::seeds::Log;
use crate::window_model::{Model, Row};
use rivulet::cluster::runner::{JobRequest, Outcome, StateChange};
use rivulet::error::SparkError;
use rivulet::exec::inputs::{EventTimeStats, TaskReport};
use rivulet::ids::{BatchId, JobId, PartitionId, PlanId, RunId, StageId, StagePart};
use rivulet::storage::facts::{Facts, Pause};
use rivulet::storage::faulty::{Fate, Faulty};
use rivulet::storage::files::NoFiles;
use rivulet::storage::{Reply, Request, Storage, StorageError};
use rivulet::streaming::checkpoint::logs::Offsets;
use rivulet::streaming::checkpoint::resume::{self, Resume};
use rivulet::streaming::checkpoint::{Location, state};
use rivulet::streaming::query::{Action, Definition, Query, Ticket, operator_records};
use rivulet::streaming::source::Source;
use rivulet::streaming::trigger::Trigger;

const LENGTH_S: i64 = 10;
const DELAY_S: i64 = 10;

pub(super) enum Happening {
    /// The disk carries out an operation.
    Disk(u64),
    /// The job of the batch in progress is done.
    Job(JobId, JobRequest),
    Delivered(BatchId, std::result::Result<(), SparkError>),
    /// A record arrives.
    Record(usize),
    Wake,
}

/// Who waits for the disk.
enum Waiter {
    Start(Request),
    Query(Ticket),
}

pub struct World<'a> {
    plans: &'a Plans,
    mode: &'static str,
    pub(super) partitions: usize,
    conf: BTreeMap<String, String>,
    pub(super) records: Vec<Vec<Row>>,
    /// Records that end every job that has them.
    pub(super) poison: BTreeSet<usize>,
    /// Jobs that ended by accident.
    pub accidents: u64,
    /// Jobs that ended so.
    pub deaths: u64,
    pub(super) network: Network<Happening>,
    pub(super) disk: Faulty,
    waiters: BTreeMap<u64, Waiter>,
    next_op: u64,
    pub(super) next_job: u64,
    /// Jobs that began while the batch before was with the sink.
    pub jobs_ahead: u64,
    skew_ms: i64,
    injected: Injected,
    /// Faults that may still happen.
    left: u32,
    pub(super) query: Option<Query>,
    facts: Facts,
    acknowledged: usize,
    /// Rows by batch as the sink has them.
    pub(super) sink: BTreeMap<BatchId, Vec<String>>,
    /// Offsets by batch as they were durable first.
    pub(super) offsets: BTreeMap<BatchId, Offsets>,
    /// Inputs of all batches whose state the executor has in memory.
    pub(super) inputs: Option<Vec<Vec<Row>>>,
    /// The same, by record and row.
    pub(super) logged: Vec<Vec<(usize, usize)>>,
    quiet: bool,
}

impl<'a> World<'a> {
    pub fn new(seed: u64, plans: &'a Plans) -> Self {
        let mut network = Network::new(seed);
        let rng = &mut network.rng;
        let mut now_s = rng.random_range(0..500);
        let count = rng.random_range(1..12);
        let mut records = Vec::new();
        while records.len() < count {
            let block = random_block(rng, &mut now_s);
            if !block.is_empty() {
                records.push(block);
            }
        }
        let mut poison = BTreeSet::new();
        let mut dice = SmallRng::seed_from_u64(seed ^ 0xdead);
        if dice.random_bool(0.3) {
            poison.extend((0..dice.random_range(1..3)).map(|_| dice.random_range(0..records.len())));
        }
        let pick = |rng: &mut SmallRng, from: &[&str]| from[rng.random_range(0..from.len())].to_owned();
        let conf = [
            ("spark.sql.streaming.minBatchesToRetain", pick(rng, &["1", "2", "100"])),
            (
                "spark.sql.streaming.stateStore.minDeltasForSnapshot",
                pick(rng, &["1", "2", "3", "10"]),
            ),
        ];
        Self {
            plans,
            mode: ["append", "update", "complete"][seed as usize % 3],
            partitions: rng.random_range(1..=3),
            conf: conf.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            records,
            poison,
            deaths: 0,
            accidents: 0,
            left: network.rng.random_range(0..12),
            network,
            disk: Faulty::default(),
            waiters: BTreeMap::new(),
            next_op: 0,
            next_job: 0,
            jobs_ahead: 0,
            skew_ms: 0,
            injected: Injected::default(),
            query: None,
            facts: Facts::default(),
            acknowledged: 0,
            sink: BTreeMap::new(),
            offsets: BTreeMap::new(),
            inputs: None,
            logged: vec![],
            quiet: false,
        }
    }

    pub fn batches(&self) -> u64 {
        self.offsets.len() as u64
    }

    pub fn injected(&self) -> Injected {
        Injected {
            torn_writes: self.disk.injected.torn,
            lost_writes: self.disk.injected.lost,
            ..self.injected
        }
    }

    pub(super) fn at() -> Location {
        Location::new("/check")
    }

    fn now_ms(&self) -> i64 {
        1_000_000 + self.network.now_ms as i64 + self.skew_ms
    }

    fn befalls(&mut self, probability: f64) -> bool {
        let happens = self.left > 0 && self.network.chance(probability);
        self.left -= u32::from(happens);
        happens
    }

    /// Lives until every record is processed and nothing is left to do.
    pub fn live(&mut self, log: &mut Log) {
        self.begin();
        for _ in 0..20_000 {
            if self.is_done() {
                return;
            }
            if self.befalls(0.02) {
                self.crash(log);
                continue;
            }
            if self.befalls(0.005) {
                self.injected.clock_jumps += 1;
                self.skew_ms += self.network.rng.random_range(-5_000..3_600_000);
            }
            let Some(event) = self.network.next() else {
                panic!("all is quiet and not all is done");
            };
            self.happen(event, log);
        }
        panic!("20000 events and no end");
    }

    fn is_done(&self) -> bool {
        self.quiet && self.acknowledged == self.records.len()
    }

    /// A driver begins: it looks at the checkpoint.
    fn begin(&mut self) {
        self.query = None;
        self.inputs = None;
        self.quiet = false;
        self.facts = Facts::default();
        let path = Self::at().path().to_owned();
        let lock = Request::Lock { path };
        self.ask(lock.clone(), Waiter::Start(lock));
    }

    fn crash(&mut self, log: &mut Log) {
        log.note(|| format!("{:>6} the driver dies", self.network.now_ms));
        self.injected.driver_deaths += 1;
        let rng = &mut self.network.rng;
        self.disk.crash(|length| match rng.random_range(0..3) {
            0 => Fate::Lost,
            1 => Fate::Done,
            _ => Fate::Torn {
                bytes: rng.random_range(0..length),
            },
        });
        self.network.clear();
        self.waiters.clear();
        self.note_all_offsets();
        self.begin();
    }

    fn ask(&mut self, request: Request, waiter: Waiter) {
        self.next_op += 1;
        self.waiters.insert(self.next_op, waiter);
        self.disk.begin(self.next_op, request);
        self.network.send((0, 1), Happening::Disk(self.next_op));
    }

    fn happen(&mut self, event: Happening, log: &mut Log) {
        let now_ms = self.now_ms();
        self.quiet = false;
        match event {
            Happening::Disk(op) => self.disk_acts(op, log),
            Happening::Job(job, request) => {
                let kills = taken(&request).iter().any(|record| self.poison.contains(record));
                // What the sink has of a batch stays right only if its records do not begin to kill afterwards.
                let known = request
                    .batch
                    .as_ref()
                    .is_some_and(|b| self.sink.contains_key(&b.batch_id));
                let accident = !kills && !known && self.befalls(0.05);
                self.deaths += u64::from(kills);
                self.accidents += u64::from(accident);
                let ended = if kills || accident {
                    if self.network.chance(0.5) {
                        // Tasks that were done have changed the state.
                        self.compute(&request);
                    }
                    Err(SparkError::panic("executors died"))
                } else {
                    Ok(self.compute(&request))
                };
                let query = self.query.as_mut();
                let actions = query.map(|q| q.job_ended(now_ms, job, ended, &NoFiles));
                self.act(actions, log);
            }
            Happening::Delivered(batch, result) => {
                let query = self.query.as_mut().filter(|q| q.settling() == Some(batch));
                let actions = query.map(|q| q.delivered(now_ms, result, &NoFiles));
                self.act(actions, log);
            }
            Happening::Record(at) => {
                let block = Buffer::from(at.to_string().into_bytes());
                let actions = self.query.as_mut().map(|q| q.push(0, block, now_ms));
                self.act(actions, log);
            }
            Happening::Wake => {
                let Some(query) = &mut self.query else { return };
                let before = query.idle_triggers;
                let due = query.wake_at().is_some_and(|at| at <= now_ms);
                let actions = query.poll(now_ms, &NoFiles);
                self.quiet = due && actions.is_empty() && query.idle_triggers > before;
                self.act(Some(actions), log);
                self.network.after(10, Happening::Wake);
            }
        }
    }

    fn disk_acts(&mut self, op: u64, log: &mut Log) {
        let (Some(waiter), Some(request)) = (self.waiters.remove(&op), self.disk.peek(op).cloned()) else {
            return;
        };
        let write = matches!(request, Request::Write { .. });
        let answer = if write && self.befalls(0.01) {
            self.injected.refused_writes += 1;
            self.disk.abandon(op);
            Err(StorageError::of_text(request.path(), "QuotaExceededError"))
        } else {
            self.check(&request);
            self.disk.complete(op).expect("it has begun")
        };
        log.note(|| format!("{:>6} {request:?}", self.network.now_ms));
        match waiter {
            Waiter::Start(asked) => self.look(&asked, answer, log),
            Waiter::Query(ticket) => {
                let now_ms = self.now_ms();
                let actions = self
                    .query
                    .as_mut()
                    .map(|q| q.answered(now_ms, ticket, answer, &NoFiles));
                self.act(actions, log);
            }
        }
    }

    /// What must hold whenever something becomes durable.
    fn check(&mut self, request: &Request) {
        let Request::Write { path, bytes } = request else {
            return;
        };
        let number = |name: &str| BatchId(name.parse().expect("a batch has a number"));
        if let Some(batch) = path.strip_prefix("/check/offsets/") {
            self.note_offsets(number(batch), path, bytes);
        }
        if let Some(batch) = path.strip_prefix("/check/commits/") {
            let offsets = Request::Read {
                path: format!("/check/offsets/{batch}"),
            };
            let logged = matches!(self.disk.perform(&offsets), Ok(Reply::Bytes(Some(_))));
            assert!(logged, "{path} is written before its offsets");
            let taken = self.sink.contains_key(&number(batch));
            assert!(taken, "{path} is written before the sink has the batch");
        }
    }

    fn note_offsets(&mut self, batch: BatchId, path: &str, bytes: &[u8]) {
        let entry = Offsets::parse(path, bytes).expect("a whole entry can be read");
        if let Some(before) = self.offsets.insert(batch, entry.clone()) {
            assert_eq!(before, entry, "{path} is written again, and otherwise");
        }
    }

    fn note_all_offsets(&mut self) {
        let path = Self::at().offsets();
        let Ok(Reply::Names(names)) = self.disk.perform(&Request::List { path }) else {
            panic!("the log can be listed")
        };
        for name in names {
            let path = format!("/check/offsets/{name}");
            if let Ok(Reply::Bytes(Some(bytes))) = self.disk.perform(&Request::Read { path: path.clone() }) {
                self.note_offsets(BatchId(name.parse().expect("a batch has a number")), &path, &bytes);
            }
        }
    }

    /// The start has an answer: it asks on, or the query begins.
    fn look(&mut self, asked: &Request, answer: rivulet::storage::Answer, log: &mut Log) {
        if matches!(asked, Request::Lock { .. }) {
            assert_eq!(answer, Ok(Reply::Done), "nobody else is there");
        } else {
            self.facts.learn(asked, answer);
        }
        if self.waiters.values().any(|w| matches!(w, Waiter::Start(_))) {
            return;
        }
        let source = self.source();
        match resume::resume(&self.facts, &Self::at(), &[source.definition()]) {
            Err(Pause::Wanting) => {
                for request in self.facts.wanted() {
                    self.ask(request.clone(), Waiter::Start(request));
                }
            }
            Err(Pause::Failed(error)) => panic!("the checkpoint cannot be used: {error}"),
            Ok(resume) => self.start(source, resume, log),
        }
    }

    fn plan(&self) -> &'a Plan {
        &self.plans.0[&(self.mode, self.partitions)]
    }

    fn source(&self) -> Source {
        let graph = &self.plan().2;
        let scan = &graph.scans[0];
        Source::open(scan.id, scan.stream.as_ref().expect("a stream is read"), 0).expect("the source opens")
    }

    fn start(&mut self, source: Source, resume: Resume, log: &mut Log) {
        let (mode, mut conf, graph) = self.plan().clone();
        conf.values.extend(self.conf.clone());
        if !resume.offset_ids.is_empty() {
            state::compare(&resume.operators, &operator_records(&graph)).expect("the query has not changed");
        }
        self.restore(resume.next_batch, |part| {
            let chain = resume.state.chain(&Self::at(), part, resume.next_batch.0);
            chain.expect("state that was committed is there")
        });
        let definition = Definition {
            id: "the-query".into(),
            run_id: format!("run-{}", self.next_op),
            name: None,
            mode,
            trigger: Trigger::ProcessingTime { interval_ms: 0 },
            sink: "TheSink".into(),
            checkpoint: Some(Self::at()),
            plan: PlanId(1),
            graph,
            run: RunId(1),
            statics: Default::default(),
            conf,
        };
        let now_ms = self.now_ms();
        let mut query = Query::new(definition, vec![source], Some(resume), now_ms);
        let received = query.sources_mut()[0]
            .queue()
            .and_then(|q| q.durable())
            .expect("it has a log") as usize;
        assert!(received >= self.acknowledged, "acknowledged records are gone");
        self.acknowledged = received;
        let actions = query.open(now_ms);
        self.query = Some(query);
        self.act(Some(actions), log);
        // The server goes on where it is told.
        let mut at_ms = 0;
        for at in received..self.records.len() {
            at_ms += self.network.rng.random_range(0..60);
            self.network.after(at_ms, Happening::Record(at));
        }
        self.network.after(0, Happening::Wake);
    }

    fn act(&mut self, actions: Option<Vec<Action>>, log: &mut Log) {
        for action in actions.into_iter().flatten() {
            match action {
                Action::Storage { ticket, request } => self.ask(request, Waiter::Query(ticket)),
                Action::Ask { .. } => panic!("a source of pushes asks nothing"),
                Action::Run(request) => self.run(request),
                Action::RunAnew(request) => {
                    self.restore_committed();
                    self.run(request);
                }
                Action::Deliver { batch_id, blocks } => self.deliver(batch_id, &blocks),
                // This sink takes rows in their turn only.
                Action::Start(_) | Action::Feed(_) | Action::EndEpoch { .. } => panic!("its batches are small ones"),
                Action::Offer { .. } => {}
                Action::Received { count, .. } => {
                    assert!(count as usize >= self.acknowledged);
                    self.acknowledged = count as usize;
                }
                Action::Event { .. } => {}
                Action::Terminated { error } => {
                    log.note(|| format!("{:>6} the query ends: {error:?}", self.network.now_ms));
                    let path = Self::at().path().to_owned();
                    self.network.clear();
                    self.waiters.clear();
                    // What was asked before is carried out before the lock is free.
                    self.disk.drain();
                    let _ = self.disk.perform(&Request::Unlock { path });
                    self.note_all_offsets();
                    return self.begin();
                }
            }
        }
    }

    pub(super) fn model(&self) -> Model {
        Model::new(self.mode, LENGTH_S, LENGTH_S, DELAY_S)
    }

    /// What executors do: the batch over the state before it.
    fn compute(&mut self, request: &JobRequest) -> Outcome {
        let context = request.batch.as_ref().expect("a micro-batch");
        let rows: Vec<(usize, usize)> = taken(request)
            .iter()
            .flat_map(|record| (0..self.records[*record].len()).map(|row| (*record, row)))
            .collect();
        let input: Vec<Row> = rows.iter().map(|(record, row)| self.records[*record][*row]).collect();
        let mut inputs = self.inputs.take().expect("the state is there");
        assert_eq!(inputs.len() as i64, context.batch_id.0, "the state's version");
        let mut model = self.model();
        inputs.iter().for_each(|batch| drop(model.batch(batch)));
        let expected = model.batch(&input);
        assert_eq!(context.evict_us, Some(expected.watermark * 1_000_000));
        let mut report = TaskReport::default();
        let times = input.iter().map(|(time, ..)| time.map(|s| s * 1_000_000));
        report.event_times.insert(0, EventTimeStats::of(&times.collect()));
        inputs.push(input);
        let every: i64 = self.conf["spark.sql.streaming.stateStore.minDeltasForSnapshot"]
            .parse()
            .expect("a number");
        let snapshot = (context.batch_id.0 + 1) % every == 0;
        self.logged.truncate(context.batch_id.0 as usize);
        self.logged.push(rows);
        let changes = (0..self.partitions).map(|partition| {
            let from = if snapshot { 0 } else { self.logged.len() - 1 };
            StateChange {
                part: part(partition),
                snapshot,
                bytes: Buffer::from(text_of(&self.logged[from..], partition, self.partitions).into_bytes()),
            }
        });
        let outcome = Outcome {
            changes: changes.collect(),
            results: vec![Buffer::from(expected.rows.join("\n").into_bytes())],
            reports: vec![(
                StagePart {
                    stage: StageId(0),
                    partition: PartitionId(0),
                },
                report,
            )],
            updates: vec![],
        };
        self.inputs = Some(inputs);
        outcome
    }

    fn deliver(&mut self, batch: BatchId, blocks: &[Buffer]) {
        let fails = self.befalls(0.05);
        self.injected.sink_failures += u64::from(fails);
        if !fails || self.network.chance(0.5) {
            let text = String::from_utf8(blocks[0].to_vec()).expect("rows are text");
            let rows: Vec<String> = text.lines().map(str::to_owned).collect();
            if let Some(before) = self.sink.insert(batch, rows.clone()) {
                assert_eq!(before, rows, "batch {batch} came again with other rows");
            }
        }
        let delay = self.network.rng.random_range(0..20);
        let result = if fails {
            Err(SparkError::internal("the sink does not want it"))
        } else {
            Ok(())
        };
        self.network.after(delay, Happening::Delivered(batch, result));
    }
}
