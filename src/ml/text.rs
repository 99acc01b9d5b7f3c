//! The fast path of prediction: text → words → hashed terms → class, in one pass over the text's buffer.
//!
//! A column that a tokenizer, stop word removers and `HashingTF` made of one text column is known by its recipe. A naive
//! Bayes prediction over it needs neither arrays of words nor vectors: each row's term indices are sorted in one buffer and
//! summed up in the order that the vectors would have, so that the result is the same to the last bit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};

use super::classification::naive_bayes::Predictor;
use super::feature::hashing_tf::Hashing;
use super::feature::stop_words::Filter;
use super::feature::tokenizer;
use crate::error::Result;
use crate::plan::scope::{Attribute, Resolved};

/// How a column comes of a text: `Tokenizer`, then filters, then hashing where there is any.
#[derive(Debug, Clone)]
pub struct TextTerms {
    source: Attribute,
    filters: Vec<Arc<Filter>>,
    hashing: Option<Hashing>,
}

impl TextTerms {
    pub fn new(source: Attribute) -> Self {
        Self {
            source,
            filters: vec![],
            hashing: None,
        }
    }

    #[must_use]
    pub fn without(mut self, filter: Arc<Filter>) -> Self {
        self.filters.push(filter);
        self
    }

    #[must_use]
    pub fn hashed(mut self, hashing: Hashing) -> Self {
        self.hashing = Some(hashing);
        self
    }

    /// Whether the text is still among the columns of a relation.
    pub fn source_in(&self, relation: &Resolved) -> bool {
        relation.visible().any(|a| a.id == self.source.id)
    }

    /// The predictor of texts, where the terms are hashed as the model's features are.
    pub fn predictor(self, predictor: &Arc<Predictor>) -> Option<TextPredictor> {
        let hashing = self.hashing?;
        if !predictor.takes_terms(hashing.features, hashing.binary) {
            return None;
        }
        Some(TextPredictor {
            terms: self,
            hashing,
            predictor: predictor.clone(),
        })
    }
}

/// Predicts classes of texts.
#[derive(Debug)]
pub struct TextPredictor {
    terms: TextTerms,
    hashing: Hashing,
    predictor: Arc<Predictor>,
}

impl TextPredictor {
    pub fn source(&self) -> &Attribute {
        &self.terms.source
    }

    /// # Errors
    /// Where a text is null, as `Tokenizer` refuses it.
    pub fn predict(&self, texts: &dyn Array) -> Result<ArrayRef> {
        let texts = texts.as_string::<i32>();
        let mut out = Vec::with_capacity(texts.len());
        let (mut lower, mut indices, mut terms) = (String::new(), Vec::<u32>::new(), Vec::new());
        let mut raw = Vec::with_capacity(self.predictor.classes());
        for row in 0..texts.len() {
            if texts.is_null(row) {
                return Err(tokenizer::null_text("Tokenizer", &self.terms.source.name, row));
            }
            tokenizer::lower_into(texts.value(row), &mut lower);
            indices.clear();
            for word in tokenizer::words(&lower) {
                if !self.terms.filters.iter().any(|f| f.removes_lower(word)) {
                    indices.push(self.hashing.of_text(word) as u32);
                }
            }
            indices.sort_unstable();
            terms.clear();
            for run in indices.chunk_by(|a, b| a == b) {
                let count = if self.hashing.binary { 1.0 } else { run.len() as f64 };
                terms.push((run[0], count));
            }
            self.predictor.raw_of_terms(&terms, &mut raw);
            out.push(self.predictor.prediction_of_raw(&raw));
        }
        Ok(Arc::new(Float64Array::from(out)))
    }
}
