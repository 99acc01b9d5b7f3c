//! What summaries of classifiers say (`ClassificationSummary`, `BinaryClassificationSummary`).

use crate::error::Result;
use crate::ml::evaluation::binary::{self, Curves};
use crate::ml::evaluation::multiclass::Tallies;
use crate::ml::findings::{Finding, Measure, text, weight_column};
use crate::ml::literal::{Kind, Value};
use crate::ml::params::{FEATURES, LABEL, PREDICTION, PROBABILITY, Params};
use crate::ml::summary::{confusion, scores};
use crate::ml::training;

/// How many points the curves of two classes have, about.
pub(super) const BINS: usize = 1000;

/// Returns what a summary says under a name; `None` if it does not say that. `score` is the column that decides between two classes;
/// models of more have none.
///
/// # Errors
/// If a param is of another type.
pub fn of(params: &Params, name: &str, args: &[Value], score: Option<&str>) -> Result<Option<Finding>> {
    let beta = match args {
        [Value::Double(beta)] => *beta,
        [Value::Int(beta)] => *beta as f64,
        _ => 1.0,
    };
    let of_all = |of: fn(&Tallies, f64) -> f64| {
        let read = move |t: &Tallies| (Value::Double(of(t, beta)), Kind::Double);
        measured(params, read).map(Some)
    };
    let by_label = |of: fn(&Tallies, f64) -> Vec<f64>| {
        let read = move |t: &Tallies| (Value::doubles(&of(t, beta)), Kind::Doubles);
        measured(params, read).map(Some)
    };
    match name {
        "featuresCol" => text(params, &FEATURES).map(Some),
        "labelCol" => text(params, &LABEL).map(Some),
        "predictionCol" => text(params, &PREDICTION).map(Some),
        "probabilityCol" if params.operator.param("probabilityCol").is_some() => text(params, &PROBABILITY).map(Some),
        "scoreCol" => Ok(score.map(|score| Finding::Known(Value::Text(score.to_owned()), Kind::Text))),
        "weightCol" => Ok(Some(weight_column(params))),
        "labels" => by_label(|t, _| t.labels()),
        "accuracy" => of_all(|t, _| t.accuracy()),
        "truePositiveRateByLabel" | "recallByLabel" => by_label(|t, _| t.each(|c, _| c.recall())),
        "falsePositiveRateByLabel" => by_label(|t, _| t.each(|c, all| c.false_positive_rate(all))),
        "precisionByLabel" => by_label(|t, _| t.each(|c, _| c.precision())),
        "fMeasureByLabel" => by_label(|t, beta| t.each(|c, _| c.f_measure(beta))),
        "weightedTruePositiveRate" | "weightedRecall" => of_all(|t, _| t.weighted(|c, _| c.recall())),
        "weightedFalsePositiveRate" => of_all(|t, _| t.weighted(|c, all| c.false_positive_rate(all))),
        "weightedPrecision" => of_all(|t, _| t.weighted(|c, _| c.precision())),
        "weightedFMeasure" => of_all(|t, beta| t.weighted(|c, _| c.f_measure(beta))),
        "areaUnderROC" => score
            .map(|score| scored(params, score).map(Finding::Measured))
            .transpose(),
        _ => Ok(None),
    }
}

/// Returns the params that every evaluator of labels has.
fn columns(params: &Params) -> Result<Vec<(&'static str, Value)>> {
    let mut columns = vec![("labelCol", Value::Text(params.text("labelCol")?))];
    columns.extend(params.column("weightCol").map(|w| ("weightCol", Value::Text(w))));
    Ok(columns)
}

fn measured(params: &Params, read: impl Fn(&Tallies) -> (Value, Kind) + 'static) -> Result<Finding> {
    let mut of = columns(params)?;
    of.push(("predictionCol", Value::Text(params.text("predictionCol")?)));
    Ok(Finding::Measured(Measure {
        evaluator: "org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator",
        params: of,
        read: Box::new(move |state, _| {
            let state: confusion::State = training::state(state)?;
            Ok(read(&Tallies::new(&state)))
        }),
    }))
}

/// Returns the area under the curve of true positives over false ones, by the scores of two classes.
///
/// # Errors
/// If a param is of another type.
pub(super) fn scored(params: &Params, score: &str) -> Result<Measure> {
    let mut of = columns(params)?;
    of.push(("rawPredictionCol", Value::Text(score.to_owned())));
    Ok(Measure {
        evaluator: "org.apache.spark.ml.evaluation.BinaryClassificationEvaluator",
        params: of,
        read: Box::new(move |state, ranges| {
            let state: scores::State = training::state(state)?;
            let area = binary::area(&Curves::new(&state, BINS, ranges).roc());
            Ok((Value::Double(area), Kind::Double))
        }),
    })
}
