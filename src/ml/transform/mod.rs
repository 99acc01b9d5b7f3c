//! Transforms as relations: `MlRelation` to projections over its input, one kernel a stage.

mod categories;
mod columns;
mod numbers;
mod prediction;
mod words;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result as DfResult;
use prost::Message;

use crate::error::{Result, SparkError};
use crate::ml::classification::naive_bayes::Predictor;
use crate::ml::error::illegal;
use crate::ml::feature::{count_vectorizer, idf, ngram, scalers};
use crate::ml::model::{self, Fitted, Model, Models};
use crate::ml::operators::{self, Stage};
use crate::ml::params::Params;
use crate::ml::text::TextTerms;
use crate::ml::training::is_job;
use crate::plan::analyzer::Analyzer;
use crate::plan::extension::{Extended, Extension};
use crate::plan::scope::{Resolved, Typed};
use crate::plan::sql;
use crate::proto as sc;
use crate::proto::ml_relation::MlType;
use crate::proto::ml_relation::transform::Operator;
use crate::proto::relation::RelType;
use crate::values::{types, vector};

/// What the analyzer keeps for ML: the models that plans name, and what stages know of columns beyond their types.
#[derive(Default)]
pub struct Context {
    pub models: Option<Rc<dyn Models>>,
    /// Models that the plan named, by id.
    pub used: BTreeMap<String, Arc<Model>>,
    /// Labels of columns that hold their indices, by column id (`NominalAttribute`).
    labels: BTreeMap<String, Arc<Vec<String>>>,
    /// Columns made of a text alone, by column id: what the fast path of prediction starts from.
    texts: BTreeMap<String, TextTerms>,
    statements: usize,
}

/// Machine learning's relations: stages applied to a dataset, and the jobs of training and evaluation.
struct Ml;

impl Extension for Ml {
    fn relation(&self, analyzer: &mut Analyzer, node: &RelType) -> Option<Result<Resolved>> {
        match node {
            RelType::MlRelation(node) => Some(analyzer.ml_relation(node)),
            RelType::Extension(any) if is_job(any) => Some(analyzer.ml_job(any)),
            _ => None,
        }
    }
}

/// Returns the extension that adds machine learning to an analyzer; `models` finds what its plans name.
pub fn extension(models: Option<Rc<dyn Models>>) -> Extended {
    let context = Context {
        models,
        ..Context::default()
    };
    Extended {
        extension: &Ml,
        state: Box::new(context),
    }
}

impl Context {
    /// Returns what `analyzer` keeps for machine learning; `None` if it was made without the extension.
    pub fn of(analyzer: &mut Analyzer) -> Option<&mut Context> {
        analyzer.extensions.iter_mut().find_map(|e| e.state.downcast_mut())
    }

    fn seen(analyzer: &Analyzer) -> Option<&Context> {
        analyzer.extensions.iter().find_map(|e| e.state.downcast_ref())
    }

    /// The models that the plan named, as they travel.
    pub fn encoded(&self) -> BTreeMap<String, Vec<u8>> {
        self.used
            .iter()
            .map(|(id, m)| (id.clone(), m.for_prediction().encode_to_vec()))
            .collect()
    }

    fn model(&mut self, id: &str) -> Result<Arc<Model>> {
        let found = self
            .models
            .as_ref()
            .and_then(|m| m.find(id))
            .ok_or_else(|| model::lost(id))?;
        self.used.insert(id.to_owned(), found.clone());
        Ok(found)
    }
}

/// A column that a stage reads: its values and its name in messages.
struct Input {
    typed: Typed,
    name: String,
}

type Body = Box<dyn Fn(&[ArrayRef], usize) -> DfResult<ArrayRef> + Send + Sync>;

impl Analyzer {
    fn ml(&mut self) -> Result<&mut Context> {
        Context::of(self).ok_or_else(|| SparkError::internal("an ML plan is analysed without the ML extension"))
    }

    /// One `MlRelation`.
    ///
    /// # Errors
    /// Where a stage, model, param or column is unknown, or of another type than the stage takes.
    pub(crate) fn ml_relation(&mut self, node: &sc::MlRelation) -> Result<Resolved> {
        match &node.ml_type {
            Some(MlType::Transform(transform)) => {
                let input = self.relation(
                    transform
                        .input
                        .as_deref()
                        .ok_or_else(|| SparkError::invalid_plan("a transform lacks its input"))?,
                )?;
                let given = transform.params.clone().unwrap_or_default();
                match &transform.operator {
                    Some(Operator::ObjRef(reference)) => {
                        let model = self.ml()?.model(&reference.id)?;
                        let params = model.params_with(Some(&given))?;
                        self.apply_model(input, &reference.id, &model, &params)
                    }
                    Some(Operator::Transformer(operator)) => {
                        let params = Params::new(operators::by_name(&operator.name)?, &operator.uid, &given)?;
                        self.apply_transformer(input, &params, transform.input.as_deref())
                    }
                    None => Err(SparkError::invalid_plan("a transform names no stage")),
                }
            }
            Some(MlType::Fetch(fetch)) => {
                let methods: Vec<&str> = fetch.methods.iter().map(|m| m.method.as_str()).collect();
                Err(model::not_allowed("a model", &methods.join(".")))
            }
            None => Err(SparkError::invalid_plan("an ML relation is empty")),
        }
    }

