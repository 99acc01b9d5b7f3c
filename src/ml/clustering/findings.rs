//! What models and summaries of clusterings have in common (`ClusteringSummary`).

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::findings::{Finding, Measure, text};
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::model::Fitted;
use crate::ml::params::{FEATURES, PREDICTION, PROBABILITY, Params};
use crate::ml::summary::confusion;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::expression::unresolved_column;
use crate::plan::scope::{Resolved, typed_attribute};
use crate::values::vector::{VectorColumn, VectorRef};

/// Returns what a summary of a clustering says under a name: what all have, or one of the numbers of this one; `None` if it does not
/// say that.
///
/// # Errors
/// If a param is of another type.
pub(super) fn of(params: &Params, name: &str, steps: usize, numbers: &[(&str, f64)]) -> Result<Option<Finding>> {
    let k = params.count("k")?;
    let int = |n: usize| Ok(Some(Finding::Known(Value::Int(n as i64), Kind::Int)));
    let own = || numbers.iter().find(|(own, _)| *own == name);
    match name {
        "k" => int(k),
        "numIter" => int(steps),
        "clusterSizes" => sizes(params, k).map(Some),
        "featuresCol" => text(params, &FEATURES).map(Some),
        "predictionCol" => text(params, &PREDICTION).map(Some),
        "probabilityCol" if params.operator.param(name).is_some() => text(params, &PROBABILITY).map(Some),
        _ => Ok(own().map(|(_, number)| Finding::Known(Value::Double(*number), Kind::Double))),
    }
}

/// Returns how many features vectors have, or the matrix of the centres, a row per cluster; `None` for other names.
pub(super) fn of_centres<'a>(name: &str, size: u64, centres: impl Iterator<Item = &'a [f64]>) -> Option<(Value, Kind)> {
    match name {
        "numFeatures" => Some((Value::Int(size as i64), Kind::Int)),
        "clusterCenterMatrix" => {
            let rows: Vec<&[f64]> = centres.collect();
            let matrix = Matrix::new(rows.len(), size as usize, rows.concat());
            Some((matrix.value(), Kind::Matrix))
        }
        _ => None,
    }
}

/// Appends the column of clusters, if it has a name: of each vector of the column `from`, what `cluster` returns; null stays null.
///
/// # Errors
/// If the column is unknown or not one of vectors, or the new one exists.
pub(super) fn predicted(
    analyzer: &mut Analyzer,
    input: Resolved,
    (id, params): (&str, &Params),
    from: &str,
    cluster: impl Fn(VectorRef<'_>) -> Result<i32> + Send + Sync + 'static,
) -> Result<Resolved> {
    let Some(to) = params.column("predictionCol") else {
        return Ok(input);
    };
    let read = analyzer.vectors(&input, from)?;
    let body: Body = Box::new(move |args, rows| -> datafusion_common::Result<ArrayRef> {
        let vectors = VectorColumn::new(&args[0])?;
        let of = |row| vectors.get(row).map(&cluster).transpose();
        Ok(Arc::new((0..rows).map(of).collect::<Result<Int32Array>>()?))
    });
    let options = format!("{id} {}", params.fingerprint());
    analyzer.append(input, params, &options, &to, DataType::Int32, vec![read], body)
}

/// Returns how many rows are predicted to be in each of `k` clusters.
///
/// # Errors
/// If a param is of another type.
fn sizes(params: &Params, k: usize) -> Result<Finding> {
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
