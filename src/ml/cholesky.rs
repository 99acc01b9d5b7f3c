//! Cholesky's decomposition of symmetric matrices of which the upper triangle is stored, column after column (LAPACK's `dpptrf`,
//! `dpptrs`).

/// Returns where (i, j) with i ≤ j is stored.
const fn at(i: usize, j: usize) -> usize {
    j * (j + 1) / 2 + i
}

/// A matrix as `UᵀU`, with U in the place of its upper triangle.
///
/// ```
/// use rivulet::ml::cholesky::Cholesky;
///
/// let factor = Cholesky::new(vec![4.0, 2.0, 5.0], 2).unwrap();
/// assert_eq!(factor.solve(vec![8.0, 8.0]), [1.5, 1.0]);
/// assert_eq!(Cholesky::new(vec![1.0, 1.0, 1.0], 2).err(), Some(1));
/// ```
#[derive(Debug)]
pub struct Cholesky {
    upper: Vec<f64>,
    size: usize,
}

impl Cholesky {
    /// Decomposes a matrix of `size` columns; costs about size³ / 3 operations.
    ///
    /// # Errors
    /// The number of the first unknown, from 0, that is not decided: the matrix is not positive definite.
    pub fn new(mut upper: Vec<f64>, size: usize) -> Result<Self, usize> {
        for j in 0..size {
            let (before, own) = upper.split_at_mut(at(0, j));
            for i in 0..j {
                let above = &before[at(0, i)..];
                let sum: f64 = (0..i).map(|k| above[k] * own[k]).sum();
                own[i] = (own[i] - sum) / above[i];
            }
            let rest = own[j] - own[..j].iter().map(|v| v * v).sum::<f64>();
            if rest <= 0.0 || rest.is_nan() {
                return Err(j);
            }
            own[j] = rest.sqrt();
        }
        Ok(Self { upper, size })
    }

    /// Returns the unknowns of equations with this right side.
    pub fn solve(&self, mut right: Vec<f64>) -> Vec<f64> {
        for i in 0..self.size {
            let column = &self.upper[at(0, i)..];
            let sum: f64 = (0..i).map(|k| column[k] * right[k]).sum();
            right[i] = (right[i] - sum) / column[i];
        }
        for i in (0..self.size).rev() {
            let column = &self.upper[at(0, i)..];
            right[i] /= column[i];
            let value = right[i];
            (0..i).for_each(|k| right[k] -= value * column[k]);
        }
        right
    }

    /// Returns the diagonal of the inverse.
    pub fn inverse_diagonal(&self) -> Vec<f64> {
        let unit = |i: usize| (0..self.size).map(|k| f64::from(k == i)).collect();
        (0..self.size).map(|i| self.solve(unit(i))[i]).collect()
    }
}
