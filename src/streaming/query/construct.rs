//! What a batch takes, and the way from there to its job.
//!
//! A batch is due for one of four reasons, looked at in this order: an earlier run left one, a source has data, the
//! watermark moved and an operator emits by it, or a timer of processing time may be due.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use super::durable::Durable;
use super::{Action, Batch, Look, Phase, Query};
use crate::cluster::runner::{JobRequest, Limits, SourceBlock};
use crate::error::{Result, SparkError};
use crate::exec::inputs::{BatchContext, Extent};
use crate::exec::stage::Wakes;
use crate::formats::framing::{Framing, Records};
use crate::ids::BatchId;
use crate::plan::output_mode::OutputMode;
use crate::plan::scan::Origin;
use crate::settings;
use crate::sources::{Format, Guarantee};
use crate::storage::files::Files;
use crate::streaming::checkpoint::logs::Offsets;
use crate::streaming::deal::{Cut, deal};
use crate::streaming::pieces::{Piece, Taken, tried, without};
use crate::streaming::progress::SourceProgress;
use crate::streaming::source::Source;
use crate::streaming::trigger::{CLOCK_BATCH_PAUSE_MS, Trigger};

impl Query {
    /// Lets sources ask what there is, at every trigger, or until all is known that was there if the trigger ends the query; returns
    /// `None` if it is known.
    pub(super) fn look(&mut self) -> Option<Vec<Action>> {
        let mut asked = Vec::new();
        if self.look == Look::Due && self.again.is_none() {
            let asks = self.sources.iter_mut().map(Source::look).enumerate();
            let asks = asks.filter(|(_, asks)| !asks.is_empty());
            asked.extend(asks.map(|(source, asks)| Action::Ask { source, asks }));
            self.look = Look::Asked;
        }
        if self.is_looking() {
            self.phase = Phase::Waiting { until_ms: i64::MAX };
            return Some(asked);
        }
        if self.look == Look::Asked {
            let is_known = !self.sources.iter().any(Source::looks_again);
            self.look = if self.definition.trigger.ends() && is_known {
                Look::Done
            } else {
                Look::Due
            };
        }
        None
    }

    /// Returns whether the trigger waits for what sources have asked.
    pub fn is_looking(&self) -> bool {
        self.look == Look::Asked && self.sources.iter().any(Source::is_looking)
    }

    /// Takes in that a source has heard something: the trigger that waited for it goes on.
    pub fn note_heard(&mut self, now_ms: i64) {
        let looking = self.is_looking();
        if !looking {
            self.hurry_epochs(now_ms);
        }
        if let Phase::Waiting { until_ms } = &mut self.phase
            && self.look == Look::Asked
            && !looking
        {
            *until_ms = now_ms.min(*until_ms);
        }
    }

    /// Lets sources look for files: at every trigger, or once if the trigger ends the query.
    ///
    /// # Errors
    /// If a source cannot look for them.
    pub(super) fn discover(&mut self, files: &dyn Files) -> Result<()> {
        if self.again.is_none() && (!self.definition.trigger.ends() || !self.discovered) {
            self.sources.iter_mut().try_for_each(|source| source.discover(files))?;
            self.discovered = true;
        }
        Ok(())
    }

    /// Returns the next batch, if there is one: that of an earlier run, new data, or a watermark that closes state.
    pub(super) fn construct(&mut self, id: BatchId, now_ms: i64) -> Option<Box<Batch>> {
        let mut batch = Batch {
            id,
            started_ms: now_ms,
            timestamp_ms: now_ms,
            ..Batch::default()
        };
        batch.watermark_ms = self.watermark.current_ms();
        if let Some(again) = &self.again {
            batch.timestamp_ms = again.timestamp_ms;
            batch.poison = std::mem::take(&mut self.poison);
            let sources = self.sources.iter_mut().zip(&again.ends);
            batch.shares = sources.map(|(source, end)| source.plan_again(end)).collect();
        } else {
            let data = self.sources.iter().any(|s| s.has_data(now_ms));
            if !data && !self.no_data_batch_is_due() {
                if !self.clock_batch_is_due(now_ms) {
                    return None;
                }
                self.note_idle();
            }
            batch.marks.push(("latestOffset", now_ms));
            let all = self.definition.trigger == Trigger::Once;
            batch.shares = self.sources.iter_mut().map(|s| s.plan(now_ms, all)).collect();
        }
        let shares = self.sources.iter().zip(&batch.shares);
        batch.sources = shares
            .map(|(source, share)| SourceProgress {
                description: source.description.clone(),
                start: share.start.clone(),
                end: share.end.clone(),
                ..SourceProgress::default()
            })
            .collect();
        Some(Box::new(batch))
    }

