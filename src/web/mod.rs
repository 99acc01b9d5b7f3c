//! The browser's edge: the only code that knows wasm-bindgen. It turns what the engine asks for into what browsers do, and
//! what happens in a browser into the engine's events.
//!
//! A worker of Rivulet loads `worker.js`, which is little more than a loader: [`worker::Worker`] becomes the driver or an
//! executor and owns ports ([`port`]), the worker's lock ([`locks`]), timers ([`timer`]), connections ([`connections`]), files
//! ([`registered_files`], [`storage`], [`spill`]) and the conversation with the page ([`page`]). What stays JavaScript is
//! running functions of the user's, whose values are JavaScript's ([`programs`]).
//!
//! Plain values cross through serde; bytes cross as `Uint8Array`s, copied once; blocks live outside the wasm heap ([`blocks`]).
//! The rooms below know nothing of all this.

pub mod blocks;
pub mod connections;
mod credentials;
mod driver;
mod executor;
pub mod fetch;
pub mod host;
pub mod locks;
pub mod page;
pub mod page_credentials;
pub mod page_members;
pub mod page_source;
pub mod port;
pub mod programs;
pub mod registered_files;
pub mod spill;
pub mod storage;
mod systems;
pub mod timer;
pub mod worker;

use arrow::buffer::Buffer;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use host::thrown;

/// The table of functions as JSON: the client's functions are generated from it.
#[wasm_bindgen(js_name = functionTable)]
pub fn function_table() -> String {
    crate::plan::functions::describe::table().to_string()
}

#[wasm_bindgen]
extern "C" {
    /// Puts the rest of the engine in its place (`src/js/src/worker/rest.ts`).
    #[wasm_bindgen(js_name = rivuletLoadRest)]
    fn script_loads_rest();
}

/// Fetches the rest of the engine where the engine is cut in two (`src/packing`). The first call of a function that is
/// not in the first part comes here; nothing else calls it.
#[wasm_bindgen(js_name = loadRest)]
pub fn load_rest() {
    script_loads_rest();
}

/// Copies blobs into the wasm heap, and empties the list: their own buffers are not needed any more.
fn take(blobs: &Array) -> Vec<Buffer> {
    let taken = blobs
        .iter()
        .filter_map(|b| b.dyn_into::<Uint8Array>().ok())
        .map(|b| Buffer::from(b.to_vec()))
        .collect();
    blobs.set_length(0);
    taken
}

/// Bytes of this instance's heap: its high-water mark, as a wasm memory never shrinks.
fn heap_bytes() -> f64 {
    core::arch::wasm32::memory_size(0) as f64 * 65_536.0
}
