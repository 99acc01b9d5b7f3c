//! Joins of two streams: each side's rows wait in the state for partners of the other side.
//!
//! `StreamingSymmetricHashJoinExec`. What arrives on one side meets the other side's state and is then stored; the
//! second side meets the first one's new rows as well, so that every pair is made once. A row leaves the state when the
//! watermark says that no partner can come any more; an outer join then emits it with nulls, if it never had one. For a
//! left semi join the right side goes first, and a left row that has met a partner is emitted once and not kept.
//!
//! ```text
//!  left rows ──▶ meet right table ──▶ pairs      then stored in the left table
//!  right rows ─▶ meet left table, with what just came ──▶ pairs      then stored in the right table
//!  watermark ──▶ both tables close ──▶ rows without a partner, with nulls (outer joins)
//! ```

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow::buffer::Buffer;
use arrow::compute::{and, filter, filter_record_batch, not, prep_null_mask_filter, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::{JoinSide, JoinType};
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{Join, LogicalPlan};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{Column, IsNotNullExpr};
use datafusion_physical_plan::joins::utils::JoinFilter;

use super::rows::{self, ClosesBy, RowId, RowTable};
use super::{Body, Operator, OperatorState, Restore, on_time, one};
use crate::error::{Result, SparkError};
use crate::exec::compiler::{Compiler, Plan};
use crate::exec::inputs::{BatchContext, StateStats, TaskInputs};
use crate::exec::stage::{Output, StatefulOperator, Wakes};
use crate::exec::transform::Transform;
use crate::ids::OperatorId;
use crate::plan::event_time::{self, Bound, BoundTime, JoinBounds};
use crate::plan::scan::is_streaming;

/// Most pairs that are put together at a time: bounds the memory of a key that many rows have.
const PAIRS: usize = 1 << 16;

/// A join whose sides are both streams (`StreamingSymmetricHashJoinExec`).
pub const OPERATOR: Operator = Operator {
    name: "symmetricHashJoin",
    compile,
    analyze: None,
};

/// Compiles a join whose sides are both streams.
fn compile(compiler: &mut dyn Compiler, plan: &LogicalPlan) -> Option<Result<Plan>> {
    match plan {
        LogicalPlan::Join(join) if is_streaming(&join.left) && is_streaming(&join.right) => {
            Some(compile_join(compiler, join))
        }
        _ => None,
    }
}

/// Puts the join into a stage: both sides exchanged by the keys, conditions sorted into those of one side and of both.
fn compile_join(compiler: &mut dyn Compiler, join: &Join) -> Result<Plan> {
    let (left, right) = (compiler.plan(&join.left)?, compiler.plan(&join.right)?);
    let bounds = JoinBounds::of(join);
    let outer = |preserved: JoinType| join.join_type == preserved || join.join_type == JoinType::Full;
    let mut sides = [
        join_side(
            &join.left,
            left.schema(),
            bounds.left,
            outer(JoinType::Left),
            join.on.len(),
        )?,
        join_side(
            &join.right,
            right.schema(),
            bounds.right,
            outer(JoinType::Right),
            join.on.len(),
        )?,
    ];
    for (l, r) in &join.on {
        sides[0].keys.push(compiler.expr(l, join.left.schema())?);
        sides[1].keys.push(compiler.expr(r, join.right.schema())?);
    }
    for (side, bound) in sides.iter_mut().zip([bounds.left, bounds.right]) {
        // Spark infers it from the range condition: a row without a time has none.
        if let Some(BoundTime::Column(column)) = bound.map(|b| b.time)
            && !side.outer
        {
            let time = Arc::new(Column::new(side.schema.field(column).name(), column));
            side.conditions.push(Arc::new(IsNotNullExpr::new(time)));
        }
    }
    let mut both = Vec::new();
    for condition in join.filter.iter().flat_map(|f| split_conjunction(f)) {
        let columns = condition.column_refs();
        let only = |plan: &LogicalPlan| columns.iter().all(|c| plan.schema().index_of_column(c).is_ok());
        if only(&join.left) {
            sides[0].conditions.push(compiler.expr(condition, join.left.schema())?);
        } else if only(&join.right) {
            sides[1].conditions.push(compiler.expr(condition, join.right.schema())?);
        } else {
            both.push(condition.clone());
        }
    }
    let filter = conjunction(both)
        .map(|f| compiler.join_filter(&f, join, &left, &right))
        .transpose()?;
    let partitions = compiler.shuffle_partitions();
    let left = compiler.exchange(
        left,
        Output::Hash {
            keys: sides[0].keys.clone(),
            partitions,
        },
    );
    let right = compiler.exchange(
        right,
        Output::Hash {
            keys: sides[1].keys.clone(),
            partitions,
        },
    );
    let output: SchemaRef = Arc::new(join.schema.as_arrow().clone());
    let wakes = Wakes::by_watermark(sides.iter().any(|s| s.event_time.is_some()));
    let inputs = [&join.left, &join.right].map(|i| event_time::watermark_shift(i));
    let state = Arc::new(StateJoin {
        operator: compiler.next_operator(),
        join_type: join.join_type,
        sides,
        filter,
        output,
        shift_us: inputs[0].zip(inputs[1]).map(|(l, r)| l.min(r)),
    });
    compiler.add_operator(StatefulOperator {
        name: OPERATOR.name,
        kind: state.clone(),
        partitions,
        wakes,
        counts_duplicates: false,
    });
    Ok(state.plan([left, right]))
}

/// Returns a side, with when its rows can have no partner any more, as far as keys and conditions say so.
fn join_side(plan: &LogicalPlan, schema: SchemaRef, bound: Option<Bound>, outer: bool, keys: usize) -> Result<Side> {
    let times = event_time::event_times(plan);
    let event_time = schema.fields().iter().position(|f| times.get(f.name()) == Some(&0));
    let closes_by = bound.map(|b| match b.time {
        BoundTime::Key(position, plus_us) => ClosesBy {
            column: position,
            plus_us: plus_us.saturating_sub(b.shift_us),
        },
        BoundTime::Column(column) => ClosesBy {
            column: keys + column,
            plus_us: 0i64.saturating_sub(b.shift_us),
        },
    });
    Ok(Side {
        schema,
        keys: vec![],
        conditions: vec![],
        event_time,
        closes_by,
        outer,
    })
}

/// One side of the join.
#[derive(Debug, Clone)]
pub struct Side {
    /// What arrives.
    pub schema: SchemaRef,
    /// Keys, which equal those of the partner. A null key has no partner.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    /// Conditions on this side alone: a row that fails them has no partner.
    pub conditions: Vec<Arc<dyn PhysicalExpr>>,
    /// Column with the watermarked event time.
    pub event_time: Option<usize>,
    /// When a stored row can have no partner any more; columns count from the first key.
    pub closes_by: Option<ClosesBy>,
    /// Whether rows without a partner leave with nulls.
    pub outer: bool,
}

/// A join of two streams, over one partition of keys.
#[derive(Debug, Clone)]
pub struct StateJoin {
    /// Its name within the query.
    pub operator: OperatorId,
    /// Inner, Left, Right, Full or LeftSemi.
    pub join_type: JoinType,
    /// Left and right.
    pub sides: [Side; 2],
    /// Conditions on both sides.
    pub filter: Option<JoinFilter>,
    /// What leaves: columns of the left side, then of the right, but for a semi join.
    pub output: SchemaRef,
    /// The watermark here, relative to the query's: the lower of both sides'; `None` if a side passes none on.
    pub shift_us: Option<i64>,
}

/// Place of the left side.
const LEFT: usize = 0;
/// Place of the right side.
const RIGHT: usize = 1;

/// Rows of one side that arrived in time: keys, then columns.
struct Arrived {
    /// Keys, then the side's columns.
    rows: RecordBatch,
    /// Which rows fulfil the conditions on their side alone, and may have a partner.
    eligible: BooleanArray,
}

/// One batch's work on the state.
struct Turn<'a> {
    /// The watermark that rows close by.
    evict_us: Option<i64>,
    /// What progress reports of the batch.
    stats: &'a mut StateStats,
    /// What leaves.
    out: Vec<RecordBatch>,
}

