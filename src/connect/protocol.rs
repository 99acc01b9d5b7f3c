//! What the driver takes in and what it wants of its host: the whole of its contract.

use arrow::buffer::Buffer;

use crate::cluster::message::{FromExecutor, ToExecutor};
use crate::error::SparkError;
use crate::ids::{BatchId, ConnectionId, ExecutorRef};
use crate::sources;
use crate::storage::{Answer, Request};
use crate::streaming::query::EventKind;

/// A request's number, given by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A Spark Connect call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    ExecutePlan,
    AnalyzePlan,
    Config,
    Interrupt,
    ReattachExecute,
    ReleaseExecute,
    ReleaseSession,
    FetchErrorDetails,
}

impl Method {
    /// By the service's method name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ExecutePlan" => Self::ExecutePlan,
            "AnalyzePlan" => Self::AnalyzePlan,
            "Config" => Self::Config,
            "Interrupt" => Self::Interrupt,
            "ReattachExecute" => Self::ReattachExecute,
            "ReleaseExecute" => Self::ReleaseExecute,
            "ReleaseSession" => Self::ReleaseSession,
            "FetchErrorDetails" => Self::FetchErrorDetails,
            _ => return None,
        })
    }
}

/// What happens to the driver.
#[derive(Debug)]
pub enum Input {
    Request {
        id: RequestId,
        method: Method,
        bytes: Vec<u8>,
    },
    /// The client does not want the answer any more.
    Cancel {
        id: RequestId,
    },
    ExecutorAdded {
        executor: ExecutorRef,
    },
    ExecutorLost {
        executor: ExecutorRef,
    },
    Executor {
        from: ExecutorRef,
        message: FromExecutor,
        blobs: Vec<Buffer>,
    },
    /// The time of [`Driver::wake_at`] has come.
    Wake,
    /// Records for a pushed source.
    Push {
        source: String,
        bytes: Vec<u8>,
    },
    PushEnd {
        source: String,
    },
    /// What a source's connection does.
    Connection {
        connection: ConnectionId,
        event: sources::Event,
    },
    /// A `foreachBatch` function has returned, for a batch of a run.
    ForeachBatchDone {
        run: String,
        batch_id: BatchId,
        error: Option<String>,
    },
    /// The answer to [`Output::Storage`].
    Storage {
        op: u64,
        answer: Answer,
    },
}

/// What the driver wants of its host.
#[derive(Debug)]
pub enum Output {
    Respond {
        id: RequestId,
        bytes: Vec<u8>,
    },
    End {
        id: RequestId,
    },
    Fail {
        id: RequestId,
        error: SparkError,
    },
    Send {
        to: ExecutorRef,
        message: ToExecutor,
        blobs: Vec<Buffer>,
    },
    /// Ask storage, in the order of these outputs, then say [`Input::Storage`].
    Storage {
        op: u64,
        request: Request,
    },
    ForeachBatch {
        sink: String,
        run: String,
        batch_id: BatchId,
        blocks: Vec<Buffer>,
    },
    Listener {
        kind: EventKind,
        json: String,
    },
    Console {
        text: String,
    },
    Credit {
        source: String,
        queued: usize,
        limit: usize,
        /// Pushes of the source that are durable; none where no checkpoint makes them so.
        durable: Option<i64>,
    },
    /// What a source asks of its connection; what follows is [`Input::Connection`].
    Connection {
        connection: ConnectionId,
        ask: sources::Ask,
    },
}
