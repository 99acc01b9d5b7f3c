//! Queries whose tasks stay: what they are fed with, and where the rows go that come of it.
//!
//! A sink gets rows as they come, and may work on several lots of them at once, as many as it says. What it is not ready for
//! waits here, together; if too much waits, the query is not fed. An epoch is delivered when the sink is done with all that
//! came before its end.

use std::collections::{BTreeMap, VecDeque};

use arrow::buffer::Buffer;

use crate::cluster::message::PageSink;
use crate::cluster::runner::{JobRequest, Outcome, ScanBlocks};
use crate::connect::driver::Driver;
use crate::connect::jobs::Owner;
use crate::error::Result;
use crate::exec::inputs::BatchContext;
use crate::ids::{BatchId, JobId};
use crate::streaming::sinks::foreach_batch::GIVEN;
use crate::streaming::sinks::{Delivery, Step};

/// Bytes of rows that wait for the sink before the query is not fed any more.
const WAITING_BYTES: usize = 8 << 20;

/// Rows on their way to the sink of a query whose tasks stay.
#[derive(Debug, Default)]
pub(super) struct Emissions {
    /// Rows for which the sink is not ready, each lot with its epoch.
    waiting: VecDeque<(BatchId, Vec<Buffer>)>,
    /// How many bytes they are.
    bytes: usize,
    /// How many lots the sink was given.
    given: u64,
    /// How many it is done with.
    done: u64,
    /// The epoch that is delivered when the sink is done with as many.
    due: Option<u64>,
    /// The job whose tasks hand rows to the page.
    job: Option<JobId>,
    /// How many lots they have handed to it.
    shown: u64,
    /// With how many of them the page is done, by epoch; those of delivered epochs are counted with the last of these.
    acknowledged: BTreeMap<BatchId, u64>,
    /// The epoch that is ending, and how many lots executors had handed to the page when it did.
    due_shown: Option<(BatchId, u64)>,
}

impl Emissions {
    /// Adds rows.
    fn add(&mut self, epoch: BatchId, blocks: Vec<Buffer>) {
        self.bytes += blocks.iter().map(Buffer::len).sum::<usize>();
        match self.waiting.back_mut() {
            // The end of an epoch falls between two lots.
            Some((last, waiting)) if *last == epoch && self.due.is_none() => waiting.extend(blocks),
            _ => self.waiting.push_back((epoch, blocks)),
        }
    }

    /// Forgets what executors have handed to the page: their job has ended, and another begins. It does so when the epochs that
    /// passed before are delivered, so that what is not acknowledged is of an epoch that is run again.
    fn begin(&mut self, job: JobId) {
        self.job = Some(job);
        self.shown = 0;
        self.acknowledged.clear();
        self.due_shown = None;
    }

    /// Notes that the page is done with lots that executors have handed to it. Such a word can come before that of the executor.
    /// Returns whether it counts.
    pub(super) fn acknowledged(&mut self, job: JobId, epoch: BatchId, lots: u32) -> bool {
        if self.job != Some(job) {
            return false;
        }
        *self.acknowledged.entry(epoch).or_default() += u64::from(lots);
        true
    }

    /// Returns whether the page has as many lots of executors as it may, and is not done with them.
    fn is_full(&self) -> bool {
        let done: u64 = self.acknowledged.values().sum();
        self.bytes >= WAITING_BYTES || self.shown.saturating_sub(done) >= GIVEN
    }

    /// Returns whether the page is done with all lots of the epoch that is ending, and of those before.
    fn is_acknowledged(&self) -> bool {
        self.due_shown.is_none_or(|(epoch, lots)| {
            let until: u64 = self.acknowledged.range(..=epoch).map(|(_, lots)| lots).sum();
            until >= lots
        })
    }

    /// Notes that an epoch is delivered: what is counted of it and of those before is one number from now on.
    fn delivered(&mut self) {
        self.due = None;
        let Some((epoch, _)) = self.due_shown.take() else {
            return;
        };
        let later = self.acknowledged.split_off(&epoch.next());
        let done = self.acknowledged.values().sum();
        self.acknowledged = later;
        self.acknowledged.insert(epoch, done);
    }

    /// Notes that the sink is done with lots that it was given.
    pub(super) fn done_with(&mut self, lots: u32) {
        self.done = (self.done + u64::from(lots)).min(self.given);
    }

