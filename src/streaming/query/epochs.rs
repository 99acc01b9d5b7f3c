//! Epochs: a query whose tasks stay, and whose records go through them as they come (`Trigger.Continuous`,
//! `Trigger.RealTime`).
//!
//! An epoch is a batch that is not cut before it runs: it begins empty, takes records as long as it lasts, and ends with a
//! barrier after the last. What it took is logged then, its state is made durable, and it is committed, as a micro-batch is,
//! while the next epoch takes records already.
//!
//! ```text
//! tasks   ├─ epoch n ─────────┤├─ epoch n+1 ───────────────────┤├─ …
//! rows      ▼ ▼  ▼    ▼   ▼      ▼  ▼ ▼    ▼       ▼   ▼            to the sink at once
//! loop                         ├─ offsets n, state n, commit n ─┤
//! ```
//!
//! Rows leave before the log knows of them. So after a restart they come again: at least once at the sink, while state counts
//! each record once, since offsets and state of an epoch count together or not at all. If an executor ends, the tasks are
//! started again with the state of the last epoch that has passed, and fed again with what came since, which is kept for that.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use super::ahead::Early;
use super::construct::cut_of;
use super::{Action, Batch, Look, Phase, Query};
use crate::cluster::runner::{JobRequest, Limits, Outcome, ScanBlocks, SourceBlock};
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, Extent};
use crate::ids::{BatchId, JobId, PartitionId, ScanPart};
use crate::plan::scan::Origin;
use crate::storage::files::Files;
use crate::streaming::deal::{Cut, deal, joined};
use crate::streaming::progress::SourceProgress;
use crate::streaming::source::Source;
use crate::streaming::trigger::POLLING_DELAY_MS;

/// Bytes of records up to which they go to one task, the first: so they keep their order. What comes while it has some goes
/// together, when it has done with them.
const FEW_BYTES: usize = 64 << 10;

/// Bytes of records after which an epoch ends before its time: they are kept until it has passed.
const EPOCH_BYTES: usize = 32 << 20;

/// How often tasks are started again before an epoch passes.
const RESTARTS: u32 = 3;

/// Records that tasks were fed with: the source's number, and the blocks.
type Fed = Vec<(usize, Vec<Buffer>)>;

/// The epochs of a query.
#[derive(Debug)]
pub(super) struct Epochs {
    /// How long one lasts, ms.
    interval_ms: i64,
    /// Whether the tasks were asked for.
    started: bool,
    /// Their job, once the runner has it.
    job: Option<JobId>,
    /// How many feeds are under way to each share of a stream; `None` if none may be.
    loads: Option<BTreeMap<ScanPart, usize>>,
    /// The epoch that takes records; `None` before the first.
    current: Option<Box<Batch>>,
    /// What it took.
    fed: Fed,
    /// How many bytes that is.
    bytes: usize,
    /// What it took, and tasks that were started anew have not been fed with.
    again: Fed,
    /// The epoch whose barrier is on its way, and what it took.
    ending: Option<(Box<Batch>, Fed)>,
    /// When the epoch ends, ms since the epoch of clocks.
    due_ms: i64,
    /// When to look for records next.
    look_ms: i64,
    /// How often tasks were started again since an epoch has passed.
    restarts: u32,
    /// How often sources must still be heard before all is known that somebody waits for; `None` if nobody waits.
    flushes: Option<u32>,
}

impl Epochs {
    /// Returns a query's epochs before the first.
    pub(super) fn new(interval_ms: i64, now_ms: i64) -> Self {
        Self {
            interval_ms,
            started: false,
            job: None,
            loads: None,
            current: None,
            fed: vec![],
            bytes: 0,
            again: vec![],
            ending: None,
            due_ms: now_ms,
            look_ms: now_ms,
            restarts: 0,
            flushes: None,
        }
    }

    /// Returns whether nothing is under way.
    fn is_quiet(&self) -> bool {
        let all_done = |loads: &BTreeMap<ScanPart, usize>| loads.values().all(|n| *n == 0);
        self.again.is_empty() && self.loads.as_ref().is_some_and(all_done)
    }
}

