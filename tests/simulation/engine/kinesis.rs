//! A query over shards of Kinesis that are split and merged, whose driver and executors die, whose disk tears writes and runs full, whose
//! sink throws, and whose server has no time, lets iterators expire and loses answers: at the end the sink has each record once, and those
//! of a key in their order.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::client::stream;
use super::cluster::service::{Change, KEYS};
use super::cluster::{Cluster, Faults};
use super::lives::{ALL, Life, batches, columns, live};
use crate::seeds::{Log, each_seed};
use rivulet::proto as sc;

/// The query: `SELECT partitionKey, sequenceNumber`.
fn query(limit: Option<&String>) -> sc::Relation {
    let mut set = vec![
        ("kinesis.streamName", "s"),
        ("kinesis.region", "r"),
        ("kinesis.awsAccessKeyId", "id"),
        ("kinesis.awsSecretKey", "secret"),
        ("kinesis.startingposition", "TRIM_HORIZON"),
        ("kinesis.failOnDataLoss", "true"),
        ("kinesis.clientNumRetries", "3"),
    ];
    set.extend(limit.map(|limit| ("kinesis.maxFetchRecordsPerShard", limit.as_str())));
    columns(stream("aws-kinesis", None, &set), &["partitionKey", "sequenceNumber"])
}

/// The records that there are.
fn all(cluster: &Cluster) -> Vec<String> {
    let shards = cluster.service.shards.iter();
    let records = shards.flat_map(|shard| shard.records.iter().map(|(number, key)| format!("k{key}|{number}")));
    let mut all: Vec<String> = records.collect();
    all.sort();
    all
}

/// The records of a key came batch after batch as they were written, whichever shards they were in.
fn assert_in_order(cluster: &Cluster) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for batch in batches(cluster) {
        let mut of_batch: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for row in batch {
            let (key, number) = row.split_once('|').unwrap();
            of_batch
                .entry(key.to_owned())
                .or_default()
                .push(number.parse().unwrap());
        }
        for (key, numbers) in of_batch {
            let (low, high) = (numbers.iter().min().unwrap(), numbers.iter().max().unwrap());
            let before = last.insert(key.clone(), *high);
            assert!(
                before.is_none_or(|before| before < *low),
                "{key}: {low} after {before:?}"
            );
        }
    }
}

fn run(seed: u64, faults: Faults, trouble: f64, log: &mut Log) {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0x5eed);
    let limit = rng.random::<bool>().then(|| rng.random_range(1..12).to_string());
    let life = Life::of(&mut rng);
    let mut cluster = Cluster::new(seed, life.executors, &[], faults, log);
    cluster.brokers.doubling = faults.doubling;
    let service = &mut cluster.service;
    service.begin(rng.random_range(1..4), seed);
    (service.trouble, service.expiry) = (trouble, trouble);
    service.emptiness = rng.random_range(0.0..0.5);
    let mut change = |_| match rng.random_range(0..30) {
        0 | 1 => Change::Split(rng.random_range(0..KEYS)),
        2 => Change::Merge,
        _ => Change::Record(rng.random_range(0..KEYS)),
    };
    service.to_come = (0..140).map(&mut change).collect();
    for _ in 0..rng.random_range(0..60) {
        service.change();
    }
    let making = |_: &mut Cluster, _: &mut Log| Some(query(limit.as_ref()));
    live(&mut cluster, &life, &making, all, &mut rng, log);
    assert_in_order(&cluster);
}

#[test]
fn each_record_of_kinesis_reaches_the_sink_once_whatever_dies_splits_or_expires() {
    each_seed(200, |seed, log| run(seed, ALL, 0.15, log));
}

#[test]
fn without_faults_each_record_of_kinesis_reaches_the_sink_once() {
    each_seed(50, |seed, log| run(seed, Faults::default(), 0.0, log));
}
