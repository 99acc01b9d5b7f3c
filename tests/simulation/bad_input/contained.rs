//! Queries that would take all there is: of time, of memory.

use super::{is, with_cluster, with_conf};
use crate::engine::client::{relation, sql};
use rivulet::connect::protocol::Input;
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
