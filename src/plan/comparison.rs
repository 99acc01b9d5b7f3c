//! Comparing values as Spark does (`NormalizeFloatingNumbers`, `SQLOrderingUtil`): NaN is one value, the greatest, and -0.0 is 0.0,
//! within structs and arrays too.
//!
//! Arrow orders floats by their bits. What is compared is therefore normalised first; maps that are grouped by have their entries in
//! order; other types are compared as they are.
//!
//! ```text
//! x = y        normalised(x) = normalised(y)          GROUP BY x    groups of normalised(x)
//! x IN (0.0)   normalised(x) IN (0.0)                 ORDER BY x    in the order of normalised(x)
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::TreeNode;
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{Expr, LogicalPlan, Operator, binary_expr, lit, or};

use super::analyzer::Analyzer;
use super::scope::Attribute;
use crate::error::Result;
use crate::kernels::kernel::{self, NORMALISED};
use crate::values::floats::{comparator, has_floats, normalised};
use crate::values::maps::{has_maps, sorted};

/// Returns an expression whose values Arrow compares as Spark compares those of `expr`, which are of type `of`.
///
/// ```
/// use arrow::datatypes::DataType;
/// use datafusion_expr::{col, lit};
/// use rivulet::plan::comparison::comparable;
///
/// assert_eq!(comparable(col("a"), &DataType::Int32), col("a"));
/// assert_eq!(comparable(lit(-0.0), &DataType::Float64), lit(0.0));
/// assert_ne!(comparable(col("a"), &DataType::Float64), col("a"));
/// ```
pub fn comparable(expr: Expr, of: &DataType) -> Expr {
    match &expr {
        _ if has_maps(of) => kernel::call(NORMALISED, "maps", of.clone(), vec![expr], |args, _| {
            Ok(sorted(&normalised(&args[0])?)?)
        }),
        _ if !has_floats(of) => expr,
        Expr::Literal(ScalarValue::Float64(Some(x)), _) if !x.is_nan() => lit(x + 0.0),
        Expr::Literal(ScalarValue::Float32(Some(x)), _) if !x.is_nan() => lit(x + 0.0),
        Expr::ScalarFunction(call) if call.name() == NORMALISED => expr,
        _ => kernel::call(NORMALISED, "", of.clone(), vec![expr], |args, _| {
            Ok(normalised(&args[0])?)
        }),
    }
}

/// Compares two values of one type. Structs and arrays compare field by field, nulls first (`InterpretedOrdering`).
pub fn compare(op: Operator, left: Expr, right: Expr, common: &DataType) -> Expr {
    if matches!(common, DataType::Struct(_) | DataType::List(_)) {
        return nested(op, left, right);
    }
    binary_expr(comparable(left, common), op, comparable(right, common))
}

/// Returns a condition as conditions that are tested one after the other, in the order in which they are written: what may fail sees
/// only rows that are left by what stands before it. What cannot is tested together.
///
/// ```
/// use datafusion_expr::{col, lit};
/// use rivulet::plan::comparison::steps;
///
/// let plain = col("a").gt(lit(1)).and(col("b").is_null());
/// assert_eq!(steps(&plain), [plain.clone()]);
/// let part = datafusion_functions::expr_fn::abs(col("a")).gt(lit(2));
/// assert_eq!(steps(&plain.clone().and(part.clone())), [plain, part]);
/// ```
pub fn steps(condition: &Expr) -> Vec<Expr> {
    let may_fail =
        |e: &Expr| matches!(e, Expr::ScalarFunction(call) if call.name() != NORMALISED) || matches!(e, Expr::Cast(_));
    let mut steps: Vec<Expr> = vec![];
    for part in split_conjunction(condition) {
        let careful = part.exists(|e| Ok(may_fail(e))).unwrap_or(true);
        match steps.pop() {
            None => steps.push(part.clone()),
            Some(before) if careful => steps.extend([before, part.clone()]),
            Some(before) => steps.push(before.and(part.clone())),
        }
    }
    steps
}

/// Returns whether a value is one of a list, all of one type; null if it is null, or not there and the list has a null.
pub fn is_in(value: Expr, list: Vec<Expr>, common: &DataType) -> Expr {
    if matches!(common, DataType::Struct(_) | DataType::List(_) | DataType::Null) {
        let tests = list.into_iter().map(|item| nested(Operator::Eq, value.clone(), item));
        return tests.reduce(or).unwrap_or_else(|| lit(false));
    }
    let list = list.into_iter().map(|item| comparable(item, common)).collect();
    comparable(value, common).in_list(list, false)
}

/// Compares structs and arrays.
fn nested(op: Operator, left: Expr, right: Expr) -> Expr {
    let compare = move |args: &[ArrayRef], rows| {
        let order = comparator(&args[0], &args[1])?;
        let one = |i| {
            let nulls = (args[0].is_null(i), args[1].is_null(i));
            if op == Operator::IsNotDistinctFrom {
                return Some(if nulls.0 || nulls.1 {
                    nulls.0 && nulls.1
                } else {
                    order(i, i).is_eq()
                });
            }
            if nulls.0 || nulls.1 {
                return None;
            }
            let found = order(i, i);
            Some(match op {
                Operator::Eq => found.is_eq(),
                Operator::Lt => found.is_lt(),
                Operator::LtEq => found.is_le(),
                Operator::Gt => found.is_gt(),
                _ => found.is_ge(),
            })
        };
        Ok(Arc::new((0..rows).map(one).collect::<BooleanArray>()) as ArrayRef)
    };
    kernel::call("compare", op.to_string(), DataType::Boolean, vec![left, right], compare)
}

impl Analyzer {
    /// Returns a plan with these columns only, their floats normalised: what set operations and DISTINCT compare.
    ///
    /// # Errors
    /// As [`Analyzer::project`].
    pub(in crate::plan) fn comparable_columns(&self, plan: LogicalPlan, columns: &[Attribute]) -> Result<LogicalPlan> {
        if !columns.iter().any(|a| has_floats(&a.data_type)) {
            return Ok(plan);
        }
        let each = columns.iter().map(|a| (comparable(a.column(), &a.data_type), a));
        self.project(plan, each.collect())
    }
}
