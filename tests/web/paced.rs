//! WebSockets of [`Connections`] that are read message by message, against a real server.

use js_sys::{Function, Reflect};
use rivulet::ids::ConnectionId;
use rivulet::sources::Event;
use rivulet::web::connections::Connections;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::connections::{Events, LIMIT, ONE, SOCKET_OPEN, TWO, acting, connections, text, url, watch, whole};
use crate::heard::{hearing, messages_delivered};
use crate::objects::{get, script};

/// Messages of a flood, and the bytes of each: far more than networks and browsers hold.
const FLOOD: u32 = 2000;
const MESSAGE_BYTES: u32 = 64 << 10;

/// What `/greet` says before it closes.
fn greeting() -> [Event; 4] {
    [SOCKET_OPEN, text("one"), Event::Binary(vec![1, 2, 3]), text("two")]
}

/// Hears another socket of the same connections to its end: all that was on its way before would have come, and nothing does.
async fn silent(connections: &Connections, events: &mut Events) {
    connections.open_socket(TWO, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(TWO, events).await, greeting());
}

/// Makes connections that ask for the next message from the event of each.
fn asking() -> (Connections, Events) {
    acting(|connections, id, event| {
        if matches!(event, Event::Text(_) | Event::Binary(_)) {
            connections.more(id);
        }
    })
}

fn flood(room: &str) -> String {
    url("ws", &format!("/flood?room={room}&count={FLOOD}&bytes={MESSAGE_BYTES}"))
}

/// Returns how many messages of a flood the network has taken.
async fn flooded(room: &str) -> u32 {
    let (asks, mut answer) = connections();
    asks.open_socket(ONE, &url("ws", &format!("/flooded?room={room}")), LIMIT);
    let said = whole(ONE, &mut answer).await;
    let [SOCKET_OPEN, Event::Text(count)] = said.as_slice() else {
        panic!("{said:?}")
    };
    count.parse().unwrap()
}

/// Checks that an event is a message of a flood, by its number.
fn is_numbered(event: &Event, number: u32) {
    let Event::Binary(bytes) = event else {
        panic!("message {number} is {event:?}")
    };
    assert_eq!(bytes.len(), MESSAGE_BYTES as usize, "message {number}");
    assert_eq!(bytes[..4], number.to_le_bytes());
    assert!(bytes[4..].iter().all(|byte| *byte == number as u8), "message {number}");
}

#[wasm_bindgen_test]
async fn the_first_message_comes_by_itself_and_each_further_one_when_it_is_asked_for() {
    let (connections, mut events) = connections();
    connections.open_paced(ONE, &url("ws", "/greet-and-stay"), LIMIT);
    let [open, first, rest @ ..] = greeting();
    assert_eq!(events.some(2).await, [(ONE, open), (ONE, first)]);
    for next in rest {
        silent(&connections, &mut events).await;
        connections.more(ONE);
        assert_eq!(events.next().await, (ONE, next));
    }
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn what_is_asked_for_from_the_event_of_a_message_comes() {
    let (connections, mut events) = asking();
    connections.open_paced(ONE, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(ONE, &mut events).await, greeting());
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn asking_for_more_of_what_is_not_paced_or_not_there_does_nothing() {
    let (connections, mut events) = connections();
    connections.more(ONE);
    connections.open_socket(ONE, &url("ws", "/echo"), LIMIT);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    connections.more(ONE);
    connections.more(TWO);
    connections.send(ONE, "hello");
    assert_eq!(events.next().await, (ONE, text("hello")));
}

#[wasm_bindgen_test]
async fn two_paced_sockets_are_asked_each_for_its_own() {
    let (connections, mut events) = connections();
    let three = ConnectionId(3);
    let [open, first, second, _] = greeting();
    for id in [ONE, three] {
        connections.open_paced(id, &url("ws", "/greet-and-stay"), LIMIT);
        assert_eq!(events.some(2).await, [(id, open.clone()), (id, first.clone())]);
    }
    connections.more(three);
    assert_eq!(events.next().await, (three, second.clone()));
    silent(&connections, &mut events).await;
    connections.more(ONE);
    assert_eq!(events.next().await, (ONE, second));
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn a_flood_is_held_back_while_nobody_asks_and_comes_whole_and_in_order_when_somebody_does() {
    let (connections, mut events) = connections();
    connections.open_paced(ONE, &flood("paced-flood"), LIMIT);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    let (_, first) = events.next().await;
    is_numbered(&first, 0);
    // As much again, which nothing holds back and which begins later, comes to its end meanwhile.
    let (others, mut passing) = self::connections();
    others.open_socket(ONE, &flood("free-flood"), LIMIT);
    assert_eq!(passing.next().await, (ONE, SOCKET_OPEN));
    for number in 0..FLOOD {
        is_numbered(&passing.next().await.1, number);
    }
    let sent = flooded("paced-flood").await;
    assert!(sent < FLOOD / 2, "{sent} of {FLOOD} messages were sent to nobody");
    assert!(events.rest().is_empty());
    for number in 1..FLOOD {
        connections.more(ONE);
        let (_, message) = events.next().await;
        is_numbered(&message, number);
    }
    assert_eq!(flooded("paced-flood").await, FLOOD);
}

#[wasm_bindgen_test]
async fn a_paced_flood_that_is_closed_ends_at_the_server() {
    let (_watching, mut seen) = watch("paced-closed-flood").await;
    let (connections, mut events) = connections();
    connections.open_paced(ONE, &flood("paced-closed-flood"), LIMIT);
    assert_eq!(events.next().await, (ONE, SOCKET_OPEN));
    is_numbered(&events.next().await.1, 0);
    connections.close(ONE);
    assert_eq!(seen.next().await, (ONE, text("left")));
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn a_server_that_closes_before_its_first_message_needs_no_asking() {
    let (connections, mut events) = connections();
    connections.open_paced(ONE, &url("ws", "/bye"), LIMIT);
    assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, Event::Closed)]);
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn a_paced_socket_that_breaks_off_is_closed_once() {
    let (connections, mut events) = asking();
    connections.open_paced(ONE, &url("ws", "/break"), LIMIT);
    assert_eq!(whole(ONE, &mut events).await, [SOCKET_OPEN, text("last")]);
    silent(&connections, &mut events).await;
}

/// How far a paced socket has come when something else happens to it.
const STAGES: [&str; 3] = ["opening", "held", "reading"];

/// Opens a paced socket of a room and brings it as far as a stage.
async fn bring(connections: &Connections, events: &mut Events, room: &str, stage: &str) {
    connections.open_paced(ONE, &url("ws", &format!("/join?room={room}")), LIMIT);
    if stage != "opening" {
        assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("joined"))]);
    }
    if stage == "reading" {
        connections.more(ONE);
        // Whoever was let through reads by now.
        messages_delivered().await;
    }
}

