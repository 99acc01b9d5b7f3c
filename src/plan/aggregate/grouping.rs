//! GROUP BY: what a query groups by, its grouping sets, and the projection that computes the grouping columns.
//!
//! ```text
//! ROLLUP (a, b)     id 0: a, b     id 1: a, null     id 3: null, null
//! ```

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::{Aggregation, has_aggregate};
use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::comparison::comparable;
use crate::plan::expression::ordinal;
use crate::plan::nodes::{self, MergeSessions};
use crate::plan::scope::{Attribute, Resolved, Typed};
use crate::plan::sql::marker::Marker;
use crate::plan::time_window;
use crate::proto::aggregate::GroupType;
use crate::proto::expression::ExprType;
use crate::{proto as sc, settings};

/// Name of the column that tells grouping sets apart.
const GROUPING_ID: &str = "spark_grouping_id";

impl Analyzer {
    /// Returns what GROUP BY lists; for `GROUP BY ALL`, what the select list has without aggregates.
    pub(super) fn grouped_by(&mut self, node: &sc::Aggregate, input: &Resolved) -> Vec<sc::Expression> {
        match &node.grouping_expressions[..] {
            [single] if Marker::GroupByAll.is(single) => {
                let items = node.aggregate_expressions.iter();
                items
                    .filter(|item| self.expression(item, input).is_ok_and(|t| !has_aggregate(&t.expr)))
                    .cloned()
                    .collect()
            }
            listed => listed.to_vec(),
        }
    }

    /// Resolves a grouping expression: as the number of an item of the select list, against the input, then
    /// as one of the select list's aliases.
    ///
    /// # Errors
    /// If a number counts past the select list, `GROUP_BY_POS_OUT_OF_RANGE`; if it has an aggregate,
    /// `GROUP_BY_AGGREGATE`.
    pub(super) fn grouping_expression(
        &mut self,
        expression: &sc::Expression,
        node: &sc::Aggregate,
        input: &Resolved,
    ) -> Result<Typed> {
        if let Some(position) = ordinal(expression)
            && self.conf.flag(&settings::GROUP_BY_ORDINAL)
        {
            let index = usize::try_from(i64::from(position) - 1)
                .ok()
                .filter(|i| *i < node.aggregate_expressions.len());
            let Some(index) = index else {
                return Err(SparkError::analysis(
                    "GROUP_BY_POS_OUT_OF_RANGE",
                    "42805",
                    format!(
                        "GROUP BY position {position} is not in select list (valid range is [1, {}]).",
                        node.aggregate_expressions.len()
                    ),
                ));
            };
            return self.expression(&node.aggregate_expressions[index], input);
        }
        match self.expression(expression, input) {
            Ok(typed) if has_aggregate(&typed.expr) => Err(SparkError::analysis(
                "GROUP_BY_AGGREGATE",
                "42903",
                format!(
                    "Aggregate functions are not allowed in GROUP BY, but found {}.",
                    typed.name
                ),
            )),
            Ok(typed) => Ok(typed),
            Err(error) => {
                let Some(ExprType::UnresolvedAttribute(attribute)) = &expression.expr_type else {
                    return Err(error);
                };
                for item in &node.aggregate_expressions {
                    if let Some(ExprType::Alias(alias)) = &item.expr_type
                        && alias.name.len() == 1
                        && self
                            .names()
                            .same(&alias.name[0], attribute.unparsed_identifier.trim_matches('`'))
                    {
                        return self.expression(item, input);
                    }
                }
                Err(error)
            }
        }
    }

