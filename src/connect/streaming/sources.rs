//! Sources that are filled from outside: who fills them, and how full they are.
//!
//! A producer pushes under a name that outlives runs: what comes before a query starts, or between two runs, waits for
//! the next.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use crate::connect::driver::Driver;
use crate::connect::protocol::Output;
use crate::exec::stage::StageGraph;
use crate::ids::ConnectionId;
use crate::sources::queue::LIMIT_BYTES;
use crate::sources::{Ask, Event};
use crate::streaming::source::Source;

/// Whose connection it is.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The run of the query.
    run: String,
    /// The source's number.
    pub(super) source: usize,
}

/// A pushed source of a running query.
pub(super) struct Pushed {
    /// The run of the query.
    pub(super) run: String,
    /// The source's number.
    pub(super) source: usize,
    /// Pushes that came before this run took the source.
    before: i64,
    /// How many records were durable when this run took the source.
    base: i64,
}

/// What a producer knows of its queue: what it was told, and what it has pushed since.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    /// Bytes that wait.
    queued: usize,
    /// How many of its pushes are durable.
    durable: Option<i64>,
    /// Whether a query reads them.
    is_read: bool,
}

impl Told {
    /// Returns whether the producer need not hear how it is now: it believes its queue a little fuller than it is, and not full.
    fn is_near(&self, now: &Self) -> bool {
        let near = self.queued < LIMIT_BYTES && self.queued.abs_diff(now.queued) < LIMIT_BYTES / 4;
        near && self.durable == now.durable && self.is_read == now.is_read
    }
}

impl Driver {
    /// Ties sources that are filled from outside to who fills them: pushes by the producer's name, connections by
    /// asking the host.
    pub(super) fn connect_sources(&mut self, run: &str, graph: &StageGraph, now_ms: i64) {
        let streams = graph.scans.iter().filter_map(|s| s.stream.clone());
        let mut early = BTreeMap::new();
        for (source, stream) in streams.enumerate() {
            if let Some(id) = stream.options.get("sourceid") {
                let waiting = early.entry(id.clone());
                let waiting = waiting.or_insert_with(|| self.streams.early.remove(id).unwrap_or_default());
                self.bind(id, run, source, waiting, now_ms);
            }
            let asks = self.source(run, source).map(|s| s.connect(now_ms)).unwrap_or_default();
            self.carry_asks(run, source, asks);
        }
        for id in early.keys() {
            self.credit(id);
        }
    }

    /// Lets the pushes of a producer go to a source from now on, those that came early first. A query may read them by several
    /// sources, such as both sides of a self-join; another query's are taken away.
    fn bind(&mut self, id: &str, run: &str, source: usize, early: &[Buffer], now_ms: i64) {
        let pushes = self.streams.pushes.get(id).copied().unwrap_or(0);
        let pushed = Pushed {
            run: run.to_owned(),
            source,
            before: pushes - early.len() as i64,
            base: self.durable(run, source).unwrap_or(0),
        };
        let all = self.streams.pushed.entry(id.to_owned()).or_default();
        all.retain(|other| other.run == run);
        all.push(pushed);
        for block in early {
            self.enqueue(run, source, block.clone(), now_ms);
        }
    }

    /// Returns a source of a running query.
    pub(super) fn source(&mut self, run: &str, source: usize) -> Option<&mut Source> {
        self.streams.queries.get_mut(run)?.query.sources_mut().get_mut(source)
    }

    /// Brings what a source asks to its connection, which gets its name with the first question.
    pub(super) fn carry_asks(&mut self, run: &str, source: usize, asks: Vec<Ask>) {
        if asks.is_empty() {
            return;
        }
        let known = self.streams.connections.iter();
        let known = known
            .filter(|(_, c)| c.run == run && c.source == source)
            .map(|(id, _)| *id)
            .next();
        let connection = known.unwrap_or_else(|| {
            let id = ConnectionId(self.streams.fresh());
            let run = run.to_owned();
            if let Some(running) = self.streams.queries.get_mut(&run) {
                running.connections.push(id);
            }
            self.streams.connections.insert(id, Connection { run, source });
            id
        });
        let asked = asks.into_iter().map(|ask| Output::Connection { connection, ask });
        self.out.extend(asked);
    }

