//! Constants that are computed while a query is planned, and those that are left to tasks.
//!
//! The driver plans, and it has one thread: a constant that takes long, fills the memory or ends the thread would end every
//! query of the session. So a constant is computed there only if each step is known to be cheap: its result is no larger than
//! what was written, and no kernel of it is known to fail other than by an error. Every other constant is computed by the
//! tasks that need it, once a batch; what goes wrong there is the statement's own affair.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion, TreeNodeRewriter};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::{Cast, InList, Placeholder, ScalarFunction, TryCast};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion_optimizer::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;

/// Most bytes of a constant that others are computed from.
const LITERAL_BYTES: usize = 1 << 16;
/// Longest list of an `IN` that is looked through.
const IN_LIST: usize = 1000;

/// Functions whose result is about as large as their arguments, and whose work is about as much.
const CHEAP: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "div",
    "pmod",
    "negative",
    "positive",
    "abs",
    "cast",
    "try_cast",
    "number",
    "coalesce",
    "nvl",
    "if",
    "ifnull",
    "nullif",
    "isnan",
    "isnull",
    "isnotnull",
    "not",
    "concat",
    "concat_ws",
    "lower",
    "lcase",
    "upper",
    "ucase",
    "trim",
    "ltrim",
    "rtrim",
    "btrim",
    "substring",
    "substr",
    "left",
    "right",
    "length",
    "char_length",
    "array",
    "named_struct",
    "struct",
    "map",
    "get_field",
    "element_at",
    "get_array_item",
    "get_map_value",
    "get_struct_field",
    "schema_of_json",
    "schema_of_csv",
    "to_date",
    "date",
    "date_add",
    "date_sub",
    "make_date",
    "to_timestamp",
    "timestamp",
    "unix_timestamp",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "interval",
    "make_interval",
    "make_dt_interval",
    "make_ym_interval",
];

/// Returns whether the driver may compute the value of an expression, which has neither columns nor randomness in it.
///
/// ```
/// use datafusion_expr::{col, lit};
/// use rivulet::plan::folding::is_foldable;
///
/// assert!(is_foldable(&(lit(1) + lit(2)).eq(lit(3))));
/// assert!(!is_foldable(&col("a")));
/// assert!(!is_foldable(&datafusion_functions::string::expr_fn::repeat(lit("x"), lit(2_147_483_647))));
/// ```
pub fn is_foldable(expr: &Expr) -> bool {
    let mut foldable = true;
    let visited = expr.apply(|node| {
        foldable = is_cheap(node);
        Ok(if foldable {
            TreeNodeRecursion::Continue
        } else {
            TreeNodeRecursion::Stop
        })
    });
    foldable && visited.is_ok()
}

/// Returns whether one step of a computation is cheap, whatever its arguments cost.
fn is_cheap(node: &Expr) -> bool {
    match node {
        Expr::Literal(value, _) => size(value) <= LITERAL_BYTES,
        Expr::Alias(_)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::Case(_) => true,
        Expr::InList(InList { list, .. }) => list.len() <= IN_LIST,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let cheap = matches!(op, Operator::And | Operator::Or) || compares(*op) || op.is_numerical_operators();
            cheap && [left, right].iter().all(|side| has(side, is_plain))
        }
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            is_plain(field.data_type()) && has(expr, is_plain)
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let name = func.name();
            // Intervals are made here, since windows are made of them; nothing is computed with them.
            CHEAP.contains(&name) && (makes_interval(name) || args.iter().all(|arg| has(arg, is_plain)))
        }
        _ => false,
    }
}

/// Returns whether an operator compares two values.
fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(
        op,
        Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom
    )
}

/// Returns whether a function makes an interval from a text or from numbers.
fn makes_interval(name: &str) -> bool {
    matches!(
        name,
        "cast" | "try_cast" | "interval" | "make_interval" | "make_dt_interval" | "make_ym_interval"
    )
}

/// Returns whether an expression without columns is of such a type.
fn has(expr: &Expr, of: fn(&DataType) -> bool) -> bool {
    expr.get_type(&DFSchema::empty()).is_ok_and(|data_type| of(&data_type))
}

