//! What a query keeps so that it can go on where it was, whatever ended it.
//!
//! A checkpoint is a folder, laid out and worded as Spark's: `metadata` (the query's id), `offsets/N` (what batch N takes,
//! written before it runs), `commits/N` (written when the sink has it and its state is durable), `sources/i/…` (what source
//! i must remember), `state/<operator>/<partition>/<version>.delta` and `.snapshot`, where version N + 1 is the state after
//! batch N. State files hold Arrow, not Spark's rows.
//!
//! Everything here is pure. [`facts`](crate::storage::facts) is how a decision asks for what is in the folder; [`resume`]
//! decides what a restart does; [`verify`] says whether a restart could. [`logs`] are the texts of the logs, [`state`] says
//! which state files there are, which of them a version needs and which nobody needs.
//!
//! The rules that make it exactly once: a batch runs only when its offsets are durable; it is committed only when the sink
//! has it and every state file of it is durable; a file is deleted only when a newer commit is durable that does without;
//! a name is written again only where its old content is of no batch that was committed.

pub mod logs;
pub mod resume;
pub mod state;
pub mod verify;

use crate::ids::BatchId;

/// The folder of a checkpoint, as the client named it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location(String);

impl Location {
    pub fn new(path: &str) -> Self {
        Self(path.trim_end_matches('/').to_owned())
    }

    pub fn path(&self) -> &str {
        &self.0
    }

    pub fn metadata(&self) -> String {
        format!("{}/metadata", self.0)
    }

    pub fn offsets(&self) -> String {
        format!("{}/offsets", self.0)
    }

    pub fn offset(&self, batch: BatchId) -> String {
        format!("{}/offsets/{batch}", self.0)
    }

    pub fn commits(&self) -> String {
        format!("{}/commits", self.0)
    }

    pub fn commit(&self, batch: BatchId) -> String {
        format!("{}/commits/{batch}", self.0)
    }

    /// Folder of what a source remembers.
    pub fn source(&self, source: usize) -> String {
        format!("{}/sources/{source}", self.0)
    }

    /// Folder of all state.
    pub fn state(&self) -> String {
        format!("{}/state", self.0)
    }
}
