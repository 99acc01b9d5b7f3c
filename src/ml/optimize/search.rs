//! Line searches: how far to go in a direction.

use super::Objective;
use crate::error::Result;

/// Why a search in one direction failed; the caller forgets its history and tries once more.
#[derive(Debug)]
pub(super) enum Failure {
    /// The direction does not descend, or no step is good enough.
    Lost,
    /// The function cannot be evaluated.
    Broken(crate::error::SparkError),
}

impl From<crate::error::SparkError> for Failure {
    fn from(error: crate::error::SparkError) -> Self {
        Self::Broken(error)
    }
}

/// The function along a direction: value and slope after a step.
#[derive(Debug, Clone, Copy)]
struct Point {
    step: f64,
    slope: f64,
    value: f64,
}

/// A function of the length of a step.
pub(super) trait Along {
    /// Returns value and slope after a step.
    async fn at(&self, step: f64) -> Result<(f64, f64)>;
}

/// Plain steps from a place.
pub(super) struct Straight<'a, O> {
    pub objective: &'a O,
    pub from: &'a [f64],
    pub direction: &'a [f64],
}

impl<O: Objective> Along for Straight<'_, O> {
    async fn at(&self, step: f64) -> Result<(f64, f64)> {
        let x: Vec<f64> = self
            .from
            .iter()
            .zip(self.direction)
            .map(|(x, d)| x + step * d)
            .collect();
        let (value, gradient) = self.objective.at(&x).await?;
        Ok((value, super::dot(&gradient, self.direction)))
    }
}

/// How much of the first slope a step's decrease must have (Armijo).
const DECREASE: f64 = 1e-4;
/// How flat the slope must have become (Wolfe).
const FLAT: f64 = 0.9;

/// Returns the least of the cubic through two points and their slopes, kept off both ends.
fn between(left: Point, right: Point) -> f64 {
    let width = right.step - left.step;
    let bend = left.slope + right.slope - 3.0 * (left.value - right.value) / (left.step - right.step);
    let root = (bend * bend - left.slope * right.slope).sqrt();
    let least = right.step - width * (right.slope + root - bend) / (right.slope - left.slope + 2.0 * root);
    let (low, high) = (left.step + 0.1 * width, left.step + 0.9 * width);
    if least < low {
        low
    } else if least > high {
        high
    } else {
        least
    }
}

/// Finds a step that satisfies the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6), or the longest that is
/// allowed, `most`, if the function still falls there. A bracket is halved, and a step made longer, at most `tries` times.
pub(super) async fn strong_wolfe(
    line: &impl Along,
    first: f64,
    most: f64,
    tries: usize,
) -> std::result::Result<f64, Failure> {
    let point = async |step: f64| -> std::result::Result<Point, Failure> {
        let (value, slope) = line.at(step).await?;
        Ok(Point { step, slope, value })
    };
    let start = point(0.0).await?;
    if start.slope > 0.0 {
        return Err(Failure::Lost);
    }
    let too_high = |p: Point| p.value > start.value + DECREASE * p.step * start.slope;
    let is_flat = |p: Point| p.slope.abs() <= FLAT * start.slope.abs();
    let (mut low, mut step) = (start, first);
    let mut bracket = None;
    for i in 0..tries {
        let here = point(step).await?;
        if !here.value.is_finite() {
            step /= 2.0;
            continue;
        }
        if too_high(here) || (here.value >= low.value && i > 0) {
            bracket = Some((low, here));
            break;
        }
        if is_flat(here) {
            return Ok(here.step);
        }
        if here.slope >= 0.0 {
            bracket = Some((here, low));
            break;
        }
        low = here;
        if step == most {
            return Ok(most);
        }
        step = (step * 1.5).min(most);
    }
    let (mut low, mut high) = bracket.ok_or(Failure::Lost)?;
    for _ in 0..tries {
        let step = if low.step > high.step {
            between(high, low)
        } else {
            between(low, high)
        };
        let here = point(step).await?;
        if too_high(here) || here.value >= low.value {
            high = here;
        } else {
            if is_flat(here) {
                return Ok(here.step);
            }
            if here.slope * (high.step - low.step) >= 0.0 {
                high = low;
            }
            low = here;
        }
    }
    Err(Failure::Lost)
}

/// Finds a step by trying shorter and longer ones, until one decreases the function enough and the slope is neither as steep as
/// before nor as steep upwards. The first one's value is not looked at: `value` stands for it, as in Breeze, where it is that of
/// the start without what absolute values cost.
pub(super) async fn backtracking(
    line: &impl Along,
    value: f64,
    shrink: f64,
    first: f64,
) -> std::result::Result<f64, Failure> {
    const GROW: f64 = 2.1;
    const MOST: usize = 20;
    let (start, slope) = line.at(0.0).await?;
    let (mut step, mut here) = (first, value);
    let mut flat = line.at(first).await?.1;
    for tried in 1..=MOST {
        let factor = if here > start + step * slope * DECREASE {
            shrink
        } else if flat < FLAT * slope {
            GROW
        } else if flat > -FLAT * slope {
            shrink
        } else {
            return Ok(step);
        };
        let next = step * factor;
        if !(1e-10..=1e10).contains(&next) {
            return Err(Failure::Lost);
        }
        if tried < MOST {
            step = next;
            (here, flat) = line.at(step).await?;
        }
    }
    Ok(step)
}
