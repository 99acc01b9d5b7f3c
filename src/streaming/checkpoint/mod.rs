//! What a query keeps so that it can continue where it was, whatever ended it.
//!
//! A checkpoint is a folder, laid out and worded as Spark's, but for state files, which hold Arrow and not Spark's
//! rows:
//!
//! ```text
//! metadata                                  the query's id
//! offsets/N                                 what batch N takes: written before it runs
//! commits/N                                 written when the sink has batch N and its state is durable
//! sources/I/…                               what source I must remember
//! deaths/N.K                                that batch N has died for the K-th time
//! deadLetters/N.K.json                      the K-th record that batch N runs without
//! state/<operator>/_metadata/{metadata,schema}
//! state/<operator>/<partition>/<V>.delta    from version V-1 to V, where version N+1 is the state after batch N
//! state/<operator>/<partition>/<V>.snapshot version V itself
//! ```
//!
//! Everything here is pure. [`facts`](crate::storage::facts) is how a decision asks for what is in the folder;
//! [`resume`] decides what a restart does; [`verify`] says whether a restart could. [`logs`] knows the content of the
//! logs, [`poison`] which records a batch runs without, [`state`] which state files exist, which of them a version needs and which nobody needs.
//!
//! The rules that make it exactly once: a batch runs only when its offsets are durable; it is committed only when the
//! sink has it and every state file of it is durable; a file is deleted only when a newer commit is durable that does
//! without; a name is written again only if its old content is of no batch that was committed.

pub mod logs;
pub mod poison;
pub mod resume;
pub mod state;
pub mod verify;

use crate::ids::BatchId;

/// The folder of a checkpoint, as the client named it, without slashes at the end.
///
/// ```
/// use rivulet::ids::BatchId;
/// use rivulet::streaming::checkpoint::Location;
///
/// let at = Location::new("/checkpoints/clicks/");
/// assert_eq!(at.offset(BatchId(7)), "/checkpoints/clicks/offsets/7");
/// assert_eq!(at.source(0), "/checkpoints/clicks/sources/0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location(String);

impl Location {
    /// Returns the checkpoint in a folder.
    pub fn new(path: &str) -> Self {
        Self(path.trim_end_matches('/').to_owned())
    }

    /// Returns the folder.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// Returns the file of the query's id.
    pub fn metadata(&self) -> String {
        format!("{}/metadata", self.0)
    }

    /// Returns the folder of the offset log.
    pub fn offsets(&self) -> String {
        format!("{}/offsets", self.0)
    }

    /// Returns the entry of the offset log of a batch.
    pub fn offset(&self, batch: BatchId) -> String {
        format!("{}/offsets/{batch}", self.0)
    }

    /// Returns the folder of the commit log.
    pub fn commits(&self) -> String {
        format!("{}/commits", self.0)
    }

    /// Returns the entry of the commit log of a batch.
    pub fn commit(&self, batch: BatchId) -> String {
        format!("{}/commits/{batch}", self.0)
    }

    /// Returns the folder of what a source remembers.
    pub fn source(&self, source: usize) -> String {
        format!("{}/sources/{source}", self.0)
    }

    /// Returns the folder that counts deaths of batches.
    pub fn deaths(&self) -> String {
        format!("{}/deaths", self.0)
    }

    /// Returns the folder of records that batches run without.
    pub fn dead_letters(&self) -> String {
        format!("{}/deadLetters", self.0)
    }

    /// Returns the folder of all state.
    pub fn state(&self) -> String {
        format!("{}/state", self.0)
    }
}
