//! Rows into files, each batch once (`FileStreamSink`, `ManifestFileCommitProtocol`).
//!
//! A batch's files are written first, under names that follow from query and batch, then an entry of the log in
//! `_spark_metadata` names them: that is the batch's commit. A batch that the log has is not written again; files that
//! no entry names belong to batches that were given up, and readers ignore them.
//!
//! ```text
//! deliver ──▶ Write(part files) ──all written──▶ Write(_spark_metadata/N) ──written──▶ Done
//!    └── N is in the log already ─────────────────────────────────────────────────────▲
//! ```

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use serde_json::Value;

use super::{Definition, Delivery, Opening, Sink, SinkLog, Step, Wish, none};
use crate::error::{Exception, Result, SparkError};
use crate::exec::encode::{Encoder, FileFormat};
use crate::ids::BatchId;
use crate::plan::output_mode::OutputMode;
use crate::sources::files::SINK_LOG;
use crate::storage::corrupt;
use crate::storage::file_log::Written;
use crate::storage::{Request, file_log as files};
use crate::values::ipc;
use crate::values::zone::Zone;

/// JSON objects, one per line.
pub const JSON: Definition = Definition {
    name: "json",
    about: "Writes the rows of every batch as JSON files, and the files into a log.",
    options: &[],
    passes: None,
    files: Some(FileFormat::Json),
    check,
    open,
    log: |wish| wish.path.as_deref().map(log_folder),
    table: none,
    recovers: true,
    save: None,
};

/// Comma-separated values.
pub const CSV: Definition = Definition {
    name: "csv",
    files: Some(FileFormat::Csv),
    about: "Writes the rows of every batch as CSV files, and the files into a log.",
    ..JSON
};

/// One column of strings, one per line.
pub const TEXT: Definition = Definition {
    name: "text",
    files: Some(FileFormat::Text),
    about: "Writes the strings of every batch as lines of files, and the files into a log.",
    ..JSON
};

/// Checks for append mode, a folder, and a checkpoint (`DataSource.createSink`).
///
/// # Errors
/// An `AnalysisException` that names what is missing.
fn check(wish: &Wish) -> Result<()> {
    if wish.mode != OutputMode::Append {
        let (word, name) = (wish.mode.word().to_lowercase(), wish.format.clone());
        return Err(SparkError::analysis(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
            "42KDE",
            format!("Invalid streaming output mode: {word}. This output mode is not supported in Data Source {name}."),
        )
        .with("className", name)
        .with("outputMode", word));
    }
    if wish.path.is_none() {
        return Err(SparkError::new(
            Exception::IllegalArgument,
            "_LEGACY_ERROR_TEMP_2051",
            "",
            "'path' is not specified",
        ));
    }
    if !wish.checkpoint {
        return Err(SparkError::analysis(
            "_LEGACY_ERROR_TEMP_1298",
            "",
            "checkpointLocation must be specified either through option(\"checkpointLocation\", ...) or SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", ...).",
        ));
    }
    Ok(())
}

/// Makes the sink.
///
/// # Errors
/// If the rows do not fit the format, or its options are invalid.
fn open(wish: &Wish, opening: Opening) -> Result<Box<dyn Sink>> {
    let unknown = || SparkError::internal("a file sink has no format");
    let format = FileFormat::parse(&wish.format).ok_or_else(unknown)?;
    let path = wish.path.clone().unwrap_or_default();
    let sink = FileSink::new(
        &path,
        format,
        wish.options.clone(),
        opening.zone,
        opening.schema,
        opening.log,
    )?;
    Ok(Box::new(sink))
}

impl Sink for FileSink {
    fn description(&self) -> String {
        format!("FileSink[{}]", self.path)
    }

