//! Subqueries that name columns of the query around them, as joins (`DecorrelateInnerQuery`; Neumann and Kemper, "Unnesting Arbitrary
//! Queries").
//!
//! The different values of the outer columns are a relation of their own, the domain. It goes down to where the subquery reads its rows;
//! on the way up each operator works for all values at once, and keeps them apart by the domain's columns. Then the subquery is joined
//! with the query around it by these columns, in which nulls are equal.
//!
//! ```text
//! p, LATERAL (SELECT … FROM o WHERE o.k = p.k ORDER BY x LIMIT 1)
//!
//! Join p.k <=> d
//!   p
//!   Filter row_number ≤ 1          row_number() OVER (PARTITION BY d ORDER BY x)
//!     Filter o.k = d
//!       CrossJoin
//!         Aggregate by p.k as d    the domain
//!         o
//! ```
//!
//! DataFusion's rules make joins of what is correlated by equality alone; this is for the rest.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, JoinType, ScalarValue};
use datafusion_expr::expr::{AggregateFunction, InSubquery, WindowFunction};
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{
    Aggregate, Distinct, Expr, ExprFunctionExt, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, SortExpr, Subquery, binary_expr, lit,
};

use super::ID_PREFIX;
use crate::error::{Result, SparkError};

/// The different values of the outer columns that a subquery names.
#[derive(Debug, Clone)]
struct Domain {
    /// Ids of outer columns, each with that of the domain's column.
    columns: Vec<(String, String)>,
    /// The values, each once.
    plan: LogicalPlan,
}

/// Makes domains, under ids that no other column has.
#[derive(Debug)]
pub struct Decorrelation {
    /// What ids begin with.
    prefix: &'static str,
    /// How many columns have been named.
    named: usize,
}

/// Returns a column by its id.
fn column(id: &str) -> Expr {
    Expr::Column(Column::new_unqualified(id))
}

/// Returns the condition that columns are equal, null to null.
fn same<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Option<Expr> {
    pairs
        .map(|(a, b)| binary_expr(column(a), Operator::IsNotDistinctFrom, column(b)))
        .reduce(datafusion_expr::and)
}

/// Returns the ids of the outer columns that a plan names.
fn outer_columns(plan: &LogicalPlan) -> Vec<String> {
    let mut ids: Vec<String> = vec![];
    for expr in plan.all_out_ref_exprs() {
        if let Expr::OuterReferenceColumn(_, column) = expr
            && !ids.contains(&column.name)
        {
            ids.push(column.name);
        }
    }
    ids
}

impl Decorrelation {
    /// Begins to name columns while a plan is made.
    pub fn of_analysis() -> Self {
        let (prefix, named) = ("lateral", 0);
        Self { prefix, named }
    }

    /// Begins to name columns of a plan that has been made.
    pub fn of_whole_plan() -> Self {
        let (prefix, named) = ("scalar", 0);
        Self { prefix, named }
    }

    /// Returns an id that no other column has.
    fn fresh(&mut self) -> String {
        self.named += 1;
        format!("{ID_PREFIX}{}{}", self.prefix, self.named)
    }

    /// Joins a query with a subquery that names some of its columns: each row of the left with the rows that the subquery has for it.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE.RIVULET` if an operator of the subquery cannot work for many values at once.
    pub fn lateral(
        &mut self,
        left: LogicalPlan,
        subquery: &LogicalPlan,
        join_type: JoinType,
        condition: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let outer = outer_columns(subquery);
        let columns: Vec<(String, String)> = outer.into_iter().map(|id| (id, self.fresh())).collect();
        let named = columns.iter().map(|(outer, own)| column(outer).alias(own.clone()));
        let keys: Vec<Expr> = columns.iter().map(|(_, own)| column(own)).collect();
        let values = LogicalPlanBuilder::from(left.clone()).project(named)?;
        let domain = Domain {
            plan: values.aggregate(keys, Vec::<Expr>::new())?.build()?,
            columns,
        };
        let right = self.for_all(subquery, &domain)?;
        let keys = same(domain.columns.iter().map(|(outer, own)| (outer, own)));
        let condition = keys.into_iter().chain(condition).reduce(datafusion_expr::and);
        Ok(LogicalPlanBuilder::from(left)
            .join_on(right, join_type, condition)?
            .build()?)
    }

