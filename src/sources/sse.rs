//! Records that a server sends as server-sent events over HTTP (the WHATWG HTML standard, §9.2), one event per block.
//!
//! An offset is the number of events and the id of the last one. A connection that is lost is opened again with that id
//! as `Last-Event-ID`, and so is that of a query that continues from a checkpoint: a server that keeps its events sends
//! what came since, and none is lost or doubled. Events are durable in the write-ahead log before their id is sent.

use arrow::buffer::Buffer;
use serde_json::{Value, json};

use super::marked;
use super::options::{Kind, Opt, Options, RECORD_FORMAT};
use super::queue::{Queue, QueueSource};
use super::retry::Retry;
use super::{Ask, Definition, Event, Format, Guarantee, Heard, Records, Source, StreamSpec};
use crate::error::{Exception, Result, SparkError};

/// The server's address.
const URL: Opt = Opt::new("url", Kind::Url(&["http://", "https://"]), None, "Names the server.");
/// Bytes that are kept of a line of an event that is too large.
const LINE_HEAD: usize = 1 << 10;
/// The only type of event that is taken.
const EVENT: Opt = Opt::new(
    "event",
    Kind::Text,
    Some("events of every type"),
    "Takes only events of this type; an event that names none is of type message.",
);

/// Server-sent events.
pub const SSE: Definition = Definition {
    name: "sse",
    about: "Has the data of server-sent events, asked for again from the last one whenever the connection is lost.",
    options: &[
        URL,
        EVENT,
        RECORD_FORMAT,
        Queue::MAX_BLOCKS,
        Queue::MAX_OFFSETS,
        Queue::MAX_BYTES,
        Queue::MAX_QUEUE,
        Queue::MAX_RECORD,
        Queue::DEAD_LETTERS,
    ],
    records: Records::Chosen,
    offset: "the number of events, and the id of the last one",
    guarantee: Guarantee::Logged,
    orders: false,
    passes: None,
    check: |_| Ok(()),
    open,
    recall: Queue::recall,
    table: None,
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    let options = Options(&spec.options);
    let url = options.text(&URL).or(spec.path.as_deref()).unwrap_or_default();
    let queue = Queue::of(&spec.options);
    Ok(Box::new(EventSource {
        url: url.to_owned(),
        wanted: options.text(&EVENT).map(str::to_owned),
        lines: SSE.format(&spec.options)? == Format::Text,
        last_id: String::new(),
        parser: Parser::of(queue.max_record),
        retry: Retry::default(),
        queue,
    }))
}

/// The events of one server.
#[derive(Debug)]
struct EventSource {
    /// The server's address.
    url: String,
    /// The only type of events that is taken.
    wanted: Option<String>,
    /// Whether the lines of an event's data are rows; else they are one JSON or CSV record.
    lines: bool,
    /// The id of the last event that has come.
    last_id: String,
    /// Cuts the response of the connection that is open.
    parser: Parser,
    /// When to connect again.
    retry: Retry,
    /// Events that no batch has taken.
    queue: Queue,
}

impl EventSource {
    /// Asks for the stream of events after the last one.
    fn connect(&self) -> Vec<Ask> {
        let mut headers = vec![("Accept".to_owned(), "text/event-stream".to_owned())];
        if !self.last_id.is_empty() {
            headers.push(("Last-Event-ID".to_owned(), self.last_id.clone()));
        }
        let url = self.url.clone();
        vec![Ask::Http { url, headers }]
    }

    /// Returns an event as a block that is marked with its id.
    fn block(&self, event: &Dispatched) -> Buffer {
        let mut data = if self.lines {
            event.data.clone()
        } else {
            event.data.replace('\n', " ")
        };
        data.push('\n');
        marked::block(&json!(event.id), data.as_bytes())
    }
}

impl QueueSource for EventSource {
    fn name(&self) -> String {
        format!("sse[{}]", self.url)
    }

    fn waiting(&self) -> &Queue {
        &self.queue
    }

