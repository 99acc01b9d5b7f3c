//! A batch: its blocks are written, its outputs run, states that are due are written, then its completion.

use std::collections::VecDeque;

use arrow::buffer::Buffer;

use super::{Batch, Command, Context, Phase, Running, SWEEP_BATCHES, Wait};
use crate::dstream::checkpoint::{self, Metadata, Name, WrittenState};
use crate::dstream::generate::Got;
use crate::dstream::graph::StreamId;
use crate::dstream::listener::Event as Listened;
use crate::error::{Result, SparkError};
use crate::ids::DatasetId;
use crate::rdd::dataset::Dataset;
use crate::storage::{Reply, Request};

impl Context {
    pub(super) fn begin(&mut self, mut batch: Batch, now_ms: i64) {
        batch.info.started(now_ms);
        self.out
            .push(Command::Listener(Listened::BatchStarted(batch.info.clone())));
        let time_ms = batch.info.batch_time;
        let inputs = VecDeque::from(std::mem::take(&mut batch.tokens));
        // Also if nothing has come: another life must not put later records into a batch whose outputs have run.
        for (input, _) in &inputs {
            if let Some(directory) = self.settings.directory.clone() {
                let bytes = checkpoint::join(self.generator.received(*input, time_ms));
                let path = Name::Received(*input, time_ms).path(&directory);
                self.ask(Request::Write { path, bytes });
            }
        }
        self.running = Some(Running {
            batch,
            phase: Phase::Received(inputs, None),
        });
    }

    /// Does the next thing of a batch; nothing is waited for.
    pub(super) fn work(&mut self, mut running: Running, now_ms: i64) {
        let time_ms = running.batch.info.batch_time;
        match running.phase {
            Phase::Received(_, failure) => {
                running.phase = Phase::Outputs(0);
                self.running = Some(running);
                if let Some(error) = failure {
                    self.batch_failed(error, now_ms);
                }
            }
            Phase::Outputs(at) => self.output(running, at, now_ms),
            Phase::States(streams) => self.states(running.batch, streams, now_ms),
            Phase::State(stream, dataset, blocks, later) => {
                self.replies.clear();
                let written = WrittenState {
                    time_ms,
                    partitions: blocks.len(),
                };
                self.written.entry(stream).or_default().push(written);
                let dataset = self.generator.maker.written(&dataset, blocks);
                self.generator.answer(stream, time_ms, dataset);
                let phase = Phase::States(later);
                self.running = Some(Running {
                    batch: running.batch,
                    phase,
                });
            }
            Phase::Completion => {
                self.replies.clear();
                let is_due = (time_ms - self.generator.zero_ms()) % (SWEEP_BATCHES * self.settings.batch_ms) == 0;
                match self.settings.directory.clone().filter(|_| is_due) {
                    Some(directory) => {
                        self.ask(Request::List {
                            path: directory.clone(),
                        });
                        self.ask(Request::List {
                            path: format!("{directory}/batches"),
                        });
                        running.phase = Phase::Sweep;
                        self.running = Some(running);
                    }
                    None => self.completed(running.batch, now_ms),
                }
            }
            Phase::Sweep => {
                self.sweep(time_ms);
                running.phase = Phase::Swept;
                self.running = Some(running);
            }
            Phase::Swept => {
                self.replies.clear();
                self.completed(running.batch, now_ms);
            }
        }
    }

    /// Runs the next output; after the last one, looks at the states.
    fn output(&mut self, mut running: Running, at: usize, now_ms: i64) {
        let time_ms = running.batch.info.batch_time;
        let Some(stream) = self.settings.outputs.get(at).copied() else {
            let stateful = self.generator.graph.all().filter(|(_, s)| s.how.is_stateful());
            running.phase = Phase::States(stateful.map(|(id, _)| id).collect());
            self.running = Some(running);
            return;
        };
        let got = self.generator.get(stream, time_ms);
        for ask in self.generator.take_asks() {
            self.out.push(Command::Ask(ask));
        }
        match got {
            Err(error) => {
                self.running = Some(running);
                self.batch_failed(error, now_ms);
            }
            Ok(Got::Waits) => {
                self.wait = Wait::Page;
                self.running = Some(running);
            }
            // Another life must make the same dataset of what the page holds.
            Ok(Got::Ready(_)) if self.are_notes_new && self.settings.directory.is_some() => {
                self.are_notes_new = false;
                let directory = self.settings.directory.clone().unwrap_or_default();
                let path = Name::Note(time_ms).path(&directory);
                let bytes = Buffer::from(serde_json::json!(self.notes).to_string().into_bytes());
                self.ask(Request::Write { path, bytes });
                self.running = Some(running);
            }
            Ok(Got::Ready(dataset)) => {
                running.phase = Phase::Outputs(at + 1);
                self.running = Some(running);
                if let Some(dataset) = dataset {
                    self.wait = Wait::Output;
                    self.out.push(Command::Output {
                        output: at,
                        time_ms,
                        dataset,
                    });
                }
            }
        }
    }

