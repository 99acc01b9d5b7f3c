//! The fast path of text: strings → words → hashed terms → sums or classes, in one pass over the column's buffer.
//!
//! A column that a tokenizer, stop word removers and `HashingTF` made of one text column is known by its recipe. Who only
//! counts such a column needs neither arrays of words nor vectors: it goes over the [`words`] of the strings and asks for
//! the index of each. So does naive Bayes, when it predicts ([`predictor`]) and when it is trained
//! ([`super::summary::text_classes`]); results are the same to the last bit.
//!
//! ```text
//! text ─Tokenizer─▶ words ─StopWordsRemover*─▶ words ─HashingTF─▶ vector ─NaiveBayesModel─▶ prediction
//!   └──────────────────────── TextPredictor: one kernel, no array in between ──────────────────▲
//! ```
//!
//! Stages note the recipe in [`super::transform::Context`] when they append a column; any other stage in between breaks
//! the chain, and the general path is taken.

pub mod predictor;
pub mod words;

use std::sync::Arc;

use arrow::array::{Array, AsArray};

use super::feature::hashing_tf::Hashing;
use super::feature::stop_words::Filter;
use super::feature::tokenizer;
use crate::error::Result;
use crate::plan::scope::{Attribute, Resolved};
use words::LoweredTexts;

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

    /// Returns the recipe of counts; `None` if the column holds words.
    pub fn counts(self) -> Option<HashedText> {
        let hashing = self.hashing?;
        Some(HashedText {
            source: self.source,
            filters: self.filters,
            hashing,
        })
    }
}

/// How vectors of counts are made of a column of strings.
#[derive(Debug, Clone)]
pub struct HashedText {
    /// The column of strings.
    pub source: Attribute,
    /// Stop word removers, in their order; a word goes if any removes it.
    filters: Vec<Arc<Filter>>,
    /// How words become indices.
    pub hashing: Hashing,
}

impl HashedText {
    /// Returns the strings of a batch in lower case.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` at a null, as `Tokenizer` refuses it.
    pub fn lowered(&self, texts: &dyn Array) -> Result<LoweredTexts> {
        if let Some(row) = tokenizer::first_null(texts) {
            return Err(tokenizer::null_text("Tokenizer", &self.source.name, row));
        }
        Ok(LoweredTexts::new(texts.as_string::<i32>()))
    }

    /// Calls `take` with the index of each word of a string, in the order of the words.
    #[inline]
    pub fn each_index(&self, texts: &LoweredTexts, row: usize, mut take: impl FnMut(usize)) {
        for word in texts.words(row) {
            if self.filters.is_empty() || self.keeps(texts.bytes_of(&word)) {
                take(self.hashing.of_word(&word, texts));
            }
        }
    }

    /// Returns whether no filter removes a word.
    fn keeps(&self, word: &[u8]) -> bool {
        std::str::from_utf8(word).is_ok_and(|word| !self.filters.iter().any(|f| f.removes_lower(word)))
    }

    /// Counts indices, which it sorts: (index, count), ascending.
    pub fn count_into(&self, indices: &mut [u32], counts: &mut Vec<(u32, f64)>) {
        indices.sort_unstable();
        counts.clear();
        for run in indices.chunk_by(|a, b| a == b) {
            let count = if self.hashing.binary { 1.0 } else { run.len() as f64 };
            counts.push((run[0], count));
        }
    }
}

/// Returns the column of strings that tests begin with.
#[cfg(test)]
pub fn text_column() -> Attribute {
    Attribute {
        id: "#1".into(),
        name: "text".into(),
        qualifier: vec![],
        data_type: arrow::datatypes::DataType::Utf8,
        nullable: true,
        event_time: false,
        time_window: false,
        copy_of: None,
        metadata: None,
    }
}
