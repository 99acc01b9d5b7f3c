//! What brings records in by itself: WebSockets, which the driver holds, and receivers of the user's, which executors run.

use std::collections::BTreeSet;

use super::inputs::Token;
use crate::cluster::message::{ReceiverOrder as Order, ReceiverReport as Report};
use crate::error::{Exception, SparkError};
use crate::ids::ExecutorRef;
use crate::sources::retry::Retry;
use crate::sources::{Ask, Event};

/// First wait before a receiver that failed starts again, ms.
const FIRST_WAIT_MS: i64 = 500;

/// A WebSocket that sends lines of text.
#[derive(Debug)]
pub struct Socket {
    url: String,
    /// Whether the sender is to wait while records are held back.
    paced: bool,
    retry: Retry,
    /// Whether the next message is to be asked for.
    wants_more: bool,
}

/// Bytes of a message at most.
const MAX_BYTES: usize = 16 << 20;

impl Socket {
    /// Makes a socket that is to be opened.
    pub fn new(url: String, paced: bool) -> Self {
        Self {
            url,
            paced,
            retry: Retry::default(),
            wants_more: false,
        }
    }

    /// Asks for the connection.
    pub fn open(&self) -> Ask {
        Ask::WebSocket {
            url: self.url.clone(),
            paced: self.paced,
            max_bytes: MAX_BYTES,
        }
    }

    /// Takes in what the connection does; returns a text, or what is wrong.
    pub fn heard(&mut self, event: Event, now_ms: i64) -> Result<Option<String>, SparkError> {
        match event {
            Event::Open { .. } => {
                self.retry.succeeded();
                Ok(None)
            }
            Event::Text(text) => {
                self.wants_more = self.paced;
                Ok(Some(text))
            }
            Event::Binary(_) => {
                self.wants_more = self.paced;
                let message = format!("{} sent binary data; socketTextStream takes text", self.url);
                Err(SparkError::new(
                    Exception::Connect,
                    "RIVULET_SOCKET_BINARY",
                    "22000",
                    message,
                ))
            }
            Event::Answered(_) | Event::Page(_) => Ok(None),
            Event::TooLarge => {
                self.wants_more = self.paced;
                let message = format!(
                    "{} sent a message of more than {MAX_BYTES} bytes; it is left out",
                    self.url
                );
                Err(SparkError::new(
                    Exception::Connect,
                    "RIVULET_SOCKET_RECORD_TOO_LARGE",
                    "54000",
                    message,
                ))
            }
            Event::Closed => {
                self.retry.failed(now_ms);
                let pause_ms = self.retry.at_ms().unwrap_or(now_ms) - now_ms;
                let message = format!("{} is closed; opening it again in {pause_ms} ms", self.url);
                Err(SparkError::new(
                    Exception::Connect,
                    "RIVULET_SOCKET_CLOSED",
                    "08006",
                    message,
                ))
            }
        }
    }

    /// Returns when it is to be opened again, ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        self.retry.at_ms()
    }

    /// Asks for what is due: the connection, or, unless records are `held` back, the next message.
    pub fn due(&mut self, held: bool, now_ms: i64) -> Option<Ask> {
        if self.retry.is_due(now_ms) {
            return Some(self.open());
        }
        let more = self.wants_more && !held;
        self.wants_more &= !more;
        more.then_some(Ask::More)
    }
}

/// Returns the lines of a text; one that ends with a line's end has no further line after it.
pub fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n')
        .flat_map(|line| {
            let is_ended = line.ends_with('\n');
            // Of `\r\n`, the `\r` ends no line of its own.
            let line = line.strip_suffix("\r\n").or(line.strip_suffix('\n')).unwrap_or(line);
            let mut parts: Vec<&str> = line.split('\r').collect();
            if !is_ended && parts.last() == Some(&"") {
                parts.pop();
            }
            parts
        })
        .collect()
}

/// What follows from what has happened to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An executor is asked.
    Ask(ExecutorRef, u32, Order),
    /// Listeners hear that it has started in an executor.
    Started(ExecutorRef),
    /// Listeners hear that it has stopped in an executor.
    Stopped(ExecutorRef),
    /// Listeners hear that it has failed.
    Failed(SparkError),
}

/// A receiver: it runs in one executor, and in another when that one dies or the receiver fails.
#[derive(Debug)]
pub struct Receiver {
    executor: Option<ExecutorRef>,
    /// How often it was placed: what an earlier life hands over is not taken.
    life: u32,
    retry: Retry,
    stopping: bool,
    ended: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        let mut retry = Retry::default();
        retry.set_first_wait(FIRST_WAIT_MS);
        Self {
            executor: None,
            life: 0,
            retry,
            stopping: false,
            ended: false,
        }
    }
}

impl Receiver {
    /// Returns where it runs.
    pub fn executor(&self) -> Option<ExecutorRef> {
        self.executor
    }

    /// Returns whether it has stopped, and all that it handed over is here.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether it is to be placed on an executor.
    pub fn is_homeless(&self) -> bool {
        self.executor.is_none() && !self.stopping && self.retry.at_ms().is_none()
    }

    /// Places it.
    pub fn place(&mut self, executor: ExecutorRef) -> Outcome {
        self.executor = Some(executor);
        self.life += 1;
        Outcome::Ask(executor, self.life, Order::Start)
    }

    /// Returns when it is to start again after a failure, ms since the epoch.
    pub fn wake_at(&self) -> Option<i64> {
        self.retry.at_ms().filter(|_| !self.stopping)
    }

    /// Lets it be placed again, if it is time.
    pub fn wake(&mut self, now_ms: i64) {
        self.retry.is_due(now_ms);
    }

    /// Returns whether a report is of its life now.
    pub fn is_of(&self, life: u32) -> bool {
        self.life == life && self.executor.is_some()
    }