    /// Takes the next lot, if the sink may have one more.
    fn next(&mut self, limit: u64) -> Option<(BatchId, Vec<Buffer>)> {
        if self.given - self.done >= limit {
            return None;
        }
        let (epoch, blocks) = self.waiting.pop_front()?;
        self.bytes -= blocks.iter().map(Buffer::len).sum::<usize>();
        self.given += 1;
        Some((epoch, blocks))
    }
}

impl Driver {
    /// Has a query's tasks stay.
    pub(super) fn start_epochs(&mut self, id: &str, mut request: JobRequest, now_ms: i64) {
        let running = self.streams.queries.get_mut(id).filter(|r| r.query.is_active());
        let Some(running) = running else { return };
        let plan = running.query.definition.plan;
        let function = running.sink.page_function().filter(|_| self.executors_reach_page);
        request.shows = function.map(|function| {
            let (function, run) = (function.to_owned(), id.to_owned());
            Box::new(PageSink { function, run })
        });
        let description = request.description.clone();
        let (job, effects) = self.runner.start_flow(plan, request, now_ms);
        self.owners.insert(job, (Owner::Query(id.to_owned()), plan));
        self.record(job, description, now_ms);
        if let Some(running) = self.streams.queries.get_mut(id) {
            running.query.set_epochs_job(job);
            running.emissions.begin(job);
        }
        self.carry_out(effects, now_ms);
    }

    /// Feeds a query's tasks.
    pub(super) fn feed_epochs(&mut self, id: &str, blocks: ScanBlocks, now_ms: i64) {
        if let Some(job) = self.epochs_job(id) {
            let effects = self.runner.feed(job, blocks, now_ms);
            self.carry_out(effects, now_ms);
            // The tasks have taken from the queues.
            self.credits(id);
        }
    }

    /// Ends an epoch of a query.
    pub(super) fn end_epoch(&mut self, id: &str, ends: BatchContext, next: BatchContext, now_ms: i64) {
        if let Some(job) = self.epochs_job(id) {
            let effects = self.runner.end_epoch(job, ends, next);
            self.carry_out(effects, now_ms);
        }
    }

    /// Returns the job of a query's tasks that stay.
    fn epochs_job(&self, id: &str) -> Option<JobId> {
        self.streams.queries.get(id).and_then(|r| r.query.epochs_job())
    }

    /// Returns the query whose tasks a job is.
    fn query_of(&self, job: JobId) -> Option<String> {
        match self.owners.get(&job) {
            Some((Owner::Query(id), _)) => Some(id.clone()),
            _ => None,
        }
    }

    /// Takes in that a query's tasks can be fed with more.
    pub(in crate::connect) fn has_room(&mut self, job: JobId) {
        if let Some(id) = self.query_of(job) {
            self.show_loads(&id);
        }
    }

