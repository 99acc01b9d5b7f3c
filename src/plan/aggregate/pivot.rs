//! Pivot: one column per value and aggregate.
//!
//! ```text
//! GROUP BY year PIVOT (sum(x) FOR quarter IN (1, 2))
//! ⇒ year, sum(x) FILTER (WHERE quarter <=> 1) AS `1`, sum(x) FILTER (WHERE quarter <=> 2) AS `2`
//! ```

use arrow::array::Array;
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, ExprFunctionExt};
use prost::Message;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison;
use crate::plan::expression::unresolved_column;
use crate::plan::output_mode::refused;
use crate::plan::recursion::{Question, view_of};
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::sql::message::{alias, attribute, relation};
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::proto::expression::ExprType;
use crate::proto::relation::RelType;
use crate::settings::PIVOT_MAX_VALUES;
use crate::values::cast::to_text;
use crate::values::ipc;

impl Analyzer {
    /// Makes one column per value of the pivot and aggregate, named by the value, and by the aggregate too
    /// if there are several.
    ///
    /// SQL groups by all columns that neither the aggregates nor the pivot name.
    ///
    /// Without a list, the values are those of the column, ascending.
    ///
    /// # Errors
    /// If they are not known yet, [`QUESTION`](crate::plan::recursion::QUESTION), and the analyzer has the question; if there are
    /// more than `spark.sql.pivotMaxValues`.
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
                Some(ExprType::UnresolvedAttribute(name)) if of_no_frame(&error) && !pivot.values.is_empty() => {
                    unresolved_column(&name.unparsed_identifier, &input)
                }
                _ => error,
            })?;
        let values: Vec<Typed> = if pivot.values.is_empty() {
            self.pivot_values(node, &input)?
        } else {
            pivot.values.iter().map(literal::resolve).collect::<Result<_>>()?
        };
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
        for (number, value) in values.into_iter().enumerate() {
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

    /// Returns the values of a pivot that were found before, named by their text.
    fn pivot_values(&mut self, node: &sc::Aggregate, input: &Resolved) -> Result<Vec<Typed>> {
        if input.streaming {
            return Err(refused("pivot is not supported on a streaming DataFrames/Datasets"));
        }
        let most = self.conf.count(&PIVOT_MAX_VALUES).unwrap_or(10_000);
        let view = view_of("pivot", &node.encode_to_vec());
        let found = self.answered(&view, || Question::Rows {
            query: Box::new(values_of(node, most)),
            view: view.clone(),
        })?;
        let Some(RelType::LocalRelation(sc::LocalRelation { data: Some(data), .. })) = found.rel_type else {
            return Err(SparkError::internal("the values of a pivot are not rows"));
        };
        let mut values = vec![];
        for batch in ipc::read(&data.into())? {
            let column = batch.column(0);
            let names = to_text(column, self.zone)?;
            for row in 0..batch.num_rows() {
                let value = ScalarValue::try_from_array(column, row)?;
                let name = if names.is_null(row) { "null" } else { names.value(row) };
                values.push(Typed::new(Expr::Literal(value, None), column.data_type().clone(), name));
            }
        }
        if values.len() <= most {
            return Ok(values);
        }
        let name = match node.pivot.as_ref().and_then(|p| p.col.as_ref()?.expr_type.as_ref()) {
            Some(ExprType::UnresolvedAttribute(name)) => &name.unparsed_identifier,
            _ => "",
        };
        Err(SparkError::analysis(
            "_LEGACY_ERROR_TEMP_1324",
            "",
            format!(
                "The pivot column {name} has more than {most} distinct values, this could indicate an error. If this was intended, set \
                 spark.sql.pivotMaxValues to at least the number of distinct values of the pivot column."
            ),
        ))
    }
}

/// Returns the query for the values of a pivot: each once, ascending; one more than there may be.
fn values_of(node: &sc::Aggregate, most: usize) -> sc::Relation {
    let column = node.pivot.as_ref().and_then(|p| p.col.clone()).unwrap_or_default();
    let values = relation(RelType::Project(Box::new(sc::Project {
        input: node.input.clone(),
        expressions: vec![alias(column, vec!["value".to_owned()])],
    })));
    let values = relation(RelType::Deduplicate(Box::new(sc::Deduplicate {
        input: Some(Box::new(values)),
        all_columns_as_keys: Some(true),
        ..Default::default()
    })));
    let values = relation(RelType::Limit(Box::new(sc::Limit {
        input: Some(Box::new(values)),
        limit: i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1),
    })));
    let ascending = sc::expression::SortOrder {
        child: Some(Box::new(attribute(&["value"]))),
        direction: sc::expression::sort_order::SortDirection::Ascending as i32,
        null_ordering: sc::expression::sort_order::NullOrdering::SortNullsFirst as i32,
    };
    relation(RelType::Sort(Box::new(sc::Sort {
        input: Some(Box::new(values)),
        order: vec![ascending],
        is_global: Some(true),
    })))
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
