//! Rows of `spark.range`, by partition.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::BATCH_ROWS;
use crate::error::Result;
use crate::ids::PartitionId;

/// Returns the numbers of one partition of `spark.range(start, end, step)`, in batches.
///
/// The range is cut into equal parts in the order of partitions, as Spark's `RangeExec` does. Arithmetic is wide, so
/// ranges over all longs do not overflow. An empty range, or a step of 0, has no rows.
pub(super) fn range(
    start: i64,
    end: i64,
    step: i64,
    partition: PartitionId,
    partitions: usize,
    wanted: &Schema,
) -> Result<Vec<RecordBatch>> {
    let (from, to, by) = (i128::from(start), i128::from(end), i128::from(step));
    let total = if (by > 0 && from >= to) || (by < 0 && from <= to) || by == 0 {
        0
    } else {
        (to - from + by - by.signum()) / by
    };
    let slice = |p: usize| total * p as i128 / partitions.max(1) as i128;
    let (mut at, last) = (slice(partition.0), slice(partition.0 + 1));
    let mut batches = Vec::new();
    while at < last {
        let next = (at + BATCH_ROWS as i128).min(last);
        let ids: Int64Array = (at..next).map(|i| (from + i * by) as i64).collect();
        let options = RecordBatchOptions::new().with_row_count(Some((next - at) as usize));
        let columns: Vec<ArrayRef> = if wanted.fields().is_empty() {
            vec![]
        } else {
            vec![Arc::new(ids)]
        };
        batches.push(RecordBatch::try_new_with_options(
            Arc::new(wanted.clone()),
            columns,
            &options,
        )?);
        at = next;
    }
    Ok(batches)
}
