//! The kinds of HTTP servers in front of Kafka's brokers, and which of them a server is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::bridge::{ANSWER_BYTES, ANSWER_MS, JSON, OFFSETS_PATH, PAUSE_MS};
use super::exchange::Cluster;
use crate::sources::http::{Http, Method, Request, Response};

/// What an HTTP server in front of the brokers speaks (`kafka.bridge.dialect`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dialect {
    /// One of the others: the server is asked.
    #[default]
    Auto,
    /// Rivulet's gateway.
    Rivulet,
    /// Version 2 of the API of Confluent's REST Proxy.
    Confluent,
    /// Strimzi's Kafka Bridge.
    Strimzi,
}

/// The names of the dialects, as the option has them.
pub const NAMES: &[&str] = &["auto", "rivulet", "confluent", "strimzi"];

/// How often a server that does not answer is asked.
const MOST_TRIES: usize = 5;
/// Most servers whose dialect is remembered.
const MOST_KNOWN: usize = 64;

/// What servers have answered, by their addresses: each host asks a server once.
static KNOWN: Mutex<BTreeMap<String, Dialect>> = Mutex::new(BTreeMap::new());

impl Dialect {
    /// Reads a name; `None` for others.
    ///
    /// ```
    /// use rivulet::sources::kafka::dialect::Dialect;
    ///
    /// assert_eq!(Dialect::named("Strimzi"), Some(Dialect::Strimzi));
    /// assert_eq!(Dialect::named("redpanda"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Some(Self::Auto),
            "rivulet" => Some(Self::Rivulet),
            "confluent" => Some(Self::Confluent),
            "strimzi" => Some(Self::Strimzi),
            _ => None,
        }
    }
}

/// Returns whether an answer is that of a REST server which does not know a path: its errors have a number.
fn is_rest(response: &Response) -> bool {
    let said: Option<serde_json::Value> = serde_json::from_slice(&response.body).ok();
    matches!(response.status, 404 | 405) && said.is_some_and(|said| said["error_code"].is_i64())
}

/// Sends a request until it is answered; `None` if it is not, in a few tries.
async fn asked(http: &impl Http, request: &Request) -> Option<Response> {
    for _ in 0..MOST_TRIES {
        match http.send(request.clone()).await {
            Ok(answer) if !answer.is_away() => return Some(answer),
            _ => http.sleep(PAUSE_MS).await,
        }
    }
    None
}

/// Returns the dialect of a cluster's server, which is asked if no option says it; a server that does not answer is taken for
/// Rivulet's gateway, and asked again the next time.
pub async fn of(http: &impl Http, cluster: &Cluster, base: &str) -> Dialect {
    if cluster.dialect != Dialect::Auto {
        return cluster.dialect;
    }
    let known = |map: &BTreeMap<String, Dialect>| map.get(base).copied();
    if let Some(dialect) = known(&KNOWN.lock().unwrap_or_else(PoisonError::into_inner)) {
        return dialect;
    }
    let request = |method: Method, path: &str| Request {
        method,
        url: format!("{base}{path}"),
        headers: super::bridge::headers(JSON, cluster.token.as_ref()),
        wants: None,
        body: if method == Method::Post { b"{}".to_vec() } else { vec![] }.into(),
        max_bytes: ANSWER_BYTES,
        timeout_ms: ANSWER_MS,
    };
    let Some(asked) = asked(http, &request(Method::Post, OFFSETS_PATH)).await else {
        return Dialect::Rivulet;
    };
    let dialect = if is_rest(&asked) {
        // Strimzi's bridge names its version at its root.
        let Some(root) = self::asked(http, &request(Method::Get, "/")).await else {
            return Dialect::Confluent;
        };
        let said: Option<serde_json::Value> = serde_json::from_slice(&root.body).ok();
        if said.is_some_and(|said| said.get("bridge_version").is_some()) {
            Dialect::Strimzi
        } else {
            Dialect::Confluent
        }
    } else {
        Dialect::Rivulet
    };
    // Who was not let in does not know which server it is.
    if matches!(asked.status, 401 | 403) {
        return dialect;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() < MOST_KNOWN {
        known.insert(base.to_owned(), dialect);
    }
    dialect
}
