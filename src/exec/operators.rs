//! Operators that DataFusion lacks: window expansion, watermarks, session merging; and filters and projections for small batches.
//!
//! Each is a function from a plan's node and its compiled input to a [`Transform`]; schemas are fixed when the stage is
//! made. DataFusion's filter copies what it keeps even if that is all, and its projection describes itself anew in each task:
//! for a micro-batch of a few rows that was a fifth of the work.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{concat_batches, filter as filter_column, filter_record_batch};
use arrow::datatypes::*;
use datafusion_common::cast::as_boolean_array;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::utils::collect_columns;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::projection::ProjectionExec;

use super::codes::with_codes;
use super::inputs::{EventTimeStats, TaskInputs};
use super::transform::Transform;
use crate::error::{Result, SparkError};
use crate::plan::nodes;
use crate::plan::time_window::{candidate, candidates};
use crate::values::floats::comparable;

/// An operator tree.
type Plan = Arc<dyn ExecutionPlan>;

/// Keeps the rows for which a predicate is true. Columns of which all is kept are not copied.
pub fn filter(predicate: Arc<dyn PhysicalExpr>, input: Plan) -> Plan {
    let schema = input.schema();
    let (asked, rows) = (predicate.clone(), input.clone());
    let filter = Transform::each(format!("Filter: {predicate}"), input, schema, move |batch, _| {
        let keep = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
        Ok(vec![filter_record_batch(&batch, as_boolean_array(&keep)?)?])
    });
    Transform::or_coded(filter, move |columns| {
        let read: BTreeSet<usize> = collect_columns(&asked).iter().map(Column::index).collect();
        Some(self::filter(asked.clone(), with_codes(&rows, &(columns - &read))?))
    })
}

/// Computes columns of each row, under new names.
///
/// # Errors
/// DataFusion's, if an expression has no type over the input.
pub fn project(exprs: Vec<(Arc<dyn PhysicalExpr>, String)>, input: Plan) -> Result<Plan> {
    let schema = ProjectionExec::try_new(exprs.clone(), input.clone())?.schema();
    let shown: Vec<String> = exprs.iter().map(|(expr, name)| format!("{expr} as {name}")).collect();
    let label = format!("Projection: {}", shown.join(", "));
    let (projected, rows, out) = (exprs.clone(), input.clone(), schema.clone());
    let projection = Transform::each(label, input, schema, move |batch, _| {
        let computed = exprs
            .iter()
            .map(|(expr, _)| expr.evaluate(&batch)?.into_array(batch.num_rows()));
        let columns = computed.collect::<datafusion_common::Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(vec![RecordBatch::try_new_with_options(out.clone(), columns, &options)?])
    });
    Ok(Transform::or_coded(projection, move |columns| {
        let (mut handed, mut read) = (BTreeSet::new(), BTreeSet::new());
        for (at, (expr, _)) in projected.iter().enumerate() {
            let any: &dyn Any = expr.as_ref();
            match any.downcast_ref::<Column>().filter(|_| columns.contains(&at)) {
                Some(column) => {
                    handed.insert(column.index());
                }
                None => read.extend(collect_columns(expr).iter().map(Column::index)),
            }
        }
        project(projected.clone(), with_codes(&rows, &(&handed - &read))?).ok()
    }))
}

/// Adds a window's start to each row, one row per window that the row's time is in (`TimeWindowing`).
///
/// Makes one batch per candidate window: starts by arithmetic, rows kept by a filter only if a window may miss them. A
/// null time is in no window.
///
/// # Errors
/// `INTERNAL_ERROR` if the input lacks the column of times.
pub fn expand_windows(node: &nodes::ExpandWindows, input: Plan) -> Result<Plan> {
    let time = input.schema().index_of(&node.time)?;
    let time_type = input.schema().field(time).data_type().clone();
    let mut fields: Vec<FieldRef> = input.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(&node.start, time_type.clone(), true)));
    let schema = Arc::new(Schema::new(fields));
    let (length, slide, offset) = (node.length_us, node.slide_us, node.offset_us);
    let (out, place) = (schema.clone(), schema.fields().len() - 1);
    let label = format!("ExpandWindows: length={length}us slide={slide}us");
    let (node, rows) = (node.clone(), input.clone());
    let expand = Transform::each(label, input, schema, move |batch, _| {
        let mut columns = batch.columns().to_vec();
        columns.push(batch.column(time).clone());
        let timed = RecordBatch::try_new(out.clone(), columns)?;
        Ok(in_windows(&timed, place, length, slide, offset)?)
    });
    // The last column is made here.
    Ok(Transform::or_coded(expand, move |columns| {
        expand_windows(&node, with_codes(&rows, columns)?).ok()
    }))
}

