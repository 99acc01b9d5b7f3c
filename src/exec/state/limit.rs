//! `limit` over a whole stream: how many rows have left is the state (`StreamingGlobalLimitExec`).
//!
//! All rows pass through one partition. Once the limit is reached, later batches return nothing but still run.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion_expr::LogicalPlan;
use datafusion_physical_plan::limit::GlobalLimitExec;

use super::table::{Arrived, StateTable};
use super::{Body, Operator, OperatorState, Restore};
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::nodes::{self, StreamingLimit};
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::is_streaming;

/// `limit` over a whole stream.
pub const OPERATOR: Operator = Operator {
    name: "globalLimit",
    compile,
    analyze: None,
};

/// Compiles a limit of a stream.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    let (limit, input) = nodes::of::<StreamingLimit>(plan)?;
    Some(compile_limit(compiler, limit.fetch, input))
}

/// Returns whether a plan aggregates a stream.
fn aggregates(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Aggregate(aggregate) if is_streaming(&aggregate.input))
        || plan.inputs().into_iter().any(aggregates)
}

/// Puts the limit into a stage. It keeps state of appended rows only: a complete result is limited anew each time.
fn compile_limit(compiler: &mut dyn Compiler, fetch: usize, input: &LogicalPlan) -> Result<Plan> {
    let rows = compiler.plan(input)?;
    let rows = compiler.gather(rows);
    // Only appended rows add up over batches; a complete result is limited anew each time. Below an aggregation rows are appended,
    // whatever the mode (`StreamingGlobalLimitStrategy`).
    if compiler.mode() != Some(OutputMode::Append) && aggregates(input) {
        return Ok(Arc::new(GlobalLimitExec::new(rows, 0, Some(fetch))));
    }
    let operator = compiler.next_operator();
    let state = StateLimit { operator, fetch };
    compiler.add_operator(StatefulOperator {
        name: OPERATOR.name,
        kind: Arc::new(state),
        partitions: 1,
        wakes: Wakes::Never,
        counts_duplicates: false,
    });
    Ok(state.plan(rows))
}

/// Lets `fetch` rows of the stream through.
#[derive(Debug, Clone, Copy)]
pub struct StateLimit {
    /// Its name within the query.
    pub operator: OperatorId,
    /// How many rows pass in all.
    pub fetch: usize,
}

impl Restore for StateLimit {
    fn empty(&self) -> Result<OperatorState> {
        let table = StateTable::counter(schema())?;
        Ok(OperatorState::new(Body::Table(Box::new(table))))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        state.body.table()?.load(deltas)
    }
}

/// Returns the state's columns: one row with the count.
fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, false)]))
}

impl StateLimit {
    /// Returns the operator over its input.
    fn plan(self, input: Plan) -> Plan {
        let schema = input.schema();
        let name = format!("StreamingLimit: rows={}", self.fetch);
        Transform::stateful(self.operator, name, input, schema, move |batches, inputs| {
            Ok(self.run(batches, inputs)?)
        })
    }

    /// Runs one batch: lets through what is left of the limit.
    fn run(&self, batches: Vec<RecordBatch>, inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        inputs.with_state(self.operator, None, self, |context, body, stats| {
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
            let passed = (before - left) as i64;
            let row = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![passed]))])?;
            table.take_in(&Arrived::partial(&row, 0), None)?;
            let delta = table.settled(context, None)?;
            stats.rows_total = 1;
            stats.rows_updated = u64::from(left < before);
            stats.bytes = table.bytes() as u64;
            Ok((out, delta))
        })
    }
}
