//! Random lineages over datasets of numbers: every partition equals a plain-array model, whoever dies, and no task runs again
//! but for an executor that died with what it had made.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use arrow::buffer::Buffer;
use rand::Rng;
use rand::rngs::SmallRng;
use rivulet::connect::proto as sc;
use rivulet::connect::proto::execute_plan_response::ResponseType;
use rivulet::connect::proto::relation::RelType;
use rivulet::exec::program::{ProgramOutput, ProgramTask};
use rivulet::rdd::plan::{RESULT_TYPE_URL, TYPE_URL};
use rivulet::scheduler::ExecutorRef;
use serde_json::{Value, json};

use super::client::relation;
use super::cluster::{Cluster, Faults};
use crate::seeds::{Log, each_seed};

/// Rows that a dataset may have before it is not multiplied any more.
const MANY: usize = 400;

/// What happened to tasks and executors, in order. Simulations run on one thread each.
#[derive(Debug, Clone, PartialEq)]
enum Event {
    Ran { executor: ExecutorRef, task: Task },
    Died(ExecutorRef),
}

/// Plan, dataset, where its rows go, partition.
type Task = (u64, usize, Option<(usize, usize)>, usize);

thread_local! {
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

pub fn note_death(executor: ExecutorRef) {
    EVENTS.with(|events| events.borrow_mut().push(Event::Died(executor)));
}

/// A dataset, as plan and model know it.
struct Node {
    json: Value,
    /// Its rows by partition, as a plain program has them.
    rows: Vec<Vec<i64>>,
}

fn deal(x: i64, partitions: usize) -> usize {
    x.rem_euclid(partitions as i64) as usize
}

fn step(op: &Value, rows: &[i64]) -> Vec<i64> {
    match op["t"].as_str() {
        Some("affine") => {
            let add = op["add"].as_i64().expect("a number");
            rows.iter().map(|x| x * 3 % 1000 + add).collect()
        }
        Some("even") => rows.iter().copied().filter(|x| x % 2 == 0).collect(),
        _ => rows.iter().flat_map(|x| [*x, x + 1]).collect(),
    }
}

fn product(left: &[i64], right: &[i64]) -> Vec<i64> {
    left.iter()
        .flat_map(|a| right.iter().map(move |b| a * 31 + b))
        .collect()
}

/// A lineage of some datasets, the last of which is asked for.
fn random_lineage(rng: &mut SmallRng) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut sources = 0;
    for _ in 0..rng.random_range(1..4) {
        let rows: Vec<Vec<i64>> = (0..rng.random_range(1..4))
            .map(|_| (0..rng.random_range(0..6)).map(|_| rng.random_range(-50..50)).collect())
            .collect();
        nodes.push(Node {
            json: json!({ "kind": "source", "parents": [], "firstSource": sources }),
            rows,
        });
        sources += nodes[nodes.len() - 1].rows.len();
    }
    for _ in 0..rng.random_range(2..10) {
        let made = derive(rng, &nodes);
        nodes.push(made);
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        node.json["id"] = json!(at);
        node.json["name"] = json!(format!("{}RDD", node.json["kind"].as_str().unwrap_or_default()));
        node.json["partitions"] = json!(node.rows.len());
    }
    nodes
}

