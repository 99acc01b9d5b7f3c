//! Runs one task to its end: operators, then blocks for the next stage or rows for the driver.
//!
//! A task runs on one thread from its first row to its last, and may let go of it in between (`pace`); parallelism is between
//! tasks.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion_execution::TaskContext;
use datafusion_physical_plan::execution_plan::reset_plan_states;
use futures::TryStreamExt;

use super::compiler::Plan;
use super::inputs::TaskInputs;
use super::memory::{Kept, Runtime, explained};
use super::stage::{Output, Stage, Work};
use super::transform::as_transform;
use crate::error::{Exception, Result, SparkError};
use crate::ids::PartitionId;
use crate::plan::functions::partition;
use crate::values::{ipc, murmur3};

/// Most rows that one block of a result holds, so that a client reads it piece by piece.
const RESULT_ROWS: usize = 65_536;

/// Bytes of input up to which no memory is reserved for it.
const FREE_BYTES: usize = 1 << 20;

/// What a task made of its rows.
#[derive(Debug)]
pub struct TaskOutput {
    /// By partition of the output; empty partitions have no block. For a result stage: its pieces in order.
    pub blocks: Vec<Option<Vec<u8>>>,
    /// Rows of each block.
    pub rows: Vec<u64>,
}

/// Runs partition `partition` of a stage. `result` is the schema under which a result stage's rows leave.
///
/// All batches are collected before blocks are made: a task's output must fit in memory, as its blocks must.
///
/// # Errors
/// The operators': an error in the user's data or query, or a broken invariant. `RIVULET_EXECUTION_MEMORY` if they or the
/// output get no more memory. `INTERNAL_ERROR` if the stage is a program.
pub async fn run(
    stage: &Stage,
    partition: PartitionId,
    inputs: Arc<TaskInputs>,
    result: &SchemaRef,
) -> Result<TaskOutput> {
    let given = inputs.clone();
    let output = run_plan(stage, partition, given, result).await;
    output.map_err(|error| explained(error, inputs.rows_read.load(Relaxed)))
}

/// Runs a stage's operators over one partition.
async fn run_plan(
    stage: &Stage,
    partition: PartitionId,
    inputs: Arc<TaskInputs>,
    result: &SchemaRef,
) -> Result<TaskOutput> {
    let Work::Plan(plan) = &stage.work else {
        return Err(SparkError::internal("a program is run by its host"));
    };
    partition::enter(partition);
    let plan = fresh(plan)?;
    let schema = plan.schema();
    let context = task_context(inputs.clone())?;
    let mut given = Kept::of("input of a task", &context);
    let bytes = inputs.bytes();
    if bytes > FREE_BYTES {
        given.add_bytes(bytes)?;
    }
    let mut kept = Kept::of("output of a task", &context);
    let mut stream = plan.execute(partition.0, context)?;
    let mut output = match &stage.output {
        Output::Result => {
            let mut pieces = Pieces::of(result, inputs.max_result);
            while let Some(batch) = stream.try_next().await? {
                inputs.report().output_rows += batch.num_rows() as u64;
                pieces.add(&batch)?;
            }
            return pieces.finish();
        }
        Output::Program { .. } => return Err(SparkError::internal("an operator tree deals out rows as a program")),
        Output::Single => Scatter::over(1),
        Output::RoundRobin { partitions } | Output::Hash { partitions, .. } | Output::Same { partitions } => {
            Scatter::over(*partitions)
        }
    };
    // Round-robin starts at another partition in every task, as Spark's does.
    let mut next = partition.0 as u32;
    while let Some(batch) = stream.try_next().await? {
        inputs.report().output_rows += batch.num_rows() as u64;
        let to = match &stage.output {
            Output::Same { .. } => {
                output.add_to(batch, partition, &mut kept)?;
                continue;
            }
            _ if output.parts.len() == 1 => vec![],
            Output::Hash { keys, partitions } => {
                let columns = keys
                    .iter()
                    .map(|k| Ok(k.evaluate(&batch)?.into_array(batch.num_rows())?))
                    .collect::<Result<Vec<_>>>()?;
                murmur3::partitions(&columns, batch.num_rows(), *partitions)?
            }
            _ => {
                let (first, n) = (next, output.parts.len() as u32);
                next = (next + batch.num_rows() as u32) % n;
                (0..batch.num_rows() as u32).map(|i| (first + i) % n).collect()
            }
        };
        output.add(batch, &to, &mut kept)?;
    }
    output.finish(&schema)
}

