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
use crate::plan::scope::{Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::{cast_expr, literal};
use crate::proto as sc;
use crate::proto::expression::ExprType;
use crate::proto::relation::RelType;
use crate::settings::PIVOT_MAX_VALUES;
use crate::values::cast::to_text;
use crate::values::{ipc, murmur3};

impl Analyzer {
    /// Makes one column per value of the pivot and aggregate, named by the value, and by the aggregate too
    /// if there are several.
    ///
    /// SQL groups by all columns that neither the aggregates nor the pivot name.
    ///
    /// Values that nobody listed are those of the column, ascending.
    ///
    /// # Errors
    /// If they are not known yet, [`PIVOT_VALUES`], and the analyzer has the question.
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
        let question = PivotQuestion::of(node, self.conf.count(&PIVOT_MAX_VALUES).unwrap_or(10_000));
        let Some(found) = self.views.find(&question.view)? else {
            self.question = Some(question);
            return Err(SparkError::analysis(
                PIVOT_VALUES,
                "0A000",
                "The values of a pivot are found by a query of their own, which cannot run here: list them.",
            ));
        };
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
        question.check(values.len())?;
        Ok(values)
    }
}

/// The condition of a plan that cannot be analysed before values of a pivot are found.
pub const PIVOT_VALUES: &str = "RIVULET_PIVOT_VALUES";

/// What must be asked before a pivot can be planned.
#[derive(Debug, Clone)]
pub struct PivotQuestion {
    /// The query: each value once, ascending; one more than there may be.
    pub values: sc::Relation,
    /// The view as which analysis takes the answer; the same for the same pivot.
    pub view: String,
    /// The pivot's column, as errors name it.
    column: String,
    /// How many values there may be.
    most: usize,
}

impl PivotQuestion {
    fn of(node: &sc::Aggregate, most: usize) -> Self {
        let bytes = node.encode_to_vec();
        let [a, b] = [42, 7].map(|seed| murmur3::hash_bytes(&bytes, seed) as u32);
        let relation = |kind| sc::Relation {
            common: None,
            rel_type: Some(kind),
        };
        let pivot = node.pivot.as_ref();
        let column = pivot.and_then(|p| p.col.clone()).unwrap_or_default();
        let name = match &column.expr_type {
            Some(ExprType::UnresolvedAttribute(name)) => name.unparsed_identifier.clone(),
            _ => "pivot".to_owned(),
        };
        let value = sc::Expression {
            common: None,
            expr_type: Some(ExprType::Alias(Box::new(sc::expression::Alias {
                expr: Some(Box::new(column)),
                name: vec!["value".to_owned()],
                metadata: None,
            }))),
        };
        let values = relation(RelType::Project(Box::new(sc::Project {
            input: node.input.clone(),
            expressions: vec![value],
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
            child: Some(Box::new(sc::Expression {
                common: None,
                expr_type: Some(ExprType::UnresolvedAttribute(sc::expression::UnresolvedAttribute {
                    unparsed_identifier: "value".to_owned(),
                    ..Default::default()
                })),
            })),
            direction: sc::expression::sort_order::SortDirection::Ascending as i32,
            null_ordering: sc::expression::sort_order::NullOrdering::SortNullsFirst as i32,
        };
        let values = relation(RelType::Sort(Box::new(sc::Sort {
            input: Some(Box::new(values)),
            order: vec![ascending],
            is_global: Some(true),
        })));
        Self {
            values,
            view: format!("\u{0}pivot {} {a:08x}{b:08x}", bytes.len()),
            column: name,
            most,
        }
    }

    /// Checks how many values were found.
    ///
    /// # Errors
    /// If there are more than `spark.sql.pivotMaxValues`.
    fn check(&self, found: usize) -> Result<()> {
        if found <= self.most {
            return Ok(());
        }
        let most = self.most;
        Err(SparkError::analysis(
            "_LEGACY_ERROR_TEMP_1324",
            "",
            format!(
                "The pivot column {} has more than {most} distinct values, this could indicate an error. If this was intended, set \
                 spark.sql.pivotMaxValues to at least the number of distinct values of the pivot column.",
                self.column
            ),
        ))
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
