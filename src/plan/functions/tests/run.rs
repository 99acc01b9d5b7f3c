//! One query, run whole: plan, stages in order, shuffle blocks handed on by hand.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::record_batch::RecordBatch;
use prost::Message;
use serde_json::Value;

use super::json;
use crate::compile::job::{JobSpec, read_key};
use crate::error::{Result, SparkError};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::Read;
use crate::exec::task::{TaskOutput, run};
use crate::ids::{PartitionId, ScanId, ScanPart, StageId, StagePart};
use crate::proto as sc;
use crate::settings::Conf;
use crate::sources::Format;
use crate::values::{ipc, types};

/// Noon of 2024-03-01, UTC.
const NOW_US: i64 = 1_709_294_400_000_000;

/// How many files each table is cut into, so that queries really shuffle.
const PIECES: usize = 3;

/// Tables by name: DDL and JSON lines.
#[derive(Default)]
pub struct Tables(BTreeMap<String, (String, String)>);

impl Tables {
    /// Reads the tables of a folder: `schemas.json`, and the rows of each in a file of JSON lines.
    pub fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("schemas.json")).expect("the goldens have schemas.json");
        let schemas: BTreeMap<String, String> = serde_json::from_str(&text).expect("schemas.json is JSON");
        let rows =
            |name: &str| std::fs::read_to_string(folder.join(format!("{name}.ndjson"))).expect("a table has rows");
        Self(
            schemas
                .into_iter()
                .map(|(name, ddl)| (name.clone(), (ddl, rows(&name))))
                .collect(),
        )
    }

    /// Returns the bytes of one of the files that a table is cut into.
    fn pieces(&self, file: &str) -> Option<Buffer> {
        let (table, piece) = file.split_once('/')?;
        let (_, rows) = self.0.get(table)?;
        let lines: Vec<&str> = rows.lines().collect();
        let size = lines.len().div_ceil(PIECES).max(1);
        let at: usize = piece.parse().ok()?;
        let text = lines.chunks(size).nth(at).unwrap_or_default().join("\n");
        Some(Buffer::from(text.into_bytes()))
    }
}

/// A result as the goldens write it.
#[derive(Debug)]
pub struct Frame {
    /// The schema as DDL.
    pub schema: String,
    /// The rows, each an array of cells.
    pub rows: Vec<Value>,
}

impl Frame {
    /// Returns the rows as text, with blanks between cells; strings are written without quotes.
    pub fn lines(&self) -> Vec<String> {
        let cell = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
        let line = |row: &Value| {
            let cells = row.as_array().expect("a row").iter().map(cell);
            cells.collect::<Vec<_>>().join(" ")
        };
        self.rows.iter().map(line).collect()
    }
}

/// Runs SQL text over the tables.
///
/// # Errors
/// If it does not parse, cannot be planned or fails when it runs.
pub fn sql(query: &str, conf: &BTreeMap<String, String>, tables: &Tables) -> Result<Frame> {
    relation(&text(query), conf, tables)
}

/// Returns SQL text as a relation.
pub fn text(query: &str) -> sc::Relation {
    sc::Relation {
        rel_type: Some(sc::relation::RelType::Sql(sc::Sql {
            query: query.into(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// Runs a relation over the tables.
pub fn relation(statement: &sc::Relation, conf: &BTreeMap<String, String>, tables: &Tables) -> Result<Frame> {
    let mut files = BTreeMap::new();
    let mut views = BTreeMap::new();
    for (name, (ddl, _)) in &tables.0 {
        let read = sc::Relation {
            rel_type: Some(sc::relation::RelType::Read(sc::Read {
                read_type: Some(sc::read::ReadType::DataSource(sc::read::DataSource {
                    format: Some("json".into()),
                    schema: Some(ddl.clone()),
                    paths: vec![name.clone()],
                    ..Default::default()
                })),
                ..Default::default()
            })),
            ..Default::default()
        };
        views.insert(name.clone(), read.encode_to_vec().into());
        let names = (0..PIECES).map(|i| format!("{name}/{i}")).collect();
        let key = read_key(&Format::Json, std::slice::from_ref(name), &BTreeMap::new());
        files.insert(key, (names, ddl.clone()));
    }
    let spec = JobSpec {
        relation: statement.encode_to_vec(),
        conf: Conf { values: conf.clone() },
        views,
        now_us: NOW_US,
        mode: None,
        files,
        models: BTreeMap::new(),
        tables: BTreeMap::new(),
    };
    execute(&spec, tables)
}

/// Runs the stages of a job in order, each task with the shuffle blocks that those before it left.
fn execute(spec: &JobSpec, tables: &Tables) -> Result<Frame> {
    let graph = spec.compile()?;
    let mut made: Vec<Vec<TaskOutput>> = Vec::new();
    for stage in &graph.stages {
        let mut outputs = Vec::new();
        for task in PartitionId::first(stage.tasks()) {
            let mut shuffle: HashMap<StageId, Vec<Buffer>> = HashMap::new();
            let mut scans: HashMap<ScanId, Vec<Buffer>> = HashMap::new();
            for read in &stage.reads[task.0] {
                match *read {
                    Read::Shuffle(StagePart { stage, partition }) => {
                        let blocks = made[stage.0]
                            .iter()
                            .filter_map(|o| o.blocks.get(partition.0)?.clone())
                            .map(Buffer::from);
                        shuffle.entry(stage).or_default().extend(blocks);
                    }
                    Read::Scan(ScanPart { scan, partition }) => {
                        let file = graph.scans[scan.0].files.get(partition.0);
                        scans
                            .entry(scan)
                            .or_default()
                            .extend(file.and_then(|f| tables.pieces(&f.path)));
                    }
                }
            }
            let inputs = Arc::new(TaskInputs::new(shuffle, scans, None, BTreeMap::new()));
            outputs.push(futures::executor::block_on(run(stage, task, inputs, &graph.schema))?);
        }
        made.push(outputs);
    }
    let last = made.pop().ok_or_else(|| SparkError::internal("a job has no stage"))?;
    let mut rows = Vec::new();
    for block in last.into_iter().flat_map(|o| o.blocks).flatten() {
        for batch in ipc::read(&Buffer::from(block))? {
            rows.extend(json_rows(&batch));
        }
    }
    let columns: Vec<String> = graph
        .schema
        .fields()
        .iter()
        .map(|f| {
            format!(
                "{} {}",
                types::quote_if_needed(f.name()),
                types::sql_name(f.data_type())
            )
        })
        .collect();
    Ok(Frame {
        schema: columns.join(", "),
        rows,
    })
}

/// Returns the rows of a batch as arrays of cells.
fn json_rows(batch: &RecordBatch) -> Vec<Value> {
    (0..batch.num_rows())
        .map(|row| Value::Array(batch.columns().iter().map(|c| json::cell(c, row)).collect()))
        .collect()
}
