//! What storage answers, and who waits for it.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use crate::connect::driver::{Driver, Output};
use crate::error::{Result, SparkError};
use crate::ids::StateId;
use crate::storage::{Answer, Reply, Request, corrupt};
use crate::streaming::checkpoint::state;
use crate::streaming::query::Ticket;

/// Why something was asked of storage.
#[derive(Debug)]
pub(in crate::connect) enum Purpose {
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

/// State that is being read.
pub(super) struct Load {
    piece: StateId,
    /// Oldest first.
    paths: Vec<String>,
    got: BTreeMap<String, Buffer>,
}

impl Driver {
    /// Asks storage; the answer finds its way by the purpose.
    pub(in crate::connect) fn ask(&mut self, request: Request, purpose: Purpose) {
        let op = self.streams.fresh();
        self.streams.asked.insert(op, purpose);
        self.out.push(Output::Storage { op, request });
    }

    /// Storage has answered; answers come once each.
    pub(in crate::connect) fn stored(&mut self, op: u64, answer: Answer, now_ms: i64) {
        match self.streams.asked.remove(&op) {
            Some(Purpose::Query { run, ticket }) => {
                let files = self.files.clone();
                if let Some(running) = self.streams.queries.get_mut(&run) {
                    let actions = running.query.answered(now_ms, ticket, answer, files.as_ref());
                    self.act(&run, actions, now_ms);
                }
            }
            Some(Purpose::Start { start, request }) => self.start_answered(start, &request, answer, now_ms),
            Some(Purpose::State { load, path }) => self.state_read(load, path, answer, now_ms),
            Some(Purpose::Sink { run, path }) => self.sink_written(&run, &path, answer, now_ms),
            Some(Purpose::Verify { verifying, request }) => self.verify_answered(verifying, &request, answer),
            Some(Purpose::Saved { id, request }) => self.saved_answered(id, &request, answer),
            Some(Purpose::Nothing) | None => {}
        }
    }

    /// A task needs a piece of state: reads its files.
    pub(in crate::connect) fn load_state(&mut self, piece: StateId, version: i64, now_ms: i64) {
        let queries = &self.streams.queries;
        let owner = queries.values().find(|r| r.query.definition.run == piece.run);
        let paths = owner.map_or_else(
            || Err(SparkError::internal("state belongs to no query")),
            |r| r.query.state_files(piece.part, version),
        );
        match paths {
            Ok(paths) if !paths.is_empty() => {
                let load = self.streams.fresh();
                for path in paths.clone() {
                    let purpose = Purpose::State {
                        load,
                        path: path.clone(),
                    };
                    self.ask(Request::Read { path }, purpose);
                }
                let got = BTreeMap::new();
                self.streams.loads.insert(load, Load { piece, paths, got });
            }
            other => self.give_state(piece, other.map(|_| vec![]), now_ms),
        }
    }

    fn state_read(&mut self, id: u64, path: String, answer: Answer, now_ms: i64) {
        let Some(load) = self.streams.loads.get_mut(&id) else {
            return;
        };
        let content = match answer {
            Ok(Reply::Bytes(Some(file))) => state::decode(&path, &file),
            Ok(_) => Err(corrupt(&path, &format!("{path} is missing"))),
            Err(error) => Err(error.into()),
        };
        let piece = load.piece;
        match content {
            Ok(content) => {
                load.got.insert(path, content);
                if load.got.len() < load.paths.len() {
                    return;
                }
                let Some(Load { paths, mut got, .. }) = self.streams.loads.remove(&id) else {
                    return;
                };
                let files = paths.iter().filter_map(|path| got.remove(path)).collect();
                self.give_state(piece, Ok(files), now_ms);
            }
            Err(error) => {
                self.streams.loads.remove(&id);
                self.give_state(piece, Err(error), now_ms);
            }
        }
    }

    fn give_state(&mut self, piece: StateId, files: Result<Vec<Buffer>>, now_ms: i64) {
        let effects = self.runner.state_loaded(piece, files);
        self.carry_out(effects, now_ms);
    }
}
