//! What comes of silence: timeouts of processing time without data, and a source that does not hold the watermark for ever.

use super::json;
use crate::engine::client::{options, rows, sql, stream, with_watermark, write};
use crate::engine::cluster::{Cluster, Faults};
use crate::engine::functions::sums_until_idle;
use crate::seeds::{Log, deep};
use crate::window_model::Row;
use rivulet::connect::protocol::Input;
use rivulet::ids::BatchId;
use rivulet::proto as sc;
use rivulet::proto::write_stream_operation_start::Trigger;

const SCHEMA: &str = "ts TIMESTAMP, k STRING, v BIGINT";

fn pushed(name: &str) -> sc::Relation {
    stream("rivulet.push", Some(SCHEMA), &[("sourceId", name)])
}

fn push(cluster: &mut Cluster, name: &str, row: Row, log: &mut Log) {
    let input = Input::Push {
        source: name.into(),
        block: json(&[row]).into(),
    };
    cluster.drive(input, log);
}

fn start(cluster: &mut Cluster, query: sc::Relation, interval: Option<&str>, log: &mut Log) -> String {
    let mut start = write(query, "rivulet.foreachBatch", "update");
    start.options.extend(options(&[("sinkId", "sink")]));
    start.trigger = interval.map(|i| Trigger::ProcessingTimeInterval(i.into()));
    cluster.start_query(start, log).expect("the query starts")
}

/// Rows of the batches that had any, with the time of each batch, ms.
fn batches(cluster: &Cluster, query: &str) -> Vec<(i64, Vec<String>)> {
    let progress = cluster.progress(query);
    let time = |batch: BatchId| {
        let own = progress
            .iter()
            .find(|p| p["batchId"] == batch.0)
            .expect("a batch has progress");
        let at = chrono::DateTime::parse_from_rfc3339(own["timestamp"].as_str().expect("a time"));
        at.expect("an instant").timestamp_millis()
    };
    let all = cluster.batches.iter().map(|(_, batch, blocks)| (*batch, rows(blocks)));
    all.filter(|(_, rows)| !rows.is_empty())
        .map(|(batch, rows)| (time(batch), rows))
        .collect()
}

/// One key, then silence: its timeout of two seconds comes by itself, in a batch as far behind as the trigger allows.
fn times_out(interval: Option<&str>, between_ms: i64) {
    deep(|| {
        let mut log = Log::default();
        let mut cluster = Cluster::new(7, 2, &[], Faults::default(), &mut log);
        let query = start(&mut cluster, sums_until_idle(pushed("s"), 2), interval, &mut log);
        push(&mut cluster, "s", (Some(100), Some("a"), 5), &mut log);
        // Batches without data go on, and are none that anybody waits for.
        cluster.process_all(&query, &mut log).expect("it runs");
        cluster.run_until(&mut log, |c| {
            let all = c.batches.iter().flat_map(|(_, _, blocks)| rows(blocks));
            all.filter(|row| row.ends_with("timeout")).count() > 0 && c.progress(&query).len() >= c.batches.len()
        });
        let found = batches(&cluster, &query);
        let texts: Vec<&str> = found.iter().flat_map(|(_, rows)| rows).map(String::as_str).collect();
        assert_eq!(texts, ["a|1|5|data", "a|1|5|timeout"]);
        let waited_ms = found[1].0 - found[0].0;
        assert!((2001..2001 + 2 * between_ms).contains(&waited_ms), "{waited_ms} ms");
        let count = cluster.batches.len() as i64;
        assert!(
            count >= 3 && count <= 3 + waited_ms / between_ms,
            "{count} batches in {waited_ms} ms"
        );
    });
}

#[test]
fn a_timeout_of_processing_time_needs_no_data_and_keeps_no_core_busy() {
    times_out(None, 100);
    times_out(Some("500 milliseconds"), 500);
}

#[test]
fn a_silent_source_holds_the_watermark_until_it_is_idle_for_too_long() {
    for (timeout, advances) in [(None, false), (Some("3 seconds"), true)] {
        deep(|| {
            let mut log = Log::default();
            let conf: Vec<(&str, &str)> = timeout
                .map(|t| ("spark.rivulet.streaming.idleSourceTimeout", t))
                .into_iter()
                .collect();
            let mut cluster = Cluster::new(3, 2, &conf, Faults::default(), &mut log);
            for name in ["l", "r"] {
                let marked = with_watermark(pushed(name), "ts", "10 seconds");
                cluster.view(name, marked, &mut log).expect("a view");
            }
            let both = sql(
                "SELECT window(ts, '10 seconds') AS w, count(*) AS n FROM (SELECT ts FROM l UNION ALL SELECT ts FROM r) GROUP BY 1",
            );
            let query = start(&mut cluster, both, None, &mut log);
            let mut step = |cluster: &mut Cluster, s: i64| {
                push(cluster, "l", (Some(s), Some("a"), 1), &mut log);
                cluster.process_all(&query, &mut log).expect("it runs");
                let progress = cluster.progress(&query);
                let last = progress.last().expect("a batch has run");
                last["eventTime"]["watermark"].as_str().expect("a watermark").to_owned()
            };
            assert_eq!(step(&mut cluster, 1000), "1970-01-01T00:00:00.000Z");
            cluster.network.now_ms += 3_500;
            let expected = if advances {
                "1970-01-01T00:33:10.000Z"
            } else {
                "1970-01-01T00:00:00.000Z"
            };
            assert_eq!(step(&mut cluster, 2000), expected);
        });
    }
}
