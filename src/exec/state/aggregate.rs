//! Stateful aggregation: merges a batch's partial aggregates into the state and emits by output mode.
//!
//! One step of `StateStoreRestore → merge → StateStoreSave → final` of Spark's physical plan. Cost grows with the keys
//! that a batch touches, not with the state, except in complete mode, which emits all of it.
//!
//! | mode | emits | state closes |
//! |------|-------|--------------|
//! | append | groups that the watermark has passed | with the watermark |
//! | update | groups that the batch changed | with the watermark, if event time is a key |
//! | complete | all groups | never |

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::{filter_record_batch, not, take};
use arrow::datatypes::SchemaRef;
use datafusion_expr::{Aggregate, LogicalPlan};

use super::merge::{Merger, Rows};
use super::table::{StateDelta, StateTable};
use super::{Body, Closing, Operator, OperatorState, Restore, one, session, times};
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::inputs::{BatchContext, StateStats, TaskInputs};
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::event_time::{self, EventTimeKey};
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::is_streaming;

/// Streaming aggregation by keys without sessions (`StateStoreRestoreExec`, `StateStoreSaveExec`).
pub const OPERATOR: Operator = Operator {
    name: "stateStoreSave",
    compile,
    analyze: None,
};

/// Compiles an aggregation of a stream that does not group by sessions.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) if is_streaming(plan) && session::sessions_of(&aggregate.input).is_none() => {
            Some(compile_aggregate(compiler, aggregate))
        }
        _ => None,
    }
}

/// Puts the aggregation into a stage: partial rows, exchanged by key, merged into the state.
fn compile_aggregate(compiler: &mut dyn Compiler, aggregate: &Aggregate) -> Result<Plan> {
    let keys = aggregate.group_expr.len();
    let partial = compiler.partial_aggregate(aggregate)?;
    let schema = partial.plan.schema();
    let input = compiler.exchange_by(partial.plan, 0..keys);
    let operator = compiler.next_operator();
    let event_time = event_time::event_time_key(aggregate);
    let state = Arc::new(StateAggregate {
        operator,
        keys,
        event_time,
        merger: partial.merger,
        partial: schema,
        output: partial.output,
        shift_us: event_time::watermark_shift(&aggregate.input),
    });
    compiler.add_operator(StatefulOperator {
        name: OPERATOR.name,
        kind: state.clone(),
        partitions: partitions(&input),
        wakes: Wakes::by_watermark(event_time.is_some()),
        counts_duplicates: false,
    });
    Ok(state.plan(input))
}

/// A streaming aggregation over one partition of keys.
#[derive(Debug, Clone)]
pub struct StateAggregate {
    /// Number of the stateful operator within its query.
    pub operator: OperatorId,
    /// Number of grouping columns; they come first. 0 aggregates the whole stream into one row.
    pub keys: usize,
    /// The grouping column whose watermark ends groups; `None` if no group ever ends.
    pub event_time: Option<EventTimeKey>,
    /// Merges partial states and turns them into values.
    pub merger: Merger,
    /// Keys and partial states: what arrives, and what the state holds.
    pub partial: SchemaRef,
    /// Keys and values: what leaves.
    pub output: SchemaRef,
    /// The watermark here, relative to the query's; `None` if the operators below pass none on.
    pub shift_us: Option<i64>,
}

impl Restore for StateAggregate {
    fn empty(&self) -> Result<OperatorState> {
        let table = StateTable::new(self.partial.clone(), self.keys)?;
        Ok(OperatorState::new(Body::Table(table)))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        state.body.table()?.load(deltas, &|batch| self.closing(batch))
    }
}

