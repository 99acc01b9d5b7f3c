//! `DataFrameWriter`: the rows of a batch job as a directory of part files, or in another system.
//!
//! Rows go through the driver: the job's result is encoded here, then storage writes the directory (`saved`); or it is one batch for
//! the sink of streams, whose host writes it.

use std::sync::Arc;

use super::driver::Driver;
use super::jobs::Owner;
use super::protocol::{Output, Writer};
use crate::cluster::runner::{JobRequest, Limits, Outcome};
use crate::compile::job;
use crate::error::{Result, SparkError};
use crate::exec::encode::{Encoder, FileFormat};
use crate::ids::BatchId;
use crate::ml::persistence::File;
use crate::plan::output_mode::OutputMode;
use crate::plan::relation::options_of;
use crate::proto as sc;
use crate::proto::write_operation::SaveMode;
use crate::sources::options::{Side, refuse_unknown};
use crate::sources::systems::Refused;
use crate::streaming::sinks::{self, Definition, Delivery, Opening, Sink, SinkLog, Step, Wish};
use crate::values::ipc;

/// A job whose rows become files.
#[derive(Debug)]
pub(super) struct FileWrite {
    /// The operation that asked for it.
    pub operation: String,
    /// The directory.
    path: String,
    /// What happens if it exists.
    mode: SaveMode,
    /// Makes the names of part files unique.
    part: String,
    /// Turns rows into the format's bytes.
    encoder: Encoder,
}

/// A job whose rows go into another system.
#[derive(Debug)]
pub(super) struct SinkWrite {
    /// The operation that asked for it.
    pub operation: String,
    /// Where they go: the sink of streams, which is given one batch.
    sink: Box<dyn Sink>,
}

