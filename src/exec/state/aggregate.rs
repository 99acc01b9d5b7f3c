//! Stateful aggregation: takes a batch's rows into the state and emits by output mode.
//!
//! One step of `StateStoreRestore → merge → StateStoreSave → final` of Spark's physical plan. Cost grows with the rows
//! of a batch and the keys that it touches, not with the state, except in complete mode, which emits all of it.
//!
//! | mode | emits | state closes |
//! |------|-------|--------------|
//! | append | groups that the watermark has passed | with the watermark |
//! | update | groups that the batch changed | with the watermark, if event time is a key |
//! | complete | all groups | never |
//!
//! ```text
//! no row moves between tasks    rows ───────────────────────────▶ state
//! else                          rows ─ aggregated by task ═ by key ═▶ state
//! ```

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion_expr::{Aggregate, LogicalPlan};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::utils::collect_columns;

use super::merge::Merger;
use super::table::{Arrived, Layout, PaneOf, StateTable, Values};
use super::{Body, Operator, OperatorState, Restore, cells, one, session};
use crate::error::{Result, SparkError};
use crate::exec::codes::with_codes;
use crate::exec::compiler::{Compiler, Grouping, Plan, partitions};
use crate::exec::inputs::TaskInputs;
use crate::exec::stage::{Output, StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::event_time;
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

/// Puts the aggregation into a stage: rows, or what the tasks before made of them, exchanged by key, merged into the state.
fn compile_aggregate(compiler: &mut dyn Compiler, aggregate: &Aggregate) -> Result<Plan> {
    let keys = aggregate.group_expr.len();
    let first = compiler.partial_aggregate(aggregate)?;
    let schema = first.plan.schema();
    let event_time = event_time::event_time_key(aggregate);
    let is_time = |column: &usize| matches!(schema.field(*column).data_type(), DataType::Timestamp(..));
    let pane = match (first.panes, event_time) {
        (Some((column, _)), _) => PaneOf::Time(column),
        (None, Some(key)) if is_time(&key.column) => PaneOf::Time(key.column),
        (None, Some(key)) => PaneOf::End(key.column),
        (None, None) => PaneOf::One,
    };
    let layout = Layout {
        schema,
        keys,
        pane,
        windows: first.panes.map(|(_, windows)| windows),
        closes_after_us: event_time.map(|key| key.plus_us),
    };
    let of_rows = keys > 0 && first.merger.functions.iter().all(|f| cells::plain(f).is_some());
    let moves = partitions(&first.rows.input) > 1 || compiler.shuffle_partitions() > 1;
    let (input, rows) = if of_rows && !moves {
        let rows = first.rows.with_codes();
        (rows.input.clone(), Some(rows))
    } else {
        let partial = if of_rows {
            in_task(layout.clone(), first.merger.clone(), first.rows.with_codes())
        } else {
            first.plan
        };
        (exchange(compiler, partial, &layout), None)
    };
    let state = Arc::new(StateAggregate {
        operator: compiler.next_operator(),
        rows,
        merger: first.merger,
        layout,
        output: first.output,
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

/// Brings partial aggregates together by their keys. Panes of one window meet where their other keys do.
fn exchange(compiler: &mut dyn Compiler, partial: Plan, layout: &Layout) -> Plan {
    let PaneOf::Time(pane) = layout.pane else {
        return compiler.exchange_by(partial, 0..layout.keys);
    };
    if layout.windows.is_none() {
        return compiler.exchange_by(partial, 0..layout.keys);
    }
    if layout.keys > 1 {
        return compiler.exchange_by(partial, (0..layout.keys).filter(|key| *key != pane));
    }
    let partitions = compiler.shuffle_partitions();
    compiler.exchange(
        partial,
        Output::Hash {
            keys: vec![],
            partitions,
        },
    )
}

/// Returns the operator that aggregates the rows of a task before they are exchanged: a state that lives as long as the task.
fn in_task(layout: Layout, merger: Merger, rows: Grouping) -> Plan {
    let (input, schema) = (rows.input.clone(), layout.schema.clone());
    let layout = Layout {
        // Each pane leaves as it is.
        windows: None,
        closes_after_us: None,
        ..layout
    };
    // It has keys: without rows there are no groups.
    Transform::quiet(Transform::whole(
        "PartialAggregate",
        input,
        schema,
        move |batches, _| {
            let mut table = StateTable::new(layout.clone(), cells::of(&merger)?)?;
            for batch in &batches {
                table.take_in(&rows.arrived(batch)?, None)?;
            }
            Ok(table.all()?)
        },
    ))
}

impl Grouping {
    /// Returns it over rows whose text keeps its codes where it is a key and nothing else.
    fn with_codes(self) -> Self {
        let index = |key: &Arc<dyn PhysicalExpr>| {
            let any: &dyn Any = key.as_ref();
            any.downcast_ref::<Column>().map(Column::index)
        };
        let columns: BTreeSet<usize> = self.keys.iter().filter_map(index).collect();
        let computed = self.keys.iter().filter(|key| index(key).is_none());
        let asked = self.functions.iter().flat_map(|f| f.values.iter().chain(&f.filter));
        let read = computed.chain(asked).flat_map(collect_columns);
        let read: BTreeSet<usize> = read.map(|column| column.index()).collect();
        match with_codes(&self.input, &(&columns - &read)) {
            Some(input) => Self { input, ..self },
            None => self,
        }
    }

    /// Returns the keys and the functions' arguments of rows.
    fn arrived(&self, batch: &RecordBatch) -> Result<Arrived> {
        let rows = batch.num_rows();
        let column = |e: &Arc<dyn PhysicalExpr>| -> Result<ArrayRef> { Ok(e.evaluate(batch)?.into_array(rows)?) };
        let keys = self.keys.iter().map(column).collect::<Result<_>>()?;
        let functions = self.functions.iter().map(|asked| {
            let arguments = asked.values.iter().map(column).collect::<Result<Vec<_>>>()?;
            let filter = asked
                .filter
                .as_ref()
                .map(|f| column(f).and_then(as_filter))
                .transpose()?;
            Ok((arguments, filter))
        });
        let values = Values::Rows(functions.collect::<Result<_>>()?);
        Ok(Arrived { keys, values, rows })
    }
}

/// Returns a filter's column as booleans.
fn as_filter(column: ArrayRef) -> Result<BooleanArray> {
    let booleans = column.as_boolean_opt().cloned();
    booleans.ok_or_else(|| SparkError::internal("a filter is not boolean"))
}

/// A streaming aggregation over one partition of keys.
#[derive(Debug, Clone)]
pub struct StateAggregate {
    /// Number of the stateful operator within its query.
    pub operator: OperatorId,
    /// What is asked of each row that arrives; `None` if partial aggregates arrive.
    pub rows: Option<Grouping>,
    /// Merges partial states and turns them into values.
    pub merger: Merger,
    /// What the state holds: keys and partial states, and when they close.
    pub layout: Layout,
    /// Keys and values: what leaves.
    pub output: SchemaRef,
    /// The watermark here, relative to the query's; `None` if the operators below pass none on.
    pub shift_us: Option<i64>,
}

impl Restore for StateAggregate {
    fn empty(&self) -> Result<OperatorState> {
        let table = StateTable::new(self.layout.clone(), cells::of(&self.merger)?)?;
        Ok(OperatorState::new(Body::Table(Box::new(table))))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        state.body.table()?.load(deltas)
    }
}

impl StateAggregate {
    /// Returns the operator over its input.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let name = format!("StateAggregate: keys={}", self.layout.keys);
        let schema = self.output.clone();
        Transform::stateful(self.operator, name, input, schema, move |batches, inputs| {
            Ok(self.run(&batches, inputs)?)
        })
    }

    /// Runs one batch: drops what is late, merges the rest into the state, closes groups, and returns what the mode
    /// emits.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        let emitted = inputs.with_state(self.operator, self.shift_us, self, |context, body, stats| {
            let table = body.table()?;
            let closes = self.layout.closes_after_us.is_some() && context.mode != OutputMode::Complete;
            let late = context.late_us.filter(|_| closes);
            for batch in batches.iter().filter(|b| b.num_rows() > 0) {
                let arrived = match &self.rows {
                    Some(rows) => rows.arrived(batch)?,
                    None => Arrived::partial(batch, self.layout.keys),
                };
                table.take_in(&arrived, late)?;
            }
            stats.rows_dropped = table.late_rows();
            stats.rows_updated = table.changed_rows();
            let evict = context.evict_us.filter(|_| closes);
            let changed = match context.mode {
                OutputMode::Update => table.changed()?,
                _ => vec![],
            };
            let delta = table.settled(context, evict)?;
            let closed = match evict {
                Some(watermark) => table.close(watermark)?,
                None => vec![],
            };
            stats.rows_total = table.rows() as u64;
            stats.rows_removed = closed.iter().map(|b| b.num_rows() as u64).sum();
            stats.bytes = table.bytes() as u64;
            // Without keys there is a row for every batch, also of no rows.
            if self.layout.keys > 0 {
                stats.wakes_at_us = table.closes_at();
            }
            let emitted = match context.mode {
                OutputMode::Append => closed,
                OutputMode::Update => changed,
                OutputMode::Complete => table.all()?,
            };
            Ok((emitted, delta))
        })?;
        match one(&self.layout.schema, &emitted)? {
            rows if rows.num_rows() == 0 => Ok(vec![]),
            rows => Ok(vec![self.evaluate(&rows)?]),
        }
    }

    /// Turns state rows into result rows.
    fn evaluate(&self, state: &RecordBatch) -> Result<RecordBatch> {
        let (keys, states) = state.columns().split_at(self.layout.keys);
        let mut columns = keys.to_vec();
        columns.extend(self.merger.evaluate(states, state.num_rows())?);
        let options = RecordBatchOptions::new().with_row_count(Some(state.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.output.clone(),
            columns,
            &options,
        )?)
    }
}