#[wasm_bindgen_test]
async fn closing_a_paced_socket_ends_it_at_the_server_and_brings_no_further_event() {
    for stage in STAGES {
        let room = format!("paced-closed-{stage}");
        let (_watching, mut seen) = watch(&room).await;
        let (connections, mut events) = connections();
        bring(&connections, &mut events, &room, stage).await;
        connections.close(ONE);
        // Closed while it opens, it may never have reached the server.
        if stage != "opening" {
            assert_eq!(seen.next().await, (ONE, text("left")), "{stage}");
        }
        silent(&connections, &mut events).await;
    }
}

#[wasm_bindgen_test]
async fn a_paced_socket_can_be_closed_from_its_own_event() {
    let (_watching, mut seen) = watch("paced-closes-itself").await;
    let (connections, mut events) = acting(|connections, id, event| {
        if *event == text("joined") {
            connections.close(id);
        }
    });
    connections.open_paced(ONE, &url("ws", "/join?room=paced-closes-itself"), LIMIT);
    assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("joined"))]);
    assert_eq!(seen.next().await, (ONE, text("left")));
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn opening_again_under_its_number_closes_the_earlier_one_whichever_is_paced() {
    let opens: [fn(&Connections, ConnectionId, &str, usize); 2] = [Connections::open_paced, Connections::open_socket];
    for (first, second) in [(0, 0), (0, 1), (1, 0)] {
        let room = format!("paced-again-{first}-{second}");
        let (_watching, mut seen) = watch(&room).await;
        let (connections, mut events) = asking();
        opens[first](&connections, ONE, &url("ws", &format!("/join?room={room}")), LIMIT);
        assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("joined"))]);
        opens[second](&connections, ONE, &url("ws", "/greet"), LIMIT);
        assert_eq!(whole(ONE, &mut events).await, greeting());
        assert_eq!(seen.next().await, (ONE, text("left")));
        silent(&connections, &mut events).await;
    }
}

#[wasm_bindgen_test]
async fn a_paced_socket_can_be_opened_again_from_its_own_end() {
    let (connections, mut events) = acting(|connections, id, event| match event {
        Event::Closed => connections.open_paced(id, &url("ws", "/join?room=nobody"), LIMIT),
        Event::Open { .. } => {}
        _ => connections.more(id),
    });
    connections.open_paced(ONE, &url("ws", "/greet"), LIMIT);
    assert_eq!(whole(ONE, &mut events).await, greeting());
    assert_eq!(events.some(2).await, [(ONE, SOCKET_OPEN), (ONE, text("joined"))]);
}

#[wasm_bindgen_test]
async fn a_paced_url_that_is_refused_outright_is_closed_after_the_call() {
    let (connections, mut events) = connections();
    connections.open_paced(ONE, "ws://[", LIMIT);
    assert_eq!(events.rest(), []);
    assert_eq!(events.next().await, (ONE, Event::Closed));
    silent(&connections, &mut events).await;
}

#[wasm_bindgen_test]
async fn a_paced_url_that_nothing_answers_is_closed_once_without_open_and_leaves_no_error_that_nobody_takes() {
    let (hear, mut untaken) = hearing();
    let hears = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| hear(get(&event, "reason")));
    let listener = |action: &str| {
        let action: Function = get(&js_sys::global(), action).unchecked_into();
        action
            .call2(&js_sys::global(), &"unhandledrejection".into(), hears.as_ref())
            .unwrap()
    };
    listener("addEventListener");
    for nowhere in [url("ws", "/nothing-here"), "ws://127.0.0.1:1/".into()] {
        let (connections, mut events) = connections();
        connections.open_paced(ONE, &nowhere, LIMIT);
        assert_eq!(events.next().await, (ONE, Event::Closed), "{nowhere}");
        silent(&connections, &mut events).await;
    }
    listener("removeEventListener");
    assert_eq!(untaken.rest(), [JsValue::NULL; 0]);
}

#[wasm_bindgen_test]
async fn where_the_browser_cannot_hold_a_sender_back_all_messages_come_unasked() {
    let (connections, mut events) = connections();
    let scope = js_sys::global();
    let stream = get(&scope, "WebSocketStream");
    assert!(script("delete globalThis.WebSocketStream").is_truthy());
    connections.open_paced(ONE, &url("ws", "/greet"), LIMIT);
    Reflect::set(&scope, &"WebSocketStream".into(), &stream).unwrap();
    assert_eq!(whole(ONE, &mut events).await, greeting());
}
