//! Deduplication, sessions, joins of two streams and functions over groups: every batch equals a model that walks over lists, at any number of state
//! partitions, whoever dies.

mod clock;
mod dedup;
mod groups;
mod idle;
mod join;
mod session;

use rand::Rng;
use rand::rngs::SmallRng;

use crate::engine::client::{options, rows, stream, with_watermark, write};
use crate::engine::cluster::{Cluster, Faults};
use crate::seeds::{Log, each_seed};
use crate::window_model::{Expected, Row};
use rivulet::connect::protocol::Input;
use rivulet::proto as sc;
use rivulet::proto::write_stream_operation_start::Trigger;

const KEYS: [Option<&str>; 4] = [Some("a"), Some("b"), Some("c"), None];

/// What a query must do with one batch after the other.
pub trait Model {
    /// One list of rows per source.
    fn batch(&mut self, input: &[Vec<Row>]) -> Expected;
    /// Whether a batch without data follows.
    fn closes_more(&self) -> bool;
    /// The query over the views `l` and `r`.
    fn query(&self) -> sc::Relation;
    /// Watermark delays of the sources, s; none has no watermark.
    fn delays(&self) -> Vec<Option<i64>>;
    fn mode(&self) -> &'static str {
        "append"
    }
}

/// A model over one source, another by every seed.
pub fn single_source(seed: u64) -> Box<dyn Model> {
    match seed % 3 {
        0 => Box::new(dedup::Dedup::of(seed / 3)),
        1 => Box::new(session::Sessions::of(seed / 3)),
        _ => Box::new(groups::Groups::of(seed / 3)),
    }
}

pub fn text(value: Option<&str>) -> &str {
    value.unwrap_or("null")
}

fn random_rows(rng: &mut SmallRng, now_s: &mut i64) -> Vec<Row> {
    (0..rng.random_range(0..9))
        .map(|_| {
            *now_s += rng.random_range(0..7);
            let time = match rng.random_range(0..24) {
                0 => None,
                1 => Some(*now_s - rng.random_range(0..200)),
                2 => Some(*now_s + rng.random_range(0..30)),
                _ => Some(*now_s - rng.random_range(0..20)),
            };
            (time, KEYS[rng.random_range(0..KEYS.len())], rng.random_range(0..4))
        })
        .collect()
}

fn json(block: &[Row]) -> Vec<u8> {
    let lines = block.iter().map(|(time, key, value)| {
        let time = time.map(|t| {
            let at = chrono::DateTime::from_timestamp(t, 0).expect("in range");
            at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        });
        serde_json::json!({ "ts": time, "k": key, "v": value }).to_string() + "\n"
    });
    lines.collect::<String>().into_bytes()
}

