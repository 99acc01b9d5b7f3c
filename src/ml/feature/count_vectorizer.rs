//! `CountVectorizer`: words of a vocabulary to their counts.
//!
//! Training keeps every distinct word of the dataset with two numbers; the vocabulary is cut only at the end, as Spark
//! does.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{BINARY, Default, INPUT, NON_NEGATIVE, OUTPUT, POSITIVE, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::frequencies;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, VectorBuilder};

/// How often a word occurs, and in how many documents.
pub type Count = (i64, i64);

/// Returns a bound as a number of documents: from 1 on it is one, below it is a share of all.
fn documents(bound: f64, all: i64) -> f64 {
    if bound >= 1.0 { bound } else { bound * all as f64 }
}

/// Checks `minDF` against `maxDF` before a job runs, as far as they are of one form (`CountVectorizer.fit`).
///
/// # Errors
/// If both are shares or both are numbers, and the least is above the most.
pub fn check_bounds(params: &Params) -> Result<()> {
    let (least, most) = (params.double("minDF")?, params.double("maxDF")?);
    if (least >= 1.0) == (most >= 1.0) && most < least {
        return Err(SparkError::requirement("maxDF must be >= minDF."));
    }
    Ok(())
}

/// Returns the most frequent words whose document frequency is within the bounds; ties are in alphabetical order.
///
/// Spark leaves ties to the order of its partitions; ours are the same in every run. At most `vocabSize` words are
/// kept.
///
/// # Errors
/// If `maxDF` is below `minDF` as numbers of documents, or a param is of another type.
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

/// What a model does with a list of words.
#[derive(Debug)]
pub struct Counting {
    /// Place of each word in the vocabulary.
    index: hashbrown::HashMap<String, i32>,
    /// `minTF`: a count from 1 on, a share of the list's words below.
    least: f64,
    /// Whether counts become 1.
    binary: bool,
}

impl Counting {
    /// Returns the counting of a vocabulary's words, each at its index.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn new(vocabulary: &[String], params: &Params) -> Result<Self> {
        Ok(Self {
            index: vocabulary.iter().zip(0..).map(|(w, i)| (w.clone(), i)).collect(),
            least: params.double("minTF")?,
            binary: params.bool("binary")?,
        })
    }

    /// Returns sparse counts of a column of lists of words; unknown and null words are left out.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` at a null list.
    pub fn apply(&self, words: &dyn Array, column: &str) -> Result<ArrayRef> {
        let lists = words.as_list::<i32>();
        let values = lists.values().as_string::<i32>();
        let mut out = VectorBuilder::with_capacity(lists.len());
        let mut found: Vec<i32> = Vec::new();
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
            found.clear();
            let known = range.filter(|at| values.is_valid(*at));
            found.extend(known.filter_map(|at| self.index.get(values.value(at)).copied()));
            found.sort_unstable();
            let least = if self.least >= 1.0 {
                self.least
            } else {
                tokens * self.least
            };
            let counts = found.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f64));
            let kept = counts.filter(|(_, count)| *count >= least);
            out.push_sparse(
                self.index.len(),
                kept.map(|(index, count)| (index, if self.binary { 1.0 } else { count })),
            );
        }
        out.finish()
    }
}

/// Learns a vocabulary from lists of words (`CountVectorizer`).
///
/// `vocabSize` bounds the vocabulary, `minDF` and `maxDF` bound in how many documents a word must and may occur. Null
/// lists are not documents; null words are not counted.
#[derive(Debug)]
pub struct CountVectorizer;

impl Stage for CountVectorizer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.CountVectorizer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            BINARY,
            param("maxDF", Kind::Double, Default::Double(i64::MAX as f64), NON_NEGATIVE),
            param("minDF", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("minTF", Kind::Double, Default::Double(1.0), NON_NEGATIVE),
            param("vocabSize", Kind::Int, Default::Int(1 << 18), POSITIVE),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Estimator(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&KIND)
    }
}

impl Estimator for CountVectorizer {
    fn training(&self, params: &Params) -> Result<Training> {
        check_bounds(params)?;
        let reads = vec![(params.text("inputCol")?, Reads::Words)];
        Ok(Training::new(reads, || {
            Box::new(frequencies::WordFrequencies::default())
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: frequencies::Words = training::state(state)?;
        let counts = state.words.into_iter().map(|(w, o)| (w, (o.count, o.docs))).collect();
        let words = vocabulary(counts, state.docs, params)?;
        Ok(Model::new(params, Words { words }))
    }
}

/// `CountVectorizerModel`: the words of a vocabulary by their index.
#[derive(Clone, PartialEq, Message)]
pub struct Words {
    /// The words, each once.
    #[prost(string, repeated, tag = "1")]
    pub words: Vec<String>,
}

/// How the model is named, decoded and loaded.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.CountVectorizerModel"),
    tag: 12,
    decode: model::decoded::<Words>,
    read: |row| {
        Ok(Arc::new(Words {
            words: row.texts("vocabulary")?,
        }))
    },
};

impl Fitted for Words {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = analyzer.strings(&input, &column)?;
        let name = read.name.clone();
        let counting = Counting::new(&self.words, params)?;
        let body: Body = Box::new(move |args, _| Ok(counting.apply(&args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "vocabulary" => Some((Value::texts(self.words.clone()), Kind::Texts)),
            _ => None,
        })
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(format!("vocabularySize={}", self.words.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![Column::texts("vocabulary", &self.words)?])
    }
}
