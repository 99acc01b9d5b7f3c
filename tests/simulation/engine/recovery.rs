//! A stateful query over a WebSocket, or over what a page reads, whose driver dies, whose disk tears writes and runs full, whose sink throws, and
//! whose clock jumps: what the sink has at the end is the model's output over the server's records, each once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand::Rng;
use rand::rngs::SmallRng;

use super::client::{options, rows, sql, stream, with_watermark, write};
use super::cluster::{Cluster, Faults, Happening, Injected};
use super::stream::{Plan, SCHEMA, json, random_block};
use crate::seeds::{Log, each_seed};
use crate::stateful::{self, Model};
use crate::window_model::{Expected, Row};
use rivulet::ids::BatchId;
use rivulet::proto as sc;
use rivulet::proto::streaming_query_command;
use rivulet::proto::write_stream_operation_start::Trigger;
use rivulet::sources::queue::blocks_of;
use rivulet::storage::{Reply, Request, Storage, file_log};
use rivulet::streaming::checkpoint::logs::Offsets;
use rivulet::streaming::query::EventKind;

const CHECK: &str = "/check";
const OUT: &str = "/out";

/// The windowed aggregation of `stream.rs` as one model among others.
struct Windows(Plan);

impl Model for Windows {
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected {
        self.0.model.batch(&input[0])
    }

    fn closes_more(&self) -> bool {
        self.0.model.closes_more()
    }

    fn query(&self) -> sc::Relation {
        sql(&self.0.query())
    }

    fn delays(&self) -> Vec<Option<i64>> {
        vec![Some(self.0.model.delay)]
    }

    fn mode(&self) -> &'static str {
        self.0.model.mode
    }
}

/// What a seed decides.
struct World {
    model: Box<dyn Model>,
    records: Vec<Vec<Row>>,
    executors: u32,
    partitions: String,
    /// Blocks that one batch takes at most.
    blocks: usize,
    interval: bool,
    /// The page reads the records; else they come over a WebSocket.
    page: bool,
    /// Rows go to files; else to a function of the page.
    files: bool,
}

impl World {
    fn of(seed: u64, rng: &mut SmallRng, windows: bool) -> Self {
        let plan = Plan::of(seed, rng, 0);
        let mut now_s = rng.random_range(0..2000);
        let count = rng.random_range(2..14);
        let mut records = Vec::new();
        while records.len() < count {
            let block = random_block(rng, &mut now_s);
            if !block.is_empty() {
                records.push(block);
            }
        }
        let files = windows && plan.model.mode == "append" && rng.random_bool(0.5);
        Self {
            records,
            files,
            executors: plan.executors,
            partitions: plan.partitions.clone(),
            blocks: plan.blocks,
            interval: plan.interval,
            page: seed % 2 == 1,
            model: if windows {
                Box::new(Windows(plan))
            } else {
                stateful::single_source(seed)
            },
        }
    }
}

/// Makes the session and starts the query; none where the driver died over it, or the disk was full.
fn start(cluster: &mut Cluster, world: &World, log: &mut Log) -> Option<String> {
    let blocks = world.blocks.to_string();
    let (format, own): (_, &[(&str, &str)]) = if world.page {
        ("rivulet.page", &[("pageSource", "page-0")])
    } else {
        ("websocket", &[("url", "ws://server"), ("ack", "true")])
    };
    let both = [("recordFormat", "json"), ("maxBlocksPerTrigger", blocks.as_str())];
    let source = stream(format, Some(SCHEMA), &[own, &both].concat());
    let source = match world.model.delays()[0] {
        Some(delay) => with_watermark(source, "ts", &format!("{delay} seconds")),
        None => source,
    };
    // The models' queries have one name or the other for it.
    for name in ["events", "l"] {
        cluster.view(name, source.clone(), log).ok()?;
    }
    let format = if world.files { "json" } else { "rivulet.foreachBatch" };
    let mut start = write(world.model.query(), format, world.model.mode());
    start.query_name = "result".into();
    start
        .options
        .extend(options(&[("checkpointLocation", CHECK), ("path", OUT)]));
    if !world.files {
        start.options.insert("sinkId".into(), "sink".into());
    }
    start.trigger = world
        .interval
        .then(|| Trigger::ProcessingTimeInterval("500 milliseconds".into()));
    let started = cluster.start_query(start, log);
    log.note(|| format!("start: {started:?}"));
    let query = started.ok()?;
    if !cluster.crashed && is_active(cluster, &query) {
        let path = format!("{CHECK}/metadata");
        let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&Request::Read { path }) else {
            panic!("{query} has started, and its id is not durable")
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains(&query), "{query} has started, and {text} is durable");
    }
    Some(query)
}

