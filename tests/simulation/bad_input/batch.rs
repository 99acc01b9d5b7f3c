//! Requests and batch queries.

use prost::Message;

use super::{is, with_cluster};
use crate::engine::client::{SESSION, relation, sql};
use rivulet::connect::protocol::Method;
use rivulet::proto as sc;
use rivulet::proto::command::CommandType;
use rivulet::proto::relation::RelType;

#[test]
fn bytes_that_are_no_message_are_refused_by_every_call() {
    with_cluster(|cluster, log| {
        use Method::*;
        for method in [
            ExecutePlan,
            AnalyzePlan,
            Config,
            Interrupt,
            ReattachExecute,
            ReleaseExecute,
            ReleaseSession,
            FetchErrorDetails,
        ] {
            for bytes in [vec![0xff; 7], vec![0x0a, 0x7f, 1], b"{\"json\":1}".to_vec()] {
                let call = cluster.request(method, bytes, log);
                is(
                    cluster.answer(call, log),
                    "CONNECT_INVALID_PLAN.CANNOT_PARSE",
                    "the request cannot be read",
                );
            }
        }
        assert_eq!(
            cluster.collect(sql("SELECT 1"), log).expect("the driver goes on"),
            ["1"]
        );
    });
}

#[test]
fn empty_plans_relations_and_commands_are_refused() {
    with_cluster(|cluster, log| {
        let call = cluster.send_plan(None, log);
        is(
            cluster.answer(call, log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "a plan is empty",
        );
        is(
            cluster.collect(sc::Relation::default(), log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "",
        );
        is(
            cluster.collect(relation(RelType::Limit(Box::default())), log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "",
        );
        let call = cluster.send_plan(Some(sc::plan::OpType::Command(sc::Command::default())), log);
        is(
            cluster.answer(call, log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "a command is empty",
        );
        let start = sc::WriteStreamOperationStart::default();
        is(
            cluster.start_query(start, log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "no relation",
        );
        let call = cluster.request(Method::Config, sc::ConfigRequest::default().encode_to_vec(), log);
        is(
            cluster.answer(call, log),
            "CONNECT_INVALID_PLAN.CANNOT_PARSE",
            "no operation",
        );
    });
}

#[test]
fn unknown_names_are_told_with_suggestions() {
    with_cluster(|cluster, log| {
        is(
            cluster.collect(sql("SELECT idd FROM range(3)"), log),
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            "`idd`",
        );
        is(
            cluster.collect(sql("SELECT nothing(1)"), log),
            "UNRESOLVED_ROUTINE",
            "`nothing`",
        );
        is(
            cluster.collect(sql("SELECT * FROM nowhere"), log),
            "TABLE_OR_VIEW_NOT_FOUND",
            "`nowhere`",
        );
    });
}

#[test]
fn text_that_is_no_sql_is_a_syntax_error() {
    with_cluster(|cluster, log| {
        is(cluster.collect(sql("SELEC 1"), log), "PARSE_SYNTAX_ERROR", "SELEC");
        is(
            cluster.collect(sql("SELECT 1 FROM"), log),
            "PARSE_SYNTAX_ERROR",
            "end of input",
        );
        let command = sc::SqlCommand {
            input: Some(sql("SELECT (")),
            ..Default::default()
        };
        is(
            cluster.command(CommandType::SqlCommand(command), log),
            "PARSE_SYNTAX_ERROR",
            "",
        );
    });
}

#[test]
fn a_negative_limit_is_refused() {
    with_cluster(|cluster, log| {
        let words = "The limit like expression \"-1\" is invalid";
        is(
            cluster.collect(sql("SELECT * FROM range(3) LIMIT -1"), log),
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            words,
        );
        let limit = sc::Limit {
            input: Some(Box::new(sql("SELECT * FROM range(3)"))),
            limit: -1,
        };
        is(
            cluster.collect(relation(RelType::Limit(Box::new(limit))), log),
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            words,
        );
    });
}

#[test]
fn errors_of_the_data_come_from_the_executors_and_leave_them_alive() {
    with_cluster(|cluster, log| {
        is(
            cluster.collect(sql("SELECT 1 / (id - 2) FROM range(0, 4, 1, 2)"), log),
            "DIVIDE_BY_ZERO",
            "Division by zero",
        );
        let cast = "SELECT cast(concat('x', id) AS INT) FROM range(4)";
        is(cluster.collect(sql(cast), log), "CAST_INVALID_INPUT", "'x");
        let overflow = "SELECT sum(9223372036854775807 - id + id * 2) FROM range(3)";
        is(cluster.collect(sql(overflow), log), "ARITHMETIC_OVERFLOW", "overflow");
        assert_eq!(
            cluster
                .collect(sql("SELECT count(*) FROM range(4)"), log)
                .expect("the executors go on"),
            ["4"]
        );
    });
}

#[test]
fn settings_with_values_that_cannot_be_are_refused_and_keep_their_old_value() {
    with_cluster(|cluster, log| {
        let mut config = |op: sc::config_request::operation::OpType| {
            let operation = Some(sc::config_request::Operation { op_type: Some(op) });
            let request = sc::ConfigRequest {
                session_id: SESSION.into(),
                operation,
                ..Default::default()
            };
            let call = cluster.request(Method::Config, request.encode_to_vec(), log);
            let call = cluster.calls.remove(&call).expect("it is answered at once");
            call.ended.expect("it is answered at once").map(|()| {
                sc::ConfigResponse::decode(call.responses[0].as_slice())
                    .expect("a response can be read")
                    .pairs
            })
        };
        use sc::config_request::operation::OpType;
        let set = |key: &str, value: &str| {
            let pairs = vec![sc::KeyValue {
                key: key.into(),
                value: Some(value.into()),
            }];
            OpType::Set(sc::config_request::Set {
                pairs,
                ..Default::default()
            })
        };
        // The conditions are Spark's.
        for (value, sub) in [
            ("0", "REQUIREMENT"),
            ("-3", "REQUIREMENT"),
            ("many", "TYPE_MISMATCH"),
            ("", "TYPE_MISMATCH"),
        ] {
            is(
                config(set("spark.sql.shuffle.partitions", value)),
                &format!("INVALID_CONF_VALUE.{sub}"),
                "spark.sql.shuffle.partitions",
            );
        }
        is(
            config(set("spark.sql.session.timeZone", "Mars/Olympus")),
            "INVALID_CONF_VALUE.TIME_ZONE",
            "Mars/Olympus",
        );
        is(
            config(set("spark.sql.ansi.enabled", "perhaps")),
            "INVALID_CONF_VALUE.TYPE_MISMATCH",
            "perhaps",
        );
        let get = |key: &str| OpType::Get(sc::config_request::Get { keys: vec![key.into()] });
        is(config(get("spark.no.such")), "SQL_CONF_NOT_FOUND", "spark.no.such");
        for (key, value) in [
            ("spark.sql.shuffle.partitions", "2"),
            ("spark.sql.session.timeZone", "UTC"),
            ("spark.sql.ansi.enabled", "true"),
        ] {
            assert_eq!(config(get(key)).expect("it is set")[0].value.as_deref(), Some(value));
        }
    });
}
