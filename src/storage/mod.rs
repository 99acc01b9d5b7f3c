//! Durable files as commands and answers.
//!
//! The driver's steps emit a [`Request`] and are told its [`Answer`] later; a host carries requests out, one after the
//! other in the order in which they were asked. A backend is any [`Storage`]: `std_fs` natively, the origin's private file
//! system or IndexedDB in a browser (`web`), `memory` in tests, `faulty` in simulations.
//!
//! What every backend promises: a write is whole and durable before it is answered; a file is read as it was written, or
//! not at all. Where the medium can tear a write, files are sealed ([`seal`]), so that a torn one is found out when it is
//! read. What no backend promises: that a name written *again* keeps its old content until the new one is durable. The
//! protocol above never needs that: see [`crate::streaming::checkpoint`].

pub mod extents;
pub mod facts;
pub mod faulty;
pub mod file_log;
pub mod files;
pub mod memory;
pub mod seal;
#[cfg(not(target_arch = "wasm32"))]
pub mod std_fs;
pub mod wal;

use arrow::buffer::Buffer;

use crate::error::{Exception, SparkError};

/// One operation. Paths are absolute: parts between slashes, as the client named them, scheme and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The whole file: [`Reply::Bytes`], none where there is no such file.
    Read {
        path: String,
    },
    /// Names of files and folders directly in a folder, sorted: [`Reply::Names`], none where there is no such folder.
    List {
        path: String,
    },
    /// Makes or replaces a file and the folders above it.
    Write {
        path: String,
        bytes: Buffer,
    },
    /// Removes a file or a folder with all in it; nothing there is no error.
    Delete {
        path: String,
    },
    /// Takes the folder for this driver until [`Request::Unlock`] or the driver's end.
    Lock {
        path: String,
    },
    Unlock {
        path: String,
    },
}

impl Request {
    pub fn path(&self) -> &str {
        match self {
            Self::Read { path }
            | Self::List { path }
            | Self::Write { path, .. }
            | Self::Delete { path }
            | Self::Lock { path }
            | Self::Unlock { path } => path,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Bytes(Option<Buffer>),
    Names(Vec<String>),
    Done,
}

/// Why storage did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// There is no room left; nothing that was answered before is lost.
    #[error("there is no room left to write {path}: {reason}")]
    Quota { path: String, reason: String },
    /// The file is there, but it is not what was written.
    #[error("{path} is damaged: {reason}")]
    Corrupt { path: String, reason: String },
    /// Somebody else has the lock.
    #[error("{path} is in use by another query")]
    Locked { path: String },
    #[error("{path}: {reason}")]
    Failed { path: String, reason: String },
}

pub type Answer = Result<Reply, StorageError>;

/// A place where files are.
pub trait Storage {
    /// Carries out one request.
    ///
    /// # Errors
    /// As [`StorageError`] tells them apart.
    fn perform(&mut self, request: &Request) -> Answer;
}

impl StorageError {
    /// By the text of an error as a browser or an operating system words it.
    pub fn of_text(path: &str, text: &str) -> Self {
        let (path, reason) = (path.to_owned(), text.to_owned());
        if text.contains("QuotaExceeded") || text.contains("No space left") {
            Self::Quota { path, reason }
        } else {
            Self::Failed { path, reason }
        }
    }
}

impl From<StorageError> for SparkError {
    fn from(error: StorageError) -> Self {
        let sentence = error.to_string();
        match error {
            StorageError::Quota { path, .. } => SparkError::new(
                Exception::Runtime,
                "CHECKPOINT_QUOTA_EXCEEDED",
                "53100",
                format!("A checkpoint could not be written: {sentence}. What was committed before is kept."),
            )
            .with("path", path),
            StorageError::Corrupt { path, .. } => corrupt(&path, &sentence),
            StorageError::Locked { path } => SparkError::new(
                Exception::Connect,
                "CONCURRENT_STREAM_LOG_UPDATE",
                "40000",
                format!(
                    "Concurrent update to the log. Multiple streaming jobs detected for {path}.\nPlease make sure only one streaming job runs on a specific checkpoint location at a time."
                ),
            )
            .with("checkpointLocation", path),
            StorageError::Failed { path, .. } => SparkError::new(
                Exception::Runtime,
                "CHECKPOINT_STORAGE_FAILED",
                "58030",
                format!("Checkpoint storage failed: {sentence}."),
            )
            .with("path", path),
        }
    }
}

/// Makes the error for a file of a checkpoint that must be there and is not.
pub fn missing(path: &str) -> SparkError {
    corrupt(path, &format!("{path} is missing"))
}

/// A checkpoint file that cannot be what was written there.
pub fn corrupt(path: &str, why: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "CHECKPOINT_CORRUPT",
        "58030",
        format!("The checkpoint cannot be used: {why}."),
    )
    .with("path", path)
}
