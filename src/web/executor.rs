//! An executor in its worker: runs tasks, and exchanges blocks with the driver and the other executors.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use arrow::buffer::Buffer;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::MessagePort;

use super::blocks::Blocks;
use super::credentials::Credentials;
use super::driver::fatal;
use super::host::Programs;
use super::page::{Init, Letter, ToExecutor, ToPage, plain, read, tell};
use super::port::{Parcel, Port};
use super::programs::ScriptPrograms;
use super::systems;
use super::timer::{Timer, now_ms};
use super::{heap_bytes, spill, take};
use crate::cluster::executor::{Executor as Core, Outgoing, Shown};
use crate::cluster::message::{self, FromExecutor, Run};
use crate::error::SparkError;
use crate::exec::pace::Slices;
use crate::ids::ExecutorRef;
use crate::sources::listing;

/// An executor, which the events of its worker share.
#[derive(Clone)]
pub struct Executor(Rc<RefCell<State>>);

struct State {
    core: Core<Blocks>,
    programs: Programs,
    driver: Option<Port>,
    /// The channel to the page, for rows.
    page: Option<MessagePort>,
    peers: BTreeMap<ExecutorRef, Link>,
    /// Other executors that are known to be gone.
    gone: BTreeSet<ExecutorRef>,
    /// Has the task that runs go on, after what has come meanwhile.
    turn: Timer,
    /// Whether it is about to.
    turns: bool,
    /// Messages of the driver that wait while functions of the user's are loaded.
    held: VecDeque<(Vec<u8>, Array)>,
    /// What functions of the page's have returned.
    credentials: Credentials,
}

/// The channel to another executor, or what waits for it: the driver may name one before the page's message is here.
enum Link {
    Open(Port),
    Waiting(Vec<Parcel>),
}

impl Executor {
    /// Starts an executor, which runs functions of the user's through `programs`.
    pub async fn start(init: Init, programs: Programs) -> Self {
        let file = spill::open(&init.lock).await;
        let functions = ScriptPrograms(programs.clone().unchecked_into());
        let own = ExecutorRef::at(init.executor, init.incarnation);
        Self(Rc::new_cyclic(|weak: &Weak<RefCell<State>>| {
            let weak = weak.clone();
            let turn = Timer::new(move || {
                if let Some(state) = weak.upgrade() {
                    state.borrow_mut().turns = false;
                    fatal(Self(state).step(Core::go_on));
                }
            });
            RefCell::new(State {
                core: Core::with_programs(own, Blocks::new(file), functions)
                    .paced(Arc::new(Slices::new(now_ms)))
                    .measured(|| heap_bytes() as u64),
                programs,
                driver: None,
                page: None,
                peers: BTreeMap::new(),
                gone: BTreeSet::new(),
                turn,
                turns: false,
                held: VecDeque::new(),
                credentials: Credentials::default(),
            })
        }))
    }

    /// Takes a message of the page's.
    ///
    /// # Errors
    /// If the message lacks a property of its kind or has one of another type, or an answer cannot be posted; the worker ends with it.
    pub fn receive(&self, message: JsValue) -> Result<(), JsValue> {
        let Some(message) = ToExecutor::read(message)? else {
            return Ok(());
        };
        match message {
            ToExecutor::DriverPort(given) => {
                let (mut port, this) = (Port::new(given.port), self.clone());
                port.listen(move |header, blobs| fatal(this.hear(header, blobs)));
                self.0.borrow_mut().driver = Some(port);
                Ok(())
            }
            ToExecutor::PagePort(given) => {
                self.0.borrow_mut().page = Some(given.port);
                Ok(())
            }
            ToExecutor::Peer(peer) => {
                let from = ExecutorRef::at(peer.executor, peer.incarnation);
                let (mut port, this) = (Port::new(peer.port), self.clone());
                port.listen(move |header, blobs| {
                    fatal(this.step(|core| match message::decode(&header) {
                        Ok(message) => core.peer_message(from, message, take(&blobs)),
                        Err(error) => vec![unreadable(error)],
                    }));
                });
                let before = self.0.borrow_mut().peers.remove(&from);
                if let Some(Link::Waiting(messages)) = before {
                    port.send_copies(&messages, |_| None)?;
                }
                self.0.borrow_mut().peers.insert(from, Link::Open(port));
                Ok(())
            }
            ToExecutor::PeerLost(member) => {
                let peer = ExecutorRef::at(member.executor, member.incarnation);
                let mut state = self.0.borrow_mut();
                state.peers.remove(&peer);
                state.gone.insert(peer);
                drop(state);
                self.step(|core| core.peer_lost(peer))
            }
            ToExecutor::Credentials(answer) => {
                self.0.borrow().credentials.answered(answer);
                Ok(())
            }
            ToExecutor::CredentialsGone(gone) => {
                self.0.borrow().credentials.forget(&gone.name);
                Ok(())
            }
            ToExecutor::Heap(question) => tell(&ToPage::HeapBytes {
                id: question.id,
                bytes: heap_bytes(),
            }),
        }
    }

    /// Takes a message of the driver's, once all functions are loaded and all messages before it are taken.
    fn hear(&self, header: Vec<u8>, blobs: Array) -> Result<(), JsValue> {
        let mut state = self.0.borrow_mut();
        let waits = state.programs.loading().is_some();
        if !waits && state.held.is_empty() {
            drop(state);
            return self.take(&header, &blobs);
        }
        state.held.push_back((header, blobs));
        if state.held.len() == 1 {
            let this = self.clone();
            drop(state);
            spawn_local(async move { fatal(this.release().await) });
        }
        Ok(())
    }

