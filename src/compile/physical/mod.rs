//! From an optimised logical plan to stages of operator trees.
//!
//! Operators come from DataFusion; if rows must move between tasks, the tree is cut and an exchange put in. A tree has
//! as many partitions as its stage has tasks, and task *p* executes partition *p* of the root, so none of DataFusion's
//! spawning operators is needed.
//!
//! A plan's node is compiled by whoever knows it, in this order: a stateful operator, one of our own nodes
//! (`extension`), one of DataFusion's. Inputs are compiled first, so stages are numbered from the sources upwards.

mod aggregate;
mod extension;
mod join;
mod panes;
mod window;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Aggregate, EmptyRelation, Expr, Join, Limit, LogicalPlan, Projection, Sort, Union, Values};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion_physical_plan::joins::utils::JoinFilter;
use datafusion_physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion_physical_plan::sorts::sort::SortExec;
use datafusion_physical_plan::union::UnionExec;

use super::reads::reads_of;
use crate::error::{Result, SparkError};
use crate::exec::codes::coded_schema;
use crate::exec::compiler::{Compiler, PartialAggregate, Plan, partitions};
use crate::exec::stage::{Output, Read, Stage, StatefulOperator, Work};
use crate::exec::transform::{Leaf, Transform, as_transform};
use crate::exec::{decode, operators, state};
use crate::ids::{OperatorId, PartitionId, ShuffleId, StageId};
use crate::kernels::logic;
use crate::plan::comparison;
use crate::plan::folding;
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::{Scan, ScanSource};
use crate::values::ipc;

/// Cuts one plan into stages.
pub struct Planner {
    /// Output mode of a streaming query.
    mode: Option<OutputMode>,
    /// How many partitions an exchange by key makes; at least 1.
    shuffle_partitions: usize,
    /// Stages so far, in the order in which they can run.
    pub stages: Vec<Stage>,
    /// Stateful operators so far, by their numbers.
    pub operators: Vec<StatefulOperator>,
    /// Functions of the user's so far, by their numbers.
    pub functions: Vec<Arc<[u8]>>,
    /// Delays of watermarks, µs, by their numbers.
    pub watermarks: Vec<i64>,
    /// What DataFusion's expressions are compiled with.
    props: ExecutionProps,
    /// What DataFusion's planner keeps; empty.
    context: PhysicalPlanningContext,
}

impl Compiler for Planner {
    fn plan(&mut self, plan: &LogicalPlan) -> Result<Plan> {
        if let Some(compiled) = state::compile(self, plan).or_else(|| extension::compile(self, plan)) {
            return compiled;
        }
        match plan {
            LogicalPlan::TableScan(scan) => {
                let source =
                    ScanSource::of(&scan.source).ok_or_else(|| SparkError::internal("a table is not a scan"))?;
                let schema: SchemaRef = Arc::new(scan.projected_schema.as_arrow().clone());
                Ok(scan_leaf(source.clone(), scan.projection.clone(), schema))
            }
            LogicalPlan::EmptyRelation(empty) => empty_relation(empty),
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => {
                let mut rows = self.plan(&filter.input)?;
                for condition in comparison::steps(&filter.predicate) {
                    rows = operators::filter(self.expr(&condition, filter.input.schema())?, rows);
                }
                Ok(rows)
            }
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery),
            other => Err(SparkError::unsupported(format!(
                "this form of query: {}",
                other.display()
            ))),
        }
    }

    fn expr(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(logic::physical(expr, schema, &self.props, &self.context)?)
    }

    fn join_filter(&self, filter: &Expr, join: &Join, left: &Plan, right: &Plan) -> Result<JoinFilter> {
        self.filter_of_join(filter, join, left, right)
    }

    fn partial_aggregate(&mut self, aggregate: &Aggregate) -> Result<PartialAggregate> {
        self.first_half(aggregate)
    }

    fn exchange(&mut self, input: Plan, output: Output) -> Plan {
        // From one partition into one, no row moves.
        if output.partitions() == 1 && partitions(&input) == 1 {
            return input;
        }
        self.cut(input, output, None)
    }

    fn shuffle_partitions(&self) -> usize {
        self.shuffle_partitions
    }

    fn mode(&self) -> Option<OutputMode> {
        self.mode
    }

    fn function(&mut self, function: &Arc<[u8]>) -> usize {
        self.functions.push(function.clone());
        self.functions.len() - 1
    }

    fn next_operator(&self) -> OperatorId {
        OperatorId(self.operators.len())
    }

    fn add_operator(&mut self, operator: StatefulOperator) {
        self.operators.push(operator);
    }
}

impl Planner {
    /// Starts with nothing; `mode` is that of a streaming query.
    pub fn new(shuffle_partitions: usize, mode: Option<OutputMode>) -> Self {
        Self {
            mode,
            shuffle_partitions: shuffle_partitions.max(1),
            stages: vec![],
            operators: vec![],
            functions: vec![],
            watermarks: vec![],
            props: ExecutionProps::new(),
            context: PhysicalPlanningContext::default(),
        }
    }

