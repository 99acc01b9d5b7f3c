//! Streaming queries that never start.

use super::{is, with_cluster, with_conf};
use crate::engine::client::{options, sql, stream, with_watermark, write};
use rivulet::proto as sc;
use rivulet::proto::write_stream_operation_start::Trigger;

fn pushed() -> sc::Relation {
    stream("rivulet.push", Some("ts TIMESTAMP, k STRING"), &[("sourceId", "s")])
}

#[test]
fn bad_triggers_and_watermark_delays_are_refused() {
    with_cluster(|cluster, log| {
        for interval in ["soon", "-5 seconds", ""] {
            let mut start = write(pushed(), "noop", "append");
            start.trigger = Some(Trigger::ProcessingTimeInterval(interval.into()));
            is(cluster.start_query(start, log), "INVALID_TRIGGER_INTERVAL", interval);
        }
        for interval in ["soon", "-5 seconds", ""] {
            let mut start = write(pushed(), "noop", "append");
            start.trigger = Some(Trigger::ContinuousCheckpointInterval(interval.into()));
            is(cluster.start_query(start, log), "INVALID_TRIGGER_INTERVAL", interval);
        }
        let late = |delay: &str| write(with_watermark(pushed(), "ts", delay), "noop", "append");
        is(
            cluster.start_query(late("a while"), log),
            "CANNOT_PARSE_INTERVAL",
            "'a while'",
        );
        is(
            cluster.start_query(late("-1 minutes"), log),
            "INVALID_PARAMETER_VALUE.DELAY_THRESHOLD",
            "should not be negative",
        );
        let start = write(with_watermark(pushed(), "k", "1 minute"), "noop", "append");
        is(
            cluster.start_query(start, log),
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
            "`k`",
        );
    });
}

/// Spark 4.3's answers, but where it names its own classes.
#[test]
fn what_does_not_go_with_a_continuous_or_real_time_trigger_is_refused() {
    with_cluster(|cluster, log| {
        let timed = with_watermark(stream("rate", None, &[]), "timestamp", "1 second");
        cluster
            .view("events", stream("rate", None, &[]), log)
            .expect("a view is made");
        cluster.view("timed", timed, log).expect("a view is made");
        let mut start = |text: &str, format: &str, mode: &str, trigger: Trigger| {
            let mut start = write(sql(text), format, mode);
            start.trigger = Some(trigger);
            start.query_name = "q".into();
            start.options.insert("sinkId".into(), "f".into());
            start
                .options
                .retain(|key, _| key != "sinkId" || format.starts_with("rivulet."));
            if format == "json" {
                start
                    .options
                    .extend(options(&[("path", "/out"), ("checkpointLocation", "/check")]));
            }
            cluster.start_query(start, log)
        };
        let second = || Trigger::ContinuousCheckpointInterval("1 second".into());
        let row_by_row = [
            ("SELECT value, count(*) FROM events GROUP BY value", "Aggregate"),
            ("SELECT DISTINCT value FROM events", "Aggregate"),
            ("SELECT value FROM events LIMIT 3", "LocalLimit"),
            (
                "SELECT a.value FROM events a JOIN events b ON a.value = b.value",
                "Join",
            ),
            (
                "SELECT value FROM events JOIN (SELECT id FROM range(5)) ON value = id",
                "Range",
            ),
            ("SELECT value FROM events UNION ALL SELECT value FROM events", "Union"),
            ("SELECT value FROM timed", "EventTimeWatermark"),
            ("SELECT explode(array(1, 2)) FROM events", "Generate"),
            ("SELECT current_timestamp() FROM events", "current time"),
        ];
        for (text, operation) in row_by_row {
            let sentence = format!("Continuous processing does not support {operation} operations.");
            let mode = if operation == "LocalLimit" { "append" } else { "update" };
            is(
                start(text, "noop", mode, second()),
                "_LEGACY_ERROR_TEMP_3102",
                &sentence,
            );
        }
        let all = "SELECT value FROM events";
        for (sink, name) in [("rivulet.foreachBatch", "foreachBatch"), ("json", "json")] {
            let sentence = format!("'{name}' is not supported with continuous trigger.");
            is(
                start(all, sink, "append", second()),
                "_LEGACY_ERROR_TEMP_1195",
                &sentence,
            );
        }
        let five = || Trigger::RealTimeBatchDuration("5 seconds".into());
        let short = Trigger::RealTimeBatchDuration("4999 milliseconds".into());
        is(
            start(all, "noop", "update", short),
            "INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL",
            "The real-time trigger interval is set to 4999 ms. This is less than the 5000 ms minimum specified by \
             spark.sql.streaming.realTimeMode.minBatchDuration.",
        );
        is(
            start(all, "noop", "append", five()),
            "STREAMING_REAL_TIME_MODE.OUTPUT_MODE_NOT_SUPPORTED",
            "The output mode Append is not supported. To work around this limitation, set the output mode to Update.",
        );
        is(
            start(
                "SELECT a.value FROM events a JOIN events b ON a.value = b.value",
                "noop",
                "update",
                five(),
            ),
            "STREAMING_REAL_TIME_MODE.OPERATOR_OR_SINK_NOT_IN_ALLOWLIST",
            "StreamingSymmetricHashJoinExec is not in the operator allowlist for Real-Time Mode. To bypass this check, set \
             spark.sql.streaming.realTimeMode.allowlistCheck to false.",
        );
        is(
            start(all, "rivulet.foreachBatch", "update", five()),
            "STREAMING_REAL_TIME_MODE.OPERATOR_OR_SINK_NOT_IN_ALLOWLIST",
            "The sink(s): foreachBatch is not in the sink allowlist for Real-Time Mode.",
        );
    });
}

