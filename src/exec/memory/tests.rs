//! Plans within little memory, with room to spill, with none and with a full one.

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

/// A room that counts the bytes that are in use, and may be full.
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

/// Rows `(key, text)` whose keys are `0..ROWS` in a mixed order.
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

/// Runs a plan, keeps its rows as an operator above would, and returns its keys in the order in which they come. (Rows that are let go
/// of leave their place to later ones, which then count as the same.)
fn keys(plan: &Plan, memory: &Arc<Runtime>) -> Result<Vec<i64>> {
    let mut inputs = TaskInputs::new(HashMap::new(), HashMap::new(), None, BTreeMap::new());
    inputs.runtime = Some(memory.clone());
    let stream = plan.execute(0, task_context(Arc::new(inputs))?)?;
    let batches: Vec<RecordBatch> = futures::executor::block_on(stream.try_collect())?;
    let keys = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
    Ok(keys.copied().collect())
}

/// Memory with a room, and what a task within a limit runs in.
fn bounded(limit: u64, room: Option<Arc<dyn SpillRoom>>) -> (ExecutionMemory, Arc<Runtime>) {
    let memory = ExecutionMemory::new(room).unwrap();
    let runtime = memory.within(limit).unwrap();
    (memory, runtime)
}

#[test]
fn a_sort_spills_what_exceeds_the_bound_and_gives_its_room_back() {
    let room = Arc::new(Counted::default());
    let (memory, small) = bounded(8 << 20, Some(room.clone()));
    assert_eq!(keys(&sorted(rows()), &small).unwrap(), (0..ROWS).collect::<Vec<_>>());
    let spilled = memory.take_spilled_bytes();
    // Keys take 8 bytes a row, texts 28 and an offset of 4.
    assert!(spilled > 10_000_000, "{spilled}");
    assert_eq!((memory.take_spilled_bytes(), room.taken.load(Relaxed)), (0, 0));
    let unlimited = memory.within(0).unwrap();
    assert_eq!(keys(&sorted(rows()), &unlimited).unwrap().len() as i64, ROWS);
    assert_eq!(memory.take_spilled_bytes(), 0, "without a limit nothing is spilled");
}

#[test]
fn an_aggregation_spills_its_groups_and_counts_each_once() {
    let (memory, small) = bounded(8 << 20, Some(Arc::new(Counted::default())));
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
    let mut found = keys(&(Arc::new(plan) as Plan), &small).unwrap();
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
    let (_memory, small) = bounded(8 << 20, Some(Arc::new(Counted::default())));
    let error = keys(&joined(), &small).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_EXECUTION_MEMORY"), "{error}");
    let says = "and spark.rivulet.executor.executionMemory allows 8.0 MiB (hash join holds ";
    assert!(error.message.starts_with("The hash join needs "), "{error}");
    assert!(error.message.contains(says), "{error}");
    assert_eq!(
        keys(&sorted(rows()), &small).unwrap().len() as i64,
        ROWS,
        "the next task has all of it"
    );
}

#[test]
fn rows_that_an_operator_keeps_without_asking_are_counted_and_let_go_of() {
    let (_memory, runtime) = bounded(32 << 20, Some(Arc::new(Counted::default())));
    let held = |plan| Transform::held("window", plan);
    for _ in 0..3 {
        assert_eq!(keys(&held(rows()), &runtime).unwrap().len() as i64, ROWS, "16 MB fit");
    }
    let error = keys(&held(held(rows())), &bounded(20 << 20, None).1).unwrap_err();
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
        let (memory, small) = bounded(8 << 20, room);
        let error = keys(&sorted(rows()), &small).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_EXECUTION_MEMORY"), "{error}");
        assert!(error.message.contains(says), "{error}");
        let unlimited = memory.within(0).unwrap();
        assert_eq!(keys(&sorted(rows()), &unlimited).unwrap().len() as i64, ROWS);
    }
}

/// A pool that refuses the n-th large request, as a system does that runs out of memory.
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
            let (memory, unlimited) = bounded(0, Some(Arc::new(Counted::default())));
            let pool = Refuses {
                left: AtomicU64::new(nth),
                refused: refused.clone(),
            };
            let files = DiskManagerBuilder::default().with_temp_file_factory(Arc::new(Factory(memory.spills.clone())));
            let env = RuntimeEnvBuilder::new()
                .with_memory_pool(Arc::new(pool))
                .with_disk_manager_builder(files)
                .build_arc()
                .unwrap();
            let config = unlimited.config.clone();
            let runtime = Arc::new(Runtime { limit: 1, config, env });
            let plan = datafusion_physical_plan::execution_plan::reset_plan_states(plan.clone()).unwrap();
            match keys(&plan, &runtime) {
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
