//! What a stage is, and the one table of all stages.
//!
//! A stage is a unit struct in a file of its own under `feature`, `classification` or `evaluation`. It implements
//! [`Stage`] and, by its [`Role`], [`Transformer`], [`Estimator`] or [`Evaluator`]; what an estimator makes implements
//! [`Fitted`](super::model::Fitted). A line in [`STAGES`] makes it known to plans, jobs, clients and saved directories.
//!
//! ```text
//! Transformer                     transform(input) → input + columns
//! Estimator    training() ─▶ job ─▶ fit(state) → Model ─▶ Fitted::transform(input) → input + columns
//! Learner      learn() ─▶ summary(question) ─▶ job ─▶ … → Model
//! Evaluator    training() ─▶ job ─▶ metric(state) → a number
//! ```
//!
//! A stage holds no data: it is a constant, and everything that varies is in the [`Params`] that its methods take.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::columns::{Body, Reads};
use super::error::illegal;
use super::learning::{Learning, Rounds};
use super::model::{Fitted, Model, ModelKind};
use super::params::{Param, Params};
use super::summary::Summary;
use super::text::HashedText;
use super::{classification, clustering, evaluation, factorization, feature, fpm, recommendation, regression, tree};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// All stages; the order is that of the error that lists them.
///
/// ```
/// use rivulet::ml::stage::STAGES;
///
/// assert!(STAGES.iter().any(|stage| stage.short() == "StandardScaler"));
/// ```
pub static STAGES: &[&dyn Stage] = &[
    &feature::tokenizer::Tokenizer,
    &feature::regex_tokenizer::RegexTokenizer,
    &feature::stop_words::StopWordsRemover,
    &feature::ngram::NGram,
    &feature::hashing_tf::HashingTF,
    &feature::idf::Idf,
    &feature::count_vectorizer::CountVectorizer,
    &feature::string_indexer::StringIndexer,
    &feature::index_to_string::IndexToString,
    &feature::one_hot::OneHotEncoder,
    &feature::assembler::VectorAssembler,
    &feature::binarizer::Binarizer,
    &feature::bucketizer::Bucketizer,
    &feature::standard_scaler::StandardScaler,
    &feature::min_max_scaler::MinMaxScaler,
    &feature::max_abs_scaler::MaxAbsScaler,
    &feature::normalizer::Normalizer,
    &feature::variance_threshold::VarianceThresholdSelector,
    &feature::sql_transformer::SqlTransformer,
    &feature::vector_slicer::VectorSlicer,
    &feature::size_hint::VectorSizeHint,
    &feature::elementwise_product::ElementwiseProduct,
    &feature::polynomial_expansion::PolynomialExpansion,
    &feature::interaction::Interaction,
    &feature::dct::Dct,
    &feature::feature_hasher::FeatureHasher,
    &feature::imputer::Imputer,
    &feature::robust_scaler::RobustScaler,
    &feature::quantile_discretizer::QuantileDiscretizer,
    &feature::vector_indexer::VectorIndexer,
    &feature::pca::Pca,
    &feature::selection::chi_sq::ChiSqSelector,
    &feature::selection::univariate::UnivariateFeatureSelector,
    &feature::formula::RFormula,
    &feature::lsh::random_projection::RandomProjectionLsh,
    &feature::lsh::min_hash::MinHashLsh,
    &classification::logistic::LogisticRegression,
    &clustering::k_means::KMeans,
    &clustering::streaming::StreamingKMeans,
    &clustering::mixture::GaussianMixture,
    &clustering::bisecting::BisectingKMeans,
    &regression::linear::LinearRegression,
    &tree::stage::DECISION_TREE_CLASSIFIER,
    &tree::stage::DECISION_TREE_REGRESSOR,
    &tree::stage::RANDOM_FOREST_CLASSIFIER,
    &tree::stage::RANDOM_FOREST_REGRESSOR,
    &tree::stage::GBT_CLASSIFIER,
    &tree::stage::GBT_REGRESSOR,
    &classification::naive_bayes::stage::NaiveBayes,
    &classification::streaming::StreamingNaiveBayes,
    &classification::streaming_logistic::StreamingLogisticRegressionWithSgd,
    &regression::streaming::StreamingLinearRegressionWithSgd,
    &classification::linear_svc::LinearSvc,
    &regression::generalized::GeneralizedLinearRegression,
    &regression::survival::AftSurvivalRegression,
    &regression::isotonic::IsotonicRegression,
    &classification::perceptron::MultilayerPerceptronClassifier,
    &factorization::FM_CLASSIFIER,
    &factorization::FM_REGRESSOR,
    &evaluation::binary::BinaryEvaluator,
    &evaluation::multiclass::MulticlassEvaluator,
    &evaluation::multilabel::MultilabelEvaluator,
    &evaluation::regression::RegressionEvaluator,
    &evaluation::ranking::RankingEvaluator,
    &evaluation::clustering::ClusteringEvaluator,
    &recommendation::als::Als,
    &fpm::fp_growth::FpGrowth,
    &feature::word2vec::Word2Vec,
    &clustering::power_iteration::PowerIterationClustering,
    &clustering::lda::Lda,
];

