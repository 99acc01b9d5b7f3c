use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::connect::gateway::flume::rpc::{SINK, hash_of};
use crate::sources::flume::event::{Event, block_of, id_of};
use crate::sources::flume::exchange::{From, Wanted};

/// What the sink was asked: the message, and its parameter.
type Asked = (String, Vec<u8>);

/// Spark's sink with these batches, one after the other, on one connection.
async fn sink(batches: Vec<Vec<Event>>) -> (String, mpsc::UnboundedReceiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asks, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut batches = batches.into_iter().enumerate();
        let mut is_known = false;
        while let Ok(Some(frame)) = frames::read(&mut stream).await {
            let mut answer = vec![];
            let mut call = Reader::new(&frame.bytes);
            if !is_known {
                // The hash, no text, the same hash, no metadata.
                assert_eq!(
                    call.take(34).unwrap(),
                    [&hash_of(SINK)[..], &[0], &hash_of(SINK), &[0]].concat()
                );
                answer.extend([0, 0, 0, 0]);
                is_known = true;
            }
            assert_eq!(call.long(), Ok(0));
            let message = call.string(80).unwrap().to_owned();
            answer.extend([0, 0]);
            if message == "getEventBatch" {
                let (sequence, events) = batches.next().unwrap_or((9, vec![]));
                write_bytes(&mut answer, if events.is_empty() { b"no events" } else { b"" });
                write_bytes(&mut answer, format!("s{sequence}").as_bytes());
                answer.extend(block_of(&events));
                write_long(&mut answer, 0);
            } else {
                asks.send((message, call.rest()[1..].to_vec())).unwrap();
            }
            frames::write(&mut stream, frame.serial, &answer).await.unwrap();
        }
    });
    (address, asked)
}

fn event(body: &str) -> Event {
    Event {
        body: body.into(),
        ..Event::default()
    }
}

fn wanted(lease: Option<String>, ack: Option<String>) -> Wanted {
    Wanted {
        from: From::Push { port: 1 },
        lease,
        ack,
        max_events: 1_000,
        max_bytes: 1 << 20,
        wait_ms: 30_000,
        leaves: false,
    }
}

#[tokio::test]
async fn a_batch_is_acknowledged_to_the_sink_when_it_is_safe_and_not_before() {
    let (address, mut asked) = sink(vec![vec![event("a"), event("b")], vec![event("c")]]).await;
    let channel = Channel::new("life".into(), Duration::from_secs(600));
    let polling = Polling::new(channel.clone(), vec![address], Arc::new(Semaphore::new(1)));
    channel.greet();
    polling.keep(5, 100);
    let first = channel.poll(&wanted(None, None)).await.unwrap();
    let id = id_of(&first.delivery.unwrap()).unwrap().to_owned();
    assert!(asked.try_recv().is_err(), "it is not safe");
    let second = channel.poll(&wanted(Some(first.lease), Some(id))).await.unwrap();
    assert_eq!(asked.recv().await, Some(("ack".into(), b"s0".into())));
    assert!(second.delivery.is_some());
}

#[tokio::test]
async fn a_batch_that_is_not_safe_in_time_is_sent_back() {
    let (address, mut asked) = sink(vec![vec![event("a")]]).await;
    let channel = Channel::new("life".into(), Duration::ZERO);
    let polling = Polling::new(channel.clone(), vec![address], Arc::new(Semaphore::new(1)));
    // A reader that waits, and does not acknowledge.
    let reader = tokio::spawn({
        let channel = channel.clone();
        async move { channel.poll(&wanted(None, None)).await }
    });
    tokio::task::yield_now().await;
    polling.keep(1, 100);
    assert_eq!(asked.recv().await, Some(("nack".into(), b"s0".into())));
    reader.abort();
}
