//! Where a query's rows go.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;

use super::Running;
use super::start::Starting;
use crate::connect::driver::Driver;
use crate::connect::protocol::Output;
use crate::connect::session::MemoryTable;
use crate::connect::storage::Purpose;
use crate::error::{Exception, Result, SparkError};
use crate::plan::output_mode::OutputMode;
use crate::storage::Answer;
use crate::streaming::checkpoint::Location;
use crate::streaming::file_sink::{FileFormat, FileSink, Step};
use crate::streaming::query::Query;
use crate::values::zone::Zone;
use crate::values::{display, ipc};
use crate::{proto as sc, settings};

/// Lines of a file sink's log by batch.
pub(super) type SinkLog = BTreeMap<i64, Vec<serde_json::Value>>;

/// Where a query's rows go.
#[derive(Debug)]
pub(super) enum Sink {
    Memory {
        table: String,
    },
    Console {
        rows: usize,
        truncate: usize,
    },
    Noop,
    /// A function of the page, called with each batch.
    ForeachBatch {
        id: String,
    },
    Files(Box<FileSink>),
}

/// The folder that a file sink writes into: `start(path)`, or the option of that name.
pub(super) fn path_of<'a>(
    start: &'a sc::WriteStreamOperationStart,
    options: &'a BTreeMap<String, String>,
) -> Option<&'a str> {
    use sc::write_stream_operation_start::SinkDestination;
    match &start.sink_destination {
        Some(SinkDestination::Path(path)) if !path.is_empty() => Some(path),
        _ => options.get("path").map(String::as_str),
    }
}

/// The format of a file sink; none for another kind of sink.
pub(super) fn file_format(start: &sc::WriteStreamOperationStart) -> Option<FileFormat> {
    FileFormat::parse(&start.format.to_ascii_lowercase())
}

/// What a file sink needs: append mode, a folder, and a checkpoint (`DataSource.createSink`).
fn check_files(
    start: &sc::WriteStreamOperationStart,
    mode: OutputMode,
    options: &BTreeMap<String, String>,
    checkpoint: bool,
) -> Result<()> {
    let without_state = |error: SparkError| SparkError {
        sql_state: None,
        ..error
    };
    if mode != OutputMode::Append {
        let (word, name) = (format!("{mode:?}").to_lowercase(), start.format.to_ascii_lowercase());
        return Err(SparkError::analysis(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
            "42KDE",
            format!("Invalid streaming output mode: {word}. This output mode is not supported in Data Source {name}."),
        )
        .with("className", name)
        .with("outputMode", word));
    }
    if path_of(start, options).is_none() {
        return Err(without_state(SparkError::new(
            Exception::IllegalArgument,
            "_LEGACY_ERROR_TEMP_2051",
            "",
            "'path' is not specified",
        )));
    }
    if !checkpoint {
        return Err(without_state(SparkError::analysis(
            "_LEGACY_ERROR_TEMP_1298",
            "",
            "checkpointLocation must be specified either through option(\"checkpointLocation\", ...) or SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", ...).",
        )));
    }
    Ok(())
}

fn unknown(format: &str) -> SparkError {
    SparkError::analysis(
        "DATA_SOURCE_NOT_FOUND",
        "42K02",
        format!("Failed to find the data source: {format}. Rivulet's streaming sinks are json, csv, text, memory, console, noop, foreachBatch and foreach."),
    )
    .with("provider", format)
}

impl Driver {
    /// Refuses sinks that there are not, or not like this, before anything is started.
    pub(super) fn check_sink(
        &self,
        start: &sc::WriteStreamOperationStart,
        name: &Option<String>,
        mode: OutputMode,
        options: &BTreeMap<String, String>,
        checkpoint: bool,
    ) -> Result<()> {
        if start.foreach_batch.is_some() || start.foreach_writer.is_some() {
            return Err(SparkError::unsupported(
                "foreach and foreachBatch with a Python or JVM function: they need a worker of that language",
            ));
        }
        match start.format.to_ascii_lowercase().as_str() {
            "memory" if name.is_none() => Err(SparkError::analysis(
                "_LEGACY_ERROR_TEMP_2046",
                "",
                "queryName must be specified for memory sink",
            )),
            "memory" | "console" | "noop" => Ok(()),
            "json" | "csv" | "text" => check_files(start, mode, options, checkpoint),
            "rivulet.foreachbatch" if options.contains_key("sinkid") => Ok(()),
            "rivulet.foreachbatch" => Err(SparkError::invalid_plan("foreachBatch has no sinkId")),
            other => Err(unknown(other)),
        }
    }

