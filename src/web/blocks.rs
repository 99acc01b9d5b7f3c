//! Shuffle blocks in the JavaScript heap; past a limit, in a file of the origin's private file system. State that does
//! not fit into memory is there too.
//!
//! A wasm memory never shrinks and ends at 4 GiB; an `ArrayBuffer` is freed when the block is dropped.

use std::collections::HashMap;

use arrow::buffer::Buffer;
use js_sys::Uint8Array;
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use crate::cluster::executor::BlockStore;
use crate::cluster::states::StateStore;
use crate::ids::StateId;
use crate::scheduler::BlockId;
use crate::storage::extents::Extents;

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
    spill: Option<FileSystemSyncAccessHandle>,
    /// Which parts of it are taken.
    file: Extents,
    /// Where state is in the file, and its length.
    states: HashMap<StateId, (u64, u32)>,
}

impl Blocks {
    /// Returns a store without blocks; with a file, it spills.
    ///
    /// Without one, blocks beyond the limit stay in memory: a full heap ends the worker, and the scheduler runs its
    /// tasks elsewhere.
    pub fn new(spill: Option<FileSystemSyncAccessHandle>) -> Self {
        Self {
            blocks: HashMap::new(),
            memory_bytes: 0,
            spill,
            file: Extents::default(),
            states: HashMap::new(),
        }
    }

    /// Writes a piece into the file; `None` if there is neither file nor room.
    fn write(&mut self, bytes: &Uint8Array) -> Option<u64> {
        let file = self.spill.as_ref()?;
        let length = u64::from(bytes.length());
        let start = self.file.take(length);
        // A file system that is full takes less than all, and Chromium then returns a huge length.
        let whole = file
            .write_with_buffer_source_and_options(bytes, &at(start))
            .is_ok_and(|n| n == f64::from(bytes.length()));
        if !whole {
            self.file.give(start, length);
        }
        whole.then_some(start)
    }

    /// Gives back what a block took.
    fn free(&mut self, block: &Block) {
        match block {
            Block::Memory(array) => self.memory_bytes -= array.length() as usize,
            Block::Spilled { at, bytes } => self.file.give(*at, u64::from(*bytes)),
        }
    }

    /// Reads a piece of the file; `None` if it cannot be read whole.
    fn read(&self, start: u64, bytes: u32) -> Option<Buffer> {
        let array = Uint8Array::new_with_length(bytes);
        let read = self
            .spill
            .as_ref()?
            .read_with_buffer_source_and_options(&array, &at(start))
            .ok()?;
        (read == f64::from(bytes)).then(|| Buffer::from(array.to_vec()))
    }
}

/// Returns the options of a read or write at an offset.
fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(offset as f64);
    options
}

impl BlockStore for Blocks {
    /// Keeps a block, in place of an earlier one of its name: in memory up to the limit, then in the file. If the file
    /// is full, in memory after all.
    fn put(&mut self, id: BlockId, bytes: Vec<u8>, to_file: bool) {
        let array = Uint8Array::from(bytes.as_slice());
        let spilled = if to_file || self.memory_bytes + bytes.len() > MEMORY_LIMIT_BYTES {
            let length = array.length();
            self.write(&array).map(|at| Block::Spilled { at, bytes: length })
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
            Block::Spilled { at, bytes } => self.read(*at, *bytes),
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
        self.spill.is_some()
    }

    /// Puts a state away, in place of an earlier one of its name; false if it does not fit.
    fn put_state(&mut self, key: StateId, bytes: &[u8]) -> bool {
        let Ok(length) = u32::try_from(bytes.len()) else {
            return false;
        };
        let written = self.write(&Uint8Array::from(bytes));
        if let Some(at) = written
            && let Some((before, bytes)) = self.states.insert(key, (at, length))
        {
            self.file.give(before, u64::from(bytes));
        }
        written.is_some()
    }

    /// Takes a state back; it is not in the file any more.
    fn take_state(&mut self, key: StateId) -> Option<Buffer> {
        let (at, bytes) = self.states.remove(&key)?;
        let found = self.read(at, bytes);
        self.file.give(at, u64::from(bytes));
        found
    }
}
