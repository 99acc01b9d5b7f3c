//! Malformed records, written where the option `deadLetterPath` of their source says.
//!
//! A batch has a file per source with such records, and is committed after they are durable. The name is made of query, source and
//! batch, so a batch that runs again replaces its file.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde_json::Map;

use super::{Batch, Query};
use crate::exec::inputs::TaskReport;
use crate::ids::StagePart;
use crate::storage::Request;
use crate::streaming::checkpoint::poison::letter;

/// Why a record is there.
const MALFORMED: &str = "The record is not one of the schema that the query declares, or of its format.";

impl Query {
    /// Returns the writes of the batch's malformed records, by source in the order of tasks.
    pub(super) fn dead_letters(&self, batch: &Batch, reports: &[(StagePart, TaskReport)]) -> Vec<Request> {
        let sorted: BTreeMap<&StagePart, &TaskReport> = reports.iter().map(|(part, report)| (part, report)).collect();
        let mut writes = Vec::new();
        for (number, source) in self.sources.iter().enumerate() {
            let Some(folder) = &source.dead_letters else { continue };
            let own = sorted
                .values()
                .filter_map(|report| report.dead_letters.get(&source.scan));
            let line = |record| letter(batch.id, &source.description, MALFORMED, record, Map::new()) + "\n";
            let lines: String = own.flatten().map(line).collect();
            if !lines.is_empty() {
                let (query, id) = (&self.definition.id, batch.id);
                writes.push(Request::Write {
                    path: format!("{folder}/{query}-{number}-{id}.json"),
                    bytes: Buffer::from(lines.into_bytes()),
                });
            }
        }
        writes
    }
}
