//! The connections of streaming sources: WebSockets, and responses that come piece by piece.
//!
//! When to open one again is the engine's decision ([`crate::sources`]); a connection is closed at most once, and closing it
//! from here brings no further event.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Function, JsString, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, BinaryType, Headers, MessageEvent, ReadableStream, ReadableStreamDefaultReader, RequestCache,
    RequestInit, Response, WebSocket,
};

use super::credentials::Credentials;
use super::page::scope;
use super::systems;
use crate::ids::ConnectionId;
use crate::sources::Event;
use crate::sources::systems::Question;

/// Status of a WebSocket that has opened: `101 Switching Protocols`.
const SWITCHING_PROTOCOLS: u16 = 101;

#[wasm_bindgen]
extern "C" {
    /// A WebSocket whose sender is held back while nobody reads. Not in every browser, and so not in `web-sys`.
    type WebSocketStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str) -> Result<WebSocketStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn opened(this: &WebSocketStream) -> Promise;
    #[wasm_bindgen(method, getter)]
    fn closed(this: &WebSocketStream) -> Promise;
    #[wasm_bindgen(method, catch)]
    fn close(this: &WebSocketStream) -> Result<(), JsValue>;
}

/// One connection that is open or opening.
enum Connection {
    Socket(Socket),
    Paced(Paced),
    Response(AbortController),
    Question,
}

/// A WebSocket that is read message by message.
struct Paced {
    stream: WebSocketStream,
    gate: Rc<Gate>,
}

impl Drop for Paced {
    fn drop(&mut self) {
        // Closing what has failed already is an error that says nothing.
        let _ = self.stream.close();
        self.gate.open();
    }
}

/// Lets one through after it was opened.
#[derive(Default)]
struct Gate {
    is_open: Cell<bool>,
    waiting: RefCell<Option<Function>>,
}

impl Gate {
    fn open(&self) {
        self.is_open.set(true);
        if let Some(waiting) = self.waiting.take() {
            // A promise's own function throws nothing.
            let _ = waiting.call0(&JsValue::NULL);
        }
    }

    async fn passed(&self) {
        if !self.is_open.get() {
            let opened = Promise::new(&mut |resolve, _| {
                self.waiting.replace(Some(resolve));
            });
            let _ = JsFuture::from(opened).await;
        }
        self.is_open.set(false);
    }
}

/// A WebSocket with its listeners.
struct Socket {
    socket: WebSocket,
    _hears: [Closure<dyn FnMut(MessageEvent)>; 3],
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing what is closed already is fine; a code or reason, which could be refused, is not given.
        let _ = self.socket.close();
    }
}

/// The connections, by the number that the engine chose.
#[derive(Clone)]
pub struct Connections {
    open: Rc<RefCell<HashMap<ConnectionId, (u64, Connection)>>>,
    next: Rc<Cell<u64>>,
    event: Rc<dyn Fn(ConnectionId, Event)>,
    credentials: Credentials,
}

impl Connections {
    /// Makes connections whose events go to `event`.
    pub fn new(event: impl Fn(ConnectionId, Event) + 'static) -> Self {
        Self {
            open: Rc::default(),
            next: Rc::default(),
            event: Rc::new(event),
            credentials: Credentials::default(),
        }
    }

