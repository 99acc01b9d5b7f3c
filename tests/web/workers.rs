//! [`Worker`]: an executor and a driver in their worker, which is the test's own. What they post to the page is caught.
//!
//! A worker sets a hook for panics, which cannot be set any more once a test has panicked: after a failure all that follow here fail.

use std::collections::BTreeMap;
use std::panic::{set_hook, take_hook};

use js_sys::{Array, Function, Promise, Reflect};
use prost::Message;
use rivulet::cluster::message::{FromExecutor, Peer, Run, SpecHeader, ToExecutor as ToCore, decode, encode};
use rivulet::compile::job::JobSpec;
use rivulet::ids::{ExecutorRef, JobId, PartitionId, PlanId, StageId, TaskId};
use rivulet::proto::config_request::{self, operation::OpType};
use rivulet::proto::{ConfigRequest, ConfigResponse};
use rivulet::scheduler::{BlockId, Fetch};
use rivulet::settings::Conf;
use rivulet::web::locks;
use rivulet::web::port::Port;
use rivulet::web::timer::now_ms;
use rivulet::web::worker::Worker;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::MessageChannel;

use crate::heard::{Heard, hearing, messages_delivered};
use crate::objects::{bytes, bytes_of, get, is_plain, number, object, script, text};
use crate::protocol::{messages, shape_faults};

/// Catches what is posted to the page while it lives; the test's own reports go on.
pub struct Page {
    pub heard: Heard<JsValue>,
    before: JsValue,
    _hears: Closure<dyn FnMut(JsValue, JsValue)>,
}

impl Page {
    pub fn new() -> Self {
        let (hear, heard) = hearing();
        let scope = js_sys::global();
        let before = get(&scope, "postMessage");
        let post: Function = before.clone().unchecked_into();
        let hears = Closure::<dyn FnMut(JsValue, JsValue)>::new(move |message: JsValue, transfer: JsValue| {
            if message.is_array() {
                post.call2(&js_sys::global(), &message, &transfer).unwrap();
            } else if get(&message, "t") == "many" {
                Array::from(&get(&message, "messages")).iter().for_each(&hear);
            } else {
                hear(message);
            }
        });
        Reflect::set(&scope, &"postMessage".into(), hears.as_ref()).unwrap();
        Self {
            heard,
            before,
            _hears: hears,
        }
    }

    /// Waits for the next message and checks that the page's half declares it.
    pub async fn next(&mut self, kind: &str) -> JsValue {
        let message = self.heard.next().await;
        assert_eq!(text(&message, "t"), kind, "{message:?}");
        assert_eq!(shape_faults(&message, &messages("FromDriver")[kind]), [""; 0]);
        message
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        Reflect::set(&js_sys::global(), &"postMessage".into(), &self.before).unwrap();
    }
}

/// Starts a worker. It sets a hook for panics, in whose place the test's own is put back.
async fn start(role: &str, lock: &str, programs: &JsValue) -> Result<Worker, JsValue> {
    let init = object(&[
        ("t", "init".into()),
        ("role", role.into()),
        ("executor", 3.into()),
        ("incarnation", 1.into()),
        ("version", "0".into()),
        ("conf", object(&[])),
        ("lock", lock.into()),
    ]);
    assert!(
        !std::thread::panicking(),
        "a test before this one has failed: its instance takes no more hooks"
    );
    let before = take_hook();
    let worker = Worker::start(init, programs.clone().unchecked_into()).await;
    set_hook(before);
    worker
}

/// Programs of a script that has none.
pub fn no_programs() -> JsValue {
    script(
        "{ loading: undefined, load() {}, unload() {}, forget() {}, keeps() { return false; }, kept() {},
           run() { throw new Error('no programs'); } }",
    )
}

