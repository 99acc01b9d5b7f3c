//! Queries over streams that Spark 4.3 starts or refuses, by output mode, as Spark itself answered for such queries; but for
//! the join without equal keys, which Spark refuses only when it plans the first batch.

use super::{is, with_cluster};
use crate::engine::client::{relation, sql, stream, with_watermark, write};
use crate::engine::cluster::Cluster;
use crate::engine::functions::running_sums;
use crate::seeds::Log;
use rivulet::proto as sc;
use rivulet::proto::relation::RelType;

const LEGACY: &str = "_LEGACY_ERROR_TEMP_3102";
const MODE: &str = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION";
const RANGE: &str = "ak = bk AND bt >= at AND bt <= at + INTERVAL 10 MINUTES";

/// Views `a` and `b` have watermarks, `pa` and `pb` have none, `s` is a table.
fn views(cluster: &mut Cluster, log: &mut Log) {
    for name in ["a", "b"] {
        let columns = format!("{name}t TIMESTAMP, {name}k BIGINT, {name}v BIGINT");
        let source = format!("source-{name}");
        let plain = stream("rivulet.push", Some(&columns), &[("sourceId", &source)]);
        let marked = with_watermark(plain.clone(), &format!("{name}t"), "5 minutes");
        cluster.view(name, marked, log).expect("a view");
        cluster.view(&format!("p{name}"), plain, log).expect("a view");
    }
    cluster
        .view("s", sql("SELECT id AS sk FROM range(5)"), log)
        .expect("a view");
}

fn dedup(query: &str, columns: &[&str], within: bool) -> sc::Relation {
    relation(RelType::Deduplicate(Box::new(sc::Deduplicate {
        input: Some(Box::new(sql(query))),
        column_names: columns.iter().map(|c| (*c).into()).collect(),
        within_watermark: Some(within),
        ..Default::default()
    })))
}

#[test]
fn spark_starts_these_and_so_do_we() {
    let tumbling = "SELECT window(at, '5 minutes') AS w, count(*) AS n FROM a GROUP BY window(at, '5 minutes')";
    let session = "SELECT session_window(at, '5 minutes') AS w, ak, count(*) AS n FROM a GROUP BY session_window(at, '5 minutes'), ak";
    let joined = |kind: &str, on: &str| format!("SELECT * FROM a {kind} JOIN b ON {on}");
    let cases: Vec<(sc::Relation, &str)> = vec![
        (sql(&joined("INNER", RANGE)), "append"),
        (sql(&joined("INNER", RANGE)), "update"),
        (sql(&joined("LEFT OUTER", RANGE)), "append"),
        (sql(&joined("RIGHT OUTER", RANGE)), "append"),
        (sql(&joined("FULL OUTER", RANGE)), "append"),
        (sql(&joined("LEFT SEMI", RANGE)), "append"),
        (sql(&joined("LEFT SEMI", RANGE)), "update"),
        (sql("SELECT * FROM pa JOIN pb ON ak = bk"), "append"),
        (sql(&format!("SELECT * FROM pa LEFT JOIN b ON {RANGE}")), "append"),
        (sql(&format!("SELECT * FROM a RIGHT JOIN pb ON {RANGE}")), "append"),
        (sql("SELECT * FROM a FULL JOIN pb ON at = bt"), "append"),
        (sql("SELECT * FROM a LEFT JOIN s ON ak = sk"), "append"),
        (sql("SELECT * FROM s RIGHT JOIN a ON ak = sk"), "append"),
        (sql("SELECT * FROM a LEFT ANTI JOIN s ON ak = sk"), "append"),
        (sql(session), "append"),
        (sql(session), "complete"),
        (sql(tumbling), "update"),
        (sql("SELECT ak, count(*) FROM pa GROUP BY ak"), "complete"),
        (sql("SELECT * FROM a UNION ALL SELECT * FROM b"), "append"),
        (sql("SELECT DISTINCT at FROM a"), "append"),
        (sql("SELECT DISTINCT ak FROM a"), "update"),
        (dedup("SELECT * FROM a", &["ak"], false), "append"),
        (dedup("SELECT * FROM a", &["ak"], true), "update"),
        (dedup(&joined("INNER", RANGE), &["ak", "at"], false), "append"),
        (dedup(tumbling, &["w"], false), "append"),
    ];
    with_cluster(|cluster, log| {
        views(cluster, log);
        for (at, (query, mode)) in cases.iter().enumerate() {
            cluster
                .start_query(write(query.clone(), "noop", mode), log)
                .unwrap_or_else(|e| panic!("case {at} in {mode} mode: {e}"));
        }
    });
}

