//! Kafka's topics as tables: jobs that wait for brokers which are slow, silent, or heard twice, while executors die and others work.

use std::ops::Range;

use prost::Message;
use rand::Rng;

use super::client::{SESSION, options, relation, sql, table};
use super::cluster::brokers::TOPIC;
use super::cluster::{Cluster, Faults};
use crate::seeds::{Log, each_seed};
use rivulet::connect::protocol::{Input, Method, RequestId};
use rivulet::error::SparkError;
use rivulet::proto as sc;
use rivulet::proto::analyze_plan_request::{Analyze, Explain, Schema};
use rivulet::proto::command::CommandType;
use rivulet::proto::relation::RelType;
use rivulet::proto::write_operation::SaveMode;

/// Executors that die, messages that come twice, blocks that are lost.
fn faults() -> Faults {
    Faults {
        deaths: 3,
        dying: 0.05,
        doubling: 0.3,
        losing: 0.05,
        ..Faults::default()
    }
}

/// A table of the topic.
fn topic(more: &[(&str, &str)]) -> sc::Relation {
    let set = [("kafka.bootstrap.servers", "brokers"), ("subscribe", TOPIC)];
    table("kafka", &[&set, more].concat())
}

fn root(relation: sc::Relation) -> Option<sc::plan::OpType> {
    Some(sc::plan::OpType::Root(relation))
}

/// A cluster whose topic has partitions of these many records, with a view of it, `topic`.
fn cluster(seed: u64, faults: Faults, records: &[i64], set: &[(&str, &str)], log: &mut Log) -> Cluster {
    let mut cluster = Cluster::new(
        seed,
        1 + (seed % 3) as u32,
        &[("spark.sql.shuffle.partitions", "2")],
        faults,
        log,
    );
    cluster.brokers.latest = records.to_vec();
    cluster.view("topic", topic(set), log).unwrap();
    assert_eq!(cluster.brokers.questions, 0, "a view asks nobody");
    cluster
}

/// The rows of a call, sorted.
fn sorted(cluster: &mut Cluster, call: RequestId, log: &mut Log) -> Result<Vec<String>, SparkError> {
    let mut rows = cluster.answer(call, log)?.rows;
    rows.sort();
    Ok(rows)
}

/// Queries over the view, which has the records at these offsets, and what each must give.
fn queries(records: &[i64], offsets: &Range<i64>) -> Vec<(&'static str, Vec<String>)> {
    let all = || {
        (0..)
            .zip(records)
            .flat_map(|(p, n)| (offsets.start..offsets.end.min(*n)).map(move |offset| (p, offset)))
    };
    let mut rows: Vec<String> = all().map(|(p, offset): (i32, i64)| format!("{p}|{offset}")).collect();
    rows.sort();
    let low = all().filter(|(_, offset)| *offset < 3).count();
    vec![
        ("SELECT partition, offset FROM topic", rows.clone()),
        ("SELECT count(*) FROM topic", vec![rows.len().to_string()]),
        (
            "SELECT count(*) FROM topic t JOIN range(0, 3, 1, 2) r ON t.offset = r.id",
            vec![low.to_string()],
        ),
        (
            "SELECT a.partition, a.offset FROM topic a JOIN topic b ON a.partition = b.partition AND a.offset = b.offset",
            rows,
        ),
    ]
}