/// Rows of the side that comes, and rows of the other's state with the same key, not yet put together.
#[derive(Default)]
struct Pairs {
    /// Rows that came, by place.
    came: Vec<u32>,
    /// The row of the state that each meets.
    met: Vec<RowId>,
}

/// Rows that have found a partner.
struct Found {
    /// Of the rows that came, which have.
    came: Vec<bool>,
    /// Rows of the other side's state that have, perhaps more than once.
    met: Vec<RowId>,
}

impl Side {
    /// Returns the columns of the state: keys, then the side's columns.
    fn state_schema(&self) -> Result<SchemaRef> {
        let mut fields = Vec::new();
        for (i, key) in self.keys.iter().enumerate() {
            let data_type = key.data_type(&self.schema)?;
            fields.push(Arc::new(Field::new(format!("#key{i}"), data_type, true)));
        }
        fields.extend(self.schema.fields().iter().cloned());
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Returns an empty table.
    fn table(&self) -> Result<RowTable> {
        RowTable::new(self.state_schema()?, self.keys.len(), self.closes_by)
    }

    /// Returns the columns of stored rows, without the keys in front.
    fn columns<'a>(&self, stored: &'a RecordBatch) -> &'a [ArrayRef] {
        &stored.columns()[self.keys.len()..]
    }

    /// Returns the rows that came in time, with their keys, and which of them may have a partner.
    fn arrived(&self, batches: &[RecordBatch], context: &BatchContext, stats: &mut StateStats) -> Result<Arrived> {
        let batch = one(&self.schema, batches)?;
        let late_us = context.late_us.filter(|_| self.event_time.is_some());
        let (batch, dropped) = on_time(batch, self.event_time.unwrap_or_default(), late_us)?;
        stats.rows_dropped += dropped;
        let mut eligible = BooleanArray::from(vec![true; batch.num_rows()]);
        for condition in &self.conditions {
            let holds = condition.evaluate(&batch)?.into_array(batch.num_rows())?;
            eligible = and(&eligible, &truth(&holds)?)?;
        }
        let mut columns = self
            .keys
            .iter()
            .map(|k| Ok(k.evaluate(&batch)?.into_array(batch.num_rows())?))
            .collect::<Result<Vec<_>>>()?;
        columns.extend(batch.columns().iter().cloned());
        Ok(Arrived {
            rows: RecordBatch::try_new(self.state_schema()?, columns)?,
            eligible,
        })
    }
}

