//! HTTP and HTTPS natively, for hosts of sources and sinks: one client for the process, which keeps its connections.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::bytes::Bytes;
use tonic::codegen::http;

use crate::sources::http::{Http, Method, Request, Response};

/// Connections over TLS, or without it for addresses that begin with `http://`.
type Connections = Pool<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Returns the process's connections.
fn connections() -> &'static Connections {
    static CONNECTIONS: OnceLock<Connections> = OnceLock::new();
    CONNECTIONS.get_or_init(|| {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        Pool::builder(TokioExecutor::new()).build(connector)
    })
}

/// Sends requests from the threads of a Tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client;

impl Http for Client {
    async fn send(&self, request: Request) -> Result<Response, String> {
        let timeout_ms = request.timeout_ms;
        let limit = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        match tokio::time::timeout(limit, sent(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("it does not answer within {timeout_ms} ms")),
        }
    }

    async fn sleep(&self, ms: i64) {
        tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
    }

    #[allow(clippy::disallowed_methods)] // A native host's own.
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as i64)
    }
}

/// Sends a request and reads its answer.
///
/// # Errors
/// As [`Http::send`].
async fn sent(request: Request) -> Result<Response, String> {
    let told = |why: &dyn std::error::Error| {
        let mut text = why.to_string();
        let mut cause = why.source();
        while let Some(why) = cause {
            text.push_str(": ");
            text.push_str(&why.to_string());
            cause = why.source();
        }
        text
    };
    let mut building = http::Request::builder().method(request.method.word()).uri(&request.url);
    for (name, value) in &request.headers {
        building = building.header(name.as_ref(), value);
    }
    let body = match request.method {
        Method::Post => Bytes::copy_from_slice(&request.body),
        Method::Get | Method::Delete => Bytes::new(),
    };
    let body = Full::new(body);
    let answered = connections().request(building.body(body).map_err(|e| told(&e))?);
    let answered = answered.await.map_err(|e| told(&e))?;
    let header = request.wants.and_then(|name| answered.headers().get(name));
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = answered.status().as_u16();
    if answered.status().is_redirection() {
        let location = answered.headers().get("location").and_then(|value| value.to_str().ok());
        return Ok(Response::redirect(status, location));
    }
    let mut stream = answered.into_body();
    let mut body = Vec::new();
    while let Some(frame) = stream.frame().await {
        let Ok(bytes) = frame.map_err(|e| told(&e))?.into_data() else {
            continue;
        };
        if body.len() + bytes.len() > request.max_bytes {
            return Err(format!("its answer is longer than {} bytes", request.max_bytes));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(Response { status, header, body })
}
