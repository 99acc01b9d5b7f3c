//! Deaths, and messages to the dead.

use arrow::buffer::Buffer;
use rand::Rng;

use super::{Cluster, Happening};
use crate::seeds::Log;
use rivulet::cluster::message::{Peer, ToExecutor};
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

    /// Whether a task reads what ends its executor.
    pub(super) fn is_poisoned(&self, message: &ToExecutor, blobs: &[Buffer]) -> bool {
        let has = |bytes: &[u8], poison: &[u8]| bytes.windows(poison.len()).any(|w| w == poison);
        let poison = self.poison.as_ref().filter(|_| matches!(message, ToExecutor::Run(_)));
        poison.is_some_and(|(poison, _)| poison.is_empty() || blobs.iter().any(|blob| has(blob, poison)))
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
        let cause = self.poison.as_ref().and_then(|(_, cause)| cause.clone());
        self.network
            .after(heard, Happening::Driver(Input::ExecutorLost { executor, cause }));
        let next = executor.next();
        self.network.after(back, Happening::Start(next));
    }
}
