//! Execution memory: what the operators of an executor's tasks hold, within one bound, and where they put what exceeds it.
//!
//! DataFusion's operators ask a pool before they keep rows. A sort and an aggregation that get no more write sorted runs into the
//! executor's [`SpillRoom`] and merge them at the end; an operator that cannot spill fails its query, with an error that says who
//! holds how much. The names are Spark's (`UnifiedMemoryManager`: execution memory, beside storage memory). DataFusion's own spill
//! files need a runtime of tokio's; ours are read and written where the task runs.
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

#[cfg(test)]
mod tests;

/// Bytes that a spilling operator writes and reads at once.
const PIECE_BYTES: usize = 1 << 20;
/// Sets how much of the memory a sort keeps for merging what it has spilled: one eighth.
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
/// let _runtime = memory.within(1 << 30)?;
/// assert_eq!(memory.take_spilled_bytes(), 0);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug)]
pub struct ExecutionMemory {
    /// Where operators write what exceeds the bound.
    spills: Arc<Spills>,
    /// What the last task ran in.
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

    /// Returns the runtime of a task whose operators hold at most `bytes`; 0 sets no limit. Tasks run one after the other, so each
    /// may use all of it.
    ///
    /// # Errors
    /// As [`ExecutionMemory::new`].
    pub fn within(&self, bytes: u64) -> Result<Arc<Runtime>> {
        let mut runtime = self.locked();
        if runtime.limit != bytes {
            *runtime = Arc::new(Runtime::new(bytes, &self.spills)?);
        }
        Ok(runtime.clone())
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

/// DataFusion's pool that shares memory between operators that can spill, with our errors.
#[derive(Debug)]
struct Budget {
    /// The pool.
    pool: TrackConsumersPool<FairSpillPool>,
    /// Its size.
    limit: u64,
}

impl Budget {
    /// Returns a pool of which nothing is reserved.
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

/// A [`Spilled`] that its readers and writers share.
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
                "An operator needs more than {} allows, and cannot spill: there is no storage here.",
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

/// Returns the error of an operator whose rows fit neither into memory nor into storage.
fn full(error: io::Error) -> io::Error {
    let message = format!(
        "An operator needs more than {} allows, and could not spill: {error}.",
        EXECUTION_MEMORY.key
    );
    let error = SparkError::new(Exception::Runtime, EXECUTION_MEMORY_USED_UP, "53100", message);
    io::Error::other(error)
}

/// Reserves memory for the batches that an operator keeps. The first rows are not measured, so a micro-batch pays nothing.
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

    /// Counts `rows` more, and returns whether their memory is asked for.
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

/// Adds to the error of a task that ran out of memory how many rows it had read, and what helps.
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
