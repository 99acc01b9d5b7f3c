//! Records that a server sends over a WebSocket, one message per block. An offset is a number of messages.
//!
//! With `ack`, a server learns how many of its records are durable since the checkpoint began, as `{"ack": n}`:
//! whenever the connection opens, and whenever the number grows. A server that numbers its records continues from
//! there, and so loses and doubles none.
//!
//! A server that is faster than the query is held back: the connection is closed when too much waits, and opened again when
//! half of it is processed. What a server without acknowledgements sends meanwhile is not received.

use super::options::{Kind, Opt, Options, RECORD_FORMAT};
use super::queue::{Queue, QueueSource};
use super::retry::Retry;
use super::{Ask, Definition, Event, Guarantee, Heard, Records, Source, StreamSpec};
use crate::error::Result;

/// The server's address.
const URL: Opt = Opt::new("url", Kind::Url(&["ws://", "wss://"]), None, "Names the server.");
/// Whether the server wants acknowledgements.
const ACK: Opt = Opt::new(
    "ack",
    Kind::Flag,
    Some("false"),
    "Says whether the server is sent how many of its records are durable.",
);

/// A WebSocket.
pub const WEBSOCKET: Definition = Definition {
    name: "websocket",
    about: "Has the messages that a server sends over a WebSocket, which is opened again whenever it is lost.",
    options: &[
        URL,
        ACK,
        RECORD_FORMAT,
        Queue::MAX_BLOCKS,
        Queue::MAX_OFFSETS,
        Queue::MAX_BYTES,
        Queue::MAX_QUEUE,
        Queue::MAX_RECORD,
        Queue::DEAD_LETTERS,
    ],
    records: Records::Chosen,
    offset: "a number of messages",
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
    Ok(Box::new(WebSocket {
        url: url.to_owned(),
        ack: options.flag(&ACK),
        is_text: options.text(&RECORD_FORMAT) != Some("arrow"),
        is_open: false,
        retry: Retry::default(),
        queue: Queue::of(&spec.options),
    }))
}

/// The messages of one server.
#[derive(Debug)]
struct WebSocket {
    /// The server's address.
    url: String,
    /// Whether the server wants to know how many records are durable.
    ack: bool,
    /// Whether messages are text, however they are sent.
    is_text: bool,
    /// Whether the connection is open: only then can something be sent.
    is_open: bool,
    /// When to connect again.
    retry: Retry,
    /// Messages that no batch has taken.
    queue: Queue,
}

impl WebSocket {
    /// Asks for the connection.
    fn connect(&self) -> Vec<Ask> {
        vec![Ask::WebSocket {
            url: self.url.clone(),
            paced: false,
            max_bytes: self.queue.max_record,
        }]
    }

    /// Returns the acknowledgement of `count` records, if the server wants it and the connection is open.
    fn tell(&self, count: Option<i64>) -> Vec<Ask> {
        let told = count.filter(|_| self.ack && self.is_open);
        let text = told.map(|count| serde_json::json!({ "ack": count }).to_string());
        text.map(|text| Ask::Send { text }).into_iter().collect()
    }
}

impl QueueSource for WebSocket {
    fn name(&self) -> String {
        format!("websocket[{}]", self.url)
    }

    fn waiting(&self) -> &Queue {
        &self.queue
    }

    fn waiting_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }

    fn begin(&mut self, _: i64) -> Vec<Ask> {
        self.connect()
    }

    fn hear(&mut self, event: Event, now_ms: i64) -> Result<Heard> {
        let mut heard = Heard::default();
        match event {
            Event::Open { .. } => {
                self.is_open = true;
                self.retry.succeeded();
                heard.asks = self.tell(self.queue.durable());
            }
            Event::Closed => {
                self.is_open = false;
                self.retry.failed(now_ms);
            }
            Event::Text(mut text) => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                heard.blocks.push(self.queue.record(text.into_bytes()));
            }
            // Bytes that are no letters are replaced, as they are in a message that is sent as text.
            Event::Binary(bytes) if self.is_text && simdutf8::basic::from_utf8(&bytes).is_err() => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                heard.blocks.push(self.queue.record(text.into_bytes()));
            }
            Event::Binary(bytes) => heard.blocks.push(self.queue.record(bytes)),
            Event::TooLarge => heard.blocks.push(self.queue.refuse()),
            // No other comes of a WebSocket.
            _ => {}
        }
        if self.retry.hold_back(&mut heard, &mut self.queue) {
            self.is_open = false;
        }
        Ok(heard)
    }

    fn acknowledge(&mut self, count: i64) -> Vec<Ask> {
        self.tell(Some(count))
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::buffer::Buffer;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn socket(options: &[(&str, &str)]) -> WebSocket {
        let options: BTreeMap<String, String> = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        WebSocket {
            url: "ws://server".to_owned(),
            ack: true,
            is_text: true,
            is_open: true,
            retry: Retry::default(),
            queue: Queue::of(&options),
        }
    }

    /// Hears a message, as the driver lets it.
    fn hear(socket: &mut WebSocket, text: &str) -> Vec<Ask> {
        let heard = socket.hear(Event::Text(text.to_owned()), 0).unwrap();
        for block in heard.blocks {
            socket.queue.push(block);
        }
        heard.asks
    }

    #[test]
    fn a_record_that_is_too_large_is_counted_and_leaves_an_empty_block_in_its_place() {
        let mut socket = socket(&[("maxrecordbytes", "8")]);
        for text in ["{\"a\":1}", "{\"a\":12}", "{\"a\":3}"] {
            assert!(hear(&mut socket, text).is_empty());
        }
        let heard = socket.hear(Event::TooLarge, 0).unwrap();
        assert_eq!(heard.blocks, [Buffer::default()]);
        let blocks = socket.queue.read(0, 3).unwrap();
        let texts: Vec<&[u8]> = blocks.iter().map(Buffer::as_slice).collect();
        assert_eq!(texts, [b"{\"a\":1}\n".as_slice(), b"", b"{\"a\":3}\n"]);
        assert_eq!(
            (socket.queue.take_counts(), socket.queue.take_counts()),
            ([2, 0, 0], [0, 0, 0])
        );
    }

    #[test]
    fn a_server_that_is_too_fast_is_held_back_until_half_of_what_waits_is_processed() {
        let mut socket = socket(&[("maxqueuebytes", "40")]);
        for _ in 0..4 {
            assert!(hear(&mut socket, "123456789").is_empty());
            assert_eq!(socket.due_at(), None);
        }
        assert_eq!(hear(&mut socket, "123456789"), [Ask::Close]);
        assert_eq!(socket.queue.bytes(), 50, "what has come is kept");
        assert_eq!((socket.due_at(), socket.due(0)), (None, vec![]));
        socket.queue.read(0, 2).unwrap();
        assert_eq!(socket.due_at(), None, "30 of 40 bytes wait");
        socket.queue.read(2, 3).unwrap();
        assert_eq!(socket.due_at(), Some(i64::MIN));
        assert_eq!(socket.due(0), socket.connect());
        assert_eq!((socket.due_at(), socket.queue.take_counts()), (None, [0, 1, 0]));
        assert!(hear(&mut socket, "1").is_empty());
        assert_eq!(socket.queue.bytes(), 22);
        assert_eq!(socket.offset(6), json!(6));
    }
}
