//! Storage requests as the worker's script carries them out, and its answers.
//!
//! The script writes into the origin's private file system, or into IndexedDB if the browser lacks it. Neither replaces
//! a file at once, so files are sealed here: a torn one is found out when it is read.

use arrow::buffer::Buffer;

use crate::storage::{Answer, Reply, Request, StorageError, seal};

/// Returns the script's word for a request, and the bytes that it takes.
pub fn command(request: &Request) -> (&'static str, Vec<u8>) {
    match request {
        Request::Read { .. } => ("read", vec![]),
        Request::List { .. } => ("list", vec![]),
        Request::Write { bytes, .. } => ("write", seal::seal(bytes)),
        Request::Delete { .. } => ("remove", vec![]),
        Request::Lock { .. } => ("lock", vec![]),
        Request::Unlock { .. } => ("unlock", vec![]),
    }
}

/// Returns the path below the origin's folder.
pub fn path(request: &Request) -> &str {
    let path = request.path();
    path.strip_prefix("opfs://").unwrap_or(path).trim_start_matches('/')
}

/// Returns what must be known of a request when it is answered.
pub fn without_bytes(request: Request) -> Request {
    match request {
        Request::Write { path, .. } => Request::Write {
            path,
            bytes: Buffer::from(Vec::<u8>::new()),
        },
        other => other,
    }
}

/// Returns the answer to a request by what the script gave: an error's name and message, or bytes.
pub fn answer(request: &Request, error: Option<String>, bytes: Option<Buffer>) -> Answer {
    let path = request.path();
    match (request, error) {
        (Request::Read { .. }, Some(error)) if error.starts_with("NotFoundError") => Ok(Reply::Bytes(None)),
        (Request::Lock { .. }, Some(error)) if error.starts_with("LockedError") => {
            Err(StorageError::Locked { path: path.to_owned() })
        }
        (_, Some(error)) => Err(StorageError::of_text(path, &error)),
        (Request::Read { .. }, None) => {
            let file = bytes.unwrap_or_else(|| Buffer::from(Vec::<u8>::new()));
            Ok(Reply::Bytes(Some(seal::open(path, &file)?)))
        }
        (Request::List { .. }, None) => {
            let names = bytes
                .as_deref()
                .and_then(|b| std::str::from_utf8(b).ok())
                .unwrap_or_default();
            Ok(Reply::Names(names.lines().map(str::to_owned).collect()))
        }
        (_, None) => Ok(Reply::Done),
    }
}
