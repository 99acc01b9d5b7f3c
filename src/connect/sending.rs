//! Results on their way to clients, piece by piece, as fast as each client reads.
//!
//! A job hands over the pieces of its first partitions while the others are still computed. A client that does not read is sent
//! no more than a window; the rest is held as the executors made it, without a copy. `spark.driver.maxResultSize` bounds it.
//!
//! ```text
//!  runner ──pieces, in order──▶ waiting ──while the client has read all but a window──▶ response
//!                                  ▲                                                      │
//!                                  └──────────────────── Input::Taken ◀───────────────────┘
//! ```

use std::collections::VecDeque;

use arrow::buffer::Buffer;

use super::driver::Driver;
use super::protocol::RequestId;
use crate::error::Result;
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::values::{ipc, raw};

/// Limits the bytes on their way to a client; one response may exceed it. The page reports what it has read each time that a
/// quarter of it is reached.
const WINDOW_BYTES: usize = 16 << 20;

/// What an operation has yet to send.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// What is to come, in order.
    waiting: VecDeque<Piece>,
    /// Whether that is all there will be.
    complete: bool,
    /// Bytes that were sent and that the client has not reported as read.
    unread: usize,
    /// How many pieces were handed over.
    pub pieces: usize,
}

/// A part of a result.
#[derive(Debug)]
pub(super) enum Piece {
    /// Rows, as a task has made them.
    Rows(Buffer),
    /// A response that is ready.
    Ready(Box<ResponseType>),
}

impl Piece {
    /// Returns the response that has it.
    ///
    /// # Errors
    /// If it is not a block of rows.
    fn response(self) -> Result<ResponseType> {
        Ok(match self {
            Self::Ready(response) => *response,
            Self::Rows(block) => {
                let block = raw::shown_block(block)?;
                let rows: usize = ipc::read(&block)?.iter().map(|batch| batch.num_rows()).sum();
                batch_response(rows as i64, block.to_vec())
            }
        })
    }
}

impl Sending {
    /// Notes a response that was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.unread += bytes;
    }

    /// Counts from zero again: the client has attached with a new stream.
    pub fn restarted(&mut self) {
        self.unread = 0;
    }

    /// Drops what is not sent.
    pub fn drop_rest(&mut self) {
        self.waiting.clear();
    }
}

/// Returns a response of rows.
pub(super) fn batch_response(row_count: i64, data: Vec<u8>) -> ResponseType {
    ResponseType::ArrowBatch(sc::execute_plan_response::ArrowBatch {
        row_count,
        data,
        ..Default::default()
    })
}

impl Driver {
    /// Takes over pieces of an operation's result, and sends what its client can take. Drops them if the operation is gone.
    pub(super) fn send_pieces(&mut self, operation: &str, pieces: impl IntoIterator<Item = Piece>) {
        if let Some(op) = self.operations.get_mut(operation) {
            let before = op.sending.waiting.len();
            op.sending.waiting.extend(pieces);
            op.sending.pieces += op.sending.waiting.len() - before;
        }
        self.send_waiting(operation);
    }

    /// Notes that an operation has all its pieces: it ends after the last of them.
    pub(super) fn send_end(&mut self, operation: &str) {
        if let Some(op) = self.operations.get_mut(operation) {
            op.sending.complete = true;
        }
        self.send_waiting(operation);
    }

    /// Takes in that a client has read bytes of a call's responses.
    pub(super) fn taken(&mut self, id: RequestId, bytes: usize) {
        let mut operations = self.operations.iter_mut();
        let Some((operation, op)) = operations.find(|(_, op)| op.request == Some(id)) else {
            return;
        };
        op.sending.unread = op.sending.unread.saturating_sub(bytes);
        let operation = operation.clone();
        self.send_waiting(&operation);
    }

