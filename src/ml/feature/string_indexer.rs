//! `StringIndexer`: labels to indices by frequency or alphabet.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::DataType;
use prost::Message;

use super::count_vectorizer::Words;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::columns::{Body, Reads, filtered};
use crate::ml::error::{Signature, failed_function, illegal};
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Fitted, Model, ModelKind};
use crate::ml::params::{INPUT, INPUTS, INVALID, OUTPUT, OUTPUTS, Param, Params, one_of};
use crate::ml::persistence::data::Column;
use crate::ml::stage::{Estimator, Role, Stage, Training};
use crate::ml::summary::counts;
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;

/// Returns labels in the order of their indices; ties of a frequency are in alphabetical order.
///
/// `order` is a value of `stringOrderType`. Strings compare by UTF-16 units, as Java's do.
///
/// ```
/// use rivulet::ml::feature::string_indexer::ordered;
///
/// let counts = [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 2)];
/// assert_eq!(ordered(counts.into(), "frequencyDesc"), ["b", "c", "a"]);
/// ```
pub fn ordered(counts: HashMap<String, i64>, order: &str) -> Vec<String> {
    let mut all: Vec<(String, i64)> = counts.into_iter().collect();
    all.sort_by(|(a, x), (b, y)| match order {
        "frequencyAsc" => x.cmp(y).then_with(|| a.cmp(b)),
        "alphabetAsc" => a.cmp(b),
        "alphabetDesc" => b.cmp(a),
        _ => y.cmp(x).then_with(|| a.cmp(b)),
    });
    all.into_iter().map(|(label, _)| label).collect()
}

/// The indices of one column's labels.
#[derive(Debug)]
pub struct Index {
    /// Index of each label.
    of: HashMap<String, usize>,
    /// Whether unknown labels and nulls get the index after the last.
    keep: bool,
}

impl Index {
    /// Returns the indices of labels, in their order.
    pub fn new(labels: &[String], keep: bool) -> Self {
        Self {
            of: labels.iter().zip(0..).map(|(l, i)| (l.clone(), i)).collect(),
            keep,
        }
    }

    /// Returns the index of each label as a double.
    ///
    /// # Errors
    /// `FAILED_EXECUTE_UDF` if a label is unknown or null and neither kept nor filtered before.
    pub fn apply(&self, labels: &dyn Array, column: &str) -> Result<ArrayRef> {
        let labels = labels.as_string::<i32>();
        let mut out = Vec::with_capacity(labels.len());
        for (row, label) in labels.iter().enumerate() {
            let found = label.and_then(|l| self.of.get(l));
            out.push(match found {
                Some(index) => *index as f64,
                None if self.keep => self.of.len() as f64,
                None => return Err(unseen(label, column, row)),
            });
        }
        Ok(Arc::new(Float64Array::from(out)))
    }

    /// Returns which labels have an index; null has none. `handleInvalid = "skip"` filters by it.
    pub fn known(&self, labels: &dyn Array) -> ArrayRef {
        let labels = labels.as_string::<i32>();
        let known: Vec<bool> = labels
            .iter()
            .map(|l| l.is_some_and(|l| self.of.contains_key(l)))
            .collect();
        Arc::new(BooleanArray::from(known))
    }
}

/// Returns the error of a label that is unknown or null (`FAILED_EXECUTE_UDF`).
fn unseen(label: Option<&str>, column: &str, row: usize) -> crate::error::SparkError {
    let function = Signature {
        stage: "StringIndexerModel",
        takes: "string",
        gives: "double",
        column: column.to_owned(),
    };
    let cause = match label {
        Some(label) => format!(
            "org.apache.spark.SparkException: Unseen label: {label}. To handle unseen labels, set Param handleInvalid to keep."
        ),
        None => "org.apache.spark.SparkException: StringIndexer encountered NULL value. To handle or skip NULLS, \
                 try setting StringIndexer.handleInvalid."
            .into(),
    };
    failed_function(&function, cause, row)
}

/// Learns the labels of columns, in the order `stringOrderType` (`StringIndexer`); nulls are not counted.
///
/// Numbers are read as strings. `handleInvalid` decides at prediction time about labels that training did not see:
/// `error`, `skip` (drop the row), or `keep` (one more index).
#[derive(Debug)]
pub struct StringIndexer;

