//! The partial aggregates of many groups, side by side, one [`Cells`] for each function.
//!
//! Counts, sums, means and extremes of numbers lie in plain lists by the number of the group and are changed in place. All
//! other functions keep their states as Arrow rows, which DataFusion's accumulators merge. Either way a state leaves in the
//! columns that DataFusion's partial half makes, so that both halves, checkpoints and shuffles have one form.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use super::merge::{Merger, Rows};
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::checked_sum;
use crate::kernels::aggregates::ordered::{is_greater, is_less};
use crate::values::cast::Mode;

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
        ("count", [DataType::Int64]) => Box::new(Counts::default()),
        ("sum", [DataType::Float64]) => Box::new(Sums::default()),
        ("sum", [DataType::Int64, DataType::Boolean]) => {
            Box::new(WholeSums::new(checked_sum::mode_of(function.fun())?))
        }
        ("avg", [DataType::UInt64, DataType::Float64]) => Box::new(Means::default()),
        ("min", [of]) => extremes(of, false)?,
        ("max", [of]) => extremes(of, true)?,
        _ => return None,
    })
}

/// Returns empty cells of `min` or `max` for numbers, days and times.
fn extremes(of: &DataType, greatest: bool) -> Option<Box<dyn Cells>> {
    fn make<T: ArrowPrimitiveType>(of: &DataType, greatest: bool) -> Box<dyn Cells> {
        Box::new(Extremes::<T> {
            of: of.clone(),
            better: if greatest { is_greater } else { is_less },
            best: vec![],
            seen: vec![],
        })
    }
    Some(match of {
        DataType::Int32 => make::<Int32Type>(of, greatest),
        DataType::Date32 => make::<Date32Type>(of, greatest),
        DataType::Int64 => make::<Int64Type>(of, greatest),
        DataType::Timestamp(TimeUnit::Microsecond, _) => make::<TimestampMicrosecondType>(of, greatest),
        DataType::Float64 => make::<Float64Type>(of, greatest),
        _ => return None,
    })
}

/// Returns a column of numbers in its type.
fn numbers<T: ArrowPrimitiveType>(column: Option<&ArrayRef>) -> Result<&PrimitiveArray<T>> {
    column
        .and_then(|c| c.as_primitive_opt::<T>())
        .ok_or_else(|| SparkError::internal("a partial aggregate is of another type than its state"))
}

/// Calls `take` with the group and the value of each row that is not null and that the filter holds for.
#[inline]
fn each<T: ArrowPrimitiveType>(
    groups: &[u32],
    values: &PrimitiveArray<T>,
    filter: Option<&BooleanArray>,
    mut take: impl FnMut(usize, T::Native),
) {
    let rows = groups.iter().zip(values.values().iter());
    if values.null_count() == 0 && filter.is_none() {
        rows.for_each(|(group, value)| take(*group as usize, *value));
        return;
    }
    let holds = |row: usize| filter.is_none_or(|f| f.is_valid(row) && f.value(row));
    for (row, (group, value)) in rows.enumerate() {
        if values.is_valid(row) && holds(row) {
            take(*group as usize, *value);
        }
    }
}

/// Returns entries of a list in the order asked for, or all.
fn picked<T: Copy>(all: &[T], groups: Option<&[u32]>) -> Vec<T> {
    groups.map_or_else(
        || all.to_vec(),
        |groups| groups.iter().map(|g| all[*g as usize]).collect(),
    )
}

/// Returns which entries are not null.
fn nulls(seen: &[bool], groups: Option<&[u32]>) -> Option<NullBuffer> {
    Some(NullBuffer::from(picked(seen, groups))).filter(|nulls| nulls.null_count() > 0)
}

/// Sets entries back to nothing.
fn clear<T: Default + Clone>(all: &mut Vec<T>, groups: &[u32], total: usize) {
    all.resize(total, T::default());
    groups.iter().for_each(|group| all[*group as usize] = T::default());
}

