//! A windowed aggregation over a pushed stream: every batch equals the model's, whoever dies.

use std::collections::VecDeque;

use rand::Rng;
use rand::rngs::SmallRng;

use super::client::{rows, sql, stream, with_watermark, write};
use super::cluster::{Cluster, Faults};
use crate::seeds::{Log, each_seed};
use crate::window_model::{Expected, Model, Row};
use rivulet::connect::protocol::Input;
use rivulet::ids::BatchId;
use rivulet::proto::write_stream_operation_start::Trigger;

pub(super) const SCHEMA: &str = "ts TIMESTAMP, k STRING, v BIGINT";
const KEYS: [Option<&str>; 4] = [Some("a"), Some("b"), Some("c"), None];
const MODES: [&str; 3] = ["append", "update", "complete"];

/// What a seed decides.
pub(super) struct Plan {
    pub model: Model,
    pub partitions: String,
    pub executors: u32,
    /// Blocks that one batch takes at most.
    pub blocks: usize,
    /// With an interval all blocks of a step are there when a batch begins.
    pub interval: bool,
    memory: bool,
    checkpoint: bool,
    /// A stage that sorts follows the one with the state: only complete mode may.
    pub sorted: bool,
    steps: usize,
}

impl Plan {
    pub fn of(seed: u64, rng: &mut SmallRng, steps: usize) -> Self {
        let length = [10, 30, 60][rng.random_range(0..3)];
        let slide = if rng.random_bool(0.5) {
            length
        } else {
            length / [2, 5][rng.random_range(0..2)]
        };
        let interval = rng.random_bool(0.5);
        Self {
            model: Model::new(
                MODES[seed as usize % 3],
                length,
                slide,
                [0, 7, 45][rng.random_range(0..3)],
            ),
            partitions: (1 + seed / 3 % 3).to_string(),
            executors: 1 + (seed / 9 % 3) as u32,
            blocks: if interval { rng.random_range(1..=3) } else { 1 },
            interval,
            memory: rng.random_bool(0.3),
            checkpoint: rng.random_bool(0.3),
            sorted: seed % 3 == 2 && rng.random_bool(0.6),
            steps,
        }
    }

    pub fn query(&self) -> String {
        let window = format!(
            "window(ts, '{} seconds', '{} seconds')",
            self.model.length, self.model.slide
        );
        let order = if self.sorted { " ORDER BY at, k" } else { "" };
        format!(
            "SELECT cast(cast(w.start AS BIGINT) AS STRING) AS at, k, n, s FROM (SELECT {window} AS w, k, count(*) AS n, sum(v) AS s \
             FROM events GROUP BY {window}, k){order}"
        )
    }
}

/// Rows around a time that moves on; some late, some far ahead, some null. Times are from 1970 on, where watermarks begin.
pub fn random_block(rng: &mut SmallRng, now_s: &mut i64) -> Vec<Row> {
    let count = rng.random_range(0..12);
    (0..count)
        .map(|_| {
            *now_s += rng.random_range(0..6);
            let time = match rng.random_range(0..20) {
                0 => None,
                1 => Some(*now_s - rng.random_range(0..300)),
                2 => Some(*now_s + rng.random_range(0..40)),
                _ => Some(*now_s - rng.random_range(0..20)),
            };
            (time, KEYS[rng.random_range(0..KEYS.len())], rng.random_range(-50..50))
        })
        .collect()
}

pub(super) fn json(block: &[Row]) -> Vec<u8> {
    let lines = block.iter().map(|(time, key, value)| {
        let time = time.map(|t| {
            format!(
                "{}Z",
                chrono::DateTime::from_timestamp(t, 0)
                    .expect("in range")
                    .format("%Y-%m-%dT%H:%M:%S")
            )
        });
        serde_json::json!({ "ts": time, "k": key, "v": value }).to_string() + "\n"
    });
    lines.collect::<String>().into_bytes()
}

