//! The query loop: log → run → sink → commit, one micro-batch at a time.
//!
//! `construct` decides what a batch takes, `settle` what its end asks for, `report` what users see of it, `durable`
//! what the checkpoint gains and loses. Everything that must be durable is an [`Action::Storage`] with a [`Ticket`];
//! the loop continues when the tickets it waits for are answered.
//!
//! A query is in one `Phase` at a time. Arrows name what leaves a phase; boxes in double lines have no batch in
//! progress:
//!
//! ```text
//!   new ──open──▶ ╔═════════╗ all written ╔═════════╗ ◀─────────────────────────────────────┐
//!                 ║ Opening ║ ──────────▶ ║ Waiting ║ ─┐ poll: nothing new                  │
//!                 ╚═════════╝             ╚═════════╝ ◀┘ (Ended, if trigger or sources end) │
//!                                              │ poll: a batch is due                       │
//!           sources must remember something    ▼    nothing to remember                     │
//!                       ┌────────────────── construct ─────────────────┐                    │
//!                       ▼                      │ runs again,           ▼                    │
//!               ┌────────────────┐             │ or no checkpoint ┌────────────────┐        │
//!               │ LoggingSources │ ──written───┼────────────────▶ │ LoggingOffsets │        │
//!               └────────────────┘             ▼                  └────────────────┘        │
//!                                         ┌─────────┐                     │ written         │
//!                                         │ Running │ ◀───────────────────┘                 │
//!                                         └─────────┘                                       │
//!                                              │ job_done                                   │
//!                                              ▼                                            │
//!                                         ┌──────────┐  the sink takes the rows             │
//!                                         │ Settling │  while state files are written       │
//!                                         └──────────┘                                      │
//!                                              │ delivered, and all written                 │
//!                                              ▼                                            │
//!                                     ┌───────────────┐ written                             │
//!                                     │ LoggingCommit │ ─────────▶ finish ──────────────────┘
//!                                     └───────────────┘               ├─ Once, or stopping ──▶ Ended
//!                                                                     └─ a batch ahead ──▶ its logs, then Running
//!
//!   any phase ──failed, stop──▶ ╔═══════╗
//!                               ║ Ended ║   for good: a restart is a new Query over the same checkpoint
//!                               ╚═══════╝
//! ```
//!
//! Two invariants hold throughout: a batch's offsets are durable before anything of it leaves the engine, and a batch is
//! committed only when the sink has it and its state is durable. A query without a checkpoint skips the phases that log.
//! While a batch settles, the job of the next may run already: see `ahead`. A batch whose job kills executors leaves `Running` for
//! the phases of `poison`, which end the query or run the batch again.

mod action;
mod ahead;
mod construct;
mod durable;
mod epochs;
mod letters;
mod phase;
mod poison;
mod report;
mod settle;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::Value;

use self::durable::Durable;
use self::epochs::Epochs;
use self::phase::{Batch, Phase};
use super::checkpoint::Location;
use super::checkpoint::logs::Offsets;
use super::checkpoint::poison::Poison;
use super::checkpoint::resume::Resume;
use super::checkpoint::state::OperatorRecord;
use super::pid::RateEstimator;
use super::progress::Progress;
use super::source::Source;
use super::trigger::Trigger;
use super::watermark::{Policy, WatermarkTracker};
use crate::cluster::runner::ScanBlocks;
use crate::error::SparkError;
use crate::exec::stage::StageGraph;
use crate::ids::{BatchId, JobId, OperatorId, PlanId, RunId, StatePart};
use crate::plan::output_mode::OutputMode;
use crate::settings::{self, Conf};
use crate::storage::files::Files;
use crate::storage::{Reply, Request, StorageError};

pub use self::action::{Action, EventKind, Ticket, Told};
pub use self::durable::KEPT_SETTINGS;

/// What a query is, before it runs.
pub struct Definition {
    /// The query's id: the checkpoint's, or a new one.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// The name that the client chose.
    pub name: Option<String>,
    /// Which rows a batch returns: append, update or complete.
    pub mode: OutputMode,
    /// When batches begin.
    pub trigger: Trigger,
    /// How progress names the sink.
    pub sink: String,
    /// Where the query's logs and state are; `None` keeps nothing.
    pub checkpoint: Option<Location>,
    /// The plan that executors run batch after batch.
    pub plan: PlanId,
    /// The plan's stages, scans, stateful operators and watermarks.
    pub graph: Arc<StageGraph>,
    /// The run as executors know it: state of one run is not mixed with that of another.
    pub run: RunId,
    /// Blocks of the static sides of joins: the same in every batch.
    pub statics: ScanBlocks,
    /// The session's settings, under those that the offset log keeps.
    pub conf: Conf,
}

