//! Least squares of few unknowns: sums of outer products, and their solution by Cholesky's decomposition or without negative numbers.

use crate::ml::cholesky::Cholesky;
use crate::ml::optimize::dot;

/// The normal equations of a least squares problem, in double precision over factors of single precision.
#[derive(Debug, Clone, Default)]
pub(super) struct Equations {
    /// The sums of products of pairs of unknowns: the upper triangle, column after column.
    pairs: Vec<f64>,
    /// The sums of products of unknowns with what they are to make.
    right: Vec<f64>,
}

/// Returns how many numbers equations of a number of unknowns are; the largest number if they are too many to count.
pub(super) fn numbers_of(rank: usize) -> usize {
    rank.saturating_mul(rank.saturating_add(3)) / 2
}

impl Equations {
    /// Returns equations without observations.
    pub(super) fn new(rank: usize) -> Self {
        Self {
            pairs: vec![0.0; rank * (rank + 1) / 2],
            right: vec![0.0; rank],
        }
    }

    /// Adds an observation: factors with the weight `weight`, which are to make `right` over all.
    pub(super) fn add(&mut self, factors: &[f32], right: f64, weight: f64) {
        let mut place = 0;
        for (j, b) in factors.iter().enumerate() {
            let scaled = weight * f64::from(*b);
            for a in &factors[..=j] {
                self.pairs[place] += f64::from(*a) * scaled;
                place += 1;
            }
        }
        if right != 0.0 {
            let sums = self.right.iter_mut().zip(factors);
            sums.for_each(|(sum, a)| *sum += right * f64::from(*a));
        }
    }

    /// Returns the solution where the sum of its squares costs `penalty`.
    ///
    /// # Errors
    /// The number of the first unknown, from 1, that nothing decides: several solutions exist.
    pub(super) fn solve(mut self, penalty: f64) -> Result<Vec<f32>, u32> {
        let rank = self.right.len();
        (0..rank).for_each(|i| self.pairs[start(i) + i] += penalty);
        let factor = Cholesky::new(self.pairs, rank).map_err(|unknown| unknown as u32 + 1)?;
        let factors = factor.solve(self.right);
        Ok(factors.into_iter().map(|v| v as f32).collect())
    }

    /// Returns the solution without negative numbers, by projected gradients (Polyak), conjugate ones where no bound was just met
    /// (`NNLS`).
    pub(super) fn solve_without_negatives(&self, penalty: f64) -> Vec<f32> {
        let rank = self.right.len();
        let at = |i: usize, j: usize| {
            let pair = self.pairs[start(i.max(j)) + i.min(j)];
            if i == j { pair + penalty } else { pair }
        };
        let times = |x: &[f64]| -> Vec<f64> { (0..rank).map(|i| (0..rank).map(|j| at(i, j) * x[j]).sum()).collect() };
        let length = |way: &[f64], residual: &[f64]| dot(way, residual) / (dot(&times(way), way) + LEAST_CURVATURE);
        let mut x = vec![0.0; rank];
        let (mut last_way, mut last_norm, mut last_bound) = (vec![0.0; rank], 0.0, 0);
        for step in 0..STEPS.max(20 * rank) {
            let mut residual = times(&x);
            residual.iter_mut().zip(&self.right).for_each(|(r, b)| *r -= b);
            let mut gradient = residual.clone();
            let held = gradient.iter_mut().zip(&x).filter(|(g, v)| **g > 0.0 && **v == 0.0);
            held.for_each(|(g, _)| *g = 0.0);
            let norm = dot(&gradient, &gradient);
            let size = dot(&x, &x);
            let mut way = gradient.clone();
            let mut stride = length(&gradient, &residual);
            if step > last_bound + 1 {
                let share = norm / last_norm;
                way.iter_mut().zip(&last_way).for_each(|(w, l)| *w += share * l);
                let longer = length(&way, &residual);
                if is_over(longer, dot(&way, &way), size) {
                    way.clone_from(&gradient);
                } else {
                    stride = longer;
                }
            }
            if is_over(stride, dot(&way, &way), size) {
                break;
            }
            for (w, v) in way.iter().zip(&x) {
                if stride * w > *v {
                    stride = v / w;
                }
            }
            for (w, v) in way.iter().zip(&mut x) {
                if stride * w > *v * (1.0 - 1e-14) {
                    *v = 0.0;
                    last_bound = step;
                } else {
                    *v -= stride * w;
                }
            }
            (last_way, last_norm) = (way, norm);
        }
        x.iter().map(|v| *v as f32).collect()
    }
}

/// The fewest steps after which a search without negative numbers ends in any case.
const STEPS: usize = 400;
/// Keeps a step finite where the function does not bend.
const LEAST_CURVATURE: f64 = 1e-20;

/// Returns the place of the first number of a column of a packed triangle.
fn start(column: usize) -> usize {
    column * (column + 1) / 2
}

/// Returns whether a search has nowhere to go: by the length of its step, and the squares of its direction and place.
fn is_over(stride: f64, way: f64, place: f64) -> bool {
    stride.is_nan() || !(1e-7..=1e40).contains(&stride) || way < 1e-12 * place || way < 1e-32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observations of 2x - y.
    fn equations() -> Equations {
        let mut equations = Equations::new(2);
        for [x, y] in [[1.0_f32, 2.0], [3.0, 1.0], [-1.0, 0.5]] {
            equations.add(&[x, y], f64::from(2.0 * x - y), 1.0);
        }
        equations
    }

    #[test]
    fn what_made_the_observations_is_found() {
        assert_eq!(equations().solve(0.0).unwrap(), [2.0, -1.0]);
        assert_eq!(Equations::new(1).solve(0.0), Err(1));
    }

    #[test]
    fn without_negatives_the_nearest_is_found() {
        let found = equations().solve_without_negatives(0.0);
        // By x alone: the sum of x(2x - y) over that of x².
        assert_eq!(found[1], 0.0);
        assert!((found[0] - 17.5 / 11.0).abs() < 1e-6, "{found:?}");
    }
}
