//! Summaries of models over datasets: `model.summary` over what it was trained on, `model.evaluate(dataset)`.
//!
//! A summary is a model and a dataset. What it says is found when it is asked for: at once, or by the job of an evaluation over the
//! model's predictions.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use prost::Message;

use super::driver::Driver;
use super::ml::{MlJob, ModelCache, Wants};
use super::session::Session;
use crate::error::{Exception, Result, SparkError};
use crate::ml::findings::{Finding, Measure};
use crate::ml::learning::Run;
use crate::ml::literal::{Kind, Value};
use crate::ml::model::{self, Model, Models};
use crate::ml::params::Params;
use crate::ml::training::{self, Work};
use crate::proto as sc;
use crate::proto::ml_command_result::ResultType;

/// The method that leads from a model to the summary of its training.
const SUMMARY: &str = "summary";

/// A model over a dataset.
#[derive(Debug, Clone)]
pub struct Report {
    /// The model's id.
    model: String,
    /// The dataset, as the client sent it.
    dataset: Rc<sc::Relation>,
}

/// The summaries of a session: of trainings by their model's id, of evaluations by their own.
pub type Reports = BTreeMap<String, Report>;

/// The models and summaries of a session as they are when a plan is made: what it may name.
pub(super) struct Known {
    models: ModelCache,
    reports: Reports,
}

impl Known {
    /// Returns those of a session.
    pub(super) fn of(session: &Session) -> Self {
        Self {
            models: session.models.clone(),
            reports: session.reports.clone(),
        }
    }
}

impl Models for Known {
    /// Returns a model, or that of a summary with the dataset.
    fn find(&self, id: &str) -> Option<Arc<Model>> {
        if let Some(model) = self.models.find(id) {
            return Some(model);
        }
        let report = self.reports.get(model::of_summary_id(id).unwrap_or(id))?;
        let model = self.models.find(&report.model)?;
        Some(Arc::new(Model {
            dataset: Some(Arc::new(report.dataset.encode_to_vec())),
            ..(*model).clone()
        }))
    }
}

/// What a client asks of a summary.
pub(super) struct Asked<'a> {
    /// The id of the model, or of the summary.
    pub id: &'a str,
    /// The names of the methods, in their order.
    pub methods: Vec<&'a str>,
    /// The last one's arguments.
    pub args: &'a [Value],
}

impl Driver {
    /// Keeps the summary of a training, or makes it anew.
    pub(super) fn keep_report(&mut self, session: &str, model: &str, dataset: sc::Relation) {
        let report = Report {
            model: model.to_owned(),
            dataset: Rc::new(dataset),
        };
        self.session(session).reports.insert(model.to_owned(), report);
    }

    /// Keeps the summary of a model over another dataset, and returns its id.
    ///
    /// # Errors
    /// If the model is unknown.
    pub(super) fn evaluate_model(&mut self, session: &str, model: &str, dataset: &sc::Relation) -> Result<ResultType> {
        self.ml_model(session, model)?;
        let id = self.fresh_uuid();
        let report = Report {
            model: model.to_owned(),
            dataset: Rc::new(dataset.clone()),
        };
        self.session(session).reports.insert(id.clone(), report);
        Ok(ResultType::Summary(id))
    }

