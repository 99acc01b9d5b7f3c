//! Pivots whose values nobody listed: a query finds them before the statement can be planned, as in Spark
//! (`RelationalGroupedDataset.collectPivotValues`).
//!
//! ```text
//! call ──▶ analysis: RIVULET_PIVOT_VALUES ──▶ job: SELECT DISTINCT … ORDER BY … ──▶ call again, with the values
//! ```
//!
//! The values travel as a view under a name that no statement can have, so executors plan the same columns.

use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use prost::Message;

use super::driver::Driver;
use super::jobs::Owner;
use super::protocol::RequestId;
use crate::cluster::runner::{JobRequest, Limits, Outcome};
use crate::compile::job::{self, JobSpec};
use crate::error::{Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::plan::aggregate::PivotQuestion;
use crate::proto as sc;
use crate::values::{ipc, types};

/// A call that waits for the values of a pivot.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The session.
    session: String,
    /// The call.
    call: Call,
    /// The view that the values become.
    view: String,
    /// The one column of the values.
    schema: SchemaRef,
    /// Values of the call's other pivots, as views.
    known: Vec<(String, Buffer)>,
}

/// What is called again.
#[derive(Debug)]
pub(super) enum Call {
    /// An operation that has begun.
    Execute(String, Box<sc::ExecutePlanRequest>),
    /// A question about a plan.
    Analyze(RequestId, Box<sc::AnalyzePlanRequest>),
}

impl Waiting {
    /// Returns the operation that waits; `None` if it is a question.
    pub(super) fn operation(&self) -> Option<&str> {
        match &self.call {
            Call::Execute(operation, _) => Some(operation),
            Call::Analyze(..) => None,
        }
    }
}

impl Driver {
    /// Answers a call that has failed: with the error, unless it is that a pivot's values are not known; then a job finds them.
    pub(super) fn failed_or_asks(&mut self, session: &str, call: Call, error: SparkError, now_ms: i64) {
        let known = std::mem::take(&mut self.known_values);
        let Some(question) = self.unknown_values.take() else {
            return self.call_failed(&call, error);
        };
        match self.job_for(session, &question, now_ms) {
            Ok((spec, graph, request)) => {
                let waiting = Waiting {
                    session: session.to_owned(),
                    call,
                    view: question.view,
                    schema: graph.schema.clone(),
                    known,
                };
                self.run_once(spec, graph, request, Owner::Pivot(Box::new(waiting)), now_ms);
            }
            Err(error) => self.call_failed(&call, error),
        }
    }

    /// Plans the job that finds values.
    fn job_for(
        &mut self,
        session: &str,
        question: &PivotQuestion,
        now_ms: i64,
    ) -> Result<(JobSpec, Arc<StageGraph>, JobRequest)> {
        let (spec, analyzer, resolved) = self.analyzed(session, &question.values, now_ms)?;
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let request = JobRequest {
            description: "values of a pivot".to_owned(),
            scans: self.read_files(&graph)?,
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        Ok((spec, graph, request))
    }

    /// Calls again with the values that a job found.
    pub(super) fn values_found(&mut self, mut waiting: Waiting, outcome: &Outcome, now_ms: i64) {
        match local_relation(&waiting.schema, outcome) {
            Ok(values) => waiting.known.push((waiting.view, values)),
            Err(error) => return self.call_failed(&waiting.call, error),
        }
        let session = waiting.session;
        for (view, values) in &waiting.known {
            self.session(&session).views.insert(view.clone(), values.clone());
        }
        let views: Vec<String> = waiting.known.iter().map(|(view, _)| view.clone()).collect();
        self.known_values = waiting.known;
        match waiting.call {
            Call::Execute(operation, request) => self.begin(&operation, *request, now_ms),
            Call::Analyze(id, request) => self.answer_analysis(id, *request, now_ms),
        }
        self.known_values.clear();
        for view in views {
            self.session(&session).views.remove(&view);
        }
    }

    /// Brings the error of a job that looked for values to its call.
    pub(super) fn values_failed(&mut self, waiting: &Waiting, error: SparkError) {
        self.call_failed(&waiting.call, error);
    }

    fn call_failed(&mut self, call: &Call, error: SparkError) {
        match call {
            Call::Execute(operation, _) => self.fail_operation(operation, error),
            Call::Analyze(id, _) => self.fail_call(*id, error),
        }
    }
}

/// Returns the rows of a job as a relation.
fn local_relation(schema: &SchemaRef, outcome: &Outcome) -> Result<Buffer> {
    let fields = schema.fields().iter();
    let nullable: Vec<_> = fields.map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let nullable: SchemaRef = Arc::new(Schema::new(nullable));
    let batches = ipc::read_all(&outcome.results, &nullable)?;
    let relation = sc::Relation {
        common: None,
        rel_type: Some(sc::relation::RelType::LocalRelation(sc::LocalRelation {
            data: Some(ipc::write(&nullable, &batches)?),
            schema: Some(types::to_ddl(&nullable)),
        })),
    };
    Ok(relation.encode_to_vec().into())
}
