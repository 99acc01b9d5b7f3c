//! Rivulet: Apache Spark's streaming stack in a browser tab. This page is the map of the house.
//!
//! A client (the TypeScript package in `src/js`, or PySpark) sends `spark.connect` messages. They come in through
//! [`connect`]: its `Driver` is stepped by a host, holds sessions, answers requests, and runs queries. [`plan`] turns the
//! messages, and SQL text, into DataFusion's logical plans by Spark's rules: names, types, implicit casts, functions.
//! [`exec`] optimises a plan, cuts it into stages at exchanges, and runs one task of one stage: operators, blocks, keyed
//! state. [`scheduler`] decides which task runs where and when. [`cluster`] has the two ends of the wire: the executor, and
//! the driver's job runner, with threads as one way to run executors. [`streaming`] is the query loop: triggers, offsets,
//! watermarks, progress, checkpoints. [`ml`] is machine learning: stages as projections, training as aggregates, models as
//! bytes. [`storage`] is what durable files can be asked for.
//!
//! Arrows run down: `connect → streaming → cluster → scheduler`, and all of them on `exec → plan → error`. Everything but
//! the hosts is pure: a step takes an event and the time, and gives commands. There are three hosts: `connect::grpc`
//! (native, the `server` feature), `cluster::local` (threads), and `web` (Web Workers; the only code that knows
//! wasm-bindgen). `clippy.toml` refuses clocks and threads elsewhere. Tests under `tests/simulation` are a fourth host,
//! seeded, that kills executors and reorders messages.
//!
//! Driver and executors plan the same messages by the same code, so no plan is ever serialised: see [`exec::job`].

pub mod cluster;
pub mod connect;
pub mod error;
pub mod exec;
pub mod ml;
pub mod plan;
pub mod rdd;
pub mod scheduler;
pub mod storage;
pub mod streaming;

#[cfg(target_arch = "wasm32")]
mod web;
