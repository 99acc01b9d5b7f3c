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
//! Rows of the result go to the driver, or past it to a function of the page: then the driver only hears of how many lots there
//! were, and the page says to it with which it is done.
//!
//! Whoever sends rows hears when the task and all after it have finished with them: so the driver knows how much is under
//! way, and holds back what is too much.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::buffer::Buffer;

use super::resident::{Blocks, Channel, Item, Next, Origin, Pending, Resident, Sent};
use super::{BlockStore, Executor, Outgoing};
use crate::cluster::message::{Barrier, FromExecutor, Peer};
use crate::error::{Result, SparkError, guarded};
use crate::exec::inputs::BatchContext;
use crate::exec::stage::Output;
use crate::exec::task::{self, TaskOutput};
use crate::ids::{ExecutorRef, OperatorId, ScanId, TaskId};
use crate::plan::functions::partition;

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
                Sent::Page(shown) => out.push(Outgoing::Page(shown)),
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
                if self.is_result(resident) {
                    let blobs: Vec<Buffer> = output.blocks.into_iter().flatten().map(Buffer::from).collect();
                    return resident.done_with_rows(from, blobs);
                }
                let rows = resident.rows_on(output, false);
                if rows.is_empty() {
                    return Ok(resident.done_with(&from));
                }
                let left = rows.len();
                resident.pending.insert(resident.seq, Pending { left, from });
                Ok(rows)
            }
            Next::End(barrier) => {
                let (output, mut deltas) = self.run_rows(resident, vec![], barrier.ends.clone())?;
                let task = resident.run.task;
                let mut sent = vec![];
                if self.is_result(resident) {
                    let blobs: Vec<Buffer> = output.blocks.into_iter().flatten().map(Buffer::from).collect();
                    if !blobs.is_empty() {
                        sent.extend(resident.flowed(0, blobs)?);
                    }
                } else {
                    let rows = resident.rows_on(output, false);
                    if !rows.is_empty() {
                        let (left, from) = (rows.len(), vec![]);
                        resident.pending.insert(resident.seq, Pending { left, from });
                    }
                    sent.extend(rows);
                    sent.extend(resident.readers.iter().map(|(to, place, _)| {
                        let (from, barrier) = (task.part(), barrier.clone());
                        Sent::Task(*place, Peer::Barrier { to: *to, from, barrier }, vec![])
                    }));
                }
                for part in barrier.snapshots.iter().filter(|part| part.partition == task.partition) {
                    if let Some(state) = resident.states.get(&part.operator) {
                        deltas.insert(part.operator, state.snapshot()?);
                    }
                }
                let mut report = std::mem::take(&mut resident.report);
                report.heap_bytes = (self.heap)();
                report.lots = resident.lots;
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
