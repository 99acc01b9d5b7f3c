//! Minimising smooth functions whose value costs a job: quasi-Newton methods, and gradient descent, that wait for each evaluation.
//!
//! Spark's learners stop long before the minimum is exact, so a coefficient's last digits are those of the way that was taken, not of
//! the function. The way here is Breeze's, step for step: [`lbfgs`] with its line searches, and what it takes for having arrived.

pub mod descent;
pub mod lbfgs;
pub mod lbfgsb;
mod progress;
mod search;

use std::cell::RefCell;
use std::future::Future;

use crate::error::Result;
use crate::kernels::aggregates::vector_moments::too_large;

/// A function's value and gradient at a place.
pub type Evaluated = (f64, Vec<f64>);

/// A differentiable function that is evaluated elsewhere.
pub trait Objective {
    /// Returns value and gradient at `x`, which has as many numbers as the start had.
    ///
    /// # Errors
    /// If it cannot be evaluated; the search ends with the error.
    fn at(&self, x: &[f64]) -> impl Future<Output = Result<Evaluated>>;
}

/// A function that remembers where it was evaluated last: a search asks again where it has just been.
pub(crate) struct Remembered<'a, O> {
    objective: &'a O,
    last: RefCell<Option<(Vec<f64>, Evaluated)>>,
}

impl<'a, O> Remembered<'a, O> {
    pub(crate) fn new(objective: &'a O) -> Self {
        let last = RefCell::new(None);
        Self { objective, last }
    }
}

impl<O: Objective> Objective for Remembered<'_, O> {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        if let Some((at, found)) = &*self.last.borrow()
            && at == x
        {
            return Ok(found.clone());
        }
        let found = self.objective.at(x).await?;
        *self.last.borrow_mut() = Some((x.to_vec(), found.clone()));
        Ok(found)
    }
}

/// The most coefficients that a model is searched for: they, and some twenty vectors of their size, are kept in memory.
const MOST_COEFFICIENTS: usize = 1 << 24;

/// Checks that a model is not too large to be searched for.
///
/// # Errors
/// `RIVULET_MODEL_TOO_LARGE` if it has more than 16777216 coefficients.
pub fn check_size(coefficients: usize) -> Result<()> {
    if coefficients <= MOST_COEFFICIENTS {
        return Ok(());
    }
    Err(too_large(format!(
        "A model has at most {MOST_COEFFICIENTS} coefficients; this one would have {coefficients}."
    )))
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The place.
    pub x: Vec<f64>,
    /// The value, with its penalty, at the start and after each step.
    pub history: Vec<f64>,
}

/// Returns the scalar product of two vectors of one size.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the Euclidean length of a vector.
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