/// `count`.
#[derive(Debug, Default)]
pub struct Counts {
    /// Rows of each group.
    counts: Vec<i64>,
}

impl Cells for Counts {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::default())
    }

    fn width(&self) -> usize {
        1
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let nulls = values.first().and_then(|v| v.logical_nulls());
        if nulls.is_none() && filter.is_none() {
            groups.iter().for_each(|group| self.counts[*group as usize] += 1);
            return Ok(());
        }
        for (row, group) in groups.iter().enumerate() {
            let counts = nulls.as_ref().is_none_or(|n| n.is_valid(row))
                && filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            self.counts[*group as usize] += i64::from(counts);
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.counts.resize(total, 0);
        each(groups, numbers::<Int64Type>(states.first())?, None, |group, n| {
            self.counts[group] = self.counts[group].wrapping_add(n);
        });
        Ok(())
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        clear(&mut self.counts, groups, total);
        self.merge(groups, total, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Int64Array::from(picked(&self.counts, groups)))])
    }

    fn size_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }
}

/// `sum` of doubles.
#[derive(Debug, Default)]
struct Sums {
    /// The sum of each group.
    sums: Vec<f64>,
    /// Which groups have had a value.
    seen: Vec<bool>,
}

impl Cells for Sums {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::default())
    }

    fn width(&self) -> usize {
        1
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.sums.resize(total, 0.0);
        self.seen.resize(total, false);
        each(
            groups,
            numbers::<Float64Type>(values.first())?,
            filter,
            |group, value| {
                self.sums[group] += value;
                self.seen[group] = true;
            },
        );
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.update(groups, total, states, None)
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        clear(&mut self.sums, groups, total);
        clear(&mut self.seen, groups, total);
        self.merge(groups, total, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        let sums = picked(&self.sums, groups).into();
        Ok(vec![Arc::new(Float64Array::new(sums, nulls(&self.seen, groups)))])
    }

    fn size_bytes(&self) -> usize {
        self.sums.capacity() * (size_of::<f64>() + 1)
    }
}

/// `sum` of whole numbers, as [`checked_sum`] has it.
#[derive(Debug)]
struct WholeSums {
    /// The sum of each group.
    sums: Vec<i64>,
    /// Which groups have had a value.
    seen: Vec<bool>,
    /// Which groups have overflowed for good.
    failed: Vec<bool>,
    /// What overflow does.
    mode: Mode,
}

impl WholeSums {
    /// Returns the sums of no groups.
    fn new(mode: Mode) -> Self {
        Self {
            sums: vec![],
            seen: vec![],
            failed: vec![],
            mode,
        }
    }

    /// Adds values.
    fn add(&mut self, groups: &[u32], total: usize, values: &Int64Array, filter: Option<&BooleanArray>) -> Result<()> {
        self.sums.resize(total, 0);
        self.seen.resize(total, false);
        self.failed.resize(total, false);
        let mut lost = false;
        each(groups, values, filter, |group, value| {
            let (sum, over) = self.sums[group].overflowing_add(value);
            self.seen[group] = true;
            if over && self.mode != Mode::Legacy {
                lost = true;
                self.failed[group] = true;
            } else {
                self.sums[group] = sum;
            }
        });
        if lost && self.mode == Mode::Ansi {
            return Err(checked_sum::overflow());
        }
        Ok(())
    }
}

impl Cells for WholeSums {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::new(self.mode))
    }

    fn width(&self) -> usize {
        2
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.add(groups, total, numbers::<Int64Type>(values.first())?, filter)
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.add(groups, total, numbers::<Int64Type>(states.first())?, None)?;
        let failed = states.get(1).and_then(|c| c.as_boolean_opt());
        if let Some(failed) = failed.filter(|f| f.true_count() > 0) {
            for (group, failed) in groups.iter().zip(failed) {
                self.failed[*group as usize] |= failed == Some(true);
            }
        }
        Ok(())
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        clear(&mut self.sums, groups, total);
        clear(&mut self.seen, groups, total);
        clear(&mut self.failed, groups, total);
        self.merge(groups, total, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        let sums = Int64Array::new(picked(&self.sums, groups).into(), nulls(&self.seen, groups));
        let failed = BooleanArray::from(picked(&self.failed, groups));
        Ok(vec![Arc::new(sums), Arc::new(failed)])
    }

    fn size_bytes(&self) -> usize {
        self.sums.capacity() * (size_of::<i64>() + 2)
    }
}

