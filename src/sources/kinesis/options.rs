//! Options of Kinesis sources and sinks, by the names of AWS's connector for Spark (`spark-sql-kinesis-connector`) and of the one before
//! it (`kinesis.executor.…`, `kinesis.client.…`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::exchange::{Credentials, Starting, Stream};
use super::positions::of_json;
use crate::error::{Exception, Result, SparkError};
use crate::sources::options::{Kind, Opt, Options};
use crate::values::parse_time::parse_timestamp;
use crate::values::zone::Zone;

/// The stream.
pub const NAME: Opt = Opt::new("kinesis.streamName", Kind::Text, None, "Names the stream.");
/// Its region.
pub const REGION: Opt = Opt::new(
    "kinesis.region",
    Kind::Text,
    Some("that of kinesis.endpointUrl"),
    "Names the region of the stream, such as us-east-1.",
);
/// Where the server is.
pub const ENDPOINT: Opt = Opt::new(
    "kinesis.endpointUrl",
    Kind::Url(&["https://", "http://"]),
    Some("https://kinesis.REGION.amazonaws.com"),
    "Says where the server is.",
);
/// Whose requests they are.
pub const KEY_ID: Opt = Opt::new(
    "kinesis.awsAccessKeyId",
    Kind::Text,
    Some("what the host knows: in the native server, AWS_ACCESS_KEY_ID or the shared credentials file"),
    "Names the access key that requests are signed with.",
);
/// The secret of the key.
pub const SECRET: Opt = Opt::new(
    "kinesis.awsSecretKey",
    Kind::Text,
    Some("as for kinesis.awsAccessKeyId"),
    "Is the secret of the access key.",
);
/// What temporary credentials have besides.
pub const TOKEN: Opt = Opt::new(
    "kinesis.awsSessionToken",
    Kind::Text,
    Some("none"),
    "Is the session token of temporary credentials.",
);
/// Whose requests they are, by a function of the page's.
pub const CREDENTIALS: Opt = Opt::new(
    "kinesis.credentials",
    Kind::Text,
    Some("none"),
    "Names a function of the page (spark.credentials.register) that returns credentials, and is called again when they expire or are \
     refused; in place of kinesis.awsAccessKeyId and its like.",
);
/// Where a new query begins.
pub const STARTING: Opt = Opt::new(
    "kinesis.startingPosition",
    Kind::Text,
    Some("LATEST"),
    "Says where to begin: LATEST, TRIM_HORIZON, EARLIEST (the same), AT_TIMESTAMP with a time such as 2023-08-30T19:00:05Z, or a position \
     for each shard as JSON.",
);
/// Whether lost records are an error.
pub const FAIL_ON_LOSS: Opt = Opt::new(
    "kinesis.failOnDataLoss",
    Kind::Flag,
    Some("false"),
    "Says whether a query fails when records that it did not read are gone; else it takes those that are there.",
);
/// Most records of a shard in a batch.
pub const MAX_RECORDS: Opt = Opt::new(
    "kinesis.maxFetchRecordsPerShard",
    Kind::Count,
    Some("100000"),
    "Says how many records of a shard a batch takes at most.",
);
/// The same, by its older name.
pub const EXECUTOR_MAX_RECORDS: Opt = Opt::new(
    "kinesis.executor.maxFetchRecordsPerShard",
    Kind::Count,
    Some("100000"),
    "Is the older name of kinesis.maxFetchRecordsPerShard.",
);
/// How long a shard is read for a batch.
pub const MAX_TIME: Opt = Opt::new(
    "kinesis.executor.maxFetchTimeInMs",
    Kind::Count,
    Some("1000"),
    "Says how long a shard that has records is read ahead for one batch at most, ms.",
);
/// Most records of a read.
pub const PER_READ: Opt = Opt::new(
    "kinesis.getRecords.numberOfRecordsPerFetch",
    Kind::Count,
    Some("10000"),
    "Says how many records are asked for at once, 10000 at most.",
);
/// The same, by its older name.
pub const EXECUTOR_PER_READ: Opt = Opt::new(
    "kinesis.executor.maxRecordPerRead",
    Kind::Count,
    Some("10000"),
    "Is the older name of kinesis.getRecords.numberOfRecordsPerFetch.",
);
/// How long to wait between two reads of a shard.
pub const INTERVAL: Opt = Opt::new(
    "kinesis.getRecords.fetchIntervalMs",
    Kind::Count,
    Some("200"),
    "Says how long a shard is left alone between two reads, ms: it answers five in a second.",
);
/// The same, by its older name.
pub const EXECUTOR_INTERVAL: Opt = Opt::new(
    "kinesis.executor.idleTimeBetweenReadsInMs",
    Kind::Count,
    Some("200"),
    "Is the older name of kinesis.getRecords.fetchIntervalMs.",
);
/// How often a request is sent again.
pub const TRIES: Opt = Opt::new(
    "kinesis.clientNumRetries",
    Kind::Count,
    Some("5"),
    "Says how often a request is sent again that the server has no time for.",
);
/// The same, by its older name.
pub const CLIENT_TRIES: Opt = Opt::new(
    "kinesis.client.numRetries",
    Kind::Count,
    Some("5"),
    "Is the older name of kinesis.clientNumRetries.",
);
/// How long to wait before.
pub const RETRY: Opt = Opt::new(
    "kinesis.clientRetryIntervalsMs",
    Kind::Count,
    Some("1000"),
    "Says how long to wait before a request is sent again, ms; each time twice as long.",
);
/// The same, by its older name.
pub const CLIENT_RETRY: Opt = Opt::new(
    "kinesis.client.retryIntervalMs",
    Kind::Count,
    Some("1000"),
    "Is the older name of kinesis.clientRetryIntervalsMs.",
);
/// How long to wait at most.
pub const LONGEST_RETRY: Opt = Opt::new(
    "kinesis.clientMaxRetryIntervalMs",
    Kind::Count,
    Some("10000"),
    "Says how long to wait before a request is sent again at most, ms.",
);
/// The same, by its older name.
pub const CLIENT_LONGEST_RETRY: Opt = Opt::new(
    "kinesis.client.maxRetryIntervalMs",
    Kind::Count,
    Some("10000"),
    "Is the older name of kinesis.clientMaxRetryIntervalMs.",
);
/// How records come.
pub const CONSUMER: Opt = Opt::new(
    "kinesis.consumerType",
    Kind::Word(&["GetRecords"]),
    Some("GetRecords"),
    "Says how records are read; enhanced fan-out (SubscribeToShard) is not offered.",
);