/// A running query: a state machine from events to actions.
///
/// The driver calls [`Query::open`] once, then [`Query::poll`] when [`Query::wake_at`] has come, and passes on what
/// happens. Every call returns the actions to carry out, in order; calls that do not fit the phase return none.
pub struct Query {
    /// What the query is.
    pub definition: Definition,
    /// Its sources, by their numbers.
    sources: Vec<Source>,
    /// How far event time has come.
    watermark: WatermarkTracker,
    /// The watermark of the batch before: late rows are judged by it.
    late_ms: i64,
    /// The watermark that the last batch evicted by.
    last_evict_ms: Option<i64>,
    /// The batch that comes next, or is in progress.
    next_batch: BatchId,
    /// One per source if back-pressure is on, else none.
    estimators: Vec<RateEstimator>,
    /// A batch of an earlier run that was not committed; taken when it begins.
    again: Option<Offsets>,
    /// What the checkpoint knows of the deaths of that batch.
    poison: Poison,
    /// What a start writes first.
    opening: Vec<Request>,
    /// The checkpoint.
    durable: Option<Durable>,
    /// The last ticket that was used.
    next_ticket: u64,
    /// Writes of write-ahead logs that are not answered yet, and the source of each.
    received: BTreeMap<Ticket, usize>,
    /// Where the loop is.
    phase: Phase,
    /// The batch after the one in progress, if its job has begun.
    ahead: Option<Box<Batch>>,
    /// The epochs of a query whose tasks stay; `None` for micro-batches.
    epochs: Option<Epochs>,
    /// Whether records have come since the loop last looked for a batch ahead.
    arrived: bool,
    /// Whether this run has looked for files.
    discovered: bool,
    /// How far sources that must ask have come with the trigger.
    look: Look,
    /// Whether the query ends after what is in progress.
    stopping: bool,
    /// Progress of the last batches, oldest first.
    recent: VecDeque<Arc<Progress>>,
    /// How many of them are kept (`spark.sql.streaming.numRecentProgressUpdates`).
    recent_limit: usize,
    /// When the last batch began; `None` before the first.
    last_start_ms: Option<i64>,
    /// Counts triggers that found nothing new: `processAllAvailable` waits for one.
    pub idle_triggers: u64,
    /// When the query started, ms since the epoch.
    started_ms: i64,
    /// What `status` says the query does.
    message: String,
}

/// How far sources that must ask what there is have come with a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// They ask at the next trigger.
    Due,
    /// They have asked.
    Asked,
    /// They do not ask again: what there was at the query's start is known.
    Done,
}

/// Returns the stateful operators of a plan, as a checkpoint describes them.
pub fn operator_records(graph: &StageGraph) -> BTreeMap<OperatorId, OperatorRecord> {
    let records = graph.operators.iter().map(|operator| {
        let (key, value) = operator.state_types();
        OperatorRecord {
            name: operator.name.to_owned(),
            partitions: operator.partitions,
            key,
            value,
        }
    });
    let numbered = records.enumerate();
    numbered.map(|(number, record)| (OperatorId(number), record)).collect()
}