/// Runs a model and the engine side by side.
fn run(seed: u64, mut model: impl Model, faults: Faults, steps: usize, log: &mut Log) {
    let mut rng = <SmallRng as rand::SeedableRng>::seed_from_u64(seed ^ 0x57a7e);
    let partitions = (1 + seed % 3).to_string();
    // No limit, none of it in memory, and a little.
    let memory = ["0", "1", "8k"][seed as usize / 2 % 3];
    let conf = [
        ("spark.sql.shuffle.partitions", partitions.as_str()),
        ("spark.rivulet.executor.stateMemory", memory),
    ];
    let mut cluster = Cluster::new(seed, 1 + (seed / 3 % 3) as u32, &conf, faults, log);
    let names = ["l", "r"];
    let delays = model.delays();
    for (name, delay) in names.iter().zip(&delays) {
        let source = stream(
            "rivulet.push",
            Some("ts TIMESTAMP, k STRING, v BIGINT"),
            &[("sourceId", name), ("maxBlocksPerTrigger", "8")],
        );
        let source = match delay {
            Some(delay) => with_watermark(source, "ts", &format!("{delay} seconds")),
            None => source,
        };
        cluster.view(name, source, log).expect("a view is made");
    }
    let mut start = write(model.query(), "rivulet.foreachBatch", model.mode());
    start.options.extend(options(&[("sinkId", "sink")]));
    start.trigger = Some(Trigger::ProcessingTimeInterval("500 milliseconds".into()));
    let query = cluster.start_query(start, log).expect("the query starts");
    let mut expected: Vec<Expected> = Vec::new();
    let mut now_s = vec![rng.random_range(0..1000); delays.len()];
    for _ in 0..steps {
        cluster.drive(Input::Wake, log);
        let mut input: Vec<Vec<Row>> = vec![vec![]; delays.len()];
        for (at, name) in names.iter().enumerate().take(delays.len()) {
            // At least one source has a block.
            if at > 0 && rng.random_bool(0.3) {
                continue;
            }
            input[at] = random_rows(&mut rng, &mut now_s[at]);
            let push = Input::Push {
                source: (*name).into(),
                block: json(&input[at]).into(),
            };
            cluster.drive(push, log);
        }
        expected.push(model.batch(&input));
        while model.closes_more() {
            expected.push(model.batch(&vec![vec![]; delays.len()]));
        }
        cluster
            .process_all(&query, log)
            .unwrap_or_else(|e| panic!("the query failed: {e}"));
    }
    let progress = cluster.progress(&query);
    assert_eq!(progress.len(), expected.len(), "the batches that ran");
    for (at, (progress, expected)) in progress.iter().zip(&expected).enumerate() {
        let state = &progress["stateOperators"][0];
        let count = |name: &str| state[name].as_u64().unwrap_or(u64::MAX) as usize;
        let found = [
            count("numRowsTotal"),
            count("numRowsUpdated"),
            count("numRowsDroppedByWatermark"),
        ];
        let wanted = [expected.state_rows, expected.state_updated, expected.dropped];
        assert_eq!(found, wanted, "batch {at}: state rows, updated, dropped");
        if let Some(watermark) = progress["eventTime"]["watermark"].as_str() {
            let watermark = chrono::DateTime::parse_from_rfc3339(watermark).expect("an instant");
            assert_eq!(watermark.timestamp(), expected.watermark, "batch {at}: watermark");
        }
    }
    assert_eq!(
        cluster.batches.len(),
        expected.len(),
        "every batch reaches the sink once"
    );
    for (at, ((_, _, blocks), expected)) in cluster.batches.iter().zip(&expected).enumerate() {
        let (mut found, mut wanted) = (rows(blocks), expected.rows.clone());
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "batch {at}");
    }
}

fn cruel() -> Faults {
    Faults {
        deaths: 4,
        dying: 0.03,
        doubling: 0.2,
        losing: 0.04,
        ..Faults::default()
    }
}

#[test]
fn deduplicated_streams_equal_the_model() {
    each_seed(150, |seed, log| {
        run(seed, dedup::Dedup::of(seed), Faults::default(), 6, log)
    });
}

#[test]
fn deduplicated_streams_equal_the_model_though_executors_die() {
    each_seed(150, |seed, log| run(seed, dedup::Dedup::of(seed), cruel(), 6, log));
}

#[test]
fn session_windows_equal_the_model() {
    each_seed(150, |seed, log| {
        run(seed, session::Sessions::of(seed), Faults::default(), 6, log)
    });
}

#[test]
fn session_windows_equal_the_model_though_executors_die() {
    each_seed(150, |seed, log| run(seed, session::Sessions::of(seed), cruel(), 6, log));
}

#[test]
fn joins_of_two_streams_equal_the_model() {
    each_seed(200, |seed, log| {
        run(seed, join::StreamJoin::of(seed), Faults::default(), 6, log)
    });
}

#[test]
fn joins_of_two_streams_equal_the_model_though_executors_die() {
    each_seed(200, |seed, log| run(seed, join::StreamJoin::of(seed), cruel(), 6, log));
}

#[test]
fn functions_over_groups_equal_the_model() {
    each_seed(150, |seed, log| {
        run(seed, groups::Groups::of(seed), Faults::default(), 6, log)
    });
}

#[test]
fn functions_over_groups_equal_the_model_though_executors_die() {
    each_seed(150, |seed, log| run(seed, groups::Groups::of(seed), cruel(), 6, log));
}

#[test]
fn joined_state_survives_deaths_over_more_batches_than_one_snapshot_covers() {
    each_seed(20, |seed, log| run(seed, join::StreamJoin::of(seed), cruel(), 22, log));
}