    /// Projects the grouping columns and prepares the rewrite of expressions over them.
    ///
    /// Windows are expanded here, sessions merged; constants need no column.
    ///
    /// # Errors
    /// If a session window stands in grouping sets, `UNSUPPORTED_FEATURE.RIVULET`.
    pub(super) fn open(
        &mut self,
        mut input: Resolved,
        groups: Vec<Typed>,
        sets: Option<Vec<Vec<usize>>>,
    ) -> Result<Aggregation> {
        let mut known = Vec::new();
        let mut columns: Vec<(Expr, Attribute)> = Vec::new();
        let mut by_number = Vec::new();
        let mut session = None;
        for group in &groups {
            if let Some(window) = group.window.as_ref().filter(|w| w.session) {
                let opened = time_window::open_sessions(self, input, window, &group.name)?;
                let end = opened.end.ok_or_else(|| SparkError::internal("a session has no end"))?;
                input = opened.relation;
                by_number.push(opened.window.column());
                let whole = time_window::rebuild_session(&opened.start, &end);
                known.push((opened.window.column(), whole.clone()));
                known.push((group.expr.clone(), whole));
                session = Some((opened.start.id.clone(), end.id.clone()));
                columns.push((opened.start.column(), opened.start));
                columns.push((end.column(), end));
                continue;
            }
            if let Some(window) = &group.window {
                let expanded = time_window::expand(self, input, window, &group.name)?;
                input = expanded.relation;
                by_number.push(expanded.window.column());
                let mut start = expanded.start.clone();
                if sets.is_some() {
                    // The window of a row, and that of its set, which may be null.
                    (start.id, start.nullable) = (self.fresh_id(), true);
                }
                let whole = time_window::rebuild(&start, window, &expanded.window);
                known.push((expanded.window.column(), whole.clone()));
                known.push((group.expr.clone(), whole));
                columns.push((expanded.start.column(), start));
                continue;
            }
            if group.is_literal() && sets.is_none() {
                known.push((group.expr.clone(), group.expr.clone()));
                continue;
            }
            let mut attribute = self.attribute_of(group);
            let compared = comparable(group.expr.clone(), &group.data_type);
            if compared != group.expr {
                attribute.id = self.fresh_id();
            }
            known.push((group.expr.clone(), attribute.column()));
            by_number.push(group.expr.clone());
            columns.push((compared, attribute));
        }
        let mut attributes: Vec<Attribute> = columns.iter().map(|(_, a)| a.clone()).collect();
        let (plan, grouping) = match sets {
            Some(sets) => {
                let id = self.attribute(GROUPING_ID, DataType::Int64, false);
                attributes.push(id.clone());
                (self.expanded(&input, &columns, &sets, &id)?, Some((by_number, id)))
            }
            None => {
                let visible = input.visible().map(|a| (a.column(), a));
                let computed = columns.iter().filter(|(e, a)| *e != a.column());
                let exprs = visible.chain(computed.map(|(e, a)| (e.clone(), a))).collect();
                (self.project(input.plan.clone(), exprs)?, None)
            }
        };
        input.aggregation = None;
        input.plan = match session {
            None => plan,
            Some(_) if grouping.is_some() => return Err(SparkError::unsupported("session windows in grouping sets")),
            Some((start, end)) => merged(plan, &attributes, start, end)?,
        };
        Ok(Aggregation {
            input,
            groups: attributes,
            known,
            grouping,
            aggregates: vec![],
            outputs: vec![],
            extras: vec![],
            having: vec![],
        })
    }