impl Query {
    /// Returns whether records go through tasks that stay.
    pub fn has_epochs(&self) -> bool {
        self.epochs.is_some()
    }

    /// Returns the job of the tasks that stay.
    pub fn epochs_job(&self) -> Option<JobId> {
        self.epochs.as_ref().and_then(|epochs| epochs.job)
    }

    /// Returns the epoch whose barrier is on its way.
    pub fn ending_epoch(&self) -> Option<BatchId> {
        let ending = self.epochs.as_ref().and_then(|epochs| epochs.ending.as_ref());
        ending.map(|(batch, _)| batch.id)
    }

    /// Notes the job that the last `Start` became.
    pub fn set_epochs_job(&mut self, job: JobId) {
        if let Some(epochs) = &mut self.epochs {
            epochs.job = Some(job);
        }
    }

    /// Notes how many feeds are under way to each share of a stream; `None` if none may be.
    pub fn set_loads(&mut self, loads: Option<BTreeMap<ScanPart, usize>>) {
        if let Some(epochs) = &mut self.epochs {
            epochs.loads = loads;
            epochs.look_ms = i64::MIN;
        }
    }

    /// Ends the epoch as soon as all that has come is processed: `processAllAvailable` waits for that.
    pub fn flush(&mut self, now_ms: i64) {
        // What was asked before may be answered with what was there before.
        let looks = 1 + u32::from(self.is_looking());
        if let Some(epochs) = &mut self.epochs {
            epochs.flushes = Some(looks);
            epochs.look_ms = now_ms;
        }
    }

    /// Lets epochs look at once for records that have come.
    pub(super) fn hurry_epochs(&mut self, now_ms: i64) {
        if let Some(epochs) = &mut self.epochs {
            epochs.look_ms = epochs.look_ms.min(now_ms);
        }
    }

    /// Returns when to look next, ms since the epoch.
    pub(super) fn epochs_wake_at(&self, epochs: &Epochs) -> Option<i64> {
        if matches!(self.phase, Phase::Ended { .. }) || self.is_opening() {
            return None;
        }
        let idle = matches!(self.phase, Phase::Waiting { .. });
        if !epochs.started {
            return idle.then_some(i64::MIN);
        }
        let ready = epochs.loads.is_some();
        let end = (ready && idle && epochs.ending.is_none()).then_some(epochs.due_ms);
        let look = (ready && self.sources.iter().any(|source| has_room(epochs, source))).then_some(epochs.look_ms);
        end.into_iter().chain(look).min()
    }

    /// Starts the tasks, feeds them with what has come, and ends the epoch when it is time.
    pub(super) fn poll_epochs(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        if self.is_opening() || !self.is_active() {
            return vec![];
        }
        if self.stopping {
            return self.end(None);
        }
        let idle = matches!(self.phase, Phase::Waiting { .. });
        let Some(epochs) = &self.epochs else { return vec![] };
        if !epochs.started {
            // State that tasks begin with must be durable before.
            return if idle { self.start_epochs(now_ms) } else { vec![] };
        }
        if epochs.loads.is_none() {
            return vec![];
        }
        let mut actions = match self.feed(now_ms, files) {
            Ok(actions) => actions,
            Err(error) => return self.failed(error),
        };
        actions.extend(self.end_epoch(now_ms));
        actions
    }

    /// Asks for the tasks, with the epoch that they begin in.
    fn start_epochs(&mut self, now_ms: i64) -> Vec<Action> {
        let id = self.next_batch;
        let fresh = self.empty_epoch(id, now_ms);
        let Some(epochs) = &mut self.epochs else { return vec![] };
        epochs.started = true;
        epochs.due_ms = now_ms.saturating_add(epochs.interval_ms);
        let current = epochs.current.get_or_insert(fresh);
        let (id, time_ms) = (current.id, current.timestamp_ms);
        self.message = "Processing new data".into();
        match Limits::of_batch(&self.definition.conf) {
            Ok(limits) => vec![Action::Start(JobRequest {
                scans: self.definition.statics.clone(),
                batch: Some(self.epoch_context(id, time_ms, Some(self.late_ms))),
                run: Some(self.definition.run),
                limits,
                description: format!(
                    "epochs of {}",
                    self.definition.name.as_deref().unwrap_or(&self.definition.id)
                ),
                ..JobRequest::default()
            })],
            Err(error) => self.failed(error),
        }
    }