fn run(seed: u64, faults: Faults, steps: usize, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0x5eed);
    let mut plan = Plan::of(seed, &mut rng, steps);
    let conf = [("spark.sql.shuffle.partitions", plan.partitions.as_str())];
    let mut cluster = Cluster::new(seed, plan.executors, &conf, faults, log);
    let blocks = plan.blocks.to_string();
    let source = stream(
        "rivulet.push",
        Some(SCHEMA),
        &[("sourceId", "s"), ("maxBlocksPerTrigger", &blocks)],
    );
    let delay = format!("{} seconds", plan.model.delay);
    cluster
        .view("events", with_watermark(source, "ts", &delay), log)
        .expect("a view is made");
    let format = if plan.memory { "memory" } else { "rivulet.foreachBatch" };
    let mut start = write(sql(&plan.query()), format, plan.model.mode);
    start.query_name = "result".into();
    if !plan.memory {
        start.options.insert("sinkId".into(), "sink".into());
    }
    if plan.checkpoint {
        start.options.insert("checkpointLocation".into(), "/check".into());
    }
    start.trigger = plan
        .interval
        .then(|| Trigger::ProcessingTimeInterval("500 milliseconds".into()));
    let query = cluster.start_query(start, log).expect("the query starts");
    let mut expected: Vec<Expected> = Vec::new();
    let mut now_s = rng.random_range(0..2000);
    for _ in 0..plan.steps {
        cluster.drive(Input::Wake, log);
        let mut queue: VecDeque<Vec<Row>> = (0..rng.random_range(1..4))
            .map(|_| random_block(&mut rng, &mut now_s))
            .collect();
        for block in &queue {
            cluster.drive(
                Input::Push {
                    source: "s".into(),
                    block: json(block).into(),
                },
                log,
            );
        }
        while !queue.is_empty() || plan.model.closes_more() {
            let taken = queue.len().min(plan.blocks);
            let input: Vec<Row> = queue.drain(..taken).flatten().collect();
            expected.push(plan.model.batch(&input));
        }
        cluster
            .process_all(&query, log)
            .unwrap_or_else(|e| panic!("the query failed: {e}"));
    }
    compare(&mut cluster, &query, &plan, &expected, log);
}

fn compare(cluster: &mut Cluster, query: &str, plan: &Plan, expected: &[Expected], log: &mut Log) {
    let progress = cluster.progress(query);
    let ids: Vec<i64> = progress.iter().map(|p| p["batchId"].as_i64().unwrap_or(-1)).collect();
    assert_eq!(
        ids,
        (0..expected.len() as i64).collect::<Vec<_>>(),
        "the batches that ran"
    );
    for (at, (progress, expected)) in progress.iter().zip(expected).enumerate() {
        let watermark = progress["eventTime"]["watermark"].as_str().unwrap_or_default();
        let watermark = chrono::DateTime::parse_from_rfc3339(watermark)
            .expect("a watermark is an instant")
            .timestamp();
        let state = &progress["stateOperators"][0];
        let count = |name: &str| state[name].as_u64().unwrap_or(u64::MAX) as usize;
        let found = (
            watermark,
            count("numRowsTotal"),
            count("numRowsUpdated"),
            count("numRowsDroppedByWatermark"),
        );
        let wanted = (
            expected.watermark,
            expected.state_rows,
            expected.state_updated,
            expected.dropped,
        );
        assert_eq!(found, wanted, "batch {at}: watermark, state rows, updated, dropped");
    }
    if plan.memory {
        let mut found = cluster
            .collect(sql("SELECT * FROM result"), log)
            .expect("the memory table can be read");
        found.sort();
        let batches = if plan.model.mode == "complete" {
            &expected[expected.len() - 1..]
        } else {
            expected
        };
        let mut wanted: Vec<String> = batches.iter().flat_map(|b| b.rows.clone()).collect();
        wanted.sort();
        assert_eq!(found, wanted, "the memory table");
        return;
    }
    assert_eq!(
        cluster.batches.len(),
        expected.len(),
        "every batch reaches the sink once"
    );
    for (at, ((_, id, blocks), expected)) in cluster.batches.iter().zip(expected).enumerate() {
        let mut found = rows(blocks);
        found.sort();
        assert_eq!((*id, found), (BatchId(at as i64), expected.rows.clone()), "batch {at}");
    }
}

