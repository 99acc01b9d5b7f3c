//! What a task is given and what it returns besides its rows.
//!
//! Operators are the same for every task of a stage; all that differs (blocks, watermarks, state) reaches them through
//! [`TaskInputs`], an extension of DataFusion's task context.
//!
//! Everything here that travels between driver and executor is plain data: [`BatchContext`] goes out with the task,
//! [`TaskReport`] comes back with its end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::{Array, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::compute::{max, min};
use datafusion_execution::TaskContext;
use serde::{Deserialize, Serialize};

use super::memory::Runtime;
use super::pace::Pace;
use super::program::SharedHost;
use super::state::{Body, OperatorState, Restore};
use crate::error::{Result, SparkError};
use crate::ids::{BatchId, OperatorId, PlanId, ScanId, StageId};
use crate::plan::output_mode::OutputMode;
use crate::values::base64::to_base64;

/// How much of a batch an operator works on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Extent {
    /// All of a micro-batch.
    #[default]
    Batch,
    /// Rows of an epoch as they come; more follow. State takes them in, and closes nothing yet.
    Rows,
    /// The end of an epoch: no more rows of it follow. State closes what is due, and its change since the last end is made
    /// durable.
    End,
}

/// What a micro-batch's operators need to know of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchContext {
    /// The batch's number.
    pub batch_id: BatchId,
    /// Which rows stateful operators emit.
    pub mode: OutputMode,
    /// The batch's own time, that of its first try: `current_timestamp()` of processing-time timeouts. ms since the
    /// epoch.
    pub time_ms: i64,
    /// The watermark of the previous batch: rows at or before it are late. µs since the epoch; `None` without a
    /// watermark.
    pub late_us: Option<i64>,
    /// The watermark of this batch: state at or before it is final. µs since the epoch; `None` without a watermark.
    pub evict_us: Option<i64>,
    /// How much of the batch is worked on.
    #[serde(default)]
    pub extent: Extent,
}

impl BatchContext {
    /// Returns whether the state's change is wanted after this: not while more rows of an epoch follow.
    pub fn commits(&self) -> bool {
        self.extent != Extent::Rows
    }

    /// Returns the context in which rows of an epoch are worked on as they come; the epoch closes by its end's.
    #[must_use]
    pub fn of_rows(&self) -> Self {
        Self {
            evict_us: None,
            extent: Extent::Rows,
            ..*self
        }
    }

    /// Returns the batch as an operator sees it whose watermark is `shift_us` from the query's; with `None` it has no
    /// watermark.
    fn shifted(&self, shift_us: Option<i64>) -> Self {
        let at = |watermark: Option<i64>| watermark.zip(shift_us).map(|(w, by)| w.saturating_add(by));
        Self {
            late_us: at(self.late_us),
            evict_us: at(self.evict_us),
            ..*self
        }
    }
}

/// Event times that one watermark saw; µs since the epoch. Without any, the count is 0 and the rest means nothing.
///
/// ```
/// use rivulet::exec::inputs::EventTimeStats;
///
/// let seen = EventTimeStats::of(&vec![Some(30), None, Some(10)].into());
/// assert_eq!((seen.min_us, seen.max_us, seen.sum_us, seen.count), (10, 30, 40.0, 2));
/// assert_eq!(seen.merged(&EventTimeStats::default()), seen);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EventTimeStats {
    /// The latest.
    pub max_us: i64,
    /// The earliest.
    pub min_us: i64,
    /// Their sum, for the average.
    pub sum_us: f64,
    /// How many there were; nulls do not count.
    pub count: u64,
}

impl EventTimeStats {
    /// Returns what a watermark keeps of times; nulls do not count.
    pub fn of(times: &TimestampMicrosecondArray) -> Self {
        let (Some(min_us), Some(max_us)) = (min(times), max(times)) else {
            return Self::default();
        };
        Self {
            max_us,
            min_us,
            sum_us: times.iter().flatten().map(|us| us as f64).sum(),
            count: (times.len() - times.null_count()) as u64,
        }
    }

    /// Returns what both saw together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        match (self.count, other.count) {
            (0, _) => *other,
            (_, 0) => *self,
            _ => Self {
                max_us: self.max_us.max(other.max_us),
                min_us: self.min_us.min(other.min_us),
                sum_us: self.sum_us + other.sum_us,
                count: self.count + other.count,
            },
        }
    }
}