    /// Returns an epoch as its tasks see it while rows of it come.
    fn epoch_context(&self, id: BatchId, time_ms: i64, late_ms: Option<i64>) -> BatchContext {
        let late_ms = late_ms.filter(|_| self.watermark.is_set());
        BatchContext {
            batch_id: id,
            mode: self.definition.mode,
            time_ms,
            late_us: late_ms.map(|ms| ms * 1000),
            evict_us: None,
            extent: Extent::Rows,
        }
    }

    /// Returns an epoch that has taken nothing.
    fn empty_epoch(&self, id: BatchId, now_ms: i64) -> Box<Batch> {
        let shares: Vec<_> = self.sources.iter().map(Source::nothing).collect();
        let sources = self.sources.iter().zip(&shares).map(|(source, share)| SourceProgress {
            description: source.description.clone(),
            start: share.start.clone(),
            end: share.end.clone(),
            ..SourceProgress::default()
        });
        Box::new(Batch {
            id,
            started_ms: now_ms,
            timestamp_ms: now_ms,
            sources: sources.collect(),
            shares,
            ..Batch::default()
        })
    }

    /// Feeds tasks with what has come since, as far as there is room.
    ///
    /// # Errors
    /// The sources', if records cannot be read.
    fn feed(&mut self, now_ms: i64, files: &dyn Files) -> Result<Vec<Action>> {
        let mut actions = vec![];
        self.arrived = false;
        let Some(epochs) = &mut self.epochs else {
            return Ok(vec![]);
        };
        let again = std::mem::take(&mut epochs.again);
        for (source, blocks) in again {
            actions.extend(self.feed_blocks(source, blocks)?);
        }
        if let Some(asked) = self.look_in_epoch(now_ms) {
            actions.extend(asked);
            return Ok(actions);
        }
        for number in 0..self.sources.len() {
            let room = |query: &Self| {
                query
                    .epochs
                    .as_ref()
                    .is_some_and(|e| has_room(e, &query.sources[number]))
            };
            while room(self) && self.sources[number].has_data(now_ms) {
                let share = self.sources[number].plan(now_ms, false);
                if share.start == share.end {
                    break;
                }
                let blocks = self.sources[number].read(&share, files)?;
                let Some(epochs) = &mut self.epochs else { break };
                if let Some(current) = &mut epochs.current {
                    current.logs.extend(share.log);
                    current.sources[number].end = share.end.clone();
                    current.shares[number].end = share.end;
                }
                epochs.bytes += blocks.iter().map(Buffer::len).sum::<usize>();
                epochs.fed.push((number, blocks.clone()));
                actions.extend(self.feed_blocks(number, blocks)?);
            }
        }
        Ok(actions)
    }

    /// Lets sources ask what there is; returns `None` if it is known.
    fn look_in_epoch(&mut self, now_ms: i64) -> Option<Vec<Action>> {
        let mut asked = vec![];
        if self.look == Look::Due {
            let asks = self.sources.iter_mut().map(Source::look).enumerate();
            let asks = asks.filter(|(_, asks)| !asks.is_empty());
            asked.extend(asks.map(|(source, asks)| Action::Ask { source, asks }));
            self.look = Look::Asked;
        }
        let looking = self.is_looking();
        if !looking {
            self.look = Look::Due;
            let waits = self.epochs.as_mut().and_then(|epochs| epochs.flushes.as_mut());
            waits.into_iter().for_each(|looks| *looks = looks.saturating_sub(1));
        }
        // Records that are pushed say so when they come.
        let listens = self.sources.iter_mut().all(|source| source.queue().is_some());
        if let Some(epochs) = &mut self.epochs {
            epochs.look_ms = if looking || listens {
                i64::MAX
            } else {
                now_ms + POLLING_DELAY_MS
            };
        }
        looking.then_some(asked)
    }

