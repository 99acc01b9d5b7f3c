//! Kafka by its own protocol, natively: what a page has over HTTP ([`crate::sources::kafka::bridge`]), from the
//! gateway, which is made of the same code.

mod murmur2;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow::buffer::Buffer;
use rskafka::BackoffConfig;
use rskafka::chrono::{DateTime, Utc};
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record as Produced, RecordAndOffset};
use tokio::sync::{Mutex, OnceCell};

use crate::error::Result;
use crate::sources::kafka::bridge::too_much;
use crate::sources::kafka::exchange::{Order, Question, Span, Spans, Topics, Writing};
use crate::sources::kafka::rows::{self, Record};
use crate::sources::kafka::settings::whole_pattern;
use crate::sources::kafka::{data_loss, unanswered};
use crate::sources::systems::Refused;

/// How long brokers that do not answer are asked again within one request.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes that brokers are asked for at once.
const FETCH_BYTES: i32 = 8 << 20;
/// Bytes of a block of rows, about.
const BLOCK_BYTES: usize = 8 << 20;
/// Most bytes that one task reads.
const MOST_BYTES: usize = 1 << 30;
/// How long a fetch waits for records, ms.
const WAIT_MS: i32 = 500;

/// Why brokers do not do what they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// They cannot be reached, or are busy.
    Away(String),
    /// The topic or partition does not exist.
    Unknown(String),
    /// The records at an offset are gone; the first that are there have this offset.
    Gone {
        /// The first offset.
        earliest: i64,
        /// The offset after the last.
        latest: i64,
    },
    /// Something else.
    Other(String),
}

impl Trouble {
    /// Returns what is wrong, as a sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Away(why) | Self::Unknown(why) | Self::Other(why) => why.clone(),
            Self::Gone { earliest, latest } => format!("offsets {earliest} to {latest} are there"),
        }
    }
}

/// Clients of the clusters that are in use, each of which holds its connections.
#[derive(Default)]
pub struct Brokers {
    /// Clients by the servers that were named, once these have answered: whoever waits for some servers does not wait for others.
    clients: Mutex<HashMap<String, Arc<OnceCell<Arc<Client>>>>>,
    /// Clients of partitions, by servers, topic and number.
    partitions: Mutex<HashMap<(String, String, i32), Arc<PartitionClient>>>,
    /// Counts blocks: records that belong nowhere take partitions in turn.
    turn: AtomicUsize,
}

/// Returns the process's clients.
pub fn brokers() -> &'static Brokers {
    static BROKERS: OnceLock<Brokers> = OnceLock::new();
    BROKERS.get_or_init(Brokers::default)
}

/// Returns what went wrong; `what` says with what.
fn trouble(error: &Error, what: &str) -> Trouble {
    match error {
        Error::ServerError { protocol_error, .. } => match protocol_error {
            ProtocolError::UnknownTopicOrPartition | ProtocolError::InvalidTopicException => {
                Trouble::Unknown(format!("This server does not host this topic-partition: {what}."))
            }
            other => Trouble::Other(format!("Kafka refuses {what}: {other}.")),
        },
        Error::Connection(why) => Trouble::Away(format!("Kafka's brokers cannot be reached for {what}: {why}.")),
        Error::Request(why) => Trouble::Away(format!("Kafka's brokers broke off at {what}: {why}.")),
        Error::RetryFailed(why) => Trouble::Away(format!("Kafka's brokers do not answer {what}: {why}.")),
        other => Trouble::Other(format!("Kafka's answer to {what} cannot be used: {other}.")),
    }
}

/// Connects to a cluster.
async fn connected(servers: &str) -> std::result::Result<Arc<Client>, Trouble> {
    let named = servers.split(',').map(|server| server.trim().to_owned()).collect();
    let backoff = BackoffConfig {
        max_backoff: Duration::from_secs(1),
        deadline: Some(DEADLINE),
        ..BackoffConfig::default()
    };
    let made = ClientBuilder::new(named).backoff_config(backoff).build();
    match tokio::time::timeout(2 * DEADLINE, made).await {
        Ok(made) => made.map(Arc::new).map_err(|e| trouble(&e, servers)),
        Err(_) => Err(Trouble::Away(format!("Kafka's brokers at {servers} do not answer."))),
    }
}

impl Brokers {
    /// Returns the client of a cluster.
    async fn client(&self, servers: &str) -> std::result::Result<Arc<Client>, Trouble> {
        if servers.is_empty() {
            return Err(Trouble::Other(
                "The option kafka.bootstrap.servers must name the brokers.".into(),
            ));
        }
        let cell = self.clients.lock().await.entry(servers.to_owned()).or_default().clone();
        cell.get_or_try_init(|| connected(servers)).await.cloned()
    }

