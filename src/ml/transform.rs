//! Transforms as relations: `MlRelation` to projections over its input, one kernel per stage.
//!
//! The analyzer knows nothing of machine learning. It is made with an [`extension`], which takes the relations that are
//! ours and keeps a [`Context`] for the time of one plan. A pipeline of n stages becomes n projections, which the
//! optimiser merges.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::attributes::{Features, Known};
use super::model::{self, Model, Models};
use super::params::Params;
use super::stage::{self, Role};
use super::text::TextTerms;
use super::training::is_job;
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::extension::{Extended, Extension};
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::proto::ml_relation::MlType;
use crate::proto::ml_relation::transform::Operator;
use crate::proto::relation::RelType;

/// What the analyzer keeps for ML: the models that plans name, and what stages know of columns beyond their types.
///
/// Labels and recipes of strings are what Spark keeps in a column's metadata; here they are keyed by the column's id,
/// so a rename keeps them and an expression over the column loses them.
#[derive(Default)]
pub struct Context {
    /// The models that plans may name; `None` if there are none.
    pub models: Option<Rc<dyn Models>>,
    /// Models that the plan named, by id.
    pub used: BTreeMap<String, Arc<Model>>,
    /// Labels of columns that hold their indices, by column id (`NominalAttribute`).
    pub(super) labels: BTreeMap<String, Arc<Vec<String>>>,
    /// Columns that hold 0 and 1, by column id (`BinaryAttribute`).
    pub(super) binary: BTreeSet<String>,
    /// The features of columns of vectors, by column id (`AttributeGroup`).
    pub(super) features: BTreeMap<String, Arc<Features>>,
    /// What is known of the columns that a training reads, in their order.
    pub(super) known: Vec<Known>,
    /// Columns made of a text alone, by column id: what the fast path of prediction starts from.
    pub(super) texts: BTreeMap<String, TextTerms>,
    /// How many `SQLTransformer`s were planned: each calls its input by a name of its own.
    pub(super) statements: usize,
}

/// Machine learning's relations: stages applied to a dataset, and the jobs of training and evaluation.
struct Ml;

impl Extension for Ml {
    /// Plans the relations of machine learning; `None` for all others.
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

    /// Returns what `analyzer` keeps for machine learning, to read only.
    pub(super) fn seen(analyzer: &Analyzer) -> Option<&Context> {
        analyzer.extensions.iter().find_map(|e| e.state.downcast_ref())
    }

    /// Returns what is known of the columns that a training in rounds reads, in their order; empty for other plans.
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// Returns the models that the plan named, by id, as they travel to executors: without what only further learning
    /// needs.
    pub fn encoded(&self) -> BTreeMap<String, Vec<u8>> {
        self.used
            .iter()
            .map(|(id, m)| (id.clone(), m.for_prediction().encode_to_vec()))
            .collect()
    }

    /// Returns the model of an id and notes that the plan needs it.
    ///
    /// # Errors
    /// `CONNECT_ML.CACHE_INVALID` if the model is unknown or was deleted.
    pub(super) fn model(&mut self, id: &str) -> Result<Arc<Model>> {
        let found = self
            .models
            .as_ref()
            .and_then(|m| m.find(id))
            .ok_or_else(|| model::lost(id))?;
        self.used.insert(id.to_owned(), found.clone());
        Ok(found)
    }
}

impl Analyzer {
    /// Returns what the analyzer keeps for machine learning.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if it was made without the extension.
    pub(super) fn ml(&mut self) -> Result<&mut Context> {
        Context::of(self).ok_or_else(|| SparkError::internal("an ML plan is analysed without the ML extension"))
    }

    /// Plans one `MlRelation`: a transform by a stage, or by a model that it names by id.
    ///
    /// Params that come with the relation override those of the model (`model.transform(df, params)` in PySpark). What
    /// is fetched as a relation is in [`super::relation`].
    ///
    /// # Errors
    /// If a stage, model, param or column is unknown, or of another type than the stage takes; if the stage must be
    /// fitted first.
    pub(crate) fn ml_relation(&mut self, node: &sc::MlRelation) -> Result<Resolved> {
        match &node.ml_type {
            Some(MlType::Transform(transform)) => {
                let input = self.input(transform.input.as_deref())?;
                let given = transform.params.clone().unwrap_or_default();
                match &transform.operator {
                    Some(Operator::ObjRef(reference)) => {
                        let model = self.ml()?.model(&reference.id)?;
                        let params = model.params_with(Some(&given))?;
                        model.fitted.transform(self, input, &reference.id, &params)
                    }
                    Some(Operator::Transformer(operator)) => {
                        let params = Params::new(stage::by_name(&operator.name)?, &operator.uid, &given)?;
                        match params.operator.role() {
                            Role::Transformer(own) => own.transform(self, input, &params, transform.input.as_deref()),
                            Role::Estimator(_) | Role::Learner(_) | Role::Evaluator(_) => {
                                Err(SparkError::unsupported(format!(
                                    "{} as a transformer: it is fitted, or evaluates",
                                    params.operator.short()
                                )))
                            }
                        }
                    }
                    None => Err(SparkError::invalid_plan("a transform names no stage")),
                }
            }
            Some(MlType::Fetch(fetch)) => self.ml_fetched(fetch, node.model_summary_dataset.as_deref()),
            None => Err(SparkError::invalid_plan("an ML relation is empty")),
        }
    }
}
