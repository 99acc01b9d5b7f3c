//! A query over Kafka's partitions whose driver and executors die, whose disk tears writes and runs full, whose sink throws, and whose
//! brokers are slow, silent, or heard twice: at the end the sink has each record once.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::client::{options, relation, rows, sql, stream, table, write};
use super::cluster::brokers::TOPIC;
use super::cluster::{Cluster, Faults, Happening};
use crate::seeds::{Log, each_seed};
use rivulet::ids::BatchId;
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;
use rivulet::proto::streaming_query_command;
use rivulet::proto::write_stream_operation_start::Trigger;
use rivulet::streaming::query::EventKind;

const ALL: Faults = Faults {
    deaths: 2,
    dying: 0.02,
    doubling: 0.1,
    losing: 0.0,
    crashes: 4,
    crashing: 0.01,
    refusals: 2,
    refusing: 0.02,
    sink_failures: 2,
    failing: 0.1,
    jumps: 1,
    jumping: 0.002,
    slow_reads: 0.2,
};

/// What a seed decides.
struct World {
    executors: u32,
    limit: Option<String>,
    pieces: Option<String>,
    interval: bool,
    available_now: bool,
    /// Whether the query looks its records up in the same topic as a table: each batch must find those that it has itself.
    joined: bool,
}

/// The query: `SELECT partition, offset`, of the stream alone or with those that the table has too; `None` if the driver has died.
fn query(cluster: &mut Cluster, world: &World, log: &mut Log) -> Option<sc::Relation> {
    if !world.joined {
        return Some(alone(world));
    }
    let set = [("kafka.bootstrap.servers", "brokers"), ("subscribe", TOPIC)];
    cluster.view("streamed", alone(world), log).ok()?;
    cluster.view("held", table("kafka", &set), log).ok()?;
    Some(sql(
        "SELECT s.partition, s.offset FROM streamed s JOIN held h ON s.partition = h.partition AND s.offset = h.offset",
    ))
}

/// The records of the stream.
fn alone(world: &World) -> sc::Relation {
    let mut set = vec![
        ("kafka.bootstrap.servers", "brokers"),
        ("subscribe", TOPIC),
        ("startingOffsets", "earliest"),
    ];
    set.extend(world.limit.as_deref().map(|limit| ("maxOffsetsPerTrigger", limit)));
    set.extend(world.pieces.as_deref().map(|pieces| ("minPartitions", pieces)));
    let column = |name: &str| sc::Expression {
        expr_type: Some(sc::expression::ExprType::UnresolvedAttribute(
            sc::expression::UnresolvedAttribute {
                unparsed_identifier: name.into(),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    relation(RelType::Project(Box::new(sc::Project {
        input: Some(Box::new(stream("kafka", None, &set))),
        expressions: vec![column("partition"), column("offset")],
    })))
}

/// One life of the query; whether it took everything.
fn lives(cluster: &mut Cluster, world: &World, log: &mut Log) -> bool {
    let Some(query) = query(cluster, world, log) else {
        return false;
    };
    let mut start = write(query, "rivulet.foreachBatch", "append");
    start.query_name = "result".into();
    start
        .options
        .extend(options(&[("checkpointLocation", "/check"), ("sinkId", "sink")]));
    start.trigger = match (world.available_now, world.interval) {
        (true, _) => Some(Trigger::AvailableNow(true)),
        (_, true) => Some(Trigger::ProcessingTimeInterval("500 milliseconds".into())),
        _ => None,
    };
    let before = cluster.events.len();
    let Ok(query) = cluster.start_query(start, log) else {
        return false;
    };
    if cluster.crashed {
        return false;
    }
    if world.available_now {
        let is_over = |(kind, _): &(EventKind, serde_json::Value)| *kind == EventKind::Terminated;
        cluster.run_until(log, |c| c.events[before..].iter().any(is_over));
        return !cluster.crashed && cluster.brokers.to_come.is_empty() && taken(cluster) == all(cluster);
    }
    cluster.run_until(log, |c| c.brokers.to_come.is_empty());
    if cluster.process_all(&query, log).is_err() || cluster.crashed {
        return false;
    }
    let stop = streaming_query_command::Command::Stop(true);
    cluster.query_command(&query, stop, log).is_ok() && !cluster.crashed
}

/// The records that the sink has; a batch that came again had the same.
fn taken(cluster: &Cluster) -> Vec<String> {
    let mut found: BTreeMap<BatchId, Vec<String>> = BTreeMap::new();
    for (_, batch, blocks) in &cluster.batches {
        let mut rows = rows(blocks);
        rows.sort();
        if let Some(before) = found.insert(*batch, rows.clone()) {
            assert_eq!(before, rows, "batch {batch} came again with other rows");
        }
    }
    let mut all: Vec<String> = found.into_values().flatten().collect();
    all.sort();
    all
}

/// The records that there are.
fn all(cluster: &Cluster) -> Vec<String> {
    let partitions = cluster.brokers.latest.iter().enumerate();
    let each =
        partitions.flat_map(|(partition, latest)| (0..*latest).map(move |offset| format!("{partition}|{offset}")));
    let mut all: Vec<String> = each.collect();
    all.sort();
    all
}

fn run(seed: u64, faults: Faults, silence: f64, joined: bool, log: &mut Log) {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0xca5a);
    let mut option = |most: u32| rng.random::<bool>().then(|| rng.random_range(1..most).to_string());
    let (limit, pieces) = (option(30), option(9));
    let world = World {
        executors: rng.random_range(1..4),
        limit,
        pieces,
        interval: rng.random(),
        available_now: rng.random_ratio(1, 4),
        joined,
    };
    let mut cluster = Cluster::new(seed, world.executors, &[], faults, log);
    cluster.watches_sink = true;
    cluster.brokers.silence = silence;
    cluster.brokers.doubling = faults.doubling;
    cluster.brokers.latest = vec![rng.random_range(0..20), 0];
    let partitions = rng.random_range(2..5);
    cluster.brokers.to_come = (0..rng.random_range(0..120))
        .map(|_| rng.random_range(0..partitions))
        .collect();
    for life in 0.. {
        assert!(life < 60, "no end though the faults have stopped");
        cluster.crashed = false;
        for at in 0..cluster.brokers.to_come.len() {
            cluster
                .network
                .after(at as u64 * rng.random_range(0..60), Happening::Written);
        }
        if lives(&mut cluster, &world, log) {
            break;
        }
    }
    assert_eq!(taken(&cluster), all(&cluster));
}

#[test]
fn each_record_of_kafka_reaches_the_sink_once_whatever_dies_or_is_silent() {
    each_seed(200, |seed, log| run(seed, ALL, 0.1, false, log));
}

#[test]
fn without_faults_each_record_of_kafka_reaches_the_sink_once() {
    each_seed(50, |seed, log| run(seed, Faults::default(), 0.0, false, log));
}

#[test]
fn each_batch_finds_its_records_in_the_topic_as_a_table_whatever_dies_or_is_silent() {
    each_seed(60, |seed, log| run(seed, ALL, 0.05, true, log));
}

#[test]
fn without_faults_each_batch_finds_its_records_in_the_topic_as_a_table() {
    each_seed(40, |seed, log| run(seed, Faults::default(), 0.0, true, log));
}