    /// Forgets the connections to a cluster, which may be of brokers that are gone.
    async fn forget(&self, servers: &str) {
        self.clients.lock().await.remove(servers);
        self.partitions.lock().await.retain(|(of, ..), _| of != servers);
    }

    /// Returns the client of a partition.
    async fn partition(
        &self,
        servers: &str,
        topic: &str,
        partition: i32,
    ) -> std::result::Result<Arc<PartitionClient>, Trouble> {
        let key = (servers.to_owned(), topic.to_owned(), partition);
        if let Some(client) = self.partitions.lock().await.get(&key) {
            return Ok(client.clone());
        }
        let client = self.client(servers).await?;
        let made = client
            .partition_client(topic, partition, UnknownTopicHandling::Error)
            .await
            .map_err(|e| trouble(&e, &format!("{topic}-{partition}")))?;
        let made = Arc::new(made);
        self.partitions.lock().await.insert(key, made.clone());
        Ok(made)
    }

    /// Returns the partitions that are asked for: of topics that exist, or those that are named.
    async fn named(&self, servers: &str, topics: &Topics) -> std::result::Result<Vec<(String, i32)>, Trouble> {
        let client = self.client(servers).await?;
        let known = client
            .list_topics()
            .await
            .map_err(|e| trouble(&e, "the list of topics"))?;
        let known: BTreeMap<String, Vec<i32>> = known
            .into_iter()
            .map(|topic| (topic.name, topic.partitions.into_iter().collect()))
            .collect();
        let all = |names: Vec<String>| {
            let each = names.into_iter().map(|name| {
                let unknown = || Trouble::Unknown(format!("This server does not host this topic-partition: {name}."));
                let partitions = known.get(&name).ok_or_else(unknown)?;
                Ok(partitions.iter().map(|p| (name.clone(), *p)).collect::<Vec<_>>())
            });
            Ok(each.collect::<std::result::Result<Vec<_>, _>>()?.concat())
        };
        match topics {
            Topics::Names(names) => all(names.clone()),
            Topics::Pattern(pattern) => {
                let pattern = whole_pattern(pattern).map_err(Trouble::Other)?;
                all(known.keys().filter(|name| pattern.is_match(name)).cloned().collect())
            }
            Topics::Partitions(partitions) => Ok(partitions.clone()),
        }
    }

    /// Returns what the partitions hold that are asked for.
    ///
    /// # Errors
    /// If brokers cannot be reached, or a topic is not there.
    pub async fn spans(&self, question: &Question) -> std::result::Result<Spans, Trouble> {
        let servers = question.cluster.servers.as_str();
        let found = self.spans_of(servers, question).await;
        if matches!(found, Err(Trouble::Away(_))) {
            self.forget(servers).await;
        }
        found
    }

    async fn spans_of(&self, servers: &str, question: &Question) -> std::result::Result<Spans, Trouble> {
        let named = self.named(servers, &question.topics).await?;
        let each = named.into_iter().map(|(topic, number)| async move {
            let client = self.partition(servers, &topic, number).await?;
            let what = format!("the offsets of {topic}-{number}");
            let at = |at: OffsetAt| {
                let (client, what) = (client.clone(), what.clone());
                async move { client.get_offset(at).await.map_err(|e| trouble(&e, &what)) }
            };
            let partition = (topic, number);
            let (earliest, latest) = futures::try_join!(at(OffsetAt::Earliest), at(OffsetAt::Latest))?;
            let at_time = match question.times.of(&partition).and_then(DateTime::from_timestamp_millis) {
                Some(time) => Some(at(OffsetAt::Timestamp(time)).await?).filter(|offset| *offset >= 0),
                None => None,
            };
            let latest = end_of(&client, latest.max(earliest))
                .await
                .map_err(|e| trouble(&e, &what))?;
            Ok((
                partition,
                Span {
                    earliest,
                    latest,
                    at_time,
                },
            ))
        });
        futures::future::try_join_all(each)
            .await
            .map(|spans| spans.into_iter().collect())
    }

    /// Answers a source's question.
    ///
    /// # Errors
    /// If brokers cannot be reached, or a topic is not there.
    pub async fn answer(&self, question: &Question) -> std::result::Result<Spans, Refused> {
        self.spans(question).await.map_err(|trouble| {
            let is_away = matches!(trouble, Trouble::Away(_));
            Refused::new(trouble.message(), is_away)
        })
    }

