//! The whole engine under the simulator: driver and executors as they are, everything between them made up.

pub mod batch;
pub mod client;
pub mod cluster;
pub mod datasets;
mod epochs;
mod flume;
pub mod functions;
pub mod graphs;
pub mod kafka;
mod kafka_tables;
mod kinesis;
mod learners;
mod lives;
pub mod recovery;
pub mod stream;
