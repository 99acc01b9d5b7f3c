//! The query loop by itself: what it asks for, in which order, and what answers do to it.

mod ahead;
mod batches;
mod ends;
mod poison;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::buffer::Buffer;
use prost::Message;

use crate::engine::client::{sql, stream, with_watermark};
use rivulet::cluster::runner::{JobRequest, Outcome, StateChange};
use rivulet::compile::job::JobSpec;
use rivulet::error::SparkError;
use rivulet::exec::inputs::{EventTimeStats, TaskReport};
use rivulet::ids::{BatchId, JobId, OperatorId, PartitionId, PlanId, RunId, StageId, StagePart, StatePart};
use rivulet::plan::output_mode::OutputMode;
use rivulet::settings::Conf;
use rivulet::sources::Memory;
use rivulet::storage::files::NoFiles;
use rivulet::storage::wal::Kept;
use rivulet::storage::{Reply, Request};
use rivulet::streaming::checkpoint::Location;
use rivulet::streaming::checkpoint::resume::Resume;
use rivulet::streaming::query::EventKind;
use rivulet::streaming::query::{Action, Definition, Query, Ticket};
use rivulet::streaming::source::Source;
use rivulet::streaming::trigger::Trigger;

/// Counts by window of ten seconds over a pushed source, watermark delay ten seconds. What a start writes is written.
fn query(trigger: Trigger, mode: OutputMode, checkpoint: bool) -> Query {
    let resume = checkpoint.then(|| Resume {
        memories: vec![Memory::of(Kept::default())],
        ..Resume::default()
    });
    let mut query = resumed(trigger, mode, resume);
    let opening = writes(query.open(0));
    let paths: Vec<&str> = opening.iter().map(|w| w.path.as_str()).collect();
    let expected = [
        "/check/metadata",
        "/check/state/0/_metadata/metadata",
        "/check/state/0/_metadata/schema",
    ];
    assert_eq!(paths, if checkpoint { &expected[..] } else { &[] });
    for write in opening {
        assert!(answer(&mut query, 0, &write).is_empty());
    }
    query
}

/// The same query with what a checkpoint holds, if there is one; it is not opened yet.
fn resumed(trigger: Trigger, mode: OutputMode, resume: Option<Resume>) -> Query {
    let source = stream(
        "rivulet.push",
        Some("ts TIMESTAMP"),
        &[("sourceId", "s"), ("maxBlocksPerTrigger", "1")],
    );
    let events = with_watermark(source, "ts", "10 seconds");
    let mut conf = Conf::default();
    conf.values.insert("spark.sql.shuffle.partitions".into(), "2".into());
    let spec = JobSpec {
        relation: sql(
            "SELECT window(ts, '10 seconds') AS w, count(*) AS n FROM events GROUP BY window(ts, '10 seconds')",
        )
        .encode_to_vec(),
        conf: conf.clone(),
        views: BTreeMap::from([("events".into(), events.encode_to_vec().into())]),
        now_us: 0,
        mode: Some(mode),
        files: BTreeMap::new(),
        models: BTreeMap::new(),
        tables: Default::default(),
    };
    let graph = Arc::new(spec.compile().expect("the plan compiles"));
    let scan = graph.scans[0].clone();
    let source = Source::open(scan.id, scan.stream.as_ref().expect("a stream is read"), 0).expect("the source opens");
    let definition = Definition {
        id: "the-query".into(),
        run_id: "the-run".into(),
        name: None,
        mode,
        trigger,
        sink: "TheSink".into(),
        checkpoint: resume.is_some().then(|| Location::new("/check")),
        plan: PlanId(1),
        graph,
        run: RunId(1),
        statics: Default::default(),
        conf,
    };
    Query::new(definition, vec![source], resume, 0)
}

const ASAP: Trigger = Trigger::ProcessingTime { interval_ms: 0 };