/// `avg` of doubles.
#[derive(Debug, Default)]
struct Means {
    /// How many values each group has had.
    counts: Vec<u64>,
    /// Their sum.
    sums: Vec<f64>,
}

impl Cells for Means {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::default())
    }

    fn width(&self) -> usize {
        2
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        self.sums.resize(total, 0.0);
        each(
            groups,
            numbers::<Float64Type>(values.first())?,
            filter,
            |group, value| {
                self.counts[group] += 1;
                self.sums[group] += value;
            },
        );
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.counts.resize(total, 0);
        self.sums.resize(total, 0.0);
        each(groups, numbers::<UInt64Type>(states.first())?, None, |group, count| {
            self.counts[group] += count;
        });
        each(groups, numbers::<Float64Type>(states.get(1))?, None, |group, sum| {
            self.sums[group] += sum;
        });
        Ok(())
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        clear(&mut self.counts, groups, total);
        clear(&mut self.sums, groups, total);
        self.merge(groups, total, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        let counts = picked(&self.counts, groups);
        let seen: Vec<bool> = counts.iter().map(|n| *n > 0).collect();
        let sums = Float64Array::new(picked(&self.sums, groups).into(), nulls(&seen, None));
        Ok(vec![Arc::new(UInt64Array::from(counts)), Arc::new(sums)])
    }

    fn size_bytes(&self) -> usize {
        self.sums.capacity() * (size_of::<f64>() + size_of::<u64>())
    }
}

/// `min` or `max` of numbers.
struct Extremes<T: ArrowPrimitiveType> {
    /// The type, with its zone.
    of: DataType,
    /// Returns whether the first is to take the place of the second.
    better: fn(T::Native, T::Native) -> bool,
    /// The best value of each group.
    best: Vec<T::Native>,
    /// Which groups have had one.
    seen: Vec<bool>,
}

impl<T: ArrowPrimitiveType> fmt::Debug for Extremes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extremes of {} groups of {}", self.best.len(), self.of)
    }
}

impl<T: ArrowPrimitiveType> Cells for Extremes<T> {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self {
            of: self.of.clone(),
            better: self.better,
            best: vec![],
            seen: vec![],
        })
    }

    fn width(&self) -> usize {
        1
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.best.resize(total, T::Native::default());
        self.seen.resize(total, false);
        each(groups, numbers::<T>(values.first())?, filter, |group, value| {
            if !self.seen[group] || (self.better)(value, self.best[group]) {
                self.best[group] = value;
                self.seen[group] = true;
            }
        });
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.update(groups, total, states, None)
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        clear(&mut self.best, groups, total);
        clear(&mut self.seen, groups, total);
        self.merge(groups, total, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        let best = PrimitiveArray::<T>::new(picked(&self.best, groups).into(), nulls(&self.seen, groups));
        Ok(vec![Arc::new(best.with_data_type(self.of.clone()))])
    }

    fn size_bytes(&self) -> usize {
        self.best.capacity() * (size_of::<T::Native>() + 1)
    }
}

/// Where a group without a state is.
const NOWHERE: (u32, u32) = (u32::MAX, 0);

/// The states of any function, as Arrow rows: those that a merge made stay together.
#[derive(Debug)]
struct Kept {
    /// The function.
    merger: Merger,
    /// How many columns a state has.
    width: usize,
    /// Rows of states.
    batches: Vec<Vec<ArrayRef>>,
    /// The batch of each group's state, and the row in it.
    at: Vec<(u32, u32)>,
    /// How many groups have a state.
    live: usize,
}

