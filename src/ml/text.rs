//! The fast path of prediction: text → words → hashed terms → class, in one pass over the text's buffer.
//!
//! A column that a tokenizer, stop word removers and `HashingTF` made of one text column is known by its recipe. A
//! naive Bayes prediction over it needs neither arrays of words nor vectors: each row's term indices are sorted in one
//! buffer and summed up in the order that the vectors would have, so that the result is the same to the last bit.
//!
//! ```text
//! text ─Tokenizer─▶ words ─StopWordsRemover*─▶ words ─HashingTF─▶ vector ─NaiveBayesModel─▶ prediction
//!   └──────────────────────── TextPredictor: one kernel, no array in between ──────────────────▲
//! ```
//!
//! Stages note the recipe in [`super::transform::Context`] when they append a column; any other stage in between breaks
//! the chain, and the general path is taken.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};

use super::classification::naive_bayes::Predictor;
use super::feature::hashing_tf::Hashing;
use super::feature::stop_words::Filter;
use super::feature::tokenizer;
use crate::error::Result;
use crate::plan::scope::{Attribute, Resolved};

/// How a column was made of a column of strings: `Tokenizer`, then filters, then `HashingTF` if it went that far.
#[derive(Debug, Clone)]
pub struct TextTerms {
    /// The column of strings.
    source: Attribute,
    /// Stop word removers, in their order; a word goes if any removes it.
    filters: Vec<Arc<Filter>>,
    /// How words become indices; `None` while the column still holds words.
    hashing: Option<Hashing>,
}

impl TextTerms {
    /// Returns the words that `Tokenizer` makes of a column.
    pub fn new(source: Attribute) -> Self {
        Self {
            source,
            filters: vec![],
            hashing: None,
        }
    }

    /// Returns the same without the words that a filter removes.
    #[must_use]
    pub fn without(mut self, filter: Arc<Filter>) -> Self {
        self.filters.push(filter);
        self
    }

    /// Returns the counts of the words under their hashes.
    #[must_use]
    pub fn hashed(mut self, hashing: Hashing) -> Self {
        self.hashing = Some(hashing);
        self
    }

    /// Returns whether the column of strings is still among the columns of a relation; a projection may have dropped
    /// it.
    pub fn source_in(&self, relation: &Resolved) -> bool {
        relation.visible().any(|a| a.id == self.source.id)
    }

    /// Returns the predictor of strings; `None` unless terms were hashed, into as many features as the model has, and
    /// the model's type can score counts without looking at the vector first.
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

/// Predicts classes of strings: tokenizing, filtering, hashing and scoring in one pass.
#[derive(Debug)]
pub struct TextPredictor {
    /// How the features come of the strings.
    terms: TextTerms,
    /// How words become indices.
    hashing: Hashing,
    /// The model.
    predictor: Arc<Predictor>,
}

impl TextPredictor {
    /// Returns the column of strings.
    pub fn source(&self) -> &Attribute {
        &self.terms.source
    }

    /// Returns the predicted class of each string as a double.
    ///
    /// Buffers are reused from row to row, so a batch allocates only its output. The cost of a row is that of its
    /// words, times the number of classes.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` at a null, as `Tokenizer` refuses it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::classification::naive_bayes::NaiveBayesModel;
    use crate::ml::feature::{hashing_tf, stop_words};
    use crate::ml::literal::Value;
    use crate::ml::matrix::Matrix;
    use crate::ml::params::Params;
    use crate::ml::stage;
    use crate::proto as sc;
    use arrow::array::StringArray;
    use arrow::datatypes::{DataType, Float64Type};

    fn params(class: &str, set: &[(&str, Value)]) -> Params {
        let operator = stage::by_name(&format!("org.apache.spark.ml.{class}")).unwrap();
        let mut params = Params::new(operator, "stage", &sc::MlParams::default()).unwrap();
        set.iter()
            .for_each(|(name, value)| params.put(name, value.clone()).unwrap());
        params
    }

    #[test]
    fn a_prediction_of_a_text_is_that_of_its_vectors() {
        const FEATURES: usize = 13;
        let texts = StringArray::from(vec![
            "The quick brown FOX",
            "",
            "  a a a b",
            "Straße ΣΑΣ İx",
            "the the",
            "so it goes goes goes",
        ]);
        let theta = (0..3 * FEATURES)
            .map(|i| -1.0 - ((i * 7919) % 101) as f64 / 17.0)
            .collect();
        let model = NaiveBayesModel {
            pi: vec![-1.1, -1.0, -1.2],
            theta: Matrix::new(3, FEATURES, theta),
            sigma: Matrix::default(),
            statistics: None,
        };
        for (kind, binary) in [("multinomial", false), ("complement", false), ("bernoulli", true)] {
            let predictor = params("classification.NaiveBayes", &[("modelType", Value::Text(kind.into()))]);
            let mut model = model.clone();
            if kind == "bernoulli" {
                model.theta.values.iter_mut().for_each(|t| *t = -t.abs());
            }
            let predictor = Arc::new(Predictor::new(&model, &predictor).unwrap());
            let hashing = Hashing {
                features: FEATURES,
                binary,
                old: false,
            };
            let filter = Arc::new(Filter::new(&params("feature.StopWordsRemover", &[])).unwrap());
            let words = tokenizer::tokenize(&texts, "text").unwrap();
            let kept = stop_words::apply(&filter, &words, "words").unwrap();
            let vectors = hashing_tf::apply(hashing, &kept, "kept").unwrap();
            let raw = predictor.raw_column(&vectors, "features").unwrap();
            let expected = predictor.prediction_column_of_raw(&raw).unwrap();
            let source = Attribute {
                id: "#1".into(),
                name: "text".into(),
                qualifier: vec![],
                data_type: DataType::Utf8,
                nullable: true,
                event_time: false,
                time_window: false,
            };
            let terms = TextTerms::new(source).without(filter).hashed(hashing);
            let found = terms.predictor(&predictor).unwrap().predict(&texts).unwrap();
            assert_eq!(
                found.as_primitive::<Float64Type>(),
                expected.as_primitive::<Float64Type>(),
                "{kind}"
            );
        }
    }
}
