//! Random lineages over datasets of numbers, some of them kept, and several jobs over each: every partition equals a plain-array
//! model, whoever dies, and nothing is computed again, in the same job or a later one, but for an executor that died with what
//! it had made.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use arrow::buffer::Buffer;
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::client::relation;
use super::cluster::{Cluster, Faults};
use super::graphs;
use crate::seeds::{Log, each_seed};
use rivulet::connect::protocol::RequestId;
use rivulet::exec::program::{Edge, Keep, ProgramOutput, ProgramTask};
use rivulet::ids::{DatasetId, ExecutorRef, KeptId, PartitionId, PlanId, ShuffleId};
use rivulet::proto as sc;
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::proto::relation::RelType;
use rivulet::rdd::plan::{RESULT_TYPE_URL, TYPE_URL};

/// Rows that a dataset may have before it is not multiplied any more.
const MANY: usize = 400;

/// What happened to tasks and executors, in order. Simulations run on one thread each.
#[derive(Debug, Clone, PartialEq)]
enum Event {
    Ran {
        executor: ExecutorRef,
        task: Task,
        plan: PlanId,
    },
    Kept {
        executor: ExecutorRef,
        id: KeptId,
        plan: PlanId,
    },
    Evicted(ExecutorRef, KeptId),
    Died(ExecutorRef),
    Forgot(DatasetId),
}

/// What a task is for, over all jobs: a partition of a job's result, or a map task of a shuffle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Task {
    Result { plan: PlanId, partition: PartitionId },
    Map { shuffle: ShuffleId, partition: PartitionId },
}

fn note(event: Event) {
    EVENTS.with(|events| events.borrow_mut().push(event));
}

/// Keys are not places: nothing may take one for the other.
const FIRST_KEY: usize = 1000;

thread_local! {
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

pub fn note_death(executor: ExecutorRef) {
    note(Event::Died(executor));
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
        // The function's number is what it adds.
        Some("map") => {
            let add = op["call"]["f"].as_i64().expect("a number");
            rows.iter().map(|x| x * 3 % 1000 + add).collect()
        }
        Some("filter") => rows.iter().copied().filter(|x| x % 2 == 0).collect(),
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
        node.json["key"] = json!(FIRST_KEY + at);
        node.json["cached"] = json!(rng.random_bool(0.3));
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
                0 => json!({ "t": "map", "call": { "f": rng.random_range(0..9) } }),
                2 if count(left) < MANY => json!({ "t": "flatMap", "call": { "f": 0 } }),
                _ => json!({ "t": "filter", "call": { "f": 0 } }),
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
    plans: HashMap<PlanId, Value>,
    kept: BTreeMap<KeptId, Vec<i64>>,
    tasks: usize,
}

impl Datasets {
    pub fn new(executor: ExecutorRef) -> Self {
        Self {
            executor,
            plans: HashMap::new(),
            kept: BTreeMap::new(),
            tasks: 0,
        }
    }

    pub fn load(&mut self, plan: PlanId, text: &str) {
        self.plans
            .insert(plan, serde_json::from_str(text).expect("a plan is JSON"));
    }

    pub fn unload(&mut self, plan: PlanId) {
        self.plans.remove(&plan);
    }

    pub fn kept(&self, id: KeptId) -> Option<Vec<u8>> {
        self.kept.get(&id).map(|rows| bytes(rows))
    }

    pub fn forget(&mut self, dataset: DatasetId) {
        self.kept.retain(|id, _| id.dataset != dataset);
    }

    pub fn run(&mut self, task: &ProgramTask<'_>) -> ProgramOutput {
        let (root, write) = (task.program.root, task.program.write);
        let plan = self.plans[&task.plan].clone();
        let key = |node: usize| DatasetId(plan["nodes"][node]["key"].as_u64().expect("a key"));
        let (partition, executor) = (task.partition, self.executor);
        let ran = match write {
            None => Task::Result {
                plan: task.plan,
                partition,
            },
            Some(edge) => Task::Map {
                shuffle: ShuffleId {
                    dataset: key(edge.reader),
                    parent: edge.parent,
                },
                partition,
            },
        };
        note(Event::Ran {
            executor,
            task: ran,
            plan: task.plan,
        });
        let mut pass = Pass {
            plan: &plan,
            task,
            here: &self.kept,
            made: BTreeMap::new(),
        };
        let rows = pass.compute(root, partition);
        let made = pass.made;
        let mut kept = Vec::new();
        for (id, rows) in made {
            let plan = task.plan;
            note(Event::Kept { executor, id, plan });
            let (size, block) = (rows.len() as u64 * 8, bytes(&rows));
            // Some are for the executor's file.
            let block = (id.partition.0 % 2 == 1).then_some(block);
            if block.is_none() {
                self.kept.insert(id, rows);
            }
            kept.push(Keep { id, bytes: size, block });
        }
        self.tasks += 1;
        if self.tasks.is_multiple_of(7)
            && let Some((id, _)) = self.kept.pop_first()
        {
            note(Event::Evicted(executor, id));
        }
        let Some(Edge { reader, .. }) = write else {
            return ProgramOutput {
                blocks: vec![Some(bytes(&rows))],
                rows: vec![rows.len() as u64],
                kept,
                updates: None,
            };
        };
        if let Some(dealt) = write.and_then(|edge| graphs::deal(&plan, edge, &rows)) {
            return dealt;
        }
        let partitions = index(&plan["nodes"][reader]["partitions"]);
        let mut parts = vec![Vec::new(); partitions];
        for x in rows {
            parts[deal(x, partitions)].push(x);
        }
        ProgramOutput {
            rows: parts.iter().map(|p| p.len() as u64).collect(),
            blocks: parts.iter().map(|p| (!p.is_empty()).then(|| bytes(p))).collect(),
            kept,
            updates: None,
        }
    }
}

/// One task's way down its lineage.
struct Pass<'a> {
    plan: &'a Value,
    task: &'a ProgramTask<'a>,
    here: &'a BTreeMap<KeptId, Vec<i64>>,
    made: BTreeMap<KeptId, Vec<i64>>,
}

