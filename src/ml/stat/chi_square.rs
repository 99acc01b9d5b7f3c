//! Pearson's chi-squared test of independence between each feature and the label.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use prost::Message;

use super::distributions;
use super::tests::{Test, Tested, each_row, same_size};
use crate::error::{Exception, Result, SparkError};
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;

/// Most different values of a feature, and most different labels.
const CATEGORIES: usize = 10_000;

/// `ChiSquareTest`.
pub static TEST: Test = Test {
    name: "chiSquareTest",
    statistic: "statistic",
    statistics: "statistics",
    long: false,
    summary: |features, label| {
        Box::new(move || {
            Box::new(Contingency {
                columns: (features.clone(), label.clone()),
                labels: BTreeMap::new(),
                features: vec![],
            })
        })
    },
    results,
};

/// The tables of all features.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// How often each label occurs.
    #[prost(message, optional, tag = "1")]
    labels: Option<Counts>,
    /// Per feature, how often each label occurs with each value that is not 0.
    #[prost(message, repeated, tag = "2")]
    features: Vec<Table>,
}

/// Counts of labels.
#[derive(Clone, PartialEq, Message)]
pub struct Counts {
    /// The labels, each once.
    #[prost(double, repeated, tag = "1")]
    labels: Vec<f64>,
    /// Number of rows per label.
    #[prost(int64, repeated, tag = "2")]
    counts: Vec<i64>,
}

/// Counts of labels per value.
#[derive(Clone, PartialEq, Message)]
pub struct Table {
    /// The values, each once.
    #[prost(double, repeated, tag = "1")]
    values: Vec<f64>,
    /// The counts of each.
    #[prost(message, repeated, tag = "2")]
    counts: Vec<Counts>,
}

/// Counts by the bits of a label.
type ByLabel = BTreeMap<u64, i64>;

/// Contingency tables over (features, label), of values that are not 0; those of 0 follow from the labels.
#[derive(Debug)]
struct Contingency {
    /// Names of the columns in errors: features, label.
    columns: (String, String),
    /// How often each label occurs.
    labels: ByLabel,
    /// Per feature, counts by the bits of the value.
    features: Vec<BTreeMap<u64, ByLabel>>,
}

/// Returns the error of a column that is not one of categories.
fn too_many(what: &str) -> SparkError {
    let message = format!(
        "Chi-square test expect factors (categorical values) but found more than {CATEGORIES} distinct {what}."
    );
    SparkError::new(Exception::Connect, "", "", message)
}

impl Contingency {
    /// Makes room for the features of the first vector, and checks the size of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.labels.is_empty() {
            self.features = vec![BTreeMap::new(); size];
        }
        same_size(self.features.len(), size)
    }

    /// Adds to a count of a feature.
    ///
    /// # Errors
    /// If it has too many different values.
    fn count(&mut self, feature: usize, value: f64, label: u64, count: i64) -> Result<()> {
        let table = &mut self.features[feature];
        *table.entry(value.to_bits()).or_default().entry(label).or_default() += count;
        if table.len() > CATEGORIES {
            return Err(too_many(&format!("values in column {feature}")));
        }
        Ok(())
    }

    /// Adds to the count of a label.
    ///
    /// # Errors
    /// If there are too many different ones.
    fn count_label(&mut self, label: u64, count: i64) -> Result<()> {
        *self.labels.entry(label).or_default() += count;
        if self.labels.len() > CATEGORIES {
            return Err(too_many("label values"));
        }
        Ok(())
    }
}

/// Returns counts as a message.
fn counts_of(counts: &ByLabel) -> Counts {
    let (labels, counts) = counts.iter().map(|(l, n)| (f64::from_bits(*l), *n)).unzip();
    Counts { labels, counts }
}

