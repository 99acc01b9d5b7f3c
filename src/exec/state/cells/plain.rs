//! Counts, sums, means and extremes: a list with one cell per group, changed in place.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray, UInt64Array,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use super::Cells;
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::checked_sum;
use crate::kernels::aggregates::ordered::{is_greater, is_less};
use crate::values::cast::Mode;

/// A function whose partial aggregate is a few numbers.
pub(super) trait Fold: Clone + Debug + Send + 'static {
    /// The partial aggregate of a group; by default that of no rows.
    type Cell: Copy + Default + Debug + Send;

    /// How many columns a state has.
    const WIDTH: usize;

    /// Takes in the values of rows, as [`Cells::update`].
    fn update(
        &self,
        cells: &mut [Self::Cell],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()>;

    /// Merges partial aggregates, as [`Cells::merge`]: by default they are values of the same kind.
    fn merge(&self, cells: &mut [Self::Cell], groups: &[u32], states: &[ArrayRef]) -> Result<()> {
        self.update(cells, groups, states, None)
    }

    /// Returns the state columns of groups.
    fn states(&self, cells: impl Iterator<Item = Self::Cell> + Clone) -> Vec<ArrayRef>;
}

/// The cells of a function.
#[derive(Debug)]
pub(super) struct Plain<F: Fold> {
    /// The function.
    fold: F,
    /// A cell per group.
    cells: Vec<F::Cell>,
}

impl<F: Fold> Plain<F> {
    /// Returns the cells of no groups.
    pub(super) fn new(fold: F) -> Self {
        Self { fold, cells: vec![] }
    }
}

impl<F: Fold> Cells for Plain<F> {
    fn fresh(&self) -> Box<dyn Cells> {
        Box::new(Self::new(self.fold.clone()))
    }

    fn width(&self) -> usize {
        F::WIDTH
    }

    fn update(
        &mut self,
        groups: &[u32],
        total: usize,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.cells.resize(total, F::Cell::default());
        self.fold.update(&mut self.cells, groups, values, filter)
    }

    fn merge(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.cells.resize(total, F::Cell::default());
        self.fold.merge(&mut self.cells, groups, states)
    }

    fn replace(&mut self, groups: &[u32], total: usize, states: &[ArrayRef]) -> Result<()> {
        self.cells.resize(total, F::Cell::default());
        for group in groups {
            self.cells[*group as usize] = F::Cell::default();
        }
        self.fold.merge(&mut self.cells, groups, states)
    }

    fn states(&self, groups: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        Ok(match groups {
            Some(groups) => self.fold.states(groups.iter().map(|group| self.cells[*group as usize])),
            None => self.fold.states(self.cells.iter().copied()),
        })
    }

    fn size_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<F::Cell>()
    }
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

/// `count`: rows of a group.
#[derive(Debug, Clone)]
pub(super) struct Count;

impl Fold for Count {
    type Cell = i64;
    const WIDTH: usize = 1;

    fn update(
        &self,
        cells: &mut [i64],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        let nulls = values.first().and_then(|v| v.logical_nulls());
        if nulls.is_none() && filter.is_none() {
            groups.iter().for_each(|group| cells[*group as usize] += 1);
            return Ok(());
        }
        for (row, group) in groups.iter().enumerate() {
            let counts = nulls.as_ref().is_none_or(|n| n.is_valid(row))
                && filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            cells[*group as usize] += i64::from(counts);
        }
        Ok(())
    }

    fn merge(&self, cells: &mut [i64], groups: &[u32], states: &[ArrayRef]) -> Result<()> {
        each(groups, numbers::<Int64Type>(states.first())?, None, |group, n| {
            cells[group] = cells[group].wrapping_add(n);
        });
        Ok(())
    }

    fn states(&self, cells: impl Iterator<Item = i64> + Clone) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from(cells.collect::<Vec<i64>>()))]
    }
}

/// `sum` of doubles; `None` while no value has come.
#[derive(Debug, Clone)]
pub(super) struct Sum;

impl Fold for Sum {
    type Cell = Option<f64>;
    const WIDTH: usize = 1;

    fn update(
        &self,
        cells: &mut [Option<f64>],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        each(
            groups,
            numbers::<Float64Type>(values.first())?,
            filter,
            |group, value| {
                cells[group] = Some(cells[group].unwrap_or(0.0) + value);
            },
        );
        Ok(())
    }

    fn states(&self, cells: impl Iterator<Item = Option<f64>> + Clone) -> Vec<ArrayRef> {
        vec![Arc::new(cells.collect::<Float64Array>())]
    }
}

/// `sum` of whole numbers, as [`checked_sum`] has it.
#[derive(Debug, Clone)]
pub(super) struct WholeSum(
    /// What overflow does.
    pub(super) Mode,
);

