//! What a page says to its streaming contexts, through the driver: good orders, bad ones, and those that come too late.

use std::rc::Rc;

use arrow::buffer::Buffer;
use prost::Message;
use rivulet::cluster::message::{FromExecutor, ReceiverOrder, ReceiverReport, ToExecutor};
use rivulet::connect::driver::Driver;
use rivulet::connect::dstreams::{EVENT_TYPE_URL, ORDER_TYPE_URL};
use rivulet::connect::protocol::{Input, Method, Output, RequestId};
use rivulet::error::SparkError;
use rivulet::ids::ExecutorRef;
use rivulet::proto as sc;
use rivulet::proto::command::CommandType;
use rivulet::proto::execute_plan_response::ResponseType;
use rivulet::proto::relation::RelType;
use rivulet::rdd::plan::TYPE_URL;
use rivulet::sources::{Ask, Event};
use rivulet::storage::files::NoFiles;
use serde_json::{Value, json};

/// A page and the driver that it talks to; the clock is the page's.
struct Page {
    driver: Driver,
    calls: u64,
    /// Events of contexts, in order.
    events: Vec<Value>,
    /// Calls that have ended.
    ended: Vec<RequestId>,
    failed: Vec<SparkError>,
    asks: Vec<Ask>,
    orders: Vec<ReceiverOrder>,
}

impl Page {
    fn new() -> Self {
        Self {
            driver: Driver::new(Default::default(), Rc::new(NoFiles), 1),
            calls: 0,
            events: vec![],
            ended: vec![],
            failed: vec![],
            asks: vec![],
            orders: vec![],
        }
    }

