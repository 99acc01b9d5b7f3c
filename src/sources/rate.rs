//! A fixed number of rows per second (`RateStreamProvider`). An offset is a number of seconds since the source began.
//!
//! Rows are a function of the offset, so a batch that runs again has the same rows. When the source began is the only
//! thing that a checkpoint keeps, in `sources/I/0`.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::Value;

use super::options::{Kind, Opt, Options};
use super::{Definition, Guarantee, Memory, Records, Source, StreamSpec, beginning};
use crate::error::Result;
use crate::settings;
use crate::storage::Request;
use crate::storage::facts::{Facts, Known};
use crate::storage::files::Files;
use crate::values::interval::interval_micros;
use crate::values::{ipc, types};

/// The rate.
const ROWS_PER_SECOND: Opt = Opt::new(
    "rowsPerSecond",
    Kind::Count,
    Some("1"),
    "Says how many rows are made per second.",
);
/// How long it takes to reach the rate.
const RAMP_UP: Opt = Opt::new(
    "rampUpTime",
    Kind::Duration,
    Some("0 seconds"),
    "Says how long the rate grows linearly before it is reached.",
);
/// Accepted for Spark's sake.
const PARTITIONS: Opt = Opt::new(
    "numPartitions",
    Kind::Count,
    Some(settings::PARALLELISM.key),
    "Is taken as Spark takes it and has no effect: rows are made in the driver.",
);

/// Rows by the clock.
pub const RATE: Definition = Definition {
    name: "rate",
    about: "Has a fixed number of rows per second, each with its time and a number that counts up.",
    options: &[ROWS_PER_SECOND, RAMP_UP, PARTITIONS],
    records: Records::Columns(|_| columns()),
    offset: "seconds since the source began",
    guarantee: Guarantee::Replayable,
    orders: false,
    passes: None,
    check: |_| Ok(()),
    open,
    recall,
    table: None,
};

/// Returns the source's columns: `timestamp` and `value`.
fn columns() -> Vec<Field> {
    vec![
        Field::new("timestamp", types::timestamp(), true),
        Field::new("value", DataType::Int64, true),
    ]
}

/// Makes a source that begins at `now_ms`.
fn open(spec: &StreamSpec, now_ms: i64) -> Result<Box<dyn Source>> {
    let options = Options(&spec.options);
    Ok(Box::new(RateSource {
        rows_per_second: options.count(&ROWS_PER_SECOND).unwrap_or(1),
        ramp_up_s: options.text(&RAMP_UP).and_then(interval_micros).unwrap_or(0) / 1_000_000,
        started_ms: now_ms,
        served_s: 0,
    }))
}

/// When the source began, ms since the epoch; `None` if that was not written down.
struct Began(Option<i64>);

/// Reads when the source began; before the first batch the file may be torn, and is written again.
fn recall(facts: &Facts, folder: &str, _: &Value, end: &Value) -> Known<Memory> {
    let began = beginning(facts, folder, end, "a time", |text| text.parse().ok())?;
    Ok(Memory::of(Began(began)))
}

/// The rows of one stream.
#[derive(Debug)]
struct RateSource {
    /// The rate after the ramp-up.
    rows_per_second: i64,
    /// How long the rate grows, seconds.
    ramp_up_s: i64,
    /// When the source began, ms since the epoch.
    started_ms: i64,
    /// Seconds that batches have taken.
    served_s: i64,
}

/// Returns the seconds of an offset; 0 before the first batch.
fn seconds(offset: &Value) -> i64 {
    offset.as_i64().unwrap_or(0)
}

impl Source for RateSource {
    fn description(&self) -> String {
        format!(
            "RateStreamV2[rowsPerSecond={}, rampUpTimeSeconds={}]",
            self.rows_per_second, self.ramp_up_s
        )
    }

    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request> {
        self.served_s = seconds(start);
        if let Some(Began(Some(began))) = memory.get() {
            self.started_ms = *began;
            return None;
        }
        Some(Request::Write {
            path: format!("{folder}/0"),
            bytes: Buffer::from(format!("v1\n{}", self.started_ms).into_bytes()),
        })
    }

    fn has_data(&self, _: &Value, now_ms: i64) -> bool {
        self.reached_s(now_ms) > self.served_s
    }

    fn plan(&mut self, _: &Value, now_ms: i64, _: bool) -> (Value, Option<Request>) {
        self.served_s = self.reached_s(now_ms);
        (self.served_s.into(), None)
    }

    fn plan_again(&mut self, end: &Value) {
        self.served_s = seconds(end);
    }

    fn read(&mut self, start: &Value, end: &Value, _: &dyn Files) -> Result<Vec<Buffer>> {
        Ok(vec![self.rows(seconds(start), seconds(end))?])
    }
}

impl RateSource {
    /// Returns the whole seconds that have gone by; never fewer than batches have taken, if the clock is set back.
    fn reached_s(&self, now_ms: i64) -> i64 {
        ((now_ms - self.started_ms) / 1000).max(self.served_s)
    }

    /// Returns the rows of the seconds [from, until): values count up, timestamps are spread evenly
    /// (`RateStreamProvider`).
    ///
    /// # Errors
    /// If the rows cannot be written as Arrow.
    fn rows(&self, from: i64, until: i64) -> Result<Buffer> {
        let (first, last) = (self.value_at(from), self.value_at(until));
        let count = (last - first).max(0);
        let span_us = (until - from).max(0) * 1_000_000;
        let start_us = (self.started_ms + from * 1000) * 1000;
        let times: TimestampMicrosecondArray = (0..count)
            .map(|i| Some(start_us + span_us * i / count.max(1)))
            .collect();
        let values: Int64Array = (first..last).collect();
        let schema = Schema::new(columns());
        let batch = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![Arc::new(times.with_timezone(types::UTC)), Arc::new(values)],
        )?;
        Ok(Buffer::from(ipc::write(&schema, &[batch])?))
    }

    /// Returns the number of rows made up to a second; the rate grows linearly during the ramp-up.
    fn value_at(&self, seconds: i64) -> i64 {
        let ramp = self.ramp_up_s;
        let delta = self.rows_per_second / (ramp + 1);
        if seconds <= ramp {
            (0..=seconds).map(|s| delta * s).sum::<i64>().max(0)
        } else {
            let ramped: i64 = (0..=ramp).map(|s| delta * s).sum();
            ramped + (seconds - ramp) * self.rows_per_second
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_source_counts_on_and_ramps_up() {
        let rate = RateSource {
            rows_per_second: 10,
            started_ms: 0,
            ramp_up_s: 0,
            served_s: 0,
        };
        assert_eq!((rate.value_at(0), rate.value_at(1), rate.value_at(3)), (0, 10, 30));
    }
}
