//! Options of Kafka's streams and tables by Spark's names, declared (`KafkaSourceProvider`).

use super::dialect;
use crate::sources::options::{Kind, Opt};

/// The brokers.
pub const SERVERS: Opt = Opt::new(
    "kafka.bootstrap.servers",
    Kind::Text,
    Some("none: then kafka.bridge.url must be set"),
    "Names the brokers, host:port with commas; where there is no TCP, as in a page, kafka.bridge.url is used.",
);
/// The HTTP server in front of them.
pub const BRIDGE: Opt = Opt::new(
    "kafka.bridge.url",
    Kind::Url(&["http://", "https://"]),
    Some("none"),
    "Names an HTTP server in front of the brokers, such as Rivulet's gateway, through which a page reads them.",
);
/// What requests to it are authorized with.
pub const TOKEN: Opt = Opt::new(
    "kafka.bridge.token",
    Kind::Text,
    Some("none"),
    "Is sent to the HTTP server in front of the brokers as a bearer token, or as it is if it names its scheme (Basic …).",
);
/// What requests to it are authorized with, by a function of the page's.
pub const CREDENTIALS: Opt = Opt::new(
    "kafka.bridge.credentials",
    Kind::Text,
    Some("none"),
    "Names a function of the page (spark.credentials.register) that returns headers of requests to the HTTP server, and is called again \
     when they expire or are refused; in place of kafka.bridge.token.",
);
/// What it speaks.
pub const DIALECT: Opt = Opt::new(
    "kafka.bridge.dialect",
    Kind::Word(dialect::NAMES),
    Some("auto"),
    "Says which kind of server it is: Rivulet's gateway, Confluent's REST Proxy (its API's version 2), or Strimzi's Kafka Bridge; \
     otherwise the server is asked.",
);
/// Topics by name.
pub const SUBSCRIBE: Opt = Opt::new(
    "subscribe",
    Kind::Text,
    Some("none; one of subscribe, subscribePattern and assign must be set"),
    "Names the topics that are read, with commas.",
);
/// Topics by a pattern.
pub const PATTERN: Opt = Opt::new(
    "subscribePattern",
    Kind::Text,
    Some("none"),
    "Is a pattern that the whole names of the topics match which are read.",
);
/// Partitions.
pub const ASSIGN: Opt = Opt::new(
    "assign",
    Kind::Text,
    Some("none"),
    "Names the partitions that are read, as JSON: {\"topic\":[0,1]}.",
);
/// Where a new query begins.
pub const STARTING_OFFSETS: Opt = Opt::new(
    "startingOffsets",
    Kind::Text,
    Some("latest; earliest for tables"),
    "Says where to begin: earliest, latest, or an offset for each partition as JSON, where -2 is the earliest and -1 the latest.",
);
/// Where a table ends.
pub const ENDING_OFFSETS: Opt = Opt::new(
    "endingOffsets",
    Kind::Text,
    Some("latest"),
    "Says where a table ends: latest, or an offset for each partition as JSON, where -1 is the latest.",
);
/// The time at which a table ends.
pub const ENDING_TIMESTAMP: Opt = Opt::new(
    "endingTimestamp",
    Kind::Text,
    Some("none"),
    "Ends a table before the first records at or after a time, ms since the epoch.",
);
/// The same for each partition.
pub const ENDING_OFFSETS_BY_TIMESTAMP: Opt = Opt::new(
    "endingOffsetsByTimestamp",
    Kind::Text,
    Some("none"),
    "Ends each partition of a table before the first record at or after its time, as JSON.",
);
/// The time at which a new query begins.
pub const STARTING_TIMESTAMP: Opt = Opt::new(
    "startingTimestamp",
    Kind::Text,
    Some("none"),
    "Begins with the first records at or after a time, ms since the epoch.",
);
/// The same for each partition.
pub const STARTING_OFFSETS_BY_TIMESTAMP: Opt = Opt::new(
    "startingOffsetsByTimestamp",
    Kind::Text,
    Some("none"),
    "Begins each partition with the first record at or after its time, as JSON.",
);
/// What if there is no record at or after the time.
pub const TIMESTAMP_STRATEGY: Opt = Opt::new(
    "startingOffsetsByTimestampStrategy",
    Kind::Word(&["error", "latest"]),
    Some("error"),
    "Says what to do if a partition has no record at or after the time: fail, or begin with the latest offset.",
);
/// Most records of a batch.
pub const MAX_OFFSETS: Opt = Opt::new(
    "maxOffsetsPerTrigger",
    Kind::Count,
    Some("no limit"),
    "Says how many offsets a batch takes at most, dealt out over the partitions by how much waits in each; tables take all.",
);
/// Fewest records of a batch.
pub const MIN_OFFSETS: Opt = Opt::new(
    "minOffsetsPerTrigger",
    Kind::Count,
    Some("1"),
    "Says how many offsets must wait before a batch begins, unless maxTriggerDelay has passed.",
);
/// How long to wait for them.
pub const MAX_DELAY: Opt = Opt::new(
    "maxTriggerDelay",
    Kind::Text,
    Some("15m"),
    "Says how long a batch waits for minOffsetsPerTrigger.",
);
/// Fewest pieces of a batch.
pub const MIN_PARTITIONS: Opt = Opt::new(
    "minPartitions",
    Kind::Count,
    Some("as many as partitions have records"),
    "Says into how many pieces a batch is cut at least, about: large partitions are cut by offsets.",
);
/// Most records of a piece.
pub const MAX_RECORDS: Opt = Opt::new(
    "maxRecordsPerPartition",
    Kind::Count,
    Some("no limit"),
    "Says how many records a piece of a batch has at most: large partitions are cut by offsets.",
);
/// Whether lost records are an error.
pub const FAIL_ON_LOSS: Opt = Opt::new(
    "failOnDataLoss",
    Kind::Flag,
    Some("true"),
    "Says whether a query fails when records that it did not read are gone; else it takes those that are there.",
);
/// Whether headers are read.
pub const HEADERS: Opt = Opt::new("includeHeaders", Kind::Flag, Some("false"), "Adds the column headers.");
/// How long to wait for records.
pub const POLL_TIMEOUT: Opt = Opt::new(
    "kafkaConsumer.pollTimeoutMs",
    Kind::Count,
    Some("120000"),
    "Says how long a task waits for records that exist, ms.",
);
/// How often to ask for offsets again.
pub const NUM_RETRIES: Opt = Opt::new(
    "fetchOffset.numRetries",
    Kind::Count,
    Some("3"),
    "Says how often offsets are asked for before a refusal of the servers fails the query.",
);
/// How long to wait between.
pub const RETRY_INTERVAL: Opt = Opt::new(
    "fetchOffset.retryIntervalMs",
    Kind::Count,
    Some("1000"),
    "Says how long to wait before offsets are asked for again, ms.",
);
/// Accepted for Spark's sake.
pub const GROUP_PREFIX: Opt = Opt::new(
    "groupIdPrefix",
    Kind::Text,
    Some("none"),
    "Is taken as Spark takes it and has no effect: offsets are the checkpoint's, and no consumer group is used.",
);

/// All options of a source.
pub const ALL: &[Opt] = &[
    SERVERS,
    BRIDGE,
    TOKEN,
    CREDENTIALS,
    DIALECT,
    SUBSCRIBE,
    PATTERN,
    ASSIGN,
    STARTING_OFFSETS,
    ENDING_OFFSETS,
    ENDING_TIMESTAMP,
    ENDING_OFFSETS_BY_TIMESTAMP,
    STARTING_TIMESTAMP,
    STARTING_OFFSETS_BY_TIMESTAMP,
    TIMESTAMP_STRATEGY,
    MAX_OFFSETS,
    MIN_OFFSETS,
    MAX_DELAY,
    MIN_PARTITIONS,
    MAX_RECORDS,
    FAIL_ON_LOSS,
    HEADERS,
    POLL_TIMEOUT,
    NUM_RETRIES,
    RETRY_INTERVAL,
    GROUP_PREFIX,
];