    /// Takes a report of its life, other than of records.
    pub fn report(&mut self, report: Report, now_ms: i64) -> Option<Outcome> {
        match report {
            Report::Started => self.executor.map(Outcome::Started),
            Report::Received { .. } => {
                self.retry.succeeded();
                self.retry.set_first_wait(FIRST_WAIT_MS);
                None
            }
            Report::Failed { message } if !self.stopping => {
                self.retry.failed(now_ms);
                self.executor = None;
                let pause_ms = self.retry.at_ms().unwrap_or(now_ms) - now_ms;
                let text = format!("The receiver failed and starts again in {pause_ms} ms: {message}");
                let error = SparkError::new(Exception::Connect, "RIVULET_RECEIVER_FAILED", "39000", text);
                Some(Outcome::Failed(error.with("cause", message)))
            }
            Report::Failed { .. } | Report::Stopped => self.end(),
        }
    }

    /// Returns what to say of blocks that are safe: those of an earlier life are nobody's.
    pub fn stored(&self, tokens: &[Token]) -> Vec<Outcome> {
        let Some(executor) = self.executor else { return vec![] };
        let own = tokens
            .iter()
            .map(|token| receipt(*token))
            .filter(|(life, _)| *life == self.life);
        own.map(|(life, seq)| Outcome::Ask(executor, life, Order::Stored { seq }))
            .collect()
    }

    /// Takes in that an executor is gone.
    pub fn lost(&mut self, executor: ExecutorRef) -> Option<Outcome> {
        if self.executor != Some(executor) {
            return None;
        }
        if self.stopping {
            return self.end();
        }
        self.executor = None;
        Some(Outcome::Stopped(executor))
    }

    /// Stops it.
    pub fn stop(&mut self) -> Option<Outcome> {
        self.stopping = true;
        match self.executor {
            Some(executor) => Some(Outcome::Ask(executor, self.life, Order::Stop)),
            None => self.end(),
        }
    }

    fn end(&mut self) -> Option<Outcome> {
        self.ended = true;
        self.executor.take().map(Outcome::Stopped)
    }
}

/// Returns the name of a receiver's block.
pub fn token(life: u32, seq: u32) -> Token {
    Token(u64::from(life) << 32 | u64::from(seq))
}

/// Returns the life and the number that [`token`] was made of.
fn receipt(token: Token) -> (u32, u32) {
    ((token.0 >> 32) as u32, token.0 as u32)
}

/// Returns the executor with the fewest of these receivers; `None` without executors.
pub fn least_loaded<'a>(
    executors: &BTreeSet<ExecutorRef>,
    receivers: impl Iterator<Item = &'a Receiver> + Clone,
) -> Option<ExecutorRef> {
    let load = |executor: &ExecutorRef| receivers.clone().filter(|r| r.executor == Some(*executor)).count();
    executors.iter().min_by_key(|executor| load(executor)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_any_of_the_three_ends_and_the_last_end_begins_no_line() {
        assert_eq!(lines("a\n\nb\r\n"), ["a", "", "b"]);
        assert_eq!(lines("c\rd"), ["c", "d"]);
        assert_eq!(lines("\n"), [""]);
        assert_eq!(lines("x\r"), ["x"]);
        assert_eq!(lines("x\r\r\ny\n\r"), ["x", "", "y", ""]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn a_receiver_moves_when_its_executor_dies_and_waits_longer_after_each_failure() {
        let (one, two) = (ExecutorRef::new(0), ExecutorRef::new(1));
        let mut receiver = Receiver::default();
        assert!(receiver.is_homeless());
        assert_eq!(receiver.place(one), Outcome::Ask(one, 1, Order::Start));
        assert_eq!(receiver.report(Report::Started, 0), Some(Outcome::Started(one)));
        assert_eq!(receiver.lost(two), None);
        assert_eq!(receiver.lost(one), Some(Outcome::Stopped(one)));
        assert!(!receiver.is_of(1) && receiver.is_homeless());
        receiver.place(two);
        // What its first life handed over is not acknowledged to its second.
        let stored = receiver.stored(&[token(1, 7), token(2, 0)]);
        assert_eq!(stored, [Outcome::Ask(two, 2, Order::Stored { seq: 0 })]);
        for (at_ms, pause_ms) in [(1_000, 500), (2_000, 1_000)] {
            let failed = receiver.report(Report::Failed { message: "no".into() }, at_ms);
            assert!(matches!(failed, Some(Outcome::Failed(e)) if e.message.contains(&format!("in {pause_ms} ms: no"))));
            assert_eq!(
                (receiver.is_homeless(), receiver.wake_at()),
                (false, Some(at_ms + pause_ms))
            );
            receiver.wake(at_ms + pause_ms);
            assert!(receiver.is_homeless());
            receiver.place(two);
        }
        receiver.report(Report::Received { seq: 0, records: 1 }, 0);
        receiver.report(Report::Failed { message: "no".into() }, 0);
        assert_eq!(receiver.wake_at(), Some(500));
        assert_eq!(receiver.stop(), None);
        assert!(receiver.has_ended());
    }

    #[test]
    fn a_receiver_goes_where_there_are_fewest() {
        let executors: BTreeSet<ExecutorRef> = [0, 1].map(ExecutorRef::new).into();
        let mut receivers: Vec<Receiver> = vec![Receiver::default(), Receiver::default()];
        let first = least_loaded(&executors, receivers.iter()).unwrap();
        receivers[0].place(first);
        let second = least_loaded(&executors, receivers.iter()).unwrap();
        assert_eq!((first, second), (ExecutorRef::new(0), ExecutorRef::new(1)));
        assert_eq!(least_loaded(&BTreeSet::new(), receivers.iter()), None);
    }
}
