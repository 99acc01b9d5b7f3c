//! Tasks that stay: rows of a continuous query go through them as they come, and barriers part them into epochs.
//!
//! ```text
//!  driver ──Feed, Barrier──▶ task of stage 0 ──Peer::Rows, Peer::Barrier──▶ task of stage 1 ──Flowed, Passed──▶ driver
//!                                  ◀──────────────Peer::Took────────────────
//! ```
//!
//! A task has one channel for each task that it reads, and one for the driver if it reads a stream. Each is first in, first
//! out. What a barrier has come before waits on its channel until the barrier is on all of them (aligned barriers); then
//! state closes what is due, and its change since the last barrier goes to the driver.
//!
//! Whoever sends rows is told when they are done with, by the task and all after it: so the driver knows how much is under
//! way, and holds back what is too much.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::buffer::Buffer;

use super::{BlockStore, Executor, Outgoing};
use crate::cluster::message::{Barrier, FromExecutor, Peer, Run, Stay};
use crate::error::{Result, SparkError, guarded};
use crate::exec::inputs::{BatchContext, TaskInputs, TaskReport};
use crate::exec::stage::{Output, Read, Stage, StageGraph};
use crate::exec::state::OperatorState;
use crate::exec::task::{self, TaskOutput};
use crate::ids::{BatchId, ExecutorRef, OperatorId, PartitionId, ScanId, StageId, StagePart, TaskId};
use crate::plan::functions::partition;
use crate::sources::systems::Order;

/// Bytes of rows that have come and are worked on together, about.
const TOGETHER_BYTES: usize = 1 << 20;

/// Where rows of a task that stays come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// The driver, with blocks of sources.
    Driver,
    /// A task of an earlier stage.
    Task(StagePart),
}

/// Who sent rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The driver.
    Driver,
    /// A task, on its executor, under its count.
    Task(TaskId, ExecutorRef, u64),
}

/// What comes on a channel.
#[derive(Debug)]
pub(super) enum Item {
    /// Rows, and who is told when they are done with.
    Rows(Origin, Blocks),
    /// All rows of a task that reads no stream.
    All(Vec<Buffer>),
    /// The end of an epoch.
    Barrier(Barrier),
}

/// The blocks of rows.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Of a feed: its scans, each place with the block that is there, or those that its order has brought.
    scans: Vec<(ScanId, Vec<Vec<Buffer>>)>,
    /// Of a task: what it has sent.
    shuffled: Vec<Buffer>,
    /// Orders that are still to be carried out: their numbers, with the scan and the place in it.
    ordered: BTreeMap<usize, (usize, usize)>,
}

impl Blocks {
    /// Returns how many bytes they take.
    fn bytes(&self) -> usize {
        let fed = self.scans.iter().flat_map(|(_, places)| places).flatten();
        fed.chain(&self.shuffled).map(Buffer::len).sum()
    }
}

/// Rows that have been handed on, and with which later tasks are not done.
#[derive(Debug)]
struct Pending {
    /// How many tasks work on them.
    left: usize,
    /// Who sent the rows that they were made of.
    from: Vec<Origin>,
}

/// What a task that stays does next.
enum Next {
    /// It works on rows that have come.
    Rows(Vec<Origin>, Vec<(Channel, Blocks)>),
    /// It ends an epoch.
    End(Barrier),
    /// It hands on all rows that there are, and is done.
    All,
}

/// A task that stays.
pub(super) struct Resident {
    /// What was asked for, with the epoch in progress.
    run: Run,
    /// Where its rows go.
    stay: Stay,
    /// The query's stages.
    graph: Arc<StageGraph>,
    /// What has come and is not worked on yet; none if the task reads no stream.
    channels: BTreeMap<Channel, VecDeque<Item>>,
    /// Tasks that read no stream, whose rows have not come yet.
    awaited: BTreeSet<StagePart>,
    /// The rows of such tasks.
    constants: BTreeMap<StagePart, Vec<Buffer>>,
    /// Blocks of scans that are not streams.
    statics: HashMap<ScanId, Vec<Buffer>>,
    /// Its state.
    states: BTreeMap<OperatorId, OperatorState>,
    /// What was counted since the epoch began.
    report: TaskReport,
    /// Rows with which later tasks are not done, by this task's count.
    pending: BTreeMap<u64, Pending>,
    /// The last count of rows that were sent.
    seq: u64,
    /// The last number of an order.
    orders: usize,
}

