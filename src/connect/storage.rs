//! What was asked of storage, and who waits for the answer.

use std::collections::BTreeMap;

use super::driver::Driver;
use super::protocol::Output;
use crate::storage::{Answer, Request};
use crate::streaming::query::Ticket;

/// Why something was asked of storage.
#[derive(Debug)]
pub(super) enum Purpose {
    /// By a running query.
    Query { run: String, ticket: Ticket },
    /// By a query that starts.
    Start { start: u64, request: Request },
    /// For a task that needs state.
    State { load: u64, path: String },
    /// By a file sink.
    Sink { run: String, path: String },
    /// By somebody who wants to know whether a checkpoint is sound.
    Verify { verifying: u64, request: Request },
    /// By a command that saves or loads a directory.
    Saved { id: u64, request: Request },
    /// Nobody waits for it.
    Nothing,
}

/// Questions without an answer yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    purposes: BTreeMap<u64, Purpose>,
    last: u64,
}

impl Driver {
    /// Asks storage; the answer finds its way by the purpose.
    pub(super) fn ask(&mut self, request: Request, purpose: Purpose) {
        self.asked.last += 1;
        let op = self.asked.last;
        self.asked.purposes.insert(op, purpose);
        self.out.push(Output::Storage { op, request });
    }

    /// Storage has answered; answers come once each.
    pub(super) fn stored(&mut self, op: u64, answer: Answer, now_ms: i64) {
        match self.asked.purposes.remove(&op) {
            Some(Purpose::Query { run, ticket }) => self.query_answered(&run, ticket, answer, now_ms),
            Some(Purpose::Start { start, request }) => self.start_answered(start, &request, answer, now_ms),
            Some(Purpose::State { load, path }) => self.state_read(load, path, answer, now_ms),
            Some(Purpose::Sink { run, path }) => self.sink_written(&run, &path, answer, now_ms),
            Some(Purpose::Verify { verifying, request }) => self.verify_answered(verifying, &request, answer),
            Some(Purpose::Saved { id, request }) => self.saved_answered(id, &request, answer),
            Some(Purpose::Nothing) | None => {}
        }
    }
}
