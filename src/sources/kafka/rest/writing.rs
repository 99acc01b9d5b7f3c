//! Records that a REST server writes.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{BINARY, Server, check_topic, told};
use crate::sources::http::{Http, Method};
use crate::sources::kafka::bridge::{ANSWER_BYTES, PAUSE_MS, WRITE_MS};
use crate::sources::kafka::dialect::Dialect;
use crate::sources::kafka::exchange::Writing;
use crate::sources::kafka::rows::{self, Record};
use crate::sources::systems::Refused;
use crate::values::base64::to_base64;

/// Most records of a request.
const MOST_RECORDS: usize = 1_000;
/// Most bytes of a request's keys and values, about: servers take 1 MB and a record more.
const MOST_BYTES: usize = 512 << 10;
/// The number of an error of which another try may be without (`RETRIABLE_ERROR_CODE` of the REST Proxy).
const RETRIABLE: i64 = 2;

/// What has become of a record.
#[derive(Debug, Default, Deserialize)]
struct Placed {
    /// The number of what is wrong.
    #[serde(default)]
    error_code: Option<i64>,
    /// What is wrong, as Confluent says it.
    #[serde(default)]
    error: Option<String>,
    /// What is wrong, as Strimzi says it.
    #[serde(default)]
    message: Option<String>,
}

/// What has become of records.
#[derive(Debug, Deserialize)]
struct AllPlaced {
    /// Of each, in their order.
    offsets: Vec<Placed>,
}

/// Writes records, those of one topic after the other; what failed as the server was away is sent again, and may then be there
/// twice and later than what followed it.
///
/// # Errors
/// Why they are not written; some may be.
pub async fn write(http: &impl Http, base: &str, dialect: Dialect, writing: &Writing) -> Result<(), Refused> {
    let server = Server {
        http,
        base,
        cluster: &writing.cluster,
        dialect,
    };
    for block in &writing.blocks {
        let records = rows::records(block).map_err(|error| Refused::for_good(error.message))?;
        let mut from = 0;
        while from < records.len() {
            let topic = &records[from].0;
            let (mut until, mut bytes) = (from, 0);
            while until < records.len()
                && records[until].0 == *topic
                && until - from < MOST_RECORDS
                && (bytes < MOST_BYTES || until == from)
            {
                let record = &records[until].2;
                bytes += record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len);
                until += 1;
            }
            let of = records[from..until].iter();
            let lines = of.map(|(_, partition, record)| shown(dialect, *partition, record));
            server.produce(topic, lines.collect::<Result<_, _>>()?).await?;
            from = until;
        }
    }
    Ok(())
}

/// Returns a record as a server takes it.
fn shown(dialect: Dialect, partition: Option<i32>, record: &Record) -> Result<Value, Refused> {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| to_base64(bytes));
    let mut shown = json!({ "key": bytes(&record.key), "value": bytes(&record.value) });
    if let Some(partition) = partition {
        shown["partition"] = json!(partition);
    }
    if !record.headers.is_empty() {
        if dialect == Dialect::Confluent {
            return Err(Refused::for_good(
                "Confluent's REST Proxy takes no headers of records: leave out the column headers, or write through Strimzi's bridge or \
                 Rivulet's gateway.",
            ));
        }
        let headers = record.headers.iter();
        let headers = headers.map(|(key, value)| json!({ "key": key, "value": bytes(value) }));
        shown["headers"] = headers.collect();
    }
    Ok(shown)
}

impl<H: Http> Server<'_, H> {
    /// Writes records of a topic, until all are there.
    async fn produce(&self, topic: &str, mut records: Vec<Value>) -> Result<(), Refused> {
        check_topic(topic).map_err(Refused::for_good)?;
        let url = self.url(&format!("/topics/{topic}"));
        let mut waited_ms = 0;
        loop {
            let body = json!({ "records": records }).to_string().into_bytes();
            let why = match self.send(Method::Post, &url, BINARY, body, ANSWER_BYTES).await {
                Ok(response) if response.status == 200 => {
                    let placed: Option<AllPlaced> = serde_json::from_slice(&response.body).ok();
                    let placed = placed.filter(|placed| placed.offsets.len() == records.len());
                    let Some(AllPlaced { offsets }) = placed else {
                        let count = records.len();
                        return Err(Refused::for_good(format!(
                            "{url} does not say where the {count} records are that it was sent."
                        )));
                    };
                    let mut left = vec![];
                    let mut why = String::new();
                    for (record, placed) in std::mem::take(&mut records).into_iter().zip(offsets) {
                        let Some(code) = placed.error_code else { continue };
                        let said = placed.error.or(placed.message).unwrap_or_default();
                        why = format!("{url} did not write a record: {said} ({code}).");
                        if code != RETRIABLE && code < 500 {
                            return Err(Refused::for_good(why));
                        }
                        left.push(record);
                    }
                    if left.is_empty() {
                        return Ok(());
                    }
                    records = left;
                    why
                }
                Ok(response) if response.is_away() => told(&url, &response),
                Ok(response) => return Err(Refused::for_good(told(&url, &response))),
                Err(why) => format!("{url} cannot be reached: {why}"),
            };
            if waited_ms >= WRITE_MS {
                return Err(Refused::for_good(why));
            }
            waited_ms += PAUSE_MS;
            self.http.sleep(PAUSE_MS).await;
        }
    }
}
