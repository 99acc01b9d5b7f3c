//! `RegressionMetrics`: how far predictions are from labels.

use crate::error::{Result, SparkError};
use crate::ml::columns::Reads;
use crate::ml::params::{LABEL, PREDICTION, Param, Params, WEIGHT, flag, one_of};
use crate::ml::stage::{Evaluator, Role, Stage, Training};
use crate::ml::summary::moments::Moments;
use crate::ml::summary::residuals::{Names, Residuals};
use crate::ml::training;

/// Measures predictions of numbers (`RegressionEvaluator`).
///
/// `rmse`, `mse` and `mae` are errors, smaller is better; `r2` is the share of the variance of labels that is
/// explained, of their squares with `throughOrigin`; `var` is the explained variance. Nulls are errors.
#[derive(Debug)]
pub struct RegressionEvaluator;

impl Stage for RegressionEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.RegressionEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            LABEL,
            one_of("metricName", "rmse", &["mse", "rmse", "r2", "mae", "var"]),
            PREDICTION,
            flag("throughOrigin", false),
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

impl Evaluator for RegressionEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let weight = params.column("weightCol");
        let names = Names {
            prediction: params.text("predictionCol")?,
            label: params.text("labelCol")?,
            weight: weight.clone().unwrap_or_default(),
        };
        let mut reads = vec![
            (names.prediction.clone(), Reads::Floats),
            (names.label.clone(), Reads::Numbers),
        ];
        reads.extend(weight.map(|w| (w, Reads::Numbers)));
        Ok(Training::new(reads, move || Box::new(Residuals::new(names.clone()))))
    }

    fn metric(&self, params: &Params, state: &[u8], _ranges: usize) -> Result<f64> {
        let moments: Moments = training::state(state)?;
        if moments.rows == 0 {
            return Err(SparkError::requirement("Nothing has been added to this summarizer."));
        }
        measured(&params.text("metricName")?, params.bool("throughOrigin")?, &moments)
    }
}

/// Returns a metric of the moments of labels, errors and predictions; `rmse` by any other name.
///
/// # Errors
/// If there are not three moments, an internal error.
pub fn measured(name: &str, through_origin: bool, moments: &Moments) -> Result<f64> {
    let none = || SparkError::internal("an evaluation has no moments");
    let squares = |i: usize| moments.square_sums().get(i).copied().ok_or_else(none);
    let (label, error, prediction) = (squares(0)?, squares(1)?, squares(2)?);
    let weight = moments.total_weight;
    let mean = moments.means();
    Ok(match name {
        "mse" => error / weight,
        "mae" => moments.absolute_sums()[1] / weight,
        "r2" if through_origin => 1.0 - error / label,
        "r2" => 1.0 - error / (moments.variances()[0] * (weight - 1.0)),
        "var" => (prediction + mean[0] * mean[0] * weight - 2.0 * mean[0] * mean[2] * weight) / weight,
        _ => (error / weight).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::vector::VectorRef;

    #[test]
    fn metrics_are_those_of_their_definitions() {
        let mut moments = Moments::default();
        for (label, prediction) in [(1.0, 2.0), (3.0, 3.0), (5.0, 4.0)] {
            let row = [label, label - prediction, prediction];
            moments.add(VectorRef::Dense(&row), 1.0).unwrap();
        }
        let of = |name: &str, through: bool| measured(name, through, &moments).unwrap();
        assert_eq!(of("mse", false), 2.0 / 3.0);
        assert_eq!(of("mae", false), 2.0 / 3.0);
        assert!((of("r2", false) - (1.0 - 2.0 / 8.0)).abs() < 1e-12);
        assert!((of("r2", true) - (1.0 - 2.0 / 35.0)).abs() < 1e-12);
        // The mean of (prediction - mean of labels)².
        assert!((of("var", false) - 2.0 / 3.0).abs() < 1e-12);
    }
}
