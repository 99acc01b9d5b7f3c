//! What values are: Spark's types as Arrow's, casts of arrays, text forms, intervals, zones, vectors, hashes, patterns.
//!
//! Everything here knows Arrow's arrays and Spark's rules for values, and nothing of plans, expressions or messages.

pub mod cast;
pub mod display;
pub mod interval;
pub mod ipc;
pub mod java_format;
pub mod java_parse;
pub mod murmur3;
pub mod text;
pub mod types;
pub mod vector;
pub mod zone;
