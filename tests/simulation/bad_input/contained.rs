//! Queries that would take all there is: of time, of memory.

use super::{is, with_cluster, with_conf};
use crate::engine::client::{relation, sql, stream, write};
use crate::engine::cluster::Cluster;
use crate::seeds::Log;
use rivulet::connect::protocol::Input;
use rivulet::error::SparkError;
use rivulet::proto as sc;
use rivulet::proto::plan::OpType;
use rivulet::proto::relation::RelType;

#[test]
fn a_result_that_is_too_large_is_refused_whether_one_task_makes_it_or_all_together() {
    with_conf(&[("spark.driver.maxResultSize", "64k")], |cluster, log| {
        for (rows, tasks) in [(1_000_000_000_000i64, 1), (12_000, 2)] {
            let query = sql(&format!("SELECT id FROM range(0, {rows}, 1, {tasks})"));
            is(
                cluster.collect(query, log),
                "RIVULET_MAX_RESULT_SIZE",
                &format!("Total size of serialized results of {tasks} tasks ("),
            );
        }
        let fits = cluster.collect(sql("SELECT id FROM range(3)"), log);
        assert_eq!(fits.expect("the driver goes on"), ["0", "1", "2"]);
    });
}

#[test]
fn a_query_that_is_cancelled_leaves_its_executors_whatever_is_left_to_do() {
    with_cluster(|cluster, log| {
        for query in [
            "SELECT count(*) FROM range(0, 1000000000000000000, 1, 2)",
            "SELECT count(*) FROM range(100000) a CROSS JOIN range(1000000000) b",
            "SELECT id % 3 AS k, max(id) FROM range(1000000000000000) GROUP BY k",
        ] {
            let call = cluster.send_plan(Some(OpType::Root(sql(query))), log);
            cluster.run_until(log, |c| c.is_running());
            cluster.drive(Input::Cancel { id: call }, log);
            let next = cluster.collect(sql("SELECT 1"), log);
            assert_eq!(next.expect("the executors are free"), ["1"], "{query}");
        }
    });
}

/// Operations in a row over one row.
fn chain(length: usize, next: impl Fn(sc::Relation) -> RelType) -> sc::Relation {
    (0..length).fold(sql("SELECT 1 AS a"), |below, _| relation(next(below)))
}

