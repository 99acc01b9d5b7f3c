//! The file for blocks and states that have no room in memory.

use std::collections::HashSet;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemSyncAccessHandle};

use super::locks;
use super::storage::origin;

const FOLDER: &str = "rivulet-spill";

/// Opens the spill file of the worker that holds `lock`, and removes those of workers that are gone: a file whose lock nobody
/// holds belongs to nobody. `None` where the browser has no origin private file system.
pub async fn open(lock: &str) -> Option<FileSystemSyncAccessHandle> {
    let opened = async {
        let folder = origin::child(&origin::origin().await?, FOLDER, true).await?;
        remove_orphans(&folder, lock).await?;
        let handle = origin::open_sync(&folder, &file_name(lock)).await?;
        handle.truncate_with_f64(0.0)?;
        Ok::<_, JsValue>(handle)
    };
    opened.await.ok()
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
