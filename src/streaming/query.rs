//! The query loop: log → run → sink → commit, one micro-batch at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::progress::{Progress, SourceProgress, instant};
use super::source::{Files, Source, deal};
use super::trigger::Trigger;
use super::watermark::{Policy, WatermarkTracker};
use crate::cluster::message::{PlanId, RunId};
use crate::cluster::runner::{JobRequest, Outcome, ScanBlocks};
use crate::error::{Exception, SparkError};
use crate::exec::inputs::{BatchContext, EventTimeStats, OutputMode, StateStats};
use crate::exec::stage::StageGraph;
use crate::plan::conf::Conf;
use crate::plan::scan::{Format, Origin};
use crate::scheduler::JobId;

/// What a query is, before it runs.
pub struct Definition {
    pub id: String,
    pub run_id: String,
    pub name: Option<String>,
    pub mode: OutputMode,
    pub trigger: Trigger,
    pub sink: String,
    /// Folder of the logs; none keeps no logs.
    pub checkpoint: Option<String>,
    pub plan: PlanId,
    pub graph: Arc<StageGraph>,
    pub run: RunId,
    /// Blocks of the static sides of joins: the same in every batch.
    pub statics: ScanBlocks,
    pub conf: Conf,
}

/// What the loop wants done. Each `Store` and `Deliver` is answered once, in order.
#[derive(Debug)]
pub enum Action {
    /// Write a log entry; the answer is [`Query::stored`].
    Store { path: String, text: String },
    /// Run the plan; the answer is [`Query::job_done`] or [`Query::failed`].
    Run(JobRequest),
    /// Hand rows to the sink; the answer is [`Query::delivered`].
    Deliver { batch_id: i64, blocks: Vec<Buffer> },
    /// Tell listeners.
    Event { kind: &'static str, json: String },
    /// The query is over; the error that ended it, if one did.
    Terminated { error: Option<SparkError> },
}

#[derive(Debug)]
enum Phase {
    /// Until the next trigger.
    Waiting {
        until_ms: i64,
    },
    LoggingOffsets(Box<Batch>),
    Running {
        batch: Box<Batch>,
        job: Option<JobId>,
    },
    Delivering(Box<Batch>),
    LoggingCommit(Box<Batch>),
    Ended {
        error: Option<SparkError>,
    },
}

/// The batch in progress.
#[derive(Debug, Default)]
struct Batch {
    id: i64,
    started_ms: i64,
    marks: Vec<(&'static str, i64)>,
    request: JobRequest,
    sources: Vec<SourceProgress>,
    watermark_ms: i64,
    event_times: Vec<EventTimeStats>,
    state: Vec<(String, usize, StateStats)>,
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
    next_batch: i64,
    phase: Phase,
    stopping: bool,
    recent: VecDeque<Value>,
    recent_limit: usize,
    last_start_ms: Option<i64>,
    /// Counts triggers that found nothing new: `processAllAvailable` waits for one.
    pub idle_triggers: u64,
    started_ms: i64,
    message: String,
}

impl Query {
    pub fn new(definition: Definition, sources: Vec<Source>, now_ms: i64) -> Self {
        let policy = match definition.conf.get("spark.sql.streaming.multipleWatermarkPolicy") {
            Some(word) if word.eq_ignore_ascii_case("max") => Policy::Max,
            _ => Policy::Min,
        };
        let delays = definition.graph.watermarks.iter().map(|us| us / 1000).collect();
        let recent_limit = definition
            .conf
            .get("spark.sql.streaming.numRecentProgressUpdates")
            .and_then(|n| n.parse().ok())
            .unwrap_or(100);
        Self {
            watermark: WatermarkTracker::new(delays, policy),
            definition,
            sources,
            late_ms: 0,
            last_evict_ms: None,
            next_batch: 0,
            phase: Phase::Waiting { until_ms: now_ms },
            stopping: false,
            recent: VecDeque::new(),
            recent_limit,
            last_start_ms: None,
            idle_triggers: 0,
            started_ms: now_ms,
            message: "Initializing sources".into(),
        }
    }

