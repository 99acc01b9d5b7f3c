//! `f(…) OVER (PARTITION BY … ORDER BY … frame)`.
//!
//! A window function is resolved in two steps. Where it stands in an expression, it becomes
//! DataFusion's window expression with Spark's frame; when its select list is complete, all of them
//! move into Window operators below the projection, one per layout of partition and order keys.
//!
//! ```text
//! SELECT a + sum(b) OVER w FROM t      Projection  a + #7
//!                                        Window      #7 = sum(b) OVER w
//!                                          t
//! ```
//!
//! Streams refuse them: their frames would never end.
//!
//! ```text
//!                  without ORDER BY              with ORDER BY
//! aggregates       the whole partition           RANGE to the row's peers
//! rankings         WINDOW_FUNCTION_FRAME_…       ROWS to the row
//! lag, lead        WINDOW_FUNCTION_FRAME_…       the row at the offset
//! ```

use std::sync::Arc;

use datafusion_common::DFSchema;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::{NullTreatment, Sort, WindowFunction, WindowFunctionParams};
use datafusion_expr::{AggregateUDF, Expr, ExprSchemable, LogicalPlanBuilder, WindowFunctionDefinition};
use datafusion_functions_window::nth_value;

use super::aggregate::has_aggregate;
use super::analyzer::Analyzer;
use super::functions::aggregate::each_call;
use super::functions::error::not_orderable;
use super::scope::{Attribute, Resolved, Typed};
use crate::error::{Result, SparkError};
use crate::kernels::aggregates::gather;
use crate::plan::comparison::comparable;
use crate::plan::window_frame::{Frame, Kind};
use crate::proto as sc;
use crate::values::types;

/// Partition and order keys of a window: calls with equal ones share one sort.
type Layout = (Vec<Expr>, Vec<Sort>);