#[test]
fn tables_give_the_same_rows_whoever_dies_or_is_heard_twice() {
    each_seed(150, |seed, log| {
        let number = |seed: u64, most: u64| 1 + seed % most;
        let records: Vec<i64> = (0..number(seed, 4)).map(|p| (seed * 7 + p * 13) as i64 % 40).collect();
        let (pieces, most) = (number(seed / 4, 9).to_string(), number(seed / 5, 12).to_string());
        let mut set = vec![("fetchOffset.numRetries", "40"), ("fetchOffset.retryIntervalMs", "100")];
        set.extend((seed % 2 == 0).then_some(("minPartitions", pieces.as_str())));
        set.extend((seed % 3 == 0).then_some(("maxRecordsPerPartition", most.as_str())));
        let timed = seed % 5 == 0;
        let times = [
            ("startingTimestamp", "2"),
            ("startingOffsetsByTimestampStrategy", "latest"),
            ("endingTimestamp", "9"),
        ];
        set.extend(timed.then_some(times).into_iter().flatten());
        let offsets = if timed { 2..9 } else { 0..i64::MAX };
        let mut cluster = cluster(seed, faults(), &records, &set, log);
        cluster.brokers.doubling = 0.3;
        cluster.brokers.silence = 0.05;
        let expected = queries(&records, &offsets);
        // Two at a time: what one waits for is not the other's.
        let chosen = [0; 2].map(|_| cluster.network.rng.random_range(0..expected.len()));
        let calls = chosen.map(|at| (at, cluster.send_plan(root(sql(expected[at].0)), log)));
        for (at, call) in calls {
            match sorted(&mut cluster, call, log) {
                Ok(rows) => assert_eq!(rows, expected[at].1, "{}", expected[at].0),
                // Four tries of a task met silent brokers, or executors that died.
                Err(error) => {
                    let is_lost = error.condition.as_deref() == Some("EXECUTORS_LOST");
                    assert!(is_lost || error.message.contains("the brokers are silent"), "{error}");
                }
            }
        }
    });
}

#[test]
fn a_plan_that_is_only_looked_at_asks_nobody() {
    each_seed(1, |seed, log| {
        let mut cluster = cluster(seed, Faults::default(), &[3], &[], log);
        let plan = Some(sc::Plan {
            op_type: root(sql("SELECT key, offset FROM topic")),
        });
        let questions = [
            Analyze::Schema(Schema { plan: plan.clone() }),
            Analyze::Explain(Explain {
                plan,
                ..Default::default()
            }),
        ];
        for question in questions {
            let request = sc::AnalyzePlanRequest {
                session_id: SESSION.into(),
                analyze: Some(question),
                ..Default::default()
            };
            let call = cluster.request(Method::AnalyzePlan, request.encode_to_vec(), log);
            cluster.run_until(log, |c| c.calls[&call].ended.is_some());
            assert_eq!(cluster.calls[&call].ended, Some(Ok(())));
        }
        assert_eq!((cluster.brokers.questions, cluster.tasks), (0, 0));
        assert_eq!(cluster.collect(sql("SELECT count(*) FROM topic"), log).unwrap(), ["3"]);
        // A self-join is over one table, which asks once.
        cluster
            .collect(sql("SELECT count(*) FROM topic a, topic b"), log)
            .unwrap();
        assert_eq!(cluster.brokers.questions, 2);
    });
}

#[test]
fn brokers_that_are_away_fail_their_operation_in_time_and_no_other() {
    each_seed(40, |seed, log| {
        let lost = seed % 2 == 0;
        let mut cluster = cluster(seed, Faults::default(), &[5, 6], &[], log);
        (cluster.brokers.silence, cluster.brokers.losing) = if lost { (0.0, 1.0) } else { (1.0, 0.0) };
        // A refusal that comes twice counts once.
        cluster.brokers.doubling = 1.0;
        let begun = cluster.now_ms();
        let waits = cluster.send_plan(root(sql("SELECT * FROM topic")), log);
        let other = cluster.send_plan(root(sql("SELECT sum(id) FROM range(0, 10, 1, 2)")), log);
        assert_eq!(sorted(&mut cluster, other, log).unwrap(), ["45"]);
        assert!(cluster.calls[&waits].ended.is_none(), "it still waits");
        let error = sorted(&mut cluster, waits, log).unwrap_err();
        let took_ms = cluster.now_ms() - begun;
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
        assert!(
            error.message.contains("kafka.bootstrap.servers is 'brokers'"),
            "{error}"
        );
        if lost {
            assert_eq!((took_ms, cluster.brokers.questions), (60_000, 1));
        } else {
            // Three questions, a second between them, and at most 200 ms for an answer.
            assert!((2_000..=2_600).contains(&took_ms), "{took_ms}");
            assert_eq!(cluster.brokers.questions, 3);
        }
        (cluster.brokers.silence, cluster.brokers.losing) = (0.0, 0.0);
        assert_eq!(cluster.collect(sql("SELECT count(*) FROM topic"), log).unwrap(), ["11"]);
    });
}

