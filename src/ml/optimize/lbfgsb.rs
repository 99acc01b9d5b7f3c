//! L-BFGS-B (Byrd, Lu, Nocedal and Zhu): quasi-Newton steps within bounds.
//!
//! ```text
//! gradient, bent at the bounds ─▶ Cauchy point ─▶ least value among the free numbers ─▶ how far? ─▶ step
//! ```
//!
//! The curvature is θ I - W M Wᵀ, of the last steps and the gradients' changes by them.

use super::progress::Progress;
use super::search::{Along, Failure, strong_wolfe};
use super::{Minimum, Objective, Remembered, dot, norm};
use crate::error::Result;

/// How many steps the approximation of the curvature remembers.
const MEMORY: usize = 10;
/// How often a bracket is halved, and how often a step is made longer.
const TRIES: usize = 64;

/// When a search ends, and where it stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The most steps.
    pub max_iter: usize,
    /// How little a step may change, as a share of the first value, or of the last for the gradient.
    pub tolerance: f64,
    /// The least of each number.
    pub lower: Vec<f64>,
    /// The most of each number.
    pub upper: Vec<f64>,
}

impl Options {
    fn within(&self, i: usize, value: f64) -> f64 {
        if value > self.upper[i] {
            self.upper[i]
        } else if value < self.lower[i] {
            self.lower[i]
        } else {
            value
        }
    }

    /// Returns how far a step along the gradient leads, within the bounds.
    fn projected(&self, x: &[f64], gradient: &[f64]) -> f64 {
        let moved = |i: usize| (self.within(i, x[i] - gradient[i]) - x[i]).abs();
        (0..x.len()).map(moved).fold(0.0, f64::max)
    }

    /// Returns the step at which a direction comes to a bound; infinite if it does not.
    fn reach(&self, x: &[f64], direction: &[f64]) -> f64 {
        let each = direction.iter().enumerate().filter(|(_, d)| **d != 0.0);
        let reach = |(i, d): (usize, &f64)| {
            let bound = if *d < 0.0 { self.lower[i] } else { self.upper[i] };
            (bound - x[i]) / d
        };
        each.map(reach).fold(f64::INFINITY, f64::min)
    }
}

/// A small matrix, row after row.
type Matrix = Vec<Vec<f64>>;

/// Returns a matrix times a vector.
fn times(matrix: &Matrix, v: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, v)).collect()
}

/// Solves `matrix x = right` by elimination, for several columns at once, given as rows of `right`; `None` if there is not one
/// solution.
fn solved(mut matrix: Matrix, mut right: Matrix) -> Option<Matrix> {
    let size = matrix.len();
    for at in 0..size {
        let pivot = (at..size).max_by(|a, b| matrix[*a][at].abs().total_cmp(&matrix[*b][at].abs()))?;
        if matrix[pivot][at] == 0.0 || matrix[pivot][at].is_nan() {
            return None;
        }
        matrix.swap(at, pivot);
        right.swap(at, pivot);
        let (done, rest) = matrix.split_at_mut(at + 1);
        let (own, below) = (&done[at], rest);
        let (done, rest) = right.split_at_mut(at + 1);
        for (row, solution) in below.iter_mut().zip(rest) {
            let factor = row[at] / own[at];
            if factor != 0.0 {
                row.iter_mut().zip(own).skip(at).for_each(|(r, o)| *r -= factor * o);
                solution.iter_mut().zip(&done[at]).for_each(|(r, o)| *r -= factor * o);
            }
        }
    }
    for at in (0..size).rev() {
        for column in 0..right[at].len() {
            let known: f64 = (at + 1..size).map(|k| matrix[at][k] * right[k][column]).sum();
            right[at][column] = (right[at][column] - known) / matrix[at][at];
        }
    }
    Some(right)
}

/// The approximation of the curvature.
struct Curvature {
    theta: f64,
    /// A row per number.
    w: Matrix,
    m: Matrix,
    /// The last steps, and the gradients' changes by them, latest last.
    steps: Vec<Vec<f64>>,
    changes: Vec<Vec<f64>>,
}

impl Curvature {
    fn new(size: usize) -> Self {
        Self {
            theta: 1.0,
            w: vec![vec![]; size],
            m: vec![],
            steps: vec![],
            changes: vec![],
        }
    }

