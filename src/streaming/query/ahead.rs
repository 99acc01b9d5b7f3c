//! The batch after the one in progress: its job runs while the sink takes the rows before, and the commit is written.
//!
//! Everything that follows from a batch is known when its job is done: where its sources end, its state and its watermark.
//! What is missing, the sink and the commit, is no work for executors. So the next batch's job begins there and then; its
//! offsets, its rows and its state stay here until the batch before is committed. A restart in between finds nothing of it,
//! and may cut the data otherwise.
//!
//! ```text
//! executors  ├─ job n ─┤├─ job n+1 ─┤             ├─ job n+2 ─┤
//! loop                  ├─ sink n, commit n ─┤├─ offsets n+1, sink n+1, commit n+1 ─┤
//! ```
//!
//! Without a checkpoint there is nothing to wait for but the sink: it is offered the rows early, and one that calls the page
//! hands them on, so that they are there when the page has done with those before.
//!
//! Only a query that begins batches as fast as it can does so, and only for new data: what a trigger's interval or a
//! watermark asks for comes at its time. With back-pressure the size of a batch is known when the one before has ended.

use super::{Action, Batch, Phase, Query};
use crate::cluster::runner::Outcome;
use crate::error::SparkError;
use crate::ids::JobId;
use crate::storage::files::Files;
use crate::streaming::trigger::Trigger;

/// A job that began before its batch was the one in progress.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Its id, once the scheduler has it.
    pub job: Option<JobId>,
    /// How it ended, if it has.
    pub ended: Option<Result<Outcome, SparkError>>,
}

impl Query {
    /// Begins the job of the batch after the one in progress, if there is data for it.
    pub(super) fn look_ahead(&mut self, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        let may = self.may_look_ahead();
        self.arrived = false;
        let Some(after) = self.settling_batch().filter(|_| may).map(|batch| batch.id.next()) else {
            return vec![];
        };
        if let Err(error) = self.discover(files) {
            return self.failed(error);
        }
        if !self.is_data_available(now_ms) {
            return vec![];
        }
        let Some(mut batch) = self.construct(after, now_ms) else {
            return vec![];
        };
        match self.request(&mut batch, files) {
            Ok(request) => {
                batch.early = Some(Early::default());
                self.ahead = Some(batch);
                vec![Action::Run(request)]
            }
            Err(error) => self.failed(error),
        }
    }

    /// Returns the batch whose job is done, and which is not committed yet.
    fn settling_batch(&self) -> Option<&Batch> {
        match &self.phase {
            Phase::Settling { batch, .. } | Phase::LoggingCommit { batch, .. } => Some(batch),
            _ => None,
        }
    }

    /// Returns whether a batch ahead could begin now.
    fn may_look_ahead(&self) -> bool {
        let eager = self.definition.trigger == Trigger::ProcessingTime { interval_ms: 0 } && self.estimators.is_empty();
        eager && !self.stopping && self.ahead.is_none() && self.settling_batch().is_some()
    }

    /// Returns whether records have come that a batch ahead could take.
    pub(super) fn wants_ahead(&self) -> bool {
        self.arrived && self.may_look_ahead()
    }

    /// Returns the early job that has this id or, for `None`, none yet.
    pub(super) fn early(&mut self, job: Option<JobId>) -> Option<&mut Early> {
        let logging = match &mut self.phase {
            Phase::LoggingSources { batch, .. } | Phase::LoggingOffsets { batch, .. } => Some(batch),
            _ => None,
        };
        let mut batches = self.ahead.iter_mut().chain(logging);
        batches.find_map(|batch| batch.early.as_mut().filter(|early| early.job == job))
    }

    /// Takes in how an early job ended. Where no log decides whether the batch is due, its rows are offered to the sink at
    /// once.
    pub(super) fn early_ended(&mut self, job: JobId, ended: Result<Outcome, SparkError>) -> Vec<Action> {
        let logged = self.durable.is_some();
        let Some(early) = self.early(Some(job)) else {
            return vec![];
        };
        let offered = ended
            .as_ref()
            .ok()
            .filter(|_| !logged)
            .map(|outcome| outcome.results.clone());
        early.ended = Some(ended);
        let offer = self.ahead.as_ref().zip(offered).map(|(batch, blocks)| Action::Offer {
            batch_id: batch.id,
            blocks,
        });
        offer.into_iter().collect()
    }

    /// Makes the batch ahead, if there is one, the one in progress; its time begins.
    pub(super) fn promote(&mut self, now_ms: i64, files: &dyn Files) -> Option<Vec<Action>> {
        let mut batch = self.ahead.take()?;
        batch.started_ms = now_ms;
        batch.marks.iter_mut().for_each(|(_, ms)| *ms = now_ms);
        Some(self.begin(batch, now_ms, files))
    }
}
