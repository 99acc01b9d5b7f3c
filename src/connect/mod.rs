//! The front door: a Spark Connect service without a transport.
//!
//! [`driver::Driver`] takes [`protocol::Input`]s (requests, executor messages, the host's events) and returns
//! [`protocol::Output`]s (responses and commands); a host (the gRPC server, the driver worker) moves bytes and keeps
//! the clock. `session` holds what a client has set; `jobs` runs plans and brings their ends to who waits, `storage`
//! does so with answers of storage. One file per operation: `execute`, `analyze` and `config` answer calls, `command`
//! and `streaming` commands, `statements` SQL, `ml` machine learning, `datasets` jobs over datasets; `write` saves
//! DataFrames, `saved` their directories, `files` is what planning sees of files; `tables` has jobs wait for what other systems hold.
//!
//! ```text
//!  client ──Spark Connect──▶ host ──Input──▶ Driver::handle ──Output──▶ host ──▶ client, executors, storage, page
//!                                              │
//!                      request ─▶ session ─▶ analyse ─▶ job ─▶ runner ─▶ owner: rows, query, files, model, datasets
//! ```
//!
//! Nothing here waits: whatever takes time (a job, storage, a connection, the page) is asked for as an output, and an
//! entry under its number says who continues when the answer comes.

pub mod analyze;
mod answers;
mod catalog;
pub mod command;
pub mod config;
mod datasets;
pub mod driver;
pub mod dstreams;
mod errors;
pub mod execute;
mod expiry;
mod fetch;
pub mod files;
#[cfg(feature = "server")]
pub mod gateway;
#[cfg(all(feature = "server", not(target_arch = "wasm32")))]
pub mod grpc;
#[cfg(feature = "server")]
mod http;
mod jobs;
#[cfg(feature = "server")]
pub mod kafka;
mod kept;
#[cfg(feature = "server")]
mod kinesis;
mod learning;
pub mod ml;
pub mod protocol;
mod questions;
pub mod reports;
mod rows;
mod saved;
mod sending;
pub mod session;
mod statements;
mod storage;
pub mod streaming;
#[cfg(feature = "server")]
pub mod systems;
mod tables;
pub mod write;
