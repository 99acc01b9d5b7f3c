//! Shuffle blocks in the JavaScript heap; past a limit, in a file of the origin's private file system. State that does
//! not fit into memory is there too.
//!
//! A wasm memory never shrinks and ends at 4 GiB; an `ArrayBuffer` is freed when the block is dropped. So only some blocks stay in
//! the wasm heap, where a task has made them and reading them copies nothing: a few megabytes of new ones, such as what the supersteps
//! over a graph exchange, and those that are read again, such as rows that a training keeps for its rounds.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use arrow::buffer::Buffer;
use js_sys::Uint8Array;

use super::spill::Room;
use crate::cluster::executor::BlockStore;
use crate::cluster::states::StateStore;
use crate::ids::StateId;
use crate::scheduler::BlockId;
use crate::storage::spill::SpillRoom;

/// Bytes of blocks held in memory before the next go to the file.
const MEMORY_LIMIT_BYTES: usize = 256 << 20;

/// Bytes of blocks that may stay in the wasm heap.
const HEAP_LIMIT_BYTES: usize = 512 << 20;

/// Bytes of blocks in the wasm heap up to which a new one stays there.
const NEW_LIMIT_BYTES: usize = 64 << 20;

/// Where a block is.
enum Block {
    /// In the JavaScript heap, and whether it was read before.
    Memory(Uint8Array, bool),
    /// In the wasm heap.
    Heap(Buffer),
    /// In the file.
    Spilled {
        /// Where it begins.
        at: u64,
        /// Its length.
        bytes: u32,
    },
}

/// An executor's blocks and the state that it has put away.
///
/// Blocks in memory are `ArrayBuffer`s of their own: dropping one frees it, whatever the wasm heap does.
pub struct Blocks {
    /// Blocks by name.
    blocks: HashMap<BlockId, RefCell<Block>>,
    /// Bytes of blocks in the JavaScript heap.
    memory_bytes: Cell<usize>,
    /// Bytes of blocks in the wasm heap.
    heap_bytes: Cell<usize>,
    /// The file; `None` if the browser has none.
    file: Option<Room>,
    /// Where state is in the file, and its length.
    states: HashMap<StateId, (u64, u32)>,
}

impl Blocks {
    /// Returns a store without blocks; with a file, it spills.
    ///
    /// Without one, blocks beyond the limit stay in memory: a full heap ends the worker, and the scheduler runs its
    /// tasks elsewhere.
    pub fn new(file: Option<Room>) -> Self {
        Self {
            blocks: HashMap::new(),
            memory_bytes: Cell::new(0),
            heap_bytes: Cell::new(0),
            file,
            states: HashMap::new(),
        }
    }

    /// Gives back a part of the file.
    fn give(&self, at: u64, bytes: u32) {
        if let Some(file) = self.file {
            file.free(at, bytes);
        }
    }

    /// Gives back what a block took.
    fn free(&self, block: &Block) {
        match block {
            Block::Memory(array, _) => less(&self.memory_bytes, array.length() as usize),
            Block::Heap(bytes) => less(&self.heap_bytes, bytes.len()),
            Block::Spilled { at, bytes } => self.give(*at, *bytes),
        }
    }
}

fn more(counter: &Cell<usize>, bytes: usize) {
    counter.set(counter.get() + bytes);
}

fn less(counter: &Cell<usize>, bytes: usize) {
    counter.set(counter.get().saturating_sub(bytes));
}

impl BlockStore for Blocks {
    /// Returns the file, if there is one.
    fn spill_room(&self) -> Option<Arc<dyn SpillRoom>> {
        self.file.map(|file| Arc::new(file) as Arc<dyn SpillRoom>)
    }

    /// Keeps a block, in place of an earlier one of its name: in memory up to the limits, then in the file. If the file
    /// is full, in memory after all.
    fn put(&mut self, id: BlockId, bytes: Vec<u8>, to_file: bool) {
        let block = if !to_file && self.heap_bytes.get() + bytes.len() <= NEW_LIMIT_BYTES {
            more(&self.heap_bytes, bytes.len());
            Block::Heap(Buffer::from(bytes))
        } else {
            let array = Uint8Array::from(bytes.as_slice());
            let length = array.length();
            let spills = to_file || self.memory_bytes.get() + bytes.len() > MEMORY_LIMIT_BYTES;
            let file = self.file.filter(|_| spills);
            match file.and_then(|file| file.put(&array)) {
                Some(at) => Block::Spilled { at, bytes: length },
                None => {
                    more(&self.memory_bytes, bytes.len());
                    Block::Memory(array, false)
                }
            }
        };
        if let Some(before) = self.blocks.insert(id, RefCell::new(block)) {
            self.free(&before.borrow());
        }
    }

    /// Returns a block, copied into the wasm heap. What is read for the second time stays there, if there is room.
    fn get(&self, id: BlockId) -> Option<Buffer> {
        let mut block = self.blocks.get(&id)?.borrow_mut();
        let (copied, again) = match &mut *block {
            Block::Heap(bytes) => return Some(bytes.clone()),
            Block::Spilled { at, bytes } => return self.file?.get(*at, *bytes).map(Buffer::from),
            Block::Memory(array, read) => (Buffer::from(array.to_vec()), std::mem::replace(read, true)),
        };
        if again && self.heap_bytes.get() + copied.len() <= HEAP_LIMIT_BYTES {
            self.free(&block);
            more(&self.heap_bytes, copied.len());
            *block = Block::Heap(copied.clone());
        }
        Some(copied)
    }

    /// Drops all blocks but those that are wanted, and gives back their parts of the file.
    fn retain(&mut self, wanted: &dyn Fn(BlockId) -> bool) {
        let dropped = self.blocks.extract_if(|id, _| !wanted(*id));
        let dropped: Vec<Block> = dropped.map(|(_, block)| block.into_inner()).collect();
        dropped.iter().for_each(|block| self.free(block));
    }
}

impl StateStore for Blocks {
    /// Returns whether there is a file.
    fn takes_state(&self) -> bool {
        self.file.is_some()
    }

    /// Puts a state away, in place of an earlier one of its name; false if it does not fit.
    fn put_state(&mut self, key: StateId, bytes: &[u8]) -> bool {
        let Ok(length) = u32::try_from(bytes.len()) else {
            return false;
        };
        let written = self.file.and_then(|file| file.put(&Uint8Array::from(bytes)));
        if let Some(at) = written
            && let Some((before, bytes)) = self.states.insert(key, (at, length))
        {
            self.give(before, bytes);
        }
        written.is_some()
    }

    /// Takes a state back; it is not in the file any more.
    fn take_state(&mut self, key: StateId) -> Option<Buffer> {
        let (at, bytes) = self.states.remove(&key)?;
        let found = self.file?.get(at, bytes).map(Buffer::from);
        self.give(at, bytes);
        found
    }
}
