//! Streaming sinks: one file each, and the table that names them.
//!
//! A [`Sink`] takes each batch's rows once it is run, and answers with a [`Step`]: that it has them, or what must
//! happen first. A batch comes again under the same number if it was run and not committed; a sink that keeps no count
//! shows it twice, so the query does not offer what a sink has taken in this run, unless the sink [asks for
//! repeats](Sink::takes_repeats).
//!
//! Adding a sink is a file here and a line in [`SINKS`].

mod console;
pub mod files;
pub mod foreach_batch;
mod kafka;
mod kinesis;
mod memory;
mod noop;

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use serde_json::Value;

use crate::error::{Result, SparkError};
use crate::exec::encode::FileFormat;
use crate::ids::BatchId;
use crate::plan::output_mode::OutputMode;
use crate::proto::write_operation::SaveMode;
use crate::sources::options::{Opt, Side, check_types, refuse_unknown};
use crate::sources::systems::{Refused, Writing};
use crate::storage::Request;
use crate::values::zone::Zone;
use crate::values::{ipc, raw};

/// Lines of a file sink's log, by batch.
pub type SinkLog = BTreeMap<i64, Vec<Value>>;

/// What a client wants of a sink.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Name of the sink, in lower case.
    pub format: String,
    /// Where to write: `start(path)`, or the option of that name.
    pub path: Option<String>,
    /// Options by name in lower case.
    pub options: BTreeMap<String, String>,
    /// The query's name.
    pub name: Option<String>,
    /// The query's output mode.
    pub mode: OutputMode,
    /// Whether the query has a checkpoint.
    pub checkpoint: bool,
}

/// What a sink is made for.
#[derive(Debug)]
pub struct Opening {
    /// The rows' columns.
    pub schema: SchemaRef,
    /// The session's zone.
    pub zone: Zone,
    /// What the sink's log holds, if it has one.
    pub log: SinkLog,
}

/// A batch for a sink.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The query's id, the same over restarts.
    pub query: &'a str,
    /// The batch's number.
    pub batch: BatchId,
    /// Arrow IPC streams, in the order of the result's partitions; empty for a batch without rows.
    pub blocks: Vec<Buffer>,
    /// The time, ms since the epoch.
    pub now_ms: i64,
}

/// What a sink wants after it was given a batch, or after something that it asked for is done.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// The sink has the batch.
    Done,
    /// The sink waits for what it asked for.
    Wait,
    /// These must be durable: [`Sink::written`] follows for each.
    Write(Vec<Request>),
    /// The text is to be shown; then the sink has the batch.
    Show(String),
    /// The rows go into a table of the session, in place of those there if `replace`; then the sink has the batch.
    Keep {
        /// The table's name.
        table: String,
        /// The rows.
        blocks: Vec<Buffer>,
        /// Whether earlier rows go.
        replace: bool,
    },
    /// Records are to be written to another system: [`Sink::sent`] follows.
    Send(Writing),
    /// A function of the page is to be called with the rows: [`Sink::called`] follows.
    Call {
        /// Which function.
        function: String,
        /// The rows.
        blocks: Vec<Buffer>,
    },
}

/// A running sink: the batches of one query, one after the other.
///
/// A sink is as pure as the query: it returns what must happen and hears of it later. `deliver` is not called again
/// before the last batch is done.
pub trait Sink: fmt::Debug {
    /// Describes the sink in progress reports.
    fn description(&self) -> String;

    /// Returns how many lots of rows the sink may work on at once that come of an epoch in progress; `None` if it takes whole
    /// batches only.
    fn emits(&self) -> Option<u64> {
        None
    }

    /// Returns the page's function that can take rows from the executors, without the driver; `None` if there is none.
    fn page_function(&self) -> Option<&str> {
        None
    }

