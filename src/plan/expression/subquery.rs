//! Subqueries in expressions: scalar, `EXISTS` and `IN`, with references to the query around them.
//!
//! The subquery's relation is analyzed with the columns around it in sight. Each of those that it names
//! becomes an outer reference, which DataFusion's optimizer turns into a join.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion_expr::expr::{Exists, InSubquery};
use datafusion_expr::logical_plan::Subquery;
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator};

use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::gather;
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison::comparable;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::{cast_expr, coercion, comparison, functions};
use crate::proto as sc;
use crate::proto::expression::ExprType;

impl Analyzer {
    /// Analyzes a subquery and puts it into an expression; names that it lacks are sought in `scope`.
    ///
    /// # Errors
    /// If its relation did not come with the plan, `CONNECT_INVALID_PLAN`; if its number of columns does
    /// not fit its use, Spark's condition for it.
    pub(super) fn subquery(&mut self, subquery: &sc::SubqueryExpression, scope: &Resolved) -> Result<Typed> {
        use sc::subquery_expression::SubqueryType;
        let relation = self.subqueries.get(&subquery.plan_id).cloned().ok_or_else(|| {
            SparkError::invalid_plan(format!("the subquery with plan id {} is missing", subquery.plan_id))
        })?;
        self.outer.push(scope.visible().cloned().collect());
        let resolved = self.relation(&relation);
        self.outer.pop();
        let resolved = resolved?;
        let mut plan = self.exactly(&resolved)?;
        if let (SubqueryType::Scalar, [column]) = (subquery.subquery_type(), &resolved.output[..])
            // DataFusion counts the rows that an aggregation has none of only where it is the subquery's own.
            && (plan.all_out_ref_exprs().is_empty() || plan.max_rows() != Some(1))
        {
            plan = self.single_row(plan, column)?;
        }
        let plan = Arc::new(plan);
        let outer_ref_columns = plan.all_out_ref_exprs();
        let inner = Subquery {
            subquery: plan,
            outer_ref_columns,
            spans: Default::default(),
        };
        match subquery.subquery_type() {
            SubqueryType::Scalar => scalar_subquery(inner, &resolved),
            SubqueryType::Exists => {
                let exists = Exists {
                    subquery: inner,
                    negated: false,
                };
                Ok(Typed::new(Expr::Exists(exists), DataType::Boolean, "exists()"))
            }
            SubqueryType::In => self.in_subquery(subquery, inner, &resolved, scope),
            other => Err(SparkError::unsupported(format!(
                "the subquery type {}",
                other.as_str_name()
            ))),
        }
    }

    /// Resolves `value IN (subquery)`, both sides cast to their common type.
    ///
    /// # Errors
    /// If the subquery has several columns, `DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH`.
    fn in_subquery(
        &mut self,
        subquery: &sc::SubqueryExpression,
        inner: Subquery,
        resolved: &Resolved,
        scope: &Resolved,
    ) -> Result<Typed> {
        let [value] = &subquery.in_subquery_values[..] else {
            return self.in_rows(subquery, resolved, scope, false);
        };
        let value = self.expression(value, scope)?;
        let [column] = &resolved.output[..] else {
            return Err(other_width());
        };
        let common = coercion::comparison(&value.data_type, &column.data_type, self.conf.ansi())
            .ok_or_else(|| SparkError::unsupported("IN subqueries whose sides have no common type"))?;
        let value = cast_expr::cast(value, &common, self.mode(), self.zone)?;
        // Under a name of its own: DataFusion puts the column beside the ones that the subquery's filters need.
        let typed = Typed::new(column.column(), column.data_type.clone(), column.name.clone());
        let widened = cast_expr::cast(typed, &common, self.mode(), self.zone)?;
        let value = Typed::new(comparable(value.expr, &common), common.clone(), value.name);
        let attribute = self.attribute(column.name.clone(), common, true);
        let compared = comparable(widened.expr, &attribute.data_type);
        let plan = self.project(inner.subquery.as_ref().clone(), vec![(compared, &attribute)])?;
        let inner = Subquery {
            subquery: Arc::new(plan),
            ..inner
        };
        let name = format!("({} IN (listquery()))", value.name);
        Ok(Typed::new(
            Expr::InSubquery(InSubquery::new(Box::new(value.expr), inner, false)),
            DataType::Boolean,
            name,
        ))
    }

    /// Resolves `NOT (a, b, …) IN (subquery)`; `None` if an expression is anything else.
    ///
    /// # Errors
    /// As [`Self::subquery`].
    pub(super) fn not_in_rows(&mut self, negated: &sc::Expression, scope: &Resolved) -> Result<Option<Typed>> {
        let Some(ExprType::SubqueryExpression(subquery)) = &negated.expr_type else {
            return Ok(None);
        };
        if subquery.in_subquery_values.len() < 2 {
            return Ok(None);
        }
        let relation = self.subqueries.get(&subquery.plan_id).cloned();
        let Some(relation) = relation else { return Ok(None) };
        self.outer.push(scope.visible().cloned().collect());
        let resolved = self.relation(&relation);
        self.outer.pop();
        self.in_rows(subquery, &resolved?, scope, true).map(Some)
    }

