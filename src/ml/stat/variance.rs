//! One-way analysis of variance: does a feature's mean differ between labels?

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use prost::Message;

use super::distributions;
use super::tests::{Test, Tested, each_row, same_size};
use crate::error::{Result, SparkError};
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;

/// `ANOVATest`.
pub static TEST: Test = Test {
    name: "anovaTest",
    statistic: "fValue",
    statistics: "fValues",
    long: true,
    summary: |features, label| {
        Box::new(move || {
            Box::new(Groups {
                columns: (features.clone(), label.clone()),
                groups: BTreeMap::new(),
                squares: vec![],
            })
        })
    },
    results,
};

/// The sums.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Per label.
    #[prost(message, repeated, tag = "1")]
    groups: Vec<Group>,
    /// Sum of squares of each feature.
    #[prost(double, repeated, tag = "2")]
    squares: Vec<f64>,
}

/// The rows of one label.
#[derive(Clone, PartialEq, Message)]
pub struct Group {
    /// The label.
    #[prost(double, tag = "1")]
    label: f64,
    /// Number of rows.
    #[prost(int64, tag = "2")]
    rows: i64,
    /// Sum of each feature.
    #[prost(double, repeated, tag = "3")]
    sums: Vec<f64>,
}

/// Sums over (features, label) per label and feature.
#[derive(Debug)]
struct Groups {
    /// Names of the columns in errors: features, label.
    columns: (String, String),
    /// Rows and sums by the bits of the label.
    groups: BTreeMap<u64, Group>,
    /// Sum of squares of each feature.
    squares: Vec<f64>,
}

impl Groups {
    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.groups.is_empty() {
            self.squares = vec![0.0; size];
        }
        same_size(self.squares.len(), size)
    }

    /// Returns the sums of a label.
    fn group(&mut self, label: f64) -> &mut Group {
        let empty = || Group {
            label,
            rows: 0,
            sums: vec![0.0; self.squares.len()],
        };
        self.groups.entry((label + 0.0).to_bits()).or_insert_with(empty)
    }
}

impl Summary for Groups {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.columns.clone();
        each_row(columns, &names, |features, label| {
            self.sized(features.size())?;
            let group = self.group(label);
            group.rows += 1;
            features.nonzero().for_each(|(i, value)| group.sums[i] += value);
            features
                .nonzero()
                .for_each(|(i, value)| self.squares[i] += value * value);
            Ok(())
        })
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.groups.is_empty() {
            return Ok(());
        }
        self.sized(other.squares.len())?;
        for group in other.groups {
            let known = self.group(group.label);
            known.rows += group.rows;
            known.sums.iter_mut().zip(group.sums).for_each(|(a, b)| *a += b);
        }
        self.squares.iter_mut().zip(other.squares).for_each(|(a, b)| *a += b);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        State {
            groups: self.groups.values().cloned().collect(),
            squares: self.squares.clone(),
        }
        .encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 8 * self.squares.len() * (1 + self.groups.len())
    }
}

/// Tests every feature.
///
/// # Errors
/// If there were no rows or only one label, or if the state is broken.
fn results(state: &[u8]) -> Result<Vec<Tested>> {
    let state: State = training::state(state)?;
    let (rows, classes) = (
        state.groups.iter().map(|g| g.rows).sum::<i64>(),
        state.groups.len() as i64,
    );
    let (between, within) = (classes - 1, rows - classes);
    for freedom in [between, within] {
        if freedom <= 0 {
            return Err(SparkError::requirement(format!(
                "degrees of freedom ({freedom}): {rows} rows of {classes} labels are too few for a test"
            )));
        }
    }
    let tested = |(i, squares): (usize, &f64)| {
        let sum: f64 = state.groups.iter().map(|g| g.sums[i]).sum();
        let mean_square = sum * sum / rows as f64;
        let of_groups: f64 = state.groups.iter().map(|g| g.sums[i] * g.sums[i] / g.rows as f64).sum();
        let apart = of_groups - mean_square;
        let inside = (squares - mean_square) - apart;
        let statistic = (apart / between as f64) / (inside / within as f64);
        Tested {
            p: 1.0 - distributions::fisher(between as f64, within as f64, statistic),
            freedom: between + within,
            statistic,
        }
    };
    Ok(state.squares.iter().enumerate().map(tested).collect())
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::ml::stat::tests::fixtures::{agrees, refuses_few};

    /// What Spark 4.3 answers, in Scala.
    #[test]
    fn p_values_and_statistics_are_sparks() {
        let expected = [
            (0.129_156_139_154_043, 4.351_795_401_704_985),
            (0.738_805_232_836_924_8, 0.444_213_886_671_986_1),
            (0.016_019_123_580_009_897, 21.190_476_190_476_947),
        ];
        agrees(&TEST, expected, 6);
    }

    #[test]
    fn too_few_rows_are_refused() {
        refuses_few(&TEST);
    }
}
