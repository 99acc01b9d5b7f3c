//! Files that the page has registered: read in the driver's worker, at once, when a query needs them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use arrow::buffer::Buffer;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

use super::port::Originals;
use super::thrown;
use crate::error::{Exception, Result, SparkError};
use crate::storage::files::{FileEntry, Files};

/// The files.
#[derive(Debug, Default)]
pub struct RegisteredFiles {
    /// Each with the time of its last change, ms since the epoch, by the path under which it is registered.
    files: RefCell<BTreeMap<String, (Blob, i64)>>,
    /// Keeps what was read as the browser gave it, for whoever sends it on.
    originals: Rc<RefCell<Originals>>,
}

impl RegisteredFiles {
    /// Returns no files; those that are read leave their bytes in `originals`, too.
    pub fn new(originals: Rc<RefCell<Originals>>) -> Self {
        let files = RefCell::default();
        Self { files, originals }
    }

    /// Registers a file under a path, or takes it back.
    pub fn set(&self, path: String, blob: Option<Blob>, modified_ms: i64) {
        let mut files = self.files.borrow_mut();
        match blob {
            Some(blob) => drop(files.insert(path, (blob, modified_ms))),
            None => drop(files.remove(&path)),
        }
    }
}

impl RegisteredFiles {
    /// Reads a registered file, outside of the wasm heap.
    ///
    /// # Errors
    /// `FAILED_READ_FILE` if there is none, or the browser cannot read it.
    pub fn bytes(&self, path: &str) -> Result<Uint8Array> {
        let files = self.files.borrow();
        let (blob, _) = files
            .get(path)
            .ok_or_else(|| failed(path, &format!("no file is registered as {path}")))?;
        read_whole(blob).map_err(|e| failed(path, &thrown(&e)))
    }
}

impl Files for RegisteredFiles {
    /// Lists the file at a path, or all files below it, by path.
    fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let below = if path.ends_with('/') {
            path.to_owned()
        } else {
            format!("{path}/")
        };
        let files = self.files.borrow();
        let found = files
            .iter()
            .filter(|(name, _)| *name == path || name.starts_with(&below));
        let entry = |(name, (blob, modified)): (&String, &(Blob, i64))| FileEntry {
            path: name.clone(),
            size: blob.size() as u64,
            modified: *modified,
        };
        Ok(found.map(entry).collect())
    }

    fn read(&self, path: &str) -> Result<Buffer> {
        let bytes = self.bytes(path)?;
        let block = Buffer::from(bytes.to_vec());
        self.originals.borrow_mut().keep(block.clone(), bytes);
        Ok(block)
    }

    fn is_shared(&self, path: &str) -> bool {
        self.files.borrow().contains_key(path)
    }
}

/// Reads a file of the page's.
///
/// # Errors
/// The browser's: the file has changed or is gone.
pub fn read_whole(blob: &Blob) -> std::result::Result<Uint8Array, JsValue> {
    let bytes = FileReaderSync::new()?.read_as_array_buffer(blob)?;
    Ok(Uint8Array::new(&bytes))
}

fn failed(path: &str, why: &str) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "FAILED_READ_FILE.NO_HINT",
        "KD001",
        format!("Encountered error while reading file {path}: {why}."),
    )
    .with("path", path)
}
