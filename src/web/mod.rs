//! The only code that knows wasm-bindgen: driver and executor as classes that a worker's script steps.
//!
//! Each call into them runs one step and carries out what it asked for through the host object the script gave. Bytes
//! go in and out as `Uint8Array`s; blocks live outside the wasm heap ([`blocks`]).
//!
//! ```text
//!  page ──postMessage──▶ driver worker: script ──request, timer, …──▶ Driver ──▶ connect::driver
//!                                         ▲                              │
//!                                         └──── respond, toExecutor, … ──┘ through DriverHost
//!  driver worker ──MessagePort──▶ executor worker: script ──▶ Executor ──▶ cluster::executor
//! ```
//!
//! Numbers of JavaScript are doubles: ids are below 2^53, so none is rounded.

mod blocks;
mod driver;
mod executor;
mod host;
mod programs;
mod storage;

use arrow::buffer::Buffer;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

/// Returns the table of functions as JSON: the client's functions are generated from it.
#[wasm_bindgen(js_name = functionTable)]
pub fn function_table() -> String {
    crate::plan::functions::describe::table().to_string()
}

/// Copies blobs into the wasm heap.
///
/// What is not a `Uint8Array` is left out: scripts send nothing else.
fn take(blobs: &Array) -> Vec<Buffer> {
    blobs
        .iter()
        .filter_map(|b| b.dyn_into::<Uint8Array>().ok())
        .map(|b| Buffer::from(b.to_vec()))
        .collect()
}

/// Copies blobs out of the wasm heap, each into a buffer of its own, ready to be transferred.
///
/// A view into the wasm heap would be detached as soon as the heap grows.
fn give(blobs: &[Buffer]) -> Array {
    blobs.iter().map(|b| Uint8Array::from(b.as_slice())).collect()
}

/// Bytes of this instance's heap: its high-water mark, as a wasm memory never shrinks.
fn heap_bytes() -> f64 {
    core::arch::wasm32::memory_size(0) as f64 * 65_536.0
}