    /// Returns the error of a source that has failed, once all that came of it is processed, and what the watermark closes by then.
    pub(super) fn source_failure(&self, now_ms: i64) -> Option<SparkError> {
        let closes = self.no_data_batch_is_due() && !self.is_data_available(now_ms);
        let failure = self.sources.iter().find_map(Source::failure);
        failure.filter(|_| !closes).cloned()
    }

    /// Returns whether the watermark moved since the last batch, and an operator emits by it (`shouldRunAnotherBatch`).
    ///
    /// Complete mode never closes state, so no batch without data follows there;
    /// `spark.sql.streaming.noDataMicroBatches.enabled` turns such batches off.
    pub(super) fn no_data_batch_is_due(&self) -> bool {
        let enabled = self.definition.conf.flag(&settings::NO_DATA_BATCHES);
        let uses = self.has(Wakes::ByWatermark) && self.definition.mode != OutputMode::Complete;
        enabled
            && uses
            && self
                .last_evict_ms
                .is_some_and(|last| self.watermark.current_ms() > last)
    }

    /// Returns whether an operator of the plan is woken this way.
    fn has(&self, wakes: Wakes) -> bool {
        self.definition.graph.operators.iter().any(|o| o.wakes == wakes)
    }

    /// Returns whether to look for timeouts of processing time: at every trigger, or after a pause if triggers have no
    /// interval.
    pub(super) fn clock_batch_is_due(&self, now_ms: i64) -> bool {
        let pause_over = self
            .last_start_ms
            .is_none_or(|last| now_ms - last >= CLOCK_BATCH_PAUSE_MS);
        self.has(Wakes::ByClock)
            && !self.definition.trigger.ends()
            && (pause_over || self.definition.trigger.has_interval())
    }

    /// Makes durable what the batch takes, first what sources must remember; for a batch that runs again it is durable
    /// already.
    pub(super) fn begin(&mut self, mut batch: Box<Batch>, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        self.message = "Processing new data".into();
        if self.durable.is_none() || self.again.take().is_some() {
            return self.run(batch, now_ms, files);
        }
        let mut logs = std::mem::take(&mut batch.logs);
        logs.extend(batch.shares.iter_mut().filter_map(|share| share.log.take()));
        if logs.is_empty() {
            return self.log_offsets(batch, now_ms, files);
        }
        let (waits, actions) = self.ask(logs);
        self.phase = Phase::LoggingSources { batch, waits };
        actions
    }

    /// Writes the batch's entry of the offset log.
    pub(super) fn log_offsets(&mut self, batch: Box<Batch>, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        let entry = Offsets {
            watermark_ms: batch.watermark_ms,
            timestamp_ms: batch.timestamp_ms,
            conf: Durable::settings(&self.definition.conf),
            ends: batch.shares.iter().map(|s| s.end.clone()).collect(),
        };
        let Some(request) = self.durable.as_mut().map(|d| d.offsets(batch.id, &entry)) else {
            return self.run(batch, now_ms, files);
        };
        let (waits, actions) = self.ask([request]);
        self.phase = Phase::LoggingOffsets { batch, waits };
        actions
    }