/// All options of a source.
pub const ALL: &[Opt] = &[
    NAME,
    REGION,
    ENDPOINT,
    KEY_ID,
    SECRET,
    TOKEN,
    CREDENTIALS,
    TRIES,
    CLIENT_TRIES,
    RETRY,
    CLIENT_RETRY,
    LONGEST_RETRY,
    CLIENT_LONGEST_RETRY,
    STARTING,
    FAIL_ON_LOSS,
    MAX_RECORDS,
    EXECUTOR_MAX_RECORDS,
    MAX_TIME,
    PER_READ,
    EXECUTOR_PER_READ,
    INTERVAL,
    EXECUTOR_INTERVAL,
    CONSUMER,
];

/// How many of them a sink takes, too: the first.
const SHARED: usize = 13;

/// All options of a sink.
pub const WRITTEN: &[Opt] = ALL.split_at(SHARED).0;

/// Most records of one read (AWS, `GetRecords`).
const MOST_PER_READ: i64 = 10_000;

/// A source's options, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stream.
    pub stream: Stream,
    /// Where a new query begins.
    pub starting: Starting,
    /// Whether lost records are an error.
    pub strict: bool,
    /// Most records of a shard in a batch.
    pub records: u64,
    /// How long a shard is read for a batch, ms.
    pub time_ms: i64,
}

impl Settings {
    /// Reads the options of a stream; `now_ms` is the time, ms since the epoch.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE`, which names the option.
    pub fn of_stream(set: &BTreeMap<String, String>, now_ms: i64) -> Result<Self> {
        let options = Options(set);
        let records = either(options, &MAX_RECORDS, &EXECUTOR_MAX_RECORDS).unwrap_or(100_000);
        Ok(Self {
            stream: stream_of(set)?,
            starting: starting_of(text(options, &STARTING).unwrap_or("LATEST"), now_ms)?,
            strict: options.flag(&FAIL_ON_LOSS),
            records: records.unsigned_abs(),
            time_ms: options.count(&MAX_TIME).unwrap_or(1_000),
        })
    }
}

/// Returns a number by the name of an option or by its older one.
fn either(options: Options<'_>, name: &Opt, older: &Opt) -> Option<i64> {
    options.count(name).or_else(|| options.count(older))
}