    /// Takes in a step; one along which the gradient does not change is left out.
    fn add(&mut self, step: Vec<f64>, change: Vec<f64>) -> std::result::Result<(), Failure> {
        let along = dot(&step, &change);
        if along.abs() <= 2.2e-16 * norm(&change) || along.is_nan() {
            return Ok(());
        }
        self.theta = dot(&change, &change) / along;
        if self.steps.len() == MEMORY {
            self.steps.remove(0);
            self.changes.remove(0);
        }
        self.steps.push(step);
        self.changes.push(change);
        let (steps, changes, theta) = (&self.steps, &self.changes, self.theta);
        let count = steps.len();
        let row = |i: usize| {
            let scaled = steps.iter().map(|s| s[i] * theta);
            changes.iter().map(|c| c[i]).chain(scaled).collect()
        };
        self.w = (0..self.w.len()).map(row).collect();
        let below = |i: usize, j: usize| if i > j { dot(&steps[i], &changes[j]) } else { 0.0 };
        let entry = |i: usize, j: usize| match (i < count, j < count) {
            (true, true) if i == j => -dot(&steps[i], &changes[i]),
            (true, true) => 0.0,
            (true, false) => below(j - count, i),
            (false, true) => below(i - count, j),
            (false, false) => dot(&steps[i - count], &steps[j - count]) * theta,
        };
        let size = 2 * count;
        let middle: Matrix = (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect();
        self.m = solved(middle, unit(size)).ok_or(Failure::Lost)?;
        Ok(())
    }

    /// Returns the least value along the gradient, bent at the bounds, and what the next step needs of the way.
    fn cauchy(&self, x: &[f64], g: &[f64], options: &Options) -> std::result::Result<(Vec<f64>, Vec<f64>), Failure> {
        let size = x.len();
        let until = |i: usize| match g[i] {
            0.0 => f64::MAX,
            g if g < 0.0 => (x[i] - options.upper[i]) / g,
            g => (x[i] - options.lower[i]) / g,
        };
        let times_at: Vec<f64> = (0..size).map(until).collect();
        let mut d: Vec<f64> = (0..size)
            .map(|i| if times_at[i] == 0.0 { 0.0 } else { -g[i] })
            .collect();
        let mut at = x.to_vec();
        let columns = self.m.len();
        let mut p: Vec<f64> = (0..columns)
            .map(|j| (0..size).map(|i| self.w[i][j] * d[i]).sum())
            .collect();
        let mut c = vec![0.0; columns];
        let mut slope = dot(g, &d);
        let mut bend = -self.theta * slope - dot(&p, &times(&self.m, &p));
        let mut further = -slope / bend;
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| times_at[*a].total_cmp(&times_at[*b]));
        let mut next = order.iter().position(|i| times_at[*i] != 0.0).ok_or(Failure::Lost)?;
        let mut gone = 0.0;
        let mut delta = times_at[order[next]];
        while next < size && delta <= further {
            let b = order[next];
            at[b] = if d[b] > 0.0 { options.upper[b] } else { options.lower[b] };
            let moved = at[b] - x[b];
            c.iter_mut().zip(&p).for_each(|(c, p)| *c += p * delta);
            let row = &self.w[b];
            slope += delta * bend + g[b] * g[b] + self.theta * g[b] * moved - g[b] * dot(row, &times(&self.m, &c));
            bend += -self.theta * g[b] * g[b]
                - 2.0 * g[b] * dot(row, &times(&self.m, &p))
                - g[b] * g[b] * dot(row, &times(&self.m, row));
            p.iter_mut().zip(row).for_each(|(p, w)| *p += w * g[b]);
            d[b] = 0.0;
            further = -slope / bend;
            gone = times_at[b];
            next += 1;
            if let Some(b) = order.get(next) {
                delta = times_at[*b] - gone;
            }
        }
        let further = further.max(0.0);
        for i in &order[next..] {
            at[*i] = x[*i] + (gone + further) * d[*i];
        }
        c.iter_mut().zip(&p).for_each(|(c, p)| *c += p * further);
        Ok((at, c))
    }

    /// Returns the least value among numbers that are not at a bound.
    fn free_least(
        &self,
        (x, g): (&[f64], &[f64]),
        (cauchy, c): (Vec<f64>, Vec<f64>),
        options: &Options,
    ) -> std::result::Result<Vec<f64>, Failure> {
        let is_free = |i: &usize| cauchy[*i] != options.upper[*i] && cauchy[*i] != options.lower[*i];
        let free: Vec<usize> = (0..x.len()).filter(is_free).collect();
        let (theta, columns) = (self.theta, self.m.len());
        let mc = times(&self.m, &c);
        let rest: Vec<f64> = free
            .iter()
            .map(|i| g[*i] + (cauchy[*i] - x[*i]) * theta - dot(&self.w[*i], &mc))
            .collect();
        let column = |j: usize| free.iter().map(move |i| self.w[*i][j]);
        let along: Vec<f64> = (0..columns)
            .map(|j| column(j).zip(&rest).map(|(w, r)| w * r).sum())
            .collect();
        let v = times(&self.m, &along);
        let products: Matrix = (0..columns)
            .map(|i| {
                (0..columns)
                    .map(|j| column(i).zip(column(j)).map(|(a, b)| a * b).sum::<f64>() / theta)
                    .collect()
            })
            .collect();
        let mut n = unit(columns);
        for (i, row) in n.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value -= (0..columns).map(|k| self.m[i][k] * products[k][j]).sum::<f64>();
            }
        }
        let v = solved(n, v.into_iter().map(|v| vec![v]).collect()).ok_or(Failure::Lost)?;
        let v: Vec<f64> = v.concat();
        let towards: Vec<f64> = free
            .iter()
            .zip(&rest)
            .map(|(i, r)| -(r / theta + dot(&self.w[*i], &v) / (theta * theta)))
            .collect();
        let reach = free.iter().zip(&towards).map(|(i, d)| {
            let bound = if *d > 0.0 { options.upper[*i] } else { options.lower[*i] };
            (bound - cauchy[*i]) / d
        });
        let share = reach.fold(1.0, f64::min);
        let mut at = cauchy;
        free.iter().zip(towards).for_each(|(i, d)| at[*i] += d * share);
        Ok(at)
    }
}

