//! `LocalLDAModel`: topics as counts of terms, what documents are about, and how probable they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use prost::Message;

use super::expect::out_of_bounds;
use super::gamma::log_gamma;
use super::infer::{Document, Topics, expected_logs, expected_topic_logs, is_empty};
use super::start::gammas;
use crate::error::{Result, SparkError};
use crate::ml::clustering::rows::checked;
use crate::ml::columns::{Body, Reads};
use crate::ml::error::{Signature, VECTOR, failed_function};
use crate::ml::literal::{Kind, Value};
use crate::ml::matrix::Matrix;
use crate::ml::method::Method;
use crate::ml::model::{self, Fitted, ModelKind};
use crate::ml::params::Params;
use crate::ml::persistence::data::Column;
use crate::ml::relation::{self, Argument};
use crate::ml::stage::Training;
use crate::ml::summary::sums::{self, Sums};
use crate::ml::training;
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::partition;
use crate::plan::scope::Resolved;
use crate::values::java_random::hash_code;
use crate::values::vector::{self, VectorBuilder, VectorColumn, VectorRef};

/// Spark's class.
const CLASS: &str = "org.apache.spark.ml.clustering.LocalLDAModel";

/// How many terms a topic is described by, if nobody says.
const TERMS: i64 = 10;

/// `LocalLDAModel`: the topics.
#[derive(Clone, PartialEq, Message)]
pub struct LocalLdaModel {
    /// How often topics have terms, about: a row per term, a column per topic.
    #[prost(message, required, tag = "1")]
    pub topics: Matrix,
    /// How much documents are about each topic before one is read (`docConcentration`).
    #[prost(double, repeated, tag = "2")]
    pub alpha: Vec<f64>,
    /// How often topics have each term before a document is read (`topicConcentration`).
    #[prost(double, tag = "3")]
    pub eta: f64,
    /// The shape of the gamma distribution that documents begin with.
    #[prost(double, tag = "4")]
    pub shape: f64,
}

/// How the model is named, decoded and loaded.
pub(super) static KIND: ModelKind = ModelKind {
    class: Some(CLASS),
    tag: 92,
    decode: model::decoded::<LocalLdaModel>,
    read: |row| {
        let model = LocalLdaModel {
            topics: row.matrix("topicsMatrix")?,
            alpha: row.vector("docConcentration")?,
            eta: row.double("topicConcentration")?,
            shape: row.double("gammaShape")?,
        };
        let terms = usize::try_from(row.int("vocabSize")?).ok();
        if model.alpha.is_empty() || model.topics.width() != model.alpha.len() || terms != Some(model.topics.height()) {
            return Err(row.corrupt("the topics differ in number or terms"));
        }
        if !(model.shape > 1.0 && model.shape.is_finite()) {
            return Err(row.corrupt("gammaShape is not above 1"));
        }
        Ok(Arc::new(model))
    },
};

/// Returns the seed of where documents begin: Spark's models have that of their class, whatever the param says.
fn seed() -> i64 {
    hash_code(CLASS).into()
}

/// A model, made ready to read documents.
#[derive(Debug)]
struct Ready {
    topics: Topics,
    /// What the logarithms of the shares of terms are expected to be, as the shares of `topics`.
    logs: Vec<f64>,
    shape: f64,
}

impl Ready {
    fn start(&self, seed: i64) -> Vec<f64> {
        gammas(seed, self.shape, self.topics.alpha.len())
    }

    /// Returns how probable a document is at least, as a logarithm.
    fn bound(&self, read: &mut Document, document: VectorRef<'_>, seed: i64) -> Result<f64> {
        read.read(&self.topics, document, &self.start(seed))
            .map_err(out_of_bounds)?;
        let (k, alpha, gamma) = (read.gamma.len(), &self.topics.alpha, &read.gamma);
        let shares = expected_logs(gamma);
        let mut bound = 0.0;
        for (term, count) in document.nonzero() {
            let logs = shares.iter().zip(&self.logs[term * k..][..k]).map(|(a, b)| a + b);
            let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
            bound += count * (most + logs.map(|log| (log - most).exp()).sum::<f64>().ln());
        }
        for ((a, g), share) in alpha.iter().zip(gamma).zip(&shares) {
            bound += (a - g) * share + log_gamma(*g) - log_gamma(*a);
        }
        Ok(bound + log_gamma(alpha.iter().sum()) - log_gamma(gamma.iter().sum()))
    }
}

