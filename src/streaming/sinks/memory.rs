//! A table of the session, named as the query (`MemorySink`).
//!
//! Its rows live in the session and are lost with it, so a query can only continue from a checkpoint in complete mode.

use super::{Definition, Delivery, Sink, Step, Wish, none};
use crate::error::{Result, SparkError};
use crate::plan::output_mode::OutputMode;

/// Keeps rows that SQL can ask for.
pub const MEMORY: Definition = Definition {
    name: "memory",
    about: "Keeps the rows as a temporary view of the query's name.",
    options: &[],
    passes: None,
    files: None,
    check,
    open: |wish, _| {
        Ok(Box::new(Memory {
            table: wish.name.clone().unwrap_or_default(),
            replaces: wish.mode == OutputMode::Complete,
        }))
    },
    log: none,
    table: |wish| wish.name.clone(),
    recovers: false,
    save: None,
};

/// Checks that the query has a name: the table's.
///
/// # Errors
/// An `AnalysisException` if it has none.
fn check(wish: &Wish) -> Result<()> {
    if wish.name.is_some() {
        return Ok(());
    }
    Err(SparkError::analysis(
        "_LEGACY_ERROR_TEMP_2046",
        "",
        "queryName must be specified for memory sink",
    ))
}

/// The table of one query.
#[derive(Debug)]
struct Memory {
    /// Its name.
    table: String,
    /// Whether a batch replaces the rows of the one before: in complete mode.
    replaces: bool,
}

impl Sink for Memory {
    fn description(&self) -> String {
        "MemorySink".into()
    }

    fn emits(&self) -> Option<u64> {
        Some(1)
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        Ok(Step::Keep {
            table: self.table.clone(),
            blocks: delivery.blocks,
            replace: self.replaces,
        })
    }
}
