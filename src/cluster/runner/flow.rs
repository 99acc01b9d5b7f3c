//! Continuous queries: tasks that stay on their executors, what they are fed with, and what comes of an epoch.
//!
//! ```text
//!  start ─▶ state is read ─▶ tasks stay ─▶ tasks without a stream hand on their rows ─▶ feed … barrier … feed …
//!                                                                              Rows ◀──┘      └──▶ Passed
//! ```
//!
//! All tasks of a query are there at once, each where its state is, else dealt out over the executors. If one of them fails, or
//! its executor ends, all are dropped, and the job fails: nothing of the epoch in progress counts. Whoever owns the job starts
//! it again with the state of the last epoch that has passed, and what it was fed with since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::buffer::Buffer;

use super::ends::{Busy, timeout};
use super::launch::{snapshot_is_due, state_id};
use super::{Change, Effect, JobRequest, JobRunner, Outcome, ScanBlocks, SourceBlock};
use crate::cluster::attempts::{AttemptState, Attempts};
use crate::cluster::executor::resident::{is_constant, is_fed};
use crate::cluster::message::{Barrier, Run, StateRef, Stay, ToExecutor};
use crate::error::{Exception, Fault, SparkError};
use crate::exec::inputs::{BatchContext, StateStats, TaskReport};
use crate::exec::stage::{Read, Stage, StageGraph};
use crate::ids::{
    BatchId, ExecutorRef, JobId, OperatorId, PartitionId, PlanId, RunId, ScanPart, StageId, StagePart, StateId,
    StatePart, TaskId,
};
use crate::settings;

/// A continuous query.
pub(super) struct Flow {
    /// Its plan.
    pub(super) plan: PlanId,
    /// What it was asked for with: blocks of scans that are not streams, the first epoch, the run.
    request: JobRequest,
    /// The task that reads each share of a stream.
    fed: BTreeMap<ScanPart, StagePart>,
    /// Where its tasks are; empty until an executor comes.
    places: BTreeMap<StagePart, ExecutorRef>,
    /// State that is being read.
    missing: BTreeSet<StateId>,
    /// Tasks that have not said yet that they are there.
    awaited: BTreeSet<StagePart>,
    /// Tasks that read no stream, as long as they have not been started.
    constants: Vec<StagePart>,
    /// Feeds that are under way, by task that the driver feeds; empty until the query is ready.
    under_way: BTreeMap<StagePart, usize>,
    /// Since when each of those tasks has worked on one, ms since the epoch.
    since_ms: BTreeMap<StagePart, i64>,
    /// How many lots of rows each task has handed to the page.
    lots: BTreeMap<StagePart, u64>,
    /// The epoch that is ending.
    closing: Option<Closing>,
    /// Its tasks, for status displays.
    pub(super) attempts: Attempts,
}

/// An epoch whose barrier is on its way.
struct Closing {
    /// The epoch.
    epoch: BatchId,
    /// Tasks that it must still go through.
    awaited: BTreeSet<StagePart>,
    /// State that was asked for whole.
    snapshots: BTreeSet<StatePart>,
    /// What tasks have counted.
    reports: BTreeMap<StagePart, TaskReport>,
    /// What they have changed.
    changes: BTreeMap<StatePart, Change>,
}

impl Flow {
    /// Returns a task of the job.
    fn task(job: JobId, part: StagePart) -> TaskId {
        TaskId {
            job,
            stage: part.stage,
            partition: part.partition,
            attempt: 0,
        }
    }

    /// Returns whether rows can be fed.
    fn is_ready(&self) -> bool {
        !self.under_way.is_empty() && self.awaited.is_empty() && self.constants.is_empty()
    }

    /// Returns the executors that its tasks are on.
    fn executors(&self) -> Vec<ExecutorRef> {
        let all: BTreeSet<ExecutorRef> = self.places.values().copied().collect();
        all.into_iter().collect()
    }
}

