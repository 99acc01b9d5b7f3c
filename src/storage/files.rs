//! Files that a host has at hand: a directory tree natively, dropped files and handles in a browser.
//!
//! Unlike [`Storage`](super::Storage), which is written and answers later, these are only read, and at once.

use arrow::buffer::Buffer;

use crate::error::{Result, SparkError};

/// A file as the host lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct FileEntry {
    /// The path by which to read it.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last changed, ms since the epoch.
    pub modified: i64,
}

/// Reads the host's files.
pub trait Files {
    /// Lists the file at a path, or all files below it, at any depth; nothing if the path does not exist.
    ///
    /// # Errors
    /// The host's, if it cannot look.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>>;

    /// Returns whether a path is there, be it an empty folder; `None` where folders come and go with their files, as in a page.
    fn exists(&self, _path: &str) -> Option<bool> {
        None
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// `FAILED_READ_FILE` if the file is gone or cannot be read.
    fn read(&self, path: &str) -> Result<Buffer>;

    /// Returns whether the host can send the file to executors itself, so that its bytes need not pass through the driver.
    fn is_shared(&self, _path: &str) -> bool {
        false
    }
}

/// A host without files.
///
/// ```
/// use rivulet::storage::files::{Files, NoFiles};
///
/// assert_eq!(NoFiles.list("/anywhere")?, []);
/// assert!(NoFiles.read("/anywhere").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn list(&self, _: &str) -> Result<Vec<FileEntry>> {
        Ok(vec![])
    }

    fn read(&self, path: &str) -> Result<Buffer> {
        Err(SparkError::internal(format!("{path} is not there")))
    }
}
