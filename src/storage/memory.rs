//! Files on the heap: gone with the process.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;

use super::{Answer, Reply, Request, Storage, StorageError};

/// Paths and their bytes; folders are what paths have in common.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    /// Content of each file.
    pub files: BTreeMap<String, Buffer>,
    /// Folders that are locked.
    pub locks: BTreeSet<String>,
}

impl Memory {
    /// Returns the names directly in a folder, sorted.
    fn names(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let names: BTreeSet<String> = self
            .files
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter_map(|(path, _)| path[prefix.len()..].split('/').next())
            .map(str::to_owned)
            .collect();
        names.into_iter().collect()
    }

    /// Removes a file, or all files in a folder.
    fn delete(&mut self, path: &str) {
        let below = format!("{}/", path.trim_end_matches('/'));
        self.files.retain(|p, _| p != path && !p.starts_with(&below));
    }
}

impl Storage for Memory {
    fn perform(&mut self, request: &Request) -> Answer {
        Ok(match request {
            Request::Read { path } => Reply::Bytes(self.files.get(path).cloned()),
            Request::List { path } => Reply::Names(self.names(path)),
            Request::Write { path, bytes } => {
                self.files.insert(path.clone(), bytes.clone());
                Reply::Done
            }
            Request::Delete { path } => {
                self.delete(path);
                Reply::Done
            }
            Request::Lock { path } => {
                if !self.locks.insert(path.clone()) {
                    return Err(StorageError::Locked { path: path.clone() });
                }
                Reply::Done
            }
            Request::Unlock { path } => {
                self.locks.remove(path);
                Reply::Done
            }
        })
    }
}