/// Lists the tasks of a stage.
fn parts(stage: &Stage) -> impl DoubleEndedIterator<Item = StagePart> {
    let id = stage.id;
    PartitionId::first(stage.tasks()).map(move |partition| StagePart { stage: id, partition })
}

/// Returns the task that reads each share of a stream.
fn fed_parts(graph: &StageGraph) -> BTreeMap<ScanPart, StagePart> {
    let mut fed = BTreeMap::new();
    for stage in graph.stages.iter().filter(|stage| is_fed(graph, stage)) {
        for (part, reads) in parts(stage).zip(&stage.reads) {
            fed.extend(reads.iter().filter_map(Read::scan).map(|scan| (scan, part)));
        }
    }
    fed
}

/// Makes the error of a continuous query whose executor has ended.
fn lost() -> SparkError {
    let sentence = "An executor that ran tasks of the query has ended";
    SparkError::new(Exception::Runtime, "RIVULET_EXECUTOR_LOST", "XX000", sentence).by(Fault::Engine)
}

impl JobRunner {
    /// Starts a continuous query; it is fed once [`JobRunner::loads`] returns something.
    pub fn start_flow(&mut self, plan: PlanId, request: JobRequest, now_ms: i64) -> (JobId, Vec<Effect>) {
        self.next_job += 1;
        let id = JobId(self.next_job);
        let flow = Flow {
            plan,
            request,
            fed: self
                .plans
                .get(&plan)
                .map(|plan| fed_parts(&plan.graph))
                .unwrap_or_default(),
            places: BTreeMap::new(),
            missing: BTreeSet::new(),
            awaited: BTreeSet::new(),
            constants: vec![],
            under_way: BTreeMap::new(),
            since_ms: BTreeMap::new(),
            lots: BTreeMap::new(),
            closing: None,
            attempts: Attempts::default(),
        };
        self.flows.insert(id, flow);
        (id, self.place_flow(id, now_ms))
    }

    /// Starts the queries that wait for an executor.
    pub(super) fn place_flows(&mut self, now_ms: i64) -> Vec<Effect> {
        let waiting = self.flows.iter().filter(|(_, flow)| flow.places.is_empty());
        let waiting: Vec<JobId> = waiting.map(|(job, _)| *job).collect();
        waiting
            .into_iter()
            .flat_map(|job| self.place_flow(job, now_ms))
            .collect()
    }

    /// Chooses where tasks stay, and asks for the state that they need.
    fn place_flow(&mut self, job: JobId, now_ms: i64) -> Vec<Effect> {
        let executors = self.executors();
        let Some((flow, graph)) = self.flow_and_graph(job).filter(|_| !executors.is_empty()) else {
            return vec![];
        };
        let run = flow.request.run.unwrap_or_default();
        let (mut places, mut missing, mut needs) = (BTreeMap::new(), BTreeSet::new(), vec![]);
        for stage in &graph.stages {
            for part in parts(stage) {
                let pieces = stage.stateful.iter().map(|o| state_id(run, *o, part.partition));
                let homes: Vec<_> = pieces
                    .filter_map(|piece| Some((piece, self.homes.get(&piece)?)))
                    .collect();
                let at_home = homes.iter().find_map(|(_, home)| home.executor);
                let dealt = executors[part.partition.0 % executors.len()];
                let place = at_home.filter(|home| executors.contains(home)).unwrap_or(dealt);
                let durable = self.keeping.get(&run).is_some_and(|keeping| keeping.durable);
                for (piece, home) in homes.iter().filter(|(_, home)| home.executor != Some(place) && durable) {
                    missing.insert(*piece);
                    let (piece, version) = (*piece, home.version);
                    needs.push(Effect::LoadState { piece, version });
                }
                places.insert(part, place);
            }
        }
        if let Some(flow) = self.flows.get_mut(&job) {
            flow.places = places;
            flow.missing = missing;
        }
        if needs.is_empty() {
            self.launch_flow(job, now_ms)
        } else {
            needs
        }
    }

