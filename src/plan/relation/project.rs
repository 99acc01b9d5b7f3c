//! Select lists: stars, generators, window functions, aggregates without GROUP BY, aliases further left.
//!
//! ```text
//! items resolved from the left ─► aggregates among them? ─► global aggregation
//!                               └► windows expanded ─► generator below ─► window functions below ─► projection
//! ```

use datafusion_expr::{Expr, LogicalPlanBuilder};

use crate::error::{Result, SparkError};
use crate::plan::aggregate::{check_no_grouping, has_aggregate};
use crate::plan::analyzer::Analyzer;
use crate::plan::functions::text::pattern;
use crate::plan::names::Names;
use crate::plan::scope::{Attribute, Resolved, Typed, typed_attribute};
use crate::plan::sql::marker::Marker;
use crate::plan::time_window;
use crate::proto as sc;
use crate::proto::expression::ExprType;

impl Analyzer {
    /// Resolves a select list over a relation; without one, over a single row without columns (`SELECT 1`).
    pub(in crate::plan) fn project_relation(&mut self, node: &sc::Project) -> Result<Resolved> {
        let input = match node.input.as_deref() {
            input @ Some(_) => self.input(input)?,
            None => Resolved::new(LogicalPlanBuilder::empty(true).build()?, vec![], false),
        };
        self.select(input, &node.expressions)
    }

    /// Resolves `SELECT expressions FROM input`; aggregates among them make it a global aggregation.
    pub(in crate::plan) fn select(&mut self, input: Resolved, expressions: &[sc::Expression]) -> Result<Resolved> {
        let outside = std::mem::take(&mut self.lateral);
        let items = self.select_items(&input, expressions);
        self.lateral = outside;
        let items = items?;
        if items.iter().any(|t| has_aggregate(&t.expr)) {
            return self.global_aggregate(input, items);
        }
        for item in &items {
            check_no_grouping(&item.expr)?;
        }
        self.select_typed(input, items)
    }

    /// Returns the columns whose whole names a pattern in back-quotes matches (`colRegex`); a text without them is a name.
    fn columns_like(&mut self, regex: &sc::expression::UnresolvedRegex, input: &Resolved) -> Result<Vec<Typed>> {
        let pattern = regex.col_name.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        let Some(pattern) = pattern.filter(|text| !text.is_empty()) else {
            return Ok(vec![self.name(&regex.col_name, regex.plan_id, input)?]);
        };
        let case = if self.names() == Names::Exact { "" } else { "(?iu)" };
        let pattern = pattern::compile("colRegex", &format!("{case}^(?:{pattern})$"))?;
        let mut found = vec![];
        for attribute in &input.output {
            if pattern.is_match(&attribute.name)? {
                found.push(typed_attribute(attribute));
            }
        }
        Ok(found)
    }

    /// Resolves the items from the left, with the aliases so far in sight (Spark's lateral column aliases).
    fn select_items(&mut self, input: &Resolved, expressions: &[sc::Expression]) -> Result<Vec<Typed>> {
        let mut items: Vec<Typed> = Vec::with_capacity(expressions.len());
        for expression in expressions {
            match &expression.expr_type {
                Some(ExprType::UnresolvedStar(star)) => items.extend(self.star(star, input)?),
                Some(ExprType::UnresolvedRegex(regex)) => items.extend(self.columns_like(regex, input)?),
                _ if Marker::StarExcept.is(expression) => items.extend(self.star_except(expression, input)?),
                Some(ExprType::ExpressionString(text)) => {
                    let parsed = self.parsed(&text.expression)?;
                    items.extend(self.select_items(input, std::slice::from_ref(&parsed))?);
                }
                _ => {
                    let typed = self.expression(expression, input)?;
                    if matches!(expression.expr_type, Some(ExprType::Alias(_))) && typed.generator.is_none() {
                        self.lateral.push(typed.clone());
                    }
                    items.push(typed);
                }
            }
        }
        Ok(items)
    }

