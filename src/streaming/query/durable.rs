//! The checkpoint of a running query: which entries and files exist, what a batch adds, what it lets go.
//!
//! It keeps only names: content goes to storage at once. Names are noted when a write is asked for, so a crash in
//! between leaves a name here that is not in the folder, which is harmless: this object ends with the crash.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;

use super::{Definition, operator_records};
use crate::cluster::runner::StateChange;
use crate::ids::BatchId;
use crate::settings::{self, Conf};
use crate::storage::Request;
use crate::streaming::checkpoint::Location;
use crate::streaming::checkpoint::logs::{Commit, Metadata, Offsets};
use crate::streaming::checkpoint::resume::Resume;
use crate::streaming::checkpoint::state::{self, Kind, StateFile, StateFiles};

/// Settings that a query keeps over restarts (`OffsetSeqMetadata.relevantSQLConfs`), as far as Rivulet has them.
pub const KEPT_SETTINGS: [&str; 2] = [settings::SHUFFLE_PARTITIONS.key, settings::WATERMARK_POLICY.key];

/// The checkpoint of a running query.
pub struct Durable {
    /// Where it is.
    pub at: Location,
    /// Entries of the offset log.
    offset_ids: BTreeSet<BatchId>,
    /// Entries of the commit log.
    commit_ids: BTreeSet<BatchId>,
    /// State files.
    state: StateFiles,
    /// How many batches can be gone back to (`spark.sql.streaming.minBatchesToRetain`).
    retain: i64,
}

/// Returns the request that writes a text file.
fn write(path: String, text: String) -> Request {
    Request::Write {
        path,
        bytes: Buffer::from(text.into_bytes()),
    }
}

impl Durable {
    /// Returns the checkpoint of a query that continues, and what must be written first: the query's id and its
    /// stateful operators if it is new, and deletions of what batches left that were never committed.
    pub fn new(at: Location, definition: &Definition, formats: Vec<String>, resume: Resume) -> (Self, Vec<Request>) {
        let mut opening = Vec::new();
        if resume.metadata.is_none() {
            let metadata = Metadata {
                id: definition.id.clone(),
                sources: Some(formats),
            };
            opening.push(write(at.metadata(), metadata.text()));
        }
        if resume.offset_ids.is_empty() {
            for (operator, record) in operator_records(&definition.graph) {
                opening.extend(record.files(&at, operator).map(|(path, text)| write(path, text)));
            }
        }
        let mut state = resume.state;
        let uncommitted = state.cut_after(&at, resume.next_batch.0);
        opening.extend(uncommitted.into_iter().map(|path| Request::Delete { path }));
        let retain = definition.conf.count(&settings::BATCHES_TO_RETAIN).unwrap_or(100);
        let durable = Self {
            at,
            offset_ids: resume.offset_ids,
            commit_ids: resume.commit_ids,
            state,
            retain: i64::try_from(retain).unwrap_or(i64::MAX),
        };
        (durable, opening)
    }

    /// Returns the write that makes a batch's offsets durable.
    pub fn offsets(&mut self, batch: BatchId, entry: &Offsets) -> Request {
        debug_assert!(!self.commit_ids.contains(&batch), "batch {batch} is committed already");
        self.offset_ids.insert(batch);
        write(self.at.offset(batch), entry.text())
    }

    /// Returns the write that commits a batch, whose offsets are durable.
    pub fn commit(&mut self, batch: BatchId, entry: &Commit) -> Request {
        debug_assert!(
            self.offset_ids.contains(&batch),
            "batch {batch} is committed without offsets"
        );
        self.commit_ids.insert(batch);
        write(self.at.commit(batch), entry.text())
    }

    /// Returns the writes of a batch's state files: one per piece that changed, a delta or a snapshot as the task
    /// decided.
    pub fn changes(&mut self, batch: BatchId, changes: Vec<StateChange>) -> Vec<Request> {
        let mut writes = Vec::new();
        for change in changes {
            let piece = change.part;
            let file = StateFile {
                version: batch.0 + 1,
                kind: if change.snapshot { Kind::Snapshot } else { Kind::Delta },
            };
            self.state.add(piece, file);
            writes.push(Request::Write {
                path: file.path(&self.at, piece),
                bytes: state::encode(&change.bytes),
            });
        }
        writes
    }

    /// Returns deletions of what is too old to be gone back to, once `batch` is committed.
    pub fn clean(&mut self, batch: BatchId) -> Vec<Request> {
        let oldest = BatchId(batch.0 - self.retain);
        let mut gone = Vec::new();
        for (ids, path) in [
            (&mut self.offset_ids, self.at.offsets()),
            (&mut self.commit_ids, self.at.commits()),
        ] {
            let kept = ids.split_off(&oldest);
            let old = std::mem::replace(ids, kept);
            gone.extend(old.into_iter().map(|id| format!("{path}/{id}")));
        }
        gone.extend(self.state.cut_before(&self.at, oldest.0 + 1));
        gone.into_iter().map(|path| Request::Delete { path }).collect()
    }

    /// Returns the settings that the offset log keeps, with their values now.
    pub fn settings(conf: &Conf) -> BTreeMap<String, String> {
        let value = |key: &str| {
            if key == settings::SHUFFLE_PARTITIONS.key {
                return Some(conf.shuffle_partitions().to_string());
            }
            conf.get(key).map(str::to_owned)
        };
        let kept = KEPT_SETTINGS
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), value(key)?)));
        kept.collect()
    }

    /// Returns the state files that exist.
    pub fn state(&self) -> &StateFiles {
        &self.state
    }
}
