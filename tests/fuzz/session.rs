//! Runs statements on a driver and its executors, and cancels those that take too long.

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use prost::Message;
use rivulet::connect::protocol::{Input, RequestId};
use rivulet::error::SparkError;
use rivulet::proto as sc;
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::proto::plan::OpType;
use rivulet::values::ipc;

use super::watch::End;
use crate::engine::cluster::{Cluster, Faults};
use crate::seeds::Log;

/// Events after which a statement is cancelled.
const EVENTS: usize = 20_000;

pub struct Session {
    pub cluster: Cluster,
    log: Log,
    statements: usize,
}

impl Session {
    pub fn new() -> Self {
        let mut log = Log::default();
        let conf = [
            ("spark.sql.shuffle.partitions", "2"),
            ("spark.driver.maxResultSize", "64m"),
        ];
        let cluster = Cluster::new(1, 2, &conf, Faults::default(), &mut log);
        Self {
            cluster,
            log,
            statements: 0,
        }
    }

    /// Rows of a relation, or why there are none; `None` where it was cancelled.
    pub fn rows(&mut self, relation: sc::Relation) -> Option<Result<Vec<String>, SparkError>> {
        let call = self.cluster.send_plan(Some(OpType::Root(relation)), &mut self.log);
        self.ended(call)
    }

    /// Waits for a call, not for ever.
    pub fn ended(&mut self, call: RequestId) -> Option<Result<Vec<String>, SparkError>> {
        self.ends(call)
            .then(|| self.cluster.answer(call, &mut self.log).map(|answer| answer.rows))
    }

    /// Waits for a call, not for ever; whether it ended by itself.
    pub fn ends(&mut self, call: RequestId) -> bool {
        let mut cancelled = false;
        for event in 0.. {
            if self.cluster.calls[&call].ended.is_some() {
                break;
            }
            if event == EVENTS {
                cancelled = true;
                self.cluster.drive(Input::Cancel { id: call }, &mut self.log);
                break;
            }
            self.cluster.happens(&mut self.log);
        }
        if cancelled {
            self.cluster.calls.remove(&call);
        }
        !cancelled
    }

    /// Batches of a relation, which answers.
    pub fn batches(&mut self, relation: sc::Relation) -> Vec<RecordBatch> {
        let call = self.cluster.send_plan(Some(OpType::Root(relation)), &mut self.log);
        self.cluster
            .run_until(&mut self.log, |c| c.calls[&call].ended.is_some());
        let responses = self
            .cluster
            .calls
            .remove(&call)
            .map(|call| call.responses)
            .unwrap_or_default();
        let blocks = responses.iter().filter_map(|bytes| {
            match sc::ExecutePlanResponse::decode(bytes.as_slice())
                .expect("a response can be read")
                .response_type
            {
                Some(ResponseType::ArrowBatch(batch)) => Some(Buffer::from(batch.data)),
                _ => None,
            }
        });
        blocks
            .flat_map(|block| ipc::read(&block).expect("a block can be read"))
            .collect()
    }

    /// How an answer looks: internal errors must not be.
    pub fn end(&mut self, answer: Option<Result<Vec<String>, SparkError>>) -> End {
        self.statements += 1;
        // What ended runs leave is not this test's.
        if self.statements == 2000 {
            *self = Self::new();
        }
        match answer {
            None => End::Refused("cancelled".into()),
            Some(Ok(_)) => End::Answered,
            Some(Err(error)) => {
                let condition = error.condition.clone().unwrap_or_default();
                match condition.as_str() {
                    "INTERNAL_ERROR" | "RIVULET_PANIC" => End::Wrong(error.full_message().chars().take(400).collect()),
                    // Java's own exceptions have none.
                    "" => End::Refused("without condition".into()),
                    _ => End::Refused(condition),
                }
            }
        }
    }
}
