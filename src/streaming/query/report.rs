//! What users see of a query: events, progress, how it ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Action, Batch, Phase, Query, Told};
use crate::error::{Exception, SparkError};
use crate::exec::inputs::EventTimeStats;
use crate::plan::output_mode::OutputMode;
use crate::streaming::progress::{Progress, instant};
use crate::streaming::query::EventKind;

impl Query {
    /// Returns the event of the start, as listeners read it.
    pub fn started_event(&self) -> Value {
        let d = &self.definition;
        json!({ "id": d.id, "runId": d.run_id, "name": d.name, "timestamp": instant(self.started_ms), "jobTags": [] })
    }

    /// Returns the error that ended the query; `None` while it runs, or if it was stopped.
    pub fn error(&self) -> Option<&SparkError> {
        if let Phase::Ended { error } = &self.phase {
            error.as_ref()
        } else {
            None
        }
    }

    /// Returns the progress of the last batches, oldest first, in Spark's JSON.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = String> {
        self.recent.iter().map(|progress| progress.json().to_string())
    }

    /// Returns what the query does at the moment, in Spark's words (`status.message`).
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns why an append-mode batch with state returned no rows: which `withWatermark` holds the watermark back.
    fn waits(&self, batch: &Batch) -> Option<String> {
        let held = batch.state.iter().any(|s| s.stats.rows_total > 0);
        if self.definition.mode != OutputMode::Append || batch.output_rows > 0 || !held || !self.watermark.is_set() {
            return None;
        }
        let at = instant(self.watermark.current_ms());
        let seen = self.watermark.seen_ms();
        let last = seen.iter().enumerate().min_by_key(|(_, ms)| ms.unwrap_or(i64::MIN));
        let by = match last {
            Some((number, Some(ms))) if *ms > 0 => {
                format!(
                    "; of {} watermarks number {number} is the last, at {}",
                    seen.len(),
                    instant(*ms)
                )
            }
            Some((number, _)) => format!(
                "; of {} watermarks number {number} has seen no event time yet",
                seen.len()
            ),
            None => String::new(),
        };
        Some(format!(
            "rows are kept until the watermark passes them, and it is at {at}{by}"
        ))
    }

    /// Returns the report of a batch. Steps are as long as from the mark before; the clock may have been set back, then
    /// they are 0.
    pub(super) fn progress(&self, batch: &Batch, now_ms: i64) -> Progress {
        let mut duration_ms = BTreeMap::new();
        let mut at = batch.started_ms;
        for (mark, ms) in &batch.marks {
            let length = (ms - at).max(0);
            duration_ms.insert((*mark).to_owned(), length);
            at = (*ms).max(at);
        }
        duration_ms.insert("triggerExecution".into(), now_ms - batch.started_ms);
        let seen = batch
            .event_times
            .iter()
            .fold(EventTimeStats::default(), |a, b| a.merged(b));
        Progress {
            id: self.definition.id.clone(),
            run_id: self.definition.run_id.clone(),
            name: self.definition.name.clone(),
            started_ms: batch.timestamp_ms,
            batch_id: batch.id,
            duration_ms,
            since_last_ms: self.last_start_ms.map(|last| batch.started_ms - last),
            event_time: self.watermark.is_set().then_some((seen, batch.watermark_ms)),
            state: batch.state.clone(),
            sources: batch.sources.clone(),
            sink: self.definition.sink.clone(),
            output_rows: batch.output_rows,
            waits: self.waits(batch),
            set_aside: self.set_aside(batch),
            observed: BTreeMap::new(),
        }
    }

    /// Ends the query with an error of something that the batch needs, unless it has ended before.
    ///
    /// Users see `STREAM_FAILED` around the error's sentence, as in Spark; the cause's condition is kept as a
    /// parameter.
    pub fn failed(&mut self, error: SparkError) -> Vec<Action> {
        if !self.is_active() {
            return vec![];
        }
        let d = &self.definition;
        let sentence = format!(
            "[STREAM_FAILED] Query [id = {}, runId = {}] terminated with exception: {error}",
            d.id, d.run_id
        );
        let mut wrapped = SparkError::new(
            Exception::StreamingQuery,
            "STREAM_FAILED",
            "XXKST",
            sentence.trim_start_matches("[STREAM_FAILED] "),
        );
        wrapped.parameters.insert("id".into(), d.id.clone());
        wrapped.parameters.insert("runId".into(), d.run_id.clone());
        wrapped.parameters.insert("message".into(), error.to_string());
        if let Some(stack) = error.parameters.get("stack") {
            wrapped.parameters.insert("stack".into(), stack.clone());
        }
        if let Some(cause) = error.condition {
            wrapped.parameters.insert("cause".into(), cause);
        }
        self.end(Some(wrapped))
    }

    /// Ends the query: listeners hear of it, then the driver. What is in progress is given up.
    pub(super) fn end(&mut self, error: Option<SparkError>) -> Vec<Action> {
        let d = &self.definition;
        let event = json!({
            "id": d.id, "runId": d.run_id, "exception": error.as_ref().map(SparkError::full_message),
            "errorClassOnException": error.as_ref().and_then(|e| e.parameters.get("cause").cloned().or_else(|| e.condition.clone())),
        });
        self.message = error.as_ref().map_or_else(
            || "Stopped".into(),
            |e| format!("Terminated with exception: {}", e.message),
        );
        self.phase = Phase::Ended { error: error.clone() };
        self.ahead = None;
        vec![
            Action::Event {
                kind: EventKind::Terminated,
                event: Told::Written(event),
            },
            Action::Terminated { error },
        ]
    }
}
