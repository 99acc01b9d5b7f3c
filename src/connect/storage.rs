//! What was asked of storage, and who waits for the answer.
//!
//! Storage answers in the order in which it was asked, one answer per question. A purpose says where an answer goes;
//! who asked may be gone by then, and each of these handlers ignores answers for what it does not know.

use std::collections::BTreeMap;

use super::driver::Driver;
use super::protocol::Output;
use crate::dstream::context::Event;
use crate::storage::{Answer, Request};
use crate::streaming::query::Ticket;

/// Why something was asked of storage: whose handler gets the answer, with what it needs to know the question again.
#[derive(Debug)]
pub(super) enum Purpose {
    /// By a running query.
    Query {
        /// Its run.
        run: String,
        /// What the answer names.
        ticket: Ticket,
    },
    /// By a query that starts.
    Start {
        /// The start's number.
        start: u64,
        /// The question.
        request: Request,
    },
    /// For a task that needs state.
    State {
        /// The load's number.
        load: u64,
        /// The file.
        path: String,
    },
    /// By a file sink.
    Sink {
        /// The run of its query.
        run: String,
        /// The file.
        path: String,
    },
    /// By somebody who wants to know whether a checkpoint is sound.
    Verify {
        /// The look's number.
        verifying: u64,
        /// The question.
        request: Request,
    },
    /// By a command that saves or loads a directory.
    Saved {
        /// The directory's number.
        id: u64,
        /// The question.
        request: Request,
    },
    /// By a streaming context.
    Context(u64),
    /// Nobody waits for it.
    Nothing,
}

/// Questions without an answer yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Why each was asked, by number.
    purposes: BTreeMap<u64, Purpose>,
    /// The last number.
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

    /// Takes in an answer of storage; answers come once each. An answer under an unknown number changes nothing.
    pub(super) fn stored(&mut self, op: u64, answer: Answer, now_ms: i64) {
        match self.asked.purposes.remove(&op) {
            Some(Purpose::Query { run, ticket }) => self.query_answered(&run, ticket, answer, now_ms),
            Some(Purpose::Start { start, request }) => self.start_answered(start, &request, answer, now_ms),
            Some(Purpose::State { load, path }) => self.state_read(load, path, answer, now_ms),
            Some(Purpose::Sink { run, path }) => self.sink_written(&run, &path, answer, now_ms),
            Some(Purpose::Verify { verifying, request }) => self.verify_answered(verifying, &request, answer),
            Some(Purpose::Saved { id, request }) => self.saved_answered(id, &request, answer),
            Some(Purpose::Context(id)) => self.context_event(id, Event::Stored(answer), now_ms),
            Some(Purpose::Nothing) | None => {}
        }
    }
}
