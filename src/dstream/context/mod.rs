//! A streaming context (`StreamingContext`, `JobScheduler`, `JobGenerator`): cuts what came in into batches by the clock,
//! runs their outputs one batch after the other, and writes what it needs to continue after its driver is gone.
//!
//! ```text
//!  created ── start ──▶ active ── stop ──▶ stopping ── the batches are done ──▶ ended
//!     └─ restore ─▶ restoring ─┘
//!
//!  a batch:  submitted ─▶ its blocks are written ─▶ outputs, one after the other ─▶ states that are due are written
//!                         └─ who sent them hears it                                └─▶ its completion is written
//! ```
//!
//! A step takes an event and the time, and returns commands; nothing here waits, reads a clock or touches storage.

mod batches;
mod incoming;
mod messages;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use arrow::buffer::Buffer;

use self::incoming::Input;
pub use self::messages::{Command, Event, Settings};
use super::checkpoint::WrittenState;
use super::generate::Generator;
use super::graph::{How, InputKind, StreamId};
use super::inputs::{Blocks, Token};
use super::listener::{BatchInfo, Event as Listened};
use super::recovery::Recovery;
use crate::error::{Result, SparkError};
use crate::ids::ExecutorRef;
use crate::rdd::dataset::{Dataset, Live};
use crate::storage::{Answer, Reply, Request};

/// Batches that wait; more are cut when these are done.
const QUEUE_LIMIT: usize = 1_000;

/// After how many batches old files are removed.
const SWEEP_BATCHES: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    Restoring,
    Active,
    /// Inputs stop.
    Stopping {
        gracefully: bool,
    },
    /// No more batches come.
    Draining,
    Ended,
}

/// A batch.
#[derive(Debug)]
struct Batch {
    info: BatchInfo,
    /// Records by input.
    records: BTreeMap<StreamId, u64>,
    /// Blocks whose senders wait, by input; an input whose blocks are of an earlier life is not here.
    tokens: Vec<(StreamId, Vec<Token>)>,
}

/// The batch that runs, and how far it is.
#[derive(Debug)]
struct Running {
    batch: Batch,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The blocks of these inputs are written, in this order; why one could not be.
    Received(VecDeque<(StreamId, Vec<Token>)>, Option<SparkError>),
    /// Outputs from this one on are to run.
    Outputs(usize),
    /// States of these streams are to be looked at.
    States(VecDeque<StreamId>),
    /// A state's partitions are written.
    State(StreamId, Dataset, Vec<Buffer>, VecDeque<StreamId>),
    /// Its completion is written.
    Completion,
    /// The directory is listed, to remove what is old.
    Sweep,
    /// Old files are removed.
    Swept,
}

/// What is waited for. At most one of them at a time, but for several answers of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    Storage(usize),
    Page,
    Output,
    Job,
}

/// A streaming context.
#[derive(Debug)]
pub struct Context {
    settings: Settings,
    generator: Generator,
    inputs: BTreeMap<StreamId, Input>,
    executors: BTreeSet<ExecutorRef>,
    state: State,
    /// Whether the page has more for a batch, when its inputs have stopped.
    page_waiting: Option<bool>,
    recovery: Option<Recovery>,
    /// The next batch's time.
    next_ms: i64,
    /// The last batch whose outputs are done.
    completed_ms: i64,
    /// Batches before that whose outputs failed.
    failed: Vec<i64>,
    /// The newest batch there is.
    submitted_ms: i64,
    restored: bool,
    queue: VecDeque<Batch>,
    running: Option<Running>,
    wait: Wait,
    replies: Vec<Reply>,
    /// States that were written and may be needed, oldest first.
    written: BTreeMap<StreamId, Vec<WrittenState>>,
    notes: BTreeMap<usize, serde_json::Value>,
    /// Whether the notes have changed since they were written.
    are_notes_new: bool,
    out: Vec<Command>,
}

