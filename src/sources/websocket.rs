//! Records that a server sends over a WebSocket, one message per block. An offset is a number of messages.
//!
//! With `ack`, a server learns how many of its records are durable since the checkpoint began, as `{"ack": n}`:
//! whenever the connection opens, and whenever the number grows. A server that numbers its records continues from
//! there, and so loses and doubles none.

use arrow::buffer::Buffer;

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
    ],
    records: Records::Chosen,
    offset: "a number of messages",
    guarantee: Guarantee::Logged,
    open,
    recall: Queue::recall,
};

/// Makes the source.
fn open(spec: &StreamSpec, _: i64) -> Result<Box<dyn Source>> {
    let options = Options(&spec.options);
    let url = options.text(&URL).or(spec.path.as_deref()).unwrap_or_default();
    Ok(Box::new(WebSocket {
        url: url.to_owned(),
        ack: options.flag(&ACK),
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
                heard.blocks.push(Buffer::from(text.into_bytes()));
            }
            Event::Binary(bytes) => heard.blocks.push(Buffer::from(bytes)),
        }
        Ok(heard)
    }

    fn acknowledge(&mut self, count: i64) -> Vec<Ask> {
        self.tell(Some(count))
    }

    fn due_at(&self) -> Option<i64> {
        self.retry.at_ms()
    }

    fn due(&mut self, now_ms: i64) -> Vec<Ask> {
        if self.retry.is_due(now_ms) {
            self.connect()
        } else {
            vec![]
        }
    }
}
