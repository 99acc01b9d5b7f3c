//! A channel to another worker: a small header for the engine, and the blocks it speaks of.
//!
//! Blobs move, and memory that a browser has just made costs more to write than the copy itself. So a large buffer whose blob
//! has been copied into the wasm heap goes back with the next message, and is filled again:
//!
//! ```text
//! driver                          executor
//!   fill a buffer ── Run, block ──▶ copy it into the heap
//!   fill it again ◀─ Finished, the buffer ── send
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use arrow::buffer::Buffer;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

/// Bytes from which a buffer is worth keeping.
const KEPT_BYTES: u32 = 64 << 10;

/// Bytes from which a buffer moves: to copy fewer costs less than to move it.
pub const MOVED_BYTES: u32 = 4 << 10;

/// Most buffers that wait to be filled, or to go back.
const MAX_KEPT: usize = 8;

/// Most bytes of buffers that wait to be filled, or to go back.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// Most bytes of blocks that are kept as they came.
const MAX_ORIGINAL_BYTES: usize = 256 << 20;

/// Most blocks that are looked through after each step.
const MAX_SWEPT: usize = 64;

/// How many times as long as its blob a buffer may be that is filled again.
const MAX_SLACK: u32 = 4;

/// A message to be sent.
#[derive(Debug, Default)]
pub struct Parcel {
    /// What the engine reads first.
    pub header: Vec<u8>,
    /// Blobs of which copies go with it.
    pub blobs: Vec<Buffer>,
    /// Bytes that go in the place of blobs, and move: of which, and what.
    pub files: Vec<(usize, Uint8Array)>,
}

impl Parcel {
    /// Returns a message without files.
    pub fn new(header: Vec<u8>, blobs: Vec<Buffer>) -> Self {
        let files = vec![];
        Self { header, blobs, files }
    }
}

/// One end of a channel. Dropping it closes the channel.
#[derive(Debug)]
pub struct Port {
    port: MessagePort,
    hears: Option<Closure<dyn FnMut(MessageEvent)>>,
    buffers: Rc<Buffers>,
}

/// Buffers that an end keeps.
#[derive(Debug, Default)]
struct Buffers {
    /// Those that came back and wait to be filled.
    free: RefCell<Vec<ArrayBuffer>>,
    /// Those whose blobs were taken, which go back to the other end.
    spent: RefCell<Vec<ArrayBuffer>>,
}

impl Buffers {
    /// Notes a buffer whose blob was taken.
    fn spend(&self, blob: &Uint8Array) {
        let (buffer, mut spent) = (blob.buffer(), self.spent.borrow_mut());
        let held: usize = spent.iter().map(|b| b.byte_length() as usize).sum();
        let bytes = buffer.byte_length();
        if bytes >= KEPT_BYTES && spent.len() < MAX_KEPT && held + bytes as usize <= MAX_KEPT_BYTES {
            spent.push(buffer);
        }
    }

    /// Keeps buffers that came back; the oldest leave.
    fn keep(&self, back: &Array) {
        let mut free = self.free.borrow_mut();
        free.extend(back.iter().filter_map(|b| b.dyn_into::<ArrayBuffer>().ok()));
        let mut bytes: usize = free.iter().map(|b| b.byte_length() as usize).sum();
        while free.len() > MAX_KEPT || bytes > MAX_KEPT_BYTES {
            bytes -= free.remove(0).byte_length() as usize;
        }
    }

    /// Copies bytes out of the wasm heap, into the shortest kept buffer that holds them, or a new one.
    fn fill(&self, bytes: &[u8]) -> Uint8Array {
        let length = bytes.len() as u32;
        if length < KEPT_BYTES {
            return Uint8Array::from(bytes);
        }
        let mut free = self.free.borrow_mut();
        let fits = |b: &ArrayBuffer| b.byte_length() >= length && b.byte_length() / MAX_SLACK <= length;
        let best = free.iter().enumerate().filter(|(_, b)| fits(b));
        let best = best.min_by_key(|(_, b)| b.byte_length()).map(|(at, _)| at);
        // The next blob may be a little longer.
        let buffer = best.map_or_else(
            || ArrayBuffer::new(length.saturating_add(length / 8)),
            |at| free.swap_remove(at),
        );
        let blob = Uint8Array::new_with_byte_offset_and_length(&buffer, 0, length);
        blob.copy_from(bytes);
        blob
    }
}

/// Blocks that came from outside and were copied into the wasm heap, with the bytes as they came: what is sent on for the first
/// time need not be copied out.
#[derive(Debug, Default)]
pub struct Originals {
    /// The blocks, the oldest first. Each is held, so that no other block can be where it is.
    kept: VecDeque<(Buffer, Uint8Array)>,
    /// Their bytes.
    bytes: usize,
    /// How many there are when those are looked for that nobody else holds.
    sweeps_at: usize,
}

