//! The browser's edge on a page: what of `rivulet::web` does not need a worker. Parts are in `tests/web`.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says by a panic what does not hold"
)]

#[path = "web/connections.rs"]
mod connections;
#[path = "web/credential_messages.rs"]
mod credential_messages;
#[path = "web/heard.rs"]
mod heard;
#[path = "web/locks.rs"]
mod locks;
#[path = "web/members.rs"]
mod members;
#[path = "web/messages.rs"]
mod messages;
#[path = "web/objects.rs"]
mod objects;
#[path = "web/paced.rs"]
mod paced;
#[path = "web/page_only.rs"]
mod page_only;
#[path = "web/page_things.rs"]
mod page_things;
#[path = "web/port.rs"]
mod port;
#[path = "web/programs.rs"]
mod programs;
#[path = "web/protocol.rs"]
mod protocol;
#[path = "web/random.rs"]
mod random;
#[path = "web/source_messages.rs"]
mod source_messages;
#[path = "web/store.rs"]
mod store;
#[path = "web/store_indexed.rs"]
mod store_indexed;
#[path = "web/timer.rs"]
mod timer;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
