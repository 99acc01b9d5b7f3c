//! [`Connections`] against a real server (`src/js/scripts/servers/edge-server.mjs`), one port above the test's page.

use std::cell::RefCell;
use std::rc::Rc;

use rivulet::ids::ConnectionId;
use rivulet::sources::Event;
use rivulet::web::connections::Connections;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::{Heard, hearing};
use crate::objects::script;

pub const ONE: ConnectionId = ConnectionId(1);
pub const TWO: ConnectionId = ConnectionId(2);
pub const SOCKET_OPEN: Event = Event::Open { status: 101 };
/// More bytes than any message has.
pub const LIMIT: usize = 1 << 30;
const OK: Event = Event::Open { status: 200 };

pub type Events = Heard<(ConnectionId, Event)>;

/// Returns the server's URL of a path.
pub fn url(scheme: &str, path: &str) -> String {
    let port: u32 = script("Number(location.port) + 1").as_f64().unwrap() as u32;
    format!("{scheme}://127.0.0.1:{port}{path}")
}

pub fn connections() -> (Connections, Events) {
    let (hear, heard) = hearing();
    (Connections::new(move |id, event| hear((id, event))), heard)
}

pub fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

/// Waits for the end of a connection; returns what came before it, the pieces of a body as one.
pub async fn whole(id: ConnectionId, events: &mut Events) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    loop {
        let (from, event) = events.next().await;
        assert_eq!(from, id);
        match (event, all.last_mut()) {
            (Event::Closed, _) => return all,
            (Event::Binary(piece), Some(Event::Binary(before))) => before.extend(piece),
            (event, _) => all.push(event),
        }
    }
}

/// Opens a socket that hears who leaves a room.
pub async fn watch(room: &str) -> (Connections, Events) {
    let (watching, mut seen) = connections();
    watching.open_socket(ONE, &url("ws", &format!("/watch?room={room}")), LIMIT);
    assert_eq!(seen.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("watching"))]);
    (watching, seen)
}

#[wasm_bindgen_test]
async fn a_socket_says_open_then_its_messages_then_closed() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    let binary = Event::Binary(vec![1, 2, 3]);
    for expected in [SOCKET_OPEN, text("one"), binary, text("two"), Event::Closed] {
        assert_eq!(events.next().await, (ONE, expected));
    }
}

#[wasm_bindgen_test]
async fn a_message_that_is_too_large_is_told_and_not_taken() {
    for paced in [false, true] {
        let (connections, mut events) = acting(|connections, id, _| connections.more(id));
        let open = if paced {
            Connections::open_paced
        } else {
            Connections::open_socket
        };
        open(&connections, ONE, &url("ws", "/greet"), 2);
        let said = whole(ONE, &mut events).await;
        assert_eq!(said, [SOCKET_OPEN, Event::TooLarge, Event::TooLarge, Event::TooLarge]);
        open(&connections, ONE, &url("ws", "/greet"), 3);
        let said = whole(ONE, &mut events).await;
        assert_eq!(
            said,
            [SOCKET_OPEN, text("one"), Event::Binary(vec![1, 2, 3]), text("two")]
        );
    }
}

#[wasm_bindgen_test]
async fn what_is_sent_arrives_in_order_and_unchanged() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/echo"), LIMIT);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    let texts = ["a", "", "ä λ 中 😀", "\u{0}\n", "last"];
    texts.iter().for_each(|sent| connections.send(ONE, sent));
    assert_eq!(events.some(texts.len()).await, texts.map(|sent| (ONE, text(sent))));
}

#[wasm_bindgen_test]
async fn what_is_sent_before_a_socket_is_open_is_dropped() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/echo"), LIMIT);
    connections.send(ONE, "early");
    connections.send(TWO, "to nobody");
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    connections.send(ONE, "in time");
    assert_eq!(events.next().await, (ONE, text("in time")));
}

