//! The records of an order, by a consumer of a REST server that lives as long as the order.

use arrow::buffer::Buffer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BINARY, Server, V2, check_topic, failure, told};
use crate::error::{Result, SparkError};
use crate::sources::http::{Http, Method, Response};
use crate::sources::kafka::bridge::{
    ANSWER_BYTES, MOST_ANSWER_BYTES, MOST_ORDER_BYTES, PAUSE_MS, WAIT_MS, gone, too_much,
};
use crate::sources::kafka::dialect::Dialect;
use crate::sources::kafka::exchange::Order;
use crate::sources::kafka::rows::{self, Record};
use crate::sources::kafka::unanswered;
use crate::values::base64::from_base64;

/// A record, as it is answered.
#[derive(Debug, Deserialize)]
struct Answered {
    /// Its topic.
    topic: String,
    /// Its partition.
    partition: i32,
    /// Its offset.
    offset: i64,
    /// Its key in base 64.
    #[serde(default)]
    key: Option<String>,
    /// Its value in base 64.
    #[serde(default)]
    value: Option<String>,
    /// Its time, ms since the epoch, where the server says it.
    #[serde(default)]
    timestamp: Option<i64>,
    /// Its headers, where the server says them.
    #[serde(default)]
    headers: Vec<Header>,
}

/// A header of a record.
#[derive(Debug, Deserialize)]
struct Header {
    /// Its key.
    key: String,
    /// Its value in base 64.
    #[serde(default)]
    value: Option<String>,
}

/// Reads the records of an order: blocks of rows.
///
/// # Errors
/// `KAFKA_DATA_LOSS` if records are gone and that is an error; `RIVULET_KAFKA_UNANSWERED` if the server refuses, has no records
/// within the order's time, or answers what is not these records; if they are more than a task can take.
pub async fn pull(http: &impl Http, base: &str, dialect: Dialect, order: &Order) -> Result<Vec<Buffer>> {
    check_topic(&order.topic).map_err(|why| unanswered(&why))?;
    if order.headers && dialect == Dialect::Confluent {
        return Err(unanswered(
            "Confluent's REST Proxy does not hand out headers of records: leave out includeHeaders, or read through Strimzi's bridge or \
             Rivulet's gateway.",
        ));
    }
    let server = Server {
        http,
        base,
        cluster: &order.cluster,
        dialect,
    };
    let mut reading = Reading {
        server,
        order,
        at: order.from,
        waited_ms: 0,
        made: 0,
        gap: None,
        bytes: 0,
        blocks: vec![],
    };
    reading.begin().await?;
    while reading.at < order.until {
        let Some(consumer) = reading.consumer().await? else {
            continue;
        };
        let read = reading.read_by(&consumer).await;
        // A consumer that is not ended now ends by itself in time: nothing depends on it.
        let ended = reading.server.send(Method::Delete, &consumer, V2, vec![], ANSWER_BYTES);
        drop(ended.await);
        read?;
    }
    Ok(reading.blocks)
}

/// Makes the error of records that are not those that were asked for.
fn wrong(order: &Order, url: &str, what: &str) -> SparkError {
    let Order { topic, partition, .. } = order;
    unanswered(&format!("{url}: the records of {topic}-{partition} {what}."))
}

/// How far the reading of an order has come.
struct Reading<'a, H> {
    /// Who is asked.
    server: Server<'a, H>,
    /// The order.
    order: &'a Order,
    /// The offset of the next record.
    at: i64,
    /// How long nothing has come, ms.
    waited_ms: i64,
    /// How many consumers were made.
    made: usize,
    /// A gap that an answer began with: the first offset that came, and how often it has come.
    gap: Option<(i64, usize)>,
    /// Bytes so far.
    bytes: usize,
    /// Blocks so far.
    blocks: Vec<Buffer>,
}

