//! Queries whose tasks stay: a stateful one whose driver and executors die counts each record once and loses none, and what
//! reaches the sink last of each key is what the model says; a continuous one hands on each record at least once, and in its
//! order if nobody dies.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;

use super::client::{options, rows, sql, stream, with_watermark, write};
use super::cluster::{Cluster, Faults, Happening};
use super::recovery::{batches, is_active, look_at_offsets};
use super::stream::{Plan, SCHEMA, json, random_block};
use crate::seeds::{Log, each_seed};
use crate::window_model::{Model, Row};
use rivulet::connect::protocol::Input;
use rivulet::proto as sc;
use rivulet::proto::streaming_query_command;
use rivulet::proto::write_stream_operation_start::Trigger;
use rivulet::streaming::query::EventKind;

const CHECK: &str = "/check";
/// A delay with which no row is late.
const NEVER_LATE_S: i64 = 10_000;

/// What a seed decides.
struct World {
    plan: Plan,
    records: Vec<Vec<Row>>,
    trigger: Trigger,
}

impl World {
    fn of(seed: u64, rng: &mut SmallRng) -> Self {
        let mut plan = Plan::of(seed, rng, 0);
        let delay = if rng.random() { plan.model.delay } else { NEVER_LATE_S };
        plan.model = Model::new("update", plan.model.length, plan.model.slide, delay);
        plan.sorted = false;
        let mut now_s = rng.random_range(0..2000);
        let count = rng.random_range(2..20);
        let mut records = Vec::new();
        while records.len() < count {
            let block = random_block(rng, &mut now_s);
            if !block.is_empty() {
                records.push(block);
            }
        }
        let ms = [20, 100, 400, 3000][rng.random_range(0..4)];
        let trigger = Trigger::RealTimeBatchDuration(format!("{ms} milliseconds"));
        Self { plan, records, trigger }
    }
}

fn conf<'a>(partitions: &'a str, snapshots: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("spark.sql.shuffle.partitions", partitions),
        ("spark.sql.streaming.stateStore.minDeltasForSnapshot", snapshots),
        ("spark.sql.streaming.realTimeMode.minBatchDuration", "1"),
    ]
}

/// Starts the query over what a server sends; none where the driver died over it.
fn start(cluster: &mut Cluster, world: &World, log: &mut Log) -> Option<String> {
    let blocks = world.plan.blocks.to_string();
    let source = stream(
        "websocket",
        Some(SCHEMA),
        &[
            ("url", "ws://server"),
            ("ack", "true"),
            ("recordFormat", "json"),
            ("maxBlocksPerTrigger", &blocks),
        ],
    );
    let delay = format!("{} seconds", world.plan.model.delay);
    cluster.view("events", with_watermark(source, "ts", &delay), log).ok()?;
    let mut start = write(sql(&world.plan.query()), "rivulet.foreach", "update");
    start
        .options
        .extend(options(&[("checkpointLocation", CHECK), ("sinkId", "sink")]));
    start.trigger = Some(world.trigger.clone());
    let started = cluster.start_query(start, log);
    log.note(|| format!("start: {started:?}"));
    started.ok()
}

/// One life of the query; whether it processed everything.
fn lives(cluster: &mut Cluster, world: &World, log: &mut Log) -> bool {
    let Some(query) = start(cluster, world, log) else {
        return false;
    };
    let all = world.records.len();
    cluster.run_until(log, |c| c.server.acknowledged == all || !is_active(c, &query));
    let done = !cluster.crashed && cluster.process_all(&query, log).is_ok();
    look_at_offsets(cluster);
    if done && is_active(cluster, &query) {
        let stop = streaming_query_command::Command::Stop(true);
        return cluster.query_command(&query, stop, log).is_ok();
    }
    false
}

fn run(seed: u64, faults: Faults, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xe90c);
    let mut world = World::of(seed, &mut rng);
    let snapshots = [1, 2, 3, 10][rng.random_range(0..4)].to_string();
    let partitions = world.plan.partitions.clone();
    let mut cluster = Cluster::new(seed, world.plan.executors, &conf(&partitions, &snapshots), faults, log);
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
    compare(&cluster, &mut world, faults.deaths + faults.crashes > 0);
}

