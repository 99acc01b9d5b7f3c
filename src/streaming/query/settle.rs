//! From a job's end to the next batch: the sink, the state, the commit, and what can be deleted after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Action, Batch, Phase, Query, Told};
use crate::cluster::runner::Outcome;
use crate::error::SparkError;
use crate::exec::inputs::{EventTimeStats, StateStats};
use crate::ids::{JobId, OperatorId};
use crate::storage::files::Files;
use crate::streaming::checkpoint::logs::Commit;
use crate::streaming::pid::Measured;
use crate::streaming::progress::StateProgress;
use crate::streaming::query::EventKind;
use crate::streaming::trigger::Trigger;

impl Query {
    /// Takes in how a job ended: that of the batch in progress, or of the one ahead, whose turn has not come yet.
    pub fn job_ended(
        &mut self,
        now_ms: i64,
        job: JobId,
        ended: Result<Outcome, SparkError>,
        files: &dyn Files,
    ) -> Vec<Action> {
        match &self.phase {
            _ if self.epochs_job() == Some(job) => match ended {
                Ok(_) => vec![],
                Err(error) => self.epochs_failed(error),
            },
            Phase::Running { job: running, batch } if running.is_none_or(|id| id == job) => match ended {
                ended if batch.search.is_some() => self.tried(ended.map(drop)),
                Ok(outcome) => self.settle(now_ms, outcome, files),
                Err(error) => self.died(error),
            },
            _ => self.early_ended(job, ended),
        }
    }

