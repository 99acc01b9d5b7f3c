//! Functions of the user's over groups, with state of their own: `FlatMapGroupsWithStateExec`,
//! `TransformWithStateExec`.
//!
//! The state of a group is a handful of entries: (variable, entry, value, expiry), whose first and third only the
//! function's host understands. A group state has one entry, whose expiry is its timeout; a processor has one per
//! value, list element or map entry (expiry: its time to live), and one per timer. So a batch writes what it changed of
//! a large list or map, and not all of it. The host gets every group that has rows, or an entry that is due, with its
//! entries, in the order of the keys, and answers with rows and changed entries. In Spark's words: groups with data
//! come first, then those whose timeout is before the batch's time or the watermark.
//!
//! ```text
//!  rows ──by key──▶ ┌ group: key, rows, entries ┐                ┌▶ rows that leave
//!  tables ──due───▶ └ group: key,  –  , entries ┘ ──call_groups──┤
//!    ▲   0: values  1: timers                                    └▶ changes: (group, variable, entry, …, removed)
//!    └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! In a batch query every group is new, and what it leaves is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use datafusion_expr::LogicalPlan;

use super::rows::{self, ClosesBy, RowId, RowTable};
use super::{Body, Operator, OperatorState, Restore, on_time, one};
use crate::error::{Exception, Result, SparkError};
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::decode;
use crate::exec::inputs::{StateStats, TaskInputs};
use crate::exec::program::{FunctionId, GroupAnswer, GroupCall};
use crate::exec::stage::{StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::map_groups::{Kind, MapGroups, Named, Timeout};
use crate::plan::scan::is_streaming;
use crate::plan::{event_time, nodes};
use crate::values::ipc;

/// The variable whose entries are a processor's timers.
pub const TIMERS: &str = "#timers";

/// A user's function over groups, on a stream or a batch.
pub const OPERATOR: Operator = Operator {
    name: "flatMapGroupsWithState",
    compile,
    analyze: None,
};

/// The name under which progress reports a stateful processor.
const PROCESSOR: &str = "transformWithStateExec";

/// Compiles a function over groups, of a stream or a batch.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    let (node, input) = nodes::of::<MapGroups>(plan)?;
    Some(compile_groups(compiler, node, input))
}

/// Puts the function into a stage: rows exchanged by key, then groups made and handed to the host.
fn compile_groups(compiler: &mut dyn Compiler, node: &MapGroups, input: &LogicalPlan) -> Result<Plan> {
    let streaming = is_streaming(input);
    let rows = compiler.plan(input)?;
    let schema = rows.schema();
    let columns = |named: &[Named]| -> Result<Vec<(usize, String)>> {
        let found = named.iter().map(|n| Ok((schema.index_of(&n.id)?, n.name.clone())));
        found.collect()
    };
    let (keys, values) = (columns(&node.keys)?, columns(&node.values)?);
    let rows = compiler.exchange_by(rows, keys.iter().map(|(k, _)| *k));
    let times = event_time::event_times(input);
    let event_time = (0..schema.fields().len()).find(|i| times.get(schema.field(*i).name()) == Some(&0));
    let state = Arc::new(StateGroups {
        operator: streaming.then(|| compiler.next_operator()),
        function: compiler.function(&node.function),
        kind: node.kind,
        timeout: node.timeout,
        input: schema,
        keys,
        values,
        event_time,
        output: Arc::new(Schema::new(node.output.clone())),
        shift_us: event_time::watermark_shift(input),
    });
    if streaming {
        compiler.add_operator(StatefulOperator {
            name: match node.kind {
                Kind::FlatMap { .. } | Kind::Map => OPERATOR.name,
                Kind::Transform => PROCESSOR,
            },
            kind: state.clone(),
            partitions: partitions(&rows),
            wakes: match node.timeout {
                Timeout::None => Wakes::Never,
                Timeout::ProcessingTime => Wakes::ByClock,
                Timeout::EventTime => Wakes::ByWatermark,
            },
            counts_duplicates: false,
        });
    }
    Ok(state.plan(rows))
}

/// A function over groups of one partition of keys.
#[derive(Debug, Clone)]
pub struct StateGroups {
    /// Its name among the stateful operators; `None` in a batch query.
    pub operator: Option<OperatorId>,
    /// Its number among the plan's functions.
    pub function: usize,
    /// Which of the user's functions it is.
    pub kind: Kind,
    /// By which time entries are due.
    pub timeout: Timeout,
    /// What arrives.
    pub input: SchemaRef,
    /// Columns of the input that make the key, with their names for the function.
    pub keys: Vec<(usize, String)>,
    /// Columns of the input that make a row as the function sees it, with their names for it.
    pub values: Vec<(usize, String)>,
    /// The event time of what arrives, by which late rows are left out.
    pub event_time: Option<usize>,
    /// What leaves.
    pub output: SchemaRef,
    /// The watermark here, relative to the query's; `None` if the operators below pass none on.
    pub shift_us: Option<i64>,
}

