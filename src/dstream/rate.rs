//! How fast records may come in: at most `spark.streaming.receiver.maxRate` a second, and as many as batches can take.

use crate::error::{Result, SparkError};
use crate::settings::Conf;

/// Weights of `PIDRateEstimator`: of the error now, of all errors so far, and of how it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of the error now.
    pub proportional: f64,
    /// Of all errors so far.
    pub integral: f64,
    /// Of how it changes.
    pub derivative: f64,
    /// The least rate, records per second.
    pub min_rate: f64,
}

/// What the estimator knows of the last batch.
#[derive(Debug, Clone, Copy)]
struct Last {
    time_ms: i64,
    rate: f64,
    error: f64,
}

/// Estimates how many records per second may come in, from the durations of batches (`PIDRateEstimator`). The second batch
/// is measured by the first.
///
/// ```
/// use rivulet::dstream::rate::{RateEstimator, Weights};
///
/// let weights = Weights { proportional: 1.0, integral: 0.2, derivative: 0.0, min_rate: 10.0 };
/// let mut estimator = RateEstimator::new(1_000, weights);
/// estimator.compute(1_000, 600, 1_000, 0);
/// assert_eq!(estimator.rate(), None);
/// estimator.compute(2_000, 300, 1_000, 0);
/// assert_eq!(estimator.rate(), Some(300.0));
/// ```
#[derive(Debug, Clone)]
pub struct RateEstimator {
    batch_ms: i64,
    weights: Weights,
    last: Option<Last>,
    rate: Option<f64>,
}

impl RateEstimator {
    /// Makes an estimator of batches of this interval.
    pub fn new(batch_ms: i64, weights: Weights) -> Self {
        Self {
            batch_ms,
            weights,
            last: None,
            rate: None,
        }
    }

    /// Returns records per second; `None` until two batches with records are done.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Takes in that a batch with these records is done, at a time. One without records or duration, or that is not later
    /// than the last, says nothing.
    pub fn compute(&mut self, time_ms: i64, records: u64, processing_ms: i64, scheduling_ms: i64) {
        if records == 0 || processing_ms <= 0 || self.last.is_some_and(|last| time_ms <= last.time_ms) {
            return;
        }
        let processed = records as f64 / processing_ms as f64 * 1_000.0;
        let Some(last) = self.last else {
            self.last = Some(Last {
                time_ms,
                rate: processed,
                error: 0.0,
            });
            return;
        };
        let seconds = (time_ms - last.time_ms) as f64 / 1_000.0;
        let error = last.rate - processed;
        let history = scheduling_ms as f64 * processed / self.batch_ms as f64;
        let change = (error - last.error) / seconds;
        let weights = self.weights;
        let rate = last.rate - weights.proportional * error - weights.integral * history - weights.derivative * change;
        let rate = rate.max(weights.min_rate);
        self.rate = Some(rate);
        self.last = Some(Last { time_ms, rate, error });
    }
}

/// How much unused time may be used later, ms.
const SAVED_MS: f64 = 1_000.0;

/// The time whose records come as one block, s.
const GRAIN_S: f64 = 0.01;

/// Lets records of an input in at an even rate (`RateLimiter`).
#[derive(Debug, Clone)]
pub struct RateLimit {
    max_rate: f64,
    estimator: Option<RateEstimator>,
    /// When the next record may come, ms since the epoch.
    free_ms: Option<f64>,
}

impl RateLimit {
    /// Returns the limit of these settings; `None` if they set none. As in Spark, a `maxRate` of 0 is none.
    ///
    /// # Errors
    /// If a setting is not a number from 0 on.
    pub fn of(conf: &Conf, batch_ms: i64) -> Result<Option<Self>> {
        let setting = |key: &str, otherwise: f64| number(conf, &format!("spark.streaming.{key}"), otherwise);
        let max_rate = match setting("receiver.maxRate", 0.0)? {
            0.0 => f64::INFINITY,
            rate => rate,
        };
        let weights = Weights {
            proportional: setting("backpressure.pid.proportional", 1.0)?,
            integral: setting("backpressure.pid.integral", 0.2)?,
            derivative: setting("backpressure.pid.derived", 0.0)?,
            min_rate: setting("backpressure.pid.minRate", 100.0)?,
        };
        let is_estimated = conf.values.get("spark.streaming.backpressure.enabled");
        let is_estimated = is_estimated.is_some_and(|text| text == "true");
        let limit = Self {
            max_rate,
            estimator: is_estimated.then(|| RateEstimator::new(batch_ms, weights)),
            free_ms: None,
        };
        Ok((is_estimated || max_rate.is_finite()).then_some(limit))
    }

    /// Returns records per second; infinite while nothing limits them.
    fn rate(&self) -> f64 {
        let estimated = self.estimator.as_ref().and_then(RateEstimator::rate);
        estimated.unwrap_or(f64::INFINITY).min(self.max_rate)
    }

