//! Spark's sink in Flume's agents, as the gateway polls it: each batch is a transaction of the channel, and is acknowledged to the sink when
//! its events are safe, or sent back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::channel::Channel;
use super::frames;
use super::rpc::{Answered, Batch, Caller, read_batch};
use crate::sources::flume::avro::{Reader, write_bytes, write_long};
use crate::sources::flume::event::MOST_EVENTS;

/// How long a sink may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a sink may take to be connected.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The first wait before a sink that failed is connected again, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// How long to wait after a sink had no events: it has waited itself.
const PAUSE: Duration = Duration::from_millis(100);
/// Answers to other calls that are passed over.
const MOST_STRAY: usize = 8;

/// A connection to a sink.
struct Sink {
    stream: TcpStream,
    caller: Caller,
    serial: u32,
}

impl Sink {
    /// Connects.
    async fn open(address: &str) -> Result<Self, String> {
        let stream = match timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(connected) => connected.map_err(|why| why.to_string())?,
            Err(_) => return Err("it does not answer".into()),
        };
        Ok(Self {
            stream,
            caller: Caller::default(),
            serial: 0,
        })
    }

    /// Makes a call; returns its response.
    async fn call(&mut self, message: &str, parameters: &[u8]) -> Result<Vec<u8>, String> {
        match timeout(PATIENCE, self.called(message, parameters)).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("it does not answer {message}")),
        }
    }

    /// Makes a call, once more if the sink wants to know the protocol first.
    async fn called(&mut self, message: &str, parameters: &[u8]) -> Result<Vec<u8>, String> {
        loop {
            self.serial = self.serial.wrapping_add(1);
            let call = self.caller.call(message, parameters);
            let sent = frames::write(&mut self.stream, self.serial, &call).await;
            sent.map_err(|why| why.to_string())?;
            let bytes = self.answer().await?;
            match self.caller.hear(&bytes).map_err(|why| why.to_string())? {
                Answered::Again => {}
                Answered::Response(reader) => return Ok(reader.rest().to_vec()),
                Answered::Refused(why) => return Err(why),
            }
        }
    }

    /// Reads the answer to the last call.
    async fn answer(&mut self) -> Result<Vec<u8>, String> {
        for _ in 0..MOST_STRAY {
            match frames::read(&mut self.stream).await {
                Ok(Some(frame)) if frame.serial == self.serial => return Ok(frame.bytes),
                Ok(Some(_)) => {}
                Ok(None) => return Err("it has closed the connection".into()),
                Err(why) => return Err(why.to_string()),
            }
        }
        Err("it answers other calls".into())
    }

    /// Asks for a batch; `None` if the sink has no events.
    async fn batch(&mut self, most: usize) -> Result<Option<Batch>, String> {
        let mut parameters = vec![];
        write_long(&mut parameters, most.min(MOST_EVENTS) as i64);
        let response = self.call("getEventBatch", &parameters).await?;
        let batch = read_batch(Reader::new(&response)).map_err(|why| why.to_string())?;
        Ok(batch.ok())
    }

    /// Says what became of a batch.
    async fn settle(&mut self, batch: &Batch, is_safe: bool) -> Result<(), String> {
        let mut parameters = vec![];
        write_bytes(&mut parameters, batch.sequence.as_bytes());
        let message = if is_safe { "ack" } else { "nack" };
        self.call(message, &parameters).await.map(|_| ())
    }
}

/// Sinks that are polled for one reader.
#[derive(Debug)]
pub struct Polling {
    /// Where their batches go.
    pub channel: Arc<Channel>,
    addresses: Vec<String>,
    /// Polls that are under way, by their place, and how many there should be.
    polls: Mutex<(BTreeSet<usize>, usize)>,
    /// Places for polls, for all readers together.
    places: Arc<Semaphore>,
}

/// A place for a poll, which is given back when it is dropped.
struct Place(Arc<Polling>, usize);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.polls().0.remove(&self.1);
    }
}

impl Polling {
    /// Makes the polls of some sinks, of which none is under way.
    pub fn new(channel: Arc<Channel>, addresses: Vec<String>, places: Arc<Semaphore>) -> Arc<Self> {
        Arc::new(Self {
            channel,
            addresses,
            polls: Mutex::default(),
            places,
        })
    }

    /// Returns the polls. Nothing panics while they are held.
    fn polls(&self) -> std::sync::MutexGuard<'_, (BTreeSet<usize>, usize)> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs that many polls at once, at least one for each sink, while the channel is read. Each takes up to `most` events.
    pub fn keep(self: &Arc<Self>, parallelism: usize, most: usize) {
        let wanted = parallelism.max(self.addresses.len());
        let mut polls = self.polls();
        polls.1 = wanted;
        for at in 0..wanted {
            if polls.0.contains(&at) {
                continue;
            }
            // Where there are no places left, those that are there do.
            let Ok(turn) = self.places.clone().try_acquire_owned() else {
                return;
            };
            polls.0.insert(at);
            let place = Place(self.clone(), at);
            tokio::spawn(async move {
                poll(&place, most).await;
                drop((place, turn));
            });
        }
    }

    /// Returns whether the poll at a place is wanted.
    fn wants(&self, at: usize) -> bool {
        at < self.polls().1 && self.channel.is_read()
    }
}

/// Polls a sink while that is wanted, and connects it again whenever it fails.
async fn poll(Place(polling, at): &Place, most: usize) {
    let address = &polling.addresses[at % polling.addresses.len()];
    let mut wait = WAITS.0;
    while polling.wants(*at) {
        let mut sink = match Sink::open(address).await {
            Ok(sink) => sink,
            Err(why) => {
                eprintln!("rivulet-gateway: the sink at {address} cannot be reached: {why}");
                sleep(wait).await;
                wait = (wait * 2).min(WAITS.1);
                continue;
            }
        };
        if let Err(why) = polled(polling, *at, &mut sink, most, &mut wait).await {
            eprintln!("rivulet-gateway: the sink at {address} has failed: {why}");
            sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

/// Polls a sink that is connected, while that is wanted.
async fn polled(polling: &Polling, at: usize, sink: &mut Sink, most: usize, wait: &mut Duration) -> Result<(), String> {
    while polling.wants(at) {
        // The reader may go meanwhile, and what waits with it.
        if timeout(PAUSE, polling.channel.room()).await.is_err() {
            continue;
        }
        let Some(batch) = sink.batch(most).await? else {
            sleep(PAUSE).await;
            continue;
        };
        *wait = WAITS.0;
        let is_safe = match polling.channel.submit(&batch.events) {
            Ok(held) => held.settled().await,
            Err(_) => false,
        };
        sink.settle(&batch, is_safe).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