    /// Returns a projection of resolved items, with generators, windows and window functions pulled out
    /// below it.
    ///
    /// A plain column keeps its id the first time it is selected; columns of the input that are not
    /// selected stay below.
    pub(crate) fn select_typed(&mut self, mut input: Resolved, mut items: Vec<Typed>) -> Result<Resolved> {
        input = self.pull_time_window(input, &mut items)?;
        input = self.pull_generators(input, &mut items)?;
        input = self.pull_window_functions(input, &mut items)?;
        let mut output: Vec<Attribute> = Vec::with_capacity(items.len());
        let mut exprs: Vec<Expr> = Vec::with_capacity(items.len());
        for typed in items {
            let attribute = match &typed.attribute {
                Some(attribute) if output.iter().all(|a| a.id != attribute.id) => Attribute {
                    name: typed.column_name().to_owned(),
                    ..attribute.clone()
                },
                Some(attribute) => {
                    let id = self.fresh_id();
                    Attribute {
                        id,
                        copy_of: Some(attribute.origin().to_owned()),
                        name: typed.column_name().to_owned(),
                        ..attribute.clone()
                    }
                }
                None => self.attribute(typed.column_name(), typed.data_type.clone(), typed.nullable),
            };
            output.push(Attribute {
                metadata: typed.metadata,
                ..attribute
            });
            exprs.push(typed.expr);
        }
        let left_out = |a: &&Attribute| output.iter().all(|o| o.id != a.id);
        let hidden: Vec<Attribute> = input.hidden.iter().filter(left_out).cloned().collect();
        let columns: Vec<(Expr, &Attribute)> = exprs
            .into_iter()
            .zip(&output)
            .chain(
                hidden
                    .iter()
                    .chain(input.output.iter().filter(left_out))
                    .map(|a| (a.column(), a)),
            )
            .collect();
        let plan = self.project(input.plan.clone(), columns)?;
        let mut resolved = Resolved::new(plan, output, input.streaming);
        resolved.hidden = hidden;
        resolved.below = input.output;
        resolved.tagged = input.tagged;
        Ok(resolved)
    }

    /// Expands the window of `select(window(…))` without grouping: one row per window.
    ///
    /// # Errors
    /// If there are two different windows, `MULTI_TIME_WINDOW_EXPRESSIONS_NOT_SUPPORTED`.
    fn pull_time_window(&mut self, input: Resolved, items: &mut [Typed]) -> Result<Resolved> {
        let Some(at) = items.iter().position(|t| t.window.is_some()) else {
            return Ok(input);
        };
        let Some(window) = items[at].window.clone() else {
            return Ok(input);
        };
        let name = items[at].column_name().to_owned();
        let mut expanded = if window.session {
            time_window::open_sessions(self, input, &window, &name)?
        } else {
            time_window::expand(self, input, &window, &name)?
        };
        for item in items.iter_mut().filter(|t| t.window.as_ref() == Some(&window)) {
            item.expr = expanded.window.column();
            item.attribute = Some(expanded.window.clone());
            item.window = None;
        }
        if items.iter().any(|t| t.window.is_some()) {
            return Err(SparkError::analysis(
                "MULTI_TIME_WINDOW_EXPRESSIONS_NOT_SUPPORTED",
                "0A000",
                "Multiple time/session window expressions would result in a cartesian product of rows, therefore they are currently not supported.",
            ));
        }
        expanded.relation.output.retain(|a| a.id != expanded.window.id);
        expanded.relation.hidden.push(expanded.window);
        Ok(expanded.relation)
    }

    /// Resolves `withColumns`: replaces all columns of each name and adds the others at the end.
    ///
    /// # Errors
    /// If a name is there twice, `COLUMN_ALREADY_EXISTS`; if an expression has an aggregate, `MISSING_GROUP_BY`.
    pub(in crate::plan) fn with_columns(&mut self, node: &sc::WithColumns) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let names = self.names();
        let mut items: Vec<Typed> = input.output.iter().map(typed_attribute).collect();
        names.check_unique(node.aliases.iter().flat_map(|alias| &alias.name))?;
        for alias in &node.aliases {
            let [name] = &alias.name[..] else {
                return Err(SparkError::unsupported("withColumn with several names"));
            };
            let inner = alias
                .expr
                .as_deref()
                .ok_or_else(|| SparkError::invalid_plan("withColumn has no expression"))?;
            let mut typed = self.expression(inner, &input)?;
            if let Some(generator) = &mut typed.generator {
                generator.names = vec![name.clone()];
            }
            if typed.attribute.as_ref().is_some_and(|a| !a.event_time) {
                typed.attribute = None;
            }
            typed.name = name.clone();
            typed.named = true;
            note_metadata(&mut typed, alias)?;
            let mut known = items.iter_mut().filter(|t| names.same(&t.name, name)).peekable();
            if known.peek().is_none() {
                items.push(typed);
                continue;
            }
            known.for_each(|item| *item = typed.clone());
        }
        if items.iter().any(|t| has_aggregate(&t.expr)) {
            return Err(SparkError::analysis(
                "MISSING_GROUP_BY",
                "42803",
                "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses.",
            ));
        }
        self.select_typed(input, items)
    }
}

/// Notes what an alias says of its column; without that, a column under another name keeps its own.
///
/// # Errors
/// `CONNECT_INVALID_PLAN` if it is not a JSON object.
pub(in crate::plan) fn note_metadata(typed: &mut Typed, alias: &sc::expression::Alias) -> Result<()> {
    let Some(text) = &alias.metadata else { return Ok(()) };
    let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|e| SparkError::invalid_plan(format!("the metadata of a column is no JSON object: {e}")))?;
    typed.metadata = (!parsed.is_empty()).then(|| text.as_str().into());
    Ok(())
}