    /// Sends what waits, as long as its client can take it; ends the operation after the last piece.
    pub(super) fn send_waiting(&mut self, operation: &str) {
        while let Some(op) = self.operations.get_mut(operation) {
            if !op.is_running() || op.request.is_none() {
                return;
            }
            if op.sending.waiting.is_empty() && op.sending.complete {
                return self.end_operation(operation);
            }
            if op.sending.unread >= WINDOW_BYTES {
                return;
            }
            let Some(piece) = op.sending.waiting.pop_front() else {
                return;
            };
            match piece.response() {
                Ok(response) => self.respond(operation, Some(response), None),
                Err(error) => self.fail_operation(operation, error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::rc::Rc;

    use prost::Message;

    use super::*;
    use crate::cluster::executor::{Executor, MemoryBlocks, Outgoing};
    use crate::connect::protocol::{Input, Method, Output};
    use crate::error::SparkError;
    use crate::ids::ExecutorRef;
    use crate::storage::files::NoFiles;

    const CALL: RequestId = RequestId(1);

    /// A driver with one executor of one slot, and what its client has got.
    struct World {
        driver: Driver,
        executor: Executor<MemoryBlocks>,
        /// Messages of the executor that the driver has not received.
        said: VecDeque<Outgoing>,
        /// Rows and bytes of each response, in order.
        responses: Vec<(i64, usize)>,
        ended: bool,
        failed: Option<SparkError>,
        now_ms: i64,
    }

    impl World {
        /// Asks for the numbers from 0 to `rows`, in `partitions` partitions.
        fn asking(rows: i64, partitions: i32) -> Self {
            let me = ExecutorRef::new(0);
            let mut world = Self {
                driver: Driver::new(Default::default(), Rc::new(NoFiles), 7),
                executor: Executor::new(me, MemoryBlocks::default()),
                said: VecDeque::new(),
                responses: vec![],
                ended: false,
                failed: None,
                now_ms: 0,
            };
            world.happens(Input::ExecutorAdded { executor: me });
            let range = sc::relation::RelType::Range(sc::Range {
                end: rows,
                step: 1,
                num_partitions: Some(partitions),
                ..Default::default()
            });
            let relation = sc::Relation {
                common: None,
                rel_type: Some(range),
            };
            let request = sc::ExecutePlanRequest {
                session_id: "s".into(),
                plan: Some(sc::Plan {
                    op_type: Some(sc::plan::OpType::Root(relation)),
                }),
                ..Default::default()
            };
            let (id, method, bytes) = (CALL, Method::ExecutePlan, request.encode_to_vec());
            world.happens(Input::Request { id, method, bytes });
            world
        }

        fn happens(&mut self, input: Input) {
            self.now_ms += 1;
            for output in self.driver.handle(self.now_ms, input) {
                match output {
                    Output::Send { message, blobs, .. } => {
                        self.said.extend(self.executor.driver_message(message, blobs));
                    }
                    Output::Respond { bytes, .. } => {
                        let response = sc::ExecutePlanResponse::decode(bytes.as_slice()).unwrap();
                        if let Some(ResponseType::ArrowBatch(batch)) = response.response_type {
                            self.responses.push((batch.row_count, bytes.len()));
                        }
                    }
                    Output::End { .. } => self.ended = true,
                    Output::Fail { error, .. } => self.failed = Some(error),
                    other => panic!("{other:?}"),
                }
            }
        }

        /// Gives the driver one message of the executor; returns false if there is none.
        fn hears(&mut self) -> bool {
            match self.said.pop_front() {
                Some(Outgoing::Driver(message, blobs)) => {
                    let from = ExecutorRef::new(0);
                    self.happens(Input::Executor { from, message, blobs });
                    true
                }
                Some(other) => panic!("{other:?}"),
                None => false,
            }
        }

        fn rows(&self) -> i64 {
            self.responses.iter().map(|(rows, _)| rows).sum()
        }

        fn bytes(&self) -> usize {
            self.responses.iter().map(|(_, bytes)| bytes).sum()
        }
    }

    #[test]
    fn rows_of_the_first_partitions_are_sent_while_others_are_computed() {
        let mut world = World::asking(1_000, 4);
        for partition in 1..=4 {
            assert!(!world.ended);
            while world.rows() < partition * 250 {
                assert!(world.hears(), "{} rows", world.rows());
            }
            assert_eq!(world.rows(), partition * 250);
        }
        while world.hears() {}
        assert!(world.ended);
    }

    #[test]
    fn a_client_that_does_not_read_is_sent_a_window_and_the_rest_as_it_reads() {
        let mut world = World::asking(6_000_000, 3);
        while world.hears() {}
        // 8 bytes a row; a response has 65,536.
        let response = 65_536 * 8 + 2_000;
        assert!(world.bytes() >= WINDOW_BYTES && world.bytes() < WINDOW_BYTES + response);
        let mut read = 0;
        while !world.ended {
            let before = world.bytes();
            let (_, bytes) = world.responses[read];
            world.happens(Input::Taken { id: CALL, bytes });
            read += 1;
            assert!(world.bytes() - before <= bytes + response);
        }
        assert_eq!(world.rows(), 6_000_000);
        assert!(world.bytes() > 2 * WINDOW_BYTES);
    }

    #[test]
    fn a_result_of_one_window_ends_though_its_client_says_nothing() {
        let mut world = World::asking(2_097_152, 1);
        while world.hears() {}
        assert!(world.ended && world.bytes() >= WINDOW_BYTES, "{} bytes", world.bytes());
    }

    #[test]
    fn what_a_client_that_leaves_has_not_got_is_dropped() {
        let mut world = World::asking(6_000_000, 3);
        while world.hears() {}
        world.happens(Input::Cancel { id: CALL });
        assert!(world.driver.operations.is_empty());
        let sent = world.responses.len();
        let bytes = WINDOW_BYTES;
        world.happens(Input::Taken { id: CALL, bytes });
        assert_eq!(world.responses.len(), sent);
    }

    #[test]
    fn a_result_without_rows_is_one_response() {
        let mut world = World::asking(0, 2);
        while world.hears() {}
        assert!(world.ended && world.failed.is_none());
        let rows: Vec<i64> = world.responses.iter().map(|(rows, _)| *rows).collect();
        assert_eq!(rows, [0]);
    }
}
