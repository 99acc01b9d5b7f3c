//! From an optimised logical plan to stages of operator trees.
//!
//! Operators come from DataFusion; where rows must move between tasks, the tree is cut and an exchange put in. A tree has
//! as many partitions as its stage has tasks, and task *p* executes partition *p* of the root, so none of DataFusion's
//! spawning operators is needed.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::{DFSchema, JoinType};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Aggregate, Expr, Join, LogicalPlan, Window};
use datafusion_physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{
    LexOrdering, PhysicalExpr, PhysicalSortExpr, create_physical_expr, create_physical_sort_exprs,
};
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion_physical_plan::filter::FilterExec;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion_physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion_physical_plan::projection::ProjectionExec;
use datafusion_physical_plan::sorts::sort::SortExec;
use datafusion_physical_plan::union::UnionExec;
use datafusion_physical_plan::windows::{WindowAggExec, create_window_expr};
use datafusion_physical_plan::{ExecutionPlan, InputOrderMode};

use super::reads::reads_of;
use crate::error::{Result, SparkError};
use crate::exec::inputs::OutputMode;
use crate::exec::operators;
use crate::exec::stage::{Leaf, Output, Stage, StatefulOperator, Wakes, Work};
use crate::exec::state::limit::StateLimit;
use crate::exec::state::merge::Merger;
use crate::exec::transform::Transform;
use crate::plan::map_groups::MapGroups;
use crate::plan::nodes;
use crate::plan::scan::{Scan, ScanSource, is_streaming};
use crate::values::ipc;

pub(super) type Plan = Arc<dyn ExecutionPlan>;

/// Partition and order keys of window functions.
type WindowLayout = (Vec<Arc<dyn PhysicalExpr>>, Vec<PhysicalSortExpr>);

/// Cuts one plan.
pub struct Planner {
    mode: Option<OutputMode>,
    pub shuffle_partitions: usize,
    pub stages: Vec<Stage>,
    pub operators: Vec<StatefulOperator>,
    pub functions: Vec<Arc<[u8]>>,
    pub watermarks: Vec<i64>,
    props: ExecutionProps,
    context: PhysicalPlanningContext,
}

impl Planner {
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

    /// Plans the whole job; the last stage's rows go to the driver.
    pub fn finish(&mut self, plan: &LogicalPlan) -> Result<()> {
        let root = self.plan(plan)?;
        self.stage(root, Output::Result);
        Ok(())
    }

