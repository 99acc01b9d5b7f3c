//! `IndexToString`: indices back to labels.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Float64Type};

use crate::error::Result;
use crate::ml::columns::Body;
use crate::ml::error::{illegal, invalid_value};
use crate::ml::literal::Kind;
use crate::ml::params::{INPUT, OUTPUT, Param, Params, free};
use crate::ml::stage::{Role, Stage, Transformer};
use crate::ml::transform::Context;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// Returns the label of each index; null stays null, and fractions are cut off as Java's `toInt` does.
///
/// # Errors
/// `USER_RAISED_EXCEPTION` if an index has no label.
pub fn apply(labels: &[String], indices: &dyn Array, column: &str) -> Result<ArrayRef> {
    let indices = indices.as_primitive::<Float64Type>();
    let mut out = StringBuilder::new();
    for (row, index) in indices.iter().enumerate() {
        let Some(index) = index else {
            out.append_null();
            continue;
        };
        // Java's `toInt` cuts the fraction off.
        match labels.get(index as usize).filter(|_| index > -1.0) {
            Some(label) => out.append_value(label),
            None => return Err(invalid_value(format!("Unseen index: {} ??", index as i64), column, row)),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Turns indices back into the labels of a `StringIndexer`; indices without a label are errors (`IndexToString`).
///
/// The labels are those of the param `labels`, else those of the column, which it has if a `StringIndexerModel` of the
/// same plan made it.
#[derive(Debug)]
pub struct IndexToString;

impl Stage for IndexToString {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.IndexToString"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[INPUT, OUTPUT, free("labels", Kind::Texts)];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for IndexToString {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = analyzer.numbers(&input, &column)?;
        let known = read
            .typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(analyzer)?.labels.get(&a.id));
        let labels = match (params.is_set("labels"), known) {
            (true, _) => Arc::new(params.texts("labels")?),
            (false, Some(labels)) => labels.clone(),
            (false, None) => {
                return Err(illegal(format!(
                    "Output column {} has no labels: column {column} has no metadata, and the param labels is not set.",
                    params.text("outputCol")?
                )));
            }
        };
        let name = read.name.clone();
        let options = format!("{} {labels:?}", params.fingerprint());
        let read = analyzer.as_double(read)?;
        let body: Body = Box::new(move |args, _| Ok(apply(&labels, &args[0], &name)?));
        let to = params.text("outputCol")?;
        analyzer.append(input, params, &options, &to, DataType::Utf8, vec![read], body)
    }
}
