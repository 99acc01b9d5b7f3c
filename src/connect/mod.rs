//! The front door: a Spark Connect service without a transport.
//!
//! [`driver::Driver`] takes requests, executor messages and the host's events, and gives responses and commands; a host
//! (the gRPC server, the driver worker) moves bytes and keeps the clock. `session` holds what a client has set, `execute`,
//! `analyze` and `config` answer the calls, `command` and `streaming` the commands, `ml` machine learning, `datasets` jobs
//! over datasets, `write` saves DataFrames, `saved` their directories, `files` is what planning sees of files.

pub mod analyze;
mod catalog;
pub mod command;
pub mod config;
mod datasets;
pub mod driver;
pub mod execute;
pub mod files;
#[cfg(all(feature = "server", not(target_arch = "wasm32")))]
pub mod grpc;
pub mod ml;
mod saved;
pub mod session;
pub mod streaming;
pub mod write;
