//! Executors and the driver's side of them: messages, blocks, and the ways to run executors.
//!
//! [`executor::Executor`] and [`runner::JobRunner`] are stepped by their host: they take messages and give messages, so
//! that the same code runs in Web Workers, in native threads ([`local`]) and under the simulator.

pub mod attempts;
pub mod executor;
#[cfg(not(target_arch = "wasm32"))]
pub mod local;
pub mod message;
pub mod runner;
pub mod states;
