//! A query over Flume's events, whose driver and executors die, whose disk tears writes and runs full, whose sink throws, and between which
//! and the gateway questions and answers are lost, late and doubled: at the end the sink has each event once. Agents wait until their
//! events are acknowledged, and send none again: one that was acknowledged before it was durable would be lost.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::client::stream;
use super::cluster::{Cluster, Faults};
use super::lives::{ALL, Life, columns, live};
use crate::seeds::{Log, each_seed};

/// The events that there are, as the query has their bodies.
fn all(cluster: &Cluster) -> Vec<String> {
    let mut all: Vec<String> = cluster.gateway.sent.iter().map(|n| format!("{n:08x}")).collect();
    all.sort();
    all
}

fn run(seed: u64, faults: Faults, trouble: f64, log: &mut Log) {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0x5eed);
    let mut set = vec![("port", "1".to_owned())];
    // Some queries take one delivery a batch, and some have room for a few events.
    if rng.random() {
        set.push(("maxBlocksPerTrigger", "1".into()));
    }
    if rng.random() {
        set.push(("maxQueueBytes", rng.random_range(1..200).to_string()));
    }
    let life = Life {
        available_now: false,
        ..Life::of(&mut rng)
    };
    let mut cluster = Cluster::new(seed, life.executors, &[], faults, log);
    cluster.brokers.doubling = faults.doubling;
    cluster.gateway.begin(seed);
    cluster.gateway.trouble = trouble;
    let mut next = 0..;
    let mut transaction = |_| next.by_ref().take(rng.random_range(1..6)).collect();
    cluster.gateway.to_come = (0..60).map(&mut transaction).collect();
    let options: Vec<(&str, &str)> = set.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let query = columns(stream("flume", None, &options), &["body"]);
    let making = |_: &mut Cluster, _: &mut Log| Some(query.clone());
    live(&mut cluster, &life, &making, all, &mut rng, log);
}

#[test]
fn each_event_of_flume_reaches_the_sink_once_whatever_dies_or_is_lost() {
    each_seed(200, |seed, log| run(seed, ALL, 0.1, log));
}

#[test]
fn without_faults_each_event_of_flume_reaches_the_sink_once() {
    each_seed(50, |seed, log| run(seed, Faults::default(), 0.0, log));
}