#[test]
fn settings_of_ours_that_are_no_sizes_or_durations_are_named() {
    let settings = [
        ("spark.rivulet.executor.stateMemory", "much", "'much'"),
        ("spark.rivulet.executor.stateMemory", "12 parsecs", "such as 512m"),
        ("spark.rivulet.streaming.idleSourceTimeout", "later", "'later'"),
        (
            "spark.rivulet.streaming.idleSourceTimeout",
            "-1 second",
            "an interval above 0",
        ),
    ];
    for (key, value, words) in settings {
        with_conf(&[(key, value)], |cluster, log| {
            let found = cluster.start_query(write(pushed(), "noop", "append"), log);
            is(found, "INVALID_CONF_VALUE.TYPE_MISMATCH", words);
        });
    }
}

#[test]
fn a_websocket_needs_a_url_that_is_one() {
    with_cluster(|cluster, log| {
        let source = |options: &[(&str, &str)]| write(stream("websocket", Some("k STRING"), options), "noop", "append");
        is(
            cluster.start_query(source(&[]), log),
            "STREAMING_SOURCE_OPTION_REQUIRED",
            "'url'",
        );
        for url in ["http://host/", "host:80", ""] {
            is(
                cluster.start_query(source(&[("url", url)]), log),
                "INVALID_OPTION_VALUE",
                "begins with ws:// or wss://",
            );
        }
    });
}

#[test]
fn sources_and_sinks_that_cannot_be_opened_are_refused() {
    with_cluster(|cluster, log| {
        is(
            cluster.start_query(write(stream("pulsar", None, &[]), "noop", "append"), log),
            "DATA_SOURCE_NOT_FOUND",
            "pulsar",
        );
        is(
            cluster.start_query(write(stream("json", None, &[]), "noop", "append"), log),
            "STREAMING_SOURCE_SCHEMA_REQUIRED",
            "",
        );
        let rate = stream("rate", None, &[("rowsPerSecond", "-1")]);
        is(
            cluster.start_query(write(rate, "noop", "append"), log),
            "INVALID_OPTION_VALUE",
            "'-1'",
        );
        is(
            cluster.start_query(write(pushed(), "parquet", "append"), log),
            "DATA_SOURCE_NOT_FOUND",
            "parquet",
        );
        let nameless = cluster.start_query(write(pushed(), "memory", "append"), log);
        is(
            nameless,
            "_LEGACY_ERROR_TEMP_2046",
            "queryName must be specified for memory sink",
        );
        let batch = write(sql("SELECT 1"), "noop", "append");
        is(
            cluster.start_query(batch, log),
            "WRITE_STREAM_NOT_ALLOWED",
            "streaming Dataset/DataFrame",
        );
        is(
            cluster.collect(pushed(), log),
            "_LEGACY_ERROR_TEMP_3102",
            "writeStream.start()",
        );
    });
}

#[test]
fn a_name_is_taken_while_its_query_runs_and_free_after() {
    with_cluster(|cluster, log| {
        let named = || {
            let mut start = write(pushed(), "memory", "append");
            start.query_name = "the_name".into();
            start
        };
        let first = cluster.start_query(named(), log).expect("the first starts");
        is(
            cluster.start_query(named(), log),
            "STREAMING_QUERY_NAME_IN_USE",
            "the_name",
        );
        cluster
            .query_command(&first, sc::streaming_query_command::Command::Stop(true), log)
            .expect("it stops");
        cluster.start_query(named(), log).expect("the name is free");
    });
}

#[test]
fn output_modes_that_cannot_be_are_refused() {
    with_cluster(|cluster, log| {
        cluster
            .view("late", with_watermark(pushed(), "ts", "1 minute"), log)
            .expect("a view");
        cluster.view("plain", pushed(), log).expect("a view");
        let unsupported = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION";
        let by_key = "SELECT k, count(*) FROM plain GROUP BY k";
        is(
            cluster.start_query(write(sql("SELECT * FROM plain"), "noop", "complete"), log),
            unsupported,
            "no streaming aggregations",
        );
        is(
            cluster.start_query(write(sql(by_key), "noop", "append"), log),
            unsupported,
            "without watermark",
        );
        is(
            cluster.start_query(
                write(sql("SELECT k, count(*) FROM late GROUP BY k"), "noop", "append"),
                log,
            ),
            unsupported,
            "without watermark",
        );
        is(
            cluster.start_query(write(sql(by_key), "noop", "sometimes"), log),
            "STREAMING_OUTPUT_MODE.INVALID",
            "sometimes",
        );
        let sorted = sql("SELECT * FROM plain ORDER BY k");
        is(
            cluster.start_query(write(sorted, "noop", "append"), log),
            "_LEGACY_ERROR_TEMP_3102",
            "Sorting is not supported",
        );
    });
}
