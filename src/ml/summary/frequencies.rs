//! Document frequencies: of features for `IDF`, of words for `CountVectorizer`.

use arrow::array::{Array, ArrayRef, AsArray};
use hashbrown::HashMap;
use prost::Message;

use super::{Summary, corrupt};
use crate::error::{Result, SparkError};
use crate::ml::error::invalid_value;
use crate::values::vector::VectorColumn;

/// Documents, and those that have each feature.
#[derive(Clone, PartialEq, Message)]
pub struct Features {
    /// Number of documents per feature that have it.
    #[prost(int64, repeated, tag = "1")]
    pub doc_freq: Vec<i64>,
    /// Number of documents.
    #[prost(int64, tag = "2")]
    pub docs: i64,
}

/// Counts in how many vectors each feature is above 0 (`IDF.DocumentFrequencyAggregator`). Null vectors are errors.
#[derive(Debug)]
pub struct FeatureFrequencies {
    /// Name of the column in errors.
    column: String,
    /// The counts so far.
    state: Features,
}

impl FeatureFrequencies {
    /// Returns an empty summary; errors name `column`.
    pub fn new(column: String) -> Self {
        Self {
            column,
            state: Features::default(),
        }
    }

    /// Takes the size of the first vector, and checks that of every other.
    ///
    /// # Errors
    /// If a vector differs in size.
    fn sized(&mut self, size: usize) -> Result<()> {
        if self.state.docs == 0 {
            self.state.doc_freq = vec![0; size];
        }
        if self.state.doc_freq.len() == size {
            return Ok(());
        }
        Err(SparkError::requirement(format!(
            "Dimensions mismatch in column {}: {} and {size} features.",
            self.column,
            self.state.doc_freq.len()
        )))
    }
}

impl Summary for FeatureFrequencies {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let vectors = VectorColumn::new(&columns[0])?;
        for row in 0..vectors.len() {
            let vector = vectors
                .get(row)
                .ok_or_else(|| invalid_value("Vectors MUST NOT be Null", &self.column, row))?;
            self.sized(vector.size())?;
            self.state.docs += 1;
            for (i, _) in vector.stored().filter(|(_, v)| *v > 0.0) {
                self.state.doc_freq[i] += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Features::decode(state).map_err(|e| corrupt(&e))?;
        if other.docs > 0 {
            self.sized(other.doc_freq.len())?;
            self.state.docs += other.docs;
            self.state
                .doc_freq
                .iter_mut()
                .zip(&other.doc_freq)
                .for_each(|(a, b)| *a += b);
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.state.doc_freq.len() * 8
    }
}

/// Documents, and words with their occurrences.
#[derive(Clone, PartialEq, Message)]
pub struct Words {
    /// Occurrences per word.
    #[prost(map = "string, message", tag = "1")]
    pub words: std::collections::HashMap<String, Occurrences>,
    /// Number of documents.
    #[prost(int64, tag = "2")]
    pub docs: i64,
}

/// How often a word occurs.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Occurrences {
    /// Number of occurrences.
    #[prost(int64, tag = "1")]
    pub count: i64,
    /// Number of documents.
    #[prost(int64, tag = "2")]
    pub docs: i64,
}

/// A word as it is counted.
#[derive(Debug, Default)]
struct Counted {
    /// Number of occurrences.
    count: i64,
    /// Number of documents.
    docs: i64,
    /// The number of the last document that has it.
    last: i64,
}

/// Counts how often each word occurs in lists of words, and in how many lists. Null lists and words are left out.
#[derive(Debug, Default)]
pub struct WordFrequencies {
    /// The words so far.
    words: HashMap<String, Counted>,
    /// Number of documents.
    docs: i64,
}

impl Summary for WordFrequencies {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let lists = columns[0].as_list::<i32>();
        let values = lists.values().as_string::<i32>();
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            self.docs += 1;
            let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
            for word in range.filter(|at| values.is_valid(*at)).map(|at| values.value(at)) {
                let known = self.words.entry_ref(word).or_default();
                known.count += 1;
                known.docs += i64::from(known.last != self.docs);
                known.last = self.docs;
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Words::decode(state).map_err(|e| corrupt(&e))?;
        self.docs += other.docs;
        for (word, more) in other.words {
            let known = self.words.entry(word).or_default();
            known.count += more.count;
            known.docs += more.docs;
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let occurrences = |word: &Counted| Occurrences {
            count: word.count,
            docs: word.docs,
        };
        let words = self
            .words
            .iter()
            .map(|(word, known)| (word.clone(), occurrences(known)));
        let state = Words {
            words: words.collect(),
            docs: self.docs,
        };
        state.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + self.words.len() * 64
    }
}
