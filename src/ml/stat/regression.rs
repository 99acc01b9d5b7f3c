//! The F-test of a linear regression of the label on each feature alone.

use arrow::array::ArrayRef;
use prost::Message;

use super::distributions;
use super::tests::{Test, Tested, each_row, same_size};
use crate::error::{Result, SparkError};
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;

/// `FValueTest`.
pub static TEST: Test = Test {
    name: "fValueTest",
    statistic: "fValue",
    statistics: "fValues",
    long: true,
    summary: |features, label| {
        Box::new(move || {
            Box::new(Deviations {
                columns: (features.clone(), label.clone()),
                state: State::default(),
            })
        })
    },
    results,
};

/// Means and deviations of features and label.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Number of rows.
    #[prost(int64, tag = "1")]
    rows: i64,
    /// The label's mean.
    #[prost(double, tag = "2")]
    label_mean: f64,
    /// The label's sum of squared deviations.
    #[prost(double, tag = "3")]
    label_squares: f64,
    /// Each feature's mean.
    #[prost(double, repeated, tag = "4")]
    means: Vec<f64>,
    /// Each feature's sum of squared deviations.
    #[prost(double, repeated, tag = "5")]
    squares: Vec<f64>,
    /// Each feature's sum of products of its deviation and the label's.
    #[prost(double, repeated, tag = "6")]
    products: Vec<f64>,
}

/// Sums over (features, label), updated so that nothing cancels.
#[derive(Debug)]
struct Deviations {
    /// Names of the columns in errors: features, label.
    columns: (String, String),
    /// The sums so far.
    state: State,
}

impl State {
    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.rows == 0 {
            (self.means, self.squares, self.products) = (vec![0.0; size], vec![0.0; size], vec![0.0; size]);
        }
        same_size(self.means.len(), size)
    }

    /// Takes in a row.
    fn add(&mut self, features: &[f64], label: f64) {
        self.rows += 1;
        let rows = self.rows as f64;
        let before = label - self.label_mean;
        self.label_mean += before / rows;
        self.label_squares += before * (label - self.label_mean);
        for (i, value) in features.iter().enumerate() {
            let own = value - self.means[i];
            self.means[i] += own / rows;
            self.squares[i] += own * (value - self.means[i]);
            self.products[i] += own * (label - self.label_mean);
        }
    }

    /// Takes in other sums of vectors of the same size.
    fn merge(&mut self, other: &Self) {
        let (n, m) = (self.rows as f64, other.rows as f64);
        let both = n * m / (n + m);
        let label = other.label_mean - self.label_mean;
        for i in 0..self.means.len() {
            let own = other.means[i] - self.means[i];
            self.squares[i] += other.squares[i] + own * own * both;
            self.products[i] += other.products[i] + own * label * both;
            self.means[i] += own * (m / (n + m));
        }
        self.label_squares += other.label_squares + label * label * both;
        self.label_mean += label * (m / (n + m));
        self.rows += other.rows;
    }
}

impl Summary for Deviations {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Self { columns: names, state } = self;
        each_row(columns, names, |features, label| {
            state.sized(features.size())?;
            state.add(&features.to_dense(), label);
            Ok(())
        })
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        if other.rows == 0 {
            return Ok(());
        }
        self.state.sized(other.means.len())?;
        if self.state.rows == 0 {
            self.state = other;
        } else {
            self.state.merge(&other);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 24 * self.state.means.len()
    }
}

/// Tests every feature.
///
/// # Errors
/// If there were fewer than three rows, or if the state is broken.
fn results(state: &[u8]) -> Result<Vec<Tested>> {
    let state: State = training::state(state)?;
    let freedom = state.rows - 2;
    if freedom <= 0 {
        return Err(SparkError::requirement(format!(
            "degrees of freedom ({freedom}): {} rows are too few for a test",
            state.rows
        )));
    }
    let free = (state.rows - 1) as f64;
    let deviation = (state.label_squares / free).sqrt();
    let tested = |(squares, product): (&f64, &f64)| {
        let correlation = product / free / (deviation * (squares / free).sqrt());
        let share = correlation * correlation;
        let statistic = share / (1.0 - share) * freedom as f64;
        Tested {
            p: 1.0 - distributions::fisher(1.0, freedom as f64, statistic),
            freedom,
            statistic,
        }
    };
    Ok(state.squares.iter().zip(&state.products).map(tested).collect())
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::ml::stat::tests::fixtures::{agrees, refuses_few};

    /// What Spark 4.3 answers, in Scala.
    #[test]
    fn p_values_and_statistics_are_sparks() {
        let expected = [
            (0.113_542_406_407_560_41, 3.670_187_073_950_707_6),
            (0.780_137_152_557_301_3, 0.086_790_535_982_157_63),
            (0.001_024_035_276_438_684, 46.694_608_975_002_55),
        ];
        agrees(&TEST, expected, 5);
    }

    #[test]
    fn too_few_rows_are_refused() {
        refuses_few(&TEST);
    }
}
