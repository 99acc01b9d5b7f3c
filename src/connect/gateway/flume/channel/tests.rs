use futures::future::join;

use super::*;
use crate::sources::flume::event::read_delivery;
use crate::sources::flume::exchange::From;

/// Nothing in these tests waits so long.
const LONG: Duration = Duration::from_secs(600);

fn channel(patience: Duration) -> Arc<Channel> {
    Channel::new("life".into(), patience)
}

fn events(bodies: &[&str]) -> Vec<Event> {
    let event = |body: &&str| Event {
        body: body.as_bytes().into(),
        ..Event::default()
    };
    bodies.iter().map(event).collect()
}

fn wanted(lease: Option<&str>, ack: Option<&str>) -> Wanted {
    Wanted {
        from: From::Push { port: 1 },
        lease: lease.map(Into::into),
        ack: ack.map(Into::into),
        max_events: 100,
        max_bytes: 1 << 20,
        wait_ms: 0,
        leaves: false,
    }
}

/// The id of a delivery, and its bodies.
fn read(polled: Result<Polled, Lost>) -> Option<(String, Vec<String>)> {
    let delivery = polled.unwrap().delivery?;
    let (id, events) = read_delivery(&delivery).unwrap();
    let bodies = events.into_iter().map(|e| String::from_utf8(e.body).unwrap());
    Some((id.to_owned(), bodies.collect()))
}

fn delivered(id: &str, bodies: &[&str]) -> Option<(String, Vec<String>)> {
    Some((id.into(), bodies.iter().map(|b| (*b).to_owned()).collect()))
}

#[tokio::test]
async fn a_transaction_is_settled_by_the_acknowledgement_of_its_delivery_and_by_nothing_else() {
    let channel = channel(LONG);
    let mut held = tokio::spawn(channel.submit(&events(&["a", "b"])).unwrap().settled());
    assert_eq!(
        read(channel.poll(&wanted(None, None)).await),
        delivered("life-1", &["a", "b"])
    );
    for ack in [None, Some("life-0"), Some("life-2"), Some("other-1")] {
        // Until it is acknowledged it comes again, the same.
        assert_eq!(
            read(channel.poll(&wanted(Some("life-1"), ack)).await),
            delivered("life-1", &["a", "b"])
        );
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
    }
    assert_eq!(read(channel.poll(&wanted(Some("life-1"), Some("life-1"))).await), None);
    assert!((&mut held).await.unwrap());
    // An acknowledgement that comes again settles nothing else.
    let second = tokio::spawn(channel.submit(&events(&["c"])).unwrap().settled());
    assert_eq!(
        read(channel.poll(&wanted(Some("life-1"), Some("life-1"))).await),
        delivered("life-2", &["c"])
    );
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
}

#[tokio::test]
async fn a_poll_waits_for_events_and_takes_whole_transactions_up_to_what_is_wanted() {
    let channel = channel(LONG);
    let patient = Wanted {
        wait_ms: 30_000,
        max_events: 3,
        ..wanted(None, None)
    };
    let send = async {
        let all = [&["a", "b", "c", "d"][..], &["e"], &["f", "g"], &["h"]];
        all.map(|bodies| channel.submit(&events(bodies)).unwrap())
    };
    let (polled, held) = join(channel.poll(&patient), send).await;
    assert_eq!(
        read(polled),
        delivered("life-1", &["a", "b", "c", "d"]),
        "one in any case"
    );
    let next = |ack: &str| Wanted {
        max_events: 3,
        ..wanted(Some("life-1"), Some(ack))
    };
    assert_eq!(
        read(channel.poll(&next("life-1")).await),
        delivered("life-2", &["e", "f", "g"])
    );
    let none = Wanted {
        max_events: 0,
        ..next("life-2")
    };
    assert_eq!(read(channel.poll(&none).await), None);
    assert_eq!(read(channel.poll(&next("")).await), delivered("life-3", &["h"]));
    let small = Wanted {
        max_bytes: 1,
        ..next("life-3")
    };
    let more = [channel.submit(&events(&["i"])), channel.submit(&events(&["j"]))];
    assert_eq!(read(channel.poll(&small).await), delivered("life-4", &["i"]));
    drop((held, more));
}