    fn takes_repeats(&self) -> bool {
        // The log says which batches are there.
        true
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<Step> {
        self.begin(delivery.query, delivery.batch, &delivery.blocks, delivery.now_ms)
    }

    fn written(&mut self, path: &str) -> Step {
        self.is_written(path)
    }
}

/// A sink and the batch that it takes.
#[derive(Debug)]
pub struct FileSink {
    /// The folder as the client named it.
    path: String,
    /// The same without slashes at the end.
    folder: String,
    /// Turns rows into the format's bytes.
    encoder: Encoder,
    /// Lines of the log, for the next compact entry.
    lines: Vec<Value>,
    /// The last batch in the log.
    last: BatchId,
    /// The batch in progress.
    taking: Option<Taking>,
}

/// A batch whose files are being written.
#[derive(Debug)]
struct Taking {
    /// Its number.
    batch: BatchId,
    /// Its files, as the log's entry will name them.
    files: Vec<Written>,
    /// Paths that are not durable yet.
    waits: BTreeSet<String>,
    /// Whether the entry is being written.
    logging: bool,
}

/// Returns the folder of the log of a sink: `_spark_metadata` in the sink's own.
pub fn log_folder(path: &str) -> String {
    format!("{}/{SINK_LOG}", path.trim_end_matches('/'))
}

impl FileSink {
    /// Returns a sink over what its log holds: entries by batch.
    ///
    /// # Errors
    /// If a text sink has anything but one column of strings, or options are not those of the format.
    pub fn new(
        path: &str,
        format: FileFormat,
        options: BTreeMap<String, String>,
        zone: Zone,
        schema: SchemaRef,
        log: SinkLog,
    ) -> Result<Self> {
        let encoder = Encoder::new(format, options, zone, schema)?;
        Ok(Self {
            path: path.to_owned(),
            folder: path.trim_end_matches('/').to_owned(),
            encoder,
            last: log.last_key_value().map_or(BatchId::NONE, |(batch, _)| BatchId(*batch)),
            lines: log.into_values().flatten().collect(),
            taking: None,
        })
    }

    /// Takes a batch: one file for each piece of the result that has rows. A batch without rows is only logged.
    ///
    /// # Errors
    /// If rows cannot be written in the sink's format. `CHECKPOINT_CORRUPT` if the entry of the batch before is missing:
    /// an entry after it would hide from readers that its rows are not there.
    pub fn begin(&mut self, query: &str, batch: BatchId, blocks: &[Buffer], now_ms: i64) -> Result<Step> {
        if batch <= self.last {
            return Ok(Step::Done);
        }
        if batch.0 > self.last.0 + 1 {
            let missing = format!("{}/{}", log_folder(&self.folder), files::name(self.last.0 + 1));
            return Err(corrupt(&missing, &format!("{missing} is missing")));
        }
        let (mut writes, mut files) = (Vec::new(), Vec::new());
        for block in blocks {
            let bytes = self.encoder.bytes(&ipc::read(block)?)?;
            if bytes.is_empty() {
                continue;
            }
            let path = format!(
                "{}/part-{:05}-{query}-{batch}-c000.{}",
                self.folder,
                files.len(),
                self.encoder.format.ending()
            );
            files.push(Written {
                path: path.clone(),
                bytes: bytes.len() as u64,
                modified: now_ms,
            });
            writes.push(Request::Write {
                path,
                bytes: bytes.into(),
            });
        }
        self.taking = Some(Taking {
            batch,
            waits: files.iter().map(|f| f.path.clone()).collect(),
            files,
            logging: false,
        });
        Ok(if writes.is_empty() {
            self.log()
        } else {
            Step::Write(writes)
        })
    }

    /// Notes that a write is durable: after the last file follows the log's entry, after that the batch is done.
    fn is_written(&mut self, path: &str) -> Step {
        let Some(taking) = &mut self.taking else {
            return Step::Wait;
        };
        if !taking.waits.remove(path) || !taking.waits.is_empty() {
            return Step::Wait;
        }
        if !taking.logging {
            return self.log();
        }
        self.last = taking.batch;
        self.taking = None;
        Step::Done
    }

