//! What an expression may ask of the task that evaluates it: its partition, and how far it has come.
//!
//! A task runs to its end on one thread, so the thread can remember which task it runs. [`enter`] says
//! so at the start of each task; kernels look it up when they run.
//!
//! ```text
//! monotonically_increasing_id   0 ppp…ppp rrr…rrr     31 bits of the partition, 33 of the row in it
//! ```
//!
//! So a partition may have 8,589,934,592 rows before its numbers run into the next one's.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int32Array, Int64Array};
use arrow::datatypes::DataType;
use datafusion_expr::{Expr, Volatility};

use super::entry::{Function, Nulls, scalar};
use crate::ids::PartitionId;
use crate::kernels::kernel;
use crate::plan::scope::Typed;

/// What an expression may ask of its task.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("spark_partition_id", |_| Ok(id())).returns("INT").nulls(Nulls::Never)
        .about("Returns the number of the partition that the row is in while it is computed.")
        .varies("spark_partition_id()"),
    scalar("monotonically_increasing_id", |_| Ok(monotonic())).returns("BIGINT").nulls(Nulls::Never)
        .about("Returns the partition in the upper 31 bits and the row's number in it in the lower 33.")
        .varies("monotonically_increasing_id()"),
];

/// Low bits of `monotonically_increasing_id`, which count the rows of a partition.
pub const ROW_BITS: u32 = 33;

thread_local! {
    /// The task that this thread runs: which one since it began, and its partition.
    static TASK: Cell<(u64, i32)> = const { Cell::new((0, 0)) };
}

/// Notes that a task for this partition begins on this thread; it runs to its end before another does.
pub fn enter(partition: PartitionId) {
    TASK.with(|task| task.set((task.get().0 + 1, partition.0 as i32)));
}

/// Returns the partition of the task that this thread runs.
pub fn current() -> usize {
    TASK.get().1 as usize
}

/// Runs part of another task on this thread; the task that was interrupted continues as it was.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let before = TASK.get();
    let made = work();
    TASK.set(before);
    made
}

/// Resolves `spark_partition_id()` (`SparkPartitionID`).
fn id() -> Typed {
    let expr = kernel::call_with(
        "spark_partition_id",
        "",
        DataType::Int32,
        vec![],
        Volatility::Volatile,
        |_, rows| Ok(Arc::new(Int32Array::from(vec![TASK.get().1; rows])) as ArrayRef),
    );
    required(expr, DataType::Int32, "SPARK_PARTITION_ID()")
}

/// Resolves `monotonically_increasing_id()`: the partition in the upper bits, the row's number in it in
/// the lower 33 (`MonotonicallyIncreasingID`).
///
/// The count begins anew with each task, so that a retried task repeats its numbers.
fn monotonic() -> Typed {
    let place = Mutex::new((0, 0));
    let expr = kernel::call_with(
        "monotonically_increasing_id",
        "",
        DataType::Int64,
        vec![],
        Volatility::Volatile,
        move |_, rows| {
            let (task, partition) = TASK.get();
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            if place.0 != task {
                *place = (task, 0);
            }
            let first = (i64::from(partition) << ROW_BITS) + place.1;
            place.1 += rows as i64;
            Ok(Arc::new(Int64Array::from_iter_values(first..first + rows as i64)) as ArrayRef)
        },
    );
    required(expr, DataType::Int64, "monotonically_increasing_id()")
}

/// Returns an expression that is never null.
fn required(expr: Expr, data_type: DataType, label: &str) -> Typed {
    Typed {
        nullable: false,
        ..Typed::new(expr, data_type, label)
    }
}
