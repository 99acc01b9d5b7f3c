//! Functions of the user's, run by the worker's script.
//!
//! Rows cross the border as blocks (of the script's own form for datasets, Arrow for groups), never one by one; what a
//! function throws comes back with its stack and fails the task, which is tried again as in Spark.

use arrow::buffer::Buffer;
use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

use super::host::{Programs, thrown};
use super::page::plain;
use crate::error::{Exception, Fault, Result, SparkError};
use crate::exec::program::{FunctionId, GroupAnswer, GroupCall, Keep, ProgramHost, ProgramOutput, ProgramTask};
use crate::ids::{BatchId, DatasetId, KeptId, PartitionId, PlanId, ScanId};
use crate::values::ipc;

/// The script's side of programs: tasks and groups go out as JSON and blobs, results come back as arrays.
pub struct ScriptPrograms(pub Programs);

/// A task as the script gets it; the blobs stand in the order of `sources`, of `shuffled`, of `kept`.
#[derive(Serialize)]
struct Header {
    /// The dataset to compute.
    root: usize,
    /// Which of its partitions.
    partition: PartitionId,
    /// The edge over which rows are dealt out: (reading dataset, parent); null answers the action.
    write: Option<(usize, usize)>,
    /// (dataset, partition).
    sources: Vec<(ScanId, PartitionId)>,
    /// (reading dataset, parent, partition, blocks).
    shuffled: Vec<(usize, usize, PartitionId, usize)>,
    /// (key of the dataset, partition).
    kept: Vec<(DatasetId, PartitionId)>,
}

/// A call over groups as the script gets it; the blobs are the Arrow IPC streams of keys, rows and state.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupHeader<'a> {
    /// Rows per group.
    row_counts: &'a [u32],
    /// Entries of state per group.
    state_counts: &'a [u32],
    /// The batch's own time, ms since the epoch.
    time_ms: i64,
    /// The watermark, ms since the epoch.
    watermark_ms: Option<i64>,
    /// The batch's number; null in a batch query.
    batch_id: Option<BatchId>,
}

impl ProgramHost for ScriptPrograms {
    fn load(&mut self, plan: PlanId, text: &str, blobs: &[Buffer]) -> Result<()> {
        let blobs: Array = blobs.iter().map(|b| Uint8Array::from(b.as_slice())).collect();
        self.0.load(plan.0 as f64, text, blobs).map_err(|e| user_error(&e))
    }

    fn run(&mut self, task: ProgramTask<'_>) -> Result<ProgramOutput> {
        let header = Header {
            root: task.program.root,
            partition: task.partition,
            write: task.program.write.map(|e| (e.reader, e.parent)),
            sources: task.sources.iter().map(|(s, _)| (s.scan, s.partition)).collect(),
            shuffled: task
                .shuffled
                .iter()
                .map(|s| (s.edge.reader, s.edge.parent, s.partition, s.blocks.len()))
                .collect(),
            kept: task.kept.iter().map(|(id, _)| (id.dataset, id.partition)).collect(),
        };
        let header = plain(&header).map_err(|e| SparkError::internal(thrown(&e)))?;
        let sources = task.sources.iter().map(|(_, b)| b);
        let blocks = sources.chain(task.shuffled.iter().flat_map(|s| &s.blocks));
        let blocks = blocks.chain(task.kept.iter().map(|(_, b)| b));
        let blobs: Array = blocks.map(|b| Uint8Array::from(b.as_slice())).collect();
        let out = self
            .0
            .run(task.plan.0 as f64, &header, blobs)
            .map_err(|e| user_error(&e))?;
        let blocks = list(&out.get(0));
        let rows = list(&out.get(1));
        Ok(ProgramOutput {
            blocks: blocks
                .iter()
                .map(|b| b.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
                .collect(),
            rows: rows.iter().map(|n| n.as_f64().unwrap_or_default() as u64).collect(),
            kept: list(&out.get(2)).iter().map(|k| keep(&list(&k))).collect(),
            updates: out.get(3).dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
        })
    }

    fn load_function(&mut self, id: FunctionId, payload: &[u8]) -> Result<()> {
        let loaded = self
            .0
            .load_function(id.plan.0 as f64, id.number as u32, Uint8Array::from(payload));
        loaded.map_err(|e| user_error(&e))
    }

    fn call_groups(&mut self, call: GroupCall<'_>) -> Result<GroupAnswer> {
        let header = GroupHeader {
            row_counts: call.row_counts,
            state_counts: call.state_counts,
            time_ms: call.time_ms,
            watermark_ms: call.watermark_ms,
            batch_id: call.batch_id,
        };
        let header = plain(&header).map_err(|e| SparkError::internal(thrown(&e)))?;
        let blobs = Array::new();
        for batch in [call.keys, call.rows, call.state] {
            let bytes = ipc::write(&batch.schema(), std::slice::from_ref(batch))?;
            blobs.push(&Uint8Array::from(bytes.as_slice()));
        }
        let FunctionId { plan, number } = call.function;
        let out = self.0.call_groups(plan.0 as f64, number as u32, &header, blobs);
        let out = out.map_err(|e| user_error(&e))?;
        let bytes = |at: u32| {
            out.get(at)
                .dyn_ref::<Uint8Array>()
                .map(Uint8Array::to_vec)
                .unwrap_or_default()
        };
        Ok(GroupAnswer {
            rows: Buffer::from(bytes(0)),
            changes: Buffer::from(bytes(1)),
        })
    }

    fn unload(&mut self, plan: PlanId) {
        self.0.unload(plan.0 as f64);
    }

    fn keeps(&self, id: KeptId) -> bool {
        self.0.keeps(id.dataset.0 as f64, id.partition.0 as u32)
    }

    fn kept(&self, id: KeptId) -> Option<Buffer> {
        let block = self.0.kept(id.dataset.0 as f64, id.partition.0 as u32)?;
        Some(Buffer::from(block.to_vec()))
    }

    fn forget(&mut self, dataset: DatasetId) {
        self.0.forget(dataset.0 as f64);
    }
}

/// Returns an array; an empty one for anything else.
fn list(value: &JsValue) -> Array {
    value.dyn_ref::<Array>().cloned().unwrap_or_default()
}

/// Reads `[dataset, partition, bytes, block?]`: a partition that is kept from now on.
fn keep(parts: &Array) -> Keep {
    let number = |at: u32| parts.get(at).as_f64().unwrap_or_default();
    Keep {
        id: KeptId {
            dataset: DatasetId(number(0) as u64),
            partition: PartitionId(number(1) as usize),
        },
        bytes: number(2) as u64,
        block: parts.get(3).dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
    }
}

/// Returns what the user's function threw, with its stack (`FAILED_EXECUTE_UDF`).
fn user_error(error: &JsValue) -> SparkError {
    let mut out = SparkError::new(Exception::Connect, "FAILED_EXECUTE_UDF", "39000", thrown(error)).by(Fault::Function);
    let text = |key: &str| Reflect::get(error, &key.into()).ok().and_then(|v| v.as_string());
    if let Some(stack) = text("stack") {
        out.parameters.insert("stack".into(), stack);
    }
    out
}
