//! The seeded simulator: the engine's state machines under a virtual clock, with executors that die, messages that come
//! late, twice or from the dead, and models that say what must hold or come out.
//!
//! `RIVULET_SEEDS=n` sets how many seeds each simulation tries and `RIVULET_SEED_START=n` the first of them; `RIVULET_SEED=n`
//! replays one. A failure prints its seed and the last events before it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says by a panic what does not hold"
)]

mod bad_input;
mod contexts;
mod dstream;
mod engine;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod network;
mod protocol;
mod query_loop;
mod scheduler;
mod seeds;
mod stateful;
mod window_model;
