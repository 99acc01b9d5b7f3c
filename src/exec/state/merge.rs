//! Partial aggregates: merging states that belong together, and turning them into values.
//!
//! A partial row is keys, then the state columns of each function side by side, in the functions' own forms: `avg` has
//! a sum and a count, `max` one value.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion_expr::{EmitTo, GroupsAccumulator};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use crate::error::Result;

/// The aggregate functions of one operator; their states stand side by side after the keys.
#[derive(Debug, Clone)]
pub struct Merger {
    /// The functions, in the order of their states.
    pub functions: Vec<Arc<AggregateFunctionExpr>>,
    /// Whether there are grouping keys at all.
    pub grouped: bool,
}

/// State columns of rows, and the group that each row belongs to.
pub struct Rows<'a> {
    /// State columns, without keys.
    pub columns: &'a [ArrayRef],
    /// The group of each row; groups are numbered from 0.
    pub groups: &'a [usize],
}

impl Merger {
    /// Returns the states of `total` groups: all rows of all inputs merged, in the order of the inputs.
    ///
    /// The order matters to functions such as `first` and `collect_list`: old state comes before what arrived.
    ///
    /// # Errors
    /// A function's, such as an overflow in ANSI mode.
    pub fn merge(&self, inputs: &[Rows<'_>], total: usize) -> Result<Vec<ArrayRef>> {
        self.fold(inputs, total, |mut accumulator| Ok(accumulator.state(EmitTo::All)?))
    }

    /// Returns the value of each row's state, one column per function.
    ///
    /// # Errors
    /// A function's.
    pub fn evaluate(&self, states: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        let groups: Vec<usize> = (0..rows).collect();
        let input = Rows {
            columns: states,
            groups: &groups,
        };
        self.fold(&[input], rows, |mut accumulator| {
            Ok(vec![accumulator.evaluate(EmitTo::All)?])
        })
    }

    /// Feeds the inputs to an accumulator per function, and collects what `emit` takes of each.
    fn fold(
        &self,
        inputs: &[Rows<'_>],
        total: usize,
        emit: impl Fn(Box<dyn GroupsAccumulator>) -> Result<Vec<ArrayRef>>,
    ) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        let mut at = 0;
        for function in &self.functions {
            let width = function.state_fields()?.len();
            let mut accumulator = self.accumulator(function)?;
            for input in inputs.iter().filter(|i| !i.groups.is_empty()) {
                accumulator.merge_batch(&input.columns[at..at + width], input.groups, total)?;
            }
            columns.extend(emit(accumulator)?);
            at += width;
        }
        Ok(columns)
    }

    /// Returns an accumulator of the kind that made the partial states.
    ///
    /// Without keys the partial rows come from plain accumulators, whose empty states differ from the grouped ones' (a
    /// count of 0 instead of null): the same kind must merge them.
    fn accumulator(&self, function: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
        if self.grouped && function.groups_accumulator_supported() {
            return Ok(function.create_groups_accumulator()?);
        }
        let function = function.clone();
        Ok(Box::new(GroupsAccumulatorAdapter::new(move || {
            function.create_accumulator()
        })))
    }
}