/// Whether the query still runs.
pub(super) fn is_active(cluster: &Cluster, query: &str) -> bool {
    let ends = |kind: &EventKind| *kind != EventKind::Progress;
    let mut own = cluster
        .events
        .iter()
        .filter(|(kind, json)| ends(kind) && json["id"] == query);
    own.next_back().is_some_and(|(kind, _)| *kind == EventKind::Started)
}

fn run(seed: u64, windows: bool, faults: Faults, log: &mut Log) -> (u64, Injected) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xd1e5);
    let mut world = World::of(seed, &mut rng, windows);
    let snapshots = [1, 2, 3, 10][rng.random_range(0..4)].to_string();
    let retain = [1, 2, 100][rng.random_range(0..3)].to_string();
    let memory = ["0", "1", "4k"][rng.random_range(0..3)];
    let conf = [
        ("spark.rivulet.executor.stateMemory", memory),
        ("spark.sql.shuffle.partitions", world.partitions.as_str()),
        (
            "spark.sql.streaming.stateStore.minDeltasForSnapshot",
            snapshots.as_str(),
        ),
        ("spark.sql.streaming.minBatchesToRetain", retain.as_str()),
    ];
    let mut cluster = Cluster::new(seed, world.executors, &conf, faults, log);
    cluster.watches_sink = true;
    cluster.server.records = world
        .records
        .iter()
        .map(|r| String::from_utf8(json(r)).expect("records are text"))
        .collect();
    for life in 0.. {
        assert!(life < 60, "no end though the faults have stopped");
        cluster.crashed = false;
        for at in 0..world.records.len() - cluster.server.available {
            let delay = (at as u64 + 1) * rng.random_range(0..120);
            cluster.network.after(delay, Happening::Record);
        }
        if lives(&mut cluster, &world, log) {
            break;
        }
    }
    let offsets = batches(&cluster);
    compare(&mut cluster, &mut world, &offsets);
    cluster.injected.torn_writes = cluster.disk.injected.torn;
    cluster.injected.lost_writes = cluster.disk.injected.lost;
    (offsets.len() as u64, cluster.injected)
}

/// One life of the query; whether it processed everything.
fn lives(cluster: &mut Cluster, world: &World, log: &mut Log) -> bool {
    let Some(query) = start(cluster, world, log) else {
        return false;
    };
    let all = world.records.len();
    cluster.run_until(log, |c| c.server.acknowledged == all || !is_active(c, &query));
    let done = !cluster.crashed && {
        let processed = cluster.process_all(&query, log);
        log.note(|| format!("processed: {processed:?}"));
        processed.is_ok()
    };
    look_at_offsets(cluster);
    if done && is_active(cluster, &query) {
        let stop = streaming_query_command::Command::Stop(true);
        return cluster.query_command(&query, stop, log).is_ok();
    }
    false
}

/// Notes entries that a crash left durable though nobody was told.
pub(super) fn look_at_offsets(cluster: &mut Cluster) {
    let folder = Request::List {
        path: format!("{CHECK}/offsets"),
    };
    let Ok(Reply::Names(names)) = cluster.disk.perform(&folder) else {
        panic!("the offset log can be listed")
    };
    for name in names {
        let path = format!("{CHECK}/offsets/{name}");
        if let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&Request::Read { path: path.clone() })
            && let Some(before) = cluster.offsets.insert(path.clone(), bytes.clone())
        {
            assert_eq!(before, bytes, "{path} has changed");
        }
    }
}

/// All batches, by what they took.
pub(super) fn batches(cluster: &Cluster) -> BTreeMap<BatchId, Offsets> {
    let entries = cluster.offsets.iter().map(|(path, bytes)| {
        let batch = path.rsplit('/').next().and_then(|n| n.parse().ok()).map(BatchId);
        let entry = Offsets::parse(path, bytes).expect("a whole entry can be read");
        (batch.expect("an entry has a number"), entry)
    });
    entries.collect()
}

/// Rows that the sink has, by batch.
fn output(cluster: &mut Cluster, world: &World) -> BTreeMap<BatchId, Vec<String>> {
    let mut found: BTreeMap<BatchId, Vec<String>> = BTreeMap::new();
    if !world.files {
        for (_, batch, blocks) in &cluster.batches {
            let mut rows = rows(blocks);
            rows.sort();
            if let Some(before) = found.insert(*batch, rows.clone()) {
                assert_eq!(before, rows, "batch {batch} came again with other rows");
            }
        }
        return found;
    }
    let list = Request::List {
        path: format!("{OUT}/_spark_metadata"),
    };
    let Ok(Reply::Names(names)) = cluster.disk.perform(&list) else {
        panic!("the sink's log can be listed")
    };
    for name in names {
        let path = format!("{OUT}/_spark_metadata/{name}");
        let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&Request::Read { path: path.clone() }) else {
            continue;
        };
        let batch = name.trim_end_matches(".compact").parse();
        let batch = BatchId(batch.expect("an entry has a number"));
        let rows = found.entry(batch).or_default();
        for line in file_log::parse(&path, &bytes).expect("a whole entry can be read") {
            let file = file_log::Written::parse(&path, &line).expect("it names a file").path;
            if file.contains(&format!("-{batch}-c000")) {
                rows.extend(lines_of(cluster, &file));
            }
        }
        rows.sort();
    }
    found
}

