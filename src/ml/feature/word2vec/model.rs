//! `Word2VecModel`: a vector per word, the words nearest to one, and the mean of a sentence's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type};
use prost::Message;

use super::train::dot;
use crate::error::{Exception, Result, SparkError};
use crate::ml::columns::Body;
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::literal::Value;
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::{Column, Row};
use crate::ml::relation::{Argument, rows};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, VectorBuilder, VectorRef};

/// The vectors of words.
#[derive(Clone, PartialEq, Message)]
pub struct Word2VecModel {
    /// The words.
    #[prost(string, repeated, tag = "1")]
    pub words: Vec<String>,
    /// The vector of each, one after the other.
    #[prost(float, repeated, tag = "2")]
    pub vectors: Vec<f32>,
    /// How long a vector is.
    #[prost(uint64, tag = "3")]
    pub size: u64,
}

/// How the model is named, decoded and loaded.
pub static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.Word2VecModel"),
    tag: 202,
    decode: model::decoded::<Word2VecModel>,
    read: |row| {
        let found = if row.has("wordIndex") { first(row) } else { each(row) };
        found.map(|model| Arc::new(model) as Arc<dyn Fitted>)
    },
};

/// Reads a row per word.
fn each(row: &Row<'_>) -> Result<Word2VecModel> {
    let bad = || row.corrupt("data does not have words with vectors of one size");
    let all = row.rows();
    let words = all
        .column_by_name("word")
        .and_then(|c| c.as_string_opt::<i32>())
        .ok_or_else(bad)?;
    let lists = all
        .column_by_name("vector")
        .and_then(|c| c.as_list_opt::<i32>())
        .ok_or_else(bad)?;
    let values = lists.values().as_primitive_opt::<Float32Type>().ok_or_else(bad)?;
    let size = lists.offsets().lengths().next().unwrap_or_default();
    let fits = lists.offsets().lengths().all(|length| length == size) && words.null_count() + values.null_count() == 0;
    if !fits || size == 0 {
        return Err(bad());
    }
    Ok(Word2VecModel {
        words: words.iter().flatten().map(str::to_owned).collect(),
        vectors: values.values()[..size * words.len()].to_vec(),
        size: size as u64,
    })
}

/// Reads the one row of Spark before 2.2: a map from words to places, and all vectors in one list.
fn first(row: &Row<'_>) -> Result<Word2VecModel> {
    let bad = || row.corrupt("data does not have places of words and their vectors");
    let all = row.rows();
    let map = all
        .column_by_name("wordIndex")
        .and_then(|c| c.as_map_opt())
        .ok_or_else(bad)?;
    let entries = map.value(0);
    let words = entries.column(0).as_string_opt::<i32>().ok_or_else(bad)?;
    let places = entries
        .column(1)
        .as_primitive_opt::<arrow::datatypes::Int32Type>()
        .ok_or_else(bad)?;
    let list = all
        .column_by_name("wordVectors")
        .and_then(|c| c.as_list_opt::<i32>())
        .ok_or_else(bad)?;
    let values = list.value(0);
    let values = values.as_primitive_opt::<Float32Type>().ok_or_else(bad)?;
    let mut placed: Vec<(i32, String)> = places
        .values()
        .iter()
        .copied()
        .zip(words.iter().flatten().map(str::to_owned))
        .collect();
    placed.sort_unstable();
    let is_whole = placed.iter().map(|(place, _)| *place).eq(0..placed.len() as i32);
    if placed.is_empty() || !is_whole || values.len() % placed.len() != 0 {
        return Err(bad());
    }
    Ok(Word2VecModel {
        size: (values.len() / placed.len()) as u64,
        words: placed.into_iter().map(|(_, word)| word).collect(),
        vectors: values.values().to_vec(),
    })
}

impl Word2VecModel {
    fn vector(&self, place: usize) -> &[f32] {
        let size = self.size as usize;
        &self.vectors[place * size..(place + 1) * size]
    }

    /// Returns the words nearest to a vector by their angle, the nearest first, without `own`.
    ///
    /// # Errors
    /// If none are asked for, or the vector has another size.
    fn nearest(&self, to: &[f32], count: i64, own: Option<&str>) -> Result<Vec<(String, f64)>> {
        let count = usize::try_from(count).ok().filter(|n| *n > 0);
        let count = count.ok_or_else(|| SparkError::requirement("Number of similar words should > 0"))?;
        if to.len() != self.size as usize {
            return Err(SparkError::requirement(format!(
                "Vectors of words have {} values, the one given has {}",
                self.size,
                to.len()
            )));
        }
        let norm = dot(to, to).sqrt();
        let scale = if norm == 0.0 { 1.0 } else { 1.0 / norm };
        let to: Vec<f32> = to.iter().map(|v| v * scale).collect();
        let cosine = |place: usize| {
            let vector = self.vector(place);
            let norm = dot(vector, vector).sqrt();
            if norm == 0.0 {
                0.0
            } else {
                dot(vector, &to) * (1.0 / norm)
            }
        };
        let mut found: Vec<(f32, usize)> = (0..self.words.len()).map(|place| (cosine(place), place)).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let others = found.into_iter().filter(|(_, place)| own != Some(&self.words[*place]));
        Ok(others
            .take(count)
            .map(|(cosine, place)| (self.words[place].clone(), f64::from(cosine)))
            .collect())
    }

