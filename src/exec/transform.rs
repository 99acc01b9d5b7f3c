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
type LeafFn = dyn Fn(usize, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;

/// What the operator does with its partition.
#[derive(Clone)]
enum Work {
    /// Batch by batch.
    Each(Arc<EachFn>),
    /// All batches of the partition at once.
    Whole(Arc<WholeFn>),
    /// No input: partition number → batches.
    Leaf(Arc<LeafFn>),
}

/// A named operator over zero or one input.
#[derive(Clone)]
pub struct Transform {
    name: String,
    input: Option<Arc<dyn ExecutionPlan>>,
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
        Self::build(name.into(), Some(input), schema, Work::Each(Arc::new(work)), 0)
    }

    pub fn whole(
        name: impl Into<String>,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), Some(input), schema, Work::Whole(Arc::new(work)), 0)
    }

    pub fn leaf(
        name: impl Into<String>,
        schema: SchemaRef,
        partitions: usize,
        work: impl Fn(usize, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::build(name.into(), None, schema, Work::Leaf(Arc::new(work)), partitions)
    }

    fn build(
        name: String,
        input: Option<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        work: Work,
        partitions: usize,
    ) -> Arc<dyn ExecutionPlan> {
        let partitions = input
            .as_ref()
            .map_or(partitions, |i| i.properties().partitioning.partition_count());
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Arc::new(Self {
            name,
            input,
            work,
            properties,
        })
    }

    pub fn is_leaf(&self) -> bool {
        self.input.is_none()
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
        self.input.iter().collect()
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
            children.into_iter().next(),
            self.schema(),
            self.work.clone(),
            self.properties.partitioning.partition_count(),
        ))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let inputs = TaskInputs::of(&context)?;
        let schema = self.schema();
        let rows = match (&self.work, &self.input) {
            (Work::Leaf(work), _) => stream::iter(work(partition, &inputs)?.into_iter().map(Ok)).boxed(),
            (Work::Each(work), Some(input)) => {
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                input
                    .map_ok(move |batch| stream::iter(spread(work(batch, &inputs))))
                    .try_flatten()
                    .boxed()
            }
            (Work::Whole(work), Some(input)) => {
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                stream::once(async move {
                    let batches: Vec<RecordBatch> = input.try_collect().await?;
                    Ok::<_, datafusion_common::DataFusionError>(stream::iter(spread(work(batches, &inputs))))
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
