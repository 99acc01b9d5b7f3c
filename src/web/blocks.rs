//! Shuffle blocks in the JavaScript heap; past a limit, in a file of the origin's private file system. State that does
//! not fit into memory is there too.
//!
//! A wasm memory never shrinks and ends at 4 GiB; an `ArrayBuffer` is freed when the block is dropped.

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

/// Where a block is.
enum Block {
    /// In the JavaScript heap.
    Memory(Uint8Array),
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
    blocks: HashMap<BlockId, Block>,
    /// Bytes of blocks in memory.
    memory_bytes: usize,
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
            memory_bytes: 0,
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
    fn free(&mut self, block: &Block) {
        match block {
            Block::Memory(array) => self.memory_bytes -= array.length() as usize,
            Block::Spilled { at, bytes } => self.give(*at, *bytes),
        }
    }
}

impl BlockStore for Blocks {
    /// Returns the file, if there is one.
    fn spill_room(&self) -> Option<Arc<dyn SpillRoom>> {
        self.file.map(|file| Arc::new(file) as Arc<dyn SpillRoom>)
    }

    /// Keeps a block, in place of an earlier one of its name: in memory up to the limit, then in the file. If the file
    /// is full, in memory after all.
    fn put(&mut self, id: BlockId, bytes: Vec<u8>, to_file: bool) {
        let array = Uint8Array::from(bytes.as_slice());
        let spilled = if to_file || self.memory_bytes + bytes.len() > MEMORY_LIMIT_BYTES {
            let length = array.length();
            self.file
                .and_then(|file| file.put(&array))
                .map(|at| Block::Spilled { at, bytes: length })
        } else {
            None
        };
        let block = spilled.unwrap_or_else(|| {
            self.memory_bytes += bytes.len();
            Block::Memory(array)
        });
        if let Some(before) = self.blocks.insert(id, block) {
            self.free(&before);
        }
    }

    /// Returns a block, copied into the wasm heap.
    fn get(&self, id: BlockId) -> Option<Buffer> {
        match self.blocks.get(&id)? {
            Block::Memory(array) => Some(Buffer::from(array.to_vec())),
            Block::Spilled { at, bytes } => self.file?.get(*at, *bytes).map(Buffer::from),
        }
    }

    /// Drops all blocks but those that are wanted, and gives back their parts of the file.
    fn retain(&mut self, wanted: &dyn Fn(BlockId) -> bool) {
        let dropped: Vec<Block> = self.blocks.extract_if(|id, _| !wanted(*id)).map(|(_, b)| b).collect();
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
