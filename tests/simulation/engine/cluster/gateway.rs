//! Rivulet's gateway with agents of Flume behind it: they wait as long as it takes, and send nothing twice. Questions and answers are lost.

use std::collections::VecDeque;

use arrow::buffer::Buffer;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use rivulet::sources::flume::event::{Event, block_of, write_delivery};
use rivulet::sources::flume::exchange::{Answer, Found, Question};
use rivulet::sources::systems::Refused;

pub struct Gateway {
    /// Numbers of events, by the transactions that agents will send.
    pub to_come: VecDeque<Vec<u32>>,
    /// Probability that a question or its answer is lost.
    pub trouble: f64,
    /// Events that agents have sent.
    pub sent: Vec<u32>,
    /// Transactions that wait.
    waiting: VecDeque<Vec<u32>>,
    /// What is under way: its id, and its bytes.
    delivery: Option<(String, Buffer)>,
    deliveries: u64,
    lease: u64,
    rng: SmallRng,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            to_come: VecDeque::new(),
            trouble: 0.0,
            sent: vec![],
            waiting: VecDeque::new(),
            delivery: None,
            deliveries: 0,
            lease: 0,
            rng: SmallRng::seed_from_u64(0),
        }
    }
}

impl Gateway {
    pub fn begin(&mut self, seed: u64) {
        self.rng = SmallRng::seed_from_u64(seed);
    }

    /// Whether all that was sent is acknowledged.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.delivery.is_none()
    }

    /// An agent sends a transaction.
    pub fn change(&mut self) {
        if let Some(transaction) = self.to_come.pop_front() {
            self.sent.extend(&transaction);
            self.waiting.push_back(transaction);
        }
    }

    /// A reader asks.
    pub fn answer(&mut self, question: &Question) -> Result<Answer, Refused> {
        let lost = || Err(Refused::for_now("lost"));
        if self.rng.random_bool(self.trouble) {
            return lost();
        }
        let wanted = &question.wanted;
        self.delivery.take_if(|(id, _)| Some(&*id) == wanted.ack.as_ref());
        if wanted.lease.is_none() {
            self.lease += 1;
        }
        let lease = format!("lease {}", self.lease);
        assert!(wanted.lease.as_ref().is_none_or(|named| *named == lease), "{wanted:?}");
        let delivery = (wanted.max_events > 0 && !wanted.leaves)
            .then(|| self.deliver())
            .flatten();
        if self.rng.random_bool(self.trouble) {
            return lost();
        }
        Ok(Answer {
            number: question.number,
            found: Found::Lease(lease, delivery),
        })
    }

    fn deliver(&mut self) -> Option<Buffer> {
        if self.delivery.is_none() && !self.waiting.is_empty() {
            let count = self.rng.random_range(1..=self.waiting.len().min(5));
            let event = |number: &u32| Event {
                headers: [("n".into(), number.to_string())].into(),
                body: number.to_be_bytes().to_vec(),
            };
            let taken = self.waiting.drain(..count);
            let blocks: Vec<Vec<u8>> = taken
                .map(|numbers| block_of(&numbers.iter().map(event).collect::<Vec<_>>()))
                .collect();
            self.deliveries += 1;
            let id = format!("delivery {}", self.deliveries);
            let mut bytes = vec![];
            write_delivery(&mut bytes, &id, blocks.iter().map(|block| &block[..]));
            self.delivery = Some((id, Buffer::from(bytes)));
        }
        self.delivery.as_ref().map(|(_, bytes)| bytes.clone())
    }
}