    /// Plans the words nearest to a word or a vector.
    fn synonyms(&self, analyzer: &mut Analyzer, to: &Value, count: i64) -> Result<Resolved> {
        let found = match to {
            Value::Text(word) => {
                let place = self.words.iter().position(|own| own == word);
                let unknown = || SparkError::new(Exception::Connect, "", "", format!("{word} not in vocabulary"));
                self.nearest(self.vector(place.ok_or_else(unknown)?), count, Some(word))?
            }
            Value::Vector(vector) => {
                let values: Vec<f32> = vector.view().to_dense().iter().map(|v| *v as f32).collect();
                self.nearest(&values, count, None)?
            }
            other => return Err(SparkError::invalid_plan(format!("synonyms of {other}"))),
        };
        let words: ArrayRef = Arc::new(StringArray::from_iter_values(found.iter().map(|(word, _)| word)));
        let cosines: ArrayRef = Arc::new(Float64Array::from_iter_values(found.iter().map(|(_, cosine)| *cosine)));
        rows(
            analyzer,
            vec![("word".to_owned(), words), ("similarity".to_owned(), cosines)],
        )
    }
}

impl Fitted for Word2VecModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let read = analyzer.strings(&input, &params.text("inputCol")?)?;
        let column = read.name.clone();
        let places: HashMap<String, usize> = self.words.iter().cloned().zip(0..).collect();
        let own = self.clone();
        let body: Body = Box::new(move |args, _| {
            let lists = args[0].as_list::<i32>();
            let mut out = VectorBuilder::with_capacity(lists.len());
            for (row, words) in lists.iter().enumerate() {
                let Some(words) = words else {
                    let function = Signature {
                        stage: "Word2VecModel",
                        takes: "array<string>",
                        gives: VECTOR,
                        column: column.clone(),
                    };
                    Err(failed_function(
                        &function,
                        "java.lang.NullPointerException: the list is null",
                        row,
                    ))?
                };
                if words.is_empty() {
                    out.push_sparse(own.size as usize, std::iter::empty());
                    continue;
                }
                let mut sums = vec![0.0; own.size as usize];
                let known = words.as_string::<i32>().iter().flatten();
                for place in known.filter_map(|word| places.get(word)) {
                    let vector = own.vector(*place).iter();
                    sums.iter_mut().zip(vector).for_each(|(sum, v)| *sum += f64::from(*v));
                }
                let scale = 1.0 / words.len() as f64;
                sums.iter_mut().for_each(|sum| *sum *= scale);
                out.push(VectorRef::Dense(&sums));
            }
            Ok(out.finish()?)
        });
        let made = analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)?;
        analyzer.name_features(&made, Some(vec![None; self.size as usize]))?;
        Ok(made)
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _: &str,
        _: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        match (method, args) {
            ("getVectors", []) => {
                let words: ArrayRef = Arc::new(StringArray::from(self.words.clone()));
                let mut vectors = VectorBuilder::with_capacity(self.words.len());
                for place in 0..self.words.len() {
                    let values: Vec<f64> = self.vector(place).iter().map(|v| f64::from(*v)).collect();
                    vectors.push(VectorRef::Dense(&values));
                }
                rows(
                    analyzer,
                    vec![("word".to_owned(), words), ("vector".to_owned(), vectors.finish()?)],
                )
                .map(Some)
            }
            ("findSynonyms", [to, count]) => {
                let Value::Int(count) = count.value()? else {
                    return Err(SparkError::invalid_plan("synonyms are asked for by a number"));
                };
                self.synonyms(analyzer, to.value()?, *count).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn describe(&self, params: &Params) -> Result<String> {
        let size = params.count("vectorSize")?;
        Ok(format!("numWords={}, vectorSize={size}", self.words.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let element = Arc::new(Field::new("element", DataType::Float32, false));
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(self.size as usize, self.words.len()));
        let vectors = ListArray::try_new(
            element,
            offsets,
            Arc::new(Float32Array::from(self.vectors.clone())),
            None,
        )?;
        let words: ArrayRef = Arc::new(StringArray::from(self.words.clone()));
        Ok(vec![
            Column::table("word", words, true),
            Column::table("vector", Arc::new(vectors), true),
        ])
    }
}
