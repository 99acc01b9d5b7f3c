//! Files in IndexedDB: one record each, under its path.

use std::collections::BTreeSet;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction};

const DATABASE: &str = "rivulet";
const STORE: &str = "files";

#[wasm_bindgen]
extern "C" {
    /// An `IDBDatabase` whose transactions say how durable they are, which web-sys has behind a flag.
    type Durable;

    #[wasm_bindgen(method, structural, catch)]
    fn transaction(this: &Durable, store: &str, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

/// The database that has the files.
#[derive(Debug, Clone)]
pub struct IndexedFiles {
    database: IdbDatabase,
}

impl IndexedFiles {
    /// Opens the database, and makes it if it is not there.
    ///
    /// # Errors
    /// The browser's, where it has none or refuses it.
    pub async fn open() -> Result<Self, JsValue> {
        let factory: IdbFactory = Reflect::get(&js_sys::global(), &"indexedDB".into())?.dyn_into()?;
        let request = factory.open_with_u32(DATABASE, 1)?;
        let opening = request.clone();
        let upgrade = Closure::once_into_js(move || {
            if let Ok(database) = opening.result() {
                let database: IdbDatabase = database.unchecked_into();
                // A database of version 0 has no store of that name.
                let _ = database.create_object_store(STORE);
            }
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        let database = answered(&request).await?.dyn_into()?;
        Ok(Self { database })
    }

    /// Makes or replaces a file; it is on the disk when this returns.
    ///
    /// # Errors
    /// The browser's; `QuotaExceededError` if the storage is full.
    pub async fn write(&self, path: &[&str], bytes: &[u8]) -> Result<(), JsValue> {
        let transaction = self.begin("readwrite")?;
        let store = transaction.object_store(STORE)?;
        store.put_with_key(&Uint8Array::from(bytes), &path.join("/").into())?;
        committed(&transaction).await
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// The browser's.
    pub async fn read(&self, path: &[&str]) -> Result<Option<Vec<u8>>, JsValue> {
        let found = answered(&self.look()?.get(&path.join("/").into())?).await?;
        Ok(found.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
    }

    /// Lists the names in a folder, folders among them, in order; none if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn list(&self, path: &[&str]) -> Result<Vec<String>, JsValue> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{}/", path.join("/"))
        };
        let keys = answered(&self.look()?.get_all_keys_with_key(&below(&prefix)?)?).await?;
        let keys = Array::from(&keys);
        let keys = keys.iter().filter_map(|key| key.as_string());
        let first = |key: String| {
            let rest = key.get(prefix.len()..)?;
            rest.split('/').next().map(str::to_owned)
        };
        let names: BTreeSet<String> = keys.filter_map(first).collect();
        Ok(names.into_iter().collect())
    }

    /// Removes a file or a whole folder; does nothing if it does not exist.
    ///
    /// # Errors
    /// The browser's.
    pub async fn remove(&self, path: &[&str]) -> Result<(), JsValue> {
        let (transaction, path) = (self.begin("readwrite")?, path.join("/"));
        let store = transaction.object_store(STORE)?;
        store.delete(&path.as_str().into())?;
        store.delete(&below(&format!("{path}/"))?)?;
        committed(&transaction).await
    }

    fn look(&self) -> Result<IdbObjectStore, JsValue> {
        self.begin("readonly")?.object_store(STORE)
    }

    /// Begins a transaction that is on the disk when it completes.
    fn begin(&self, mode: &str) -> Result<IdbTransaction, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let database: &Durable = self.database.unchecked_ref();
        database.transaction(STORE, mode, &options)
    }
}

/// Returns the range of all keys with a prefix.
fn below(prefix: &str) -> Result<JsValue, JsValue> {
    let range = IdbKeyRange::bound(&prefix.into(), &format!("{prefix}\u{ffff}").into())?;
    Ok(range.into())
}

/// Waits for the result of a request.
async fn answered(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => request.result(),
        Err(event) => Err(request.error().ok().flatten().map_or(event, JsValue::from)),
    }
}

/// Waits until a transaction is done.
async fn committed(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onerror(Some(&reject));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => Ok(()),
        Err(event) => Err(transaction.error().map_or(event, JsValue::from)),
    }
}
