//! Execution memory: what the operators of an executor's tasks hold, within one bound, and where they put what exceeds it.
//!
//! DataFusion's operators ask a pool before they keep rows. A sort and an aggregation that get no more write sorted runs into the
//! executor's [`SpillRoom`] and merge them at the end; what cannot do that fails its query, and says who holds how much. The names
//! are Spark's (`UnifiedMemoryManager`: execution memory, beside storage memory).
//!
//! ```text
//!  operator ──try_grow──▶ Budget ── granted: rows stay in memory
//!                           └─ refused ──▶ can spill: sorted runs ──▶ SpillRoom (a file) ──▶ merged when all rows are there
//!                                      └─▶ cannot: RIVULET_EXECUTION_MEMORY ends the query, and nothing else
//! ```

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use bytes::Bytes;
use datafusion_common::utils::memory::RecordBatchMemoryCounter;
use datafusion_common::{DataFusionError, resources_datafusion_err};
use datafusion_execution::config::SessionConfig;
use datafusion_execution::disk_manager::DiskManagerBuilder;
use datafusion_execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, TrackConsumersPool, UnboundedMemoryPool,
};
use datafusion_execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion_execution::spill_file::{SpillFile, SpillWriter, TempFileFactory};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::task::size_text;
use crate::error::{EXECUTION_MEMORY_USED_UP, Exception, Result, SparkError};
use crate::settings::EXECUTION_MEMORY;
use crate::storage::spill::SpillRoom;

/// Bytes that a spilling operator writes and reads at once.
const PIECE_BYTES: usize = 1 << 20;
/// A sort keeps one of so many parts of all memory for merging what it has spilled.
const MERGE_SHARE: u64 = 8;
/// Rows that an operator keeps before it asks for memory.
const FREE_ROWS: usize = 16_384;
/// How many of the largest holders an error names.
const NAMED: usize = 3;

/// The memory of one executor's operators.
///
/// ```
/// use rivulet::exec::memory::ExecutionMemory;
///
/// let memory = ExecutionMemory::new(None)?;
/// memory.set_limit(1 << 30)?;
/// assert_eq!(memory.take_spilled_bytes(), 0);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct ExecutionMemory {
    /// Where what exceeds the bound goes.
    spills: Arc<Spills>,
    /// What tasks run in that begin now.
    runtime: Mutex<Arc<Runtime>>,
}

/// What DataFusion's operators run in: options and memory.
#[derive(Debug)]
pub struct Runtime {
    /// How many bytes they hold at most; 0 sets no limit.
    limit: u64,
    /// Their options.
    pub config: SessionConfig,
    /// Their memory, and their files.
    pub env: Arc<RuntimeEnv>,
}

impl Runtime {
    /// Returns a runtime whose operators hold at most `limit` bytes and then spill; 0 sets no limit.
    fn new(limit: u64, spills: &Arc<Spills>) -> Result<Self> {
        let mut config = SessionConfig::new().with_target_partitions(1).with_batch_size(8192);
        let options = &mut config.options_mut().execution;
        // A place of an array takes 4 bytes, a key in a hash table some 20, and it is hashed: an array pays though most of it
        // is empty.
        options.perfect_hash_join_min_key_density = 0.05;
        let pool: Arc<dyn MemoryPool> = if limit == 0 {
            Arc::new(UnboundedMemoryPool::default())
        } else {
            let share = usize::try_from(limit / MERGE_SHARE).unwrap_or(usize::MAX);
            options.sort_spill_reservation_bytes = options.sort_spill_reservation_bytes.min(share);
            Arc::new(Budget::new(limit))
        };
        let files = DiskManagerBuilder::default().with_temp_file_factory(Arc::new(Factory(spills.clone())));
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(pool)
            .with_disk_manager_builder(files)
            .build_arc()?;
        Ok(Self { limit, config, env })
    }

    /// Returns one without a limit, for plans that run outside of an executor.
    ///
    /// # Errors
    /// DataFusion's, if it cannot make one.
    pub fn unlimited() -> Result<Self> {
        Self::new(0, &Arc::new(Spills::new(None)))
    }
}