    /// Returns a domain with the same values under other ids, the first domain's columns being its outer ones.
    fn again(&mut self, domain: &Domain) -> Result<Domain> {
        let ids: Vec<String> = domain.columns.iter().map(|_| self.fresh()).collect();
        let renamed = domain
            .columns
            .iter()
            .zip(&ids)
            .map(|((_, own), id)| column(own).alias(id.clone()));
        let plan = LogicalPlanBuilder::from(domain.plan.clone())
            .project(renamed)?
            .build()?;
        let columns = domain
            .columns
            .iter()
            .zip(ids)
            .map(|((outer, _), id)| (outer.clone(), id))
            .collect();
        Ok(Domain { columns, plan })
    }

    /// Returns what a plan has for each value of the domain, with the domain's columns beside its own.
    fn for_all(&mut self, plan: &LogicalPlan, domain: &Domain) -> Result<LogicalPlan> {
        if plan.all_out_ref_exprs().is_empty() {
            let all = LogicalPlanBuilder::from(domain.plan.clone());
            return Ok(all.cross_join(plan.clone())?.build()?);
        }
        let own = || domain.columns.iter().map(|(_, own)| column(own));
        match plan {
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                let input = self.for_all(input, domain)?;
                let exprs = domain.within_all(expr)?.into_iter().chain(own());
                Ok(LogicalPlanBuilder::from(input).project(exprs)?.build()?)
            }
            LogicalPlan::Filter(filter) => {
                let input = self.for_all(&filter.input, domain)?;
                let condition = domain.within(filter.predicate.clone())?;
                Ok(LogicalPlanBuilder::from(input).filter(condition)?.build()?)
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, domain),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.for_all(&sort.input, domain),
            LogicalPlan::Limit(limit) => {
                let count = |expr: Option<&Expr>| match expr {
                    None => Some(None),
                    Some(Expr::Literal(ScalarValue::Int64(n), _)) => Some(*n),
                    Some(_) => None,
                };
                let (Some(skip), Some(fetch)) = (count(limit.skip.as_deref()), count(limit.fetch.as_deref())) else {
                    return Err(unsupported("a LIMIT that is not a number"));
                };
                let (keys, input) = match limit.input.as_ref() {
                    LogicalPlan::Sort(sort) => (sort.expr.clone(), &sort.input),
                    _ => (vec![], &limit.input),
                };
                self.limited(keys, input, (skip.unwrap_or(0), fetch), domain)
            }
            LogicalPlan::Window(window) => {
                let input = self.for_all(&window.input, domain)?;
                let mut calls = domain.within_all(&window.window_expr)?;
                for call in &mut calls {
                    *call = partitioned(call.clone(), own().collect())?;
                }
                Ok(LogicalPlanBuilder::from(input).window(calls)?.build()?)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.for_all(input, domain)?;
                Ok(LogicalPlanBuilder::from(input).distinct()?.build()?)
            }
            LogicalPlan::SubqueryAlias(alias) => self.for_all(&alias.input, domain),
            LogicalPlan::Join(join) => self.join(join, domain),
            LogicalPlan::Union(union) => {
                let sides = union
                    .inputs
                    .iter()
                    .map(|side| self.for_all(side, domain))
                    .collect::<Result<Vec<_>>>()?;
                let mut sides = sides.into_iter().map(LogicalPlanBuilder::from);
                let first = sides.next().ok_or_else(|| SparkError::internal("a union of nothing"))?;
                let all = sides.try_fold(first, |all, side| all.union(side.build()?))?;
                Ok(all.build()?)
            }
            LogicalPlan::Extension(extension) => {
                let inputs = extension.node.inputs();
                let [input] = inputs[..] else {
                    return Err(unsupported(extension.node.name()));
                };
                let input = self.for_all(input, domain)?;
                let exprs = domain.within_all(&extension.node.expressions())?;
                let node = extension.node.with_exprs_and_inputs(exprs, vec![input])?;
                let kept = domain
                    .columns
                    .iter()
                    .all(|(_, own)| node.schema().has_column_with_unqualified_name(own));
                if !kept {
                    return Err(unsupported(extension.node.name()));
                }
                Ok(LogicalPlan::Extension(datafusion_expr::Extension { node }))
            }
            other => Err(unsupported(&other.display().to_string())),
        }
    }

    /// Groups by the domain's columns, too. Without other groups there is a group for each value, even if it has no rows: they are
    /// joined with the domain, and only those that are there count.
    fn aggregate(&mut self, aggregate: &Aggregate, domain: &Domain) -> Result<LogicalPlan> {
        let input = self.for_all(&aggregate.input, domain)?;
        let calls = domain.within_all(&aggregate.aggr_expr)?;
        let own: Vec<Expr> = domain.columns.iter().map(|(_, own)| column(own)).collect();
        if !aggregate.group_expr.is_empty() {
            let groups = domain.within_all(&aggregate.group_expr)?.into_iter().chain(own);
            return Ok(LogicalPlanBuilder::from(input).aggregate(groups, calls)?.build()?);
        }
        let (all, there) = (self.again(domain)?, self.fresh());
        let marked = input
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .chain([lit(true).alias(there.clone())]);
        let marked = LogicalPlanBuilder::from(input.clone()).project(marked)?.build()?;
        let pairs = all.columns.iter().zip(&domain.columns).map(|((_, a), (_, b))| (a, b));
        let joined = LogicalPlanBuilder::from(all.plan.clone()).join_on(marked, JoinType::Left, same(pairs))?;
        let is_there = Expr::IsTrue(Box::new(column(&there)));
        let calls = calls
            .into_iter()
            .map(|call| only(call, &is_there))
            .collect::<Result<Vec<_>>>()?;
        let keys: Vec<Expr> = all.columns.iter().map(|(_, id)| column(id)).collect();
        let made: Vec<Expr> = calls
            .iter()
            .map(|call| column(&call.schema_name().to_string()))
            .collect();
        let renamed = all.columns.iter().zip(&domain.columns);
        let renamed = renamed.map(|((_, id), (_, own))| column(id).alias(own.clone()));
        let grouped = joined.aggregate(keys, calls)?;
        Ok(grouped.project(made.into_iter().chain(renamed))?.build()?)
    }

    /// Keeps some rows of each value, counted in an order.
    fn limited(
        &mut self,
        keys: Vec<SortExpr>,
        input: &LogicalPlan,
        (skip, fetch): (i64, Option<i64>),
        domain: &Domain,
    ) -> Result<LogicalPlan> {
        let input = self.for_all(input, domain)?;
        let own: Vec<Expr> = domain.columns.iter().map(|(_, own)| column(own)).collect();
        let mut order = Vec::new();
        for key in keys {
            order.push(SortExpr {
                expr: domain.within(key.expr)?,
                ..key
            });
        }
        if order.is_empty() {
            order = own.iter().map(|key| key.clone().sort(true, true)).collect();
        }
        let number = self.fresh();
        let call = datafusion_functions_window::expr_fn::row_number()
            .partition_by(own)
            .order_by(order)
            .build()?;
        let kept: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let numbered = LogicalPlanBuilder::from(input).window(vec![call.alias(number.clone())])?;
        let at = || datafusion_expr::cast(column(&number), arrow::datatypes::DataType::Int64);
        let mut condition = at().gt(lit(skip));
        if let Some(fetch) = fetch {
            condition = condition.and(at().lt_eq(lit(skip.saturating_add(fetch))));
        }
        Ok(numbered.filter(condition)?.project(kept)?.build()?)
    }

    /// Joins for each value: a side that names none of the outer columns is joined as it is.
    fn join(&mut self, join: &Join, domain: &Domain) -> Result<LogicalPlan> {
        let names = |plan: &LogicalPlan| !plan.all_out_ref_exprs().is_empty();
        let (in_left, in_right) = (names(&join.left), names(&join.right));
        // Rows of the side without the domain must not leave alone, as they would belong to no value.
        let keeps_left = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
        );
        let keeps_right = join.join_type == JoinType::Right && !in_left;
        if !keeps_left && !keeps_right {
            return Err(unsupported("an outer join"));
        }
        let (left, right, keys) =
            if in_left || !in_right || join.join_type != JoinType::Inner && join.join_type != JoinType::Right {
                let left = self.for_all(&join.left, domain)?;
                if in_right {
                    let again = self.again(domain)?;
                    let right = self.for_all(&join.right, &again)?;
                    let pairs = domain.columns.iter().zip(&again.columns).map(|((_, a), (_, b))| (a, b));
                    (left, right, same(pairs))
                } else {
                    (left, join.right.as_ref().clone(), None)
                }
            } else {
                (join.left.as_ref().clone(), self.for_all(&join.right, domain)?, None)
            };
        let mut conditions: Vec<Expr> = keys.into_iter().collect();
        for (a, b) in &join.on {
            let (a, b) = (domain.within(a.clone())?, domain.within(b.clone())?);
            conditions.push(a.eq(b));
        }
        if let Some(filter) = &join.filter {
            conditions.push(domain.within(filter.clone())?);
        }
        let condition = conditions.into_iter().reduce(datafusion_expr::and);
        let condition = condition.or_else(|| (join.join_type != JoinType::Inner).then(|| lit(true)));
        Ok(LogicalPlanBuilder::from(left)
            .join_on(right, join.join_type, condition)?
            .build()?)
    }

    /// Rewrites scalar subqueries of a plan that DataFusion does not make joins of: each becomes a column of a join below the projection
    /// or filter that has it.
    ///
    /// # Errors
    /// As [`Self::lateral`].
    pub fn scalar_subqueries(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up(|node| match &node {
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_) => Ok(self.pulled(node)?),
            LogicalPlan::Sort(sort) if sort.expr.iter().any(|key| is_correlated(&key.expr)) => Err(in_sort().into()),
            _ => Ok(Transformed::no(node)),
        });
        Ok(rewritten.data()?)
    }

    /// Pulls the subqueries of one node into joins below it.
    fn pulled(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let mut found: Vec<(Subquery, String)> = vec![];
        // Values that are looked for in subqueries, and whether there are any tests.
        let (mut values, mut tested) = (vec![], false);
        let mut exprs = Vec::new();
        for expr in node.expressions() {
            // A filter's tests of subqueries are joins of their own.
            let as_values = !matches!(node, LogicalPlan::Filter(_));
            let expr = expr.transform_down(|e| match e {
                Expr::Exists(exists) if as_values => {
                    let found = there(exists.subquery.subquery.as_ref().clone())?;
                    let found = if exists.negated {
                        datafusion_expr::not(found)
                    } else {
                        found
                    };
                    Ok(Transformed::new(found, true, TreeNodeRecursion::Continue))
                }
                Expr::InSubquery(_) | Expr::Not(_) if as_values => {
                    let Some((test, negated)) = tested_value(&e) else {
                        return Ok(Transformed::no(e));
                    };
                    let value = match test.expr.as_ref() {
                        value @ Expr::Column(_) => value.clone(),
                        computed => {
                            let id = self.fresh();
                            values.push(computed.clone().alias(id.clone()));
                            column(&id)
                        }
                    };
                    let found = membership(&value, node.inputs(), test.subquery.subquery.as_ref(), negated)?;
                    Ok(Transformed::new(found, true, TreeNodeRecursion::Continue))
                }
                other => Ok(Transformed::no(other)),
            })?;
            tested |= expr.transformed;
            let rewritten = expr.data.transform_down(|e| match e {
                Expr::ScalarSubquery(subquery) if is_hard(&subquery.subquery) => {
                    let id = self.fresh();
                    found.push((subquery, id.clone()));
                    Ok(Transformed::new(column(&id), true, TreeNodeRecursion::Jump))
                }
                other => Ok(Transformed::no(other)),
            })?;
            exprs.push(rewritten.data);
        }
        if found.is_empty() && !tested {
            return Ok(Transformed::no(node));
        }
        let inputs = node.inputs();
        let [input] = inputs[..] else {
            return Ok(Transformed::no(node));
        };
        let kept: Vec<Expr> = node.schema().columns().into_iter().map(Expr::Column).collect();
        let mut input = input.clone();
        if !values.is_empty() {
            let own = input.schema().columns().into_iter().map(Expr::Column);
            let all: Vec<Expr> = own.chain(values).collect();
            input = LogicalPlanBuilder::from(input).project(all)?.build()?;
        }
        for (subquery, id) in found {
            let value = subquery.subquery.schema().columns().into_iter().next();
            let value = value.ok_or_else(|| SparkError::internal("a scalar subquery without a column"))?;
            let named = Expr::Column(value).alias(id);
            let named = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
                .project(vec![named])?
                .build()?;
            input = self.lateral(input, &named, JoinType::Left, None)?;
        }
        let names = node.schema().columns();
        let exprs = match &node {
            // The names of what is computed stay.
            LogicalPlan::Projection(_) => exprs
                .into_iter()
                .zip(names)
                .map(|(e, c)| e.alias_if_changed(c.name))
                .collect::<datafusion_common::Result<_>>()?,
            _ => exprs,
        };
        let made = node.with_new_exprs(exprs, vec![input])?;
        if matches!(made, LogicalPlan::Aggregate(_)) {
            return Ok(Transformed::yes(made));
        }
        // A filter has the columns of its input, and those of the joins are not the query's.
        Ok(Transformed::yes(LogicalPlanBuilder::from(made).project(kept)?.build()?))
    }
}

