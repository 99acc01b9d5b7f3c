//! What the page and a worker say to each other, as typed values (`src/js/src/protocol.ts` is the page's half).
//!
//! A message is a JavaScript object with its kind under `t`. Plain values go through serde; ports, files and bytes stay
//! JavaScript's. Bytes that leave are arrays of their own and are transferred, never cloned.

use std::collections::BTreeMap;

use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use serde::ser::Error;
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessagePort};

use super::page_credentials::{CredentialsAnswer, CredentialsGone};
pub use super::page_members::{Cause, CauseKind, ChannelEnd, Down, Joining, Member, Peer};
use super::page_source::{Hold, SourceBlock, SourceEnd};
use super::port::moves;
use super::thrown;
use crate::error::SparkError;

/// What a worker becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Plans, schedules and holds sessions.
    Driver,
    /// Runs tasks.
    Executor,
}

/// The first message to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Init {
    /// What it becomes.
    pub role: Role,
    /// The executor's number, from 0.
    #[serde(default)]
    pub executor: u32,
    /// Which of the executor's lives this is, from 0.
    pub incarnation: u32,
    /// Settings of the session at its start.
    pub conf: BTreeMap<String, String>,
    /// Name of the Web Lock that the worker holds while it lives.
    pub lock: String,
}

/// From the page to the driver.
#[derive(Debug)]
pub enum ToDriver {
    /// A new executor and the driver's end of the channel to it.
    Executor(Joining),
    /// The page has ended an executor.
    ExecutorDown(Down),
    /// A call of Spark Connect's service.
    Request(Request),
    /// Nobody waits for a call any more.
    Cancel(Numbered),
    /// The page has read responses of a call.
    Taken(Taken),
    /// Rows for a pushed source.
    Push(Push),
    /// A few lines for a pushed source.
    PushLines(PushLines),
    /// Partitions of a large source of datasets.
    Hold(Hold),
    /// No more rows will come.
    PushEnd(Named),
    /// Nobody on the page has a pushed source any more.
    PushForget(Named),
    /// Items that the page has read for a source.
    SourceBlock(SourceBlock),
    /// The page waits for more items of a source.
    SourceCaughtUp(SourceEnd),
    /// The page has read a source to its end, or could not.
    SourceEnd(SourceEnd),
    /// A file that the page registers, or takes back.
    File(File),
    /// The page's function has taken a batch, or thrown.
    ForeachBatchDone(BatchDone),
    /// Whether the page wants to know the cluster's state.
    WatchStatus(Watch),
    /// Whether the page has listeners to the progress of queries.
    Listen(Watch),
    /// The page asks to be called.
    Alarm(Alarm),
    /// What a function of the page's has returned, or why it failed.
    Credentials(CredentialsAnswer),
    /// A function of the page's is gone.
    CredentialsGone(CredentialsGone),
    /// The page asks how large the heap is.
    Heap(Numbered),
}

impl ToDriver {
    /// Reads a message; `None` for kinds that are not the driver's.
    ///
    /// # Errors
    /// If the object lacks a property of its kind or has one of another type.
    pub fn read(message: JsValue) -> Result<Option<Self>, JsValue> {
        Ok(Some(match kind_of(&message).as_str() {
            "executor" => Self::Executor(read(message)?),
            "executorDown" => Self::ExecutorDown(read(message)?),
            "req" => Self::Request(read(message)?),
            "cancel" => Self::Cancel(read(message)?),
            "taken" => Self::Taken(read(message)?),
            "push" => Self::Push(read(message)?),
            "pushLines" => Self::PushLines(read(message)?),
            "hold" => Self::Hold(read(message)?),
            "pushEnd" => Self::PushEnd(read(message)?),
            "pushForget" => Self::PushForget(read(message)?),
            "sourceBlock" => Self::SourceBlock(read(message)?),
            "sourceCaughtUp" => Self::SourceCaughtUp(read(message)?),
            "sourceEnd" => Self::SourceEnd(read(message)?),
            "file" => Self::File(read(message)?),
            "foreachBatchDone" => Self::ForeachBatchDone(read(message)?),
            "watchStatus" => Self::WatchStatus(read(message)?),
            "listen" => Self::Listen(read(message)?),
            "alarm" => Self::Alarm(read(message)?),
            "credentials" => Self::Credentials(read(message)?),
            "credentialsGone" => Self::CredentialsGone(read(message)?),
            "heap" => Self::Heap(read(message)?),
            _ => return Ok(None),
        }))
    }
}

