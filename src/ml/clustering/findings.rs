//! What summaries of clusterings have in common (`ClusteringSummary`).

use crate::error::Result;
use crate::ml::findings::{Finding, Measure};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::Fitted;
use crate::ml::params::Params;
use crate::ml::summary::confusion;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::expression::unresolved_column;
use crate::plan::scope::{Resolved, typed_attribute};

/// Returns how many rows are predicted to be in each of `k` clusters.
///
/// # Errors
/// If a param is of another type.
pub(super) fn sizes(params: &Params, k: usize) -> Result<Finding> {
    let prediction = Value::Text(params.text("predictionCol")?);
    Ok(Finding::Measured(Measure {
        evaluator: "org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator",
        params: vec![("labelCol", prediction.clone()), ("predictionCol", prediction)],
        read: Box::new(move |state, _| {
            let state: confusion::State = training::state(state)?;
            let mut sizes = vec![0_i64; k];
            for (label, weight) in state.labels.iter().zip(&state.weights) {
                if let Some(size) = sizes.get_mut(*label as usize) {
                    *size += *weight as i64;
                }
            }
            let sizes = sizes.into_iter().map(Value::Int).collect();
            Ok((Value::List(sizes), Kind::Longs))
        }),
    }))
}

/// Plans what a summary returns as a DataFrame: the predictions, or one column of them. The dataset may have the predictions already:
/// Spark's clients send it so.
///
/// # Errors
/// As [`Fitted::transform`].
pub(super) fn relation(
    model: &dyn Fitted,
    analyzer: &mut Analyzer,
    input: Resolved,
    (id, params): (&str, &Params),
    method: &str,
) -> Result<Option<Resolved>> {
    let shown = match method {
        "predictions" => None,
        "cluster" => Some("predictionCol"),
        "probability" if params.operator.param("probabilityCol").is_some() => Some("probabilityCol"),
        _ => return Ok(None),
    };
    let outputs: Vec<String> = ["predictionCol", "probabilityCol"]
        .iter()
        .filter(|name| params.operator.param(name).is_some())
        .filter_map(|name| params.column(name))
        .collect();
    let is_predicted = input.output.iter().any(|a| outputs.contains(&a.name));
    let predictions = match is_predicted {
        true => input,
        false => model.transform(analyzer, input, id, params)?,
    };
    let Some(shown) = shown else {
        return Ok(Some(predictions));
    };
    let name = params.text(shown)?;
    let found = predictions.output.iter().find(|a| a.name == name).map(typed_attribute);
    let found = found.ok_or_else(|| unresolved_column(&name, &predictions))?;
    analyzer.select_typed(predictions, vec![found]).map(Some)
}
