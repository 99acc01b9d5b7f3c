//! Web Locks: who has one, who waits, and how the end of a holder is heard of.

use std::pin::pin;
use std::task::Poll;

use futures::channel::oneshot;
use futures::{future, poll};
use js_sys::Array;
use rivulet::web::locks::{held_names, hold, released, try_hold};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::{event, hearing, soon};
use crate::objects::call;

#[wasm_bindgen_test]
async fn a_lock_that_is_held_is_not_to_be_had() {
    let held = try_hold("locks-held").await.unwrap();
    assert!(held.is_some());
    assert!(try_hold("locks-held").await.unwrap().is_none());
    assert!(try_hold("locks-other").await.unwrap().is_some());
}

#[wasm_bindgen_test]
async fn dropping_a_lock_gives_it_to_who_waits() {
    let held = hold("locks-passed").await.unwrap();
    let mut waits = pin!(hold("locks-passed"));
    assert!(poll!(waits.as_mut()).is_pending());
    assert!(try_hold("locks-passed").await.unwrap().is_none());
    assert!(poll!(waits.as_mut()).is_pending());
    drop(held);
    let _next = soon(waits).await.unwrap();
    assert!(try_hold("locks-passed").await.unwrap().is_none());
}

#[wasm_bindgen_test]
async fn a_lock_given_back_can_be_had_at_once() {
    for _ in 0..20 {
        let held = try_hold("locks-given-back").await.unwrap();
        held.expect("the lock is free").release().await;
    }
}

#[wasm_bindgen_test]
async fn those_who_wait_get_it_in_the_order_in_which_they_came() {
    let held = hold("locks-queue").await.unwrap();
    let (hear, mut heard) = hearing();
    for n in 0..5 {
        let hear = hear.clone();
        spawn_local(async move {
            let _turn = hold("locks-queue").await.unwrap();
            hear(n);
        });
    }
    future::ready(()).await;
    drop(held);
    assert_eq!(heard.some(5).await, [0, 1, 2, 3, 4]);
}

#[wasm_bindgen_test]
async fn the_names_of_held_locks_are_listed_and_those_of_released_ones_are_not() {
    let held = hold("locks-listed").await.unwrap();
    let is_listed = || async { held_names().await.unwrap().contains(&"locks-listed".to_owned()) };
    assert!(is_listed().await);
    drop(held);
    released("locks-listed").await.unwrap();
    hold("locks-listed-after").await.unwrap();
    assert!(!is_listed().await);
}

#[wasm_bindgen_test]
async fn who_waits_for_a_release_does_not_take_the_lock() {
    let held = hold("locks-released").await.unwrap();
    let (done, mut is_done) = oneshot::channel();
    spawn_local(async move {
        released("locks-released").await.unwrap();
        let _ = done.send(());
    });
    assert!(try_hold("locks-released").await.unwrap().is_none());
    assert_eq!(is_done.try_recv(), Ok(None));
    drop(held);
    soon(is_done).await.unwrap();
    let _again = soon(hold("locks-released")).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_end_of_a_worker_releases_its_locks() {
    let worker = call(
        "(name) => {
            const text = `navigator.locks.request('${name}', () => { postMessage('held'); return new Promise(() => {}); })`;
            return new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
        }",
        &["locks-of-a-worker".into()],
    );
    event(worker.unchecked_ref(), "message").await;
    let mut ends = pin!(released("locks-of-a-worker"));
    assert!(poll!(ends.as_mut()).is_pending());
    assert!(try_hold("locks-of-a-worker").await.unwrap().is_none());
    assert!(poll!(ends.as_mut()).is_pending());
    call("(worker) => worker.terminate()", &[worker]);
    soon(ends).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_lock_that_is_kept_forever_outlives_its_handle() {
    hold("locks-forever").await.unwrap().forever();
    assert!(try_hold("locks-forever").await.unwrap().is_none());
    assert!(held_names().await.unwrap().contains(&"locks-forever".to_owned()));
}

#[wasm_bindgen_test]
async fn a_name_that_the_browser_refuses_is_an_error() {
    // Names that begin with a hyphen are reserved.
    assert!(hold("-locks").await.is_err());
    assert!(try_hold("-locks").await.is_err());
    assert!(released("-locks").await.is_err());
}

#[wasm_bindgen_test]
async fn who_gives_up_waiting_does_not_keep_the_lock() {
    let held = hold("locks-given-up").await.unwrap();
    {
        let mut waits = pin!(hold("locks-given-up"));
        assert!(matches!(poll!(waits.as_mut()), Poll::Pending));
    }
    drop(held);
    let _next = soon(hold("locks-given-up")).await.unwrap();
}

#[wasm_bindgen_test]
async fn names_of_all_kinds_are_told_apart() {
    let names = ["locks ", "locks/a", "locks/ä", "locks/😀", "locks%2Fa", "locks\n"];
    let mut held = Vec::new();
    for name in names {
        held.push(try_hold(name).await.unwrap().expect(name));
    }
    let listed: Array = held_names().await.unwrap().iter().map(JsValue::from).collect();
    assert!(names.iter().all(|name| listed.includes(&(*name).into(), 0)));
}
