//! The source against a model of brokers: what it plans, whatever is lost between them, over restarts.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::exchange::Span;
use super::systems::Refused;
use super::*;
use crate::storage::files::NoFiles;

fn source(options: &[(&str, &str)]) -> Box<dyn Source> {
    let mut set: BTreeMap<String, String> = [
        ("kafka.bootstrap.servers".to_owned(), "b:9092".to_owned()),
        ("subscribe".to_owned(), "t".to_owned()),
    ]
    .into();
    set.extend(options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let spec = StreamSpec {
        format: "kafka".into(),
        path: None,
        options: set,
    };
    KAFKA.check(&spec).unwrap();
    (KAFKA.open)(&spec, 0).unwrap()
}

fn spans(of: &[(i32, i64, i64)]) -> Spans {
    let span = |(number, earliest, latest): &(i32, i64, i64)| {
        let (earliest, latest) = (*earliest, *latest);
        let span = Span {
            earliest,
            latest,
            at_time: None,
        };
        (("t".to_owned(), *number), span)
    };
    of.iter().map(span).collect()
}

fn told(source: &mut dyn Source, answer: std::result::Result<Spans, Refused>, now_ms: i64) -> Result<()> {
    source
        .heard(Event::Answered(Box::new(answer.map(Found::Kafka))), now_ms)
        .map(|_| ())
}

/// Asks, is answered, and plans all there is from `start`.
fn planned(source: &mut dyn Source, start: &Value, of: &[(i32, i64, i64)]) -> Result<Value> {
    assert_eq!(source.look().len(), 1);
    told(source, Ok(spans(of)), 0)?;
    assert!(source.has_data(start, 0));
    Ok(source.plan(start, 0, true).0)
}

fn orders(source: &mut dyn Source, start: &Value, end: &Value) -> Vec<(i32, i64, i64)> {
    let blocks = source.read(start, end, &NoFiles).unwrap();
    let orders = blocks.iter().map(|block| systems::Order::of_block(block).unwrap());
    orders
        .map(|order| match order {
            systems::Order::Kafka(order) => (order.partition, order.from, order.until),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn each_offset_is_in_one_batch_whatever_is_lost_and_however_often_the_query_starts_again() {
    for seed in 0..300 {
        let random = &mut SmallRng::seed_from_u64(seed);
        let limit = random.random_range(1..60).to_string();
        let limited: &[(&str, &str)] = if random.random() {
            &[("maxoffsetspertrigger", &limit)]
        } else {
            &[]
        };
        let options = [limited, &[("startingoffsets", "earliest")]].concat();
        let mut brokers = vec![(0, 5, random.random_range(5..50)), (1, 0, 0)];
        let mut running = source(&options);
        let mut now_ms = 0;
        let mut began: Option<Value> = None;
        let mut log: Vec<(Value, Value)> = vec![];
        let mut committed = 0_usize;
        running.restore("f".into(), &Value::Null, &Memory::of(Began(None)));
        for _ in 0..80 {
            now_ms += 1_000;
            match random.random_range(0..10) {
                0..4 => {
                    let at = random.random_range(0..brokers.len());
                    brokers[at].2 += random.random_range(0..40);
                }
                4 if brokers.len() < 5 => brokers.push((brokers.len() as i32, 0, random.random_range(0..9))),
                5 => {
                    // The query dies; the last batch that was logged may not be committed, and runs again.
                    running = source(&options);
                    let known = began.as_ref().and_then(of_json);
                    let start = committed
                        .checked_sub(1)
                        .map_or(Value::Null, |last: usize| log[last].1.clone());
                    running.restore("f".into(), &start, &Memory::of(Began(known)));
                    if let Some((start, end)) = log.get(committed).cloned() {
                        running.plan_again(&end);
                        orders(running.as_mut(), &start, &end);
                        committed += 1;
                    }
                }
                _ => {
                    let mut asked = running.look().len();
                    if random.random_ratio(1, 4) {
                        let message = "away".to_owned();
                        told(running.as_mut(), Err(Refused::for_now(message)), now_ms).unwrap();
                        assert!(running.is_looking() && running.wake(now_ms).is_empty());
                        now_ms = running.wake_at().unwrap();
                        asked += running.wake(now_ms).len();
                        assert_eq!(asked, 2);
                    }
                    told(running.as_mut(), Ok(spans(&brokers)), now_ms).unwrap();
                    // An answer that comes twice says nothing new.
                    told(running.as_mut(), Ok(spans(&[])), now_ms).unwrap();
                    assert!(!running.is_looking());
                    let start = log.last().map_or(Value::Null, |(_, end)| end.clone());
                    if running.has_data(&start, now_ms) {
                        let (end, write) = running.plan(&start, now_ms, false);
                        if let Some(Request::Write { path, bytes }) = write {
                            assert_eq!(path, "f/0");
                            let text = std::str::from_utf8(&bytes).unwrap().strip_prefix("v1\n").unwrap();
                            began = Some(serde_json::from_str(text).unwrap());
                        }
                        assert!(began.is_some(), "where the query began is known before its offsets are");
                        log.push((start, end));
                        if random.random_ratio(3, 4) {
                            committed = log.len();
                        } else {
                            running = source(&options);
                            let (start, end) = log[committed].clone();
                            let known = began.as_ref().and_then(of_json);
                            running.restore("f".into(), &start, &Memory::of(Began(known)));
                            running.plan_again(&end);
                            committed = log.len();
                        }
                    }
                }
            }
        }
        let mut taken: BTreeMap<i32, i64> = BTreeMap::from([(0, 5)]);
        let most = limit.parse::<i64>().unwrap() + brokers.len() as i64;
        for (start, end) in &log {
            let orders = orders(running.as_mut(), start, end);
            let offsets: i64 = orders.iter().map(|(_, from, until)| until - from).sum();
            assert!(
                limited.is_empty() || offsets <= most,
                "seed {seed}: {offsets} of {limit}"
            );
            for (partition, from, until) in orders {
                let next = taken.entry(partition).or_insert(0);
                assert_eq!(*next, from, "seed {seed}: partition {partition}");
                *next = until;
            }
        }
        for (partition, _, latest) in brokers {
            assert!(taken.get(&partition).is_none_or(|next| *next <= latest), "seed {seed}");
        }
    }
}

#[test]
fn a_new_query_begins_where_its_options_say() {
    let answered = [(0, 5, 9), (1, 0, 3)];
    let starts: &[(&[(&str, &str)], Value)] = &[
        (&[], json!({"t": {"0": 9, "1": 3}})),
        (&[("startingoffsets", "earliest")], json!({"t": {"0": 5, "1": 0}})),
        (
            &[("startingoffsets", r#"{"t":{"0":7,"1":-2}}"#)],
            json!({"t": {"0": 7, "1": 0}}),
        ),
        (
            &[("startingoffsets", r#"{"t":{"0":-1,"1":1}}"#)],
            json!({"t": {"0": 9, "1": 1}}),
        ),
    ];
    for (options, begin) in starts {
        let mut source = source(options);
        source.restore("f".into(), &Value::Null, &Memory::of(Began(None)));
        source.look();
        told(source.as_mut(), Ok(spans(&answered)), 0).unwrap();
        let (end, write) = source.plan(&Value::Null, 0, false);
        assert_eq!(end, json!({"t": {"0": 9, "1": 3}}));
        let text = format!("v1\n{begin}");
        assert!(
            matches!(write, Some(Request::Write { bytes, .. }) if bytes.as_slice() == text.as_bytes()),
            "{text}"
        );
    }
    let mut other = source(&[("startingoffsets", r#"{"t":{"0":7}}"#)]);
    let error = planned(other.as_mut(), &Value::Null, &answered).unwrap_err();
    assert_eq!(
        error.condition.as_deref(),
        Some("KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED")
    );
    assert!(error.message.ends_with("Specified: t-0 Assigned: t-0,t-1"), "{error}");
}

#[test]
fn a_query_that_begins_at_a_time_asks_for_it_once_and_says_if_nothing_is_so_late() {
    let times = |at_time| {
        let mut answer = spans(&[(0, 5, 9)]);
        answer.values_mut().for_each(|span| span.at_time = at_time);
        answer
    };
    let start = ("startingtimestamp", "1234");
    let mut source = source(&[start]);
    let asked = |asks: Vec<Ask>| match asks.into_iter().next() {
        Some(Ask::System(question)) => match *question {
            systems::Question::Kafka(question) => question.times,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(source.look()), Times::All(1234));
    told(source.as_mut(), Ok(times(Some(7))), 0).unwrap();
    let (end, _) = source.plan(&Value::Null, 0, false);
    assert_eq!(orders(source.as_mut(), &Value::Null, &end), [(0, 7, 9)]);
    assert_eq!(asked(source.look()), Times::None);

    let mut late = super::tests::source(&[start]);
    late.look();
    let error = told(late.as_mut(), Ok(times(None)), 0).unwrap_err();
    assert_eq!(
        error.message,
        "No offset matched from request of topic-partition t-0 and timestamp 1234."
    );
    let mut lenient = super::tests::source(&[start, ("startingoffsetsbytimestampstrategy", "LATEST")]);
    lenient.look();
    told(lenient.as_mut(), Ok(times(None)), 0).unwrap();
    let (end, _) = lenient.plan(&Value::Null, 0, false);
    assert_eq!(orders(lenient.as_mut(), &Value::Null, &end), []);
}

#[test]
fn records_that_are_gone_end_the_query_or_are_passed_over() {
    let losses = [
        (&[(0, 0, 9)][..], "PARTITIONS_DELETED"),
        (&[(0, 0, 7), (1, 0, 3)], "PARTITION_OFFSET_CHANGED"),
        (&[(0, 12, 20), (1, 0, 3)], "START_OFFSET_RESET"),
        (
            &[(0, 0, 9), (1, 0, 3), (2, 4, 6)],
            "ADDED_PARTITION_DOES_NOT_START_FROM_OFFSET_ZERO",
        ),
    ];
    for (now, kind) in losses {
        let begun = |strict: &'static str| {
            let mut source = source(&[("failondataloss", strict), ("startingoffsets", "earliest")]);
            let end = planned(source.as_mut(), &Value::Null, &[(0, 0, 9), (1, 0, 3)]).unwrap();
            (source, end)
        };
        let (mut strict, _) = begun("true");
        strict.look();
        let error = told(strict.as_mut(), Ok(spans(now)), 0).unwrap_err();
        assert_eq!(error.condition, Some(format!("KAFKA_DATA_LOSS.{kind}")));
        let (mut lenient, start) = begun("false");
        lenient.look();
        told(lenient.as_mut(), Ok(spans(now)), 0).unwrap();
        if lenient.has_data(&start, 0) {
            let (end, _) = lenient.plan(&start, 0, true);
            let known =
                |(partition, until): (i32, i64)| now.iter().any(|(p, _, latest)| (*p, *latest) == (partition, until));
            assert!(
                of_json(&end)
                    .unwrap()
                    .into_iter()
                    .all(|((_, p), until)| known((p, until))),
                "{kind}: {end}"
            );
        }
    }
}

#[test]
fn a_refusal_is_repeated_and_then_ends_the_query_but_servers_that_are_away_are_waited_for() {
    let mut source = source(&[("fetchoffset.numretries", "2"), ("fetchoffset.retryintervalms", "70")]);
    source.look();
    let refusal = |is_away| Err(Refused::new("This server does not host t.", is_away));
    let mut now_ms = 0;
    let mut waits = vec![];
    for _ in 0..12 {
        told(source.as_mut(), refusal(true), now_ms).unwrap();
        waits.push(source.wake_at().unwrap() - now_ms);
        now_ms = source.wake_at().unwrap();
        assert_eq!(source.wake(now_ms).len(), 1);
    }
    assert_eq!(waits[..9], [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    told(source.as_mut(), refusal(false), now_ms).unwrap();
    assert_eq!(source.wake_at(), Some(now_ms + 70));
    source.wake(now_ms + 70);
    let error = told(source.as_mut(), refusal(false), now_ms + 70).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
}

#[test]
fn a_batch_waits_for_as_many_offsets_as_it_should_have_but_not_for_ever() {
    let mut source = source(&[
        ("minoffsetspertrigger", "10"),
        ("maxtriggerdelay", "5s"),
        ("startingoffsets", "earliest"),
    ]);
    let start = planned(source.as_mut(), &Value::Null, &[(0, 0, 3)]).unwrap();
    source.look();
    told(source.as_mut(), Ok(spans(&[(0, 0, 12)])), 1_000).unwrap();
    assert!(!source.has_data(&start, 4_999) && source.has_data(&start, 5_000));
    source.look();
    told(source.as_mut(), Ok(spans(&[(0, 0, 13)])), 1_000).unwrap();
    assert!(source.has_data(&start, 1_000));
}