/// Returns a condition's result, with null as false.
fn truth(array: &ArrayRef) -> Result<BooleanArray> {
    let booleans = array
        .as_boolean_opt()
        .ok_or_else(|| SparkError::internal("a join condition is not a boolean"))?;
    Ok(if booleans.null_count() > 0 {
        prep_null_mask_filter(booleans)
    } else {
        booleans.clone()
    })
}

impl Restore for StateJoin {
    fn empty(&self) -> Result<OperatorState> {
        let tables = self.sides.iter().map(Side::table).collect::<Result<_>>()?;
        Ok(OperatorState::new(Body::Rows(tables)))
    }

    fn load(&self, state: &mut OperatorState, deltas: &[Buffer]) -> Result<()> {
        let tables = state.body.sides::<2>()?;
        deltas.iter().try_for_each(|delta| rows::apply(tables, delta))
    }
}

impl StateJoin {
    /// Returns the operator over its inputs.
    fn plan(self: Arc<Self>, inputs: [Plan; 2]) -> Plan {
        let name = format!("SymmetricHashJoin: type={}", self.join_type);
        let schema = self.output.clone();
        Transform::stateful_pair(self.operator, name, inputs, schema, move |left, right, inputs| {
            Ok(self.run([left, right], inputs)?)
        })
    }

