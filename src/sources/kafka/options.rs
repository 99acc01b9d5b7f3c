//! Options of Kafka sources by Spark's names, checked as Spark checks them (`KafkaSourceProvider`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::exchange::{Cluster, Times, Topics};
use super::positions::{EARLIEST, LATEST, Positions, of_json, partitions_of_json};
use crate::error::{Exception, Result, SparkError};
use crate::sources::options::{Kind, Opt, Options};
use crate::values::interval::interval_micros;

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
    "Is sent to the HTTP server in front of the brokers as a bearer token.",
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
    "Says where a table ends: latest, or an offset for each partition as JSON.",
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
    "Says how many offsets a batch takes at most, dealt out over the partitions by how much waits in each.",
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
    "Says whether a query fails when records that it has not read are gone; else it takes those that are there.",
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
    SUBSCRIBE,
    PATTERN,
    ASSIGN,
    STARTING_OFFSETS,
    ENDING_OFFSETS,
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

/// Options of Kafka's own consumer that cannot be set, and why.
const REFUSED: &[(&str, &str)] = &[
    (
        "kafka.auto.offset.reset",
        "The source option 'startingOffsets' says where a new query begins; one that continues takes its offsets from its checkpoint.",
    ),
    (
        "kafka.key.deserializer",
        "Keys are binary; expressions take them apart.",
    ),
    (
        "kafka.value.deserializer",
        "Values are binary; expressions take them apart.",
    ),
    ("kafka.enable.auto.commit", "The source commits no offsets."),
    ("kafka.interceptor.classes", "Records are read as they are."),
];

/// Where to begin or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// With what is still there.
    Earliest,
    /// With what comes next.
    Latest,
    /// At these offsets.
    Offsets(Positions),
    /// At these times.
    Times {
        /// Which.
        times: Times,
        /// Whether a partition without such a record is an error; else its latest offset counts.
        strict: bool,
    },
}

/// A source's options, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The cluster.
    pub cluster: Cluster,
    /// What is read.
    pub topics: Topics,
    /// Where a new query begins.
    pub starting: Limit,
    /// Most offsets of a batch.
    pub max_offsets: Option<i64>,
    /// Fewest offsets of a batch.
    pub min_offsets: Option<i64>,
    /// How long to wait for them, ms.
    pub max_delay_ms: i64,
    /// Fewest pieces of a batch.
    pub min_partitions: Option<usize>,
    /// Most records of a piece.
    pub max_records: Option<i64>,
    /// Whether lost records are an error.
    pub strict: bool,
    /// Whether headers are read.
    pub headers: bool,
    /// How long a task waits for records, ms.
    pub poll_timeout_ms: i64,
    /// How often offsets are asked for.
    pub tries: i64,
    /// How long to wait between, ms.
    pub retry_ms: i64,
}

impl Settings {
    /// Reads the options of a stream.
    ///
    /// # Errors
    /// `IllegalArgumentException` as Spark's, which names the option.
    pub fn of_stream(set: &BTreeMap<String, String>) -> Result<Self> {
        let options = Options(set);
        if options.text(&ENDING_OFFSETS).is_some() {
            return Err(refused("ending offset not valid in streaming queries"));
        }
        let min_offsets = options.count(&MIN_OFFSETS);
        let max_offsets = options.count(&MAX_OFFSETS);
        if let (Some(min), Some(max)) = (min_offsets, max_offsets)
            && min > max
        {
            return Err(refused(&format!(
                "The value of minOffsetPerTrigger({min}) is higher than the maxOffsetsPerTrigger({max})."
            )));
        }
        let delay = options.text(&MAX_DELAY).unwrap_or("15m");
        let max_delay_ms = duration_ms(delay).ok_or_else(|| {
            refused(&format!(
                "Invalid value '{delay}' for option 'maxTriggerDelay', must be a duration, such as '15m'."
            ))
        })?;
        Ok(Self {
            topics: topics_of(options)?,
            cluster: cluster_of(set)?,
            starting: starting_of(options)?,
            max_offsets,
            min_offsets,
            max_delay_ms,
            min_partitions: options.count(&MIN_PARTITIONS).and_then(|n| usize::try_from(n).ok()),
            max_records: options.count(&MAX_RECORDS),
            strict: options.text(&FAIL_ON_LOSS).is_none() || options.flag(&FAIL_ON_LOSS),
            headers: options.flag(&HEADERS),
            poll_timeout_ms: options.count(&POLL_TIMEOUT).unwrap_or(120_000),
            tries: options.count(&NUM_RETRIES).unwrap_or(3),
            retry_ms: options.count(&RETRY_INTERVAL).unwrap_or(1_000),
        })
    }
}

/// Makes the error of an option that is not taken.
fn refused(message: &str) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "INVALID_OPTION_VALUE", "22023", message)
}

