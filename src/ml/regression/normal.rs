//! Least squares by the normal equations (`WeightedLeastSquares`): one pass over the rows, the rest is small.
//!
//! Features and labels are taken as if each had variance 1. Without a penalty by absolute values the equations are solved by
//! Cholesky's decomposition; with one, or where they have no single solution, the minimum is searched.

use arrow::array::ArrayRef;
use prost::Message;

use crate::error::{Exception, Result, SparkError};
use crate::ml::cholesky::Cholesky;
use crate::ml::error::illegal;
use crate::ml::optimize::lbfgs::{Options, minimize};
use crate::ml::optimize::{Evaluated, Objective, dot};
use crate::ml::summary::labels::{Allowed, Instances, Names, same_size};
use crate::ml::summary::{Summary, corrupt};
use crate::values::vector::VectorRef;

/// The most features that the normal equations are made for.
pub const MOST_FEATURES: usize = 4096;

/// Weighted sums over rows: a are features, b is the label.
#[derive(Clone, PartialEq, Message)]
pub struct Sums {
    /// Number of rows.
    #[prost(int64, tag = "1")]
    pub rows: i64,
    /// Sum of the weights.
    #[prost(double, tag = "2")]
    pub weight: f64,
    /// Of b.
    #[prost(double, tag = "3")]
    pub b: f64,
    /// Of b².
    #[prost(double, tag = "4")]
    pub bb: f64,
    /// Of a.
    #[prost(double, repeated, tag = "5")]
    pub a: Vec<f64>,
    /// Of ab.
    #[prost(double, repeated, tag = "6")]
    pub ab: Vec<f64>,
    /// Of aaᵀ: column after column of the upper triangle.
    #[prost(double, repeated, tag = "7")]
    pub aa: Vec<f64>,
}

impl Sums {
    /// Adds a row.
    ///
    /// # Errors
    /// If it has more or fewer features than those before, or more than are solved for.
    pub fn add(&mut self, features: VectorRef<'_>, label: f64, weight: f64) -> Result<()> {
        let size = features.size();
        if size > MOST_FEATURES {
            return Err(SparkError::requirement(format!(
                "In order to take the normal equation approach efficiently, we set the maximum number of features to {MOST_FEATURES}."
            )));
        }
        if self.rows == 0 {
            self.a = vec![0.0; size];
            self.ab = vec![0.0; size];
            self.aa = vec![0.0; size * (size + 1) / 2];
        }
        same_size(self.a.len(), size)?;
        self.rows += 1;
        if weight == 0.0 {
            return Ok(());
        }
        self.weight += weight;
        self.b += weight * label;
        self.bb += weight * label * label;
        let stored: Vec<(usize, f64)> = features.nonzero().collect();
        for (j, value) in &stored {
            self.a[*j] += weight * value;
            self.ab[*j] += weight * label * value;
            let column = j * (j + 1) / 2;
            let upper = stored.iter().take_while(|(i, _)| i <= j);
            upper.for_each(|(i, other)| self.aa[column + i] += weight * value * other);
        }
        Ok(())
    }

    /// Adds the sums of other rows.
    ///
    /// # Errors
    /// If they are of another number of features.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            *self = other;
            return Ok(());
        }
        same_size(self.a.len(), other.a.len())?;
        self.rows += other.rows;
        self.weight += other.weight;
        self.b += other.b;
        self.bb += other.bb;
        let add = |own: &mut [f64], other: &[f64]| own.iter_mut().zip(other).for_each(|(a, b)| *a += b);
        add(&mut self.a, &other.a);
        add(&mut self.ab, &other.ab);
        add(&mut self.aa, &other.aa);
        Ok(())
    }
}

/// Sums up rows over (features, label) or (features, label, weight).
#[derive(Debug)]
pub struct NormalSums {
    names: Names,
    sums: Sums,
}

impl NormalSums {
    /// Returns empty sums.
    pub fn new(names: Names) -> Self {
        Self {
            names,
            sums: Sums::default(),
        }
    }
}

