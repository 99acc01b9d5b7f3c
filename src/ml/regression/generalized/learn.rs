//! The training: least squares again and again, of labels and weights that the step before makes (IRLS).

use super::GeneralizedLinearRegressionModel;
use super::family::Shape;
use super::rows::{Asked, What};
use crate::error::{Result, SparkError};
use crate::ml::learning::{Rounds, empty};
use crate::ml::model::Model;
use crate::ml::params::Params;
use crate::ml::regression::normal::{Problem, Solution, Sums, solve};

/// What a training found.
pub(super) struct Found {
    /// The last least squares' solution.
    pub solution: Solution,
    /// How many steps there were.
    pub steps: usize,
}

/// Trains a model.
///
/// # Errors
/// If there are no rows, a label is one that the family lacks, or rows weigh nothing; what rows raise.
pub(super) async fn learn(params: Params, rounds: Rounds) -> Result<Model> {
    let found = search(&params, &rounds, false).await?;
    let model = GeneralizedLinearRegressionModel {
        coefficients: found.solution.coefficients,
        intercept: found.solution.intercept,
        diagonal: found.solution.diagonal,
        steps: found.steps as u64,
    };
    Ok(Model::new(&params, model))
}

/// Finds coefficients and intercept; the intercept alone if features are left out.
///
/// # Errors
/// As [`learn`].
pub(super) async fn search(params: &Params, rounds: &Rounds, without_features: bool) -> Result<Found> {
    let problem = Problem {
        intercept: params.bool("fitIntercept")?,
        penalty: params.double("regParam")?,
        absolute: 0.0,
        standardize: true,
        standardize_label: true,
        max_iter: 100,
        tolerance: 1e-6,
    };
    if Shape::of(params)?.is_linear() {
        let asked = Asked {
            without_features,
            ..Asked::default()
        };
        let solution = step(rounds, &asked, &problem).await?;
        return Ok(Found { solution, steps: 1 });
    }
    let asked = Asked {
        what: What::First.into(),
        without_features,
        ..Asked::default()
    };
    let mut solution = step(rounds, &asked, &problem).await?;
    let problem = Problem {
        standardize: false,
        standardize_label: false,
        ..problem
    };
    let (most, tolerance) = (params.count("maxIter")?, params.double("tol")?);
    let mut steps = 0;
    while steps < most {
        let asked = Asked {
            what: What::Next.into(),
            coefficients: solution.coefficients.clone(),
            intercept: solution.intercept,
            without_features,
        };
        let next = step(rounds, &asked, &problem).await?;
        let moved = solution.coefficients.iter().zip(&next.coefficients);
        let moved = moved.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let moved = moved.max((solution.intercept - next.intercept).abs());
        solution = next;
        steps += 1;
        if moved < tolerance {
            break;
        }
    }
    Ok(Found { solution, steps })
}

/// Solves the least squares of one question.
async fn step(rounds: &Rounds, asked: &Asked, problem: &Problem) -> Result<Solution> {
    let sums: Sums = rounds.ask(asked).await?;
    if sums.rows == 0 {
        return Err(empty());
    }
    let features = sums.a.len();
    if features == 0 && !problem.intercept {
        return Err(SparkError::requirement(
            "GeneralizedLinearRegression was given data with 0 features, and with Param fitIntercept set to false. To fit a \
             model with 0 features, fitIntercept must be set to true.",
        ));
    }
    solve(&sums, problem).await
}
