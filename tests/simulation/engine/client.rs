//! Spark Connect's messages, made and read.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use prost::Message;

use super::cluster::Cluster;
use crate::seeds::Log;
use rivulet::connect::protocol::{Method, RequestId};
use rivulet::error::SparkError;
use rivulet::proto as sc;
use rivulet::proto::command::CommandType;
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::proto::relation::RelType;
use rivulet::streaming::query::EventKind;
use rivulet::values::ipc;

pub const SESSION: &str = "the-session";

pub fn relation(kind: RelType) -> sc::Relation {
    sc::Relation {
        common: None,
        rel_type: Some(kind),
    }
}

pub fn sql(text: &str) -> sc::Relation {
    relation(RelType::Sql(sc::Sql {
        query: text.into(),
        ..Default::default()
    }))
}

/// A streaming read.
pub fn stream(format: &str, schema: Option<&str>, options: &[(&str, &str)]) -> sc::Relation {
    read(format, schema, options, true)
}

/// A read of what there is.
pub fn table(format: &str, options: &[(&str, &str)]) -> sc::Relation {
    read(format, None, options, false)
}

fn read(format: &str, schema: Option<&str>, options: &[(&str, &str)], is_streaming: bool) -> sc::Relation {
    let source = sc::read::DataSource {
        format: Some(format.into()),
        schema: schema.map(Into::into),
        options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        ..Default::default()
    };
    relation(RelType::Read(sc::Read {
        is_streaming,
        read_type: Some(sc::read::ReadType::DataSource(source)),
    }))
}

pub fn with_watermark(input: sc::Relation, event_time: &str, delay: &str) -> sc::Relation {
    relation(RelType::WithWatermark(Box::new(sc::WithWatermark {
        input: Some(Box::new(input)),
        event_time: event_time.into(),
        delay_threshold: delay.into(),
    })))
}

/// A query to start.
pub fn write(input: sc::Relation, format: &str, mode: &str) -> sc::WriteStreamOperationStart {
    sc::WriteStreamOperationStart {
        input: Some(input),
        format: format.into(),
        output_mode: mode.into(),
        ..Default::default()
    }
}

/// What a call gave: rows, and the responses that hold none.
pub struct Answer {
    pub rows: Vec<String>,
    pub others: Vec<ResponseType>,
}

impl Cluster {
    /// Sends a plan, not waiting for its end.
    pub fn send_plan(&mut self, kind: Option<sc::plan::OpType>, log: &mut Log) -> RequestId {
        let plan = sc::Plan { op_type: kind };
        let request = sc::ExecutePlanRequest {
            session_id: SESSION.into(),
            plan: Some(plan),
            ..Default::default()
        };
        self.request(Method::ExecutePlan, request.encode_to_vec(), log)
    }

    /// Waits for a call's end.
    pub fn answer(&mut self, id: RequestId, log: &mut Log) -> Result<Answer, SparkError> {
        self.run_until(log, |c| c.calls[&id].ended.is_some());
        let Some(call) = self.calls.remove(&id) else {
            return Err(SparkError::internal("the driver died"));
        };
        call.ended.expect("waited for above")?;
        let mut answer = Answer {
            rows: vec![],
            others: vec![],
        };
        for bytes in call.responses {
            let response = sc::ExecutePlanResponse::decode(bytes.as_slice()).expect("a response can be read");
            match response.response_type {
                Some(ResponseType::ArrowBatch(batch)) => answer.rows.extend(rows(&[Buffer::from(batch.data)])),
                Some(other) => answer.others.push(other),
                None => {}
            }
        }
        Ok(answer)
    }

    /// A relation's rows in their order.
    pub fn collect(&mut self, relation: sc::Relation, log: &mut Log) -> Result<Vec<String>, SparkError> {
        let id = self.send_plan(Some(sc::plan::OpType::Root(relation)), log);
        self.answer(id, log).map(|a| a.rows)
    }

    pub fn command(&mut self, kind: CommandType, log: &mut Log) -> Result<Answer, SparkError> {
        let command = sc::Command {
            command_type: Some(kind),
        };
        let id = self.send_plan(Some(sc::plan::OpType::Command(command)), log);
        self.answer(id, log)
    }

    pub fn view(&mut self, name: &str, input: sc::Relation, log: &mut Log) -> Result<Answer, SparkError> {
        let view = sc::CreateDataFrameViewCommand {
            input: Some(input),
            name: name.into(),
            is_global: false,
            replace: true,
        };
        self.command(CommandType::CreateDataframeView(view), log)
    }

    /// Starts a query; its id.
    pub fn start_query(&mut self, start: sc::WriteStreamOperationStart, log: &mut Log) -> Result<String, SparkError> {
        let answer = self.command(CommandType::WriteStreamOperationStart(start), log)?;
        Ok(answer
            .others
            .into_iter()
            .find_map(|r| match r {
                ResponseType::WriteStreamOperationStartResult(r) => Some(r.query_id.unwrap_or_default().id),
                _ => None,
            })
            .expect("a start is answered by the query's id"))
    }

    pub fn query_command(
        &mut self,
        query: &str,
        command: sc::streaming_query_command::Command,
        log: &mut Log,
    ) -> Result<Answer, SparkError> {
        let query_id = Some(sc::StreamingQueryInstanceId {
            id: query.into(),
            run_id: String::new(),
        });
        let command = sc::StreamingQueryCommand {
            query_id,
            command: Some(command),
        };
        self.command(CommandType::StreamingQueryCommand(command), log)
    }

    pub fn process_all(&mut self, query: &str, log: &mut Log) -> Result<(), SparkError> {
        self.query_command(
            query,
            sc::streaming_query_command::Command::ProcessAllAvailable(true),
            log,
        )
        .map(|_| ())
    }

    /// The progress of a query's batches so far.
    pub fn progress(&self, query: &str) -> Vec<serde_json::Value> {
        let own = self
            .events
            .iter()
            .filter(|(kind, json)| *kind == EventKind::Progress && json["id"] == query);
        own.map(|(_, json)| json.clone()).collect()
    }
}

/// Arrow streams as text: one line a row, columns between bars.
pub fn rows(blocks: &[Buffer]) -> Vec<String> {
    let mut out = Vec::new();
    for block in blocks {
        for batch in ipc::read(block).expect("a block can be read") {
            out.extend(lines(&batch));
        }
    }
    out
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<ArrayFormatter> = batch
        .columns()
        .iter()
        .map(|c| ArrayFormatter::try_new(c, &options).expect("a column can be shown"))
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|c| c.value(row).to_string())
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect()
}

pub fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
}
