//! Every value that crosses between the page and the engine, both ways, against `src/js/src/protocol.ts`.

use std::collections::BTreeMap;

use js_sys::{Array, BigInt};
use rivulet::error::{Exception, SparkError};
use rivulet::web::page::{Init, Role, ToDriver, ToExecutor, ToPage, WireError, kind_of, plain, read};
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Blob;

use crate::credential_messages::is_answer;
use crate::objects::{bytes, bytes_of, call, get, keys, number, object, script, text};
use crate::protocol::{interface, message, messages, shape_faults};
use crate::random::Random;

pub const CASES: u64 = 200;
/// From here on JavaScript takes one whole number for another.
const UNSAFE: i64 = 1 << 53;

/// Kinds that the script handles itself, or that come before the engine is there.
const NOT_THE_DRIVERS: [&str; 1] = ["init"];
const NOT_THE_EXECUTORS: [&str; 2] = ["init", "blob"];

#[wasm_bindgen_test]
fn every_kind_that_the_page_declares_is_read_and_no_other() {
    for (kind, shape) in messages("ToDriver") {
        let read = ToDriver::read(message(&shape, &mut Random::seeded(1))).unwrap();
        assert_eq!(read.is_none(), NOT_THE_DRIVERS.contains(&kind.as_str()), "{kind}");
    }
    for (kind, shape) in messages("ToExecutor") {
        let read = ToExecutor::read(message(&shape, &mut Random::seeded(1))).unwrap();
        assert_eq!(read.is_none(), NOT_THE_EXECUTORS.contains(&kind.as_str()), "{kind}");
    }
}

#[wasm_bindgen_test]
fn what_the_page_says_to_the_driver_is_read_as_meant() {
    let declared = messages("ToDriver");
    assert_eq!(declared.len(), 22, "{:?}", declared.keys());
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        for shape in declared.values() {
            let sent = message(shape, &mut random);
            if let Some(read) = ToDriver::read(sent.clone()).unwrap() {
                is_the_drivers(&sent, &read);
            }
        }
    }
}

