//! Flume's events, pushed by agents or polled from Spark's sink in them, as Spark's `FlumeUtils` had them until Spark 3 removed it. All of
//! it goes through Rivulet's gateway ([`exchange`]), which keeps an agent's transaction open until its events are safe here.
//!
//! A block is a delivery: some transactions under one id of the gateway's. An offset is the number of deliveries and the id of the last
//! one. One delivery is under way at a time; it is acknowledged once the write-ahead log has it, or, without a checkpoint, the queue. A
//! delivery that comes again, since its acknowledgement was lost, is known by its id, after a restart too, and not taken twice.
//!
//! ```text
//!  begin ─▶ Asking ─ delivery ─▶ Storing ─ durable ─▶ Asking, with its ack ─▶ …
//!             ▲ │ nothing │                  └ too much waits ─▶ Asking for nothing, with its ack ─▶ Held ─ room ─▶ Asking
//!             └─┴─────────┘ the gateway is away, or forgot the lease ─▶ Waiting
//! ```

pub mod avro;
pub mod bridge;
pub mod event;
pub mod exchange;
pub mod options;
pub mod rows;

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use self::exchange::{Answer, Found, From, Question, Wanted};
use self::options::Settings;
use super::queue::{Queue, QueueSource};
use super::retry::Retry;
use super::systems::{self, Refused};
use super::{Ask, Definition, Event, Guarantee, Heard, Records, Source, StreamSpec};
use crate::error::{Exception, Fault, Result, SparkError};

/// How long the gateway waits for an event before it answers that there is none, ms.
const WAIT_MS: i64 = 10_000;
/// How long to wait before the next question after an answer that took nothing, ms: a gateway that waits has waited longer.
const PAUSE_MS: i64 = 100;
/// About how many bytes a delivery has at most.
const DELIVERY_BYTES: usize = 4 << 20;
/// Bytes of deliveries that become one block of rows, about.
const ROWS_BYTES: usize = 4 << 20;

/// Flume's events.
pub const FLUME: Definition = Definition {
    name: "flume",
    about: "Has the events that Flume's agents send, or that are polled from them: headers, a map of strings, and body, bytes.",
    options: options::ALL,
    records: Records::Columns(|_| rows::columns()),
    offset: "the number of deliveries, and the id of the last one",
    guarantee: Guarantee::Logged,
    orders: false,
    passes: None,
    check: |spec| Settings::of(&spec.options, spec.path.as_deref()).map(|_| ()),
    open,
    recall: Queue::recall,
    table: None,
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    Ok(Box::new(Flume {
        settings: Settings::of(&spec.options, spec.path.as_deref())?,
        lease: None,
        last: None,
        ack: None,
        state: State::Idle,
        number: 0,
        asked_ms: 0,
        retry: Retry::default(),
        queue: Queue::of(&spec.options),
    }))
}

/// What the source waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing: the query does not run yet.
    Idle,
    /// The gateway's answer; `for_more` if it may bring a delivery.
    Asking { for_more: bool },
    /// The write-ahead log.
    Storing,
    /// Room in the queue.
    Held,
    /// The time of the next question, ms since the epoch.
    Pausing(i64),
    /// The time of the next question after a failure, which `retry` knows.
    Away,
}

/// The events of one channel, or of some sinks.
#[derive(Debug)]
struct Flume {
    /// Its options.
    settings: Settings,
    /// What makes this source the reader; `None` before the gateway's first answer.
    lease: Option<String>,
    /// The id of the last delivery that was taken; `None` before the first.
    last: Option<String>,
    /// The delivery that is to be acknowledged with the next question.
    ack: Option<String>,
    /// What it waits for.
    state: State,
    /// The number of the last question.
    number: u64,
    /// When it was asked, ms since the epoch.
    asked_ms: i64,
    /// When to ask a gateway again that was away.
    retry: Retry,
    /// Deliveries that no batch has taken.
    queue: Queue,
}

impl Flume {
    /// Asks for the next delivery if there is room for it after `more` bytes that come, and acknowledges the last one.
    fn ask(&mut self, more: usize, now_ms: i64) -> Vec<Ask> {
        let for_more = !self.queue.must_hold(more);
        self.state = State::Asking { for_more };
        self.number += 1;
        self.asked_ms = now_ms;
        vec![self.question(if for_more { self.settings.max_events } else { 0 }, false)]
    }

    /// Returns a question for so many events.
    fn question(&self, max_events: usize, leaves: bool) -> Ask {
        Ask::System(Box::new(systems::Question::Flume(Question {
            number: self.number,
            url: self.settings.url.clone(),
            token: self.settings.token.clone(),
            wanted: Wanted {
                from: self.settings.from.clone(),
                lease: self.lease.clone(),
                ack: self.ack.clone(),
                max_events,
                max_bytes: DELIVERY_BYTES,
                wait_ms: WAIT_MS,
                leaves,
            },
        })))
    }