fn derive(rng: &mut SmallRng, nodes: &[Node]) -> Node {
    // Late ones more often, so that lineages get long.
    let pick = |rng: &mut SmallRng| rng.random_range(0..nodes.len()).max(rng.random_range(0..nodes.len()));
    let (a, b) = (pick(rng), pick(rng));
    let (left, right) = (&nodes[a].rows, &nodes[b].rows);
    let count = |rows: &[Vec<i64>]| rows.iter().map(Vec::len).sum::<usize>();
    match rng.random_range(0..6) {
        0 => {
            let groups: Vec<Vec<usize>> = left
                .chunks(2)
                .scan(0, |next, chunk| {
                    let first = *next;
                    *next += chunk.len();
                    Some((first..*next).collect())
                })
                .collect();
            let rows = groups
                .iter()
                .map(|g| g.iter().flat_map(|p| left[*p].clone()).collect())
                .collect();
            Node {
                json: json!({ "kind": "coalesce", "parents": [a], "groups": groups }),
                rows,
            }
        }
        1 if count(left) + count(right) < MANY && left.len() + right.len() < 9 => Node {
            json: json!({ "kind": "union", "parents": [a, b] }),
            rows: left.iter().chain(right).cloned().collect(),
        },
        2 if count(left) * count(right) < MANY && left.len() * right.len() < 9 => Node {
            json: json!({ "kind": "cartesian", "parents": [a, b] }),
            rows: left.iter().flat_map(|l| right.iter().map(|r| product(l, r))).collect(),
        },
        3 | 4 => {
            let partitions = rng.random_range(1..5);
            // A second parent moves too, or stands where it is.
            let second = rng.random_bool(0.4) && count(left) + count(right) < MANY;
            let narrow = second && right.len() == partitions && rng.random_bool(0.7);
            let (mut parents, mut wide) = (vec![a], vec![true]);
            if second {
                parents.push(b);
                wide.push(!narrow);
            }
            let rows = (0..partitions)
                .map(|p| {
                    let moved = |rows: &[Vec<i64>]| -> Vec<i64> {
                        rows.iter()
                            .flatten()
                            .copied()
                            .filter(|x| deal(*x, partitions) == p)
                            .collect()
                    };
                    let mut own = moved(left);
                    match (second, narrow) {
                        (true, true) => own.extend(&right[p]),
                        (true, false) => own.extend(moved(right)),
                        _ => {}
                    }
                    own
                })
                .collect();
            Node {
                json: json!({ "kind": "zip", "parents": parents, "wide": wide }),
                rows,
            }
        }
        _ => {
            let op = match rng.random_range(0..3) {
                0 => json!({ "t": "affine", "add": rng.random_range(0..9) }),
                1 => json!({ "t": "even" }),
                _ if count(left) < MANY => json!({ "t": "twice" }),
                _ => json!({ "t": "even" }),
            };
            let rows = left.iter().map(|rows| step(&op, rows)).collect();
            Node {
                json: json!({ "kind": "narrow", "parents": [a], "op": op }),
                rows,
            }
        }
    }
}

