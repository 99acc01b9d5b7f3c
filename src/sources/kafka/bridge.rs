//! Kafka over HTTP, as a page reads it: what is asked of Rivulet's gateway, and what it answers. Other servers have a dialect of
//! their own ([`rest`]).
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /kafka/offsets` | a [`Question`]'s topics and times | `{"partitions": {"topic": {"0": {"earliest", "latest", "atTime"}}}}` |
//! | `POST /kafka/records` | topic, partition, from, until | rows ([`rows`](super::rows)) as an Arrow stream, and where to go on in the header `rivulet-next-offset` |
//! | `POST /kafka/write` | records ([`rows::written`](super::rows::written)) as an Arrow stream | `{}` |
//!
//! What is wrong is answered as `{"message"}` with a status of its own: 400 for what cannot be asked, 401 without the token,
//! 404 for a topic that does not exist, 416 for offsets that are gone, 502 for brokers that do not answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::buffer::Buffer;
use arrow::datatypes::{Int64Type, SchemaRef};
use serde::{Deserialize, Serialize};

use super::authorized::Authorized;
use super::dialect::{self, Dialect};
use super::exchange::{Order, Question, Span, Spans, Times, Topics, Writing};
use super::{data_loss, rest, rows, unanswered};
use crate::error::{Result, SparkError};
use crate::sources::http::{Http, Method, Request, Response};
use crate::sources::systems::Refused;
use crate::values::ipc;

#[cfg(test)]
mod tests;

/// Where offsets are asked for.
pub const OFFSETS_PATH: &str = "/kafka/offsets";
/// Where records are asked for.
pub const RECORDS_PATH: &str = "/kafka/records";
/// Says where the next request begins.
pub const NEXT_OFFSET: &str = "rivulet-next-offset";
/// The type of blocks of rows.
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

/// The type of what is asked.
pub const JSON: &str = "application/json";
/// Where records are written.
pub const WRITE_PATH: &str = "/kafka/write";

/// Most bytes that an answer is asked to have.
pub(super) const ANSWER_BYTES: usize = 8 << 20;
/// Most bytes that an answer may have: one record can be larger than what was asked for.
pub(super) const MOST_ANSWER_BYTES: usize = 256 << 20;
/// Most bytes that one task reads.
pub(super) const MOST_ORDER_BYTES: usize = 1 << 30;
/// How long a request may wait for records, ms.
pub(super) const WAIT_MS: i64 = 5_000;
/// How long to wait after a request that failed, ms.
pub(super) const PAUSE_MS: i64 = 250;
/// How long records are sent again to a server that is away, ms (`delivery.timeout.ms` of Kafka's producer).
pub(super) const WRITE_MS: i64 = 120_000;
/// How long an answer may take, ms.
pub(super) const ANSWER_MS: i64 = 60_000;

/// The body of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OffsetsWanted {
    /// Of which partitions.
    pub topics: Topics,
    /// At which times.
    #[serde(default)]
    pub times: Times,
}

/// The answer to a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetsFound {
    /// Spans by topic and partition.
    pub partitions: BTreeMap<String, BTreeMap<i32, SpanFound>>,
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanFound {
    /// As [`Span::earliest`].
    pub earliest: i64,
    /// As [`Span::latest`].
    pub latest: i64,
    /// As [`Span::at_time`].
    #[serde(default)]
    pub at_time: Option<i64>,
}

/// The body of an order's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordsWanted {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// The first offset.
    pub from: i64,
    /// The offset after the last.
    pub until: i64,
    /// Whether headers are wanted.
    #[serde(default)]
    pub headers: bool,
    /// About how many bytes are wanted at most.
    pub max_bytes: usize,
    /// How long to wait for a first record, ms.
    pub timeout_ms: i64,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What is wrong.
    #[serde(default)]
    pub message: String,
}

impl OffsetsFound {
    /// Returns spans in the form of an answer.
    pub fn of(spans: &Spans) -> Self {
        let mut found = Self::default();
        for ((topic, partition), span) in spans {
            let span = SpanFound {
                earliest: span.earliest,
                latest: span.latest,
                at_time: span.at_time,
            };
            found
                .partitions
                .entry(topic.clone())
                .or_default()
                .insert(*partition, span);
        }
        found
    }

    /// Returns the spans; `None` if one cannot be.
    fn spans(self) -> Option<Spans> {
        let mut spans = Spans::new();
        for (topic, partitions) in self.partitions {
            for (partition, of) in partitions {
                if partition < 0 || of.earliest < 0 || of.latest < of.earliest {
                    return None;
                }
                let span = Span {
                    earliest: of.earliest,
                    latest: of.latest,
                    at_time: of.at_time,
                };
                spans.insert((topic.clone(), partition), span);
            }
        }
        Some(spans)
    }
}

/// The name of the option that says where the server is, for messages.
const SET: &str = "set the option kafka.bridge.url to the address of a server such as ./build.sh gateway starts";

/// Returns the server's address.
///
/// # Errors
/// If none is set: a page has no TCP.
fn address(bridge: Option<&String>) -> Result<&str, String> {
    bridge
        .map(String::as_str)
        .ok_or_else(|| format!("A page cannot reach Kafka's brokers, as it has no TCP: {SET}."))
}

/// Returns the headers of a request.
pub(super) fn headers(content_type: &str, token: Option<&String>) -> Vec<(Cow<'static, str>, String)> {
    // A token that names its scheme, as `Basic …`, is sent as it is.
    let authorization = |token: &String| match token.contains(' ') {
        true => token.clone(),
        false => format!("Bearer {token}"),
    };
    let token = token.map(|token| (Cow::from("Authorization"), authorization(token)));
    [(Cow::from("Content-Type"), content_type.to_owned())]
        .into_iter()
        .chain(token)
        .collect()
}

/// Returns what an answer says is wrong, as it is.
pub(super) fn said(response: &Response) -> String {
    let said: Failed = serde_json::from_slice(&response.body).unwrap_or_default();
    if said.message.is_empty() {
        response.beginning()
    } else {
        said.message
    }
}

/// Returns what a server says is wrong.
pub(super) fn told(url: &str, response: &Response) -> String {
    let (status, said) = (response.status, said(response));
    let hint = match status {
        401 | 403 => {
            " The option kafka.bridge.token is what requests are authorized with, or kafka.bridge.credentials."
        }
        _ => "",
    };
    format!("{url} answered {status}: {said}{hint}")
}

/// Asks a server which offsets there are.
///
/// # Errors
/// Why it does not answer; `RIVULET_CREDENTIALS` if what requests are authorized with is not to be had, or refused.
pub async fn answer_of(http: &impl Http, question: &Question) -> Result<Spans, Refused> {
    let http = Authorized::new(http, &question.cluster);
    let answered = found(&http, question).await;
    answered.map_err(|refused| http.failure().map_or(refused, Refused::from))
}

/// Asks a server which offsets there are, by requests that are authorized.
async fn found(http: &impl Http, question: &Question) -> Result<Spans, Refused> {
    let refused = |message: String| Refused::for_good(message);
    let base = address(question.cluster.bridge.as_ref()).map_err(refused)?;
    match dialect::of(http, &question.cluster, base).await {
        Dialect::Auto | Dialect::Rivulet => {}
        other => return rest::answer_of(http, base, other, question).await,
    }
    let url = format!("{base}{OFFSETS_PATH}");
    let wanted = OffsetsWanted {
        topics: question.topics.clone(),
        times: question.times.clone(),
    };
    let request = Request {
        method: Method::Post,
        url: url.clone(),
        headers: headers(JSON, question.cluster.token.as_ref()),
        wants: None,
        body: serde_json::to_vec(&wanted).map_err(|e| refused(e.to_string()))?.into(),
        max_bytes: ANSWER_BYTES,
        timeout_ms: ANSWER_MS,
    };
    let response = http.send(request).await.map_err(|why| {
        Refused::for_now(format!(
            "{url} cannot be reached: {why}. It must run, and allow this page's origin (CORS)."
        ))
    })?;
    if response.status != 200 {
        let is_away = response.is_away();
        let message = told(&url, &response);
        return Err(Refused::new(message, is_away));
    }
    let found: Option<OffsetsFound> = serde_json::from_slice(&response.body).ok();
    let spans = found.and_then(OffsetsFound::spans);
    spans.ok_or_else(|| {
        refused(format!(
            "{url} is not a gateway for Kafka: its answer holds no offsets; {SET}."
        ))
    })
}

/// Writes records, block by block; a block that failed as the server was away is sent again, and may then be there twice.
///
/// # Errors
/// As [`answer_of`].
pub async fn write(http: &impl Http, writing: &Writing) -> Result<(), Refused> {
    let http = Authorized::new(http, &writing.cluster);
    let written = sent(&http, writing).await;
    written.map_err(|refused| http.failure().map_or(refused, Refused::from))
}

/// Writes records by requests that are authorized.
async fn sent(http: &impl Http, writing: &Writing) -> Result<(), Refused> {
    let refused = |message: String| Refused::for_good(message);
    let base = address(writing.cluster.bridge.as_ref()).map_err(refused)?;
    match dialect::of(http, &writing.cluster, base).await {
        Dialect::Auto | Dialect::Rivulet => {}
        other => return rest::write(http, base, other, writing).await,
    }
    let url = format!("{base}{WRITE_PATH}");
    for block in &writing.blocks {
        let mut waited_ms = 0;
        loop {
            let request = Request {
                method: Method::Post,
                url: url.clone(),
                headers: headers(ARROW, writing.cluster.token.as_ref()),
                wants: None,
                body: block.clone(),
                max_bytes: ANSWER_BYTES,
                timeout_ms: ANSWER_MS,
            };
            let why = match http.send(request).await {
                Ok(response) if response.status == 200 => break,
                Ok(response) if response.is_away() => told(&url, &response),
                Ok(response) => return Err(refused(told(&url, &response))),
                Err(why) => format!("{url} cannot be reached: {why}"),
            };
            if waited_ms >= WRITE_MS {
                return Err(refused(why));
            }
            waited_ms += PAUSE_MS;
            http.sleep(PAUSE_MS).await;
        }
    }
    Ok(())
}

/// Reads the records of an order: blocks of rows.
///
/// # Errors
/// `KAFKA_DATA_LOSS` if records are gone and that is an error; `RIVULET_KAFKA_UNANSWERED` if the server refuses, or has no records
/// within the order's time; `RIVULET_CREDENTIALS` if what requests are authorized with is not to be had, or refused; if what it answers
/// is not rows of these records, or more than a task can take.
pub async fn pull(http: &impl Http, order: &Order) -> Result<Vec<Buffer>> {
    let http = Authorized::new(http, &order.cluster);
    let pulled = read(&http, order).await;
    pulled.map_err(|error| http.failure().unwrap_or(error))
}

/// Reads the records of an order by requests that are authorized.
async fn read(http: &impl Http, order: &Order) -> Result<Vec<Buffer>> {
    let base = address(order.cluster.bridge.as_ref()).map_err(|why| unanswered(&why))?;
    match dialect::of(http, &order.cluster, base).await {
        Dialect::Auto | Dialect::Rivulet => {}
        other => return rest::pull(http, base, other, order).await,
    }
    let mut reading = Reading {
        order,
        url: format!("{base}{RECORDS_PATH}"),
        at: order.from,
        bytes: 0,
        waited_ms: 0,
        blocks: vec![],
    };
    while reading.at < order.until {
        let answered = http.send(reading.request()?).await;
        if let Some(pause_ms) = reading.take(answered)? {
            http.sleep(pause_ms).await;
        }
    }
    Ok(reading.blocks)
}

/// How far the reading of an order has come.
struct Reading<'a> {
    /// The order.
    order: &'a Order,
    /// Where it is read.
    url: String,
    /// The offset of the next request.
    at: i64,
    /// Bytes so far.
    bytes: usize,
    /// How long nothing has come, ms.
    waited_ms: i64,
    /// Blocks so far.
    blocks: Vec<Buffer>,
}

impl Reading<'_> {
    /// Returns the next request.
    fn request(&self) -> Result<Request> {
        let order = self.order;
        let wanted = RecordsWanted {
            topic: order.topic.clone(),
            partition: order.partition,
            from: self.at,
            until: order.until,
            headers: order.headers,
            max_bytes: ANSWER_BYTES,
            timeout_ms: WAIT_MS.min(order.timeout_ms),
        };
        Ok(Request {
            method: Method::Post,
            url: self.url.clone(),
            headers: headers(JSON, order.cluster.token.as_ref()),
            wants: Some(NEXT_OFFSET),
            body: serde_json::to_vec(&wanted)
                .map_err(|e| SparkError::internal(e.to_string()))?
                .into(),
            max_bytes: MOST_ANSWER_BYTES,
            timeout_ms: ANSWER_MS,
        })
    }

    /// Takes in what came of a request; returns how long to wait before the next, ms, if it brought nothing.
    ///
    /// # Errors
    /// As [`pull`].
    fn take(&mut self, answered: Result<Response, String>) -> Result<Option<i64>> {
        let url = self.url.clone();
        match answered {
            Ok(response) if response.status == 200 => {
                let next = next_of(&response).filter(|next| *next >= self.at).ok_or_else(|| {
                    let at = self.at;
                    unanswered(&format!(
                        "{url} does not say in {NEXT_OFFSET} where to go on after offset {at}"
                    ))
                })?;
                if !response.body.is_empty() {
                    self.bytes += response.body.len();
                    if self.bytes > MOST_ORDER_BYTES {
                        return Err(too_much(self.order));
                    }
                    let block = Buffer::from(response.body);
                    self.check(&block, next)?;
                    self.blocks.push(block);
                }
                if next == self.at {
                    let why = format!("{url} has no record at offset {next}");
                    return self.nothing(&why, 0, WAIT_MS.min(self.order.timeout_ms));
                }
                (self.at, self.waited_ms) = (next, 0);
                Ok(None)
            }
            Ok(response) if response.status == 416 => match next_of(&response) {
                Some(next) if next > self.at && !self.order.strict => {
                    self.at = next;
                    Ok(None)
                }
                _ => Err(gone(self.order, self.at, &told(&url, &response))),
            },
            Ok(response) if response.is_away() => self.nothing(&told(&url, &response), PAUSE_MS, PAUSE_MS),
            Ok(response) => Err(unanswered(&told(&url, &response))),
            Err(why) => self.nothing(&format!("{url} cannot be reached: {why}"), PAUSE_MS, PAUSE_MS),
        }
    }

    /// Notes that nothing came for a while, and returns how long to wait now.
    ///
    /// # Errors
    /// If the order's time is over.
    fn nothing(&mut self, why: &str, pause_ms: i64, took_ms: i64) -> Result<Option<i64>> {
        self.waited_ms += took_ms.max(1);
        if self.waited_ms >= self.order.timeout_ms {
            return Err(unanswered(why));
        }
        Ok(Some(pause_ms))
    }

    /// Checks that a block is rows of the records from here up to `next`.
    ///
    /// # Errors
    /// If it is not.
    fn check(&self, block: &Buffer, next: i64) -> Result<()> {
        let (topic, partition, url) = (&self.order.topic, self.order.partition, &self.url);
        let wrong = |what: &str| unanswered(&format!("{url}: the records of {topic}-{partition} {what}."));
        let schema = rows::schema(self.order.headers);
        let found = ipc::schema_of(block).map_err(|why| wrong(&format!("did not come as rows: {why}")))?;
        let types = |schema: &SchemaRef| -> Vec<_> {
            let fields = schema.fields().iter();
            fields.map(|f| (f.name().clone(), f.data_type().clone())).collect()
        };
        if types(&found) != types(&schema) {
            return Err(wrong("came with other columns than a gateway of this version sends"));
        }
        let mut last = self.at - 1;
        for batch in ipc::read(block)? {
            let offsets = batch.column(rows::OFFSET).as_primitive::<Int64Type>();
            for offset in offsets.iter() {
                last = offset
                    .filter(|offset| *offset > last && *offset < next.min(self.order.until))
                    .ok_or_else(|| wrong(&format!("are not those from offset {} up to {next}", self.at)))?;
            }
        }
        Ok(())
    }
}

/// Returns where a server says the next request begins.
fn next_of(response: &Response) -> Option<i64> {
    response.header.as_deref()?.trim().parse().ok()
}

/// Makes the error of records that are gone.
pub(super) fn gone(order: &Order, at: i64, why: &str) -> SparkError {
    let reason = format!(
        "Could not read records in offset [{at}, {}) for topic partition {}-{}: {why}",
        order.until, order.topic, order.partition
    );
    data_loss("COULD_NOT_READ_OFFSET_RANGE", &reason)
}

/// Makes the error of more records than a task can take.
pub fn too_much(order: &Order) -> SparkError {
    unanswered(&format!(
        "The records of {}-{} in offset [{}, {}) are more than 1 GiB: maxOffsetsPerTrigger, minPartitions and maxRecordsPerPartition make \
         batches and pieces smaller.",
        order.topic, order.partition, order.from, order.until
    ))
}
