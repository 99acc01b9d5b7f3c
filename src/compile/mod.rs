//! From logical plans to stages of operator trees: optimised, cut at exchanges, the same on the driver and on executors.
//!
//! `job` is a plan as it travels; `physical` cuts it; `stateful` plans what is kept between the batches of a stream, by what
//! `event_time` knows; `reads` finds which blocks each task needs. Comes in: an analysed relation. Goes out: an
//! [`exec::stage::StageGraph`](crate::exec::stage::StageGraph). Nothing here runs a task.

pub mod event_time;
pub mod job;
pub mod physical;
mod reads;
pub mod stateful;