    /// Returns a query and its stages.
    fn flow_and_graph(&self, job: JobId) -> Option<(&Flow, Arc<StageGraph>)> {
        let flow = self.flows.get(&job)?;
        Some((flow, self.plans.get(&flow.plan)?.graph.clone()))
    }

    /// Takes in durable state that queries wait for.
    pub(super) fn flow_state_loaded(&mut self, piece: StateId, error: Option<&SparkError>, now_ms: i64) -> Vec<Effect> {
        let waiting = self
            .flows
            .iter_mut()
            .filter_map(|(job, flow)| flow.missing.remove(&piece).then_some(*job));
        let waiting: Vec<JobId> = waiting.collect();
        let mut effects = vec![];
        for job in waiting {
            if let Some(error) = error {
                effects.extend(self.fail_flow(job, error.clone(), now_ms));
            } else if self.flows.get(&job).is_some_and(|flow| flow.missing.is_empty()) {
                effects.extend(self.launch_flow(job, now_ms));
            }
        }
        effects
    }

    /// Returns whether a query waits for a piece of durable state, or is about to take it.
    pub(super) fn flow_wants(&self, piece: &StateId) -> bool {
        let mut flows = self.flows.values().filter(|flow| !flow.missing.is_empty());
        flows.any(|flow| flow.request.run == Some(piece.run))
    }

    /// Sends the tasks that read streams, those of later stages first; if there are none, the others.
    fn launch_flow(&mut self, job: JobId, now_ms: i64) -> Vec<Effect> {
        let Some((_, graph)) = self.flow_and_graph(job) else {
            return vec![];
        };
        let (constants, streams): (Vec<&Stage>, Vec<&Stage>) =
            graph.stages.iter().partition(|stage| is_constant(&graph, stage));
        let streams: Vec<StagePart> = streams.into_iter().rev().flat_map(parts).collect();
        let sent = streams
            .iter()
            .filter_map(|part| self.stay(job, &graph, *part))
            .collect();
        if let Some(flow) = self.flows.get_mut(&job) {
            flow.awaited = streams.iter().copied().collect();
            flow.constants = constants.into_iter().rev().flat_map(parts).collect();
            for part in &streams {
                if let Some(place) = flow.places.get(part) {
                    flow.attempts.started(Flow::task(job, *part), *place, false, now_ms);
                }
            }
        }
        // The files are with the tasks now.
        let run = self.flows.get(&job).and_then(|flow| flow.request.run);
        self.loaded.retain(|piece, _| Some(piece.run) != run);
        sent
    }

    /// Returns the message that has a task stay.
    fn stay(&self, job: JobId, graph: &StageGraph, part: StagePart) -> Option<Effect> {
        let flow = self.flows.get(&job)?;
        let stage = graph.stages.get(part.stage.0)?;
        let mut blobs: Vec<Buffer> = vec![];
        let (mut scans, mut files) = (vec![], vec![]);
        let reads = stage.reads.get(part.partition.0).into_iter().flatten();
        for scan in reads.filter_map(Read::scan) {
            let Some(blocks) = flow.request.scans.get(&scan) else {
                continue;
            };
            scans.push((scan.scan, blocks.len()));
            for block in blocks {
                blobs.push(match block {
                    SourceBlock::Bytes(bytes) | SourceBlock::Order(bytes) => bytes.clone(),
                    SourceBlock::File(path) => {
                        files.push((blobs.len(), path.clone()));
                        Buffer::default()
                    }
                });
            }
        }
        let to = *flow.places.get(&part)?;
        let mut states = vec![];
        for operator in &stage.stateful {
            let run = flow.request.run?;
            let piece = state_id(run, *operator, part.partition);
            let home = self.homes.get(&piece);
            let bring = home.filter(|home| home.executor != Some(to));
            let deltas = bring.map(|home| self.loaded.get(&piece).unwrap_or(&home.deltas));
            blobs.extend(deltas.into_iter().flatten().cloned());
            states.push(StateRef {
                run,
                operator: *operator,
                version: home.map_or(BatchId::NONE, |home| home.version),
                load: deltas.map(Vec::len),
                snapshot: false,
            });
        }
        let readers = graph
            .stages
            .iter()
            .filter(|reader| reader.parents.contains(&part.stage));
        let readers = readers.map(|reader| {
            let places = parts(reader).filter_map(|part| flow.places.get(&part).copied());
            (reader.id, places.collect())
        });
        let run = Run {
            task: Flow::task(job, part),
            plan: flow.plan,
            fetches: vec![],
            scans,
            files,
            orders: vec![],
            batch: flow.request.batch.clone(),
            states,
            max_result: None,
            stay: Some(Stay {
                readers: readers.collect::<Vec<(StageId, Vec<ExecutorRef>)>>(),
                shows: flow.request.shows.clone(),
            }),
        };
        let message = ToExecutor::Run(run);
        Some(Effect::Send { to, message, blobs })
    }

