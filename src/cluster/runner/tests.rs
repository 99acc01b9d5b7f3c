use prost::Message;

use super::*;
use crate::proto as sc;

fn range() -> JobSpec {
    let range = sc::Range {
        end: 4,
        step: 1,
        num_partitions: Some(2),
        ..Default::default()
    };
    let relation = sc::Relation {
        common: None,
        rel_type: Some(sc::relation::RelType::Range(range)),
    };
    JobSpec {
        relation: relation.encode_to_vec(),
        conf: Default::default(),
        views: BTreeMap::new(),
        now_us: 0,
        mode: None,
        files: BTreeMap::new(),
        models: BTreeMap::new(),
        tables: BTreeMap::new(),
    }
}

#[test]
fn a_message_that_cannot_be_read_fails_what_runs_and_nothing_that_comes_later() {
    let mut runner = JobRunner::default();
    let executor = ExecutorRef::new(0);
    runner.executor_added(executor, 1, 0);
    let spec = range();
    let graph = Arc::new(spec.compile().unwrap());
    let (plan, _) = runner.register(spec, graph);
    let (job, _) = runner.submit(plan, JobRequest::default(), 0);
    let error = SparkError::internal("it is of another version");
    let effects = runner.message(executor, FromExecutor::Unreadable { error: error.clone() }, vec![], 1);
    let failed = |e: &Effect| matches!(e, Effect::Failed { job: j, error: e } if *j == job && *e == error);
    assert!(effects.iter().any(failed), "{effects:?}");
    let (_, effects) = runner.submit(plan, JobRequest::default(), 2);
    let launched = |e: &Effect| {
        matches!(
            e,
            Effect::Send {
                message: ToExecutor::Run(_),
                ..
            }
        )
    };
    assert!(effects.iter().any(launched), "{effects:?}");
}

#[test]
fn the_driver_holds_deltas_until_they_are_longer_than_a_snapshot_would_be() {
    let home = |lengths: &[usize]| Home {
        executor: None,
        version: BatchId(0),
        deltas: lengths.iter().map(|length| Buffer::from(vec![0; *length])).collect(),
        chain: lengths.len(),
        stats: StateStats::unknown(),
    };
    let due = |lengths: &[usize]| launch::snapshot_is_due(Some(&home(lengths)), StateKeeping::default());
    assert!(!due(&[10; 14]), "they are few");
    assert!(due(&[10; 15]));
    let mut after_a_snapshot = vec![1000];
    after_a_snapshot.extend([10; 199]);
    assert!(!due(&after_a_snapshot), "they are 1,990 bytes beside 1,000");
    after_a_snapshot.push(10);
    assert!(due(&after_a_snapshot));
    let mut long = vec![1_000_000];
    long.extend([10; 255]);
    assert!(!due(&long));
    long.push(10);
    assert!(due(&long), "no more than 256 are held");
    let durable = StateKeeping {
        durable: true,
        deltas_per_snapshot: 10,
    };
    let written = |chain| Home { chain, ..home(&[]) };
    assert!(!launch::snapshot_is_due(Some(&written(8)), durable));
    assert!(launch::snapshot_is_due(Some(&written(9)), durable));
}

/// A runner with one executor that runs the first task of a job.
fn busy() -> (JobRunner, ExecutorRef, JobId) {
    busy_within(Limits::default())
}

fn busy_within(limits: Limits) -> (JobRunner, ExecutorRef, JobId) {
    let mut runner = JobRunner::default();
    let executor = ExecutorRef::new(0);
    runner.executor_added(executor, 1, 0);
    let spec = range();
    let graph = Arc::new(spec.compile().unwrap());
    let (plan, _) = runner.register(spec, graph);
    let request = JobRequest {
        limits,
        ..JobRequest::default()
    };
    let (job, _) = runner.submit(plan, request, 0);
    assert_eq!(runner.busy_with(job).executors, [executor]);
    (runner, executor, job)
}

#[test]
fn a_task_that_ends_two_executors_fails_with_what_they_died_of() {
    let cause = || Some(SparkError::panic("index out of bounds"));
    let failed = |effects: &[Effect]| {
        let errors = effects.iter().filter_map(|e| match e {
            Effect::Failed { error, .. } => error.condition.clone(),
            _ => None,
        });
        errors.collect::<Vec<_>>()
    };
    let (mut runner, first, _) = busy();
    assert!(failed(&runner.executor_lost(first, cause(), 1)).is_empty());
    runner.executor_added(first.next(), 1, 2);
    let effects = runner.executor_lost(first.next(), cause(), 3);
    assert_eq!(failed(&effects), ["RIVULET_PANIC"]);
    // Deaths without a cause say nothing of the task.
    let (mut runner, first, _) = busy();
    assert!(failed(&runner.executor_lost(first, None, 1)).is_empty());
    runner.executor_added(first.next(), 1, 2);
    assert!(failed(&runner.executor_lost(first.next(), cause(), 3)).is_empty());
}

