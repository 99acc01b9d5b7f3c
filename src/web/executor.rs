//! An executor in its worker: messages of the driver and of peers become steps of
//! [`cluster::executor`](crate::cluster::executor), and what it returns calls of the script.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::blocks::Blocks;
use super::host::{ExecutorHost, Log, Programs, SyncFile, log_panics};
use super::programs::ScriptPrograms;
use super::{give, heap_bytes, take};
use crate::cluster::executor::{Executor as Core, Outgoing};
use crate::cluster::message::{self, FromExecutor};
use crate::error::SparkError;
use crate::ids::ExecutorRef;

/// The executor's class: one per worker.
#[wasm_bindgen]
pub struct Executor {
    /// The executor itself.
    core: Core<Blocks>,
    /// The script's side.
    host: ExecutorHost,
}

#[wasm_bindgen]
impl Executor {
    /// Makes an executor; `spill` is its file, if the browser has one, `programs` runs the user's functions.
    #[wasm_bindgen(constructor)]
    pub fn new(
        executor: u32,
        incarnation: u32,
        _conf: &str,
        host: ExecutorHost,
        spill: Option<SyncFile>,
        programs: Programs,
    ) -> Executor {
        log_panics(JsCast::unchecked_into::<Log>(JsValue::from(&host)));
        let core = Core::with_programs(
            ExecutorRef::at(executor, incarnation),
            Blocks::new(spill),
            ScriptPrograms(programs),
        );
        Self { core, host }
    }

    /// Takes in a message of the driver; tasks run before it returns.
    #[wasm_bindgen(js_name = driverMessage)]
    pub fn driver_message(&mut self, header: &[u8], blobs: &Array) {
        match message::decode(header) {
            Ok(message) => {
                let out = self.core.driver_message(message, take(blobs));
                self.send(out);
            }
            Err(error) => self.send(vec![unreadable(error)]),
        }
    }

    /// Takes in a message of another executor: a request for a block, or a block.
    #[wasm_bindgen(js_name = peerMessage)]
    pub fn peer_message(&mut self, executor: u32, incarnation: u32, header: &[u8], blobs: &Array) {
        let from = ExecutorRef::at(executor, incarnation);
        match message::decode(header) {
            Ok(message) => {
                let out = self.core.peer_message(from, message, take(blobs));
                self.send(out);
            }
            Err(error) => self.send(vec![unreadable(error)]),
        }
    }

    /// Takes in that another executor has ended; fetches from it fail.
    #[wasm_bindgen(js_name = peerLost)]
    pub fn peer_lost(&mut self, executor: u32, incarnation: u32) {
        let out = self.core.peer_lost(ExecutorRef::at(executor, incarnation));
        self.send(out);
    }

    /// Returns the bytes of the executor's heap.
    #[wasm_bindgen(js_name = heapBytes)]
    pub fn heap_bytes(&self) -> f64 {
        heap_bytes()
    }

    /// Sends what a step returned, to the driver or to peers.
    fn send(&self, outgoing: Vec<Outgoing>) {
        for out in outgoing {
            match out {
                Outgoing::Driver(message, blobs) => match message::encode(&message) {
                    Ok(header) => self.host.to_driver(Uint8Array::from(header.as_slice()), give(&blobs)),
                    Err(error) => self.send(vec![unreadable(error)]),
                },
                Outgoing::Peer(to, message, blobs) => match message::encode(&message) {
                    Ok(header) => {
                        let header = Uint8Array::from(header.as_slice());
                        self.host.to_peer(to.id.0, to.incarnation.0, header, give(&blobs));
                    }
                    Err(error) => self.send(vec![unreadable(error)]),
                },
            }
        }
    }
}

/// Returns the message that reports one which cannot be read or written.
fn unreadable(error: SparkError) -> Outgoing {
    Outgoing::Driver(FromExecutor::Unreadable { error }, vec![])
}
