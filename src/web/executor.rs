//! An executor in its worker.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::blocks::Blocks;
use super::host::{ExecutorHost, Log, Programs, SyncFile, log_panics};
use super::programs::ScriptPrograms;
use super::{give, heap_bytes, take};
use crate::cluster::executor::{Executor as Core, Outgoing};
use crate::cluster::message;
use crate::ids::ExecutorRef;

/// The executor's class.
#[wasm_bindgen]
pub struct Executor {
    core: Core<Blocks>,
    host: ExecutorHost,
}

#[wasm_bindgen]
impl Executor {
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
            ExecutorRef {
                id: executor,
                incarnation,
            },
            Blocks::new(spill),
            ScriptPrograms(programs),
        );
        Self { core, host }
    }

    #[wasm_bindgen(js_name = driverMessage)]
    pub fn driver_message(&mut self, header: &[u8], blobs: &Array) {
        if let Ok(message) = message::decode(header) {
            let out = self.core.driver_message(message, take(blobs));
            self.send(out);
        }
    }

    #[wasm_bindgen(js_name = peerMessage)]
    pub fn peer_message(&mut self, executor: u32, incarnation: u32, header: &[u8], blobs: &Array) {
        if let Ok(message) = message::decode(header) {
            let out = self.core.peer_message(
                ExecutorRef {
                    id: executor,
                    incarnation,
                },
                message,
                take(blobs),
            );
            self.send(out);
        }
    }

    #[wasm_bindgen(js_name = peerLost)]
    pub fn peer_lost(&mut self, executor: u32, incarnation: u32) {
        let out = self.core.peer_lost(ExecutorRef {
            id: executor,
            incarnation,
        });
        self.send(out);
    }

    #[wasm_bindgen(js_name = heapBytes)]
    pub fn heap_bytes(&self) -> f64 {
        heap_bytes()
    }

    fn send(&self, outgoing: Vec<Outgoing>) {
        for out in outgoing {
            match out {
                Outgoing::Driver(message, blobs) => {
                    self.host
                        .to_driver(Uint8Array::from(message::encode(&message).as_slice()), give(&blobs));
                }
                Outgoing::Peer(to, message, blobs) => {
                    self.host.to_peer(
                        to.id,
                        to.incarnation,
                        Uint8Array::from(message::encode(&message).as_slice()),
                        give(&blobs),
                    );
                }
            }
        }
    }
}