/// Returns whether values of a type are computed with by kernels that know their limits; intervals are not.
fn is_plain(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) | DataType::Map(item, _) => is_plain(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_plain(field.data_type())),
        DataType::Interval(_) | DataType::Duration(_) => false,
        _ => true,
    }
}

/// Returns about how many bytes a value has.
fn size(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_ref().map_or(0, String::len)
        }
        ScalarValue::Binary(bytes) | ScalarValue::LargeBinary(bytes) => bytes.as_ref().map_or(0, Vec::len),
        other => other.size(),
    }
}

/// DataFusion's simplification, which computes every constant that it finds, over plans in which those that the driver must
/// not compute are hidden.
#[derive(Debug, Default)]
pub struct FoldCheapConstants {
    inner: SimplifyExpressions,
}

impl OptimizerRule for FoldCheapConstants {
    fn name(&self) -> &str {
        "fold_cheap_constants"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.inner.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !hides(&plan)? {
            return self.inner.rewrite(plan, config);
        }
        if let LogicalPlan::Aggregate(aggregate) = &plan {
            // Others name its columns by the text of its expressions: nothing is computed, and what is put into another form keeps its
            // name.
            let (schema, names) = (aggregate.input.schema().clone(), NamePreserver::new(&plan));
            return plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let runs = runnable(expr, &schema)?;
                Ok(Transformed::new_transformed(name.restore(runs.data), runs.transformed))
            });
        }
        let names = NamePreserver::new(&plan);
        let mut saved = Vec::new();
        let mut hidden = Hidden::default();
        let plan = plan.map_expressions(|expr| {
            saved.push(names.save(&expr));
            expr.rewrite(&mut hidden)
        })?;
        let simple = self.inner.rewrite(plan.data, config)?;
        let mut saved = saved.into_iter();
        let shown = simple.data.map_expressions(|expr| {
            let shown = hidden.show(expr)?;
            Ok(Transformed::yes(match saved.next() {
                Some(name) => name.restore(shown),
                None => shown,
            }))
        })?;
        Ok(Transformed::new_transformed(shown.data, simple.transformed))
    }
}

