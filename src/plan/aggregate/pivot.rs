//! Pivot: one column per value and aggregate.
//!
//! ```text
//! GROUP BY year PIVOT (sum(x) FOR quarter IN (1, 2))
//! ⇒ year, sum(x) FILTER (WHERE quarter <=> 1) AS `1`, sum(x) FILTER (WHERE quarter <=> 2) AS `2`
//! ```

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, ExprFunctionExt};

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison;
use crate::plan::expression::unresolved_column;
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::proto::expression::ExprType;

impl Analyzer {
    /// Makes one column per value of the pivot and aggregate, named by the value, and by the aggregate too
    /// if there are several.
    ///
    /// SQL groups by all columns that neither the aggregates nor the pivot name.
    ///
    /// # Errors
    /// If there are no values, `UNSUPPORTED_FEATURE.RIVULET`; Spark would run a query to find them.
    pub(super) fn pivot(&mut self, node: &sc::Aggregate, input: Resolved, from_sql: bool) -> Result<Resolved> {
        let pivot = node
            .pivot
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a pivot has no column"))?;
        let column = pivot
            .col
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a pivot has no column"))?;
        let of_no_frame = |e: &SparkError| e.condition.as_deref() == Some("CANNOT_RESOLVE_DATAFRAME_COLUMN");
        let column = self
            .expression(column, &input)
            .map_err(|error| match &column.expr_type {
                Some(ExprType::UnresolvedAttribute(name)) if of_no_frame(&error) => {
                    unresolved_column(&name.unparsed_identifier, &input)
                }
                _ => error,
            })?;
        if pivot.values.is_empty() {
            return Err(SparkError::unsupported("pivot without a list of values"));
        }
        let mut calls = Vec::new();
        for item in &node.aggregate_expressions {
            if !from_sql && calls_star(item) {
                return Err(SparkError::analysis(
                    "INVALID_USAGE_OF_STAR_OR_REGEX",
                    "42000",
                    "Invalid usage of '*' in Pivot.",
                )
                .with("elem", "'*'")
                .with("prettyName", "Pivot"));
            }
            calls.push(self.expression(item, &input)?);
        }
        let groups: Vec<Typed> = if from_sql {
            let mut used: Vec<String> = column.attribute.iter().map(|a| a.id.clone()).collect();
            for call in &calls {
                used.extend(call.expr.column_refs().into_iter().map(|c| c.name.clone()));
            }
            input
                .output
                .iter()
                .filter(|a| !used.contains(&a.id))
                .map(typed_attribute)
                .collect()
        } else {
            node.grouping_expressions
                .iter()
                .map(|g| self.expression(g, &input))
                .collect::<Result<_>>()?
        };
        let mut open = self.open(input, groups.clone(), None)?;
        for group in groups {
            let group = self.select_group(&open, group)?;
            self.output(&mut open, group)?;
        }
        let names = match &node.grouping_expressions[..] {
            [names] => Marker::of(names).filter(|(marker, _)| *marker == Marker::PivotNames),
            _ => None,
        };
        for (number, value) in pivot.values.iter().enumerate() {
            let value = literal::resolve(value)?;
            let named = names
                .and_then(|(_, names)| names.get(number))
                .map(|n| self.expression(n, &open.input));
            let label = match named.transpose()?.and_then(|n| n.literal().cloned()) {
                Some(ScalarValue::Utf8(Some(name))) => name,
                _ => value.name.clone(),
            };
            let wanted = cast_expr::cast(value, &column.data_type, self.mode(), self.zone)?;
            let same = datafusion_expr::Operator::IsNotDistinctFrom;
            let matches = comparison::compare(same, column.expr.clone(), wanted.expr, &column.data_type);
            for call in &calls {
                let name = if calls.len() == 1 {
                    label.clone()
                } else {
                    format!("{label}_{}", call.name)
                };
                let cell = if_any(&matches, only(&matches, call.expr.clone())?)?;
                self.output(&mut open, Typed::new(cell, call.data_type.clone(), name))?;
            }
        }
        self.close(open)
    }
}

/// Returns whether a function is called with `*`, as in `count('*')`.
fn calls_star(expression: &sc::Expression) -> bool {
    match &expression.expr_type {
        Some(ExprType::Alias(alias)) => alias.expr.as_deref().is_some_and(calls_star),
        Some(ExprType::UnresolvedFunction(call)) => {
            let is_star = |e: &sc::Expression| matches!(e.expr_type, Some(ExprType::UnresolvedStar(_)));
            call.arguments.iter().any(is_star)
        }
        _ => false,
    }
}

/// Returns an expression whose aggregates see only the rows that match.
fn only(matches: &Expr, expr: Expr) -> Result<Expr> {
    let filtered = expr.transform(|e| {
        Ok(match e {
            Expr::AggregateFunction(mut f) => {
                f.params.filter = Some(Box::new(match f.params.filter.take() {
                    Some(old) => datafusion_expr::and(*old, matches.clone()),
                    None => matches.clone(),
                }));
                Transformed::new(Expr::AggregateFunction(f), true, TreeNodeRecursion::Jump)
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(filtered.data)
}

/// Returns an aggregate over some rows of a group; null if there are none, even for one such as `count`
/// (`PivotFirst`).
fn if_any(matches: &Expr, aggregate: Expr) -> Result<Expr> {
    let one = Expr::Literal(ScalarValue::Int64(Some(1)), None);
    let rows = datafusion_functions_aggregate::expr_fn::count(one)
        .filter(matches.clone())
        .build()?;
    let any = rows.gt(Expr::Literal(ScalarValue::Int64(Some(0)), None));
    let cases = vec![(Box::new(any), Box::new(aggregate))];
    Ok(Expr::Case(datafusion_expr::Case::new(None, cases, None)))
}