    /// Compiles the whole job; the last stage's rows go to the driver.
    ///
    /// # Errors
    /// As [`Compiler::plan`].
    pub fn finish(&mut self, plan: &LogicalPlan) -> Result<()> {
        let root = self.plan(plan)?;
        self.stage(root, Output::Result, None);
        Ok(())
    }

    /// Ends the stage below and returns the leaf that reads its output in the next, under the name that the output has for later
    /// jobs.
    fn cut(&mut self, input: Plan, output: Output, shuffle: Option<ShuffleId>) -> Plan {
        let (schema, partitions) = (input.schema(), output.partitions());
        let id = self.stage(input, output, shuffle);
        let read_schema = schema.clone();
        Transform::leaf(Leaf::Shuffle(id), schema, partitions, move |_, inputs| {
            let blocks = inputs.shuffle.get(&id).map(Vec::as_slice).unwrap_or_default();
            Ok(ipc::read_all(blocks, &read_schema)?)
        })
    }

    /// Ends a stage: finds what its tasks read, and numbers it.
    fn stage(&mut self, plan: Plan, output: Output, shuffle: Option<ShuffleId>) -> StageId {
        let id = StageId(self.stages.len());
        let reads: Vec<Vec<Read>> = PartitionId::first(partitions(&plan))
            .map(|p| {
                let mut reads = Vec::new();
                reads_of(&plan, p, &mut reads);
                reads.sort_unstable();
                reads.dedup();
                reads
            })
            .collect();
        let shuffles = reads.iter().flatten().filter_map(Read::shuffle);
        let mut parents: Vec<StageId> = shuffles.map(|part| part.stage).collect();
        parents.sort_unstable();
        parents.dedup();
        let stateful = stateful_operators(&plan);
        self.stages.push(Stage {
            id,
            work: Work::Plan(plan),
            output,
            parents,
            stateful,
            reads,
            shuffle,
            kept: vec![],
        });
        id
    }

    /// Brings all rows into one partition, unless they are in one.
    fn gather(&mut self, input: Plan) -> Plan {
        (self as &mut dyn Compiler).gather(input)
    }

    /// Compiles sort keys.
    fn sort_exprs(&self, exprs: &[datafusion_expr::expr::Sort], schema: &DFSchema) -> Result<Vec<PhysicalSortExpr>> {
        let key = |sort: &datafusion_expr::expr::Sort| {
            let options = SortOptions::new(!sort.asc, sort.nulls_first);
            Ok(PhysicalSortExpr::new(self.expr(&sort.expr, schema)?, options))
        };
        exprs.iter().map(key).collect()
    }

    /// Compiles rows of constants: cheap ones are evaluated here, once; others by the task that needs them.
    fn values(&self, values: &Values) -> Result<Plan> {
        let schema: SchemaRef = Arc::new(values.schema.as_arrow().clone());
        let none = DFSchema::empty();
        let row = |row: &Vec<Expr>| {
            row.iter()
                .map(|cell| self.expr(cell, &none))
                .collect::<Result<Vec<_>>>()
        };
        let rows = values.values.iter().map(row).collect::<Result<Vec<_>>>()?;
        if values.values.iter().flatten().all(folding::is_foldable) {
            return Ok(constant(rows_of(&rows, &schema)?));
        }
        let made = schema.clone();
        Ok(Transform::leaf(Leaf::Constant, schema, 1, move |_, _| {
            Ok(vec![rows_of(&rows, &made)?])
        }))
    }

    /// Compiles a projection, under the names of the logical plan.
    fn projection(&mut self, projection: &Projection) -> Result<Plan> {
        let input = self.plan(&projection.input)?;
        let schema = projection.input.schema();
        let named = projection.expr.iter().zip(projection.schema.fields());
        let exprs = named.map(|(e, f)| Ok((self.expr(e, schema)?, f.name().clone())));
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        operators::project(exprs, input)
    }

    /// Compiles a total sort: all rows into one partition. With a limit, each task sends only what the limit can need.
    fn sort(&mut self, sort: &Sort) -> Result<Plan> {
        let input = self.plan(&sort.input)?;
        let exprs = self.sort_exprs(&sort.expr, sort.input.schema())?;
        let Some(ordering) = LexOrdering::new(exprs) else {
            return Ok(input);
        };
        // Each task keeps only what a limit above can need, before rows move.
        let input = match sort.fetch {
            Some(_) if partitions(&input) > 1 => {
                let local = SortExec::new(ordering.clone(), input)
                    .with_fetch(sort.fetch)
                    .with_preserve_partitioning(true);
                Arc::new(local) as Plan
            }
            _ => input,
        };
        let input = self.gather(input);
        Ok(Arc::new(SortExec::new(ordering, input).with_fetch(sort.fetch)))
    }

