//! When batches begin.
//!
//! A trigger says when to look for data; whether a batch follows depends on what is there, on the watermark and on
//! timers.

use crate::error::{Exception, Result, SparkError};
use crate::proto::write_stream_operation_start::Trigger as Proto;
use crate::values::interval::interval_micros;

/// How long a query without new data waits before it looks again (`spark.sql.streaming.pollingDelay`).
pub const POLLING_DELAY_MS: i64 = 10;

/// How long after a batch one without data may follow that looks for timeouts, if the trigger has no interval. Spark
/// does not pause, and keeps a core busy.
pub const CLOCK_BATCH_PAUSE_MS: i64 = 100;

/// When a query looks for data, and whether it ends by itself (`Trigger` in Spark).
///
/// ```
/// use rivulet::streaming::trigger::{POLLING_DELAY_MS, Trigger};
///
/// let minutely = Trigger::ProcessingTime { interval_ms: 60_000 };
/// assert_eq!(minutely.next_ms(90_000, true), 120_000);
///
/// let eager = Trigger::of(None)?;
/// assert_eq!(eager.next_ms(90_000, true), 90_000);
/// assert_eq!(eager.next_ms(90_000, false), 90_000 + POLLING_DELAY_MS);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// At multiples of an interval since the epoch; 0 is as soon as the last batch is over.
    ProcessingTime {
        /// The interval, ms.
        interval_ms: i64,
    },
    /// All that is there at the start, in batches of the usual size, then the end.
    AvailableNow,
    /// All that is there at the start in one batch, then the end.
    Once,
    /// Records one after the other through tasks that stay; what was processed is committed once an interval. Operators that
    /// work row by row only, each record at least once (`ContinuousTrigger`).
    Continuous {
        /// The interval, ms.
        interval_ms: i64,
    },
    /// The same with state, which counts each record once (`RealTimeTrigger`).
    RealTime {
        /// How long an epoch lasts, ms.
        batch_ms: i64,
    },
}

impl Trigger {
    /// Reads a client's trigger; without one, batches follow each other without pause.
    ///
    /// # Errors
    /// `INVALID_TRIGGER_INTERVAL` if the interval is not a duration from 0 on.
    pub fn of(trigger: Option<&Proto>) -> Result<Self> {
        Ok(match trigger {
            None => Self::ProcessingTime { interval_ms: 0 },
            Some(Proto::ProcessingTimeInterval(text)) => Self::ProcessingTime {
                interval_ms: duration_ms(text)?,
            },
            Some(Proto::ContinuousCheckpointInterval(text)) => Self::Continuous {
                interval_ms: duration_ms(text)?,
            },
            Some(Proto::RealTimeBatchDuration(text)) => Self::RealTime {
                batch_ms: duration_ms(text)?,
            },
            Some(Proto::AvailableNow(_)) => Self::AvailableNow,
            Some(Proto::Once(_)) => Self::Once,
        })
    }

    /// Returns whether the query ends when the data of its start is processed.
    pub fn ends(self) -> bool {
        matches!(self, Self::AvailableNow | Self::Once)
    }

    /// Returns how long an epoch lasts, ms; `None` for micro-batches.
    pub fn epoch_ms(self) -> Option<i64> {
        match self {
            Self::Continuous { interval_ms: ms } | Self::RealTime { batch_ms: ms } => Some(ms.max(POLLING_DELAY_MS)),
            _ => None,
        }
    }

    /// Returns whether batches have a rhythm of their own.
    pub fn has_interval(self) -> bool {
        self.epoch_ms().is_some() || matches!(self, Self::ProcessingTime { interval_ms } if interval_ms > 0)
    }

    /// Returns when to look for data again, ms since the epoch: after a batch (`found`), or after finding nothing.
    ///
    /// A batch that takes longer than the interval makes the query miss triggers, not queue them up.
    pub fn next_ms(self, now_ms: i64, found: bool) -> i64 {
        match self {
            Self::ProcessingTime { interval_ms } if interval_ms > 0 => (now_ms / interval_ms + 1) * interval_ms,
            _ if found => now_ms,
            _ => now_ms + POLLING_DELAY_MS,
        }
    }
}

/// Reads a duration, ms.
fn duration_ms(text: &str) -> Result<i64> {
    let us = interval_micros(text).filter(|us| *us >= 0).ok_or_else(|| {
        SparkError::new(
            Exception::IllegalArgument,
            "INVALID_TRIGGER_INTERVAL",
            "22023",
            format!("The trigger interval '{text}' is not a non-negative duration."),
        )
    })?;
    Ok(us / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processing_time_triggers_at_multiples_of_the_interval() {
        let trigger = Trigger::ProcessingTime { interval_ms: 500 };
        assert_eq!(trigger.next_ms(1000, true), 1500);
        assert_eq!(trigger.next_ms(1499, false), 1500);
        assert_eq!(Trigger::ProcessingTime { interval_ms: 0 }.next_ms(7, true), 7);
    }
}
