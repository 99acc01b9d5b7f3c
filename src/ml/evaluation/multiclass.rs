//! `MulticlassMetrics`: what a confusion matrix says.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::ml::params::Params;
use crate::ml::summary::confusion::State;

/// Names of the metrics.
pub const METRICS: &[&str] = &[
    "f1",
    "accuracy",
    "weightedPrecision",
    "weightedRecall",
    "weightedTruePositiveRate",
    "weightedFalsePositiveRate",
    "weightedFMeasure",
    "truePositiveRateByLabel",
    "falsePositiveRateByLabel",
    "precisionByLabel",
    "recallByLabel",
    "fMeasureByLabel",
    "logLoss",
    "hammingLoss",
];

/// Weights of one class.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Rows that have the label.
    labelled: f64,
    /// Rows that have the label and the prediction.
    hits: f64,
    /// Rows that have the prediction only.
    false_alarms: f64,
}

impl Tally {
    fn precision(self) -> f64 {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    fn recall(self) -> f64 {
        ratio(self.hits, self.labelled)
    }

    fn false_positive_rate(self, all: f64) -> f64 {
        ratio(self.false_alarms, all - self.labelled)
    }

    fn f_measure(self, beta: f64) -> f64 {
        let (p, r, square) = (self.precision(), self.recall(), beta * beta);
        if p + r == 0.0 {
            0.0
        } else {
            (1.0 + square) * p * r / (square * p + r)
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// Whether a metric needs the column of probabilities.
pub fn needs_probabilities(name: &str) -> bool {
    name == "logLoss"
}

/// The metric that an evaluator's params name.
///
/// # Errors
/// Where a param has a value of another type.
pub fn metric(params: &Params, state: &State) -> Result<f64> {
    let mut classes: BTreeMap<u64, Tally> = BTreeMap::new();
    let (mut all, mut hits) = (0.0, 0.0);
    for ((label, prediction), weight) in state.labels.iter().zip(&state.predictions).zip(&state.weights) {
        all += weight;
        let class = classes.entry(label.to_bits()).or_default();
        class.labelled += weight;
        if label == prediction {
            class.hits += weight;
            hits += weight;
        } else {
            classes.entry(prediction.to_bits()).or_default().false_alarms += weight;
        }
    }
    let beta = params.double("beta")?;
    let one = classes
        .get(&params.double("metricLabel")?.to_bits())
        .copied()
        .unwrap_or_default();
    let weighted = |f: &dyn Fn(Tally) -> f64| classes.values().map(|c| f(*c) * c.labelled / all).sum::<f64>();
    Ok(match params.text("metricName")?.as_str() {
        "accuracy" => hits / all,
        "hammingLoss" => (all - hits) / all,
        "logLoss" => state.loss / all,
        "weightedPrecision" => weighted(&Tally::precision),
        "weightedRecall" | "weightedTruePositiveRate" => weighted(&Tally::recall),
        "weightedFalsePositiveRate" => weighted(&|c| c.false_positive_rate(all)),
        "weightedFMeasure" => weighted(&|c| c.f_measure(beta)),
        "truePositiveRateByLabel" | "recallByLabel" => one.recall(),
        "falsePositiveRateByLabel" => one.false_positive_rate(all),
        "precisionByLabel" => one.precision(),
        "fMeasureByLabel" => one.f_measure(beta),
        _ => weighted(&|c| c.f_measure(1.0)),
    })
}
