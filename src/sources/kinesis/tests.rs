//! The source, and the code of its hosts against a server that answers from a script: what is planned, and what is made of answers that
//! are late, wrong or hostile.

use arrow::array::AsArray;
use futures::executor::block_on;
use serde_json::json;

use super::exchange::{Credentials, Reach, Starting, Stream, Writing};
use super::*;
use crate::sources::http::scripted::{Scripted, scripted};
use crate::sources::http::{Request as Asked, Response};
use crate::sources::systems::Refused;
use crate::storage::files::NoFiles;
use crate::values::ipc;

mod credentials;

fn source(options: &[(&str, &str)]) -> Box<dyn Source> {
    let named = [("kinesis.streamname", "s"), ("kinesis.region", "r")];
    let set = named
        .iter()
        .chain(options)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let spec = StreamSpec {
        format: "aws-kinesis".into(),
        path: None,
        options: set.collect(),
    };
    KINESIS.check(&spec).unwrap();
    (KINESIS.open)(&spec, 1_000).unwrap()
}

fn asked(asks: Vec<Ask>) -> Question {
    match asks.into_iter().next() {
        Some(Ask::System(question)) => match *question {
            systems::Question::Kinesis(question) => question,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn told(source: &mut dyn Source, answer: std::result::Result<Look, Refused>, now_ms: i64) -> Result<()> {
    let answer = Box::new(answer.map(Found::Kinesis));
    source.heard(Event::Answered(answer), now_ms).map(|_| ())
}

fn at(positions: &[(&str, Position)]) -> Positions {
    positions.iter().map(|(n, p)| ((*n).to_owned(), p.clone())).collect()
}

fn after(number: &str) -> Position {
    Position::After(number.into())
}

fn reach(last: Option<&str>, records: u64, has_ended: bool) -> Reach {
    Reach {
        last: last.map(str::to_owned),
        records,
        has_ended,
        is_tip: !has_ended,
    }
}

fn look(from: Positions, reaches: &[(&str, Reach)]) -> Look {
    Look {
        from,
        reaches: reaches.iter().map(|(n, r)| ((*n).to_owned(), r.clone())).collect(),
        lost: vec![],
    }
}

fn orders(source: &mut dyn Source, start: &Value, end: &Value) -> Vec<Order> {
    let blocks = source.read(start, end, &NoFiles).unwrap();
    let orders = blocks.iter().map(|block| systems::Order::of_block(block).unwrap());
    orders
        .map(|order| match order {
            systems::Order::Kinesis(order) => order,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_batch_ends_where_the_host_has_read_and_is_the_same_when_it_runs_again() {
    let mut running = source(&[]);
    running.restore("f".into(), &Value::Null, &Memory::of(Began(None)));
    let question = asked(running.look());
    assert_eq!(
        (question.from, question.starting),
        (None, Starting::Latest { now_ms: 1_000 })
    );
    assert!(running.is_looking() && running.look().is_empty());
    let begin = at(&[("a", Position::Time(1_000)), ("b", Position::Time(1_000))]);
    let found = [("a", reach(Some("7"), 3, false)), ("b", reach(None, 0, false))];
    told(running.as_mut(), Ok(look(begin.clone(), &found)), 2_000).unwrap();
    // An answer that comes twice says nothing new.
    told(running.as_mut(), Ok(look(Positions::new(), &[])), 2_000).unwrap();
    assert!(!running.looks_again(), "the newest records are known");
    assert!(running.has_data(&Value::Null, 2_000));
    let (end, log) = running.plan(&Value::Null, 2_000, false);
    let Some(Request::Write { path, bytes }) = log else {
        panic!("nothing is written")
    };
    assert_eq!(path, "f/0");
    let text = std::str::from_utf8(&bytes).unwrap().strip_prefix("v1\n").unwrap();
    let began = of_json(&serde_json::from_str(text).unwrap());
    assert_eq!(began, Some(begin));
    assert!(!running.has_data(&end, 2_000), "what was found is planned");
    let planned = orders(running.as_mut(), &Value::Null, &end);
    assert_eq!(planned.len(), 1);
    assert_eq!(
        (&planned[0].from, planned[0].until.as_deref()),
        (&Position::Time(1_000), Some("7"))
    );
    assert_eq!(planned[0].records, Some(3));

    let mut again = source(&[]);
    again.restore("f".into(), &Value::Null, &Memory::of(Began(began)));
    again.plan_again(&end);
    assert_eq!(orders(again.as_mut(), &Value::Null, &end), planned);
    // It goes on from there, and a look that finds nothing is followed by another.
    told(running.as_mut(), Ok(look(Positions::new(), &[])), 2_000).unwrap();
    assert!(running.look().is_empty() && running.is_looking());
    asked(running.wake(9_000));
    let found = [("a", reach(None, 0, false))];
    told(running.as_mut(), Ok(look(Positions::new(), &found)), 9_000).unwrap();
    assert!(
        running.look().is_empty() && running.is_looking(),
        "it looks again after a while"
    );
    asked(running.wake(99_000));
    assert_eq!(
        asked(again.look()).from,
        Some(at(&[("a", after("7")), ("b", Position::Time(1_000))]))
    );
}

#[test]
fn a_shard_that_ends_is_read_to_its_end_and_its_children_from_their_beginning() {
    let mut running = source(&[("kinesis.startingposition", "TRIM_HORIZON")]);
    running.restore("f".into(), &Value::Null, &Memory::of(Began(None)));
    running.look();
    let begin = at(&[("a", Position::Horizon), ("b", Position::Horizon)]);
    told(
        running.as_mut(),
        Ok(look(begin, &[("a", reach(Some("7"), 3, true))])),
        0,
    )
    .unwrap();
    assert!(running.looks_again(), "the child is not read yet");
    let (first, _) = running.plan(&Value::Null, 0, false);
    let order = &orders(running.as_mut(), &Value::Null, &first)[0];
    assert_eq!(
        (order.shard.as_str(), &order.until, order.records),
        ("a", &None, Some(3))
    );
    assert!(running.look().is_empty(), "a shard is left alone for a while");
    let due_ms = running.wake_at().unwrap();
    assert_eq!(due_ms, 400);
    let question = asked(running.wake(due_ms));
    let from = at(&[("a", Position::End), ("b", Position::Horizon)]);
    assert_eq!(question.from.as_ref(), Some(&from));
    told(
        running.as_mut(),
        Ok(look(from, &[("b", reach(Some("9"), 1, false))])),
        500,
    )
    .unwrap();
    assert!(!running.looks_again());
    let (second, _) = running.plan(&first, 500, false);
    let of_second = orders(running.as_mut(), &first, &second);
    assert_eq!(of_second.len(), 1);
    assert_eq!(
        (of_second[0].shard.as_str(), &of_second[0].from),
        ("b", &Position::Horizon)
    );
}

#[test]
fn shards_that_are_gone_are_an_error_if_they_are_to_be_and_servers_that_are_away_are_asked_again() {
    let gone = || Look {
        lost: vec!["a".into()],
        ..look(Positions::new(), &[])
    };
    let mut strict = source(&[("kinesis.failondataloss", "true")]);
    strict.look();
    let error = told(strict.as_mut(), Ok(gone()), 0).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_KINESIS_DATA_LOSS"));
    assert!(error.message.contains("kinesis.failOnDataLoss"), "{error}");
    let mut easy = source(&[]);
    easy.look();
    told(easy.as_mut(), Err(Refused::for_now("away")), 0).unwrap();
    let due_ms = easy.wake_at().unwrap();
    assert!(easy.is_looking() && easy.wake(due_ms - 1).is_empty());
    asked(easy.wake(due_ms));
    told(easy.as_mut(), Ok(gone()), due_ms).unwrap();
    assert!(!easy.is_looking());
    easy.plan(&Value::Null, 0, false);
    // What the server refuses for good ends the query after some tries.
    let mut refused = source(&[]);
    refused.look();
    let mut tries = 1;
    while told(refused.as_mut(), Err(Refused::for_good("no")), 0).is_ok() {
        asked(refused.wake(refused.wake_at().unwrap()));
        tries += 1;
    }
    assert_eq!(tries, REFUSALS.0);
}

fn stream() -> Stream {
    Stream {
        name: "s".into(),
        endpoint: "http://there:80".into(),
        region: "r".into(),
        credentials: Some(Credentials {
            access_key_id: "id".into(),
            secret_key: "secret".into(),
            session_token: Some("token".into()),
        }),
        function: None,
        tries: 3,
        retry_ms: 100,
        longest_retry_ms: 250,
        interval_ms: 200,
        per_read: 10,
    }
}

fn question() -> Question {
    Question {
        stream: stream(),
        from: None,
        starting: Starting::Horizon,
        records: 100,
        time_ms: 1_000,
        strict: false,
    }
}

fn order(from: Position, until: Option<&str>, records: Option<u64>, strict: bool) -> Order {
    Order {
        stream: stream(),
        shard: "a".into(),
        from,
        until: until.map(str::to_owned),
        records,
        strict,
    }
}

type Answer = std::result::Result<Response, String>;

fn said(body: &Value) -> Answer {
    raw(200, body.to_string().as_bytes())
}

fn raw(status: u16, body: &[u8]) -> Answer {
    Ok(Response {
        status,
        header: None,
        body: body.to_vec(),
    })
}

fn failed(kind: &str) -> Answer {
    raw(
        400,
        json!({"__type": format!("aws#{kind}"), "message": "no"})
            .to_string()
            .as_bytes(),
    )
}

fn shards() -> Answer {
    said(&json!({"Shards": [{"ShardId": "a", "SequenceNumberRange": null}]}))
}

fn iterator() -> Answer {
    said(&json!({"ShardIterator": "i"}))
}

fn records(numbers: &[&str], next: Option<&str>, behind_ms: i64) -> Answer {
    let record = |number: &&str| json!({"SequenceNumber": number, "PartitionKey": "k", "Data": "dg==", "ApproximateArrivalTimestamp": 1.25});
    let records: Vec<Value> = numbers.iter().map(record).collect();
    said(&json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": behind_ms}))
}

fn asked_for(http: &Scripted) -> Vec<String> {
    let target = |request: &Asked| {
        let target = request.headers.iter().find(|(name, _)| *name == "X-Amz-Target");
        target.unwrap().1.rsplit('.').next().unwrap().to_owned()
    };
    http.asked.borrow().iter().map(target).collect()
}

#[test]
fn a_look_reads_to_the_newest_record_and_waits_longer_each_time_that_the_server_has_no_time() {
    let http = scripted([
        failed("LimitExceededException"),
        shards(),
        iterator(),
        raw(500, b"<html>"),
        failed("ProvisionedThroughputExceededException"),
        Err("reset".into()),
        records(&["9", "10"], Some("j"), 70),
        records(&[], Some("k"), 70),
        records(&["100"], Some("l"), 0),
    ]);
    let look = block_on(reading::look(&http, &question())).unwrap();
    assert_eq!(look.reaches["a"], reach(Some("100"), 3, false));
    assert_eq!(look.from, at(&[("a", Position::Horizon)]));
    // A wait of the list, three of the first page, and a pause after each of two pages.
    assert_eq!(*http.slept_ms.borrow(), 100 + (100 + 200 + 250) + 200 + 200);
    let first = &http.asked.borrow()[0];
    assert_eq!(first.url, "http://there:80/");
    let headers: Vec<&str> = first.headers.iter().map(|(name, _)| name.as_ref()).collect();
    let expected = [
        "Content-Type",
        "X-Amz-Date",
        "X-Amz-Target",
        "X-Amz-Security-Token",
        "Authorization",
    ];
    assert_eq!(headers, expected);
    let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    assert!(first.headers[4].1.contains(signed), "{}", first.headers[4].1);
}

#[test]
fn an_iterator_that_has_expired_is_replaced_by_one_after_the_last_record_but_not_forever() {
    let http = scripted([
        iterator(),
        records(&["9"], Some("j"), 70),
        failed("ExpiredIteratorException"),
        iterator(),
        records(&["10", "11"], Some("l"), 0),
    ]);
    let blocks = block_on(reading::pull(&http, &order(after("8"), Some("10"), Some(2), true))).unwrap();
    let numbers: Vec<String> = ipc::read(&blocks[0]).unwrap()[0]
        .column(3)
        .as_string::<i32>()
        .iter()
        .map(|n| n.unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["9", "10"]);
    let wanted = http.asked.borrow()[3].body.clone();
    let wanted: Value = serde_json::from_slice(&wanted).unwrap();
    assert_eq!(wanted["StartingSequenceNumber"], "9");
    assert_eq!(wanted["ShardIteratorType"], "AFTER_SEQUENCE_NUMBER");

    let expired = [iterator(), failed("ExpiredIteratorException")];
    let http = scripted(expired.iter().cycle().take(20).cloned());
    assert!(block_on(reading::pull(&http, &order(after("8"), Some("10"), None, true))).is_err());
    assert_eq!(http.asked.borrow().len(), 8);
}

#[test]
fn answers_of_hostile_servers_are_errors_that_say_so() {
    let after_nine = order(after("9"), Some("12"), None, true);
    for (answers, what) in [
        (vec![raw(200, b"<html>hello")], "is not that of Kinesis: <html>hello"),
        (vec![iterator(), records(&["8"], Some("j"), 0)], "out of its order: 8"),
        (vec![iterator(), records(&["9"], Some("j"), 0)], "out of its order: 9"),
        (
            vec![iterator(), records(&["11", "10"], Some("j"), 0)],
            "out of its order: 10",
        ),
        (
            vec![iterator(), records(&["1e3"], Some("j"), 0)],
            "whose sequence number is not one",
        ),
        (
            vec![iterator(), records(&[&"1".repeat(500)], Some("j"), 0)],
            "whose sequence number is not one",
        ),
        (
            vec![
                iterator(),
                said(&json!({"Records": [{"SequenceNumber": "10", "PartitionKey": "k", "Data": "%"}]})),
            ],
            "not in base 64",
        ),
        (
            vec![iterator(), said(&json!({"Records": {}}))],
            "is not that of Kinesis",
        ),
        (vec![failed("ResourceNotFoundException")], "kinesis.streamName"),
        (vec![failed("ExpiredTokenException")], "kinesis.awsSessionToken take"),
        (vec![failed("UnrecognizedClientException")], "kinesis.awsAccessKeyId"),
        (vec![Err("refused".into()); 4], "kinesis.endpointUrl"),
    ] {
        let error = block_on(reading::pull(&scripted(answers), &after_nine)).unwrap_err();
        assert!(error.message.contains(what), "{what}: {error}");
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KINESIS_UNANSWERED"));
    }
    let mut unsigned = question();
    unsigned.stream.credentials = None;
    let refused = block_on(reading::look(&scripted([]), &unsigned)).unwrap_err();
    assert!(
        refused.message.contains("set the options kinesis.awsAccessKeyId"),
        "{}",
        refused.message
    );
    let quiet = scripted(std::iter::once(iterator()).chain(vec![records(&[], Some("j"), 9); 5_000]));
    let error = block_on(reading::pull(&quiet, &after_nine)).unwrap_err();
    assert!(error.message.contains("has no records of a for minutes"), "{error}");
    let many: Vec<Value> = (0..100_001).map(|n| json!({"ShardId": n.to_string()})).collect();
    let many = [said(&json!({"Shards": many, "NextToken": "t"}))];
    let refused = block_on(reading::look(&scripted(many), &question())).unwrap_err();
    assert!(
        refused.message.contains("more shards than a stream can have"),
        "{}",
        refused.message
    );
    let endless = json!({"Shards": [], "NextToken": "t"});
    let refused = block_on(reading::look(&scripted(vec![said(&endless); 200]), &question())).unwrap_err();
    assert!(
        refused.message.contains("more shards than a stream can have"),
        "{}",
        refused.message
    );
}

#[test]
fn a_batch_whose_records_are_gone_is_an_error_or_takes_those_that_are_there() {
    let lost = || scripted([iterator(), records(&["11", "12"], Some("j"), 0)]);
    let pull = |http: Scripted, strict| block_on(reading::pull(&http, &order(after("9"), Some("12"), Some(3), strict)));
    let error = pull(lost(), true).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_KINESIS_DATA_LOSS"));
    assert!(error.message.contains("the batch has 3, and 2 are there"), "{error}");
    assert_eq!(pull(lost(), false).unwrap().len(), 1);
    // The position itself is older than what the stream keeps.
    let trimmed = || {
        scripted([
            failed("InvalidArgumentException"),
            iterator(),
            records(&["12"], Some("j"), 0),
        ])
    };
    let error = pull(trimmed(), true).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_KINESIS_DATA_LOSS"));
    assert_eq!(pull(trimmed(), false).unwrap().len(), 1);
    let http = scripted([shards(), failed("InvalidArgumentException")]);
    let from = Some(at(&[("a", after("9"))]));
    let strict = Question {
        from,
        strict: true,
        ..question()
    };
    assert_eq!(block_on(reading::look(&http, &strict)).unwrap().lost, ["a"]);
    // A last record that never comes is not waited for without end.
    let quiet = scripted(std::iter::once(iterator()).chain(vec![records(&[], Some("j"), 0); 1_000]));
    assert!(pull(quiet, true).is_err());
}

#[test]
fn a_time_that_the_server_takes_for_the_future_comes() {
    let told = json!({"__type": "InvalidArgumentException", "message": "Timestamp cannot be in the future"});
    let http = scripted([shards(), raw(400, told.to_string().as_bytes())]);
    let latest = Question {
        starting: Starting::Time(5),
        ..question()
    };
    assert!(block_on(reading::look(&http, &latest)).unwrap_err().is_away);
}

#[test]
fn records_that_a_shard_had_no_time_for_are_written_again_and_only_those() {
    let block = || {
        use arrow::array::{BinaryArray, RecordBatch, StringArray};
        use std::sync::Arc;
        let keys: Vec<String> = (0..600).map(|n| format!("k{n}")).collect();
        let data: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(StringArray::from(keys.clone())),
            Arc::new(BinaryArray::from_vec(data)),
        ];
        let batch = RecordBatch::try_new(rows::written(), columns).unwrap();
        Buffer::from(ipc::write(&rows::written(), [&batch]).unwrap())
    };
    let writing = || Writing {
        stream: stream(),
        blocks: vec![block()],
    };
    let outcomes = |codes: &[Option<&str>]| {
        let records: Vec<Value> = codes
            .iter()
            .map(|code| json!({"ErrorCode": code, "ErrorMessage": "m"}))
            .collect();
        said(&json!({"FailedRecordCount": 0, "Records": records}))
    };
    let busy = Some("ProvisionedThroughputExceededException");
    let mut half = vec![None; 500];
    (half[3], half[499]) = (busy, Some("InternalFailure"));
    let http = scripted([
        failed("LimitExceededException"),
        outcomes(&half),
        outcomes(&[busy, None]),
        outcomes(&[None]),
        outcomes(&[None; 100]),
    ]);
    block_on(writing::write(&http, &writing())).unwrap();
    assert_eq!(asked_for(&http), ["PutRecords"; 5]);
    let sent = |at: usize| -> Vec<String> {
        let body: Value = serde_json::from_slice(&http.asked.borrow()[at].body).unwrap();
        let records = body["Records"].as_array().unwrap().clone();
        records
            .iter()
            .map(|r| r["PartitionKey"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (sent(0).len(), sent(2), sent(3)),
        (500, vec!["k3".into(), "k499".into()], vec!["k3".to_owned()])
    );
    assert_eq!(sent(4).first().map(String::as_str), Some("k500"));
    for (answers, what) in [
        (vec![outcomes(&[None])], "does not say what became of each record"),
        (
            vec![outcomes(&[Some("KMSDisabledException"); 500])],
            "KMSDisabledException: m",
        ),
        (vec![failed("ResourceNotFoundException")], "kinesis.streamName"),
    ] {
        let refused = block_on(writing::write(&scripted(answers), &writing())).unwrap_err();
        assert!(refused.message.contains(what), "{}", refused.message);
    }
    let away = scripted(vec![outcomes(&[busy; 500]); 10_000]);
    assert!(block_on(writing::write(&away, &writing())).is_err(), "not without end");
}