impl Context {
    /// Makes a context of these streams. `limit` makes the rate limit of an input.
    pub fn new(settings: Settings, generator: Generator, limit: Option<super::rate::RateLimit>) -> Self {
        let streams = generator.graph.all();
        let inputs = streams.filter_map(|(id, stream)| Some((id, Input::of(&stream.how, Blocks::new(limit.clone()))?)));
        Self {
            inputs: inputs.collect(),
            executors: BTreeSet::new(),
            page_waiting: None,
            settings,
            generator,
            state: State::Created,
            recovery: None,
            next_ms: 0,
            completed_ms: 0,
            failed: vec![],
            submitted_ms: 0,
            restored: false,
            queue: VecDeque::new(),
            running: None,
            wait: Wait::Nothing,
            replies: vec![],
            written: BTreeMap::new(),
            notes: BTreeMap::new(),
            are_notes_new: false,
            out: vec![],
        }
    }

    /// Returns when it is to be woken, ms since the epoch; `None` if only events matter.
    pub fn wake_at(&self) -> Option<i64> {
        if self.state != State::Active {
            return None;
        }
        let batch = (self.queue.len() < QUEUE_LIMIT).then_some(self.next_ms);
        let inputs = self.inputs.values().filter_map(Input::wake_at);
        batch.into_iter().chain(inputs).min()
    }

    /// Returns when inputs want to be woken, ms since the epoch: between the ends of batches.
    pub fn inputs_wake_at(&self) -> Option<i64> {
        let is_active = self.state == State::Active;
        is_active
            .then(|| self.inputs.values().filter_map(Input::wake_at).min())
            .flatten()
    }

    /// Returns whether it is over.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Returns the datasets of a stream in a closed range of times; `None` if the page is asked for some (`DStream.slice`).
    ///
    /// # Errors
    /// As [`Generator::get`].
    pub fn slice(&mut self, stream: StreamId, from_ms: i64, to_ms: i64) -> Result<Option<Vec<Dataset>>> {
        let known = self.generator.graph.streams.get(stream.0);
        known.ok_or_else(|| SparkError::invalid_plan("a slice is of no stream"))?;
        let sliced = self.generator.slice(stream, from_ms, to_ms);
        self.out
            .extend(self.generator.take_asks().into_iter().map(Command::Ask));
        sliced
    }