/// Returns an option's string without spaces at its ends; `None` if it is not set, or empty.
fn text<'a>(options: Options<'a>, option: &Opt) -> Option<&'a str> {
    let set = options.0.get(&option.key())?;
    Some(set.trim()).filter(|text| !text.is_empty())
}

/// Reads which stream it is, and how it is asked.
///
/// # Errors
/// `INVALID_OPTION_VALUE` if the stream or its region is not named, or a secret has no key.
pub fn stream_of(set: &BTreeMap<String, String>) -> Result<Stream> {
    let options = Options(set);
    let name =
        text(options, &NAME).ok_or_else(|| refused("Option 'kinesis.streamName' must name the stream.".into()))?;
    let endpoint = text(options, &ENDPOINT).map(|url| url.trim_end_matches('/').to_owned());
    let region = text(options, &REGION)
        .map(str::to_owned)
        .or_else(|| region_of(endpoint.as_deref()?))
        .ok_or_else(|| {
            refused(
                "Option 'kinesis.region' must name the region of the stream, as kinesis.endpointUrl does not.".into(),
            )
        })?;
    let endpoint = endpoint.unwrap_or_else(|| format!("https://kinesis.{region}.amazonaws.com"));
    let credentials = match (text(options, &KEY_ID), text(options, &SECRET)) {
        (Some(id), Some(secret)) => Some(Credentials {
            access_key_id: id.to_owned(),
            secret_key: secret.to_owned(),
            session_token: text(options, &TOKEN).map(str::to_owned),
        }),
        (None, None) => None,
        _ => {
            return Err(refused(
                "Options 'kinesis.awsAccessKeyId' and 'kinesis.awsSecretKey' must be set together.".into(),
            ));
        }
    };
    let function = text(options, &CREDENTIALS).map(str::to_owned);
    if function.is_some() && (credentials.is_some() || text(options, &TOKEN).is_some()) {
        return Err(refused(
            "Options 'kinesis.credentials' and 'kinesis.awsAccessKeyId', 'kinesis.awsSecretKey' or 'kinesis.awsSessionToken' cannot be set \
             together: a function of the page returns all of them."
                .into(),
        ));
    }
    let per_read = either(options, &PER_READ, &EXECUTOR_PER_READ).unwrap_or(MOST_PER_READ);
    Ok(Stream {
        name: name.to_owned(),
        endpoint,
        region,
        credentials,
        function,
        tries: u32::try_from(either(options, &TRIES, &CLIENT_TRIES).unwrap_or(5)).unwrap_or(u32::MAX),
        retry_ms: either(options, &RETRY, &CLIENT_RETRY).unwrap_or(1_000),
        longest_retry_ms: either(options, &LONGEST_RETRY, &CLIENT_LONGEST_RETRY).unwrap_or(10_000),
        interval_ms: either(options, &INTERVAL, &EXECUTOR_INTERVAL).unwrap_or(200),
        per_read: per_read.min(MOST_PER_READ).unsigned_abs(),
    })
}

/// Returns the region that the address of AWS's own servers names: `https://kinesis.us-east-1.amazonaws.com`.
fn region_of(endpoint: &str) -> Option<String> {
    let host = endpoint.split_once("://")?.1;
    let labels = host.split_once(".amazonaws.com")?.0.split('.');
    let region = labels.skip_while(|label| !label.contains("kinesis")).nth(1)?;
    Some(region.to_owned())
}

/// Reads where a new query begins.
///
/// # Errors
/// `INVALID_OPTION_VALUE` if it cannot be read.
fn starting_of(value: &str, now_ms: i64) -> Result<Starting> {
    let wrong = || {
        refused(format!(
            "Invalid value '{value}' for option 'kinesis.startingPosition', must be LATEST, TRIM_HORIZON, EARLIEST, AT_TIMESTAMP with a \
             time such as 2023-08-30T19:00:05Z, or a position for each shard as JSON."
        ))
    };
    match value.to_ascii_uppercase().as_str() {
        "LATEST" => return Ok(Starting::Latest { now_ms }),
        "TRIM_HORIZON" | "EARLIEST" => return Ok(Starting::Horizon),
        _ => {}
    }
    let kind = "AT_TIMESTAMP";
    if let Some(start) = value.get(..kind.len())
        && start.eq_ignore_ascii_case(kind)
    {
        let at = value[kind.len()..].trim();
        let us = parse_timestamp(at)
            .and_then(|at| at.instant(Zone::UTC))
            .ok_or_else(wrong)?;
        return Ok(Starting::Time(us.div_euclid(1_000)));
    }
    let json: Option<Value> = serde_json::from_str(value).ok();
    let positions = json.as_ref().and_then(of_json).ok_or_else(wrong)?;
    Ok(Starting::Positions { positions, now_ms })
}

