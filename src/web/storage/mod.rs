//! Persistent storage of the origin: its private file system, or IndexedDB where the browser has none.
//!
//! Requests are carried out one after the other. Neither place replaces a file at once, so files are
//! [sealed](crate::storage::seal): a torn one is found out when it is read.

pub mod indexed;
pub mod origin;

use std::collections::HashMap;

use arrow::buffer::Buffer;
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use indexed::IndexedFiles;
use js_sys::Reflect;
use origin::OriginFiles;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::locks::{self, Held};
use super::thrown;
use crate::storage::{Answer, Reply, Request, StorageError, seal};

/// Where files are kept. Paths are names in order; a file is found by all of them, a folder by those before the last.
pub enum FileStore {
    /// The origin's private file system.
    Origin(OriginFiles),
    /// A database of the origin's.
    Indexed(IndexedFiles),
}

impl FileStore {
    /// Opens the private file system or, where there is none (or not in this mode of the browser), the database.
    ///
    /// # Errors
    /// The browser's, if it has neither.
    pub async fn open() -> Result<Self, JsValue> {
        match OriginFiles::open().await {
            Ok(files) => Ok(Self::Origin(files)),
            Err(_) => IndexedFiles::open().await.map(Self::Indexed),
        }
    }

    /// Makes or replaces a file; it is durable when this returns.
    ///
    /// # Errors
    /// The browser's; `QuotaExceededError` if the storage is full.
    pub async fn write(&self, path: &[&str], bytes: &[u8]) -> Result<(), JsValue> {
        match self {
            Self::Origin(files) => files.write(path, bytes).await,
            Self::Indexed(files) => files.write(path, bytes).await,
        }
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// The browser's.
    pub async fn read(&self, path: &[&str]) -> Result<Option<Vec<u8>>, JsValue> {
        match self {
            Self::Origin(files) => files.read(path).await,
            Self::Indexed(files) => files.read(path).await,
        }
    }

    /// Lists the names in a folder, folders among them, in order; none if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn list(&self, path: &[&str]) -> Result<Vec<String>, JsValue> {
        match self {
            Self::Origin(files) => files.list(path).await,
            Self::Indexed(files) => files.list(path).await,
        }
    }

    /// Removes a file or a whole folder; does nothing if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn remove(&self, path: &[&str]) -> Result<(), JsValue> {
        match self {
            Self::Origin(files) => files.remove(path).await,
            Self::Indexed(files) => files.remove(path).await,
        }
    }
}

/// Carries requests out in their order.
pub struct Storage(UnboundedSender<(u64, Request)>);

impl Storage {
    /// Starts; `done` is called with each answer.
    pub fn start(done: impl Fn(u64, Answer) + 'static) -> Self {
        let (sender, mut requests) = unbounded::<(u64, Request)>();
        spawn_local(async move {
            let mut place = Place::default();
            while let Some((op, request)) = requests.next().await {
                let answer = place.perform(&request).await;
                done(op, answer);
            }
        });
        Self(sender)
    }

    /// Asks; the answer follows.
    pub fn ask(&self, op: u64, request: Request) {
        // The other end lives as long as the worker does.
        let _ = self.0.unbounded_send((op, request));
    }
}

/// The store, opened when it is first needed, and the paths that this driver has locked.
#[derive(Default)]
pub struct Place {
    files: Option<FileStore>,
    locks: HashMap<String, Held>,
}

impl Place {
    /// Carries out one request.
    ///
    /// # Errors
    /// As [`StorageError`] tells them apart.
    pub async fn perform(&mut self, request: &Request) -> Answer {
        let path = request.path();
        let below = path.strip_prefix("opfs://").unwrap_or(path);
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        match request {
            Request::Lock { .. } => return self.lock(path, &parts.join("/")).await,
            Request::Unlock { .. } => {
                if let Some(held) = self.locks.remove(&parts.join("/")) {
                    held.release().await;
                }
                return Ok(Reply::Done);
            }
            _ => {}
        }
        let failed = |error: JsValue| StorageError::of_text(path, &said(&error));
        let files = match &mut self.files {
            Some(files) => files,
            none => none.insert(FileStore::open().await.map_err(failed)?),
        };
        match request {
            Request::Write { bytes, .. } => {
                files.write(&parts, &seal::seal(bytes)).await.map_err(failed)?;
                Ok(Reply::Done)
            }
            Request::Read { .. } => match files.read(&parts).await.map_err(failed)? {
                Some(file) => Ok(Reply::Bytes(Some(seal::open(path, &Buffer::from(file))?))),
                None => Ok(Reply::Bytes(None)),
            },
            Request::List { .. } => files.list(&parts).await.map(Reply::Names).map_err(failed),
            _ => {
                files.remove(&parts).await.map_err(failed)?;
                Ok(Reply::Done)
            }
        }
    }

    /// Locks a path for this driver: one of the origin has it at a time, in whatever tab, and its end releases it.
    async fn lock(&mut self, path: &str, name: &str) -> Answer {
        let lock = locks::try_hold(&format!("rivulet-checkpoint:{name}")).await;
        match lock.map_err(|e| StorageError::of_text(path, &said(&e)))? {
            Some(held) => {
                self.locks.insert(name.to_owned(), held);
                Ok(Reply::Done)
            }
            None => Err(StorageError::Locked { path: path.to_owned() }),
        }
    }
}

/// Returns an error's name and sentence.
pub fn said(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|n| n.as_string());
    match name {
        Some(name) => format!("{name}: {}", thrown(error)),
        None => thrown(error),
    }
}

/// Returns whether an error says that something does not exist.
fn is_absence(error: &JsValue) -> bool {
    Reflect::get(error, &"name".into()).is_ok_and(|name| name == "NotFoundError")
}
