//! A fitted model: its class, uid, params, and what training found. As bytes it travels in a job's spec.
//!
//! A model is made by an estimator ([`super::training::fitted`]) or read from a directory ([`super::persistence`]).
//! Sessions keep models in a cache under ids that clients know; a plan names a model by its id ([`Models`]), and the
//! driver adds the encoded models that a plan names to the job, so executors need no cache. What differs between kinds
//! of models is in one trait, [`Fitted`]:
//!
//! ```text
//!              fit, load                  encode_to_vec
//! Estimator  ───────────▶  Model  ◀────────────────────▶  bytes in a job's spec
//!                          │ head: class, uid, params         field 1, 2, 3
//!                          └ fitted: dyn Fitted               field 10 and above, one per kind
//! ```

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};
use prost::{DecodeError, Message};

use super::findings::Finding;
use super::literal::{Kind, Value};
use super::method::Method;
use super::params::Params;
use super::persistence::File;
use super::persistence::data::{Column, Row};
use super::relation::Argument;
use super::stage::{self, Stage};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::vector::VectorRef;

/// Content decoded from bytes, or why it cannot be.
pub type Decoded = std::result::Result<Arc<dyn Fitted>, DecodeError>;

/// How the content of one kind of model is named, decoded and loaded.
#[derive(Debug)]
pub struct ModelKind {
    /// Spark's class of the model; `None` for content of a stage that is not a model.
    pub class: Option<&'static str>,
    /// Field number of the content in an encoded model, from 10 on; never to be changed or used again.
    pub tag: u32,
    /// Decodes what [`Fitted::to_bytes`] wrote.
    pub decode: fn(&[u8]) -> Decoded,
    /// Reads the content of a directory in Spark's layout.
    pub read: fn(&Row<'_>) -> Result<Arc<dyn Fitted>>,
}

/// Decodes content that is a Protobuf message: the `decode` of most kinds.
///
/// # Errors
/// If the bytes are not such a message.
pub fn decoded<M: Fitted + Message + Default>(bytes: &[u8]) -> Decoded {
    Ok(Arc::new(M::decode(bytes)?))
}

/// What training found: the content of a model.
pub trait Fitted: Any + fmt::Debug + Send + Sync {
    /// Returns the kind of the content.
    fn kind(&self) -> &'static ModelKind;

    /// Returns the content as bytes, which [`ModelKind::decode`] reads.
    fn to_bytes(&self) -> Vec<u8>;

    /// Plans the columns of the model with the cache id `id` over `input`.
    ///
    /// # Errors
    /// If a column is unknown or of a type that the model does not take, or an output column exists.
    fn transform(&self, analyzer: &mut Analyzer, input: Resolved, id: &str, params: &Params) -> Result<Resolved>;

    /// Returns an attribute that clients fetch, such as `theta`; `None` if there is none of that name.
    ///
    /// # Errors
    /// If the attribute exists but not for this model.
    fn attribute(&self, _params: &Params, _name: &str) -> Result<Option<(Value, Kind)>> {
        Ok(None)
    }

    /// Returns the models that it is made of, such as the trees of a forest.
    fn parts(&self, _params: &Params) -> Vec<Model> {
        vec![]
    }

    /// Calls a method with arguments; `None` if the model has no method that takes such arguments.
    ///
    /// # Errors
    /// If an argument does not fit the model.
    fn call(&self, _params: &Params, _method: &str, _args: &[Value]) -> Result<Option<(Value, Kind)>> {
        Ok(None)
    }

    /// Returns a method over a dataset, given its other arguments; `None` if the model has no such method.
    ///
    /// # Errors
    /// If an argument does not fit the model.
    fn over(&self, _params: &Params, _method: &str, _args: &[Value]) -> Result<Option<Method>> {
        Ok(None)
    }

    /// Returns what a summary of the model over a dataset says under a name; `None` if it does not say that.
    ///
    /// # Errors
    /// If a param is of another type.
    fn finding(&self, _params: &Params, _name: &str, _args: &[Value]) -> Result<Option<Finding>> {
        Ok(None)
    }

    /// Plans what a method returns as a DataFrame; `None` if the model lacks the method.
    ///
    /// # Errors
    /// If an argument does not fit, or those of the plan.
    fn relation(
        &self,
        _analyzer: &mut Analyzer,
        _id: &str,
        _params: &Params,
        _method: &str,
        _args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        Ok(None)
    }

