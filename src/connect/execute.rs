//! `ExecutePlan` over relations: a job, then its rows; reattaching and interrupting.
//!
//! An operation outlives its call if the client asked for that (`reattachable`): responses are kept until they are
//! released, and a client whose connection broke continues after the last one that it saw.
//!
//! ```text
//!  ExecutePlan ─▶ responding ──end──▶ ended ──ReleaseExecute──▶ gone
//!                   │    ▲              │
//!       client hangs up  └─ Reattach ───┘ replays what was kept after the last response seen
//! ```

use arrow::array::{RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::answers::Answers;
use super::driver::Driver;
use super::jobs::Owner;
use super::protocol::{Output, RequestId};
use super::questions::Call;
use super::rows::nullable;
use super::sending::{Piece, Sending, batch_response};
use crate::cluster::runner::{JobRequest, Limits, Outcome, ScanBlocks, SourceBlock};
use crate::compile::job;
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::ids::{PartitionId, ScanPart};
use crate::plan::output_mode::refused;
use crate::plan::scan::Origin;
use crate::plan::type_message;
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::relation::RelType;
use crate::proto::variant_name;
use crate::rdd::plan::RddPlan;
use crate::sources::listing;
use crate::values::zone::Zone;
use crate::values::{display, ipc, raw};

/// An `ExecutePlan` call in progress, or over but not yet released.
#[derive(Debug)]
pub(super) struct Operation {
    /// The session.
    pub session: String,
    /// Tags by which it can be interrupted.
    pub tags: Vec<String>,
    /// The stream that gets responses; `None` while no client is attached.
    pub request: Option<RequestId>,
    /// Responses kept for reattaching.
    answers: Answers,
    /// Since when it has no client, ms since the epoch, as far as [`Driver::expire`] has seen it.
    pub detached_ms: Option<i64>,
    /// Whether the client may come back.
    reattachable: bool,
    /// How it ended: with an error, or well; `None` while it runs.
    ended: Option<Option<SparkError>>,
    /// What it has yet to send.
    pub sending: Sending,
}

impl Operation {
    /// Returns whether it still runs.
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }
}

/// What to make of a job's rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// The operation that waits for them.
    pub operation: String,
    /// Columns under the user's names.
    schema: SchemaRef,
    /// What the client wants to see.
    form: Form,
    /// The zone in which tables show times.
    zone: Zone,
}

/// The forms of a result.
#[derive(Debug, Clone)]
enum Form {
    /// All rows, as Arrow.
    Batches,
    /// The rows are made and forgotten: the `noop` sink.
    Nothing,
    /// The last rows (`tail`), as one batch.
    Last(usize),
    /// A table as text (`show`).
    Table {
        /// Most rows.
        rows: usize,
        /// Longest cell, in characters; 0 cuts nothing.
        truncate: usize,
        /// Whether each row is a block of lines.
        vertical: bool,
    },
}

impl Driver {
    /// Begins an operation; its own errors go to the operation's stream.
    ///
    /// Clients choose the operation's id, so that they can reattach to an operation whose first response never arrived.
    ///
    /// # Errors
    /// `INVALID_HANDLE.OPERATION_ALREADY_EXISTS` if the id is taken.
    pub(super) fn execute_plan(&mut self, id: RequestId, request: sc::ExecutePlanRequest, now_ms: i64) -> Result<()> {
        let operation = match &request.operation_id {
            Some(id) if !id.is_empty() => id.clone(),
            _ => self.fresh_uuid(),
        };
        if self.operations.contains_key(&operation) {
            return Err(SparkError::new(
                Exception::Connect,
                "INVALID_HANDLE.OPERATION_ALREADY_EXISTS",
                "HY000",
                format!("The handle {operation} is invalid. Operation already exists."),
            ));
        }
        let reattachable = request.request_options.iter().any(|o| {
            matches!(&o.request_option, Some(sc::execute_plan_request::request_option::RequestOption::ReattachOptions(r)) if r.reattachable)
        });
        self.operations.insert(
            operation.clone(),
            Operation {
                session: request.session_id.clone(),
                tags: request.tags.clone(),
                request: Some(id),
                answers: Answers::default(),
                detached_ms: None,
                reattachable,
                ended: None,
                sending: Sending::default(),
            },
        );
        self.begin(&operation, request, now_ms);
        Ok(())
    }

