//! Flume over HTTP: agents send events as they do to Flume's own `HTTPSource`, and pages ask for them
//! ([`exchange`](crate::sources::flume::exchange)).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::channel::{Channel, Lost, Polled};
use super::json::Charset;
use super::{Flume, container, json};
use crate::connect::gateway::failed;
use crate::sources::flume::avro::{write_bytes, write_long};
use crate::sources::flume::event::{Event, MOST_TRANSACTION_BYTES, read_delivery};
use crate::sources::flume::exchange::{AVRO, From, Told, ToldDelivery, ToldEvent, Wanted};
use crate::values::base64::to_base64;

/// How long a request's body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes an agent's events: 200 when they are safe; 400 for what is not events, 503 when the channel is full or they are not safe in time,
/// and the agent sends them again.
pub async fn take(
    State(flume): State<Arc<Flume>>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(channel) = channel.parse().ok().and_then(|port| flume.channels.get(&port)) else {
        return failed(StatusCode::NOT_FOUND, &no_channel(&channel));
    };
    let events = {
        let Ok(_turn) = flume.bodies.try_acquire() else {
            return failed(StatusCode::SERVICE_UNAVAILABLE, "Too many requests at once.");
        };
        match timeout(PATIENCE, to_bytes(body, MOST_TRANSACTION_BYTES)).await {
            Err(_) => return failed(StatusCode::REQUEST_TIMEOUT, "The request is too slow."),
            Ok(Err(_)) => {
                let most =
                    format!("A request has at most {MOST_TRANSACTION_BYTES} bytes, and all that it says it has.");
                return failed(StatusCode::PAYLOAD_TOO_LARGE, &most);
            }
            Ok(Ok(bytes)) => events_of(&headers, &bytes),
        }
    };
    match events.map(|events| channel.submit(&events)) {
        Err(why) => failed(StatusCode::BAD_REQUEST, &why),
        Ok(Err(_)) => failed(StatusCode::SERVICE_UNAVAILABLE, "The channel is full."),
        Ok(Ok(held)) => {
            if held.settled().await {
                return StatusCode::OK.into_response();
            }
            failed(
                StatusCode::SERVICE_UNAVAILABLE,
                "Nobody has made the events safe in time.",
            )
        }
    }
}

/// Returns what is said of a channel that is not there.
fn no_channel(channel: &str) -> String {
    format!("The channel {channel} is not open: --flume PORT opens one.")
}

/// Reads events by their content type: Avro's, or JSON.
fn events_of(headers: &HeaderMap, bytes: &Bytes) -> Result<Vec<Event>, String> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == AVRO || media.ends_with("avro") {
        return container::events(bytes).map_err(|why| format!("The events cannot be read: {why}."));
    }
    json::events(Charset::of(kind)?, bytes)
}

/// Answers a page that asks for events.
pub async fn events(State(flume): State<Arc<Flume>>, headers: HeaderMap, body: Bytes) -> Response {
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(why) => return failed(StatusCode::BAD_REQUEST, &format!("The request cannot be read: {why}.")),
    };
    let Ok(_turn) = flume.polls.try_acquire() else {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "Too many readers at once.");
    };
    let channel = match channel_of(&flume, &wanted) {
        Ok(channel) => channel,
        Err((status, why)) => return failed(status, &why),
    };
    match channel.poll(&wanted).await {
        Ok(polled) => {
            let accept = headers.get(ACCEPT).map_or(&b""[..], |accept| accept.as_bytes());
            if accept == b"application/json" {
                told(polled)
            } else {
                written(&polled)
            }
        }
        Err(Lost::Taken) => failed(
            StatusCode::CONFLICT,
            "Another query reads these events now: a channel, or a sink, has one reader.",
        ),
        Err(Lost::Forgotten) => failed(StatusCode::GONE, "The gateway was started again."),
    }
}

/// Returns the channel that a reader means, which is polled for if it is one of sinks.
fn channel_of(flume: &Flume, wanted: &Wanted) -> Result<Arc<Channel>, (StatusCode, String)> {
    match &wanted.from {
        From::Push { port } => match flume.channels.get(port) {
            Some(channel) => Ok(channel.clone()),
            None => Err((StatusCode::NOT_FOUND, no_channel(&port.to_string()))),
        },
        From::Pull {
            addresses,
            batch,
            parallelism,
        } => flume.polling(addresses, *parallelism, *batch, !wanted.leaves),
    }
}

/// Returns an answer in Avro.
fn written(polled: &Polled) -> Response {
    let mut out = Vec::with_capacity(64 + polled.delivery.as_ref().map_or(0, Bytes::len));
    write_bytes(&mut out, polled.lease.as_bytes());
    write_long(&mut out, i64::from(polled.delivery.is_some()));
    out.extend(polled.delivery.iter().flatten());
    ([(CONTENT_TYPE, AVRO)], out).into_response()
}

/// Returns an answer in JSON.
fn told(polled: Polled) -> Response {
    let delivery = polled.delivery.as_deref().map(read_delivery).transpose();
    let delivery = delivery.map(|read| {
        read.map(|(id, events)| ToldDelivery {
            id: id.to_owned(),
            events: events
                .into_iter()
                .map(|event| ToldEvent {
                    headers: event.headers,
                    body: to_base64(&event.body),
                })
                .collect(),
        })
    });
    let told = delivery.map_err(|why| why.to_string()).and_then(|delivery| {
        let told = Told {
            lease: polled.lease,
            delivery,
        };
        serde_json::to_string(&told).map_err(|why| why.to_string())
    });
    match told {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(why) => failed(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}

#[cfg(test)]
mod tests;
