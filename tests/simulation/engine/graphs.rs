//! Supersteps over random graphs, in one job and in several: every vertex has the lowest id that it is connected with, whoever
//! dies in the middle, as by a model that joins sets.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::cluster::{Cluster, Faults};
use super::datasets::{DEATHS, plan_message, send};
use crate::seeds::{Log, each_seed};
use rivulet::exec::program::{Edge, ProgramOutput};
use rivulet::graph::structure::owner;
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::rdd::plan::RESULT_TYPE_URL;

/// Deals edges, or ids, out to the engine, if that reads them; `rows` are ends one after the other, or ids.
pub fn deal(plan: &Value, edge: Edge, rows: &[i64]) -> Option<ProgramOutput> {
    let reader = &plan["nodes"][edge.reader];
    if reader["op"]["step"]["t"] != "adjacency" {
        return None;
    }
    let partitions = reader["partitions"].as_u64()? as usize;
    let blocks: Vec<Vec<u8>> = (0..partitions)
        .map(|part| {
            let own = |id: &i64| owner(*id, partitions) == part;
            let long = |ids: &[i64]| ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<u8>>();
            let word = |n: usize| (n as u32).to_le_bytes().to_vec();
            if edge.parent == 1 {
                let ids: Vec<i64> = rows.iter().copied().filter(own).collect();
                return [word(ids.len()), long(&ids)].concat();
            }
            let edges = rows.chunks(2).filter(|ends| ends.iter().any(own));
            let (from, to): (Vec<i64>, Vec<i64>) = edges.map(|ends| (ends[0], ends[1])).unzip();
            [word(from.len()), word(0), long(&from), long(&to)].concat()
        })
        .collect();
    Some(ProgramOutput {
        rows: vec![1; partitions],
        blocks: blocks.into_iter().map(Some).collect(),
        kept: vec![],
        updates: None,
    })
}

/// Edges and ids by partition. Some graphs are one long path, which takes several jobs.
fn random_graph(rng: &mut SmallRng) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let length = rng.random_range(1..60);
    let mut edges: Vec<(i64, i64)> = if rng.random_bool(0.4) {
        (1..length).map(|i| (i - 1, i)).collect()
    } else {
        let end = |rng: &mut SmallRng| rng.random_range(-length..length);
        (0..rng.random_range(0..80)).map(|_| (end(rng), end(rng))).collect()
    };
    edges
        .iter_mut()
        .filter(|_| rng.random_bool(0.3))
        .for_each(|(a, b)| std::mem::swap(a, b));
    let ids: Vec<i64> = (0..length).collect();
    let parts = rng.random_range(1..4);
    let dealt = |rows: Vec<Vec<i64>>| -> Vec<Vec<i64>> {
        let part = |p: usize| rows.iter().skip(p).step_by(parts).flatten().copied().collect();
        (0..parts).map(part).collect()
    };
    (
        dealt(edges.iter().map(|(a, b)| vec![*a, *b]).collect()),
        dealt(ids.into_iter().map(|id| vec![id]).collect()),
    )
}

/// Returns the lowest id that each vertex is connected with.
fn model(edges: &[Vec<i64>], ids: &[Vec<i64>]) -> BTreeMap<i64, i64> {
    let ends = edges.iter().flatten().chain(ids.iter().flatten());
    let mut lowest: BTreeMap<i64, i64> = ends.map(|id| (*id, *id)).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for ends in edges.iter().flat_map(|part| part.chunks(2)) {
            let least = lowest[&ends[0]].min(lowest[&ends[1]]);
            for end in ends {
                changed |= lowest.insert(*end, least) != Some(least);
            }
        }
    }
    lowest
}

fn plan(edges: &[Vec<i64>], ids: &[Vec<i64>], partitions: usize, limit: Option<u64>) -> Value {
    let step = |t: &str| json!({ "t": "engine", "step": { "t": t, "algorithm": { "name": "connectedComponents" } } });
    let structure = |key: u64, t: &str, parents: [usize; 2], wide: [bool; 2]| {
        json!({ "id": key, "key": key, "name": t, "kind": "zip", "partitions": partitions, "parents": parents, "wide": wide,
            "cached": true, "level": "MEMORY_ONLY", "op": { "t": "engine", "step": { "t": t } } })
    };
    let source = |key: u64, first: usize, rows: &[Vec<i64>]| {
        json!({ "id": key, "key": key, "name": "Source", "kind": "source", "parents": [], "partitions": rows.len(),
            "firstSource": first })
    };
    json!({
        "nodes": [source(1, 0, edges), source(2, edges.len(), ids), structure(3, "adjacency", [0, 1], [true, true]),
            structure(4, "routed", [2, 2], [false, true])],
        "root": 3,
        "action": {
            "t": "iterate", "partitions": partitions, "limit": limit, "algorithm": { "name": "connectedComponents" },
            "first": { "name": "first", "parents": [4], "wide": [false], "op": step("first") },
            "resume": { "name": "resume", "parents": [4, null], "wide": [false, false], "op": step("resume") },
            "cycle": [{ "name": "step", "parents": [4, null], "wide": [false, true], "op": step("step") }],
        },
    })
}

/// Reads a block of pairs of 32-bit numbers.
fn pairs(block: &[u8]) -> Vec<(i64, i64)> {
    let word = |at: usize| i64::from(i32::from_le_bytes(block[at..at + 4].try_into().expect("four bytes")));
    let count = word(0) as usize;
    if count == 0 {
        return vec![];
    }
    // Kind of the pairs and of the first column, then up to the next multiple of four; so again.
    assert_eq!(block[4..6], [4, 2]);
    let (ids, values) = (8, (8 + 4 * count + 1).next_multiple_of(4));
    (0..count).map(|i| (word(ids + 4 * i), word(values + 4 * i))).collect()
}

fn run(seed: u64, faults: Faults, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0x97a9);
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    let (edges, ids) = random_graph(&mut rng);
    let expected = model(&edges, &ids);
    let text = plan(&edges, &ids, rng.random_range(1..4), None);
    // The second time, the structure is there.
    for _ in 0..2 {
        let sources = edges.iter().chain(&ids);
        let sources = sources.map(|rows| rows.iter().flat_map(|x| x.to_le_bytes()).collect());
        let call = send(&mut cluster, plan_message(&text, sources.collect()), log);
        let answer = cluster.answer(call, log);
        let answer = answer.unwrap_or_else(|e| panic!("supersteps failed: {e}"));
        let found: BTreeMap<i64, i64> = answer.others.iter().flat_map(part).collect();
        assert_eq!(found, expected);
    }
}

fn part(response: &ResponseType) -> Vec<(i64, i64)> {
    match response {
        ResponseType::Extension(any) if any.type_url == RESULT_TYPE_URL => pairs(&any.value[4..]),
        _ => vec![],
    }
}

#[test]
fn supersteps_equal_the_model_in_one_job_and_in_several() {
    each_seed(150, |seed, log| run(seed, Faults::default(), log));
}

#[test]
fn supersteps_equal_the_model_though_executors_die_and_blocks_are_lost() {
    let faults = Faults { losing: 0.02, ..DEATHS };
    each_seed(150, |seed, log| run(seed, faults, log));
}
