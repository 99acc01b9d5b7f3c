//! L-BFGS (Liu and Nocedal), and OWL-QN (Andrew and Gao) for penalties by absolute value.
//!
//! ```text
//! direction ─▶ how far? (strong Wolfe; backtracking with a penalty) ─▶ step ─▶ arrived? ─no─▶ remember the step, and again
//! ```

use std::collections::VecDeque;

use super::progress::Progress;
use super::search::{Along, Failure, Straight, backtracking, strong_wolfe};
use super::{Evaluated, Minimum, Objective, Remembered, dot, norm};
use crate::error::Result;

/// How many steps the approximation of the curvature remembers.
const MEMORY: usize = 10;
/// How often a bracket is halved, and how often a step is made longer.
const TRIES: usize = 10;

/// When a search ends, and what it adds to the function.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The most steps.
    pub max_iter: usize,
    /// How little a step may change, as a share of the first value, or of the last for the gradient.
    pub tolerance: f64,
    /// What the absolute value of each number is multiplied with and added; empty for no such penalty.
    pub penalty: Vec<f64>,
}

/// Steps and the gradients' changes by them, latest first.
type Memory = VecDeque<(Vec<f64>, Vec<f64>)>;

/// A place on the way.
struct State {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// With the penalty.
    full_value: f64,
    full_gradient: Vec<f64>,
}

impl State {
    fn new(x: Vec<f64>, (value, gradient): Evaluated, penalty: &[f64]) -> Self {
        let (full_value, full_gradient) = penalized(&x, value, &gradient, penalty);
        Self {
            x,
            value,
            gradient,
            full_value,
            full_gradient,
        }
    }
}

/// Returns value and gradient with the penalty; at 0 the gradient is the least of what it is on both sides.
fn penalized(x: &[f64], value: f64, gradient: &[f64], penalty: &[f64]) -> Evaluated {
    if penalty.is_empty() {
        return (value, gradient.to_vec());
    }
    let mut sum = value;
    let full = x.iter().zip(gradient).zip(penalty).map(|((x, g), p)| {
        if *p == 0.0 {
            return *g;
        }
        sum += (p * x).abs();
        match x {
            0.0 if g - p > 0.0 => g - p,
            0.0 if g + p < 0.0 => g + p,
            0.0 => 0.0,
            x => g + x.signum() * p,
        }
    });
    let full = full.collect();
    (sum, full)
}

/// Returns the sign of a number, 0 for 0.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// Goes a step; with a penalty a number that would change its sign becomes 0.
fn stepped(state: &State, direction: &[f64], step: f64, penalty: &[f64]) -> Vec<f64> {
    let plain = state.x.iter().zip(direction).map(|(x, d)| x + step * d);
    if penalty.is_empty() {
        return plain.collect();
    }
    let side = |x: f64, g: f64| if x == 0.0 { sign(-g) } else { sign(x) };
    let sides = state.x.iter().zip(&state.full_gradient).map(|(x, g)| side(*x, *g));
    plain
        .zip(sides)
        .map(|(v, side)| if sign(v) == side { v } else { 0.0 })
        .collect()
}

/// Steps that stay on their side, with the penalty.
struct OnOneSide<'a, O> {
    objective: &'a O,
    state: &'a State,
    direction: &'a [f64],
    penalty: &'a [f64],
}

impl<O: Objective> Along for OnOneSide<'_, O> {
    async fn at(&self, step: f64) -> Result<(f64, f64)> {
        let x = stepped(self.state, self.direction, step, self.penalty);
        let (value, gradient) = self.objective.at(&x).await?;
        let (value, gradient) = penalized(&x, value, &gradient, self.penalty);
        Ok((value, dot(&gradient, self.direction)))
    }
}

/// Returns the direction in which the remembered curvature expects the least value.
fn direction(memory: &Memory, gradient: &[f64]) -> std::result::Result<Vec<f64>, Failure> {
    let scale = match memory.front() {
        None => 1.0,
        Some((step, change)) => {
            let along = dot(step, change);
            if along < 0.0 || along.is_nan() {
                return Err(Failure::Lost);
            }
            along / dot(change, change)
        }
    };
    let mut to = gradient.to_vec();
    let add = |to: &mut [f64], factor: f64, v: &[f64]| to.iter_mut().zip(v).for_each(|(t, v)| *t += factor * v);
    let mut shares = Vec::with_capacity(memory.len());
    for (step, change) in memory {
        let share = dot(step, &to) / dot(step, change);
        if share.is_nan() {
            return Err(Failure::Lost);
        }
        add(&mut to, -share, change);
        shares.push(share);
    }
    to.iter_mut().for_each(|t| *t *= scale);
    for ((step, change), share) in memory.iter().zip(shares).rev() {
        let back = dot(change, &to) / dot(step, change);
        add(&mut to, share - back, step);
    }
    to.iter_mut().for_each(|t| *t = -*t);
    Ok(to)
}