/// From the page to an executor. What user functions need (files, receivers) the script handles itself.
#[derive(Debug)]
pub enum ToExecutor {
    /// The executor's end of the channel to the driver.
    DriverPort(ChannelEnd),
    /// Its end of a channel to the page, for rows: what is posted there arrives even if the page ends the worker.
    PagePort(ChannelEnd),
    /// A channel to another executor.
    Peer(Peer),
    /// Another executor is gone.
    PeerLost(Member),
    /// What a function of the page's has returned, or why it failed.
    Credentials(CredentialsAnswer),
    /// A function of the page's is gone.
    CredentialsGone(CredentialsGone),
    /// The page asks how large the heap is.
    Heap(Numbered),
}

impl ToExecutor {
    /// Reads a message; `None` for kinds that are not the engine's.
    ///
    /// # Errors
    /// If the object lacks a property of its kind or has one of another type.
    pub fn read(message: JsValue) -> Result<Option<Self>, JsValue> {
        Ok(Some(match kind_of(&message).as_str() {
            "driverPort" => Self::DriverPort(read(message)?),
            "pagePort" => Self::PagePort(read(message)?),
            "peer" => Self::Peer(read(message)?),
            "peerLost" => Self::PeerLost(read(message)?),
            "credentials" => Self::Credentials(read(message)?),
            "credentialsGone" => Self::CredentialsGone(read(message)?),
            "heap" => Self::Heap(read(message)?),
            _ => return Ok(None),
        }))
    }
}

/// A call of Spark Connect's service.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The page's number for it.
    pub id: f64,
    /// Name of the method.
    pub method: String,
    /// The request as protobuf.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub bytes: Uint8Array,
}

/// Something by its number.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Numbered {
    /// The page's number for it.
    pub id: f64,
}

/// Responses that the page has read.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Taken {
    /// The call's number.
    pub id: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// A pushed source by its name.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// The source's id.
    pub source: String,
}

/// Rows for a pushed source.
#[derive(Debug, Deserialize)]
pub struct Push {
    /// The source's id.
    pub source: String,
    /// One Arrow IPC stream, or whole lines.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub bytes: Uint8Array,
}

/// A few lines for a pushed source: a string costs the page's and the driver's collectors less than a buffer does.
#[derive(Debug, Deserialize)]
pub struct PushLines {
    /// The source's id.
    pub source: String,
    /// Whole lines.
    pub lines: String,
}

/// A file of the page's.
#[derive(Debug, Deserialize)]
pub struct File {
    /// The path under which it is registered.
    pub path: String,
    /// The file; null takes it back.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub blob: JsValue,
    /// When it was last changed, ms since the epoch.
    pub modified: f64,
}

impl File {
    /// Returns the file, or `None` if it is taken back.
    pub fn blob(&self) -> Option<Blob> {
        self.blob.dyn_ref::<Blob>().cloned()
    }
}

/// Returns 1, for counts that are not given.
fn one() -> f64 {
    1.0
}

/// What the page's function did with a batch, or with lots of rows of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchDone {
    /// The run of the query.
    pub run: String,
    /// The batch.
    pub batch_id: i64,
    /// With how many lots of rows it is done.
    #[serde(default = "one")]
    pub lots: f64,
    /// The job whose executors handed them over, if the driver did not.
    #[serde(default)]
    pub job: Option<f64>,
    /// What it threw.
    #[serde(default)]
    pub error: Option<Thrown>,
}

/// An exception of the page's.
#[derive(Debug, Deserialize)]
pub struct Thrown {
    /// Its sentence.
    pub message: String,
    /// Where it came from, with the sentence; may be empty.
    pub stack: String,
}