    /// Returns how many records should come at once at most: those of 10 ms.
    pub fn grain(&self) -> usize {
        let estimator = self.estimator.as_ref();
        let rate = match self.rate() {
            // Nothing is known yet: as few as the estimator may come to.
            rate if rate.is_infinite() => estimator.map_or(rate, |e| e.weights.min_rate * 100.0),
            rate => rate,
        };
        (rate * GRAIN_S).clamp(1.0, 1e6) as usize
    }

    /// Lets more records in, if it is time; returns when it will be, otherwise (ms since the epoch, rounded up).
    pub fn permit(&mut self, now_ms: i64, records: u64) -> std::result::Result<(), i64> {
        let limit = self.rate();
        if limit.is_infinite() {
            return Ok(());
        }
        let now = now_ms as f64;
        let from = self.free_ms.unwrap_or(now).max(now - SAVED_MS);
        if from > now {
            return Err(from.ceil() as i64);
        }
        self.free_ms = Some(from + records as f64 * 1_000.0 / limit);
        Ok(())
    }

    /// Takes in that a batch with these records of the input is done.
    pub fn processed(&mut self, time_ms: i64, records: u64, processing_ms: i64, scheduling_ms: i64) {
        if let Some(estimator) = &mut self.estimator {
            estimator.compute(time_ms, records, processing_ms, scheduling_ms);
        }
    }
}

/// Reads a setting that is a number from 0 on.
fn number(conf: &Conf, key: &str, otherwise: f64) -> Result<f64> {
    let Some(text) = conf.values.get(key) else {
        return Ok(otherwise);
    };
    match text.trim().parse::<f64>() {
        Ok(value) if value >= 0.0 => Ok(value),
        _ => Err(SparkError::requirement(format!(
            "{key} must be a number ≥ 0, got {text}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(pairs: &[(&str, &str)]) -> Conf {
        Conf {
            values: pairs
                .iter()
                .map(|(k, v)| (format!("spark.streaming.{k}"), (*v).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn the_rate_follows_from_error_history_and_change_and_never_falls_below_the_least() {
        let weights = Weights {
            proportional: 1.0,
            integral: 0.2,
            derivative: 0.0,
            min_rate: 100.0,
        };
        let mut estimator = RateEstimator::new(1_000, weights);
        // 2000/s; a rate comes with the second batch.
        estimator.compute(1_000, 1_000, 500, 0);
        assert_eq!(estimator.rate(), None);
        // 1000/s, half a batch late: 2000 − 1·(2000 − 1000) − 0.2·(500·1000/1000).
        estimator.compute(2_000, 1_000, 1_000, 500);
        assert_eq!(estimator.rate(), Some(900.0));
        // Neither a batch at the same time nor one without records says anything.
        estimator.compute(2_000, 10, 1, 0);
        estimator.compute(3_000, 0, 1, 0);
        assert_eq!(estimator.rate(), Some(900.0));
        estimator.compute(4_000, 10, 10_000, 100_000);
        assert_eq!(estimator.rate(), Some(100.0));
    }

    #[test]
    fn records_come_in_evenly_and_unused_time_is_kept_for_a_second() {
        let mut limit = RateLimit::of(&conf(&[("receiver.maxRate", "5")]), 1_000)
            .unwrap()
            .unwrap();
        assert_eq!(limit.permit(0, 1), Ok(()));
        assert_eq!(limit.permit(0, 1), Err(200));
        assert_eq!(limit.permit(200, 1), Ok(()));
        // Ten seconds later, one second's worth comes at once: at 9000, 9200, … 10000.
        let at_once = (0..10).take_while(|_| limit.permit(10_000, 1).is_ok()).count();
        assert_eq!(at_once, 6);
        // A block of many holds the next one back.
        assert_eq!(limit.permit(20_000, 50), Ok(()));
        assert_eq!(limit.permit(20_000, 1), Err(29_000));
    }

    #[test]
    fn without_a_limit_there_is_none_and_a_wrong_setting_is_named() {
        assert!(RateLimit::of(&conf(&[]), 1_000).unwrap().is_none());
        assert!(
            RateLimit::of(&conf(&[("receiver.maxRate", "0")]), 1_000)
                .unwrap()
                .is_none()
        );
        assert!(
            RateLimit::of(&conf(&[("backpressure.enabled", "true")]), 1_000)
                .unwrap()
                .is_some()
        );
        for wrong in ["-1", "many", ""] {
            let error = RateLimit::of(&conf(&[("backpressure.pid.integral", wrong)]), 1_000).unwrap_err();
            assert!(
                error.message.contains("spark.streaming.backpressure.pid.integral"),
                "{error}"
            );
        }
    }
}