fn bytes(rows: &[i64]) -> Vec<u8> {
    rows.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn numbers(block: &[u8]) -> Vec<i64> {
    let word = |chunk: &[u8]| i64::from_le_bytes(chunk.try_into().expect("eight bytes"));
    block.chunks(8).map(word).collect()
}

/// Runs lineages in an executor.
pub struct Datasets {
    executor: ExecutorRef,
    plans: HashMap<u64, Value>,
}

impl Datasets {
    pub fn new(executor: ExecutorRef) -> Self {
        Self {
            executor,
            plans: HashMap::new(),
        }
    }

    pub fn load(&mut self, plan: u64, text: &str) {
        self.plans
            .insert(plan, serde_json::from_str(text).expect("a plan is JSON"));
    }

    pub fn unload(&mut self, plan: u64) {
        self.plans.remove(&plan);
    }

    pub fn run(&mut self, task: &ProgramTask<'_>) -> ProgramOutput {
        let (root, write) = (task.program.root, task.program.write);
        let event = Event::Ran {
            executor: self.executor,
            task: (task.plan, root, write, task.partition),
        };
        EVENTS.with(|events| events.borrow_mut().push(event));
        let plan = &self.plans[&task.plan];
        let rows = compute(plan, task, root, task.partition);
        let Some((reader, _)) = write else {
            return ProgramOutput {
                blocks: vec![Some(bytes(&rows))],
                rows: vec![rows.len() as u64],
            };
        };
        let partitions = plan["nodes"][reader]["partitions"].as_u64().expect("a number") as usize;
        let mut parts = vec![Vec::new(); partitions];
        for x in rows {
            parts[deal(x, partitions)].push(x);
        }
        ProgramOutput {
            rows: parts.iter().map(|p| p.len() as u64).collect(),
            blocks: parts.iter().map(|p| (!p.is_empty()).then(|| bytes(p))).collect(),
        }
    }
}

fn compute(plan: &Value, task: &ProgramTask<'_>, at: usize, partition: usize) -> Vec<i64> {
    let node = &plan["nodes"][at];
    let parents: Vec<usize> = node["parents"].as_array().expect("a list").iter().map(index).collect();
    let width = |node: usize| index(&plan["nodes"][node]["partitions"]);
    match node["kind"].as_str() {
        Some("source") => {
            let own = task.sources.iter().find(|(n, p, _)| (*n, *p) == (at, partition));
            numbers(own.expect("a source that is read comes along").2.as_slice())
        }
        Some("narrow") => step(&node["op"], &compute(plan, task, parents[0], partition)),
        Some("union") => {
            let mut local = partition;
            for parent in parents {
                if local < width(parent) {
                    return compute(plan, task, parent, local);
                }
                local -= width(parent);
            }
            unreachable!("the partition is of one of them")
        }
        Some("coalesce") => {
            let group = node["groups"][partition].as_array().expect("a list");
            group
                .iter()
                .flat_map(|p| compute(plan, task, parents[0], index(p)))
                .collect()
        }
        Some("cartesian") => product(
            &compute(plan, task, parents[0], partition / width(parents[1])),
            &compute(plan, task, parents[1], partition % width(parents[1])),
        ),
        _ => {
            let mut rows = Vec::new();
            for (i, parent) in parents.into_iter().enumerate() {
                if node["wide"][i] == json!(true) {
                    let own = task.shuffled.iter().find(|(edge, _)| *edge == (at, i, partition));
                    rows.extend(
                        own.iter()
                            .flat_map(|(_, blocks)| blocks)
                            .flat_map(|b| numbers(b.as_slice())),
                    );
                } else {
                    rows.extend(compute(plan, task, parent, partition));
                }
            }
            rows
        }
    }
}

fn index(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

fn plan_of(nodes: &[Node]) -> sc::Relation {
    let text =
        json!({ "nodes": nodes.iter().map(|n| &n.json).collect::<Vec<_>>(), "root": nodes.len() - 1 }).to_string();
    let sources = nodes
        .iter()
        .filter(|n| n.json["kind"] == "source")
        .flat_map(|n| &n.rows)
        .map(|rows| bytes(rows));
    let mut value = Vec::new();
    for piece in std::iter::once(text.into_bytes()).chain(sources) {
        value.extend((piece.len() as u32).to_le_bytes());
        value.extend(piece);
    }
    relation(RelType::Extension(prost_types::Any {
        type_url: TYPE_URL.into(),
        value,
    }))
}

fn run(seed: u64, faults: Faults, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xda7a);
    EVENTS.with(|events| events.borrow_mut().clear());
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    // Two jobs share the executors.
    let jobs: Vec<_> = (0..2)
        .map(|_| {
            let nodes = random_lineage(&mut rng);
            let call = cluster.send_plan(Some(sc::plan::OpType::Root(plan_of(&nodes))), log);
            (call, nodes)
        })
        .collect();
    for (call, nodes) in jobs {
        let answer = cluster
            .answer(call, log)
            .unwrap_or_else(|e| panic!("a job failed: {e}"));
        let found: BTreeMap<usize, Vec<i64>> = answer.others.iter().filter_map(partition_of).collect();
        let expected: BTreeMap<usize, Vec<i64>> = nodes[nodes.len() - 1].rows.iter().cloned().enumerate().collect();
        assert_eq!(found, expected);
    }
    check_runs(&EVENTS.with(|events| events.take()));
}

fn partition_of(response: &ResponseType) -> Option<(usize, Vec<i64>)> {
    let ResponseType::Extension(any) = response else {
        return None;
    };
    assert_eq!(any.type_url, RESULT_TYPE_URL);
    let (partition, block) = any.value.split_first_chunk::<4>().expect("a partition's number");
    Some((
        u32::from_le_bytes(*partition) as usize,
        numbers(Buffer::from(block.to_vec()).as_slice()),
    ))
}

/// Lineage asks for a task again only where an executor died since that ran it.
fn check_runs(events: &[Event]) {
    let mut last: HashMap<Task, (usize, ExecutorRef)> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let Event::Ran { executor, task } = event else { continue };
        if let Some((before, by)) = last.insert(*task, (at, *executor)) {
            let died = events[before..at].contains(&Event::Died(by));
            assert!(died, "{task:?} ran on {by:?}, which lives, and again on {executor:?}");
        }
    }
}

#[test]
fn lineages_equal_the_model_and_each_task_runs_once() {
    each_seed(400, |seed, log| run(seed, Faults::default(), log));
}

#[test]
fn lineages_equal_the_model_though_executors_die_and_only_what_is_lost_runs_again() {
    let faults = Faults {
        // A task may lose its executor three times; the fourth fails its job.
        deaths: 3,
        dying: 0.08,
        doubling: 0.3,
        ..Faults::default()
    };
    each_seed(400, |seed, log| run(seed, faults, log));
}