    /// The event that tells listeners of the start.
    pub fn started_event(&self) -> String {
        let d = &self.definition;
        json!({ "id": d.id, "runId": d.run_id, "name": d.name, "timestamp": instant(self.started_ms), "jobTags": [] })
            .to_string()
    }

    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    pub fn error(&self) -> Option<&SparkError> {
        if let Phase::Ended { error } = &self.phase {
            error.as_ref()
        } else {
            None
        }
    }

    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.recent.iter()
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn is_trigger_active(&self) -> bool {
        !matches!(self.phase, Phase::Waiting { .. } | Phase::Ended { .. })
    }

    pub fn is_data_available(&self, now_ms: i64) -> bool {
        self.sources.iter().any(|s| s.has_data(now_ms))
    }

    pub fn sources_mut(&mut self) -> &mut [Source] {
        &mut self.sources
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
            Ok(Some(batch)) => self.begin(batch),
            Ok(None) => {
                self.idle_triggers += 1;
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

    /// The next batch, if there is one: new data, or a watermark that closes state.
    fn construct(&mut self, now_ms: i64, files: &dyn Files) -> Result<Option<Box<Batch>>, SparkError> {
        let first = self.next_batch == 0;
        if !self.definition.trigger.ends() || first {
            for source in &mut self.sources {
                source.discover(files)?;
            }
        }
        let listed_ms = now_ms;
        let data = self.sources.iter().any(|s| s.has_data(now_ms));
        if !data && !self.no_data_batch_is_due() {
            return Ok(None);
        }
        let mut batch = Batch {
            id: self.next_batch,
            started_ms: now_ms,
            ..Batch::default()
        };
        batch.marks.push(("latestOffset", listed_ms));
        batch.request.scans.clone_from(&self.definition.statics);
        let all = self.definition.trigger == Trigger::Once;
        for source in &mut self.sources {
            let fetched = if source.has_data(now_ms) {
                source.fetch(now_ms, all, files)?
            } else {
                super::source::Fetched {
                    blocks: vec![],
                    start: source.offset().clone(),
                    end: source.offset().clone(),
                }
            };
            let scan = &self.definition.graph.scans[source.scan];
            let lines = matches!(&scan.origin, Origin::Blocks { format: Format::Json | Format::Csv | Format::Text, options } if !options.contains_key("header"));
            batch
                .request
                .scans
                .extend(deal(fetched.blocks, lines, source.scan, scan.partitions));
            batch.sources.push(SourceProgress {
                description: source.description.clone(),
                start: fetched.start,
                end: fetched.end,
                rows: 0,
                malformed: 0,
            });
        }
        batch.watermark_ms = self.watermark.current_ms();
        let set = self.watermark.is_set();
        batch.request.batch = Some(BatchContext {
            batch_id: batch.id,
            mode: self.definition.mode,
            late_us: set.then_some(self.late_ms * 1000),
            evict_us: set.then_some(batch.watermark_ms * 1000),
        });
        batch.request.run = Some(self.definition.run);
        batch.request.description = format!(
            "batch {} of {}",
            batch.id,
            self.definition.name.as_deref().unwrap_or(&self.definition.id)
        );
        Ok(Some(Box::new(batch)))
    }

    /// `shouldRunAnotherBatch`: the watermark moved since the last batch, and an operator emits by it.
    fn no_data_batch_is_due(&self) -> bool {
        let enabled = self
            .definition
            .conf
            .bool("spark.sql.streaming.noDataMicroBatches.enabled");
        let uses = self.definition.graph.operators.iter().any(|o| o.uses_watermark)
            && self.definition.mode != OutputMode::Complete;
        enabled
            && uses
            && self
                .last_evict_ms
                .is_some_and(|last| self.watermark.current_ms() > last)
    }

    fn begin(&mut self, batch: Box<Batch>) -> Vec<Action> {
        self.message = "Processing new data".into();
        let store = self.definition.checkpoint.as_ref().map(|folder| Action::Store {
            path: format!("{folder}/offsets/{}", batch.id),
            text: self.offset_log(&batch),
        });
        match store {
            Some(store) => {
                self.phase = Phase::LoggingOffsets(batch);
                vec![store]
            }
            None => self.run(batch),
        }
    }

    /// `OffsetSeqLog`'s text: version, metadata, one line a source.
    fn offset_log(&self, batch: &Batch) -> String {
        let metadata = json!({
            "batchWatermarkMs": batch.watermark_ms, "batchTimestampMs": batch.started_ms,
            "conf": { "spark.sql.shuffle.partitions": self.definition.conf.shuffle_partitions().to_string() },
        });
        let mut lines = vec!["v1".to_owned(), metadata.to_string()];
        lines.extend(
            batch
                .sources
                .iter()
                .map(|s| if s.end.is_null() { "-".into() } else { s.end.to_string() }),
        );
        lines.join("\n")
    }

    fn run(&mut self, mut batch: Box<Batch>) -> Vec<Action> {
        let request = std::mem::take(&mut batch.request);
        self.phase = Phase::Running { batch, job: None };
        vec![Action::Run(request)]
    }

    /// A log entry is durable.
    pub fn stored(&mut self, now_ms: i64) -> Vec<Action> {
        match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::LoggingOffsets(mut batch) => {
                batch.marks.push(("walCommit", now_ms));
                self.run(batch)
            }
            Phase::LoggingCommit(batch) => self.finish(batch, now_ms),
            other => {
                self.phase = other;
                vec![]
            }
        }
    }

    /// The batch's job is done.
    pub fn job_done(&mut self, now_ms: i64, outcome: Outcome) -> Vec<Action> {
        let mut batch = match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Running { batch, .. } => batch,
            other => {
                self.phase = other;
                return vec![];
            }
        };
        batch.marks.push(("queryPlanning", batch.started_ms));
        let graph = &self.definition.graph;
        let mut event_times: BTreeMap<usize, EventTimeStats> = BTreeMap::new();
        let mut state: BTreeMap<usize, StateStats> = BTreeMap::new();
        for (stage, _, report) in &outcome.reports {
            for (number, stats) in &report.event_times {
                let entry = event_times.entry(*number).or_default();
                *entry = entry.merged(stats);
            }
            for (operator, s) in &report.state {
                let total = state.entry(*operator).or_default();
                *total = total.merged(s);
            }
            for (source, progress) in self.sources.iter().zip(&mut batch.sources) {
                progress.rows += report.scanned_rows.get(&source.scan).copied().unwrap_or(0);
                progress.malformed += report.malformed_records.get(&source.scan).copied().unwrap_or(0);
            }
            if *stage + 1 == graph.stages.len() {
                batch.output_rows += report.output_rows as i64;
            }
        }
        batch.event_times = (0..graph.watermarks.len())
            .map(|i| event_times.get(&i).copied().unwrap_or_default())
            .collect();
        batch.state = graph
            .operators
            .iter()
            .enumerate()
            .map(|(i, o)| {
                (
                    o.name.to_owned(),
                    o.partitions,
                    state.get(&i).copied().unwrap_or_default(),
                )
            })
            .collect();
        let batch_id = batch.id;
        self.phase = Phase::Delivering(batch);
        vec![Action::Deliver {
            batch_id,
            blocks: outcome.results,
        }]
    }

