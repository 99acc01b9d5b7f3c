//! What an operator may ask of the compiler that puts it into a stage.
//!
//! Compiling stands above this room; an operator that plans itself knows only this door.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::DFSchema;
use datafusion_expr::{Aggregate, Expr, Join, LogicalPlan};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::utils::JoinFilter;

use super::stage::{Output, StatefulOperator};
use super::state::merge::Merger;
use super::state::windows::Windows;
use crate::error::Result;
use crate::ids::OperatorId;
use crate::plan::output_mode::OutputMode;

/// An operator tree of one stage, as DataFusion runs it.
pub type Plan = Arc<dyn ExecutionPlan>;

/// The first half of an aggregation, done on each task's own rows before they are exchanged.
pub struct PartialAggregate {
    /// Puts out keys and partial states.
    pub plan: Plan,
    /// What it aggregates.
    pub rows: Grouping,
    /// The key column that has the start of a pane in place of that of a sliding window, and the windows; `None` if no key
    /// is one.
    pub panes: Option<(usize, Windows)>,
    /// Merges those of several tasks or batches.
    pub merger: Merger,
    /// Keys and values of the finished aggregation.
    pub output: SchemaRef,
}

/// What an aggregation asks of each row.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// The rows.
    pub input: Plan,
    /// The keys.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    /// What each function asks.
    pub functions: Vec<Arguments>,
}

/// What an aggregate function asks of each row.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// Its arguments.
    pub values: Vec<Arc<dyn PhysicalExpr>>,
    /// Which rows it sees (`FILTER (WHERE …)`); `None` for all.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

/// Compiles one logical plan; see [`crate::compile::physical`].
///
/// An operator calls it for its inputs, adds exchanges, and registers its state; what it returns is the top of the
/// stage so far.
pub trait Compiler {
    /// Compiles a part of the plan.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` if no operator runs the form of query.
    fn plan(&mut self, plan: &LogicalPlan) -> Result<Plan>;

    /// Compiles an expression over the columns of `schema`.
    ///
    /// # Errors
    /// DataFusion's, if the schema lacks a column.
    fn expr(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>>;

    /// Compiles a join's condition over rows of both sides.
    ///
    /// # Errors
    /// As [`Compiler::expr`].
    fn join_filter(&self, filter: &Expr, join: &Join, left: &Plan, right: &Plan) -> Result<JoinFilter>;

    /// Compiles an aggregation's input and its partial half.
    ///
    /// # Errors
    /// As [`Compiler::plan`] and [`Compiler::expr`].
    fn partial_aggregate(&mut self, aggregate: &Aggregate) -> Result<PartialAggregate>;

    /// Ends the stage below and returns the leaf that reads its output in the next.
    fn exchange(&mut self, input: Plan, output: Output) -> Plan;

    /// Returns how many partitions an exchange by key makes (`spark.sql.shuffle.partitions`).
    fn shuffle_partitions(&self) -> usize;

    /// Returns the streaming query's output mode; `None` for a batch job.
    fn mode(&self) -> Option<OutputMode>;

    /// Adds a function of the user's to those that executors need, and returns its number.
    fn function(&mut self, function: &Arc<[u8]>) -> usize;

    /// Returns the name of the stateful operator that is added next: its place in the order of compiling.
    fn next_operator(&self) -> OperatorId;

    /// Adds a stateful operator, under the name that [`Compiler::next_operator`] returned.
    fn add_operator(&mut self, operator: StatefulOperator);
}

/// Returns how many partitions a plan has: one per task.
pub fn partitions(plan: &Plan) -> usize {
    plan.properties().partitioning.partition_count()
}

impl dyn Compiler + '_ {
    /// Brings rows together by the columns at `keys`; without any, all into one partition.
    pub fn exchange_by(&mut self, input: Plan, keys: impl Iterator<Item = usize>) -> Plan {
        let schema = input.schema();
        let keys: Vec<Arc<dyn PhysicalExpr>> = keys
            .map(|i| Arc::new(Column::new(schema.field(i).name(), i)) as Arc<dyn PhysicalExpr>)
            .collect();
        let output = if keys.is_empty() {
            Output::Single
        } else {
            let partitions = self.shuffle_partitions();
            Output::Hash { keys, partitions }
        };
        self.exchange(input, output)
    }

    /// Brings all rows into one partition, unless they are in one.
    pub fn gather(&mut self, input: Plan) -> Plan {
        if partitions(&input) == 1 {
            input
        } else {
            self.exchange(input, Output::Single)
        }
    }
}