/// Reads a duration in Spark's short form (`15m`, `10s`, `250ms`, a number of ms) or as an interval.
fn duration_ms(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return interval_micros(&text).filter(|us| *us >= 0).map(|us| us / 1_000),
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// Reads where the brokers are, and refuses what the source decides itself.
fn cluster_of(set: &BTreeMap<String, String>) -> Result<Cluster> {
    for (key, why) in REFUSED {
        if set.contains_key(*key) {
            let option = key.trim_start_matches("kafka.");
            return Err(refused(&format!("Kafka option '{option}' is not supported. {why}")));
        }
    }
    let options = Options(set);
    let text = |option: &Opt| {
        options
            .text(option)
            .map(|text| text.trim().to_owned())
            .filter(|t| !t.is_empty())
    };
    let (servers, bridge) = (text(&SERVERS), text(&BRIDGE));
    if servers.is_none() && bridge.is_none() {
        return Err(refused(
            "Option 'kafka.bootstrap.servers' must be specified for configuring Kafka consumer",
        ));
    }
    Ok(Cluster {
        servers: servers.unwrap_or_default(),
        bridge: bridge.map(|url| url.trim_end_matches('/').to_owned()),
        token: text(&TOKEN),
    })
}

/// Reads where the brokers of a sink are.
///
/// # Errors
/// `IllegalArgumentException` if they are not named.
pub fn sink_cluster(set: &BTreeMap<String, String>) -> Result<Cluster> {
    for key in ["kafka.key.serializer", "kafka.value.serializer"] {
        if set.contains_key(key) {
            let option = key.trim_start_matches("kafka.");
            let part = option.split('.').next().unwrap_or_default();
            return Err(refused(&format!(
                "Kafka option '{option}' is not supported as {part}s are written as they are, strings in UTF-8."
            )));
        }
    }
    let no_consumer = |mut error: SparkError| {
        error.message = error.message.replace("Kafka consumer", "Kafka producer");
        error
    };
    cluster_of(set).map_err(no_consumer)
}

/// Reads which partitions are read.
fn topics_of(options: Options<'_>) -> Result<Topics> {
    let named: Vec<(&Opt, &str)> = [&SUBSCRIBE, &PATTERN, &ASSIGN]
        .into_iter()
        .filter_map(|option| Some((option, options.text(option)?)))
        .collect();
    let wrong = |how: &str| {
        refused(&format!(
            "{how} for Kafka source: subscribe, subscribepattern, assign. See the docs for more details."
        ))
    };
    let (option, value) = match named.as_slice() {
        [] => return Err(wrong("One of the following options must be specified")),
        [one] => *one,
        _ => return Err(wrong("Only one of the following options can be specified")),
    };
    if option.name == PATTERN.name {
        let pattern = value.trim();
        if pattern.is_empty() {
            return Err(refused(&format!(
                "Pattern to subscribe is empty as specified value for option 'subscribePattern' is '{value}'"
            )));
        }
        return match whole_pattern(pattern) {
            Ok(_) => Ok(Topics::Pattern(pattern.to_owned())),
            Err(why) => Err(refused(&format!(
                "Invalid value '{pattern}' for option 'subscribePattern': {why}."
            ))),
        };
    }
    if option.name == SUBSCRIBE.name {
        let names: Vec<String> = value
            .split(',')
            .map(|n| n.trim().to_owned())
            .filter(|n| !n.is_empty())
            .collect();
        if names.is_empty() {
            return Err(refused(&format!(
                "No topics to subscribe to as specified value for option 'subscribe' is '{value}'"
            )));
        }
        return Ok(Topics::Names(names));
    }
    if !value.trim().starts_with('{') {
        return Err(refused(&format!(
            "No topicpartitions to assign as specified value for option 'assign' is '{value}'"
        )));
    }
    let partitions = serde_json::from_str(value).ok().as_ref().and_then(partitions_of_json);
    let partitions = partitions.ok_or_else(|| {
        refused(&format!(
            "Expected e.g. {{\"topicA\":[0,1],\"topicB\":[0,1]}}, got {value}"
        ))
    })?;
    Ok(Topics::Partitions(partitions))
}

/// Compiles the pattern of whole names of topics.
///
/// # Errors
/// What is wrong with it, on one line.
pub fn whole_pattern(pattern: &str) -> std::result::Result<regex::Regex, String> {
    let compiled = regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(1 << 20)
        .build();
    compiled.map_err(|e| e.to_string().lines().last().unwrap_or_default().trim().to_owned())
}

/// Reads where a new query begins; what is more particular counts.
fn starting_of(options: Options<'_>) -> Result<Limit> {
    let strict = !options
        .text(&TIMESTAMP_STRATEGY)
        .is_some_and(|s| s.eq_ignore_ascii_case("latest"));
    if let Some(text) = options.text(&STARTING_TIMESTAMP) {
        let at = text
            .trim()
            .parse()
            .map_err(|_| refused(&format!("Expected a single long value, got {text}")))?;
        let times = Times::All(at);
        return Ok(Limit::Times { times, strict });
    }
    let json = |text: &str, example: &str| -> Result<Positions> {
        let value: Option<Value> = serde_json::from_str(text.trim()).ok();
        value
            .as_ref()
            .and_then(of_json)
            .ok_or_else(|| refused(&format!("Expected e.g. {example}, got {text}")))
    };
    if let Some(text) = options.text(&STARTING_OFFSETS_BY_TIMESTAMP) {
        let mut each: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
        for ((topic, partition), at) in json(text, "{\"topicA\": {\"0\": 123456789, \"1\": 123456789}}")? {
            each.entry(topic).or_default().insert(partition, at);
        }
        let times = Times::Each(each);
        return Ok(Limit::Times { times, strict });
    }
    match options.text(&STARTING_OFFSETS).map(str::trim) {
        None => Ok(Limit::Latest),
        Some(word) if word.eq_ignore_ascii_case("latest") => Ok(Limit::Latest),
        Some(word) if word.eq_ignore_ascii_case("earliest") => Ok(Limit::Earliest),
        Some(text) => {
            let offsets = json(text, "{\"topicA\":{\"0\":23,\"1\":-1},\"topicB\":{\"0\":-2}}")?;
            match offsets.iter().find(|(_, offset)| **offset < EARLIEST) {
                Some((at, offset)) => Err(refused(&format!(
                    "The offset of {} is {offset}: use -1 for latest, -2 for earliest.",
                    super::positions::name(at)
                ))),
                None => Ok(Limit::Offsets(offsets)),
            }
        }
    }
}

/// Returns an offset for what may stand for one.
pub fn resolved(offset: i64, earliest: i64, latest: i64) -> i64 {
    match offset {
        LATEST => latest,
        EARLIEST => earliest,
        offset => offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Settings, String> {
        let set = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Settings::of_stream(&set).map_err(|e| e.message)
    }

    #[test]
    fn options_that_spark_refuses_are_refused_in_its_words() {
        let servers = ("kafka.bootstrap.servers", "b:9092");
        let refusals: &[(&[(&str, &str)], &str)] = &[
            (&[servers], "One of the following options must be specified"),
            (
                &[servers, ("subscribe", "a"), ("assign", "{}")],
                "Only one of the following options can be",
            ),
            (&[servers, ("subscribe", " , ")], "No topics to subscribe to"),
            (&[servers, ("subscribepattern", " ")], "Pattern to subscribe is empty"),
            (
                &[servers, ("subscribepattern", "(")],
                "Invalid value '(' for option 'subscribePattern'",
            ),
            (&[servers, ("assign", "a:0")], "No topicpartitions to assign"),
            (&[servers, ("assign", "{\"a\":0}")], "Expected e.g. {\"topicA\":[0,1]"),
            (
                &[("subscribe", "a")],
                "Option 'kafka.bootstrap.servers' must be specified",
            ),
            (
                &[servers, ("subscribe", "a"), ("endingoffsets", "latest")],
                "ending offset not valid",
            ),
            (
                &[servers, ("subscribe", "a"), ("startingoffsets", "soon")],
                "Expected e.g. {\"topicA\"",
            ),
            (
                &[servers, ("subscribe", "a"), ("startingoffsets", "{\"a\":{\"0\":-3}}")],
                "The offset of a-0 is -3",
            ),
            (
                &[servers, ("subscribe", "a"), ("startingtimestamp", "noon")],
                "Expected a single long value",
            ),
            (
                &[servers, ("subscribe", "a"), ("maxtriggerdelay", "soon")],
                "Invalid value 'soon'",
            ),
            (
                &[
                    servers,
                    ("subscribe", "a"),
                    ("minoffsetspertrigger", "9"),
                    ("maxoffsetspertrigger", "8"),
                ],
                "The value of minOffsetPerTrigger(9) is higher",
            ),
            (
                &[servers, ("subscribe", "a"), ("kafka.auto.offset.reset", "earliest")],
                "Kafka option 'auto.offset.reset' is not supported",
            ),
        ];
        for (options, start) in refusals {
            let message = read(options).unwrap_err();
            assert!(message.starts_with(start), "{options:?}: {message}");
        }
    }

    #[test]
    fn what_says_most_about_the_start_counts() {
        let base = [("kafka.bridge.url", "http://h:1/"), ("subscribe", "a, b,")];
        let with = |more: &[(&str, &str)]| read(&[&base, more].concat()).unwrap();
        let plain = with(&[]);
        assert_eq!(plain.topics, Topics::Names(vec!["a".into(), "b".into()]));
        assert_eq!(plain.cluster.bridge.as_deref(), Some("http://h:1"));
        assert_eq!(
            (plain.starting, plain.max_delay_ms, plain.strict),
            (Limit::Latest, 900_000, true)
        );
        let offsets = ("startingoffsets", "{\"a\":{\"0\":5}}");
        let given = Limit::Offsets([(("a".to_owned(), 0), 5)].into());
        assert_eq!(with(&[offsets]).starting, given);
        let times = Times::All(77);
        assert_eq!(
            with(&[offsets, ("startingtimestamp", "77")]).starting,
            Limit::Times { times, strict: true }
        );
    }
}
