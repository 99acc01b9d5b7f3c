//! What listeners hear of a context (`StreamingListener`).

use serde::Serialize;

use super::graph::StreamId;
use crate::error::SparkError;
use crate::ids::ExecutorRef;

/// A batch; times are ms since the epoch (`BatchInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInfo {
    /// The end of its interval.
    pub batch_time: i64,
    /// When it was put into the queue.
    pub submission_time: i64,
    /// When it began to run; `None` before.
    pub processing_start_time: Option<i64>,
    /// When it was done; `None` before.
    pub processing_end_time: Option<i64>,
    /// Between submission and start, ms.
    pub scheduling_delay: Option<i64>,
    /// Between start and end, ms.
    pub processing_delay: Option<i64>,
    /// Between submission and end, ms.
    pub total_delay: Option<i64>,
    /// Records that came for it.
    pub num_records: u64,
    /// Why it failed.
    pub failure: Option<String>,
}

impl BatchInfo {
    /// Returns a batch that was put into the queue.
    pub fn submitted(batch_time: i64, now_ms: i64, num_records: u64) -> Self {
        Self {
            batch_time,
            submission_time: now_ms,
            processing_start_time: None,
            processing_end_time: None,
            scheduling_delay: None,
            processing_delay: None,
            total_delay: None,
            num_records,
            failure: None,
        }
    }

    /// Notes that it begins.
    pub fn started(&mut self, now_ms: i64) {
        self.processing_start_time = Some(now_ms);
        self.scheduling_delay = Some(now_ms - self.submission_time);
    }

    /// Notes that it is done.
    pub fn ended(&mut self, now_ms: i64) {
        self.processing_end_time = Some(now_ms);
        self.processing_delay = self.processing_start_time.map(|start| now_ms - start);
        self.total_delay = Some(now_ms - self.submission_time);
    }
}

/// What has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The context has started.
    Started {
        /// When, ms since the epoch.
        time_ms: i64,
    },
    /// A batch was put into the queue.
    Submitted(BatchInfo),
    /// A batch begins.
    BatchStarted(BatchInfo),
    /// A batch is done or has failed.
    Completed(BatchInfo),
    /// A receiver has started in an executor.
    ReceiverStarted {
        /// Its stream.
        stream: StreamId,
        /// The executor.
        executor: ExecutorRef,
    },
    /// A receiver has stopped in an executor.
    ReceiverStopped {
        /// Its stream.
        stream: StreamId,
        /// The executor.
        executor: ExecutorRef,
    },
    /// A receiver has failed, or a socket was lost: it starts again.
    ReceiverError(SparkError),
}
