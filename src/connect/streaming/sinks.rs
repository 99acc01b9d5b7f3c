//! Where a query's rows go.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::connect::driver::{Driver, Output};
use crate::connect::proto as sc;
use crate::connect::session::MemoryTable;
use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::OutputMode;
use crate::exec::ipc;
use crate::plan::conf::Zone;
use crate::plan::display;
use crate::streaming::query::Query;

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
}

impl Driver {
    pub(super) fn sink(
        &mut self,
        session: &str,
        start: &sc::WriteStreamOperationStart,
        name: &Option<String>,
        mode: OutputMode,
        schema: &arrow::datatypes::SchemaRef,
        options: &BTreeMap<String, String>,
    ) -> Result<(Sink, String)> {
        if start.foreach_batch.is_some() || start.foreach_writer.is_some() {
            return Err(SparkError::unsupported(
                "foreach and foreachBatch with a Python or JVM function: they need a worker of that language",
            ));
        }
        let number = |key: &str, default: usize| options.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
        Ok(match start.format.to_ascii_lowercase().as_str() {
            "memory" => {
                let Some(table) = name.clone() else {
                    return Err(SparkError::analysis(
                        "_LEGACY_ERROR_TEMP_2046",
                        "",
                        "queryName must be specified for memory sink",
                    ));
                };
                self.session(session)
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
                let _ = mode;
                return Err(SparkError::analysis(
                    "DATA_SOURCE_NOT_FOUND",
                    "42K02",
                    format!("Failed to find the data source: {other}. Rivulet's streaming sinks are memory, console, noop, foreachBatch and foreach."),
                )
                .with("provider", other));
            }
        })
    }

    pub(super) fn deliver(&mut self, id: &str, batch_id: i64, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let fresh = batch_id > running.delivered;
        running.delivered = running.delivered.max(batch_id);
        let complete = running.query.definition.mode == OutputMode::Complete;
        let result = match &running.sink {
            Sink::ForeachBatch { id } => {
                self.out.push(Output::ForeachBatch {
                    sink: id.clone(),
                    batch_id,
                    blocks: with_schema(&running.query, blocks),
                });
                return;
            }
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
                let zone = running.query.definition.conf.time_zone().unwrap_or(Zone::UTC);
                console(&schema, &blocks, batch_id, *rows, *truncate, zone)
                    .map(|text| self.out.push(Output::Console { text }))
            }
        };
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(id, actions, now_ms);
    }

    pub(in crate::connect) fn foreach_batch_done(&mut self, sink: &str, error: Option<String>, now_ms: i64) {
        let found = self
            .streams
            .queries
            .iter()
            .find(|(_, r)| matches!(&r.sink, Sink::ForeachBatch { id } if id == sink))
            .map(|(id, _)| id.clone());
        let Some(id) = found else { return };
        let result = match error {
            None => Ok(()),
            Some(text) => Err(SparkError::new(
                Exception::Runtime,
                "FOREACH_BATCH_USER_FUNCTION_ERROR",
                "39000",
                format!("An error occurred in the user provided function in foreach batch sink. Reason: {text}"),
            )),
        };
        let Some(running) = self.streams.queries.get_mut(&id) else {
            return;
        };
        let actions = running.query.delivered(now_ms, result);
        self.act(&id, actions, now_ms);
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
    schema: &arrow::datatypes::SchemaRef,
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
