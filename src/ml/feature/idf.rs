//! `IDF`: term counts weighted by how few documents have the term.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::columns::{Body, Reads};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{Default, INPUT, NON_NEGATIVE, OUTPUT, Param, Params, param};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::frequencies;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::values::vector::{self, Vector, VectorRef};

/// Returns the weights `ln((m + 1) / (df + 1))` of features that `df` of `m` documents have.
///
/// A feature in fewer documents than `least` gets the weight 0 and a document frequency of 0.
pub fn fit(doc_freq: Vec<i64>, num_docs: i64, least: i64) -> IdfModel {
    let kept: Vec<i64> = doc_freq
        .into_iter()
        .map(|df| if df >= least { df } else { 0 })
        .collect();
    let idf = kept
        .iter()
        .map(|df| {
            if *df == 0 && least > 0 {
                0.0
            } else {
                ((num_docs as f64 + 1.0) / (*df as f64 + 1.0)).ln()
            }
        })
        .collect();
    IdfModel {
        idf,
        doc_freq: kept,
        num_docs,
    }
}

/// Multiplies each stored value with its feature's weight; null stays null, sparse stays sparse.
///
/// # Errors
/// If a vector is longer than those of training; shorter ones are allowed.
pub fn apply(idf: &[f64], vectors: &dyn Array, column: &str) -> Result<ArrayRef> {
    vector::map(vectors, |row, v| {
        if v.size() > idf.len() {
            return Err(SparkError::requirement(format!(
                "the vector of row {row} in column {column} has {} values, the IDF model {}",
                v.size(),
                idf.len()
            )));
        }
        let values = v.stored().map(|(i, x)| x * idf[i]).collect();
        Ok(match v {
            VectorRef::Dense(_) => Vector::Dense(values),
            VectorRef::Sparse { size, indices, .. } => Vector::Sparse {
                size,
                indices: indices.to_vec(),
                values,
            },
        })
    })
}

/// Learns in how many documents each term occurs (`IDF`); a null vector is an error.
///
/// A value above 0 counts as an occurrence. `minDocFreq` silences terms of fewer documents.
#[derive(Debug)]
pub struct Idf;

impl Stage for Idf {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.IDF"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            param("minDocFreq", Kind::Int, Default::Int(0), NON_NEGATIVE),
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

impl Estimator for Idf {
    fn training(&self, params: &Params) -> Result<Training> {
        let column = params.text("inputCol")?;
        let reads = vec![(column.clone(), Reads::Vectors)];
        Ok(Training::new(reads, move || {
            Box::new(frequencies::FeatureFrequencies::new(column.clone()))
        }))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: frequencies::Features = training::state(state)?;
        if state.docs == 0 {
            return Err(SparkError::requirement("Haven't seen any document yet."));
        }
        Ok(Model::new(
            params,
            fit(state.doc_freq, state.docs, params.int("minDocFreq")?),
        ))
    }
}

/// `IDFModel`: weights of terms.
#[derive(Clone, PartialEq, Message)]
pub struct IdfModel {
    /// Weight per term.
    #[prost(double, repeated, tag = "1")]
    pub idf: Vec<f64>,
    /// Number of documents with the term; 0 below `minDocFreq`.
    #[prost(int64, repeated, tag = "2")]
    pub doc_freq: Vec<i64>,
    /// Number of all documents.
    #[prost(int64, tag = "3")]
    pub num_docs: i64,
}

/// How the model is named, decoded and loaded; before Spark 3, it was the vector alone.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.IDFModel"),
    tag: 11,
    decode: model::decoded::<IdfModel>,
    read: |row| {
        let idf = row.vector("idf")?;
        // Before Spark 3 there was nothing but the vector.
        let old = !row.has("docFreq");
        let doc_freq = if old { vec![0; idf.len()] } else { row.longs("docFreq")? };
        let num_docs = if old { 0 } else { row.long("numDocs")? };
        Ok(Arc::new(IdfModel {
            idf,
            doc_freq,
            num_docs,
        }))
    },
};

impl Fitted for IdfModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = analyzer.vectors(&input, &column)?;
        let name = read.name.clone();
        let weights = self.idf.clone();
        let body: Body = Box::new(move |args, _| Ok(apply(&weights, &args[0], &name)?));
        analyzer.stage_of(input, params, id, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "idf" => Some((Value::Vector(Vector::Dense(self.idf.clone())), Kind::Vector)),
            "docFreq" => {
                let counts = self.doc_freq.iter().map(|v| Value::Int(*v)).collect();
                Some((Value::List(counts), Kind::Longs))
            }
            "numDocs" => Some((Value::Int(self.num_docs), Kind::Long)),
            _ => None,
        })
    }

    fn describe(&self, _params: &Params) -> Result<String> {
        Ok(format!("numDocs={}, numFeatures={}", self.num_docs, self.idf.len()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::vector("idf", &self.idf)?,
            Column::longs("docFreq", &self.doc_freq)?,
            Column::long("numDocs", self.num_docs),
        ])
    }
}