/// Returns one end of a channel as its message carries it, and the other, which listens.
fn line<T: serde::de::DeserializeOwned + 'static>() -> (JsValue, Port, Heard<(T, Array)>) {
    let channel = MessageChannel::new().unwrap();
    let (hear, heard) = hearing();
    let mut port = Port::new(channel.port1());
    port.listen(move |header, blobs| hear((decode(&header).unwrap(), blobs)));
    (channel.port2().into(), port, heard)
}

pub fn say(port: &Port, message: &impl Serialize) {
    port.send(&encode(message).unwrap(), &Array::new()).unwrap();
}

/// An executor, number 3 in its second life, with its driver's end.
pub async fn executor(lock: &str, programs: &JsValue) -> (Worker, Port, Heard<(FromExecutor, Array)>) {
    let worker = start("executor", lock, programs).await.unwrap();
    let (end, driver, heard) = line();
    worker
        .receive(object(&[("t", "driverPort".into()), ("port", end)]))
        .unwrap();
    (worker, driver, heard)
}

pub fn task(partition: usize) -> TaskId {
    TaskId {
        job: JobId(1),
        stage: StageId(0),
        partition: PartitionId(partition),
        attempt: 0,
    }
}

/// A block of another executor's.
fn block_of(from: ExecutorRef) -> Fetch {
    Fetch {
        from,
        block: BlockId::Shuffle {
            task: task(0),
            partition: PartitionId(0),
        },
        stage: StageId(0),
    }
}

pub fn run(partition: usize, fetches: Vec<Fetch>) -> ToCore {
    run_over(partition, fetches, vec![])
}

/// A task that reads a file in place of each of these blobs.
fn run_over(partition: usize, fetches: Vec<Fetch>, files: Vec<(usize, String)>) -> ToCore {
    ToCore::Run(Run {
        task: task(partition),
        plan: PlanId(1),
        fetches,
        scans: vec![],
        files,
        orders: vec![],
        batch: None,
        states: vec![],
        max_result: None,
        stay: None,
    })
}

#[wasm_bindgen_test]
async fn a_worker_holds_its_lock_and_what_is_no_init_starts_none() {
    let _worker = start("executor", "workers-lock", &no_programs()).await.unwrap();
    assert!(locks::try_hold("workers-lock").await.unwrap().is_none());
    let before = take_hook();
    for wrong in [
        JsValue::UNDEFINED,
        object(&[("t", "init".into()), ("role", "cook".into())]),
    ] {
        assert!(Worker::start(wrong, no_programs().unchecked_into()).await.is_err());
    }
    set_hook(before);
    assert!(start("executor", "-refused", &no_programs()).await.is_err());
}

#[wasm_bindgen_test]
async fn a_header_of_the_drivers_that_cannot_be_read_is_answered_as_such() {
    let (_worker, driver, mut heard) = executor("workers-garbage", &no_programs()).await;
    for garbage in [&b""[..], b"{", b"\xff\xfe", b"{\"Unknown\":{}}", b"[1,2]"] {
        driver.send(garbage, &Array::new()).unwrap();
        let (answer, _) = heard.next().await;
        let FromExecutor::Unreadable { error } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(error.condition.as_deref(), Some("INTERNAL_ERROR"));
    }
}

#[wasm_bindgen_test]
async fn a_task_of_a_plan_that_never_came_fails_and_says_which() {
    let (_worker, driver, mut heard) = executor("workers-no-plan", &no_programs()).await;
    say(&driver, &run(7, vec![]));
    let (answer, _) = heard.next().await;
    let FromExecutor::Failed { task: failed, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(failed, task(7));
}

#[wasm_bindgen_test]
async fn a_task_whose_file_cannot_be_unpacked_fails_and_says_which() {
    let (_worker, driver, mut heard) = executor("workers-no-file", &no_programs()).await;
    let message = encode(&run_over(7, vec![], vec![(0, "/in/a.gz".to_owned())])).unwrap();
    driver.send(&message, &Array::of1(&bytes(b"nothing packed"))).unwrap();
    let (answer, _) = heard.next().await;
    let FromExecutor::Failed {
        task: failed, error, ..
    } = answer
    else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (failed, error.condition.as_deref()),
        (task(7), Some("FAILED_READ_FILE.NO_HINT"))
    );
    assert!(error.message.contains("/in/a.gz"), "{}", error.message);
}

