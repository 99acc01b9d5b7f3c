//! Reading and writing by REST, over a server that is a model.

mod model;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;
use crate::sources::kafka::exchange::{Order, Question, Times, Topics, Writing};
use crate::sources::kafka::{bridge, rows};
use crate::values::base64::{from_base64, to_base64};
use crate::values::ipc;
use model::{Answer, Model};

fn cluster(dialect: Dialect) -> Cluster {
    Cluster {
        bridge: Some("http://rest".into()),
        dialect,
        ..Cluster::default()
    }
}

fn order(dialect: Dialect, from: i64, until: i64, strict: bool) -> Order {
    Order {
        cluster: cluster(dialect),
        topic: "t".into(),
        partition: 0,
        from,
        until,
        headers: false,
        strict,
        timeout_ms: 60_000,
    }
}

/// Returns the offsets and the times in blocks.
fn offsets(blocks: &[Buffer]) -> (Vec<i64>, Vec<Option<i64>>) {
    let (mut offsets, mut times) = (vec![], vec![]);
    for batch in blocks.iter().flat_map(|block| ipc::read(block).unwrap()) {
        offsets.extend(batch.column(rows::OFFSET).as_primitive::<Int64Type>().values());
        times.extend(batch.column(5).as_primitive::<TimestampMicrosecondType>().iter());
        assert!(batch.column(3).as_primitive::<Int32Type>().iter().all(|p| p == Some(0)));
    }
    (offsets, times)
}

fn question(topics: Topics, times: Times) -> Question {
    Question {
        cluster: cluster(Dialect::Confluent),
        topics,
        times,
    }
}

const DIALECTS: [(Dialect, bool); 2] = [(Dialect::Confluent, false), (Dialect::Strimzi, true)];

#[test]
fn an_order_is_read_by_a_consumer_of_its_own_that_is_ended() {
    for (dialect, strimzi) in DIALECTS {
        let model = Model::new(strimzi);
        let blocks = block_on(bridge::pull(&model, &order(dialect, 11, 18, true))).unwrap();
        let (found, times) = offsets(&blocks);
        assert_eq!(found, (11..18).collect::<Vec<_>>());
        assert_eq!(times[0], strimzi.then_some(1_011_000), "{dialect:?}");
        assert!(model.consumers.borrow().is_empty());
    }
}

#[test]
fn lost_answers_lost_consumers_and_busy_servers_lose_and_repeat_no_record() {
    let busy = || Some((503, json!({ "error_code": 503, "message": "busy" })));
    let gone = |code: i64| Some((404, json!({ "error_code": code, "message": "no consumer" })));
    for (dialect, strimzi) in DIALECTS {
        let lost: [(&str, Answer); 10] = [
            ("/offsets", None),
            ("/offsets", busy()),
            ("/consumers/", None),
            ("/consumers/", busy()),
            ("/assignments", None),
            ("/positions", busy()),
            ("/records", None),
            ("/records", busy()),
            ("/records", gone(if strimzi { 404 } else { 40403 })),
            ("/instances/", None),
        ];
        for (word, answer) in lost {
            let model = Model::new(strimzi);
            model.lose(word, answer);
            let blocks = block_on(bridge::pull(&model, &order(dialect, 10, 20, true))).unwrap();
            assert_eq!(offsets(&blocks).0, (10..20).collect::<Vec<_>>(), "{dialect:?} {word}");
            assert!(model.scripted.borrow().is_empty(), "{word}");
        }
    }
}

#[test]
fn an_answer_that_the_browser_has_asked_for_again_by_itself_leaves_no_gap() {
    // The first answers are lost on their way: what comes is the next ones, from where the consumer went on.
    for skips in 1..4 {
        let model = Model::new(false);
        model.skips.set(skips);
        let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 13, true))).unwrap();
        assert_eq!(offsets(&blocks).0, [10, 11, 12], "{skips}");
        assert_eq!(model.skips.get(), 0);
    }
}

