//! The watermark of a query: how far event time has come (`WatermarkTracker`).
//!
//! Each `withWatermark` follows the largest event time it has seen, less its delay. The query's watermark is the least
//! (or the largest, by setting) of them and never goes back. A batch judges lateness by the watermark of the batch
//! before it and evicts by its own, so that rows of one batch are never late for each other:
//!
//! ```text
//! batch      1        2        3
//! seen       12:07    12:14    12:11          largest event time of the batch
//! reached    11:57    12:04    12:04          less a delay of 10 minutes
//! evicts by  0        11:57    12:04          what the batches before reached
//! late by    0        0        11:57          what the batch before evicted by
//! ```

use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::EventTimeStats;
use crate::settings::{self, Conf};
use crate::values::interval::interval_micros;

/// Which of several watermarks counts (`spark.sql.streaming.multipleWatermarkPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The slowest: no row of any input is dropped too early. Spark's default.
    Min,
    /// The fastest: rows of slower inputs may be late.
    Max,
}

/// Watermarks of all `withWatermark` calls of a query; ms since the epoch.
///
/// ```
/// use rivulet::streaming::watermark::{Policy, WatermarkTracker};
///
/// let mut watermark = WatermarkTracker::new(vec![10_000], Policy::Min);
/// assert_eq!(watermark.current_ms(), 0);
/// watermark.restore(5_000, None);
/// watermark.advance(&[], 0);
/// assert_eq!(watermark.current_ms(), 5_000);
/// ```
#[derive(Debug, Clone)]
pub struct WatermarkTracker {
    /// Delay of each, in the order of the calls.
    delays_ms: Vec<i64>,
    /// How far each has come; `None` before its first batch.
    seen_ms: Vec<Option<i64>>,
    /// Which of them counts.
    policy: Policy,
    /// The query's watermark.
    global_ms: i64,
    /// Under [`Policy::Min`], one without data for longer than this does not hold the others; `None` lets it hold them
    /// for ever.
    idle_timeout_ms: Option<i64>,
    /// When each had data last, on the wall's clock.
    active_ms: Vec<i64>,
}

impl WatermarkTracker {
    /// Returns a tracker that has seen nothing, with one delay per `withWatermark`; without any, the query has no
    /// watermark.
    pub fn new(delays_ms: Vec<i64>, policy: Policy) -> Self {
        Self {
            seen_ms: vec![None; delays_ms.len()],
            delays_ms,
            policy,
            global_ms: 0,
            idle_timeout_ms: None,
            active_ms: vec![],
        }
    }

    /// Stops an input silent for longer than `timeout_ms` from holding the watermark back, from `now_ms` on. When it
    /// resumes, rows older than the watermark are late. Spark lacks such a setting; Flink's `withIdleness` is the
    /// model.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout_ms: Option<i64>, now_ms: i64) -> Self {
        self.idle_timeout_ms = timeout_ms;
        self.active_ms = vec![now_ms; self.delays_ms.len()];
        self
    }

    /// Returns whether the query has a watermark at all.
    pub fn is_set(&self) -> bool {
        !self.delays_ms.is_empty()
    }

    /// Returns the watermark now, ms since the epoch; 0 before any data.
    pub fn current_ms(&self) -> i64 {
        self.global_ms
    }

    /// Returns how far each `withWatermark` has come; `None` if it has seen nothing.
    pub fn seen_ms(&self) -> &[Option<i64>] {
        &self.seen_ms
    }

    /// Continues where an earlier run was. Without `seen` (Spark keeps only the watermark itself) each begins anew, as
    /// in Spark.
    pub fn restore(&mut self, global_ms: i64, seen: Option<&[Option<i64>]>) {
        debug_assert!(self.global_ms == 0, "a watermark is restored before it advances");
        self.global_ms = global_ms;
        if let Some(seen) = seen.filter(|s| s.len() == self.seen_ms.len()) {
            self.seen_ms.copy_from_slice(seen);
        }
    }

    /// Takes in what a batch saw. A source without data holds the minimum at 0, unless it is idle for too long; the
    /// watermark never goes back.
    ///
    /// `stats` has one entry per `withWatermark`, in µs; `now_ms` is the wall clock, which counts only for idleness.
    pub fn advance(&mut self, stats: &[EventTimeStats], now_ms: i64) {
        for (i, seen) in self.seen_ms.iter_mut().enumerate() {
            if let Some(s) = stats.get(i).filter(|s| s.count > 0) {
                let reached = s.max_us.div_euclid(1000) - self.delays_ms[i];
                *seen = Some(seen.map_or(reached, |old| old.max(reached)));
                if let Some(active) = self.active_ms.get_mut(i) {
                    *active = now_ms;
                }
            } else {
                seen.get_or_insert(0);
            }
        }
        let awake = |i: usize| match (self.idle_timeout_ms, self.active_ms.get(i)) {
            (Some(timeout), Some(active)) => now_ms - active <= timeout,
            _ => true,
        };
        let speaking = self.seen_ms.iter().enumerate().filter(|(i, _)| awake(*i));
        let chosen = match self.policy {
            Policy::Min => speaking.filter_map(|(_, seen)| *seen).min(),
            Policy::Max => self.seen_ms.iter().flatten().copied().max(),
        };
        let before = self.global_ms;
        if let Some(chosen) = chosen {
            self.global_ms = self.global_ms.max(chosen);
        }
        debug_assert!(self.global_ms >= before, "the watermark went back from {before}");
    }
}