    /// The memory sink cannot go on but in complete mode: its earlier rows are gone (`DataStreamWriter`). Whoever reads the
    /// tables of all runs together may say so with `spark.rivulet.memorySink.recover`.
    pub(super) fn check_recovery(
        &mut self,
        session: &str,
        start: &sc::WriteStreamOperationStart,
        mode: OutputMode,
        at: Option<&Location>,
        has_run: bool,
    ) -> Result<()> {
        let memory = start.format.eq_ignore_ascii_case("memory") && mode != OutputMode::Complete;
        let (true, true, Some(at)) = (memory, has_run, at) else {
            return Ok(());
        };
        if self.session(session).conf.flag(&settings::MEMORY_SINK_RECOVER) {
            return Ok(());
        }
        let path = at.offsets();
        let sentence =
            format!("This query does not support recovering from checkpoint location. Delete {path} to start over.");
        Err(SparkError {
            sql_state: None,
            ..SparkError::analysis("_LEGACY_ERROR_TEMP_1299", "", sentence).with("checkpointPath", path)
        })
    }

    pub(super) fn sink(&mut self, starting: &Starting, schema: &SchemaRef, log: SinkLog) -> Result<(Sink, String)> {
        let (start, options) = (&starting.command, &starting.options);
        if let (Some(format), Some(path)) = (file_format(start), path_of(start, options)) {
            let sink = FileSink::new(
                path,
                format,
                options.clone(),
                starting.analyzer.zone,
                schema.clone(),
                log,
            )?;
            return Ok((Sink::Files(Box::new(sink)), format!("FileSink[{path}]")));
        }
        let number = |key: &str, default: usize| options.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
        Ok(match start.format.to_ascii_lowercase().as_str() {
            "memory" => {
                let table = starting.name.clone().unwrap_or_default();
                self.session(&starting.session)
                    .tables
                    .insert(table.clone(), MemoryTable::new(schema.clone()));
                (Sink::Memory { table }, "MemorySink".into())
            }
            "console" => {
                let truncate = match options.get("truncate").map(String::as_str) {
                    Some("false") => 0,
                    Some(n) => n.parse().unwrap_or(20),
                    None => 20,
                };
                (
                    Sink::Console {
                        rows: number("numrows", 20),
                        truncate,
                    },
                    "org.apache.spark.sql.execution.streaming.ConsoleTable$".into(),
                )
            }
            "noop" => (
                Sink::Noop,
                "org.apache.spark.sql.execution.datasources.noop.NoopTable$".into(),
            ),
            "rivulet.foreachbatch" => {
                let id = options
                    .get("sinkid")
                    .cloned()
                    .ok_or_else(|| SparkError::invalid_plan("foreachBatch has no sinkId"))?;
                (Sink::ForeachBatch { id }, "ForeachBatchSink".into())
            }
            other => {
                return Err(unknown(other));
            }
        })
    }