#[test]
fn spark_refuses_these_and_so_do_we_with_the_same_condition() {
    let tumbling = "SELECT window(at, '5 minutes') AS w, count(*) AS n FROM a GROUP BY window(at, '5 minutes')";
    let session = |view: &str| {
        format!(
            "SELECT session_window(at, '5 minutes') AS w, count(*) FROM {view} GROUP BY session_window(at, '5 minutes')"
        )
    };
    let twice = format!("SELECT n, count(*) FROM ({tumbling}) GROUP BY n");
    let joined = |kind: &str, on: &str| format!("SELECT * FROM a {kind} JOIN b ON {on}");
    let no_watermark = |kind: &str| format!("SELECT * FROM pa {kind} JOIN pb ON ak = bk");
    let cases: Vec<(sc::Relation, &str, &str, &str)> = vec![
        (sql(&twice), "update", LEGACY, "'correctness' issue"),
        (sql(&twice), "complete", LEGACY, "'correctness' issue"),
        (dedup(tumbling, &["w"], false), "update", LEGACY, "'correctness' issue"),
        (
            sql(&joined("INNER", RANGE)),
            "complete",
            MODE,
            "no streaming aggregations",
        ),
        (
            sql(&joined("LEFT OUTER", RANGE)),
            "update",
            LEGACY,
            "LeftOuter join between two streaming",
        ),
        (
            sql(&joined("FULL OUTER", RANGE)),
            "update",
            LEGACY,
            "only in Append output mode",
        ),
        (
            sql(&joined("LEFT ANTI", RANGE)),
            "append",
            LEGACY,
            "LeftAnti joins with a streaming",
        ),
        (
            sql(&no_watermark("LEFT OUTER")),
            "append",
            LEGACY,
            "without a watermark in the join keys",
        ),
        (
            sql(&no_watermark("RIGHT OUTER")),
            "append",
            LEGACY,
            "Stream-stream RightOuter join",
        ),
        (
            sql(&no_watermark("FULL OUTER")),
            "append",
            LEGACY,
            "Stream-stream FullOuter join",
        ),
        (
            sql(&no_watermark("LEFT SEMI")),
            "append",
            LEGACY,
            "Stream-stream LeftSemi join",
        ),
        (
            sql(&joined("LEFT OUTER", "ak = bk")),
            "append",
            LEGACY,
            "an appropriate range condition",
        ),
        (
            sql(&joined("INNER", "bt >= at")),
            "append",
            LEGACY,
            "without equality predicate",
        ),
        (
            sql(&session("pa")),
            "append",
            MODE,
            "streaming aggregations without watermark",
        ),
        (
            sql(&session("a")),
            "update",
            MODE,
            "session window streaming aggregations",
        ),
        (
            sql("SELECT * FROM s LEFT JOIN a ON ak = sk"),
            "append",
            LEGACY,
            "a static DataFrame/Dataset on the left",
        ),
        (
            sql("SELECT * FROM a RIGHT JOIN s ON ak = sk"),
            "append",
            LEGACY,
            "on the right not supported",
        ),
        (
            sql("SELECT * FROM a FULL JOIN s ON ak = sk"),
            "append",
            LEGACY,
            "FullOuter joins with streaming",
        ),
        (
            sql("SELECT * FROM s LEFT SEMI JOIN a ON ak = sk"),
            "append",
            LEGACY,
            "LeftSemi join with a streaming",
        ),
        (
            sql("SELECT ak FROM a UNION ALL SELECT sk FROM s"),
            "append",
            LEGACY,
            "Union between streaming and batch",
        ),
        (
            sql("SELECT DISTINCT ak FROM a"),
            "append",
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "streaming aggregations without watermark",
        ),
        (
            sql("SELECT ak, count(DISTINCT av) FROM a GROUP BY ak"),
            "update",
            LEGACY,
            "Distinct aggregations",
        ),
        (
            sql("SELECT row_number() OVER (PARTITION BY ak ORDER BY at) FROM a"),
            "append",
            "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
            "Window function is not supported",
        ),
        (
            sql("SELECT * FROM a LIMIT 3"),
            "update",
            LEGACY,
            "Limits are not supported",
        ),
        (
            dedup("SELECT * FROM pa", &["ak"], true),
            "append",
            LEGACY,
            "without watermark",
        ),
        (
            dedup("SELECT * FROM a", &["ak"], false),
            "complete",
            MODE,
            "no streaming aggregations",
        ),
    ];
    with_cluster(|cluster, log| {
        views(cluster, log);
        for (query, mode, condition, words) in cases {
            is(cluster.start_query(write(query, "noop", mode), log), condition, words);
        }
    });
}

