//! A channel: transactions of agents that wait for a page, or any other reader, to have their events for good.
//!
//! ```text
//! submit ─▶ waiting ─ poll ─▶ delivery, one at a time, again and again ─ ack ─▶ settled
//!             └─ the agent goes, or waits no longer: it sends them again      └─ an agent that waits no longer hears that it has failed
//! ```
//!
//! There is one reader: whoever asked last without a lease. The lease says which life of the gateway gave it.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::sources::flume::event::{Event, MOST_TRANSACTION_BYTES, block_of, write_delivery};
use crate::sources::flume::exchange::Wanted;

/// Most transactions that wait, delivered or not.
const MOST_OPEN: usize = 1_000;
/// Bytes of transactions that wait, about, before another is refused.
const MOST_WAITING_BYTES: usize = 64 << 20;
/// Most events of a delivery.
const MOST_DELIVERED: usize = 100_000;
/// The longest that a reader waits for an event, ms.
const LONGEST_WAIT_MS: i64 = 30_000;

/// A channel.
#[derive(Debug)]
pub struct Channel {
    /// The life of the gateway, in leases and ids of deliveries.
    life: String,
    /// How long an agent waits.
    patience: Duration,
    state: Mutex<State>,
    changed: Notify,
}

/// What a channel holds.
#[derive(Debug, Default)]
struct State {
    /// The number of the reader's lease; 0 before the first.
    lease: u64,
    waiting: VecDeque<Transaction>,
    delivery: Option<Delivery>,
    /// How many transactions there were.
    transactions: u64,
    /// How many deliveries there were.
    deliveries: u64,
    /// How many polls are under way.
    polls: usize,
    /// When the last one was over.
    polled: Option<Instant>,
}

/// The events of an agent, which waits.
#[derive(Debug)]
struct Transaction {
    number: u64,
    events: usize,
    /// The events, as a block of an Avro array.
    block: Vec<u8>,
    settled: oneshot::Sender<()>,
}

/// What was handed to the reader, and is not acknowledged.
#[derive(Debug)]
struct Delivery {
    id: String,
    bytes: Bytes,
    settled: Vec<oneshot::Sender<()>>,
}

/// A channel has no room for another transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The reason why a reader gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Another reader has come.
    Taken,
    /// Another life of the gateway gave the lease.
    Forgotten,
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// The lease that it must name next.
    pub lease: String,
    /// A delivery, as [`write_delivery`] writes it.
    pub delivery: Option<Bytes>,
}

/// An agent's place: it waits for its events to be safe. When it is dropped, events that were not delivered are taken back.
#[derive(Debug)]
pub struct Held {
    channel: Arc<Channel>,
    /// The number of the transaction, and how it is settled; `None` for one without events.
    place: Option<(u64, oneshot::Receiver<()>)>,
}

impl State {
    /// Returns the bytes that wait.
    fn bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|t| t.block.len()).sum();
        waiting + self.delivery.as_ref().map_or(0, |d| d.bytes.len())
    }

    /// Returns whether another transaction has a place.
    fn has_room(&self) -> bool {
        let delivered = self.delivery.as_ref().map_or(0, |d| d.settled.len());
        self.waiting.len() + delivered < MOST_OPEN && self.bytes() < MOST_WAITING_BYTES
    }

    /// Settles the delivery if this is its id.
    fn acknowledge(&mut self, id: Option<&String>) -> bool {
        let Some(taken) = self.delivery.take_if(|delivery| Some(&delivery.id) == id) else {
            return false;
        };
        for settled in taken.settled {
            // An agent that waits no longer sends its events again.
            let _ = settled.send(());
        }
        true
    }

    /// Returns the delivery: the one under way, or a new one of what waits.
    fn deliver(&mut self, life: &str, max_events: usize, max_bytes: usize) -> Option<Bytes> {
        // One that no agent waits for any more comes again from the agents.
        self.delivery
            .take_if(|delivery| delivery.settled.iter().all(oneshot::Sender::is_closed));
        if let Some(delivery) = &self.delivery {
            return Some(delivery.bytes.clone());
        }
        let (mut events, mut bytes, mut taken) = (0, 0, Vec::new());
        while let Some(first) = self.waiting.front() {
            events += first.events;
            bytes += first.block.len();
            if !taken.is_empty() && (events > max_events || bytes > max_bytes) {
                break;
            }
            taken.extend(self.waiting.pop_front());
        }
        if taken.is_empty() {
            return None;
        }
        self.deliveries += 1;
        let id = format!("{life}-{}", self.deliveries);
        let mut out = Vec::with_capacity(bytes + 64);
        write_delivery(&mut out, &id, taken.iter().map(|t| &t.block[..]));
        let delivery = self.delivery.insert(Delivery {
            id,
            bytes: Bytes::from(out),
            settled: taken.into_iter().map(|t| t.settled).collect(),
        });
        Some(delivery.bytes.clone())
    }
}

