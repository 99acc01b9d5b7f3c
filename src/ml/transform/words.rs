//! Stages over texts and words.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::*;
use crate::error::{Result, SparkError};
use crate::ml::feature::stop_words::{self, Filter};
use crate::ml::feature::{hashing_tf, tokenizer};
use crate::ml::model;
use crate::ml::operators::Stage;
use crate::ml::params::Params;
use crate::ml::text::TextTerms;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::{types, vector};

impl Analyzer {
    pub(super) fn tokenizer(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let text = self.input_column(&input, &params.text("inputCol")?)?;
        if !types::is_string(&text.typed.data_type) {
            return Err(SparkError::requirement(format!(
                "Input type must be string type but got {}.",
                types::simple_string(&text.typed.data_type)
            )));
        }
        let name = text.name.clone();
        let source = text.typed.attribute.clone();
        let simple = params.operator.stage == Stage::Tokenizer;
        let body: Body = if simple {
            Box::new(move |args, _| Ok(tokenizer::tokenize(&args[0], &name)?))
        } else {
            let regex = tokenizer::RegexWords::new(params)?;
            Box::new(move |args, _| Ok(tokenizer::tokenize_by(&regex, &args[0], &name)?))
        };
        let out = self.stage(input, params, types::list_of(DataType::Utf8), vec![text], body)?;
        if let (true, Some(source), Some(made)) = (simple, source, out.output.last()) {
            self.ml()?.texts.insert(made.id.clone(), TextTerms::new(source));
        }
        Ok(out)
    }

    pub(super) fn stop_words_remover(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let filter = Arc::new(Filter::new(params)?);
        for (from, to) in params.column_pairs()? {
            let words = self.strings(&input, &from)?;
            let known = self.text_terms(&words);
            let (own, name) = (filter.clone(), words.name.clone());
            let body: Body = Box::new(move |args, _| Ok(stop_words::apply(&own, &args[0], &name)?));
            let options = params.fingerprint();
            input = self.append(
                input,
                params,
                &options,
                &to,
                types::list_of(DataType::Utf8),
                vec![words],
                body,
            )?;
            if let (Some(known), Some(made)) = (known, input.output.last()) {
                self.ml()?.texts.insert(made.id.clone(), known.without(filter.clone()));
            }
        }
        Ok(input)
    }

    pub(super) fn hashing_tf(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let terms = self.input_column(&input, &params.text("inputCol")?)?;
        if !matches!(terms.typed.data_type, DataType::List(_)) {
            return Err(SparkError::requirement(format!(
                "The input column must be array, but got {}.",
                types::simple_string(&terms.typed.data_type)
            )));
        }
        let mut hashing = hashing_tf::Hashing::new(params)?;
        hashing.old = self.ml()?.model(&model::stage_id(&params.uid)).is_ok();
        let known = self.text_terms(&terms);
        let name = terms.name.clone();
        let body: Body = Box::new(move |args, _| Ok(hashing_tf::apply(hashing, &args[0], &name)?));
        let old = if hashing.old { "old" } else { "" };
        let out = self.stage_of(input, params, old, vector::data_type(), vec![terms], body)?;
        if let (Some(known), Some(made)) = (known, out.output.last()) {
            self.ml()?.texts.insert(made.id.clone(), known.hashed(hashing));
        }
        Ok(out)
    }

    pub(super) fn text_terms(&self, read: &Input) -> Option<TextTerms> {
        read.typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(self)?.texts.get(&a.id))
            .cloned()
    }
}