    /// Takes in an answer; returns the delivery that is new, and what to ask.
    fn answered(&mut self, answer: Answer, for_more: bool, now_ms: i64) -> Heard {
        let mut heard = Heard::default();
        let Found::Lease(lease, delivery) = answer.found else {
            self.lease = None;
            self.fail(now_ms);
            return heard;
        };
        self.lease = Some(lease);
        // What was acknowledged with the question has arrived.
        self.ack = None;
        self.retry.succeeded();
        let Some(block) = delivery else {
            if for_more {
                self.pause(&mut heard, now_ms);
            } else {
                self.state = State::Held;
            }
            return heard;
        };
        let id = event::id_of(&block).map(str::to_owned);
        if id == self.last {
            self.ack = id;
            self.pause(&mut heard, now_ms);
            return heard;
        }
        self.last = id;
        self.state = State::Storing;
        if self.queue.durable().is_none() {
            self.ack.clone_from(&self.last);
            heard.asks = self.ask(block.len(), now_ms);
        }
        heard.blocks.push(block);
        heard
    }

    /// Asks again, but not at once after an answer that came too soon.
    fn pause(&mut self, heard: &mut Heard, now_ms: i64) {
        let next_ms = self.asked_ms + PAUSE_MS;
        if next_ms <= now_ms {
            heard.asks = self.ask(0, now_ms);
        } else {
            self.state = State::Pausing(next_ms);
        }
    }

    /// Takes note that there was no answer.
    fn fail(&mut self, now_ms: i64) {
        self.retry.failed(now_ms);
        self.state = State::Away;
    }
}

impl QueueSource for Flume {
    fn name(&self) -> String {
        match &self.settings.from {
            From::Push { port } => format!("flume[{}, port {port}]", self.settings.url),
            From::Pull { addresses, .. } => format!("flume[{}, {}]", self.settings.url, addresses.join(", ")),
        }
    }

    fn waiting(&self) -> &Queue {
        &self.queue
    }

    fn waiting_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }

    fn offset(&self, blocks: i64) -> Value {
        let last = self.queue.block(blocks - 1).and_then(|block| event::id_of(block));
        json!({ "blocks": blocks, "delivery": last })
    }

    fn resume(&mut self, start: &Value) {
        let last = self.queue.last().and_then(|block| event::id_of(block));
        self.last = last.or(start["delivery"].as_str()).map(str::to_owned);
    }

    fn records(&self, blocks: Vec<Buffer>) -> Result<Vec<Buffer>> {
        let (mut rows, mut events, mut bytes) = (vec![], vec![], 0);
        for block in blocks {
            let (_, more) = event::read_delivery(&block).map_err(|why| damaged(&why.to_string()))?;
            events.extend(more);
            bytes += block.len();
            if bytes >= ROWS_BYTES {
                rows.push(Buffer::from(rows::block(&std::mem::take(&mut events))?));
                bytes = 0;
            }
        }
        if !events.is_empty() {
            rows.push(Buffer::from(rows::block(&events)?));
        }
        Ok(rows)
    }

    fn begin(&mut self, now_ms: i64) -> Vec<Ask> {
        // The log has it, whether or not the gateway heard so.
        self.ack.clone_from(&self.last);
        self.ask(0, now_ms)
    }

    fn hear(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        let (Event::Answered(answer), State::Asking { for_more }) = (event, self.state) else {
            return Ok(Heard::default());
        };
        match *answer {
            Ok(systems::Found::Flume(answer)) if answer.number == self.number => {
                Ok(self.answered(answer, for_more, now_ms))
            }
            Ok(_) => Ok(Heard::default()),
            Err(Refused { is_away: true, .. }) => {
                self.fail(now_ms);
                Ok(Heard::default())
            }
            Err(refused) => Err(unanswered(&refused.message)),
        }
    }

    fn acknowledge(&mut self, _: i64) -> Vec<Ask> {
        if self.state != State::Storing || self.queue.receives() {
            return vec![];
        }
        self.ack.clone_from(&self.last);
        self.ask(0, self.asked_ms)
    }

    fn due_at(&self) -> Option<i64> {
        match self.state {
            State::Pausing(at_ms) => Some(at_ms),
            State::Away => self.retry.at_ms(),
            State::Held if self.queue.has_room() => Some(i64::MIN),
            _ => None,
        }
    }

    fn due(&mut self, now_ms: i64) -> Vec<Ask> {
        let is_due = match self.state {
            State::Pausing(at_ms) => at_ms <= now_ms,
            State::Away => self.retry.is_due(now_ms),
            State::Held => self.queue.has_room(),
            _ => false,
        };
        if is_due { self.ask(0, now_ms) } else { vec![] }
    }

    fn goodbye(&mut self) -> Vec<Ask> {
        if self.lease.is_none() {
            return vec![];
        }
        if !self.queue.receives() {
            self.ack.clone_from(&self.last);
        }
        self.number += 1;
        vec![self.question(0, true)]
    }
}

/// Makes the error of a gateway that refuses. Another try may be answered.
fn unanswered(message: &str) -> SparkError {
    SparkError::new(Exception::Connect, "RIVULET_FLUME_UNANSWERED", "58030", message).by(Fault::Engine)
}

/// Makes the error of a delivery in the write-ahead log that is not one.
fn damaged(why: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "CORRUPT_BLOCK",
        "XX001",
        format!("A delivery of Flume's events is damaged: {why}."),
    )
}

#[cfg(test)]
mod tests;
