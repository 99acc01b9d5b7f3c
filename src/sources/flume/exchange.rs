//! What a Flume source wants of the gateway, and what it hears.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /flume/events` | [`Wanted`] as JSON | lease: string, then 0, or 1 and a delivery ([`event`](super::event)), as Avro |
//! | the same with `Accept: application/json` | the same | [`Told`] as JSON, bodies in base64 |
//!
//! One delivery is under way at a time. It comes again, the same under the same id, until it is acknowledged: by that a reader knows one
//! that it has. What is wrong is answered as `{"message"}`: 400 for what cannot be asked, 401 without the token, 403 for a sink that the
//! gateway may not read, 404 for a channel that it does not have, 409 when another reader has come, 410 when the gateway is another than
//! the one that gave the lease.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

/// Where events are asked for.
pub const EVENTS_PATH: &str = "/flume/events";
/// Where an agent sends events over HTTP: the number of the channel follows.
pub const AGENT_PATH: &str = "/flume/http/{channel}";
/// The type of an answer.
pub const AVRO: &str = "avro/binary";

/// Where events come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "mode")]
pub enum From {
    /// Agents send them to the gateway, into the channel of this number.
    Push {
        /// The channel.
        port: u16,
    },
    /// The gateway polls Spark's sink in agents.
    Pull {
        /// The sinks, `host:port`.
        addresses: Vec<String>,
        /// Most events of one poll.
        batch: usize,
        /// How many polls there are at once.
        parallelism: usize,
    },
}

/// Asks for events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Where from.
    #[serde(flatten)]
    pub from: From,
    /// What the gateway gave this reader; `None` makes it the reader in place of any other.
    #[serde(default)]
    pub lease: Option<String>,
    /// The delivery that this reader has for good.
    #[serde(default)]
    pub ack: Option<String>,
    /// Most events; 0 wants none, and is answered at once.
    pub max_events: usize,
    /// About how many bytes are wanted at most; one transaction in any case.
    pub max_bytes: usize,
    /// How long to wait for the first event, ms.
    pub wait_ms: i64,
    /// Whether the reader goes: what was not delivered is sent back at once, and what was, once the agents wait no longer.
    #[serde(default)]
    pub leaves: bool,
}

/// The answer in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// As the next request must say it.
    pub lease: String,
    /// What was delivered.
    pub delivery: Option<ToldDelivery>,
}

/// A delivery in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDelivery {
    /// Its id.
    pub id: String,
    /// Its events.
    pub events: Vec<ToldEvent>,
}

/// An event in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldEvent {
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, in base64.
    pub body: String,
}

/// Asks for the next delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Tells its answer from that of an earlier one.
    pub number: u64,
    /// Where the gateway is, without a slash at the end.
    pub url: String,
    /// What requests are authorized with.
    pub token: Option<String>,
    /// What is asked.
    pub wanted: Wanted,
}

/// What the gateway has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The number of the question.
    pub number: u64,
    /// What there is.
    pub found: Found,
}

/// What the gateway has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Perhaps a delivery, and the lease that goes on with it.
    Lease(String, Option<Buffer>),
    /// The gateway does not know the lease, since it was started again: the reader begins anew.
    Forgotten,
}
