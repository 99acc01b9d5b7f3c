//! The front door: a Spark Connect service without a transport.
//!
//! [`driver::Driver`] takes [`protocol::Input`]s (requests, executor messages, the host's events) and returns
//! [`protocol::Output`]s (responses and commands); a host (the gRPC server, the driver worker) moves bytes and keeps the
//! clock. `session` holds what a client has set; `jobs` runs plans and brings their ends to who waits, `storage` does so with
//! answers of storage. One file per operation: `execute`, `analyze` and `config` answer calls, `command` and `streaming`
//! commands, `ml` machine learning, `datasets` jobs over datasets; `write` saves DataFrames, `saved` their directories,
//! `files` is what planning sees of files.

pub mod analyze;
mod catalog;
pub mod command;
pub mod config;
mod datasets;
pub mod driver;
mod errors;
pub mod execute;
pub mod files;
#[cfg(all(feature = "server", not(target_arch = "wasm32")))]
pub mod grpc;
mod jobs;
pub mod ml;
pub mod protocol;
mod saved;
pub mod session;
mod statements;
mod storage;
pub mod streaming;
pub mod write;
