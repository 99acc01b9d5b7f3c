//! Labels and weights of rows as classifiers check them (`DatasetUtils`), and how much each label weighs.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::moments::Moments;
use super::{Summary, Weights, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::invalid_value;
use crate::ml::params::Params;
use crate::ml::stage::Columns;
use crate::values::lanes;
use crate::values::text::double;
use crate::values::vector::{VectorColumn, VectorRef};

/// Names of the columns that supervised training reads, for messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Column of vectors.
    pub features: String,
    /// Column of labels.
    pub label: String,
    /// Column of weights; empty if rows weigh 1.
    pub weight: String,
}

impl Names {
    /// Returns the names that params have.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(Self {
            features: params.text("featuresCol")?,
            label: params.text("labelCol")?,
            weight: params.column("weightCol").unwrap_or_default(),
        })
    }

    /// Returns the columns that supervised training reads: features, label, and the weight if there is one.
    pub fn columns(self) -> Columns {
        let weight = (!self.weight.is_empty()).then_some((self.weight, Reads::Numbers));
        let columns = [(self.features, Reads::Vectors), (self.label, Reads::Numbers)];
        columns.into_iter().chain(weight).collect()
    }
}

/// What labels may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Whole numbers from 0 on, below this one.
    Classes(i32),
    /// Any finite number.
    Numbers,
}

/// Returns the label of a row.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if it is null, NaN, or one that is not allowed.
pub fn label(labels: &Float64Array, row: usize, allowed: Allowed, column: &str) -> Result<f64> {
    let label = labels.value(row);
    let refuse = |message: String| Err(invalid_value(message, column, row));
    if allowed == Allowed::Numbers {
        return finite(labels, row, "Labels", column);
    }
    if labels.is_null(row) || label.is_nan() {
        return refuse("Labels MUST NOT be Null or NaN".into());
    }
    match allowed {
        Allowed::Classes(2) if ![0.0, 1.0].contains(&label) => {
            refuse(format!("Labels MUST be in {{0, 1}}, but got {}", double(label)))
        }
        Allowed::Classes(end) if !(0.0..f64::from(end)).contains(&label) => {
            refuse(format!("Labels MUST be in [0, {end}), but got {}", double(label)))
        }
        Allowed::Classes(_) if label.fract() != 0.0 => {
            refuse(format!("Labels MUST be Integers, but got {}", double(label)))
        }
        _ => Ok(label),
    }
}

/// Returns a number of a row.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if it is null, NaN or infinite; `what` begins the message, such as `Offsets`.
pub fn finite(values: &Float64Array, row: usize, what: &str, column: &str) -> Result<f64> {
    let value = values.value(row);
    if values.is_null(row) || value.is_nan() {
        return Err(invalid_value(format!("{what} MUST NOT be Null or NaN"), column, row));
    }
    if value.is_infinite() {
        let message = format!("{what} MUST NOT be Infinity, but got {}", double(value));
        return Err(invalid_value(message, column, row));
    }
    Ok(value)
}

/// Rows of (features, label) or (features, label, weight), checked.
pub struct Instances<'a> {
    vectors: VectorColumn<'a>,
    labels: &'a Float64Array,
    weights: Weights<'a>,
    allowed: Allowed,
    names: &'a Names,
}

impl<'a> Instances<'a> {
    /// Returns the rows of a batch's columns.
    ///
    /// # Errors
    /// If the first column does not hold vectors.
    pub fn new(columns: &'a [ArrayRef], allowed: Allowed, names: &'a Names) -> Result<Self> {
        Ok(Self {
            vectors: VectorColumn::new(&columns[0])?,
            labels: columns[1].as_primitive::<Float64Type>(),
            weights: Weights::new(columns.get(2)),
            allowed,
            names,
        })
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the features, label and weight of a row.
    ///
    /// # Errors
    /// `USER_RAISED_EXCEPTION` if one of them is not valid.
    pub fn get(&self, row: usize) -> Result<(VectorRef<'a>, f64, f64)> {
        let refuse = |message: String| invalid_value(message, &self.names.features, row);
        let label = label(self.labels, row, self.allowed, &self.names.label)?;
        let weight = self.weights.get(row, &self.names.weight)?;
        let features = self.vectors.get(row);
        let features = features.ok_or_else(|| refuse("Vectors MUST NOT be Null".into()))?;
        if !lanes::are_finite(features.values()) {
            return Err(refuse(format!(
                "Vector values MUST NOT be NaN or Infinity, but got {features}"
            )));
        }
        Ok((features, label, weight))
    }
}

/// How much a label weighs.
#[derive(Clone, PartialEq, Message)]
pub struct Share {
    /// The label.
    #[prost(double, tag = "1")]
    pub label: f64,
    /// The sum of its rows' weights.
    #[prost(double, tag = "2")]
    pub weight: f64,
}

/// Moments of the features, and of the labels.
#[derive(Clone, PartialEq, Message)]
pub struct State {
    /// Moments of the features.
    #[prost(message, required, tag = "1")]
    pub features: Moments,
    /// Weights by label, ascending; only of classes.
    #[prost(message, repeated, tag = "2")]
    pub shares: Vec<Share>,
    /// Moments of the label, as a vector of one number.
    #[prost(message, required, tag = "3")]
    pub label: Moments,
}

impl State {
    /// Returns the weights by class, from class 0 to the largest.
    pub fn histogram(&self) -> Vec<f64> {
        let classes = self.shares.last().map_or(0, |s| s.label as usize + 1);
        let mut weights = vec![0.0; classes];
        for share in &self.shares {
            weights[share.label as usize] = share.weight;
        }
        weights
    }
}

/// How many classes most classifiers take (`getNumClasses`).
pub const MOST_CLASSES: i32 = 100;

/// Moments of features and labels over (features, label) or (features, label, weight).
#[derive(Debug)]
pub struct LabelledMoments {
    names: Names,
    allowed: Allowed,
    features: Moments,
    label: Moments,
    shares: BTreeMap<u64, f64>,
}

impl LabelledMoments {
    /// Returns an empty summary.
    pub fn new(names: Names, allowed: Allowed) -> Self {
        Self {
            names,
            allowed,
            features: Moments::default(),
            label: Moments::default(),
            shares: BTreeMap::new(),
        }
    }

    fn count(&mut self, label: f64, weight: f64) {
        if matches!(self.allowed, Allowed::Classes(_)) {
            *self.shares.entry(label as u64).or_default() += weight;
        }
    }
}

impl Summary for LabelledMoments {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let names = self.names.clone();
        let rows = Instances::new(columns, self.allowed, &names)?;
        for row in 0..rows.len() {
            let (features, label, weight) = rows.get(row)?;
            self.features.add(features, weight)?;
            self.label.add(VectorRef::Dense(&[label]), weight)?;
            self.count(label, weight);
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = State::decode(state).map_err(|e| corrupt(&e))?;
        self.features.merge(other.features)?;
        self.label.merge(other.label)?;
        other.shares.iter().for_each(|s| self.count(s.label, s.weight));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let shares = self.shares.iter();
        let state = State {
            features: self.features.clone(),
            label: self.label.clone(),
            shares: shares
                .map(|(label, weight)| Share {
                    label: *label as f64,
                    weight: *weight,
                })
                .collect(),
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        512 + self.features.size() * 56 + self.shares.len() * 32
    }
}

/// Returns the error of a vector of another size than those before.
///
/// # Errors
/// It is the error.
pub fn same_size(expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(SparkError::requirement(format!(
        "Dimensions mismatch when adding new instance. Expecting {expected} but got {found}."
    )))
}
