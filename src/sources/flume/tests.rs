use std::collections::BTreeMap;

use super::event::{Event as FlumeEvent, block_of, write_delivery};
use super::*;
use crate::sources::Memory;
use crate::storage::Request;
use crate::storage::files::NoFiles;
use crate::storage::wal::Kept;
use crate::values::ipc;

fn source(options: &[(&str, &str)]) -> Box<dyn Source> {
    let spec = StreamSpec {
        format: "flume".into(),
        path: None,
        options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    };
    FLUME.check(&spec).unwrap();
    open(&spec, 0).unwrap()
}

/// A delivery of one event of so many bytes.
fn delivery(id: &str, bytes: usize) -> Buffer {
    let event = FlumeEvent {
        headers: BTreeMap::from([("id".into(), id.into())]),
        body: vec![b'x'; bytes],
    };
    let mut out = vec![];
    write_delivery(&mut out, id, [&block_of(&[event])[..]]);
    Buffer::from(out)
}

/// The one question among asks.
fn question(asks: Vec<Ask>) -> Question {
    match <[Ask; 1]>::try_from(asks) {
        Ok([Ask::System(question)]) => match *question {
            systems::Question::Flume(question) => question,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?} is one question"),
    }
}

/// Lets the source hear an answer, and its queue take the blocks; returns what it asks, and the write to carry out.
fn hear(source: &mut dyn Source, number: u64, found: Found, now_ms: i64) -> (Vec<Ask>, Option<Request>) {
    let answer = systems::Found::Flume(Answer { number, found });
    let heard = source.heard(Event::Answered(Box::new(Ok(answer))), now_ms).unwrap();
    let queue = source.queue().unwrap();
    let writes: Vec<Request> = heard.blocks.into_iter().filter_map(|block| queue.push(block)).collect();
    (heard.asks, writes.into_iter().next())
}

fn lease(delivery: Option<Buffer>) -> Found {
    Found::Lease("1-1".into(), delivery)
}

fn restored(start: &Value, kept: Kept) -> Box<dyn Source> {
    let mut source = source(&[]);
    source.restore("/c/sources/0".into(), start, &Memory::of(kept));
    source
}

#[test]
fn a_delivery_is_acknowledged_when_the_log_has_it_and_not_before() {
    let mut source = restored(&Value::Null, Kept::default());
    let first = question(source.open(0));
    assert_eq!((first.wanted.lease, first.wanted.ack), (None, None));
    let (asks, write) = hear(&mut *source, first.number, lease(Some(delivery("d1", 3))), 10);
    assert_eq!((asks, write.is_some(), source.wake_at()), (vec![], true, None));
    assert_eq!(source.received(0), [], "what is durable is not this");
    source.queue().unwrap().written();
    let next = question(source.received(1));
    assert_eq!(next.wanted.lease.as_deref(), Some("1-1"));
    assert_eq!(
        (next.wanted.ack.as_deref(), next.wanted.max_events),
        (Some("d1"), 1_000)
    );
    let (end, _) = source.plan(&Value::Null, 0, true);
    assert_eq!(end, json!({ "blocks": 1, "delivery": "d1" }));
    let read = source.read(&Value::Null, &end, &NoFiles).unwrap();
    assert_eq!(ipc::read(&read[0]).unwrap()[0].num_rows(), 1);
}

#[test]
fn without_a_checkpoint_the_queue_is_enough() {
    let mut source = source(&[]);
    let first = question(source.open(0));
    let (asks, _) = hear(&mut *source, first.number, lease(Some(delivery("d1", 3))), 10);
    let next = question(asks);
    assert_eq!(next.wanted.ack.as_deref(), Some("d1"));
    // Once it has arrived it is not said again.
    let (asks, _) = hear(&mut *source, next.number, lease(None), 5_000);
    assert_eq!(question(asks).wanted.ack, None);
}

#[test]
fn a_delivery_that_comes_again_is_acknowledged_again_and_taken_once() {
    let mut source = source(&[]);
    let mut asked = question(source.open(0));
    for _ in 0..3 {
        let (asks, _) = hear(&mut *source, asked.number, lease(Some(delivery("d1", 3))), 10_000);
        let asks = if asks.is_empty() {
            source.wake(source.wake_at().unwrap())
        } else {
            asks
        };
        asked = question(asks);
        assert_eq!(asked.wanted.ack.as_deref(), Some("d1"));
    }
    assert_eq!(
        source.plan(&Value::Null, 0, true).0,
        json!({ "blocks": 1, "delivery": "d1" })
    );
    // An answer to an earlier question, and one that comes twice, are not heard.
    let number = asked.number;
    assert_eq!(
        hear(&mut *source, number - 1, lease(Some(delivery("d2", 3))), 0),
        (vec![], None)
    );
    let (asks, _) = hear(&mut *source, number, lease(None), 20_000);
    assert_eq!(asks.len(), 1);
    assert_eq!(hear(&mut *source, number, lease(None), 20_000), (vec![], None));
}

