//! Leaves of a plan: where rows come from, without how bytes get there.
//!
//! The analyzer numbers the leaves of a plan and puts each into it as a DataFusion table. Compiling
//! turns a leaf into the input of a stage; only the driver knows which blocks of bytes a task then
//! receives.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datafusion_expr::{LogicalPlan, TableSource};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::ids::ScanId;
use crate::sources::listing::SourceFile;
use crate::sources::{Format, StreamSpec};
use crate::values::types;

/// What a scan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Rows sent along with the plan.
    Local {
        /// One Arrow IPC stream; empty for a relation without rows.
        ipc: Arc<[u8]>,
    },
    /// The numbers of `spark.range`, made where the task runs.
    Range {
        /// The first number.
        start: i64,
        /// Where the numbers end; it is not among them.
        end: i64,
        /// From one number to the next, not 0; negative to count down.
        step: i64,
    },
    /// Blocks of bytes that come with each task: files of a batch query, or a micro-batch's share of a
    /// stream.
    Blocks {
        /// How the bytes are decoded.
        format: Format,
        /// Options of the read by lower-case name.
        options: BTreeMap<String, String>,
        /// Whether the blocks are of files, each told of by a block before it ([`crate::sources::listing`]).
        of_files: bool,
    },
}

impl Origin {
    /// Returns whether blocks of Arrow streams are read, which may have text as dictionaries.
    pub fn is_arrow(&self) -> bool {
        matches!(
            self,
            Self::Blocks {
                format: Format::Arrow,
                ..
            }
        )
    }
}

/// Who has the rows of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// The plan itself.
    Plan,
    /// Files, to be handed out over the partitions.
    Files(Vec<SourceFile>),
    /// An unbounded source.
    Stream(StreamSpec),
    /// A table of another system, whose rows are found out when a job begins.
    Table(StreamSpec),
}

/// Names a table within a plan, by everything that decides about its rows.
pub fn table_key(spec: &StreamSpec) -> String {
    format!("{} {:?} {:?}", spec.format, spec.path, spec.options)
}

/// A leaf of a plan.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Its number within the plan, in the order of analysis.
    pub id: ScanId,
    /// What it reads.
    pub origin: Origin,
    /// Full schema with the user's names, before column pruning.
    pub schema: SchemaRef,
    /// The same columns under their ids.
    pub internal: SchemaRef,
    /// How many tasks read it.
    pub partitions: usize,
    /// Files of a batch read, to be handed out over the partitions.
    pub files: Vec<SourceFile>,
    /// The source, if it is unbounded.
    pub stream: Option<StreamSpec>,
    /// The source, if it is a table of another system.
    pub table: Option<StreamSpec>,
}

impl Scan {
    /// Returns how many bytes it reads, as far as that is known before it runs: of rows that come with the plan, of numbers, of files.
    pub fn bytes(&self) -> u64 {
        match &self.origin {
            Origin::Local { ipc } => ipc.len() as u64,
            Origin::Range { start, end, step } => {
                let (rows, step) = (end.abs_diff(*start), step.unsigned_abs().max(1));
                rows.div_ceil(step).saturating_mul(8)
            }
            Origin::Blocks { .. } => self.files.iter().map(|file| file.size).sum(),
        }
    }

    /// Returns what tells its rows from those of others: a source, or files and how they are read, or a digest of rows.
    pub fn identity(&self) -> String {
        let origin = match &self.origin {
            Origin::Local { ipc } => format!("{:x?}", Sha256::digest(ipc)),
            others => format!("{others:?}"),
        };
        let Self {
            files, stream, table, ..
        } = self;
        format!("{origin} {files:?} {stream:?} {table:?} {:?}", self.schema)
    }
}

/// A scan as DataFusion's table.
#[derive(Debug)]
pub struct ScanSource(pub Arc<Scan>);

impl TableSource for ScanSource {
    /// The columns under their ids: what the plan above reads by.
    fn schema(&self) -> SchemaRef {
        self.0.internal.clone()
    }
}

impl ScanSource {
    /// Returns the scan of a table; `None` if the table is another.
    pub fn of(source: &Arc<dyn TableSource>) -> Option<&Arc<Scan>> {
        let any: &dyn Any = source.as_ref();
        any.downcast_ref::<ScanSource>().map(|s| &s.0)
    }
}

/// Files of a batch read, with the schema of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSet {
    /// The files, in the order in which they are dealt out.
    pub files: Vec<SourceFile>,
    /// The declared or inferred columns.
    pub fields: Fields,
}

/// Finds files and the schema of their content. The driver looks; executors receive what it saw with
/// the plan.
pub trait FileCatalog {
    /// Lists the files below `paths` and returns them with their schema: `declared`, or the one that their
    /// content has.
    ///
    /// # Errors
    /// If a path holds nothing, `PATH_NOT_FOUND`; if no schema is declared and none can be inferred,
    /// `UNABLE_TO_INFER_SCHEMA`.
    fn resolve(
        &self,
        format: &Format,
        paths: &[String],
        options: &BTreeMap<String, String>,
        declared: Option<Fields>,
    ) -> Result<FileSet>;

    /// Returns whether a path is there; `None` if that cannot be said.
    fn exists(&self, _path: &str) -> Option<bool> {
        None
    }
}

/// The column that every file has besides its own, and that is only shown to those who name it.
pub const METADATA: &str = "_metadata";

/// Returns the type of [`METADATA`] (`FileFormat.METADATA_STRUCT`).
pub fn metadata_type() -> DataType {
    let field = |name: &str, of: DataType| Field::new(name, of, true);
    DataType::Struct(Fields::from(vec![
        field("file_path", DataType::Utf8),
        field("file_name", DataType::Utf8),
        field("file_size", DataType::Int64),
        field("file_block_start", DataType::Int64),
        field("file_block_length", DataType::Int64),
        field("file_modification_time", types::timestamp()),
    ]))
}

/// Returns whether a plan reads an unbounded source.
pub fn is_streaming(plan: &LogicalPlan) -> bool {
    if let LogicalPlan::TableScan(scan) = plan {
        return ScanSource::of(&scan.source).is_some_and(|s| s.stream.is_some());
    }
    plan.inputs().into_iter().any(is_streaming)
}
