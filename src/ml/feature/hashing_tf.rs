//! `HashingTF`: words to counts at hashed indices.
//!
//! Spark 3 and later hash with Murmur3 (x86, 32 bits, seed 42) as its authors wrote it; Spark 2 mixed each byte of the
//! tail as if it were a block, and models saved by it keep doing so.
//!
//! Words that share an index share a count; nothing is learned, so the stage needs no training and no vocabulary.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::literal::Kind;
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::{BINARY, Default, INPUT, OUTPUT, POSITIVE, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Role, Stage, Transformer};
use crate::ml::text::words::{LoweredTexts, Word};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::{self, VectorBuilder};
use crate::values::{murmur3, types};

/// Spark's seed.
const SEED: u32 = 42;

/// How one stage hashes.
///
/// ```
/// use rivulet::ml::feature::hashing_tf::Hashing;
///
/// let hashing = Hashing { features: 1 << 18, binary: false, old: false };
/// assert_eq!(hashing.of_text("spark"), hashing.of_text("spark"));
/// assert!(hashing.of_text("spark") < 1 << 18);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// Number of features, which hashes are taken modulo.
    pub features: usize,
    /// Whether counts above 0 become 1.
    pub binary: bool,
    /// Spark 2's variant of the hash.
    pub old: bool,
}

impl Hashing {
    /// Returns the hashing that params describe, as Spark 3 and later hash.
    ///
    /// # Errors
    /// If a param is of another type.
    pub fn new(params: &Params) -> Result<Self> {
        Ok(Self {
            features: params.count("numFeatures")?,
            binary: params.bool("binary")?,
            old: false,
        })
    }

    /// Returns a hash modulo the number of features; hashes are signed, the result is not negative.
    #[inline]
    fn index(self, hash: u32) -> usize {
        match i32::try_from(self.features) {
            Ok(features) if features > 0 => (hash as i32).rem_euclid(features) as usize,
            _ => i64::from(hash as i32).rem_euclid(self.features.max(1) as i64) as usize,
        }
    }

    /// Returns the index of a word of a lowered column.
    #[inline(always)] // A call per word would cost as much as its hash.
    pub fn of_word(self, word: &Word, texts: &LoweredTexts) -> usize {
        if word.len < 8 && !self.old {
            self.index(murmur3::finish(
                murmur3_rest(SEED, word.head, word.len as u32),
                word.len as u32,
            ))
        } else if word.len < 16 && !self.old {
            let first = murmur3_block(murmur3_block(SEED, word.head as u32), (word.head >> 32) as u32);
            let rest = (word.len - 8) as u32;
            self.index(murmur3::finish(
                murmur3_rest(first, texts.after_head(word), rest),
                rest + 8,
            ))
        } else {
            self.of_bytes(texts.bytes_of(word))
        }
    }

    /// Returns the index of a word by its bytes.
    fn of_bytes(self, word: &[u8]) -> usize {
        self.index(if self.old {
            murmur3::hash_bytes(word, SEED)
        } else {
            murmur3_32(word, SEED)
        })
    }

    /// Returns the index of a word by the bytes of its UTF-8.
    pub fn of_text(self, word: &str) -> usize {
        self.of_bytes(word.as_bytes())
    }

    /// Returns the index of an integer of at most 32 bits, or of a boolean.
    fn of_int(self, value: i32) -> usize {
        self.index(murmur3::hash_int(value, SEED))
    }

    /// Returns the index of a long, or of the bits of a double.
    fn of_long(self, value: i64) -> usize {
        self.index(murmur3::hash_long(value, SEED))
    }

