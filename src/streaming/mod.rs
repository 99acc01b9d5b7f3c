//! Structured Streaming: micro-batches over unbounded sources.
//!
//! [`query::Query`] is the query loop as a state machine, stepped by the driver: it decides when a batch begins and
//! what is in it, and asks for effects (a job, a write to a log, a delivery to the sink); the driver calls back with
//! their results. The order is Spark's `MicroBatchExecution`: offsets are logged, the batch runs, the sink takes it,
//! the commit is logged. [`checkpoint`] says what is kept so that a query can continue after a restart. Nothing here
//! reads a clock or a file by itself.
//!
//! ```text
//!            events: time, records, answers                       actions
//! driver ────────────────────────────────────▶  query::Query  ────────────────▶ driver
//!                                                 │  │  │  │
//!              when: trigger, pid ────────────────┘  │  │  └──── what users see: progress
//!              what is read: source ─────────────────┘  └─────── what survives: checkpoint
//!              how far time has come: watermark         where rows go: sinks
//! ```
//!
//! What comes in is a plan that [`check`] accepted; messages of clients, sessions and listeners stay in `connect`.

pub mod check;
pub mod checkpoint;
pub mod continuous;
pub mod deal;
pub mod pid;
pub mod pieces;
pub mod progress;
pub mod query;
pub mod sinks;
pub mod source;
pub mod trigger;
pub mod watermark;