    /// Takes what is wanted since the last event.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.out)
    }

    /// Returns the class of a stream's receiver.
    pub fn class_of(&self, stream: StreamId) -> Option<Buffer> {
        let How::Input {
            input: InputKind::Receiver { class },
            ..
        } = self.generator.graph.streams.get(stream.0)?.how
        else {
            return None;
        };
        self.generator.graph.library.values.get(class).cloned()
    }

    /// Takes what it has made and others may still read.
    pub fn take_live(&mut self) -> Live {
        std::mem::take(&mut self.generator.maker.live)
    }

    /// Ends at once: what has come is not processed, and nobody hears of the end.
    pub fn abandon(&mut self) -> Vec<Command> {
        if self.state != State::Ended {
            self.close_inputs();
            self.end();
        }
        let mut commands = self.take_commands();
        commands.retain(|command| !matches!(command, Command::Ended));
        commands
    }

    /// Takes an event.
    pub fn handle(&mut self, now_ms: i64, event: Event) -> Vec<Command> {
        if self.state == State::Ended {
            return vec![];
        }
        match event {
            Event::Restore => self.restore(),
            Event::Start => self.start(now_ms),
            Event::Wake => {}
            Event::Dataset {
                stream,
                time_ms,
                dataset,
                note,
            } => self.answered(stream, time_ms, dataset, note),
            Event::OutputDone { error } => {
                self.wait = Wait::Nothing;
                if let Some(error) = error {
                    self.batch_failed(error, now_ms);
                }
            }
            Event::Collected(blocks) => {
                self.wait = Wait::Nothing;
                self.collected(blocks, now_ms);
            }
            Event::Stored(answer) => self.stored(answer, now_ms),
            Event::Stop { gracefully } => self.stop(gracefully),
            Event::InputsStopped { waiting } => self.page_waiting = Some(waiting),
            event => self.comes_in(event, now_ms),
        }
        self.advance(now_ms);
        self.take_commands()
    }

    fn kinds(&self) -> Vec<String> {
        self.generator.graph.streams.iter().map(|s| s.kind.clone()).collect()
    }

    /// Returns whether all inputs can continue from a checkpoint.
    fn recovers(&self) -> bool {
        let mut streams = self.generator.graph.streams.iter();
        streams.all(|s| !matches!(s.how, How::Input { recovers: false, .. }))
    }

    fn ask(&mut self, request: Request) {
        let before = match self.wait {
            Wait::Storage(count) => count,
            _ => 0,
        };
        self.wait = Wait::Storage(before + 1);
        self.out.push(Command::Storage(request));
    }

    fn restore(&mut self) {
        let Some(directory) = self.settings.directory.clone() else {
            self.out.push(Command::Restored {
                found: false,
                notes: BTreeMap::new(),
            });
            return;
        };
        self.state = State::Restoring;
        let (recovery, request) = Recovery::begin(directory, self.settings.batch_ms, self.kinds());
        self.recovery = Some(recovery);
        self.ask(request);
    }

    fn start(&mut self, now_ms: i64) {
        if self.state != State::Created {
            return;
        }
        let batch_ms = self.settings.batch_ms;
        let floor = now_ms.div_euclid(batch_ms) * batch_ms;
        if !self.restored {
            self.generator.begin(floor);
            self.completed_ms = floor;
            // Before anything is acknowledged: another life must know where the first batch was.
            self.record();
        }
        self.submitted_ms = self.completed_ms;
        self.next_ms = self.completed_ms + batch_ms;
        self.state = State::Active;
        self.out.push(Command::Listener(Listened::Started { time_ms: now_ms }));
        self.open_inputs();
        // What failed in an earlier life comes first, with what it had; the oldest first, as a batch that completes lets go of
        // what those before it had.
        self.failed.sort_unstable();
        for time_ms in self.failed.clone() {
            let inputs: Vec<StreamId> = self.inputs.keys().copied().collect();
            for input in inputs {
                self.generator.receive(input, time_ms, vec![]);
            }
            self.submit(time_ms, now_ms);
        }
        self.submitted_ms = self.completed_ms;
        self.generator.submitted(self.completed_ms);
    }

    /// Puts a batch into the queue, with what has come for it.
    fn submit(&mut self, time_ms: i64, now_ms: i64) {
        self.submitted_ms = time_ms;
        self.generator.submitted(time_ms);
        let (mut records, mut tokens) = (BTreeMap::new(), vec![]);
        for (input, Input { blocks, .. }) in &mut self.inputs {
            // What an earlier life has received for it.
            if self.generator.has_received(*input, time_ms) {
                continue;
            }
            let cut = blocks.cut();
            records.insert(*input, cut.iter().map(|b| b.records).sum());
            tokens.push((*input, cut.iter().map(|b| b.token).collect()));
            let blocks = cut.into_iter().map(|b| b.bytes).collect();
            self.generator.receive(*input, time_ms, blocks);
        }
        let info = BatchInfo::submitted(time_ms, now_ms, records.values().sum());
        self.out.push(Command::Listener(Listened::Submitted(info.clone())));
        self.queue.push_back(Batch { info, records, tokens });
    }

    fn answered(&mut self, stream: StreamId, time_ms: i64, dataset: Result<Dataset>, note: Option<serde_json::Value>) {
        if let Some(note) = note {
            // An earlier life's is not written again: a torn write would harm what is there.
            self.are_notes_new |= self.generator.is_new(time_ms);
            self.notes.insert(stream.0, note);
        }
        if self.wait == Wait::Page {
            self.wait = Wait::Nothing;
        }
        match dataset {
            Ok(dataset) => self.generator.answer(stream, time_ms, dataset),
            Err(error) => self.generator.failed(stream, time_ms, error),
        }
    }

    fn stored(&mut self, answer: Answer, now_ms: i64) {
        let Wait::Storage(left) = self.wait else { return };
        self.wait = if left > 1 {
            Wait::Storage(left - 1)
        } else {
            Wait::Nothing
        };
        if let Some(recovery) = self.recovery.take() {
            return self.recovering(recovery, answer);
        }
        if let Some(Running {
            phase: Phase::Received(inputs, failure),
            batch,
        }) = &mut self.running
            && let Some((input, tokens)) = inputs.pop_front()
        {
            match answer {
                Ok(_) => self.safe(input, tokens),
                Err(error) => {
                    // Neither this life nor another has them.
                    self.generator.discard(input, batch.info.batch_time);
                    failure.get_or_insert(error.into());
                    self.out.push(Command::Refused { input, tokens });
                }
            }
            return;
        }
        match answer {
            Ok(reply) => self.replies.push(reply),
            Err(error) if self.running.is_some() => self.batch_failed(error.into(), now_ms),
            Err(error) => {
                self.out.push(Command::Failed(error.into()));
                self.end();
            }
        }
    }

    fn recovering(&mut self, mut recovery: Recovery, answer: Answer) {
        match recovery.answered(answer) {
            Err(error) => {
                self.state = State::Ended;
                self.out.push(Command::Failed(error));
                self.out.push(Command::Ended);
            }
            Ok(requests) if recovery.is_done() => {
                debug_assert!(requests.is_empty(), "nothing is read after the end");
                self.recovered(recovery);
            }
            Ok(requests) => {
                self.recovery = Some(recovery);
                for request in requests {
                    self.ask(request);
                }
            }
        }
    }

    fn recovered(&mut self, recovery: Recovery) {
        self.state = State::Created;
        if let Some(found) = recovery.into_found() {
            let metadata = found.metadata;
            self.restored = true;
            self.completed_ms = metadata.completed_ms;
            self.failed = metadata.failed;
            let (allocated_ms, notes) = found
                .noted
                .into_iter()
                .next_back()
                .unwrap_or((metadata.completed_ms, metadata.notes));
            self.notes = notes;
            self.generator.allocated(allocated_ms);
            self.generator.begin(metadata.zero_ms);
            let newest = found.received.keys().map(|(_, time_ms)| *time_ms).max();
            for ((stream, time_ms), blocks) in found.received {
                self.generator.receive(stream, time_ms, blocks);
            }
            // What has no file up to there could not be written: later batches ran without it, so nothing else may take its place.
            let mut time_ms = self.completed_ms + self.settings.batch_ms;
            while newest.is_some_and(|newest| time_ms <= newest) {
                for input in self.inputs.keys() {
                    self.generator.receive(*input, time_ms, vec![]);
                }
                time_ms += self.settings.batch_ms;
            }
            for ((stream, time_ms), blocks) in found.states {
                let dataset = self.generator.maker.source("ReliableCheckpointRDD", blocks, None);
                self.generator.answer(stream, time_ms, dataset);
            }
            self.written = metadata.states.into_iter().map(|(at, s)| (StreamId(at), s)).collect();
        }
        self.out.push(Command::Restored {
            found: self.restored,
            notes: self.notes.clone(),
        });
    }

    fn stop(&mut self, gracefully: bool) {
        match self.state {
            State::Active => {
                self.state = State::Stopping { gracefully };
                self.close_inputs();
                self.out.push(Command::StopInputs);
            }
            State::Created | State::Restoring => self.end(),
            _ => {}
        }
    }

    fn end(&mut self) {
        self.state = State::Ended;
        let kept = self.generator.kept_keys();
        self.out.push(Command::Unkeep(kept));
        self.out.push(Command::Ended);
    }

    /// Does what can be done without waiting.
    fn advance(&mut self, now_ms: i64) {
        if self.state == State::Active {
            while self.next_ms <= now_ms && self.queue.len() < QUEUE_LIMIT && self.state == State::Active {
                let time_ms = self.next_ms;
                self.next_ms += self.settings.batch_ms;
                self.submit(time_ms, now_ms);
            }
        }
        // What comes at a batch's end is for the next.
        if let State::Active | State::Stopping { .. } = self.state {
            self.let_in(now_ms);
        }
        self.drain(now_ms);
        while self.wait == Wait::Nothing
            && matches!(self.state, State::Active | State::Stopping { .. } | State::Draining)
        {
            match self.running.take() {
                Some(running) => self.work(running, now_ms),
                None => match self.queue.pop_front() {
                    Some(batch) => self.begin(batch, now_ms),
                    None => break,
                },
            }
        }
        if self.state == State::Draining && self.running.is_none() && self.queue.is_empty() {
            self.end();
        }
    }
}
