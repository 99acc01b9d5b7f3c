//! Correlations between the features of vectors: Pearson's, and Spearman's of their ranks.

use arrow::array::ArrayRef;
use prost::Message;

use super::{Finish, made_of_state, summarised};
use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::{illegal, invalid_value};
use crate::ml::summary::covariance::{self, Covariance};
use crate::ml::summary::{Summary, corrupt};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::matrix;
use crate::values::vector::{VectorColumn, VectorRef};

/// Below this deviation, a feature counts as one that does not vary.
const ZERO: f64 = 1e-12;

/// Plans one row with one matrix, called `pearson(column)` or `spearman(column)`.
///
/// # Errors
/// If the method is unknown, or the column is not one of vectors.
pub(super) fn planned(analyzer: &mut Analyzer, dataset: &sc::Relation, column: &str, method: &str) -> Result<Resolved> {
    let reads = vec![(column.to_owned(), Reads::Vectors)];
    let (name, options) = (format!("{method}({column})"), format!("{method} {column}"));
    let own = column.to_owned();
    let (input, finish): (Resolved, Finish) = match method {
        "pearson" => {
            let make = move || -> Box<dyn Summary> { Box::new(Covariance::new(own.clone())) };
            let input = summarised(analyzer, dataset, &reads, options, make)?;
            (input, Box::new(|state| correlations(&training::state(state)?)))
        }
        "spearman" => {
            let make = move || -> Box<dyn Summary> {
                Box::new(Kept {
                    column: own.clone(),
                    rows: Rows::default(),
                })
            };
            let input = summarised(analyzer, dataset, &reads, options, make)?;
            (
                input,
                Box::new(|state| correlations(&ranked(&training::state(state)?)?)),
            )
        }
        _ => {
            return Err(illegal(format!(
                "Unrecognized method name. Supported correlations: spearman, pearson; got {method}."
            )));
        }
    };
    let item = made_of_state(&input, &name, method, matrix::data_type(), finish)?;
    analyzer.select_typed(input, vec![item])
}

/// Returns the matrix of correlations; NaN beside features that do not vary, 1 on the diagonal.
///
/// # Errors
/// If there are fewer than two vectors.
fn correlations(state: &covariance::State) -> Result<ArrayRef> {
    if state.rows == 0 {
        return Err(SparkError::requirement(
            "Cannot determine the number of cols because it is not specified in the constructor and the rows RDD is empty.",
        ));
    }
    let (n, covariances) = (state.mean.len(), state.covariances()?);
    let deviation = |i: usize| covariances[i * n + i].sqrt();
    let at = |place: usize| {
        let (i, j) = (place / n, place % n);
        let (a, b) = (deviation(i), deviation(j));
        if i == j {
            1.0
        } else if a.abs() <= ZERO || b.abs() <= ZERO {
            f64::NAN
        } else {
            covariances[place] / (a * b)
        }
    };
    matrix::one(n, n, (0..n * n).map(at).collect())
}

/// All vectors, one after the other.
#[derive(Clone, PartialEq, Message)]
struct Rows {
    /// Number of features.
    #[prost(uint64, tag = "1")]
    size: u64,
    /// Number of vectors.
    #[prost(uint64, tag = "2")]
    count: u64,
    /// Their values.
    #[prost(double, repeated, tag = "3")]
    values: Vec<f64>,
}

/// Keeps a column of vectors: ranks need all of them, so the state grows with the dataset. Null vectors are errors.
#[derive(Debug)]
struct Kept {
    /// Name of the column in errors.
    column: String,
    /// The vectors so far.
    rows: Rows,
}

impl Kept {
    /// Takes the size of the first vector, and checks that of others.
    ///
    /// # Errors
    /// If a vector has another size than the first.
    fn sized(&mut self, size: u64) -> Result<()> {
        if self.rows.count == 0 {
            self.rows.size = size;
        }
        if self.rows.size == size {
            return Ok(());
        }
        Err(SparkError::requirement(format!(
            "Dimensions mismatch when adding new sample. Expecting {} but got {size}.",
            self.rows.size
        )))
    }
}

impl Summary for Kept {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            self.sized(vector.size() as u64)?;
            self.rows.count += 1;
            self.rows.values.extend(vector.to_dense());
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Rows::decode(state).map_err(|e| corrupt(&e))?;
        if other.count > 0 {
            self.sized(other.size)?;
            self.rows.count += other.count;
            self.rows.values.extend(other.values);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.rows.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 8 * self.rows.values.len()
    }
}

/// Returns the sums of the ranks: from 1 within each feature, the mean rank for equal values.
///
/// # Errors
/// If there are too many features.
fn ranked(rows: &Rows) -> Result<covariance::State> {
    let (size, count) = (rows.size as usize, rows.count as usize);
    let mut ranks = vec![0.0; rows.values.len()];
    for feature in 0..size {
        let value = |row: usize| rows.values[row * size + feature];
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
        let mut first = 0;
        while first < count {
            let equal = |row: &usize| value(*row) == value(order[first]);
            let ties = order[first..].iter().take_while(|row| equal(row)).count().max(1);
            let rank = first as f64 + (ties - 1) as f64 / 2.0 + 1.0;
            order[first..first + ties]
                .iter()
                .for_each(|row| ranks[row * size + feature] = rank);
            first += ties;
        }
    }
    let mut state = covariance::State::default();
    for row in 0..count {
        state.add(VectorRef::Dense(&ranks[row * size..(row + 1) * size]))?;
    }
    Ok(state)
}
