//! The worker's file for blocks, states and rows of operators that have no room in memory.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::locks;
use super::storage::origin;
use crate::storage::extents::Extents;
use crate::storage::spill::SpillRoom;

const FOLDER: &str = "rivulet-spill";

thread_local! {
    /// The worker's files, and which parts of them are taken. Operators must be able to cross threads, and handles cannot.
    static FILES: RefCell<Vec<(FileSystemSyncAccessHandle, Extents)>> = const { RefCell::new(vec![]) };
}

/// A spill file of this worker, by its number. In another worker there is none of the number.
#[derive(Debug, Clone, Copy)]
pub struct Room(usize);

/// Opens the spill file of the worker that holds `lock`, and removes those of workers that are gone: a file whose lock nobody
/// holds belongs to nobody. `None` where the browser has no origin private file system.
pub async fn open(lock: &str) -> Option<Room> {
    let opened = async {
        let folder = origin::child(&origin::origin().await?, FOLDER, true).await?;
        remove_orphans(&folder, lock).await?;
        let handle = origin::open_sync(&folder, &file_name(lock)).await?;
        handle.truncate_with_f64(0.0)?;
        Ok::<_, JsValue>(handle)
    };
    let handle = opened.await.ok()?;
    Some(FILES.with_borrow_mut(|files| {
        files.push((handle, Extents::default()));
        Room(files.len() - 1)
    }))
}

impl Room {
    /// Returns the handle of its file; `None` in another worker.
    pub fn handle(self) -> Option<FileSystemSyncAccessHandle> {
        FILES.with_borrow(|files| Some(files.get(self.0)?.0.clone()))
    }

    /// Writes a piece and returns where it begins; `None` if there is no room.
    pub fn put(self, bytes: &Uint8Array) -> Option<u64> {
        FILES.with_borrow_mut(|files| {
            let (handle, extents) = files.get_mut(self.0)?;
            let length = u64::from(bytes.length());
            let start = extents.take(length);
            // A file system that is full takes less than all, and Chromium then returns a huge length.
            let whole = handle
                .write_with_buffer_source_and_options(bytes, &at(start))
                .is_ok_and(|n| n == f64::from(bytes.length()));
            if !whole {
                extents.give(start, length);
            }
            whole.then_some(start)
        })
    }

    /// Reads a piece; `None` if it cannot be read whole.
    pub fn get(self, start: u64, bytes: u32) -> Option<Vec<u8>> {
        let array = Uint8Array::new_with_length(bytes);
        let read = self.handle()?.read_with_buffer_source_and_options(&array, &at(start));
        (read.ok()? == f64::from(bytes)).then(|| array.to_vec())
    }

    /// Gives a piece back.
    pub fn free(self, start: u64, bytes: u32) {
        FILES.with_borrow_mut(|files| {
            if let Some((_, extents)) = files.get_mut(self.0) {
                extents.give(start, u64::from(bytes));
            }
        });
    }
}

/// Returns the options of a read or write at an offset.
fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(offset as f64);
    options
}

/// Returns the length of an operator's piece, which is far below 4 GiB.
fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl SpillRoom for Room {
    fn write(&self, bytes: &[u8]) -> io::Result<u64> {
        self.put(&Uint8Array::from(bytes))
            .ok_or_else(|| io::ErrorKind::StorageFull.into())
    }

    fn read(&self, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
        self.get(at, length(bytes)?)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn give(&self, at: u64, bytes: usize) {
        if let Ok(bytes) = length(bytes) {
            self.free(at, bytes);
        }
    }
}

async fn remove_orphans(folder: &FileSystemDirectoryHandle, own: &str) -> Result<(), JsValue> {
    let mut held: HashSet<String> = locks::held_names().await?.iter().map(|name| file_name(name)).collect();
    held.insert(file_name(own));
    for name in origin::names(folder).await? {
        if !held.contains(&name) {
            // Another worker may be about to remove it, too.
            let _ = JsFuture::from(folder.remove_entry(&name)).await;
        }
    }
    Ok(())
}

fn file_name(lock: &str) -> String {
    String::from(js_sys::encode_uri_component(lock))
}