    /// Returns one copy of the input per grouping set, its other grouping columns null, numbered by `id`:
    /// one bit per column, set if the column is left out, and above them how often the set was before (Spark's `Expand`).
    ///
    /// Each set costs one more pass over the input.
    pub(super) fn expanded(
        &mut self,
        input: &Resolved,
        columns: &[(Expr, Attribute)],
        sets: &[Vec<usize>],
        id: &Attribute,
    ) -> Result<LogicalPlan> {
        let mut branches: Option<LogicalPlanBuilder> = None;
        for (at, set) in sets.iter().enumerate() {
            let mut exprs: Vec<(Expr, &Attribute)> = input.visible().map(|a| (a.column(), a)).collect();
            let mut mask = 0i64;
            for (i, (expr, attribute)) in columns.iter().enumerate() {
                let kept = set.contains(&i);
                mask = mask << 1 | i64::from(!kept);
                let value = if kept {
                    expr.clone()
                } else {
                    Expr::Literal(ScalarValue::try_from(&attribute.data_type)?, None)
                };
                exprs.push((value, attribute));
            }
            // A set that is listed twice has its rows twice.
            let copy = sets[..at].iter().filter(|earlier| *earlier == set).count() as i64;
            mask |= copy.checked_shl(columns.len() as u32).unwrap_or(0);
            exprs.push((Expr::Literal(ScalarValue::Int64(Some(mask)), None), id));
            let branch = self.project(input.plan.clone(), exprs)?;
            branches = Some(match branches {
                None => LogicalPlanBuilder::from(branch),
                Some(builder) => builder.union(branch)?,
            });
        }
        let all = branches.ok_or_else(|| SparkError::invalid_plan("there are no grouping sets"))?;
        Ok(all.build()?)
    }
}

/// Joins sessions that touch, per value of the other grouping columns.
fn merged(plan: LogicalPlan, groups: &[Attribute], start: String, end: String) -> Result<LogicalPlan> {
    let keys = groups.iter().map(|a| a.id.clone());
    let keys = keys.filter(|id| *id != start && *id != end).collect();
    Ok(nodes::plan(MergeSessions { keys, start, end }, plan)?)
}

/// Returns the grouping columns each once, and the sets by their numbers among these.
pub(super) fn distinct(groups: &[Typed], sets: Option<Vec<Vec<usize>>>) -> (Vec<Typed>, Option<Vec<Vec<usize>>>) {
    let Some(mut sets) = sets else {
        return (groups.to_vec(), None);
    };
    let mut distinct: Vec<Typed> = Vec::new();
    let mut places = Vec::new();
    for group in groups {
        let known = distinct.iter().position(|known| known.expr == group.expr);
        places.push(known.unwrap_or(distinct.len()));
        if known.is_none() {
            distinct.push(group.clone());
        }
    }
    for set in &mut sets {
        let mut once: Vec<usize> = set.iter().map(|at| places[*at]).collect();
        once.sort_unstable();
        once.dedup();
        *set = once;
    }
    (distinct, Some(sets))
}

/// Lists the grouping sets by the numbers of their columns; `None` for a plain GROUP BY. A set's
/// expression that GROUP BY does not list is added to it.
///
/// # Errors
/// If a cube is over more than 12 columns, `GROUPING_SIZE_LIMIT_EXCEEDED`.
pub(super) fn grouping_sets(
    node: &sc::Aggregate,
    grouping: &mut Vec<sc::Expression>,
) -> Result<Option<Vec<Vec<usize>>>> {
    let count = grouping.len();
    Ok(match node.group_type() {
        GroupType::Rollup => Some((0..=count).rev().map(|n| (0..n).collect()).collect()),
        GroupType::Cube if count > 12 => {
            return Err(SparkError::analysis(
                "GROUPING_SIZE_LIMIT_EXCEEDED",
                "54000",
                "Grouping sets size cannot be greater than 12 columns for CUBE in Rivulet.",
            ));
        }
        GroupType::Cube => Some(
            (0..1usize << count)
                .rev()
                .map(|mask| (0..count).filter(|i| mask >> (count - 1 - i) & 1 == 1).collect())
                .collect(),
        ),
        GroupType::GroupingSets => {
            let mut all = Vec::new();
            for set in &node.grouping_sets {
                let mut columns = Vec::new();
                for expression in &set.grouping_set {
                    let at = grouping.iter().position(|g| g == expression).unwrap_or_else(|| {
                        grouping.push(expression.clone());
                        grouping.len() - 1
                    });
                    columns.push(at);
                }
                all.push(columns);
            }
            Some(all)
        }
        _ => None,
    })
}
