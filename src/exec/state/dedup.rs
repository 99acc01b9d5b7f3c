//! `dropDuplicates` on a stream: the keys seen so far are the state.
//!
//! `StreamingDeduplicateExec` and `StreamingDeduplicateWithinWatermarkExec`: the first row of a key goes through, later
//! ones are left out. If the event time is part of the key, a key is forgotten when the watermark passes it; within the
//! watermark, when it passes the first row's time plus the delay; else never. Nulls are equal, and a null time never
//! ends.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion_expr::LogicalPlan;
use hashbrown::HashSet;

use super::rows::{self, ClosesBy, RowTable};
use super::{Body, Operator, OperatorState, Restore, on_time, one, times};
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::event_time;
use crate::plan::nodes::{self, Deduplicate};

/// `dropDuplicates` and `dropDuplicatesWithinWatermark` on a stream.
pub const OPERATOR: Operator = Operator {
    name: "dedupe",
    compile,
    analyze: None,
};

/// Compiles a deduplication of a stream.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    let (node, input) = nodes::of::<Deduplicate>(plan)?;
    Some(compile_dedup(compiler, node, input))
}

/// Puts the deduplication into a stage: rows exchanged by key, then checked against the state.
fn compile_dedup(compiler: &mut dyn Compiler, node: &Deduplicate, input: &LogicalPlan) -> Result<Plan> {
    let rows = compiler.plan(input)?;
    let schema = rows.schema();
    let keys = node.keys.iter().map(|k| Ok(schema.index_of(k)?));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let rows = compiler.exchange_by(rows, keys.iter().copied());
    let times = event_time::event_times(input);
    // Of several event times the one in the key ends it.
    let mut columns = keys.iter().copied().chain(0..schema.fields().len());
    let event_time = columns.find(|i| times.get(schema.field(*i).name()) == Some(&0));
    let within_us = node.within_watermark.then(|| event_time::delay_us(input)).flatten();
    let state = Arc::new(StateDedup {
        operator: compiler.next_operator(),
        schema,
        keys,
        event_time,
        within_us,
        shift_us: event_time::watermark_shift(input),
    });
    compiler.add_operator(StatefulOperator {
        name: if within_us.is_some() {
            WITHIN_WATERMARK
        } else {
            OPERATOR.name
        },
        kind: state.clone(),
        partitions: partitions(&rows),
        wakes: Wakes::by_watermark(event_time.is_some()),
        counts_duplicates: true,
    });
    Ok(state.plan(rows))
}

/// The name under which progress reports `dropDuplicatesWithinWatermark`.
const WITHIN_WATERMARK: &str = "dedupeWithinWatermark";

/// A streaming deduplication over one partition of keys.
#[derive(Debug, Clone)]
pub struct StateDedup {
    /// Its name within the query.
    pub operator: OperatorId,
    /// What arrives and leaves.
    pub schema: SchemaRef,
    /// Columns that make a row's key.
    pub keys: Vec<usize>,
    /// The event time by which late rows are judged.
    pub event_time: Option<usize>,
    /// Keeps a key for this long after its first event time; `None` keeps it by the event time in the key, if it has
    /// one.
    pub within_us: Option<i64>,
    /// The watermark here, relative to the query's; `None` if the operators below pass none on.
    pub shift_us: Option<i64>,
}

impl Restore for StateDedup {
    fn empty(&self) -> Result<OperatorState> {
        let closes_by = match self.within_us {
            Some(_) => Some(ClosesBy {
                column: self.keys.len(),
                plus_us: 0,
            }),
            None => self
                .event_time
                .and_then(|time| self.keys.iter().position(|k| *k == time))
                .map(|column| ClosesBy { column, plus_us: 0 }),
        };
        let table = RowTable::new(self.kept(), self.keys.len(), closes_by)?;
        Ok(OperatorState::new(Body::Rows(vec![table])))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        let tables = state.body.sides::<1>()?;
        deltas.iter().try_for_each(|delta| rows::apply(tables, delta))
    }
}

impl StateDedup {
    /// Returns the operator over its input.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let name = format!("StateDedup: keys={}", self.keys.len());
        let schema = self.schema.clone();
        Transform::stateful(self.operator, name, input, schema, move |batches, inputs| {
            Ok(self.run(&batches, inputs)?)
        })
    }

    /// Returns the state's columns: keys, and when they expire.
    fn kept(&self) -> SchemaRef {
        let mut fields: Vec<Arc<Field>> = self.keys.iter().map(|k| self.schema.fields()[*k].clone()).collect();
        if self.within_us.is_some() {
            let time = DataType::Timestamp(TimeUnit::Microsecond, None);
            fields.push(Arc::new(Field::new("#expires", time, true)));
        }
        Arc::new(Schema::new(fields))
    }

    /// Runs one batch: drops what is late, lets through first rows of new keys, and forgets keys that have expired.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        inputs.with_state(self.operator, self.shift_us, self, |context, body, stats| {
            let [table] = body.sides::<1>()?;
            let batch = one(&self.schema, batches)?;
            let late_us = context.late_us.filter(|_| self.event_time.is_some());
            let (batch, dropped) = on_time(batch, self.event_time.unwrap_or_default(), late_us)?;
            stats.rows_dropped = dropped;
            let seen = self.seen(&batch)?;
            let keys = table.key_bytes(&seen)?;
            let mut fresh: HashSet<&[u8]> = HashSet::new();
            let first: UInt32Array = (0..)
                .zip(keys.iter().flatten())
                .filter(|(_, key)| table.of_key(key).is_empty() && fresh.insert(key))
                .map(|(row, _)| row)
                .collect();
            stats.rows_updated = first.len() as u64;
            stats.rows_duplicate = (batch.num_rows() - first.len()) as u64;
            let out = take_record_batch(&batch, &first)?;
            table.append(&take_record_batch(&seen, &first)?)?;
            if let Some(watermark) = context.evict_us {
                let (_, gone) = table.close(watermark)?;
                stats.rows_removed = gone.num_rows() as u64;
            }
            stats.rows_total = table.rows() as u64;
            stats.bytes = table.bytes() as u64;
            stats.wakes_at_us = table.closes_at();
            Ok((vec![out], rows::settled(context, [table])?))
        })
    }

    /// Returns rows of the state for a batch: its keys, and when each expires (in whole milliseconds, as Spark keeps
    /// it).
    fn seen(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = self.keys.iter().map(|k| batch.column(*k).clone()).collect();
        if let (Some(within), Some(time)) = (self.within_us, self.event_time) {
            // Spark keeps the expiry in whole milliseconds.
            let expires = times(batch.column(time), 0).into_iter();
            let expires: TimestampMicrosecondArray = expires
                .map(|us| us.map(|us| us.div_euclid(1000).saturating_mul(1000).saturating_add(within)))
                .collect();
            columns.push(Arc::new(expires));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.kept(), columns, &options)?)
    }
}