impl ExecutionMemory {
    /// Returns memory without a bound. With a room, operators spill into it once a bound is set.
    ///
    /// # Errors
    /// DataFusion's, if it cannot make a runtime.
    pub fn new(room: Option<Arc<dyn SpillRoom>>) -> Result<Self> {
        let spills = Arc::new(Spills::new(room));
        let runtime = Runtime::new(0, &spills)?;
        Ok(Self {
            spills,
            runtime: Mutex::new(Arc::new(runtime)),
        })
    }

    /// Sets the bound for tasks that begin from now on, bytes; 0 sets no limit.
    ///
    /// # Errors
    /// As [`ExecutionMemory::new`].
    pub fn set_limit(&self, bytes: u64) -> Result<()> {
        let mut runtime = self.locked();
        if runtime.limit != bytes {
            *runtime = Arc::new(Runtime::new(bytes, &self.spills)?);
        }
        Ok(())
    }

    /// Returns what a task runs in that begins now.
    pub fn runtime(&self) -> Arc<Runtime> {
        self.locked().clone()
    }

    /// Returns how many bytes were spilled since it was last asked.
    pub fn take_spilled_bytes(&self) -> u64 {
        self.spills.bytes.swap(0, Relaxed)
    }

    /// Returns the runtime, locked.
    fn locked(&self) -> MutexGuard<'_, Arc<Runtime>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// DataFusion's pool that shares memory between those that can spill, with errors of ours.
#[derive(Debug)]
struct Budget {
    /// The pool.
    pool: TrackConsumersPool<FairSpillPool>,
    /// Its size.
    limit: u64,
}

impl Budget {
    /// Returns a pool that nobody has taken of.
    fn new(limit: u64) -> Self {
        let fair = FairSpillPool::new(usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            pool: TrackConsumersPool::new(fair, NonZeroUsize::MIN.saturating_add(NAMED - 1)),
            limit,
        }
    }

    /// Says who wanted how much and who holds how much.
    fn refusal(&self, reservation: &MemoryReservation, more: usize) -> DataFusionError {
        let mut held = self.pool.metrics();
        held.retain(|m| m.reserved > 0);
        held.sort_by_key(|m| std::cmp::Reverse(m.reserved));
        let shown: Vec<String> = held
            .iter()
            .take(NAMED)
            .map(|m| format!("{} holds {}", operator(&m.name), size_text(m.reserved as u64)))
            .collect();
        let shown = if shown.is_empty() {
            String::new()
        } else {
            format!(" ({})", shown.join(", "))
        };
        resources_datafusion_err!(
            "The {} needs {} more, and {} allows {}{shown}.",
            operator(reservation.consumer().name()),
            size_text(more as u64),
            EXECUTION_MEMORY.key,
            size_text(self.limit)
        )
    }
}

/// Returns what an operator is called in errors, from the name under which DataFusion's asks for memory.
fn operator(consumer: &str) -> &str {
    let names = [
        ("ExternalSorter", "sort"),
        ("SortPreservingMerge", "sort"),
        ("TopK", "sort with limit"),
        ("PartitionedTopK", "rank with limit"),
        ("HashJoin", "hash join"),
        ("NestedLoopJoin", "nested loop join"),
        ("CrossJoin", "cross join"),
        ("RecursiveQuery", "recursive query"),
    ];
    let base = consumer.split('[').next().unwrap_or(consumer);
    let known = names.iter().find(|(start, _)| base.starts_with(start));
    match known {
        Some((_, name)) => name,
        None if base.contains("Aggregate") => "aggregation",
        None => base,
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pool)
    }
}