/// Returns whether neither a stage nor those before it read a stream: all its rows are there from the start.
pub fn is_constant(graph: &StageGraph, stage: &Stage) -> bool {
    let mut parents = stage.parents.iter().filter_map(|id| graph.stages.get(id.0));
    !is_fed(graph, stage) && parents.all(|parent| is_constant(graph, parent))
}

/// Returns whether a stage reads a stream: the driver feeds its tasks.
pub fn is_fed(graph: &StageGraph, stage: &Stage) -> bool {
    let mut scans = stage.reads.iter().flatten().filter_map(Read::scan);
    scans.any(|part| graph.scans.get(part.scan.0).is_some_and(|scan| scan.stream.is_some()))
}

/// Returns the partitions of a stage's output that a task of a later stage reads, in order.
fn read_of(reader: &Stage, task: PartitionId, of: StageId) -> BTreeSet<PartitionId> {
    let reads = reader.reads.get(task.0).into_iter().flatten();
    let parts = reads.filter_map(Read::shuffle).filter(|part| part.stage == of);
    parts.map(|part| part.partition).collect()
}

impl Resident {
    /// Makes the task that a message asks for.
    pub(super) fn new(
        run: Run,
        stay: Stay,
        graph: Arc<StageGraph>,
        statics: HashMap<ScanId, Vec<Buffer>>,
        states: BTreeMap<OperatorId, OperatorState>,
    ) -> Self {
        let mut channels = BTreeMap::new();
        let mut awaited = BTreeSet::new();
        if let Some(stage) = graph.stages.get(run.task.stage.0) {
            for parent in stage.parents.iter().filter_map(|id| graph.stages.get(id.0)) {
                if read_of(stage, run.task.partition, parent.id).is_empty() {
                    continue;
                }
                let parts = PartitionId::first(parent.tasks()).map(|partition| StagePart {
                    stage: parent.id,
                    partition,
                });
                if is_constant(&graph, parent) {
                    awaited.extend(parts);
                } else {
                    channels.extend(parts.map(|part| (Channel::Task(part), VecDeque::new())));
                }
            }
            if is_fed(&graph, stage) {
                channels.insert(Channel::Driver, VecDeque::new());
            }
        }
        Self {
            run,
            stay,
            graph,
            channels,
            awaited,
            constants: BTreeMap::new(),
            statics,
            states,
            report: TaskReport::default(),
            pending: BTreeMap::new(),
            seq: 0,
            orders: 0,
        }
    }

    /// Returns whether the task reads no stream.
    pub(super) fn is_constant(&self) -> bool {
        self.channels.is_empty()
    }

    /// Takes what comes on a channel; what comes on one that it does not have is dropped.
    fn put(&mut self, channel: Channel, item: Item) {
        match (channel, item) {
            (Channel::Task(part), Item::All(blocks)) => {
                if self.awaited.remove(&part) {
                    self.constants.insert(part, blocks);
                }
            }
            (channel, item) => {
                if let Some(items) = self.channels.get_mut(&channel) {
                    items.push_back(item);
                }
            }
        }
    }

    /// Takes what the driver feeds it with; returns the orders that its host is to carry out.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if an order cannot be read.
    fn feed(&mut self, scans: Vec<(ScanId, usize)>, orders: &[usize], blobs: Vec<Buffer>) -> Result<Vec<Outgoing>> {
        let mut blocks = Blocks::default();
        let mut asked = vec![];
        let mut blobs = blobs.into_iter().enumerate();
        for (at, (scan, count)) in scans.into_iter().enumerate() {
            let mut places = vec![];
            for (number, blob) in blobs.by_ref().take(count) {
                if !orders.contains(&number) {
                    places.push(vec![blob]);
                    continue;
                }
                let order = Order::of_block(&blob).ok_or_else(|| SparkError::internal("an order cannot be read"))?;
                self.orders += 1;
                blocks.ordered.insert(self.orders, (at, places.len()));
                asked.push(Outgoing::Order(self.run.task, self.orders, Box::new(order)));
                places.push(vec![]);
            }
            blocks.scans.push((scan, places));
        }
        self.put(Channel::Driver, Item::Rows(Origin::Driver, blocks));
        Ok(asked)
    }