    /// Plans what a method of the summary of its training returns as a DataFrame, over the dataset `input`; `None` if the summary
    /// lacks the method. The model has the cache id and the params `of`.
    ///
    /// # Errors
    /// As [`Self::transform`]; if an argument does not fit.
    fn summary_relation(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        of: (&str, &Params),
        method: &str,
        args: &[Argument<'_>],
    ) -> Result<Option<Resolved>> {
        match (method, args) {
            ("predictions", []) => self.transform(analyzer, input, of.0, of.1).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the column of the scores that decide between two classes; `None` for models of other classes or of numbers.
    ///
    /// # Errors
    /// If a param is of another type.
    fn score_column(&self, _params: &Params) -> Result<Option<String>> {
        Ok(None)
    }

    /// Returns what `toString` says after the uid, such as `numFeatures=3`; may be empty.
    ///
    /// # Errors
    /// If a param is of another type.
    fn describe(&self, params: &Params) -> Result<String>;

    /// Returns the columns of the one row that Spark saves; none if it saves tables only.
    ///
    /// # Errors
    /// If arrays do not fit each other.
    fn columns(&self) -> Result<Vec<Column>>;

    /// Returns tables that Spark saves in folders beside `data/`.
    ///
    /// # Errors
    /// If arrays do not fit each other.
    fn tables(&self, _params: &Params, _now_ms: i64) -> Result<Vec<(&'static str, Vec<Column>)>> {
        Ok(vec![])
    }

    /// Returns what Spark saves of the model in `metadata/`.
    fn facts(&self) -> Vec<(&'static str, serde_json::Value)> {
        vec![]
    }

    /// Returns the stage that is saved in its place, if that is one without a model; `None` if it is saved itself.
    ///
    /// # Errors
    /// If the params do not fit that stage.
    fn saved_as(&self, _params: &Params) -> Result<Option<Params>> {
        Ok(None)
    }

    /// Returns JSON that Spark saves of the model in folders of their own.
    ///
    /// # Errors
    /// If a param is of another type.
    fn notes(&self, _params: &Params) -> Result<Vec<(&'static str, serde_json::Value)>> {
        Ok(vec![])
    }

    /// Returns the files of stages that Spark saves in folders of their own below the model's, by their paths; `part` makes the names
    /// of part files unique.
    ///
    /// # Errors
    /// If a param is of another type, or arrays do not fit each other.
    fn folders(&self, _params: &Params, _now_ms: i64, _part: &str) -> Result<Vec<File>> {
        Ok(vec![])
    }

    /// Returns a folder that is saved beside Spark's own, with its bytes; Spark ignores it.
    fn beside(&self) -> Option<(&'static str, Vec<u8>)> {
        None
    }

    /// Returns the id of the last batch that it has learned; `None` if it was learned at once, or batches have no ids.
    fn last_batch(&self) -> Option<i64> {
        None
    }

    /// Returns the content without what only further learning needs; `None` if prediction needs all of it.
    fn for_prediction(&self) -> Option<Arc<dyn Fitted>> {
        None
    }
}

/// A model: what an estimator made, or what is special about a stage that an older Spark saved.
#[derive(Debug, Clone)]
pub struct Model {
    /// Spark's class of the model.
    pub class: String,
    /// The uid of its estimator.
    pub uid: String,
    /// The params of its estimator that were set.
    pub params: Option<sc::MlParams>,
    /// What training found.
    pub fitted: Arc<dyn Fitted>,
    /// The objective at the start of the training and after each step; empty for a model that was not trained in steps, or was
    /// loaded.
    pub history: Vec<f64>,
    /// The dataset of a summary, as an encoded relation, if it stands for one.
    pub dataset: Option<Arc<Vec<u8>>>,
}

/// The fields of an encoded model other than its content. Decoding skips the content, whose field is unknown to it.
#[derive(Clone, PartialEq, Message)]
struct Head {
    /// Spark's class of the model.
    #[prost(string, tag = "1")]
    class: String,
    /// The estimator's uid.
    #[prost(string, tag = "2")]
    uid: String,
    /// The params that were set.
    #[prost(message, optional, tag = "3")]
    params: Option<sc::MlParams>,
    /// The dataset of a summary.
    #[prost(bytes = "vec", optional, tag = "4")]
    dataset: Option<Vec<u8>>,
}

/// Returns a vector as an attribute, in the smaller of its two forms, as Spark's `Vector.compressed` chooses.
pub fn compressed(values: &[f64]) -> (Value, Kind) {
    (Value::Vector(VectorRef::Dense(values).compressed()), Kind::Vector)
}

/// Returns a vector as a dense attribute, zeros included.
pub fn dense(values: &[f64]) -> (Value, Kind) {
    (Value::dense(values), Kind::Vector)
}

impl Model {
    /// Returns the model that an estimator with these params makes. It keeps the estimator's uid and the params that
    /// were set, but for those of training alone.
    pub fn new(params: &Params, fitted: impl Fitted) -> Self {
        let stage = params.operator;
        let mut kept = params.to_proto();
        for name in stage.training_params() {
            kept.params.remove(*name);
        }
        Self {
            class: stage.model_class().unwrap_or(stage.class()).to_owned(),
            uid: params.uid.clone(),
            params: Some(kept),
            fitted: Arc::new(fitted),
            history: vec![],
            dataset: None,
        }
    }

    /// Returns the same with the objective at the start and after each step.
    #[must_use]
    pub fn with_history(mut self, history: Vec<f64>) -> Self {
        self.history = history;
        self
    }

    /// Returns the same without what only further learning needs: what travels to executors.
    ///
    /// The sums of a model that learns from a stream can be larger than the model itself; executors never read them.
    #[must_use]
    pub fn for_prediction(&self) -> Self {
        let mut own = self.clone();
        if let Some(less) = self.fitted.for_prediction() {
            own.fitted = less;
        }
        own
    }

    /// Returns the model as one Protobuf message: head, then content under the tag of its kind.
    pub fn encode_to_vec(&self) -> Vec<u8> {
        let head = Head {
            class: self.class.clone(),
            uid: self.uid.clone(),
            params: self.params.clone(),
            dataset: self.dataset.as_ref().map(|dataset| dataset.to_vec()),
        };
        let mut out = head.encode_to_vec();
        let content = self.fitted.to_bytes();
        encode_key(self.fitted.kind().tag, WireType::LengthDelimited, &mut out);
        encode_varint(content.len() as u64, &mut out);
        out.extend_from_slice(&content);
        out
    }

    /// Returns the size of the encoded model in bytes, by encoding it; sessions count it against their cache.
    pub fn encoded_len(&self) -> usize {
        self.encode_to_vec().len()
    }

    /// Decodes what [`Self::encode_to_vec`] wrote; fields of unknown tags are ignored, so an older engine reads what it
    /// knows.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are not a model, are cut off, or have no content of a known kind.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let unreadable = |e: DecodeError| SparkError::internal(format!("a model cannot be read: {e}"));
        let head = Head::decode(bytes).map_err(unreadable)?;
        let (mut rest, mut fitted) = (bytes, None);
        while !rest.is_empty() {
            let (tag, wire) = decode_key(&mut rest).map_err(unreadable)?;
            match stage::model_by_tag(tag) {
                Some(kind) if wire == WireType::LengthDelimited => {
                    let length = usize::try_from(decode_varint(&mut rest).map_err(unreadable)?).ok();
                    let content = length.and_then(|n| rest.get(..n));
                    let content = content.ok_or_else(|| SparkError::internal("a model's content is cut off"))?;
                    fitted = Some((kind.decode)(content).map_err(unreadable)?);
                    rest.advance(content.len());
                }
                _ => skip_field(wire, tag, &mut rest, DecodeContext::default()).map_err(unreadable)?,
            }
        }
        let lacks = || SparkError::internal(format!("the model {} has no content", head.uid));
        Ok(Self {
            fitted: fitted.ok_or_else(lacks)?,
            class: head.class,
            uid: head.uid,
            params: head.params,
            history: vec![],
            dataset: head.dataset.map(Arc::new),
        })
    }

    /// Returns the stage that makes such models.
    ///
    /// # Errors
    /// `CONNECT_ML.UNSUPPORTED_EXCEPTION` if Rivulet lacks the class.
    pub fn operator(&self) -> Result<&'static dyn Stage> {
        stage::by_name(&self.class)
    }

    /// Returns the content as type `T`; `None` if the model is of another kind.
    pub fn content<T: Fitted>(&self) -> Option<&T> {
        let content: &dyn Any = &*self.fitted;
        content.downcast_ref()
    }

    /// Returns its own params, overridden by those of a call.
    ///
    /// # Errors
    /// If a param of the call is unknown or invalid.
    pub fn params_with(&self, over: Option<&sc::MlParams>) -> Result<Params> {
        let own = self.params.clone().unwrap_or_default();
        let mut params = Params::new(self.operator()?, &self.uid, &own)?;
        if let Some(over) = over {
            params.overlay(over)?;
        }
        Ok(params)
    }

    /// Returns what a client fetches: the result of a method with arguments, or an attribute.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if the model lacks it; if an argument does not fit the model.
    pub fn fetch(&self, name: &str, args: &[Value]) -> Result<(Value, Kind)> {
        if !args.is_empty()
            && let Some(found) = self.fitted.call(&self.params_with(None)?, name, args)?
        {
            return Ok(found);
        }
        self.attribute(name)
    }

    /// Returns an attribute, such as `theta`.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if the model lacks one of that name.
    pub fn attribute(&self, name: &str) -> Result<(Value, Kind)> {
        let found = match (self.fitted.attribute(&self.params_with(None)?, name)?, name) {
            (Some(found), _) => Some(found),
            (None, "uid") => Some((Value::Text(self.uid.clone()), Kind::Text)),
            (None, "toString") => Some((Value::Text(self.describe()?), Kind::Text)),
            _ => None,
        };
        found.ok_or_else(|| not_allowed(&self.class, name))
    }

    /// Returns what `toString` says.
    fn describe(&self) -> Result<String> {
        let short = self.class.rsplit('.').next().unwrap_or_default();
        let more = self.fitted.describe(&self.params_with(None)?)?;
        let comma = if more.is_empty() { "" } else { ", " };
        Ok(format!("{short}: uid={}{comma}{more}", self.uid))
    }
}

/// Returns the error of a method or attribute that a class lacks (`CONNECT_ML.ATTRIBUTE_NOT_ALLOWED`).
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

/// Returns the id under which a session keeps what is special about a stage that is not a model, such as a `HashingTF`
/// that Spark 2 saved. No id of a model begins so.
pub fn stage_id(uid: &str) -> String {
    format!("stage:{uid}")
}

/// The models that a plan may name, by their ids: a session's cache on the driver, the job's own models on an executor.
pub trait Models {
    /// Returns the model of an id; `None` if it is unknown or was deleted.
    fn find(&self, id: &str) -> Option<Arc<Model>>;
}

/// Returns the id by which plans name the summary of a model's training.
pub fn summary_id(model: &str) -> String {
    format!("{model}{SUMMARY}")
}

/// Returns the id of the model whose summary an id names; `None` if it names another thing.
pub fn of_summary_id(id: &str) -> Option<&str> {
    id.strip_suffix(SUMMARY)
}

const SUMMARY: &str = ".summary";

/// Returns the error of a model that is unknown or was deleted (`CONNECT_ML.CACHE_INVALID`).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::feature::idf::IdfModel;

