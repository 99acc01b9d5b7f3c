//! Rivulet: Apache Spark's streaming stack in a browser tab. This page is the map of the house.
pub mod cluster;
pub mod connect;
pub mod error;
pub mod exec;
pub mod plan;
pub mod scheduler;
pub mod streaming;

#[cfg(target_arch = "wasm32")]
mod web;
