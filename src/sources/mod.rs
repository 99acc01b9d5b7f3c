//! Streaming sources: one file each, and the table that names them.
//!
//! A [`Source`] is a pure state machine. Asked in Spark's order, it says whether there is something new, where the next
//! batch ends ([`Source::plan`]), and which bytes lie between two offsets ([`Source::read`]); once a batch is committed
//! it may forget ([`Source::committed`]). Offsets are JSON values that the source alone understands; the query makes
//! them durable.
//!
//! ```text
//!  has_data? ──yes──▶ plan(start) ──▶ end, made durable ──▶ read(start, end) ──▶ … job … ──▶ committed(end)
//!                                    ▲                                                            │
//!     restart: restore(start), plan_again(end), by the checkpoint            next batch: start = end ◀┘
//! ```
//!
//! A source may need the world: [`Source::open`] and [`Source::heard`] return what to ask of the host (a WebSocket, an
//! HTTP response that streams, the page), and what the host answers comes back as [`Event`]s, later. Records that cannot be had
//! twice wait in a [`queue`], after a write-ahead log if the query has a checkpoint.
//!
//! A [`Definition`] declares what users meet: name, options with types and defaults, how bytes become rows, and what is
//! guaranteed over a restart. Adding a source is a file here and a line in [`SOURCES`]. Where a source says how, what another system
//! holds is a [`Table`] of jobs that end, too.

mod asking;
pub mod credentials;
pub mod files;
pub mod flume;
pub mod http;
pub mod kafka;
pub mod kinesis;
mod limits;
pub mod listing;
pub mod marked;
pub mod options;
pub mod page;
mod push;
pub mod queue;
mod rate;
pub mod retry;
mod sse;
pub mod systems;
mod websocket;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Fields};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::options::Opt;
use self::queue::Queue;
use crate::error::{Exception, Result, SparkError};
use crate::storage::facts::{Facts, Known};
use crate::storage::files::Files;
use crate::storage::{Request, corrupt, missing};

/// How the bytes of a block become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// One JSON object per line.
    Json,
    /// Comma-separated values, one record per line.
    Csv,
    /// One row per line, in a column `value`.
    Text,
    /// Arrow IPC streams, already in the scan's schema.
    Arrow,
}

impl Format {
    /// Returns the format of that name, in lower case; `None` for another name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "csv" => Self::Csv,
            "text" => Self::Text,
            "arrow" => Self::Arrow,
            _ => return None,
        })
    }
}

/// A streaming source as a plan names it; the driver opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSpec {
    /// Name of the source, in lower case.
    pub format: String,
    /// The path that the client named, if any.
    pub path: Option<String>,
    /// Options by name in lower case.
    pub options: BTreeMap<String, String>,
}

/// What a source asks of its host. Each source has one connection at most, so an ask does not name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Opens a WebSocket, in place of the connection before.
    WebSocket {
        /// `ws://…` or `wss://…`.
        url: String,
        /// Whether a message after the first is read only when it is asked for ([`Ask::More`]), so that the sender is held back; a
        /// host that cannot do that sends all.
        paced: bool,
        /// Bytes of a message at most: a longer one is [`Event::TooLarge`].
        max_bytes: usize,
    },
    /// Reads the next message of a paced WebSocket.
    More,
    /// Sends a GET request whose response is read as it comes, in place of the connection before.
    Http {
        /// `http://…` or `https://…`.
        url: String,
        /// Request headers: name, value.
        headers: Vec<(String, String)>,
    },
    /// Sends text over the open WebSocket.
    Send {
        /// What to send.
        text: String,
    },
    /// Asks what there is in another system; the answer is [`Event::Answered`].
    System(Box<systems::Question>),
    /// Asks the page; what it says is [`Event::Page`].
    Page(page::PageAsk),
    /// Ends the connection.
    Close,
}

/// What a connection does. After `Closed` it does nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The WebSocket is open, or the response's head has come, with its status.
    Open {
        /// HTTP status; 101 for a WebSocket.
        status: u16,
    },
    /// A text message.
    Text(String),
    /// A binary message, or a piece of a response's body.
    Binary(Vec<u8>),
    /// A message that is longer than was asked for; it is not kept.
    TooLarge,
    /// The answer to a question about another system.
    Answered(Box<systems::Answer>),
    /// What the page says of what it reads.
    Page(page::PageEvent),
    /// The connection has ended, whoever ended it.
    Closed,
}

/// What follows from an event: records for the source's queue, and what to ask of the host. An error ends the query.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Blocks of records, in the order in which they came.
    pub blocks: Vec<Buffer>,
    /// What to ask, in order.
    pub asks: Vec<Ask>,
}

