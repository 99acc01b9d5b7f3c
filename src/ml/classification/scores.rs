//! What classifiers have in common: a number per class and row, probabilities made of them, and a decision.
//!
//! ```text
//! features ─raw▶ rawPrediction ─probability▶ probability ─decide▶ prediction
//! ```

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::columns::{Body, Input};
use crate::ml::error::{Signature, VECTOR, failed_function, illegal};
use crate::ml::literal::{Kind, Value};
use crate::ml::model;
use crate::ml::params::Params;
use crate::ml::text::predictor::TextPredictor;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::values::vector::{self, Vector, VectorRef};

/// A model that scores classes, made ready to predict (`ProbabilisticClassificationModel`).
pub trait Scores: fmt::Debug + Send + Sync {
    /// Computes the raw prediction of a vector into `out`, one number per class.
    ///
    /// # Errors
    /// If the vector is one that the model refuses: what is wrong, as Spark words it.
    fn raw(&self, features: VectorRef<'_>, out: &mut Vec<f64>) -> std::result::Result<(), String>;

    /// Returns raw predictions as probabilities; `None` if the model has none (`ClassificationModel`).
    fn probability(&self, raw: &[f64]) -> Option<Vec<f64>>;

    /// Returns the class of a raw prediction.
    fn of_raw(&self, raw: &[f64]) -> f64;

    /// Returns the class of probabilities.
    fn of_probability(&self, probability: &[f64]) -> f64;
}

impl dyn Scores + '_ {
    /// Returns the raw prediction of one vector.
    ///
    /// # Errors
    /// As [`Scores::raw`].
    pub fn one(&self, features: VectorRef<'_>) -> Result<Vec<f64>> {
        let mut raw = Vec::new();
        self.raw(features, &mut raw)
            .map_err(|why| illegal(format!("requirement failed: {why}")))?;
        Ok(raw)
    }

    /// Calls `predict`, `predictRaw` or `predictProbability` with a vector; `None` for another method or other arguments.
    ///
    /// # Errors
    /// If the model refuses the vector.
    pub fn call(&self, method: &str, args: &[Value]) -> Result<Option<(Value, Kind)>> {
        let [Value::Vector(features)] = args else {
            return Ok(None);
        };
        let raw = self.one(features.view())?;
        Ok(match method {
            "predict" => Some((Value::Double(self.of_raw(&raw)), Kind::Double)),
            "predictRaw" => Some(model::dense(&raw)),
            "predictProbability" => self.probability(&raw).map(|p| model::dense(&p)),
            _ => None,
        })
    }

    /// Returns raw predictions of a column of vectors; null stays null.
    ///
    /// # Errors
    /// If the model refuses a vector.
    pub fn raw_column(&self, features: &dyn Array, column: &str) -> Result<ArrayRef> {
        let mut raw = Vec::new();
        vector::map(features, |row, v| {
            self.raw(v, &mut raw).map_err(|why| refused(&why, column, row))?;
            Ok(Vector::Dense(raw.clone()))
        })
    }

    /// Returns the predicted classes of a column of raw predictions; null stays null.
    ///
    /// # Errors
    /// If the column is not one of vectors.
    pub fn prediction_column(&self, raw: &dyn Array) -> Result<ArrayRef> {
        vector::map_to_double(raw, |_, v| Ok(self.of_raw(v.values())))
    }

    fn probability_column(&self, raw: &dyn Array) -> Result<ArrayRef> {
        vector::map(raw, |_, v| {
            Ok(Vector::Dense(self.probability(&v.to_dense()).unwrap_or_default()))
        })
    }
}

/// Returns the class of the largest number, each divided by its threshold if there are thresholds. Of equal ones, the first is
/// chosen (`probability2prediction`).
pub fn decided(probability: &[f64], thresholds: Option<&[f64]>) -> f64 {
    let Some(thresholds) = thresholds else {
        return VectorRef::Dense(probability).argmax() as f64;
    };
    let (mut best, mut most) = (0, f64::NEG_INFINITY);
    for (i, (p, t)) in probability.iter().zip(thresholds).enumerate() {
        // 0 / 0 is NaN, and NaN is never larger: a class without threshold and probability is not chosen.
        let scaled = p / t;
        if scaled > most {
            (best, most) = (i, scaled);
        }
    }
    best as f64
}

/// Returns the thresholds that are set; `None` if none are.
///
/// # Errors
/// If there are not as many as classes.
pub fn thresholds(params: &Params, classes: usize) -> Result<Option<Vec<f64>>> {
    if !params.is_set("thresholds") {
        return Ok(None);
    }
    let given = params.doubles("thresholds")?;
    if given.len() != classes {
        let class = params.operator.model_class().unwrap_or(params.operator.class());
        let class = class.rsplit('.').next().unwrap_or(class);
        return Err(SparkError::requirement(format!(
            "{class}.transform() called with non-matching numClasses and thresholds.length. numClasses={classes}, but \
             thresholds has length {}",
            given.len()
        )));
    }
    Ok(Some(given))
}