/// A push, durable where that is kept.
fn push(query: &mut Query, now_ms: i64) {
    let actions = query.push(0, Buffer::from(b"{}\n".to_vec()), now_ms);
    for write in writes(actions) {
        assert!(write.path.starts_with("/check/sources/0/wal/"), "{}", write.path);
        match answer(query, now_ms, &write).as_slice() {
            [Action::Received { source: 0, .. }] => {}
            other => panic!("the block's receipt was expected: {other:?}"),
        }
    }
}

/// What a job saw whose largest event time is `max_s`.
fn outcome(max_s: Option<i64>) -> Outcome {
    let mut report = TaskReport::default();
    if let Some(s) = max_s {
        let stats = EventTimeStats {
            max_us: s * 1_000_000,
            min_us: s * 1_000_000,
            sum_us: s as f64 * 1e6,
            count: 1,
        };
        report.event_times.insert(0, stats);
    }
    Outcome {
        changes: vec![],
        results: vec![],
        reports: vec![(
            StagePart {
                stage: StageId(0),
                partition: PartitionId(0),
            },
            report,
        )],
        updates: vec![],
    }
}

/// A change of both partitions of the state.
fn changes() -> Vec<StateChange> {
    PartitionId::first(2)
        .map(|partition| StateChange {
            part: StatePart {
                operator: OperatorId(0),
                partition,
            },
            snapshot: false,
            bytes: Buffer::from(b"rows".to_vec()),
        })
        .collect()
}

/// A write that is asked for.
#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    path: String,
    text: String,
}

fn writes(actions: Vec<Action>) -> Vec<Asked> {
    actions
        .into_iter()
        .map(|action| match action {
            Action::Storage {
                ticket,
                request: Request::Write { path, bytes },
            } => Asked {
                ticket,
                path,
                text: String::from_utf8_lossy(&bytes).into_owned(),
            },
            other => panic!("writes were expected: {other:?}"),
        })
        .collect()
}

fn stored(actions: Vec<Action>) -> Asked {
    match <[Asked; 1]>::try_from(writes(actions)) {
        Ok([write]) => write,
        Err(other) => panic!("one write was expected: {other:?}"),
    }
}

/// Storage has done it.
fn answer(query: &mut Query, now_ms: i64, asked: &Asked) -> Vec<Action> {
    query.answered(now_ms, asked.ticket, Ok(Reply::Done), &NoFiles)
}

fn run(actions: Vec<Action>) -> JobRequest {
    match <[Action; 1]>::try_from(actions) {
        Ok([Action::Run(request)]) => request,
        other => panic!("one job was expected: {other:?}"),
    }
}

fn delivery(actions: Vec<Action>) -> BatchId {
    match <[Action; 1]>::try_from(actions) {
        Ok([Action::Deliver { batch_id, .. }]) => batch_id,
        other => panic!("one delivery was expected: {other:?}"),
    }
}

/// The progress that a finished batch reports.
fn progress(actions: Vec<Action>) -> serde_json::Value {
    match <[Action; 1]>::try_from(actions) {
        Ok(
            [
                Action::Event {
                    kind: EventKind::Progress,
                    event,
                },
            ],
        ) => event.json(),
        other => panic!("progress was expected: {other:?}"),
    }
}

/// The error that ended the query, which it tells once, after the event.
fn end(actions: Vec<Action>) -> Option<SparkError> {
    match <[Action; 2]>::try_from(actions) {
        Ok(
            [
                Action::Event {
                    kind: EventKind::Terminated,
                    ..
                },
                Action::Terminated { error },
            ],
        ) => error,
        other => panic!("the end was expected: {other:?}"),
    }
}

/// The job of the batch in progress is done.
fn done(query: &mut Query, now_ms: i64, outcome: Outcome) -> Vec<Action> {
    let job = query.job().unwrap_or(JobId(0));
    query.job_ended(now_ms, job, Ok(outcome), &NoFiles)
}

/// One batch without logs; the event times that it sees.
fn batch(query: &mut Query, now_ms: i64, max_s: Option<i64>) -> JobRequest {
    let request = run(query.poll(now_ms, &NoFiles));
    delivery(done(query, now_ms, outcome(max_s)));
    progress(query.delivered(now_ms, Ok(()), &NoFiles));
    request
}