    /// Takes in what a connection of a source has done; one whose query is over is not heard any more.
    pub(in crate::connect) fn heard(&mut self, connection: ConnectionId, event: Event, now_ms: i64) {
        let Some(Connection { run, source }) = self.streams.connections.get(&connection).cloned() else {
            return;
        };
        match self.source(&run, source).map(|s| s.heard(event, now_ms)) {
            None => {}
            Some(Ok(heard)) => {
                self.carry_asks(&run, source, heard.asks);
                for block in heard.blocks {
                    self.enqueue(&run, source, block, now_ms);
                }
                if let Some(running) = self.streams.queries.get_mut(&run) {
                    running.query.note_heard(now_ms);
                    let queue = running.query.sources_mut().get_mut(source).and_then(Source::queue);
                    if queue.is_some_and(|queue| queue.ended || queue.failure.is_some()) {
                        running.query.hurry(now_ms);
                    }
                }
            }
            Some(Err(error)) => self.query_failed(&run, error, now_ms),
        }
    }

    /// Lets sources do what is due.
    pub(super) fn wake_sources(&mut self, now_ms: i64) {
        let mut asked = Vec::new();
        for (run, running) in self.streams.queries.iter_mut().filter(|(_, r)| r.query.is_active()) {
            for (number, source) in running.query.sources_mut().iter_mut().enumerate() {
                if source.wake_at().is_some_and(|at| at <= now_ms) {
                    asked.push((run.clone(), number, source.wake(now_ms)));
                }
            }
        }
        for (run, source, asks) in asked {
            self.carry_asks(&run, source, asks);
        }
    }

    /// Returns how many records of a source are durable; `None` if the query has no checkpoint.
    fn durable(&mut self, run: &str, source: usize) -> Option<i64> {
        let running = self.streams.queries.get_mut(run)?;
        running.query.sources_mut().get_mut(source)?.queue()?.durable()
    }

    /// Takes in records of a producer; they wait if no query reads them.
    pub(in crate::connect) fn push(&mut self, source: &str, block: Buffer, now_ms: i64) {
        *self.streams.pushes.entry(source.to_owned()).or_default() += 1;
        if let Some(told) = self.streams.told.get_mut(source) {
            told.queued += block.len();
        }
        let readers = self.readers(source);
        if readers.is_empty() {
            self.streams.early.entry(source.to_owned()).or_default().push(block);
        } else {
            for (run, number) in readers {
                self.enqueue(&run, number, block.clone(), now_ms);
            }
        }
        self.credit(source);
    }

    /// Returns the run and the number of each source that reads a producer's pushes.
    fn readers(&self, source: &str) -> Vec<(String, usize)> {
        let readers = self.streams.pushed.get(source).into_iter().flatten();
        readers.map(|pushed| (pushed.run.clone(), pushed.source)).collect()
    }

    /// Tells a producer how full its queue is, and how many of its pushes are durable.
    ///
    /// Durable pushes are counted from the producer's first push, across runs: a producer that keeps records until they
    /// are durable need not know of restarts.
    fn credit(&mut self, source: &str) {
        let bound: Vec<(String, usize, i64)> = self
            .streams
            .pushed
            .get(source)
            .into_iter()
            .flatten()
            .map(|p| (p.run.clone(), p.source, p.before - p.base))
            .collect();
        // Of several readers, the one that is furthest back counts.
        let early = self.streams.early.get(source);
        let mut queued = early.map_or(0, |b| b.iter().map(Buffer::len).sum());
        let mut durables = vec![];
        for (run, number, shift) in bound {
            if let Some(queue) = self.source(&run, number).and_then(Source::queue) {
                queued = queued.max(queue.bytes());
                durables.push(queue.durable().map(|count| shift + count));
            }
        }
        let is_read = !durables.is_empty();
        let durable = durables.into_iter().collect::<Option<Vec<i64>>>();
        let durable = durable.and_then(|counts| counts.into_iter().min());
        let now = Told {
            queued,
            durable,
            is_read,
        };
        if self.streams.told.get(source).is_some_and(|told| told.is_near(&now)) {
            return;
        }
        self.streams.told.insert(source.to_owned(), now);
        self.out.push(Output::Credit {
            source: source.to_owned(),
            received: self.streams.pushes.get(source).copied().unwrap_or(0),
            queued,
            limit: LIMIT_BYTES,
            durable,
            is_read,
        });
    }

