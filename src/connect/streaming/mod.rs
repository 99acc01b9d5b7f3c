//! Streaming commands, and the running queries with their sources and sinks.
//!
//! `Streams` is what the driver knows of its queries. `start` makes a query of a command, `queries` steps it and
//! carries out what it asks for, `state` reads the state that tasks need, `sinks` takes rows, `sources` fills those
//! sources that are filled from outside; `commands` answers what clients ask about queries, `listeners` sends them
//! events, `verify` looks at checkpoints.
//!
//! ```text
//!  start ─▶ Starting: lock, look at the checkpoint ─▶ Running: query, sink, connections ─▶ ended
//!     └──────────── without a checkpoint ────────────────▲                     the last 64 can be asked about
//! ```

mod commands;
mod epochs;
mod listeners;
mod queries;
mod sinks;
mod sources;
mod start;
mod state;
mod verify;

use std::collections::{BTreeMap, VecDeque};

use arrow::buffer::Buffer;

use self::commands::{Wait, Waiter};
use self::sources::{Connection, Pushed};
use self::start::Starting;
use self::state::Load;
use self::verify::Verifying;
use crate::ids::{BatchId, ConnectionId};
use crate::proto as sc;
use crate::streaming::checkpoint::Location;
use crate::streaming::query::Query;
use crate::streaming::sinks::Sink;
use crate::streaming::source::Source;

/// A query with what the driver does for it.
///
/// The query decides, and everything that reaches outside (storage, connections, the page, executors) goes through the
/// driver, which knows it by its run id.
struct Running {
    /// The session that started it.
    session: String,
    /// The query.
    query: Query,
    /// Where its rows go.
    sink: Box<dyn Sink>,
    /// Rows on their way to the sink, if the query's tasks stay.
    emissions: epochs::Emissions,
    /// Connections of its sources.
    connections: Vec<ConnectionId>,
    /// The last batch that the sink was given: one that comes again after a retry is not shown twice.
    delivered: BatchId,
    /// The checkpoint that is locked for it.
    locked: Option<Location>,
    /// Holds the answer to the client until the query has started.
    start: Option<Start>,
}

/// The answer to the client that starts a query.
struct Start {
    /// The operation that waits for it.
    operation: String,
    /// The query and the run.
    query_id: sc::StreamingQueryInstanceId,
    /// The query's name.
    name: Option<String>,
    /// The listeners' event.
    event: serde_json::Value,
}

/// All queries of the driver.
#[derive(Default)]
pub(in crate::connect) struct Streams {
    /// By run id: a query that is started again is another run.
    queries: BTreeMap<String, Running>,
    /// Ended runs, oldest first.
    ended: VecDeque<String>,
    /// Queries that look at their checkpoints.
    starting: BTreeMap<u64, Starting>,
    /// Checkpoints that are looked at.
    verifying: BTreeMap<u64, Verifying>,
    /// Calls that are answered later.
    waiters: Vec<Waiter>,
    /// State that is being read.
    loads: BTreeMap<u64, Load>,
    /// Whose connection each is.
    connections: BTreeMap<ConnectionId, Connection>,
    /// Pushed sources by id.
    pushed: BTreeMap<String, Vec<Pushed>>,
    /// Pushes taken so far of each pushed source.
    pushes: BTreeMap<String, i64>,
    /// Records that came before their query started.
    early: BTreeMap<String, Vec<Buffer>>,
    /// What each producer knows of its queue.
    told: BTreeMap<String, sources::Told>,
    /// Operations that stream listener events.
    listeners: Vec<String>,
    /// The last number of something that is answered later.
    next_op: u64,
}

impl Streams {
    /// Returns when a query, a waiting call or a source is due, ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        let polls = self.queries.values().filter_map(|r| r.query.wake_at());
        let waits = self.waiters.iter().filter_map(|w| match w.kind {
            Wait::Termination { until_ms } | Wait::AnyTermination { until_ms } => until_ms,
            Wait::Idle { .. } => None,
        });
        let active = self.queries.values().filter(|r| r.query.is_active());
        let sources = active.flat_map(|r| r.query.sources()).filter_map(Source::wake_at);
        polls.chain(waits).chain(sources).min()
    }

    /// Returns whether a session has queries that run, or are about to.
    pub fn has_queries(&self, session: &str) -> bool {
        let mut running = self.queries.values().filter(|r| r.query.is_active());
        running.any(|r| r.session == session) || self.starting.values().any(|s| s.session == session)
    }

    /// Forgets a call that is cancelled.
    pub fn forget_waiter(&mut self, operation: &str) {
        self.waiters.retain(|w| w.operation != operation);
        self.listeners.retain(|l| l != operation);
    }

    /// Returns a number for something that is answered later.
    pub(in crate::connect) fn fresh(&mut self) -> u64 {
        self.next_op += 1;
        self.next_op
    }

    /// Returns the run that a client means: by run id, or the last one of a query.
    ///
    /// A run id that is unknown finds nothing, even if the query's id is known: the client means a run that was
    /// forgotten.
    fn run_of(&self, id: &str, run_id: &str) -> Option<&str> {
        if let Some((run, _)) = self.queries.get_key_value(run_id) {
            return Some(run);
        }
        let runs = self.queries.iter().filter(|(_, r)| r.query.definition.id == id);
        let last = runs.max_by_key(|(_, r)| r.query.is_active());
        last.map(|(run, _)| run.as_str()).filter(|_| run_id.is_empty())
    }
}