    fn stage(&mut self, plan: Plan, output: Output) -> usize {
        let id = self.stages.len();
        let tasks = plan.properties().partitioning.partition_count();
        let reads: Vec<_> = (0..tasks)
            .map(|p| {
                let mut reads = Vec::new();
                reads_of(&plan, p, &mut reads);
                reads.sort_unstable();
                reads.dedup();
                reads
            })
            .collect();
        let mut parents: Vec<usize> = reads
            .iter()
            .flatten()
            .filter_map(|r| {
                if let crate::exec::stage::Read::Shuffle { stage, .. } = r {
                    Some(*stage)
                } else {
                    None
                }
            })
            .collect();
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
            shuffle: None,
            kept: vec![],
        });
        id
    }

    /// Ends the stage below and reads its output in a new one.
    pub(super) fn exchange(&mut self, input: Plan, output: Output) -> Plan {
        let (schema, partitions) = (input.schema(), output.partitions());
        let id = self.stage(input, output);
        let read_schema = schema.clone();
        Transform::leaf(Leaf::Shuffle(id).label(), schema, partitions, move |_, inputs| {
            let blocks = inputs.shuffle.get(&id).map(Vec::as_slice).unwrap_or_default();
            Ok(ipc::read_all(blocks, &read_schema)?)
        })
    }

    pub(super) fn partitions(plan: &Plan) -> usize {
        plan.properties().partitioning.partition_count()
    }

    fn gathered(&mut self, input: Plan) -> Plan {
        if Self::partitions(&input) == 1 {
            input
        } else {
            self.exchange(input, Output::Single)
        }
    }

    pub(super) fn expr(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(create_physical_expr(expr, schema, &self.props, &self.context)?)
    }

    fn sort_exprs(&self, exprs: &[datafusion_expr::expr::Sort], schema: &DFSchema) -> Result<Vec<PhysicalSortExpr>> {
        Ok(create_physical_sort_exprs(exprs, schema, &self.props, &self.context)?)
    }

    pub(super) fn plan(&mut self, plan: &LogicalPlan) -> Result<Plan> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let source = ScanSource::of(&scan.source).ok_or_else(|| SparkError::internal("a table is no scan"))?;
                let schema: SchemaRef = Arc::new(scan.projected_schema.as_arrow().clone());
                Ok(scan_leaf(source.clone(), scan.projection.clone(), schema))
            }
            LogicalPlan::EmptyRelation(empty) => {
                let schema: SchemaRef = Arc::new(empty.schema.as_arrow().clone());
                let rows = usize::from(empty.produce_one_row);
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                let columns = schema
                    .fields()
                    .iter()
                    .map(|f| arrow::array::new_null_array(f.data_type(), rows))
                    .collect();
                let nullable: SchemaRef = Arc::new(Schema::new(
                    schema
                        .fields()
                        .iter()
                        .map(|f| f.as_ref().clone().with_nullable(true))
                        .collect::<Vec<_>>(),
                ));
                let batch = RecordBatch::try_new_with_options(nullable, columns, &options)?;
                Ok(constant(batch))
            }
            LogicalPlan::Values(values) => {
                let schema: SchemaRef = Arc::new(values.schema.as_arrow().clone());
                let empty = RecordBatch::try_new_with_options(
                    Arc::new(Schema::empty()),
                    vec![],
                    &RecordBatchOptions::new().with_row_count(Some(1)),
                )?;
                let none = DFSchema::empty();
                let mut columns = Vec::new();
                for column in 0..schema.fields().len() {
                    let cells = values
                        .values
                        .iter()
                        .map(|row| Ok(self.expr(&row[column], &none)?.evaluate(&empty)?.into_array(1)?));
                    let cells = cells.collect::<Result<Vec<_>>>()?;
                    columns.push(arrow::compute::concat(
                        &cells.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
                    )?);
                }
                Ok(constant(RecordBatch::try_new(schema, columns)?))
            }
            LogicalPlan::Projection(projection) => {
                let input = self.plan(&projection.input)?;
                let schema = projection.input.schema();
                let exprs = projection
                    .expr
                    .iter()
                    .zip(projection.schema.fields())
                    .map(|(e, f)| Ok((self.expr(e, schema)?, f.name().clone())))
                    .collect::<Result<Vec<_>>>()?;
                Ok(Arc::new(ProjectionExec::try_new(exprs, input)?))
            }
            LogicalPlan::Filter(filter) => {
                let input = self.plan(&filter.input)?;
                let predicate = self.expr(&filter.predicate, filter.input.schema())?;
                Ok(Arc::new(FilterExec::try_new(predicate, input)?))
            }
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Sort(sort) => {
                let input = self.plan(&sort.input)?;
                let exprs = self.sort_exprs(&sort.expr, sort.input.schema())?;
                let Some(ordering) = LexOrdering::new(exprs) else {
                    return Ok(input);
                };
                // Each task keeps only what a limit above can need, before rows move.
                let input = match sort.fetch {
                    Some(_) if Self::partitions(&input) > 1 => {
                        let local = SortExec::new(ordering.clone(), input)
                            .with_fetch(sort.fetch)
                            .with_preserve_partitioning(true);
                        Arc::new(local) as Plan
                    }
                    _ => input,
                };
                let input = self.gathered(input);
                Ok(Arc::new(SortExec::new(ordering, input).with_fetch(sort.fetch)))
            }
            LogicalPlan::Limit(limit) => {
                let (skip, fetch) = (
                    constant_limit(limit.get_skip_type()?)?,
                    constant_fetch(limit.get_fetch_type()?)?,
                );
                let mut input = self.plan(&limit.input)?;
                if Self::partitions(&input) > 1 {
                    if let Some(fetch) = fetch {
                        input = Arc::new(LocalLimitExec::new(input, skip + fetch));
                    }
                    input = self.gathered(input);
                }
                Ok(Arc::new(GlobalLimitExec::new(input, skip, fetch)))
            }
            LogicalPlan::Union(union) => {
                let schema: SchemaRef = Arc::new(union.schema.as_arrow().clone());
                let inputs = union
                    .inputs
                    .iter()
                    .map(|i| {
                        let input = self.plan(i)?;
                        renamed(input, &schema)
                    })
                    .collect::<Result<Vec<_>>>()?;
                Ok(UnionExec::try_new(inputs)?)
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Extension(extension) => self.extension(extension.node.as_ref()),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery),
            other => Err(SparkError::unsupported(format!(
                "this form of query: {}",
                other.display()
            ))),
        }
    }

    fn extension(&mut self, node: &dyn datafusion_expr::UserDefinedLogicalNode) -> Result<Plan> {
        let any = node.as_any();
        if let Some(expand) = any.downcast_ref::<nodes::ExpandWindows>() {
            return operators::expand_windows(expand, self.plan(&expand.input)?);
        }
        if let Some(generate) = any.downcast_ref::<nodes::Generate>() {
            return operators::generate(generate, self.plan(&generate.input)?);
        }
        if let Some(watermark) = any.downcast_ref::<nodes::EventTimeWatermark>() {
            let input = self.plan(&watermark.input)?;
            if self.watermarks.len() <= watermark.number {
                self.watermarks.resize(watermark.number + 1, 0);
            }
            self.watermarks[watermark.number] = watermark.delay_us;
            return operators::watermark(watermark, input);
        }
        if let Some(sort) = any.downcast_ref::<nodes::SortWithinPartitions>() {
            let input = self.plan(&sort.input)?;
            let exprs = self.sort_exprs(&sort.order, sort.input.schema())?;
            return Ok(match LexOrdering::new(exprs) {
                Some(ordering) => Arc::new(SortExec::new(ordering, input).with_preserve_partitioning(true)),
                None => input,
            });
        }
        if let Some(repartition) = any.downcast_ref::<nodes::Repartition>() {
            let input = self.plan(&repartition.input)?;
            let keys = repartition
                .keys
                .iter()
                .map(|k| self.expr(k, repartition.input.schema()))
                .collect::<Result<Vec<_>>>()?;
            let output = match (repartition.partitions, keys.is_empty()) {
                (1, _) => Output::Single,
                (partitions, true) => Output::RoundRobin { partitions },
                (partitions, false) => Output::Hash { keys, partitions },
            };
            return Ok(self.exchange(input, output));
        }
        if let Some(limit) = any.downcast_ref::<nodes::StreamingLimit>() {
            let input = self.plan(&limit.input)?;
            let input = self.gathered(input);
            // Only appended rows add up over batches; a complete result is limited anew each time.
            if self.mode != Some(OutputMode::Append) {
                return Ok(Arc::new(GlobalLimitExec::new(input, 0, Some(limit.fetch))));
            }
            let state = StateLimit {
                operator: self.operators.len(),
                fetch: limit.fetch,
            };
            self.operators.push(StatefulOperator {
                name: "globalLimit",
                kind: Arc::new(state),
                partitions: 1,
                wakes: Wakes::Never,
            });
            return Ok(state.plan(input));
        }
        if let Some(dedup) = any.downcast_ref::<nodes::Deduplicate>() {
            return self.stateful_dedup(dedup);
        }
        if let Some(groups) = any.downcast_ref::<MapGroups>() {
            return self.map_groups(groups);
        }
        if let Some(merge) = any.downcast_ref::<nodes::MergeSessions>() {
            let input = self.plan(&merge.input)?;
            if is_streaming(&merge.input) {
                // The aggregation above merges them, with those of its state.
                return Ok(input);
            }
            let input = if Self::partitions(&input) == 1 {
                input
            } else if merge.keys.is_empty() {
                self.gathered(input)
            } else {
                let keys = merge
                    .keys
                    .iter()
                    .map(|k| column(&input.schema(), k))
                    .collect::<Result<Vec<_>>>()?;
                self.exchange(
                    input,
                    Output::Hash {
                        keys,
                        partitions: self.shuffle_partitions,
                    },
                )
            };
            return operators::merge_sessions(merge, input);
        }
        Err(SparkError::unsupported(format!("the operator {}", node.name())))
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Plan> {
        let streaming = is_streaming(&aggregate.input);
        let input = self.plan(&aggregate.input)?;
        let logical = aggregate.input.schema();
        let input_schema = input.schema();
        let names: Vec<String> = aggregate.schema.fields().iter().map(|f| f.name().clone()).collect();
        let groups = aggregate
            .group_expr
            .iter()
            .zip(&names)
            .map(|(e, name)| Ok((self.expr(e, logical)?, name.clone())))
            .collect::<Result<Vec<_>>>()?;
        let mut aggregates = Vec::new();
        let mut filters = Vec::new();
        for (expr, name) in aggregate.aggr_expr.iter().zip(&names[groups.len()..]) {
            let lowered = LoweredAggregateBuilder::new(expr, logical, &input_schema, &self.props, &self.context)
                .with_name(name.clone())
                .build()?;
            aggregates.push(lowered.aggregate);
            filters.push(lowered.filter);
        }
        let group_by = PhysicalGroupBy::new_single(groups);
        if !streaming && Self::partitions(&input) == 1 {
            let single = AggregateExec::try_new(
                AggregateMode::Single,
                group_by,
                aggregates,
                filters,
                input,
                input_schema,
            )?;
            return Ok(Arc::new(single));
        }
        let keys = aggregate.group_expr.len();
        let partial: Plan = Arc::new(AggregateExec::try_new(
            AggregateMode::Partial,
            group_by,
            aggregates.clone(),
            filters.clone(),
            input,
            input_schema.clone(),
        )?);
        let schema = partial.schema();
        let key_columns: Vec<Arc<dyn PhysicalExpr>> = (0..keys)
            .map(|i| Arc::new(Column::new(schema.field(i).name(), i)) as Arc<dyn PhysicalExpr>)
            .collect();
        let final_groups = key_columns
            .iter()
            .zip(&names)
            .map(|(e, n)| (e.clone(), n.clone()))
            .collect();
        let final_group_by = PhysicalGroupBy::new_single(final_groups);
        let mode = if keys == 0 {
            AggregateMode::Final
        } else {
            AggregateMode::FinalPartitioned
        };
        let finish = |input: Plan| {
            AggregateExec::try_new(mode, final_group_by, aggregates.clone(), filters, input, input_schema)
        };
        if streaming {
            let finished = finish(partial.clone())?;
            let merger = Merger {
                functions: aggregates.clone(),
                grouped: keys > 0,
            };
            return self.stateful_aggregate(aggregate, partial, &finished, merger);
        }
        let output = if keys == 0 {
            Output::Single
        } else {
            Output::Hash {
                keys: key_columns,
                partitions: self.shuffle_partitions,
            }
        };
        Ok(Arc::new(finish(self.exchange(partial, output))?))
    }

    fn join(&mut self, join: &Join) -> Result<Plan> {
        let (left_stream, right_stream) = (is_streaming(&join.left), is_streaming(&join.right));
        if left_stream && right_stream {
            return self.stateful_join(join);
        }
        let (mut left, mut right) = (self.plan(&join.left)?, self.plan(&join.right)?);
        let filter = join
            .filter
            .as_ref()
            .map(|f| self.join_filter(f, join, &left, &right))
            .transpose()?;
        let on = join
            .on
            .iter()
            .map(|(l, r)| Ok((self.expr(l, join.left.schema())?, self.expr(r, join.right.schema())?)))
            .collect::<Result<Vec<_>>>()?;
        if on.is_empty() {
            left = self.gathered(left);
            right = self.gathered(right);
            if filter.is_none() && join.join_type == JoinType::Inner {
                return Ok(Arc::new(CrossJoinExec::new(left, right)));
            }
            return Ok(Arc::new(NestedLoopJoinExec::try_new(
                left,
                right,
                filter,
                &join.join_type,
                None,
            )?));
        }
        // A stream meets a static side whole: the static rows go to every task that holds stream rows.
        if right_stream || left_stream {
            let hash = |l: Plan, r: Plan| -> Result<HashJoinExec> {
                Ok(HashJoinExec::try_new(
                    l,
                    r,
                    on.clone(),
                    filter.clone(),
                    &join.join_type,
                    None,
                    PartitionMode::CollectLeft,
                    join.null_equality,
                    join.null_aware,
                )?)
            };
            if right_stream {
                left = self.broadcast(left);
                return Ok(Arc::new(hash(left, right)?));
            }
            right = self.broadcast(right);
            return Ok(hash(left, right)?.swap_inputs(PartitionMode::CollectLeft)?);
        }
        if Self::partitions(&left) > 1 || Self::partitions(&right) > 1 {
            if join.null_aware {
                left = self.gathered(left);
                right = self.gathered(right);
            } else {
                let partitions = self.shuffle_partitions;
                let (lk, rk): (Vec<_>, Vec<_>) = on.iter().cloned().unzip();
                left = self.exchange(left, Output::Hash { keys: lk, partitions });
                right = self.exchange(right, Output::Hash { keys: rk, partitions });
            }
        }
        let mode = if Self::partitions(&left) == 1 {
            PartitionMode::CollectLeft
        } else {
            PartitionMode::Partitioned
        };
        Ok(Arc::new(HashJoinExec::try_new(
            left,
            right,
            on,
            filter,
            &join.join_type,
            None,
            mode,
            join.null_equality,
            join.null_aware,
        )?))
    }

    fn broadcast(&mut self, input: Plan) -> Plan {
        self.exchange(input, Output::Single)
    }

    pub(super) fn join_filter(&self, filter: &Expr, join: &Join, left: &Plan, right: &Plan) -> Result<JoinFilter> {
        let mut indices = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        let mut qualified = Vec::new();
        for (side, plan, logical) in [
            (datafusion_common::JoinSide::Left, left, join.left.schema()),
            (datafusion_common::JoinSide::Right, right, join.right.schema()),
        ] {
            for column in filter.column_refs() {
                if let Ok(index) = logical.index_of_column(column) {
                    let field = plan.schema().field(index).clone();
                    let (qualifier, _) = logical.qualified_field(index);
                    qualified.push((qualifier.cloned(), Arc::new(field.clone())));
                    fields.push(field);
                    indices.push(ColumnIndex { index, side });
                }
            }
        }
        let schema = DFSchema::new_with_metadata(qualified, Default::default())?;
        let expression = self.expr(filter, &schema)?;
        Ok(JoinFilter::new(expression, indices, Arc::new(Schema::new(fields))))
    }

    fn window(&mut self, window: &Window) -> Result<Plan> {
        let mut input = self.plan(&window.input)?;
        let logical = window.input.schema();
        let mut calls = Vec::new();
        let mut layout: Option<WindowLayout> = None;
        for (expr, field) in window
            .window_expr
            .iter()
            .zip(&window.schema.fields()[logical.fields().len()..])
        {
            let inner = expr.clone().unalias_nested().data;
            let Expr::WindowFunction(call) = inner else {
                return Err(SparkError::internal("a window holds no window function"));
            };
            let p = &call.params;
            let args = p
                .args
                .iter()
                .map(|a| self.expr(a, logical))
                .collect::<Result<Vec<_>>>()?;
            let partition = p
                .partition_by
                .iter()
                .map(|a| self.expr(a, logical))
                .collect::<Result<Vec<_>>>()?;
            let order = self.sort_exprs(&p.order_by, logical)?;
            let filter = p.filter.as_ref().map(|f| self.expr(f, logical)).transpose()?;
            let ignore_nulls = p.null_treatment == Some(datafusion_expr::expr::NullTreatment::IgnoreNulls);
            layout.get_or_insert_with(|| (partition.clone(), order.clone()));
            let frame = Arc::new(p.window_frame.clone());
            calls.push(create_window_expr(
                &call.fun,
                field.name().clone(),
                &args,
                &partition,
                &order,
                frame,
                input.schema(),
                ignore_nulls,
                p.distinct,
                filter,
            )?);
        }
        let Some((partition, order)) = layout else {
            return Ok(input);
        };
        if Self::partitions(&input) > 1 {
            let output = if partition.is_empty() {
                Output::Single
            } else {
                Output::Hash {
                    keys: partition.clone(),
                    partitions: self.shuffle_partitions,
                }
            };
            input = self.exchange(input, output);
        }
        let mut sort: Vec<PhysicalSortExpr> = Vec::new();
        for key in partition {
            sort.push(PhysicalSortExpr::new_default(key));
        }
        sort.extend(order);
        if let Some(ordering) = LexOrdering::new(sort) {
            input = Arc::new(SortExec::new(ordering, input).with_preserve_partitioning(true));
        }
        let bounded = calls.iter().all(|c| c.uses_bounded_memory());
        Ok(if bounded {
            Arc::new(datafusion_physical_plan::windows::BoundedWindowAggExec::try_new(
                calls,
                input,
                InputOrderMode::Sorted,
                false,
            )?)
        } else {
            Arc::new(WindowAggExec::try_new(calls, input, false)?)
        })
    }
}