/// Where rows go.
enum Target {
    /// Into files under a path.
    Files(FileFormat, String),
    /// Into another system.
    Sink(&'static Definition),
}

impl Target {
    /// Returns where a write goes.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for tables and other formats; if the system takes no rows in that mode.
    fn of(write: &sc::WriteOperation, source: &str) -> Result<Self> {
        use sc::write_operation::SaveType;
        if let Some(format) = FileFormat::parse(source) {
            let Some(SaveType::Path(path)) = &write.save_type else {
                return Err(SparkError::unsupported(format!("saving {source} as a table")));
            };
            return Ok(Self::Files(format, path.clone()));
        }
        let sink = sinks::find(source).ok().and_then(|sink| Some((sink, sink.save?)));
        let Some((sink, check_mode)) = sink else {
            return Err(SparkError::unsupported(format!(
                "writing a batch DataFrame as {source}"
            )));
        };
        if matches!(write.save_type, Some(SaveType::Table(_))) {
            return Err(SparkError::unsupported(format!("saving {source} as a table")));
        }
        check_mode(write.mode())?;
        Ok(Self::Sink(sink))
    }
}

impl Driver {
    /// Runs a batch DataFrame and saves its rows: as text, JSON or CSV files under a path, or in another system.
    ///
    /// # Errors
    /// Those of [`Target::of`]; `UNSUPPORTED_FEATURE` for partitions and buckets; `CALL_ON_STREAMING_DATASET_UNSUPPORTED`; the encoder's,
    /// and the sink's.
    pub(super) fn write_rows(
        &mut self,
        operation: &str,
        session: &str,
        write: &sc::WriteOperation,
        now_ms: i64,
    ) -> Result<()> {
        let source = write
            .source
            .clone()
            .unwrap_or_else(|| "parquet".to_owned())
            .to_lowercase();
        let target = Target::of(write, &source)?;
        let beyond = [
            (!write.partitioning_columns.is_empty(), "partitionBy"),
            (!write.sort_column_names.is_empty(), "sortBy"),
            (write.bucket_by.is_some(), "bucketBy"),
            (!write.clustering_columns.is_empty(), "clusterBy"),
        ];
        if let Some((_, name)) = beyond.iter().find(|(asked, _)| *asked) {
            return Err(SparkError::unsupported(format!("{name} of a batch DataFrame's writer")));
        }
        let relation = write
            .input
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a write has no relation"))?;
        let (spec, analyzer, resolved) = self.planned(session, relation, now_ms)?;
        if resolved.streaming {
            return Err(SparkError::analysis(
                "CALL_ON_STREAMING_DATASET_UNSUPPORTED",
                "42KDE",
                "The method `write` can not be called on streaming Dataset/DataFrame.",
            )
            .with("methodName", "`write`"));
        }
        let schema = Arc::new(job::output_schema(&resolved));
        let options = options_of(&write.options);
        let operation = operation.to_owned();
        let owner = match target {
            Target::Files(format, path) => {
                refuse_unknown(Side::Sink, &source, &[&["path"], format.options()].concat(), &options)?;
                Owner::Files(Box::new(FileWrite {
                    operation,
                    path,
                    mode: write.mode(),
                    part: self.fresh_uuid(),
                    encoder: Encoder::new(format, options, analyzer.zone, schema)?,
                }))
            }
            Target::Sink(definition) => {
                let wish = Wish {
                    format: source.clone(),
                    path: None,
                    options,
                    name: None,
                    mode: OutputMode::Append,
                    checkpoint: false,
                };
                definition.refuse(&wish)?;
                let (zone, log) = (analyzer.zone, SinkLog::default());
                let sink = (definition.open)(&wish, Opening { schema, zone, log })?;
                Owner::Sink(Box::new(SinkWrite { operation, sink }))
            }
        };
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let scans = self.read_files(&graph)?;
        let request = JobRequest {
            description: format!("save {source}"),
            scans,
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        self.run_once(spec, graph, request, owner, now_ms);
        Ok(())
    }

    /// Saves the rows of a write's job.
    pub(super) fn files_written(&mut self, write: &FileWrite, outcome: &Outcome) {
        match part_files(write, outcome) {
            Ok(files) => self.save(&write.operation, &write.path, write.mode, files, None),
            Err(error) => self.fail_operation(&write.operation, error),
        }
    }

    /// Hands the rows of a write's job to its sink, as its one batch.
    pub(super) fn rows_made(&mut self, write: SinkWrite, outcome: Outcome, now_ms: i64) {
        let SinkWrite { operation, mut sink } = write;
        let step = sink.deliver(Delivery {
            query: &operation,
            batch: BatchId(0),
            blocks: outcome.results,
            now_ms,
        });
        self.take_write_step(&operation, sink, step);
    }

    /// Takes in that the rows of an operation are written, or why not; for one that was cancelled it changes nothing, though rows may
    /// have been written.
    pub(super) fn rows_written(&mut self, operation: &str, answer: std::result::Result<(), Refused>) {
        if let Some(mut sink) = self.writes.remove(operation) {
            let step = sink.sent(answer);
            self.take_write_step(operation, sink, step);
        }
    }

    /// Carries out what the sink of an operation wants next.
    fn take_write_step(&mut self, operation: &str, sink: Box<dyn Sink>, step: Result<Step>) {
        match step {
            Ok(Step::Done) => self.end_operation(operation),
            Ok(Step::Send(writing)) => {
                self.writes.insert(operation.to_owned(), sink);
                let writer = Writer::Operation(operation.to_owned());
                self.out.push(Output::Write { writer, writing });
            }
            Ok(_) => {
                let error = SparkError::internal(format!("{} cannot take one batch only", sink.description()));
                self.fail_operation(operation, error);
            }
            Err(error) => self.fail_operation(operation, error),
        }
    }
}

/// Makes one part file for each block of rows, and the marker of success.
///
/// # Errors
/// The encoder's, if a value cannot be written in the format.
fn part_files(write: &FileWrite, outcome: &Outcome) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for (number, block) in outcome.results.iter().enumerate() {
        let rows = ipc::read(block)?;
        let ending = write.encoder.format.ending();
        let name = format!("part-{number:05}-{}-c000.{ending}", write.part);
        files.push((name, write.encoder.bytes(&rows)?));
    }
    files.push(("_SUCCESS".to_owned(), vec![]));
    Ok(files)
}