impl Summary for NormalSums {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, Allowed::Numbers, &names)?;
        for row in 0..rows.len() {
            let (features, label, weight) = rows.get(row)?;
            self.sums.add(features, label, weight)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.sums.merge(Sums::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        self.sums.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + (self.sums.aa.len() + 2 * self.sums.a.len()) * 8
    }
}

/// What is to be solved, and how.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Whether there is an intercept.
    pub intercept: bool,
    /// How much large coefficients cost.
    pub penalty: f64,
    /// Which share of that is by absolute values.
    pub absolute: f64,
    /// Whether features are scaled before they cost.
    pub standardize: bool,
    /// Whether the label is scaled before they cost.
    pub standardize_label: bool,
    /// The most steps of a search.
    pub max_iter: usize,
    /// Its tolerance.
    pub tolerance: f64,
}

/// A solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Of the features as they are.
    pub coefficients: Vec<f64>,
    /// The intercept; 0 without.
    pub intercept: f64,
    /// The diagonal of the inverse of the equations' matrix, of the features as they are; one 0 if the equations were not inverted.
    pub diagonal: Vec<f64>,
    /// The objective after each step.
    pub history: Vec<f64>,
}

/// The equations of scaled features and labels: aa x = ab.
struct Equations {
    aa: Vec<f64>,
    ab: Vec<f64>,
    a: Vec<f64>,
    b: f64,
    bb: f64,
}

/// Solves the normal equations of sums.
///
/// # Errors
/// If rows weigh nothing; if the label is constant and large coefficients cost, as Spark refuses it.
pub async fn solve(sums: &Sums, problem: &Problem) -> Result<Solution> {
    let (weight, size) = (sums.weight, sums.a.len());
    if weight <= 0.0 {
        let message = "assertion failed: Sum of weights cannot be zero.";
        return Err(SparkError::new(Exception::Connect, "", "", message));
    }
    let mean = |sum: &f64| sum / weight;
    let a: Vec<f64> = sums.a.iter().map(mean).collect();
    let at = |j: usize| j * (j + 1) / 2 + j;
    let a_std: Vec<f64> = (0..size)
        .map(|j| (sums.aa[at(j)] / weight - a[j] * a[j]).max(0.0).sqrt())
        .collect();
    let (b, raw_bb) = (sums.b / weight, sums.bb / weight);
    let raw_std = (raw_bb - b * b).max(0.0).sqrt();
    if raw_std == 0.0 {
        if problem.intercept || b == 0.0 {
            return Ok(Solution {
                coefficients: vec![0.0; size],
                intercept: b,
                diagonal: vec![0.0],
                history: vec![0.0],
            });
        }
        if problem.penalty > 0.0 && problem.standardize_label {
            return Err(illegal(
                "requirement failed: The standard deviation of the label is zero. Model cannot be regularized when labels are standardized.",
            ));
        }
    }
    let b_std = if raw_std == 0.0 { b.abs() } else { raw_std };
    let inverse = |j: usize| if a_std[j] == 0.0 { 0.0 } else { 1.0 / a_std[j] };
    let mut equations = Equations {
        a: (0..size).map(|j| a[j] * inverse(j)).collect(),
        ab: (0..size).map(|j| sums.ab[j] / weight * inverse(j) / b_std).collect(),
        aa: sums.aa.clone(),
        b: b / b_std,
        bb: raw_bb / (b_std * b_std),
    };
    for j in 0..size {
        for i in 0..=j {
            equations.aa[j * (j + 1) / 2 + i] *= inverse(i) * inverse(j) / weight;
        }
    }
    let penalty = problem.penalty / b_std;
    let (absolute, square) = (problem.absolute * penalty, (1.0 - problem.absolute) * penalty);
    let square = if problem.standardize_label {
        square
    } else {
        square * b_std
    };
    for j in 0..size {
        let own = if problem.standardize {
            square
        } else {
            square * inverse(j) * inverse(j)
        };
        equations.aa[at(j)] += own;
    }
    let by_absolute: Vec<f64> = (0..size)
        .map(|j| {
            if problem.standardize {
                absolute
            } else {
                absolute * inverse(j)
            }
        })
        .collect();
    let direct = (absolute == 0.0)
        .then(|| equations.cholesky(problem.intercept))
        .flatten();
    let (scaled, intercept, diagonal, history) = match direct {
        Some((mut x, diagonal)) => {
            let intercept = if problem.intercept {
                x.pop().unwrap_or_default()
            } else {
                0.0
            };
            (x, intercept, diagonal, vec![0.0])
        }
        None => {
            let penalty = if absolute == 0.0 { vec![] } else { by_absolute };
            equations.search(problem, penalty).await?
        }
    };
    let coefficients = (0..size).map(|j| scaled[j] * b_std * inverse(j)).collect();
    let own = |(i, d): (usize, f64)| {
        if i < size {
            d / (weight * a_std[i] * a_std[i])
        } else {
            d / weight
        }
    };
    Ok(Solution {
        coefficients,
        intercept: intercept * b_std,
        diagonal: diagonal.map_or(vec![0.0], |d| d.into_iter().enumerate().map(own).collect()),
        history,
    })
}

