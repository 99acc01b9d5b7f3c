//! `QuantileDiscretizer`: buckets of about equally many values.

use prost::Message;

use super::bucketizer;
use super::imputer::RELATIVE_ERROR;
use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::error::illegal;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Check, Default, INPUT, INPUTS, INVALID, OUTPUT, OUTPUTS, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::quantiles::{Of, Quantiles, State};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// Learns the bounds of `numBuckets` buckets of about equally many values (`QuantileDiscretizer`).
///
/// Bounds are quantiles by the rank that `relativeError` allows; those that are equal are one, so there may be fewer
/// buckets. `numBucketsArray` has a number for each of several columns. Nulls and NaN are left out. What it makes is a
/// `Bucketizer`, which is open at both ends.
#[derive(Debug)]
pub struct QuantileDiscretizer;

impl Stage for QuantileDiscretizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.QuantileDiscretizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            INVALID,
            param("numBuckets", Kind::Int, Default::Int(2), Check::AtLeast(2.0)),
            param("numBucketsArray", Kind::Ints, Default::None, Check::EachAtLeast(2.0)),
            RELATIVE_ERROR,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

/// Returns the columns that are read, each with its number of buckets.
///
/// # Errors
/// If params contradict each other.
fn asked(params: &Params) -> Result<Vec<(String, i64)>> {
    let pairs = params.column_pairs()?;
    if !params.is_set("numBucketsArray") {
        let buckets = params.int("numBuckets")?;
        return Ok(pairs.into_iter().map(|(from, _)| (from, buckets)).collect());
    }
    let each = params.ints("numBucketsArray")?;
    if !params.is_set("inputCols") {
        return Err(SparkError::requirement(
            "numBucketsArray can't be set for single-column QuantileDiscretizer.",
        ));
    }
    if params.is_set("numBuckets") {
        return Err(SparkError::requirement(
            "exactly one of numBuckets, numBucketsArray Params to be set, but both are set.",
        ));
    }
    if each.len() != pairs.len() {
        return Err(SparkError::requirement(format!(
            "QuantileDiscretizer {} has mismatched Params for multi-column transform. Params (inputCols, outputCols, \
             numBucketsArray) should have equal lengths, but they have different lengths: ({}, {}, {}).",
            params.uid,
            pairs.len(),
            pairs.len(),
            each.len()
        )));
    }
    Ok(pairs.into_iter().map(|(from, _)| from).zip(each).collect())
}

impl Estimator for QuantileDiscretizer {
    fn training(&self, params: &Params) -> Result<Training> {
        let (columns, error) = (asked(params)?, params.double("relativeError")?);
        let n = columns.len();
        let reads = columns.into_iter().map(|(c, _)| (c, Reads::Numbers)).collect();
        Ok(Training::new(reads, move || {
            Box::new(Quantiles::new(Of::Columns(n, None), error))
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: State = training::state(state)?;
        let mut columns = Vec::new();
        for ((column, buckets), sketch) in asked(params)?.into_iter().zip(&state.sketches) {
            let bound = |i: i64| sketch.quantile(i as f64 / buckets as f64);
            let Some(bounds) = (0..=buckets).map(bound).collect::<Option<Vec<f64>>>() else {
                return Err(illegal(format!(
                    "QuantileDiscretizer finds no bounds: the column {column} has no value that is neither null nor NaN."
                )));
            };
            columns.push(Splits {
                splits: distinct(bounds),
            });
        }
        Ok(Model::new(params, Buckets { columns }))
    }
}

/// Opens the ends of bounds, and leaves each bound once, ascending.
fn distinct(mut bounds: Vec<f64>) -> Vec<f64> {
    // -0.0 is 0.0.
    bounds.iter_mut().for_each(|b| *b += 0.0);
    if let Some(first) = bounds.first_mut() {
        *first = f64::NEG_INFINITY;
    }
    if let Some(last) = bounds.last_mut() {
        *last = f64::INFINITY;
    }
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    bounds
}

/// The `Bucketizer` that a `QuantileDiscretizer` makes: the bounds of each column's buckets.
#[derive(Clone, PartialEq, Message)]
pub struct Buckets {
    /// Per input column.
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Splits>,
}

/// The bounds of one column's buckets.
#[derive(Clone, PartialEq, Message)]
pub struct Splits {
    /// Ascending, from minus to plus infinity.
    #[prost(double, repeated, tag = "1")]
    pub splits: Vec<f64>,
}

/// How the bounds are decoded. They are never saved: clients make a `Bucketizer` of them, which is a stage of its own.
static KIND: ModelKind = ModelKind {
    class: None,
    tag: 42,
    decode: model::decoded::<Buckets>,
    read: |row| Err(row.corrupt("a QuantileDiscretizer has no model of its own")),
};

impl Fitted for Buckets {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, _id: &str, params: &Params) -> Result<Resolved> {
        let splits = self.columns.iter().map(|c| c.splits.clone()).collect();
        bucketizer::bucketized(analyzer, input, params, splits)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        let lists = || self.columns.iter().map(|c| Value::doubles(&c.splits));
        Ok(match name {
            "getSplits" => lists().next().map(|splits| (splits, Kind::Doubles)),
            "getSplitsArray" => Some((Value::List(lists().collect()), Kind::DoublesList)),
            _ => None,
        })
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(format!("numColumns={}", self.columns.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Err(SparkError::internal(
            "a QuantileDiscretizer's bounds are saved as a Bucketizer",
        ))
    }

    fn saved_as(&self, params: &Params) -> Result<Option<Params>> {
        let mut bucketizer = Params::new(&bucketizer::Bucketizer, &params.uid, &sc::MlParams::default())?;
        for name in ["inputCol", "outputCol", "inputCols", "outputCols", "handleInvalid"] {
            if let Some(value) = params.get(name).filter(|_| params.is_set(name)) {
                bucketizer.put(name, value)?;
            }
        }
        let mut splits = self.columns.iter().map(|c| Value::doubles(&c.splits));
        if params.is_set("inputCols") {
            bucketizer.put("splitsArray", Value::List(splits.collect()))?;
        } else if let Some(only) = splits.next() {
            bucketizer.put("splits", only)?;
        }
        Ok(Some(bucketizer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_saved_as_a_bucketizer() {
        let mut params = Params::new(&QuantileDiscretizer, "q", &sc::MlParams::default()).unwrap();
        params.put("inputCol", Value::Text("a".into())).unwrap();
        params.put("handleInvalid", Value::Text("keep".into())).unwrap();
        let splits = vec![f64::NEG_INFINITY, 1.0, f64::INFINITY];
        let buckets = Buckets {
            columns: vec![Splits { splits: splits.clone() }],
        };
        let saved = buckets.saved_as(&params).unwrap().unwrap();
        assert_eq!((saved.operator.short(), saved.uid.as_str()), ("Bucketizer", "q"));
        assert_eq!(saved.doubles("splits").unwrap(), splits);
        assert_eq!(saved.text("handleInvalid").unwrap(), "keep");
        assert!(!saved.is_set("splitsArray") && !saved.is_set("outputCol"));
    }

    #[test]
    fn equal_bounds_are_one_and_the_ends_are_open() {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(distinct(vec![0.0, -0.0, 0.0, 2.0, 5.0]), [low, 0.0, 2.0, high]);
        assert_eq!(distinct(vec![1.0, 1.0, 1.0]), [low, 1.0, high]);
    }
}