impl LocalLdaModel {
    fn ready(&self) -> Ready {
        let logs = expected_topic_logs(&self.topics.values, self.alpha.len());
        Ready {
            topics: Topics {
                shares: logs.iter().map(|log| log.exp()).collect(),
                alpha: self.alpha.clone(),
            },
            logs,
            shape: self.shape,
        }
    }

    /// Returns the part of the bound that is of the topics, whatever the documents are.
    fn bound_of_topics(&self) -> f64 {
        let k = self.alpha.len();
        let logs = expected_topic_logs(&self.topics.values, k);
        let mut sums = vec![0.0; k];
        let mut bound = 0.0;
        let none = log_gamma(self.eta);
        for (at, (count, log)) in self.topics.values.iter().zip(logs).enumerate() {
            sums[at % k] += count;
            bound += (self.eta - count) * log + log_gamma(*count) - none;
        }
        let all = log_gamma(self.eta * self.topics.height() as f64);
        bound + sums.into_iter().map(|sum| all - log_gamma(sum)).sum::<f64>()
    }

    /// Returns, of each topic, its most frequent terms and their shares.
    fn described(&self, most: usize) -> Vec<Vec<(i32, f64)>> {
        let k = self.alpha.len();
        let topic = |topic: usize| {
            let counts = self.topics.values.iter().skip(topic).step_by(k);
            let all: f64 = counts.clone().map(|c| c.abs()).sum();
            let scale = if all == 0.0 { 1.0 } else { all };
            let mut terms: Vec<(i32, f64)> = (0..).zip(counts.map(|c| c / scale)).collect();
            // What is not a number comes last, as Java's order has it.
            let key = |share: f64| if share.is_nan() { f64::NAN.abs() } else { -share };
            terms.sort_by(|a, b| key(a.1).total_cmp(&key(b.1)));
            terms.truncate(most);
            terms
        };
        (0..k).map(topic).collect()
    }
}

/// Returns how much a document is about each topic: zeros if it has no terms.
///
/// # Errors
/// The cause, as Java names it, if it has terms that the topics lack.
fn shares(ready: &Ready, read: &mut Document, start: &[f64], document: VectorRef<'_>) -> Result<Vec<f64>, String> {
    if is_empty(document) {
        return Ok(vec![0.0; start.len()]);
    }
    read.read(&ready.topics, document, start)?;
    Ok(read.shares())
}

impl Fitted for LocalLdaModel {
    fn kind(&self) -> &'static ModelKind {
        &KIND
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved> {
        let features = params.text("featuresCol")?;
        let read = analyzer.points(&input, &features)?;
        let to = params.text("topicDistributionCol")?;
        training::without_outputs(params, &input)?;
        if to.is_empty() {
            // Without a name no column is added, and Spark then fails as it looks for it.
            analyzer.input_column(&input, &to)?;
        }
        let ready = self.ready();
        let start = ready.start(seed());
        let function = Signature {
            stage: "LDAModel",
            takes: VECTOR,
            gives: VECTOR,
            column: features,
        };
        let body: Body = Box::new(move |args, rows| -> datafusion_common::Result<ArrayRef> {
            let (vectors, mut read) = (VectorColumn::new(&args[0])?, Document::default());
            let mut out = VectorBuilder::with_capacity(rows);
            for row in 0..rows {
                let found = match vectors.get(row) {
                    Some(document) => shares(&ready, &mut read, &start, document),
                    None => Err(
                        "java.lang.NullPointerException: Cannot invoke \"org.apache.spark.ml.linalg.Vector.numNonzeros()\" because \
                         \"vector\" is null."
                            .to_owned(),
                    ),
                };
                let found = found.map_err(|why| failed_function(&function, why, row))?;
                out.push(VectorRef::Dense(&found));
            }
            Ok(out.finish()?)
        });
        let options = format!("{id} {}", params.fingerprint());
        analyzer.append(input, params, &options, &to, vector::data_type(), vec![read], body)
    }

    fn attribute(&self, _: &Params, name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(match name {
            "vocabSize" => Some((Value::Int(self.topics.height() as i64), Kind::Int)),
            "isDistributed" => Some((Value::Bool(false), Kind::Bool)),
            "topicsMatrix" => Some((self.topics.value(), Kind::Matrix)),
            "estimatedDocConcentration" => Some(model::dense(&self.alpha)),
            _ => None,
        })
    }

