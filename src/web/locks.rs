//! Web Locks: how the end of a worker, however it comes, is an event for those who wait for its lock.
//!
//! web-sys has them behind a flag that the whole build would need, so the two calls are bound here.

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::page::scope;

#[wasm_bindgen]
extern "C" {
    type Locks;

    #[wasm_bindgen(method, structural)]
    fn request(this: &Locks, name: &str, options: &JsValue, callback: &JsValue) -> Promise;
    #[wasm_bindgen(method, structural)]
    fn query(this: &Locks) -> Promise;
}

fn locks() -> Result<Locks, JsValue> {
    Ok(Reflect::get(&scope().navigator(), &"locks".into())?.unchecked_into())
}

/// A lock that is held until this is dropped, or its worker ends.
#[derive(Debug)]
pub struct Held {
    release: Option<Function>,
    /// Settles when the browser has taken the lock back.
    over: Option<Promise>,
}

impl Held {
    /// Gives the lock back, and waits until whoever asks next can have it: dropping alone takes effect only later.
    pub async fn release(mut self) {
        let over = self.over.take();
        drop(self);
        if let Some(over) = over {
            // It settles with what we resolved the lock's promise with, and that is never an error.
            let _ = JsFuture::from(over).await;
        }
    }

    /// Keeps the lock until the worker ends.
    pub fn forever(mut self) {
        self.release = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            // Resolving a promise cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Waits for a lock and takes it.
///
/// # Errors
/// The browser's, where it has no locks or refuses the name.
pub async fn hold(name: &str) -> Result<Held, JsValue> {
    let found = request(name, false).await?;
    found.ok_or_else(|| JsError::new("a lock was not granted").into())
}

/// Takes a lock if nobody has it.
///
/// # Errors
/// As [`hold`].
pub async fn try_hold(name: &str) -> Result<Option<Held>, JsValue> {
    request(name, true).await
}

/// Waits until nobody holds a lock any more.
///
/// # Errors
/// As [`hold`].
pub async fn released(name: &str) -> Result<(), JsValue> {
    hold(name).await.map(drop)
}

/// Lists the names of all locks of the origin that are held.
///
/// # Errors
/// As [`hold`].
pub async fn held_names() -> Result<Vec<String>, JsValue> {
    let snapshot = JsFuture::from(locks()?.query()).await?;
    let held = Array::from(&Reflect::get(&snapshot, &"held".into())?);
    let names = held.iter().filter_map(|lock| Reflect::get(&lock, &"name".into()).ok());
    Ok(names.filter_map(|name| name.as_string()).collect())
}

async fn request(name: &str, if_available: bool) -> Result<Option<Held>, JsValue> {
    let (granted, answer) = oneshot::channel();
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            let _ = granted.send(None);
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let _ = granted.send(Some(Held { release, over: None }));
        held.into()
    });
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &if_available.into())?;
    let request = locks()?.request(name, &options, &callback);
    let over = JsFuture::from(request.clone());
    let mut found = match select(answer, over).await {
        Either::Left((Ok(found), _)) => found,
        Either::Left((Err(_), over)) => over.await.map(|_| None)?,
        Either::Right((Ok(_), answer)) => answer.await.ok().flatten(),
        Either::Right((Err(error), _)) => return Err(error),
    };
    if let Some(held) = &mut found {
        held.over = Some(request);
    }
    Ok(found)
}
