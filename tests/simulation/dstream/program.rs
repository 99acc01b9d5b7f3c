//! The program that the simulation runs, and what its datasets hold: a small interpreter of plans.

use std::collections::{BTreeMap, BTreeSet};

use arrow::buffer::Buffer;
use rivulet::dstream::graph::{Stream, StreamId};
use rivulet::ids::DatasetId;
use rivulet::rdd::dataset::Dataset;
use rivulet::rdd::op::Op;
use rivulet::rdd::plan::Kind;
use serde_json::{Value, json};

pub const BATCH_MS: i64 = 100;

/// The program's functions, by number.
pub const PAIR: usize = 0;
pub const ADD: usize = 1;
pub const SUBTRACT: usize = 2;
pub const KEEP: usize = 3;
pub const UPDATE: usize = 4;
pub const MAP_STATE: usize = 5;

/// Records by key, merged over windows anew and by an inverse, in states of both kinds, and files of a folder.
pub fn program() -> Vec<Stream> {
    let by_key =
        json!({"t": "combine", "aggregate": {"t": "reduce", "merge": {"f": ADD}}, "by": null, "mapSide": true});
    let input = |kind: &str, input: Value| json!({"kind": kind, "slideMs": BATCH_MS, "parents": [], "level": null, "how": {"t": "input", "input": input, "recovers": true}});
    let made = |kind: &str, parent: usize, slide_ms: i64, how: Value| {
        let kept = how["t"] != "transformed";
        json!({"kind": kind, "slideMs": slide_ms, "parents": [parent], "level": if kept { json!("MEMORY_ONLY") } else { Value::Null },
               "how": how, "checkpointMs": 3 * BATCH_MS})
    };
    let steps = |steps: Value| json!({"t": "transformed", "head": {"t": "parent"}, "steps": steps});
    let streams = json!([
        input("iterable", json!("blocks")),
        made(
            "transformed",
            0,
            BATCH_MS,
            steps(json!([{"t": "narrow", "op": {"t": "map", "call": {"f": PAIR}}}]))
        ),
        made("transformed", 1, BATCH_MS, steps(json!([by_key]))),
        made(
            "windowed",
            2,
            2 * BATCH_MS,
            json!({"t": "windowed", "windowMs": 3 * BATCH_MS})
        ),
        made("transformed", 3, 2 * BATCH_MS, steps(json!([by_key]))),
        made(
            "reducedWindow",
            2,
            BATCH_MS,
            json!({"t": "reduced", "windowMs": 5 * BATCH_MS, "merge": {"f": ADD}, "inverse": {"f": SUBTRACT},
                                           "keep": {"f": KEEP}, "by": 2})
        ),
        made(
            "stateByKey",
            1,
            BATCH_MS,
            json!({"t": "stateByKey", "update": {"f": UPDATE}, "by": 3, "initial": null})
        ),
        made(
            "mapWithState",
            1,
            BATCH_MS,
            json!({"t": "mapWithState", "map": {"f": MAP_STATE}, "by": null, "initial": null, "timeoutMs": 4 * BATCH_MS})
        ),
        input("textFile", json!("datasets")),
        input("receiver", json!({"receiver": {"class": 0}})),
    ]);
    serde_json::from_value(streams).unwrap()
}

/// Streams whose datasets are outputs.
pub const OUTPUTS: [StreamId; 7] = [
    StreamId(0),
    StreamId(4),
    StreamId(5),
    StreamId(6),
    StreamId(7),
    StreamId(8),
    RECEIVED,
];

/// The stream of a receiver of the user's.
pub const RECEIVED: StreamId = StreamId(9);

pub fn block(rows: &[Value]) -> Buffer {
    Buffer::from(serde_json::to_vec(rows).unwrap())
}

/// What datasets hold, by their numbers: those of one life.
pub type Known = BTreeMap<DatasetId, Vec<Value>>;

/// What a dataset holds, in any order.
pub fn rows(dataset: &Dataset, known: &mut Known) -> Vec<Value> {
    let key = dataset.key().unwrap();
    if let Some(found) = known.get(&key) {
        return found.clone();
    }
    let found = made(dataset, known);
    known.insert(key, found.clone());
    found
}