/// Puts window starts in place of the times in a column: one batch per candidate window, with the rows that it holds.
///
/// # Errors
/// Arrow's.
pub fn in_windows(rows: &RecordBatch, place: usize, length: i64, slide: i64, offset: i64) -> Result<Vec<RecordBatch>> {
    let times = rows.column(place).as_primitive::<TimestampMicrosecondType>();
    let zone = times.timezone().map(Arc::from);
    let mut made = Vec::new();
    for nth in (0..candidates(length, slide)).rev() {
        let (starts, keep) = candidate(times, length, slide, offset, nth);
        let starts = starts.reinterpret_cast::<TimestampMicrosecondType>();
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(starts.with_timezone_opt(zone.clone()));
        if let Some(keep) = keep {
            columns = columns
                .iter()
                .map(|c| filter_column(c, &keep))
                .collect::<std::result::Result<_, _>>()?;
        }
        made.push(RecordBatch::try_new(rows.schema(), columns)?);
    }
    Ok(made)
}

/// Notes event times as rows pass; rows are not changed. Of a window, its end counts.
///
/// # Errors
/// If the input lacks the column.
pub fn watermark(node: &nodes::EventTimeWatermark, input: Plan) -> Result<Plan> {
    let schema = input.schema();
    let (column, number) = (schema.index_of(&node.column)?, node.number);
    let (own, rows) = (node.clone(), input.clone());
    let watermark = Transform::each(
        format!("EventTimeWatermark: delay={}us", node.delay_us),
        input,
        schema,
        move |batch, inputs: &TaskInputs| {
            let mut times = batch.column(column).clone();
            if let Some(window) = times.as_struct_opt() {
                times = window.column(1).clone();
            }
            let seen = EventTimeStats::of(times.as_primitive());
            let mut report = inputs.report();
            let entry = report.event_times.entry(number).or_default();
            *entry = entry.merged(&seen);
            Ok(vec![batch])
        },
    );
    Ok(Transform::or_coded(watermark, move |columns| {
        self::watermark(&own, with_codes(&rows, columns)?).ok()
    }))
}

/// Replaces the bounds of every row by those of its merged session: sorts by key and start, then grows sessions while
/// they touch. Needs all rows of the partition at once.
///
/// # Errors
/// If the input lacks a key or a bound.
pub fn merge_sessions(node: &nodes::MergeSessions, input: Plan) -> Result<Plan> {
    let schema = input.schema();
    let keys = node
        .keys
        .iter()
        .map(|k| schema.index_of(k))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let (start, end) = (schema.index_of(&node.start)?, schema.index_of(&node.end)?);
    let out = schema.clone();
    Ok(Transform::whole("MergeSessions", input, schema, move |batches, _| {
        if batches.is_empty() {
            return Ok(vec![]);
        }
        let batch = concat_batches(&out, &batches)?;
        Ok(vec![merged(&batch, &keys, start, end)?])
    }))
}