    /// An encoded `IDFModel`, field by field.
    fn bytes() -> Vec<u8> {
        let class = b"org.apache.spark.ml.feature.IDFModel";
        let mut bytes = vec![0x0a, class.len() as u8];
        bytes.extend_from_slice(class);
        // Tag 2: the uid; tag 3: no params that are set.
        bytes.extend_from_slice(&[0x12, 1, b'u', 0x1a, 0]);
        // Tag 11, 15 bytes: the weight 1.0, the frequency 2, 3 documents.
        bytes.extend_from_slice(&[0x5a, 15, 0x0a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x12, 1, 2, 0x18, 3]);
        bytes
    }

    #[test]
    fn a_model_is_encoded_under_the_tag_of_its_kind() {
        let model = Model::decode(&bytes()).unwrap();
        let idf = model.content::<IdfModel>().unwrap();
        assert_eq!(
            (&idf.idf[..], &idf.doc_freq[..], idf.num_docs),
            (&[1.0][..], &[2][..], 3)
        );
        assert_eq!(model.uid, "u");
        assert_eq!(model.encode_to_vec(), bytes());
    }

    #[test]
    fn a_model_whose_content_is_missing_or_cut_off_is_refused() {
        let whole = bytes();
        assert!(Model::decode(&whole[..whole.len() - 1]).is_err());
        assert!(Model::decode(&whole[..whole.len() - 17]).is_err());
    }
}
