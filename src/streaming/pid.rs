//! How many rows per second a source filled from outside should pass to batches (`PIDRateEstimator`).
//!
//! The error is the difference between the last rate and the rate at which the last batch was processed; its sum over
//! time is what the delay before that batch has piled up; its change is the derivative:
//!
//! ```text
//! rate' = rate - proportional · error - integral · piled up - derivative · change        at least the minimum
//! ```

use crate::settings::{self, Conf};

/// One source's estimator: a PID controller over batches.
///
/// ```
/// use rivulet::settings::Conf;
/// use rivulet::streaming::pid::RateEstimator;
///
/// assert!(RateEstimator::of(&Conf::default()).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct RateEstimator {
    /// Weight of the error (`spark.streaming.backpressure.pid.proportional`).
    proportional: f64,
    /// Weight of what has piled up (`spark.streaming.backpressure.pid.integral`).
    integral: f64,
    /// Weight of the error's change (`spark.streaming.backpressure.pid.derived`).
    derivative: f64,
    /// Least rate, rows per second; at least 1.
    min_rate: f64,
    /// When the last batch that counted ended (ms), its rate (rows per second), its error; `None` before the first.
    last: Option<(i64, f64, f64)>,
}

/// A batch as an estimator sees it; times in ms.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// When the batch was committed, ms since the epoch.
    pub ended_ms: i64,
    /// How many rows the batch took of this source.
    pub rows: u64,
    /// How long the batch took, ms.
    pub processing_ms: i64,
    /// How long the batch waited, from when it was due to when it began, ms.
    pub delay_ms: i64,
}

impl RateEstimator {
    /// Returns an estimator with Spark's settings `spark.streaming.backpressure.*`; `None` unless it is enabled.
    pub fn of(conf: &Conf) -> Option<Self> {
        // Clients cannot set anything but a number.
        let number = |setting| conf.number(setting).unwrap_or_default();
        conf.flag(&settings::BACKPRESSURE).then(|| Self {
            proportional: number(&settings::PID_PROPORTIONAL),
            integral: number(&settings::PID_INTEGRAL),
            derivative: number(&settings::PID_DERIVED),
            min_rate: number(&settings::PID_MIN_RATE).max(1.0),
            last: None,
        })
    }

    /// Returns the rate after a batch, rows per second; `None` if the batch says nothing: without rows, without
    /// duration, or not after the last one.
    ///
    /// The first batch sets the rate at which it was processed.
    pub fn measure(&mut self, batch: Measured) -> Option<f64> {
        let newer = self.last.is_none_or(|(at, ..)| batch.ended_ms > at);
        if !newer || batch.rows == 0 || batch.processing_ms <= 0 {
            return None;
        }
        let processed = batch.rows as f64 / batch.processing_ms as f64 * 1000.0;
        let Some((at, rate, last_error)) = self.last else {
            self.last = Some((batch.ended_ms, processed, 0.0));
            return Some(processed);
        };
        let since_s = (batch.ended_ms - at) as f64 / 1000.0;
        let error = rate - processed;
        let piled_up = batch.delay_ms as f64 * processed / since_s / 1000.0;
        let change = (error - last_error) / since_s;
        let next = rate - self.proportional * error - self.integral * piled_up - self.derivative * change;
        let next = next.max(self.min_rate);
        self.last = Some((batch.ended_ms, next, error));
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimator(pairs: &[(&str, &str)]) -> RateEstimator {
        let mut conf = Conf::default();
        let enabled = [("enabled", "true")];
        for (key, value) in pairs.iter().chain(&enabled) {
            conf.values
                .insert(format!("spark.streaming.backpressure.{key}"), (*value).to_owned());
        }
        RateEstimator::of(&conf).unwrap()
    }

    fn batch(ended_ms: i64, rows: u64, processing_ms: i64, delay_ms: i64) -> Measured {
        Measured {
            ended_ms,
            rows,
            processing_ms,
            delay_ms,
        }
    }

    #[test]
    fn nothing_is_estimated_unless_asked_for_nor_from_batches_that_say_nothing() {
        assert!(RateEstimator::of(&Conf::default()).is_none());
        let mut pid = estimator(&[]);
        assert_eq!(pid.measure(batch(0, 0, 10, 0)), None);
        assert_eq!(pid.measure(batch(0, 10, 0, 0)), None);
        assert_eq!(pid.measure(batch(1000, 500, 1000, 0)), Some(500.0));
        assert_eq!(pid.measure(batch(1000, 900, 1000, 0)), None);
        assert_eq!(pid.measure(batch(900, 900, 1000, 0)), None);
    }

    #[test]
    fn by_proportion_alone_the_rate_becomes_that_of_the_last_batch() {
        let mut pid = estimator(&[("pid.integral", "0"), ("pid.minRate", "20")]);
        for (at, rows) in [(1, 400u64), (2, 700), (3, 150)] {
            assert_eq!(pid.measure(batch(at * 1000, rows, 1000, 0)), Some(rows as f64));
        }
        assert_eq!(pid.measure(batch(4000, 1, 1000, 0)), Some(20.0));
    }

    #[test]
    fn what_has_piled_up_lowers_the_rate() {
        let mut pid = estimator(&[("pid.minRate", "1")]);
        pid.measure(batch(1000, 1000, 1000, 0));
        // Processed at 1000/s; 0.2 × (500 ms of delay × 1000/s ÷ 1 s) less.
        assert_eq!(pid.measure(batch(2000, 1000, 1000, 500)), Some(900.0));
    }
}
