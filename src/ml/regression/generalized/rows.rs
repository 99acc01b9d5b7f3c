//! Rows with offsets, and what one round keeps of them: sums of least squares for the next step, or of how well a model fits.

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use prost::Message;

use super::family::{Fit, Shape};
use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::params::Params;
use crate::ml::regression::normal::{MOST_FEATURES, Sums};
use crate::ml::stage::Columns;
use crate::ml::summary::labels::{Allowed, Instances, Names, finite, same_size};
use crate::ml::summary::{Summary, corrupt};
use crate::values::vector::VectorRef;

/// What is asked of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum What {
    /// The sums of least squares of label - offset.
    Plain = 0,
    /// Those of the linear parts to begin with.
    First = 1,
    /// Those of the next step after a model.
    Next = 2,
    /// How well a model fits.
    Fit = 3,
    /// How well a model of the intercept alone fits.
    FitOfNone = 4,
}

/// A question, with the model so far.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// What is asked.
    #[prost(enumeration = "What", tag = "1")]
    pub what: i32,
    /// The coefficients so far.
    #[prost(double, repeated, tag = "2")]
    pub coefficients: Vec<f64>,
    /// The intercept so far.
    #[prost(double, tag = "3")]
    pub intercept: f64,
    /// Whether features are left out.
    #[prost(bool, tag = "4")]
    pub without_features: bool,
}

/// Names of the columns, and what the labels' distribution is.
#[derive(Debug, Clone)]
pub struct Reading {
    names: Names,
    /// Column of offsets; empty for none.
    offset: String,
    shape: Shape,
}

impl Reading {
    /// Returns what params name.
    ///
    /// # Errors
    /// If the family does not support the link.
    pub fn of(params: &Params) -> Result<Self> {
        Ok(Self {
            names: Names::of(params)?,
            offset: params.column("offsetCol").unwrap_or_default(),
            shape: Shape::of(params)?,
        })
    }

    /// Returns the columns: features, label, the weight and the offset if there are any.
    pub fn columns(self) -> Columns {
        let mut columns = self.names.columns();
        if !self.offset.is_empty() {
            columns.push((self.offset, Reads::Numbers));
        }
        columns
    }

    /// Returns the offset of a row.
    ///
    /// # Errors
    /// `USER_RAISED_EXCEPTION` if it is null, NaN or infinite.
    fn offset(&self, offsets: Option<&Float64Array>, row: usize) -> Result<f64> {
        let Some(offsets) = offsets else { return Ok(0.0) };
        finite(offsets, row, "Offsets", &self.offset)
    }
}

/// Sums up rows over (features, label), a weight if there is one, an offset if there is one.
#[derive(Debug)]
pub struct Working {
    reading: Reading,
    asked: Asked,
    sums: Sums,
    fit: Fit,
}

impl Working {
    /// Returns empty sums.
    pub fn new(reading: Reading, asked: Asked) -> Self {
        Self {
            reading,
            asked,
            sums: Sums::default(),
            fit: Fit::default(),
        }
    }

    fn is_fit(&self) -> bool {
        matches!(self.asked.what(), What::Fit | What::FitOfNone)
    }

    /// Returns the linear part of a row.
    fn eta(&self, features: VectorRef<'_>, offset: f64) -> Result<f64> {
        let own = &self.asked.coefficients;
        same_size(own.len(), features.size())?;
        let product: f64 = features.stored().map(|(i, v)| v * own[i]).sum();
        Ok(product + self.asked.intercept + offset)
    }

    fn add(&mut self, features: VectorRef<'_>, label: f64, weight: f64, offset: f64) -> Result<()> {
        let shape = self.reading.shape;
        let (label, weight) = match self.asked.what() {
            What::Fit => {
                let mean = shape.mean(self.eta(features, offset)?);
                self.fit.add(shape.family, (label, mean, weight, offset));
                return Ok(());
            }
            What::FitOfNone => {
                let mean = shape.link.unlink(self.asked.intercept + offset);
                self.fit.deviance += shape.family.deviance(label, mean, weight);
                return Ok(());
            }
            What::Plain => (label - offset, weight),
            What::First => {
                let first = shape.first(label, weight).map_err(SparkError::requirement)?;
                (first - offset, weight)
            }
            What::Next => {
                let eta = self.eta(features, offset)?;
                shape.working((label, weight, offset), eta)
            }
        };
        self.sums.add(features, label, weight)
    }
}

impl Summary for Working {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let reading = self.reading.clone();
        let (columns, offsets) = if reading.offset.is_empty() {
            (columns, None)
        } else {
            let (last, columns) = columns.split_last().ok_or_else(|| SparkError::internal("no columns"))?;
            (columns, Some(last.as_primitive::<Float64Type>()))
        };
        let rows = Instances::new(columns, Allowed::Numbers, &reading.names)?;
        for row in 0..rows.len() {
            let (features, label, weight) = rows.get(row)?;
            if features.size() > MOST_FEATURES {
                return Err(SparkError::new(
                    Exception::Connect,
                    "",
                    "",
                    format!(
                        "Currently, GeneralizedLinearRegression only supports number of features <= {MOST_FEATURES}. Found {} in \
                         the input dataset.",
                        features.size()
                    ),
                ));
            }
            let offset = reading.offset(offsets, row)?;
            let features = if self.asked.without_features {
                VectorRef::Dense(&[])
            } else {
                features
            };
            self.add(features, label, weight, offset)?;
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        if self.is_fit() {
            let other = Fit::decode(state).map_err(|e| corrupt(&e))?;
            self.fit.merge(&other);
            return Ok(());
        }
        self.sums.merge(Sums::decode(state).map_err(|e| corrupt(&e))?)
    }

    fn encode(&self) -> Vec<u8> {
        if self.is_fit() {
            self.fit.encode_to_vec()
        } else {
            self.sums.encode_to_vec()
        }
    }

    fn bytes(&self) -> usize {
        1024 + self.sums.aa.len() * 8
    }
}
