//! When a task is so much slower than the others of its stage that another executor tries it, too
//! (`TaskSetManager.checkSpeculatableTasks`).

use crate::error::Result;
use crate::settings::{self, Conf};

/// The settings of a job (`spark.speculation.*`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speculation {
    /// Share of a stage's tasks that must be done before it is judged.
    pub quantile: f64,
    /// How many times the median a task may take.
    pub multiplier: f64,
    /// What every task may take, ms.
    pub min_runtime_ms: i64,
}

impl Speculation {
    /// Returns `spark.speculation` and what belongs to it, with Spark's defaults; `None` if it is off.
    ///
    /// # Errors
    /// An `IllegalArgumentException` if a setting is not a number.
    pub fn of(conf: &Conf) -> Result<Option<Self>> {
        if !conf.flag(&settings::SPECULATION) {
            return Ok(None);
        }
        Ok(Some(Self {
            quantile: conf.number(&settings::SPECULATION_QUANTILE)?.min(1.0),
            multiplier: conf.number(&settings::SPECULATION_MULTIPLIER)?,
            min_runtime_ms: conf.millis(&settings::SPECULATION_MIN_RUNTIME)?,
        }))
    }

    /// Returns how long a task of a stage may run, ms, by how long those that are done took; `None` if too few are.
    ///
    /// It is the multiple of the median, and at least the minimum.
    pub(super) fn threshold_ms(&self, tasks: usize, done_ms: &[i64]) -> Option<i64> {
        let needed = ((self.quantile * tasks as f64).floor() as usize).max(1);
        if done_ms.len() < needed {
            return None;
        }
        let mut sorted = done_ms.to_vec();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) as f64 / 2.0
        } else {
            sorted[middle] as f64
        };
        Some(((median * self.multiplier) as i64).max(self.min_runtime_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_may_take_a_multiple_of_the_median_once_enough_are_done() {
        let speculation = Speculation {
            quantile: 0.75,
            multiplier: 1.5,
            min_runtime_ms: 100,
        };
        assert_eq!(speculation.threshold_ms(4, &[300, 200]), None);
        assert_eq!(speculation.threshold_ms(4, &[300, 200, 1000]), Some(450));
        assert_eq!(speculation.threshold_ms(4, &[300, 200, 1000, 400]), Some(525));
        assert_eq!(speculation.threshold_ms(4, &[30, 20, 10]), Some(100));
        assert_eq!(speculation.threshold_ms(1, &[]), None);
    }
}
