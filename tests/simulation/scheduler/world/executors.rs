//! What made-up executors do with a task, and how they die.

use rand::Rng;

use super::super::graphs::random_rows;
use super::{Happening, World};
use crate::seeds::Log;
use rivulet::error::SparkError;
use rivulet::ids::{ExecutorId, ExecutorRef, TaskId};
use rivulet::scheduler::event::{Event, Failure};
use rivulet::scheduler::{BlockId, Fetch};

fn writer(fetch: &Fetch) -> TaskId {
    match fetch.block {
        BlockId::Shuffle { task, .. } => task,
        BlockId::Kept(_) => unreachable!("no dataset is kept here"),
    }
}

impl World {
    pub(super) fn launch(&mut self, executor: ExecutorRef, task: TaskId, fetches: &[Fetch]) {
        let gone = fetches.iter().find(|f| {
            self.live
                .get(&f.from.id)
                .is_none_or(|l| l.incarnation != f.from.incarnation || !l.blocks.contains(&writer(f)))
        });
        let Some(live) = self
            .live
            .get_mut(&executor.id)
            .filter(|l| l.incarnation == executor.incarnation)
        else {
            return;
        };
        if let Some(fetch) = gone {
            let failure = Failure::FetchFailed { fetch: *fetch };
            return self.tell(
                executor,
                Event::Failed {
                    task,
                    executor,
                    failure,
                },
            );
        }
        live.running.insert(task);
        if self.faulty() && !fetches.is_empty() && self.network.chance(self.failing) {
            // A block is lost while its executor lives on.
            let fetch = fetches[self.network.rng.random_range(0..fetches.len())];
            self.live
                .get_mut(&fetch.from.id)
                .map(|l| l.blocks.remove(&writer(&fetch)));
        }
        let delay = self.network.rng.random_range(0..80);
        self.network.after(delay, Happening::End { executor, task });
    }

    pub(super) fn end(&mut self, executor: ExecutorRef, task: TaskId) {
        let fails = self.faulty() && self.network.chance(self.failing);
        let kind = self.network.rng.random_range(0..20);
        let rows = random_rows(&mut self.network.rng);
        let Some(live) = self.incarnation(executor).filter(|l| l.running.contains(&task)) else {
            return;
        };
        live.running.remove(&task);
        let event = if fails {
            let failure = match kind {
                0 => Failure::Error {
                    error: SparkError::internal("the data is bad"),
                    retryable: false,
                },
                1..6 => Failure::StateMissing,
                _ => Failure::Error {
                    error: SparkError::internal("a task panicked"),
                    retryable: true,
                },
            };
            Event::Failed {
                task,
                executor,
                failure,
            }
        } else {
            live.blocks.insert(task);
            Event::Finished {
                task,
                executor,
                rows,
                kept: vec![],
            }
        };
        self.tell(executor, event);
    }

    /// One executor dies. The driver hears of it some time, the next incarnation starts some time: in any order.
    pub(super) fn die(&mut self, log: &mut Log) {
        let id = ExecutorId(self.network.rng.random_range(0..self.executors));
        let Some(live) = self.live.remove(&id) else { return };
        let executor = ExecutorRef {
            id,
            incarnation: live.incarnation,
        };
        log.note(|| format!("{:>5} {executor:?} dies", self.network.now_ms));
        let (heard, back) = (
            self.network.rng.random_range(0..120),
            self.network.rng.random_range(0..200),
        );
        self.network
            .after(heard, Happening::Driver(Event::ExecutorLost { executor }));
        let executor = executor.next();
        self.network.after(back, Happening::Start { executor });
    }
}
