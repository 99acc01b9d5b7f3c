//! The user's receivers, between the driver's port and the script of an executor's worker.

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use rivulet::cluster::message::{FromExecutor, ReceiverId, ReceiverOrder, ReceiverReport, ToExecutor, encode};
use rivulet::web::port::Port;
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::heard::{Heard, hearing, messages_delivered};
use crate::objects::{bytes, bytes_of, is_plain, json_of, number, object, script};
use crate::protocol::{interface, shape_faults};
use crate::random::Random;
use crate::workers::{Page, driver, executor, no_programs, run, say, task};

/// What the script's `receiver` was called with.
type Call = [JsValue; 3];

/// Programs of a script whose calls for receivers are heard.
fn programs() -> (JsValue, Heard<Call>) {
    let (programs, (hear, heard)) = (no_programs(), hearing());
    let hears = Closure::<dyn FnMut(JsValue, JsValue, JsValue)>::new(move |id, order, block| hear([id, order, block]));
    Reflect::set(&programs, &"receiver".into(), &hears.into_js_value()).unwrap();
    (programs, heard)
}

const ONE: ReceiverId = ReceiverId {
    context: 1,
    stream: 0,
    life: 0,
};

fn id_of(receiver: ReceiverId) -> JsValue {
    object(&[
        ("context", (receiver.context as f64).into()),
        ("stream", (receiver.stream as f64).into()),
        ("life", receiver.life.into()),
    ])
}

fn any_id(random: &mut Random) -> ReceiverId {
    ReceiverId {
        context: random.safe_integer().unsigned_abs(),
        stream: random.below(1 << 32) as usize,
        life: random.below(1 << 32) as u32,
    }
}

fn order(port: &Port, receiver: ReceiverId, order: ReceiverOrder, class: Option<&[u8]>) {
    let header = encode(&ToExecutor::Receiver { receiver, order }).unwrap();
    port.send(&header, &class.map(bytes).into_iter().collect()).unwrap();
}

#[wasm_bindgen_test]
async fn what_the_driver_says_of_a_receiver_goes_to_the_script_in_order_and_as_declared() {
    let (programs, mut calls) = programs();
    let (_worker, driver, _heard) = executor("receivers-orders", &programs).await;
    for seed in 0..100 {
        let mut random = Random::seeded(seed);
        let (receiver, seq, class) = (any_id(&mut random), random.below(1 << 32) as u32, random.bytes());
        let said = [
            (ReceiverOrder::Start, Some(class.as_slice()), json!({ "t": "start" })),
            (
                ReceiverOrder::Stored { seq },
                None,
                json!({ "t": "stored", "seq": seq }),
            ),
            (ReceiverOrder::Stop, None, json!({ "t": "stop" })),
        ];
        for (said, class, _) in &said {
            order(&driver, receiver, said.clone(), *class);
        }
        for (_, class, expected) in said {
            let [id, order, block] = calls.next().await;
            assert_eq!(shape_faults(&id, &interface("ReceiverId")), [""; 0], "seed {seed}");
            assert_eq!(json_of(&id), serde_json::to_value(receiver).unwrap(), "seed {seed}");
            assert!(is_plain(&order));
            assert_eq!(json_of(&order), expected, "seed {seed}");
            match class {
                Some(class) => assert_eq!(bytes_of(&block), class, "seed {seed}"),
                None => assert!(block.is_undefined(), "seed {seed}: {block:?}"),
            }
        }
    }
}

#[wasm_bindgen_test]
async fn what_the_driver_says_of_a_receiver_waits_its_turn_while_functions_are_loaded() {
    let (programs, mut calls) = programs();
    let mut loaded: Option<Function> = None;
    let loading = Promise::new(&mut |resolve, _| loaded = Some(resolve));
    Reflect::set(&programs, &"loading".into(), &loading).unwrap();
    let (_worker, driver, mut heard) = executor("receivers-loading", &programs).await;
    say(&driver, &run(1, vec![]));
    order(&driver, ONE, ReceiverOrder::Start, Some(b"class"));
    say(&driver, &run(2, vec![]));
    messages_delivered().await;
    assert!(heard.rest().is_empty() && calls.rest().is_empty());
    Reflect::set(&programs, &"loading".into(), &JsValue::UNDEFINED).unwrap();
    loaded.unwrap().call0(&JsValue::UNDEFINED).unwrap();
    for partition in [1, 2] {
        let (answer, _) = heard.next().await;
        assert!(matches!(answer, FromExecutor::Failed { task: failed, .. } if failed == task(partition)));
    }
    let [_, _, class] = calls.next().await;
    assert_eq!(bytes_of(&class), b"class");
    assert!(calls.rest().is_empty());
}

/// Each report, as the script says it and as the driver hears it.
fn reports(random: &mut Random) -> [(JsValue, ReceiverReport); 4] {
    let (seq, records, message) = (
        random.below(1 << 32),
        random.safe_integer().unsigned_abs(),
        random.text(),
    );
    let kind = |kind: &str| ("t", kind.into());
    [
        (object(&[kind("started")]), ReceiverReport::Started),
        (
            object(&[
                kind("received"),
                ("seq", (seq as f64).into()),
                ("records", (records as f64).into()),
            ]),
            ReceiverReport::Received {
                seq: seq as u32,
                records,
            },
        ),
        (
            object(&[kind("failed"), ("message", message.as_str().into())]),
            ReceiverReport::Failed { message },
        ),
        (object(&[kind("stopped")]), ReceiverReport::Stopped),
    ]
}

