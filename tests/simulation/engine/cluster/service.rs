//! Kinesis: shards that grow, are split and merged, and a server that has no time, whose answers are lost and whose iterators expire.
//! It is asked by the hosts' own code, in Kinesis's protocol.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use rivulet::sources::http::{Http, Request, Response};

/// Something that happens to the stream.
#[derive(Clone, Copy)]
pub enum Change {
    /// A record with this key.
    Record(u32),
    /// The open shard that has this key's records is split.
    Split(u32),
    /// Two open shards that are neighbours become one.
    Merge,
}

/// A shard: keys from one up to another.
pub struct Shard {
    pub name: String,
    pub parents: Vec<String>,
    pub keys: (u32, u32),
    pub is_open: bool,
    /// Sequence number and key.
    pub records: Vec<(u64, u32)>,
}

/// Keys are below.
pub const KEYS: u32 = 16;
/// Shards of a page of a list.
const PAGE: usize = 2;

pub struct Service {
    pub shards: Vec<Shard>,
    pub to_come: VecDeque<Change>,
    /// Probability that a request is answered by an error that passes, or not at all.
    pub trouble: f64,
    /// Probability that an iterator has expired.
    pub expiry: f64,
    /// Probability that a page is empty though records follow.
    pub emptiness: f64,
    /// The number of the last record: they have two, then three, then four digits.
    pub last: u64,
    rng: RefCell<SmallRng>,
    clock_ms: Cell<i64>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            shards: vec![],
            to_come: VecDeque::new(),
            trouble: 0.0,
            expiry: 0.0,
            emptiness: 0.0,
            last: 90,
            rng: RefCell::new(SmallRng::seed_from_u64(0)),
            clock_ms: Cell::new(0),
        }
    }
}

impl Service {
    /// A stream with this many shards.
    pub fn begin(&mut self, shards: u32, seed: u64) {
        self.rng.replace(SmallRng::seed_from_u64(seed));
        for at in 0..shards {
            self.open((at * KEYS / shards, (at + 1) * KEYS / shards), vec![]);
        }
    }

    fn open(&mut self, keys: (u32, u32), parents: Vec<String>) {
        self.last += 1;
        self.shards.push(Shard {
            name: format!("shardId-{:012}", self.shards.len()),
            parents,
            keys,
            is_open: true,
            records: vec![],
        });
    }

    fn close(&mut self, at: usize) -> String {
        self.shards[at].is_open = false;
        self.shards[at].name.clone()
    }

    /// What is next happens.
    pub fn change(&mut self) {
        let has = |shard: &Shard, key: u32| shard.is_open && (shard.keys.0..shard.keys.1).contains(&key);
        match self.to_come.pop_front() {
            Some(Change::Record(key)) => {
                self.last += 1;
                let number = self.last;
                let shard = self.shards.iter_mut().find(|shard| has(shard, key)).unwrap();
                shard.records.push((number, key));
            }
            Some(Change::Split(key)) => {
                let at = self.shards.iter().position(|shard| has(shard, key)).unwrap();
                let (from, until) = self.shards[at].keys;
                if until - from > 1 {
                    let parent = vec![self.close(at)];
                    let middle = from.midpoint(until);
                    self.open((from, middle), parent.clone());
                    self.open((middle, until), parent);
                }
            }
            Some(Change::Merge) => {
                let open = |shard: &&Shard| shard.is_open;
                let mut neighbours: Vec<(u32, usize)> = (0..self.shards.len())
                    .filter(|at| open(&&self.shards[*at]))
                    .map(|at| (self.shards[at].keys.0, at))
                    .collect();
                neighbours.sort_unstable();
                if let [(_, one), (_, other), ..] = neighbours[..] {
                    let keys = (self.shards[one].keys.0, self.shards[other].keys.1);
                    let parents = vec![self.close(one), self.close(other)];
                    self.open(keys, parents);
                }
            }
            None => {}
        }
    }

    fn chance(&self, of: f64) -> bool {
        self.rng.borrow_mut().random_bool(of)
    }