/// Returns the columns of an entry: which variable of the group's, which of its entries, the value, and when it
/// expires.
pub fn entry_fields() -> Vec<Field> {
    vec![
        Field::new("#variable", DataType::Utf8, false),
        Field::new("#entry", DataType::Binary, false),
        Field::new("#value", DataType::Binary, true),
        Field::new("#expires", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]
}

impl Restore for StateGroups {
    fn empty(&self) -> Result<OperatorState> {
        let schema = self.kept();
        let expires = ClosesBy {
            column: self.keys.len() + 3,
            plus_us: 0,
        };
        let table = || RowTable::new(schema.clone(), self.keys.len(), Some(expires));
        Ok(OperatorState::new(Body::Rows(vec![table()?, table()?])))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        let tables = state.body.sides::<2>()?;
        deltas.iter().try_for_each(|delta| rows::apply(tables, delta))
    }
}

/// Groups that a function is called for, in the order of their keys.
#[derive(Default)]
struct Groups {
    /// By key: rows of the batch.
    rows: BTreeMap<Box<[u8]>, Vec<u32>>,
}

/// Entries of the groups as the function gets them, and where each is.
struct Entries {
    /// Keys, then the columns of [`entry_fields`].
    batch: RecordBatch,
    /// How many entries each group has.
    counts: Vec<u32>,
    /// Table and number of each row.
    places: Vec<(usize, RowId)>,
}

impl Entries {
    /// Returns the row of each (group, variable, entry).
    fn index(&self, keys: usize) -> HashMap<(usize, &str, &[u8]), usize> {
        let variables = self.batch.column(keys).as_string::<i32>();
        let names = self.batch.column(keys + 1).as_binary::<i32>();
        let counts = self.counts.iter().map(|n| *n as usize).enumerate();
        let groups = counts.flat_map(|(group, n)| std::iter::repeat_n(group, n));
        let rows = groups.enumerate();
        rows.map(|(row, group)| ((group, variables.value(row), names.value(row)), row))
            .collect()
    }
}

impl StateGroups {
    /// Returns the operator over its input: with state on a stream, without in a batch query.
    fn plan(self: Arc<Self>, input: Plan) -> Plan {
        let (schema, keys, operator) = (self.output.clone(), self.keys.len(), self.operator);
        let run = move |batches: Vec<RecordBatch>, inputs: &TaskInputs| Ok(self.run(&batches, inputs)?);
        match operator {
            Some(operator) => Transform::stateful(operator, format!("StateGroups: keys={keys}"), input, schema, run),
            None => Transform::whole(format!("MapGroups: keys={keys}"), input, schema, run),
        }
    }

    /// Returns the columns of both tables: keys and entries.
    fn kept(&self) -> SchemaRef {
        let keys = self
            .keys
            .iter()
            .map(|(k, name)| self.input.field(*k).clone().with_name(name).with_nullable(true));
        Arc::new(Schema::new(keys.chain(entry_fields()).collect::<Vec<_>>()))
    }

    /// Runs one batch: drops what is late, calls the function, and takes in its changes.
    fn run(&self, batches: &[RecordBatch], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        let arrived = one(&self.input, batches)?;
        let Some(operator) = self.operator else {
            let mut state = self.empty()?;
            let tables = state.body.sides::<2>()?;
            return self.call(&arrived, tables, inputs, None, &mut StateStats::default());
        };
        inputs.with_state(operator, self.shift_us, self, |context, body, stats| {
            let tables = body.sides::<2>()?;
            let event_times = self.timeout == Timeout::EventTime;
            let late_us = context.late_us.filter(|_| self.event_time.is_some() && event_times);
            let (arrived, dropped) = on_time(arrived, self.event_time.unwrap_or_default(), late_us)?;
            stats.rows_dropped = dropped;
            let out = self.call(&arrived, tables, inputs, context.evict_us, stats)?;
            stats.rows_total = tables[0].rows() as u64;
            stats.bytes = tables.iter().map(|t| t.bytes() as u64).sum();
            Ok((out, rows::settled(context, tables)?))
        })
    }

    /// Calls the function for its groups, if there are any, and puts what it changed into the tables.
    ///
    /// `watermark_us` is the watermark of this batch; timeouts of event time are due by it.
    fn call(
        &self,
        arrived: &RecordBatch,
        tables: &mut [RowTable; 2],
        inputs: &TaskInputs,
        watermark_us: Option<i64>,
        stats: &mut StateStats,
    ) -> Result<Vec<RecordBatch>> {
        let batch = inputs.batch.as_ref().filter(|_| self.operator.is_some());
        let time_ms = batch.map_or(0, |b| b.time_ms);
        let threshold_us = match self.timeout {
            // Timeouts are due at the end of an epoch.
            _ if batch.is_some_and(|b| !b.commits()) => None,
            Timeout::None => None,
            Timeout::ProcessingTime => Some(time_ms.saturating_mul(1000)),
            Timeout::EventTime => watermark_us,
        };
        let keys = self.keys_of(arrived)?;
        let mut groups = Groups::default();
        for (row, key) in (0..).zip(tables[0].key_bytes(&keys)?.iter().flatten()) {
            groups.rows.entry(key.into()).or_default().push(row);
        }
        if let Some(threshold) = threshold_us.filter(|_| batch.is_some()) {
            for table in tables.iter() {
                for key in table.key_bytes(&table.take(&table.due(threshold))?)?.iter().flatten() {
                    groups.rows.entry(key.into()).or_default();
                }
            }
        }
        if groups.rows.is_empty() {
            return Ok(vec![]);
        }
        let entries = self.entries(&groups, tables)?;
        let (order, row_counts) = groups.order();
        let keys = groups.keys(
            &take_record_batch(&keys, &order)?,
            &row_counts,
            &entries,
            self.keys.len(),
        )?;
        let rows = self.rows_of(&take_record_batch(arrived, &order)?)?;
        let state = entries
            .batch
            .project(&(self.keys.len()..self.keys.len() + 4).collect::<Vec<_>>())?;
        let (plan, host) = inputs
            .functions
            .as_ref()
            .ok_or_else(|| SparkError::internal("a function over groups has no host"))?;
        let answer = host.get().call_groups(GroupCall {
            function: FunctionId {
                plan: *plan,
                number: self.function,
            },
            keys: &keys,
            rows: &rows,
            row_counts: &row_counts,
            state: &state,
            state_counts: &entries.counts,
            time_ms,
            watermark_ms: watermark_us.map(|us| us.div_euclid(1000)),
            batch_id: batch.map(|b| b.batch_id),
        })?;
        self.change(&answer, &keys, &entries, tables, stats)?;
        self.output_rows(&answer)
    }

    /// Returns the keys of rows.
    fn keys_of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let kept = self.kept();
        let fields = kept.fields().iter().take(self.keys.len()).cloned().collect::<Vec<_>>();
        let columns = self.keys.iter().map(|(k, _)| batch.column(*k).clone()).collect();
        build(Arc::new(Schema::new(fields)), columns, batch.num_rows())
    }

    /// Returns rows as the function sees them.
    fn rows_of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let fields: Vec<Field> = self
            .values
            .iter()
            .map(|(v, name)| batch.schema().field(*v).clone().with_name(name))
            .collect();
        let columns = self.values.iter().map(|(v, _)| batch.column(*v).clone()).collect();
        build(Arc::new(Schema::new(fields)), columns, batch.num_rows())
    }

    /// Returns the entries of the groups, from both tables, in the groups' order.
    fn entries(&self, groups: &Groups, tables: &[RowTable; 2]) -> Result<Entries> {
        let mut ids: [Vec<RowId>; 2] = Default::default();
        let mut counts = Vec::new();
        // Group and table of each entry, in the order in which the tables are put together below.
        let mut owners: [Vec<u32>; 2] = Default::default();
        for (group, key) in (0u32..).zip(groups.rows.keys()) {
            let mut count = 0;
            for (table, (ids, owners)) in tables.iter().zip(ids.iter_mut().zip(&mut owners)) {
                let own = table.of_key(key);
                ids.extend(own);
                owners.extend(std::iter::repeat_n(group, own.len()));
                count += own.len() as u32;
            }
            counts.push(count);
        }
        let parts = [tables[0].take(&ids[0])?, tables[1].take(&ids[1])?];
        let all = concat_batches(&self.kept(), &parts)?;
        let owners = owners.concat();
        let mut order: Vec<u32> = (0..all.num_rows() as u32).collect();
        order.sort_by_key(|row| owners[*row as usize]);
        let place = |row: &u32| {
            let row = *row as usize;
            let table = usize::from(row >= ids[0].len());
            (table, ids[table][row - table * ids[0].len()])
        };
        Ok(Entries {
            places: order.iter().map(place).collect(),
            batch: take_record_batch(&all, &UInt32Array::from(order))?,
            counts,
        })
    }

    /// Puts the function's changes into the tables: old versions of changed entries leave, new ones come.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the host answered in another form, or about a group that it was not asked about.
    fn change(
        &self,
        answer: &GroupAnswer,
        keys: &RecordBatch,
        entries: &Entries,
        tables: &mut [RowTable; 2],
        stats: &mut StateStats,
    ) -> Result<()> {
        if answer.changes.is_empty() {
            return Ok(());
        }
        let known = entries.index(self.keys.len());
        for changes in ipc::read(&answer.changes)? {
            let wrong = || SparkError::internal("a function's host changed its state in a form of its own");
            if changes.num_columns() <= entry_fields().len() {
                return Err(wrong());
            }
            let columns: Vec<ArrayRef> = changes
                .columns()
                .iter()
                .skip(1)
                .zip(entry_fields())
                .map(|(c, f)| decode::conform(c, f.data_type()))
                .collect::<Result<_>>()?;
            let group = changes.column(0).as_primitive_opt::<Int32Type>().ok_or_else(wrong)?;
            let removed = changes
                .columns()
                .get(5)
                .and_then(|c| c.as_boolean_opt())
                .ok_or_else(wrong)?;
            let variables = columns[0].as_string_opt::<i32>().ok_or_else(wrong)?;
            let names = columns[1].as_binary_opt::<i32>().ok_or_else(wrong)?;
            if group
                .values()
                .iter()
                .any(|g| usize::try_from(*g).map_or(true, |g| g >= keys.num_rows()))
            {
                return Err(wrong());
            }
            let mut old: [Vec<RowId>; 2] = Default::default();
            for row in 0..changes.num_rows() {
                let key = (group.value(row) as usize, variables.value(row), names.value(row));
                if let Some(entry) = known.get(&key) {
                    let (table, id) = entries.places[*entry];
                    old[table].push(id);
                    stats.rows_removed += u64::from(table == 0 && removed.value(row));
                }
            }
            let of_group: UInt32Array = group.values().iter().map(|g| *g as u32).collect();
            let mut kept = take_record_batch(keys, &of_group)?.columns().to_vec();
            kept.extend(columns.iter().cloned());
            let kept = build(self.kept(), kept, changes.num_rows())?;
            for (number, table) in tables.iter_mut().enumerate() {
                let timer = number == 1;
                let own: BooleanArray = (0..changes.num_rows())
                    .map(|row| Some(!removed.value(row) && (variables.value(row) == TIMERS) == timer))
                    .collect();
                table.remove(&old[number])?;
                let fresh = filter_record_batch(&kept, &own)?;
                stats.rows_updated += if timer { 0 } else { fresh.num_rows() as u64 };
                table.append(&fresh)?;
            }
        }
        Ok(())
    }

    /// Returns the function's rows in the declared types.
    ///
    /// # Errors
    /// `FUNCTION_OUTPUT_SCHEMA_MISMATCH` if their number of columns is another; if a value cannot be cast.
    fn output_rows(&self, answer: &GroupAnswer) -> Result<Vec<RecordBatch>> {
        if answer.rows.is_empty() {
            return Ok(vec![]);
        }
        ipc::read(&answer.rows)?
            .into_iter()
            .map(|batch| {
                if batch.num_columns() != self.output.fields().len() {
                    return Err(SparkError::new(
                        Exception::Runtime,
                        "FUNCTION_OUTPUT_SCHEMA_MISMATCH",
                        "42K0E",
                        format!(
                            "A function over groups returned rows of {} columns, and its schema has {}.",
                            batch.num_columns(),
                            self.output.fields().len()
                        ),
                    ));
                }
                let columns = batch.columns().iter().zip(self.output.fields());
                let columns = columns
                    .map(|(c, f)| decode::conform(c, f.data_type()))
                    .collect::<Result<_>>()?;
                build(self.output.clone(), columns, batch.num_rows())
            })
            .collect()
    }
}

impl Groups {
    /// Returns the places of the batch's rows in the order of their groups, and how many each group has.
    fn order(&self) -> (UInt32Array, Vec<u32>) {
        let counts = self.rows.values().map(|rows| rows.len() as u32).collect();
        (self.rows.values().flatten().copied().collect::<Vec<_>>().into(), counts)
    }

    /// Returns the key of each group: that of its first row, or of its first entry if it is without rows. `sorted` are
    /// the keys of the rows in the groups' order.
    fn keys(&self, sorted: &RecordBatch, row_counts: &[u32], entries: &Entries, width: usize) -> Result<RecordBatch> {
        let from_entries = entries.batch.project(&(0..width).collect::<Vec<_>>())?;
        let all = concat_batches(&sorted.schema(), [sorted, &from_entries])?;
        let (mut row, mut entry) = (0u32, sorted.num_rows() as u32);
        let mut first = Vec::with_capacity(row_counts.len());
        for (rows, own) in row_counts.iter().zip(&entries.counts) {
            first.push(if *rows > 0 { row } else { entry });
            row += rows;
            entry += own;
        }
        Ok(take_record_batch(&all, &UInt32Array::from(first))?)
    }
}

/// Returns a batch, also one without columns.
fn build(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