    /// Runs one batch: each side meets the other, then rows that can have no partner leave.
    fn run(&self, batches: [Vec<RecordBatch>; 2], inputs: &TaskInputs) -> Result<Vec<RecordBatch>> {
        inputs.with_state(self.operator, self.shift_us, self, |context, body, stats| {
            let tables = body.sides::<2>()?;
            let mut turn = Turn {
                evict_us: context.evict_us,
                stats,
                out: vec![],
            };
            let order = if self.join_type == JoinType::LeftSemi {
                [RIGHT, LEFT]
            } else {
                [LEFT, RIGHT]
            };
            for side in order {
                let arrived = self.sides[side].arrived(&batches[side], context, turn.stats)?;
                self.meet(side, &arrived, tables, &mut turn)?;
            }
            if let Some(watermark) = context.evict_us {
                for side in [LEFT, RIGHT] {
                    let (matched, gone) = tables[side].close(watermark)?;
                    turn.stats.rows_removed += gone.num_rows() as u64;
                    if self.sides[side].outer {
                        let alone: BooleanArray = matched.into_iter().map(|m| Some(!m)).collect();
                        self.emit_alone(side, &filter_record_batch(&gone, &alone)?, &mut turn.out)?;
                    }
                }
            }
            turn.stats.rows_total = tables.iter().map(|t| t.rows() as u64).sum();
            turn.stats.bytes = tables.iter().map(|t| t.bytes() as u64).sum();
            turn.stats.wakes_at_us = tables[LEFT].closes_at().min(tables[RIGHT].closes_at());
            Ok((turn.out, rows::settled(context, tables)?))
        })
    }

    /// Joins what came on one side with the other side's state, and stores it.
    fn meet(&self, side: usize, arrived: &Arrived, tables: &mut [RowTable; 2], turn: &mut Turn<'_>) -> Result<()> {
        let other = 1 - side;
        let semi = self.join_type == JoinType::LeftSemi;
        let rows = &arrived.rows;
        let keys = tables[side].key_bytes(rows)?;
        let mut found = Found {
            came: vec![false; rows.num_rows()],
            met: vec![],
        };
        let mut pairs = Pairs::default();
        for row in arrived.eligible.values().set_indices() {
            for id in tables[other].of_key(keys.value(row)) {
                pairs.came.push(row as u32);
                pairs.met.push(*id);
                if pairs.came.len() == PAIRS {
                    self.join(side, rows, &tables[other], &mut pairs, &mut found, turn)?;
                }
            }
        }
        self.join(side, rows, &tables[other], &mut pairs, &mut found, turn)?;
        found.met.sort_unstable();
        found.met.dedup();
        let hit = BooleanArray::from(found.came);
        match (semi, side) {
            (true, RIGHT) => {
                // Left rows that met their first partner: given now, and not kept.
                turn.stats.rows_removed += found.met.len() as u64;
                let left = tables[LEFT].remove(&found.met)?;
                self.emit(self.sides[LEFT].columns(&left), left.num_rows(), &mut turn.out)?;
            }
            (true, _) => {
                let left = filter_record_batch(rows, &hit)?;
                self.emit(self.sides[LEFT].columns(&left), left.num_rows(), &mut turn.out)?;
            }
            (false, _) if self.sides[other].outer => tables[other].mark(found.met),
            (false, _) => {}
        }
        self.store(side, arrived, (&keys, &hit), &mut tables[side], turn)
    }