#[wasm_bindgen_test]
async fn a_url_that_is_refused_outright_is_closed_after_the_call() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, "ws://[", LIMIT);
    assert_eq!(events.rest(), []);
    assert_eq!(events.next().await, (ONE, Event::Closed));
}

#[wasm_bindgen_test]
async fn a_server_that_refuses_the_socket_is_closed_without_open() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/nothing-here"), LIMIT);
    assert_eq!(events.next().await, (ONE, Event::Closed));
}

#[wasm_bindgen_test]
async fn a_socket_that_breaks_off_is_closed_after_its_last_message() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/break"), LIMIT);
    assert_eq!(whole(ONE, &mut events).await, [SOCKET_OPEN, text("last")]);
}

#[wasm_bindgen_test]
async fn closing_a_socket_ends_it_at_the_server_and_brings_no_further_event() {
    let (_watching, mut seen) = watch("closed-socket").await;
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/join?room=closed-socket"), LIMIT);
    assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("joined"))]);
    connections.close(ONE);
    assert_eq!(seen.next().await, (ONE, text("left")));
    connections.open_socket(TWO, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(TWO, &mut events).await.len(), 4);
}

#[wasm_bindgen_test]
async fn a_socket_opened_again_under_its_number_hears_nothing_of_the_earlier_one() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    connections.open_socket(ONE, &url("ws", "/echo"), LIMIT);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    connections.open_socket(TWO, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(TWO, &mut events).await.len(), 4);
    connections.send(ONE, "hello");
    assert_eq!(events.next().await, (ONE, text("hello")));
}

#[wasm_bindgen_test]
async fn two_connections_do_not_mix() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    connections.open_response(TWO, &url("http", "/pieces"), &[]);
    let (mut sockets, mut closed) = (Vec::new(), 0);
    let mut body = 0;
    while closed < 2 {
        match events.next().await {
            (_, Event::Closed) => closed += 1,
            (ONE, event) => sockets.push(event),
            (TWO, Event::Binary(piece)) => body += piece.len(),
            (id, event) => assert_eq!((id, event), (TWO, OK)),
        }
    }
    assert_eq!(
        sockets,
        [SOCKET_OPEN, text("one"), Event::Binary(vec![1, 2, 3]), text("two")]
    );
    assert_eq!(body, 15_000);
}

/// Makes connections whose events can act on them.
pub fn acting(act: impl Fn(&Connections, ConnectionId, &Event) + 'static) -> (Connections, Events) {
    let (hear, heard) = hearing();
    let place: Rc<RefCell<Option<Connections>>> = Rc::default();
    let own = place.clone();
    let connections = Connections::new(move |id, event: Event| {
        act(own.borrow().as_ref().unwrap(), id, &event);
        hear((id, event));
    });
    *place.borrow_mut() = Some(connections.clone());
    (connections, heard)
}

#[wasm_bindgen_test]
async fn a_socket_can_be_closed_from_its_own_event() {
    let (connections, mut events) = acting(|connections, id, event| {
        if *event == text("one") {
            connections.close(id);
        }
    });
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("one"))]);
    connections.open_socket(TWO, &url("ws", "/echo"), LIMIT);
    assert_eq!(events.next().await, (TWO, SOCKET_OPEN));
    connections.send(TWO, "after");
    assert_eq!(events.next().await, (TWO, text("after")));
}

#[wasm_bindgen_test]
async fn a_connection_can_be_opened_again_from_its_own_end() {
    let (connections, mut events) = acting(|connections, id, event| {
        if *event == Event::Closed {
            connections.open_socket(id, &url("ws", "/echo"), LIMIT);
        }
    });
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(ONE, &mut events).await.len(), 4);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    connections.send(ONE, "again");
    assert_eq!(events.next().await, (ONE, text("again")));
}

#[wasm_bindgen_test]
async fn a_response_says_its_status_then_its_pieces_then_closed() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/pieces"), &[]);
    let expected: Vec<u8> = (1..=5u8).flat_map(|n| vec![n; usize::from(n) * 1000]).collect();
    assert_eq!(whole(ONE, &mut events).await, [OK, Event::Binary(expected)]);
}