    /// Resolves `(a, b, …) IN (subquery)`, or NOT IN: whether a row of the subquery is equal, or may be.
    fn in_rows(
        &mut self,
        subquery: &sc::SubqueryExpression,
        resolved: &Resolved,
        scope: &Resolved,
        negated: bool,
    ) -> Result<Typed> {
        if subquery.in_subquery_values.len() != resolved.output.len() {
            return Err(other_width());
        }
        let (mut conditions, mut names) = (vec![], vec![]);
        for (value, column) in subquery.in_subquery_values.iter().zip(&resolved.output) {
            let value = self.expression(value, scope)?;
            let common = coercion::comparison(&value.data_type, &column.data_type, self.conf.ansi())
                .ok_or_else(|| SparkError::unsupported("IN subqueries whose sides have no common type"))?;
            names.push(value.name.clone());
            let value = cast_expr::cast(value, &common, self.mode(), self.zone)?;
            let outer = value.expr.transform(|e| match &e {
                Expr::Column(own) => {
                    let known = scope.visible().find(|a| a.id == own.name);
                    let of = known.map_or(DataType::Null, |a| a.data_type.clone());
                    let field = Arc::new(Field::new(&own.name, of, true));
                    Ok(Transformed::yes(Expr::OuterReferenceColumn(field, own.clone())))
                }
                _ => Ok(Transformed::no(e)),
            });
            let item = cast_expr::cast(typed_attribute(column), &common, self.mode(), self.zone)?;
            let equal = comparison::compare(Operator::Eq, item.expr, outer.data()?, &common);
            conditions.push(if negated {
                equal.clone().or(equal.is_null())
            } else {
                equal
            });
        }
        let plan = self.exactly(resolved)?;
        let condition = conditions.into_iter().reduce(datafusion_expr::and);
        let plan = match condition {
            Some(condition) => LogicalPlanBuilder::from(plan).filter(condition)?.build()?,
            None => plan,
        };
        let exists = Exists {
            subquery: Subquery {
                outer_ref_columns: plan.all_out_ref_exprs(),
                subquery: Arc::new(plan),
                spans: Default::default(),
            },
            negated,
        };
        let name = format!("(named_struct({}) IN (listquery()))", names.join(", "));
        let name = if negated { format!("(NOT {name})") } else { name };
        Ok(Typed::new(Expr::Exists(exists), DataType::Boolean, name))
    }

    /// Returns the plan of a scalar subquery's one value: null for no row.
    ///
    /// When it runs, more than one row is `SCALAR_SUBQUERY_TOO_MANY_ROWS`.
    fn single_row(&mut self, plan: LogicalPlan, column: &Attribute) -> Result<LogicalPlan> {
        let to = column.data_type.clone();
        let null = ScalarValue::try_from(&to)?;
        let finish: gather::Finish = Arc::new(move |columns| match columns[0].len() {
            0 => Ok(null.clone()),
            1 => ScalarValue::try_from_array(&columns[0], 0),
            _ => Err(SparkError::new(
                Exception::Runtime,
                "SCALAR_SUBQUERY_TOO_MANY_ROWS",
                "21000",
                "More than one row returned by a subquery used as an expression.",
            )
            .into()),
        });
        let keep = gather::Keep {
            nulls: true,
            distinct: false,
        };
        let single = gather::gather("single_value", "", std::slice::from_ref(&to), to.clone(), keep, finish);
        let call = functions::aggregate::of_udaf(single, vec![typed_attribute(column)], to, false, "").expr;
        let value = self.attribute(column.name.clone(), column.data_type.clone(), true);
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), vec![call.alias(value.id.clone())])?
            .build()?;
        self.project(plan, vec![(value.column(), column)])
    }

    /// Takes note of the relations that subquery expressions name.
    pub(in crate::plan) fn remember(&mut self, relations: Vec<sc::Relation>) {
        for relation in relations {
            if let Some(id) = relation.common.as_ref().and_then(|c| c.plan_id) {
                self.subqueries.insert(id, relation);
            }
        }
    }
}

/// Makes `DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH`.
fn other_width() -> SparkError {
    SparkError::analysis(
        "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
        "42K09",
        "The number of columns in the left hand side of an IN subquery does not match the right hand side.",
    )
}

/// Returns a subquery as a value, of the type of its only column.
///
/// # Errors
/// If it has several columns,
/// `INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN`.
fn scalar_subquery(inner: Subquery, resolved: &Resolved) -> Result<Typed> {
    let [column] = &resolved.output[..] else {
        return Err(SparkError::analysis(
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
            "42823",
            format!(
                "Invalid subquery: Scalar subquery must return only one column, but got {}.",
                resolved.output.len()
            ),
        ));
    };
    Ok(Typed::new(
        Expr::ScalarSubquery(inner),
        column.data_type.clone(),
        format!("scalarsubquery({})", column.name),
    ))
}
