//! Kafka over HTTP through the REST servers that others have: version 2 of the API of Confluent's REST Proxy, and Strimzi's Kafka
//! Bridge, which speaks nearly the same.
//!
//! | request | for |
//! |---|---|
//! | `GET /topics`, `/topics/T/partitions`, `/topics/T/partitions/P/offsets` | which offsets there are |
//! | `POST /consumers/G`, `…/instances/I/assignments`, `…/positions`, `GET …/records`, `DELETE …/I` | the records of an order |
//! | `POST /topics/T` | records that are written |
//!
//! A consumer lives as long as one order: it is assigned one partition and put at one offset, so nothing is committed to a group
//! and every record can be read again. Its address is made of the bridge's own, as the `base_uri` that servers answer often names
//! a host that a page cannot reach; several servers after one address must keep a consumer's requests together.
//!
//! Records of Confluent's proxy have neither a time nor headers: `timestamp` is null.

mod offsets;
mod reading;
mod writing;

#[cfg(test)]
mod tests;

pub use offsets::answer_of;
pub use reading::pull;
pub use writing::write;

use arrow::buffer::Buffer;
use serde::Deserialize;

use super::bridge::{self, ANSWER_BYTES, ANSWER_MS, told};
use super::dialect::Dialect;
use super::exchange::Cluster;
use crate::sources::http::{Http, Method, Request, Response};

/// The type of questions and of their answers.
const V2: &str = "application/vnd.kafka.v2+json";
/// The type of records whose keys and values are base64.
const BINARY: &str = "application/vnd.kafka.binary.v2+json";

/// Checks that a topic can have a name (`org.apache.kafka.common.internals.Topic`): then it is a part of a path as it is.
///
/// # Errors
/// That it cannot.
fn check_topic(name: &str) -> Result<(), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=249).contains(&name.len()) || name == "." || name == ".." || !name.chars().all(is_legal) {
        return Err(format!("'{name}' is not a name that a topic of Kafka can have."));
    }
    Ok(())
}

/// An error of a REST server.
#[derive(Debug, Clone, Default, Deserialize)]
struct Failed {
    /// Its number: the status and two digits, or the status.
    #[serde(default)]
    error_code: i64,
}

/// A server, and how it is asked.
struct Server<'a, H> {
    /// Who sends requests.
    http: &'a H,
    /// Its address.
    base: &'a str,
    /// What requests carry.
    cluster: &'a Cluster,
    /// What it speaks.
    dialect: Dialect,
}

impl<H: Http> Server<'_, H> {
    /// Returns the address of a path.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What is known of it, if the server cannot be reached.
    async fn send(
        &self,
        method: Method,
        url: &str,
        kind: &str,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Response, String> {
        let mut headers = bridge::headers(V2, self.cluster.token.as_ref());
        if method == Method::Post {
            kind.clone_into(&mut headers[0].1);
        } else {
            headers[0] = ("Accept".into(), kind.to_owned());
        }
        let request = Request {
            method,
            url: url.to_owned(),
            headers,
            wants: None,
            body: Buffer::from(body),
            max_bytes: most,
            timeout_ms: ANSWER_MS,
        };
        self.http.send(request).await
    }

    /// Asks for something.
    async fn get(&self, url: &str) -> Result<Response, String> {
        self.send(Method::Get, url, V2, vec![], ANSWER_BYTES).await
    }
}

/// Returns the error that a server answers.
fn failure(response: &Response) -> Failed {
    serde_json::from_slice(&response.body).unwrap_or_default()
}
