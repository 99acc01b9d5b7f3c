//! Compiling our own logical operators that keep no state: one function each, found by the node's type.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{Expr, Filter, LogicalPlan, Projection};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{LexOrdering, PhysicalExpr};
use datafusion_physical_plan::sorts::sort::SortExec;

use super::Planner;
use crate::error::Result;
use crate::exec::compiler::{Compiler, Plan, partitions};
use crate::exec::generate::{Elements, Words, generate};
use crate::exec::operators;
use crate::exec::stage::Output;
use crate::ids::ShuffleId;
use crate::plan::functions::plain_separator;
use crate::plan::nodes::{
    self, EventTimeWatermark, ExpandWindows, Generate, Keep, MergeSessions, Repartition, SortWithinPartitions,
};
use crate::plan::scan::is_streaming;

/// Compiles one kind of node; returns `None` for another.
type Compile = fn(&mut Planner, &LogicalPlan) -> Option<Result<Plan>>;

/// The nodes; each function knows one type, so their order does not matter.
const NODES: &[Compile] = &[
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.expand_windows(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.generate(node, input, None)),
    |planner, plan| match plan {
        LogicalPlan::Filter(filter) => {
            nodes::of(&filter.input).map(|(node, input)| planner.generate(node, input, Some(filter)))
        }
        _ => None,
    },
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.watermark(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.sort_within(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.repartition(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.keep(node, input)),
    |planner, plan| nodes::of(plan).map(|(node, input)| planner.merge_sessions(node, input)),
];

/// Compiles a plan whose top is one of our nodes; returns `None` for another plan.
pub(super) fn compile(planner: &mut Planner, plan: &LogicalPlan) -> Option<Result<Plan>> {
    NODES.iter().find_map(|compile| compile(planner, plan))
}

impl Planner {
    /// Compiles the expansion of rows to the windows that they are in.
    fn expand_windows(&mut self, node: &ExpandWindows, input: &LogicalPlan) -> Result<Plan> {
        operators::expand_windows(node, self.plan(input)?)
    }

    /// Compiles a generator with the filter above it, if there is one: what the filter asks of elements alone, the generator
    /// answers. Words of a text that a plain character separates are found in the text, without a list of them.
    ///
    /// Conditions are asked in their order, so those after the first that asks of another column stay above.
    fn generate(&mut self, node: &Generate, input: &LogicalPlan, filter: Option<&Filter>) -> Result<Plan> {
        let mut conditions: VecDeque<&Expr> = filter.iter().flat_map(|f| split_conjunction(&f.predicate)).collect();
        let made: Vec<Field> = node
            .columns
            .iter()
            .map(|(n, t)| Field::new(n, t.clone(), true))
            .collect();
        let made = DFSchema::try_from(Schema::new(made))?;
        let is_of_elements = |condition: &&Expr| {
            !node.outer && !condition.is_volatile() && condition.column_refs().iter().all(|c| made.has_column(c))
        };
        let mut elements = Elements::Lists;
        let mut rows = None;
        if let Some((separator, texts)) = words(node, input) {
            let prefix = conditions.front().filter(|c| is_of_elements(c)).and_then(|c| prefix(c));
            if prefix.is_some() {
                conditions.pop_front();
            }
            elements = Elements::Words(Words {
                separator,
                prefix: prefix.unwrap_or_default().to_owned(),
            });
            rows = Some(self.plan(&texts)?);
        }
        let rows = rows.map_or_else(|| self.plan(input), Ok)?;
        let mut asked: Vec<Expr> = Vec::new();
        while let Some(condition) = conditions.front().filter(|c| is_of_elements(c)) {
            asked.push((*condition).clone());
            conditions.pop_front();
        }
        let asked = conjunction(asked).map(|keep| self.expr(&keep, &made)).transpose()?;
        let generated = generate(node, rows, elements, asked)?;
        match (conjunction(conditions.into_iter().cloned()), filter) {
            (Some(rest), Some(filter)) => {
                let rest = self.expr(&rest, filter.input.schema())?;
                Ok(operators::filter(rest, generated))
            }
            _ => Ok(generated),
        }
    }

    /// Compiles a watermark, and notes its delay under its number.
    fn watermark(&mut self, node: &EventTimeWatermark, input: &LogicalPlan) -> Result<Plan> {
        let input = self.plan(input)?;
        if self.watermarks.len() <= node.number {
            self.watermarks.resize(node.number + 1, 0);
        }
        self.watermarks[node.number] = node.delay_us;
        operators::watermark(node, input)
    }

    /// Compiles a sort of each partition on its own; without keys it does nothing.
    fn sort_within(&mut self, node: &SortWithinPartitions, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        let exprs = self.sort_exprs(&node.order, input.schema())?;
        Ok(match LexOrdering::new(exprs) {
            Some(ordering) => Arc::new(SortExec::new(ordering, rows).with_preserve_partitioning(true)),
            None => rows,
        })
    }

    /// Compiles an exchange that the user asked for: by keys, or round-robin.
    fn repartition(&mut self, node: &Repartition, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        let keys = node.keys.iter().map(|k| self.expr(k, input.schema()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let output = match (node.partitions, keys.is_empty()) {
            (1, _) => Output::Single,
            (partitions, true) => Output::RoundRobin { partitions },
            (partitions, false) => Output::Hash { keys, partitions },
        };
        Ok(self.exchange(rows, output))
    }

    /// Compiles rows that stay for later jobs.
    fn keep(&mut self, node: &Keep, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        let keys = node.keys.iter().map(|k| self.expr(k, input.schema()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let output = match (node.partitions, keys.is_empty()) {
            (0, _) => Output::Same {
                partitions: partitions(&rows),
            },
            (1, _) => Output::Single,
            (partitions, true) => Output::RoundRobin { partitions },
            (partitions, false) => Output::Hash { keys, partitions },
        };
        let (dataset, parent) = (node.dataset, 0);
        Ok(self.cut(rows, output, Some(ShuffleId { dataset, parent })))
    }

    /// Compiles the merging of sessions: rows of a key together, then merged. On a stream, the aggregation above merges
    /// them.
    fn merge_sessions(&mut self, node: &MergeSessions, input: &LogicalPlan) -> Result<Plan> {
        let rows = self.plan(input)?;
        if is_streaming(input) {
            // The aggregation above merges them, with those of its state.
            return Ok(rows);
        }
        let rows = if partitions(&rows) == 1 || node.keys.is_empty() {
            self.gather(rows)
        } else {
            let keys = node.keys.iter().map(|k| column(&rows.schema(), k));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let partitions = self.shuffle_partitions();
            self.exchange(rows, Output::Hash { keys, partitions })
        };
        operators::merge_sessions(node, rows)
    }
}

/// Returns the separator of a generator over `split`, and its input with strings in place of the lists. `None` if the generator
/// is over anything else.
fn words(node: &Generate, input: &LogicalPlan) -> Option<(u8, LogicalPlan)> {
    let LogicalPlan::Projection(projection) = input else {
        return None;
    };
    let mut exprs = projection.expr.clone();
    let list = exprs
        .iter_mut()
        .find(|e| matches!(e, Expr::Alias(a) if a.name == node.list))?;
    let Expr::Alias(alias) = list else {
        return None;
    };
    let Expr::ScalarFunction(call) = alias.expr.as_ref() else {
        return None;
    };
    let [
        text,
        Expr::Literal(pattern, _),
        Expr::Literal(ScalarValue::Int32(Some(..=0)), _),
    ] = call.args.as_slice()
    else {
        return None;
    };
    let separator = plain_separator(pattern.try_as_str()??)?;
    if node.outer || call.func.name() != "split" {
        return None;
    }
    *list = text.clone().alias(&node.list);
    let texts = Projection::try_new(exprs, projection.input.clone()).ok()?;
    Some((separator, LogicalPlan::Projection(texts)))
}

/// Returns what a condition wants a word to begin with, if that is all that it asks.
fn prefix(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::ScalarFunction(call) if call.func.name() == "startswith" => match call.args.as_slice() {
            [Expr::Column(_), Expr::Literal(prefix, _)] => prefix.try_as_str()?,
            _ => None,
        },
        _ => None,
    }
}

/// Returns a column by name.
///
/// # Errors
/// Arrow's, if the schema lacks it.
fn column(schema: &SchemaRef, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
    let index = schema.index_of(name)?;
    Ok(Arc::new(Column::new(name, index)))
}
