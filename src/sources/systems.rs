//! Other systems that sources read and sinks write: what is asked of a host, for all of them.
//!
//! A source's state machine asks its driver's host a [`Question`] and hears an [`Answer`]; what it plans are [`Order`]s, which the host
//! of whichever executor runs the task carries out; a sink has a [`Writing`] carried out. Each system has messages of its own, and
//! there is one path for all of them between the engine and its hosts.
//!
//! ```text
//!  Source::look ─▶ Question ─▶ driver's host ─▶ Answer ─▶ Source::heard, plan, read ─▶ Order ─▶ executor's host ─▶ blocks of rows
//!  Sink::deliver ─▶ Writing ─▶ driver's host ─▶ Sink::sent
//! ```

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use super::flume::exchange as flume;
use super::kafka::exchange as kafka;
use super::kinesis::exchange as kinesis;
use crate::error::{Result, SparkError};

/// What a source wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which offsets Kafka's partitions have.
    Kafka(kafka::Question),
    /// How far the shards of a stream of Kinesis can be read.
    Kinesis(kinesis::Question),
    /// Which events Flume has.
    Flume(flume::Question),
}

/// What the host has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The offsets of Kafka's partitions.
    Kafka(kafka::Spans),
    /// How far the shards of a stream of Kinesis can be read.
    Kinesis(kinesis::Look),
    /// Some events of Flume.
    Flume(flume::Answer),
}

/// The reason why a question has no answer, or records are not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What is wrong, and what can be done, as whole sentences.
    pub message: String,
    /// Whether the server could not be reached, or is busy: it is asked again until it answers.
    pub is_away: bool,
    /// The error that it is, if it has a condition of its own: then nothing is asked again.
    #[serde(default)]
    pub error: Option<Box<SparkError>>,
}

/// What became of a question.
pub type Answer = std::result::Result<Found, Refused>;

/// Asks an executor's host for records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Of a partition of Kafka's.
    Kafka(kafka::Order),
    /// Of a shard of Kinesis.
    Kinesis(kinesis::Order),
}

/// Asks the driver's host to write records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writing {
    /// To Kafka's topics.
    Kafka(kafka::Writing),
    /// To a stream of Kinesis.
    Kinesis(kinesis::Writing),
}

impl Refused {
    /// Makes a refusal.
    pub fn new(message: impl Into<String>, is_away: bool) -> Self {
        Self {
            message: message.into(),
            is_away,
            error: None,
        }
    }

    /// Makes the refusal of what another try does not help.
    pub fn for_good(message: impl Into<String>) -> Self {
        Self::new(message, false)
    }

    /// Makes the refusal of a server that cannot be reached, or is busy.
    pub fn for_now(message: impl Into<String>) -> Self {
        Self::new(message, true)
    }

    /// Returns the error that it is: its own, or that of a system that does not answer, which `unanswered` makes of its message.
    pub fn into_error(self, unanswered: impl FnOnce(&str) -> SparkError) -> SparkError {
        match self.error {
            Some(error) => *error,
            None => unanswered(&self.message),
        }
    }
}

impl From<SparkError> for Refused {
    /// Makes the refusal of an error with a condition of its own.
    fn from(error: SparkError) -> Self {
        Self {
            message: error.message.clone(),
            is_away: false,
            error: Some(Box::new(error)),
        }
    }
}

impl Order {
    /// Returns the order as bytes, which travel in the place of the records.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn block(&self) -> Result<Buffer> {
        let bytes = serde_json::to_vec(self).map_err(|e| SparkError::internal(e.to_string()))?;
        Ok(Buffer::from(bytes))
    }

    /// Reads an order; `None` if the bytes are not one.
    pub fn of_block(block: &[u8]) -> Option<Self> {
        serde_json::from_slice(block).ok()
    }
}
