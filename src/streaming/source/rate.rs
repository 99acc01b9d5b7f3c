//! So many rows a second (`RateStreamProvider`). An offset is a number of seconds since the source began.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};

use crate::error::Result;
use crate::values::{ipc, types};

#[derive(Debug)]
pub struct RateSource {
    pub rows_per_second: i64,
    pub ramp_up_s: i64,
    /// ms since the epoch.
    pub started_ms: i64,
    /// Seconds that batches have taken.
    pub served_s: i64,
}

impl RateSource {
    /// Whole seconds that have gone by.
    pub fn reached_s(&self, now_ms: i64) -> i64 {
        ((now_ms - self.started_ms) / 1000).max(self.served_s)
    }

    /// Rows of the seconds [from, until): values count on, timestamps are spread evenly (`RateStreamProvider`).
    pub fn rows(&self, from: i64, until: i64) -> Result<Buffer> {
        let (first, last) = (self.value_at(from), self.value_at(until));
        let count = (last - first).max(0);
        let span_us = (until - from).max(0) * 1_000_000;
        let start_us = (self.started_ms + from * 1000) * 1000;
        let times: TimestampMicrosecondArray = (0..count)
            .map(|i| Some(start_us + span_us * i / count.max(1)))
            .collect();
        let values: Int64Array = (first..last).collect();
        let schema = Schema::new(vec![
            Field::new("timestamp", types::timestamp(), true),
            Field::new("value", DataType::Int64, true),
        ]);
        let batch = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![Arc::new(times.with_timezone(types::UTC)), Arc::new(values)],
        )?;
        Ok(Buffer::from(ipc::write(&schema, &[batch])?))
    }

    /// Rows made up to a second; the rate grows linearly during the ramp-up.
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
