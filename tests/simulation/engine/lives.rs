//! A query over another system, which lives again and again until its sink has each record once.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;

use super::client::{options, relation, rows, write};
use super::cluster::{Cluster, Faults, Happening};
use crate::seeds::Log;
use rivulet::ids::BatchId;
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;
use rivulet::proto::streaming_query_command;
use rivulet::proto::write_stream_operation_start::Trigger;
use rivulet::streaming::query::EventKind;

pub const ALL: Faults = Faults {
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

/// What a seed decides of a query's lives.
pub struct Life {
    pub executors: u32,
    pub interval: bool,
    pub available_now: bool,
    /// Whether records go through tasks that stay: then each reaches the sink at least once.
    pub continuous: bool,
}

/// Makes the query in a life of the driver; `None` if that has died over it.
pub type Making<'a> = &'a dyn Fn(&mut Cluster, &mut Log) -> Option<sc::Relation>;

/// The records that there are, sorted.
pub type All = fn(&Cluster) -> Vec<String>;

impl Life {
    pub fn of(rng: &mut SmallRng) -> Self {
        Self {
            executors: rng.random_range(1..4),
            interval: rng.random(),
            available_now: rng.random_ratio(1, 4),
            continuous: false,
        }
    }

    /// The same, with tasks that stay.
    pub fn continuous(rng: &mut SmallRng) -> Self {
        Self {
            available_now: false,
            continuous: true,
            ..Self::of(rng)
        }
    }
}

/// Some columns of a relation.
pub fn columns(input: sc::Relation, names: &[&str]) -> sc::Relation {
    let column = |name: &&str| sc::Expression {
        expr_type: Some(sc::expression::ExprType::UnresolvedAttribute(
            sc::expression::UnresolvedAttribute {
                unparsed_identifier: (*name).into(),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    relation(RelType::Project(Box::new(sc::Project {
        input: Some(Box::new(input)),
        expressions: names.iter().map(column).collect(),
    })))
}

/// Lets the query live until it has taken all, which it must have once.
pub fn live(cluster: &mut Cluster, life: &Life, query: Making, all: All, rng: &mut SmallRng, log: &mut Log) {
    cluster.watches_sink = !life.continuous;
    for count in 0.. {
        assert!(count < 60, "no end though the faults have stopped");
        cluster.crashed = false;
        for at in 0..cluster.changes_to_come() {
            cluster
                .network
                .after(at as u64 * rng.random_range(0..60), Happening::Written);
        }
        if lives(cluster, life, query, all, log) {
            break;
        }
    }
    assert_eq!(found(cluster, life), all(cluster));
}

/// The records that the sink has, sorted; of those that may come again, each once.
fn found(cluster: &Cluster, life: &Life) -> Vec<String> {
    if !life.continuous {
        return taken(cluster);
    }
    let mut found: Vec<String> = cluster.batches.iter().flat_map(|(_, _, blocks)| rows(blocks)).collect();
    found.sort();
    found.dedup();
    found
}

/// One life of the query; whether it took everything.
fn lives(cluster: &mut Cluster, life: &Life, query: Making, all: All, log: &mut Log) -> bool {
    let Some(query) = query(cluster, log) else {
        return false;
    };
    let sink = if life.continuous {
        "rivulet.foreach"
    } else {
        "rivulet.foreachBatch"
    };
    let mut start = write(query, sink, "append");
    start.query_name = "result".into();
    start
        .options
        .extend(options(&[("checkpointLocation", "/check"), ("sinkId", "sink")]));
    start.trigger = match (life.available_now, life.interval) {
        _ if life.continuous => Some(Trigger::ContinuousCheckpointInterval("300 milliseconds".into())),
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
    let is_over = |(kind, _): &(EventKind, serde_json::Value)| *kind == EventKind::Terminated;
    let is_over = |c: &Cluster| c.events[before..].iter().any(is_over);
    if life.available_now {
        cluster.run_until(log, is_over);
        return !cluster.crashed && cluster.is_quiet() && taken(cluster) == all(cluster);
    }
    // Who waits for a query that is over waits for the next one.
    cluster.run_until(log, |c| c.is_quiet() || c.changes_to_come() == 0 && is_over(c));
    // An answer that is heard twice may be taken for that to a later question: what it does not know of comes with the next one.
    for _ in 0..3 {
        if cluster.process_all(&query, log).is_err() || cluster.crashed {
            return false;
        }
        if found(cluster, life) == all(cluster) {
            break;
        }
    }
    let stop = streaming_query_command::Command::Stop(true);
    cluster.query_command(&query, stop, log).is_ok() && !cluster.crashed
}

/// The records that the sink has, in the order of its batches; a batch that came again had the same.
pub fn batches(cluster: &Cluster) -> Vec<Vec<String>> {
    let mut found: BTreeMap<BatchId, Vec<String>> = BTreeMap::new();
    for (_, batch, blocks) in &cluster.batches {
        let mut rows = rows(blocks);
        rows.sort();
        if let Some(before) = found.insert(*batch, rows.clone()) {
            assert_eq!(before, rows, "batch {batch} came again with other rows");
        }
    }
    found.into_values().collect()
}

/// The records that the sink has, sorted.
fn taken(cluster: &Cluster) -> Vec<String> {
    let mut all = batches(cluster).concat();
    all.sort();
    all
}
