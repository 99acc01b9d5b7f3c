//! Flume for pages: agents send events into channels, over Avro ([`listener`]) or HTTP ([`http`]), or the gateway polls Spark's sink in them
//! ([`sink`]). A transaction stays open at its agent until a page has its events for good ([`channel`]).
//!
//! ```text
//!  agent's Avro sink ─▶ listener ─┐
//!  agent, HTTP ─▶ http::take ─────┼─▶ channel ─▶ http::events ─▶ page
//!  agent's Spark sink ◀─ sink ────┘     ◀─ ack ─
//! ```
//!
//! Pages choose among the channels and sinks that the command line names: they make the gateway neither listen nor connect elsewhere.

mod channel;
mod container;
mod frames;
mod http;
mod json;
mod listener;
mod rpc;
mod schema;
mod sink;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::sync::Semaphore;

use self::channel::Channel;
use self::sink::Polling;
use crate::sources::flume::exchange::{AGENT_PATH, EVENTS_PATH};
use crate::sources::flume::options::{MOST_ADDRESSES, MOST_PARALLEL};

/// What is served.
pub const PATHS: [&str; 2] = [EVENTS_PATH, AGENT_PATH];
/// Requests of agents whose bodies are read at once.
const MOST_BODIES: usize = 8;
/// Readers that wait at once.
const MOST_READERS: usize = 64;
/// Polls of sinks at once.
const MOST_POLLS: usize = 64;
/// Sets of sinks that are polled.
const MOST_SETS: usize = 64;
/// How long an agent waits without a setting.
const PATIENCE: Duration = Duration::from_secs(15);

/// The settings of Flume's side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where agents send events: a channel for each port.
    pub listeners: Vec<SocketAddr>,
    /// Spark's sinks that may be polled, `host:port`.
    pub sinks: Vec<String>,
    /// How long an agent waits for its events to be safe; `None` is 15 s. Flume's Avro sink waits 20.
    pub patience: Option<Duration>,
}

/// Channels of agents.
#[derive(Debug)]
pub struct Flume {
    settings: Settings,
    /// This life of the gateway.
    life: String,
    channels: BTreeMap<u16, Arc<Channel>>,
    /// Sinks that are polled, by their addresses.
    polled: Mutex<BTreeMap<Vec<String>, Arc<Polling>>>,
    places: Arc<Semaphore>,
    bodies: Semaphore,
    polls: Semaphore,
}

/// Reads where to listen: a port of the loopback address, or `address:port`.
pub fn listener_of(text: &str) -> Option<SocketAddr> {
    let port = || text.parse().ok().map(|port| (Ipv4Addr::LOCALHOST, port).into());
    let address: SocketAddr = text.parse().ok().or_else(port)?;
    (address.port() > 0).then_some(address)
}

impl Flume {
    /// Opens channels, and listens for their agents.
    ///
    /// # Errors
    /// Why an address cannot be used, or two are for one channel.
    pub fn open(settings: Settings) -> Result<Arc<Self>, String> {
        // Who knows this number has seen it here.
        let life = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        let patience = settings.patience.unwrap_or(PATIENCE);
        let mut channels = BTreeMap::new();
        for address in &settings.listeners {
            let port = address.port();
            let channel = Channel::new(format!("{life}-{port}"), patience);
            listener::listen(*address, channel.clone())?;
            if channels.insert(port, channel).is_some() {
                return Err(format!("two listeners have the port {port}"));
            }
        }
        Ok(Arc::new(Self {
            settings,
            life,
            channels,
            polled: Mutex::default(),
            places: Arc::new(Semaphore::new(MOST_POLLS)),
            bodies: Semaphore::new(MOST_BODIES),
            polls: Semaphore::new(MOST_READERS),
        }))
    }

    /// Returns the channel of some sinks, and has them polled for a reader that stays.
    ///
    /// # Errors
    /// A status, and what is wrong: sinks that may not be polled, or too many.
    fn polling(
        &self,
        addresses: &[String],
        parallelism: usize,
        batch: usize,
        stays: bool,
    ) -> Result<Arc<Channel>, (StatusCode, String)> {
        if let Some(other) = addresses.iter().find(|one| !self.settings.sinks.contains(one)) {
            let why = format!("The gateway may not poll a sink at {other}: --flume-sink {other} lets it.");
            return Err((StatusCode::FORBIDDEN, why));
        }
        if addresses.is_empty() || addresses.len() > MOST_ADDRESSES || batch == 0 {
            let why = format!("A request names 1 to {MOST_ADDRESSES} sinks, and batches of 1 event or more.");
            return Err((StatusCode::BAD_REQUEST, why));
        }
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        if !polled.contains_key(addresses) {
            polled.retain(|_, polling| polling.channel.is_read());
            if polled.len() >= MOST_SETS {
                return Err((StatusCode::SERVICE_UNAVAILABLE, "Too many sinks are polled.".into()));
            }
            let life = format!("{:016x}-{}", RandomState::new().hash_one(addresses), self.life);
            let patience = self.settings.patience.unwrap_or(PATIENCE);
            let polling = Polling::new(Channel::new(life, patience), addresses.to_vec(), self.places.clone());
            polled.insert(addresses.to_vec(), polling);
        }
        let polling = &polled[addresses];
        // The reader is there from now on, and so are polls for it.
        if stays {
            polling.channel.greet();
            polling.keep(parallelism.clamp(1, MOST_PARALLEL), batch);
        }
        Ok(polling.channel.clone())
    }
}

/// Returns the routes of agents and pages.
pub fn routes(flume: Arc<Flume>) -> Router {
    Router::new()
        .route(EVENTS_PATH, post(http::events))
        .route(AGENT_PATH, post(http::take))
        .with_state(flume)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_on_the_loopback_address_unless_another_is_named() {
        assert_eq!(listener_of("41414"), Some(([127, 0, 0, 1], 41_414).into()));
        assert_eq!(listener_of("0.0.0.0:1"), Some(([0, 0, 0, 0], 1).into()));
        for wrong in ["", "0", "host:1", "70000", "127.0.0.1:0"] {
            assert_eq!(listener_of(wrong), None, "{wrong}");
        }
    }
}