impl MemoryPool for Budget {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> datafusion_common::Result<()> {
        let granted = self.pool.try_grow(reservation, additional);
        granted.map_err(|_| self.refusal(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

/// The room of an executor, and how much went into it.
#[derive(Debug)]
struct Spills {
    /// The room; `None` if there is none outside of memory.
    room: Option<Arc<dyn SpillRoom>>,
    /// Bytes written since they were last asked for.
    bytes: AtomicU64,
}

impl Spills {
    /// Returns the room, into which nothing has gone.
    fn new(room: Option<Arc<dyn SpillRoom>>) -> Self {
        let bytes = AtomicU64::new(0);
        Self { room, bytes }
    }
}

/// One file of an operator's: pieces of the room, given back when the operator is done with it.
struct Spilled {
    /// The room.
    room: Arc<dyn SpillRoom>,
    /// Counts what goes into it.
    spills: Arc<Spills>,
    /// (start, length) of its pieces.
    pieces: Mutex<Vec<(u64, usize)>>,
}

/// A [`Spilled`] that everyone shares who reads or writes it.
struct Shared(Arc<Spilled>);

impl Spilled {
    /// Returns its pieces, locked.
    fn pieces(&self) -> MutexGuard<'_, Vec<(u64, usize)>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        for (at, bytes) in self.pieces().drain(..) {
            self.room.give(at, bytes);
        }
    }
}

/// Makes files in the room.
struct Factory(Arc<Spills>);

impl TempFileFactory for Factory {
    fn create_temp_file(&self, _: &str) -> datafusion_common::Result<Arc<dyn SpillFile>> {
        let Some(room) = &self.0.room else {
            return Err(resources_datafusion_err!(
                "An operator needs more than {} allows, and there is no storage here into which it could spill.",
                EXECUTION_MEMORY.key
            ));
        };
        Ok(Arc::new(Shared(Arc::new(Spilled {
            room: room.clone(),
            spills: self.0.clone(),
            pieces: Mutex::default(),
        }))))
    }
}

impl SpillFile for Shared {
    fn size(&self) -> Option<u64> {
        Some(self.0.pieces().iter().map(|(_, bytes)| *bytes as u64).sum())
    }

    fn read_stream(
        &self,
    ) -> datafusion_common::Result<Pin<Box<dyn Stream<Item = datafusion_common::Result<Bytes>> + Send>>> {
        let (file, pieces) = (self.0.clone(), self.0.pieces().clone());
        let read = pieces.into_iter().map(move |(at, bytes)| {
            let piece = file.room.read(at, bytes);
            piece.map(Bytes::from).map_err(DataFusionError::from)
        });
        Ok(stream::iter(read).boxed())
    }

    fn open_writer(&self) -> datafusion_common::Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer {
            file: self.0.clone(),
            buffer: Vec::new(),
        }))
    }
}

/// Gathers what an operator writes into pieces.
struct Writer {
    /// Where they go.
    file: Arc<Spilled>,
    /// The piece that grows.
    buffer: Vec<u8>,
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let at = self.file.room.write(&self.buffer).map_err(full)?;
        self.file.spills.bytes.fetch_add(self.buffer.len() as u64, Relaxed);
        self.file.pieces().push((at, self.buffer.len()));
        self.buffer.clear();
        Ok(())
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> datafusion_common::Result<()> {
        Ok(io::Write::flush(self)?)
    }
}

/// Returns the error of an operator for whose rows there is no room in storage either.
fn full(error: io::Error) -> io::Error {
    let message = format!(
        "An operator needs more than {} allows, and could not spill: {error}.",
        EXECUTION_MEMORY.key
    );
    let error = SparkError::new(Exception::Runtime, EXECUTION_MEMORY_USED_UP, "53100", message);
    io::Error::other(error)
}

/// Holds the memory of batches that an operator keeps. The first rows do not count: a micro-batch pays nothing for the bound.
pub struct Kept {
    /// What errors call the operator.
    operator: String,
    /// Where memory is asked for.
    pool: Arc<dyn MemoryPool>,
    /// What is reserved; `None` until something counts.
    reservation: Option<MemoryReservation>,
    /// What has been counted.
    counter: RecordBatchMemoryCounter,
    /// Rows that are kept.
    rows: usize,
}

impl Kept {
    /// Begins with nothing kept; `operator` is what errors call it.
    pub fn of(operator: impl Into<String>, context: &TaskContext) -> Self {
        Self {
            operator: operator.into(),
            pool: context.memory_pool().clone(),
            reservation: None,
            counter: RecordBatchMemoryCounter::new(),
            rows: 0,
        }
    }

    /// Returns whether so many rows more count.
    fn counts(&mut self, rows: usize) -> bool {
        self.rows += rows;
        self.rows > FREE_ROWS
    }