#[test]
fn deduplication_within_a_watermark_is_for_streams_only() {
    with_cluster(|cluster, log| {
        let batch = dedup("SELECT 1 AS k", &["k"], true);
        let error = cluster
            .collect(batch, log)
            .map(|_| ())
            .expect_err("a batch has no watermark");
        assert!(
            error.to_string().contains("not supported with batch DataFrames"),
            "{error}"
        );
    });
}

/// `running_sums` over a view's columns; in a mode of its own: update.
fn sums(view: &str, span_s: i64) -> sc::Relation {
    running_sums(
        sql(&format!(
            "SELECT at AS ts, cast(ak AS STRING) AS k, av AS v FROM {view}"
        )),
        span_s,
    )
}

#[test]
fn functions_over_groups_stand_where_spark_lets_them() {
    with_cluster(|cluster, log| {
        views(cluster, log);
        for query in [sums("a", 0), sums("pa", -1), sums("a", -1)] {
            cluster
                .start_query(write(query, "noop", "update"), log)
                .expect("it starts");
        }
        let counted = relation(RelType::Aggregate(Box::new(sc::Aggregate {
            input: Some(Box::new(sums("a", 0))),
            group_type: sc::aggregate::GroupType::Groupby as i32,
            ..Default::default()
        })));
        let cases = [
            (
                sums("a", 0),
                "append",
                "update mode is not supported with Append output mode",
            ),
            (sums("pa", 0), "update", "Watermark must be specified"),
            (counted, "complete", "update mode is not supported with aggregation"),
        ];
        for (query, mode, words) in cases {
            is(cluster.start_query(write(query, "noop", mode), log), LEGACY, words);
        }
    });
}

#[test]
fn functions_in_other_languages_are_refused_by_name() {
    with_cluster(|cluster, log| {
        views(cluster, log);
        let mut query = sums("a", 0);
        let Some(RelType::GroupMap(node)) = &mut query.rel_type else {
            unreachable!()
        };
        let function = node.func.as_mut().expect("it has one");
        function.function = Some(sc::common_inline_user_defined_function::Function::PythonUdf(
            sc::PythonUdf::default(),
        ));
        let error = cluster
            .start_query(write(query, "noop", "update"), log)
            .map(|_| ())
            .expect_err("no Python here");
        assert!(
            error.to_string().contains("a function in Python over groups"),
            "{error}"
        );
    });
}