impl Kept {
    /// Returns the states of no groups.
    fn new(merger: Merger, width: usize) -> Self {
        Self {
            merger,
            width,
            batches: vec![],
            at: vec![],
            live: 0,
        }
    }

    /// Returns the states of groups that all have one.
    fn gathered(&self, groups: impl Iterator<Item = u32>) -> Result<Vec<ArrayRef>> {
        let place = |group: u32| {
            let (batch, row) = self.at[group as usize];
            (batch as usize, row as usize)
        };
        let places: Vec<(usize, usize)> = groups.map(place).collect();
        let columns = (0..self.width).map(|column| {
            let parts: Vec<&dyn Array> = self.batches.iter().map(|b| b[column].as_ref()).collect();
            Ok(interleave(&parts, &places)?)
        });
        columns.collect()
    }

    /// Makes a batch of states those of groups, in order.
    fn put(&mut self, groups: &[u32], total: usize, states: Vec<ArrayRef>) -> Result<()> {
        self.at.resize(total, NOWHERE);
        let batch = self.batches.len() as u32;
        for (row, group) in (0u32..).zip(groups) {
            let at = &mut self.at[*group as usize];
            self.live += usize::from(*at == NOWHERE);
            *at = (batch, row);
        }
        self.batches.push(states);
        let rows: usize = self.batches.iter().filter_map(|b| b.first()).map(|c| c.len()).sum();
        if rows > 2 * self.live.max(64) || self.batches.len() > 64 {
            let living = |at: &&(u32, u32)| **at != NOWHERE;
            let groups: Vec<u32> = (0u32..)
                .zip(&self.at)
                .filter(|(_, at)| living(at))
                .map(|(g, _)| g)
                .collect();
            self.batches = vec![self.gathered(groups.iter().copied())?];
            for (row, group) in (0u32..).zip(groups) {
                self.at[group as usize] = (0, row);
            }
        }
        Ok(())
    }
}

impl Cells for Kept {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::new(self.merger.clone(), self.width))
    }

    fn width(&self) -> usize {
        self.width
    }

    fn update(&mut self, _: &[u32], _: usize, _: &[ArrayRef], _: Option<&BooleanArray>) -> Result<()> {
        Err(SparkError::internal(
            "a function's values came in place of its partial aggregates",
        ))
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.at.resize(total, NOWHERE);
        // The groups that rows came for, numbered anew: those that have a state come first, with it.
        let mut place = vec![u32::MAX; total];
        let mut came: Vec<u32> = Vec::new();
        for group in groups {
            if place[*group as usize] == u32::MAX {
                place[*group as usize] = 0;
                came.push(*group);
            }
        }
        let (mut order, new): (Vec<u32>, Vec<u32>) = came.iter().partition(|g| self.at[**g as usize] != NOWHERE);
        let old: Vec<usize> = (0..order.len()).collect();
        let before = if old.is_empty() {
            vec![]
        } else {
            self.gathered(order.iter().copied())?
        };
        order.extend(new);
        for (at, group) in (0u32..).zip(&order) {
            place[*group as usize] = at;
        }
        let arrived: Vec<usize> = groups.iter().map(|group| place[*group as usize] as usize).collect();
        let inputs = [
            Rows {
                columns: &before,
                groups: &old,
            },
            Rows {
                columns: states,
                groups: &arrived,
            },
        ];
        let merged = self.merger.merge(&inputs, order.len())?;
        self.put(&order, total, merged)
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.put(groups, total, states.to_vec())
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        match groups {
            Some(groups) => self.gathered(groups.iter().copied()),
            None => self.gathered(0..self.at.len() as u32),
        }
    }

    fn size_bytes(&self) -> usize {
        let arrays = self.batches.iter().flatten().map(|c| c.get_array_memory_size());
        arrays.sum::<usize>() + self.at.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests;
