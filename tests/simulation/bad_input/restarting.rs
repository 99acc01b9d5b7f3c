//! Checkpoints that a query cannot go on from, and what it is told then.

use arrow::buffer::Buffer;

use super::{is, with_cluster};
use crate::engine::client::{options, rows, sql, stream, with_watermark, write};
use crate::engine::cluster::Cluster;
use crate::seeds::Log;
use rivulet::connect::protocol::Input;
use rivulet::error::SparkError;
use rivulet::ids::BatchId;
use rivulet::proto::streaming_query_command::Command;
use rivulet::storage::{Request, Storage};
use rivulet::streaming::query::EventKind;

const COUNTS: &str = "SELECT k, count(*) AS n FROM events GROUP BY k";

/// Starts a query over pushed records of `ts, k, v` with a checkpoint; complete mode, rows to the page.
fn start(cluster: &mut Cluster, log: &mut Log, text: &str) -> Result<String, SparkError> {
    let schema = Some("ts TIMESTAMP, k STRING, v INT");
    let source = stream("rivulet.push", schema, &[("sourceId", "s")]);
    cluster.view("events", with_watermark(source, "ts", "10 seconds"), log)?;
    let mut start = write(sql(text), "rivulet.foreachBatch", "complete");
    start
        .options
        .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
    cluster.start_query(start, log)
}

fn push(cluster: &mut Cluster, log: &mut Log, k: &str) {
    let bytes = format!("{{\"k\":\"{k}\",\"v\":1}}\n").into_bytes();
    let source = "s".into();
    cluster.drive(
        Input::Push {
            source,
            block: bytes.into(),
        },
        log,
    );
}

fn stop(cluster: &mut Cluster, log: &mut Log, query: &str) {
    cluster
        .query_command(query, Command::Stop(true), log)
        .expect("it stops");
}

/// A checkpoint with one batch of [`COUNTS`].
fn first_run(cluster: &mut Cluster, log: &mut Log) -> String {
    let query = start(cluster, log, COUNTS).expect("it starts");
    push(cluster, log, "a");
    cluster.process_all(&query, log).expect("it runs");
    stop(cluster, log, &query);
    query
}

#[test]
fn a_restarted_query_keeps_its_id_and_its_counts() {
    with_cluster(|cluster, log| {
        let first = first_run(cluster, log);
        let second = start(cluster, log, COUNTS).expect("it starts again");
        assert_eq!(first, second);
        push(cluster, log, "a");
        cluster.process_all(&second, log).expect("it runs");
        let batches: Vec<(BatchId, Vec<String>)> = cluster.batches.iter().map(|(_, id, b)| (*id, rows(b))).collect();
        assert_eq!(
            batches,
            [
                (BatchId(0), vec!["a|1".to_owned()]),
                (BatchId(1), vec!["a|2".to_owned()])
            ]
        );
    });
}

#[test]
fn a_changed_query_is_refused_with_what_differs_and_the_old_one_still_goes_on() {
    with_cluster(|cluster, log| {
        first_run(cluster, log);
        for (text, words) in [
            (
                "SELECT v, count(*) AS n FROM events GROUP BY v",
                "[STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE]",
            ),
            (
                "SELECT v, count(*) AS n FROM events GROUP BY v",
                "Existing key_schema=struct<string> and new key_schema=struct<int>",
            ),
            (
                "SELECT k, sum(v) AS n, count(*) AS m FROM events GROUP BY k",
                "[STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE]",
            ),
        ] {
            let query = start(cluster, log, text).expect("as in Spark it starts, and ends at once");
            is(cluster.process_all(&query, log), "STREAM_FAILED", words);
        }
        // What Spark allows: another projection over the same state.
        let query = start(cluster, log, &format!("SELECT n * 10 AS t, k FROM ({COUNTS})")).expect("it starts");
        push(cluster, log, "a");
        cluster.process_all(&query, log).expect("it runs");
        let (_, id, blocks) = cluster.batches.last().expect("a batch");
        assert_eq!((*id, rows(blocks)), (BatchId(1), vec!["20|a".to_owned()]));
    });
}

#[test]
fn other_sources_are_refused_with_how_many_there_were() {
    with_cluster(|cluster, log| {
        first_run(cluster, log);
        let other = stream("rivulet.push", Some("k STRING"), &[("sourceId", "t")]);
        cluster.view("others", other, log).expect("a view");
        let text = "SELECT k, count(*) AS n FROM (SELECT k FROM events UNION ALL SELECT k FROM others) GROUP BY k";
        let query = start(cluster, log, text).expect("it starts");
        is(
            cluster.process_all(&query, log),
            "STREAM_FAILED",
            "There are [1] sources in the checkpoint offsets and now there are [2] sources requested by the query. Cannot continue.",
        );
    });
}

#[test]
fn a_damaged_or_missing_file_is_named() {
    for (file, damaged) in [
        ("/check/state/0/0/1.delta", true),
        ("/check/state/0/0/1.delta", false),
        ("/check/offsets/0", true),
        ("/check/metadata", false),
    ] {
        with_cluster(|cluster, log| {
            first_run(cluster, log);
            if damaged {
                let bytes = Buffer::from(&b"not what was written"[..]);
                cluster.disk.disk.files.insert(file.into(), bytes);
            } else {
                cluster.disk.disk.files.remove(file);
            }
            let query = start(cluster, log, COUNTS).expect("it starts");
            push(cluster, log, "a");
            is(
                cluster.process_all(&query, log),
                "STREAM_FAILED",
                "[CHECKPOINT_CORRUPT]",
            );
            let error = cluster.query_command(&query, Command::AwaitTermination(Default::default()), log);
            is(error, "STREAM_FAILED", file);
        });
    }
}