fn lines_of(cluster: &mut Cluster, file: &str) -> Vec<String> {
    let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&Request::Read { path: file.into() }) else {
        panic!("{file} is named by the log and is not whole")
    };
    let text = String::from_utf8(bytes.to_vec()).expect("JSON is text");
    let cell = |row: &serde_json::Value, name: &str| match &row[name] {
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .map(|row: serde_json::Value| ["at", "k", "n", "s"].map(|name| cell(&row, name)).join("|"))
        .collect()
}

fn compare(cluster: &mut Cluster, world: &mut World, offsets: &BTreeMap<BatchId, Offsets>) {
    let mut taken = 0;
    let mut expected = BTreeMap::new();
    for (at, (batch, entry)) in offsets.iter().enumerate() {
        assert_eq!(*batch, BatchId(at as i64), "batches follow one another");
        let end = blocks_of(&entry.ends[0]) as usize;
        let input: Vec<Row> = world.records[taken..end].iter().flatten().copied().collect();
        taken = end;
        let mut wanted = world.model.batch(&[input]);
        wanted.rows.sort();
        assert_eq!(
            entry.watermark_ms,
            wanted.watermark * 1000,
            "watermark of batch {batch}"
        );
        expected.insert(*batch, wanted);
    }
    assert_eq!(taken, world.records.len(), "records that batches took");
    assert!(!world.model.closes_more(), "a batch without data is missing");
    let wanted: BTreeMap<BatchId, Vec<String>> = expected.iter().map(|(batch, e)| (*batch, e.rows.clone())).collect();
    assert_eq!(output(cluster, world), wanted);
    for (kind, progress) in &cluster.events {
        let state = &progress["stateOperators"][0];
        if *kind != EventKind::Progress || state.is_null() {
            continue;
        }
        let wanted = &expected[&BatchId(progress["batchId"].as_i64().expect("progress has a batch"))];
        let count = |name: &str| state[name].as_u64().unwrap_or(u64::MAX) as usize;
        assert_eq!(
            (
                count("numRowsTotal"),
                count("numRowsUpdated"),
                count("numRowsDroppedByWatermark")
            ),
            (wanted.state_rows, wanted.state_updated, wanted.dropped),
            "state of batch {}",
            progress["batchId"]
        );
    }
}

const ALL: Faults = Faults {
    deaths: 2,
    dying: 0.01,
    doubling: 0.1,
    losing: 0.02,
    crashes: 6,
    crashing: 0.01,
    refusals: 2,
    refusing: 0.02,
    sink_failures: 2,
    failing: 0.1,
    jumps: 2,
    jumping: 0.002,
    slow_reads: 0.2,
};

/// Runs and counts; `RIVULET_SIM_REPORT=1` prints what was done.
fn simulate(count: u64, windows: bool, faults: Faults) {
    let totals = Mutex::new((0u64, 0u64, Injected::default()));
    each_seed(count, |seed, log| {
        let (batches, made) = run(seed, windows, faults, log);
        let mut totals = totals.lock().expect("no panic holds it");
        totals.0 += 1;
        totals.1 += batches;
        totals.2.add(made);
    });
    if std::env::var_os("RIVULET_SIM_REPORT").is_some() {
        let (seeds, batches, made) = totals.into_inner().expect("no panic holds it");
        println!("SIMULATED engine seeds={seeds} batches={batches} {made}");
    }
}

#[test]
fn a_query_goes_on_exactly_where_it_was_whatever_dies_tears_or_throws() {
    simulate(120, true, ALL);
}

#[test]
fn every_stateful_operator_goes_on_exactly_where_it_was_whatever_dies_tears_or_throws() {
    simulate(120, false, ALL);
}

#[test]
fn without_faults_the_same_worlds_give_the_same_output() {
    simulate(30, true, Faults::default());
    simulate(30, false, Faults::default());
}

#[test]
fn state_that_is_read_slowly_is_that_of_the_batch_that_asks_though_executors_die_often() {
    let faults = Faults {
        deaths: 30,
        dying: 0.06,
        losing: 0.1,
        slow_reads: 0.7,
        ..Faults::default()
    };
    simulate(150, true, faults);
    simulate(150, false, faults);
}
