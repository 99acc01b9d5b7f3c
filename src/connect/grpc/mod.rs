//! The native transport: Spark Connect over gRPC, so that PySpark's own client can drive the engine.
//!
//! One thread steps the driver; executors have a thread each; tonic's tasks talk to the driver's thread through
//! channels. It serves on the loopback address only; with a token, callers must have it.

pub mod codec;
pub mod host;
pub mod identity;
pub mod service;
mod status;