    /// Writes the next state that is due, or the completion.
    fn states(&mut self, batch: Batch, mut streams: VecDeque<StreamId>, now_ms: i64) {
        let time_ms = batch.info.batch_time;
        let since = time_ms - self.generator.zero_ms();
        while let Some(stream) = streams.pop_front() {
            let every_ms = self.generator.graph.stream(stream).checkpoint_ms;
            // A batch that runs again may be older than what is written.
            let newest = self.written.get(&stream).and_then(|w| w.last());
            let is_written = newest.is_some_and(|w| w.time_ms >= time_ms);
            if since <= 0 || since % every_ms != 0 || is_written || self.settings.directory.is_none() {
                continue;
            }
            // It was made for an output, or is made now of what is there.
            if let Ok(Got::Ready(Some(dataset))) = self.generator.get(stream, time_ms) {
                self.wait = Wait::Job;
                self.out.push(Command::Collect(dataset.clone()));
                self.running = Some(Running {
                    batch,
                    phase: Phase::State(stream, dataset, vec![], streams),
                });
                return;
            }
        }
        self.complete(batch, now_ms);
    }

    /// Takes in the partitions of a state, and writes them.
    pub(super) fn collected(&mut self, collected: Result<Vec<Buffer>>, now_ms: i64) {
        let Some(Running {
            batch,
            phase: Phase::State(stream, dataset, _, later),
        }) = self.running.take()
        else {
            return;
        };
        let time_ms = batch.info.batch_time;
        let (blocks, error) = match collected {
            Ok(blocks) => (blocks, None),
            Err(error) => (vec![], Some(error)),
        };
        self.running = Some(Running {
            batch,
            phase: Phase::State(stream, dataset, blocks.clone(), later),
        });
        if let Some(error) = error {
            return self.batch_failed(error, now_ms);
        }
        let Some(directory) = self.settings.directory.clone() else {
            return;
        };
        let folder = Name::State(stream, time_ms).path(&directory);
        for (part, bytes) in blocks.into_iter().enumerate() {
            let path = format!("{folder}/part-{part}");
            self.ask(Request::Write { path, bytes });
        }
    }

    /// Writes that a batch is done: another life begins after it.
    fn complete(&mut self, batch: Batch, _now_ms: i64) {
        let time_ms = batch.info.batch_time;
        self.completed_ms = self.completed_ms.max(time_ms);
        self.failed.retain(|failed| *failed != time_ms);
        self.record();
        self.running = Some(Running {
            batch,
            phase: Phase::Completion,
        });
    }

    /// Writes how far the context has come, if another life can continue from that.
    pub(super) fn record(&mut self) {
        if let Some(directory) = self.settings.directory.clone().filter(|_| self.recovers()) {
            let mut metadata = Metadata::new(
                self.settings.batch_ms,
                self.generator.zero_ms(),
                self.completed_ms,
                self.kinds(),
            );
            metadata.failed.clone_from(&self.failed);
            metadata.states = self.written.iter().map(|(id, states)| (id.0, states.clone())).collect();
            metadata.notes = self.notes.clone();
            // A batch that failed before is completed later than others: the name says when it was written.
            match metadata.encode() {
                Ok(bytes) => self.ask(Request::Write {
                    path: checkpoint::batch_path(&directory, self.completed_ms, self.failed.len()),
                    bytes,
                }),
                Err(error) => self.out.push(Command::Failed(error)),
            }
        }
    }

