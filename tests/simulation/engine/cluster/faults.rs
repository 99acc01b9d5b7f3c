//! Deaths, and messages to the dead.

use arrow::buffer::Buffer;
use rand::Rng;

use super::{Cluster, Happening};
use crate::seeds::Log;
use rivulet::cluster::message::Peer;
use rivulet::connect::protocol::Input;
use rivulet::ids::ExecutorRef;

impl Cluster {
    /// To a dead incarnation: its successor gets it, or the sender is told.
    pub(super) fn peer(
        &mut self,
        from: ExecutorRef,
        to: ExecutorRef,
        message: Peer,
        blobs: Vec<Buffer>,
        log: &mut Log,
    ) {
        let heir = self.live.get(&to.id).map(|(incarnation, _)| ExecutorRef {
            id: to.id,
            incarnation: *incarnation,
        });
        match heir {
            Some(heir) if heir == to || self.network.chance(0.5) => {
                self.at(heir, log, |e| e.peer_message(from, message, blobs))
            }
            _ => {
                let delay = self.network.rng.random_range(0..60);
                self.network.after(delay, Happening::PeerLost { at: from, peer: to });
            }
        }
    }

    /// Kills an executor. Its last words may be lost; driver and peers hear of it, and its successor starts, in any order.
    pub(super) fn die(&mut self, executor: ExecutorRef, log: &mut Log) {
        self.faults.deaths -= 1;
        self.injected.executor_deaths += 1;
        self.end(executor, log);
    }

    /// Ends an executor, and starts its successor.
    pub(super) fn end(&mut self, executor: ExecutorRef, log: &mut Log) {
        log.note(|| format!("{:>6} {executor:?} dies", self.network.now_ms));
        self.live.remove(&executor.id);
        crate::engine::datasets::note_death(executor);
        if self.network.chance(0.5) {
            self.silenced.insert(executor);
        }
        let peers: Vec<ExecutorRef> = self
            .live
            .iter()
            .map(|(id, (incarnation, _))| ExecutorRef {
                id: *id,
                incarnation: *incarnation,
            })
            .collect();
        for at in peers {
            let delay = self.network.rng.random_range(0..100);
            self.network.after(delay, Happening::PeerLost { at, peer: executor });
        }
        let (heard, back) = (
            self.network.rng.random_range(0..120),
            self.network.rng.random_range(1..200),
        );
        self.network
            .after(heard, Happening::Driver(Input::ExecutorLost { executor, cause: None }));
        let next = executor.next();
        self.network.after(back, Happening::Start(next));
    }
}