impl Summary for Contingency {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.columns.clone();
        each_row(columns, &names, |features, label| {
            self.sized(features.size())?;
            let label = (label + 0.0).to_bits();
            self.count_label(label, 1)?;
            features
                .nonzero()
                .try_for_each(|(feature, value)| self.count(feature, value, label, 1))
        })
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        let labels = other.labels.unwrap_or_default();
        if labels.labels.is_empty() {
            return Ok(());
        }
        self.sized(other.features.len())?;
        for (label, count) in labels.labels.iter().zip(labels.counts) {
            self.count_label(label.to_bits(), count)?;
        }
        for (feature, table) in other.features.into_iter().enumerate() {
            for (value, counts) in table.values.iter().zip(table.counts) {
                for (label, count) in counts.labels.iter().zip(counts.counts) {
                    self.count(feature, *value, label.to_bits(), count)?;
                }
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let table = |table: &BTreeMap<u64, ByLabel>| Table {
            values: table.keys().map(|v| f64::from_bits(*v)).collect(),
            counts: table.values().map(counts_of).collect(),
        };
        State {
            labels: Some(counts_of(&self.labels)),
            features: self.features.iter().map(table).collect(),
        }
        .encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let cells = |t: &BTreeMap<u64, ByLabel>| t.values().map(|c| 48 + 24 * c.len()).sum::<usize>();
        256 + 24 * self.labels.len() + self.features.iter().map(cells).sum::<usize>()
    }
}

/// Tests every feature.
///
/// # Errors
/// If there were no rows, a feature has too many values, or the state is broken.
fn results(state: &[u8]) -> Result<Vec<Tested>> {
    let state: State = training::state(state)?;
    let labels = state.labels.unwrap_or_default();
    if labels.labels.is_empty() {
        return Err(SparkError::requirement("a test needs at least one row."));
    }
    let column: BTreeMap<u64, usize> = labels.labels.iter().map(|l| l.to_bits()).zip(0..).collect();
    let tested = |(feature, table): (usize, Table)| {
        let mut rows: Vec<Vec<f64>> = Vec::new();
        let mut zeros: Vec<f64> = labels.counts.iter().map(|n| *n as f64).collect();
        for counts in table.counts {
            let mut row = vec![0.0; column.len()];
            for (label, count) in counts.labels.iter().zip(counts.counts) {
                if let Some(at) = column.get(&label.to_bits()) {
                    row[*at] += count as f64;
                    zeros[*at] -= count as f64;
                }
            }
            rows.push(row);
        }
        if zeros.iter().any(|n| *n != 0.0) {
            rows.push(zeros);
        }
        if rows.len() > CATEGORIES {
            return Err(too_many(&format!("values in column {feature}")));
        }
        Ok(independence(&rows))
    };
    state.features.into_iter().enumerate().map(tested).collect()
}

/// Tests a table of counts: a row per value, a column per label; none of them is all 0.
fn independence(rows: &[Vec<f64>]) -> Tested {
    let labels = rows.first().map_or(0, Vec::len);
    let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..labels).map(|j| rows.iter().map(|row| row[j]).sum()).collect();
    let all: f64 = columns.iter().sum();
    let freedom = (rows.len().saturating_sub(1) * labels.saturating_sub(1)) as i64;
    if freedom == 0 {
        // What does not vary is independent of anything.
        return Tested {
            p: 1.0,
            freedom,
            statistic: 0.0,
        };
    }
    let mut statistic = 0.0;
    for (j, column) in columns.iter().enumerate() {
        for (row, sum) in rows.iter().zip(&sums) {
            let expected = column * sum / all;
            statistic += (row[j] - expected) * (row[j] - expected) / expected;
        }
    }
    Tested {
        p: 1.0 - distributions::chi_squared(freedom as f64, statistic),
        freedom,
        statistic,
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_table_is_tested_by_the_textbook() {
        // Expected counts are all 5, deviations all 3: 4 · 9 / 5.
        let found = independence(&[vec![8.0, 2.0], vec![2.0, 8.0]]);
        assert!((found.statistic - 7.2).abs() < 1e-12);
        assert_eq!(found.freedom, 1);
        assert!((found.p - 0.007_290_358_091_535).abs() < 1e-12);
        assert_eq!(independence(&[vec![1.0, 2.0]]).p, 1.0);
    }

    #[test]
    fn more_values_than_categories_can_be_are_refused() {
        let mut contingency = Contingency {
            columns: (String::new(), String::new()),
            labels: BTreeMap::new(),
            features: vec![BTreeMap::new()],
        };
        for i in 0..CATEGORIES {
            contingency.count(0, i as f64, 0, 1).unwrap();
        }
        assert!(contingency.count(0, -1.0, 0, 1).is_err());
    }
}