    /// Takes what an order has brought.
    fn supply(&mut self, number: usize, brought: Vec<Buffer>) {
        let items = self.channels.get_mut(&Channel::Driver).into_iter().flatten();
        let mut fed = items.filter_map(|item| match item {
            Item::Rows(_, blocks) => Some(blocks),
            _ => None,
        });
        let Some(blocks) = fed.find(|blocks| blocks.ordered.contains_key(&number)) else {
            return;
        };
        if let Some((scan, place)) = blocks.ordered.remove(&number)
            && let Some(place) = blocks.scans.get_mut(scan).and_then(|(_, places)| places.get_mut(place))
        {
            *place = brought;
        }
    }

    /// Returns whether it could do something.
    fn is_ready(&self) -> bool {
        if !self.awaited.is_empty() {
            return false;
        }
        let mut fronts = self.channels.values().map(VecDeque::front);
        let rows = |item: Option<&Item>| matches!(item, Some(Item::Rows(_, blocks)) if blocks.ordered.is_empty());
        fronts.clone().any(rows) || fronts.all(|item| matches!(item, Some(Item::Barrier(_))))
    }

    /// Takes what it does next: rows of all channels that have some, up to a barrier; or the barrier, if all have it.
    fn next(&mut self) -> Next {
        let (mut from, mut taken, mut bytes) = (vec![], vec![], 0);
        for (channel, items) in &mut self.channels {
            while bytes < TOGETHER_BYTES
                && let Some(Item::Rows(origin, blocks)) =
                    items.pop_front_if(|item| matches!(item, Item::Rows(_, blocks) if blocks.ordered.is_empty()))
            {
                bytes += blocks.bytes();
                from.push(origin);
                taken.push((*channel, blocks));
            }
        }
        if !taken.is_empty() {
            return Next::Rows(from, taken);
        }
        let barriers = self.channels.values_mut().filter_map(VecDeque::pop_front);
        let barriers = barriers.filter_map(|item| match item {
            Item::Barrier(barrier) => Some(barrier),
            _ => None,
        });
        barriers.last().map_or(Next::All, Next::End)
    }

    /// Returns what its operators are given, beside the rows that have come.
    fn inputs(&mut self, rows: Vec<(Channel, Blocks)>, batch: BatchContext) -> TaskInputs {
        let mut scans = self.statics.clone();
        let mut shuffle: HashMap<StageId, Vec<Buffer>> = HashMap::new();
        for (part, blocks) in &self.constants {
            shuffle.entry(part.stage).or_default().extend(blocks.iter().cloned());
        }
        for (channel, blocks) in rows {
            for (scan, places) in blocks.scans {
                scans.entry(scan).or_default().extend(places.into_iter().flatten());
            }
            if let Channel::Task(part) = channel {
                shuffle.entry(part.stage).or_default().extend(blocks.shuffled);
            }
        }
        TaskInputs::new(shuffle, scans, Some(batch), std::mem::take(&mut self.states))
    }

    /// Returns the tasks that read rows of this one: where they are, and the partitions of its output that they read.
    fn readers(&self) -> Vec<(TaskId, ExecutorRef, BTreeSet<PartitionId>)> {
        let mut readers = vec![];
        for (stage, places) in &self.stay.readers {
            let Some(reader) = self.graph.stages.get(stage.0) else {
                continue;
            };
            for (partition, place) in PartitionId::first(places.len()).zip(places) {
                let parts = read_of(reader, partition, self.run.task.stage);
                let task = TaskId {
                    stage: *stage,
                    partition,
                    ..self.run.task
                };
                readers.extend((!parts.is_empty()).then_some((task, *place, parts)));
            }
        }
        readers
    }