/// Compares epochs, as the log has them, with the model's batches: watermarks, the size of the state, and the value that the sink
/// has last of each key.
fn compare(cluster: &Cluster, world: &mut World, dies: bool) {
    let mut taken = 0;
    let (mut wanted, mut state_rows) = (BTreeMap::new(), BTreeMap::new());
    for (at, (batch, entry)) in batches(cluster).iter().enumerate() {
        assert_eq!(batch.0, at as i64, "epochs follow one another");
        let end = entry.ends[0].as_u64().unwrap_or(0) as usize;
        let input: Vec<Row> = world.records[taken..end].iter().flatten().copied().collect();
        taken = end;
        let expected = world.plan.model.batch(&input);
        assert_eq!(
            entry.watermark_ms,
            expected.watermark * 1000,
            "watermark of epoch {batch}"
        );
        wanted.extend(expected.rows.iter().map(|row| key_and_value(row)));
        state_rows.insert(batch.0, expected.state_rows);
    }
    assert_eq!(taken, world.records.len(), "records that epochs took");
    let emitted = cluster.batches.iter().flat_map(|(_, _, blocks)| rows(blocks));
    let found: BTreeMap<String, String> = emitted.map(|row| key_and_value(&row)).collect();
    if dies && world.plan.model.delay < NEVER_LATE_S {
        // An epoch that was not committed may have counted a row that is late in the epochs that were cut in its place.
        assert!(
            wanted.keys().all(|key| found.contains_key(key)),
            "{wanted:?} is not in {found:?}"
        );
    } else {
        assert_eq!(found, wanted, "what the sink has last of each key");
    }
    for (_, progress) in cluster.events.iter().filter(|(kind, _)| *kind == EventKind::Progress) {
        let batch = progress["batchId"].as_i64().expect("progress has a batch");
        let state = &progress["stateOperators"][0]["numRowsTotal"];
        assert_eq!(
            state.as_u64(),
            Some(state_rows[&batch] as u64),
            "state after epoch {batch}"
        );
    }
}

/// Parts `start|key|count|sum` after the key.
fn key_and_value(row: &str) -> (String, String) {
    let at = row.match_indices('|').nth(1).map_or(0, |(at, _)| at);
    (row[..at].to_owned(), row[at..].to_owned())
}

const DEATHS: Faults = Faults {
    deaths: 3,
    dying: 0.01,
    losing: 0.0,
    doubling: 0.0,
    crashes: 0,
    crashing: 0.0,
    refusals: 0,
    refusing: 0.0,
    sink_failures: 0,
    failing: 0.0,
    slow_reads: 0.3,
    jumps: 0,
    jumping: 0.0,
};

#[test]
fn real_time_queries_equal_the_model() {
    each_seed(100, |seed, log| run(seed, Faults::default(), log));
}

#[test]
fn real_time_queries_equal_the_model_though_executors_die() {
    each_seed(150, |seed, log| run(seed, DEATHS, log));
}

#[test]
fn real_time_queries_equal_the_model_whatever_dies_tears_or_throws() {
    let faults = Faults {
        crashes: 5,
        crashing: 0.01,
        refusals: 2,
        refusing: 0.02,
        sink_failures: 2,
        failing: 0.05,
        jumps: 2,
        jumping: 0.002,
        ..DEATHS
    };
    each_seed(150, |seed, log| run(seed, faults, log));
}

/// Runs a query without state over records that the page pushes; returns the values that came, in their order.
fn continuous(seed: u64, faults: Faults, log: &mut Log) -> (Vec<i64>, i64) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xc0);
    let (executors, partitions) = (1 + (seed % 3) as u32, (1 + seed / 3 % 3).to_string());
    let mut cluster = Cluster::new(seed, executors, &conf(&partitions, "2"), faults, log);
    let source = stream("rivulet.push", Some("v BIGINT"), &[("sourceId", "s")]);
    cluster.view("events", source, log).expect("a view is made");
    let query = sql("SELECT cast(v * 2 AS STRING) AS twice FROM events WHERE v % 3 != 0");
    let mut start: sc::WriteStreamOperationStart = write(query, "rivulet.foreach", "append");
    start.options.extend(options(&[("sinkId", "sink")]));
    let ms = [10, 50, 1000][rng.random_range(0..3)];
    start.trigger = Some(Trigger::ContinuousCheckpointInterval(format!("{ms} milliseconds")));
    let query = cluster.start_query(start, log).expect("the query starts");
    let mut next = 0;
    for _ in 0..rng.random_range(1..6) {
        for _ in 0..rng.random_range(1..20) {
            let lines: String = (0..rng.random_range(1..5))
                .map(|_| {
                    next += 1;
                    format!("{{\"v\":{next}}}\n")
                })
                .collect();
            let source = "s".to_owned();
            let block = lines.into_bytes().into();
            cluster.drive(Input::Push { source, block }, log);
            (0..rng.random_range(0..3)).for_each(|_| cluster.happens(log));
        }
        cluster.process_all(&query, log).expect("the query goes on");
    }
    let emitted = cluster.batches.iter().flat_map(|(_, _, blocks)| rows(blocks));
    (emitted.map(|row| row.parse().expect("a number")).collect(), next)
}

#[test]
fn continuous_queries_hand_on_each_record_once_if_nobody_dies() {
    each_seed(100, |seed, log| {
        let (mut found, last) = continuous(seed, Faults::default(), log);
        found.sort_unstable();
        let wanted: Vec<i64> = (1..=last).filter(|v| v % 3 != 0).map(|v| 2 * v).collect();
        assert_eq!(found, wanted);
    });
}

#[test]
fn continuous_queries_lose_nothing_though_executors_die() {
    each_seed(150, |seed, log| {
        let (mut found, last) = continuous(seed, DEATHS, log);
        found.sort_unstable();
        found.dedup();
        let wanted: Vec<i64> = (1..=last).filter(|v| v % 3 != 0).map(|v| 2 * v).collect();
        assert_eq!(found, wanted);
    });
}
