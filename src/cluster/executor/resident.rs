//! A task that stays: what comes to it, what it holds, and what it does next.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use arrow::buffer::Buffer;

use super::{Outgoing, Shown};
use crate::cluster::message::{Barrier, FromExecutor, PageSink, Peer, Run, Stay};
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, TaskInputs, TaskReport};
use crate::exec::stage::{Read, Stage, StageGraph};
use crate::exec::state::OperatorState;
use crate::exec::task::TaskOutput;
use crate::ids::{BatchId, ExecutorRef, OperatorId, PartitionId, ScanId, StageId, StagePart, TaskId};
use crate::sources::systems::Order;
use crate::values::raw;

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
    /// Rows, and who hears when they are finished with.
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
    pub(super) scans: Vec<(ScanId, Vec<Vec<Buffer>>)>,
    /// Of a task: what it has sent.
    pub(super) shuffled: Vec<Buffer>,
    /// Orders that are still to be carried out: their numbers, with the scan and the place in it.
    pub(super) ordered: BTreeMap<usize, (usize, usize)>,
}

impl Blocks {
    /// Returns how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        let fed = self.scans.iter().flat_map(|(_, places)| places).flatten();
        fed.chain(&self.shuffled).map(Buffer::len).sum()
    }
}

/// Rows that have been handed on, and with which later tasks are not done.
#[derive(Debug)]
pub(super) struct Pending {
    /// How many tasks work on them.
    pub(super) left: usize,
    /// Who sent the rows that they were made of.
    pub(super) from: Vec<Origin>,
}

/// What a task that stays does next.
pub(super) enum Next {
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
    pub(super) run: Run,
    /// The tasks that read its rows: where they are, and the partitions of its output that they read.
    pub(super) readers: Vec<(TaskId, ExecutorRef, BTreeSet<PartitionId>)>,
    /// The query's stages.
    pub(super) graph: Arc<StageGraph>,
    /// What has come and is not worked on yet; none if the task reads no stream.
    pub(super) channels: BTreeMap<Channel, VecDeque<Item>>,
    /// Tasks that read no stream, whose rows have not come yet.
    pub(super) awaited: BTreeSet<StagePart>,
    /// The rows of such tasks.
    pub(super) constants: BTreeMap<StagePart, Vec<Buffer>>,
    /// Blocks of scans that are not streams.
    pub(super) statics: HashMap<ScanId, Vec<Buffer>>,
    /// Its state.
    pub(super) states: BTreeMap<OperatorId, OperatorState>,
    /// What was counted since the epoch began.
    pub(super) report: TaskReport,
    /// Rows with which later tasks are not done, by this task's count.
    pub(super) pending: BTreeMap<u64, Pending>,
    /// The last count of rows that were sent.
    pub(super) seq: u64,
    /// The last number of an order.
    pub(super) orders: usize,
    /// How many lots of rows it has handed to the page.
    pub(super) lots: u64,
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

/// Returns the tasks that read rows of a task: where they are, and the partitions of its output that they read.
fn readers_of(graph: &StageGraph, task: TaskId, stay: &Stay) -> Vec<(TaskId, ExecutorRef, BTreeSet<PartitionId>)> {
    let mut readers = vec![];
    for (stage, places) in &stay.readers {
        let Some(reader) = graph.stages.get(stage.0) else {
            continue;
        };
        for (partition, place) in PartitionId::first(places.len()).zip(places) {
            let parts = read_of(reader, partition, task.stage);
            let to = TaskId {
                stage: *stage,
                partition,
                ..task
            };
            readers.extend((!parts.is_empty()).then_some((to, *place, parts)));
        }
    }
    readers
}

impl Resident {
    /// Makes the task that a message asks for.
    pub(super) fn new(
        run: Run,
        stay: &Stay,
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
            readers: readers_of(&graph, run.task, stay),
            run,
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
            lots: 0,
        }
    }

    /// Returns whether the task reads no stream.
    pub(super) fn is_constant(&self) -> bool {
        self.channels.is_empty()
    }