    /// Takes in what the job of the batch in progress made: the watermark moves, the sink takes the rows while the state is
    /// written, and the next job may begin.
    pub(super) fn settle(&mut self, now_ms: i64, outcome: Outcome, files: &dyn Files) -> Vec<Action> {
        let mut batch = match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Running { batch, .. } => batch,
            other => {
                self.phase = other;
                return vec![];
            }
        };
        batch.marks.push(("queryPlanning", batch.started_ms));
        batch.taken.clear();
        self.take_reports(&mut batch, &outcome);
        let batch_id = batch.id;
        let writes = self.durable.as_mut().map(|d| d.changes(batch_id, outcome.changes));
        let letters = self.dead_letters(&batch, &outcome.reports);
        let (waits, mut actions) = self.ask(writes.into_iter().flatten().chain(letters));
        if self.watermark.is_set() {
            self.late_ms = batch.watermark_ms;
            self.last_evict_ms = Some(batch.watermark_ms);
            self.watermark.advance(&batch.event_times, now_ms);
        }
        self.phase = Phase::Settling {
            batch,
            waits,
            delivered: false,
        };
        actions.push(Action::Deliver {
            batch_id,
            blocks: outcome.results,
        });
        actions.extend(self.look_ahead(now_ms, files));
        actions
    }

    /// Sums up what tasks report: rows of sources, event times, state, rows of the last stage.
    fn take_reports(&self, batch: &mut Batch, outcome: &Outcome) {
        let graph = &self.definition.graph;
        let mut event_times: BTreeMap<usize, EventTimeStats> = BTreeMap::new();
        let mut state: BTreeMap<OperatorId, StateStats> = BTreeMap::new();
        for (part, report) in &outcome.reports {
            for (number, stats) in &report.event_times {
                let entry = event_times.entry(*number).or_default();
                *entry = entry.merged(stats);
            }
            for (operator, s) in &report.state {
                let total = state.entry(*operator).or_default();
                *total = total.merged(s);
            }
            for (source, progress) in self.sources.iter().zip(&mut batch.sources) {
                progress.rows += report.scanned_rows.get(&source.scan).copied().unwrap_or(0);
                progress.malformed += report.malformed_records.get(&source.scan).copied().unwrap_or(0);
            }
            if part.stage.0 + 1 == graph.stages.len() {
                batch.output_rows += report.output_rows as i64;
            }
        }
        batch.event_times = (0..graph.watermarks.len())
            .map(|i| event_times.get(&i).copied().unwrap_or_default())
            .collect();
        let operators = graph.operators.iter().enumerate();
        let reported = operators.map(|(number, operator)| StateProgress {
            name: operator.name,
            partitions: operator.partitions,
            counts_duplicates: operator.counts_duplicates,
            stats: state.get(&OperatorId(number)).copied().unwrap_or_default(),
        });
        batch.state = reported.collect();
    }

    /// Takes in the sink's answer: it has the batch, or has failed and ends the query.
    pub fn delivered(&mut self, now_ms: i64, result: Result<(), SparkError>, files: &dyn Files) -> Vec<Action> {
        let Phase::Settling {
            delivered,
            batch,
            waits,
        } = &mut self.phase
        else {
            return vec![];
        };
        if *delivered {
            return vec![];
        }
        if let Err(error) = result {
            return self.failed(error);
        }
        *delivered = true;
        batch.marks.push(("addBatch", now_ms));
        if !waits.is_empty() {
            return vec![];
        }
        match std::mem::replace(&mut self.phase, Phase::Waiting { until_ms: now_ms }) {
            Phase::Settling { batch, .. } => self.log_commit(batch, now_ms, files),
            other => {
                self.phase = other;
                vec![]
            }
        }
    }

    /// Commits a batch that sink and state have: writes the entry that says where the next batch begins.
    pub(super) fn log_commit(&mut self, batch: Box<Batch>, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        let entry = Commit {
            next_watermark_ms: self.watermark.current_ms(),
            seen_ms: Some(self.watermark.seen_ms().to_vec()),
        };
        let Some(request) = self.durable.as_mut().map(|d| d.commit(batch.id, &entry)) else {
            return self.finish(batch, now_ms, files);
        };
        let (waits, actions) = self.ask([request]);
        self.phase = Phase::LoggingCommit { batch, waits };
        actions
    }

    /// Lets sources know how much the next batch should take: what can be processed until the trigger after it.
    fn pace(&mut self, batch: &Batch, now_ms: i64) {
        let took_ms = now_ms - batch.started_ms;
        let interval_ms = match self.definition.trigger {
            Trigger::ProcessingTime { interval_ms } if interval_ms > 0 => interval_ms,
            _ => took_ms,
        };
        let sources = self.sources.iter_mut().zip(&batch.shares).zip(&batch.sources);
        for (estimator, ((source, share), progress)) in self.estimators.iter_mut().zip(sources) {
            let measured = Measured {
                ended_ms: now_ms,
                rows: progress.rows,
                processing_ms: took_ms,
                delay_ms: (took_ms - interval_ms).max(0),
            };
            if let Some(rate) = estimator.measure(measured) {
                source.pace(share, progress.rows, rate * interval_ms as f64 / 1000.0);
            }
        }
    }

    /// Ends a batch that is committed: deletes what nobody needs, reports, and goes on with the batch ahead or waits for the
    /// next trigger.
    pub(super) fn finish(&mut self, mut batch: Box<Batch>, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        batch.marks.push(("commitOffsets", now_ms));
        self.next_batch = batch.id.next();
        let mut gone = self.durable.as_mut().map(|d| d.clean(batch.id)).unwrap_or_default();
        if let Some(durable) = &self.durable {
            gone.extend(batch.poison.clean(&durable.at, batch.id));
        }
        for aside in &batch.poison.aside {
            if let Some(progress) = batch.sources.get_mut(aside.piece.source) {
                progress.set_aside += 1;
            }
        }
        for (source, share) in self.sources.iter_mut().zip(&batch.shares) {
            gone.extend(source.committed(&share.end));
        }
        for (source, progress) in self.sources.iter_mut().zip(&mut batch.sources) {
            let [refused, held, dropped] = source.queue().map(|queue| queue.take_counts()).unwrap_or_default();
            progress.malformed += refused;
            progress.held += held;
            progress.dropped += dropped;
        }
        self.pace(&batch, now_ms);
        // Nobody waits for deletions.
        let (_, mut actions) = self.ask(gone);
        let progress = Arc::new(self.progress(&batch, now_ms));
        self.last_start_ms = Some(batch.started_ms);
        actions.push(Action::Event {
            kind: EventKind::Progress,
            event: Told::Progress(progress.clone()),
        });
        self.recent.push_back(progress);
        while self.recent.len() > self.recent_limit {
            self.recent.pop_front();
        }
        if self.stopping || self.definition.trigger == Trigger::Once {
            actions.extend(self.end(None));
        } else if let Some(next) = self.promote(now_ms, files) {
            actions.extend(next);
        } else {
            self.phase = Phase::Waiting {
                until_ms: self.definition.trigger.next_ms(now_ms, true),
            };
        }
        self.hurry_epochs(now_ms);
        actions
    }
}