/// One kind of stage; an estimator and its model share their params.
///
/// ```
/// use rivulet::ml::stage::{Role, by_name};
///
/// let stage = by_name("org.apache.spark.ml.feature.IDFModel")?;
/// assert_eq!(stage.short(), "IDF");
/// assert!(matches!(stage.role(), Role::Estimator(_)));
/// assert!(stage.param("minDocFreq").is_some());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub trait Stage: fmt::Debug + Send + Sync {
    /// Returns Spark's class with its package: the name in messages, saved directories and errors.
    fn class(&self) -> &'static str;

    /// Returns the params with their defaults and checks; names occur once.
    fn params(&self) -> &'static [Param];

    /// Returns what the stage does, with itself as the one who does it.
    fn role(&self) -> Role<'_>;

    /// Returns the kind of content that models of the stage have; `None` if it makes none.
    fn model(&self) -> Option<&'static ModelKind> {
        None
    }

    /// Returns the names of params that its models do not have.
    fn training_params(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns whether its columns may take the place of others; else a column of the same name is an error.
    fn replaces_columns(&self) -> bool {
        false
    }

    /// Returns what makes a stage that Spark `major` saved behave as it did then; `None` if nothing changed since.
    fn saved_by(&self, _major: u32) -> Option<Arc<dyn Fitted>> {
        None
    }
}

impl dyn Stage {
    /// Returns a param by name; `None` if the stage lacks it.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params().iter().find(|p| p.name == name)
    }

    /// Returns the class without its package.
    pub fn short(&self) -> &'static str {
        let class = self.class();
        class.rsplit('.').next().unwrap_or(class)
    }

    /// Returns the class of the model that the estimator makes; `None` for other stages.
    pub fn model_class(&self) -> Option<&'static str> {
        self.model()?.class
    }
}

