//! Sources that are filled from outside: who fills them, and how full they are.

use arrow::buffer::Buffer;

use crate::connect::driver::{Driver, Output, SocketEvent};
use crate::error::{Exception, Result, SparkError};
use crate::exec::stage::StageGraph;
use crate::plan::scan::StreamSpec;
use crate::streaming::source::{QUEUE_LIMIT_BYTES, Source};

/// First wait before a lost WebSocket is opened again, doubled up to the last.
const RECONNECT_MS: (i64, i64) = (250, 30_000);

pub(super) struct Socket {
    pub(super) run: String,
    pub(super) source: usize,
    pub(super) url: String,
    pub(super) retry_ms: i64,
    /// Tell the server how many of its records are durable.
    pub(super) ack: bool,
    /// Whether it is open now.
    pub(super) open: bool,
    /// When to open it again.
    pub(super) reopen_at: Option<i64>,
}

/// A pushed source of a running query.
pub(super) struct Pushed {
    pub(super) run: String,
    pub(super) source: usize,
    /// Pushes that came before this run took the source, and how many records were durable then.
    before: i64,
    base: i64,
}

/// Refuses sources that cannot be filled.
pub(super) fn check(stream: &StreamSpec) -> Result<()> {
    match stream.format.as_str() {
        "websocket" => url_of(stream).map(|_| ()),
        "rivulet.push" | "memory" if !stream.options.contains_key("sourceid") => {
            Err(SparkError::invalid_plan("a pushed source has no sourceId"))
        }
        _ => Ok(()),
    }
}

fn url_of(stream: &StreamSpec) -> Result<String> {
    let url = stream
        .options
        .get("url")
        .or(stream.path.as_ref())
        .cloned()
        .ok_or_else(|| {
            SparkError::new(
                Exception::IllegalArgument,
                "STREAMING_SOURCE_OPTION_REQUIRED",
                "42KDE",
                "The websocket source needs the option 'url'.",
            )
        })?;
    if !url.starts_with("ws://") && !url.starts_with("wss://") {
        return Err(SparkError::new(
            Exception::IllegalArgument,
            "INVALID_OPTION_VALUE",
            "22023",
            format!("Invalid value '{url}' for option 'url': a WebSocket URL begins with ws:// or wss://."),
        ));
    }
    Ok(url)
}

/// What a server that asked for it is told: how many records of this source are durable, since its checkpoint began. A
/// server that numbers its records goes on from there.
fn ack(count: i64) -> String {
    serde_json::json!({ "ack": count }).to_string()
}

impl Driver {
    /// Ties sources that are filled from outside to who fills them.
    pub(super) fn connect_sources(&mut self, run: &str, graph: &StageGraph, now_ms: i64) {
        let scans: Vec<(usize, StreamSpec)> = graph
            .scans
            .iter()
            .filter_map(|s| s.stream.clone())
            .enumerate()
            .collect();
        for (source, stream) in scans {
            match stream.format.as_str() {
                "websocket" => {
                    // Checked when the query was asked for.
                    let Ok(url) = url_of(&stream) else { continue };
                    let socket = self.streams.fresh();
                    let durable = self.durable(run, source).is_some();
                    let wanted = |v: &String| v.eq_ignore_ascii_case("true");
                    self.streams.sockets.insert(
                        socket,
                        Socket {
                            run: run.to_owned(),
                            source,
                            url: url.clone(),
                            retry_ms: RECONNECT_MS.0,
                            ack: durable && stream.options.get("ack").is_some_and(wanted),
                            open: false,
                            reopen_at: None,
                        },
                    );
                    if let Some(running) = self.streams.queries.get_mut(run) {
                        running.sockets.push(socket);
                    }
                    self.out.push(Output::OpenSocket { socket, url });
                }
                "rivulet.push" | "memory" => {
                    let id = stream.options.get("sourceid").cloned().unwrap_or_default();
                    let early = self.streams.early.remove(&id).unwrap_or_default();
                    let pushes = self.streams.pushes.get(&id).copied().unwrap_or(0);
                    let pushed = Pushed {
                        run: run.to_owned(),
                        source,
                        before: pushes - early.len() as i64,
                        base: self.durable(run, source).unwrap_or(0),
                    };
                    self.streams.pushed.insert(id.clone(), pushed);
                    for block in early {
                        self.enqueue(run, source, block, now_ms);
                    }
                    self.credit(&id);
                }
                _ => {}
            }
        }
    }

    /// Records of a source that are durable; none where the query has no checkpoint.
    fn durable(&mut self, run: &str, source: usize) -> Option<i64> {
        let running = self.streams.queries.get_mut(run)?;
        running.query.sources_mut().get_mut(source)?.queue()?.durable()
    }

