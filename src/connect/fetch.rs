//! What clients fetch: attributes of models, results of their methods, and functions that belong to no model.

use super::driver::Driver;
use super::ml::{Wants, param, reference};
use super::reports;
use super::saved::Want;
use crate::error::{Result, SparkError};
use crate::ml::error::illegal;
use crate::ml::feature::count_vectorizer::Words;
use crate::ml::feature::stop_words;
use crate::ml::feature::string_indexer::Labels;
use crate::ml::literal::{Kind, Value};
use crate::ml::method::{Asked, method_relation};
use crate::ml::model::{self, Fitted, Model, Models};
use crate::ml::params::{Params, texts_of};
use crate::ml::relation::HELPER;
use crate::ml::stage;
use crate::proto as sc;
use crate::proto::fetch::method::Args;
use crate::proto::fetch::method::args::ArgsType;
use crate::proto::ml_command_result::ResultType;
use crate::proto::write_operation::SaveMode;

impl Driver {
    /// Returns an attribute of a model, or the result of one of its methods; `None` if storage has to answer first.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if the model lacks it; `UNSUPPORTED_FEATURE` if an argument is a DataFrame.
    pub(super) fn ml_fetch(
        &mut self,
        operation: &str,
        session: &str,
        fetch: &sc::Fetch,
        now_ms: i64,
    ) -> Result<Option<ResultType>> {
        let id = fetch.obj_ref.as_ref().map(|r| r.id.as_str()).unwrap_or_default();
        let Some(method) = fetch.methods.last() else {
            return Err(SparkError::invalid_plan("an ML fetch names no method"));
        };
        if let (
            "evaluate",
            [
                Args {
                    args_type: Some(ArgsType::Input(dataset)),
                },
            ],
        ) = (method.method.as_str(), &method.args[..])
        {
            return self.evaluate_model(session, id, dataset).map(Some);
        }
        if let Some(asked) = Asked::of(fetch)? {
            let model = self.ml_model(session, id)?;
            let params = model.params_with(None)?;
            let method = asked.of_model(&model, &params)?;
            let (relation, wants) = (method_relation(fetch), Wants::Finding(method.read));
            self.start_ml_job(operation, session, params, &relation, wants, now_ms)?;
            return Ok(None);
        }
        let args = method
            .args
            .iter()
            .map(|a| match &a.args_type {
                Some(ArgsType::Param(literal)) => Value::from_literal(literal),
                _ => Err(SparkError::unsupported(format!("{} of a DataFrame", method.method))),
            })
            .collect::<Result<Vec<_>>>()?;
        if id == HELPER {
            return match (method.method.as_str(), &args[..]) {
                ("handleOverwrite", [Value::Text(path), Value::Bool(true)]) => {
                    let done = param(&Value::Bool(true), Kind::Bool);
                    self.save(operation, path, SaveMode::Overwrite, vec![], Some(done));
                    Ok(None)
                }
                // Ours: what kind of stage a directory holds.
                ("rivuletMetadata", [Value::Text(path)]) => {
                    self.ml_load(operation, session, path, Want::Metadata)?;
                    Ok(None)
                }
                (name, args) => self.ml_helper(session, name, args).map(Some),
            };
        }
        if fetch.methods.len() > 1 || self.session(session).models.find(id).is_none() {
            let methods = fetch.methods.iter().map(|m| m.method.as_str()).collect();
            let args = &args;
            return self.ml_report(operation, session, &reports::Asked { id, methods, args }, now_ms);
        }
        let model = self.ml_model(session, id)?;
        if method.method == "trees" {
            let params = model.params_with(None)?;
            let parts = model.fitted.parts(&params).into_iter();
            let ids: Vec<String> = parts.map(|part| self.keep_model(session, part)).collect();
            return Ok(Some(param(&Value::Text(ids.join(",")), Kind::Text)));
        }
        let (value, kind) = model.fetch(&method.method, &args)?;
        Ok(Some(param(&value, kind)))
    }

    /// Calls a function of Spark's that belongs to no model: stop words, and models made of given words.
    ///
    /// # Errors
    /// `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if it is unknown.
    fn ml_helper(&mut self, session: &str, method: &str, args: &[Value]) -> Result<ResultType> {
        Ok(match (method, args) {
            ("stopWordsRemoverLoadDefaultStopWords", [Value::Text(language)]) => {
                param(&Value::texts(stop_words::load(language)?), Kind::Texts)
            }
            ("stopWordsRemoverGetDefaultOrUS", []) => param(&Value::Text("en_US".into()), Kind::Text),
            ("countVectorizerModelFromVocabulary", [Value::Text(uid), words]) => {
                let words = texts_of(words).ok_or_else(|| illegal("a vocabulary is a list of words"))?;
                self.model_of(
                    session,
                    "org.apache.spark.ml.feature.CountVectorizerModel",
                    uid,
                    Words { words },
                )?
            }
            ("stringIndexerModelFromLabels", [Value::Text(uid), labels]) => {
                let words = texts_of(labels).ok_or_else(|| illegal("labels are a list of strings"))?;
                self.indexer_of(session, uid, vec![Words { words }])?
            }
            ("stringIndexerModelFromLabelsArray", [Value::Text(uid), Value::List(lists)]) => {
                let columns = lists.iter().map(|l| texts_of(l).map(|words| Words { words }));
                let columns: Option<Vec<Words>> = columns.collect();
                self.indexer_of(
                    session,
                    uid,
                    columns.ok_or_else(|| illegal("labels are lists of strings"))?,
                )?
            }
            _ => return Err(model::not_allowed("ConnectHelper", method)),
        })
    }

    /// Keeps a `StringIndexerModel` of given labels.
    fn indexer_of(&mut self, session: &str, uid: &str, columns: Vec<Words>) -> Result<ResultType> {
        let fitted = Labels { columns };
        self.model_of(session, "org.apache.spark.ml.feature.StringIndexerModel", uid, fitted)
    }

    /// Keeps a model of given content with default params.
    fn model_of(&mut self, session: &str, class: &str, uid: &str, fitted: impl Fitted) -> Result<ResultType> {
        let params = Params::new(stage::by_name(class)?, uid, &sc::MlParams::default())?;
        Ok(reference(&self.keep_model(session, Model::new(&params, fitted))))
    }
}
