//! The density of a normal distribution in several dimensions (`MultivariateGaussian`).

use crate::ml::matrix::Matrix;
use crate::ml::spectrum::left_singular;
use crate::values::vector::VectorRef;

/// Returns where (i, j) with i ≤ j is in the upper triangle of a symmetric matrix, column after column.
pub(super) fn packed(i: usize, j: usize) -> usize {
    j * (j + 1) / 2 + i
}

/// Returns the whole of a symmetric matrix of which the upper triangle is given.
pub(super) fn unpacked(n: usize, triangle: &[f64]) -> Vec<f64> {
    let at = |k: usize| triangle[packed((k / n).min(k % n), (k / n).max(k % n))];
    (0..n * n).map(at).collect()
}

/// A normal distribution, made ready to compute densities.
#[derive(Debug)]
pub(super) struct Density {
    /// The root of the inverse covariance, by row; a direction without variance has none.
    root: Matrix,
    /// The root times the mean.
    shift: Vec<f64>,
    /// The logarithm of the density at the mean.
    peak: f64,
}

impl Density {
    /// Returns the distribution of a mean and the upper triangle of a covariance; `None` if that is not a finite matrix.
    ///
    /// A covariance without variance in some direction is taken as one within the others, as Spark does (the pseudo-determinant and
    /// the pseudo-inverse).
    pub fn new(mean: &[f64], covariance: &[f64]) -> Option<Self> {
        let n = mean.len();
        if covariance.iter().any(|c| !c.is_finite()) {
            return None;
        }
        // Of a symmetric matrix without negative eigenvalues, singular values are eigenvalues and left vectors eigenvectors.
        let (values, vectors) = left_singular(n, unpacked(n, covariance))?;
        let largest = values.first().copied().unwrap_or_default();
        let least = f64::EPSILON * largest * n as f64;
        let mut root = vec![0.0; n * n];
        let (mut determinant, mut shift) = (0.0, vec![0.0; n]);
        for (k, value) in values.iter().enumerate() {
            if *value <= least {
                continue;
            }
            determinant += value.ln();
            let scale = (1.0 / value).sqrt();
            for j in 0..n {
                root[k * n + j] = scale * vectors.row(j)[k];
                shift[k] += root[k * n + j] * mean[j];
            }
        }
        Some(Self {
            root: Matrix::new(n, n, root),
            shift,
            peak: -0.5 * (n as f64 * (2.0 * std::f64::consts::PI).ln() + determinant),
        })
    }

    /// Returns the density at a point; `scratch` is room for one number per dimension.
    pub fn at(&self, point: VectorRef<'_>, scratch: &mut Vec<f64>) -> f64 {
        scratch.clear();
        scratch.extend_from_slice(&self.shift);
        match point {
            VectorRef::Dense(values) => {
                for (k, v) in scratch.iter_mut().enumerate() {
                    *v -= self.root.row(k).iter().zip(values).map(|(r, x)| r * x).sum::<f64>();
                }
            }
            VectorRef::Sparse { .. } => {
                for (k, v) in scratch.iter_mut().enumerate() {
                    let row = self.root.row(k);
                    *v -= point.stored().map(|(i, x)| row[i] * x).sum::<f64>();
                }
            }
        }
        let distance: f64 = scratch.iter().map(|v| v * v).sum();
        (self.peak - 0.5 * distance).exp()
    }
}

/// Returns how probable each part of a mixture is at a point, and the sum of the densities before they were divided by it
/// (`computeProbabilities`). Each has a little more than its density, so that none is 0.
pub(super) fn shares(
    parts: &[Density],
    weights: &[f64],
    point: VectorRef<'_>,
    out: &mut Vec<f64>,
    scratch: &mut Vec<f64>,
) -> f64 {
    out.clear();
    out.extend(
        parts
            .iter()
            .zip(weights)
            .map(|(part, weight)| f64::EPSILON + weight * part.at(point, scratch)),
    );
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|share| *share /= sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_directions_multiply() {
        let one = |x: f64, mean: f64, variance: f64| {
            (-(x - mean) * (x - mean) / (2.0 * variance)).exp() / (2.0 * std::f64::consts::PI * variance).sqrt()
        };
        let both = Density::new(&[1.0, -2.0], &[4.0, 0.0, 0.25]).unwrap();
        let found = both.at(VectorRef::Dense(&[0.5, -1.5]), &mut vec![]);
        assert!((found - one(0.5, 1.0, 4.0) * one(-1.5, -2.0, 0.25)).abs() < 1e-15);
    }

    #[test]
    fn a_direction_without_variance_is_left_out() {
        let flat = Density::new(&[0.0, 0.0], &[1.0, 0.0, 0.0]).unwrap();
        let found = flat.at(VectorRef::Dense(&[0.0, 7.0]), &mut vec![]);
        // Spark keeps the constant of all dimensions.
        assert!((found - 1.0 / (2.0 * std::f64::consts::PI)).abs() < 1e-15);
    }

    #[test]
    fn what_is_not_finite_has_no_density() {
        assert!(Density::new(&[0.0], &[f64::NAN]).is_none());
    }
}