    /// The sink has the batch, or has not.
    pub fn delivered(&mut self, now_ms: i64, result: Result<(), SparkError>) -> Vec<Action> {
        let mut batch = match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Delivering(batch) => batch,
            other => {
                self.phase = other;
                return vec![];
            }
        };
        if let Err(error) = result {
            return self.failed(error);
        }
        batch.marks.push(("addBatch", now_ms));
        if self.watermark.is_set() {
            self.late_ms = batch.watermark_ms;
            self.last_evict_ms = Some(batch.watermark_ms);
            self.watermark.advance(&batch.event_times);
        }
        match &self.definition.checkpoint {
            Some(folder) => {
                let path = format!("{folder}/commits/{}", batch.id);
                let next = json!({ "nextBatchWatermarkMs": self.watermark.current_ms() });
                self.phase = Phase::LoggingCommit(batch);
                vec![Action::Store {
                    path,
                    text: format!("v1\n{next}"),
                }]
            }
            None => self.finish(batch, now_ms),
        }
    }

    fn finish(&mut self, mut batch: Box<Batch>, now_ms: i64) -> Vec<Action> {
        batch.marks.push(("commitOffsets", now_ms));
        self.next_batch = batch.id + 1;
        let progress = self.progress(&batch, now_ms);
        self.last_start_ms = Some(batch.started_ms);
        let json = progress.json();
        let event = Action::Event {
            kind: "progress",
            json: json.to_string(),
        };
        self.recent.push_back(json);
        while self.recent.len() > self.recent_limit {
            self.recent.pop_front();
        }
        let mut actions = vec![event];
        if self.stopping || self.definition.trigger == Trigger::Once {
            actions.extend(self.end(None));
        } else {
            self.phase = Phase::Waiting {
                until_ms: self.definition.trigger.next_ms(now_ms, true),
            };
        }
        actions
    }

