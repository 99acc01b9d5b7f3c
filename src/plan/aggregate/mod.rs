//! Grouping: GROUP BY and its sets, HAVING, pivot, and global aggregates.
//!
//! An [`Aggregation`] stays open for a while: a HAVING or ORDER BY above may still ask for another aggregate or for a
//! grouping column that is not selected (Spark's `ResolveAggregateFunctions`). Time windows group by their start, a plain
//! timestamp; the window struct is put together afterwards.

mod beyond;
mod pivot;

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_expr::{Expr, LogicalPlanBuilder};

use arrow::datatypes::DataType;

use crate::error::{Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::aggregate::grouping;
use crate::plan::nodes::{self, MergeSessions};
use crate::plan::resolve::typed_attribute;
use crate::plan::scope::{Attribute, Resolved, Typed};
use crate::plan::sql::marker::{Marker, SqlForm};
use crate::plan::time_window;
use crate::proto as sc;
use crate::proto::expression::ExprType;

/// Column names of the grouping-set bookkeeping.
const GROUPING_ID: &str = "spark_grouping_id";

/// One open aggregation.
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
    aggregates: Vec<(Expr, Attribute)>,
    outputs: Vec<(Expr, Attribute)>,
    extras: Vec<(Expr, Attribute)>,
    having: Vec<Expr>,
}

/// Whether an expression has an aggregate function in it.
pub fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    let _ = expr.apply(|e| {
        Ok(match e {
            Expr::AggregateFunction(_) => {
                found = true;
                TreeNodeRecursion::Stop
            }
            Expr::WindowFunction(_) => TreeNodeRecursion::Continue,
            _ => TreeNodeRecursion::Continue,
        })
    });
    found
}

impl Analyzer {
    pub(super) fn aggregate(&mut self, node: &sc::Aggregate, origin: SqlForm) -> Result<Resolved> {
        use sc::aggregate::GroupType;
        let input = self.input(node.input.as_deref())?;
        let from_sql = origin == SqlForm::Select;
        if node.group_type() == GroupType::Pivot {
            return self.pivot(node, input, origin == SqlForm::Pivot);
        }
        let mut sets: Option<Vec<Vec<usize>>> = None;
        let mut grouping: Vec<sc::Expression> = node.grouping_expressions.clone();
        if let [single] = &grouping[..]
            && Marker::GroupByAll.is(single)
        {
            grouping.clear();
            for item in &node.aggregate_expressions {
                if self.expression(item, &input).is_ok_and(|t| !has_aggregate(&t.expr)) {
                    grouping.push(item.clone());
                }
            }
        }
        let count = grouping.len();
        match node.group_type() {
            GroupType::Rollup => sets = Some((0..=count).rev().map(|n| (0..n).collect()).collect()),
            GroupType::Cube => {
                if count > 12 {
                    return Err(SparkError::analysis(
                        "GROUPING_SIZE_LIMIT_EXCEEDED",
                        "54000",
                        "Grouping sets size cannot be greater than 12 columns for CUBE in Rivulet.",
                    ));
                }
                sets = Some(
                    (0..1usize << count)
                        .rev()
                        .map(|mask| (0..count).filter(|i| mask >> (count - 1 - i) & 1 == 1).collect())
                        .collect(),
                );
            }
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
                sets = Some(all);
            }
            _ => {}
        }
        let groups = grouping
            .iter()
            .map(|g| self.grouping_expression(g, node, &input))
            .collect::<Result<Vec<_>>>()?;
        let mut open = self.open(input, groups.clone(), sets)?;
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

    /// A select list with aggregate functions and no GROUP BY.
    pub(super) fn global_aggregate(&mut self, input: Resolved, items: Vec<Typed>) -> Result<Resolved> {
        let mut open = self.open(input, vec![], None)?;
        for typed in items {
            self.output(&mut open, typed)?;
        }
        self.close(open)
    }