    /// Feeds tasks with blocks of a source: few go to the task that is least busy, many are dealt out.
    ///
    /// # Errors
    /// If an option of the source cannot be read.
    fn feed_blocks(&mut self, number: usize, blocks: Vec<Buffer>) -> Result<Option<Action>> {
        let source = &self.sources[number];
        let scan = &self.definition.graph.scans[source.scan.0];
        let orders = source.definition().orders;
        let bytes: usize = blocks.iter().map(Buffer::len).sum();
        let Some(epochs) = &mut self.epochs else {
            return Ok(None);
        };
        let Some(loads) = &mut epochs.loads else {
            return Ok(None);
        };
        let own = loads.iter().filter(|(part, _)| part.scan == source.scan);
        let least = own
            .min_by_key(|(part, load)| (**load, part.partition))
            .map(|(part, _)| *part);
        let cut = match &scan.origin {
            Origin::Blocks { format, options, .. } => cut_of(*format, options)?,
            _ => Cut::Never,
        };
        let dealt = if orders || bytes > FEW_BYTES {
            deal(blocks, cut, source.scan, scan.partitions)
        } else {
            let partition = PartitionId(0);
            let first = ScanPart {
                scan: source.scan,
                partition,
            };
            let blocks = if cut == Cut::Lines {
                vec![joined(&blocks)]
            } else {
                blocks
            };
            BTreeMap::from([(least.unwrap_or(first), blocks)])
        };
        let block = if orders { SourceBlock::Order } else { SourceBlock::Bytes };
        let mut scans = ScanBlocks::new();
        for (part, blocks) in dealt.into_iter().filter(|(_, blocks)| !blocks.is_empty()) {
            *loads.entry(part).or_default() += 1;
            scans.insert(part, blocks.into_iter().map(block).collect());
        }
        Ok((!scans.is_empty()).then_some(Action::Feed(scans)))
    }

    /// Ends the epoch if it is time, and if the one before is committed; one that took nothing goes on.
    fn end_epoch(&mut self, now_ms: i64) -> Vec<Action> {
        let idle = matches!(self.phase, Phase::Waiting { .. });
        let Some(epochs) = &self.epochs else { return vec![] };
        if !idle || epochs.ending.is_some() || !epochs.again.is_empty() {
            return vec![];
        }
        let exhausted = !self.sources.is_empty() && self.sources.iter().all(Source::exhausted);
        let done =
            epochs.is_quiet() && !self.is_looking() && !self.sources.iter().any(|s| s.has_data(now_ms) || s.receives());
        let failure = self.source_failure(now_ms).filter(|_| done);
        let over = done && (exhausted || failure.is_some());
        let took = epochs
            .current
            .as_ref()
            .is_some_and(|e| e.shares.iter().any(|s| s.start != s.end));
        let full = epochs.bytes >= EPOCH_BYTES;
        let due = now_ms >= epochs.due_ms;
        let flushes = epochs.flushes == Some(0) && done;
        if flushes && !took {
            self.note_flushed();
        }
        if over && !took {
            return match failure {
                Some(error) => self.failed(error),
                None => self.end(None),
            };
        }
        if !(due || full || flushes || over) {
            return vec![];
        }
        if !took && !(due && (self.no_data_batch_is_due() || self.clock_batch_is_due(now_ms))) {
            if let Some(epochs) = self.epochs.as_mut().filter(|_| due) {
                epochs.due_ms = now_ms.saturating_add(epochs.interval_ms);
            }
            return vec![];
        }
        self.send_barrier(now_ms)
    }