impl Analyzer {
    /// Resolves `function OVER (PARTITION BY … ORDER BY … frame)`.
    ///
    /// Without a frame, an ordered window ends with the peers of the current row, an unordered one with the
    /// partition. Ranking functions have the frame that they need and no other (Spark's
    /// `SpecifiedWindowFrame`, `ResolveWindowFrame`).
    ///
    /// # Errors
    /// If it is neither an aggregate nor a window function, `UNSUPPORTED_EXPR_FOR_WINDOW`; if a ranking
    /// does not have an order, `WINDOW_FUNCTION_FRAME_NOT_ORDERED`; if the frame does not fit,
    /// `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_*`.
    pub(super) fn window_function(&mut self, window: &sc::expression::Window, scope: &Resolved) -> Result<Typed> {
        let call = window
            .window_function
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a window has no function"))?;
        let partition: Vec<Typed> = window
            .partition_spec
            .iter()
            .map(|p| self.expression(p, scope))
            .collect::<Result<_>>()?;
        let order: Vec<(Typed, Sort)> = window
            .order_spec
            .iter()
            .map(|spec| self.sort_order(spec, scope))
            .collect::<Result<_>>()?;
        let mut typed = self.expression(call, scope)?;
        each_call(typed.expr.clone(), |e| match nested_in(&e) {
            Some(nested) => {
                check_expr_over(nested, None)?;
                Err(SparkError::unsupported("a window function in the argument of another"))
            }
            None => Ok(e),
        })?;
        for key in partition.iter().chain(order.iter().map(|(key, _)| key)) {
            check_over(key)?;
            if is_in(&key.expr) {
                return Err(SparkError::unsupported("a window function in the keys of another"));
            }
        }
        let kind = kind_of(&typed)?;
        if (kind != Kind::Aggregate || typed.name.starts_with("nth_value(")) && order.is_empty() {
            return Err(frame_not_ordered(&typed));
        }
        let Frame {
            frame: window_frame,
            text: frame_text,
            order_by,
        } = self.frame(window.frame_spec.as_deref(), kind, &typed, &order, scope)?;
        let mut clauses = Vec::new();
        if !partition.is_empty() {
            let keys: Vec<&str> = partition.iter().map(|t| t.name.as_str()).collect();
            clauses.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        if !order.is_empty() {
            let keys: Vec<String> = order.iter().map(|(key, sort)| describe(key, sort)).collect();
            clauses.push(format!("ORDER BY {}", keys.join(", ")));
        }
        clauses.push(frame_text);
        typed.name = format!("{} OVER ({})", typed.name, clauses.join(" "));
        (typed.named, typed.attribute) = (false, None);
        let over = WindowFunctionParams {
            args: vec![],
            partition_by: partition
                .into_iter()
                .map(|t| comparable(t.expr, &t.data_type))
                .collect(),
            order_by,
            window_frame,
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        typed.expr = each_call(typed.expr, |e| call_over(e, &over, scope.plan.schema()))?;
        Ok(typed)
    }

    /// Resolves one sort key: nulls first when ascending, last when descending, unless said otherwise.
    ///
    /// # Errors
    /// If the key cannot be resolved.
    pub(super) fn sort_order(&mut self, spec: &sc::expression::SortOrder, scope: &Resolved) -> Result<(Typed, Sort)> {
        let child = spec
            .child
            .as_deref()
            .ok_or_else(|| SparkError::invalid_plan("a sort order has no child"))?;
        let typed = self.expression(child, scope)?;
        let sort = sort_key(&typed, spec);
        check_orderable(&typed, &sort)?;
        Ok((typed, sort))
    }

    /// Moves the window functions of a select list into Windows below it; equal calls are computed once.
    ///
    /// # Errors
    /// If the input is a stream, `NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING`.
    pub(super) fn pull_window_functions(&mut self, input: Resolved, items: &mut [Typed]) -> Result<Resolved> {
        let mut calls: Vec<(Expr, Attribute)> = Vec::new();
        for item in items.iter_mut() {
            check_over(item)?;
            let rewritten = item.expr.clone().transform_down(|e| {
                if !matches!(e, Expr::WindowFunction(_)) {
                    return Ok(Transformed::no(e));
                }
                let attribute = match calls.iter().find(|(known, _)| *known == e) {
                    Some((_, attribute)) => attribute.clone(),
                    None => {
                        let attribute = self.attribute("window function", item.data_type.clone(), true);
                        calls.push((e, attribute.clone()));
                        attribute
                    }
                };
                Ok(Transformed::new(attribute.column(), true, TreeNodeRecursion::Jump))
            })?;
            if rewritten.transformed {
                item.expr = rewritten.data;
            }
        }
        if calls.is_empty() {
            return Ok(input);
        }
        if input.streaming {
            return Err(SparkError::analysis(
                "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                "42KDE",
                "Window function is not supported on streaming DataFrames/Datasets. Structured Streaming only supports time-window aggregation using the WINDOW function.",
            ));
        }
        // One Window for all calls over the same rows in the same order.
        let mut layouts: Vec<(Layout, Vec<Expr>)> = Vec::new();
        for (call, attribute) in calls {
            let Expr::WindowFunction(function) = &call else {
                continue;
            };
            let layout = (function.params.partition_by.clone(), function.params.order_by.clone());
            let named = call.alias(attribute.id);
            match layouts.iter_mut().find(|(known, _)| *known == layout) {
                Some((_, group)) => group.push(named),
                None => layouts.push((layout, vec![named])),
            }
        }
        let mut builder = LogicalPlanBuilder::from(input.plan.clone());
        for (_, group) in layouts {
            builder = builder.window(group)?;
        }
        let plan = builder.build()?;
        Ok(input.over(plan))
    }
}

/// Returns the argument of a call that has a window function in it.
fn nested_in(call: &Expr) -> Option<&Expr> {
    match call {
        Expr::WindowFunction(function) => function.params.args.iter().find(|arg| is_in(arg)),
        Expr::AggregateFunction(function) => function.params.args.iter().find(|arg| is_in(arg)),
        _ => None,
    }
}

/// Checks that the window functions of an expression stand over windows.
///
/// # Errors
/// As [`check_expr_over`].
pub(super) fn check_over(typed: &Typed) -> Result<()> {
    let whole = match &typed.expr {
        Expr::Cast(cast) => &cast.expr,
        other => other,
    };
    let is_call = matches!(whole, Expr::WindowFunction(_)) && !typed.named;
    check_expr_over(&typed.expr, is_call.then_some(&typed.name))
}

/// Checks that an expression of an operator such as `Join` has neither aggregates nor window functions in it.
///
/// # Errors
/// `UNSUPPORTED_EXPR_FOR_OPERATOR`, `WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE`.
pub(super) fn check_values(typed: &Typed, operator: &str) -> Result<()> {
    check_over(typed)?;
    if !has_aggregate(&typed.expr) && !is_in(&typed.expr) {
        return Ok(());
    }
    Err(SparkError::analysis(
        "UNSUPPORTED_EXPR_FOR_OPERATOR",
        "42K0E",
        format!(
            "The query operator {operator} contains one or more unsupported expressions.\nConsider to rewrite it to avoid window functions, \
             aggregate functions, and generator functions in the {operator} operator.\nInvalid expressions: [\"{}\"]",
            typed.name
        ),
    ))
}

/// Checks that the window functions of an expression stand over windows; `label` is that of the expression if it is a call.
///
/// # Errors
/// `WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE`.
pub(super) fn check_expr_over(expr: &Expr, label: Option<&str>) -> Result<()> {
    let mut bare = None;
    expr.apply(|e| {
        if let Expr::WindowFunction(call) = e
            && is_bare(call)
        {
            bare.get_or_insert_with(|| call.fun.name().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let Some(name) = bare else { return Ok(()) };
    let call = label.map_or_else(|| format!("{name}()"), str::to_owned);
    Err(SparkError::analysis(
        "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
        "42601",
        format!("Window function \"{call}\" requires an OVER clause."),
    ))
}

/// Returns whether a call is not over a window: those of window functions have an order, all of them.
fn is_bare(call: &WindowFunction) -> bool {
    let is_own = matches!(call.fun, WindowFunctionDefinition::WindowUDF(_));
    is_own && call.params.order_by.is_empty() && !matches!(call.fun.name(), "first_value" | "last_value")
}

/// Returns whether a window function is in an expression.
pub(super) fn is_in(expr: &Expr) -> bool {
    expr.exists(|e| Ok(matches!(e, Expr::WindowFunction(_))))
        .unwrap_or(true)
}

/// Returns the kind of the first call in an expression.
///
/// # Errors
/// If there is none, `UNSUPPORTED_EXPR_FOR_WINDOW`.
fn kind_of(typed: &Typed) -> Result<Kind> {
    let mut kind = None;
    each_call(typed.expr.clone(), |e| {
        kind.get_or_insert(Kind::of(&e));
        Ok(e)
    })?;
    kind.ok_or_else(|| {
        SparkError::analysis(
            "UNSUPPORTED_EXPR_FOR_WINDOW",
            "42P20",
            format!("Expression \"{}\" not supported within a window function.", typed.name),
        )
    })
}

/// Makes `WINDOW_FUNCTION_FRAME_NOT_ORDERED`, with the function's name and call.
fn frame_not_ordered(call: &Typed) -> SparkError {
    let name = call.name.split('(').next().unwrap_or_default().to_lowercase();
    SparkError::analysis(
        "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
        "42601",
        format!(
            "Window function {name} requires the window to be ordered. You need to add an ORDER BY clause. For example: SELECT {} OVER \
             (PARTITION BY window_partition ORDER BY window_ordering) FROM table.",
            call.name
        ),
    )
    .with("wf_name", name)
    .with("wf_expr", &call.name)
}

/// Returns an aggregate or window call as a call over a window; any other expression unchanged.
///
/// # Errors
/// If an aggregate is DISTINCT, `DISTINCT_WINDOW_FUNCTION_UNSUPPORTED`.
fn call_over(call: Expr, over: &WindowFunctionParams, schema: &DFSchema) -> Result<Expr> {
    let (fun, args, filter, distinct, null_treatment) = match call {
        Expr::WindowFunction(function) => {
            let p = function.params;
            (function.fun, p.args, None, false, p.null_treatment)
        }
        Expr::AggregateFunction(function) => {
            let p = function.params;
            // The window forms look at the frame's ends instead of folding it.
            let fun = match function.func.name() {
                "first_value" => WindowFunctionDefinition::WindowUDF(nth_value::first_value_udwf()),
                "last_value" => WindowFunctionDefinition::WindowUDF(nth_value::last_value_udwf()),
                _ => WindowFunctionDefinition::AggregateUDF(over_frames(function.func, &p.args, over, schema)?),
            };
            (fun, p.args, p.filter, p.distinct, p.null_treatment)
        }
        other => return Ok(other),
    };
    if distinct {
        return Err(SparkError::analysis(
            "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
            "0A000",
            "Distinct window functions are not supported.",
        ));
    }
    let params = WindowFunctionParams {
        args,
        filter,
        null_treatment: null_treatment.filter(|n| *n == NullTreatment::IgnoreNulls),
        ..over.clone()
    };
    Ok(Expr::WindowFunction(Box::new(WindowFunction { fun, params })))
}

/// Returns a function as it is computed over a window's frames.
///
/// # Errors
/// If it does not take such arguments.
fn over_frames(
    function: Arc<AggregateUDF>,
    args: &[Expr],
    over: &WindowFunctionParams,
    schema: &DFSchema,
) -> Result<Arc<AggregateUDF>> {
    if over.window_frame.start_bound.is_unbounded() {
        return Ok(function);
    }
    let types = args.iter().map(|a| a.get_type(schema));
    let types = types.collect::<datafusion_common::Result<Vec<_>>>()?;
    Ok(gather::sliding(&function, &types)?)
}

/// Returns a sort key as Spark prints it: `x DESC NULLS LAST`.
///
/// ```
/// use rivulet::plan::{literal, window_function};
///
/// let key = literal::int(1);
/// let sort = key.expr.clone().sort(false, false);
/// assert_eq!(window_function::describe(&key, &sort), "1 DESC NULLS LAST");
/// ```
pub fn describe(value: &Typed, sort: &Sort) -> String {
    let direction = if sort.asc { "ASC" } else { "DESC" };
    let nulls = if sort.nulls_first { "NULLS FIRST" } else { "NULLS LAST" };
    format!("{} {direction} {nulls}", value.name)
}

/// Checks that values of a sort key have an order.
///
/// # Errors
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`.
pub(super) fn check_orderable(value: &Typed, sort: &Sort) -> Result<()> {
    if types::is_orderable(&value.data_type) {
        return Ok(());
    }
    Err(not_orderable(&describe(value, sort), "sortorder", &value.data_type))
}

/// Returns a sort key by Spark's defaults: ascending, and nulls before the least value.
pub fn sort_key(typed: &Typed, spec: &sc::expression::SortOrder) -> Sort {
    use sc::expression::sort_order::{NullOrdering, SortDirection};
    let ascending = spec.direction() != SortDirection::Descending;
    let nulls_first = match spec.null_ordering() {
        NullOrdering::SortNullsFirst => true,
        NullOrdering::SortNullsLast => false,
        NullOrdering::SortNullsUnspecified => ascending,
    };
    comparable(typed.expr.clone(), &typed.data_type).sort(ascending, nulls_first)
}
