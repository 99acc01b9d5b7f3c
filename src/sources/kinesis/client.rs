//! Kinesis's JSON protocol over HTTPS (AWS, "Kinesis Data Streams API Reference", version 2013-12-02): four of its actions, signed,
//! and sent again when the server has no time for them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::exchange::{Credentials, Shard, Shards, Stream};
use super::positions::{Position, is_sequence_number};
use super::rows::Record;
use super::sigv4::{Message, Scope, authorization, time_of};
use super::unanswered;
use crate::error::SparkError;
use crate::sources::credentials::{Refusals, System, Wanted, refused};
use crate::sources::http::{Http, Method, Request, Response};
use crate::sources::systems::Refused;
use crate::values::base64::from_base64;

/// How the names of actions begin.
const VERSION: &str = "Kinesis_20131202";
/// The type of what is asked.
const JSON: &str = "application/x-amz-json-1.1";
/// Most bytes that an answer may have: ten million of records, in base 64.
const ANSWER_BYTES: usize = 32 << 20;
/// How long an answer may take, ms.
const ANSWER_MS: i64 = 60_000;
/// Most pages of a list of shards.
const MOST_PAGES: usize = 100;
/// Most shards of a stream.
const MOST_SHARDS: usize = 100_000;
/// µs in a second.
const US: f64 = 1e6;

/// Why the server does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or has no time, though it was asked again.
    Away(String),
    /// An iterator is older than five minutes.
    Expired,
    /// What is asked does not fit, such as a sequence number that is gone.
    Invalid(String),
    /// Something else, which another try does not help.
    Other(String),
    /// The credentials have run out, or are not known.
    Unauthorized(String),
    /// Credentials of the page's are not to be had, or are refused.
    Credentials(Box<SparkError>),
}

impl Trouble {
    /// Returns what is wrong, as a sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Expired => "Kinesis refuses an iterator that it has just given.".into(),
            Self::Away(why) | Self::Invalid(why) | Self::Other(why) | Self::Unauthorized(why) => why.clone(),
            Self::Credentials(error) => error.message.clone(),
        }
    }

    /// Returns the error of a task that it ends.
    pub fn into_error(self) -> SparkError {
        match self {
            Self::Credentials(error) => *error,
            other => unanswered(&other.message()),
        }
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Credentials(error) => (*error).into(),
            other => Self::new(other.message(), matches!(other, Trouble::Away(_))),
        }
    }
}

/// Records that were read at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records, by sequence number.
    pub records: Vec<Record>,
    /// The iterator of the next page; `None` after the last record of a closed shard.
    pub next: Option<String>,
    /// How far the page is from the newest record, ms.
    pub behind_ms: i64,
}

/// A record that was not written, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    /// Its place in what was sent.
    pub at: usize,
    /// Whether the shard had no time for it: it is sent again.
    pub is_passing: bool,
    /// What the server says.
    pub why: String,
}

/// A stream's server.
#[derive(Debug)]
pub struct Client<'a, H> {
    /// Sends requests.
    pub http: &'a H,
    /// The stream.
    pub stream: &'a Stream,
}

/// What is wrong with a request.
#[derive(Debug, Default, Deserialize)]
struct Failed {
    /// Its name, perhaps after a prefix and `#`.
    #[serde(default, rename = "__type")]
    kind: String,
    /// What is wrong.
    #[serde(default, alias = "Message")]
    message: Option<String>,
}

/// A list of shards.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    /// The shards of this page.
    shards: Vec<ListedShard>,
    /// Asks for the next page.
    next_token: Option<String>,
}

/// A shard of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedShard {
    /// Its name.
    shard_id: String,
    /// What it was split from, or the first of two that were merged.
    parent_shard_id: Option<String>,
    /// The other.
    adjacent_parent_shard_id: Option<String>,
    /// Its sequence numbers.
    #[serde(default, deserialize_with = "or_default")]
    sequence_number_range: Numbers,
}

/// The sequence numbers of a shard.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Numbers {
    /// The first.
    starting_sequence_number: Option<String>,
    /// The last, of a closed shard.
    ending_sequence_number: Option<String>,
}

/// An iterator.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Iterated {
    /// The iterator.
    shard_iterator: String,
}

/// Records.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    /// The records.
    records: Vec<GotRecord>,
    /// The iterator of the next page.
    next_shard_iterator: Option<String>,
    /// How far they are from the newest, ms.
    millis_behind_latest: Option<i64>,
}

