//! Stages whose work the engine does not know: functions of the user's over partitioned datasets.
//!
//! The engine schedules them and moves their blocks like any other's; a [`ProgramHost`] runs them. In a worker that is
//! JavaScript; natively only tests have one.

use std::fmt;

use arrow::buffer::Buffer;

use crate::error::{Result, SparkError};

/// Condition of an exception of the user's: the task is tried again, as Spark does.
pub const USER_ERROR: &str = "FAILED_EXECUTE_UDF";

/// A stage's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The dataset to compute, and which of its partitions the tasks are for.
    pub root: usize,
    pub partitions: Vec<usize>,
    /// Where the rows go: the dataset that reads them, and as which parent. None answers the action.
    pub write: Option<(usize, usize)>,
    /// For lists of stages.
    pub name: String,
}

/// One task as a host gets it.
#[derive(Debug)]
pub struct ProgramTask<'a> {
    pub plan: u64,
    pub program: &'a Program,
    /// Partition of the root.
    pub partition: usize,
    /// Source partitions: (dataset, partition, bytes).
    pub sources: Vec<(usize, usize, Buffer)>,
    /// What earlier stages wrote: (reading dataset, parent, partition), blocks in the order of their map tasks.
    pub shuffled: Vec<((usize, usize, usize), Vec<Buffer>)>,
}

/// What a task made.
#[derive(Debug, Default)]
pub struct ProgramOutput {
    /// By partition of the output, or one piece of the result.
    pub blocks: Vec<Option<Vec<u8>>>,
    pub rows: Vec<u64>,
}

/// Runs programs.
pub trait ProgramHost {
    /// A plan's text and values; its functions are loaded already.
    fn load(&mut self, plan: u64, text: &str, blobs: &[Vec<u8>]) -> Result<()>;

    /// Runs a task to its end.
    ///
    /// # Errors
    /// The user's exception, with the step and the record it happened on.
    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput>;

    fn unload(&mut self, plan: u64);
}

/// Where no functions can run.
#[derive(Debug, Default)]
pub struct NoPrograms;

impl ProgramHost for NoPrograms {
    fn load(&mut self, _: u64, _: &str, _: &[Vec<u8>]) -> Result<()> {
        Err(SparkError::unsupported(
            "datasets of JavaScript values outside a browser",
        ))
    }

    fn run(&mut self, _: ProgramTask<'_>) -> Result<ProgramOutput> {
        Err(SparkError::unsupported(
            "datasets of JavaScript values outside a browser",
        ))
    }

    fn unload(&mut self, _: u64) {}
}

impl fmt::Debug for dyn ProgramHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgramHost")
    }
}
