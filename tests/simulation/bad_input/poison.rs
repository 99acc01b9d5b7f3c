//! Records that end every executor that reads them: a restart goes on without them, and all else is counted once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::{is, with_cluster, with_conf};
use crate::engine::client::{options, relation, rows, sql, stream, write};
use crate::engine::cluster::{Cluster, Faults};
use crate::engine::functions::{PANICS_AT, running_sums};
use crate::seeds::{Log, deep};
use rivulet::connect::protocol::Input;
use rivulet::error::SparkError;
use rivulet::ids::BatchId;
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;
use rivulet::storage::{Reply, Request, Storage};
use rivulet::streaming::query::EventKind;
use rivulet::values::base64::from_base64;
use rivulet::values::ipc;

const POISON: &[u8] = b"poison";

/// Counts and sums by k of the first row of each id: deduplication, and an aggregation after it.
fn start(cluster: &mut Cluster, log: &mut Log) -> Result<String, SparkError> {
    let source = stream("rivulet.push", Some("id INT, k STRING, v INT"), &[("sourceId", "s")]);
    let once = relation(RelType::Deduplicate(Box::new(sc::Deduplicate {
        input: Some(Box::new(source)),
        column_names: vec!["id".into()],
        ..Default::default()
    })));
    cluster.view("events", once, log)?;
    let text = "SELECT k, count(*) AS n, sum(v) AS s FROM events GROUP BY k";
    let mut start = write(sql(text), "rivulet.foreachBatch", "complete");
    start
        .options
        .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
    cluster.start_query(start, log)
}

