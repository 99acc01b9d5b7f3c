//! The checkpoint protocol by itself, fast enough for a hundred thousand lives: the query loop, recovery, logs, state files
//! and write-ahead log are the engine's; jobs are done by the model, from state that it reads back from its files.

mod state;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use prost::Message;

use self::world::World;
use crate::engine::client::{sql, stream, with_watermark};
use crate::engine::cluster::Injected;
use crate::seeds::{deep, each_seed};
use rivulet::compile::job::JobSpec;
use rivulet::exec::stage::StageGraph;
use rivulet::plan::output_mode::OutputMode;
use rivulet::settings::Conf;

/// Plans of the query, by output mode and number of state partitions: their stages never run, but the query loop reads
/// from them what it has to log.
struct Plans(BTreeMap<(&'static str, usize), Plan>);

type Plan = (OutputMode, Conf, Arc<StageGraph>);

impl Plans {
    fn new() -> Self {
        let source = stream("websocket", Some("ts TIMESTAMP, k STRING"), &[("url", "ws://server")]);
        let events = with_watermark(source, "ts", "10 seconds");
        let mut plans = BTreeMap::new();
        for (word, mode) in [
            ("append", OutputMode::Append),
            ("update", OutputMode::Update),
            ("complete", OutputMode::Complete),
        ] {
            for partitions in 1..=3 {
                let mut conf = Conf::default();
                conf.values
                    .insert("spark.sql.shuffle.partitions".into(), partitions.to_string());
                let text = "SELECT window(ts, '10 seconds') AS w, k, count(*) AS n FROM events GROUP BY window(ts, '10 seconds'), k";
                let spec = JobSpec {
                    relation: sql(text).encode_to_vec(),
                    conf: conf.clone(),
                    views: BTreeMap::from([("events".into(), events.encode_to_vec().into())]),
                    now_us: 0,
                    mode: Some(mode),
                    files: BTreeMap::new(),
                    models: BTreeMap::new(),
                    tables: Default::default(),
                };
                let graph = Arc::new(spec.compile().expect("the plan compiles"));
                plans.insert((word, partitions), (mode, conf, graph));
            }
        }
        Self(plans)
    }
}

#[test]
fn checkpoints_give_each_record_to_the_sink_once_whatever_dies_tears_or_throws() {
    let totals = Mutex::new((0u64, 0u64, Injected::default(), 0u64, 0u64));
    deep(|| {
        let plans = Plans::new();
        each_seed(4000, |seed, log| {
            let mut world = World::new(seed, &plans);
            world.live(log);
            world.compare();
            let mut totals = totals.lock().expect("no panic holds it");
            totals.0 += 1;
            totals.1 += world.batches();
            totals.2.add(world.injected());
            totals.3 += world.jobs_ahead;
            totals.4 += world.deaths;
        });
    });
    let totals = totals.into_inner().expect("no panic holds it");
    assert!(totals.3 > 0, "no job ran ahead");
    assert!(totals.4 > 0, "no record killed");
    if std::env::var_os("RIVULET_SIM_REPORT").is_some() {
        let (seeds, batches, made, ahead, deaths) = totals;
        println!("SIMULATED protocol seeds={seeds} batches={batches} ahead={ahead} deaths={deaths} {made}");
    }
}
