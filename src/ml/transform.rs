//! Transforms as relations: `MlRelation` to projections over its input, one kernel a stage.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::Result as DfResult;
use datafusion_expr::LogicalPlanBuilder;
use prost::Message;

use super::classification::naive_bayes::Predictor;
use super::error::illegal;
use super::feature::stop_words::{self, Filter};
use super::feature::{
    assembler, binarizer, bucketizer, count_vectorizer, hashing_tf, idf, index_to_string, ngram, one_hot, scalers,
    string_indexer, tokenizer,
};
use super::model::{self, Fitted, Model, Models};
use super::operators::{self, Stage};
use super::params::Params;
use super::text::TextTerms;
use super::training::is_job;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::extension::{Extended, Extension};
use crate::plan::names::Names;
use crate::plan::scope::typed_attribute;
use crate::plan::scope::{Resolved, Typed};
use crate::plan::{cast_expr, sql};
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
        analyzer.extension.as_mut()?.state.downcast_mut()
    }

    fn seen(analyzer: &Analyzer) -> Option<&Context> {
        analyzer.extension.as_ref()?.state.downcast_ref()
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

    fn tokenizer(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let text = self.input_column(&input, &params.text("inputCol")?)?;
        if !types::is_string(&text.typed.data_type) {
            return Err(SparkError::requirement(format!(
                "Input type must be string type but got {}.",
                types::simple_string(&text.typed.data_type)
            )));
        }
        let name = text.name.clone();
        let source = text.typed.attribute.clone();
        let simple = params.operator.stage == Stage::Tokenizer;
        let body: Body = if simple {
            Box::new(move |args, _| Ok(tokenizer::tokenize(&args[0], &name)?))
        } else {
            let regex = tokenizer::RegexWords::new(params)?;
            Box::new(move |args, _| Ok(tokenizer::tokenize_by(&regex, &args[0], &name)?))
        };
        let out = self.stage(input, params, types::list_of(DataType::Utf8), vec![text], body)?;
        if let (true, Some(source), Some(made)) = (simple, source, out.output.last()) {
            self.ml()?.texts.insert(made.id.clone(), TextTerms::new(source));
        }
        Ok(out)
    }

    fn stop_words_remover(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let filter = Arc::new(Filter::new(params)?);
        for (from, to) in params.column_pairs()? {
            let words = self.strings(&input, &from)?;
            let known = self.text_terms(&words);
            let (own, name) = (filter.clone(), words.name.clone());
            let body: Body = Box::new(move |args, _| Ok(stop_words::apply(&own, &args[0], &name)?));
            let options = params.fingerprint();
            input = self.append(
                input,
                params,
                &options,
                &to,
                types::list_of(DataType::Utf8),
                vec![words],
                body,
            )?;
            if let (Some(known), Some(made)) = (known, input.output.last()) {
                self.ml()?.texts.insert(made.id.clone(), known.without(filter.clone()));
            }
        }
        Ok(input)
    }

    fn hashing_tf(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let terms = self.input_column(&input, &params.text("inputCol")?)?;
        if !matches!(terms.typed.data_type, DataType::List(_)) {
            return Err(SparkError::requirement(format!(
                "The input column must be array, but got {}.",
                types::simple_string(&terms.typed.data_type)
            )));
        }
        let mut hashing = hashing_tf::Hashing::new(params)?;
        hashing.old = self.ml()?.model(&model::stage_id(&params.uid)).is_ok();
        let known = self.text_terms(&terms);
        let name = terms.name.clone();
        let body: Body = Box::new(move |args, _| Ok(hashing_tf::apply(hashing, &args[0], &name)?));
        let old = if hashing.old { "old" } else { "" };
        let out = self.stage_of(input, params, old, vector::data_type(), vec![terms], body)?;
        if let (Some(known), Some(made)) = (known, out.output.last()) {
            self.ml()?.texts.insert(made.id.clone(), known.hashed(hashing));
        }
        Ok(out)
    }

    fn index_to_string(&mut self, input: Resolved, params: &Params) -> Result<Resolved> {
        let column = params.text("inputCol")?;
        let read = self.numbers(&input, &column)?;
        let known = read
            .typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(self)?.labels.get(&a.id));
        let labels = match (params.is_set("labels"), known) {
            (true, _) => Arc::new(params.texts("labels")?),
            (false, Some(labels)) => labels.clone(),
            (false, None) => {
                return Err(illegal(format!(
                    "Output column {} has no labels: column {column} has no metadata, and the param labels is not set.",
                    params.text("outputCol")?
                )));
            }
        };
        let name = read.name.clone();
        let options = format!("{} {labels:?}", params.fingerprint());
        let read = self.as_double(read)?;
        let body: Body = Box::new(move |args, _| Ok(index_to_string::apply(&labels, &args[0], &name)?));
        let to = params.text("outputCol")?;
        self.append(input, params, &options, &to, DataType::Utf8, vec![read], body)
    }

    fn vector_assembler(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let (columns, invalid) = (params.texts("inputCols")?, params.text("handleInvalid")?);
        if columns.is_empty() {
            return Err(SparkError::requirement(
                "VectorAssembler needs at least one input column.",
            ));
        }
        let mut reads = Vec::new();
        for column in &columns {
            let read = self.input_column(&input, column)?;
            if !vector::is_vector(&read.typed.data_type)
                && !types::is_numeric(&read.typed.data_type)
                && read.typed.data_type != DataType::Boolean
            {
                return Err(illegal(format!(
                    "Data type {} of column {column} is not supported.",
                    types::simple_string(&read.typed.data_type)
                )));
            }
            let wanted = if vector::is_vector(&read.typed.data_type) {
                read
            } else {
                self.as_double(read)?
            };
            reads.push(wanted);
        }
        if invalid == "skip" {
            let doubles: Vec<bool> = reads.iter().map(|r| !vector::is_vector(&r.typed.data_type)).collect();
            input = self.without_invalid(input, params, &reads, &doubles)?;
        }
        let keep = invalid == "keep";
        let body: Body = Box::new(move |args, rows| Ok(assembler::apply(args, &columns, rows, keep)?));
        self.stage(input, params, vector::data_type(), reads, body)
    }

    fn binarizer(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let pairs = params.column_pairs()?;
        let thresholds = if params.is_set("thresholds") {
            params.doubles("thresholds")?
        } else {
            vec![params.double("threshold")?; pairs.len()]
        };
        if thresholds.len() != pairs.len() {
            return Err(SparkError::requirement(format!(
                "Binarizer has {} thresholds for {} columns.",
                thresholds.len(),
                pairs.len()
            )));
        }
        for ((from, to), threshold) in pairs.into_iter().zip(thresholds) {
            let read = self.input_column(&input, &from)?;
            let is_vector = vector::is_vector(&read.typed.data_type);
            let read = if is_vector {
                read
            } else {
                self.as_double(self.numeric(read)?)?
            };
            let to_type = if is_vector {
                vector::data_type()
            } else {
                DataType::Float64
            };
            let body: Body = Box::new(move |args, _| Ok(binarizer::apply(threshold, &args[0])?));
            let options = format!("{} {threshold}", params.fingerprint());
            input = self.append(input, params, &options, &to, to_type, vec![read], body)?;
        }
        Ok(input)
    }

    fn bucketizer(&mut self, mut input: Resolved, params: &Params) -> Result<Resolved> {
        let (pairs, invalid) = (params.column_pairs()?, params.text("handleInvalid")?);
        let splits = if params.is_set("splitsArray") {
            params.doubles_list("splitsArray")?
        } else {
            vec![params.doubles("splits")?]
        };
        if splits.len() != pairs.len() {
            return Err(SparkError::requirement(format!(
                "Bucketizer has {} lists of splits for {} columns.",
                splits.len(),
                pairs.len()
            )));
        }
        let mut reads = Vec::new();
        for (from, _) in &pairs {
            let read = self.numbers(&input, from)?;
            reads.push(self.as_double(read)?);
        }
        if invalid == "skip" {
            let doubles = vec![true; reads.len()];
            input = self.without_invalid(input, params, &reads, &doubles)?;
        }
        for ((read, (_, to)), splits) in reads.into_iter().zip(pairs).zip(splits) {
            let (name, keep) = (read.name.clone(), invalid == "keep");
            let options = format!("{} {splits:?}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(bucketizer::apply(&splits, keep, &args[0], &name)?));
            input = self.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
        }
        Ok(input)
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

    fn string_indexer(
        &mut self,
        mut input: Resolved,
        id: &str,
        params: &Params,
        labels: &[Arc<Vec<String>>],
    ) -> Result<Resolved> {
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
        for ((from, to), labels) in pairs.into_iter().zip(labels) {
            // A column that is not there is left out, as Spark does at prediction time.
            if self.names().column(&input, &from).is_none() {
                continue;
            }
            let read = self.label_text(&input, &from)?;
            stages.push((
                read,
                to,
                labels.clone(),
                Arc::new(string_indexer::Index::new(labels, keep)),
            ));
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
            input = self.append(input, params, &options, &to, DataType::Float64, vec![read], body)?;
            if let Some(made) = input.output.last() {
                let all = if keep {
                    Arc::new(labels.iter().cloned().chain(["__unknown".to_owned()]).collect())
                } else {
                    labels
                };
                self.ml()?.labels.insert(made.id.clone(), all);
            }
        }
        Ok(input)
    }

    fn one_hot_encoder(&mut self, mut input: Resolved, params: &Params, sizes: &[i32]) -> Result<Resolved> {
        let (pairs, keep) = (params.column_pairs()?, params.text("handleInvalid")? == "keep");
        let drop_last = params.bool("dropLast")?;
        if pairs.len() != sizes.len() {
            return Err(SparkError::requirement(format!(
                "The number of input columns {} must be the same as the number of features {} during fitting.",
                pairs.len(),
                sizes.len()
            )));
        }
        for ((from, to), size) in pairs.into_iter().zip(sizes) {
            let read = self.numbers(&input, &from)?;
            let read = self.as_double(read)?;
            let encoder = one_hot::Encoder {
                categories: usize::try_from(*size).unwrap_or(0),
                drop_last,
                keep,
            };
            let name = read.name.clone();
            let options = format!("{} {encoder:?}", params.fingerprint());
            let body: Body = Box::new(move |args, _| Ok(encoder.apply(&args[0], &name)?));
            input = self.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
        }
        Ok(input)
    }

    /// Raw predictions, probabilities and predictions, those whose columns have names.
    ///
    /// A prediction that comes of a text through words and hashes alone is made of the text in one pass; the columns in
    /// between are then made only where somebody selects them.
    fn naive_bayes(
        &mut self,
        mut input: Resolved,
        id: &str,
        params: &Params,
        predictor: &Arc<Predictor>,
    ) -> Result<Resolved> {
        let features = self.vectors(&input, &params.text("featuresCol")?)?;
        let options = format!("{id} {}", params.fingerprint());
        let (mut raw, mut probability) = (None, None);
        let fast = self
            .text_terms(&features)
            .filter(|t| t.source_in(&input))
            .and_then(|t| t.predictor(predictor));
        let features_column = features.name.clone();
        let raw_body = || -> Body {
            let (predictor, column) = (predictor.clone(), features_column.clone());
            Box::new(move |args, _| Ok(predictor.raw_column(&args[0], &column)?))
        };
        let read_features = || Input {
            typed: features.typed.clone(),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("rawPredictionCol") {
            input = self.append(
                input,
                params,
                &options,
                &to,
                vector::data_type(),
                vec![read_features()],
                raw_body(),
            )?;
            raw = input.output.last().map(typed_attribute);
        }
        // Without a column, the raw prediction is an expression inside those that need it.
        let raw_input = |raw: &Option<Typed>| Input {
            typed: raw.clone().unwrap_or_else(|| {
                let expr = kernel::call(
                    "NaiveBayesModel_raw",
                    options.clone(),
                    vector::data_type(),
                    vec![features.typed.expr.clone()],
                    raw_body(),
                );
                Typed::new(expr, vector::data_type(), "raw")
            }),
            name: features.name.clone(),
        };
        if let Some(to) = params.column("probabilityCol") {
            let predictor = predictor.clone();
            let body: Body = Box::new(move |args, _| Ok(predictor.probability_column(&args[0])?));
            let options = format!("probability {options}");
            let read = raw_input(&raw);
            input = self.append(input, params, &options, &to, vector::data_type(), vec![read], body)?;
            probability = input.output.last().map(typed_attribute);
        }
        let Some(to) = params.column("predictionCol") else {
            return Ok(input);
        };
        if let Some(fast) = fast {
            let read = Input {
                name: fast.source().name.clone(),
                typed: typed_attribute(fast.source()),
            };
            let options = format!("text {options}");
            let body: Body = Box::new(move |args, _| Ok(fast.predict(&args[0])?));
            return self.append(input, params, &options, &to, DataType::Float64, vec![read], body);
        }
        let predictor = predictor.clone();
        let (read, body): (Input, Body) = match (&raw, probability) {
            (None, Some(typed)) => (
                Input {
                    typed,
                    name: features.name.clone(),
                },
                Box::new(move |args, _| Ok(predictor.prediction_column_of_probability(&args[0])?)),
            ),
            (raw, _) => (
                raw_input(raw),
                Box::new(move |args, _| Ok(predictor.prediction_column_of_raw(&args[0])?)),
            ),
        };
        let options = format!("prediction {options}");
        self.append(input, params, &options, &to, DataType::Float64, vec![read], body)
    }

    // ------------------------------------------------------------------------------------------------ columns

    /// The one output column of a stage that needs no model.
    fn stage(
        &mut self,
        input: Resolved,
        params: &Params,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        self.stage_of(input, params, "", to_type, reads, body)
    }

    fn stage_of(
        &mut self,
        input: Resolved,
        params: &Params,
        id: &str,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        let to = params.text("outputCol")?;
        let options = format!("{id} {}", params.fingerprint());
        self.append(input, params, &options, &to, to_type, reads, body)
    }

    /// The input with one more column: a kernel over others.
    #[allow(clippy::too_many_arguments)] // A column is made of just these.
    fn append(
        &mut self,
        input: Resolved,
        params: &Params,
        options: &str,
        to: &str,
        to_type: DataType,
        reads: Vec<Input>,
        body: Body,
    ) -> Result<Resolved> {
        if input.output.iter().any(|a| a.name == to) {
            return Err(illegal(format!("Output column {to} already exists.")));
        }
        let args = reads.into_iter().map(|r| r.typed.expr).collect();
        let expr = kernel::call(params.operator.short(), options, to_type.clone(), args, body);
        let mut items: Vec<Typed> = input.output.iter().map(typed_attribute).collect();
        items.push(Typed {
            named: true,
            ..Typed::new(expr, to_type, to)
        });
        self.select_typed(input, items)
    }

    /// A column by name.
    ///
    /// # Errors
    /// `FIELD_NOT_FOUND` where there is none.
    fn input_column(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let exact = Names::Exact.column(input, name);
        let found = exact.or_else(|| self.names().column(input, name));
        let typed = match found {
            Some(attribute) => typed_attribute(attribute),
            // A field within a struct.
            None => self.name(name, None, input).map_err(|_| field_not_found(name, input))?,
        };
        Ok(Input {
            typed,
            name: name.to_owned(),
        })
    }

    fn vectors(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        if vector::is_vector(&read.typed.data_type) {
            return Ok(read);
        }
        Err(SparkError::requirement(format!(
            "Column {name} must be of type class {}:{} but was actually {}.",
            vector::JVM_CLASS,
            super::error::VECTOR,
            types::simple_string(&read.typed.data_type)
        )))
    }

    fn strings(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        match &read.typed.data_type {
            DataType::List(item) if types::is_string(item.data_type()) => Ok(read),
            other => Err(SparkError::requirement(format!(
                "Input type must be array<string> but got {}.",
                types::simple_string(other)
            ))),
        }
    }

    fn numeric(&self, read: Input) -> Result<Input> {
        if types::is_numeric(&read.typed.data_type) {
            return Ok(read);
        }
        Err(SparkError::requirement(format!(
            "Column {} must be of type numeric but was actually of type {}.",
            read.name,
            types::simple_string(&read.typed.data_type)
        )))
    }

    fn numbers(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        self.numeric(read)
    }

    fn as_double(&self, read: Input) -> Result<Input> {
        let typed = cast_expr::cast(read.typed, &DataType::Float64, self.mode(), self.zone)?;
        Ok(Input { typed, ..read })
    }

    /// A column of labels: text, or numbers as text.
    fn label_text(&mut self, input: &Resolved, name: &str) -> Result<Input> {
        let read = self.input_column(input, name)?;
        if types::is_string(&read.typed.data_type) {
            return Ok(read);
        }
        if !types::is_numeric(&read.typed.data_type) {
            return Err(SparkError::requirement(format!(
                "The input column {name} must be either string type or numeric type, but got {}.",
                types::simple_string(&read.typed.data_type)
            )));
        }
        let typed = cast_expr::as_string(read.typed, self.mode(), self.zone)?;
        Ok(Input { typed, ..read })
    }

    fn text_terms(&self, read: &Input) -> Option<TextTerms> {
        read.typed
            .attribute
            .as_ref()
            .and_then(|a| Context::seen(self)?.texts.get(&a.id))
            .cloned()
    }

    /// Only rows whose inputs are not null, nor NaN (`na.drop`).
    fn without_invalid(
        &mut self,
        input: Resolved,
        params: &Params,
        reads: &[Input],
        doubles: &[bool],
    ) -> Result<Resolved> {
        use arrow::array::{Array, AsArray, BooleanArray};
        use arrow::datatypes::Float64Type;
        let doubles = doubles.to_vec();
        let condition = kernel::call(
            "valid_values",
            params.fingerprint(),
            DataType::Boolean,
            reads.iter().map(|r| r.typed.expr.clone()).collect(),
            move |args, rows| {
                let valid = |row: usize| {
                    args.iter().zip(&doubles).all(|(column, double)| {
                        column.is_valid(row) && !(*double && column.as_primitive::<Float64Type>().value(row).is_nan())
                    })
                };
                Ok(Arc::new(BooleanArray::from((0..rows).map(valid).collect::<Vec<_>>())))
            },
        );
        filtered(input, condition)
    }

    /// The columns that training reads, as doubles, texts, vectors or words, in the order that its summary takes them.
    ///
    /// # Errors
    /// Where a column is unknown or of another type.
    pub(super) fn training_columns(
        &mut self,
        input: &Resolved,
        wanted: &[(String, Reads)],
    ) -> Result<Vec<datafusion_expr::Expr>> {
        let mut out = Vec::new();
        for (name, kind) in wanted {
            let read = match kind {
                Reads::Vectors => self.vectors(input, name)?,
                Reads::Words => self.strings(input, name)?,
                Reads::Labels => self.label_text(input, name)?,
                Reads::Numbers => {
                    let read = self.numbers(input, name)?;
                    self.as_double(read)?
                }
                Reads::Scores => {
                    let read = self.input_column(input, name)?;
                    if vector::is_vector(&read.typed.data_type) {
                        read
                    } else {
                        self.as_double(self.numeric(read)?)?
                    }
                }
            };
            out.push(read.typed.expr);
        }
        Ok(out)
    }
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

fn filtered(input: Resolved, condition: datafusion_expr::Expr) -> Result<Resolved> {
    let plan = LogicalPlanBuilder::from(input.plan.clone())
        .filter(condition)?
        .build()?;
    Ok(input.over(plan))
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

fn field_not_found(name: &str, input: &Resolved) -> SparkError {
    let fields: Vec<String> = input.output.iter().map(|a| format!("`{}`", a.name)).collect();
    let fields = fields.join(", ");
    SparkError::new(
        Exception::IllegalArgument,
        "FIELD_NOT_FOUND",
        "42704",
        format!("No such struct field `{name}` in {fields}."),
    )
    .with("fieldName", format!("`{name}`"))
    .with("fields", fields)
}