    /// Returns the write of the entry that commits the batch; every tenth is compact and holds all lines so far.
    fn log(&mut self) -> Step {
        let Some(taking) = &mut self.taking else {
            return Step::Wait;
        };
        let own: Vec<Value> = taking.files.iter().map(Written::line).collect();
        self.lines.extend(own.iter().cloned());
        let text = if files::is_compact(taking.batch.0) {
            files::text(self.lines.iter().cloned())
        } else {
            files::text(own)
        };
        let path = format!("{}/{}", log_folder(&self.folder), files::name(taking.batch.0));
        taking.logging = true;
        taking.waits.insert(path.clone());
        Step::Write(vec![Request::Write {
            path,
            bytes: Buffer::from(text.into_bytes()),
        }])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::storage::facts::decide_over;
    use crate::storage::memory::Memory;
    use crate::storage::{Reply, Storage};

    fn rows() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new("n", DataType::Int64, true),
            Field::new("x", DataType::Float64, true),
        ]);
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(StringArray::from(vec![Some("a, \"b\""), None])),
                Arc::new(Int64Array::from(vec![Some(1), Some(2)])),
                Arc::new(Float64Array::from(vec![Some(0.5), None])),
            ],
        )
        .unwrap()
    }

    fn block() -> Buffer {
        Buffer::from(ipc::write(&rows().schema(), &[rows()]).unwrap())
    }

    fn sink(format: FileFormat, options: &[(&str, &str)]) -> FileSink {
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        FileSink::new("/out/", format, options, Zone::UTC, rows().schema(), BTreeMap::new()).unwrap()
    }

    /// Carries a batch out; the paths that were written, in order.
    fn take(sink: &mut FileSink, disk: &mut Memory, batch: BatchId, blocks: &[Buffer]) -> Vec<String> {
        let mut paths = Vec::new();
        let mut step = sink.begin("q", batch, blocks, 7).unwrap();
        while let Step::Write(requests) = step {
            step = Step::Wait;
            for request in requests {
                disk.perform(&request).unwrap();
                paths.push(request.path().to_owned());
                step = sink.written(request.path());
            }
        }
        assert_eq!(step, Step::Done);
        paths
    }

    fn read(disk: &mut Memory, path: &str) -> String {
        match disk.perform(&Request::Read { path: path.into() }) {
            Ok(Reply::Bytes(Some(bytes))) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_batch_is_its_files_and_then_the_entry_that_names_them_and_is_written_once() {
        let (mut sink, mut disk) = (sink(FileFormat::Json, &[]), Memory::default());
        let paths = take(&mut sink, &mut disk, BatchId(0), &[block(), block()]);
        let part = |n: usize| format!("/out/part-0000{n}-q-0-c000.json");
        assert_eq!(paths, [part(0), part(1), "/out/_spark_metadata/0".into()]);
        assert_eq!(
            read(&mut disk, &paths[0]),
            "{\"name\":\"a, \\\"b\\\"\",\"n\":1,\"x\":0.5}\n{\"n\":2}\n"
        );
        let log = read(&mut disk, &paths[2]);
        let first = log.lines().nth(1).unwrap();
        assert!(
            log.starts_with("v1\n") && first.contains("\"path\":\"file:///out/part-00000-q-0-c000.json\""),
            "{log}"
        );
        assert!(first.ends_with("\"action\":\"add\"}"));
        assert_eq!(sink.begin("q", BatchId(0), &[block()], 8), Ok(Step::Done));
        assert_eq!(take(&mut sink, &mut disk, BatchId(1), &[]), ["/out/_spark_metadata/1"]);
    }

    #[test]
    fn a_batch_after_a_hole_in_the_log_is_an_error() {
        let mut sink = sink(FileFormat::Json, &[]);
        take(&mut sink, &mut Memory::default(), BatchId(0), &[block()]);
        let error = sink.begin("q", BatchId(2), &[block()], 7).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("CHECKPOINT_CORRUPT"));
        assert!(error.message.contains("/out/_spark_metadata/1 is missing"), "{error}");
    }

    #[test]
    fn the_tenth_entry_names_all_files() {
        let (mut sink, mut disk) = (sink(FileFormat::Json, &[]), Memory::default());
        let mut last = String::new();
        for batch in 0..10 {
            last = take(&mut sink, &mut disk, BatchId(batch), &[block()]).pop().unwrap();
        }
        assert_eq!(last, "/out/_spark_metadata/9.compact");
        assert_eq!(read(&mut disk, &last).lines().count(), 11);
    }

    #[test]
    fn a_sink_that_begins_after_a_compact_entry_names_each_file_once_in_the_next() {
        let (mut first, mut disk) = (sink(FileFormat::Json, &[]), Memory::default());
        for batch in 0..10 {
            take(&mut first, &mut disk, BatchId(batch), &[block()]);
        }
        let log = decide_over(&mut disk, |facts| files::read_all(facts, "/out/_spark_metadata")).unwrap();
        let (format, options) = (FileFormat::Json, BTreeMap::new());
        let mut again = FileSink::new("/out/", format, options, Zone::UTC, rows().schema(), log).unwrap();
        for batch in 10..20 {
            take(&mut again, &mut disk, BatchId(batch), &[block()]);
        }
        assert_eq!(read(&mut disk, "/out/_spark_metadata/19.compact").lines().count(), 21);
    }

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_nulls_empty() {
        let (mut sink, mut disk) = (
            sink(FileFormat::Csv, &[("header", "true"), ("sep", ";")]),
            Memory::default(),
        );
        let paths = take(&mut sink, &mut disk, BatchId(0), &[block()]);
        assert_eq!(read(&mut disk, &paths[0]), "name;n;x\n\"a, \\\"b\\\"\";1;0.5\n;2;\n");
    }

    #[test]
    fn a_text_sink_takes_one_column_of_strings() {
        let error = FileSink::new(
            "/out",
            FileFormat::Text,
            BTreeMap::new(),
            Zone::UTC,
            rows().schema(),
            BTreeMap::new(),
        );
        assert!(error.unwrap_err().message.contains("you have 3 columns"));
    }
}
