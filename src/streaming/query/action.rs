//! What the loop wants done, and what listeners hear of it.

use std::sync::Arc;

use arrow::buffer::Buffer;
use serde_json::Value;

use crate::cluster::runner::{JobRequest, ScanBlocks};
use crate::error::SparkError;
use crate::exec::inputs::BatchContext;
use crate::ids::BatchId;
use crate::sources::Ask;
use crate::storage::Request;
use crate::streaming::progress::Progress;

/// Names one request to storage within a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the loop wants done. Each `Storage` and `Deliver` is answered once.
#[derive(Debug)]
pub enum Action {
    /// A request to storage; the answer is [`Query::answered`]. Requests are carried out in their order.
    Storage {
        /// What the answer will name.
        ticket: Ticket,
        /// What to do.
        request: Request,
    },
    /// Ask the host what a source wants to know; the answer comes to the source, then [`Query::note_heard`].
    Ask {
        /// The source's number.
        source: usize,
        /// What it asks.
        asks: Vec<Ask>,
    },
    /// Run the plan; the answer is [`Query::job_done`] or [`Query::failed`].
    Run(JobRequest),
    /// Run the plan over state as the last commit left it, whatever jobs of this batch have changed since: under a run of its own,
    /// whose state is read from the checkpoint. The answer is as for `Run`.
    RunAnew(JobRequest),
    /// Have the plan's tasks stay, to be fed; the answers are [`Query::set_loads`] and, if they end, [`Query::job_ended`].
    Start(JobRequest),
    /// Feed the tasks that stay.
    Feed(ScanBlocks),
    /// End an epoch after what was fed; the answer is [`Query::epoch_passed`].
    EndEpoch {
        /// The epoch that ends.
        ends: BatchContext,
        /// The epoch that begins.
        next: BatchContext,
    },
    /// Hand rows to the sink; the answer is [`Query::delivered`].
    Deliver {
        /// The batch's number; a batch that ran before comes again under the same.
        batch_id: BatchId,
        /// Its rows, as Arrow IPC streams.
        blocks: Vec<Buffer>,
    },
    /// Hand rows of the batch ahead to a sink that takes them early; nobody waits for an answer, and `Deliver` follows in
    /// the batch's turn. Only a query without a checkpoint offers: no log can say then that the batch was never due.
    Offer {
        /// The batch's number.
        batch_id: BatchId,
        /// Its rows, as Arrow IPC streams.
        blocks: Vec<Buffer>,
    },
    /// `count` blocks of a source have been received for good, since the checkpoint began.
    Received {
        /// The source's number.
        source: usize,
        /// Blocks since the checkpoint began.
        count: i64,
    },
    /// Call listeners with an event.
    Event {
        /// What happened.
        kind: EventKind,
        /// The event.
        event: Told,
    },
    /// The query is over; the error that ended it, if one did.
    Terminated {
        /// Why, unless it was stopped or came to its end.
        error: Option<SparkError>,
    },
}

/// An event. A batch's report is written when somebody reads it: most are read by nobody.
#[derive(Debug, Clone)]
pub enum Told {
    /// As it is written.
    Written(Value),
    /// A batch's report.
    Progress(Arc<Progress>),
}

impl Told {
    /// Returns the event as Spark's listeners read it.
    pub fn json(&self) -> Value {
        match self {
            Self::Written(event) => event.clone(),
            Self::Progress(progress) => progress.json(),
        }
    }
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