/// What a source remembers over a restart: only the source that wrote it knows the type.
#[derive(Clone)]
pub struct Memory(Rc<dyn Any>);

impl Memory {
    /// Wraps what a source remembers.
    pub fn of<T: 'static>(memory: T) -> Self {
        Self(Rc::new(memory))
    }

    /// Returns the memory, if it is of that type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

/// Reads what a source remembers from its folder in a checkpoint: the next batch takes from `start`, and if it ran
/// before, up to `end`; both are null before the first batch.
pub type Recall = fn(facts: &Facts, folder: &str, start: &Value, end: &Value) -> Known<Memory>;

/// Reads what a source wrote before the first batch, in the file `0` of its folder, under a line that says its version; before that
/// batch the file may be torn, and is written again.
fn beginning<T>(facts: &Facts, folder: &str, end: &Value, what: &str, read: fn(&str) -> Option<T>) -> Known<Option<T>> {
    let path = format!("{folder}/0");
    let bytes = if end.is_null() {
        facts.read_if_whole(&path)?
    } else {
        Some(facts.read(&path)?.ok_or_else(|| missing(&path))?)
    };
    let Some(bytes) = bytes else { return Ok(None) };
    let text = std::str::from_utf8(bytes).ok().and_then(|t| t.strip_prefix("v1\n"));
    match text.and_then(|text| read(text.trim())) {
        Some(began) => Ok(Some(began)),
        None => Err(corrupt(&path, &format!("{path} does not hold {what}")).into()),
    }
}

/// A running source: the records of one stream of one query.
///
/// The calls that a query makes for a batch come in the order of the module's picture; those of a connection may come
/// at any time in between. None blocks and none looks at a clock: time is an argument.
pub trait Source: fmt::Debug {
    /// Describes the source in progress reports, such as `RateStreamV2[rowsPerSecond=1, …]`.
    fn description(&self) -> String;

    /// Continues at an offset with what [`Definition::recall`] found; `folder` is the source's in the checkpoint.
    /// Returns what must be written before the first batch.
    fn restore(&mut self, folder: String, start: &Value, memory: &Memory) -> Option<Request>;

    /// Looks for what the host has, if the source must look (files).
    ///
    /// # Errors
    /// The host's, if it cannot list.
    fn discover(&mut self, _: &dyn Files) -> Result<()> {
        Ok(())
    }

    /// Asks what there is, before a trigger; what comes back is heard.
    fn look(&mut self) -> Vec<Ask> {
        vec![]
    }

    /// Returns whether a trigger must wait for what was asked.
    fn is_looking(&self) -> bool {
        false
    }

    /// Returns whether a query that ends by itself must look again, since what was there when it began may not all be known yet.
    fn looks_again(&self) -> bool {
        false
    }

    /// Returns whether a batch from this offset would get anything now.
    fn has_data(&self, start: &Value, now_ms: i64) -> bool;

    /// Returns where a batch from `start` ends: within the limits, or, if `all` is set, with everything that has come;
    /// and what must be durable before the offsets are. Asked only if there is data.
    fn plan(&mut self, start: &Value, now_ms: i64, all: bool) -> (Value, Option<Request>);

    /// Takes note that a batch runs again up to this offset.
    fn plan_again(&mut self, _end: &Value) {}

    /// Returns the bytes between two different offsets that were planned. A source may be asked for the same share once
    /// per run.
    ///
    /// # Errors
    /// If a file cannot be read, or records are gone.
    fn read(&mut self, start: &Value, end: &Value, files: &dyn Files) -> Result<Vec<Buffer>>;

    /// Notes that a batch that ends here is committed, and returns deletions of what only it needed.
    fn committed(&mut self, _end: &Value) -> Vec<Request> {
        vec![]
    }

    /// Caps later batches at about `limit` rows, estimated from a batch that had `rows` between these offsets. At least
    /// one block is always taken. A source with limits of its own does nothing.
    fn pace(&mut self, _start: &Value, _end: &Value, _rows: u64, _limit: f64) {}

    /// Returns the queue of a source that is filled from outside.
    fn queue(&mut self) -> Option<&mut Queue> {
        None
    }

    /// Returns the queue of a source that is filled from outside, to look only.
    fn queued(&self) -> Option<&Queue> {
        None
    }

    /// Begins to listen; the query runs from now on. Returns what to ask of the host first.
    fn open(&mut self, _now_ms: i64) -> Vec<Ask> {
        vec![]
    }

