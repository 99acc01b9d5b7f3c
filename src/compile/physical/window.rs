//! Compiling window functions: rows together by the window's partition, sorted, then one operator for all calls.

use std::sync::Arc;

use datafusion_expr::{Expr, Window};
use datafusion_physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion_physical_plan::InputOrderMode;
use datafusion_physical_plan::sorts::sort::SortExec;
use datafusion_physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, create_window_expr};

use super::Planner;
use crate::error::{Result, SparkError};
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::stage::Output;
use crate::exec::transform::Transform;

/// Partition and order keys of window functions.
type WindowLayout = (Vec<Arc<dyn PhysicalExpr>>, Vec<PhysicalSortExpr>);

impl Planner {
    /// Compiles window functions that share one partitioning and order: rows are exchanged by the partition keys,
    /// sorted, and passed to one operator.
    ///
    /// Functions whose frames need only a bounded part of the rows run in bounded memory; others hold a partition at a
    /// time.
    ///
    /// # Errors
    /// As [`Compiler::plan`](crate::exec::compiler::Compiler::plan).
    pub(super) fn window(&mut self, window: &Window) -> Result<Plan> {
        let mut input = self.plan(&window.input)?;
        let logical = window.input.schema();
        let mut calls = Vec::new();
        let mut layout: Option<WindowLayout> = None;
        for (expr, field) in window
            .window_expr
            .iter()
            .zip(&window.schema.fields()[logical.fields().len()..])
        {
            let inner = expr.clone().unalias_nested().data;
            let Expr::WindowFunction(call) = inner else {
                return Err(SparkError::internal("a window holds no window function"));
            };
            let p = &call.params;
            let args = p
                .args
                .iter()
                .map(|a| self.expr(a, logical))
                .collect::<Result<Vec<_>>>()?;
            let partition = p
                .partition_by
                .iter()
                .map(|a| self.expr(a, logical))
                .collect::<Result<Vec<_>>>()?;
            let order = self.sort_exprs(&p.order_by, logical)?;
            let filter = p.filter.as_ref().map(|f| self.expr(f, logical)).transpose()?;
            let ignore_nulls = p.null_treatment == Some(datafusion_expr::expr::NullTreatment::IgnoreNulls);
            layout.get_or_insert_with(|| (partition.clone(), order.clone()));
            let frame = Arc::new(p.window_frame.clone());
            calls.push(create_window_expr(
                &call.fun,
                field.name().clone(),
                &args,
                &partition,
                &order,
                frame,
                input.schema(),
                ignore_nulls,
                p.distinct,
                filter,
            )?);
        }
        let Some((partition, order)) = layout else {
            return Ok(input);
        };
        if partitions(&input) > 1 {
            let output = if partition.is_empty() {
                Output::Single
            } else {
                Output::Hash {
                    keys: partition.clone(),
                    partitions: self.shuffle_partitions(),
                }
            };
            input = self.exchange(input, output);
        }
        let mut sort: Vec<PhysicalSortExpr> = Vec::new();
        for key in partition {
            sort.push(PhysicalSortExpr::new_default(key));
        }
        sort.extend(order);
        if let Some(ordering) = LexOrdering::new(sort) {
            input = Arc::new(SortExec::new(ordering, input).with_preserve_partitioning(true));
        }
        let bounded = calls.iter().all(|c| c.uses_bounded_memory());
        Ok(if bounded {
            Arc::new(BoundedWindowAggExec::try_new(
                calls,
                input,
                InputOrderMode::Sorted,
                false,
            )?)
        } else {
            let input = Transform::held("window", input);
            Arc::new(WindowAggExec::try_new(calls, input, false)?)
        })
    }
}