/// Returns the rows with the bounds of their sessions, in the order in which they came. Null keys are equal.
fn merged(batch: &RecordBatch, keys: &[usize], start: usize, end: usize) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = keys.iter().map(|k| batch.column(*k).clone()).collect();
    let rows = if keys.is_empty() {
        None
    } else {
        Some(comparable(&columns)?)
    };
    let key = |i: usize| rows.as_ref().map(|r| r.row(i));
    let (starts, ends) = (
        batch.column(start).as_primitive::<TimestampMicrosecondType>(),
        batch.column(end).as_primitive::<TimestampMicrosecondType>(),
    );
    let mut order: Vec<usize> = (0..batch.num_rows()).collect();
    order.sort_by(|a, b| key(*a).cmp(&key(*b)).then(starts.value(*a).cmp(&starts.value(*b))));
    let (mut new_starts, mut new_ends) = (vec![0; order.len()], vec![0; order.len()]);
    let mut at = 0;
    while at < order.len() {
        let first = order[at];
        let (from, mut to, mut next) = (starts.value(first), ends.value(first), at + 1);
        while next < order.len() && key(order[next]) == key(first) && starts.value(order[next]) <= to {
            to = to.max(ends.value(order[next]));
            next += 1;
        }
        for row in &order[at..next] {
            (new_starts[*row], new_ends[*row]) = (from, to);
        }
        at = next;
    }
    let zone = match batch.column(start).data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        other => return Err(SparkError::internal(format!("a session starts at {other}"))),
    };
    let mut columns = batch.columns().to_vec();
    columns[start] = Arc::new(TimestampMicrosecondArray::from(new_starts).with_timezone_opt(zone.clone()));
    columns[end] = Arc::new(TimestampMicrosecondArray::from(new_ends).with_timezone_opt(zone));
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use datafusion_expr::Operator;
    use datafusion_physical_expr::expressions::{binary, lit};
    use futures::TryStreamExt;

    use super::*;
    use crate::exec::task::task_context;
    use crate::exec::transform::Leaf;

    /// Runs a plan over batches.
    fn run(batches: &[RecordBatch], plan: impl Fn(&SchemaRef, Plan) -> Plan) -> Vec<RecordBatch> {
        let (schema, batches) = (batches[0].schema(), batches.to_vec());
        let leaf = Transform::leaf(Leaf::Constant, schema.clone(), 1, move |_, _| Ok(batches.clone()));
        let inputs = Arc::new(TaskInputs::new(HashMap::new(), HashMap::new(), None, BTreeMap::new()));
        let rows = plan(&schema, leaf).execute(0, task_context(inputs).unwrap()).unwrap();
        futures::executor::block_on(rows.try_collect()).unwrap()
    }

    fn batch(rows: &[Option<i64>]) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(rows.to_vec()));
        RecordBatch::try_new(
            Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)])),
            vec![column],
        )
        .unwrap()
    }

    #[test]
    fn a_filter_hands_on_what_it_keeps_whole_and_drops_nulls_and_empty_batches() {
        let batches = [
            batch(&[Some(5), Some(6)]),
            batch(&[Some(1), None]),
            batch(&[Some(7), None, Some(1)]),
        ];
        let kept = run(&batches, |schema, rows| {
            let column = Arc::new(Column::new("n", 0));
            filter(binary(column, Operator::Gt, lit(4_i64), schema).unwrap(), rows)
        });
        assert_eq!(kept, [batch(&[Some(5), Some(6)]), batch(&[Some(7)])]);
        let memory = |batch: &RecordBatch| batch.column(0).to_data().buffers()[0].as_ptr();
        assert_eq!(memory(&kept[0]), memory(&batches[0]), "it is not copied");
    }

    #[test]
    fn a_projection_computes_columns_and_may_have_none() {
        let batches = [batch(&[Some(5), None])];
        let made = run(&batches, |schema, rows| {
            let column = || Arc::new(Column::new("n", 0)) as Arc<dyn PhysicalExpr>;
            let sum = binary(column(), Operator::Plus, lit(4_i64), schema).unwrap();
            project(vec![(sum, "sum".into()), (column(), "same".into())], rows).unwrap()
        });
        let names: Vec<String> = made[0].schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["sum", "same"]);
        assert_eq!(made[0].column(0).as_ref(), &Int64Array::from(vec![Some(9), None]));
        let rows = run(&batches, |_, rows| project(vec![], rows).unwrap());
        assert_eq!((rows[0].num_columns(), rows[0].num_rows()), (0, 2));
    }
}