impl Query {
    /// Returns a query that begins, or continues where `resume` says; without a checkpoint, `resume` is not used. The
    /// first actions come from [`Query::open`].
    pub fn new(definition: Definition, sources: Vec<Source>, resume: Option<Resume>, now_ms: i64) -> Self {
        let policy = if definition.conf.is(&settings::WATERMARK_POLICY, "max") {
            Policy::Max
        } else {
            Policy::Min
        };
        let idle_timeout_ms = crate::streaming::watermark::idle_timeout_ms(&definition.conf)
            .ok()
            .flatten();
        let delays = definition.graph.watermarks.iter().map(|us| us / 1000).collect();
        let recent_limit = definition.conf.count(&settings::RECENT_PROGRESS).unwrap_or(100);
        let epoch_ms = definition.trigger.epoch_ms();
        let paced = sources.iter().filter(|_| epoch_ms.is_none());
        let estimators = paced.filter_map(|_| RateEstimator::of(&definition.conf));
        let mut query = Self {
            estimators: estimators.collect(),
            watermark: WatermarkTracker::new(delays, policy).with_idle_timeout(idle_timeout_ms, now_ms),
            definition,
            sources,
            late_ms: 0,
            last_evict_ms: None,
            next_batch: BatchId(0),
            again: None,
            poison: Poison::default(),
            opening: vec![],
            durable: None,
            next_ticket: 0,
            received: BTreeMap::new(),
            phase: Phase::Opening { waits: BTreeSet::new() },
            ahead: None,
            epochs: None,
            arrived: false,
            discovered: false,
            look: Look::Due,
            stopping: false,
            recent: VecDeque::new(),
            recent_limit,
            last_start_ms: None,
            idle_triggers: 0,
            started_ms: now_ms,
            message: "Initializing sources".into(),
        };
        query.epochs = epoch_ms.map(|interval_ms| Epochs::new(interval_ms, now_ms));
        if let (Some(resume), Some(at)) = (resume, query.definition.checkpoint.clone()) {
            query.restore(resume, at);
        }
        query
    }

    /// Takes over what a checkpoint holds: offsets, watermarks, the batch that runs again, and what must be written
    /// first.
    fn restore(&mut self, mut resume: Resume, at: Location) {
        self.next_batch = resume.next_batch;
        self.late_ms = resume.last_watermark_ms.unwrap_or(0);
        self.last_evict_ms = resume.last_watermark_ms.filter(|_| self.watermark.is_set());
        self.watermark.restore(resume.watermark_ms, resume.seen_ms.as_deref());
        let starts = resume.starts.take().unwrap_or_default();
        let memories = std::mem::take(&mut resume.memories);
        for ((number, source), memory) in self.sources.iter_mut().enumerate().zip(memories) {
            let start = starts.get(number).unwrap_or(&Value::Null);
            self.opening.extend(source.restore(at.source(number), start, &memory));
        }
        self.again = resume.again.take();
        self.poison = std::mem::take(&mut resume.poison);
        let formats = self.sources.iter().map(|s| s.definition().name.to_owned()).collect();
        let (durable, opening) = Durable::new(at, &self.definition, formats, resume);
        self.opening.extend(opening);
        self.durable = Some(durable);
    }

    /// Begins: returns the writes that must be durable before the first batch.
    pub fn open(&mut self, now_ms: i64) -> Vec<Action> {
        let requests = std::mem::take(&mut self.opening);
        let (waits, actions) = self.ask(requests);
        self.phase = if waits.is_empty() {
            Phase::Waiting { until_ms: now_ms }
        } else {
            Phase::Opening { waits }
        };
        actions
    }

    /// Gives requests their tickets; returns the tickets to wait for, and the actions.
    fn ask(&mut self, requests: impl IntoIterator<Item = Request>) -> (BTreeSet<Ticket>, Vec<Action>) {
        let mut waits = BTreeSet::new();
        let mut actions = Vec::new();
        for request in requests {
            self.next_ticket += 1;
            let ticket = Ticket(self.next_ticket);
            waits.insert(ticket);
            actions.push(Action::Storage { ticket, request });
        }
        (waits, actions)
    }

    /// Takes in the answer to a ticket; an answer that nobody waits for changes nothing, failed deletions among them.
    ///
    /// An error of a write that the loop waits for ends the query. Answers to writes of write-ahead logs are
    /// independent of the phase: records arrive while a batch runs.
    pub fn answered(
        &mut self,
        now_ms: i64,
        ticket: Ticket,
        answer: Result<Reply, StorageError>,
        files: &dyn Files,
    ) -> Vec<Action> {
        if let Some(source) = self.received.remove(&ticket) {
            return match answer {
                Ok(_) => self.record_received(now_ms, source),
                Err(error) => {
                    if let Some(queue) = self.sources.get_mut(source).and_then(Source::queue) {
                        queue.not_written();
                    }
                    self.failed(error.into())
                }
            };
        }
        let waited = match &mut self.phase {
            Phase::Opening { waits }
            | Phase::LoggingSources { waits, .. }
            | Phase::LoggingOffsets { waits, .. }
            | Phase::LoggingDeath { waits, .. }
            | Phase::LoggingAside { waits, .. }
            | Phase::Settling { waits, .. }
            | Phase::LoggingCommit { waits, .. } => waits.remove(&ticket),
            _ => false,
        };
        match answer {
            Ok(_) if waited => self.advance(now_ms, files),
            // A deletion that failed leaves a file too many, which the next start finds.
            Err(error) if waited => {
                let error = self.death().cloned().unwrap_or_else(|| error.into());
                self.failed(error)
            }
            _ => vec![],
        }
    }

