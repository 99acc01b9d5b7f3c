//! `DataFrameWriter`: the rows of a batch job as a directory of part files.
//!
//! Rows go through the driver: the job's result is encoded here, then storage writes the directory (`saved`).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};

use super::driver::Driver;
use super::jobs::Owner;
use crate::cluster::runner::{JobRequest, Limits, Outcome};
use crate::compile::job;
use crate::error::{Result, SparkError};
use crate::exec::encode::{Encoder, FileFormat};
use crate::ml::persistence::File;
use crate::proto as sc;
use crate::proto::write_operation::SaveMode;
use crate::sources::options::{Side, refuse_unknown};
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

impl Driver {
    /// Runs a batch DataFrame and saves its rows as text, JSON or CSV files under a path.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` for tables, partitions, buckets and other formats; the encoder's.
    pub(super) fn write_files(
        &mut self,
        operation: &str,
        session: &str,
        write: &sc::WriteOperation,
        now_ms: i64,
    ) -> Result<()> {
        use sc::write_operation::SaveType;
        let source = write
            .source
            .clone()
            .unwrap_or_else(|| "parquet".to_owned())
            .to_lowercase();
        let format = FileFormat::parse(&source)
            .ok_or_else(|| SparkError::unsupported(format!("writing a batch DataFrame as {source}")))?;
        let Some(SaveType::Path(path)) = &write.save_type else {
            return Err(SparkError::unsupported(format!("saving {source} as a table")));
        };
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
        let (spec, analyzer, resolved) = self.analyzed(session, relation, now_ms)?;
        let columns = resolved.output.iter();
        let fields = columns.map(|a| Field::new(&a.name, a.data_type.clone(), a.nullable));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = write.options.iter().map(|(k, v)| (k.to_lowercase(), v.clone()));
        let options: BTreeMap<String, String> = options.collect();
        refuse_unknown(Side::Sink, &source, &[&["path"], format.options()].concat(), &options)?;
        let encoder = Encoder::new(format, options, analyzer.zone, schema)?;
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let scans = self.read_files(&graph)?;
        let request = JobRequest {
            description: format!("save {source}"),
            scans,
            limits: Limits::of_statement(&spec.conf)?,
            ..JobRequest::default()
        };
        let write = FileWrite {
            operation: operation.to_owned(),
            path: path.clone(),
            mode: write.mode(),
            part: self.fresh_uuid(),
            encoder,
        };
        self.run_once(spec, graph, request, Owner::Files(Box::new(write)), now_ms);
        Ok(())
    }

    /// Saves the rows of a write's job.
    pub(super) fn files_written(&mut self, write: &FileWrite, outcome: &Outcome) {
        match part_files(write, outcome) {
            Ok(files) => self.save(&write.operation, &write.path, write.mode, files, None),
            Err(error) => self.fail_operation(&write.operation, error),
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