#[tokio::test]
async fn the_last_reader_to_come_reads_and_hears_the_delivery_that_is_under_way() {
    let channel = channel(LONG);
    let held = channel.submit(&events(&["a"])).unwrap();
    assert!(read(channel.poll(&wanted(None, None)).await).is_some());
    let patient = Wanted {
        wait_ms: 30_000,
        ..wanted(Some("life-1"), Some("life-1"))
    };
    let (first, second) = join(channel.poll(&patient), async {
        channel.poll(&wanted(None, None)).await
    })
    .await;
    assert_eq!(first, Err(Lost::Taken), "while it waits");
    assert_eq!(second.unwrap().lease, "life-2");
    for (lease, why) in [
        ("life-1", Lost::Taken),
        ("life-9", Lost::Forgotten),
        ("other-2", Lost::Forgotten),
        ("life-x", Lost::Forgotten),
    ] {
        assert_eq!(channel.poll(&wanted(Some(lease), None)).await, Err(why), "{lease}");
    }
    drop(held);
    let _again = channel.submit(&events(&["b"])).unwrap();
    assert_eq!(
        read(channel.poll(&wanted(Some("life-2"), None)).await),
        delivered("life-2", &["b"])
    );
    assert_eq!(
        read(channel.poll(&wanted(None, None)).await),
        delivered("life-2", &["b"]),
        "to the next reader, too"
    );
}

#[tokio::test]
async fn what_an_agent_does_not_wait_for_any_more_is_taken_back() {
    let channel = channel(Duration::ZERO);
    assert!(!channel.submit(&events(&["a"])).unwrap().settled().await, "too late");
    assert_eq!(read(channel.poll(&wanted(None, None)).await), None);
    let lost = channel.submit(&events(&["b"])).unwrap();
    let kept = channel.submit(&events(&["c"])).unwrap();
    drop(lost);
    assert_eq!(
        read(channel.poll(&wanted(Some("life-1"), None)).await),
        delivered("life-1", &["c"])
    );
    // It was delivered: only when nobody waits for it, it is not delivered again.
    assert!(read(channel.poll(&wanted(Some("life-1"), None)).await).is_some());
    drop(kept);
    assert_eq!(read(channel.poll(&wanted(Some("life-1"), None)).await), None);
}

#[tokio::test]
async fn a_reader_that_leaves_sends_back_what_was_not_delivered() {
    let channel = channel(LONG);
    let sends = |body: &str| tokio::spawn(channel.submit(&events(&[body])).unwrap().settled());
    let first = sends("a");
    let delivery = read(channel.poll(&wanted(None, None)).await);
    assert!(delivery.is_some());
    let second = sends("b");
    assert!(channel.is_read());
    let leaves = Wanted {
        leaves: true,
        ..wanted(Some("life-1"), None)
    };
    let other = Wanted {
        lease: Some("life-0".into()),
        ..leaves.clone()
    };
    assert_eq!(
        channel.poll(&other).await,
        Err(Lost::Taken),
        "only the reader itself can"
    );
    assert!(channel.is_read());
    assert_eq!(read(channel.poll(&leaves).await), None);
    assert!(!second.await.unwrap());
    assert!(!channel.is_read() && !first.is_finished());
    assert_eq!(read(channel.poll(&wanted(None, None)).await), delivery);
    channel.poll(&wanted(None, Some("life-1"))).await.unwrap();
    assert!(first.await.unwrap());
}

#[tokio::test]
async fn a_channel_has_room_for_so_much_and_refuses_more() {
    let channel = channel(LONG);
    let mut held: Vec<Held> = (0..MOST_OPEN)
        .map(|_| channel.submit(&events(&["a"])).unwrap())
        .collect();
    assert_eq!(channel.submit(&events(&["b"])).err(), Some(Full));
    assert!(channel.submit(&[]).is_ok(), "nothing takes no room");
    join(channel.room(), async { drop(held.pop()) }).await;
    assert!(channel.submit(&events(&["b"])).is_ok());
    drop(held);
    let large = Event {
        body: vec![0; 8 << 20],
        ..Event::default()
    };
    let held: Vec<_> = (0..20).map(|_| channel.submit(std::slice::from_ref(&large))).collect();
    assert_eq!(held.iter().filter(|one| one.is_ok()).count(), 8, "64 MiB");
    // What is delivered counts.
    channel.poll(&wanted(None, None)).await.unwrap();
    assert_eq!(channel.submit(&events(&["c"])).err(), Some(Full));
    assert!(Channel::new("x".into(), LONG).submit(&[]).unwrap().settled().await);
}
