//! What one client session has set up: settings, views, tables of memory sinks, models.
//!
//! A session is nothing but data. What it holds goes into every job that it runs ([`Session::spec`]), as it is at that
//! moment: a view that is replaced later does not change a query that runs.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use prost::Message;

use super::rows::{local_relation, nullable};
use crate::compile::job::JobSpec;
use crate::error::Result;
use crate::proto as sc;
use crate::settings::{self, Conf};
use crate::values::ipc;

/// The table of a `memory` sink: rows as they came, in the driver's memory.
///
/// Complete mode replaces them with every batch; append and update modes only ever add, so such a table grows with its
/// query.
#[derive(Debug)]
pub struct MemoryTable {
    /// Its columns.
    schema: SchemaRef,
    /// Its rows, as Arrow IPC streams in the order of batches.
    blocks: Vec<Buffer>,
    /// The table as a relation, made when it is read; `None` after rows came.
    relation: Option<Buffer>,
}

impl MemoryTable {
    /// Returns a table without rows.
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            blocks: vec![],
            relation: None,
        }
    }

    /// Takes a batch's rows: beside the others, or in their place.
    pub fn add(&mut self, blocks: Vec<Buffer>, replace: bool) {
        if replace {
            self.blocks.clear();
        }
        self.blocks.extend(blocks);
        self.relation = None;
    }

    /// Returns the table as a relation, which is made once per change: rows are joined into one Arrow stream, so a read
    /// after each batch costs the table's size.
    ///
    /// # Errors
    /// If its rows cannot be read.
    fn relation(&mut self) -> Result<Buffer> {
        if let Some(known) = &self.relation {
            return Ok(known.clone());
        }
        let nullable = nullable(&self.schema);
        let batches = ipc::read_all(&self.blocks, &nullable)?;
        let bytes = Buffer::from(local_relation(&nullable, &batches)?.encode_to_vec());
        self.relation = Some(bytes.clone());
        Ok(bytes)
    }
}

/// One session of a client.
///
/// ```
/// use rivulet::connect::session::Session;
/// use rivulet::proto::Relation;
///
/// let mut session = Session::new(&Default::default());
/// let spec = session.spec(&Relation::default(), 1_000)?;
/// assert_eq!(spec.now_us, 1_000_000);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Default)]
pub struct Session {
    /// Its settings, over the driver's defaults.
    pub conf: Conf,
    /// Temporary views, lower-case name → `spark.connect.Relation`.
    pub views: BTreeMap<String, Buffer>,
    /// Views that the client wants kept, lower-case names.
    pub cached: BTreeSet<String>,
    /// Rows that are kept between queries.
    pub kept: super::kept::KeptRows,
    /// Tables of memory sinks, by query name.
    pub tables: BTreeMap<String, MemoryTable>,
    /// Its models.
    pub models: super::ml::ModelCache,
    /// Its summaries of models.
    pub reports: super::reports::Reports,
    /// Sources of its datasets that came with earlier jobs.
    pub sources: super::datasets::HeldSources,
    /// When it was called last, ms since the epoch.
    pub called_ms: i64,
}

impl Session {
    /// Forgets a model or a summary, and a model's summary with it; returns whether there was one.
    pub fn forget_model(&mut self, id: &str) -> bool {
        let summary = self.reports.remove(id).is_some();
        self.models.remove(id) || summary
    }

    /// Returns a session with the driver's settings.
    pub fn new(defaults: &Conf) -> Self {
        Self {
            conf: defaults.clone(),
            ..Self::default()
        }
    }

    /// Returns a job over this session's settings, views and tables.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` if a setting that streaming needs is invalid; if a table's rows cannot be read.
    pub fn spec(&mut self, relation: &sc::Relation, now_ms: i64) -> Result<JobSpec> {
        self.conf.bytes(&settings::STATE_MEMORY)?;
        crate::streaming::watermark::idle_timeout_ms(&self.conf)?;
        let mut views = self.views.clone();
        for (name, table) in &mut self.tables {
            views.insert(name.to_lowercase(), table.relation()?);
        }
        Ok(JobSpec {
            relation: relation.encode_to_vec(),
            conf: self.conf.clone(),
            views,
            now_us: now_ms * 1000,
            mode: None,
            files: BTreeMap::new(),
            models: BTreeMap::new(),
            tables: BTreeMap::new(),
        })
    }
}
