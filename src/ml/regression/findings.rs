//! What summaries of linear models say (`LinearRegressionSummary`).

use crate::error::{Exception, Result, SparkError};
use crate::ml::evaluation::regression::measured;
use crate::ml::findings::{Finding, Measure, text};
use crate::ml::literal::{Kind, Value};
use crate::ml::params::{FEATURES, LABEL, PREDICTION, Params};
use crate::ml::stat::distributions;
use crate::ml::summary::moments::Moments;
use crate::ml::training;

/// What is known of a model beside its predictions.
#[derive(Debug, Clone)]
pub struct Known {
    /// How many features it has.
    pub features: usize,
    /// The diagonal of the inverse of the normal equations' matrix, per weight; one 0 if they were not solved.
    pub diagonal: Vec<f64>,
    /// Coefficients, and the intercept last if there is one.
    pub coefficients: Vec<f64>,
}

/// Returns what a summary says under a name; `None` if it does not say that.
///
/// # Errors
/// If a param is of another type.
pub fn of(params: &Params, name: &str, known: &Known) -> Result<Option<Finding>> {
    let metric = |of: &'static str| {
        let read = move |m: &Moments| Ok((Value::Double(measured(of, false, m)?), Kind::Double));
        evaluated(params, read).map(Some)
    };
    let degrees = known.coefficients.len() as i64;
    let intercept = params.bool("fitIntercept")?;
    match name {
        "featuresCol" => text(params, &FEATURES).map(Some),
        "labelCol" => text(params, &LABEL).map(Some),
        "predictionCol" => text(params, &PREDICTION).map(Some),
        "meanSquaredError" => metric("mse"),
        "rootMeanSquaredError" => metric("rmse"),
        "meanAbsoluteError" => metric("mae"),
        "explainedVariance" => metric("var"),
        "r2" => {
            let read = move |m: &Moments| Ok((Value::Double(measured("r2", !intercept, m)?), Kind::Double));
            evaluated(params, read).map(Some)
        }
        "r2adj" => {
            let features = known.features as f64;
            let read = move |m: &Moments| {
                let (r2, rows) = (measured("r2", !intercept, m)?, m.rows as f64);
                let of = f64::from(intercept);
                let adjusted = 1.0 - (1.0 - r2) * (rows - of) / (rows - features - of);
                Ok((Value::Double(adjusted), Kind::Double))
            };
            evaluated(params, read).map(Some)
        }
        "numInstances" => {
            let read = |m: &Moments| Ok((Value::Int(m.rows), Kind::Long));
            evaluated(params, read).map(Some)
        }
        "degreesOfFreedom" => {
            let read = move |m: &Moments| Ok((Value::Int(m.rows - degrees), Kind::Long));
            evaluated(params, read).map(Some)
        }
        "coefficientStandardErrors" | "tValues" | "pValues" => {
            if known.diagonal == [0.0] {
                return Err(SparkError::new(
                    Exception::Connect,
                    "",
                    "",
                    format!("No {name} available for this LinearRegressionModel"),
                ));
            }
            let (known, name) = (known.clone(), name.to_owned());
            let read = move |m: &Moments| Ok((Value::doubles(&inferred(&name, &known, m)), Kind::Doubles));
            evaluated(params, read).map(Some)
        }
        _ => Ok(None),
    }
}

/// Returns, per coefficient, its standard error, its t statistic (itself over that error), or its two-sided p-value.
fn inferred(name: &str, known: &Known, moments: &Moments) -> Vec<f64> {
    let degrees = moments.rows as f64 - known.coefficients.len() as f64;
    let errors = moments.square_sums().get(1).copied().unwrap_or_default();
    let of = |(diagonal, coefficient): (&f64, &f64)| {
        let error = (diagonal * errors / degrees).sqrt();
        let t = coefficient / error;
        match name {
            "tValues" => t,
            "pValues" => 1.0 - distributions::fisher(1.0, degrees, t * t),
            _ => error,
        }
    };
    known.diagonal.iter().zip(&known.coefficients).map(of).collect()
}

fn evaluated(params: &Params, read: impl Fn(&Moments) -> Result<(Value, Kind)> + 'static) -> Result<Finding> {
    let mut of = vec![
        ("labelCol", Value::Text(params.text("labelCol")?)),
        ("predictionCol", Value::Text(params.text("predictionCol")?)),
    ];
    of.extend(params.column("weightCol").map(|w| ("weightCol", Value::Text(w))));
    Ok(Finding::Measured(Measure {
        evaluator: "org.apache.spark.ml.evaluation.RegressionEvaluator",
        params: of,
        read: Box::new(move |state, _| read(&training::state(state)?)),
    }))
}