    /// Reads records of a partition from one offset up to another, about `max_bytes` at most and one at least, and returns where to go on;
    /// nothing, if there is none within the time.
    ///
    /// What Kafka keeps for itself, such as the marks of transactions, has offsets too: they are passed over.
    ///
    /// # Errors
    /// If the records are gone, or brokers cannot be reached.
    pub async fn records(
        &self,
        servers: &str,
        (topic, partition): (&str, i32),
        (from, until): (i64, i64),
        max_bytes: usize,
        wait: Duration,
    ) -> std::result::Result<(Vec<Record>, i64), Trouble> {
        let client = self.partition(servers, topic, partition).await?;
        let what = format!("{topic}-{partition} at offset {from}");
        let (mut at, mut bytes, mut waited) = (from, 0, Duration::ZERO);
        let mut records = Vec::new();
        while at < until && bytes < max_bytes {
            let wanted = FETCH_BYTES
                .min(i32::try_from(max_bytes - bytes).unwrap_or(i32::MAX))
                .max(1);
            let fetched = client.fetch_records(at, 1..wanted, WAIT_MS).await;
            let (fetched, high) = match fetched {
                Ok(fetched) => fetched,
                Err(Error::ServerError {
                    protocol_error: ProtocolError::OffsetOutOfRange,
                    ..
                }) => {
                    let offset = |at| {
                        let (client, what) = (client.clone(), what.clone());
                        async move { client.get_offset(at).await.map_err(|e| trouble(&e, &what)) }
                    };
                    let (earliest, latest) = futures::try_join!(offset(OffsetAt::Earliest), offset(OffsetAt::Latest))?;
                    return Err(Trouble::Gone { earliest, latest });
                }
                Err(error) => {
                    let trouble = trouble(&error, &what);
                    if matches!(trouble, Trouble::Away(_)) {
                        self.forget(servers).await;
                    }
                    return Err(trouble);
                }
            };
            let before = at;
            for RecordAndOffset { record, offset } in fetched {
                if offset >= until {
                    at = until;
                    break;
                }
                if offset < at {
                    continue;
                }
                bytes += record.approximate_size() + 64;
                records.push(Record {
                    offset,
                    key: record.key,
                    value: record.value,
                    timestamp_ms: Some(record.timestamp.timestamp_millis()),
                    headers: record
                        .headers
                        .into_iter()
                        .map(|(key, value)| (key, Some(value)))
                        .collect(),
                });
                at = offset + 1;
            }
            if at == before {
                if high > at {
                    // Only what Kafka keeps for itself is here.
                    at += 1;
                } else {
                    waited += Duration::from_millis(WAIT_MS.unsigned_abs().into());
                    if !records.is_empty() || waited >= wait {
                        break;
                    }
                }
            }
        }
        Ok((records, at))
    }

    /// Writes records: a block of the columns [`rows::written`]. Those without a partition go where their key says, as with Kafka's own
    /// client, and without a key into one partition block by block.
    ///
    /// # Errors
    /// If brokers cannot be reached, or a topic or partition is not there; part of the records may be written then.
    pub async fn write(&self, servers: &str, block: &Buffer) -> std::result::Result<(), Trouble> {
        let records = self.dealt(servers, block).await;
        let written = match records {
            Ok(records) => {
                futures::future::try_join_all(records.into_iter().map(|((topic, partition), records)| async move {
                    let client = self.partition(servers, &topic, partition).await?;
                    let what = format!("records for {topic}-{partition}");
                    let produced = client.produce(records, Compression::NoCompression).await;
                    produced.map(|_| ()).map_err(|e| trouble(&e, &what))
                }))
                .await
                .map(|_| ())
            }
            Err(trouble) => Err(trouble),
        };
        if matches!(written, Err(Trouble::Away(_))) {
            self.forget(servers).await;
        }
        written
    }

    /// Writes all blocks. One that failed as brokers were away is written again, and may then be there twice.
    ///
    /// # Errors
    /// As [`Brokers::write`], after brokers were away for long.
    pub async fn write_all(&self, writing: &Writing) -> std::result::Result<(), Refused> {
        for block in &writing.blocks {
            let mut waited = Duration::ZERO;
            while let Err(trouble) = self.write(&writing.cluster.servers, block).await {
                if !matches!(trouble, Trouble::Away(_)) || waited >= WRITE.0 {
                    return Err(Refused::for_good(trouble.message()));
                }
                waited += WRITE.1;
                tokio::time::sleep(WRITE.1).await;
            }
        }
        Ok(())
    }

