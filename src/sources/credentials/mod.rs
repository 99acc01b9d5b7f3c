//! Credentials that a function of the page's returns, by name: what requests to Kafka's HTTP servers and to Kinesis carry where the
//! options hold no secret.
//!
//! ```text
//!  option: the function's name ─▶ Wanted ─▶ Keeper ─▶ kept, and not yet due ─────────────────────▶ request
//!                                             └─▶ asks the page: first, expiring, refused ─▶ Held ─┘
//! ```
//!
//! Only the name travels: with plans, orders and checkpoints. What the function returns stays in the heaps of the page and of the
//! workers that send requests, is never written, and is taken out of what servers answer ([`Held::hide`]).

pub mod keeping;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Exception, SparkError};

/// Fewest bytes of a value that is taken out of messages: less is not a secret.
const LEAST_SECRET_BYTES: usize = 4;
/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// How often a request may be refused, whatever the clocks say.
const MOST_REFUSALS: u32 = 3;

/// A system that takes credentials of the page's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum System {
    /// An HTTP server in front of Kafka's brokers, which takes headers.
    Kafka,
    /// Kinesis, for which requests are signed.
    Kinesis,
}

impl System {
    /// Returns the name of the system's format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Kinesis => "aws-kinesis",
        }
    }

    /// Returns the option that names the function.
    pub fn option(self) -> &'static str {
        match self {
            Self::Kafka => "kafka.bridge.credentials",
            Self::Kinesis => "kinesis.credentials",
        }
    }

    /// Returns what to set where the page cannot be asked, as the end of a sentence.
    fn instead(self) -> &'static str {
        match self {
            Self::Kafka => {
                "set kafka.bootstrap.servers, or kafka.bridge.url with kafka.bridge.token, which is sent as it is"
            }
            Self::Kinesis => {
                "leave the option out for AWS_… variables or the shared credentials file to be read, or set kinesis.awsAccessKeyId, \
                 kinesis.awsSecretKey and kinesis.awsSessionToken"
            }
        }
    }
}

/// Which credentials a request needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The name of the page's function.
    pub name: String,
    /// For which system.
    pub system: System,
    /// For which server.
    pub url: String,
}

/// What a function of the page's has returned.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Counts what the page's functions return: later is more.
    pub serial: u64,
    /// When the function was called, ms since the epoch.
    pub asked_ms: i64,
    /// Until when it is used, ms since the epoch: shortly before it expires.
    pub until_ms: i64,
    /// Headers, or `accessKeyId`, `secretAccessKey` and perhaps `sessionToken`.
    pub values: BTreeMap<String, String>,
}

impl fmt::Debug for Held {
    /// Names what there is, and hides what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({}, {:?})", self.serial, self.values.keys())
    }
}

impl Held {
    /// Returns a server's text without the secrets that were sent to it.
    ///
    /// ```
    /// use rivulet::sources::credentials::Held;
    ///
    /// let values = [("Authorization".into(), "Bearer abcd".into())].into();
    /// let held = Held { serial: 1, asked_ms: 0, until_ms: 0, values };
    /// assert_eq!(held.hide("abcd is not Bearer abcd".into()), "*** is not ***");
    /// ```
    pub fn hide(&self, text: String) -> String {
        let values = self.values.iter().filter(|(name, _)| *name != "accessKeyId");
        hidden(text, values.map(|(_, value)| value.as_str()))
    }
}

/// Returns a text without secrets. Those that follow a scheme, as in `Bearer …`, are taken out without it, too, and in the form that JSON
/// may have.
pub fn hidden<'a>(text: String, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut parts: Vec<String> = vec![];
    for secret in secrets {
        let without_scheme = secret.split_once(' ').map(|(_, rest)| rest);
        for part in [Some(secret), without_scheme].into_iter().flatten() {
            if part.len() >= LEAST_SECRET_BYTES {
                parts.extend([part.to_owned(), part.replace('/', "\\/")]);
            }
        }
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.iter().fold(text, |text, secret| text.replace(secret, HIDDEN))
}

/// How often a server has refused what one request carried.
#[derive(Debug, Default)]
pub struct Refusals {
    /// What was refused last.
    last: Option<u64>,
    /// When the first refusal came, ms since the epoch.
    since_ms: Option<i64>,
    /// How many there were.
    count: u32,
}

