//! State that tasks need, read from its files.
//!
//! A task that runs for the first time after a restart, or again after its executor was lost, brings its state along:
//! the newest snapshot and the deltas since, read from the checkpoint when the task is launched and not kept after.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use crate::connect::driver::Driver;
use crate::connect::storage::Purpose;
use crate::error::{Result, SparkError};
use crate::ids::{BatchId, StateId};
use crate::storage::{Answer, Reply, Request, corrupt};
use crate::streaming::checkpoint::state;

/// State that is being read.
pub(super) struct Load {
    /// Which state, and the batch whose changes it must have.
    piece: (StateId, BatchId),
    /// Its files, oldest first.
    paths: Vec<String>,
    /// Those that were read.
    got: BTreeMap<String, Buffer>,
}

impl Driver {
    /// Reads the files of a piece of state that a task needs; without any, it is empty.
    pub(in crate::connect) fn load_state(&mut self, piece: StateId, version: BatchId, now_ms: i64) {
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
                let piece = (piece, version);
                self.streams.loads.insert(load, Load { piece, paths, got });
            }
            other => self.give_state((piece, version), other.map(|_| vec![]), now_ms),
        }
    }

    /// Takes in a file; the last one hands the state to the runner, the first error ends the read.
    pub(in crate::connect) fn state_read(&mut self, id: u64, path: String, answer: Answer, now_ms: i64) {
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

    /// Hands state, or why it cannot be read, to the runner.
    fn give_state(&mut self, piece: (StateId, BatchId), files: Result<Vec<Buffer>>, now_ms: i64) {
        let effects = self.runner.state_loaded(piece, files, now_ms);
        self.carry_out(effects, now_ms);
    }
}