#[test]
fn the_last_records_are_asked_for_again_if_their_answer_was_lost_so() {
    for strict in [true, false] {
        let model = Model::new(false);
        model.skips.set(1);
        let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 18, 20, strict))).unwrap();
        assert_eq!(offsets(&blocks).0, [18, 19], "{strict}");
    }
}

#[test]
fn a_dialect_is_found_though_answers_are_lost() {
    let model = Model::new(true);
    model.lose("/kafka/offsets", None);
    model.lose("/", Some((503, json!({ "message": "busy" }))));
    model.lose("/", None);
    let base = "http://rest#lost";
    let auto = Cluster {
        bridge: Some(base.into()),
        ..Cluster::default()
    };
    let found = block_on(super::super::dialect::of(&Marked(&model), &auto, base));
    assert_eq!((found, model.scripted.borrow().len()), (Dialect::Strimzi, 0));
}

#[test]
fn gaps_of_compacted_topics_are_gaps() {
    let model = Model::new(false);
    if let Some((_, held)) = model.held.borrow_mut().get_mut(&("t".to_owned(), 0)) {
        [0, 1, 4, 5, 6].into_iter().for_each(|at: usize| held[at] = None);
    }
    let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 20, true))).unwrap();
    assert_eq!(offsets(&blocks).0, [12, 13, 17, 18, 19]);
}

#[test]
fn records_that_are_gone_are_an_error_or_passed_over() {
    let model = Model::new(false);
    let error = block_on(bridge::pull(&model, &order(Dialect::Confluent, 5, 15, true))).unwrap_err();
    assert_eq!(
        error.condition.as_deref(),
        Some("KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE")
    );
    assert!(
        error.message.contains("the first offset that is there is 10"),
        "{error}"
    );
    let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 5, 15, false))).unwrap();
    assert_eq!(offsets(&blocks).0, (10..15).collect::<Vec<_>>());
    let all = block_on(bridge::pull(&model, &order(Dialect::Confluent, 5, 9, false))).unwrap();
    assert!(all.is_empty());
}

#[test]
fn marks_at_the_end_of_a_range_are_an_error_in_time_or_passed_over() {
    let model = Model::new(false);
    model
        .held
        .borrow_mut()
        .get_mut(&("t".to_owned(), 0))
        .unwrap()
        .1
        .truncate(6);
    model
        .held
        .borrow_mut()
        .get_mut(&("t".to_owned(), 0))
        .unwrap()
        .1
        .push(None);
    let error = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 17, true))).unwrap_err();
    assert!(
        error.message.contains("no record at offset 16") && error.message.contains("failOnDataLoss"),
        "{error}"
    );
    let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 17, false))).unwrap();
    assert_eq!(offsets(&blocks).0, (10..16).collect::<Vec<_>>());
    // In the middle they are nothing: the next record says that they are over.
    model
        .held
        .borrow_mut()
        .get_mut(&("t".to_owned(), 0))
        .unwrap()
        .1
        .push(Some(json!({ "value": "" })));
    let blocks = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 18, true))).unwrap();
    assert_eq!(offsets(&blocks).0, [10, 11, 12, 13, 14, 15, 17]);
}