    fn over(&self, params: &Params, method: &str, args: &[Value]) -> Result<Option<Method>> {
        if !["logLikelihood", "logPerplexity"].contains(&method) || !args.is_empty() {
            return Ok(None);
        }
        let (ready, column) = (Arc::new(self.ready()), params.text("featuresCol")?);
        let columns = vec![(column.clone(), Reads::Points)];
        let training = Training::new(columns, move || {
            let (ready, column) = (ready.clone(), column.clone());
            // The bound, the tokens, and the rows so far.
            let add = move |columns: &[ArrayRef], sums: &mut [f64]| {
                let (vectors, mut read) = (VectorColumn::new(&columns[0])?, Document::default());
                for row in 0..vectors.len() {
                    let document = checked(vectors.get(row), &column, row)?;
                    let at = ((partition::current() as i64) << partition::ROW_BITS) + sums[2] as i64;
                    sums[2] += 1.0;
                    sums[1] += document.values().iter().sum::<f64>();
                    if !is_empty(document) {
                        sums[0] += ready.bound(&mut read, document, seed().wrapping_add(at))?;
                    }
                }
                Ok(())
            };
            Box::new(Sums::new(3, Arc::new(add)))
        });
        let (of_topics, is_likelihood) = (self.bound_of_topics(), method == "logLikelihood");
        let read = move |state: &[u8], _| {
            let sums: sums::State = training::state(state)?;
            let [bound, tokens, _] = sums.sums[..] else {
                return Err(SparkError::internal("the sums of documents are broken"));
            };
            let likelihood = bound + of_topics;
            let value = if is_likelihood {
                likelihood
            } else {
                -likelihood / tokens
            };
            Ok((Value::Double(value), Kind::Double))
        };
        Ok(Some(Method {
            training,
            read: Box::new(read),
            numbers_rows: true,
        }))
    }

    fn relation(
        &self,
        analyzer: &mut Analyzer,
        _: &str,
        _: &Params,
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        let most = match (method, args) {
            ("describeTopics", []) => TERMS,
            ("describeTopics", [Argument::Value(Value::Int(most))]) => *most,
            _ => return Ok(None),
        };
        let topics = self.described(usize::try_from(most).unwrap_or_default());
        let list = |values: ArrayRef| {
            let element = Field::new("element", values.data_type().clone(), false);
            let offsets = OffsetBuffer::from_lengths(topics.iter().map(Vec::len));
            ListArray::try_new(Arc::new(element), offsets, values, None)
        };
        let all = || topics.iter().flatten();
        let terms: Int32Array = all().map(|(term, _)| *term).collect();
        let weights: Float64Array = all().map(|(_, weight)| *weight).collect();
        let columns: Vec<(String, ArrayRef)> = vec![
            (
                "topic".to_owned(),
                Arc::new(Int32Array::from_iter_values(0..topics.len() as i32)),
            ),
            ("termIndices".to_owned(), Arc::new(list(Arc::new(terms))?)),
            ("termWeights".to_owned(), Arc::new(list(Arc::new(weights))?)),
        ];
        relation::rows(analyzer, columns).map(Some)
    }

    fn describe(&self, params: &Params) -> Result<String> {
        Ok(format!("k={}, numFeatures={}", params.int("k")?, self.topics.height()))
    }

    fn columns(&self) -> Result<Vec<Column>> {
        Ok(vec![
            Column::int("vocabSize", self.topics.height() as i32),
            Column::matrix("topicsMatrix", &self.topics)?,
            Column::vector("docConcentration", &self.alpha)?,
            Column::double("topicConcentration", self.eta),
            Column::double("gammaShape", self.shape),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> LocalLdaModel {
        LocalLdaModel {
            topics: Matrix::new(3, 2, vec![1.0, 2.0, 3.0, f64::NAN, 3.0, 4.0]),
            alpha: vec![0.5, 0.5],
            eta: 0.5,
            shape: 100.0,
        }
    }

    #[test]
    fn topics_are_described_by_their_most_frequent_terms() {
        let described = model().described(2);
        assert_eq!(described[0], [(1, 3.0 / 7.0), (2, 3.0 / 7.0)]);
        // Shares of a sum that is not a number are not numbers: terms stay in their order.
        assert_eq!(described[1].iter().map(|(term, _)| *term).collect::<Vec<_>>(), [0, 1]);
        assert!(model().described(0).iter().all(Vec::is_empty));
    }

    #[test]
    fn documents_begin_with_the_seed_of_the_class() {
        assert_eq!(seed(), 1_421_925_485);
    }
}