    /// Notes that all that had come when somebody began to wait is processed.
    fn note_flushed(&mut self) {
        // A trigger that asked already when the wait began is not counted for it.
        self.idle_triggers += 2;
        if let Some(epochs) = &mut self.epochs {
            epochs.flushes = None;
        }
        self.message = "Waiting for data to arrive".into();
    }

    /// Sends the barrier that ends the epoch, and begins the next.
    fn send_barrier(&mut self, now_ms: i64) -> Vec<Action> {
        let evict_ms = self.watermark.current_ms();
        let Some(mut ends) = self.epochs.as_mut().and_then(|epochs| epochs.current.take()) else {
            return vec![];
        };
        ends.timestamp_ms = now_ms;
        ends.watermark_ms = evict_ms;
        let context = BatchContext {
            evict_us: self.watermark.is_set().then_some(evict_ms * 1000),
            extent: Extent::End,
            ..self.epoch_context(ends.id, now_ms, Some(self.late_ms))
        };
        let next = self.empty_epoch(ends.id.next(), now_ms);
        let next_context = self.epoch_context(next.id, now_ms, Some(evict_ms));
        let Some(epochs) = &mut self.epochs else { return vec![] };
        epochs.ending = Some((ends, std::mem::take(&mut epochs.fed)));
        epochs.current = Some(next);
        epochs.bytes = 0;
        epochs.due_ms = now_ms.saturating_add(epochs.interval_ms);
        vec![Action::EndEpoch {
            ends: context,
            next: next_context,
        }]
    }

    /// Takes in that an epoch has gone through all tasks: it is logged and committed as a batch whose job is done.
    pub fn epoch_passed(&mut self, now_ms: i64, outcome: Outcome, files: &dyn Files) -> Vec<Action> {
        let Some(epochs) = self
            .epochs
            .as_mut()
            .filter(|_| matches!(self.phase, Phase::Waiting { .. }))
        else {
            return vec![];
        };
        let Some((mut batch, _)) = epochs.ending.take() else {
            return vec![];
        };
        epochs.restarts = 0;
        let job = epochs.job;
        let ended = Some(Ok(outcome));
        batch.early = Some(Early { job, ended });
        self.begin(batch, now_ms, files)
    }

    /// Takes in that tasks have failed: they are started again, unless the error would come again or has come too often.
    pub(super) fn epochs_failed(&mut self, error: SparkError) -> Vec<Action> {
        let Some(epochs) = &mut self.epochs else { return vec![] };
        epochs.restarts += 1;
        if !(error.is_retryable() || error.is_death()) || epochs.restarts > RESTARTS {
            return self.failed(error);
        }
        (epochs.started, epochs.job, epochs.loads) = (false, None, None);
        let later = std::mem::take(&mut epochs.fed);
        if let Some((mut batch, fed)) = epochs.ending.take() {
            // What both took goes through the tasks again, and ends as one epoch.
            if let Some(current) = epochs.current.take() {
                batch.logs.extend(current.logs);
                for (share, later) in batch.shares.iter_mut().zip(&current.shares) {
                    share.end = later.end.clone();
                }
                for (progress, later) in batch.sources.iter_mut().zip(&current.sources) {
                    progress.end = later.end.clone();
                }
            }
            epochs.current = Some(batch);
            epochs.fed = fed;
        }
        epochs.fed.extend(later);
        epochs.again = epochs.fed.clone();
        epochs.bytes = epochs.fed.iter().flat_map(|(_, blocks)| blocks).map(Buffer::len).sum();
        vec![]
    }
}

/// Returns whether tasks could be fed with records of a source: if its first task has done with those before or, when there are
/// many, another one has.
fn has_room(epochs: &Epochs, source: &Source) -> bool {
    let Some(loads) = epochs.loads.as_ref().filter(|_| epochs.bytes < EPOCH_BYTES) else {
        return false;
    };
    let mut own = loads
        .iter()
        .filter(|(part, _)| part.scan == source.scan)
        .map(|(_, load)| *load);
    let first = own.next().is_none_or(|load| load == 0);
    first || source.waiting_bytes() > FEW_BYTES && own.any(|load| load == 0)
}