#[test]
fn an_executor_that_does_not_drop_a_cancelled_job_in_time_is_replaced() {
    let (mut runner, executor, job) = busy();
    let asked = runner.cancel(job, 1_000);
    let answer = |e: &Effect| {
        matches!(
            e,
            Effect::Send {
                message: ToExecutor::DropJob { answer: true, .. },
                ..
            }
        )
    };
    assert!(asked.iter().any(answer), "{asked:?}");
    assert_eq!(runner.wake_at(1_000), Some(1_200));
    assert!(runner.wake(1_199).is_empty());
    // What it says may be on its way when the driver wakes late.
    assert!(runner.wake(1_900).is_empty());
    assert_eq!(runner.wake_at(1_900), Some(1_950));
    let effects = runner.wake(1_950);
    assert!(
        matches!(effects[..], [Effect::Replace { executor: e, .. }] if e == executor),
        "{effects:?}"
    );
    assert_eq!(runner.wake_at(1_950), None);
}

#[test]
fn an_executor_that_drops_a_cancelled_job_stays() {
    let (mut runner, executor, job) = busy();
    runner.cancel(job, 0);
    runner.message(executor, FromExecutor::Dropped { job }, vec![], 50);
    assert_eq!(runner.wake_at(50), None);
    assert!(runner.wake(1_000).is_empty());
}

#[test]
fn what_runs_longer_than_it_may_fails_and_leaves_its_executor() {
    let limited = |job_ms, task_ms| Limits {
        job_ms,
        task_ms,
        ..Limits::default()
    };
    for (limits, what) in [
        (limited(Some(1_000), Some(5_000)), "spark.rivulet.statement.timeout"),
        (limited(Some(5_000), Some(1_000)), "spark.rivulet.task.timeout"),
    ] {
        let (mut runner, executor, job) = busy_within(limits);
        assert_eq!(runner.wake_at(0), Some(1_000));
        assert!(runner.wake(999).is_empty());
        let effects = runner.wake(1_000);
        let failed =
            |e: &Effect| matches!(e, Effect::Failed { job: j, error } if *j == job && error.message.contains(what));
        assert!(effects.iter().any(failed), "{effects:?}");
        assert_eq!(runner.wake_at(1_000), Some(1_200), "{executor:?} is asked to drop it");
    }
}

#[test]
fn state_that_was_read_for_a_try_that_is_over_is_not_taken_for_a_later_batch() {
    let (mut runner, executor, job) = busy();
    let run = runner.new_run(StateKeeping {
        durable: true,
        ..StateKeeping::default()
    });
    let piece = launch::state_id(run, OperatorId(0), PartitionId(0));
    runner.restore_state(piece, BatchId(2), 1);
    let task = TaskId {
        job,
        stage: crate::ids::StageId(0),
        partition: PartitionId(0),
        attempt: 0,
    };
    runner.parked.push(Parked {
        executor,
        task,
        fetches: vec![],
        missing: [piece].into(),
    });
    // As of the batch before: what batch 2 has changed is not in it.
    assert!(runner.state_loaded((piece, BatchId(1)), Ok(vec![]), 1).is_empty());
    assert_eq!(runner.parked.len(), 1, "it waits for what it has asked for");
    let launched = runner.state_loaded((piece, BatchId(2)), Ok(vec![]), 2);
    assert!(
        matches!(
            launched[..],
            [Effect::Send {
                message: ToExecutor::Run(_),
                ..
            }]
        ),
        "{launched:?}"
    );
    assert!(runner.parked.is_empty());
}

#[test]
fn an_executor_with_a_large_heap_is_replaced_when_it_is_idle_and_holds_nothing() {
    let limit = 1536 << 20;
    let replaced = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Replace { .. }));
    let finished = |job, partition, heap_bytes| FromExecutor::Finished {
        task: TaskId {
            job,
            stage: crate::ids::StageId(0),
            partition: PartitionId(partition),
            attempt: 0,
        },
        rows: vec![1],
        report: Box::new(TaskReport {
            heap_bytes,
            ..TaskReport::default()
        }),
        results: 0,
        deltas: vec![],
        kept: vec![],
        updates: false,
    };
    for (heap_bytes, expected) in [(limit, false), (limit + 1, true)] {
        let (mut runner, executor, job) = busy();
        let first = runner.message(executor, finished(job, 0, heap_bytes), vec![], 1);
        assert!(!replaced(&first), "its job still runs");
        let last = runner.message(executor, finished(job, 1, 0), vec![], 2);
        assert!(last.iter().any(|e| matches!(e, Effect::Done { .. })), "{last:?}");
        assert_eq!(replaced(&last), expected, "{heap_bytes} bytes");
    }
    // State of a query is there.
    let (mut runner, executor, job) = busy();
    let run = runner.new_run(StateKeeping::default());
    let piece = launch::state_id(run, OperatorId(0), PartitionId(0));
    let home = Home {
        executor: Some(executor),
        version: BatchId(0),
        deltas: vec![],
        chain: 0,
        stats: StateStats::unknown(),
    };
    runner.homes.insert(piece, home);
    runner.message(executor, finished(job, 0, limit + 1), vec![], 1);
    assert!(!replaced(&runner.message(executor, finished(job, 1, 0), vec![], 2)));
    runner.drop_run(run);
    assert!(replaced(&runner.replace_swollen()));
    assert!(runner.replace_swollen().is_empty(), "it is asked for once");
}
