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

    /// Lets more records in, if it is time; returns when it will be, otherwise (ms since the epoch, rounded up).
    pub fn permit(&mut self, now_ms: i64, records: u64) -> std::result::Result<(), i64> {
        let estimated = self
            .estimator
            .as_ref()
            .and_then(RateEstimator::rate)
            .unwrap_or(f64::INFINITY);
        let limit = estimated.min(self.max_rate);
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
