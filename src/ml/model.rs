//! A fitted model: its class, uid, params, and what training found. As bytes it travels in a job's spec.

use prost::Message;

use super::error::illegal;
use super::literal::{Kind, Value};
use super::matrix::Matrix;
use super::operators::{self, Operator};
use super::params::Params;
use super::summary::classes;
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::values::vector::{Vector, VectorRef};

/// A model.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Spark's class of the model.
    #[prost(string, tag = "1")]
    pub class: String,
    #[prost(string, tag = "2")]
    pub uid: String,
    /// The params of its estimator that were set.
    #[prost(message, optional, tag = "3")]
    pub params: Option<sc::MlParams>,
    #[prost(oneof = "Fitted", tags = "10, 11, 12, 13, 14, 15, 16, 17, 18")]
    pub fitted: Option<Fitted>,
}

/// What training found.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Fitted {
    #[prost(message, tag = "10")]
    NaiveBayes(NaiveBayes),
    #[prost(message, tag = "11")]
    Idf(Idf),
    #[prost(message, tag = "12")]
    CountVectorizer(Words),
    #[prost(message, tag = "13")]
    StringIndexer(Labels),
    #[prost(message, tag = "14")]
    OneHotEncoder(Categories),
    #[prost(message, tag = "15")]
    StandardScaler(Scales),
    #[prost(message, tag = "16")]
    MinMaxScaler(Bounds),
    #[prost(message, tag = "17")]
    MaxAbsScaler(Numbers),
    #[prost(message, tag = "18")]
    OldHashing(OldHashing),
}

/// Class log priors, and per class and feature: log probabilities, or means and variances.
#[derive(Clone, PartialEq, Message)]
pub struct NaiveBayes {
    #[prost(double, repeated, tag = "1")]
    pub pi: Vec<f64>,
    #[prost(message, required, tag = "2")]
    pub theta: Matrix,
    /// Of Gaussian models only; else empty.
    #[prost(message, required, tag = "3")]
    pub sigma: Matrix,
    /// What it was made of, where it goes on learning.
    #[prost(message, optional, tag = "4")]
    pub statistics: Option<Statistics>,
}

