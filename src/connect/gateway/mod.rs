//! The gateway: an HTTP server in front of what pages cannot reach, which have no TCP: Kafka's brokers, Flume's agents, and Spark Connect's
//! servers.
//!
//! It keeps nothing for good, and has limits on all it takes. Pages of other origins than those that are named are refused, and so is who lacks
//! the token, if there is one.

pub mod flume;
mod kafka;
mod spark;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION, CONTENT_TYPE,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

pub use self::spark::Upstream;
use crate::sources::kafka::bridge::Failed;

/// Most bytes of a request, if its route does not say otherwise.
const MOST_REQUEST_BYTES: usize = 1 << 20;
/// Requests whose answers are awaited at once; others wait.
const MOST_AT_ONCE: usize = 64;
/// What a page may send without being asked which headers it sends.
const USUAL_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
/// What a page may read of an answer's head: the next offset of Kafka's records, and what gRPC says.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("rivulet-next-offset, grpc-status, grpc-message, grpc-status-details-bin");

/// The settings of a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Kafka's brokers: `host:port`, with commas; `None` serves no Kafka.
    pub kafka: Option<String>,
    /// A Spark Connect server; `None` serves none.
    pub spark: Option<Upstream>,
    /// Flume's agents.
    pub flume: flume::Settings,
    /// The origins whose pages may read, such as `http://localhost:5173`; `*` is all.
    pub origins: Vec<String>,
    /// What requests must carry as a bearer token; `None` lets all in.
    pub token: Option<String>,
}

/// Decides who is let in.
struct Door {
    origins: Vec<String>,
    token: Option<String>,
}

/// Returns the routes of a gateway, and listens for Flume's agents from now on, in a Tokio runtime.
///
/// # Errors
/// If the address of the Spark Connect server cannot be read, or one for Flume's agents cannot be used.
pub fn routes(settings: Settings) -> Result<Router, String> {
    let door = Arc::new(Door {
        origins: settings.origins,
        token: settings.token,
    });
    let mut router = Router::new();
    let mut served = vec![];
    if let Some(servers) = settings.kafka {
        served.extend(kafka::PATHS);
        router = router.merge(kafka::routes(servers));
    }
    if let Some(upstream) = &settings.spark {
        served.push(spark::PATH);
        router = router.merge(spark::routes(upstream, door.token.is_some())?);
    }
    router = router.layer(from_fn_with_state(Arc::new(Semaphore::new(MOST_AT_ONCE)), in_turn));
    // Agents wait for pages: neither takes a turn, and each has limits of its own.
    if !(settings.flume.listeners.is_empty() && settings.flume.sinks.is_empty()) {
        served.extend(flume::PATHS);
        router = router.merge(flume::routes(flume::Flume::open(settings.flume)?));
    }
    Ok(router
        .route("/", get(move || about(served)))
        .fallback(|| async { failed(StatusCode::NOT_FOUND, "There is nothing at this address.") })
        .layer(DefaultBodyLimit::max(MOST_REQUEST_BYTES))
        .layer(from_fn_with_state(door, admitted)))
}

/// Says what this server is.
async fn about(served: Vec<&'static str>) -> impl IntoResponse {
    let text = serde_json::json!({ "rivuletGateway": env!("CARGO_PKG_VERSION"), "serves": served });
    ([(CONTENT_TYPE, "application/json")], text.to_string())
}

/// Makes an answer that says what is wrong.
fn failed(status: StatusCode, message: &str) -> Response {
    let message = message.to_owned();
    let body = serde_json::to_string(&Failed { message }).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Lets a limited number of requests through at once.
async fn in_turn(State(turns): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match turns.acquire().await {
        Ok(_turn) => next.run(request).await,
        Err(_) => failed(StatusCode::SERVICE_UNAVAILABLE, "The gateway ends."),
    }
}

/// Lets requests through that come from a page that may read and carry the token.
async fn admitted(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let named = |origin: &HeaderValue| {
        let mut origins = door.origins.iter();
        origins.any(|one| one == "*" || one.as_bytes() == origin.as_bytes())
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
    let sent = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else if !has_token(request.headers(), door.token.as_deref()) {
        failed(
            StatusCode::UNAUTHORIZED,
            "The request does not carry this gateway's token.",
        )
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        // A page that is let in may send what it likes: connection strings name headers.
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, sent.unwrap_or(USUAL_HEADERS));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
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