    /// Reads the batch's records and asks for its job, unless that has begun; a source that cannot be read ends the query.
    pub(super) fn run(&mut self, mut batch: Box<Batch>, now_ms: i64, files: &dyn Files) -> Vec<Action> {
        if let Some(early) = batch.early.take() {
            self.phase = Phase::Running { batch, job: early.job };
            return match early.ended {
                None => vec![],
                Some(Ok(outcome)) => self.settle(now_ms, outcome, files),
                Some(Err(error)) => self.died(error),
            };
        }
        match self.request(&mut batch, files) {
            Ok(request) => {
                self.phase = Phase::Running { batch, job: None };
                vec![Action::Run(request)]
            }
            Err(error) => self.failed(error),
        }
    }

    /// Reads the batch's records, and returns its job.
    ///
    /// Blocks are read here and not earlier, so that a batch that waits for its offsets holds no memory.
    ///
    /// # Errors
    /// The sources', if records cannot be read.
    pub(super) fn request(&mut self, batch: &mut Batch, files: &dyn Files) -> Result<JobRequest> {
        for (source, share) in self.sources.iter_mut().zip(&batch.shares) {
            let scan = &self.definition.graph.scans[source.scan.0];
            let blocks = source.read(share, files)?;
            let cut = match &scan.origin {
                Origin::Blocks { format, options, .. } => cut_of(*format, options)?,
                _ => Cut::Never,
            };
            let logged = source.definition().guarantee == Guarantee::Logged;
            batch.taken.push(Taken { blocks, cut, logged });
        }
        let request = self.job_of(batch)?;
        if self.most_deaths().is_none() {
            batch.taken.clear();
        }
        Ok(request)
    }

    /// Returns the batch's job over what was read: the blocks of every scan, dealt out over partitions, and the batch's times.
    /// Without the records that are set aside or, while one is searched for, with those that are tried alone.
    ///
    /// # Errors
    /// If a setting cannot be read, or a block that is to be cut.
    pub(super) fn job_of(&self, batch: &Batch) -> Result<JobRequest> {
        let set = self.watermark.is_set();
        let mut request = JobRequest {
            scans: self.definition.statics.clone(),
            batch: Some(BatchContext {
                batch_id: batch.id,
                mode: self.definition.mode,
                time_ms: batch.timestamp_ms,
                late_us: set.then_some(self.late_ms * 1000),
                evict_us: set.then_some(batch.watermark_ms * 1000),
                extent: Extent::Batch,
            }),
            run: Some(self.definition.run),
            limits: Limits::of_batch(&self.definition.conf)?,
            description: format!(
                "batch {} of {}",
                batch.id,
                self.definition.name.as_deref().unwrap_or(&self.definition.id)
            ),
            ..JobRequest::default()
        };
        let aside: Vec<Piece> = batch.poison.aside.iter().map(|a| a.piece).collect();
        for (number, (source, taken)) in self.sources.iter().zip(&batch.taken).enumerate() {
            let blocks = match &batch.search {
                Some(search) => tried(taken, number, search.trial())?,
                None => without(taken, number, &aside)?,
            };
            let partitions = self.definition.graph.scans[source.scan.0].partitions;
            let dealt = deal(blocks, taken.cut, source.scan, partitions);
            let block = if source.definition().orders {
                SourceBlock::Order
            } else {
                SourceBlock::Bytes
            };
            let blocks = |(part, blocks): (_, Vec<Buffer>)| (part, blocks.into_iter().map(block).collect());
            request.scans.extend(dealt.into_iter().map(blocks));
        }
        Ok(request)
    }
}

/// Returns where blocks of a format may be cut: not where a cut would part a record, or a record from the names before it.
///
/// # Errors
/// If an option cannot be read.
pub(super) fn cut_of(format: Format, options: &BTreeMap<String, String>) -> Result<Cut> {
    let of = match format {
        Format::Arrow => return Ok(Cut::Rows),
        Format::Json => Records::Json,
        Format::Csv => Records::Csv,
        Format::Text => Records::Text,
    };
    let has_names = options.contains_key("header") || options.contains_key("enforceschema");
    let is_plain = Framing::new(of, options)?.is_plain() && !has_names;
    Ok(if is_plain { Cut::Lines } else { Cut::Never })
}