/// Sums that a model of a stream was made of (`StreamingNaiveBayes`).
#[derive(Clone, PartialEq, Message)]
pub struct Statistics {
    #[prost(message, required, tag = "1")]
    pub sums: classes::State,
    /// The last batch that is in.
    #[prost(int64, optional, tag = "2")]
    pub batch: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Idf {
    #[prost(double, repeated, tag = "1")]
    pub idf: Vec<f64>,
    #[prost(int64, repeated, tag = "2")]
    pub doc_freq: Vec<i64>,
    #[prost(int64, tag = "3")]
    pub num_docs: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Words {
    #[prost(string, repeated, tag = "1")]
    pub words: Vec<String>,
}

/// Labels of each input column.
#[derive(Clone, PartialEq, Message)]
pub struct Labels {
    #[prost(message, repeated, tag = "1")]
    pub columns: Vec<Words>,
}

/// Number of categories of each input column.
#[derive(Clone, PartialEq, Message)]
pub struct Categories {
    #[prost(int32, repeated, tag = "1")]
    pub sizes: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Scales {
    #[prost(double, repeated, tag = "1")]
    pub std: Vec<f64>,
    #[prost(double, repeated, tag = "2")]
    pub mean: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Bounds {
    #[prost(double, repeated, tag = "1")]
    pub min: Vec<f64>,
    #[prost(double, repeated, tag = "2")]
    pub max: Vec<f64>,
}

/// A `HashingTF` that Spark 2 saved: it goes on hashing as Spark 2 did.
#[derive(Clone, PartialEq, Message)]
pub struct OldHashing {}

#[derive(Clone, PartialEq, Message)]
pub struct Numbers {
    #[prost(double, repeated, tag = "1")]
    pub values: Vec<f64>,
}

fn compressed(values: &[f64]) -> (Value, Kind) {
    (Value::Vector(VectorRef::Dense(values).compressed()), Kind::Vector)
}

impl Model {
    /// The model that an estimator with these params makes.
    pub fn new(params: &Params, fitted: Fitted) -> Self {
        Self {
            class: params.operator.model.unwrap_or(params.operator.class).to_owned(),
            uid: params.uid.clone(),
            params: Some(params.to_proto()),
            fitted: Some(fitted),
        }
    }

    /// The same without what only further learning needs: what travels to executors.
    #[must_use]
    pub fn for_prediction(&self) -> Self {
        let mut own = self.clone();
        if let Some(Fitted::NaiveBayes(bayes)) = &mut own.fitted {
            bayes.statistics = None;
        }
        own
    }

    pub fn operator(&self) -> Result<&'static Operator> {
        operators::by_name(&self.class)
    }

    pub fn fitted(&self) -> Result<&Fitted> {
        self.fitted
            .as_ref()
            .ok_or_else(|| SparkError::internal(format!("the model {} has no content", self.uid)))
    }

    /// Its own params under those of a call.
    ///
    /// # Errors
    /// Where a param of the call is unknown or invalid.
    pub fn params_with(&self, over: Option<&sc::MlParams>) -> Result<Params> {
        let own = self.params.clone().unwrap_or_default();
        let mut params = Params::new(self.operator()?, &self.uid, &own)?;
        if let Some(over) = over {
            params.overlay(over)?;
        }
        Ok(params)
    }

    /// An attribute that clients fetch, such as `theta`.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` where the model has none of that name.
    pub fn attribute(&self, name: &str) -> Result<(Value, Kind)> {
        let found = match (self.fitted()?, name) {
            (Fitted::NaiveBayes(m), "pi") => Some((Value::dense(&m.pi), Kind::Vector)),
            (Fitted::NaiveBayes(m), "theta") => Some((m.theta.value(), Kind::Matrix)),
            (Fitted::NaiveBayes(m), "sigma") => Some((m.sigma.value(), Kind::Matrix)),
            (Fitted::NaiveBayes(m), "numClasses") => Some((Value::Int(m.pi.len() as i64), Kind::Int)),
            (Fitted::NaiveBayes(m), "numFeatures") => Some((Value::Int(m.theta.columns as i64), Kind::Int)),
            (Fitted::Idf(m), "idf") => Some((Value::Vector(Vector::Dense(m.idf.clone())), Kind::Vector)),
            (Fitted::Idf(m), "docFreq") => Some((longs(&m.doc_freq), Kind::Longs)),
            (Fitted::Idf(m), "numDocs") => Some((Value::Int(m.num_docs), Kind::Long)),
            (Fitted::CountVectorizer(m), "vocabulary") => Some((Value::texts(m.words.clone()), Kind::Texts)),
            (Fitted::StringIndexer(m), "labels") => {
                if m.columns.len() != 1 {
                    return Err(illegal(
                        "This StringIndexerModel is fitted by multi-columns, call labelsArray instead.",
                    ));
                }
                Some((Value::texts(m.columns[0].words.clone()), Kind::Texts))
            }
            (Fitted::StringIndexer(m), "labelsArray") => Some((
                Value::List(m.columns.iter().map(|c| Value::texts(c.words.clone())).collect()),
                Kind::TextsList,
            )),
            (Fitted::OneHotEncoder(m), "categorySizes") => Some((
                Value::List(m.sizes.iter().map(|n| Value::Int((*n).into())).collect()),
                Kind::Ints,
            )),
            (Fitted::StandardScaler(m), "mean") => Some((Value::dense(&m.mean), Kind::Vector)),
            (Fitted::StandardScaler(m), "std") => Some((Value::dense(&m.std), Kind::Vector)),
            (Fitted::MinMaxScaler(m), "originalMin") => Some(compressed(&m.min)),
            (Fitted::MinMaxScaler(m), "originalMax") => Some(compressed(&m.max)),
            (Fitted::MaxAbsScaler(m), "maxAbs") => Some(compressed(&m.values)),
            (_, "uid") => Some((Value::Text(self.uid.clone()), Kind::Text)),
            (_, "toString") => Some((Value::Text(self.describe()?), Kind::Text)),
            _ => None,
        };
        found.ok_or_else(|| not_allowed(&self.class, name))
    }

    /// `toString`.
    fn describe(&self) -> Result<String> {
        let short = self.class.rsplit('.').next().unwrap_or_default();
        let uid = &self.uid;
        let params = self.params_with(None)?;
        Ok(match self.fitted()? {
            Fitted::NaiveBayes(m) => format!(
                "{short}: uid={uid}, modelType={}, numClasses={}, numFeatures={}",
                params.text("modelType")?,
                m.pi.len(),
                m.theta.columns
            ),
            Fitted::Idf(m) => format!(
                "{short}: uid={uid}, numDocs={}, numFeatures={}",
                m.num_docs,
                m.idf.len()
            ),
            Fitted::CountVectorizer(m) => format!("{short}: uid={uid}, vocabularySize={}", m.words.len()),
            Fitted::StringIndexer(_) => {
                format!("{short}: uid={uid}, handleInvalid={}", params.text("handleInvalid")?)
            }
            Fitted::OneHotEncoder(_) => format!(
                "{short}: uid={uid}, dropLast={}, handleInvalid={}",
                params.bool("dropLast")?,
                params.text("handleInvalid")?
            ),
            Fitted::StandardScaler(m) => format!(
                "{short}: uid={uid}, numFeatures={}, withMean={}, withStd={}",
                m.mean.len(),
                params.bool("withMean")?,
                params.bool("withStd")?
            ),
            Fitted::MinMaxScaler(m) => format!(
                "{short}: uid={uid}, numFeatures={}, min={}, max={}",
                m.min.len(),
                crate::values::text::double(params.double("min")?),
                crate::values::text::double(params.double("max")?)
            ),
            Fitted::OldHashing(_) => format!("{short}: uid={uid}"),
            Fitted::MaxAbsScaler(m) => format!("{short}: uid={uid}, numFeatures={}", m.values.len()),
        })
    }
}

fn longs(values: &[i64]) -> Value {
    Value::List(values.iter().map(|v| Value::Int(*v)).collect())
}

/// A method or attribute that a class has not.
pub fn not_allowed(class: &str, name: &str) -> SparkError {
    SparkError::new(
        crate::error::Exception::Connect,
        "CONNECT_ML.ATTRIBUTE_NOT_ALLOWED",
        "XX000",
        format!("Generic Spark Connect ML error. {name} in {class} is not allowed to be accessed."),
    )
    .with("className", class)
    .with("methodName", name)
}

/// Under which id the models of a session keep what is special about a stage that is no model.
pub fn stage_id(uid: &str) -> String {
    format!("stage:{uid}")
}

/// The models that a plan may name, by their ids.
pub trait Models {
    fn find(&self, id: &str) -> Option<std::sync::Arc<Model>>;
}

/// A model that is not, or no longer, there.
pub fn lost(id: &str) -> SparkError {
    SparkError::new(
        crate::error::Exception::Connect,
        "CONNECT_ML.CACHE_INVALID",
        "XX000",
        format!(
            "Generic Spark Connect ML error. Cannot retrieve object {id} from the ML cache. It may have been deleted."
        ),
    )
    .with("objectName", id)
}
