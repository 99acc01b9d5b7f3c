//! A query over Kafka's partitions whose driver and executors die, whose disk tears writes and runs full, whose sink throws, and whose
//! brokers are slow, silent, or heard twice: at the end the sink has each record once.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::client::{sql, stream, table};
use super::cluster::brokers::TOPIC;
use super::cluster::{Cluster, Faults};
use super::lives::{ALL, Life, columns, live};
use crate::seeds::{Log, each_seed};
use rivulet::proto as sc;

/// What a seed decides.
struct World {
    limit: Option<String>,
    pieces: Option<String>,
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
    columns(stream("kafka", None, &set), &["partition", "offset"])
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

fn run(seed: u64, faults: Faults, silence: f64, joined: bool, continuous: bool, log: &mut Log) {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0xca5a);
    let mut option = |most: u32| rng.random::<bool>().then(|| rng.random_range(1..most).to_string());
    let (limit, pieces) = (option(30), option(9));
    let world = World { limit, pieces, joined };
    let life = if continuous {
        Life::continuous(&mut rng)
    } else {
        Life::of(&mut rng)
    };
    let mut cluster = Cluster::new(seed, life.executors, &[], faults, log);
    cluster.brokers.silence = silence;
    cluster.brokers.doubling = faults.doubling;
    cluster.brokers.latest = vec![rng.random_range(0..20), 0];
    let partitions = rng.random_range(2..5);
    cluster.brokers.to_come = (0..rng.random_range(0..120))
        .map(|_| rng.random_range(0..partitions))
        .collect();
    live(
        &mut cluster,
        &life,
        &|cluster, log| query(cluster, &world, log),
        all,
        &mut rng,
        log,
    );
}

#[test]
fn each_record_of_kafka_reaches_the_sink_once_whatever_dies_or_is_silent() {
    each_seed(200, |seed, log| run(seed, ALL, 0.1, false, false, log));
}

#[test]
fn without_faults_each_record_of_kafka_reaches_the_sink_once() {
    each_seed(50, |seed, log| run(seed, Faults::default(), 0.0, false, false, log));
}

#[test]
fn each_batch_finds_its_records_in_the_topic_as_a_table_whatever_dies_or_is_silent() {
    each_seed(60, |seed, log| run(seed, ALL, 0.05, true, false, log));
}

#[test]
fn without_faults_each_batch_finds_its_records_in_the_topic_as_a_table() {
    each_seed(40, |seed, log| run(seed, Faults::default(), 0.0, true, false, log));
}

#[test]
fn a_continuous_query_loses_no_record_of_kafka_whatever_dies_or_is_silent() {
    let faults = Faults { doubling: 0.0, ..ALL };
    each_seed(100, |seed, log| run(seed, faults, 0.1, false, true, log));
}