    /// Deals records out over partitions.
    async fn dealt(
        &self,
        servers: &str,
        block: &Buffer,
    ) -> std::result::Result<BTreeMap<(String, i32), Vec<Produced>>, Trouble> {
        let records = rows::records(block).map_err(|e| Trouble::Other(e.message))?;
        let client = self.client(servers).await?;
        let topics = client
            .list_topics()
            .await
            .map_err(|e| trouble(&e, "the list of topics"))?;
        let counts: BTreeMap<String, usize> = topics.into_iter().map(|t| (t.name, t.partitions.len())).collect();
        let turn = self.turn.fetch_add(1, Relaxed);
        let mut dealt: BTreeMap<(String, i32), Vec<Produced>> = BTreeMap::new();
        for (topic, partition, record) in records {
            let unknown = || Trouble::Unknown(format!("This server does not host this topic-partition: {topic}."));
            let count = *counts.get(&topic).filter(|count| **count > 0).ok_or_else(unknown)?;
            let partition = match (partition, &record.key) {
                (Some(partition), _) => partition,
                (None, Some(key)) => murmur2::partition(key, count),
                (None, None) => (turn % count) as i32,
            };
            if usize::try_from(partition).map_or(true, |partition| partition >= count) {
                let message =
                    format!("Topic {topic} has {count} partitions, and a record is for partition {partition}.");
                return Err(Trouble::Other(message));
            }
            dealt.entry((topic, partition)).or_default().push(Produced {
                key: record.key,
                value: record.value,
                headers: record
                    .headers
                    .into_iter()
                    .map(|(key, value)| (key, value.unwrap_or_default()))
                    .collect(),
                timestamp: now(),
            });
        }
        Ok(dealt)
    }

    /// Carries out an order: blocks of rows.
    ///
    /// # Errors
    /// `KAFKA_DATA_LOSS` if records are gone and that is an error; `RIVULET_KAFKA_UNANSWERED` if brokers refuse, or have no records
    /// within the order's time.
    pub async fn pull(&self, order: &Order) -> Result<Vec<Buffer>> {
        let wait = Duration::from_millis(u64::try_from(order.timeout_ms).unwrap_or(0));
        let place = (order.topic.as_str(), order.partition);
        let (mut at, mut bytes) = (order.from, 0);
        let mut blocks = Vec::new();
        while at < order.until {
            let read = self
                .records(&order.cluster.servers, place, (at, order.until), BLOCK_BYTES, wait)
                .await;
            let (records, next) = match read {
                Ok((_, next)) if next == at => {
                    return Err(unanswered(&format!(
                        "{}-{} has no record at offset {at}.",
                        order.topic, order.partition
                    )));
                }
                Ok(read) => read,
                Err(Trouble::Gone { earliest, .. }) if !order.strict && earliest > at => {
                    at = earliest;
                    continue;
                }
                Err(gone @ Trouble::Gone { .. }) => {
                    let reason = format!(
                        "Could not read records in offset [{at}, {}) for topic partition {}-{}: {}.",
                        order.until,
                        order.topic,
                        order.partition,
                        gone.message()
                    );
                    return Err(data_loss("COULD_NOT_READ_OFFSET_RANGE", &reason));
                }
                Err(trouble) => return Err(unanswered(&trouble.message())),
            };
            if !records.is_empty() {
                let block = rows::block(&order.topic, order.partition, &records, order.headers)?;
                bytes += block.len();
                blocks.push(Buffer::from(block));
            }
            if bytes > MOST_BYTES {
                return Err(too_much(order));
            }
            at = next;
        }
        Ok(blocks)
    }
}

/// Returns the offset after a partition's last record. What brokers list is not enough: some (tansu 0.6) list the second offset of the
/// last batch, but all say with each fetch how far they have come. They are given longer if they do not within a millisecond.
async fn end_of(client: &PartitionClient, listed: i64) -> std::result::Result<i64, Error> {
    let mut waits_ms = [1, 20, 500].into_iter();
    loop {
        let wait_ms = waits_ms.next();
        match client.fetch_records(listed, 1..2, wait_ms.unwrap_or(WAIT_MS)).await {
            Ok((_, end)) => return Ok(end.max(listed)),
            Err(Error::ServerError {
                protocol_error: ProtocolError::OffsetOutOfRange,
                ..
            }) => return Ok(listed),
            Err(Error::InvalidResponse(_)) if wait_ms.is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns the time: records are stamped when they are written.
#[allow(clippy::disallowed_methods)] // A native host's own.
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// How long records are written again to brokers that are away, and the pause between (`delivery.timeout.ms` of Kafka's producer).
const WRITE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_millis(250));