impl Channel {
    /// Makes an empty channel; `life` tells this life of the gateway, and this channel, from all others.
    pub fn new(life: String, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            life,
            patience,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Returns what it holds. Nothing panics while it is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes events of an agent.
    ///
    /// # Errors
    /// [`Full`].
    pub fn submit(self: &Arc<Self>, events: &[Event]) -> Result<Held, Full> {
        let mut state = self.state();
        let place = if events.is_empty() {
            None
        } else if state.has_room() {
            let (settled, hears) = oneshot::channel();
            state.transactions += 1;
            let number = state.transactions;
            state.waiting.push_back(Transaction {
                number,
                events: events.len(),
                block: block_of(events),
                settled,
            });
            Some((number, hears))
        } else {
            return Err(Full);
        };
        drop(state);
        self.changed.notify_waiters();
        Ok(Held {
            channel: self.clone(),
            place,
        })
    }

    /// Waits until there is room for another transaction.
    pub async fn room(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.state().has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Takes note that a reader is there.
    pub fn greet(&self) {
        self.state().polled = Some(Instant::now());
    }

    /// Returns whether somebody reads: a poll is under way, or was not long ago.
    pub fn is_read(&self) -> bool {
        let state = self.state();
        state.polls > 0 || state.polled.is_some_and(|at| at.elapsed() < self.patience)
    }

    /// Returns the number of the lease that a reader names, or of a new one.
    fn lease(&self, state: &mut State, named: Option<&String>) -> Result<u64, Lost> {
        let Some(named) = named else {
            state.lease += 1;
            return Ok(state.lease);
        };
        let number = named.strip_prefix(&self.life).and_then(|rest| rest.strip_prefix('-'));
        match number.and_then(|number| number.parse().ok()) {
            Some(number) if number == state.lease && number > 0 => Ok(number),
            Some(number) if number < state.lease => Err(Lost::Taken),
            _ => Err(Lost::Forgotten),
        }
    }

    /// Hands the delivery that is under way to the reader, or the next one, waiting for it as long as it is asked to.
    ///
    /// # Errors
    /// [`Lost`], also while it waits.
    pub async fn poll(&self, wanted: &Wanted) -> Result<Polled, Lost> {
        let lease = {
            let mut state = self.state();
            // What is safe is safe, whoever says so.
            let has_changed = state.acknowledge(wanted.ack.as_ref());
            let lease = self.lease(&mut state, wanted.lease.as_ref());
            if wanted.leaves && lease.is_ok() {
                // What was delivered may be safe: who comes next from the same checkpoint knows.
                state.waiting.clear();
                state.polled = None;
            }
            if has_changed || wanted.lease.is_none() || wanted.leaves {
                self.changed.notify_waiters();
            }
            lease?
        };
        let polled = |delivery| Polled {
            lease: format!("{}-{lease}", self.life),
            delivery,
        };
        if wanted.leaves {
            return Ok(polled(None));
        }
        let _polling = Polling::begin(self);
        let wait_ms = wanted.wait_ms.clamp(0, LONGEST_WAIT_MS).unsigned_abs();
        let deadline = Instant::now() + Duration::from_millis(wait_ms);
        let max_bytes = wanted.max_bytes.clamp(1, MOST_TRANSACTION_BYTES);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if state.lease != lease {
                    return Err(Lost::Taken);
                }
                if wanted.max_events == 0 {
                    return Ok(polled(None));
                }
                let delivery = state.deliver(&self.life, wanted.max_events.min(MOST_DELIVERED), max_bytes);
                if delivery.is_some() {
                    return Ok(polled(delivery));
                }
            }
            if timeout_at(deadline, changed).await.is_err() {
                return Ok(polled(None));
            }
        }
    }
}

/// A poll that is under way.
struct Polling<'a>(&'a Channel);

impl<'a> Polling<'a> {
    /// Counts a poll until it is dropped.
    fn begin(channel: &'a Channel) -> Self {
        channel.state().polls += 1;
        Self(channel)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.polls -= 1;
        state.polled = Some(Instant::now());
    }
}

impl Held {
    /// Waits until the events are safe; false if that takes too long, or the reader has gone.
    pub async fn settled(mut self) -> bool {
        let patience = self.channel.patience;
        match &mut self.place {
            None => true,
            Some((_, hears)) => matches!(timeout(patience, hears).await, Ok(Ok(()))),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((number, _)) = self.place.take() {
            self.channel.state().waiting.retain(|t| t.number != number);
            self.channel.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