fn unit(size: usize) -> Matrix {
    let row = |i: usize| (0..size).map(|j| f64::from(i == j)).collect();
    (0..size).map(row).collect()
}

/// Steps in a direction, within the bounds.
struct Within<'a, O> {
    objective: &'a O,
    from: &'a [f64],
    direction: &'a [f64],
    options: &'a Options,
}

impl<O> Within<'_, O> {
    fn stepped(&self, step: f64) -> Vec<f64> {
        let each = self.from.iter().zip(self.direction).enumerate();
        each.map(|(i, (x, d))| self.options.within(i, x + d * step)).collect()
    }
}

impl<O: Objective> Along for Within<'_, O> {
    async fn at(&self, step: f64) -> Result<(f64, f64)> {
        let (value, gradient) = self.objective.at(&self.stepped(step)).await?;
        Ok((value, dot(&gradient, self.direction)))
    }
}

/// Takes a step; returns where it ends.
async fn step(
    objective: &impl Objective,
    (x, gradient): (&[f64], &[f64]),
    curvature: &Curvature,
    options: &Options,
    is_first: bool,
) -> std::result::Result<Vec<f64>, Failure> {
    let (at, c) = curvature.cauchy(x, gradient, options)?;
    let at = if is_first {
        at
    } else {
        curvature.free_least((x, gradient), (at, c), options)?
    };
    let direction: Vec<f64> = at.iter().zip(x).map(|(a, b)| a - b).collect();
    let most = options.reach(x, &direction);
    let line = Within {
        objective,
        from: x,
        direction: &direction,
        options,
    };
    let first = if most < 1.0 { most } else { 1.0 };
    let length = strong_wolfe(&line, first, most, TRIES).await?;
    Ok(line.stepped(length))
}

/// Minimises a function within bounds, from a start within them.
///
/// Costs one evaluation per step, seldom more; the state is a few times the size of `start`, and ten steps.
///
/// # Errors
/// The objective's. That no better place is found is not an error: the last one is the answer.
pub async fn minimize(objective: &impl Objective, start: Vec<f64>, options: &Options) -> Result<Minimum> {
    const PROJECTED: f64 = 1e-5;
    let objective = &Remembered::new(objective);
    let (mut value, mut gradient) = objective.at(&start).await?;
    let mut x = start;
    let mut progress = Progress::new(value);
    let mut curvature = Curvature::new(x.len());
    while options.projected(&x, &gradient) >= PROJECTED
        && !progress.has_arrived(value, &gradient, options.max_iter, options.tolerance)
    {
        let place = (&x[..], &gradient[..]);
        match step(objective, place, &curvature, options, progress.steps == 0).await {
            Ok(next) => {
                let (next_value, next_gradient) = objective.at(&next).await?;
                let moved = next.iter().zip(&x).map(|(a, b)| a - b).collect();
                let changed = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
                if curvature.add(moved, changed).is_err() {
                    curvature = Curvature::new(x.len());
                }
                (x, value, gradient) = (next, next_value, next_gradient);
                progress.moved(value);
            }
            Err(Failure::Broken(error)) => return Err(error),
            Err(Failure::Lost) if progress.lost(value) => break,
            Err(Failure::Lost) => curvature = Curvature::new(x.len()),
        }
    }
    Ok(Minimum {
        x,
        history: progress.history,
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::ml::optimize::Evaluated;

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

    fn found(lower: f64, upper: f64) -> Vec<f64> {
        let options = Options {
            max_iter: 200,
            tolerance: 1e-12,
            lower: vec![lower; 2],
            upper: vec![upper; 2],
        };
        let start = vec![-0.5_f64.max(lower).min(upper), upper.min(0.4)];
        let mut search = pin!(minimize(&Valley, start, &options));
        match search.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.unwrap().x,
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    #[test]
    fn a_least_value_within_the_bounds_is_found() {
        let x = found(-10.0, 10.0);
        assert!((x[0] - 1.0).abs() < 1e-4 && (x[1] - 1.0).abs() < 1e-4, "{x:?}");
    }

    #[test]
    fn a_least_value_outside_ends_at_a_bound() {
        // With x at most a half, y is its square.
        let x = found(-10.0, 0.5);
        assert!((x[0] - 0.5).abs() < 1e-6 && (x[1] - 0.25).abs() < 1e-4, "{x:?}");
    }

    #[test]
    fn equations_are_solved_whatever_the_order_of_their_rows() {
        let x = solved(vec![vec![0.0, 2.0], vec![4.0, 1.0]], vec![vec![6.0], vec![11.0]]).unwrap();
        assert_eq!(x, [[2.0], [3.0]]);
        assert!(solved(vec![vec![1.0, 1.0], vec![1.0, 1.0]], unit(2)).is_none());
    }
}