#[wasm_bindgen_test]
async fn a_plan_that_makes_no_sense_fails_its_tasks_and_not_the_executor() {
    let (_worker, driver, mut heard) = executor("workers-bad-plan", &no_programs()).await;
    let (spec, _) = SpecHeader::of(&JobSpec {
        relation: b"\xff\xff".to_vec(),
        conf: Conf::default(),
        views: BTreeMap::new(),
        now_us: 0,
        mode: None,
        files: BTreeMap::new(),
        models: BTreeMap::new(),
        tables: BTreeMap::new(),
    });
    let plan = encode(&ToCore::Plan { plan: PlanId(1), spec }).unwrap();
    driver.send(&plan, &Array::of1(&bytes(b"\xff\xff"))).unwrap();
    say(&driver, &run(1, vec![]));
    assert!(matches!(heard.next().await.0, FromExecutor::Failed { .. }));
    say(&driver, &run(2, vec![]));
    assert!(matches!(heard.next().await.0, FromExecutor::Failed { task: failed, .. } if failed == task(2)));
}

#[wasm_bindgen_test]
async fn a_peer_that_asks_for_what_is_not_here_is_answered_by_name() {
    let (worker, _driver, _heard) = executor("workers-peer", &no_programs()).await;
    let (end, peer, mut answers) = line::<Peer>();
    let parts = [
        ("t", "peer".into()),
        ("executor", 5.into()),
        ("incarnation", 0.into()),
        ("port", end),
    ];
    worker.receive(object(&parts)).unwrap();
    let fetch = block_of(ExecutorRef::at(3, 1));
    say(&peer, &Peer::Fetch { fetches: vec![fetch] });
    assert_eq!(
        answers.next().await.0,
        Peer::Blocks {
            found: vec![],
            missing: vec![fetch]
        }
    );
}

#[wasm_bindgen_test]
async fn a_peers_header_that_cannot_be_read_is_reported_to_the_driver() {
    let (worker, _driver, mut heard) = executor("workers-bad-peer", &no_programs()).await;
    let (end, peer, _answers) = line::<Peer>();
    let parts = [
        ("t", "peer".into()),
        ("executor", 5.into()),
        ("incarnation", 0.into()),
        ("port", end),
    ];
    worker.receive(object(&parts)).unwrap();
    peer.send(b"not a header", &Array::new()).unwrap();
    assert!(matches!(heard.next().await.0, FromExecutor::Unreadable { .. }));
}

#[wasm_bindgen_test]
async fn what_is_for_a_peer_waits_until_its_channel_comes() {
    let (worker, driver, mut heard) = executor("workers-early", &no_programs()).await;
    let fetch = block_of(ExecutorRef::at(5, 0));
    say(&driver, &run(1, vec![fetch]));
    // An answer to what was sent later: the task is taken in.
    driver.send(b"garbage", &Array::new()).unwrap();
    assert!(matches!(heard.next().await.0, FromExecutor::Unreadable { .. }));
    let (end, peer, mut asked) = line::<Peer>();
    let parts = [
        ("t", "peer".into()),
        ("executor", 5.into()),
        ("incarnation", 0.into()),
        ("port", end),
    ];
    worker.receive(object(&parts)).unwrap();
    assert_eq!(asked.next().await.0, Peer::Fetch { fetches: vec![fetch] });
    say(
        &peer,
        &Peer::Blocks {
            found: vec![],
            missing: vec![fetch],
        },
    );
    assert_eq!(heard.next().await.0, FromExecutor::FetchFailed { task: task(1), fetch });
}

