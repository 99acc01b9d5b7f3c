//! Executors and the driver's side of them: messages, blocks, and the ways to run executors.
//!
//! [`executor::Executor`] and [`runner::JobRunner`] are stepped by their host: they take messages and return messages,
//! so that the same code runs in Web Workers, in native threads ([`local`]) and under the simulator.
//!
//! ```text
//!  runner::JobRunner ──ToExecutor: Plan, Run, Kill, Drop…──▶ executor::Executor ◀──Peer: Fetch, Blocks──▶ Executor
//!  with the scheduler ◀──FromExecutor: Finished, Failed…───  plans, blocks, states
//! ```
//!
//! Messages may be late, reordered, or lost with a life of an executor: each names attempt and incarnation, and what is
//! stale is ignored. Headers are small; bulk bytes travel beside them as blobs ([`message`]).

pub mod attempts;
pub mod executor;
#[cfg(not(target_arch = "wasm32"))]
pub mod local;
pub mod message;
pub mod runner;
pub mod states;