    /// Returns the messages that hand on rows; `all` says that the task will never send others.
    fn rows_on(&mut self, output: TaskOutput, all: bool) -> Vec<Sent> {
        let blocks: Vec<Option<Buffer>> = output.blocks.into_iter().map(|b| b.map(Buffer::from)).collect();
        self.seq += 1;
        let (seq, from) = (self.seq, self.run.task);
        let mut sent = vec![];
        for (to, place, parts) in self.readers() {
            let own = parts.iter().filter_map(|part| blocks.get(part.0).cloned().flatten());
            let blobs: Vec<Buffer> = own.collect();
            if all || !blobs.is_empty() {
                sent.push(Sent::Task(place, Peer::Rows { to, from, seq, all }, blobs));
            }
        }
        sent
    }

    /// Returns what is said to those whose rows are done with.
    fn done_with(&self, from: &[Origin]) -> Vec<Sent> {
        let fed = from.iter().filter(|origin| **origin == Origin::Driver).count();
        let tasks = from.iter().filter_map(|origin| match origin {
            Origin::Task(to, place, seq) => Some(Sent::Task(*place, Peer::Took { to: *to, seq: *seq }, vec![])),
            Origin::Driver => None,
        });
        let driver = (fed > 0).then(|| self.flowed(fed, vec![]));
        tasks.chain(driver).collect()
    }

    /// Returns what the driver hears of rows that have gone through.
    fn flowed(&self, fed: usize, blobs: Vec<Buffer>) -> Sent {
        let epoch = self.run.batch.as_ref().map_or(BatchId::NONE, |batch| batch.batch_id);
        let task = self.run.task;
        Sent::Driver(FromExecutor::Flowed { task, epoch, fed }, blobs)
    }

    /// Notes that a task is done with rows of this one.
    fn took(&mut self, seq: u64) -> Vec<Sent> {
        let Some(pending) = self.pending.get_mut(&seq) else {
            return vec![];
        };
        pending.left -= 1;
        if pending.left > 0 {
            return vec![];
        }
        let from = self.pending.remove(&seq).map(|pending| pending.from);
        self.done_with(&from.unwrap_or_default())
    }
}

/// What a task that stays wants sent.
enum Sent {
    /// To another one.
    Task(ExecutorRef, Peer, Vec<Buffer>),
    /// To the driver.
    Driver(FromExecutor, Vec<Buffer>),
}

impl<B: BlockStore> Executor<B> {
    /// Takes in a task that stays, and says that it is here.
    pub(super) fn take_in(&mut self, resident: Resident) -> Option<Outgoing> {
        let task = resident.run.task;
        let said = !resident.is_constant();
        self.residents.insert(task, resident);
        said.then(|| Outgoing::Driver(FromExecutor::Stays { task }, vec![]))
    }

    /// Drops the tasks that stay of jobs that are over.
    pub(super) fn drop_residents(&mut self, gone: impl Fn(TaskId) -> bool) {
        self.residents.retain(|task, _| !gone(*task));
    }

    /// Takes rows of sources for a task that stays; a task that is not here any more needs none.
    pub(super) fn feed(
        &mut self,
        task: TaskId,
        scans: Vec<(ScanId, usize)>,
        orders: &[usize],
        blobs: Vec<Buffer>,
    ) -> Vec<Outgoing> {
        let fed = self.residents.get_mut(&task).map(|r| r.feed(scans, orders, blobs));
        match fed.unwrap_or(Ok(vec![])) {
            Ok(asked) => asked,
            Err(error) => self.refuse(task, error),
        }
    }

    /// Takes a barrier of the driver's.
    pub(super) fn barrier(&mut self, task: TaskId, barrier: Barrier) {
        if let Some(resident) = self.residents.get_mut(&task) {
            resident.put(Channel::Driver, Item::Barrier(barrier));
        }
    }

    /// Takes what an order of a task that stays has brought, or why it failed: the task does then.
    pub(super) fn supply_resident(
        &mut self,
        task: TaskId,
        number: usize,
        brought: Result<Vec<Buffer>>,
    ) -> Vec<Outgoing> {
        match brought {
            Ok(blocks) => {
                if let Some(resident) = self.residents.get_mut(&task) {
                    resident.supply(number, blocks);
                }
                vec![]
            }
            Err(error) => {
                self.residents.remove(&task);
                self.refuse(task, error)
            }
        }
    }

