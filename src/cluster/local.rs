//! Executors in this process: one thread each, channels for ports.
//!
//! Peers find each other in a directory; a message to a life that is over is dropped, as on a network.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::buffer::Buffer;

use super::executor::{Executor, MemoryBlocks, Outgoing};
use super::message::{FromExecutor, Peer, ToExecutor};
use crate::error::{Result, SparkError, guarded};
use crate::exec::pace::Slices;
use crate::ids::{ExecutorId, ExecutorRef, TaskId};
use crate::sources::systems::Order;

/// What an executor's thread receives.
enum Inbox {
    /// A message of the driver.
    Driver(ToExecutor, Vec<Buffer>),
    /// A message of another executor.
    Peer(ExecutorRef, Peer, Vec<Buffer>),
    /// Another executor has ended.
    PeerLost(ExecutorRef),
    /// What an order of a task has brought.
    Supplied(TaskId, usize, Result<Vec<Buffer>>),
    /// Nothing has come while a task runs.
    Nothing,
    /// The executor ends.
    Stop,
}

/// Executors that live, and how to reach them.
type Directory = Arc<Mutex<BTreeMap<ExecutorId, (ExecutorRef, Sender<Inbox>)>>>;

/// Takes what an order has brought.
pub type Supplied = Box<dyn FnOnce(Result<Vec<Buffer>>) + Send>;

/// Carries out orders for records, and hands over what they bring, from whatever thread.
pub type Supplier = fn(Order, Supplied);

/// Threads that run executors.
pub struct LocalCluster {
    /// Executors that live.
    directory: Directory,
    /// Carries out their orders.
    supplier: Supplier,
}

impl LocalCluster {
    /// Returns a cluster without executors, whose tasks cannot order records.
    pub fn new() -> Self {
        Self {
            directory: Arc::default(),
            supplier: |_, supplied| supplied(Err(SparkError::unsupported("records of other systems"))),
        }
    }

    /// Has orders of tasks carried out.
    #[must_use]
    pub fn supplied_by(mut self, supplier: Supplier) -> Self {
        self.supplier = supplier;
        self
    }

    /// Starts one executor; `deliver` takes its messages to the driver, on the executor's thread, and `died` the error
    /// that ended it, if one does: its blocks and state are gone then, and its peers know.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(
        &self,
        me: ExecutorRef,
        deliver: impl Fn(ExecutorRef, FromExecutor, Vec<Buffer>) + Send + 'static,
        died: impl FnOnce(ExecutorRef, SparkError) + Send + 'static,
    ) -> std::io::Result<()> {
        let (sender, inbox) = channel();
        let (directory, supplier) = (self.directory.clone(), self.supplier);
        let own = sender.clone();
        lock(&directory).insert(me.id, (me, sender));
        std::thread::Builder::new()
            .name(format!("executor-{}", me.id))
            .stack_size(16 << 20)
            .spawn(move || {
                let served = guarded(|| {
                    serve(me, (&own, &inbox), &directory, supplier, &deliver);
                    Ok(())
                });
                if let Err(error) = served {
                    remove(&directory, me);
                    died(me, error);
                }
            })?;
        Ok(())
    }

    /// Sends a message of the driver; one to an executor that is gone is lost, as on any network.
    pub fn send(&self, to: ExecutorRef, message: ToExecutor, blobs: Vec<Buffer>) {
        if let Some((live, sender)) = lock(&self.directory).get(&to.id)
            && *live == to
        {
            let _ = sender.send(Inbox::Driver(message, blobs));
        }
    }

    /// Ends an executor as a crash would: its blocks and state are gone, its peers notice. Returns the life that ended;
    /// `None` if there was none.
    pub fn kill(&self, id: u32) -> Option<ExecutorRef> {
        let gone = lock(&self.directory).get(&ExecutorId(id))?.0;
        remove(&self.directory, gone).then_some(gone)
    }
}

