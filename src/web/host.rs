//! What the worker's script does for the engine: it runs functions of the user's, whose values are JavaScript's.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::console;

#[wasm_bindgen]
extern "C" {
    /// `ProgramHost` of the worker's script.
    #[derive(Clone)]
    pub type Programs;

    /// Settles when all functions so far are loaded; undefined if they are.
    #[wasm_bindgen(method, structural, getter)]
    pub fn loading(this: &Programs) -> Option<Promise>;
    /// Loads a plan: its text and its values.
    #[wasm_bindgen(method, structural, catch)]
    pub fn load(this: &Programs, plan: f64, text: &str, blobs: Array) -> Result<(), JsValue>;
    /// Runs a task. Returns an array of blocks (`Uint8Array` or undefined), an array of row counts, an array of what is kept
    /// from now on, and what was added to accumulators (`Uint8Array` or undefined).
    #[wasm_bindgen(method, structural, catch)]
    pub fn run(this: &Programs, plan: f64, task: &JsValue, blobs: Array) -> Result<Array, JsValue>;
    /// Loads a function over groups, as its client sent it.
    #[wasm_bindgen(method, structural, catch, js_name = loadFunction)]
    pub fn load_function(this: &Programs, plan: f64, number: u32, payload: Uint8Array) -> Result<(), JsValue>;
    /// Calls a function for each of its groups. Returns an array of two Arrow IPC streams (`Uint8Array` or undefined): rows
    /// and changes.
    #[wasm_bindgen(method, structural, catch, js_name = callGroups)]
    pub fn call_groups(
        this: &Programs,
        plan: f64,
        number: u32,
        header: &JsValue,
        blobs: Array,
    ) -> Result<Array, JsValue>;
    /// Does what the driver says of a receiver of the user's; its class comes with a start.
    #[wasm_bindgen(method, structural)]
    pub fn receiver(this: &Programs, receiver: &JsValue, order: &JsValue, class: &JsValue);
    /// Forgets a plan and its functions.
    #[wasm_bindgen(method, structural)]
    pub fn unload(this: &Programs, plan: f64);
    /// Returns whether a partition is in the script's memory.
    #[wasm_bindgen(method, structural)]
    pub fn keeps(this: &Programs, dataset: f64, partition: u32) -> bool;
    /// Returns a kept partition as a block; undefined if it is not here.
    #[wasm_bindgen(method, structural)]
    pub fn kept(this: &Programs, dataset: f64, partition: u32) -> Option<Uint8Array>;
    /// Forgets all partitions of a dataset.
    #[wasm_bindgen(method, structural)]
    pub fn forget(this: &Programs, dataset: f64);
}

/// Name of the global that has the last panic's message.
const PANIC: &str = "rivuletPanic";

/// Tells the console a panic's message and place, and leaves it for the script, before the trap, which says neither.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        console::error_1(&format!("[rivulet] {text}").into());
        // A global of ours can be set; and nothing could be done about it here.
        let _ = Reflect::set(&js_sys::global(), &PANIC.into(), &text.into());
    }));
}

/// The sentence inside whatever a script threw.
pub fn thrown(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|m| m.as_string());
    message.unwrap_or_else(|| format!("{error:?}"))
}