    /// Begins what an operation is for.
    pub(super) fn begin(&mut self, operation: &str, request: sc::ExecutePlanRequest, now_ms: i64) {
        let result = match request.plan.as_ref().and_then(|p| p.op_type.as_ref()) {
            Some(sc::plan::OpType::Root(relation)) => {
                self.execute_relation(operation, &request.session_id, relation, now_ms)
            }
            Some(sc::plan::OpType::Command(command)) => {
                self.execute_command(operation, &request.session_id, command, now_ms)
            }
            Some(sc::plan::OpType::CompressedOperation(_)) => Err(SparkError::unsupported("compressed plans")),
            None => Err(SparkError::invalid_plan("a plan is empty")),
        };
        if let Err(error) = result {
            let session = request.session_id.clone();
            let call = Call::Execute(operation.to_owned(), Box::new(request));
            self.failed_or_asks(&session, call, error, now_ms);
        }
    }

    /// Runs a relation and discards its rows.
    ///
    /// # Errors
    /// What analysis refuses.
    pub(super) fn execute_discarding(
        &mut self,
        operation: &str,
        session: &str,
        relation: &sc::Relation,
        now_ms: i64,
    ) -> Result<()> {
        self.run_relation(operation, session, relation, Form::Nothing, now_ms)
    }

    /// Runs a relation in the form that its top asks for: a table for `show`, the last rows for `tail`, else all.
    fn execute_relation(&mut self, operation: &str, session: &str, relation: &sc::Relation, now_ms: i64) -> Result<()> {
        if let Some(plan) = RddPlan::of_relation(relation)? {
            return self.execute_datasets(operation, session, plan, now_ms);
        }
        if let Some(RelType::Catalog(catalog)) = &relation.rel_type
            && let Some(answer) = self.catalog(session, catalog, now_ms)?
        {
            return self.execute_relation(operation, session, &answer, now_ms);
        }
        let (inner, form) = match &relation.rel_type {
            Some(RelType::ShowString(show)) => {
                let rows = usize::try_from(show.num_rows).unwrap_or(0);
                let truncate = usize::try_from(show.truncate).unwrap_or(0);
                let limited = sc::Limit {
                    input: show.input.clone(),
                    limit: show.num_rows.max(0).saturating_add(1),
                };
                let relation = sc::Relation {
                    common: None,
                    rel_type: Some(RelType::Limit(Box::new(limited))),
                };
                (
                    relation,
                    Form::Table {
                        rows,
                        truncate,
                        vertical: show.vertical,
                    },
                )
            }
            Some(RelType::Tail(tail)) => {
                let input = tail
                    .input
                    .as_deref()
                    .ok_or_else(|| SparkError::invalid_plan("tail has no input"))?;
                (input.clone(), Form::Last(usize::try_from(tail.limit).unwrap_or(0)))
            }
            _ => (relation.clone(), Form::Batches),
        };
        self.run_relation(operation, session, &inner, form, now_ms)
    }

    /// Plans a relation, and submits its job.
    ///
    /// The schema is sent before the first row exists, so clients know the columns of a result that fails later.
    ///
    /// # Errors
    /// What analysis refuses; an `AnalysisException` if it is streaming; the host's, if a file cannot be read.
    fn run_relation(
        &mut self,
        operation: &str,
        session: &str,
        relation: &sc::Relation,
        form: Form,
        now_ms: i64,
    ) -> Result<()> {
        let (spec, analyzer, resolved) = self.planned(session, relation, now_ms)?;
        if resolved.streaming {
            return Err(refused(
                "Queries with streaming sources must be executed with writeStream.start()",
            ));
        }
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let scans = self.read_files(&graph)?;
        let zone = analyzer.zone;
        let limits = Limits::of_statement(&spec.conf)?;
        let schema = type_message::schema_to_proto(&graph.schema);
        if matches!(form, Form::Batches | Form::Last(_)) {
            self.respond(operation, None, Some(schema));
        }
        let rows = Rows {
            operation: operation.to_owned(),
            schema: graph.schema.clone(),
            form,
            zone,
        };
        let request = JobRequest {
            description: describe(relation),
            scans,
            limits,
            in_pieces: matches!(rows.form, Form::Batches),
            ..JobRequest::default()
        };
        self.run_once(spec, graph, request, Owner::Rows(rows), now_ms);
        Ok(())
    }

