//! Semi and anti joins below projections (`PushDownLeftSemiAntiJoin`): what a projection computes is computed for the rows that stay.
//! Else an expression that fails for a row would fail a query which leaves that row out.
//!
//! ```text
//! LeftSemi x = y               Projection a[0], x
//!   Projection a[0], x    ─►     LeftSemi x = y
//!     t                            t
//!   u                              u
//! ```

use std::collections::HashMap;

use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion_common::{Column, JoinType, Result};
use datafusion_expr::{Expr, Join, LogicalPlan, Projection};
use datafusion_optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Moves semi and anti joins below the projections of their left sides, where the join needs columns that are only renamed there.
#[derive(Debug, Default)]
pub struct PushDownSemiJoin;

impl OptimizerRule for PushDownSemiJoin {
    fn name(&self) -> &str {
        "push_down_left_semi_anti_join"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = &plan else {
            return Ok(Transformed::no(plan));
        };
        match pushed(join)? {
            Some(pushed) => Ok(Transformed::yes(pushed)),
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// Returns a semi or anti join below the projection of its left side; `None` if that cannot be.
fn pushed(join: &Join) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = join.left.as_ref() else {
        return Ok(None);
    };
    if !matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti) {
        return Ok(None);
    }
    // Renamed columns, and none else, may be named below as they are above.
    let mut below: HashMap<Column, Expr> = HashMap::new();
    for (expr, column) in projection.expr.iter().zip(projection.schema.columns()) {
        if let Expr::Column(_) = expr.clone().unalias_nested().data {
            below.insert(column, expr.clone().unalias_nested().data);
        }
    }
    let mut keys = Vec::new();
    for (left, right) in &join.on {
        let Some(left) = renamed(left, &below, projection)? else {
            return Ok(None);
        };
        keys.push((left, right.clone()));
    }
    let filter = match &join.filter {
        None => None,
        Some(filter) => match renamed(filter, &below, projection)? {
            Some(filter) => Some(filter),
            None => return Ok(None),
        },
    };
    let inner = Join::try_new(
        projection.input.clone(),
        join.right.clone(),
        keys,
        filter,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    let above = Projection::try_new_with_schema(
        projection.expr.clone(),
        std::sync::Arc::new(LogicalPlan::Join(inner)),
        projection.schema.clone(),
    )?;
    Ok(Some(LogicalPlan::Projection(above)))
}

/// Returns an expression over what a projection is made of; `None` if it uses what the projection computes.
fn renamed(expr: &Expr, below: &HashMap<Column, Expr>, projection: &Projection) -> Result<Option<Expr>> {
    let computed = |column: &&Column| projection.schema.has_column(column) && !below.contains_key(column);
    if expr.column_refs().iter().any(computed) {
        return Ok(None);
    }
    let replaced = expr.clone().transform(|e| match &e {
        Expr::Column(column) => match below.get(column) {
            Some(source) => Ok(Transformed::yes(source.clone())),
            None => Ok(Transformed::no(e)),
        },
        _ => Ok(Transformed::no(e)),
    });
    replaced.data().map(Some)
}
