//! Options of Kafka's streams, tables and sinks, checked as Spark checks them (`KafkaSourceProvider`), and read.

use std::collections::BTreeMap;

use super::dialect::Dialect;
use super::exchange::{Cluster, Order, Question, Times, Topics};
use super::limit::{End, Limit};
use super::options::*;
use super::positions::{EARLIEST, LATEST, name, partitions_of_json};
use super::ranges::Range;
use crate::error::{Exception, Result, SparkError};
use crate::sources::options::{Opt, Options};
use crate::values::interval::interval_micros;

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

/// A source's options, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The cluster.
    pub cluster: Cluster,
    /// What is read.
    pub topics: Topics,
    /// Where a new query, or a table, begins.
    pub starting: Limit,
    /// Where a table ends; a stream has no end, and this is the latest offset.
    pub ending: Limit,
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
    /// Reads the options of a stream (`KafkaSourceProvider.validateStreamOptions`).
    ///
    /// # Errors
    /// `IllegalArgumentException` as Spark's, which names the option.
    pub fn of_stream(set: &BTreeMap<String, String>) -> Result<Self> {
        let options = Options(set);
        if options.text(&ENDING_OFFSETS).is_some() {
            return Err(refused("ending offset not valid in streaming queries"));
        }
        if options.text(&ENDING_TIMESTAMP).is_some() || options.text(&ENDING_OFFSETS_BY_TIMESTAMP).is_some() {
            return Err(refused("ending timestamp not valid in streaming queries"));
        }
        Self::read(set, Limit::read(options, End::Start, Limit::Latest)?, Limit::Latest)
    }

    /// Reads the options of a table (`KafkaSourceProvider.validateBatchOptions`), which begins with what is still there and ends with the
    /// latest offset unless options say otherwise.
    ///
    /// # Errors
    /// `IllegalArgumentException` as Spark's, which names the option: a table cannot begin with what comes next, nor end with what is
    /// still there.
    pub fn of_table(set: &BTreeMap<String, String>) -> Result<Self> {
        let options = Options(set);
        let starting = Limit::read(options, End::Start, Limit::Earliest)?;
        let ending = Limit::read(options, End::End, Limit::Latest)?;
        let at = |limit: &Limit, word: i64| match limit {
            Limit::Offsets(given) => given.iter().find(|(_, at)| **at == word).map(|(p, _)| name(p)),
            _ => None,
        };
        let wrong = if starting == Limit::Latest {
            Some("starting offset can't be latest for batch queries on Kafka".to_owned())
        } else if let Some(partition) = at(&starting, LATEST) {
            Some(format!(
                "startingOffsets for {partition} can't be latest for batch queries on Kafka"
            ))
        } else if ending == Limit::Earliest {
            Some("ending offset can't be earliest for batch queries on Kafka".to_owned())
        } else {
            at(&ending, EARLIEST)
                .map(|partition| format!("ending offset for {partition} can't be earliest for batch queries on Kafka"))
        };
        match wrong {
            Some(why) => Err(refused(&why)),
            None => Self::read(set, starting, ending),
        }
    }

    /// Reads what streams and tables have in common. Options of triggers are checked, though tables do not use them.
    ///
    /// # Errors
    /// `IllegalArgumentException` as Spark's, which names the option.
    fn read(set: &BTreeMap<String, String>, starting: Limit, ending: Limit) -> Result<Self> {
        let options = Options(set);
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
            starting,
            ending,
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

    /// Returns the question for what the partitions hold, and which offsets they have at times.
    pub fn question(&self, times: Times) -> Question {
        Question {
            cluster: self.cluster.clone(),
            topics: self.topics.clone(),
            times,
        }
    }

    /// Returns the order for the records of a range; it is not strict if the range may begin later than it says.
    pub fn order(&self, ((topic, partition), from, until): Range, strict: bool) -> Order {
        Order {
            cluster: self.cluster.clone(),
            topic,
            partition,
            from,
            until,
            headers: self.headers,
            strict,
            timeout_ms: self.poll_timeout_ms,
        }
    }
}