/// Holds what was read against what was sent, property by property.
fn is_the_drivers(sent: &JsValue, read: &ToDriver) {
    let (n, s) = (|key: &str| number(sent, key), |key: &str| text(sent, key));
    match read {
        ToDriver::Executor(to) => {
            assert_eq!(
                (f64::from(to.executor), f64::from(to.incarnation)),
                (n("executor"), n("incarnation"))
            );
            assert_eq!(
                (&to.lock, JsValue::from(to.port.clone())),
                (&s("lock"), get(sent, "port"))
            );
        }
        ToDriver::ExecutorDown(to) => {
            assert_eq!(
                (f64::from(to.executor), f64::from(to.incarnation)),
                (n("executor"), n("incarnation"))
            );
            let read = to
                .cause
                .as_ref()
                .map(|c| (format!("{:?}", c.kind).to_lowercase(), c.message.clone()));
            let cause = get(sent, "cause");
            let said = (!cause.is_undefined()).then(|| (text(&cause, "kind"), text(&cause, "message")));
            assert_eq!(read, said);
        }
        ToDriver::Request(to) => {
            assert_eq!((to.id, &to.method), (n("id"), &s("method")));
            assert_eq!(to.bytes.to_vec(), bytes_of(&get(sent, "bytes")));
        }
        ToDriver::Cancel(to) | ToDriver::Heap(to) => assert_eq!(to.id, n("id")),
        ToDriver::Taken(to) => assert_eq!((to.id, to.bytes), (n("id"), n("bytes"))),
        ToDriver::Push(to) => {
            assert_eq!(
                (&to.source, to.bytes.to_vec()),
                (&s("source"), bytes_of(&get(sent, "bytes")))
            );
        }
        ToDriver::PushLines(to) => assert_eq!((&to.source, &to.lines), (&s("source"), &s("lines"))),
        ToDriver::Hold(to) => {
            let all = |blocks: Array| blocks.iter().map(|block| bytes_of(&block)).collect::<Vec<_>>();
            assert_eq!((&to.session, to.dataset), (&s("session"), n("dataset")));
            assert_eq!(all(to.blocks.clone()), all(get(sent, "blocks").unchecked_into()));
        }
        ToDriver::PushEnd(to) => assert_eq!(to.source, s("source")),
        ToDriver::PushForget(to) => assert_eq!(to.source, s("source")),
        ToDriver::SourceBlock(to) => {
            assert_eq!(
                (to.connection as f64, to.dropped as f64),
                (n("connection"), n("dropped"))
            );
            assert_eq!(to.bytes.to_vec(), bytes_of(&get(sent, "bytes")));
        }
        ToDriver::SourceCaughtUp(to) => assert_eq!(to.connection as f64, n("connection")),
        ToDriver::SourceEnd(to) => {
            assert_eq!(to.connection as f64, n("connection"));
            let error = get(sent, "error");
            assert_eq!(to.error.is_none(), error.is_undefined());
            if let Some(read) = to.error.clone().map(SparkError::from) {
                assert_eq!(read.message, text(&error, "message"));
                let condition = Some(text(&error, "condition")).filter(|text| !text.is_empty());
                assert_eq!(read.condition, condition);
                assert_eq!(read.parameters.get("stack").cloned(), get(&error, "stack").as_string());
            }
        }
        ToDriver::File(to) => {
            assert_eq!((&to.path, to.modified), (&s("path"), n("modified")));
            assert_eq!(to.blob().map(JsValue::from).unwrap_or(JsValue::NULL), get(sent, "blob"));
        }
        ToDriver::ForeachBatchDone(to) => {
            assert_eq!((&to.run, to.batch_id as f64), (&s("run"), n("batchId")));
            assert_eq!(to.lots, get(sent, "lots").as_f64().unwrap_or(1.0));
            let thrown = get(sent, "error");
            match &to.error {
                None => assert!(thrown.is_undefined()),
                Some(read) => {
                    assert_eq!(
                        (&read.message, &read.stack),
                        (&text(&thrown, "message"), &text(&thrown, "stack"))
                    );
                }
            }
        }
        ToDriver::WatchStatus(to) | ToDriver::Listen(to) => assert_eq!(JsValue::from(to.on), get(sent, "on")),
        ToDriver::Alarm(to) => assert_eq!((to.id, to.in_ms), (n("id"), n("inMs"))),
        ToDriver::Credentials(to) => is_answer(sent, to),
        ToDriver::CredentialsGone(to) => assert_eq!(to.name, s("name")),
    }
}

#[wasm_bindgen_test]
fn what_the_page_says_to_an_executor_is_read_as_meant() {
    let declared = messages("ToExecutor");
    assert_eq!(declared.len(), 9, "{:?}", declared.keys());
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        for shape in declared.values() {
            let sent = message(shape, &mut random);
            let n = |key: &str| number(&sent, key);
            match ToExecutor::read(sent.clone()).unwrap() {
                None => {}
                Some(ToExecutor::DriverPort(to)) => assert_eq!(JsValue::from(to.port), get(&sent, "port")),
                Some(ToExecutor::PagePort(to)) => assert_eq!(JsValue::from(to.port), get(&sent, "port")),
                Some(ToExecutor::Peer(to)) => {
                    assert_eq!(
                        (f64::from(to.executor), f64::from(to.incarnation)),
                        (n("executor"), n("incarnation"))
                    );
                    assert_eq!(JsValue::from(to.port), get(&sent, "port"));
                }
                Some(ToExecutor::PeerLost(to)) => {
                    assert_eq!(
                        (f64::from(to.executor), f64::from(to.incarnation)),
                        (n("executor"), n("incarnation"))
                    );
                }
                Some(ToExecutor::Credentials(to)) => is_answer(&sent, &to),
                Some(ToExecutor::CredentialsGone(to)) => assert_eq!(to.name, text(&sent, "name")),
                Some(ToExecutor::Heap(to)) => assert_eq!(to.id, n("id")),
            }
        }
    }
}

