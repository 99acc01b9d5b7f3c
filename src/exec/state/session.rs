//! Session windows over a stream: sessions of a key that touch become one, in the batch and with the state.
//!
//! `SessionWindowStateStoreRestoreExec` → `MergingSessionsExec` → `SessionWindowStateStoreSaveExec`. The state holds
//! every open session of a key as a row: the other keys, start and end, and the partial aggregates. What arrives has
//! the same columns, one row per key and single-event session; a session that ends before the watermark leaves.
//!
//! ```text
//!  state      [09:00 ─── 09:20]            [10:00 ── 10:10]
//!  arrives                [09:15 ── 09:25]                       gap of 10 minutes
//!  merged     [09:00 ──────────── 09:25]   [10:00 ── 10:10]      the second is not written again
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, filter_record_batch, take};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion_expr::{Aggregate, Expr, LogicalPlan};
use hashbrown::HashSet;

use super::merge::{Merger, Rows};
use super::rows::{self, ClosesBy, RowId, RowTable};
use super::{Body, Operator, OperatorState, Restore, on_time, one};
use crate::error::{Result, SparkError};
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::event_time;
use crate::plan::nodes::{self, MergeSessions};
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::is_streaming;

/// Streaming aggregation over sessions (`SessionWindowStateStoreSaveExec`).
pub const OPERATOR: Operator = Operator {
    name: "sessionWindowStateStoreSaveExec",
    compile,
    analyze: None,
};

/// Compiles an aggregation of a stream that groups by sessions.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) if is_streaming(plan) => {
            let session = sessions_of(&aggregate.input)?;
            Some(compile_sessions(compiler, aggregate, session))
        }
        _ => None,
    }
}

/// Returns the sessions that an aggregation of a stream groups by; only projections and filters stand between.
pub fn sessions_of(plan: &LogicalPlan) -> Option<&MergeSessions> {
    match plan {
        LogicalPlan::Extension(_) => nodes::of::<MergeSessions>(plan).map(|(sessions, _)| sessions),
        LogicalPlan::Projection(p) if is_streaming(plan) => sessions_of(&p.input),
        LogicalPlan::Filter(f) => sessions_of(&f.input),
        _ => None,
    }
}

/// Puts the aggregation into a stage: partial rows, exchanged by the keys other than the session, merged into the
/// state.
fn compile_sessions(compiler: &mut dyn Compiler, aggregate: &Aggregate, session: &MergeSessions) -> Result<Plan> {
    let keys = aggregate.group_expr.len();
    let partial = compiler.partial_aggregate(aggregate)?;
    let schema = partial.plan.schema();
    let position = |id: &String| {
        let mut groups = aggregate.group_expr.iter();
        let found = groups.position(|e| matches!(e, Expr::Column(c) if c.name == *id));
        found.ok_or_else(|| SparkError::internal("sessions are not grouped by their bounds"))
    };
    let (start, end) = (position(&session.start)?, position(&session.end)?);
    let event_time = event_time::event_times(&aggregate.input).contains_key(&session.end);
    let others = (0..keys).filter(|k| *k != start && *k != end);
    let input = compiler.exchange_by(partial.plan, others);
    let state = Arc::new(StateSession {
        operator: compiler.next_operator(),
        keys,
        start,
        end,
        merger: partial.merger,
        partial: schema,
        output: partial.output,
        event_time,
        shift_us: event_time::watermark_shift(&aggregate.input),
    });
    compiler.add_operator(StatefulOperator {
        name: OPERATOR.name,
        kind: state.clone(),
        partitions: partitions(&input),
        wakes: Wakes::by_watermark(event_time),
        counts_duplicates: false,
    });
    Ok(state.plan(input))
}

/// A streaming aggregation over sessions of one partition of keys.
#[derive(Debug, Clone)]
pub struct StateSession {
    /// Its name within the query.
    pub operator: OperatorId,
    /// Grouping columns as they arrive and leave.
    pub keys: usize,
    /// Grouping column with a session's start.
    pub start: usize,
    /// Grouping column with a session's end.
    pub end: usize,
    /// Merges partial states and turns them into values.
    pub merger: Merger,
    /// Keys and partial states.
    pub partial: SchemaRef,
    /// Keys and values.
    pub output: SchemaRef,
    /// Whether the sessions are of a watermarked event time.
    pub event_time: bool,
    /// The watermark here, relative to the query's; `None` if the operators below pass none on.
    pub shift_us: Option<i64>,
}

/// What merging made: rows in the state's order, and which state rows they replace.
struct Merged {
    /// Sessions after merging.
    rows: RecordBatch,
    /// Which of them are new or changed; the others are not written again.
    changed: BooleanArray,
    /// Rows of the state that changed sessions took in.
    replaced: Vec<RowId>,
}

impl Restore for StateSession {
    fn empty(&self) -> Result<OperatorState> {
        let order = self.state_order();
        let end = order.iter().position(|c| *c == self.end).unwrap_or_default();
        let closes_by = self.event_time.then_some(ClosesBy {
            column: end,
            plus_us: 0,
        });
        let table = RowTable::new(self.state_schema(), self.keys - 2, closes_by)?;
        Ok(OperatorState::new(Body::Rows(vec![table])))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        let tables = state.body.sides::<1>()?;
        deltas.iter().try_for_each(|delta| rows::apply(tables, delta))
    }
}