#[test]
fn a_restart_knows_the_last_delivery_from_the_log_or_the_offsets_and_acknowledges_it_first() {
    let kept = Kept {
        blocks: [delivery("d2", 1)].into(),
        durable: 2,
        ..Kept::default()
    };
    let start = json!({ "blocks": 1, "delivery": "d1" });
    let mut logged = restored(&start, kept);
    let asked = question(logged.open(0));
    assert_eq!((asked.wanted.ack.as_deref(), asked.wanted.lease), (Some("d2"), None));
    let (asks, write) = hear(&mut *logged, asked.number, lease(Some(delivery("d2", 1))), 0);
    assert_eq!((asks, write), (vec![], None), "the log has it");
    let kept = Kept {
        durable: 1,
        ..Kept::default()
    };
    let asked = question(restored(&start, kept).open(0));
    assert_eq!(asked.wanted.ack.as_deref(), Some("d1"));
}

#[test]
fn a_gateway_that_is_away_forgets_or_answers_too_soon_is_asked_again_later() {
    let mut source = source(&[]);
    let first = question(source.open(0));
    let away = Event::Answered(Box::new(Err(Refused::for_now("down"))));
    assert_eq!(source.heard(away.clone(), 0).unwrap(), Heard::default());
    assert_eq!((source.wake_at(), source.wake(249)), (Some(250), vec![]));
    let second = question(source.wake(250));
    assert!(second.number > first.number);
    let (asks, _) = hear(&mut *source, second.number, Found::Forgotten, 300);
    assert_eq!(asks, []);
    let third = question(source.wake(source.wake_at().unwrap()));
    assert_eq!(third.wanted.lease, None);
    let (asks, _) = hear(&mut *source, third.number, lease(None), 801);
    assert_eq!(
        (asks, source.wake_at()),
        (vec![], Some(900)),
        "100 ms after it was asked at 800"
    );
    let fourth = question(source.wake(900));
    let (asks, _) = hear(&mut *source, fourth.number, lease(None), 11_000);
    assert_eq!(asks.len(), 1, "one that waits is asked at once");
    let error = source.heard(Event::Answered(Box::new(Err(Refused::for_good("no")))), 0);
    assert_eq!(
        error.unwrap_err().condition.as_deref(),
        Some("RIVULET_FLUME_UNANSWERED")
    );
}

#[test]
fn what_is_too_much_is_acknowledged_and_no_more_is_asked_for_until_there_is_room() {
    let mut source = source(&[("maxqueuebytes", "100")]);
    let first = question(source.open(0));
    let (asks, _) = hear(&mut *source, first.number, lease(Some(delivery("d1", 200))), 0);
    let ack = question(asks);
    assert_eq!((ack.wanted.ack.as_deref(), ack.wanted.max_events), (Some("d1"), 0));
    let (asks, _) = hear(&mut *source, ack.number, lease(None), 1_000);
    assert_eq!((asks, source.wake_at()), (vec![], None));
    let (end, _) = source.plan(&Value::Null, 0, true);
    source.read(&Value::Null, &end, &NoFiles).unwrap();
    assert_eq!(source.wake_at(), Some(i64::MIN));
    assert_eq!(question(source.wake(1_000)).wanted.max_events, 1_000);
}

#[test]
fn a_query_that_ends_sends_back_what_it_does_not_have() {
    let mut fresh = source(&[]);
    fresh.open(0);
    assert_eq!(fresh.leave(), [], "the gateway may not know of it");
    let mut source = restored(&Value::Null, Kept::default());
    let first = question(source.open(0));
    hear(&mut *source, first.number, lease(Some(delivery("d1", 3))), 10);
    let goodbye = question(source.leave());
    assert_eq!(
        (goodbye.wanted.leaves, goodbye.wanted.ack),
        (true, None),
        "the log does not have it"
    );
    source.queue().unwrap().written();
    assert_eq!(question(source.leave()).wanted.ack.as_deref(), Some("d1"));
}

#[test]
fn a_damaged_delivery_in_the_log_is_an_error_and_not_less_rows() {
    let mut source = source(&[]);
    let block = delivery("d1", 3);
    source
        .queue()
        .unwrap()
        .push(block.slice_with_length(0, block.len() - 2));
    let error = source.read(&json!(0), &json!(1), &NoFiles).unwrap_err();
    assert_eq!(error.condition.as_deref(), Some("CORRUPT_BLOCK"));
}
