//! Streaming queries that meet bad data.

use serde_json::{Value, json};

use super::{is, with_cluster};
use crate::engine::client::{options, sql, stream, write};
use crate::engine::cluster::Cluster;
use crate::seeds::Log;
use rivulet::connect::protocol::Input;
use rivulet::ids::BatchId;
use rivulet::proto::streaming_query_command::Command;
use rivulet::storage::{Reply, Request, Storage};
use rivulet::streaming::query::EventKind;

/// A query over pushed records of `v INT, t STRING` into a memory table of its name.
fn start(cluster: &mut Cluster, log: &mut Log, name: &str, text: &str, mode: &str) -> String {
    let source = stream(
        "rivulet.push",
        Some("v INT, t STRING"),
        &[("sourceId", name), ("mode", mode)],
    );
    cluster.view(&format!("{name}_in"), source, log).expect("a view");
    let mut start = write(sql(&format!("{text} FROM {name}_in")), "memory", "append");
    start.query_name = name.into();
    cluster.start_query(start, log).expect("the query starts")
}

fn push(cluster: &mut Cluster, log: &mut Log, source: &str, lines: &str) {
    cluster.drive(
        Input::Push {
            source: source.into(),
            block: lines.as_bytes().to_vec().into(),
        },
        log,
    );
}

fn table(cluster: &mut Cluster, log: &mut Log, name: &str) -> Vec<String> {
    let mut rows = cluster
        .collect(sql(&format!("SELECT * FROM {name}")), log)
        .expect("the table can be read");
    rows.sort();
    rows
}

#[test]
fn an_error_of_the_data_ends_its_query_and_no_other() {
    with_cluster(|cluster, log| {
        for (text, record, cause) in [
            ("SELECT 10 / v AS x", "{\"v\":0}\n", "DIVIDE_BY_ZERO"),
            ("SELECT cast(t AS INT) AS x", "{\"t\":\"ten\"}\n", "CAST_INVALID_INPUT"),
            ("SELECT v + 2147483647 AS x", "{\"v\":1}\n", "ARITHMETIC_OVERFLOW"),
        ] {
            let (bad, good) = (
                start(cluster, log, "bad", text, "PERMISSIVE"),
                start(cluster, log, "good", "SELECT v", "PERMISSIVE"),
            );
            push(cluster, log, "good", "{\"v\":1}\n");
            push(cluster, log, "bad", record);
            is(cluster.process_all(&bad, log), "STREAM_FAILED", cause);
            is(
                cluster.query_command(&bad, Command::AwaitTermination(Default::default()), log),
                "STREAM_FAILED",
                cause,
            );
            push(cluster, log, "good", "{\"v\":2}\n");
            cluster.process_all(&good, log).expect("the other query goes on");
            assert_eq!(table(cluster, log, "good"), ["1", "2"]);
            assert_eq!(table(cluster, log, "bad"), Vec::<String>::new());
            cluster
                .query_command(&good, Command::Stop(true), log)
                .expect("it stops");
            let ends: Vec<_> = cluster
                .events
                .iter()
                .filter(|(kind, json)| *kind == EventKind::Terminated && json["id"] == bad.as_str())
                .collect();
            assert_eq!(ends.len(), 1);
            assert_eq!(ends[0].1["errorClassOnException"], cause);
        }
    });
}

#[test]
fn malformed_records_are_nulls_are_dropped_or_end_the_query_and_are_counted() {
    with_cluster(|cluster, log| {
        let lines = "{\"v\":1,\"t\":\"a\"}\n{\"v\":\n{\"v\":\"x\",\"t\":\"b\"}\nnonsense\n{\"v\":2,\"t\":\"c\"}\n";
        let query = start(cluster, log, "permissive", "SELECT v, t", "PERMISSIVE");
        push(cluster, log, "permissive", lines);
        cluster.process_all(&query, log).expect("it goes on");
        // As Spark: text that is no JSON gives a row of nulls, a field of another type gives null for that field.
        assert_eq!(
            table(cluster, log, "permissive"),
            ["1|a", "2|c", "null|b", "null|null", "null|null"]
        );
        let progress = cluster.progress(&query);
        assert_eq!(progress[0]["sources"][0]["metrics"]["malformedRecords"], "3");
        let query = start(cluster, log, "dropping", "SELECT v, t", "DROPMALFORMED");
        push(cluster, log, "dropping", lines);
        cluster.process_all(&query, log).expect("it goes on");
        assert_eq!(table(cluster, log, "dropping"), ["1|a", "2|c"]);
        let progress = cluster.progress(&query);
        assert_eq!(progress[0]["sources"][0]["metrics"]["malformedRecords"], "3");
        let query = start(cluster, log, "failing", "SELECT v, t", "FAILFAST");
        push(cluster, log, "failing", lines);
        is(
            cluster.process_all(&query, log),
            "STREAM_FAILED",
            "Malformed records are detected",
        );
        assert_eq!(
            cluster.collect(sql("SELECT 1"), log).expect("the driver goes on"),
            ["1"]
        );
    });
}