    /// Answers what a summary says; `None` if nothing that was asked is a summary, or a job has to find it out.
    ///
    /// # Errors
    /// `CONNECT_ML.MODEL_SUMMARY_LOST` if the model has no summary (any more); `CONNECT_ML.ATTRIBUTE_NOT_ALLOWED` if it does not say
    /// that; what analysis of the dataset refuses.
    pub(super) fn ml_report(
        &mut self,
        operation: &str,
        session: &str,
        asked: &Asked<'_>,
        now_ms: i64,
    ) -> Result<Option<ResultType>> {
        let report = self.session(session).reports.get(asked.id).cloned();
        let report = report.ok_or_else(|| lost(asked.id))?;
        let (of_training, name) = match asked.methods[..] {
            [SUMMARY, name] => (true, name),
            [name] => (false, name),
            _ => return Err(model::not_allowed("a summary", &asked.methods.join("."))),
        };
        let found = self.ml_model(session, &report.model)?;
        let known = match name {
            "objectiveHistory" if of_training => Some((Value::doubles(&found.history), Kind::Doubles)),
            "totalIterations" if of_training => {
                let steps = found.history.len().saturating_sub(1);
                Some((Value::Int(steps as i64), Kind::Int))
            }
            _ => None,
        };
        if let Some((value, kind)) = known {
            return Ok(Some(super::ml::param(&value, kind)));
        }
        let params = found.params_with(None)?;
        match found.fitted.finding(&params, name, asked.args)? {
            None => Err(model::not_allowed(&format!("{}Summary", found.class), name)),
            Some(Finding::Known(value, kind)) => Ok(Some(super::ml::param(&value, kind))),
            Some(Finding::Measured(measure)) => {
                self.measure(operation, session, &report, measure, now_ms)?;
                Ok(None)
            }
            Some(Finding::Asked(ask)) => {
                let fit = fit_of(&params, &report);
                let job = MlJob::in_rounds(operation, session, params.clone());
                self.start_learning(job, Run::of_finding(params, ask), &fit, now_ms)?;
                Ok(None)
            }
        }
    }

    /// Runs an evaluation of a model's predictions.
    fn measure(
        &mut self,
        operation: &str,
        session: &str,
        report: &Report,
        measure: Measure,
        now_ms: i64,
    ) -> Result<()> {
        use sc::ml_relation::transform::Operator;
        let transform = sc::ml_relation::Transform {
            operator: Some(Operator::ObjRef(sc::ObjectRef {
                id: report.model.clone(),
            })),
            input: Some(Box::new((*report.dataset).clone())),
            params: None,
        };
        let predictions = sc::MlRelation {
            ml_type: Some(sc::ml_relation::MlType::Transform(Box::new(transform))),
            model_summary_dataset: None,
        };
        let dataset = sc::Relation {
            common: None,
            rel_type: Some(sc::relation::RelType::MlRelation(Box::new(predictions))),
        };
        let params = measure.params()?;
        let evaluate = sc::ml_command::Evaluate {
            evaluator: Some(sc::MlOperator {
                name: measure.evaluator.to_owned(),
                uid: params.uid.clone(),
                r#type: sc::ml_operator::OperatorType::Evaluator.into(),
            }),
            params: Some(params.to_proto()),
            dataset: Some(dataset),
        };
        let relation = training::evaluate_relation(&evaluate);
        let params = Work::of_evaluate(&evaluate)?.params;
        self.start_ml_job(
            operation,
            session,
            params,
            &relation,
            Wants::Finding(measure.read),
            now_ms,
        )
    }
}

/// Returns the command that would train a model with these params on the dataset of a summary: what its rows are read by.
fn fit_of(params: &Params, report: &Report) -> sc::ml_command::Fit {
    sc::ml_command::Fit {
        estimator: Some(sc::MlOperator {
            name: params.operator.class().to_owned(),
            uid: params.uid.clone(),
            r#type: sc::ml_operator::OperatorType::Estimator.into(),
        }),
        params: Some(params.to_proto()),
        dataset: Some((*report.dataset).clone()),
    }
}

/// Returns the error of a summary that is not kept (`CONNECT_ML.MODEL_SUMMARY_LOST`).
fn lost(id: &str) -> SparkError {
    let message = format!(
        "Generic Spark Connect ML error. The model {id} summary is lost because the cached model is offloaded."
    );
    SparkError::new(Exception::Connect, "CONNECT_ML.MODEL_SUMMARY_LOST", "XX000", message).with("objectName", id)
}