    fn waiting_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }

    fn offset(&self, blocks: i64) -> Value {
        json!({ "blocks": blocks, "lastEventId": marked::mark_at(&self.queue, blocks) })
    }

    fn resume(&mut self, start: &Value) {
        let last = marked::last_mark(&self.queue);
        let last = last.as_ref().unwrap_or(&start["lastEventId"]);
        last.as_str().unwrap_or_default().clone_into(&mut self.last_id);
    }

    fn records(&self, blocks: Vec<Buffer>) -> Result<Vec<Buffer>> {
        Ok(blocks.into_iter().map(marked::data).collect())
    }

    fn begin(&mut self, _: i64) -> Vec<Ask> {
        self.connect()
    }

    fn hear(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        let mut heard = Heard::default();
        match event {
            Event::Open { status: 200 } => {
                self.parser = Parser::of(self.queue.max_record);
                self.retry.succeeded();
            }
            // The server is there and cannot answer now: the response ends, and is asked for again.
            Event::Open { status: 429 | 500.. } => {}
            Event::Open { status } => return Err(refused(&self.url, status)),
            Event::Closed => self.retry.failed(now_ms),
            Event::Text(text) => return self.hear(Event::Binary(text.into_bytes()), now_ms),
            Event::Binary(bytes) => {
                let events = self.parser.feed(&bytes, &mut self.last_id);
                for _ in 0..std::mem::take(&mut self.parser.refused) {
                    self.queue.refuse();
                }
                if let Some(wait_ms) = self.parser.retry_ms.take() {
                    self.retry.set_first_wait(wait_ms);
                }
                let wanted = |e: &&Dispatched| self.wanted.as_ref().is_none_or(|kind| *kind == e.kind);
                heard.blocks = events.iter().filter(wanted).map(|e| self.block(e)).collect();
            }
            // No other comes of a response.
            _ => {}
        }
        self.retry.hold_back(&mut heard, &mut self.queue);
        Ok(heard)
    }

    fn due_at(&self) -> Option<i64> {
        self.retry.due_at(&self.queue)
    }

    fn due(&mut self, now_ms: i64) -> Vec<Ask> {
        if self.retry.is_due_for(&self.queue, now_ms) {
            self.connect()
        } else {
            vec![]
        }
    }
}

/// Returns the error of a server that will not send events (`STREAMING_SOURCE_REFUSED`).
fn refused(url: &str, status: u16) -> SparkError {
    SparkError::new(
        Exception::Connect,
        "STREAMING_SOURCE_REFUSED",
        "08001",
        format!("{url} answered with HTTP status {status}, not with a stream of events."),
    )
    .with("url", url)
    .with("status", status.to_string())
}

/// An event that the server has sent whole.
#[derive(Debug, PartialEq, Eq)]
struct Dispatched {
    /// Its type; `message` if it names none.
    kind: String,
    /// Its id, or that of the last event that had one.
    id: String,
    /// Its lines, joined by newlines.
    data: String,
}

/// Cuts a response into events, however its bytes are cut into pieces.
#[derive(Debug, Default)]
struct Parser {
    /// Bytes of a line whose end did not come yet.
    line: Vec<u8>,
    /// The last byte was a carriage return: a newline after it ends no further line.
    after_return: bool,
    /// Whether a line has ended: a byte order mark may stand before the first only.
    begun: bool,
    /// Type of the event that is coming; empty if it names none.
    kind: String,
    /// Lines of data of the event that is coming, each with a newline.
    data: String,
    /// The id of the event that is coming, if it has one of its own.
    id: Option<String>,
    /// How long the server wants to be left alone after the connection ends, ms.
    retry_ms: Option<i64>,
    /// Bytes of an event at most.
    limit: usize,
    /// Whether the event that is coming is longer; what comes of it is not kept.
    too_large: bool,
    /// Events that were longer, since they were counted last.
    refused: u64,
}