#[wasm_bindgen_test]
fn an_init_is_read_as_meant_and_an_executors_number_is_nought_where_it_is_missing() {
    for seed in 0..CASES {
        let sent = message(&interface("Init"), &mut Random::seeded(seed));
        let init: Init = read(sent.clone()).unwrap();
        let role = if text(&sent, "role") == "driver" {
            Role::Driver
        } else {
            Role::Executor
        };
        let executor = get(&sent, "executor").as_f64().unwrap_or(0.0);
        assert_eq!((init.role, f64::from(init.executor)), (role, executor), "seed {seed}");
        assert_eq!(
            (f64::from(init.incarnation), init.lock),
            (number(&sent, "incarnation"), text(&sent, "lock"))
        );
        let conf = get(&sent, "conf");
        let expected: BTreeMap<String, String> = keys(&conf)
            .into_iter()
            .map(|key| (key.clone(), text(&conf, &key)))
            .collect();
        assert_eq!(init.conf, expected, "seed {seed}");
    }
}

/// Values that no property of the protocol takes.
fn strange(random: &mut Random) -> JsValue {
    match random.below(7) {
        0 => JsValue::UNDEFINED,
        1 => JsValue::NULL,
        2 => js_sys::Symbol::for_("strange").into(),
        3 => script("() => 1"),
        4 => f64::NAN.into(),
        5 => Array::of1(&1.into()).into(),
        _ => (-1.5).into(),
    }
}

