//! `CountVectorizerModel`: words of a vocabulary to their counts.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, ArrayRef, AsArray};

use crate::error::{Result, SparkError};
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::params::Params;
use crate::values::vector::{VectorBuilder, VectorRef};

/// How often a word occurs, and in how many documents.
pub type Count = (i64, i64);

/// A bound that is a number of documents from 1 on, and a share of them below.
fn documents(bound: f64, all: i64) -> f64 {
    if bound >= 1.0 { bound } else { bound * all as f64 }
}

/// # Errors
/// Where bounds of one form contradict each other (`CountVectorizer.fit`).
pub fn check_bounds(params: &Params) -> Result<()> {
    let (least, most) = (params.double("minDF")?, params.double("maxDF")?);
    if (least >= 1.0) == (most >= 1.0) && most < least {
        return Err(SparkError::requirement("maxDF must be >= minDF."));
    }
    Ok(())
}

/// The most frequent words whose document frequency is within the bounds; ties in alphabetical order.
pub fn vocabulary(counts: HashMap<String, Count>, num_docs: i64, params: &Params) -> Result<Vec<String>> {
    let least = documents(params.double("minDF")?, num_docs);
    let most = documents(params.double("maxDF")?, num_docs);
    if most < least {
        return Err(SparkError::requirement("maxDF must be >= minDF."));
    }
    let mut kept: Vec<(String, i64)> = counts
        .into_iter()
        .filter(|(_, (_, df))| *df as f64 >= least && *df as f64 <= most)
        .map(|(word, (count, _))| (word, count))
        .collect();
    kept.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    kept.truncate(params.count("vocabSize")?);
    Ok(kept.into_iter().map(|(word, _)| word).collect())
}

/// What a model does with an array of words.
#[derive(Debug)]
pub struct Counting {
    index: HashMap<String, i32>,
    least: f64,
    binary: bool,
}

impl Counting {
    pub fn new(vocabulary: &[String], params: &Params) -> Result<Self> {
        Ok(Self {
            index: vocabulary.iter().zip(0..).map(|(w, i)| (w.clone(), i)).collect(),
            least: params.double("minTF")?,
            binary: params.bool("binary")?,
        })
    }

    pub fn apply(&self, words: &dyn Array, column: &str) -> Result<ArrayRef> {
        let lists = words.as_list::<i32>();
        let values = lists.values().as_string::<i32>();
        let mut out = VectorBuilder::with_capacity(lists.len());
        for row in 0..lists.len() {
            if lists.is_null(row) {
                let function = Signature {
                    stage: "CountVectorizerModel",
                    takes: "array<string>",
                    gives: VECTOR,
                    column: column.to_owned(),
                };
                return Err(failed_function(
                    &function,
                    "java.lang.NullPointerException: Cannot invoke \"scala.collection.immutable.Seq.foreach(scala.Function1)\" because \"document\" is null.",
                    row,
                ));
            }
            let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
            let tokens = range.len() as f64;
            let mut counts: BTreeMap<i32, f64> = BTreeMap::new();
            for at in range.filter(|at| values.is_valid(*at)) {
                if let Some(index) = self.index.get(values.value(at)) {
                    *counts.entry(*index).or_default() += 1.0;
                }
            }
            let least = if self.least >= 1.0 {
                self.least
            } else {
                tokens * self.least
            };
            counts.retain(|_, count| *count >= least);
            let (indices, counts): (Vec<i32>, Vec<f64>) = counts
                .into_iter()
                .map(|(i, c)| (i, if self.binary { 1.0 } else { c }))
                .unzip();
            out.push(VectorRef::Sparse {
                size: self.index.len(),
                indices: &indices,
                values: &counts,
            });
        }
        out.finish()
    }
}