    /// Projects the grouping columns and prepares the rewrite of expressions over them.
    fn open(&mut self, mut input: Resolved, groups: Vec<Typed>, sets: Option<Vec<Vec<usize>>>) -> Result<Aggregation> {
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
                known.push((
                    opened.window.column(),
                    time_window::rebuild_session(&opened.start, &end),
                ));
                known.push((group.expr.clone(), time_window::rebuild_session(&opened.start, &end)));
                session = Some((opened.start.id.clone(), end.id.clone()));
                columns.push((opened.start.column(), opened.start));
                columns.push((end.column(), end));
                continue;
            }
            if let Some(window) = &group.window {
                let expanded = time_window::expand(self, input, window, &group.name)?;
                input = expanded.relation;
                by_number.push(expanded.window.column());
                known.push((
                    expanded.window.column(),
                    time_window::rebuild(&expanded.start, window, &expanded.window),
                ));
                known.push((
                    group.expr.clone(),
                    time_window::rebuild(&expanded.start, window, &expanded.window),
                ));
                columns.push((expanded.start.column(), expanded.start));
                continue;
            }
            if group.is_literal() && sets.is_none() {
                known.push((group.expr.clone(), group.expr.clone()));
                continue;
            }
            let mut attribute = self.attribute(group.name.clone(), group.data_type.clone(), true);
            if let Some(from) = &group.attribute {
                attribute.event_time = from.event_time;
                attribute.time_window = from.time_window;
            }
            known.push((group.expr.clone(), attribute.column()));
            by_number.push(group.expr.clone());
            columns.push((group.expr.clone(), attribute));
        }
        let mut grouping = None;
        let visible: Vec<Attribute> = input.visible().cloned().collect();
        let mut attributes: Vec<Attribute> = columns.iter().map(|(_, a)| a.clone()).collect();
        let plan = if let Some(sets) = sets {
            let id = self.attribute(GROUPING_ID, DataType::Int64, false);
            let mut branches: Option<LogicalPlanBuilder> = None;
            for set in &sets {
                let mut exprs: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
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
                exprs.push((Expr::Literal(ScalarValue::Int64(Some(mask)), None), &id));
                let branch = self.project(input.plan.clone(), exprs)?;
                branches = Some(match branches {
                    None => LogicalPlanBuilder::from(branch),
                    Some(builder) => builder.union(branch)?,
                });
            }
            attributes.push(id.clone());
            grouping = Some((by_number, id));
            branches
                .ok_or_else(|| SparkError::invalid_plan("there are no grouping sets"))?
                .build()?
        } else {
            let mut exprs: Vec<(Expr, &Attribute)> = visible.iter().map(|a| (a.column(), a)).collect();
            exprs.extend(
                columns
                    .iter()
                    .filter(|(e, a)| *e != a.column())
                    .map(|(e, a)| (e.clone(), a)),
            );
            self.project(input.plan.clone(), exprs)?
        };
        input.aggregation = None;
        input.plan = match session {
            None => plan,
            Some(_) if grouping.is_some() => return Err(SparkError::unsupported("session windows in grouping sets")),
            Some((start, end)) => {
                let keys = attributes
                    .iter()
                    .map(|a| a.id.clone())
                    .filter(|id| *id != start && *id != end)
                    .collect();
                nodes::plan(MergeSessions { keys, start, end }, plan)?
            }
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

    /// A grouping expression as an output column of a DataFrame aggregate.
    fn select_group(&mut self, open: &Aggregation, group: Typed) -> Result<Typed> {
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

    fn output(&mut self, open: &mut Aggregation, typed: Typed) -> Result<()> {
        if typed.generator.is_some() {
            return Err(SparkError::unsupported(
                "generators beside aggregates in one select list",
            ));
        }
        let expr = self.rewrite(open, typed.expr.clone(), &typed.name)?;
        let mut attribute = self.attribute(typed.name, typed.data_type, true);
        if let Some(from) = &typed.attribute {
            attribute.event_time = from.event_time;
            attribute.time_window = from.time_window;
        }
        open.outputs.push((expr, attribute));
        Ok(())
    }

    /// An expression over the input as one over groups and aggregates.
    fn rewrite(&mut self, open: &mut Aggregation, expr: Expr, name: &str) -> Result<Expr> {
        let mut missing: Option<String> = None;
        let rewritten = expr.transform_down(|e| {
            if let Some((_, replacement)) = open.known.iter().find(|(known, _)| *known == e) {
                return Ok(Transformed::new(replacement.clone(), true, TreeNodeRecursion::Jump));
            }
            match &e {
                Expr::AggregateFunction(_) => {
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
                Expr::ScalarFunction(call) if grouping::is_grouping(&call.func) => {
                    let Some((columns, id)) = &open.grouping else {
                        return Err(SparkError::analysis(
                            "UNSUPPORTED_GROUPING_EXPRESSION",
                            "42K0E",
                            "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
                        )
                        .into());
                    };
                    let column = match call.args.first() {
                        None => id.column(),
                        Some(arg) => {
                            let Some(at) = columns.iter().position(|c| c == arg) else {
                                return Err(SparkError::analysis(
                                    "GROUPING_COLUMN_MISMATCH",
                                    "42803",
                                    "Column of grouping can't be found in grouping columns.",
                                )
                                .into());
                            };
                            let shift = Expr::Literal(ScalarValue::Int64(Some((columns.len() - 1 - at) as i64)), None);
                            let one = Expr::Literal(ScalarValue::Int64(Some(1)), None);
                            datafusion_expr::cast((id.column() >> shift) & one, DataType::Int8)
                        }
                    };
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

    fn over_input(&mut self, open: &Aggregation, expression: &sc::Expression) -> Option<Result<Typed>> {
        let aliases: Vec<Typed> = open
            .outputs
            .iter()
            .map(|(expr, a)| {
                // An alias of the select list inside HAVING: put the aggregates back in place of their columns.
                let original = expr.clone().transform(|e| {
                    Ok(match &e {
                        Expr::Column(c) => match open.aggregates.iter().find(|(_, a)| a.id == c.name) {
                            Some((aggregate, _)) => Transformed::yes(aggregate.clone()),
                            None => match open.known.iter().find(|(_, r)| *r == e) {
                                Some((k, _)) => Transformed::yes(k.clone()),
                                None => Transformed::no(e),
                            },
                        },
                        _ => Transformed::no(e),
                    })
                });
                let expr = original.map_or_else(|_| expr.clone(), |t| t.data);
                Typed::new(expr, a.data_type.clone(), a.name.clone())
            })
            .collect();
        let outside = std::mem::replace(&mut self.lateral, aliases);
        let typed = self.expression(expression, &open.input);
        self.lateral = outside;
        Some(typed)
    }

    /// Builds the plan: aggregate, HAVING, outputs, with groups and extras hidden behind them.
    fn close(&mut self, open: Aggregation) -> Result<Resolved> {
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
        let mut columns: Vec<(Expr, &Attribute)> = Vec::new();
        let mut output = Vec::new();
        for (expr, attribute) in &open.outputs {
            columns.push((expr.clone(), attribute));
            output.push(attribute.clone());
        }
        let mut hidden = Vec::new();
        for (expr, attribute) in &open.extras {
            columns.push((expr.clone(), attribute));
            hidden.push(attribute.clone());
        }
        let plan = self.project(plan, columns)?;
        let mut resolved = Resolved::new(plan, output, open.input.streaming);
        resolved.hidden = hidden;
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

fn known_as<'a>(open: &'a Aggregation, attribute: &Attribute) -> Option<&'a Expr> {
    open.known
        .iter()
        .find(|(k, _)| *k == attribute.column())
        .map(|(_, r)| r)
}
