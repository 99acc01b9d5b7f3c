//! A channel to another worker: a small header for the engine, and the blocks it speaks of.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

/// One end of a channel. Dropping it closes the channel.
#[derive(Debug)]
pub struct Port {
    port: MessagePort,
    hears: Option<Closure<dyn FnMut(MessageEvent)>>,
}

impl Port {
    /// Takes over a port.
    pub fn new(port: MessagePort) -> Self {
        Self { port, hears: None }
    }

    /// Calls `receive` with header and blobs of each message from now on.
    pub fn listen(&mut self, mut receive: impl FnMut(Vec<u8>, Array) + 'static) {
        let hears = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let (header, blobs) = parts(&event.data());
            receive(header, blobs);
        });
        self.port.set_onmessage(Some(hears.as_ref().unchecked_ref()));
        self.hears = Some(hears);
    }

    /// Posts a message; the blobs move.
    ///
    /// # Errors
    /// If it cannot be posted.
    pub fn send(&self, header: &[u8], blobs: &Array) -> Result<(), JsValue> {
        let header = Uint8Array::from(header);
        let message = Object::new();
        Reflect::set(&message, &"header".into(), &header)?;
        Reflect::set(&message, &"blobs".into(), blobs)?;
        let transfer = Array::of1(&header.buffer());
        for blob in blobs.iter().filter_map(|b| b.dyn_into::<Uint8Array>().ok()) {
            if blob.length() > 0 {
                transfer.push(&blob.buffer());
            }
        }
        self.port.post_message_with_transferable(&message, &transfer)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}

/// Takes a message apart; what has another shape is an empty header, which nobody can decode.
fn parts(message: &JsValue) -> (Vec<u8>, Array) {
    let get = |key: &str| Reflect::get(message, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let header = get("header").dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    let blobs = get("blobs").dyn_into::<Array>().unwrap_or_default();
    (header.unwrap_or_default(), blobs)
}