    /// Takes in that a task is there.
    pub(super) fn task_stays(&mut self, task: TaskId, now_ms: i64) -> Vec<Effect> {
        let Some((_, graph)) = self.flow_and_graph(task.job) else {
            return vec![];
        };
        let Some(flow) = self.flows.get_mut(&task.job) else {
            return vec![];
        };
        if !flow.awaited.remove(&task.part()) {
            return vec![];
        }
        let is_stream = graph.stages.get(task.stage.0).is_some_and(|s| !is_constant(&graph, s));
        if !is_stream {
            flow.attempts.ended(task, AttemptState::Done, now_ms);
        }
        if !flow.awaited.is_empty() {
            return vec![];
        }
        let constants = std::mem::take(&mut flow.constants);
        if constants.is_empty() {
            let fed = graph.stages.iter().filter(|stage| is_fed(&graph, stage));
            flow.under_way = fed.flat_map(parts).map(|part| (part, 0)).collect();
            return vec![Effect::Room { job: task.job }];
        }
        flow.awaited = constants.iter().copied().collect();
        for part in &constants {
            if let Some(place) = flow.places.get(part) {
                flow.attempts
                    .started(Flow::task(task.job, *part), *place, false, now_ms);
            }
        }
        let sent = constants
            .into_iter()
            .filter_map(|part| self.stay(task.job, &graph, part));
        sent.collect()
    }

    /// Returns how many feeds are under way to the task that reads each share of a stream; `None` if the query is not ready.
    pub fn loads(&self, job: JobId) -> Option<BTreeMap<ScanPart, usize>> {
        let flow = self.flows.get(&job).filter(|flow| flow.is_ready())?;
        let load = |part: &StagePart| flow.under_way.get(part).copied().unwrap_or(0);
        Some(flow.fed.iter().map(|(scan, part)| (*scan, load(part))).collect())
    }

    /// Feeds a query that is ready with blocks of its streams.
    pub fn feed(&mut self, job: JobId, blocks: ScanBlocks, now_ms: i64) -> Vec<Effect> {
        let Some(flow) = self.flows.get_mut(&job) else {
            return vec![];
        };
        let mut by_task: BTreeMap<StagePart, BTreeMap<ScanPart, Vec<SourceBlock>>> = BTreeMap::new();
        for (scan, blocks) in blocks.into_iter().filter(|(_, blocks)| !blocks.is_empty()) {
            if let Some(part) = flow.fed.get(&scan) {
                by_task.entry(*part).or_default().insert(scan, blocks);
            }
        }
        let mut effects = vec![];
        for (part, shares) in by_task {
            let Some(to) = flow.places.get(&part).copied() else {
                continue;
            };
            *flow.under_way.entry(part).or_default() += 1;
            flow.since_ms.entry(part).or_insert(now_ms);
            let (mut scans, mut orders, mut blobs) = (vec![], vec![], vec![]);
            for (scan, blocks) in shares {
                scans.push((scan.scan, blocks.len()));
                for block in blocks {
                    blobs.push(match block {
                        SourceBlock::Bytes(bytes) => bytes,
                        SourceBlock::Order(order) => {
                            orders.push(blobs.len());
                            order
                        }
                        // Files are not fed.
                        SourceBlock::File(_) => Buffer::default(),
                    });
                }
            }
            let task = Flow::task(job, part);
            let message = ToExecutor::Feed { task, scans, orders };
            effects.push(Effect::Send { to, message, blobs });
        }
        effects
    }

