//! Directories of `RFormulaModel`: the formula in `data/`, and the stages it stands for in `pipelineModel/`.

use std::sync::Arc;

use serde_json::json;

use super::steps::{Step, Steps};
use super::terms::Resolved as Formula;
use super::{Categories, Form, Learned, Size};
use crate::error::Result;
use crate::ml::feature::count_vectorizer::Words;
use crate::ml::feature::string_indexer::Labels;
use crate::ml::params::Params;
use crate::ml::persistence::data::{self, Column, Row};
use crate::ml::persistence::{self, File, Loaded};
use crate::settings::SPARK_VERSION;

/// The folder of the stages.
const PIPELINE: &str = "pipelineModel";

/// Returns the row that Spark saves of a formula.
///
/// # Errors
/// If there are too many terms.
pub(super) fn columns(formula: &Formula) -> Result<Vec<Column>> {
    let terms: Vec<&[String]> = formula.terms.iter().map(Vec::as_slice).collect();
    Ok(vec![
        Column::text("label", &formula.label),
        Column::text_lists("terms", &terms)?,
        Column::bool("hasIntercept", formula.has_intercept),
    ])
}

/// Returns the files of the stages, as a pipeline of models.
///
/// # Errors
/// If a model cannot be written.
pub(super) fn pipeline(steps: &Steps, params: &Params, now_ms: i64, part: &str) -> Result<Vec<File>> {
    let class = |step: &Step| {
        let operator = step.params.operator;
        let model = operator.model_class().filter(|_| step.fitted.is_some());
        model.unwrap_or(operator.class()).to_owned()
    };
    let files = |step: &Step| persistence::save(&class(step), &step.params, step.fitted.as_deref(), now_ms, part);
    let mut folders = vec![];
    for step in &steps.stages {
        folders.push((step.params.uid.clone(), files(step)?));
    }
    let tail = params.uid.rsplit('_').next().unwrap_or_default();
    for (short, prefix, row) in [
        (
            "VectorAttributeRewriter",
            "vectorAttrRewriter",
            rewriter(steps, params)?,
        ),
        (
            "ColumnPruner",
            "columnPruner",
            vec![Column::texts("columnsToPrune", &steps.temporary)?],
        ),
    ] {
        let (class, uid) = (
            format!("org.apache.spark.ml.feature.{short}"),
            format!("{prefix}_{tail}"),
        );
        let mut own = metadata(&class, &uid, &json!({}), now_ms, part);
        own.push((format!("data/part-00000-{part}-c000.snappy.parquet"), data::write(row)?));
        own.push(("data/_SUCCESS".to_owned(), vec![]));
        folders.push((uid, own));
    }
    if let Some(step) = &steps.label {
        folders.push((step.params.uid.clone(), files(step)?));
    }
    let uids: Vec<&String> = folders.iter().map(|(uid, _)| uid).collect();
    let map = json!({ "stageUids": uids });
    let mut all = metadata("org.apache.spark.ml.PipelineModel", &params.uid, &map, now_ms, part);
    let digits = folders.len().to_string().len();
    for (number, (uid, files)) in folders.into_iter().enumerate() {
        let below = |(name, bytes)| (format!("stages/{number:0digits$}_{uid}/{name}"), bytes);
        all.extend(files.into_iter().map(below));
    }
    Ok(all
        .into_iter()
        .map(|(name, bytes)| (format!("{PIPELINE}/{name}"), bytes))
        .collect())
}

/// Returns the row of the stage that names the features.
fn rewriter(steps: &Steps, params: &Params) -> Result<Vec<Column>> {
    Ok(vec![
        Column::text("vectorCol", &params.text("featuresCol")?),
        Column::text_map("prefixesToRewrite", &steps.prefixes)?,
    ])
}

/// Returns the metadata of a stage that has no params of its own.
fn metadata(class: &str, uid: &str, map: &serde_json::Value, now_ms: i64, part: &str) -> Vec<File> {
    let metadata = json!({
        "class": class, "timestamp": now_ms, "sparkVersion": SPARK_VERSION, "uid": uid, "paramMap": map, "defaultParamMap": {},
    });
    vec![
        (
            format!("metadata/part-00000-{part}-c000.txt"),
            format!("{metadata}\n").into_bytes(),
        ),
        ("metadata/_SUCCESS".to_owned(), vec![]),
    ]
}

/// Reads what a formula has learned.
///
/// # Errors
/// `CORRUPT_MODEL` if the formula or a stage that has learned something cannot be read.
pub(super) fn read(row: &Row<'_>) -> Result<Learned> {
    let terms = row.text_lists("terms")?.into_iter().map(|words| Words { words });
    let label_col = row.metadata()["paramMap"]["labelCol"]
        .as_str()
        .unwrap_or("label")
        .to_owned();
    let mut learned = Learned {
        formula: Some(Form {
            label: row.text("label")?,
            terms: terms.collect(),
            has_intercept: row.bool("hasIntercept")?,
        }),
        ..Learned::default()
    };
    let classes = [
        "org.apache.spark.ml.feature.StringIndexerModel",
        "org.apache.spark.ml.feature.VectorSizeHint",
    ];
    for Loaded { params, fitted, .. } in row.stages(&format!("{PIPELINE}/stages"), &classes)? {
        let column = params.text("inputCol")?;
        let Some(fitted) = fitted else {
            let size = i32::try_from(params.count("size")?).unwrap_or(i32::MAX);
            learned.vectors.push(Size { column, size });
            continue;
        };
        let content: Arc<dyn std::any::Any + Send + Sync> = fitted;
        let labels = content
            .downcast_ref::<Labels>()
            .and_then(|l| l.columns.first().cloned());
        let labels = labels.ok_or_else(|| row.corrupt("an indexer of strings has no labels"))?;
        if params.text("outputCol")? == label_col {
            learned.label = Some(labels);
        } else {
            learned.strings.push(Categories {
                column,
                labels: Some(labels),
            });
        }
    }
    Ok(learned)
}