/// Returns the product of features and coefficients, of one size.
///
/// # Errors
/// If the features are not as many: what is wrong, as Spark words it.
pub fn dot(features: VectorRef<'_>, coefficients: &[f64]) -> std::result::Result<f64, String> {
    if features.size() != coefficients.len() {
        return Err(format!(
            "BLAS.dot(x: Vector, y:Vector) was given Vectors with non-matching sizes: x.size = {}, y.size = {}",
            features.size(),
            coefficients.len()
        ));
    }
    Ok(features.stored().map(|(i, v)| v * coefficients[i]).sum())
}

/// Returns raw predictions as probabilities that sum to 1: a soft-max, shifted so that it does not overflow
/// (`raw2probabilityInPlace`).
pub fn softmax(raw: &[f64]) -> Vec<f64> {
    let most = raw
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
    let shares: Vec<f64> = raw.iter().map(|v| (v - most).exp()).collect();
    let total: f64 = shares.iter().sum();
    shares.into_iter().map(|s| s / total).collect()
}

/// Returns the error of a row that the model refuses (`FAILED_EXECUTE_UDF`).
fn refused(why: &str, column: &str, row: usize) -> SparkError {
    let function = Signature {
        stage: "ProbabilisticClassificationModel",
        takes: VECTOR,
        gives: VECTOR,
        column: column.to_owned(),
    };
    let cause = format!("java.lang.IllegalArgumentException: requirement failed: {why}.");
    failed_function(&function, cause, row)
}

/// A model whose columns are being planned.
pub struct Predictions<'a> {
    /// The id of the model, or another word that changes what it computes.
    pub id: &'a str,
    /// Its params.
    pub params: &'a Params,
    /// The model.
    pub scores: Arc<dyn Scores>,
    /// Predicts strings without vectors, if the features are made of some and the model can.
    pub text: Option<TextPredictor>,
}

impl Predictions<'_> {
    /// Appends raw predictions, probabilities and predictions, those whose columns have names.
    ///
    /// A prediction that is made of a string by words and hashes alone is made in one pass over the string; the columns in
    /// between are then made only if somebody selects them. Otherwise each column is made of the one before: raw
    /// predictions of the features, probabilities of those, the prediction of whichever exists.
    ///
    /// # Errors
    /// If the features are not vectors, an output column exists already, or thresholds do not fit the classes.
    pub fn plan(self, analyzer: &mut Analyzer, mut input: Resolved) -> Result<Resolved> {
        let Self {
            id,
            params,
            scores,
            text,
        } = self;
        let features = analyzer.vectors(&input, &params.text("featuresCol")?)?;
        let options = format!("{id} {}", params.fingerprint());
        let (mut raw, mut probability) = (None, None);
        let features_column = features.name.clone();
        let raw_body = || -> Body {
            let (scores, column) = (scores.clone(), features_column.clone());
            Box::new(move |args, _| Ok(scores.raw_column(&args[0], &column)?))
        };
        let read_features = || Input {
            typed: features.typed.clone(),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("rawPredictionCol") {
            let read = vec![read_features()];
            input = analyzer.append(input, params, &options, &to, vector::data_type(), read, raw_body())?;
            raw = input.output.last().map(typed_attribute);
        }
        // Without a column, the raw prediction is an expression inside those that need it.
        let raw_input = |raw: &Option<Typed>| Input {
            typed: raw.clone().unwrap_or_else(|| {
                let name = format!("{}_raw", params.operator.short());
                let args = vec![features.typed.expr.clone()];
                let expr = kernel::call(&name, options.clone(), vector::data_type(), args, raw_body());
                Typed::new(expr, vector::data_type(), "raw")
            }),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("probabilityCol") {
            let scores = scores.clone();
            let body: Body = Box::new(move |args, _| Ok(scores.probability_column(&args[0])?));
            let options = format!("probability {options}");
            let read = raw_input(&raw);
            input = analyzer.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
            probability = input.output.last().map(typed_attribute);
        }
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        if let Some(fast) = text {
            let read = Input {
                name: fast.terms().source.name.clone(),
                typed: typed_attribute(&fast.terms().source),
            };
            let options = format!("text {options}");
            let body: Body = Box::new(move |args, _| Ok(fast.predict(&args[0])?));
            return analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body);
        }
        let (read, body): (Input, Body) = match (&raw, probability) {
            (None, Some(typed)) => (
                Input {
                    typed,
                    name: features.name.clone(),
                },
                Box::new(move |args, _| {
                    Ok(vector::map_to_double(&args[0], |_, v| {
                        Ok(scores.of_probability(v.values()))
                    })?)
                }),
            ),
            (raw, _) => (
                raw_input(raw),
                Box::new(move |args, _| Ok(scores.prediction_column(&args[0])?)),
            ),
        };
        let options = format!("prediction {options}");
        analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_softmax_of_raw_predictions() {
        let p = softmax(&[2f64.ln(), 6f64.ln()]);
        assert!((p[0] - 0.25).abs() < 1e-12 && (p[1] - 0.75).abs() < 1e-12);
        assert!(softmax(&[f64::NAN, f64::NAN])[0].is_nan());
    }

    #[test]
    fn thresholds_divide_before_the_largest_is_chosen() {
        assert_eq!(decided(&[0.4, 0.6], None), 1.0);
        assert_eq!(decided(&[0.4, 0.6], Some(&[0.1, 0.9])), 0.0);
        assert_eq!(decided(&[0.5, 0.5], Some(&[0.5, 0.5])), 0.0);
    }
}