    /// Reads the bytes of a batch job's files, but for those that the host sends, and deals them file by file over the partitions of
    /// its scan.
    ///
    /// # Errors
    /// `FAILED_READ_FILE` if a file cannot be read.
    pub(super) fn read_files(&self, graph: &StageGraph) -> Result<ScanBlocks> {
        let mut blocks = ScanBlocks::new();
        for scan in &graph.scans {
            let options = match &scan.origin {
                Origin::Blocks { options, .. } => options.clone(),
                _ => BTreeMap::new(),
            };
            for (i, file) in scan.files.iter().enumerate() {
                let part = ScanPart {
                    scan: scan.id,
                    partition: PartitionId(i % scan.partitions),
                };
                let own = blocks.entry(part).or_default();
                if let Some(facts) = listing::facts_of_shared(self.files.as_ref(), file, &options) {
                    own.extend([SourceBlock::Bytes(facts), SourceBlock::File(file.path.clone())]);
                    continue;
                }
                let read = listing::blocks_of(self.files.as_ref(), file, &options)?;
                own.extend(read.into_iter().map(SourceBlock::Bytes));
            }
        }
        Ok(blocks)
    }

    /// Takes over the rest of a finished job's rows; its operation ends when the client has been sent all.
    pub(super) fn rows_done(&mut self, rows: Rows, outcome: Outcome) {
        let operation = rows.operation.clone();
        match self.shape(&rows, outcome.results) {
            Ok(pieces) => {
                self.send_pieces(&operation, pieces);
                self.send_end(&operation);
            }
            Err(error) => self.fail_operation(&operation, error),
        }
    }

    /// Returns rows in the form that was asked for. An empty result is one batch without rows.
    fn shape(&self, rows: &Rows, blocks: Vec<Buffer>) -> Result<Vec<Piece>> {
        let nullable = nullable(&rows.schema);
        let sent = self.operations.get(&rows.operation).map_or(0, |op| op.sending.pieces);
        let ready = |count: usize, stream| Piece::Ready(Box::new(batch_response(count as i64, stream)));
        let visible = || raw::shown_blocks(blocks.clone());
        Ok(match &rows.form {
            Form::Nothing => vec![],
            Form::Batches if sent == 0 && blocks.is_empty() => {
                vec![ready(
                    0,
                    ipc::write(&nullable, [RecordBatch::new_empty(nullable.clone())])?,
                )]
            }
            Form::Batches => blocks.into_iter().map(Piece::Rows).collect(),
            Form::Last(limit) => {
                let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                let batches = ipc::read_all(&visible()?, &nullable)?;
                let mut skip = count(&batches).saturating_sub(*limit);
                let mut last = Vec::new();
                for batch in batches {
                    let cut = skip.min(batch.num_rows());
                    skip -= cut;
                    last.push(batch.slice(cut, batch.num_rows() - cut));
                }
                vec![ready(
                    count(&last),
                    ipc::write(&nullable, [concat_batches(&nullable, &last)?])?,
                )]
            }
            Form::Table {
                rows: shown,
                truncate,
                vertical,
            } => {
                let batches = ipc::read_all(&visible()?, &nullable)?;
                let names: Vec<String> = rows.schema.fields().iter().map(|f| f.name().clone()).collect();
                let text = display::table(&names, &batches, *shown, *truncate, *vertical, rows.zone)?;
                vec![ready(1, one_string("show_string", &text)?)]
            }
        })
    }