/// A record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotRecord {
    /// Its sequence number.
    sequence_number: String,
    /// When it came, seconds since the epoch.
    approximate_arrival_timestamp: Option<f64>,
    /// Its bytes in base 64.
    data: String,
    /// Its key.
    partition_key: String,
}

/// What became of records that were written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    /// Of each.
    records: Vec<PutRecord>,
}

/// What became of a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord {
    /// Why it is not written.
    error_code: Option<String>,
    /// What the server says.
    error_message: Option<String>,
}

/// Reads a value, and null as none.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

impl<H: Http> Client<'_, H> {
    /// Returns the shards of the stream.
    ///
    /// # Errors
    /// If the server refuses, or lists more shards than a stream can have.
    pub async fn shards(&self) -> Result<Shards, Trouble> {
        let mut shards = Shards::new();
        let mut wanted = json!({"StreamName": self.stream.name});
        for _ in 0..MOST_PAGES {
            let page: Listed = self.call("ListShards", &wanted).await?;
            for shard in page.shards {
                let numbers = shard.sequence_number_range;
                let parents = [shard.parent_shard_id, shard.adjacent_parent_shard_id];
                let of = Shard {
                    parents: parents.into_iter().flatten().collect(),
                    first: numbers.starting_sequence_number,
                    last: numbers.ending_sequence_number,
                };
                shards.insert(shard.shard_id, of);
            }
            match page.next_token {
                _ if shards.len() > MOST_SHARDS => break,
                Some(token) => wanted = json!({"NextToken": token}),
                None => return Ok(shards),
            }
        }
        Err(self.unusable("ListShards", "lists more shards than a stream can have"))
    }

    /// Returns an iterator of a shard that begins at a position.
    ///
    /// # Errors
    /// If the server refuses; [`Trouble::Invalid`] if the position is gone, or is to come.
    pub async fn iterator(&self, shard: &str, at: &Position) -> Result<String, Trouble> {
        let (kind, position) = at.parts();
        let mut wanted = json!({"StreamName": self.stream.name, "ShardId": shard, "ShardIteratorType": kind});
        match at {
            Position::Time(ms) => wanted["Timestamp"] = json!(*ms as f64 / 1_000.0),
            Position::At(_) | Position::After(_) => wanted["StartingSequenceNumber"] = json!(position),
            Position::Horizon | Position::End => {}
        }
        let found: Iterated = self.call("GetShardIterator", &wanted).await?;
        Ok(found.shard_iterator)
    }

    /// Returns the next records of an iterator, `limit` at most.
    ///
    /// # Errors
    /// If the server refuses, or its answer is not records; [`Trouble::Expired`] for an iterator that is too old.
    pub async fn records(&self, iterator: &str, limit: u64) -> Result<Page, Trouble> {
        let wanted = json!({"ShardIterator": iterator, "Limit": limit});
        let got: Got = self.call("GetRecords", &wanted).await?;
        let record = |record: GotRecord| {
            let seconds = record.approximate_arrival_timestamp.filter(|s| s.is_finite());
            Some(Record {
                data: from_base64(&record.data, false)?,
                key: record.partition_key,
                sequence: Some(record.sequence_number).filter(|number| is_sequence_number(number))?,
                arrived_us: seconds.map(|s| (s * US).round() as i64),
            })
        };
        let records: Option<Vec<Record>> = got.records.into_iter().map(record).collect();
        let wrong = "has a record whose data is not in base 64, or whose sequence number is not one";
        Ok(Page {
            records: records.ok_or_else(|| self.unusable("GetRecords", wrong))?,
            next: got.next_shard_iterator,
            behind_ms: got.millis_behind_latest.unwrap_or(0),
        })
    }

    /// Writes records; returns those that are not written.
    ///
    /// # Errors
    /// If the server refuses all of them, or does not say what became of each.
    pub async fn put(&self, records: &[Value]) -> Result<Vec<Unwritten>, Trouble> {
        let wanted = json!({"StreamName": self.stream.name, "Records": records});
        let put: Put = self.call("PutRecords", &wanted).await?;
        if put.records.len() != records.len() {
            return Err(self.unusable("PutRecords", "does not say what became of each record"));
        }
        let outcomes = put.records.into_iter().enumerate();
        let unwritten = outcomes.filter_map(|(at, of)| {
            let code = of.error_code?;
            Some(Unwritten {
                at,
                is_passing: is_passing(&code),
                why: format!("{code}: {}", of.error_message.unwrap_or_default()),
            })
        });
        Ok(unwritten.collect())
    }

    /// Sends a request and reads its answer. Where the server cannot be reached or has no time, it is sent again after waits that grow.
    ///
    /// # Errors
    /// What the last try ended with.
    async fn call<T: for<'de> Deserialize<'de>>(&self, action: &str, wanted: &Value) -> Result<T, Trouble> {
        let mut wait_ms = self.stream.retry_ms;
        for _ in 0..self.stream.tries {
            match self.once(action, wanted).await {
                Err(Trouble::Away(_)) => self.http.sleep(wait_ms).await,
                answered => return answered,
            }
            wait_ms = wait_ms.saturating_mul(2).min(self.stream.longest_retry_ms);
        }
        self.once(action, wanted).await
    }

    /// Sends a request once, and once more with other credentials if the page has them and the server refuses the first.
    ///
    /// # Errors
    /// As [`Client::call`].
    async fn once<T: for<'de> Deserialize<'de>>(&self, action: &str, wanted: &Value) -> Result<T, Trouble> {
        let stream = self.stream;
        let Some(name) = &stream.function else {
            let credentials = stream.credentials.as_ref().ok_or_else(no_credentials)?;
            return self.signed_by(credentials, action, wanted).await;
        };
        let from_page = Wanted {
            name: name.clone(),
            system: System::Kinesis,
            url: stream.endpoint.clone(),
        };
        let mut refusals = Refusals::default();
        loop {
            let held = self.http.credentials(&from_page, refusals.last()).await;
            let held = held.map_err(|error| Trouble::Credentials(Box::new(error)))?;
            let credentials = Credentials::of(&held).ok_or_else(no_credentials)?;
            match self.signed_by(&credentials, action, wanted).await {
                Err(Trouble::Unauthorized(why)) => {
                    if !refusals.asks_again(&held, self.http.now_ms()) {
                        return Err(Trouble::Credentials(Box::new(refused(&from_page, &why))));
                    }
                }
                answered => return answered,
            }
        }
    }

    /// Sends a request that is signed by credentials.
    ///
    /// # Errors
    /// As [`Client::call`].
    async fn signed_by<T: for<'de> Deserialize<'de>>(
        &self,
        credentials: &Credentials,
        action: &str,
        wanted: &Value,
    ) -> Result<T, Trouble> {
        let request = self.signed(credentials, action, wanted)?;
        let url = &self.stream.endpoint;
        let answered = self.http.send(request).await;
        let response = answered.map_err(|why| {
            Trouble::Away(format!(
                "{url} cannot be reached: {why}. The option kinesis.endpointUrl says where the server is; one for pages must allow their \
                 origin (CORS)."
            ))
        })?;
        if response.status != 200 {
            return Err(self.refused(credentials, action, &response));
        }
        serde_json::from_slice(&response.body).map_err(|_| {
            let beginning = beginning(credentials, &response);
            self.unusable(action, &format!("is not that of Kinesis: {beginning}"))
        })
    }

    /// Returns a signed request.
    ///
    /// # Errors
    /// If the address is not one, or the clock is beyond the calendar.
    fn signed(&self, credentials: &Credentials, action: &str, wanted: &Value) -> Result<Request, Trouble> {
        let stream = self.stream;
        let (host, path) = host_and_path(&stream.endpoint).ok_or_else(|| {
            Trouble::Other(format!(
                "The option kinesis.endpointUrl is not a URL: {}",
                stream.endpoint
            ))
        })?;
        let unsigned = || Trouble::Other("A request to Kinesis cannot be signed: the clock is wrong.".into());
        let time = time_of(self.http.now_ms()).ok_or_else(unsigned)?;
        let body = wanted.to_string().into_bytes();
        let target = format!("{VERSION}.{action}");
        let mut headers: Vec<(Cow<'static, str>, String)> = vec![
            ("Content-Type".into(), JSON.to_owned()),
            ("X-Amz-Date".into(), time.clone()),
            ("X-Amz-Target".into(), target),
        ];
        headers.extend(token_of(credentials));
        let named: Vec<(&str, &str)> = std::iter::once(("Host", host))
            .chain(headers.iter().map(|(name, value)| (name.as_ref(), value.as_str())))
            .collect();
        let scope = Scope {
            credentials,
            region: &stream.region,
            service: "kinesis",
            time: &time,
        };
        let message = Message {
            method: "POST",
            path,
            query: &[],
            headers: &named,
            body: &body,
        };
        let authorization = authorization(scope, message).ok_or_else(unsigned)?;
        headers.push(("Authorization".into(), authorization));
        Ok(Request {
            method: Method::Post,
            url: format!("{}{}", stream.endpoint, if path == "/" { "/" } else { "" }),
            headers,
            body: body.into(),
            wants: None,
            max_bytes: ANSWER_BYTES,
            timeout_ms: ANSWER_MS,
        })
    }

    /// Returns what the server means by an answer that is not a success.
    fn refused(&self, credentials: &Credentials, action: &str, response: &Response) -> Trouble {
        let failed: Failed = serde_json::from_slice(&response.body).unwrap_or_default();
        let kind = failed.kind.rsplit('#').next().unwrap_or_default();
        // A signature that does not fit is answered with what was to be signed.
        let said = match failed.message {
            Some(message) => credentials.hide(message),
            None => beginning(credentials, response),
        };
        let status = response.status;
        let (name, url) = (&self.stream.name, &self.stream.endpoint);
        let told =
            |hint: &str| format!("{url} answered {action} for the stream {name} with {status} {kind}: {said}{hint}");
        match kind {
            "ExpiredIteratorException" => Trouble::Expired,
            "InvalidArgumentException" => Trouble::Invalid(told("")),
            "ResourceNotFoundException" => Trouble::Other(told(
                " The options kinesis.streamName, kinesis.region and kinesis.endpointUrl say which stream it is.",
            )),
            _ if self.stream.function.is_some() && is_of_credentials(kind) => Trouble::Unauthorized(told("")),
            "ExpiredTokenException" | "ExpiredToken" => Trouble::Other(told(
                " The credentials have run out: the options kinesis.awsAccessKeyId, kinesis.awsSecretKey and kinesis.awsSessionToken take \
                 new ones, and in a page kinesis.credentials a function that returns them.",
            )),
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "InvalidClientTokenId"
            | "MissingAuthenticationTokenException"
            | "AccessDeniedException" => Trouble::Other(told(
                " The options kinesis.awsAccessKeyId, kinesis.awsSecretKey and kinesis.awsSessionToken, or kinesis.credentials, say whose \
                 requests they are, and kinesis.region where they are signed for.",
            )),
            _ if is_passing(kind) || response.is_away() => Trouble::Away(told("")),
            _ => Trouble::Other(told("")),
        }
    }

    /// Makes the trouble of an answer that cannot be used.
    pub fn unusable(&self, action: &str, what: &str) -> Trouble {
        let (name, url) = (&self.stream.name, &self.stream.endpoint);
        Trouble::Other(format!(
            "The answer of {url} to {action} for the stream {name} {what}. The option kinesis.endpointUrl must name a server of Kinesis."
        ))
    }
}