#[test]
fn windowed_streams_equal_the_model_batch_by_batch() {
    each_seed(300, |seed, log| run(seed, Faults::default(), 5, log));
}

#[test]
fn windowed_streams_equal_the_model_though_executors_die_and_messages_come_twice() {
    each_seed(300, |seed, log| {
        run(
            seed,
            Faults {
                deaths: 3,
                dying: 0.04,
                doubling: 0.2,
                losing: 0.05,
                ..Faults::default()
            },
            5,
            log,
        )
    });
}

#[test]
fn state_survives_deaths_over_more_batches_than_one_snapshot_covers() {
    each_seed(30, |seed, log| {
        run(
            seed,
            Faults {
                deaths: 8,
                dying: 0.02,
                doubling: 0.1,
                losing: 0.02,
                ..Faults::default()
            },
            20,
            log,
        )
    });
}

/// Returns how many tasks each step of a windowed stream sends to executors; a step is a row at a time, and what it closes.
fn tasks_of(checkpoint: bool, mode: &str, times_s: &[i64], log: &mut Log) -> Vec<usize> {
    let conf = [("spark.sql.shuffle.partitions", "3")];
    let mut cluster = Cluster::new(1, 3, &conf, Faults::default(), log);
    let source = stream("rivulet.push", Some(SCHEMA), &[("sourceId", "s")]);
    cluster
        .view("events", with_watermark(source, "ts", "0 seconds"), log)
        .expect("a view is made");
    let query = "SELECT k, count(*) AS n FROM events GROUP BY window(ts, '10 seconds'), k";
    let mut start = write(sql(query), "rivulet.foreachBatch", mode);
    start.options.insert("sinkId".into(), "sink".into());
    if checkpoint {
        start.options.insert("checkpointLocation".into(), "/check".into());
    }
    let query = cluster.start_query(start, log).expect("the query starts");
    let step = |time_s: &i64| {
        let before = cluster.tasks;
        let block = json(&[(Some(*time_s), Some("a"), 1)]).into();
        cluster.drive(
            Input::Push {
                source: "s".into(),
                block,
            },
            log,
        );
        cluster.process_all(&query, log).expect("the query continues");
        cluster.tasks - before
    };
    let tasks = times_s.iter().map(step).collect();
    let ids: Vec<BatchId> = cluster.batches.iter().map(|(_, id, _)| *id).collect();
    let last = cluster.progress(&query).len() as i64;
    assert_eq!(
        ids,
        (0..last).map(BatchId).collect::<Vec<_>>(),
        "each batch reaches the sink"
    );
    tasks
}

#[test]
fn only_tasks_with_rows_or_with_state_that_closes_go_to_executors() {
    each_seed(1, |_, log| {
        // One map task of three has the block. The first batch makes the state of all partitions; later only that of the key has
        // rows. A batch without data follows when the watermark has moved: nothing closes at 1, 2 and 13 s, one window at 12.
        assert_eq!(tasks_of(false, "update", &[1, 2, 2, 12, 13], log), [4, 2, 2, 3, 2]);
        assert_eq!(tasks_of(false, "append", &[1, 2, 2, 12, 13], log), [4, 2, 2, 3, 2]);
        // All of the state leaves in each batch, and no batch without data follows.
        assert_eq!(tasks_of(false, "complete", &[1, 2], log), [4, 4]);
        // A checkpoint has a change of each partition in each batch.
        assert_eq!(tasks_of(true, "update", &[1, 2, 2], log), [7, 7, 4]);
    });
}
