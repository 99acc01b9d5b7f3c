//! Stages over categories: labels to indices, back, and to vectors.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::numbers::filtered;
use super::*;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::error::illegal;
use crate::ml::feature::{index_to_string, one_hot, string_indexer};
use crate::ml::params::Params;
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::scope::Resolved;
use crate::values::{types, vector};

impl Analyzer {
    pub(super) fn string_indexer(
        &mut self,
        mut input: Resolved,
        id: &str,
        params: &Params,
        labels: &[Arc<Vec<String>>],
    ) -> Result<Resolved> {
        let (pairs, invalid) = (params.column_pairs()?, params.text("handleInvalid")?);
        if pairs.len() != labels.len() {
            return Err(SparkError::requirement(format!(
                "StringIndexerModel has labels of {} columns, not of {}.",
                labels.len(),
                pairs.len()
            )));
        }
        let keep = invalid == "keep";
        let mut stages = Vec::new();
        for ((from, to), labels) in pairs.into_iter().zip(labels) {
            // A column that is not there is left out, as Spark does at prediction time.
            if self.names().column(&input, &from).is_none() {
                continue;
            }
            let read = self.label_text(&input, &from)?;
            stages.push((
                read,
                to,
                labels.clone(),
                Arc::new(string_indexer::Index::new(labels, keep)),
            ));
        }
        if invalid == "skip" {
            for (read, to, _, index) in &stages {
                let index = index.clone();
                let options = format!("known {id} {to} {}", params.fingerprint());
                let condition = kernel::call(
                    "string_indexer_knows",
                    options,
                    DataType::Boolean,
                    vec![read.typed.expr.clone()],
                    move |args, _| Ok(index.known(&args[0])),
                );
                input = filtered(input, condition)?;
            }
        }
        for (read, to, labels, index) in stages {
            let name = read.name.clone();
            let options = format!("{id} {to} {}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(index.apply(&args[0], &name)?));
            input = self.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
            if let Some(made) = input.output.last() {
                let all = if keep {
                    Arc::new(labels.iter().cloned().chain(["__unknown".to_owned()]).collect())
                } else {
                    labels
                };
                self.ml()?.labels.insert(made.id.clone(), all);
            }
        }
        Ok(input)
    }

    pub(super) fn index_to_string(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = self.numbers(&input, &column)?;
        let known = read
            .typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(self)?.labels.get(&a.id));
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
        let read = self.as_double(read)?;
        let body: Body = Box::new(move |args, _| Ok(index_to_string::apply(&labels, &args[0], &name)?));
        let to = params.text("outputCol")?;
        self.append(input, params, &options, &to, DataType::Utf8, vec![read], body)
    }

    pub(super) fn one_hot_encoder(&mut self, mut input: Resolved, params: &Params, sizes: &[i32]) -> Result<Resolved> {
        let (pairs, keep) = (params.column_pairs()?, params.text("handleInvalid")? == "keep");
        let drop_last = params.bool("dropLast")?;
        if pairs.len() != sizes.len() {
            return Err(SparkError::requirement(format!(
                "The number of input columns {} must be the same as the number of features {} during fitting.",
                pairs.len(),
                sizes.len()
            )));
        }
        for ((from, to), size) in pairs.into_iter().zip(sizes) {
            let read = self.numbers(&input, &from)?;
            let read = self.as_double(read)?;
            let encoder = one_hot::Encoder {
                categories: usize::try_from(*size).unwrap_or(0),
                drop_last,
                keep,
            };
            let name = read.name.clone();
            let options = format!("{} {encoder:?}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(encoder.apply(&args[0], &name)?));
            input = self.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
        }
        Ok(input)
    }

    /// A column of labels: text, or numbers as text.
    pub(super) fn label_text(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        if types::is_string(&read.typed.data_type) {
            return Ok(read);
        }
        if !types::is_numeric(&read.typed.data_type) {
            return Err(SparkError::requirement(format!(
                "The input column {name} must be either string type or numeric type, but got {}.",
                types::simple_string(&read.typed.data_type)
            )));
        }
        let typed = cast_expr::as_string(read.typed, self.mode(), self.zone)?;
        Ok(Input { typed, ..read })
    }
}
