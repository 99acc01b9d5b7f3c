//! From logical plans to tasks: stages cut at exchanges, operators, blocks, and running a task to its end.
//!
//! `job` makes the same stages on the driver and on executors; `physical` cuts them, `stateful` plans what is kept between
//! the batches of a stream, by what `event_time` knows; `operators`, `decode` and `state` are the operators that DataFusion
//! has not; `task` runs one, `program` has those that run functions of the user's. Nothing here knows who runs a task or where blocks live.

pub mod decode;
pub mod inputs;
pub mod operators;
pub mod program;
pub mod stage;
pub mod state;
pub mod task;
pub mod transform;