/// What a stateful operator did in one task (`StateOperatorProgress`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateStats {
    /// Rows of the state after the batch.
    pub rows_total: u64,
    /// Rows that the batch put into the state.
    pub rows_updated: u64,
    /// Rows that left the state.
    pub rows_removed: u64,
    /// Rows that were late (`numRowsDroppedByWatermark`).
    pub rows_dropped: u64,
    /// Rows that deduplication left out (`numDroppedDuplicateRows`).
    pub rows_duplicate: u64,
    /// Memory that the state takes, about.
    pub bytes: u64,
    /// The earliest watermark, µs, at which something leaves the state; `i64::MAX` if none does, `i64::MIN` if the operator
    /// does not say.
    pub wakes_at_us: i64,
}

impl Default for StateStats {
    fn default() -> Self {
        Self {
            rows_total: 0,
            rows_updated: 0,
            rows_removed: 0,
            rows_dropped: 0,
            rows_duplicate: 0,
            bytes: 0,
            wakes_at_us: i64::MAX,
        }
    }
}

impl StateStats {
    /// Returns what is known of an operator that does not say when it wakes.
    pub fn unknown() -> Self {
        Self {
            wakes_at_us: i64::MIN,
            ..Self::default()
        }
    }

    /// Returns what a batch reports that leaves the state as it is.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self {
            rows_total: self.rows_total,
            bytes: self.bytes,
            wakes_at_us: self.wakes_at_us,
            ..Self::default()
        }
    }

    /// Returns the sums over both tasks; what wakes one of them wakes both.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self {
            wakes_at_us: self.wakes_at_us.min(other.wakes_at_us),
            rows_total: self.rows_total + other.rows_total,
            rows_updated: self.rows_updated + other.rows_updated,
            rows_removed: self.rows_removed + other.rows_removed,
            rows_dropped: self.rows_dropped + other.rows_dropped,
            rows_duplicate: self.rows_duplicate + other.rows_duplicate,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// A record that could not be processed, as it is written for people to read.
///
/// ```
/// use rivulet::exec::inputs::DeadLetter;
///
/// assert_eq!(DeadLetter::of(b"{}\r\n"), DeadLetter::Text("{}".into()));
/// assert_eq!(DeadLetter::of(b"\xff\xfe"), DeadLetter::Base64("//4=".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeadLetter {
    /// Its text, without the end of its line.
    Text(String),
    /// All its bytes in base 64, as they are not UTF-8.
    Base64(String),
}

impl DeadLetter {
    /// Returns the form of a record's bytes.
    pub fn of(record: &[u8]) -> Self {
        match std::str::from_utf8(record) {
            Ok(text) => Self::Text(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(_) => Self::Base64(to_base64(record)),
        }
    }
}

/// Counters of a task, for progress and status.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskReport {
    /// Event times by number of the watermark.
    pub event_times: BTreeMap<usize, EventTimeStats>,
    /// What stateful operators did, by their names.
    pub state: BTreeMap<OperatorId, StateStats>,
    /// Rows read by scan.
    pub scanned_rows: BTreeMap<ScanId, u64>,
    /// Malformed records by scan, whatever the mode did with them.
    pub malformed_records: BTreeMap<ScanId, u64>,
    /// The same themselves, of scans with the option `deadLetterPath`.
    pub dead_letters: BTreeMap<ScanId, Vec<DeadLetter>>,
    /// Rows that the task's tree returned.
    pub output_rows: u64,
    /// Bytes that its operators wrote to the executor's storage for want of memory (`diskBytesSpilled`).
    pub spilled_bytes: u64,
    /// Bytes of the executor's heap after the task, which never shrinks; 0 where memory is given back.
    pub heap_bytes: u64,
    /// Lots of rows that a task which stays has handed to the page since it stays.
    pub lots: u64,
}

impl TaskReport {
    /// Adds what was counted for later rows of the same epoch; what is said of a state as a whole takes the place of what was.
    pub fn add(&mut self, later: Self) {
        for (number, stats) in later.event_times {
            let own = self.event_times.entry(number).or_default();
            *own = own.merged(&stats);
        }
        for (operator, stats) in later.state {
            let own = self.state.entry(operator).or_insert(stats.at_rest());
            *own = StateStats {
                rows_updated: own.rows_updated + stats.rows_updated,
                rows_removed: own.rows_removed + stats.rows_removed,
                rows_dropped: own.rows_dropped + stats.rows_dropped,
                rows_duplicate: own.rows_duplicate + stats.rows_duplicate,
                ..stats
            };
        }
        for (scan, rows) in later.scanned_rows {
            *self.scanned_rows.entry(scan).or_default() += rows;
        }
        for (scan, records) in later.malformed_records {
            *self.malformed_records.entry(scan).or_default() += records;
        }
        for (scan, letters) in later.dead_letters {
            self.dead_letters.entry(scan).or_default().extend(letters);
        }
        self.output_rows += later.output_rows;
        self.spilled_bytes += later.spilled_bytes;
        self.heap_bytes = later.heap_bytes;
    }
}