/// Returns a subquery as a value.
fn scalar(plan: LogicalPlan) -> Expr {
    Expr::ScalarSubquery(Subquery {
        outer_ref_columns: plan.all_out_ref_exprs(),
        subquery: Arc::new(plan),
        spans: Default::default(),
    })
}

/// Returns whether a subquery has rows, as a value.
fn there(plan: LogicalPlan) -> datafusion_common::Result<Expr> {
    let count = datafusion_functions_aggregate::expr_fn::count(lit(1_i64)).alias("#count");
    let counted = LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), vec![count])?;
    let found = counted.project(vec![column("#count").gt(lit(0_i64)).alias("#there")])?;
    Ok(scalar(found.build()?))
}

/// Returns the test of `x IN (…)`, and whether it is `x NOT IN (…)`.
fn tested_value(expr: &Expr) -> Option<(&InSubquery, bool)> {
    match expr {
        Expr::InSubquery(test) => Some((test, test.negated)),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::InSubquery(test) => Some((test, !test.negated)),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether a column's value is among those of a subquery, or is not, as a value: as in Spark true or false, also where nulls
/// leave it open (`RewritePredicateSubquery.rewriteExistentialExpr`).
fn membership(
    value: &Expr,
    inputs: Vec<&LogicalPlan>,
    list: &LogicalPlan,
    negated: bool,
) -> datafusion_common::Result<Expr> {
    let item = list.schema().columns().into_iter().next().map(Expr::Column);
    let (Some(item), Expr::Column(own)) = (item, value) else {
        return Ok(lit(false));
    };
    let of = item.get_type(list.schema())?;
    let known = inputs
        .iter()
        .find_map(|input| input.schema().field_with_name(None, &own.name).ok().cloned());
    let field = known.unwrap_or_else(|| Arc::new(Field::new(&own.name, of, true)));
    let equal = item.eq(Expr::OuterReferenceColumn(field, own.clone()));
    let all = LogicalPlanBuilder::from(list.clone());
    if !negated {
        return there(all.filter(equal)?.build()?);
    }
    let perhaps = equal.clone().or(equal.is_null());
    Ok(datafusion_expr::not(there(all.filter(perhaps)?.build()?)?))
}

/// Returns whether a correlated scalar subquery is in an expression.
fn is_correlated(expr: &Expr) -> bool {
    let correlated =
        |e: &Expr| matches!(e, Expr::ScalarSubquery(inner) if !inner.subquery.all_out_ref_exprs().is_empty());
    expr.exists(|e| Ok(correlated(e))).unwrap_or(true)
}

/// Makes the error of a correlated scalar subquery in a sort key.
fn in_sort() -> SparkError {
    SparkError::analysis(
        "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY",
        "0A000",
        "Unsupported subquery expression: Correlated scalar subqueries can only be used in filters, aggregations, projections, and \
         UPDATE/MERGE/DELETE commands: a sort key.",
    )
}

/// Returns whether a correlated subquery is more than DataFusion makes a join of: it counts rows, or names outer columns elsewhere than
/// in equalities of its filters.
fn is_hard(plan: &LogicalPlan) -> bool {
    if plan.all_out_ref_exprs().is_empty() {
        return false;
    }
    let counts = plan
        .exists(|node| Ok(matches!(node, LogicalPlan::Limit(_) | LogicalPlan::Window(_))))
        .unwrap_or(true);
    let names = |expr: &Expr| {
        expr.exists(|e| Ok(matches!(e, Expr::OuterReferenceColumn(..))))
            .unwrap_or(true)
    };
    let plain = |expr: &Expr| match expr {
        Expr::BinaryExpr(pair) if pair.op == Operator::Eq => names(&pair.left) != names(&pair.right),
        other => !names(other),
    };
    let odd = plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Filter(filter) => !split_conjunction(&filter.predicate).into_iter().all(plain),
            other => other.expressions().iter().any(names),
        })
    });
    counts || odd.unwrap_or(true)
}