pub fn made(dataset: &Dataset, known: &mut Known) -> Vec<Value> {
    let definition = dataset.definition();
    let mut parents: Vec<Vec<Value>> = definition.parents.iter().map(|p| rows(p, known)).collect();
    let mut all = match definition.node.kind {
        Kind::Source => definition
            .sources
            .iter()
            .flat_map(|b| serde_json::from_slice::<Vec<Value>>(b).unwrap())
            .collect(),
        _ if matches!(definition.node.op, Some(Op::Cogroup | Op::Join { .. })) => vec![],
        _ => parents.concat(),
    };
    let int = |v: &Value| v.as_i64().unwrap();
    if let Some(op) = &definition.node.op {
        all = match op {
            Op::Map { call } if call.f == PAIR => all.iter().map(|n| json!([int(n) % 5, 1])).collect(),
            Op::Filter { call } if call.f == KEEP => all.into_iter().filter(|row| int(&row[1]) > 0).collect(),
            Op::Combine { .. } => {
                let mut sums = BTreeMap::<i64, i64>::new();
                all.iter()
                    .for_each(|row| *sums.entry(int(&row[0])).or_default() += int(&row[1]));
                sums.iter().map(|(k, n)| json!([k, n])).collect()
            }
            Op::Cogroup => {
                let (came, before) = (parents.pop().unwrap(), parents.pop().unwrap());
                let keys: BTreeSet<i64> = came.iter().chain(&before).map(|row| int(&row[0])).collect();
                let of = |rows: &[Value], k: i64| -> Vec<Value> {
                    rows.iter()
                        .filter(|row| int(&row[0]) == k)
                        .map(|row| row[1].clone())
                        .collect()
                };
                keys.iter()
                    .map(|k| json!([k, [of(&before, *k), of(&came, *k)]]))
                    .collect()
            }
            Op::Join { .. } => {
                let (right, left) = (parents.pop().unwrap(), parents.pop().unwrap());
                let of = |k: &Value| right.iter().find(|row| row[0] == *k).map(|row| row[1].clone());
                left.iter().map(|row| json!([row[0], [row[1], of(&row[0])]])).collect()
            }
            Op::Invert { call } if call.f == SUBTRACT => all
                .iter()
                .map(|row| json!([row[0], int(&row[1][0]) - row[1][1].as_i64().unwrap_or(0)]))
                .collect(),
            Op::UpdateState { call } if call.f == UPDATE => all
                .iter()
                .map(|row| {
                    let old = row[1][0][0].as_i64().unwrap_or(0);
                    json!([row[0], old + row[1][1].as_array().unwrap().len() as i64])
                })
                .collect(),
            Op::Stamped { time_ms } => all.iter().map(|row| json!([row[0], [row[1], time_ms]])).collect(),
            Op::Tagged { tag } => all
                .iter()
                .filter(|row| row[0] == json!(tag))
                .map(|row| row[1].clone())
                .collect(),
            Op::MapStates {
                call,
                time_ms,
                timeout_ms,
            } if call.f == MAP_STATE => all
                .iter()
                .flat_map(|row| map_state(row, *time_ms, timeout_ms.unwrap()))
                .collect(),
            other => panic!("the program has no {other:?}"),
        };
    }
    all
}

/// Counts the records of a key; a state that times out says what it was, below zero.
pub fn map_state(row: &Value, time_ms: i64, timeout_ms: i64) -> Vec<Value> {
    let (k, came) = (&row[0], row[1][1].as_array().unwrap().len() as i64);
    let old = row[1][0]
        .get(0)
        .map(|state| (state[0].as_i64().unwrap(), state[1].as_i64().unwrap()));
    match (old, came) {
        (Some((n, at)), 0) if time_ms - at > timeout_ms => vec![json!([1, [k, -n]])],
        (Some((n, at)), 0) => vec![json!([0, [k, [n, at]]])],
        (old, came) => {
            let n = old.map_or(0, |(n, _)| n) + came;
            vec![json!([0, [k, [n, time_ms]]]), json!([1, [k, n]])]
        }
    }
}

pub fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}
