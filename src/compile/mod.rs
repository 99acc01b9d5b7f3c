//! From logical plans to stages of operator trees: optimised, cut at exchanges, the same on the driver and on
//! executors.
//!
//! `job` is a plan as it travels; `physical` cuts it, asking the stateful operators in
//! [`exec::state`](crate::exec::state) to put themselves in; `reads` finds which blocks each task needs. Comes in: an
//! analysed relation. Goes out: an [`exec::stage::StageGraph`](crate::exec::stage::StageGraph). Nothing here runs a
//! task.
//!
//! ```text
//!  JobSpec ─analyze─▶ Resolved ─optimize─▶ LogicalPlan ─Planner─▶ StageGraph
//!  (bytes)            (plan)               (DataFusion's)          stages, scans, operators, watermarks
//! ```
//!
//! Every step is deterministic: the same bytes make the same stages with the same numbers, wherever they are compiled.
//! Blocks, state and functions are named by those numbers alone.

pub mod job;
pub mod physical;
pub mod reads;