#[wasm_bindgen_test]
fn a_message_with_a_strange_property_is_an_error_or_read_and_never_a_panic() {
    let mut refused = 0;
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        for (kind, shape) in messages("ToDriver").into_iter().chain(messages("ToExecutor")) {
            let sent = message(&shape, &mut random);
            let names: Vec<String> = keys(&sent).into_iter().filter(|name| name != "t").collect();
            let name = random.one_of(&names);
            js_sys::Reflect::set(&sent, &name.into(), &strange(&mut random)).unwrap();
            refused += u32::from(ToDriver::read(sent.clone()).is_err());
            refused += u32::from(ToExecutor::read(sent.clone()).is_err());
            if kind == "init" {
                let _ = read::<Init>(sent);
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[wasm_bindgen_test]
fn a_message_without_one_of_its_properties_is_an_error_that_names_it() {
    let kinds = [("ToDriver", &NOT_THE_DRIVERS[..]), ("ToExecutor", &NOT_THE_EXECUTORS)];
    for (union, not_ours) in kinds {
        for (kind, shape) in messages(union) {
            if not_ours.contains(&kind.as_str()) {
                continue;
            }
            for (missing, property) in &shape {
                // What is not read cannot be missed: `seq` counts for the page.
                if missing == "t" || missing == "seq" || property.optional {
                    continue;
                }
                let mut rest = shape.clone();
                rest.remove(missing);
                let sent = message(&rest, &mut Random::seeded(1));
                let error = match union {
                    "ToDriver" => ToDriver::read(sent).map(|_| ()),
                    _ => ToExecutor::read(sent).map(|_| ()),
                };
                if property.of_type == "Blob | null" {
                    // Nothing is as good as null: the file is taken back.
                    continue;
                }
                let error = error.expect_err(&format!("{kind} without {missing}"));
                assert!(
                    text(&error, "message").contains(missing.as_str()),
                    "{kind} without {missing}: {error:?}"
                );
            }
        }
    }
}

#[wasm_bindgen_test]
fn a_message_without_a_kind_or_of_an_unknown_one_is_nobodys() {
    for sent in [
        JsValue::UNDEFINED,
        JsValue::NULL,
        5.into(),
        "req".into(),
        object(&[]),
        object(&[("t", 5.into())]),
        object(&[("t", "Req".into())]),
    ] {
        assert!(ToDriver::read(sent.clone()).unwrap().is_none(), "{sent:?}");
        assert!(ToExecutor::read(sent.clone()).unwrap().is_none(), "{sent:?}");
    }
    assert_eq!(kind_of(&object(&[("t", "req".into())])), "req");
    assert_eq!(kind_of(&object(&[("t", 1.into())])), "");
    assert_eq!(kind_of(&JsValue::UNDEFINED), "");
}

#[wasm_bindgen_test]
fn things_of_the_browsers_are_taken_by_class_and_others_refused() {
    let peer = |port: JsValue| ToExecutor::read(object(&[("t", "driverPort".into()), ("port", port)])).map(|_| ());
    assert!(peer(script("new MessageChannel().port1")).is_ok());
    assert!(peer(object(&[("postMessage", script("() => 1"))])).is_err());
    let request = |bytes: JsValue| {
        let parts = [
            ("t", "req".into()),
            ("id", 1.into()),
            ("method", "Config".into()),
            ("bytes", bytes),
        ];
        ToDriver::read(object(&parts)).map(|_| ())
    };
    assert!(request(bytes(b"x")).is_ok());
    for other in [
        "new ArrayBuffer(3)",
        "[1, 2]",
        "'text'",
        "new Uint16Array(2)",
        "new DataView(new ArrayBuffer(1))",
    ] {
        assert!(request(script(other)).is_err(), "{other}");
    }
}

#[wasm_bindgen_test]
fn what_is_no_file_takes_the_file_back() {
    let file = |blob: JsValue| {
        let parts = [
            ("t", "file".into()),
            ("path", "/f".into()),
            ("blob", blob),
            ("modified", 1.into()),
        ];
        match ToDriver::read(object(&parts)) {
            Ok(Some(ToDriver::File(file))) => file.blob(),
            other => panic!("{other:?}"),
        }
    };
    let blob: Blob = script("new Blob(['x'])").unchecked_into();
    assert_eq!(file(blob.clone().into()), Some(blob));
    assert_eq!(file(JsValue::NULL), None);
}

/// Reads a batch's number.
fn batch_id(value: JsValue) -> Result<i64, JsValue> {
    let parts = [
        ("t", "foreachBatchDone".into()),
        ("run", "r".into()),
        ("batchId", value),
    ];
    match ToDriver::read(object(&parts))? {
        Some(ToDriver::ForeachBatchDone(done)) => Ok(done.batch_id),
        other => panic!("{other:?}"),
    }
}

#[wasm_bindgen_test]
fn whole_numbers_are_read_exactly_up_to_where_javascript_tells_them_apart_and_then_refused() {
    for seed in 0..CASES {
        let number = Random::seeded(seed).safe_integer();
        assert_eq!(batch_id((number as f64).into()).unwrap(), number, "seed {seed}");
    }
    for beyond in [UNSAFE as f64, -(UNSAFE as f64), 1e300, f64::INFINITY, f64::NAN, 0.5] {
        assert!(batch_id(beyond.into()).is_err(), "{beyond}");
    }
    for large in [UNSAFE, i64::MAX, i64::MIN] {
        assert_eq!(batch_id(BigInt::from(large).into()).unwrap(), large);
    }
}

/// Checks that a message has the shape that the page's half declares for its kind.
pub fn is_declared(message: &ToPage<'_>, kind: &str) -> JsValue {
    let made = plain(message).unwrap();
    assert_eq!(text(&made, "t"), kind);
    let faults = shape_faults(&made, &messages("FromDriver")[kind]);
    assert!(faults.is_empty(), "{kind}: {faults:?}");
    made
}

#[wasm_bindgen_test]
fn bytes_for_the_page_have_a_buffer_of_their_own() {
    for seed in 0..CASES {
        let (sent, id) = (Random::seeded(seed).bytes(), seed as f64);
        let made = is_declared(
            &ToPage::Res {
                id,
                bytes: sent.as_slice().into(),
            },
            "res",
        );
        assert_eq!((number(&made, "id"), bytes_of(&get(&made, "bytes"))), (id, sent));
    }
}

#[wasm_bindgen_test]
fn a_batch_for_the_page_has_its_blocks_in_order() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let (sink, run, batch_id) = (random.text(), random.text(), random.safe_integer());
        let blocks: Vec<Vec<u8>> = (0..random.below(5)).map(|_| random.bytes()).collect();
        let arrow = blocks.iter().map(|block| block.as_slice().into()).collect();
        let sent = ToPage::ForeachBatch {
            sink: &sink,
            run: &run,
            batch_id,
            job: (seed % 2 == 0).then_some(seed as f64),
            arrow,
        };
        let made = is_declared(&sent, "foreachBatch");
        assert_eq!((text(&made, "sink"), text(&made, "run")), (sink, run));
        assert_eq!(number(&made, "batchId"), batch_id as f64);
        let arrow: Array = get(&made, "arrow").unchecked_into();
        assert_eq!(arrow.iter().map(|b| bytes_of(&b)).collect::<Vec<_>>(), blocks);
    }
}

#[wasm_bindgen_test]
fn numbers_and_texts_for_the_page_are_numbers_and_texts() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let id = random.safe_integer() as f64;
        assert_eq!(number(&is_declared(&ToPage::End { id }, "end"), "id"), id);
        assert_eq!(number(&is_declared(&ToPage::Rang { id }, "rang"), "id"), id);
        let heap = is_declared(&ToPage::HeapBytes { id, bytes: id + 1.0 }, "heapBytes");
        assert_eq!((number(&heap, "id"), number(&heap, "bytes")), (id, id + 1.0));
        let said = random.text();
        assert_eq!(
            text(&is_declared(&ToPage::Console { text: &said }, "console"), "text"),
            said
        );
    }
}

