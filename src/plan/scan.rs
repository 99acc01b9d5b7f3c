//! Leaves of a plan: where rows come from, without how bytes get there.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Fields, SchemaRef};
use datafusion_expr::{LogicalPlan, TableSource};

use crate::error::Result;
use crate::ids::ScanId;
use crate::sources::{Format, StreamSpec};

/// What a scan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Rows sent along with the plan: one Arrow IPC stream.
    Local { ipc: Arc<[u8]> },
    /// `spark.range`.
    Range { start: i64, end: i64, step: i64 },
    /// Blocks of bytes that come with each task: files of a batch query, or a micro-batch's share of a stream.
    Blocks {
        format: Format,
        options: BTreeMap<String, String>,
    },
}

/// One leaf.
#[derive(Debug, Clone)]
pub struct Scan {
    pub id: ScanId,
    pub origin: Origin,
    /// Full schema with the user's names, before column pruning.
    pub schema: SchemaRef,
    /// The same columns under their ids.
    pub internal: SchemaRef,
    /// How many tasks read it.
    pub partitions: usize,
    /// Files of a batch read, to be handed out over the partitions.
    pub files: Vec<String>,
    pub stream: Option<StreamSpec>,
}

/// The scan as DataFusion's table.
#[derive(Debug)]
pub struct ScanSource(pub Arc<Scan>);

impl TableSource for ScanSource {
    fn schema(&self) -> SchemaRef {
        self.0.internal.clone()
    }
}

impl ScanSource {
    pub fn of(source: &Arc<dyn TableSource>) -> Option<&Arc<Scan>> {
        let any: &dyn Any = source.as_ref();
        any.downcast_ref::<ScanSource>().map(|s| &s.0)
    }
}

/// Files of a batch read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSet {
    pub files: Vec<String>,
    pub fields: Fields,
}

/// Finds files and the schema that their content has. The driver looks; executors are told what it saw.
pub trait FileCatalog {
    /// # Errors
    /// `PATH_NOT_FOUND` where a path holds nothing, `UNABLE_TO_INFER_SCHEMA` where no schema is given or found.
    fn resolve(
        &self,
        format: &Format,
        paths: &[String],
        options: &BTreeMap<String, String>,
        declared: Option<Fields>,
    ) -> Result<FileSet>;
}

/// Whether a plan reads an unbounded source.
pub fn is_streaming(plan: &LogicalPlan) -> bool {
    if let LogicalPlan::TableScan(scan) = plan {
        return ScanSource::of(&scan.source).is_some_and(|s| s.stream.is_some());
    }
    plan.inputs().into_iter().any(is_streaming)
}