    /// Returns whether a batch that this run has delivered before is to be delivered again.
    fn takes_repeats(&self) -> bool {
        false
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// If the sink cannot take the rows; the query ends with it.
    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step>;

    /// Is offered the rows of the batch after the one that it has, to prepare them; `deliver` follows when that one is done,
    /// or nothing if the query ends with it. A sink that has no use for them waits.
    ///
    /// # Errors
    /// If the sink cannot take the rows; it is asked again in the batch's turn.
    fn offer(&mut self, _delivery: Delivery<'_>) -> Result<Step> {
        Ok(Step::Wait)
    }

    /// Hears that a file that the sink asked for is durable.
    fn written(&mut self, _path: &str) -> Step {
        Step::Wait
    }

    /// Hears that records are written, or why they are not.
    ///
    /// # Errors
    /// That they are not; the query ends with it.
    fn sent(&mut self, _answer: std::result::Result<(), Refused>) -> Result<Step> {
        Ok(Step::Wait)
    }

    /// Hears that the page's function has returned, or has thrown `error`.
    ///
    /// # Errors
    /// The function's; the query ends with it.
    fn called(&mut self, _error: Option<String>) -> Result<Step> {
        Ok(Step::Wait)
    }
}

/// A sink as users meet it.
#[derive(Debug)]
pub struct Definition {
    /// The name for `format(…)`, in lower case.
    pub name: &'static str,
    /// Says in one sentence where rows go.
    pub about: &'static str,
    /// Its own options.
    pub options: &'static [Opt],
    /// How options begin that are another system's, and taken as they are; `None` if there are none.
    pub passes: Option<&'static str>,
    /// The form of the files that it writes, whose options it takes, too.
    pub files: Option<FileFormat>,
    /// Refuses a query that the sink cannot serve.
    pub check: fn(&Wish) -> Result<()>,
    /// Makes the sink.
    pub open: fn(&Wish, Opening) -> Result<Box<dyn Sink>>,
    /// Returns the folder of the log that the sink keeps beside its rows, if it keeps one.
    pub log: fn(&Wish) -> Option<String>,
    /// Returns the table of the session that has its rows: it is there, empty, before the first batch is.
    pub table: fn(&Wish) -> Option<String>,
    /// Whether it can continue from a checkpoint in every mode; else in complete mode only, since its earlier rows are
    /// gone.
    pub recovers: bool,
    /// Refuses modes in which a DataFrame that ends cannot be written; `None` if only streams can be.
    pub save: Option<fn(SaveMode) -> Result<()>>,
}

/// Options that every sink takes.
const ANY: &[&str] = &["path", "checkpointLocation"];

impl Definition {
    /// Checks what a client wants of the sink.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE` for a value of the wrong type, `STREAMING_SINK_UNKNOWN_OPTION` for a name that the sink
    /// does not know, and what the sink itself refuses.
    pub fn refuse(&self, wish: &Wish) -> Result<()> {
        check_types(self.options, &wish.options)?;
        let own = self.options.iter().map(|o| o.name).chain(ANY.iter().copied());
        let known: Vec<&str> = own
            .chain(self.files.into_iter().flat_map(|f| f.options()).copied())
            .collect();
        let passed = |key: &&String| self.passes.is_some_and(|start| key.starts_with(start));
        let known: Vec<&str> = wish
            .options
            .keys()
            .filter(passed)
            .map(String::as_str)
            .chain(known)
            .collect();
        refuse_unknown(Side::Sink, self.name, &known, &wish.options)?;
        (self.check)(wish)
    }
}

/// All sinks, in the order in which errors list them.
pub static SINKS: &[Definition] = &[
    memory::MEMORY,
    console::CONSOLE,
    noop::NOOP,
    foreach_batch::FOREACH_BATCH,
    foreach_batch::FOREACH,
    files::JSON,
    files::CSV,
    files::TEXT,
    kafka::KAFKA,
    kinesis::KINESIS,
];

/// Returns the sink of that name, in lower case.
///
/// ```
/// use rivulet::streaming::sinks;
///
/// assert_eq!(sinks::find("console")?.name, "console");
/// assert!(sinks::find("socket").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// `DATA_SOURCE_NOT_FOUND`, which lists the sinks that exist.
pub fn find(name: &str) -> Result<&'static Definition> {
    SINKS.iter().find(|d| d.name == name).ok_or_else(|| {
        let names: Vec<&str> = SINKS.iter().map(|d| d.name).collect();
        SparkError::analysis(
            "DATA_SOURCE_NOT_FOUND",
            "42K02",
            format!(
                "Failed to find the data source: {name}. Rivulet's streaming sinks are {}.",
                names.join(", ")
            ),
        )
        .with("provider", name)
    })
}

/// Bytes of a piece of rows that another system is sent at once, about.
const PIECE_BYTES: usize = 4 << 20;

/// Returns a batch's rows as another system is sent them: Arrow streams of the records that `records` makes of rows.
///
/// # Errors
/// Those of `records`; Arrow's.
fn outgoing(blocks: Vec<Buffer>, records: impl Fn(&RecordBatch) -> Result<RecordBatch>) -> Result<Vec<Buffer>> {
    let mut sent = Vec::new();
    for block in raw::shown_blocks(blocks)? {
        for batch in ipc::read(&block)?.iter().filter(|batch| batch.num_rows() > 0) {
            let made = records(batch)?;
            for piece in pieces(&made) {
                sent.push(ipc::write(&made.schema(), [piece])?.into());
            }
        }
    }
    Ok(sent)
}

/// Cuts rows into pieces of about [`PIECE_BYTES`] bytes, each of one row at least.
fn pieces(batch: &RecordBatch) -> Vec<RecordBatch> {
    let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
    let each = (rows * PIECE_BYTES / bytes.max(1)).clamp(1, rows.max(1));
    let starts = (0..rows).step_by(each);
    starts.map(|from| batch.slice(from, each.min(rows - from))).collect()
}

/// Serves every query.
fn any(_: &Wish) -> Result<()> {
    Ok(())
}

/// Has neither a log nor a table.
fn none(_: &Wish) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(format: &str, options: &[(&str, &str)]) -> Option<String> {
        let wish = Wish {
            format: format.into(),
            path: Some("/out".into()),
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            name: Some("q".into()),
            mode: OutputMode::Append,
            checkpoint: true,
        };
        find(format).and_then(|d| d.refuse(&wish)).err().map(|e| e.message)
    }

    #[test]
    fn options_are_refused_by_name_and_by_type_before_anything_starts() {
        assert_eq!(told("console", &[("numrows", "5"), ("checkpointlocation", "/c")]), None);
        assert_eq!(
            told("console", &[("numrow", "5")]).as_deref(),
            Some("The console sink has no option 'numrow'. Did you mean 'numRows'?")
        );
        assert_eq!(
            told("console", &[("numrows", "few")]).as_deref(),
            Some("Invalid value 'few' for option 'numRows', must be a positive integer.")
        );
        assert_eq!(told("csv", &[("header", "true")]), None);
        assert_eq!(
            told("json", &[("header", "true")]).as_deref(),
            Some("The json sink has no option 'header'.")
        );
    }
}