    fn shard(&self, name: &Value) -> &Shard {
        let name = name.as_str().unwrap();
        self.shards.iter().find(|shard| shard.name == name).unwrap()
    }

    fn listed(&self, body: &Value) -> Value {
        let from: usize = body["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let shards = self.shards.iter().skip(from).take(PAGE).map(|shard| {
            let last = (!shard.is_open).then(|| "9".repeat(30));
            json!({
                "ShardId": shard.name,
                "ParentShardId": shard.parents.first(),
                "AdjacentParentShardId": shard.parents.get(1),
                "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": last},
            })
        });
        let next = (from + PAGE < self.shards.len()).then(|| (from + PAGE).to_string());
        json!({"Shards": shards.collect::<Vec<_>>(), "NextToken": next})
    }

    fn iterator(&self, body: &Value) -> Value {
        let after: u64 = match body["ShardIteratorType"].as_str().unwrap() {
            "TRIM_HORIZON" => 0,
            "AFTER_SEQUENCE_NUMBER" => body["StartingSequenceNumber"].as_str().unwrap().parse().unwrap(),
            other => panic!("{other}"),
        };
        json!({"ShardIterator": format!("{}/{after}", body["ShardId"].as_str().unwrap())})
    }

    fn records(&self, body: &Value) -> Value {
        let (name, after) = body["ShardIterator"].as_str().unwrap().split_once('/').unwrap();
        let after: u64 = after.parse().unwrap();
        let shard = self.shard(&json!(name));
        let rest: Vec<&(u64, u32)> = shard.records.iter().filter(|(number, _)| *number > after).collect();
        let limit = body["Limit"].as_u64().unwrap() as usize;
        let limit = if !rest.is_empty() && self.chance(self.emptiness) {
            0
        } else {
            limit.min(1 + self.rng.borrow_mut().random_range(0..8))
        };
        let page = &rest[..limit.min(rest.len())];
        let at = page.last().map_or(after, |(number, _)| *number);
        let is_over = !shard.is_open && page.len() == rest.len();
        let record = |(number, key): &&(u64, u32)| json!({"SequenceNumber": number.to_string(), "PartitionKey": format!("k{key}"), "Data": "", "ApproximateArrivalTimestamp": 1.5});
        json!({
            "Records": page.iter().map(record).collect::<Vec<_>>(),
            "NextShardIterator": (!is_over).then(|| format!("{name}/{at}")),
            "MillisBehindLatest": (rest.len() - page.len()) * 10,
        })
    }
}

impl Http for Service {
    async fn send(&self, request: Request) -> Result<Response, String> {
        let target = request.headers.iter().find(|(name, _)| *name == "X-Amz-Target");
        let action = target.unwrap().1.strip_prefix("Kinesis_20131202.").unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let failed = |status, kind: &str| {
            let body = json!({"__type": kind, "message": "no"}).to_string().into_bytes();
            Ok(Response {
                status,
                header: None,
                body,
            })
        };
        if self.chance(self.trouble) {
            return match self.rng.borrow_mut().random_range(0..4) {
                0 => Err("connection lost".into()),
                1 => failed(500, "InternalFailure"),
                2 => failed(400, "LimitExceededException"),
                _ => failed(400, "ProvisionedThroughputExceededException"),
            };
        }
        if action == "GetRecords" && self.chance(self.expiry) {
            return failed(400, "ExpiredIteratorException");
        }
        let answer = match action {
            "ListShards" => self.listed(&body),
            "GetShardIterator" => self.iterator(&body),
            "GetRecords" => self.records(&body),
            other => panic!("{other}"),
        };
        Ok(Response {
            status: 200,
            header: None,
            body: answer.to_string().into_bytes(),
        })
    }

    async fn sleep(&self, ms: i64) {
        self.clock_ms.set(self.clock_ms.get() + ms);
    }

    fn now_ms(&self) -> i64 {
        self.clock_ms.get()
    }
}
