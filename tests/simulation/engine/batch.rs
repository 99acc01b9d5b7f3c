//! Batch queries while executors die: the rows are those of plain loops.

use std::collections::BTreeMap;

use rand::Rng;

use super::client::sql;
use super::cluster::{Cluster, Faults};
use crate::seeds::each_seed;

const KINDS: usize = 3;

/// A query over `rows` numbers, and what it must give, sorted.
fn query(kind: usize, rows: i64) -> (String, Vec<String>) {
    let mut groups: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let mut put = |key: i64, value: i64| {
        let group = groups.entry(key).or_default();
        *group = (group.0 + 1, group.1 + value);
    };
    let text = match kind {
        0 => {
            (0..rows).for_each(|id| put(id % 7, id));
            format!("SELECT id % 7 AS k, count(*), sum(id) FROM range(0, {rows}, 1, 4) GROUP BY id % 7")
        }
        1 => {
            for a in 0..rows {
                (0..rows).filter(|b| a % 11 == b % 13).for_each(|b| put(a % 11, b));
            }
            format!(
                "SELECT a.k, count(*), sum(b.v) FROM (SELECT id % 11 AS k FROM range(0, {rows}, 1, 3)) a \
                 JOIN (SELECT id % 13 AS k, id AS v FROM range(0, {rows}, 1, 2)) b ON a.k = b.k GROUP BY a.k"
            )
        }
        _ => {
            let mut inner: BTreeMap<i64, i64> = BTreeMap::new();
            (0..rows).for_each(|id| *inner.entry(id % 17).or_default() += 1);
            inner.iter().for_each(|(k, n)| put(*n, *k));
            format!(
                "SELECT n, count(*), sum(k) FROM (SELECT id % 17 AS k, count(*) AS n FROM range(0, {rows}, 1, 4) GROUP BY id % 17) \
                 GROUP BY n ORDER BY n"
            )
        }
    };
    let mut expected: Vec<String> = groups.iter().map(|(k, (n, sum))| format!("{k}|{n}|{sum}")).collect();
    expected.sort();
    (text, expected)
}

#[test]
fn batch_queries_give_the_same_rows_whoever_dies() {
    each_seed(300, |seed, log| {
        let faults = Faults {
            deaths: 3,
            dying: 0.08,
            doubling: 0.3,
            losing: 0.05,
            ..Faults::default()
        };
        let partitions = (1 + seed % 3).to_string();
        let conf = [("spark.sql.shuffle.partitions", partitions.as_str())];
        let mut cluster = Cluster::new(seed, 1 + (seed / 3 % 3) as u32, &conf, faults, log);
        // Two at a time, so that jobs share executors.
        let mut calls = Vec::new();
        for _ in 0..2 {
            let kind = cluster.network.rng.random_range(0..KINDS);
            let (text, expected) = query(kind, 30);
            let root = rivulet::proto::plan::OpType::Root(sql(&text));
            calls.push((cluster.send_plan(Some(root), log), text, expected));
        }
        for (call, text, expected) in calls {
            let mut rows = cluster
                .answer(call, log)
                .unwrap_or_else(|e| panic!("{text} failed: {e}"))
                .rows;
            rows.sort();
            assert_eq!(rows, expected, "{text}");
        }
    });
}
