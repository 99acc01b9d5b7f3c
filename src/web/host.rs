//! The script's side as Rust sees it: methods that the worker's script must have. Names, order and types of arguments
//! are those of the interfaces `DriverHost`, `ExecutorHost` and `ProgramHost` in `src/js`.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `DriverHost` of the driver worker's script.
    pub type DriverHost;

    /// Returns the time, ms since the epoch.
    #[wasm_bindgen(method, structural)]
    pub fn now(this: &DriverHost) -> f64;
    /// Sends one response to a request.
    #[wasm_bindgen(method, structural)]
    pub fn respond(this: &DriverHost, id: f64, bytes: Uint8Array);
    /// Ends a request's responses.
    #[wasm_bindgen(method, structural)]
    pub fn end(this: &DriverHost, id: f64);
    /// Fails a request, with an error as JSON.
    #[wasm_bindgen(method, structural)]
    pub fn fail(this: &DriverHost, id: f64, error: &str);
    /// Sends a message to an executor.
    #[wasm_bindgen(method, structural, js_name = toExecutor)]
    pub fn to_executor(this: &DriverHost, executor: u32, incarnation: u32, header: Uint8Array, blobs: Array);
    /// Asks for a call of `timer` at a time, ms since the epoch; undefined for none. It replaces the one before.
    #[wasm_bindgen(method, structural, js_name = setTimer)]
    pub fn set_timer(this: &DriverHost, at_ms: Option<f64>);
    /// Says how much of a pushed stream waits, and how much may: both in bytes; and how many records are durable.
    #[wasm_bindgen(method, structural)]
    pub fn credit(this: &DriverHost, source: &str, queued: f64, limit: f64, durable: Option<f64>);
    /// Opens a WebSocket.
    #[wasm_bindgen(method, structural, js_name = openSocket)]
    pub fn open_socket(this: &DriverHost, connection: f64, url: &str);
    /// Sends a GET request whose response comes piece by piece; headers are pairs of name and value.
    #[wasm_bindgen(method, structural, js_name = openResponse)]
    pub fn open_response(this: &DriverHost, connection: f64, url: &str, headers: Array);
    /// Sends text over a WebSocket.
    #[wasm_bindgen(method, structural, js_name = sendSocket)]
    pub fn send_socket(this: &DriverHost, connection: f64, text: &str);
    /// Ends a connection.
    #[wasm_bindgen(method, structural, js_name = closeConnection)]
    pub fn close_connection(this: &DriverHost, connection: f64);
    /// Returns the files under a path as an array of `{ path, size, modified }`.
    #[wasm_bindgen(method, structural, catch, js_name = listFiles)]
    pub fn list_files(this: &DriverHost, path: &str) -> Result<JsValue, JsValue>;
    /// Returns a file's bytes.
    #[wasm_bindgen(method, structural, catch, js_name = readFile)]
    pub fn read_file(this: &DriverHost, path: &str) -> Result<Uint8Array, JsValue>;
    /// Calls the page's function with a batch, as Arrow IPC streams.
    #[wasm_bindgen(method, structural, js_name = foreachBatch)]
    pub fn foreach_batch(this: &DriverHost, sink: &str, run: &str, batch: f64, arrow: Array);
    /// Calls the page's listeners with an event.
    #[wasm_bindgen(method, structural)]
    pub fn listener(this: &DriverHost, kind: &str, json: &str);
    /// Sends the status to the page.
    #[wasm_bindgen(method, structural)]
    pub fn status(this: &DriverHost, json: &str);
    /// Shows text of the console sink.
    #[wasm_bindgen(method, structural)]
    pub fn console(this: &DriverHost, text: &str);
    /// Carries out a storage request; `storageDone` follows.
    #[wasm_bindgen(method, structural)]
    pub fn storage(this: &DriverHost, op: f64, kind: &str, path: &str, bytes: Uint8Array);

    /// `ExecutorHost` of an executor worker's script.
    pub type ExecutorHost;

    /// Sends a message to the driver.
    #[wasm_bindgen(method, structural, js_name = toDriver)]
    pub fn to_driver(this: &ExecutorHost, header: Uint8Array, blobs: Array);
    /// Sends a message to another executor.
    #[wasm_bindgen(method, structural, js_name = toPeer)]
    pub fn to_peer(this: &ExecutorHost, executor: u32, incarnation: u32, header: Uint8Array, blobs: Array);

    /// `ProgramHost` of an executor worker's script.
    pub type Programs;

    /// Loads a plan over datasets.
    #[wasm_bindgen(method, structural, catch)]
    pub fn load(this: &Programs, plan: f64, text: &str, blobs: Array) -> Result<(), JsValue>;
    /// Runs a task. Returns an array of blocks (`Uint8Array` or undefined), an array of row counts, an array of what is
    /// kept from now on, and what was added to accumulators.
    #[wasm_bindgen(method, structural, catch)]
    pub fn run(this: &Programs, plan: f64, task: &str, blobs: Array) -> Result<Array, JsValue>;
    /// Loads a function over groups.
    #[wasm_bindgen(method, structural, catch, js_name = loadFunction)]
    pub fn load_function(this: &Programs, plan: f64, number: u32, payload: Uint8Array) -> Result<(), JsValue>;
    /// Calls a function for its groups. Returns an array of two Arrow IPC streams (`Uint8Array` or undefined): rows and
    /// changes.
    #[wasm_bindgen(method, structural, catch, js_name = callGroups)]
    pub fn call_groups(this: &Programs, plan: f64, number: u32, header: &str, blobs: Array) -> Result<Array, JsValue>;
    /// Forgets a plan.
    #[wasm_bindgen(method, structural)]
    pub fn unload(this: &Programs, plan: f64);
    /// Returns whether a partition is kept in memory.
    #[wasm_bindgen(method, structural)]
    pub fn keeps(this: &Programs, dataset: f64, partition: u32) -> bool;
    /// Returns a kept partition as a block.
    #[wasm_bindgen(method, structural)]
    pub fn kept(this: &Programs, dataset: f64, partition: u32) -> Option<Uint8Array>;
    /// Forgets what is kept of a dataset.
    #[wasm_bindgen(method, structural)]
    pub fn forget(this: &Programs, dataset: f64);

    /// What both hosts have: a log.
    pub type Log;

    /// Logs a line.
    #[wasm_bindgen(method, structural)]
    pub fn log(this: &Log, level: &str, text: &str);

    /// `FileSystemSyncAccessHandle`: a file that a worker reads and writes without waiting.
    pub type SyncFile;

    /// Writes at `options.at`; returns how many bytes it took.
    #[wasm_bindgen(method, structural, catch)]
    pub fn write(this: &SyncFile, bytes: &Uint8Array, options: &JsValue) -> Result<f64, JsValue>;
    /// Reads at `options.at` into `bytes`; returns how many bytes there were.
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

/// Returns the sentence inside whatever a script threw.
pub fn thrown(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |e| String::from(e.message()))
}