/// Takes an executor out of the directory, and tells its peers; returns whether it was there.
fn remove(directory: &Directory, executor: ExecutorRef) -> bool {
    let mut directory = lock(directory);
    if directory.get(&executor.id).is_none_or(|(live, _)| *live != executor) {
        return false;
    }
    if let Some((_, sender)) = directory.remove(&executor.id) {
        let _ = sender.send(Inbox::Stop);
    }
    for (_, peer) in directory.values() {
        let _ = peer.send(Inbox::PeerLost(executor));
    }
    true
}

impl Default for LocalCluster {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the directory, locked.
fn lock(directory: &Directory) -> std::sync::MutexGuard<'_, BTreeMap<ExecutorId, (ExecutorRef, Sender<Inbox>)>> {
    directory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Steps an executor with what its inbox receives, until it is stopped.
fn serve(
    me: ExecutorRef,
    (own, inbox): (&Sender<Inbox>, &Receiver<Inbox>),
    directory: &Directory,
    supplier: Supplier,
    deliver: &impl Fn(ExecutorRef, FromExecutor, Vec<Buffer>),
) {
    let mut executor = Executor::new(me, MemoryBlocks::default()).paced(Arc::new(Slices::new(now_ms)));
    loop {
        let message = if executor.is_running() {
            inbox.try_recv().or_else(|e| match e {
                TryRecvError::Empty => Ok(Inbox::Nothing),
                TryRecvError::Disconnected => Err(RecvError),
            })
        } else {
            inbox.recv()
        };
        let Ok(message) = message else { return };
        let outgoing = match message {
            Inbox::Nothing => executor.go_on(),
            Inbox::Driver(message, blobs) => executor.driver_message(message, blobs),
            Inbox::Peer(from, message, blobs) => executor.peer_message(from, message, blobs),
            Inbox::PeerLost(id) => executor.peer_lost(id),
            Inbox::Supplied(task, at, brought) => executor.supply(task, at, brought),
            Inbox::Stop => return,
        };
        for out in outgoing {
            match out {
                Outgoing::Driver(message, blobs) => deliver(me, message, blobs),
                // Drivers of such executors do not name a function of a page.
                Outgoing::Page(_) => {}
                Outgoing::Order(task, at, order) => {
                    let own = own.clone();
                    // An executor that has ended needs nothing any more.
                    let supplied = move |brought| _ = own.send(Inbox::Supplied(task, at, brought));
                    supplier(*order, Box::new(supplied));
                }
                Outgoing::Peer(to, message, blobs) => {
                    let peer = lock(directory)
                        .get(&to.id)
                        .filter(|(live, _)| *live == to)
                        .map(|(_, s)| s.clone());
                    let sent = peer.is_some_and(|p| p.send(Inbox::Peer(me, message, blobs)).is_ok());
                    if !sent {
                        for failed in executor.peer_lost(to) {
                            if let Outgoing::Driver(message, blobs) = failed {
                                deliver(me, message, blobs);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the time, ms since the epoch.
#[allow(clippy::disallowed_methods)] // Threads are this module's, and so is their time.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::message::{ReceiverId, ReceiverOrder};

    #[test]
    fn an_executor_that_panics_is_gone_and_said_to_be() {
        let cluster = LocalCluster::new();
        let (sender, died) = channel();
        let me = ExecutorRef::new(0);
        let tell = move |executor, cause| sender.send((executor, cause)).unwrap();
        cluster.start(me, |_, _, _| panic!("no delivery"), tell).unwrap();
        let receiver = ReceiverId {
            context: 1,
            stream: 0,
            life: 0,
        };
        let order = ReceiverOrder::Start;
        cluster.send(me, ToExecutor::Receiver { receiver, order }, vec![]);
        let (executor, cause) = died.recv().unwrap();
        assert_eq!((executor, &*cause.parameters["panic"]), (me, "no delivery"));
        assert_eq!(cluster.kill(0), None);
    }
}