impl StateAggregate {
    /// Returns the operator over its input.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let name = format!("StateAggregate: keys={}", self.keys);
        let schema = self.output.clone();
        Transform::stateful(self.operator, name, input, schema, move |batches, inputs| {
            Ok(self.run(&batches, inputs)?)
        })
    }

    /// Returns when each row's group closes.
    fn closing(&self, batch: &RecordBatch) -> Vec<Closing> {
        match self.event_time {
            None => vec![None; batch.num_rows()],
            Some(key) => times(batch.column(key.column), key.plus_us),
        }
    }

    /// Runs one batch: drops what is late, merges the rest into the state, closes groups, and returns what the mode
    /// emits.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        let emitted = inputs.with_state(self.operator, self.shift_us, self, |context, body, stats| {
            let table = body.table()?;
            let arrived = one(&self.partial, batches)?;
            let arrived = self.drop_late(table, arrived, context, stats)?;
            let changed = self.merge(table, &arrived)?;
            stats.rows_updated = changed.num_rows() as u64;
            let evict = if context.mode == OutputMode::Complete || self.event_time.is_none() {
                None
            } else {
                context.evict_us
            };
            let closed = match evict {
                Some(watermark) => table.close(watermark)?,
                None => vec![],
            };
            stats.rows_removed = closed.iter().map(|b| b.num_rows() as u64).sum();
            stats.rows_total = table.rows() as u64;
            stats.bytes = table.bytes() as u64;
            let emitted = match context.mode {
                OutputMode::Append => closed,
                OutputMode::Update => vec![changed.clone()],
                OutputMode::Complete => table.all()?,
            };
            Ok((emitted, StateDelta::encode(&self.partial, &[changed], evict)?))
        })?;
        emitted
            .iter()
            .filter(|b| b.num_rows() > 0)
            .map(|b| self.evaluate(b))
            .collect()
    }

    /// Returns the rows that are not late. Dropped ones are counted as Spark does: once per key, since its partial
    /// merge makes one row of each key's.
    fn drop_late(
        &self,
        table: &StateTable,
        batch: RecordBatch,
        context: &BatchContext,
        stats: &mut StateStats,
    ) -> Result<RecordBatch> {
        let Some(late) = context
            .late_us
            .filter(|_| context.mode != OutputMode::Complete && self.event_time.is_some())
        else {
            return Ok(batch);
        };
        let keep: BooleanArray = self
            .closing(&batch)
            .into_iter()
            .map(|c| Some(c.is_none_or(|c| c > late)))
            .collect();
        let kept = filter_record_batch(&batch, &keep)?;
        if kept.num_rows() < batch.num_rows() {
            let dropped = filter_record_batch(&batch, &not(&keep)?)?;
            let keys = table.key_bytes(&dropped.columns()[..self.keys], dropped.num_rows())?;
            stats.rows_dropped = keys.groups().0.len() as u64;
        }
        Ok(kept)
    }

    /// Merges what arrived into the state, and returns one row per key: its old state and all that came.
    fn merge(&self, table: &mut StateTable, arrived: &RecordBatch) -> Result<RecordBatch> {
        let rows = arrived.num_rows();
        if rows == 0 {
            return Ok(RecordBatch::new_empty(self.partial.clone()));
        }
        let keys = table.key_bytes(&arrived.columns()[..self.keys], rows)?;
        let closing = self.closing(arrived);
        let (first, indices) = keys.groups();
        let total = first.len();
        let group_closing: Vec<Closing> = first.iter().map(|r| closing[*r as usize]).collect();
        let (found, old) = table.lookup(&group_closing, &keys, &first)?;
        let picked = UInt32Array::from(first.clone());
        let mut columns: Vec<ArrayRef> = arrived.columns()[..self.keys]
            .iter()
            .map(|c| take(c, &picked, None))
            .collect::<std::result::Result<_, _>>()?;
        columns.extend(self.merger.merge(
            &[
                Rows {
                    columns: &old.columns()[self.keys..],
                    groups: &found,
                },
                Rows {
                    columns: &arrived.columns()[self.keys..],
                    groups: &indices,
                },
            ],
            total,
        )?);
        let options = RecordBatchOptions::new().with_row_count(Some(total));
        let changed = RecordBatch::try_new_with_options(self.partial.clone(), columns, &options)?;
        table.upsert(&changed, &group_closing, &keys, &first)?;
        Ok(changed)
    }

    /// Turns state rows into result rows.
    fn evaluate(&self, state: &RecordBatch) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = state.columns()[..self.keys].to_vec();
        columns.extend(self.merger.evaluate(&state.columns()[self.keys..], state.num_rows())?);
        let options = RecordBatchOptions::new().with_row_count(Some(state.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.output.clone(),
            columns,
            &options,
        )?)
    }
}
