//! The page: its functions take rows, from the driver or from the tasks of a job that stay on executors.

use std::collections::btree_map::Entry;

use arrow::buffer::Buffer;
use rand::Rng;

use super::{Cluster, Happening, PAGE, address};
use rivulet::cluster::executor::Shown;
use rivulet::connect::protocol::{Input, Output};
use rivulet::ids::{BatchId, ExecutorRef, JobId};

/// Lots of rows that the page is done with, all of one batch and one job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lots {
    run: String,
    batch: BatchId,
    job: Option<JobId>,
}

impl Cluster {
    /// A batch or a lot of rows comes from the driver.
    pub(super) fn take_batch(&mut self, output: Output) {
        if let Output::ForeachBatch {
            sink,
            run,
            batch_id,
            blocks,
        } = output
        {
            let lots = Lots {
                run,
                batch: batch_id,
                job: None,
            };
            self.call_function(sink, lots, blocks);
        }
    }

    /// An executor hands a lot of rows to the page: it arrives whatever becomes of the executor.
    pub(super) fn show(&mut self, from: ExecutorRef, shown: Box<Shown>) {
        self.network.send((address(from), PAGE), Happening::Shown(shown));
    }

    /// A lot of rows comes from an executor. Rows of a job that has been started again since are not wanted.
    pub(super) fn take_shown(&mut self, shown: Shown) {
        let Shown {
            sink,
            job,
            epoch,
            blocks,
        } = shown;
        let last = *self.jobs.get(&sink.run).unwrap_or(&job);
        if job < last {
            return;
        }
        self.jobs.insert(sink.run.clone(), job);
        let lots = Lots {
            run: sink.run,
            batch: epoch,
            job: Some(job),
        };
        self.call_function(sink.function, lots, blocks);
    }

    /// The function takes rows when it has done with those before, or throws before or after it did; once it has thrown it is not
    /// called again.
    fn call_function(&mut self, sink: String, lots: Lots, blocks: Vec<Buffer>) {
        let now_ms = self.network.now_ms;
        let Some(busy_until_ms) = *self.functions.entry(lots.run.clone()).or_insert(Some(now_ms)) else {
            return;
        };
        let fails = self.befalls(self.faults.sink_failures, self.faults.failing);
        let taken = !fails || self.network.chance(0.5);
        if taken {
            self.batches.push((sink, lots.batch, blocks));
        }
        if fails {
            self.faults.sink_failures -= 1;
            self.injected.sink_failures += 1;
        }
        let done_ms = busy_until_ms.max(now_ms) + self.network.rng.random_range(1..20);
        self.functions.insert(lots.run.clone(), (!fails).then_some(done_ms));
        let happens = if fails || lots.job.is_none() {
            let error = fails.then(|| "the sink does not want it".to_owned());
            Happening::Driver(done(lots, 1, error))
        } else {
            Happening::Taken(lots)
        };
        self.network.after(done_ms - now_ms, happens);
    }

    /// The function is done with a lot of an executor's: the page says so of several at once.
    pub(super) fn taken(&mut self, lots: Lots) {
        match self.taken.entry(lots.clone()) {
            Entry::Occupied(mut waiting) => *waiting.get_mut() += 1,
            Entry::Vacant(waiting) => {
                waiting.insert(1);
                let delay = self.network.rng.random_range(0..30);
                self.network.after(delay, Happening::Acknowledge(lots));
            }
        }
    }

    /// What the page says then.
    pub(super) fn acknowledgement(&mut self, lots: Lots) -> Input {
        let count = self.taken.remove(&lots).unwrap_or_default();
        done(lots, count, None)
    }
}

fn done(lots: Lots, count: u32, error: Option<String>) -> Input {
    Input::ForeachBatchDone {
        run: lots.run,
        batch_id: lots.batch,
        lots: count,
        job: lots.job,
        error,
    }
}
