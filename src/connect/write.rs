//! `DataFrameWriter.text`: one column of text as a directory of part files.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema};

use super::driver::Driver;
use super::jobs::Owner;
use crate::cluster::runner::{JobRequest, Outcome};
use crate::compile::job;
use crate::error::{Result, SparkError};
use crate::ml::persistence::File;
use crate::proto as sc;
use crate::proto::write_operation::SaveMode;
use crate::values::{ipc, types};

/// A job whose rows become files.
#[derive(Debug)]
pub(super) struct TextWrite {
    pub operation: String,
    path: String,
    mode: SaveMode,
    /// Makes the names of part files unique.
    part: String,
}

impl Driver {
    pub(super) fn write_text(
        &mut self,
        operation: &str,
        session: &str,
        write: &sc::WriteOperation,
        now_ms: i64,
    ) -> Result<()> {
        use sc::write_operation::SaveType;
        let Some(SaveType::Path(path)) = &write.save_type else {
            return Err(SparkError::unsupported("saving text as a table"));
        };
        let relation = write
            .input
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a write has no relation"))?;
        let (spec, analyzer, resolved) = self.analyzed(session, relation, now_ms)?;
        match &resolved.output[..] {
            [one] if types::is_string(&one.data_type) => {}
            columns => {
                let count = columns.len();
                return Err(SparkError::analysis(
                    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                    "0A000",
                    format!("The Text datasource writes one column of type \"STRING\", not these {count}."),
                ));
            }
        }
        let graph = Arc::new(job::stages(&analyzer, &resolved, None)?);
        let scans = self.read_files(&graph)?;
        let request = JobRequest {
            description: "save text".to_owned(),
            scans,
            ..JobRequest::default()
        };
        let write = TextWrite {
            operation: operation.to_owned(),
            path: path.clone(),
            mode: write.mode(),
            part: self.fresh_uuid(),
        };
        self.run_once(spec, graph, request, Owner::Text(write), now_ms);
        Ok(())
    }

    pub(super) fn text_written(&mut self, write: &TextWrite, outcome: &Outcome) {
        match text_files(write, outcome) {
            Ok(files) => self.save(&write.operation, &write.path, write.mode, files, None),
            Err(error) => self.fail_operation(&write.operation, error),
        }
    }
}

/// One part file a block of rows, a line a row; null is an empty line.
fn text_files(write: &TextWrite, outcome: &Outcome) -> Result<Vec<File>> {
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)]));
    let mut files = Vec::new();
    for (number, block) in outcome.results.iter().enumerate() {
        let mut text = String::new();
        for batch in ipc::read_all(std::slice::from_ref(block), &schema)? {
            for line in batch.column(0).as_string::<i32>() {
                text.push_str(line.unwrap_or_default());
                text.push('\n');
            }
        }
        files.push((format!("part-{number:05}-{}-c000.txt", write.part), text.into_bytes()));
    }
    files.push(("_SUCCESS".to_owned(), vec![]));
    Ok(files)
}
