//! A REST server as a model: topics in memory, consumers that can be lost, answers that can be lost or lie.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::sources::kafka::rest::*;
use crate::values::base64::to_base64;

/// A consumer: where it is, once it has been put somewhere.
pub(super) type Consumer = Option<(String, i64, usize)>;
/// The first offset of a partition that is there, and the records from there on; `None` for marks of transactions.
pub(super) type Log = (usize, Vec<Option<Value>>);
/// What a request is answered; `None` loses the answer.
pub(super) type Answer = Option<(u16, Value)>;

/// A server of two topics.
#[derive(Default)]
pub(super) struct Model {
    pub(super) strimzi: bool,
    pub(super) held: RefCell<BTreeMap<(String, i64), Log>>,
    pub(super) consumers: RefCell<BTreeMap<String, Consumer>>,
    pub(super) asked: RefCell<Vec<String>>,
    /// What the next requests whose address contains a word are answered in place of the truth.
    pub(super) scripted: RefCell<VecDeque<(&'static str, Answer)>>,
    pub(super) now_ms: Cell<i64>,
    /// How many of the next records are lost on their way, and asked for again below.
    pub(super) skips: Cell<usize>,
}

impl Model {
    pub(super) fn new(strimzi: bool) -> Self {
        let model = Self {
            strimzi,
            ..Self::default()
        };
        let record = |n: usize| Some(json!({ "key": to_base64(b"k"), "value": to_base64(format!("{n}").as_bytes()) }));
        model.held.borrow_mut().extend([
            (("t".into(), 0), (10, (10..20).map(record).collect())),
            (("t".into(), 1), (0, vec![])),
            (("other".into(), 0), (0, (0..3).map(record).collect())),
        ]);
        model
    }

    pub(super) fn lose(&self, word: &'static str, answer: Answer) {
        self.scripted.borrow_mut().push_back((word, answer));
    }

    pub(super) fn answer(&self, method: Method, path: &str, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let missing = |code: i64| (404, json!({ "error_code": code, "message": "not found" }));
        let mut held = self.held.borrow_mut();
        let mut consumers = self.consumers.borrow_mut();
        match (method, parts.as_slice()) {
            (Method::Get, [""]) if self.strimzi => (200, json!({ "bridge_version": "1.0.0" })),
            (Method::Get, [""]) => (200, json!({})),
            (Method::Get, ["topics"]) => {
                let names: Vec<&String> = held.keys().filter(|(_, p)| *p == 0).map(|(topic, _)| topic).collect();
                (200, json!(names))
            }
            (Method::Get, ["topics", topic, "partitions"]) => {
                let of = held.keys().filter(|(name, _)| name == topic);
                let of: Vec<Value> = of
                    .map(|(_, p)| json!({ "partition": p, "leader": 1, "replicas": [] }))
                    .collect();
                if of.is_empty() {
                    missing(40401)
                } else {
                    (200, json!(of))
                }
            }
            (Method::Get, ["topics", topic, "partitions", partition, "offsets"]) => {
                match held.get(&((*topic).to_owned(), partition.parse().unwrap())) {
                    Some((from, records)) => (
                        200,
                        json!({ "beginning_offset": from, "end_offset": from + records.len() }),
                    ),
                    None => missing(40402),
                }
            }
            (Method::Post, ["topics", topic]) => {
                let placed = body["records"].as_array().unwrap().iter().map(|record| {
                    let key = ((*topic).to_owned(), record["partition"].as_i64().unwrap_or(0));
                    let (from, records) = held.get_mut(&key).unwrap();
                    records.push(Some(record.clone()));
                    json!({ "partition": key.1, "offset": *from + records.len() - 1 })
                });
                (200, json!({ "offsets": placed.collect::<Vec<_>>() }))
            }
            (Method::Post, ["consumers", group]) => {
                let auto = if self.strimzi {
                    "enable.auto.commit"
                } else {
                    "auto.commit.enable"
                };
                assert!(body["name"] == *group && body["format"] == "binary" && !body[auto].is_null());
                if consumers.insert((*group).to_owned(), None).is_some() {
                    return (409, json!({ "error_code": 40902, "message": "it exists" }));
                }
                (200, json!({ "instance_id": group, "base_uri": "http://internal" }))
            }
            (method, ["consumers", _, "instances", name, rest @ ..]) => {
                let Some(consumer) = consumers.get_mut(*name) else {
                    return missing(if self.strimzi { 404 } else { 40403 });
                };
                match (method, rest) {
                    (Method::Post, ["assignments"]) => {
                        let place = &body["partitions"][0];
                        let topic = place["topic"].as_str().unwrap().to_owned();
                        *consumer = Some((topic, place["partition"].as_i64().unwrap(), 0));
                        (204, json!(null))
                    }
                    (Method::Post, ["positions"]) => {
                        let at = body["offsets"][0]["offset"].as_u64().unwrap() as usize;
                        consumer.as_mut().unwrap().2 = at;
                        (204, json!(null))
                    }
                    (Method::Delete, []) => {
                        consumers.remove(*name);
                        (204, json!(null))
                    }
                    (Method::Get, ["records"]) => {
                        let wait: i64 = query.split(['=', '&']).nth(1).unwrap().parse().unwrap();
                        let (topic, partition, at) = consumer.as_mut().unwrap();
                        let (from, records) = &held[&(topic.clone(), *partition)];
                        let mut found = vec![];
                        // Four at a time.
                        while found.len() < 4 && *at < from + records.len() {
                            if let Some(record) = &records[*at - from] {
                                let mut record = record.clone();
                                record["topic"] = json!(topic);
                                record["partition"] = json!(partition);
                                record["offset"] = json!(at);
                                if self.strimzi {
                                    record["timestamp"] = json!(1_000 + *at);
                                }
                                found.push(record);
                            }
                            *at += 1;
                        }
                        if found.is_empty() {
                            self.now_ms.set(self.now_ms.get() + wait);
                        }
                        (200, json!(found))
                    }
                    _ => missing(404),
                }
            }
            _ => missing(404),
        }
    }
}

impl Http for Model {
    async fn send(&self, request: Request) -> Result<Response, String> {
        let path = request
            .url
            .strip_prefix("http://rest")
            .expect("the server's address")
            .to_owned();
        self.asked
            .borrow_mut()
            .push(format!("{} {path}", request.method.word()));
        let kept = self
            .scripted
            .borrow()
            .front()
            .is_some_and(|(word, _)| path.contains(word));
        let scripted = if kept {
            self.scripted.borrow_mut().pop_front()
        } else {
            None
        };
        let told = match scripted {
            Some((_, Some(answer))) => Some(answer),
            other => {
                if self.skips.get() > 0 && path.contains("/records") {
                    self.skips.set(self.skips.get() - 1);
                    self.answer(request.method, &path, &request.body);
                }
                let answer = self.answer(request.method, &path, &request.body);
                other.is_none().then_some(answer)
            }
        };
        let (status, body) = told.ok_or_else(|| "the connection was reset".to_owned())?;
        Ok(Response {
            status,
            header: None,
            body: body.to_string().into_bytes(),
        })
    }

    async fn sleep(&self, ms: i64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }
}
