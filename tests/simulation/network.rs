//! Messages in flight under a virtual clock: first in, first out on a port, any order between ports.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Sender and receiver: numbers as the simulation gives them.
pub type Port = (u64, u64);

/// Everything that will happen, by time.
pub struct Network<M> {
    pub rng: SmallRng,
    pub now_ms: u64,
    /// Longest delay of a message, ms.
    pub delay_ms: u64,
    sent: u64,
    flying: BTreeMap<(u64, u64), M>,
    /// When the last message of a port arrives.
    last_ms: BTreeMap<Port, u64>,
}

impl<M> Network<M> {
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let delay_ms = rng.random_range(1..60);
        Self {
            rng,
            now_ms: 0,
            delay_ms,
            sent: 0,
            flying: BTreeMap::new(),
            last_ms: BTreeMap::new(),
        }
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// Sends on a port: after a random delay, but behind what the port carries already.
    pub fn send(&mut self, port: Port, message: M) {
        let at = self.now_ms + self.rng.random_range(0..=self.delay_ms);
        let last = self.last_ms.entry(port).or_default();
        *last = at.max(*last);
        let at = *last;
        self.put(at, message);
    }

    /// Lets something happen after a delay, whatever else is under way.
    pub fn after(&mut self, delay_ms: u64, message: M) {
        self.put(self.now_ms + delay_ms, message);
    }

    fn put(&mut self, at_ms: u64, message: M) {
        self.sent += 1;
        self.flying.insert((at_ms, self.sent), message);
    }

    /// Everything in flight is lost.
    pub fn clear(&mut self) {
        self.flying.clear();
        self.last_ms.clear();
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<u64> {
        self.flying.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// The next event; the clock moves to it.
    pub fn next(&mut self) -> Option<M> {
        let ((at_ms, _), message) = self.flying.pop_first()?;
        self.now_ms = at_ms;
        Some(message)
    }
}