/// Returns how long one of several inputs may be silent before it no longer holds the watermark back, ms; `None`
/// (without the setting) is for ever, as in Spark. When it resumes, its rows older than the watermark are late.
///
/// # Errors
/// `INVALID_CONF_VALUE.TYPE_MISMATCH` if the setting is not an interval.
pub fn idle_timeout_ms(conf: &Conf) -> Result<Option<i64>> {
    let key = settings::IDLE_SOURCE_TIMEOUT.key;
    let Some(text) = conf.get(key) else { return Ok(None) };
    let us = interval_micros(text).filter(|us| *us > 0);
    us.map(|us| Some(us / 1000)).ok_or_else(|| {
        SparkError::new(
            Exception::IllegalArgument,
            "INVALID_CONF_VALUE.TYPE_MISMATCH",
            "22022",
            format!("The value '{text}' in the config \"{key}\" is invalid. It should be an interval above 0, such as 30 seconds."),
        )
        .with("confName", key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> EventTimeStats {
        EventTimeStats {
            max_us: ms * 1000,
            min_us: ms * 1000,
            sum_us: 0.0,
            count: 1,
        }
    }

    #[test]
    fn the_watermark_is_the_largest_event_time_less_the_delay_and_never_goes_back() {
        let mut tracker = WatermarkTracker::new(vec![10], Policy::Min);
        tracker.advance(&[at(100)], 0);
        assert_eq!(tracker.current_ms(), 90);
        tracker.advance(&[at(50)], 0);
        assert_eq!(tracker.current_ms(), 90);
    }

    #[test]
    fn under_the_min_policy_a_silent_source_holds_the_watermark_and_under_max_it_does_not() {
        for (policy, expected) in [(Policy::Min, 0), (Policy::Max, 90)] {
            let mut tracker = WatermarkTracker::new(vec![10, 20], policy);
            tracker.advance(&[at(100), EventTimeStats::default()], 1_000_000);
            assert_eq!(tracker.current_ms(), expected);
        }
    }

    #[test]
    fn an_idle_source_lets_go_after_its_timeout_and_holds_again_when_it_speaks() {
        let mut tracker = WatermarkTracker::new(vec![10, 20], Policy::Min).with_idle_timeout(Some(1000), 5000);
        let silent = EventTimeStats::default();
        tracker.advance(&[at(100), silent], 6000);
        assert_eq!(tracker.current_ms(), 0, "not yet idle for longer than the timeout");
        tracker.advance(&[at(200), silent], 6001);
        assert_eq!(tracker.current_ms(), 190);
        tracker.advance(&[at(900), at(300)], 7000);
        assert_eq!(tracker.current_ms(), 280, "the slower one counts again");
        tracker.advance(&[silent, silent], 9000);
        assert_eq!(tracker.current_ms(), 280, "where all are idle nothing moves");
    }
}
