//! How deep and how large plans may be: the driver plans on one stack, that of a worker in a browser, and DataFusion's rules go
//! down plans and expressions by recursion.
//!
//! Depths are in parts of a stack of about one MB, measured in Chromium: 700 operators in a row were optimised there, 200 joins or
//! unions, and 400 calls in each other. Natively stacks are larger; the limits are the same, so that a
//! program that runs here runs there.

use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_expr::{Expr, LogicalPlan};

use crate::error::{Exception, Result, SparkError};
use crate::proto as sc;
use crate::proto::relation::RelType;

/// Part of the stack, of [`STACK`], that one level of relations takes while it is analysed.
const RELATION: usize = 10;
/// Part of the stack that a relation of two inputs takes.
const TWO_INPUTS: usize = 40;
/// Part of the stack that one level of expressions takes.
pub const EXPRESSION: usize = 14;
/// All of the stack that plans may take.
pub const STACK: usize = 5600;
/// Part of the stack that one operator of a plan takes in DataFusion's rules.
const OPERATOR: usize = 9;
/// Part of the stack that a union takes; two projections come with it.
const UNION: usize = 20;
/// Relations that a plan may have, with those of the views that it names.
pub const RELATIONS: usize = 5000;
/// Steps of an expression that are no matter, however few messages they are made from.
const STEPS: usize = 50_000;
/// Steps that one message may become.
const STEPS_A_MESSAGE: usize = 8;

/// Returns the part of the stack that a relation takes while it is analysed.
pub fn of_relation(relation: &sc::Relation) -> usize {
    match &relation.rel_type {
        Some(RelType::Join(_) | RelType::SetOp(_) | RelType::LateralJoin(_)) => TWO_INPUTS,
        _ => RELATION,
    }
}

/// Makes the error of a plan that nests too deep.
pub fn too_deep() -> SparkError {
    SparkError::new(
        Exception::Analysis,
        "RIVULET_PLAN_TOO_DEEP",
        "54001",
        "The plan nests too deep: about 500 operations in a row, 140 joins or unions, or 400 expressions in each other are planned at \
         most. Make it of parts: write a part's rows to a memory table or a file, and go on from there.",
    )
}

/// Checks that rules can go down a plan.
///
/// # Errors
/// `RIVULET_PLAN_TOO_DEEP`.
pub fn check_depth(plan: &LogicalPlan) -> Result<()> {
    check_below(plan, 0)
}

/// Checks a plan that has `above` on the stack over it. It calls itself only for subqueries.
fn check_below(plan: &LogicalPlan, above: usize) -> Result<()> {
    let mut open = vec![(plan, above)];
    while let Some((plan, above)) = open.pop() {
        let depth = above
            + match plan {
                LogicalPlan::Union(_) => UNION,
                _ if plan.inputs().len() > 1 => TWO_INPUTS,
                _ => OPERATOR,
            };
        open.extend(plan.inputs().into_iter().map(|input| (input, depth)));
        let mut outcome = if depth > STACK { Err(too_deep()) } else { Ok(()) };
        plan.apply_expressions(|expr| {
            if outcome.is_ok() {
                outcome = check_expression(expr, depth);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        outcome?;
    }
    Ok(())
}

/// Checks an expression of an operator that has `above` on the stack over it.
fn check_expression(expr: &Expr, above: usize) -> Result<()> {
    let mut open = vec![(expr, above)];
    while let Some((expr, above)) = open.pop() {
        let depth = above + EXPRESSION;
        if depth > STACK {
            return Err(too_deep());
        }
        match expr {
            Expr::ScalarSubquery(inner) => check_below(&inner.subquery, depth)?,
            Expr::Exists(exists) => check_below(&exists.subquery.subquery, depth)?,
            Expr::InSubquery(list) => check_below(&list.subquery.subquery, depth)?,
            _ => {}
        }
        children(expr, |child| open.push((child, depth)))?;
    }
    Ok(())
}

/// Checks that an expression made of `messages` is not many times their number: some calls stand twice in what they become,
/// and in each other they double with every level.
///
/// # Errors
/// `RIVULET_EXPRESSION_TOO_LARGE`.
pub fn check_size(expr: &Expr, messages: usize) -> Result<()> {
    let most = STEPS + STEPS_A_MESSAGE * messages;
    let mut steps = 0usize;
    let mut open = vec![(expr, 1usize)];
    while let Some((expr, times)) = open.pop() {
        steps = steps.saturating_add(times);
        if steps > most {
            return Err(SparkError::new(
                Exception::Analysis,
                "RIVULET_EXPRESSION_TOO_LARGE",
                "54001",
                format!(
                    "The expression has more than {most} steps once its calls are written out; compute its parts in columns of their own."
                ),
            ));
        }
        // `coalesce` becomes a CASE that asks for each argument but the last whether it is null, and then returns it.
        let asked = match expr {
            Expr::ScalarFunction(call) if call.name() == "coalesce" => call.args.len().saturating_sub(1),
            _ => 0,
        };
        let mut at = 0;
        children(expr, |child| {
            open.push((child, times.saturating_mul(if at < asked { 2 } else { 1 })));
            at += 1;
        })?;
    }
    Ok(())
}

/// Calls `f` with each expression that is right in another.
fn children<'a>(expr: &'a Expr, mut f: impl FnMut(&'a Expr)) -> Result<()> {
    use datafusion_common::tree_node::TreeNode;
    expr.apply_children(|child| {
        f(child);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use datafusion_expr::{LogicalPlanBuilder, col, lit};
    use datafusion_functions::expr_fn::coalesce;

    use super::*;

    fn filters(count: usize, condition: &Expr) -> Result<()> {
        let mut plan = LogicalPlanBuilder::values(vec![vec![lit(1)]])?;
        for _ in 0..count {
            plan = plan.filter(condition.clone())?;
        }
        check_depth(&plan.build()?)
    }

    #[test]
    fn depth_counts_operators_and_what_nests_in_the_lowest() {
        let nested = |levels: usize| (0..levels).fold(col("column1"), |all, _| all + lit(1)).gt(lit(0));
        assert!(filters(600, &nested(1)).is_ok());
        assert!(filters(630, &nested(1)).is_err());
        assert!(filters(1, &nested(380)).is_ok());
        let error = filters(1, &nested(420)).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_PLAN_TOO_DEEP"));
        assert!(filters(300, &nested(300)).is_err());
    }

    #[test]
    fn an_expression_that_doubles_is_refused_and_a_long_one_is_not() {
        let doubled = |levels: usize| (0..levels).fold(col("a"), |all, _| coalesce(vec![all, lit(1)]));
        assert!(check_size(&doubled(12), 24).is_ok());
        assert!(check_size(&doubled(100), 200).is_err());
        // The last argument is not asked.
        let last = (0..100).fold(col("a"), |all, _| coalesce(vec![lit(1), all]));
        assert!(check_size(&last, 200).is_ok());
        let list = col("a").in_list((0..300_000).map(lit).collect(), false);
        assert!(check_size(&list, 300_001).is_ok());
    }
}