    /// Asks other systems with these credentials.
    #[must_use]
    pub(super) fn with(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Opens a WebSocket, in place of an earlier connection of that number. A URL that is refused outright is a `Closed` event.
    pub fn open_socket(&self, id: ConnectionId, url: &str, max_bytes: usize) {
        self.close(id);
        let turn = self.turn();
        let Ok(socket) = WebSocket::new(url) else {
            let event = self.event.clone();
            return spawn_local(async move { event(id, Event::Closed) });
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let hears = |what: Box<dyn Fn(&MessageEvent) -> Event>| {
            let this = self.clone();
            Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| this.tell(id, turn, what(&message)))
        };
        // An error needs no listener: a close always follows it.
        let opened = hears(Box::new(|_| Event::Open {
            status: SWITCHING_PROTOCOLS,
        }));
        let message = hears(Box::new(move |message| event_of(&message.data(), max_bytes)));
        let closed = hears(Box::new(|_| Event::Closed));
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        let socket = Socket {
            socket,
            _hears: [opened, message, closed],
        };
        self.open.borrow_mut().insert(id, (turn, Connection::Socket(socket)));
    }

    /// Opens a WebSocket as [`Connections::open_socket`] does; a message after the first is read only after [`Connections::more`], and
    /// the sender waits. Where the browser cannot do that, all messages come. Chromium drops what is held back when the server closes.
    pub fn open_paced(&self, id: ConnectionId, url: &str, max_bytes: usize) {
        if !Reflect::has(&js_sys::global(), &"WebSocketStream".into()).unwrap_or(false) {
            return self.open_socket(id, url, max_bytes);
        }
        self.close(id);
        let turn = self.turn();
        let this = self.clone();
        let Ok(stream) = WebSocketStream::new(url) else {
            let event = self.event.clone();
            return spawn_local(async move { event(id, Event::Closed) });
        };
        let gate = Rc::new(Gate::default());
        let (opened, closed) = (stream.opened(), stream.closed());
        let connection = Connection::Paced(Paced {
            stream,
            gate: gate.clone(),
        });
        self.open.borrow_mut().insert(id, (turn, connection));
        // Why it was closed does not matter; an error that nobody takes would end the worker.
        spawn_local(async move { drop(JsFuture::from(closed).await) });
        spawn_local(async move {
            let read = async {
                let opened = JsFuture::from(opened).await?;
                let readable: ReadableStream = Reflect::get(&opened, &"readable".into())?.dyn_into()?;
                let reader: ReadableStreamDefaultReader = readable.get_reader().dyn_into()?;
                this.tell(
                    id,
                    turn,
                    Event::Open {
                        status: SWITCHING_PROTOCOLS,
                    },
                );
                loop {
                    let piece = JsFuture::from(reader.read()).await?;
                    if Reflect::get(&piece, &"done".into())?.is_truthy() {
                        break;
                    }
                    // One that was closed from here is read to its end: before that, the server does not hear of it.
                    if this.is_current(id, turn) {
                        this.tell(id, turn, event_of(&Reflect::get(&piece, &"value".into())?, max_bytes));
                        gate.passed().await;
                    }
                }
                Ok::<(), JsValue>(())
            };
            let _ = read.await;
            this.tell(id, turn, Event::Closed);
        });
    }

    /// Reads the next message of a paced WebSocket.
    pub fn more(&self, id: ConnectionId) {
        if let Some((_, Connection::Paced(paced))) = self.open.borrow().get(&id) {
            paced.gate.open();
        }
    }

    /// Sends a GET request and hands its response on: `Open` with the status, `Binary`s, `Closed`.
    pub fn open_response(&self, id: ConnectionId, url: &str, headers: &[(String, String)]) {
        self.close(id);
        let turn = self.turn();
        let (this, url, headers) = (self.clone(), url.to_owned(), headers.to_vec());
        let Ok(abort) = AbortController::new() else { return };
        let signal = abort.signal();
        self.open.borrow_mut().insert(id, (turn, Connection::Response(abort)));
        spawn_local(async move {
            let read = async {
                let init = RequestInit::new();
                let sent = Headers::new()?;
                headers.iter().try_for_each(|(name, value)| sent.append(name, value))?;
                init.set_headers(&sent);
                init.set_signal(Some(&signal));
                init.set_cache(RequestCache::NoStore);
                let response = JsFuture::from(scope().fetch_with_str_and_init(&url, &init)).await?;
                let response: Response = response.dyn_into()?;
                let status = response.status();
                this.tell(id, turn, Event::Open { status });
                let Some(body) = response.body() else { return Ok(()) };
                let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into()?;
                while this.is_current(id, turn) {
                    let piece = JsFuture::from(reader.read()).await?;
                    if Reflect::get(&piece, &"done".into())?.is_truthy() {
                        break;
                    }
                    let bytes = Uint8Array::new(&Reflect::get(&piece, &"value".into())?).to_vec();
                    this.tell(id, turn, Event::Binary(bytes));
                }
                Ok::<(), JsValue>(())
            };
            // Whatever it was, the engine hears that the response is over and decides what follows.
            let _ = read.await;
            this.tell(id, turn, Event::Closed);
        });
    }

    /// Asks what there is in another system; the answer is an event.
    pub fn ask(&self, id: ConnectionId, question: Question) {
        self.close(id);
        let (this, turn) = (self.clone(), self.turn());
        self.open.borrow_mut().insert(id, (turn, Connection::Question));
        spawn_local(async move {
            let answer = systems::answer(&this.credentials, &question).await;
            this.tell(id, turn, Event::Answered(Box::new(answer)));
        });
    }

    /// Sends text over a WebSocket; does nothing if it is not open, which the engine learns by its `Closed`.
    pub fn send(&self, id: ConnectionId, text: &str) {
        if let Some((_, Connection::Socket(socket))) = self.open.borrow().get(&id)
            && socket.socket.ready_state() == WebSocket::OPEN
        {
            let _ = socket.socket.send_with_str(text);
        }
    }

    /// Closes a connection without further events.
    pub fn close(&self, id: ConnectionId) {
        let closed = self.open.borrow_mut().remove(&id);
        if let Some((_, Connection::Response(abort))) = &closed {
            abort.abort();
        }
    }

    fn turn(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn is_current(&self, id: ConnectionId, turn: u64) -> bool {
        self.open.borrow().get(&id).is_some_and(|(at, _)| *at == turn)
    }

    /// Passes an event on, unless its connection was closed or opened again since.
    fn tell(&self, id: ConnectionId, turn: u64, event: Event) {
        if !self.is_current(id, turn) {
            return;
        }
        let over = event == Event::Closed;
        let closed = over.then(|| self.open.borrow_mut().remove(&id));
        (self.event)(id, event);
        drop(closed);
    }
}

/// Takes in a message; one that is too large is not brought into the heap.
fn event_of(data: &JsValue, max_bytes: usize) -> Event {
    if let Some(text) = data.dyn_ref::<JsString>() {
        // A character has a byte at least.
        if text.length() as usize > max_bytes {
            return Event::TooLarge;
        }
        return Event::Text(text.into());
    }
    let bytes = Uint8Array::new(data);
    if bytes.length() as usize > max_bytes {
        return Event::TooLarge;
    }
    Event::Binary(bytes.to_vec())
}