impl Pass<'_> {
    fn compute(&mut self, at: usize, partition: PartitionId) -> Vec<i64> {
        let node = &self.plan["nodes"][at];
        if node["cached"] != json!(true) {
            return self.make(at, partition);
        }
        let dataset = DatasetId(node["key"].as_u64().expect("a key"));
        let id = KeptId { dataset, partition };
        let brought = self.task.kept.iter().find(|(k, _)| *k == id);
        if let Some((_, block)) = brought {
            return numbers(block.as_slice());
        }
        if let Some(rows) = self.here.get(&id).or(self.made.get(&id)) {
            return rows.clone();
        }
        let rows = self.make(at, partition);
        self.made.insert(id, rows.clone());
        rows
    }

    fn make(&mut self, at: usize, partition: PartitionId) -> Vec<i64> {
        let (plan, task) = (self.plan, self.task);
        let node = &plan["nodes"][at];
        let parents: Vec<usize> = node["parents"].as_array().expect("a list").iter().map(index).collect();
        let width = |node: usize| index(&plan["nodes"][node]["partitions"]);
        match node["kind"].as_str() {
            Some("source") => {
                let own = task
                    .sources
                    .iter()
                    .find(|(s, _)| (s.scan.0, s.partition) == (at, partition));
                numbers(own.expect("a source that is read comes along").1.as_slice())
            }
            Some("narrow") => step(&node["op"], &self.compute(parents[0], partition)),
            Some("union") => {
                let mut local = partition.0;
                for parent in parents {
                    if local < width(parent) {
                        return self.compute(parent, PartitionId(local));
                    }
                    local -= width(parent);
                }
                unreachable!("the partition is of one of them")
            }
            Some("coalesce") => {
                let group = node["groups"][partition.0].as_array().expect("a list");
                let parts = group
                    .iter()
                    .flat_map(|p| self.compute(parents[0], PartitionId(index(p))));
                parts.collect()
            }
            Some("cartesian") => {
                let left = self.compute(parents[0], PartitionId(partition.0 / width(parents[1])));
                product(
                    &left,
                    &self.compute(parents[1], PartitionId(partition.0 % width(parents[1]))),
                )
            }
            _ => {
                let mut rows = Vec::new();
                for (i, parent) in parents.into_iter().enumerate() {
                    if node["wide"][i] == json!(true) {
                        let edge = Edge { reader: at, parent: i };
                        let own = task
                            .shuffled
                            .iter()
                            .find(|s| (s.edge, s.partition) == (edge, partition));
                        let blocks = own.iter().flat_map(|s| &s.blocks);
                        rows.extend(blocks.flat_map(|b| numbers(b.as_slice())));
                    } else {
                        rows.extend(self.compute(parent, partition));
                    }
                }
                rows
            }
        }
    }
}

