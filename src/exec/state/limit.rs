//! `limit` over a whole stream: how many rows have left is the state (`StreamingGlobalLimitExec`).

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion_physical_plan::ExecutionPlan;

use super::table::{StateDelta, StateTable};
use super::{Body, OperatorState, Restore};
use crate::error::Result;
use crate::exec::inputs::TaskInputs;
use crate::exec::transform::Transform;

/// Lets `fetch` rows of the stream through.
#[derive(Debug, Clone, Copy)]
pub struct StateLimit {
    pub operator: usize,
    pub fetch: usize,
}

impl Restore for StateLimit {
    fn empty(&self) -> Result<OperatorState> {
        Ok(OperatorState::new(Body::Table(StateTable::new(schema(), 0)?)))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        state.body.table()?.load(deltas, &|batch| vec![None; batch.num_rows()])
    }
}

/// The state: one row with the count.
fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, false)]))
}

impl StateLimit {
    pub fn plan(self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let schema = input.schema();
        let label = format!("StreamingLimit: operator={} rows={}", self.operator, self.fetch);
        Transform::whole(label, input, schema, move |batches, inputs| {
            Ok(self.run(batches, inputs)?)
        })
    }

    fn run(&self, batches: Vec<RecordBatch>, inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        inputs.with_state(self.operator, None, self, |_, body, stats| {
            let table = body.table()?;
            let gone = table
                .all()?
                .first()
                .map_or(0, |b| b.column(0).as_primitive::<Int64Type>().value(0));
            let mut left = self.fetch.saturating_sub(usize::try_from(gone).unwrap_or(usize::MAX));
            let before = left;
            let mut out = Vec::new();
            for batch in batches {
                let rows = batch.num_rows().min(left);
                left -= rows;
                out.push(batch.slice(0, rows));
            }
            let now = (self.fetch - left) as i64;
            let row = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![now]))])?;
            table.upsert(&row, &[None], vec![Box::default()])?;
            stats.rows_total = 1;
            stats.rows_updated = u64::from(left < before);
            stats.bytes = table.bytes() as u64;
            Ok((out, StateDelta::encode(&schema(), &[row], None)?))
        })
    }
}
