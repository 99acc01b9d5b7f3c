//! Queries that must be run before a statement can be planned: the values of a pivot without a list
//! (`RelationalGroupedDataset.collectPivotValues`), the rows of WITH RECURSIVE (`UnionLoopExec`).
//!
//! ```text
//! call ──▶ analysis: RIVULET_QUESTION ──▶ job ──▶ call again, with the rows as a view
//!                                       ▲     │
//!                                       └─────┘ WITH RECURSIVE: until a round finds no row
//! ```
//!
//! Such a view has a name that no statement can have, and is there only while the call is planned. It travels with the plan, so
//! executors plan the same. A job's own planning may end with a question too; then the job waits as a call does.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use prost::Message;

use super::driver::Driver;
use super::jobs::Owner;
use super::protocol::RequestId;
use super::rows::{local_relation, nullable};
use crate::cluster::runner::{JobRequest, Limits, Outcome};
use crate::compile::job::{self, JobSpec, output_schema};
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::exec::task::check_result_size;
use crate::plan::output_mode::refused;
use crate::plan::recursion::{Question, Recursion};
use crate::plan::relation::uneven;
use crate::plan::views;
use crate::proto as sc;
use crate::proto::set_operation::SetOpType;
use crate::values::{ipc, types};

/// What is called again once a question is answered.
#[derive(Debug)]
pub(super) enum Call {
    /// An operation that has begun.
    Execute(String, Box<sc::ExecutePlanRequest>),
    /// A question of the client's about a plan.
    Analyze(RequestId, Box<sc::AnalyzePlanRequest>),
    /// A job that answers another question.
    Question(Box<Waiting>),
}

impl Call {
    /// Returns the operation that waits in the end; `None` if it is the client's question.
    fn operation(&self) -> Option<&str> {
        match self {
            Self::Execute(operation, _) => Some(operation),
            Self::Analyze(..) => None,
            Self::Question(waiting) => waiting.operation(),
        }
    }
}

/// A question whose job runs.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The session.
    session: String,
    /// What waits for the answer.
    call: Call,
    /// Answers that the call had before, as views.
    answered: Vec<(String, Buffer)>,
    /// Answers that the jobs of this question had, as views.
    own: Vec<(String, Buffer)>,
    /// What is asked.
    question: Question,
    /// Columns of the rows; known with the first job's plan.
    schema: Option<SchemaRef>,
    /// Rows found so far.
    rows: Vec<RecordBatch>,
    /// Rows that the last round found.
    last: Vec<RecordBatch>,
    /// Rounds so far.
    rounds: i64,
    /// Bytes that all rows may take (`spark.driver.maxResultSize`).
    most_bytes: Option<u64>,
}

impl Waiting {
    /// Returns the operation that waits; `None` if it is the client's question.
    pub(super) fn operation(&self) -> Option<&str> {
        self.call.operation()
    }
}

impl Driver {
    /// Answers a call that has failed: with the error, unless it is a question; then a job answers it.
    pub(super) fn failed_or_asks(&mut self, session: &str, call: Call, error: SparkError, now_ms: i64) {
        let answered = std::mem::take(&mut self.answered);
        let Some(question) = self.question.take() else {
            return self.call_failed(call, error);
        };
        if answered.iter().any(|(view, _)| view == question.view()) {
            return self.call_failed(call, SparkError::internal("a question is asked again"));
        }
        self.next_round(
            Waiting {
                session: session.to_owned(),
                call,
                answered,
                own: vec![],
                question,
                schema: None,
                rows: vec![],
                last: vec![],
                rounds: 0,
                most_bytes: None,
            },
            now_ms,
        );
    }