fn index(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

fn plan_of(nodes: &[Node], root: usize) -> sc::Relation {
    let nodes = &nodes[..=root];
    let text = json!({ "nodes": nodes.iter().map(|n| &n.json).collect::<Vec<_>>(), "root": root });
    let sources = nodes
        .iter()
        .filter(|n| n.json["kind"] == "source")
        .flat_map(|n| &n.rows)
        .map(|rows| bytes(rows));
    plan_message(&text, sources.collect())
}

pub fn plan_message(text: &Value, sources: Vec<Vec<u8>>) -> sc::Relation {
    let mut value = Vec::new();
    for piece in std::iter::once(text.to_string().into_bytes()).chain(sources) {
        value.extend((piece.len() as u32).to_le_bytes());
        value.extend(piece);
    }
    relation(RelType::Extension(prost_types::Any {
        type_url: TYPE_URL.into(),
        value,
    }))
}

pub fn send(cluster: &mut Cluster, plan: sc::Relation, log: &mut Log) -> RequestId {
    cluster.send_plan(Some(sc::plan::OpType::Root(plan)), log)
}

fn check(cluster: &mut Cluster, call: RequestId, expected: &Node, log: &mut Log) {
    let answer = cluster
        .answer(call, log)
        .unwrap_or_else(|e| panic!("a job failed: {e}"));
    let found: BTreeMap<usize, Vec<i64>> = answer.others.iter().filter_map(partition_of).collect();
    let expected: BTreeMap<usize, Vec<i64>> = expected.rows.iter().cloned().enumerate().collect();
    assert_eq!(found, expected);
}

/// Jobs over one lineage, one after the other; what one has made is there for the next. Between two of them a dataset is
/// forgotten.
fn run_in_turn(seed: u64, faults: Faults, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xda7a);
    EVENTS.with(|events| events.borrow_mut().clear());
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, &[], faults, log);
    let nodes = random_lineage(&mut rng);
    for turn in 0..4 {
        let root = if turn % 2 == 0 {
            nodes.len() - 1
        } else {
            rng.random_range(0..nodes.len())
        };
        let call = send(&mut cluster, plan_of(&nodes, root), log);
        check(&mut cluster, call, &nodes[root], log);
        if turn == 1 {
            let key = (FIRST_KEY + rng.random_range(0..nodes.len())) as u64;
            note(Event::Forgot(DatasetId(key)));
            let call = send(
                &mut cluster,
                plan_message(&json!({ "nodes": [], "root": 0, "forget": [key] }), vec![]),
                log,
            );
            cluster
                .answer(call, log)
                .unwrap_or_else(|e| panic!("forgetting failed: {e}"));
        }
    }
    check_runs(&EVENTS.with(|events| events.take()));
}

