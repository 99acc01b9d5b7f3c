//! Spark Connect over gRPC-Web: pages cannot speak gRPC, which needs HTTP/2 with trailers. Requests go on as they are.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{RequestExt, Router};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt};

/// What is served: the methods of the service.
pub const PATH: &str = "/spark.connect.SparkConnectService/{method}";
/// Most bytes of a request: as many as Spark takes without being told otherwise (`spark.connect.grpc.maxInboundMessageSize`).
const MOST_REQUEST_BYTES: usize = 128 << 20;
/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a connection on which nothing happens is looked at.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The port of Spark Connect's server where none is named.
const PORT: u16 = 15_002;

/// A Spark Connect server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// `host`, `host:port` or `sc://host:port`.
    pub address: String,
    /// What it wants as a bearer token; `None` sends what the page sends, if that is not this gateway's own.
    pub token: Option<String>,
}

/// A server, and how to speak to it.
#[derive(Clone)]
struct Server {
    address: String,
    channel: Channel,
    token: Option<HeaderValue>,
    /// Whether what requests are authorized with is for the gateway alone.
    has_own_token: bool,
}

/// Returns the way to a server; `has_own_token` says that pages send the gateway's token and not the server's.
///
/// # Errors
/// If the address or the token cannot be read.
pub fn routes(upstream: &Upstream, has_own_token: bool) -> Result<Router, String> {
    let address = address_of(&upstream.address)?;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|why| format!("{address}: {why}"))?;
    let token = match &upstream.token {
        Some(token) => Some(
            HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| "the token for Spark cannot be sent".to_owned())?,
        ),
        None => None,
    };
    let server = Server {
        address,
        channel: endpoint
            .connect_timeout(PATIENCE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            .connect_lazy(),
        token,
        has_own_token,
    };
    let methods = post(forward).layer(DefaultBodyLimit::max(MOST_REQUEST_BYTES));
    Ok(Router::new().route(PATH, methods).with_state(server))
}

/// Returns `host:port`; errors say what is wrong.
fn address_of(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("sc://").unwrap_or(text).trim_end_matches('/');
    if text.is_empty() || text.contains(['/', ';', '@', ' ']) {
        return Err(format!("{text:?} is not HOST:PORT of a Spark Connect server"));
    }
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port {
        text.to_owned()
    } else {
        format!("{text}:{PORT}")
    })
}

/// Hands a request on, and the answer back.
async fn forward(State(server): State<Server>, request: Request) -> Response {
    let mut request = request.with_limited_body();
    let headers = request.headers_mut();
    if !headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web"))
    {
        return super::failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Requests to Spark are gRPC-Web.");
    }
    headers.remove(ORIGIN);
    if server.has_own_token {
        headers.remove(AUTHORIZATION);
    }
    if let Some(token) = &server.token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    match GrpcWebLayer::new().layer(server.channel).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(why) => {
            let message = format!("The gateway does not reach Spark at {}: {why}", server.address);
            let mut response = Status::new(Code::Unavailable, message)
                .into_http::<tonic::body::Body>()
                .into_response();
            let web = HeaderValue::from_static("application/grpc-web+proto");
            response.headers_mut().insert(CONTENT_TYPE, web);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers() {
        assert_eq!(address_of("spark.example").as_deref(), Ok("spark.example:15002"));
        assert_eq!(address_of("sc://localhost:7/").as_deref(), Ok("localhost:7"));
        for wrong in ["", "sc://", "sc://h:1/;token=x", "http://h", "a b"] {
            assert!(address_of(wrong).is_err(), "{wrong}");
        }
    }
}
