//! Options of Flume sources: Spark 2's names, and where the gateway is.

use std::collections::BTreeMap;

use super::exchange::From;
use crate::error::{Exception, Result, SparkError};
use crate::sources::options::{Kind, Opt, Options};
use crate::sources::queue::Queue;

/// Where the gateway is.
const URL: Opt = Opt::new(
    "url",
    Kind::Url(&["http://", "https://"]),
    Some("http://localhost:9095"),
    "Names Rivulet's gateway, through which agents are reached: a page has no TCP.",
);
/// What requests to it are authorized with.
const TOKEN: Opt = Opt::new(
    "token",
    Kind::Text,
    Some("none"),
    "Is the token that the gateway wants.",
);
/// Who begins.
const MODE: Opt = Opt::new(
    "mode",
    Kind::Word(&["push", "pull"]),
    Some("push"),
    "Says who begins: push takes what agents send to the gateway (FlumeUtils.createStream), pull polls Spark's sink in agents \
     (FlumeUtils.createPollingStream).",
);
/// The host.
const HOST: Opt = Opt::new(
    "host",
    Kind::Text,
    Some("localhost"),
    "Names the host of the sink that is polled; agents that push send to the gateway's.",
);
/// The port.
const PORT: Opt = Opt::new(
    "port",
    Kind::Count,
    Some("41414"),
    "Is the port of the sink that is polled, or of the gateway's listener that agents send to.",
);
/// Several sinks.
const ADDRESSES: Opt = Opt::new(
    "addresses",
    Kind::Text,
    Some("host and port"),
    "Lists the sinks that are polled, as host:port with commas between.",
);
/// Most events at once.
const MAX_BATCH: Opt = Opt::new(
    "maxBatchSize",
    Kind::Count,
    Some("1000"),
    "Says how many events one poll of a sink brings, or one delivery of what agents have sent, at most; a transaction is not cut.",
);
/// Polls at once.
const PARALLELISM: Opt = Opt::new(
    "parallelism",
    Kind::Count,
    Some("5"),
    "Says how many polls of sinks there are at once, 16 at most.",
);

/// All options.
pub const ALL: &[Opt] = &[
    URL,
    TOKEN,
    MODE,
    HOST,
    PORT,
    ADDRESSES,
    MAX_BATCH,
    PARALLELISM,
    Queue::MAX_BLOCKS,
    Queue::MAX_OFFSETS,
    Queue::MAX_BYTES,
    Queue::MAX_QUEUE,
];

/// Most polls at once.
pub const MOST_PARALLEL: usize = 16;
/// Most sinks.
pub const MOST_ADDRESSES: usize = 16;

/// Options that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the gateway is, without a slash at the end.
    pub url: String,
    /// What requests to it are authorized with.
    pub token: Option<String>,
    /// Where events come from.
    pub from: From,
    /// Most events of a delivery.
    pub max_events: usize,
}

impl Settings {
    /// Reads options whose types were checked; `path` is as good as the option `url`.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE` for what is no port, or no list of addresses.
    pub fn of(options: &BTreeMap<String, String>, path: Option<&str>) -> Result<Self> {
        let read = Options(options);
        let text = |option: &Opt| read.text(option).filter(|text| !text.is_empty());
        let count = |option, fallback| {
            read.count(option)
                .map_or(fallback, |n| usize::try_from(n).unwrap_or(usize::MAX))
        };
        let port = u16::try_from(read.count(&PORT).unwrap_or(41_414)).map_err(|_| {
            invalid(
                &PORT,
                text(&PORT).unwrap_or_default(),
                "must be a port, from 1 to 65535",
            )
        })?;
        let batch = count(&MAX_BATCH, 1_000);
        let is_pull = text(&MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("pull"));
        let from = if is_pull {
            let own = format!("{}:{port}", text(&HOST).unwrap_or("localhost"));
            let named = text(&ADDRESSES).unwrap_or(&own);
            From::Pull {
                addresses: addresses_of(named)?,
                batch,
                parallelism: count(&PARALLELISM, 5).min(MOST_PARALLEL),
            }
        } else {
            From::Push { port }
        };
        Ok(Self {
            url: text(&URL)
                .or(path)
                .unwrap_or("http://localhost:9095")
                .trim_end_matches('/')
                .to_owned(),
            token: text(&TOKEN).map(str::to_owned),
            from,
            max_events: batch,
        })
    }
}

/// Reads `host:port` with commas between.
fn addresses_of(text: &str) -> Result<Vec<String>> {
    let addresses: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).collect();
    let is_address = |one: &String| {
        let parts = one.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if addresses.len() > MOST_ADDRESSES || !addresses.iter().all(is_address) {
        let wanted = "must be up to 16 addresses, as host:port with commas between";
        return Err(invalid(&ADDRESSES, text, wanted));
    }
    Ok(addresses)
}

/// Makes the error of an option.
fn invalid(option: &Opt, text: &str, wanted: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_OPTION_VALUE",
        "22023",
        format!("Invalid value '{text}' for option '{}', {wanted}.", option.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)], path: Option<&str>) -> Result<Settings> {
        let options = options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Settings::of(&options, path)
    }

    #[test]
    fn sparks_names_say_where_events_come_from() {
        let settings = read(&[("port", "4000"), ("token", "t")], Some("https://here/")).unwrap();
        assert_eq!(settings.from, From::Push { port: 4_000 });
        assert_eq!(
            (settings.url.as_str(), settings.token.as_deref()),
            ("https://here", Some("t"))
        );
        let pull = |options: &[(&str, &str)]| read(&[&[("mode", "PULL")], options].concat(), None).map(|s| s.from);
        let polled = |addresses: &[&str], batch, parallelism| {
            let addresses = addresses.iter().map(|a| (*a).into()).collect();
            Ok(From::Pull {
                addresses,
                batch,
                parallelism,
            })
        };
        assert_eq!(pull(&[("host", "a"), ("port", "1")]), polled(&["a:1"], 1_000, 5));
        assert_eq!(
            pull(&[("addresses", "a:1, b:2"), ("maxbatchsize", "9"), ("parallelism", "99")]),
            polled(&["a:1", "b:2"], 9, 16)
        );
        for wrong in ["a", ":1", "a:0", "a:1,", "a:70000"] {
            let error = pull(&[("addresses", wrong)]).unwrap_err();
            assert_eq!(error.condition.as_deref(), Some("INVALID_OPTION_VALUE"), "{wrong}");
        }
        assert!(read(&[("port", "70000")], None).is_err());
    }
}
