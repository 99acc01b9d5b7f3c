//! What the driver takes in and what it wants of its host: the whole of its contract.
//!
//! Every request is answered by any number of [`Output::Respond`], then one [`Output::End`] or [`Output::Fail`]. Every
//! other output that asks for something is answered by the input that its description names, in any order among each
//! other but for storage, which answers in order. A host that cannot do something answers with an error, so that nobody
//! waits for ever.

use arrow::buffer::Buffer;

use crate::cluster::message::{FromExecutor, ToExecutor};
use crate::error::SparkError;
use crate::ids::{BatchId, ConnectionId, DatasetId, ExecutorRef, JobId};
use crate::sources;
use crate::sources::systems::{Refused, Writing};
use crate::storage::{Answer, Request};
use crate::streaming::query::{EventKind, Told};

/// A request's number, given by the host; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A Spark Connect call.
///
/// ```
/// use rivulet::connect::protocol::Method;
///
/// assert_eq!(Method::parse("AnalyzePlan"), Some(Method::AnalyzePlan));
/// assert_eq!(Method::parse("AddArtifacts"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Runs a plan or a command; any number of responses.
    ExecutePlan,
    /// Answers a question about a plan.
    AnalyzePlan,
    /// Reads or sets settings.
    Config,
    /// Cancels operations.
    Interrupt,
    /// Continues an operation's responses.
    ReattachExecute,
    /// Drops responses or an operation.
    ReleaseExecute,
    /// Ends a session.
    ReleaseSession,
    /// Says more about an error.
    FetchErrorDetails,
}

impl Method {
    /// Returns the method of the service's name; `None` for those that Rivulet lacks.
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

/// Who has records written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A streaming query.
    Batch {
        /// The run of the query.
        run: String,
        /// The batch.
        batch_id: BatchId,
    },
    /// An operation, by its id.
    Operation(String),
}

/// What happens to the driver. Order matters within one sender only.
#[derive(Debug)]
pub enum Input {
    /// A client calls.
    Request {
        /// The request.
        id: RequestId,
        /// The method.
        method: Method,
        /// Its Protobuf message.
        bytes: Vec<u8>,
    },
    /// The client does not want the answer any more.
    Cancel {
        /// The request.
        id: RequestId,
    },
    /// The client has read responses of a call, so more may be sent. Without this input only a window of them is sent.
    Taken {
        /// The request.
        id: RequestId,
        /// How many bytes they had.
        bytes: usize,
    },
    /// A worker can run tasks.
    ExecutorAdded {
        /// Which, and in which of its lives.
        executor: ExecutorRef,
    },
    /// A worker has ended.
    ExecutorLost {
        /// Which, and in which of its lives.
        executor: ExecutorRef,
        /// What it died of, as far as its host knows: a panic, or a lack of memory.
        cause: Option<SparkError>,
    },
    /// A message of an executor.
    Executor {
        /// Which.
        from: ExecutorRef,
        /// The message.
        message: FromExecutor,
        /// Its blobs.
        blobs: Vec<Buffer>,
    },
    /// The time of [`Driver::wake_at`](super::driver::Driver::wake_at) has come.
    Wake,
    /// Records for a pushed source.
    Push {
        /// The producer's name.
        source: String,
        /// The records.
        block: Buffer,
    },
    /// Partitions of a large source that plans to come name.
    Hold {
        /// Whose.
        session: String,
        /// Their dataset.
        dataset: DatasetId,
        /// The partitions, in order.
        blocks: Vec<Buffer>,
    },
    /// A producer pushes no more.
    PushEnd {
        /// The producer's name.
        source: String,
    },
    /// Nobody can push to a source any more, nor start a query over it.
    PushForget {
        /// The producer's name.
        source: String,
    },
    /// What a source's connection does.
    Connection {
        /// Which.
        connection: ConnectionId,
        /// What it does.
        event: sources::Event,
    },
    /// A `foreachBatch` function has returned, for a batch of a run.
    ForeachBatchDone {
        /// The run of the query.
        run: String,
        /// The batch.
        batch_id: BatchId,
        /// With how many lots of rows it is done; 1 for a whole batch.
        lots: u32,
        /// The job whose tasks handed them to the page; `None` if the driver did.
        job: Option<JobId>,
        /// What the function threw; `None` if it returned.
        error: Option<String>,
    },
    /// The answer to [`Output::Write`].
    Written {
        /// Whose records they are.
        writer: Writer,
        /// Why records are not written, if they are not.
        answer: Result<(), Refused>,
    },
    /// The answer to [`Output::Storage`].
    Storage {
        /// Which output it answers.
        op: u64,
        /// The answer.
        answer: Answer,
    },
}

/// What the driver wants of its host, in the order in which it is to be done.
#[derive(Debug)]
pub enum Output {
    /// A response goes to a client.
    Respond {
        /// The request.
        id: RequestId,
        /// Its Protobuf message.
        bytes: Vec<u8>,
    },
    /// A request has all its responses.
    End {
        /// The request.
        id: RequestId,
    },
    /// A request fails.
    Fail {
        /// The request.
        id: RequestId,
        /// Why.
        error: SparkError,
    },
    /// A message goes to an executor.
    Send {
        /// Which.
        to: ExecutorRef,
        /// The message.
        message: ToExecutor,
        /// Its blobs.
        blobs: Vec<Buffer>,
    },
    /// An executor is to be ended, whatever it does, and a new one started in its place: [`Input::ExecutorLost`] and
    /// [`Input::ExecutorAdded`] follow.
    ReplaceExecutor {
        /// Which.
        executor: ExecutorRef,
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// Ask storage, in the order of these outputs, then say [`Input::Storage`].
    Storage {
        /// Its number.
        op: u64,
        /// What to do.
        request: Request,
    },
    /// The page's function is called with a batch; [`Input::ForeachBatchDone`] follows.
    ForeachBatch {
        /// The function's name.
        sink: String,
        /// The run of the query.
        run: String,
        /// The batch.
        batch_id: BatchId,
        /// Its rows, as Arrow IPC streams; at least one, so that the columns are known.
        blocks: Vec<Buffer>,
    },
    /// Records are written to another system; [`Input::Written`] follows.
    Write {
        /// Whose they are.
        writer: Writer,
        /// What is written.
        writing: Writing,
    },
    /// Listeners of queries hear of an event.
    Listener {
        /// What happened.
        kind: EventKind,
        /// The event.
        event: Told,
    },
    /// The console sink shows text.
    Console {
        /// The text.
        text: String,
    },
    /// A producer hears how full its source is.
    Credit {
        /// The producer's name.
        source: String,
        /// Pushes of the source that have come, from its first.
        received: i64,
        /// Bytes of theirs that wait for batches.
        queued: usize,
        /// Bytes from which on the producer shall wait.
        limit: usize,
        /// Pushes of the source that are durable; `None` if no checkpoint makes them so.
        durable: Option<i64>,
        /// Whether a query reads the source.
        is_read: bool,
    },
    /// What a source asks of its connection; what follows is [`Input::Connection`].
    Connection {
        /// Which.
        connection: ConnectionId,
        /// What to do.
        ask: sources::Ask,
    },
}