#[test]
fn malformed_records_are_written_where_the_user_wants_them_once_though_their_batch_comes_again() {
    with_cluster(|cluster, log| {
        let run = |cluster: &mut Cluster, log: &mut Log, mode: &str| {
            let wanted = [("sourceId", "s"), ("mode", mode), ("deadLetterPath", "/letters/")];
            let source = stream("rivulet.push", Some("v INT, t STRING"), &wanted);
            cluster.view("events", source, log).expect("a view");
            let mut start = write(sql("SELECT v, t FROM events"), "rivulet.foreachBatch", "append");
            start
                .options
                .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
            cluster.start_query(start, log).expect("it starts")
        };
        let written = |cluster: &mut Cluster| -> Vec<(String, Vec<Value>)> {
            let list = Request::List {
                path: "/letters".into(),
            };
            let Ok(Reply::Names(names)) = cluster.disk.perform(&list) else {
                panic!("the folder can be listed")
            };
            let read = |name: String| {
                let file = Request::Read {
                    path: format!("/letters/{name}"),
                };
                let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&file) else {
                    panic!("{name} can be read")
                };
                let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
                let lines = lines.map(|line| serde_json::from_slice(line).expect("a line of JSON"));
                (name, lines.collect())
            };
            names.into_iter().map(read).collect()
        };
        let query = run(cluster, log, "DROPMALFORMED");
        let block = b"{\"v\":1,\"t\":\"a\"}\n{\"v\":\n{\"v\":\"x\",\"t\":\"b\"}\n{\"t\":\"\xff\"}\n".to_vec();
        cluster.drive(
            Input::Push {
                source: "s".into(),
                block: block.into(),
            },
            log,
        );
        // The page's function throws: the batch is not committed, and its records are written already.
        cluster.run_until(log, |c| !c.batches.is_empty());
        let run_id = cluster
            .events
            .iter()
            .rev()
            .find_map(|(_, e)| e["runId"].as_str().map(str::to_owned));
        cluster.drive(
            Input::ForeachBatchDone {
                run: run_id.expect("a run"),
                batch_id: BatchId(0),
                lots: 1,
                job: None,
                error: Some("no".into()),
            },
            log,
        );
        is(cluster.process_all(&query, log), "STREAM_FAILED", "no");
        let query = run(cluster, log, "PERMISSIVE");
        push(cluster, log, "s", "{\"v\":2,\"t\":\"c\"}\n");
        cluster.process_all(&query, log).expect("it goes on");
        push(cluster, log, "s", "nonsense\n");
        cluster.process_all(&query, log).expect("it goes on");
        let files = written(cluster);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [format!("{query}-0-0.json"), format!("{query}-0-2.json")]);
        let of = |at: usize| -> Vec<[&Value; 4]> {
            let letters = files[at].1.iter();
            letters
                .map(|l| [&l["batch"], &l["source"], &l["record"], &l["base64"]])
                .collect()
        };
        let (source, none) = (json!("rivulet.push[s]"), Value::Null);
        let (cut, wrong) = (json!("{\"v\":"), json!("{\"v\":\"x\",\"t\":\"b\"}"));
        let bytes = json!("eyJ0Ijoi/yJ9");
        let first = [
            [&json!(0), &source, &cut, &none],
            [&json!(0), &source, &wrong, &none],
            [&json!(0), &source, &none, &bytes],
        ];
        assert_eq!(of(0), first);
        assert_eq!(of(1), [[&json!(2), &source, &json!("nonsense"), &none]]);
        let metrics = |at: usize| cluster.progress(&query)[at]["sources"][0]["metrics"]["malformedRecords"].clone();
        assert_eq!([metrics(0), metrics(1), metrics(2)], ["3", "0", "1"]);
    });
}

#[test]
fn a_function_of_foreach_batch_that_returns_after_the_stop_does_not_revive_its_query() {
    with_cluster(|cluster, log| {
        let source = stream("rivulet.push", Some("v INT"), &[("sourceId", "s")]);
        let mut start = write(source, "rivulet.foreachBatch", "append");
        start.options.extend(options(&[("sinkId", "sink")]));
        let query = cluster.start_query(start, log).expect("the query starts");
        push(cluster, log, "s", "{\"v\":1}\n");
        cluster.run_until(log, |c| !c.batches.is_empty());
        cluster
            .query_command(&query, Command::Stop(true), log)
            .expect("it stops");
        cluster.drive(
            Input::ForeachBatchDone {
                run: "another-run".into(),
                batch_id: BatchId(0),
                lots: 1,
                job: None,
                error: None,
            },
            log,
        );
        cluster.drive(
            Input::ForeachBatchDone {
                run: "another-run".into(),
                batch_id: BatchId(0),
                lots: 1,
                job: None,
                error: Some("too late".into()),
            },
            log,
        );
        cluster.drive(Input::Wake, log);
        let ends = cluster.events.iter().filter(|(kind, _)| *kind == EventKind::Terminated);
        assert_eq!(
            ends.map(|(_, json)| json["exception"].clone()).collect::<Vec<_>>(),
            [serde_json::Value::Null]
        );
    });
}
