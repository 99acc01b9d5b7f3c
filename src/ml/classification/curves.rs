//! The curves of models of two classes over a dataset, as DataFrames (`BinaryClassificationSummary`).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, Fields};

use super::findings::{BINS, scored};
use crate::error::Result;
use crate::kernels::kernel;
use crate::ml::evaluation::binary::Curves;
use crate::ml::model::Fitted;
use crate::ml::params::Params;
use crate::ml::relation::{exploded, lists_of_structs};
use crate::ml::stage::Role;
use crate::ml::summary::scores;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::types::list_of;

/// Which curve.
#[derive(Debug, Clone, Copy)]
enum Curve {
    Roc,
    PrecisionRecall,
    FMeasure,
    Precision,
    Recall,
}

impl Curve {
    /// Returns the curve of a summary's method, with the names of its columns.
    fn of(method: &str) -> Option<(Self, [&'static str; 2])> {
        Some(match method {
            "roc" => (Self::Roc, ["FPR", "TPR"]),
            "pr" => (Self::PrecisionRecall, ["recall", "precision"]),
            "fMeasureByThreshold" => (Self::FMeasure, ["threshold", "F-Measure"]),
            "precisionByThreshold" => (Self::Precision, ["threshold", "precision"]),
            "recallByThreshold" => (Self::Recall, ["threshold", "recall"]),
            _ => return None,
        })
    }

    fn points(self, curves: &Curves) -> Vec<(f64, f64)> {
        match self {
            Self::Roc => curves.roc(),
            Self::PrecisionRecall => curves.precision_recall(),
            Self::FMeasure => curves.by_threshold(|precision, recall| match precision + recall {
                0.0 => 0.0,
                both => 2.0 * (precision * recall) / both,
            }),
            Self::Precision => curves.by_threshold(|precision, _| precision),
            Self::Recall => curves.by_threshold(|_, recall| recall),
        }
    }
}

/// Returns whether a summary's method is a curve.
pub fn is_one(method: &str) -> bool {
    Curve::of(method).is_some()
}

/// Plans a curve of a model over a dataset; `None` if there is none of the name. `of` is the model's id and params; `score` is the column that
/// decides between two classes.
///
/// A curve has a row per distinct score, from the highest down, or about a thousand.
///
/// # Errors
/// What the dataset's predictions raise.
pub fn relation(
    fitted: &dyn Fitted,
    analyzer: &mut Analyzer,
    input: Resolved,
    of: (&str, &Params),
    method: &str,
    score: &str,
) -> Result<Option<Resolved>> {
    let Some((curve, names)) = Curve::of(method) else {
        return Ok(None);
    };
    let predicted = fitted.transform(analyzer, input, of.0, of.1)?;
    let evaluator = scored(of.1, score)?.params()?;
    let Role::Evaluator(stage) = evaluator.operator.role() else {
        return Ok(None);
    };
    let scores = analyzer.ml_aggregate(&evaluator, predicted, stage.training(&evaluator)?)?;
    let ranges = analyzer.conf.parallelism();
    let fields = Fields::from(names.map(|name| Field::new(name, DataType::Float64, false)).to_vec());
    let point = DataType::Struct(fields.clone());
    let args = scores.output.iter().map(|state| state.column()).collect();
    let list = kernel::call(
        "curve",
        format!("{method} {ranges}"),
        list_of(point.clone()),
        args,
        move |args, _| {
            let (mut points, mut lengths) = (vec![], vec![]);
            for state in args[0].as_binary::<i32>() {
                let state: scores::State = training::state(state.unwrap_or_default())?;
                let own = curve.points(&Curves::new(&state, BINS, ranges));
                lengths.push(own.len());
                points.extend(own);
            }
            let column =
                |of: fn(&(f64, f64)) -> f64| -> ArrayRef { Arc::new(points.iter().map(of).collect::<Float64Array>()) };
            Ok(lists_of_structs(
                &fields,
                vec![column(|p| p.0), column(|p| p.1)],
                lengths,
            )?)
        },
    );
    exploded(analyzer, scores, list, point).map(Some)
}