    fn step(&mut self, input: Input) {
        for output in self.driver.handle(0, input) {
            match output {
                Output::Respond { bytes, .. } => {
                    // Those of other methods are not looked at.
                    let response = sc::ExecutePlanResponse::decode(bytes.as_slice()).unwrap_or_default();
                    if let Some(ResponseType::Extension(any)) = response.response_type
                        && any.type_url == EVENT_TYPE_URL
                    {
                        self.events.push(serde_json::from_slice(&any.value).unwrap());
                    }
                }
                Output::End { id } => self.ended.push(id),
                Output::Fail { error, .. } => self.failed.push(error),
                Output::Connection { connection, ask } => {
                    self.asks.push(ask.clone());
                    if let Ask::WebSocket { .. } = ask {
                        let event = Event::Text("one\ntwo\r\n".into());
                        self.step(Input::Connection { connection, event });
                    }
                }
                Output::Send {
                    to,
                    message: ToExecutor::Receiver { receiver, order },
                    blobs,
                } => {
                    self.orders.push(order.clone());
                    if order == ReceiverOrder::Start {
                        assert_eq!(blobs, [Buffer::from(b"class".as_slice())]);
                        let received = ReceiverReport::Received { seq: 0, records: 3 };
                        for (report, blobs) in [
                            (ReceiverReport::Started, vec![]),
                            (received, vec![Buffer::from(b"rows".as_slice())]),
                        ] {
                            let message = FromExecutor::Receiver { receiver, report };
                            self.step(Input::Executor {
                                from: to,
                                message,
                                blobs,
                            });
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, session: &str, value: Vec<u8>) -> RequestId {
        let type_url = ORDER_TYPE_URL.to_owned();
        let command = sc::Command {
            command_type: Some(CommandType::Extension(prost_types::Any { type_url, value })),
        };
        self.execute(session, sc::plan::OpType::Command(command))
    }

    fn execute(&mut self, session: &str, plan: sc::plan::OpType) -> RequestId {
        self.calls += 1;
        let id = RequestId(self.calls);
        let request = sc::ExecutePlanRequest {
            session_id: session.into(),
            operation_id: Some(format!("operation-{}", self.calls)),
            plan: Some(sc::Plan { op_type: Some(plan) }),
            ..Default::default()
        };
        let (method, bytes) = (Method::ExecutePlan, request.encode_to_vec());
        self.step(Input::Request { id, method, bytes });
        id
    }

    /// Runs a plan over datasets.
    fn run(&mut self, plan: &Value) {
        let text = plan.to_string();
        let mut value = (text.len() as u32).to_le_bytes().to_vec();
        value.extend_from_slice(text.as_bytes());
        let type_url = TYPE_URL.to_owned();
        let relation = sc::Relation {
            common: None,
            rel_type: Some(RelType::Extension(prost_types::Any { type_url, value })),
        };
        self.execute("session", sc::plan::OpType::Root(relation));
    }

    /// Says something to a context of a session.
    fn order_of(&mut self, session: &str, order: &Value, blobs: &[&[u8]]) -> RequestId {
        let text = json!({"context": 0, "order": order}).to_string();
        let mut framed = vec![];
        for piece in std::iter::once(text.as_bytes()).chain(blobs.iter().copied()) {
            framed.extend_from_slice(&(piece.len() as u32).to_le_bytes());
            framed.extend_from_slice(piece);
        }
        self.send(session, framed)
    }

    fn order(&mut self, order: Value) -> RequestId {
        self.order_of("session", &order, &[])
    }

    /// Opens a context of these streams, whose last one is its output.
    fn open(&mut self, streams: Vec<Value>) -> RequestId {
        self.open_in("session", streams)
    }

    fn open_in(&mut self, session: &str, streams: Vec<Value>) -> RequestId {
        let outputs = [streams.len().saturating_sub(1)];
        let order = json!({"t": "open", "batchMs": 100, "directory": null, "rememberMs": 0, "streams": streams, "outputs": outputs,
            "functions": [], "values": 1, "clockMs": 0, "shufflePartitions": 2});
        self.order_of(session, &order, &[b"empty", b"class"])
    }

    fn kinds(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["t"].as_str().unwrap()).collect()
    }

    fn conditions(&self) -> Vec<&str> {
        self.failed
            .iter()
            .map(|error| error.condition.as_deref().unwrap_or(""))
            .collect()
    }
}

fn input(kind: Value) -> Value {
    json!({"kind": "input", "slideMs": 100, "parents": [], "level": null, "how": {"t": "input", "input": kind, "recovers": true}})
}

fn transformed(head: &str, parents: &[usize]) -> Value {
    json!({"kind": "transformed", "slideMs": 100, "parents": parents, "level": null,
           "how": {"t": "transformed", "head": {"t": head}, "steps": []}})
}

#[test]
fn lines_of_a_socket_and_records_of_a_receiver_are_in_the_next_batch() {
    for (kind, records) in [
        (json!({"socket": {"url": "ws://x"}}), 2),
        (json!({"receiver": {"class": 0}}), 3),
    ] {
        let mut page = Page::new();
        page.step(Input::ExecutorAdded {
            executor: ExecutorRef::new(0),
        });
        let open = page.open(vec![input(kind)]);
        page.order(json!({"t": "start"}));
        page.order(json!({"t": "time", "nowMs": 100}));
        let submitted = page.events.iter().find(|event| event["t"] == "submitted").unwrap();
        assert_eq!(submitted["info"]["numRecords"], records);
        let output = page.events.iter().find(|event| event["t"] == "output").unwrap();
        assert_eq!(
            (&output["timeMs"], &output["dataset"]["partitions"]),
            (&json!(100), &json!(1))
        );
        page.order(json!({"t": "stop", "gracefully": false}));
        page.order(json!({"t": "outputDone", "error": null}));
        page.order(json!({"t": "inputsStopped", "waiting": false}));
        assert_eq!(page.kinds().last(), Some(&"ended"));
        assert!(page.ended.contains(&open));
        assert!(page.failed.is_empty(), "{:?}", page.failed);
    }
}

#[test]
fn a_receiver_hears_that_its_records_are_safe_and_that_it_is_to_stop() {
    let mut page = Page::new();
    page.step(Input::ExecutorAdded {
        executor: ExecutorRef::new(0),
    });
    page.open(vec![input(json!({"receiver": {"class": 0}}))]);
    page.order(json!({"t": "start"}));
    page.order(json!({"t": "stop", "gracefully": true}));
    let stored = ReceiverOrder::Stored { seq: 0 };
    assert_eq!(page.orders, [ReceiverOrder::Start, stored, ReceiverOrder::Stop]);
    assert_eq!(page.kinds(), ["started", "receiverStarted", "stopInputs"]);
}

#[test]
fn orders_that_cannot_be_read_or_name_what_is_not_there_are_refused_and_the_driver_goes_on() {
    let mut page = Page::new();
    page.order(json!({"t": "start"}));
    assert_eq!(page.conditions(), ["STREAMING_CONTEXT_NOT_FOUND"]);
    let far = i64::MAX;
    let bad: Vec<Vec<Value>> = vec![
        vec![],
        vec![transformed("parent", &[0])],
        vec![input(json!("datasets")), transformed("parent", &[])],
        vec![input(json!("datasets")), transformed("union", &[7])],
        vec![json!({"kind": "x"})],
        vec![
            json!({"kind": "x", "slideMs": 150, "parents": [], "level": null, "how": {"t": "input", "input": "blocks", "recovers": true}}),
        ],
        vec![
            json!({"kind": "x", "slideMs": far, "parents": [], "level": null, "how": {"t": "input", "input": "blocks", "recovers": true}}),
        ],
        vec![
            input(json!("blocks")),
            json!({"kind": "x", "slideMs": 100, "parents": [0], "level": null, "how": {"t": "windowed", "windowMs": far - far % 100}}),
        ],
    ];
    let count = bad.len();
    for streams in bad {
        page.open(streams);
    }
    page.send("session", vec![]);
    page.send("session", vec![255; 3]);
    page.send("session", b"\x02\x00\x00\x00{}".to_vec());
    page.order_of("session", &json!({"t": "open", "batchMs": 0}), &[]);
    assert_eq!(page.failed.len(), 1 + count + 4, "{:?}", page.conditions());
    assert!(
        page.conditions()[1..]
            .iter()
            .all(|c| c.starts_with("CONNECT_INVALID_PLAN")),
        "{:?}",
        page.failed
    );

    page.open(vec![input(json!("blocks"))]);
    page.order(json!({"t": "start"}));
    let before = page.failed.len();
    page.order(json!({"t": "offer", "input": 0, "records": 1, "token": 0}));
    page.order(json!({"t": "dataset", "stream": 0, "timeMs": 0, "error": null, "note": null, "partitioner": null}));
    page.order(json!({"t": "slice", "stream": 9, "fromMs": 0, "toMs": 1}));
    assert_eq!(page.failed.len(), before + 3);
    // A range of all times there are.
    page.order(json!({"t": "time", "nowMs": 200}));
    page.order(json!({"t": "slice", "stream": 0, "fromMs": i64::MIN, "toMs": i64::MAX}));
    assert_eq!(page.events.last().unwrap()["datasets"].as_array().unwrap().len(), 2);
}

#[test]
fn contexts_of_two_sessions_are_two_and_each_ends_with_its_session_only() {
    let mut page = Page::new();
    let first = page.open_in("first", vec![input(json!("blocks"))]);
    let second = page.open_in("second", vec![input(json!("blocks"))]);
    let interrupt = sc::InterruptRequest {
        session_id: "first".into(),
        interrupt_type: sc::interrupt_request::InterruptType::All.into(),
        ..Default::default()
    };
    page.calls += 1;
    page.step(Input::Request {
        id: RequestId(page.calls),
        method: Method::Interrupt,
        bytes: interrupt.encode_to_vec(),
    });
    // As streaming queries, a context is not interrupted.
    page.order_of("first", &json!({"t": "start"}), &[]);
    assert_eq!((page.kinds(), page.failed.len()), (vec!["started"], 0));
    let release = sc::ReleaseSessionRequest {
        session_id: "first".into(),
        ..Default::default()
    };
    page.calls += 1;
    page.step(Input::Request {
        id: RequestId(page.calls),
        method: Method::ReleaseSession,
        bytes: release.encode_to_vec(),
    });
    assert!(page.ended.contains(&first) && !page.ended.contains(&second));
    page.order_of("second", &json!({"t": "start"}), &[]);
    assert_eq!(page.kinds(), ["started", "started"]);
}

#[test]
fn a_dataset_that_a_page_was_told_of_twice_is_there_until_it_has_forgotten_it_twice() {
    let mut page = Page::new();
    let order = json!({"t": "open", "batchMs": 100, "directory": null, "rememberMs": 0, "streams": [input(json!("blocks"))],
        "outputs": [0, 0], "functions": [], "values": 0, "clockMs": 0, "shufflePartitions": 2});
    page.order_of("session", &order, &[b"empty"]);
    page.order(json!({"t": "start"}));
    page.order_of(
        "session",
        &json!({"t": "offer", "input": 0, "records": 1, "token": 0}),
        &[b"rows"],
    );
    page.order(json!({"t": "time", "nowMs": 100}));
    page.order(json!({"t": "outputDone", "error": null}));
    let outputs = page.events.iter().filter(|event| event["t"] == "output");
    let keys: Vec<u64> = outputs.map(|event| event["dataset"]["key"].as_u64().unwrap()).collect();
    assert_eq!((keys.len(), keys[0]), (2, keys[1]));
    let node = json!({"id": 0, "key": keys[0], "name": "BlockRDD", "kind": "dataset", "parents": [], "partitions": 1});
    let count = json!({"nodes": [node], "root": 0, "action": {"t": "count"}, "functions": [], "values": 0});
    let forget = json!({"nodes": [], "root": 0, "forget": [keys[0]]});
    for (times, missing) in [(1, false), (2, true)] {
        page.run(&forget);
        page.run(&count);
        let failed = page.conditions().contains(&"DATASET_NOT_FOUND");
        assert_eq!(failed, missing, "forgotten {times} times");
    }
}

#[test]
fn whoever_leaves_the_events_of_a_context_ends_it_and_its_connections_close() {
    let mut page = Page::new();
    let open = page.open(vec![input(json!({"socket": {"url": "ws://x"}}))]);
    page.order(json!({"t": "start"}));
    page.step(Input::Cancel { id: open });
    assert_eq!(page.asks.last(), Some(&Ask::Close));
    page.order(json!({"t": "time", "nowMs": 100}));
    assert_eq!(page.conditions(), ["STREAMING_CONTEXT_NOT_FOUND"]);
}

#[test]
fn long_chains_and_many_diamonds_of_streams_take_no_longer_than_their_number() {
    let mut chain = vec![input(json!("blocks"))];
    chain.extend((0..5_000).map(|at| transformed("parent", &[at])));
    // Each of these doubles the ways to the first: to go them all would take for ever.
    let mut diamonds = vec![input(json!("blocks")), transformed("page", &[0])];
    diamonds.extend((1..60).map(|at| transformed("union", &[at, at])));
    for (streams, expected) in [(chain, "output"), (diamonds, "ask")] {
        let mut page = Page::new();
        page.open(streams);
        page.order(json!({"t": "start"}));
        page.order(json!({"t": "time", "nowMs": 100}));
        assert_eq!((page.kinds().last(), page.failed.len()), (Some(&expected), 0));
    }
}
