//! Rows for validation: boosted trees stop when they no longer predict these better (`GradientBoostedTrees.runWithValidation`).
//!
//! The column of `validationIndicatorCol` is read negated, last: true rows are trained on, false ones are for validation, null ones take no
//! part, as in Spark's filters.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::filter;
use arrow::datatypes::Float64Type;

use super::binned::Rows;
use super::grow::Ground;
use super::tally::{Asked, Boosted};
use super::walk::Sum;
use crate::error::{Exception, Result, SparkError};
use crate::ml::error::illegal;
use crate::ml::learning::{Rounds, empty};
use crate::ml::params::Params;
use crate::ml::stage::MakeSummary;
use crate::ml::summary::labels::{self, Names};
use crate::ml::summary::sums::{self, Sums};
use crate::ml::summary::{Summary, Weights};

/// Returns the column that says which rows are for validation; `None` if all are trained on.
pub fn column(params: &Params) -> Option<String> {
    params.operator.param("validationIndicatorCol")?;
    params.column("validationIndicatorCol")
}

/// A summary of a part of the rows.
#[derive(Debug)]
struct Part {
    summary: Box<dyn Summary>,
    trains: bool,
}

/// Returns what makes a summary of the rows that are trained on, or of those for validation.
pub fn part(make: MakeSummary, trains: bool) -> MakeSummary {
    Box::new(move || {
        Box::new(Part {
            summary: make(),
            trains,
        })
    })
}

impl Summary for Part {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let lost = || SparkError::internal("the column of rows for validation is lost");
        let (negated, others) = columns.split_last().ok_or_else(lost)?;
        let negated = negated.as_boolean_opt().ok_or_else(lost)?;
        let taken = negated.iter().map(|row| row == Some(self.trains));
        let taken: BooleanArray = taken.map(Some).collect();
        if taken.true_count() == negated.len() {
            return self.summary.update(others);
        }
        let others = others.iter().map(|column| Ok(filter(column, &taken)?));
        self.summary.update(&others.collect::<Result<Vec<_>>>()?)
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.summary.merge(state)
    }

    fn encode(&self) -> Vec<u8> {
        self.summary.encode()
    }

    fn bytes(&self) -> usize {
        self.summary.bytes()
    }
}

/// Returns what makes the sums of the rows' weights and losses, of rows of bins.
pub fn losses(names: Names, asked: &Asked) -> MakeSummary {
    let (features, trees) = (asked.bins.len(), asked.boosted.as_ref().and_then(Sum::of).map(Arc::new));
    Box::new(move || {
        let (names, trees) = (names.clone(), trees.clone());
        let add = move |columns: &[ArrayRef], sums: &mut [f64]| {
            let trees = trees
                .as_ref()
                .ok_or_else(|| SparkError::internal("a loss is unknown"))?;
            let rows = Rows::new(&columns[0], features)?;
            let (labels, weights) = (columns[1].as_primitive::<Float64Type>(), Weights::new(columns.get(2)));
            for at in 0..rows.len() {
                let weight = weights.get(at, &names.weight)?;
                sums[0] += weight;
                sums[1] += weight * trees.error(rows.get(at), labels.value(at));
            }
            Ok(())
        };
        Box::new(Sums::new(2, Arc::new(add)))
    })
}

/// Refuses a dataset without rows to train on, or without rows for validation, which every row is checked of.
///
/// # Errors
/// If there are none; what rows raise.
pub async fn check(rounds: &Rounds, trained_on: usize) -> Result<()> {
    let asked = Asked {
        step: 4,
        ..Asked::default()
    };
    let found: labels::State = rounds.ask(&asked).await?;
    match (trained_on, found.features.rows) {
        (0, 0) => Err(empty()),
        (0, _) => Err(illegal(
            "DecisionTree requires size of input RDD > 0, but was given by empty one.",
        )),
        (_, 0) => Err(SparkError::new(
            Exception::UnsupportedOperation,
            "_LEGACY_ERROR_TEMP_3014",
            "",
            "empty collection",
        )),
        _ => Ok(()),
    }
}

/// How well trees predict rows for validation.
#[derive(Debug)]
pub struct Watch {
    /// The least part by which the error must fall for another tree.
    tolerance: f64,
    /// The least error, and of how many trees it is.
    best: Option<(f64, usize)>,
}

impl Watch {
    /// Returns a watch before the first tree; `None` if all rows are trained on.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn new(params: &Params) -> Result<Option<Self>> {
        if column(params).is_none() {
            return Ok(None);
        }
        let tolerance = params.double("validationTol")?;
        Ok(Some(Self { tolerance, best: None }))
    }

    /// Looks at the trees after one more; returns whether no more are wanted.
    ///
    /// # Errors
    /// What rows raise.
    pub async fn ends(&mut self, rounds: &Rounds, ground: &Ground, boosted: Boosted) -> Result<bool> {
        let bins = ground.bins();
        let trees = boosted.trees.len();
        let asked = Asked {
            step: 3,
            bins: bins.counts(),
            boosted: Some(boosted),
            ..Asked::default()
        };
        let found: sums::State = rounds.ask_prepared(&bins, &asked).await?;
        match found.sums[..] {
            [weight, loss] => Ok(self.looks(loss / weight, trees)),
            _ => Err(SparkError::internal("the loss of trees is lost")),
        }
    }

    /// Returns how many trees had the least error, so far.
    pub fn best(&self) -> usize {
        self.best.map_or(0, |(_, trees)| trees)
    }

    /// Takes in the error of a number of trees; returns whether no more are wanted.
    fn looks(&mut self, error: f64, trees: usize) -> bool {
        match self.best {
            None => self.best = Some((error, trees)),
            Some((best, _)) if best - error < self.tolerance * error.max(0.01) => return true,
            Some((best, _)) if error < best => self.best = Some((error, trees)),
            Some(_) => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn training_ends_when_the_error_falls_by_too_little_and_the_best_trees_stay() {
        let mut watch = Watch {
            tolerance: 0.1,
            best: None,
        };
        let ends: Vec<bool> = [1.0, 0.5, 0.2, 0.19]
            .into_iter()
            .zip(1..)
            .map(|(error, trees)| watch.looks(error, trees))
            .collect();
        assert_eq!((ends, watch.best()), (vec![false, false, false, true], 3));
        // Errors below a hundredth are as good as that.
        let mut watch = Watch {
            tolerance: 0.5,
            best: None,
        };
        assert!(!watch.looks(0.008, 1) && watch.looks(0.0035, 2));
    }

    #[test]
    fn rows_of_unknown_purpose_take_no_part() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0])),
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        ];
        for (trains, expected) in [(true, 1.0), (false, 2.0)] {
            let add: sums::Add = Arc::new(|columns, sums| {
                assert_eq!(columns.len(), 1);
                sums[0] += columns[0].as_primitive::<Float64Type>().iter().flatten().sum::<f64>();
                Ok(())
            });
            let mut rows = part(Box::new(move || Box::new(Sums::new(1, add.clone()))), trains)();
            rows.update(&columns).unwrap();
            let found: sums::State = crate::ml::training::state(&rows.encode()).unwrap();
            assert_eq!(found.sums, [expected]);
        }
    }
}
