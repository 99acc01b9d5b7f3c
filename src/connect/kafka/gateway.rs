//! The gateway: an HTTP server in front of Kafka's brokers, for pages, which have no TCP.
//!
//! It serves what [`bridge`](crate::sources::kafka::bridge) describes, keeps nothing, and has limits on all it takes. Pages of other
//! origins than those that are named are refused, and so is who lacks the token, if there is one.

use std::sync::Arc;
use std::time::Duration;

use arrow::buffer::Buffer;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CONTENT_TYPE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::{Brokers, Trouble};
use crate::sources::kafka::bridge::{
    ARROW, Failed, NEXT_OFFSET, OFFSETS_PATH, OffsetsFound, OffsetsWanted, RECORDS_PATH, RecordsWanted, WRITE_PATH,
};
use crate::sources::kafka::exchange::{Cluster, Question};
use crate::sources::kafka::rows;

/// Most bytes of a request.
const MOST_REQUEST_BYTES: usize = 1 << 20;
/// Most bytes of records that are written at once.
const MOST_WRITTEN_BYTES: usize = 64 << 20;
/// Most bytes of an answer, about.
const MOST_ANSWER_BYTES: usize = 16 << 20;
/// How long a request may wait for records, ms.
const LONGEST_WAIT_MS: i64 = 30_000;
/// Requests that are served at once; others wait.
const MOST_AT_ONCE: usize = 64;

/// The settings of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The brokers: `host:port`, with commas.
    pub servers: String,
    /// The origins whose pages may read, such as `http://localhost:5173`; `*` is all.
    pub origins: Vec<String>,
    /// What requests must carry as a bearer token; `None` lets all in.
    pub token: Option<String>,
}

/// A gateway at work.
struct Gateway {
    settings: Settings,
    brokers: Brokers,
    turns: Semaphore,
}

/// Returns the routes of a gateway.
pub fn routes(settings: Settings) -> Router {
    let gateway = Arc::new(Gateway {
        settings,
        brokers: Brokers::default(),
        turns: Semaphore::new(MOST_AT_ONCE),
    });
    Router::new()
        .route("/", get(about))
        .route(OFFSETS_PATH, post(offsets))
        .route(RECORDS_PATH, post(records))
        .route(WRITE_PATH, post(write).layer(DefaultBodyLimit::max(MOST_WRITTEN_BYTES)))
        .fallback(|| async { failed(StatusCode::NOT_FOUND, "There is nothing at this address.") })
        .layer(DefaultBodyLimit::max(MOST_REQUEST_BYTES))
        .layer(from_fn_with_state(gateway.clone(), admitted))
        .with_state(gateway)
}

/// Says what this server is.
async fn about() -> impl IntoResponse {
    let text = serde_json::json!({ "rivuletGateway": env!("CARGO_PKG_VERSION"), "serves": [OFFSETS_PATH, RECORDS_PATH, WRITE_PATH] });
    ([(CONTENT_TYPE, "application/json")], text.to_string())
}

/// Makes an answer that says what is wrong.
fn failed(status: StatusCode, message: &str) -> Response {
    let message = message.to_owned();
    let body = serde_json::to_string(&Failed { message }).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Makes the answer to a request that brokers do not do.
fn refused(trouble: &Trouble) -> Response {
    let status = match trouble {
        Trouble::Away(_) => StatusCode::BAD_GATEWAY,
        Trouble::Unknown(_) => StatusCode::NOT_FOUND,
        Trouble::Gone { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        Trouble::Other(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = failed(status, &trouble.message());
    if let Trouble::Gone { earliest, .. } = trouble {
        response.headers_mut().insert(NEXT_OFFSET, HeaderValue::from(*earliest));
    }
    response
}

/// Lets requests through that come from a page that may read and carry the token, a limited number at once.
async fn admitted(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let named = |origin: &HeaderValue| {
        let origins = &gateway.settings.origins;
        origins
            .iter()
            .any(|one| one == "*" || one.as_bytes() == origin.as_bytes())
    };
    if let Some(origin) = &origin
        && !named(origin)
    {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        return failed(
            StatusCode::FORBIDDEN,
            &format!("Pages of {origin} may not read here: --origin {origin} lets them."),
        );
    }
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else if !has_token(request.headers(), gateway.settings.token.as_deref()) {
        failed(
            StatusCode::UNAUTHORIZED,
            "The request does not carry this gateway's token.",
        )
    } else {
        match gateway.turns.acquire().await {
            Ok(_turn) => next.run(request).await,
            Err(_) => failed(StatusCode::SERVICE_UNAVAILABLE, "The gateway ends."),
        }
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type"),
        );
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(NEXT_OFFSET));
        // A page on the web asks for leave to reach this machine.
        headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Returns whether a request carries the token, which is compared in the same time whatever it is.
fn has_token(headers: &HeaderMap, token: Option<&str>) -> bool {
    let Some(token) = token else { return true };
    let sent = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let sent = sent.strip_prefix(b"Bearer ").unwrap_or_default();
    let differences = sent.iter().zip(token.as_bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    sent.len() == token.len() && differences == 0
}

/// Reads a request's body.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Box<Response>> {
    serde_json::from_slice(body).map_err(|why| {
        Box::new(failed(
            StatusCode::BAD_REQUEST,
            &format!("The request cannot be read: {why}."),
        ))
    })
}

/// Says which offsets there are.
async fn offsets(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response {
    let wanted: OffsetsWanted = match read(&body) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    let question = Question {
        cluster: Cluster {
            servers: gateway.settings.servers.clone(),
            ..Cluster::default()
        },
        topics: wanted.topics,
        times: wanted.times,
    };
    match gateway.brokers.spans(&question).await {
        Ok(spans) => match serde_json::to_string(&OffsetsFound::of(&spans)) {
            Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
            Err(why) => failed(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
        },
        Err(trouble) => refused(&trouble),
    }
}

/// Sends records as rows.
async fn records(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response {
    let wanted: RecordsWanted = match read(&body) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    if wanted.from < 0 || wanted.until <= wanted.from || wanted.partition < 0 {
        return failed(StatusCode::BAD_REQUEST, "The request names no range of offsets.");
    }
    let wait = Duration::from_millis(wanted.timeout_ms.clamp(0, LONGEST_WAIT_MS).unsigned_abs());
    let most = wanted.max_bytes.clamp(1, MOST_ANSWER_BYTES);
    let place = (wanted.topic.as_str(), wanted.partition);
    let range = (wanted.from, wanted.until);
    let (records, next) = match gateway
        .brokers
        .records(&gateway.settings.servers, place, range, most, wait)
        .await
    {
        Ok(read) => read,
        Err(trouble) => return refused(&trouble),
    };
    let rows = if records.is_empty() {
        Ok(vec![])
    } else {
        rows::block(place.0, place.1, &records, wanted.headers)
    };
    match rows {
        Ok(rows) => {
            let mut response = ([(CONTENT_TYPE, ARROW)], rows).into_response();
            response.headers_mut().insert(NEXT_OFFSET, HeaderValue::from(next));
            response
        }
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error.message),
    }
}

/// Writes records.
async fn write(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response {
    let block = Buffer::from(Vec::from(body));
    match gateway.brokers.write(&gateway.settings.servers, &block).await {
        Ok(()) => ([(CONTENT_TYPE, "application/json")], "{}").into_response(),
        Err(trouble) => refused(&trouble),
    }
}