fn constant_limit(skip: datafusion_expr::SkipType) -> Result<usize> {
    match skip {
        datafusion_expr::SkipType::Literal(n) => Ok(n),
        datafusion_expr::SkipType::UnsupportedExpr => Err(SparkError::unsupported("an OFFSET that is no constant")),
    }
}

fn constant_fetch(fetch: datafusion_expr::FetchType) -> Result<Option<usize>> {
    match fetch {
        datafusion_expr::FetchType::Literal(n) => Ok(n),
        datafusion_expr::FetchType::UnsupportedExpr => Err(SparkError::unsupported("a LIMIT that is no constant")),
    }
}

fn column(schema: &SchemaRef, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
    let index = schema.index_of(name)?;
    Ok(Arc::new(Column::new(name, index)))
}

/// Rows known at planning time, in one partition.
fn constant(batch: RecordBatch) -> Plan {
    Transform::leaf(Leaf::Constant.label(), batch.schema(), 1, move |_, _| {
        Ok(vec![batch.clone()])
    })
}

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
    Ok(Arc::new(ProjectionExec::try_new(exprs.collect::<Vec<_>>(), input)?))
}

fn scan_leaf(scan: Arc<Scan>, projection: Option<Vec<usize>>, schema: SchemaRef) -> Plan {
    let label = Leaf::Scan(scan.id.0).label();
    let partitions = scan.partitions;
    let out = schema.clone();
    Transform::leaf(label, schema, partitions, move |partition, inputs| {
        Ok(crate::exec::decode::scan(
            &scan,
            projection.as_deref(),
            &out,
            partition,
            inputs,
        )?)
    })
}

fn stateful_operators(plan: &Plan) -> Vec<usize> {
    let mut found: Vec<usize> = plan.children().into_iter().flat_map(stateful_operators).collect();
    if let Some(transform) = crate::exec::transform::as_transform(plan)
        && let Some((_, rest)) = transform.label().split_once("operator=")
        && let Some(number) = rest.split(' ').next().and_then(|n| n.parse().ok())
    {
        found.push(number);
    }
    found
}