#[test]
fn an_operation_that_waits_for_brokers_can_be_interrupted_and_a_late_answer_changes_nothing() {
    each_seed(40, |seed, log| {
        let mut cluster = cluster(seed, Faults::default(), &[5, 6], &[], log);
        let call = cluster.send_plan(root(sql("SELECT * FROM topic")), log);
        assert_eq!(cluster.brokers.questions, 1);
        if seed % 2 == 0 {
            let interrupt = sc::InterruptRequest {
                session_id: SESSION.into(),
                interrupt_type: sc::interrupt_request::InterruptType::All.into(),
                ..Default::default()
            };
            cluster.request(Method::Interrupt, interrupt.encode_to_vec(), log);
        } else {
            cluster.drive(Input::Cancel { id: call }, log);
        }
        let error = sorted(&mut cluster, call, log).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("OPERATION_CANCELED"));
        // The answer is under way, and comes.
        cluster.run_until(log, |c| c.network.next_at().is_none());
        assert_eq!((cluster.tasks, cluster.driver.wake_at()), (0, None));
        assert_eq!(cluster.collect(sql("SELECT count(*) FROM topic"), log).unwrap(), ["11"]);
    });
}

#[test]
fn records_that_go_before_they_are_read_fail_the_job_or_are_passed_over() {
    each_seed(20, |seed, log| {
        for strict in ["true", "false"] {
            let mut cluster = cluster(seed, Faults::default(), &[5, 6], &[("failOnDataLoss", strict)], log);
            cluster.brokers.gone = 2;
            let found = cluster.collect(sql("SELECT count(*) FROM topic"), log);
            match strict {
                "true" => {
                    let condition = found.unwrap_err().condition;
                    assert_eq!(
                        condition.as_deref(),
                        Some("KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE")
                    );
                }
                _ => assert_eq!(found.unwrap(), ["7"]),
            }
        }
    });
}

/// Writes the numbers below `rows` into a topic.
fn save(rows: i64, mode: SaveMode, more: &[(&str, &str)]) -> CommandType {
    let numbers = format!("SELECT CAST(id AS STRING) AS value FROM range(0, {rows}, 1, 3)");
    let set = [&[("kafka.bootstrap.servers", "brokers")], more].concat();
    CommandType::WriteOperation(sc::WriteOperation {
        input: Some(sql(&numbers)),
        source: Some("kafka".into()),
        mode: mode.into(),
        options: options(&set).into_iter().collect(),
        ..Default::default()
    })
}