/// One task's inputs, and what its operators report while it runs.
///
/// State is taken out by the operator that owns it and put back changed; the task's runner collects it at the end.
#[derive(Debug, Default)]
pub struct TaskInputs {
    /// Shuffle blocks by the stage that wrote them: Arrow IPC streams.
    pub shuffle: HashMap<StageId, Vec<Buffer>>,
    /// Source blocks by scan.
    pub scans: HashMap<ScanId, Vec<Buffer>>,
    /// The micro-batch; `None` in a batch job.
    pub batch: Option<BatchContext>,
    /// Plan id and the host that runs its user functions; `None` if it has none.
    pub functions: Option<(PlanId, SharedHost)>,
    /// Bytes of the task's share of a result at most; `None` if there is no limit.
    pub max_result: Option<u64>,
    /// Says when the task is to let go of the thread; `None` if never.
    pub pace: Option<Arc<dyn Pace>>,
    /// What its operators run in; `None` for one without a limit.
    pub runtime: Option<Arc<Runtime>>,
    /// Rows that its leaves have handed on.
    pub rows_read: AtomicU64,
    /// State by operator, of the task's partition.
    states: Mutex<BTreeMap<OperatorId, OperatorState>>,
    /// Counters so far.
    report: Mutex<TaskReport>,
    /// What the batch changed, by operator.
    deltas: Mutex<BTreeMap<OperatorId, Vec<u8>>>,
}

impl TaskInputs {
    /// Returns the inputs of a task that has done nothing yet.
    pub fn new(
        shuffle: HashMap<StageId, Vec<Buffer>>,
        scans: HashMap<ScanId, Vec<Buffer>>,
        batch: Option<BatchContext>,
        states: BTreeMap<OperatorId, OperatorState>,
    ) -> Self {
        Self {
            shuffle,
            scans,
            batch,
            functions: None,
            max_result: None,
            pace: None,
            runtime: None,
            rows_read: AtomicU64::new(0),
            states: Mutex::new(states),
            report: Mutex::default(),
            deltas: Mutex::default(),
        }
    }

    /// Returns the inputs of the task that runs.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` outside of a task.
    pub fn of(context: &TaskContext) -> Result<Arc<TaskInputs>> {
        context
            .session_config()
            .get_extension()
            .ok_or_else(|| SparkError::internal("an operator runs outside a task"))
    }

    /// Returns how many bytes the task was given to read.
    pub fn bytes(&self) -> usize {
        let blocks = self.shuffle.values().chain(self.scans.values()).flatten();
        blocks.map(Buffer::len).sum()
    }

    /// Returns the counters, locked.
    pub fn report(&self) -> MutexGuard<'_, TaskReport> {
        self.report.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns encoded state changes by operator, locked.
    pub fn state_deltas(&self) -> MutexGuard<'_, BTreeMap<OperatorId, Vec<u8>>> {
        self.deltas.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs a stateful operator's work of one batch on its state. The work gets the batch with the watermarks as they
    /// are at the operator, and returns what it emits and the state's delta.
    ///
    /// State that is not here begins empty. After the work its version is the batch's, which whoever reads it back
    /// checks. While more rows of an epoch follow, the version stays, and the delta is not kept.
    ///
    /// # Errors
    /// The work's; `INTERNAL_ERROR` outside of a micro-batch.
    pub fn with_state<T>(
        &self,
        operator: OperatorId,
        shift_us: Option<i64>,
        kind: &dyn Restore,
        work: impl FnOnce(&BatchContext, &mut Body, &mut StateStats) -> Result<(T, Vec<u8>)>,
    ) -> Result<T> {
        let context = self
            .batch
            .as_ref()
            .ok_or_else(|| SparkError::internal("a stateful operator runs outside a micro-batch"))?
            .shifted(shift_us);
        let mut states = self.states();
        let state = match states.entry(operator) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(kind.empty()?),
        };
        debug_assert!(
            state.version < context.batch_id,
            "{operator} has the changes of batch {}",
            context.batch_id
        );
        let mut stats = StateStats::unknown();
        let (emitted, delta) = work(&context, &mut state.body, &mut stats)?;
        // Watermarks here are `shift_us` from those of the query.
        stats.wakes_at_us = stats.wakes_at_us.saturating_sub(shift_us.unwrap_or(0));
        // What reads the state back asks for this version: `StageGraph::rebuild`, `States::take`.
        if context.commits() {
            state.version = context.batch_id;
            self.state_deltas().insert(operator, delta);
        }
        drop(states);
        self.report().state.insert(operator, stats);
        Ok(emitted)
    }

    /// Returns the states by operator, locked.
    pub fn states(&self) -> MutexGuard<'_, BTreeMap<OperatorId, OperatorState>> {
        self.states.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