    /// Returns the index of every element of an array; null has the index 0.
    ///
    /// # Errors
    /// If the elements are of a type that is not hashed: dates, decimals, structs.
    fn of_array(self, values: &dyn Array) -> Result<Vec<u32>> {
        macro_rules! indices {
            ($array:expr, $hash:expr) => {
                $array.iter().map(|v| v.map_or(0, $hash) as u32).collect()
            };
        }
        Ok(match values.data_type() {
            DataType::Utf8 => indices!(values.as_string::<i32>(), |v| self.of_text(v)),
            DataType::Int8 => indices!(values.as_primitive::<Int8Type>(), |v| self.of_int(v.into())),
            DataType::Int16 => indices!(values.as_primitive::<Int16Type>(), |v| self.of_int(v.into())),
            DataType::Int32 => indices!(values.as_primitive::<Int32Type>(), |v| self.of_int(v)),
            DataType::Int64 => indices!(values.as_primitive::<Int64Type>(), |v| self.of_long(v)),
            DataType::Boolean => indices!(values.as_boolean(), |v| self.of_int(v.into())),
            DataType::Float32 => {
                indices!(values.as_primitive::<Float32Type>(), |v: f32| self
                    .of_int(v.to_bits() as i32))
            }
            DataType::Float64 => {
                indices!(values.as_primitive::<Float64Type>(), |v: f64| self
                    .of_long(v.to_bits() as i64))
            }
            DataType::Null => vec![0; values.len()],
            other => {
                return Err(SparkError::unsupported(format!(
                    "HashingTF over terms of type {}",
                    crate::values::types::simple_string(other)
                )));
            }
        })
    }
}

/// Mixes a block into a hash.
#[inline]
fn murmur3_block(hash: u32, block: u32) -> u32 {
    murmur3::mix_h(hash, murmur3::mix_k(block))
}

/// Mixes in fewer than eight bytes, given as a number: one block at most, and the tail.
#[inline]
fn murmur3_rest(hash: u32, bytes: u64, len: u32) -> u32 {
    let (low, high) = (bytes as u32, (bytes >> 32) as u32);
    let (hash, tail) = if len >= 4 {
        (murmur3_block(hash, low), high)
    } else {
        (hash, low)
    };
    hash ^ murmur3::mix_k(tail)
}

/// Returns Murmur3 x86 32 of bytes, the tail as its authors have it (`Murmur3_x86_32.hashUnsafeBytes2`).
pub fn murmur3_32(bytes: &[u8], seed: u32) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks
        .iter()
        .fold(seed, |hash, block| murmur3_block(hash, u32::from_le_bytes(*block)));
    if !tail.is_empty() {
        hash ^= murmur3::mix_k(tail.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte)));
    }
    murmur3::finish(hash, bytes.len() as u32)
}

/// Turns lists of terms into sparse vectors of counts. A row costs a sort of its terms.
///
/// # Errors
/// `FAILED_EXECUTE_UDF` at a null list. If the terms are of a type that is not hashed.
pub fn apply(hashing: Hashing, terms: &dyn Array, column: &str) -> Result<ArrayRef> {
    let lists = terms.as_list::<i32>();
    let indices = hashing.of_array(lists.values())?;
    let mut out = VectorBuilder::with_capacity(lists.len());
    let mut sorted: Vec<u32> = Vec::new();
    for row in 0..lists.len() {
        if lists.is_null(row) {
            let function = Signature {
                stage: "HashingTF",
                takes: "array<string>",
                gives: VECTOR,
                column: column.to_owned(),
            };
            return Err(failed_function(
                &function,
                "java.lang.NullPointerException: Cannot invoke \"scala.collection.immutable.Seq.foreach(scala.Function1)\" because \"terms\" is null.",
                row,
            ));
        }
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        sorted.clear();
        sorted.extend_from_slice(&indices[range]);
        sorted.sort_unstable();
        let runs = sorted.chunk_by(|a, b| a == b);
        let count = |run: &[u32]| if hashing.binary { 1.0 } else { run.len() as f64 };
        out.push_sparse(hashing.features, runs.map(|run| (run[0] as i32, count(run))));
    }
    out.finish()
}

