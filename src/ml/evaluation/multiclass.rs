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
pub struct Tally {
    /// Rows that have the label.
    labelled: f64,
    /// Rows that have the label and the prediction.
    hits: f64,
    /// Rows that have the prediction only.
    false_alarms: f64,
}

impl Tally {
    /// Returns the share of hits among the rows that were predicted to be of the class; 0 if none was.
    pub fn precision(self) -> f64 {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// Returns the share of hits among the rows that are of the class; 0 if none is.
    pub fn recall(self) -> f64 {
        ratio(self.hits, self.labelled)
    }

    /// Returns the share of the other classes' rows that were predicted to be of this one; `all` is the weight of all
    /// rows.
    pub fn false_positive_rate(self, all: f64) -> f64 {
        ratio(self.false_alarms, all - self.labelled)
    }

    /// Returns the weighted harmonic mean of precision and recall, in which recall counts `beta` times as much.
    pub fn f_measure(self, beta: f64) -> f64 {
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

/// The weights of all classes.
#[derive(Debug, Default)]
pub struct Tallies {
    /// By the bits of the label, which are in the order of labels from 0 on.
    classes: BTreeMap<u64, Tally>,
    /// Of all rows.
    all: f64,
    /// Of rows that were predicted right.
    hits: f64,
}

impl Tallies {
    /// Counts a confusion matrix. Labels and predictions are compared as doubles: 1 and 1.0 are one class.
    pub fn new(state: &State) -> Self {
        let mut own = Self::default();
        for ((label, prediction), weight) in state.labels.iter().zip(&state.predictions).zip(&state.weights) {
            own.all += weight;
            let class = own.classes.entry(label.to_bits()).or_default();
            class.labelled += weight;
            if label == prediction {
                class.hits += weight;
                own.hits += weight;
            } else {
                own.classes.entry(prediction.to_bits()).or_default().false_alarms += weight;
            }
        }
        own
    }

    /// Returns the labels and predictions that occur, ascending.
    pub fn labels(&self) -> Vec<f64> {
        self.classes.keys().map(|bits| f64::from_bits(*bits)).collect()
    }

    /// Returns the share of rows that were predicted right.
    pub fn accuracy(&self) -> f64 {
        self.hits / self.all
    }

    /// Returns a number for each class, of its weights and those of all rows.
    pub fn each(&self, of: impl Fn(Tally, f64) -> f64) -> Vec<f64> {
        self.classes.values().map(|c| of(*c, self.all)).collect()
    }

    /// Returns the mean of a number of each class, by how much the classes weigh.
    pub fn weighted(&self, of: impl Fn(Tally, f64) -> f64) -> f64 {
        let shares = self.classes.values().map(|c| of(*c, self.all) * c.labelled / self.all);
        shares.sum()
    }

    fn of(&self, label: f64) -> Tally {
        self.classes.get(&label.to_bits()).copied().unwrap_or_default()
    }
}

/// Returns the metric that an evaluator's params name; `f1` by any name that is not in [`METRICS`].
///
/// # Errors
/// If a param has a value of another type.
pub fn metric(params: &Params, state: &State) -> Result<f64> {
    let tallies = Tallies::new(state);
    let beta = params.double("beta")?;
    let one = tallies.of(params.double("metricLabel")?);
    Ok(match params.text("metricName")?.as_str() {
        "accuracy" => tallies.accuracy(),
        "hammingLoss" => (tallies.all - tallies.hits) / tallies.all,
        "logLoss" => state.loss / tallies.all,
        "weightedPrecision" => tallies.weighted(|c, _| c.precision()),
        "weightedRecall" | "weightedTruePositiveRate" => tallies.weighted(|c, _| c.recall()),
        "weightedFalsePositiveRate" => tallies.weighted(Tally::false_positive_rate),
        "weightedFMeasure" => tallies.weighted(|c, _| c.f_measure(beta)),
        "truePositiveRateByLabel" | "recallByLabel" => one.recall(),
        "falsePositiveRateByLabel" => one.false_positive_rate(tallies.all),
        "precisionByLabel" => one.precision(),
        "fMeasureByLabel" => one.f_measure(beta),
        _ => tallies.weighted(|c, _| c.f_measure(1.0)),
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
