//! A server that sends numbered records over a WebSocket, and goes on where it is told.

use super::{Cluster, DRIVER, Happening, SERVER};
use rivulet::connect::protocol::Input;
use rivulet::ids::ConnectionId;
use rivulet::sources::Event;

#[derive(Default)]
pub struct Server {
    pub records: Vec<String>,
    /// Records that have happened.
    pub available: usize,
    /// Records that were acknowledged: they must never be lost.
    pub acknowledged: usize,
    /// The socket, and the next record to send on it; none until the other side says where to go on.
    pub connection: Option<(ConnectionId, Option<usize>)>,
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
            self.tell(socket, Event::Text(text));
        }
        self.server.connection = Some((socket, Some(next.max(self.server.available))));
    }

    fn tell(&mut self, socket: ConnectionId, event: Event) {
        let connection = socket;
        let input = Input::Connection { connection, event };
        self.network.send((SERVER, DRIVER), Happening::Driver(input));
    }
}
