//! The query loop: log → run → sink → commit, one micro-batch at a time.
//!
//! `construct` decides what a batch takes, `settle` what its end asks for, `report` what is told of it. Everything that
//! must be durable is an [`Action::Storage`] with a [`Ticket`]; the loop goes on when the tickets it waits for are answered.

mod construct;
mod durable;
mod report;
mod settle;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::Value;

use self::durable::Durable;
use super::checkpoint::Location;
use super::checkpoint::logs::Offsets;
use super::checkpoint::resume::Resume;
use super::checkpoint::state::OperatorRecord;
use super::pid::RateEstimator;
use super::progress::{SourceProgress, StateProgress};
use super::source::{Share, Source};
use super::trigger::Trigger;
use super::watermark::{Policy, WatermarkTracker};
use crate::cluster::runner::{JobRequest, ScanBlocks};
use crate::error::SparkError;
use crate::exec::inputs::EventTimeStats;
use crate::exec::stage::StageGraph;
use crate::ids::{BatchId, JobId, OperatorId, PlanId, RunId, StatePart};
use crate::plan::output_mode::OutputMode;
use crate::settings::{self, Conf};
use crate::storage::files::Files;
use crate::storage::{Reply, Request, StorageError};

pub use self::durable::KEPT_SETTINGS;

/// What a query is, before it runs.
pub struct Definition {
    pub id: String,
    pub run_id: String,
    pub name: Option<String>,
    pub mode: OutputMode,
    pub trigger: Trigger,
    pub sink: String,
    /// Where the query's logs and state are; none keeps nothing.
    pub checkpoint: Option<Location>,
    pub plan: PlanId,
    pub graph: Arc<StageGraph>,
    pub run: RunId,
    /// Blocks of the static sides of joins: the same in every batch.
    pub statics: ScanBlocks,
    /// The session's settings, under those that the offset log keeps.
    pub conf: Conf,
}

/// Names one request to storage within a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the loop wants done. Each `Storage` and `Deliver` is answered once.
#[derive(Debug)]
pub enum Action {
    /// The answer is [`Query::answered`]. Requests are carried out in their order.
    Storage { ticket: Ticket, request: Request },
    /// Run the plan; the answer is [`Query::job_done`] or [`Query::failed`].
    Run(JobRequest),
    /// Hand rows to the sink; the answer is [`Query::delivered`].
    Deliver { batch_id: BatchId, blocks: Vec<Buffer> },
    /// So many blocks of a source have been received for good.
    Received { source: usize, count: i64 },
    /// Tell listeners.
    Event { kind: EventKind, json: String },
    /// The query is over; the error that ended it, if one did.
    Terminated { error: Option<SparkError> },
}

/// What happened to a query, as listeners are called (Spark's `StreamingQueryListener.Event`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It started: `QueryStartedEvent`.
    Started,
    /// A batch has ended: `QueryProgressEvent`.
    Progress,
    /// It is over: `QueryTerminatedEvent`.
    Terminated,
}

impl EventKind {
    /// Returns the kind's name on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Progress => "progress",
            Self::Terminated => "terminated",
        }
    }
}

#[derive(Debug)]
enum Phase {
    /// Until what a start writes is durable.
    Opening {
        waits: BTreeSet<Ticket>,
    },
    /// Until the next trigger.
    Waiting {
        until_ms: i64,
    },
    /// What sources must remember comes before the offsets.
    LoggingSources {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
    },
    LoggingOffsets {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
    },
    Running {
        batch: Box<Batch>,
        job: Option<JobId>,
    },
    /// The sink takes the rows while the state is written.
    Settling {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
        delivered: bool,
    },
    LoggingCommit {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
    },
    Ended {
        error: Option<SparkError>,
    },
}