/// Whether to report the cluster's state.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Watch {
    /// Whether the page watches.
    pub on: bool,
}

/// A call that the page asks for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// The page's number for it.
    pub id: f64,
    /// In how many ms.
    pub in_ms: f64,
}

/// From a worker to the page.
#[derive(Debug, Serialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToPage<'a> {
    /// A response of a call.
    Res {
        /// The call.
        id: f64,
        /// The response as protobuf.
        bytes: Bytes,
    },
    /// A call is over.
    End {
        /// The call.
        id: f64,
    },
    /// A call has failed.
    Err {
        /// The call.
        id: f64,
        /// Why.
        error: WireError<'a>,
    },
    /// How full a pushed source is.
    Credit {
        /// The source's id.
        source: &'a str,
        /// How many pushes have come, from its first.
        received: i64,
        /// Bytes of theirs that wait.
        queued_bytes: usize,
        /// Bytes from which on the page should wait.
        limit_bytes: usize,
        /// How many pushes are in its write-ahead log; null without one.
        durable: Option<i64>,
        /// Whether a query reads it.
        is_read: bool,
    },
    /// The page is to read a source.
    OpenSource {
        /// What the page says of it has this number.
        connection: u64,
        /// What to read, by the page's own name.
        source: &'a str,
        /// The offset to begin after; null for the beginning.
        #[serde(serialize_with = "parsed")]
        after: &'a serde_json::Value,
        /// Whether the page will hear what is durable.
        is_logged: bool,
    },
    /// What has become of the blocks that the page brought.
    SourceCredit {
        /// The source's connection.
        connection: u64,
        /// How many are taken.
        taken: i64,
        /// How many are durable; null without a checkpoint.
        durable: Option<i64>,
    },
    /// The page is to read a source no longer.
    CloseSource {
        /// The source's connection.
        connection: u64,
    },
    /// A batch for a function of the page.
    ForeachBatch {
        /// Which function.
        sink: &'a str,
        /// The run of the query; the answer repeats it.
        run: &'a str,
        /// The batch.
        batch_id: i64,
        /// The job of the task that hands it over; missing if the driver does. The answer repeats it.
        #[serde(skip_serializing_if = "Option::is_none")]
        job: Option<f64>,
        /// Arrow IPC streams.
        arrow: Vec<Bytes>,
    },
    /// An event of a query, for listeners.
    Listener {
        /// What happened.
        event_type: &'static str,
        /// The event as Spark's JSON has it.
        #[serde(serialize_with = "parsed")]
        event: &'a serde_json::Value,
    },
    /// The state of the cluster.
    Status {
        /// Executors, jobs and datasets.
        #[serde(serialize_with = "parsed")]
        status: serde_json::Value,
    },
    /// Output of the console sink.
    Console {
        /// The table as text.
        text: &'a str,
    },
    /// An executor is gone.
    ExecutorLost {
        /// Its number.
        executor: u32,
        /// Which of its lives.
        incarnation: u32,
        /// Whether it died of a task, which fails with it if it goes on so: no sign that executors cannot live here.
        excused: bool,
    },
    /// An executor is to be ended and replaced.
    ReplaceExecutor {
        /// Its number.
        executor: u32,
        /// Which of its lives.
        incarnation: u32,
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// The time of an alarm has come.
    Rang {
        /// The page's number for it.
        id: f64,
    },
    /// A function of the page's is to return credentials.
    CredentialsWanted {
        /// The number of the question.
        id: u64,
        /// The name of the function.
        name: &'a str,
        /// The format that needs them.
        system: &'static str,
        /// The option that names the function.
        option: &'static str,
        /// The server that they are for.
        url: &'a str,
        /// Why.
        reason: &'static str,
        /// The serial number of what a server has refused; 0 if nothing was.
        refused: u64,
    },
    /// How large the heap is.
    HeapBytes {
        /// The question.
        id: f64,
        /// Bytes.
        bytes: f64,
    },
}

