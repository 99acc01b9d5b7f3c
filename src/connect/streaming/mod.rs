//! Streaming commands, and the running queries with their sources and sinks.
//!
//! [`Streams`] is what the driver knows of its queries. `start` makes a query of a command, `queries` steps it and carries
//! out what it asks for, `sinks` takes its rows, `sources` fills those of its sources that are filled from outside;
//! `commands` answers what clients ask about queries, `listeners` tells them what happens.

mod commands;
mod listeners;
mod queries;
mod sinks;
mod sources;
mod start;

use std::collections::{BTreeMap, VecDeque};

use arrow::buffer::Buffer;

use self::commands::{Wait, Waiter};
use self::sinks::Sink;
use self::sources::Socket;
use crate::streaming::query::Query;

/// A query with what the driver does for it.
struct Running {
    session: String,
    query: Query,
    sink: Sink,
    sockets: Vec<u64>,
    /// Deliveries taken: a batch that comes again after a retry is not shown twice.
    delivered: i64,
}

/// All queries of the driver.
#[derive(Default)]
pub(in crate::connect) struct Streams {
    queries: BTreeMap<String, Running>,
    /// Ended ids, oldest first.
    ended: VecDeque<String>,
    waiters: Vec<Waiter>,
    stores: BTreeMap<u64, String>,
    sockets: BTreeMap<u64, Socket>,
    /// Pushed sources: id → (query, source).
    pushed: BTreeMap<String, (String, usize)>,
    /// Records that came before their query started.
    early: BTreeMap<String, Vec<Buffer>>,
    /// Operations that stream listener events.
    listeners: Vec<String>,
    next_op: u64,
}

impl Streams {
    pub fn wake_at(&self) -> Option<i64> {
        let polls = self.queries.values().filter_map(|r| r.query.wake_at());
        let waits = self.waiters.iter().filter_map(|w| match w.kind {
            Wait::Termination { until_ms } | Wait::AnyTermination { until_ms } => until_ms,
            Wait::Idle { .. } => None,
        });
        let sockets = self.sockets.values().filter_map(|s| s.reopen_at);
        polls.chain(waits).chain(sockets).min()
    }

    pub fn forget_waiter(&mut self, operation: &str) {
        self.waiters.retain(|w| w.operation != operation);
        self.listeners.retain(|l| l != operation);
    }
}