    /// Takes what is held, one after the other, each when no function is being loaded.
    async fn release(&self) -> Result<(), JsValue> {
        loop {
            let loading: Option<Promise> = self.0.borrow().programs.loading();
            if let Some(loading) = loading {
                JsFuture::from(loading).await?;
            }
            // It stays at the front while it is taken, so that what comes meanwhile waits behind it.
            let front = self.0.borrow().held.front().cloned();
            let Some((header, blobs)) = front else { return Ok(()) };
            self.take(&header, &blobs)?;
            self.0.borrow_mut().held.pop_front();
        }
    }

    fn take(&self, header: &[u8], blobs: &Array) -> Result<(), JsValue> {
        match message::decode(header) {
            Ok(message::ToExecutor::Receiver { receiver, order }) => {
                let programs = self.0.borrow().programs.clone();
                programs.receiver(&plain(&receiver)?, &plain(&order)?, &blobs.get(0));
                Ok(())
            }
            Ok(message::ToExecutor::Run(run)) if !run.files.is_empty() => match with_files(&run, blobs) {
                Ok(blobs) => self.step(|core| core.driver_message(message::ToExecutor::Run(run), blobs)),
                Err(error) => self.step(|core| core.refuse(run.task, error)),
            },
            Ok(message) => self.step(|core| core.driver_message(message, take(blobs))),
            Err(error) => self.step(|_| vec![unreadable(error)]),
        }
    }

    /// Tells the driver what a receiver of the user's does, with the block that it hands over.
    ///
    /// # Errors
    /// If the script's message is not one, or it cannot be posted.
    pub fn receiver_says(&self, receiver: JsValue, report: JsValue, block: Option<Uint8Array>) -> Result<(), JsValue> {
        let (receiver, report) = (read(receiver)?, read(report)?);
        let message = message::encode(&FromExecutor::Receiver { receiver, report });
        let header = message.map_err(|e| JsValue::from(e.message))?;
        let blobs: Array = block.into_iter().collect();
        match &self.0.borrow().driver {
            Some(port) => port.send(&header, &blobs),
            None => Ok(()),
        }
    }

    /// Runs one step of the engine and sends what it says.
    fn step(&self, work: impl FnOnce(&mut Core<Blocks>) -> Vec<Outgoing>) -> Result<(), JsValue> {
        let mut state = self.0.borrow_mut();
        let outgoing = work(&mut state.core);
        if state.core.is_running() && !state.turns {
            state.turns = true;
            state.turn.set(Some(0));
        }
        drop(state);
        outgoing.into_iter().try_for_each(|out| self.send(out))
    }

    fn send(&self, out: Outgoing) -> Result<(), JsValue> {
        match out {
            Outgoing::Driver(message, blobs) => match message::encode(&message) {
                Ok(header) => match &self.0.borrow().driver {
                    Some(port) => port.send_copies(&[Parcel::new(header, blobs)], |_| None),
                    None => Ok(()),
                },
                Err(error) => self.send(unreadable(error)),
            },
            Outgoing::Page(shown) => self.show(&shown),
            Outgoing::Order(task, at, order) => {
                let this = self.clone();
                spawn_local(async move {
                    let credentials = this.0.borrow().credentials.clone();
                    let brought = systems::pull(&credentials, &order).await;
                    fatal(this.step(|core| core.supply(task, at, brought)));
                });
                Ok(())
            }
            Outgoing::Peer(to, message, blobs) => match message::encode(&message) {
                Ok(header) => self.send_peer(to, header, blobs),
                Err(error) => self.send(unreadable(error)),
            },
        }
    }

    /// Hands rows to the page.
    fn show(&self, shown: &Shown) -> Result<(), JsValue> {
        let mut letter = Letter::default();
        letter.add(&ToPage::ForeachBatch {
            sink: &shown.sink.function,
            run: &shown.sink.run,
            batch_id: shown.epoch.0,
            job: Some(shown.job.0 as f64),
            arrow: shown.blocks.iter().map(|block| block.as_slice().into()).collect(),
        })?;
        match &self.0.borrow().page {
            Some(port) => letter.post_through(port),
            None => Err("rows came before the port for them".into()),
        }
    }

    fn send_peer(&self, to: ExecutorRef, header: Vec<u8>, blobs: Vec<Buffer>) -> Result<(), JsValue> {
        let mut state = self.0.borrow_mut();
        if state.gone.contains(&to) {
            // A task may name a peer that is known here to be gone: it must not wait. Not from inside the step that named it.
            let this = self.clone();
            spawn_local(async move { fatal(this.step(|core| core.peer_lost(to))) });
            return Ok(());
        }
        match state.peers.entry(to).or_insert_with(|| Link::Waiting(vec![])) {
            Link::Open(port) => port.send_copies(&[Parcel::new(header, blobs)], |_| None),
            Link::Waiting(messages) => {
                messages.push(Parcel::new(header, blobs));
                Ok(())
            }
        }
    }
}

/// Copies the blobs of a task into the wasm heap; those that are files are unpacked there.
///
/// # Errors
/// `FAILED_READ_FILE` if a file cannot be unpacked.
fn with_files(run: &Run, blobs: &Array) -> Result<Vec<Buffer>, SparkError> {
    let mut blobs = take(blobs);
    for (at, path) in &run.files {
        if let Some(bytes) = blobs.get_mut(*at) {
            *bytes = listing::unpacked(path, std::mem::take(bytes))?;
        }
    }
    Ok(blobs)
}

/// Tells the driver of a message that cannot be read or written.
fn unreadable(error: SparkError) -> Outgoing {
    Outgoing::Driver(FromExecutor::Unreadable { error }, vec![])
}
