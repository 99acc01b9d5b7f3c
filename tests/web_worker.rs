//! The browser's edge in a dedicated worker, where the engine lives: everything of `rivulet::web`. Parts are in `tests/web`.
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
#[path = "web/page_things.rs"]
mod page_things;
#[path = "web/panics.rs"]
mod panics;
#[path = "web/place.rs"]
mod place;
#[path = "web/port.rs"]
mod port;
#[path = "web/programs.rs"]
mod programs;
#[path = "web/protocol.rs"]
mod protocol;
#[path = "web/random.rs"]
mod random;
#[path = "web/receivers.rs"]
mod receivers;
#[path = "web/registered_files.rs"]
mod registered_files;
#[path = "web/source_messages.rs"]
mod source_messages;
#[path = "web/spill.rs"]
mod spill;
#[path = "web/store.rs"]
mod store;
#[path = "web/store_indexed.rs"]
mod store_indexed;
#[path = "web/store_origin.rs"]
mod store_origin;
#[path = "web/timer.rs"]
mod timer;
#[path = "web/workers.rs"]
mod workers;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
