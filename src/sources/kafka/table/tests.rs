//! Tables against answers that are written down: which ranges are read, what is asked, and what is refused.

use std::collections::BTreeMap;

use super::super::KAFKA;
use super::super::exchange::{Order, Question, Span};
use super::*;

/// A table of the topic `t`.
fn table(options: &[(&str, &str)]) -> Box<dyn Table> {
    let mut set: BTreeMap<String, String> = [
        ("kafka.bootstrap.servers".to_owned(), "b:9092".to_owned()),
        ("subscribe".to_owned(), "t".to_owned()),
    ]
    .into();
    set.extend(options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let (format, path) = ("kafka".to_owned(), None);
    let spec = StreamSpec {
        format,
        path,
        options: set,
    };
    KAFKA.open_table(&spec).unwrap()
}

/// What partitions hold: number, earliest, latest, and the offset at the time that is asked for.
fn spans(of: &[(i32, i64, i64, Option<i64>)]) -> Spans {
    let span = |(number, earliest, latest, at_time): &(i32, i64, i64, Option<i64>)| {
        let (earliest, latest, at_time) = (*earliest, *latest, *at_time);
        let span = Span {
            earliest,
            latest,
            at_time,
        };
        (("t".to_owned(), *number), span)
    };
    of.iter().map(span).collect()
}

/// A topic with 100 records, one with 20, and one without.
const HELD: &[(i32, i64, i64, Option<i64>)] = &[(0, 5, 105, None), (1, 0, 20, None), (2, 7, 7, None)];

fn question(ask: Ask) -> Question {
    match ask {
        Ask::System(question) => match *question {
            systems::Question::Kafka(question) => question,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn told(table: &mut dyn Table, answer: std::result::Result<Spans, Refused>, now_ms: i64) -> Result<TableStep> {
    table.heard(Event::Answered(Box::new(answer.map(Found::Kafka))), now_ms)
}

fn orders(step: TableStep) -> Vec<Order> {
    let TableStep::Orders(orders) = step else {
        panic!("{step:?}")
    };
    orders
        .iter()
        .map(|order| match systems::Order::of_block(order) {
            Some(systems::Order::Kafka(order)) => order,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn ranges(step: TableStep) -> Vec<(i32, i64, i64)> {
    let orders = orders(step).into_iter();
    orders.map(|order| (order.partition, order.from, order.until)).collect()
}

/// What a table reads if partitions hold this.
fn planned(options: &[(&str, &str)], held: &[(i32, i64, i64, Option<i64>)]) -> Result<Vec<(i32, i64, i64)>> {
    let mut table = table(options);
    assert_eq!(question(table.look(0)).times, Times::None);
    told(table.as_mut(), Ok(spans(held)), 0).map(ranges)
}

#[test]
fn each_partition_is_read_from_where_options_say_to_where_they_say() {
    let whole = [(0, 5, 105), (1, 0, 20)];
    type Options<'a> = &'a [(&'a str, &'a str)];
    type Ranges<'a> = &'a [(i32, i64, i64)];
    let cases: &[(Options<'_>, Ranges<'_>)] = &[
        (&[], &whole),
        (&[("startingoffsets", "earliest"), ("endingoffsets", "LATEST")], &whole),
        (
            &[("startingoffsets", r#"{"t":{"0":10,"1":-2,"2":-2}}"#)],
            &[(0, 10, 105), (1, 0, 20)],
        ),
        (
            &[("endingoffsets", r#"{"t":{"0":50,"1":-1,"2":7}}"#)],
            &[(0, 5, 50), (1, 0, 20)],
        ),
        (
            &[
                ("startingoffsets", r#"{"t":{"0":49,"1":20,"2":7}}"#),
                ("endingoffsets", r#"{"t":{"0":50,"1":20,"2":-1}}"#),
            ],
            &[(0, 49, 50)],
        ),
        // 100 records in pieces of 30 at most are four of 25.
        (
            &[("maxrecordsperpartition", "30")],
            &[(0, 5, 30), (0, 30, 55), (0, 55, 80), (0, 80, 105), (1, 0, 20)],
        ),
        // 100 of 120 records are five of six pieces.
        (
            &[("minpartitions", "6")],
            &[
                (0, 5, 25),
                (0, 25, 45),
                (0, 45, 65),
                (0, 65, 85),
                (0, 85, 105),
                (1, 0, 20),
            ],
        ),
        (&[("minpartitions", "1"), ("maxoffsetspertrigger", "3")], &whole),
    ];
    for (options, expected) in cases {
        assert_eq!(planned(options, HELD).unwrap(), *expected, "{options:?}");
    }
    assert_eq!(planned(&[], &[]).unwrap(), []);
}

#[test]
fn orders_say_what_options_say() {
    let mut plain = table(&[]);
    plain.look(0);
    let order = &orders(told(plain.as_mut(), Ok(spans(HELD)), 0).unwrap())[0];
    assert_eq!((order.headers, order.strict, order.timeout_ms), (false, true, 120_000));
    let mut other = table(&[
        ("includeheaders", "true"),
        ("failondataloss", "false"),
        ("kafkaconsumer.polltimeoutms", "70"),
        ("kafka.bridge.url", "http://h:1"),
    ]);
    other.look(0);
    let order = &orders(told(other.as_mut(), Ok(spans(HELD)), 0).unwrap())[0];
    assert_eq!((order.headers, order.strict, order.timeout_ms), (true, false, 70));
    assert_eq!(order.cluster.bridge.as_deref(), Some("http://h:1"));
}

#[test]
fn times_are_asked_for_one_end_after_the_other_and_only_a_start_may_not_be_late() {
    let (start, end) = (("startingtimestamp", "1000"), ("endingtimestamp", "2000"));
    let mut both = table(&[start, end]);
    assert_eq!(question(both.look(0)).times, Times::All(1_000));
    let at_start = [(0, 5, 105, Some(40)), (1, 0, 20, Some(0))];
    let step = told(both.as_mut(), Ok(spans(&at_start)), 0).unwrap();
    let TableStep::Ask(ask) = step else { panic!("{step:?}") };
    assert_eq!(question(ask).times, Times::All(2_000));
    // Nothing of the second partition is so late: all of it is earlier.
    let at_end = [(0, 5, 107, Some(60)), (1, 0, 21, None)];
    let step = told(both.as_mut(), Ok(spans(&at_end)), 0).unwrap();
    assert_eq!(ranges(step), [(0, 40, 60), (1, 0, 21)]);

    let each = r#"{"t":{"0":7,"1":8}}"#;
    let mut only_end = table(&[("endingoffsetsbytimestamp", each)]);
    assert_eq!(question(only_end.look(0)).times, Times::None);
    let step = told(only_end.as_mut(), Ok(spans(&HELD[..2])), 0).unwrap();
    let TableStep::Ask(ask) = step else { panic!("{step:?}") };
    assert_eq!(question(ask).times.of(&("t".to_owned(), 1)), Some(8));

    let late = [(0, 5, 105, None)];
    let mut strict = table(&[start]);
    strict.look(0);
    let error = told(strict.as_mut(), Ok(spans(&late)), 0).unwrap_err();
    let said = "No offset matched from request of topic-partition t-0 and timestamp 1000.";
    assert_eq!(error.message, said);
    let mut lenient = table(&[start, ("startingoffsetsbytimestampstrategy", "latest")]);
    lenient.look(0);
    assert_eq!(ranges(told(lenient.as_mut(), Ok(spans(&late)), 0).unwrap()), []);
}

#[test]
fn what_cannot_be_read_as_it_is_asked_for_is_refused_or_read_as_far_as_it_is_there() {
    type Options<'a> = &'a [(&'a str, &'a str)];
    let refusals: &[(Options<'_>, &str, &str)] = &[
        (
            &[("startingoffsets", r#"{"t":{"0":9}}"#)],
            "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED",
            "Partitions specified for Kafka start offsets",
        ),
        (
            &[("endingoffsets", r#"{"t":{"0":9,"1":9,"2":9,"3":9}}"#)],
            "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED",
            "Partitions specified for Kafka end offsets",
        ),
        (
            &[
                ("startingoffsets", r#"{"t":{"0":60,"1":0,"2":7}}"#),
                ("endingoffsets", r#"{"t":{"0":59,"1":-1,"2":-1}}"#),
            ],
            "RIVULET_KAFKA_OFFSETS",
            "Beginning offset 60 is after the ending offset 59 for topic t partition 0",
        ),
        (
            &[("startingoffsets", r#"{"t":{"0":4,"1":0,"2":7}}"#)],
            "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE",
            "Some data may have been lost",
        ),
        (
            &[("endingoffsets", r#"{"t":{"0":106,"1":-1,"2":-1}}"#)],
            "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE",
            "Some data may have been lost",
        ),
        (
            &[("minpartitions", "100001")],
            "RIVULET_KAFKA_OFFSETS",
            "A table would be read in 100001 pieces",
        ),
    ];
    for (options, condition, start) in refusals {
        let error = planned(options, HELD).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some(*condition), "{options:?}");
        assert!(error.message.starts_with(start), "{error}");
    }
    let crowded = planned(&[("maxrecordsperpartition", "1")], &[(0, 0, 1 << 40, None)]).unwrap_err();
    assert!(crowded.message.contains("1099511627776 pieces"), "{crowded}");

    let beyond = [
        ("startingoffsets", r#"{"t":{"0":0,"1":30,"2":0}}"#),
        ("endingoffsets", r#"{"t":{"0":500,"1":40,"2":7}}"#),
        ("failondataloss", "false"),
    ];
    assert_eq!(planned(&beyond, HELD).unwrap(), [(0, 5, 105)]);

    let mut moved = table(&[("endingtimestamp", "9")]);
    moved.look(0);
    told(moved.as_mut(), Ok(spans(HELD)), 0).unwrap();
    let error = told(moved.as_mut(), Ok(spans(&HELD[..2])), 0).unwrap_err();
    assert_eq!(
        error.message,
        "different topic partitions for starting offsets topics[t-0,t-1,t-2] and ending offsets topics[t-0,t-1]"
    );
}

#[test]
fn servers_that_do_not_answer_are_asked_as_often_and_as_long_as_is_allowed_and_then_named() {
    let refused = |is_away| {
        let message = "Kafka's brokers cannot be reached.".to_owned();
        Err(Refused::new(message, is_away))
    };
    for is_away in [true, false] {
        let mut table = table(&[("fetchoffset.numretries", "2"), ("fetchoffset.retryintervalms", "70")]);
        table.look(1_000);
        assert_eq!(table.wake_at(), 61_000);
        assert_eq!(told(table.as_mut(), refused(is_away), 1_500).unwrap(), TableStep::Wait);
        assert_eq!(table.wake_at(), 1_570);
        assert_eq!(table.wake(1_569).unwrap(), TableStep::Wait);
        assert!(matches!(table.wake(1_570).unwrap(), TableStep::Ask(_)));
        let error = told(table.as_mut(), refused(is_away), 1_600).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_KAFKA_UNANSWERED"));
        let named = "The option kafka.bootstrap.servers is 'b:9092'; fetchOffset.numRetries";
        assert!(error.message.contains(named), "{error}");
    }
    let mut silent = table(&[("kafka.bridge.url", "http://h:1")]);
    silent.look(1_000);
    assert_eq!(silent.wake(60_999).unwrap(), TableStep::Wait);
    let error = silent.wake(61_000).unwrap_err();
    assert!(error.message.contains("within 60000 ms"), "{error}");
    assert!(error.message.contains("kafka.bridge.url is 'http://h:1'"), "{error}");
}