impl Refusals {
    /// Returns the serial number of what was refused last; `None` if nothing was.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes note of a refusal; returns whether others are to be asked for: not if those that were refused were made after the first
    /// refusal, on its account.
    pub fn asks_again(&mut self, held: &Held, now_ms: i64) -> bool {
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        let is_first = self.count == 0;
        self.count += 1;
        self.last = Some(held.serial);
        is_first || (held.asked_ms < since_ms && self.count < MOST_REFUSALS)
    }
}

/// Makes an error of credentials: `kind` is its subclass.
fn error(kind: &str, message: String, wanted: &Wanted) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        &format!("RIVULET_CREDENTIALS.{kind}"),
        "28000",
        message,
    )
    .with("name", &wanted.name)
    .with("option", wanted.system.option())
}

/// Makes the error of a server that refuses what the page's function returns; `why` is what it answered.
pub fn refused(wanted: &Wanted, why: &str) -> SparkError {
    let message = format!(
        "{}. It refuses what the function '{}' returns, which was called anew after the first refusal: the option {} names the function, \
         and spark.credentials.register() sets it.",
        why.trim_end_matches('.'),
        wanted.name,
        wanted.system.option()
    );
    error("REFUSED", message, wanted)
}

/// Makes the error of a host that has no page to ask.
pub fn no_page(wanted: &Wanted) -> SparkError {
    let message = format!(
        "The option {} names the function '{}' of a page, and this server has none: {}.",
        wanted.system.option(),
        wanted.name,
        wanted.system.instead()
    );
    error("NO_PAGE", message, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(serial: u64, asked_ms: i64) -> Held {
        Held {
            serial,
            asked_ms,
            until_ms: i64::MAX,
            values: [("Authorization".to_owned(), "Bearer hush-hush".to_owned())].into(),
        }
    }

    #[test]
    fn what_is_refused_is_asked_for_anew_once() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.last(), None);
        assert!(refusals.asks_again(&held(1, 5), 100));
        assert_eq!(refusals.last(), Some(1));
        assert!(!refusals.asks_again(&held(2, 100), 110));
    }

    #[test]
    fn what_others_asked_for_before_the_refusal_does_not_count_as_asked_anew() {
        let mut refusals = Refusals::default();
        assert!(refusals.asks_again(&held(1, 5), 100));
        assert!(refusals.asks_again(&held(2, 99), 110));
        assert_eq!(refusals.last(), Some(2));
        // However early it was made: it ends.
        assert!(!refusals.asks_again(&held(3, 99), 120));
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", held(1, 0)).contains("hush"));
        let echo = "you sent Authorization: Bearer hush-hush, and hush-hush is wrong".to_owned();
        assert_eq!(held(1, 0).hide(echo), "you sent Authorization: ***, and *** is wrong");
        let slashed = [("Authorization".to_owned(), "Basic a/b/c=".to_owned())].into();
        let slashed = Held {
            values: slashed,
            ..held(1, 0)
        };
        assert_eq!(slashed.hide(r#"{"sent":"a\/b\/c="}"#.into()), r#"{"sent":"***"}"#);
        let short = [("x-tenant".to_owned(), "401".to_owned())].into();
        let short = Held {
            values: short,
            ..held(1, 0)
        };
        assert_eq!(short.hide("answered 401".into()), "answered 401");
    }

    #[test]
    fn errors_name_the_function_and_the_option() {
        for (system, option) in [
            (System::Kafka, "kafka.bridge.credentials"),
            (System::Kinesis, "kinesis.credentials"),
        ] {
            let wanted = Wanted {
                name: "orders".into(),
                system,
                url: "https://h".into(),
            };
            for (error, condition) in [
                (
                    refused(&wanted, "https://h answered 401: no."),
                    "RIVULET_CREDENTIALS.REFUSED",
                ),
                (no_page(&wanted), "RIVULET_CREDENTIALS.NO_PAGE"),
            ] {
                assert_eq!(error.condition.as_deref(), Some(condition));
                assert!(
                    error.message.contains("'orders'") && error.message.contains(option),
                    "{error}"
                );
                assert!(!error.is_retryable());
            }
        }
    }
}