    /// Leaves a phase whose waits are over; stays in it otherwise.
    fn advance(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Opening { waits } if waits.is_empty() => vec![],
            Phase::LoggingSources { batch, waits } if waits.is_empty() => self.log_offsets(batch, now_ms, files),
            Phase::LoggingOffsets { mut batch, waits } if waits.is_empty() => {
                batch.marks.push(("walCommit", now_ms));
                self.run(batch, now_ms, files)
            }
            Phase::LoggingDeath { batch, waits, error } if waits.is_empty() => self.dead(batch, error),
            Phase::LoggingAside { batch, waits } if waits.is_empty() => self.run_again(batch),
            Phase::Settling {
                batch,
                waits,
                delivered: true,
            } if waits.is_empty() => self.log_commit(batch, now_ms, files),
            Phase::LoggingCommit { batch, waits } if waits.is_empty() => self.finish(batch, now_ms, files),
            other => {
                self.phase = other;
                vec![]
            }
        }
    }

    /// Takes in records for a source that is filled from outside. With a write-ahead log they count once they are
    /// durable.
    pub fn push(&mut self, source: usize, block: Buffer, now_ms: i64) -> Vec<Action> {
        if !self.is_active() {
            return vec![];
        }
        let write = self
            .sources
            .get_mut(source)
            .and_then(Source::queue)
            .and_then(|q| q.push(block));
        let actions = self.log_received(source, write);
        self.hurry(now_ms);
        actions
    }

    /// Asks for a write of a source's write-ahead log, and notes whose it is.
    fn log_received(&mut self, source: usize, write: Option<Request>) -> Vec<Action> {
        let (tickets, actions) = self.ask(write);
        self.received.extend(tickets.into_iter().map(|ticket| (ticket, source)));
        actions
    }

    /// Notes that a write of a source's write-ahead log is durable; its records can be in a batch now, and the next
    /// write begins.
    fn record_received(&mut self, now_ms: i64, source: usize) -> Vec<Action> {
        if !self.is_active() {
            return vec![];
        }
        let Some(queue) = self.sources.get_mut(source).and_then(Source::queue) else {
            return vec![];
        };
        let next = queue.written();
        let count = queue.durable().unwrap_or(0);
        let mut actions = vec![Action::Received { source, count }];
        actions.extend(self.log_received(source, next));
        self.hurry(now_ms);
        actions
    }

    /// Returns whether the query runs.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    /// Returns whether a batch is in progress (`status.isTriggerActive`).
    pub fn is_trigger_active(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Opening { .. } | Phase::Waiting { .. } | Phase::Ended { .. }
        )
    }

    /// Returns whether a batch would get anything now (`status.isDataAvailable`).
    pub fn is_data_available(&self, now_ms: i64) -> bool {
        self.sources.iter().any(|s| s.has_data(now_ms))
    }

    /// Returns the sources, by their numbers.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Returns the sources, to be filled.
    pub fn sources_mut(&mut self) -> &mut [Source] {
        &mut self.sources
    }

    /// Returns the batch that the sink is about to take; `None` if it has it already, or none is ready.
    pub fn settling(&self) -> Option<BatchId> {
        match &self.phase {
            Phase::Settling {
                batch,
                delivered: false,
                ..
            } => Some(batch.id),
            _ => None,
        }
    }

    /// Returns the files of a piece of state as of a batch, oldest first.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT`, naming the first that is missing. `INTERNAL_ERROR` if the query has no checkpoint.
    pub fn state_files(&self, part: StatePart, batch: BatchId) -> Result<Vec<String>, SparkError> {
        let durable = self.durable.as_ref();
        let durable = durable.ok_or_else(|| SparkError::internal("a query without a checkpoint reads state"))?;
        let files = durable.state().chain(&durable.at, part, batch.0 + 1)?;
        Ok(files.into_iter().map(|file| file.path(&durable.at, part)).collect())
    }

    /// Returns the job that runs the batch in progress.
    pub fn job(&self) -> Option<JobId> {
        if let Phase::Running { job, .. } = &self.phase {
            *job
        } else {
            None
        }
    }

    /// Notes the job that the last `Run` became.
    pub fn set_job(&mut self, id: JobId) {
        match &mut self.phase {
            Phase::Running { job: job @ None, .. } => *job = Some(id),
            _ => {
                if let Some(early) = self.early(None) {
                    early.job = Some(id);
                }
            }
        }
    }

    /// Returns whether what makes the checkpoint this query's is not yet durable.
    pub fn is_opening(&self) -> bool {
        matches!(&self.phase, Phase::Opening { waits } if !waits.is_empty())
    }

    /// Returns when to call [`Query::poll`] next, ms since the epoch; `None` while a batch is in progress and nothing new
    /// has come, or after the end.
    pub fn wake_at(&self) -> Option<i64> {
        match self.phase {
            _ if self.again.is_none()
                && let Some(epochs) = &self.epochs =>
            {
                self.epochs_wake_at(epochs)
            }
            Phase::Waiting { until_ms } => Some(until_ms),
            _ => self.wants_ahead().then_some(i64::MIN),
        }
    }

    /// Ends the polling delay because new records came. A processing-time interval is kept.
    pub fn hurry(&mut self, now_ms: i64) {
        self.arrived = true;
        self.hurry_epochs(now_ms);
        if let (Phase::Waiting { until_ms }, Trigger::ProcessingTime { interval_ms: 0 }) =
            (&mut self.phase, self.definition.trigger)
        {
            *until_ms = now_ms.min(*until_ms);
        }
    }

    /// Takes in that the clock may have been set back: a look that is further off than the next by the clock as it is comes at
    /// that one.
    pub fn mind_clock(&mut self, now_ms: i64) {
        if let Phase::Waiting { until_ms } = &mut self.phase {
            *until_ms = (*until_ms).min(self.definition.trigger.next_ms(now_ms, false));
        }
    }

    /// Looks whether a batch is due, and begins it; or, if records have come while one is settled, the job of the next.
    /// Before its time it does nothing.
    pub fn poll(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        if self.epochs.is_some() && self.again.is_none() {
            return self.poll_epochs(now_ms, files);
        }
        if self.wants_ahead() {
            return self.look_ahead(now_ms, files);
        }
        let Phase::Waiting { until_ms } = self.phase else {
            return vec![];
        };
        if now_ms < until_ms {
            return vec![];
        }
        if self.stopping {
            return self.end(None);
        }
        if let Some(error) = self.source_failure(now_ms) {
            return self.failed(error);
        }
        if let Some(asked) = self.look() {
            return asked;
        }
        if let Err(error) = self.discover(files) {
            return self.failed(error);
        }
        match self.construct(self.next_batch, now_ms) {
            Some(batch) => self.begin(batch, now_ms, files),
            None => {
                self.note_idle();
                self.message = "Waiting for data to arrive".into();
                let exhausted = !self.sources.is_empty() && self.sources.iter().all(Source::exhausted);
                // Sources that must look again do so at the next trigger, though it ends the query; what comes is waited for.
                let is_known = self.look != Look::Due && !self.sources.iter().any(Source::receives);
                if (self.definition.trigger.ends() && is_known) || exhausted {
                    return self.end(None);
                }
                self.phase = Phase::Waiting {
                    until_ms: self.definition.trigger.next_ms(now_ms, false),
                };
                vec![]
            }
        }
    }

    /// Counts a trigger that found nothing new, unless records are on their way into a write-ahead log: no batch can
    /// have them yet, but `processAllAvailable` must wait for them.
    fn note_idle(&mut self) {
        if !self.sources.iter().any(Source::receives) {
            self.idle_triggers += 1;
        }
    }

    /// Ends the query at once; a batch in progress is given up, and runs again under the same id after a restart.
    pub fn stop(&mut self) -> Vec<Action> {
        self.stopping = true;
        if self.is_active() { self.end(None) } else { vec![] }
    }
}