/// Returns whether a plan's own expressions have constants that the driver must not compute.
fn hides(plan: &LogicalPlan) -> Result<bool> {
    /// Returns whether an expression is a constant; notes whether one in it must wait.
    fn is_constant(expr: &Expr, found: &mut bool) -> Result<bool> {
        let mut constant = !varies(expr);
        expr.apply_children(|child| {
            constant &= is_constant(child, found)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        *found |= constant && !is_cheap(expr);
        Ok(constant)
    }
    let mut found = false;
    plan.apply_expressions(|expr| {
        is_constant(expr, &mut found)?;
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    Ok(found)
}

/// Returns whether an expression's value is not known from those in it.
fn varies(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Column(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::Placeholder(_)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::ScalarSubquery(_)
            | Expr::SetComparison(_)
            | Expr::GroupingSet(_)
            | Expr::ScalarVariable(..)
            | Expr::Lambda(_)
            | Expr::LambdaVariable(_)
    )
}

/// Replaces calls that DataFusion runs only in another form, such as `coalesce`, by that form: its simplification does so in plans,
/// and does not see what is kept from it.
///
/// # Errors
/// DataFusion's, if a call cannot be put into that form.
pub fn runnable(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let context = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build();
    expr.transform_up(|e| match e {
        Expr::ScalarFunction(call) => match call.func.simplify(call.args, &context)? {
            ExprSimplifyResult::Simplified(other) => Ok(Transformed::yes(other)),
            ExprSimplifyResult::Original(args) => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction {
                func: call.func,
                args,
            }))),
        },
        other => Ok(Transformed::no(other)),
    })
}

/// Names what stands for a constant.
const HIDDEN: &str = "$later";

/// Constants that are kept from the simplification of a plan: puts something without a value in the place of each step that
/// is not cheap.
#[derive(Debug, Default)]
struct Hidden {
    /// By the number in the name of what stands for them.
    constants: Vec<Expr>,
    /// For each expression that the rewrite is in, whether what it has seen of it is constant.
    within: Vec<bool>,
}

impl TreeNodeRewriter for Hidden {
    type Node = Expr;

    fn f_down(&mut self, node: Expr) -> Result<Transformed<Expr>> {
        self.within.push(!varies(&node));
        Ok(Transformed::no(node))
    }

    fn f_up(&mut self, node: Expr) -> Result<Transformed<Expr>> {
        let constant = self.within.pop().unwrap_or_default();
        let hide = constant && !is_cheap(&node);
        if let Some(parent) = self.within.last_mut() {
            *parent &= constant && !hide;
        }
        if !hide {
            return Ok(Transformed::no(node));
        }
        let (_, field) = node.to_field(&DFSchema::empty())?;
        let id = format!("{HIDDEN}{}", self.constants.len());
        self.constants.push(runnable(node, &DFSchema::empty())?.data);
        Ok(Transformed::yes(Expr::Placeholder(Placeholder::new_with_field(
            id,
            Some(field),
        ))))
    }
}

impl Hidden {
    /// Puts the constants back.
    fn show(&self, expr: Expr) -> Result<Expr> {
        let shown = expr.transform_down(|node| {
            let number = match &node {
                Expr::Placeholder(placeholder) => placeholder.id.strip_prefix(HIDDEN).and_then(|n| n.parse().ok()),
                _ => None,
            };
            Ok(match number.and_then(|n: usize| self.constants.get(n)) {
                Some(constant) => Transformed::yes(constant.clone()),
                None => Transformed::no(node),
            })
        })?;
        Ok(shown.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::kernel;
    use datafusion_expr::{LogicalPlanBuilder, lit, when};
    use datafusion_optimizer::OptimizerContext;

    /// A constant whose kernel must not run here.
    fn trap(arg: Expr) -> Expr {
        kernel::call("trap", "", DataType::Int32, vec![arg], |_, _| {
            panic!("the driver computes it")
        })
    }

    fn rewritten(plan: LogicalPlan) -> LogicalPlan {
        let before = plan.schema().clone();
        let rule = FoldCheapConstants::default();
        let after = rule.rewrite(plan, &OptimizerContext::new()).unwrap().data;
        assert_eq!(&before, after.schema());
        after
    }

    fn projected(expr: Expr) -> String {
        let plan = LogicalPlanBuilder::empty(true).project(vec![expr.alias("#1")]).unwrap();
        rewritten(plan.build().unwrap()).expressions()[0]
            .clone()
            .unalias()
            .to_string()
    }

    #[test]
    fn cheap_constants_are_computed_and_others_wait_for_a_task() {
        let three = || lit(1) + lit(2);
        assert_eq!(projected(three()), "Int32(3)");
        assert_eq!(projected(trap(three())), "trap(Int32(1) + Int32(2))");
        assert_eq!(projected(three() + trap(lit(1))), "Int32(3) + trap(Int32(1))");
        assert_eq!(
            projected(trap(trap(lit(1)) + lit(2))),
            "trap(trap(Int32(1)) + Int32(2))"
        );
        let taken = when(lit(1).eq(lit(2)), trap(lit(1))).otherwise(lit(5)).unwrap();
        assert_eq!(projected(taken), "Int32(5)");
    }

    #[test]
    fn a_filter_is_simplified_around_what_waits() {
        let plan = LogicalPlanBuilder::empty(true)
            .filter(trap(lit(1)).eq(lit(7)).and(lit(1).eq(lit(1))))
            .unwrap();
        let after = rewritten(plan.build().unwrap());
        assert_eq!(after.expressions()[0].to_string(), "trap(Int32(1)) = Int32(7)");
    }

    #[test]
    fn large_constants_and_intervals_are_not_computed_with() {
        let large = lit("x".repeat(LITERAL_BYTES + 1));
        assert!(!is_foldable(&large.clone().eq(lit("x"))));
        assert!(is_foldable(&lit("x").eq(lit("y"))));
        let month = lit(ScalarValue::new_interval_mdn(1, 0, 0));
        assert!(!is_foldable(&(month.clone() / lit(3))));
        assert!(!is_foldable(&kernel::call(
            "*",
            "",
            DataType::Int32,
            vec![month, lit(2)],
            |_, _| panic!()
        )));
        let many = vec![lit(1); IN_LIST + 1];
        assert!(!is_foldable(&lit(1).in_list(many, false)));
    }
}