    /// Removes files that no batch needs any more.
    fn sweep(&mut self, time_ms: i64) {
        let replies = std::mem::take(&mut self.replies);
        let Some(directory) = self.settings.directory.clone() else {
            return;
        };
        let mut names = replies.into_iter().map(|reply| match reply {
            Reply::Names(names) => names,
            _ => vec![],
        });
        let (files, batches) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let oldest = self.oldest(time_ms);
        let old = files
            .iter()
            .filter_map(|name| Name::parse(name))
            .filter(|name| match *name {
                Name::Received(stream, at) => at <= self.generator.needed_since(stream, oldest),
                Name::Note(at) => at < time_ms,
                Name::State(stream, at) => {
                    let first = self.written.get(&stream).and_then(|w| w.first());
                    first.is_some_and(|first| at < first.time_ms)
                }
            });
        let mut paths: Vec<String> = old.map(|name| name.path(&directory)).collect();
        paths.extend(checkpoint::old_batches(&batches).map(|name| format!("{directory}/batches/{name}")));
        for path in paths {
            self.ask(Request::Delete { path });
        }
    }

    /// Returns the oldest batch whose needs another life may have, at the end of this one: of those that failed, and of those
    /// that make states again after the oldest that is written. A state that was due and could not be written makes that one
    /// older than the intervals say.
    fn oldest(&self, time_ms: i64) -> i64 {
        let failed = self.failed.iter().copied();
        failed
            .min()
            .map_or(time_ms, |oldest| oldest.min(time_ms))
            .min(self.oldest_base(time_ms))
    }

    /// Returns the oldest batch whose needs this life may have, at the end of this one.
    fn oldest_base(&self, time_ms: i64) -> i64 {
        let graph = &self.generator.graph;
        let stateful = graph.all().filter(|(_, stream)| stream.how.is_stateful());
        let bases = stateful.map(|(id, stream)| {
            let written = self.written.get(&id).and_then(|w| w.first());
            let base_ms = written.map_or(self.generator.zero_ms(), |w| w.time_ms);
            base_ms + graph.keep_ms(id) + stream.slide_ms + stream.checkpoint_ms
        });
        bases.min().map_or(time_ms, |oldest| oldest.min(time_ms))
    }

    /// Forgets what is not needed after a batch.
    fn forget(&mut self, time_ms: i64) {
        // A batch that failed runs again in another life only, and what it needs is on the disk.
        let needed = self.oldest_base(time_ms);
        let released = self.generator.released_by(needed).into_iter();
        self.out
            .extend(released.map(|(stream, up_to_ms)| Command::Released { stream, up_to_ms }));
        let gone = self.generator.forget_before(needed);
        let kept = gone
            .iter()
            .filter(|d| d.definition().node.cached)
            .filter_map(Dataset::key);
        let kept: Vec<DatasetId> = kept.collect();
        if !kept.is_empty() {
            self.out.push(Command::Unkeep(kept));
        }
        let oldest = self.oldest(time_ms);
        for (stream, written) in &mut self.written {
            let needed = self.generator.needed_since(*stream, oldest);
            // All before the newest one that makes what is needed again.
            if let Some(newest) = written.iter().rposition(|w| w.time_ms <= needed) {
                written.drain(..newest);
            }
        }
    }

    fn completed(&mut self, batch: Batch, now_ms: i64) {
        self.forget(batch.info.batch_time);
        self.done(batch, now_ms);
    }

    /// Tells inputs and listeners that a batch is over.
    fn done(&mut self, mut batch: Batch, now_ms: i64) {
        batch.info.ended(now_ms);
        let (processing_ms, scheduling_ms) = (
            batch.info.processing_delay.unwrap_or(0),
            batch.info.scheduling_delay.unwrap_or(0),
        );
        for (input, records) in &batch.records {
            if let Some(input) = self.inputs.get_mut(input) {
                input.blocks.processed(now_ms, *records, processing_ms, scheduling_ms);
            }
        }
        self.out.push(Command::Listener(Listened::Completed(batch.info)));
        let gone = self.generator.maker.live.collect();
        if !gone.is_empty() {
            self.out.push(Command::Forget(gone));
        }
    }

    /// Ends the running batch with an error. Later batches run; this one runs again after a restart.
    pub(super) fn batch_failed(&mut self, error: SparkError, now_ms: i64) {
        // Answers that are still to come belong to it.
        self.replies.clear();
        let Some(Running { mut batch, .. }) = self.running.take() else {
            return;
        };
        let time_ms = batch.info.batch_time;
        if self.settings.directory.is_some() && !self.failed.contains(&time_ms) {
            self.failed.push(time_ms);
        }
        batch.info.failure = Some(error.full_message());
        self.out.push(Command::Failed(error));
        self.done(batch, now_ms);
    }
}