    pub(super) fn deliver(&mut self, run: &str, batch_id: i64, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        let fresh = batch_id > running.delivered;
        running.delivered = running.delivered.max(batch_id);
        let complete = running.query.definition.mode == OutputMode::Complete;
        let result = match &running.sink {
            Sink::ForeachBatch { id } => {
                self.out.push(Output::ForeachBatch {
                    sink: id.clone(),
                    run: run.to_owned(),
                    batch_id,
                    blocks: with_schema(&running.query, blocks),
                });
                return;
            }
            Sink::Files(_) => return self.deliver_files(run, batch_id, &blocks, now_ms),
            _ if !fresh => Ok(()),
            Sink::Noop => Ok(()),
            Sink::Memory { table } => {
                let (session, table) = (running.session.clone(), table.clone());
                if let Some(table) = self.session(&session).tables.get_mut(&table) {
                    table.add(blocks, complete);
                }
                Ok(())
            }
            Sink::Console { rows, truncate } => {
                let schema = running.query.definition.graph.schema.clone();
                let zone = Zone::of_session(&running.query.definition.conf).unwrap_or(Zone::UTC);
                console(&schema, &blocks, batch_id, *rows, *truncate, zone)
                    .map(|text| self.out.push(Output::Console { text }))
            }
        };
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(run, actions, now_ms);
    }

    fn deliver_files(&mut self, run: &str, batch_id: i64, blocks: &[Buffer], now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        let Sink::Files(sink) = &mut running.sink else {
            return;
        };
        let step = sink.begin(&running.query.definition.id, batch_id, blocks, now_ms);
        self.take_step(run, step, now_ms);
    }

    /// A file of a sink is durable, or cannot be.
    pub(in crate::connect) fn sink_written(&mut self, run: &str, path: &str, answer: Answer, now_ms: i64) {
        let Some(Running {
            sink: Sink::Files(sink),
            ..
        }) = self.streams.queries.get_mut(run)
        else {
            return;
        };
        let step = answer.map(|_| sink.written(path)).map_err(SparkError::from);
        self.take_step(run, step, now_ms);
    }

    fn take_step(&mut self, run: &str, step: Result<Step>, now_ms: i64) {
        let result = match step {
            Ok(Step::Wait) => return,
            Ok(Step::Write(requests)) => {
                for request in requests {
                    let purpose = Purpose::Sink {
                        run: run.to_owned(),
                        path: request.path().to_owned(),
                    };
                    self.ask(request, purpose);
                }
                return;
            }
            Ok(Step::Done) => Ok(()),
            Err(error) => Err(error),
        };
        if let Some(running) = self.streams.queries.get_mut(run) {
            let actions = running.query.delivered(now_ms, result);
            self.act(run, actions, now_ms);
        }
    }

    /// The page's function has returned for a batch of a run; what comes late or twice changes nothing.
    pub(in crate::connect) fn foreach_batch_done(
        &mut self,
        run: &str,
        batch_id: i64,
        error: Option<String>,
        now_ms: i64,
    ) {
        let Some(running) = self.streams.queries.get_mut(run) else {
            return;
        };
        if !matches!(running.sink, Sink::ForeachBatch { .. }) || running.query.settling() != Some(batch_id) {
            return;
        }
        let result = match error {
            None => Ok(()),
            Some(text) => Err(SparkError::new(
                Exception::Runtime,
                "FOREACH_BATCH_USER_FUNCTION_ERROR",
                "39000",
                format!("An error occurred in the user provided function in foreach batch sink. Reason: {text}"),
            )),
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(run, actions, now_ms);
    }
}

/// The first block carries the schema even where there are no rows.
fn with_schema(query: &Query, blocks: Vec<Buffer>) -> Vec<Buffer> {
    if !blocks.is_empty() {
        return blocks;
    }
    ipc::write(&query.definition.graph.schema, &[])
        .map(|b| vec![Buffer::from(b)])
        .unwrap_or_default()
}

fn console(
    schema: &SchemaRef,
    blocks: &[Buffer],
    batch: i64,
    rows: usize,
    truncate: usize,
    zone: Zone,
) -> Result<String> {
    let nullable = Arc::new(arrow::datatypes::Schema::new(
        schema
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect::<Vec<_>>(),
    ));
    let batches: Vec<RecordBatch> = ipc::read_all(blocks, &nullable)?;
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let table = display::table(&names, &batches, rows, truncate, false, zone)?;
    let rule = "-".repeat(43);
    Ok(format!("{rule}\nBatch: {batch}\n{rule}\n{table}"))
}
