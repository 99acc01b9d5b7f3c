//! `StreamingQueryProgress` and listener events, in Spark's JSON.
//!
//! Clients parse this JSON, so keys and forms are Spark's to the letter; what Rivulet adds stands under the key
//! `rivulet`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::exec::inputs::{EventTimeStats, StateStats};
use crate::ids::BatchId;
use crate::values::text;

/// What a finished trigger reports: one batch, from construction to commit.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The query's id, the same over restarts.
    pub id: String,
    /// The id of this run of it.
    pub run_id: String,
    /// The name that the client chose.
    pub name: Option<String>,
    /// The batch's own time, ms since the epoch: that of its first try.
    pub started_ms: i64,
    /// The batch's number.
    pub batch_id: BatchId,
    /// How long each step took, ms, by Spark's names (`addBatch`, `walCommit`, …); `triggerExecution` is the whole.
    pub duration_ms: BTreeMap<String, i64>,
    /// ms since the last trigger that had data; `None` for the first. Input rates are computed of it.
    pub since_last_ms: Option<i64>,
    /// Event times seen, and the watermark used (ms since the epoch); `None` without `withWatermark`.
    pub event_time: Option<(EventTimeStats, i64)>,
    /// What stateful operators did, in the order of their ids.
    pub state: Vec<StateProgress>,
    /// What each source contributed, in the order of the sources.
    pub sources: Vec<SourceProgress>,
    /// How the sink calls itself.
    pub sink: String,
    /// Number of rows that the last stage passed to the sink.
    pub output_rows: i64,
    /// Why the batch returned no rows, if it is the watermark that holds them.
    pub waits: Option<String>,
    /// Says of each source whose records were set aside how many, and in which files they are.
    pub set_aside: Vec<String>,
    /// Counters beyond Spark's, by name (malformed records, …).
    pub observed: BTreeMap<String, u64>,
}

/// What a stateful operator did in a batch, over all its partitions.
#[derive(Debug, Clone)]
pub struct StateProgress {
    /// Spark's name of the operator, such as `stateStoreSave`.
    pub name: &'static str,
    /// Number of partitions of its state.
    pub partitions: usize,
    /// Whether rows dropped as duplicates are reported.
    pub counts_duplicates: bool,
    /// Rows and bytes, summed over the partitions.
    pub stats: StateStats,
}

/// What a source contributed to a batch.
#[derive(Debug, Clone, Default)]
pub struct SourceProgress {
    /// How the source calls itself.
    pub description: String,
    /// Offset where the batch begins, as the source writes it; null at the very beginning.
    pub start: Value,
    /// Offset where it ends.
    pub end: Value,
    /// Number of rows that the scan made of the source's records.
    pub rows: u64,
    /// Number of records that could not be read as the schema has them.
    pub malformed: u64,
    /// How often the sender was held back because too much waited.
    pub held: u64,
    /// Number of records that the sender had no room for.
    pub dropped: u64,
    /// Number of records that the batch ran without, since executors died of them.
    pub set_aside: u64,
}

/// Returns a time as Spark's JSON has it: `2024-03-01T12:00:00.000Z`.
///
/// ```
/// use rivulet::streaming::progress::instant;
///
/// assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
/// assert_eq!(instant(-1), "1969-12-31T23:59:59.999Z");
/// ```
pub fn instant(ms: i64) -> String {
    let text = text::timestamp(ms.div_euclid(1000) * 1_000_000);
    format!("{}.{:03}Z", text.replace(' ', "T"), ms.rem_euclid(1000))
}

impl Progress {
    /// Returns rows per second over `ms`; 0 if the time is unknown or not above 0.
    fn rate(rows: u64, ms: Option<i64>) -> Value {
        match ms {
            Some(ms) if ms > 0 => json!(rows as f64 * 1000.0 / ms as f64),
            _ => json!(0.0),
        }
    }

    /// Returns the report as `StreamingQueryProgress.json` has it. Spark's times of single state operations are 0.
    pub fn json(&self) -> Value {
        let rows: u64 = self.sources.iter().map(|s| s.rows).sum();
        let total = self.duration_ms.get("triggerExecution").copied();
        let mut event_time = Map::new();
        if let Some((stats, watermark)) = &self.event_time {
            if stats.count > 0 {
                event_time.insert(
                    "avg".into(),
                    json!(instant((stats.sum_us / stats.count as f64 / 1000.0) as i64)),
                );
                event_time.insert("max".into(), json!(instant(stats.max_us.div_euclid(1000))));
                event_time.insert("min".into(), json!(instant(stats.min_us.div_euclid(1000))));
            }
            event_time.insert("watermark".into(), json!(instant(*watermark)));
        }
        let state: Vec<Value> = self
            .state
            .iter()
            .map(|operator| {
                let (name, partitions, s) = (operator.name, operator.partitions, &operator.stats);
                let custom = if operator.counts_duplicates {
                    json!({ "numDroppedDuplicateRows": s.rows_duplicate })
                } else {
                    json!({})
                };
                json!({
                    "operatorName": name, "numRowsTotal": s.rows_total, "numRowsUpdated": s.rows_updated, "allUpdatesTimeMs": 0,
                    "numRowsRemoved": s.rows_removed, "allRemovalsTimeMs": 0, "commitTimeMs": 0, "memoryUsedBytes": s.bytes,
                    "numRowsDroppedByWatermark": s.rows_dropped, "numShufflePartitions": partitions, "numStateStoreInstances": partitions,
                    "customMetrics": custom,
                })
            })
            .collect();
        let sources: Vec<Value> = self
            .sources
            .iter()
            .map(|s| {
                json!({
                    "description": s.description, "startOffset": s.start, "endOffset": s.end, "latestOffset": s.end,
                    "numInputRows": s.rows, "inputRowsPerSecond": Self::rate(s.rows, self.since_last_ms),
                    "processedRowsPerSecond": Self::rate(s.rows, total),
                    "metrics": {
                        "malformedRecords": s.malformed.to_string(), "timesHeldBack": s.held.to_string(),
                        "recordsSetAside": s.set_aside.to_string(), "recordsDropped": s.dropped.to_string(),
                    },
                })
            })
            .collect();
        let mut progress = json!({
            "id": self.id, "runId": self.run_id, "name": self.name, "timestamp": instant(self.started_ms), "batchId": self.batch_id,
            "batchDuration": total.unwrap_or(0), "numInputRows": rows, "inputRowsPerSecond": Self::rate(rows, self.since_last_ms),
            "processedRowsPerSecond": Self::rate(rows, total), "durationMs": self.duration_ms, "eventTime": event_time,
            "stateOperators": state, "sources": sources,
            "sink": { "description": self.sink, "numOutputRows": self.output_rows, "metrics": {} },
            "observedMetrics": {},
        });
        // Beyond Spark's: clients that do not know it ignore it.
        if let Some(waits) = &self.waits {
            progress["rivulet"]["waits"] = json!(waits);
        }
        if !self.set_aside.is_empty() {
            progress["rivulet"]["setAside"] = json!(self.set_aside);
        }
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_milliseconds_and_a_z_also_before_1970() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(instant(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(instant(1_709_294_400_123), "2024-03-01T12:00:00.123Z");
    }
}