    /// Takes what comes on a channel; what comes on one that it does not have is dropped.
    pub(super) fn put(&mut self, channel: Channel, item: Item) {
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
    pub(super) fn feed(
        &mut self,
        scans: Vec<(ScanId, usize)>,
        orders: &[usize],
        blobs: Vec<Buffer>,
    ) -> Result<Vec<Outgoing>> {
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
    pub(super) fn supply(&mut self, number: usize, brought: Vec<Buffer>) {
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
    pub(super) fn is_ready(&self) -> bool {
        if !self.awaited.is_empty() {
            return false;
        }
        let mut fronts = self.channels.values().map(VecDeque::front);
        let rows = |item: Option<&Item>| matches!(item, Some(Item::Rows(_, blocks)) if blocks.ordered.is_empty());
        fronts.clone().any(rows) || fronts.all(|item| matches!(item, Some(Item::Barrier(_))))
    }

    /// Takes what it does next: rows of all channels that have some, up to a barrier; or the barrier, if all have it.
    pub(super) fn next(&mut self) -> Next {
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
    pub(super) fn inputs(&mut self, rows: Vec<(Channel, Blocks)>, batch: BatchContext) -> TaskInputs {
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

    /// Returns the messages that hand on rows; `all` says that the task will never send others.
    pub(super) fn rows_on(&mut self, output: TaskOutput, all: bool) -> Vec<Sent> {
        let blocks: Vec<Option<Buffer>> = output.blocks.into_iter().map(|b| b.map(Buffer::from)).collect();
        self.seq += 1;
        let (seq, from) = (self.seq, self.run.task);
        let mut sent = vec![];
        for (to, place, parts) in &self.readers {
            let own = parts.iter().filter_map(|part| blocks.get(part.0).cloned().flatten());
            let blobs: Vec<Buffer> = own.collect();
            if all || !blobs.is_empty() {
                let to = *to;
                sent.push(Sent::Task(*place, Peer::Rows { to, from, seq, all }, blobs));
            }
        }
        sent
    }

    /// Returns what is said to those whose rows are done with.
    pub(super) fn done_with(&self, from: &[Origin]) -> Vec<Sent> {
        let fed = from.iter().filter(|origin| **origin == Origin::Driver).count();
        let tasks = from.iter().filter_map(|origin| match origin {
            Origin::Task(to, place, seq) => Some(Sent::Task(*place, Peer::Took { to: *to, seq: *seq }, vec![])),
            Origin::Driver => None,
        });
        let driver = (fed > 0).then(|| Sent::Driver(self.done_with_feeds(fed), vec![]));
        tasks.chain(driver).collect()
    }

    /// Returns what the driver hears of rows that have gone through, and what the page is shown of them if it takes them.
    ///
    /// # Errors
    /// If they are not blocks of rows.
    pub(super) fn flowed(&mut self, fed: usize, mut blobs: Vec<Buffer>) -> Result<Vec<Sent>> {
        let epoch = self.run.batch.as_ref().map_or(BatchId::NONE, |batch| batch.batch_id);
        let task = self.run.task;
        let mut sent = vec![];
        let shows = self.run.stay.as_ref().and_then(|stay| stay.shows.as_ref());
        if let Some(sink) = shows.filter(|_| !blobs.is_empty()) {
            self.lots += 1;
            sent.push(Sent::Page(Box::new(Shown {
                sink: PageSink::clone(sink),
                job: task.job,
                epoch,
                blocks: raw::shown_blocks(std::mem::take(&mut blobs))?,
            })));
        }
        sent.push(Sent::Driver(self.done_with_feeds(fed), blobs));
        Ok(sent)
    }

    /// Returns what is said to those whose rows a task of the result is done with.
    ///
    /// # Errors
    /// As [`flowed`](Self::flowed).
    pub(super) fn done_with_rows(&mut self, from: Vec<Origin>, blobs: Vec<Buffer>) -> Result<Vec<Sent>> {
        let fed = from.iter().filter(|origin| **origin == Origin::Driver).count();
        let mut sent = if fed > 0 || !blobs.is_empty() {
            self.flowed(fed, blobs)?
        } else {
            vec![]
        };
        let tasks: Vec<Origin> = from.into_iter().filter(|o| *o != Origin::Driver).collect();
        sent.extend(self.done_with(&tasks));
        Ok(sent)
    }

    /// Returns what the driver hears of feeds that are done with.
    fn done_with_feeds(&self, fed: usize) -> FromExecutor {
        let epoch = self.run.batch.as_ref().map_or(BatchId::NONE, |batch| batch.batch_id);
        let (task, lots) = (self.run.task, self.lots);
        FromExecutor::Flowed { task, epoch, fed, lots }
    }

    /// Notes that a task is done with rows of this one.
    pub(super) fn took(&mut self, seq: u64) -> Vec<Sent> {
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
pub(super) enum Sent {
    /// To another one.
    Task(ExecutorRef, Peer, Vec<Buffer>),
    /// To the driver.
    Driver(FromExecutor, Vec<Buffer>),
    /// To the page.
    Page(Box<Shown>),
}
