//! Operators of our own, as functions over batches: no plan boilerplate per operator.
//!
//! DataFusion's `ExecutionPlan` wants a type per operator; [`Transform`] is the one type, and the function is what
//! differs. What the compiler must know (leaf or state) is typed, never read out of a name.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

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

use super::compiler;
use super::inputs::TaskInputs;
use super::memory::Kept;
use super::pace::paced;
use crate::ids::{OperatorId, PartitionId, ScanId, StageId};

/// Works on one batch.
type EachFn = dyn Fn(RecordBatch, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
/// Works on all batches of a partition.
type WholeFn = dyn Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
/// Works on all batches of a partition of two inputs.
type PairFn = dyn Fn(Vec<RecordBatch>, Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync;
/// Batches that are made when they are asked for.
pub type Rows = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;
/// Makes the batches of a partition.
type LeafFn = dyn Fn(PartitionId, &Arc<TaskInputs>) -> Result<Rows> + Send + Sync;

/// Makes the operator anew with codes for some columns of text.
type CodedFn = dyn Fn(&BTreeSet<usize>) -> Option<Arc<dyn ExecutionPlan>> + Send + Sync;

/// What a leaf reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// Its partition of the output of a stage.
    Shuffle(StageId),
    /// Its share of a scan.
    Scan(ScanId),
    /// Nothing: its rows are part of the plan.
    Constant,
}

impl fmt::Display for Leaf {
    /// Writes the leaf as `EXPLAIN` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Leaf::Shuffle(stage) => write!(f, "ShuffleRead: stage={stage}"),
            Leaf::Scan(scan) => write!(f, "Scan: {}", scan.0),
            Leaf::Constant => f.write_str("LocalRows"),
        }
    }
}

/// What the compiler must know of an operator besides its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It reads its inputs, and nothing else.
    Plain,
    /// It has no inputs.
    Leaf(Leaf),
    /// It keeps state between batches.
    Stateful(OperatorId),
}

/// What the operator does with its partition.
#[derive(Clone)]
enum Work {
    /// Batch by batch.
    Each(Arc<EachFn>),
    /// None, but memory for all batches is reserved until the last.
    Held,
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
    /// What people read; nothing depends on it.
    name: String,
    /// What the compiler must know of it.
    role: Role,
    /// Whether it returns no rows when it gets none and nothing leaves its state.
    quiet: bool,
    /// Its inputs.
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    /// What it does.
    work: Work,
    /// What DataFusion asks of every operator.
    properties: Arc<PlanProperties>,
    /// How it would hand on text with codes; `None` if it cannot.
    coded: Option<Arc<CodedFn>>,
}