impl StateSession {
    /// Returns the operator over its input.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let name = format!("StateSession: keys={}", self.keys);
        let schema = self.output.clone();
        Transform::stateful(self.operator, name, input, schema, move |batches, inputs| {
            Ok(self.run(&batches, inputs)?)
        })
    }

    /// Returns the columns of `partial` in the state's order: the other keys, start, end, partial states.
    fn state_order(&self) -> Vec<usize> {
        (0..self.keys)
            .filter(|c| *c != self.start && *c != self.end)
            .chain([self.start, self.end])
            .chain(self.keys..self.partial.fields().len())
            .collect()
    }

    /// Returns the state's columns.
    fn state_schema(&self) -> SchemaRef {
        let fields: Vec<_> = self
            .state_order()
            .iter()
            .map(|c| self.partial.fields()[*c].clone())
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Runs one batch: drops what is late, merges sessions, closes those that the watermark has passed, and returns
    /// them.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        let emitted = inputs.with_state(self.operator, self.shift_us, self, |context, body, stats| {
            let [table] = body.sides::<1>()?;
            let complete = context.mode == OutputMode::Complete;
            let arrived = one(&self.partial, batches)?;
            let late_us = context.late_us.filter(|_| self.event_time && !complete);
            let (arrived, dropped) = on_time(arrived, self.end, late_us)?;
            stats.rows_dropped = dropped;
            if arrived.num_rows() > 0 {
                let merged = self.merge(table, &arrived.project(&self.state_order())?)?;
                stats.rows_updated = merged.rows.num_rows() as u64;
                table.remove(&merged.replaced)?;
                table.append(&filter_record_batch(&merged.rows, &merged.changed)?)?;
            }
            let mut emitted = RecordBatch::new_empty(self.state_schema());
            if complete {
                emitted = table.take(&table.ids())?;
            } else if let Some(watermark) = context.evict_us {
                (_, emitted) = table.close(watermark)?;
                stats.rows_removed = emitted.num_rows() as u64;
            }
            stats.rows_total = table.rows() as u64;
            stats.bytes = table.bytes() as u64;
            stats.wakes_at_us = table.closes_at();
            Ok((emitted, rows::settled(context, [table])?))
        })?;
        if emitted.num_rows() == 0 {
            return Ok(vec![]);
        }
        Ok(vec![self.evaluate(&emitted)?])
    }

    /// Puts arrived sessions together with those of the state under the same keys.
    fn merge(&self, table: &RowTable, arrived: &RecordBatch) -> Result<Merged> {
        let touched = table.key_bytes(arrived)?;
        let touched: HashSet<&[u8]> = touched.iter().flatten().collect();
        let mut old: Vec<RowId> = touched.iter().flat_map(|key| table.of_key(key)).copied().collect();
        old.sort_unstable();
        let all = concat_batches(&self.state_schema(), [&table.take(&old)?, arrived])?;
        let (start, end) = (self.keys - 2, self.keys - 1);
        let (starts, ends) = (micros(&all, start)?, micros(&all, end)?);
        let keys = table.key_bytes(&all)?;
        let mut order: Vec<usize> = (0..all.num_rows()).collect();
        order.sort_by(|a, b| (keys.value(*a), starts.value(*a), a).cmp(&(keys.value(*b), starts.value(*b), b)));
        let (mut first, mut groups) = (Vec::new(), vec![0; order.len()]);
        let (mut new_starts, mut new_ends, mut changed, mut replaced) = (vec![], vec![], vec![], vec![]);
        let mut at = 0;
        while at < order.len() {
            let (from, mut to, mut next) = (starts.value(order[at]), ends.value(order[at]), at + 1);
            while next < order.len()
                && keys.value(order[next]) == keys.value(order[at])
                && starts.value(order[next]) <= to
            {
                to = to.max(ends.value(order[next]));
                next += 1;
            }
            let members = &order[at..next];
            let same = matches!(members, [row] if *row < old.len());
            for row in members {
                groups[*row] = first.len();
                if *row < old.len() && !same {
                    replaced.push(old[*row]);
                }
            }
            first.push(order[at] as u32);
            new_starts.push(from);
            new_ends.push(to);
            changed.push(!same);
            at = next;
        }
        let total = first.len();
        let picked = UInt32Array::from(first);
        let mut columns: Vec<ArrayRef> = all.columns()[..start]
            .iter()
            .map(|c| take(c, &picked, None))
            .collect::<std::result::Result<_, _>>()?;
        columns.push(instants(new_starts, all.column(start).data_type()));
        columns.push(instants(new_ends, all.column(end).data_type()));
        let states = Rows {
            columns: &all.columns()[self.keys..],
            groups: &groups,
        };
        columns.extend(self.merger.merge(&[states], total)?);
        Ok(Merged {
            rows: RecordBatch::try_new(self.state_schema(), columns)?,
            changed: changed.into(),
            replaced,
        })
    }

    /// Turns state rows into result rows, the keys in their own order.
    fn evaluate(&self, state: &RecordBatch) -> Result<RecordBatch> {
        let order = self.state_order();
        let mut columns: Vec<ArrayRef> = (0..self.keys)
            .map(|key| {
                let at = order.iter().position(|c| *c == key).unwrap_or_default();
                state.column(at).clone()
            })
            .collect();
        columns.extend(self.merger.evaluate(&state.columns()[self.keys..], state.num_rows())?);
        Ok(RecordBatch::try_new(self.output.clone(), columns)?)
    }
}

/// Returns a bound of sessions.
///
/// # Errors
/// `INTERNAL_ERROR` if the column is not one of timestamps.
fn micros(batch: &RecordBatch, column: usize) -> Result<TimestampMicrosecondArray> {
    let times = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>();
    times
        .cloned()
        .ok_or_else(|| SparkError::internal("a session's bound is not a timestamp"))
}

/// Returns timestamps of a type.
fn instants(us: Vec<i64>, data_type: &DataType) -> ArrayRef {
    let zone = if let DataType::Timestamp(_, zone) = data_type {
        zone.clone()
    } else {
        None
    };
    Arc::new(TimestampMicrosecondArray::from(us).with_timezone_opt(zone))
}
