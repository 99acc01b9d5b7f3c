//! Grouping: GROUP BY and its sets, HAVING, pivot, and global aggregates.
//!
//! An [`Aggregation`] stays open for a while: a HAVING or ORDER BY above may still ask for another
//! aggregate or for a grouping column that is not selected (Spark's `ResolveAggregateFunctions`). Time
//! windows group by their start, a plain timestamp; the window struct is put together afterwards.
//!
//! ```text
//! input ─► Projection computes grouping columns #g1, #g2, …
//!       ─► Aggregate  by #g1, #g2 of #a1 = sum(x), #a2 = count(y), …
//!       ─► Filter     HAVING over #g, #a
//!       ─► Projection outputs over #g, #a; extras for ORDER BY are hidden columns
//!
//! open   groups known, aggregates still collected
//! output each item of the select list: aggregates replaced by #a, grouping expressions by #g
//! close  plan built; the open state stays with the relation, for HAVING and ORDER BY to reopen
//! ```

mod grouping;
mod having;
mod pivot;

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlanBuilder};

use super::analyzer::Analyzer;
use super::functions::aggregate::grouping::is_grouping;
use super::scope::{Attribute, Resolved, Typed, typed_attribute};
use super::sql::marker::SqlForm;
use super::window_function;
use crate::error::{Result, SparkError};
use crate::proto as sc;
use crate::proto::aggregate::GroupType;
use crate::proto::expression::ExprType;

/// An aggregation that is still open: what is grouped, and what has been asked of it so far.
#[derive(Debug, Clone)]
pub struct Aggregation {
    /// What is aggregated.
    input: Resolved,
    /// Grouping columns of the input, after a projection has computed them.
    groups: Vec<Attribute>,
    /// Expressions over the input that a grouping column stands for.
    known: Vec<(Expr, Expr)>,
    /// Grouping columns by their number in GROUP BY, for `grouping(x)`; and the id column of grouping sets.
    grouping: Option<(Vec<Expr>, Attribute)>,
    /// The aggregate calls met, each with the column that holds its result.
    aggregates: Vec<(Expr, Attribute)>,
    /// The columns that it shows, over groups and aggregates.
    outputs: Vec<(Expr, Attribute)>,
    /// Columns that only ORDER BY needs, which it hides.
    extras: Vec<(Expr, Attribute)>,
    /// Conditions over groups and aggregates.
    having: Vec<Expr>,
}

