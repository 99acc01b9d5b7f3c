//! Shuffle blocks and stored state of which some are lost.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use arrow::buffer::Buffer;
use rand::Rng;
use rand::rngs::SmallRng;

use rivulet::cluster::executor::{BlockStore, MemoryBlocks};
use rivulet::cluster::states::StateStore;
use rivulet::ids::StateId;
use rivulet::scheduler::BlockId;
use rivulet::storage::spill::SpillRoom;

/// Blocks on the heap; each is lost with a probability, and its executor lives on.
pub struct LossyBlocks {
    pub blocks: MemoryBlocks,
    pub rng: SmallRng,
    pub losing: f64,
    /// The names of what is here, seen from outside; an executor that dies takes its own along.
    pub names: Names,
}

/// The names of blocks of one executor.
pub type Names = Rc<RefCell<BTreeSet<BlockId>>>;

impl StateStore for LossyBlocks {
    fn takes_state(&self) -> bool {
        self.blocks.takes_state()
    }

    fn put_state(&mut self, key: StateId, bytes: &[u8]) -> bool {
        self.blocks.put_state(key, bytes)
    }

    fn take_state(&mut self, key: StateId) -> Option<Buffer> {
        let found = self.blocks.take_state(key);
        found.filter(|_| !self.rng.random_bool(self.losing))
    }
}

impl BlockStore for LossyBlocks {
    fn spill_room(&self) -> Option<Arc<dyn SpillRoom>> {
        self.blocks.spill_room()
    }

    fn put(&mut self, id: BlockId, bytes: Vec<u8>, to_file: bool) {
        if !self.rng.random_bool(self.losing) {
            self.blocks.put(id, bytes, to_file);
            self.names.borrow_mut().insert(id);
        }
    }

    fn get(&self, id: BlockId) -> Option<Buffer> {
        self.blocks.get(id)
    }

    fn retain(&mut self, wanted: &dyn Fn(BlockId) -> bool) {
        self.blocks.retain(wanted);
        self.names.borrow_mut().retain(|id| wanted(*id));
    }
}
