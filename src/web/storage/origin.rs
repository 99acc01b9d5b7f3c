//! Files in the origin's private file system, below `/rivulet`.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions, FileSystemSyncAccessHandle,
};

use super::is_absence;
use crate::web::page::scope;

/// The folder that has the files.
#[derive(Debug, Clone)]
pub struct OriginFiles {
    root: FileSystemDirectoryHandle,
}

impl OriginFiles {
    /// Opens `/rivulet`, and makes it if it is not there.
    ///
    /// # Errors
    /// The browser's, where it has no such file system.
    pub async fn open() -> Result<Self, JsValue> {
        let origin: FileSystemDirectoryHandle = origin().await?;
        let root = child(&origin, "rivulet", true).await?;
        Ok(Self { root })
    }

    /// Returns the folder of these names; made if `create`, else its absence is a `NotFoundError`.
    async fn folder(&self, names: &[&str], create: bool) -> Result<FileSystemDirectoryHandle, JsValue> {
        let mut at = self.root.clone();
        for name in names {
            at = child(&at, name, create).await?;
        }
        Ok(at)
    }

    /// Makes or replaces a file; it is on the disk when this returns.
    ///
    /// # Errors
    /// The browser's; `QuotaExceededError` if the storage is full, also where the browser says so only by writing less.
    pub async fn write(&self, path: &[&str], bytes: &[u8]) -> Result<(), JsValue> {
        let (name, folder) = path.split_last().unwrap_or((&"", &[]));
        let folder = self.folder(folder, true).await?;
        let access = open_sync(&folder, name).await?;
        let written = write_whole(&access, bytes);
        access.close();
        written
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// The browser's.
    pub async fn read(&self, path: &[&str]) -> Result<Option<Vec<u8>>, JsValue> {
        let (name, folder) = path.split_last().unwrap_or((&"", &[]));
        let read = async {
            let folder = self.folder(folder, false).await?;
            let handle: FileSystemFileHandle = JsFuture::from(folder.get_file_handle(name)).await?.dyn_into()?;
            let file: File = JsFuture::from(handle.get_file()).await?.dyn_into()?;
            let bytes = JsFuture::from(file.array_buffer()).await?;
            Ok(Uint8Array::new(&bytes).to_vec())
        };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the names in a folder, in order; none if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn list(&self, path: &[&str]) -> Result<Vec<String>, JsValue> {
        match self.folder(path, false).await {
            Ok(folder) => names(&folder).await,
            Err(error) if is_absence(&error) => Ok(vec![]),
            Err(error) => Err(error),
        }
    }

    /// Removes a file or a whole folder; does nothing if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn remove(&self, path: &[&str]) -> Result<(), JsValue> {
        let (name, folder) = path.split_last().unwrap_or((&"", &[]));
        let removed = async {
            let folder = self.folder(folder, false).await?;
            let options = FileSystemRemoveOptions::new();
            options.set_recursive(true);
            JsFuture::from(folder.remove_entry_with_options(name, &options)).await
        };
        match removed.await {
            Err(error) if !is_absence(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Opens the root of the origin's private file system.
///
/// # Errors
/// The browser's, where it has none.
pub async fn origin() -> Result<FileSystemDirectoryHandle, JsValue> {
    let storage = Reflect::get(&scope().navigator(), &"storage".into())?;
    let storage: web_sys::StorageManager = storage.dyn_into()?;
    JsFuture::from(storage.get_directory()).await?.dyn_into()
}

/// Opens a folder in a folder.
///
/// # Errors
/// The browser's; `NotFoundError` if it does not exist and is not to be made.
pub async fn child(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemDirectoryHandle, JsValue> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let found = JsFuture::from(folder.get_directory_handle_with_options(name, &options)).await?;
    found.dyn_into()
}

/// Lists the names in a folder, in order.
///
/// # Errors
/// The browser's.
pub async fn names(folder: &FileSystemDirectoryHandle) -> Result<Vec<String>, JsValue> {
    let keys = folder.keys();
    let mut names = Vec::new();
    loop {
        let next = JsFuture::from(keys.next()?).await?;
        if Reflect::get(&next, &"done".into())?.is_truthy() {
            names.sort();
            return Ok(names);
        }
        names.extend(Reflect::get(&next, &"value".into())?.as_string());
    }
}

/// Makes or opens a file for reading and writing in place.
///
/// # Errors
/// The browser's, for example if another has it open.
pub async fn open_sync(folder: &FileSystemDirectoryHandle, name: &str) -> Result<FileSystemSyncAccessHandle, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let file = JsFuture::from(folder.get_file_handle_with_options(name, &options)).await?;
    let file: FileSystemFileHandle = file.dyn_into()?;
    JsFuture::from(file.create_sync_access_handle()).await?.dyn_into()
}

fn write_whole(access: &FileSystemSyncAccessHandle, bytes: &[u8]) -> Result<(), JsValue> {
    access.truncate_with_f64(0.0)?;
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(0.0);
    let array = Uint8Array::from(bytes);
    let written = access.write_with_buffer_source_and_options(&array, &options)?;
    // Chromium returns an error's number, as a huge length, when the room ends in the middle.
    if written != bytes.len() as f64 {
        let why = format!("wrote {written} of {} bytes", bytes.len());
        return Err(DomException::new_with_message_and_name(&why, "QuotaExceededError")?.into());
    }
    access.flush()
}