#[test]
fn a_checkpoint_that_another_driver_has_is_refused() {
    with_cluster(|cluster, log| {
        let path = "/check".to_owned();
        cluster.disk.perform(&Request::Lock { path }).expect("it is free");
        is(
            start(cluster, log, COUNTS),
            "CONCURRENT_STREAM_LOG_UPDATE",
            "Please make sure only one streaming job runs on a specific checkpoint location at a time.",
        );
    });
}

#[test]
fn a_query_of_the_same_driver_leaves_its_checkpoint_to_its_successor_unless_it_may_not() {
    with_cluster(|cluster, log| {
        let first = start(cluster, log, COUNTS).expect("it starts");
        push(cluster, log, "a");
        cluster.process_all(&first, log).expect("it runs");
        let second = start(cluster, log, COUNTS).expect("it takes over");
        assert_eq!(first, second);
        let ended = cluster
            .events
            .iter()
            .filter(|(kind, _)| *kind == EventKind::Terminated)
            .count();
        assert_eq!(ended, 1);
        stop(cluster, log, &second);
    });
}

#[test]
fn the_memory_sink_does_not_go_on_in_append_mode() {
    with_cluster(|cluster, log| {
        let run = |cluster: &mut Cluster, log: &mut Log, name: &str| {
            let source = stream("rivulet.push", Some("k STRING"), &[("sourceId", "m")]);
            cluster.view("plain", source, log).expect("a view");
            let mut start = write(sql("SELECT k FROM plain"), "memory", "append");
            start.query_name = name.into();
            start.options.insert("checkpointLocation".into(), "/memory".into());
            cluster.start_query(start, log)
        };
        let query = run(cluster, log, "one").expect("it starts");
        let bytes = b"{\"k\":\"a\"}\n".to_vec();
        cluster.drive(
            Input::Push {
                source: "m".into(),
                block: bytes.into(),
            },
            log,
        );
        cluster.process_all(&query, log).expect("it runs");
        stop(cluster, log, &query);
        is(
            run(cluster, log, "two"),
            "_LEGACY_ERROR_TEMP_1299",
            "This query does not support recovering from checkpoint location. Delete /memory/offsets to start over.",
        );
    });
}

#[test]
fn file_sinks_want_append_mode_a_path_and_a_checkpoint() {
    with_cluster(|cluster, log| {
        let source = stream("rivulet.push", Some("k STRING"), &[("sourceId", "f")]);
        cluster.view("plain", source, log).expect("a view");
        let mut run = |mode: &str, pairs: &[(&str, &str)]| {
            let mut start = write(sql("SELECT k FROM plain"), "json", mode);
            start.options.extend(options(pairs));
            cluster.start_query(start, log)
        };
        let all = [("path", "/out"), ("checkpointLocation", "/check")];
        is(
            run("update", &all),
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
            "Data Source json",
        );
        is(
            run("append", &all[1..]),
            "_LEGACY_ERROR_TEMP_2051",
            "'path' is not specified",
        );
        is(
            run("append", &all[..1]),
            "_LEGACY_ERROR_TEMP_1298",
            "checkpointLocation must be specified",
        );
    });
}

#[test]
fn a_full_disk_is_told_as_such_and_what_was_committed_is_kept() {
    with_cluster(|cluster, log| {
        let query = start(cluster, log, COUNTS).expect("it starts");
        push(cluster, log, "a");
        cluster.process_all(&query, log).expect("it runs");
        let used = cluster.disk.disk.files.values().map(Buffer::len).sum();
        cluster.disk.room = Some(used);
        push(cluster, log, "b");
        is(
            cluster.process_all(&query, log),
            "STREAM_FAILED",
            "[CHECKPOINT_QUOTA_EXCEEDED]",
        );
        cluster.disk.room = None;
        let again = start(cluster, log, COUNTS).expect("it starts again");
        cluster.process_all(&again, log).expect("it runs");
        let (_, id, blocks) = cluster.batches.last().expect("a batch");
        let mut found = rows(blocks);
        found.sort();
        // The push that found no room waited for the next run.
        assert_eq!((*id, found), (BatchId(1), vec!["a|1".to_owned(), "b|1".to_owned()]));
    });
}

#[test]
fn two_queries_of_one_page_function_are_told_apart() {
    with_cluster(|cluster, log| {
        let mut queries = Vec::new();
        for id in ["one", "two"] {
            let source = stream("rivulet.push", Some("k STRING"), &[("sourceId", id)]);
            let mut start = write(source, "rivulet.foreachBatch", "append");
            start.options.extend(options(&[("sinkId", "shared")]));
            queries.push(cluster.start_query(start, log).expect("it starts"));
        }
        for id in ["one", "two", "two"] {
            let bytes = format!("{{\"k\":\"{id}\"}}\n").into_bytes();
            cluster.drive(
                Input::Push {
                    source: id.into(),
                    block: bytes.into(),
                },
                log,
            );
        }
        for query in &queries {
            cluster.process_all(query, log).expect("it runs");
        }
        let mut found: Vec<String> = cluster.batches.iter().flat_map(|(_, _, b)| rows(b)).collect();
        found.sort();
        assert_eq!(found, ["one", "two", "two"]);
    });
}