    /// Takes in what the connection does.
    ///
    /// # Errors
    /// If it is useless to listen any longer, such as after HTTP status 404; the query ends.
    fn heard(&mut self, _event: Event, _now_ms: i64) -> Result<Heard> {
        Ok(Heard::default())
    }

    /// Notes that `count` blocks are durable, since the checkpoint began; returns acknowledgements.
    fn received(&mut self, _count: i64) -> Vec<Ask> {
        vec![]
    }

    /// Ends listening, since the query is over; returns what to ask of the host last. Nothing is heard any more.
    fn leave(&mut self) -> Vec<Ask> {
        vec![]
    }

    /// Returns when to call [`Source::wake`], ms since the epoch.
    fn wake_at(&self) -> Option<i64> {
        None
    }

    /// Does what is due, such as opening a lost connection again.
    fn wake(&mut self, _now_ms: i64) -> Vec<Ask> {
        vec![]
    }
}

/// What a table wants next.
#[derive(Debug, PartialEq)]
pub enum TableStep {
    /// Waits for an answer, or for its time.
    Wait,
    /// Asks the host; what comes back is heard.
    Ask(Ask),
    /// Has found out what there is: orders for all of its rows, one for each task.
    Orders(Vec<Buffer>),
}

/// What another system holds when a job begins, as the rows of that job.
///
/// A table is as pure as a source: it asks, hears, and in the end says which orders bring its rows. Each question has an answer of
/// its own: one that comes late or twice is not heard.
pub trait Table: fmt::Debug {
    /// Asks what there is.
    fn look(&mut self, now_ms: i64) -> Ask;

    /// Takes in the answer to the last question.
    ///
    /// # Errors
    /// If the table cannot be read; its job fails.
    fn heard(&mut self, event: Event, now_ms: i64) -> Result<TableStep>;

    /// Returns when to call [`Table::wake`], ms since the epoch.
    fn wake_at(&self) -> i64;

    /// Does what is due: asks again, or gives up.
    ///
    /// # Errors
    /// If nobody has answered for too long; the job fails.
    fn wake(&mut self, now_ms: i64) -> Result<TableStep>;
}

/// Makes a table of options whose types were checked, or says what is wrong with them.
pub type OpenTable = fn(spec: &StreamSpec) -> Result<Box<dyn Table>>;

/// How a source's bytes become rows.
#[derive(Debug, Clone, Copy)]
pub enum Records {
    /// Arrow, with these columns whatever the user declares; options may add some.
    Columns(fn(&BTreeMap<String, String>) -> Vec<Field>),
    /// Arrow, with the columns that the user declares.
    Arrow,
    /// Files in the format of the source's own name.
    Own(Format),
    /// As the option `recordFormat` says; JSON without it.
    Chosen,
}

/// What is true of a source's records over a restart from a checkpoint. Without one, both kinds are delivered at most
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// They can be read again from any offset: exactly once.
    Replayable,
    /// They are written down as they come: exactly once, from the moment in which they are durable.
    Logged,
}

/// A source as users meet it.
#[derive(Debug)]
pub struct Definition {
    /// The name for `format(…)`, in lower case.
    pub name: &'static str,
    /// Says in one sentence what rows it has.
    pub about: &'static str,
    /// All options, other than those of the record format.
    pub options: &'static [Opt],
    /// How bytes become rows.
    pub records: Records,
    /// What an offset is.
    pub offset: &'static str,
    /// What holds over a restart.
    pub guarantee: Guarantee,
    /// Whether [`Source::read`] returns orders for records in place of records: executors carry them out.
    pub orders: bool,
    /// How options begin that are another system's, and taken as they are; `None` if there are none.
    pub passes: Option<&'static str>,
    /// Checks what the types of options do not say.
    pub check: fn(spec: &StreamSpec) -> Result<()>,
    /// Makes a source of checked options. `now_ms` is when.
    pub open: fn(spec: &StreamSpec, now_ms: i64) -> Result<Box<dyn Source>>,
    /// Reads what it remembers.
    pub recall: Recall,
    /// Makes a table of what a job finds there; `None` if there are streams only.
    pub table: Option<OpenTable>,
}

/// All streaming sources, in the order in which errors list them.
pub static SOURCES: &[Definition] = &[
    files::JSON,
    files::CSV,
    files::TEXT,
    rate::RATE,
    push::PUSH,
    push::MEMORY,
    page::PAGE,
    websocket::WEBSOCKET,
    sse::SSE,
    kafka::KAFKA,
    kinesis::KINESIS,
    flume::FLUME,
];

