//! Compiling our own logical operators that keep no state: one function each, found by the node's type.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_expr::LogicalPlan;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{LexOrdering, PhysicalExpr};
use datafusion_physical_plan::sorts::sort::SortExec;

use super::Planner;
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::operators;
use crate::exec::stage::Output;
use crate::plan::nodes::{
    self, EventTimeWatermark, ExpandWindows, Generate, MergeSessions, Repartition, SortWithinPartitions,
};
use crate::plan::scan::is_streaming;

/// Compiles one kind of node; returns `None` for another.
type Compile = fn(&mut Planner, &LogicalPlan) -> Option<Result<Plan>>;

/// The nodes; each function knows one type, so their order does not matter.
const NODES: &[Compile] = &[
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.expand_windows(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.generate(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.watermark(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.sort_within(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.repartition(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.merge_sessions(node, input)),
];

/// Compiles a plan whose top is one of our nodes; returns `None` for another plan.
pub(super) fn compile(planner: &mut Planner, plan: &LogicalPlan) -> Option<Result<Plan>> {
    NODES.iter().find_map(|compile| compile(planner, plan))
}

impl Planner {
    /// Compiles the expansion of rows to the windows that they are in.
    fn expand_windows(&mut self, node: &ExpandWindows, input: &LogicalPlan) -> Result<Plan> {
        operators::expand_windows(node, self.plan(input)?)
    }

    /// Compiles a generator.
    fn generate(&mut self, node: &Generate, input: &LogicalPlan) -> Result<Plan> {
        operators::generate(node, self.plan(input)?)
    }

    /// Compiles a watermark, and notes its delay under its number.
    fn watermark(&mut self, node: &EventTimeWatermark, input: &LogicalPlan) -> Result<Plan> {
        let input = self.plan(input)?;
        if self.watermarks.len() <= node.number {
            self.watermarks.resize(node.number + 1, 0);
        }
        self.watermarks[node.number] = node.delay_us;
        operators::watermark(node, input)
    }

    /// Compiles a sort of each partition on its own; without keys it does nothing.
    fn sort_within(&mut self, node: &SortWithinPartitions, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        let exprs = self.sort_exprs(&node.order, input.schema())?;
        Ok(match LexOrdering::new(exprs) {
            Some(ordering) => Arc::new(SortExec::new(ordering, rows).with_preserve_partitioning(true)),
            None => rows,
        })
    }

    /// Compiles an exchange that the user asked for: by keys, or round-robin.
    fn repartition(&mut self, node: &Repartition, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        let keys = node.keys.iter().map(|k| self.expr(k, input.schema()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let output = match (node.partitions, keys.is_empty()) {
            (1, _) => Output::Single,
            (partitions, true) => Output::RoundRobin { partitions },
            (partitions, false) => Output::Hash { keys, partitions },
        };
        Ok(self.exchange(rows, output))
    }

    /// Compiles the merging of sessions: rows of a key together, then merged. On a stream, the aggregation above merges
    /// them.
    fn merge_sessions(&mut self, node: &MergeSessions, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        if is_streaming(input) {
            // The aggregation above merges them, with those of its state.
            return Ok(rows);
        }
        let rows = if partitions(&rows) == 1 || node.keys.is_empty() {
            self.gather(rows)
        } else {
            let keys = node.keys.iter().map(|k| column(&rows.schema(), k));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let partitions = self.shuffle_partitions();
            self.exchange(rows, Output::Hash { keys, partitions })
        };
        operators::merge_sessions(node, rows)
    }
}

/// Returns a column by name.
///
/// # Errors
/// Arrow's, if the schema lacks it.
fn column(schema: &SchemaRef, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
    let index = schema.index_of(name)?;
    Ok(Arc::new(Column::new(name, index)))
}
