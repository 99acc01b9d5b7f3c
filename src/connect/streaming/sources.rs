//! Sources that are filled from outside: who fills them, and how full they are.

use arrow::buffer::Buffer;

use crate::connect::driver::{Driver, Output, SocketEvent};
use crate::error::{Exception, Result, SparkError};
use crate::streaming::source::{QUEUE_LIMIT_BYTES, Source};

/// First wait before a lost WebSocket is opened again, doubled up to the last.
const RECONNECT_MS: (i64, i64) = (250, 30_000);

pub(super) struct Socket {
    pub(super) query: String,
    pub(super) source: usize,
    pub(super) url: String,
    pub(super) retry_ms: i64,
    /// When to open it again.
    pub(super) reopen_at: Option<i64>,
}

impl Driver {
    /// Ties sources that are filled from outside to who fills them.
    pub(super) fn connect_sources(
        &mut self,
        query: &str,
        graph: &crate::exec::stage::StageGraph,
        sources: &mut [Source],
    ) -> Result<Vec<u64>> {
        let mut sockets = Vec::new();
        for (number, source) in sources.iter_mut().enumerate() {
            let Some(stream) = graph.scans[source.scan].stream.as_ref() else {
                continue;
            };
            match stream.format.as_str() {
                "websocket" => {
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
                            format!(
                                "Invalid value '{url}' for option 'url': a WebSocket URL begins with ws:// or wss://."
                            ),
                        ));
                    }
                    self.streams.next_op += 1;
                    let socket = self.streams.next_op;
                    self.streams.sockets.insert(
                        socket,
                        Socket {
                            query: query.to_owned(),
                            source: number,
                            url: url.clone(),
                            retry_ms: RECONNECT_MS.0,
                            reopen_at: None,
                        },
                    );
                    self.out.push(Output::OpenSocket { socket, url });
                    sockets.push(socket);
                }
                "rivulet.push" | "memory" => {
                    let id = stream
                        .options
                        .get("sourceid")
                        .cloned()
                        .ok_or_else(|| SparkError::invalid_plan("a pushed source has no sourceId"))?;
                    if let (Some(early), Some(queue)) = (self.streams.early.remove(&id), source.queue()) {
                        early.into_iter().for_each(|block| queue.push(block));
                    }
                    self.streams.pushed.insert(id, (query.to_owned(), number));
                }
                _ => {}
            }
        }
        Ok(sockets)
    }

    pub(in crate::connect) fn push(&mut self, source: &str, block: Buffer, now_ms: i64) {
        match self.streams.pushed.get(source).cloned() {
            Some((query, number)) => self.enqueue(&query, number, block, now_ms),
            None => self.streams.early.entry(source.to_owned()).or_default().push(block),
        }
        let queued = self.queued(source);
        self.out.push(Output::Credit {
            source: source.to_owned(),
            queued,
            limit: QUEUE_LIMIT_BYTES,
        });
    }

    pub(super) fn queued(&mut self, source: &str) -> usize {
        let Some((query, number)) = self.streams.pushed.get(source).cloned() else {
            return self
                .streams
                .early
                .get(source)
                .map_or(0, |b| b.iter().map(Buffer::len).sum());
        };
        let Some(running) = self.streams.queries.get_mut(&query) else {
            return 0;
        };
        running
            .query
            .sources_mut()
            .get_mut(number)
            .and_then(Source::queue)
            .map_or(0, |q| q.bytes())
    }

    /// Tells producers of a query how full their queues are, after a batch has taken from them.
    pub(super) fn credits(&mut self, query: &str) {
        let sources: Vec<String> = self
            .streams
            .pushed
            .iter()
            .filter(|(_, (q, _))| q == query)
            .map(|(s, _)| s.clone())
            .collect();
        for source in sources {
            let queued = self.queued(&source);
            self.out.push(Output::Credit {
                source,
                queued,
                limit: QUEUE_LIMIT_BYTES,
            });
        }
    }

    pub(in crate::connect) fn push_end(&mut self, source: &str, now_ms: i64) {
        let Some((query, number)) = self.streams.pushed.get(source).cloned() else {
            return;
        };
        let Some(running) = self.streams.queries.get_mut(&query) else {
            return;
        };
        if let Some(queue) = running.query.sources_mut().get_mut(number).and_then(Source::queue) {
            queue.ended = true;
        }
        running.query.hurry(now_ms);
    }

    pub(super) fn enqueue(&mut self, query: &str, number: usize, block: Buffer, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(query) else {
            return;
        };
        if let Some(queue) = running.query.sources_mut().get_mut(number).and_then(Source::queue) {
            queue.push(block);
        }
        running.query.hurry(now_ms);
    }

    pub(in crate::connect) fn socket(&mut self, id: u64, event: SocketEvent, now_ms: i64) {
        let Some(socket) = self.streams.sockets.get_mut(&id) else {
            return;
        };
        let (query, source) = (socket.query.clone(), socket.source);
        let block = match event {
            SocketEvent::Open => {
                socket.retry_ms = RECONNECT_MS.0;
                return;
            }
            SocketEvent::Closed => {
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
        self.enqueue(&query, source, Buffer::from(block), now_ms);
    }
}