/// Returns the source of that name, in lower case.
///
/// ```
/// use rivulet::sources::{self, Guarantee};
///
/// let rate = sources::find("rate")?;
/// assert_eq!(rate.guarantee, Guarantee::Replayable);
/// assert!(sources::find("socket").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// `DATA_SOURCE_NOT_FOUND`, which lists the sources that exist.
pub fn find(name: &str) -> Result<&'static Definition> {
    let found = SOURCES.iter().find(|d| d.name == name);
    found.ok_or_else(|| unknown(name))
}

/// Makes the error for a format that neither is read nor streams.
pub fn unknown(name: &str) -> SparkError {
    let streams: Vec<&str> = SOURCES.iter().map(|d| d.name).collect();
    let tables = SOURCES.iter().filter(|d| d.table.is_some()).map(|d| d.name);
    let reads: Vec<&str> = ["json", "csv", "text", "arrow"].into_iter().chain(tables).collect();
    SparkError::analysis(
        "DATA_SOURCE_NOT_FOUND",
        "42K02",
        format!(
            "Failed to find the data source: {name}. Rivulet reads {}, and streams from {}.",
            reads.join(", "),
            streams.join(", ")
        ),
    )
    .with("provider", name)
}

impl Definition {
    /// Returns how the bytes of a stream become rows.
    ///
    /// # Errors
    /// `DATA_SOURCE_NOT_FOUND` if `recordFormat` is unknown.
    pub fn format(&self, options: &BTreeMap<String, String>) -> Result<Format> {
        match self.records {
            Records::Columns(_) | Records::Arrow => Ok(Format::Arrow),
            Records::Own(format) => Ok(format),
            Records::Chosen => match options.get("recordformat").map(|f| f.to_ascii_lowercase()) {
                Some(name) => Format::parse(&name).ok_or_else(|| unknown(&name)),
                None => Ok(Format::Json),
            },
        }
    }

    /// Returns the columns of a stream, of which the user may have declared some.
    ///
    /// # Errors
    /// `STREAMING_SOURCE_SCHEMA_REQUIRED` if the source cannot know them.
    pub fn fields(
        &self,
        format: Format,
        options: &BTreeMap<String, String>,
        declared: Option<Fields>,
    ) -> Result<Fields> {
        match (self.records, declared) {
            (Records::Columns(columns), _) => Ok(columns(options).into()),
            (_, Some(fields)) => Ok(fields),
            (_, None) if format == Format::Text => Ok(vec![Field::new("value", DataType::Utf8, true)].into()),
            (Records::Own(_), None) => Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_SOURCE_SCHEMA_REQUIRED",
                "42KDE",
                "Schema must be specified when creating a streaming source DataFrame. If some files already exist in the directory, \
                 then depending on the file format you may be able to create a static DataFrame on that directory with \
                 'spark.read.load(directory)' and infer schema from it.",
            )),
            (_, None) => Err(SparkError::analysis(
                "STREAMING_SOURCE_SCHEMA_REQUIRED",
                "42KDE",
                format!("The streaming source {} needs a schema.", self.name),
            )),
        }
    }

    /// Checks what can be checked before anything starts: the path, and every option by its type.
    ///
    /// # Errors
    /// `STREAMING_SOURCE_PATH_REQUIRED`, `STREAMING_SOURCE_OPTION_REQUIRED`, `STREAMING_SOURCE_UNKNOWN_OPTION`,
    /// `INVALID_OPTION_VALUE`.
    pub fn check(&self, spec: &StreamSpec) -> Result<()> {
        if matches!(self.records, Records::Own(_)) && spec.path.is_none() {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_SOURCE_PATH_REQUIRED",
                "42KDE",
                "'path' is not specified.",
            ));
        }
        options::check(self, &self.format(&spec.options)?, spec)?;
        (self.check)(spec)
    }

    /// Makes a table, after its options were checked.
    ///
    /// # Errors
    /// `DATA_SOURCE_NOT_FOUND` if there are streams only, `INVALID_OPTION_VALUE` and `STREAMING_SOURCE_UNKNOWN_OPTION` for options, and
    /// what the table refuses.
    pub fn open_table(&self, spec: &StreamSpec) -> Result<Box<dyn Table>> {
        let open = self.table.ok_or_else(|| unknown(self.name))?;
        options::check(self, &self.format(&spec.options)?, spec)?;
        open(spec)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_stands_twice_and_every_option_is_named_in_lower_case_once() {
        let names: BTreeSet<&str> = SOURCES.iter().map(|d| d.name).collect();
        assert_eq!(names.len(), SOURCES.len());
        for definition in SOURCES {
            let mut keys = BTreeSet::new();
            for option in definition.options {
                assert!(keys.insert(option.key()), "{}: {} twice", definition.name, option.name);
            }
        }
    }
}