    /// Sends one response of an operation, and keeps it if the client may come back for it.
    ///
    /// An unknown operation, one that was cancelled meanwhile, is ignored.
    pub(super) fn respond(
        &mut self,
        operation: &str,
        response_type: Option<ResponseType>,
        schema: Option<sc::DataType>,
    ) {
        let response_id = self.fresh_uuid();
        let Some(op) = self.operations.get_mut(operation) else {
            return;
        };
        let response = sc::ExecutePlanResponse {
            session_id: op.session.clone(),
            server_side_session_id: op.session.clone(),
            operation_id: operation.to_owned(),
            response_id: response_id.clone(),
            response_type,
            schema,
            ..Default::default()
        };
        let bytes = response.encode_to_vec();
        if op.reattachable {
            op.answers.keep(response_id, bytes.clone(), op.request.is_some());
        }
        if let Some(id) = op.request {
            op.sending.sent(bytes.len());
            self.out.push(Output::Respond { id, bytes });
        }
    }

    /// Ends an operation that has all its responses.
    pub(super) fn end_operation(&mut self, operation: &str) {
        self.respond(
            operation,
            Some(ResponseType::ResultComplete(
                sc::execute_plan_response::ResultComplete {},
            )),
            None,
        );
        let Some(op) = self.operations.get_mut(operation) else {
            return;
        };
        op.ended = Some(None);
        if let Some(id) = op.request.take() {
            self.out.push(Output::End { id });
        }
        if !op.reattachable {
            self.operations.remove(operation);
        }
    }

    /// Ends an operation with an error; one that has ended is not changed.
    pub(super) fn fail_operation(&mut self, operation: &str, error: SparkError) {
        let Some(op) = self.operations.get_mut(operation) else {
            return;
        };
        op.ended = Some(Some(error.clone()));
        op.sending.drop_rest();
        if let Some(id) = op.request.take() {
            self.out.push(Output::Fail { id, error });
        }
        if !op.reattachable {
            self.operations.remove(operation);
        }
    }

    /// Replays the responses after the last one that the client saw, then continues or ends.
    ///
    /// # Errors
    /// `INVALID_HANDLE.OPERATION_NOT_FOUND` if the operation is unknown, released, or another session's; `INVALID_CURSOR`
    /// if responses that the client lacks are not kept any more.
    pub(super) fn reattach(&mut self, id: RequestId, request: &sc::ReattachExecuteRequest) -> Result<()> {
        let operation = self.operations.get_mut(&request.operation_id);
        let Some(op) = operation.filter(|op| op.session == request.session_id) else {
            return Err(SparkError::new(
                Exception::Connect,
                "INVALID_HANDLE.OPERATION_NOT_FOUND",
                "HY000",
                format!("The handle {} is invalid. Operation not found.", request.operation_id),
            ));
        };
        for bytes in op.answers.after(request.last_response_id.as_deref())? {
            self.out.push(Output::Respond {
                id,
                bytes: bytes.clone(),
            });
        }
        match &op.ended {
            Some(None) => self.out.push(Output::End { id }),
            Some(Some(error)) => self.out.push(Output::Fail {
                id,
                error: error.clone(),
            }),
            None => {
                op.request = Some(id);
                op.sending.restarted();
                self.send_waiting(&request.operation_id);
            }
        }
        Ok(())
    }

    /// Drops responses that the client has seen, or the operation.
    pub(super) fn release_execute(&mut self, request: &sc::ReleaseExecuteRequest) {
        use sc::release_execute_request::Release;
        let operation = self.operations.get_mut(&request.operation_id);
        let Some(op) = operation.filter(|op| op.session == request.session_id) else {
            return;
        };
        match &request.release {
            Some(Release::ReleaseUntil(until)) => op.answers.release(&until.response_id),
            _ if op.ended.is_some() => {
                self.operations.remove(&request.operation_id);
            }
            _ => op.reattachable = false,
        }
    }