/// Makes the error of an option that is not taken.
fn refused(message: String) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "INVALID_OPTION_VALUE", "22023", message)
}

#[cfg(test)]
mod tests {
    use super::super::positions::Position;
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Settings, String> {
        let set = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::of_stream(&set.collect(), 77).map_err(|e| e.message)
    }

    const NAMED: [(&str, &str); 2] = [("kinesis.streamname", "s"), ("kinesis.region", "eu-west-1")];

    fn with(more: &[(&str, &str)]) -> Result<Settings, String> {
        read(&[&NAMED, more].concat())
    }

    #[test]
    fn the_region_and_the_address_follow_from_each_other() {
        assert_eq!(
            with(&[]).unwrap().stream.endpoint,
            "https://kinesis.eu-west-1.amazonaws.com"
        );
        let from = |url| {
            read(&[("kinesis.streamname", "s"), ("kinesis.endpointurl", url)])
                .map(|s| (s.stream.region, s.stream.endpoint))
        };
        for (url, region) in [
            ("https://kinesis.us-east-2.amazonaws.com/", "us-east-2"),
            ("https://kinesis.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("https://vpce-1.kinesis.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ] {
            assert_eq!(
                from(url).unwrap(),
                (region.to_owned(), url.trim_end_matches('/').to_owned())
            );
        }
        let told = from("http://localhost:4567").unwrap_err();
        assert!(
            told.starts_with("Option 'kinesis.region' must name the region"),
            "{told}"
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_name() {
        for (options, told) in [
            (
                &[("kinesis.startingposition", "soon")][..],
                "Invalid value 'soon' for option 'kinesis.startingPosition'",
            ),
            (
                &[("kinesis.startingposition", "AT_TIMESTAMP noon")],
                "Invalid value 'AT_TIMESTAMP noon'",
            ),
            (
                &[("kinesis.startingposition", "{\"a\":1}")],
                "Invalid value '{\"a\":1}'",
            ),
            (
                &[("kinesis.awsaccesskeyid", "AK")],
                "Options 'kinesis.awsAccessKeyId' and 'kinesis.awsSecretKey' must be set together",
            ),
            (&[("kinesis.streamname", " ")], "Option 'kinesis.streamName' must name"),
        ] {
            let message = with(options).unwrap_err();
            assert!(message.starts_with(told), "{message}");
        }
    }

    #[test]
    fn where_to_begin_is_read_in_all_forms_and_older_names_count_where_the_new_are_not_set() {
        let starting = |value| with(&[("kinesis.startingposition", value)]).unwrap().starting;
        assert_eq!(with(&[]).unwrap().starting, Starting::Latest { now_ms: 77 });
        assert_eq!(starting("earliest"), Starting::Horizon);
        assert_eq!(
            starting("AT_TIMESTAMP 1970-01-01T01:00:00.5+01:00"),
            Starting::Time(500)
        );
        let json = r#"{"metadata":{},"shardId-0":{"iteratorType":"AFTER_SEQUENCE_NUMBER","iteratorPosition":"49"}}"#;
        let positions = [("shardId-0".to_owned(), Position::After("49".into()))].into();
        assert_eq!(starting(json), Starting::Positions { positions, now_ms: 77 });
        let older = ("kinesis.executor.maxfetchrecordspershard", "5");
        assert_eq!(with(&[older]).unwrap().records, 5);
        assert_eq!(
            with(&[older, ("kinesis.maxfetchrecordspershard", "6")])
                .unwrap()
                .records,
            6
        );
        let many = ("kinesis.getrecords.numberofrecordsperfetch", "20000");
        assert_eq!(with(&[many]).unwrap().stream.per_read, 10_000);
    }

    #[test]
    fn secrets_are_not_shown() {
        let keys = [
            ("kinesis.awsaccesskeyid", "AK"),
            ("kinesis.awssecretkey", "hidden"),
            ("kinesis.awssessiontoken", "hidden"),
        ];
        assert!(!format!("{:?}", with(&keys).unwrap()).contains("hidden"));
    }
}
