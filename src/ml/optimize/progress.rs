//! How far a search has come, and when it has arrived (`FirstOrderMinimizer`).

use std::collections::VecDeque;

use super::norm;

/// How many values a value is compared with.
const VALUES: usize = 20;

/// The values so far, and how many steps there were.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    initial: f64,
    /// The last values, after an infinity.
    values: VecDeque<f64>,
    /// The value at the start, after each step, and where a search began anew.
    pub history: Vec<f64>,
    /// How many steps there were.
    pub steps: usize,
    /// Whether the last step was lost.
    has_failed: bool,
}

impl Progress {
    /// Begins at a value.
    pub fn new(value: f64) -> Self {
        Self {
            initial: value,
            values: VecDeque::from([f64::INFINITY]),
            history: vec![value],
            steps: 0,
            has_failed: false,
        }
    }

    /// Returns whether a search ends: after its most steps, or where values or the gradient say so.
    pub fn has_arrived(&self, value: f64, gradient: &[f64], max_iter: usize, tolerance: f64) -> bool {
        let last = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_settled = self.values.len() >= 2 && (value - last).abs() <= tolerance * self.initial;
        let is_flat = norm(gradient) <= (tolerance * value).max(1e-8);
        self.steps >= max_iter || is_settled || is_flat
    }

    /// Notes a step.
    pub fn moved(&mut self, value: f64) {
        self.values.push_back(value);
        if self.values.len() > VALUES {
            self.values.pop_front();
        }
        self.history.push(value);
        self.steps += 1;
        self.has_failed = false;
    }

    /// Notes that no step was found from a place, which counts once more in the history; returns whether to give up, as after the
    /// second time in a row.
    pub fn lost(&mut self, value: f64) -> bool {
        self.history.push(value);
        std::mem::replace(&mut self.has_failed, true)
    }
}