impl<H: Http> Reading<'_, H> {
    /// Looks for what is gone: the order begins with what is still there, if that is not an error.
    async fn begin(&mut self) -> Result<()> {
        let order = self.order;
        loop {
            match self.server.offsets(&order.topic_partition()).await {
                Ok(held) if held.beginning_offset <= order.from => return Ok(()),
                Ok(held) if order.strict => {
                    let why = format!("the first offset that is there is {}", held.beginning_offset);
                    return Err(gone(order, order.from, &why));
                }
                Ok(held) => {
                    self.at = held.beginning_offset.min(order.until);
                    return Ok(());
                }
                Err(refused) if refused.is_away => self.nothing(&refused.message, PAUSE_MS).await?,
                Err(refused) => return Err(unanswered(&refused.message)),
            }
        }
    }

    /// Notes that nothing came for a while, and waits.
    ///
    /// # Errors
    /// If the order's time is over.
    async fn nothing(&mut self, why: &str, ms: i64) -> Result<()> {
        self.waited(why, ms)?;
        self.server.http.sleep(ms).await;
        Ok(())
    }

    /// Notes that nothing came for a while.
    ///
    /// # Errors
    /// If the order's time is over.
    fn waited(&mut self, why: &str, ms: i64) -> Result<()> {
        self.waited_ms += ms.max(1);
        if self.waited_ms >= self.order.timeout_ms {
            return Err(unanswered(why));
        }
        Ok(())
    }

    /// Makes a consumer and puts it at the next offset; returns its address, or `None` if the server was away.
    async fn consumer(&mut self) -> Result<Option<String>> {
        let Order {
            topic,
            partition,
            from,
            until,
            ..
        } = self.order;
        self.made += 1;
        let (now_ms, made) = (self.server.http.now_ms(), self.made);
        let name = format!("rivulet-{topic}-{partition}-{from}-{until}-{now_ms}-{made}");
        let mut wanted = json!({ "name": name, "format": "binary", "auto.offset.reset": "earliest" });
        if self.server.dialect == Dialect::Strimzi {
            wanted["enable.auto.commit"] = json!(false);
        } else {
            wanted["auto.commit.enable"] = json!("false");
        }
        let group = self.server.url(&format!("/consumers/{name}"));
        let consumer = format!("{group}/instances/{name}");
        let place = json!({ "topic": topic, "partition": partition });
        let assigned = (format!("{consumer}/assignments"), json!({ "partitions": [place] }));
        for (url, body) in [(group, wanted), assigned] {
            if !self.said(&url, &body).await? {
                return Ok(None);
            }
        }
        self.gap = None;
        Ok(self.put(&consumer, self.at).await?.then_some(consumer))
    }

    /// Puts a consumer at an offset; returns whether it is there, or the server was away.
    async fn put(&mut self, consumer: &str, at: i64) -> Result<bool> {
        let Order { topic, partition, .. } = self.order;
        let position = json!({ "topic": topic, "partition": partition, "offset": at });
        let url = format!("{consumer}/positions");
        self.said(&url, &json!({ "offsets": [position] })).await
    }

    /// Says something to the server; returns whether it has heard it, or was away.
    async fn said(&mut self, url: &str, body: &Value) -> Result<bool> {
        let body = body.to_string().into_bytes();
        let why = match self.server.send(Method::Post, url, V2, body, ANSWER_BYTES).await {
            Ok(response) if (200..300).contains(&response.status) => return Ok(true),
            // A name that is taken was made by a request whose answer was lost.
            Ok(response) if response.is_away() || response.status == 409 => told(url, &response),
            Ok(response) if response.status == 404 && url.contains("/instances/") => format!(
                "{} Several servers behind one address must keep the requests of a consumer together.",
                told(url, &response)
            ),
            Ok(response) => return Err(unanswered(&told(url, &response))),
            Err(why) => format!("{url} cannot be reached: {why}"),
        };
        self.nothing(&why, PAUSE_MS).await?;
        Ok(false)
    }

    /// Reads by a consumer until the order is carried out, or the consumer is of no use any more.
    async fn read_by(&mut self, consumer: &str) -> Result<()> {
        let wait_ms = WAIT_MS.min(self.order.timeout_ms);
        let url = format!("{consumer}/records?timeout={wait_ms}&max_bytes={ANSWER_BYTES}");
        while self.at < self.order.until {
            let asked_ms = self.server.http.now_ms();
            let answered = self
                .server
                .send(Method::Get, &url, BINARY, vec![], MOST_ANSWER_BYTES)
                .await;
            let took_ms = (self.server.http.now_ms() - asked_ms).max(PAUSE_MS);
            match answered {
                Ok(response) if response.status == 200 => {
                    let before = self.at;
                    let answered = self.answered(&url, &response)?;
                    if let Some(first) = answered.first()
                        && let Some(at) = self.doubted(first.offset)
                    {
                        if !self.put(consumer, at).await? {
                            return Ok(());
                        }
                        continue;
                    }
                    self.take(&url, answered)?;
                    if self.at == before {
                        let why = format!(
                            "{url} has no record at offset {before}. If the rest of the range are marks of transactions, \
                             failOnDataLoss=false passes over them."
                        );
                        if let Err(error) = self.waited(&why, took_ms) {
                            if self.order.strict {
                                return Err(error);
                            }
                            self.at = self.order.until;
                        } else if !self.put(consumer, before).await? {
                            // The last records, too, may have been answered to nobody: they are asked for from their beginning.
                            return Ok(());
                        }
                    } else {
                        self.waited_ms = 0;
                    }
                }
                // The server has given it up, as consumers that ask nothing for minutes are.
                Ok(response) if response.status == 404 && matches!(failure(&response).error_code, 404 | 40403) => {
                    return self.nothing(&told(&url, &response), PAUSE_MS).await;
                }
                Ok(response) if response.is_away() => self.nothing(&told(&url, &response), PAUSE_MS).await?,
                Ok(response) => return Err(unanswered(&told(&url, &response))),
                Err(why) => {
                    // What was answered to nobody is not answered again: another consumer asks for it.
                    return self.nothing(&format!("{url} cannot be reached: {why}"), PAUSE_MS).await;
                }
            }
        }
        Ok(())
    }

    /// Returns where the consumer is to be put if the first record that has come is not to be believed yet.
    ///
    /// Compaction leaves gaps; so does an answer that was lost on its way, after which the browser has asked again by itself, as it
    /// does where a connection that it has used before breaks. A gap is one if it is there again when the record before its end
    /// is asked for, and once more from its beginning.
    fn doubted(&mut self, first: i64) -> Option<i64> {
        match self.gap.take() {
            None if first <= self.at => None,
            None => {
                self.gap = Some((first, 1));
                Some(first - 1)
            }
            Some((known, 1)) if known == first => {
                self.gap = Some((first, 2));
                Some(self.at)
            }
            Some((known, _)) if known == first => None,
            Some(_) => Some(self.at),
        }
    }

    /// Reads an answer.
    fn answered(&self, url: &str, response: &Response) -> Result<Vec<Answered>> {
        serde_json::from_slice(&response.body).map_err(|why| {
            wrong(
                self.order,
                url,
                &format!("did not come as records in the binary format: {why}"),
            )
        })
    }

    /// Takes in records, up to the end of the order.
    ///
    /// # Errors
    /// If they are not those that were asked for; if they are too many.
    fn take(&mut self, url: &str, answered: Vec<Answered>) -> Result<()> {
        let (order, at) = (self.order, self.at);
        let wrong = |what: &str| wrong(order, url, what);
        let bytes = |text: Option<&String>| -> Result<Option<Vec<u8>>> {
            let of = |text: &String| from_base64(text, false).ok_or_else(|| wrong("are not in base 64"));
            text.map(of).transpose()
        };
        let mut records = vec![];
        for record in answered {
            let next = records.last().map_or(at, |last: &Record| last.offset + 1);
            if record.topic != order.topic || record.partition != order.partition || record.offset < next {
                return Err(wrong(&format!("are not those from offset {next} on")));
            }
            if record.offset >= order.until {
                self.at = order.until;
                break;
            }
            let mut headers = vec![];
            for header in &record.headers {
                headers.push((header.key.clone(), bytes(header.value.as_ref())?));
            }
            records.push(Record {
                offset: record.offset,
                key: bytes(record.key.as_ref())?,
                value: bytes(record.value.as_ref())?,
                timestamp_ms: record.timestamp,
                headers,
            });
        }
        if let Some(last) = records.last() {
            self.at = self.at.max(last.offset + 1);
            let block = rows::block(&order.topic, order.partition, &records, order.headers)?;
            self.bytes += block.len();
            if self.bytes > MOST_ORDER_BYTES {
                return Err(too_much(order));
            }
            self.blocks.push(block.into());
        }
        Ok(())
    }
}