    /// Keeps rows that may still meet a partner; the others leave an outer join at once, if they have met none.
    fn store(
        &self,
        side: usize,
        arrived: &Arrived,
        (keys, hit): (&BinaryArray, &BooleanArray),
        table: &mut RowTable,
        turn: &mut Turn<'_>,
    ) -> Result<()> {
        let closing = table.closing(&arrived.rows).into_iter();
        let open: BooleanArray = closing
            .map(|c| Some(c.zip(turn.evict_us).is_none_or(|(c, evict)| c > evict)))
            .collect();
        let mut keep = and(&open, &arrived.eligible)?;
        if self.join_type == JoinType::LeftSemi && side == LEFT {
            keep = and(&keep, &not(hit)?)?;
        }
        if self.sides[side].outer {
            let alone = and(&not(&keep)?, &not(hit)?)?;
            self.emit_alone(side, &filter_record_batch(&arrived.rows, &alone)?, &mut turn.out)?;
        }
        let kept = filter_record_batch(&arrived.rows, &keep)?;
        turn.stats.rows_updated += kept.num_rows() as u64;
        let first = table.append_keyed(&kept, filter(keys, &keep)?.as_binary())?;
        if self.sides[side].outer {
            let hits = filter(hit, &keep)?;
            let hits = (first..).zip(hits.as_boolean().values());
            table.mark(hits.filter(|(_, hit)| *hit).map(|(id, _)| id));
        }
        Ok(())
    }

    /// Puts pairs together, keeps those that the filter lets through, and notes who had a partner.
    fn join(
        &self,
        side: usize,
        rows: &RecordBatch,
        other: &RowTable,
        pairs: &mut Pairs,
        found: &mut Found,
        turn: &mut Turn<'_>,
    ) -> Result<()> {
        let Pairs { came, met } = std::mem::take(pairs);
        if came.is_empty() {
            return Ok(());
        }
        let came_rows = take_record_batch(rows, &UInt32Array::from(came.clone()))?;
        let met_rows = other.take(&met)?;
        let (left, right) = if side == LEFT {
            (&came_rows, &met_rows)
        } else {
            (&met_rows, &came_rows)
        };
        let (left, right) = (self.sides[LEFT].columns(left), self.sides[RIGHT].columns(right));
        let fits = self.fits(left, right, came.len())?;
        for pair in fits.values().set_indices() {
            found.came[came[pair] as usize] = true;
            found.met.push(met[pair]);
        }
        if self.join_type != JoinType::LeftSemi {
            let columns: Vec<ArrayRef> = left
                .iter()
                .chain(right)
                .map(|c| filter(c, &fits))
                .collect::<std::result::Result<_, _>>()?;
            self.emit(&columns, fits.true_count(), &mut turn.out)?;
        }
        Ok(())
    }

    /// Returns which pairs the conditions on both sides let through.
    fn fits(&self, left: &[ArrayRef], right: &[ArrayRef], rows: usize) -> Result<BooleanArray> {
        let Some(filter) = &self.filter else {
            return Ok(BooleanArray::from(vec![true; rows]));
        };
        let columns = filter
            .column_indices()
            .iter()
            .map(|c| if c.side == JoinSide::Left { left } else { right }[c.index].clone())
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let nullable: Vec<_> = filter
            .schema()
            .fields()
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect();
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(nullable)), columns, &options)?;
        truth(&filter.expression().evaluate(&batch)?.into_array(rows)?)
    }

    /// Adds rows to what leaves, if there are any.
    fn emit(&self, columns: &[ArrayRef], rows: usize, out: &mut Vec<RecordBatch>) -> Result<()> {
        if rows > 0 {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            out.push(RecordBatch::try_new_with_options(
                self.output.clone(),
                columns.to_vec(),
                &options,
            )?);
        }
        Ok(())
    }

    /// Adds rows of one side to what leaves, with nulls for the other.
    fn emit_alone(&self, side: usize, stored: &RecordBatch, out: &mut Vec<RecordBatch>) -> Result<()> {
        let own = self.sides[side].columns(stored).to_vec();
        let nulls = self.sides[1 - side].schema.fields().iter();
        let nulls: Vec<ArrayRef> = nulls
            .map(|f| new_null_array(f.data_type(), stored.num_rows()))
            .collect();
        let columns = if side == LEFT {
            [own, nulls].concat()
        } else {
            [nulls, own].concat()
        };
        self.emit(&columns, stored.num_rows(), out)
    }
}
