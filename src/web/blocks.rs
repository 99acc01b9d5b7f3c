//! Shuffle blocks in the JavaScript heap; past a limit, in a file of the origin's private file system.
//!
//! A wasm memory never shrinks and ends at 4 GiB; an `ArrayBuffer` is freed when the block is dropped.

use std::collections::HashMap;

use arrow::buffer::Buffer;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;

use super::host::SyncFile;
use crate::cluster::executor::BlockStore;
use crate::scheduler::{JobId, TaskId};

/// Bytes of blocks held in memory before the next go to the file.
const MEMORY_LIMIT_BYTES: usize = 256 << 20;

enum Block {
    Memory(Uint8Array),
    Spilled { at: f64, bytes: u32 },
}

pub struct Blocks {
    blocks: HashMap<(TaskId, usize), Block>,
    memory_bytes: usize,
    spill: Option<SyncFile>,
    /// Where the file ends; it starts anew when nothing in it is wanted any more.
    end: f64,
}

impl Blocks {
    pub fn new(spill: Option<SyncFile>) -> Self {
        Self {
            blocks: HashMap::new(),
            memory_bytes: 0,
            spill,
            end: 0.0,
        }
    }

    fn spill(&mut self, bytes: &Uint8Array) -> Option<Block> {
        let file = self.spill.as_ref()?;
        let written = file.write(bytes, &at(self.end)).ok()?;
        // A file system that is full takes less than all: the block stays in memory.
        if written < f64::from(bytes.length()) {
            return None;
        }
        let block = Block::Spilled {
            at: self.end,
            bytes: bytes.length(),
        };
        self.end += f64::from(bytes.length());
        Some(block)
    }
}

fn at(offset: f64) -> JsValue {
    let options = Object::new();
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&options, &"at".into(), &offset.into());
    options.into()
}

impl BlockStore for Blocks {
    fn put(&mut self, task: TaskId, partition: usize, bytes: Vec<u8>) {
        let array = Uint8Array::from(bytes.as_slice());
        let spilled = if self.memory_bytes + bytes.len() > MEMORY_LIMIT_BYTES {
            self.spill(&array)
        } else {
            None
        };
        let block = spilled.unwrap_or_else(|| {
            self.memory_bytes += bytes.len();
            Block::Memory(array)
        });
        self.blocks.insert((task, partition), block);
    }

    fn get(&self, task: TaskId, partition: usize) -> Option<Buffer> {
        match self.blocks.get(&(task, partition))? {
            Block::Memory(array) => Some(Buffer::from(array.to_vec())),
            Block::Spilled { at: offset, bytes } => {
                let array = Uint8Array::new_with_length(*bytes);
                let read = self.spill.as_ref()?.read(&array, &at(*offset)).ok()?;
                (read >= f64::from(*bytes)).then(|| Buffer::from(array.to_vec()))
            }
        }
    }

    fn drop_job(&mut self, job: JobId) {
        let mut freed = 0;
        self.blocks.retain(|(task, _), block| {
            let kept = task.job != job;
            if let (false, Block::Memory(array)) = (kept, &*block) {
                freed += array.length() as usize;
            }
            kept
        });
        self.memory_bytes -= freed;
        if !self.blocks.values().any(|b| matches!(b, Block::Spilled { .. })) {
            self.end = 0.0;
        }
    }
}
