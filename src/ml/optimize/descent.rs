//! Gradient descent over batches of rows, with several rules for a step (`GradientDescent` and its updaters).

use std::future::Future;

use super::{Evaluated, Minimum, norm};
use crate::error::Result;

/// A function that is the mean over rows, of which a step looks at some.
pub trait Batches {
    /// Returns mean value and gradient at `x` over the rows of a step, from 1 on; `None` if it has no rows.
    ///
    /// # Errors
    /// If they cannot be evaluated; the descent ends with the error.
    fn at(&self, x: &[f64], step: usize) -> impl Future<Output = Result<Option<Evaluated>>>;
}

/// When a descent ends, and how long its steps are.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How long steps are.
    pub step_size: f64,
    /// The most steps.
    pub max_iter: usize,
    /// How little a step may change, as a share of the length of `x`, or of 1 if that is more.
    pub tolerance: f64,
    /// How much the squares of numbers cost.
    pub penalty: f64,
}

/// The rule for a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Along the gradient.
    Plain,
    /// Along the gradient, shorter with each step, and towards 0 by the penalty (`SquaredL2Updater`).
    Shrinking,
    /// By running means of gradients and their squares, and towards 0 by the penalty (Loshchilov and Hutter).
    AdamW(Adam),
}

/// The running means of AdamW.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Adam {
    means: Vec<f64>,
    squares: Vec<f64>,
    steps: i32,
    /// Powers of the decays, multiplied step by step.
    powers: (f64, f64),
}

impl Adam {
    /// Takes a step; returns what is subtracted.
    fn step(&mut self, x: &[f64], gradient: &[f64], options: &Options) -> Vec<f64> {
        const MEAN: f64 = 0.9;
        const SQUARE: f64 = 0.999;
        if self.steps == 0 {
            *self = Self {
                means: vec![0.0; x.len()],
                squares: vec![0.0; x.len()],
                steps: 0,
                powers: (1.0, 1.0),
            };
        }
        self.steps += 1;
        self.powers = (self.powers.0 * MEAN, self.powers.1 * SQUARE);
        let (mean_share, square_share) = (1.0 - self.powers.0, 1.0 - self.powers.1);
        let running = self.means.iter_mut().zip(&mut self.squares);
        running
            .zip(x.iter().zip(gradient))
            .map(|((mean, square), (x, g))| {
                *mean = *mean * MEAN + (1.0 - MEAN) * g;
                *square = *square * SQUARE + (1.0 - SQUARE) * (g * g);
                let towards = options.step_size * (*mean / mean_share);
                towards / ((*square / square_share).sqrt() + 1e-8) + options.penalty * x
            })
            .collect()
    }
}

impl Rule {
    /// Returns where a step ends.
    fn step(&mut self, x: &[f64], gradient: &[f64], step: usize, options: &Options) -> Vec<f64> {
        let each = x.iter().zip(gradient);
        match self {
            Self::Plain => each.map(|(x, g)| x - options.step_size * g).collect(),
            Self::Shrinking => {
                let size = options.step_size / (step as f64).sqrt();
                let kept = 1.0 - size * options.penalty;
                each.map(|(x, g)| x * kept - size * g).collect()
            }
            Self::AdamW(adam) => {
                let less = adam.step(x, gradient, options);
                x.iter().zip(less).map(|(x, less)| x - less).collect()
            }
        }
    }

    /// Returns what the squares of numbers cost.
    fn cost(&self, x: &[f64], options: &Options) -> f64 {
        if *self == Self::Plain {
            return 0.0;
        }
        let length = norm(x);
        0.5 * options.penalty * length * length
    }
}

/// Goes down from a start, step by step. The history is the value before each step, over its rows, with the penalty, and after
/// the last unless that was a small one.
///
/// # Errors
/// Those of the function.
pub async fn descend(batches: &impl Batches, start: Vec<f64>, options: &Options, mut rule: Rule) -> Result<Minimum> {
    let mut x = start;
    let mut history = vec![];
    let mut cost = rule.cost(&x, options);
    let mut has_moved = false;
    // After the last step, the value is looked at once more.
    for step in 1..=options.max_iter + 1 {
        let Some((value, gradient)) = batches.at(&x, step).await? else {
            continue;
        };
        history.push(value + cost);
        if step > options.max_iter {
            break;
        }
        let next = rule.step(&x, &gradient, step, options);
        cost = rule.cost(&next, options);
        let moved: Vec<f64> = x.iter().zip(&next).map(|(a, b)| a - b).collect();
        let is_settled = has_moved && norm(&moved) < options.tolerance * norm(&next).max(1.0);
        x = next;
        has_moved = true;
        if is_settled {
            break;
        }
    }
    Ok(Minimum { x, history })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// ½ (x - 3)².
    struct Bowl;

    impl Batches for Bowl {
        async fn at(&self, x: &[f64], step: usize) -> Result<Option<Evaluated>> {
            let error = x[0] - 3.0;
            // Every fifth step has no rows.
            Ok((!step.is_multiple_of(5)).then(|| (error * error / 2.0, vec![error])))
        }
    }

    #[test]
    fn every_rule_comes_to_the_least_value() {
        for rule in [Rule::Plain, Rule::Shrinking, Rule::AdamW(Adam::default())] {
            let options = Options {
                step_size: 0.3,
                max_iter: 2000,
                tolerance: 0.0,
                penalty: 0.0,
            };
            let mut descent = pin!(descend(&Bowl, vec![0.0], &options, rule.clone()));
            let Poll::Ready(found) = descent.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("nothing to wait for");
            };
            let found = found.unwrap();
            assert!((found.x[0] - 3.0).abs() < 1e-3, "{rule:?} {:?}", found.x);
            assert_eq!(found.history.len(), 1601);
        }
    }
}