/// Returns a plan in which nothing is left of other tasks: DataFusion's operators keep what they have done.
fn fresh(plan: &Plan) -> Result<Plan> {
    fn is_ours(plan: &Plan) -> bool {
        as_transform(plan).is_some() && plan.children().into_iter().all(is_ours)
    }
    if is_ours(plan) {
        return Ok(plan.clone());
    }
    Ok(reset_plan_states(plan.clone())?)
}

/// The result of a task as it grows: pieces of one stream of one batch each, as Spark's server sends them. A result without
/// rows is no piece.
struct Pieces {
    /// The result's columns, which may all be null.
    schema: SchemaRef,
    /// Rows of the piece that grows.
    piece: Vec<RecordBatch>,
    /// How many they are.
    rows: usize,
    /// The pieces before.
    output: TaskOutput,
    /// Their bytes.
    bytes: u64,
    /// How many bytes they may have.
    max_bytes: Option<u64>,
}

impl Pieces {
    /// Begins a result.
    fn of(schema: &SchemaRef, max_bytes: Option<u64>) -> Self {
        let fields = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true));
        Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            piece: vec![],
            rows: 0,
            output: TaskOutput {
                blocks: vec![],
                rows: vec![],
            },
            bytes: 0,
            max_bytes,
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `RIVULET_MAX_RESULT_SIZE` if they are too many.
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(c, f)| super::decode::conform(c, f.data_type()))
            .collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        self.piece.push(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?);
        self.rows += batch.num_rows();
        if self.rows >= RESULT_ROWS { self.flush() } else { Ok(()) }
    }

    /// Ends a piece.
    fn flush(&mut self) -> Result<()> {
        if self.rows > 0 {
            let block = ipc::write(&self.schema, &[concat_batches(&self.schema, &self.piece)?])?;
            self.bytes += block.len() as u64;
            check_result_size(1, self.bytes, self.max_bytes)?;
            self.output.blocks.push(Some(block));
            self.output.rows.push(self.rows as u64);
        }
        self.piece.clear();
        self.rows = 0;
        Ok(())
    }

    /// Ends the result.
    fn finish(mut self) -> Result<TaskOutput> {
        self.flush()?;
        Ok(self.output)
    }
}

/// Refuses a result that is larger than `spark.driver.maxResultSize` says, in Spark's words (`TaskSetManager`).
///
/// ```
/// use rivulet::exec::task::check_result_size;
///
/// assert!(check_result_size(1, 5 << 20, None).is_ok());
/// let error = check_result_size(3, 1_271_808, Some(1 << 20)).unwrap_err();
/// assert_eq!(
///     error.message,
///     "Total size of serialized results of 3 tasks (1242.0 KiB) is bigger than spark.driver.maxResultSize (1024.0 KiB)"
/// );
/// ```
///
/// # Errors
/// `RIVULET_MAX_RESULT_SIZE`.
pub fn check_result_size(tasks: usize, bytes: u64, max_bytes: Option<u64>) -> Result<()> {
    let Some(max_bytes) = max_bytes.filter(|max| bytes > *max) else {
        return Ok(());
    };
    let sentence = format!(
        "Total size of serialized results of {tasks} tasks ({}) is bigger than spark.driver.maxResultSize ({})",
        size_text(bytes),
        size_text(max_bytes)
    );
    Err(SparkError::new(
        Exception::Runtime,
        "RIVULET_MAX_RESULT_SIZE",
        "54000",
        sentence,
    ))
}