    /// Compiles a limit: each task sends at most what can be needed, then one partition cuts.
    ///
    /// # Errors
    /// `UNSUPPORTED_FEATURE` if the limit is not a constant.
    fn limit(&mut self, limit: &Limit) -> Result<Plan> {
        let (skip, fetch) = (
            constant_limit(limit.get_skip_type()?)?,
            constant_fetch(limit.get_fetch_type()?)?,
        );
        let mut input = self.plan(&limit.input)?;
        if partitions(&input) > 1 {
            if let Some(fetch) = fetch {
                input = Arc::new(LocalLimitExec::new(input, skip + fetch));
            }
            input = self.gather(input);
        }
        Ok(Arc::new(GlobalLimitExec::new(input, skip, fetch)))
    }

    /// Compiles a union: partitions of the inputs one after the other, nothing moves.
    fn union(&mut self, union: &Union) -> Result<Plan> {
        let schema: SchemaRef = Arc::new(union.schema.as_arrow().clone());
        let inputs = union.inputs.iter().map(|i| renamed(self.plan(i)?, &schema));
        Ok(UnionExec::try_new(inputs.collect::<Result<Vec<_>>>()?)?)
    }
}

/// Compiles a relation without rows, or with one row of nulls.
fn empty_relation(empty: &EmptyRelation) -> Result<Plan> {
    let fields = empty.schema.fields().iter();
    let rows = usize::from(empty.produce_one_row);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = fields
        .clone()
        .map(|f| arrow::array::new_null_array(f.data_type(), rows));
    let nullable = fields.map(|f| f.as_ref().clone().with_nullable(true));
    let schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new_with_options(schema, columns.collect(), &options)?;
    Ok(constant(batch))
}

/// Returns a constant OFFSET.
fn constant_limit(skip: datafusion_expr::SkipType) -> Result<usize> {
    match skip {
        datafusion_expr::SkipType::Literal(n) => Ok(n),
        datafusion_expr::SkipType::UnsupportedExpr => Err(SparkError::unsupported("an OFFSET that is not a constant")),
    }
}

/// Returns a constant LIMIT; `None` without one.
fn constant_fetch(fetch: datafusion_expr::FetchType) -> Result<Option<usize>> {
    match fetch {
        datafusion_expr::FetchType::Literal(n) => Ok(n),
        datafusion_expr::FetchType::UnsupportedExpr => Err(SparkError::unsupported("a LIMIT that is not a constant")),
    }
}

/// Returns the leaf of rows that are known at planning time, in one partition.
fn constant(batch: RecordBatch) -> Plan {
    Transform::leaf(Leaf::Constant, batch.schema(), 1, move |_, _| Ok(vec![batch.clone()]))
}

/// Evaluates rows of expressions without columns.
fn rows_of(rows: &[Vec<Arc<dyn PhysicalExpr>>], schema: &SchemaRef) -> Result<RecordBatch> {
    let one = RecordBatchOptions::new().with_row_count(Some(1));
    let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one)?;
    let mut columns = Vec::new();
    for column in 0..schema.fields().len() {
        let cells = rows.iter().map(|row| Ok(row[column].evaluate(&empty)?.into_array(1)?));
        let cells = cells.collect::<Result<Vec<_>>>()?;
        columns.push(arrow::compute::concat(
            &cells.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        )?);
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Returns a plan with its columns under the names of a schema.
fn renamed(input: Plan, schema: &SchemaRef) -> Result<Plan> {
    let own = input.schema();
    if own
        .fields()
        .iter()
        .zip(schema.fields())
        .all(|(a, b)| a.name() == b.name())
    {
        return Ok(input);
    }
    let exprs = own
        .fields()
        .iter()
        .enumerate()
        .zip(schema.fields())
        .map(|((i, f), to)| {
            (
                Arc::new(Column::new(f.name(), i)) as Arc<dyn PhysicalExpr>,
                to.name().clone(),
            )
        });
    operators::project(exprs.collect(), input)
}

/// Returns the leaf that reads a scan's columns; blocks are decoded by the task.
fn scan_leaf(scan: Arc<Scan>, projection: Option<Vec<usize>>, schema: SchemaRef) -> Plan {
    let (leaf, partitions, out) = (Leaf::Scan(scan.id), scan.partitions, schema.clone());
    let (own, own_projection, own_schema) = (scan.clone(), projection.clone(), schema.clone());
    let reads = Transform::lazy_leaf(leaf, schema, partitions, move |partition, inputs| {
        Ok(decode::scan(&scan, projection.as_deref(), &out, partition, inputs)?)
    });
    Transform::or_coded(reads, move |columns| {
        let coded = coded_schema(&own_schema, columns);
        let has_codes = own.origin.is_arrow() && coded != own_schema;
        has_codes.then(|| scan_leaf(own.clone(), own_projection.clone(), coded))
    })
}

/// Returns the stateful operators of a tree, the lowest first.
fn stateful_operators(plan: &Plan) -> Vec<OperatorId> {
    let mut found: Vec<OperatorId> = plan.children().into_iter().flat_map(stateful_operators).collect();
    found.extend(as_transform(plan).and_then(Transform::as_stateful));
    found
}
