//! The partial aggregates of many groups, side by side, one [`Cells`] for each function.
//!
//! Counts, sums, means and extremes of numbers lie in plain lists by the number of the group and are changed in place. All
//! other functions keep their states as Arrow rows, which DataFusion's accumulators merge. Either way a state leaves in the
//! columns that DataFusion's partial half makes, so that both halves, checkpoints and shuffles have one form.

mod kept;
mod plain;

use std::fmt;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use self::kept::Kept;
use self::plain::{Count, Extreme, Mean, Plain, Sum, WholeSum};
use super::merge::Merger;
use crate::error::Result;
use crate::kernels::aggregates::checked_sum;

/// The partial aggregates of one function, by the number of the group.
pub trait Cells: fmt::Debug + Send {
    /// Returns the same function's, without groups.
    fn fresh(&self) -> Box<dyn Cells>;

    /// Returns how many columns a state has.
    fn width(&self) -> usize;

    /// Takes in values, those of a function's arguments; `groups` has the group of each row, below `total`. A row that the
    /// filter does not hold for counts nowhere.
    ///
    /// # Errors
    /// The function's, such as an overflow; `INTERNAL_ERROR` if the function takes in only partial aggregates.
    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()>;

    /// Merges partial aggregates into those of groups: what is here comes first.
    ///
    /// # Errors
    /// The function's, such as an overflow; `INTERNAL_ERROR` if the columns are of other types.
    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()>;

    /// Puts partial aggregates in place of those of groups, each of which is named once.
    ///
    /// # Errors
    /// As [`Cells::merge`].
    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()>;

    /// Returns the states of groups in the order asked for, or of all.
    ///
    /// # Errors
    /// If rows cannot be put together.
    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>>;

    /// Returns the bytes that they take, about.
    fn size_bytes(&self) -> usize;
}

/// Returns empty cells for each of an operator's functions.
///
/// # Errors
/// DataFusion's, if a function cannot say what its state is.
pub fn of(merger: &Merger) -> Result<Vec<Box<dyn Cells>>> {
    let each = merger.functions.iter().map(|function| {
        if let Some(cells) = plain(function) {
            return Ok(cells);
        }
        let width = function.state_fields()?.len();
        let (functions, grouped) = (vec![function.clone()], merger.grouped);
        let merger = Merger { functions, grouped };
        Ok(Box::new(Kept::new(merger, width)) as Box<dyn Cells>)
    });
    each.collect()
}

/// Returns cells that take in values as well as partial aggregates, if the function has such.
pub fn plain(function: &AggregateFunctionExpr) -> Option<Box<dyn Cells>> {
    if function.is_distinct() || !function.order_bys().is_empty() {
        return None;
    }
    let fields = function.state_fields().ok()?;
    let types: Vec<&DataType> = fields.iter().map(|f| f.data_type()).collect();
    Some(match (function.fun().name(), types.as_slice()) {
        ("count", [DataType::Int64]) => counts(),
        ("sum", [DataType::Float64]) => Box::new(Plain::new(Sum)),
        ("sum", [DataType::Int64, DataType::Boolean]) => {
            Box::new(Plain::new(WholeSum(checked_sum::mode_of(function.fun())?)))
        }
        ("avg", [DataType::UInt64, DataType::Float64]) => Box::new(Plain::new(Mean)),
        ("min", [of]) => extremes(of, false)?,
        ("max", [of]) => extremes(of, true)?,
        _ => return None,
    })
}

/// Returns empty cells of `count`.
pub fn counts() -> Box<dyn Cells> {
    Box::new(Plain::new(Count))
}

/// Returns empty cells of `min` or `max` for numbers, days and times.
fn extremes(of: &DataType, greatest: bool) -> Option<Box<dyn Cells>> {
    Some(match of {
        DataType::Int32 => Box::new(Plain::new(Extreme::<Int32Type>::new(of, greatest))),
        DataType::Date32 => Box::new(Plain::new(Extreme::<Date32Type>::new(of, greatest))),
        DataType::Int64 => Box::new(Plain::new(Extreme::<Int64Type>::new(of, greatest))),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Box::new(Plain::new(Extreme::<TimestampMicrosecondType>::new(of, greatest)))
        }
        DataType::Float64 => Box::new(Plain::new(Extreme::<Float64Type>::new(of, greatest))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