#[test]
fn a_server_that_lies_is_refused() {
    let record = |offset: i64| json!({ "topic": "t", "partition": 0, "offset": offset, "key": null, "value": "AA==" });
    let mut elsewhere = record(10);
    elsewhere["partition"] = json!(1);
    let mut odd = record(10);
    odd["value"] = json!("%%");
    let lies = [
        ("/records", 200, json!([record(9)]), "are not those from offset 10 on"),
        (
            "/records",
            200,
            json!([record(10), record(10)]),
            "are not those from offset 11 on",
        ),
        ("/records", 200, json!([elsewhere]), "are not those from offset 10 on"),
        ("/records", 200, json!([odd]), "are not in base 64"),
        (
            "/records",
            200,
            json!({ "records": [] }),
            "did not come as records in the binary format",
        ),
        (
            "/records",
            406,
            json!({ "error_code": 40601, "message": "format" }),
            "answered 406: format",
        ),
        ("/records", 302, json!("elsewhere"), "answered 302"),
        (
            "/offsets",
            200,
            json!({ "beginning_offset": 6, "end_offset": 5 }),
            "from 6 up to 5, which cannot be",
        ),
        ("/offsets", 200, json!("<html>"), "kafka.bridge.dialect"),
        ("/consumers/", 401, json!({ "message": "who?" }), "kafka.bridge.token"),
    ];
    for (word, status, answer, told) in lies {
        let model = Model::new(false);
        model.lose(word, Some((status, answer)));
        let error = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 20, true))).unwrap_err();
        assert!(error.message.contains(told), "{told}: {error}");
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
    }
}

#[test]
fn a_consumer_that_is_nowhere_each_time_is_given_up_with_the_cause() {
    let model = Model::new(false);
    let nowhere = || Some((404, json!({ "error_code": 40403, "message": "no consumer" })));
    (0..300).for_each(|_| model.lose("/assignments", nowhere()));
    let error = block_on(bridge::pull(&model, &order(Dialect::Confluent, 10, 20, true))).unwrap_err();
    assert!(
        error.message.contains("must keep the requests of a consumer together"),
        "{error}"
    );
}

#[test]
fn offsets_are_found_by_name_by_pattern_and_as_assigned() {
    let ask = |topics| {
        let model = Model::new(false);
        let found = block_on(bridge::answer_of(&model, &question(topics, Times::None)));
        found.map(|spans| {
            spans
                .into_iter()
                .map(|((t, p), s)| (t, p, s.earliest, s.latest))
                .collect::<Vec<_>>()
        })
    };
    let both = vec![("t".to_owned(), 0, 10, 20), ("t".to_owned(), 1, 0, 0)];
    assert_eq!(ask(Topics::Names(vec!["t".into()])).unwrap(), both);
    assert_eq!(
        ask(Topics::Pattern("o.*".into())).unwrap(),
        [("other".to_owned(), 0, 0, 3)]
    );
    assert_eq!(ask(Topics::Partitions(vec![("t".into(), 0)])).unwrap(), both[..1]);
    let refused = ask(Topics::Names(vec!["no".into()])).unwrap_err();
    assert!(
        refused
            .message
            .contains("/topics/no/partitions answered 404: not found")
            && !refused.is_away
    );
    let refused = ask(Topics::Names(vec!["../admin".into()])).unwrap_err();
    assert!(
        refused
            .message
            .contains("'../admin' is not a name that a topic of Kafka can have")
    );
    let at = block_on(bridge::answer_of(
        &Model::new(false),
        &question(Topics::Names(vec![]), Times::All(5)),
    ));
    assert!(at.unwrap_err().message.contains("no offsets by time"));
}

#[test]
fn the_dialect_is_found_once_and_used_for_all() {
    for (dialect, strimzi) in DIALECTS {
        let model = Model::new(strimzi);
        let base = format!("http://rest#{strimzi}");
        let auto = Cluster {
            bridge: Some(base.clone()),
            ..Cluster::default()
        };
        // The model takes any address of its own: what follows the mark is only for the memory of this test.
        let found = block_on(super::super::dialect::of(&Marked(&model), &auto, &base));
        assert_eq!(found, dialect);
        let asked = model.asked.borrow().len();
        assert_eq!(
            block_on(super::super::dialect::of(&Marked(&model), &auto, &base)),
            dialect
        );
        assert_eq!(model.asked.borrow().len(), asked);
    }
}

/// A model whose address has a mark.
struct Marked<'a>(&'a Model);

