//! What callbacks have said, to be waited for: tests count events and never sleep. What does not come within
//! [`PATIENCE_MS`] fails the test that waits for it, by name, rather than the run.

use std::pin::pin;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::channel::oneshot;
use futures::future::{Either, select};
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// How long to wait for what must come: far longer than it ever takes.
const PATIENCE_MS: u32 = 10_000;

/// Waits for what must come.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let (tire, tired) = oneshot::channel();
    let _patience = Timeout::new(PATIENCE_MS, move || {
        // Whoever waited may have what it waited for.
        let _ = tire.send(());
    });
    match select(pin!(what), tired).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("what must come did not come within {PATIENCE_MS} ms"),
    }
}

/// Values in the order in which a callback got them.
pub struct Heard<T>(UnboundedReceiver<T>);

/// Returns a callback, and what it will have heard.
pub fn hearing<T: 'static>() -> (impl Fn(T) + Clone + 'static, Heard<T>) {
    let (sender, receiver) = unbounded();
    let hear = move |value| {
        // The receiver may be gone when a test is over.
        let _ = sender.unbounded_send(value);
    };
    (hear, Heard(receiver))
}

impl<T> Heard<T> {
    /// Waits for the next value.
    pub async fn next(&mut self) -> T {
        soon(self.0.next()).await.expect("the callback lives")
    }

    /// Waits for as many values.
    pub async fn some(&mut self, count: usize) -> Vec<T> {
        let mut values = Vec::new();
        while values.len() < count {
            values.push(self.next().await);
        }
        values
    }

    /// Returns what has been heard by now and not been asked for.
    pub fn rest(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// Waits until messages posted before this have been delivered.
pub async fn messages_delivered() {
    let channel = MessageChannel::new().unwrap();
    for _ in 0..3 {
        let arrived = Promise::new(&mut |resolve: Function, _| channel.port1().set_onmessage(Some(&resolve)));
        channel.port2().post_message(&JsValue::NULL).unwrap();
        JsFuture::from(arrived).await.unwrap();
    }
    channel.port1().close();
}

/// Waits for the next event of a kind.
pub async fn event(target: &web_sys::EventTarget, kind: &str) -> JsValue {
    let once = js_sys::Object::new();
    js_sys::Reflect::set(&once, &"once".into(), &true.into()).unwrap();
    let add: Function = js_sys::Reflect::get(target, &"addEventListener".into())
        .unwrap()
        .unchecked_into();
    let happened = Promise::new(&mut |resolve, _| {
        add.call3(target, &kind.into(), &resolve, &once).unwrap();
    });
    soon(JsFuture::from(happened)).await.unwrap()
}