    /// Lets a query know how much is under way; too much waits for its sink, it is not fed.
    fn show_loads(&mut self, id: &str) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let job = running.query.epochs_job().filter(|_| !running.emissions.is_full());
        let loads = job.and_then(|job| self.runner.loads(job));
        running.query.set_loads(loads);
    }

    /// Takes in that an epoch has gone through a query's tasks.
    pub(in crate::connect) fn epoch_passed(&mut self, job: JobId, outcome: Outcome, now_ms: i64) {
        let Some(id) = self.query_of(job) else { return };
        let files = self.files.clone();
        if let Some(running) = self.streams.queries.get_mut(&id) {
            // What each task has counted is of the time when the epoch went through it.
            let lots: u64 = outcome.reports.iter().map(|(_, report)| report.lots).sum();
            running.emissions.due_shown = running.query.ending_epoch().map(|epoch| (epoch, lots));
            let actions = running.query.epoch_passed(now_ms, outcome, files.as_ref());
            self.act(&id, actions, now_ms);
        }
    }

    /// Hands rows that come of a query's tasks to its sink, or has them wait for it.
    pub(in crate::connect) fn emitted_rows(&mut self, job: JobId, epoch: BatchId, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(id) = self.query_of(job) else { return };
        if let Some(running) = self.streams.queries.get_mut(&id) {
            running.emissions.add(epoch, blocks);
            self.give(&id, now_ms);
        }
    }

    /// Takes in how many lots of rows executors have handed to the page.
    pub(in crate::connect) fn rows_shown(&mut self, job: JobId, lots: u64) {
        let Some(id) = self.query_of(job) else { return };
        if let Some(running) = self.streams.queries.get_mut(&id) {
            running.emissions.shown = lots;
            if running.emissions.is_full() {
                self.show_loads(&id);
            }
        }
    }

    /// Goes on after the page was done with lots of rows that executors have handed to it.
    pub(super) fn acknowledged(&mut self, id: &str, now_ms: i64) {
        self.show_loads(id);
        self.deliver_epoch(id, now_ms);
    }

    /// Gives the sink what it is ready for; an epoch that it is done with is delivered.
    fn give(&mut self, id: &str, now_ms: i64) {
        let was_full = |r: &super::Running| r.emissions.is_full();
        let full = self.streams.queries.get(id).is_some_and(was_full);
        while let Some(running) = self.streams.queries.get_mut(id).filter(|r| r.query.is_active())
            && let Some((batch, blocks)) = running.emissions.next(running.sink.emits().unwrap_or(1))
        {
            let step = running.sink.deliver(Delivery {
                query: &running.query.definition.id,
                batch,
                blocks,
                now_ms,
            });
            if let Some(result) = self.carry_step(id, batch, step) {
                self.emitted(id, result, now_ms);
            }
        }
        if full {
            self.show_loads(id);
        }
        self.deliver_epoch(id, now_ms);
    }

    /// Takes in that the sink is done with a lot of rows, or has failed.
    fn emitted(&mut self, id: &str, result: Result<()>, now_ms: i64) {
        match result {
            Err(error) => self.query_failed(id, error, now_ms),
            Ok(()) => {
                if let Some(running) = self.streams.queries.get_mut(id) {
                    running.emissions.done_with(1);
                }
            }
        }
    }

    /// Takes in what a sink says of a lot that it was given before.
    pub(super) fn sink_answers(&mut self, id: &str, batch: BatchId, step: Result<Step>, now_ms: i64) {
        if let Some(result) = self.carry_step(id, batch, step) {
            self.emitted(id, result, now_ms);
            self.give(id, now_ms);
        }
    }

    /// Delivers an epoch: what its rows were made of is committed when the sink is done with all that have come. The rows of a
    /// batch of an earlier run come with it.
    pub(super) fn deliver_emitted(&mut self, id: &str, batch: BatchId, blocks: Vec<Buffer>, now_ms: i64) {
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        if !blocks.is_empty() {
            running.emissions.add(batch, blocks);
        }
        let emissions = &mut running.emissions;
        emissions.due = Some(emissions.given + emissions.waiting.len() as u64);
        self.give(id, now_ms);
    }

    /// Says that an epoch is delivered, if it is.
    fn deliver_epoch(&mut self, id: &str, now_ms: i64) {
        let files = self.files.clone();
        let Some(running) = self.streams.queries.get_mut(id) else {
            return;
        };
        let emissions = &mut running.emissions;
        if emissions.due.is_none_or(|due| emissions.done < due) || !emissions.is_acknowledged() {
            return;
        }
        emissions.delivered();
        let actions = running.query.delivered(now_ms, Ok(()), files.as_ref());
        self.act(id, actions, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_acknowledgements_does_not_grow_with_epochs() {
        let mut emissions = Emissions::default();
        emissions.begin(JobId(1));
        let mut epoch = BatchId(0);
        for passed in 1..=1000 {
            emissions.shown = 3 * passed;
            emissions.due_shown = Some((epoch, 3 * passed));
            assert!(emissions.acknowledged(JobId(1), epoch, 2));
            // Rows of the next epoch come meanwhile.
            assert!(emissions.acknowledged(JobId(1), epoch.next(), 0));
            assert!(!emissions.is_acknowledged());
            assert!(emissions.acknowledged(JobId(1), epoch, 1));
            assert!(emissions.is_acknowledged());
            assert!(!emissions.acknowledged(JobId(0), epoch, 1), "of another job");
            emissions.delivered();
            assert!(emissions.acknowledged.len() <= 2);
            assert!(!emissions.is_full());
            epoch = epoch.next();
        }
    }
}
