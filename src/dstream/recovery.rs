//! Reads what an earlier life of a context has written.
//!
//! ```text
//!  list batches ─▶ read the newest (an older one if it is torn) ─▶ list the directory ─▶ read blocks and states ─▶ remove what is torn
//! ```

use std::collections::{BTreeMap, VecDeque};

use arrow::buffer::Buffer;

use super::checkpoint::{self, Metadata, Name};
use super::graph::StreamId;
use crate::error::{Exception, Result, SparkError};
use crate::storage::{Answer, Reply, Request, StorageError};

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// How far the earlier life has come.
    pub metadata: Metadata,
    /// Blocks by input and batch.
    pub received: BTreeMap<(StreamId, i64), Vec<Buffer>>,
    /// States by stream and batch, partition by partition.
    pub states: BTreeMap<(StreamId, i64), Vec<Buffer>>,
    /// What the page noted of inputs in batches that are not completed, by batch.
    pub noted: BTreeMap<i64, BTreeMap<usize, serde_json::Value>>,
}

#[derive(Debug)]
enum Step {
    /// The completed batches are listed.
    Batches,
    /// One of them is read; the older ones.
    Batch(String, Vec<String>),
    /// The directory is listed.
    Files,
    /// These files are read, in order.
    Read(VecDeque<(Name, String)>),
    /// Torn files are removed: how many are left.
    Clean(usize),
    Done,
}

/// A context's way back.
#[derive(Debug)]
pub struct Recovery {
    directory: String,
    batch_ms: i64,
    graph: Vec<String>,
    step: Step,
    found: Option<Found>,
    /// Files that a crash has torn.
    torn: Vec<String>,
}

impl Recovery {
    /// Begins: the first request is to be asked.
    pub fn begin(directory: String, batch_ms: i64, graph: Vec<String>) -> (Self, Request) {
        let request = Request::List {
            path: format!("{directory}/batches"),
        };
        let recovery = Self {
            directory,
            batch_ms,
            graph,
            step: Step::Batches,
            found: None,
            torn: vec![],
        };
        (recovery, request)
    }

    /// Returns whether all is read.
    pub fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// Returns what was found; `None` without an earlier life.
    pub fn into_found(self) -> Option<Found> {
        self.found
    }

    /// Takes an answer, and returns what is to be asked next.
    ///
    /// # Errors
    /// The storage's; `CHECKPOINT_CORRUPT` if something is missing that was written; as [`Metadata::check`].
    pub fn answered(&mut self, answer: Answer) -> Result<Vec<Request>> {
        match (std::mem::replace(&mut self.step, Step::Done), answer) {
            (Step::Batches, Ok(Reply::Names(mut names))) => {
                names.sort_by_key(|name| checkpoint::batch_order(name));
                Ok(self.next_batch(names))
            }
            // Torn: it was never acknowledged, so the one before is the newest.
            (Step::Batch(_, older), Err(StorageError::Corrupt { .. })) => Ok(self.next_batch(older)),
            (Step::Batch(path, older), Ok(Reply::Bytes(bytes))) => {
                let Some(bytes) = bytes else {
                    return Ok(self.next_batch(older));
                };
                let metadata = Metadata::decode(&path, &bytes)?;
                metadata.check(self.batch_ms, &self.graph)?;
                self.found = Some(Found {
                    metadata,
                    received: BTreeMap::new(),
                    states: BTreeMap::new(),
                    noted: BTreeMap::new(),
                });
                self.step = Step::Files;
                Ok(vec![Request::List {
                    path: self.directory.clone(),
                }])
            }
            (Step::Files, Ok(Reply::Names(names))) => Ok(self.files(&names)),
            (Step::Read(files), answer) => self.read(files, answer),
            (Step::Clean(left), Ok(_)) => {
                if left > 1 {
                    self.step = Step::Clean(left - 1);
                }
                Ok(vec![])
            }
            (_, Err(error)) => Err(error.into()),
            _ => Err(SparkError::internal("storage answered something else")),
        }
    }

    fn next_batch(&mut self, mut names: Vec<String>) -> Vec<Request> {
        let Some(newest) = names.pop() else { return vec![] };
        let path = format!("{}/batches/{newest}", self.directory);
        self.step = Step::Batch(path.clone(), names);
        vec![Request::Read { path }]
    }

    /// Returns the reads of all blocks, and of the states that the metadata names.
    fn files(&mut self, names: &[String]) -> Vec<Request> {
        let Some(found) = &self.found else { return vec![] };
        let completed_ms = found.metadata.completed_ms;
        let received = names.iter().filter_map(|name| Name::parse(name));
        let received = received.filter(|name| match name {
            Name::Received(..) => true,
            Name::Note(at) => *at > completed_ms,
            Name::State(..) => false,
        });
        let mut files: VecDeque<(Name, String)> = received.map(|name| (name, name.path(&self.directory))).collect();
        for (stream, states) in &found.metadata.states {
            for state in states {
                let name = Name::State(StreamId(*stream), state.time_ms);
                let folder = name.path(&self.directory);
                files.extend((0..state.partitions).map(|part| (name, format!("{folder}/part-{part}"))));
            }
        }
        let requests = files
            .iter()
            .map(|(_, path)| Request::Read { path: path.clone() })
            .collect();
        if !files.is_empty() {
            self.step = Step::Read(files);
        }
        requests
    }

    fn read(&mut self, mut files: VecDeque<(Name, String)>, answer: Answer) -> Result<Vec<Request>> {
        let (Some((name, path)), Some(found)) = (files.pop_front(), &mut self.found) else {
            return Err(SparkError::internal("storage answered what was not asked"));
        };
        let completed_ms = found.metadata.completed_ms;
        match (name, answer) {
            // Torn: whoever sent these blocks was never answered. It goes, as nothing may ever be written in its place.
            (Name::Received(_, at) | Name::Note(at), Err(StorageError::Corrupt { .. })) if at > completed_ms => {
                self.torn.push(path);
            }
            (_, Err(error)) => return Err(error.into()),
            (Name::Received(stream, at), Ok(Reply::Bytes(Some(bytes)))) => {
                found.received.insert((stream, at), checkpoint::split(&path, &bytes)?);
            }
            (Name::Note(at), Ok(Reply::Bytes(Some(bytes)))) => {
                let notes = serde_json::from_slice(&bytes).map_err(|e| SparkError::internal(format!("{path}: {e}")))?;
                found.noted.insert(at, notes);
            }
            (Name::State(stream, at), Ok(Reply::Bytes(Some(bytes)))) => {
                found.states.entry((stream, at)).or_default().push(bytes);
            }
            _ => {
                let message = format!("{path} is missing");
                let error = SparkError::new(Exception::Runtime, "CHECKPOINT_CORRUPT", "58030", message);
                return Err(error.with("path", path));
            }
        }
        if !files.is_empty() {
            self.step = Step::Read(files);
            return Ok(vec![]);
        }
        let torn = std::mem::take(&mut self.torn);
        if !torn.is_empty() {
            self.step = Step::Clean(torn.len());
        }
        Ok(torn.into_iter().map(|path| Request::Delete { path }).collect())
    }
}