#[wasm_bindgen_test]
fn credit_without_a_log_is_null_and_not_missing() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let (source, durable) = (random.text(), random.flip().then(|| random.safe_integer()));
        let (queued_bytes, limit_bytes) = (random.bits() as usize, random.bits() as usize);
        let sent = ToPage::Credit {
            source: &source,
            received: random.safe_integer(),
            queued_bytes,
            limit_bytes,
            durable,
            is_read: random.flip(),
        };
        let made = is_declared(&sent, "credit");
        assert_eq!(text(&made, "source"), source);
        assert_eq!(
            (number(&made, "queuedBytes"), number(&made, "limitBytes")),
            (queued_bytes as f64, limit_bytes as f64)
        );
        let expected = durable.map_or(JsValue::NULL, |count| (count as f64).into());
        assert_eq!(get(&made, "durable"), expected, "seed {seed}");
    }
}

/// Makes a JSON value of some depth, as engines report them.
fn json_value(depth: u32, random: &mut Random) -> serde_json::Value {
    match random.below(if depth == 0 { 5 } else { 7 }) {
        0 => json!(null),
        1 => json!(random.flip()),
        2 => json!(random.safe_integer()),
        3 => json!(random.bits() as f64 / 3e9),
        4 => json!(random.text()),
        5 => (0..random.below(4)).map(|_| json_value(depth - 1, random)).collect(),
        _ => (0..random.below(4))
            .map(|_| (random.text(), json_value(depth - 1, random)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[wasm_bindgen_test]
fn an_event_is_for_the_page_what_its_json_is() {
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let event = json!({ "id": random.text(), "progress": json_value(3, &mut random) });
        let sent = ToPage::Listener {
            event_type: "progress",
            event: &event,
        };
        let made = get(&is_declared(&sent, "listener"), "event");
        // The page's own reading of the same JSON, compared by its own writing.
        let same = call(
            "(made, text) => JSON.stringify(made) === JSON.stringify(JSON.parse(text))",
            &[made, event.to_string().into()],
        );
        assert_eq!(same, JsValue::TRUE, "seed {seed}: {event}");
    }
}

#[wasm_bindgen_test]
fn whole_numbers_beyond_those_that_javascript_tells_apart_are_rounded_in_events_and_status() {
    for large in [json!(UNSAFE + 1), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX)] {
        let event = json!({ "endOffset": { "0": large } });
        let made = is_declared(
            &ToPage::Listener {
                event_type: "progress",
                event: &event,
            },
            "listener",
        );
        let offset = number(&get(&get(&made, "event"), "endOffset"), "0");
        assert_eq!(offset, large.as_f64().unwrap(), "{large}");
        let status = json!({ "executors": [], "jobs": [], "datasets": [
            { "id": 1, "name": "d", "partitions": 1, "kept": 1, "bytes": large },
        ] });
        is_declared(&ToPage::Status { status }, "status");
    }
}

#[wasm_bindgen_test]
fn whole_numbers_beyond_those_that_javascript_tells_apart_are_refused_where_they_name_something() {
    for batch_id in [UNSAFE, i64::MAX, i64::MIN] {
        let sent = ToPage::ForeachBatch {
            sink: "s",
            run: "r",
            batch_id,
            job: None,
            arrow: vec![],
        };
        let error = plain(&sent).unwrap_err();
        assert!(text(&error, "message").contains(&batch_id.to_string()), "{error:?}");
    }
    assert!(plain(&u64::MAX).is_err());
    assert_eq!(plain(&(UNSAFE - 1)).unwrap().as_f64(), Some((UNSAFE - 1) as f64));
}

#[wasm_bindgen_test]
fn an_error_for_the_page_has_all_its_properties_and_null_for_what_is_missing() {
    const EXCEPTIONS: [Exception; 12] = [
        Exception::Analysis,
        Exception::Parse,
        Exception::Arithmetic,
        Exception::NumberFormat,
        Exception::DateTime,
        Exception::ArrayIndexOutOfBounds,
        Exception::NoSuchElement,
        Exception::IllegalArgument,
        Exception::UnsupportedOperation,
        Exception::StreamingQuery,
        Exception::Runtime,
        Exception::Connect,
    ];
    for seed in 0..CASES {
        let mut random = Random::seeded(seed);
        let mut error = SparkError::new(
            random.one_of(&EXCEPTIONS),
            &random.text(),
            &random.text(),
            random.text(),
        );
        for _ in 0..random.below(4) {
            error = error.with(&random.text(), random.text());
        }
        if random.flip() {
            (error.condition, error.sql_state) = (None, None);
        }
        let made = is_declared(
            &ToPage::Err {
                id: 1.0,
                error: WireError::from(&error),
            },
            "err",
        );
        let wire = get(&made, "error");
        let optional = |key: &str| get(&wire, key).as_string();
        assert_eq!(
            (optional("condition"), optional("sqlState")),
            (error.condition.clone(), error.sql_state.clone())
        );
        assert_eq!(get(&wire, "condition").is_null(), error.condition.is_none());
        assert_eq!(
            (text(&wire, "exception"), text(&wire, "message")),
            (error.exception.name().to_owned(), error.to_string())
        );
        let parameters = get(&wire, "parameters");
        let found: BTreeMap<String, String> = keys(&parameters)
            .into_iter()
            .map(|key| (key.clone(), text(&parameters, &key)))
            .collect();
        assert_eq!(found, error.parameters, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn a_parameter_of_any_name_does_not_change_the_objects_class() {
    let error = SparkError::internal("x")
        .with("__proto__", "p")
        .with("constructor", "c");
    let wire = plain(&WireError::from(&error)).unwrap();
    let parameters = get(&wire, "parameters");
    assert_eq!(text(&parameters, "constructor"), "c");
    assert!(crate::objects::is_plain(&parameters));
}