impl Transform {
    /// Makes an operator that works batch by batch. Its name, and those below, are for people to read.
    pub fn each(
        name: impl Into<String>,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(RecordBatch, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let work = Work::Each(Arc::new(work));
        Self::over(name.into(), Role::Plain, vec![input], schema, work)
    }

    /// Makes an operator that hands on its input, and at which a task can be interrupted.
    pub fn interruptible(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let schema = input.schema();
        Self::each("Interruptible", input, schema, |batch, _| Ok(vec![batch]))
    }

    /// Makes an operator that hands on its input in its order, and reserves memory for all rows under `name`: for an operator above
    /// that keeps them and reserves none.
    pub fn held(name: impl Into<String>, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            name: name.into(),
            role: Role::Plain,
            quiet: true,
            properties: input.properties().clone(),
            inputs: vec![input],
            work: Work::Held,
            coded: None,
        })
    }

    /// Makes an operator that needs all batches of its partition at once.
    pub fn whole(
        name: impl Into<String>,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let work = Work::Whole(Arc::new(work));
        Self::over(name.into(), Role::Plain, vec![input], schema, work)
    }

    /// Makes an operator like [`Transform::whole`] that keeps state between the batches of a stream.
    pub fn stateful(
        operator: OperatorId,
        name: impl fmt::Display,
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let work = Work::Whole(Arc::new(work));
        let name = format!("{name} operator={operator}");
        Self::over(name, Role::Stateful(operator), vec![input], schema, work)
    }

    /// Makes an operator like [`Transform::stateful`] over two inputs that have the same number of partitions.
    pub fn stateful_pair(
        operator: OperatorId,
        name: impl fmt::Display,
        inputs: [Arc<dyn ExecutionPlan>; 2],
        schema: SchemaRef,
        work: impl Fn(Vec<RecordBatch>, Vec<RecordBatch>, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let work = Work::Pair(Arc::new(work));
        let name = format!("{name} operator={operator}");
        Self::over(name, Role::Stateful(operator), inputs.into(), schema, work)
    }

    /// Makes a leaf: `work` gets the number of the partition.
    pub fn leaf(
        leaf: Leaf,
        schema: SchemaRef,
        partitions: usize,
        work: impl Fn(PartitionId, &TaskInputs) -> Result<Vec<RecordBatch>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        Self::lazy_leaf(leaf, schema, partitions, move |partition, inputs| {
            Ok(Box::new(work(partition, inputs)?.into_iter().map(Ok)))
        })
    }

    /// Makes a leaf whose batches are made when they are asked for.
    pub fn lazy_leaf(
        leaf: Leaf,
        schema: SchemaRef,
        partitions: usize,
        work: impl Fn(PartitionId, &Arc<TaskInputs>) -> Result<Rows> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let (role, work) = (Role::Leaf(leaf), Work::Leaf(Arc::new(work)));
        let properties = properties(schema, partitions);
        let name = leaf.to_string();
        Arc::new(Self {
            name,
            role,
            quiet: !matches!(role, Role::Leaf(Leaf::Constant)),
            inputs: vec![],
            work,
            properties,
            coded: None,
        })
    }

    /// Makes an operator over inputs, with as many partitions as the first has.
    fn over(
        name: String,
        role: Role,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        work: Work,
    ) -> Arc<dyn ExecutionPlan> {
        let partitions = inputs.first().map_or(1, compiler::partitions);
        let properties = properties(schema, partitions);
        Arc::new(Self {
            name,
            role,
            quiet: matches!(work, Work::Each(_)) || matches!(role, Role::Stateful(_)),
            inputs,
            work,
            properties,
            coded: None,
        })
    }

    /// Marks an operator that returns no rows when it gets none; one that works batch by batch needs no mark.
    pub fn quiet(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let Some(transform) = as_transform(&plan) else {
            return plan;
        };
        Arc::new(Self {
            quiet: true,
            ..transform.clone()
        })
    }

    /// Returns whether the operator returns no rows when it gets none; of a stateful one, provided that nothing leaves its
    /// state.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Adds to an operator how it is made anew so that it hands on columns of text with their codes, as [`super::codes`] asks.
    pub fn or_coded(
        plan: Arc<dyn ExecutionPlan>,
        coded: impl Fn(&BTreeSet<usize>) -> Option<Arc<dyn ExecutionPlan>> + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let Some(transform) = as_transform(&plan) else {
            return plan;
        };
        Arc::new(Self {
            coded: Some(Arc::new(coded)),
            ..transform.clone()
        })
    }

    /// Returns the operator with codes for columns of text; `None` if it cannot hand them on.
    pub fn with_codes(&self, columns: &BTreeSet<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        self.coded.as_ref().and_then(|coded| coded(columns))
    }

    /// Returns what the operator reads, if it is a leaf.
    pub fn as_leaf(&self) -> Option<Leaf> {
        match self.role {
            Role::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    /// Returns which stateful operator it is, if it is one.
    pub fn as_stateful(&self) -> Option<OperatorId> {
        match self.role {
            Role::Stateful(operator) => Some(operator),
            _ => None,
        }
    }
}

/// Returns DataFusion's properties of an operator that promises no order and no distribution.
fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
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
        let inputs = children;
        Ok(Arc::new(Self {
            inputs,
            ..Self::clone(&self)
        }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let inputs = TaskInputs::of(&context)?;
        let schema = self.schema();
        let rows = match (&self.work, self.inputs.as_slice()) {
            (Work::Leaf(work), _) => {
                let pace = inputs.pace.clone();
                let rows = work(PartitionId(partition), &inputs)?.inspect(move |batch| {
                    let rows = batch.as_ref().map_or(0, RecordBatch::num_rows);
                    inputs.rows_read.fetch_add(rows as u64, Relaxed);
                });
                paced(stream::iter(rows).boxed(), pace.as_ref())
            }
            (Work::Each(work), [input]) => {
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                let input = paced(input.boxed(), inputs.pace.as_ref());
                input
                    .map_ok(move |batch| stream::iter(spread(work(batch, &inputs))))
                    .try_flatten()
                    .boxed()
            }
            (Work::Held, [input]) => {
                let mut kept = Kept::of(&self.name, &context);
                let rows = input.execute(partition, context)?;
                rows.map(move |batch| {
                    let batch = batch?;
                    kept.add(&batch)?;
                    Ok(batch)
                })
                .boxed()
            }
            (Work::Whole(work), [input]) => {
                let mut kept = Kept::of(&self.name, &context);
                let (work, input) = (work.clone(), input.execute(partition, context)?);
                stream::once(async move {
                    let batches = kept.collect(input).await?;
                    Ok::<_, datafusion_common::DataFusionError>(stream::iter(spread(work(batches, &inputs))))
                })
                .try_flatten()
                .boxed()
            }
            (Work::Pair(work), [left, right]) => {
                let (work, mut kept) = (work.clone(), Kept::of(&self.name, &context));
                let left = left.execute(partition, context.clone())?;
                let right = right.execute(partition, context)?;
                stream::once(async move {
                    let left = kept.collect(left).await?;
                    let right = kept.collect(right).await?;
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

/// Returns batches with rows, or the error, as items of a stream.
fn spread(result: Result<Vec<RecordBatch>>) -> Vec<Result<RecordBatch>> {
    match result {
        Ok(batches) => batches.into_iter().filter(|b| b.num_rows() > 0).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

/// Returns the operator at the top of a plan, if it is one of ours.
pub fn as_transform(plan: &Arc<dyn ExecutionPlan>) -> Option<&Transform> {
    let any: &dyn Any = plan.as_ref();
    any.downcast_ref::<Transform>()
}