    /// Adds a batch; memory that it shares with those before counts once.
    ///
    /// # Errors
    /// If the executor has no more.
    pub fn add(&mut self, batch: &RecordBatch) -> datafusion_common::Result<()> {
        if !self.counts(batch.num_rows()) {
            return Ok(());
        }
        let bytes = self.counter.count_batch(batch);
        self.add_bytes(bytes)
    }

    /// Adds a batch that shares no memory with others.
    ///
    /// # Errors
    /// As [`Kept::add`].
    pub fn add_own(&mut self, batch: &RecordBatch) -> datafusion_common::Result<()> {
        if !self.counts(batch.num_rows()) {
            return Ok(());
        }
        self.add_bytes(batch.get_array_memory_size())
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// As [`Kept::add`].
    pub fn add_bytes(&mut self, bytes: usize) -> datafusion_common::Result<()> {
        let (operator, pool) = (&self.operator, &self.pool);
        let reservation = self
            .reservation
            .get_or_insert_with(|| MemoryConsumer::new(operator).register(pool));
        reservation.try_grow(bytes)
    }

    /// Collects a stream; the memory is held as long as this is.
    ///
    /// # Errors
    /// The stream's, and as [`Kept::add`].
    pub async fn collect(
        &mut self,
        mut rows: SendableRecordBatchStream,
    ) -> datafusion_common::Result<Vec<RecordBatch>> {
        let mut batches = vec![];
        while let Some(batch) = rows.try_next().await? {
            self.add(&batch)?;
            batches.push(batch);
        }
        Ok(batches)
    }
}

/// Completes the error of a task whose operators got too little memory by what is known of the task.
pub fn explained(error: SparkError, rows: u64) -> SparkError {
    if error.condition.as_deref() != Some(EXECUTION_MEMORY_USED_UP) {
        return error;
    }
    let message = format!(
        "{} The task had read {rows} rows. More partitions (spark.sql.shuffle.partitions) make a task's share smaller.",
        error.message
    );
    SparkError { message, ..error }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::compute::SortOptions;
    use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
    use datafusion_functions_aggregate::count::count_udaf;
    use datafusion_physical_expr::aggregate::AggregateExprBuilder;
    use datafusion_physical_expr::expressions::{col, lit};
    use datafusion_physical_expr::{LexOrdering, PhysicalSortExpr};
    use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
    use datafusion_physical_plan::joins::{HashJoinExec, PartitionMode};
    use datafusion_physical_plan::sorts::sort::SortExec;

    use super::*;
    use crate::exec::compiler::Plan;
    use crate::exec::inputs::TaskInputs;
    use crate::exec::task::task_context;
    use crate::exec::transform::{Leaf, Transform};
    use crate::storage::spill::SpillFile;

    const ROWS: i64 = 400_000;
    const BATCH: i64 = 8_192;

    /// A room that counts what is taken of it, and may be full.
    #[derive(Debug, Default)]
    struct Counted {
        file: SpillFile,
        taken: AtomicU64,
        full: bool,
    }

    impl SpillRoom for Counted {
        fn write(&self, bytes: &[u8]) -> io::Result<u64> {
            if self.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.fetch_add(bytes.len() as u64, Relaxed);
            self.file.write(bytes)
        }

        fn read(&self, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
            self.file.read(at, bytes)
        }

        fn give(&self, at: u64, bytes: usize) {
            self.taken.fetch_sub(bytes as u64, Relaxed);
            self.file.give(at, bytes);
        }
    }

    /// Rows `(key, text)` whose keys are `0..ROWS` in an order that is no order.
    fn rows() -> Plan {
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("key", DataType::Int64, false),
            Field::new("text", DataType::Utf8, false),
        ]));
        let made = schema.clone();
        Transform::lazy_leaf(Leaf::Constant, schema, 1, move |_, _| {
            let schema = made.clone();
            Ok(Box::new((0..ROWS).step_by(BATCH as usize).map(move |first| {
                let keys = (first..ROWS.min(first + BATCH)).map(|n| n * 7_919 % ROWS);
                let keys = Int64Array::from_iter_values(keys);
                let texts = StringArray::from_iter_values(keys.values().iter().map(|k| format!("text of {k:020}")));
                Ok(RecordBatch::try_new(
                    schema.clone(),
                    vec![Arc::new(keys), Arc::new(texts)],
                )?)
            })))
        })
    }

    fn sorted(rows: Plan) -> Plan {
        let key = PhysicalSortExpr::new(col("key", &rows.schema()).unwrap(), SortOptions::default());
        Arc::new(SortExec::new(LexOrdering::new([key]).unwrap(), rows))
    }

    /// Runs a plan, and hands on its keys in the order in which they come: nothing else keeps rows meanwhile.
    fn keys(plan: &Plan, memory: &ExecutionMemory) -> Result<Vec<i64>> {
        let mut inputs = TaskInputs::new(HashMap::new(), HashMap::new(), None, BTreeMap::new());
        inputs.runtime = Some(memory.runtime());
        let stream = plan.execute(0, task_context(Arc::new(inputs))?)?;
        let keys = stream.map_ok(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
        let keys: Vec<Vec<i64>> = futures::executor::block_on(keys.try_collect())?;
        Ok(keys.concat())
    }

    fn bounded(limit: u64, room: Option<Arc<dyn SpillRoom>>) -> ExecutionMemory {
        let memory = ExecutionMemory::new(room).unwrap();
        memory.set_limit(limit).unwrap();
        memory
    }

    #[test]
    fn a_sort_spills_what_exceeds_the_bound_and_gives_its_room_back() {
        let room = Arc::new(Counted::default());
        let memory = bounded(8 << 20, Some(room.clone()));
        assert_eq!(keys(&sorted(rows()), &memory).unwrap(), (0..ROWS).collect::<Vec<_>>());
        let spilled = memory.take_spilled_bytes();
        // Keys take 8 bytes a row, texts 28 and an offset of 4.
        assert!(spilled > 10_000_000, "{spilled}");
        assert_eq!((memory.take_spilled_bytes(), room.taken.load(Relaxed)), (0, 0));
        memory.set_limit(0).unwrap();
        assert_eq!(keys(&sorted(rows()), &memory).unwrap().len() as i64, ROWS);
        assert_eq!(memory.take_spilled_bytes(), 0, "without a limit nothing is spilled");
    }

    #[test]
    fn an_aggregation_spills_its_groups_and_counts_each_once() {
        let memory = bounded(8 << 20, Some(Arc::new(Counted::default())));
        let rows = rows();
        let schema = rows.schema();
        let groups = ["key", "text"].map(|name| (col(name, &schema).unwrap(), name.to_owned()));
        let count = AggregateExprBuilder::new(count_udaf(), vec![lit(1_i64)])
            .schema(schema.clone())
            .alias("count")
            .build()
            .unwrap();
        let groups = PhysicalGroupBy::new_single(groups.into());
        let mode = AggregateMode::Single;
        let plan = AggregateExec::try_new(mode, groups, vec![Arc::new(count)], vec![None], rows, schema).unwrap();
        let mut found = keys(&(Arc::new(plan) as Plan), &memory).unwrap();
        found.sort_unstable();
        assert_eq!(found, (0..ROWS).collect::<Vec<_>>());
        assert!(memory.take_spilled_bytes() > 10_000_000);
    }

    /// Joins the rows with themselves.
    fn joined() -> Plan {
        let on = vec![(
            col("key", &rows().schema()).unwrap(),
            col("key", &rows().schema()).unwrap(),
        )];
        let join = HashJoinExec::try_new(
            rows(),
            rows(),
            on,
            None,
            &datafusion_expr::JoinType::Inner,
            None,
            PartitionMode::CollectLeft,
            datafusion_common::NullEquality::NullEqualsNothing,
            false,
        );
        Arc::new(join.unwrap())
    }

    #[test]
    fn what_cannot_spill_is_refused_by_name() {
        let memory = bounded(8 << 20, Some(Arc::new(Counted::default())));
        let error = keys(&joined(), &memory).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_EXECUTION_MEMORY"), "{error}");
        let says = "and spark.rivulet.executor.executionMemory allows 8.0 MiB (hash join holds ";
        assert!(error.message.starts_with("The hash join needs "), "{error}");
        assert!(error.message.contains(says), "{error}");
        assert_eq!(
            keys(&sorted(rows()), &memory).unwrap().len() as i64,
            ROWS,
            "the next task has all of it"
        );
    }

    #[test]
    fn rows_that_an_operator_keeps_without_asking_are_counted_and_let_go_of() {
        let memory = bounded(32 << 20, Some(Arc::new(Counted::default())));
        let held = |plan| Transform::held("window", plan);
        for _ in 0..3 {
            assert_eq!(keys(&held(rows()), &memory).unwrap().len() as i64, ROWS, "16 MB fit");
        }
        let error = keys(&held(held(rows())), &bounded(20 << 20, None)).unwrap_err();
        assert!(error.message.starts_with("The window needs "), "{error}");
        let sorted = held(sorted(rows()));
        assert!(
            sorted.properties().output_ordering().is_some(),
            "the order is known above"
        );
    }

    #[test]
    fn a_full_disk_and_none_end_the_task_and_no_more() {
        for (room, says) in [
            (
                Some(Arc::new(Counted {
                    full: true,
                    ..Counted::default()
                }) as Arc<dyn SpillRoom>),
                "no storage space",
            ),
            (None, "there is no storage here"),
        ] {
            let memory = bounded(8 << 20, room);
            let error = keys(&sorted(rows()), &memory).unwrap_err();
            assert_eq!(error.condition.as_deref(), Some("RIVULET_EXECUTION_MEMORY"), "{error}");
            assert!(error.message.contains(says), "{error}");
            memory.set_limit(0).unwrap();
            assert_eq!(keys(&sorted(rows()), &memory).unwrap().len() as i64, ROWS);
        }
    }

    /// A pool that refuses what is asked for the n-th time over some size, as a system does that has no more memory.
    #[derive(Debug)]
    struct Refuses {
        left: AtomicU64,
        refused: Arc<AtomicU64>,
    }

    impl fmt::Display for Refuses {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.name())
        }
    }

    impl MemoryPool for Refuses {
        fn name(&self) -> &'static str {
            "refuses"
        }

        fn grow(&self, _: &MemoryReservation, _: usize) {}

        fn shrink(&self, _: &MemoryReservation, _: usize) {}

        fn try_grow(&self, _: &MemoryReservation, additional: usize) -> datafusion_common::Result<()> {
            if additional > 100_000 && self.left.fetch_sub(1, Relaxed) == 0 {
                self.refused.fetch_add(1, Relaxed);
                return Err(resources_datafusion_err!("refused"));
            }
            Ok(())
        }

        fn reserved(&self) -> usize {
            0
        }
    }

    #[test]
    fn whichever_request_for_memory_is_refused_rows_are_right_or_the_task_fails() {
        let (mut failed, mut spilled) = (0, 0);
        for plan in [sorted(rows()), joined()] {
            for nth in 0.. {
                let refused = Arc::new(AtomicU64::new(0));
                let memory = bounded(0, Some(Arc::new(Counted::default())));
                let pool = Refuses {
                    left: AtomicU64::new(nth),
                    refused: refused.clone(),
                };
                let files =
                    DiskManagerBuilder::default().with_temp_file_factory(Arc::new(Factory(memory.spills.clone())));
                let env = RuntimeEnvBuilder::new()
                    .with_memory_pool(Arc::new(pool))
                    .with_disk_manager_builder(files)
                    .build_arc()
                    .unwrap();
                let config = memory.runtime().config.clone();
                *memory.locked() = Arc::new(Runtime { limit: 1, config, env });
                let plan = datafusion_physical_plan::execution_plan::reset_plan_states(plan.clone()).unwrap();
                match keys(&plan, &memory) {
                    Ok(mut found) => {
                        found.sort_unstable();
                        assert_eq!(found, (0..ROWS).collect::<Vec<_>>(), "request {nth}");
                        spilled += u64::from(memory.take_spilled_bytes() > 0);
                    }
                    Err(error) => {
                        assert_eq!(error.condition.as_deref(), Some("RIVULET_EXECUTION_MEMORY"), "{error}");
                        failed += 1;
                    }
                }
                if refused.load(Relaxed) == 0 {
                    break;
                }
            }
        }
        assert!(failed > 10 && spilled > 10, "{failed} failed, {spilled} spilled");
    }
}