impl Originals {
    /// Keeps a block with the bytes as they came, which are all that their buffer has. Those that nobody else holds leave, and
    /// the oldest where they are too many.
    pub fn keep(&mut self, block: Buffer, original: Uint8Array) {
        if self.kept.len() >= self.sweeps_at {
            self.sweep();
            self.sweeps_at = MAX_KEPT.max(2 * self.kept.len());
        }
        self.bytes += block.len();
        self.kept.push_back((block, original));
        while self.bytes > MAX_ORIGINAL_BYTES
            && let Some((oldest, _)) = self.kept.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// Lets those go that nobody else holds.
    fn sweep(&mut self) {
        self.kept.retain(|(kept, _)| kept.strong_count() > 1);
        self.bytes = self.kept.iter().map(|(kept, _)| kept.len()).sum();
    }

    /// Lets large ones go that nobody else holds, such as a file that was only looked into.
    pub fn sweep_large(&mut self) {
        if self.bytes > MAX_KEPT_BYTES && self.kept.len() <= MAX_SWEPT {
            self.sweep();
        }
    }

    /// Returns how many blocks are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns the bytes of a block as they came, once.
    pub fn take(&mut self, block: &Buffer) -> Option<Uint8Array> {
        let is_same = |kept: &Buffer| kept.as_ptr() == block.as_ptr() && kept.len() == block.len();
        let at = self.kept.iter().position(|(kept, _)| is_same(kept))?;
        let (_, original) = self.kept.remove(at)?;
        self.bytes -= block.len();
        Some(original)
    }
}

impl Port {
    /// Takes over a port.
    pub fn new(port: MessagePort) -> Self {
        Self {
            port,
            hears: None,
            buffers: Rc::default(),
        }
    }

    /// Calls `receive` with header and blobs of each message from now on. Buffers of blobs that it takes out of the list go
    /// back to the sender.
    pub fn listen(&mut self, mut receive: impl FnMut(Vec<u8>, Array) + 'static) {
        let buffers = self.buffers.clone();
        let hears = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let message = event.data();
            buffers.keep(&list(&message, "back"));
            for message in std::iter::once(message.clone()).chain(list(&message, "others").iter()) {
                let (header, blobs) = parts(&message);
                let came: Vec<Uint8Array> = blobs.iter().filter_map(|b| b.dyn_into().ok()).collect();
                receive(header, blobs.clone());
                if blobs.length() == 0 {
                    came.iter().for_each(|blob| buffers.spend(blob));
                }
            }
        });
        self.port.set_onmessage(Some(hears.as_ref().unchecked_ref()));
        self.hears = Some(hears);
    }

    /// Posts messages with copies of blobs, all at once. What `original` has of a blob moves in place of a copy.
    ///
    /// # Errors
    /// If they cannot be posted.
    pub fn send_copies(
        &self,
        messages: &[Parcel],
        mut original: impl FnMut(&Buffer) -> Option<Uint8Array>,
    ) -> Result<(), JsValue> {
        let filled = messages.iter().map(|message| {
            let copy = |blob: &Buffer| original(blob).unwrap_or_else(|| self.buffers.fill(blob));
            let blobs: Array = message.blobs.iter().map(copy).collect();
            message
                .files
                .iter()
                .for_each(|(at, bytes)| blobs.set(*at as u32, bytes.into()));
            (message.header.as_slice(), blobs)
        });
        self.post(&filled.collect::<Vec<_>>(), moves)
    }

    /// Posts a message; the blobs move.
    ///
    /// # Errors
    /// If it cannot be posted.
    pub fn send(&self, header: &[u8], blobs: &Array) -> Result<(), JsValue> {
        self.post(&[(header, blobs.clone())], |bytes| bytes.length() > 0)
    }

    /// Posts messages as one: the first, with the others in it; `moves` says which bytes move.
    fn post(&self, messages: &[(&[u8], Array)], moves: fn(&Uint8Array) -> bool) -> Result<(), JsValue> {
        let transfer = Array::new();
        let make = |(header, blobs): &(&[u8], Array)| -> Result<Object, JsValue> {
            let header = Uint8Array::from(*header);
            let message = Object::new();
            Reflect::set(&message, &"header".into(), &header)?;
            Reflect::set(&message, &"blobs".into(), blobs)?;
            let blobs = blobs.iter().filter_map(|b| b.dyn_into::<Uint8Array>().ok());
            for bytes in std::iter::once(header).chain(blobs).filter(moves) {
                transfer.push(&bytes.buffer());
            }
            Ok(message)
        };
        let Some((first, others)) = messages.split_first() else {
            return Ok(());
        };
        let message = make(first)?;
        if !others.is_empty() {
            let others = others.iter().map(make).collect::<Result<Array, JsValue>>()?;
            Reflect::set(&message, &"others".into(), &others)?;
        }
        let back: Array = self.buffers.spent.borrow_mut().drain(..).collect();
        if back.length() > 0 {
            Reflect::set(&message, &"back".into(), &back)?;
            back.iter().for_each(|buffer| _ = transfer.push(&buffer));
        }
        self.port.post_message_with_transferable(&message, &transfer)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}

/// Returns whether bytes move when they are posted.
pub fn moves(bytes: &Uint8Array) -> bool {
    // The buffer of a part would move as a whole.
    bytes.length() >= MOVED_BYTES || bytes.length() > 0 && bytes.length() < bytes.buffer().byte_length()
}

/// Takes a message apart; what has another shape is an empty header, which nobody can decode.
fn parts(message: &JsValue) -> (Vec<u8>, Array) {
    let header = Reflect::get(message, &"header".into()).unwrap_or(JsValue::UNDEFINED);
    let header = header.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    (header.unwrap_or_default(), list(message, "blobs"))
}

/// Returns a list of a message; an empty one if it has none.
fn list(message: &JsValue, key: &str) -> Array {
    let list = Reflect::get(message, &key.into()).unwrap_or(JsValue::UNDEFINED);
    list.dyn_into().unwrap_or_default()
}
