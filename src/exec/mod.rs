//! Running tasks: stages as they are handed in, operators, blocks, and one task to its end.
//!
//! `stage` is what the compiler makes; `operators`, `decode` and `state` are the operators that DataFusion lacks, and
//! `compiler` is the door by which those with state put themselves into a stage; `task` runs one task, `program` runs
//! those of datasets, whose functions are the user's. Nothing here knows who runs a task or where blocks live.
//!
//! ```text
//!  blocks of scans ─┐                                                   ┌─▶ blocks for the next stage
//!  shuffle blocks ──┼─▶ TaskInputs ─▶ operator tree of one partition ───┼─▶ pieces of the result
//!  state ───────────┘     (inputs)      (task, operators, state)        ├─▶ deltas of state
//!                                                                       └─▶ TaskReport: counts, event times
//! ```
//!
//! A task is a pure function of its inputs: run again with the same, it makes the same blocks. That is what lets the
//! scheduler repeat a lost task, and a query repeat a batch.

pub mod codes;
pub mod compiler;
pub mod decode;
pub mod encode;
pub mod generate;
pub mod inputs;
pub mod memory;
pub mod operators;
pub mod pace;
pub mod program;
pub mod stage;
pub mod state;
pub mod task;
pub mod transform;