    /// Submits the next job of a question.
    fn next_round(&mut self, mut waiting: Waiting, now_ms: i64) {
        let mut views = waiting.own.clone();
        if views::is_kept(waiting.question.view()) {
            self.kept_begun(&waiting.session, waiting.question.view());
        }
        let planned = (|| {
            let query = match (&waiting.question, &waiting.schema) {
                (Question::Rows { query, .. }, _) => query.as_ref().clone(),
                (Question::Recursion(of), None) => of.anchor.clone(),
                (Question::Recursion(of), Some(schema)) => {
                    views.push((
                        of.last.clone(),
                        local_relation(schema, &waiting.last)?.encode_to_vec().into(),
                    ));
                    of.step.clone()
                }
            };
            self.with_views(&waiting.session, &views, |driver| {
                driver.job_for(&waiting.session, &query, waiting.schema.as_ref(), now_ms)
            })
        })();
        match planned {
            Ok((spec, graph, request)) => {
                waiting.schema.get_or_insert_with(|| nullable(&graph.schema));
                waiting.most_bytes = request.limits.result_bytes;
                self.run_once(spec, graph, request, Owner::Question(Box::new(waiting)), now_ms);
            }
            Err(error) => {
                self.answered = std::mem::take(&mut waiting.own);
                let session = waiting.session.clone();
                if self.question.is_none() {
                    return self.question_failed(waiting, error, now_ms);
                }
                self.failed_or_asks(&session, Call::Question(Box::new(waiting)), error, now_ms);
            }
        }
    }