/// Jobs that run beside each other share executors and what they make; slow tasks are tried twice.
fn run_beside(seed: u64, faults: Faults, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0xda7a);
    let hasty = [
        ("spark.speculation", "true"),
        ("spark.speculation.quantile", "0.5"),
        ("spark.speculation.multiplier", "1"),
        ("spark.speculation.minTaskRuntime", "5"),
    ];
    let conf: &[(&str, &str)] = if seed.is_multiple_of(2) { &hasty } else { &[] };
    let mut cluster = Cluster::new(seed, 1 + (seed % 3) as u32, conf, faults, log);
    let nodes = random_lineage(&mut rng);
    let roots: Vec<usize> = (0..3).map(|_| rng.random_range(0..nodes.len())).collect();
    let calls: Vec<RequestId> = roots
        .iter()
        .map(|root| send(&mut cluster, plan_of(&nodes, *root), log))
        .collect();
    for (call, root) in calls.into_iter().zip(roots) {
        check(&mut cluster, call, &nodes[root], log);
    }
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

/// Lineage asks for a task again only where an executor died since that ran it, and for a kept partition only where nobody has
/// it.
fn check_runs(events: &[Event]) {
    let mut last: HashMap<Task, (usize, ExecutorRef, PlanId)> = HashMap::new();
    let mut begun: BTreeMap<PlanId, usize> = BTreeMap::new();
    // Who keeps a partition, and since which job.
    let mut holders: HashMap<KeptId, BTreeMap<ExecutorRef, PlanId>> = HashMap::new();
    // The driver may hear of a death two jobs late, and a task that runs again for a job whose result comes meanwhile ran for
    // nothing: what it made may be dropped, or told of too late.
    let wasted = |begun: &BTreeMap<PlanId, usize>, job: PlanId, before: usize| {
        let since = begun.range(..job).nth_back(1).map_or(0, |(_, at)| *at);
        events[since..before].iter().any(|e| matches!(e, Event::Died(_)))
    };
    for (at, event) in events.iter().enumerate() {
        if let Event::Ran { plan, .. } = event {
            begun.entry(*plan).or_insert(at);
        }
        match event {
            Event::Ran { executor, task, plan } => {
                if let Some((before, by, job)) = last.insert(*task, (at, *executor, *plan)) {
                    let died = events[before..at].contains(&Event::Died(by));
                    let late = job != *plan && wasted(&begun, job, before);
                    assert!(
                        died || late,
                        "{task:?} ran on {by:?}, which lives, and again on {executor:?}"
                    );
                }
            }
            Event::Kept { executor, id, plan } => {
                let holders = holders.entry(*id).or_default();
                // Two tasks of one job may both be on their way to it.
                let had = holders
                    .iter()
                    .find(|(_, since)| *since != plan && !wasted(&begun, **since, at));
                assert_eq!(had, None, "{id:?} is made again on {executor:?} though it is kept");
                holders.insert(*executor, *plan);
            }
            Event::Evicted(executor, id) => {
                holders.entry(*id).or_default().remove(executor);
            }
            Event::Died(executor) => holders.values_mut().for_each(|h| {
                h.remove(executor);
            }),
            Event::Forgot(key) => {
                holders.retain(|id, _| id.dataset != *key);
                last.retain(|task, _| !matches!(task, Task::Map { shuffle, .. } if shuffle.dataset == *key));
            }
        }
    }
}

#[test]
fn lineages_equal_the_model_and_nothing_is_computed_twice_over_jobs_in_turn() {
    each_seed(400, |seed, log| run_in_turn(seed, Faults::default(), log));
}

/// A task may lose its executor three times; the fourth fails its job.
pub const DEATHS: Faults = Faults {
    deaths: 3,
    dying: 0.08,
    doubling: 0.3,
    losing: 0.0,
    crashes: 0,
    crashing: 0.0,
    refusals: 0,
    refusing: 0.0,
    sink_failures: 0,
    failing: 0.0,
    jumps: 0,
    jumping: 0.0,
    slow_reads: 0.0,
};

#[test]
fn lineages_equal_the_model_though_executors_die_and_only_what_is_lost_is_computed_again() {
    each_seed(400, |seed, log| run_in_turn(seed, DEATHS, log));
}

#[test]
fn jobs_beside_each_other_share_what_they_make_though_executors_die_and_blocks_are_lost() {
    let faults = Faults { losing: 0.05, ..DEATHS };
    each_seed(400, |seed, log| run_beside(seed, faults, log));
}