    /// Takes what another task that stays sends to one that is here.
    pub(super) fn resident_hears(&mut self, from: ExecutorRef, message: Peer, blobs: Vec<Buffer>) -> Vec<Outgoing> {
        match message {
            Peer::Rows {
                to,
                from: task,
                seq,
                all,
            } => {
                if let Some(resident) = self.residents.get_mut(&to) {
                    let item = if all {
                        Item::All(blobs)
                    } else {
                        let shuffled = blobs;
                        let blocks = Blocks {
                            shuffled,
                            ..Blocks::default()
                        };
                        Item::Rows(Origin::Task(task, from, seq), blocks)
                    };
                    resident.put(Channel::Task(task.part()), item);
                }
                vec![]
            }
            Peer::Took { to, seq } => {
                let sent = self.residents.get_mut(&to).map(|resident| resident.took(seq));
                self.send_on(sent.unwrap_or_default())
            }
            Peer::Barrier { to, from, barrier } => {
                if let Some(resident) = self.residents.get_mut(&to) {
                    resident.put(Channel::Task(from), Item::Barrier(barrier));
                }
                vec![]
            }
            Peer::Fetch { .. } | Peer::Blocks { .. } => vec![],
        }
    }

    /// Returns what is to be sent; what is for a task that is here, it takes at once.
    fn send_on(&mut self, sent: Vec<Sent>) -> Vec<Outgoing> {
        let mut out = vec![];
        for sent in sent {
            match sent {
                Sent::Driver(message, blobs) => out.push(Outgoing::Driver(message, blobs)),
                Sent::Task(place, message, blobs) if place == self.me => {
                    out.extend(self.resident_hears(place, message, blobs));
                }
                Sent::Task(place, message, blobs) => out.push(Outgoing::Peer(place, message, blobs)),
            }
        }
        out
    }

    /// Lets tasks that stay work on what has come, until there is nothing left: later stages first, so that rows that are
    /// under way come out before others come in.
    pub(super) fn flow(&mut self) -> Vec<Outgoing> {
        let mut out = vec![];
        while let Some(task) = self
            .residents
            .iter()
            .rev()
            .find(|(_, r)| r.is_ready())
            .map(|(task, _)| *task)
            && let Some(mut resident) = self.residents.remove(&task)
        {
            match guarded(|| partition::aside(|| self.work(&mut resident))) {
                Ok(sent) => {
                    if !resident.is_constant() {
                        self.residents.insert(task, resident);
                    }
                    out.extend(self.send_on(sent));
                }
                Err(error) => out.extend(self.refuse(task, error)),
            }
        }
        out
    }