    /// Plans a job; if there are columns already, its own must be of their types.
    fn job_for(
        &mut self,
        session: &str,
        query: &sc::Relation,
        columns: Option<&SchemaRef>,
        now_ms: i64,
    ) -> Result<(JobSpec, Arc<StageGraph>, JobRequest)> {
        let (spec, analyzer, resolved) = self.planned(session, query, now_ms)?;
        if resolved.streaming {
            return Err(refused(
                "Queries with streaming sources must be executed with writeStream.start()",
            ));
        }
        if let Some(columns) = columns {
            check_types(columns, &output_schema(&resolved))?;
        }
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let request = JobRequest {
            description: "a query that the plan needs".to_owned(),
            scans: self.read_files(&graph)?,
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        Ok((spec, graph, request))
    }

    /// Adds the rows of a finished job, then runs the next round or calls again with the answer.
    pub(super) fn rows_found(&mut self, mut waiting: Waiting, outcome: &Outcome, now_ms: i64) {
        match taken(&mut waiting, outcome) {
            Err(error) => self.question_failed(waiting, error, now_ms),
            Ok(None) => self.next_round(waiting, now_ms),
            Ok(Some((view, rows))) => {
                self.kept_found(&waiting.session, &view, &rows);
                let mut answered = waiting.answered;
                answered.push((view, rows));
                self.call_again(&waiting.session, waiting.call, answered, now_ms);
            }
        }
    }

    /// Calls again, with the answers to questions in sight.
    fn call_again(&mut self, session: &str, call: Call, answered: Vec<(String, Buffer)>, now_ms: i64) {
        match call {
            Call::Question(mut waiting) => {
                waiting.own = answered;
                self.next_round(*waiting, now_ms);
            }
            call => {
                self.answered = answered.clone();
                self.with_views(session, &answered, |driver| match call {
                    Call::Execute(operation, request) => driver.begin(&operation, *request, now_ms),
                    Call::Analyze(id, request) => driver.answer_analysis(id, *request, now_ms),
                    Call::Question(_) => {}
                });
                self.answered.clear();
            }
        }
    }

    /// Does something while a session has more views.
    fn with_views<T>(&mut self, session: &str, views: &[(String, Buffer)], act: impl FnOnce(&mut Self) -> T) -> T {
        for (name, rows) in views {
            self.session(session).views.insert(name.clone(), rows.clone());
        }
        let done = act(self);
        for (name, _) in views {
            self.session(session).views.remove(name);
        }
        done
    }

    /// Brings the error of a question's job to the call; rows that are too many to be kept are not the call's error.
    pub(super) fn question_failed(&mut self, waiting: Waiting, error: SparkError, now_ms: i64) {
        let view = waiting.question.view();
        if views::is_kept(view) && self.kept_failed(&waiting.session, view, &error) {
            return self.call_again(&waiting.session, waiting.call, waiting.answered, now_ms);
        }
        self.call_failed(waiting.call, error);
    }

    fn call_failed(&mut self, mut call: Call, error: SparkError) {
        loop {
            call = match call {
                Call::Execute(operation, _) => return self.fail_operation(&operation, error),
                Call::Analyze(id, _) => return self.fail_call(id, error),
                Call::Question(waiting) => waiting.call,
            };
        }
    }
}

/// Adds the rows of a round. Returns the view and its rows once there are no more.
///
/// # Errors
/// `RECURSION_LEVEL_LIMIT_EXCEEDED`, `RECURSION_ROW_LIMIT_EXCEEDED`; `RIVULET_MAX_RESULT_SIZE`, for the rows of all rounds.
fn taken(waiting: &mut Waiting, outcome: &Outcome) -> Result<Option<(String, Buffer)>> {
    let Some(schema) = waiting.schema.clone() else {
        return Err(SparkError::internal("a question's job had no plan"));
    };
    let mut found = vec![];
    for block in &outcome.results {
        for batch in ipc::read(block)? {
            found.push(renamed(&batch, &schema)?);
        }
    }
    let count = |rows: &[RecordBatch]| rows.iter().map(RecordBatch::num_rows).sum::<usize>();
    let new = count(&found);
    waiting.rows.extend(found.iter().cloned());
    waiting.last = found;
    waiting.rounds += 1;
    let bytes: usize = waiting.rows.iter().map(RecordBatch::get_array_memory_size).sum();
    check_result_size(
        usize::try_from(waiting.rounds).unwrap_or(0),
        bytes as u64,
        waiting.most_bytes,
    )?;
    let view = match &waiting.question {
        Question::Rows { view, .. } => view,
        Question::Recursion(of) => {
            let all = count(&waiting.rows);
            let enough = of.goal.is_some_and(|goal| all >= goal);
            if new > 0 && !enough {
                check_limits(of, waiting.rounds, all)?;
                return Ok(None);
            }
            &of.view
        }
    };
    let relation = if views::is_kept(view) || views::is_named(view) {
        super::kept::in_partitions(&schema, &waiting.rows, &outcome.reports)?
    } else {
        local_relation(&schema, &waiting.rows)?
    };
    Ok(Some((view.clone(), relation.encode_to_vec().into())))
}

fn check_limits(of: &Recursion, rounds: i64, rows: usize) -> Result<()> {
    let exceeded = |condition: &str, what: &str, parameter: &str, limit: i64, hint: &str| {
        let sentence = format!("Recursion {what} limit {limit} reached but query has not exhausted, try {hint}.");
        Err(SparkError::new(Exception::Runtime, condition, "42836", sentence).with(parameter, limit.to_string()))
    };
    if of.most_levels >= 0 && rounds > of.most_levels {
        let hint = "increasing it like 'WITH RECURSIVE t(col) MAX RECURSION LEVEL 200'";
        return exceeded(
            "RECURSION_LEVEL_LIMIT_EXCEEDED",
            "level",
            "levelLimit",
            of.most_levels,
            hint,
        );
    }
    if usize::try_from(of.most_rows).is_ok_and(|most| rows > most) {
        let hint = "setting a larger LIMIT value when querying the CTE relation";
        return exceeded("RECURSION_ROW_LIMIT_EXCEEDED", "row", "rowLimit", of.most_rows, hint);
    }
    Ok(())
}

/// Checks that a step has the columns of its anchor; nulls fit all.
///
/// # Errors
/// `NUM_COLUMNS_MISMATCH`, `CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE`.
fn check_types(anchor: &Schema, step: &Schema) -> Result<()> {
    let (want, have) = (anchor.fields().len(), step.fields().len());
    if have != want {
        return Err(uneven(SetOpType::Union, want, have));
    }
    for (a, s) in anchor.fields().iter().zip(step.fields()) {
        if !s.data_type().is_null() && types::sql_name(a.data_type()) != types::sql_name(s.data_type()) {
            let (left, right) = (types::sql_name(a.data_type()), types::sql_name(s.data_type()));
            return Err(SparkError::new(
                Exception::Runtime,
                "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE",
                "42825",
                format!(
                    "Failed to merge incompatible data types \"{left}\" and \"{right}\". Please check the data types of the columns being \
                     merged and ensure that they are compatible. If necessary, consider casting the columns to compatible data types before \
                     attempting the merge."
                ),
            )
            .with("left", format!("\"{left}\""))
            .with("right", format!("\"{right}\"")));
        }
    }
    Ok(())
}

/// Returns a batch under the names and types of a schema.
fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |(column, field): (&ArrayRef, &arrow::datatypes::FieldRef)| {
        if column.data_type().is_null() {
            return Ok(new_null_array(field.data_type(), column.len()));
        }
        Ok(arrow::compute::cast(column, field.data_type())?)
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column);
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns.collect::<Result<_>>()?,
        &options,
    )?)
}
