//! What a Kinesis source wants of its host, and what it hears: how far each shard can be read now, and the records up to there.
//!
//! Both hosts do it by the same code ([`reading`](super::reading)) over their own HTTP.

use std::collections::BTreeMap;
use std::fmt;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use super::positions::{Position, Positions};
use crate::sources::credentials::{Held, hidden};

/// Whose requests they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `kinesis.awsAccessKeyId`.
    pub access_key_id: String,
    /// `kinesis.awsSecretKey`.
    pub secret_key: String,
    /// `kinesis.awsSessionToken`, of credentials that last for a while; `None` for those that last.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Reads what a function of the page's has returned; `None` if a part is missing.
    pub fn of(held: &Held) -> Option<Self> {
        let part = |name: &str| held.values.get(name).cloned();
        Some(Self {
            access_key_id: part("accessKeyId")?,
            secret_key: part("secretAccessKey")?,
            session_token: part("sessionToken"),
        })
    }

    /// Returns a server's text without what is secret.
    pub fn hide(&self, text: String) -> String {
        let secrets = [Some(&self.secret_key), self.session_token.as_ref()];
        hidden(text, secrets.into_iter().flatten().map(String::as_str))
    }
}

impl fmt::Debug for Credentials {
    /// Names the key, and hides what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

/// A stream, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Where the server is, without a slash at the end.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Whose requests they are; `None` if the host is to know.
    pub credentials: Option<Credentials>,
    /// `kinesis.credentials`: the function of the page's that returns them; `None` if it is not set.
    #[serde(default)]
    pub function: Option<String>,
    /// How often a request is sent again that the server has no time for.
    pub tries: u32,
    /// How long to wait before the first of these, ms; twice as long before each that follows.
    pub retry_ms: i64,
    /// How long to wait at most, ms.
    pub longest_retry_ms: i64,
    /// How long to wait between two reads of a shard, ms: a shard answers five in a second.
    pub interval_ms: i64,
    /// Most records of one read.
    pub per_read: u64,
}

/// Where a new query begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Starting {
    /// With the oldest records that are there.
    Horizon,
    /// With what is written from now on; `now_ms` is when that is, ms since the epoch.
    Latest {
        /// When.
        now_ms: i64,
    },
    /// With the first records that came at a time or later, ms since the epoch.
    Time(i64),
    /// At these positions; shards without one begin as those of [`Starting::Latest`].
    Positions {
        /// Of which shards.
        positions: Positions,
        /// When a shard without one begins, ms since the epoch.
        now_ms: i64,
    },
}

/// Asks how far shards can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of which stream.
    pub stream: Stream,
    /// From where; `None` before a new query knows.
    pub from: Option<Positions>,
    /// Where a new query begins.
    pub starting: Starting,
    /// Most records of a shard.
    pub records: u64,
    /// How long a shard is read at most, ms.
    pub time_ms: i64,
    /// Whether records that are gone are an error; else those that are there are taken.
    pub strict: bool,
}

/// A shard, as the stream lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shard {
    /// The shards of which it was made, by a split or a merge.
    pub parents: Vec<String>,
    /// The sequence number with which it begins.
    pub first: Option<String>,
    /// That with which it ends; `None` while records are written to it.
    pub last: Option<String>,
}

/// The shards of a stream, by name.
pub type Shards = BTreeMap<String, Shard>;

/// How far a shard can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The sequence number of the last record; `None` if there is none.
    pub last: Option<String>,
    /// How many records there are up to there.
    pub records: u64,
    /// Whether nothing will ever follow.
    pub has_ended: bool,
    /// Whether nothing follows now.
    pub is_tip: bool,
}

/// What the host has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// From where it has looked, for each shard that is known or new.
    pub from: Positions,
    /// How far the shards can be read whose turn it is.
    pub reaches: BTreeMap<String, Reach>,
    /// Shards that are gone before they were read to their end.
    pub lost: Vec<String>,
}

impl Look {
    /// Returns whether there is anything new: records, or the end of a shard, after which its children are read.
    pub fn has_found(&self) -> bool {
        self.reaches.values().any(|reach| reach.records > 0 || reach.has_ended)
    }
}

/// Asks an executor's host for the records of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Of which stream.
    pub stream: Stream,
    /// The shard.
    pub shard: String,
    /// From where.
    pub from: Position,
    /// The sequence number of the last record; `None` for all up to the shard's end.
    pub until: Option<String>,
    /// How many records these were when the batch was planned; `None` if that is not known.
    pub records: Option<u64>,
    /// Whether it is an error if records are gone; else those that are there are taken.
    pub strict: bool,
}

/// Asks the host to write records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// To which stream.
    pub stream: Stream,
    /// The records, as Arrow streams of the columns [`rows::written`](super::rows::written).
    pub blocks: Vec<Buffer>,
}