/// Returns whether an expression has an aggregate function in it.
///
/// ```
/// use datafusion_expr::{col, lit};
/// use rivulet::plan::aggregate::has_aggregate;
///
/// let count = datafusion_functions_aggregate::expr_fn::count(col("a"));
/// assert!(has_aggregate(&(count + lit(1))));
/// assert!(!has_aggregate(&col("a")));
/// ```
pub fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    let _ = expr.apply(|e| {
        Ok(match e {
            Expr::AggregateFunction(_) => {
                found = true;
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    });
    found
}

impl Analyzer {
    /// Resolves GROUP BY with its sets, and pivot. A DataFrame shows the grouping columns first; SQL shows
    /// its select list only.
    ///
    /// # Errors
    /// If a column is neither grouped nor aggregated, `MISSING_AGGREGATION`; and those of grouping
    /// expressions.
    pub(in crate::plan) fn aggregate(&mut self, node: &sc::Aggregate, origin: SqlForm) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let from_sql = origin == SqlForm::Select;
        if node.group_type() == GroupType::Pivot {
            return self.pivot(node, input, origin == SqlForm::Pivot);
        }
        let mut grouping = self.grouped_by(node, &input);
        let sets = grouping::grouping_sets(node, &mut grouping)?;
        let groups = grouping
            .iter()
            .map(|g| self.grouping_expression(g, node, &input))
            .collect::<Result<Vec<_>>>()?;
        let (distinct, sets) = grouping::distinct(&groups, sets);
        let mut open = self.open(input, distinct, sets)?;
        let mut outputs = Vec::new();
        if !from_sql {
            for group in groups {
                outputs.push(self.select_group(&open, group)?);
            }
        }
        for item in &node.aggregate_expressions {
            match &item.expr_type {
                Some(ExprType::UnresolvedStar(star)) => outputs.extend(self.star(star, &open.input)?),
                _ => outputs.push(self.expression(item, &open.input)?),
            }
        }
        for typed in outputs {
            self.output(&mut open, typed)?;
        }
        self.close(open)
    }

    /// Resolves a select list with aggregate functions and without GROUP BY: one row, even for no rows of
    /// input.
    pub(in crate::plan) fn global_aggregate(&mut self, input: Resolved, items: Vec<Typed>) -> Result<Resolved> {
        let mut open = self.open(input, vec![], None)?;
        for typed in items {
            self.output(&mut open, typed)?;
        }
        self.close(open)
    }

    /// Returns a grouping expression as an output column of a DataFrame aggregate; a window as the column
    /// that was made of it.
    pub(super) fn select_group(&mut self, open: &Aggregation, group: Typed) -> Result<Typed> {
        if group.window.is_some() {
            let mut typed = group.clone();
            // The newest: the input may have a window of an aggregation below.
            let found = open
                .input
                .output
                .iter()
                .rev()
                .find(|a| a.time_window && a.name == group.name);
            if let Some(attribute) = found {
                typed = typed_attribute(attribute);
            }
            typed.name = group.name;
            return Ok(typed);
        }
        Ok(group)
    }

    /// Adds a column to what the aggregation returns.
    ///
    /// # Errors
    /// If the expression uses a column that is neither grouped nor aggregated, `MISSING_AGGREGATION`; if it
    /// is a generator, `UNSUPPORTED_FEATURE.RIVULET`.
    pub(super) fn output(&mut self, open: &mut Aggregation, typed: Typed) -> Result<()> {
        if typed.generator.is_some() {
            return Err(SparkError::unsupported(
                "generators beside aggregates in one select list",
            ));
        }
        let expr = self.rewrite(open, typed.expr.clone(), &typed.name)?;
        let mut attribute = self.attribute_of(&typed);
        attribute.nullable = typed.nullable || open.grouping.is_some();
        open.outputs.push((expr, attribute));
        Ok(())
    }

    /// Returns a fresh column for an expression; it stays an event time or a window if the expression is
    /// such a column.
    fn attribute_of(&mut self, typed: &Typed) -> Attribute {
        let mut attribute = self.attribute(typed.column_name(), typed.data_type.clone(), true);
        if let Some(from) = &typed.attribute {
            attribute.event_time = from.event_time;
            attribute.time_window = from.time_window;
            attribute.metadata.clone_from(&typed.metadata);
            if typed.column_name() == from.name {
                attribute.qualifier.clone_from(&from.qualifier);
            }
        }
        attribute
    }

    /// Turns an expression over the input into one over groups and aggregates; new aggregates are added to
    /// what is computed.
    ///
    /// # Errors
    /// If a column is left that is neither, `MISSING_AGGREGATION`, which names it.
    pub(super) fn rewrite(&mut self, open: &mut Aggregation, expr: Expr, name: &str) -> Result<Expr> {
        let mut missing: Option<String> = None;
        let rewritten = expr.transform_down(|e| {
            if let Some((_, replacement)) = open.known.iter().find(|(known, _)| *known == e) {
                return Ok(Transformed::new(replacement.clone(), true, TreeNodeRecursion::Jump));
            }
            match &e {
                Expr::AggregateFunction(function) => {
                    for arg in function.params.args.iter().chain(function.params.filter.as_deref()) {
                        check_argument(arg)?;
                    }
                    let attribute = match open.aggregates.iter().find(|(known, _)| *known == e) {
                        Some((_, attribute)) => attribute.clone(),
                        None => {
                            let attribute = self.attribute("aggregate", DataType::Null, true);
                            open.aggregates.push((e, attribute.clone()));
                            attribute
                        }
                    };
                    Ok(Transformed::new(attribute.column(), true, TreeNodeRecursion::Jump))
                }
                Expr::ScalarFunction(call) if is_grouping(&call.func) => {
                    let column = grouping_bit(open.grouping.as_ref(), call.args.first())?;
                    Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
                }
                Expr::Column(column) => {
                    let grouped = open.groups.iter().any(|g| g.id == column.name)
                        || open.aggregates.iter().any(|(_, a)| a.id == column.name);
                    if !grouped {
                        let label = open
                            .input
                            .visible()
                            .find(|a| a.id == column.name)
                            .map_or(name.to_owned(), |a| a.name.clone());
                        missing.get_or_insert(label);
                    }
                    Ok(Transformed::no(e))
                }
                _ => Ok(Transformed::no(e)),
            }
        })?;
        if let Some(column) = missing {
            return Err(SparkError::analysis(
                "MISSING_AGGREGATION",
                "42803",
                format!(
                    "The non-aggregating expression \"{column}\" is based on columns which are not participating in the GROUP BY clause. \
                     Add the columns or the expression to the GROUP BY, aggregate the expression, or use \"any_value({column})\" if \
                     you do not care which of the values within a group is returned."
                ),
            )
            .with("expression", format!("\"{column}\""))
            .with("expressionAnyValue", format!("\"any_value({column})\"")));
        }
        Ok(rewritten.data)
    }

    /// Builds the plan: aggregate, HAVING, outputs; groups and extras follow, below.
    ///
    /// GROUP BY of constants alone, without aggregates, is one row if there is any row.
    pub(super) fn close(&mut self, open: Aggregation) -> Result<Resolved> {
        let groups: Vec<Expr> = open.groups.iter().map(Attribute::column).collect();
        let aggregates: Vec<Expr> = open
            .aggregates
            .iter()
            .map(|(e, a)| e.clone().alias(a.id.clone()))
            .collect();
        let mut builder = LogicalPlanBuilder::from(open.input.plan.clone());
        if groups.is_empty() && aggregates.is_empty() {
            // GROUP BY of constants only, nothing aggregated: one row if there is any.
            let one = datafusion_functions_aggregate::expr_fn::count(Expr::Literal(ScalarValue::Int64(Some(1)), None));
            builder = builder.aggregate(Vec::<Expr>::new(), vec![one.alias("#rows")])?;
        } else {
            builder = builder.aggregate(groups, aggregates)?;
        }
        for condition in &open.having {
            builder = builder.filter(condition.clone())?;
        }
        let plan = builder.build()?;
        // Window functions are computed over the groups.
        let shown = || open.outputs.iter().chain(&open.extras);
        let mut items: Vec<Typed> = shown()
            .map(|(expr, a)| Typed::new(expr.clone(), a.data_type.clone(), a.name.clone()))
            .collect();
        let grouped = Resolved::new(plan, vec![], open.input.streaming);
        let grouped = self.pull_window_functions(grouped, &mut items)?;
        let columns = items
            .into_iter()
            .map(|item| item.expr)
            .zip(shown().map(|(_, attribute)| attribute));
        let output: Vec<Attribute> = open.outputs.iter().map(|(_, attribute)| attribute.clone()).collect();
        let below: Vec<Attribute> = open.extras.iter().map(|(_, attribute)| attribute.clone()).collect();
        let plan = self.project(grouped.plan, columns.collect())?;
        let mut resolved = Resolved::new(plan, output, open.input.streaming);
        resolved.below = below;
        resolved.tagged = open
            .input
            .tagged
            .iter()
            .map(|(id, attributes)| {
                let kept = attributes
                    .iter()
                    .filter_map(|a| {
                        open.outputs
                            .iter()
                            .find(|(e, _)| known_as(&open, a) == Some(e))
                            .map(|(_, o)| Attribute {
                                name: a.name.clone(),
                                ..o.clone()
                            })
                    })
                    .collect();
                (*id, kept)
            })
            .collect();
        resolved.aggregation = Some(Box::new(open));
        Ok(resolved)
    }
}

/// Makes `UNSUPPORTED_GROUPING_EXPRESSION`.
fn no_grouping_sets() -> SparkError {
    SparkError::analysis(
        "UNSUPPORTED_GROUPING_EXPRESSION",
        "42K0E",
        "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
    )
}

/// Checks that `grouping` and `grouping_id` are not in an expression of a query without an aggregation.
///
/// # Errors
/// `UNSUPPORTED_GROUPING_EXPRESSION`.
pub fn check_no_grouping(expr: &Expr) -> Result<()> {
    let found = expr.exists(|e| Ok(matches!(e, Expr::ScalarFunction(call) if is_grouping(&call.func))))?;
    if found { Err(no_grouping_sets()) } else { Ok(()) }
}

/// Checks that an aggregate's argument is a value of each row.
///
/// # Errors
/// `NESTED_AGGREGATE_FUNCTION`, `UNSUPPORTED_GROUPING_EXPRESSION`; for window functions `_LEGACY_ERROR_TEMP_1031`.
fn check_argument(arg: &Expr) -> Result<()> {
    if has_aggregate(arg) {
        return Err(SparkError::analysis(
            "NESTED_AGGREGATE_FUNCTION",
            "42607",
            "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner aggregate \
             function in a sub-query.",
        ));
    }
    if window_function::is_in(arg) {
        window_function::check_expr_over(arg, None)?;
        return Err(SparkError::analysis(
            "_LEGACY_ERROR_TEMP_1031",
            "",
            "It is not allowed to use a window function inside an aggregate function. Please use the inner window function in a sub-query.",
        ));
    }
    check_no_grouping(arg)
}

/// Returns `grouping(column)`, 1 if the row's set leaves the column out, or without a column
/// `grouping_id()`.
///
/// # Errors
/// If there are no grouping sets, `UNSUPPORTED_GROUPING_EXPRESSION`; if the column is not among theirs,
/// `GROUPING_COLUMN_MISMATCH`.
fn grouping_bit(sets: Option<&(Vec<Expr>, Attribute)>, column: Option<&Expr>) -> Result<Expr> {
    let (columns, id) = sets.ok_or_else(no_grouping_sets)?;
    let Some(column) = column else {
        // Above its bits are those that tell equal sets apart.
        let bits = 1i64
            .checked_shl(columns.len() as u32)
            .map_or(-1, |past| past.wrapping_sub(1));
        return Ok(id.column() & Expr::Literal(ScalarValue::Int64(Some(bits)), None));
    };
    let at = columns.iter().position(|c| c == column).ok_or_else(|| {
        SparkError::analysis(
            "GROUPING_COLUMN_MISMATCH",
            "42803",
            "Column of grouping can't be found in grouping columns.",
        )
    })?;
    let shift = Expr::Literal(ScalarValue::Int64(Some((columns.len() - 1 - at) as i64)), None);
    let one = Expr::Literal(ScalarValue::Int64(Some(1)), None);
    Ok(datafusion_expr::cast((id.column() >> shift) & one, DataType::Int8))
}

/// Returns what a column of the input is called above the grouping; `None` if the query does not group by it.
fn known_as<'a>(open: &'a Aggregation, attribute: &Attribute) -> Option<&'a Expr> {
    open.known
        .iter()
        .find(|(k, _)| *k == attribute.column())
        .map(|(_, r)| r)
}