    /// Lets a task that stays do what it does next.
    fn work(&mut self, resident: &mut Resident) -> Result<Vec<Sent>> {
        let epoch = resident.run.batch.clone();
        let epoch = epoch.ok_or_else(|| SparkError::internal("a task stays without an epoch"))?;
        match resident.next() {
            Next::Rows(from, rows) => {
                let (output, _) = self.run_rows(resident, rows, epoch.of_rows())?;
                let mut sent = vec![];
                if self.is_result(resident) {
                    let blobs: Vec<Buffer> = output.blocks.into_iter().flatten().map(Buffer::from).collect();
                    let fed = from.iter().filter(|origin| **origin == Origin::Driver).count();
                    if fed > 0 || !blobs.is_empty() {
                        sent.push(resident.flowed(fed, blobs));
                    }
                    let tasks: Vec<Origin> = from.into_iter().filter(|o| *o != Origin::Driver).collect();
                    sent.extend(resident.done_with(&tasks));
                    return Ok(sent);
                }
                let rows = resident.rows_on(output, false);
                if rows.is_empty() {
                    return Ok(resident.done_with(&from));
                }
                let left = rows.len();
                resident.pending.insert(resident.seq, Pending { left, from });
                sent.extend(rows);
                Ok(sent)
            }
            Next::End(barrier) => {
                let (output, mut deltas) = self.run_rows(resident, vec![], barrier.ends.clone())?;
                let task = resident.run.task;
                let mut sent = vec![];
                if self.is_result(resident) {
                    let blobs: Vec<Buffer> = output.blocks.into_iter().flatten().map(Buffer::from).collect();
                    if !blobs.is_empty() {
                        sent.push(resident.flowed(0, blobs));
                    }
                } else {
                    let rows = resident.rows_on(output, false);
                    if !rows.is_empty() {
                        let (left, from) = (rows.len(), vec![]);
                        resident.pending.insert(resident.seq, Pending { left, from });
                    }
                    sent.extend(rows);
                    sent.extend(resident.readers().into_iter().map(|(to, place, _)| {
                        let (from, barrier) = (task.part(), barrier.clone());
                        Sent::Task(place, Peer::Barrier { to, from, barrier }, vec![])
                    }));
                }
                for part in barrier.snapshots.iter().filter(|part| part.partition == task.partition) {
                    if let Some(state) = resident.states.get(&part.operator) {
                        deltas.insert(part.operator, state.snapshot()?);
                    }
                }
                let mut report = std::mem::take(&mut resident.report);
                report.heap_bytes = (self.heap)();
                let passed = FromExecutor::Passed {
                    task,
                    epoch: barrier.ends.batch_id,
                    report: Box::new(report),
                    deltas: deltas.keys().copied().collect(),
                };
                sent.push(Sent::Driver(passed, deltas.into_values().map(Buffer::from).collect()));
                resident.run.batch = Some(barrier.next);
                Ok(sent)
            }
            Next::All => {
                let (output, _) = self.run_rows(resident, vec![], epoch.of_rows())?;
                let mut sent = resident.rows_on(output, true);
                let task = resident.run.task;
                sent.push(Sent::Driver(FromExecutor::Stays { task }, vec![]));
                Ok(sent)
            }
        }
    }

    /// Returns whether a task's rows are the query's result.
    fn is_result(&self, resident: &Resident) -> bool {
        let stage = resident.graph.stages.get(resident.run.task.stage.0);
        stage.is_some_and(|stage| matches!(stage.output, Output::Result))
    }

    /// Runs a task's operators over rows that have come; returns what they make of them, and the changes of state if these are
    /// wanted. It has the thread until it is done: what comes at once is little.
    ///
    /// # Errors
    /// The operators'; `RIVULET_STATE_TOO_LARGE`.
    fn run_rows(
        &mut self,
        resident: &mut Resident,
        rows: Vec<(Channel, Blocks)>,
        batch: BatchContext,
    ) -> Result<(TaskOutput, BTreeMap<OperatorId, Vec<u8>>)> {
        let mut inputs = resident.inputs(rows, batch);
        let (plan, task) = (resident.run.plan, resident.run.task);
        if !resident.graph.functions.is_empty() {
            inputs.functions = Some((plan, self.programs.clone()));
        }
        let limit = self.limits.get(&plan).copied().unwrap_or_default();
        inputs.runtime = Some(self.memory.as_ref().map_err(SparkError::clone)?.within(limit)?);
        let inputs = Arc::new(inputs);
        let graph = resident.graph.clone();
        let stage = graph.stages.get(task.stage.0);
        let stage = stage.ok_or_else(|| SparkError::internal("driver and executor disagree on the stages"))?;
        let mut work = Box::pin(task::run(stage, task.partition, inputs.clone(), &graph.schema));
        let mut context = Context::from_waker(futures::task::noop_waker_ref());
        let output = loop {
            if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
                break output?;
            }
        };
        let report = std::mem::take(&mut *inputs.report());
        for (operator, stats) in &report.state {
            if let Some(known) = graph.operators.get(operator.0) {
                self.states.check(known.name, task.partition, stats)?;
            }
        }
        resident.report.add(report);
        resident.states = std::mem::take(&mut *inputs.states());
        let deltas = std::mem::take(&mut *inputs.state_deltas());
        Ok((output, deltas))
    }
}