/// What a stage does, with the code that does it.
#[derive(Debug, Clone, Copy)]
pub enum Role<'a> {
    /// Adds columns to a dataset without training.
    Transformer(&'a dyn Transformer),
    /// Trains a model.
    Estimator(&'a dyn Estimator),
    /// Trains a model by asking the rows again and again.
    Learner(&'a dyn Learner),
    /// Measures predictions.
    Evaluator(&'a dyn Evaluator),
}

/// A stage that adds columns without training.
pub trait Transformer: fmt::Debug {
    /// Plans the columns of the stage over `input`, which `relation` is the message of.
    ///
    /// # Errors
    /// If a column is unknown or of a type that the stage does not take, or an output column exists.
    fn transform(
        &self,
        analyzer: &mut Analyzer,
        input: Resolved,
        params: &Params,
        relation: Option<&sc::Relation>,
    ) -> Result<Resolved>;
}

/// A stage that trains a model with one aggregate over a dataset.
pub trait Estimator: fmt::Debug {
    /// Returns what the training job reads and sums up.
    ///
    /// # Errors
    /// If a param is missing, or params contradict each other.
    fn training(&self, params: &Params) -> Result<Training>;

    /// Returns the same for a dataset whose columns decide what is read.
    ///
    /// # Errors
    /// As [`Self::training`]; if the dataset lacks a column.
    fn training_over(&self, params: &Params, _input: &Resolved) -> Result<Training> {
        self.training(params)
    }

    /// Makes the model of a finished job's state; `before` is the model that training continues
    /// ([`starts_from`](super::batches::starts_from)).
    ///
    /// # Errors
    /// If the dataset was empty and the stage needs rows, or if the state is broken.
    fn fit(&self, params: &Params, before: Option<&Model>, state: &[u8]) -> Result<Model>;
}

/// A stage that trains a model in rounds, each of which is one aggregate over the same rows.
pub trait Learner: fmt::Debug {
    /// Returns the columns that every question is about.
    ///
    /// # Errors
    /// If a param is missing, or params contradict each other.
    fn columns(&self, params: &Params) -> Result<Columns>;

    /// Returns what makes the empty summary of a task that answers a question, of [`Rounds::ask`].
    ///
    /// # Errors
    /// If the question cannot be read.
    fn summary(&self, params: &Params, question: &[u8]) -> Result<MakeSummary>;

    /// Returns how to make the column of [`Rounds::ask_prepared`].
    ///
    /// # Errors
    /// If the learner prepares none, or what it is made by cannot be read.
    fn prepare(&self, params: &Params, _prepared: &[u8]) -> Result<Prepare> {
        let short = params.operator.short();
        Err(SparkError::internal(format!("{short} prepares no column")))
    }

    /// Returns the model that training starts from before it has seen a row; `None` if it starts from nothing, as most do.
    ///
    /// # Errors
    /// If params do not say where it starts, or contradict each other.
    fn initial(&self, _params: &Params) -> Result<Option<Model>> {
        Ok(None)
    }

    /// Returns the training: it asks through `rounds` until it has the model. [`Rounds::before`] is the model that it continues.
    fn learn(&self, params: Params, rounds: Rounds) -> Learning;
}

/// A stage that measures predictions with one aggregate over a dataset, or with two in turn.
pub trait Evaluator: fmt::Debug {
    /// Returns what the evaluation job reads and sums up.
    ///
    /// # Errors
    /// If a param is missing or of another type.
    fn training(&self, params: &Params) -> Result<Training>;

    /// Returns what a second job over the dataset reads and sums up, given the state of the first; `None` if the first
    /// says all.
    ///
    /// # Errors
    /// If the state is broken, or says that there is no metric.
    fn again(&self, _params: &Params, _state: &[u8]) -> Result<Option<Training>> {
        Ok(None)
    }

    /// Returns the metric of the last job's state; `ranges` is the number of parts Spark would sort scores in.
    ///
    /// # Errors
    /// If the state is broken.
    fn metric(&self, params: &Params, state: &[u8], ranges: usize) -> Result<f64>;
}

/// How a column is made of the first one that a learner reads.
pub struct Prepare {
    /// The type of the column.
    pub to_type: DataType,
    /// Computes it.
    pub body: Body,
}

/// Columns by name, and what a summary takes of each, in the order in which it takes them.
pub type Columns = Vec<(String, Reads)>;

/// Makes the empty summary of a task.
pub type MakeSummary = Box<dyn Fn() -> Box<dyn Summary> + Send + Sync>;

/// Returns what makes the empty summary of a task that takes strings, given how they become counts of terms; `None` if such
/// counts must be looked at as vectors.
pub type OfText = Box<dyn Fn(HashedText) -> Option<MakeSummary> + Send + Sync>;

/// The one aggregate of a job of training or evaluation: which columns it reads and what it keeps of them.
///
/// A job never collects rows: each task folds its rows into one [`Summary`], and the summaries are merged. What a stage
/// keeps is bounded by features, classes or distinct words, not by rows.
pub struct Training {
    /// The columns that the job reads.
    pub columns: Columns,
    /// Makes the empty summary; called once per task and once for the merge.
    pub summary: MakeSummary,
    /// How to do with strings in place of the first column.
    pub of_text: Option<OfText>,
}

impl Training {
    /// Returns a job that reads `columns` into the summaries that `summary` makes.
    pub fn new(columns: Columns, summary: impl Fn() -> Box<dyn Summary> + Send + Sync + 'static) -> Self {
        Self {
            columns,
            summary: Box::new(summary),
            of_text: None,
        }
    }

    /// Returns the same, with a summary that takes strings in place of the first column, if that is one of counts of their
    /// hashed words. It must keep the same, and refuse the same rows.
    #[must_use]
    pub fn or_of_text(mut self, summary: impl Fn(HashedText) -> Option<MakeSummary> + Send + Sync + 'static) -> Self {
        self.of_text = Some(Box::new(summary));
        self
    }
}

/// Returns the stage of a class: an estimator's, a transformer's, an evaluator's or a model's.
///
/// The search is linear over the table, at most once per stage of a plan.
///
/// # Errors
/// `CONNECT_ML.UNSUPPORTED_EXCEPTION` if Rivulet lacks the class; the message lists what it has.
pub fn by_name(class: &str) -> Result<&'static dyn Stage> {
    let class = own_class(class);
    let found = STAGES
        .iter()
        .find(|s| s.class() == class || s.model_class() == Some(class));
    found.copied().ok_or_else(|| {
        let mut error = illegal(format!(
            "Unsupported ML operator, found {class}. Rivulet has {}.",
            STAGES.iter().map(|s| s.short()).collect::<Vec<_>>().join(", ")
        ));
        error.condition = Some("CONNECT_ML.UNSUPPORTED_EXCEPTION".into());
        error
    })
}

/// Returns the class of a stage that clients name by a wrapper of Spark's: what they save so has the class of the stage.
pub fn own_class(class: &str) -> &str {
    class.strip_suffix("Wrapper").unwrap_or(class)
}

/// Returns the kind of model that is encoded with a tag; `None` if no stage has the tag.
pub fn model_by_tag(tag: u32) -> Option<&'static ModelKind> {
    STAGES.iter().filter_map(|s| s.model()).find(|kind| kind.tag == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_params_are_named_once() {
        for (i, stage) in STAGES.iter().enumerate() {
            assert!(STAGES[..i].iter().all(|s| s.class() != stage.class()));
            for (j, param) in stage.params().iter().enumerate() {
                assert!(
                    stage.params()[..j].iter().all(|p| p.name != param.name),
                    "{}",
                    param.name
                );
            }
        }
    }

    #[test]
    fn tags_of_models_differ_and_leave_the_models_own_fields_alone() {
        let tags: Vec<u32> = STAGES.iter().filter_map(|s| s.model()).map(|m| m.tag).collect();
        for (i, tag) in tags.iter().enumerate() {
            assert!(*tag >= 10 && !tags[..i].contains(tag), "{tag}");
        }
    }

    #[test]
    fn a_model_is_found_by_its_own_class() {
        assert_eq!(by_name("org.apache.spark.ml.feature.IDFModel").unwrap().short(), "IDF");
        assert!(by_name("org.apache.spark.ml.clustering.Unknown").is_err());
    }
}
