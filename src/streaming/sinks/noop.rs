//! Nowhere: the batch is run and its rows are dropped (`NoopDataSource`).

use super::{Definition, Delivery, Sink, Step, any, none};
use crate::error::Result;

/// The sink for measuring what comes before it.
pub const NOOP: Definition = Definition {
    name: "noop",
    about: "Drops the rows.",
    options: &[],
    passes: None,
    files: None,
    check: any,
    open: |_, _| Ok(Box::new(Noop)),
    log: none,
    table: none,
    recovers: true,
    save: None,
};

/// It keeps nothing, not even a count.
#[derive(Debug)]
struct Noop;

impl Sink for Noop {
    fn description(&self) -> String {
        "org.apache.spark.sql.execution.datasources.noop.NoopTable$".into()
    }

    fn emits(&self) -> Option<u64> {
        Some(1)
    }

    fn deliver(&mut self, _: Delivery<'_>) -> Result<Step> {
        Ok(Step::Done)
    }
}
