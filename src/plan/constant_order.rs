//! Sorts whose keys are the same in all rows, such as those of a grouping by constants: they order nothing.
//!
//! DataFusion leaves out keys that follow from those before them, and fails where that leaves none.

use datafusion_common::get_required_sort_exprs_indices;
use datafusion_common::tree_node::Transformed;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{Expr, Limit, LogicalPlan};
use datafusion_optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Leaves out sorts that order nothing.
#[derive(Debug, Default)]
pub struct DropConstantOrder;

impl OptimizerRule for DropConstantOrder {
    fn name(&self) -> &str {
        "drop_constant_order"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Sort(sort) = &plan else {
            return Ok(Transformed::no(plan));
        };
        let names: Vec<String> = sort.expr.iter().map(|key| key.expr.schema_name().to_string()).collect();
        if !get_required_sort_exprs_indices(sort.input.schema(), &names).is_empty() {
            return Ok(Transformed::no(plan));
        }
        let Some(rows) = sort.fetch else {
            return Ok(Transformed::yes(sort.input.as_ref().clone()));
        };
        let rows = ScalarValue::Int64(i64::try_from(rows).ok());
        Ok(Transformed::yes(LogicalPlan::Limit(Limit {
            skip: None,
            fetch: Some(Box::new(Expr::Literal(rows, None))),
            input: sort.input.clone(),
        })))
    }
}
