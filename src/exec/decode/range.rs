//! Rows of `spark.range`, by partition.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::Result as DfResult;

use super::BATCH_ROWS;
use crate::ids::PartitionId;

/// Returns the numbers of one partition of `spark.range(start, end, step)`, in batches that are made when they are asked for.
///
/// The range is cut into equal parts in the order of partitions, as Spark's `RangeExec` does. Arithmetic is wide, so
/// ranges over all longs do not overflow. An empty range, or a step of 0, has no rows.
pub(super) fn range(
    (start, end, step): (i64, i64, i64),
    partition: PartitionId,
    partitions: usize,
    out: &SchemaRef,
) -> impl Iterator<Item = DfResult<RecordBatch>> + Send + use<> {
    let (from, to, by) = (i128::from(start), i128::from(end), i128::from(step));
    let total = if (by > 0 && from >= to) || (by < 0 && from <= to) || by == 0 {
        0
    } else {
        (to - from + by - by.signum()) / by
    };
    let slice = |p: usize| total * p as i128 / partitions.max(1) as i128;
    let (mut at, last) = (slice(partition.0), slice(partition.0 + 1));
    let out = out.clone();
    std::iter::from_fn(move || {
        if at >= last {
            return None;
        }
        let next = (at + BATCH_ROWS as i128).min(last);
        let options = RecordBatchOptions::new().with_row_count(Some((next - at) as usize));
        let columns: Vec<ArrayRef> = if out.fields().is_empty() {
            vec![]
        } else {
            let first = (from + at * by) as i64;
            let ids = (0..next - at).map(|i| first.wrapping_add((i as i64).wrapping_mul(step)));
            vec![Arc::new(Int64Array::from_iter_values(ids))]
        };
        at = next;
        Some(RecordBatch::try_new_with_options(out.clone(), columns, &options).map_err(Into::into))
    })
}
