//! The script's side as Rust sees it.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `DriverHost` of the worker's script.
    pub type DriverHost;

    #[wasm_bindgen(method, structural)]
    pub fn now(this: &DriverHost) -> f64;
    #[wasm_bindgen(method, structural)]
    pub fn respond(this: &DriverHost, id: f64, bytes: Uint8Array);
    #[wasm_bindgen(method, structural)]
    pub fn end(this: &DriverHost, id: f64);
    #[wasm_bindgen(method, structural)]
    pub fn fail(this: &DriverHost, id: f64, error: &str);
    #[wasm_bindgen(method, structural, js_name = toExecutor)]
    pub fn to_executor(this: &DriverHost, executor: u32, incarnation: u32, header: Uint8Array, blobs: Array);
    #[wasm_bindgen(method, structural, js_name = setTimer)]
    pub fn set_timer(this: &DriverHost, at_ms: Option<f64>);
    #[wasm_bindgen(method, structural)]
    pub fn credit(this: &DriverHost, source: &str, queued: f64, limit: f64, durable: Option<f64>);
    #[wasm_bindgen(method, structural, js_name = openSocket)]
    pub fn open_socket(this: &DriverHost, connection: f64, url: &str);
    /// Sends a GET request whose response comes piece by piece; headers are pairs of name and value.
    #[wasm_bindgen(method, structural, js_name = openResponse)]
    pub fn open_response(this: &DriverHost, connection: f64, url: &str, headers: Array);
    #[wasm_bindgen(method, structural, js_name = sendSocket)]
    pub fn send_socket(this: &DriverHost, connection: f64, text: &str);
    #[wasm_bindgen(method, structural, js_name = closeConnection)]
    pub fn close_connection(this: &DriverHost, connection: f64);
    #[wasm_bindgen(method, structural, catch, js_name = listFiles)]
    pub fn list_files(this: &DriverHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = readFile)]
    pub fn read_file(this: &DriverHost, path: &str) -> Result<Uint8Array, JsValue>;
    #[wasm_bindgen(method, structural, js_name = foreachBatch)]
    pub fn foreach_batch(this: &DriverHost, sink: &str, run: &str, batch: f64, arrow: Array);
    #[wasm_bindgen(method, structural)]
    pub fn listener(this: &DriverHost, kind: &str, json: &str);
    #[wasm_bindgen(method, structural)]
    pub fn status(this: &DriverHost, json: &str);
    #[wasm_bindgen(method, structural)]
    pub fn console(this: &DriverHost, text: &str);
    #[wasm_bindgen(method, structural)]
    pub fn storage(this: &DriverHost, op: f64, kind: &str, path: &str, bytes: Uint8Array);

    /// `ExecutorHost` of the worker's script.
    pub type ExecutorHost;

    #[wasm_bindgen(method, structural, js_name = toDriver)]
    pub fn to_driver(this: &ExecutorHost, header: Uint8Array, blobs: Array);
    #[wasm_bindgen(method, structural, js_name = toPeer)]
    pub fn to_peer(this: &ExecutorHost, executor: u32, incarnation: u32, header: Uint8Array, blobs: Array);

    /// `ProgramHost` of the worker's script.
    pub type Programs;

    #[wasm_bindgen(method, structural, catch)]
    pub fn load(this: &Programs, plan: f64, text: &str, blobs: Array) -> Result<(), JsValue>;
    /// An array of blocks (`Uint8Array` or undefined), an array of row counts, and an array of what is kept from now on.
    #[wasm_bindgen(method, structural, catch)]
    pub fn run(this: &Programs, plan: f64, task: &str, blobs: Array) -> Result<Array, JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = loadFunction)]
    pub fn load_function(this: &Programs, plan: f64, number: u32, payload: Uint8Array) -> Result<(), JsValue>;
    /// An array of two Arrow IPC streams (`Uint8Array` or undefined): rows and changes.
    #[wasm_bindgen(method, structural, catch, js_name = callGroups)]
    pub fn call_groups(this: &Programs, plan: f64, number: u32, header: &str, blobs: Array) -> Result<Array, JsValue>;
    #[wasm_bindgen(method, structural)]
    pub fn unload(this: &Programs, plan: f64);
    #[wasm_bindgen(method, structural)]
    pub fn keeps(this: &Programs, dataset: f64, partition: u32) -> bool;
    #[wasm_bindgen(method, structural)]
    pub fn kept(this: &Programs, dataset: f64, partition: u32) -> Option<Uint8Array>;
    #[wasm_bindgen(method, structural)]
    pub fn forget(this: &Programs, dataset: f64);

    /// What both hosts have.
    pub type Log;

    #[wasm_bindgen(method, structural)]
    pub fn log(this: &Log, level: &str, text: &str);

    /// `FileSystemSyncAccessHandle`.
    pub type SyncFile;

    #[wasm_bindgen(method, structural, catch)]
    pub fn write(this: &SyncFile, bytes: &Uint8Array, options: &JsValue) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    pub fn read(this: &SyncFile, bytes: &Uint8Array, options: &JsValue) -> Result<f64, JsValue>;
}

thread_local! {
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Tells the script a panic's message and place before the trap, which says neither.
pub fn log_panics(log: Log) {
    LOG.with(|slot| *slot.borrow_mut() = Some(log));
    std::panic::set_hook(Box::new(|info| {
        LOG.with(|slot| {
            if let Ok(slot) = slot.try_borrow()
                && let Some(log) = slot.as_ref()
            {
                log.log("error", &info.to_string());
            }
        });
    }));
}

/// The sentence inside whatever a script threw.
pub fn thrown(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |e| String::from(e.message()))
}
