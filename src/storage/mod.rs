//! Durable files as commands and answers.
//!
//! The driver's steps emit a [`Request`] and receive its [`Answer`] later; a host carries requests out, one after the
//! other in the order in which they were asked. A backend is any [`Storage`]: `std_fs` natively, the origin's private
//! file system or IndexedDB in a browser (`web`), `memory` in tests, `faulty` in simulations.
//!
//! ```text
//! driver's step ──Request──▶ host ──▶ Storage::perform ──▶ medium
//!       ▲                      │
//!       └─────── Answer ◀──────┘      in the order of the requests
//! ```
//!
//! What every backend promises: a write is whole and durable before it is answered; a file is read as it was written,
//! or not at all. If the medium can tear a write, files are sealed ([`seal`]), so that a torn one is found out when it
//! is read. What no backend promises: that a name written *again* keeps its old content until the new one is durable.
//! The protocol above never needs that: see [`crate::streaming::checkpoint`].
//!
//! On top of single files lie the forms that several rooms share: write-ahead logs ([`wal`]), logs of files
//! ([`file_log`]), and decisions that wait for answers ([`facts`]).

pub mod extents;
pub mod facts;
pub mod faulty;
pub mod file_log;
pub mod files;
pub mod memory;
pub mod seal;
pub mod spill;
#[cfg(not(target_arch = "wasm32"))]
pub mod std_fs;
pub mod wal;

use arrow::buffer::Buffer;

use crate::error::{Exception, SparkError};

/// One operation. Paths are absolute: parts between slashes, as the client named them, scheme and all.
///
/// ```
/// use rivulet::storage::memory::Memory;
/// use rivulet::storage::{Reply, Request, Storage};
///
/// let mut storage = Memory::default();
/// storage.perform(&Request::Write { path: "/a/b".into(), bytes: b"x".into() })?;
/// let names = storage.perform(&Request::List { path: "/a".into() })?;
/// assert_eq!(names, Reply::Names(vec!["b".into()]));
/// # Ok::<(), rivulet::storage::StorageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Reads a whole file: [`Reply::Bytes`], without bytes if the file does not exist.
    Read {
        /// The file.
        path: String,
    },
    /// Lists the names of files and folders directly in a folder, sorted: [`Reply::Names`], empty if the folder does
    /// not exist.
    List {
        /// The folder.
        path: String,
    },
    /// Makes or replaces a file and the folders above it.
    Write {
        /// The file.
        path: String,
        /// Its whole content.
        bytes: Buffer,
    },
    /// Removes a file or a folder with all in it; removing what does not exist succeeds.
    Delete {
        /// The file or folder.
        path: String,
    },
    /// Takes the folder for this driver until [`Request::Unlock`] or the driver's end.
    Lock {
        /// The folder.
        path: String,
    },
    /// Gives the folder back.
    Unlock {
        /// The folder.
        path: String,
    },
}

impl Request {
    /// Returns the path that the request is about.
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

/// What a request that succeeded is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A file's content; `None` if it does not exist.
    Bytes(Option<Buffer>),
    /// Names in a folder, sorted.
    Names(Vec<String>),
    /// It is done, and durable.
    Done,
}

/// Why storage did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The medium is full; nothing that was answered before is lost.
    #[error("there is no room left to write {path}: {reason}")]
    Quota {
        /// The file that was to be written.
        path: String,
        /// What the medium said.
        reason: String,
    },
    /// The file exists, but it is not what was written.
    #[error("{path} is damaged: {reason}")]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else has the lock.
    #[error("{path} is in use by another query")]
    Locked {
        /// The folder.
        path: String,
    },
    /// Anything else that the medium refused.
    #[error("{path}: {reason}")]
    Failed {
        /// The file or folder.
        path: String,
        /// What the medium said.
        reason: String,
    },
}

/// What storage answers: a reply, or why there is none.
pub type Answer = Result<Reply, StorageError>;

/// A place where files are: the medium under a host.
///
/// It blocks until the request is done. Hosts whose medium answers later (a browser's) do without this trait.
pub trait Storage {
    /// Carries out one request.
    ///
    /// # Errors
    /// As [`StorageError`] distinguishes them.
    fn perform(&mut self, request: &Request) -> Answer;
}

impl StorageError {
    /// Returns the error that a browser's or an operating system's words describe: a quota, or anything else.
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
    /// Turns it into the error that users see.
    ///
    /// `CHECKPOINT_QUOTA_EXCEEDED`, `CHECKPOINT_CORRUPT`, `CONCURRENT_STREAM_LOG_UPDATE` (Spark's) or
    /// `CHECKPOINT_STORAGE_FAILED`, each with the path as a parameter.
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

/// Returns the error of a checkpoint's file that must exist and does not (`CHECKPOINT_CORRUPT`).
pub fn missing(path: &str) -> SparkError {
    corrupt(path, &format!("{path} is missing"))
}

/// Returns the error of a checkpoint's file that cannot be what was written there (`CHECKPOINT_CORRUPT`).
pub fn corrupt(path: &str, why: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "CHECKPOINT_CORRUPT",
        "58030",
        format!("The checkpoint cannot be used: {why}."),
    )
    .with("path", path)
}