    fn apply_transformer(
        &mut self,
        input: Resolved,
        params: &Params,
        message: Option<&sc::Relation>,
    ) -> Result<Resolved> {
        match params.operator.stage {
            Stage::Tokenizer | Stage::RegexTokenizer => self.tokenizer(input, params),
            Stage::StopWordsRemover => self.stop_words_remover(input, params),
            Stage::NGram => {
                let words = self.strings(&input, &params.text("inputCol")?)?;
                let n = params.count("n")?;
                let name = words.name.clone();
                let body: Body = Box::new(move |args, _| Ok(ngram::apply(n, &args[0], &name)?));
                self.stage(input, params, types::list_of(DataType::Utf8), vec![words], body)
            }
            Stage::HashingTF => self.hashing_tf(input, params),
            Stage::IndexToString => self.index_to_string(input, params),
            Stage::VectorAssembler => self.vector_assembler(input, params),
            Stage::Binarizer => self.binarizer(input, params),
            Stage::Bucketizer => self.bucketizer(input, params),
            Stage::Normalizer => {
                let features = self.vectors(&input, &params.text("inputCol")?)?;
                let p = params.double("p")?;
                let body: Body = Box::new(move |args, _| Ok(scalers::normalize(p, &args[0])?));
                self.stage(input, params, vector::data_type(), vec![features], body)
            }
            Stage::SqlTransformer => self.sql_transformer(params, message),
            _ => Err(SparkError::unsupported(format!(
                "{} as a transformer: it is fitted, or evaluates",
                params.operator.short()
            ))),
        }
    }

    fn apply_model(&mut self, input: Resolved, id: &str, model: &Model, params: &Params) -> Result<Resolved> {
        match model.fitted()? {
            Fitted::NaiveBayes(fitted) => {
                let predictor = Arc::new(Predictor::new(fitted, params)?);
                self.naive_bayes(input, id, params, &predictor)
            }
            Fitted::StringIndexer(fitted) => {
                let labels: Vec<Arc<Vec<String>>> = fitted.columns.iter().map(|c| Arc::new(c.words.clone())).collect();
                self.string_indexer(input, id, params, &labels)
            }
            Fitted::OneHotEncoder(fitted) => self.one_hot_encoder(input, params, &fitted.sizes),
            other => {
                let column = params.text("inputCol")?;
                let read = match other {
                    Fitted::CountVectorizer(_) => self.strings(&input, &column)?,
                    _ => self.vectors(&input, &column)?,
                };
                let body = single_column_model(other, params, read.name.clone())?;
                self.stage_of(input, params, id, vector::data_type(), vec![read], body)
            }
        }
    }

    fn sql_transformer(&mut self, params: &Params, message: Option<&sc::Relation>) -> Result<Resolved> {
        let statement = params.text("statement")?;
        let input = message.ok_or_else(|| SparkError::invalid_plan("a transform lacks its input"))?;
        let ml = self.ml()?;
        ml.statements += 1;
        let table = format!("__ml_this_{}", ml.statements);
        self.views.insert(table.clone(), input.clone());
        let parsed = sql::parse_statement(&statement.replace("__THIS__", &table))?;
        let out = match parsed {
            sql::Statement::Query(relation) => self.relation(&relation),
            _ => Err(illegal(format!("SQLTransformer takes a query, not {statement}."))),
        };
        self.views.remove(&table);
        out
    }

    // ------------------------------------------------------------------------------------------------ columns
}

/// What a summary takes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Vectors,
    Words,
    Labels,
    Numbers,
    /// Vectors or doubles.
    Scores,
}

fn single_column_model(fitted: &Fitted, params: &Params, column: String) -> Result<Body> {
    Ok(match fitted {
        Fitted::Idf(m) => {
            let weights = m.idf.clone();
            Box::new(move |args, _| Ok(idf::apply(&weights, &args[0], &column)?))
        }
        Fitted::CountVectorizer(m) => {
            let counting = count_vectorizer::Counting::new(&m.words, params)?;
            Box::new(move |args, _| Ok(counting.apply(&args[0], &column)?))
        }
        Fitted::StandardScaler(m) => {
            let mean = params.bool("withMean")?.then(|| m.mean.clone());
            let std = params.bool("withStd")?.then(|| m.std.clone());
            Box::new(move |args, _| Ok(scalers::standard(mean.as_deref(), std.as_deref(), &args[0], &column)?))
        }
        Fitted::MinMaxScaler(m) => {
            let (low, high) = (m.min.clone(), m.max.clone());
            let to = (params.double("min")?, params.double("max")?);
            Box::new(move |args, _| Ok(scalers::min_max(&low, &high, to, &args[0], &column)?))
        }
        Fitted::MaxAbsScaler(m) => {
            let most = m.values.clone();
            Box::new(move |args, _| Ok(scalers::max_abs(&most, &args[0], &column)?))
        }
        Fitted::NaiveBayes(_) | Fitted::StringIndexer(_) | Fitted::OneHotEncoder(_) | Fitted::OldHashing(_) => {
            return Err(SparkError::internal("a model of several columns has no single one"));
        }
    })
}
