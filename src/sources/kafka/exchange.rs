//! What a Kafka source wants of its host, and what it hears: which offsets there are, and the records between two of them.
//!
//! How a host does it is its own: natively by Kafka's protocol, in a page over HTTP ([`bridge`](super::bridge)). Both return the
//! same [`Spans`] and the same blocks ([`rows`](super::rows)).

use std::collections::BTreeMap;

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::positions::TopicPartition;

/// Where the brokers are, and what requests to them carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cluster {
    /// `kafka.bootstrap.servers`: `host:port`, with commas.
    pub servers: String,
    /// `kafka.bridge.url`: the HTTP server in front of them; `None` if it is not set.
    pub bridge: Option<String>,
    /// `kafka.bridge.token`: what requests to it are authorized with; `None` sends nothing.
    pub token: Option<String>,
    /// `kafka.bridge.credentials`: the function of the page's that returns headers of requests to it; `None` if it is not set.
    #[serde(default)]
    pub credentials: Option<String>,
    /// `kafka.bridge.dialect`: what that server speaks.
    #[serde(default)]
    pub dialect: Dialect,
}

/// Which partitions are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Topics {
    /// All of these topics (`subscribe`).
    Names(Vec<String>),
    /// All of the topics whose whole name matches (`subscribePattern`).
    Pattern(String),
    /// These (`assign`).
    Partitions(Vec<TopicPartition>),
}

/// Asks for the offsets of partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Of which cluster.
    pub cluster: Cluster,
    /// Of which partitions.
    pub topics: Topics,
    /// Asks for the first record at or after a time, too, ms since the epoch: of all partitions, or of some.
    pub times: Times,
}

/// Times whose offsets are asked for, ms since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Times {
    /// None.
    #[default]
    None,
    /// One for all partitions.
    All(i64),
    /// One for each partition.
    Each(BTreeMap<String, BTreeMap<i32, i64>>),
}

impl Times {
    /// Returns the time that is asked for of a partition.
    pub fn of(&self, (topic, partition): &TopicPartition) -> Option<i64> {
        match self {
            Self::None => None,
            Self::All(at) => Some(*at),
            Self::Each(of) => of.get(topic)?.get(partition).copied(),
        }
    }
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The offset of the first record that is still there.
    pub earliest: i64,
    /// The offset of the next record that will be written.
    pub latest: i64,
    /// The offset of the first record at or after the time that was asked for; `None` if no time was asked for, or all records are earlier.
    #[serde(default)]
    pub at_time: Option<i64>,
}

/// What each partition that exists holds.
pub type Spans = BTreeMap<TopicPartition, Span>;

/// Asks an executor's host for the records of a partition from one offset up to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Of which cluster.
    pub cluster: Cluster,
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// The first offset.
    pub from: i64,
    /// The offset after the last.
    pub until: i64,
    /// Whether headers are wanted.
    pub headers: bool,
    /// Whether it is an error if records between the offsets are gone; else those that are there are taken.
    pub strict: bool,
    /// How long to wait for records that exist, ms.
    pub timeout_ms: i64,
}

/// Asks the host to write records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// To which cluster.
    pub cluster: Cluster,
    /// The records, as Arrow streams of the columns [`rows::written`](super::rows::written).
    pub blocks: Vec<Buffer>,
}

impl Order {
    /// Returns the partition.
    pub fn topic_partition(&self) -> TopicPartition {
        (self.topic.clone(), self.partition)
    }
}