/// Takes a step from a state; returns where it ends.
async fn step(
    objective: &impl Objective,
    state: &State,
    memory: &Memory,
    options: &Options,
    is_first: bool,
) -> std::result::Result<State, Failure> {
    let penalty = &options.penalty;
    let mut towards = direction(memory, &state.full_gradient)?;
    let length = if penalty.is_empty() {
        let line = Straight {
            objective,
            from: &state.x,
            direction: &towards,
        };
        let first = if is_first { 1.0 / norm(&towards) } else { 1.0 };
        let length = strong_wolfe(&line, first, f64::INFINITY, TRIES).await?;
        if length * norm(&state.gradient) < 1e-10 {
            return Err(Failure::Lost);
        }
        length
    } else {
        let against = towards.iter_mut().zip(&state.full_gradient);
        against.for_each(|(d, g)| {
            // What is not a number does not move, either.
            *d = if *d * g < 0.0 { *d } else { 0.0 };
        });
        let line = OnOneSide {
            objective,
            state,
            direction: &towards,
            penalty,
        };
        let (shrink, first) = if is_first {
            (0.1, 0.5 / norm(&state.gradient))
        } else {
            (0.5, 1.0)
        };
        backtracking(&line, state.value, shrink, first).await?
    };
    let x = stepped(state, &towards, length, penalty);
    let here = objective.at(&x).await?;
    Ok(State::new(x, here, penalty))
}

/// Minimises a function from a start, with a penalty if the options have one.
///
/// Costs one evaluation per step, seldom more; the state is a few times the size of `start`, and ten steps.
///
/// # Errors
/// The objective's. That no better place is found is not an error: the last one is the answer.
pub async fn minimize(objective: &impl Objective, start: Vec<f64>, options: &Options) -> Result<Minimum> {
    let objective = &Remembered::new(objective);
    let here = objective.at(&start).await?;
    let mut state = State::new(start, here, &options.penalty);
    let mut progress = Progress::new(state.full_value);
    let mut memory = Memory::new();
    while !progress.has_arrived(
        state.full_value,
        &state.full_gradient,
        options.max_iter,
        options.tolerance,
    ) {
        match step(objective, &state, &memory, options, progress.steps == 0).await {
            Ok(next) => {
                let moved = next.x.iter().zip(&state.x).map(|(a, b)| a - b).collect();
                let changed = next.gradient.iter().zip(&state.gradient).map(|(a, b)| a - b).collect();
                memory.push_front((moved, changed));
                memory.truncate(MEMORY);
                progress.moved(next.full_value);
                state = next;
            }
            Err(Failure::Broken(error)) => return Err(error),
            Err(Failure::Lost) if progress.lost(state.full_value) => break,
            Err(Failure::Lost) => memory.clear(),
        }
    }
    Ok(Minimum {
        x: state.x,
        history: progress.history,
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Rosenbrock's valley, whose least value is at (1, 1).
    struct Valley;

    impl Objective for Valley {
        async fn at(&self, x: &[f64]) -> Result<Evaluated> {
            let (a, b) = (x[0], x[1]);
            let value = (1.0 - a).powi(2) + 100.0 * (b - a * a).powi(2);
            let gradient = vec![-2.0 * (1.0 - a) - 400.0 * a * (b - a * a), 200.0 * (b - a * a)];
            Ok((value, gradient))
        }
    }

    /// ½ Σ (x - c)², whose least value with the penalty p·|x| is at c moved towards 0 by p.
    struct Bowl(Vec<f64>);

    impl Objective for Bowl {
        async fn at(&self, x: &[f64]) -> Result<Evaluated> {
            let gradient: Vec<f64> = x.iter().zip(&self.0).map(|(x, c)| x - c).collect();
            Ok((dot(&gradient, &gradient) / 2.0, gradient))
        }
    }

    fn found(objective: &impl Objective, start: Vec<f64>, options: &Options) -> Minimum {
        let mut search = pin!(minimize(objective, start, options));
        match search.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.unwrap(),
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    fn options(penalty: Vec<f64>) -> Options {
        Options {
            max_iter: 200,
            tolerance: 1e-12,
            penalty,
        }
    }

    #[test]
    fn the_valley_ends_at_its_lowest_place() {
        let found = found(&Valley, vec![-1.2, 1.0], &options(vec![]));
        assert!(
            (found.x[0] - 1.0).abs() < 1e-6 && (found.x[1] - 1.0).abs() < 1e-6,
            "{found:?}"
        );
        assert!(found.history.windows(2).all(|w| w[1] <= w[0]));
    }

    #[test]
    fn a_penalty_moves_numbers_towards_zero_and_small_ones_to_it() {
        let found = found(&Bowl(vec![3.0, -2.0, 0.5]), vec![0.0; 3], &options(vec![1.0, 1.0, 1.0]));
        for (x, right) in found.x.iter().zip([2.0, -1.0, 0.0]) {
            assert!((x - right).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn the_most_steps_end_a_search() {
        let options = Options {
            max_iter: 2,
            ..options(vec![])
        };
        assert_eq!(found(&Valley, vec![-1.2, 1.0], &options).history.len(), 3);
    }
}