/// Counts terms under the hash of each, modulo `numFeatures`; null is an error (`HashingTF`).
///
/// Terms may be strings, numbers or booleans. `binary` makes every count 1. Directories that Spark 2 saved hash as it
/// did.
#[derive(Debug)]
pub struct HashingTF;

impl Stage for HashingTF {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.HashingTF"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            BINARY,
            param("numFeatures", Kind::Int, Default::Int(1 << 18), POSITIVE),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }

    fn model(&self) -> Option<&'static ModelKind> {
        Some(&OLD)
    }

    fn saved_by(&self, major: u32) -> Option<Arc<dyn Fitted>> {
        (major < 3).then(|| -> Arc<dyn Fitted> { Arc::new(OldHashing {}) })
    }
}

impl Transformer for HashingTF {
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        _relation: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        let terms = analyzer.input_column(&input, &params.text("inputCol")?)?;
        if !matches!(terms.typed.data_type, DataType::List(_)) {
            return Err(SparkError::requirement(format!(
                "The input column must be array, but got {}.",
                types::simple_string(&terms.typed.data_type)
            )));
        }
        let mut hashing = Hashing::new(params)?;
        hashing.old = analyzer.ml()?.model(&model::stage_id(&params.uid)).is_ok();
        let known = analyzer.text_terms(&terms);
        let name = terms.name.clone();
        let body: Body = Box::new(move |args, _| Ok(apply(hashing, &args[0], &name)?));
        let old = if hashing.old { "old" } else { "" };
        let out = analyzer.stage_of(input, params, old, vector::data_type(), vec![terms], body)?;
        if let (Some(known), Some(made)) = (known, out.output.last()) {
            analyzer.ml()?.texts.insert(made.id.clone(), known.hashed(hashing));
        }
        Ok(out)
    }
}

/// Marks a `HashingTF` that Spark 2 saved: it hashes as Spark 2 did.
#[derive(Clone, PartialEq, Message)]
pub struct OldHashing {}

/// How the mark is named and decoded; it is never saved by itself.
static OLD: ModelKind = ModelKind {
    class: None,
    tag: 18,
    decode: model::decoded::<OldHashing>,
    read: |row| Err(row.corrupt("its class has no data")),
};

impl Fitted for OldHashing {
    fn kind(&self) -> &'static ModelKind {
        &OLD
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let _ = (analyzer, input, id, params);
        Err(SparkError::internal("a HashingTF of Spark 2 is not a model"))
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(String::new())
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    /// Words, their 32-bit hashes and their indices from the golden `hashing_tf/hash_table`.
    #[test]
    fn hashes_and_indices_are_sparks() {
        let golden = include_str!("../../../tests/goldens/ml/hashing_tf/hash_table.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let rows = golden["expected"]["table"]["value"].as_array().unwrap();
        assert!(rows.len() >= 500);
        let mut alone = 0;
        for row in rows {
            let word = row[0].as_str().unwrap();
            assert_eq!(
                i64::from(murmur3_32(word.as_bytes(), 42) as i32),
                row[2].as_i64().unwrap(),
                "{word:?}"
            );
            for (features, column) in [(7, 3), (1000, 4), (2000, 5), (262_144, 6), (2_147_483_647, 7)] {
                let hashing = Hashing {
                    features,
                    binary: false,
                    old: false,
                };
                assert_eq!(hashing.of_text(word) as i64, row[column].as_i64().unwrap(), "{word:?}");
                let lowered = LoweredTexts::new(&StringArray::from(vec![word]));
                let words: Vec<Word> = lowered.words(0).collect();
                if let [one] = words.as_slice()
                    && lowered.bytes_of(one) == word.as_bytes()
                {
                    assert_eq!(hashing.of_word(one, &lowered), hashing.of_text(word), "{word:?}");
                    alone += 1;
                }
            }
        }
        assert!(alone > 1_000, "{alone}");
    }
}
