//! Compiling aggregation: on one task, in two halves around an exchange, or its first half for a stream.
//!
//! ```text
//!  one partition     input ─ Single
//!  several           input ─ Partial ═ Hash by keys, or Single ═ Final          each task sends one row per key it saw
//!  a stream          input ─ Partial ─▶ exec::state merges it with its state, a sliding window pane by pane
//! ```

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_expr::Aggregate;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};

use super::Planner;
use super::panes::{self, Panes, by_panes};
use crate::error::Result;
use crate::exec::compiler::{Arguments, Compiler, Grouping, PartialAggregate, Plan, partitions};
use crate::exec::stage::Output;
use crate::exec::state::merge::Merger;

/// An aggregation with compiled expressions over its compiled input.
struct Lowered {
    /// The rows that are aggregated.
    input: Plan,
    /// Names of the result's columns: keys, then values.
    names: Vec<String>,
    /// Keys, with their names in the result.
    groups: Vec<(Arc<dyn PhysicalExpr>, String)>,
    /// Aggregate functions, in order.
    functions: Vec<Arc<AggregateFunctionExpr>>,
    /// Which rows each function sees (`FILTER (WHERE …)`); `None` for all.
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
}

impl Lowered {
    /// Returns the operator of one half, or of both.
    fn exec(
        &self,
        mode: AggregateMode,
        groups: Vec<(Arc<dyn PhysicalExpr>, String)>,
        input: Plan,
    ) -> Result<AggregateExec> {
        Ok(AggregateExec::try_new(
            mode,
            PhysicalGroupBy::new_single(groups),
            self.functions.clone(),
            self.filters.clone(),
            input,
            self.input.schema(),
        )?)
    }

    /// Returns the first half over the input, by windows if the input has panes.
    fn partial(&self, panes: Option<Panes>) -> Result<Plan> {
        let partial = Arc::new(self.exec(AggregateMode::Partial, self.groups.clone(), self.input.clone())?);
        panes.map_or(Ok(partial.clone()), |panes| panes.to_windows(partial))
    }

    /// Returns the keys as the partial half puts them out: its first columns.
    fn keys(&self, partial: &SchemaRef) -> Vec<Arc<dyn PhysicalExpr>> {
        let keys = 0..self.groups.len();
        keys.map(|i| Arc::new(Column::new(partial.field(i).name(), i)) as Arc<dyn PhysicalExpr>)
            .collect()
    }

    /// Returns the second half, over rows of the partial one.
    fn finish(&self, input: Plan) -> Result<AggregateExec> {
        let keys = self.keys(&input.schema());
        let mode = if keys.is_empty() {
            AggregateMode::Final
        } else {
            AggregateMode::FinalPartitioned
        };
        let groups = keys.into_iter().zip(self.names.iter().cloned()).collect();
        self.exec(mode, groups, input)
    }
}

impl Planner {
    /// Compiles an aggregation's input and expressions.
    fn lower(&mut self, aggregate: &Aggregate) -> Result<Lowered> {
        let input = self.plan(&aggregate.input)?;
        let logical = aggregate.input.schema();
        let names: Vec<String> = aggregate.schema.fields().iter().map(|f| f.name().clone()).collect();
        let groups = aggregate.group_expr.iter().zip(&names);
        let groups = groups
            .map(|(e, name)| Ok((self.expr(e, logical)?, name.clone())))
            .collect::<Result<Vec<_>>>()?;
        let mut functions = Vec::new();
        let mut filters = Vec::new();
        for (expr, name) in aggregate.aggr_expr.iter().zip(&names[groups.len()..]) {
            let lowered = LoweredAggregateBuilder::new(expr, logical, &input.schema(), &self.props, &self.context)
                .with_name(name.clone())
                .build()?;
            functions.push(lowered.aggregate);
            filters.push(lowered.filter);
        }
        Ok(Lowered {
            input,
            names,
            groups,
            functions,
            filters,
        })
    }

    /// Compiles an aggregation's input and expressions, by panes if it groups by a sliding window.
    fn lower_by_panes(&mut self, aggregate: &Aggregate) -> Result<(Lowered, Option<Panes>)> {
        match by_panes(aggregate) {
            Some((by_panes, panes)) => Ok((self.lower(&by_panes)?, Some(panes))),
            None => Ok((self.lower(aggregate)?, None)),
        }
    }

    /// Compiles an aggregation of rows that are all there.
    ///
    /// # Errors
    /// As [`Compiler::plan`](crate::exec::compiler::Compiler::plan).
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Plan> {
        let (lowered, panes) = self.lower_by_panes(aggregate)?;
        if partitions(&lowered.input) == 1 && panes.is_none() {
            let single = lowered.exec(AggregateMode::Single, lowered.groups.clone(), lowered.input.clone())?;
            return Ok(Arc::new(single));
        }
        let partial = lowered.partial(panes)?;
        let keys = lowered.keys(&partial.schema());
        let output = if keys.is_empty() || partitions(&partial) == 1 {
            Output::Single
        } else {
            let partitions = self.shuffle_partitions();
            Output::Hash { keys, partitions }
        };
        let merged = self.exchange(partial, output);
        Ok(Arc::new(lowered.finish(merged)?))
    }

    /// Compiles the first half alone, for an operator that merges it with its state: by panes if it groups by a sliding
    /// window.
    ///
    /// # Errors
    /// As [`Compiler::plan`](crate::exec::compiler::Compiler::plan).
    pub(super) fn first_half(&mut self, aggregate: &Aggregate) -> Result<PartialAggregate> {
        let by_panes = panes::of_stream(aggregate);
        let lowered = self.lower(by_panes.as_ref().map_or(aggregate, |(by_panes, _)| by_panes))?;
        let plan = lowered.partial(None)?;
        let output = datafusion_physical_plan::ExecutionPlan::schema(&lowered.finish(plan.clone())?);
        let functions = lowered.functions.iter().zip(&lowered.filters);
        let functions = functions.map(|(function, filter)| Arguments {
            values: function.expressions(),
            filter: filter.clone(),
        });
        Ok(PartialAggregate {
            plan,
            rows: Grouping {
                input: lowered.input.clone(),
                keys: lowered.groups.iter().map(|(key, _)| key.clone()).collect(),
                functions: functions.collect(),
            },
            panes: by_panes.map(|(_, panes)| panes),
            merger: Merger {
                grouped: !lowered.groups.is_empty(),
                functions: lowered.functions,
            },
            output,
        })
    }
}
