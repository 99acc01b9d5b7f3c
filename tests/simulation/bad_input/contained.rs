//! Queries that would take all there is: of time, of memory.

use super::{is, with_cluster, with_conf};
use crate::engine::client::sql;
use rivulet::connect::protocol::Input;
use rivulet::proto::plan::OpType;

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