    pub(in crate::connect) fn push(&mut self, source: &str, block: Buffer, now_ms: i64) {
        *self.streams.pushes.entry(source.to_owned()).or_default() += 1;
        match self.streams.pushed.get(source).map(|p| (p.run.clone(), p.source)) {
            Some((run, number)) => self.enqueue(&run, number, block, now_ms),
            None => self.streams.early.entry(source.to_owned()).or_default().push(block),
        }
        self.credit(source);
    }

    /// Tells a producer how full its queue is, and how many of its pushes are durable.
    fn credit(&mut self, source: &str) {
        let bound = self
            .streams
            .pushed
            .get(source)
            .map(|p| (p.run.clone(), p.source, p.before, p.base));
        let (queued, durable) = match bound {
            None => {
                let early = self.streams.early.get(source);
                (early.map_or(0, |b| b.iter().map(Buffer::len).sum()), None)
            }
            Some((run, number, before, base)) => {
                let running = self.streams.queries.get_mut(&run);
                let queue = running
                    .and_then(|r| r.query.sources_mut().get_mut(number))
                    .and_then(Source::queue);
                queue.map_or((0, None), |q| {
                    (q.bytes(), q.durable().map(|count| before + count - base))
                })
            }
        };
        self.out.push(Output::Credit {
            source: source.to_owned(),
            queued,
            limit: QUEUE_LIMIT_BYTES,
            durable,
        });
    }

    /// Tells producers of a run how full their queues are, after a batch has taken from them.
    pub(super) fn credits(&mut self, run: &str) {
        let pushed = self.streams.pushed.iter().filter(|(_, p)| p.run == run);
        let sources: Vec<String> = pushed.map(|(source, _)| source.clone()).collect();
        for source in sources {
            self.credit(&source);
        }
    }

    /// Blocks of a source are durable: its producer is told.
    pub(super) fn received(&mut self, run: &str, source: usize, count: i64) {
        let sockets = self.streams.sockets.iter();
        let told: Vec<u64> = sockets
            .filter(|(_, s)| s.ack && s.open && s.source == source && s.run == run)
            .map(|(id, _)| *id)
            .collect();
        for socket in told {
            self.out.push(Output::SendSocket {
                socket,
                text: ack(count),
            });
        }
        self.credits(run);
    }

    /// A run is over: pushes that it did not make durable wait for the next one.
    pub(super) fn leave_sources(&mut self, run: &str) {
        let pushed = std::mem::take(&mut self.streams.pushed);
        for (id, pushed) in pushed {
            if pushed.run != run {
                self.streams.pushed.insert(id, pushed);
                continue;
            }
            let running = self.streams.queries.get_mut(run);
            let source = running.and_then(|r| r.query.sources_mut().get_mut(pushed.source));
            let waiting = source.and_then(Source::queue).map(|q| q.take_waiting());
            self.streams
                .early
                .entry(id)
                .or_default()
                .extend(waiting.unwrap_or_default());
        }
    }

    pub(in crate::connect) fn push_end(&mut self, source: &str, now_ms: i64) {
        let Some(pushed) = self.streams.pushed.get(source) else {
            return;
        };
        let Some(running) = self.streams.queries.get_mut(&pushed.run) else {
            return;
        };
        if let Some(queue) = running
            .query
            .sources_mut()
            .get_mut(pushed.source)
            .and_then(Source::queue)
        {
            queue.ended = true;
        }
        running.query.hurry(now_ms);
    }

    fn enqueue(&mut self, run: &str, source: usize, block: Buffer, now_ms: i64) {
        if let Some(running) = self.streams.queries.get_mut(run) {
            let actions = running.query.push(source, block, now_ms);
            self.act(run, actions, now_ms);
        }
    }

    pub(in crate::connect) fn socket(&mut self, id: u64, event: SocketEvent, now_ms: i64) {
        let Some(socket) = self.streams.sockets.get_mut(&id) else {
            return;
        };
        let (run, source) = (socket.run.clone(), socket.source);
        let block = match event {
            SocketEvent::Open => {
                socket.retry_ms = RECONNECT_MS.0;
                socket.open = true;
                if socket.ack
                    && let Some(count) = self.durable(&run, source)
                {
                    let text = ack(count);
                    self.out.push(Output::SendSocket { socket: id, text });
                }
                return;
            }
            SocketEvent::Closed => {
                socket.open = false;
                socket.reopen_at = Some(now_ms + socket.retry_ms);
                socket.retry_ms = (socket.retry_ms * 2).min(RECONNECT_MS.1);
                return;
            }
            SocketEvent::Text(mut text) => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text.into_bytes()
            }
            SocketEvent::Binary(bytes) => bytes,
        };
        self.enqueue(&run, source, Buffer::from(block), now_ms);
    }
}