impl Http for Marked<'_> {
    async fn send(&self, mut request: Request) -> Result<Response, String> {
        let (_, path) = request.url.split_once('#').unwrap();
        request.url = format!("http://rest{}", path.trim_start_matches(|c| c != '/'));
        self.0.send(request).await
    }

    async fn sleep(&self, ms: i64) {
        self.0.sleep(ms).await;
    }

    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

/// A block of records to write: value and headers.
fn written(values: &[&str], headers: bool) -> Buffer {
    use arrow::array::{BinaryArray, Int32Array, RecordBatch, StringArray, new_null_array};
    let schema = rows::written();
    let rows_of = values.len();
    let headers = if headers {
        let one = rows::Record {
            headers: vec![("h".into(), Some(b"x".to_vec()))],
            ..rows::Record::default()
        };
        let many = vec![one; rows_of];
        rows::batch("t", 0, &many, true).unwrap().column(7).clone()
    } else {
        new_null_array(schema.field(4).data_type(), rows_of)
    };
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            std::sync::Arc::new(StringArray::from(vec!["other"; rows_of])),
            std::sync::Arc::new(Int32Array::new_null(rows_of)),
            std::sync::Arc::new(BinaryArray::new_null(rows_of)),
            std::sync::Arc::new(BinaryArray::from_iter_values(values.iter().map(|v| v.as_bytes()))),
            headers,
        ],
    );
    ipc::write(&schema, [&batch.unwrap()]).unwrap().into()
}

#[test]
fn records_are_written_until_all_are_there_and_refusals_say_why() {
    let write = |model: &Model, headers: bool, dialect: Dialect| {
        let writing = Writing {
            cluster: cluster(dialect),
            blocks: vec![written(&["a", "b"], headers)],
        };
        block_on(bridge::write(model, &writing)).map_err(|refused| refused.message)
    };
    let values = |model: &Model| -> Vec<String> {
        let held = model.held.borrow();
        let records = held[&("other".to_owned(), 0)].1.iter().flatten().skip(3);
        let value = |record: &Value| from_base64(record["value"].as_str().unwrap(), false).unwrap();
        records
            .map(|record| String::from_utf8(value(record)).unwrap())
            .collect()
    };
    let model = Model::new(false);
    model.lose("/topics/other", None);
    write(&model, false, Dialect::Confluent).unwrap();
    assert_eq!(values(&model), ["a", "b", "a", "b"], "a lost answer: at least once");
    let model = Model::new(false);
    let partly = json!({ "offsets": [{ "partition": 0, "offset": 3 }, { "error_code": 2, "error": "not now" }] });
    model.lose("/topics/other", Some((200, partly)));
    write(&model, false, Dialect::Confluent).unwrap();
    assert_eq!(values(&model), ["b"], "only what has failed is sent again");
    let refusals = [
        (
            200,
            json!({ "offsets": [{ "error_code": 1, "error": "too large" }, {}] }),
            "too large (1)",
        ),
        (200, json!({ "offsets": [] }), "does not say where the 2 records are"),
        (
            404,
            json!({ "error_code": 40401, "message": "no topic" }),
            "answered 404: no topic",
        ),
    ];
    for (status, answer, told) in refusals {
        let model = Model::new(false);
        model.lose("/topics/other", Some((status, answer)));
        let refused = write(&model, false, Dialect::Confluent).unwrap_err();
        assert!(refused.contains(told), "{told}: {refused}");
    }
    let refused = write(&Model::new(false), true, Dialect::Confluent).unwrap_err();
    assert!(refused.contains("takes no headers"), "{refused}");
    let model = Model::new(true);
    write(&model, true, Dialect::Strimzi).unwrap();
    let headers = model.held.borrow()[&("other".to_owned(), 0)].1[3].clone().unwrap()["headers"].clone();
    assert_eq!(headers, json!([{ "key": "h", "value": to_base64(b"x") }]));
    assert!(model.held.borrow().len() == 3 && model.consumers.borrow().is_empty());
}