impl Domain {
    /// Replaces outer columns in an expression by those of the domain.
    fn within(&self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform(|e| match &e {
            Expr::OuterReferenceColumn(_, outer) => match self.columns.iter().find(|(id, _)| *id == outer.name) {
                Some((_, own)) => Ok(Transformed::yes(column(own))),
                None => Ok(Transformed::no(e)),
            },
            _ => Ok(Transformed::no(e)),
        });
        Ok(replaced.data()?)
    }

    /// Replaces outer columns in expressions.
    fn within_all(&self, exprs: &[Expr]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.within(expr.clone())).collect()
    }
}

/// Adds keys to the partitions of window functions.
fn partitioned(call: Expr, keys: Vec<Expr>) -> Result<Expr> {
    let added = call.transform(|e| match e {
        Expr::WindowFunction(mut function) => {
            let WindowFunction { params, .. } = function.as_mut();
            params.partition_by.extend(keys.iter().cloned());
            Ok(Transformed::new(
                Expr::WindowFunction(function),
                true,
                TreeNodeRecursion::Jump,
            ))
        }
        other => Ok(Transformed::no(other)),
    });
    Ok(added.data()?)
}

/// Lets an aggregate see only rows for which a condition is true.
fn only(call: Expr, condition: &Expr) -> Result<Expr> {
    let name = call.schema_name().to_string();
    let filtered = call.unalias_nested().data.transform(|e| match e {
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            let old = params.filter.take().map(|filter| *filter);
            let both = old.into_iter().chain([condition.clone()]).reduce(datafusion_expr::and);
            params.filter = both.map(Box::new);
            let call = Expr::AggregateFunction(AggregateFunction { func, params });
            Ok(Transformed::new(call, true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    });
    Ok(filtered.data()?.alias(name))
}

/// Makes the error of a correlated subquery with an operator that cannot work for many values at once.
fn unsupported(what: &str) -> SparkError {
    SparkError::unsupported(format!("{what} in a correlated subquery"))
}
