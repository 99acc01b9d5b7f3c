//! `MultilabelMetrics`: predictions of rows that have several labels each.

use crate::error::Result;
use crate::ml::columns::Reads;
use crate::ml::error::illegal;
use crate::ml::literal::Kind;
use crate::ml::params::{Default, LABEL, NON_NEGATIVE, PREDICTION, Param, Params, one_of, param};
use crate::ml::stage::{Evaluator, Role, Stage, Training};
use crate::ml::summary::label_sets::{Label, LabelSets, State};
use crate::ml::training;

/// Names of the metrics, as `metricName` takes them.
const METRICS: &[&str] = &[
    "subsetAccuracy",
    "accuracy",
    "hammingLoss",
    "precision",
    "recall",
    "f1Measure",
    "precisionByLabel",
    "recallByLabel",
    "f1MeasureByLabel",
    "microPrecision",
    "microRecall",
    "microF1Measure",
];

/// Measures predictions of several labels per row (`MultilabelClassificationEvaluator`).
///
/// Both columns are lists of doubles. `metricLabel` chooses the label of metrics "by label"; `subsetAccuracy` wants
/// the predictions in the order of the labels, as Spark's does. A row without labels makes `recall` NaN.
#[derive(Debug)]
pub struct MultilabelEvaluator;

impl Stage for MultilabelEvaluator {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.evaluation.MultilabelClassificationEvaluator"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            LABEL,
            param("metricLabel", Kind::Double, Default::Double(0.0), NON_NEGATIVE),
            one_of("metricName", "f1Measure", METRICS),
            PREDICTION,
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Evaluator(self)
    }
}

impl Evaluator for MultilabelEvaluator {
    fn training(&self, params: &Params) -> Result<Training> {
        let (prediction, label) = (params.text("predictionCol")?, params.text("labelCol")?);
        let reads = vec![
            (prediction.clone(), Reads::DoubleLists),
            (label.clone(), Reads::DoubleLists),
        ];
        Ok(Training::new(reads, move || {
            Box::new(LabelSets::new(prediction.clone(), label.clone()))
        }))
    }

    fn metric(&self, params: &Params, state: &[u8], _ranges: usize) -> Result<f64> {
        let state: State = training::state(state)?;
        metric(&params.text("metricName")?, params.double("metricLabel")?, &state)
    }
}

/// Returns a metric of the sums; `f1Measure` by any other name.
///
/// # Errors
/// If a metric is asked for by a label that was never predicted where it is: Spark's map has no such key.
fn metric(name: &str, label: f64, state: &State) -> Result<f64> {
    let one = state
        .labels
        .iter()
        .find(|l| l.label == label)
        .copied()
        .unwrap_or_default();
    let all = state.labels.iter().fold(Label::default(), |a, l| Label {
        label: 0.0,
        hits: a.hits + l.hits,
        false_alarms: a.false_alarms + l.false_alarms,
        misses: a.misses + l.misses,
    });
    let share = |hits: f64, others: f64| if hits == 0.0 { 0.0 } else { hits / (hits + others) };
    let (precision, recall) = (share(one.hits, one.false_alarms), share(one.hits, one.misses));
    if name.ends_with("ByLabel") && one.hits == 0.0 {
        let text = crate::values::text::double(label);
        return Err(illegal(format!(
            "key not found: {text}. No row has the label and is predicted to."
        )));
    }
    Ok(match name {
        "subsetAccuracy" => state.same / state.rows,
        "accuracy" => state.accuracy / state.rows,
        "hammingLoss" => {
            let labels = state.labels.iter().filter(|l| l.hits + l.misses > 0.0).count();
            state.differing / (state.rows * labels as f64)
        }
        "precision" => state.precision / state.rows,
        "recall" => state.recall / state.rows,
        "precisionByLabel" => precision,
        "recallByLabel" => recall,
        "f1MeasureByLabel" => 2.0 * precision * recall / (precision + recall),
        "microPrecision" => all.hits / (all.hits + all.false_alarms),
        "microRecall" => all.hits / (all.hits + all.misses),
        "microF1Measure" => 2.0 * all.hits / (2.0 * all.hits + all.misses + all.false_alarms),
        _ => state.f1 / state.rows,
    })
}