impl Parser {
    /// Makes a parser of events that have so many bytes at most.
    fn of(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Takes in a piece of the response and returns the events that it ends. `last_id` is that of the last event. An event
    /// that is too large is counted, and left out.
    fn feed(&mut self, bytes: &[u8], last_id: &mut String) -> Vec<Dispatched> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if std::mem::take(&mut self.after_return) => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&line, last_id));
                }
                _ => {
                    self.after_return = false;
                    if self.line.len() + self.data.len() >= self.limit {
                        self.too_large = true;
                        self.data.clear();
                    }
                    // The beginning of a line says what it is.
                    if !self.too_large || self.line.len() < LINE_HEAD {
                        self.line.push(*byte);
                    }
                }
            }
        }
        events
    }

    /// Takes in a line; an empty one ends an event.
    fn end_line(&mut self, line: &[u8], last_id: &mut String) -> Option<Dispatched> {
        let text = String::from_utf8_lossy(line);
        let text = if self.begun {
            &text
        } else {
            text.strip_prefix('\u{feff}').unwrap_or(&text)
        };
        self.begun = true;
        if text.is_empty() {
            return self.dispatch(last_id);
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.kind),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => self.retry_ms = value.parse().ok().filter(|ms| *ms >= 0).or(self.retry_ms),
            // A comment, or a field that the standard does not know.
            _ => {}
        }
        None
    }

    /// Ends an event; `None` if it has no data, though its id counts.
    fn dispatch(&mut self, last_id: &mut String) -> Option<Dispatched> {
        let (kind, mut data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        if let Some(id) = self.id.take() {
            *last_id = id;
        }
        if std::mem::take(&mut self.too_large) {
            self.refused += 1;
            return None;
        }
        data.pop()?;
        Some(Dispatched {
            kind: if kind.is_empty() { "message".to_owned() } else { kind },
            id: last_id.clone(),
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Memory;
    use crate::storage::files::NoFiles;
    use crate::storage::wal::Kept;

    fn events(pieces: &[&str]) -> (Vec<Dispatched>, String) {
        let (mut parser, mut last) = (Parser::of(1 << 20), String::new());
        let events = pieces.iter().flat_map(|p| parser.feed(p.as_bytes(), &mut last));
        (events.collect(), last)
    }

    fn event(kind: &str, id: &str, data: &str) -> Dispatched {
        let [kind, id, data] = [kind, id, data].map(str::to_owned);
        Dispatched { kind, id, data }
    }

    #[test]
    fn an_event_that_is_too_large_is_left_out_and_counted_and_its_id_counts() {
        let (mut parser, mut last) = (Parser::of(16), String::new());
        let text = format!(
            "data: short\n\nid: 7\ndata: {}\ndata: more\n\ndata: next\n\n",
            "x".repeat(5000)
        );
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(7) {
            found.extend(parser.feed(piece, &mut last));
            assert!(parser.line.len() + parser.data.len() <= LINE_HEAD + 16);
        }
        assert_eq!(found, [event("message", "", "short"), event("message", "7", "next")]);
        assert_eq!((parser.refused, last.as_str()), (1, "7"));
    }

    /// The examples of the standard, §9.2.6.
    #[test]
    fn the_standards_examples_are_read_as_it_says() {
        let (found, _) = events(&["data: YHOO\ndata: +2\ndata: 10\n\n"]);
        assert_eq!(found, [event("message", "", "YHOO\n+2\n10")]);
        let (found, last) =
            events(&[": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"]);
        let wanted = [
            event("message", "1", "first event"),
            event("message", "", "second event"),
            event("message", "", " third event"),
        ];
        assert_eq!((found, last.as_str()), (wanted.into(), ""));
        let (found, _) = events(&["data\n\ndata\ndata\n\ndata:"]);
        assert_eq!(found, [event("message", "", ""), event("message", "", "\n")]);
        let (found, _) = events(&["data:test\n\ndata: test\n\n"]);
        assert_eq!(found, [event("message", "", "test"), event("message", "", "test")]);
    }

    #[test]
    fn lines_end_in_three_ways_and_pieces_may_end_anywhere() {
        let text = "\u{feff}event: add\r\ndata: é1\r\rid: 7\ndata: 2\n\nevent: x\r\n\r\n";
        let wanted = (vec![event("add", "", "é1"), event("message", "7", "2")], "7".to_owned());
        for cut in 0..text.len() {
            let (mut parser, mut last) = (Parser::of(1 << 20), String::new());
            let mut found = parser.feed(&text.as_bytes()[..cut], &mut last);
            found.extend(parser.feed(&text.as_bytes()[cut..], &mut last));
            assert_eq!((found, last), wanted, "cut at {cut}");
        }
    }

    fn source(options: &[(&str, &str)]) -> Box<dyn Source> {
        let options = options.iter().chain(&[("url", "http://here/")]);
        let spec = StreamSpec {
            format: "sse".into(),
            path: None,
            options: options.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        open(&spec, 0).unwrap()
    }

    fn last_event_id(asks: &[Ask]) -> Option<&str> {
        let [Ask::Http { headers, .. }] = asks else {
            panic!("{asks:?} is one request")
        };
        headers
            .iter()
            .find(|(name, _)| name == "Last-Event-ID")
            .map(|(_, id)| id.as_str())
    }

    #[test]
    fn a_lost_connection_is_asked_for_again_after_the_last_event_and_the_wait_that_the_server_wants() {
        let mut source = source(&[]);
        assert_eq!(last_event_id(&source.open(0)), None);
        source.heard(Event::Open { status: 200 }, 0).unwrap();
        let heard = source
            .heard(
                Event::Binary(b"retry: 40\nid: a\ndata: {}\n\nid: b\ndata: {".to_vec()),
                0,
            )
            .unwrap();
        assert_eq!(heard.blocks.len(), 1);
        source.heard(Event::Closed, 1000).unwrap();
        assert_eq!(source.wake_at(), Some(1040));
        // The second event had not ended: the server sends it again.
        assert_eq!(last_event_id(&source.wake(1040)), Some("a"));
        // Down, then gone.
        source.heard(Event::Open { status: 503 }, 1050).unwrap();
        source.heard(Event::Closed, 1050).unwrap();
        assert_eq!(source.wake_at(), Some(1130));
        let error = source.heard(Event::Open { status: 404 }, 2000).unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("STREAMING_SOURCE_REFUSED"));
    }

    #[test]
    fn offsets_name_the_last_event_and_a_restart_goes_on_from_the_last_that_is_durable() {
        let mut first = source(&[("event", "tweet")]);
        let bytes = b"id: 1\nevent: tweet\ndata: {\"n\":\ndata: 1}\n\nevent: other\ndata: 0\n\nid: 3\nevent: tweet\ndata: {\"n\":3}\n\n";
        let blocks = first.heard(Event::Binary(bytes.to_vec()), 0).unwrap().blocks;
        assert_eq!(blocks.len(), 2);
        for block in &blocks {
            first.queue().unwrap().push(block.clone());
        }
        let (end, _) = first.plan(&Value::Null, 0, true);
        assert_eq!(end, json!({ "blocks": 2, "lastEventId": "3" }));
        let read = first.read(&Value::Null, &end, &NoFiles).unwrap();
        let read: Vec<&[u8]> = read.iter().map(Buffer::as_slice).collect();
        assert_eq!(read, [&b"{\"n\": 1}\n"[..], b"{\"n\":3}\n"]);

        // A batch took the first; the log has both.
        let kept = Kept {
            blocks: blocks[1..].iter().cloned().collect(),
            durable: 2,
            ..Kept::default()
        };
        let start = json!({ "blocks": 1, "lastEventId": "1" });
        let mut second = source(&[]);
        second.restore("/c/sources/0".into(), &start, &Memory::of(kept));
        assert_eq!(last_event_id(&second.open(0)), Some("3"));
        // All were taken.
        let mut third = source(&[]);
        third.restore(
            "/c/sources/0".into(),
            &end,
            &Memory::of(Kept {
                durable: 2,
                ..Kept::default()
            }),
        );
        assert_eq!(last_event_id(&third.open(0)), Some("3"));
    }
}
