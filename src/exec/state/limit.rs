//! `limit` over a whole stream: how many rows have left is the state (`StreamingGlobalLimitExec`).

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion_physical_plan::ExecutionPlan;

use super::{StateDelta, StateTable};
use crate::error::{Result, SparkError};
use crate::exec::inputs::{StateStats, TaskInputs};
use crate::exec::transform::Transform;

/// Lets `fetch` rows of the stream through.
pub fn plan(operator: usize, fetch: usize, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let schema = input.schema();
    Transform::whole(
        format!("StreamingLimit: {fetch}"),
        input,
        schema,
        move |batches, inputs| Ok(run(operator, fetch, batches, inputs)?),
    )
}

fn run(operator: usize, fetch: usize, batches: Vec<RecordBatch>, inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
    let context = inputs
        .batch
        .as_ref()
        .ok_or_else(|| SparkError::internal("a stateful operator runs outside a micro-batch"))?;
    let schema = Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, false)]));
    let mut states = inputs.states();
    let table = match states.entry(operator) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => entry.insert(StateTable::new(schema.clone(), 0)?),
    };
    let gone = table
        .all()?
        .first()
        .map_or(0, |b| b.column(0).as_primitive::<Int64Type>().value(0));
    let mut left = fetch.saturating_sub(usize::try_from(gone).unwrap_or(usize::MAX));
    let mut out = Vec::new();
    for batch in batches {
        let rows = batch.num_rows().min(left);
        left -= rows;
        out.push(batch.slice(0, rows));
    }
    let now = (fetch - left) as i64;
    let row = RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![now]))])?;
    table.upsert(&row, &[None], vec![Box::default()])?;
    table.version = context.batch_id;
    inputs
        .state_deltas()
        .insert(operator, StateDelta::encode(&schema, &[row], None)?);
    inputs.report().state.insert(
        operator,
        StateStats {
            rows_total: 1,
            rows_updated: 1,
            bytes: table.bytes() as u64,
            ..StateStats::default()
        },
    );
    Ok(out)
}