#[wasm_bindgen_test]
async fn what_a_receiver_says_goes_to_the_driver_with_its_block_which_moves() {
    let (worker, _driver, mut heard) = executor("receivers-reports", &no_programs()).await;
    for seed in 0..100 {
        let mut random = Random::seeded(seed);
        let receiver = any_id(&mut random);
        for (said, report) in reports(&mut random) {
            let content = [random.bytes(), vec![seed as u8]].concat();
            let block = Uint8Array::from(content.as_slice());
            worker
                .receiver_says(id_of(receiver), said.clone(), Some(block.clone()))
                .unwrap();
            assert_eq!((block.length(), block.buffer().byte_length()), (0, 0), "seed {seed}");
            worker.receiver_says(id_of(receiver), said, None).unwrap();
            for blocks in [vec![content], vec![]] {
                let (message, blobs) = heard.next().await;
                let report = report.clone();
                assert_eq!(message, FromExecutor::Receiver { receiver, report }, "seed {seed}");
                assert_eq!(blobs.iter().map(|b| bytes_of(&b)).collect::<Vec<_>>(), blocks);
            }
        }
    }
}

#[wasm_bindgen_test]
async fn a_block_without_bytes_is_a_block() {
    let (worker, _driver, mut heard) = executor("receivers-empty", &no_programs()).await;
    let [_, (received, _), ..] = reports(&mut Random::seeded(1));
    worker
        .receiver_says(id_of(ONE), received, Some(Uint8Array::new_with_length(0)))
        .unwrap();
    let (_, blobs) = heard.next().await;
    assert_eq!(blobs.iter().map(|b| bytes_of(&b)).collect::<Vec<_>>(), [[0u8; 0]]);
}

/// Values that are no id of a receiver.
const NO_IDS: &str =
    "[undefined, null, 5, 'one', [], {}, { context: 1, stream: 0 }, { context: 1, life: 0 }, { stream: 0, life: 0 },
    { context: -1, stream: 0, life: 0 }, { context: 1, stream: 0.5, life: 0 }, { context: 1, stream: 0, life: 2 ** 32 },
    { context: '1', stream: 0, life: 0 }, { context: 1, stream: null, life: 0 }]";

/// Values that are no report of a receiver.
const NO_REPORTS: &str =
    "[undefined, null, 5, 'started', [], {}, { t: 'sleeping' }, { t: 'Started' }, { t: 1 }, { t: 'received' },
    { t: 'received', seq: 0 }, { t: 'received', records: 1 }, { t: 'received', seq: -1, records: 1 },
    { t: 'received', seq: 2 ** 32, records: 1 }, { t: 'received', seq: 0, records: 1.5 }, { t: 'failed' },
    { t: 'failed', message: 5 }]";

#[wasm_bindgen_test]
async fn an_id_or_a_report_that_is_none_is_an_error_and_neither_it_nor_its_block_is_sent() {
    let (worker, _driver, mut heard) = executor("receivers-malformed", &no_programs()).await;
    let started = || object(&[("t", "started".into())]);
    let (ids, reports) = (Array::from(&script(NO_IDS)), Array::from(&script(NO_REPORTS)));
    let ids = ids.iter().map(|id| (id, started()));
    for (id, report) in ids.chain(reports.iter().map(|report| (id_of(ONE), report))) {
        let block = Uint8Array::from(&[1, 2, 3][..]);
        let said = worker.receiver_says(id.clone(), report.clone(), Some(block.clone()));
        assert!(said.is_err(), "{id:?} {report:?}");
        assert_eq!(block.to_vec(), [1, 2, 3]);
    }
    worker.receiver_says(id_of(ONE), started(), None).unwrap();
    let report = ReceiverReport::Started;
    assert_eq!(heard.next().await.0, FromExecutor::Receiver { receiver: ONE, report });
}

#[wasm_bindgen_test]
async fn a_block_that_cannot_move_is_an_error_and_the_port_goes_on() {
    let (worker, _driver, mut heard) = executor("receivers-stuck", &no_programs()).await;
    let stuck = || script("new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer)").unchecked_into();
    let [_, (received, report), ..] = reports(&mut Random::seeded(1));
    assert!(
        worker
            .receiver_says(id_of(ONE), received.clone(), Some(stuck()))
            .is_err()
    );
    worker.receiver_says(id_of(ONE), received, None).unwrap();
    assert_eq!(heard.next().await.0, FromExecutor::Receiver { receiver: ONE, report });
}

#[wasm_bindgen_test]
async fn in_a_drivers_worker_no_receiver_says_anything() {
    let (worker, mut page) = (driver("receivers-driver").await, Page::new());
    let block = Uint8Array::from(&[1, 2, 3][..]);
    let [_, (received, _), ..] = reports(&mut Random::seeded(1));
    worker.receiver_says(id_of(ONE), received, Some(block.clone())).unwrap();
    worker
        .receiver_says(JsValue::UNDEFINED, JsValue::UNDEFINED, None)
        .unwrap();
    assert_eq!(block.to_vec(), [1, 2, 3]);
    let heap = object(&[("t", "heap".into()), ("id", 7.into())]);
    worker.receive(heap).unwrap();
    assert_eq!(number(&page.next("heapBytes").await, "id"), 7.0);
}