#[wasm_bindgen_test]
async fn headers_are_sent_and_twice_the_same_name_is_one_list() {
    let (connections, mut events) = connections();
    let headers = [
        ("X-One", "1"),
        ("X-Two", "a"),
        ("x-two", "b"),
        ("Accept", "text/event-stream"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    connections.open_response(ONE, &url("http", "/headers"), &headers);
    let all = whole(ONE, &mut events).await;
    let [OK, Event::Binary(body)] = all.as_slice() else {
        panic!("{all:?}")
    };
    let seen: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        (seen["x-one"].as_str(), seen["x-two"].as_str()),
        (Some("1"), Some("a, b"))
    );
    assert_eq!(seen["accept"], "text/event-stream");
}

#[wasm_bindgen_test]
async fn a_status_of_failure_is_an_open_response_with_that_status() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/absent"), &[]);
    let expected = [Event::Open { status: 404 }, Event::Binary(b"nothing here".to_vec())];
    assert_eq!(whole(ONE, &mut events).await, expected);
}

#[wasm_bindgen_test]
async fn a_response_without_a_body_opens_and_closes() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/bodiless"), &[]);
    assert_eq!(whole(ONE, &mut events).await, [Event::Open { status: 204 }]);
}

#[wasm_bindgen_test]
async fn a_response_that_breaks_off_is_closed_after_what_came() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/break?room=broken-response"), &[]);
    assert_eq!(events.some(2).await, [(ONE, OK), (ONE, Event::Binary(b"abc".to_vec()))]);
    let (cutting, mut cut) = self::connections();
    cutting.open_socket(TWO, &url("ws", "/cut?room=broken-response"), LIMIT);
    assert_eq!(whole(TWO, &mut cut).await, [SOCKET_OPEN]);
    assert_eq!(events.next().await, (ONE, Event::Closed));
}

#[wasm_bindgen_test]
async fn where_no_server_is_a_response_is_closed_without_open() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, "http://127.0.0.1:1/", &[]);
    assert_eq!(events.next().await, (ONE, Event::Closed));
}

#[wasm_bindgen_test]
async fn a_header_that_cannot_be_sent_is_closed_without_open() {
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/headers"), &[("not a name".into(), "x".into())]);
    assert_eq!(events.next().await, (ONE, Event::Closed));
}

#[wasm_bindgen_test]
async fn closing_a_response_aborts_it_at_the_server_and_brings_no_further_event() {
    let (_watching, mut seen) = watch("aborted-response").await;
    let (connections, mut events) = connections();
    connections.open_response(ONE, &url("http", "/endless?room=aborted-response"), &[]);
    assert_eq!(
        events.some(2).await,
        [(ONE, OK), (ONE, Event::Binary(b"first".to_vec()))]
    );
    connections.close(ONE);
    assert_eq!(seen.next().await, (ONE, text("left")));
    connections.open_socket(TWO, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(TWO, &mut events).await.len(), 4);
}

#[wasm_bindgen_test]
async fn a_response_is_never_one_that_the_browser_has_kept() {
    let (connections, mut events) = connections();
    let mut bodies = Vec::new();
    for _ in 0..2 {
        connections.open_response(ONE, &url("http", "/count"), &[]);
        bodies.push(whole(ONE, &mut events).await.pop());
    }
    assert_ne!(bodies[0], bodies[1]);
}

#[wasm_bindgen_test]
async fn a_response_in_the_place_of_a_socket_is_the_only_one_that_speaks() {
    let (connections, mut events) = connections();
    connections.open_socket(ONE, &url("ws", "/greet"), LIMIT);
    connections.open_response(ONE, &url("http", "/absent"), &[]);
    assert_eq!(events.next().await, (ONE, Event::Open { status: 404 }));
    assert_eq!(whole(ONE, &mut events).await, [Event::Binary(b"nothing here".to_vec())]);
    connections.open_socket(TWO, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(TWO, &mut events).await.len(), 4);
}
