//! Linear models that learn batch by batch, by gradient descent over samples of rows (`StreamingLinearAlgorithm`, `GradientDescent`).
//!
//! ```text
//! weights of 1 … n-1 ─▶ numIterations × { draw rows of batch n, sum up their gradients, one step } ─▶ weights of 1 … n
//! ```
//!
//! What differs between regression and classification is the loss ([`gradient::Loss`]), and the model that has the weights. Neither has
//! an intercept, as in Spark's classes. A batch without rows changes nothing. Samples are those that Spark draws of rows that are as they
//! are dealt out: `miniBatchFraction` below 1 learns other rows where they are in other partitions.

pub mod gradient;

use prost::Message;

use self::gradient::{Asked, Gradients, Loss, State};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::vector_moments::check_features;
use crate::ml::batches::not_started;
use crate::ml::learning::Rounds;
use crate::ml::literal::Kind;
use crate::ml::optimize::descent::{Batches, Options, Rule, descend};
use crate::ml::optimize::{Evaluated, Minimum, check_size};
use crate::ml::params::{Check, Default, Param, Params, free, param};
use crate::ml::stage::MakeSummary;
use crate::ml::summary::{self, labels::Names};
use crate::values::text::double;

/// `stepSize`: how long the first step is; step n is shorter by the square root of n.
pub const STEP_SIZE: Param = param("stepSize", Kind::Double, Default::Double(0.1), Check::Any);
/// `numIterations`: the most steps of a batch.
pub const STEPS: Param = param("numIterations", Kind::Int, Default::Int(50), Check::Any);
/// `miniBatchFraction`: the share of the rows that a step looks at.
pub const FRACTION: Param = param("miniBatchFraction", Kind::Double, Default::Double(1.0), Check::Any);
/// `regParam`: how much large weights cost; nothing in a regression, whose updater Spark has no way to choose.
pub const PENALTY: Param = param("regParam", Kind::Double, Default::Double(0.0), Check::Any);
/// `convergenceTol`: how little a step may change before the batch is learned.
pub const TOLERANCE: Param = param("convergenceTol", Kind::Double, Default::Double(0.001), Check::Any);
/// `initialWeights`: the weights to begin with.
pub const INITIAL_WEIGHTS: Param = free("initialWeights", Kind::Vector);

/// Seeds of samples begin after this one (`GradientDescent.runMiniBatchSGD`).
const SEED: i64 = 42;

/// What a learner is set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    options: Options,
    fraction: f64,
}

impl Settings {
    /// Returns what params say.
    ///
    /// # Errors
    /// `IllegalArgumentException`, in the words of `GradientDescent`, if one is outside its range.
    pub fn of(params: &Params) -> Result<Self> {
        let require = |holds: bool, what: &str, got: String| match holds {
            true => Ok(()),
            false => Err(SparkError::requirement(format!("{what} but got {got}"))),
        };
        let (step_size, steps) = (params.double("stepSize")?, params.int("numIterations")?);
        let (fraction, penalty) = (params.double("miniBatchFraction")?, params.double("regParam")?);
        let tolerance = params.double("convergenceTol")?;
        let step_words = "Initial step size must be positive";
        require(step_size > 0.0, step_words, double(step_size))?;
        let steps_words = "Number of iterations must be nonnegative";
        require(steps >= 0, steps_words, steps.to_string())?;
        let fraction_words = "Fraction for mini-batch SGD must be in range (0, 1]";
        require(fraction > 0.0 && fraction <= 1.0, fraction_words, double(fraction))?;
        let penalty_words = "Regularization parameter must be nonnegative";
        require(penalty >= 0.0, penalty_words, double(penalty))?;
        let tolerance_words = "Convergence tolerance must be in range [0, 1]";
        require((0.0..=1.0).contains(&tolerance), tolerance_words, double(tolerance))?;
        Ok(Self {
            options: Options {
                step_size,
                max_iter: steps as usize,
                tolerance,
                penalty,
            },
            fraction,
        })
    }

    /// Returns the same, with nothing that large weights cost (`SimpleUpdater`).
    #[must_use]
    pub fn without_penalty(mut self) -> Self {
        self.options.penalty = 0.0;
        self
    }
}

/// Returns the weights that a stage begins with.
///
/// # Errors
/// If they are not set, or there are too many.
pub fn initial(params: &Params) -> Result<Vec<f64>> {
    if !params.is_set("initialWeights") {
        return Err(not_started(
            Exception::IllegalArgument,
            "Model must be initialized before starting training.",
        ));
    }
    let weights = params.vector("initialWeights")?;
    check_features(weights.view().size())?;
    check_size(weights.view().size())?;
    Ok(weights.view().to_dense())
}

/// Returns what makes the summary that answers a question.
///
/// # Errors
/// If the question cannot be read.
pub fn summary(params: &Params, loss: Loss, question: &[u8]) -> Result<MakeSummary> {
    let names = Names::of(params)?;
    let asked = Asked::decode(question).map_err(|e| summary::corrupt(&e))?;
    Ok(Box::new(move || {
        Box::new(Gradients::new(names.clone(), loss, asked.clone()))
    }))
}

/// The mean loss over the rows that a step draws.
struct MeanLoss<'a> {
    rounds: &'a Rounds,
    fraction: f64,
}

impl Batches for MeanLoss<'_> {
    async fn at(&self, x: &[f64], step: usize) -> Result<Option<Evaluated>> {
        let asked = Asked {
            counts: false,
            weights: x.to_vec(),
            share: self.fraction,
            seed: SEED + step as i64,
        };
        let found: State = self.rounds.ask(&asked).await?;
        let Some(sums) = found.sums.filter(|sums| sums.weight > 0.0) else {
            return Ok(None);
        };
        let gradient = sums.gradient.iter().map(|g| g / sums.weight).collect();
        Ok(Some((sums.loss / sums.weight, gradient)))
    }
}

/// Learns a batch, from the weights of the batches before. Asks at most two jobs more than there are steps.
///
/// # Errors
/// `SparkException` if there are labels that the learner does not take; if vectors differ in size from the weights.
pub async fn learn(weights: Vec<f64>, settings: &Settings, rounds: &Rounds) -> Result<Minimum> {
    let counts = Asked {
        counts: true,
        ..Asked::default()
    };
    let found: State = rounds.ask(&counts).await?;
    if found.invalid > 0 {
        return Err(SparkError::new(Exception::Connect, "", "", "Input validation failed."));
    }
    if found.rows == 0 {
        return Ok(Minimum {
            x: weights,
            history: vec![],
        });
    }
    let loss = MeanLoss {
        rounds,
        fraction: settings.fraction,
    };
    descend(&loss, weights, &settings.options, Rule::Shrinking).await
}

#[cfg(test)]
mod tests;