/// A row, and whether it kills.
type Row = (i32, &'static str, i32, bool);

fn push(cluster: &mut Cluster, log: &mut Log, rows: &[Row]) {
    let lines = rows.iter().map(|(id, k, v, kills)| {
        let note = if *kills { "poison" } else { "fine" };
        json!({ "id": id, "k": k, "v": v, "note": note }).to_string() + "\n"
    });
    let block = lines.collect::<String>().into_bytes().into();
    let source = "s".into();
    cluster.drive(Input::Push { source, block }, log);
}

/// What complete mode says of rows, but for those that kill.
fn model(blocks: &[&[Row]]) -> Vec<String> {
    let (mut seen, mut groups) = (BTreeSet::new(), BTreeMap::new());
    for (id, k, v, _) in blocks.iter().copied().flatten().filter(|(.., kills)| !kills) {
        if seen.insert(id) {
            let group: &mut (i64, i64) = groups.entry(k).or_default();
            *group = (group.0 + 1, group.1 + i64::from(*v));
        }
    }
    groups.iter().map(|(k, (n, s))| format!("{k}|{n}|{s}")).collect()
}

/// The sink's rows of each batch: a batch that comes again has the same.
fn output(cluster: &Cluster) -> BTreeMap<BatchId, Vec<String>> {
    let mut found = BTreeMap::new();
    for (_, batch, blocks) in &cluster.batches {
        let mut rows = rows(blocks);
        rows.sort();
        if let Some(before) = found.insert(*batch, rows.clone()) {
            assert_eq!(before, rows, "batch {batch} came again with other rows");
        }
    }
    found
}

/// The files of a folder of the checkpoint, by name.
fn files(cluster: &mut Cluster, folder: &str) -> BTreeMap<String, String> {
    let path = format!("/check/{folder}");
    let Ok(Reply::Names(names)) = cluster.disk.perform(&Request::List { path: path.clone() }) else {
        panic!("{path} can be listed")
    };
    let mut found = BTreeMap::new();
    for name in names {
        let file = Request::Read {
            path: format!("{path}/{name}"),
        };
        if let Ok(Reply::Bytes(Some(bytes))) = cluster.disk.perform(&file) {
            found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    found
}

/// The records that are set aside.
fn letters(cluster: &mut Cluster) -> Vec<Value> {
    let files = files(cluster, "deadLetters");
    files
        .values()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// One life: whether all was processed, or the error that ended the query.
fn live(cluster: &mut Cluster, log: &mut Log) -> Result<String, SparkError> {
    cluster.crashed = false;
    let query = start(cluster, log)?;
    cluster.process_all(&query, log)?;
    Ok(query)
}

const FIRST: &[Row] = &[(1, "a", 10, false), (2, "b", 20, false)];
const SECOND: &[&[Row]] = &[
    &[(3, "a", 1, false), (4, "c", 5, false), (1, "a", 99, false)],
    &[
        (5, "b", 7, false),
        (6, "a", 1000, true),
        (7, "c", 3, false),
        (8, "d", 2, false),
    ],
    &[(9, "a", 4, false), (4, "c", 77, false)],
];
/// The id of the record that killed comes again: nothing remembers it.
const THIRD: &[Row] = &[(6, "a", 6, false), (5, "b", 88, false), (10, "d", 1, false)];

fn panic_cause() -> Option<SparkError> {
    Some(SparkError::panic("index out of bounds"))
}

/// A batch that is committed, then blocks of which one kills; the first death ends the query.
fn first_death(cluster: &mut Cluster, log: &mut Log, blocks: &[&[Row]], cause: Option<SparkError>) {
    let query = start(cluster, log).expect("it starts");
    push(cluster, log, FIRST);
    cluster.process_all(&query, log).expect("it runs");
    cluster.poison = Some((POISON.to_vec(), cause.clone()));
    blocks.iter().for_each(|block| push(cluster, log, block));
    let condition = cause
        .and_then(|c| c.condition)
        .unwrap_or_else(|| "EXECUTORS_LOST".into());
    is(cluster.process_all(&query, log), "STREAM_FAILED", &condition);
}

/// Ends: the rows of all blocks are counted once, one record is set aside, and its batch says so.
fn check(cluster: &mut Cluster, log: &mut Log) {
    let query = live(cluster, log).expect("it goes on");
    push(cluster, log, THIRD);
    cluster.process_all(&query, log).expect("it goes on");
    let found = output(cluster);
    let all: Vec<&[Row]> = [&[FIRST], SECOND, &[THIRD]].concat();
    assert_eq!(found.values().last().expect("a batch"), &model(&all));
    let ids: Vec<i64> = found.keys().map(|batch| batch.0).collect();
    assert_eq!(
        ids,
        (0..found.len() as i64).collect::<Vec<_>>(),
        "batches follow one another"
    );
    let aside = letters(cluster);
    assert_eq!(aside.len(), 1, "{aside:?}");
    let record: Value = serde_json::from_str(aside[0]["record"].as_str().expect("it is text")).expect("it is a line");
    assert_eq!(
        (&record["id"], &aside[0]["source"]),
        (&json!(6), &json!("rivulet.push[s]"))
    );
    assert!(
        aside[0]["reason"].as_str().is_some_and(|r| r.starts_with('[')),
        "{aside:?}"
    );
    let batch = &aside[0]["batch"];
    let reports = cluster.progress(&query);
    for report in reports.iter().filter(|report| report["batchId"] == *batch) {
        assert_eq!(report["sources"][0]["metrics"]["recordsSetAside"], "1");
        assert_eq!(
            report["rivulet"]["setAside"][0],
            format!(
                "Batch {batch} went on without 1 of the records of rivulet.push[s], since executors died of each: see \
                 /check/deadLetters/{batch}.0.json"
            )
        );
    }
    let other = reports
        .iter()
        .rfind(|report| report["batchId"] != *batch)
        .expect("another batch");
    assert_eq!(other["sources"][0]["metrics"]["recordsSetAside"], "0");
}

#[test]
fn a_record_that_kills_is_set_aside_at_the_second_death_and_all_else_is_counted_once() {
    for cause in [None, panic_cause(), Some(SparkError::out_of_memory("a heap of 2 GB"))] {
        with_cluster(|cluster, log| {
            first_death(cluster, log, SECOND, cause);
            assert_eq!((letters(cluster).len(), files(cluster, "deaths").len()), (0, 1));
            live(cluster, log).expect("the restart goes on");
            check(cluster, log);
            assert_eq!(
                files(cluster, "deaths").len(),
                0,
                "deaths of a committed batch are forgotten"
            );
        });
    }
}

#[test]
fn wherever_the_driver_ends_between_the_deaths_the_decision_and_the_commit_the_same_follows() {
    // How many events there are from the restart to the commit.
    let scenario = |crash_in: Option<usize>| -> usize {
        let mut events = 0;
        deep(|| {
            let mut log = Log::default();
            let seed = 3 + crash_in.unwrap_or(0) as u64;
            let conf = [("spark.sql.shuffle.partitions", "2")];
            let mut cluster = Cluster::new(seed, 2, &conf, Faults::default(), &mut log);
            first_death(&mut cluster, &mut log, SECOND, panic_cause());
            let before = cluster.happened;
            cluster.crash_in = crash_in;
            let ended = live(&mut cluster, &mut log);
            assert!(ended.is_ok() || cluster.crashed, "{ended:?}");
            events = cluster.happened - before;
            cluster.crash_in = None;
            if !letters(&mut cluster).is_empty() {
                // What is decided stays so, even if the record would not kill any more.
                cluster.poison = None;
            }
            check(&mut cluster, &mut log);
        });
        events
    };
    let events = scenario(None);
    assert!(events > 100, "{events} events");
    for crash_in in 0..events {
        scenario(Some(crash_in));
    }
}

#[test]
fn a_function_over_groups_that_panics_at_one_row_has_added_no_other_row_twice() {
    with_conf(&[("spark.sql.shuffle.partitions", "3")], |cluster, log| {
        let run = |cluster: &mut Cluster, log: &mut Log| -> Result<(), SparkError> {
            let schema = Some("ts TIMESTAMP, k STRING, v BIGINT");
            let source = stream("rivulet.push", schema, &[("sourceId", "s")]);
            cluster.view("l", source, log)?;
            let sums = running_sums(sql("SELECT * FROM l"), -1);
            let mut start = write(sums, "rivulet.foreachBatch", "update");
            start
                .options
                .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
            let query = cluster.start_query(start, log)?;
            cluster.process_all(&query, log)
        };
        let block = |rows: &[(&str, i64)]| {
            let lines = rows.iter().map(|(k, v)| json!({ "k": k, "v": v }).to_string() + "\n");
            let block = lines.collect::<String>().into_bytes().into();
            let source = "s".into();
            Input::Push { source, block }
        };
        let keys = ["a", "b", "c", "d", "e", "f"];
        cluster.drive(block(&keys.map(|k| (k, 1))), log);
        run(cluster, log).expect("it runs");
        cluster.drive(block(&keys.map(|k| (k, 10))), log);
        cluster.drive(block(&[("c", PANICS_AT), ("c", 100), ("a", 100)]), log);
        let died = run(cluster, log);
        is(died, "STREAM_FAILED", "RIVULET_PANIC");
        run(cluster, log).expect("it goes on");
        cluster.drive(block(&keys.map(|k| (k, 1000))), log);
        run(cluster, log).expect("it goes on");
        let last = output(cluster).into_values().next_back().expect("a batch");
        let sum = |k: &str| match k {
            "a" | "c" => "4|1111",
            _ => "3|1011",
        };
        assert_eq!(last, keys.map(|k| format!("{k}|{}|data", sum(k))));
        assert_eq!(
            letters(cluster)[0]["record"],
            format!("{{\"k\":\"c\",\"v\":{PANICS_AT}}}")
        );
    });
}

#[test]
fn of_pushed_arrow_one_row_is_set_aside() {
    with_cluster(|cluster, log| {
        let source = [("sourceId", "s"), ("recordFormat", "arrow")];
        let rows = |ids: std::ops::Range<i32>| -> Input {
            let names: StringArray = ids
                .clone()
                .map(|n| Some(if n == 37 { "poison" } else { "fine" }))
                .collect();
            let columns: [(&str, ArrayRef); 2] = [
                ("id", Arc::new(Int32Array::from_iter_values(ids))),
                ("name", Arc::new(names)),
            ];
            let batch = RecordBatch::try_from_iter(columns).expect("two columns");
            let block = ipc::write(&batch.schema(), &[batch]).expect("it is written").into();
            let source = "s".into();
            Input::Push { source, block }
        };
        let run = |cluster: &mut Cluster, log: &mut Log| -> Result<(), SparkError> {
            let source = stream("rivulet.push", Some("id INT, name STRING"), &source);
            cluster.view("events", source, log)?;
            let text = "SELECT count(*) AS n, sum(id) AS s FROM events";
            let mut start = write(sql(text), "rivulet.foreachBatch", "complete");
            start
                .options
                .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
            let query = cluster.start_query(start, log)?;
            cluster.process_all(&query, log)
        };
        cluster.poison = Some((POISON.to_vec(), panic_cause()));
        cluster.drive(rows(0..30), log);
        cluster.drive(rows(30..60), log);
        is(run(cluster, log), "STREAM_FAILED", "RIVULET_PANIC");
        run(cluster, log).expect("it goes on");
        cluster.drive(rows(100..101), log);
        run(cluster, log).expect("it goes on");
        let last = output(cluster).into_values().next_back().expect("a batch");
        assert_eq!(last, [format!("60|{}", (0..60).sum::<i32>() - 37 + 100)]);
        let aside = letters(cluster);
        assert_eq!((aside.len(), &aside[0]["range"]), (1, &json!([7, 8])));
        let row = aside[0]["base64"]
            .as_str()
            .and_then(|text| from_base64(text, false))
            .expect("an Arrow stream");
        assert_eq!(crate::engine::client::rows(&[row.into()]), ["37|poison"]);
    });
}

#[test]
fn several_records_that_kill_are_found_one_after_the_other_up_to_the_limit() {
    let block: Vec<Row> = (0..40).map(|n| (n, "a", n, n % 13 == 5)).collect();
    for (limit, all) in [("3", true), ("2", false)] {
        let conf = [
            ("spark.sql.shuffle.partitions", "2"),
            ("spark.rivulet.streaming.poison.maxRecords", limit),
        ];
        with_conf(&conf, |cluster, log| {
            first_death(cluster, log, &[&block], panic_cause());
            let ended = live(cluster, log);
            assert_eq!(letters(cluster).len(), if all { 3 } else { 2 });
            if all {
                ended.expect("it goes on");
                assert_eq!(output(cluster)[&BatchId(1)], model(&[FIRST, &block]));
            } else {
                let words = "2 records of it are set aside already, and spark.rivulet.streaming.poison.maxRecords allows no more";
                is(ended, "STREAM_FAILED", words);
                assert_eq!(output(cluster).len(), 1);
            }
        });
    }
}

#[test]
fn the_setting_says_at_which_death_and_0_sets_nothing_aside() {
    for (deaths, lives) in [("1", 0), ("2", 1), ("3", 2), ("0", 6)] {
        let conf = [
            ("spark.sql.shuffle.partitions", "2"),
            ("spark.rivulet.streaming.poison.maxDeaths", deaths),
        ];
        with_conf(&conf, |cluster, log| {
            let query = start(cluster, log).expect("it starts");
            cluster.poison = Some((POISON.to_vec(), panic_cause()));
            push(cluster, log, SECOND[1]);
            let mut ended = cluster.process_all(&query, log).map(|()| query);
            for _ in 0..lives {
                is(ended, "STREAM_FAILED", "RIVULET_PANIC");
                assert_eq!(letters(cluster).len(), 0);
                ended = live(cluster, log);
            }
            assert_eq!(ended.is_ok(), deaths != "0");
            assert_eq!(letters(cluster).len(), usize::from(deaths != "0"));
        });
    }
}

#[test]
fn nothing_is_set_aside_for_what_the_query_does_by_itself() {
    with_cluster(|cluster, log| {
        first_death(cluster, log, SECOND, panic_cause());
        let before = output(cluster);
        cluster.poison = Some((vec![], panic_cause()));
        for _ in 0..2 {
            is(
                live(cluster, log),
                "STREAM_FAILED",
                "and no record more is set aside: it dies without any of its records, too.",
            );
        }
        assert_eq!((letters(cluster).len(), output(cluster)), (0, before));
        // It was something else: the next restart has all records.
        cluster.poison = None;
        live(cluster, log).expect("it goes on");
        let last = output(cluster).into_values().next_back().expect("a batch");
        let fine: Vec<Vec<Row>> = [&[FIRST], SECOND]
            .concat()
            .iter()
            .map(|block| block.iter().map(|(id, k, v, _)| (*id, *k, *v, false)).collect())
            .collect();
        assert_eq!(last, model(&fine.iter().map(Vec::as_slice).collect::<Vec<_>>()));
        assert_eq!(letters(cluster).len(), 0);
    });
}

#[test]
fn nothing_is_set_aside_for_what_no_record_does_alone() {
    with_cluster(|cluster, log| {
        first_death(cluster, log, SECOND, panic_cause());
        let query = start(cluster, log).expect("it starts");
        cluster.run_until(log, |c| c.disk.disk.files.contains_key("/check/deaths/2.2"));
        // It was something else: no trial dies.
        cluster.poison = None;
        let ended = cluster.process_all(&query, log);
        let words = "Batch 2 has died 2 times, and no record more is set aside: it dies of no record alone.";
        assert!(
            ended.as_ref().is_err_and(|e| e.message.contains("[RIVULET_PANIC]")),
            "{ended:?}"
        );
        is(ended, "STREAM_FAILED", words);
        assert_eq!(letters(cluster).len(), 0);
        live(cluster, log).expect("the next restart has all records");
    });
}

#[test]
fn an_error_of_the_users_query_drops_nothing_however_often_it_ends_the_query() {
    with_cluster(|cluster, log| {
        let run = |cluster: &mut Cluster, log: &mut Log| {
            let source = stream("rivulet.push", Some("v INT"), &[("sourceId", "s")]);
            cluster.view("plain", source, log).expect("a view");
            let mut start = write(sql("SELECT 10 / v AS x FROM plain"), "rivulet.foreachBatch", "append");
            start
                .options
                .extend(options(&[("sinkId", "sink"), ("checkpointLocation", "/check")]));
            cluster.start_query(start, log).expect("it starts")
        };
        let query = run(cluster, log);
        let (source, block) = ("s".into(), b"{\"v\":1}\n{\"v\":0}\n".to_vec().into());
        cluster.drive(Input::Push { source, block }, log);
        is(cluster.process_all(&query, log), "STREAM_FAILED", "DIVIDE_BY_ZERO");
        for _ in 0..4 {
            let query = run(cluster, log);
            is(cluster.process_all(&query, log), "STREAM_FAILED", "DIVIDE_BY_ZERO");
        }
        assert_eq!((letters(cluster).len(), files(cluster, "deaths").len()), (0, 0));
        assert_eq!(output(cluster).len(), 0);
        let ends = cluster.events.iter().filter(|(kind, _)| *kind == EventKind::Terminated);
        assert_eq!(ends.count(), 5);
    });
}
