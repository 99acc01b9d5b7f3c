//! The phases of the loop, and the batch in progress.

use std::collections::BTreeSet;

use super::Ticket;
use super::ahead::Early;
use crate::error::SparkError;
use crate::exec::inputs::EventTimeStats;
use crate::ids::{BatchId, JobId};
use crate::storage::Request;
use crate::streaming::checkpoint::poison::Poison;
use crate::streaming::pieces::{Search, Taken};
use crate::streaming::progress::{SourceProgress, StateProgress};
use crate::streaming::source::Share;

/// Where the loop is, with what it waits for; the module's picture shows the transitions.
///
/// Tickets in `waits` are answered in any order. A transition replaces the whole phase, so a batch is owned by one
/// phase only.
#[derive(Debug)]
pub(super) enum Phase {
    /// What a start writes is not durable yet.
    Opening { waits: BTreeSet<Ticket> },
    /// No batch is in progress; the next look for one is at `until_ms`.
    Waiting { until_ms: i64 },
    /// What sources must remember is being written; it comes before the offsets.
    LoggingSources { batch: Box<Batch>, waits: BTreeSet<Ticket> },
    /// The batch's entry of the offset log is being written; without it the batch does not run.
    LoggingOffsets { batch: Box<Batch>, waits: BTreeSet<Ticket> },
    /// The batch's job runs; `job` is its id once the scheduler has it.
    Running { batch: Box<Batch>, job: Option<JobId> },
    /// That the batch has died is being written; `error` is what it died of.
    LoggingDeath {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
        error: SparkError,
    },
    /// A record that the batch runs without is being written.
    LoggingAside { batch: Box<Batch>, waits: BTreeSet<Ticket> },
    /// The sink takes the rows while the state is written; `delivered` says whether the sink has them.
    Settling {
        batch: Box<Batch>,
        waits: BTreeSet<Ticket>,
        delivered: bool,
    },
    /// The batch's entry of the commit log is being written.
    LoggingCommit { batch: Box<Batch>, waits: BTreeSet<Ticket> },
    /// The query is over, with the error that ended it, if one did.
    Ended { error: Option<SparkError> },
}

/// The batch in progress.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Its number.
    pub id: BatchId,
    /// When this try of it began; for durations.
    pub started_ms: i64,
    /// The batch's own time: that of its first try.
    pub timestamp_ms: i64,
    /// When each step of it ended, by Spark's names.
    pub marks: Vec<(&'static str, i64)>,
    /// What it takes of each source.
    pub shares: Vec<Share>,
    /// What sources must remember of an epoch, beside what the shares say.
    pub logs: Vec<Request>,
    /// What progress says of each source.
    pub sources: Vec<SourceProgress>,
    /// The watermark that it evicts by.
    pub watermark_ms: i64,
    /// Event times that it saw, per `withWatermark`.
    pub event_times: Vec<EventTimeStats>,
    /// What stateful operators did.
    pub state: Vec<StateProgress>,
    /// Rows of the last stage.
    pub output_rows: i64,
    /// Its job, if that began while the batch before was settled.
    pub early: Option<Early>,
    /// What was read of each source, as long as it may be wanted again; empty where no record can be set aside.
    pub taken: Vec<Taken>,
    /// How often it has died, and the records that it runs without.
    pub poison: Poison,
    /// What it has died of last.
    pub death: Option<SparkError>,
    /// The search for the record that it dies of, while one is going on: its job is a trial.
    pub search: Option<Search>,
}