    fn progress(&self, batch: &Batch, now_ms: i64) -> Progress {
        let mut duration_ms = BTreeMap::new();
        let mut at = batch.started_ms;
        for (mark, ms) in &batch.marks {
            let length = (ms - at).max(0);
            duration_ms.insert((*mark).to_owned(), length);
            at = (*ms).max(at);
        }
        duration_ms.insert("triggerExecution".into(), now_ms - batch.started_ms);
        let seen = batch
            .event_times
            .iter()
            .fold(EventTimeStats::default(), |a, b| a.merged(b));
        Progress {
            id: self.definition.id.clone(),
            run_id: self.definition.run_id.clone(),
            name: self.definition.name.clone(),
            started_ms: batch.started_ms,
            batch_id: batch.id,
            duration_ms,
            since_last_ms: self.last_start_ms.map(|last| batch.started_ms - last),
            event_time: self.watermark.is_set().then_some((seen, batch.watermark_ms)),
            state: batch.state.clone(),
            sources: batch.sources.clone(),
            sink: self.definition.sink.clone(),
            output_rows: batch.output_rows,
            observed: BTreeMap::new(),
        }
    }

    /// Something that the batch needs failed: the query ends with it, if it has not ended before.
    pub fn failed(&mut self, error: SparkError) -> Vec<Action> {
        if !self.is_active() {
            return vec![];
        }
        let d = &self.definition;
        let sentence = format!(
            "[STREAM_FAILED] Query [id = {}, runId = {}] terminated with exception: {error}",
            d.id, d.run_id
        );
        let mut wrapped = SparkError::new(
            Exception::StreamingQuery,
            "STREAM_FAILED",
            "XXKST",
            sentence.trim_start_matches("[STREAM_FAILED] "),
        );
        wrapped.parameters.insert("id".into(), d.id.clone());
        wrapped.parameters.insert("runId".into(), d.run_id.clone());
        wrapped.parameters.insert("message".into(), error.to_string());
        if let Some(cause) = error.condition {
            wrapped.parameters.insert("cause".into(), cause);
        }
        self.end(Some(wrapped))
    }

    /// Ends the query at once; a batch in progress is given up, and would run again under the same id after a restart.
    pub fn stop(&mut self) -> Vec<Action> {
        self.stopping = true;
        if self.is_active() { self.end(None) } else { vec![] }
    }

    fn end(&mut self, error: Option<SparkError>) -> Vec<Action> {
        let d = &self.definition;
        let event = json!({
            "id": d.id, "runId": d.run_id, "exception": error.as_ref().map(SparkError::full_message),
            "errorClassOnException": error.as_ref().and_then(|e| e.parameters.get("cause").cloned().or_else(|| e.condition.clone())),
        });
        self.message = error.as_ref().map_or_else(
            || "Stopped".into(),
            |e| format!("Terminated with exception: {}", e.message),
        );
        self.phase = Phase::Ended { error: error.clone() };
        vec![
            Action::Event {
                kind: "terminated",
                json: event.to_string(),
            },
            Action::Terminated { error },
        ]
    }
}