/// What a search finds: coefficients, intercept, no diagonal, history.
type Found = (Vec<f64>, f64, Option<Vec<f64>>, Vec<f64>);

impl Equations {
    /// Solves by Cholesky's decomposition; `None` if the matrix is not positive definite. Returns the diagonal of the inverse, too.
    fn cholesky(&self, intercept: bool) -> Option<(Vec<f64>, Option<Vec<f64>>)> {
        let mut aa = self.aa.clone();
        let mut right = self.ab.clone();
        if intercept {
            aa.extend(&self.a);
            aa.push(1.0);
            right.push(self.b);
        }
        let factor = Cholesky::new(aa, right.len()).ok()?;
        Some((factor.solve(right), Some(factor.inverse_diagonal())))
    }

    /// Returns the best intercept for coefficients; 0 without.
    fn intercept(&self, problem: &Problem, x: &[f64]) -> f64 {
        if problem.intercept {
            self.b - dot(&self.a, x)
        } else {
            0.0
        }
    }

    /// Searches the minimum, with a penalty by absolute values.
    async fn search(&self, problem: &Problem, penalty: Vec<f64>) -> Result<Found> {
        let options = Options {
            max_iter: problem.max_iter,
            tolerance: problem.tolerance,
            penalty,
        };
        let quadratic = Quadratic {
            equations: self,
            problem,
        };
        let found = minimize(&quadratic, vec![0.0; self.ab.len()], &options).await?;
        let intercept = self.intercept(problem, &found.x);
        Ok((found.x, intercept, None, found.history))
    }
}

/// The mean squared error as a function of the coefficients, at the best intercept of each.
struct Quadratic<'a> {
    equations: &'a Equations,
    problem: &'a Problem,
}

impl Objective for Quadratic<'_> {
    async fn at(&self, x: &[f64]) -> Result<Evaluated> {
        let own = self.equations;
        let last = own.intercept(self.problem, x);
        let mut product = vec![0.0; x.len()];
        for j in 0..x.len() {
            for i in 0..=j {
                let value = own.aa[j * (j + 1) / 2 + i];
                product[j] += value * x[i];
                if i != j {
                    product[i] += value * x[j];
                }
            }
        }
        product.iter_mut().zip(&own.a).for_each(|(p, a)| *p += a * last);
        let along = dot(&own.a, x) + last;
        let value = own.bb / 2.0 - dot(&own.ab, x) - own.b * last + (dot(x, &product) + last * along) / 2.0;
        product.iter_mut().zip(&own.ab).for_each(|(p, ab)| *p -= ab);
        Ok((value, product))
    }
}