#[wasm_bindgen_test]
async fn a_task_that_waits_for_a_peer_which_is_lost_fails_before_and_after() {
    let (worker, driver, mut heard) = executor("workers-lost", &no_programs()).await;
    let fetch = block_of(ExecutorRef::at(5, 2));
    say(&driver, &run(1, vec![fetch]));
    driver.send(b"garbage", &Array::new()).unwrap();
    assert!(matches!(heard.next().await.0, FromExecutor::Unreadable { .. }));
    let lost = object(&[
        ("t", "peerLost".into()),
        ("executor", 5.into()),
        ("incarnation", 2.into()),
    ]);
    worker.receive(lost).unwrap();
    assert_eq!(heard.next().await.0, FromExecutor::FetchFailed { task: task(1), fetch });
    // The driver did not know yet when it sent this one.
    say(&driver, &run(2, vec![fetch]));
    assert_eq!(heard.next().await.0, FromExecutor::FetchFailed { task: task(2), fetch });
    // A later life is another executor.
    let later = block_of(ExecutorRef::at(5, 3));
    say(&driver, &run(3, vec![later]));
    messages_delivered().await;
    assert!(heard.rest().is_empty());
}

#[wasm_bindgen_test]
async fn messages_wait_in_order_while_functions_are_loaded() {
    let programs = no_programs();
    let mut loaded: Option<Function> = None;
    let loading = Promise::new(&mut |resolve, _| loaded = Some(resolve));
    Reflect::set(&programs, &"loading".into(), &loading).unwrap();
    let (_worker, driver, mut heard) = executor("workers-loading", &programs).await;
    for partition in 0..3 {
        say(&driver, &run(partition, vec![]));
    }
    messages_delivered().await;
    assert!(heard.rest().is_empty(), "nothing is taken while functions are loaded");
    Reflect::set(&programs, &"loading".into(), &JsValue::UNDEFINED).unwrap();
    loaded.unwrap().call0(&JsValue::UNDEFINED).unwrap();
    say(&driver, &run(3, vec![]));
    for partition in 0..4 {
        let (answer, _) = heard.next().await;
        assert!(
            matches!(answer, FromExecutor::Failed { task: failed, .. } if failed == task(partition)),
            "{answer:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn an_executor_leaves_to_the_script_what_is_not_its_own_and_refuses_what_is_broken() {
    let (worker, _driver, _heard) = executor("workers-others", &no_programs()).await;
    for kind in ["blob", "req", "never heard of"] {
        worker.receive(object(&[("t", kind.into())])).unwrap();
    }
    assert!(
        worker
            .receive(object(&[("t", "peer".into()), ("executor", 1.into())]))
            .is_err()
    );
}

#[wasm_bindgen_test]
async fn either_worker_says_how_large_its_heap_is() {
    let heap = number(&get(&wasm_bindgen::memory(), "buffer"), "byteLength");
    for role in ["executor", "driver"] {
        let worker = start(role, &format!("workers-heap-{role}"), &no_programs())
            .await
            .unwrap();
        let mut page = Page::new();
        worker
            .receive(object(&[("t", "heap".into()), ("id", 12.into())]))
            .unwrap();
        let answer = page.next("heapBytes").await;
        assert_eq!(number(&answer, "id"), 12.0);
        let bytes = number(&answer, "bytes");
        assert!(bytes >= heap && bytes % 65_536.0 == 0.0, "{bytes} of {heap}");
    }
}

pub async fn driver(lock: &str) -> Worker {
    start("driver", lock, &no_programs()).await.unwrap()
}

fn request(id: u32, method: &str, body: &[u8]) -> JsValue {
    object(&[
        ("t", "req".into()),
        ("id", id.into()),
        ("method", method.into()),
        ("bytes", bytes(body)),
    ])
}

#[wasm_bindgen_test]
async fn a_method_that_the_service_has_not_is_an_error_for_its_call() {
    let (worker, mut page) = (driver("workers-method").await, Page::new());
    worker.receive(request(41, "Teleport", b"")).unwrap();
    let answer = page.next("err").await;
    assert_eq!(number(&answer, "id"), 41.0);
    let error = get(&answer, "error");
    assert!(text(&error, "message").contains("Teleport"), "{error:?}");
    assert!(is_plain(&get(&error, "parameters")));
}

#[wasm_bindgen_test]
async fn a_request_that_is_no_protobuf_is_an_error_for_its_call() {
    let (worker, mut page) = (driver("workers-protobuf").await, Page::new());
    for (id, method) in ["ExecutePlan", "AnalyzePlan", "Config"].into_iter().enumerate() {
        worker.receive(request(id as u32, method, b"\xff\xff\xff")).unwrap();
        assert_eq!(number(&page.next("err").await, "id"), id as f64, "{method}");
    }
}

#[wasm_bindgen_test]
async fn a_request_is_answered_with_bytes_that_are_the_pages_and_then_an_end() {
    let (worker, mut page) = (driver("workers-config").await, Page::new());
    let session_id = "00112233-4455-6677-8899-aabbccddeeff".to_owned();
    let all = config_request::Operation {
        op_type: Some(OpType::GetAll(config_request::GetAll::default())),
    };
    let asked = ConfigRequest {
        session_id: session_id.clone(),
        operation: Some(all),
        ..ConfigRequest::default()
    };
    worker.receive(request(1, "Config", &asked.encode_to_vec())).unwrap();
    let answer = page.next("res").await;
    assert_eq!(number(&answer, "id"), 1.0);
    let response = ConfigResponse::decode(bytes_of(&get(&answer, "bytes")).as_slice()).unwrap();
    assert_eq!(response.session_id, session_id);
    assert_eq!(number(&page.next("end").await, "id"), 1.0);
}

/// Tells a driver of an executor; returns its end.
fn join(worker: &Worker, number: u32, incarnation: u32, lock: &str) -> Port {
    let channel = MessageChannel::new().unwrap();
    worker
        .receive(object(&[
            ("t", "executor".into()),
            ("executor", number.into()),
            ("incarnation", incarnation.into()),
            ("lock", lock.into()),
            ("port", channel.port1().into()),
        ]))
        .unwrap();
    Port::new(channel.port2())
}

/// Waits until the page hears that an executor is lost: its number, and which of its lives.
async fn lost(page: &mut Page) -> (f64, f64) {
    let lost = page.next("executorLost").await;
    (number(&lost, "executor"), number(&lost, "incarnation"))
}

#[wasm_bindgen_test]
async fn the_end_of_an_executors_lock_is_its_end() {
    let held = locks::hold("workers-of-7").await.unwrap();
    let (worker, mut page) = (driver("workers-joined").await, Page::new());
    let _executor = join(&worker, 7, 4, "workers-of-7");
    messages_delivered().await;
    assert!(page.heard.rest().is_empty());
    drop(held);
    assert_eq!(lost(&mut page).await, (7.0, 4.0));
}

#[wasm_bindgen_test]
async fn an_executor_is_lost_once_whoever_says_so() {
    let held = locks::hold("workers-of-8").await.unwrap();
    let (worker, mut page) = (driver("workers-lost-once").await, Page::new());
    let _executor = join(&worker, 8, 0, "workers-of-8");
    let down = |incarnation: u32| {
        let parts = [
            ("t", "executorDown".into()),
            ("executor", 8.into()),
            ("incarnation", incarnation.into()),
        ];
        worker.receive(object(&parts)).unwrap();
    };
    down(9);
    down(0);
    down(0);
    page.next("executorLost").await;
    drop(held);
    locks::hold("workers-of-8").await.unwrap().release().await;
    messages_delivered().await;
    assert!(page.heard.rest().is_empty());
}

#[wasm_bindgen_test]
async fn the_next_life_of_an_executor_ends_the_one_before() {
    let _first_held = locks::hold("workers-of-9-0").await.unwrap();
    let held = locks::hold("workers-of-9-1").await.unwrap();
    let (worker, mut page) = (driver("workers-next-life").await, Page::new());
    let _first = join(&worker, 9, 0, "workers-of-9-0");
    let _second = join(&worker, 9, 1, "workers-of-9-1");
    assert_eq!(lost(&mut page).await, (9.0, 0.0));
    drop(held);
    assert_eq!(lost(&mut page).await, (9.0, 1.0));
}

#[wasm_bindgen_test]
async fn a_watching_page_gets_the_state_at_once_and_again_and_one_that_does_not_watch_gets_none() {
    let held = locks::hold("workers-of-2").await.unwrap();
    let (worker, mut page) = (driver("workers-watched").await, Page::new());
    let _executor = join(&worker, 2, 0, "workers-of-2");
    let watch = |on: bool| {
        worker
            .receive(object(&[("t", "watchStatus".into()), ("on", on.into())]))
            .unwrap()
    };
    watch(true);
    let status = get(&page.next("status").await, "status");
    let executors: Array = get(&status, "executors").unchecked_into();
    assert_eq!((executors.length(), number(&executors.get(0), "id")), (1, 2.0));
    watch(true);
    page.next("status").await;
    watch(false);
    page.heard.rest();
    alarm(&worker, 1, 300.0);
    assert_eq!(text(&page.heard.next().await, "t"), "rang");
    drop(held);
    page.next("executorLost").await;
}

fn alarm(worker: &Worker, id: u32, in_ms: f64) {
    let parts = [("t", "alarm".into()), ("id", id.into()), ("inMs", in_ms.into())];
    worker.receive(object(&parts)).unwrap();
}

#[wasm_bindgen_test]
async fn alarms_ring_once_each_in_the_order_of_their_times() {
    let (worker, mut page) = (driver("workers-alarm").await, Page::new());
    let begun = now_ms();
    for (id, in_ms) in [(1, 60.0), (2, 30.0), (3, -5.0)] {
        alarm(&worker, id, in_ms);
    }
    let mut rang = Vec::new();
    for _ in 0..3 {
        rang.push(number(&page.next("rang").await, "id"));
    }
    assert_eq!(rang, [3.0, 2.0, 1.0]);
    assert!(now_ms() - begun >= 59);
    assert!(page.heard.rest().is_empty());
}

#[wasm_bindgen_test]
async fn a_driver_leaves_other_kinds_alone_and_refuses_what_is_broken() {
    let (worker, mut page) = (driver("workers-driver-others").await, Page::new());
    for kind in ["init", "driverPort", "never heard of"] {
        worker.receive(object(&[("t", kind.into())])).unwrap();
    }
    assert!(
        worker
            .receive(object(&[("t", "req".into()), ("id", 1.into())]))
            .is_err()
    );
    // Of sources and calls that are not there, or not any more.
    for message in [
        object(&[("t", "cancel".into()), ("id", 99.into())]),
        object(&[("t", "pushEnd".into()), ("source", "none".into())]),
        object(&[
            ("t", "foreachBatchDone".into()),
            ("run", "none".into()),
            ("batchId", 0.into()),
        ]),
    ] {
        worker.receive(message).unwrap();
    }
    messages_delivered().await;
    assert!(page.heard.rest().is_empty());
}

#[wasm_bindgen_test]
async fn a_message_of_an_executors_that_cannot_be_read_does_not_end_the_driver() {
    let held = locks::hold("workers-of-6").await.unwrap();
    let (worker, mut page) = (driver("workers-unreadable").await, Page::new());
    let executor = join(&worker, 6, 0, "workers-of-6");
    executor.send(b"garbage", &Array::new()).unwrap();
    messages_delivered().await;
    worker
        .receive(object(&[("t", "heap".into()), ("id", 1.into())]))
        .unwrap();
    assert_eq!(text(&page.heard.next().await, "t"), "heapBytes");
    drop(held);
    page.next("executorLost").await;
}
