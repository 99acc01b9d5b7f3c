//! Kafka over HTTP: what [`bridge`](crate::sources::kafka::bridge) describes.

use std::sync::Arc;
use std::time::Duration;

use arrow::buffer::Buffer;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::de::DeserializeOwned;

use super::failed;
use crate::connect::kafka::{Brokers, Trouble};
use crate::sources::kafka::bridge::{
    ARROW, NEXT_OFFSET, OFFSETS_PATH, OffsetsFound, OffsetsWanted, RECORDS_PATH, RecordsWanted, WRITE_PATH,
};
use crate::sources::kafka::exchange::{Cluster, Question};
use crate::sources::kafka::rows;

/// Most bytes of records that are written at once.
const MOST_WRITTEN_BYTES: usize = 64 << 20;
/// Most bytes of an answer, about.
const MOST_ANSWER_BYTES: usize = 16 << 20;
/// How long a request may wait for records, ms.
const LONGEST_WAIT_MS: i64 = 30_000;

/// What is served.
pub const PATHS: [&str; 3] = [OFFSETS_PATH, RECORDS_PATH, WRITE_PATH];

/// Brokers behind a gateway.
struct Gateway {
    servers: String,
    brokers: Brokers,
}

/// Returns the routes to brokers: `host:port`, with commas.
pub fn routes(servers: String) -> Router {
    let brokers = Brokers::default();
    Router::new()
        .route(OFFSETS_PATH, post(offsets))
        .route(RECORDS_PATH, post(records))
        .route(WRITE_PATH, post(write).layer(DefaultBodyLimit::max(MOST_WRITTEN_BYTES)))
        .with_state(Arc::new(Gateway { servers, brokers }))
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
            servers: gateway.servers.clone(),
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
        .records(&gateway.servers, place, range, most, wait)
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
    match gateway.brokers.write(&gateway.servers, &block).await {
        Ok(()) => ([(CONTENT_TYPE, "application/json")], "{}").into_response(),
        Err(trouble) => refused(&trouble),
    }
}