#[test]
fn rows_are_written_once_or_the_operation_says_why_not() {
    each_seed(60, |seed, log| {
        let mut cluster = cluster(seed, faults(), &[], &[], log);
        cluster.brokers.doubling = 0.3;
        cluster.brokers.silence = 0.2;
        let rows = (seed % 30) as i64;
        let mode = [SaveMode::Append, SaveMode::ErrorIfExists, SaveMode::Unspecified][(seed % 3) as usize];
        let answer = cluster.command(save(rows, mode, &[("topic", "out")]), log);
        let mut written: Vec<i64> = cluster
            .brokers
            .written
            .iter()
            .map(|(_, v)| v.parse().unwrap())
            .collect();
        written.sort_unstable();
        match answer {
            Ok(_) => {
                assert_eq!(written, (0..rows).collect::<Vec<_>>());
                assert!(cluster.brokers.written.iter().all(|(topic, _)| topic == "out"));
            }
            Err(error) => {
                assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
                assert!(written.is_empty(), "{written:?}");
            }
        }
    });
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_runs() {
    each_seed(1, |seed, log| {
        let mut cluster = cluster(seed, Faults::default(), &[], &[], log);
        type Set<'a> = &'a [(&'a str, &'a str)];
        let refusals: [(SaveMode, Set<'_>, &str); 4] = [
            (
                SaveMode::Overwrite,
                &[("topic", "out")],
                "Save mode Overwrite not allowed for Kafka. Allowed save modes are Append and ErrorIfExists (default).",
            ),
            (
                SaveMode::Ignore,
                &[("topic", "out")],
                "Save mode Ignore not allowed for Kafka.",
            ),
            (
                SaveMode::Append,
                &[],
                "topic option required when no 'topic' attribute is present.",
            ),
            (
                SaveMode::Append,
                &[("topik", "out")],
                "The kafka sink has no option 'topik'. Did you mean 'topic'?",
            ),
        ];
        for (mode, set, start) in refusals {
            let Err(error) = cluster.command(save(3, mode, set), log) else {
                panic!("{start}")
            };
            assert!(error.message.starts_with(start), "{error}");
        }
        let stream = super::client::stream("kafka", None, &[("kafka.bootstrap.servers", "b"), ("subscribe", "t")]);
        let mut of_stream = save(3, SaveMode::Append, &[("topic", "out")]);
        if let CommandType::WriteOperation(write) = &mut of_stream {
            write.input = Some(stream);
        }
        let error = cluster.command(of_stream, log).map(|_| ()).unwrap_err();
        assert_eq!(
            error.condition.as_deref(),
            Some("CALL_ON_STREAMING_DATASET_UNSUPPORTED")
        );
        assert_eq!(cluster.tasks, 0);
    });
}

#[test]
fn a_write_that_is_cancelled_is_over_though_its_answer_comes() {
    each_seed(20, |seed, log| {
        let mut cluster = cluster(seed, Faults::default(), &[], &[], log);
        let write = sc::Command {
            command_type: Some(save(5, SaveMode::Append, &[("topic", "out")])),
        };
        let call = cluster.send_plan(Some(sc::plan::OpType::Command(write)), log);
        cluster.run_until(log, |c| !c.brokers.written.is_empty());
        cluster.drive(Input::Cancel { id: call }, log);
        let error = sorted(&mut cluster, call, log).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("OPERATION_CANCELED"));
        cluster.run_until(log, |c| c.network.next_at().is_none());
        assert_eq!(cluster.collect(sql("SELECT 1"), log).unwrap(), ["1"]);
    });
}

#[test]
fn a_pivot_over_a_table_asks_for_its_values_and_again_for_its_rows() {
    each_seed(10, |seed, log| {
        let mut cluster = cluster(seed, Faults::default(), &[3, 4], &[], log);
        let column = |name: &str| sc::Expression {
            expr_type: Some(sc::expression::ExprType::UnresolvedAttribute(
                sc::expression::UnresolvedAttribute {
                    unparsed_identifier: name.into(),
                    ..Default::default()
                },
            )),
            ..Default::default()
        };
        let count = sc::Expression {
            expr_type: Some(sc::expression::ExprType::UnresolvedFunction(
                sc::expression::UnresolvedFunction {
                    function_name: "count".into(),
                    arguments: vec![column("offset")],
                    ..Default::default()
                },
            )),
            ..Default::default()
        };
        let pivot = relation(RelType::Aggregate(Box::new(sc::Aggregate {
            input: Some(Box::new(topic(&[]))),
            group_type: sc::aggregate::GroupType::Pivot.into(),
            grouping_expressions: vec![column("topic")],
            aggregate_expressions: vec![count],
            pivot: Some(sc::aggregate::Pivot {
                col: Some(column("partition")),
                values: vec![],
            }),
            ..Default::default()
        })));
        assert_eq!(cluster.collect(pivot, log).unwrap(), ["t|3|4"]);
        assert_eq!(cluster.brokers.questions, 2);
    });
}
