//! Stateful aggregation: merges a batch's partial aggregates into the state and emits by output mode.
//!
//! One step of `StateStoreRestore → merge → StateStoreSave → final` of Spark's physical plan. Cost grows with the keys
//! that a batch touches, not with the state, except in complete mode, which emits all of it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use datafusion_expr::{EmitTo, GroupsAccumulator};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_physical_plan::ExecutionPlan;

use super::{Closing, StateDelta, StateTable, one};
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, OutputMode, StateStats, TaskInputs};
use crate::exec::transform::Transform;

/// How a key's closing time follows from its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeKey {
    /// Key column with the window's start, or the event time itself.
    pub column: usize,
    /// Added to it: the window's length; 0 for a plain event time.
    pub plus_us: i64,
}

/// A streaming aggregation.
#[derive(Debug, Clone)]
pub struct StateAggregate {
    /// Number of the stateful operator within its query.
    pub operator: usize,
    pub keys: usize,
    pub event_time: Option<EventTimeKey>,
    pub aggregates: Vec<Arc<AggregateFunctionExpr>>,
    /// Keys and partial states: what arrives, and what the state holds.
    pub partial: SchemaRef,
    /// Keys and values: what leaves.
    pub output: SchemaRef,
}

impl StateAggregate {
    pub fn plan(self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let (schema, name) = (
            self.output.clone(),
            format!("StateAggregate: operator={} keys={}", self.operator, self.keys),
        );
        let operator = Arc::new(self);
        Transform::whole(name, input, schema, move |batches, inputs| {
            Ok(operator.run(&batches, inputs)?)
        })
    }

    /// When each row closes.
    pub fn closing(&self, batch: &RecordBatch) -> Vec<Closing> {
        match self.event_time {
            None => vec![None; batch.num_rows()],
            Some(key) => match batch.column(key.column).data_type() {
                DataType::Timestamp(..) => {
                    let times = batch.column(key.column).as_primitive::<TimestampMicrosecondType>();
                    times.iter().map(|t| t.map(|t| t.saturating_add(key.plus_us))).collect()
                }
                _ => vec![None; batch.num_rows()],
            },
        }
    }

    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        let context = inputs
            .batch
            .as_ref()
            .ok_or_else(|| SparkError::internal("a stateful operator runs outside a micro-batch"))?;
        let mut states = inputs.states();
        let table = match states.entry(self.operator) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(StateTable::new(self.partial.clone(), self.keys)?)
            }
        };
        let mut stats = StateStats::default();
        let arrived = one(&self.partial, batches)?;
        let arrived = self.drop_late(arrived, context, &mut stats)?;
        let (changed, closing, keys) = self.merge(table, &arrived)?;
        stats.rows_updated = changed.num_rows() as u64;
        table.upsert(&changed, &closing, keys)?;
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
        table.version = context.batch_id;
        let emitted = match context.mode {
            OutputMode::Append => closed,
            OutputMode::Update => vec![changed.clone()],
            OutputMode::Complete => table.all()?,
        };
        let delta = StateDelta::encode(&self.partial, std::slice::from_ref(&changed), evict)?;
        inputs.state_deltas().insert(self.operator, delta);
        inputs.report().state.insert(self.operator, stats);
        emitted
            .iter()
            .filter(|b| b.num_rows() > 0)
            .map(|b| self.evaluate(b))
            .collect()
    }

    fn drop_late(&self, batch: RecordBatch, context: &BatchContext, stats: &mut StateStats) -> Result<RecordBatch> {
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
        stats.rows_dropped = (batch.num_rows() - kept.num_rows()) as u64;
        Ok(kept)
    }

    /// One row per key that arrived: its old state and all that came, merged.
    fn merge(&self, table: &StateTable, arrived: &RecordBatch) -> Result<(RecordBatch, Vec<Closing>, Vec<Box<[u8]>>)> {
        let rows = arrived.num_rows();
        let keys = table.key_bytes(&arrived.columns()[..self.keys], rows)?;
        let closing = self.closing(arrived);
        let mut groups: HashMap<&[u8], usize> = HashMap::with_capacity(rows);
        let mut first: Vec<u32> = Vec::new();
        let mut indices: Vec<usize> = Vec::with_capacity(rows);
        for (row, key) in keys.iter().enumerate() {
            let next = first.len();
            let group = *groups.entry(key).or_insert(next);
            if group == next {
                first.push(row as u32);
            }
            indices.push(group);
        }
        let total = first.len();
        let group_closing: Vec<Closing> = first.iter().map(|r| closing[*r as usize]).collect();
        let group_keys: Vec<Box<[u8]>> = first.iter().map(|r| keys[*r as usize].clone()).collect();
        let (found, old) = table.lookup(&group_closing, &group_keys)?;
        let picked = UInt32Array::from(first);
        let mut columns: Vec<ArrayRef> = arrived.columns()[..self.keys]
            .iter()
            .map(|c| take(c, &picked, None))
            .collect::<std::result::Result<_, _>>()?;
        let mut at = self.keys;
        for (aggregate, width) in self.widths()? {
            let mut accumulator = accumulator(aggregate)?;
            if old.num_rows() > 0 {
                accumulator.merge_batch(&old.columns()[at..at + width], &found, total)?;
            }
            accumulator.merge_batch(&arrived.columns()[at..at + width], &indices, total)?;
            columns.extend(accumulator.state(EmitTo::All)?);
            at += width;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(total));
        Ok((
            RecordBatch::try_new_with_options(self.partial.clone(), columns, &options)?,
            group_closing,
            group_keys,
        ))
    }

    /// State rows to result rows.
    fn evaluate(&self, state: &RecordBatch) -> Result<RecordBatch> {
        let rows = state.num_rows();
        let indices: Vec<usize> = (0..rows).collect();
        let mut columns: Vec<ArrayRef> = state.columns()[..self.keys].to_vec();
        let mut at = self.keys;
        for (aggregate, width) in self.widths()? {
            let mut accumulator = accumulator(aggregate)?;
            accumulator.merge_batch(&state.columns()[at..at + width], &indices, rows)?;
            columns.push(accumulator.evaluate(EmitTo::All)?);
            at += width;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            self.output.clone(),
            columns,
            &options,
        )?)
    }

    fn widths(&self) -> Result<Vec<(&Arc<AggregateFunctionExpr>, usize)>> {
        self.aggregates
            .iter()
            .map(|a| Ok((a, a.state_fields()?.len())))
            .collect()
    }
}

fn accumulator(aggregate: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if aggregate.groups_accumulator_supported() {
        return Ok(aggregate.create_groups_accumulator()?);
    }
    let aggregate = aggregate.clone();
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || {
        aggregate.create_accumulator()
    })))
}
