//! `MulticlassMetrics`: what a confusion matrix says.
//!
//! Every metric but the log loss is made of three weights per class (`Tally`), so one pass over the matrix
//! serves any of them.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::literal::Kind;
use crate::ml::params::{
    Check, Default, LABEL, NON_NEGATIVE, POSITIVE, PREDICTION, PROBABILITY, Param, Params, WEIGHT, one_of, param,
};
use crate::ml::stage::{Evaluator, Role, Stage, Training};
use crate::ml::summary::confusion::{self, State};
use crate::ml::training;

/// Names of the metrics, as `metricName` takes them; the first is the default.
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
    /// Returns the share of hits among the rows that were predicted to be of the class; 0 if none was.
    fn precision(self) -> f64 {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// Returns the share of hits among the rows that are of the class; 0 if none is.
    fn recall(self) -> f64 {
        ratio(self.hits, self.labelled)
    }

    /// Returns the share of the other classes' rows that were predicted to be of this one; `all` is the weight of all
    /// rows.
    fn false_positive_rate(self, all: f64) -> f64 {
        ratio(self.false_alarms, all - self.labelled)
    }

    /// Returns the weighted harmonic mean of precision and recall, in which recall counts `beta` times as much.
    fn f_measure(self, beta: f64) -> f64 {
        let (p, r, square) = (self.precision(), self.recall(), beta * beta);
        if p + r == 0.0 {
            0.0
        } else {
            (1.0 + square) * p * r / (square * p + r)
        }
    }
}

/// Divides, with 0 for nothing of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// Returns whether a metric needs the column of probabilities: only the log loss does.
pub fn needs_probabilities(name: &str) -> bool {
    name == "logLoss"
}

/// Returns the metric that an evaluator's params name; `f1` by any name that is not in [`METRICS`].
///
/// Labels and predictions are compared as doubles: 1 and 1.0 are one class.
///
/// # Errors
/// If a param has a value of another type.
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

/// Measures predictions of several classes (`MulticlassClassificationEvaluator`).
///
/// Reads `labelCol`, `predictionCol`, `weightCol` and, for the log loss, `probabilityCol`. `metricLabel` chooses the
/// class of metrics "by label", `beta` weighs the F-measure, `eps` keeps probabilities of the log loss off 0 and 1.
#[derive(Debug)]
pub struct MulticlassEvaluator;

impl Stage for MulticlassEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            param("beta", Kind::Double, Default::Double(1.0), POSITIVE),
            param("eps", Kind::Double, Default::Double(1e-15), Check::Between(0.0, 0.5)),
            LABEL,
            param("metricLabel", Kind::Double, Default::Double(0.0), NON_NEGATIVE),
            one_of("metricName", "f1", METRICS),
            PREDICTION,
            PROBABILITY,
            WEIGHT,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

impl Evaluator for MulticlassEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let weight = params.column("weightCol");
        let names = confusion::Names {
            label: params.text("labelCol")?,
            prediction: params.text("predictionCol")?,
            probability: params.text("probabilityCol")?,
            weight: weight.clone().unwrap_or_default(),
        };
        let mut reads = vec![
            (names.label.clone(), Reads::Numbers),
            (names.prediction.clone(), Reads::Numbers),
        ];
        let has_weight = weight.is_some();
        reads.extend(weight.map(|w| (w, Reads::Numbers)));
        let eps = if needs_probabilities(&params.text("metricName")?) {
            reads.push((names.probability.clone(), Reads::Points));
            Some(params.double("eps")?)
        } else {
            None
        };
        Ok(Training::new(reads, move || {
            Box::new(confusion::Confusion::new(names.clone(), has_weight, eps))
        }))
    }

    fn metric(&self, params: &Params, state: &[u8], _ranges: usize) -> Result<f64> {
        metric(params, &training::state(state)?)
    }
}