    /// Takes in that rows have gone through a task.
    pub(super) fn rows_flowed(
        &mut self,
        (task, epoch): (TaskId, BatchId),
        (fed, lots): (usize, u64),
        pieces: Vec<Buffer>,
        now_ms: i64,
    ) -> Vec<Effect> {
        let job = task.job;
        let Some(flow) = self.flows.get_mut(&job) else {
            return vec![];
        };
        let mut effects = vec![];
        if !pieces.is_empty() {
            effects.push(Effect::Emitted { job, epoch, pieces });
        }
        let known = flow.lots.entry(task.part()).or_default();
        if lots > *known {
            *known = lots;
            let lots = flow.lots.values().sum();
            effects.push(Effect::Shown { job, lots });
        }
        if fed > 0 {
            if let Some(under_way) = flow.under_way.get_mut(&task.part()) {
                *under_way = under_way.saturating_sub(fed);
                if *under_way == 0 {
                    flow.since_ms.remove(&task.part());
                } else {
                    flow.since_ms.insert(task.part(), now_ms);
                }
            }
            effects.push(Effect::Room { job });
        }
        effects
    }

    /// Ends an epoch of a query that is ready, and of which no other is ending; [`Effect::Passed`] follows.
    pub fn end_epoch(&mut self, job: JobId, ends: BatchContext, next: BatchContext) -> Vec<Effect> {
        let Some((flow, graph)) = self.flow_and_graph(job) else {
            return vec![];
        };
        let run = flow.request.run.unwrap_or_default();
        let keeping = self.keeping.get(&run).copied().unwrap_or_default();
        let due = |part: &StatePart| {
            let piece = StateId { run, part: *part };
            snapshot_is_due(self.homes.get(&piece), keeping)
        };
        let snapshots: BTreeSet<StatePart> = graph.state_parts().filter(due).collect();
        let epoch = ends.batch_id;
        let barrier = Barrier {
            ends,
            next,
            snapshots: snapshots.iter().copied().collect(),
        };
        let streams = graph.stages.iter().filter(|stage| !is_constant(&graph, stage));
        let closing = Closing {
            epoch,
            awaited: streams.flat_map(parts).collect(),
            snapshots,
            reports: BTreeMap::new(),
            changes: BTreeMap::new(),
        };
        let Some(flow) = self.flows.get_mut(&job) else {
            return vec![];
        };
        flow.closing = Some(closing);
        let fed = graph
            .stages
            .iter()
            .filter(|stage| is_fed(&graph, stage))
            .flat_map(parts);
        let sent = fed.filter_map(|part| {
            let (to, task) = (*flow.places.get(&part)?, Flow::task(job, part));
            let barrier = barrier.clone();
            let message = ToExecutor::Barrier { task, barrier };
            let blobs = vec![];
            Some(Effect::Send { to, message, blobs })
        });
        sent.collect()
    }