/// The batch in progress.
#[derive(Debug, Default)]
struct Batch {
    id: BatchId,
    /// When this try of it began; for durations.
    started_ms: i64,
    /// The batch's own time: that of its first try.
    timestamp_ms: i64,
    marks: Vec<(&'static str, i64)>,
    shares: Vec<Share>,
    sources: Vec<SourceProgress>,
    watermark_ms: i64,
    event_times: Vec<EventTimeStats>,
    state: Vec<StateProgress>,
    output_rows: i64,
}

/// A running query.
pub struct Query {
    pub definition: Definition,
    sources: Vec<Source>,
    watermark: WatermarkTracker,
    /// The watermark of the batch before: late rows are judged by it.
    late_ms: i64,
    /// The watermark that the last batch evicted by.
    last_evict_ms: Option<i64>,
    next_batch: BatchId,
    /// One a source, where back-pressure is on.
    estimators: Vec<RateEstimator>,
    /// A batch of an earlier run that was not committed.
    again: Option<Offsets>,
    /// What a start writes first.
    opening: Vec<Request>,
    durable: Option<Durable>,
    next_ticket: u64,
    /// Writes of write-ahead logs under way: whose.
    received: BTreeMap<Ticket, usize>,
    phase: Phase,
    /// Whether this run has looked for files.
    discovered: bool,
    stopping: bool,
    recent: VecDeque<Value>,
    recent_limit: usize,
    last_start_ms: Option<i64>,
    /// Counts triggers that found nothing new: `processAllAvailable` waits for one.
    pub idle_triggers: u64,
    started_ms: i64,
    message: String,
}

/// The stateful operators of a plan, as a checkpoint describes them.
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
    /// A query that begins, or goes on where `resume` says; without a checkpoint there is none. The first actions come from
    /// [`Query::open`].
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
        let estimators = sources.iter().filter_map(|_| RateEstimator::of(&definition.conf));
        let mut query = Self {
            estimators: estimators.collect(),
            watermark: WatermarkTracker::new(delays, policy).with_idle_timeout(idle_timeout_ms, now_ms),
            definition,
            sources,
            late_ms: 0,
            last_evict_ms: None,
            next_batch: BatchId(0),
            again: None,
            opening: vec![],
            durable: None,
            next_ticket: 0,
            received: BTreeMap::new(),
            phase: Phase::Opening { waits: BTreeSet::new() },
            discovered: false,
            stopping: false,
            recent: VecDeque::new(),
            recent_limit,
            last_start_ms: None,
            idle_triggers: 0,
            started_ms: now_ms,
            message: "Initializing sources".into(),
        };
        if let (Some(resume), Some(at)) = (resume, query.definition.checkpoint.clone()) {
            query.restore(resume, at);
        }
        query
    }

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
        let formats = self.sources.iter().map(|s| s.definition().name.to_owned()).collect();
        let (durable, opening) = Durable::new(at, &self.definition, formats, resume);
        self.opening.extend(opening);
        self.durable = Some(durable);
    }

    /// Begins: what must be durable before the first batch.
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

    /// Gives requests their tickets.
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

    /// Storage has answered a ticket; an answer that nobody waits for changes nothing.
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
            | Phase::Settling { waits, .. }
            | Phase::LoggingCommit { waits, .. } => waits.remove(&ticket),
            _ => false,
        };
        match answer {
            Ok(_) if waited => self.advance(now_ms, files),
            // A deletion that failed leaves a file too many, which the next start finds.
            Err(error) if waited => self.failed(error.into()),
            _ => vec![],
        }
    }

    /// Leaves a phase whose waits are over.
    fn advance(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Opening { waits } if waits.is_empty() => vec![],
            Phase::LoggingSources { batch, waits } if waits.is_empty() => self.log_offsets(batch, files),
            Phase::LoggingOffsets { mut batch, waits } if waits.is_empty() => {
                batch.marks.push(("walCommit", now_ms));
                self.run(batch, files)
            }
            Phase::Settling {
                batch,
                waits,
                delivered: true,
            } if waits.is_empty() => self.log_commit(batch, now_ms),
            Phase::LoggingCommit { batch, waits } if waits.is_empty() => self.finish(batch, now_ms),
            other => {
                self.phase = other;
                vec![]
            }
        }
    }

    /// Records for a source that is filled from outside.
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

    fn log_received(&mut self, source: usize, write: Option<Request>) -> Vec<Action> {
        let (tickets, actions) = self.ask(write);
        self.received.extend(tickets.into_iter().map(|ticket| (ticket, source)));
        actions
    }

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

    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    pub fn is_trigger_active(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Opening { .. } | Phase::Waiting { .. } | Phase::Ended { .. }
        )
    }

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

    /// The batch that the sink has, or is about to take.
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

    /// The files of a piece of state as of a batch, oldest first.
    ///
    /// # Errors
    /// `CHECKPOINT_CORRUPT`, naming the first that is missing.
    pub fn state_files(&self, part: StatePart, batch: BatchId) -> Result<Vec<String>, SparkError> {
        let durable = self.durable.as_ref();
        let durable = durable.ok_or_else(|| SparkError::internal("a query without a checkpoint reads state"))?;
        let files = durable.state().chain(&durable.at, part, batch.0 + 1)?;
        Ok(files.into_iter().map(|file| file.path(&durable.at, part)).collect())
    }

    /// The job that runs the batch in progress.
    pub fn job(&self) -> Option<JobId> {
        if let Phase::Running { job, .. } = &self.phase {
            *job
        } else {
            None
        }
    }

    /// Notes the job that the last `Run` became.
    pub fn set_job(&mut self, id: JobId) {
        if let Phase::Running { job, .. } = &mut self.phase {
            *job = Some(id);
        }
    }

    /// When to call [`Query::poll`] next.
    pub fn wake_at(&self) -> Option<i64> {
        if let Phase::Waiting { until_ms } = self.phase {
            Some(until_ms)
        } else {
            None
        }
    }

    /// New records came: no need to wait out the polling delay. A processing-time interval is kept.
    pub fn hurry(&mut self, now_ms: i64) {
        if let (Phase::Waiting { until_ms }, Trigger::ProcessingTime { interval_ms: 0 }) =
            (&mut self.phase, self.definition.trigger)
        {
            *until_ms = now_ms.min(*until_ms);
        }
    }

    /// Looks whether a batch is due, and begins it.
    pub fn poll(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        let Phase::Waiting { until_ms } = self.phase else {
            return vec![];
        };
        if now_ms < until_ms {
            return vec![];
        }
        if self.stopping {
            return self.end(None);
        }
        match self.construct(now_ms, files) {
            Ok(Some(batch)) => self.begin(batch, files),
            Ok(None) => {
                self.note_idle();
                self.message = "Waiting for data to arrive".into();
                let exhausted = !self.sources.is_empty() && self.sources.iter().all(Source::exhausted);
                if self.definition.trigger.ends() || exhausted {
                    return self.end(None);
                }
                self.phase = Phase::Waiting {
                    until_ms: self.definition.trigger.next_ms(now_ms, false),
                };
                vec![]
            }
            Err(error) => self.failed(error),
        }
    }

    /// A trigger found nothing new. Records on their way into a write-ahead log are there, but no batch can have them yet.
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