    /// Tells producers of a run how full their queues are, after a batch has taken from them.
    pub(super) fn credits(&mut self, run: &str) {
        let pushed = self.streams.pushed.iter();
        let pushed = pushed.filter(|(_, readers)| readers.iter().any(|p| p.run == run));
        let sources: Vec<String> = pushed.map(|(source, _)| source.clone()).collect();
        for source in sources {
            self.credit(&source);
        }
    }

    /// Takes in that blocks of a source are durable; its producer hears of it.
    pub(super) fn received(&mut self, run: &str, source: usize, count: i64) {
        let asks = self.source(run, source).map(|s| s.received(count)).unwrap_or_default();
        self.carry_asks(run, source, asks);
        self.credits(run);
    }

    /// Unties the sources of a run that is over: pushes that it did not make durable wait for the next one.
    pub(super) fn leave_sources(&mut self, run: &str) {
        let pushed = std::mem::take(&mut self.streams.pushed);
        for (id, readers) in pushed {
            let (own, others): (Vec<_>, Vec<_>) = readers.into_iter().partition(|p| p.run == run);
            if !others.is_empty() {
                self.streams.pushed.insert(id.clone(), others);
            }
            // All of them have the same, but for what a batch has taken from one and not from another yet: the longest is whole.
            let mut waiting: Vec<Buffer> = vec![];
            for pushed in own {
                let running = self.streams.queries.get_mut(run);
                let source = running.and_then(|r| r.query.sources_mut().get_mut(pushed.source));
                let left = source
                    .and_then(Source::queue)
                    .map(|q| q.take_waiting())
                    .unwrap_or_default();
                if left.len() > waiting.len() {
                    waiting = left;
                }
            }
            self.streams.early.entry(id).or_default().extend(waiting);
        }
    }

    /// Takes in that a producer pushes no more.
    pub(in crate::connect) fn push_end(&mut self, source: &str, now_ms: i64) {
        for (run, number) in self.readers(source) {
            let Some(running) = self.streams.queries.get_mut(&run) else {
                continue;
            };
            let source = running.query.sources_mut().get_mut(number);
            if let Some(queue) = source.and_then(Source::queue) {
                queue.ended = true;
            }
            running.query.hurry(now_ms);
        }
    }

    /// Forgets a producer and what waits of it, unless a query reads it.
    pub(in crate::connect) fn push_forget(&mut self, source: &str) {
        if self.readers(source).is_empty() {
            self.streams.early.remove(source);
            self.streams.pushes.remove(source);
            self.streams.told.remove(source);
        }
    }

    /// Hands records to a source.
    fn enqueue(&mut self, run: &str, source: usize, block: Buffer, now_ms: i64) {
        if let Some(running) = self.streams.queries.get_mut(run) {
            let actions = running.query.push(source, block, now_ms);
            self.act(run, actions, now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_hears_what_changes_what_it_may_do() {
        let told = |queued, durable, is_read| Told {
            queued,
            durable,
            is_read,
        };
        let knows = told(8 << 20, Some(3), true);
        assert!(knows.is_near(&told(8 << 20, Some(3), true)));
        assert!(knows.is_near(&told(1 << 20, Some(3), true)), "a little emptier");
        assert!(
            !knows.is_near(&told(0, Some(3), true)),
            "emptier by a quarter of the limit"
        );
        assert!(!knows.is_near(&told(8 << 20, Some(4), true)), "more is durable");
        assert!(
            !knows.is_near(&told(8 << 20, Some(3), false)),
            "nobody reads it any more"
        );
        let full = told(LIMIT_BYTES, None, true);
        assert!(
            !full.is_near(&told(LIMIT_BYTES - 1, None, true)),
            "one that waits hears all"
        );
    }
}