/// Returns the beginning of an answer without what is secret.
fn beginning(credentials: &Credentials, response: &Response) -> String {
    let text = credentials.hide(String::from_utf8_lossy(&response.body).into_owned());
    let body = text.into_bytes();
    Response {
        body,
        ..Response::default()
    }
    .beginning()
}

/// Makes the trouble of a stream without credentials.
fn no_credentials() -> Trouble {
    Trouble::Other(
        "There are no credentials for Kinesis: set the options kinesis.awsAccessKeyId and kinesis.awsSecretKey (and \
         kinesis.awsSessionToken, if they are temporary), or in a page kinesis.credentials."
            .into(),
    )
}

/// Returns whether an error of that name says that credentials have run out, or are not known: others may be taken.
fn is_of_credentials(kind: &str) -> bool {
    matches!(
        kind,
        "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
    )
}

/// Returns whether the server has no time now, for an error of that name.
fn is_passing(kind: &str) -> bool {
    matches!(
        kind,
        "ProvisionedThroughputExceededException"
            | "LimitExceededException"
            | "KMSThrottlingException"
            | "ThrottlingException"
            | "InternalFailure"
            | "InternalFailureException"
            | "ServiceUnavailable"
            | "ResourceInUseException"
    )
}

/// Returns the header of credentials that last for a while.
fn token_of(credentials: &Credentials) -> Option<(Cow<'static, str>, String)> {
    let token = credentials.session_token.clone()?;
    Some(("X-Amz-Security-Token".into(), token))
}

/// Returns the host of a URL as its header has it, without the port that its scheme means, and its path; `None` if it is not a URL.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    (!host.is_empty()).then_some((host, path))
}