/// Writes JSON as `JSON.parse` reads it: whole numbers beyond those that JavaScript tells apart are rounded, not refused.
fn parsed<S: serde::Serializer>(json: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(json).map_err(Error::custom)?;
    let value = JSON::parse(&text).map_err(|error| Error::custom(thrown(&error)))?;
    serde_wasm_bindgen::preserve::serialize(&value, serializer)
}

/// Bytes as the page gets them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "serde_wasm_bindgen::preserve")] pub Uint8Array);

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Uint8Array::from(bytes))
    }
}

/// An error as the page reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WireError<'a> {
    /// Name of the class that the client raises.
    exception: &'static str,
    condition: Option<&'a str>,
    sql_state: Option<&'a str>,
    /// The sentence with condition and SQLSTATE.
    message: String,
    parameters: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a SparkError> for WireError<'a> {
    fn from(error: &'a SparkError) -> Self {
        Self {
            exception: error.exception.name(),
            condition: error.condition.as_deref(),
            sql_state: error.sql_state.as_deref(),
            message: error.full_message(),
            parameters: &error.parameters,
        }
    }
}

/// Returns the kind of a message; empty if it has none.
pub fn kind_of(message: &JsValue) -> String {
    let kind = Reflect::get(message, &"t".into()).ok();
    kind.and_then(|t| t.as_string()).unwrap_or_default()
}

/// Reads a value of the page's.
///
/// # Errors
/// If it has another shape.
pub fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    Ok(serde_wasm_bindgen::from_value(value)?)
}

/// Makes a plain JavaScript value: maps are objects, what is missing is null, numbers are numbers.
///
/// # Errors
/// If a number is beyond those that JavaScript tells apart.
pub fn plain<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, JsValue> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}

/// Posts a message to the page; its bytes move.
///
/// # Errors
/// If the message cannot be made or posted.
pub fn tell(message: &ToPage<'_>) -> Result<(), JsValue> {
    let mut one = Letter::default();
    one.add(message)?;
    one.post()
}

/// Messages to the page that go together: waking the page costs more than a message.
#[derive(Debug, Default)]
pub struct Letter {
    /// The messages, in order.
    messages: Array,
    /// What moves with them.
    transfer: Array,
}

impl Letter {
    /// Adds a message; its bytes move when the letter is posted, but for a few, which are copied.
    ///
    /// # Errors
    /// If the message cannot be made.
    pub fn add(&mut self, message: &ToPage<'_>) -> Result<(), JsValue> {
        self.messages.push(&plain(message)?);
        let moved = |bytes: &Bytes| {
            if moves(&bytes.0) {
                self.transfer.push(&bytes.0.buffer());
            }
        };
        match message {
            ToPage::Res { bytes, .. } => moved(bytes),
            ToPage::ForeachBatch { arrow, .. } => arrow.iter().for_each(moved),
            _ => {}
        }
        Ok(())
    }

    /// Posts the messages: none, one as it is, or several as `{ t: 'many', messages }`.
    ///
    /// # Errors
    /// If they cannot be posted.
    pub fn post(self) -> Result<(), JsValue> {
        match self.message()? {
            Some(message) => scope().post_message_with_transfer(&message, &self.transfer),
            None => Ok(()),
        }
    }

    /// Posts the messages through a port, as [`post`](Self::post) does.
    ///
    /// # Errors
    /// If they cannot be posted.
    pub fn post_through(self, port: &MessagePort) -> Result<(), JsValue> {
        match self.message()? {
            Some(message) => port.post_message_with_transferable(&message, &self.transfer),
            None => Ok(()),
        }
    }

    /// Returns the messages as one.
    fn message(&self) -> Result<Option<JsValue>, JsValue> {
        Ok(Some(match self.messages.length() {
            0 => return Ok(None),
            1 => self.messages.get(0),
            _ => {
                let many = Object::new();
                Reflect::set(&many, &"t".into(), &"many".into())?;
                Reflect::set(&many, &"messages".into(), &self.messages)?;
                many.into()
            }
        }))
    }
}

/// Returns the worker's global object.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