    /// Stops operations by id, by tag, or all of a session; returns their ids.
    ///
    /// Operations that have ended, and those of other sessions, are not touched. Streaming queries and streaming
    /// contexts run on: they are stopped by commands of their own.
    pub(super) fn interrupt(&mut self, request: &sc::InterruptRequest, now_ms: i64) -> Vec<String> {
        use sc::interrupt_request::Interrupt;
        let chosen: Vec<String> = self
            .operations
            .iter()
            .filter(|(id, op)| {
                op.ended.is_none()
                    && op.session == request.session_id
                    && !self.contexts.owns(id)
                    && match &request.interrupt {
                        Some(Interrupt::OperationId(wanted)) => *id == wanted,
                        Some(Interrupt::OperationTag(tag)) => op.tags.contains(tag),
                        None => true,
                    }
            })
            .map(|(id, _)| id.clone())
            .collect();
        for operation in &chosen {
            self.cancel_operation(operation, now_ms);
        }
        chosen
    }

    /// Ends an operation that nobody will ask for again.
    pub(super) fn abandon(&mut self, operation: &str, now_ms: i64) {
        if self.operations.get(operation).is_some_and(Operation::is_running) {
            self.cancel_operation(operation, now_ms);
        }
        self.operations.remove(operation);
    }

    /// Ends an operation's jobs, and fails it with `OPERATION_CANCELED`.
    ///
    /// Its jobs are taken from the scheduler, its plan from the executors; what waits for a query to end waits no more.
    fn cancel_operation(&mut self, operation: &str, now_ms: i64) {
        let jobs: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, (owner, _))| owner.operation() == Some(operation))
            .map(|(job, (_, plan))| (*job, *plan))
            .collect();
        for (job, plan) in jobs {
            self.owners.remove(&job);
            let mut effects = self.runner.cancel(job, now_ms);
            self.note(job, "cancelled", now_ms);
            effects.extend(self.runner.drop_plan(plan));
            self.carry_out(effects, now_ms);
        }
        self.drop_parked_of_operation(operation);
        self.writes.remove(operation);
        self.streams.forget_waiter(operation);
        self.leave_context(operation, now_ms);
        let error = SparkError::new(
            Exception::Connect,
            "OPERATION_CANCELED",
            "HY008",
            "Operation has been canceled.",
        );
        self.fail_operation(operation, error);
    }

    /// Takes in that the client hung up: the operation is cancelled, unless the client may come back to it.
    pub(super) fn cancel_request(&mut self, id: RequestId, now_ms: i64) {
        let found = self
            .operations
            .iter()
            .find(|(_, op)| op.request == Some(id))
            .map(|(o, op)| (o.clone(), op.reattachable));
        match found {
            Some((operation, false)) => self.cancel_operation(&operation, now_ms),
            Some((operation, true)) => {
                if let Some(op) = self.operations.get_mut(&operation) {
                    op.request = None;
                }
            }
            None => {}
        }
    }

    /// Ends everything of a session: operations, queries, settings, views, models.
    ///
    /// A later call under the same id begins a new session.
    pub(super) fn release_session(&mut self, session: &str, now_ms: i64) {
        let all = sc::InterruptRequest {
            session_id: session.to_owned(),
            ..Default::default()
        };
        self.interrupt(&all, now_ms);
        self.stop_queries(session, now_ms);
        self.drop_contexts(session, now_ms);
        self.operations.retain(|_, op| op.session != session);
        self.sessions.remove(session);
    }
}

/// Returns a batch of one row and one column of strings, as an Arrow stream.
pub(super) fn one_string(name: &str, text: &str) -> Result<Vec<u8>> {
    let schema = Schema::new(vec![Field::new(name, DataType::Utf8, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![Arc::new(StringArray::from(vec![text]))])?;
    ipc::write(&schema, &[batch])
}

/// Returns a word for the job list: the kind of the relation.
fn describe(relation: &sc::Relation) -> String {
    relation
        .rel_type
        .as_ref()
        .map_or_else(|| "query".into(), |kind| variant_name(kind))
}
