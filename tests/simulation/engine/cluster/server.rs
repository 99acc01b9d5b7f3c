//! A server that sends numbered records over a WebSocket, and goes on where it is told; or a page that reads them from somewhere.

use super::{Cluster, DRIVER, Happening, SERVER};
use rivulet::connect::protocol::Input;
use rivulet::ids::ConnectionId;
use rivulet::sources::Event;
use rivulet::sources::page::{PageAsk, PageEvent};

#[derive(Default)]
pub struct Server {
    pub records: Vec<String>,
    /// Records that have happened.
    pub available: usize,
    /// Records that were acknowledged: they must never be lost.
    pub acknowledged: usize,
    /// The socket, and the next record to send on it; none until the other side says where to go on.
    pub connection: Option<(ConnectionId, Option<usize>)>,
    /// The number of the first record that the page was asked for; none if records are sent over a WebSocket.
    pub page_from: Option<usize>,
}

impl Cluster {
    pub(super) fn socket_opened(&mut self, socket: ConnectionId) {
        self.server.connection = Some((socket, None));
        self.tell(socket, Event::Open { status: 101 });
    }

    pub(super) fn socket_closed(&mut self, socket: ConnectionId) {
        if self.server.connection.is_some_and(|(own, _)| own == socket) {
            self.server.connection = None;
        }
    }

    /// The other side says how many records it has for good.
    pub(super) fn acknowledged(&mut self, socket: ConnectionId, text: &str) {
        let message: serde_json::Value = serde_json::from_str(text).expect("an acknowledgement is JSON");
        let count = message["ack"].as_u64().expect("it has a count") as usize;
        let server = &mut self.server;
        assert!(
            count >= server.acknowledged && count <= server.available,
            "{count} records acknowledged after {}, of {}",
            server.acknowledged,
            server.available
        );
        server.acknowledged = count;
        if let Some((own, next)) = &mut server.connection
            && *own == socket
            && next.is_none()
        {
            *next = Some(count);
        }
        self.send_records();
    }

    /// The page is asked to begin after a record, or hears how many it has brought for good.
    pub(super) fn page_asked(&mut self, connection: ConnectionId, ask: &PageAsk) {
        let server = &mut self.server;
        match ask {
            PageAsk::Open { after, .. } => {
                let from = after.as_u64().map_or(0, |last| last as usize + 1);
                assert!(from >= server.acknowledged, "durable records are asked for again");
                server.acknowledged = from;
                server.page_from = Some(from);
                server.connection = Some((connection, Some(from)));
                self.send_records();
            }
            PageAsk::Credit { durable, .. } => {
                let durable = durable.expect("the query has a checkpoint") as usize;
                let count = server.page_from.expect("the page was asked") + durable;
                assert!(count >= server.acknowledged && count <= server.available);
                server.acknowledged = count;
            }
        }
    }

    /// Another record happens.
    pub(super) fn record_happens(&mut self) {
        self.server.available = (self.server.available + 1).min(self.server.records.len());
        self.send_records();
    }

    fn send_records(&mut self) {
        let Some((socket, Some(next))) = self.server.connection else {
            return;
        };
        for at in next..self.server.available {
            let text = self.server.records[at].clone();
            let event = if self.server.page_from.is_some() {
                Event::Page(PageEvent::Block {
                    offset: at.into(),
                    data: text.into_bytes(),
                    dropped: 0,
                })
            } else {
                Event::Text(text)
            };
            self.tell(socket, event);
        }
        self.server.connection = Some((socket, Some(next.max(self.server.available))));
        if self.server.page_from.is_some() {
            self.tell(socket, Event::Page(PageEvent::CaughtUp));
        }
    }

    fn tell(&mut self, socket: ConnectionId, event: Event) {
        let connection = socket;
        let input = Input::Connection { connection, event };
        self.network.send((SERVER, DRIVER), Happening::Driver(input));
    }
}
