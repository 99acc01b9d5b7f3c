//! Receives blocks from the page, text from sockets and records from receivers; stops every source when the context stops.

use super::{Command, Context, Event, State};
use crate::cluster::message::ReceiverReport;
use crate::dstream::graph::{How, InputKind, StreamId};
use crate::dstream::inputs::{Block, Blocks, Token};
use crate::dstream::listener::Event as Listened;
use crate::dstream::receivers::{self, Outcome, Receiver, Socket};
use crate::rdd::block;
use crate::sources;

/// What brings an input's records.
#[derive(Debug)]
pub(super) enum Source {
    /// The page.
    Page,
    /// A WebSocket.
    Socket(Socket),
    /// A receiver of the user's.
    Receiver(Receiver),
}

/// An input whose records come in blocks.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) blocks: Blocks,
    pub(super) source: Source,
    /// How many records the page was last told to put into a block.
    grain: Option<usize>,
}

impl Input {
    /// Makes the input of a stream; `None` for a stream of another kind.
    pub(super) fn of(how: &How, blocks: Blocks) -> Option<Self> {
        let How::Input { input, .. } = how else { return None };
        let source = match input {
            InputKind::Datasets => return None,
            InputKind::Blocks => Source::Page,
            InputKind::Socket { url } => Source::Socket(Socket::new(url.clone(), blocks.is_limited())),
            InputKind::Receiver { .. } => Source::Receiver(Receiver::default()),
        };
        Some(Self {
            blocks,
            source,
            grain: None,
        })
    }

    /// Returns when it wants to be woken, ms since the epoch.
    pub(super) fn wake_at(&self) -> Option<i64> {
        let own = match &self.source {
            Source::Page => None,
            Source::Socket(socket) => socket.wake_at(),
            Source::Receiver(receiver) => receiver.wake_at(),
        };
        self.blocks.wake_at().into_iter().chain(own).min()
    }

    fn has_ended(&self) -> bool {
        match &self.source {
            Source::Receiver(receiver) => receiver.has_ended(),
            _ => true,
        }
    }
}

impl Context {
    /// Begins to receive.
    pub(super) fn open_inputs(&mut self) {
        let sockets = self.inputs.iter().filter_map(|(id, input)| match &input.source {
            Source::Socket(socket) => Some((*id, socket.open())),
            _ => None,
        });
        let commands = sockets.map(|(input, ask)| Command::Connection { input, ask });
        self.out.extend(commands.collect::<Vec<_>>());
        self.place_receivers();
    }

    /// Places receivers that run nowhere, each on the executor with the fewest.
    fn place_receivers(&mut self) {
        if self.state != State::Active {
            return;
        }
        while let Some(id) = self.inputs.iter().find_map(|(id, input)| match &input.source {
            Source::Receiver(receiver) if receiver.is_homeless() => Some(*id),
            _ => None,
        }) {
            let all = self.inputs.values().filter_map(|input| match &input.source {
                Source::Receiver(receiver) => Some(receiver),
                _ => None,
            });
            let Some(executor) = receivers::least_loaded(&self.executors, all) else {
                return;
            };
            if let Some(outcome) = self.receiver(id).map(|receiver| receiver.place(executor)) {
                self.receiver_outcome(id, outcome);
            }
        }
    }

    fn receiver(&mut self, id: StreamId) -> Option<&mut Receiver> {
        match &mut self.inputs.get_mut(&id)?.source {
            Source::Receiver(receiver) => Some(receiver),
            _ => None,
        }
    }

    fn receiver_outcome(&mut self, stream: StreamId, outcome: Outcome) {
        self.out.push(match outcome {
            Outcome::Ask(executor, life, order) => Command::Receiver {
                stream,
                executor,
                life,
                order,
            },
            Outcome::Started(executor) => Command::Listener(Listened::ReceiverStarted { stream, executor }),
            Outcome::Stopped(executor) => Command::Listener(Listened::ReceiverStopped { stream, executor }),
            Outcome::Failed(error) => Command::Listener(Listened::ReceiverError(error)),
        });
    }

    /// Takes an event of an input or of an executor.
    pub(super) fn comes_in(&mut self, event: Event, now_ms: i64) {
        match event {
            Event::Offer { input, block } => {
                if let Some(input) = self.inputs.get_mut(&input) {
                    input.blocks.offer(block);
                }
            }
            Event::Heard { input, event } => self.socket_heard(input, event, now_ms),
            Event::Receiver {
                stream,
                life,
                report,
                block,
            } => {
                let Some(receiver) = self.receiver(stream).filter(|r| r.is_of(life)) else {
                    return;
                };
                let outcome = receiver.report(report.clone(), now_ms);
                outcome
                    .into_iter()
                    .for_each(|outcome| self.receiver_outcome(stream, outcome));
                if let (ReceiverReport::Received { seq, records }, Some(bytes)) = (report, block)
                    && let Some(input) = self.inputs.get_mut(&stream)
                {
                    let token = receivers::token(life, seq);
                    input.blocks.offer(Block { bytes, records, token });
                }
            }
            Event::ExecutorAdded(executor) => {
                self.executors.insert(executor);
            }
            Event::ExecutorLost(executor) => {
                self.executors.remove(&executor);
                for id in self.inputs.keys().copied().collect::<Vec<_>>() {
                    let outcome = self.receiver(id).and_then(|receiver| receiver.lost(executor));
                    outcome
                        .into_iter()
                        .for_each(|outcome| self.receiver_outcome(id, outcome));
                }
            }
            _ => {}
        }
    }