impl Stage for StringIndexer {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.feature.StringIndexer"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            INPUT,
            OUTPUT,
            INPUTS,
            OUTPUTS,
            INVALID,
            one_of(
                "stringOrderType",
                "frequencyDesc",
                &["frequencyDesc", "frequencyAsc", "alphabetDesc", "alphabetAsc"],
            ),
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

impl Estimator for StringIndexer {
    fn training(&self, params: &Params) -> Result<Training> {
        let pairs = params.column_pairs()?;
        let reads = pairs.into_iter().map(|(from, _)| (from, Reads::Labels)).collect();
        Ok(Training::new(reads, || Box::new(counts::Counts::default())))
    }

    fn fit(&self, params: &Params, _before: Option<&Model>, state: &[u8]) -> Result<Model> {
        let state: counts::State = training::state(state)?;
        let order = params.text("stringOrderType")?;
        let labelled = state.columns.into_iter().map(|c| Words {
            words: ordered(c.counts, &order),
        });
        let mut columns: Vec<Words> = labelled.collect();
        columns.resize(params.column_pairs()?.len(), Words::default());
        Ok(Model::new(params, Labels { columns }))
    }
}

/// `StringIndexerModel`: the labels of each input column, by their index.
#[derive(Clone, PartialEq, Message)]
pub struct Labels {
    /// Labels per input column, each at the place of its index.
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Words>,
}

/// How the model is named, decoded and loaded; Spark 2 saved the labels of a single column as `labels`.
static KIND: ModelKind = ModelKind {
    class: Some("org.apache.spark.ml.feature.StringIndexerModel"),
    tag: 13,
    decode: model::decoded::<Labels>,
    read: |row| {
        let columns = if row.has("labelsArray") {
            row.text_lists("labelsArray")?
        } else {
            vec![row.texts("labels")?]
        };
        let columns = columns.into_iter().map(|words| Words { words }).collect();
        Ok(Arc::new(Labels { columns }))
    },
};

impl Fitted for Labels {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, mut input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let labels: Vec<Arc<Vec<String>>> = self.columns.iter().map(|c| Arc::new(c.words.clone())).collect();
        let (pairs, invalid) = (params.column_pairs()?, params.text("handleInvalid")?);
        if pairs.len() != labels.len() {
            return Err(SparkError::requirement(format!(
                "StringIndexerModel has labels of {} columns, not of {}.",
                labels.len(),
                pairs.len()
            )));
        }
        let keep = invalid == "keep";
        let mut stages = Vec::new();
        for ((from, to), labels) in pairs.into_iter().zip(&labels) {
            // A column that is not there is left out, as Spark does at prediction time.
            if analyzer.names().column(&input, &from).is_none() {
                continue;
            }
            let read = analyzer.label_text(&input, &from)?;
            stages.push((read, to, labels.clone(), Arc::new(Index::new(labels, keep))));
        }
        if invalid == "skip" {
            for (read, to, _, index) in &stages {
                let index = index.clone();
                let options = format!("known {id} {to} {}", params.fingerprint());
                let condition = kernel::call(
                    "string_indexer_knows",
                    options,
                    DataType::Boolean,
                    vec![read.typed.expr.clone()],
                    move |args, _| Ok(index.known(&args[0])),
                );
                input = filtered(input, condition)?;
            }
        }
        for (read, to, labels, index) in stages {
            let name = read.name.clone();
            let options = format!("{id} {to} {}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(index.apply(&args[0], &name)?));
            input = analyzer.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
            let all = if keep {
                Arc::new(labels.iter().cloned().chain(["__unknown".to_owned()]).collect())
            } else {
                labels
            };
            analyzer.note_labels(&input, all)?;
        }
        Ok(input)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "labels" => {
                let [only] = &self.columns[..] else {
                    return Err(illegal(
                        "This StringIndexerModel is fitted by multi-columns, call labelsArray instead.",
                    ));
                };
                Some((Value::texts(only.words.clone()), Kind::Texts))
            }
            "labelsArray" => {
                let lists = self.columns.iter().map(|c| Value::texts(c.words.clone()));
                Some((Value::List(lists.collect()), Kind::TextsList))
            }
            _ => None,
        })
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!("handleInvalid={}", params.text("handleInvalid")?))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        let lists: Vec<&[String]> = self.columns.iter().map(|c| c.words.as_slice()).collect();
        Ok(vec![Column::text_lists("labelsArray", &lists)?])
    }
}