/// Makes the error of an option that is not taken.
pub(super) fn refused(message: &str) -> SparkError {
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
    let (token, credentials) = (text(&TOKEN), text(&CREDENTIALS));
    if credentials.is_some() && token.is_some() {
        return Err(refused(
            "Options 'kafka.bridge.token' and 'kafka.bridge.credentials' cannot be set together: a function of the page returns all that \
             requests are authorized with.",
        ));
    }
    if credentials.is_some() && bridge.is_none() {
        return Err(refused(
            "Option 'kafka.bridge.credentials' is for the HTTP server that 'kafka.bridge.url' names, which is not set.",
        ));
    }
    Ok(Cluster {
        servers: servers.unwrap_or_default(),
        bridge: bridge.map(|url| url.trim_end_matches('/').to_owned()),
        token,
        credentials,
        dialect: text(&DIALECT)
            .and_then(|name| Dialect::named(&name))
            .unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    type Read = fn(&BTreeMap<String, String>) -> Result<Settings>;

    fn read_by(of: Read, options: &[(&str, &str)]) -> Result<Settings, String> {
        let set = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        of(&set).map_err(|e| e.message)
    }

    fn read(options: &[(&str, &str)]) -> Result<Settings, String> {
        read_by(Settings::of_stream, options)
    }

    #[test]
    fn a_table_ends_and_cannot_begin_with_what_comes_next() {
        let base = [("kafka.bootstrap.servers", "b:9092"), ("subscribe", "t")];
        let with = |more: &[(&str, &str)]| read_by(Settings::of_table, &[&base, more].concat());
        let refusals = [
            (
                ("startingoffsets", "latest"),
                "starting offset can't be latest for batch queries on Kafka",
            ),
            (
                ("startingoffsets", "{\"t\":{\"0\":3,\"1\":-1}}"),
                "startingOffsets for t-1 can't be latest for batch queries on Kafka",
            ),
            (
                ("endingoffsets", "earliest"),
                "ending offset can't be earliest for batch queries on Kafka",
            ),
            (
                ("endingoffsets", "{\"t\":{\"0\":-2}}"),
                "ending offset for t-0 can't be earliest for batch queries on Kafka",
            ),
            (
                ("endingoffsets", "soon"),
                "Expected e.g. {\"topicA\":{\"0\":23,\"1\":-1},\"topicB\":{\"0\":-2}}, got soon",
            ),
            (("endingtimestamp", "noon"), "Expected a single long value, got noon"),
        ];
        for (option, message) in refusals {
            assert_eq!(with(&[option]).unwrap_err(), message);
            // What is wrong with an end is said before what is missing.
            assert_eq!(read_by(Settings::of_table, &[option]).unwrap_err(), message);
        }
        let plain = with(&[]).unwrap();
        assert_eq!((plain.starting, plain.ending), (Limit::Earliest, Limit::Latest));
        let both = with(&[("endingoffsets", "{\"t\":{\"0\":5}}"), ("endingtimestamp", "88")]).unwrap();
        let (times, strict) = (crate::sources::kafka::exchange::Times::All(88), false);
        assert_eq!(both.ending, Limit::Times { times, strict });
        let end = ("endingtimestamp", "88");
        assert_eq!(
            read(&[&base[..], &[end]].concat()).unwrap_err(),
            "ending timestamp not valid in streaming queries"
        );
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

    #[test]
    fn a_function_of_the_pages_is_for_the_bridge_and_in_place_of_a_token() {
        let function = ("kafka.bridge.credentials", "orders");
        let bridge = ("kafka.bridge.url", "http://h:1");
        let set = [bridge, ("subscribe", "a"), function];
        let cluster = read(&set).unwrap().cluster;
        assert_eq!((cluster.credentials.as_deref(), cluster.token), (Some("orders"), None));
        let both = read(&[&set[..], &[("kafka.bridge.token", "t")]].concat()).unwrap_err();
        assert!(
            both.starts_with("Options 'kafka.bridge.token' and 'kafka.bridge.credentials' cannot"),
            "{both}"
        );
        let brokers = [("kafka.bootstrap.servers", "h:9092"), ("subscribe", "a"), function];
        let nowhere = read(&brokers).unwrap_err();
        assert!(
            nowhere.contains("'kafka.bridge.url' names, which is not set"),
            "{nowhere}"
        );
    }
}
