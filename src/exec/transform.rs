//! Operators of our own, as functions over batches: no plan boilerplate per operator.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

use super::inputs::TaskInputs;

type EachFn = dyn Fn(RecordBatch, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
type WholeFn = dyn Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
type PairFn = dyn Fn(Vec<RecordBatch>, Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
type LeafFn = dyn Fn(usize, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;

/// What the operator does with its partition.
#[derive(Clone)]
enum Work {
    /// Batch by batch.
    Each(Arc<EachFn>),
    /// All batches of the partition at once.
    Whole(Arc<WholeFn>),
    /// All batches of the partition of two inputs at once.
    Pair(Arc<PairFn>),
    /// No input: partition number → batches.
    Leaf(Arc<LeafFn>),
}

/// A named operator over no, one or two inputs.
#[derive(Clone)]
pub struct Transform {
    name: String,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    work: Work,
    properties: Arc<PlanProperties>,
}

impl Transform {
    pub fn each(
        name: impl Into<String>,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(RecordBatch, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), vec![input], schema, Work::Each(Arc::new(work)), 0)
    }

    pub fn whole(
        name: impl Into<String>,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), vec![input], schema, Work::Whole(Arc::new(work)), 0)
    }

    /// Both inputs have as many partitions.
    pub fn pair(
        name: impl Into<String>,
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), vec![left, right], schema, Work::Pair(Arc::new(work)), 0)
    }

    pub fn leaf(
        name: impl Into<String>,
        schema: SchemaRef,
        partitions: usize,
        work: impl Fn(usize, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), vec![], schema, Work::Leaf(Arc::new(work)), partitions)
    }

    fn build(
        name: String,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        work: Work,
        partitions: usize,
    ) -> Arc<dyn ExecutionPlan> {
        let partitions = inputs
            .first()
            .map_or(partitions, |i| i.properties().partitioning.partition_count());
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Arc::new(Self {
            name,
            inputs,
            work,
            properties,
        })
    }

    pub fn is_leaf(&self) -> bool {
        self.inputs.is_empty()
    }

    pub fn label(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl DisplayAs for Transform {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl ExecutionPlan for Transform {
    fn name(&self) -> &str {
        &self.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Self::build(
            self.name.clone(),
            children,
            self.schema(),
            self.work.clone(),
            self.properties.partitioning.partition_count(),
        ))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let inputs = TaskInputs::of(&context)?;
        let schema = self.schema();
        let rows = match (&self.work, self.inputs.as_slice()) {
            (Work::Leaf(work), _) => stream::iter(work(partition, &inputs)?.into_iter().map(Ok)).boxed(),
            (Work::Each(work), [input]) => {
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                input
                    .map_ok(move |batch| stream::iter(spread(work(batch, &inputs))))
                    .try_flatten()
                    .boxed()
            }
            (Work::Whole(work), [input]) => {
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                stream::once(async move {
                    let batches: Vec<RecordBatch> = input.try_collect().await?;
                    Ok::<_, datafusion_common::DataFusionError>(stream::iter(spread(work(batches, &inputs))))
                })
                .try_flatten()
                .boxed()
            }
            (Work::Pair(work), [left, right]) => {
                let work = work.clone();
                let left = left.execute(partition, context.clone())?;
                let right = right.execute(partition, context)?;
                stream::once(async move {
                    let left: Vec<RecordBatch> = left.try_collect().await?;
                    let right: Vec<RecordBatch> = right.try_collect().await?;
                    Ok::<_, datafusion_common::DataFusionError>(stream::iter(spread(work(left, right, &inputs))))
                })
                .try_flatten()
                .boxed()
            }
            _ => stream::empty().boxed(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

fn spread(result: Result<Vec<RecordBatch>>) -> Vec<Result<RecordBatch>> {
    match result {
        Ok(batches) => batches.into_iter().filter(|b| b.num_rows() > 0).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

/// The transform behind a plan node, if it is one of ours.
pub fn as_transform(plan: &Arc<dyn ExecutionPlan>) -> Option<&Transform> {
    let any: &dyn Any = plan.as_ref();
    any.downcast_ref::<Transform>()
}
