//! How a host writes records: by `PutRecords`, as many at once as it takes, and those again that a shard had no time for.

use serde_json::{Value, json};

use super::client::{Client, Trouble};
use super::exchange::Writing;
use super::rows;
use crate::sources::http::Http;
use crate::sources::systems::Refused;
use crate::values::base64::to_base64;

/// Most records of a request.
const MOST_RECORDS: usize = 500;
/// Most bytes of a request's records and keys, as the service counts them.
const MOST_BYTES: usize = 5_000_000;
/// How long records are sent again, ms.
const WRITE_MS: i64 = 120_000;

/// Writes records. What was written before a request failed is there, and is written again with the batch.
///
/// # Errors
/// What the server refuses; what is still not written after long.
pub async fn write(http: &impl Http, writing: &Writing) -> Result<(), Refused> {
    let stream = &writing.stream;
    let client = Client { http, stream };
    for block in &writing.blocks {
        let records = rows::records(block).map_err(|error| Refused::for_good(error.message))?;
        for request in requests(records) {
            put(&client, request).await?;
        }
    }
    Ok(())
}

/// Deals records out over requests, in their order.
fn requests(records: Vec<(String, Vec<u8>)>) -> Vec<Vec<Value>> {
    let mut requests: Vec<Vec<Value>> = vec![];
    let (mut open, mut bytes) = (vec![], 0);
    for (key, data) in records {
        let size = key.len() + data.len();
        if open.len() >= MOST_RECORDS || (bytes + size > MOST_BYTES && !open.is_empty()) {
            requests.push(std::mem::take(&mut open));
            bytes = 0;
        }
        bytes += size;
        open.push(json!({"PartitionKey": key, "Data": to_base64(&data)}));
    }
    if !open.is_empty() {
        requests.push(open);
    }
    requests
}

/// Writes the records of one request, and those again that were not written.
///
/// # Errors
/// As [`write`].
async fn put(client: &Client<'_, impl Http>, mut records: Vec<Value>) -> Result<(), Refused> {
    let (mut waited_ms, mut wait_ms) = (0, client.stream.retry_ms.max(1));
    loop {
        let why = match client.put(&records).await {
            Ok(unwritten) => {
                if let Some(last) = unwritten.iter().find(|record| !record.is_passing) {
                    return Err(Refused::for_good(refusal(client, &last.why)));
                }
                let Some(first) = unwritten.first() else { return Ok(()) };
                let why = refusal(client, &first.why);
                records = unwritten.into_iter().map(|of| records[of.at].take()).collect();
                why
            }
            Err(Trouble::Away(why)) => why,
            Err(trouble) => return Err(trouble.into()),
        };
        if waited_ms >= WRITE_MS {
            return Err(Refused::for_good(why));
        }
        client.http.sleep(wait_ms).await;
        waited_ms += wait_ms;
        wait_ms = wait_ms.saturating_mul(2).min(client.stream.longest_retry_ms.max(1));
    }
}

/// Returns what a server says of a record that it does not write.
fn refusal(client: &Client<'_, impl Http>, why: &str) -> String {
    let (name, url) = (&client.stream.name, &client.stream.endpoint);
    format!("{url} does not write a record to the stream {name}: {why}")
}