#[test]
fn long_chains_are_planned_and_longer_ones_refused() {
    let filter = |below| {
        RelType::Filter(Box::new(sc::Filter {
            input: Some(Box::new(below)),
            condition: Some(sc::Expression {
                common: None,
                expr_type: Some(sc::expression::ExprType::ExpressionString(
                    sc::expression::ExpressionString {
                        expression: "a > 0".into(),
                    },
                )),
            }),
        }))
    };
    let union = |below| {
        RelType::SetOp(Box::new(sc::SetOperation {
            left_input: Some(Box::new(below)),
            right_input: Some(Box::new(sql("SELECT 2 AS a"))),
            set_op_type: sc::set_operation::SetOpType::Union.into(),
            is_all: Some(true),
            ..Default::default()
        }))
    };
    with_cluster(|cluster, log| {
        let filtered = cluster.collect(chain(500, filter), log);
        assert_eq!(filtered.expect("500 filters are planned"), ["1"]);
        let united = cluster.collect(chain(135, union), log);
        assert_eq!(united.expect("135 unions are planned").len(), 136);
        is(
            cluster.collect(chain(600, filter), log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "nests messages deeper than 1024 levels",
        );
        is(
            cluster.collect(chain(200, union), log),
            "RIVULET_PLAN_TOO_DEEP",
            "140 joins or unions",
        );
        let next = cluster.collect(sql("SELECT 1"), log);
        assert_eq!(next.expect("the driver goes on"), ["1"]);
    });
}

/// Counts keys that are all new, a hundred a batch, without a watermark: the state grows for as long as the query runs.
fn count_new_keys(cluster: &mut Cluster, checkpoint: bool, batches: u32, log: &mut Log) -> Result<(), SparkError> {
    let source = stream("rivulet.push", Some("k STRING"), &[("sourceId", "s")]);
    cluster.view("events", source, log)?;
    let mut start = write(sql("SELECT k, count(*) AS n FROM events GROUP BY k"), "noop", "update");
    if checkpoint {
        start.options.insert("checkpointLocation".into(), "/check".into());
    }
    let query = cluster.start_query(start, log)?;
    for batch in 0..batches {
        let lines: String = (0..100).map(|n| format!("{{\"k\":\"key {batch} {n}\"}}\n")).collect();
        let block = lines.into_bytes().into();
        cluster.drive(
            Input::Push {
                source: "s".into(),
                block,
            },
            log,
        );
        cluster.process_all(&query, log)?;
    }
    Ok(())
}

#[test]
fn state_that_grows_too_large_ends_its_query_and_nothing_else() {
    let partition = ("spark.rivulet.state.maxPartitionSize", "64k");
    let driver = ("spark.rivulet.driver.maxStateSize", "64k");
    for (limit, checkpoint, words) in [
        (partition, true, "rows of stateStoreSave in partition "),
        (
            partition,
            false,
            "KiB of state, and spark.rivulet.state.maxPartitionSize allows 64.0 KiB",
        ),
        (
            driver,
            false,
            "rows that the driver keeps for when an executor dies take ",
        ),
    ] {
        with_conf(&[("spark.sql.shuffle.partitions", "2"), limit], |cluster, log| {
            let found = count_new_keys(cluster, checkpoint, 100, log);
            is(found, "STREAM_FAILED", words);
            let next = cluster.collect(sql("SELECT 1"), log);
            assert_eq!(next.expect("the session answers"), ["1"]);
        });
    }
    // With a checkpoint the driver keeps no state; 0 sets no limit.
    for (key, value, checkpoint) in [
        (driver.0, driver.1, true),
        (driver.0, "0", false),
        (partition.0, "0", true),
    ] {
        with_conf(
            &[("spark.sql.shuffle.partitions", "2"), (key, value)],
            |cluster, log| {
                count_new_keys(cluster, checkpoint, 100, log).expect("there is room");
            },
        );
    }
}

/// Runs a statement of 40 tasks and more, then one of two; returns how many tasks had begun when the short one ended.
fn tasks_until_the_short_one_ends(conf: &[(&str, &str)]) -> usize {
    let mut tasks = 0;
    with_conf(conf, |cluster, log| {
        let long = sql("SELECT count(*) FROM range(0, 200000, 1, 40)");
        let long = cluster.send_plan(Some(OpType::Root(long)), log);
        let short = sql("SELECT count(*) FROM range(0, 10, 1, 1)");
        let short = cluster.send_plan(Some(OpType::Root(short)), log);
        cluster.run_until(log, |c| c.calls.get(&short).is_some_and(|call| call.ended.is_some()));
        tasks = cluster.tasks;
        cluster.answer(short, log).expect("the short one ends");
        cluster.answer(long, log).expect("the long one ends");
    });
    tasks
}

#[test]
fn a_short_statement_takes_its_turn_beside_a_long_one() {
    let fair = tasks_until_the_short_one_ends(&[]);
    assert!(fair <= 10, "{fair} tasks began");
    for in_order in [
        ("spark.scheduler.mode", "FIFO"),
        ("spark.scheduler.pool", "one for all"),
    ] {
        let tasks = tasks_until_the_short_one_ends(&[in_order]);
        assert!(tasks > 40, "{in_order:?}: {tasks} tasks began");
    }
}

#[test]
fn statements_that_get_too_little_memory_are_right_or_refused_by_name() {
    let queries = [
        "SELECT k FROM (SELECT concat('key ', id * 7919 % 80000) AS k FROM range(0, 80000, 1, 2)) ORDER BY k",
        "SELECT k, count(*) AS n FROM (SELECT concat('key ', id % 40000) AS k FROM range(0, 80000, 1, 2)) GROUP BY k",
        "SELECT a.id FROM range(0, 80000, 1, 2) a JOIN range(0, 80000, 1, 2) b ON a.id = b.id * 2",
        "SELECT max(id) OVER (PARTITION BY id % 3) AS m FROM range(0, 80000, 1, 2)",
        "SELECT size(collect_list(id)) AS n FROM range(0, 80000, 1, 2)",
    ];
    let sorted = |rows: Result<Vec<String>, SparkError>| {
        rows.map(|mut rows| {
            rows.sort_unstable();
            rows
        })
    };
    let run = |limit: &str| {
        let mut found = Vec::new();
        with_conf(&[("spark.rivulet.executor.executionMemory", limit)], |cluster, log| {
            for query in queries {
                found.push(sorted(cluster.collect(sql(query), log)));
            }
            let next = cluster.collect(sql("SELECT 1"), log);
            assert_eq!(next.expect("the session answers"), ["1"], "{limit}");
        });
        found
    };
    let expected = run("0");
    let (mut right, mut refused) = (0, 0);
    for limit in ["100k", "200k", "400k", "800k", "1600k", "64m"] {
        for (found, expected) in run(limit).into_iter().zip(&expected) {
            match found {
                Ok(_) => right += 1,
                Err(_) => refused += 1,
            }
            match &found {
                Err(_) => is(
                    found,
                    "RIVULET_EXECUTION_MEMORY",
                    " and spark.rivulet.executor.executionMemory allows ",
                ),
                found => assert!(found == expected, "{limit}"),
            }
        }
    }
    assert!(right > 0 && refused > 0, "{right} right, {refused} refused");
}