    fn socket_heard(&mut self, id: StreamId, event: sources::Event, now_ms: i64) {
        let Some(Input {
            blocks,
            source: Source::Socket(socket),
            ..
        }) = self.inputs.get_mut(&id)
        else {
            return;
        };
        match socket.heard(event, now_ms) {
            Ok(None) => {}
            Ok(Some(text)) => {
                let lines = receivers::lines(&text);
                for lines in lines.chunks(blocks.grain().unwrap_or(usize::MAX)) {
                    blocks.offer(Block {
                        bytes: block::strings(lines),
                        records: lines.len() as u64,
                        token: Token(0),
                    });
                }
            }
            Err(error) => self.out.push(Command::Listener(Listened::ReceiverError(error))),
        }
    }

    /// Lets in what may come in by now, and asks for what is due.
    pub(super) fn let_in(&mut self, now_ms: i64) {
        for id in self.inputs.keys().copied().collect::<Vec<_>>() {
            let Some(input) = self.inputs.get_mut(&id) else {
                continue;
            };
            let tokens = match self.state {
                State::Active => input.blocks.let_in(now_ms),
                // Few will follow: whoever waits for these may stop.
                _ => input.blocks.let_all_in(),
            };
            match &mut input.source {
                Source::Socket(socket) if self.state == State::Active => {
                    if let Some(ask) = socket.due(input.blocks.is_holding(), now_ms) {
                        self.out.push(Command::Connection { input: id, ask });
                    }
                }
                Source::Receiver(receiver) => receiver.wake(now_ms),
                Source::Page => {
                    let grain = input.blocks.grain();
                    if let Some(records) = grain.filter(|_| grain != input.grain) {
                        input.grain = grain;
                        self.out.push(Command::Grain { input: id, records });
                    }
                    if input.blocks.is_limited() && !tokens.is_empty() {
                        self.out.push(Command::Admitted {
                            input: id,
                            tokens: tokens.clone(),
                        });
                    }
                }
                Source::Socket(_) => {}
            }
            // Here they are as safe as they get.
            if self.settings.directory.is_none() {
                self.safe(id, tokens);
            }
        }
        self.place_receivers();
    }

    /// Tells who sent these blocks that they are as safe as they get.
    pub(super) fn safe(&mut self, input: StreamId, tokens: Vec<Token>) {
        if tokens.is_empty() {
            return;
        }
        match self.inputs.get(&input).map(|input| &input.source) {
            Some(Source::Receiver(receiver)) => {
                for outcome in receiver.stored(&tokens) {
                    self.receiver_outcome(input, outcome);
                }
            }
            Some(Source::Page) => self.out.push(Command::Safe { input, tokens }),
            _ => {}
        }
    }

    /// Ends receiving; the page's inputs end by themselves.
    pub(super) fn close_inputs(&mut self) {
        for id in self.inputs.keys().copied().collect::<Vec<_>>() {
            match self.inputs.get_mut(&id).map(|input| &mut input.source) {
                Some(Source::Socket(_)) => self.out.push(Command::Connection {
                    input: id,
                    ask: sources::Ask::Close,
                }),
                Some(Source::Receiver(receiver)) => {
                    let outcome = receiver.stop();
                    outcome
                        .into_iter()
                        .for_each(|outcome| self.receiver_outcome(id, outcome));
                }
                _ => {}
            }
        }
    }

    /// Goes on to the last batches when all inputs have stopped; who is in a hurry waits for no receiver.
    pub(super) fn drain(&mut self, now_ms: i64) {
        let State::Stopping { gracefully } = self.state else {
            return;
        };
        let Some(waiting) = self.page_waiting else { return };
        if gracefully && !self.inputs.values().all(Input::has_ended) {
            // A receiver may wait for its records to be written before it stops.
            let is_idle = self.running.is_none() && self.queue.is_empty();
            let mut inputs = self.inputs.values();
            if self.settings.directory.is_some() && is_idle && inputs.any(|input| input.blocks.is_waiting()) {
                self.submit(self.submitted_ms + self.settings.batch_ms, now_ms);
            }
            return;
        }
        self.state = State::Draining;
        if gracefully && (waiting || self.inputs.values().any(|input| input.blocks.is_waiting())) {
            self.submit(self.submitted_ms + self.settings.batch_ms, now_ms);
        }
    }
}