    /// Takes in that a barrier has gone through a task; after the last one the epoch's changes count.
    pub(super) fn barrier_passed(
        &mut self,
        from: ExecutorRef,
        (task, epoch): (TaskId, BatchId),
        report: TaskReport,
        deltas: Vec<(OperatorId, Buffer)>,
        now_ms: i64,
    ) -> Vec<Effect> {
        let job = task.job;
        let Some(flow) = self.flows.get_mut(&job) else {
            return vec![];
        };
        let Some(closing) = flow.closing.as_mut().filter(|closing| closing.epoch == epoch) else {
            return vec![];
        };
        closing.awaited.remove(&task.part());
        for (operator, delta) in deltas {
            let partition = task.partition;
            let part = StatePart { operator, partition };
            let change = Change {
                executor: from,
                delta,
                snapshot: closing.snapshots.contains(&part),
                stats: report.state.get(&operator).copied().unwrap_or_else(StateStats::unknown),
            };
            closing.changes.insert(part, change);
        }
        closing.reports.insert(task.part(), report);
        if !closing.awaited.is_empty() {
            return vec![];
        }
        let (run, plan) = (flow.request.run.unwrap_or_default(), flow.plan);
        let Some(Closing { reports, changes, .. }) = flow.closing.take() else {
            return vec![];
        };
        match self.keep_changes((run, plan), epoch, changes) {
            Ok(changes) => {
                let outcome = Outcome {
                    changes,
                    reports: reports.into_iter().collect(),
                    ..Outcome::default()
                };
                vec![Effect::Passed { job, outcome }]
            }
            Err(error) => self.fail_flow(job, error, now_ms),
        }
    }

    /// Fails the queries that had tasks on an executor that has ended.
    pub(super) fn flows_lost(&mut self, executor: ExecutorRef, cause: Option<&SparkError>, now_ms: i64) -> Vec<Effect> {
        let there = |flow: &Flow| flow.places.values().any(|place| *place == executor);
        let gone: Vec<JobId> = self
            .flows
            .iter()
            .filter(|(_, f)| there(f))
            .map(|(job, _)| *job)
            .collect();
        let error = cause.cloned().unwrap_or_else(lost);
        let failed = gone
            .into_iter()
            .flat_map(|job| self.fail_flow(job, error.clone(), now_ms));
        failed.collect()
    }

    /// Returns when tasks of queries have worked on what they were fed with for as long as they may, with the errors of that.
    pub(super) fn flow_deadlines(&self) -> impl Iterator<Item = (JobId, (i64, SparkError))> + '_ {
        self.flows.iter().filter_map(|(job, flow)| {
            let ms = flow.request.limits.task_ms?;
            let since = flow.since_ms.values().min()?;
            Some((
                *job,
                (since.saturating_add(ms), timeout("task", &settings::TASK_TIMEOUT, ms)),
            ))
        })
    }

    /// Drops a query's tasks, whose state does not count any more, and says why.
    pub(super) fn fail_flow(&mut self, job: JobId, error: SparkError, now_ms: i64) -> Vec<Effect> {
        if !self.flows.contains_key(&job) {
            return vec![];
        }
        let mut effects = self.drop_flow(job, now_ms);
        effects.push(Effect::Failed { job, error });
        effects
    }

    /// Drops a query's tasks.
    pub(super) fn drop_flow(&mut self, job: JobId, now_ms: i64) -> Vec<Effect> {
        let Some(mut flow) = self.flows.remove(&job) else {
            return vec![];
        };
        flow.attempts.lost(None, now_ms);
        if let Some(plan) = self.plans.get(&flow.plan) {
            self.ended.insert(job, plan.stages(&flow.attempts, true));
        }
        let run: Option<RunId> = flow.request.run;
        let homes = self.homes.iter_mut().filter(|(piece, _)| Some(piece.run) == run);
        homes.for_each(|(_, home)| home.executor = None);
        let busy = Busy {
            executors: flow.executors(),
            reap_ms: self.reap_ms(Some(flow.plan)),
        };
        self.drop_job(job, Some(&busy), now_ms)
    }
}