/// Returns a number of bytes as Spark writes it (`Utils.bytesToString`): in the largest unit of which there are two.
pub fn size_text(bytes: u64) -> String {
    let units = [
        (1u64 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    let fits = units.into_iter().find(|(unit, _)| bytes / 2 >= *unit);
    let (unit, name) = fits.unwrap_or((1, "B"));
    format!("{:.1} {name}", bytes as f64 / unit as f64)
}

/// Rows that are dealt out over partitions.
struct Scatter {
    /// The rows of each partition.
    parts: Vec<Vec<RecordBatch>>,
    /// How many they are.
    rows: Vec<u64>,
}

impl Scatter {
    /// Returns partitions without rows.
    fn over(partitions: usize) -> Self {
        Self {
            parts: vec![Vec::new(); partitions],
            rows: vec![0; partitions],
        }
    }

    /// Deals out the rows of a batch; `to` is the partition of each, which is not read if there is only one.
    ///
    /// # Errors
    /// If there is no memory to keep them.
    fn add(&mut self, batch: RecordBatch, to: &[u32], kept: &mut Kept) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.parts.len() == 1 {
            return self.add_to(batch, PartitionId(0), kept);
        }
        let mut picked: Vec<Vec<u32>> = vec![Vec::new(); self.parts.len()];
        for (row, to) in to.iter().enumerate() {
            picked[*to as usize].push(row as u32);
        }
        for (to, picked) in picked.into_iter().enumerate().filter(|(_, p)| !p.is_empty()) {
            self.rows[to] += picked.len() as u64;
            let part = take_record_batch(&batch, &UInt32Array::from(picked))?;
            kept.add_own(&part)?;
            self.parts[to].push(part);
        }
        Ok(())
    }

    /// Adds all rows of a batch to one partition.
    ///
    /// # Errors
    /// If memory cannot hold them, or the partition does not exist.
    fn add_to(&mut self, batch: RecordBatch, to: PartitionId, kept: &mut Kept) -> Result<()> {
        let (Some(rows), Some(part)) = (self.rows.get_mut(to.0), self.parts.get_mut(to.0)) else {
            return Err(SparkError::internal("rows are for a partition that does not exist"));
        };
        if batch.num_rows() > 0 {
            kept.add(&batch)?;
            *rows += batch.num_rows() as u64;
            part.push(batch);
        }
        Ok(())
    }

    /// Writes one block per partition that has rows.
    ///
    /// # Errors
    /// If they cannot be written as Arrow.
    fn finish(self, schema: &SchemaRef) -> Result<TaskOutput> {
        let write = |part: Vec<RecordBatch>| (!part.is_empty()).then(|| ipc::write(schema, part)).transpose();
        Ok(TaskOutput {
            blocks: self.parts.into_iter().map(write).collect::<Result<_>>()?,
            rows: self.rows,
        })
    }
}

/// The runtime of tasks outside of executors; to make one costs more than a small task.
static UNLIMITED: LazyLock<Result<Arc<Runtime>>> = LazyLock::new(|| Ok(Arc::new(Runtime::unlimited()?)));

/// Returns a context in which a task's plan runs, with the task's inputs in it.
///
/// # Errors
/// DataFusion's, if it cannot make a runtime for a task that has none.
pub fn task_context(inputs: Arc<TaskInputs>) -> Result<Arc<TaskContext>> {
    let runtime = match &inputs.runtime {
        Some(runtime) => runtime.clone(),
        None => UNLIMITED.clone()?,
    };
    let mut config = runtime.config.clone();
    config.set_extension(inputs);
    let id = String::new();
    Ok(Arc::new(TaskContext::new(
        None,
        id,
        config,
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        runtime.env.clone(),
    )))
}