/// The sum of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WholeTotal {
    /// The sum; `None` while no value has come.
    sum: Option<i64>,
    /// Whether it has overflowed for good.
    failed: bool,
}

impl Fold for WholeSum {
    type Cell = WholeTotal;
    const WIDTH: usize = 2;

    fn update(
        &self,
        cells: &mut [WholeTotal],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        let mut lost = false;
        each(groups, numbers::<Int64Type>(values.first())?, filter, |group, value| {
            let cell = &mut cells[group];
            let before = cell.sum.unwrap_or(0);
            let (sum, over) = before.overflowing_add(value);
            let fails = over && self.0 != Mode::Legacy;
            lost |= fails;
            cell.failed |= fails;
            cell.sum = Some(if fails { before } else { sum });
        });
        if lost && self.0 == Mode::Ansi {
            return Err(checked_sum::overflow());
        }
        Ok(())
    }

    fn merge(&self, cells: &mut [WholeTotal], groups: &[u32], states: &[ArrayRef]) -> Result<()> {
        self.update(cells, groups, states, None)?;
        let failed = states.get(1).and_then(|c| c.as_boolean_opt());
        if let Some(failed) = failed.filter(|f| f.true_count() > 0) {
            for (group, failed) in groups.iter().zip(failed) {
                cells[*group as usize].failed |= failed == Some(true);
            }
        }
        Ok(())
    }

    fn states(&self, cells: impl Iterator<Item = WholeTotal> + Clone) -> Vec<ArrayRef> {
        let sums: Int64Array = cells.clone().map(|cell| cell.sum).collect();
        let failed: BooleanArray = cells.map(|cell| Some(cell.failed)).collect();
        vec![Arc::new(sums), Arc::new(failed)]
    }
}

/// `avg` of doubles: how many values have come, and their sum.
#[derive(Debug, Clone)]
pub(super) struct Mean;

impl Fold for Mean {
    type Cell = (u64, f64);
    const WIDTH: usize = 2;

    fn update(
        &self,
        cells: &mut [(u64, f64)],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        each(
            groups,
            numbers::<Float64Type>(values.first())?,
            filter,
            |group, value| {
                cells[group].0 += 1;
                cells[group].1 += value;
            },
        );
        Ok(())
    }

    fn merge(&self, cells: &mut [(u64, f64)], groups: &[u32], states: &[ArrayRef]) -> Result<()> {
        each(groups, numbers::<UInt64Type>(states.first())?, None, |group, count| {
            cells[group].0 += count;
        });
        each(groups, numbers::<Float64Type>(states.get(1))?, None, |group, sum| {
            cells[group].1 += sum;
        });
        Ok(())
    }

    fn states(&self, cells: impl Iterator<Item = (u64, f64)> + Clone) -> Vec<ArrayRef> {
        let counts = UInt64Array::from(cells.clone().map(|(count, _)| count).collect::<Vec<u64>>());
        let sums: Float64Array = cells.map(|(count, sum)| (count > 0).then_some(sum)).collect();
        vec![Arc::new(counts), Arc::new(sums)]
    }
}

/// `min` or `max` of numbers, days and times; `None` while no value has come.
pub(super) struct Extreme<T: ArrowPrimitiveType> {
    /// The type, with its zone.
    of: DataType,
    /// Returns whether the first is to take the place of the second.
    better: fn(T::Native, T::Native) -> bool,
}

impl<T: ArrowPrimitiveType> Clone for Extreme<T> {
    fn clone(&self) -> Self {
        let (of, better) = (self.of.clone(), self.better);
        Self { of, better }
    }
}

impl<T: ArrowPrimitiveType> Debug for Extreme<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extreme of {}", self.of)
    }
}

impl<T: ArrowPrimitiveType> Extreme<T> {
    /// Returns `max` if `greatest`, else `min`, of a type.
    pub(super) fn new(of: &DataType, greatest: bool) -> Self {
        Self {
            of: of.clone(),
            better: if greatest { is_greater } else { is_less },
        }
    }
}

impl<T: ArrowPrimitiveType> Fold for Extreme<T> {
    type Cell = Option<T::Native>;
    const WIDTH: usize = 1;

    fn update(
        &self,
        cells: &mut [Option<T::Native>],
        groups: &[u32],
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        each(groups, numbers::<T>(values.first())?, filter, |group, value| {
            if cells[group].is_none_or(|best| (self.better)(value, best)) {
                cells[group] = Some(value);
            }
        });
        Ok(())
    }

    fn states(&self, cells: impl Iterator<Item = Option<T::Native>> + Clone) -> Vec<ArrayRef> {
        let best: PrimitiveArray<T> = cells.collect();
        vec![Arc::new(best.with_data_type(self.of.clone()))]
    }
}
